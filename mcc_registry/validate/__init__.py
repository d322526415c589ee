"""Is a registry or a layer right: shape, meaning and cross references, each fault with its file and line."""

from __future__ import annotations

from .checkout import validate
from .schemas import init_layer, schema_for

__all__ = ["init_layer", "schema_for", "validate"]
