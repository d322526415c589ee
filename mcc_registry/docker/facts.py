"""What an image says about itself and what was found in it: plain values, parsed from the engine's answers."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..errors import printable

FRAMEWORK_PACKAGES = {
    "tensorrt-llm": "tensorrt_llm",
    "sglang": "sglang",
    "vllm": "vllm",
    "tensorflow": "tensorflow",
    "xgboost": "xgboost",
    "sklearn": "scikit-learn",
}
"""Framework Registry id to the Python distribution that carries its version; the first one found names the image.

The order matters where one brings another: SGLang images may hold vLLM, many images hold scikit-learn.
"""

OTHER_PACKAGES = ("torch", "transformers", "onnxruntime", "djl-converter", "neuronx-cc", "vllm-neuron")
CUDA_PACKAGES = (
    "nvidia-cuda-runtime",
    "nvidia-cuda-runtime-cu13",
    "nvidia-cuda-runtime-cu12",
    "nvidia-cuda-runtime-cu11",
)
PACKAGES = (*FRAMEWORK_PACKAGES.values(), *OTHER_PACKAGES, *CUDA_PACKAGES)
"""Distributions whose version is looked for; nothing is imported."""

SHOWN_VARIABLES = re.compile(
    r"(CUDA_|NV_CUDA_|NVIDIA_|NCCL_VERSION|PYTHON_VERSION|DJL_|PYTORCH_VERSION)[A-Z0-9_]*|CUDA_VERSION"
)
"""Variables of an image that are shown; others may hold anything, secrets included, and are never repeated."""

MAX_LABELS = 60
_NUMBER = re.compile(r"[0-9]{1,4}(\.[0-9]{1,6}){0,3}", re.ASCII)
_VERSION = re.compile(r"[0-9][0-9A-Za-z.+!_-]{0,59}", re.ASCII)
_CU_TAG = re.compile(r"cu(1[0-9]|[2-9][0-9])([0-9])", re.ASCII)


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """One image as it is on this machine.

    Attributes:
        image: the reference it was inspected by.
        config: what the image says without running: architecture, user, entry point, labels, CUDA variables, size.
        cuda: CUDA version, None = not found.
        framework: Framework Registry id of what was found first in ``FRAMEWORK_PACKAGES``.
        gpu_memory_mib: memory of the smallest GPU the engine could show the image.
        packages: Python distribution to version.
        found_by: fact to how it was found (``version.json``, ``CUDA_VERSION``).
        was_run: False = only the configuration was read.
    """

    image: str
    config: Mapping[str, Any] = field(default_factory=dict)
    cuda: str | None = None
    python: str | None = None
    framework: str | None = None
    framework_version: str | None = None
    gpu_memory_mib: int | None = None
    gpu_count: int = 0
    packages: Mapping[str, str] = field(default_factory=dict)
    found_by: Mapping[str, str] = field(default_factory=dict)
    was_run: bool = False

    def to_json(self) -> dict[str, Any]:
        """The keys of ``inspect-image --format json`` without its findings."""
        found = {
            name: getattr(self, name)
            for name in ("cuda", "python", "framework", "framework_version", "gpu_memory_mib", "gpu_count")
        }
        return {
            "image": self.image,
            "config": dict(self.config),
            "found": {**found, "packages": dict(self.packages), "found_by": dict(self.found_by)},
            "was_run": self.was_run,
        }

    def to_mapping(self) -> dict[str, Any]:
        """What is saved with a project's answers: everything resolution uses, and no label or variable."""
        data: dict[str, Any] = {"image": self.image, "was_run": self.was_run}
        for name in ("cuda", "python", "framework", "framework_version", "packages"):
            value = getattr(self, name)
            if value:
                data[name] = dict(value) if isinstance(value, Mapping) else value
        kept = {
            name: self.config.get(name) for name in ("id", "architecture", "djl_serving") if self.config.get(name)
        }
        return {**data, "config": kept} if kept else data


def image_facts_from_mapping(data: Any) -> ImageFacts | None:
    """Saved facts; None when they are not what ``to_mapping`` writes."""
    if not isinstance(data, Mapping) or not isinstance(data.get("image"), str):
        return None
    config, packages = data.get("config") or {}, data.get("packages") or {}
    if not isinstance(config, Mapping) or not isinstance(packages, Mapping):
        return None
    name = data.get("framework")
    return ImageFacts(
        data["image"],
        {str(k): str(v) for k, v in config.items()},
        cuda=version_text(data.get("cuda"), _NUMBER),
        python=version_text(data.get("python"), _NUMBER),
        framework=name if isinstance(name, str) and name in FRAMEWORK_PACKAGES else None,
        framework_version=version_text(data.get("framework_version")),
        packages={str(k): str(v) for k, v in packages.items() if version_text(v)},
        was_run=data.get("was_run") is True,
    )


def version_text(value: Any, form: re.Pattern[str] = _VERSION) -> str | None:
    """A text of the form, or None."""
    return value if isinstance(value, str) and form.fullmatch(value) else None


def facts_from_config(image: str, text: str) -> ImageFacts | None:
    """The facts in the engine's description of an image; None when the text is no such description."""
    try:
        data = json.loads(text)
    except ValueError:
        return None
    data = data[0] if isinstance(data, list) and data else data
    if not isinstance(data, dict) or not isinstance(data.get("Config") or {}, dict):
        return None
    inner = data.get("Config") or {}
    labels = {str(k): printable(v, 200) for k, v in _mapping(inner.get("Labels")).items()}
    env = _variables(inner.get("Env"))
    layers = _mapping(data.get("RootFS")).get("Layers")
    digests = data.get("RepoDigests")
    config: dict[str, Any] = {
        "id": _text(data.get("Id")),
        "digests": [printable(d, 300) for d in digests][:8] if isinstance(digests, list) else [],
        "created": _text(data.get("Created")),
        "architecture": _text(data.get("Architecture")),
        "os": _text(data.get("Os")),
        "size_bytes": data.get("Size") if isinstance(data.get("Size"), int) else None,
        "layers": len(layers) if isinstance(layers, list) else None,
        "user": _text(inner.get("User")) or "",
        "entrypoint": _words(inner.get("Entrypoint")),
        "cmd": _words(inner.get("Cmd")),
        "cuda_version": version_text(env.get("CUDA_VERSION"), _NUMBER),
        "nvidia_require_cuda": _text(env.get("NVIDIA_REQUIRE_CUDA"), 1000),
        "required_cuda": required_cuda(env.get("NVIDIA_REQUIRE_CUDA", "")),
        "variables": {k: printable(v, 200) for k, v in sorted(env.items()) if SHOWN_VARIABLES.fullmatch(k)},
        "labels": dict(sorted(labels.items())[:MAX_LABELS]),
        "djl_serving": version_text(labels.get("djl-serving-version")),
    }
    facts = ImageFacts(image, config)
    by: dict[str, str] = {}
    cuda = config["cuda_version"]
    if cuda:
        by["cuda"] = "CUDA_VERSION"
    elif tag := _CU_TAG.fullmatch(labels.get("cuda-version", "")):
        cuda, by["cuda"] = f"{int(tag[1])}.{tag[2]}", "label cuda-version"
    python = version_text(env.get("PYTHON_VERSION"), _NUMBER)
    if python:
        by["python"] = "PYTHON_VERSION"
    return replace(facts, cuda=cuda, python=python, found_by=by)


def _mapping(value: Any) -> dict[Any, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any, limit: int = 200) -> str | None:
    return printable(value, limit) if isinstance(value, str) and value else None


def _words(value: Any) -> list[str]:
    return [printable(word, 200) for word in value][:40] if isinstance(value, list) else []


def _variables(value: Any) -> dict[str, str]:
    pairs = [item.partition("=") for item in value if isinstance(item, str)] if isinstance(value, list) else []
    return {name: text for name, _, text in pairs}


def required_cuda(text: str) -> str | None:
    """The lowest CUDA version of ``NVIDIA_REQUIRE_CUDA``.

    Example:
        >>> required_cuda("cuda>=12.8 brand=tesla,driver>=470,driver<471")
        '12.8'
    """
    found = re.search(r"(?:^|[\s,])cuda>=([0-9]{1,3}\.[0-9]{1,3})(?![0-9.])", text, re.ASCII)
    return found[1] if found else None


def facts_from_run(facts: ImageFacts, output: str) -> ImageFacts:
    """The facts with what the probe printed (``probe.SHELL``, ``probe.PYTHON``); unreadable parts are ignored."""
    sections = _sections(output)
    by = dict(facts.found_by)
    pythons = [p for text in sections.get("python", []) if (p := _python(text)) is not None]
    chosen = next((p for p in pythons if _framework(p[1])), pythons[0] if pythons else None)
    python, packages, torch_cuda = chosen if chosen is not None else (None, {}, None)
    framework = _framework(packages)
    toolkit = next((c for text in sections.get("cuda-json", []) if (c := _cuda_json(text))), None)
    nvcc = next(
        (m[1] for text in sections.get("nvcc", []) if (m := re.search(r"release ([0-9]+\.[0-9]+)", text))), None
    )
    runtime = next((packages[name] for name in CUDA_PACKAGES if name in packages), None)
    ways = (("version.json", toolkit), ("nvcc", nvcc), ("torch", torch_cuda), ("cuda runtime package", runtime))
    cuda, how = next(((value, way) for way, value in ways if value and _NUMBER.fullmatch(value)), (None, ""))
    if cuda:
        by["cuda"] = how
    if python:
        by["python"] = "interpreter"
    if framework:
        by["framework"] = "package metadata"
    memory = [int(w) for text in sections.get("gpu", []) for w in text.split() if re.fullmatch(r"[0-9]{3,7}", w)]
    if memory:
        by["gpu_memory_mib"] = "nvidia-smi"
    return replace(
        facts,
        cuda=cuda or facts.cuda,
        python=python or facts.python,
        framework=framework,
        framework_version=packages[FRAMEWORK_PACKAGES[framework]] if framework else None,
        gpu_memory_mib=min(memory) if memory else None,
        gpu_count=len(memory),
        packages=dict(sorted(packages.items())),
        found_by=by,
        was_run=bool(sections),
    )


def _sections(output: str) -> dict[str, list[str]]:
    """The probe's output by marker; what an image prints before the first marker is not ours."""
    found: dict[str, list[list[str]]] = {}
    current: list[str] | None = None
    for line in output.splitlines():
        if line.startswith("=mcc:"):
            current = []
            found.setdefault(line.removeprefix("=mcc:").strip(), []).append(current)
        elif current is not None:
            current.append(line)
    return {name: ["\n".join(lines) for lines in parts] for name, parts in found.items()}


def _python(text: str) -> tuple[str, dict[str, str], str | None] | None:
    for line in text.splitlines():
        try:
            data = json.loads(line)
        except ValueError:
            continue
        if isinstance(data, dict) and (version := version_text(data.get("python"), _NUMBER)):
            packages = {
                str(name): value
                for name, value in _mapping(data.get("packages")).items()
                if name in PACKAGES and version_text(value)
            }
            return version, packages, version_text(data.get("torch_cuda"), _NUMBER)
    return None


def _framework(packages: Mapping[str, str]) -> str | None:
    return next((name for name, package in FRAMEWORK_PACKAGES.items() if package in packages), None)


def _cuda_json(text: str) -> str | None:
    try:
        data = json.loads(text)
    except ValueError:
        return None
    for name in ("cuda", "cuda_cudart"):
        if version := version_text(_mapping(_mapping(data).get(name)).get("version"), _NUMBER):
            return version
    return None
