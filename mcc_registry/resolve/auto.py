"""``instance_type: auto``: the candidate types of one build in order of price, each hardware judged once.

Types that differ in size and price only (``ml.g6.xlarge`` and ``ml.g6.2xlarge``) get the same verdict, so one of a
group speaks for all; the words of a report are still made from the type they are about.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..errors import has_errors
from ..models.plan import Candidate as Looked
from .evaluate import AVOIDED_FIELDS, Evaluation, Facts, build_needs, evaluate, finish, judge_build, settle

if TYPE_CHECKING:
    from ..models.framework import Build
    from ..registry import Instance, ReleaseEntry

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
        return cls(facts, release, build, list_types(facts, build.accelerator.type), memo.setdefault(key, {}))

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

    def least_refused(self) -> tuple[int, Evaluation] | None:
        """Of types that are all ruled out: the one with the fewest errors, the largest of several."""
        fewest: dict[int, int] = {}
        for number, position in enumerate(self.listed.first):
            fewest[number] = sum(1 for f in self.evaluate(position).findings if f.severity == "error")
        if not fewest:
            return None
        least = min(fewest.values())
        position = max(p for p, number in enumerate(self.listed.group) if fewest[number] == least)
        return position, self.evaluate(position)

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
    concern = next(
        (
            f.message
            for f in evaluation.findings
            if f.severity == "error" or (f.severity == "warning" and f.field in AVOIDED_FIELDS)
        ),
        None,
    )
    verdict = "error" if misplaced(evaluation) else "warning" if evaluation.avoided else "ok"
    return Looked(instance.type, instance.price_usd_hour, verdict, concern or fit_words(evaluation))


def fit_words(evaluation: Evaluation) -> str:
    """Why a type would do, in one line."""
    candidate = evaluation.candidate
    fit = candidate.fit
    if fit is None or fit.required_gib is None or fit.available_gib is None:
        return "passes all checks"
    context = candidate.value("max_model_len")
    length = f", {context} tokens" if context else ""
    return f"needs {fit.required_gib:.1f} of {fit.available_gib:.1f} GiB{length}"


def cheapest_that_fits(facts: Facts, release: ReleaseEntry, build: Build) -> list[str]:
    """The cheapest types on which a candidate passes without an error, for the hint of a refusal."""
    search = Search.of(facts, release, build)
    found = []
    for position, number in enumerate(search.listed.group):
        evaluation = search.judge(number)
        if evaluation is not None and evaluation.ok:
            instance = search.listed.types[position]
            found.append(f"{instance.type} ({instance.price_usd_hour:.2f} USD/h)")
            if len(found) == 3:
                break
    return found
