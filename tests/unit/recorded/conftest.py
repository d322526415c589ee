"""The cut of the registries, written and loaded once."""

from __future__ import annotations

import pytest

from tests.unit.recorded.cut import Cut
from tests.unit.recorded.plan_layers import LAYERS


@pytest.fixture(scope="session")
def cut(tmp_path_factory: pytest.TempPathFactory) -> Cut:
    made = Cut(tmp_path_factory.mktemp("cut"), LAYERS)
    made.load()
    return made
