"""What an update changed and what its owner has to do, told after ``copier update``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

FOLDERS = ("", "do", "deploy", "serving", "sample")
"""Folders the template writes into; files of other folders are the owner's alone."""

MAX_BYTES = 1024 * 1024
"""Larger files are none of the template's."""

BUILT = ("Dockerfile", "requirements.txt", ".dockerignore")
CONFLICT = b"<<<<<<< before updating"
"""The line Copier's inline conflicts begin with."""


def snapshot(destination: Path) -> dict[str, tuple[str, str]]:
    """Digests of the project's files: of all bytes, and of what has an effect (comments left out)."""
    found = {}
    for relative, data in _files(destination):
        found[relative] = (_digest(data), _digest(_effective(relative, data)))
    return found


def read_lock(destination: Path, rendered: object) -> Mapping[str, Any] | None:
    """The project's ``mcc.lock.yaml`` as it lies there; None where it is as rendered, or its owner made no lock of it."""
    from ..mcc_registry.loading.files import read_text
    from ..mcc_registry.loading.yaml_text import parse_yaml

    try:
        text = read_text(destination / "mcc.lock.yaml", MAX_BYTES)
    except (OSError, UnicodeDecodeError):
        return None
    if rendered is None or text == rendered:
        return None
    parsed = parse_yaml(text, "mcc.lock.yaml")
    return parsed.data if isinstance(parsed.data, Mapping) and not parsed.faults else None


def _files(destination: Path) -> Iterator[tuple[str, bytes]]:
    for folder in FOLDERS:
        top = destination / folder
        try:
            paths = sorted(p for p in top.iterdir() if p.is_file())
        except OSError:
            continue
        for path in paths:
            try:
                if path.stat().st_size <= MAX_BYTES:
                    yield path.relative_to(destination).as_posix(), path.read_bytes()
            except OSError:
                continue


def _effective(relative: str, data: bytes) -> bytes:
    if relative in (*BUILT, "container.env"):
        return b"\n".join(line for line in data.splitlines() if line.strip() and not line.lstrip().startswith(b"#"))
    return data


def _digest(data: bytes) -> str:
    return sha256(data).hexdigest()


def file_action(relative: str) -> str:
    """What a changed file asks of the owner."""
    if relative in BUILT or relative.startswith(("serving/", "sample/")):
        return "rebuild"
    if relative == "container.env" or (relative.startswith("deploy/") and relative.endswith(".json")):
        return "redeploy"
    return "nothing"


DO = {
    "nothing": "nothing: what runs stays as it is",
    "redeploy": "deploy again: do/deploy",
    "rebuild": "build and deploy again: do/build && do/run && do/test, then do/push && do/deploy",
}


def impact(
    destination: Path,
    before: Mapping[str, tuple[str, str]],
    old_lock: Mapping[str, Any] | None,
    new_lock: Mapping[str, Any],
    more: Mapping[str, list[str]],
    explain: Callable[[list[Any]], list[Any]],
) -> str:
    """The report of an update.

    Args:
        destination: the project, already updated.
        before: its files before (:func:`snapshot`).
        old_lock: what was decided; None when it is not known.
        new_lock: what is decided now.
        more: headings to further lines; empty ones are left out.
        explain: gives the changes their reasons.
    """
    from ..mcc_registry.lock.compare import action_of, compare_locks, strongest, to_lines

    changes = [] if old_lock is None else explain(compare_locks(old_lock, new_lock))
    after = snapshot(destination)
    names = sorted({*before, *after})
    changed = [n for n in names if before.get(n) != after.get(n)]
    conflicts = [n for n in changed if n in after and CONFLICT in (destination / n).read_bytes()]
    touched = [n for n in changed if (before.get(n) or ("", ""))[1] != (after.get(n) or ("", ""))[1]]
    action = strongest([action_of(changes), *(file_action(n) for n in touched)])
    decided = [c for c in changes if not c.what.startswith(("settings.", "env_vars."))]
    settings = [c for c in changes if c not in decided]
    lines = [f"Updated   {new_lock.get('project_name')}"]
    if conflicts:
        lines += ["", "Conflicts, marked inline (you and the template changed the same lines):"]
        lines += [f"   - {n}" for n in conflicts]
    if decided:
        lines += ["", "Decided anew:", *to_lines(decided)]
    if settings:
        lines += ["", "Settings:", *to_lines(settings)]
    if changed:
        lines += ["", f"Files changed ({len(changed)}):", *(f"   - {_file_word(n, before, after)}" for n in changed)]
    for heading, told in more.items():
        if told:
            lines += ["", heading, *(f"   - {line}" for line in told)]
    if not changed and not changes:
        lines += ["", "Nothing changed."]
    return "\n".join([*lines, "", f"To do: {DO[action]}"])


def _file_word(name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    return f"{name} (new)" if name not in before else f"{name} (gone)" if name not in after else name
