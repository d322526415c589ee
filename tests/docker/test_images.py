"""inspect-image and validate_with_docker with a real engine and images made for it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mcc_registry.docker import engine, inspect_image
from tests.cli.invoke import invoke

from .conftest import docker

pytestmark = [pytest.mark.slow, pytest.mark.container]
ROOT = Path(__file__).parents[2]


def ours() -> list[str]:
    """Containers of ours that still exist."""
    return docker("ps", "-aq", "--filter", "label=mcc-registry=inspect-image").split()


def test_versions_are_read_and_nothing_of_the_image_is_started_or_imported(images: str) -> None:
    """CUDA, framework and Python versions of the honest image; its entry point and torch would have failed."""
    shown = invoke("inspect-image", f"{images}/vllm-openai:v0.29.0", "--no-pull", "--format", "json")
    assert shown.code == 0 and shown.json["findings"] == []
    found = shown.json["found"]
    assert (found["cuda"], found["framework"], found["framework_version"]) == ("13.0.2", "vllm", "0.29.0")
    assert found["python"].startswith("3.13.") and found["gpu_memory_mib"] is None
    assert found["packages"] == {"torch": "2.13.0+cu130", "vllm": "0.29.0"}
    config = shown.json["config"]
    assert config["labels"]["org.example.made-for"] == "inspection" and config["required_cuda"] == "13.0"
    assert "geheim" not in shown.out and ours() == []


def test_the_configuration_alone_starts_no_container(images: str) -> None:
    """--no-run leaves no trace in the engine's events."""
    since = docker("info", "--format", "{{.SystemTime}}")
    assert inspect_image(f"{images}/vllm-openai:v0.29.0", run=False).facts is not None
    until = docker("info", "--format", "{{.SystemTime}}")
    image = f"image={images}/vllm-openai:v0.29.0"
    events = docker("events", "--since", since, "--until", until, "--filter", "event=create", "--filter", image)
    assert events == ""


def test_a_lying_tag_is_found_out(images: str, layer: Path) -> None:
    """resolve --validate-with-docker: version, CUDA and AMI follow the image, and both differences are findings."""
    words = ["resolve", "--registry-path", str(layer), "--model-name", "Qwen/Qwen3-4B", "--image-source", "upstream"]
    words += ["--framework-version", "0.30.0", "--offline", "--format", "json"]
    plain, seen = invoke(*words).json, invoke(*words, "--validate-with-docker").json
    assert plain["base_image"] == seen["base_image"] == f"{images}/vllm-openai:v0.30.0"
    assert (seen["framework"]["version"], seen["framework"]["accelerator"]["version"]) == ("0.29.0", "12.9")
    assert seen["inference_ami_version"] != plain["inference_ami_version"]
    told = [f["message"] for f in seen["findings"] if f["code"] == "MCC626" and f["severity"] == "warning"]
    assert any("vllm 0.29.0, not 0.30.0" in text for text in told) and any(
        "CUDA 12.9, not 13.0" in text for text in told
    )
    lies = invoke("inspect-image", f"{images}/vllm-openai:v0.30.0", "--no-pull", "--format", "json")
    assert lies.codes == ["MCC623"] and lies.json["found"]["cuda"] == "12.9.1"


def test_the_sandbox_holds(images: str) -> None:
    """Nobody, no capabilities, no network but loopback, nothing to write, and no new privileges."""
    script = "id -u; grep -E 'CapEff|NoNewPrivs' /proc/self/status; cat /proc/net/dev; touch /x /tmp/x"
    done = engine.run(f"{images}/vllm-openai:v0.29.0", "sh", ["-c", script], 60, user=engine.NOBODY, gpus=False)
    lines = done.out.split()
    assert lines[0] == "65534" and "0000000000000000" in lines and lines[lines.index("NoNewPrivs:") + 1] == "1"
    assert [word for word in lines if word.endswith(":") and word[0].islower()] == ["lo:"]
    assert done.err.count("Read-only file system") == 2 and done.code != 0 and ours() == []


def test_packages_only_root_may_read_are_found(images: str) -> None:
    """The image's own user comes second, still without capabilities."""
    facts = inspect_image(f"{images}/hidden:1", pull="never").facts
    assert facts is not None and (facts.framework, facts.framework_version) == ("vllm", "0.29.0")


def test_an_image_without_shell_and_python_keeps_its_configuration(images: str) -> None:
    """A warning, not an error."""
    shown = invoke("inspect-image", f"{images}/bare:1", "--no-pull", "--format", "json")
    assert (shown.code, shown.codes) == (0, ["MCC622"]) and shown.json["found"]["cuda"] == "12.8.1"
    assert ours() == []


def test_the_time_box_and_ctrl_c_leave_no_container(images: str) -> None:
    """An image that hangs is ended after the time given, and by Ctrl-C at once."""
    started = time.monotonic()
    shown = invoke("inspect-image", f"{images}/hangs:1", "--no-pull", "--timeout", "3", "--format", "json")
    assert time.monotonic() - started < 20 and shown.codes == ["MCC622"] and ours() == []
    process = subprocess.Popen(
        [sys.executable, "-m", "mcc_registry", "inspect-image", f"{images}/hangs:1", "--no-pull"],
        cwd=ROOT,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 30
    while not ours() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert ours(), "the container runs"
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 130 and ours() == []


def test_the_lines_of_the_documentation(images: str) -> None:
    """`inspect-image python:3.13-slim` and `inspect-image vllm/vllm-openai:v0.30.0 --no-run`, as docs/commands.md has them.

    The second image is a made one under that name, unless the engine has the real one.
    """
    text = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    lines = [x.split("#")[0].split()[1:] for x in text.splitlines() if x.startswith("mcc-registry inspect-image ")]
    assert [" ".join(words) for words in lines] == [
        "inspect-image python:3.13-slim",
        "inspect-image vllm/vllm-openai:v0.30.0 --no-run",
    ]
    name = lines[1][1]
    ours_now = not docker("images", "-q", name)
    if ours_now:
        docker("tag", f"{images}/vllm-openai:v0.29.0", name)
    try:
        plain, configuration = (invoke(*words, "--no-pull") for words in lines)
    finally:
        if ours_now:
            docker("rmi", name)
    assert plain.code == 0 and "3.13" in plain.out
    assert configuration.code == 0 and "13.0" in configuration.out and ours() == []


def test_a_missing_image_cannot_be_pulled_here(images: str) -> None:
    """The engine's reason in one finding, exit status 1."""
    shown = invoke("inspect-image", "127.0.0.1:9/nobody/nothing:1", "--format", "json")
    assert (shown.code, shown.codes) == (1, ["MCC621"]) and "cannot be pulled" in shown.json["findings"][0]["message"]


def test_without_an_engine_the_rest_goes_on(images: str, layer: Path) -> None:
    """inspect-image ends with one sentence; a plan gets a note and is what it is without Docker."""
    nowhere = {"DOCKER_HOST": "unix:///nowhere/docker.sock", "PATH": os.environ["PATH"]}
    alone = invoke("inspect-image", f"{images}/bare:1", env=nowhere)
    assert alone.code == 1 and "no container engine answers" in alone.err.replace("\n    ", " ")
    words = ["resolve", "--model-name", "Qwen/Qwen3-4B", "--offline", "--format", "json"]
    plan = invoke(*words, "--validate-with-docker", env=nowhere)
    assert plan.code == 0
    assert [f["severity"] for f in plan.json["findings"] if f["code"] == "MCC620"] == ["info"]
    assert plan.json["base_image"] == invoke(*words).json["base_image"]
