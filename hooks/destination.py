"""Can a project be written where it shall be? Asked before anything is, because Copier finds out in the middle."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from ..mcc_registry.errors import Finding, printable

NEEDED_BYTES = 1024 * 1024
"""Free space asked for; a project has at most 64 KiB, an update renders it three times."""


def destination_fault(destination: Path) -> Finding | None:
    """Why nothing can be written there: a file in the way, no right to write, a full disk; None when it can."""
    place = destination
    try:
        while not os.path.lexists(place) and place != place.parent:
            place = place.parent
        shown = printable(place, 200)
        if not place.is_dir():
            return _fault(f"{shown} is in the way: it is no folder", "name another folder, or move it away")
        if not os.access(place, os.W_OK | os.X_OK):
            return _fault(f"{shown} cannot be written to", "check its owner and permissions, or name another folder")
        if shutil.disk_usage(place).free < NEEDED_BYTES:
            return _fault(f"the disk of {shown} is full", "make room, or name a folder on another disk")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no path"
        return _fault(f"{printable(destination, 200)}: {reason[:1].lower()}{reason[1:]}", "name another folder")
    return None


def _fault(message: str, hint: str) -> Finding:
    return Finding("MCC019", "error", None, message, hint, "", "destination-unusable")
