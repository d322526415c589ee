"""What every rule shares: the rule class, the image's needs and the host it meets."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from ..errors import Fact, Finding, Severity
from ..versions import Numbers, find_numbers
from .kinds import checker_for

if TYPE_CHECKING:
    from ..models.framework import Build
    from ..models.instance import Ami
    from ..registry import Instance, Registry

Subject = TypeVar("Subject", contravariant=True)


class Rule(Generic[Subject]):
    """One rule: a stable code, a name, and a check that yields findings about one subject.

    The class docstring becomes the rule's documentation page; its first line is the title.
    """

    code: ClassVar[str]
    name: ClassVar[str]
    field: ClassVar[str | None] = None
    severities: ClassVar[tuple[Severity, ...]] = ("error",)
    of_place: ClassVar[bool] = True
    """Whether the answer may differ between instance types; if not, one candidate of a build speaks for all."""

    def check(self, subject: Subject) -> Iterable[Finding]:
        """Yield what this rule has to say about one subject; nothing when all is well."""
        raise NotImplementedError

    def finding(
        self,
        severity: Severity,
        message: str,
        *,
        hint: str = "",
        facts: Iterable[Fact] = (),
        field: str | None = "",
        source: str = "",
        wants: str = "",
    ) -> Finding:
        """A finding of this rule; ``source`` defaults to the file of the first fact, ``wants`` is ``Finding.wants``."""
        facts = tuple(facts)
        return Finding(
            self.code,
            severity,
            self.field if field == "" else field,
            message,
            hint,
            source or next((f.file for f in facts if f.file), ""),
            self.name,
            facts,
            wants,
        )


@dataclass(frozen=True, slots=True)
class ImageNeeds:
    """What one image needs from a host.

    Attributes:
        kind: cuda, neuron, cpu, or a kind that was added (``checks/kinds``).
        version: CUDA or Neuron SDK version as numbers; None = unknown.
        min_compute_capability: lowest GPU compute capability with code in the image; None = unknown.
        architectures: CPU architectures of the image.
        devices: Neuron families named for the image; empty = not restricted.
        title: what people call it, ``vLLM 0.30.0``.
        cuda_compat: whether its entry point activates the CUDA compat libraries.
        basis: how well the accelerator version is known: measured, documented, derived or assumed.
        file: the registry file and
        key: the key that say so.
    """

    kind: str
    version: Numbers | None = None
    min_compute_capability: Numbers | None = None
    architectures: tuple[str, ...] = ("x86_64",)
    devices: tuple[str, ...] = ()
    title: str = "the image"
    cuda_compat: bool = False
    basis: str = "documented"
    file: str = ""
    key: str = ""

    @property
    def text(self) -> str:
        """``CUDA 13.0``, ``Neuron SDK 2.26`` or ``CPU``."""
        return checker_for(self.kind).text(self.version)


def needs_of(build: Build, *, title: str, file: str, key: str) -> ImageNeeds:
    """The needs of a registry build."""
    accelerator = build.accelerator
    return ImageNeeds(
        kind=accelerator.type,
        version=find_numbers(accelerator.version),
        min_compute_capability=find_numbers(build.min_compute_capability),
        architectures=tuple(build.image_arch),
        devices=tuple(build.devices),
        title=title,
        cuda_compat=build.cuda_compat,
        basis=accelerator.basis,
        file=file,
        key=key,
    )


@dataclass(frozen=True, slots=True)
class Host:
    """The host side of a verdict: one instance type with one choice of AMI.

    Attributes:
        instance: the instance type.
        ami_name: the AMI, or None when the parameter is left out.
        ami: its registry row; None when left out or unknown.
        mode: ``chosen`` by us, ``named`` by the user, or ``default`` (the user leaves it out).
        driver_branch: NVIDIA driver branch of the host; None = unknown or no GPU.
        native_cuda: newest CUDA of that driver; None = unknown.
        neuron_driver: Neuron driver of the host; None = unknown or no Neuron device.
        target: deployment target; ``batch`` has AMI names of its own.
    """

    instance: Instance
    ami_name: str | None
    ami: Ami | None
    mode: str
    driver_branch: int | None = None
    native_cuda: Numbers | None = None
    neuron_driver: Numbers | None = None
    target: str = "realtime"

    @property
    def text(self) -> str:
        """The AMI as people say it."""
        if self.ami_name:
            return self.ami_name
        return f"the default host of {self.instance.family}"

    @property
    def key(self) -> str:
        """The key of ``accelerators/amis.yaml`` that says which driver the host has."""
        table = "transform_amis" if self.target == "batch" else "amis"
        if self.ami_name:
            return f"{table}[{self.ami_name}]"
        return table if self.target == "batch" else "default_hosts"


@dataclass(frozen=True, slots=True)
class Placement:
    """One image on one host, judged by the accelerator rules."""

    image: ImageNeeds
    host: Host
    registry: Registry

    @property
    def instance(self) -> Instance:
        """The instance type of the host."""
        return self.host.instance


def numbers_text(numbers: Numbers | None) -> str:
    """Dotted text, or ``unknown``."""
    return "unknown" if numbers is None else ".".join(map(str, numbers))
