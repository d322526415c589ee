"""Look-ups over the small example registry: names, images, prices, models, rows."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path

import pytest

from mcc_registry import Request, resolve
from mcc_registry.loading.files import shipped_root
from mcc_registry.loading.load import load_documents
from mcc_registry.registry import ImageError, ImageReferenceError, Registry
from mcc_registry.registry.entries import is_image_reference
from tests.small import small_registry

SMALL = small_registry()


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry.load(root=SMALL, environ={})


def test_names(registry: Registry) -> None:
    assert registry.framework_names() == ("transformers",)
    assert registry.framework_servers("transformers") == ("toyserve",)
    assert registry.framework_servers("nothing") == ()
    assert [layer.name for layer in registry.layers] == ["shipped"]
    assert registry.layers[0].counts["instances"] == 3
    assert registry.file_of("frameworks", "toyserve") == "registries/frameworks/toyserve.yaml"
    assert registry.file_of("gpus") == "registries/accelerators/gpus.yaml"
    assert registry.file_of("instances", "ml.toy2.large") == "registries/instances/toy2.yaml"


def test_instances(registry: Registry) -> None:
    instance = registry.find_instance("ml.toy1.xlarge")
    assert instance is not None
    assert (instance.accelerator_name, instance.accelerator_memory_mib, instance.transform) == ("Toy10", 22888, True)
    assert instance.price.date == "2026-01-31"
    assert registry.find_instance("ML.toy1.xlarge") is None
    assert [i.type for i in registry.instances_by_price("cuda")] == ["ml.toy1.xlarge", "ml.toy1.12xlarge"]
    assert [i.price_usd_hour for i in registry.instances_by_price("neuron")] == [None]
    assert registry.instances_by_price("nothing") == ()


def test_images(registry: Registry) -> None:
    release = registry.frameworks["toyserve"]["0.10.0"]
    assert release.base_image == "111122223333.dkr.ecr.us-east-1.amazonaws.com/toyserve:0.10.0-gpu"
    assert release.image(source="upstream", region="eu-west-1") == "toys/toyserve:v0.10.0"
    china = release.image(region="cn-north-1")
    assert china == "444455556666.dkr.ecr.cn-north-1.amazonaws.com.cn/toyserve:0.10.0-gpu"
    assert release.ecr_registry(release.builds[1]) is None
    with pytest.raises(ImageError, match="region mars-1"):
        release.image(region="mars-1")
    with pytest.raises(ImageError, match="no image from nowhere"):
        release.image(source="nowhere")


def test_releases(registry: Registry) -> None:
    entry = registry.frameworks["toyserve"]
    assert entry.versions == ("0.10.0", "0.9.2")
    assert entry["0.9.2"] is entry["0.9.2"]
    assert "0.8" not in entry
    with pytest.raises(KeyError):
        entry["0.8"]
    for name in ("tensor_parallel_size", "tp", "SM_TOY_TP"):
        parameter = entry.parameter(name)
        assert parameter is not None
        assert parameter.canonical == "tensor_parallel_size"
    assert entry.parameter("nothing") is None


def test_models(registry: Registry) -> None:
    exact = registry.find_model("TOYS/toy-7b-BASE")
    assert exact is not None
    assert (exact.match, exact.matched, exact.family_id) == ("exact", "toys/toy-7b-base", "toymodel")
    assert exact.profile_for() == "7b"
    architecture = registry.find_architecture(exact)
    assert architecture is not None
    assert architecture.params_total == 7_000_000_000
    longest = registry.find_model("toys/toy-70b-chat")
    assert longest is not None
    assert (longest.match, longest.matched) == ("pattern", "toys/toy-*-chat")
    assert longest.settings("toyserve") == {"tensor_parallel_size": 1}
    assert longest.settings("other") == {}
    assert longest.framework_compatibility == {"toyserve": ">=0.9"}
    plain = registry.find_model("toys/toy-7b-tuned")
    assert plain is not None
    assert registry.find_architecture(plain) is None
    assert registry.find_architecture(plain, plain.profile_for()) == architecture
    assert registry.find_model("nobody/nothing") is None
    assert registry.find_model("") is None


def test_rows_are_frozen_and_know_their_defaults(registry: Registry) -> None:
    row = registry.frameworks["toyserve"]["0.9.2"].data
    assert row.validation_level == "experimental"
    assert row.evidence == []
    assert row.builds[0].accelerator.basis == "documented"
    with pytest.raises(AttributeError):
        row.version = "1"  # type: ignore[misc]
    with pytest.raises(AttributeError, match="Release has no 'nothing'"):
        row.nothing  # type: ignore[attr-defined]
    assert copy.deepcopy(row) == row == pickle.loads(pickle.dumps(row))
    assert row.model_dump()["image_arch" if False else "validation_level"] == "experimental"
    assert hash(row) == hash(copy.copy(row))


def test_chat_templates_are_read_when_asked_for(registry: Registry) -> None:
    assert list(registry.chat_templates) == ["toychat"]
    assert registry.chat_templates["toychat"].startswith("{% for")
    with pytest.raises(KeyError):
        registry.chat_templates["nothing"]


def test_many_patterns_are_not_scanned(registry: Registry) -> None:
    """A name is compared only with patterns that begin as it does."""
    assert set(registry._patterns) == {"toys/toy-"}


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("python:3.13-slim", True), ("vllm/vllm-openai:v0.30.0", True), ("localhost:5000/b:1", True),
        ("763104351884.dkr.ecr.us-east-1.amazonaws.com/vllm:0.30.0-gpu", True), ("a:" + "t" * 128, True),
        ("", False), ("a", False), (":1", False), ("a:", False), ("localhost:5000/b", False), ("-a:1", False), ("a:-1", False),
        ("a b:1", False), ("--platform=linux/arm64 a:1", False), ("a:1 AS x", False), ("a:1 # x", False), ("a:1\nRUN x", False),
        ("a:$X", False), ("a@sha256:0", False), ("\u00e9:1", False), ("a" * 256 + ":1", False), ("a:" + "t" * 129, False),
    ],
)  # fmt: skip
def test_an_image_reference_is_a_name_and_a_tag(text: str, is_one: bool) -> None:
    assert is_image_reference(text) is is_one


def test_rows_that_make_no_image_reference_refuse_the_plan(tmp_path: Path) -> None:
    """Each part has a pattern of its own; should one let something pass, the whole is looked at where it is made."""
    folder = tmp_path / "layer"
    folder.mkdir()
    text = 'kind: regions\necr:\n  deep_learning:\n    default_account: "763104351884"\n'
    (folder / "regions.yaml").write_text(text)
    loaded = load_documents(shipped_root(), [folder])
    account = loaded.documents["regions", "regions"].read()["ecr"]["deep_learning"]
    account["default_account"] = "--platform=linux/arm64 evil.example/img:1 AS x # "
    registry = Registry(loaded)
    release = registry.frameworks["vllm"]["0.30.0"]
    with pytest.raises(ImageReferenceError, match="is no name and tag"):
        release.image(source="aws")
    plan = resolve(Request(framework_version="0.30.0", instance_type="ml.g6.xlarge", image_source="aws"), registry)
    assert not plan.ok and plan.base_image is None
    assert [(f.code, f.field) for f in plan.findings if f.severity == "error"] == [("MCC211", "image_source")]
