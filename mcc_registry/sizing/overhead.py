"""What a rank needs beside weights and cache: activations, workspaces, CUDA graphs, the driver's share.

Formulas and constants: facts/memory.md sections 2 and 3, facts/memory.yaml overheads.
"""

from __future__ import annotations

from typing import NamedTuple

from .engines import EngineConstants
from .shapes import GIB, EngineMemory, Estimate, ModelShape
from .weights import embedding_params

MULTIMODAL_ACTIVATION_GIB = 0.15
"""Source: facts/memory.yaml overheads.activation_peak.multimodal_extra_gib."""

EXPERTS_PER_TOKEN_UNKNOWN = 8
"""Experts per token when a shape does not say. Source: facts/models.yaml notes (Qwen3, Gemma 4 MoE: 8)."""

USED_BEFORE_LOAD_GIB = 0.51
USED_BEFORE_LOAD_NVLINK_GIB = 1.55
"""Memory in use before the first weight arrives, on one GPU and on several over NVLink.

Source: facts/memory.yaml used_before_load_gib and free_at_start_gib of the 0.19 rows (H100). No figure
exists for several ranks without NVLink; the one-GPU figure stands in.
"""

GRAPHS_BASE_GIB = 0.2
GRAPHS_PER_LAYER_GIB = 0.02
GRAPHS_MOE_GIB = 1.6
GRAPHS_MOE_MAX_GIB = 1.85
"""CUDA graph pool: dense models grow with layers, MoE models lie between 1.4 and 1.85.

Source: derived from cuda_graph_gib of facts/memory.yaml, vLLM 0.19 on H100 (dense error at most 0.2 GiB).
"""

GRAPH_ESTIMATE_HIGH_TP1 = 1.65
GRAPH_ESTIMATE_HIGH_TP = 2.2
"""How far the engine's graph estimate, which the budget pays from 0.21, may exceed the pool.

Source: facts/memory.yaml cuda_graph_gib.estimate_vs_actual (0.7 to 2.2; at most 1.6 on one GPU).
"""

SMALL_CARD_GIB = 40.0
SMALL_BATCH = 256
NO_ALLOWANCE = Estimate(0.0, 0.0, 0.0)
SMALL_CARD_ALLOWANCE_GIB = Estimate(0.0, 0.4, 0.55)
SMALL_BATCH_ALLOWANCE_GIB = Estimate(-0.1, 0.1, 0.4)
"""Added where the engine allows 256 sequences or fewer: the formula was fitted at 1024 on H100.

Source: facts/memory.md section 2 (RTX 4090 and two A100 rows: -0.1 to +0.4; allowance 0.5 on small cards).
"""

MXFP4_WARM_UP_COPIES = 2.4
"""Logit copies gpt-oss needs outside the budget at warm-up.

Source: derived from facts/memory.yaml out_of_memory gpt-oss-20b-h100-095: 3.96 GiB outside the budget, 0.51
used before loading, 1.84 graphs, 0.54 free, 0.77 wanted: 1.84 GiB for logits of 0.77.
"""

UNPROFILED_SAMPLER_FROM_GIB = 2.0
"""Sampler peaks above this count as outside the budget in releases that may not profile them.

Source: facts/memory.yaml out_of_memory qwen3.6-27b-fp8-tp4-v2runner, seen once, with 1024 sequences on H100.
"""


def dense_intermediate_size(shape: ModelShape, *, tied: bool = True) -> float | None:
    """The MLP width a dense gated model must have for its parameter count, when nobody states it."""
    if shape.intermediate_size is not None:
        return float(shape.intermediate_size)
    hidden, layers, heads = shape.hidden_size, shape.num_layers, shape.num_attention_heads
    if shape.params_total is None or not hidden or not layers or not heads or shape.is_moe:
        return None
    head_dim = shape.head_dim or hidden // heads
    attention = 2 * hidden * heads * head_dim + 2 * hidden * (shape.num_kv_heads or heads) * head_dim
    embeddings = embedding_params(shape) or float((shape.vocab_size or 0) * hidden * (1 if tied else 2))
    width = ((shape.params_total - embeddings) / layers - attention) / (3 * hidden)
    return min(max(width, float(hidden)), 8.0 * hidden)


def _expert_width(shape: ModelShape) -> tuple[float, float]:
    """Experts per token and the width of one, derived from the active parameters when not stated."""
    hidden, layers = shape.hidden_size or 0, shape.num_layers or 1
    experts = float(shape.experts_per_token or EXPERTS_PER_TOKEN_UNKNOWN)
    if shape.moe_intermediate_size is not None:
        return experts, float(shape.moe_intermediate_size)
    if shape.params_active is None or not hidden:
        return experts, float(hidden)
    heads = shape.num_attention_heads or 1
    head_dim = shape.head_dim or hidden // heads
    attention = 2 * hidden * heads * head_dim + 2 * hidden * (shape.num_kv_heads or heads) * head_dim
    active = shape.params_active - (embedding_params(shape) or 0.0)
    return experts, max(0.0, (active / layers - attention) / (3 * hidden * experts))


class ActivationParts(NamedTuple):
    """GiB of the activation peak of one rank in parts; the peak is put together by `activation_peak`.

    Args:
        sampler: Per sequence the engine allows (low, mid, high).
        sampler_constant: Added to the sampler whatever the number of sequences.
        forward: The widest layer of a forward pass.
        experts: Added by mixture-of-experts kernels.
        tower: Added by a vision or audio tower.
        samples_everywhere: False where only the last of several stages samples: the low end then leaves it out.
    """

    sampler: Estimate
    sampler_constant: float
    forward: float
    experts: float
    tower: float
    samples_everywhere: bool = True


NO_ACTIVATION = ActivationParts(Estimate(0.0, 0.0, 0.0), 0.0, 0.0, 0.0, 0.0)


def activation_parts(
    shape: ModelShape, constants: EngineConstants, tensor_parallel_size: int, batched_tokens: int, *, stages: int = 1
) -> ActivationParts:
    """The parts of the activation peak. Source: facts/memory.yaml overheads.activation_peak (formula, moe).

    A stage of a pipeline also keeps what it hands on: hidden states and residuals of one batch. Derived from the
    same place, pipeline_parallel (1.05 to 1.10 GiB where the formula says 0.91 and these are 0.12).
    """
    tokens, ranks = float(batched_tokens), float(tensor_parallel_size)
    hidden = float(shape.hidden_size or 4096)
    vocab = 0.0 if shape.attention_kind == "encoder_bidirectional" else float(shape.vocab_size or 152064)
    logits = vocab * 4.0 / GIB
    copies = constants.sampler_copies
    width = dense_intermediate_size(shape)
    if width is None:
        width = 0.0 if shape.is_moe else 4.0 * hidden
    experts = 0.0
    if shape.is_moe and not shape.is_mxfp4:
        per_token, expert_width = _expert_width(shape)
        experts = 2 * tokens * per_token * (max(2 * expert_width / ranks, hidden) + expert_width / ranks) / GIB
    return ActivationParts(
        sampler=Estimate(copies.low * logits, copies.mid * logits, copies.high * logits),
        sampler_constant=2.0 * tokens * hidden / GIB,
        forward=2.0 * tokens * (3.0 * width / ranks + (4.0 if stages == 1 else 6.0) * hidden) / GIB,
        experts=experts,
        tower=MULTIMODAL_ACTIVATION_GIB if shape.multimodal else 0.0,
        samples_everywhere=stages == 1,
    )


def activation_peak(
    parts: ActivationParts, sequences: float, *, sampler_uncertain: bool = False
) -> tuple[float, float, float]:
    """GiB of the activation peak of one rank when the engine allows that many sequences: low, mid, high."""
    (s_low, s_mid, s_high), constant, forward, experts, tower, everywhere = parts
    more = experts + tower
    high = max(s_high * sequences + constant, forward) + more
    mid = max(s_mid * sequences + constant, forward) + more
    if sampler_uncertain:
        # Measured once, without the sampler's share, for an unknown reason: half way, and both ends open.
        # Source: facts/memory.md section 7 (Mistral Small 3.2 on 0.11: 2.12 GiB, predicted 4.9).
        low = forward + experts
        return low, (low + mid) / 2, high
    return (max(s_low * sequences + constant, forward) if everywhere else forward) + experts, mid, high


def cuda_graphs(shape: ModelShape, engine: EngineMemory, tensor_parallel_size: int) -> Estimate:
    """GiB of the CUDA graph pool of one rank, with the range of the engine's own estimate of it."""
    if engine.enforce_eager:
        return Estimate(0.0, 0.0, 0.0)
    factor = GRAPH_ESTIMATE_HIGH_TP1 if tensor_parallel_size == 1 else GRAPH_ESTIMATE_HIGH_TP
    if shape.is_moe:
        return Estimate(0.0, GRAPHS_MOE_GIB, GRAPHS_MOE_MAX_GIB * factor)
    mid = GRAPHS_BASE_GIB + GRAPHS_PER_LAYER_GIB * (shape.num_layers or 40)
    return Estimate(0.0, mid, mid * factor)


PIPELINE_NON_TORCH_GIB = 0.07
"""Source: facts/memory.yaml non_torch_increase_gib (0.19.0, one rank a stage, 2 or 4 stages, the first stage)."""


def non_torch(constants: EngineConstants, nvlink: bool, tensor_parallel_size: int, stages: int = 1) -> Estimate:
    """GiB that CUDA and communication libraries add on one rank while the model loads."""
    if tensor_parallel_size == 1 and stages == 1:
        return constants.non_torch_tp1_gib
    if tensor_parallel_size == 1 and not constants.v0:
        low, mid, high = constants.non_torch_tp1_gib
        least = min(low, PIPELINE_NON_TORCH_GIB)
        return Estimate(least, least if constants.measured else mid, high)
    return constants.non_torch_nvlink_gib if nvlink else constants.non_torch_pcie_gib


def small_batch_allowance(physical_gib: float, sequences: int) -> Estimate:
    """GiB added where the activation formula is an extrapolation."""
    if physical_gib < SMALL_CARD_GIB:
        return SMALL_CARD_ALLOWANCE_GIB
    return SMALL_BATCH_ALLOWANCE_GIB if sequences <= SMALL_BATCH else NO_ALLOWANCE


class OutsideNeed(NamedTuple):
    """GiB one rank needs outside its budget, where a full cache leaves only `(1 - utilisation) x total`.

    Args:
        fixed: Needed whatever the number of sequences.
        per_sequence: Added per sequence the engine allows, from the threshold on.
        from_gib: The part that grows counts only from this size.
        with_growing: Added once the growing part counts.
    """

    fixed: float
    per_sequence: float = 0.0
    from_gib: float = 0.0
    with_growing: float = 0.0

    def at(self, sequences: int) -> float:
        """The need when the engine allows that many sequences."""
        growing = self.per_sequence * sequences
        return self.fixed + (growing + self.with_growing if growing >= self.from_gib else 0.0)


NOTHING_OUTSIDE = OutsideNeed(0.0)


def needed_outside_budget(
    shape: ModelShape,
    constants: EngineConstants,
    engine: EngineMemory,
    nvlink: bool,
    tensor_parallel_size: int,
    parts: ActivationParts,
) -> OutsideNeed:
    """What start-up needs beside a full cache: context, graphs, and in some cases the sampler."""
    used = USED_BEFORE_LOAD_NVLINK_GIB if tensor_parallel_size > 1 and nvlink else USED_BEFORE_LOAD_GIB
    graphs = 0.0
    if not engine.enforce_eager:
        dense = GRAPHS_BASE_GIB + GRAPHS_PER_LAYER_GIB * (shape.num_layers or 40)
        graphs = GRAPHS_MOE_MAX_GIB if shape.is_moe else dense
    if constants.sampler_may_be_unprofiled:
        # Its graphs were then not in the budget either.
        in_budget = graphs if constants.graphs_in_budget else 0.0
        return OutsideNeed(used + graphs - in_budget, parts.sampler.mid, UNPROFILED_SAMPLER_FROM_GIB, in_budget)
    if constants.v0:
        return OutsideNeed(graphs)  # its non-torch figure already counts the context
    warm_up = MXFP4_WARM_UP_COPIES * (shape.vocab_size or 0) * 4.0 / GIB if shape.is_mxfp4 else 0.0
    return OutsideNeed(used + graphs, warm_up)
