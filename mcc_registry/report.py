"""A Finding as one line, as a block, or as JSON; the only room that lays findings out for people."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from .errors import Fact, Finding, Severity, has_errors

WIDTH = 80
"""Columns a block fits into when nobody says otherwise."""

COLUMN_LIMIT = 48
"""Widest first column of aligned facts; a longer fact has its file on a line of its own."""

Paint = Callable[[str, str], str]
"""Text and style (``error``, ``warning``, ``info``, ``dim``, ``bold``) to text, with colour or without."""

_PLACE = re.compile(r".+:[0-9]+", re.ASCII | re.DOTALL)

HEADINGS: dict[Severity, tuple[str, str]] = {
    "error": ("error", "errors"),
    "warning": ("warning", "warnings"),
    "info": ("note", "notes"),
}


def plain(text: str, style: str) -> str:
    """The text without colour."""
    del style
    return text


def headline(finding: Finding) -> str:
    """``name [CODE]: message``; a registry fault has its ``PATH:LINE`` before the message.

    Example:
        >>> headline(Finding("MCC102", "error", "instance_type", "too old", name="driver-too-old"))
        'driver-too-old [MCC102]: too old'
    """
    message = finding.message.removeprefix(f"{finding.name}: ") if finding.name else finding.message
    if _PLACE.fullmatch(finding.source) and finding.source not in message:
        message = f"{finding.source} {message}"
    name = f"{finding.name} " if finding.name else ""
    return f"{name}[{finding.code}]: {message}"


def to_line(finding: Finding) -> str:
    """The finding on one line, with its severity and hint."""
    finding = finding.to_show()
    hint = f" ({finding.hint})" if finding.hint else ""
    return f"{finding.severity}: {headline(finding)}{hint}"


def wrap(text: str, width: int, indent: str = "", hanging: str | None = None) -> list[str]:
    """Lines of at most ``width`` columns; a word that is longer stays whole.

    Args:
        text: one paragraph.
        width: columns.
        indent: start of the first line.
        hanging: start of the other lines; None = as the first.
    """
    lines, line = [], indent
    rest = indent if hanging is None else hanging
    is_empty = True
    for word in text.split():
        if not is_empty and len(line) + 1 + len(word) > width:
            lines.append(line)
            line, is_empty = rest, True
        line += word if is_empty else f" {word}"
        is_empty = False
    return [*lines, line]


def _fact_lines(facts: Sequence[Fact], width: int, paint: Paint) -> list[str]:
    """Facts with file and key aligned where they fit, else file and key on a line below."""
    first = max((len(f.text) for f in facts if f.file), default=0)
    second = max((len(f.file) for f in facts if f.key), default=0)
    third = max((len(f.key) for f in facts), default=0)
    aligned = first <= COLUMN_LIMIT and 4 + first + 3 + second + 2 + third <= width
    lines = []
    for fact in facts:
        place = f"{fact.file.ljust(second)}  {fact.key}".rstrip() if aligned else f"{fact.file}  {fact.key}".strip()
        if not place:
            lines += wrap(fact.text, width, "    ", "      ")
        elif aligned:
            lines.append(f"    {fact.text.ljust(first)}   {paint(place, 'dim')}")
        else:
            lines += wrap(fact.text, width, "    ", "      ")
            parts = [place] if len(place) + 8 <= width else place.split("  ", 1)
            lines += [paint(f"        {part}", "dim") for part in parts]
    return lines


def to_block(finding: Finding, width: int = WIDTH, paint: Paint = plain) -> str:
    """The finding as a block: one line that suffices, the facts with file and key, the hint.

    Example:
        >>> print(to_block(Finding("MCC101", "error", None, "it is so", "do that", name="such")))
        such [MCC101]: it is so
        hint: do that
    """
    finding = finding.to_show()
    lines = wrap(headline(finding), width, "", "    ")
    start = f"{finding.name} [{finding.code}]:" if finding.name else f"[{finding.code}]:"
    if lines[0].startswith(start):
        lines[0] = paint(start, finding.severity) + lines[0][len(start) :]
    lines += _fact_lines(finding.facts, width, paint)
    if finding.hint:
        hint = wrap(finding.hint, width, "hint: ", "      ")
        lines += [paint("hint:", "bold") + hint[0][5:], *hint[1:]]
    return "\n".join(lines)


def to_blocks(findings: Iterable[Finding], width: int = WIDTH, paint: Paint = plain) -> str:
    """Findings as blocks under a heading for each severity: errors, warnings, notes; "" when there are none."""
    found = list(findings)
    parts = []
    for severity, (one, many) in HEADINGS.items():
        blocks = [to_block(f, width, paint) for f in found if f.severity == severity]
        if blocks:
            title = f"{len(blocks)} {one if len(blocks) == 1 else many}"
            parts.append("\n\n".join([paint(title, severity) + "\n" + blocks[0], *blocks[1:]]))
    return "\n\n".join(parts)


def to_json(findings: Iterable[Finding]) -> list[dict[str, object]]:
    """Findings with the contract's keys."""
    return [f.to_json() for f in findings]


def exit_status(findings: Iterable[Finding]) -> int:
    """1 when a finding is an error, else 0."""
    return 1 if has_errors(findings) else 0


def count_words(findings: Iterable[Finding]) -> str:
    """How many there are of each severity, in words.

    Example:
        >>> count_words([Finding("MCC101", "error", None, "x")])
        '1 error'
    """
    found = list(findings)
    counts = [(sum(f.severity == s for f in found), words) for s, words in HEADINGS.items()]
    return ", ".join(f"{n} {one if n == 1 else many}" for n, (one, many) in counts if n) or "nothing to report"
