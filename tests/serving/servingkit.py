"""Render the predictive servers without Copier, and run them as real processes."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jinja2

REPOSITORY = Path(__file__).resolve().parents[2]
FORMATS = {
    "sklearn": ("joblib", "pkl"),
    "xgboost": ("json", "ubj", "model"),
    "tensorflow": ("keras", "SavedModel", "h5"),
}
SERVERS = ("flask", "fastapi")
COMBINATIONS = [(f, s, m) for f, formats in FORMATS.items() for s in SERVERS for m in formats]
SERVER_MODULES = {"flask": ("flask", "gunicorn"), "fastapi": ("fastapi", "uvicorn")}
FRAMEWORK_MODULES = {"sklearn": "sklearn", "xgboost": "xgboost", "tensorflow": "tensorflow"}


def make_view(framework: str, model_server: str, model_format: str, **changes: Any) -> dict[str, Any]:
    """A small project view: only the keys the predictive files use."""
    view = {
        "framework": framework,
        "framework_version": "1.0.0",
        "model_server": model_server,
        "model_format": model_format,
        "image": "python:3.13-slim",
        "include_sample": True,
        "deployment_target": "batch",  # the one whose files have every route
        "requirements": ["first==1.0", "second==2.0"],
        "adapter": None,
        "hf_token_secret_arn": "",
    }
    return view | changes


def render_project(view: dict[str, Any], destination: Path) -> Path:
    """Render this engineer's files as Copier does, file names included."""
    loader = jinja2.FileSystemLoader(REPOSITORY)
    environment = jinja2.Environment(loader=loader, keep_trailing_newline=True, undefined=jinja2.StrictUndefined)
    environment.globals["mcc_project"] = lambda: view
    answers = {key: view[key] for key in ("framework", "model_server", "include_sample")}
    template = REPOSITORY / "template"
    ours = [path for path in template.rglob("*.jinja") if "framework != 'transformers'" in str(path)]
    for source in [template / "Dockerfile.jinja", *ours]:
        parts = [environment.from_string(part).render(answers) for part in source.relative_to(template).parts]
        parts[-1] = parts[-1].removesuffix(".jinja")
        if not all(parts):
            continue  # Copier leaves out what has an empty name
        target = destination.joinpath(*parts)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(environment.get_template(str(source.relative_to(REPOSITORY))).render(answers))
        target.chmod(source.stat().st_mode)
    return destination


def serving_python() -> str:
    """The interpreter with the servers' libraries: MCC_SERVING_PYTHON, or ours (the extra `proof` installs them)."""
    return os.environ.get("MCC_SERVING_PYTHON") or sys.executable


def missing_modules(*names: str) -> list[str]:
    """Which modules the serving interpreter cannot find (nothing is imported for it)."""
    code = "import importlib.util, sys; print(*[n for n in sys.argv[1:] if not importlib.util.find_spec(n)])"
    command = [serving_python(), "-c", code, *names]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Answer:
    """One HTTP answer, read completely."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.type = (response.getheader("Content-Type") or "").partition(";")[0]
        self.body = response.read()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Server:
    """A running `serve` process and what it logged."""

    def __init__(self, project: Path, model_dir: Path, arguments: tuple[str, ...] = ("serve",), **env: str) -> None:
        self.port = free_port()
        self.lines: list[str] = []
        drop = ("SAGEMAKER_MODEL_SERVER_WORKERS", "WEB_CONCURRENCY", "MAX_CONTENT_LENGTH", "OMP_NUM_THREADS")
        own = {name: value for name, value in os.environ.items() if name not in drop}
        own |= {"SAGEMAKER_BIND_TO_PORT": str(self.port), "SM_MODEL_DIR": str(model_dir), "PYTHONUNBUFFERED": "1"}
        self.process = subprocess.Popen(
            [serving_python(), str(project / "serving/serve"), *arguments],
            env=own | {"PYTHONDONTWRITEBYTECODE": "1"} | env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd="/",
        )
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    @property
    def log(self) -> str:
        return "\n".join(self.lines)

    def records(self, message: str) -> list[dict[str, Any]]:
        """The JSON log lines with this message."""
        parsed = [json.loads(line) for line in list(self.lines) if line.startswith("{")]
        return [record for record in parsed if record["message"].startswith(message)]

    def connect(self, timeout: float = 40) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def call(self, method: str, path: str, body: Any = None, timeout: float = 40, **headers: str) -> Answer:
        """One request on a connection of its own; header names with _ for -."""
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        connection = self.connect(timeout)
        try:
            connection.request(method, path, body, names, encode_chunked=names.get("Transfer-Encoding") == "chunked")
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def invoke(self, body: Any, content_type: str = "application/json", **headers: str) -> Answer:
        if not isinstance(body, (bytes, str)):
            body = json.dumps(body)
        return self.call("POST", "/invocations", body, Content_Type=content_type, **headers)

    def ping(self, timeout: float = 5) -> int | None:
        """The status of /ping, None when nothing listens."""
        try:
            return self.call("GET", "/ping", timeout=timeout).status
        except OSError:
            return None

    def wait_for(self, status: int, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while (got := self.ping()) != status:
            assert self.process.poll() is None, f"the server ended with {self.process.poll()}:\n{self.log}"
            assert time.monotonic() < deadline, f"/ping is {got}, not {status}:\n{self.log}"
            time.sleep(0.1)

    def wait_for_log(self, message: str, count: int = 1, seconds: float = 40) -> list[dict[str, Any]]:
        deadline = time.monotonic() + seconds
        while len(found := self.records(message)) < count:
            assert time.monotonic() < deadline, f"no {count} lines {message!r}:\n{self.log}"
            time.sleep(0.05)
        return found

    def terminate(self, seconds: float) -> tuple[int, float]:
        """Send SIGTERM to the main process; gives its exit code and how long it took."""
        started = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(seconds)
        self.reader.join(5)
        return code, time.monotonic() - started


@contextlib.contextmanager
def running(project: Path, model_dir: Path, ready: bool = True, **env: str) -> Iterator[Server]:
    """A server that is ready, stopped at the end whatever happened."""
    server = Server(project, model_dir, **env)
    try:
        if ready:
            server.wait_for(200)
        yield server
    finally:
        if server.process.poll() is None:
            server.process.terminate()
            try:
                server.process.wait(30)
            except subprocess.TimeoutExpired:
                server.process.kill()
