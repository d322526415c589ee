"""Registries, checks and resolution behind the ML Container Creator template.

The public API (design.md section 6)::

    from mcc_registry import Registry, Request, resolve

    registry = Registry.load()
    plan = resolve(Request(model_server="vllm", model_name="Qwen/Qwen3-4B"), registry)
    plan.ok, plan.findings, plan.env_vars["SM_VLLM_MAX_MODEL_LEN"].value

Names are imported on first use, so that ``import mcc_registry`` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .errors import Finding, RegistryError
    from .models.plan import Plan
    from .models.request import Request
    from .registry import Registry
    from .resolve import resolve

__version__ = "0.1.0"

__all__ = ["Finding", "Plan", "Registry", "RegistryError", "Request", "__version__", "resolve"]

_HOME = {
    "Finding": "errors",
    "Plan": "models.plan",
    "Registry": "registry",
    "RegistryError": "errors",
    "Request": "models.request",
    "resolve": "resolve",
}


def __getattr__(name: str) -> Any:
    """Import a public name on first use."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f".{_HOME[name]}", __name__), name)
    globals()[name] = value
    return value
