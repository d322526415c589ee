"""Facts of container images for a project: looked at once, recorded with the answers, replayed for the old copy.

An entry is ``image``, ``facts`` (plain data, null when the image could not be inspected) and ``told`` (the findings that
show in the project); see :mod:`hooks.outside` for why the old copy needs them again.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from ..mcc_registry.errors import Finding
from ..mcc_registry.models.request import Request
from .outside import Role, process_store


class Images:
    """The images one session looked at.

    Args:
        recorded: the entries saved with the answers.
        role: which of an update's copies is rendered.
    """

    def __init__(self, recorded: object, role: Role) -> None:
        entries = recorded if isinstance(recorded, list) else []
        self._recorded = {
            e["image"]: e for e in entries if isinstance(e, Mapping) and isinstance(e.get("image"), str)
        }
        self._role = role
        self._used: dict[str, Mapping[str, Any]] = {}

    def plan(self, request: Request, registry: Any, **given: Any) -> Any:
        """The plan with the facts of the image it chooses."""
        from ..mcc_registry.docker import image_facts_from_mapping
        from ..mcc_registry.resolve.images import resolve_with_images

        def look(image: str, platform: str) -> tuple[Any, list[Finding]]:
            entry = self._entry(image, platform, request.offline)
            if entry is None:
                return None, []
            self._used[image] = entry
            told = entry.get("told")
            return image_facts_from_mapping(entry.get("facts")), [
                Finding(**{str(k): str(v) for k, v in f.items() if k in KEPT})  # type: ignore[arg-type]
                for f in (told if isinstance(told, list) else [])
                if isinstance(f, Mapping) and {"code", "severity", "field", "message"} <= set(f)
            ]

        return resolve_with_images(request, registry, look, **given)

    def _entry(self, image: str, platform: str, offline: bool) -> Mapping[str, Any] | None:
        recorded = self._recorded.get(image)
        if recorded is not None and (self._role == "old" or recorded.get("facts")):
            return recorded
        if self._role == "old":
            return None
        store: dict[str, Any] = process_store().setdefault("images", {})
        if image not in store and self._role == "real":
            store[image] = _ask(image, platform, offline)
        found: Mapping[str, Any] | None = store.get(image)
        return found

    def to_record(self) -> list[dict[str, Any]]:
        """The entries a later update needs: those that had facts, or something to say in the project."""
        kept = []
        for entry in self._used.values():
            told = [
                _brief(f) for f in entry.get("told") or [] if f.get("severity") != "info" or f["code"] in IN_README
            ]
            if entry.get("facts") or told:
                kept.append({**entry, "told": told})
        return kept


def _brief(finding: Mapping[str, Any]) -> Mapping[str, Any]:
    """The finding as the old copy needs it: of an info the README has the code alone, and its words differ by machine."""
    return {**finding, "message": finding["name"], "hint": ""} if finding.get("severity") == "info" else finding


IN_README = ("MCC620", "MCC621")
"""Infos that stand in the README: the image was to be inspected, and was not."""

KEPT = ("code", "severity", "field", "message", "hint", "source", "name")


def _ask(image: str, platform: str, offline: bool) -> dict[str, Any]:
    """Inspect an image with the engine; progress goes to the terminal."""
    from ..mcc_registry.docker import look_at

    progress = sys.stderr if sys.stderr.isatty() else None
    facts, told = look_at(
        image, platform, offline=offline, progress=progress, tell=lambda text: print(text, file=sys.stderr)
    )
    return {
        "image": image,
        "facts": facts.to_mapping() if facts is not None else None,
        "told": [{k: v for k, v in f.to_json().items() if k in KEPT} for f in told],
    }
