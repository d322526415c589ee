"""What one rank carries: weights, the price of a token, activations and overheads, with how far each may be off."""

from __future__ import annotations

from functools import lru_cache
from math import hypot
from typing import NamedTuple

from . import sglang
from .devices import BELOW_NVIDIA_SMI_GIB, cuda_visible_gib, has_nvlink
from .engines import FIRST_MEASURED, EngineConstants, engine_constants
from .kv_cache import cache_dtype_bytes, kv_bytes_per_token, state_bytes_per_sequence
from .overhead import (
    NO_ACTIVATION,
    ActivationParts,
    activation_parts,
    cuda_graphs,
    non_torch,
    small_batch_allowance,
)
from .shapes import GIB, DeviceMemory, EngineMemory, Estimate, ModelShape
from .stages import Stages, of_stage, stage_weights, stages_of
from .weights import estimate_weights

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

MEASURED_CARD = "H100"
"""The card the overhead formulas were fitted on. Source: facts/memory.md section 7."""


class Overhead(NamedTuple):
    """Overheads of one rank without activations: the middle, and how far it may be off."""

    mid: float
    down: float
    up: float


class Card(NamedTuple):
    """One card's memory in GiB: EC2's figure, and what CUDA sees at least, usually, at most by nvidia-smi."""

    physical: float
    visible_low: float
    visible: float
    visible_most: float
    nvlink: bool
    measured: bool


class Load(NamedTuple):
    """What one rank carries whatever the card: depends on model, engine and ranks only.

    With pipeline stages the rank is one of the fullest stage.
    """

    constants: EngineConstants
    stages: Stages
    weights: Estimate | None
    per_token: float | None
    activation: ActivationParts
    sampler_uncertain: bool
    graphs: Estimate
    state_gib: float


@lru_cache(maxsize=256)
def card_of(device: DeviceMemory) -> Card:
    """A device's memory in GiB; zeros where it is unknown."""
    physical = (device.memory_mib or 0) / 1024
    low, visible, _ = cuda_visible_gib(device) or Estimate(physical, physical, physical)
    most = min(physical, visible + BELOW_NVIDIA_SMI_GIB)
    return Card(physical, low, visible, most, has_nvlink(device), device.name == MEASURED_CARD)


@lru_cache(maxsize=1024)
def load_of(
    shape: ModelShape,
    engine: EngineMemory,
    tensor_parallel_size: int,
    pipeline_parallel_size: int,
    batched_tokens: int,
    dtype: str | None,
    quantization: str | None,
    kv_cache_dtype: str | None,
) -> Load:
    """The load of one rank of the fullest stage."""
    constants = engine_constants(engine.name, engine.version)
    model_dtype = shape.default_dtype if dtype in (None, "auto") else dtype
    ranks, stages = tensor_parallel_size, stages_of(shape, pipeline_parallel_size)
    weights = estimate_weights(shape, dtype=dtype, quantization=quantization, tensor_parallel_size=ranks)
    if weights is not None:
        stage = stage_weights(weights, shape, stages)
        weights = Estimate(stage.low / ranks, stage.mid / ranks, stage.high / ranks)
    version = engine.version
    uncertain = (
        shape.multimodal and engine.name == "vllm" and version is not None and FIRST_MEASURED <= version < (0, 17)
    )
    per_token = kv_bytes_per_token(shape, ranks, cache_dtype_bytes(kv_cache_dtype, model_dtype), engine)
    activation = NO_ACTIVATION
    if engine.name != "sglang":
        activation = activation_parts(shape, constants, ranks, batched_tokens, stages=stages.number)
    nothing = Estimate(0.0, 0.0, 0.0)
    return Load(
        constants=constants,
        stages=stages,
        weights=weights,
        per_token=per_token if per_token is None else per_token * stages.cached,
        activation=activation,
        sampler_uncertain=uncertain,
        graphs=cuda_graphs(of_stage(shape, stages), engine, ranks) if constants.graphs_in_budget else nothing,
        state_gib=state_bytes_per_sequence(shape, ranks) * stages.states / GIB,
    )


def rank_overhead(
    load: Load, weights: Estimate, card: Card, ranks: int, sequences: int, utilization: float
) -> Overhead:
    """Overheads of vLLM; independent errors add like the sides of a box's diagonal.

    Args:
        load: what the rank carries.
        weights: its weights.
        card: its card.
        ranks: ranks of one stage.
        sequences: the most the engine allows at once.
        utilization: the share of the card it may use.
    """
    constants, physical = load.constants, card.physical
    o_low, o_mid, o_high = non_torch(constants, card.nvlink, ranks, load.stages.number)
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
    return Overhead(
        o_mid + a_mid + g_mid + reserve,
        margin_down + hypot(down, o_mid - o_low, a_mid - a_low, g_mid - g_low, w_mid - w_low, r_low),
        margin_up + hypot(up, o_high - o_mid, a_high - a_mid, g_high - g_mid, w_high - w_mid, r_high),
    )


def sglang_overhead(
    shape: ModelShape,
    weights: Estimate,
    card: Card,
    device: DeviceMemory,
    ranks: int,
    utilization: float,
    fraction_is_set: bool,
) -> Overhead:
    """SGLang charges the fraction with little; without a fraction its own default lowers what is left.

    ``ranks`` are those of all stages: its formula counts both.
    """
    several = ranks > 1 and card.nvlink
    used = sglang.USED_BEFORE_LOAD_NVLINK_GIB if several else sglang.USED_BEFORE_LOAD_GIB
    short = 0.0
    if not fraction_is_set:
        short = max(0.0, sglang.reserve_gib(device, ranks, shape.multimodal) - (1 - utilization) * card.physical)
    margin = max(UNMEASURED_MARGIN_GIB, UNMEASURED_MARGIN_SHARE * card.physical)
    r_low = utilization * (card.visible_most - card.visible)
    r_high = utilization * (card.visible - card.visible_low)
    return Overhead(
        used + short + utilization * (card.physical - card.visible),
        margin + hypot(BASE_MARGIN_GIB[0], 0.5, short / 3, r_low, weights.mid - weights.low),
        margin + hypot(BASE_MARGIN_GIB[1], 0.5, short / 3, r_high, weights.high - weights.mid),
    )
