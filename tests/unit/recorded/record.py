"""Records as small readable files: what is like an earlier case is written as its difference from that case.

In a difference ``"="`` is what the earlier case has there and ``"-"`` a key that it has and this case lacks. In a list of
lines (``NAME=...`` or ``NAME | ...``) or findings (lists that begin with their code), a NAME or code alone is the whole entry
of that name in the earlier case, and FIRST ... LAST are all from one to the other; a finding of which some lines differ
begins with the code, and ``"="`` are the others.
A record is read whole again: tests compare whole values and never see a difference.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from itertools import takewhile
from pathlib import Path
from typing import Any

SAME, GONE, LIKE, RUN = "=", "-", "like", " ... "
LINE = re.compile(r"(.+?)(?:=| \| )")
CODE = re.compile(r"(MCC\d{3}) ")


def named(entries: list[Any]) -> dict[str, Any]:
    """The lines or findings of a list by name, a repeated name with its number; empty when some have no name."""
    names: dict[str, Any] = {}
    seen: Counter[str] = Counter()
    for entry in entries:
        finding = isinstance(entry, list) and entry and isinstance(entry[0], str)
        found = CODE.match(entry[0]) if finding else LINE.match(entry) if isinstance(entry, str) else None
        if found is None:
            return {}
        seen[found[1]] += 1
        names[found[1] if seen[found[1]] == 1 else f"{found[1]} {seen[found[1]]}"] = entry
    return names


def difference(base: Any, value: Any) -> Any:
    """What to write for a value beside an earlier one."""
    if base == value and type(base) is type(value):
        return SAME
    if isinstance(base, dict) and isinstance(value, dict):
        changed = {k: difference(base[k], v) if k in base else v for k, v in value.items()}
        return {k: v for k, v in changed.items() if v != SAME} | {k: GONE for k in base if k not in value}
    if isinstance(base, list) and isinstance(value, list):
        before, now = named(base), named(value)
        if before and now:
            entries = [entry_beside(before[n], n, entry) if n in before else entry for n, entry in now.items()]
            return with_runs(entries, list(before))
        if len(base) == len(value):
            return [difference(old, new) for old, new in zip(base, value, strict=True)]
    return value


def entry_beside(base: Any, name: str, entry: Any) -> Any:
    """A named entry beside the earlier one of its name."""
    if base == entry:
        return name
    if isinstance(entry, list) and len(base) == len(entry) and base[0] == entry[0]:
        return [name, *difference(base[1:], entry[1:])]
    return entry


def applied(base: Any, written: Any) -> Any:
    """The value of which `difference` wrote this beside the earlier one."""
    if written == SAME:
        return base
    if isinstance(base, dict) and isinstance(written, dict):
        changed = {k: applied(base[k], v) if k in base else v for k, v in written.items() if v != GONE}
        return {k: v for k, v in base.items() if k not in written} | changed
    if isinstance(base, list) and isinstance(written, list):
        before = named(base)
        if before:
            return [entry for one in written for entry in entries_of(before, one)]
        if len(base) == len(written):
            return [applied(old, new) for old, new in zip(base, written, strict=True)]
    return written


def with_runs(entries: list[Any], names: list[str]) -> list[Any]:
    """Entries in which three or more names that follow each other in the earlier case are ``FIRST ... LAST``."""
    short: list[Any] = []
    at = 0
    while at < len(entries):
        start = names.index(entries[at]) if entries[at] in names else len(names)
        pairs = zip(names[start:], entries[at:], strict=False)
        run = len(list(takewhile(lambda pair: pair[0] == pair[1], pairs)))
        short += [f"{entries[at]}{RUN}{entries[at + run - 1]}"] if run > 2 else entries[at : at + max(run, 1)]
        at += max(run, 1)
    return short


def entries_of(before: Mapping[str, Any], written: Any) -> list[Any]:
    """The entry, or the run of entries, that was written beside earlier ones."""
    if isinstance(written, list) and written and written[0] in before:
        base = before[written[0]]
        return [[base[0], *applied(base[1:], written[1:])]]
    if isinstance(written, str):
        first, _, last = written.partition(RUN)
        names = list(before)
        if first in before and last in before:
            return [before[name] for name in names[names.index(first) : names.index(last) + 1]]
        return [before.get(written, written)]
    return [written]


def read_record(path: Path) -> dict[str, Any]:
    """Every case in full."""
    record: dict[str, Any] = {}
    for name, case in json.loads(path.read_text(encoding="utf-8")).items():
        base = record[case.pop(LIKE)] if LIKE in case else None
        record[name] = case if base is None else applied(base, case)
    return record


def write_record(path: Path, record: Mapping[str, Mapping[str, Any]]) -> None:
    """One line for each thing said, so that a diff shows which of them changed; what is empty is left out.

    A case stays like the case that it is written like already, so that a diff shows changes and no other choice; a new
    one is written like the earlier case that leaves the least to say.
    """
    kept: dict[str, Any] = {}
    with suppress(FileNotFoundError, json.JSONDecodeError):  # a merge's conflict marks are no reason to fail
        kept = json.loads(path.read_text(encoding="utf-8"))
    written: dict[str, dict[str, Any]] = {}
    for name, case in record.items():
        assert LIKE not in case, name
        earlier = list(written)
        like = kept.get(name, {}).get(LIKE)
        ways = [dict(case)] if like not in earlier else []
        for base in [like] if like in earlier else earlier:
            way = difference(record[base], case)
            way = {} if way == SAME else way
            if text_of(applied(record[base], way)) == text_of(case):
                ways.append({LIKE: base, **way})
        written[name] = min(ways or [dict(case)], key=lambda way: len(json.dumps(way)))
    text = ",\n".join(f" {line(n)}: {{\n  " + ",\n  ".join(parts(case)) + "}" for n, case in written.items())
    path.write_text("{\n" + text + "\n}\n", encoding="utf-8")
    assert text_of(read_record(path)) == text_of(record)


def parts(case: Mapping[str, Any]) -> list[str]:
    """A case's parts; a long list and a mapping of lists take a line for each entry."""

    def lines(value: Any) -> str:
        if isinstance(value, list) and len(line(value)) > 160:
            return "[\n   " + ",\n   ".join(map(line, value)) + "]"
        if isinstance(value, dict) and any(isinstance(v, list) for v in value.values()):
            return "{\n   " + ",\n   ".join(f"{line(k)}: {line(v)}" for k, v in value.items()) + "}"
        return line(value)

    return [f"{line(key)}: {lines(value)}" for key, value in case.items()]


def text_of(value: Any) -> str:
    """A value as text that is the same for the same value only."""
    return json.dumps(value, sort_keys=True)


def line(value: Any) -> str:
    """JSON in one line, with letters as they are and everything that does not print escaped."""
    text = json.dumps(value, ensure_ascii=False)
    return text if text.isprintable() else json.dumps(value)
