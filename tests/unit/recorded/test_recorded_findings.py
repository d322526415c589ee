"""The complete findings of every rule case as recorded: code, severity, field, words, hint, facts with file and key.

A record, no truth table: that a rule speaks, and where it is silent, is tested in ``test_rules``. It is here so that
no word, fact or place changes unnoticed. The registries are a cut (``cut.py``), so an added release rewrites nothing.
After a deliberate change: ``python -m tests.unit.recorded.test_recorded_findings`` and read the diff.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from mcc_registry.checks.compat import compat
from tests.unit.core_kit import ask
from tests.unit.recorded.cut import Cut, shown, write_record
from tests.unit.recorded.plan_layers import LAYERS
from tests.unit.rule_cases import CASES, Case

RECORD = Path(__file__).with_name("findings.json")


def named_cases() -> dict[str, Case]:
    """The cases by name; a name used again gets a number."""
    seen: Counter[str] = Counter()
    named = {}
    for case in CASES:
        seen[str(case)] += 1
        named[f"{case} {seen[str(case)]}" if seen[str(case)] > 1 else str(case)] = case
    return named


NAMED = named_cases()


def answer(case: Case, cut: Cut) -> Any:
    """What the case's rule says in full, and which other rules speak; for an image also the verdict."""
    registry = cut["odd" if case.odd else ""]
    if case.image is None:
        findings, verdict = ask(registry, **case.request).findings, []
    else:
        judged = compat(case.image, case.instance_type, case.ami, registry)
        findings, host = judged.findings, judged.host
        verdict = [judged.verdict, judged.inference_ami_version, judged.confidence, str(host and (
            host.instance.type, host.ami_name, host.mode, host.driver_branch, host.native_cuda, host.neuron_driver,
            host.text, host.key))]  # fmt: skip
    others = [f"{f.code} {f.severity} {f.field}" for f in findings if f.name != case.name]
    return cut.plain({
        "says": [shown(f) for f in findings if f.name == case.name], "others": others, "verdict": verdict,
    })  # fmt: skip


@pytest.fixture(scope="module")
def record() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(RECORD.read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize("name", NAMED)
def test_the_findings_are_the_recorded_ones(name: str, cut: Cut, record: dict[str, Any]) -> None:
    assert answer(NAMED[name], cut) == record[name]


def test_the_record_has_no_case_too_many(record: dict[str, Any]) -> None:
    assert sorted(record) == sorted(NAMED)


def main() -> None:
    with TemporaryDirectory() as folder:
        cut = Cut(Path(folder), LAYERS)
        cut.load()
        write_record(RECORD, {name: answer(case, cut) for name, case in NAMED.items()})


if __name__ == "__main__":
    main()
