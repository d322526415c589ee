"""Patterns: ``*`` is any run of characters, letter case is ignored, the most literal characters win."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcc_registry.patterns import best_patterns, does_match, is_pattern, literal_prefix, specificity

SMALL = st.text("ab/*", max_size=8)


@given(SMALL, st.text("abAB/", max_size=10))
def test_matching_agrees_with_regular_expressions(pattern: str, name: str) -> None:
    """An independent reading of the rule: escape everything but the star."""
    expression = ".*".join(re.escape(part) for part in pattern.split("*"))
    assert does_match(pattern, name) is bool(re.fullmatch(expression, name, re.IGNORECASE | re.DOTALL))


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("mistralai/Mistral-*", "MISTRALAI/mistral-7b-instruct-v0.3", True),
        ("mistralai/Mistral-*", "mistralai/Mixtral-8x7B", False),
        ("*-7b", "org/x-7B", True),
        ("a*b*c", "abc", True),
        ("a*a", "a", False),
        ("ab*ba", "aba", False),
        ("*", "", True),
        ("org/x.y", "org/x-y", False),
        ("[ab]", "a", False),
        # pieces in the middle: in order, each after the one before, none within the end
        ("a*bc*d", "abcd", True),
        ("a*bc*d", "abd", False),
        ("a*b*c*d", "abcd", True),
        ("a*c*b*d", "abcd", False),
        ("a*b*b*c", "abc", False),
        ("a*b*b*c", "abbc", True),
        ("a*bb*b*c", "abbc", False),
        ("x*yz*z", "xyz", False),
        ("ab*b*z", "abz", False),
        ("a*b*c*c", "abcbc", True),
        ("*b*", "abc", True),
        ("*d*", "abc", False),
    ],
)
def test_examples(pattern: str, name: str, expected: bool) -> None:
    assert does_match(pattern, name) is expected


def test_the_most_literal_characters_win() -> None:
    patterns = ["Qwen/*", "Qwen/Qwen3-*", "Qwen/*-*-*", "meta/*"]
    assert best_patterns(patterns, "qwen/qwen3-4b") == ["Qwen/Qwen3-*"]
    assert best_patterns(patterns, "nobody/x") == []
    assert best_patterns(["a*c", "ab*"], "abc") == ["a*c", "ab*"]


def test_specificity_counts_literal_characters() -> None:
    assert specificity("ab*c*") == 3
    assert specificity("***") == 0


def test_what_a_name_must_start_with() -> None:
    assert literal_prefix("Qwen/Qwen3-*B") == "qwen/qwen3-"
    assert literal_prefix("*x") == ""
    assert is_pattern("a*") and not is_pattern("a")


def test_hostile_patterns_take_no_time() -> None:
    """A pattern of a layer cannot stop the machine, as a regular expression could."""
    start = time.perf_counter()
    assert not does_match("*a" * 2000 + "b", "a" * 20000)
    assert time.perf_counter() - start < 2
