"""Rows as YAML to paste, and written into a registry or a layer; validated before and after."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import Finding, has_errors, printable
from ..loading.files import leaves, read_regular, read_text, shipped_root
from ..models.levels import LEVEL_RANK
from ..versions import find_version, parse_version
from .kinds import get_finding
from .rows import RowChange

TRIES = 5
"""How often rows are merged again because another program wrote to the file in between."""


def row_text(change: RowChange, root: Path | None = None) -> str:
    """The whole row as YAML ready to paste into the shipped file, or the whole file where there is none yet."""
    path = (shipped_root() if root is None else root) / change.file
    data = _read(path) if path.is_file() else None
    if data is None:
        return _dump({**change.head, change.collection: [change.row]}, change.kind, [])
    row = next((r for r in _rows(_merged(data, change), change) if r.get(change.key) == change.name), change.row)
    return _dump({change.collection: [row]}, change.kind, []).partition("\n")[2]


def validate_rows(changes: Sequence[RowChange], layers: Sequence[Path], root: Path | None) -> list[Finding]:
    """The faults the rows would have, laid over the registries as a layer; empty when they are right."""
    from ..validate import validate

    if not changes:
        return []
    with tempfile.TemporaryDirectory(prefix="mcc-export-") as folder:
        top = Path(folder) / "row"
        for change in changes:
            path = top / change.file
            path.parent.mkdir(parents=True, exist_ok=True)
            text = _dump({**change.head, change.collection: [change.row]}, change.kind, [])
            path.write_text(text, encoding="utf-8")
        faults = validate([top], registry_path=list(layers) or None, root=root)
        errors = [f for f in faults if f.severity == "error" and f.source.startswith(str(top))]
    return [_fault(f"the row has a fault: {f.message}", f.hint) for f in errors]


def write_rows(
    changes: Sequence[RowChange], target: Path, layers: Sequence[Path] = ()
) -> tuple[list[Path], list[Finding]]:
    """Write rows into a registry root or a layer; all of them, or none when that makes a fault.

    Args:
        changes: the rows.
        target: the folder; it must exist.
        layers: what the target is laid over, when it is a layer.

    Returns:
        The files written, and why there are none.
    """
    from ..loading.whole import ChangedError, writing

    if not target.is_dir():
        return [], [
            _fault(
                f"{printable(target, 200)} is no folder",
                "name a registry, or make a layer: mcc-registry init-layer DIR",
            )
        ]
    with writing(target):
        for _ in range(TRIES):
            try:
                return _write(changes, target, list(layers) or None)
            except ChangedError as error:
                changed = error.path
    return [], [_fault(f"{printable(changed, 200)} was edited while it was written to", "repeat the command")]


def _write(changes: Sequence[RowChange], target: Path, layers: list[Path] | None) -> tuple[list[Path], list[Finding]]:
    """Read, merge, write, validate; what makes a fault is taken back.

    Raises:
        ChangedError: another program wrote in between; nothing was written.
    """
    from ..loading.whole import written_whole
    from ..validate import validate

    before: dict[Path, bytes | None] = {}
    texts: dict[Path, str] = {}
    for change in changes:
        path = target / change.file
        if leaves(path, target):
            link = f"{printable(path, 200)} is a symbolic link that leaves its registry"
            return [], [_fault(link, "copy the file into the registry")]
        try:
            if path not in before:
                before[path] = read_regular(path) if os.path.lexists(path) else None
            old = before[path]
            text = texts.get(path) or (old.decode("utf-8").replace("\r\n", "\n") if old is not None else None)
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "not UTF-8 text"
            return [], [_fault(f"{printable(path, 200)} cannot be read: {reason[:1].lower()}{reason[1:]}", "")]
        new, problem = _new_text(change, text, path)
        if problem is not None:
            return [], [problem]
        texts[path] = new
    known = {(f.code, f.message) for f in validate([target], registry_path=layers)}
    try:
        with written_whole({path: text.encode("utf-8") for path, text in texts.items()}, before):
            faults = [f for f in validate([target], registry_path=layers) if (f.code, f.message) not in known]
            if has_errors(faults):
                raise _FaultyError(faults)
    except _FaultyError as error:
        return [], [_fault(f"written, the registry would have a fault: {f.message}", f.hint) for f in error.faults]
    except OSError as error:
        return [], [_fault(f"{printable(target, 200)} cannot be written: {error.strerror or error}", "")]
    return list(texts), []


class _FaultyError(Exception):
    """What was written has faults the registry did not have before."""

    def __init__(self, faults: list[Finding]) -> None:
        self.faults = faults


def _fault(message: str, hint: str) -> Finding:
    return get_finding("row-not-written", message, hint, field="write")


def _new_text(change: RowChange, text: str | None, path: Path) -> tuple[str, Finding | None]:
    from ..validate.canonical import top_comment

    shown = printable(path, 200)
    if text is None:
        return _dump({**change.head, change.collection: [change.row]}, change.kind, []), None
    body = text.splitlines()
    while body and body[0].startswith("#"):
        body.pop(0)
    if any(re.search(r"(^|\s)#(\s|$)", re.sub(r"\"[^\"]*\"|'[^']*'", "", line)) for line in body):
        return "", _fault(f"{shown} has comments, which rewriting it would lose", "paste the row by hand")
    data = _parse(text, path)
    if data is None:
        return "", _fault(f"{shown} cannot be read as YAML", f"mcc-registry validate {shown}")
    return _dump(_merged(data, change), change.kind, top_comment(text)), None


def _merged(data: Mapping[str, Any], change: RowChange) -> dict[str, Any]:
    """A file's data with the row: keys of an existing row are replaced, a new release stands where its version belongs."""
    rows = data.get(change.collection)
    if isinstance(rows, Mapping):
        old = rows.get(change.name)
        row = _over(old, change.row) if isinstance(old, Mapping) else change.row
        row = {k: v for k, v in row.items() if k != change.key}
        return {**data, change.collection: {**rows, change.name: row}}
    kept = [dict(r) for r in rows] if isinstance(rows, list) else []
    for index, row in enumerate(kept):
        if row.get(change.key) == change.name:
            kept[index] = _over(row, change.row)
            return {**data, change.collection: kept}
    place = len(kept)
    if change.collection == "releases":
        newer = parse_version(change.name)
        olds = [find_version(str(row.get("version"))) for row in kept]
        place = next((i for i, old in enumerate(olds) if old is not None and old < newer), len(kept))
    return {**data, change.collection: [*kept[:place], change.row, *kept[place:]]}


def _over(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """A row with another laid over it; evidence is added, and the better level stays."""
    row = {**old, **new}
    before = [e for e in old.get("evidence") or [] if isinstance(e, Mapping)]
    evidence = [*before, *(e for e in new.get("evidence", []) if e not in before)]
    if evidence:
        row["evidence"] = evidence
    levels = [r["validation_level"] for r in (old, new) if r.get("validation_level") in LEVEL_RANK]
    if levels:
        row["validation_level"] = min(levels, key=LEVEL_RANK.__getitem__)
    return row


def _rows(data: Mapping[str, Any], change: RowChange) -> list[dict[str, Any]]:
    rows = data.get(change.collection)
    return [r for r in rows if isinstance(r, dict)] if isinstance(rows, list) else []


def _dump(data: dict[str, Any], kind: str, comment: Sequence[str]) -> str:
    from ..validate.canonical import dump_canonical

    return dump_canonical(data, kind, comment=comment)


def _read(path: Path) -> dict[str, Any] | None:
    try:
        return _parse(read_text(path), path)
    except (OSError, UnicodeDecodeError):
        return None


def _parse(text: str, path: Path) -> dict[str, Any] | None:
    from ..loading.yaml_text import parse_yaml

    parsed = parse_yaml(text, str(path))
    return parsed.data if not parsed.faults and isinstance(parsed.data, dict) else None
