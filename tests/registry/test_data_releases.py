"""Every release and every Neuron build of the facts has a row, and none has slipped in that the facts do not know."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from mcc_registry import Registry, Request, resolve
from mcc_registry.errors import MccError
from mcc_registry.models.framework import Framework

TABLE: dict[str, Any] = json.loads((Path(__file__).parents[1] / "cases" / "engines.json").read_text(encoding="utf-8"))
REGISTRY = Registry.load(environ={})
UNNAMED = [b for b in TABLE["neuron"]["vllm"]["builds"] if b["tag"] is None]


@pytest.mark.parametrize("name", TABLE["releases"])
def test_the_releases_are_those_of_the_facts(frameworks: dict[str, Framework], name: str) -> None:
    """Releases with a CUDA or CPU build, one by one; the counts are vllm 51, sglang 34, tensorrt-llm 8, lmi 20, djl 5."""
    ours = {r.version for r in frameworks[name].releases if any(b.accelerator.type != "neuron" for b in r.builds)}
    missing = set(TABLE["releases"][name]["versions"]) - ours
    assert not missing
    extra = ours - set(TABLE["releases"][name]["versions"])
    assert not extra or name in ("sklearn", "xgboost", "tensorflow"), extra


def test_the_counts_of_the_facts() -> None:
    """The table itself is whole."""
    counts = {name: len(set(row["versions"])) for name, row in TABLE["releases"].items()}
    assert counts == {
        "vllm": 51, "sglang": 34, "tensorrt-llm": 8, "lmi": 20, "djl": 5, "sklearn": 5, "xgboost": 4, "tensorflow": 4,
    }  # fmt: skip
    assert len(TABLE["neuron"]["vllm"]["builds"]) == 18
    assert len(TABLE["neuron"]["lmi"]["tags"]) == 9


def test_all_neuron_builds_of_vllm_are_listed(frameworks: dict[str, Framework]) -> None:
    """18 builds: version, SDK and, where it is known, the tag."""
    ours = Counter(
        (r.version, b.accelerator.version, b.tag)
        for r in frameworks["vllm"].releases
        for b in r.builds
        if b.accelerator.type == "neuron"
    )
    assert ours == Counter((b["version"], b["sdk"], b["tag"]) for b in TABLE["neuron"]["vllm"]["builds"])


def test_all_neuron_builds_of_lmi_are_listed(frameworks: dict[str, Framework]) -> None:
    """Their tags name DJL Serving and the SDK, no LMI number; they serve SageMaker unchanged."""
    lmi = REGISTRY.frameworks["lmi"]
    rows = [
        (lmi[r.version], b) for r in frameworks["lmi"].releases for b in r.builds if b.accelerator.type == "neuron"
    ]
    assert {b.tag for _, b in rows} == set(TABLE["neuron"]["lmi"]["tags"])
    for release, build in rows:
        assert build.tag == f"{release.data.engine['djl-serving']}-neuronx-sdk{build.accelerator.version}"
        assert release.serves_sagemaker(build) and "LMI number" in build.unverified


@pytest.mark.parametrize("build", UNNAMED, ids=lambda b: f"{b['version']}-sdk{b['sdk']}")
def test_a_build_without_a_known_tag_is_refused_with_its_reason(build: dict[str, str]) -> None:
    """Listed and honest: nobody gets an image reference that was made up, nor an exception."""
    release = REGISTRY.frameworks["vllm"][build["version"]]
    row = next(b for b in release.builds if b.accelerator.version == build["sdk"] and b.tag is None)
    assert "full tag" in row.unverified
    with pytest.raises(MccError, match="not known"):
        release.image(build=row)
    request = Request(
        model_server="vllm",
        framework_version=build["version"],
        instance_type="ml.inf2.xlarge",
        image_source="upstream",
        given=("model_server", "framework_version", "instance_type", "image_source"),
    )
    plan = resolve(request, REGISTRY)
    assert not plan.ok and plan.base_image is None
    assert any(f.name == "tag-unknown" and f.severity == "error" and f.code == "MCC215" for f in plan.findings)


def test_a_build_without_a_tag_is_never_chosen() -> None:
    """A release with a CUDA image keeps it; on Neuron the choice falls on a build whose image is known."""
    assert REGISTRY.frameworks["vllm"]["0.13.0"].base_image.endswith("0.13.0-gpu-py312-cu129-ubuntu22.04-sagemaker")
    given = ("model_server", "framework_version", "instance_type")
    for text in ("recommended", ">=0.7.2,<0.14", "0.11.0"):
        request = Request(model_server="vllm", framework_version=text, instance_type="ml.inf2.xlarge", given=given)
        plan = resolve(request, REGISTRY)
        assert plan.base_image and "neuronx" in plan.base_image, text


def test_lmi_on_inferentia() -> None:
    """An LMI Neuron release makes a plan on Inferentia2: its own variables, the Neuron AMI, no vLLM settings."""
    request = Request(
        model_server="lmi",
        model_name="meta-llama/Llama-2-7b-chat-hf",
        framework_version="0.29.0",
        instance_type="ml.inf2.xlarge",
        env_vars={"tensor_parallel_size": 2, "max_model_len": 2048},
        given=("model_server", "model_name", "framework_version", "instance_type", "env_vars"),
    )
    plan = resolve(request, REGISTRY)
    assert plan.ok, [f.message for f in plan.findings]
    assert plan.base_image and plan.base_image.endswith("djl-inference:0.29.0-neuronx-sdk2.19.1")
    assert plan.inference_ami_version == "al2-ami-sagemaker-inference-neuron-2"
    values = {name: row.value for name, row in plan.env_vars.items()}
    assert values["OPTION_TENSOR_PARALLEL_DEGREE"] == "2" and values["OPTION_N_POSITIONS"] == "2048"
