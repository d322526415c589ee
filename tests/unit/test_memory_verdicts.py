"""Memory is never passed over in silence, and `resolve` and `fit` say the same about every listed model."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from typing import Any

import pytest

from mcc_registry import Registry, Request, resolve
from mcc_registry.cli.fit import ask
from mcc_registry.cli.fit_question import Question, estimate
from mcc_registry.models.plan import Plan
from tests.registry.shipped import files, row

FLAGS: dict[str, Any] = {
    "instance_type": None, "tensor_parallel_size": None, "pipeline_parallel_size": None, "max_model_len": None,
    "max_num_seqs": None, "dtype": None, "quantization": None, "kv_cache_dtype": None, "gpu_memory_utilization": None,
    "model_server": "vllm", "framework_version": "0.30.0",
}  # fmt: skip


def question(registry: Registry, model: str, **flags: Any) -> Question:
    """What `mcc-registry fit MODEL --offline` with these flags asks."""
    found, findings = ask(Namespace(model=model, **{**FLAGS, **flags}), registry, offline=True)
    assert found is not None, findings
    return found


FAMILIES = [row(path) for path in files("models")]
EXACT = [model.match for family in FAMILIES for model in family.models]
NAMED = [name for family in FAMILIES for pattern in family.patterns for name in pattern.must_match]
TYPES = ("ml.g4dn.xlarge", "ml.g5.xlarge", "ml.g6.12xlarge", "ml.g6e.xlarge", "ml.p4d.24xlarge", "ml.p5.48xlarge")
MEMORY = {"MCC401", "MCC409", "MCC412"}


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry.load(environ={})


def plan(registry: Registry, name: str, instance_type: str = "auto", **more: object) -> Plan:
    return resolve(Request(model_name=name, instance_type=instance_type, offline=True, **more), registry)


def is_told(found: Plan) -> bool:
    """Whether a plan has a memory sum, or a warning or error that says it has none."""
    summed = found.fit is not None and found.fit["required_gib"] is not None
    return summed or any(f.code in MEMORY and f.severity != "info" for f in found.findings)


@pytest.mark.parametrize("name", [*EXACT, *NAMED])
def test_no_name_the_registries_know_passes_in_silence(registry: Registry, name: str) -> None:
    """A memory sum or a memory warning, whatever the match; `auto` never calls unknown memory "passes all checks"."""
    for found in (plan(registry, name, "ml.g4dn.xlarge"), plan(registry, name)):
        assert is_told(found)
        if found.fit is None or found.fit["required_gib"] is None:
            assert not [c for c in found.candidates or () if c.reason == "passes all checks"]


@pytest.mark.parametrize(
    "name", ["s3://bucket/model/", "./model", "acme/never-heard-of", "meta-llama/Meta-Llama-3.1-9B"]
)
@pytest.mark.parametrize("server", ["vllm", "sglang", "lmi", "tensorrt-llm"])
def test_unknown_sizes_are_warnings_everywhere(registry: Registry, name: str, server: str) -> None:
    """Local, S3, unlisted and pattern-only names on every engine; the chosen type's reason says "memory unknown"."""
    found = plan(registry, name, model_server=server)
    assert found.ok
    assert "MCC412" in {f.code for f in found.findings if f.severity == "warning"}
    assert "MCC203" in {f.code for f in found.findings}
    chosen = next(iter(found.candidates or ()))
    assert (chosen.instance_type, chosen.verdict) == (found.instance_type, "warning")
    assert chosen.reason.endswith("memory unknown")


@pytest.mark.parametrize(
    ("name", "like"),
    [
        ("meta-llama/Meta-Llama-3.1-405B-Instruct", "meta-llama/Llama-3.1-405B-Instruct"),
        ("google/gemma-1.1-7b-it", "google/gemma-7b-it"),
        ("HuggingFaceH4/zephyr-7b-alpha", "HuggingFaceH4/zephyr-7b-beta"),
        ("CohereLabs/c4ai-command-r7b-arabic-02-2025", "CohereLabs/c4ai-command-r7b-12-2024"),
        ("intfloat/multilingual-e5-large-instruct", "intfloat/multilingual-e5-large"),
        ("stabilityai/stable-diffusion-3.5-large-turbo", "stabilityai/stable-diffusion-3.5-large"),
    ],
)
def test_a_size_in_the_name_is_enough(registry: Registry, name: str, like: str) -> None:
    """A name of a known size has the memory of its listed sibling."""
    found, other = (registry.find_model(n) for n in (name, like))
    assert found is not None and other is not None and found.match == "pattern"
    assert registry.find_architecture(found, found.profile_for()) == other.row.architecture


def verdict(found: Plan) -> bool | None:
    """What a plan says about memory: no, too close or unknown, or nothing against it."""
    said = {(f.code, f.severity) for f in found.findings}
    if ("MCC401", "error") in said:
        return False
    return None if said & {("MCC401", "warning"), ("MCC409", "warning"), ("MCC412", "warning")} else True


def cases() -> Iterator[tuple[str, str]]:
    for name in EXACT:
        for instance_type in TYPES:
            yield name, instance_type


@pytest.mark.parametrize("name", EXACT)
def test_fit_and_resolve_agree(registry: Registry, name: str) -> None:
    """The same length, release and share of memory get the same verdict from both, also where the cache is unknown."""
    found = registry.find_model(name)
    assert found is not None and found.row.architecture is not None
    context = found.row.architecture.max_position_embeddings
    length = min(4096, context) if context else 2048
    for instance_type in TYPES:
        env = {"max_model_len": length, "gpu_memory_utilization": 0.9}
        made = plan(registry, name, instance_type, framework_version="0.30.0", env_vars=env)
        asked = question(registry, name, max_model_len=length, gpu_memory_utilization=0.9)
        instance = registry.instances[instance_type]
        fit = estimate(asked, instance)
        if "dtype" in made.settings:
            fit = estimate(asked, instance, dtype=made.settings["dtype"].value)
        assert verdict(made) == fit.fits, instance_type
        if fit.fits is False and fit.required_gib is None:
            message = next(f.message for f in made.findings if f.code == "MCC401")
            assert f"at least {fit.weights_gib:.1f} GiB for weights" in message
