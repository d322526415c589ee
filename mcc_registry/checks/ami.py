"""Rules on the host AMI: is the name valid, does it fit the instance, which one was chosen and why."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ..errors import Fact, Finding, listing, nearest, printable
from .base import Placement, Rule
from .hosts import ami_table, choose_ami
from .kinds import NO_AMI_FITS, checker_for

if TYPE_CHECKING:
    from ..registry import Registry

AMIS_FILE = "registries/accelerators/amis.yaml"


def chosen_for(subject: Placement) -> str | None:
    """The AMI we would choose for a placement."""
    return choose_ami(subject.image, subject.instance, subject.registry, subject.host.target)


OTHER_HOST = "choose another instance type; or an image with another CUDA version"
"""What is left to change where no AMI runs an image on a type; the first half wants types (``Finding.wants``)."""


def better_ami(subject: Placement) -> str:
    """A hint that names the AMI we would choose, :data:`OTHER_HOST` where none works, "" when it is already taken."""
    chosen = chosen_for(subject)
    if chosen == NO_AMI_FITS:
        return OTHER_HOST
    if chosen and chosen == subject.host.ami_name:
        return ""
    return f"inference_ami_version={chosen} (or auto)" if chosen else "inference_ami_version=auto"


def wants(hint: str) -> str:
    """What a hint of :func:`better_ami` leaves open (``Finding.wants``)."""
    return "types" if hint == OTHER_HOST else ""


def prefer(subject: Placement) -> str:
    """A hint to take the AMI we would choose, or another family when that one is already taken."""
    better = better_ami(subject)
    if better and better != OTHER_HOST:
        return f"prefer {better}"
    return "deploy once to be sure, or choose an image with an older CUDA"


class AmiName(Rule[Placement]):
    """InferenceAmiVersion must be one of the names the SageMaker API accepts.

    Source: facts/accelerators.md section 2 (the enum of botocore 1.44.5).
    """

    code, name, field = "MCC106", "unknown-ami", "inference_ami_version"

    def check(self, subject: Placement) -> Iterable[Finding]:
        host = subject.host
        if host.ami_name is not None and host.ami is None:
            yield from self.judge(host.ami_name, host.target, subject.registry)

    def judge(self, ami_name: str, target: str, registry: Registry) -> Iterable[Finding]:
        """The finding on a name alone, whatever else is known of the request."""
        names = sorted(ami_table(registry, target))
        if ami_name in names:
            return
        batch = target == "batch"
        kind, table = ("batch transform", "transform_amis") if batch else ("inference", "amis")
        near = nearest(ami_name, names)
        yield self.finding(
            "error",
            f"{printable(ami_name)} is not a SageMaker {kind} AMI",
            hint=(f"did you mean {near}? " if near else "") + f"the names are: auto, default, {listing(names)}",
            facts=(Fact(f"{len(names)} names exist", AMIS_FILE, table),),
        )


class AmiKind(Rule[Placement]):
    """A GPU AMI belongs on a GPU instance, the Neuron AMI on a Neuron instance, none on the others.

    Source: facts/accelerators.md section 1 step 6.
    """

    code, name, field = "MCC107", "ami-kind", "inference_ami_version"

    def check(self, subject: Placement) -> Iterable[Finding]:
        host, instance = subject.host, subject.instance
        if host.ami is None or host.ami.accelerator == instance.accelerator_kind:
            return
        kind = checker_for(host.ami.accelerator).host_word or host.ami.accelerator
        if any(ami.accelerator == instance.accelerator_kind for ami in subject.registry.amis.amis.values()):
            hint = better_ami(subject)
        else:
            hint = f"leave it out on {instance.family}: inference_ami_version=auto"
        yield self.finding(
            "error",
            f"{host.ami_name} is a {kind} AMI; {instance.type} has {instance.accelerator_name or 'no accelerator'}",
            hint=hint,
            wants=wants(hint),
            facts=(
                Fact(f"{host.ami_name} is for {kind}", AMIS_FILE, f"{host.key}.accelerator"),
                Fact(f"{instance.type}: {instance.accelerator_kind}", instance.file, "accelerator.kind"),
            ),
        )


class NoAmiFits(Rule[Placement]):
    """For some pairs of CUDA version and instance family no host AMI is known to work.

    Source: facts/accelerators.md section 1.10, cells that say "error".
    """

    code, name, field = "MCC119", "no-ami-fits", "inference_ami_version"

    def check(self, subject: Placement) -> Iterable[Finding]:
        image, instance = subject.image, subject.instance
        if subject.host.mode != "chosen" or chosen_for(subject) != NO_AMI_FITS:
            return
        yield self.finding(
            "error",
            f"no SageMaker host AMI runs {image.text} on {instance.family}",
            hint=OTHER_HOST,
            wants="types",
            facts=(Fact(f"no choice for {image.text} on {instance.family}", AMIS_FILE, "choices"),),
        )


class AmiFamily(Rule[Placement]):
    """AWS documents which instance families an AMI serves; other pairs may work, but nobody says so.

    Source: facts/accelerators.md section 1 step 8.
    """

    code, name, field = "MCC109", "ami-family", "inference_ami_version"
    severities = ("warning",)

    def check(self, subject: Placement) -> Iterable[Finding]:
        host, instance = subject.host, subject.instance
        if host.ami is None or host.ami.accelerator != instance.accelerator_kind:
            return
        if instance.family in host.ami.families_documented:
            return
        seen = instance.family in host.ami.families_observed
        where = "seen in public samples, but not documented" if seen else "not documented"
        documented = listing(sorted(host.ami.families_documented), 12)
        yield self.finding(
            "warning",
            f"{host.ami_name} on {instance.family} is {where}",
            hint=(f"documented families: {documented}; " if documented else "") + "deploy once to be sure",
            facts=(
                Fact(
                    f"{host.ami_name} documents {documented or 'no family'}",
                    AMIS_FILE,
                    f"{host.key}.families_documented",
                ),
            ),
        )


class DefaultHostUnknown(Rule[Placement]):
    """Without an AMI the host depends on the family; for some families AWS's table could not be read.

    Source: facts/accelerators.md section 3.
    """

    code, name, field = "MCC113", "default-host-unknown", "inference_ami_version"
    severities = ("warning",)

    def check(self, subject: Placement) -> Iterable[Finding]:
        host, instance = subject.host, subject.instance
        if host.ami_name is not None or instance.accelerator_kind != "cuda" or host.driver_branch is not None:
            return
        if subject.image.kind != "cuda" or (
            host.mode == "chosen"
            and choose_ami(subject.image, instance, subject.registry, host.target) == NO_AMI_FITS
        ):
            return
        yield self.finding(
            "warning",
            f"the driver of {host.text} is not known",
            hint=better_ami(subject),
            wants=wants(better_ami(subject)),
            facts=(Fact(f"{instance.family} has no documented default host", AMIS_FILE, "default_hosts"),),
        )


class AmiChosen(Rule[Placement]):
    """Which AMI was set without being asked, and why; the default host of many families is too old.

    Source: facts/accelerators.md sections 3 and 1.10.
    """

    code, name, field = "MCC117", "ami-chosen", "inference_ami_version"
    severities = ("info",)

    def check(self, subject: Placement) -> Iterable[Finding]:
        host = subject.host
        if host.mode != "chosen" or host.ami is None:
            return
        checker = checker_for(host.ami.accelerator)
        table = "" if host.target == "batch" else "choices -> "
        yield self.finding(
            "info",
            f"{host.ami_name} was chosen: {checker.why_ami(subject)}",
            facts=(
                Fact(checker.ami_fact(subject), AMIS_FILE, f"{table}{host.key}"),
                *(
                    Fact(f"disputed: {fact.text}", fact.file, fact.key)
                    for fact in checker.disputes(host, subject.registry)
                ),
            ),
        )


RULES: tuple[Rule[Placement], ...] = (
    AmiName(),
    AmiKind(),
    NoAmiFits(),
    AmiFamily(),
    DefaultHostUnknown(),
    AmiChosen(),
)
