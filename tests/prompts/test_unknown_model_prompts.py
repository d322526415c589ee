"""A person types a model the registries never heard of: the questions and the project follow from the Hub's facts."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from .terminal import ROOT, Terminal

sys.path.insert(0, str(ROOT / "tests" / "standins"))

from hub import COMMIT, LLAMA_8B, HubStandIn

pytestmark = pytest.mark.slow

NAME = "acme-labs/new-14b-instruct"
CONFIG = LLAMA_8B | {
    "hidden_size": 5120,
    "intermediate_size": 17408,
    "num_attention_heads": 40,
    "num_hidden_layers": 40,
}
BYTES = 29_500_000_000
"""27.5 GiB: more than one A10G or L4 has, less than one L40S."""


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[HubStandIn]:
    """A Hub on loopback that knows the model, and an environment that asks it."""
    for name in ("HF_HUB_OFFLINE", "HF_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    with HubStandIn() as server:
        server.add(
            NAME,
            {"config.json": CONFIG, "tokenizer_config.json": {"chat_template": "{{ messages }}"}},
            sizes={"model.safetensors": BYTES},
            safetensors={"parameters": {"BF16": BYTES // 2}, "total": BYTES // 2},
        )
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
        monkeypatch.setenv("HF_HUB_DISABLE_TELEMETRY", "1")
        yield server


def test_the_plan_follows_from_the_hub(hub: HubStandIn, terminal: Callable[..., Terminal]) -> None:
    """The list of types says which are too small by the Hub's bytes; the project serves the commit that was found."""
    run = terminal(offline="false")
    run.skip_to("model_name")
    run.type(NAME)
    run.skip_to("instance_type")
    lines = run.listed()
    small = [line for line in lines if line.startswith("- ")]
    assert small, "\n".join(lines)
    assert any(f"{NAME} does not fit" in line for line in small), lines
    assert lines[1].startswith("ml.g6e.xlarge (") and "needs " in lines[1], lines
    assert run.end(press_enter=True) == 0, run.all
    assert "Traceback" not in run.all
    assert any(NAME in asked for asked in hub.requests)
    saved = yaml.safe_load((run.folder / ".copier-answers.yml").read_text(encoding="utf-8"))
    assert saved["model_name"] == NAME and saved["instance_type"] == "auto"
    lock = yaml.safe_load((run.folder / "mcc.lock.yaml").read_text(encoding="utf-8"))
    assert lock["model"]["match"] == "hub" and lock["instance_type"] == "ml.g6e.xlarge"
    env = (run.folder / "container.env").read_text(encoding="utf-8")
    assert f"SM_VLLM_MODEL={NAME}" in env and f"SM_VLLM_REVISION={COMMIT}" in env
    length = next(line for line in env.splitlines() if line.startswith("SM_VLLM_MAX_MODEL_LEN="))
    assert 2048 <= int(length.partition("=")[2].split()[0]) <= CONFIG["max_position_embeddings"]
    readme = (run.folder / "README.md").read_text(encoding="utf-8")
    assert "weights 27.5, KV cache 5.0" in readme and lock["memory"]["fits"] is True
    assert round(lock["memory"]["weights_gib"], 1) == 27.5
    asked = readme.partition("Other instance types looked at")[2]
    assert all(f"- {name} (" in asked for name in ("ml.g6e.2xlarge", "ml.g6e.4xlarge"))
