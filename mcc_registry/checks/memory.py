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
    if fit is None:
        return ()
    if fit.interval_gib is None:
        return tuple(Fact(r.text, r.source) for r in fit.reasons)
    devices = fit.tensor_parallel_size * fit.pipeline_parallel_size
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
            f"available {gib(fit.available_gib)} on {devices} x {instance.accelerator_name}",
            instance.file,
            "accelerator.memory_mib_each",
        ),
    ]
    return tuple(facts)


def shortest(subject: Candidate) -> int:
    """The shortest context that is not refused, in tokens. Source: design.md section 3."""
    return min(subject.context or SHORTEST_CONTEXT, SHORTEST_CONTEXT)


def asked_length(subject: Candidate) -> int | None:
    """The context some source asks for; None where none does, or it leaves the length to the engine (vLLM's -1)."""
    setting = subject.settings.get("max_model_len")
    if setting is None or setting.source == "Generator_Default" or not isinstance(setting.value, int):
        return None
    return setting.value if setting.value > 0 else None


class MemoryUnjudged(Rule[Candidate]):
    """Whether the model fits is not judged: the device is no CUDA GPU, or figures are not known or too close to say.

    Where weights, cache or the GPU's memory are not known, what is known still counts: weights that exceed the GPUs
    alone are MCC401.
    Memory is judged for CUDA GPUs and models whose figures are known. For CPU and Neuron types a plan says so: as a
    warning for a language model on a CPU type, as a note for a Neuron type (whose models are compiled for it) and for
    scikit-learn, XGBoost and TensorFlow. `fit` says it as a warning, as it does where the limit lies inside the
    estimate's interval: watch the first start, or choose a type with more memory.
    """

    code, name, field = "MCC409", "fit-unknown", "instance_type"
    severities = ("warning", "info")

    def check(self, subject: Candidate) -> Iterable[Finding]:
        instance, kind = subject.instance, subject.needs.kind
        if kind == "cuda":
            yield from self._on_gpus(subject)
            return
        if kind != "cpu" and subject.model_name is None:
            return
        has, key = f"{instance.memory_mib / 1024:.1f} GiB of memory", "types"
        if kind != "cpu":
            has = f"{instance.accelerator_count} x {instance.accelerator_name or instance.accelerator_kind}"
            key = "accelerator"
        yield self.finding(
            "warning" if kind == "cpu" and subject.model_name is not None else "info",
            f"memory is judged for CUDA only: nothing says whether the model fits {instance.type}",
            hint="compare the model's size with it, and deploy once to be sure",
            facts=(Fact(f"{instance.type} has {has}", instance.file, key),),
        )

    def _on_gpus(self, subject: Candidate) -> Iterable[Finding]:
        fit = subject.fit
        if fit is None or fit.fits is not None or fit.required_gib is not None:
            return
        if fit.tensor_parallel_size * fit.pipeline_parallel_size > gpus(subject):
            return
        yield self.finding(
            "warning",
            f"whether {subject.model_name} fits {subject.instance.type} is unknown",
            hint="watch the first start, or choose a type with more memory",
            facts=tuple(Fact(r.text, r.source) for r in fit.reasons),
        )


class ContextTooShort(Rule[Candidate]):
    """A context below min(model context, 2048) is of no use, whatever the memory.

    Source: design.md section 3, "Context".
    """

    code, name, field = "MCC410", "context-too-short", "env_vars"
    of_place = False

    def check(self, subject: Candidate) -> Iterable[Finding]:
        asked, floor = asked_length(subject), shortest(subject)
        if subject.fit is not None and asked is not None and asked < floor:
            yield self.finding(
                "error",
                f"max_model_len {asked} is too short to be useful: at least {floor} tokens",
                hint=f"use {floor} or more",
            )


class ModelFits(Rule[Candidate]):
    """The weights, the cache of one sequence and the engine's overhead must fit the GPUs.

    The verdict has an interval; it says "fits" only when the upper end fits. What is left for the cache decides the
    context; less than min(model context, 2048) tokens is refused.

    Source: facts/memory.md; formulas in ``mcc_registry/sizing``.
    """

    code, name, field = "MCC401", "model-does-not-fit", "instance_type"
    severities = ("error", "warning")

    def check(self, subject: Candidate) -> Iterable[Finding]:
        fit = subject.fit
        if fit is None or subject.needs.kind != "cuda":
            return
        floor, asked = shortest(subject), asked_length(subject)
        setting = subject.settings.get("max_model_len")
        beyond = asked is not None and subject.context is not None and asked > subject.context
        largest = fit.max_model_len or 0
        # More GPUs than there are is MCC404's to say; memory that nobody can compute MCC409's.
        ranks = fit.tensor_parallel_size * fit.pipeline_parallel_size
        if fit.fits is True or (beyond and largest >= floor) or ranks > gpus(subject):
            return
        needed, room = gib(fit.required_gib), gib(fit.available_gib)
        sums = f"it needs {needed}, there are {room}"
        if fit.required_gib is None:
            if fit.fits is None:
                return
            sums = f"at least {gib(fit.weights_gib)} for weights"
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
                f"{subject.model_name} does not fit {subject.instance.type}: {sums}",
                hint=more_gpus(subject),
                facts=arithmetic(subject),
            )


def more_gpus(subject: Candidate) -> str:
    """What helps where GPUs stay idle because nobody knows how the model can be split; "" elsewhere."""
    setting, count = subject.settings.get("tensor_parallel_size"), gpus(subject)
    heads = subject.shape.num_attention_heads if subject.shape else None
    if heads or count == 1 or setting is None or setting.source != "Generator_Default":
        return ""
    return f"set tensor_parallel_size to a number that divides its attention heads, up to {count}"


def gpus(subject: Candidate) -> int:
    """Accelerators of the candidate's type, at least one."""
    return max(1, subject.instance.accelerator_count)


BESIDE_THE_MODEL = (
    "speculative_config", "speculative_algorithm", "speculative_draft_model_path", "spec_method", "spec_model",
    "enable_lora",
)  # fmt: skip
"""Settings that load weights beside the model's: draft models and adapters."""


class NotCounted(Rule[Candidate]):
    """Draft models and adapters need memory of their own, which the verdict does not count: it is told.

    Drafting by repeated words (n-gram) loads nothing.

    Source: facts/memory.yaml overheads.sglang.R_mib (2 GiB for a draft layer, 6 for a draft model).
    """

    code, name, field = "MCC419", "memory-not-counted", "env_vars"
    severities = ("warning",)
    of_place = False

    def check(self, subject: Candidate) -> Iterable[Finding]:
        if subject.shape is None or subject.needs.kind != "cuda":
            return
        for name in BESIDE_THE_MODEL:
            value = subject.value(name)
            if not value or "ngram" in str(value).lower():
                continue
            yield self.finding(
                "warning",
                f"{name} loads weights beside the model; their memory is not counted",
                hint="leave several GiB of each GPU free, or choose a type with more memory",
                facts=(Fact(f"{name} is set", subject.framework_file, f"parameters[{name}]"),),
            )
            return


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


RULES: tuple[Rule[Candidate], ...] = (
    ModelFits(),
    MemoryUnjudged(),
    ContextTooShort(),
    NotCounted(),
    ContextLimited(),
)
