"""What the adapter tests share: project views, rendering with plain Jinja, and running the result for real."""

import atexit
import contextlib
import copy
import functools
import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import jinja2
import recording_engine

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from hooks.filters import FILTERS  # noqa: E402

HERE = Path(__file__).parent
TEMPLATE = ROOT / "template"
SERVING = TEMPLATE / "serving"
ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:hf/token-AbCdEf"
NAMES = {
    "serve": (
        "{% if framework == 'transformers' and (mcc_project().adapter or mcc_project().hf_token_secret_arn) %}"
        "serve{% endif %}.jinja"
    ),
    "adapter.py": "{% if mcc_project().adapter == 'tensorrt-llm' %}adapter.py{% endif %}",
    "chat_template.jinja": (
        "{% if mcc_project().chat_template.text is not none %}chat_template.jinja{% endif %}.jinja"
    ),
}

VIEW: dict[str, Any] = {
    "project_name": "demo",
    "framework": "transformers",
    "model_server": "vllm",
    "framework_version": "0.30.0",
    "image": "docker.io/vllm/vllm-openai:v0.30.0",
    "image_source": "upstream",
    "serves_sagemaker": False,
    "adapter": "vllm",
    "engine_command": ["vllm", "serve"],
    "env_prefix": "SM_VLLM_",
    "flag_style": "dashes",
    "accelerator": {"type": "cuda", "version": "13.0"},
    "accelerator_count": 1,
    "hf_token_secret_arn": "",
    "chat_template": {"source": "model_repository", "file": None, "text": None},
}
ECR = "763104351884.dkr.ecr.us-east-1.amazonaws.com"
VIEWS: dict[str, dict[str, Any]] = {
    "vllm-upstream": {},
    "vllm-module": {
        "framework_version": "0.10.2",
        "image": "docker.io/vllm/vllm-openai:v0.10.2",
        "engine_command": ["python3", "-m", "vllm.entrypoints.openai.api_server"],
    },
    "vllm-neuron": {
        "framework_version": "0.16.0",
        "image": "public.ecr.aws/neuron/pytorch-inference-vllm-neuronx:0.16.0-neuronx-py312-sdk2.29.0-ubuntu24.04",
        "image_source": "aws",
        "accelerator": {"type": "neuron", "version": "2.29.0"},
    },
    "sglang-upstream": {
        "model_server": "sglang",
        "framework_version": "0.5.19",
        "image": "docker.io/lmsysorg/sglang:v0.5.19",
        "adapter": "sglang",
        "engine_command": ["python3", "-m", "sglang.launch_server"],
        "env_prefix": "SM_SGLANG_",
    },
    "tensorrt-llm": {
        "model_server": "tensorrt-llm",
        "framework_version": "1.2.1",
        "image": "nvcr.io/nvidia/tensorrt-llm/release:1.2.1",
        "adapter": "tensorrt-llm",
        "engine_command": ["trtllm-serve"],
        "env_prefix": "SM_TENSORRT_LLM_",
        "flag_style": "underscores",
        "accelerator": {"type": "cuda", "version": "13.1"},
    },
    "vllm-aws": {
        "image": f"{ECR}/vllm:0.30.0-gpu-py312-cu130-ubuntu24.04-sagemaker",
        "image_source": "aws",
        "serves_sagemaker": True,
        "adapter": None,
        "engine_command": None,
    },
    "sglang-aws": {
        "model_server": "sglang",
        "framework_version": "0.5.20",
        "image": f"{ECR}/sglang:0.5.20-gpu-py312-cu130-ubuntu24.04-sagemaker",
        "image_source": "aws",
        "serves_sagemaker": True,
        "adapter": None,
        "engine_command": None,
        "env_prefix": "SM_SGLANG_",
    },
    "lmi": {
        "model_server": "lmi",
        "framework_version": "29.0.0",
        "image": f"{ECR}/djl-inference:0.38.0-lmi29.0.0-cu130",
        "image_source": "aws",
        "serves_sagemaker": True,
        "adapter": None,
        "engine_command": None,
        "env_prefix": "OPTION_",
        "flag_style": "underscores",
    },
    "djl": {
        "model_server": "djl",
        "framework_version": "0.36.0",
        "image": "docker.io/deepjavalibrary/djl-serving:0.36.0-pytorch-gpu",
        "serves_sagemaker": True,
        "adapter": None,
        "engine_command": None,
        "env_prefix": "OPTION_",
        "accelerator": {"type": "cuda", "version": None},
    },
    "neuron-hf": {
        "framework_version": "0.11.0",
        "image": f"{ECR}/huggingface-vllm-inference-neuronx:0.11.0-optimum0.4.5-neuronx-py310-sdk2.26.1-ubuntu22.04",
        "image_source": "aws",
        "serves_sagemaker": True,
        "adapter": None,
        "engine_command": None,
        "env_prefix": "SM_ON_",
        "flag_style": "underscores",
        "accelerator": {"type": "neuron", "version": "2.26.1"},
    },
}
ADAPTERS = [name for name, view in VIEWS.items() if view.get("adapter", "vllm")]
DATA_OF = {"vllm": "vllm", "sglang": "sglang", "tensorrt-llm": "tensorrt-llm"}


def project(name: str, **changes: Any) -> dict[str, Any]:
    """Return a fresh project view."""
    return {**copy.deepcopy(VIEW), **copy.deepcopy(VIEWS[name]), **changes}


def render(path: str, view: dict[str, Any]) -> str:
    """Render one template file (a path below template/) the way Copier would."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATE), keep_trailing_newline=True, undefined=jinja2.StrictUndefined
    )
    environment.filters.update(FILTERS)
    environment.globals["mcc_project"] = lambda: view
    return environment.get_template(path).render(p=view, framework=view["framework"])


def file_names(view: dict[str, Any]) -> dict[str, str]:
    """Return the files of serving/ that this project has: name in the project -> name in the template."""
    environment = jinja2.Environment()
    environment.globals["mcc_project"] = lambda: view
    found = {}
    for path in SERVING.iterdir():
        name = environment.from_string(path.name.removesuffix(".jinja")).render(framework=view["framework"])
        if name:
            found[name] = path.name
    return found


def write_project(view: dict[str, Any], folder: Path) -> Path:
    """Write Dockerfile and serving/ of a project into folder."""
    (folder / "serving").mkdir(parents=True)
    (folder / "Dockerfile").write_text(render("_dockerfile/gpu.jinja", view), encoding="utf-8")
    for name, source in file_names(view).items():
        text = render(f"serving/{source}", view) if source.endswith(".jinja") else (SERVING / source).read_text()
        (folder / "serving" / name).write_text(text, encoding="utf-8")
        (folder / "serving" / name).chmod(0o755)
    return folder


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@functools.cache
def standin() -> Path:
    """The folder of the stand-in engines, written once."""
    folder = tempfile.mkdtemp(prefix="standin-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(recording_engine.install(Path(folder)))


class Running:
    """A started serving/serve with the stand-in engine behind it."""

    def __init__(self, folder: Path, view: dict[str, Any], environment: dict[str, str]) -> None:
        self.port, self.engine_port = free_port(), free_port()
        self.record, self.log = folder / "record.jsonl", folder / "log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(folder / "serving" / "serve"), "serve"],
                stdout=log,
                stderr=subprocess.STDOUT,
                env={
                    "PATH": f"{standin() / 'bin'}:{os.environ['PATH']}",
                    "PYTHONPATH": str(standin() / "lib"),
                    "PYTHONDONTWRITEBYTECODE": "1",
                    "SAGEMAKER_BIND_TO_PORT": str(self.port),
                    "MCC_ENGINE_PORT": str(self.engine_port),
                    "STANDIN_RELEASE": view["framework_version"],
                    "STANDIN_RECORD": str(self.record),
                    **environment,
                },
            )

    def request(self, method: str, path: str, body: Any = None, timeout: float = 10) -> tuple[int, bytes]:
        """Send one request to the public port."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        with contextlib.closing(connection):
            connection.request(method, path, data, {"Content-Type": "application/json"})
            response = connection.getresponse()
            return response.status, response.read()

    def ready(self, seconds: float = 15) -> "Running":
        """Wait until /ping says 200."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            assert self.process.poll() is None, self.text()
            with contextlib.suppress(OSError):
                if self.request("GET", "/ping")[0] == 200:
                    return self
            time.sleep(0.05)
        raise AssertionError(f"not ready after {seconds} s: {self.text()}")

    def ended(self, seconds: float = 20) -> int:
        """Wait for the end and return the exit status."""
        return self.process.wait(seconds)

    def text(self) -> str:
        """Return the log so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def events(self, kind: str) -> list[dict[str, Any]]:
        """Return what the stand-in engine recorded."""
        if not self.record.exists():
            return []
        lines = self.record.read_text(encoding="utf-8").splitlines()
        return [event for event in map(json.loads, lines) if event["event"] == kind]
