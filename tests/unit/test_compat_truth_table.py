"""The accelerator rules against a truth table decided from the facts by somebody who had not seen the rules."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from mcc_registry.checks.base import ImageNeeds
from mcc_registry.checks.compat import compat
from mcc_registry.registry import Registry
from mcc_registry.versions import find_numbers
from tests.cases.compat import decisions
from tests.cases.compat.truth_table import FILE, Case, read_cases, to_text, truth_table


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry.load(environ={})


@pytest.fixture(scope="module")
def table() -> list[Case]:
    return read_cases()


def needs_of_case(case: Case) -> ImageNeeds:
    ((kind, version),) = case["image"].items()
    return ImageNeeds(
        kind,
        None if kind == "cpu" else find_numbers(version),
        find_numbers(case["min_compute_capability"]),
        (case["image_arch"],),
    )


def mismatches(cases: list[Case], registry: Registry) -> Iterator[str]:
    for case in cases:
        verdict = compat(needs_of_case(case), case["instance_type"], case["ami"], registry)
        found = {"verdict": verdict.verdict, "inference_ami_version": verdict.inference_ami_version}
        if found != case["expect"]:
            said = [f.message for f in verdict.findings if f.severity != "info"]
            yield f"{case['id']}: {case['expect']} because {case['why']} ({case['ref']}); rules: {found} {said}"


def test_the_file_holds_what_was_decided(table: list[Case]) -> None:
    """Written anew after the last change of a grid (``python -m tests.cases.compat.truth_table --write``)."""
    assert table == truth_table()
    assert FILE.read_text(encoding="utf-8") == to_text(table)


def test_every_cell_of_the_grids_is_a_case(table: list[Case]) -> None:
    """No cell is lost on the way, no case hides another, and the verdicts are as many as somebody decided."""
    assert len({case["id"] for case in table}) == len(table)
    assert Counter(case["expect"]["verdict"] for case in table) == {"ok": 265, "warning": 588, "error": 778}
    assert Counter(next(iter(case["image"])) for case in table) == {"cuda": 1199, "neuron": 263, "cpu": 169}
    assert Counter(case["expect"]["inference_ami_version"] for case in table) == {
        decisions.GPU_3_1: 169,
        decisions.GPU_4_1: 201,
        None: 994,
        decisions.GPU_2: 85,
        decisions.GPU_2_1: 71,
        decisions.NEURON_2: 111,
    }


def test_a_case_says_what_was_decided(table: list[Case]) -> None:
    by_id = {case["id"]: case for case in table}
    assert by_id["cuda12.4/ml.g5.xlarge/chosen"] == {
        "id": "cuda12.4/ml.g5.xlarge/chosen",
        "image": {"cuda": "12.4"},
        "instance_type": "ml.g5.xlarge",
        "ami": None,
        "min_compute_capability": None,
        "image_arch": "x86_64",
        "expect": {"verdict": "ok", "inference_ami_version": "al2-ami-sagemaker-inference-gpu-3-1"},
        "why": "the driver runs this CUDA natively and the AMI is documented (or default) for the family",
        "ref": "accelerators.md §1.10 row 12.3-12.6, column of g5; §1.9 native",
    }


def test_the_table_knows_nothing_of_the_rules() -> None:
    for path in Path(decisions.__file__).parent.glob("*.py"):
        assert not re.search(r"^\s*(from|import) mcc_registry", path.read_text(encoding="utf-8"), re.MULTILINE), path


def test_rules_give_the_verdict_and_the_ami_of_every_case(registry: Registry, table: list[Case]) -> None:
    wrong = list(mismatches(table, registry))
    assert not wrong, f"{len(wrong)} of {len(table)}:\n" + "\n".join(wrong[:40])


def test_a_wrong_case_would_be_noticed(registry: Registry, table: list[Case]) -> None:
    case = dict(table[0])
    case["expect"] = {"verdict": "none", "inference_ami_version": None}
    assert list(mismatches([case], registry))


def test_every_refusal_says_why_and_offers_a_way_out_or_a_fact(registry: Registry, table: list[Case]) -> None:
    for case in table:
        verdict = compat(needs_of_case(case), case["instance_type"], case["ami"], registry)
        serious = [f for f in verdict.findings if f.severity != "info"]
        assert bool(serious) == (verdict.verdict != "ok"), case["id"]
        assert all(f.message and (f.hint or f.facts) for f in serious), case["id"]


def test_json_has_the_contract_keys(registry: Registry, table: list[Case]) -> None:
    data = compat(needs_of_case(table[0]), "ml.g5.xlarge", None, registry).to_json()
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
