"""What is known about the model of a request: registry row, profile, architecture, chat template, Hub facts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..answer_forms import model_kind
from ..checks.candidate import Published
from ..errors import Finding
from ..models.request import Request
from ..sizing import ModelShape
from .evaluate import Facts

if TYPE_CHECKING:
    from ..models.model import Architecture, Chat
    from ..registry import ModelMatch, Registry

MULTIMODAL_TASKS = ("image-text-to-text", "any-to-any")


def shape_of(architecture: Architecture | None, task: str | None) -> ModelShape | None:
    """Architecture facts of a registry row in the form sizing reads; None when there are none."""
    if architecture is None:
        return None
    a, w = architecture, architecture.weights_gib
    return ModelShape(
        params_total=a.params_total,
        params_active=a.params_active,
        num_layers=a.num_layers,
        hidden_size=a.hidden_size,
        num_attention_heads=a.num_attention_heads,
        num_kv_heads=a.num_kv_heads,
        head_dim=a.head_dim,
        vocab_size=a.vocab_size,
        max_position_embeddings=a.max_position_embeddings,
        attention_kind=a.attention_kind,
        layers_with_kv_cache=a.layers_with_kv_cache,
        sliding_window=a.sliding_window,
        full_attention_layers=a.full_attention_layers,
        kv_lora_rank=a.kv_lora_rank,
        qk_rope_head_dim=a.qk_rope_head_dim,
        intermediate_size=a.intermediate_size,
        experts_per_token=a.experts_per_token,
        moe_intermediate_size=a.moe_intermediate_size,
        default_dtype=a.default_dtype,
        native_quantization=a.native_quantization,
        weights_gib_bf16=w.get("bf16"),
        weights_gib_fp8_estimate=w.get("fp8_estimate"),
        weights_gib_int4_estimate=w.get("int4_estimate"),
        weights_gib_as_shipped=w.get("as_shipped"),
        kv_bytes_per_token_bf16=a.kv_bytes_per_token_bf16,
        multimodal=task in MULTIMODAL_TASKS,
    )


def known_shape(
    registry: Registry, match: ModelMatch | None, name: str, model_profile: str = "default"
) -> tuple[str | None, ModelShape | None]:
    """The profile that applies to a name and the shape the registries know of it.

    Under a pattern the name says which profile's model it is like, and in which format it is quantised.
    """
    if match is None:
        return None, None
    profile: str | None = None
    quantized = None
    if match.match == "pattern":
        from ..quantized import quantized_name, quantized_shape

        quantized = quantized_name(name)
    fitting = match.profile_for(name)
    if fitting is None and quantized is not None:
        fitting = match.profile_for(quantized.base)
    if model_profile == "default":
        profile = fitting
    elif model_profile in match.profiles:
        profile = model_profile
    # a profile for another size changes settings (with a warning), never how large the model is
    architecture = registry.find_architecture(match, fitting or profile)
    if architecture is None and quantized is not None:
        base = registry.find_model(quantized.base)
        architecture = registry.find_architecture(base) if base is not None and base.match == "exact" else None
    shape = shape_of(architecture, match.row.task)
    if shape is not None and quantized is not None:
        shape = quantized_shape(shape, quantized.format)
    return profile, shape


def gather_facts(
    request: Request, registry: Registry, *, hub: Any = None, chat_template_text: str | None = None
) -> tuple[Facts, list[Finding]]:
    """Everything about the model that does not change between candidates, and what there is to say about it."""
    findings: list[Finding] = []
    name = request.effective_model_name
    if name is None:
        return Facts(request, registry, None, None, None, None, None, None, None, None), findings
    kind = model_kind(name)
    match = registry.find_model(name) if kind == "hub" else None
    profile, shape = known_shape(registry, match, name, request.model_profile)
    from_hub = False
    revision, revision_source = None, "User_Input"
    if request.model_revision != "auto":
        revision = request.model_revision
    if hub is not None and kind == "hub":
        shape, from_hub = _with_hub(shape, match, hub)
        if revision is None and hub.commit:
            revision, revision_source = hub.commit, "HuggingFace_Hub_API"
    context = shape.max_position_embeddings if shape is not None else None
    chat = match.chat if match is not None else None
    template = _has_template(match, hub if kind == "hub" else None)
    source, text = _chat_template(request, registry, chat, template, chat_template_text)
    framework_profile = request.framework_profile if request.framework_profile != "default" else None
    return (
        Facts(
            request=request,
            registry=registry,
            match=match,
            model_kind=kind,
            model_name=name,
            shape=shape,
            context=context,
            chat=chat,
            framework_profile=framework_profile,
            model_profile=profile,
            revision=revision if kind == "hub" else None,
            revision_source=revision_source,
            chat_template_source=source,
            has_chat_template=text is not None,
            chat_template_text=text,
            from_hub=from_hub,
            published=_published(match, kind, hub if kind == "hub" else None, template, source),
        ),
        findings,
    )


def _with_hub(shape: ModelShape | None, match: ModelMatch | None, hub: Any) -> tuple[ModelShape | None, bool]:
    """The shape with what the Hub adds: exact weight bytes and their format always, the rest where the registry is
    silent.
    """
    from dataclasses import replace

    if hub.status not in ("found", "gated"):
        return shape, False
    stated = hub.stated_weight_bytes
    if shape is not None:
        exact = match is not None and match.match == "exact"
        if hub.config and not exact:
            from ..model_shape import model_shape_from_config
            from ..quantized import quantized_shape

            own = model_shape_from_config(hub.config)
            if own["native_quantization"] is not None:
                shape = quantized_shape(shape, own["native_quantization"])
            # A pattern's figures are a sibling's; how long a context the engine accepts stands in the model's own file.
            if own["max_position_embeddings"] is not None:
                shape = replace(shape, max_position_embeddings=own["max_position_embeddings"])
        if stated and (not exact or shape.weights_gib_as_shipped is None):
            shape = replace(shape, weight_bytes=stated)
        return shape, False
    if not hub.config and not stated:
        return None, match is None
    from ..model_shape import model_shape_from_config

    # Without a configuration (gated, or none in the repository) the weights alone are known: a floor, no verdict.
    fields = {k: v for k, v in model_shape_from_config(hub.config or {}).items() if k in ModelShape.__slots__}
    fields.update(params_total=hub.parameter_count, weight_bytes=stated)
    return ModelShape(**fields), match is None or bool(hub.config)


def _published(match: ModelMatch | None, kind: str | None, hub: Any, template: bool | None, source: str) -> Published:
    """What is known of the model's repository; the Hub's word on terms of access is the newer one."""
    told = hub.gated if hub is not None else None
    row = match.row.gated if match is not None else None
    return Published(
        of_hub=kind == "hub",
        hub=hub.status if hub is not None else None,
        gated=row if told is None else told,
        gated_by_hub=told is not None,
        template=template,
        template_by_hub=template is False and hub is not None and hub.chat_template_source is not None,
        template_source=source,
        remote_code=bool(hub is not None and hub.remote_code),
        contents=hub.contents if hub is not None else None,
    )


def _has_template(match: ModelMatch | None, hub: Any) -> bool | None:
    """Whether the model's repository has a chat template; None = nobody says.

    A row that says it has one was checked on more files than the Hub's look-up reads; then comes the Hub.
    """
    ships = match.chat.ships_template if match is not None and match.chat is not None else None
    if ships:
        return True
    if hub is not None and hub.chat_template_source is not None:
        return bool(hub.chat_template_source)
    return False if ships is None and match is not None and match.requires_template else ships


def _chat_template(
    request: Request,
    registry: Registry,
    chat: Chat | None,
    in_repository: bool | None,
    user_text: str | None,
) -> tuple[str, str | None]:
    """Where the chat template comes from, and its text when the project must bring one.

    Order: the user's file, the model's repository (nothing to bring), the registry where that has none, none.
    Source: facts/chat_formats.md section 0, rule 4.
    """
    if request.chat_template == "none":
        return "none", None
    if request.chat_template != "auto":
        return "User_Input", user_text
    if in_repository:
        return "model_repository", None
    if in_repository is False and chat is not None and chat.format and chat.format in registry.chat_templates:
        return "Model_Registry", registry.chat_templates[chat.format]
    return "none", None
