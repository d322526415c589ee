"""Images made for the purpose: an honest one, one with a lying tag, one with nothing to run, one that hangs."""

from __future__ import annotations

import os
import shutil
import subprocess
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

BASE = "python:3.13-slim"
REPOSITORY = "mcc-inspect-test"
SITE = "/usr/local/lib/python3.13/site-packages"


def docker(*words: str, check: bool = True) -> str:
    done = subprocess.run(["docker", *words], capture_output=True, text=True)
    assert not check or done.returncode == 0, f"docker {' '.join(words)}:\n{done.stdout}{done.stderr}"
    return done.stdout.strip()


def dockerfile(vllm: str, cuda: str, says: str, more: str = "") -> str:
    """An image like a serving image, as far as versions go."""
    return f"""FROM {BASE}
ENV CUDA_VERSION={says} NVIDIA_REQUIRE_CUDA="cuda>={says[:4]} brand=tesla,driver>=535" HF_TOKEN=geheim
LABEL org.example.made-for=inspection
RUN mkdir -p {SITE}/vllm-{vllm}.dist-info {SITE}/torch-2.13.0.dist-info {SITE}/torch /usr/local/cuda \\
 && printf 'Metadata-Version: 2.1\\nName: vllm\\nVersion: {vllm}\\n' >{SITE}/vllm-{vllm}.dist-info/METADATA \\
 && printf 'Metadata-Version: 2.1\\nName: torch\\nVersion: 2.13.0+cu130\\n' >{SITE}/torch-2.13.0.dist-info/METADATA \\
 && printf 'raise SystemExit("imported")\\n' >{SITE}/torch/__init__.py \\
 && printf '{{"cuda": {{"name": "CUDA SDK", "version": "{cuda}"}}}}' >/usr/local/cuda/version.json
{more}
ENTRYPOINT ["sh", "-c", "echo the entry point ran; exit 3"]
"""


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The repository of the images; they are removed at the end."""
    reason = ""
    if not shutil.which("docker") or not docker("version", "--format", "{{.Server.Version}}", check=False):
        reason = "NOT TESTED: no container engine answers (set DOCKER_HOST)"
    elif not docker("images", "-q", BASE, check=False) and os.environ.get("MCC_MAY_PULL") != "1":
        reason = f"NOT TESTED: the engine has no image {BASE} (MCC_MAY_PULL=1 lets it pull)"
    if reason:
        if os.environ.get("MCC_REQUIRE_CONTAINERS") == "1":
            pytest.fail(reason)
        warnings.warn(reason, stacklevel=1)
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("images")
    hang = "RUN rm -f /usr/bin/python3* /usr/local/bin/python*; printf '#!/bin/sh\\nsleep 600\\n' >/usr/local/bin/python3; chmod +x /usr/local/bin/python3"
    hidden = (
        "RUN mv /usr/local/lib/python3.13 /root/lib && ln -s /root/lib /usr/local/lib/python3.13 && chmod 700 /root"
    )
    made = {
        "vllm-openai:v0.30.0": dockerfile("0.29.0", "12.9.1", "13.0.2"),  # the lying tag
        "vllm-openai:v0.29.0": dockerfile("0.29.0", "13.0.2", "13.0.2"),
        "hidden:1": dockerfile("0.29.0", "13.0.2", "13.0.2", hidden),
        "hangs:1": dockerfile("0.29.0", "13.0.2", "13.0.2", hang),
    }
    for tag, text in made.items():
        (folder / "Dockerfile").write_text(text)
        docker("build", "-q", "-t", f"{REPOSITORY}/{tag}", str(folder))
    (folder / "file").write_text("nothing to run")
    subprocess.run(["tar", "cf", str(folder / "bare.tar"), "-C", str(folder), "file"], check=True)
    docker("import", "-c", "ENV CUDA_VERSION=12.8.1", str(folder / "bare.tar"), f"{REPOSITORY}/bare:1")
    yield REPOSITORY
    docker("rmi", "-f", *(f"{REPOSITORY}/{tag}" for tag in (*made, "bare:1")), check=False)


@pytest.fixture
def layer(tmp_path: Path) -> Path:
    """A layer that takes vLLM's upstream images from the repository of the test images."""
    (tmp_path / "layer/frameworks").mkdir(parents=True)
    text = f"kind: framework\nid: vllm\nimage_sources:\n  upstream:\n    registry: {REPOSITORY}\n"
    (tmp_path / "layer/frameworks/vllm.yaml").write_text(text)
    return tmp_path / "layer"
