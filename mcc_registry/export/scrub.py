"""Keeping private things out of a public row: recognised by form, or because the project's own answers hold them."""

from __future__ import annotations

import re
from collections.abc import Iterable

LEFT_OUT = "(left out)"

_FLAGS = re.IGNORECASE | re.ASCII
FORMS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("a private key", re.compile(r"-----BEGIN[^-]*-----.*?(-----END[^-]*-----|$)", _FLAGS | re.DOTALL)),
    ("an ARN", re.compile(r"arn:aws[a-z0-9-]*:[^\s,;\"')]+", _FLAGS)),
    ("a container registry of an account", re.compile(r"\d{12}\.dkr\.ecr[a-z-]*\.[^\s,;\"')]+", _FLAGS)),
    ("a bucket", re.compile(r"s3a?://[^\s,;\"')]+|\bsagemaker-[a-z0-9-]+-\d{12}\b", _FLAGS)),
    ("a web address with a login", re.compile(r"[a-z][a-z0-9+.-]*://[^/\s@]*@[^\s,;\"')]*", _FLAGS)),
    ("an address in AWS", re.compile(r"(https?://)?[\w.-]+\.amazonaws\.com(\.cn)?(/[^\s,;\"')]*)?", _FLAGS)),
    (
        "a token",
        re.compile(
            r"\bhf_[A-Za-z0-9]{16,}|\b(AKIA|ASIA|AROA|AIDA)[A-Z0-9]{12,}|\bgh[pousr]_[A-Za-z0-9]{16,}|\bgithub_pat_\w{16,}"
            r"|\bglpat-[\w-]{16,}|\bxox[a-z]-[\w-]{8,}|\bsk-[\w-]{16,}|\bnvapi-[\w-]{16,}|\beyJ[\w-]{10,}\.[\w-]+(\.[\w-]*)?"
            r"|\bbearer\s+[^\s,;\"')]+"
            r"|\b[\w-]*(token|(password|passwd|passphrase|secret|api[_-]?key|access[_-]?key|credential)s?)\b\s*[:=]\s*[^\s,;]+",
            _FLAGS,
        ),
    ),
    ("a mail address", re.compile(r"[\w.+-]+@[\w-]+(\.[\w-]+)+", _FLAGS)),
    ("a path of a user", re.compile(r"(?<![\w.])(file://)?/(home|users|root|mnt|srv|var|tmp|private|media|data)/[^\s,;\"')]*|(?<!\w)~[\w.-]*/[^\s,;\"')]*|\b[a-z]:[\\/][^\s,;\"')]+|\\\\\w[^\s,;\"')]+", _FLAGS)),
    ("a network address", re.compile(r"\b(10(\.\d{1,3}){3}|192\.168(\.\d{1,3}){2}|172\.(1[6-9]|2\d|3[01])(\.\d{1,3}){2})\b", _FLAGS)),
    ("an account id", re.compile(r"(?<![\w.])\d{4}-?\d{4}-?\d{4}(?![\w.])", _FLAGS)),
    ("a key", re.compile(r"(?<![A-Za-z0-9/+=])(?![0-9a-f]{40}(?![A-Za-z0-9/+=]))(?=[A-Za-z0-9/+]*[A-Z])(?=[A-Za-z0-9/+]*[0-9])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])", re.ASCII)),
)  # fmt: skip
"""What is private by its form, in the order it is looked for."""

SHORTEST_LITERAL = 4


def scrub(text: str, private: Iterable[str] = ()) -> tuple[str, list[str]]:
    """A text without private things, and what kinds of them were left out.

    Args:
        text: anything a person or a file says.
        private: texts that are private although nothing in their form says so (the bucket of the project).

    Example:
        >>> scrub("ran as arn:aws:iam::123456789012:role/x, fine")
        ('ran as (left out), fine', ['an ARN'])
    """
    found: list[str] = []
    for literal in sorted({p for p in private if len(p) >= SHORTEST_LITERAL}, key=len, reverse=True):
        if literal.lower() in text.lower():
            text = re.sub(re.escape(literal), LEFT_OUT, text, flags=re.IGNORECASE)
            found.append("a value of the project's private answers")
    for kind, form in FORMS:
        text, count = form.subn(LEFT_OUT, text)
        if count:
            found.append(kind)
    return text, found


class Scrubber:
    """Scrubs texts with the same private values, and remembers where something was left out."""

    def __init__(self, private: Iterable[str]) -> None:
        self.private = tuple(private)
        self.left_out: dict[str, list[str]] = {}

    def clean(self, where: str, text: str) -> str:
        """The text without private things, on one line."""
        clean, kinds = scrub(text, self.private)
        for kind in kinds:
            names = self.left_out.setdefault(where, [])
            if kind not in names:
                names.append(kind)
        return " ".join("".join(c if c.isprintable() else " " for c in clean).split())

    def is_clean(self, text: str) -> bool:
        """Whether a text holds nothing private."""
        return not scrub(text, self.private)[1]
