"""What a request and a build decide before any instance type is looked at; worked out once per request and build."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..checks import candidate_rules, user_setting_rules
from ..checks.base import ImageNeeds, needs_of
from ..env_text import text_of
from ..models.plan import EnvVar, Origin, Setting
from ..settings import default_at, exists_in, table_for, write_setting
from ..sizing import EngineMemory, default_gpu_memory_utilization
from ..versions import release_tuple
from .merge import Layers, drop_unknown, entry_profiles, merge, read_user_settings, registry_layers, user_layers

if TYPE_CHECKING:
    from ..checks.base import Rule
    from ..checks.candidate import Candidate, Skipped, UserSetting
    from ..errors import Finding
    from ..models.framework import Build
    from ..registry import Registry, ReleaseEntry
    from ..settings import Table
    from ..sizing import FitResult
    from .evaluate import Facts

DEFAULTED = ("tensor_parallel_size", "dtype", "max_model_len", "chat_template")
"""Settings the generator may set by itself, where the release has them."""


@dataclass(slots=True)
class Prepared:
    """What holds for one build on every instance type.

    Attributes:
        needs: what the image needs from a host.
        table: the parameter table.
        users: the user's ``env_vars`` with their meaning.
        upper: what every source but the generator's defaults asks for, lowest precedence first.
        settings: the same, merged.
        skipped: registry settings the release does not know.
        defaulted: those of :data:`DEFAULTED` the release has.
        staged: whether the release has pipeline stages.
        engine: the engine whose memory habits count.
        utilization: its own default share of GPU memory.
        model_variables: the variable that names the model.
        own_variables: the user's variables that are no settings.
        fits: memory verdicts by device and settings.
        said: the rules to ask about each type, and in between what the others found; empty before the first type.
        notes: what rules keep for the next type (``Candidate.notes``).
        fixed_bytes: what those two count against SageMaker's limit.
        written: how the image reads the merged settings, by name.
    """

    needs: ImageNeeds
    table: Table
    users: tuple[UserSetting, ...]
    upper: Layers
    settings: dict[str, Setting]
    skipped: tuple[Skipped, ...]
    defaulted: frozenset[str]
    staged: bool
    engine: EngineMemory
    utilization: float | None
    model_variables: dict[str, EnvVar]
    own_variables: dict[str, EnvVar]
    fixed_bytes: int
    rules: tuple[Rule[Candidate], ...]
    fits: dict[Any, FitResult] = field(default_factory=dict)
    said: list[Rule[Candidate] | tuple[Finding, ...]] = field(default_factory=list)
    notes: dict[str, Any] = field(default_factory=dict)
    written: dict[str, Written] = field(default_factory=dict)


def title_of(release: ReleaseEntry) -> str:
    """``vllm 0.30.0``: the entry's id and the version, as the user writes them."""
    return f"{release.framework.id} {release.version}"


def image_needs(release: ReleaseEntry, build: Build) -> ImageNeeds:
    """What a build needs from its host."""
    return needs_of(
        build,
        title=title_of(release),
        file=release.file,
        key=f"releases[{release.version}].builds[{build.source} {build.tag or 'tag unknown'}].accelerator",
    )


def engine_memory(release: ReleaseEntry) -> EngineMemory | None:
    """The engine whose memory habits count; None for servers sizing knows nothing about."""
    engine = release.framework.data.engine_of or release.framework.id
    version = release.data.engine.get(engine, release.version)
    if engine not in ("vllm", "sglang"):
        return None
    return EngineMemory(engine, release_tuple(version))


def default_utilization(release: ReleaseEntry) -> float | None:
    """The engine's own default share of GPU memory in a release; None = sizing decides.

    A server that hands the setting on states no default of its own (LMI): the engine inside decides.
    Source: facts/engines.yaml, lmi gpu_memory_utilization (null); facts/memory.yaml overheads.defaults.
    """
    hit = table_for(release.framework, "cuda").find("gpu_memory_utilization")
    default = default_at(hit[0], release.version) if hit else None
    if isinstance(default, (int, float)):
        return float(default)
    engine = engine_memory(release)
    return default_gpu_memory_utilization(engine) if hit and engine is not None else None


def prepare(facts: Facts, release: ReleaseEntry, build: Build) -> Prepared:
    """What does not depend on the instance type."""
    key = (release.framework.id, release.version, build.source, build.tag, build.accelerator.version)
    prepared: Prepared | None = facts.prepared.get(key)
    if prepared is not None:
        return prepared
    request = facts.request
    table = table_for(release.framework, build.accelerator.type, build.source, facts.registry)
    users = read_user_settings(request, table, release.version)
    profile = facts.framework_profile
    if profile and profile not in entry_profiles(release.framework, release.version, build.accelerator.type):
        profile = None
    asked = registry_layers(release, profile, facts.match, facts.model_profile)
    kept, skipped = drop_unknown(asked, table, release.version, _inner_table(release, build, facts.registry))
    split = [i for i, (_, o) in enumerate(kept) if o.source in ("Model_Registry", "Model_Profile")]
    at = split[0] if split else len(kept)
    hub = [
        (name, Origin(value, "HuggingFace_Hub_API", "", f"hub.{name}"))
        for name, value in facts.hub_settings
        if table.find(name)
    ]
    upper = [*kept[:at], *hub, *kept[at:], *user_layers(users)]
    rules = candidate_rules()
    model_variables = _model_variables(facts, table)
    own_variables = _own_variables(users, validate=request.validate_env_vars)
    prepared = facts.prepared[key] = Prepared(
        needs=image_needs(release, build),
        table=table,
        users=users,
        upper=upper,
        settings=merge(upper),
        skipped=tuple(skipped),
        defaulted=frozenset(name for name in DEFAULTED if _has(table, name, release.version)),
        staged=_has(table, "pipeline_parallel_size", release.version),
        engine=engine_memory(release) or EngineMemory("unknown", release_tuple(release.version)),
        utilization=default_utilization(release),
        model_variables=model_variables,
        own_variables=own_variables,
        fixed_bytes=sum(byte_size(n, v.value) for n, v in [*model_variables.items(), *own_variables.items()]),
        rules=(*rules, *user_setting_rules()) if request.validate_env_vars else rules,
    )
    return prepared


def _inner_table(release: ReleaseEntry, build: Build, registry: Registry) -> tuple[Table, str] | None:
    """The table and release of the engine inside a server that passes settings on to it; None without one."""
    data, engines = release.framework.data, release.data.engine
    if not data.engine_of or data.engine_of not in engines or data.engine_of not in registry.frameworks:
        return None
    entry = registry.frameworks[data.engine_of]
    return table_for(entry, build.accelerator.type, build.source), engines[data.engine_of]


def _has(table: Table, name: str, version: str) -> bool:
    hit = table.find(name)
    return hit is not None and hit[0].env is not None and exists_in(hit[0], version)


def _model_variables(facts: Facts, table: Table) -> dict[str, EnvVar]:
    """The variable that names the model for the engine."""
    if not table.model_env or facts.model_name is None:
        return {}
    source = "User_Input" if facts.request.is_given("model_name") else "Generator_Default"
    value = facts.model_name if facts.model_kind == "hub" else "/opt/ml/model"
    return {table.model_env: EnvVar(value, source, "model")}


def _own_variables(users: Iterable[UserSetting], *, validate: bool) -> dict[str, EnvVar]:
    """The user's variables that are passed on as they are, by name."""
    return {
        user.written: EnvVar(text_of("" if user.raw is None else user.raw), "User_Input")
        for user in sorted(users, key=lambda u: u.written)
        if user.name.kind == "variable" or (user.name.kind == "unknown" and not validate)
    }


def complete(prepared: Prepared, defaults: Layers) -> dict[str, Setting]:
    """The merged settings with the generator's defaults below everything else."""
    settings = dict(prepared.settings)
    for name, origin in defaults:
        settings[name] = lay_below(prepared, name, origin)
    return settings


def lay_below(prepared: Prepared, name: str, origin: Origin) -> Setting:
    """A setting with a default of the generator below what every other source asks for."""
    above = prepared.settings.get(name)
    if above is None:
        return Setting(origin.value, origin.source, (), origin.file, origin.key, origin.reason)
    return Setting(above.value, above.source, (*above.overrode, origin), above.file, above.key, above.reason)


def write_environment(
    prepared: Prepared, settings: dict[str, Setting], version: str
) -> tuple[dict[str, EnvVar], dict[str, str], int]:
    """The lines of ``container.env`` in a stable order, settings the image cannot be told, and the bytes of the lines.

    Order: the model first, then settings by name, then the user's other variables by name.
    """
    env = dict(prepared.model_variables)
    size = prepared.fixed_bytes
    unwritable: dict[str, str] = {}
    upper, known = prepared.settings, prepared.written
    for name in sorted(settings):
        if name in upper:  # the value is the same on every instance type
            written = known.get(name, MISSING)
            if written is MISSING:
                written = known[name] = _write(prepared, name, settings[name], version)
        else:
            written = _write(prepared, name, settings[name], version)
        if isinstance(written, str):
            unwritable[name] = written
        elif written is not None:
            env[written[0]] = written[1]
            size += written[2]
    env.update(prepared.own_variables)
    return env, unwritable, size


Written = tuple[str, EnvVar, int] | str | None
"""A variable with its line and their bytes; why the image cannot be told; or None when nothing is written."""

MISSING: Any = object()


def _write(prepared: Prepared, name: str, setting: Setting, version: str) -> Written:
    table = prepared.table
    hit = table.find(name)
    if hit is None or table.names_model(hit[0]):
        return None
    written = write_setting(table, hit[0], setting.value, version)
    if written is None or isinstance(written, str):
        return written
    variable, text = written
    return variable, EnvVar(text, setting.source, name, setting.reason), byte_size(variable, text)


def byte_size(name: str, text: str) -> int:
    """What a line of ``container.env`` counts against SageMaker's limit."""
    return len(name.encode("utf-8", "replace")) + len(text.encode("utf-8", "replace"))
