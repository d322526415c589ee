"""The shipped instance types: complete against the service's own enums and EC2's description."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from mcc_registry.models.instance import InstanceFamily
from tests.registry.shipped import service_shapes

Families = dict[str, InstanceFamily]

NOT_IN_EC2_TODAY = {"p2", "p3", "dl1", "p6e-gb200"}
CORRECTED = {"ml.trn2.48xlarge"}


def by_type(families: Families) -> dict[str, tuple[InstanceFamily, Any]]:
    return {t.type: (f, t) for f in families.values() for t in f.types}


def test_counts(instance_families: Families) -> None:
    """277 endpoint types in 50 families, 116 of them for batch transform."""
    types = by_type(instance_families)
    assert len(types) == sum(len(f.types) for f in instance_families.values()) == 277
    assert len(instance_families) == 50
    assert sum(t.transform for _, t in types.values()) == 116


def test_types_equal_the_service_enums(instance_families: Families) -> None:
    """No type the API refuses, none it accepts left out; the same for batch transform."""
    shapes = service_shapes()
    types = by_type(instance_families)
    assert set(types) == set(shapes["ProductionVariantInstanceType"]["enum"])
    assert {n for n, (_, t) in types.items() if t.transform} == set(shapes["TransformInstanceType"]["enum"])


def ec2_rows() -> dict[str, Any]:
    """EC2's description of each type, as moto bundles it."""
    moto = pytest.importorskip("moto")
    folder = Path(moto.__file__).parent / "ec2" / "resources"
    rows: dict[str, Any] = {}
    for path in folder.glob("instance_types.json*"):
        text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        loaded = json.loads(text)
        rows = loaded if isinstance(loaded, dict) else {r["InstanceType"]: r for r in loaded}
    assert rows
    return rows


def test_hardware_equals_ec2(instance_families: Families) -> None:
    """CPUs, memory, architecture and devices of every type equal EC2's own description, corrections excepted."""
    rows = ec2_rows()
    compared = 0
    for name, (family, kind) in by_type(instance_families).items():
        ec2 = rows.get(name.removeprefix("ml."))
        if ec2 is None:
            assert family.id in NOT_IN_EC2_TODAY, name
            continue
        compared += 1
        assert kind.vcpus == ec2["VCpuInfo"]["DefaultVCpus"], name
        assert kind.memory_mib == ec2["MemoryInfo"]["SizeInMiB"], name
        assert family.architecture in ec2["ProcessorInfo"]["SupportedArchitectures"], name
        devices = (ec2.get("GpuInfo") or {}).get("Gpus") or (ec2.get("NeuronInfo") or {}).get("NeuronDevices") or []
        assert kind.accelerator_count == sum(d["Count"] for d in devices), name
        if devices and name not in CORRECTED:
            assert family.accelerator.memory_mib_each == devices[0]["MemoryInfo"]["SizeInMiB"], name
    assert compared == 269


def test_family_is_the_middle_of_the_name(instance_families: Families) -> None:
    """A type stands in the file of its family, once."""
    for family in instance_families.values():
        for kind in family.types:
            assert kind.type.split(".")[:2] == ["ml", family.id]


def test_accelerators_are_described(instance_families: Families, accelerators: dict[str, Any]) -> None:
    """An accelerator of a family is a row of gpus.yaml or neuron.yaml, with the same memory for Neuron."""
    for family in instance_families.values():
        accelerator = family.accelerator
        counts = {t.accelerator_count for t in family.types}
        if accelerator.kind == "cpu":
            assert counts == {0}
            assert accelerator.name is None
            assert accelerator.memory_mib_each is None
            continue
        assert 0 not in counts
        assert accelerator.memory_mib_each
        if accelerator.kind == "cuda":
            assert accelerator.name in accelerators["gpus"].gpus
        elif accelerator.kind == "neuron":
            device = accelerators["neuron"].devices[accelerator.name]
            assert family.id in device.families
            assert device.device_memory_mib == accelerator.memory_mib_each


def test_legacy_families_and_prices(instance_families: Families) -> None:
    """Exactly p2, p3 and dl1 are legacy; three types have no price and the file says so; prices carry their date."""
    assert {f.id for f in instance_families.values() if f.legacy} == {"p2", "p3", "dl1"}
    no_price = {n for n, (_, t) in by_type(instance_families).items() if t.price_usd_hour is None}
    assert no_price == {"ml.trn2.48xlarge", "ml.p5e.48xlarge", "ml.p6e-gb200.36xlarge"}
    for name in no_price:
        family = by_type(instance_families)[name][0]
        assert any(name in note for note in family.notes)
    for family in instance_families.values():
        assert (family.price.region, family.price.date) == ("us-east-1", "2026-07-20")


@pytest.mark.parametrize(
    ("name", "vcpus", "memory_mib", "count", "each", "price"),
    [
        ("ml.t2.medium", 2, 4096, 0, None, 0.0464),
        ("ml.g5.xlarge", 4, 16384, 1, 22888, 1.006),
        ("ml.g5.12xlarge", 48, 196608, 4, 22888, 5.672),
        ("ml.g5.16xlarge", 64, 262144, 1, 22888, 4.096),
        ("ml.g6.xlarge", 4, 16384, 1, 22888, 0.8048),
        ("ml.p4d.24xlarge", 96, 1179648, 8, 40960, None),
        ("ml.p4de.24xlarge", 96, 1179648, 8, 81920, None),
        ("ml.trn2.48xlarge", 192, 2097152, 16, 98304, None),
        ("ml.inf2.48xlarge", 192, 786432, 12, 32768, None),
    ],
)
def test_spot_checks(
    instance_families: Families,
    name: str,
    vcpus: int,
    memory_mib: int,
    count: int,
    each: int | None,
    price: float | None,
) -> None:
    """Known rows, one by one."""
    family, kind = by_type(instance_families)[name]
    assert (kind.vcpus, kind.memory_mib, kind.accelerator_count) == (vcpus, memory_mib, count)
    assert family.accelerator.memory_mib_each == each
    if price is not None:
        assert kind.price_usd_hour == price


def test_local_disks_are_those_of_ec2(instance_families: Families) -> None:
    """Every family whose types EC2's data describes says what EC2 says; the others say nothing."""
    rows = ec2_rows()
    for family in instance_families.values():
        names = [t.type.removeprefix("ml.") for t in family.types]
        found = {rows[name]["InstanceStorageSupported"] if name in rows else None for name in names}
        assert family.local_nvme is (found.pop() if len(found) == 1 else None), family.id
    assert {family.local_nvme for family in instance_families.values()} == {True, False, None}
