"""Findings as lines, blocks and JSON."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mcc_registry import report
from mcc_registry.errors import Fact, Finding

DRIVER = Finding(
    "MCC102",
    "error",
    "instance_type",
    "toyserve 2.4.0 needs driver >= 570; ml.x1.large hosts have 550",
    "toyserve 2.3.1 runs on ml.x1.large",
    "registries/frameworks/toyserve.yaml",
    "driver-too-old",
    (
        Fact("built on CUDA 12.8", "registries/a.yaml", "releases[2.4.0].cuda"),
        Fact("hosts run driver 550", "registries/instances/x1.yaml", "driver"),
    ),
)


def test_a_block_has_the_headline_the_aligned_facts_and_the_hint() -> None:
    assert report.to_block(DRIVER, 90).splitlines() == [
        "driver-too-old [MCC102]: toyserve 2.4.0 needs driver >= 570; ml.x1.large hosts have 550",
        "    built on CUDA 12.8     registries/a.yaml             releases[2.4.0].cuda",
        "    hosts run driver 550   registries/instances/x1.yaml  driver",
        "hint: toyserve 2.3.1 runs on ml.x1.large",
    ]


def test_facts_too_wide_for_columns_have_their_file_below() -> None:
    lines = report.to_block(DRIVER, 60).splitlines()
    assert "    built on CUDA 12.8" in lines
    assert "        registries/a.yaml  releases[2.4.0].cuda" in lines


def test_a_registry_fault_starts_with_its_place_and_says_its_name_once() -> None:
    fault = Finding(
        "MCC503", "error", "x", "version-not-text: 0.1 is a number", "", "a/b.yaml:14", "version-not-text"
    )
    assert report.headline(fault) == "version-not-text [MCC503]: a/b.yaml:14 0.1 is a number"


def test_blocks_are_grouped_by_severity_whatever_the_order() -> None:
    info = Finding("MCC117", "info", None, "so it is", name="such")
    text = report.to_blocks([info, DRIVER])
    assert text.index("1 error") < text.index("1 note")
    assert report.to_blocks([]) == ""


def test_exit_status_is_1_only_for_an_error() -> None:
    warning = Finding("MCC203", "warning", None, "x")
    assert [report.exit_status(f) for f in ([], [warning], [warning, DRIVER])] == [0, 0, 1]


def test_json_has_the_contract_keys() -> None:
    (data,) = report.to_json([DRIVER])
    assert {"code", "severity", "field", "message", "hint", "source"} <= set(data)


@given(st.text(alphabet="ab \n", max_size=300), st.integers(20, 100))
def test_wrapping_loses_no_word_and_breaks_only_overlong_ones(text: str, width: int) -> None:
    lines = report.wrap(text, width, "  ", "    ")
    assert " ".join(lines).split() == text.split()
    assert all(len(line) <= width or len(line.split()) <= 1 for line in lines)
