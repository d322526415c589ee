"""One registry laid over another, entry by entry: mappings merge key by key, keyed lists row by row, null removes.

The rule in full: a mapping merges key by key; a list whose rows have a key (releases by version, models by match,
instance types by type, parameters by name, known issues by id) merges row by row and may be written as a mapping
from key to row; every other list and every scalar is replaced; ``null`` removes what the registry below has.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import Finding, nearest, printable
from .documents import Origins
from .faults import get_fault, key_text
from .kinds import LIST_KEYS
from .yaml_text import Pos

_ENTRY_MAPPINGS = {
    "gpus": ("gpus",),
    "cuda": ("toolkits", "driver_branches", "forward_compat"),
    "amis": ("amis", "transform_amis"),
    "neuron": ("devices", "sdk"),
    "devices": ("devices",),
    "regions": ("ecr", "partitions"),
    "framework": ("profiles",),
}
"""Kind to the top-level mappings whose keys are entries."""


COLLECTIONS = {
    kind: {*LIST_KEYS.get(kind, {}), *_ENTRY_MAPPINGS.get(kind, ())} for kind in {*LIST_KEYS, *_ENTRY_MAPPINGS}
}
"""Kind to the top-level keys below which entries stand, which layers override one by one."""


class Merge:
    """One layer's file over the data below it.

    Attributes:
        data: the merged plain data; shares nothing that is changed with its inputs.
        pos: positions, where the layer says something.
        faults: what cannot be merged.
        origins: entries this layer changed, and the keys of every other mapping it says something in.
    """

    def __init__(self, kind: str, below: Mapping[str, Any], above: Any, pos: Pos, layer: int) -> None:
        self.kind = kind
        self.layer = layer
        self.faults: list[Finding] = []
        self.origins: Origins = {}
        self.data, self.pos = self._top(below, above, pos)

    def _top(self, below: Mapping[str, Any], above: Any, pos: Pos) -> tuple[Any, Pos]:
        if not isinstance(above, dict):
            return above, pos
        keyed = LIST_KEYS.get(self.kind, {})
        data: dict[str, Any] = dict(below)
        merged_pos = Pos(pos.file, pos.line, {})
        for key, value in above.items():
            child = pos.find((key,))
            if key in keyed and isinstance(value, (list, dict)):
                data[key], child = self._rows(key, keyed[key], below.get(key, []), value, child)
            elif value is None and key in below:
                data.pop(key, None)
            else:
                if isinstance(value, dict):
                    self.origins.update({(key, name): self.layer for name in value})
                    if key in _ENTRY_MAPPINGS.get(self.kind, ()):
                        value = self._entries(key, below.get(key, {}), value, child)
                data[key] = _deep(below.get(key), value)
            assert merged_pos.children is not None
            merged_pos.children[key] = child
        return data, merged_pos

    def _entries(self, collection: str, below: Mapping[str, Any], above: dict[str, Any], pos: Pos) -> dict[str, Any]:
        kept: dict[str, Any] = {}
        for key, value in above.items():
            if value is None and key not in below:
                self._nothing(collection, key, list(below), pos.find((key,)))
            else:
                kept[key] = value
        return kept

    def _nothing(self, collection: str, key: str, known: list[str], pos: Pos) -> None:
        near = nearest(key, known)
        hint = f"did you mean {near}?" if near else "leave the line out"
        text = f"{collection} has no {printable(key)} to remove"
        self.faults.append(get_fault("nothing-to-remove", text, pos.source, key=f"{collection}[{key}]", hint=hint))

    def _rows(self, collection: str, field: str, below: Any, above: Any, pos: Pos) -> tuple[list[Any], Pos]:
        rows: dict[Any, Any] = {row[field]: row for row in below}
        places: dict[Any, Pos] = {}
        loose: list[tuple[Any, Pos]] = []
        for key, value, here in self._named_rows(field, above, pos):
            if key is None:
                loose.append((value, here))
            elif value is None:
                if key not in rows:
                    self._nothing(collection, key, list(rows), here)
                rows.pop(key, None)
                self.origins[(collection, key)] = self.layer
            else:
                rows[key] = _deep(rows.get(key), value)
                places[key] = here
                self.origins[(collection, key)] = self.layer
        ordered = self._ordered(collection, rows)
        children: dict[Any, Pos] = {i: places[key] for i, key in enumerate(ordered) if key in places}
        merged = [rows[key] for key in ordered]
        for value, here in loose:
            children[len(merged)] = here
            merged.append(value)
        return merged, Pos(pos.file, pos.line, children)

    def _named_rows(self, field: str, above: Any, pos: Pos) -> list[tuple[str | None, Any, Pos]]:
        named: list[tuple[str | None, Any, Pos]] = []
        if isinstance(above, list):
            for index, row in enumerate(above):
                key = row.get(field) if isinstance(row, dict) else None
                here = pos.find((index,))
                here.said = index if here is not pos else None
                named.append((key if isinstance(key, str) else None, row, here))
            return named
        for key, row in above.items():
            here = pos.find((key,))
            here.said = key if here is not pos else None
            if isinstance(row, dict):
                said = row.get(field, key)
                if said != key:
                    path = key_text((field,))
                    text = f"the row {printable(key)} says {path} {printable(said)}"
                    self.faults.append(get_fault("wrong-value", text, here.find((field,)).source, key=path))
                row = {field: key, **row}
            named.append((key, row, here))
        return named

    def _ordered(self, collection: str, rows: dict[Any, Any]) -> list[Any]:
        if collection != "releases":
            return list(rows)
        from ..versions import find_version

        known = [key for key in rows if find_version(key) is not None]
        known.sort(key=lambda key: find_version(key), reverse=True)  # type: ignore[arg-type, return-value]
        return known + [key for key in rows if find_version(key) is None]


def _deep(below: Any, above: Any) -> Any:
    """A value over another: mappings merge, null removes what is there, everything else replaces."""
    if not isinstance(above, dict) or not isinstance(below, dict):
        return above
    merged = dict(below)
    for key, value in above.items():
        if value is None and key in below:
            del merged[key]
        else:
            merged[key] = _deep(below.get(key), value)
    return merged


def duplicate_rows(kind: str, data: Any, pos: Pos) -> list[Finding]:
    """A fault for each row of a keyed list whose key stands above it already."""
    faults = []
    for collection, field in LIST_KEYS.get(kind, {}).items():
        rows = data.get(collection) if isinstance(data, dict) else None
        seen: set[str] = set()
        for index, row in enumerate(rows if isinstance(rows, list) else []):
            key = row.get(field) if isinstance(row, dict) else None
            if isinstance(key, str):
                if key in seen:
                    source = pos.find((collection, index)).source
                    text = f"{collection} has two rows {printable(key)}"
                    faults.append(get_fault("duplicate-row", text, source, key=f"{collection}[{index}].{field}"))
                seen.add(key)
    return faults
