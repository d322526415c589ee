"""What every refresh shares: one difference in words, what a refresh found, and when a source shrank too much."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from ..errors import Finding, FindingKind, MccError, listing

ChangeKind = Literal["added", "removed", "changed", "unresolved", "kept", "note"]

DRIFT: tuple[ChangeKind, ...] = ("added", "removed", "changed", "unresolved")
"""Kinds that mean the registries lag behind a source; the other two are said and nothing more."""

SHRINK_LIMIT = 0.05
"""Share of rows a source may lose before the loss looks like a broken source."""


FINDING_KINDS: dict[str, FindingKind] = {
    kind.name: kind
    for kind in (
        FindingKind(
            "MCC720",
            "refresh-source-missing",
            "A source of facts cannot be read",
            "A package is not installed, nobody is signed in, or the service did not answer. Nothing is written, "
            "because a difference against half a source would remove what is still true.",
        ),
        FindingKind(
            "MCC721",
            "refresh-source-shrank",
            "A source of facts lost more than it plausibly can",
            "More than one row in twenty, or a whole family, is gone, or the source is older than the one the "
            "registries were read from. Usually the source is incomplete. --allow-removals accepts it.",
        ),
        FindingKind(
            "MCC722",
            "refresh-drift",
            "The registries lag behind their sources",
            "refresh --check found differences. Run the same command without --check and read what it would write.",
        ),
        FindingKind(
            "MCC723",
            "refresh-not-a-checkout",
            "There is nothing here that refresh may write",
            "refresh renews the YAML files of a checkout. Those inside an installed package belong to the package.",
        ),
        FindingKind(
            "MCC724",
            "refresh-would-break",
            "Writing would leave registries with faults",
            "The new files are validated before anything is written; they have faults, so nothing was written.",
        ),
        FindingKind(
            "MCC725",
            "refresh-not-confirmed",
            "Nobody agreed to the differences",
            "refresh asks before it writes. Where nobody can be asked, --yes says yes beforehand.",
        ),
        FindingKind(
            "MCC726",
            "refresh-partly-read",
            "Some rows could not be compared with their source",
            "The source did not answer for these rows, or does not know them; nothing was changed for them.",
        ),
    )
}


def get_finding(name: str, message: str, hint: str = "", *, source: str = "", warning: bool = False) -> Finding:
    """A finding of this room by its name."""
    kind = FINDING_KINDS[name]
    return Finding(kind.code, "warning" if warning else "error", None, message, hint, source, name)


class SourceError(MccError):
    """A source cannot be read; ``finding`` says which and what would work."""

    def __init__(self, message: str, hint: str = "", *, name: str = "refresh-source-missing") -> None:
        self.finding = get_finding(name, message, hint)
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between a registry file and a source.

    Attributes:
        kind: added, removed, changed; unresolved = the source knows more but a person must decide; kept = a
            hand-written fact stands against the source; note = worth saying.
        file: file below the registry root.
        item: row or fact concerned, in the file's words.
        old/new: the registry's value and the source's; None where there is none.
        source: short name of the source (``EC2``, ``botocore``).
        reason: what else is to be said.
    """

    kind: ChangeKind
    file: str
    item: str
    old: object = None
    new: object = None
    source: str = ""
    reason: str = ""

    @property
    def is_drift(self) -> bool:
        """Whether the registries lag behind."""
        return self.kind in DRIFT

    def words(self) -> str:
        """The difference in words, without its file.

        Example:
            >>> Change("changed", "instances/g5.yaml", "ml.g5.xlarge vcpus", 4, 8, "EC2").words()
            'changed ml.g5.xlarge vcpus: 4 -> 8 (EC2)'
        """
        text = f"{self.kind} {self.item}"
        if self.kind == "changed":
            text += f": {show(self.old)} -> {show(self.new)}"
        elif self.kind == "added" and self.new is not None:
            text += f": {show(self.new)}"
        elif self.kind == "kept" and self.old is not None:
            text += f" {show(self.old)}, not {show(self.new)}" if self.new is not None else f" {show(self.old)}"
        if self.source:
            text += f" ({self.source})"
        return f"{text}: {self.reason}" if self.reason else text

    def to_json(self) -> dict[str, object]:
        """All fields and the words."""
        return {
            "kind": self.kind,
            "file": self.file,
            "item": self.item,
            "old": self.old,
            "new": self.new,
            "source": self.source,
            "reason": self.reason,
            "words": self.words(),
        }


def show(value: object) -> str:
    """A value as people read it."""
    if value is None or value == []:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return listing(value)
    return str(value)


@dataclass(slots=True)
class Outcome:
    """What one refresh found.

    Attributes:
        title: ``instances``, ``images`` or ``models``.
        sources: what was read, in full.
        changes: differences, kept facts and notes.
        documents: file below the root to its new data; None = the file goes.
        findings: what keeps the refresh from being written, and warnings.
    """

    title: str
    sources: list[str] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    documents: dict[str, tuple[str, dict[str, Any]] | None] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def refuse(self, findings: Iterable[Finding]) -> Outcome:
        """The outcome with findings and without anything to write."""
        return Outcome(self.title, self.sources, [], {}, [*self.findings, *findings])


def shrinkage(
    what: str, known: Mapping[str, str], there: Collection[str], source: str, *, group: str = "family"
) -> list[Finding]:
    """Findings when a source lost more than it plausibly can.

    Args:
        what: what is counted, plural.
        known: name to group (its family) of everything the registries hold from the source.
        there: names the source has now.
        source: name of the source for the message.
        group: what a group is called; "" = groups do not count.
    """
    missing = [name for name in known if name not in there]
    if not missing:
        return []
    groups = dict.fromkeys(known.values()) if group else {}
    gone = [g for g in groups if all(name in missing for name in known if known[name] == g)]
    if len(missing) <= SHRINK_LIMIT * len(known) and not gone:
        return []
    text = f"{source} lacks {len(missing)} of {len(known)} {what}: {listing(missing, 5)}"
    if gone:
        text += f"; {group} {listing(gone, 5)} is gone entirely"
    return [get_finding("refresh-source-shrank", text, "if that is right, add --allow-removals")]


def older_source(package: str, installed: str, recorded: Iterable[str]) -> list[Finding]:
    """A finding when a package is older than the one the registries name as read.

    Args:
        package: its name.
        installed: its version.
        recorded: ``source`` lines of the files concerned.
    """
    import re

    from ..versions import find_version

    have = find_version(installed)
    found = [
        version
        for line in recorded
        for text in re.findall(rf"\b{re.escape(package)} (\d[\w.]*)", line)
        if (version := find_version(text.rstrip("."))) is not None
    ]
    newest = max(found, default=None)
    if have is None or newest is None or have >= newest:
        return []
    text = f"{package} {installed} is older than {newest}, which the registries were read from"
    hint = f"pip install --upgrade '{package}>={newest}', or add --allow-removals"
    return [get_finding("refresh-source-shrank", text, hint)]


def sourced(provenance: Mapping[str, Any], lines: Mapping[str, str], today: str) -> dict[str, Any]:
    """A provenance with its source lines renewed.

    Args:
        provenance: as the file has it.
        lines: text by which the old line is recognised to the new line; appended when there is none.
        today: the date for ``checked``.
    """
    kept = list(provenance["source"])
    for mark, line in lines.items():
        places = [index for index, old in enumerate(kept) if mark in old]
        if places:
            kept[places[0]] = line
        else:
            kept.append(line)
    return {**provenance, "source": kept, "checked": today}


def correction_for(
    corrections: Sequence[Mapping[str, Any]], field_name: str, row: str | None = None
) -> Mapping[str, Any] | None:
    """The correction of a field, of one row or of the whole file."""
    return next((c for c in corrections if c["field"] == field_name and c.get("row") in (None, row)), None)


def judge_correction(
    correction: Mapping[str, Any], file: str, item: str, ours: object, theirs: object, source: str
) -> Change:
    """What a correction means now that the source was read again: kept, or a person must look."""
    reason = str(correction["reason"])
    if theirs == ours:
        return Change("note", file, item, ours, theirs, source, "the source agrees now; the correction can go")
    if theirs == correction["source_says"]:
        return Change("kept", file, f"correction of {item}:", ours, theirs, source, reason)
    says = (
        f"it said {show(correction['source_says'])} when the correction was written; is the correction still right?"
    )
    return Change(
        "unresolved", file, f"correction of {item}", ours, theirs, source, f"says {show(theirs)} now, {says}"
    )
