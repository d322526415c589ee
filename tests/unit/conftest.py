"""Fixtures of the unit tests."""

from __future__ import annotations

import pytest

from mcc_registry import Registry


@pytest.fixture(scope="session")
def shipped() -> Registry:
    """The shipped registries, loaded once; they are immutable."""
    return Registry.load(environ={})
