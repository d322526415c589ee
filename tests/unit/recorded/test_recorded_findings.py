"""The complete findings of every rule case as recorded, and the verdicts on images where values lie on a bound.

A record, no truth table: that a rule speaks, and where it is silent, is tested in ``test_rules``. It is here so that
no word, fact or place changes unnoticed. The registries are a cut (``cut.py``), so an added release rewrites nothing.
After a deliberate change: ``python -m tests.unit.recorded.test_recorded_findings`` and read the diff.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from mcc_registry.checks.compat import Verdict, compat, judge
from tests.unit.core_kit import ask
from tests.unit.recorded.cut import AGAIN, Cut, shown
from tests.unit.recorded.place_cases import PLACE_CASES, PlaceCase
from tests.unit.recorded.plan_layers import LAYERS
from tests.unit.recorded.record import read_record, write_record
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


def verdict_of(judged: Verdict) -> list[Any]:
    """The verdict and the host it was reached for."""
    host = judged.host
    said = [judged.verdict, judged.inference_ami_version, judged.confidence]
    if host is None:
        return said
    return [*said, host.text, host.key, host.mode, host.driver_branch, host.native_cuda, host.neuron_driver]


def answer(case: Case, cut: Cut) -> Any:
    """What the case's rule says in full, and which other rules speak; for an image also the verdict."""
    registry = cut["odd" if case.odd else ""]
    verdict: list[Any] = []
    if case.image is None:
        findings = ask(registry, **case.request).findings
    else:
        judged = compat(case.image, case.instance_type, case.ami, registry)
        findings, verdict = judged.findings, verdict_of(judged)
    others = [f"{f.code} {f.severity} {f.field}" for f in findings if f.name != case.name]
    return cut.plain(
        {"says": [shown(f) for f in findings if f.name == case.name], "others": others, "verdict": verdict}
    )


def place(case: PlaceCase, cut: Cut) -> Any:
    """The verdict on an image and all its findings."""
    instance = cut[""].instances[case.instance_type]
    if case.gpu:
        instance = replace(instance, accelerator_name=case.gpu)
    judged = judge(case.image, instance, case.ami, cut[""], target=case.target)
    return cut.plain({"says": [shown(f) for f in judged.findings], "verdict": verdict_of(judged)})


@pytest.fixture(scope="module")
def record() -> dict[str, Any]:
    return read_record(RECORD)


@pytest.mark.parametrize("name", NAMED)
def test_the_findings_are_the_recorded_ones(name: str, cut: Cut, record: dict[str, Any]) -> None:
    assert answer(NAMED[name], cut) == record[name], AGAIN.format("test_recorded_findings")


@pytest.mark.parametrize("case", PLACE_CASES, ids=str)
def test_the_verdict_is_the_recorded_one(case: PlaceCase, cut: Cut, record: dict[str, Any]) -> None:
    assert place(case, cut) == record[case.name], AGAIN.format("test_recorded_findings")


def test_the_record_has_no_case_too_many(record: dict[str, Any]) -> None:
    assert sorted(record) == sorted([*NAMED, *(case.name for case in PLACE_CASES)])


def main() -> None:
    with TemporaryDirectory() as folder:
        cut = Cut(Path(folder), LAYERS)
        cut.load()
        found = {name: answer(case, cut) for name, case in NAMED.items()}
        write_record(RECORD, found | {case.name: place(case, cut) for case in PLACE_CASES})


if __name__ == "__main__":
    main()
