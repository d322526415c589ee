"""Facts of inspected images: what was found in an image wins over what its registry row says, and is told."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ..errors import Fact, Finding, FindingKind, MccError, Severity
from ..registry.entries import ReleaseEntry
from ..versions import find_numbers, find_version, format_numbers, major_minor, parse_version, release_tuple

if TYPE_CHECKING:
    from ..docker import ImageFacts
    from ..models.framework import Build
    from ..models.plan import Plan
    from ..models.request import Request
    from ..registry import Registry
    from .releases import ReleaseChoice

Look = Callable[[str, str], "tuple[ImageFacts | None, list[Finding]]"]
"""Image reference and platform to its facts and what there is to say."""

MOST_IMAGES = 3
"""How many images one plan may lead to: each one that turns out otherwise may lead to another."""

OWN_PACKAGE = {"vllm": "vllm", "sglang": "sglang", "tensorrt-llm": "tensorrt_llm"}
"""Framework id to the package in its images whose version is the release's."""

ARCHITECTURES = {"amd64": "x86_64", "x86_64": "x86_64", "arm64": "arm64", "aarch64": "arm64"}


FINDING_KINDS: dict[str, FindingKind] = {
    kind.name: kind
    for kind in (
        FindingKind(
            "MCC626",
            "image-differs",
            "The image holds something else than its tag and its registry row say",
            "Found with `validate_with_docker`. The facts found are used: CUDA version, framework version and the rules "
            "that follow from them. A lying tag is worth a report to whoever publishes it.",
        ),
        FindingKind(
            "MCC627",
            "image-checked",
            "The image was inspected, and what was found agrees with its registry row",
            "Found with `validate_with_docker`. What could not be found is named; for that the registries' word stands.",
        ),
    )
}


def _finding(name: str, severity: Severity, message: str, hint: str, facts: tuple[Fact, ...]) -> Finding:
    kind = FINDING_KINDS[name]
    return Finding(kind.code, severity, "validate_with_docker", message, hint, facts[0].file, name, facts)


def resolve_with_images(request: Request, registry: Registry, look: Look, **given: Any) -> Plan:
    """The plan, resolved again with the facts of the image it chose.

    Args:
        request: what somebody asks for.
        registry: the registries.
        look: inspects one image; called for the chosen image only, and for the next when the facts change the choice.
        given: the other arguments of ``resolve``; ``findings`` is an iterable of findings.
    """
    from . import resolve

    findings: list[Finding] = list(given.pop("findings", ()))
    facts: list[ImageFacts] = []
    plan = resolve(request, registry, findings=findings, **given)
    looked: set[str] = set()
    while plan.ok and plan.base_image and plan.base_image not in looked and len(looked) < MOST_IMAGES:
        looked.add(plan.base_image)
        platform = (
            "linux/arm64" if plan.instance is not None and plan.instance.architecture == "arm64" else "linux/amd64"
        )
        found, told = look(plan.base_image, platform)
        findings += told
        if found is not None:
            facts.append(found)
        if found is not None or told:
            plan = resolve(request, registry, docker=facts, findings=findings, **given)
    return plan


@dataclass(slots=True)
class Inspected:
    """The facts of inspected images, and what they changed."""

    by_image: dict[str, ImageFacts]
    told: dict[tuple[str, str, str | None], list[Finding]] = field(default_factory=dict)

    @classmethod
    def of(cls, docker: Any) -> Inspected:
        """From the argument of ``resolve``: facts, several of them, or None."""
        if docker is None:
            return cls({})
        many: Iterable[ImageFacts] = docker if isinstance(docker, (list, tuple)) else (docker,)
        return cls({facts.image: facts for facts in many})

    def apply(self, choice: ReleaseChoice, region: str) -> ReleaseChoice:
        """The releases with what was found in their images; the order stays."""
        if not self.by_image:
            return choice
        releases: list[ReleaseEntry] = []
        for release in choice.releases:
            releases += self._apply(release, region)
        return replace(choice, releases=tuple(releases))

    def findings(self, release: ReleaseEntry, build: Build) -> list[Finding]:
        """What there is to say about a build that was chosen; several releases may be built on one image."""
        return self.told.get((release.version, build.source, build.tag), [])

    def _apply(self, release: ReleaseEntry, region: str) -> list[ReleaseEntry]:
        same: list[dict[str, Any]] = []
        changed: list[ReleaseEntry] = []
        touched = False
        for build in release.builds:
            facts = self.by_image.get(_image(release, build, region) or "")
            row = build.model_dump(exclude_defaults=True)
            if facts is None:
                same.append(row)
                continue
            touched = True
            version, engine, row, told = self._compare(release, build, facts, row)
            if version != release.version:
                changed.append(_as_found(release, version, engine, row))
                version = changed[-1].version
            else:
                same.append(row)
                if engine != dict(release.data.engine):
                    changed.append(_with(release, {"engine": engine, "builds": [row]}))
                    same.pop()
            self.told[version, build.source, build.tag] = told
        if not touched:
            return [release]
        return [*changed, *([_with(release, {"builds": same})] if same else [])]

    def _compare(
        self, release: ReleaseEntry, build: Build, facts: ImageFacts, row: dict[str, Any]
    ) -> tuple[str, dict[str, str], dict[str, Any], list[Finding]]:
        """The version and the engine's packages as found, the build's row with them, and what there is to say."""
        entry = release.framework
        told: list[Finding] = []
        agreed: list[str] = []
        key = f"releases[{release.version}]"
        title = f"{entry.id} {release.version}"

        def differs(what: str, says: str, holds: str, where: str, hint: str, severity: Severity = "warning") -> None:
            message = f"the image of {title} holds {what} {holds}, not {says}"
            said = Fact(f"{what} {says}", release.file, where)
            seen = Fact(f"{what} {holds}, found in it", facts.image, "contents")
            told.append(_finding("image-differs", severity, message, hint, (said, seen)))

        version = release.version
        own = OWN_PACKAGE.get(entry.id)
        found = facts.packages.get(own) if own else None
        if found and find_version(found) is not None:
            if _is_same(found, version):
                agreed.append(f"{entry.id} {found}")
            else:
                version = found.partition("+")[0]
                hint = f"framework_version={version} says what it is; report the tag to its publisher"
                differs(entry.id, release.version, version, f"{key}.version", hint)
        engine = dict(release.data.engine)
        for package, says in release.data.engine.items():
            holds = facts.config.get("djl_serving") if package == "djl-serving" else facts.packages.get(package)
            if package == "cuda" or not holds or find_version(holds) is None or find_version(says) is None:
                continue
            if release_tuple(holds)[: len(release_tuple(says))] == release_tuple(says):
                agreed.append(f"{package} {holds}")
            else:
                engine[package] = str(holds).partition("+")[0]
                severity: Severity = "warning" if package in (entry.data.engine_of, "djl-serving") else "info"
                differs(package, says, engine[package], f"{key}.engine.{package}", "", severity)
        self._compare_cuda(build, facts, row, f"{key}.builds[{build.tag}]", differs, agreed)
        python = find_numbers(release.data.python or build.python)
        has = find_numbers(facts.python)
        if python and has:
            if major_minor(python) == major_minor(has):
                agreed.append(f"Python {facts.python}")
            else:
                says = format_numbers(python)
                differs("Python", says, str(facts.python), f"{key}.python", "", "warning" if not own else "info")
        architecture = ARCHITECTURES.get(str(facts.config.get("architecture")))
        if architecture and architecture not in build.image_arch:
            differs(
                "programs for",
                "/".join(build.image_arch),
                architecture,
                f"{key}.builds[{build.tag}].image_arch",
                "",
                "info",
            )
        if agreed:
            message = f"the image of {title} was inspected: {', '.join(agreed)} as registered"
            told.append(
                _finding("image-checked", "info", message, "", (Fact("found in it", facts.image, "contents"),))
            )
        return version, engine, row, told

    @staticmethod
    def _compare_cuda(
        build: Build,
        facts: ImageFacts,
        row: dict[str, Any],
        where: str,
        differs: Callable[..., None],
        agreed: list[str],
    ) -> None:
        """Put the CUDA version found into the build's row; nothing found changes nothing."""
        holds = find_numbers(facts.cuda)
        if build.accelerator.type != "cuda" or holds is None:
            return
        text = format_numbers(major_minor(holds))
        says = find_numbers(build.accelerator.version)
        if says is not None and major_minor(says) == major_minor(holds):
            agreed.append(f"CUDA {facts.cuda}")
        else:
            registered = "unknown" if says is None else format_numbers(major_minor(says))
            severity = "info" if says is None or build.accelerator.basis == "assumed" else "warning"
            differs(
                "CUDA",
                registered,
                text,
                f"{where}.accelerator",
                "the AMI and the checks follow what was found",
                severity,
            )
        row["accelerator"] = {"type": "cuda", "version": text, "basis": "measured"}


def _is_same(one: str, other: str) -> bool:
    """Whether two versions name one release; local parts and post-releases do not count, pre-releases do."""
    a, b = parse_version(one), parse_version(other)
    length = max(len(a.release), len(b.release))
    pad = (0,) * length
    return (*a.release, *pad)[:length] == (*b.release, *pad)[:length] and a.pre == b.pre


def _image(release: ReleaseEntry, build: Build, region: str) -> str | None:
    try:
        return release.image(build=build, region=region)
    except MccError:
        return None


def _with(release: ReleaseEntry, values: dict[str, Any]) -> ReleaseEntry:
    make: Any = type(release.data)
    return ReleaseEntry(release.framework, make({**release.data.model_dump(exclude_defaults=True), **values}))


def _as_found(release: ReleaseEntry, version: str, engine: dict[str, str], build: dict[str, Any]) -> ReleaseEntry:
    """The release an image really is: the row of that version where there is one; nobody tested it under this tag."""
    entry = release.framework
    listed = next((v for v in entry.versions if _is_same(v, version)), None)
    base = entry[listed] if listed else release
    kept = dict(base.data.engine) if listed else engine
    left_out = ("evidence", "released", "recommended_instance_types")
    data = {k: v for k, v in base.data.model_dump(exclude_defaults=True).items() if k not in left_out}
    make: Any = type(release.data)
    values = {"version": listed or version, "validation_level": "unknown", "engine": kept, "builds": [build]}
    return ReleaseEntry(entry, make({**data, **values}))
