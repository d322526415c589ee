"""A plan: everything decided for one request, with where each value came from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..errors import SOURCES, Finding, has_errors
from .request import Request

if TYPE_CHECKING:
    from ..registry import Instance, ModelMatch, ReleaseEntry
    from .framework import Build


@dataclass(frozen=True, slots=True)
class Origin:
    """One value a source asked for.

    Attributes:
        value: the value.
        source: one of the seven names of ``errors.SOURCES``.
        file: registry file, or "" for user input and defaults.
        key: key in that file, or the answer's name.
        reason: why, where the registry says so.
    """

    value: Any
    source: str
    file: str = ""
    key: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Setting:
    """One decided value with its source and the values it overrode, the highest precedence first."""

    value: Any
    source: str
    overrode: tuple[Origin, ...] = ()
    file: str = ""
    key: str = ""
    reason: str = ""

    def to_json(self) -> dict[str, Any]:
        """The contract's keys, and where the value is written down."""
        return {
            "value": self.value,
            "source": self.source,
            "overrode": [{"value": o.value, "source": o.source} for o in self.overrode],
            "file": self.file or None,
            "key": self.key or None,
            "reason": self.reason or None,
        }


@dataclass(frozen=True, slots=True)
class EnvVar:
    """One line of ``container.env``."""

    value: str
    source: str
    setting: str | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One instance type that was looked at for ``auto``, with what it would cost."""

    instance_type: str
    price_usd_hour: float | None
    verdict: str
    reason: str = ""


class Candidates(Sequence[Candidate]):
    """Types that were looked at; their reasons are put into words when somebody reads them."""

    __slots__ = ("_made", "_make")

    def __init__(self, make: Callable[[], Iterable[Candidate]]) -> None:
        self._make = make
        self._made: tuple[Candidate, ...] | None = None

    @property
    def _all(self) -> tuple[Candidate, ...]:
        if self._made is None:
            self._made = tuple(self._make())
        return self._made

    def __getitem__(self, index: Any) -> Any:
        return self._all[index]

    def __len__(self) -> int:
        return len(self._all)

    def __eq__(self, other: object) -> bool:
        return self._all == tuple(other) if isinstance(other, (tuple, Candidates)) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._all)

    def __repr__(self) -> str:
        return repr(self._all)

    def __reduce__(self) -> Any:
        return tuple, (self._all,)


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything decided for one request.

    ``ok`` is false exactly when a finding is an error; a refused plan still shows what was decided before.
    """

    request: Request
    findings: tuple[Finding, ...]
    framework: dict[str, Any] | None = None
    model: dict[str, Any] | None = None
    instance_type: str | None = None
    inference_ami_version: str | None = None
    base_image: str | None = None
    price_usd_hour: float | None = None
    price_basis: str | None = None
    settings: dict[str, Setting] = field(default_factory=dict)
    env_vars: dict[str, EnvVar] = field(default_factory=dict)
    sources: tuple[str, ...] = ()
    fit: dict[str, Any] | None = None
    candidates: Sequence[Candidate] = ()
    registry: dict[str, Any] = field(default_factory=dict)
    chat_template_text: str | None = None
    release: ReleaseEntry | None = field(default=None, repr=False, compare=False)
    build: Build | None = field(default=None, repr=False, compare=False)
    instance: Instance | None = field(default=None, repr=False, compare=False)
    match: ModelMatch | None = field(default=None, repr=False, compare=False)

    @property
    def ok(self) -> bool:
        """Whether no finding is an error."""
        return not has_errors(self.findings)

    def provenance(self) -> dict[str, tuple[str, str] | None]:
        """Decision to the registry file and key it rests on; the file is the layer's that spoke last about the entry."""
        release, build, instance, match = self.release, self.build, self.instance, self.match
        framework, model = self.framework or {}, self.model or {}
        profile, model_profile = framework.get("profile"), model.get("profile")
        row = image = bundle = None
        if release is not None and build is not None:
            unlisted = framework.get("match") == "unlisted"
            row = image = (release.file, "releases" if unlisted else f"releases[{release.version}]")
            source = release.framework.file_of_source(build.source)
            if release.file == release.framework.file != source:  # a layer says where the images come from
                image = (source, f"image_sources[{build.source}]")
            if profile:
                bundle = (release.framework.file_of_profile(profile), f"profiles[{profile}]")
        ami = next((f.facts[0] for f in self.findings if f.name == "ami-chosen" and f.facts), None)
        return {
            "framework_version": row,
            "base_image": image,
            "framework_profile": bundle,
            "model": (match.file, match.key) if match else None,
            "model_profile": (match.place_of_profile(model_profile), f"profiles[{model_profile}]")
            if match and model_profile
            else None,
            "instance_type": (instance.file, f"types[{instance.type}]") if instance else None,
            "inference_ami_version": (ami.file, ami.key) if ami else None,
        }

    def to_json(self) -> dict[str, Any]:
        """The contract of ``resolve --format json``; ``fit``, ``candidates`` and ``registry`` are extra keys."""
        return {
            "ok": self.ok,
            "request": self.request.to_json(),
            "framework": self.framework,
            "model": self.model,
            "instance_type": self.instance_type,
            "inference_ami_version": self.inference_ami_version,
            "base_image": self.base_image,
            "price_usd_hour": self.price_usd_hour,
            "price_basis": self.price_basis,
            "settings": {name: s.to_json() for name, s in self.settings.items()},
            "env_vars": {name: {"value": e.value, "source": e.source} for name, e in self.env_vars.items()},
            "sources": list(self.sources),
            "findings": [f.to_json() for f in self.findings],
            "fit": self.fit,
            "candidates": [
                {
                    "instance_type": c.instance_type,
                    "price_usd_hour": c.price_usd_hour,
                    "verdict": c.verdict,
                    "reason": c.reason,
                }
                for c in self.candidates
            ],
            "registry": self.registry,
        }


def order_sources(used: set[str]) -> tuple[str, ...]:
    """The sources that contributed, lowest precedence first."""
    return tuple(s for s in SOURCES if s in used)
