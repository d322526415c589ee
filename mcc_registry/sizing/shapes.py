"""The plain values every memory question starts from: a model, a device, an engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

GIB = float(2**30)
"""Bytes in one GiB, as a float: all arithmetic here is in floats."""

MLA_KINDS = frozenset({"mla", "mla_sparse"})
HYBRID_STATE_KINDS = frozenset({"hybrid_linear_gqa", "hybrid_mamba2_gqa"})


class Estimate(NamedTuple):
    """A figure with the range it may have; `low <= mid <= high`."""

    low: float
    mid: float
    high: float


@dataclass(frozen=True, slots=True)
class ModelShape:
    """What memory depends on, as far as it is known; `None` always means unknown, never zero.

    Args:
        params_total: Parameters of the whole checkpoint, vision towers included.
        params_active: Parameters used per token; given only for mixture-of-experts models.
        attention_kind: `mha`, `gqa`, `mqa`, `mla`, `mla_sparse`, `hybrid_linear_gqa`, `hybrid_mamba2_gqa`,
            `encoder_bidirectional`, `compressed_sparse` or `None`.
        layers_with_kv_cache: Layers whose cache grows with the sequence; `num_layers` when unknown.
        full_attention_layers: With `sliding_window`: how many of those layers see the whole sequence.
        weight_bytes: Exact bytes of the published tensors; beats every estimate.
        weights_gib_as_shipped: The same in GiB as a table states it, rounded.
        weights_gib_fp8_estimate: Non-embedding parameters at 1 byte, embeddings at 2.
        weights_gib_int4_estimate: Non-embedding parameters at 0.5195 byte, embeddings at 2.
        kv_bytes_per_token_bf16: Stated bytes per token of all layers and heads; beats the formula, because
            models with two kinds of heads or with unknown latent ranks have no simple formula.
        multimodal: True when a vision or audio tower is loaded too.
    """

    params_total: int | None = None
    params_active: int | None = None
    num_layers: int | None = None
    hidden_size: int | None = None
    num_attention_heads: int | None = None
    num_kv_heads: int | None = None
    head_dim: int | None = None
    vocab_size: int | None = None
    max_position_embeddings: int | None = None
    attention_kind: str | None = None
    layers_with_kv_cache: int | None = None
    sliding_window: int | None = None
    full_attention_layers: int | None = None
    kv_lora_rank: int | None = None
    qk_rope_head_dim: int | None = None
    intermediate_size: int | None = None
    experts_per_token: int | None = None
    moe_intermediate_size: int | None = None
    tied_embeddings: bool | None = None
    default_dtype: str | None = None
    native_quantization: str | None = None
    weight_bytes: int | None = None
    weights_gib_bf16: float | None = None
    weights_gib_fp8_estimate: float | None = None
    weights_gib_int4_estimate: float | None = None
    weights_gib_as_shipped: float | None = None
    kv_bytes_per_token_bf16: int | None = None
    multimodal: bool = False

    @property
    def is_moe(self) -> bool:
        """True when only some of the parameters work on each token."""
        return self.params_active is not None or self.experts_per_token is not None

    @property
    def is_mxfp4(self) -> bool:
        """True for checkpoints published in mxfp4, whose kernels lay weights out larger than the file."""
        return self.native_quantization is not None and self.native_quantization.startswith("mxfp4")

    @property
    def cached_layers(self) -> int | None:
        """Layers that keep keys and values."""
        return self.num_layers if self.layers_with_kv_cache is None else self.layers_with_kv_cache


@dataclass(frozen=True, slots=True)
class DeviceMemory:
    """One kind of accelerator as an instance carries it.

    Args:
        memory_mib: Memory of one accelerator as EC2 reports it; `None` when unknown or on CPU types.
        name: The accelerator's name (`A10G`, `H100`), used for figures measured on that card.
        count: Accelerators on the instance.
        kind: `cuda`, `neuron`, `cpu` or `other`; only `cuda` can be judged.
        nvlink: Whether the cards are linked by NVLink; `None` = by the card's name.
    """

    memory_mib: int | None
    name: str | None = None
    count: int = 1
    kind: str = "cuda"
    nvlink: bool | None = None


@dataclass(frozen=True, slots=True)
class EngineMemory:
    """The engine whose memory habits count.

    Args:
        name: `vllm`, `sglang`, `tensorrt-llm`, ...; containers that wrap vLLM pass `vllm` and its version.
        version: Release numbers, `(0, 19, 0)`; `None` when unknown.
        enforce_eager: True when the engine is told not to capture CUDA graphs.
        max_num_batched_tokens: The engine setting, when somebody set it.
    """

    name: str = "vllm"
    version: tuple[int, ...] | None = None
    enforce_eager: bool = False
    max_num_batched_tokens: int | None = None
