"""The kinds of accelerator: one module each, found by its name, holding a ``CHECKER``.

A new kind is a new module here and rows in the registries; nothing else in the code names it (decision 0015,
docs/registry-contribution.md). Only the modules of kinds that are asked for are imported.
"""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, ClassVar

from ...errors import Fact

if TYPE_CHECKING:
    from ...models.base import Provenance
    from ...registry import Instance, Registry
    from ...versions import Numbers
    from ..base import Host, ImageNeeds, Placement, Rule

NO_AMI_FITS = ""
"""What :meth:`Checker.choose_ami` returns when no AMI works."""


class Checker:
    """What is particular to one kind of accelerator.

    Attributes:
        word: what an instance type has or lacks (``CUDA``): "does not support CUDA".
        version_word: what an image's version counts (``Neuron SDK``); the same as ``word`` by default.
        host_word: what an AMI for it is called ("a GPU AMI").
        rank: which build comes first when no instance type is named, the lowest first.
        asked_for: its builds count only when an instance type with it is named: its models need work of their own.
        rules: rules on an image of this kind on one host; each is asked about every host.
    """

    word: ClassVar[str]
    version_word: ClassVar[str] = ""
    host_word: ClassVar[str] = ""
    rank: ClassVar[int] = 10
    asked_for: ClassVar[bool] = True
    rules: ClassVar[tuple[Rule[Placement], ...]] = ()

    @property
    def name(self) -> str:
        """The kind, as registries and flags write it: the module's name."""
        return type(self).__module__.rpartition(".")[2]

    def text(self, version: Numbers | None) -> str:
        """``CUDA 13.0``: the kind with the first two numbers of a version."""
        word = self.version_word or self.word
        return f"{word} {'.'.join(map(str, version[:2]))}" if version else f"{word} (version unknown)"

    def choose_ami(self, image: ImageNeeds, instance: Instance, registry: Registry) -> str | None:
        """The InferenceAmiVersion we set; None leaves it out, :data:`NO_AMI_FITS` says that none works.

        Here: the first AMI of this kind that documents the family, else none.
        """
        for ami_name, ami in registry.amis.amis.items():
            if ami.accelerator == self.name and instance.family in ami.families_documented:
                return ami_name
        return None

    def why_ami(self, subject: Placement) -> str:
        """Why the AMI of a placement was chosen, in at most 45 characters: they stand behind the AMI's name."""
        return f"it is documented for {subject.instance.family}"

    def ami_fact(self, subject: Placement) -> str:
        """The same in full."""
        return self.why_ami(subject)

    def bases(self, host: Host, registry: Registry) -> list[str]:
        """The bases (measured, documented, derived, assumed) of the facts a verdict rests on, the image's left out."""
        facts = registry.find_devices(self.name)
        return [facts.provenance.basis if facts is not None else "assumed"]

    def disputes(self, host: Host, registry: Registry) -> list[Fact]:
        """What sources say against facts that a verdict on this host rests on; the instance type's own left out."""
        facts = registry.find_devices(self.name)
        return [] if facts is None else disputed_table(facts.provenance, f"registries/accelerators/{self.name}.yaml")


def disputed_table(provenance: Provenance, file: str) -> list[Fact]:
    """The dispute about a whole table; empty when there is none."""
    return [Fact(provenance.disputed, file, "provenance.disputed")] if provenance.disputed else []


AMIS_FILE = "registries/accelerators/amis.yaml"


def disputed_host(host: Host, registry: Registry) -> list[Fact]:
    """The disputes about the AMI of a host, or about the default host of its family."""
    found = disputed_table(registry.amis.provenance, AMIS_FILE)
    if host.ami is not None and host.ami.disputed:
        found.append(Fact(host.ami.disputed, AMIS_FILE, f"{host.key}.disputed"))
    if host.ami_name is None and host.target != "batch":
        family = host.instance.family
        words = [row.disputed[family] for row in registry.amis.default_hosts if family in row.disputed]
        found += [Fact(text, AMIS_FILE, f"default_hosts.disputed[{family}]") for text in words]
    return found


@lru_cache(maxsize=64)
def checker_for(kind: str) -> Checker:
    """The checker of a kind.

    Raises:
        KeyError: no module of this folder has the name.
    """
    if not kind.isidentifier() or kind.startswith("_"):
        raise KeyError(kind)
    try:
        checker: Checker = import_module(f".{kind}", __package__).CHECKER
    except ModuleNotFoundError as error:
        if error.name != f"{__package__}.{kind}":
            raise
        raise KeyError(kind) from None
    return checker


def word_for(kind: str) -> str:
    """How people call a kind: CUDA, Neuron, CPU; a kind without checker by its name."""
    try:
        return checker_for(kind).word
    except KeyError:
        return kind
