"""A version of scikit-learn, XGBoost or TensorFlow that no row lists: the library's pin changes, nothing is made up."""

from __future__ import annotations

import pytest

from mcc_registry import Registry
from tests.unit.core_kit import ask, errors, one


@pytest.mark.parametrize(
    ("framework", "version", "base", "package"),
    [
        ("sklearn", "1.7.0", "1.6.1", "scikit-learn"),
        ("xgboost", "3.0.2", "2.1.4", "xgboost"),
        ("tensorflow", "2.99.0", "2.21.0", "tensorflow"),
    ],
)
def test_the_wheel_is_pinned_to_what_was_asked(
    shipped: Registry, framework: str, version: str, base: str, package: str
) -> None:
    plan = ask(shipped, framework=framework, framework_version=version)
    assert errors(plan) == []
    assert plan.framework is not None and plan.release is not None
    assert (plan.framework["match"], plan.framework["validation_level"]) == ("unlisted", "unknown")
    listed = shipped.frameworks[framework][base]
    assert plan.base_image == listed.base_image
    for server, pins in plan.release.data.requirements.items():
        assert f"{package}=={version}" in pins and f"{package}=={base}" not in pins
        others = [pin for pin in listed.data.requirements[server] if not pin.startswith(f"{package}==")]
        assert [pin for pin in pins if not pin.startswith(f"{package}==")] == others
    finding = one(plan, "version-unlisted")
    assert finding.severity == "warning" and base in finding.message
    assert "other pins" in finding.message and "whether its wheel exists is seen by do/build" in finding.hint
    assert "CUDA" not in finding.message
