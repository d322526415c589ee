"""Image tables in the layout of sagemaker-core, a few rows of each, written by hand; regions as lists of names."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from mcc_registry.refresh.files import RegistryFile

LEFT_OUT = (
    "cn-north-1", "cn-northwest-1", "eu-isoe-west-1", "eusc-de-east-1", "us-gov-east-1", "us-gov-west-1",
    "us-iso-east-1", "us-isob-east-1", "us-isof-east-1", "us-isof-south-1",
)  # fmt: skip
"""Regions that some releases leave out."""


def accounts(shipped: dict[str, RegistryFile], *without: str) -> dict[str, str]:
    """Region to account, as the registries have them; the real package is compared in test_images.py."""
    family = shipped["regions.yaml"].data["ecr"]["deep_learning"]
    everywhere = dict.fromkeys(family["default_account_regions"], family["default_account"]) | family["accounts"]
    return {region: account for region, account in everywhere.items() if region not in without}


def engine_row(version: str, container: str, repository: str, regions: dict[str, str]) -> dict[str, Any]:
    return {
        "tag_prefix": version, "py_versions": ["py312"], "repository": repository,
        "container_version": {"gpu": container}, "registries": dict(regions),
    }  # fmt: skip


def server_row(number: str, prefix: str, repository: str, regions: dict[str, str]) -> dict[str, Any]:
    return {
        "tag_prefix": prefix, "repository": repository, "processors": ["gpu"], "processor_in_tag": False,
        "container_version": {"gpu": f"cuda-v{number}"}, "registries": dict(regions),
    }  # fmt: skip


def sample(shipped: dict[str, RegistryFile]) -> dict[str, dict[str, Any]]:
    """Tables that agree with the shipped registries."""
    everywhere, fewer = accounts(shipped), accounts(shipped, *LEFT_OUT)
    new = "cu130-ubuntu24.04-sagemaker"
    return deepcopy(
        {
            "vllm": {"inference": {"processors": ["gpu"], "versions": {
                "0.28.0": engine_row("0.28.0", new, "vllm", everywhere),
                "0.29.0": engine_row("0.29.0", new, "vllm", fewer),
                "0.30.0": engine_row("0.30.0", new, "vllm", fewer),
            }}},
            "vllm-server": {"scope": ["inference"], "versions": {
                "2.4": server_row("2.4", "server-sagemaker", "vllm", everywhere),
                "2.6": server_row("2.6", "server-sagemaker", "vllm", fewer),
            }},
            "sglang": {"inference": {"processors": ["gpu"], "versions": {
                "0.5.19": engine_row("0.5.19", new, "sglang", everywhere),
                "0.5.20": engine_row("0.5.20", new, "sglang", fewer),
            }}},
            "sglang-server": {"scope": ["inference"], "versions": {
                "1.0": server_row("1.0", "server-sagemaker", "sglang", everywhere),
            }},
            "djl-lmi": {"scope": ["inference"], "versions": {
                "0.38.0": {"tag_prefix": "0.38.0-lmi29.0.0-cu130", "repository": "djl-inference",
                           "registries": accounts(shipped, "me-west-1")},
                "0.36.0": {"tag_prefix": "0.36.0-lmi27.0.0-cu130", "repository": "djl-inference",
                           "registries": accounts(shipped, "me-west-1")},
            }},
        }
    )  # fmt: skip


def with_old_layout(tables: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The tables with one row's tag prefix taken away, as a package of another time may have it."""
    del next(iter(tables["sglang"]["inference"]["versions"].values()))["tag_prefix"]
    return tables
