"""A record is read as it was written, and says only what differs."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.recorded.record import LIKE, difference, read_record, text_of, write_record

WORDS = st.sampled_from(
    ["=", "-", "a", "b", "A=1", "A=2", "B | 1", "C=", "A", "A ... C", "A 2", "MCC101 x", "MCC101 y", "MCC101", ""]
)
VALUES = st.recursive(
    WORDS | st.none() | st.booleans() | st.sampled_from([0, 1, 1.0]),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(WORDS, inner, max_size=4),
)  # fmt: skip
CASES = st.lists(st.dictionaries(WORDS, VALUES, max_size=4), min_size=1, max_size=4)


@given(CASES)
def test_whatever_is_recorded_is_read_again(cases: list[dict[str, Any]]) -> None:
    """Also where values look like what differences are written with, and where a case keeps what it was like before."""
    record = {str(number): case for number, case in enumerate(cases)}
    with TemporaryDirectory() as folder:
        path = Path(folder) / "record.json"
        for written in (record, {name: cases[-1 - int(name)] for name in record}):
            write_record(path, written)
            assert text_of(read_record(path)) == text_of(written)


def test_a_difference_says_what_changed_and_nothing_else() -> None:
    finding = ["MCC205 warning", "vllm 0.30.0 is experimental", "try it"]
    base = {"ok": True, "fit": {"fits": True, "need": 15.5}, "place": ["ml.g5.xlarge", None, 0.9],
            "env": ["A=1 | x", "B=2 | x", "C=3 | x", "D=4 | x"], "findings": [finding]}  # fmt: skip
    value = {"ok": True, "place": ["ml.g6.xlarge", None, 0.9], "env": ["A=1 | x", "B=2 | x", "C=3 | x", "D=5 | x"],
             "fit": {"fits": True, "need": 16}, "findings": [[finding[0], "vllm 0.31.0 is experimental", finding[2]]], "new": 1}  # fmt: skip
    assert difference(base, value) == {
        "place": ["ml.g6.xlarge", "=", "="],
        "env": ["A ... C", "D=5 | x"],
        "fit": {"need": 16},
        "findings": [["MCC205", "vllm 0.31.0 is experimental", "="]],
        "new": 1,
    }
    assert difference(value, base)["new"] == "-"


def test_a_case_stays_like_the_case_it_was_written_like(tmp_path: Path) -> None:
    """Otherwise the diff of one changed plan would show other choices as well."""
    path = tmp_path / "record.json"
    one, two = {"a": ["=" * 9, "x" * 99]}, {"a": ["y" * 99, "x" * 99]}
    write_record(path, {"one": one, "two": two, "three": {**two, "c": 1}})
    assert json.loads(path.read_text(encoding="utf-8"))["three"] == {LIKE: "two", "c": 1}
    write_record(path, {"one": one, "two": two, "three": {**one, "c": 1}})
    assert json.loads(path.read_text(encoding="utf-8"))["three"][LIKE] == "two"
