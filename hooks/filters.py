"""Jinja filters that quote whatever a user typed, by construction.

Each filter takes a plain value (text, number, boolean or ``None``; :func:`to_json` also lists and
mappings) and returns text that is safe in one place only. A value that cannot be written there at all
is refused with ``ValueError``; anything that is not plain data, such as an undefined Jinja variable,
is refused with ``TypeError`` instead of being rendered as an empty word.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

# Characters that YAML 1.1 cannot hold as they are, or that end a line in YAML or JavaScript:
# C0 and C1 controls, the two Unicode line separators, the byte order mark, surrogates, non-characters.
_ESCAPED_IN_JSON = re.compile('[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]|["\\\\]')
_SHORT_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}
_LINE_BREAKS = re.compile("[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_CONTROLS = re.compile("[\x00-\x1f\x7f]")
_TURNING = re.compile("[\u061c\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
"""Invisible characters and those that turn the reading direction: a page must not show another text than the file has."""
_MARKDOWN = re.compile(r"[\\`*_\[\]|~!@{}$]")


def _text(value: object) -> str:
    """The value as text: ``None`` is empty, booleans are lower case as in JSON and YAML."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)):
        return str(value)
    raise TypeError(f"only text, numbers, booleans and null can be quoted, not {type(value).__name__}")


def sh_quote(value: object) -> str:
    """One word of a POSIX shell, always in single quotes.

    Args:
        value: Plain scalar; ``None`` becomes the empty word.

    Raises:
        TypeError: The value is not a plain scalar.
        ValueError: The value holds a NUL character, which no shell word can hold.

    >>> sh_quote("it's $HOME")
    "'it'\\\\''s $HOME'"
    """
    text = _text(value)
    if "\0" in text:
        raise ValueError("a shell word cannot hold a NUL character")
    return "'" + text.replace("'", "'\\''") + "'"


def to_json(value: object, indent: int | None = None) -> str:
    """JSON text that is a valid YAML 1.1 flow value with the same meaning too.

    Args:
        value: Plain data; mapping keys must be text. Key order is kept.
        indent: Spaces per level; ``None`` writes one line.

    Raises:
        TypeError: Something inside is not plain data.
        ValueError: A number is infinite or not a number.
    """
    return _json(value, indent, 0)


def _json(value: object, indent: int | None, depth: int) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return '"' + _ESCAPED_IN_JSON.sub(_json_escape, value) + '"'
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, float):
        return _json_float(value)
    if isinstance(value, Mapping):
        pairs: list[str] = []
        for key, item in value.items():
            if not isinstance(key, str):
                raise TypeError(f"a JSON key must be text, not {type(key).__name__}")
            pairs.append(f"{_json(key, None, 0)}: {_json(item, indent, depth + 1)}")
        return _wrapped("{", pairs, "}", indent, depth)
    if isinstance(value, (list, tuple)):
        return _wrapped("[", [_json(item, indent, depth + 1) for item in value], "]", indent, depth)
    raise TypeError(f"only plain data can be written as JSON, not {type(value).__name__}")


def _json_escape(match: re.Match[str]) -> str:
    char = match.group()
    return _SHORT_ESCAPES.get(char) or f"\\u{ord(char):04x}"


def _json_float(value: float) -> str:
    if not math.isfinite(value):
        raise ValueError("JSON has no infinite and no undefined numbers")
    text = repr(float(value))
    mantissa, e, exponent = text.partition("e")
    if e and "." not in mantissa:  # YAML 1.1 reads 1e-05 as text, 1.0e-05 as a number
        return f"{mantissa}.0e{exponent}"
    return text


def _wrapped(opening: str, items: list[str], closing: str, indent: int | None, depth: int) -> str:
    if not items or indent is None:
        return opening + ", ".join(items) + closing
    pad = "\n" + " " * (indent * (depth + 1))
    return opening + pad + ("," + pad).join(items) + "\n" + " " * (indent * depth) + closing


def dockerfile_quote(value: object) -> str:
    """A value for ``ENV``, ``ARG`` or ``LABEL``, with its double quotes; nothing in it is expanded.

    Raises:
        TypeError: The value is not a plain scalar.
        ValueError: It holds a line break or another control character.

    >>> print(dockerfile_quote('a "b" $HOME'))
    "a \\"b\\" \\$HOME"
    """
    text = _text(value)
    if _LINE_BREAKS.search(text) or _CONTROLS.search(text):
        raise ValueError("a Dockerfile value cannot hold line breaks or control characters")
    return '"' + re.sub(r'[\\"$]', r"\\\g<0>", text) + '"'


def env_line(value: object) -> str:
    """A value for a line of ``container.env``, where no quoting exists.

    Raises:
        TypeError: The value is not a plain scalar.
        ValueError: It holds a line break, a NUL, or more than 1024 characters (SageMaker's limit).
    """
    text = _text(value)
    if _LINE_BREAKS.search(text) or "\0" in text:
        raise ValueError("a value in container.env cannot hold line breaks")
    if len(text) > 1024:
        raise ValueError("a value in container.env cannot be longer than 1024 characters")
    return text


def _visible(value: object) -> str:
    """The value on one line, its invisible characters as escapes."""
    text = " ".join(re.split(r"\s+", _CONTROLS.sub(" ", _text(value)).strip()))
    return _TURNING.sub(lambda match: f"\\u{ord(match.group()):04x}", text)


def md_escape(value: object) -> str:
    """Inline Markdown that shows the value as it is: no markup, no HTML, no link, no table cell end."""
    text = _visible(value)
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = _MARKDOWN.sub(r"\\\g<0>", text)
    text = text.replace("://", r"\://").replace("www.", r"www\.")  # no automatic links
    if re.match(r"[#+=-]", text):  # at a line's start these would open a heading, a list, a rule
        return "\\" + text
    return re.sub(r"^(\d+)([.)])", r"\1\\\2", text)


def md_code(value: object) -> str:
    """An inline code span (also inside a table) that shows the value as it is."""
    text = _visible(value)
    if not text:
        return ""
    if "|" in text:  # a bar ends a table cell even inside a code span
        escaped = md_escape(text)
        return f"<code>{escaped}</code>"
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text}{pad}{fence}"


FILTERS: dict[str, Callable[..., Any]] = {
    "sh": sh_quote,
    "json": to_json,
    "dockerfile": dockerfile_quote,
    "env_line": env_line,
    "md": md_escape,
    "md_code": md_code,
}
