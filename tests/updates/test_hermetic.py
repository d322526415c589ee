"""update(copy(vA), vB) is copy(vB), whatever the versions differ in, and a second update changes nothing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
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
SAMPLE = [ALL[4], ALL[8], ALL[17]]
CHOSEN = ALL if os.environ.get("MCC_PROOF_UPDATES") else SAMPLE


def name_of(value: Any) -> str:
    return "-".join(value.values())


def test_every_combination_is_listed() -> None:
    """A framework or server that the registries learn joins the proof."""
    registry = Registry.load(environ={})
    known = [(f, s) for f in registry.framework_names() for s in registry.framework_servers(f)]
    listed = [(server.get("framework", "transformers"), server["model_server"]) for server in SERVERS]
    assert sorted(listed) == sorted(known)
    assert CHOICES["deployment_target"] == TARGETS


def assert_same(project: Path, fresh: dict[str, bytes]) -> None:
    """Byte for byte the fresh copy, the answers file included."""
    assert files_of(project) == fresh
    save(project, "updated")


@pytest.mark.slow
@pytest.mark.parametrize("answers", CHOSEN, ids=name_of)
def test_an_updated_project_is_a_fresh_one(
    three: TemplateRepo,
    tmp_path: Path,
    answers: dict[str, Any],
    record_property: Callable[[str, object], None],
) -> None:
    """From each tag to each later one, directly and through the one between; updating again leaves nothing to say.

    The step from the second tag starts from the updated project, which was found equal to a copy of the second tag.
    """
    data = {"project_name": "same", **answers}
    fresh = {t: files_of(three.copy(tmp_path / f"fresh-{t}", t, data, commit=False)) for t in TAGS[1:]}
    first = three.copy(tmp_path / "first", TAGS[0], data)
    direct = tmp_path / "direct"
    shutil.copytree(first, direct)
    update(first, TAGS[1])
    assert_same(first, fresh[TAGS[1]])
    update(first, TAGS[2])
    assert_same(first, fresh[TAGS[2]])
    update(direct, TAGS[2])
    assert_same(direct, fresh[TAGS[2]])
    update(direct, TAGS[2])
    assert git(direct, "status", "--porcelain") == ""
    assert len({tuple(files.items()) for files in fresh.values()}) == len(fresh), "the tags make no difference"
    record_property("cases", 1)


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
