"""Images on instance types whose whole verdict is recorded: values on bounds, hosts and devices nobody describes."""

from __future__ import annotations

from dataclasses import dataclass

from mcc_registry.checks.base import ImageNeeds
from tests.unit.rule_cases import AMI2, AMI3, AMI4, CPU, NEURON, cuda, neuron

BATCH4, BATCH5 = "al2-ami-sagemaker-batch-gpu-470", "al2-ami-sagemaker-batch-gpu-535"
ARM = ImageNeeds("cpu", architectures=("arm64",), title="toy arm")
BOTH = ImageNeeds("cpu", architectures=("arm64", "x86_64"), title="toy both", basis="assumed")


@dataclass(frozen=True)
class PlaceCase:
    """An image on an instance type with an AMI (None = we choose) for a deployment target; ``gpu`` replaces the type's GPU."""

    name: str
    image: ImageNeeds
    instance_type: str
    ami: str | None = None
    target: str = "realtime"
    gpu: str | None = None

    def __str__(self) -> str:
        return self.name


G4, G5, G6, G7E = "ml.g4dn.xlarge", "ml.g5.xlarge", "ml.g6.xlarge", "ml.g7e.2xlarge"
INF1, INF2, TRN1, TRN2 = "ml.inf1.xlarge", "ml.inf2.xlarge", "ml.trn1.2xlarge", "ml.trn2.48xlarge"
NOBODY_KNOWS = "Toy99"
"""A GPU without a row; layers cannot name one, so the case replaces the name on an instance type."""

PLACE_CASES = [
    PlaceCase("capability on the bound", cuda("13.0", "8.6"), G5),
    PlaceCase("capability just below", cuda("13.0", "8.7"), G5),
    PlaceCase("capability of the toolkit on the bound", cuda("13.0"), G4),
    PlaceCase("a CUDA between two rows", cuda("12.7"), G5),
    PlaceCase("a CUDA between two rows, too new a GPU", cuda("12.7"), "ml.p6-b200.48xlarge", AMI4),
    PlaceCase("a CUDA below all rows of its major", cuda("11.0"), "ml.p3.2xlarge"),
    PlaceCase("a CUDA of no major", cuda("14.0"), G5),
    PlaceCase("a CUDA of no major on a named AMI", cuda("14.0"), G5, AMI4),
    PlaceCase("an old CUDA of no major", cuda("9.0"), "ml.p3.2xlarge", AMI2),
    PlaceCase("a CUDA with three numbers", cuda("12.4.1"), G5, AMI3),
    PlaceCase("native on the bound", cuda("12.4"), G5, AMI3),
    PlaceCase("12.7 on 535", cuda("12.7"), G5, AMI2),
    PlaceCase("12.8 on 550", cuda("12.8"), G5, AMI3),
    PlaceCase("13.1 chosen", cuda("13.1"), G5),
    PlaceCase("13.4 on 535", cuda("13.4"), G5, AMI2),
    PlaceCase("13.0 on 550 is no base", cuda("13.0"), G6, AMI3),
    PlaceCase("11.8 on the default host of 470", cuda("11.8"), G5, "default"),
    PlaceCase("12.2 on the default host of 535", cuda("12.2"), G6, "default"),
    PlaceCase("11.4 with an AMI no GPU knows", cuda("11.4"), "ml.p2.xlarge"),
    PlaceCase("12.8 hangs, nothing better", cuda("12.8"), G7E, AMI4),
    PlaceCase("12.8 hangs, chosen", cuda("12.8"), G7E),
    PlaceCase("CUDA unknown, AMI chosen", cuda(None), G5, "auto"),
    PlaceCase("CUDA unknown, AMI named", cuda(None), G5, AMI3),
    PlaceCase("no AMI and no default host", cuda("11.8"), G7E),
    PlaceCase("default host unknown, CPU image", CPU, G7E, "default"),
    PlaceCase("an AMI like no other", cuda("12.4"), G5, "zzzzzz"),
    PlaceCase("an AMI on a CPU type", CPU, "ml.m5.large", NEURON),
    PlaceCase("a Neuron AMI on a GPU type", cuda("12.4"), G5, NEURON),
    PlaceCase("default on a CPU type", CPU, "ml.m5.large", "default"),
    PlaceCase("both architectures", BOTH, "ml.c7g.large"),
    PlaceCase("arm image on arm", ARM, "ml.c8g.medium"),
    PlaceCase("CPU image on eight GPUs", CPU, "ml.p5.48xlarge"),
    PlaceCase("CUDA image on gaudi", cuda("12.4"), "ml.dl1.24xlarge"),
    PlaceCase("arm CUDA image", ImageNeeds("cuda", (13, 0), None, ("arm64",), (), "toy arm"), G5),
    PlaceCase(
        "arm CUDA image on arm", ImageNeeds("cuda", (13, 0), None, ("arm64",), (), "toy arm"), "ml.p6e-gb200.36xlarge"
    ),
    PlaceCase("batch: chosen", cuda("12.2"), G5, None, "batch"),
    PlaceCase("batch: default", cuda("11.4"), G5, "default", "batch"),
    PlaceCase("batch: default of nobody", cuda("12.2"), G6, "default", "batch"),
    PlaceCase("batch: named", cuda("11.4"), G4, BATCH4, "batch"),
    PlaceCase("batch: named, too old", cuda("12.9"), G6, BATCH4, "batch"),
    PlaceCase("batch: unknown name, near", cuda("12.2"), G5, BATCH5.replace("535", "536"), "batch"),
    PlaceCase("batch: K80", cuda("11.4"), "ml.p2.xlarge", None, "batch"),
    PlaceCase("batch: needs compat", cuda("13.0"), G6, None, "batch"),
    PlaceCase("batch: CPU", CPU, "ml.m5.large", None, "batch"),
    PlaceCase("batch: Neuron", neuron("2.21"), INF2, None, "batch"),
    PlaceCase("async: chosen", cuda("12.2"), G5, None, "async"),
    PlaceCase("neuron: last paired", neuron("2.21"), TRN1),
    PlaceCase("neuron: one later", neuron("2.22"), TRN1),
    PlaceCase("neuron: last that starts", neuron("2.29"), INF2),
    PlaceCase("neuron: first that does not", neuron("2.30"), TRN1, NEURON),
    PlaceCase("neuron: no row", neuron("2.19"), INF2),
    PlaceCase("neuron: default host", neuron("2.10"), TRN1, "default"),
    PlaceCase("neuron: default host of nobody", neuron("2.30"), TRN2, "default"),
    PlaceCase("neuron: default host of inf1", neuron("2.20"), INF1),
    PlaceCase("neuron: named on inf1", neuron("2.20"), INF1, NEURON),
    PlaceCase("neuron: trn2 on the bound", neuron("2.21"), TRN2),
    PlaceCase("neuron: trn2 below", neuron("2.20.1"), TRN2),
    PlaceCase("neuron: trn2 broken", neuron("2.30"), TRN2),
    PlaceCase("neuron: inf1 on the bound", neuron("2.20.9"), INF1),
    PlaceCase("neuron: devices", neuron("2.26", devices=("inf2", "trn1")), TRN1),
    PlaceCase("neuron: a GPU AMI", neuron("2.21"), INF2, AMI4),
    PlaceCase("neuron: an unknown AMI", neuron("2.21"), INF2, "al2-ami-sagemaker-inference-neuron-3"),
    PlaceCase("neuron: unknown SDK, default host", neuron(None), TRN2, "default"),
    PlaceCase("nobody knows the GPU", cuda("12.4"), G5, None, "realtime", NOBODY_KNOWS),
    PlaceCase("nobody knows the GPU, AMI named", cuda("12.4"), G5, AMI3, "realtime", NOBODY_KNOWS),
    PlaceCase("nobody knows the GPU, batch", cuda("12.4"), G5, None, "batch", NOBODY_KNOWS),
    PlaceCase("nobody knows the GPU, default host", cuda("12.4"), G5, "default", "realtime", NOBODY_KNOWS),
]
