"""Bytes of key-value cache per token, by attention family, and how many tokens a given cache holds.

Formulas: facts/memory.yaml kv_formulas. Figures are per rank: what one GPU of a tensor-parallel group keeps.
"""

from __future__ import annotations

from .engines import GRAPHS_IN_BUDGET_FROM
from .shapes import GIB, HYBRID_STATE_KINDS, MLA_KINDS, EngineMemory, ModelShape

INDEXER_VALUES = 128
"""Values per token and layer that sparse latent attention keeps beside its cache, not in the tables' figures.

Source: facts/models.yaml deepseek-ai/DeepSeek-V3.2 and zai-org/GLM-5, attention.note.
"""

STATE_BYTES_PER_HIDDEN_UNIT_AND_LAYER = 607.0
"""Upper figure for the fixed state a linear or Mamba layer keeps per sequence.

Source: derived from facts/memory.yaml out_of_memory nemotron-nano-9b-v2-l40s: 33.75 GiB for the 256
sequences that are the default on an L40S, hidden size 4480, 52 layers without attention. One failure of
one model, and 32-bit: the usual figure is taken as half, the low one as nothing.
"""

DEFAULT_BLOCK_SIZE = 16
"""Tokens in one block of the cache. Source: facts/memory.md section 4."""


def cache_dtype_bytes(kv_cache_dtype: str | None, dtype: str | None) -> float:
    """Bytes of one cached value; None and `auto` follow the model's dtype.

    >>> cache_dtype_bytes("fp8_e4m3", "bfloat16"), cache_dtype_bytes(None, "float32")
    (1.0, 4.0)
    """
    if kv_cache_dtype is not None and kv_cache_dtype != "auto":
        if kv_cache_dtype.startswith(("fp8", "int8")):
            return 1.0
        return 4.0 if kv_cache_dtype.startswith("float32") else 2.0
    return 4.0 if dtype == "float32" else 2.0


def _heads_per_rank(shape: ModelShape, tensor_parallel_size: int) -> float:
    """Share of the heads one rank keeps: heads are copied when there are fewer than ranks."""
    heads = shape.num_kv_heads
    if shape.attention_kind in MLA_KINDS:
        return 1.0
    if not heads:
        return 1.0 / tensor_parallel_size if heads is None else 0.0
    return -(-heads // tensor_parallel_size) / heads


def _all_heads_bytes(shape: ModelShape) -> float | None:
    """Bytes per token of all layers and heads at 16 bit: the stated figure, else the family's formula."""
    kind = shape.attention_kind
    if kind == "encoder_bidirectional":
        return 0.0
    stated = shape.kv_bytes_per_token_bf16
    layers = shape.cached_layers
    if kind in MLA_KINDS and layers and shape.kv_lora_rank and shape.qk_rope_head_dim:
        return layers * (shape.kv_lora_rank + shape.qk_rope_head_dim) * 2.0
    if stated is not None:
        return float(stated)
    if kind is None or kind in MLA_KINDS or kind == "compressed_sparse":
        return None
    if layers is None or not shape.num_kv_heads:
        return None
    head_dim = shape.head_dim
    if head_dim is None:
        if not shape.hidden_size or not shape.num_attention_heads:
            return None
        head_dim = shape.hidden_size // shape.num_attention_heads
    return 2.0 * layers * shape.num_kv_heads * head_dim * 2.0


def windowed_layers(shape: ModelShape) -> int:
    """Cached layers that see only a window."""
    if not shape.sliding_window or shape.full_attention_layers is None or shape.cached_layers is None:
        return 0
    return max(0, shape.cached_layers - shape.full_attention_layers)


def layer_groups(shape: ModelShape) -> tuple[int, int]:
    """Group size and number of groups vLLM arranges a windowed hybrid's layers in; (0, 1) for plain models.

    A group has as many layers as there are full-attention layers; each kind is filled up to whole groups.

    >>> layer_groups(ModelShape(num_layers=34, sliding_window=1024, full_attention_layers=5))
    (5, 7)
    """
    windowed = windowed_layers(shape)
    full = shape.full_attention_layers or 0
    if not windowed or not full:
        return 0, 1
    size = min(full, windowed)
    return size, -(-full // size) + -(-windowed // size)


def padding_factor(shape: ModelShape) -> float:
    """Layer slots over layers: 1.0 unless a windowed hybrid does not divide into groups."""
    size, groups = layer_groups(shape)
    return size * groups / shape.cached_layers if size and shape.cached_layers else 1.0


def _pads_windows(engine: EngineMemory | None) -> bool:
    """Whether this release is known to keep windowed layers in full, with padding layers."""
    if engine is None or engine.name != "vllm" or engine.version is None:
        return False
    return engine.version < GRAPHS_IN_BUDGET_FROM


def kv_bytes_per_token(
    shape: ModelShape, tensor_parallel_size: int = 1, kv_dtype_bytes: float = 2.0, engine: EngineMemory | None = None
) -> float | None:
    """Bytes one token takes in the cache of one rank, or None where no formula is known.

    Without an engine this is the model's own figure. vLLM before 0.21 adds padding layers to windowed
    hybrids. Where windows may be honoured the figure is an upper bound (see `kv_range_factors`).

    >>> shape = ModelShape(num_layers=32, num_kv_heads=8, head_dim=128, attention_kind="gqa")
    >>> kv_bytes_per_token(shape), kv_bytes_per_token(shape, 16, 1.0)
    (131072.0, 8192.0)
    """
    total = _all_heads_bytes(shape)
    if total is None:
        return None
    per_rank = total * _heads_per_rank(shape, tensor_parallel_size) * (kv_dtype_bytes / 2.0)
    return per_rank * padding_factor(shape) if _pads_windows(engine) else per_rank


def kv_range_factors(
    shape: ModelShape, engine: EngineMemory, tensor_parallel_size: int, max_num_batched_tokens: int, tokens: int
) -> tuple[float, float]:
    """Factors from the usual cache size of one sequence to its lowest and highest possible one."""
    low = high = 1.0
    windowed = windowed_layers(shape)
    if windowed and not _pads_windows(engine):
        # Some releases honour windows: a windowed layer then keeps the window plus one batch of tokens.
        layers = shape.cached_layers or 1
        kept = min(tokens, (shape.sliding_window or 0) + max_num_batched_tokens) / max(tokens, 1)
        low = (layers - windowed + windowed * kept) / layers
        high = padding_factor(shape)
    elif shape.sliding_window and not windowed and shape.full_attention_layers is None:
        low = 0.09  # windowed, but nobody says which layers; Gemma 4 26B: 20480 of 225280 bytes are full
    if shape.attention_kind == "mla_sparse" and (shape.kv_bytes_per_token_bf16 or shape.kv_lora_rank):
        base = _all_heads_bytes(shape) or 1.0
        high *= 1 + (shape.cached_layers or 0) * INDEXER_VALUES * 2.0 / base
    if tensor_parallel_size > 1 and shape.sliding_window and windowed == 0 and shape.full_attention_layers is None:
        high *= 1.15  # two kinds of heads divide differently over ranks
    return low, high


def state_bytes_per_sequence(shape: ModelShape, tensor_parallel_size: int) -> float:
    """Upper figure for the fixed state of one sequence on one rank; 0 for models without one."""
    if shape.attention_kind not in HYBRID_STATE_KINDS:
        return 0.0
    if not shape.num_layers or not shape.hidden_size:
        return 0.0
    layers = shape.num_layers - (shape.layers_with_kv_cache or 0)
    return STATE_BYTES_PER_HIDDEN_UNIT_AND_LAYER * shape.hidden_size * layers / tensor_parallel_size


def kv_tokens(
    pool_gib: float,
    shape: ModelShape,
    tensor_parallel_size: int = 1,
    kv_dtype_bytes: float = 2.0,
    engine: EngineMemory | None = None,
    block_size: int = DEFAULT_BLOCK_SIZE,
) -> int | None:
    """Tokens a cache of `pool_gib` on each rank holds, counted in whole blocks as the engine does.

    >>> kv_tokens(1.0, ModelShape(num_layers=32, num_kv_heads=8, head_dim=128, attention_kind="gqa"))
    8192
    """
    per_token = kv_bytes_per_token(shape, tensor_parallel_size, kv_dtype_bytes, engine)
    if not per_token:
        return None
    if engine is not None and engine.name == "sglang":
        return int(pool_gib * GIB / per_token)
    groups = layer_groups(shape)[1] if _pads_windows(engine) else 1
    blocks = int(pool_gib * GIB / (per_token / groups * block_size))
    return blocks // groups * block_size
