"""Whole plans as recorded: every decision with its origin, every finding, every candidate and its reason.

A record, no truth table: what is right is said by the contract tests, the laws and the truth tables. It is here so
that no change of a plan goes unnoticed. The registries are a cut (``cut.py``), so an added release rewrites nothing.
After a deliberate change: ``python -m tests.unit.recorded.test_recorded_plans`` and read the diff.
"""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from mcc_registry import Plan, Request, resolve
from tests.unit.recorded.cut import AGAIN, Cut, shown
from tests.unit.recorded.plan_cases import PLAN_CASES, PlanCase
from tests.unit.recorded.plan_edges import PLAN_EDGES
from tests.unit.recorded.plan_layers import LAYERS
from tests.unit.recorded.record import read_record, write_record

RECORD = Path(__file__).with_name("plans.json")


def origin(value: Any) -> str:
    """A setting or what it overrode, in a line."""
    return " | ".join([json.dumps(value.value), value.source, value.file, value.key, value.reason])


def plain(plan: Plan) -> dict[str, Any]:
    """Everything a plan says, with the request left out."""
    data = plan.to_json()
    text = plan.chat_template_text
    return {
        "ok": data["ok"],
        "framework": data["framework"],
        "model": data["model"],
        "place": [data[k] for k in ("instance_type", "inference_ami_version", "base_image", "price_usd_hour", "price_basis")],
        "settings": {n: [origin(s), *map(origin, s.overrode)] for n, s in plan.settings.items()},
        "env_vars": [f"{n}={e.value} | {e.source} | {e.setting} | {e.reason}" for n, e in plan.env_vars.items()],
        "given": data["request"]["env_vars"],
        "sources": data["sources"],
        "findings": [shown(f) for f in plan.findings],
        "fit": data["fit"],
        "candidates": [
            f"{c.instance_type} | {c.price_usd_hour} | {c.verdict} | {c.reason}" for c in plan.candidates
        ],
        "layers": plan.registry.get("layers"),
        "chat_template": text and (text if len(text) < 40 else sha256(text.encode()).hexdigest()[:12]),
        "made of": [
            plan.release and plan.release.version,
            plan.build and f"{plan.build.source} {plan.build.tag} {plan.build.accelerator}",
            plan.release and plan.release.data.engine,
            plan.instance and plan.instance.type,
            plan.match and plan.match.matched,
        ],
    }  # fmt: skip


def answer(case: PlanCase, cut: Cut) -> Any:
    registry = cut[case.layer]
    plan = resolve(Request(**case.request), registry, **case.more)
    assert plan.registry == {} or plan.registry["version"] == registry.version
    return cut.plain(plain(plan))


@pytest.fixture(scope="module")
def record() -> dict[str, Any]:
    return read_record(RECORD)


EVERY = [*PLAN_CASES, *PLAN_EDGES]


@pytest.mark.parametrize("case", EVERY, ids=str)
def test_the_plan_is_the_recorded_one(case: PlanCase, cut: Cut, record: dict[str, Any]) -> None:
    assert answer(case, cut) == record[case.name], AGAIN.format("test_recorded_plans")


def test_the_record_has_nothing_too_many(record: dict[str, Any]) -> None:
    assert sorted(record) == sorted(case.name for case in EVERY)


def main() -> None:
    with TemporaryDirectory() as folder:
        cut = Cut(Path(folder), LAYERS)
        cut.load()
        write_record(RECORD, {case.name: answer(case, cut) for case in EVERY})


if __name__ == "__main__":
    main()
