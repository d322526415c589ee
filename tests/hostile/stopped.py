"""Runs a module of Python, and stops it when it opens a file of one folder for writing the Nth time.

``python stopped.py FOLDER N HOW MODULE WORDS...``; HOW is a signal, or ENOSPC (the system says that the disk is full).
``SIGTERM@os.rename`` stops at the Nth renaming of a file of the folder instead.
"""

from __future__ import annotations

import errno
import os
import runpy
import signal
import sys
from pathlib import Path
from typing import Any

ROOT, MOMENT = sys.argv[1], int(sys.argv[2])
HOW, _, EVENT = sys.argv[3].partition("@")
WRITES = os.O_WRONLY | os.O_RDWR
COUNT = 0


def watch(event: str, args: tuple[Any, ...]) -> None:
    global COUNT
    if event != (EVENT or "open") or not isinstance(args[0], (str, os.PathLike)):
        return
    if event == "open" and not (args[2] or 0) & WRITES:
        return
    if not str(Path.cwd() / args[0]).startswith(ROOT):
        return
    COUNT += 1
    if COUNT != MOMENT:
        return
    if HOW == "ENOSPC":
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), os.fspath(args[0]))
    os.kill(os.getpid(), getattr(signal, HOW))


sys.addaudithook(watch)
sys.argv = sys.argv[4:]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
