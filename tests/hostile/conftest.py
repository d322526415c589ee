"""A frozen copy of this checkout to attack, so that renders are quick and later edits change nothing under way."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from .hostilekit import ROOT, Canary, Renderer

PARTS = ("copier.yml", "hooks", "mcc_registry", "registries", "template", "pyproject.toml", "README.md", "LICENSE")


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template as a plain folder: what Copier renders with ``vcs_ref="HEAD"``, without cloning it each time."""
    folder = tmp_path_factory.mktemp("source") / "template"
    folder.mkdir()
    for name in PARTS:
        path = ROOT / name
        if path.is_dir():
            shutil.copytree(path, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
        elif path.is_file():
            shutil.copy2(path, folder / name)
    return folder


@pytest.fixture(scope="session")
def render(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Renderer:
    """Render in this process: answers to a folder or the text of the refusal."""
    return Renderer(source, tmp_path_factory.mktemp("rendered"))


@pytest.fixture
def canary(tmp_path: Path) -> Iterator[Canary]:
    """A file that exists only when something typed was executed; checked after the test as well."""
    made = Canary(tmp_path / "canary")
    yield made
    made.assert_untouched()
