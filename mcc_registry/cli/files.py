"""Reading a file the user named: bounded, UTF-8, and a finding instead of an exception."""

from __future__ import annotations

import sys

from ..errors import Finding, printable
from ..loading.files import expanded

MAX_BYTES = 1024 * 1024
"""Largest file a user may name; answers, chat templates and conversations are a few kilobytes."""


def read_bytes(name: str, field: str, *, limit: int = MAX_BYTES) -> tuple[bytes, Finding | None]:
    """A file's bytes (``-`` = stdin), or why there are none.

    Args:
        name: path as the user wrote it.
        field: the answer or option that names it.
        limit: most bytes accepted.
    """
    shown = printable(name, 200)
    try:
        if name == "-":
            data = sys.stdin.buffer.read(limit + 1)
        else:
            path = expanded(name)
            if path.exists() and not path.is_file():
                return b"", _unreadable(field, f"{shown} is no regular file", shown)
            with path.open("rb") as handle:
                data = handle.read(limit + 1)
    except (OSError, ValueError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or "not a path that can be opened"
        return b"", _unreadable(field, f"{shown} cannot be read: {reason[0].lower()}{reason[1:]}", shown)
    if len(data) > limit:
        return b"", _unreadable(field, f"{shown} has more than {limit // 1024} KiB", shown)
    return data, None


def read_text(name: str, field: str, *, limit: int = MAX_BYTES) -> tuple[str, Finding | None]:
    """A file's text, or why there is none; see ``read_bytes``."""
    data, problem = read_bytes(name, field, limit=limit)
    if problem is not None:
        return "", problem
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n"), None
    except UnicodeDecodeError as error:
        shown = printable(name, 200)
        return "", _unreadable(field, f"{shown} is not UTF-8 text (byte {error.start})", shown)


def _unreadable(field: str, message: str, shown: str) -> Finding:
    source = "" if shown == "-" else shown
    if field == "chat_template":
        hint = "use auto, none, or the path of a readable Jinja file"
        return Finding("MCC018", "error", field, f"{field}: {message}", hint, source, "chat-template-unreadable")
    return Finding("MCC701", "error", field, f"{field}: {message}", "", source, "user-file")
