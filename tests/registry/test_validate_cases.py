"""Every kind of fault has an example, and every example yields exactly the faults written beside it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from mcc_registry.loading.faults import FAULT_KINDS
from mcc_registry.validate import catalogue, run, validate

CASES = Path(__file__).parents[1] / "cases"
SMALL = CASES / "valid" / "registry" / "small"
INVALID = CASES / "invalid" / "registry"
"""One file per case, ``CASE+FOLDER+FILE``, and what is expected of all of them in one: Copier clones and removes every file
and folder of this repository for each copy (docs/performance.md)."""


def read_expected() -> dict[str, list[str]]:
    """The expected lines below each ``[CASE]``."""
    expected: dict[str, list[str]] = {}
    for line in (INVALID / "expected.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            lines = expected.setdefault(line.strip("[]"), [])
        elif line:
            lines.append(line)
    return expected


EXPECTED = read_expected()

TESTED_ELSEWHERE = {
    "file-unreadable": "needs permissions, links and folders: tests/unit/test_loading_files.py",
    "layer-missing": "needs a folder that is not there: tests/unit/test_registry_layers.py",
}


def faults_of(case: str | None, tmp_path: Path) -> list[str]:
    """The faults of the small registry with a case's files over it, as the expected file writes them."""
    root, over = tmp_path / "registry", tmp_path / "case"
    shutil.copytree(SMALL, root)
    for path in INVALID.glob(f"{case}+*"):
        target = over.joinpath(*path.name.split("+")[1:])
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    if (over / "layer").is_dir():
        found = validate([over / "layer"], root=root, environ={})
        prefix = f"{over}/"
    else:
        if over.is_dir():
            shutil.copytree(over, root, dirs_exist_ok=True)
        found = validate([root], environ={})
        prefix = f"{root}/"
    return [f"{f.source.removeprefix(prefix)} {f.code} {f.message.replace(prefix, '')}" for f in found]


def test_every_case_has_a_file_and_expects_something() -> None:
    names = {path.name.partition("+")[0] for path in INVALID.iterdir()} - {"expected.txt"}
    assert names == set(EXPECTED) and all(EXPECTED.values())


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
