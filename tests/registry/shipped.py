"""The shipped registry files as models, read without the library's own loader so that its faults cannot hide ours."""

from __future__ import annotations

import gzip
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from mcc_registry.models import base, framework, instance, model

ROOT = Path(__file__).resolve().parents[2] / "registries"

KINDS: dict[str, type[base.Row]] = {
    "framework": framework.Framework,
    "model_family": model.ModelFamily,
    "instance_family": instance.InstanceFamily,
    "gpus": instance.Gpus,
    "cuda": instance.Cuda,
    "amis": instance.Amis,
    "neuron": instance.Neuron,
    "regions": instance.Regions,
}


@cache
def raw(path: Path) -> dict[str, Any]:
    data = yaml.load(path.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    assert isinstance(data, dict), path
    return data


@cache
def row(path: Path) -> Any:
    data = raw(path)
    return KINDS[data["kind"]].model_validate(data)


def files(folder: str) -> list[Path]:
    return sorted((ROOT / folder).glob("*.yaml"))


def all_files() -> list[Path]:
    return sorted(ROOT.rglob("*.yaml"))


@cache
def service_shapes() -> dict[str, Any]:
    """The shapes of the SageMaker service model that botocore ships."""
    botocore = pytest.importorskip("botocore")
    folder = Path(botocore.__file__).parent / "data" / "sagemaker" / "2017-07-24"
    packed = folder / "service-2.json.gz"
    text = gzip.decompress(packed.read_bytes()) if packed.exists() else (folder / "service-2.json").read_bytes()
    shapes: dict[str, Any] = json.loads(text)["shapes"]
    return shapes
