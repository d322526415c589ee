"""Choosing a release, a build and an instance type: candidates in order, the first that passes wins."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..checks.kinds import checker_for
from ..errors import Fact, Finding
from ..models.plan import Candidate as Looked
from ..models.plan import Candidates
from .auto import Placed, Search, ami_kind, least_refused, look
from .evaluate import Evaluation, Facts, evaluate, is_avoided
from .releases import is_allowed, is_published, preference

if TYPE_CHECKING:
    from ..models.framework import Build
    from ..registry import Instance, Registry, ReleaseEntry

RUNNERS_UP = 2
"""How many types beside the winner are named with their reason."""

PASSED_OVER = 4
"""How many of the cheaper types before the winner are named with their reason."""

__all__ = ["Chosen", "builds_for", "choose", "passes_with"]


@dataclass(frozen=True, slots=True)
class Chosen:
    """The evaluation that won, the types looked at, and findings about the choice itself."""

    evaluation: Evaluation
    looked: Sequence[Looked] = ()
    findings: tuple[Finding, ...] = ()


def builds_for(
    release: ReleaseEntry,
    image_source: str,
    kind: str | None,
    region: str | None = None,
    registry: Registry | None = None,
) -> list[Build]:
    """The builds of a release that a request allows, best first.

    Args:
        release: the release.
        image_source: ``recommended``, ``aws`` or ``upstream``.
        kind: accelerator kind of a named instance type; builds of that kind come first; None = any, by the rank of their kinds.
        region: where the endpoint will be; builds that are published there come before others of their kind.
        registry: with a region, builds from hosts its layers' policies allow come before others of their kind.
    """
    builds = [b for b in release.builds if image_source in ("recommended", b.source)]

    def key(build: Build) -> tuple[int, int, int, int, int]:
        fits = 0 if kind is None or build.accelerator.type == kind else 1
        there = 0
        if region is not None:
            allowed = registry is None or is_allowed(release, build, region, registry)
            there = 0 if allowed and is_published(release, build, region) else 1
        named = 0 if build.tag else 1
        rank = checker_for(build.accelerator.type).rank
        return fits, rank, named, there, 0 if release.serves_sagemaker(build) else 1

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
    passing: Chosen | None = None
    for release in releases:
        if passing is not None and not _serves_better(facts, passing, release):
            break
        if request.instance_type == "auto":
            # where nothing passes, the closest type is worked out for the most preferred release only: it is the one shown
            chosen = _choose_instance(facts, release, closest=first is None)
        else:
            instance = facts.registry.find_instance(request.instance_type)
            assert instance is not None
            chosen = _choose_build(facts, release, instance)
        if chosen is None:
            continue
        if first is None:
            first = chosen
        candidate = chosen.evaluation.candidate
        there = is_published(release, candidate.build, request.region) and is_allowed(
            release, candidate.build, request.region, facts.registry
        )
        if chosen.evaluation.ok and there:
            if release.serves_sagemaker(candidate.build):
                return chosen
            if passing is None:
                passing = chosen
            if request.framework_version.strip() != "recommended":
                break
        elif passing is None and (not fallback or (there and not _worth_trying(chosen.evaluation))):
            break
    return passing or first


def _serves_better(facts: Facts, passing: Chosen, release: ReleaseEntry) -> bool:
    """Whether a later release may have an image that serves SageMaker unchanged, where the one that passes has none there.

    ``recommended`` sorts releases by the images they have; on some hosts only another one of them passes.
    """
    request, candidate = facts.request, passing.evaluation.candidate
    kind = None if request.instance_type == "auto" else candidate.instance.accelerator_kind
    mine, other = (preference(r, request.image_source, kind, request.region) for r in (candidate.release, release))
    return mine == other and other[2] == 0


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
    "tag-unknown",
)
"""Rules on model, instance and AMI whose error another release may not have.

A setting the user wrote is no reason to fall back to an older release: that is said instead.
"""


def _worth_trying(evaluation: Evaluation) -> bool:
    return any(f.severity == "error" and f.name in RELEASE_BOUND for f in evaluation.findings)


def _choose_build(facts: Facts, release: ReleaseEntry, instance: Instance) -> Chosen | None:
    best: Evaluation | None = None
    for build in builds_for(
        release, facts.request.image_source, instance.accelerator_kind, facts.request.region, facts.registry
    ):
        evaluation = evaluate(facts, release, build, instance)
        if evaluation.ok:
            return Chosen(evaluation)
        best = best or evaluation
    return Chosen(best) if best is not None else None


def _choose_instance(facts: Facts, release: ReleaseEntry, *, closest: bool) -> Chosen | None:
    """The cheapest type without error and warning on which one of the release's builds of the first kind runs.

    Args:
        facts: the request.
        release: the release.
        closest: where no type passes, find the one that comes closest; otherwise None says that none does.
    """
    request = facts.request
    kind = ami_kind(request, facts.registry)
    builds = builds_for(release, request.image_source, kind, request.region, facts.registry)
    if not builds:
        return None
    searches = [
        Search.of(facts, release, build) for build in builds if build.accelerator.type == builds[0].accelerator.type
    ]
    best: Placed | None = None
    least = (0, 0)
    for search in searches:
        for position, evaluation in search.placed():
            rank = (sum(1 for f in evaluation.findings if f.severity == "error"), evaluation.avoided)
            if best is None or rank < least:
                best, least = Placed(search, position, evaluation), rank
            if evaluation.avoided <= search.unavoidable():  # what is wrong beside the type is wrong on every type
                break
        if best is not None and least <= (0, search.unavoidable()):
            break
    if best is not None and best.evaluation.avoided == 0:
        return Chosen(best.evaluation, _looked(best, RUNNERS_UP))
    if best is not None:
        warnings = [f for f in best.evaluation.findings if is_avoided(f)]
        return Chosen(best.evaluation, _looked(best), (_compromise(best.evaluation, warnings),))
    refused = least_refused(searches) if closest else None
    if refused is None:
        return None
    return Chosen(refused.evaluation, _looked(refused), (_nothing_passes(refused.evaluation),))


def _compromise(evaluation: Evaluation, warnings: Iterable[Finding]) -> Finding:
    instance = evaluation.candidate.instance
    return Finding(
        "MCC203",
        "warning",
        "instance_type",
        f"no instance type is free of warnings; {instance.type} has the fewest",
        "name an instance_type to decide yourself",
        instance.file,
        "auto-with-warnings",
        tuple(Fact(w.message, w.source) for w in warnings),
    )


def _nothing_passes(evaluation: Evaluation) -> Finding:
    instance = evaluation.candidate.instance
    return Finding(
        "MCC217",
        "info",
        "instance_type",
        f"no instance type passes; {instance.type} is shown because it comes closest",
        "change what the errors name: no other type helps",
        instance.file,
        "auto-refused",
        tuple(Fact(f.message, f.source) for f in evaluation.findings if f.severity == "error"),
    )


def passes_with(facts: Facts, release: ReleaseEntry) -> Evaluation | None:
    """What another release comes to for the same request; None when it has no image there."""
    request = facts.request
    if request.instance_type == "auto":
        chosen = _choose_instance(facts, release, closest=False)
    else:
        instance = facts.registry.find_instance(request.instance_type)
        chosen = _choose_build(facts, release, instance) if instance is not None else None
    if chosen is None:
        return None
    build = chosen.evaluation.candidate.build
    there = is_published(release, build, request.region) and is_allowed(
        release, build, request.region, facts.registry
    )
    return chosen.evaluation if there else None


def _looked(chosen: Placed, others: int = 0) -> Candidates:
    """The chosen type, types that would do as well, and the last cheaper ones that were passed over."""

    def make() -> list[Looked]:
        search, position = chosen.search, chosen.position
        after = search.runners_up(position, others) if others else []
        return [look(chosen.evaluation), *after, *search.passed_over(position, PASSED_OVER)]

    return Candidates(make)
