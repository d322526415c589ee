"""Fixtures of the lifecycle tests."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:  # plain "pytest" does not put the checkout on the path
    sys.path.insert(0, str(ROOT))

from tests.lifecycle import project as projects  # noqa: E402
from tests.standins.aws import fast_cli  # noqa: E402

BASE = "python:3.13-slim"


def find_aws() -> str | None:
    """An aws command that really starts (a broken shim counts as none)."""
    for name in (os.environ.get("MCC_AWS_CLI", ""), "aws"):
        path = shutil.which(name) if name else None
        if path and subprocess.run([path, "--version"], capture_output=True).returncode == 0:
            return path
    return None


def interpreter_of(aws: str) -> str | None:
    """The Python that runs this aws command, if it is version 1 and says so."""
    text = Path(aws).read_bytes()[:200].decode(errors="replace")
    if "pyenv" in text:
        text = "#!" + str(
            Path(subprocess.run(["pyenv", "which", "python3"], capture_output=True, text=True).stdout.strip())
        )
    python = text.splitlines()[0].removeprefix("#!").strip() if text.startswith("#!") else ""
    if not python or subprocess.run([python, "-c", "import awscli"], capture_output=True).returncode:
        return None
    return python


class Aws:
    """The stand-in of tests/standins/aws, and the environment that leads to it."""

    def __init__(self, port: int, path: str) -> None:
        self.port, self.url = port, f"http://127.0.0.1:{port}"
        self.env = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "HF_", "NGC_", "SAGEMAKER_", "S3_"))},
            "PATH": path + os.pathsep + os.environ["PATH"],
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_MAX_ATTEMPTS": "1",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "POLL_SECONDS": "0.3",
            "PYTHON": sys.executable,  # a version manager's python3 would put its own aws first on the PATH
        }

    def tell(self, path: str, **body: Any) -> dict[str, Any]:
        request = urllib.request.Request(f"{self.url}/_standin/{path}", json.dumps(body).encode(), method="POST")
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    @property
    def state(self) -> dict[str, Any]:
        return self.tell("state")

    def call(self, service: str, operation: str, **request: Any) -> Any:
        import boto3

        client = boto3.client(
            service,
            region_name="us-east-1",
            endpoint_url=self.url,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )
        return getattr(client, operation)(**request)

    def push_image(self, repository: str, tag: str = "latest", media_type: str = "") -> None:
        """File an image in ECR as if do/push had pushed it."""
        kind = media_type or "application/vnd.docker.distribution.manifest.v2+json"
        self.call("ecr", "create_repository", repositoryName=repository)
        digest = "sha256:" + f"{abs(hash((repository, tag, kind))):064x}"[-64:]
        manifest = {"schemaVersion": 2, "mediaType": kind, "config": {"digest": digest}, "layers": []}
        self.call(
            "ecr",
            "put_image",
            repositoryName=repository,
            imageTag=tag,
            imageManifest=json.dumps(manifest),
            imageManifestMediaType=kind,
        )


@pytest.fixture(scope="session")
def standin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    pytest.importorskip("moto")
    aws = find_aws()
    if aws is None:
        pytest.skip("no aws command line (name one in MCC_AWS_CLI)")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = tmp_path_factory.mktemp("standin")
    (folder / "bin").mkdir()
    helpers = []
    python = interpreter_of(aws)
    if python:
        name = str(folder / "aws.socket")
        helpers.append(subprocess.Popen([python, str(Path(fast_cli.__file__)), "serve", name]))
        fast_cli.install(name, folder / "bin" / "aws")
        while not Path(name).exists() and helpers[0].poll() is None:
            time.sleep(0.05)
    else:
        (folder / "bin" / "aws").symlink_to(aws)
    env = {**os.environ, "MOTO_IAM_LOAD_MANAGED_POLICIES": "false"}
    with (folder / "log").open("w") as log:
        command = [sys.executable, "-m", "tests.standins.aws.server", str(port)]
        server = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, env=env)
    made = Aws(port, str(folder / "bin"))
    try:
        for _ in range(200):
            try:
                made.tell("state")
                break
            except OSError:
                assert server.poll() is None, (folder / "log").read_text()[-2000:]
                time.sleep(0.1)
        yield made
    finally:
        for process in [server, *helpers]:
            process.terminate()
            process.wait(10)


@pytest.fixture
def aws(standin: Aws) -> Aws:
    """The stand-in with nothing in it."""
    standin.tell("reset")
    return standin


@pytest.fixture
def make_project(tmp_path: Path) -> Callable[..., Path]:
    """Render a project into a folder whose name has a space and a quote."""

    def make(base: dict[str, Any] = projects.LLM, **changes: Any) -> Path:
        return projects.render(projects.view(base, **changes), tmp_path / "it's my project")

    return make


def docker(*words: str) -> subprocess.CompletedProcess[str]:
    """Run the docker client."""
    return subprocess.run(["docker", *words], capture_output=True, text=True)


@pytest.fixture
def engine(aws: Aws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    """The empty stand-in with a container engine beside it, whose pushes the stand-in files in its ECR."""
    reason = ""
    if not shutil.which("docker") or docker("version").returncode:
        reason = "no container engine answers (DOCKER_HOST)"
    elif docker("image", "inspect", BASE).returncode and os.environ.get("MCC_MAY_PULL") != "1":
        reason = f"the engine has no {BASE} (MCC_MAY_PULL=1 lets it pull)"
    if reason:
        (pytest.fail if os.environ.get("MCC_REQUIRE_CONTAINERS") == "1" else pytest.skip)(reason)
    config = tmp_path / "docker-config"  # the login of this test goes nowhere else
    config.mkdir()
    plugins = Path(os.environ.get("DOCKER_CONFIG", str(Path.home() / ".docker"))) / "cli-plugins"
    if plugins.exists():
        (config / "cli-plugins").symlink_to(plugins)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    changes = {
        "DOCKER_CONFIG": str(config),
        "PORT": port,
        "ECR_REGISTRY": f"127.0.0.1:{aws.port}",
        "IMAGE_TAG": f"test-{port}",
    }
    for name, value in changes.items():
        monkeypatch.setitem(aws.env, name, value)
    yield aws
    here = docker("images", "--format", "{{.Repository}}:{{.Tag}}").stdout.split()
    for image in [one for one in here if one.endswith(f":test-{port}")]:
        docker("rm", "-f", *docker("ps", "-aq", "--filter", f"ancestor={image}").stdout.split())
        docker("rmi", "-f", image)
