"""validate_with_docker in a project, with the stand-in of the docker command: recorded, replayed, never in the way."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
import yaml

from tests.unit.test_docker import CONFIG, IMAGE, STANDIN, calls, probe

sys.path.insert(0, str(Path(__file__).parents[1] / "updates"))
from templates import TemplateRepo, files_of, git, update

DATA = {
    "model_name": "Qwen/Qwen3-4B",
    "framework_version": "0.30.0",
    "image_source": "upstream",
    "instance_type": "ml.g6.xlarge",
    "validate_with_docker": True,
}


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> TemplateRepo:
    return TemplateRepo.make(tmp_path_factory.mktemp("template") / "template").tag("v2.0.0")


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "engine"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{STANDIN}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("FAKE_DOCKER", str(folder))
    (folder / "image.json").write_text(json.dumps(CONFIG))
    (folder / "probe.txt").write_text(probe(vllm="0.29.0", cuda="12.9.1"))
    monkeypatch.delenv("REGISTRY_PATH", raising=False)
    forget()
    return folder


def forget() -> None:
    """What a new process would not know."""
    sys.modules.pop("_mcc_process_store", None)


def read(project: Path, name: str) -> dict[str, object]:
    return yaml.safe_load((project / name).read_text(encoding="utf-8"))


def test_a_lying_tag_shows_in_the_project_and_stays_recorded(repo: TemplateRepo, fake: Path, tmp_path: Path) -> None:
    """The lock has what the image holds, the README says so; the image is inspected once."""
    project = repo.copy(tmp_path / "project", "v1.0.0", DATA)
    lock, answers = read(project, "mcc.lock.yaml"), read(project, ".copier-answers.yml")
    assert lock["framework"]["version"] == "0.29.0" and lock["framework"]["accelerator"]["version"] == "12.9"
    readme = (project / "README.md").read_text(encoding="utf-8")
    assert "holds vllm 0.29.0, not 0.30.0 (MCC626)" in readme and "but holds CUDA 12.9.1" in readme
    (entry,) = answers["outside_facts"]["images"]
    assert entry["image"] == IMAGE and entry["facts"]["packages"]["vllm"] == "0.29.0"
    assert "geheim" not in json.dumps(answers)
    assert len([c for c in calls(fake) if c[0] == "run"]) == 1


def test_an_update_replays_what_was_found(repo: TemplateRepo, fake: Path, tmp_path: Path) -> None:
    """With the engine gone, nothing is asked and nothing changes."""
    project = repo.copy(tmp_path / "project", "v1.0.0", DATA)
    before = files_of(project)
    (fake / "down").touch()
    (fake / "calls").unlink()
    forget()
    update(project, "v2.0.0")
    after = files_of(project)
    assert {n for n in after if before.get(n) != after[n]} <= {".copier-answers.yml"}
    assert calls(fake) == []


def test_without_an_engine_the_project_is_made_all_the_same(repo: TemplateRepo, fake: Path, tmp_path: Path) -> None:
    """And the next update, with an engine, brings what is found then, without a conflict."""
    (fake / "down").touch()
    project = repo.copy(tmp_path / "project", "v1.0.0", DATA)
    assert read(project, "mcc.lock.yaml")["framework"]["version"] == "0.30.0"
    (entry,) = read(project, ".copier-answers.yml")["outside_facts"]["images"]
    assert entry["facts"] is None and [f["code"] for f in entry["told"]] == ["MCC620"]
    assert "no container engine answered" in (project / "README.md").read_text(encoding="utf-8")
    (fake / "down").unlink()
    forget()
    update(project, "v2.0.0")
    assert read(project, "mcc.lock.yaml")["framework"]["version"] == "0.29.0"
    assert not [n for n, text in files_of(project).items() if b"<<<<<<<" in text or n.endswith(".rej")]
    changed = git(project, "diff", "--name-only").split()
    assert "mcc.lock.yaml" in changed and "README.md" in changed
    assert "no container engine answered" not in (project / "README.md").read_text(encoding="utf-8")


def test_nothing_is_asked_unless_wanted(repo: TemplateRepo, fake: Path, tmp_path: Path) -> None:
    """The default is no."""
    repo.copy(tmp_path / "project", "v1.0.0", {**DATA, "validate_with_docker": False}, commit=False)
    assert calls(fake) == []


def test_outdated_knows_what_was_found(repo: TemplateRepo, fake: Path, tmp_path: Path) -> None:
    """The lock of an inspected project is not taken for one that is behind."""
    from tests.cli.invoke import invoke

    project = repo.copy(tmp_path / "project", "v1.0.0", DATA)
    (fake / "down").touch()
    shown = invoke("outdated", "--project", str(project), "--format", "json")
    assert shown.json["ok"] and shown.json["changes"] == []
