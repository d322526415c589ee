"""Look-ups over the small example registry: names, images, prices, models, rows."""

from __future__ import annotations

import copy
import pickle

import pytest

from mcc_registry.registry import ImageError, Registry
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
