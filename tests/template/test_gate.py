"""Refusals: one readable report, exit status 1, nothing written, all problems at once."""

from __future__ import annotations

from collections.abc import Callable

import pytest

CASES: list[tuple[dict[str, str], list[str]]] = [
    ({"instance_type": "ml.t2.micro"}, ["MCC101", "ml.t2.medium", "CUDA", "choose for example"]),
    ({"instance_type": "ml.m5.large"}, ["ml.m5.large does not support CUDA", "MCC103"]),
    ({"instance_type": "ml.p3.2xlarge", "framework_version": "0.30.0"}, ["MCC105", "compute", "7.0", "7.5"]),
    (
        {"instance_type": "ml.g5.xlarge", "inference_ami_version": "al2-ami-sagemaker-inference-neuron-2"},
        ["MCC107", "Neuron AMI"],
    ),
    (
        {"instance_type": "ml.g5.xlarge", "inference_ami_version": "al2-ami-sagemaker-inference-gpu-9"},
        ["MCC106", "did you mean"],
    ),
    (
        {"offline": "maybe", "framework_profile": "warp", "env_vars": "{a: [}"},
        ["MCC002", "offline: maybe", "MCC006", "framework_profile", "MCC003", "env_vars is not valid YAML"],
    ),
    ({"framework": "sklearn", "framework_profile": "low-latency"}, ["MCC006", "does not apply to sklearn"]),
    ({"env_vars": "{gpu_memory_utilization: 1.5}"}, ["MCC303", "exceeds maximum 1.0"]),
    (
        {"env_vars": "{SM_VLLM_GPU_MEMORY_UTILIZATION: 1.5}"},
        ["SM_VLLM_GPU_MEMORY_UTILIZATION", "exceeds maximum 1.0"],
    ),
    ({"env_vars": "{VLLM_GPU_MEMORY_UTILIZATION: 1.5}"}, ["VLLM_GPU_MEMORY_UTILIZATION", "exceeds maximum 1.0"]),
    ({"modle_name": "x/y"}, ["MCC001", "did you mean model_name?"]),
    (
        {"model_name": "meta-llama/Llama-3.3-70B-Instruct", "instance_type": "ml.g5.xlarge"},
        ["MCC401", "weights 131.4 GiB", "KV cache", "it fits ml."],
    ),
    ({"env_vars": "{HF_TOKEN: hf_abcdefghijklmnopqrstuvwxyz}"}, ["MCC010", "secret"]),
    ({"framework_version": "0.30.x"}, ["MCC202", "framework_version"]),
    ({"model_server": "torchserve"}, ["MCC012"]),
    ({"project_name": "-bad name-"}, ["MCC007", "project_name"]),
]


@pytest.mark.parametrize(
    ("answers", "words"), CASES, ids=[" ".join(f"{k}={v}" for k, v in c[0].items())[:60] for c in CASES]
)
def test_refused(rendered: Callable, answers: dict[str, str], words: list[str]) -> None:
    """The report holds the words, nothing is written, no traceback, exit status 1."""
    result = rendered(**answers)
    flat = " ".join(result.text.split())
    assert result.status == 1, result.text
    assert "Traceback" not in result.text
    for word in words:
        assert word in flat, f"{word!r} missing in:\n{result.text}"
    assert not result.folder.exists()


def test_secrets_are_never_echoed(rendered: Callable) -> None:
    """A refused token does not appear in the refusal."""
    result = rendered(env_vars="{HF_TOKEN: hf_abcdefghijklmnopqrstuvwxyz}")
    assert "hf_abcdefghijklmnopqrstuvwxyz" not in result.text


def test_validation_off_lets_settings_pass(rendered: Callable) -> None:
    """validate_env_vars=false passes the value on, and says so in README and summary."""
    result = rendered(env_vars="{gpu_memory_utilization: 1.5}", validate_env_vars="false")
    assert result.status == 0, result.text
    assert "SM_VLLM_GPU_MEMORY_UTILIZATION=1.5" in result.files["container.env"]
    assert "MCC314" in result.files["README.md"]


def test_the_ami_is_chosen_and_explained(rendered: Callable) -> None:
    """A CUDA 13 image on ml.g5.xlarge gets the driver 580 AMI by itself."""
    result = rendered(instance_type="ml.g5.xlarge", framework_version="0.30.0")
    assert result.status == 0, result.text
    assert "al2023-ami-sagemaker-inference-gpu-4-1" in result.files["deploy/endpoint-config.json"]


def test_an_old_ami_is_a_warning_with_the_driver_facts(rendered: Callable) -> None:
    """CUDA 13 on driver 535 works only with compat libraries: rendered, with the facts in the README."""
    result = rendered(
        instance_type="ml.g5.xlarge",
        framework_version="0.30.0",
        inference_ami_version="al2-ami-sagemaker-inference-gpu-2",
    )
    assert result.status == 0, result.text
    assert "MCC102" in result.files["README.md"] and "driver 535" in result.files["README.md"]
