"""A room imports from the rooms below it, never from above (docs/architecture.md)."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "mcc_registry"

FLOORS = [
    {"secrecy"},
    {"errors"},
    {
        "answer_forms",
        "versions",
        "patterns",
        "report",
        "sizing",
        "chat_sandbox",
        "hub_facts",
        "model_shape",
        "quantized",
        "env_text",
    },
    {"models", "chat", "hub", "docker"},
    {"loading"},
    {"registry", "answers"},
    {"settings"},
    {"checks"},
    {"resolve", "validate"},
    {"lock", "view", "refresh", "export"},
    {"cli"},
    {"__main__"},
]
"""Lowest first; rooms of one floor do not import each other."""

EXCEPTIONS = {
    (
        "registry",
        "validate",
    ): "Registry.load judges the meaning of a layer, inside the function, only when there are layers",
    ("hub", "model_shape"): "the Hub's configuration becomes architecture facts there",
    ("hub_facts", "model_shape"): "a recorded configuration becomes architecture facts there",
    ("chat", "chat_sandbox"): "the renderer runs untrusted templates in the sandbox",
    ("models", "models"): "files of one room",
}
"""(importer, imported) that break the order, each with its reason."""


def room_of(path: Path) -> str:
    """The room a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_rooms(path: Path) -> set[str]:
    """Rooms a file imports, also inside functions, not for type checking alone."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    skipped = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and "TYPE_CHECKING" in ast.dump(block.test)
        for node in ast.walk(block)
    }
    depth = len(path.relative_to(PACKAGE).parts)
    rooms = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and id(node) not in skipped and node.level == depth:
            rooms |= {node.module.split(".")[0]} if node.module else {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom) and not node.level and (node.module or "").startswith("mcc_registry"):
            raise AssertionError(f"{path}: import relatively, so that two versions can live in one process")
    return {r for r in rooms if not r.startswith("__version__")}


FILES = sorted(p for p in PACKAGE.rglob("*.py") if p.name != "__init__.py" or p.parent != PACKAGE)


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.relative_to(PACKAGE).as_posix())
def test_imports_point_downwards(path: Path) -> None:
    """Every import of another room goes to a lower floor or is an exception with a reason."""
    floor = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
    mine = room_of(path)
    assert mine in floor, f"{mine} has no floor: add it to FLOORS"
    for room in imported_rooms(path) - {mine}:
        assert room in floor, f"{path} imports {room}, which has no floor"
        assert floor[room] < floor[mine] or (mine, room) in EXCEPTIONS, f"{mine} must not import {room} ({path})"


def test_packaging_is_used_in_one_room() -> None:
    """Only `versions` compares versions."""
    users = {room_of(p) for p in FILES if "packaging" in p.read_text() and "from packaging" in p.read_text()}
    assert users == {"versions"}


def test_importing_reads_nothing() -> None:
    """Importing the package loads no YAML library, no Hub client and no file of the registries."""
    import subprocess
    import sys

    code = "import sys, mcc_registry; print(sorted({'yaml', 'huggingface_hub', 'pydantic', 'jinja2'} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=PACKAGE.parent, check=True
    )
    assert done.stdout.strip() == "[]"
