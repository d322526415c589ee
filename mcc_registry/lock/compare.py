"""Two locks compared: what was decided otherwise, which fact changed, and what its owner has to do."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..errors import printable
from ..secrecy import HIDDEN, looks_secret

ACTIONS = ("nothing", "redeploy", "rebuild")
"""What a change asks of the owner, the least first; rebuild includes deploying what was built."""

FIELDS: tuple[tuple[str, str, str], ...] = (
    ("instance_type", "instance_type", "redeploy"),
    ("base_image", "base_image", "rebuild"),
    ("inference_ami_version", "inference_ami_version", "redeploy"),
    ("architecture", "architecture", "rebuild"),
    ("framework_name", "framework.name", "rebuild"),
    ("framework_version", "framework.version", "rebuild"),
    ("image_source", "framework.image_source", "rebuild"),
    ("accelerator", "framework.accelerator", "rebuild"),
    ("framework_profile", "framework.profile", "redeploy"),
    ("model_name", "model.id", "redeploy"),
    ("model_revision", "model.revision", "redeploy"),
    ("model_profile", "model.profile", "redeploy"),
    ("chat_template", "model.chat_template_source", "rebuild"),
)
"""What is decided: name, place in the lock, what a change of it asks for. The most visible first."""

RESTS_ON = {
    "image_source": "base_image",
    "accelerator": "base_image",
    "validation_level": "framework_version",
    "architecture": "instance_type",
    "price_usd_hour": "instance_type",
    "model_match": "model",
    "chat_template": "model",
}
"""Decision to the one whose place in ``provenance`` is also its own; every other has its own name there."""

INFORMATION: tuple[tuple[str, str], ...] = (
    ("validation_level", "framework.validation_level"),
    ("price_usd_hour", "price_usd_hour"),
    ("memory_required_gib", "memory.required_gib"),
    ("model_match", "model.matched"),
    ("layers", "registry.layers"),
)
"""What is only told: a change of it changes nothing that runs."""

ABSENT = object()

UPDATE = "copier update --trust --data"


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is decided otherwise.

    Attributes:
        what: the decision (``instance_type``), or ``settings.NAME``, ``env_vars.NAME``.
        old: the value before; None where there was none.
        new: the value now; None where there is none any more.
        action: ``nothing``, ``redeploy`` or ``rebuild``.
        fact: the registry file and key that say so now, or "".
        note: what it means, in words, or "".
        keep: the command that keeps the old value, or "".
        may_refuse: a project that pins what it has may be refused because of it (changes of registries).
    """

    what: str
    old: Any
    new: Any
    action: str
    fact: str = ""
    note: str = ""
    keep: str = ""
    may_refuse: bool = False

    def to_json(self) -> dict[str, Any]:
        """The change as plain data."""
        return {
            "what": self.what,
            "old": self.old,
            "new": self.new,
            "action": self.action,
            "fact": self.fact or None,
            "note": self.note or None,
            "keep": self.keep or None,
            "may_refuse": self.may_refuse,
        }


def strongest(actions: Iterable[str]) -> str:
    """The action that covers all of them.

    Example:
        >>> strongest(["nothing", "rebuild", "redeploy"])
        'rebuild'
    """
    return max(actions, key=ACTIONS.index, default="nothing")


def action_of(changes: Iterable[Change]) -> str:
    """What all changes together ask for."""
    return strongest(change.action for change in changes)


def compare_locks(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Change]:
    """What differs between two locks, decisions first, the instance type first of all.

    Both are plain data as read from ``mcc.lock.yaml`` (any version of it: what a lock lacks is not compared).
    """
    changes = []
    for name, place, action in FIELDS:
        before, after = _at(old, place), _at(new, place)
        if before is ABSENT or after is ABSENT or before == after:
            continue
        changes.append(
            Change(
                name, before, after, action, _fact(name, new), _note(name, before, after, new), _keep(name, before)
            )
        )
    settings = _settings(old, new)
    changes += settings
    changes += _variables(old, new, {c.what.partition(".")[2] for c in settings})
    for name, place in INFORMATION:
        before, after = _at(old, place), _at(new, place)
        if before is not ABSENT and after is not ABSENT and before != after:
            changes.append(Change(name, before, after, "nothing", _fact(name, new)))
    return [_without_secrets(change) for change in changes]


def _without_secrets(change: Change) -> Change:
    """The change without a secret somebody wrote into a lock by hand."""
    name = change.what.rpartition(".")[2]
    old, new = (HIDDEN if looks_secret(name, value) else value for value in (change.old, change.new))
    return change if old is change.old and new is change.new else replace(change, old=old, new=new, keep="")


def _at(lock: Mapping[str, Any], place: str) -> Any:
    value: Any = lock
    for key in place.split("."):
        if value is None:
            return None
        if not isinstance(value, Mapping) or key not in value:
            return ABSENT
        value = value[key]
    return value


def _fact(name: str, lock: Mapping[str, Any]) -> str:
    """The registry file and key behind a decision: what the lock says, else where the shipped registries have it."""
    said = _at(lock, f"provenance.{RESTS_ON.get(name, name)}")
    if isinstance(said, str):
        return f"{said}.price_usd_hour" if name == "price_usd_hour" else said
    framework = lock.get("framework")
    framework = framework if isinstance(framework, Mapping) else {}
    file = f"registries/frameworks/{framework.get('name')}.yaml"
    row = f"{file} releases[{framework.get('version')}]"
    if name in ("framework_version", "base_image", "image_source", "accelerator", "validation_level"):
        return row
    if name == "framework_profile":
        return f"{file} profiles"
    if name == "inference_ami_version":
        return "registries/accelerators/amis.yaml"
    if name in ("model_profile", "model_match", "chat_template"):
        family = _at(lock, "model.family")
        return f"registries/models/{family}.yaml" if isinstance(family, str) else ""
    if name in ("instance_type", "architecture", "price_usd_hour"):
        family = str(lock.get("instance_type") or "").removeprefix("ml.").partition(".")[0]
        return f"registries/instances/{family}.yaml" if family else ""
    return ""


def _note(name: str, before: Any, after: Any, new: Mapping[str, Any]) -> str:
    if name == "instance_type":
        price = new.get("price_usd_hour")
        cost = f" at {price} USD/h" if isinstance(price, (int, float)) else ""
        return f"redeploys on another instance type{cost}"
    if name == "base_image":
        return "the container is built on another image"
    if name == "inference_ami_version":
        return "another host AMI" if after else "the host AMI is left out now"
    return ""


def _keep(name: str, before: Any) -> str:
    return f"{UPDATE} {name}={before}" if name in ("instance_type", "framework_version") and before else ""


def _mapping(lock: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = lock.get(key)
    return value if isinstance(value, Mapping) else {}


def _part(row: Any, key: str) -> Any:
    return row.get(key) if isinstance(row, Mapping) else None


def _settings(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Change]:
    before, after = _mapping(old, "settings"), _mapping(new, "settings")
    changes = []
    for name in sorted({*before, *after}):
        one, two = before.get(name), after.get(name)
        if _part(one, "value") == _part(two, "value") and (name in before) == (name in after):
            continue
        fact = _part(two, "fact") or _part(one, "fact") or ""
        source = _part(two, "source") or _part(one, "source") or ""
        note = str(source) if name in after else f"no source asks for it any more (it came from {source})"
        changes.append(
            Change(f"settings.{name}", _part(one, "value"), _part(two, "value"), "redeploy", str(fact), note)
        )
    return changes


def _variables(old: Mapping[str, Any], new: Mapping[str, Any], told: set[str]) -> list[Change]:
    """Variables that changed without their setting: another name or spelling, or no setting at all."""
    before, after = _mapping(old, "env_vars"), _mapping(new, "env_vars")
    changes = []
    for name in sorted({*before, *after}):
        one, two = before.get(name), after.get(name)
        if _part(one, "value") == _part(two, "value") and (name in before) == (name in after):
            continue
        if (_part(two, "setting") or _part(one, "setting")) in told:
            continue
        note = str(_part(two, "source") or _part(one, "source") or "")
        changes.append(Change(f"env_vars.{name}", _part(one, "value"), _part(two, "value"), "redeploy", "", note))
    return changes


def value_text(value: Any) -> str:
    """A value in words; ``none`` for nothing.

    Example:
        >>> value_text(None), value_text(True), value_text("x"), value_text({"type": "cuda", "version": "13.0"})
        ('none', 'true', 'x', 'cuda 13.0')
    """
    if value is None:
        return "none"
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping) and set(value) == {"type", "version"}:
        return f"{value['type']} {value['version'] or ''}".strip()
    return json.dumps(value, ensure_ascii=True, default=str)


def fact_text(fact: str) -> str:
    """Where a value comes from: the registry file and key, or the decision it follows from.

    Example:
        >>> fact_text("instance_type"), fact_text("registries/instances/g6.yaml"), fact_text("")
        ('follows from instance_type', 'registries/instances/g6.yaml', '')
    """
    return f"follows from {fact}" if fact and "/" not in fact else fact


def to_lines(changes: Iterable[Change], indent: str = "   ") -> list[str]:
    """Changes for people: one line each, what it means and where it is said below it."""
    lines = []
    for change in changes:
        name = change.what.removeprefix("settings.").removeprefix("env_vars.")
        lines.append(f"{indent}{name}: {value_text(change.old)} -> {value_text(change.new)}")
        keep = f"to keep the old one: {change.keep}" if change.keep else ""
        told = [*change.note.splitlines(), keep, fact_text(change.fact)]
        lines += [f"{indent}   {line}" for line in told if line]
    return [printable(line, 4000) for line in lines]
