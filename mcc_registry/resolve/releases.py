"""Which releases a request allows, in the order they should be tried."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..checks.kinds import checker_for
from ..errors import Fact, Finding, MccError, listing, nearest, printable
from ..models.levels import LEVEL_RANK
from ..versions import (
    filter_versions,
    find_spec,
    find_version,
    is_stable,
    nearest_versions,
    parse_version,
    public_version,
)

if TYPE_CHECKING:
    from ..models.framework import Build
    from ..models.request import Request
    from ..registry import FrameworkEntry, Registry, ReleaseEntry


@dataclass(frozen=True, slots=True)
class ReleaseChoice:
    """The releases to try, best first; ``match`` is exact, specifier or unlisted."""

    releases: tuple[ReleaseEntry, ...]
    match: str
    findings: tuple[Finding, ...] = ()


def _error(message: str, hint: str, file: str) -> Finding:
    return Finding(
        "MCC202",
        "error",
        "framework_version",
        message,
        hint,
        file,
        "no-release",
        (Fact("releases", file, "releases"),),
    )


def is_published(entry: ReleaseEntry, build: Build, region: str) -> bool:
    """Whether the image of a build can be had in a region; images outside AWS's own registries always can."""
    tables, key = (
        entry.framework.tables,
        ("published", build.source, build.registry, build.tag, entry.version, region),
    )
    known: bool | None = tables.get(key)
    if known is None:
        try:
            entry.ecr_registry(build, region)
            known = True
        except MccError:
            known = False
        if len(tables) < MOST_KEPT:
            tables[key] = known
    return known


def image_host(image: str) -> str:
    """The host an image comes from; ``docker.io`` where the reference names none.

    Example:
        >>> image_host("ghcr.io/a/b:1"), image_host("localhost:5000/b"), image_host("python:3.13-slim")
        ('ghcr.io', 'localhost:5000', 'docker.io')
    """
    first, slash, _ = image.partition("/")
    return first if slash and ("." in first or ":" in first or first == "localhost") else "docker.io"


def is_allowed(entry: ReleaseEntry, build: Build, region: str, registry: Registry) -> bool:
    """Whether every layer's policy allows the host of a build's image; an image nobody can name is judged elsewhere."""
    policies = [policy for policy in registry.policy if policy.image_hosts is not None]
    if not policies:
        return True
    try:
        host = image_host(entry.image(build=build, region=region))
    except MccError:
        return True
    return all(policy.allows("image_hosts", host) for policy in policies)


MOST_KEPT = 5_000
"""Most answers kept with a framework; versions and regions are the user's words, so there is no end to them."""


def preference(
    entry: ReleaseEntry, image_source: str, kind: str | None = None, region: str | None = None
) -> tuple[int, int, int]:
    """Sort key of ``recommended``: level, then an image that serves SageMaker unchanged; the newest comes first anyway.

    Builds count when they come from the image source, are published in the region and, where the kind of the instance
    type is known, are for it; a release without such a build comes last. Without a kind, CUDA and CPU builds count.
    """
    builds = [b for b in entry.builds if b.tag and image_source in ("recommended", b.source) and _is_of(b, kind)]
    if region is not None:
        builds = [b for b in builds if is_published(entry, b, region)]
    unchanged = any(entry.serves_sagemaker(b) for b in builds)
    return 0 if builds else 1, LEVEL_RANK[entry.data.validation_level], 0 if unchanged else 1


def list_releases(request: Request, entry: FrameworkEntry, kind: str | None = None) -> ReleaseChoice:
    """The releases a request's ``framework_version`` allows.

    Args:
        request: what somebody asks for.
        entry: the framework.
        kind: accelerator kind of the instance type asked for; releases with a build of that kind come first.

    Returns:
        ``latest``: the newest stable release. ``recommended``: stable releases, best level first, then images that
        serve SageMaker unchanged, then newest. A specifier: the matching releases, newest first. An exact version:
        that release, or when no row lists it one made from the nearest row, with a warning.
    """
    text = request.framework_version.strip()
    versions = entry.versions
    if text in ("latest", "recommended"):
        return ReleaseChoice(_stable(entry, text, request, kind), "specifier")
    exact = find_version(text)
    if exact is not None:
        for version in versions:
            if parse_version(version) == exact:
                return ReleaseChoice((entry[version],), "exact")
        return _unlisted(text, entry, kind)
    if find_spec(text) is not None:
        found = filter_versions(versions, text)
        if found:
            made = sorted((entry[v] for v in found), key=lambda r: not any(_is_of(b, kind) for b in r.builds))
            return ReleaseChoice(tuple(made), "specifier")
        return ReleaseChoice(
            (),
            "specifier",
            (
                _error(
                    f"no release of {entry.id} satisfies {printable(text)}",
                    f"releases: {listing(versions)}",
                    entry.file,
                ),
            ),
        )
    return ReleaseChoice((), "exact", tuple(malformed_version(text, versions, entry.file)))


def malformed_version(text: str, versions: Iterable[str] = (), file: str = "registries/frameworks") -> list[Finding]:
    """The finding on a ``framework_version`` that is neither a version nor a specifier nor one of the two words."""
    if text in ("latest", "recommended") or find_version(text) is not None or find_spec(text) is not None:
        return []
    near = nearest(text, [*versions, "latest", "recommended"])
    return [
        _error(
            f"framework_version: {printable(text)} is neither a version nor a specifier",
            (f"did you mean {near}? " if near else "") + "use recommended, latest, 0.30.0 or >=0.28,<0.31",
            file,
        )
    ]


def _is_of(build: Build, kind: str | None) -> bool:
    """Whether a build is for an accelerator kind; without one, for a kind that need not be asked for."""
    mine = build.accelerator.type
    return mine == kind if kind is not None else not checker_for(mine).asked_for


def _stable(entry: FrameworkEntry, text: str, request: Request, kind: str | None) -> tuple[ReleaseEntry, ...]:
    """The stable releases for ``latest`` (one) or ``recommended`` (all, best first); kept with the entry."""
    image_source, region = request.image_source, request.region
    key = (text, image_source, region, kind)
    kept: tuple[ReleaseEntry, ...] | None = entry.tables.get(key)
    if kept is None:
        versions = [v for v in entry.versions if is_stable(v)] or list(entry.versions)
        made = [entry[v] for v in versions]
        if kind is not None and not any(_is_of(b, kind) for r in made for b in r.builds):
            kind = None  # no release suits the instance type: order them as if none had been named
        if kind is not None:
            made.sort(key=lambda r: not any(b.accelerator.type == kind for b in r.builds))
        if text == "latest":
            kept = (made[0],)
        else:
            kept = tuple(sorted(made, key=lambda r: preference(r, image_source, kind, region)))
        entry.tables[key] = kept
    return kept


def _taken(made: ReleaseEntry) -> str:
    """What an unlisted release has from its nearest row."""
    if made.data.requirements:
        return f"Python {made.data.python} and the other pins" if made.data.python else "Python and the other pins"
    return "settings and CUDA version"


def _doubt(made: ReleaseEntry) -> str:
    """What nobody has looked up about an unlisted release: its package, or its image."""
    return f"; whether its {'wheel' if made.data.requirements else 'image'} exists is seen by do/build"


TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", re.ASCII)
"""A tag an image can have: no ``+`` of a local version, no ``!`` of an epoch.

Source: the OCI distribution specification, "Pulling manifests" (the form of a tag).
"""


def _untaggable(version: str, entry: FrameworkEntry, listed: list[str]) -> Finding:
    """Why an unlisted version with a local part or an epoch is refused, and the public version beside it."""
    plain = public_version(version)
    public = next((v for v in entry.versions if parse_version(v) == parse_version(plain)), None)
    return _error(
        f"{entry.id} {printable(version, 40)} is not listed, and no image tag can hold a local part (+) or epoch (!)",
        f"framework_version={public}" if public else f"nearest listed versions: {listing(listed)}",
        entry.file,
    )


def _unlisted(text: str, entry: FrameworkEntry, kind: str | None) -> ReleaseChoice:
    version = str(parse_version(text))
    alike = [v for v in entry.versions if any(_is_of(b, kind) for b in entry[v].builds)]
    lower, higher = nearest_versions(version, alike or entry.versions)
    base = lower or higher
    assert base is not None
    listed = [v for v in (lower, higher) if v]
    made = entry[base].as_unlisted(version)
    if made is None:
        return ReleaseChoice(
            (),
            "unlisted",
            (
                _error(
                    f"{entry.id} {version} is not listed, and its image cannot be told from its version",
                    f"nearest listed versions: {listing(listed)}",
                    entry.file,
                ),
            ),
        )
    if any(build.tag is not None and TAG.fullmatch(build.tag) is None for build in made.builds):
        return ReleaseChoice((), "unlisted", (_untaggable(version, entry, listed),))
    finding = Finding(
        "MCC201",
        "warning",
        "framework_version",
        f"{entry.id} {version} is not listed; {_taken(made)} are taken from {base}",
        f"nearest listed versions: {listing(listed)}{_doubt(made)}",
        entry.file_of_release(version),
        "version-unlisted",
        (Fact(f"no row for {version}; nearest {listing(listed)}", entry.file_of_release(version), "releases"),),
    )
    return ReleaseChoice((made,), "unlisted", (finding,))
