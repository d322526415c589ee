"""Updates from a git URL, from a relative local path, to the newest tag and to a named one, by the real command."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml
from templates import TemplateRepo, command, files_of, git, save


def answers_of(project: Path) -> dict[str, object]:
    return dict(yaml.safe_load((project / ".copier-answers.yml").read_text(encoding="utf-8")))


def start(project: Path) -> None:
    git(project, "init", "-q", "-b", "main")
    save(project, "copied")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["url", "relative"])
def test_sources(three: TemplateRepo, tmp_path: Path, kind: str) -> None:
    """Copied at v1 by URL or relative path, updated from another folder: to a tag, then to the newest, then again.

    With the URL a layer is named by REGISTRY_PATH, and left out of the last update.
    """
    layer = tmp_path / "layer" / "instances"
    layer.mkdir(parents=True)
    (layer / "m5.yaml").write_text("types:\n  ml.m5.large:\n    price_usd_hour: 0.001\n", encoding="utf-8")
    environ = {"REGISTRY_PATH": str(layer.parent)} if kind == "url" else {}
    source = f"git+{three.folder.as_uri()}" if kind == "url" else os.path.relpath(three.folder, tmp_path)
    words = ("--trust", "--defaults", "--vcs-ref", "v1.0.0", "--data", "offline=true", "--data", "framework=xgboost")
    done = command("copy", *words, source, "project", cwd=tmp_path, environ=environ)
    assert done.returncode == 0, done.stderr
    project = tmp_path / "project"
    assert answers_of(project)["_src_path"] == (source if kind == "url" else str(three.folder))
    start(project)
    done = command("update", "--trust", "--defaults", "--vcs-ref", "v2.0.0", cwd=project, environ=environ)
    assert done.returncode == 0 and answers_of(project)["_commit"] == "v2.0.0", done.stderr
    if kind == "url":
        assert "0.001 USD" in (project / "README.md").read_text(encoding="utf-8")
        assert answers_of(project)["outside_facts"]["layers"][0]["name"] == str(layer.parent)  # type: ignore[index]
    else:
        assert "To do: nothing" in done.stderr and "price_usd_hour: " in done.stderr, done.stderr
    save(project, "v2")
    done = command("update", "--trust", "--defaults", str(project), cwd=tmp_path)
    newest = sorted(three.tags)[-1]
    assert done.returncode == 0 and answers_of(project)["_commit"] == newest, done.stderr
    assert "outside_facts" not in answers_of(project)
    assert "0.001 USD" not in (project / "README.md").read_text(encoding="utf-8")
    assert not [n for n, data in files_of(project).items() if b"<<<<<<<" in data]
    save(project, "newest")
    done = command("update", "--trust", "--defaults", cwd=project)
    assert git(project, "status", "--porcelain") == "" and "Nothing changed." in done.stderr


@pytest.mark.slow
def test_nothing_installed_matters(three: TemplateRepo, tmp_path: Path) -> None:
    """A broken mcc_registry in front of the import path changes nothing: each version runs its own."""
    fake = tmp_path / "site" / "mcc_registry"
    fake.mkdir(parents=True)
    (fake / "__init__.py").write_text("raise RuntimeError('the installed one')\n", encoding="utf-8")
    (tmp_path / "site" / "hooks").mkdir()
    (tmp_path / "site" / "hooks" / "__init__.py").write_text("raise RuntimeError('not ours')\n", encoding="utf-8")
    environ = {"PYTHONPATH": str(tmp_path / "site")}
    words = ("--trust", "--defaults", "--data", "offline=true", "--data", "framework=sklearn")
    done = command("copy", *words, "--vcs-ref", "v1.0.0", str(three.folder), "p", cwd=tmp_path, environ=environ)
    assert done.returncode == 0, done.stderr
    start(tmp_path / "p")
    done = command("update", "--trust", "--defaults", "--vcs-ref", "v3.0.0", cwd=tmp_path / "p", environ=environ)
    assert done.returncode == 0, done.stderr
    fresh = three.copy(tmp_path / "fresh", "v3.0.0", {"framework": "sklearn", "project_name": "p"}, commit=False)
    assert files_of(tmp_path / "p") == files_of(fresh)
