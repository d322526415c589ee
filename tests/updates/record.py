"""Writes down what `make proof-updates` found: docs/proof-updates.md, with date, commit, counts and duration."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "proof-updates.md"
COVERED = ("mcc_registry", "registries", "hooks", "template", "copier.yml", "tests/updates")
"""What the proof runs; a change of anything else does not touch its result."""

COMBINATIONS = "test_an_updated_project_is_a_fresh_one"
EDITS = "test_no_edit_is_lost"


@dataclass(frozen=True)
class Result:
    """What one test came to: its name, how it ended, and how many cases it ran."""

    name: str
    outcome: str
    cases: int


def results_of(stats: dict[str, list[Any]]) -> list[Result]:
    """The results behind pytest's counts."""
    found = []
    for outcome in ("passed", "failed", "error", "skipped"):
        for report in stats.get(outcome, []):
            if outcome != "passed" or report.when == "call":
                cases = dict(report.user_properties).get("cases", 1)
                found.append(Result(report.nodeid, outcome, int(cases)))
    return found


def commit_of_checkout() -> str:
    """The commit that was tested, and whether the checkout differs from it."""

    def git(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()

    dirty = " with uncommitted changes" if git("status", "--porcelain", "--", *COVERED) else ""
    return f"{git('rev-parse', '--short=12', 'HEAD') or 'unknown'}{dirty}"


COLUMNS = "| what | passed | failed | skipped | date (UTC) | commit | minutes | with |"
NONE = "| {what} | 0 | 0 | 0 | never | - | - | - |"

PARTS: dict[str, str] = {
    COMBINATIONS: "combinations of framework, server and target, over three tags",
    EDITS: "generated cases of the owner's edits",
}
"""Part of a test's name to the row it counts in; what counts in none is told only when it fails."""


def part_of(name: str) -> str:
    """The row of a test, "" for none."""
    return next((part for part in PARTS if part in name), "")


def row(what: str, results: Sequence[Result], commit: str, seconds: float, machine: str) -> str:
    """One line of the table."""
    passed = sum(r.cases for r in results if r.outcome == "passed")
    failed = sum(r.outcome in ("failed", "error") for r in results)
    skipped = sum(r.outcome == "skipped" for r in results)
    now = f"{datetime.now(timezone.utc):%Y-%m-%d %H:%M}"
    return f"| {what} | {passed} | {failed} | {skipped} | {now} | {commit} | {seconds / 60:.0f} | {machine} |"


def machine_words(workers: str) -> str:
    """What it ran on."""
    told = subprocess.run(["git", "--version"], capture_output=True, text=True, check=False).stdout
    git_version = re.sub(r"[^\d.]", "", told)
    parts = (f"Python {platform.python_version()}", f"Copier {version('copier')}", f"git {git_version}")
    return f"{', '.join(parts)}; {workers}, {os.cpu_count()} cores"


def page(results: Sequence[Result], commit: str, seconds: float, workers: str, before: str = "") -> str:
    """The text of the record; parts that were not run keep the row they have in the record ``before``."""
    rows = []
    for part, what in PARTS.items():
        mine = [r for r in results if part_of(r.name) == part]
        old = next((line for line in before.splitlines() if line.startswith(f"| {what} |")), NONE.format(what=what))
        rows.append(row(what, mine, commit, seconds, machine_words(workers)) if mine else old)
    lines = [
        "# Proof of updates",
        "",
        "What `make proof-updates` found when it was last run. That command writes this page; nothing here is typed by hand. A part",
        "may be run alone (`make proof-updates PART=edits`); minutes are those of the whole run it was part of.",
        "",
        COLUMNS,
        re.sub(r"[^|]+", "---", COLUMNS),
        *rows,
    ]
    wrong = [f"- {r.name}: {r.outcome}" for r in results if r.outcome in ("failed", "error")]
    if wrong:
        lines += ["", "Failed:", "", *wrong]
    return "\n".join(lines) + "\n"


def numbers_of(text: str) -> dict[str, tuple[int, int, int]]:
    """The counts of a record (passed, failed, skipped) by part."""
    found = {}
    for part, what in PARTS.items():
        match = re.search(rf"^\| {re.escape(what)} \| (\d+) \| (\d+) \| (\d+) \|", text, re.MULTILINE)
        if match is not None:
            found[part] = (int(match[1]), int(match[2]), int(match[3]))
    return found
