"""Pipeline stages: which share of a model the fullest stage of a pipeline carries.

Layers are dealt out evenly, the embedding matrix lies on the first stage, the output matrix and the sampler on the
last. Every figure here is for the last stage, counted with as many layers as the fullest: the tightest stage sets the
cache of all.

Source: facts/memory.md section 2 (1.89, 1.10, 1.05 GiB of activations at 1, 2, 4 stages: the first does not sample) and
section 4 ("the tightest stage sets the tokens"); facts/memory.yaml vllm0.19.0-llama-3-1-8b-tp1-pp2 and -pp4 (7.51 and
4.26 GiB of weights on the first stage: its layers and one of two matrices of 0.98).
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

from .shapes import GIB, HYBRID_STATE_KINDS, Estimate, ModelShape
from .weights import DTYPE_BYTES, embedding_params

UNEVEN_EXPERTS = 1.07
"""How much a stage without dense layers may weigh above the average of a mixture-of-experts model.

Source: derived; the first 3 of 61 layers of the DeepSeek-V3 shapes have no experts (5 %), and a little room.
"""

UNEVEN_TOWERS = 1.25
"""Room for a vision or audio tower that lies on one stage only; how large towers are is not in a shape. An allowance
of ours, as ``weights.MULTIMODAL_QUANTIZED_HIGH``."""


class Stages(NamedTuple):
    """What the fullest of several stages carries.

    Args:
        number: Stages.
        layers: Its layers; None when the model's are unknown.
        cached: Its share of the layers that keep keys and values.
        cached_high: How much larger that share may be, where layers of several kinds alternate.
        states: Its share of the layers that keep a fixed state.
    """

    number: int
    layers: int | None
    cached: float
    cached_high: float
    states: float


ONE_STAGE = Stages(1, None, 1.0, 1.0, 1.0)


def _share(layers: int, count: int) -> float:
    return -(-layers // count) / layers if layers else 1.0 / count


@lru_cache(maxsize=256)
def stages_of(shape: ModelShape, count: int) -> Stages:
    """The fullest of several stages; without a number of layers it may be the whole model."""
    if count <= 1:
        return ONE_STAGE
    layers, cached = shape.num_layers, shape.cached_layers
    if not layers:
        return Stages(count, None, 1.0, 1.0, 1.0)
    kept = _share(cached or 0, count)
    full = shape.full_attention_layers
    high = 1.0
    mixed = (shape.sliding_window is not None and full is not None) or shape.attention_kind in HYBRID_STATE_KINDS
    if mixed and cached:
        # One layer more of either kind may fall to a stage, and a windowed hybrid fills its groups up again.
        here = -(-cached // count)
        group = min(-(-(full or 0) // count), here) if shape.sliding_window is not None else 0
        high = (here + 1 + group) / here
    return Stages(count, -(-layers // count), kept, high, _share(layers - (cached or 0), count))


def stage_weights(weights: Estimate, shape: ModelShape, stages: Stages) -> Estimate:
    """GiB of the fullest stage over its tensor-parallel ranks, of GiB of the whole model over the same.

    >>> llama = ModelShape(num_layers=32, vocab_size=128256, hidden_size=4096, tied_embeddings=False)
    >>> round(stage_weights(Estimate(14.9, 14.96, 15.0), llama, stages_of(llama, 2)).mid, 2)
    7.48
    """
    if stages.number == 1:
        return weights
    whole, matrices = weights.mid, embedding_params(shape)
    if (
        stages.layers is None
        or shape.num_layers is None
        or not matrices
        or not shape.vocab_size
        or not shape.hidden_size
    ):
        return Estimate(weights.low / stages.number, whole / stages.number, weights.high)
    size = max(2.0, DTYPE_BYTES.get(shape.default_dtype or "", 2.0)) / GIB
    both, one = matrices * size, shape.vocab_size * shape.hidden_size * size
    both = min(both, whole)
    share = stages.layers / shape.num_layers
    mid = (whole - both) * share + min(one, whole)
    high = mid * weights.high / whole
    high *= UNEVEN_EXPERTS if shape.is_moe else 1.0
    high *= UNEVEN_TOWERS if shape.multimodal else 1.0
    return Estimate(min(mid, weights.low / stages.number), mid, max(mid, high))


def of_stage(shape: ModelShape, stages: Stages) -> ModelShape:
    """The shape with the layers of one stage, for figures that grow with layers and with nothing else."""
    return shape if stages.number == 1 or stages.layers is None else replace(shape, num_layers=stages.layers)
