"""refresh instances: exact differences, hand-written facts kept, shrinking sources refused."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mcc_registry.refresh.aws import AmiFacts, Ec2Type, ServiceModel, parse_amis, parse_ec2_type, parse_service_model
from mcc_registry.refresh.common import SourceError
from mcc_registry.refresh.files import RegistryFile, new_texts
from mcc_registry.refresh.instances import AMIS, refresh_instances
from mcc_registry.validate.canonical import dump_canonical

from .kit import TODAY, Files, drift, edited, only, pairs, without

OLDER = json.loads(Path(__file__).with_name("older_service.json").read_text())
EC2_SOURCE = "EC2 DescribeInstanceTypes, us-east-1"
G5 = "instances/g5.yaml"
NOT_DESCRIBED = {"dl1", "p2", "p3", "p6e-gb200"}


def refresh(files: Mapping[str, RegistryFile], service: ServiceModel, ec2: Any, **more: Any) -> Any:
    return refresh_instances(files, service, ec2, EC2_SOURCE, today=TODAY, **more)


def older_files(shipped: Mapping[str, RegistryFile]) -> Files:
    """The shipped registries as they would have been when the older service model was current."""
    types, transform = set(OLDER["endpoint_types"]), set(OLDER["transform_types"])
    files = dict(shipped)
    for name, file in shipped.items():
        if file.kind != "instance_family":
            continue
        rows = [dict(row) for row in file.data["types"] if row["type"] in types]
        for row in rows:
            if row["type"] not in transform:
                row.pop("transform", None)
        if not rows:
            files = without(files, name)
        elif rows != file.data["types"]:
            files = edited(files, name, lambda data, rows=rows: data.update(types=rows))
    amis = {n: row for n, row in shipped[AMIS].data["amis"].items() if n in OLDER["inference_amis"]}
    return edited(files, AMIS, lambda data: data.update(amis=amis))


def test_nothing_differs_today(shipped: Files, service: ServiceModel, ec2: Any) -> None:
    """The shipped registries are what the sources say; what is kept against them is listed, nothing is written."""
    outcome = refresh(shipped, service, ec2)
    assert drift(outcome) == [] and outcome.documents == {} and outcome.findings == []
    kept = {change.file.split("/")[1].removesuffix(".yaml") for change in only(outcome, "kept")}
    assert kept == NOT_DESCRIBED | {"trn2", "g7e"}


def test_counts_and_facts_equal_the_sources(shipped: Files, service: ServiceModel, ec2: Any) -> None:
    """277 types, and every fact of every type that EC2 and the registries both know; corrections are the exception."""
    rows = {r["type"]: (f.data, r) for f in shipped.values() if f.kind == "instance_family" for r in f.data["types"]}
    assert set(rows) == set(service.types) and len(rows) == 277
    assert {n for n, (_, r) in rows.items() if r.get("transform")} == service.transform
    both = [name for name in rows if name.removeprefix("ml.") in ec2]
    assert len(both) == 269
    for name in both:
        family, row = rows[name]
        there = ec2[name.removeprefix("ml.")]
        corrected = {c["field"]: c["source_says"] for c in family.get("corrections", [])}
        accelerator = family["accelerator"]
        assert (row["vcpus"], row["memory_mib"], row.get("accelerator_count", 0)) == (
            there.vcpus, there.memory_mib, there.count,
        ), name  # fmt: skip
        assert family["architecture"] in there.architectures and accelerator["kind"] == there.kind, name
        for field in ("name", "memory_mib_each"):
            ours = corrected.get(f"accelerator.{field}", accelerator.get(field))
            assert ours == getattr(there, field), (name, field)
    amis = dict(shipped[AMIS].data["amis"].items())
    assert list(amis) == list(service.amis)
    for name, facts in service.amis.items():
        assert facts.known().items() <= amis[name].items(), name


def test_replay_reports_exactly_the_differences(shipped: Files, service: ServiceModel, ec2: Any) -> None:
    """From registries of February 2025, a refresh says what was added since, and nothing else."""
    outcome = refresh(older_files(shipped), service, ec2)
    new = set(service.types) - set(OLDER["endpoint_types"])
    assert len(new) == 63
    addable = {name for name in new if name.split(".")[1] not in NOT_DESCRIBED}
    expected = {("added", name) for name in addable}
    expected |= {("added", name) for name in set(service.amis) - set(OLDER["inference_amis"])}
    flags = (service.transform - set(OLDER["transform_types"])) - new
    expected |= {("changed", f"{name} transform") for name in flags}
    expected |= {("unresolved", "family p6e-gb200 is new (ml.p6e-gb200.36xlarge)")}
    # the correction of g7e's GPU name goes with its file: EC2's own name of that GPU is in no file, so a person decides
    expected -= {("added", name) for name in new if name.startswith("ml.g7e.")}
    found = pairs(outcome)
    assert len(found) == len(set(found))
    assert {pair for pair in found if "family g7e is new" not in pair[1]} == expected
    assert len(found) == len(expected) + 1


def test_replay_restores_the_files(shipped: Files, service: ServiceModel, ec2: Any) -> None:
    """What is written equals the shipped files byte for byte, but for what no source says (prices, notes, dates)."""
    older = older_files(shipped)
    outcome = refresh(older, service, ec2)
    texts = new_texts(older, outcome.documents)
    new = {n for n in service.types if n not in OLDER["endpoint_types"]}
    flags = service.transform - set(OLDER["transform_types"])
    touched = {name.split(".")[1] for name in new | flags} - {"g7e", "p6e-gb200"}
    assert set(texts) == {AMIS, *(f"instances/{family}.yaml" for family in touched)}
    for name, text in texts.items():
        file = shipped[name]
        _, written = outcome.documents[name]
        data = {**file.data, "provenance": written["provenance"]}
        assert written["provenance"]["checked"] == TODAY
        if file.kind == "instance_family":
            there = {row["type"] for row in older[name].data["types"]} if name in older else set()
            rows = [dict(row) for row in file.data["types"]]
            for row in rows:
                if row["type"] not in there:
                    row.pop("price_usd_hour", None)
            data["types"] = rows
            if name not in older:
                for key in ("notes", "local_nvme"):
                    data.pop(key, None)
                data["price"] = written["price"]
                assert written["price"]["source"] == "no price read yet"
        else:
            for key in set(service.amis) - set(OLDER["inference_amis"]):
                hand = {"families_documented", "families_observed", "disputed", "note", "sources"}
                facts = {k: v for k, v in written["amis"][key].items() if k not in hand}
                assert facts == {k: v for k, v in file.data["amis"][key].items() if k not in hand}
            data["amis"] = written["amis"]
            assert list(written["amis"]) == list(file.data["amis"])
        assert text == dump_canonical(data, file.kind, comment=file.comment), name


def test_a_changed_fact_is_reported_and_taken(shipped: Files, service: ServiceModel, ec2: Any) -> None:
    """A different number of CPUs, memory or device memory is one difference each, old and new value named."""

    def edit(data: dict[str, Any]) -> None:
        data["types"][1]["vcpus"] = 9
        data["accelerator"]["memory_mib_each"] = 24576

    outcome = refresh(edited(shipped, G5, edit), service, ec2)
    assert [c.words() for c in drift(outcome)] == [
        "changed ml.g5.2xlarge vcpus: 9 -> 8 (EC2)",
        "changed accelerator.memory_mib_each: 24576 -> 22888 (EC2)",
    ]
    _, data = outcome.documents[G5]
    assert {**data, "provenance": None} == {**shipped[G5].data, "provenance": None}


def test_hand_written_fields_are_kept(shipped: Files, service: ServiceModel, ec2: Any) -> None:
    """Notes, legacy, prices, local_nvme and the title survive the rewriting of their file."""

    def edit(data: dict[str, Any]) -> None:
        data["types"] = data["types"][:1]
        data["types"][0]["note"] = "loved by many"
        data.update(legacy="use g6", title="mine", notes=["by hand"], local_nvme=False)

    files = edited(shipped, G5, edit)
    outcome = refresh(files, service, ec2, allow_removals=True)
    _, data = outcome.documents[G5]
    assert len(data["types"]) == 8 and data["types"][0] == files[G5].data["types"][0]
    for key in ("legacy", "title", "notes", "local_nvme", "price", "id"):
        assert data[key] == files[G5].data[key], key


def test_corrections_stand_against_the_source(shipped: Files, service: ServiceModel, ec2: Any) -> None:
    """trn2's memory is kept while EC2 says what the correction is about; when EC2 changes, a person must look."""
    (kept,) = [c for c in only(refresh(shipped, service, ec2), "kept") if c.file == "instances/trn2.yaml"]
    assert (kept.old, kept.new) == (98304, 524288) and "not plausible" in kept.reason
    other = {**ec2, "trn2.48xlarge": replace(ec2["trn2.48xlarge"], memory_mib_each=123456)}
    outcome = refresh(shipped, service, other)
    assert [c.kind for c in drift(outcome)] == ["unresolved"] and outcome.documents == {}
    agreed = {**ec2, "trn2.48xlarge": replace(ec2["trn2.48xlarge"], memory_mib_each=98304)}
    assert "can go" in only(refresh(shipped, service, agreed), "note")[0].words()


def grown(service: ServiceModel, *names: str) -> ServiceModel:
    return replace(service, types=(*service.types, *names))


def test_a_new_family_gets_a_file_with_honest_unknowns(shipped: Files, service: ServiceModel, ec2: Any) -> None:
    """CPU and known-GPU families are written with no price; the result is canonical and complete."""
    more = {
        **ec2,
        "c99g.xlarge": Ec2Type(4, 8192, ("arm64",)),
        "g99.xlarge": Ec2Type(8, 65536, ("x86_64",), "cuda", "L4", 1, 22888),
    }
    outcome = refresh(shipped, grown(service, "ml.c99g.xlarge", "ml.g99.xlarge"), more)
    assert pairs(outcome) == [("added", "ml.c99g.xlarge"), ("added", "ml.g99.xlarge")]
    _, arm = outcome.documents["instances/c99g.yaml"]
    assert arm["architecture"] == "arm64" and arm["types"] == [
        {"type": "ml.c99g.xlarge", "vcpus": 4, "memory_mib": 8192}
    ]
    _, gpu = outcome.documents["instances/g99.yaml"]
    assert gpu["accelerator"] == {"kind": "cuda", "name": "L4", "memory_mib_each": 22888}
    assert gpu["price"]["source"] == "no price read yet" and "price_usd_hour" not in gpu["types"][0]


@pytest.mark.parametrize(
    ("described", "words"),
    [
        (None, "EC2 does not describe its types"),
        (Ec2Type(4, 8192, ("x86_64",), "cuda", "RTX 9000", 1, 99), "RTX 9000 is not in accelerators/gpus.yaml"),
        (Ec2Type(4, 8192, ("x86_64",), "neuron", "Trainium9", 1, 99), "Trainium9 is not in accelerators/neuron.yaml"),
        (Ec2Type(4, 8192, ("x86_64",), "cuda", "L4", 0, 2861), "a fraction of a L4"),
    ],
)
def test_what_cannot_be_known_is_left_to_people(
    shipped: Files, service: ServiceModel, ec2: Any, described: Any, words: str
) -> None:
    """A new type that EC2 does not describe, or with an unknown device, is drift that a person must settle."""
    more = {**ec2, "x99.xlarge": described} if described else ec2
    outcome = refresh(shipped, grown(service, "ml.x99.xlarge"), more)
    (change,) = drift(outcome)
    assert change.kind == "unresolved" and words in change.words() and outcome.documents == {}


def test_a_type_unlike_its_family_is_left_to_people(shipped: Files, service: ServiceModel, ec2: Any) -> None:
    """A g5 with another GPU is not squeezed into the g5 file."""
    more = {**ec2, "g5.metal": Ec2Type(4, 8192, ("x86_64",), "cuda", "L4", 1, 22888)}
    (change,) = drift(refresh(shipped, grown(service, "ml.g5.metal"), more))
    assert change.kind == "unresolved" and "unlike its family" in change.reason


def test_offline_compares_names_only(shipped: Files, service: ServiceModel) -> None:
    """Without EC2 nothing about hardware is said, and a new type cannot be added."""
    assert drift(refresh(shipped, service, None)) == []
    (change,) = drift(refresh(shipped, grown(service, "ml.g5.metal"), None))
    assert "EC2 was not asked" in change.reason


def lacking(service: ServiceModel, *families: str, first: int = 0) -> ServiceModel:
    types = [t for t in service.types if t.split(".")[1] not in families][first:]
    return replace(service, types=tuple(types), transform=service.transform & set(types))


def test_a_shrunken_source_is_refused(shipped: Files, service: ServiceModel, ec2: Any) -> None:
    """A vanished family, one row in twenty, or a lost AMI refuse; --allow-removals accepts it."""
    for broken in (
        lacking(service, "p4de"),
        lacking(service, first=20),
        replace(service, transform=frozenset(sorted(service.transform)[10:])),
        replace(service, amis=dict(list(service.amis.items())[1:])),
        replace(service, version="1.40.0"),
    ):
        outcome = refresh(shipped, broken, ec2)
        assert {f.code for f in outcome.findings} == {"MCC721"}
        assert outcome.documents == {} and outcome.changes == []
    text = refresh(shipped, lacking(service, "p4de"), ec2).findings[0].message
    assert "family p4de is gone entirely" in text
    outcome = refresh(shipped, lacking(service, "p4de"), ec2, allow_removals=True)
    assert pairs(outcome) == [("removed", "ml.p4de.24xlarge")]
    assert outcome.documents == {"instances/p4de.yaml": None}


def test_a_few_removed_types_go(shipped: Files, service: ServiceModel, ec2: Any) -> None:
    """One type less of a family that stays is a removal like any other."""
    names = replace(service, types=tuple(t for t in service.types if t != "ml.g5.48xlarge"))
    outcome = refresh(shipped, names, ec2)
    assert pairs(outcome) == [("removed", "ml.g5.48xlarge")]
    assert len(outcome.documents[G5][1]["types"]) == 7


def test_ec2_shrinking_is_refused(shipped: Files, service: ServiceModel, ec2: Any) -> None:
    """EC2 forgetting a family it used to describe is suspicious; the rows stay even when that is accepted."""
    less = {name: row for name, row in ec2.items() if not name.startswith("g6.")}
    assert {f.code for f in refresh(shipped, service, less).findings} == {"MCC721"}
    outcome = refresh(shipped, service, less, allow_removals=True)
    assert drift(outcome) == [] and any("ml.g6.xlarge" in c.item for c in only(outcome, "kept"))


def test_ami_facts_are_renewed_and_the_rest_kept(shipped: Files, service: ServiceModel, ec2: Any) -> None:
    """A new driver of an AMI is taken; its families and notes stay."""
    name = "al2-ami-sagemaker-inference-gpu-3-1"
    amis = {**service.amis, name: replace(service.amis[name], driver_branch=570, cuda="12.8")}
    outcome = refresh(shipped, replace(service, amis=amis), ec2)
    assert pairs(outcome) == [("changed", f"{name} driver_branch"), ("changed", f"{name} cuda")]
    _, data = outcome.documents[AMIS]
    assert data["amis"][name] == {**shipped[AMIS].data["amis"][name], "driver_branch": 570, "cuda": "12.8"}
    assert data["choices"] == shipped[AMIS].data["choices"]
    assert len(data["provenance"]["source"]) == len(shipped[AMIS].data["provenance"]["source"])


def test_documentation_of_amis_is_read() -> None:
    """Old and new wordings of the API's documentation; what it does not say stays unknown."""
    text = (
        "<p>Names:</p><dl> <dt>al2-x-gpu-2-1</dt> <dd><ul> <li> <p>Accelerator: GPU</p> </li>"
        "<li><p>NVIDIA driver version: 535.54.03</p></li><li><p>CUDA driver version: 12.2</p></li>"
        "<li><p>CUDA Container Toolkit with disabled CUDA-compat mounting</p></li></ul></dd>"
        "<dt>al2-x-neuron-3</dt><dd><ul><li><p>Accelerator: Inferentia2 and Trainium</p></li>"
        "<li><p>Neuron driver version: 2.19</p></li></ul></dd><dt>al9-empty</dt></dl>"
    )
    assert parse_amis(text) == {
        "al2-x-gpu-2-1": AmiFacts("cuda", 535, "12.2", None, "disabled"),
        "al2-x-neuron-3": AmiFacts("neuron", None, None, "2.19", None),
        "al9-empty": AmiFacts(),
    }


@pytest.mark.parametrize("model", [{}, {"shapes": {}}, {"shapes": []}, {"metadata": {}, "shapes": {"A": None}}])
def test_a_strange_service_model_is_a_finding(model: Any) -> None:
    """A botocore that describes SageMaker differently is said to, without a traceback."""
    with pytest.raises(SourceError, match="another way"):
        parse_service_model(model, "9.9.9")


def test_devices_of_every_kind_are_read() -> None:
    """GPUs of others and inference accelerators are `other`, never cuda."""
    base = {
        "VCpuInfo": {"DefaultVCpus": 96}, "MemoryInfo": {"SizeInMiB": 786432},
        "ProcessorInfo": {"SupportedArchitectures": ["x86_64"]},
    }  # fmt: skip
    device = {"Count": 8, "MemoryInfo": {"SizeInMiB": 16000}}
    qualcomm = {**device, "Name": "AI100", "Manufacturer": "Qualcomm"}
    row = parse_ec2_type({**base, "InferenceAcceleratorInfo": {"Accelerators": [qualcomm]}})
    assert (row.kind, row.name, row.count, row.memory_mib_each) == ("other", "AI100", 8, 16000)
    amd = {**device, "Name": "Radeon", "Manufacturer": "AMD"}
    assert parse_ec2_type({**base, "GpuInfo": {"Gpus": [amd]}}).kind == "other"
    assert parse_ec2_type(base).kind == "cpu"


def test_input_is_not_changed(shipped: Files, service: ServiceModel, ec2: Any) -> None:
    """Refreshing leaves the files it was given as they were."""
    older = older_files(shipped)
    before = {name: dump_canonical(f.data, f.kind, comment=f.comment) for name, f in older.items()}
    refresh(older, service, ec2)
    assert {name: dump_canonical(f.data, f.kind, comment=f.comment) for name, f in older.items()} == before
