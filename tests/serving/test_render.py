"""The predictive files, rendered: they compile, are short, and hold only what their combination needs."""

from __future__ import annotations

import shutil
import subprocess
import sys

import jinja2
import pytest
from servingkit import COMBINATIONS, FORMATS, REPOSITORY, SERVERS, make_view, render_project

PYTHON = ["sample/train.py", "serving/app.py", "serving/inference.py", "serving/serve"]
FILES = ["Dockerfile", "requirements.txt", *PYTHON]


@pytest.mark.parametrize("target", ["realtime", "batch"])
@pytest.mark.parametrize("key", COMBINATIONS, ids="-".join)
def test_files_of_a_combination_are_complete_compile_and_lint(key, target, tmp_path):
    """Each combination renders exactly these files; the Python among them compiles and passes ruff."""
    project = render_project(make_view(*key, deployment_target=target), tmp_path)
    assert ("/execution-parameters" in (project / "serving/app.py").read_text()) is (target == "batch")
    found = sorted(str(path.relative_to(project)) for path in project.rglob("*") if path.is_file())
    assert found == FILES
    for name in PYTHON:
        text = (project / name).read_text()
        compile(text, name, "exec")
        assert "{%" not in text and "{{ " not in text
    ruff = shutil.which("ruff", path=f"{sys.prefix}/bin") or shutil.which("ruff")
    if ruff:
        command = [ruff, "check", "--isolated", "--line-length", "110", "--select", "E,F,I,B,UP,SIM,RUF,C4,PTH"]
        done = subprocess.run([*command, *PYTHON], cwd=project, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout


def test_serve_can_be_executed(tmp_path):
    """The entry point keeps its executable bit."""
    project = render_project(make_view("sklearn", "flask", "joblib"), tmp_path)
    assert (project / "serving/serve").stat().st_mode & 0o111


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("framework", FORMATS)
def test_nothing_of_other_frameworks_and_servers(framework, server, tmp_path):
    """A project names no library but its own."""
    project = render_project(make_view(framework, server, FORMATS[framework][0]), tmp_path)
    text = "".join((project / name).read_text().lower() for name in PYTHON)
    others = {"joblib": "sklearn", "xgboost": "xgboost", "tensorflow": "tensorflow"}
    assert [word for word, owner in others.items() if word in text and owner != framework] == []
    words = ("uvicorn", "fastapi", "pydantic") if server == "flask" else ("gunicorn", "flask", "werkzeug")
    assert [word for word in words if word in text] == []


def test_requirements_keep_their_order(tmp_path):
    """One requirement per line, in the order the plan gives."""
    wanted = ["zeta==1.0", "alpha==2.0", "mid[extra]==3.1"]
    project = render_project(make_view("xgboost", "flask", "ubj", requirements=wanted), tmp_path)
    lines = (project / "requirements.txt").read_text().splitlines()
    assert [line for line in lines if not line.startswith("#")] == wanted


@pytest.mark.parametrize("include_sample", [True, False])
def test_dockerfile(include_sample, tmp_path):
    """Exec-form entry point, no syntax line, and the model comes from the sample stage or from model/."""
    project = render_project(make_view("sklearn", "fastapi", "pkl", include_sample=include_sample), tmp_path)
    text = (project / "Dockerfile").read_text()
    lines = text.splitlines()
    assert lines[-1] == 'ENTRYPOINT ["python3", "/opt/program/serve"]' and text.endswith("\n")
    assert "syntax=" not in text and "USER" not in [line.split(" ")[0] for line in lines]
    assert "FROM python:3.13-slim AS libraries" in lines
    assert "LABEL com.amazonaws.sagemaker.capabilities.accept-bind-to-port=true" in lines
    assert ("COPY --from=sample /opt/ml/model /opt/ml/model" in lines) is include_sample
    assert ("COPY mode[l] /opt/ml/model/" in lines) is not include_sample
    assert (project / "sample").exists() is include_sample


def test_names_vanish_for_transformers():
    """No predictive file appears in a project with an LLM server."""
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined)
    template = REPOSITORY / "template"
    ours = [path for path in template.rglob("*.jinja") if "framework != 'transformers'" in str(path)]
    assert len(ours) == 5
    for path in ours:
        answers = {"framework": "transformers", "model_server": "vllm", "include_sample": True}
        parts = [environment.from_string(part).render(answers) for part in path.relative_to(template).parts]
        assert "" in (part.removesuffix(".jinja") for part in parts)
