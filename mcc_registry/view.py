"""The project view: the plain mapping every template file is rendered from, and nothing else.

Everything in it is text, numbers, booleans, lists and mappings; templates need no logic beyond ``if`` and ``for``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .models.levels import LEVEL_MEANING

if TYPE_CHECKING:
    from .models.plan import Plan

CHAT_TEMPLATE_FILE = "serving/chat_template.jinja"

START_SECONDS = 300
DOWNLOAD_MIB_PER_S = 64
LOAD_MIB_PER_S = 256
LONGEST_SECONDS = 3600
"""Time-outs: start-up takes about START_SECONDS besides the bytes; a download and a load go at these rates.

Basis: assumed, on the slow side; the range 60 to 3600 s is SageMaker's (facts/sagemaker.md, CreateEndpointConfig).
"""


def timeouts(weights_gib: float | None, accelerator: str) -> dict[str, int]:
    """Health-check and download time-outs in seconds, from the model's bytes.

    Args:
        weights_gib: the model's weights; None = unknown, which gets the time of 15 GiB.
        accelerator: cuda, neuron or cpu; Neuron models may compile at start and get the longest.
    """
    if accelerator == "neuron":
        return {"startup_health_check_s": LONGEST_SECONDS, "model_download_s": LONGEST_SECONDS}
    if accelerator == "cpu" and not weights_gib:
        return {"startup_health_check_s": 300, "model_download_s": 300}
    mib = (15.0 if weights_gib is None else weights_gib) * 1024
    download = mib / DOWNLOAD_MIB_PER_S
    startup = START_SECONDS + download + mib / LOAD_MIB_PER_S
    return {"startup_health_check_s": _seconds(startup), "model_download_s": _seconds(120 + download)}


def _seconds(value: float) -> int:
    return int(min(LONGEST_SECONDS, max(300, -(-value // 60) * 60)))


def project_view(plan: Plan, project_name: str, requirements_server: str | None = None) -> dict[str, Any]:
    """The view of an accepted plan.

    Args:
        plan: a plan whose ``ok`` is true.
        project_name: the project's name.
        requirements_server: for predictive frameworks the model server whose requirements are listed.

    Raises:
        ValueError: the plan was refused, so there is nothing to render.
    """
    release, build, instance = plan.release, plan.build, plan.instance
    if not plan.ok or release is None or build is None or instance is None or plan.framework is None:
        raise ValueError("a refused plan cannot be rendered")
    request = plan.request
    entry = release.framework
    source = entry.data.image_sources.get(build.source)
    serves = release.serves_sagemaker(build)
    weights = plan.fit["weights_gib"] if plan.fit else plan.model["weights_gib"] if plan.model else None
    adapter = None if serves else (build.adapter or (source.adapter if source else None))
    if not request.is_transformers:
        adapter = None
    variant = entry.data.variants.get(build.accelerator.type)
    home = variant if variant is not None and build.source in variant.image_sources else entry.data
    registry = release.ecr_registry(build, request.region)
    gpu_text = plan.chat_template_text
    private = _private(plan)
    return {
        "project_name": project_name,
        "framework": request.framework,
        "model_server": request.effective_model_server,
        "framework_version": release.version,
        "requested_version": request.framework_version,
        "match": plan.framework["match"],
        "validation_level": plan.framework["validation_level"],
        "validation_meaning": LEVEL_MEANING[plan.framework["validation_level"]],
        "framework_profile": plan.framework["profile"],
        "model": _model(plan, weights),
        "model_format": request.effective_model_format,
        "image": plan.base_image,
        "image_source": build.source,
        "ecr_login_registry": registry,
        "ecr_login_region": request.region if registry else None,
        "serves_sagemaker": serves,
        "adapter": adapter,
        "engine_command": list(release.data.start) or (list(source.entrypoint) if source else []) or None,
        "image_entrypoint": list(source.entrypoint) if source else [],
        "env_prefix": home.env_prefix,
        "flag_style": home.flag_style,
        "accelerator": plan.framework["accelerator"],
        "docker_platform": "linux/arm64" if instance.architecture == "arm64" else "linux/amd64",
        "instance_type": instance.type,
        "inference_ami_version": plan.inference_ami_version,
        "accelerator_name": instance.accelerator_name,
        "accelerator_count": instance.accelerator_count,
        "accelerator_memory_mib": instance.accelerator_memory_mib,
        "vcpu_count": instance.vcpus,
        "memory_mib": instance.memory_mib,
        "has_local_nvme": instance.local_nvme,
        "price_usd_hour": plan.price_usd_hour,
        "price_basis": plan.price_basis,
        "region": request.region,
        "aws_domain": release.domain(request.region),
        "aws_partition": partition(request.region),
        "role_arn": request.role_arn,
        "s3_bucket": request.s3_bucket,
        "hf_token_secret_arn": request.hf_token_secret_arn,
        "deployment_target": request.deployment_target,
        "include_sample": request.effective_include_sample,
        "validate_env_vars": request.validate_env_vars,
        "env_vars": dict(request.env_vars),
        "container_env": [
            {"name": name, "value": e.value, "source": e.source, "setting": e.setting, "note": e.reason}
            for name, e in plan.env_vars.items()
        ],
        "settings": [
            {
                "name": name,
                "value": s.value,
                "source": s.source,
                "overrode": [{"value": o.value, "source": o.source} for o in s.overrode],
                "reason": s.reason,
                "file": s.file,
                "key": s.key,
                "private": private(s.file),
            }
            for name, s in plan.settings.items()
        ],
        "sources": list(plan.sources),
        "findings": [
            {k: v for k, v in f.to_json().items() if k in ("code", "severity", "field", "message", "hint", "source")}
            for f in plan.findings
        ],
        "candidates": [
            {
                "instance_type": c.instance_type,
                "price_usd_hour": c.price_usd_hour,
                "verdict": c.verdict,
                "reason": c.reason,
            }
            for c in plan.candidates
        ],
        "fit": plan.fit,
        "timeouts": timeouts(weights, build.accelerator.type),
        "requirements": list(
            release.data.requirements.get(requirements_server or request.effective_model_server, [])
        ),
        "python_version": release.data.python or build.python if not request.is_transformers else None,
        "chat_template": {
            "source": _chat_template_source(plan),
            "file": CHAT_TEMPLATE_FILE if gpu_text is not None else None,
            "text": gpu_text,
        },
        "registry": plan.registry,
        "private": _said_privately(plan),
        "needs_serving": bool(
            not request.is_transformers or adapter or request.hf_token_secret_arn or gpu_text is not None
        ),
    }


def _private(plan: Plan) -> Callable[[str], str | None]:
    """Tells the files of private registries from shipped ones: a layer's file as it is, None for any other."""
    folders = tuple(f"{folder}/" for folder in plan.registry.get("folders", [])[1:])
    return lambda file: file if file.startswith(folders) else None


def _said_privately(plan: Plan) -> dict[str, str | None]:
    """What was decided to the file of a private registry that spoke last about it; None where none did."""
    private = _private(plan)
    return {name: private(place[0]) if place else None for name, place in plan.provenance().items()}


def _chat_template_source(plan: Plan) -> str:
    """Where the chat template comes from; ``unknown`` where nobody said there is none and nothing is known of the model."""
    if plan.model is None:
        return "none"
    source = str(plan.model["chat_template_source"])
    nothing_known = plan.model["match"] == "none" and plan.request.chat_template == "auto"
    return "unknown" if source == "none" and nothing_known else source


def _model(plan: Plan, weights: float | None) -> dict[str, Any] | None:
    if plan.model is None:
        return None
    return {
        "name": plan.model["id"],
        "kind": plan.model["kind"],
        "revision": plan.model["revision"],
        "family": plan.model["family"],
        "gated": plan.model["gated"],
        "weights_gib": weights,
        "matched": plan.model["matched"],
        "match": plan.model["match"],
        "profile": plan.model["profile"],
        "context": plan.model["context"],
    }


def partition(region: str) -> str:
    """The AWS partition of a region, for ARNs.

    Example:
        >>> partition("cn-north-1"), partition("us-east-1")
        ('aws-cn', 'aws')
    """
    prefixes = (("cn-", "aws-cn"), ("us-gov-", "aws-us-gov"), ("us-isob-", "aws-iso-b"), ("us-isof-", "aws-iso-f"))
    more = (("us-iso-", "aws-iso"), ("eu-isoe-", "aws-iso-e"), ("eusc-", "aws-eusc"))
    return next((name for prefix, name in (*prefixes, *more) if region.startswith(prefix)), "aws")
