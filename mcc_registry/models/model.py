"""The Model Registry: one file per family, with patterns, exact models, profiles and architecture facts."""

from __future__ import annotations

from typing import Literal

from .base import (
    Correction,
    Evidence,
    Flag,
    KnownIssue,
    Number,
    Provenance,
    Reason,
    Row,
    SettingValue,
    Text,
    ValidationLevel,
    Whole,
    Word,
)

AttentionKind = Literal[
    "mha",
    "gqa",
    "mqa",
    "mla",
    "mla_sparse",
    "hybrid_linear_gqa",
    "hybrid_mamba2_gqa",
    "encoder_bidirectional",
    "compressed_sparse",
]


class Architecture(Row):
    """Architecture facts memory fitting needs; None = unknown.

    Attributes:
        params_total: parameters of the model as loaded.
        weights_gib: GiB by format: ``bf16``, ``fp8_estimate``, ``int4_estimate``, ``as_shipped``.
        kv_bytes_per_token_bf16: bytes of KV cache per token over all ranks, 16-bit cache; an upper bound when some
            layers are windowed; 0 for encoders.
    """

    architecture: Text | None = None
    params_total: Whole | None = None
    params_active: Whole | None = None
    params_basis: Text | None = None
    num_layers: Whole | None = None
    hidden_size: Whole | None = None
    num_attention_heads: Whole | None = None
    num_kv_heads: Whole | None = None
    head_dim: Whole | None = None
    vocab_size: Whole | None = None
    max_position_embeddings: Whole | None = None
    attention_kind: AttentionKind | None = None
    layers_with_kv_cache: Whole | None = None
    sliding_window: Whole | None = None
    full_attention_layers: Whole | None = None
    kv_lora_rank: Whole | None = None
    qk_rope_head_dim: Whole | None = None
    intermediate_size: Whole | None = None
    experts_per_token: Whole | None = None
    moe_intermediate_size: Whole | None = None
    default_dtype: Literal["bfloat16", "float16", "float32"] | None = None
    native_quantization: Text | None = None
    weights_gib: dict[Text, Number | None] = {}
    kv_bytes_per_token_bf16: Whole | None = None
    kv_bytes_per_token_bf16_full_layers_only: Whole | None = None
    kv_fixed_bytes_per_sequence_windowed_layers: Whole | None = None
    embedding_dimensions: Whole | None = None
    unverified: list[Text] = []
    corrections: list[Correction] = []
    sources: list[Text] = []
    note: Text | None = None


class Chat(Row):
    """How a model's conversations are written.

    Attributes:
        format: format name of facts (``llama-2``); a file of ``chat_templates`` exists for the shipped ones.
        ships_template: whether the model's repository carries its own template; None = unknown.
    """

    format: Word | None = None
    ships_template: Flag | None = None
    bos_token: str | None = None
    stop_token: str | None = None
    system_role: Text | None = None


class ModelProfile(Row):
    """A named bundle of settings of a model or pattern.

    Attributes:
        match: the profile's own patterns; ``model_profile: default`` applies the profile that fits the id.
        settings: canonical name to value.
        like: an exact id whose architecture facts apply (for ids the registry does not list).
    """

    title: Text
    match: list[Text] = []
    like: Text | None = None
    settings: dict[Text, SettingValue] = {}
    recommended_instance_types: list[Word] = []
    note: Reason | None = None


class ModelRow(Row):
    """One exact model or one pattern."""

    match: Text
    must_match: list[Text] = []
    must_not_match: list[Text] = []
    role: Text | None = None
    task: Text | None = None
    gated: Flag | None = None
    license: Text | None = None
    chat: Chat | None = None
    requires_template: Flag = False
    framework_compatibility: dict[Text, Text] = {}
    compatibility_basis: dict[Text, Text] = {}
    settings: dict[Text, SettingValue] = {}
    engine_settings: dict[Text, dict[Text, SettingValue]] = {}
    recommended_instance_types: list[Word] = []
    profiles: dict[Word, ModelProfile] = {}
    validation_level: ValidationLevel = "experimental"
    evidence: list[Evidence] = []
    architecture: Architecture | None = None
    replaced_by: Text | None = None
    deprecated: Text | None = None
    provenance: Provenance | None = None
    notes: list[Text] = []


class ModelFamily(Row):
    """One file of ``registries/models``."""

    kind: Literal["model_family"]
    id: Word
    title: Text
    chat: Chat | None = None
    requires_template: Flag = False
    provenance: Provenance
    settings: dict[Text, SettingValue] = {}
    engine_settings: dict[Text, dict[Text, SettingValue]] = {}
    framework_compatibility: dict[Text, Text] = {}
    known_issues: list[KnownIssue] = []
    patterns: list[ModelRow] = []
    models: list[ModelRow] = []
    notes: list[Text] = []
