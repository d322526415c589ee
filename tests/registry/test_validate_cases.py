"""Every kind of fault has an example, and every example yields exactly the faults written beside it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from mcc_registry.loading.faults import FAULT_KINDS
from mcc_registry.validate import catalogue, run, validate

CASES = Path(__file__).parents[1] / "cases"
SMALL = CASES / "valid" / "registry" / "small"
INVALID = sorted(p for p in (CASES / "invalid" / "registry").iterdir() if p.is_dir())

TESTED_ELSEWHERE = {
    "file-unreadable": "needs permissions, links and folders: tests/unit/test_loading_files.py",
    "layer-missing": "needs a folder that is not there: tests/unit/test_registry_layers.py",
}


def faults_of(case: Path, tmp_path: Path) -> list[str]:
    """The faults of the small registry with a case's files over it, as the expected file writes them."""
    root = tmp_path / "registry"
    shutil.copytree(SMALL, root)
    if (case / "layer").is_dir():
        found = validate([case / "layer"], root=root, environ={})
        prefix = f"{case}/"
    else:
        for path in case.rglob("*.y*ml"):
            target = root / path.relative_to(case)
            target.parent.mkdir(exist_ok=True)
            shutil.copy(path, target)
        found = validate([root], environ={})
        prefix = f"{root}/"
    return [f"{f.source.removeprefix(prefix)} {f.code} {f.message.replace(prefix, '')}" for f in found]


def expected_of(case: Path) -> list[str]:
    return (case / "expected.txt").read_text(encoding="utf-8").splitlines()


def test_valid_example_has_no_fault(tmp_path: Path) -> None:
    assert faults_of(SMALL, tmp_path) == []


@pytest.mark.parametrize("case", INVALID, ids=lambda p: p.name)
def test_example_yields_exactly_its_faults(case: Path, tmp_path: Path) -> None:
    assert faults_of(case, tmp_path) == expected_of(case)


@pytest.mark.parametrize("rule", run.RULES, ids=lambda r: r.name)
def test_without_the_rule_its_example_passes_unnoticed(
    rule: type, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Deleting a rule makes the example named after it fail."""
    case = CASES / "invalid" / "registry" / rule.name
    assert {line.split()[1] for line in expected_of(case)} == {rule.code}
    monkeypatch.setattr(run, "RULES", tuple(r for r in run.RULES if r is not rule))
    assert faults_of(case, tmp_path) == []


def test_every_kind_of_fault_has_an_example() -> None:
    shown = {line.split()[1] for case in INVALID for line in expected_of(case)}
    missing = {kind.name for kind in FAULT_KINDS.values() if kind.code not in shown}
    assert missing == set(TESTED_ELSEWHERE)


def test_codes_and_names_are_unique_and_explained() -> None:
    rows = catalogue()
    assert len({code for code, *_ in rows}) == len(rows)
    assert len({name for _, name, *_ in rows}) == len(rows)
    assert all(code.startswith("MCC5") and len(code) == 6 for code, *_ in rows)
    assert all(title and len(explanation) > 20 for *_, title, explanation in rows)
