"""The one way a registry file is written, so that equal data are equal bytes and differences are about data.

Keys in the model's order (free mappings keep theirs), block style, two spaces, versions and everything else that
starts like a number in double quotes, long text folded, no nulls and no empty lists where those are the default.
Comments stand at the top of the file only, below the editor's schema line.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..loading.files import read_text, write_whole
from ..loading.kinds import KINDS, bare, child_type, fields_of, schema_reference

FOLD_AT = 100
"""Text longer than this many characters is folded over several lines of at most this many."""

_PLAIN = re.compile(r"[A-Za-z_/(][^\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\"'*&{}\[\]#:]*")
_WORDS = frozenset(("true", "false", "yes", "no", "on", "off", "null", "y", "n"))
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff]")


def is_plain(text: str) -> bool:
    """Whether a text can stand without quotes and is read as that text by every YAML reader.

    Example:
        >>> [is_plain(t) for t in ("ml.g5.xlarge", "0.30.0", "on", "a: b")]
        [True, False, False, False]
    """
    return (
        _PLAIN.fullmatch(text.replace("://", "")) is not None
        and text.lower() not in _WORDS
        and text == text.strip()
        and not text.endswith(":")
    )


def quote(text: str) -> str:
    """A text as a double-quoted YAML scalar on one line."""
    return _UNPRINTABLE.sub(lambda m: f"\\u{ord(m[0]):04x}", json.dumps(text, ensure_ascii=False))


def dump_text(text: str) -> str:
    """A text on one line, quoted only where it must be or starts like a number."""
    return text if is_plain(text) else quote(text)


def dump_scalar(value: object) -> str:
    """One scalar as YAML.

    Raises:
        ValueError: a number is not finite, or the value is not a scalar.
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return dump_text(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float) and math.isfinite(value):
        text = repr(value)
        if "e" in text:
            mantissa, _, exponent = text.partition("e")
            text = f"{mantissa if '.' in mantissa else mantissa + '.0'}e{exponent}"
        return text
    raise ValueError(f"not a value a registry can hold: {value!r}")


def _fold(text: str, indent: str) -> list[str] | None:
    words = text.split(" ")
    if len(text) <= FOLD_AT or "" in words or not text.isprintable():
        return None
    lines = [indent + words[0]]
    for word in words[1:]:
        if len(lines[-1]) + 1 + len(word) > FOLD_AT:
            lines.append(indent + word)
        else:
            lines[-1] += " " + word
    return lines


def _lines(value: object, shape: Any, depth: int) -> Iterator[str]:
    """A non-empty mapping or list, line by line."""
    indent = "  " * depth
    if isinstance(value, Mapping):
        for key, child in ordered_items(value, shape):
            yield from _entry(f"{indent}{dump_text(str(key))}:", child, child_type(shape, str(key)), depth)
        return
    assert isinstance(value, Sequence)
    for index, child in enumerate(value):
        item_shape = child_type(shape, index)
        if isinstance(child, Mapping) and child:
            first, *rest = _lines(child, item_shape, depth + 1)
            yield f"{indent}- {first.lstrip(' ')}"
            yield from rest
        else:
            yield from _entry(f"{indent}-", child, item_shape, depth)


def _entry(head: str, value: object, shape: Any, depth: int) -> Iterator[str]:
    if isinstance(value, Mapping) or (isinstance(value, Sequence) and not isinstance(value, str)):
        if value:
            yield head
            yield from _lines(value, shape, depth + 1)
        else:
            yield f"{head} {'{}' if isinstance(value, Mapping) else '[]'}"
    elif isinstance(value, str) and (folded := _fold(value, "  " * (depth + 1))):
        yield f"{head} >-"
        yield from folded
    else:
        yield f"{head} {dump_scalar(value)}"


def ordered_items(data: Mapping[str, object], shape: Any) -> list[tuple[str, object]]:
    """A mapping's items in the model's order, unknown keys last; absent-by-default nulls and empties are left out."""
    fields = fields_of(shape)
    if not fields:
        return list(data.items())
    infos = shape.model_fields
    known = [
        (name, data[name])
        for name in fields
        if name in data and not (data[name] in (None, [], {}) and data[name] == infos[name].default)
    ]
    return known + [(key, value) for key, value in data.items() if key not in fields]


def dump_canonical(data: Mapping[str, Any], kind: str, *, comment: Sequence[str] = ()) -> str:
    """A registry file's text.

    Args:
        data: the plain data of the whole file (``model.model_dump(mode="json", exclude_unset=True)`` works).
        kind: ``framework``, ``model_family``, ``instance_family``, ``gpus``, ``cuda``, ``amis``, ``neuron``,
            ``regions`` or ``policy``.
        comment: lines to stand at the top as comments, without ``#``.

    Raises:
        KeyError: there is no such kind.
        ValueError: the data hold something YAML's plain types cannot (a date, nan).

    Example:
        >>> print(dump_canonical({"reason": "cost", "kind": "policy", "allow": {"regions": ["eu-*"]}}, "policy"))
        # yaml-language-server: $schema=.schemas/policy.json
        kind: policy
        reason: cost
        allow:
          regions:
            - "eu-*"
        <BLANKLINE>
    """
    head = [schema_reference(kind), *(f"# {line}".rstrip() for line in comment)]
    return "\n".join([*head, *_lines(data, bare(KINDS[kind].model), 0), ""])


def top_comment(text: str) -> list[str]:
    """The comment lines at the top of a file without ``#`` and without the editor's schema line."""
    found: list[str] = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        if "yaml-language-server" not in line:
            found.append(line[1:].removeprefix(" "))
    return found


def rewrite(path: Path, kind: str) -> bool:
    """Write a registry file the canonical way; whether it changed. Comments below the top are lost.

    Raises:
        RegistryError: the file cannot be read as strict YAML.
    """
    from ..errors import RegistryError
    from ..loading.yaml_text import parse_yaml

    text = read_text(path)
    parsed = parse_yaml(text, str(path))
    if parsed.faults or not isinstance(parsed.data, dict):
        raise RegistryError(parsed.faults)
    wanted = dump_canonical(parsed.data, kind, comment=top_comment(text))
    if wanted == text:
        return False
    write_whole(path, wanted.encode("utf-8"))
    return True


def main(names: Sequence[str]) -> int:
    """Rewrite the files named; exit status 1 when one cannot be read."""
    import sys

    from ..errors import FindingsError
    from ..loading.kinds import find_kind

    status = 0
    for path in map(Path, names):
        kind = find_kind(f"{path.parent.name}/{path.name}") or find_kind(path.name)
        if kind is None:
            print(f"{path}: no registry reads a file here", file=sys.stderr)
            status = 1
            continue
        try:
            print(f"{path}: {'rewritten' if rewrite(path, kind.name) else 'canonical'}", file=sys.stderr)
        except (FindingsError, OSError, ValueError) as error:
            print(f"{path}: {error}", file=sys.stderr)
            status = 1
    return status


if __name__ == "__main__":
    import sys

    raise SystemExit(main(sys.argv[1:]))
