"""Is a registry or a layer right: shape, meaning and cross references, each fault with its file and line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..loading.schemas import schema_for
    from .checkout import LayerExistsError, changed_registries, validate
    from .run import catalogue
    from .starter import init_layer

__all__ = ["LayerExistsError", "catalogue", "changed_registries", "init_layer", "schema_for", "validate"]

_HOME = {
    "LayerExistsError": ".checkout",
    "catalogue": ".run",
    "changed_registries": ".checkout",
    "init_layer": ".starter",
    "schema_for": "..loading.schemas",
    "validate": ".checkout",
}


def __getattr__(name: str) -> Any:
    """Import a name on first use."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOME[name], __name__), name)
