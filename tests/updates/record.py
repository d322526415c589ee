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


def row(what: str, results: Sequence[Result]) -> str:
    """One line of the table."""
    passed = sum(r.cases for r in results if r.outcome == "passed")
    failed = sum(r.outcome in ("failed", "error") for r in results)
    skipped = sum(r.outcome == "skipped" for r in results)
    return f"| {what} | {passed} | {failed} | {skipped} |"


def page(results: Sequence[Result], commit: str, seconds: float, workers: str) -> str:
    """The text of the record."""
    combinations = [r for r in results if COMBINATIONS in r.name]
    edits = [r for r in results if EDITS in r.name]
    others = [r for r in results if r not in combinations and r not in edits]
    git_version = re.sub(r"[^\d.]", "", subprocess.run(["git", "--version"], capture_output=True, text=True).stdout)
    lines = [
        "# Proof of updates",
        "",
        "What `make proof-updates` found when it was last run. That command writes this page; nothing here is typed by hand.",
        "",
        "| | |",
        "|---|---|",
        f"| date | {datetime.now(timezone.utc):%Y-%m-%d %H:%M} UTC |",
        f"| commit | {commit} |",
        f"| duration | {seconds / 60:.0f} minutes, {workers}, {os.cpu_count()} cores |",
        f"| with | Python {platform.python_version()}, Copier {version('copier')}, git {git_version} |",
        "",
        "| what | passed | failed | skipped |",
        "|---|---|---|---|",
        row(
            "combinations of framework, server and target, each over every pair of three tags and through all three",
            combinations,
        ),
        row("generated cases of the owner's edits", edits),
        row("other tests of tests/updates", others),
    ]
    wrong = [f"- {r.name}: {r.outcome}" for r in results if r.outcome in ("failed", "error")]
    if wrong:
        lines += ["", "Failed:", "", *wrong]
    return "\n".join(lines) + "\n"


def numbers_of(text: str) -> list[tuple[int, int, int]]:
    """The counts of a record, row by row."""
    rows = re.findall(r"^\| [^|]+ \| (\d+) \| (\d+) \| (\d+) \|$", text, re.MULTILINE)
    return [(int(a), int(b), int(c)) for a, b, c in rows]
