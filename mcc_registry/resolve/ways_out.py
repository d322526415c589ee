"""What to change in a refused request: types, releases and variants of the model, each tried before it is named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from ..checks.compat import nearest_type
from ..checks.kinds import checker_for
from ..checks.memory import SHORTEST_CONTEXT
from ..errors import Fact, Finding, error_codes, listing, name_ways
from ..quantized import copies_of, quantized_name, quantized_shape
from ..settings import choices_at, exists_in
from ..versions import filter_versions
from .auto import Search, least_refused
from .choose import builds_for, passes_with
from .evaluate import measure, round_context, tensor_ranks

if TYPE_CHECKING:
    from ..registry import Instance, ModelMatch, Registry, ReleaseEntry
    from ..settings import Table
    from ..sizing import FitResult, ModelShape
    from .evaluate import Evaluation, Facts

LOAD_TIME = "fp8"
"""The quantisation engines apply while loading a 16-bit model; others need a checkpoint made for them.

Source: facts/memory.md section 5 (load-time fp8 of Llama 3.1 8B: 8.49 GiB).
"""

MOST_COPIES = 2


def known_copies(match: ModelMatch | None, name: str) -> list[str]:
    """Quantised copies of a model that its family's rows name, as exact models or as names a pattern must match."""
    if match is None:
        return []
    rows = match.family
    names = [row.match for row in rows.models] + [name for row in rows.patterns for name in row.must_match]
    return copies_of(name, dict.fromkeys(names))


def copy_shape(registry: Registry, shape: ModelShape, copy: str) -> ModelShape:
    """The shape of a known quantised copy: its own row's where there is one, else the model's in the copy's format."""
    from .facts import shape_of

    match = registry.find_model(copy)
    if match is not None and match.match == "exact" and match.row.architecture is not None:
        own = shape_of(match.row.architecture, match.row.task)
        if own is not None:
            return own
    parts = quantized_name(copy)
    return quantized_shape(shape, parts.format) if parts is not None else shape


def loads_quantized(
    shape: ModelShape, table: Table, release: ReleaseEntry, instance: Instance, registry: Registry
) -> bool:
    """Whether the engine can quantise the model to fp8 while loading, and the GPU computes in it."""
    hit = table.find("quantization")
    gpu = registry.gpus.get(instance.accelerator_name or "")
    if shape.native_quantization is not None or hit is None or gpu is None or not gpu.fp8:
        return False
    if not exists_in(hit[0], release.version):
        return False
    choices = choices_at(hit[0], release.version)
    return choices is not None and LOAD_TIME in choices


def complete_hints(
    findings: list[Finding], facts: Facts, evaluation: Evaluation, releases: Iterable[ReleaseEntry]
) -> list[Finding]:
    """The findings with what their hints leave open: types, releases and variants that were tried and pass.

    Nothing is tried unless a finding asks for it, so a plan without such findings costs nothing here.

    Args:
        findings: all of them; a way out of one may leave the errors of the others.
        facts: the request.
        evaluation: the candidate the findings are about.
        releases: those the request allows, best first.
    """
    if not any(f.wants or _does_not_fit(f) for f in findings):
        return findings
    ways = Ways(facts, evaluation, findings, releases)
    return [ways.complete(finding) for finding in findings]


def _does_not_fit(finding: Finding) -> bool:
    return finding.name == "model-does-not-fit" and finding.severity == "error" and bool(finding.facts)


MOST_TYPES = 3
"""How many types a hint names."""


class Ways:
    """What else passes for a request, tried when a hint asks for it.

    "Passes" means: with this change, no finding is an error but those that stand against the request anyway.
    """

    def __init__(
        self, facts: Facts, evaluation: Evaluation, findings: Iterable[Finding], releases: Iterable[ReleaseEntry]
    ) -> None:
        self.facts = facts
        self.evaluation = evaluation
        self.findings = [f for f in findings if f.severity == "error"]
        self.releases = tuple(releases)

    def complete(self, finding: Finding) -> Finding:
        """A finding with its hint completed."""
        if _does_not_fit(finding):
            return replace(finding, hint="; ".join(filter(None, [finding.hint, *self._memory(finding)])))
        if not finding.wants:
            return finding
        what, _, spec = finding.wants.partition(" ")
        if what == "types":
            types = self.types(finding)
            return name_ways(
                finding, f"choose for example {listing(t.type for t in types)}" if types else self.none()
            )
        releases = self.passing_releases(finding, spec)
        if what == "release" and releases:
            return name_ways(finding, f"framework_version={releases[-1]}")
        if releases:
            return name_ways(finding, f"choose one of {listing(releases)}")
        on = self.facts.request.instance_type
        return name_ways(finding, "no such release passes" + (f" on {on}" if on != "auto" else ""))

    def types(self, finding: Finding, *, surely: bool = False) -> list[Instance]:
        """The cheapest types that pass with the first release that passes on any, those ``auto`` prefers first.

        With ``surely`` only those whose memory is known to suffice.
        """
        may_stay = error_codes(self.findings, finding)
        for release in self.releases:
            types = passing_types(self._searches(release), may_stay, surely=surely)
            if types:
                return types
        return []

    def _searches(self, release: ReleaseEntry) -> list[Search]:
        """One search over all types for each build of a release that could take the candidate's place."""
        request, kind = self.facts.request, self.evaluation.candidate.build.accelerator.type
        builds = builds_for(release, request.image_source, kind, request.region, self.facts.registry)
        return [Search.of(self.facts, release, build) for build in builds if build.accelerator.type == kind]

    def none(self) -> str:
        """That no type passes, and what stands against the one that comes closest."""
        ami = self.facts.request.inference_ami_version
        with_ami = f" with {ami}" if ami not in ("auto", "default") else ""
        closest = least_refused(self._searches(self.evaluation.candidate.release))
        if closest is None or closest.evaluation.ok:
            word = checker_for(self.evaluation.candidate.build.accelerator.type).word
            return f"no listed {word} type passes{with_ami}"
        evaluation = closest.evaluation
        words = next((f.message for f in evaluation.findings if f.severity == "error"), "")
        return f"no listed type passes; {evaluation.candidate.instance.type} comes closest" + (
            words and f" ({words})"
        )

    def passing_releases(self, finding: Finding, spec: str) -> list[str]:
        """The releases of a specifier that pass with the type, source and AMI asked for, newest first."""
        entry = self.evaluation.candidate.release.framework
        may_stay = error_codes(self.findings, finding)
        found = []
        for version in filter_versions(entry.versions, spec):
            other = passes_with(self.facts, entry[version])
            if other is not None and error_codes(other.findings) <= may_stay:
                found.append(version)
        return found

    def _memory(self, finding: Finding) -> list[str]:
        """Quantised variants that fit here, and types on which the model fits as it is."""
        parts = quantized_ways(self.facts, self.evaluation)
        types, doubtful = self.types(finding, surely=True), False
        if not types:
            types, doubtful = self.types(finding), True
        named = ", ".join(f"{t.type} ({t.price_usd_hour:.2f} USD/h)" for t in types)
        if types:
            parts.append(f"it may fit {named}: nobody can say" if doubtful else f"it fits {named}")
        elif not parts:
            parts.append("it fits no listed type, and no quantised variant that would fit is known")
        else:
            parts.append("it fits no listed type as it is")
        return parts


def passing_types(searches: Iterable[Search], may_stay: Counter[str], *, surely: bool = False) -> list[Instance]:
    """The cheapest types one of the searches finds to pass, those without a warning ``auto`` avoids first.

    Args:
        searches: builds before all types.
        may_stay: codes of errors that stand against every type.
        surely: leave out types whose memory nobody can judge, or only nearly.
    """
    found: dict[str, tuple[bool, float, Instance]] = {}
    for search in searches:
        for position, number in enumerate(search.listed.group):
            evaluation = search.judge(number)
            instance = search.listed.types[position]
            if evaluation is None or not error_codes(evaluation.findings) <= may_stay:
                continue
            if instance.accelerator_kind != search.build.accelerator.type:
                continue  # it runs there, and pays for what it does not use
            fit = evaluation.candidate.fit
            if surely and (fit is None or fit.fits is not True):
                continue
            rank = (evaluation.avoided > 0, instance.price_usd_hour or 0.0, instance)
            found[instance.type] = min(found.get(instance.type, rank), rank, key=lambda r: r[:2])
    return [instance for *_, instance in sorted(found.values(), key=lambda r: r[:2])[:MOST_TYPES]]


def accelerator_advice(facts: Facts, release: ReleaseEntry) -> list[Finding]:
    """What kind of type the image needs, said beside an unknown instance type, with types that pass."""
    request, entry = facts.request, release.framework
    builds = builds_for(release, request.image_source, None, request.region, facts.registry)
    near = facts.registry.find_instance(nearest_type(request.instance_type, facts.registry) or "")
    meant = request.instance_type.lower() == "auto" or (
        near is not None and any(build.accelerator.type == near.accelerator_kind for build in builds)
    )
    if not builds or meant or builds[0].accelerator.type == "cpu":
        return []  # the nearest name is of the right kind: a misspelling and nothing else
    word = checker_for(builds[0].accelerator.type).word
    return [
        Finding(
            "MCC103",
            "error",
            "instance_type",
            f"{entry.id} needs an instance type with {word}",
            f"choose a type with {word}",
            entry.file,
            "accelerator-mismatch",
            (Fact(f"its images are built for {word}", entry.file, "releases"),),
            wants="types",
        )
    ]


def quantized_ways(facts: Facts, evaluation: Evaluation) -> list[str]:
    """Quantised variants that fit the candidate's type: the engine's own setting, then known repositories."""
    candidate = evaluation.candidate
    shape, instance = facts.shape, candidate.instance
    if shape is None or instance.accelerator_kind != "cuda":
        return []
    from .prepare import prepare

    prepared = replace(prepare(facts, candidate.release, candidate.build), fits={})
    ranks = tensor_ranks(candidate.settings, instance)
    asked = candidate.settings.get("max_model_len")
    free = asked is None or asked.source == "Generator_Default"

    def fits(other: ModelShape) -> str | None:
        prepared.fits.clear()
        fit = measure(replace(facts, shape=other), prepared, instance, candidate.settings, ranks)
        return fit_words(fit, facts.context, free=free)

    found = []
    if candidate.settings.get("quantization") is None and loads_quantized(
        shape, candidate.table, candidate.release, instance, facts.registry
    ):
        words = fits(quantized_shape(shape, LOAD_TIME))
        if words is not None:
            found.append(f"quantization {LOAD_TIME} fits here{words}")
    for copy in known_copies(facts.match, facts.model_name or ""):
        words = fits(copy_shape(facts.registry, shape, copy))
        if words is not None:
            found.append(f"model_name {copy} fits here{words}")
        if len(found) > MOST_COPIES:
            break
    return found


def fit_words(fit: FitResult | None, context: int | None, *, free: bool) -> str | None:
    """The condition under which a variant fits, "" for none; None when it does not."""
    if fit is None:
        return None
    if fit.fits is True:
        return ""
    largest = fit.max_model_len or 0
    if free and largest >= min(context or SHORTEST_CONTEXT, SHORTEST_CONTEXT):
        return f" with max_model_len {round_context(largest)}"
    return None
