"""``instance_type: auto``: the candidate types of one build in order of price, each hardware judged once.

Types that differ in size and price only (``ml.g6.xlarge`` and ``ml.g6.2xlarge``) get the same verdict, so one of a
group speaks for all; the words of a report are still made from the type they are about.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..checks.hosts import ami_table
from ..errors import has_errors
from ..models.plan import Candidate as Looked
from .evaluate import AVOIDED_NAMES, Evaluation, Facts, build_needs, evaluate, finish, is_avoided, judge_build, settle
from .prepare import prepare

if TYPE_CHECKING:
    from ..models.framework import Build
    from ..models.request import Request
    from ..registry import Instance, Registry, ReleaseEntry

INSTANCE_BOUND = frozenset(
    {
        "accelerator-mismatch",
        "cpu-architecture",
        "compute-capability",
        "driver-too-old",
        "driver-gpu",
        "no-ami-fits",
        "ami-kind",
        "neuron-driver",
        "neuron-device",
        "tensor-parallel-devices",
        "model-does-not-fit",
        "no-bfloat16",
        "not-for-batch",
    }
)
"""Rules whose error another instance type may not have; other errors say nothing about the type."""


MEMORY_UNKNOWN = (*AVOIDED_NAMES, "fit-unknown")
"""Warnings that nobody can say whether the model fits; the reason of a type then says so in two words."""


@dataclass(frozen=True, slots=True)
class Types:
    """The types ``auto`` may choose, cheapest first.

    Attributes:
        types: the types.
        group: for each type the number of its group; groups are numbered in the order of their cheapest type.
        first: for each group the position of its cheapest type.
    """

    types: tuple[Instance, ...]
    group: tuple[int, ...]
    first: tuple[int, ...]


def hardware(instance: Instance) -> tuple[object, ...]:
    """What a verdict on a type depends on: everything but its name, its size beside the accelerators, and its price."""
    return (
        instance.family,
        instance.architecture,
        instance.accelerator_kind,
        instance.accelerator_name,
        instance.accelerator_count,
        instance.accelerator_memory_mib,
        instance.transform,
        instance.legacy,
    )


def list_types(facts: Facts, kind: str) -> Types:
    """The types ``auto`` may choose: priced, x86_64, allowed by every policy; kept with the registries."""
    registry, batch = facts.registry, facts.request.deployment_target == "batch"
    key = ("types", kind, batch)
    known: Types | None = registry.memo.get(key)
    if known is None:
        types = tuple(
            i
            for i in registry.instances_by_price(kind)
            if i.price_usd_hour is not None
            and i.architecture == "x86_64"
            and (i.transform or not batch)
            and all(policy.allows("instance_types", i.type) for policy in registry.policy)
        )
        numbers: dict[tuple[object, ...], int] = {}
        first: list[int] = []
        group = []
        for position, instance in enumerate(types):
            number = numbers.setdefault(hardware(instance), len(numbers))
            if number == len(first):
                first.append(position)
            group.append(number)
        known = registry.memo[key] = Types(types, tuple(group), tuple(first))
    return known


def ami_kind(request: Request, registry: Registry) -> str | None:
    """The accelerator kind of the AMI somebody named; None when none was named, or no such AMI exists."""
    name = request.inference_ami_version
    if name in ("auto", "default"):
        return None
    ami = ami_table(registry, request.deployment_target).get(name)
    return ami.accelerator if ami is not None else None


def misplaced(evaluation: Evaluation) -> bool:
    """Whether an error stands against the type itself."""
    return any(f.severity == "error" and f.name in INSTANCE_BOUND for f in evaluation.findings)


@dataclass(slots=True)
class Search:
    """One build before all types: what is known of each group, worked out when it is first asked for."""

    facts: Facts
    release: ReleaseEntry
    build: Build
    listed: Types
    hopeless: dict[int, bool]
    judged: dict[int, Evaluation | None] = field(default_factory=dict)

    @classmethod
    def of(cls, facts: Facts, release: ReleaseEntry, build: Build) -> Search:
        """A search; what follows from the registries alone is shared with earlier ones."""
        needs = build_needs(facts, release, build)
        request = facts.request
        key = ("hopeless", needs, request.inference_ami_version, request.deployment_target)
        memo = facts.prepared if needs.basis == "assumed" else facts.registry.memo
        kind = build.accelerator.type
        if kind == "cpu":  # it runs on any type, so an AMI for another kind of type decides
            kind = ami_kind(request, facts.registry) or kind
        return cls(facts, release, build, list_types(facts, kind), memo.setdefault(key, {}))

    def is_hopeless(self, number: int) -> bool:
        """Whether image and host alone rule a group out."""
        known = self.hopeless.get(number)
        if known is None:
            instance = self.listed.types[self.listed.first[number]]
            verdict = judge_build(self.facts, self.release, self.build, instance)
            known = any(f.severity == "error" and f.name in INSTANCE_BOUND for f in verdict.findings)
            self.hopeless[number] = known
        return known

    def judge(self, number: int) -> Evaluation | None:
        """The evaluation of a group's cheapest type; None when the type is wrong for this request."""
        if number in self.judged:
            return self.judged[number]
        evaluation: Evaluation | None = None
        if not self.is_hopeless(number):
            draft = settle(self.facts, self.release, self.build, self.listed.types[self.listed.first[number]])
            if not draft.too_big:
                evaluation = finish(draft)
                if misplaced(evaluation):
                    evaluation = None
        self.judged[number] = evaluation
        return evaluation

    def evaluate(self, position: int) -> Evaluation:
        """The evaluation of one type."""
        number = self.listed.group[position]
        if position == self.listed.first[number]:
            known = self.judged.get(number)
            if known is not None:
                return known
        return evaluate(self.facts, self.release, self.build, self.listed.types[position])

    def placed(self) -> Iterator[tuple[int, Evaluation]]:
        """Position and evaluation of the cheapest type of each group nothing stands against, cheapest first."""
        for number, position in enumerate(self.listed.first):
            if self.hopeless.get(number):
                continue
            evaluation = self.judge(number)
            if evaluation is not None:
                yield position, evaluation

    def unavoidable(self) -> int:
        """How many of the warnings ``auto`` avoids stand against every type alike; known once one type was judged."""
        said = prepare(self.facts, self.release, self.build).said
        return sum(1 for item in said if isinstance(item, tuple) for finding in item if is_avoided(finding))

    def runners_up(self, position: int, limit: int) -> list[Looked]:
        """The next types after a position that would do as well."""
        found: list[Looked] = []
        types, group = self.listed.types, self.listed.group
        for later in range(position + 1, len(types)):
            if self.hopeless.get(group[later]):
                continue
            evaluation = self.judge(group[later])
            if evaluation is None or evaluation.avoided:
                continue
            if has_errors(evaluation.findings):
                found.append(look(self.evaluate(later)))
            else:
                found.append(Looked(types[later].type, types[later].price_usd_hour, "ok", fit_words(evaluation)))
            if len(found) == limit:
                break
        return found

    def passed_over(self, position: int, limit: int) -> list[Looked]:
        """The last cheaper types before a position, each with its reason."""
        return [look(self.evaluate(earlier)) for earlier in range(max(0, position - limit), position)]


def look(evaluation: Evaluation) -> Looked:
    """One type in a line: verdict, and the first thing that stands against it or why it would do."""
    instance = evaluation.candidate.instance
    concerns = [f for f in evaluation.findings if f.severity == "error" or is_avoided(f)]
    others = [f.message for f in concerns if f.name not in MEMORY_UNKNOWN]
    unknown = [fit_words(evaluation)] if len(others) < len(concerns) or not concerns else []
    verdict = "error" if misplaced(evaluation) else "warning" if evaluation.avoided else "ok"
    return Looked(instance.type, instance.price_usd_hour, verdict, "; ".join([*others[:1], *unknown]))


def fit_words(evaluation: Evaluation) -> str:
    """Why a type would do, in one line."""
    candidate = evaluation.candidate
    fit = candidate.fit
    if fit is None or fit.required_gib is None or fit.available_gib is None:
        return "passes all checks" if candidate.model_name is None else "memory unknown"
    context = candidate.value("max_model_len")
    length = f", {context} tokens" if context else ""
    return f"needs {fit.required_gib:.1f} of {fit.available_gib:.1f} GiB{length}"


@dataclass(frozen=True, slots=True)
class Placed:
    """One type a search came to: which, and what was found there."""

    search: Search
    position: int
    evaluation: Evaluation


def least_refused(searches: Iterable[Search]) -> Placed | None:
    """Of types that are all ruled out: the one closest to working.

    That is the one with the fewest errors; of several the one that lacks the least memory, then the one with the
    fewest warnings ``auto`` avoids, then the cheapest.
    """
    best: Placed | None = None
    least: tuple[float, ...] = ()
    for search in searches:
        for position in search.listed.first:
            evaluation = search.evaluate(position)
            errors = [f for f in evaluation.findings if f.severity == "error"]
            rank = (
                len(errors),
                _lack(evaluation),
                evaluation.avoided,
                search.listed.types[position].price_usd_hour or 0.0,
            )
            if best is None or rank < least:
                best, least = Placed(search, position, evaluation), rank
    return best


def _lack(evaluation: Evaluation) -> float:
    """How many times the memory there is would be needed; 0 where memory is not what is wrong."""
    fit = evaluation.candidate.fit
    wrong = any(f.severity == "error" and f.name == "model-does-not-fit" for f in evaluation.findings)
    needed = (fit.required_gib or fit.weights_gib) if fit is not None else None
    if not wrong or fit is None or fit.fits is not False or not needed or not fit.available_gib:
        return 0.0
    return needed / fit.available_gib
