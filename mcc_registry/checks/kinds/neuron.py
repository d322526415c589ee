"""AWS Neuron: Inferentia and Trainium; the rules are in ``checks/neuron.py``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import neuron
from . import Checker, disputed_host, disputed_table

if TYPE_CHECKING:
    from ...errors import Fact
    from ...registry import Instance, Registry
    from ..base import Host, ImageNeeds, Placement


class Neuron(Checker):
    """Images for the Neuron SDK."""

    word = "Neuron"
    version_word = "Neuron SDK"
    host_word = "Neuron"
    rank = 2
    rules = neuron.RULES

    def choose_ami(self, image: ImageNeeds, instance: Instance, registry: Registry) -> str | None:
        """The one Neuron AMI, left out on inf1 (facts/accelerators.md section 5.4)."""
        return None if instance.family == "inf1" else registry.amis.neuron_choice

    def why_ami(self, subject: Placement) -> str:
        """See the base."""
        driver = subject.host.ami.neuron_driver if subject.host.ami is not None else None
        if subject.image.version is None:
            return f"it has Neuron driver {driver}"
        return f"{subject.image.text} needs its Neuron driver {driver}"

    def bases(self, host: Host, registry: Registry) -> list[str]:
        """The tables of Neuron and AMIs; a default host nobody describes is an assumption."""
        found: list[str] = [registry.neuron.provenance.basis, registry.amis.provenance.basis]
        return found if host.neuron_driver is not None else [*found, "assumed"]

    def disputes(self, host: Host, registry: Registry) -> list[Fact]:
        """Those of the tables of Neuron, and of the host."""
        table = disputed_table(registry.neuron.provenance, "registries/accelerators/neuron.yaml")
        return [*table, *disputed_host(host, registry)]


CHECKER = Neuron()
