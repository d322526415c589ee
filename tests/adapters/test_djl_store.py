"""DJL Serving and LMI load exactly the model that was asked for, by a stand-in of the server's own model store."""

from __future__ import annotations

from pathlib import Path

import pytest
from djl_store import registered

from mcc_registry import Registry, Request, resolve

REGISTRY = Registry.load(environ={})
RELEASES = [(engine, version) for engine in ("djl", "lmi") for version in REGISTRY.frameworks[engine].versions]
COMMIT = "0" * 40


@pytest.mark.parametrize(("engine", "version"), RELEASES, ids=lambda part: part)
@pytest.mark.parametrize("name", ["Qwen/Qwen2.5-7B-Instruct", "s3://bucket/model/", "./model"])
def test_the_asked_model_is_registered_once(tmp_path: Path, engine: str, version: str, name: str) -> None:
    """From the Hub with an empty model folder; from S3 or a folder where SageMaker puts the files."""
    plan = resolve(Request(model_server=engine, framework_version=version, model_name=name), REGISTRY)
    hub = not name.startswith((".", "s3"))
    if not hub:
        (tmp_path / "config.json").write_text("{}")
    env = {n: v.value.replace("/opt/ml/model", str(tmp_path)) for n, v in plan.env_vars.items()}
    assert [model["model_id"] for model in registered(env, tmp_path)] == [name if hub else str(tmp_path)]


@pytest.mark.parametrize("engine", ["djl", "lmi"])
def test_the_revision_goes_with_it(tmp_path: Path, engine: str) -> None:
    plan = resolve(Request(model_server=engine, model_revision=COMMIT), REGISTRY)
    env = {name: variable.value for name, variable in plan.env_vars.items()}
    assert [model["revision"] for model in registered(env, tmp_path)] == [COMMIT]


def test_the_stand_in_registers_nothing_for_an_option(tmp_path: Path) -> None:
    """What the registry wrote once: the server starts, and has no model."""
    assert registered({"OPTION_MODEL_ID": "Qwen/Qwen3-4B"}, tmp_path) == []
