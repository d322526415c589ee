"""Values as ``container.env`` and SageMaker's Environment hold them: one line of text each."""

from __future__ import annotations

import json
from typing import Any

MAX_VALUE = 1024
"""Longest value of an Environment entry. Source: botocore 1.44.5, EnvironmentValue (facts/sagemaker.md)."""

MAX_DEPTH = 40
"""Deepest nesting of a value, given or read from JSON; the YAML reader has the same bound."""

_MAX_BITS = 13_000
"""Numbers with more are not written in decimal: they have more digits than any value may, and Python refuses from 4300."""


def text_of(value: Any) -> str:
    """A value as ``container.env`` text: JSON for lists and mappings, plain text otherwise."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (dict, list, tuple)):
        if isinstance(value, (list, tuple)) and len(value) == 1 and isinstance(value[0], str):
            return value[0]
        try:
            return json.dumps(value, separators=(",", ":"), ensure_ascii=True, sort_keys=isinstance(value, dict))
        except ValueError:
            return json.dumps(_countable(value), separators=(",", ":"))
    if isinstance(value, int) and value.bit_length() > _MAX_BITS:
        return hex(value)  # still too long for any file, so it is refused wherever it comes from
    return str(value)


def _countable(value: Any) -> Any:
    """The value with numbers that Python does not write in decimal as texts, which are as much too long."""
    if isinstance(value, dict):
        return {str(key): _countable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_countable(item) for item in value]
    return text_of(value) if isinstance(value, int) else value


def unwritable(text: str) -> str | None:
    """Why ``container.env`` cannot hold a value, in words that follow it; None when it can.

    The file knows no quoting, and SageMaker takes values of 1024 characters.

    Example:
        >>> unwritable("a b"), unwritable("a\\nb")
        (None, 'contains a line break or control character')
    """
    if not text.isprintable() and any(
        ord(c) < 32 or 127 <= ord(c) < 160 or c in "\u2028\u2029" or 0xD800 <= ord(c) <= 0xDFFF for c in text
    ):
        return "contains a line break or control character"
    return f"has {len(text)} characters; SageMaker takes {MAX_VALUE}" if len(text) > MAX_VALUE else None
