"""Every fault of a layer is in the first report: shape, meaning and references, in `validate` and wherever it is used."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcc_registry import Registry
from mcc_registry.errors import RegistryError
from mcc_registry.validate import validate
from tests.cli.invoke import invoke

PROVENANCE = 'provenance: {source: [ours], checked: "2026-01-31", basis: assumed}'

FILES = {
    "frameworks/vllm.yaml": """\
kind: framework
id: vllm
releases:
  - version: "99.1.0"
    validation_level: experimental
    recommended_instance_types: [@type@ml.g6.xlarge@ml.g6.xlarg@]
    builds:
      - source: upstream
        tag: v99.1.0
        accelerator: {type: cuda, version: "13.0", basis: assumed}
        @key@min_compute_capability@min_compute_capabilty@: "7.5"
  - version: "99.0.0"
    validation_level: @level@experimental@tested@
    inference_ami_version: @ami@al2023-ami-sagemaker-inference-gpu-4-1@al2023-ami-sagemaker-inference-gpu-9-9@
    builds:
      - source: upstream
        tag: v99.0.0
        accelerator: {type: cuda, version: "13.0", basis: assumed}
  - version: @quoted@"0.1.0"@0.1@
    validation_level: experimental
    settings:
      @inside@max_model_len@max_modle_len@: 4096
    builds:
      - source: upstream
        tag: v0.1.0
        accelerator: {type: cuda, version: "11.8", basis: assumed}
""",
    "models/ours.yaml": f"""\
kind: model_family
id: ours
title: Ours
{PROVENANCE}
framework_compatibility:
  @framework@vllm@vlm@: @spec@">=0.6"@">>0.6"@
patterns:
  - match: "ours/big-*"
    must_match: [@example@ours/big-1@theirs/big-1@]
    must_not_match: [ours/small]
    settings:
      @setting@max_model_len@max_model_length@: 4096
models:
  - match: ours/small
    gated: @flag@false@7@
  - match: ours/smaller
    replaced_by: @replaced@ours/small@ours/smal@
  - match: ours/smallest
    @odd@gated: false@nonsense: 1@
""",
    "instances/ours1.yaml": f"""\
kind: instance_family
id: ours1
title: Ours
{PROVENANCE}
architecture: x86_64
price: {{region: us-east-1, date: "2026-01-31", basis: invented, source: ours}}
accelerator: {{kind: cuda, name: @gpu@L4@L44@, memory_mib_each: 22888}}
types:
  - type: ml.ours1.large
    vcpus: @number@4@four@
    memory_mib: 16384
    accelerator_count: 1
  - type: ml.ours1.xlarge
    vcpus: 8
    @memory@memory_mib: 32768@local_storage: 1@
    accelerator_count: 1
""",
}
"""``@NAME@RIGHT@WRONG@`` is one place that can be wrong; none of them decides whether another one is wrong, though some stand in one row."""

EXPECTED = {
    "type": "MCC522", "key": "MCC511", "level": "MCC535", "ami": "MCC523", "framework": "MCC527", "spec": "MCC539",
    "example": "MCC532", "setting": "MCC529", "flag": "MCC512", "replaced": "MCC525", "odd": "MCC511", "gpu": "MCC521",
    "number": "MCC512", "quoted": "MCC503", "inside": "MCC529", "memory": "MCC510 MCC511",
}  # fmt: skip


def write(folder: Path, wrong: set[str]) -> Path:
    """The layer with some of its places wrong."""
    for name, text in FILES.items():
        parts = text.split("@")
        made = parts[0]
        for place, right, bad, after in zip(parts[1::4], parts[2::4], parts[3::4], parts[4::4], strict=True):
            made += (bad if place in wrong else right) + after
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(made, encoding="utf-8")
    return folder


def faults(folder: Path) -> list[tuple[str, str, str]]:
    """What `validate` finds; loading finds the same errors, in the same order."""
    found = validate([folder], environ={})
    shown = [(f.source.removeprefix(f"{folder}/"), f.code, f.message) for f in found]
    errors = [(f.source, f.code, f.message) for f in found if f.severity == "error"]
    if not errors:
        Registry.load(folder, environ={})
        return shown
    with pytest.raises(RegistryError) as caught:
        Registry.load(folder, environ={})
    assert [(f.source, f.code, f.message) for f in caught.value.findings] == errors
    return shown


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[str, str, str]]]:
    """What each wrong place says when everything else is right."""
    folder = tmp_path_factory.mktemp("alone")
    assert faults(write(folder, set())) == []
    return {place: faults(write(folder, {place})) for place in EXPECTED}


def test_each_place_alone_is_one_fault(alone: dict[str, list[tuple[str, str, str]]]) -> None:
    assert {place: [code for _, code, _ in found] for place, found in alone.items()} == {
        place: code.split() for place, code in EXPECTED.items()
    }


def test_all_of_them_at_once(alone: dict[str, list[tuple[str, str, str]]], tmp_path: Path) -> None:
    """Seventeen faults in three files are as many lines of the first report, by file and line."""
    found = faults(write(tmp_path, set(EXPECTED)))
    together = [fault for place in EXPECTED for fault in alone[place]]
    place = [(source.rpartition(":")[0], int(source.rpartition(":")[2]), code) for source, code, _ in found]
    assert sorted(found) == sorted(together) and place == sorted(place)
    shown = invoke("resolve", "--offline", "--registry-path", str(tmp_path), "--format", "json")
    assert shown.code == 1 and len(shown.json["findings"]) == len(together) == 17


@settings(deadline=None, max_examples=25)
@given(wrong=st.sets(st.sampled_from(sorted(EXPECTED))))
def test_mending_one_fault_uncovers_none(
    wrong: set[str], alone: dict[str, list[tuple[str, str, str]]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Any set of wrong places gives what each of them gives alone: no fault hides another, none brings another."""
    found = faults(write(tmp_path_factory.getbasetemp() / "some", wrong))
    assert sorted(found) == sorted(fault for place in wrong for fault in alone[place])


ROOT_CAUSES = [
    # what is wrong, and what names it: the second line is no fault of its own
    (
        "instances/ours1.yaml",
        "type: ml.ours1.large\n",
        "typ: ml.ours1.large\n",
        "@type@ml.g6.xlarge@",
        "ml.ours1.large",
    ),
    ("instances/ours1.yaml", "vcpus: 4", "vcpus: four", "@type@ml.g6.xlarge@", "ml.ours1.large"),
    ("models/ours.yaml", "match: ours/small\n", "match: 7\n", "@replaced@ours/small@", "ours/small"),
    ("instances/ours1.yaml", "types:\n", "typs:\n", "@type@ml.g6.xlarge@", "ml.ours1.large"),
    ("instances/ours1.yaml", "types:\n", "types: [\n", "@type@ml.g6.xlarge@", "ml.ours1.large"),
]


@pytest.mark.parametrize(("file", "right", "wrong", "place", "name"), ROOT_CAUSES)
def test_a_root_cause_is_told_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, file: str, right: str, wrong: str, place: str, name: str
) -> None:
    """A row that cannot be read still lends its name to those who refer to it."""
    for other, text in FILES.items():
        if place in text:
            head, _, tail = text.partition(place)
            monkeypatch.setitem(FILES, other, f"{head}{place.rsplit('@', 2)[0]}@{name}@{tail}")
    write(tmp_path, set())
    assert faults(tmp_path) == []
    path = tmp_path / file
    text = path.read_text()
    assert right in text
    path.write_text(text.replace(right, wrong, 1))
    found = faults(tmp_path)
    assert found and {source.rpartition(":")[0] for source, _, _ in found} == {file}, found


def test_a_layer_over_a_broken_layer_is_judged_too(tmp_path: Path) -> None:
    """Both layers' faults are in one report."""
    first, second = write(tmp_path / "first", {"number", "flag"}), tmp_path / "second"
    (second / "instances").mkdir(parents=True)
    (second / "instances/ours1.yaml").write_text("types:\n  ml.ours1.xlarge:\n    memory_mib: much\n")
    with pytest.raises(RegistryError) as caught:
        Registry.load([first, second], environ={})
    assert [(Path(f.source).relative_to(tmp_path).as_posix(), f.code) for f in caught.value.findings] == [
        ("first/instances/ours1.yaml:10", "MCC512"),
        ("first/models/ours.yaml:15", "MCC512"),
        ("second/instances/ours1.yaml:3", "MCC512"),
    ]
