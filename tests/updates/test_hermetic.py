"""update(copy(vA), vB) is copy(vB), whatever the versions differ in, and a second update changes nothing."""

from __future__ import annotations

import os
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from templates import TemplateRepo, files_of, git, save, update

from mcc_registry import Registry
from mcc_registry.answers import CHOICES

SERVERS: list[dict[str, Any]] = [
    *({"model_server": s} for s in ("vllm", "sglang", "tensorrt-llm", "lmi", "djl")),
    *(
        {"framework": f, "model_server": s}
        for f in ("sklearn", "xgboost", "tensorflow")
        for s in ("fastapi", "flask")
    ),
]
TARGETS = ("realtime", "async", "batch")
ALL = [{**server, "deployment_target": target} for server in SERVERS for target in TARGETS]
TAGS = ("v1.0.0", "v2.0.0", "v3.0.0")
WAYS = [*combinations(TAGS, 2), TAGS]
"""From each tag to each later one, and through all of them."""
SAMPLE = [(ALL[0], WAYS[2]), (ALL[4], WAYS[1]), (ALL[8], WAYS[0]), (ALL[17], WAYS[1])]
FULL = [(answers, way) for answers in ALL for way in WAYS]
CHOSEN = FULL if os.environ.get("MCC_PROOF_UPDATES") else SAMPLE


def name_of(value: Any) -> str:
    return "-".join(value) if isinstance(value, tuple) else "-".join(value.values())


def test_every_combination_is_listed() -> None:
    """A framework or server that the registries learn joins the proof."""
    registry = Registry.load(environ={})
    known = [(f, s) for f in registry.framework_names() for s in registry.framework_servers(f)]
    listed = [(server.get("framework", "transformers"), server["model_server"]) for server in SERVERS]
    assert sorted(listed) == sorted(known)
    assert CHOICES["deployment_target"] == TARGETS


@pytest.mark.slow
@pytest.mark.parametrize(("answers", "way"), CHOSEN, ids=name_of)
def test_an_updated_project_is_a_fresh_one(
    three: TemplateRepo, tmp_path: Path, answers: dict[str, Any], way: tuple[str, ...]
) -> None:
    """Byte for byte, the answers file included; and updating again leaves git with nothing to say."""
    data = {"project_name": "same", **answers}
    project = three.copy(tmp_path / "updated", way[0], data)
    for tag in way[1:]:
        update(project, tag)
        save(project, f"updated to {tag}")
    fresh = three.copy(tmp_path / "fresh", way[-1], data, commit=False)
    assert files_of(project) == files_of(fresh)
    update(project, way[-1])
    assert git(project, "status", "--porcelain") == ""


def test_each_version_uses_its_own_code_and_data(three: TemplateRepo, tmp_path: Path) -> None:
    """Code, schema, data and extension of the new version show in the project; nothing conflicts."""
    project = three.copy(tmp_path / "project", "v1.0.0", {"framework": "sklearn"})
    before = files_of(project)
    update(project, "v3.0.0")
    after = files_of(project)
    assert b"changed with the schema" in after["README.md"] and b"third version" in after["README.md"]
    assert "NOTES.md" in after and "NOTES.md" not in before
    assert before["mcc.lock.yaml"] != after["mcc.lock.yaml"]
    assert not [n for n, data in after.items() if b"<<<<<<<" in data]
