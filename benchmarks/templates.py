"""The templates a run compares: ours, a trivial one, and ones of our size without our code."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import yaml

ANSWERS = "{{_copier_conf.answers_file}}.jinja"


def git(folder: Path, *words: str) -> None:
    """Run git in a folder with an identity of its own."""
    subprocess.run(
        ["git", "-c", "user.name=b", "-c", "user.email=b@example.invalid", "-c", "commit.gpgsign=false", *words],
        cwd=folder,
        check=True,
        capture_output=True,
    )


def commit_all(folder: Path, tag: str | None = None) -> Path:
    """Make a folder a git repository of one commit in one pack."""
    git(folder, "init", "-q")
    git(folder, "add", "-A", "--force")
    git(folder, "commit", "-qm", "one")
    git(folder, "gc", "-q")
    if tag:
        git(folder, "tag", tag)
    return folder


def packed_clone(root: Path, target: Path) -> Path:
    """The last commit of a checkout in a repository with one pack and one tag."""
    git(root, "clone", "-q", "--no-local", "--no-tags", str(root), str(target))
    git(target, "tag", "v1.0.0")
    return target


def trivial(folder: Path) -> Path:
    """A template with one question and one file."""
    (folder / "template").mkdir(parents=True)
    (folder / "copier.yml").write_text("_subdirectory: template\nname:\n  type: str\n  default: x\n")
    (folder / "template" / "a.txt.jinja").write_text("{{ name }}\n")
    (folder / "template" / ANSWERS).write_text("{{ _copier_answers|to_nice_yaml }}")
    return commit_all(folder, "v1.0.0")


def same_size(ours: Path, project: Path, folder: Path, *, keep_repository: bool = False) -> Path:
    """A template with our questions, all constant, and the files of a project, none a template.

    Args:
        ours: our template.
        project: a project made from it.
        folder: where the new template is made.
        keep_repository: keep the other files of our repository too, so that its clone is as large as ours.
    """
    if keep_repository:
        shutil.copytree(ours, folder, ignore=shutil.ignore_patterns(".git"))
        shutil.rmtree(folder / "template")
    settings: dict[str, Any] = {"_subdirectory": "template"}
    for name, question in yaml.safe_load((ours / "copier.yml").read_text(encoding="utf-8")).items():
        if not name.startswith("_"):
            fixed = {key: question[key] for key in ("type", "help") if key in question}
            default = question.get("default", False)
            templated = isinstance(default, str) and "{{" in default
            plain: Any = False if question.get("type") == "bool" else ""
            settings[name] = {**fixed, "default": plain if templated else default}
    shutil.copytree(project, folder / "template", ignore=shutil.ignore_patterns(".copier-answers.yml"))
    (folder / "template" / ANSWERS).write_text("{{ _copier_answers|to_nice_yaml }}")
    (folder / "copier.yml").write_text(yaml.safe_dump(settings, sort_keys=False))
    return commit_all(folder, "v1.0.0")
