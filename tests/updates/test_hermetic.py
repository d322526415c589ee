"""update(copy(vA), vB) is copy(vB), whatever the versions differ in, and a second update changes nothing."""

from __future__ import annotations

import os
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from templates import TemplateRepo, files_of, git, save, update

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
PAIRS = list(combinations(("v1.0.0", "v2.0.0", "v3.0.0"), 2))
SAMPLE = [(ALL[0], PAIRS[2]), (ALL[4], PAIRS[1]), (ALL[8], PAIRS[0]), (ALL[17], PAIRS[1])]
FULL = [(answers, pair) for answers in ALL for pair in PAIRS]
CHOSEN = FULL if os.environ.get("MCC_PROOF_UPDATES") else SAMPLE


def name_of(value: Any) -> str:
    return "-".join(value) if isinstance(value, tuple) else "-".join(value.values())


@pytest.mark.slow
@pytest.mark.parametrize(("answers", "pair"), CHOSEN, ids=name_of)
def test_an_updated_project_is_a_fresh_one(
    three: TemplateRepo, tmp_path: Path, answers: dict[str, Any], pair: tuple[str, str]
) -> None:
    """Byte for byte, the answers file included; and updating again leaves git with nothing to say."""
    old, new = pair
    data = {"project_name": "same", **answers}
    project = three.copy(tmp_path / "updated", old, data)
    update(project, new)
    assert files_of(project) == files_of(three.copy(tmp_path / "fresh", new, data, commit=False))
    save(project, "updated")
    update(project, new)
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
