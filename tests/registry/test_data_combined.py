"""Shipped rows of different files together, through the resolver."""

from __future__ import annotations

import pytest

from mcc_registry import Registry, Request, resolve
from tests.registry.shipped import files, row

TYPES = [
    "ml.g4dn.xlarge",
    "ml.g6.xlarge",
    "ml.p3.2xlarge",
    "ml.g7e.2xlarge",
    "ml.inf2.xlarge",
    "ml.m5.large",
    "ml.c7g.large",
]
SLOW = pytest.mark.slow
PREDICTIVE = ("sklearn", "xgboost", "tensorflow")


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry.load(environ={})


@pytest.mark.parametrize("name", [p.stem for p in files("frameworks")])
def test_every_release_and_profile_ends_in_a_plan_or_a_refusal(registry: Registry, name: str) -> None:
    """Each release with each profile on unlike instance types: a plan, or errors that say why; never an exception."""
    entry = registry.frameworks[name]
    asked = {"framework": name, "model_server": "flask"} if name in PREDICTIVE else {"model_server": name}
    for version in entry:
        for profile in ("default", *entry.data.profiles):
            for kind in TYPES:
                plan = resolve(
                    Request(**asked, framework_version=version, framework_profile=profile, instance_type=kind),
                    registry,
                )
                assert plan.ok != any(f.severity == "error" for f in plan.findings)


@pytest.mark.parametrize("family", [p.stem for p in files("models")])
@pytest.mark.parametrize("server", ["vllm", pytest.param("sglang", marks=SLOW), pytest.param("lmi", marks=SLOW)])
def test_every_listed_model_has_a_home(registry: Registry, family: str, server: str) -> None:
    """Left to itself the resolver finds release, instance and AMI for each listed model."""
    for model in row(next(p for p in files("models") if p.stem == family)).models:
        plan = resolve(Request(model_server=server, model_name=model.match), registry)
        assert plan.ok, (model.match, [f.message for f in plan.findings if f.severity == "error"])


def test_a_setting_goes_with_what_it_requires(registry: Registry) -> None:
    """vLLM 0.12.0 lacks Granite 4's tool parser; automatic tool choice, which needs a parser, goes with it."""
    plan = resolve(
        Request(
            model_server="vllm",
            model_name="ibm-granite/granite-4.0-micro",
            framework_version="0.12.0",
            instance_type="ml.g5.xlarge",
        ),
        registry,
    )
    assert plan.ok
    assert "SM_VLLM_TOOL_CALL_PARSER" not in plan.env_vars
    assert "SM_VLLM_ENABLE_AUTO_TOOL_CHOICE" not in plan.env_vars
    said = [f.message for f in plan.findings if f.code == "MCC316"]
    assert len(said) == 2
