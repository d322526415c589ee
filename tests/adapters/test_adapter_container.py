"""The rendered Dockerfile is built and run for real, on a stand-in image that bears the real image's name.

The stand-in is the Python base image plus the recording engine, with an entry point shaped like the real one. It
proves the entry point, the paths, the signals and the settings; it proves nothing about a GPU or the real engine.
"""

import contextlib
import http.client
import http.server
import json
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from adapterkit import ARN, free_port, project, standin, write_project

pytestmark = [pytest.mark.container, pytest.mark.slow]
BASE = os.environ.get("MCC_BASE_IMAGE", "docker.io/library/python:3.13-slim")
RUNS_ITS_ARGUMENTS = '#!/bin/sh\\necho "checks of the image"\\nexec "$@"\\n'
ENTRY = {
    "vllm-upstream": 'ENTRYPOINT ["vllm", "serve"]',
    "vllm-neuron": f"RUN printf '{RUNS_ITS_ARGUMENTS}' >/entry && chmod +x /entry\nENTRYPOINT [\"/entry\"]",
    "sglang-upstream": f"RUN printf '{RUNS_ITS_ARGUMENTS}' >/entry && chmod +x /entry\nENTRYPOINT [\"/entry\"]",
    "tensorrt-llm": f"RUN printf '{RUNS_ITS_ARGUMENTS}' >/entry && chmod +x /entry\nENTRYPOINT [\"/entry\"]",
    "vllm-aws": (
        "RUN printf '#!/bin/sh\\nexec python3 -m vllm.entrypoints.openai.api_server --model m --port $STANDIN_PORT'"
        " >/usr/local/bin/sagemaker_entrypoint.sh && chmod +x /usr/local/bin/sagemaker_entrypoint.sh\n"
        'ENTRYPOINT ["/usr/local/bin/sagemaker_entrypoint.sh"]'
    ),
}
HOSTILE = 'it\'s $(id) `id` "x" --port 1 模型'
SETTINGS = {
    "vllm-upstream": (
        {"SM_VLLM_MODEL": "Qwen/Qwen3-4B", "SM_VLLM_MAX_MODEL_LEN": "8192", "SM_VLLM_CHAT_TEMPLATE": HOSTILE},
        {
            "model_tag": "Qwen/Qwen3-4B",
            "max_model_len": 8192,
            "chat_template": HOSTILE,
            "host": "0.0.0.0",
            "port": 8080,
        },
    ),
    "vllm-neuron": (
        {"SM_VLLM_MODEL": "Qwen/Qwen3-4B", "SM_VLLM_TENSOR_PARALLEL_SIZE": "2"},
        {"model_tag": "Qwen/Qwen3-4B", "tensor_parallel_size": 2, "host": "0.0.0.0", "port": 8080},
    ),
    "sglang-upstream": (
        {"SM_SGLANG_MODEL_PATH": "Qwen/Qwen3-4B", "SM_SGLANG_ENABLE_MIXED_CHUNK": "true"},
        {"model_path": "Qwen/Qwen3-4B", "enable_mixed_chunk": True, "host": "0.0.0.0", "port": 8080},
    ),
    "tensorrt-llm": (
        {"SM_TENSORRT_LLM_MODEL": "Qwen/Qwen3-4B", "SM_TENSORRT_LLM_CHAT_TEMPLATE": HOSTILE},
        {"model_tag": "Qwen/Qwen3-4B", "chat_template": HOSTILE, "host": "127.0.0.1", "port": 8000},
    ),
}


def docker(*words: str, check: bool = True) -> str:
    """Run the Docker client and return what it printed."""
    done = subprocess.run(["docker", *words], capture_output=True, text=True, timeout=300)
    if check and done.returncode:
        raise AssertionError(f"docker {' '.join(words[:2])}: {done.stderr[-3000:]}")
    return done.stdout + done.stderr


def unavailable(reason: str) -> None:
    """Skip, or fail where containers are promised (MCC_REQUIRE_CONTAINERS=1, as in CI)."""
    (pytest.fail if os.environ.get("MCC_REQUIRE_CONTAINERS") == "1" else pytest.skip)(reason)


@pytest.fixture(scope="module")
def engine() -> None:
    """Give up, with the reason, where no container can be built."""
    if not shutil.which("docker") or subprocess.run(["docker", "version"], capture_output=True).returncode:
        unavailable("no container engine answers")
    if subprocess.run(["docker", "image", "inspect", BASE], capture_output=True).returncode:
        pulled = subprocess.run(["docker", "pull", "-q", BASE], capture_output=True, text=True, timeout=300)
        if pulled.returncode:
            unavailable(f"the base image {BASE} is neither here nor to be had")


@pytest.fixture
def build(engine: None, tmp_path: Path) -> Iterator[Any]:
    """Build a project's image; every image and container is removed with the test."""
    images: list[str] = []
    containers: list[str] = []

    def stand_in(name: str, view: dict[str, Any]) -> None:
        here = subprocess.run(
            ["docker", "image", "inspect", "-f", '{{index .Config.Labels "mcc.stand-in"}}', view["image"]],
            capture_output=True,
            text=True,
        )
        if here.returncode == 0 and here.stdout.strip() != "yes":
            pytest.skip(f"a real {view['image']} is here; the stand-in must not replace it")
        file = tmp_path / "stand-in.Dockerfile"
        file.write_text(
            f"FROM {BASE}\nLABEL mcc.stand-in=yes\n"
            "COPY bin/ /usr/local/bin/\nCOPY lib /opt/standin/lib\n"
            "ENV PYTHONPATH=/opt/standin/lib STANDIN_RECORD=/tmp/record.jsonl \\\n"
            f"    STANDIN_RELEASE={view['framework_version']} STANDIN_PORT=8080\n{ENTRY[name]}\n"
        )
        docker("build", "-q", "-t", view["image"], "-f", str(file), str(standin()))
        images.append(view["image"])

    def begin(name: str, environment: dict[str, str], *options: str, **changes: Any) -> str:
        view = project(name, **changes)
        stand_in(name, view)
        folder = write_project(view, tmp_path / name)
        tag = f"mcc-adapter-test-{name}:{os.getpid()}"
        docker("build", "-q", "--platform", "linux/amd64", "--provenance=false", "-t", tag, str(folder))
        images.append(tag)
        (folder / "container.env").write_text("".join(f"{key}={value}\n" for key, value in environment.items()))
        words = ["run", "-d", "--env-file", str(folder / "container.env"), *options, tag, "serve"]
        containers.append(docker(*words).split()[0])
        return containers[-1]

    yield begin
    for container in containers:
        docker("rm", "-f", container, check=False)
    for image in reversed(images):
        docker("rmi", "-f", image, check=False)


def request(port: int, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
    """Send one request to the published port."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    with contextlib.closing(connection):
        connection.request(method, path, body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        return response.status, response.read()


def wait_ready(container: str, port: int) -> None:
    """Wait until /ping says 200."""
    end = time.monotonic() + 40
    while time.monotonic() < end:
        with contextlib.suppress(OSError, http.client.HTTPException):
            if request(port, "GET", "/ping")[0] == 200:
                return
        time.sleep(0.2)
    raise AssertionError(docker("logs", container))


def exit_status(container: str) -> int:
    return int(docker("inspect", "-f", "{{.State.ExitCode}}", container))


@pytest.mark.parametrize("name", SETTINGS)
def test_the_container_serves_with_the_settings_of_the_plan_and_stops(build: Any, name: str) -> None:
    environment, options = SETTINGS[name]
    port = free_port()
    container = build(name, environment, "-p", f"127.0.0.1:{port}:8080", "--shm-size", "64m")
    wait_ready(container, port)
    record = docker("exec", container, "cat", "/tmp/record.jsonl")
    assert json.loads(record.splitlines()[0])["options"] == options
    body = json.dumps({"messages": [{"role": "user", "content": "hello"}]}).encode()
    status, answer = request(port, "POST", "/invocations", body)
    assert status == 200
    assert b"hello" in answer
    begin = time.monotonic()
    docker("stop", "-t", "30", container)
    assert time.monotonic() - begin < 10
    assert exit_status(container) == 0
    assert '"stopped"' in docker("cp", f"{container}:/tmp/record.jsonl", "-")  # SIGTERM reached the engine
    if name == "tensorrt-llm":
        assert "checks of the image" in docker("logs", container)  # the image's own entry point was kept


@pytest.mark.parametrize("name", ["vllm-upstream", "tensorrt-llm"])
def test_an_engine_that_dies_ends_the_container(build: Any, name: str) -> None:
    environment, _ = SETTINGS[name]
    container = build(name, {**environment, "STANDIN_MODE": "die-at-start"})
    docker("wait", container)
    assert exit_status(container) == 3
    assert "CUDA driver version is insufficient" in docker("logs", container)


def test_a_setting_the_release_does_not_know_ends_the_container_with_its_name(build: Any) -> None:
    container = build("vllm-upstream", {"SM_VLLM_MODEL": "a/b", "SM_VLLM_SWAP_SPACE": "4"})
    docker("wait", container)
    assert exit_status(container) == 2
    assert "--swap-space" in docker("logs", container)


class Vault(http.server.BaseHTTPRequestHandler):
    """As much of Secrets Manager as one call needs."""

    def do_POST(self) -> None:
        wanted = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["SecretId"]
        good = self.headers["X-Amz-Target"] == "secretsmanager.GetSecretValue" and wanted == ARN
        answer = {"ARN": ARN, "SecretString": '{"HF_TOKEN": "hf_planted"}'} if good else {"__type": "Nope"}
        body = json.dumps(answer).encode()
        self.send_response(200 if good else 400)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.mark.parametrize("name", ["vllm-upstream", "vllm-aws"])
def test_the_token_is_fetched_with_the_real_boto3_and_stays_out_of_image_and_log(build: Any, name: str) -> None:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Vault) as vault:
        threading.Thread(target=vault.serve_forever, daemon=True).start()
        port = free_port()
        environment = {
            "SM_VLLM_MODEL": "a/b",
            "HF_TOKEN_SECRET_ARN": ARN,
            "SAGEMAKER_BIND_TO_PORT": str(port),
            "STANDIN_PORT": str(port),
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{vault.server_address[1]}",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        }
        container = build(name, environment, "--network", "host", hf_token_secret_arn=ARN)
        wait_ready(container, port)
        vault.shutdown()
    record = docker("exec", container, "cat", "/tmp/record.jsonl")
    assert json.loads(record.splitlines()[0])["environment"] == {"HF_TOKEN": "hf_planted"}
    image = docker("inspect", "-f", "{{.Image}}", container).strip()
    seen = docker("inspect", container) + docker("logs", container) + docker("history", "--no-trunc", image)
    assert "hf_planted" not in seen
    docker("stop", "-t", "30", container)
    assert exit_status(container) == 0
