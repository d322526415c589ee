"""Every rendered file of every (framework, server) combination passes the linters its kind has."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mcc_registry import Registry

pytestmark = pytest.mark.slow

YAMLLINT = "{extends: relaxed, rules: {line-length: disable}}"
HADOLINT_IGNORED = ("DL3002",)
"""root is SageMaker's rule (facts/sagemaker.md); the Dockerfile says so where it happens."""


def combinations() -> list[dict[str, str]]:
    """Every framework with every server, every image source, and every deployment target at least once."""
    registry = Registry.load(environ={})
    found = []
    targets = ("realtime", "async", "batch")
    for framework in registry.framework_names():
        for number, server in enumerate(registry.framework_servers(framework)):
            answers = {"framework": framework, "model_server": server, "deployment_target": targets[number % 3]}
            if server == "tensorrt-llm":
                answers["instance_type"] = "ml.g6e.xlarge"
            found.append(answers)
    found.append({"framework": "transformers", "model_server": "vllm", "image_source": "upstream"})
    found.append({"framework": "transformers", "model_server": "sglang", "image_source": "upstream"})
    found.append({"framework": "transformers", "model_server": "vllm", "instance_type": "ml.inf2.xlarge"})
    return found


def tool(name: str) -> str:
    """The path of a linter; beside Python or on PATH."""
    path = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
    if path is None:
        pytest.skip(f"SKIPPED LOUDLY: {name} is not installed (pip install '.[proof]')")
    return path


def check(command: list[str], folder: Path) -> None:
    """A linter must say nothing."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"


@pytest.mark.parametrize("answers", combinations(), ids=lambda a: "-".join(a.values()))
def test_rendered_files_are_clean(rendered: Callable, answers: dict[str, str]) -> None:
    """shellcheck, hadolint, yamllint, ruff and Python's compiler find nothing."""
    result = rendered(**answers)
    assert result.status == 0, result.text
    files = result.files
    scripts = [n for n, t in files.items() if n.startswith("do/") or t.startswith(("#!/bin/sh", "#!/usr/bin/env sh"))]
    check([tool("shellcheck"), "--shell=sh", "--external-sources", *scripts], result.folder)
    ignored = [word for code in HADOLINT_IGNORED for word in ("--ignore", code)]
    check([tool("hadolint"), *ignored, "Dockerfile"], result.folder)
    check([tool("yamllint"), "-d", YAMLLINT, "mcc.lock.yaml", ".copier-answers.yml"], result.folder)
    python = [n for n, t in files.items() if n.endswith(".py") or t.startswith("#!/usr/bin/env python3")]
    check([sys.executable, "-m", "compileall", "-q", "."], result.folder)
    check([tool("ruff"), "check", "--isolated", "--select", "E,F,W,B,UP", "--ignore", "E501", *python], result.folder)
