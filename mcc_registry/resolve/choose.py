"""Choosing a release, a build and an instance type: candidates in order, the first that passes wins."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import Fact, Finding, listing
from ..models.plan import Candidate as Looked
from .evaluate import Evaluation, Facts, evaluate
from .releases import is_published

if TYPE_CHECKING:
    from ..models.framework import Build
    from ..registry import Instance, ReleaseEntry

RUNNERS_UP = 2
"""How many types beside the winner are named with their reason."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """The evaluation that won, the types looked at, and findings about the choice itself."""

    evaluation: Evaluation
    looked: tuple[Looked, ...] = ()
    findings: tuple[Finding, ...] = ()


def builds_for(release: ReleaseEntry, image_source: str, kind: str | None, region: str | None = None) -> list[Build]:
    """The builds of a release that a request allows, best first.

    Args:
        release: the release.
        image_source: ``recommended``, ``aws`` or ``upstream``.
        kind: accelerator kind of a named instance type; builds of that kind come first; None = any, CUDA before Neuron.
        region: where the endpoint will be; builds that are published there come before others of their kind.
    """
    builds = [b for b in release.builds if image_source in ("recommended", b.source)]
    order = {"cuda": 0, "cpu": 1, "neuron": 2}

    def key(build: Build) -> tuple[int, int, int, int]:
        fits = 0 if kind is None or build.accelerator.type == kind else 1
        there = 0 if region is None or is_published(release, build, region) else 1
        return fits, order[build.accelerator.type], there, 0 if release.serves_sagemaker(build) else 1

    return sorted(builds, key=key)


def choose(facts: Facts, releases: Iterable[ReleaseEntry], *, fallback: bool) -> Chosen | None:
    """The best candidate among releases in order of preference.

    Args:
        facts: what does not change between candidates.
        releases: best first; with ``fallback`` the first that passes wins, otherwise only the first is tried.
        fallback: whether later releases may be used when earlier ones do not pass.

    Returns:
        The winner; when none passes, the most preferred one with its errors; None when no build is allowed at all.
    """
    request = facts.request
    first: Chosen | None = None
    for release in releases:
        if request.instance_type == "auto":
            chosen = _choose_instance(facts, release)
        else:
            instance = facts.registry.find_instance(request.instance_type)
            assert instance is not None
            chosen = _choose_build(facts, release, instance)
        if chosen is None:
            continue
        if first is None:
            first = chosen
        candidate = chosen.evaluation.candidate
        there = is_published(release, candidate.build, request.region)
        if chosen.evaluation.ok and there:
            return chosen
        if not fallback or (there and not _worth_trying(chosen.evaluation)):
            break
    return first


RELEASE_BOUND = (
    "accelerator-mismatch",
    "cpu-architecture",
    "compute-capability",
    "driver-too-old",
    "driver-gpu",
    "no-ami-fits",
    "neuron-driver",
    "neuron-device",
    "model-unsupported",
    "model-does-not-fit",
)
"""Rules on model, instance and AMI whose error another release may not have.

A setting the user wrote is no reason to fall back to an older release: that is said instead.
"""


def _worth_trying(evaluation: Evaluation) -> bool:
    return any(f.severity == "error" and f.name in RELEASE_BOUND for f in evaluation.findings)


def _choose_build(facts: Facts, release: ReleaseEntry, instance: Instance) -> Chosen | None:
    best: Evaluation | None = None
    for build in builds_for(release, facts.request.image_source, instance.accelerator_kind, facts.request.region):
        evaluation = evaluate(facts, release, build, instance)
        if evaluation.ok:
            return Chosen(evaluation)
        best = best or evaluation
    return Chosen(best) if best is not None else None


def _candidates(facts: Facts, kind: str) -> Iterator[Instance]:
    """Types ``auto`` may choose: priced, x86_64, not for a custom purpose; cheapest first."""
    batch = facts.request.deployment_target == "batch"
    for instance in facts.registry.instances_by_price(kind):
        if instance.price_usd_hour is None or instance.architecture != "x86_64":
            continue
        if batch and not instance.transform:
            continue
        if not all(policy.allows("instance_types", instance.type) for policy in facts.registry.policy):
            continue
        yield instance


def _choose_instance(facts: Facts, release: ReleaseEntry) -> Chosen | None:
    builds = builds_for(release, facts.request.image_source, None, facts.request.region)
    if not builds:
        return None
    build = builds[0]
    kind = build.accelerator.type
    fewest: Evaluation | None = None
    refused: Evaluation | None = None
    looked: list[Looked] = []
    winner: Evaluation | None = None
    for instance in _candidates(facts, kind):
        evaluation = evaluate(facts, release, build, instance)
        looked.append(_look(evaluation))
        if winner is not None:
            if sum(1 for c in looked if c.verdict == "ok") > RUNNERS_UP:
                break
            continue
        if _misplaced(evaluation):
            if refused is None or _nearer(evaluation, refused):
                refused = evaluation
        elif evaluation.avoided == 0:
            winner = evaluation
        elif fewest is None or evaluation.avoided < fewest.avoided:
            fewest = evaluation
    if winner is not None:
        return Chosen(winner, _shortlist(looked, winner))
    if fewest is not None:
        warnings = [
            f
            for f in fewest.findings
            if f.severity == "warning" and f.field in ("instance_type", "inference_ami_version")
        ]
        finding = Finding(
            "MCC203",
            "warning",
            "instance_type",
            f"no instance type is free of warnings; {fewest.candidate.instance.type} has the fewest",
            "name an instance_type to decide yourself",
            fewest.candidate.instance.file,
            "auto-with-warnings",
            tuple(Fact(w.message, w.source) for w in warnings),
        )
        return Chosen(fewest, _shortlist(looked, fewest), (finding,))
    return Chosen(refused, _shortlist(looked, refused)) if refused is not None else None


INSTANCE_BOUND = (
    "accelerator-mismatch",
    "cpu-architecture",
    "compute-capability",
    "driver-too-old",
    "driver-gpu",
    "no-ami-fits",
    "ami-kind",
    "neuron-driver",
    "neuron-device",
    "tensor-parallel-devices",
    "model-does-not-fit",
    "no-bfloat16",
    "not-for-batch",
)
"""Rules whose error another instance type may not have; other errors say nothing about the type."""


def _misplaced(evaluation: Evaluation) -> bool:
    return any(f.severity == "error" and f.name in INSTANCE_BOUND for f in evaluation.findings)


def _nearer(one: Evaluation, other: Evaluation) -> bool:
    def errors(e: Evaluation) -> int:
        return sum(1 for f in e.findings if f.severity == "error")

    return errors(one) <= errors(other)


def _look(evaluation: Evaluation) -> Looked:
    instance = evaluation.candidate.instance
    concerns = [
        f
        for f in evaluation.findings
        if f.severity == "error"
        or (f.severity == "warning" and f.field in ("instance_type", "inference_ami_version"))
    ]
    verdict = "error" if _misplaced(evaluation) else "warning" if evaluation.avoided else "ok"
    reason = concerns[0].message if concerns else fit_words(evaluation)
    return Looked(instance.type, instance.price_usd_hour, verdict, reason)


def fit_words(evaluation: Evaluation) -> str:
    """Why a type would do, in one line."""
    candidate = evaluation.candidate
    fit = candidate.fit
    if fit is None or fit.required_gib is None or fit.available_gib is None:
        return "passes all checks"
    context = candidate.value("max_model_len")
    length = f", {context} tokens" if context else ""
    return f"needs {fit.required_gib:.1f} of {fit.available_gib:.1f} GiB{length}"


def _shortlist(looked: list[Looked], chosen: Evaluation | None) -> tuple[Looked, ...]:
    """The winner, two runners-up, and the cheaper types that were passed over (at most four)."""
    name = chosen.candidate.instance.type if chosen is not None else ""
    winner = [c for c in looked if c.instance_type == name]
    others = [c for c in looked if c.verdict == "ok" and c.instance_type != name][:RUNNERS_UP]
    cheaper = []
    for c in looked:
        if c.instance_type == name:
            break
        cheaper.append(c)
    return (*winner, *others, *cheaper[-4:])


def cheapest_that_fits(facts: Facts, release: ReleaseEntry, build: Build) -> list[str]:
    """The cheapest types on which a candidate passes without an error, for the hint of a refusal."""
    found = []
    for instance in _candidates(facts, build.accelerator.type):
        if evaluate(facts, release, build, instance).ok:
            found.append(f"{instance.type} ({instance.price_usd_hour:.2f} USD/h)")
            if len(found) == 3:
                break
    return found


def price_words(evaluation: Evaluation) -> str:
    """The list of types and prices in one line."""
    return listing([evaluation.candidate.instance.type])
