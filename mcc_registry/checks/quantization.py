"""The rule on quantisation methods: the GPU must be one the engine runs the method on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from ..errors import Fact, Finding, listing
from ..quantized import UNKNOWN_FORMAT
from ..settings import choices_at
from ..versions import Numbers, at_least, find_numbers, history_at, parse_numbers
from .accelerator import GPUS_FILE
from .base import Rule, numbers_text
from .candidate import Candidate

if TYPE_CHECKING:
    from ..models.framework import QuantizationFloors
    from ..registry import FrameworkEntry


class Asked(NamedTuple):
    """A quantisation somebody asks for, or the model's own.

    Attributes:
        what: in words, for messages.
        methods: the engine's methods that may read it; empty = none is known.
        published: the weights are published so; False = a setting asks for it.
    """

    what: str
    methods: tuple[str, ...]
    published: bool


class Engine(NamedTuple):
    """The engine whose methods count: the framework's own, or the one inside it (``engine_of``)."""

    entry: FrameworkEntry
    version: str
    floors: QuantizationFloors | None


def engine_of(subject: Candidate) -> Engine:
    """The engine of a candidate with its release; LMI's is vLLM, in the release its row names."""
    own = subject.release.framework
    inner = own.data.engine_of
    if own.data.quantization_floors is None and inner and inner in subject.registry.frameworks:
        version = subject.release.data.engine.get(inner)
        if version is not None:
            entry = subject.registry.frameworks[inner]
            return Engine(entry, version, entry.data.quantization_floors)
    return Engine(own, subject.version, own.data.quantization_floors)


def asked_for(subject: Candidate, floors: QuantizationFloors | None) -> Asked | None:
    """The quantisation of a candidate; None for weights in 16 bits and values that are no choice anyway."""
    if any(u.name.canonical == "quantization" and u.problem is not None for u in subject.user):
        return None
    method = subject.value("quantization")
    if isinstance(method, str) and method not in ("", "none", "auto"):
        return Asked(f"quantization {method}", (method,), False)
    native = subject.shape.native_quantization if subject.shape is not None else None
    if native is None or native == UNKNOWN_FORMAT:
        return None
    formats = floors.formats if floors is not None else {}
    begins = max((name for name in formats if native.startswith(name)), key=len, default=None)
    methods = tuple(formats[begins]) if begins is not None else ()
    return Asked(f"{subject.model_name} ({native})", methods, True)


def floor_at(floors: QuantizationFloors | None, method: str, version: str) -> Numbers | None:
    """The lowest compute capability of a method in a release; None = not known."""
    rows = floors.min_compute_capability.get(method, {}) if floors is not None else {}
    found = history_at(tuple(rows.items()), version)
    return find_numbers(str(found)) if found is not None else None


def floors_of(subject: Candidate) -> tuple[Engine, Asked, list[Numbers | None]] | None:
    """What a candidate's quantisation needs of a GPU, a floor for each method that may read it; None without any."""
    if subject.needs.kind != "cuda":
        return None
    kept: tuple[Engine, Asked, list[Numbers | None]] | None = subject.notes.get(QuantizationGpu.name, None)
    if QuantizationGpu.name not in subject.notes:
        engine = engine_of(subject)
        asked = asked_for(subject, engine.floors)
        if asked is not None:
            kept = engine, asked, [floor_at(engine.floors, m, engine.version) for m in asked.methods] or [None]
        subject.notes[QuantizationGpu.name] = kept
    return kept


def capability_of(subject: Candidate) -> Numbers | None:
    """The compute capability of the candidate's GPU; None = unknown."""
    gpu = subject.registry.gpus.get(subject.instance.accelerator_name or "")
    return parse_numbers(gpu.compute_capability) if gpu is not None else None


def refused(subject: Candidate) -> bool:
    """Whether the GPU is older than every method that could read the quantisation."""
    found, capability = floors_of(subject), capability_of(subject)
    return found is not None and capability is not None and all(f is not None and capability < f for f in found[2])


def families_with(subject: Candidate, floor: Numbers, limit: int = 3) -> list[str]:
    """The instance families, cheapest first, whose GPU has at least a compute capability."""
    gpus = subject.registry.gpus
    families = [
        i.family
        for i in subject.registry.instances_by_price("cuda")
        if not i.legacy
        and i.price_usd_hour is not None
        and (gpu := gpus.get(i.accelerator_name or "")) is not None
        and parse_numbers(gpu.compute_capability) >= floor
    ]
    return [*dict.fromkeys(families)][:limit]


class QuantizationGpu(Rule[Candidate]):
    """A quantisation method runs on GPUs from a compute capability on, which may change with the engine's release.

    It counts for a method a setting asks for and for the format the weights are published in. Below the floor of every
    method that could read the weights the engine refuses to start: an error. Below the floor of some, or on a GPU older
    than Ampere with a method of which no floor is known: a warning.

    Source: facts/engines.yaml vllm.compute_capability (quantization_min_0_33_0, quantization_min_history), as data in
    ``quantization_floors`` of the framework's file.
    """

    code, name, field = "MCC414", "quantization-gpu", "instance_type"
    severities = ("error", "warning")

    def check(self, subject: Candidate) -> Iterable[Finding]:
        found = floors_of(subject)
        if found is None or (capability := capability_of(subject)) is None:
            return
        engine, asked, floors = found
        known = [f for f in floors if f is not None]
        device, title = subject.instance.accelerator_name or "", f"{engine.entry.id} {engine.version}"
        where = f"{subject.instance.type} ({device})"
        gpu_fact = Fact(f"{device} has {numbers_text(capability)}", GPUS_FILE, f"gpus[{device}].compute_capability")
        if not known:
            least = subject.needs.min_compute_capability
            if not subject.registry.gpus[device].bf16 and (least is None or capability >= least):
                yield self.finding(
                    "warning",
                    f"whether {asked.what} runs on {where} is not known",
                    hint="deploy once to be sure, or choose a GPU of compute capability 8.0 or newer (g5, g6)",
                    facts=(Fact(f"{title} has no floor for it", engine.entry.file, "quantization_floors"), gpu_fact),
                )
            return
        if capability >= max(known):
            return
        key = "quantization_floors.min_compute_capability"
        facts = [Fact(f"{title}: {m} from {numbers_text(f)}", engine.entry.file, f"{key}[{m}]")
                 for m, f in zip(asked.methods, floors, strict=True) if f is not None]  # fmt: skip
        refuse = refused(subject)
        need = numbers_text(min(known) if refuse else max(known))
        yield self.finding(
            "error" if refuse else "warning",
            f"{asked.what} {'needs' if refuse else 'may need'} compute capability {need}; {where} has "
            f"{numbers_text(capability)}",
            hint=self._ways_out(subject, engine, asked, parse_numbers(need), capability),
            facts=(*facts, gpu_fact),
        )

    @staticmethod
    def _ways_out(subject: Candidate, engine: Engine, asked: Asked, need: Numbers, capability: Numbers) -> str:
        """Newer GPUs, the first release whose floor is low enough, or another method."""
        ways = [f"choose a newer GPU, for example {listing(families_with(subject, need))}"]
        if engine.entry is subject.release.framework:
            versions = list(reversed(engine.entry.versions))
            newer = [v for v in versions if not at_least(engine.version, v)]
            works = [v for v in newer if all(_runs(engine, m, v, capability) for m in asked.methods)]
            ways += [f"framework_version={works[0]} or newer"] if works else []
        if not asked.published:
            ways.append("another quantization")
        return ", or ".join(ways)


def _runs(engine: Engine, method: str, version: str, capability: Numbers) -> bool:
    """Whether a release has a method and runs it on GPUs of a compute capability."""
    floor = floor_at(engine.floors, method, version)
    rows = [p for p in engine.entry.data.parameters if (p.canonical or p.name) == "quantization"]
    there = not rows or method in (choices_at(rows[0], version) or [method])
    return floor is not None and floor <= capability and there


RULES: tuple[Rule[Candidate], ...] = (QuantizationGpu(),)
