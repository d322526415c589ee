"""Changing registry files in a test, and looking at what a refresh says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

from mcc_registry.refresh.common import Change, Outcome
from mcc_registry.refresh.files import RegistryFile
from mcc_registry.validate.canonical import dump_canonical

TODAY = "2027-01-02"
Files = dict[str, RegistryFile]


def edited(files: Mapping[str, RegistryFile], name: str, edit: Callable[[dict[str, Any]], Any]) -> Files:
    """The files with one of them changed; the others are the same objects."""
    data = deepcopy(files[name].data)
    edit(data)
    text = dump_canonical(data, files[name].kind, comment=files[name].comment)
    return {**files, name: replace(files[name], data=data, text=text)}


def without(files: Mapping[str, RegistryFile], name: str) -> Files:
    return {key: file for key, file in files.items() if key != name}


def put(root: Path, files: Mapping[str, RegistryFile]) -> None:
    """Make a folder hold exactly these files (and what is no registry file)."""
    for path in root.rglob("*.yaml"):
        if path.relative_to(root).as_posix() not in files:
            path.unlink()
    for name, file in files.items():
        if (root / name).read_text(encoding="utf-8") != file.text:
            (root / name).write_text(file.text, encoding="utf-8")


def tree(root: Path) -> dict[str, bytes]:
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


def drift(outcome: Outcome) -> list[Change]:
    return [change for change in outcome.changes if change.is_drift]


def pairs(outcome: Outcome) -> list[tuple[str, str]]:
    return [(change.kind, change.item) for change in outcome.changes if change.is_drift]


def only(outcome: Outcome, kind: str) -> list[Change]:
    return [change for change in outcome.changes if change.kind == kind]
