"""Rules on accelerator kind, CPU architecture, compute capability and legacy families."""

from __future__ import annotations

from collections.abc import Iterable

from ..errors import Fact, Finding, listing
from ..versions import Numbers, major_minor, parse_numbers
from .base import Placement, Rule, numbers_text
from .kinds import checker_for

GPUS_FILE = "registries/accelerators/gpus.yaml"
CUDA_FILE = "registries/accelerators/cuda.yaml"


class AcceleratorKind(Rule[Placement]):
    """The image and the instance type need the same kind of accelerator.

    A CUDA image starts only where there is an NVIDIA GPU, a Neuron image only on Inferentia or Trainium. A CPU image
    runs anywhere of its architecture, but then a paid accelerator stands idle, which is a warning.

    Source: facts/accelerators.md section 1 step 3.
    """

    code, name, field = "MCC103", "accelerator-mismatch", "instance_type"
    severities = ("error", "warning")

    def check(self, subject: Placement) -> Iterable[Finding]:
        image, instance = subject.image, subject.instance
        wanted, found = image.kind, instance.accelerator_kind
        if wanted == found:
            return
        device = instance.accelerator_name or "no accelerator"
        facts = (
            Fact(f"{image.title} is built for {image.text}", image.file, image.key),
            Fact(f"{instance.type} has {device}", instance.file, "accelerator"),
        )
        if wanted == "cpu":
            yield self.finding(
                "warning",
                f"{image.title} uses no accelerator; {instance.type} has {instance.accelerator_count} x {device}, paid and idle",
                hint="choose a CPU type",
                facts=facts,
                wants="types",
            )
            return
        yield self.finding(
            "error",
            f"{instance.type} does not support {checker_for(wanted).word}, and {image.title} needs it",
            hint=f"choose a type with {checker_for(wanted).word}",
            facts=facts,
            wants="types",
        )


class CpuArchitecture(Rule[Placement]):
    """The image must be built for the CPU architecture of the instance type.

    An x86_64 image on a Graviton type (or the reverse) ends at once with "exec format error".

    Source: facts/accelerators.md section 1 step 2.
    """

    code, name, field = "MCC104", "cpu-architecture", "instance_type"

    def check(self, subject: Placement) -> Iterable[Finding]:
        image, instance = subject.image, subject.instance
        if instance.architecture in image.architectures:
            return
        yield self.finding(
            "error",
            f"{instance.type} is {instance.architecture}; {image.title} is built for {listing(image.architectures)}",
            hint=f"choose a type of {listing(image.architectures)}",
            wants="types",
            facts=(
                Fact(f"{instance.family} is {instance.architecture}", instance.file, "architecture"),
                Fact(f"{image.title}: {listing(image.architectures)}", image.file, image.key),
            ),
        )


def toolkit_limits(subject: Placement, version: Numbers) -> tuple[str, Numbers] | None:
    """The toolkit row that speaks for a CUDA version and its lowest compute capability; None where none does.

    A version without a row (12.7, 13.3, 14.0) takes the nearest lower row: toolkits only ever drop old GPUs, so what
    a lower one no longer builds for, it does not either. Below all rows (10.2, 11.0) the lowest row's floor is an upper
    limit: a GPU above it is fine, and for one below it nothing is known.
    """
    rows = sorted((parse_numbers(key), key) for key in subject.registry.cuda.toolkits)
    below = [key for numbers, key in rows if numbers <= major_minor(version)]
    if not below:
        return None
    return below[-1], parse_numbers(subject.registry.cuda.toolkits[below[-1]].compute_capability_min)


class ComputeCapability(Rule[Placement]):
    """The GPU must be one the image has code for: neither too old nor too new.

    Too old: below the image's lowest compute capability, or below what the CUDA toolkit can build for (CUDA 13 needs
    7.5, CUDA 12 needs 5.0). Too new: a GPU that appeared after the toolkit; images seldom carry the PTX that could be
    compiled on the spot. Where the toolkit knows an older GPU of the same major capability, code may load: a warning.

    Source: facts/accelerators.md section 1 step 4.
    """

    code, name, field = "MCC105", "compute-capability", "instance_type"
    severities = ("error", "warning")

    def check(self, subject: Placement) -> Iterable[Finding]:
        image, instance = subject.image, subject.instance
        if image.kind != "cuda" or instance.accelerator_kind != "cuda" or not instance.accelerator_name:
            return
        gpu = subject.registry.gpus.get(instance.accelerator_name)
        if gpu is None:
            yield self.finding(
                "warning",
                f"nothing is known about the GPU {instance.accelerator_name} of {instance.type}",
                facts=(Fact(f"{instance.accelerator_name} has no row", GPUS_FILE, "gpus"),),
            )
            return
        capability = parse_numbers(gpu.compute_capability)
        gpu_fact = Fact(
            f"{instance.accelerator_name} has compute capability {gpu.compute_capability}",
            GPUS_FILE,
            f"gpus[{instance.accelerator_name}].compute_capability",
        )
        if image.min_compute_capability is not None and capability < image.min_compute_capability:
            yield self.finding(
                "error",
                f"{instance.type} has compute capability {gpu.compute_capability}; "
                f"{image.title} needs {numbers_text(image.min_compute_capability)} or higher",
                hint="choose a newer GPU",
                wants="types",
                facts=(
                    gpu_fact,
                    Fact(
                        f"{image.title} is built for {numbers_text(image.min_compute_capability)} and newer",
                        image.file,
                        image.key,
                    ),
                ),
            )
            return
        if image.version is None:
            return
        limits = toolkit_limits(subject, image.version)
        if limits is not None and capability < limits[1]:
            key, floor = limits
            yield self.finding(
                "error",
                f"{instance.type} has compute capability {gpu.compute_capability}; "
                f"{image.text} starts at {numbers_text(floor)}",
                hint="choose a newer GPU; or an image with an older CUDA",
                wants="types",
                facts=(
                    gpu_fact,
                    Fact(f"CUDA {key} builds for {numbers_text(floor)} and newer", CUDA_FILE, f"toolkits[{key}]"),
                ),
            )
            return
        first = parse_numbers(gpu.first_cuda)
        if major_minor(image.version) >= first:
            return
        relatives = [
            name
            for name, other in subject.registry.gpus.items()
            if parse_numbers(other.compute_capability)[0] == capability[0]
            and parse_numbers(other.compute_capability) < capability
            and parse_numbers(other.first_cuda) <= major_minor(image.version)
        ]
        facts = (
            gpu_fact,
            Fact(
                f"CUDA {gpu.first_cuda} is the first to know it",
                GPUS_FILE,
                f"gpus[{instance.accelerator_name}].first_cuda",
            ),
        )
        if relatives:
            yield self.finding(
                "warning",
                f"{image.text} does not know the {instance.accelerator_name} of {instance.type}; "
                "code for its older relative may load",
                hint=f"prefer an image with CUDA {gpu.first_cuda} or newer",
                facts=facts,
            )
        else:
            yield self.finding(
                "error",
                f"{image.text} has no code for the {instance.accelerator_name} of {instance.type}; "
                f"CUDA {gpu.first_cuda} is the first",
                hint=f"choose an older GPU; or an image with CUDA {gpu.first_cuda} or newer",
                wants="types",
                facts=facts,
            )


class LegacyFamily(Rule[Placement]):
    """A legacy family still has a place in the API's list, but AWS no longer describes it.

    p2, p3 and dl1 are gone from EC2's current type descriptions; they may be refused or retired at any time.

    Source: facts/accelerators.md section 6, facts/instances.yaml ``retirement_hint``.
    """

    code, name, field = "MCC114", "legacy-family", "instance_type"
    severities = ("warning",)

    def check(self, subject: Placement) -> Iterable[Finding]:
        instance = subject.instance
        if instance.legacy:
            yield self.finding(
                "warning",
                f"{instance.type} belongs to a legacy family that may no longer be offered",
                hint="prefer a type of a current family",
                facts=(Fact(instance.legacy, instance.file, "legacy"),),
            )


class DisputedFact(Rule[Placement]):
    """A fact the verdict rests on is disputed: another source says otherwise, and the finding says which and how.

    A dispute about what drives a GPU is a warning; about the instance family, the host or a whole table an info, for
    the verdict follows the better source. Where an AMI was chosen, that finding (MCC117) says what is disputed of it.

    Source: the ``disputed`` keys of the registries (facts/accelerators.md section 4 for ml.g7; facts/accelerators.yaml
    default_host.conflicting_source; facts/accelerators.md section 6 for trn2).
    """

    code, name, field = "MCC121", "disputed-fact", "instance_type"
    severities = ("warning", "info")

    def check(self, subject: Placement) -> Iterable[Finding]:
        image, instance, host = subject.image, subject.instance, subject.host
        if instance.disputed:
            yield self.finding(
                "info",
                f"sources disagree on a fact of {instance.type}",
                facts=(Fact(instance.disputed, instance.file, "provenance.disputed"),),
            )
        if image.kind != instance.accelerator_kind:
            return
        gpu = subject.registry.gpus.get(instance.accelerator_name or "") if image.kind == "cuda" else None
        if gpu is not None and gpu.disputed:
            yield self.finding(
                "warning",
                f"sources disagree on which drivers run the {instance.accelerator_name} of {instance.type}",
                hint="deploy once to be sure, or choose another family",
                facts=(Fact(gpu.disputed, GPUS_FILE, f"gpus[{instance.accelerator_name}].disputed"),),
            )
        facts = checker_for(image.kind).disputes(host, subject.registry)
        if facts and (host.mode != "chosen" or host.ami is None):
            message = f"sources disagree on a fact of {host.text}"
            yield self.finding("info", message, facts=facts, field="inference_ami_version")


RULES: tuple[Rule[Placement], ...] = (
    AcceleratorKind(),
    CpuArchitecture(),
    ComputeCapability(),
    LegacyFamily(),
    DisputedFact(),
)
