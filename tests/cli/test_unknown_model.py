"""A model the registries never heard of gets a sensible plan from the Hub's facts, on the command line and in a copy."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "standins"))

from hub import COMMIT, LLAMA_8B, HubStandIn  # noqa: E402

NAME = "acme-labs/new-8b-instruct"
CONFIG = LLAMA_8B
BYTES = 16_060_522_496
"""8.03 billion parameters in bfloat16."""


@pytest.fixture(scope="module")
def hub() -> Iterator[HubStandIn]:
    """A Hub that knows the model."""
    with HubStandIn() as server:
        server.add(
            NAME,
            {"config.json": CONFIG, "tokenizer_config.json": {"chat_template": "{{ messages }}"}},
            sizes={"model.safetensors": BYTES},
            safetensors={"parameters": {"BF16": BYTES // 2}, "total": BYTES // 2},
        )
        yield server


def environment(hub: HubStandIn, tmp_path: Path) -> dict[str, str]:
    """The environment of a process that asks the stand-in."""
    drop = ("HF_HUB_OFFLINE", "HF_TOKEN", "REGISTRY_PATH")
    keep = {k: v for k, v in os.environ.items() if k not in drop}
    return keep | {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "hf"), "HF_HUB_DISABLE_TELEMETRY": "1"}


def test_resolve_uses_the_hub(hub: HubStandIn, tmp_path: Path) -> None:
    """Match `hub`, memory computed from exact bytes, context from the configuration, the commit passed to the engine."""
    command = [sys.executable, "-m", "mcc_registry", "resolve", "--model-name", NAME, "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(hub, tmp_path), check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    plan = json.loads(done.stdout)
    assert plan["model"]["match"] == "hub"
    assert plan["model"]["chat_template_source"] == "model_repository"
    assert abs(plan["fit"]["weights_gib"] - BYTES / 2**30) < 0.2
    assert plan["env_vars"]["SM_VLLM_REVISION"] == {"value": COMMIT, "source": "HuggingFace_Hub_API"}
    assert 2048 <= plan["settings"]["max_model_len"]["value"] <= CONFIG["max_position_embeddings"]
    assert "HuggingFace_Hub_API" in plan["sources"]
    assert not [f for f in plan["findings"] if f["name"] == "model-unknown"]


def test_a_copy_records_what_the_hub_said(hub: HubStandIn, tmp_path: Path) -> None:
    """The commit is kept with the answers, so that an update asks nobody and serves the same weights."""
    out = tmp_path / "project"
    command = [sys.executable, "-m", "copier", "copy", "--trust", "--defaults", "--vcs-ref", "HEAD", "-q"]
    command += ["--data", f"model_name={NAME}", str(ROOT), str(out)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(hub, tmp_path), check=False)
    assert done.returncode == 0, done.stderr
    answers = yaml.safe_load((out / ".copier-answers.yml").read_text())
    assert answers["outside_facts"]["hub"]["commit"] == COMMIT
    assert answers["model_revision"] == "auto"
    assert f"SM_VLLM_REVISION={COMMIT}" in (out / "container.env").read_text()


@pytest.mark.parametrize("failure", ["not-found", "gated-403", "limited", "broken", "html"])
def test_a_failing_hub_ends_in_one_finding(hub: HubStandIn, tmp_path: Path, failure: str) -> None:
    """Resolution goes on with what the registry knows, and says why the Hub's facts are missing."""
    hub.fail["acme-labs/other"] = failure
    command = [sys.executable, "-m", "mcc_registry", "resolve", "--model-name", "acme-labs/other", "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(hub, tmp_path), check=False)
    plan = json.loads(done.stdout)
    assert done.returncode == 0 and plan["ok"], done.stdout
    assert len([f for f in plan["findings"] if f["code"] == "MCC601"]) == 1
    assert "Traceback" not in done.stderr


def test_offline_asks_nobody(hub: HubStandIn, tmp_path: Path) -> None:
    """`--offline` sends no request at all."""
    before = len(hub.requests)
    command = [sys.executable, "-m", "mcc_registry", "resolve", "--offline", "--model-name", NAME, "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(hub, tmp_path), check=False)
    assert done.returncode == 0 and len(hub.requests) == before
