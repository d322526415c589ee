"""Does a model fit: one question, one verdict with an interval, and the figures behind it.

    required = weights + cache + overhead          summed over ranks
    available = EC2's memory x utilisation x ranks

`overhead` includes what the driver withholds (EC2's figure minus what CUDA sees, times the utilisation), so
comparing the two is the engine's own start-up check. `fits` is true only when the high end fits and nothing
else stands in the way, false only when even the low end does not fit.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from math import hypot
from typing import NamedTuple

from . import sglang
from .devices import BELOW_NVIDIA_SMI_GIB, cuda_visible_gib, has_nvlink
from .engines import (
    CONTRACT_GPU_MEMORY_UTILIZATION,
    FIRST_MEASURED,
    EngineConstants,
    default_max_num_batched_tokens,
    default_max_num_seqs,
    engine_constants,
)
from .kv_cache import cache_dtype_bytes, kv_bytes_per_token, kv_range_factors, state_bytes_per_sequence
from .overhead import (
    NO_ACTIVATION,
    NOTHING_OUTSIDE,
    SMALL_BATCH,
    ActivationParts,
    OutsideNeed,
    activation_parts,
    activation_peak,
    cuda_graphs,
    needed_outside_budget,
    non_torch,
    sequences_that_fit,
    small_batch_allowance,
)
from .reasons import Circumstances, FitReason, explain
from .shapes import GIB, DeviceMemory, EngineMemory, Estimate, ModelShape
from .weights import estimate_weights

__all__ = ["FitReason", "FitResult", "default_tensor_parallel_size", "estimate_fit"]

BASE_MARGIN_GIB = (0.55, 0.4)
"""About half of the "about 1 GiB" below which a configuration counts as tight: (down, up), per rank. Down is a
little more, so that the interval also holds the figure without the driver's share.

Source: facts/memory.md section 7, last line.
"""

UNMEASURED_MARGIN_GIB = 0.3
UNMEASURED_MARGIN_SHARE = 0.0125
V0_MARGIN_GIB = 3.0
"""Added per rank for releases nobody measured; the larger of the first two, or the third for V0.

Source: an allowance of ours; 1 GiB of 80 covers the two single data points after 0.19, and 3 GiB the gap of
facts/memory.yaml qwen2.5-72b-gptq-48gb (0.6.4).
"""

SMALLEST_USEFUL_LENGTH = 2048
"""Below this a shorter context is an error anyway. Source: design.md section 3, Context."""

LENGTH_STEP = 16
"""Lengths we suggest are whole cache blocks."""

MEASURED_CARD = "H100"
"""The card the overhead formulas were fitted on. Source: facts/memory.md section 7."""

SGLANG_RUN_TIME_SHARE = 0.42
"""Share of SGLang's own reserve that was enough once (H100 at 0.93). Source: sglang-qwen3-235b-fp8-tp4."""


@dataclass(frozen=True, slots=True)
class FitResult:
    """The verdict and its figures; GiB figures are sums over ranks, `None` is unknown.

    Args:
        fits: True, False, or None when it is too close to say or unknown.
        interval_gib: Range of `required_gib`.
        max_model_len: Longest length that certainly fits, capped at the model's context. When not even 2048
            tokens are certain: the longest probable one, up to 2048.
        max_num_seqs: Most sequences of the asked length that certainly fit, the engine being told so.
        asked_max_model_len: The length the question was about.
        kv_bytes_per_token: Per rank, with this engine's padding.
        kv_pool_gib: Cache the engine would have, per rank: `(available - weights - overhead) / ranks`.
        engine_max_num_seqs_limit: Models with a fixed state per sequence: the most sequences the engine can
            be set to; None otherwise.
        confidence: `measured`, `extrapolated` or `unknown`.
        circumstances: What `reasons` puts into words.
    """

    fits: bool | None
    required_gib: float | None
    available_gib: float | None
    weights_gib: float | None
    kv_cache_gib: float | None
    overhead_gib: float | None
    interval_gib: tuple[float, float] | None
    tensor_parallel_size: int
    max_model_len: int | None
    max_num_seqs: int | None
    asked_max_model_len: int | None
    kv_bytes_per_token: float | None
    kv_pool_gib: float | None
    engine_max_num_seqs_limit: int | None
    confidence: str
    circumstances: Circumstances = field(repr=False, compare=False)

    @property
    def reasons(self) -> tuple[FitReason, ...]:
        """The figures as sentences, largest first, then what makes them uncertain."""
        return explain(self.circumstances, self.weights_gib, self.kv_cache_gib, self.overhead_gib)


def default_tensor_parallel_size(
    gpu_count: int, num_attention_heads: int | None, num_kv_heads: int | None = None
) -> int:
    """All GPUs when they divide the attention heads, else the largest number of them that does.

    With `num_kv_heads` the ranks must also divide, or be a multiple of, the cache heads, as engines ask.

    >>> default_tensor_parallel_size(8, 32), default_tensor_parallel_size(4, 14), default_tensor_parallel_size(8, 71)
    (8, 2, 1)
    """
    if not num_attention_heads:
        return 1
    for size in range(max(1, gpu_count), 1, -1):
        if num_attention_heads % size:
            continue
        if num_kv_heads and num_kv_heads % size and size % num_kv_heads:
            continue
        return size
    return 1


class _Rank(NamedTuple):
    """Overheads of one rank without activations: the middle, and how far it may be off."""

    mid: float
    down: float
    up: float


class _Card(NamedTuple):
    """One card's memory in GiB: EC2's figure, and what CUDA sees at least, usually, at most by nvidia-smi."""

    physical: float
    visible_low: float
    visible: float
    visible_most: float
    nvlink: bool
    measured: bool


class _Load(NamedTuple):
    """What one rank carries whatever the card: depends on model, engine and ranks only."""

    constants: EngineConstants
    weights: Estimate | None
    per_token: float | None
    activation: ActivationParts
    sampler_uncertain: bool
    graphs: Estimate
    state_gib: float


@lru_cache(maxsize=256)
def _card(device: DeviceMemory) -> _Card:
    physical = (device.memory_mib or 0) / 1024
    low, visible, _ = cuda_visible_gib(device) or Estimate(physical, physical, physical)
    most = min(physical, visible + BELOW_NVIDIA_SMI_GIB)
    return _Card(physical, low, visible, most, has_nvlink(device), device.name == MEASURED_CARD)


@lru_cache(maxsize=1024)
def _load(
    shape: ModelShape,
    engine: EngineMemory,
    ranks: int,
    batched_tokens: int,
    dtype: str | None,
    quantization: str | None,
    kv_cache_dtype: str | None,
) -> _Load:
    constants = engine_constants(engine.name, engine.version)
    model_dtype = shape.default_dtype if dtype in (None, "auto") else dtype
    weights = estimate_weights(shape, dtype=dtype, quantization=quantization, tensor_parallel_size=ranks)
    version = engine.version
    uncertain = (
        shape.multimodal and engine.name == "vllm" and version is not None and FIRST_MEASURED <= version < (0, 17)
    )
    return _Load(
        constants=constants,
        weights=weights and Estimate(weights.low / ranks, weights.mid / ranks, weights.high / ranks),
        per_token=kv_bytes_per_token(shape, ranks, cache_dtype_bytes(kv_cache_dtype, model_dtype), engine),
        activation=NO_ACTIVATION
        if engine.name == "sglang"
        else activation_parts(shape, constants, ranks, batched_tokens),
        sampler_uncertain=uncertain,
        graphs=cuda_graphs(shape, engine, ranks) if constants.graphs_in_budget else Estimate(0.0, 0.0, 0.0),
        state_gib=state_bytes_per_sequence(shape, ranks) / GIB,
    )


def _rank_overhead(
    load: _Load, weights: Estimate, card: _Card, ranks: int, sequences: int, utilization: float
) -> _Rank:
    """Overheads of vLLM; independent errors add like the sides of a box's diagonal."""
    constants, physical = load.constants, card.physical
    o_low, o_mid, o_high = non_torch(constants, card.nvlink, ranks)
    a_low, a_mid, a_high = small_batch_allowance(physical, sequences)
    g_low, g_mid, g_high = load.graphs
    reserve = utilization * (physical - card.visible)
    r_low = utilization * (card.visible_most - card.visible)
    r_high = utilization * (card.visible - card.visible_low)
    w_low, w_mid, w_high = weights
    margin_down = margin_up = 0.0
    if not constants.measured:
        margin_down = margin_up = max(UNMEASURED_MARGIN_GIB, UNMEASURED_MARGIN_SHARE * physical)
        if constants.v0:
            margin_up = V0_MARGIN_GIB
    down, up = BASE_MARGIN_GIB
    return _Rank(
        o_mid + a_mid + g_mid + reserve,
        margin_down + hypot(down, o_mid - o_low, a_mid - a_low, g_mid - g_low, w_mid - w_low, r_low),
        margin_up + hypot(up, o_high - o_mid, a_high - a_mid, g_high - g_mid, w_high - w_mid, r_high),
    )


def _sglang_overhead(
    shape: ModelShape,
    weights: Estimate,
    card: _Card,
    device: DeviceMemory,
    ranks: int,
    utilization: float,
    fraction_is_set: bool,
) -> _Rank:
    """SGLang charges the fraction with little; without a fraction its own default lowers what is left."""
    several = ranks > 1 and card.nvlink
    used = sglang.USED_BEFORE_LOAD_NVLINK_GIB if several else sglang.USED_BEFORE_LOAD_GIB
    short = 0.0
    if not fraction_is_set:
        short = max(0.0, sglang.reserve_gib(device, ranks, shape.multimodal) - (1 - utilization) * card.physical)
    margin = max(UNMEASURED_MARGIN_GIB, UNMEASURED_MARGIN_SHARE * card.physical)
    r_low = utilization * (card.visible_most - card.visible)
    r_high = utilization * (card.visible - card.visible_low)
    return _Rank(
        used + short + utilization * (card.physical - card.visible),
        margin + hypot(BASE_MARGIN_GIB[0], 0.5, short / 3, r_low, weights.mid - weights.low),
        margin + hypot(BASE_MARGIN_GIB[1], 0.5, short / 3, r_high, weights.high - weights.mid),
    )


def estimate_fit(
    shape: ModelShape,
    device: DeviceMemory,
    engine: EngineMemory,
    *,
    tensor_parallel_size: int = 1,
    max_model_len: int | None = None,
    max_num_seqs: int = 1,
    engine_max_num_seqs: int | None = None,
    dtype: str | None = None,
    quantization: str | None = None,
    kv_cache_dtype: str | None = None,
    gpu_memory_utilization: float | None = None,
) -> FitResult:
    """The verdict: does the cache hold `max_num_seqs` sequences of `max_model_len` tokens at once.

    Args:
        shape: The model.
        device: The instance's accelerators.
        engine: The engine and its release.
        tensor_parallel_size: Ranks the model is split over.
        max_model_len: Tokens of one sequence; None = the model's whole context.
        max_num_seqs: Sequences the question asks for.
        engine_max_num_seqs: The engine's own setting, which sizes its activation peak; None = its default.
        dtype: `bfloat16`, `float16`, `float32`; None or `auto` = as published.
        quantization: `int8`, `int4`, `fp8`, `awq`, `gptq`, `mxfp4`, `nvfp4`; None = as published.
        kv_cache_dtype: `fp8...`, `auto`, ...; None follows the dtype.
        gpu_memory_utilization: Fraction of each card; None = 0.9.
    """
    return _estimate(
        shape, device, engine, max(1, tensor_parallel_size), max_model_len, max(1, max_num_seqs), engine_max_num_seqs,
        dtype, quantization, kv_cache_dtype, gpu_memory_utilization,
    )  # fmt: skip


@lru_cache(maxsize=2048)
def _estimate(
    shape: ModelShape,
    device: DeviceMemory,
    engine: EngineMemory,
    ranks: int,
    max_model_len: int | None,
    asked: int,
    engine_max_num_seqs: int | None,
    dtype: str | None,
    quantization: str | None,
    kv_cache_dtype: str | None,
    gpu_memory_utilization: float | None,
) -> FitResult:
    """The verdict, remembered: many instance types carry the same card, and plans ask again."""
    utilization = CONTRACT_GPU_MEMORY_UTILIZATION if gpu_memory_utilization is None else gpu_memory_utilization
    length = shape.max_position_embeddings if max_model_len is None else max_model_len
    batched = engine.max_num_batched_tokens or default_max_num_batched_tokens(engine, device)
    load = _load(shape, engine, ranks, batched, dtype, quantization, kv_cache_dtype)
    constants, weights, per_token = load.constants, load.weights, load.per_token
    card = _card(device)
    physical = card.physical
    judged = device.kind == "cuda" and physical > 0
    budget = physical * utilization
    available = budget * ranks if judged else None
    cache_rank = None
    if per_token == 0.0:
        cache_rank = 0.0
    elif per_token is not None and length is not None:
        cache_rank = per_token * length * asked / GIB
    cache_gib = None if cache_rank is None else cache_rank * ranks
    sequences = engine_max_num_seqs or max(default_max_num_seqs(engine, device), asked)
    about = (shape, device, engine, utilization, ranks, sequences, asked, length, per_token)
    if weights is None or available is None:
        facts = Circumstances(*about)
        return FitResult(
            None, None, available, None if weights is None else weights.mid * ranks, cache_gib, None, None, ranks,
            None, None, length, per_token, None, None, "unknown", facts,
        )  # fmt: skip

    is_sglang = engine.name == "sglang"
    if is_sglang:
        rank = few = _sglang_overhead(
            shape, weights, card, device, ranks, utilization, gpu_memory_utilization is not None
        )
    else:
        rank = few = _rank_overhead(load, weights, card, ranks, sequences, utilization)
        if sequences > SMALL_BATCH:
            few = _rank_overhead(load, weights, card, ranks, SMALL_BATCH, utilization)
    parts = load.activation
    act_low, act_mid, act_high = activation_peak(parts, sequences, sampler_uncertain=load.sampler_uncertain)
    state = load.state_gib
    mid = weights.mid + rank.mid + act_mid + state / 2 * asked
    high = weights.mid + rank.mid + rank.up + act_high + state * asked
    low = max(weights.low, weights.mid + rank.mid - rank.down + act_low)

    outside = (1 - utilization) * card.visible
    need = NOTHING_OUTSIDE
    if not is_sglang:
        need = needed_outside_budget(shape, constants, engine, card.nvlink, ranks, parts)
    elif gpu_memory_utilization is not None:
        need = OutsideNeed(SGLANG_RUN_TIME_SHARE * sglang.reserve_gib(device, ranks, shape.multimodal))
    needed = need.at(sequences)
    state_limit = max(0, int((budget - high) / state + asked)) if state > 0 else None
    blocked = needed > outside or (state_limit is not None and state_limit < sequences)
    too_many_ranks = ranks > max(1, device.count)
    facts = Circumstances(*about, needed, outside, state_limit)
    pool = budget - mid + state / 2 * asked
    overhead = (mid - weights.mid) * ranks
    if cache_rank is None or per_token is None:
        return FitResult(
            False if low > budget or too_many_ranks else None, None, available, weights.mid * ranks, None, overhead,
            None, ranks, None, None, length, per_token, pool, state_limit, "unknown", facts,
        )  # fmt: skip

    kv_low, kv_high = kv_range_factors(shape, engine, ranks, batched, length or 0)
    interval_low, interval_high = low + cache_rank * kv_low, high + cache_rank * kv_high
    fits: bool | None = None
    if interval_low > budget or too_many_ranks:
        fits = False
    elif interval_high <= budget and not blocked:
        fits = True

    longest = most = None
    if per_token > 0.0 and length is not None:
        one_token = per_token * asked / GIB
        context = shape.max_position_embeddings or length
        longest = _length((budget - high) / (one_token * kv_high), context)
        useful = min(context, SMALLEST_USEFUL_LENGTH)
        if longest < useful:
            longest = min(_length((budget - mid) / one_token, context), useful)
        one_sequence = per_token * length * kv_high / GIB + state
        fixed = weights.mid + max(rank.mid + rank.up, few.mid + few.up)
        most = sequences_that_fit(parts, one_sequence, budget - fixed)
        most = int(min(most, max(0.0, need.most(outside))))
    elif high <= budget:
        longest = shape.max_position_embeddings

    return FitResult(
        fits, (mid + cache_rank) * ranks, available, weights.mid * ranks, cache_gib, overhead,
        (interval_low * ranks, interval_high * ranks), ranks, longest, most, length, per_token, pool, state_limit,
        "measured" if constants.measured and card.measured else "extrapolated", facts,
    )  # fmt: skip


def _length(tokens: float, context: int) -> int:
    """Whole blocks of tokens, at most the model's context, at least none."""
    if tokens >= context:
        return context
    return max(0, int(tokens) // LENGTH_STEP * LENGTH_STEP)
