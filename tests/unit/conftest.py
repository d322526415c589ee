"""Fixtures of the unit tests."""

from __future__ import annotations

import pytest

from mcc_registry import Registry
from tests.unit.recorded.cut import Cut
from tests.unit.recorded.plan_layers import LAYERS


@pytest.fixture(scope="session")
def shipped() -> Registry:
    """The shipped registries, loaded once; they are immutable."""
    return Registry.load(environ={})


@pytest.fixture(scope="session")
def cut(tmp_path_factory: pytest.TempPathFactory) -> Cut:
    """The cut of the registries that recorded tables rest on, written and loaded once."""
    made = Cut(tmp_path_factory.mktemp("cut"), LAYERS)
    made.load()
    return made
