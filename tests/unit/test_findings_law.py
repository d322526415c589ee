"""Laws of everything a rule says: complete, in its own words, resting on files and keys that exist."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from mcc_registry import Finding, Registry
from mcc_registry.answers import ANSWER_NAMES
from mcc_registry.checks import all_rules
from tests.unit.core_kit import layered
from tests.unit.rule_cases import CASES, ODD, Case
from tests.unit.test_rules import findings_of

ROOT = Path(__file__).resolve().parents[2]
CODES = {rule.name: rule.code for rule in all_rules()}


@pytest.fixture(scope="session")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    return layered(tmp_path_factory.mktemp("odd"), **ODD)


@lru_cache(maxsize=64)
def keys_of(file: str) -> frozenset[str]:
    """Every mapping key of a registry file, at any depth, and the rows' names."""
    found: set[str] = set()

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            for key, value in node.items():
                found.add(str(key))
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(yaml.load((ROOT / file).read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))
    return frozenset(found)


def faults_of(finding: Finding) -> list[str]:
    """What is wrong with a finding; empty when it is as house style asks."""
    bad = []
    if finding.severity not in ("error", "warning", "info"):
        bad.append(f"severity {finding.severity!r}")
    if finding.name in CODES and finding.code != CODES[finding.name]:
        bad.append(f"code {finding.code!r}")
    if not re.fullmatch(r"MCC\d{3}", str(finding.code)):
        bad.append(f"code {finding.code!r}")
    if finding.field is not None and finding.field not in ANSWER_NAMES:
        bad.append(f"field {finding.field!r} is no answer")
    texts = [finding.message, *(fact.text for fact in finding.facts)]
    if not all(isinstance(t, str) and t.strip() and "None" not in t for t in texts):
        bad.append(f"a text is missing: {texts}")
    if not isinstance(finding.hint, str) or finding.hint != finding.hint.strip() or "None" in finding.hint:
        bad.append(f"hint {finding.hint!r}")
    if any("XX" in str(t) for t in (*texts, finding.hint)):
        bad.append("marked text")
    for fact in finding.facts:
        if not isinstance(fact.file, str) or not isinstance(fact.key, str):
            bad.append(f"place of {fact}")
        elif fact.file.startswith("registries/") and (ROOT / fact.file).is_file():
            first = re.match(r"[A-Za-z0-9_]+", fact.key)
            if fact.key and (first is None or first.group() not in keys_of(fact.file)):
                bad.append(f"key {fact.key!r} is not in {fact.file}")
    return bad


@pytest.mark.parametrize("case", CASES, ids=str)
def test_findings_are_complete_and_point_at_what_exists(case: Case, shipped: Registry, odd: Registry) -> None:
    for finding in findings_of(case, odd if case.odd else shipped):
        assert not faults_of(finding), (finding.name, faults_of(finding))
