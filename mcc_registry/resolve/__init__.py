"""From a request to a plan: list candidates, ask the checks, choose, explain. Never opens files or the network."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import replace
from types import ModuleType
from typing import TYPE_CHECKING, Any

from ..answer_forms import model_kind
from ..checks.ami import AmiName
from ..checks.compat import InstanceTypeKnown
from ..checks.request import RULES as REQUEST_RULES
from ..checks.request import Asked
from ..errors import Fact, Finding, MccError, listing, nearest, printable, sort_findings
from ..models.plan import Plan, order_sources
from ..models.request import ANSWER_NAMES, Request
from ..versions import find_numbers, major_minor
from .asked import read_request
from .auto import ami_kind
from .choose import Chosen, choose
from .evaluate import Facts
from .facts import gather_facts
from .merge import entry_profiles
from .releases import ReleaseChoice, image_host, list_releases, malformed_version

if TYPE_CHECKING:
    from ..registry import FrameworkEntry, Registry, ReleaseEntry

__all__ = ["Request", "resolve"]


def resolve(
    request: Request,
    registry: Registry,
    *,
    hub: Any = None,
    docker: Any = None,
    chat_template_text: str | None = None,
    findings: Iterable[Finding] = (),
) -> Plan:
    """The plan for a request.

    Args:
        request: what somebody asks for; a field of a wrong type or form is a finding, as in an answers file.
        registry: the registries.
        hub: facts of the Hugging Face Hub (``hub.HubFacts``), or None.
        docker: facts of an inspected image (``docker.ImageFacts``), a list of them, or None; they win over the
            registry's row of that image, and a difference is a finding.
        chat_template_text: the text of the user's chat template file, when ``chat_template`` is a path.
        findings: findings of earlier steps (parsing, fetching); they become part of the plan.

    Returns:
        A plan; refused when a finding is an error, and then it shows what was decided before.
    """
    request, problems = read_request(request)
    findings = [*findings, *problems]
    return _resolve(
        request, registry, hub=hub, docker=docker, chat_template_text=chat_template_text, findings=findings
    )


class _Room(ModuleType):
    """The module made callable: importing the room sets ``mcc_registry.resolve``, which is the public function's name."""

    def __call__(self, *args: Any, **options: Any) -> Plan:
        return resolve(*args, **options)


sys.modules[__name__].__class__ = _Room


def _resolve(
    request: Request,
    registry: Registry,
    *,
    hub: Any,
    docker: Any,
    chat_template_text: str | None,
    findings: Iterable[Finding],
) -> Plan:
    early = [*findings]
    asked = Asked(request, registry)
    for rule in REQUEST_RULES:
        early += rule.check(asked)
    if request.instance_type != "auto":
        early += InstanceTypeKnown().check((request.instance_type, registry))
    if request.inference_ami_version not in ("auto", "default"):
        early += AmiName().judge(request.inference_ami_version, request.deployment_target, registry)
    stamp = registry.stamp()
    server = request.effective_model_server
    if (
        request.framework not in registry.framework_names()
        or server not in registry.framework_servers(request.framework)
        or request.framework_id not in registry.frameworks
    ):
        early += malformed_version(request.framework_version.strip())
        return Plan(request, sort_findings(early), registry=stamp)
    entry = registry.frameworks[request.framework_id]
    facts, more = gather_facts(request, registry, hub=hub, chat_template_text=chat_template_text)
    early += more
    named = registry.find_instance(request.instance_type) if request.instance_type != "auto" else None
    kinds = {b.accelerator.type for version in entry.versions[:1] for b in entry[version].builds}
    wanted = named.accelerator_kind if named is not None else ami_kind(request, registry)
    choice = list_releases(request, entry, wanted if kinds != {"cpu"} else None)
    early += choice.findings
    inspected = None
    if docker is not None:
        from .images import Inspected

        inspected = Inspected.of(docker)
        choice = inspected.apply(choice, request.region)
    early += _policy_findings(request, registry)
    if not choice.releases:
        early += _wrong_settings(facts, entry)
        return Plan(request, sort_findings(early), model=_model_json(facts), registry=stamp)
    early += _profile_findings(request, facts, choice)
    fallback = choice.match == "specifier" and request.framework_version != "latest"
    if request.instance_type != "auto" and named is None:
        substitute = replace(facts, request=replace(request, instance_type="auto", given=request.given))
        chosen = choose(substitute, choice.releases, fallback=fallback)
        from .ways_out import accelerator_advice

        early += accelerator_advice(facts, choice.releases[0])
        if chosen is not None:
            early += [f for f in chosen.evaluation.findings if f.field == "env_vars"]
            early = _with_ways_out(early, substitute, chosen, choice.releases)
        return Plan(request, sort_findings(early), model=_model_json(facts), registry=stamp)
    chosen = choose(facts, choice.releases, fallback=fallback)
    if chosen is None:
        early.append(_no_build(request, choice))
        return Plan(request, sort_findings(early), model=_model_json(facts), registry=stamp)
    candidate = chosen.evaluation.candidate
    if inspected is not None:
        early += inspected.findings(candidate.release, candidate.build)
    return _plan(request, registry, facts, choice, chosen, early, stamp)


def _wrong_settings(facts: Facts, entry: FrameworkEntry) -> list[Finding]:
    """What is wrong with the settings whatever the release: judged on the recommended one, for a report that is complete."""
    request = facts.request
    if not request.env_vars:
        return []
    substitute = replace(
        request,
        framework_version="recommended",
        instance_type="auto",
        inference_ami_version="auto",
        framework_profile="default",
        given=request.given,
    )
    releases = list_releases(substitute, entry, None).releases[:1]
    chosen = choose(replace(facts, request=substitute), releases, fallback=False) if releases else None
    found = chosen.evaluation.findings if chosen is not None else []
    return [f for f in found if f.name in WRONG_ANYWHERE and f.severity == "error"]


WRONG_ANYWHERE = ("unknown-setting", "setting-type", "setting-range", "setting-fixed", "value-unquotable")
"""Faults of a setting that hardly depend on the release."""


NOT_DECIDING = ("project_name", "offline", "validate_env_vars", "validate_with_docker", "registry_path")
DECIDING = tuple(name for name in ANSWER_NAMES if name not in NOT_DECIDING)
"""Answers that decide something of the plan; only these make ``User_Input`` one of its sources."""


def _profile_findings(request: Request, facts: Facts, choice: ReleaseChoice) -> list[Finding]:
    """Profiles that do not exist for the release or the model."""
    found = []
    release = choice.releases[0]
    if request.framework_profile != "default" and (request.is_transformers or release.framework.data.profiles):
        kinds = {b.accelerator.type for r in choice.releases[:1] for b in r.builds} or {"cuda"}
        names = sorted({p for kind in kinds for p in entry_profiles(release.framework, release.version, kind)})
        if request.framework_profile not in names:
            found.append(
                _profile_missing(
                    "framework_profile",
                    request.framework_profile,
                    names,
                    release.framework.file,
                    f"{release.framework.id} {release.version}",
                )
            )
    if request.model_profile != "default" and request.is_transformers:
        names = sorted(facts.match.profiles) if facts.match is not None else []
        if request.model_profile not in names:
            file = facts.match.file if facts.match else "registries/models"
            found.append(
                _profile_missing("model_profile", request.model_profile, names, file, facts.model_name or "the model")
            )
    return found


def _profile_missing(field: str, name: str, names: list[str], file: str, what: str) -> Finding:
    near = nearest(name, names)
    hint = f"did you mean {near}?" if near else f"profiles: {listing(names)}" if names else f"leave {field} out"
    message = f"{field}: {what} has no profile {printable(name)}" if names else f"{field}: {what} has no profiles"
    return Finding(
        "MCC006",
        "error",
        field,
        message,
        hint,
        file,
        "does-not-apply",
        (Fact(f"it has {listing(names)}" if names else "it lists no profiles", file, "profiles"),),
    )


def _policy_findings(request: Request, registry: Registry) -> list[Finding]:
    """What a layer's allow-list forbids, with the layer's reason."""
    found = []
    asked = {
        "model_servers": ("model_server", request.effective_model_server),
        "regions": ("region", request.region),
        "instance_types": ("instance_type", request.instance_type),
    }
    for policy in registry.policy:
        for key, (field, value) in asked.items():
            if value == "auto" or policy.allows(key, value):
                continue
            found.append(
                Finding(
                    "MCC017",
                    "error",
                    field,
                    f"{field}: {printable(value)} is not allowed by {policy.layer}: {policy.reason}",
                    policy.hint(key),
                    policy.file,
                    "not-allowed",
                )
            )
    return found


def _no_build(request: Request, choice: ReleaseChoice) -> Finding:
    release = choice.releases[0]
    sources = sorted({b.source for b in release.builds})
    return Finding(
        "MCC211",
        "error",
        "image_source",
        f"{release.framework.id} {release.version} has no image from {request.image_source}",
        f"image sources: {listing(sources)}" if sources else "choose another release",
        release.file,
        "no-image",
        (Fact(f"sources: {listing(sources)}", release.file, f"releases[{release.version}].builds"),),
    )


def _no_image(error: MccError, release: ReleaseEntry) -> Finding:
    """Why the build has no image reference."""
    from ..registry import ImageReferenceError

    if isinstance(error, ImageReferenceError):
        hint = "correct the registry's rows: the build's tag, image_sources and regions.yaml"
        return Finding("MCC211", "error", "image_source", str(error), hint, release.file, "no-image")
    hint = "choose another region, or image_source=upstream"
    return Finding("MCC212", "error", "region", str(error), hint, release.file, "image-not-in-region")


def _plan(
    request: Request,
    registry: Registry,
    facts: Facts,
    choice: ReleaseChoice,
    chosen: Chosen,
    early: list[Finding],
    stamp: dict[str, Any],
) -> Plan:
    evaluation = chosen.evaluation
    candidate = evaluation.candidate
    release, build, instance = candidate.release, candidate.build, candidate.instance
    findings = [*early, *chosen.findings, *evaluation.findings]
    image: str | None = None
    try:
        image = release.image(build=build, region=request.region) if build.tag else None
    except MccError as error:
        findings.append(_no_image(error, release))
    findings += _image_policy(image, registry)
    fallback = choice.match == "specifier" and request.framework_version != "latest"
    releases = choice.releases if fallback else [release]
    findings = _with_ways_out(findings, facts, chosen, releases)
    ordered = sort_findings(findings)
    settings = {name: candidate.settings[name] for name in sorted(candidate.settings)}
    used = {s.source for s in settings.values()} | {e.source for e in evaluation.env_vars.values()}
    used.add("Framework_Registry")
    if facts.match is not None:
        used.add("Model_Registry")
    if any(request.is_given(name) for name in DECIDING):
        used.add("User_Input")
    if facts.chat_template_source in ("User_Input", "Model_Registry", "HuggingFace_Hub_API"):
        used.add(facts.chat_template_source)
    price = instance.price_usd_hour
    fit = candidate.fit
    version = find_numbers(build.accelerator.version)
    return Plan(
        request=request,
        findings=ordered,
        framework={
            "name": release.framework.id,
            "version": release.version,
            "requested": request.framework_version,
            "match": choice.match,
            "validation_level": release.data.validation_level if choice.match != "unlisted" else "unknown",
            "image_source": build.source,
            "accelerator": {
                "type": build.accelerator.type,
                "version": ".".join(map(str, major_minor(version))) if version else None,
            },
            "profile": facts.framework_profile,
            "confidence": evaluation.verdict.confidence,
        },
        model=_model_json(facts),
        instance_type=instance.type,
        inference_ami_version=evaluation.verdict.inference_ami_version,
        base_image=image,
        price_usd_hour=price,
        price_basis=instance.price_basis if price is not None else None,
        settings=settings,
        env_vars=evaluation.env_vars,
        sources=order_sources(used),
        fit=None if fit is None else fit_json(fit),
        candidates=chosen.looked,
        registry=stamp,
        chat_template_text=facts.chat_template_text if facts.has_chat_template else None,
        release=release,
        build=build,
        instance=instance,
        match=facts.match,
    )


def _with_ways_out(
    findings: list[Finding], facts: Facts, chosen: Chosen, releases: Iterable[ReleaseEntry]
) -> list[Finding]:
    """The findings with their hints completed; what works that out is imported for those that ask for it only."""
    if not any(f.wants or f.name == "model-does-not-fit" for f in findings):
        return findings
    from .ways_out import complete_hints

    return complete_hints(findings, facts, chosen.evaluation, releases)


def _image_policy(image: str | None, registry: Registry) -> list[Finding]:
    found = []
    for policy in registry.policy:
        if not image or policy.image_hosts is None:
            continue
        host = image_host(image)
        if not policy.allows("image_hosts", host):
            found.append(
                Finding(
                    "MCC017",
                    "error",
                    "image_source",
                    f"images from {host} are not allowed by {policy.layer}: {policy.reason}",
                    policy.hint("image_hosts"),
                    policy.file,
                    "not-allowed",
                )
            )
    return found


def fit_json(fit: Any) -> dict[str, Any]:
    """The memory figures of the ``fit`` contract, without its findings."""
    return {
        "fits": fit.fits,
        "required_gib": _round(fit.required_gib),
        "available_gib": _round(fit.available_gib),
        "weights_gib": _round(fit.weights_gib),
        "kv_cache_gib": _round(fit.kv_cache_gib),
        "overhead_gib": _round(fit.overhead_gib),
        "interval_gib": [_round(v) for v in fit.interval_gib] if fit.interval_gib else [None, None],
        "tensor_parallel_size": fit.tensor_parallel_size,
        "pipeline_parallel_size": fit.pipeline_parallel_size,
        "max_model_len": fit.max_model_len,
        "max_num_seqs": fit.max_num_seqs,
        "confidence": fit.confidence,
    }


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def _model_json(facts: Facts) -> dict[str, Any] | None:
    if facts.model_name is None:
        return None
    match = facts.match
    return {
        "id": facts.model_name,
        "match": match.match if match else ("hub" if facts.from_hub else "none"),
        "matched": match.matched if match else None,
        "family": match.family_id if match else None,
        "chat_template_source": facts.chat_template_source,
        "kind": model_kind(facts.model_name),
        "profile": facts.model_profile,
        "revision": facts.revision,
        "gated": facts.published.gated,
        "context": facts.context,
        "weights_gib": _published_gib(facts),
    }


def _published_gib(facts: Facts) -> float | None:
    """The model's bytes as published, in GiB: what a host downloads; None = unknown."""
    shape = facts.shape
    if shape is None:
        return None
    return _round(shape.weight_bytes / 2**30 if shape.weight_bytes else shape.weights_gib_as_shipped)
