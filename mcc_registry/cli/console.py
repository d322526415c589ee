"""Where output goes: JSON or tables on stdout, notes for people on stderr, colour only on a terminal."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TextIO

from .. import report
from ..errors import Finding

COLOURS = {"error": "31", "warning": "33", "info": "36", "dim": "2", "bold": "1", "good": "32"}
WIDEST = 120
GAP = 2


class Console:
    """One run's output.

    Attributes:
        wants_json: ``--format json`` was given.
        out, err: the two streams.
        width: columns for text.
    """

    def __init__(self, output_format: str = "table", out: TextIO | None = None, err: TextIO | None = None) -> None:
        self.wants_json = output_format == "json"
        self.out = sys.stdout if out is None else out
        self.err = sys.stderr if err is None else err
        self.width = _width(self.out)

    def paint(self, text: str, style: str) -> str:
        """Text in a colour where stdout is a terminal that wants it."""
        return _paint(self.out, text, style)

    def paint_note(self, text: str, style: str) -> str:
        """As ``paint``, for stderr."""
        return _paint(self.err, text, style)

    def json(self, data: Mapping[str, Any] | Sequence[Any]) -> None:
        """One JSON document on stdout; ASCII only, so that no terminal or name can break it."""
        import json

        print(json.dumps(data, indent=2, ensure_ascii=True, default=str), file=self.out)

    def text(self, text: str = "") -> None:
        """A line of the answer on stdout; nothing in JSON mode."""
        if not self.wants_json:
            print(encodable(text, self.out), file=self.out)

    def note(self, text: str) -> None:
        """A line for people on stderr, after what stdout has already got."""
        with contextlib.suppress(ValueError):
            self.out.flush()
        print(encodable(text, self.err), file=self.err)

    def findings(self, findings: Iterable[Finding], *, to_err: bool = False) -> None:
        """Findings as blocks, for people; nothing in JSON mode."""
        found = list(findings)
        if self.wants_json or not found:
            return
        if to_err:
            self.note(report.to_blocks(found, self.width, self.paint_note))
        else:
            self.text(report.to_blocks(found, self.width, self.paint))

    def heading(self, title: str) -> None:
        """A heading with an empty line before it."""
        self.text()
        self.text(self.paint(title, "bold"))

    def pairs(self, rows: Iterable[tuple[str, object]], indent: str = "") -> None:
        """Names and values in two columns; long values wrap below themselves, empty ones are left out."""
        kept = [(name, str(value)) for name, value in rows if value not in (None, "")]
        first = max((len(name) for name, _ in kept), default=0)
        for name, value in kept:
            start = f"{indent}{name.ljust(first)}{' ' * GAP}"
            for line in report.wrap(value, self.width, start, " " * len(start)):
                self.text(line)

    def table(self, headers: Sequence[str], rows: Iterable[Sequence[object]], *, right: Sequence[int] = ()) -> None:
        """A table; the last column wraps at the width.

        Args:
            headers: titles of the columns.
            rows: cells; None is shown as ``-``.
            right: indexes of columns aligned to the right.
        """
        cells = [["-" if c is None else str(c) for c in row] for row in rows]
        widths = [max(len(r[i]) for r in [list(headers), *cells]) for i in range(len(headers))]
        last = len(headers) - 1
        for number, row in enumerate([list(headers), *cells]):
            start = ""
            for i, cell in enumerate(row[:last]):
                start += (cell.rjust(widths[i]) if i in right else cell.ljust(widths[i])) + " " * GAP
            tail = row[last].rjust(widths[last]) if last in right else row[last]
            wrapped = report.wrap(tail, self.width, start, " " * len(start))
            for line in [start + tail] if last in right else wrapped:
                self.text(self.paint(line.rstrip(), "bold") if number == 0 else line.rstrip())


def _width(stream: TextIO) -> int:
    try:
        columns = int(os.environ.get("COLUMNS", ""))
    except ValueError:
        columns = 0
    if columns <= 0 and is_terminal(stream):
        try:
            columns = os.get_terminal_size(stream.fileno()).columns
        except (OSError, ValueError):
            columns = 0
    return min(max(columns or report.WIDTH, 40), WIDEST)


def is_terminal(stream: TextIO) -> bool:
    """Whether somebody looks at the stream."""
    try:
        return stream.isatty()
    except (AttributeError, ValueError):
        return False


def _paint(stream: TextIO, text: str, style: str) -> str:
    if not text or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or not is_terminal(stream):
        return text
    return f"\x1b[{COLOURS[style]}m{text}\x1b[0m"


def encodable(text: str, stream: TextIO) -> str:
    """Text a stream can take: characters its encoding lacks become escapes."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return text.encode("ascii", "backslashreplace").decode("ascii")
    return text


def money(price: float | None) -> str:
    """A price per hour as people read it.

    Example:
        >>> money(0.8048), money(None)
        ('0.805 USD/h', 'no price known')
    """
    return "no price known" if price is None else f"{price:.3f} USD/h"


def price(value: float | None) -> str:
    """A price as a number alone, for a column."""
    return "-" if value is None else f"{value:.3f}"


def gib(value: float | None, digits: int = 1) -> str:
    """A figure in GiB, ``?`` when unknown."""
    return "?" if value is None else f"{value:.{digits}f}"
