"""`validate --changed` in real git repositories: ours, one of private registries, and none."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from mcc_registry.loading.files import shipped_root

from .invoke import invoke

MODEL = """kind: model_family
id: acme
title: Models of Acme
provenance:
  source:
    - model cards
  checked: "2026-11-24"
  basis: documented
patterns:
  - match: "acme/*"
    must_match:
      - acme/a
    settings:
      max_model_len: 4096
"""


def git(folder: Path, *words: str) -> None:
    who = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run(["git", "-C", str(folder), *who, *words], check=True, capture_output=True)


def commit(folder: Path) -> None:
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "x")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty repository, which is the current folder."""
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    monkeypatch.chdir(folder)
    monkeypatch.delenv("GITHUB_BASE_REF", raising=False)
    return folder


def test_a_pull_request_of_a_repository_of_layers(here: Path) -> None:
    """The layers the branch changed are judged, committed or not; the others, broken before, are not."""
    old, new = here / "layers/old/models/acme.yaml", here / "layers/new/models/acme.yaml"
    for path in (old, new):
        path.parent.mkdir(parents=True)
    old.write_text("kind: model_family\n")
    commit(here)
    unchanged = invoke("validate", "--changed")
    assert unchanged.code == 0 and "no registry file differs" in unchanged.out
    git(here, "checkout", "-q", "-b", "topic")
    new.write_text(MODEL)
    good = invoke("validate", "--changed")
    assert good.code == 0 and "layers/new" in good.out
    new.write_text(MODEL.replace("max_model_len", "max_model_lem"))
    commit(here)
    bad = invoke("validate", "--changed", "--format", "json")
    assert bad.code == 1 and bad.codes == ["MCC529"]
    assert bad.json["findings"][0]["source"] == "layers/new/models/acme.yaml:14"
    (here / "README.md").write_text("nothing of a registry")
    assert invoke("validate", "--changed").code == 1


def test_a_pull_request_of_our_repository(here: Path) -> None:
    """The checkout one stands in is judged, whichever library is installed, and a removed entry others need is told."""
    shutil.copytree(shipped_root(), here / "registries")
    commit(here)
    git(here, "checkout", "-q", "-b", "topic")
    vllm = here / "registries/frameworks/vllm.yaml"
    before = vllm.read_text()
    vllm.write_text(before.replace("validation_level: experimental", "validation_level: tested", 1))
    wrong = invoke("validate", "--changed", "--format", "json")
    assert wrong.code == 1 and wrong.codes == ["MCC535"]
    assert wrong.json["findings"][0]["source"].startswith("registries/frameworks/vllm.yaml:")
    vllm.write_text(before)
    (here / "registries/instances/g6.yaml").unlink()
    gone = invoke("validate", "--changed", "--format", "json")
    assert gone.code == 1 and gone.codes


def test_outside_git_it_is_wrong_usage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It never says "ok" of files it did not look at."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.chdir(tmp_path)
    done = invoke("validate", "--changed")
    assert done.code == 2 and done.out == "" and "needs a git checkout" in done.err.replace("\n    ", " ")
