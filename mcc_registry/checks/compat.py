"""The verdict on one image on one instance type: the accelerator rules in order, and the AMI they settle on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from ..errors import Fact, Finding, error_codes, has_errors, listing, name_ways, nearest, printable, sort_findings
from . import accelerator, ami, driver
from .base import Host, ImageNeeds, Placement, Rule
from .hosts import host_for
from .kinds import checker_for

if TYPE_CHECKING:
    from ..registry import Instance, Registry

PLACEMENT_RULES: tuple[Rule[Placement], ...] = (*accelerator.RULES, *driver.RULES, *ami.RULES)
"""The rules on one image on one host that every kind of image is asked; the checker of its kind adds its own."""


@lru_cache(maxsize=64)
def rules_for(kind: str) -> tuple[Rule[Placement], ...]:
    """The rules an image of an accelerator kind is judged by on one host."""
    return (*PLACEMENT_RULES, *checker_for(kind).rules)


def every_placement_rule() -> tuple[Rule[Placement], ...]:
    """The rules of all kinds."""
    from ..models.kinds import accelerator_kinds

    return (*PLACEMENT_RULES, *(rule for kind in accelerator_kinds() for rule in checker_for(kind).rules))


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer to "does this image run there": ``ok``, ``warning`` or ``error``, the AMI, and why.

    ``confidence`` is the basis of the weakest fact the verdict rests on: measured, documented, derived or assumed.
    """

    verdict: str
    inference_ami_version: str | None
    findings: tuple[Finding, ...]
    host: Host | None = None
    confidence: str = "documented"

    def to_json(self) -> dict[str, object]:
        """The contract of ``compat --format json``."""
        return {
            "verdict": self.verdict,
            "inference_ami_version": self.inference_ami_version,
            "findings": [f.to_json() for f in self.findings],
            "confidence": self.confidence,
        }


def judge(
    image: ImageNeeds, instance: Instance, ami: str | None, registry: Registry, *, target: str = "realtime"
) -> Verdict:
    """Judge one image on one instance type.

    Args:
        image: what the image needs.
        instance: the instance type.
        ami: None or ``auto`` = we choose, ``default`` = leave it out, else an AMI name.
        registry: the registries.
        target: realtime, async or batch.
    """
    host = host_for(image, instance, ami, registry, target)
    placement = Placement(image, host, registry)
    findings = sort_findings(f for rule in rules_for(image.kind) for f in rule.check(placement))
    if has_errors(findings):
        findings = tuple(f for f in findings if f.name != "ami-chosen")
        return Verdict("error", None, findings, host, weakest_basis(placement))
    verdict = "warning" if any(f.severity == "warning" for f in findings) else "ok"
    return Verdict(verdict, host.ami_name, findings, host, weakest_basis(placement))


BASES = ("measured", "documented", "derived", "assumed")
"""Strongest first (house-style.md, "Registries")."""


def weakest_basis(placement: Placement) -> str:
    """The basis of the weakest fact a verdict rests on: the image's build and what the checker of its kind names."""
    image, host = placement.image, placement.host
    bases = [image.basis]
    if image.kind == host.instance.accelerator_kind:
        bases += checker_for(image.kind).bases(host, placement.registry)
    return max(bases, key=BASES.index)


class InstanceTypeKnown(Rule[tuple[str, "Registry"]]):
    """The instance type must be one SageMaker offers for endpoints.

    The ``ml.`` prefix belongs to the name, and being an EC2 type is not enough: g5g, g4ad or t2.micro are not
    SageMaker endpoint types.

    Source: facts/accelerators.md section 1 step 1 (the enum of botocore 1.44.5).
    """

    code, name, field = "MCC101", "unknown-instance-type", "instance_type"

    def check(self, subject: tuple[str, Registry]) -> Iterable[Finding]:
        name, registry = subject
        if registry.find_instance(name) is not None:
            return
        near = "auto" if name.lower() == "auto" else nearest_type(name, registry)
        yield self.finding(
            "error",
            f"{printable(name) or 'an empty name'} is not a SageMaker endpoint instance type",
            hint=f"did you mean {near}?"
            if near
            else "instance types look like ml.g6.xlarge; see: mcc-registry instances",
            facts=(Fact(f"{len(registry.instances)} types are listed", "registries/instances", "types"),),
        )


def nearest_type(name: str, registry: Registry) -> str | None:
    """The known type nearest to a name: same family first, the ``ml.`` prefix forgiven.

    Example:
        ``ml.t2.micro`` gives ``ml.t2.medium``; ``g5.xlarge`` gives ``ml.g5.xlarge``.
    """
    if len(name) > 80:
        return None
    full = name.lower() if name.lower().startswith("ml.") else f"ml.{name.lower()}"
    if full in registry.instances:
        return full
    parts = full.split(".")
    if len(parts) == 3:
        siblings = [t for t in registry.instances if t.split(".")[1] == parts[1]]
        if siblings:
            return nearest(full, siblings, cutoff=0.9) or min(
                siblings, key=lambda t: registry.instances[t].memory_mib
            )
    return nearest(full, registry.instances)


def compat(image: ImageNeeds, instance_type: str, ami: str | None, registry: Registry) -> Verdict:
    """Judge one image on an instance type given by name (contract: ``mcc-registry compat``)."""
    known = tuple(InstanceTypeKnown().check((instance_type, registry)))
    if known:
        return Verdict("error", None, known)
    instance = registry.find_instance(instance_type)
    assert instance is not None
    verdict = judge(image, instance, ami, registry)
    if not any(f.wants for f in verdict.findings):
        return verdict
    named = [name_types(f, verdict.findings, image, ami, registry) if f.wants else f for f in verdict.findings]
    return replace(verdict, findings=tuple(named))


MOST_TYPES = 3
"""How many types a hint names."""


def name_types(
    finding: Finding, findings: Iterable[Finding], image: ImageNeeds, ami: str | None, registry: Registry
) -> Finding:
    """The finding with the cheapest types in its hint on which the image runs with the same AMI.

    Types without a warning come first; errors of other findings (a wrong AMI name) stand against every type.
    """
    may_stay = error_codes(findings, finding)
    found: list[tuple[bool, str]] = []
    for other in registry.instances_by_price(image.kind):
        if other.price_usd_hour is None or other.legacy or other.architecture not in image.architectures:
            continue
        verdict = judge(image, other, ami, registry)
        if error_codes(verdict.findings) <= may_stay:
            found.append((verdict.verdict == "warning", other.type))
    types = [name for _, name in sorted(found, key=lambda f: f[0])[:MOST_TYPES]]
    with_ami = f" with {printable(ami)}" if ami not in (None, "auto", "default") else ""
    return name_ways(
        finding, f"choose for example {listing(types)}" if types else f"no listed type runs it{with_ami}"
    )


__all__ = [
    "PLACEMENT_RULES",
    "ImageNeeds",
    "InstanceTypeKnown",
    "Verdict",
    "compat",
    "judge",
    "listing",
    "nearest_type",
]
