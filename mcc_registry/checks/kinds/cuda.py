"""NVIDIA GPUs; the rules are in ``checks/accelerator.py``, ``checks/ami.py`` and ``checks/driver.py``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...versions import major_minor, parse_numbers
from ..driver import driver_reason
from . import NO_AMI_FITS, Checker, disputed_host, disputed_table

if TYPE_CHECKING:
    from ...errors import Fact
    from ...registry import Instance, Registry
    from ..base import Host, ImageNeeds, Placement


class Cuda(Checker):
    """Images for CUDA."""

    word = "CUDA"
    host_word = "GPU"
    rank = 0
    asked_for = False

    def choose_ami(self, image: ImageNeeds, instance: Instance, registry: Registry) -> str | None:
        """The cell of the choice table for the image's CUDA and the family.

        A version between two rows, or newer than the last row of its major version, takes the nearest lower row of
        that major version: the rules on drivers go by it, too. A version older than the table takes its lowest row,
        because drivers run older CUDA without limit. A major version newer than the table has no choice.

        Source: facts/accelerators.md sections 1.9 and 1.10, as data in ``accelerators/amis.yaml`` (``choices``).
        """
        if image.version is None:
            return None
        wanted = major_minor(image.version)
        rows = sorted(registry.amis.choices, key=lambda row: parse_numbers(row.cuda_min))
        below = [row for row in rows if parse_numbers(row.cuda_min) <= wanted] or rows[:1]
        if not below or parse_numbers(below[-1].cuda_max)[0] < wanted[0]:
            return NO_AMI_FITS
        return below[-1].choose.get(instance.family, NO_AMI_FITS)

    def why_ami(self, subject: Placement) -> str:
        """See the base."""
        return driver_reason(subject)[0]

    def ami_fact(self, subject: Placement) -> str:
        """See the base."""
        return driver_reason(subject)[1]

    def bases(self, host: Host, registry: Registry) -> list[str]:
        """The tables of GPUs, CUDA and AMIs; an AMI nobody documents for the family, or a default host nobody
        describes, is an assumption.
        """
        found: list[str] = [
            registry.gpus_provenance.basis,
            registry.cuda.provenance.basis,
            registry.amis.provenance.basis,
        ]
        documented = host.ami is not None and host.instance.family in host.ami.families_documented
        if not documented and (host.ami_name is not None or host.driver_branch is None):
            found.append("assumed")
        return found

    def disputes(self, host: Host, registry: Registry) -> list[Fact]:
        """Those of the tables of GPUs and CUDA, and of the host; a GPU's own has a warning (MCC121)."""
        return [
            *disputed_table(registry.gpus_provenance, "registries/accelerators/gpus.yaml"),
            *disputed_table(registry.cuda.provenance, "registries/accelerators/cuda.yaml"),
            *disputed_host(host, registry),
        ]


CHECKER = Cuda()
