"""The kinds of accelerator there are: one per module of ``mcc_registry/checks/kinds``, found by the file's name."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

WITHOUT_CHECKER = ("other",)
"""Kinds an instance type may have although no image is made for them (Gaudi in ml.dl1)."""


@lru_cache(maxsize=1)
def accelerator_kinds() -> tuple[str, ...]:
    """Names of the kinds with a checker: cuda, neuron and cpu, then those that were added, sorted.

    The folder is listed, nothing in it is imported: models do not know rules.
    """
    folder = Path(__file__).parents[1] / "checks" / "kinds"
    found = {p.stem for p in folder.glob("*.py") if not p.name.startswith("_")}
    first = [name for name in ("cuda", "neuron", "cpu") if name in found]
    return (*first, *sorted(found.difference(first)))


def instance_kinds() -> tuple[str, ...]:
    """What an instance type may have."""
    return (*accelerator_kinds(), *WITHOUT_CHECKER)
