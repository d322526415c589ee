"""Strict YAML: what is read, what is refused, and that nothing ever escapes as an exception."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcc_registry.loading.yaml_text import MAX_DEPTH, parse_yaml


def faults(text: str) -> list[tuple[int, str]]:
    found = parse_yaml(text, "x.yaml").faults
    return [(int(f.source.rpartition(":")[2]), f.code) for f in found]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2026-01-31", "2026-01-31"),
        ("0x1F", "0x1F"),
        ("010", "010"),
        ("1:30", "1:30"),
        ("1_000", "1_000"),
        ("yes", "yes"),
        ("on", "on"),
        ("0.30.0", "0.30.0"),
        ("true", True),
        ("~", None),
        ("7", 7),
        ("-0.5", -0.5),
        ("1.0e-05", 1e-05),
        (".inf", ".inf"),
        ("1e999", "1e999"),
        ("'7'", "7"),
        ('"true"', "true"),
    ],
)
def test_nothing_is_guessed(text: str, value: object) -> None:
    data = parse_yaml(f"a: {text}\n", "x.yaml").data["a"]
    assert data == value
    assert type(data) is type(value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\nb: 2\na: 3\n", [(3, "MCC506")]),
        ("a: &x 1\nb: *x\nc: *x\n", [(1, "MCC505")]),
        ("a: 1\nb: !!python/object:os.system x\n", [(2, "MCC505")]),
        ("a: 1\n\tb: 2\n", [(2, "MCC505")]),
        ("a: 1\n---\nb: 2\n", [(2, "MCC505")]),
        ("? [a]\n: b\n", [(1, "MCC505")]),
        ("1.10: a\n", [(1, "MCC503")]),
        ("true: a\n", [(1, "MCC505")]),
        ("a: [1,\nb: 2\n", [(2, "MCC504")]),
        ("a: 'cut off\n", [(1, "MCC504")]),
        ("a: \x00\n", [(1, "MCC502")]),
        ("a:\n  b: " + "[" * MAX_DEPTH + "]" * MAX_DEPTH + "\n", [(2, "MCC507")]),
    ],
)
def test_faults_have_their_line(text: str, expected: list[tuple[int, str]]) -> None:
    assert faults(text) == expected


def test_all_faults_of_a_file_are_found_together() -> None:
    assert faults("a: 1\na: 2\nb: !x 3\n0.1: c\n") == [(2, "MCC506"), (3, "MCC505"), (4, "MCC503")]


def test_aliases_are_never_expanded() -> None:
    """The billion-laughs document is refused in the time its text takes to read."""
    lines = ['a0: &a0 ["lol"]']
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    parsed = parse_yaml("\n".join(lines), "x.yaml")
    assert [f.code for f in parsed.faults] == ["MCC505"]
    assert not parsed.usable


def test_deep_nesting_neither_recurses_nor_hangs() -> None:
    assert faults("[" * 200_000)[0][1] == "MCC507"
    assert faults("".join(f"{' ' * n}a:\n" for n in range(60)))[0][1] == "MCC507"


def test_byte_order_mark_and_windows_line_ends_are_tolerated() -> None:
    parsed = parse_yaml("\ufeffa: 1\r\nb: 2\r\n", "x.yaml")
    assert (parsed.data, parsed.faults) == ({"a": 1, "b": 2}, [])


def test_positions_of_every_node() -> None:
    pos = parse_yaml("a: 1\nb:\n  - c: 0.10\n    d: x\n", "x.yaml").pos
    assert pos.find(("b", 0, "d")).source == "x.yaml:4"
    assert pos.find(("b", 0, "c")).text == "0.10"
    assert pos.find(("b", 7, "nowhere")).source == "x.yaml:2"


def test_number_of_reported_faults_is_bounded() -> None:
    assert len(faults("\n".join("a: 1" for _ in range(5000)))) == 50


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet=st.sampled_from(list("ab:-[]{},&*!|>'\"%@`?# \n\t\r0.1\x00\ufeff\u2028é")), max_size=60))
def test_any_text_gives_data_or_faults(text: str) -> None:
    parsed = parse_yaml(text, "x.yaml")
    assert parsed.usable or parsed.faults
    assert all(f.message.isprintable() and "\n" not in f.source for f in parsed.faults)
