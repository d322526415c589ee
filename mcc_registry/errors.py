"""Findings, registry faults and exceptions; every other room may import this one, it imports ``secrecy`` alone.

A finding tells the user one thing. Its ``code`` is stable (``MCC`` and three digits) and has a page in
``docs/findings``; its ``message`` is one line that suffices; ``facts`` are the facts behind it, each with its
registry file and key; ``hint`` is the smallest change that works.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from .secrecy import HIDDEN, without_secrets

Severity = Literal["error", "warning", "info"]

SEVERITY_ORDER = {"error": 0, "warning": 1, "info": 2}

SOURCES = (
    "Generator_Default",
    "Framework_Registry",
    "Framework_Profile",
    "HuggingFace_Hub_API",
    "Model_Registry",
    "Model_Profile",
    "User_Input",
)
"""The seven sources of a setting, lowest precedence first (contract, design.md section 3)."""


@dataclass(frozen=True, slots=True)
class FindingKind:
    """One kind of finding or fault that no rule class stands for, as its documentation page shows it.

    Attributes:
        code: ``MCC`` and three digits, stable for ever.
        name: short name in words joined by hyphens; where a kind is a fault, the message starts with it.
        title: one line for lists.
        explanation: why it is told and what to do.
        severity: what it usually is.
    """

    code: str
    name: str
    title: str
    explanation: str
    severity: Severity = "error"


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact behind a finding: what is true, and the registry file and key that say so."""

    text: str
    file: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to tell the user.

    Attributes:
        code: ``MCC`` and three digits, stable for ever.
        severity: ``error`` (the plan is refused), ``warning`` or ``info``.
        field: the answer concerned (``instance_type``), or None.
        message: one line that suffices, at most 100 characters where names allow.
        hint: the smallest change that works, or "".
        source: registry file of the decisive fact, or ``PATH:LINE`` for a registry fault.
        name: the rule's name (``driver-too-old``).
        facts: the facts the finding rests on.
        wants: what the hint leaves open until candidates were tried: ``types``, ``releases SPEC`` (all that pass),
            ``release SPEC`` (the lowest that passes), or "" for nothing. Whoever can try them fills it in
            (:func:`name_ways`); a hint names nothing that was not tried.
    """

    code: str
    severity: Severity
    field: str | None
    message: str
    hint: str = ""
    source: str = ""
    name: str = ""
    facts: tuple[Fact, ...] = ()
    wants: str = ""

    def to_json(self) -> dict[str, object]:
        """The finding with the contract's keys; ``name`` and ``facts`` are extra keys."""
        shown = self.to_show()
        return {
            "code": shown.code,
            "severity": shown.severity,
            "field": shown.field,
            "message": shown.message,
            "hint": shown.hint,
            "source": shown.source,
            "name": shown.name,
            "facts": [{"text": f.text, "file": f.file, "key": f.key} for f in shown.facts],
        }

    def to_show(self) -> Finding:
        """The finding without anything that has the form of a secret: a path, a key or a name may be one by mistake."""
        hide = without_secrets
        return replace(
            self,
            field=None if self.field is None else hide(self.field),
            message=hide(self.message),
            hint=hide(self.hint),
            source=hide(self.source),
            facts=tuple(Fact(hide(f.text), hide(f.file), hide(f.key)) for f in self.facts),
        )


def has_errors(findings: Iterable[Finding]) -> bool:
    """Whether any finding is an error."""
    return any(f.severity == "error" for f in findings)


def name_ways(finding: Finding, words: str) -> Finding:
    """The finding with its open hint closed: what was found stands for the hint's words up to a semicolon.

    Args:
        finding: one whose ``wants`` is set.
        words: what passes, or that nothing does.

    Example:
        >>> open_one = Finding("MCC103", "error", None, "m", "choose another GPU; or an older image", wants="types")
        >>> name_ways(open_one, "choose for example ml.g6.xlarge").hint
        'choose for example ml.g6.xlarge; or an older image'
    """
    _, _, rest = finding.hint.partition("; ")
    return replace(finding, hint=f"{words}; {rest}" if rest else words, wants="")


def error_codes(findings: Iterable[Finding], but: Finding | None = None) -> Counter[str]:
    """How often each code is an error, one finding left out: what may stay when a way out of that one is sought."""
    return Counter(f.code for f in findings if f.severity == "error" and f is not but)


def sort_findings(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Findings without duplicates: errors first, then warnings, then infos; the order within is kept."""
    unique: dict[tuple[str, str | None, str, str], Finding] = {}
    for finding in findings:
        unique.setdefault((finding.code, finding.field, finding.message, finding.source), finding)
    return tuple(sorted(unique.values(), key=lambda f: SEVERITY_ORDER[f.severity]))


class MccError(Exception):
    """Base of every error this package raises on purpose."""


class FindingsError(MccError):
    """Something cannot go on; the findings say what, where, and what would work.

    Raised by the loading rooms for a broken registry or layer and by parsers for unusable input.
    """

    def __init__(self, findings: Sequence[Finding], title: str = "") -> None:
        self.findings = tuple(findings)
        self.title = title
        super().__init__(title or "; ".join(f"{f.message} [{f.code}]" for f in self.findings[:3]))


class RegistryError(FindingsError):
    """A registry or a layer is broken; one finding per fault, ``source`` is ``PATH:LINE``."""


class UsageError(MccError):
    """The command line was used wrongly (exit status 2)."""


MAX_NEAREST_CHARS = 200
"""Longer names are not compared: the time grows with the square of the length."""

MAX_NEAREST_NAMES = 5_000
"""Most names one is compared with; the shipped registries have at most hundreds of a kind."""


def nearest(name: str, known: Iterable[str], *, cutoff: float = 0.6) -> str | None:
    """The known name most like ``name`` (letter case ignored), or None when nothing is near.

    Example:
        >>> nearest("modle_name", ["model_name", "region"])
        'model_name'
    """
    from difflib import get_close_matches

    if len(name) > MAX_NEAREST_CHARS:
        return None
    by_lower = {k.lower(): k for k in known if len(k) <= MAX_NEAREST_CHARS}
    if len(by_lower) > MAX_NEAREST_NAMES:
        by_lower = dict(list(by_lower.items())[:MAX_NEAREST_NAMES])
    hits = get_close_matches(name.lower(), by_lower, n=1, cutoff=cutoff)
    return by_lower[hits[0]] if hits else None


def listing(items: Iterable[object], limit: int = 8) -> str:
    """Items as a comma-separated text, at most ``limit`` of them, then a count.

    Example:
        >>> listing(["b", "a", "c"], limit=2)
        'b, a and 1 more'
    """
    texts = [str(i) for i in items]
    shown = ", ".join(texts[:limit])
    rest = len(texts) - limit
    return f"{shown} and {rest} more" if rest > 0 else shown


def printable(value: object, limit: int = 60) -> str:
    """A user's value as safe one-line text: secrets hidden, control and bidirectional characters escaped, cut at ``limit``."""
    whole = str(value)
    text = without_secrets(whole[: 16 * limit + 4096])  # cut first: the rest may be a hundred megabytes
    if len(text) < 8 * limit and len(whole) > 16 * limit + 4096 and not text.endswith(HIDDEN):
        text = f"{text.rpartition(' ')[0]}…"  # the last word may be half a secret, which no longer looks like one
    safe = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
    return safe if len(safe) <= limit else safe[: limit - 1] + "…"
