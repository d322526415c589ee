"""Choosing a release, a build and an instance type: candidates in order, the first that passes wins."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..checks.kinds import checker_for
from ..errors import Fact, Finding
from ..models.plan import Candidate as Looked
from ..models.plan import Candidates
from .auto import Search, cheapest_that_fits, look
from .evaluate import Evaluation, Facts, evaluate
from .releases import is_allowed, is_published

if TYPE_CHECKING:
    from ..models.framework import Build
    from ..registry import Instance, Registry, ReleaseEntry

RUNNERS_UP = 2
"""How many types beside the winner are named with their reason."""

PASSED_OVER = 4
"""How many of the cheaper types before the winner are named with their reason."""

__all__ = ["Chosen", "builds_for", "cheapest_that_fits", "choose"]


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
        there = is_published(release, candidate.build, request.region) and is_allowed(
            release, candidate.build, request.region, facts.registry
        )
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


def _choose_instance(facts: Facts, release: ReleaseEntry) -> Chosen | None:
    builds = builds_for(release, facts.request.image_source, None, facts.request.region, facts.registry)
    if not builds:
        return None
    search = Search.of(facts, release, builds[0])
    fewest: Evaluation | None = None
    at = 0
    for position, evaluation in search.placed():
        if evaluation.avoided == 0:
            return Chosen(evaluation, _looked(search, evaluation, position, RUNNERS_UP))
        if fewest is None or evaluation.avoided < fewest.avoided:
            fewest, at = evaluation, position
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
        return Chosen(fewest, _looked(search, fewest, at), (finding,))
    refused = search.least_refused()
    if refused is None:
        return None
    at, evaluation = refused
    return Chosen(evaluation, _looked(search, evaluation, at))


def _looked(search: Search, chosen: Evaluation, position: int, others: int = 0) -> Candidates:
    """The chosen type, types that would do as well, and the last cheaper ones that were passed over."""

    def make() -> list[Looked]:
        after = search.runners_up(position, others) if others else []
        return [look(chosen), *after, *search.passed_over(position, PASSED_OVER)]

    return Candidates(make)
