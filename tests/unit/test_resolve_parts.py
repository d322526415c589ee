"""Parts of resolution asked directly: orders, bounds and paths that whole plans do not show apart."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mcc_registry import Registry, Request
from mcc_registry.models.model import Architecture
from mcc_registry.models.plan import Origin
from mcc_registry.registry.entries import ReleaseEntry
from mcc_registry.resolve.asked import read_request
from mcc_registry.resolve.choose import builds_for
from mcc_registry.resolve.evaluate import evaluate, round_context
from mcc_registry.resolve.facts import gather_facts, shape_of
from mcc_registry.resolve.prepare import byte_size, prepare
from mcc_registry.resolve.releases import is_allowed, list_releases
from mcc_registry.resolve.ways_out import copy_shape, fit_words, loads_quantized
from mcc_registry.settings import table_for
from mcc_registry.sizing import EngineMemory, ModelShape
from tests.unit.core_kit import layered


@pytest.mark.parametrize(
    ("tokens", "rounded"),
    [(0, 0), (15, 0), (16, 16), (31, 16), (2047, 2032), (2048, 2048), (3071, 2048), (3072, 3072), (40000, 39936)],
)
def test_a_context_people_would_write(tokens: int, rounded: int) -> None:
    """Multiples of 1024 from 2048 on, of a cache block below."""
    assert round_context(tokens) == rounded


def test_every_architecture_fact_reaches_sizing() -> None:
    """Each field has a value of its own, so that none can stand in for another."""
    same = {f.name for f in fields(ModelShape)} & set(Architecture.model_fields)
    words = {"attention_kind": "gqa", "default_dtype": "float16", "native_quantization": "fp8"}
    values: dict[str, Any] = {n: number for number, n in enumerate(sorted(same - set(words)), start=101)} | words
    weights = {"bf16": 1.5, "fp8_estimate": 2.5, "int4_estimate": 3.5, "as_shipped": 4.5}
    made = shape_of(Architecture(**values, weights_gib=weights), "text-generation")
    assert made is not None
    assert {n: getattr(made, n) for n in same} == {n: values[n] for n in same} and len(same) > 18
    assert {n: getattr(made, f"weights_gib_{n}") for n in weights} == weights
    assert not made.multimodal and shape_of(None, "text-generation") is None
    for task, multimodal in (("image-text-to-text", True), ("any-to-any", True), (None, False)):
        shape = shape_of(Architecture(), task)
        assert shape is not None and shape.multimodal is multimodal


@pytest.mark.parametrize(
    ("asked", "changes"),
    [
        ({"offline": True, "env_vars": {"a": 1}, "region": "eu-west-1"}, {}),
        ({"offline": "yes"}, {"offline": True}),
        ({"include_sample": False}, {}),
        ({"include_sample": "no"}, {"include_sample": False}),
        ({"region": None}, {"region": "us-east-1"}),
        ({"region": ""}, {"region": "us-east-1"}),
        ({"model_name": None, "framework": "transformers"}, {}),
        ({"project_name": True}, {"project_name": ""}),
    ],
)
def test_a_request_is_read_and_only_changed_where_it_must_be(asked: dict[str, Any], changes: dict[str, Any]) -> None:
    request = Request(**asked)
    read, problems = read_request(request)
    assert {n: getattr(read, n) for n in asked} == asked | changes
    if not changes:
        assert read is request and not problems


def built(shipped: Registry, *rows: dict[str, Any]) -> ReleaseEntry:
    """vLLM 0.30.0 with other builds."""
    release = shipped.frameworks["vllm"]["0.30.0"]
    made: Any = type(release.data)
    return ReleaseEntry(
        release.framework, made({**release.data.model_dump(exclude_defaults=True), "builds": [dict(r) for r in rows]})
    )


def test_builds_in_order(shipped: Registry) -> None:
    """The kind asked for, CUDA before CPU before Neuron, a known tag, the region, then serving SageMaker unchanged."""
    cuda = {"accelerator": {"type": "cuda", "version": "13.0"}}
    rows = [
        {"source": "upstream", "tag": "neuron", "accelerator": {"type": "neuron", "version": "2.21"}},
        {"source": "upstream", "tag": "cpu", "accelerator": {"type": "cpu"}},
        {"source": "aws", **cuda},
        {"source": "upstream", "tag": "plain", **cuda},
        {"source": "aws", "tag": "not-in-china", "regions_missing": ["cn-north-1"], **cuda},
    ]
    release = built(shipped, *rows)

    def tags(*arguments: Any) -> list[str | None]:
        return [b.tag for b in builds_for(release, *arguments)]

    assert tags("recommended", None) == ["not-in-china", "plain", None, "cpu", "neuron"]
    assert tags("recommended", None, "us-east-1") == ["not-in-china", "plain", None, "cpu", "neuron"]
    assert tags("recommended", None, "cn-north-1") == ["plain", "not-in-china", None, "cpu", "neuron"]
    assert tags("recommended", "neuron") == ["neuron", "not-in-china", "plain", None, "cpu"]
    assert tags("recommended", "cpu")[0] == "cpu"
    assert tags("aws", None) == ["not-in-china", None] and tags("upstream", "cuda") == ["plain", "cpu", "neuron"]
    assert tags("nowhere", None) == []


def test_builds_from_allowed_hosts_come_first(tmp_path: Path, shipped: Registry) -> None:
    text = 'kind: policy\nreason: r\nallow:\n  image_hosts:\n    - "docker.io"\n'
    strict = layered(tmp_path, policy=text)
    release = strict.frameworks["vllm"]["0.30.0"]
    assert [b.source for b in builds_for(release, "recommended", "cuda", "us-east-1", strict)] == ["upstream", "aws"]
    assert [b.source for b in builds_for(release, "recommended", "cuda", "us-east-1")] == ["aws", "upstream"]
    by_source = {b.source: b for b in release.builds}
    assert is_allowed(release, by_source["upstream"], "us-east-1", strict)
    assert not is_allowed(release, by_source["aws"], "us-east-1", strict)
    assert is_allowed(release, by_source["aws"], "mars-north-1", strict), (
        "an image nobody can name is judged elsewhere"
    )
    assert is_allowed(release, by_source["aws"], "us-east-1", shipped)


@pytest.mark.parametrize(
    ("text", "count", "match"),
    [("0.30.0", 1, "exact"), ("0.30.99", 1, "unlisted"), (">=0.30,<0.31", 1, "specifier"), ("==99", 0, "unlisted"),
     ("==99.*", 0, "specifier"), ("nonsense", 0, "exact"), ("latest", 1, "specifier")],
)  # fmt: skip
def test_how_a_version_was_meant(shipped: Registry, text: str, count: int, match: str) -> None:
    """Refused or not, the choice says how the text was read."""
    if text == "==99":
        entry, text = shipped.frameworks["lmi"], "0.29.99"
    else:
        entry = shipped.frameworks["vllm"]
    choice = list_releases(Request(framework_version=text), entry)
    assert isinstance(choice.releases, tuple) and (len(choice.releases), choice.match) == (count, match)
    assert bool(choice.findings) is (match == "unlisted" or not count)


def prepared(registry: Registry, **answers: Any) -> tuple[Any, Any, Any, Any]:
    request = Request(**{"framework_version": "0.30.0", **answers})
    facts, _ = gather_facts(request, registry)
    release = registry.frameworks[request.framework_id][request.framework_version]
    build = release.builds[0]
    return facts, release, build, prepare(facts, release, build)


LAYER = """\
title: Ours
provenance:
  source:
    - us
  checked: "2026-02-01"
  basis: assumed
patterns:
  - match: "acme/toy-*"
    must_match:
      - acme/toy-7b
    must_not_match:
      - acme/other
    settings:
      max_num_seqs: 13
"""


def test_what_the_hub_says_lies_between_framework_and_model(tmp_path: Path) -> None:
    """The fourth of the seven sources overrides a framework profile and yields to the model's row."""
    registry = layered(tmp_path, models__acme=LAYER)
    facts, release, build, _ = prepared(registry, model_name="acme/toy-7b", framework_profile="low-latency")
    said = (("max_num_seqs", 7), ("performance_mode", "throughput"), ("no_such_setting", 1))
    settings = prepare(replace(facts, hub_settings=said, prepared={}), release, build).settings
    seqs, mode = settings["max_num_seqs"], settings["performance_mode"]
    assert (seqs.value, [o.source for o in seqs.overrode]) == (13, ["HuggingFace_Hub_API", "Framework_Profile"])
    assert seqs.overrode[0] == Origin(7, "HuggingFace_Hub_API", "", "hub.max_num_seqs")
    assert (mode.value, mode.source, mode.file, mode.key) == (
        "throughput",
        "HuggingFace_Hub_API",
        "",
        "hub.performance_mode",
    )
    assert "no_such_setting" not in settings
    bare, release, build, _ = prepared(registry, model_name="acme/none", framework_profile="low-latency")
    settings = prepare(replace(bare, hub_settings=said, prepared={}), release, build).settings
    assert settings["max_num_seqs"].source == "HuggingFace_Hub_API"


def test_a_build_is_prepared_once(shipped: Registry) -> None:
    facts, release, build, made = prepared(shipped)
    assert prepare(facts, release, build) is made


def test_the_engine_whose_memory_counts(shipped: Registry) -> None:
    """A wrapper counts as the engine in it; other engines have a name nobody measured, and their own version."""
    engines = {
        ("vllm", "0.30.0"): EngineMemory("vllm", (0, 30, 0)),
        ("lmi", "29.0.0"): EngineMemory("vllm", (0, 28, 0)),
        ("tensorrt-llm", "1.2.1"): EngineMemory("unknown", (1, 2, 1)),
        ("sglang", "0.5.20"): EngineMemory("sglang", (0, 5, 20)),
    }
    for (server, version), engine in engines.items():
        assert prepared(shipped, model_server=server, framework_version=version)[3].engine == engine
    assert prepared(shipped, framework_version="0.30.0")[3].utilization == 0.92
    assert prepared(shipped, framework_version="0.19.1")[3].utilization == 0.9


def test_the_bytes_of_the_environment(shipped: Registry) -> None:
    """Names and values in UTF-8, every line of it: what SageMaker's limit is compared with."""
    asked = {"max_num_seqs": 8, "GREETING": "hé", "NCCL_DEBUG": "INFO", "enable_prefix_caching": False}
    facts, release, build, _ = prepared(shipped, env_vars=asked, instance_type="ml.g5.xlarge")
    found = evaluate(facts, release, build, shipped.instances["ml.g5.xlarge"])
    candidate, lines = found.candidate, found.env_vars
    assert {"SM_VLLM_MODEL", "SM_VLLM_MAX_NUM_SEQS", "GREETING"} <= set(lines)
    assert candidate.env_count == len(lines)
    assert candidate.env_bytes == sum(len(f"{n}{v.value}".encode()) for n, v in lines.items())
    assert byte_size("A", "é") == 3 and byte_size("AB", "\ud800") == 3, "what is no text counts as one mark"


QUANTISED = (
    LAYER.replace("acme/toy-*", "acme/big-*").replace("acme/toy-7b", "acme/big-1b-AWQ")
    + """\
models:
  - match: acme/big-1b
    architecture:
      params_total: 1000000123
      num_layers: 10
      hidden_size: 2048
      num_attention_heads: 16
      num_kv_heads: 4
      head_dim: 128
      vocab_size: 32000
      max_position_embeddings: 4096
      attention_kind: gqa
      default_dtype: bfloat16
  - match: acme/big-1b-GPTQ-Int4
    architecture:
      params_total: 5
  - match: acme/big-1b-w8a8
"""
)


@pytest.mark.parametrize(
    ("name", "total", "native"),
    [
        ("acme/big-1b", 1000000123, None), ("acme/big-1b-AWQ", 1000000123, "awq"), ("acme/big-1b-FP8", 1000000123, "fp8"),
        ("acme/big-2b-AWQ", None, None), ("acme/big-1b-GPTQ-Int4", 5, None), ("acme/big-1b-w8a8", None, None),
    ],
)  # fmt: skip
def test_the_shape_of_a_quantised_copy(tmp_path: Path, name: str, total: int | None, native: str | None) -> None:
    """Under a pattern: the exact row of the model it was made of, in its format; an exact row speaks for itself."""
    facts, _ = gather_facts(Request(model_name=name), layered(tmp_path, models__acme=QUANTISED))
    shape = facts.shape
    assert (shape and shape.params_total, shape and shape.native_quantization) == (total, native)
    assert facts.context == (shape.max_position_embeddings if shape else None)


def test_the_shape_of_a_copy_that_is_offered(tmp_path: Path) -> None:
    """Its own row's where there is one with facts, else the model's in the format of its name, else the model's."""
    registry = layered(tmp_path, models__acme=QUANTISED)
    base = gather_facts(Request(model_name="acme/big-1b"), registry)[0].shape
    assert base is not None
    assert copy_shape(registry, base, "acme/big-1b-GPTQ-Int4").params_total == 5
    assert copy_shape(registry, base, "acme/big-1b-w8a8").native_quantization == "int8"
    assert copy_shape(registry, base, "acme/big-1b-AWQ").native_quantization == "awq"
    assert copy_shape(registry, base, "acme/big-1b-mine") is base


@pytest.mark.parametrize(
    ("server", "version", "instance", "native", "loads"),
    [
        ("vllm", "0.30.0", "ml.g6.xlarge", None, True), ("vllm", "0.30.0", "ml.g5.xlarge", None, False),
        ("vllm", "0.30.0", "ml.g6.xlarge", "awq", False), ("vllm", "0.30.0", "ml.m5.large", None, False),
        ("sglang", "0.5.20", "ml.g6.xlarge", None, True), ("tensorrt-llm", "1.2.1", "ml.g6.xlarge", None, False),
    ],
)  # fmt: skip
def test_who_quantises_while_loading(
    shipped: Registry, server: str, version: str, instance: str, native: str | None, loads: bool
) -> None:
    """An engine with the choice, a GPU that computes in fp8, and a model that is not quantised yet."""
    release = shipped.frameworks[server][version]
    table = table_for(release.framework, "cuda", release.builds[0].source, shipped)
    shape = ModelShape(native_quantization=native)
    assert loads_quantized(shape, table, release, shipped.instances[instance], shipped) is loads


@pytest.mark.parametrize(
    ("fits", "largest", "context", "free", "words"),
    [
        (True, None, 8192, False, ""), (None, 4096, 8192, True, " with max_model_len 4096"), (None, 4096, 8192, False, None),
        (False, 2048, 8192, True, " with max_model_len 2048"), (False, 2047, 8192, True, None), (False, None, 8192, True, None),
        (False, 512, 512, True, " with max_model_len 512"), (False, 511, 512, True, None),
        (False, 2048, None, True, " with max_model_len 2048"), (False, 2047, None, True, None),
    ],
)  # fmt: skip
def test_under_which_condition_a_variant_fits(
    fits: bool | None, largest: int | None, context: int | None, free: bool, words: str | None
) -> None:
    """At least 2048 tokens or the model's whole context, and only where the length is ours to choose."""
    verdict: Any = SimpleNamespace(fits=fits, max_model_len=largest)
    assert fit_words(verdict, context, free=free) == words
    assert fit_words(None, context, free=free) is None
