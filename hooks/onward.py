"""The page of a refused update: what no longer works, why, and commands that were tried and do work."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice, product
from typing import Any

from ..mcc_registry.errors import Finding, listing
from ..mcc_registry.models.request import Request

MAX_TRIED = 40
"""Most combinations of answers that are resolved while looking for ways to go on; each takes about a millisecond."""

MAX_SHOWN = 4

UPDATE = "copier update --trust"


def command(changes: Mapping[str, Any]) -> str:
    """The update that changes some answers, as it is typed."""
    words = [UPDATE]
    for name, value in changes.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=True)
        words.append(f"--data {shlex.quote(f'{name}={text}')}")
    return " ".join(words)


def ways_on(
    request: Request, errors: Sequence[Finding], registry: Any, resolve: Callable[[Request], Any]
) -> list[tuple[dict[str, Any], Any]]:
    """Changes of the fewest answers that make a plan, each with its plan, best first.

    Args:
        request: what the project recorded.
        errors: why it is refused.
        registry: the registries in force.
        resolve: makes a plan of a request.
    """
    fields = [name for name in dict.fromkeys(e.field for e in errors) if name and hasattr(request, name)]
    found: list[tuple[dict[str, Any], Any]] = []
    options = [list(islice(_options(name, request, errors, registry), 8)) for name in fields]
    if not fields or not all(options):
        return []
    order = sorted(product(*(range(len(o)) for o in options)), key=lambda v: (sum(v), v))
    for values in order[:MAX_TRIED]:
        changes = {name: option[i] for name, option, i in zip(fields, options, values, strict=True)}
        if len(found) >= MAX_SHOWN:
            break
        plan = resolve(replace(request, given=None, **changes))
        if plan.ok:
            found.append((changes, plan))
    return found


def _options(name: str, request: Request, errors: Sequence[Finding], registry: Any) -> Iterator[Any]:
    """Values an answer could have instead, the nearest first."""
    now = getattr(request, name)
    seen: list[Any] = [now]
    for value in _candidates(name, request, errors, registry):
        if value not in seen:
            seen.append(value)
            yield value


def _candidates(name: str, request: Request, errors: Sequence[Finding], registry: Any) -> Iterable[Any]:
    entry = registry.frameworks.get(request.framework_id)
    if name == "framework_version":
        from ..mcc_registry.versions import find_version, nearest_versions

        near: list[str] = []
        if entry is not None and find_version(request.framework_version) is not None:
            lower, higher = nearest_versions(request.framework_version, entry.versions)
            near = [v for v in (higher, lower) if v]
        return [*near, "recommended", *(entry.versions if entry is not None else ())]
    if name == "model_server":
        return registry.framework_servers(request.framework)
    if name == "env_vars":
        return _without_settings(request, errors)
    if name == "model_profile":
        match = registry.find_model(request.effective_model_name or "")
        return ["default", *(match.profiles if match is not None else ())]
    if name == "framework_profile":
        return ["default", *(entry.data.profiles if entry is not None else ())]
    if name == "instance_type":
        return ["auto", *_types(request, registry)]
    fixed: dict[str, Sequence[Any]] = {
        "framework": registry.framework_names(),
        "image_source": ("recommended", "aws", "upstream"),
        "inference_ami_version": ("auto", "default"),
        "chat_template": ("auto", "none"),
        "deployment_target": ("realtime", "async", "batch"),
        "model_format": entry.data.model_formats if entry is not None else (),
        "model_revision": ("auto",),
        "region": _regions(registry),
    }
    return fixed.get(name, ())


def _regions(registry: Any) -> list[str]:
    allowed = [r for policy in registry.policy for r in policy.regions or () if "*" not in r]
    return [*allowed, "us-east-1", "eu-west-1"]


def _types(request: Request, registry: Any) -> list[str]:
    from ..mcc_registry.resolve import resolve

    plan = resolve(replace(request, given=None, instance_type="auto", env_vars={}), registry)
    allowed = [t for policy in registry.policy for t in policy.instance_types or () if "*" not in t]
    return [*allowed, *(c.instance_type for c in plan.candidates if c.verdict != "error")]


def _without_settings(request: Request, errors: Sequence[Finding]) -> Iterator[dict[str, Any]]:
    """The settings without those the errors name, then without any one of them, then none."""
    text = " ".join(e.message for e in errors if e.field == "env_vars")
    named = [n for n in request.env_vars if n in text]
    if named:
        yield {n: v for n, v in request.env_vars.items() if n not in named}
    for name in request.env_vars:
        yield {n: v for n, v in request.env_vars.items() if n != name}
    yield {}


def refused_update(
    report: Sequence[str], errors: Sequence[Finding], ways: Sequence[tuple[Mapping[str, Any], Any]]
) -> str:
    """The page: what and why, then the commands that go on."""
    answers = sorted({e.field for e in errors if e.field})
    what = f"{listing(answers)} no longer works" if len(answers) == 1 else f"{listing(answers)} no longer work"
    parts = [
        f"The update was refused and nothing was changed: {what if answers else 'the plan'} in the new version.",
        *report,
    ]
    if ways:
        lines = ["To go on, one of:"]
        for changes, plan in ways:
            framework = plan.framework or {}
            lines += [
                f"  {command(changes)}",
                f"      gives {framework.get('name')} {framework.get('version')} on {plan.instance_type}",
            ]
        parts.append("\n".join(lines))
    elif answers:
        parts.append(f"To go on, give another value: {UPDATE} " + " ".join(f"--data {a}=VALUE" for a in answers))
    parts.append("Until then the project stays as it is and goes on working with its own version.")
    return "\n\n".join(parts)


def old_copy_refused(missing: Sequence[str], blocks: Sequence[str]) -> str:
    """The page of an update whose old version makes no plan any more: without it, edits and news cannot be told apart.

    Args:
        missing: layers that were too large to be recorded and have changed since.
        blocks: why there is no plan.
    """
    first = "The update was refused and nothing was changed: the version this project has cannot be rendered again."
    why = [f"{too_large(missing)} and changed since, so it is not known what it said then."] if missing else []
    layer = "Bring the layer back as it was, and update; or render" if missing else "Render"
    go_on = (
        f"To go on: {layer[:1].lower() + layer[1:]} the project anew with the answers it has and merge your own edits back "
        f"by hand (git diff shows them):\n  copier recopy --trust --overwrite"
    )
    return "\n\n".join([first, *why, *blocks, go_on])


def too_large(names: Sequence[str]) -> str:
    """The beginning of a sentence on layers that are not recorded."""
    which = f"layer {names[0]}" if len(names) == 1 else f"layers {listing(names)}"
    return f"The {which} {'was' if len(names) == 1 else 'were'} too large to be recorded with the answers"


def broken_layer(report: str, answered: bool, by_variable: bool) -> str:
    """The page of an update that a layer's faults stop: the faults, and the command that goes on without the layer.

    Args:
        report: every fault.
        answered: the answer ``registry_path`` names a layer.
        by_variable: ``REGISTRY_PATH`` does.
    """
    if not answered and not by_variable:
        return report
    start = "env -u REGISTRY_PATH " if by_variable else ""
    go_on = f"{start}{command({'registry_path': ''}) if answered else UPDATE}"
    return f"{report}\n\nThe update without the layer (what it says is then gone from the project):\n  {go_on}"
