"""The shipped GPUs, CUDA, host AMIs, Neuron and regions against the service model and each other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mcc_registry.models.instance import InstanceFamily, Regions
from mcc_registry.versions import parse_numbers
from tests.registry.shipped import ROOT, row, service_shapes

GPU_2 = "al2-ami-sagemaker-inference-gpu-2"
GPU_3_1 = "al2-ami-sagemaker-inference-gpu-3-1"
GPU_4_1 = "al2023-ami-sagemaker-inference-gpu-4-1"
BLACKWELL = ["g7", "g7e", "p6-b200", "p6-b300", "p6e-gb200"]


def test_ami_names_equal_the_service_enum(accelerators: dict[str, Any]) -> None:
    """Five AMI names, exactly the API's."""
    assert set(accelerators["amis"].amis) == set(service_shapes()["ProductionVariantInferenceAmiVersion"]["enum"])
    assert len(accelerators["amis"].amis) == 5


def test_driver_facts_equal_the_service_documentation(accelerators: dict[str, Any]) -> None:
    """Driver branch and CUDA version of each AMI are those the API documentation states."""
    import html
    import re

    members = service_shapes()["ProductionVariant"]["members"]
    text = html.unescape(re.sub(r"<[^>]+>", " ", members["InferenceAmiVersion"]["documentation"]))
    for name, ami in accelerators["amis"].amis.items():
        found = re.search(rf"{name}\s+(.*?)(?=al2\S*-ami-sagemaker|$)", text, re.S)
        assert found, name
        if ami.accelerator == "neuron":
            assert re.search(rf"driver version: {ami.neuron_driver}\b", found[1])
        else:
            assert re.search(rf"driver version: {ami.driver_branch}\b", found[1])
            assert re.search(rf"CUDA version: {ami.cuda}\b", found[1])


def test_ami_cuda_is_native_to_its_driver(accelerators: dict[str, Any]) -> None:
    """An AMI's CUDA version is the newest its driver branch runs natively; the same for default hosts."""
    branches = accelerators["cuda"].driver_branches
    for host in [*accelerators["amis"].amis.values(), *accelerators["amis"].default_hosts]:
        if host.driver_branch is not None:
            assert branches[str(host.driver_branch)].native_cuda == host.cuda


def test_ami_families_exist_and_fit(
    accelerators: dict[str, Any], instance_families: dict[str, InstanceFamily]
) -> None:
    """Every family an AMI, default host or transform AMI names exists, with the accelerator kind of the AMI."""
    amis = accelerators["amis"]
    named = [(a.accelerator, f) for a in amis.amis.values() for f in a.families_documented + a.families_observed]
    named += [("cuda", f) for host in amis.default_hosts for f in host.families]
    named += [("cuda", f) for t in amis.transform_amis.values() for f in t.default_for + t.families_observed]
    for kind, family in named:
        assert instance_families[family].accelerator.kind == kind


@pytest.mark.parametrize(
    ("cuda", "family", "expected"),
    [
        ("11.8", "g5", GPU_3_1), ("11.8", "g6e", GPU_3_1), ("11.8", "p5", GPU_3_1), ("11.8", "p5en", GPU_3_1),
        ("11.8", "g7", "absent"), ("11.8", "p6-b200", "absent"), ("11.8", "p3", GPU_2), ("11.8", "p2", None),
        ("12.2", "g4dn", GPU_3_1), ("12.2", "g6", GPU_3_1), ("12.2", "p5e", GPU_3_1), ("12.2", "g7e", "absent"),
        ("12.2", "p3", GPU_2), ("12.2", "p2", "absent"),
        ("12.6", "p4d", GPU_3_1), ("12.6", "p5en", GPU_3_1), ("12.6", "p6-b300", "absent"), ("12.6", "p3", GPU_2),
        ("12.8", "g5", GPU_3_1), ("12.9", "p5e", GPU_3_1), ("12.9", "g7e", GPU_4_1), ("12.8", "p6-b200", GPU_4_1),
        ("12.9", "p3", GPU_2), ("12.9", "p2", "absent"),
        ("13.0", "g4dn", GPU_4_1), ("13.0", "p5en", GPU_4_1), ("13.0", "g7", GPU_4_1), ("13.2", "p6e-gb200", GPU_4_1),
        ("13.0", "p3", "absent"), ("13.1", "p2", "absent"),
    ],
)  # fmt: skip
def test_choice_table(accelerators: dict[str, Any], cuda: str, family: str, expected: str | None) -> None:
    """The AMI we set when the user leaves it open, cell by cell."""
    number = parse_numbers(cuda)
    rows = [
        c for c in accelerators["amis"].choices if parse_numbers(c.cuda_min) <= number <= parse_numbers(c.cuda_max)
    ]
    assert len(rows) == 1
    assert rows[0].choose.get(family, "absent") == expected


def test_choices_drive_the_gpu(accelerators: dict[str, Any], instance_families: dict[str, InstanceFamily]) -> None:
    """A chosen AMI is a GPU AMI whose driver branch knows the family's GPU; every CUDA toolkit has a row."""
    amis, gpus = accelerators["amis"], accelerators["gpus"].gpus
    for choice in amis.choices:
        for family, name in choice.choose.items():
            if name is None:
                continue
            gpu = gpus[instance_families[family].accelerator.name]
            branch = amis.amis[name].driver_branch
            assert branch >= (gpu.first_driver_branch or 0), (family, name)
            assert branch <= (gpu.last_driver_branch or branch), (family, name)
    for toolkit in [*accelerators["cuda"].toolkits, *accelerators["cuda"].forward_compat]:
        number = parse_numbers(toolkit)
        assert any(parse_numbers(c.cuda_min) <= number <= parse_numbers(c.cuda_max) for c in amis.choices), toolkit


def test_gpu_precision_follows_compute_capability(accelerators: dict[str, Any]) -> None:
    """bf16 from 8.0, fp8 from 8.9, fp4 from 10.0."""
    for name, gpu in accelerators["gpus"].gpus.items():
        capability = parse_numbers(gpu.compute_capability)
        assert gpu.bf16 == (capability >= (8, 0)), name
        assert gpu.fp8 == (capability >= (8, 9)), name
        assert gpu.fp4 == (capability >= (10, 0)), name


def test_gpu_is_within_its_first_toolkit(accelerators: dict[str, Any]) -> None:
    """Where the first CUDA version that knows a GPU is listed, its capability is within that toolkit's range."""
    toolkits = accelerators["cuda"].toolkits
    for gpu in accelerators["gpus"].gpus.values():
        toolkit = toolkits.get(gpu.first_cuda)
        if toolkit:
            low, high = toolkit.compute_capability_min, toolkit.compute_capability_max
            assert parse_numbers(low) <= parse_numbers(gpu.compute_capability) <= parse_numbers(high)


def test_toolkit_driver_is_of_the_native_branch(accelerators: dict[str, Any]) -> None:
    """The driver a toolkit shipped with belongs to the branch whose native CUDA it is."""
    cuda = accelerators["cuda"]
    assert len(cuda.toolkits) == 13
    for name, toolkit in cuda.toolkits.items():
        assert cuda.driver_branches[toolkit.toolkit_driver.split(".")[0]].native_cuda == name


def test_forward_compat_matrix(accelerators: dict[str, Any]) -> None:
    """Twelve packages by seven base branches; NA exactly where the branch is native, X above it, C below."""
    cuda = accelerators["cuda"]
    assert len(cuda.forward_compat) == 12
    for package, bases in cuda.forward_compat.items():
        assert list(bases) == ["535", "570", "580", "590", "595", "610", "615"]
        for branch, verdict in bases.items():
            native = parse_numbers(cuda.driver_branches[branch].native_cuda)
            wanted = parse_numbers(package)
            assert verdict == ("NA" if native == wanted else "X" if native > wanted else "C"), (package, branch)


def test_transform_amis(accelerators: dict[str, Any]) -> None:
    """Batch transform has two AMIs, 470 and 535, and no 580 host."""
    found = {name: t.driver_branch for name, t in accelerators["amis"].transform_amis.items()}
    assert found == {"al2-ami-sagemaker-batch-gpu-470": 470, "al2-ami-sagemaker-batch-gpu-535": 535}


def test_neuron(accelerators: dict[str, Any], instance_families: dict[str, InstanceFamily]) -> None:
    """Visible cores are devices times cores (logical ones on Trainium2); drivers grow with the SDK."""
    neuron = accelerators["neuron"]
    types = {t.type: (f, t) for f in instance_families.values() for t in f.types}
    assert set(neuron.visible_cores) == {n for n, (f, _) in types.items() if f.accelerator.kind == "neuron"}
    for name, cores in neuron.visible_cores.items():
        family, kind = types[name]
        device = neuron.devices[family.accelerator.name]
        per_device = 4 if family.id == "trn2" else device.cores_per_device
        assert cores == kind.accelerator_count * per_device, name
    drivers = [parse_numbers(s.driver) for s in neuron.sdk.values()]
    assert drivers == sorted(drivers, reverse=True)
    amis = accelerators["amis"]
    assert neuron.sdk["2.21"].driver == amis.amis[amis.neuron_choice].neuron_driver == "2.19"


def regions() -> Regions:
    return row(ROOT / "regions.yaml")  # type: ignore[no-any-return]


def test_regions_accounts() -> None:
    """Twelve-digit accounts; the default account's regions are not listed again; every region has one partition."""
    data = regions()
    learning, algorithms = data.ecr["deep_learning"], data.ecr["algorithms"]
    assert learning.default_account == "763104351884"
    assert not set(learning.default_account_regions) & set(learning.accounts)
    assert len(learning.default_account_regions) + len(learning.accounts) == 45
    assert algorithms.default_account is None
    assert len(algorithms.accounts) == 37
    for account in [*learning.accounts.values(), *algorithms.accounts.values()]:
        assert len(account) == 12
        assert account.isdigit()
    assert learning.accounts["cn-north-1"] == learning.accounts["cn-northwest-1"] == "727897471807"
    assert algorithms.accounts["us-east-1"] == "683313688378"


def test_partitions_equal_botocore() -> None:
    """Domain suffixes are botocore's, and each region's prefix picks the partition botocore's own pattern picks."""
    import re

    botocore = pytest.importorskip("botocore")
    packed = Path(botocore.__file__).parent / "data" / "partitions.json"
    partitions = {p["id"]: p for p in json.loads(packed.read_text(encoding="utf-8"))["partitions"]}
    data = regions()
    assert {k: v.domain for k, v in data.partitions.items()} == {
        k: v["outputs"]["dnsSuffix"] for k, v in partitions.items()
    }
    learning = data.ecr["deep_learning"]
    for region in [*learning.default_account_regions, *learning.accounts, *data.ecr["algorithms"].accounts]:
        ours = [k for k, v in data.partitions.items() if region.startswith(v.region_prefix or "?")] or ["aws"]
        theirs = [k for k, p in partitions.items() if re.match(p["regionRegex"], region)]
        assert ours == theirs, region
