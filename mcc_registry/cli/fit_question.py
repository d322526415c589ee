"""What ``fit`` asks, judged on one type, and the ways out of a refusal."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ..errors import Finding, listing
from .console import money

if TYPE_CHECKING:
    from ..registry import Instance, Registry, ReleaseEntry
    from ..sizing import EngineMemory, FitResult, ModelShape

MOST_TYPES = 3
"""How many types a hint names."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, without the instance type."""

    model: str
    shape: ModelShape | None
    release: ReleaseEntry
    engine: EngineMemory
    args: Namespace
    model_file: str = ""
    others: tuple[ReleaseEntry, ...] = ()
    """Further releases the version allows, best first: taken on types where the first has no image that starts."""


def refusal(question: Question, instance: Instance, registry: Registry) -> Finding | None:
    """Why no image of the release runs on a type; None when one does. Memory is no use where nothing starts."""
    from ..checks.compat import judge
    from ..resolve.choose import builds_for
    from ..resolve.prepare import image_needs

    first: Finding | None = None
    for build in builds_for(question.release, "recommended", instance.accelerator_kind):
        verdict = judge(image_needs(question.release, build), instance, None, registry)
        errors = [f for f in verdict.findings if f.severity == "error"]
        if not errors:
            return None
        first = first or errors[0]
    return first


def on_type(question: Question, instance: Instance, registry: Registry) -> tuple[Question, Finding | None]:
    """The question for the best release that starts on a type, and None; where none does, itself and why not."""
    from ..resolve.prepare import engine_memory

    against = refusal(question, instance, registry) if instance.accelerator_kind == "cuda" else None
    if against is None:
        return question, None
    for release in question.others:
        engine = engine_memory(release)
        other = replace(question, release=release, engine=engine or question.engine, others=())
        if refusal(other, instance, registry) is None:
            return other, None
    return question, against


def estimate(question: Question, instance: Instance, shape: ModelShape | None = None, **changed: Any) -> FitResult:
    """The sizing verdict on one type; with another shape or argument, on a variant of the question."""
    from ..sizing import DeviceMemory, ModelShape, default_tensor_parallel_size, estimate_fit

    args = Namespace(**{**vars(question.args), **changed})
    shape = shape or question.shape or ModelShape()
    stages = args.pipeline_parallel_size or 1
    ranks = args.tensor_parallel_size or default_tensor_parallel_size(
        instance.accelerator_count // stages, shape.num_attention_heads
    )
    return estimate_fit(
        shape,
        DeviceMemory(
            memory_mib=instance.accelerator_memory_mib,
            name=instance.accelerator_name,
            count=instance.accelerator_count,
            kind=instance.accelerator_kind,
        ),
        question.engine,
        tensor_parallel_size=ranks,
        pipeline_parallel_size=stages,
        max_model_len=args.max_model_len,
        max_num_seqs=args.max_num_seqs or 1,
        engine_max_num_seqs=args.max_num_seqs,
        dtype=args.dtype,
        quantization=args.quantization,
        kv_cache_dtype=args.kv_cache_dtype,
        gpu_memory_utilization=args.gpu_memory_utilization,
    )


def fitting_types(question: Question, registry: Registry) -> tuple[list[Instance], list[Instance]]:
    """The cheapest types an image starts on: where the model fits, and where nobody can say; the first fill the list."""
    sure: list[Instance] = []
    doubtful: list[Instance] = []
    for instance in registry.instances_by_price("cuda"):
        if instance.price_usd_hour is None or instance.architecture != "x86_64":
            continue
        asked, against = on_type(question, instance, registry)
        fits = estimate(asked, instance).fits if against is None else False
        if fits is not False:
            (sure if fits else doubtful).append(instance)
            if len(sure) == MOST_TYPES:
                break
    return sure, doubtful[:MOST_TYPES]


def quantized_ways(question: Question, instance: Instance, registry: Registry) -> list[str]:
    """Quantised variants on which the question fits the type: the engine's own setting, and known repositories."""
    from ..resolve.ways_out import LOAD_TIME, copy_shape, known_copies, loads_quantized
    from ..settings import table_for

    shape, release = question.shape, question.release
    if shape is None or question.args.quantization is not None:
        return []
    found = []
    table = table_for(release.framework, "cuda", "aws", registry)
    can = loads_quantized(shape, table, release, instance, registry)
    if can and estimate(question, instance, quantization=LOAD_TIME).fits is True:
        found.append(f"--quantization {LOAD_TIME} fits here")
    match = registry.find_model(question.model)
    for copy in known_copies(match, question.model):
        if estimate(question, instance, copy_shape(registry, shape, copy)).fits is True:
            found.append(f"{copy} fits here")
    return found[:3]


def way_out(question: Question, instance: Instance, fit: FitResult, registry: Registry) -> str:
    """The longest context that fits here, quantised variants that fit, and the cheapest types on which it fits."""
    parts = []
    context = question.shape.max_position_embeddings if question.shape else None
    if fit.max_model_len and fit.max_model_len >= min(context or 2048, 2048):
        parts.append(f"--max-model-len {fit.max_model_len} fits here")
    heads = question.shape.num_attention_heads if question.shape else None
    if not heads and question.args.tensor_parallel_size is None and instance.accelerator_count > 1:
        parts.append(
            f"set --tensor-parallel-size if its attention heads allow it, up to {instance.accelerator_count}"
        )
    parts += quantized_ways(question, instance, registry)
    sure, doubtful = fitting_types(question, registry)
    told = [f"{i.type} ({money(i.price_usd_hour)})" for i in sure or doubtful]
    if sure:
        parts.append(f"it fits {listing(told)}")
    elif doubtful:
        parts.append(f"it may fit {listing(told)}: nobody can say")
    else:
        parts.append("it fits no listed type as it is")
    return "; ".join(parts)
