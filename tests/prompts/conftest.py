"""Start `copier copy` at a terminal that is closed again after the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .terminal import Terminal


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Callable[..., Terminal]]:
    """Start `copier copy` with some answers given beforehand."""
    opened: list[Terminal] = []

    def start(*words: str, **data: Any) -> Terminal:
        opened.append(Terminal(tmp_path / "project", *words, **data))
        return opened[-1]

    yield start
    for each in opened:
        each.child.close(force=True)
