"""``fit``: does a model fit a type's memory; without a type, which types does it fit."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .. import report
from ..errors import Fact, Finding, has_errors, listing, name_ways, printable
from .asking import hub_facts
from .console import Console, gib
from .fit_question import Question, estimate, fitting_types, on_type, way_out
from .fit_words import show_candidates, show_verdict
from .parsing import Parser, flag, positive, real
from .registries import load_registry

if TYPE_CHECKING:
    from ..models.request import Request
    from ..registry import Instance, Registry
    from ..sizing import FitResult

EXAMPLES = (
    "mcc-registry fit Qwen/Qwen3-4B --instance-type ml.g6.xlarge",
    "mcc-registry fit meta-llama/Llama-3.3-70B-Instruct --max-model-len 8192",
    "mcc-registry fit Qwen/Qwen3-8B --instance-type ml.g5.12xlarge \\",
    "    --max-num-seqs 32 --format json",
)

POSITIONALS = 1

DTYPES = ("bfloat16", "float16", "float32")
QUANTIZATIONS = ("int8", "int4", "fp8", "awq", "gptq", "mxfp4", "nvfp4")
KV_CACHE_DTYPES = ("auto", "fp8", "fp8_e4m3", "fp8_e5m2", "fp8_inc", "int8", "bfloat16", "float16", "float32")

FIGURES = (
    "fits", "required_gib", "available_gib", "weights_gib", "kv_cache_gib", "overhead_gib", "interval_gib",
    "tensor_parallel_size", "max_model_len", "max_num_seqs",
)  # fmt: skip

REFUSED: dict[str, Any] = {**dict.fromkeys(FIGURES), "interval_gib": [None, None], "candidates": None}


def add_arguments(parser: Parser) -> None:
    """The model, the type and what changes the sum."""
    parser.add_argument("model", metavar="MODEL", help="a Hub id")
    parser.add_argument("--instance-type", metavar="T", help="one type; omitted = all types ranked by price")
    parser.add_argument(
        "--tensor-parallel-size", metavar="N", type=positive, help="default: the GPUs that divide the heads"
    )
    parser.add_argument("--pipeline-parallel-size", metavar="P", type=positive, help="stages of so many GPUs each")
    parser.add_argument("--max-model-len", metavar="L", type=positive, help="tokens (default: the whole context)")
    parser.add_argument("--max-num-seqs", metavar="B", type=positive, help="sequences held at once (default 1)")
    parser.add_argument("--dtype", metavar="D", choices=DTYPES, help=f"{', '.join(DTYPES)} (default: as published)")
    words = f"{', '.join(QUANTIZATIONS)} (default: as published)"
    parser.add_argument("--quantization", metavar="Q", choices=QUANTIZATIONS, help=words)
    words = f"{', '.join(KV_CACHE_DTYPES)} (default: as the dtype)"
    parser.add_argument("--kv-cache-dtype", metavar="D", choices=KV_CACHE_DTYPES, help=words)
    share = real(0, 1, "a number above 0 and at most 1")
    parser.add_argument("--gpu-memory-utilization", metavar="U", type=share, help="share of each GPU (default 0.9)")
    parser.add_argument("--model-server", metavar="S", default="vllm", help="default vllm")
    parser.add_argument("--framework-version", metavar="V", default="recommended", help="default recommended")


def run(args: Namespace, console: Console) -> int:
    """Answer and show."""
    registry = load_registry(args.registry_path)
    offline = flag(args.parser, args.offline, "offline")
    question, findings = ask(args, registry, offline)
    if args.instance_type is None:
        data = ranked(question, registry, findings)
    else:
        data = judged(question, args.instance_type, registry, findings)
    shown = {**data, "findings": report.to_json(findings)}
    if console.wants_json:
        console.json(shown)
    elif args.instance_type is None:
        show_candidates(data, args.model, findings, console)
    else:
        show_verdict(data, args, findings, console)
    return report.exit_status(findings)


def ask(args: Namespace, registry: Registry, offline: bool) -> tuple[Question | None, list[Finding]]:
    """The question with the model's shape and the engine, and what is wrong with it."""
    from ..answers import parse_answers
    from ..checks.request import Asked, ServerExists
    from ..resolve.facts import gather_facts
    from ..resolve.prepare import engine_memory
    from ..resolve.releases import list_releases
    from ..sizing import EngineMemory
    from ..versions import release_tuple

    raw: dict[str, Any] = {
        "model_name": args.model,
        "model_server": args.model_server,
        "framework_version": args.framework_version,
        "offline": offline,
    }
    request, findings = parse_answers(raw, explicit=raw)
    if not args.model.strip():
        findings.append(_error("MCC007", "model_name", "model_name is empty", "name a model: Qwen/Qwen3-4B"))
    findings += ServerExists().check(Asked(request, registry))
    if has_errors(findings) or request.framework_id not in registry.frameworks:
        return None, findings
    choice = list_releases(request, registry.frameworks[request.framework_id])
    findings += choice.findings
    if not choice.releases:
        return None, findings
    release = choice.releases[0]
    facts, more = gather_facts(request, registry, hub=_hub(request, registry, findings))
    findings += more
    engine = engine_memory(release) or EngineMemory("unknown", release_tuple(release.version))
    if facts.shape is None:
        message = f"{printable(args.model)} is not in the registries; its memory is unknown"
        source = "registries/models"
        if facts.match is not None:
            message = f"the size of {printable(args.model)} is in no registry; its memory is unknown"
            source = facts.match.file
        hint = "go on without --offline so that the Hub's facts are used" if offline else ""
        findings.append(Finding("MCC412", "warning", "model_name", message, hint, source, "model-unknown"))
    file = facts.match.file if facts.match is not None else ""
    others = choice.releases[1:] if choice.match == "specifier" and request.framework_version != "latest" else []
    return Question(args.model, facts.shape, release, engine, args, file, tuple(others)), findings


def _hub(request: Request, registry: Registry, findings: list[Finding]) -> Any:
    """Hub facts for models the registries have no figures of."""
    from ..resolve.facts import known_shape

    name = request.effective_model_name or ""
    if known_shape(registry, registry.find_model(name), name)[1] is not None:
        return None
    facts, told = hub_facts(request)
    findings += told
    return facts


def _error(code: str, field: str, message: str, hint: str) -> Finding:
    return Finding(code, "error", field, message, hint, "", "answer-form")


def judged(
    question: Question | None, instance_type: str, registry: Registry, findings: list[Finding]
) -> dict[str, Any]:
    """The verdict on one type; its findings are added to ``findings``."""
    from ..checks.compat import InstanceTypeKnown
    from ..resolve import fit_json

    unknown = list(InstanceTypeKnown().check((instance_type, registry)))
    findings += unknown
    if question is None or unknown:
        return {key: REFUSED[key] for key in FIGURES}
    instance = registry.find_instance(instance_type)
    assert instance is not None
    question, against = on_type(question, instance, registry)
    fit = estimate(question, instance)
    data = fit_json(fit)
    undivided = _undivided(question, instance.accelerator_count)
    if undivided:
        findings += undivided
    elif question.shape is not None:
        findings += verdict_findings(question, instance, fit, registry)
    shape = question.shape
    if against is not None:
        if against.wants:
            sure, doubtful = fitting_types(question, registry)
            types = listing(i.type for i in sure or doubtful)
            against = name_ways(against, f"choose for example {types}" if types else "no listed type passes")
        findings.append(against)
    closed(data, against, undivided)
    data["model_context"] = shape.max_position_embeddings if shape else None
    data["framework"] = {"name": question.release.framework.id, "version": question.release.version}
    return data


def _undivided(question: Question, gpus: int = 0) -> list[Finding]:
    """A parallel size that does not divide the model's heads: no engine starts with it, whatever the memory."""
    from ..checks.model import TensorParallelHeads

    size = question.args.tensor_parallel_size
    heads = question.shape.num_attention_heads if question.shape is not None else None
    if not size or not heads or heads % size == 0:
        return []
    found = TensorParallelHeads().refuse(size, heads, printable(question.model), question.model_file, gpus=gpus)
    return [replace(found, field="tensor_parallel_size")]


def closed(data: dict[str, Any], against: Finding | None, undivided: list[Finding]) -> None:
    """Where the engine starts on no such type, or not with these sizes, nothing "fits" whatever the sum says.

    ``runs`` says whether an image of the release starts there, ``reason`` what stands against it.
    """
    reasons = [f.message for f in (against, *undivided) if f is not None]
    data.update(runs=against is None, reason=reasons[0] if reasons else None)
    if reasons:
        data.update(fits=False, max_model_len=0, max_num_seqs=0)


def verdict_findings(question: Question, instance: Instance, fit: FitResult, registry: Registry) -> list[Finding]:
    """Why it does not fit, or why that cannot be said; nothing when it fits."""
    facts = tuple(Fact(r.text, r.source) for r in fit.reasons)
    model = printable(question.model)
    if fit.fits is True:
        return _too_long(question)
    if fit.fits is None:
        words = f"whether {model} fits {instance.type} is too close to say"
        ways = [
            f"{flag} {largest} fits here"
            for flag, largest in (("--max-model-len", fit.max_model_len), ("--max-num-seqs", fit.max_num_seqs))
            if largest
        ]
        hint = "; ".join([*ways, "or choose a type with more memory" if ways else "choose a type with more memory"])
        if fit.required_gib is None:
            words = f"whether {model} fits {instance.type} is unknown"
            hint = "memory is judged for CUDA GPUs and models whose figures are known"
            if instance.accelerator_kind == "cuda":
                hint = "watch the first start, or choose a type with more memory"
        else:
            words += f": {gib(fit.required_gib)} of {gib(fit.available_gib)} GiB"
        found = Finding("MCC409", "warning", "instance_type", words, hint, instance.file, "fit-unknown", facts)
        return [found, *_too_long(question)]
    needed = f"it needs {gib(fit.required_gib)} GiB, there are {gib(fit.available_gib)}"
    if fit.required_gib is None:
        needed = f"at least {gib(fit.weights_gib)} GiB for weights"
    words = f"{model} does not fit {instance.type}: {needed}"
    gpus = fit.tensor_parallel_size * fit.pipeline_parallel_size
    if gpus > max(1, instance.accelerator_count):
        have = instance.accelerator_count
        words = f"{model} does not fit {instance.type}: {gpus} GPUs asked for, it has {have}"
    found = Finding(
        "MCC401",
        "error",
        "instance_type",
        words,
        way_out(question, instance, fit, registry),
        instance.file,
        "model-does-not-fit",
        facts,
    )
    return [found, *_too_long(question)]


def _too_long(question: Question) -> list[Finding]:
    """A context above the model's own is said, whatever the sum says."""
    asked = question.args.max_model_len
    context = question.shape.max_position_embeddings if question.shape else None
    if asked is None or context is None or asked <= context:
        return []
    message = f"max_model_len {asked} is more than the model's context of {context} tokens"
    return [Finding("MCC403", "warning", "max_model_len", message, f"use {context} or less", "", "context-too-long")]


def ranked(question: Question | None, registry: Registry, findings: list[Finding]) -> dict[str, Any]:
    """Every CUDA type with its verdict, cheapest first; unpriced types last.

    A type on which no image of the release starts never "fits"; ``runs`` and ``reason`` say so.
    """
    from ..resolve import fit_json

    if question is None:
        return {"candidates": []}
    rows = []
    undivided = _undivided(
        question, max((i.accelerator_count for i in registry.instances_by_price("cuda")), default=0)
    )
    for instance in registry.instances_by_price("cuda"):
        asked, against = on_type(question, instance, registry)
        data = fit_json(estimate(asked, instance))
        closed(data, against, undivided)
        rows.append(
            {
                "instance_type": instance.type,
                "fits": data.pop("fits"),
                "framework_version": asked.release.version,
                "price_usd_hour": instance.price_usd_hour,
                "accelerator": f"{instance.accelerator_count} x {instance.accelerator_name}",
                "architecture": instance.architecture,
                **data,
            }
        )
    findings += undivided
    if question.shape is not None and not undivided and not any(row["fits"] is not False for row in rows):
        message = f"{printable(question.model)} fits no listed instance type"
        hint = "choose a quantised variant, or lower --max-model-len or --max-num-seqs"
        source = "registries/instances"
        findings.append(Finding("MCC401", "error", "instance_type", message, hint, source, "model-does-not-fit"))
    findings += _too_long(question)
    return {"candidates": rows}
