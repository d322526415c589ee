"""The small, invented registry that tests of loading, layers and validation share: tests/cases/small_registry.yaml."""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
from pathlib import Path

import yaml

CASES = Path(__file__).parent / "cases"
TEXTS: dict[str, str] = yaml.safe_load((CASES / "small_registry.yaml").read_text(encoding="utf-8"))
"""The text of each file, by its path. One file holds them all: Copier clones and removes every file and folder of this
repository for each copy (docs/performance.md)."""


def write_small(folder: Path) -> Path:
    """The folder, with the files of the small registry in it."""
    for name, text in TEXTS.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8", newline="\n")
    return folder


@functools.cache
def small_registry() -> Path:
    """A folder to read the small registry from, written once; who changes files writes one with `write_small`.

    Modules ask for it when they are imported, so that the forks of `make mutation` share one folder.
    """
    folder = tempfile.mkdtemp(prefix="small-registry-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return write_small(Path(folder))
