"""What look-ups return: instances, framework releases and model matches, made from rows when first asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ..errors import MccError, listing, printable
from ..patterns import does_match
from ..versions import find_version

if TYPE_CHECKING:
    from ..models.framework import Build, Framework, Parameter, Release
    from ..models.instance import PriceBasis, Regions

Value = TypeVar("Value")

HOME_REGION = "us-east-1"
"""Region of an image reference when none is named (contract, design.md section 6)."""


class LazyMap(Mapping[str, Value], Generic[Value]):
    """A read-only mapping whose values are made when they are first asked for."""

    __slots__ = ("_made", "_make", "_names")

    def __init__(self, names: Mapping[str, object], make: Callable[[str], Value]) -> None:
        self._names = names
        self._make = make
        self._made: dict[str, Value] = {}

    def __getitem__(self, name: str) -> Value:
        try:
            return self._made[name]
        except KeyError:
            if name not in self._names:
                raise
        value = self._made[name] = self._make(name)
        return value

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __repr__(self) -> str:
        return f"LazyMap({listing(self._names)})"


@dataclass(frozen=True, slots=True)
class LayerInfo:
    """A loaded layer: its name, its folder, how many files of each folder it has, and how messages call the folder."""

    name: str
    path: str
    counts: Mapping[str, int]
    shown: str = ""


@dataclass(frozen=True, slots=True)
class Policy:
    """What one layer allows; None = it restricts nothing of that kind.

    Attributes:
        reason: why, in the words of the layer, shown to users.
        layer: name of the layer.
        file: its ``policy.yaml``.
        contact: whom to ask for another rule.
    """

    reason: str
    layer: str
    file: str
    contact: str | None = None
    instance_types: tuple[str, ...] | None = None
    image_hosts: tuple[str, ...] | None = None
    regions: tuple[str, ...] | None = None
    model_servers: tuple[str, ...] | None = None

    def allows(self, what: str, value: str) -> bool:
        """Whether a value passes the list ``what`` (``instance_types``, ``image_hosts``, ...)."""
        patterns: tuple[str, ...] | None = getattr(self, what)
        return patterns is None or any(does_match(pattern, value) for pattern in patterns)

    def to_json(self) -> dict[str, Any]:
        """The file, the reason, and the kinds of things that are restricted."""
        kinds = ("instance_types", "image_hosts", "regions", "model_servers")
        return {
            "file": self.file,
            "reason": self.reason,
            "restricts": [k for k in kinds if getattr(self, k) is not None],
        }

    def hint(self, what: str) -> str:
        """What a list allows, and whom to ask."""
        allowed = f"allowed: {listing(getattr(self, what) or ['nothing'])}"
        return f"{allowed}; ask {self.contact}" if self.contact else allowed


@dataclass(frozen=True, slots=True)
class Instance:
    """One endpoint instance type with the facts of its family.

    Attributes:
        price_basis: whose price it is.
        disputed: what another source says of a fact of the family, in words.
    """

    type: str
    family: str
    architecture: str
    vcpus: int
    memory_mib: int
    accelerator_kind: str
    accelerator_name: str | None
    accelerator_count: int
    accelerator_memory_mib: int | None
    transform: bool
    price_usd_hour: float | None
    price: PriceBasis
    legacy: str | None
    local_nvme: bool | None
    file: str
    price_basis: str = ""
    disputed: str | None = None


class ImageError(MccError):
    """There is no such image: the source does not exist or the region is not served."""


class ImageReferenceError(ImageError):
    """The rows make no image reference; nothing that a Dockerfile or a shell would read otherwise gets past here."""


_REFERENCE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/:")


def is_image_reference(text: str) -> bool:
    """Whether a text is an image's name with its tag, and nothing else.

    Source: github.com/distribution/reference: the name has at most 255 characters, the tag 128.

    Example:
        >>> is_image_reference("ghcr.io/a/b:1.0"), is_image_reference("--platform=linux/arm64 ghcr.io/a/b:1.0")
        (True, False)
    """
    name, _, tag = text.rpartition(":")
    return (
        0 < len(name) <= 255
        and 0 < len(tag) <= 128
        and "/" not in tag
        and name[0] not in "._-/:"
        and tag[0] not in ".-"
        and _REFERENCE.issuperset(text)
    )


class FrameworkEntry(Mapping[str, "ReleaseEntry"]):
    """One framework file; a mapping from version to release, newest first.

    Attributes:
        id: the file's name.
        data: the rows of the file.
        file: the file, for messages.
        versions: PEP 440 versions, newest first.
        tables: parameter tables by accelerator type, kept here by ``settings.table_for``.
    """

    def __init__(
        self,
        name: str,
        data: Framework,
        index: Mapping[str, Any],
        regions: Callable[[], Regions],
        file_of: Callable[[str, str], str],
    ) -> None:
        self.id = name
        self.data = data
        self.versions: tuple[str, ...] = tuple(index["versions"])
        self._at: Mapping[str, int] = index["at"]
        self._regions = regions
        self._file_of = file_of
        self._made: dict[str, ReleaseEntry] = {}
        self._names: dict[str, Parameter] | None = None
        self.tables: dict[Any, Any] = {}

    @property
    def file(self) -> str:
        """The file, for messages."""
        return self._file_of("", "")

    def file_of_issue(self, issue: str) -> str:
        """The file that last said something about a known issue."""
        return self._file_of("known_issues", issue)

    def file_of_release(self, version: str) -> str:
        """The file that last said something about a release, be it that there is none."""
        return self._file_of("releases", version)

    def file_of_profile(self, name: str) -> str:
        """The file that last said something about a profile."""
        return self._file_of("profiles", name)

    def file_of_parameter(self, name: str) -> str:
        """The file that last said something about a row of the parameter table."""
        return self._file_of("parameters", name)

    def file_of_source(self, name: str) -> str:
        """The file that last said something about an image source."""
        return self._file_of("image_sources", name)

    def __getitem__(self, version: str) -> ReleaseEntry:
        entry = self._made.get(version)
        if entry is None:
            written = self._written(version)
            if written is None:
                raise KeyError(version)
            entry = self._made.get(written)
            if entry is None:
                entry = self._made[written] = ReleaseEntry(self, self.data.releases[self._at[written]])
        return entry

    def __contains__(self, version: object) -> bool:
        return self._written(version) is not None

    def _written(self, version: object) -> str | None:
        """The version as its row writes it, for one that PEP 440 calls equal (``0.30`` is ``0.30.0``)."""
        if not isinstance(version, str) or version in self._at:
            return version if isinstance(version, str) else None
        meant = find_version(version)
        if meant is None:
            return None
        return next((known for known in self.versions if find_version(known) == meant), None)

    def __iter__(self) -> Iterator[str]:
        return iter(self.versions)

    def __len__(self) -> int:
        return len(self.versions)

    def __repr__(self) -> str:
        return f"FrameworkEntry({self.id!r}, {listing(self.versions)})"

    def parameter(self, name: str) -> Parameter | None:
        """The parameter with a canonical name, an engine name, a variable or an alias; letter case counts."""
        if self._names is None:
            names: dict[str, Parameter] = {}
            parameters = self.data.parameters
            for parameter in parameters:
                names.setdefault(parameter.canonical or parameter.name, parameter)
            for parameter in parameters:
                for known in (parameter.name, parameter.env, *parameter.aliases):
                    if known:
                        names.setdefault(known, parameter)
            self._names = names
        return self._names.get(name)

    @property
    def regions(self) -> Regions:
        """Regions and ECR accounts, for image references."""
        return self._regions()


class ReleaseEntry:
    """One release of a framework.

    Attributes:
        framework: the framework it belongs to.
        data: its row.
        version: its version as written.
    """

    __slots__ = ("data", "framework", "version")

    def __init__(self, framework: FrameworkEntry, data: Release) -> None:
        self.framework = framework
        self.data = data
        self.version = data.version

    def __repr__(self) -> str:
        return f"ReleaseEntry({self.framework.id!r}, {self.version!r})"

    @property
    def file(self) -> str:
        """The file that last said something about this release."""
        return self.framework.file_of_release(self.version)

    @property
    def builds(self) -> tuple[Build, ...]:
        """The release's images, in the file's order."""
        return tuple(self.data.builds)

    def as_unlisted(self, version: str) -> ReleaseEntry | None:
        """A release no row lists, made from this nearest one; None when its image cannot be told from its version.

        Its image is the upstream one by the tag pattern; the accelerator is that of this row's first build of the
        same type, basis ``assumed``; the level is ``unknown``. Where the project installs the library into a plain
        image, the image stays this row's and the library's pin becomes the version asked for.
        """
        source = self.framework.data.image_sources.get("upstream")
        model = next((b for b in self.data.builds if b.source == "upstream"), None) or next(
            iter(self.data.builds), None
        )
        if source is None or model is None:
            return None
        requirements = self._repinned(version)
        if not source.tag_pattern and not requirements:
            return None
        accelerator = {**model.accelerator.model_dump(exclude_defaults=True), "basis": "assumed"}
        kept = ("min_compute_capability", "max_compute_capability", "image_arch", "devices", "python")
        build = {k: v for k, v in model.model_dump(exclude_defaults=True).items() if k in kept}
        build |= {
            "source": "upstream",
            "tag": source.tag_pattern.replace("{version}", version) if source.tag_pattern else model.tag,
            "accelerator": accelerator,
        }
        left_out = ("evidence", "released", "deprecated", "end_of_support", "replaced_by")
        data = {k: v for k, v in self.data.model_dump(exclude_defaults=True).items() if k not in left_out}
        make: Any = type(self.data)
        if requirements:
            data["requirements"] = requirements
        row = make({**data, "version": version, "validation_level": "unknown", "builds": [build]})
        return ReleaseEntry(self.framework, row)

    def _repinned(self, version: str) -> dict[str, list[str]]:
        """The requirements of this row with the library pinned to another version; empty when none pins it."""
        names = (self.framework.id, self.framework.data.title.lower())
        own = {f"{name}=={self.version}": f"{name}=={version}" for name in names}
        pins = {server: list(rows) for server, rows in self.data.requirements.items()}
        if not pins or not all(any(pin in own for pin in rows) for rows in pins.values()):
            return {}
        return {server: [own.get(pin, pin) for pin in rows] for server, rows in pins.items()}

    def serves_sagemaker(self, build: Build) -> bool:
        """Whether a build answers /ping and /invocations unchanged."""
        if build.serves_sagemaker is not None:
            return build.serves_sagemaker
        source = self.framework.data.image_sources.get(build.source)
        return source is not None and source.serves_sagemaker

    @property
    def recommended_build(self) -> Build:
        """The first build that serves SageMaker unchanged, else the first; builds whose tag is known come first.

        Of several accelerators it is CUDA's: what most instance types have, whatever the order of the file.

        Raises:
            ImageError: the release lists no build.
        """
        builds = [b for b in self.builds if b.tag] or self.builds
        if not builds:
            raise ImageError(f"{self.framework.id} {self.version} lists no image")
        builds = [b for b in builds if b.accelerator.type == "cuda"] or builds
        return next((build for build in builds if self.serves_sagemaker(build)), builds[0])

    @property
    def base_image(self) -> str:
        """The image of the recommended source, us-east-1."""
        return self.image()

    def image(self, source: str | None = None, region: str = HOME_REGION, build: Build | None = None) -> str:
        """The complete image reference.

        Args:
            source: ``aws`` or ``upstream``; None or ``recommended`` = that of the recommended build.
            region: where the image is pulled from, for images in ECR.
            build: one build of this release; overrides ``source``.

        Raises:
            ImageError: there is no such image, or the rows make no image reference.
        """
        if build is None:
            if source in (None, "recommended"):
                build = self.recommended_build
            else:
                known = [b for b in self.builds if b.source == source and b.tag]
                build = next((b for b in known if b.accelerator.type == "cuda"), known[0] if known else None)
        if build is None:
            sources = listing(dict.fromkeys(b.source for b in self.builds)) or "none"
            raise ImageError(f"{self.framework.id} {self.version} has no image from {source}; it has {sources}")
        if build.tag is None:
            raise ImageError(f"the image tag of {self.framework.id} {self.version} is not known")
        place = self.framework.data.image_sources.get(build.source)
        repository = build.repository or (place.repository if place else "")
        registry: str = self.ecr_registry(build, region) or self._registry(build)
        path = "/".join(part for part in (registry, repository) if part)
        image = f"{path}:{build.tag}"
        if not is_image_reference(image):
            raise ImageReferenceError(
                f"{self.framework.id} {self.version} has no image: {printable(image)} is no name and tag"
            )
        return image

    def _registry(self, build: Build) -> str:
        if build.registry:
            return build.registry
        place = self.framework.data.image_sources.get(build.source)
        return (place.registry or "") if place else ""

    def ecr_registry(self, build: Build, region: str = HOME_REGION) -> str | None:
        """The host of a build in AWS's own ECR accounts; None when it comes from elsewhere.

        Raises:
            ImageError: AWS does not publish the image in the region.
        """
        registry = self._registry(build)
        if not registry.startswith("ecr:"):
            return None
        place = self.framework.data.image_sources.get(build.source)
        rows: list[Any] = [build] if place is None else [build, place]
        missing = any(region in row.regions_missing for row in rows)
        only = [row.regions_only for row in rows if row.regions_only]
        account = self._account(registry.removeprefix("ecr:"), region)
        if account is None or missing or any(region not in regions for regions in only):
            raise ImageError(f"{self.framework.id} {self.version} has no {build.source} image in region {region}")
        return f"{account}.dkr.ecr.{region}.{self._domain(region)}"

    def _account(self, family: str, region: str) -> str | None:
        accounts = self.framework.regions.ecr.get(family)
        if accounts is None:
            return None
        account = accounts.accounts.get(region)
        if account is None and region in accounts.default_account_regions:
            return accounts.default_account
        return account

    def domain(self, region: str) -> str:
        """The domain of a region's AWS hosts."""
        return self._domain(region)

    def _domain(self, region: str) -> str:
        partitions = self.framework.regions.partitions
        best = max(
            (p for p in partitions.values() if region.startswith(p.region_prefix or "")),
            key=lambda p: len(p.region_prefix or ""),
            default=None,
        )
        return best.domain if best else "amazonaws.com"
