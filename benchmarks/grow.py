"""A registry many times the size of ours: every family, framework release and instance family again under new names."""

from __future__ import annotations

import copy
import shutil
from pathlib import Path
from typing import Any

import yaml


def grow(source: Path, target: Path, factor: int) -> Path:
    """Write a registry ``factor`` times as large and its snapshot; return its folder."""
    from mcc_registry.loading.snapshot import write_snapshot
    from mcc_registry.validate.canonical import dump_canonical

    shutil.copytree(source, target, ignore=shutil.ignore_patterns(".snapshot*"))
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    for folder, kind in (("models", "model_family"), ("frameworks", "framework"), ("instances", "instance_family")):
        for path in sorted((source / folder).glob("*.yaml")):
            data = yaml.load(path.read_text(), Loader=loader)
            for number in range(1, factor):
                made = renamed(copy.deepcopy(data), f"x{number}")
                (target / folder / f"{made['id']}.yaml").write_text(dump_canonical(made, kind))
    write_snapshot(target)
    return target


def renamed(data: dict[str, Any], tag: str) -> dict[str, Any]:
    """The same rows under names nobody asks for, so that the answers stay the same."""
    data["id"] = f"{data['id']}-{tag}"
    if data["kind"] == "framework":
        data["serves"] = [f"{name}-{tag}" for name in data["serves"]]
    for row in [*data.get("models", []), *data.get("patterns", [])]:
        row["match"] = f"{tag}-{row['match'].lstrip('*')}"
        row["must_match"] = [f"{tag}-{name}" for name in row.get("must_match", [])]
    for row in data.get("types", []):
        row["type"] = row["type"].replace("ml.", f"ml.{tag}")
    return data
