"""Rows as light objects: the attributes of the pydantic models without building those models.

Defining and building the models costs more time than everything else a copy needs of the registries, and the rows
were validated by them when the snapshot was written or the YAML read. A row's class takes its defaults from the
model (``shapes``), its values from validated plain data, and makes nested rows when they are first asked for.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

Shapes = Mapping[str, Mapping[str, Any]]
"""Model name to ``fields`` (field name to nested row: "", "Name", "[Name" list, "{Name" mapping) and ``defaults``."""


class RowView:
    """A frozen row; equal to another when kind and values are equal."""

    _classes: RowClasses
    _nested: Mapping[str, str]
    _fields: tuple[str, ...]
    _raw: Mapping[str, Any]

    def __init__(self, raw: Mapping[str, Any]) -> None:
        own = self.__dict__
        nested = self._nested
        if nested:
            for key, value in raw.items():
                if key not in nested:
                    own[key] = value
        else:
            own.update(raw)
        own["_raw"] = raw

    def __getattr__(self, name: str) -> Any:
        """A nested row, made on first use."""
        nested = type(self)._nested.get(name)
        if nested is None:
            raise AttributeError(f"{type(self).__name__} has no {name!r}")
        raw = self.__dict__["_raw"]
        value = (
            raw[name] if name in raw else copy.copy(type(self)._classes.shapes[type(self).__name__]["defaults"][name])
        )
        value = self._classes.convert(nested, value)
        self.__dict__[name] = value
        return value

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, RowView):
            return NotImplemented
        return type(self).__name__ == type(other).__name__ and self._raw == other._raw

    def __hash__(self) -> int:
        return hash((type(self).__name__, tuple(sorted(self._raw))))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in self._raw.items())})"

    def __deepcopy__(self, memo: dict[int, Any]) -> RowView:
        return self

    def __copy__(self) -> RowView:
        return self

    def __reduce__(self) -> Any:
        return (_restore, (dict(self._classes.shapes), type(self).__name__, dict(self._raw)))

    def model_dump(self, *, exclude_defaults: bool = False) -> dict[str, Any]:
        """The row as plain data, with defaults unless they are excluded; a copy."""
        if exclude_defaults:
            return copy.deepcopy(dict(self._raw))
        return {name: _plain(getattr(self, name)) for name in self._fields}


def _plain(value: Any) -> Any:
    if isinstance(value, RowView):
        return value.model_dump()
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_plain(v) for v in value]
    return value


def _restore(shapes: Shapes, name: str, raw: Mapping[str, Any]) -> RowView:
    return RowClasses(shapes).get(name)(raw)


class RowClasses:
    """The row classes of a set of shapes, each made when it is first needed."""

    def __init__(self, shapes: Shapes) -> None:
        self.shapes = shapes
        self._made: dict[str, type[RowView]] = {}

    def get(self, name: str) -> type[RowView]:
        """The row class of a model."""
        made = self._made.get(name)
        if made is None:
            shape = self.shapes[name]
            nested = {field: inner for field, inner in shape["fields"].items() if inner}
            defaults = {k: v for k, v in shape["defaults"].items() if k not in nested}
            members = {"_classes": self, "_nested": nested, "_fields": tuple(shape["fields"]), **defaults}
            made = self._made[name] = type(name, (RowView,), members)
        return made

    def convert(self, inner: str, value: Any) -> Any:
        """Nested plain data as rows."""
        if value is None:
            return None
        if inner.startswith("["):
            row = self.get(inner[1:])
            return [row(item) for item in value]
        if inner.startswith("{"):
            row = self.get(inner[1:])
            return {key: row(item) for key, item in value.items()}
        return self.get(inner)(value) if isinstance(value, dict) else value


def shapes_of_models() -> dict[str, dict[str, Any]]:
    """The shapes of all registry models, from the pydantic models themselves (this imports and costs)."""
    from .kinds import KINDS

    shapes: dict[str, dict[str, Any]] = {}
    for kind in KINDS.values():
        _add_shape(kind.model, shapes)
    return shapes


def _add_shape(model: Any, shapes: dict[str, dict[str, Any]]) -> None:
    if model.__name__ in shapes:
        return
    fields: dict[str, str] = {}
    defaults: dict[str, Any] = {}
    shapes[model.__name__] = {"fields": fields, "defaults": defaults}
    for name, info in model.model_fields.items():
        inner, row = _inner(info.annotation)
        fields[name] = inner
        if not info.is_required():
            defaults[name] = info.get_default(call_default_factory=True)
        if row is not None:
            _add_shape(row, shapes)


def _inner(annotation: Any) -> tuple[str, Any]:
    """The nested-row mark of a field's type and the row's model, ``("", None)`` for plain values."""
    import types
    from typing import Annotated, Union, get_args, get_origin

    from ..models.base import Row

    origin = get_origin(annotation)
    if origin is Annotated:
        return _inner(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        found = [i for i in map(_inner, get_args(annotation)) if i[0]]
        return found[0] if found else ("", None)
    if isinstance(annotation, type) and issubclass(annotation, Row):
        return annotation.__name__, annotation
    if origin in (list, dict):
        inner, row = _inner(get_args(annotation)[-1])
        if inner and inner[0] not in "[{":
            return ("[" if origin is list else "{") + inner, row
    return "", None
