"""Two registry folders compared row by row; files are read as YAML alone, so folders of any schema compare."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..errors import RegistryError
from ..loading.files import FoundFile, decode, find_files, read_bytes
from ..loading.kinds import LIST_KEYS
from .compare import Change, value_text

MAX_CHANGES_OF_A_ROW = 12
"""Most values told of one row; more are counted."""

DECIDING = {
    "builds": "rebuild",
    "requirements": "rebuild",
    "python": "rebuild",
    "engine": "rebuild",
    "settings": "redeploy",
    "engine_settings": "redeploy",
    "env": "redeploy",
    "inference_ami_version": "redeploy",
    "profiles": "redeploy",
    "types": "redeploy",
    "price_usd_hour": "redeploy",
}
"""Key of a row to what a change of it may ask of a project that uses the row; every other key asks for nothing."""

NEW_ROW = {"releases": "rebuild", "types": "redeploy", "models": "redeploy", "patterns": "redeploy"}
"""List to what a new row of it may ask of a project that follows the registries: ``recommended`` and ``auto`` may choose
it, a model's name may be matched by it."""

Rows = dict[tuple[str, str, str], Any]
"""``(file, list, key)`` to row; list and key are empty for what belongs to the file as a whole."""


def compare_registries(old: Path, new: Path) -> list[Change]:
    """What differs between two registry folders: files, rows, and values of rows that both have.

    Raises:
        RegistryError: a file that differs is not valid YAML.
    """
    before, after = _files(old), _files(new)
    changes: list[Change] = []
    for relative in sorted({*before, *after}):
        one, two = before.get(relative), after.get(relative)
        first = None if one is None else _bytes(one)
        second = None if two is None else _bytes(two)
        if first == second:
            continue
        found = one or two
        if found is None or found.kind is None:
            changes.append(_whole(relative, one is not None, two is not None))
            continue
        rows = _rows(relative, found.kind.name, one, first), _rows(relative, found.kind.name, two, second)
        changes += _compare_rows(*rows)
    return changes


def _files(root: Path) -> dict[str, FoundFile]:
    return {found.relative: found for found in find_files(root, str(root))[0]}


def _bytes(found: FoundFile) -> bytes:
    data = read_bytes(found)
    if not isinstance(data, bytes):
        raise RegistryError([data])
    return data


def _whole(relative: str, was: bool, is_there: bool) -> Change:
    word = "changed" if was and is_there else "new" if is_there else "removed"
    return Change(relative, "there" if was else None, "there" if is_there else None, "rebuild", relative, word)


def _rows(relative: str, kind: str, found: FoundFile | None, data: bytes | None) -> Rows:
    if found is None or data is None:
        return {}
    from ..loading.yaml_text import parse_yaml

    text = decode(data, found.shown)
    if not isinstance(text, str):
        raise RegistryError([text])
    parsed = parse_yaml(text, found.shown)
    if parsed.faults or not isinstance(parsed.data, dict):
        raise RegistryError(parsed.faults)
    rows: Rows = {}
    rest = dict(parsed.data)
    for name, key in LIST_KEYS.get(kind, {}).items():
        value = rest.get(name)
        if isinstance(value, list) and all(isinstance(r, dict) and key in r for r in value):
            del rest[name]
            rows.update({(relative, name, str(row[key])): row for row in value})
    for name, value in [*rest.items()]:
        if isinstance(value, dict) and value and all(isinstance(v, dict) for v in value.values()):
            del rest[name]
            rows.update({(relative, name, str(key)): row for key, row in value.items()})
    rows[relative, "", ""] = rest
    return rows


def _compare_rows(before: Rows, after: Rows) -> Iterator[Change]:
    for place in sorted({*before, *after}):
        relative, collection, key = place
        name = f"{relative} {collection}[{key}]" if collection else relative
        one, two = before.get(place), after.get(place)
        if one == two:
            continue
        if one is None or two is None:
            word = "new" if one is None else "removed"
            gone = "rebuild" if collection == "releases" else "redeploy"
            action = NEW_ROW.get(collection, "nothing") if one is None else gone
            yield Change(
                name, None if one is None else "listed", None if two is None else "listed", action, name, word
            )
            continue
        told = list(_values(one, two, ""))
        for path, was, now in told[:MAX_CHANGES_OF_A_ROW]:
            action = next((DECIDING[k] for k in path.split(".") if k in DECIDING), "nothing")
            if collection in DECIDING:
                action = DECIDING[collection]
            yield Change(f"{name}.{path}" if collection else f"{name} {path}", was, now, action, name)
        if len(told) > MAX_CHANGES_OF_A_ROW:
            rest = len(told) - MAX_CHANGES_OF_A_ROW
            yield Change(name, None, None, "redeploy", name, f"and {rest} more values")


def _values(one: Any, two: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    """Places where two plain values differ; lists are compared as a whole."""
    if isinstance(one, Mapping) and isinstance(two, Mapping):
        for key in sorted({*map(str, one), *map(str, two)}):
            a, b = one.get(key), two.get(key)
            if a != b:
                yield from _values(a, b, f"{path}.{key}" if path else key)
    elif one != two:
        yield path, one, two


def short(value: Any) -> str:
    """A value in at most 60 characters."""
    text = value_text(value)
    return text if len(text) <= 60 else f"{text[:59]}…"
