"""Shapes with missing or unusual facts, and values on bounds: each expected figure is worked out beside it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mcc_registry.sizing import DeviceMemory, EngineMemory, ModelShape, estimate_fit, kv_bytes_per_token, kv_tokens
from mcc_registry.sizing.engines import default_max_num_batched_tokens, default_max_num_seqs, engine_constants
from mcc_registry.sizing.kv_cache import kv_range_factors, layer_groups, padding_factor, state_bytes_per_sequence
from mcc_registry.sizing.overhead import OutsideNeed, activation_parts, dense_intermediate_size
from mcc_registry.sizing.sglang import default_mem_fraction_static, reserve_gib
from mcc_registry.sizing.shapes import GIB
from mcc_registry.sizing.weights import estimate_weights

OLD, NEW = EngineMemory("vllm", (0, 19, 0)), EngineMemory("vllm", (0, 30, 0))
WINDOWED = ModelShape(num_layers=34, sliding_window=1024, full_attention_layers=5, num_kv_heads=8, head_dim=128,
                      attention_kind="gqa")  # fmt: skip
UNSPLIT = ModelShape(num_layers=30, sliding_window=1024, attention_kind="gqa", kv_bytes_per_token_bf16=1000)
SPARSE = ModelShape(num_layers=61, kv_lora_rank=512, qk_rope_head_dim=64, attention_kind="mla_sparse")


@pytest.mark.parametrize(
    ("shape", "engine", "ranks", "tokens", "low", "high"),
    [
        # 29 windowed layers keep 1024 + 2048 of 8192 tokens; 7 groups of 5 are 35 slots for 34 layers
        (WINDOWED, NEW, 1, 8192, (5 + 29 * 3072 / 8192) / 34, 35 / 34),
        (WINDOWED, NEW, 1, 3072, 1.0, 35 / 34),
        (WINDOWED, NEW, 1, 3073, (5 + 29 * 3072 / 3073) / 34, 35 / 34),
        (WINDOWED, NEW, 1, 0, 5 / 34, 35 / 34),
        (WINDOWED, OLD, 1, 8192, 1.0, 1.0),
        (WINDOWED, NEW, 2, 3072, 1.0, 35 / 34),
        # windows, and nobody says of which layers: 9 % at least, 15 % more where heads divide over ranks
        (UNSPLIT, NEW, 1, 8192, 0.09, 1.0),
        (UNSPLIT, NEW, 2, 8192, 0.09, 1.15),
        # the indexer keeps 128 values beside the 576 of each layer
        (SPARSE, NEW, 1, 8192, 1.0, 1 + 128 / 576),
        (ModelShape(num_layers=10, attention_kind="mla_sparse", kv_bytes_per_token_bf16=5120), NEW, 1, 8192, 1.0, 1.5),
        (ModelShape(num_layers=10, attention_kind="mla_sparse"), NEW, 1, 8192, 1.0, 1.0),
        (ModelShape(attention_kind="mla_sparse", kv_bytes_per_token_bf16=5120), NEW, 1, 8192, 1.0, 1.0),
        (ModelShape(num_layers=32, attention_kind="gqa"), NEW, 2, 8192, 1.0, 1.0),
    ],
)  # fmt: skip
def test_how_far_a_cache_may_differ(
    shape: ModelShape, engine: EngineMemory, ranks: int, tokens: int, low: float, high: float
) -> None:
    assert kv_range_factors(shape, engine, ranks, 2048, tokens) == pytest.approx((low, high))


@pytest.mark.parametrize(
    ("layers", "window", "full", "groups"),
    [
        (34, 1024, 5, (5, 7)), (34, None, 5, (0, 1)), (34, 1024, None, (0, 1)), (34, 1024, 0, (0, 1)),
        (34, 1024, 34, (0, 1)), (34, 1024, 40, (0, 1)), (12, 512, 6, (6, 2)), (10, 512, 8, (2, 5)),
        (2, 512, 1, (1, 2)), (None, 512, 1, (0, 1)),
    ],
)  # fmt: skip
def test_groups_of_windowed_layers(
    layers: int | None, window: int | None, full: int | None, groups: tuple[int, int]
) -> None:
    """As many layers in a group as there are of the rarer kind; each kind filled up to whole groups."""
    shape = ModelShape(num_layers=layers, sliding_window=window, full_attention_layers=full)
    assert layer_groups(shape) == groups
    assert padding_factor(shape) == pytest.approx(groups[0] * groups[1] / layers if groups[0] and layers else 1.0)


@pytest.mark.parametrize(
    ("facts", "ranks", "expected"),
    [
        ({"num_kv_heads": 8, "kv_bytes_per_token_bf16": 1024}, 4, 256.0),
        ({"num_kv_heads": 8, "kv_bytes_per_token_bf16": 1024}, 16, 128.0),
        ({"num_kv_heads": 3, "kv_bytes_per_token_bf16": 1026}, 2, 684.0),  # two of three heads on one rank
        ({"num_kv_heads": None, "kv_bytes_per_token_bf16": 1024}, 4, 256.0),
        ({"num_kv_heads": 0, "kv_bytes_per_token_bf16": 1024}, 4, 0.0),
        ({"num_kv_heads": 1, "num_layers": 1, "hidden_size": 100, "num_attention_heads": 3}, 1, 132.0),  # 100 // 3 = 33
        ({"num_kv_heads": 1, "num_layers": 1, "hidden_size": 100}, 1, None),
        ({"num_kv_heads": 1, "num_layers": 1, "num_attention_heads": 3}, 1, None),
        ({"num_kv_heads": 1, "num_layers": 1, "hidden_size": 0, "num_attention_heads": 3}, 1, None),
        ({"num_kv_heads": 1, "num_layers": 1, "head_dim": 64}, 1, 256.0),
        ({"num_kv_heads": 0, "num_layers": 1, "head_dim": 64}, 1, None),
        ({"num_kv_heads": 1, "head_dim": 64}, 1, None),
        ({"num_kv_heads": 1, "num_layers": 9, "layers_with_kv_cache": 2, "head_dim": 64}, 1, 512.0),
    ],
)  # fmt: skip
def test_bytes_per_token_of_incomplete_shapes(facts: dict[str, Any], ranks: int, expected: float | None) -> None:
    assert kv_bytes_per_token(ModelShape(**{"attention_kind": "gqa", **facts}), ranks) == expected


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"attention_kind": "mla", "num_layers": 2, "kv_lora_rank": 512, "qk_rope_head_dim": 64}, 2304.0),
        ({"attention_kind": "mla", "num_layers": 2, "kv_lora_rank": 512, "kv_bytes_per_token_bf16": 7}, 7.0),
        ({"attention_kind": "mla", "num_layers": 2, "kv_lora_rank": 512}, None),
        ({"attention_kind": "mla", "kv_lora_rank": 512, "qk_rope_head_dim": 64, "kv_bytes_per_token_bf16": 7}, 7.0),
        ({"attention_kind": "encoder_bidirectional", "kv_bytes_per_token_bf16": 7}, 0.0),
        ({"attention_kind": "compressed_sparse", "num_layers": 2, "num_kv_heads": 1, "head_dim": 64}, None),
        ({"attention_kind": None, "num_layers": 2, "num_kv_heads": 1, "head_dim": 64}, None),
    ],
)  # fmt: skip
def test_bytes_per_token_by_family(facts: dict[str, Any], expected: float | None) -> None:
    """Two values of two bytes; latent attention keeps rank and rope once and on every rank."""
    assert kv_bytes_per_token(ModelShape(**facts), 1) == expected
    if expected is not None and facts["attention_kind"] == "mla":
        assert kv_bytes_per_token(ModelShape(**facts), 4) == expected


@pytest.mark.parametrize(
    ("engine", "shape", "tokens"),
    [
        # 2^30 bytes / 100 = 10737418.24 tokens; in blocks of 16: 671088.64 of them
        (EngineMemory("sglang"), ModelShape(attention_kind="gqa", kv_bytes_per_token_bf16=100), 10737418),
        (NEW, ModelShape(attention_kind="gqa", kv_bytes_per_token_bf16=100), 671088 * 16),
        (None, ModelShape(attention_kind="gqa", kv_bytes_per_token_bf16=100), 671088 * 16),
        # 35 slots of 4096 bytes; seven groups share 3276 blocks of 16 x 20480 bytes: 468 each
        (OLD, WINDOWED, 468 * 16),
        # 34 layers of 4096 bytes, no padding: 481.88 blocks
        (NEW, WINDOWED, 481 * 16),
        (OLD, ModelShape(attention_kind="encoder_bidirectional"), None),
    ],
)  # fmt: skip
def test_tokens_of_a_gib(engine: EngineMemory | None, shape: ModelShape, tokens: int | None) -> None:
    assert kv_tokens(1.0, shape, 1, 2.0, engine) == tokens


@pytest.mark.parametrize(
    ("facts", "ranks", "expected"),
    [
        ({"num_layers": 56, "layers_with_kv_cache": 4, "hidden_size": 4480}, 1, 607.0 * 4480 * 52),
        ({"num_layers": 56, "layers_with_kv_cache": 4, "hidden_size": 4480}, 4, 607.0 * 4480 * 13),
        ({"num_layers": 56, "hidden_size": 4480}, 1, 607.0 * 4480 * 56),
        ({"num_layers": 56}, 1, 0.0),
        ({"hidden_size": 4480}, 1, 0.0),
    ],
)
def test_the_fixed_state_of_a_sequence(facts: dict[str, Any], ranks: int, expected: float) -> None:
    assert state_bytes_per_sequence(ModelShape(attention_kind="hybrid_mamba2_gqa", **facts), ranks) == expected
    assert state_bytes_per_sequence(ModelShape(attention_kind="gqa", **facts), ranks) == 0.0


LLAMA: dict[str, Any] = {
    "params_total": 8030261248, "num_layers": 32, "hidden_size": 4096, "num_attention_heads": 32, "num_kv_heads": 8,
    "vocab_size": 128256, "tied_embeddings": False,
}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        # 8030261248 - 2 x 128256 x 4096 = 6979588096; / 32 layers = 218112128
        # - attention 2 x 4096 x (4096 + 1024) = 41943040; / (3 x 4096)
        ({}, (218112128 - 41943040) / 12288),
        # one matrix of embeddings: 525336576 parameters more for 32 layers
        ({"tied_embeddings": True}, (218112128 + 525336576 / 32 - 41943040) / 12288),
        # as many heads of keys as of queries: 2 x 4096 x 3072 parameters of attention more
        ({"num_kv_heads": None}, (218112128 - 41943040 - 25165824) / 12288),
        # heads of 64: half the attention
        ({"head_dim": 64}, (218112128 - 41943040 / 2) / 12288),
        # no vocabulary: all parameters are layers
        ({"vocab_size": None}, (8030261248 / 32 - 41943040) / 12288),
        ({"params_total": 10**9}, 4096.0),
        ({"params_total": 10**11}, 8 * 4096.0),
        ({"intermediate_size": 14336}, 14336.0),
        ({"params_total": None}, None),
        ({"num_layers": None}, None),
        ({"hidden_size": None}, None),
        ({"num_attention_heads": None}, None),
        ({"experts_per_token": 8}, None),
        ({"params_active": 10**9}, None),
    ],
)
def test_the_width_a_parameter_count_implies(changes: dict[str, Any], expected: float | None) -> None:
    width = dense_intermediate_size(ModelShape(**{**LLAMA, **changes}))
    assert width == (None if expected is None else pytest.approx(expected, rel=1e-12))


MOE: dict[str, Any] = {"hidden_size": 2048, "num_layers": 48, "num_attention_heads": 32, "num_kv_heads": 4,
                       "head_dim": 128, "params_active": 3 * 10**9, "experts_per_token": 8, "vocab_size": 151936,
                       "tied_embeddings": False}  # fmt: skip
ATTENTION = 2 * 2048 * 32 * 128 + 2 * 2048 * 4 * 128
WIDTH = ((3 * 10**9 - 2 * 151936 * 2048) / 48 - ATTENTION) / (3 * 2048 * 8)


@pytest.mark.parametrize(
    ("changes", "ranks", "experts", "width"),
    [
        ({"moe_intermediate_size": 768}, 1, 8, 768.0),
        ({"moe_intermediate_size": 2048}, 1, 8, 2048.0),  # twice the width is more than the hidden size
        ({"moe_intermediate_size": 2048}, 4, 8, 2048.0),
        ({"moe_intermediate_size": 768, "experts_per_token": None}, 1, 8, 768.0),
        ({"moe_intermediate_size": 768, "experts_per_token": 4}, 1, 4, 768.0),
        ({}, 1, 8, WIDTH),
        ({"params_active": 10**8}, 1, 8, 0.0),
        ({"params_active": None}, 1, 8, 2048.0),
    ],
)
def test_what_experts_add(changes: dict[str, Any], ranks: int, experts: int, width: float) -> None:
    """Two bytes for each token and expert: the widest of gate and up or hidden, and the expert's own width."""
    parts = activation_parts(ModelShape(**{**MOE, **changes}), engine_constants("vllm", (0, 19, 0)), ranks, 8192)
    wanted = 2 * 8192 * experts * (max(2 * width / ranks, 2048) + width / ranks) / GIB
    assert parts.experts == pytest.approx(wanted, rel=1e-9)
    assert parts.forward == pytest.approx(2 * 8192 * 4 * 2048 / GIB, rel=1e-9), "no dense width is added"


@pytest.mark.parametrize(
    ("facts", "hidden", "vocab", "width"),
    [
        ({}, 4096, 152064, 16384), ({"hidden_size": 1000}, 1000, 152064, 4000), ({"vocab_size": 32000}, 4096, 32000, 16384),
        ({"attention_kind": "encoder_bidirectional"}, 4096, 0, 16384), ({"intermediate_size": 5}, 4096, 152064, 5),
    ],
)  # fmt: skip
def test_activations_of_a_shape_nobody_describes(facts: dict[str, Any], hidden: int, vocab: int, width: int) -> None:
    """The assumed hidden size and vocabulary; the MLP four times as wide where nothing tells."""
    constants = engine_constants("vllm", (0, 19, 0))
    parts = activation_parts(ModelShape(**facts), constants, 2, 2048)
    assert parts.sampler_constant == pytest.approx(2 * 2048 * hidden / GIB)
    assert parts.forward == pytest.approx(2 * 2048 * (3 * width / 2 + 4 * hidden) / GIB)
    assert parts.sampler == pytest.approx([c * vocab * 4 / GIB for c in constants.sampler_copies])
    assert (parts.experts, parts.tower) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("need", "sequences", "gib"),
    [
        (OutsideNeed(1.0), 256, 1.0), (OutsideNeed(1.0, 0.01), 100, 2.0),
        (OutsideNeed(1.0, 0.0625, 0.5, 0.25), 7, 1.0), (OutsideNeed(1.0, 0.0625, 0.5, 0.25), 8, 1.75),
    ],
)  # fmt: skip
def test_what_start_up_needs_outside_the_budget(need: OutsideNeed, sequences: int, gib: float) -> None:
    """The part that grows counts from its threshold on, and then brings what comes with it."""
    assert need.at(sequences) == pytest.approx(gib)


@pytest.mark.parametrize(
    ("mib", "ranks", "multimodal", "reserve_mib"),
    [
        # 512 + 1.5 x chunk + 2 x batches + 128 for each rank; 10 GiB at least above 60 GiB
        (22888, 1, False, 512 + 3072 + 320 + 128),
        (34999, 1, False, 512 + 3072 + 320 + 128), (35000, 1, False, 512 + 6144 + 320 + 128),
        (59999, 1, False, 512 + 6144 + 320 + 128), (60000, 1, False, 512 + 12288 + 320 + 128),
        (61440, 1, False, 512 + 12288 + 320 + 128), (61441, 1, False, 512 + 12288 + 512 + 128),
        (159999, 8, False, 512 + 12288 + 512 + 1024), (160000, 8, False, 512 + 24576 + 512 + 1024),
        (22888, 1, True, 4032 + 0.05 * (22888 - 4032)), (None, 1, False, 512 + 3072 + 320 + 128),
    ],
)  # fmt: skip
def test_what_sglang_keeps_free(mib: int | None, ranks: int, multimodal: bool, reserve_mib: float) -> None:
    device = DeviceMemory(mib, "A10G")
    assert reserve_gib(device, ranks, multimodal) == pytest.approx(reserve_mib / 1024)
    fraction = 0.88 if mib is None else round((mib - reserve_mib) / mib, 3)
    assert default_mem_fraction_static(device, ranks, multimodal) == fraction


@pytest.mark.parametrize(
    ("engine", "mib", "name", "sequences", "tokens"),
    [
        # large: 70 GiB and more, no A100; 16384 tokens from 160 GiB and vLLM 0.28; V0 as it was measured
        (NEW, 22888, "A10G", 256, 2048), (NEW, None, "A10G", 256, 2048),
        (NEW, 71679, "H100", 256, 2048), (NEW, 71680, "H100", 1024, 8192), (NEW, 81559, "A100-SXM4-80GB", 256, 2048),
        (NEW, 163839, "H200", 1024, 8192), (NEW, 163840, "H200", 1024, 16384),
        (EngineMemory("vllm", (0, 28)), 163840, "B200", 1024, 16384), (EngineMemory("vllm", (0, 27, 9)), 163840, "B200", 1024, 8192),
        (EngineMemory("vllm", None), 163840, None, 1024, 16384), (EngineMemory("sglang", None), 81559, "H100", 1024, 8192),
        (EngineMemory("vllm", (0, 7, 3)), 81559, "H100", 256, 8192), (EngineMemory("vllm", (0, 8, 0)), 81559, "H100", 1024, 8192),
        (EngineMemory("sglang", (0, 4)), 81559, "H100", 1024, 8192),
    ],
)  # fmt: skip
def test_the_engines_own_limits(
    engine: EngineMemory, mib: int | None, name: str | None, sequences: int, tokens: int
) -> None:
    """Source of the limits: facts/memory.yaml overheads.defaults.server_limits."""
    device = DeviceMemory(mib, name)
    assert (default_max_num_seqs(engine, device), default_max_num_batched_tokens(engine, device)) == (
        sequences,
        tokens,
    )


@pytest.mark.parametrize(
    ("version", "measured", "in_budget", "padded", "unprofiled", "v0"),
    [
        ((0, 7, 3), False, False, True, False, True), ((0, 8, 0), False, False, True, False, False),
        ((0, 10, 9), False, False, True, False, False), ((0, 11, 0), True, False, True, False, False),
        ((0, 19, 1), True, False, True, False, False), ((0, 20, 0), False, False, True, True, False),
        ((0, 21, 0), False, True, False, True, False),
    ],
)  # fmt: skip
def test_habits_change_with_the_release(
    version: tuple[int, ...], measured: bool, in_budget: bool, padded: bool, unprofiled: bool, v0: bool
) -> None:
    """Measured from 0.11 to 0.19; graphs are in the budget and windows honoured from 0.21 (facts/memory.yaml)."""
    found = engine_constants("vllm", version)
    assert (found.measured, found.graphs_in_budget, found.windows_padded) == (measured, in_budget, padded)
    assert (found.sampler_may_be_unprofiled, found.v0) == (unprofiled, v0)
    engine = EngineMemory("vllm", version)
    assert (kv_bytes_per_token(WINDOWED, 1, 2.0, engine) == 35 * 4096) is padded


EIGHT = ModelShape(
    params_total=2**30, default_dtype="bfloat16", vocab_size=1024, hidden_size=1024, tied_embeddings=True
)


@pytest.mark.parametrize(
    ("changes", "dtype", "quantization", "ranks", "gib"),
    [
        # 2^30 parameters of two bytes are 2 GiB; loading adds 0.03 for each rank; a shape known by name has 0.3 % of doubt
        ({}, None, None, 1, (2 * 0.9985, 2.03, 2 * 1.003 + 0.06)),
        ({}, "auto", None, 4, (2 * 0.9985, 2.12, 2 * 1.003 + 0.24)),
        ({}, "float32", None, 1, (4 * 0.9985, 4.03, 4 * 1.003 + 0.06)),
        ({}, "bfloat8", None, 1, (2 * 0.9985, 2.03, 2 * 1.003 + 0.06)),
        ({"default_dtype": "float32"}, "float16", None, 1, (2 * 0.9985, 2.03, 2 * 1.003 + 0.06)),
        ({"default_dtype": "float32"}, "auto", None, 1, (4 * 0.9985, 4.03, 4 * 1.003 + 0.06)),
        ({"default_dtype": None}, "half", None, 1, (2 * 0.9985, 2.03, 2 * 1.003 + 0.06)),
        ({"weight_bytes": 3 * 2**30}, None, None, 1, (3 * 0.999, 3.03, 3 * 1.002 + 0.06)),
        ({"weight_bytes": 3 * 2**30}, "float32", None, 1, (6 * 0.999, 6.03, 6 * 1.002 + 0.06)),
        ({"weight_bytes": 3 * 2**30, "native_quantization": "awq"}, "float32", None, 1, (3 * 0.999, 3.03, 3 * 1.002 + 0.06)),
        ({"weights_gib_as_shipped": 3.0, "attention_kind": "mla"}, None, None, 1, (3 * 0.995, 3.03, 3.03 + 0.06)),
        ({"params_total": 10**9, "weights_gib_as_shipped": 3.0}, None, None, 1, (3 * 0.985, 3.03, 3.09 + 0.06)),
        ({"weights_gib_as_shipped": 3.0, "native_quantization": "mxfp4"}, None, None, 1, (3.15, 3.24, 3.27 + 0.06)),
        ({"multimodal": True}, None, None, 1, (2 * 0.9985, 2.03, 2 * 1.003 * 1.075 + 0.06)),
        # 2^20 embedding parameters stay 16-bit: 1/512 GiB, the rest a byte each; half of them at the low end
        ({}, None, "fp8", 1, ((1 + 1 / 2048) * 0.97, 1 + 1 / 1024 + 0.03, (1 + 1 / 1024) * 1.05 + 0.06)),
        ({"native_quantization": "gptq_8bit"}, None, None, 1, ((1 + 1 / 2048) * 0.97, 1 + 1 / 1024 + 0.03, (1 + 1 / 1024) * 1.05 + 0.06)),
        ({"native_quantization": "awq_8bit"}, None, None, 1, ((1 + 1 / 2048) * 0.97, 1 + 1 / 1024 + 0.03, (1 + 1 / 1024) * 1.05 + 0.06)),
        ({"native_quantization": "fp8_block"}, None, "fp8", 1, ((1 + 1 / 2048) * 0.97, 1 + 1 / 1024 + 0.03, (1 + 1 / 1024) * 1.05 + 0.06)),
        ({"native_quantization": "strange_8bit"}, None, None, 1, (0.5, 1.03, 2.06)),
        ({}, None, "strange", 1, (0.5, 1.03, 2.06)),
        ({"weights_gib_fp8_estimate": 1.5}, None, "int8", 1, (1.47, 1.53, 1.53 + 0.06)),
        ({"weights_gib_int4_estimate": 1.0}, None, "gptq", 1, (0.97, 1.03, 1.05 + 0.06)),
        ({"params_total": None}, None, None, 1, None),
        ({"params_total": None}, None, "fp8", 1, None),
    ],
)  # fmt: skip
def test_weights_with_their_range(
    changes: dict[str, Any], dtype: str | None, quantization: str | None, ranks: int, gib: tuple[float, ...] | None
) -> None:
    found = estimate_weights(
        replace(EIGHT, **changes), dtype=dtype, quantization=quantization, tensor_parallel_size=ranks
    )
    assert found == (None if gib is None else pytest.approx(gib, rel=1e-9))


TOY: dict[str, Any] = {"num_layers": 4, "num_kv_heads": 2, "num_attention_heads": 8, "head_dim": 64, "hidden_size": 512,
                       "vocab_size": 1000, "attention_kind": "gqa", "max_position_embeddings": 4096,
                       "weights_gib_as_shipped": 1.0}  # fmt: skip


@pytest.mark.parametrize(
    ("facts", "device", "engine", "asked", "said"),
    [
        ({}, DeviceMemory(22888, None), NEW, {}, [
            ("weights need 1.03 GiB", "model facts"),
            ("1 sequence of 4096 tokens: 0.01 GiB of cache (2 KiB per token and GPU)", "cache formula of the attention family"),
        ]),
        ({"weight_bytes": 2**31}, DeviceMemory(22888, "A10G"), NEW, {"max_num_seqs": 3}, [
            ("weights need 2.03 GiB", "exact file size"),
            ("3 sequences of 4096 tokens: 0.02 GiB of cache (2 KiB per token and GPU)", "cache formula of the attention family"),
        ]),
        ({"max_position_embeddings": None}, DeviceMemory(22888, "A10G"), NEW, {}, [
            ("weights need 1.03 GiB", "model facts"),
            ("the context length of this model is not known", "model facts"),
        ]),
        ({"attention_kind": None}, DeviceMemory(22888, "A10G"), NEW, {}, [
            ("weights need 1.03 GiB", "model facts"), ("no formula is known for this model's cache", "model facts"),
        ]),
        ({"weights_gib_as_shipped": None}, DeviceMemory(22888, "A10G"), NEW, {}, [
            ("the model's size is not known: no parameter count, no file size", "model facts"),
        ]),
        ({"attention_kind": "encoder_bidirectional"}, DeviceMemory(None, "A10G"), NEW, {}, [
            ("weights need 1.03 GiB", "model facts"), ("the memory of this GPU is not known", "instance facts"),
        ]),
        ({}, DeviceMemory(32768, "Inferentia2", kind="neuron"), NEW, {}, [
            ("weights need 1.03 GiB", "model facts"),
            ("1 sequence of 4096 tokens: 0.01 GiB of cache (2 KiB per token and GPU)", "cache formula of the attention family"),
            ("memory is judged for CUDA GPUs only; this device is neuron", "sizing"),
        ]),
    ],
)  # fmt: skip
def test_the_first_reasons(
    facts: dict[str, Any],
    device: DeviceMemory,
    engine: EngineMemory,
    asked: dict[str, Any],
    said: list[tuple[str, str]],
) -> None:
    """Weights and cache, each with the source of its figure, or why there is none."""
    reasons = estimate_fit(ModelShape(**{**TOY, **facts}), device, engine, **asked).reasons
    assert [(r.text, r.source) for r in reasons][: len(said)] == said


@pytest.mark.parametrize(
    ("count", "ranks", "told"),
    [(1, 1, False), (2, 2, False), (0, 1, False), (0, 2, True), (2, 3, True), (4, 2, False)],
)
def test_more_ranks_than_gpus_are_told(count: int, ranks: int, told: bool) -> None:
    device = DeviceMemory(22888, "A10G", count)
    reasons = estimate_fit(ModelShape(**TOY), device, NEW, tensor_parallel_size=ranks).reasons
    words = (f"{ranks} GPUs are asked for, the instance has {count}", "instance facts")
    assert (words in [(r.text, r.source) for r in reasons]) is told


def test_a_nameless_gpu_is_called_so() -> None:
    reasons = estimate_fit(ModelShape(**TOY), DeviceMemory(22888, None), NEW).reasons
    (device,) = [r for r in reasons if r.source == "EC2, start-up logs"]
    assert (
        device.text.startswith("each GPU has 22.35 GiB, CUDA sees 2")
        and "the engine may use 0.9 of it" in device.text
    )
