"""Answers and choices that were renamed: what projects recorded before is carried over at their next update.

A row stays for ever; projects may skip versions. A renamed question needs its row here and, in copier.yml,
``default: "{{ mcc_default('NEW') }}"``; a test says so. A question that was only removed needs nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class RenamedAnswer:
    """A question with a new name, and the template version that renamed it."""

    old: str
    new: str
    since: str


@dataclass(frozen=True, slots=True)
class RenamedValue:
    """A choice of a question with a new name (a model server, a profile), and the version that renamed it."""

    answer: str
    old: str
    new: str
    since: str


RENAMED_ANSWERS: tuple[RenamedAnswer, ...] = ()
RENAMED_VALUES: tuple[RenamedValue, ...] = ()


def migrated(recorded: Mapping[str, Any], given: Iterable[str]) -> dict[str, Any]:
    """The answers, by their names of today, that recorded answers turn into.

    Args:
        recorded: answers by name, as the project has them.
        given: names given anew; these are left alone.

    Returns:
        Only answers that differ from ``recorded``.
    """
    fixed = {*given}
    found: dict[str, Any] = {}
    for row in RENAMED_ANSWERS:
        value = found.get(row.old, recorded.get(row.old))
        if value is not None and row.new not in fixed and row.new not in recorded:
            found[row.new] = value
    for change in RENAMED_VALUES:
        if change.answer not in fixed and found.get(change.answer, recorded.get(change.answer)) == change.old:
            found[change.answer] = change.new
    return found


def renamed_to(name: str) -> RenamedAnswer | None:
    """What became of a question with this name, if it was renamed."""
    return next((row for row in RENAMED_ANSWERS if row.old == name), None)
