"""What the questions offer: defaults that depend on other answers, and short lists of choices from the registries."""

from __future__ import annotations

import re
from typing import Any

from ..mcc_registry.checks.kinds import word_for
from ..mcc_registry.models.request import DEFAULTS, Request

OTHER = "other"
"""The choice that asks for a typed value."""

TRANSFORMERS_ONLY = (
    "model_name",
    "model_revision",
    "framework_profile",
    "model_profile",
    "chat_template",
    "hf_token_secret_arn",
)
PREDICTIVE_ONLY = ("model_format", "include_sample")

SOMETIMES = ("framework_profile", "model_profile", "image_source")
"""Questions that are asked only where the registries offer a choice (``mcc_ask`` in copier.yml)."""

SHORT_LIST = 8
"""How many releases or instance types are offered; every further choice costs Copier a few milliseconds."""


def not_for(framework: str) -> tuple[str, ...]:
    """The questions a framework has no use for."""
    return PREDICTIVE_ONLY if framework == "transformers" else TRANSFORMERS_ONLY


def name_from_folder(folder: str) -> str:
    """A valid project name made from a folder name.

    Example:
        >>> name_from_folder("my model_v1.0")
        'my-model-v1-0'
    """
    name = re.sub(r"[^A-Za-z0-9]+", "-", folder).strip("-")[:40].strip("-")
    return name or "sagemaker-model"


def default_of(name: str, request: Request) -> Any:
    """The default of one question, given the answers so far."""
    plain = {
        "framework": "transformers",
        "model_server": Request(framework=request.framework).effective_model_server,
        "model_format": Request(framework=request.framework).effective_model_format or "",
        "include_sample": Request(framework=request.framework).effective_include_sample,
        "framework_version": "recommended",
        "framework_profile": "default",
        "model_profile": "default",
        "image_source": "recommended",
        "instance_type": "auto",
        "inference_ami_version": "auto",
        "region": "us-east-1",
    }
    return plain[name] if name in plain else DEFAULTS[name]


FROM_A_PLAN = ("framework_profile", "image_source", "instance_type")
"""Questions whose choices follow from a plan, and so from what the Hub says of the model."""

Choice = Any
"""A value, or ``[label, {"value": value, "validator": why it is disabled}]`` (Copier's form)."""


def list_choices(name: str, request: Request, registry: Any, current: Any, hub: Any = None) -> list[Choice]:
    """The choices of one question, with the value given so far among them; ``hub`` holds the Hub's facts, if any."""
    makers = {
        "framework": _frameworks,
        "model_server": _servers,
        "model_format": _formats,
        "framework_version": _versions,
        "framework_profile": _framework_profiles,
        "model_profile": _model_profiles,
        "image_source": _image_sources,
        "instance_type": _instance_types,
        "inference_ami_version": _amis,
    }
    choices = makers[name](request, registry, hub) if name in FROM_A_PLAN else makers[name](request, registry)
    values = [
        c[1]["value"] if isinstance(c, list) and isinstance(c[1], dict) else c[1] if isinstance(c, list) else c
        for c in choices
    ]
    if current not in (None, "") and current not in values:
        choices.append([_label(name, request, registry, current), current])
    return choices


def _label(name: str, request: Request, registry: Any, current: Any) -> str:
    """How a value that is not on the short list is shown."""
    from ..mcc_registry.versions import find_version

    if name != "framework_version" or find_version(str(current)) is None:
        return _literal(str(current))
    entry = _entry(request, registry)
    if entry is None or current not in entry.versions:
        return f"{current} (not in the registries)"
    return release_label(entry[current])


def _literal(text: str) -> str:
    """A label that Copier's template engine shows as it is."""
    return text.replace("{", "(").replace("}", ")")


def _frameworks(request: Request, registry: Any) -> list[Choice]:
    labels = {
        "transformers": "transformers (large language models from the Hugging Face Hub, S3 or disk)",
        "sklearn": "sklearn (scikit-learn)",
        "xgboost": "xgboost",
        "tensorflow": "tensorflow (Keras)",
    }
    return [[labels.get(n, n), n] for n in registry.framework_names()]


def _servers(request: Request, registry: Any) -> list[Choice]:
    choices: list[Choice] = []
    for name in registry.framework_servers(request.framework):
        entry = registry.frameworks.get(name) if request.is_transformers else None
        choices.append([_literal(f"{name} ({entry.data.description})") if entry is not None else name, name])
    return choices


def _formats(request: Request, registry: Any) -> list[Choice]:
    if request.framework not in registry.frameworks:
        return [""]
    return list(registry.frameworks[request.framework].data.model_formats) or [""]


def _entry(request: Request, registry: Any) -> Any:
    return registry.frameworks.get(request.framework_id)


def release_label(release: Any) -> str:
    """``0.30.0 (experimental, CUDA 13.0)``."""
    kinds = dict.fromkeys(
        f"{word_for(b.accelerator.type)} {b.accelerator.version or ''}".strip() for b in release.builds
    )
    return f"{release.version} ({', '.join([release.data.validation_level, *kinds])})"


def _versions(request: Request, registry: Any) -> list[Choice]:
    entry = _entry(request, registry)
    choices: list[Choice] = [
        ["recommended (best proven release that passes all checks)", "recommended"],
        ["latest (newest stable release)", "latest"],
    ]
    if entry is not None:
        choices += [[release_label(entry[v]), v] for v in entry.versions[:SHORT_LIST]]
    choices.append(["other: type a version or a specifier like >=0.28,<0.31", OTHER])
    return choices


def _plan(request: Request, registry: Any, hub: Any, **changes: Any) -> Any:
    from dataclasses import replace

    from ..mcc_registry.resolve import resolve

    return resolve(replace(request, given=None, **changes), registry, hub=hub)


def _framework_profiles(request: Request, registry: Any, hub: Any) -> list[Choice]:
    entry = _entry(request, registry)
    if entry is None:
        return ["default"]
    plan = _plan(request, registry, hub, framework_profile="default")
    if plan.release is None or plan.build is None:
        return ["default"]
    from ..mcc_registry.resolve.merge import entry_profiles

    names = entry_profiles(entry, plan.release.version, plan.build.accelerator.type)
    labels = entry.data.profiles
    return [["Default", "default"], *([_literal(f"{labels[n].title} ({labels[n].description})"), n] for n in names)]


def _model_profiles(request: Request, registry: Any) -> list[Choice]:
    name = request.effective_model_name
    match = registry.find_model(name) if name else None
    if match is None or not match.profiles:
        return ["default"]
    return [
        ["Default (by the model's name)", "default"],
        *([_literal(f"{p.title} ({n})"), n] for n, p in match.profiles.items()),
    ]


def _image_sources(request: Request, registry: Any, hub: Any) -> list[Choice]:
    plan = _plan(request, registry, hub, image_source="recommended")
    sources = dict.fromkeys(b.source for b in plan.release.builds) if plan.release is not None else {}
    labels = {"aws": "aws (AWS's image, speaks SageMaker)", "upstream": "upstream (the project's own image)"}
    return [["recommended", "recommended"], *([labels[s], s] for s in sources)]


def _instance_types(request: Request, registry: Any, hub: Any) -> list[Choice]:
    plan = _plan(request, registry, hub, instance_type="auto")
    choices: list[Choice] = [["auto (cheapest type that passes all checks)", "auto"]]
    for looked in plan.candidates[:SHORT_LIST]:
        price = f"{looked.price_usd_hour} USD/h" if looked.price_usd_hour is not None else "no price known"
        label = _literal(f"{looked.instance_type} ({price}; {looked.reason})")
        if looked.verdict == "error":
            choices.append(
                [
                    f"{looked.instance_type} ({price})",
                    {"value": looked.instance_type, "validator": _literal(looked.reason)},
                ]
            )
        else:
            choices.append([label, looked.instance_type])
    choices.append(["other: type an instance type", OTHER])
    return choices


def _amis(request: Request, registry: Any) -> list[Choice]:
    names = list(registry.amis.transform_amis) if request.deployment_target == "batch" else list(registry.amis.amis)
    return [["auto (by the image's CUDA version)", "auto"], ["default (leave it out)", "default"], *names]
