"""What to change when a model does not fit the type somebody named: quantised, shorter, or the next type."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ..checks.memory import SHORTEST_CONTEXT
from ..errors import Finding
from ..quantized import copies_of, quantized_name, quantized_shape
from ..settings import choices_at, exists_in
from .evaluate import measure, round_context

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


def complete_hints(findings: list[Finding], facts: Facts, evaluation: Evaluation) -> list[Finding]:
    """The refusals of a model that does not fit, with the smallest changes that would; other findings as they are."""

    def is_meant(finding: Finding) -> bool:
        return finding.name == "model-does-not-fit" and finding.severity == "error" and bool(finding.facts)

    if not any(is_meant(f) for f in findings):
        return findings
    from .auto import cheapest_that_fits

    candidate = evaluation.candidate
    parts = quantized_ways(facts, evaluation)
    types = cheapest_that_fits(facts, candidate.release, candidate.build)
    if types:
        parts.append(f"it fits {', '.join(types)}")
    elif not parts:
        parts.append("it fits no listed type, and no quantised variant that would fit is known")
    else:
        parts.append("it fits no listed type as it is")
    return [replace(f, hint="; ".join(filter(None, [f.hint, *parts]))) if is_meant(f) else f for f in findings]


def quantized_ways(facts: Facts, evaluation: Evaluation) -> list[str]:
    """Quantised variants that fit the candidate's type: the engine's own setting, then known repositories."""
    candidate = evaluation.candidate
    shape, instance = facts.shape, candidate.instance
    if shape is None or instance.accelerator_kind != "cuda":
        return []
    from .prepare import prepare

    prepared = replace(prepare(facts, candidate.release, candidate.build), fits={})
    ranks = candidate.value("tensor_parallel_size") or 1
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
