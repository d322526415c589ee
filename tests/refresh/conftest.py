"""A copy of the shipped registries to renew, and the sources as they are today."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

pytest.importorskip("botocore", reason="refresh reads botocore: pip install 'mcc-registry[refresh]'")

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
