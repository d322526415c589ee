"""Versions: PEP 440 for releases, tuples of integers for CUDA, drivers and compute capabilities."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcc_registry.versions import (
    at_least,
    filter_versions,
    find_numbers,
    find_spec,
    find_version,
    format_numbers,
    history_at,
    is_stable,
    major_minor,
    matches,
    nearest_versions,
    parse_numbers,
    parse_version,
    release_tuple,
    sort_versions,
)

NUMBERS = st.lists(st.integers(0, 10**6), min_size=1, max_size=5).map(tuple)


def test_numbers_are_compared_as_integers_not_as_text() -> None:
    """facts/accelerators.md section 6: 12.10 > 12.9, driver 580.105 > 580.82."""
    assert parse_numbers("12.10") > parse_numbers("12.9")
    assert parse_numbers("580.105") > parse_numbers("580.82")
    assert parse_numbers("13") == (13,)


@given(NUMBERS)
def test_numbers_survive_being_written(numbers: tuple[int, ...]) -> None:
    assert parse_numbers(format_numbers(numbers)) == numbers


@pytest.mark.parametrize(
    "text", ["", ".", "12.", ".8", "12.x", "-1", "12.8 ", "+1", "1_0", "٣", "²", "1" * 10, "1." * 150 + "1", "cu130"]
)
def test_what_is_no_dotted_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a dotted number"):
        parse_numbers(text)
    assert find_numbers(text) is None


def test_the_longest_numbers_are_read() -> None:
    assert parse_numbers("9" * 9) == (999_999_999,)
    assert len(parse_numbers(".".join(["1"] * 100))) == 100
    with pytest.raises(ValueError):
        parse_numbers("1" + ".1" * 100)


def test_no_text_is_no_number() -> None:
    assert find_numbers(None) is None
    assert find_numbers("8.9") == (8, 9)


@pytest.mark.parametrize(("numbers", "expected"), [((13, 0, 2), (13, 0)), ((13,), (13, 0)), ((2, 26), (2, 26))])
def test_major_and_minor(numbers: tuple[int, ...], expected: tuple[int, ...]) -> None:
    assert major_minor(numbers) == expected


def test_versions_follow_pep_440() -> None:
    versions = ["0.9.2", "0.10.0", "0.8.5", "0.8.5.post1", "0.10.1.1", "0.10.0rc1"]
    assert sort_versions(versions) == ["0.10.1.1", "0.10.0", "0.10.0rc1", "0.9.2", "0.8.5.post1", "0.8.5"]
    assert at_least("0.10.0", "0.9.2") and at_least("0.9.2", "0.9.2") and not at_least("0.9.2", "0.10.0")
    assert at_least("1.0", "1.0.0")


def test_a_leading_v_is_forgiven_and_the_rest_is_not() -> None:
    assert find_version("v0.30.0") == find_version("0.30.0") is not None
    assert find_version("0.30.0 beta") is None
    assert find_version("1" * 201) is None
    assert find_version("1" * 200) is not None
    with pytest.raises(ValueError, match="not a PEP 440 version: 'x'"):
        parse_version("x")


def test_stable_is_neither_a_pre_release_nor_a_development_release() -> None:
    assert is_stable("1.2.1") and is_stable("0.8.5.post1")
    assert not is_stable("1.4.0rc1") and not is_stable("1.0.dev3") and not is_stable("1.0a1")


@pytest.mark.parametrize(
    ("version", "spec", "expected"),
    [
        ("0.30.0", ">=0.28,<0.31", True),
        ("0.31.0", ">=0.28,<0.31", False),
        ("0.10.0", ">=0.9.2", True),
        ("0.29.3", "~=0.29.0", True),
        ("0.30.0", "~=0.29.0", False),
        ("0.8.5.post1", ">=0.8.5", True),
        ("0.8.5.post1", "==0.8.5", False),
        ("0.31.0rc1", ">=0.8.5", True),
        ("0.31.0rc1", ">=0.31.0", False),
        ("0.30.0", "!=0.30.0", False),
        ("1.2", "===1.2", True),
        ("01.2", "===1.2", False),
    ],
)
def test_a_version_against_a_specifier(version: str, spec: str, expected: bool) -> None:
    """A pre-release counts by its place in the order: the newest packaging and the oldest agree."""
    assert matches(version, spec) is expected


@pytest.mark.parametrize(("version", "spec"), [("0.30.0", "x"), ("x", ">=1"), ("1.0", ""), ("1.0", ">=1," * 60)])
def test_matching_needs_a_version_and_a_specifier(version: str, spec: str) -> None:
    with pytest.raises(ValueError, match="not a PEP 440"):
        matches(version, spec)


def test_specifiers() -> None:
    assert find_spec(">=0.28,<0.31") is not None
    assert find_spec(" ~=0.29.0 ") is not None
    for text in ("", "  ", "0.30", "=>0.28", ">=" + "1" * 200):
        assert find_spec(text) is None


def test_filtering_gives_the_newest_first_and_pre_releases_only_when_named() -> None:
    versions = ["1.2.0", "1.10.0", "1.3.0rc1", "1.1.0"]
    assert filter_versions(versions, ">=1.1") == ["1.10.0", "1.2.0", "1.1.0"]
    assert filter_versions(versions, ">=1.3.0rc1,<1.4") == ["1.3.0rc1"]
    assert filter_versions(versions, ">=2") == []
    with pytest.raises(ValueError, match="not a PEP 440 specifier: 'nonsense'"):
        filter_versions(versions, "nonsense")


def test_a_long_text_is_quoted_to_its_fortieth_character() -> None:
    """Versions and specifiers come from layers and answers; a message stays one line."""
    text = "x" * 39 + "yz"
    for refuse in (parse_version, lambda t: matches("1.0", t), lambda t: filter_versions(["1.0"], t)):
        with pytest.raises(ValueError, match=f"not a PEP 440 [a-z]+: '{text[:40]}'$"):
            refuse(text)


def test_the_neighbours_of_an_unlisted_version() -> None:
    versions = ["0.9.2", "0.10.0", "0.11.0"]
    assert nearest_versions("0.10.5", versions) == ("0.10.0", "0.11.0")
    assert nearest_versions("0.9.0", versions) == (None, "0.9.2")
    assert nearest_versions("1.0", versions) == ("0.11.0", None)
    assert nearest_versions("0.10.0", versions) == ("0.9.2", "0.11.0")


def test_the_value_in_force_follows_the_versions_not_the_order_of_rows() -> None:
    rows = [("0.20.0", 0.92), ("0.7.3", 0.9)]
    assert history_at(rows, "0.19.1") == 0.9
    assert history_at(rows, "0.20.0") == 0.92
    assert history_at(rows, "0.7.2", "none") == "none"
    assert history_at([], "1.0") is None


def test_release_numbers() -> None:
    assert release_tuple("0.8.5.post1") == (0, 8, 5)
    assert release_tuple("0.10.1.1") == (0, 10, 1, 1)


CLAUSES = st.lists(
    st.tuples(
        st.sampled_from((">=", "<=", "==", "!=", "<", ">", "~=", "===")),
        st.sampled_from(("", " ")),
        st.sampled_from(
            ("0", "1", "1.0", "1.2", "1.2.0", "01.2", "1.2.3", "1.10", "2", "1.2rc1", "1.2.post1", "1.*", "1.2+a")
        ),
    ).map("".join),
    min_size=1,
    max_size=3,
).map(",".join)
TEXTS = st.sampled_from(
    (
        "0",
        "1",
        "1.0.0",
        "1.2",
        "1.2.0",
        "01.2",
        "1.2.3",
        "1.2rc1",
        "1.2.post1",
        "1.2.dev1",
        "1.2+a",
        "v1.2",
        "1!1.2",
        "1.10",
        "2.0",
    )
)


@given(TEXTS, CLAUSES)
def test_plain_clauses_say_what_packaging_says(version: str, spec: str) -> None:
    """The short way for numbers alone gives the answer of PEP 440's implementation, or leaves it to that."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        expected = SpecifierSet(spec).contains(version, prereleases=True)
    except InvalidSpecifier:
        with pytest.raises(ValueError):
            matches(version, spec)
    else:
        assert matches(version, spec) is expected
