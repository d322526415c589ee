"""Can a project be written where it shall be? Asked before anything is, because Copier finds out in the middle."""

from __future__ import annotations

import os
import re
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from ..mcc_registry.errors import Finding, printable

NEEDED_BYTES = 1024 * 1024
"""Free space asked for; a project has at most 64 KiB, an update renders it three times."""

NEEDED_FILES = 64
"""Free entries asked for where the file system counts them; a project has about 25 files and folders."""

ANOTHER_FOLDER = "name another folder, or move it away"


def destination_faults(destination: Path, template: Path, answers_file: str, *, overwrite: bool) -> list[Finding]:
    """Everything that keeps a project from being written whole; empty when nothing does.

    Args:
        destination: the project's folder, which need not be there.
        template: the folder its files are rendered from.
        answers_file: where the answers are saved, relative to the destination.
        overwrite: whether files that are there will be written over.
    """
    place = destination
    try:
        while not os.path.lexists(place) and place != place.parent:
            place = place.parent
        shown = printable(place, 200)
        if not place.is_dir():
            return [_fault(f"{shown} is in the way: it is no folder", ANOTHER_FOLDER)]
        if not os.access(place, os.W_OK | os.X_OK):
            return [_unwritable(shown)]
        if _is_full(place):
            return [_fault(f"the disk of {shown} is full", "make room, or name a folder on another disk")]
        if place != destination or not any(os.scandir(place)):
            return []
        return list(_in_the_way(destination, template, answers_file, overwrite=overwrite))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no path"
        return [_fault(f"{printable(destination, 200)}: {reason[:1].lower()}{reason[1:]}", "name another folder")]


def _is_full(place: Path) -> bool:
    """Whether a project has no room on the disk, in bytes or in number of files."""
    if shutil.disk_usage(place).free < NEEDED_BYTES:
        return True
    if not hasattr(os, "statvfs"):
        return False
    counts = os.statvfs(place)
    return counts.f_files > 0 and counts.f_favail < NEEDED_FILES  # some file systems count no files


def _in_the_way(destination: Path, template: Path, answers_file: str, *, overwrite: bool) -> Iterator[Finding]:
    """What lies where the project's files and folders belong, and is of another kind or cannot be written to."""
    root = destination.resolve()
    blocked: list[str] = []
    for name, is_folder in planned(template, answers_file):
        path = destination / name
        if any(name.startswith(f"{above}/") for above in blocked) or not os.path.lexists(path):
            continue
        shown = printable(path, 200)
        found = _mode(path)
        fault = None
        if is_folder:
            if found is not None and not stat.S_ISDIR(found):
                fault = _fault(f"{shown} is in the way: it is no folder", ANOTHER_FOLDER)
            elif found is None or not path.resolve().is_relative_to(root):
                fault = _fault(f"{shown} is in the way: it is a link that leaves the project", ANOTHER_FOLDER)
            elif not os.access(path, os.W_OK | os.X_OK):
                fault = _unwritable(shown)
        elif found is not None and not stat.S_ISREG(found):
            kind = "a folder" if stat.S_ISDIR(found) else "no regular file"
            fault = _fault(f"{shown} is in the way: it is {kind}", ANOTHER_FOLDER)
        elif overwrite and found is not None and not path.is_symlink() and not os.access(path, os.W_OK):
            fault = _unwritable(shown)
        if fault is not None:
            blocked.append(name)
            yield fault


def planned(template: Path, answers_file: str) -> Iterator[tuple[str, bool]]:
    """Every path a project may have, and whether it is a folder; folders come before what is in them."""
    yield answers_file, False
    for folder, folders, files in os.walk(template):
        above = Path(folder).relative_to(template).as_posix()
        above = "" if above == "." else f"{_rendered(above)}/"
        folders[:] = sorted(name for name in folders if not name.startswith("_"))
        yield from ((f"{above}{_rendered(name)}", True) for name in folders)
        names = sorted(_rendered(name) for name in files)
        yield from ((f"{above}{name}", False) for name in names if name)


def _rendered(name: str) -> str:
    """A path of the template as a project has it: conditions are taken as true, the answers file is told apart."""
    return re.sub(r"\{\{.*?\}\}|\{%.*?%\}", "", name).removesuffix(".jinja")


def _mode(path: Path) -> int | None:
    """The mode of what a path leads to; None for a link that leads nowhere."""
    try:
        return path.stat().st_mode
    except OSError:
        return None


def _unwritable(shown: str) -> Finding:
    return _fault(f"{shown} cannot be written to", "check its owner and permissions, or name another folder")


def _fault(message: str, hint: str) -> Finding:
    return Finding("MCC019", "error", None, message, hint, "", "destination-unusable")
