"""Rules on the model: is it supported by the release, do parallelism and context suit it."""

from __future__ import annotations

from collections.abc import Iterable

from ..errors import Fact, Finding, listing
from ..versions import filter_versions, matches
from .base import Rule
from .candidate import Candidate
from .repository import HUB


class ModelSupported(Rule[Candidate]):
    """The release must support the model; the hint lists releases that do.

    Source: ``framework_compatibility`` of the model's row (facts/models.yaml, ``first_supported``).
    """

    code, name, field = "MCC204", "model-unsupported", "framework_version"
    severities = ("error", "warning")
    of_place = False

    def check(self, subject: Candidate) -> Iterable[Finding]:
        if subject.match is None:
            return
        spec = subject.match.framework_compatibility.get(subject.release.framework.id)
        other = subject.release.data.version_of
        if other:
            framework, version = subject.release.framework.id, subject.version
            counts = Fact(
                f"{version} is the version of {other}", subject.release.file, f"releases[{version}].version_of"
            )
            yield self.finding(
                "warning",
                f"whether {subject.image_title} supports {subject.model_name} is not known",
                hint=f"its version is that of {other}, and the models' rows count {framework} releases; try it first",
                facts=(counts,),
            )
            return
        if not spec or matches(subject.version, spec):
            return
        works = filter_versions(_versions_for(subject), spec)
        facts = [Fact(f"{subject.match.matched} needs {spec}", subject.model_file, "framework_compatibility")]
        if works:
            facts.append(Fact(f"releases that do: {listing(works)}", subject.framework_file, "releases"))
        yield self.finding(
            "error",
            f"{subject.image_title} does not support {subject.model_name}: it needs {spec}",
            hint="choose another release" if works else "no listed release supports it; choose another server",
            facts=facts,
            wants=f"releases {spec}" if works else "",
        )


def _versions_for(subject: Candidate) -> list[str]:
    """The releases with a build for the same kind of accelerator that count by the framework's own number."""
    entry, kind = subject.release.framework, subject.needs.kind
    return [
        row.version
        for row in entry.data.releases
        if not row.version_of and any(build.accelerator.type == kind for build in row.builds)
    ]


class TensorParallelDevices(Rule[Candidate]):
    """Tensor parallelism cannot use more accelerators than the instance has; idle ones are paid for nothing."""

    code, name, field = "MCC404", "tensor-parallel-devices", "instance_type"
    severities = ("error", "warning")

    def check(self, subject: Candidate) -> Iterable[Finding]:
        count = subject.instance.accelerator_count
        if subject.needs.kind != "cuda" or subject.instance.accelerator_kind != "cuda" or not count:
            return
        ways = 1
        for name in ("pipeline_parallel_size", "data_parallel_size", "tensor_parallel_size"):
            value = subject.value(name, 1)
            if value == "max":  # LMI: every GPU the others leave (facts/engines.yaml, tensor_parallel_degree)
                value = count // ways
            ways *= value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 1
        fact = Fact(
            f"{subject.instance.type} has {count} x {subject.instance.accelerator_name}",
            subject.instance.file,
            "types",
        )
        if ways > count:
            yield self.finding(
                "error",
                f"{ways} GPUs are asked for by the parallel sizes; {subject.instance.type} has {count}",
                hint=f"choose a type with {ways} GPUs; or lower the parallel sizes to {count} in all",
                facts=(fact,),
                field="env_vars",
                wants="types",
            )
        elif ways < count:
            idle = f"{count - ways} of {count} GPUs of {subject.instance.type}"
            setting = subject.settings.get("tensor_parallel_size")
            heads = subject.shape.num_attention_heads if subject.shape else None
            message, hint = f"{idle} stay idle and are paid", "choose a type with fewer GPUs"
            size = setting.value if setting is not None and isinstance(setting.value, int) else 1
            if heads:
                larger = [n for n in range(size + 1, count * size // ways + 1) if heads % n == 0]
                facts = (
                    fact,
                    Fact(f"{heads} attention heads", subject.model_file, "architecture.num_attention_heads"),
                )
                if larger:
                    hint += f", or use tensor_parallel_size {larger[-1]}"
                yield self.finding("warning", message, hint=hint, facts=facts)
                return
            if setting is not None and setting.source == "Generator_Default":
                message = f"{idle} stay idle: how many the model can be split over is not known"
            hint += ", or set tensor_parallel_size to a number that divides its attention heads"
            yield self.finding("warning", message, hint=hint, facts=(fact,))


class TensorParallelHeads(Rule[Candidate]):
    """The tensor-parallel size must divide the model's attention heads, or the engine refuses to start.

    Source: facts/engines.yaml, vllm.parameters tensor_parallel_size.
    """

    code, name, field = "MCC405", "tensor-parallel-heads", "env_vars"

    def check(self, subject: Candidate) -> Iterable[Finding]:
        heads = subject.shape.num_attention_heads if subject.shape else None
        size = subject.value("tensor_parallel_size")
        if not heads or not isinstance(size, int) or isinstance(size, bool) or size < 1 or heads % size == 0:
            return
        yield self.refuse(
            size, heads, str(subject.model_name), subject.model_file, gpus=subject.instance.accelerator_count
        )

    def refuse(self, size: int, heads: int, model: str, file: str, *, gpus: int) -> Finding:
        """The finding on a size that does not divide the heads; sizes that do and that the GPUs allow are its hint."""
        works = [d for d in range(1, min(heads, gpus or heads) + 1) if heads % d == 0]
        return self.finding(
            "error",
            f"tensor_parallel_size {size} does not divide the {heads} attention heads of {model}",
            hint=f"use one of {listing(works)}" if len(works) > 1 else f"use {works[0]}",
            facts=(Fact(f"{heads} attention heads", file, "architecture.num_attention_heads"),),
        )


class ContextTooLong(Rule[Candidate]):
    """``max_model_len`` must not exceed the model's context; the engine refuses it, or answers decay."""

    code, name, field = "MCC403", "context-too-long", "env_vars"

    def check(self, subject: Candidate) -> Iterable[Finding]:
        length, context = subject.value("max_model_len"), subject.context
        if not context or not isinstance(length, int) or isinstance(length, bool) or length <= context:
            return
        fit, fitting = subject.fit, context
        if fit is not None and fit.fits is not True and fit.max_model_len:
            fitting = min(context, fit.max_model_len)
        yield self.finding(
            "error",
            f"max_model_len {length} exceeds the context of {subject.model_name}: {context} tokens",
            hint=f"use max_model_len {fitting} or less",
            facts=(Fact(f"{context} positions", subject.model_file, "architecture.max_position_embeddings"),),
        )


class GatedModel(Rule[Candidate]):
    """A gated model needs a Hugging Face token of an account that accepted its terms."""

    code, name, field = "MCC411", "model-gated", "hf_token_secret_arn"
    severities = ("info",)
    of_place = False

    def check(self, subject: Candidate) -> Iterable[Finding]:
        if not subject.model_name or not subject.published.gated or subject.request.hf_token_secret_arn:
            return
        place = (HUB, "hub.gated") if subject.published.gated_by_hub else (subject.model_file, "gated")
        yield self.finding(
            "info",
            f"{subject.model_name} is gated: the container needs a Hugging Face token",
            hint="export HF_TOKEN for do/run and give hf_token_secret_arn for the endpoint",
            facts=(Fact("gated: true", *place),),
        )


class ModelUnknown(Rule[Candidate]):
    """A model the registries do not know runs with the engine's defaults; memory cannot be judged.

    The same holds for a name that only a pattern knows, when no profile of the pattern says how large it is.
    The hint follows from what became of asking the Hub.
    """

    code, name, field = "MCC412", "model-unknown", "model_name"
    severities = ("warning",)
    of_place = False

    def check(self, subject: Candidate) -> Iterable[Finding]:
        if not subject.model_name or subject.shape is not None:
            return
        if subject.match is not None:
            pattern = subject.match.matched
            yield self.finding(
                "warning",
                f"the size of {subject.model_name} is in no registry; memory cannot be checked",
                hint=f"{self._way(subject)}compare its weights with the memory of the GPUs",
                facts=(
                    Fact(f"{pattern} has no size for this name", subject.model_file, f"patterns[{pattern}].profiles"),
                ),
            )
        elif subject.published.of_hub:
            yield self.finding(
                "warning",
                f"{subject.model_name} is not in the registries; memory and context cannot be checked",
                hint=f"{self._way(subject)}add a row: mcc-registry init-layer DIR",
            )
        else:  # a location, not an id: no row can name it
            yield self.finding(
                "warning",
                f"what {subject.model_name} holds is not read; memory and context cannot be checked",
                hint="compare its weights with the memory of the GPUs, and set max_model_len",
            )

    @staticmethod
    def _way(subject: Candidate) -> str:
        """What to try before writing a row, with a comma and "or" behind it; "" when there is nothing."""
        told = subject.published.hub
        if subject.request.offline or told == "offline":
            return "go on without offline so that the Hub's facts are used, or "
        ways = {
            "not_found": "correct the name, or ",
            "gated": "set HF_TOKEN of an account that accepted its terms, or ",
            "unauthorized": "set a valid HF_TOKEN, or ",
            "rate_limited": "ask the Hub again later, or ",
            "unavailable": "ask the Hub again later, or ",
        }
        return ways.get(told or "", "")


class ModelDeprecated(Rule[Candidate]):
    """A model whose entry names its successor goes on working; weights never change by themselves, so it is only told."""

    code, name, field = "MCC413", "model-deprecated", "model_name"
    severities = ("warning",)
    of_place = False

    def check(self, subject: Candidate) -> Iterable[Finding]:
        if subject.match is None:
            return
        row = subject.match.row
        if not row.deprecated and not row.replaced_by:
            return
        when = f" since {row.deprecated}" if row.deprecated else ""
        yield self.finding(
            "warning",
            f"{subject.model_name} is deprecated{when}",
            hint=f"model_name={row.replaced_by}" if row.replaced_by else "plan to move to another model",
            facts=(Fact("deprecated", subject.model_file, subject.match.matched),),
        )


class ProfileOfAnotherSize(Rule[Candidate]):
    """A model profile is made for one size of a model; for another size its settings are a guess.

    Families list the profiles of all their sizes. A profile counts as made for another size when the profile that
    fits the model's name, or the model's own row, has another parameter count than the model the profile is ``like``.
    """

    code, name, field = "MCC420", "profile-of-another-size", "model_profile"
    severities = ("warning",)
    of_place = False

    def check(self, subject: Candidate) -> Iterable[Finding]:
        match, asked, name = subject.match, subject.model_profile, subject.model_name
        if match is None or asked is None or name is None or subject.request.model_profile == "default":
            return
        from ..quantized import quantized_name

        quantized = quantized_name(name)
        fitting = match.profile_for(name) or (match.profile_for(quantized.base) if quantized is not None else None)
        made_for = match.profiles[asked].like
        own = match.profiles[fitting].like if fitting else match.matched if match.match == "exact" else None
        sizes = [_parameter_count(subject, model) for model in (own, made_for)]
        if own == made_for or None in sizes or sizes[0] == sizes[1]:
            return
        works = [profile for profile, row in match.profiles.items() if row.like == own]
        yield self.finding(
            "warning",
            f"model_profile {asked} is made for another size than {name}",
            hint=f"profiles of this size: {listing(works)}" if works else "model_profile=default",
            facts=(Fact(f"{asked} is made for {made_for}", subject.model_file, f"profiles[{asked}].like"),),
        )


def _parameter_count(subject: Candidate, model: str | None) -> int | None:
    match = subject.registry.find_model(model) if model else None
    architecture = match.row.architecture if match is not None and match.match == "exact" else None
    return architecture.params_total if architecture is not None else None


RULES: tuple[Rule[Candidate], ...] = (
    ProfileOfAnotherSize(),
    ModelSupported(),
    TensorParallelDevices(),
    TensorParallelHeads(),
    ContextTooLong(),
    GatedModel(),
    ModelUnknown(),
    ModelDeprecated(),
)
