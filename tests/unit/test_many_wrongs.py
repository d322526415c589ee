"""Names that do not exist are told together, whatever else is wrong with the request, and each once."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest

from mcc_registry import Registry
from tests.unit.core_kit import ask, named

WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "server": ({"model_server": "vlm"}, "unknown-model-server"),
    "type": ({"instance_type": "ml.g99.64xlarge"}, "unknown-instance-type"),
    "ami": ({"inference_ami_version": "nope-ami"}, "unknown-ami"),
    "version": ({"framework_version": ">=0.28,,<<1"}, "no-release"),
    "region": ({"region": "mars-central-1"}, "unknown-region"),
    "project": ({"project_name": "no_name!"}, "answer-form"),
    "secret": ({"env_vars": {"HF_TOKEN": "x"}}, "secret-in-answer"),
}


@pytest.mark.parametrize("wrong", [*combinations(WRONG, 2), tuple(WRONG)], ids="+".join)
def test_each_is_told_beside_any_other(shipped: Registry, wrong: tuple[str, ...]) -> None:
    answers: dict[str, Any] = {}
    for name in wrong:
        answers |= WRONG[name][0]
    plan = ask(shipped, **answers)
    assert not plan.ok
    for name in wrong:
        assert len(named(plan, WRONG[name][1])) == 1, (name, [(f.name, f.message) for f in plan.findings])
