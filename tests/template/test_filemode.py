"""Copier's question about ``core.fileMode`` is asked once per project, and answered as Copier itself would."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from copier._main import Worker

from hooks import filemode
from tests.updates.templates import git

Copy = Callable[..., Any]
HAS_METHOD = filemode.METHOD in vars(Worker)
needs_method = pytest.mark.skipif(not HAS_METHOD, reason="this Copier does not ask for core.fileMode")


@pytest.fixture
def counting(tmp_path: Path) -> tuple[Path, dict[str, str]]:
    """A log of the words git is called with, and the environment that writes it."""
    real, log, folder = shutil.which("git"), tmp_path / "git.log", tmp_path / "bin"
    folder.mkdir()
    shim = folder / "git"
    shim.write_text(f'#!/bin/sh\necho "$*" >> "{log}"\nexec "{real}" "$@"\n', encoding="utf-8")
    shim.chmod(0o755)
    return log, {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}


def test_git_is_asked_once(tmp_path: Path, copy_project: Copy, counting: tuple[Path, dict[str, str]]) -> None:
    """At most one look-up for all files of a copy, whatever this Copier calls its method; and nothing is left behind."""
    log, environ = counting
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    result = copy_project(tmp_path / "project", environ=environ | {"TMPDIR": str(temporary)})
    assert result.status == 0, result.text
    asked = [line for line in log.read_text(encoding="utf-8").splitlines() if "core.fileMode" in line]
    assert len(asked) == HAS_METHOD < len(result.files)
    assert not list(temporary.iterdir())


@needs_method
@pytest.mark.parametrize(("setting", "expected"), [("false", "100755"), ("true", "100644")])
def test_the_index_follows_where_git_does_not_look(
    tmp_path: Path, copy_project: Copy, setting: str, expected: str
) -> None:
    """``do/build`` was committed without its executable bit: its entry in the index is mended only where git is blind."""
    project = tmp_path / "project"
    assert copy_project(project).status == 0
    git(project, "init", "-q")
    git(project, "config", "core.fileMode", setting)
    git(project, "add", "-A")
    git(project, "update-index", "--chmod=-x", "do/build")
    git(project, "commit", "-qm", "one")
    (project / "do" / "build").chmod(0o644)
    again = copy_project(project, "--overwrite")
    assert again.status == 0, again.text
    assert git(project, "ls-files", "--stage", "do/build").startswith(expected)
    assert (project / "do" / "build").stat().st_mode & stat.S_IXUSR


def test_another_method_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Copier whose method looks different, or that has none, keeps it."""

    def other(self: Any, path: Path) -> None:
        del self, path

    monkeypatch.setattr(Worker, filemode.METHOD, other, raising=False)
    filemode.ask_once()
    assert vars(Worker)[filemode.METHOD] is other
    monkeypatch.delattr(Worker, filemode.METHOD)
    filemode.ask_once()
    assert filemode.METHOD not in vars(Worker)


def test_it_is_done_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The checkouts of one update wrap the method a single time."""

    def method(self: Any, dst_relpath: Path, src_mode: int) -> None:
        del self, dst_relpath, src_mode

    monkeypatch.setattr(Worker, filemode.METHOD, method, raising=False)
    filemode.ask_once()
    first = vars(Worker)[filemode.METHOD]
    assert first is not method
    filemode.ask_once()
    assert vars(Worker)[filemode.METHOD] is first


def test_without_git_copier_decides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where git cannot be started nothing is assumed."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not filemode.git_sees_modes(tmp_path)
