from __future__ import annotations

import os
import subprocess
import warnings
from pathlib import Path

import pytest
from servingkit import (
    FRAMEWORK_MODULES,
    SERVER_MODULES,
    make_view,
    missing_modules,
    render_project,
    serving_python,
)


@pytest.fixture(scope="session")
def need():
    """Skip loudly when a library is missing; MCC_REQUIRE_SERVING=1 (CI) makes it a failure."""

    def check(*modules: str) -> None:
        missing = missing_modules(*modules)
        if missing:
            reason = f"NOT TESTED: {serving_python()} lacks {', '.join(missing)} (set MCC_SERVING_PYTHON)"
            if os.environ.get("MCC_REQUIRE_SERVING") == "1":
                pytest.fail(reason)
            warnings.warn(reason, stacklevel=2)
            pytest.skip(reason)

    return check


@pytest.fixture(scope="session")
def make_project(tmp_path_factory, need):
    """Render a combination and train its sample model: the project's folder and the model's."""
    made: dict[tuple[str, str, str], tuple[Path, Path]] = {}

    def make(framework: str, model_server: str, model_format: str) -> tuple[Path, Path]:
        key = (framework, model_server, model_format)
        if key not in made:
            need(FRAMEWORK_MODULES[framework], *SERVER_MODULES[model_server])
            project = render_project(make_view(*key), tmp_path_factory.mktemp("-".join(key)))
            model_dir = project / "trained"
            command = [serving_python(), str(project / "sample/train.py"), str(model_dir)]
            done = subprocess.run(command, capture_output=True, text=True, timeout=300)
            assert done.returncode == 0, done.stdout + done.stderr
            made[key] = project, model_dir
        return made[key]

    return make


@pytest.fixture(scope="session")
def make_owner_project(tmp_path_factory, need):
    """A project whose inference.py is the given text, behind a model server; needs no ML library."""

    def make(model_server: str, inference: str) -> Path:
        need(*SERVER_MODULES[model_server])
        view = make_view("sklearn", model_server, "joblib")
        project = render_project(view, tmp_path_factory.mktemp(f"owner-{model_server}"))
        (project / "serving/inference.py").write_text(inference)
        return project

    return make
