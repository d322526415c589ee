"""The project view and the lock: plain data that every template file is rendered from."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from mcc_registry import Registry, resolve
from mcc_registry.lock import lock_text
from mcc_registry.models.request import Request
from mcc_registry.view import partition, project_view, timeouts
from tests.unit.core_kit import ask

KEYS = {
    "project_name", "framework", "model_server", "framework_version", "requested_version", "match", "validation_level",
    "validation_meaning", "model", "model_format", "image", "image_source", "ecr_login_registry", "ecr_login_region",
    "serves_sagemaker", "adapter", "engine_command", "env_prefix", "flag_style", "accelerator", "docker_platform",
    "instance_type", "inference_ami_version", "accelerator_name", "accelerator_count", "accelerator_memory_mib",
    "vcpu_count", "memory_mib", "has_local_nvme", "price_usd_hour", "price_basis", "region", "aws_domain",
    "aws_partition", "role_arn", "s3_bucket", "hf_token_secret_arn", "deployment_target", "include_sample",
    "container_env", "settings", "sources", "findings", "timeouts", "requirements", "python_version", "chat_template",
    "registry", "env_vars",
}  # fmt: skip
REQUESTS: list[dict[str, Any]] = [
    {},
    {"image_source": "upstream"},
    {"model_server": "sglang", "image_source": "upstream"},
    {"model_server": "tensorrt-llm"},
    {"model_server": "lmi"},
    {"model_server": "djl"},
    {"framework": "sklearn", "instance_type": "ml.c7g.large"},
    {"framework": "xgboost", "model_server": "flask"},
    {"framework": "tensorflow"},
    {"instance_type": "ml.inf2.xlarge"},
    {"deployment_target": "batch"},
    {"model_name": "lmsys/vicuna-7b-v1.5"},
    {"model_name": "s3://bucket/x/"},
]


def plain(value: object) -> bool:
    if isinstance(value, dict):
        return all(isinstance(k, str) and plain(v) for k, v in value.items())
    if isinstance(value, list):
        return all(plain(v) for v in value)
    return value is None or type(value) in (str, int, float, bool)


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda r: "-".join(map(str, r.values())) or "default")
def test_every_view_has_every_key_and_plain_values(shipped: Registry, request_: dict[str, Any]) -> None:
    plan = ask(shipped, **request_)
    view = project_view(plan, "my-model")
    assert set(view) >= KEYS
    assert plain(view), {k: v for k, v in view.items() if not plain(v)}
    json.dumps(view, allow_nan=False)
    assert view["project_name"] == "my-model" and view["image"] == plan.base_image
    assert [e["name"] for e in view["container_env"]] == list(plan.env_vars)
    assert [e["value"] for e in view["container_env"]] == [e.value for e in plan.env_vars.values()]


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ({}, {"serves_sagemaker": True, "adapter": None, "image_source": "aws", "env_prefix": "SM_VLLM_"}),
        ({"image_source": "upstream"}, {"serves_sagemaker": False, "adapter": "vllm", "ecr_login_registry": None}),
        ({"model_server": "sglang", "image_source": "upstream"}, {"adapter": "sglang", "env_prefix": "SM_SGLANG_"}),
        ({"model_server": "tensorrt-llm"}, {"adapter": "tensorrt-llm", "flag_style": "underscores"}),
        ({"instance_type": "ml.inf2.xlarge"}, {"env_prefix": "SM_ON_", "flag_style": "underscores"}),
        ({"framework": "sklearn", "instance_type": "ml.c7g.large"}, {"docker_platform": "linux/arm64", "adapter": None}),
        ({"framework": "sklearn"}, {"docker_platform": "linux/amd64", "model": None, "model_format": "pkl"}),
        ({"framework": "sklearn"}, {"include_sample": True, "python_version": "3.13", "needs_serving": True}),
        ({"region": "cn-north-1"}, {"aws_partition": "aws-cn", "aws_domain": "amazonaws.com.cn"}),
        ({"region": "eu-west-1"}, {"ecr_login_region": "eu-west-1", "aws_partition": "aws"}),
        ({"model_name": "Qwen/Qwen3-4B"}, {"needs_serving": False, "model_format": None, "requirements": []}),
    ],
)  # fmt: skip
def test_what_a_view_says(shipped: Registry, request_: dict[str, Any], expected: dict[str, Any]) -> None:
    view = project_view(ask(shipped, **request_), "x")
    assert {k: view[k] for k in expected} == expected


def test_requirements_pin_the_version_and_the_server(shipped: Registry) -> None:
    for server in ("flask", "fastapi"):
        view = project_view(ask(shipped, framework="sklearn", model_server=server, framework_version="1.8.0"), "x")
        assert "scikit-learn==1.8.0" in view["requirements"]
        assert any(r.startswith(f"{server}==") for r in view["requirements"])
        assert all("==" in r for r in view["requirements"])


def test_the_chat_template_is_a_file_only_when_the_project_brings_one(shipped: Registry) -> None:
    brought = project_view(ask(shipped, model_name="lmsys/vicuna-7b-v1.5"), "x")["chat_template"]
    assert brought["source"] == "Model_Registry" and brought["file"] and "{" in brought["text"]
    assert project_view(ask(shipped), "x")["chat_template"] == {
        "source": "model_repository",
        "file": None,
        "text": None,
    }


def test_a_refused_plan_cannot_be_rendered(shipped: Registry) -> None:
    for request in ({"instance_type": "ml.m5.large"}, {"framework": "nonsense"}):
        with pytest.raises(ValueError, match="refused"):
            project_view(ask(shipped, **request), "x")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("weights", "kind", "expected"),
    [
        (None, "cpu", (300, 300)), (0.0, "cpu", (300, 300)), (1.0, "neuron", (3600, 3600)), (None, "neuron", (3600, 3600)),
        (7.5, "cuda", (480, 240)), (None, "cuda", (600, 360)), (1000.0, "cuda", (3600, 3600)), (0.0, "cuda", (300, 300)),
    ],
)  # fmt: skip
def test_time_outs_follow_the_bytes_within_sagemakers_limits(
    weights: float | None, kind: str, expected: tuple[int, int]
) -> None:
    """60 to 3600 seconds (facts/sagemaker.md); whole minutes; at least five of them."""
    found = timeouts(weights, kind)
    startup, download = found["startup_health_check_s"], found["model_download_s"]
    assert 300 <= startup <= 3600 and 300 <= download <= 3600 and startup % 60 == download % 60 == 0
    if expected[0] in (300, 3600):
        assert (startup, download) == expected
    else:
        assert startup >= expected[0] and startup > 300


def test_more_bytes_never_get_less_time() -> None:
    before = (0, 0)
    for gib in (0.5, 5, 15, 60, 140, 400, 1300):
        now = tuple(timeouts(gib, "cuda").values())
        assert now >= before
        before = now  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("region", "expected"),
    [
        ("us-east-1", "aws"), ("cn-northwest-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov"), ("us-iso-east-1", "aws-iso"),
        ("us-isob-east-1", "aws-iso-b"), ("us-isof-south-1", "aws-iso-f"), ("eu-isoe-west-1", "aws-iso-e"),
        ("eusc-de-east-1", "aws-eusc"), ("eu-west-1", "aws"),
    ],
)  # fmt: skip
def test_partitions(region: str, expected: str) -> None:
    assert partition(region) == expected


# ------------------------------------------------------------------------------------------------- lock


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda r: "-".join(map(str, r.values())) or "default")
def test_the_lock_is_yaml_that_says_what_the_plan_says(shipped: Registry, request_: dict[str, Any]) -> None:
    plan = ask(shipped, **request_)
    text = lock_text(plan, "my-model")
    data = yaml.safe_load(text)
    assert text == lock_text(ask(shipped, **request_), "my-model")
    assert (data["instance_type"], data["base_image"]) == (plan.instance_type, plan.base_image)
    assert {n: e["value"] for n, e in data["env_vars"].items()} == {n: e.value for n, e in plan.env_vars.items()}
    assert {n: s["value"] for n, s in data["settings"].items()} == {n: s.value for n, s in plan.settings.items()}
    assert data["sources"] == list(plan.sources) and text.startswith("#") and text.endswith("\n")


def test_hostile_values_stay_values_in_the_lock(shipped: Registry) -> None:
    hostile = {
        "A": "x\": y\\n# {{ z }} ' & * ! | > % @ `",
        "B": "- a: [",
        "C": "\u2028\u00a0é",
        "D": "null",
        "E": "1.0",
    }
    plan = resolve(Request(env_vars=hostile), shipped)
    data = yaml.safe_load(lock_text(plan, "x"))
    assert {n: data["env_vars"][n]["value"] for n in hostile} == hostile
