"""Rules on the host's driver: does it drive the GPU, does it run the image's CUDA."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ..errors import Fact, Finding
from ..versions import Numbers, major_minor, parse_numbers
from .accelerator import CUDA_FILE, GPUS_FILE
from .ami import AMIS_FILE, better_ami, chosen_for, prefer, wants
from .base import Placement, Rule, numbers_text

if TYPE_CHECKING:
    pass


def applies(subject: Placement) -> bool:
    """Whether driver rules can judge: a CUDA image on a CUDA instance whose AMI, if named, is a GPU AMI."""
    host = subject.host
    if subject.image.kind != "cuda" or subject.instance.accelerator_kind != "cuda":
        return False
    return host.ami_name is None or (host.ami is not None and host.ami.accelerator == "cuda")


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


RULES: tuple[Rule[Placement], ...] = (DriverKnowsGpu(), DriverRunsCuda(), NewerDriverHangs(), CudaUnknown())
