"""The images, built from the newest release of each registry file and run as SageMaker runs them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
import uuid
import warnings

import pytest
import yaml
from servingkit import REPOSITORY, SERVERS, Server, free_port, make_view, render_project

pytestmark = [pytest.mark.slow, pytest.mark.container]

FORMATS = {"sklearn": "joblib", "xgboost": "json", "tensorflow": "keras"}
ROWS = {"instances": [[5.1, 3.5, 1.4, 0.2], [6.7, 3.0, 5.2, 2.3]]}


def docker(*arguments: str, check: bool = True) -> str:
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True)
    assert not check or done.returncode == 0, f"docker {' '.join(arguments)}:\n{done.stdout}{done.stderr}"
    return done.stdout.strip()


@pytest.fixture(scope="module")
def engine():
    """A container engine that has the base image, or a loud skip."""
    reason = ""
    if not shutil.which("docker") or not docker("version", "--format", "{{.Server.Version}}", check=False):
        reason = "NOT TESTED: no container engine answers (set DOCKER_HOST)"
    elif not docker("images", "-q", "python:3.13-slim") and os.environ.get("MCC_MAY_PULL") != "1":
        reason = "NOT TESTED: the engine has no image python:3.13-slim (MCC_MAY_PULL=1 lets it pull)"
    if reason:
        if os.environ.get("MCC_REQUIRE_SERVING") == "1":
            pytest.fail(reason)
        warnings.warn(reason, stacklevel=1)
        pytest.skip(reason)


def newest_release(framework: str) -> dict:
    """The first release row of a registry file whose base is the Python we have."""
    text = (REPOSITORY / f"registries/frameworks/{framework}.yaml").read_text()
    return next(row for row in yaml.safe_load(text)["releases"] if row["python"] == "3.13")


class Container(Server):
    """A running container; asks like Server, but through the published port."""

    def __init__(self, image: str, *options: str) -> None:
        self.port = free_port()
        publish = ("-p", f"127.0.0.1:{self.port}:8080", "--read-only", "--tmpfs", "/tmp")
        self.id = docker("run", "-d", *publish, *options, image, "serve")

    @property
    def log(self) -> str:
        return docker("logs", self.id, check=False)

    @property
    def lines(self) -> list[str]:
        return self.log.splitlines()

    def state(self, key: str) -> str:
        return docker("inspect", "-f", f"{{{{.State.{key}}}}}", self.id)

    def wait_for(self, status: int, seconds: float = 90) -> None:
        deadline = time.monotonic() + seconds
        while (got := self.ping()) != status:
            assert self.state("Running") == "true", self.log
            assert time.monotonic() < deadline, f"/ping is {got}, not {status}:\n{self.log}"
            time.sleep(0.2)

    def stop(self) -> tuple[int, float]:
        started = time.monotonic()
        docker("stop", "-t", "30", self.id)
        return int(self.state("ExitCode")), time.monotonic() - started


@pytest.fixture(scope="module", params=[(f, s) for f in FORMATS for s in SERVERS], ids="-".join)
def image(request, engine, tmp_path_factory):
    framework, model_server = request.param
    release = newest_release(framework)
    view = make_view(
        framework,
        model_server,
        FORMATS[framework],
        framework_version=release["version"],
        requirements=release["requirements"][model_server],
    )
    project = render_project(view, tmp_path_factory.mktemp("image"))
    name = f"mcc-serving-{framework}-{model_server}:{uuid.uuid4().hex[:8]}"
    docker("build", "--platform", "linux/amd64", "-t", name, str(project))
    yield name
    docker("rmi", "-f", name, check=False)


@pytest.fixture
def start(image):
    started: list[str] = []

    def run(*options: str) -> Container:
        container = Container(image, *options)
        started.append(container.id)
        return container

    yield run
    for one in started:
        docker("rm", "-f", "-v", one, check=False)


def test_container_serves_and_stops(start, image):
    """Ready, right predictions, bad input refused, SIGTERM ends it with 0; all on a read-only file system."""
    container = start()
    container.wait_for(200)
    got = container.invoke(ROWS)
    assert got.status == 200, got.body
    values = got.json["predictions"]
    assert [value.index(max(value)) if isinstance(value, list) else value for value in values] == [0, 2]
    assert container.invoke("5.1,3.5,1.4,0.2", "text/csv", Accept="text/csv").type == "text/csv"
    for body, content_type, status in [("{", "application/json", 400), ("x", "image/png", 415), ("[[1]]", "", 422)]:
        assert container.invoke(body, content_type).status == status
    assert container.ping() == 200
    code, seconds = container.stop()
    assert code == 0 and seconds < 15
    assert all(isinstance(json.loads(line), dict) for line in docker("logs", container.id).splitlines())  # stdout


def test_limits_and_empty_model_folder(start, tmp_path):
    """A mounted folder without a model hides the sample: 503 and the reason; --cpus counts as cores."""
    container = start("--cpus", "1", "-v", f"{tmp_path}:/opt/ml/model:ro")
    (record,) = container.wait_for_log("model not loaded", seconds=90)
    assert "/opt/ml/model" in record["message"] and container.ping() == 503
    starting = container.records("starting")[0]
    assert (starting["cores"], starting["workers"]) == (1, 1)


def test_labels(image):
    """SageMaker is told about the port variable; the entry point is in exec form."""
    config = json.loads(docker("inspect", "-f", "{{json .Config}}", image))
    assert config["Labels"]["com.amazonaws.sagemaker.capabilities.accept-bind-to-port"] == "true"
    assert config["Entrypoint"] == ["python3", "/opt/program/serve"] and config.get("User", "") in ("", "root")


def test_own_model_is_copied(engine, tmp_path):
    """Without the sample, model/ of the project lands in the image; a project without model/ builds as well."""
    view = make_view("sklearn", "flask", "joblib", include_sample=False, requirements=["packaging"])
    project = render_project(view, tmp_path / "project")
    name = f"mcc-serving-own:{uuid.uuid4().hex[:8]}"
    try:
        docker("build", "-t", name, str(project))
        (project / "model").mkdir()
        (project / "model/model.joblib").write_text("mine")
        docker("build", "-t", name, str(project))
        assert docker("run", "--rm", "--entrypoint", "cat", name, "/opt/ml/model/model.joblib") == "mine"
    finally:
        docker("rmi", "-f", name, check=False)
