"""The shipped registries as fixtures, one per kind."""

from __future__ import annotations

from typing import Any

import pytest

from mcc_registry.models import framework, instance, model
from tests.registry.shipped import files, row


@pytest.fixture(scope="session")
def instance_families() -> dict[str, instance.InstanceFamily]:
    return {p.stem: row(p) for p in files("instances")}


@pytest.fixture(scope="session")
def frameworks() -> dict[str, framework.Framework]:
    return {p.stem: row(p) for p in files("frameworks")}


@pytest.fixture(scope="session")
def model_families() -> dict[str, model.ModelFamily]:
    return {p.stem: row(p) for p in files("models")}


@pytest.fixture(scope="session")
def accelerators() -> dict[str, Any]:
    return {p.stem: row(p) for p in files("accelerators")}
