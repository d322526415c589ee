"""Does this model name match, and which of several patterns wins.

``*`` matches any run of characters, the empty one and ``/`` included; everything else is literal; letter case is
ignored. The most specific pattern wins: the one with most literal characters. Matching takes time in proportion to
the name's length, whatever the pattern, since patterns may come from a layer nobody reviewed.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache


@lru_cache(maxsize=65536)
def _pieces(pattern: str) -> tuple[str, ...]:
    return tuple(pattern.lower().split("*"))


def is_pattern(text: str) -> bool:
    """Whether a model key is a pattern, not an exact id."""
    return "*" in text


def does_match(pattern: str, name: str) -> bool:
    """Whether a name matches a pattern.

    Example:
        >>> does_match("mistralai/Mistral-*", "mistralai/mistral-7b-instruct-v0.3")
        True
    """
    text = name.lower()
    first, *rest = _pieces(pattern)
    if not rest:
        return text == first
    last = rest.pop()
    if len(text) < len(first) + len(last) or not text.startswith(first) or not text.endswith(last):
        return False
    start, end = len(first), len(text) - len(last)
    for piece in rest:
        at = text.find(piece, start, end)
        if at < 0:
            return False
        start = at + len(piece)
    return True


def literal_prefix(pattern: str) -> str:
    """The text before the first ``*``, in lower case: what a name must start with."""
    return _pieces(pattern)[0]


def specificity(pattern: str) -> int:
    """The number of literal characters of a pattern."""
    return len(pattern) - pattern.count("*")


def best_patterns(patterns: Iterable[str], name: str) -> list[str]:
    """The matching patterns of the highest specificity; more than one is a tie, which is a registry fault."""
    hits = [p for p in patterns if does_match(p, name)]
    top = max((specificity(p) for p in hits), default=-1)
    return [p for p in hits if specificity(p) == top]
