"""No accelerator: the image runs on any type of its CPU architecture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import Checker

if TYPE_CHECKING:
    from ...errors import Fact
    from ...registry import Instance, Registry
    from ...versions import Numbers
    from ..base import Host, ImageNeeds


class Cpu(Checker):
    """Images without an accelerator."""

    word = "CPU"
    rank = 1
    asked_for = False

    def text(self, version: Numbers | None) -> str:
        """See the base."""
        return self.word

    def choose_ami(self, image: ImageNeeds, instance: Instance, registry: Registry) -> str | None:
        """None: CPU types take no AMI (facts/accelerators.md section 1 step 6)."""
        return None

    def bases(self, host: Host, registry: Registry) -> list[str]:
        """Nothing but the image's own."""
        return []

    def disputes(self, host: Host, registry: Registry) -> list[Fact]:
        """No table is asked about an image without an accelerator."""
        return []


CHECKER = Cpu()
