"""A request written in Python is judged like one from a file: bad fields are findings, never a traceback or "ok"."""

from __future__ import annotations

from typing import Any

import pytest

from mcc_registry import Registry, Request, resolve
from mcc_registry.answers import parse_answers
from mcc_registry.resolve.asked import read_request
from tests.unit.core_kit import errors

WRONG: list[tuple[dict[str, Any], str]] = [
    ({"deployment_target": "zz"}, "MCC004"),
    ({"role_arn": "x"}, "MCC007"),
    ({"project_name": "a b"}, "MCC007"),
    ({"offline": "maybe"}, "MCC002"),
    ({"model_name": 5}, "MCC005"),
    ({"model_name": "a\nb"}, "MCC009"),
    ({"framework_version": 0.30}, "MCC005"),
    ({"framework": ["vllm"]}, "MCC005"),
    ({"region": b"us-east-1"}, "MCC005"),
    ({"env_vars": "x"}, "MCC005"),
    ({"env_vars": {1: 2}}, "MCC007"),
    ({"env_vars": {"A": object()}}, "MCC005"),
    ({"registry_path": 5}, "MCC005"),
]


@pytest.mark.parametrize(("fields", "code"), WRONG, ids=lambda v: str(v)[:40])
def test_a_wrong_field_is_the_finding_an_answers_file_gives(
    shipped: Registry, fields: dict[str, Any], code: str
) -> None:
    plan = resolve(Request(**fields), shipped)
    assert not plan.ok
    found = [f for f in plan.findings if f.code == code]
    assert [f.message for f in found] == [f.message for f in parse_answers(fields)[1]] and found
    plan.to_json()


@pytest.mark.parametrize("name", ["framework_version", "instance_type", "env_vars", "framework", "region", "offline"])
def test_none_is_not_answered(shipped: Registry, name: str) -> None:
    plan = resolve(Request(**{name: None}), shipped)
    assert not errors(plan) and plan.to_json() == resolve(Request(), shipped).to_json()


def test_words_for_yes_and_no_mean_what_they_say(shipped: Registry) -> None:
    plan = resolve(Request(validate_env_vars="false"), shipped)  # type: ignore[arg-type]
    assert plan.request.validate_env_vars is False and any(f.name == "validation-off" for f in plan.findings)


def test_a_request_that_is_right_is_left_as_it_is() -> None:
    request = Request(model_name="Qwen/Qwen3-4B", env_vars={"max_model_len": 4096}, offline=True)
    assert read_request(request) == (request, []) and read_request(request)[0] is request


def test_versions_are_found_by_equality_not_by_spelling(shipped: Registry) -> None:
    vllm = shipped.frameworks["vllm"]
    assert vllm["0.30"] is vllm["0.30.0"] and "v0.30" in vllm
    assert "0.30.99" not in vllm and "nonsense" not in vllm and vllm.get("nonsense") is None


def test_the_recommended_image(shipped: Registry) -> None:
    """``recommended`` is a source like in the answers, and CUDA's build goes before Neuron's of the same version."""
    for release in shipped.frameworks["vllm"].values():
        kinds = {b.accelerator.type for b in release.builds if b.tag}
        if not kinds:
            continue
        assert release.image(source="recommended") == release.base_image
        assert release.recommended_build.accelerator.type == ("cuda" if "cuda" in kinds else kinds.pop())
    assert "neuron" not in shipped.frameworks["vllm"]["0.11.0"].base_image
