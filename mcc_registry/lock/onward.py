"""Ways on for a project whose answers no longer make a plan: the smallest changes first, each of them tried."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, islice, product
from typing import TYPE_CHECKING, Any

from ..errors import Finding
from ..models.request import Request
from ..resolve import resolve as resolve_offline
from ..versions import find_version, is_stable

if TYPE_CHECKING:
    from ..models.plan import Plan
    from ..registry import FrameworkEntry, Registry

MAX_TRIED = 40
"""Most combinations of answers that are resolved while looking for ways to go on; each takes about a millisecond."""

MAX_TYPES_TRIED = 200
"""Most instance types that are resolved, from the cheapest on; there are 129 with CUDA."""

MAX_SHOWN = 4
MOST_OF_A_KIND = 2
"""Most ways that change the release alone."""

UPDATE = "copier update --trust"

PLACE = frozenset({"instance_type", "framework_version", "inference_ami_version", "image_source"})
"""Answers that are decided together: where one of them is refused, another release may be the smallest change."""

MOVING = ("recommended", "latest")

Decide = Callable[[Request], "Plan"]


@dataclass(frozen=True, slots=True)
class Way:
    """Answers to give, and the plan they make."""

    changes: Mapping[str, Any]
    plan: Plan

    @property
    def gives(self) -> str:
        """What comes of it: release, instance type, price."""
        framework, price = self.plan.framework or {}, self.plan.price_usd_hour
        cost = f" at {price} USD/h" if price is not None else ""
        return f"{framework.get('name')} {framework.get('version')} on {self.plan.instance_type}{cost}"


def command(changes: Mapping[str, Any], reference: str | None = None) -> str:
    """The update that changes some answers, as it is typed.

    Args:
        changes: answer to value.
        reference: the version of the template that was asked for, if one was.
    """
    words = [UPDATE, *(["--vcs-ref", shlex.quote(reference)] if reference else [])]
    for name, value in changes.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=True)
        words.append(f"--data {shlex.quote(f'{name}={text}')}")
    return " ".join(words)


def ways_on(
    request: Request,
    errors: Sequence[Finding],
    registry: Registry,
    decide: Decide,
    changed: Collection[str] = (),
) -> list[Way]:
    """Changes of the fewest answers that make a plan, best first: another release alone, one refused answer, several.

    Args:
        request: what the project asks for.
        errors: why it is refused.
        registry: the registries in force.
        decide: makes a plan of a request.
        changed: answers that were given now; they are the first to give way.
    """
    fields = [name for name in dict.fromkeys(e.field for e in errors) if name and hasattr(request, name)]
    fields.sort(key=lambda name: name not in changed)
    if not fields:
        return []
    found: list[Way] = []
    if PLACE.issuperset(fields) and request.framework_version not in MOVING:
        entry = registry.frameworks.get(request.framework_id)
        near = nearest_releases(request.framework_version, entry) if entry is not None else []
        found += islice(
            _passing(({"framework_version": v} for v in near[:MAX_TRIED]), request, decide), MOST_OF_A_KIND
        )
    known = {way.gives for way in found}
    for size in range(1, len(fields) + 1):
        for some in combinations(fields, size):
            for way in _passing(_values(some, request, errors, registry, decide), request, decide):
                if len(found) >= MAX_SHOWN:
                    return found
                if way.gives not in known or not PLACE.issuperset(way.changes):
                    known.add(way.gives)
                    found.append(way)
        if found:
            break
    return found


def _passing(all_changes: Iterable[Mapping[str, Any]], request: Request, decide: Decide) -> Iterator[Way]:
    for changes in all_changes:
        plan = decide(replace(request, given=None, **changes))
        if plan.ok:
            yield Way(changes, plan)


def _values(
    fields: Sequence[str], request: Request, errors: Sequence[Finding], registry: Registry, decide: Decide
) -> Iterator[Mapping[str, Any]]:
    """Values for some refused answers, the nearest combinations first."""
    if fields == ("instance_type",):
        yield from ({"instance_type": name} for name in _types_by_price(request, registry, decide))
        return
    options = [list(islice(_options(name, request, errors, registry), 8)) for name in fields]
    order = sorted(product(*(range(len(o)) for o in options)), key=lambda v: (sum(v), v))
    for values in order[:MAX_TRIED]:
        yield {name: option[i] for name, option, i in zip(fields, options, values, strict=True)}


def nearest_releases(text: str, entry: FrameworkEntry) -> list[str]:
    """The releases of a framework around a version, the nearest first, newer before older; stable ones before others.

    Example:
        For 0.28.0 among 0.30.0, 0.29.0, 0.28.0, 0.27.1: 0.29.0, 0.27.1, 0.30.0.
    """
    pinned = find_version(text)
    if pinned is None:
        return list(entry.versions)
    stable = [v for v in entry.versions if is_stable(v)]
    newer = [v for v in stable if (found := find_version(v)) is not None and found > pinned][::-1]
    older = [v for v in stable if (found := find_version(v)) is not None and found < pinned]
    mixed = [v for pair in zip(newer, older, strict=False) for v in pair]
    common = min(len(newer), len(older))
    rest = [v for v in entry.versions if not is_stable(v) and find_version(v) != pinned]
    return [*mixed, *newer[common:], *older[common:], *rest]


def _types_by_price(request: Request, registry: Registry, decide: Decide) -> Iterator[str]:
    """What ``auto`` takes, then every type of its kind from the cheapest on, then ``auto`` itself."""
    chosen = decide(replace(request, given=None, instance_type="auto"))
    first = [chosen.instance_type] if chosen.ok and chosen.instance_type else []
    kind = chosen.instance.accelerator_kind if chosen.instance is not None else "cuda"
    priced = [
        i.type
        for i in registry.instances_by_price(kind)
        if i.price_usd_hour is not None and not i.legacy and i.architecture == "x86_64"
    ]
    names = dict.fromkeys([*first, *priced[:MAX_TYPES_TRIED], "auto"])
    yield from (name for name in names if name != request.instance_type)


def _options(name: str, request: Request, errors: Sequence[Finding], registry: Registry) -> Iterator[Any]:
    """Values an answer could have instead, the nearest first."""
    seen: list[Any] = [getattr(request, name)]
    for value in _candidates(name, request, errors, registry):
        if value not in seen:
            seen.append(value)
            yield value


def _candidates(name: str, request: Request, errors: Sequence[Finding], registry: Registry) -> Iterable[Any]:
    entry = registry.frameworks.get(request.framework_id)
    if name == "framework_version":
        near = nearest_releases(request.framework_version, entry) if entry is not None else []
        return [*near[:2], "recommended", *near[2:]] if request.framework_version not in MOVING else near
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


def _regions(registry: Registry) -> list[str]:
    allowed = [r for policy in registry.policy for r in policy.regions or () if "*" not in r]
    return [*allowed, "us-east-1", "eu-west-1"]


def _types(request: Request, registry: Registry) -> list[str]:
    plan = resolve_offline(replace(request, given=None, instance_type="auto", env_vars={}), registry)
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
