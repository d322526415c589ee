"""Why an update decided otherwise: what became of the value a project had, and whether it can be kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .compare import Change

if TYPE_CHECKING:
    from ..errors import Finding
    from ..models.plan import Plan
    from ..models.request import Request
    from ..registry import Registry

Decide = Callable[["Request"], "Plan"]
"""Makes a plan of a request, with the facts from outside that were used for the project."""

LEFT_OPEN = {"instance_type": ("auto",), "framework_version": ("recommended", "latest")}
"""Decision to the answers that leave it to the registries; so does every specifier."""


def with_reasons(changes: Iterable[Change], request: Request, registry: Registry, decide: Decide) -> list[Change]:
    """The changes; those of version, instance type and model row with what is said now of the old value.

    The command that keeps the old value is left out where it would be refused or would bring another release's row.

    Args:
        changes: what :func:`compare_locks` found.
        request: what the project asks for now.
        registry: the registries in force now.
        decide: makes a plan; called once for each of the two.
    """
    told = []
    for change in changes:
        if change.what == "model_match" and isinstance(change.old, str):
            gone = registry.find_removed_model(change.old)
            note = _lines(change.note, f"{change.old} is no longer listed", " ".join(gone)) if gone else change.note
            change = replace(change, note=note)
        if change.what in LEFT_OPEN and isinstance(change.old, str):
            about = _version if change.what == "framework_version" else _type
            change = about(change, request, registry, decide)
        told.append(change)
    return told


def _version(change: Change, request: Request, registry: Registry, decide: Decide) -> Change:
    entry = registry.frameworks.get(request.framework_id)
    if entry is None:
        return replace(change, keep="")
    if change.old not in entry:
        file = entry.file_of_release(change.old)
        note = _lines(change.note, f"{change.old} is no longer listed", f"{file} releases[{change.old}]")
        return replace(change, note=note, keep="")
    return _judged(change, decide(replace(request, given=None, framework_version=change.old)))


def _type(change: Change, request: Request, registry: Registry, decide: Decide) -> Change:
    instance = registry.find_instance(change.old)
    if instance is None:
        file = registry.file_of_type(change.old)
        now = f"{change.old} is now: error, no price known; no longer listed"
        return replace(change, note=_lines(change.note, now, f"{file} types[{change.old}]"), keep="")
    plan = decide(replace(request, given=None, instance_type=change.old))
    change = _judged(change, plan, say=False)
    if request.instance_type != "auto":
        return change
    price = f"{instance.price_usd_hour} USD/h" if instance.price_usd_hour is not None else "no price known"
    worst = _worst(plan)
    verdict, reason = (worst.severity, worst.message) if worst else ("ok", "it passes, another one costs less")
    place = _place(worst) if worst else f"{instance.file} types[{change.old}].price_usd_hour"
    return replace(change, note=_lines(change.note, f"{change.old} is now: {verdict}, {price}; {reason}", place))


def _worst(plan: Plan) -> Finding | None:
    """What speaks against the instance type most."""
    errors = [f for f in plan.findings if f.severity == "error"]
    fields = ("instance_type", "inference_ami_version")
    return next(iter(errors or [f for f in plan.findings if f.severity == "warning" and f.field in fields]), None)


def _judged(change: Change, plan: Plan, *, say: bool = True) -> Change:
    """The change without its command where the old value is refused; with the reason, if that is to be said."""
    error = next((f for f in plan.findings if f.severity == "error"), None)
    if error is None:
        return change
    note = _lines(change.note, f"{change.old} is now refused: {error.message}", _place(error))
    return replace(change, note=note if say else change.note, keep="")


def _place(finding: Finding) -> str:
    """Registry file and key of a finding's first fact that has a file, else its source."""
    fact = next((f for f in finding.facts if f.file), None)
    return f"{fact.file} {fact.key}".strip() if fact else finding.source


def _lines(*parts: Any) -> str:
    return "\n".join(part for part in parts if part)
