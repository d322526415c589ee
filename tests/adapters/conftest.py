"""Fixtures of the adapter tests; what they share otherwise is in adapterkit.py."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from adapterkit import Running, project, write_project


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Any]:
    """Start serving/serve of a project; everything is ended with the test."""
    started: list[Running] = []

    def begin(name: str, environment: dict[str, str], **changes: Any) -> Running:
        view = project(name, **changes)
        folder = write_project(view, tmp_path / f"run{len(started)}")
        started.append(Running(folder, view, environment))
        return started[-1]

    yield begin
    for running in started:
        if running.process.poll() is None:
            running.process.kill()
            running.process.wait()
        for event in running.events("started"):
            with contextlib.suppress(ProcessLookupError):
                os.kill(event["pid"], 9)
