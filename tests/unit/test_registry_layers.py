"""Layers: entry by entry, later wins, null removes, a broken one stops with every fault."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mcc_registry.errors import RegistryError
from mcc_registry.registry import Registry
from mcc_registry.validate import validate
from tests.small import small_registry

SMALL = small_registry()


def load(*layers: Path, **files: str) -> Registry:
    return Registry.load(list(layers), root=SMALL, environ={})


def write(layer: Path, name: str, text: str) -> Path:
    path = layer / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return layer


def test_release_row_is_merged_and_others_stay(tmp_path: Path) -> None:
    layer = write(
        tmp_path / "team",
        "frameworks/toyserve.yaml",
        'kind: framework\nid: toyserve\nreleases:\n  - version: "0.9.2"\n    settings:\n      max_model_len: 1024\n',
    )
    below, merged = load(), load(layer)
    entry = merged.frameworks["toyserve"]
    assert entry["0.9.2"].data.settings == {"max_model_len": 1024}
    assert entry["0.9.2"].base_image == below.frameworks["toyserve"]["0.9.2"].base_image
    assert entry["0.10.0"].data == below.frameworks["toyserve"]["0.10.0"].data
    assert entry["0.9.2"].file == f"{layer}/frameworks/toyserve.yaml"
    assert entry["0.10.0"].file == "registries/frameworks/toyserve.yaml"
    assert merged.version != below.version


def test_new_release_takes_its_place_and_null_removes(tmp_path: Path) -> None:
    layer = write(
        tmp_path / "team",
        "frameworks/toyserve.yaml",
        """\
releases:
  "0.9.10":
    builds:
      - source: upstream
        tag: v0.9.10
        accelerator:
          type: cuda
  "0.9.2": null
""",
    )
    assert load(layer).frameworks["toyserve"].versions == ("0.10.0", "0.9.10")


def test_instance_type_gpu_and_ami(tmp_path: Path) -> None:
    layer = tmp_path / "team"
    write(
        layer, "instances/toy1.yaml", "types:\n  ml.toy1.xlarge:\n    price_usd_hour: 0.5\n  ml.toy1.12xlarge: null\n"
    )
    write(layer, "accelerators/gpus.yaml", "gpus:\n  Toy10:\n    bf16: false\n")
    write(layer, "accelerators/amis.yaml", "amis:\n  toy-ami-gpu-1:\n    driver_branch: 590\n")
    write(layer, "regions.yaml", 'ecr:\n  toy_images:\n    accounts:\n      eu-west-1: "999900001111"\n')
    merged = load(layer)
    assert merged.instances["ml.toy1.xlarge"].price_usd_hour == 0.5
    assert merged.instances["ml.toy1.xlarge"].vcpus == 4
    assert merged.instances["ml.toy1.xlarge"].file == f"{layer}/instances/toy1.yaml"
    assert merged.find_instance("ml.toy1.12xlarge") is None
    assert merged.gpus["Toy10"].bf16 is False
    assert merged.gpus["Toy10"].compute_capability == "8.0"
    assert merged.amis.amis["toy-ami-gpu-1"].driver_branch == 590
    image = merged.frameworks["toyserve"]["0.10.0"].image(region="eu-west-1")
    assert image.startswith("999900001111.dkr.ecr.eu-west-1.amazonaws.com/")


def test_later_layer_wins_and_whole_file_is_removed_by_null(tmp_path: Path) -> None:
    one = write(tmp_path / "one", "instances/toy2.yaml", "types:\n  ml.toy2.large:\n    price_usd_hour: 0.2\n")
    two = write(tmp_path / "two", "instances/toy2.yaml", "types:\n  ml.toy2.large:\n    price_usd_hour: 0.3\n")
    assert load(one, two).instances["ml.toy2.large"].price_usd_hour == 0.3
    assert load(two, one).instances["ml.toy2.large"].price_usd_hour == 0.2
    gone = write(tmp_path / "gone", "instances/toy3.yaml", "null\n")
    assert load(gone).find_instance("ml.toy3.xlarge") is None


PATTERNS = """\
title: Ours
provenance:
  source:
    - us
  checked: "2026-02-01"
  basis: assumed
patterns:
  - match: "{pattern}"
    settings:
      max_model_len: {length}
"""


def test_models_of_a_layer(tmp_path: Path) -> None:
    """A tie across layers goes to the later one; a more specific pattern wins wherever it is."""
    tie = write(tmp_path / "tie", "models/ours.yaml", PATTERNS.format(pattern="toys/toy-*", length=111))
    match = load(tie).find_model("toys/toy-9b")
    assert match is not None
    assert (match.layer, match.settings("toyserve")["max_model_len"]) == ("tie", 111)
    vague = write(tmp_path / "vague", "models/ours.yaml", PATTERNS.format(pattern="toys/*", length=222))
    match = load(vague).find_model("toys/toy-9b")
    assert match is not None
    assert match.layer == "shipped"
    exact = """\
models:
  toys/TOY-7b-base:
    settings:
      max_model_len: 333
"""
    other = write(tmp_path / "other", "models/ours.yaml", PATTERNS.partition("patterns:")[0] + exact)
    match = load(other).find_model("toys/toy-7b-base")
    assert match is not None
    assert (match.layer, match.family_id) == ("other", "ours")


def test_policy_names_its_layer_and_reason(tmp_path: Path) -> None:
    text = "kind: policy\nreason: cost ceiling\nallow:\n  instance_types:\n    - ml.toy2.*\n"
    layer = write(tmp_path / "team", "policy.yaml", text.replace("ml.toy2.*", '"ml.toy2.*"'))
    (policy,) = load(layer).policy
    assert (policy.reason, policy.layer, policy.file) == ("cost ceiling", "team", f"{layer}/policy.yaml")
    assert policy.allows("instance_types", "ml.toy2.large")
    assert not policy.allows("instance_types", "ml.toy1.xlarge")
    assert policy.allows("regions", "anywhere")


def test_broken_layer_stops_with_every_fault_and_a_way_on(tmp_path: Path) -> None:
    layer = tmp_path / "team"
    write(layer, "instances/toy1.yaml", "types:\n  ml.toy1.xlarge:\n    vcpus: many\n")
    write(
        layer,
        "frameworks/toyserve.yaml",
        'releases:\n  "9.9": null\n  "0.10.0":\n    inference_ami_version: toy-ami\n',
    )
    with pytest.raises(RegistryError) as caught:
        load(layer)
    found = [(f.source.removeprefix(f"{layer}/"), f.code) for f in caught.value.findings]
    assert found == [
        ("frameworks/toyserve.yaml:2", "MCC515"),
        ("frameworks/toyserve.yaml:4", "MCC523"),
        ("instances/toy1.yaml:3", "MCC512"),
    ]
    assert "to go on without it" in caught.value.title
    assert str(layer) in caught.value.title
    assert "instances/toy1.yaml:3" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('releases:\n  "0.10.0":\n    validation_levle: tested\n', "releases[0.10.0].validation_levle"),
        ('releases:\n  - version: "0.10.0"\n    validation_levle: tested\n', "releases[0].validation_levle"),
        ('releases:\n  "0.10.0":\n    inference_ami_version: nowhere\n', "releases[0.10.0].inference_ami_version"),
    ],
)
def test_a_fault_is_placed_where_the_layer_wrote_it(tmp_path: Path, text: str, place: str) -> None:
    """Key or index are those of the layer's file, not of the list that merging made."""
    with pytest.raises(RegistryError) as caught:
        load(write(tmp_path / "team", "frameworks/toyserve.yaml", text))
    (fault,) = caught.value.findings
    assert fault.field == place and fault.source.endswith(":3")


def test_meaning_is_judged_when_a_layer_is_loaded(tmp_path: Path) -> None:
    layer = write(tmp_path / "team", "accelerators/amis.yaml", "neuron_choice: toy-ami-nuron-1\n")
    with pytest.raises(RegistryError) as caught:
        load(layer)
    (fault,) = caught.value.findings
    assert (fault.code, fault.hint) == ("MCC523", "did you mean toy-ami-neuron-1?")


@pytest.mark.parametrize("name", ["nowhere", "file", "empty"])
def test_missing_layer_is_never_skipped(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "empty").mkdir()
    with pytest.raises(RegistryError) as caught:
        load(tmp_path / name)
    assert [f.code for f in caught.value.findings] == ["MCC514"]


def test_layers_come_from_the_environment_first(tmp_path: Path) -> None:
    one = write(tmp_path / "one", "instances/toy2.yaml", "types:\n  ml.toy2.large:\n    price_usd_hour: 0.2\n")
    two = write(tmp_path / "two", "instances/toy2.yaml", "types:\n  ml.toy2.large:\n    price_usd_hour: 0.3\n")
    merged = Registry.load(str(two), root=SMALL, environ={"REGISTRY_PATH": str(one)})
    assert [layer.name for layer in merged.layers] == ["shipped", "one", "two"]
    assert merged.instances["ml.toy2.large"].price_usd_hour == 0.3


BROKEN_TEMPLATES = {
    "syntax": ("{{ a }}\n{% for %}\n", 2, "MCC554"),
    "a number of 5000 digits": ("{{ " + "9" * 5000 + " }}", 1, "MCC554"),
    "nesting": ("{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}", 1, "MCC554"),
    "an escape": ("a\nb \x1b[31m{{ a }}\n", 2, "MCC502"),
    "a turned direction": ("a\n\u202e{{ a }}\n", 2, "MCC502"),
    "a secret": ("a\n\nhf_" + "aB1" * 12 + "\n", 3, "MCC550"),
    "not UTF-8": (b"a\n\xff\n", 2, "MCC502"),
}


@pytest.mark.parametrize("what", BROKEN_TEMPLATES)
def test_a_broken_chat_template_stops_its_layer(tmp_path: Path, what: str) -> None:
    """From `validate` and from every load, with the line; a secret is not repeated."""
    text, line, code = BROKEN_TEMPLATES[what]
    path = tmp_path / "chat_templates" / "own.jinja"
    path.parent.mkdir()
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(RegistryError) as caught:
        load(tmp_path)
    found = caught.value.findings
    assert [(f.code, f.source) for f in found] == [(code, f"{path}:{line}")]
    assert all(f.message.isprintable() and "hf_" not in f.message + f.hint for f in found)
    assert validate([tmp_path], root=SMALL, environ={}) == list(found)
    assert validate([path], root=SMALL, environ={}) == list(found)


def test_jinja_is_imported_for_layers_with_chat_templates_only(tmp_path: Path) -> None:
    """Its import costs more than a whole resolution."""
    layer = write(tmp_path / "team", "policy.yaml", "kind: policy\nreason: x\nallow: {}\n")
    program = "import sys; from mcc_registry.registry import Registry; Registry.load([sys.argv[1]]); print('jinja2' in sys.modules)"
    run = [sys.executable, "-c", program, str(layer)]
    assert subprocess.run(run, capture_output=True, text=True, check=True).stdout == "False\n"
    write(layer, "chat_templates/own.jinja", "{{ messages }}\n")
    assert subprocess.run(run, capture_output=True, text=True, check=True).stdout == "True\n"
