"""A copy of the shipped registries to renew, and the sources as they are today."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("botocore", reason="refresh reads botocore: pip install 'mcc-registry[refresh]'")

from mcc_registry.loading import yaml_text
from mcc_registry.refresh.aws import Ec2Type, ServiceModel, parse_ec2_type, read_service_model
from mcc_registry.refresh.files import RegistryFile, read_files
from tests.standins import ec2 as stand_in

SHIPPED = Path(__file__).resolve().parents[2] / "registries"


@pytest.fixture(scope="session")
def service() -> ServiceModel:
    return read_service_model()


@pytest.fixture(scope="session")
def ec2() -> dict[str, Ec2Type]:
    pytest.importorskip("moto", reason="the EC2 data come with moto: pip install 'moto[ec2]'")
    return {name: parse_ec2_type(row) for name, row in stand_in.types().items()}


@pytest.fixture(scope="session")
def shipped() -> dict[str, RegistryFile]:
    return read_files(SHIPPED)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    root = tmp_path / "registries"
    shutil.copytree(SHIPPED, root, ignore=shutil.ignore_patterns(".*"))
    return root


@pytest.fixture(scope="package", autouse=True)
def parse_equal_texts_once() -> Iterator[None]:
    """The tests read the same hundred files again and again; equal text is parsed once. Refresh changes no input."""
    real, parsed = yaml_text.parse_yaml, {}

    def parse(text: str, shown: str, **how: Any) -> Any:
        key = (text, *sorted(how.items()))
        if key not in parsed:
            found = real(text, shown, **how)
            if found.faults:
                return found
            parsed[key] = found
        return parsed[key]

    yaml_text.parse_yaml = parse
    yield
    yaml_text.parse_yaml = real
