"""The accelerator rules against a truth table decided from the facts by somebody who had not seen the rules."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mcc_registry.checks.base import ImageNeeds
from mcc_registry.checks.compat import compat
from mcc_registry.registry import Registry
from mcc_registry.versions import find_numbers

TABLE = Path(__file__).parent.parent / "cases" / "compat" / "cases.json"


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry.load(environ={})


def read_cases() -> list[dict[str, Any]]:
    cases: list[dict[str, Any]] = json.loads(TABLE.read_text(encoding="utf-8"))
    return cases


def needs_of_case(case: dict[str, Any]) -> ImageNeeds:
    ((kind, version),) = case["image"].items()
    return ImageNeeds(
        kind,
        None if kind == "cpu" else find_numbers(version),
        find_numbers(case["min_compute_capability"]),
        (case["image_arch"],),
    )


def mismatches(cases: list[dict[str, Any]], registry: Registry) -> Iterator[str]:
    for case in cases:
        verdict = compat(needs_of_case(case), case["instance_type"], case["ami"], registry)
        found = {"verdict": verdict.verdict, "inference_ami_version": verdict.inference_ami_version}
        if found != case["expect"]:
            said = [f.message for f in verdict.findings if f.severity != "info"]
            yield f"{case['id']}: {case['expect']} because {case['why']} ({case['ref']}); rules: {found} {said}"


def test_rules_give_the_verdict_and_the_ami_of_every_case(registry: Registry) -> None:
    cases = read_cases()
    assert len(cases) >= 150
    wrong = list(mismatches(cases, registry))
    assert not wrong, f"{len(wrong)} of {len(cases)}:\n" + "\n".join(wrong[:40])


def test_a_wrong_case_would_be_noticed(registry: Registry) -> None:
    case = dict(read_cases()[0])
    case["expect"] = {"verdict": "none", "inference_ami_version": None}
    assert list(mismatches([case], registry))


def test_every_refusal_says_why_and_offers_a_way_out_or_a_fact(registry: Registry) -> None:
    for case in read_cases():
        verdict = compat(needs_of_case(case), case["instance_type"], case["ami"], registry)
        serious = [f for f in verdict.findings if f.severity != "info"]
        assert bool(serious) == (verdict.verdict != "ok"), case["id"]
        assert all(f.message and (f.hint or f.facts) for f in serious), case["id"]


def test_json_has_the_contract_keys(registry: Registry) -> None:
    data = compat(needs_of_case(read_cases()[0]), "ml.g5.xlarge", None, registry).to_json()
    assert set(data) == {"verdict", "inference_ami_version", "findings", "confidence"}
    for finding in compat(ImageNeeds("cuda", (13, 0)), "ml.t2.micro", None, registry).to_json()["findings"]:  # type: ignore[attr-defined]
        assert {"code", "severity", "field", "message", "hint", "source"} <= set(finding)
