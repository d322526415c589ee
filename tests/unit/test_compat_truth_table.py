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


ANY_CUDA = ["9.0", "10.2", "11.0", "11.8", "12.0", "12.7", "12.9", "12.10", "13.0", "13.2", "13.9", "14.0", "99.1"]
"""CUDA versions inside and outside the tables."""


@pytest.mark.parametrize("cuda", ANY_CUDA)
def test_our_choice_passes_wherever_some_named_ami_does(registry: Registry, cuda: str) -> None:
    """Without an AMI the verdict is an error exactly where every GPU AMI is one; a version no table lists is no other case."""
    amis = [name for name, ami in registry.amis.amis.items() if ami.accelerator == "cuda"]
    image = ImageNeeds("cuda", find_numbers(cuda))
    families = {i.family: i.type for i in registry.instances_by_price("cuda") if i.architecture == "x86_64"}
    for family, instance in families.items():
        chosen = compat(image, instance, None, registry)
        some = any(
            compat(image, instance, ami, registry).verdict != "error"
            for ami in [*amis, *(["default"] if family == "p2" else [])]
        )
        assert (chosen.verdict != "error") == some, (family, [f.message for f in chosen.findings])


@pytest.mark.parametrize(
    ("cuda", "instance", "verdict"),
    [
        (
            "10.2",
            "ml.g4dn.xlarge",
            "ok",
        ),  # T4 since CUDA 10.0; drivers run older CUDA without limit (sections 1.4, 1.9)
        ("10.2", "ml.g5.xlarge", "error"),  # A10G since 11.1, and no older relative is in 10.2 (section 1.4)
        ("12.10", "ml.g5.xlarge", "ok"),  # minor-version compatibility, a note (section 1.9)
        ("13.9", "ml.g5.xlarge", "warning"),  # 13.1+ on 580 (design.md section 3)
        ("14.0", "ml.g5.xlarge", "error"),  # no base in NVIDIA's matrix (section 1.9)
        ("14.0", "ml.p3.2xlarge", "error"),
    ],
)
def test_cuda_versions_outside_the_tables(registry: Registry, cuda: str, instance: str, verdict: str) -> None:
    """Source: facts/accelerators.md, the sections beside each row."""
    image = ImageNeeds("cuda", find_numbers(cuda))
    found = compat(image, instance, None, registry)
    assert found.verdict == verdict, [f.message for f in found.findings]
    if verdict != "error":
        assert compat(image, instance, found.inference_ami_version, registry).verdict == verdict
