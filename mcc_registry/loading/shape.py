"""The shape of one file's data: the pydantic models judge, every error gets the line of the nearest node."""

from __future__ import annotations

from typing import Any

from ..errors import Finding, nearest, printable
from .faults import get_fault, key_text
from .kinds import Kind, bare, child_type, fields_of
from .yaml_text import MAX_FAULTS, Pos

Path = tuple[str | int, ...]

_WANTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}


def check_shape(kind: Kind, data: Any, pos: Pos) -> tuple[dict[str, Any] | None, list[Finding]]:
    """Validated plain data with defaults left out, or the faults of its shape.

    Args:
        kind: the kind of file.
        data: plain data of the whole file.
        pos: positions of the data.
    """
    from pydantic import ValidationError

    if not isinstance(data, dict):
        text = "the file is empty" if data is None else f"the file holds {described(data)}, not a mapping"
        hint = f"start with kind: {kind.name}"
        return None, [get_fault("wrong-type", text, pos.source, hint=hint)]
    try:
        row = kind.model.model_validate(data)
    except ValidationError as error:
        return None, _faults(error.errors(include_url=False, include_context=True), kind, data, pos)
    except RecursionError:
        return None, [get_fault("too-large", "nested too deep", pos.source)]
    return row.model_dump(exclude_defaults=True), []


def described(value: object) -> str:
    """A value in words, for messages.

    Example:
        >>> described(0.1), described([1])
        ('the number 0.1', 'a list')
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return f"the number {value}"
    if isinstance(value, str):
        return f'"{printable(value, 40)}"'
    return "a list" if isinstance(value, list) else "a mapping"


def _has(value: Any, part: int | str) -> bool:
    if isinstance(value, dict):
        return part in value
    return isinstance(value, list) and isinstance(part, int) and part < len(value)


def _walk(loc: tuple[int | str, ...], data: Any, *, keep_last: bool) -> Path:
    """The part of pydantic's location that is a path in the data: tags of union members are left out."""
    path: list[str | int] = []
    here = data
    for index, part in enumerate(loc):
        if _has(here, part):
            here = here[part]
        elif not (keep_last and index == len(loc) - 1):
            continue
        path.append(part)
    return tuple(path)


def path_of(error: Any, data: Any) -> Path:
    """Where in the data an error of pydantic is; of a key that is missing, where it should be."""
    loc = error["loc"][:-1] if error["loc"] and error["loc"][-1] == "[key]" else error["loc"]
    return _walk(loc, data, keep_last=error["type"] == "missing")


def _value_at(data: Any, path: Path) -> Any:
    for part in path:
        data = data[part]
    return data


def _faults(errors: list[Any], kind: Kind, data: dict[str, Any], pos: Pos) -> list[Finding]:
    """A finding for each place that is wrong, the first :data:`MAX_FAULTS` of them; the others are counted."""
    found: dict[Path, Finding] = {}
    for number, error in enumerate(errors):
        if len(found) >= MAX_FAULTS:
            text = f"the file has {len(errors) - number} more faults, not shown"
            return [*found.values(), get_fault("too-large", text, pos.source, hint="correct those above first")]
        key_error = error["loc"] and error["loc"][-1] == "[key]"
        path = path_of(error, data)
        if path in found:
            continue
        found[path] = _fault(error, path, kind, data, pos, bool(key_error))
    return list(found.values())


def _fault(error: Any, path: Path, kind: Kind, data: dict[str, Any], pos: Pos, key_error: bool) -> Finding:
    key = key_text(pos.as_said(path))
    shown = printable(key, 80) or "the file"
    here = pos.find(path)
    problem = error["type"]
    if problem == "missing":
        owner = key_text(pos.as_said(path[:-1])) or "the file"
        return get_fault("missing-key", f"{printable(owner, 80)} has no {path[-1]}", here.source, key=key)
    if problem == "extra_forbidden":
        known = _known_keys(kind, path[:-1])
        near = nearest(str(path[-1]), known)
        hint = f"did you mean {near}?" if near else f"known keys: {', '.join(known[:8])}"
        return get_fault("unknown-key", f"{shown} is not a known key", here.source, key=key, hint=hint)
    value = path[-1] if key_error and path else _value_at(data, path)
    if problem == "string_type" and isinstance(value, (int, float)) and not isinstance(value, bool):
        name = path[-1] if path and isinstance(path[-1], str) else ""
        written = here.text or str(value)
        hint = f'quote it: {name}: "{written}"' if name else f'quote it: "{written}"'
        fact = f"unquoted {written} is a number in YAML and may lose digits"
        return get_fault(
            "version-not-text", f"{shown} is {described(value)}", here.source, key=key, hint=hint, fact=fact
        )
    if problem in _WANTED:
        text = f"{shown} is {described(value)}, not {_WANTED[problem]}"
        return get_fault("wrong-type", text, here.source, key=key)
    what = "the key " if key_error else ""
    return get_fault(
        "wrong-value",
        f"{what}{shown} is {described(value)}: {_reason(error)}",
        here.source,
        key=key,
        hint=_choice_hint(error, value),
    )


def _reason(error: Any) -> str:
    context = error.get("ctx", {})
    problem = error["type"]
    if problem == "literal_error":
        return f"one of {context['expected']} is wanted"
    if problem == "string_pattern_mismatch":
        return f"it must look like {context['pattern']}"
    if problem in ("string_too_short", "too_short"):
        return "it must not be empty"
    if problem in ("string_too_long", "too_long"):
        return "it is too long"
    if problem == "finite_number":
        return "it must be finite"
    return printable(str(error["msg"]).removeprefix("Input should be "), 80)


def _choice_hint(error: Any, value: object) -> str:
    if error["type"] != "literal_error":
        return ""
    import re

    near = nearest(str(value), re.findall(r"'([^']*)'", error["ctx"]["expected"]))
    return f"did you mean {near}?" if near else ""


def _known_keys(kind: Kind, path: Path) -> list[str]:
    shape: Any = bare(kind.model)
    for part in path:
        shape = child_type(shape, part)
    return list(fields_of(shape))
