"""What a project misses: newer releases than a pinned one, and what is wrong with what it has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ..errors import Fact, Finding, listing
from ..models.request import Request
from ..versions import find_version, is_stable, parse_version

if TYPE_CHECKING:
    from ..models.plan import Plan
    from ..registry import Registry

MATTERS = {"MCC206": "deprecated", "MCC210": "known issue", "MCC102": "driver", "MCC413": "deprecated"}
"""Codes of findings about what a project has that its owner should know, besides every error."""


@dataclass(frozen=True, slots=True)
class Missed:
    """A release that is newer than the pinned one.

    Attributes:
        version: its version.
        level: its validation level.
        fixes: known issues of the pinned release that it no longer has.
    """

    version: str
    level: str
    fixes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The release as plain data."""
        return {"version": self.version, "validation_level": self.level, "fixes": list(self.fixes)}


def missed_releases(request: Request, registry: Registry, kind: str | None = None) -> list[Missed]:
    """Stable releases newer than an exact ``framework_version``, newest first; none for anything that moves itself.

    Args:
        request: what the project asks for.
        registry: the registries.
        kind: accelerator of the project's image; releases without a build for it are none for this project.
    """
    from ..versions import matches

    pinned = find_version(request.framework_version.strip())
    entry = registry.frameworks.get(request.framework_id)
    if pinned is None or entry is None:
        return []
    mine = request.framework_version.strip()
    missed = []
    for version in entry.versions:
        if not is_stable(version) or parse_version(version) <= pinned:
            continue
        if kind is not None and not any(b.accelerator.type == kind for b in entry[version].builds):
            continue
        fixes = tuple(
            issue.what
            for issue in entry.data.known_issues
            if issue.versions and matches(mine, issue.versions) and not matches(version, issue.versions)
        )
        missed.append(Missed(version, entry[version].data.validation_level, fixes))
    return missed


def missed_lines(missed: list[Missed], pinned: str) -> list[str]:
    """The releases in words, for people; nothing when none is missed."""
    if not missed:
        return []
    newest = missed[0]
    lines = [
        f"framework_version {pinned} is exact and stays; newer: {listing(m.version for m in missed)}",
        f"to move: copier update --trust --data framework_version={newest.version}",
    ]
    lines += [f"{newest.version} no longer has: {what}" for what in newest.fixes[:3]]
    return lines


def pinned_request(request: Request, lock: Mapping[str, Any]) -> Request:
    """The request with what a lock decided in place of what it left open: what the project runs today."""
    framework = lock.get("framework")
    framework = framework if isinstance(framework, Mapping) else {}
    changes: dict[str, Any] = {}
    if isinstance(framework.get("version"), str):
        changes["framework_version"] = framework["version"]
    if framework.get("image_source") in ("aws", "upstream"):
        changes["image_source"] = framework["image_source"]
    if isinstance(lock.get("instance_type"), str):
        changes["instance_type"] = lock["instance_type"]
    if "inference_ami_version" in lock:
        ami = lock["inference_ami_version"]
        changes["inference_ami_version"] = ami if isinstance(ami, str) else "default"
    given = None if request.given is None else request.given | frozenset(changes)
    return replace(request, given=given, **changes)


def dropped_version(old: Mapping[str, Any], request: Request, plan: Plan) -> list[Finding]:
    """An error when the exact version of an old lock has no row any more: its image would silently be another."""
    framework, release = plan.framework or {}, plan.release
    before = old.get("framework")
    before = before if isinstance(before, Mapping) else {}
    same = before.get("requested") == request.framework_version and before.get("name") == framework.get("name")
    if framework.get("match") != "unlisted" or before.get("match") != "exact" or not same or release is None:
        return []
    name, version = framework["name"], framework["version"]
    entry = release.framework
    file = entry.file_of_release(version)
    fact = Fact(f"no row for {version}; there are {listing(entry.versions)}", file, "releases")
    hint = f"or keep it as an unlisted version: copier update --trust --data framework_version={version}"
    message = f"{name} {version} is no longer in the registries"
    return [Finding("MCC202", "error", "framework_version", message, hint, file, "no-release", (fact,))]


def what_matters(findings: tuple[Finding, ...]) -> list[Finding]:
    """Of the findings on what a project has: every error, and warnings about deprecation, issues and drivers."""
    return [f for f in findings if f.severity == "error" or (f.severity == "warning" and f.code in MATTERS)]
