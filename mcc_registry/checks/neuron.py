"""Rules on AWS Neuron: device generation and host driver."""

from __future__ import annotations

from collections.abc import Iterable

from ..errors import Fact, Finding, listing
from ..versions import major_minor
from .base import Placement, Rule, numbers_text

NEURON_FILE = "registries/accelerators/neuron.yaml"

LAST_INF1_SDK = (2, 20)
"""Last SDK whose images serve Inferentia1. Source: facts/accelerators.md section 5.1."""

FIRST_TRN2_SDK = (2, 21)
"""First SDK with Trainium2. Source: facts/accelerators.yaml neuron.sdk[2.21]."""

LAST_PAIRED_SDK = (2, 21)
"""The SDK whose driver the SageMaker Neuron AMI has. Source: facts/accelerators.md section 5.2."""

FIRST_BROKEN_SDK = (2, 30)
"""From here the runtime does not start on the AMI's driver. Source: facts/accelerators.md section 5.3."""


def applies(subject: Placement) -> bool:
    """Whether a Neuron image meets a Neuron instance with a fitting or no AMI."""
    host = subject.host
    if subject.image.kind != "neuron" or subject.instance.accelerator_kind != "neuron":
        return False
    return host.ami_name is None or (host.ami is not None and host.ami.accelerator == "neuron")


class NeuronDevice(Rule[Placement]):
    """The Neuron SDK of the image must support the device generation.

    Inferentia1 (inf1) ended with SDK 2.20; Trainium2 (trn2) began with SDK 2.21. An image that names its device
    families runs on no others.

    Source: facts/accelerators.md sections 5.1 and 5.4.
    """

    code, name, field = "MCC120", "neuron-device", "instance_type"

    def check(self, subject: Placement) -> Iterable[Finding]:
        image, instance = subject.image, subject.instance
        if image.kind != "neuron" or instance.accelerator_kind != "neuron":
            return
        if image.devices and instance.family not in image.devices:
            yield self.finding(
                "error",
                f"{image.title} supports {listing(image.devices)}, not {instance.family}",
                hint=f"choose a type of {listing(image.devices)}",
                wants="types",
                facts=(Fact(f"devices: {listing(image.devices)}", image.file, image.key),),
            )
            return
        if image.version is None:
            return
        sdk = major_minor(image.version)
        if instance.family == "inf1" and sdk > LAST_INF1_SDK:
            yield self.finding(
                "error",
                f"{image.text} no longer supports Inferentia1 ({instance.type}); SDK 2.20 was the last",
                hint="choose a newer device",
                wants="types",
                facts=(Fact("inf1 left the runtime with SDK 2.21", NEURON_FILE, "sdk[2.21]"),),
            )
        elif instance.family == "trn2" and sdk < FIRST_TRN2_SDK:
            yield self.finding(
                "error",
                f"{image.text} does not know Trainium2 ({instance.type}); SDK 2.21 is the first",
                hint="choose another device",
                wants="types",
                facts=(Fact("SDK 2.21 is the first with Trainium2", NEURON_FILE, "sdk[2.21]"),),
            )


class NeuronDriver(Rule[Placement]):
    """The image's Neuron runtime must start on the host's Neuron driver.

    The SageMaker Neuron AMI has driver 2.19, the driver of SDK 2.21. SDK 2.22 to 2.29 are newer than the host without
    a documented break: a warning. SDK 2.30 is a documented break, later ones are unproven: errors. On Trainium2 SDK
    2.22 and later need a newer driver: an error. Without the AMI the host had driver 2.10 or is unknown: a warning.

    Source: facts/accelerators.md section 5.
    """

    code, name, field = "MCC118", "neuron-driver", "inference_ami_version"
    severities = ("error", "warning")

    def check(self, subject: Placement) -> Iterable[Finding]:
        if not applies(subject):
            return
        image, host, family = subject.image, subject.host, subject.instance.family
        if image.version is None:
            yield self.finding(
                "warning",
                f"the Neuron SDK of {image.title} is not known, so the host driver cannot be checked",
                facts=(Fact("Neuron SDK unknown", image.file, image.key),),
            )
            return
        sdk = major_minor(image.version)
        driver = numbers_text(host.neuron_driver)
        row = subject.registry.neuron.sdk.get(numbers_text(sdk))
        key = host.key if host.ami_name else "neuron_default_driver"
        facts = [Fact(f"{host.text} has Neuron driver {driver}", "registries/accelerators/amis.yaml", key)]
        if row is not None:
            facts.append(
                Fact(
                    f"SDK {numbers_text(sdk)} shipped with driver {row.driver}",
                    NEURON_FILE,
                    f"sdk[{numbers_text(sdk)}]",
                )
            )
        ami = subject.registry.amis.neuron_choice
        if sdk >= FIRST_BROKEN_SDK and (host.neuron_driver is not None or family != "trn2"):
            yield self.finding(
                "error",
                f"{image.text} does not start on the host's Neuron driver {driver}",
                hint=f"choose an image with Neuron SDK {numbers_text(LAST_PAIRED_SDK)}"
                if family == "trn2"
                else "choose an image with Neuron SDK 2.29 or older; 2.21 or older matches the SageMaker AMI",
                facts=facts,
            )
        elif host.ami_name is None:
            known = f"had Neuron driver {driver}" if host.neuron_driver else "has an unknown Neuron driver"
            hint = "" if family == "inf1" else f"inference_ami_version={ami} (or auto)"
            if host.target == "batch":  # batch transform has no Neuron AMI that could be named
                hint = "deploy once to be sure"
            yield self.finding("warning", f"{host.text} {known}; {image.text} may not start", hint=hint, facts=facts)
        elif family == "trn2":
            severe = sdk > LAST_PAIRED_SDK
            yield self.finding(
                "error" if severe else "warning",
                f"{image.text} on Trainium2 needs driver >= 2.20.28; {host.ami_name} has {driver}"
                if severe
                else f"{host.ami_name} does not name Trainium2 among its devices",
                hint=f"choose another device; or an image with Neuron SDK {numbers_text(LAST_PAIRED_SDK)}"
                if severe
                else "deploy once to be sure",
                wants="types" if severe else "",
                facts=facts,
            )
        elif family == "inf1":
            yield self.finding(
                "warning",
                f"{host.ami_name} does not name Inferentia1 among its devices",
                hint="leave it out on inf1: inference_ami_version=default",
                facts=facts,
            )
        elif sdk > LAST_PAIRED_SDK:
            yield self.finding(
                "warning",
                f"{image.text} is newer than the host's Neuron driver {driver}; no break is documented",
                hint="prefer an image with Neuron SDK 2.21 or older, or deploy once to be sure",
                facts=facts,
            )


RULES: tuple[Rule[Placement], ...] = (NeuronDevice(), NeuronDriver())
