"""Does a model fit: one question, one verdict with an interval, and the figures behind it.

    required = weights + cache + overhead          summed over ranks
    available = EC2's memory x utilisation x ranks

`overhead` includes what the driver withholds (EC2's figure minus what CUDA sees, times the utilisation), so
comparing the two is the engine's own start-up check. `fits` is true only when the high end fits and nothing
else stands in the way, false only when even the low end does not fit. With pipeline stages every figure is the
fullest stage's, times all ranks: the tightest rank decides.

The largest length and number of sequences are found with the verdict itself, so they never contradict it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from . import sglang
from .engines import CONTRACT_GPU_MEMORY_UTILIZATION, default_max_num_batched_tokens, default_max_num_seqs
from .kv_cache import DEFAULT_BLOCK_SIZE, kv_range_factors
from .overhead import NOTHING_OUTSIDE, SMALL_BATCH, OutsideNeed, activation_peak, needed_outside_budget
from .rank import Card, Load, Overhead, card_of, load_of, rank_overhead, sglang_overhead
from .reasons import Circumstances, FitReason, explain
from .shapes import GIB, DeviceMemory, EngineMemory, Estimate, ModelShape

__all__ = ["FitReason", "FitResult", "default_tensor_parallel_size", "estimate_fit"]

SMALLEST_USEFUL_LENGTH = 2048
"""Below this a shorter context is an error anyway. Source: design.md section 3, Context."""

SGLANG_RUN_TIME_SHARE = 0.42
"""Share of SGLang's own reserve that was enough once (H100 at 0.93). Source: sglang-qwen3-235b-fp8-tp4."""


class _Need(NamedTuple):
    """GiB of one rank beside the growing cache, and what stands in the way of a "fits"."""

    low: float
    mid: float
    high: float
    outside: float
    state_limit: int | None
    blocked: bool


@dataclass(frozen=True, slots=True)
class _Case:
    """One model on one card with one engine; lengths and numbers of sequences are asked of it.

    Invariant: a longer sequence, more sequences or more sequences allowed never turn a verdict for the better.
    """

    shape: ModelShape
    device: DeviceMemory
    engine: EngineMemory
    load: Load
    card: Card
    weights: Estimate
    ranks: int
    all_ranks: int
    batched: int
    utilization: float
    utilization_is_set: bool

    @property
    def budget(self) -> float:
        """GiB one rank may use."""
        return self.card.physical * self.utilization

    @property
    def outside(self) -> float:
        """GiB one rank has beside its budget."""
        return (1 - self.utilization) * self.card.visible

    def _at(self, sequences: int, asked: int) -> tuple[float, float, float]:
        load, weights = self.load, self.weights
        rank: Overhead
        if self.engine.name == "sglang":
            rank = sglang_overhead(
                self.shape, weights, self.card, self.device, self.all_ranks, self.utilization, self.utilization_is_set
            )
        else:
            rank = rank_overhead(load, weights, self.card, self.ranks, sequences, self.utilization)
        a_low, a_mid, a_high = activation_peak(load.activation, sequences, sampler_uncertain=load.sampler_uncertain)
        state = load.state_gib * asked
        return (
            max(weights.low, weights.mid + rank.mid - rank.down + a_low),
            weights.mid + rank.mid + a_mid + state / 2,
            weights.mid + rank.mid + rank.up + a_high + state,
        )

    def need(self, sequences: int, asked: int) -> _Need:
        """What one rank needs when the engine allows `sequences` and the question is about `asked` of them."""
        low, mid, high = self._at(sequences, asked)
        if sequences > SMALL_BATCH and self.engine.name != "sglang":
            # The allowance for small batches must not make fewer sequences look dearer than more.
            few_low, _, few_high = self._at(SMALL_BATCH, asked)
            low, high = max(low, few_low), max(high, few_high)
        need = NOTHING_OUTSIDE
        if self.engine.name != "sglang":
            need = needed_outside_budget(
                self.shape, self.load.constants, self.engine, self.card.nvlink, self.all_ranks, self.load.activation
            )
        elif self.utilization_is_set:
            own = sglang.reserve_gib(self.device, self.all_ranks, self.shape.multimodal)
            need = OutsideNeed(SGLANG_RUN_TIME_SHARE * own)
        outside, state = need.at(sequences), self.load.state_gib
        limit = max(0, int((self.budget - high) / state + asked)) if state > 0 else None
        blocked = outside > self.outside or (limit is not None and limit < sequences)
        return _Need(low, mid, high, outside, limit, blocked or self.too_many_ranks)

    @property
    def too_many_ranks(self) -> bool:
        """Whether more GPUs are asked for than there are."""
        return self.all_ranks > max(1, self.device.count)

    def cache(self, length: int, asked: int) -> tuple[float, float, float] | None:
        """GiB of the growing cache of one rank: low, as stated, and high in whole blocks, as the engine counts."""
        per_token = self.load.per_token
        if per_token is None:
            return None
        low, high = kv_range_factors(self.shape, self.engine, self.ranks, self.batched, length)
        high *= self.load.stages.cached_high
        gib = per_token * length * asked / GIB
        blocks = -(-length // DEFAULT_BLOCK_SIZE) * DEFAULT_BLOCK_SIZE
        return gib * low, gib, per_token * blocks * asked / GIB * high

    def is_certain(self, length: int, asked: int, sequences: int, need: _Need | None = None) -> bool:
        """Whether `asked` sequences of a length certainly fit: the high end within the budget, nothing in the way."""
        need = need or self.need(sequences, asked)
        cache = self.cache(length, asked)
        return cache is not None and not need.blocked and need.high + cache[2] <= self.budget

    def longest(self, asked: int, sequences: int, context: int) -> int:
        """The longest length that certainly fits, at most the context."""
        need = self.need(sequences, asked)

        def fits(blocks: int) -> bool:
            return self.is_certain(blocks * DEFAULT_BLOCK_SIZE, asked, sequences, need)

        if self.is_certain(context, asked, sequences, need):
            return context
        return _largest(fits, (context - 1) // DEFAULT_BLOCK_SIZE) * DEFAULT_BLOCK_SIZE

    def most(self, length: int) -> int | None:
        """Most sequences of a length that certainly fit, the engine being told so; None where nothing limits them."""
        cache = self.cache(length, 1)
        if cache is None:
            return None
        one = cache[2] + self.load.state_gib
        if one <= 0:
            return None if self.is_certain(length, 1, 1) else 0
        return _largest(lambda count: self.is_certain(length, count, count), int(self.budget / one) + 1)

    def probable_length(self, asked: int, need: _Need, context: int) -> int:
        """The longest length the cache certainly holds; where that is less than useful, the longest it may hold."""
        per_token = self.load.per_token or 0.0
        if per_token <= 0.0:
            return context if need.high <= self.budget else 0
        one = per_token * asked / GIB
        _, high = kv_range_factors(self.shape, self.engine, self.ranks, self.batched, 0)
        longest = _length((self.budget - need.high) / (one * high * self.load.stages.cached_high), context)
        useful = min(context, SMALLEST_USEFUL_LENGTH)
        if longest < useful:
            longest = min(_length((self.budget - need.mid) / one, context), useful)
        return longest


def _largest(holds: Callable[[int], bool], most: int) -> int:
    """The largest number up to `most` for which a condition holds that, once broken, stays broken; 0 if none."""
    low, high = 0, max(0, most)
    while low < high:
        middle = (low + high + 1) // 2
        if holds(middle):
            low = middle
        else:
            high = middle - 1
    return low


def _length(tokens: float, context: int) -> int:
    """Whole blocks of tokens, at most the model's context, at least none."""
    if tokens >= context:
        return context
    return max(0, int(tokens) // DEFAULT_BLOCK_SIZE * DEFAULT_BLOCK_SIZE)


@dataclass(frozen=True, slots=True)
class FitResult:
    """The verdict and its figures; GiB figures are sums over ranks, `None` is unknown.

    Args:
        fits: True, False, or None when it is too close to say or unknown.
        interval_gib: Range of `required_gib`.
        tensor_parallel_size: Ranks of one stage.
        pipeline_parallel_size: Stages.
        asked_max_model_len: The length the question was about.
        probable_max_model_len: What a plan takes when nobody asks for a length: the longest the cache certainly
            holds, whatever else is in doubt; when not even 2048 tokens are certain, the longest probable one up to
            2048.
        kv_bytes_per_token: Per rank, with this engine's padding.
        kv_pool_gib: Cache the engine would have, per rank: `(available - weights - overhead) / ranks`.
        engine_max_num_seqs_limit: Models with a fixed state per sequence: the most sequences the engine can
            be set to; None otherwise.
        confidence: `measured`, `extrapolated` or `unknown`.
        circumstances: What `reasons` puts into words.
        case: What the largest figures are asked of.
    """

    fits: bool | None
    required_gib: float | None
    available_gib: float | None
    weights_gib: float | None
    kv_cache_gib: float | None
    overhead_gib: float | None
    interval_gib: tuple[float, float] | None
    tensor_parallel_size: int
    pipeline_parallel_size: int
    asked_max_model_len: int | None
    probable_max_model_len: int | None
    kv_bytes_per_token: float | None
    kv_pool_gib: float | None
    engine_max_num_seqs_limit: int | None
    confidence: str
    circumstances: Circumstances = field(repr=False, compare=False)
    case: _Case | None = field(default=None, repr=False, compare=False)

    @property
    def max_model_len(self) -> int | None:
        """The largest length that fits, capped at the model's context: `fits` is true up to it and not above.

        None where the size, the cache or the context is unknown.
        """
        about, case = self.circumstances, self.case
        context = about.shape.max_position_embeddings or about.length
        if case is None or self.required_gib is None or context is None:
            return None
        return case.longest(about.asked_sequences, about.engine_sequences, context)

    @property
    def max_num_seqs(self) -> int | None:
        """The most sequences of the asked length that fit, the engine being told so; None as above, or without limit."""
        about, case = self.circumstances, self.case
        if case is None or self.required_gib is None or about.length is None:
            return None
        return case.most(about.length)

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


def estimate_fit(
    shape: ModelShape,
    device: DeviceMemory,
    engine: EngineMemory,
    *,
    tensor_parallel_size: int = 1,
    pipeline_parallel_size: int = 1,
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
        tensor_parallel_size: Ranks every layer is split over.
        pipeline_parallel_size: Stages the layers are dealt out to, each of that many ranks.
        max_model_len: Tokens of one sequence; None = the model's whole context.
        max_num_seqs: Sequences the question asks for.
        engine_max_num_seqs: The engine's own setting, which sizes its activation peak; None = its default.
        dtype: `bfloat16`, `float16`, `float32`; None or `auto` = as published.
        quantization: `int8`, `int4`, `fp8`, `awq`, `gptq`, `mxfp4`, `nvfp4`; None = as published.
        kv_cache_dtype: `fp8...`, `auto`, ...; None follows the dtype.
        gpu_memory_utilization: Fraction of each card; None = 0.9.
    """
    return _estimate(
        shape, device, engine, max(1, tensor_parallel_size), max(1, pipeline_parallel_size), max_model_len,
        max(1, max_num_seqs), engine_max_num_seqs, dtype, quantization, kv_cache_dtype, gpu_memory_utilization,
    )  # fmt: skip


@lru_cache(maxsize=2048)
def _estimate(
    shape: ModelShape,
    device: DeviceMemory,
    engine: EngineMemory,
    ranks: int,
    stages: int,
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
    load = load_of(shape, engine, ranks, stages, batched, dtype, quantization, kv_cache_dtype)
    weights, per_token, total = load.weights, load.per_token, ranks * stages
    card = card_of(device)
    judged = device.kind == "cuda" and card.physical > 0
    available = card.physical * utilization * total if judged else None
    cache_rank = None
    if per_token == 0.0:
        cache_rank = 0.0
    elif per_token is not None and length is not None:
        cache_rank = per_token * length * asked / GIB
    cache_gib = None if cache_rank is None else cache_rank * total
    sequences = engine_max_num_seqs or max(default_max_num_seqs(engine, device), asked)
    about = (shape, device, engine, utilization, ranks, stages, sequences, asked, length, per_token)
    if weights is None or available is None:
        return FitResult(
            None, None, available, None if weights is None else weights.mid * total, cache_gib, None, None, ranks,
            stages, length, None, per_token, None, None, "unknown", Circumstances(*about),
        )  # fmt: skip

    case = _Case(
        shape,
        device,
        engine,
        load,
        card,
        weights,
        ranks,
        total,
        batched,
        utilization,
        gpu_memory_utilization is not None,
    )
    need, budget = case.need(sequences, asked), case.budget
    facts = Circumstances(*about, need.outside, case.outside, need.state_limit)
    pool = budget - need.mid + load.state_gib / 2 * asked
    overhead = (need.mid - weights.mid) * total
    if cache_rank is None or per_token is None:
        return FitResult(
            False if need.low > budget or case.too_many_ranks else None, None, available, weights.mid * total, None,
            overhead, None, ranks, stages, length, None, per_token, pool, need.state_limit, "unknown", facts, case,
        )  # fmt: skip

    cache_low, _, cache_high = case.cache(length or 0, asked) or (0.0, 0.0, 0.0)
    low, high = need.low + cache_low, need.high + cache_high
    fits: bool | None = None
    if low > budget or case.too_many_ranks:
        fits = False
    elif case.is_certain(length or 0, asked, sequences, need):
        fits = True
    probable = None
    if length is not None:
        probable = case.probable_length(asked, need, shape.max_position_embeddings or length)
    return FitResult(
        fits, (need.mid + cache_rank) * total, available, weights.mid * total, cache_gib, overhead,
        (low * total, high * total), ranks, stages, length, probable, per_token, pool, need.state_limit,
        "measured" if load.constants.measured and card.measured else "extrapolated", facts, case,
    )  # fmt: skip
