"""Evaluating one candidate: settings merged, memory computed, every rule asked."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ..checks import candidate_rules, user_setting_rules
from ..checks.base import ImageNeeds, needs_of
from ..checks.candidate import Candidate, Skipped, UserSetting
from ..checks.compat import Verdict, judge
from ..errors import Finding, has_errors, sort_findings
from ..models.plan import EnvVar, Origin, Setting
from ..settings import Table, exists_in, table_for
from ..sizing import DeviceMemory, EngineMemory, FitResult, ModelShape, default_tensor_parallel_size, estimate_fit
from ..versions import release_tuple
from .merge import (
    Layers,
    drop_unknown,
    entry_profiles,
    merge,
    read_user_settings,
    registry_layers,
    user_layers,
    write_environment,
)

if TYPE_CHECKING:
    from ..models.framework import Build
    from ..models.model import Chat
    from ..models.request import Request
    from ..registry import Instance, ModelMatch, Registry, ReleaseEntry

CHAT_TEMPLATE_PATH = "/opt/mcc/chat_template.jinja"
"""Where the generated image keeps a chat template of its own."""

AVOIDED_FIELDS = ("instance_type", "inference_ami_version")
"""A warning about one of these makes ``instance_type: auto`` look further (design.md section 3)."""


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
    gated: bool | None = None
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
        return sum(1 for f in self.findings if f.severity == "warning" and f.field in AVOIDED_FIELDS)


def title_of(release: ReleaseEntry) -> str:
    """``vllm 0.30.0``: the entry's id and the version, as the user writes them."""
    return f"{release.framework.id} {release.version}"


def image_needs(release: ReleaseEntry, build: Build) -> ImageNeeds:
    """What a build needs from its host, cached per release."""
    return needs_of(
        build,
        title=title_of(release),
        file=release.framework.file,
        key=f"releases[{release.version}].builds[{build.source} {build.tag}].accelerator",
    )


def engine_memory(release: ReleaseEntry) -> EngineMemory | None:
    """The engine whose memory habits count; None for servers sizing knows nothing about."""
    engine = release.framework.data.engine_of or release.framework.id
    version = release.data.engine.get(engine, release.version)
    if engine not in ("vllm", "sglang"):
        return None
    return EngineMemory(engine, release_tuple(version))


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _number(value: Any) -> float | None:
    return (
        float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value <= 1 else None
    )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value not in ("", "auto") else None


def measure(
    facts: Facts, release: ReleaseEntry, instance: Instance, settings: dict[str, Setting], tensor_parallel: int
) -> FitResult | None:
    """The memory verdict at the merged settings; None where memory is not judged (no model, CPU image)."""
    if facts.shape is None or facts.model_name is None:
        return None
    engine = engine_memory(release)
    if engine is None:
        engine = EngineMemory("unknown", release_tuple(release.version))

    def value(name: str) -> Any:
        setting = settings.get(name)
        return None if setting is None else setting.value

    return estimate_fit(
        facts.shape,
        DeviceMemory(
            memory_mib=instance.accelerator_memory_mib,
            name=instance.accelerator_name,
            count=instance.accelerator_count,
            kind=instance.accelerator_kind,
        ),
        engine,
        tensor_parallel_size=tensor_parallel,
        max_model_len=_whole(value("max_model_len")),
        max_num_seqs=1,
        engine_max_num_seqs=_whole(value("max_num_seqs")),
        dtype=_text(value("dtype")),
        quantization=_text(value("quantization")),
        kv_cache_dtype=_text(value("kv_cache_dtype")),
        gpu_memory_utilization=_number(value("gpu_memory_utilization")) or default_utilization(release),
    )


def default_utilization(release: ReleaseEntry) -> float | None:
    """The engine's own default share of GPU memory in a release; None = sizing decides."""
    from ..settings import default_at

    entry = release.framework
    hit = table_for(entry, "cuda").find("gpu_memory_utilization")
    default = default_at(hit[0], release.version) if hit else None
    return float(default) if isinstance(default, (int, float)) else None


def round_context(tokens: int) -> int:
    """A context length people would write: a multiple of 1024 above 2048, of 16 below."""
    return tokens // 1024 * 1024 if tokens >= 2048 else tokens // 16 * 16


def evaluate(facts: Facts, release: ReleaseEntry, build: Build, instance: Instance) -> Evaluation:
    """Evaluate one release's build on one instance type."""
    request, registry = facts.request, facts.registry
    needs, table, users, upper, skipped = _prepare(facts, release, build)
    verdict = _judge(needs, build, release, instance, request, registry)
    defaults = _defaults(facts, table, release, build, instance)
    settings = merge([*defaults, *upper])
    fit = None
    if build.accelerator.type == "cuda" and instance.accelerator_kind == "cuda" and facts.model_name:
        tensor_parallel = _whole(settings["tensor_parallel_size"].value) if "tensor_parallel_size" in settings else 1
        fit = measure(facts, release, instance, settings, tensor_parallel or 1)
        context = _default_context(facts, table, release, settings, fit)
        if context is not None:
            settings = merge([*defaults, context, *upper])
            shorter = context[1].value != facts.context
            if shorter and settings["max_model_len"].source == "Generator_Default":
                fit = measure(facts, release, instance, settings, tensor_parallel or 1)
    extra = _model_variables(facts, table)
    env, unwritable = write_environment(
        settings, users, table, release.version, extra, validate=request.validate_env_vars
    )
    candidate = Candidate(
        registry=registry,
        request=request,
        release=release,
        build=build,
        needs=needs,
        instance=instance,
        table=table,
        image_title=title_of(release),
        match=facts.match,
        architecture=None,
        chat=facts.chat,
        user=users,
        settings=settings,
        skipped=skipped,
        unwritable=unwritable,
        env_count=len(env),
        env_bytes=sum(len(k.encode()) + len(v.value.encode("utf-8", "replace")) for k, v in env.items()),
        shape=facts.shape,
        fit=fit,
        context=facts.context,
        model_name=facts.model_name,
        model_file=facts.match.file if facts.match else "",
        model_profile=facts.model_profile,
        inference_ami_version=verdict.host.ami_name if verdict.host is not None else None,
    )
    findings = [*verdict.findings]
    for rule in candidate_rules():
        findings += rule.check(candidate)
    if request.validate_env_vars:
        for rule in user_setting_rules():
            findings += rule.check(candidate)
    return Evaluation(candidate, verdict, env, sort_findings(findings))


Prepared = tuple[ImageNeeds, Table, tuple[UserSetting, ...], Layers, tuple[Skipped, ...]]


def _prepare(facts: Facts, release: ReleaseEntry, build: Build) -> Prepared:
    """What does not depend on the instance type; worked out once per request and build."""
    key = (release.framework.id, release.version, build.source, build.tag)
    prepared: Prepared | None = facts.prepared.get(key)
    if prepared is not None:
        return prepared
    table = table_for(release.framework, build.accelerator.type, build.source, facts.registry)
    users = read_user_settings(facts.request, table, release.version)
    profile = facts.framework_profile
    if profile and profile not in entry_profiles(release.framework, release.version, build.accelerator.type):
        profile = None
    asked = registry_layers(release, profile, facts.match, facts.model_profile)
    kept, skipped = drop_unknown(asked, table, release.version)
    split = [i for i, (_, o) in enumerate(kept) if o.source in ("Model_Registry", "Model_Profile")]
    at = split[0] if split else len(kept)
    hub = [
        (name, Origin(value, "HuggingFace_Hub_API", "", f"hub.{name}"))
        for name, value in facts.hub_settings
        if table.find(name)
    ]
    upper = [*kept[:at], *hub, *kept[at:], *user_layers(users)]
    prepared = facts.prepared[key] = (image_needs(release, build), table, users, upper, tuple(skipped))
    return prepared


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


def _defaults(
    facts: Facts, table: Table, release: ReleaseEntry, build: Build, instance: Instance
) -> list[tuple[str, Origin]]:
    """What the generator sets when nobody else does: parallelism by the GPUs, float16 where bf16 is missing."""
    rows: list[tuple[str, Origin]] = []
    if build.accelerator.type != "cuda" or instance.accelerator_kind != "cuda":
        return rows
    if _has(table, "tensor_parallel_size", release.version):
        heads = facts.shape.num_attention_heads if facts.shape else None
        size = default_tensor_parallel_size(instance.accelerator_count, heads)
        reason = f"GPUs of {instance.type}: {instance.accelerator_count}"
        rows.append(("tensor_parallel_size", Origin(size, "Generator_Default", "", "instance_type", reason)))
    gpu = facts.registry.gpus.get(instance.accelerator_name or "")
    if (
        gpu is not None
        and not gpu.bf16
        and _has(table, "dtype", release.version)
        and (facts.shape is None or facts.shape.default_dtype in (None, "bfloat16"))
    ):
        reason = f"the {instance.accelerator_name} has no bfloat16"
        rows.append(("dtype", Origin("float16", "Generator_Default", "", "instance_type", reason)))
    if facts.has_chat_template and _has(table, "chat_template", release.version):
        rows.append(("chat_template", Origin(CHAT_TEMPLATE_PATH, "Generator_Default", "", "chat_template")))
    if facts.revision and table.revision_env:
        rows.append(("revision", Origin(facts.revision, facts.revision_source, "", "model_revision")))
    return rows


def _has(table: Table, name: str, version: str) -> bool:
    hit = table.find(name)
    return hit is not None and hit[0].env is not None and exists_in(hit[0], version)


def _default_context(
    facts: Facts, table: Table, release: ReleaseEntry, settings: dict[str, Setting], fit: FitResult | None
) -> tuple[str, Origin] | None:
    """``max_model_len`` when nobody set it: the smaller of the model's context and what fits."""
    if fit is None or not facts.context or not _has(table, "max_model_len", release.version):
        return None
    largest = fit.max_model_len
    if fit.fits is True or largest is None:
        value, reason = facts.context, "the model's context"
    else:
        value = max(round_context(min(largest, facts.context)), min(facts.context, 16))
        reason = "what fits the GPU's memory"
        if value < min(facts.context, 2048):
            return None
    return "max_model_len", Origin(value, "Generator_Default", "", "instance_type", reason)


def _model_variables(facts: Facts, table: Table) -> dict[str, EnvVar]:
    """The variable that names the model for the engine."""
    if not table.model_env or facts.model_name is None:
        return {}
    source = "User_Input" if facts.request.is_given("model_name") else "Generator_Default"
    value = facts.model_name if facts.model_kind == "hub" else "/opt/ml/model"
    return {table.model_env: EnvVar(value, source, "model")}


def without_field(evaluation: Evaluation, name: str) -> Evaluation:
    """The evaluation without findings of one rule name."""
    return replace(evaluation, findings=tuple(f for f in evaluation.findings if f.name != name))
