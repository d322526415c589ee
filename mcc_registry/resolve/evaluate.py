"""Evaluating one candidate: settings merged, memory computed, every rule asked."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ..checks.base import ImageNeeds
from ..checks.candidate import NOTHING_PUBLISHED, Candidate, Published
from ..checks.compat import Verdict, judge
from ..checks.memory import SHORTEST_CONTEXT
from ..errors import Finding, has_errors, sort_findings
from ..models.plan import EnvVar, Origin, Setting
from ..quantized import loaded_format
from ..sizing import DeviceMemory, FitResult, ModelShape, default_tensor_parallel_size, estimate_fit
from .prepare import Prepared, complete, lay_below, prepare, title_of, write_environment

if TYPE_CHECKING:
    from ..models.framework import Build
    from ..models.model import Chat
    from ..models.request import Request
    from ..registry import Instance, ModelMatch, Registry, ReleaseEntry

CHAT_TEMPLATE_PATH = "/opt/mcc/chat_template.jinja"
"""Where the generated image keeps a chat template of its own."""

AVOIDED_FIELDS = ("instance_type", "inference_ami_version")
"""A warning about one of these makes ``instance_type: auto`` look further (design.md section 3)."""

AVOIDED_NAMES = ("model-unknown",)
"""Warnings about memory whose field is another: a model of unknown size fits no type for sure."""


def is_avoided(finding: Finding) -> bool:
    """Whether a finding is a warning about the type, the AMI, precision or memory."""
    about = finding.field in AVOIDED_FIELDS or finding.name in AVOIDED_NAMES
    return about and finding.severity == "warning"


@dataclass(frozen=True, slots=True)
class Facts:
    """What does not change between the candidates of one request."""

    request: Request
    registry: Registry
    match: ModelMatch | None
    model_kind: str | None
    model_name: str | None
    shape: ModelShape | None
    context: int | None
    chat: Chat | None
    framework_profile: str | None
    model_profile: str | None
    revision: str | None = None
    revision_source: str = "HuggingFace_Hub_API"
    chat_template_source: str = "none"
    has_chat_template: bool = False
    chat_template_text: str | None = None
    from_hub: bool = False
    published: Published = NOTHING_PUBLISHED
    hub_settings: tuple[tuple[str, Any], ...] = ()
    prepared: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One candidate with its verdict and everything decided for it."""

    candidate: Candidate
    verdict: Verdict
    env_vars: dict[str, EnvVar]
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether no finding is an error."""
        return not has_errors(self.findings)

    @property
    def avoided(self) -> int:
        """How many warnings concern the instance type, the AMI, precision or memory."""
        return sum(1 for f in self.findings if is_avoided(f))


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _number(value: Any) -> float | None:
    return (
        float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value <= 1 else None
    )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value not in ("", "auto") else None


def measure(
    facts: Facts, prepared: Prepared, instance: Instance, settings: dict[str, Setting], tensor_parallel: int
) -> FitResult | None:
    """The memory verdict at the merged settings; None where memory is not judged (no model, CPU image)."""
    if facts.shape is None or facts.model_name is None:
        return None

    def value(name: str) -> Any:
        setting = settings.get(name)
        return None if setting is None else setting.value

    length, sequences = _whole(value("max_model_len")), _whole(value("max_num_seqs"))
    dtype = _text(value("dtype"))
    quantization = loaded_format(facts.shape.native_quantization, _text(value("quantization")))
    cache, utilization = _text(value("kv_cache_dtype")), _number(value("gpu_memory_utilization"))
    if prepared.engine.name == "sglang":
        utilization = _number(value("mem_fraction_static"))
    pipeline = pipeline_size(settings) if prepared.staged else 1
    eager, batched = value("enforce_eager") is True, _whole(value("max_num_batched_tokens"))
    device = (instance.accelerator_memory_mib, instance.accelerator_name, instance.accelerator_count)
    key = (
        device,
        instance.accelerator_kind,
        tensor_parallel,
        length,
        sequences,
        dtype,
        quantization,
        cache,
        utilization,
        pipeline,
        eager,
        batched,
    )
    fit = prepared.fits.get(key)
    if fit is None:
        fit = prepared.fits[key] = estimate_fit(
            facts.shape,
            DeviceMemory(
                memory_mib=instance.accelerator_memory_mib,
                name=instance.accelerator_name,
                count=instance.accelerator_count,
                kind=instance.accelerator_kind,
            ),
            replace(prepared.engine, enforce_eager=eager, max_num_batched_tokens=batched),
            tensor_parallel_size=tensor_parallel,
            pipeline_parallel_size=pipeline,
            max_model_len=length,
            max_num_seqs=1,
            engine_max_num_seqs=sequences,
            dtype=dtype,
            quantization=quantization,
            kv_cache_dtype=cache,
            gpu_memory_utilization=utilization or prepared.utilization,
        )
    return fit


def is_beyond(setting: Setting, context: int | None) -> bool:
    """Whether a value of ``max_model_len`` is longer than the model's context."""
    return context is not None and isinstance(setting.value, int) and setting.value > context


def pipeline_size(settings: dict[str, Setting]) -> int:
    """How many stages the layers are dealt out to."""
    setting = settings.get("pipeline_parallel_size")
    return (_whole(setting.value) if setting is not None else None) or 1


def ways_beside(settings: dict[str, Setting]) -> int:
    """How many GPUs one tensor-parallel rank takes by the other parallel sizes somebody asked for."""
    data = settings.get("data_parallel_size")
    return pipeline_size(settings) * ((_whole(data.value) if data is not None else None) or 1)


def length_is_left_open(setting: Setting) -> bool:
    """Whether a value of ``max_model_len`` leaves the length to the engine (vLLM's -1 or auto)."""
    return setting.value in (-1, "auto")


def round_context(tokens: int) -> int:
    """A context length people would write: a multiple of 1024 above 2048, of 16 below."""
    return tokens // 1024 * 1024 if tokens >= 2048 else tokens // 16 * 16


@dataclass(frozen=True, slots=True)
class Draft:
    """One build on one instance type with its settings and its memory verdict, before any rule is asked."""

    facts: Facts
    release: ReleaseEntry
    build: Build
    instance: Instance
    prepared: Prepared
    settings: dict[str, Setting]
    fit: FitResult | None

    @property
    def too_big(self) -> bool:
        """Whether the rule on memory will refuse for sure; what other rules say then changes nothing for ``auto``."""
        fit = self.fit
        if fit is None or fit.fits is not False or self.prepared.needs.kind != "cuda":
            return False
        setting, context = self.settings.get("max_model_len"), self.facts.context
        shortest = min(context or SHORTEST_CONTEXT, SHORTEST_CONTEXT)
        return setting is None or not is_beyond(setting, context) or (fit.max_model_len or 0) < shortest


def tensor_ranks(settings: dict[str, Setting], instance: Instance) -> int:
    """Ranks every layer is split over; ``max`` is every GPU that pipeline and data-parallel ranks leave.

    Source: facts/engines.yaml, lmi tensor_parallel_degree ("max = all GPUs").
    """
    setting = settings.get("tensor_parallel_size")
    if setting is not None and setting.value == "max":
        return max(instance.accelerator_count // ways_beside(settings), 1)
    return (_whole(setting.value) if setting is not None else None) or 1


def settle(facts: Facts, release: ReleaseEntry, build: Build, instance: Instance) -> Draft:
    """Merge the settings of one build on one instance type and measure the memory they need."""
    prepared = prepare(facts, release, build)
    defaults = _defaults(facts, prepared, build, instance)
    settings = complete(prepared, defaults)
    fit = None
    if build.accelerator.type == "cuda" and instance.accelerator_kind == "cuda" and facts.model_name:
        ranks = tensor_ranks(settings, instance)
        asked = settings.get("max_model_len")
        judged = settings
        if asked is not None and is_beyond(asked, facts.context):
            # that is refused by itself; whether the model fits is a question of lengths it has
            judged = {**settings, "max_model_len": replace(asked, value=facts.context)}
        fit = measure(facts, prepared, instance, judged, ranks)
        context = _default_context(facts, prepared, fit)
        if context is not None:
            settings[context[0]] = setting = lay_below(prepared, *context)
            shorter = context[1].value != facts.context
            if shorter and (setting.source == "Generator_Default" or length_is_left_open(setting)):
                length = replace(setting, value=context[1].value)
                fit = measure(facts, prepared, instance, {**settings, context[0]: length}, ranks)
    return Draft(facts, release, build, instance, prepared, settings, fit)


def evaluate(facts: Facts, release: ReleaseEntry, build: Build, instance: Instance) -> Evaluation:
    """Evaluate one release's build on one instance type."""
    return finish(settle(facts, release, build, instance))


def finish(draft: Draft) -> Evaluation:
    """Ask every rule about a draft."""
    facts, release, prepared = draft.facts, draft.release, draft.prepared
    verdict = judge_build(facts, release, draft.build, draft.instance)
    env, unwritable, env_bytes = write_environment(prepared, draft.settings, release.version)
    candidate = Candidate(
        registry=facts.registry,
        request=facts.request,
        release=release,
        build=draft.build,
        needs=prepared.needs,
        instance=draft.instance,
        table=prepared.table,
        image_title=title_of(release),
        match=facts.match,
        architecture=None,
        chat=facts.chat,
        user=prepared.users,
        settings=draft.settings,
        skipped=prepared.skipped,
        unwritable=unwritable,
        env=env,
        env_bytes=env_bytes,
        shape=facts.shape,
        fit=draft.fit,
        context=facts.context,
        model_name=facts.model_name,
        model_file=facts.match.file if facts.match else "",
        model_profile=facts.model_profile,
        inference_ami_version=verdict.host.ami_name if verdict.host is not None else None,
        published=facts.published,
        notes=prepared.notes,
    )
    findings = [*verdict.findings]
    if not prepared.said:
        asked = [rule if rule.of_place else tuple(rule.check(candidate)) for rule in prepared.rules]
        prepared.said = [item for item in asked if item]
    for item in prepared.said:
        findings += item if isinstance(item, tuple) else item.check(candidate)
    return Evaluation(candidate, verdict, env, sort_findings(findings))


def build_needs(facts: Facts, release: ReleaseEntry, build: Build) -> ImageNeeds:
    """What a build needs from its host."""
    return prepare(facts, release, build).needs


def judge_build(facts: Facts, release: ReleaseEntry, build: Build, instance: Instance) -> Verdict:
    """The accelerator verdict; it follows from the registries alone, so it is kept with them."""
    return _judge(prepare(facts, release, build).needs, build, release, instance, facts.request, facts.registry)


def _judge(
    needs: ImageNeeds, build: Build, release: ReleaseEntry, instance: Instance, request: Request, registry: Registry
) -> Verdict:
    """The accelerator verdict; it follows from the registries alone, so it is kept with them."""
    if needs.basis == "assumed":
        return judge(needs, instance, request.inference_ami_version, registry, target=request.deployment_target)
    key = (
        "verdict",
        release.framework.id,
        release.version,
        build.source,
        build.tag,
        needs.basis,
        needs.version,
        instance.type,
        request.inference_ami_version,
        request.deployment_target,
    )
    verdict: Verdict | None = registry.memo.get(key)
    if verdict is None:
        verdict = judge(needs, instance, request.inference_ami_version, registry, target=request.deployment_target)
        registry.memo[key] = verdict
    return verdict


def _defaults(facts: Facts, prepared: Prepared, build: Build, instance: Instance) -> list[tuple[str, Origin]]:
    """What the generator sets when nobody else does: parallelism by the GPUs, float16 where bf16 is missing."""
    rows: list[tuple[str, Origin]] = []
    if build.accelerator.type != "cuda" or instance.accelerator_kind != "cuda":
        return rows
    if "tensor_parallel_size" in prepared.defaulted:
        heads = facts.shape.num_attention_heads if facts.shape else None
        others = ways_beside(prepared.settings)
        size = default_tensor_parallel_size(max(instance.accelerator_count // others, 1), heads)
        reason = f"GPUs of {instance.type}: {instance.accelerator_count}"
        if others > 1:
            reason += f", shared with {others} pipeline or data-parallel ranks"
        rows.append(("tensor_parallel_size", Origin(size, "Generator_Default", "", "instance_type", reason)))
    gpu = facts.registry.gpus.get(instance.accelerator_name or "")
    if (
        gpu is not None
        and not gpu.bf16
        and "dtype" in prepared.defaulted
        and (facts.shape is None or facts.shape.default_dtype in (None, "bfloat16"))
    ):
        reason = f"the {instance.accelerator_name} has no bfloat16"
        rows.append(("dtype", Origin("float16", "Generator_Default", "", "instance_type", reason)))
    if facts.has_chat_template and "chat_template" in prepared.defaulted:
        rows.append(("chat_template", Origin(CHAT_TEMPLATE_PATH, "Generator_Default", "", "chat_template")))
    if facts.revision and prepared.table.revision_env:
        rows.append(("revision", Origin(facts.revision, facts.revision_source, "", "model_revision")))
    return rows


def _default_context(facts: Facts, prepared: Prepared, fit: FitResult | None) -> tuple[str, Origin] | None:
    """``max_model_len`` when nobody set it: the smaller of the model's context and what fits."""
    if fit is None or not facts.context or "max_model_len" not in prepared.defaulted:
        return None
    largest = fit.probable_max_model_len
    if fit.fits is True or largest is None:
        value, reason = facts.context, "the model's context"
    else:
        value = max(round_context(min(largest, facts.context)), min(facts.context, 16))
        reason = "what fits the GPU's memory"
        if value < min(facts.context, 2048):
            return None
    return "max_model_len", Origin(value, "Generator_Default", "", "instance_type", reason)
