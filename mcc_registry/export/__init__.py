"""From a working project and the facts of a test to the right row for the right file, with the level it has earned."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import Fact, Finding, FindingsError, nearest, printable
from ..models.levels import LEVEL_MEANING
from .kinds import FINDING_KINDS, get_finding
from .project import Project, read_project
from .rows import Builder, RowChange, TestFacts, earned_level
from .scrub import LEFT_OUT, Scrubber
from .writing import row_text, validate_rows, write_rows

if TYPE_CHECKING:
    from ..registry import Registry

__all__ = [
    "FINDING_KINDS",
    "Export",
    "Project",
    "RowChange",
    "TestFacts",
    "check_facts",
    "export",
    "read_project",
    "write_rows",
]

MAX_NOTES = 600
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)
_LINK = re.compile(r"https://[A-Za-z0-9.-]+(/[^\s\"<>]*)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Export:
    """What an export gives.

    Attributes:
        level: the level the test has earned; a row keeps a better one it has.
        rows: the rows, each with its YAML.
        findings: what there is to say.
    """

    level: str | None
    rows: tuple[tuple[RowChange, str], ...]
    findings: tuple[Finding, ...]


def check_facts(
    raw: Mapping[str, Any], project: Project, registry: Registry, today: str
) -> tuple[TestFacts | None, list[Finding]]:
    """The facts of a test, or everything that is missing or wrong with them, at once.

    Nothing said at all means that no test is reported: the row is exported as what the project chose.

    Args:
        raw: ``instance_type``, ``deployed``, ``inference``, ``by``, ``date`` and optionally ``notes``,
            ``image_digest``, ``link``; None = not said.
        project: the project that was tested.
        registry: knows the instance types.
        today: no test lies after it, ``YYYY-MM-DD``.
    """
    found: list[Finding] = []
    decided = project.text("instance_type")
    if all(value is None for value in raw.values()):
        return TestFacts(decided or "", False, False, "", today, is_test=False), []

    def ask(name: str, message: str, hint: str) -> None:
        option = f"--{name.replace('_', '-')}"
        found.append(get_finding("test-fact-missing", f"{option}: {message}", hint, field=name))

    instance = str(raw.get("instance_type") or "")
    if not instance:
        hint = f"--instance-type {printable(decided)} (what the project was made for)" if decided else ""
        ask("instance_type", "on which instance type was it tried?", hint or "--instance-type ml.g6.xlarge")
    elif registry.find_instance(instance) is None:
        near = nearest(instance, registry.instances)
        ask("instance_type", f"{printable(instance)} is in no registry", f"did you mean {near}?" if near else "")
    for name, words in (
        ("deployed", "did the endpoint come into service?"),
        ("inference", "did it, or the container run without an endpoint, answer rightly?"),
    ):
        if raw.get(name) is None:
            ask(name, words, f"--{name} yes, or --{name} no")
    by = str(raw.get("by") or "").strip()
    if not by:
        ask("by", "who tried it? The name will be public", "--by your-github-name")
    date = str(raw.get("date") or "")
    if not date:
        ask("date", "when was it tried?", f"--date {today}")
    elif not _DATE.fullmatch(date) or not _is_day(date):
        ask("date", f"{printable(date)} is no date of the form YYYY-MM-DD", f"--date {today}")
    elif date > today:
        ask("date", f"{date} lies in the future", f"--date {today}")
    digest = raw.get("image_digest")
    if digest is not None and not _DIGEST.fullmatch(str(digest)):
        ask("image_digest", "it is no digest", "write sha256: and 64 hexadecimal digits, as docker push shows it")
    link = raw.get("link")
    if link is not None and not _LINK.fullmatch(str(link)):
        ask("link", "it is no https address", "--link https://github.com/OWNER/REPOSITORY/issues/NUMBER")
    notes = str(raw.get("notes") or "")
    if len(notes) > MAX_NOTES:
        ask("notes", f"they have {len(notes)} characters, {MAX_NOTES} are kept", "say it shorter, or use --link")
    if found:
        return None, found
    facts = TestFacts(instance, bool(raw["deployed"]), bool(raw["inference"]), by, date, notes, digest, link)
    return facts, []


def _is_day(text: str) -> bool:
    from datetime import date

    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def export(
    project: Project,
    facts: TestFacts,
    registry: Registry,
    *,
    which: str = "both",
    layers: Sequence[Path] = (),
    root: Path | None = None,
) -> Export:
    """The rows a test of a project gives.

    Args:
        project: the project.
        facts: the checked facts of the test.
        registry: the registries, with the layers the project's image may come from.
        which: ``release``, ``model`` or ``both``.
        layers: those layers, for validating the rows over them.
        root: the shipped registries; None = those of this package.
    """
    scrubber = Scrubber(project.private)
    texts = {name: scrubber.clean(f"--{name}", getattr(facts, name)) for name in ("by", "notes")}
    link = facts.link if facts.link is None or scrubber.is_clean(facts.link) else None
    if facts.link is not None and link is None:
        scrubber.left_out["--link"] = ["a private address"]
    if facts.is_test and not texts["by"].replace(LEFT_OUT, "").strip():
        finding = get_finding(
            "test-fact-missing", "--by: that is no name to publish", "--by your-github-name", field="by"
        )
        return Export(None, (), (finding,))
    builder = Builder(project, replace(facts, by=texts["by"], notes=texts["notes"], link=link), registry, scrubber)
    changes = builder.rows(which)
    findings = list(builder.findings)
    if any(f.severity == "error" for f in findings):
        return Export(None, (), tuple(findings))
    for where, kinds in scrubber.left_out.items():
        findings.append(
            get_finding(
                "left-out", f"{where}: {' and '.join(kinds)} was left out", "read the row before you publish it"
            )
        )
    level, more = earned_level(facts, project.request.deployment_target)
    said = (Fact(f"{level}: {LEVEL_MEANING[level]}", "", ""),)
    what = f"this test has earned {level}" if facts.is_test else f"no test is reported, which earns {level}"
    findings.append(get_finding("level-earned", what, more, facts=said))
    findings += validate_rows(changes, layers, root)
    if any(f.severity == "error" for f in findings):
        return Export(level, (), tuple(findings))
    return Export(level, tuple((change, row_text(change, root)) for change in changes), tuple(findings))


def load_and_export(folder: Path, raw: Mapping[str, Any], registry: Registry, today: str, **options: Any) -> Export:
    """Read a project, check the facts and export; everything wrong is a finding, told at once."""
    try:
        project = read_project(folder)
    except FindingsError as error:
        return Export(None, (), error.findings)
    facts, missing = check_facts(raw, project, registry, today)
    if facts is None:
        return Export(None, (), tuple(missing))
    return export(project, facts, registry, **options)
