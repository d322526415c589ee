"""Every kind of fault has an example, and every example yields exactly the faults written beside it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from mcc_registry.loading.faults import FAULT_KINDS
from mcc_registry.validate import catalogue, run, validate
from tests.small import CASES, TEXTS, write_small

EXAMPLES = CASES / "invalid_registry.yaml"
INVALID: dict[str, dict[str, Any]] = yaml.safe_load(EXAMPLES.read_text(encoding="utf-8"))
EXPECTED: dict[str, list[str]] = {case: example["faults"] for case, example in INVALID.items()}

TESTED_ELSEWHERE = {
    "file-unreadable": "needs permissions, links and folders: tests/unit/test_loading_files.py",
    "layer-missing": "needs a folder that is not there: tests/unit/test_registry_layers.py",
}


def text_of(example: Mapping[str, Any]) -> str:
    """The text of an example's file: its own, or that of a file of the small registry with the example's edits."""
    if "text" in example:
        return str(example["text"])
    text = TEXTS[example.get("copy_of", example["file"])]
    for edit in example.get("edits", ()):
        assert text.count(edit["was"]) == 1, f"stands {text.count(edit['was'])} times in the text: {edit['was']!r}"
        text = text.replace(edit["was"], edit["becomes"])
    return text


def faults_of(case: str | None, tmp_path: Path) -> list[str]:
    """The faults of the small registry with a case's file over it, as the list of examples writes them."""
    root, over = write_small(tmp_path / "registry"), tmp_path / "case"
    name = "" if case is None else INVALID[case]["file"]
    base = over if name.startswith("layer/") else root
    if case is not None:
        target = base / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text_of(INVALID[case]).encode())
    found = validate([root], environ={}) if base is root else validate([over / "layer"], root=root, environ={})
    prefix = f"{base}/"
    return [f"{f.source.removeprefix(prefix)} {f.code} {f.message.replace(prefix, '')}" for f in found]


def test_every_case_is_read_and_expects_something() -> None:
    """A second case of one name would silently take the place of the first."""
    assert re.findall(r"^(\S+):", EXAMPLES.read_text(encoding="utf-8"), re.MULTILINE) == list(EXPECTED)
    assert all(EXPECTED.values())
    ways = {"edits", "copy_of", "text"}
    assert all(ways & set(example) and set(example) <= ways | {"file", "faults"} for example in INVALID.values())


@pytest.mark.parametrize("was", ["id: toy9", "basis: ", ""])
def test_edit_of_text_that_does_not_stand_there_once_is_told(was: str) -> None:
    with pytest.raises(AssertionError, match="times in the text"):
        text_of({"file": "instances/toy1.yaml", "edits": [{"was": was, "becomes": "x"}]})


def test_valid_example_has_no_fault(tmp_path: Path) -> None:
    assert faults_of(None, tmp_path) == []


@pytest.mark.parametrize("case", EXPECTED)
def test_example_yields_exactly_its_faults(case: str, tmp_path: Path) -> None:
    assert faults_of(case, tmp_path) == EXPECTED[case]


@pytest.mark.parametrize("rule", run.RULES, ids=lambda r: r.name)
def test_without_the_rule_its_example_passes_unnoticed(
    rule: type, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Deleting a rule makes the example named after it fail."""
    assert {line.split()[1] for line in EXPECTED[rule.name]} == {rule.code}
    monkeypatch.setattr(run, "RULES", tuple(r for r in run.RULES if r is not rule))
    assert faults_of(rule.name, tmp_path) == []


def test_every_kind_of_fault_has_an_example() -> None:
    shown = {line.split()[1] for lines in EXPECTED.values() for line in lines}
    missing = {kind.name for kind in FAULT_KINDS.values() if kind.code not in shown}
    assert missing == set(TESTED_ELSEWHERE)


def test_codes_and_names_are_unique_and_explained() -> None:
    rows = catalogue()
    assert len({code for code, *_ in rows}) == len(rows)
    assert len({name for _, name, *_ in rows}) == len(rows)
    assert all(code.startswith("MCC5") and len(code) == 6 for code, *_ in rows)
    assert all(title and len(explanation) > 20 for *_, title, explanation in rows)
