"""Which AMI an endpoint gets: the choice table, and the facts of a named or default host."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..versions import Numbers, find_numbers, parse_numbers
from .base import Host, ImageNeeds
from .kinds import NO_AMI_FITS, checker_for

if TYPE_CHECKING:
    from ..models.instance import Ami
    from ..registry import Instance, Registry


def ami_table(registry: Registry, target: str) -> Mapping[str, Ami]:
    """The AMI names of a deployment target: InferenceAmiVersion, or TransformAmiVersion for ``batch``.

    Source: facts/accelerators.yaml ``amis`` and ``transform_amis``.
    """
    if target != "batch":
        return registry.amis.amis
    from ..models.instance import Ami

    branches = registry.cuda.driver_branches
    return {
        name: Ami(
            accelerator="cuda",
            os="Amazon Linux 2",
            driver_branch=row.driver_branch,
            cuda=branches[str(row.driver_branch)].native_cuda,
            families_documented=row.default_for,
            families_observed=row.families_observed,
        )
        for name, row in registry.amis.transform_amis.items()
    }


def choose_ami(image: ImageNeeds, instance: Instance, registry: Registry, target: str = "realtime") -> str | None:
    """The AMI we set for an image on an instance type, as the checker of its kind says.

    Returns:
        An AMI name; None when the parameter is left out; :data:`NO_AMI_FITS` when no AMI works.
    """
    if image.kind != instance.accelerator_kind:
        return None
    if target == "batch":
        return choose_transform_ami(image, instance, registry)
    return checker_for(image.kind).choose_ami(image, instance, registry)


def choose_transform_ami(image: ImageNeeds, instance: Instance, registry: Registry) -> str | None:
    """The TransformAmiVersion for an image: the newest driver that drives the GPU; None on other than CUDA types."""
    if image.kind != "cuda":
        return None
    gpu = registry.gpus.get(instance.accelerator_name or "")
    last = gpu.last_driver_branch if gpu is not None else None
    rows = sorted((row.driver_branch, name) for name, row in registry.amis.transform_amis.items())
    fitting = [name for branch, name in rows if last is None or branch <= last]
    return fitting[-1] if fitting else NO_AMI_FITS


def default_driver(instance: Instance, registry: Registry, target: str) -> tuple[int | None, Numbers | None]:
    """Driver branch and native CUDA of the host a family gets without an AMI; None where not documented."""
    if target == "batch":
        for row in registry.amis.transform_amis.values():
            if instance.family in row.default_for:
                native = registry.cuda.driver_branches[str(row.driver_branch)].native_cuda
                return row.driver_branch, parse_numbers(native)
        return None, None
    for host in registry.amis.default_hosts:
        if instance.family in host.families:
            return host.driver_branch, parse_numbers(host.cuda)
    return None, None


def host_for(
    image: ImageNeeds, instance: Instance, ami: str | None, registry: Registry, target: str = "realtime"
) -> Host:
    """The host an image meets.

    Args:
        image: what the image needs.
        instance: the instance type.
        ami: None or ``auto`` = we choose; ``default`` = the parameter is left out; else an AMI name.
        registry: the registries.
        target: realtime, async or batch; batch has AMI names of its own.
    """
    mode, name = "named", ami
    if ami in (None, "auto"):
        mode, name = "chosen", choose_ami(image, instance, registry, target)
    elif ami == "default":
        mode, name = "default", None
    row: Ami | None = ami_table(registry, target).get(name) if name else None
    branch: int | None = None
    native: Numbers | None = None
    neuron: Numbers | None = None
    if row is not None:
        branch, native = row.driver_branch, find_numbers(row.cuda)
        neuron = find_numbers(row.neuron_driver)
    elif name is None and instance.accelerator_kind == "cuda":
        branch, native = default_driver(instance, registry, target)
    elif name is None and instance.family in NEURON_DEFAULT_FAMILIES:
        neuron = find_numbers(registry.amis.neuron_default_driver)
    return Host(instance, name or None, row, mode, branch, native, neuron, target)


NEURON_DEFAULT_FAMILIES = ("inf2", "trn1")
"""Families whose default host is known to have run the old Neuron driver.

Source: facts/accelerators.md section 5.2 (inf2 and trn1 without an AMI had driver 2.10).
"""
