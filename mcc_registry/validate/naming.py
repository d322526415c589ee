"""Rules about model names: which row answers for a name must never be a matter of chance."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ..loading.documents import Document
from ..patterns import does_match, is_pattern, literal_prefix
from .base import Context, Problem, Rule, Steps, TooMany, rows_of


def can_both_match(first: str, second: str, steps: Steps | None = None) -> bool:
    """Whether some name matches both patterns.

    Args:
        first: a pattern.
        second: another one.
        steps: what the comparison may take; None = as much as it needs.

    Raises:
        TooMany: the steps were used up.

    Example:
        >>> can_both_match("a/*-chat", "a/b-*"), can_both_match("a/*", "b/*")
        (True, False)
    """
    one, two = (re.sub(r"\*+", "*", text.lower()) for text in (first, second))
    start, other = literal_prefix(one), literal_prefix(two)
    if not (start.startswith(other) or other.startswith(start)):
        return False
    end, other_end = one.rpartition("*")[2], two.rpartition("*")[2]
    if not (end.endswith(other_end) or other_end.endswith(end)):
        return False
    reach = {0}
    reach = _stars(two, reach)
    for char in one:
        if steps is not None:
            steps.take(len(two) if char == "*" else len(reach))
        following: set[int] = set(range(min(reach), len(two) + 1)) if char == "*" else set()
        for at in () if char == "*" else reach:
            if at < len(two) and two[at] == "*":
                following |= {at, at + 1}
            elif at < len(two) and two[at] == char:
                following.add(at + 1)
        reach = _stars(two, following)
        if not reach:
            return False
    return len(two) in reach


def _stars(pattern: str, reach: set[int]) -> set[int]:
    """Positions reachable without consuming a character: a ``*`` may match nothing."""
    grown = set(reach)
    for at in reach:
        place = at
        while place < len(pattern) and pattern[place] == "*":
            place += 1
            grown.add(place)
    return grown


class TiedPatterns(Rule):
    """Two patterns of one layer with equally many literal characters must not match a common name.

    Which row answers would be chance. Make one of them longer, or write one pattern for both. Patterns that begin alike
    are compared with each other; where they are too many for that, the file is refused.
    """

    code, name, title = "MCC530", "tied-patterns", "Two patterns match the same names and neither is more specific"
    kinds = ("model_family",)

    def check(self, document: Document, data: dict[str, Any], context: Context) -> Iterator[Problem]:
        """See the class."""
        steps = context.steps
        for path, row in rows_of(data, "patterns"):
            mine = row["match"]
            try:
                for theirs, home in context.patterns_like(document.layer, mine):
                    steps.take(1)
                    if (home.id, theirs) >= (document.id, mine) or mine.lower() == theirs.lower():
                        continue
                    if can_both_match(mine, theirs, steps):
                        where = "" if home.id == document.id else f" of {home.shown}"
                        yield Problem(
                            (*path, "match"), f"{mine} ties with {theirs}{where}", "make one of them longer"
                        )
            except TooMany:
                text = "too many patterns begin alike, or they are too long, to compare them all"
                hint = "begin each with more letters, for example the organisation, or write fewer"
                yield Problem((*path, "match"), text, hint)
                return


class ShadowedModel(Rule):
    """A pattern or an exact id stands once: twice in one layer, letter case aside, one of the rows is never read."""

    code, name, title = "MCC531", "shadowed-model", "The same pattern or model id stands in two rows"
    kinds = ("model_family",)

    def check(self, document: Document, data: dict[str, Any], context: Context) -> Iterator[Problem]:
        """See the class."""
        for collection in ("patterns", "models"):
            for path, row in rows_of(data, collection):
                mine = row["match"]
                for home, position, theirs in context.places[collection].get((document.layer, mine.lower()), ()):
                    same_row_twice = home.id == document.id and theirs == mine
                    if (home.id, position) < (document.id, path[1]) and not same_row_twice:
                        yield Problem((*path, "match"), f"{mine} stands in {home.shown} too", "keep one row")


class PatternExample(Rule):
    """A pattern matches every name of its ``must_match`` and none of its ``must_not_match``."""

    code, name, title = "MCC532", "pattern-example", "A pattern's own examples contradict it"
    kinds = ("model_family",)

    def check(self, document: Document, data: dict[str, Any], context: Context) -> Iterator[Problem]:
        """See the class."""
        for path, row in rows_of(data, "patterns"):
            for field, wanted in (("must_match", True), ("must_not_match", False)):
                for index, name in enumerate(row.get(field, [])):
                    if does_match(row["match"], name) is not wanted:
                        verb = "does not match" if wanted else "matches"
                        hint = "correct the pattern or the example"
                        yield Problem((*path, field, index), f"{row['match']} {verb} {name}", hint)


class PatternWithoutExample(Rule):
    """Every pattern lists at least one name it must match and one it must not."""

    code, name, title = "MCC533", "pattern-without-example", "A pattern lists no examples"
    kinds = ("model_family",)
    shipped_only = True

    def check(self, document: Document, data: dict[str, Any], context: Context) -> Iterator[Problem]:
        """See the class."""
        for path, row in rows_of(data, "patterns"):
            lacking = [field for field in ("must_match", "must_not_match") if not row.get(field)]
            if lacking:
                yield Problem(path, f"{row['match']} has no {' and no '.join(lacking)}", "list one name for each")


class PatternOrModel(Rule):
    """Rows of ``patterns`` have a ``*``; rows of ``models`` are exact ids and have none."""

    code, name, title = "MCC534", "pattern-or-model", "A pattern without a star, or an exact id with one"
    kinds = ("model_family",)

    def check(self, document: Document, data: dict[str, Any], context: Context) -> Iterator[Problem]:
        """See the class."""
        for path, row in rows_of(data, "patterns"):
            if not is_pattern(row["match"]):
                yield Problem((*path, "match"), f"the pattern {row['match']} has no *", "move the row to models")
        for path, row in rows_of(data, "models"):
            if is_pattern(row["match"]):
                yield Problem((*path, "match"), f"the model id {row['match']} has a *", "move the row to patterns")


RULES = (TiedPatterns, ShadowedModel, PatternExample, PatternWithoutExample, PatternOrModel)
