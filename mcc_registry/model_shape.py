"""What a model's ``config.json`` says about its memory, under the names of ``models.model.Architecture``.

Only architectures whose attention is understood get an attention kind and cache figures; for every other one these
stay None, because a guess in this place says "fits" for a model that does not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

CONFIG_KEYS = (
    "architectures", "model_type", "torch_dtype", "dtype",
    "num_hidden_layers", "n_layer", "hidden_size", "n_embd", "num_attention_heads", "n_head",
    "num_key_value_heads", "num_kv_heads", "multi_query", "new_decoder_architecture",
    "head_dim", "attention_head_dim", "vocab_size", "max_position_embeddings", "n_positions",
    "sliding_window", "use_sliding_window", "max_window_layers", "sliding_window_pattern",
    "_sliding_window_pattern", "layer_types", "attention_chunk_size", "no_rope_layers",
    "cross_attention_layers", "full_attention_interval", "hybrid_override_pattern", "use_bidirectional_attention",
    "kv_lora_rank", "qk_rope_head_dim", "intermediate_size", "intermediate_size_mlp", "moe_intermediate_size",
    "num_experts_per_tok", "num_local_experts", "num_experts", "n_routed_experts",
)  # fmt: skip
"""The keys of ``config.json`` that sizing reads; ``select_config`` keeps these and nothing else."""

QUANTIZATION_KEYS = ("quant_method", "bits", "fmt", "weight_block_size", "load_in_4bit", "load_in_8bit", "format")

SHAPE_KEYS = (
    "architecture", "num_layers", "hidden_size", "num_attention_heads", "num_kv_heads", "head_dim", "vocab_size",
    "max_position_embeddings", "attention_kind", "layers_with_kv_cache", "sliding_window", "full_attention_layers",
    "kv_lora_rank", "qk_rope_head_dim", "intermediate_size", "experts_per_token", "moe_intermediate_size",
    "default_dtype", "native_quantization", "kv_bytes_per_token_bf16", "kv_bytes_per_token_bf16_full_layers_only",
    "kv_fixed_bytes_per_sequence_windowed_layers",
)  # fmt: skip

# Bases of architecture names (LlamaForCausalLM -> Llama). Source: the model facts, and the configuration classes of
# transformers for the defaults a config.json may leave out.
ENCODERS = {"Bert", "XLMRoberta", "Roberta", "NomicBert", "DistilBert", "MPNet"}
MLA = {"DeepseekV2", "DeepseekV3", "Glm4MoeLite", "MistralLarge3"}
MLA_SPARSE = {"DeepseekV32", "GlmMoeDsa"}
LINEAR_HYBRIDS = {"Qwen3Next", "Qwen3_5", "Qwen3_5Moe"}
PLAIN = {
    "Llama", "Phi3", "PhiMoE", "Cohere", "Granite", "GraniteMoe", "Glm", "Glm4", "Glm4Moe", "Olmo", "Olmo2", "Gemma",
    "MiniMaxM2", "Falcon", "Mllama",
}  # fmt: skip
WINDOW_ON_REQUEST = {
    "Qwen2", "Qwen2Moe", "Qwen3", "Qwen3Moe", "Qwen2VL", "Qwen2_5_VL", "Qwen3VL", "Qwen3VLMoe", "SeedOss", "SmolLM3",
}  # fmt: skip
WINDOW_EVERYWHERE = {"Mistral", "Mixtral", "Mistral3", "Starcoder2"}
WINDOW_PATTERN = {"Gemma2": 2, "Gemma3": 6, "Gemma3Text": 6, "Cohere2": 4, "Olmo3": 4, "GptOss": 2, "Llama4": 4}
"""Every n-th layer sees the whole context, the others a window."""

HEAD_DIM_DEFAULT = {"Gemma": 256, "Gemma2": 256, "Gemma3": 256, "Gemma3Text": 256, "Qwen3": 128, "GptOss": 64}
KV_HEADS_EQUAL_HEADS = {"Llama", "Phi3", "Cohere", "Granite", "Olmo", "Olmo2"}
GEMMA3_DEFAULT = {
    "num_attention_heads": 8, "num_key_value_heads": 4, "vocab_size": 262208, "max_position_embeddings": 131072,
}  # fmt: skip
EXPERTS_USE_INTERMEDIATE_SIZE = {
    "Mixtral", "PhiMoE", "GptOss", "Llama4", "GraniteMoe", "GraniteMoeHybrid", "MiniMaxM2",
}  # fmt: skip

_SUFFIX = re.compile(
    r"(ForCausalLM|ForConditionalGeneration|ForSequenceClassification|ForTokenClassification|ForMaskedLM|"
    r"LMHeadModel|Model)$"
)
_LARGEST = 10**12


def select_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a ``config.json`` that ``model_shape_from_config`` reads, values of other shapes left out."""
    kept = _select(config)
    text = config.get("text_config")
    if isinstance(text, Mapping):
        kept["text_config"] = _select(text)
    return kept


def _select(config: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: config[key] for key in CONFIG_KEYS if key in config and _plain(config[key])}
    given = config.get("quantization_config")
    if isinstance(given, Mapping):
        quantization = {key: given[key] for key in QUANTIZATION_KEYS if key in given and _plain(given[key])}
        kept["quantization_config"] = {**quantization, **_group_weights(given)}
    return kept


def _plain(value: object) -> bool:
    """Whether a value is a scalar or a short list of scalars: what a configuration holds."""
    if isinstance(value, list):
        return len(value) <= 1000 and all(isinstance(v, str | int | float) and len(str(v)) <= 100 for v in value)
    return value is None or (isinstance(value, str | int | float) and len(str(value)) <= 1000)


def _group_weights(quantization: Mapping[str, Any]) -> dict[str, Any]:
    """The weights' type and bits of a compressed-tensors configuration, when all its groups agree."""
    groups = quantization.get("config_groups")
    found = set()
    for group in groups.values() if isinstance(groups, Mapping) else ():
        weights = group.get("weights") if isinstance(group, Mapping) else None
        if isinstance(weights, Mapping):
            found.add((str(weights.get("type"))[:20], _number(weights.get("num_bits"))))
    if len(found) == 1:
        ((kind, bits),) = found
        return {"weights_type": kind, "weights_bits": bits}
    recorded = {key: quantization.get(key) for key in ("weights_type", "weights_bits")} if not found else {}
    return {key: value for key, value in recorded.items() if value is not None and _plain(value)}


def model_shape_from_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """The architecture facts of a model, None for what its configuration does not settle.

    Args:
        config: a ``config.json``, or the part of it that ``select_config`` keeps.

    Returns:
        Every name of ``SHAPE_KEYS``. ``attention_kind`` None means that the architecture is not understood; then
        all cache figures are None too.
    """
    shape: dict[str, Any] = dict.fromkeys(SHAPE_KEYS)
    names = config.get("architectures")
    name = names[0] if isinstance(names, list) and names and isinstance(names[0], str) else None
    shape["architecture"] = name
    base = _SUFFIX.sub("", name) if name else ""
    text = config.get("text_config")
    nested = isinstance(text, Mapping) and _number(text.get("num_hidden_layers")) is not None
    own: dict[str, Any] = dict(text) if nested and isinstance(text, Mapping) else dict(config)
    if base in ("Gemma3", "Gemma3Text"):
        own = {**GEMMA3_DEFAULT, **own}
    _dimensions(shape, own, base)
    _experts(shape, own, base)
    shape["default_dtype"] = _dtype(own) or _dtype(config)
    shape["native_quantization"] = _quantization(config, own, base)
    _attention(shape, own, base)
    _cache(shape)
    return shape


def _number(value: object, *, least: int = 1) -> int | None:
    """A whole number of a plausible size, otherwise None."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= _LARGEST:
        return None
    return value


def _first(config: Mapping[str, Any], *keys: str) -> int | None:
    return next((n for key in keys if (n := _number(config.get(key))) is not None), None)


def _dimensions(shape: dict[str, Any], own: Mapping[str, Any], base: str) -> None:
    layers = _first(own, "num_hidden_layers", "n_layer")
    hidden = _first(own, "hidden_size", "n_embd")
    heads = _first(own, "num_attention_heads", "n_head")
    kv_heads = _first(own, "num_key_value_heads")
    if base == "Falcon":
        kv_heads = _falcon_kv_heads(own, heads)
    elif kv_heads is None and (base in KV_HEADS_EQUAL_HEADS or base in ENCODERS):
        kv_heads = heads
    head_dim = _first(own, "head_dim", "attention_head_dim") or HEAD_DIM_DEFAULT.get(base)
    if head_dim is None and hidden and heads and hidden % heads == 0:
        head_dim = hidden // heads
    shape.update(
        num_layers=layers,
        hidden_size=hidden,
        num_attention_heads=heads,
        num_kv_heads=kv_heads,
        head_dim=head_dim,
        vocab_size=_first(own, "vocab_size"),
        max_position_embeddings=_first(own, "max_position_embeddings", "n_positions")
        or (2048 if base == "Falcon" else None),
    )


def _falcon_kv_heads(own: Mapping[str, Any], heads: int | None) -> int | None:
    """Falcon states its KV heads in three ways (transformers' FalconConfig)."""
    if own.get("new_decoder_architecture") is True:
        return _first(own, "num_kv_heads", "num_key_value_heads")
    multi_query = own.get("multi_query", True)
    if not isinstance(multi_query, bool):
        return None
    return 1 if multi_query else heads


def _experts(shape: dict[str, Any], own: Mapping[str, Any], base: str) -> None:
    dense = _first(own, "intermediate_size")
    expert_count = _first(own, "num_local_experts", "num_experts", "n_routed_experts")
    per_token = _first(own, "num_experts_per_tok") if expert_count or "num_local_experts" not in own else None
    if per_token is not None:
        shape["experts_per_token"] = per_token
        shape["moe_intermediate_size"] = _first(own, "moe_intermediate_size")
        if shape["moe_intermediate_size"] is None and base in EXPERTS_USE_INTERMEDIATE_SIZE:
            shape["moe_intermediate_size"] = dense
        dense = _first(own, "intermediate_size_mlp") or dense
    shape["intermediate_size"] = dense


def _dtype(config: Mapping[str, Any]) -> str | None:
    for key in ("torch_dtype", "dtype"):
        value = config.get(key)
        if isinstance(value, str) and value.removeprefix("torch.") in ("bfloat16", "float16", "float32"):
            return value.removeprefix("torch.")
    return None


def _quantization(config: Mapping[str, Any], own: Mapping[str, Any], base: str) -> str | None:
    """How the published weights are quantised, in this project's words; the method's own name where it has none."""
    given = config.get("quantization_config") or own.get("quantization_config")
    if not isinstance(given, Mapping):
        return None
    method = str(given.get("quant_method", ""))[:40]
    if method == "fp8":
        return "fp8_block_128x128" if given.get("weight_block_size") == [128, 128] else "fp8"
    if method == "mxfp4":
        return "mxfp4_experts_only" if base == "GptOss" else "mxfp4"
    if method == "compressed-tensors":
        return _compressed(given)
    if method == "bitsandbytes":
        return "bitsandbytes_4bit" if given.get("load_in_4bit") is True else "bitsandbytes_8bit"
    if method in ("gptq", "awq") and _number(given.get("bits")) not in (4, None):
        return f"{method}_{given['bits']}bit"
    return method or "unknown"


def _compressed(given: Mapping[str, Any]) -> str:
    weights = {**given, **_group_weights(given)}
    if "nvfp4" in str(given.get("format")):
        return "nvfp4"
    kind, bits = weights.get("weights_type"), weights.get("weights_bits")
    names = {("float", 8): "fp8", ("int", 8): "int8", ("int", 4): "int4"}
    return names.get((str(kind), bits if isinstance(bits, int) else 0), "compressed-tensors")


def _attention(shape: dict[str, Any], own: Mapping[str, Any], base: str) -> None:
    """Sets the attention kind and which layers keep what; leaves everything None when in doubt."""
    layers = shape["num_layers"]
    if layers is None:
        return
    if base in ENCODERS or (base == "Gemma3Text" and own.get("use_bidirectional_attention") is True):
        shape.update(attention_kind="encoder_bidirectional", layers_with_kv_cache=0)
    elif base == "DeepseekV4":
        shape.update(attention_kind="compressed_sparse", layers_with_kv_cache=layers)
    elif base in MLA | MLA_SPARSE or (base == "Mistral3" and _number(own.get("kv_lora_rank"))):
        _latent(shape, own, base)
    elif base in LINEAR_HYBRIDS:
        full = _count(own, layers, {"full_attention"}, {"linear_attention"})
        if full is None and "layer_types" not in own and (interval := _first(own, "full_attention_interval")):
            full = layers // interval
        _hybrid(shape, "hybrid_linear_gqa", full)
    elif base == "GraniteMoeHybrid":
        _hybrid(shape, "hybrid_mamba2_gqa", _count(own, layers, {"attention", "full_attention"}, {"mamba"}))
    elif base == "NemotronH":
        pattern = own.get("hybrid_override_pattern")
        known = isinstance(pattern, str) and len(pattern) == layers and set(pattern) <= set("M*-E")
        _hybrid(shape, "hybrid_mamba2_gqa", str(pattern).count("*") if known else None)
    elif base in PLAIN | WINDOW_ON_REQUEST | WINDOW_EVERYWHERE | set(WINDOW_PATTERN):
        _grouped(shape, own, base, layers)


def _latent(shape: dict[str, Any], own: Mapping[str, Any], base: str) -> None:
    rank, rope = _first(own, "kv_lora_rank"), _first(own, "qk_rope_head_dim")
    if rank is None or rope is None:
        return
    shape.update(
        attention_kind="mla_sparse" if base in MLA_SPARSE else "mla",
        layers_with_kv_cache=shape["num_layers"],
        kv_lora_rank=rank,
        qk_rope_head_dim=rope,
        head_dim=None,
    )


def _count(own: Mapping[str, Any], layers: int, wanted: set[str], others: set[str]) -> int | None:
    """How many layers are of a wanted type; None when the list is missing or names a type nobody explained."""
    types = own.get("layer_types")
    if not isinstance(types, list) or len(types) != layers or not all(isinstance(t, str) for t in types):
        return None
    return sum(t in wanted for t in types) if set(types) <= wanted | others else None


def _hybrid(shape: dict[str, Any], kind: str, attention_layers: int | None) -> None:
    plain = _head_kind(shape)
    if attention_layers is None or plain is None:
        return
    everywhere = attention_layers == shape["num_layers"]
    shape.update(attention_kind=plain if everywhere else kind, layers_with_kv_cache=attention_layers)


def _head_kind(shape: Mapping[str, Any]) -> str | None:
    heads, kv_heads = shape["num_attention_heads"], shape["num_kv_heads"]
    if not heads or not kv_heads or not shape["head_dim"] or kv_heads > heads:
        return None
    return "mha" if kv_heads == heads else "mqa" if kv_heads == 1 else "gqa"


def _grouped(shape: dict[str, Any], own: Mapping[str, Any], base: str, layers: int) -> None:
    kind = _head_kind(shape)
    if kind is None:
        return
    window, full = _window(own, base, layers)
    with_cache = layers
    if base == "Mllama":
        cross = own.get("cross_attention_layers")
        if not isinstance(cross, list) or len(cross) >= layers:
            return
        with_cache = layers - len(cross)
    shape.update(attention_kind=kind, layers_with_kv_cache=with_cache)
    if window is not None and full is not None and full < layers:
        shape.update(sliding_window=window, full_attention_layers=full)


def _window(own: Mapping[str, Any], base: str, layers: int) -> tuple[int | None, int | None]:
    """The window and the number of layers without one; a None in it means: count every layer as full."""
    if base in PLAIN or (base in WINDOW_ON_REQUEST and own.get("use_sliding_window") is not True):
        return None, None
    window = _first(own, "attention_chunk_size" if base == "Llama4" else "sliding_window")
    full = _count(own, layers, {"full_attention"}, {"sliding_attention", "chunked_attention"})
    if full is not None or "layer_types" in own:
        return window, full
    if base in WINDOW_EVERYWHERE:
        return window, 0
    if base in WINDOW_ON_REQUEST:
        return window, _number(own.get("max_window_layers"), least=0)
    flags = own.get("no_rope_layers")
    if base == "Llama4" and isinstance(flags, list) and len(flags) == layers:
        return window, sum(flag == 0 for flag in flags)
    every = _first(own, "sliding_window_pattern", "_sliding_window_pattern") or WINDOW_PATTERN[base]
    return window, layers // every


def _cache(shape: dict[str, Any]) -> None:
    """Bytes of a 16-bit cache per token over all ranks. Source: the memory facts, section 4."""
    kind, layers = shape["attention_kind"], shape["layers_with_kv_cache"]
    if kind == "encoder_bidirectional":
        shape["kv_bytes_per_token_bf16"] = 0
    elif kind in ("mla", "mla_sparse"):
        shape["kv_bytes_per_token_bf16"] = layers * (shape["kv_lora_rank"] + shape["qk_rope_head_dim"]) * 2
    elif kind is not None and kind != "compressed_sparse":
        per_layer = 2 * shape["num_kv_heads"] * shape["head_dim"] * 2
        shape["kv_bytes_per_token_bf16"] = layers * per_layer
        full = shape["full_attention_layers"]
        if full is not None:
            shape["kv_bytes_per_token_bf16_full_layers_only"] = full * per_layer
            shape["kv_fixed_bytes_per_sequence_windowed_layers"] = (
                (layers - full) * per_layer * shape["sliding_window"]
            )
