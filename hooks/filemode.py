"""Copier asks git the same question once for each file it writes; here it is asked once for each project.

Copier 9.16 and later look up ``core.fileMode`` after writing a file, because git sees executable bits itself unless that
is ``false``. For our 21 files these are 21 processes, in an update 63, more time than everything this template computes
(docs/decisions/0021). Only the look-up is saved: where the answer is ``false``, Copier's own method runs for every file.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

METHOD = "_sync_git_index_executable_bit"
ARGUMENTS = ("self", "dst_relpath", "src_mode")
"""What the method must look like; a Copier whose method is another one is left as it is."""

ANSWER = "_mcc_git_sees_modes"
"""Where a worker's answer is kept: one worker writes one project, in one go."""


def ask_once() -> None:
    """Let Copier's worker ask once per project; does nothing when it was done, or when Copier has no such method."""
    from copier._main import Worker

    method: Any = vars(Worker).get(METHOD)
    code = getattr(method, "__code__", None)
    if code is None or code.co_varnames[: code.co_argcount] != ARGUMENTS:
        return
    setattr(Worker, METHOD, _once(method))


def _once(method: Callable[[Any, Path, int], None]) -> Callable[..., None]:
    def sync(worker: Any, path: Path, mode: int) -> None:
        known = vars(worker)
        if ANSWER not in known:
            known[ANSWER] = git_sees_modes(worker.subproject.local_abspath)
        if not known[ANSWER]:
            method(worker, path, mode)

    return sync


def git_sees_modes(folder: Path) -> bool:
    """Whether git looks at executable bits in a folder itself: ``core.fileMode`` is not ``false`` there."""
    words = ["git", "config", "--type=bool", "--get", "core.fileMode"]
    try:
        done = subprocess.run(words, cwd=folder, capture_output=True, check=False)
    except OSError:
        return False
    return done.stdout.strip() != b"false"
