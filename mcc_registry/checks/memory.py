"""Rules on GPU memory: does the model fit, and with how long a context."""

from __future__ import annotations

from collections.abc import Iterable

from ..errors import Fact, Finding
from .base import Rule
from .candidate import Candidate

SHORTEST_CONTEXT = 2048
"""A context below min(model context, this) is refused. Source: design.md section 3."""


def gib(value: float | None) -> str:
    """A figure in GiB with one decimal."""
    return "?" if value is None else f"{value:.1f} GiB"


def arithmetic(subject: Candidate) -> tuple[Fact, ...]:
    """The sum behind a memory verdict, one fact a line."""
    fit, instance = subject.fit, subject.instance
    if fit is None or fit.interval_gib is None:
        return ()
    facts = [
        Fact(f"weights {gib(fit.weights_gib)}", subject.model_file, "architecture.weights_gib"),
        Fact(
            f"KV cache {gib(fit.kv_cache_gib)} for {fit.asked_max_model_len or '?'} tokens",
            subject.model_file,
            "architecture",
        ),
        Fact(
            f"activations, graphs and runtime {gib(fit.overhead_gib)}",
            subject.framework_file,
            f"releases[{subject.version}]",
        ),
        Fact(
            f"needed {gib(fit.required_gib)} ({gib(fit.interval_gib[0])} to {gib(fit.interval_gib[1])}); "
            f"available {gib(fit.available_gib)} on {fit.tensor_parallel_size} x {instance.accelerator_name}",
            instance.file,
            "accelerator.memory_mib_each",
        ),
    ]
    return tuple(facts)


class ModelFits(Rule[Candidate]):
    """The weights, the cache of one sequence and the engine's overhead must fit the GPUs.

    The verdict has an interval; it says "fits" only when the upper end fits. What is left for the cache decides the
    context; less than min(model context, 2048) tokens is refused.

    Source: facts/memory.md; formulas in ``mcc_registry/sizing``.
    """

    code, name, field = "MCC401", "model-does-not-fit", "instance_type"
    severities = ("error", "warning", "info")

    def check(self, subject: Candidate) -> Iterable[Finding]:
        fit, instance = subject.fit, subject.instance
        if subject.needs.kind not in ("cuda", "cpu") and subject.model_name is not None:
            has = f"{instance.accelerator_count} x {instance.accelerator_name or instance.accelerator_kind}"
            yield self.finding(
                "info",
                f"memory is judged for CUDA only: nothing says whether the model fits {instance.type}",
                hint="compare the model's weights with the memory of the devices, and deploy once to be sure",
                facts=(Fact(f"{instance.type} has {has}", instance.file, "accelerator"),),
            )
        if fit is None or subject.needs.kind != "cuda":
            return
        floor = min(subject.context or SHORTEST_CONTEXT, SHORTEST_CONTEXT)
        setting = subject.settings.get("max_model_len")
        asked = None
        if setting is not None and setting.source != "Generator_Default" and isinstance(setting.value, int):
            asked = setting.value
        if asked is not None and 0 < asked < floor:
            yield self.finding(
                "error",
                f"max_model_len {asked} is too short to be useful: at least {floor} tokens",
                hint=f"use {floor} or more",
                field="env_vars",
            )
        beyond = asked is not None and subject.context is not None and asked > subject.context
        if fit.fits is True or beyond:
            return
        if fit.required_gib is None:
            yield self.finding(
                "warning",
                f"whether {subject.model_name} fits {subject.instance.type} cannot be computed",
                hint="watch the first start, or choose a type with more memory",
                facts=tuple(Fact(r.text, r.source) for r in fit.reasons),
            )
            return
        largest = fit.max_model_len or 0
        needed, room = gib(fit.required_gib), gib(fit.available_gib)
        if fit.fits is None:
            yield self.finding(
                "warning",
                f"whether {subject.model_name} fits {subject.instance.type} is too close to say: {needed} of {room}",
                hint=f"max_model_len {largest} fits surely; or choose a type with more memory"
                if asked is not None and floor <= largest < asked
                else "lower max_num_seqs, or choose a type with more memory",
                facts=arithmetic(subject),
            )
        elif asked is not None and setting is not None and largest >= floor:
            yield self.finding(
                "error",
                f"max_model_len {asked} does not fit {subject.instance.type}; {largest} tokens do",
                hint=f"use max_model_len {largest} or less",
                facts=arithmetic(subject),
                field="env_vars" if setting.source == "User_Input" else "instance_type",
            )
        else:
            yield self.finding(
                "error",
                f"{subject.model_name} does not fit {subject.instance.type}: it needs {needed}, there are {room}",
                facts=arithmetic(subject),
            )


class ContextLimited(Rule[Candidate]):
    """The context was cut to what fits the GPU, and that is said."""

    code, name, field = "MCC402", "context-limited", "instance_type"
    severities = ("info",)

    def check(self, subject: Candidate) -> Iterable[Finding]:
        setting = subject.settings.get("max_model_len")
        if setting is None or setting.source != "Generator_Default" or not subject.context or subject.fit is None:
            return
        if isinstance(setting.value, int) and setting.value < subject.context:
            yield self.finding(
                "info",
                f"max_model_len is {setting.value} of {subject.context} tokens: that is what fits {subject.instance.type}",
                hint="a type with more memory allows more",
                facts=arithmetic(subject),
            )


RULES: tuple[Rule[Candidate], ...] = (ModelFits(), ContextLimited())
