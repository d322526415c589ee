"""What the Hub said is kept: an update asks nobody, a Hub that changed or is down changes nothing, a new model is asked for."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from templates import ROOT, TemplateRepo, command, files_of, git, save

sys.path.insert(0, str(ROOT / "tests" / "standins"))
from hub import COMMIT, LLAMA_8B, HubStandIn

pytestmark = pytest.mark.slow

NAME, OTHER = "acme-labs/new-8b-instruct", "acme-labs/newer-8b-instruct"
CONFIG = LLAMA_8B


def publish(hub: HubStandIn, name: str, context: int, **info: Any) -> None:
    """A model of 16 GB with some context length."""
    size = 16_060_522_496
    hub.add(
        name,
        {"config.json": CONFIG | {"max_position_embeddings": context}, "tokenizer_config.json": {}},
        sizes={"model.safetensors": size},
        safetensors={"parameters": {"BF16": size // 2}, "total": size // 2},
        **info,
    )


@pytest.fixture
def hub() -> Iterator[HubStandIn]:
    with HubStandIn() as server:
        publish(server, NAME, 8192)
        yield server


@pytest.fixture
def environ(hub: HubStandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The environment of processes that ask the stand-in."""
    for name in ("HF_HUB_OFFLINE", "HF_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    return {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "hf"), "HF_HUB_DISABLE_TELEMETRY": "1"}


def run(environ: dict[str, str], cwd: Path, *words: str) -> str:
    done = command(*words, "--trust", "--defaults", cwd=cwd, environ=environ)
    assert done.returncode == 0, done.stderr
    return done.stderr


def make(repo: TemplateRepo, environ: dict[str, str], folder: Path, *data: str) -> Path:
    """A project of the first version, committed."""
    pairs = [word for pair in (f"model_name={NAME}", "project_name=p", *data) for word in ("--data", pair)]
    run(environ, folder.parent, "copy", "--vcs-ref", "v1.0.0", *pairs, str(repo.folder), str(folder))
    git(folder, "init", "-q", "-b", "main")
    save(folder, "copied")
    return folder


def told_by_hub(project: Path) -> dict[str, Any]:
    answers = yaml.safe_load((project / ".copier-answers.yml").read_text(encoding="utf-8"))
    return dict(answers["outside_facts"]["hub"])


def length_in(project: Path) -> str:
    lines = (project / "container.env").read_text(encoding="utf-8").splitlines()
    return next(line.partition("=")[2] for line in lines if line.startswith("SM_VLLM_MAX_MODEL_LEN="))


@pytest.mark.parametrize("then", ["changed", "down", "offline"])
def test_an_update_asks_nobody(
    three: TemplateRepo, hub: HubStandIn, environ: dict[str, str], tmp_path: Path, then: str
) -> None:
    """Another context, a Hub that fails, a machine without network: the project is the one the recorded facts make."""
    project = make(three, environ, tmp_path / "p")
    assert length_in(project) == "8192" and told_by_hub(project)["commit"] == COMMIT
    fresh = tmp_path / "fresh"
    pairs = [word for pair in (f"model_name={NAME}", "project_name=p") for word in ("--data", pair)]
    run(environ, tmp_path, "copy", "--vcs-ref", "v2.0.0", *pairs, str(three.folder), str(fresh))
    hub.requests.clear()
    publish(hub, NAME, 4096)
    if then == "down":
        hub.fail[NAME] = "broken"
    if then == "offline":
        environ["HF_ENDPOINT"] = "http://127.0.0.1:9"
    run(environ, project, "update", "--vcs-ref", "v2.0.0")
    assert hub.requests == [] and files_of(project) == files_of(fresh)


def test_another_model_is_asked_for_and_arrives(
    three: TemplateRepo, hub: HubStandIn, environ: dict[str, str], tmp_path: Path
) -> None:
    """New model, new facts: delivered without a conflict beside an edit of the owner; the old facts are not asked for."""
    project = make(three, environ, tmp_path / "p")
    readme = project / "README.md"
    readme.write_text(readme.read_text(encoding="utf-8") + "\nMy own words.\n", encoding="utf-8")
    save(project, "edited")
    publish(hub, OTHER, 4096)
    hub.requests.clear()
    told = run(environ, project, "update", "--vcs-ref", "v2.0.0", "--data", f"model_name={OTHER}")
    assert length_in(project) == "4096" and told_by_hub(project)["model_id"] == OTHER
    assert hub.requests and not [path for path in hub.requests if NAME in path]
    assert "My own words." in readme.read_text(encoding="utf-8") and "model_name: " in told
    assert not [n for n, data in files_of(project).items() if b"<<<<<<<" in data]


def test_what_a_copy_offline_did_not_know_arrives_later(
    three: TemplateRepo, environ: dict[str, str], tmp_path: Path
) -> None:
    """Made offline, updated online: the Hub's facts come as a change, and a second update changes nothing."""
    project = make(three, environ, tmp_path / "p", "offline=true", "instance_type=ml.g6e.xlarge")
    answers = yaml.safe_load((project / ".copier-answers.yml").read_text(encoding="utf-8"))
    assert "outside_facts" not in answers
    run(environ, project, "update", "--vcs-ref", "v1.0.0", "--data", "offline=false")
    assert length_in(project) == "8192" and told_by_hub(project)["commit"] == COMMIT
    assert os.environ.get("HF_HUB_OFFLINE") is None
    save(project, "online")
    run(environ, project, "update", "--vcs-ref", "v1.0.0")
    assert git(project, "status", "--porcelain") == ""
