"""AWS's images: the tables that the package sagemaker-core ships, against releases, tags and regions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import listing, printable
from ..versions import find_version
from .common import Change, Outcome, SourceError, get_finding, older_source, shrinkage, sourced
from .files import RegistryFile

PACKAGE = "sagemaker-core"
FOLDER = "image_uri_config"
EXTRA = "pip install 'mcc-registry[refresh]'"
REGIONS = "regions.yaml"
ECR_FAMILY = "deep_learning"


@dataclass(frozen=True, slots=True)
class Table:
    """One image table and the framework file it belongs to.

    Attributes:
        name: file name without its ending.
        framework: id of the framework file.
        version: how a row's release is known: ``key`` = the table's own key, ``lmi`` = the LMI number in the tag,
            ``none`` = the tag names no engine version, so only known tags are compared.
    """

    name: str
    framework: str
    version: str


TABLES = (
    Table("vllm", "vllm", "key"),
    Table("vllm-server", "vllm", "none"),
    Table("sglang", "sglang", "key"),
    Table("sglang-server", "sglang", "none"),
    Table("djl-lmi", "lmi", "lmi"),
)


@dataclass(frozen=True, slots=True)
class ImageRow:
    """One row of a table.

    Attributes:
        key: the table's key.
        tag: the complete image tag.
        repository: ECR repository.
        accounts: region to account.
        release: the framework release; None = the tag does not say.
    """

    key: str
    tag: str
    repository: str
    accounts: Mapping[str, str]
    release: str | None


def read_tables() -> tuple[dict[str, dict[str, Any]], str]:
    """Table name to content, and the version of sagemaker-core.

    Raises:
        SourceError: the package is not installed or holds no tables. It is not imported: only its files are read.
    """
    import json
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        package = distribution(PACKAGE)
    except PackageNotFoundError:
        raise SourceError(f"{PACKAGE} is not installed; refresh images reads its image tables", EXTRA) from None
    wanted = {f"{table.name}.json": table.name for table in TABLES}
    found: dict[str, dict[str, Any]] = {}
    for file in package.files or []:
        if file.parent.name == FOLDER and file.name in wanted:
            try:
                content = json.loads(file.read_text(encoding="utf-8"))
            except (OSError, ValueError) as error:
                raise SourceError(f"{file} of {PACKAGE} cannot be read ({type(error).__name__})") from None
            found[wanted[file.name]] = content
    if not found:
        raise SourceError(f"{PACKAGE} {package.version} holds none of the image tables refresh reads")
    return found, package.version


def parse_table(table: Table, content: Mapping[str, Any]) -> list[ImageRow]:
    """The rows of a table.

    Raises:
        SourceError: the table is built differently.
    """
    try:
        body = content.get("inference", content)
        rows = []
        for key, row in body["versions"].items():
            tag = _tag(body, row)
            release = {"key": key, "none": None, "lmi": _first(r"-lmi(\d+(?:\.\d+)+)", tag)}[table.version]
            rows.append(ImageRow(key, tag, row["repository"], dict(row["registries"]), release))
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        text = f"{table.name}.json of {PACKAGE} is built in another way: {printable(error)}"
        raise SourceError(text, "refresh must learn the new layout: report it") from error
    return rows


def _tag(body: Mapping[str, Any], row: Mapping[str, Any]) -> str:
    """A row's tag: prefix, processor, Python and container version, as far as the row has them.

    Source: the tags that AWS publishes for the rows of these tables.
    """
    parts = [row["tag_prefix"]]
    containers = row.get("container_version", {})
    processor = next(iter(containers), None)
    pythons = row.get("py_versions", [])
    if processor is not None and row.get("processor_in_tag", body.get("processor_in_tag", True)):
        parts.append(processor)
    parts += pythons[-1:]
    if processor is not None:
        parts.append(containers[processor])
    return "-".join(parts)


def _first(pattern: str, text: str) -> str | None:
    match = re.search(pattern, text)
    return match[1] if match else None


def cuda_of(tag: str) -> str | None:
    """The CUDA version a tag's token says.

    Example:
        >>> cuda_of("0.30.0-gpu-py312-cu130-ubuntu24.04-sagemaker"), cuda_of("server-sagemaker-cuda-v2.4")
        ('13.0', None)
    """
    match = re.search(r"(?:^|-)cu(\d{2})(\d+)(?=-|$)", tag)
    return f"{match[1]}.{match[2]}" if match else None


def refresh_images(
    files: Mapping[str, RegistryFile],
    tables: Mapping[str, Mapping[str, Any]],
    version: str,
    *,
    today: str,
    allow_removals: bool = False,
) -> Outcome:
    """What the image tables say against frameworks/*.yaml and regions.yaml.

    Nothing is ever removed: older releases leave the tables while their images stay.

    Args:
        files: the registry files.
        tables: table name to content.
        version: of sagemaker-core.
        today: date for ``checked``.
        allow_removals: accept a source that shrank.
    """
    source = f"{PACKAGE} {version}, package data {FOLDER}/*.json"
    outcome = Outcome("images", [source])
    parsed = {table: parse_table(table, tables[table.name]) for table in TABLES if table.name in tables}
    frameworks = {f.id: f for f in files.values() if f.kind == "framework"}
    if not allow_removals:
        refused = list(_refusals(files, frameworks, parsed, version))
        if refused:
            return outcome.refuse(refused)
    regions = _refresh_regions(files[REGIONS], parsed.values(), source, today, outcome)
    for framework in dict.fromkeys(table.framework for table in parsed):
        file = frameworks.get(framework)
        if file is None:
            continue
        work = _Framework(file, regions)
        for table, rows in parsed.items():
            if table.framework == framework:
                work.compare(table, rows)
        outcome.changes += work.changes
        if any(c.kind in ("added", "changed") for c in work.changes):
            data = work.data
            data["provenance"] = _renewed(data["provenance"], source, today)
            outcome.documents[file.relative] = ("framework", data)
    return outcome


def _renewed(provenance: Mapping[str, Any], source: str, today: str) -> dict[str, Any]:
    old = next((s for s in provenance["source"] if f"{PACKAGE} " in s and FOLDER in s), "")
    label = old.split(f"{PACKAGE} ")[0]
    return sourced(provenance, {old or source: f"{label}{source}"}, today)


def _refusals(
    files: Mapping[str, RegistryFile],
    frameworks: Mapping[str, RegistryFile],
    parsed: Mapping[Table, list[ImageRow]],
    version: str,
) -> Iterator[Any]:
    lines = [s for f in (*frameworks.values(), files[REGIONS]) for s in f.data["provenance"]["source"] if FOLDER in s]
    yield from older_source(PACKAGE, version, lines)
    for table in TABLES:
        file = frameworks.get(table.framework)
        if file is None:
            continue
        rows = parsed.get(table, [])
        if not rows:
            yield get_finding("refresh-source-shrank", f"{PACKAGE} {version} has no rows in {table.name}.json")
            continue
        if table.version == "none":
            continue
        known = _expected(file, table, [row.key for row in rows])
        yield from shrinkage("releases", known, [r.key for r in rows], f"{table.name}.json of {PACKAGE}", group="")
    places = dict.fromkeys(_accounts(files[REGIONS].data["ecr"][ECR_FAMILY]), "")
    there = {region for rows in parsed.values() for row in rows for region in row.accounts}
    if parsed:
        yield from shrinkage("regions", places, there, f"the image tables of {PACKAGE}", group="")


def _expected(file: RegistryFile, table: Table, keys: list[str]) -> dict[str, str]:
    """Table keys that AWS builds of the registry stand for, between the oldest and the newest of the table."""
    versions = [v for key in keys if (v := find_version(key)) is not None]
    found = {}
    for release in file.data["releases"]:
        for build in release["builds"]:
            if build["source"] == "aws" and _is_of_table(build, release["version"], table):
                key = release["version"] if table.version == "key" else build["tag"].split("-")[0]
                version = find_version(key)
                if version is not None and versions and min(versions) <= version <= max(versions):
                    found[key] = key
    return found


def _is_of_table(build: Mapping[str, Any], release: str, table: Table) -> bool:
    """Whether an AWS build's tag is written the way the rows of a table are."""
    if build.get("repository") is not None:
        return False
    tag = build["tag"]
    return bool(tag.startswith(f"{release}-gpu-") if table.version == "key" else f"-lmi{release}-" in tag)


def _accounts(family: Mapping[str, Any]) -> dict[str, str]:
    """Region to account of an ECR family."""
    default = dict.fromkeys(family.get("default_account_regions", []), family["default_account"])
    return {**default, **family.get("accounts", {})}


def _refresh_regions(
    file: RegistryFile, tables: Iterable[list[ImageRow]], source: str, today: str, outcome: Outcome
) -> list[str]:
    """All regions of the image family after the refresh; differences go to the outcome."""
    said: dict[str, set[str]] = {}
    for rows in tables:
        for row in rows:
            for region, account in row.accounts.items():
                said.setdefault(region, set()).add(account)
    data = dict(file.data)
    family = dict(data["ecr"][ECR_FAMILY])
    family["accounts"] = dict(family.get("accounts", {}))
    family["default_account_regions"] = list(family.get("default_account_regions", []))
    known = _accounts(family)
    changes: list[Change] = []
    for region in sorted(said):
        accounts = said[region]
        item = f"region {region}"
        if len(accounts) > 1:
            reason = f"its tables name several accounts: {listing(sorted(accounts))}"
            changes.append(Change("unresolved", REGIONS, item, source=PACKAGE, reason=reason))
            continue
        (account,) = accounts
        if known.get(region) == account:
            continue
        if region in known:
            changes.append(Change("changed", REGIONS, item, known[region], account, PACKAGE))
        else:
            changes.append(Change("added", REGIONS, item, None, f"account {account}", PACKAGE))
        defaults = [r for r in family["default_account_regions"] if r != region]
        family["accounts"].pop(region, None)
        if account == family.get("default_account"):
            defaults = sorted([*defaults, region])
        else:
            family["accounts"] = dict(sorted({**family["accounts"], region: account}.items()))
        family["default_account_regions"] = defaults
    gone = sorted(set(known) - set(said))
    if gone:
        changes.append(Change("kept", REGIONS, f"region {listing(gone)}", reason="in no table any more"))
    outcome.changes += changes
    if any(c.kind in ("added", "changed") for c in changes):
        data["ecr"] = {**data["ecr"], ECR_FAMILY: family}
        data["provenance"] = _renewed(data["provenance"], source, today)
        outcome.documents[REGIONS] = ("regions", data)
    return sorted(_accounts(family))


class _Framework:
    """The comparison of one framework file with its tables."""

    def __init__(self, file: RegistryFile, regions: list[str]) -> None:
        self.file = file.relative
        self.regions = regions
        self.changes: list[Change] = []
        releases = [{**r, "builds": [dict(b) for b in r["builds"]]} for r in file.data["releases"]]
        self.data: dict[str, Any] = {**file.data, "releases": releases}
        self.source = dict(file.data["image_sources"].get("aws", {}))

    def compare(self, table: Table, rows: list[ImageRow]) -> None:
        """Take what a table says."""
        unknown = []
        for row in rows:
            release, build = self._find(table, row)
            if build is not None:
                self._compare_build(release, build, row)
            elif row.release is None:
                unknown.append(row.tag)
            else:
                self._add(table, row)
        if unknown:
            reason = "the tag names no engine version, and a build whose engine is unknown has no row"
            self.changes.append(Change("note", self.file, f"no row for {listing(unknown)}", reason=reason))

    def _find(self, table: Table, row: ImageRow) -> tuple[str, dict[str, Any] | None]:
        for release in self.data["releases"]:
            for build in release["builds"]:
                if build["source"] == "aws" and build["tag"] == row.tag:
                    return release["version"], build
        if row.release is not None:
            for release in self.data["releases"]:
                for build in release["builds"]:
                    of_table = build["source"] == "aws" and _is_of_table(build, release["version"], table)
                    if release["version"] == row.release and of_table:
                        return release["version"], build
        return "", None

    def _missing(self, row: ImageRow) -> list[str]:
        everywhere = set(self.source.get("regions_missing", []))
        return [r for r in self.regions if r not in row.accounts and r not in everywhere]

    def _compare_build(self, release: str, build: dict[str, Any], row: ImageRow) -> None:
        item = f"{release} {row.tag}"
        if build["tag"] != row.tag:
            self.changes.append(Change("changed", self.file, f"{release} tag", build["tag"], row.tag, PACKAGE))
            build["tag"] = row.tag
            cuda = cuda_of(row.tag)
            ours = build["accelerator"].get("version")
            if cuda is not None and cuda != ours:
                self.changes.append(Change("changed", self.file, f"{item} CUDA", ours, cuda, f"{PACKAGE}, tag"))
                build["accelerator"] = {**build["accelerator"], "version": cuda, "basis": "derived"}
        if "regions" in build.get("unverified", []):
            self.changes.append(Change("changed", self.file, f"{item} regions", "unverified", "verified", PACKAGE))
            build["unverified"] = [name for name in build["unverified"] if name != "regions"]
        if "regions_only" in build:
            only = sorted(row.accounts)
            if sorted(build["regions_only"]) != only:
                self.changes.append(
                    Change("changed", self.file, f"{item} regions_only", build["regions_only"], only, PACKAGE)
                )
                build["regions_only"] = only
            return
        old, missing = build.get("regions_missing", []), self._missing(row)
        if sorted(old) != missing:
            self.changes.append(Change("changed", self.file, f"{item} regions_missing", old, missing, PACKAGE))
            build.pop("regions_missing", None)
            if missing:
                build["regions_missing"] = missing

    def _add(self, table: Table, row: ImageRow) -> None:
        assert row.release is not None
        version = find_version(row.release)
        if version is None:
            reason = f"{row.release} is no PEP 440 version; add it by hand"
            self.changes.append(Change("unresolved", self.file, row.tag, source=PACKAGE, reason=reason))
            return
        cuda = cuda_of(row.tag)
        build: dict[str, Any] = {
            "source": "aws",
            "tag": row.tag,
            "accelerator": {"type": "cuda", **({"version": cuda} if cuda else {}), "basis": "derived"},
        }
        if row.repository != self.source.get("repository"):
            build["repository"] = row.repository
        if missing := self._missing(row):
            build["regions_missing"] = missing
        words = f"{row.tag}, CUDA {cuda or 'unknown'} from the tag, {len(row.accounts)} regions"
        existing = next((r for r in self.data["releases"] if r["version"] == row.release), None)
        if existing is not None:
            existing["builds"].insert(0, build)
            item = f"AWS build of {row.release}"
        else:
            self._insert(version, self._release(table, row, build))
            item = f"release {row.release}"
        self.changes.append(Change("added", self.file, item, None, words, PACKAGE))

    def _release(self, table: Table, row: ImageRow, build: dict[str, Any]) -> dict[str, Any]:
        release: dict[str, Any] = {"version": row.release, "validation_level": "experimental", "builds": [build]}
        if table.version == "lmi":
            release["engine"] = {"djl-serving": row.tag.split("-")[0]}
        release["notes"] = ["added by refresh from the image table; parameters and lowest GPU not read yet"]
        return release

    def _insert(self, version: Any, release: dict[str, Any]) -> None:
        rows = self.data["releases"]
        place = next(
            (i for i, r in enumerate(rows) if (v := find_version(r["version"])) is not None and v < version),
            len(rows),
        )
        rows.insert(place, release)
