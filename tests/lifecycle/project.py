"""Renders the lifecycle part of the template from a hand-made project view (test double of the hooks)."""

from __future__ import annotations

import copy
import stat
from pathlib import Path
from typing import Any

import jinja2

from hooks.filters import FILTERS

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "template"
MINE = ["do", "deploy", "container.env.jinja", ".dockerignore", ".gitignore"]

LLM: dict[str, Any] = {
    "project_name": "qwen3-endpoint",
    "framework": "transformers",
    "model_server": "vllm",
    "framework_version": "0.30.0",
    "requested_version": "recommended",
    "match": "specifier",
    "validation_level": "experimental",
    "validation_meaning": "passes all automatic checks",
    "model": {
        "name": "Qwen/Qwen3-4B",
        "kind": "hub",
        "revision": None,
        "family": "qwen3",
        "gated": False,
        "weights_gib": 7.49,
        "matched": "Qwen/Qwen3-4B",
        "match": "exact",
    },
    "model_format": None,
    "image": "763104351884.dkr.ecr.us-east-1.amazonaws.com/vllm:0.30.0-gpu-py312-cu130-ubuntu24.04-sagemaker",
    "image_source": "aws",
    "ecr_login_registry": "763104351884.dkr.ecr.us-east-1.amazonaws.com",
    "ecr_login_region": "us-east-1",
    "serves_sagemaker": True,
    "adapter": None,
    "engine_command": None,
    "env_prefix": "SM_VLLM_",
    "flag_style": "dashes",
    "accelerator": {"type": "cuda", "version": "13.0"},
    "docker_platform": "linux/amd64",
    "instance_type": "ml.g6.xlarge",
    "inference_ami_version": "al2023-ami-sagemaker-inference-gpu-4-1",
    "accelerator_name": "L4",
    "accelerator_count": 1,
    "accelerator_memory_mib": 22888,
    "vcpu_count": 4,
    "memory_mib": 16384,
    "has_local_nvme": True,
    "price_usd_hour": 0.8048,
    "price_basis": "EC2 us-east-1 on demand, 2026-07-20",
    "region": "us-east-1",
    "aws_domain": "amazonaws.com",
    "aws_partition": "aws",
    "role_arn": "",
    "s3_bucket": "",
    "hf_token_secret_arn": "",
    "deployment_target": "realtime",
    "include_sample": False,
    "container_env": [
        {"name": "SM_VLLM_MODEL", "value": "Qwen/Qwen3-4B", "source": "User_Input", "note": ""},
        {"name": "SM_VLLM_MAX_MODEL_LEN", "value": "8192", "source": "Model_Profile", "note": "what fits"},
    ],
    "settings": [],
    "env_vars": {},
    "sources": ["Framework_Registry", "Model_Registry", "User_Input"],
    "findings": [],
    "timeouts": {"startup_health_check_s": 900, "model_download_s": 900},
    "requirements": [],
    "python_version": None,
    "chat_template": {"source": "model_repository", "file": None, "text": None},
    "registry": {"version": "0.1.0", "layers": ["shipped"]},
}
PREDICTIVE: dict[str, Any] = {
    **LLM,
    "project_name": "iris",
    "framework": "sklearn",
    "model_server": "fastapi",
    "model": None,
    "model_format": "joblib",
    "image": "python:3.13-slim",
    "image_source": "upstream",
    "ecr_login_registry": None,
    "ecr_login_region": None,
    "serves_sagemaker": False,
    "env_prefix": "",
    "accelerator": {"type": "cpu", "version": None},
    "instance_type": "ml.m6i.large",
    "inference_ami_version": None,
    "accelerator_name": None,
    "accelerator_count": 0,
    "accelerator_memory_mib": 0,
    "has_local_nvme": False,
    "price_usd_hour": 0.096,
    "include_sample": True,
    "container_env": [{"name": "WORKERS", "value": "2", "source": "Generator_Default", "note": ""}],
    "timeouts": {"startup_health_check_s": 300, "model_download_s": 60},
}


def view(base: dict[str, Any] = LLM, **changes: Any) -> dict[str, Any]:
    """A copy of a base view with some answers changed; a mapping value is merged."""
    made = copy.deepcopy(base)
    for name, value in changes.items():
        made[name] = {**made[name], **value} if isinstance(value, dict) and isinstance(made[name], dict) else value
    return made


def render(project: dict[str, Any], folder: Path) -> Path:
    """Write the lifecycle files of a project into folder, as Copier would."""
    env = jinja2.Environment(undefined=jinja2.StrictUndefined, keep_trailing_newline=True, autoescape=False)
    env.filters.update(FILTERS)
    env.globals["mcc_project"] = lambda: project
    names = [
        path
        for part in MINE
        for path in ([TEMPLATE / part] if (TEMPLATE / part).is_file() else (TEMPLATE / part).rglob("*"))
    ]
    for source in names:
        if not source.is_file():
            continue
        name = str(source.relative_to(TEMPLATE))
        plain = env.from_string(name.removesuffix(".jinja")).render(**project)
        if not plain or plain.endswith("/"):
            continue
        target = folder / plain
        target.parent.mkdir(parents=True, exist_ok=True)
        text = source.read_text()
        target.write_text(env.from_string(text).render(**project) if name.endswith(".jinja") else text)
        target.chmod(stat.S_IMODE(source.stat().st_mode))
    return folder
