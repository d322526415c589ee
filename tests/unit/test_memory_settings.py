"""How settings change the memory sum of a plan: stages, quantisation, the engine's share, the Hub's bytes."""

from __future__ import annotations

from typing import Any

import pytest

from mcc_registry import Plan, Registry
from mcc_registry.hub_facts import HubFacts
from mcc_registry.models.request import Request
from mcc_registry.resolve import resolve
from tests.unit.core_kit import ask, errors, named, one

LLAMA = "meta-llama/Llama-3.3-70B-Instruct"
FLASH = "deepseek-ai/DeepSeek-V4-Flash-0731"


def fit(plan: Plan) -> dict[str, Any]:
    assert plan.fit is not None
    return plan.fit


def test_stages_are_counted(shipped: Registry) -> None:
    """Llama 70B on 8 L4: four GPUs are too few, two stages of four are judged with all eight."""
    where = {"model_name": LLAMA, "instance_type": "ml.g6.48xlarge", "framework_version": "0.30.0"}
    four = ask(shipped, **where, env_vars={"tensor_parallel_size": 4})
    staged = ask(shipped, **where, env_vars={"tensor_parallel_size": 4, "pipeline_parallel_size": 2})
    assert "model-does-not-fit" in errors(four) and staged.ok
    assert fit(staged)["available_gib"] == pytest.approx(2 * fit(four)["available_gib"], abs=0.01)
    assert fit(staged)["weights_gib"] / 8 == pytest.approx(fit(four)["weights_gib"] / 8, rel=0.03)
    large = {**where, "model_name": "meta-llama/Llama-3.1-405B-Instruct"}
    assert "model-does-not-fit" in errors(ask(shipped, **large, env_vars={"pipeline_parallel_size": 2}))
    fact = one(staged, "model-does-not-fit").facts[-1].text
    assert "on 8 x L4" in fact


def test_stages_take_their_gpus_first(shipped: Registry) -> None:
    """With only the stages named, tensor parallelism takes the GPUs that are left, not all of them again."""
    plan = ask(shipped, model_name=LLAMA, instance_type="ml.g6e.48xlarge", env_vars={"pipeline_parallel_size": 2})
    assert plan.ok and plan.settings["tensor_parallel_size"].value == 4
    plan = ask(
        shipped, model_name="Qwen/Qwen3-4B", instance_type="ml.g6.12xlarge", env_vars={"data_parallel_size": 4}
    )
    assert plan.settings["tensor_parallel_size"].value == 1 and not named(plan, "tensor-parallel-devices")


def test_too_many_gpus_are_one_finding(shipped: Registry) -> None:
    """The cause is told once, not again as memory that does not fit."""
    env = {"tensor_parallel_size": 8, "pipeline_parallel_size": 2}
    plan = ask(shipped, model_name=LLAMA, instance_type="ml.g6.48xlarge", env_vars=env)
    assert errors(plan) == ["tensor-parallel-devices"]


def test_a_release_without_stages_says_so(shipped: Registry) -> None:
    """SGLang has pipeline stages since 0.4.6.post5, before nothing is divided; LMI tells of the mode that rejects them."""
    env = {"pipeline_parallel_size": 2, "tensor_parallel_size": 2}
    where = {"model_name": "Qwen/Qwen3-8B", "instance_type": "ml.g6.12xlarge", "env_vars": env}
    old = ask(shipped, model_server="sglang", framework_version="0.4.6", **where)
    new = ask(shipped, model_server="sglang", framework_version="0.4.6.post5", **where)
    assert one(old, "setting-not-in-release").message.startswith("pipeline_parallel_size does not exist")
    assert (fit(old)["pipeline_parallel_size"], fit(new)["pipeline_parallel_size"]) == (1, 2)
    lmi = ask(shipped, model_server="lmi", **where)
    assert any("pipeline" in f.message for f in named(lmi, "known-issue"))


@pytest.mark.parametrize("model", ["Qwen/Qwen3-8B", "mistralai/Mistral-7B-Instruct-v0.3"])
@pytest.mark.parametrize("method", ["awq", "gptq", "awq_marlin", "compressed-tensors", "modelopt_fp4"])
def test_methods_that_need_a_checkpoint_halve_nothing(shipped: Registry, model: str, method: str) -> None:
    """16-bit weights stay as large as they are, and a warning says why."""
    where = {"model_name": model, "instance_type": "ml.g6e.xlarge", "framework_version": "0.30.0"}
    plain, asked = ask(shipped, **where), ask(shipped, **where, env_vars={"quantization": method})
    assert fit(asked)["weights_gib"] == fit(plain)["weights_gib"]
    assert one(asked, "quantized-checkpoint").severity == "warning"


def test_methods_that_quantise_while_loading_count(shipped: Registry) -> None:
    where = {"model_name": "Qwen/Qwen3-8B", "instance_type": "ml.g6e.xlarge", "framework_version": "0.30.0"}
    plain, fp8 = ask(shipped, **where), ask(shipped, **where, env_vars={"quantization": "fp8"})
    assert fit(fp8)["weights_gib"] < 0.65 * fit(plain)["weights_gib"]
    assert not named(fp8, "quantized-checkpoint")
    copy = ask(shipped, **{**where, "model_name": "Qwen/Qwen3-8B-AWQ"}, env_vars={"quantization": "awq_marlin"})
    assert fit(copy)["weights_gib"] == pytest.approx(5.7, abs=0.1) and not named(copy, "quantized-checkpoint")


@pytest.mark.parametrize(("version", "share"), [("29.0.0", 0.92), ("24.0.0", 0.9)])
def test_lmi_takes_the_share_of_its_engine(shipped: Registry, version: str, share: float) -> None:
    """LMI hands the setting on: lmi29 holds vLLM 0.28 (0.92 since 0.20), lmi24 vLLM 0.19 (0.9)."""
    plan = ask(shipped, model_server="lmi", model_name="Qwen/Qwen3-4B", framework_version=version,
               instance_type="ml.g5.xlarge")  # fmt: skip
    assert fit(plan)["available_gib"] == pytest.approx(22888 / 1024 * share, abs=0.01)


def test_settings_of_the_engine_change_the_sum(shipped: Registry) -> None:
    """More tokens in one batch need more, no graphs need less, SGLang's own fraction is its share."""
    where = {"model_name": "Qwen/Qwen3-8B", "instance_type": "ml.g6e.xlarge", "framework_version": "0.30.0"}
    plain, large, eager = (
        fit(ask(shipped, **where, env_vars=env))["overhead_gib"]
        for env in ({}, {"max_num_batched_tokens": 65536}, {"enforce_eager": True})
    )
    assert eager < plain < large
    sglang = ask(shipped, model_server="sglang", model_name="Qwen/Qwen3-8B", instance_type="ml.g6e.xlarge",
                 env_vars={"mem_fraction_static": 0.5})  # fmt: skip
    assert fit(sglang)["available_gib"] == pytest.approx(45776 / 1024 * 0.5, abs=0.01)


def on_hub(registry: Registry, name: str, instance_type: str, **facts: Any) -> Plan:
    request = Request(
        model_name=name,
        instance_type=instance_type,
        framework_version="0.30.0",
        env_vars=facts.pop("env_vars", {}),
    )
    return resolve(request, registry, hub=HubFacts(facts.pop("status", "found"), name, "", **facts))


@pytest.mark.parametrize("name", ["acme/unheard-of", "deepseek-ai/DeepSeek-V4-Pro"])
@pytest.mark.parametrize(
    "facts",
    [
        {"weight_bytes": 140 << 30},
        {"weight_bytes": 140 << 30, "status": "gated", "gated": True},
        {"dtype_counts": {"BF16": 70 << 30}, "parameter_count": 70 << 30},
    ],
    ids=["files", "gated", "counted"],
)
def test_bytes_the_hub_states_are_a_floor(shipped: Registry, name: str, facts: dict[str, Any]) -> None:
    """Without a config.json 140 GiB still do not fit 24; where they might, that is unknown, and told."""
    small = on_hub(shipped, name, "ml.g6.xlarge", **facts)
    assert "at least 140" in one(small, "model-does-not-fit").message and not small.ok
    alone = one(on_hub(shipped, name, "ml.p5.48xlarge", **facts), "model-does-not-fit")
    assert alone.hint.startswith("set tensor_parallel_size to a number that divides its attention heads, up to 8")
    large = on_hub(shipped, name, "ml.p5.48xlarge", **facts, env_vars={"tensor_parallel_size": 8})
    assert large.ok and one(large, "fit-unknown").severity == "warning"
    assert large.fit is not None and large.fit["weights_gib"] == pytest.approx(140, abs=0.3)


def test_the_hubs_context_beats_a_siblings(shipped: Registry) -> None:
    """Under a pattern the registries know a sibling's context; an exact row stays what it is."""
    config = {"architectures": ["LlamaForCausalLM"], "max_position_embeddings": 4096}
    for name, context in (("meta-llama/Meta-Llama-3.1-8B", 4096), ("meta-llama/Llama-3.1-8B-Instruct", 131072)):
        plan = on_hub(shipped, name, "ml.p4d.24xlarge", config=config)
        assert plan.settings["max_model_len"].value == context


def test_dtypes_nobody_knows_are_no_bytes() -> None:
    assert HubFacts("found", "a/b", "", dtype_counts={"F4": 10, "BF16": 10}).stated_weight_bytes is None
    assert HubFacts("found", "a/b", "", dtype_counts={"F8_E4M3": 10, "BF16": 10}).stated_weight_bytes == 30
    assert HubFacts("found", "a/b", "").stated_weight_bytes is None


@pytest.mark.parametrize("instance_type", ["ml.g5.xlarge", "ml.p4d.24xlarge"])
@pytest.mark.parametrize("model", [FLASH, "black-forest-labs/FLUX.1-dev", "stabilityai/stable-diffusion-3.5-large"])
def test_weights_alone_refuse_or_the_doubt_is_told(shipped: Registry, model: str, instance_type: str) -> None:
    """No cache formula: an error where the weights exceed the GPUs, a warning everywhere else."""
    plan = ask(shipped, model_name=model, instance_type=instance_type, model_server="sglang")
    room, weights = fit(plan)["available_gib"], fit(plan)["weights_gib"]
    found = "model-does-not-fit" if weights > room else "fit-unknown"
    assert one(plan, found).severity == ("error" if weights > room else "warning")


def test_idle_gpus_get_a_hint_that_can_work(shipped: Registry) -> None:
    """Falcon's 71 heads cannot be split; dl1 has no GPU that could be idle; 4 of 4 divides 32 heads."""
    falcon = one(
        ask(shipped, model_name="tiiuae/falcon-7b", instance_type="ml.g5.12xlarge"), "tensor-parallel-devices"
    )
    assert falcon.hint == "choose a type with fewer GPUs" and "71 attention heads" in falcon.facts[1].text
    assert not named(
        ask(shipped, model_name="Qwen/Qwen3-4B", instance_type="ml.dl1.24xlarge"), "tensor-parallel-devices"
    )
    qwen = ask(
        shipped, model_name="Qwen/Qwen3-4B", instance_type="ml.g5.12xlarge", env_vars={"tensor_parallel_size": 2}
    )
    assert one(qwen, "tensor-parallel-devices").hint.endswith("or use tensor_parallel_size 4")


def test_drafts_and_adapters_are_told(shipped: Registry) -> None:
    """One warning whatever is loaded beside the model; drafting by n-grams loads nothing."""
    for server, env, count in (
        ("vllm", {"speculative_config": '{"method": "eagle3", "model": "a/b", "num_speculative_tokens": 3}'}, 1),
        ("vllm", {"speculative_config": '{"method": "ngram", "num_speculative_tokens": 3}'}, 0),
        ("sglang", {"speculative_algorithm": "EAGLE3", "speculative_draft_model_path": "a/b"}, 1),
        ("vllm", {"enable_lora": False}, 0),
    ):
        plan = ask(
            shipped, model_server=server, model_name="Qwen/Qwen3-8B", instance_type="ml.g6e.xlarge", env_vars=env
        )
        assert len(named(plan, "memory-not-counted")) == count, env
