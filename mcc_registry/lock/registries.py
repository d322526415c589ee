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

SHORT = 60
"""Most characters of a value told to people."""

DECIDING = {
    "builds": "rebuild",
    "validation_level": "rebuild",
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
"""Key of a row to what a change of it may ask of a project that uses the row; every other key of :data:`WORDS` asks for
nothing, and any other may move ``recommended`` to another image."""

NEW_ROW = {"releases": "rebuild", "types": "redeploy", "models": "redeploy", "patterns": "redeploy"}
"""List to what a new row of it may ask of a project that follows the registries: ``recommended`` and ``auto`` may choose
it, a model's name may be matched by it."""

WORDS = {
    "basis", "checked", "compatibility_basis", "contact", "corrections", "date", "description", "evidence", "known_issues",
    "license", "link", "must_match", "must_not_match", "note", "notes", "price_basis", "price_usd_hour", "provenance",
    "reason", "recommended_instance_types", "released", "role", "source_says", "title", "units", "unverified",
    "validation_level", "versions_read", "what", "workaround",
}  # fmt: skip
"""Keys whose change forbids nothing: what is only told, or only orders what passes."""

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
    old, new = "there" if was else None, "there" if is_there else None
    return Change(relative, old, new, "rebuild", relative, word, may_refuse=was and not is_there)


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
            limits = collection not in WORDS and (one is not None or collection not in NEW_ROW)
            yield _listed(name, one is None, action, name, word, may_refuse=limits)
            continue
        told = list(_values(one, two, ()))
        for path, was, now in told[:MAX_CHANGES_OF_A_ROW]:
            keys = (collection, *(part.partition("[")[0] for part in path))
            action = next((DECIDING[k] for k in keys if k in DECIDING), "nothing")
            what = ".".join((name, *path)) if collection else f"{name} {'.'.join(path)}"
            limits = not WORDS.intersection(keys)
            action = "rebuild" if limits and action == "nothing" else action  # what passes decides what is chosen
            if isinstance(was or now, Mapping) and path[-1].endswith("]"):  # a row of a list inside the row
                word = "new" if was is None else "removed"
                yield _listed(what, was is None, action, name, word, may_refuse=limits and was is not None)
            else:
                yield Change(what, was, now, action, name, may_refuse=limits)
        if len(told) > MAX_CHANGES_OF_A_ROW:
            rest = len(told) - MAX_CHANGES_OF_A_ROW
            yield Change(name, None, None, "redeploy", name, f"and {rest} more values", may_refuse=True)


def _listed(what: str, is_new: bool, action: str, fact: str, word: str, *, may_refuse: bool) -> Change:
    return Change(
        what, None if is_new else "listed", "listed" if is_new else None, action, fact, word, may_refuse=may_refuse
    )


def _values(one: Any, two: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any, Any]]:
    """Places where two plain values differ; lists of mappings row by row, other lists as a whole."""
    if isinstance(one, Mapping) and isinstance(two, Mapping):
        for key in sorted({*map(str, one), *map(str, two)}):
            a, b = one.get(key), two.get(key)
            if a != b:
                yield from _values(a, b, (*path, key))
    elif path and _is_rows(one) and _is_rows(two):
        before, after = _named(one), _named(two)
        for name in dict.fromkeys([*before, *after]):
            a, b = before.get(name), after.get(name)
            if a != b:
                yield from _values(a, b, (*path[:-1], f"{path[-1]}[{name}]"))
    elif one != two:
        yield path, one, two


def _is_rows(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(row, Mapping) for row in value)


def _named(rows: list[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Rows by what people call them; rows that are called the same are told apart by tag, then by number."""
    names = [_name(row) for row in rows]
    if len(set(names)) < len(names):
        names = [f"{n}, {row['tag']}" if row.get("tag") else n for n, row in zip(names, rows, strict=True)]
    named: dict[str, Mapping[str, Any]] = {}
    for number, (name, row) in enumerate(zip(names, rows, strict=True), start=1):
        named[name if name and name not in named else f"{name} {number}".strip()] = row
    return named


def _name(row: Mapping[str, Any]) -> str:
    """Source and accelerator of a build (``aws, CUDA 13.0``), the key of any other row; "" when it has none."""
    accelerator = row.get("accelerator")
    if isinstance(accelerator, Mapping):
        built = f"{str(accelerator.get('type', '')).upper()} {accelerator.get('version') or ''}".strip()
        return ", ".join(part for part in (str(row.get("source") or ""), built) if part)
    ranges = [str(row[key]) for key in ("cuda_min", "cuda_max") if row.get(key) is not None]
    keys = ("version", "match", "type", "name", "id", "field", "driver_branch", "what", "range")
    return next((str(row[key]) for key in keys if row.get(key) is not None), " to ".join(ranges))


def pair_text(old: Any, new: Any) -> str:
    """Two values that differ, in words short enough for a line; of long ones the part where they differ.

    Example:
        >>> pair_text("7.5", "9.0"), pair_text(["a" * 60, "b"], ["a" * 60, "c"])
        ('7.5 -> 9.0', 'no longer b; now also c')
    """
    one, two = value_text(old), value_text(new)
    if max(len(one), len(two)) <= SHORT:
        return f"{one} -> {two}"
    if isinstance(old, list) and isinstance(new, list):
        gone, came = ([value_text(v) for v in a if v not in b] for a, b in ((old, new), (new, old)))
        parts = [f"{word} {short(', '.join(v))}" for word, v in (("no longer", gone), ("now also", came)) if v]
        return "; ".join(parts) or "in another order"
    same = next((n for n, (a, b) in enumerate(zip(one, two, strict=False)) if a != b), min(len(one), len(two)))
    start = max(0, same - SHORT // 3)
    return " -> ".join(short(f"…{text[start:]}" if start else text) for text in (one, two))


def short(value: Any) -> str:
    """A value in at most :data:`SHORT` characters."""
    text = value_text(value)
    return text if len(text) <= SHORT else f"{text[: SHORT - 1]}…"
