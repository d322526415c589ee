"""GiB of weights, summed over ranks."""

from __future__ import annotations

from .shapes import GIB, MLA_KINDS, Estimate, ModelShape

DTYPE_BYTES: dict[str, float] = {
    "float32": 4.0, "float": 4.0, "bfloat16": 2.0, "float16": 2.0, "half": 2.0,
}  # fmt: skip

BYTES_PER_PARAMETER: dict[str, float] = {
    "fp8": 1.0, "int8": 1.0, "int4": 0.5195, "awq": 0.5195, "gptq": 0.5195, "mxfp4": 0.53125, "nvfp4": 0.5625,
}  # fmt: skip
"""Bytes per parameter outside the embedding and output matrices, which stay 16-bit.

Source: facts/models.yaml conventions.weights_gib for fp8, int8 (facts/memory.md section 5) and the 4-bit
group-128 formats. mxfp4 and nvfp4 are derived from the formats: 4 bits plus one 8-bit scale for 32 or 16 values.
"""

MXFP4_LAYOUT = Estimate(1.05, 1.07, 1.09)
"""Loaded size over file size of mxfp4 checkpoints. Source: facts/memory.md section 5 (5 to 9 %)."""

LOADED_EXTRA_GIB = Estimate(0.0, 0.03, 0.06)
"""What loading adds per GPU to 16-bit tensors. Source: facts/memory.md section 5 (0.01 to 0.06)."""

MULTIMODAL_HIGH = 1.075
"""Gemma 3 4B loads 8.58 GiB against 8.01 in the table. Source: facts/memory.yaml vllm0.19.0-gemma-3-4b-it."""

MULTIMODAL_QUANTIZED_HIGH = 1.25
"""Towers for pictures and sound mostly stay 16-bit when a model is quantised; how large they are is not in its shape.

Source: an allowance of ours; 0.4 billion parameters of a tower in a 4-bit model of 4 billion are 0.6 GiB of 3.
"""

_EMBEDDING_MATRICES_UNKNOWN = 2


def embedding_params(shape: ModelShape) -> float | None:
    """Parameters of the embedding and output matrices; derived from the fp8 figure when ties are unknown.

    The fp8 figure counts them twice as heavy as the rest, so figure minus parameters is their number.
    """
    if shape.tied_embeddings is None and shape.weights_gib_fp8_estimate and shape.params_total:
        return max(0.0, shape.weights_gib_fp8_estimate * GIB - shape.params_total)
    if shape.vocab_size is None or shape.hidden_size is None:
        return None
    matrices = _EMBEDDING_MATRICES_UNKNOWN if shape.tied_embeddings is None else 2 - shape.tied_embeddings
    return float(matrices * shape.vocab_size * shape.hidden_size)


def estimate_weights(
    shape: ModelShape, *, dtype: str | None = None, quantization: str | None = None, tensor_parallel_size: int = 1
) -> Estimate | None:
    """GiB of weights over all ranks, or None when the model's size is unknown.

    Args:
        shape: The model.
        dtype: `bfloat16`, `float16`, `float32`, or None and `auto` for the published one.
        quantization: A key of `BYTES_PER_PARAMETER`, or None for as published; the published format again
            (fp8 on an fp8 checkpoint) means as published, too.
        tensor_parallel_size: Ranks; each adds a little of its own.
    """
    native = shape.native_quantization
    if quantization is not None and native is not None and native.startswith(quantization):
        quantization = None
    gib = _published(shape, dtype) if quantization is None else _quantized(shape, quantization)
    if gib is None:
        return None
    low, mid, high = gib
    if shape.multimodal:
        of_towers = native is not None and shape.weight_bytes is None and shape.weights_gib_as_shipped is None
        high *= MULTIMODAL_QUANTIZED_HIGH if of_towers or quantization is not None else MULTIMODAL_HIGH
    extra_low, extra_mid, extra_high = LOADED_EXTRA_GIB
    ranks = tensor_parallel_size
    return Estimate(low + extra_low * ranks, mid + extra_mid * ranks, high + extra_high * ranks)


def _published(shape: ModelShape, dtype: str | None) -> Estimate | None:
    stored = DTYPE_BYTES.get(shape.default_dtype or "", 2.0)
    loaded = stored if dtype in (None, "auto") else DTYPE_BYTES.get(str(dtype), stored)
    # A dtype converts 16- and 32-bit checkpoints; quantised tensors keep their format.
    factor = 1.0 if shape.native_quantization else loaded / stored
    if shape.weight_bytes is not None:
        gib, spread = shape.weight_bytes / GIB * factor, 0.002
    elif shape.weights_gib_as_shipped is not None:
        gib, spread = shape.weights_gib_as_shipped * factor, _size_spread(shape)
    elif shape.params_total is not None and shape.native_quantization is None:
        gib, spread = shape.params_total * loaded / GIB, _size_spread(shape)
    elif shape.params_total is not None:
        return _quantized(shape, _format_of(shape.native_quantization))
    else:
        return None
    if shape.is_mxfp4:
        return Estimate(gib * MXFP4_LAYOUT.low, gib * MXFP4_LAYOUT.mid, gib * MXFP4_LAYOUT.high)
    return Estimate(gib * (1 - spread / 2), gib, gib * (1 + spread))


def _format_of(native: str | None) -> str:
    """The key of `BYTES_PER_PARAMETER` that a published format counts by; 8-bit AWQ and GPTQ are bytes, not halves."""
    word, _, rest = (native or "").partition("_")
    return "int8" if word in ("awq", "gptq") and rest == "8bit" else word


def _size_spread(shape: ModelShape) -> float:
    """Relative doubt of a size that is not counted in bytes.

    Source: facts/memory.yaml weights_gib against facts/models.yaml as_shipped: at most 0.5 % for text models, 0.6 %
    for latent attention. A parameter count in round hundreds of millions is a name, not a count (Qwen3.6-27B
    has 27.78 billion).
    """
    if shape.params_total and shape.params_total % 10**8 == 0:
        return 0.03
    return 0.01 if shape.attention_kind in MLA_KINDS else 0.003


def _quantized(shape: ModelShape, quantization: str) -> Estimate | None:
    if quantization in ("fp8", "int8") and shape.weights_gib_fp8_estimate is not None:
        gib = shape.weights_gib_fp8_estimate
        return Estimate(gib * 0.98, gib, gib * 1.02)
    if quantization in ("int4", "awq", "gptq") and shape.weights_gib_int4_estimate is not None:
        gib = shape.weights_gib_int4_estimate
        return Estimate(gib * 0.97, gib, gib * 1.05)
    if shape.params_total is None:
        return None
    total = float(shape.params_total)
    per_parameter = BYTES_PER_PARAMETER.get(quantization)
    if per_parameter is None:
        # An unknown format: at most 16-bit, at least 4-bit.
        return Estimate(total * 0.5 / GIB, total * 1.0 / GIB, total * 2.0 / GIB)
    embeddings = min(embedding_params(shape) or 0.05 * total, total)
    gib = (embeddings * 2 + (total - embeddings) * per_parameter) / GIB
    high = gib * (MXFP4_LAYOUT.high if quantization in ("mxfp4", "nvfp4") else 1.05)
    low = (embeddings / 2 * 2 + (total - embeddings / 2) * per_parameter) / GIB * 0.97
    return Estimate(low, gib, high)
