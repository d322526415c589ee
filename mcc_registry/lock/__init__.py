"""The plan as a file, ``mcc.lock.yaml``: stable order, one value a line, so that two of them compare well."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..models.plan import Plan

LOCK_VERSION = 1
"""Format of the lock file; raised when a reader of the old form would misread the new one."""

HEADER = """\
# What was decided for this project and why. Written by copier copy and copier update; do not edit.
# mcc-registry outdated compares it with the registries; the README explains it.
"""


def lock_data(plan: Plan, project_name: str) -> dict[str, Any]:
    """The plan as plain data for the lock file.

    Facts of the run (findings, candidates) are left out: they follow from what is written here.
    """
    framework, model, fit = plan.framework or {}, plan.model, plan.fit
    return {
        "lock_version": LOCK_VERSION,
        "project_name": project_name,
        "registry": {
            "version": plan.registry.get("version"),
            "facts": facts_digest(plan),
            "layers": list(plan.registry.get("layers", [])),
        },
        "framework": {
            "name": framework.get("name"),
            "version": framework.get("version"),
            "requested": framework.get("requested"),
            "match": framework.get("match"),
            "validation_level": framework.get("validation_level"),
            "image_source": framework.get("image_source"),
            "accelerator": framework.get("accelerator"),
            "profile": framework.get("profile"),
        },
        "model": None
        if model is None
        else {
            key: model[key]
            for key in ("id", "match", "matched", "family", "profile", "revision", "chat_template_source")
        },
        "base_image": plan.base_image,
        "instance_type": plan.instance_type,
        "architecture": plan.instance.architecture if plan.instance else None,
        "inference_ami_version": plan.inference_ami_version,
        "price_usd_hour": plan.price_usd_hour,
        "price_basis": plan.price_basis,
        "memory": None
        if fit is None
        else {
            key: fit[key]
            for key in ("fits", "required_gib", "available_gib", "weights_gib", "kv_cache_gib", "overhead_gib")
        },
        "settings": {
            name: {
                "value": s.value,
                "source": s.source,
                "fact": f"{s.file} {s.key}".strip() or None,
                **({"overrode": [{"value": o.value, "source": o.source} for o in s.overrode]} if s.overrode else {}),
            }
            for name, s in plan.settings.items()
        },
        "env_vars": {
            name: {"value": e.value, "source": e.source, "setting": e.setting} for name, e in plan.env_vars.items()
        },
        "sources": list(plan.sources),
        "provenance": {name: " ".join(place) if place else None for name, place in plan.provenance().items()},
    }


def facts_digest(plan: Plan) -> str | None:
    """A short digest of the registry rows the plan rests on: release, build, instance type and model.

    The registry's version changes with every row of every file; this changes only with rows this project uses.
    """
    if plan.release is None or plan.build is None or plan.instance is None:
        return None
    from hashlib import sha256

    instance, match = plan.instance, plan.match
    rows = [
        _row(plan.release.data),
        _row(plan.build),
        [
            getattr(instance, name)
            for name in ("type", "architecture", "vcpus", "memory_mib", "price_usd_hour", "legacy")
        ],
        [instance.accelerator_kind, instance.accelerator_name, instance.accelerator_count],
        None if match is None else [match.family_id, _row(match.row)],
    ]
    return sha256(json.dumps(rows, sort_keys=True, default=str).encode()).hexdigest()[:12]


def _row(row: Any) -> Any:
    return row.model_dump(exclude_defaults=True)


def lock_text(plan: Plan, project_name: str) -> str:
    """The text of ``mcc.lock.yaml``: YAML whose scalars are written as JSON, so that any reader agrees on them."""
    return to_text(lock_data(plan, project_name))


def to_text(data: dict[str, Any]) -> str:
    """The data of a lock as its text."""
    lines: list[str] = []
    _write(data, 0, lines)
    return HEADER + "\n".join(lines) + "\n"


def _write(value: dict[str, Any], depth: int, lines: list[str]) -> None:
    pad = "  " * depth
    for key, item in value.items():
        name = key if key.replace("_", "").isalnum() and key.isascii() and not key[0].isdigit() else json.dumps(key)
        if isinstance(item, dict) and item and depth < 3:
            lines.append(f"{pad}{name}:")
            _write(item, depth + 1, lines)
        elif isinstance(item, list) and item and depth < 3:
            lines.append(f"{pad}{name}:")
            lines += [f"{pad}  - {_scalar(entry)}" for entry in item]
        else:
            lines.append(f"{pad}{name}: {_scalar(item)}")


def _scalar(value: Any) -> str:
    """JSON that is YAML with the same meaning, too; so no surrogate pairs, which YAML does not join to one character."""
    text = json.dumps(value, ensure_ascii=False, separators=(", ", ": "))
    return text if text.isprintable() else "".join(map(_character, text))


def _character(char: str) -> str:
    return char if char.isprintable() or ord(char) > 0xFFFF else f"\\u{ord(char):04x}"
