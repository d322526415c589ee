"""Instance types and the accelerators, CUDA, host AMIs and regions they are judged by."""

from __future__ import annotations

from typing import Literal

from .base import (
    Account,
    Correction,
    DateText,
    Domain,
    Flag,
    ImageKind,
    InstanceKind,
    Number,
    NumberText,
    Provenance,
    Region,
    RegionPrefix,
    Row,
    Text,
    Whole,
    Word,
)

CpuArchitecture = Literal["x86_64", "arm64"]


class InstanceType(Row):
    """One SageMaker endpoint instance type.

    Attributes:
        type: the full name, ``ml.g5.xlarge``.
        memory_mib: host memory in MiB.
        accelerator_count: devices, 0 on CPU types.
        transform: whether batch transform accepts the type.
        price_usd_hour: EC2 on-demand price of the family file's region and date; None = no price known.
        price_basis: whose price it is where it is not EC2's (``our contract of 2026``).
    """

    type: Word
    vcpus: Whole
    memory_mib: Whole
    accelerator_count: Whole = 0
    transform: Flag = False
    price_usd_hour: Number | None = None
    price_basis: Text | None = None
    note: Text | None = None


class InstanceAccelerator(Row):
    """The accelerator of a family; ``memory_mib_each`` is what EC2 reports as usable MiB per device."""

    kind: InstanceKind
    name: Text | None = None
    memory_mib_each: Whole | None = None


class PriceBasis(Row):
    """Whose price it is, where and when."""

    region: Region
    date: DateText
    basis: Text
    source: Text


class InstanceFamily(Row):
    """One file of ``registries/instances``.

    Attributes:
        local_nvme: whether every type of the family has local disks (EC2 ``InstanceStorageSupported``); None = unknown.
    """

    kind: Literal["instance_family"]
    id: Word
    title: Text
    architecture: CpuArchitecture
    accelerator: InstanceAccelerator
    local_nvme: Flag | None = None
    legacy: Text | None = None
    provenance: Provenance
    price: PriceBasis
    types: list[InstanceType]
    corrections: list[Correction] = []
    notes: list[Text] = []


class Gpu(Row):
    """One GPU model.

    Attributes:
        compute_capability: NVIDIA's number, ``8.9``.
        first_cuda: first toolkit that knows it.
        last_cuda_major: last CUDA major version that supports it; None = still supported.
        first_driver_branch/last_driver_branch: driver branches that drive it; None = no limit known.
        disputed: a limit of which sources disagree, in words.
    """

    architecture: Text
    compute_capability: NumberText
    first_cuda: NumberText
    last_cuda_major: Whole | None = None
    first_driver_branch: Whole | None = None
    first_driver_version: NumberText | None = None
    last_driver_branch: Whole | None = None
    bf16: Flag
    fp8: Flag
    fp4: Flag
    nvlink: Flag | None = None
    cuda_visible_gib: Number | None = None
    disputed: Text | None = None
    note: Text | None = None
    sources: list[Text] = []


class Gpus(Row):
    """``accelerators/gpus.yaml``."""

    kind: Literal["gpus"]
    provenance: Provenance
    gpus: dict[Text, Gpu]


class CudaToolkit(Row):
    """One CUDA toolkit: driver floors and the compute capabilities it builds for."""

    toolkit_driver: NumberText
    minor_compat_min_driver: NumberText
    compute_capability_min: NumberText
    compute_capability_max: NumberText


class DriverBranch(Row):
    """One NVIDIA driver branch and the newest CUDA it runs natively."""

    native_cuda: NumberText
    status: Text


class Cuda(Row):
    """``accelerators/cuda.yaml``."""

    kind: Literal["cuda"]
    provenance: Provenance
    toolkits: dict[NumberText, CudaToolkit]
    driver_branches: dict[NumberText, DriverBranch]
    forward_compat: dict[NumberText, dict[NumberText, Literal["C", "NA", "X"]]]
    notes: list[Text] = []


class Ami(Row):
    """One value of InferenceAmiVersion; ``disputed`` says in words what another source says of its driver."""

    accelerator: ImageKind
    os: Text
    driver_branch: Whole | None = None
    cuda: NumberText | None = None
    neuron_driver: NumberText | None = None
    compat_mount: Literal["auto", "disabled"] | None = None
    families_documented: list[Text] = []
    families_observed: list[Text] = []
    disputed: Text | None = None
    note: Text | None = None
    sources: list[Text] = []


class DefaultHost(Row):
    """What endpoints of some families get when InferenceAmiVersion is left out.

    Attributes:
        disputed: family to what another source says of it, in words.
    """

    driver_branch: Whole
    cuda: NumberText
    families: list[Text]
    disputed: dict[Text, Text] = {}
    note: Text | None = None


class TransformAmi(Row):
    """One value of TransformAmiVersion (batch transform)."""

    driver_branch: Whole
    default_for: list[Text] = []
    families_observed: list[Text] = []


class AmiChoice(Row):
    """One row of the choice table: a range of CUDA versions, and per group of families what to set.

    Attributes:
        cuda_min/cuda_max: inclusive range of major.minor.
        choose: family to AMI name; null = leave the parameter out; a family that is absent has no working AMI.
    """

    cuda_min: NumberText
    cuda_max: NumberText
    choose: dict[Word, Word | None]


class Amis(Row):
    """``accelerators/amis.yaml``."""

    kind: Literal["amis"]
    provenance: Provenance
    amis: dict[Word, Ami]
    default_hosts: list[DefaultHost]
    choices: list[AmiChoice]
    neuron_choice: Word
    neuron_default_driver: NumberText
    transform_amis: dict[Word, TransformAmi]
    notes: list[Text] = []


class NeuronDevice(Row):
    """One Neuron accelerator."""

    neuroncore_version: Whole
    cores_per_device: Whole
    device_memory_mib: Whole
    families: list[Text]


class NeuronSdk(Row):
    """One Neuron SDK release: the driver and runtime it shipped with."""

    driver: NumberText
    runtime: NumberText
    note: Text | None = None


class Neuron(Row):
    """``accelerators/neuron.yaml``."""

    kind: Literal["neuron"]
    provenance: Provenance
    devices: dict[Text, NeuronDevice]
    visible_cores: dict[Text, Whole]
    sdk: dict[NumberText, NeuronSdk]
    notes: list[Text] = []


class Device(Row):
    """One accelerator of a kind that has no table of its own.

    Attributes:
        families: the instance families that have it.
        memory_mib: memory of one device in MiB.
        first_version/last_version: first and last version of the kind's software that drives it.
    """

    families: list[Text]
    memory_mib: Whole | None = None
    first_version: NumberText | None = None
    last_version: NumberText | None = None
    note: Text | None = None
    sources: list[Text] = []


class Devices(Row):
    """The devices of one kind of accelerator that was added: ``accelerators/KIND.yaml``; ``id`` is the kind."""

    kind: Literal["devices"]
    id: ImageKind
    title: Text
    provenance: Provenance
    devices: dict[Text, Device]
    notes: list[Text] = []


class EcrFamily(Row):
    """ECR accounts of one image family."""

    default_account: Account | None = None
    default_account_regions: list[Region] = []
    accounts: dict[Region, Account] = {}


class Partition(Row):
    """One AWS partition: what its host names end in, and how its regions begin; None = those no other partition has."""

    domain: Domain
    region_prefix: RegionPrefix | None = None


class Regions(Row):
    """``regions.yaml``: regions, their partitions and the ECR accounts of AWS's image families."""

    kind: Literal["regions"]
    provenance: Provenance
    ecr: dict[Word, EcrFamily]
    partitions: dict[Word, Partition] = {}
    notes: list[Text] = []
