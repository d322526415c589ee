"""Quantised copies: what names say, the bytes that follow, and the copies a refusal offers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mcc_registry import Registry, Request
from mcc_registry.hub_facts import HubFacts
from mcc_registry.quantized import UNKNOWN_FORMAT, copies_of, quantized_name, quantized_shape
from mcc_registry.resolve.facts import gather_facts
from mcc_registry.sizing import ModelShape, estimate_weights
from tests.unit.core_kit import ask, errors, one


@pytest.mark.parametrize(
    ("name", "base", "word"),
    [
        ("Qwen/Qwen3-8B-AWQ", "Qwen/Qwen3-8B", "awq"),
        ("Qwen/Qwen3-8B-fp8", "Qwen/Qwen3-8B", "fp8"),
        ("RedHatAI/Llama-3.3-70B-Instruct-FP8-dynamic", "RedHatAI/Llama-3.3-70B-Instruct", "fp8"),
        ("RedHatAI/Meta-Llama-3.1-8B-Instruct-quantized.w4a16", "RedHatAI/Meta-Llama-3.1-8B-Instruct", "int4"),
        ("RedHatAI/Qwen2.5-7B-Instruct-quantized.w8a8", "RedHatAI/Qwen2.5-7B-Instruct", "int8"),
        ("Qwen/Qwen2.5-7B-Instruct-GPTQ-Int4", "Qwen/Qwen2.5-7B-Instruct", "gptq"),
        ("Qwen/Qwen2.5-7B-Instruct-GPTQ-Int8", "Qwen/Qwen2.5-7B-Instruct", "int8"),
        ("nvidia/Llama-3.1-8B-NVFP4", "nvidia/Llama-3.1-8B", "nvfp4"),
        ("some/Model-7B-GPTQ", "some/Model-7B", UNKNOWN_FORMAT),
    ],
)
def test_names_of_copies(name: str, base: str, word: str) -> None:
    assert quantized_name(name) == (base, word)


@pytest.mark.parametrize(
    "name", ["Qwen/Qwen3-8B", "Qwen/Qwen3-8B-GGUF", "Qwen/AWQ", "fp8", "a/my-fp8-tuned", "x/y-awqs"]
)
def test_names_of_no_copies(name: str) -> None:
    assert quantized_name(name) is None


def weights(registry: Registry, name: str, hub: HubFacts | None = None) -> float:
    facts, _ = gather_facts(Request(model_name=name), registry, hub=hub)
    assert facts.shape is not None, name
    found = estimate_weights(facts.shape)
    assert found is not None
    return found.mid


def test_a_copy_has_its_own_bytes(shipped: Registry) -> None:
    """Qwen3-8B-AWQ is 5.68 GiB, not 3.8 (facts/models.md, Pitfalls 9); fp8 is more than half, as embeddings stay 16-bit."""
    whole = weights(shipped, "Qwen/Qwen3-8B")
    assert weights(shipped, "Qwen/Qwen3-8B-AWQ") == pytest.approx(5.68, abs=0.06)
    assert whole / 2 < weights(shipped, "Qwen/Qwen3-8B-FP8") < whole * 0.62
    assert whole / 2 < weights(shipped, "Qwen/Qwen2.5-7B-Instruct-GPTQ-Int8") + 1 < whole


def test_a_copy_keeps_the_cache_of_its_model(shipped: Registry) -> None:
    one_shape = gather_facts(Request(model_name="Qwen/Qwen3-8B"), shipped)[0].shape
    copy = gather_facts(Request(model_name="Qwen/Qwen3-8B-AWQ"), shipped)[0].shape
    assert one_shape is not None and copy is not None
    same = replace(
        copy,
        native_quantization=one_shape.native_quantization,
        weights_gib_as_shipped=one_shape.weights_gib_as_shipped,
    )
    assert same == one_shape


def test_every_copy_the_rows_name_has_bytes(shipped: Registry) -> None:
    """Names of quantised copies that patterns must match and whose model is known are never without memory facts."""
    seen = 0
    for family in shipped.models.values():
        for row in family.patterns:
            for name in row.must_match:
                parts = quantized_name(name)
                base = shipped.find_model(parts.base) if parts else None
                if parts is None or base is None or base.match != "exact" or base.row.architecture is None:
                    continue
                seen += 1
                full, part = weights(shipped, parts.base), weights(shipped, name)
                already = base.row.architecture.native_quantization is not None
                assert part <= full if already else part < full * 0.75, name
    assert seen >= 10


def test_the_hub_says_how_it_is_quantised(shipped: Registry) -> None:
    """A copy under a pattern: the configuration's word counts, and the Hub's bytes beat every estimate."""
    config = {"quantization_config": {"quant_method": "awq", "bits": 4}}
    hub = HubFacts("found", "Qwen/Qwen3-8B-Mine", "", config=config)
    facts, _ = gather_facts(Request(model_name="Qwen/Qwen3-8B-AWQ"), shipped, hub=replace(hub, weight_bytes=6 << 30))
    assert facts.shape is not None and facts.shape.native_quantization == "awq"
    assert weights(shipped, "Qwen/Qwen3-8B-AWQ", replace(hub, weight_bytes=6 << 30)) == pytest.approx(6.03)
    eight = replace(hub, config={"quantization_config": {"quant_method": "gptq", "bits": 8}})
    assert weights(shipped, "Qwen/Qwen3-8B-AWQ", eight) > 8.0


def test_eight_bit_gptq_is_a_byte() -> None:
    """The dangerous direction: 8-bit GPTQ must never count as 4-bit."""
    shape = ModelShape(params_total=8_000_000_000, vocab_size=32000, hidden_size=4096)
    four = estimate_weights(quantized_shape(shape, "gptq"))
    eight = estimate_weights(quantized_shape(shape, "gptq_8bit"))
    assert four is not None and eight is not None
    assert eight.low > four.high * 1.5


def test_a_multimodal_copy_has_a_wide_interval() -> None:
    """Towers stay 16-bit: the high end of a quantised multimodal model leaves room for them."""
    shape = ModelShape(params_total=4_300_000_000, vocab_size=262144, hidden_size=2560, multimodal=True)
    copy = estimate_weights(quantized_shape(shape, "awq"))
    assert copy is not None
    assert copy.high - copy.mid > 0.6


def test_copies_known_by_name() -> None:
    known = ["a/M-FP8", "a/M-Base", "a/M2-FP8", "a/m-awq", "a/M-GPTQ"]
    assert copies_of("a/M", known) == ["a/M-FP8", "a/m-awq"]


def test_a_refusal_offers_three_kinds_of_way_out(shipped: Registry) -> None:
    """Quantised by setting, quantised copy, next type; each is true when tried."""
    plan = ask(shipped, model_name="Qwen/Qwen3-14B", instance_type="ml.g6.xlarge")
    hint = one(plan, "model-does-not-fit").hint
    assert hint.startswith("quantization fp8 fits here with max_model_len ")
    assert "model_name Qwen/Qwen3-14B-FP8 fits here" in hint
    assert "it fits ml.g6e.xlarge (" in hint
    for change in (
        {"env_vars": {"quantization": "fp8"}},
        {"model_name": "Qwen/Qwen3-14B-FP8"},
        {"instance_type": "ml.g6e.xlarge"},
    ):
        assert (
            errors(ask(shipped, **{"model_name": "Qwen/Qwen3-14B", "instance_type": "ml.g6.xlarge"} | change)) == []
        )


def test_a_shorter_context_is_offered_first(shipped: Registry) -> None:
    """The user's own length: a shorter one, a quantised variant, the next type; the shorter one is accepted."""
    asked = {"model_name": "Qwen/Qwen3-8B", "instance_type": "ml.g6.xlarge"}
    finding = one(ask(shipped, **asked, env_vars={"max_model_len": 40960}), "model-does-not-fit")
    shorter, *others = finding.hint.split("; ")
    assert shorter.startswith("use max_model_len ") and shorter.endswith(" or less")
    assert others[0] == "quantization fp8 fits here" and others[-1].startswith("it fits ml.g6e.xlarge")
    length = int(shorter.split()[2])
    assert errors(ask(shipped, **asked, env_vars={"max_model_len": length})) == []


def test_no_quantisation_where_the_gpu_has_no_fp8(shipped: Registry) -> None:
    """A10G has no fp8 arithmetic: the setting is not offered there; an already quantised model gets no second one."""
    hint = one(ask(shipped, model_name="Qwen/Qwen3-14B", instance_type="ml.g5.xlarge"), "model-does-not-fit").hint
    assert "quantization fp8" not in hint
    hint = one(
        ask(shipped, model_name="openai/gpt-oss-120b", instance_type="ml.g6.xlarge"), "model-does-not-fit"
    ).hint
    assert "quantization" not in hint and "it fits " in hint
