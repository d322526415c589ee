"""Pipeline stages: what the fullest one carries."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mcc_registry.sizing import DeviceMemory, EngineMemory, Estimate, ModelShape, estimate_fit
from mcc_registry.sizing.stages import ONE_STAGE, stage_weights, stages_of

LLAMA = ModelShape(
    params_total=8030261248, num_layers=32, hidden_size=4096, num_attention_heads=32, num_kv_heads=8, head_dim=128,
    vocab_size=128256, max_position_embeddings=131072, attention_kind="gqa", default_dtype="bfloat16",
    weights_gib_as_shipped=14.96, weights_gib_fp8_estimate=8.46, kv_bytes_per_token_bf16=131072,
)  # fmt: skip
H100 = DeviceMemory(81920, "H100", 8)
VLLM = EngineMemory("vllm", (0, 19, 0))


@pytest.mark.parametrize(("stages", "weights"), [(1, 14.96), (2, 7.51), (4, 4.26)])
def test_weights_of_the_fullest_stage(stages: int, weights: float) -> None:
    """As logged: facts/memory.yaml vllm0.19.0-llama-3-1-8b-tp1, -pp2 and -pp4."""
    whole = Estimate(14.9, 14.99, 15.03)
    assert stage_weights(whole, LLAMA, stages_of(LLAMA, stages)).mid == pytest.approx(weights, abs=0.04)


def test_uneven_layers_count_in_full() -> None:
    """34 layers on 4 stages: one stage has 9, which is more than a quarter of the cache."""
    shape = replace(LLAMA, num_layers=34)
    assert stages_of(shape, 4).layers == 9 and stages_of(shape, 4).cached == pytest.approx(9 / 34)
    assert stages_of(shape, 1) == ONE_STAGE


def test_layers_of_several_kinds_leave_room() -> None:
    """Nobody says how a hybrid's layers fall to stages: the high end has room for it."""
    plain, hybrid = stages_of(LLAMA, 2), replace(LLAMA, sliding_window=1024, full_attention_layers=8)
    assert plain.cached_high == 1.0 < stages_of(hybrid, 2).cached_high
    mamba = replace(LLAMA, attention_kind="hybrid_mamba2_gqa", layers_with_kv_cache=4)
    assert stages_of(mamba, 2).cached == 0.5 and stages_of(mamba, 2).cached_high == 1.5
    assert stages_of(mamba, 2).states == 0.5


@pytest.mark.parametrize(
    "shape",
    [replace(LLAMA, num_layers=None), replace(LLAMA, vocab_size=None), replace(LLAMA, hidden_size=None)],
    ids=["layers", "vocabulary", "width"],
)
def test_what_is_unknown_may_all_lie_on_one_stage(shape: ModelShape) -> None:
    """Then the weights of a stage lie between an even share and the whole model, and a tight fit is no yes."""
    low, mid, high = stage_weights(Estimate(29.0, 30.0, 31.0), shape, stages_of(shape, 2))
    assert (low, mid, high) == (14.5, 15.0, 31.0)


def test_towers_and_experts_leave_room() -> None:
    """What only some stages carry widens the high end."""
    whole = Estimate(29.0, 30.0, 31.0)
    highs = [
        stage_weights(whole, shape, stages_of(shape, 2)).high
        for shape in (LLAMA, replace(LLAMA, experts_per_token=8), replace(LLAMA, multimodal=True))
    ]
    assert highs[0] < highs[1] < highs[2]


def test_stages_and_ranks_must_exist() -> None:
    assert estimate_fit(LLAMA, H100, VLLM, tensor_parallel_size=2, pipeline_parallel_size=4).fits is True
    many = estimate_fit(LLAMA, H100, VLLM, tensor_parallel_size=4, pipeline_parallel_size=4)
    assert (many.fits, many.max_model_len, many.max_num_seqs) == (False, 0, 0)
    assert any("16 GPUs are asked for" in reason.text for reason in many.reasons)


def test_the_reasons_name_the_fullest_stage() -> None:
    result = estimate_fit(LLAMA, H100, VLLM, pipeline_parallel_size=4)
    assert result.reasons[0].text == "the fullest of 4 stages takes 4.24 GiB of weights"
