"""Rules on the host AMI and its driver: is the name valid, does it fit the instance, does it run the image."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ..errors import Fact, Finding, listing, nearest, printable
from ..versions import Numbers, major_minor, parse_numbers
from .accelerator import CUDA_FILE, GPUS_FILE
from .base import Placement, Rule, numbers_text
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


def applies(subject: Placement) -> bool:
    """Whether driver rules can judge: a CUDA image on a CUDA instance whose AMI, if named, is a GPU AMI."""
    host = subject.host
    if subject.image.kind != "cuda" or subject.instance.accelerator_kind != "cuda":
        return False
    return host.ami_name is None or (host.ami is not None and host.ami.accelerator == "cuda")


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


class DriverKnowsGpu(Rule[Placement]):
    """The host's driver branch must drive the GPU.

    Source: facts/accelerators.md section 1 step 7.
    """

    code, name, field = "MCC108", "driver-gpu", "inference_ami_version"

    def check(self, subject: Placement) -> Iterable[Finding]:
        host, instance = subject.host, subject.instance
        if instance.accelerator_kind != "cuda" or host.driver_branch is None or not instance.accelerator_name:
            return
        gpu = subject.registry.gpus.get(instance.accelerator_name)
        if gpu is None:
            return
        branch = host.driver_branch
        if gpu.first_driver_branch is not None and branch < gpu.first_driver_branch:
            limit = f"needs driver >= {gpu.first_driver_branch}"
            key = "first_driver_branch"
        elif gpu.last_driver_branch is not None and branch > gpu.last_driver_branch:
            limit = f"is driven up to branch {gpu.last_driver_branch} only"
            key = "last_driver_branch"
        else:
            return
        yield self.finding(
            "error",
            f"the {instance.accelerator_name} of {instance.family} {limit}; {host.text} has {branch}",
            hint=better_ami(subject),
            wants=wants(better_ami(subject)),
            facts=(
                Fact(f"{instance.accelerator_name} {limit}", GPUS_FILE, f"gpus[{instance.accelerator_name}].{key}"),
                Fact(f"{host.text} has driver {branch}", AMIS_FILE, f"{host.key}.driver_branch"),
            ),
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


class CudaUnknown(Rule[Placement]):
    """An image whose CUDA version is not known cannot be judged; that is said, never passed over."""

    code, name, field = "MCC116", "cuda-unknown", "framework_version"
    severities = ("warning",)

    def check(self, subject: Placement) -> Iterable[Finding]:
        image = subject.image
        if image.kind == "cuda" and image.version is None and subject.instance.accelerator_kind == "cuda":
            yield self.finding(
                "warning",
                f"the CUDA version of {image.title} is not known, so the host driver cannot be checked",
                hint="choose a release whose CUDA version is known, or set inference_ami_version yourself",
                facts=(Fact(f"{image.title}: CUDA version unknown", image.file, image.key),),
            )


def minor_floor(subject: Placement, major: int) -> Numbers | None:
    """The lowest driver of a CUDA major version's minor-version compatibility; None when the major is unknown."""
    floors = {
        parse_numbers(row.minor_compat_min_driver)
        for key, row in subject.registry.cuda.toolkits.items()
        if parse_numbers(key)[0] == major
    }
    return min(floors) if floors else None


class DriverRunsCuda(Rule[Placement]):
    """The host driver must run the image's CUDA: natively, by minor-version or by forward compatibility.

    Natively: the driver's own CUDA is at least the image's. Minor-version compatibility: same major version and a
    driver above the major's floor; new driver functions are missing and PTX from the newer toolkit does not compile
    (a warning for CUDA 12.8 and 12.9 on driver 535 and for 13.1 or newer on 580, where that was seen to break or the
    gap is new). Forward compatibility: needs the cuda-compat libraries inside the image and a base driver in NVIDIA's
    matrix; a warning at best. Anything else cannot start, usually without a log line.

    Source: facts/accelerators.md section 1 step 9, design.md section 3 "AMI".
    """

    code, name, field = "MCC102", "driver-too-old", "inference_ami_version"
    severities = ("error", "warning", "info")

    def check(self, subject: Placement) -> Iterable[Finding]:
        image, host = subject.image, subject.host
        if not applies(subject) or image.version is None or host.driver_branch is None or host.native_cuda is None:
            return
        wanted, native, branch = major_minor(image.version), host.native_cuda, host.driver_branch
        if wanted <= native:
            return
        text = numbers_text(wanted)
        facts = [
            Fact(f"{image.title} is built on CUDA {text}", image.file, image.key),
            Fact(
                f"{host.text} has driver {branch}, which runs CUDA {numbers_text(native)} natively",
                AMIS_FILE,
                host.key,
            ),
        ]
        floor = minor_floor(subject, wanted[0])
        if floor is not None and branch >= floor[0]:
            facts.append(
                Fact(
                    f"CUDA {wanted[0]}.x runs from driver {floor[0]} by minor-version compatibility",
                    CUDA_FILE,
                    "toolkits",
                )
            )
            risky = (branch == 535 and wanted >= (12, 8)) or (branch == 580 and wanted >= (13, 1))
            yield self.finding(
                "warning" if risky else "info",
                f"CUDA {text} on driver {branch} runs by minor-version compatibility"
                + ("; PTX code may fail" if risky else ""),
                hint=prefer(subject) if risky else "",
                facts=facts,
            )
            return
        row = subject.registry.cuda.forward_compat.get(text, {})
        state = row.get(str(branch))
        if state == "C":
            facts.append(
                Fact(
                    f"NVIDIA lists driver {branch} as a base for cuda-compat {text}",
                    CUDA_FILE,
                    f"forward_compat[{text}][{branch}]",
                )
            )
            yield self.finding(
                "warning",
                f"CUDA {text} on driver {branch} works only with the image's own cuda-compat libraries",
                hint=prefer(subject),
                facts=facts,
            )
            return
        facts.append(Fact(f"driver {branch} is no base for cuda-compat {text}", CUDA_FILE, "forward_compat"))
        need = f"driver >= {floor[0]}" if floor is not None else "a newer driver"
        yield self.finding(
            "error",
            f"{image.title} (CUDA {text}) needs {need}; {host.text} has {branch}",
            hint=better_ami(subject),
            wants=wants(better_ami(subject)),
            facts=facts,
        )


class NewerDriverHangs(Rule[Placement]):
    """CUDA 12 containers were seen to hang on the newest AMI, though NVIDIA's rules say they run.

    Source: facts/accelerators.md section 4 (DLC pull request 6187 and others); root cause unverified.
    """

    code, name, field = "MCC112", "cuda12-on-newest-ami", "inference_ami_version"
    severities = ("warning",)

    def check(self, subject: Placement) -> Iterable[Finding]:
        image, host = subject.image, subject.host
        if not applies(subject) or image.version is None or host.ami is None or host.native_cuda is None:
            return
        if image.version[0] == 12 and host.native_cuda[0] == 13:
            chosen = chosen_for(subject)
            yield self.finding(
                "warning",
                f"{image.text} images were seen to hang on {host.ami_name}",
                hint=f"prefer {better_ami(subject)}"
                if chosen and chosen != host.ami_name
                else "deploy once to be sure",
                facts=(
                    Fact(
                        "AWS's own CUDA 12.8 and 12.9 containers hung on driver 580 and worked on 550",
                        AMIS_FILE,
                        "notes",
                    ),
                ),
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


def driver_reason(subject: Placement) -> tuple[str, str]:
    """Why a host's driver was chosen, in the words of :class:`DriverRunsCuda`: how the image runs on it, if it does.

    Returns:
        The reason in a few words, for a line that names the AMI too, and in full.

    Source: facts/accelerators.md section 1 step 9 and, for batch transform, section 2.
    """
    image, host = subject.image, subject.host
    text, driver = f"{image.text} on {subject.instance.family}", f"driver {host.driver_branch}"
    if image.version is None or host.native_cuda is None or host.driver_branch is None:
        return (
            "its driver is the newest choice",
            f"{driver} is the newest choice; the image's CUDA version is not known",
        )
    wanted = major_minor(image.version)
    if wanted <= host.native_cuda:
        return f"{text} runs on its {driver}", f"{text} runs on its {driver}"
    floor = minor_floor(subject, wanted[0])
    if floor is not None and host.driver_branch >= floor[0]:
        short = f"{image.text} runs by minor-version compatibility"
        return short, f"{text} runs on its {driver} by minor-version compatibility"
    short = f"{image.text} needs the image's cuda-compat"
    return short, f"its {driver} is the newest there is; {text} needs the image's cuda-compat libraries"


RULES: tuple[Rule[Placement], ...] = (
    AmiName(),
    AmiKind(),
    NoAmiFits(),
    DriverKnowsGpu(),
    DriverRunsCuda(),
    AmiFamily(),
    NewerDriverHangs(),
    DefaultHostUnknown(),
    CudaUnknown(),
    AmiChosen(),
)
