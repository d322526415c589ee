"""One immutable snapshot of the registries: look-ups and cross-references; opens no files itself."""

from __future__ import annotations
