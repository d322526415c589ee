"""The contract of `fit`: figures, unknowns, defaults of engines and devices, and what a call costs."""

from __future__ import annotations

import pytest

from mcc_registry.sizing import (
    DeviceMemory,
    EngineMemory,
    ModelShape,
    cuda_visible_gib,
    default_gpu_memory_utilization,
    default_max_num_batched_tokens,
    default_max_num_seqs,
    default_tensor_parallel_size,
    estimate_fit,
    has_nvlink,
)
from mcc_registry.sizing.sglang import default_mem_fraction_static

LLAMA = ModelShape(
    params_total=8030261248, num_layers=32, hidden_size=4096, num_attention_heads=32, num_kv_heads=8, head_dim=128,
    vocab_size=128256, max_position_embeddings=131072, attention_kind="gqa", default_dtype="bfloat16",
    weights_gib_as_shipped=14.96, weights_gib_fp8_estimate=8.46, kv_bytes_per_token_bf16=131072,
)  # fmt: skip
NO_CONTEXT = ModelShape(params_total=10**9, attention_kind="gqa", num_layers=8, num_kv_heads=8, head_dim=64)
A10G, FOUR_A10G = DeviceMemory(22888, "A10G"), DeviceMemory(22888, "A10G", 4)
H100 = DeviceMemory(81920, "H100")
VLLM_19, VLLM_30 = EngineMemory("vllm", (0, 19, 0)), EngineMemory("vllm", (0, 30, 0))


@pytest.mark.parametrize(
    ("device", "ranks", "utilization", "available"),
    [(A10G, 1, None, 20.116), (FOUR_A10G, 4, None, 80.466), (H100, 1, 0.95, 76.0)],
)
def test_available_is_ec2_memory_times_utilisation_times_ranks(
    device: DeviceMemory, ranks: int, utilization: float | None, available: float
) -> None:
    result = estimate_fit(LLAMA, device, VLLM_30, tensor_parallel_size=ranks, gpu_memory_utilization=utilization)
    assert result.available_gib == pytest.approx(available, abs=0.001)


def test_an_8b_model_on_one_a10g() -> None:
    """The facts' case: not at the default context, but at 8,192 tokens, and the limit is printed."""
    whole = estimate_fit(LLAMA, A10G, VLLM_30)
    assert whole.fits is False
    assert whole.kv_cache_gib == pytest.approx(16.0)
    assert 8192 <= whole.max_model_len < 25000
    assert estimate_fit(LLAMA, A10G, VLLM_30, max_model_len=8192).fits is True


def test_without_a_length_the_whole_context_counts() -> None:
    result = estimate_fit(LLAMA, H100, VLLM_19)
    assert result.asked_max_model_len == 131072
    assert result.fits is True and result.max_model_len == 131072


def test_sequences_multiply_the_cache() -> None:
    one = estimate_fit(LLAMA, H100, VLLM_19, max_model_len=8192)
    ten = estimate_fit(LLAMA, H100, VLLM_19, max_model_len=8192, max_num_seqs=10)
    assert ten.kv_cache_gib == pytest.approx(10 * one.kv_cache_gib)
    assert ten.overhead_gib == pytest.approx(one.overhead_gib), "the engine's own default sizes the activations"


def test_the_flag_lowers_the_overhead() -> None:
    """Llama 8B at 256 sequences: the forward pass (0.91) replaces the sampler (1.88), plus 0.1 of allowance."""
    default = estimate_fit(LLAMA, H100, VLLM_19)
    lowered = estimate_fit(LLAMA, H100, VLLM_19, engine_max_num_seqs=256)
    assert default.overhead_gib - lowered.overhead_gib == pytest.approx(1.88 - 0.91 - 0.1, abs=0.02)


def test_unmeasured_releases_are_wider_and_say_so() -> None:
    old, new = (estimate_fit(LLAMA, H100, engine) for engine in (VLLM_19, VLLM_30))
    assert old.confidence == "measured" and new.confidence == "extrapolated"
    assert new.interval_gib[1] - new.interval_gib[0] > 1.5 * (old.interval_gib[1] - old.interval_gib[0])
    assert any("not measured" in reason.text for reason in new.reasons)
    assert not any("not measured" in reason.text for reason in old.reasons)


@pytest.mark.parametrize(
    ("shape", "device", "word"),
    [
        (LLAMA, DeviceMemory(None, None, 0, "cpu"), "CUDA GPUs only"),
        (LLAMA, DeviceMemory(32768, "Inferentia2", 1, "neuron"), "CUDA GPUs only"),
        (LLAMA, DeviceMemory(None, "X1"), "memory of this GPU"),
        (ModelShape(), A10G, "size is not known"),
        (ModelShape(params_total=10**9), A10G, "no formula"),
        (NO_CONTEXT, A10G, "context"),
    ],
)
def test_unknown_is_neither_yes_nor_no(shape: ModelShape, device: DeviceMemory, word: str) -> None:
    result = estimate_fit(shape, device, VLLM_30)
    assert result.fits is None and result.confidence == "unknown"
    assert any(word in reason.text for reason in result.reasons)


def test_weights_alone_can_refuse_an_unknown_cache() -> None:
    huge = ModelShape(params_total=70 * 10**9)
    assert estimate_fit(huge, A10G, VLLM_30).fits is False


def test_more_ranks_than_gpus_do_not_fit() -> None:
    result = estimate_fit(LLAMA, A10G, VLLM_30, tensor_parallel_size=4, max_model_len=2048)
    assert result.fits is False
    assert any("4 GPUs are asked for" in reason.text for reason in result.reasons)


def test_encoders_need_no_cache() -> None:
    encoder = ModelShape(
        params_total=335141888, num_layers=24, hidden_size=1024, num_attention_heads=16, vocab_size=30522,
        max_position_embeddings=512, attention_kind="encoder_bidirectional", default_dtype="float32",
    )  # fmt: skip
    result = estimate_fit(encoder, A10G, VLLM_30)
    assert result.fits is True and result.kv_cache_gib == 0.0 and result.max_model_len == 512


def test_sglang_takes_less_than_the_contract_fraction() -> None:
    """Unset, SGLang's own smaller fraction counts; set, the set one."""
    engine = EngineMemory("sglang", (0, 5, 6))
    own = estimate_fit(LLAMA, A10G, engine, max_model_len=4096)
    fixed = estimate_fit(LLAMA, A10G, engine, max_model_len=4096, gpu_memory_utilization=0.9)
    assert own.available_gib == fixed.available_gib
    assert own.overhead_gib > fixed.overhead_gib
    assert 0.8 < default_mem_fraction_static(A10G, 1) < 0.9
    assert default_mem_fraction_static(DeviceMemory(None), 1) == 0.88


def test_eager_engines_capture_no_graphs() -> None:
    eager = EngineMemory("vllm", (0, 30, 0), enforce_eager=True)
    assert estimate_fit(LLAMA, H100, eager).overhead_gib < estimate_fit(LLAMA, H100, VLLM_30).overhead_gib


@pytest.mark.parametrize(
    ("gpus", "heads", "kv_heads", "ranks"),
    [(8, 32, None, 8), (4, 14, None, 2), (8, 71, None, 1), (8, 40, 10, 5), (1, 32, 8, 1), (8, 12, 4, 4),
     (0, 32, 8, 1), (4, None, None, 1), (8, 12, None, 6), (4, 32, 8, 4), (16, 64, 8, 16)],
)  # fmt: skip
def test_default_tensor_parallel_size(gpus: int, heads: int | None, kv_heads: int | None, ranks: int) -> None:
    assert default_tensor_parallel_size(gpus, heads, kv_heads) == ranks


@pytest.mark.parametrize(
    ("version", "utilization"), [((0, 19, 0), 0.9), ((0, 20, 0), 0.92), ((0, 30, 0), 0.92), (None, 0.9)]
)
def test_default_utilisation(version: tuple[int, ...] | None, utilization: float) -> None:
    assert default_gpu_memory_utilization(EngineMemory("vllm", version)) == utilization


@pytest.mark.parametrize(
    ("device", "version", "sequences", "tokens"),
    [
        (H100, (0, 19, 0), 1024, 8192),
        (H100, (0, 6, 5), 256, 8192),
        (DeviceMemory(81920, "A100"), (0, 19, 0), 256, 2048),
        (A10G, (0, 30, 0), 256, 2048),
        (DeviceMemory(183359, "B200"), (0, 27, 0), 1024, 8192),
        (DeviceMemory(183359, "B200"), (0, 28, 0), 1024, 16384),
    ],
)
def test_server_limits(device: DeviceMemory, version: tuple[int, ...], sequences: int, tokens: int) -> None:
    engine = EngineMemory("vllm", version)
    assert default_max_num_seqs(engine, device) == sequences
    assert default_max_num_batched_tokens(engine, device) == tokens


def test_visible_memory_is_below_ec2s() -> None:
    """Known cards as logged, others a little below EC2's figure, small round figures more."""
    assert cuda_visible_gib(H100).mid == 79.19
    assert cuda_visible_gib(DeviceMemory(None)) is None
    for device in (A10G, H100, DeviceMemory(144384, "H200"), DeviceMemory(16384, "V100"), DeviceMemory(12288, "K80")):
        low, mid, high = cuda_visible_gib(device)
        assert low <= mid <= high < device.memory_mib / 1024
    assert has_nvlink(H100) and not has_nvlink(A10G) and has_nvlink(DeviceMemory(1, "A10G", nvlink=True))
