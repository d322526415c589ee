"""The sentence of the README that matters most: copy, build, run, test, on a real container engine."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.container]

BASE = "python:3.13-slim"


def missing() -> str:
    """Why containers cannot be built here, or ""."""
    if shutil.which("docker") is None:
        return "no docker command"
    if subprocess.run(["docker", "version"], capture_output=True, check=False).returncode:
        return "no container engine answers (DOCKER_HOST)"
    if (
        os.environ.get("MCC_MAY_PULL") != "1"
        and subprocess.run(["docker", "image", "inspect", BASE], capture_output=True, check=False).returncode
    ):
        return f"the engine has no {BASE} (MCC_MAY_PULL=1 lets it pull)"
    return ""


@pytest.fixture(scope="module", autouse=True)
def engine() -> None:
    """A container engine with the base image; required when MCC_REQUIRE_CONTAINERS is 1."""
    reason = missing()
    if reason:
        (pytest.fail if os.environ.get("MCC_REQUIRE_CONTAINERS") == "1" else pytest.skip)(reason)


def free_port() -> str:
    """A port nobody listens on."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return str(s.getsockname()[1])


def verb(folder: Path, name: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run one of the project's commands."""
    return subprocess.run(
        [f"do/{name}"], cwd=folder, env=env, capture_output=True, text=True, timeout=600, check=False
    )


@pytest.mark.parametrize("server", ["fastapi", "flask"])
def test_sklearn_project_builds_runs_and_answers(
    copy_project: Callable, tmp_path_factory: pytest.TempPathFactory, server: str
) -> None:
    """`do/build`, `do/run` and `do/test` pass as the rendered README says."""
    result = copy_project(tmp_path_factory.mktemp("e2e") / f"sk-{server}", framework="sklearn", model_server=server)
    assert result.status == 0, result.text
    env = os.environ | {"PORT": free_port()}
    try:
        for name in ("build", "run", "test"):
            done = verb(result.folder, name, env)
            assert done.returncode == 0, f"do/{name}\n{done.stdout}\n{done.stderr}"
        assert "predictions" in done.stdout, done.stdout
    finally:
        subprocess.run(["docker", "rm", "-f", f"sk-{server}"], capture_output=True, check=False)
