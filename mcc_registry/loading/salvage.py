"""What is left of a file whose shape is wrong: its sound rows, so that they are judged in the same report.

Numbers that should be text become text, other wrong nodes are cut out, and a file or a row that misses a key gets a
stand-in, until the rest has the right shape. What was cut or has no name is remembered, so that nobody who names it is
blamed for the fault; whoever judges the rows leaves out what follows from it.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, Literal, get_args, get_origin

from ..errors import nearest
from .kinds import LIST_KEYS, Kind, bare, child_type, fields_of
from .layers import COLLECTIONS
from .shape import Path, path_of
from .yaml_text import Pos

MOST_ROUNDS = 12
"""Cutting one node may make its owner incomplete, never deeper than registries are."""

Lost = frozenset[tuple[str, "str | None"]]
"""Collection and name of entries that were cut out; None = a name nobody can tell, so it may be any."""


@dataclass(slots=True)
class Salvaged:
    """The sound part of a file.

    Attributes:
        raw: its plain data with defaults left out.
        pos: positions of the data; lines of what was cut stay with the row they belong to.
        lost: entries that were cut out.
    """

    raw: dict[str, Any]
    pos: Pos
    lost: Lost


@dataclass(slots=True)
class _Cutter:
    kind: Kind
    data: dict[str, Any]
    pos: Pos
    lost: set[tuple[str, str | None]] = field(default_factory=set)
    stood_in: set[Path] = field(default_factory=set)
    cuts: int = 0

    def as_text(self, path: Path) -> bool:
        """Make a number or a boolean the text it was written as; whether it was one."""
        owner: Any = self.data
        for part in path[:-1]:
            owner = owner[part]
        value = owner[path[-1]]
        if not isinstance(value, (int, float)):
            return False
        owner[path[-1]] = self.pos.find(path).text or str(value)
        return True

    def fill(self, path: Path, collection_rows: bool) -> bool:
        """A stand-in for a key that a file, or a row of one of its collections, must have; False where none helps."""
        if path in self.stood_in or not (len(path) == 1 or (len(path) == 3 and collection_rows)):
            return False
        self.stood_in.add(path)
        shape: Any = self.kind.model
        for part in path:
            shape = child_type(bare(shape), part)
        owner: Any = self.data
        for part in path[:-1]:
            owner = owner[part]
        owner[path[-1]] = stand_in(bare(shape))
        self._remember(path, owner)
        return True

    def cut(self, path: Path) -> bool:
        """Take out one node; whether it was there."""
        owner: Any = self.data
        here: Pos | None = self.pos
        for part in path[:-1]:
            try:
                owner = owner[part]
            except (KeyError, IndexError, TypeError):
                return False
            here = (here.children or {}).get(part) if here is not None else None
        last = path[-1]
        if isinstance(owner, dict) and last in owner:
            self._remember(path, owner)
            del owner[last]
            if here is not None and here.children and last in here.children:
                self.cuts += 1
                here.children["cut", self.cuts] = here.children.pop(last)
            return True
        if isinstance(owner, list) and isinstance(last, int) and last < len(owner):
            self._remember(path, owner)
            del owner[last]
            if here is not None and here.children:
                kept = {k - (isinstance(k, int) and k > last): v for k, v in here.children.items() if k != last}
                here.children = kept
            return True
        return False

    def _remember(self, path: Path, owner: Any) -> None:
        collection = str(path[0])
        if len(path) == 1:
            self.lost.add((collection, None))
            near = nearest(collection, fields_of(bare(self.kind.model)))
            if near:
                self.lost.add((near, None))
        elif len(path) == 2:
            name = path[1]
            if isinstance(owner, list):
                row, key = owner[int(name)], LIST_KEYS.get(self.kind.name, {}).get(collection, "")
                said = row.get(key) if isinstance(row, dict) else None
                self.lost.add((collection, said if isinstance(said, str) else None))
            else:
                self.lost.add((collection, str(name)))
        elif len(path) == 3 and path[2] == LIST_KEYS.get(self.kind.name, {}).get(collection):
            self.lost.add((collection, None))


def salvage(kind: Kind, data: Any, pos: Pos) -> Salvaged | None:
    """The sound part of a file whose shape is wrong; None when nothing can be kept.

    Args:
        kind: the kind of file.
        data: plain data of the whole file; not changed.
        pos: positions of the data; not changed.
    """
    from pydantic import ValidationError

    if not isinstance(data, dict):
        return None
    cutter = _Cutter(kind, deepcopy(data), _copy(pos))
    for _ in range(MOST_ROUNDS):
        try:
            row = kind.model.model_validate(cutter.data)
        except ValidationError as error:
            if not _mend(cutter, error.errors(include_url=False, include_context=False)):
                return None
        except RecursionError:
            return None
        else:
            return Salvaged(row.model_dump(exclude_defaults=True), cutter.pos, frozenset(cutter.lost))
    return None


def _mend(cutter: _Cutter, errors: list[Any]) -> bool:
    """Cut what the errors name, from the end so that places stay right; whether anything changed."""
    paths: set[Path] = set()
    changed = False
    known = COLLECTIONS.get(cutter.kind.name, ())
    for error in errors:
        path = path_of(error, cutter.data)
        is_missing = error["type"] == "missing"
        if (is_missing and cutter.fill(path, path[0] in known)) or (
            error["type"] == "string_type" and path and not _is_key(error) and cutter.as_text(path)
        ):
            changed = True
        else:
            paths.add(path[:-1] if is_missing else path)
    for path in sorted(paths, key=_order, reverse=True):
        if path and not any(path[:n] in paths for n in range(1, len(path))):
            changed = cutter.cut(path) or changed
    return changed


def _is_key(error: Any) -> bool:
    return bool(error["loc"]) and error["loc"][-1] == "[key]"


def _order(path: Path) -> list[tuple[int, str]]:
    return [(part, "") if isinstance(part, int) else (-1, part) for part in path]


def stand_in(shape: Any) -> Any:
    """Some value of a type, for a key a file must have and has not; nothing it says is judged.

    Example:
        >>> stand_in(list[str]), stand_in(Literal["a", "b"])
        (['2000-01-01'], 'a')
    """
    fields = fields_of(shape)
    if fields:
        needed = {n for n, info in shape.model_fields.items() if info.is_required()}
        return {name: stand_in(kind) for name, kind in fields.items() if name in needed}
    origin = get_origin(shape)
    if origin is Literal:
        return get_args(shape)[0]
    if origin is list:
        inner = bare(get_args(shape)[0])
        return [stand_in(inner)] if inner in (str, int, float) or get_origin(inner) is Literal else []
    return {dict: {}}.get(origin, {bool: False, int: 1, float: 1.0}.get(shape, "2000-01-01"))


def _copy(pos: Pos) -> Pos:
    children = None if pos.children is None else {k: _copy(v) for k, v in pos.children.items()}
    return Pos(pos.file, pos.line, children, pos.text)


def lines_of(pos: Pos) -> Iterator[int]:
    """The lines on which a node and everything in it begin."""
    yield pos.line
    for child in (pos.children or {}).values():
        yield from lines_of(child)
