"""Rules about single rows: versions, specifiers, prices, levels that were earned."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from ..errors import Severity
from ..loading.documents import Document
from ..versions import find_spec, find_version, parse_version
from .base import Context, Path, Problem, Rule, TooMany, model_rows, profiles_of, rows_of


class IdIsFileName(Rule):
    """A file's ``id`` is its name without the ending, so that a row is found by its name."""

    code, name, title = "MCC520", "id-is-file-name", "A file's id is not its name"

    def check(self, document: Document, data: dict[str, Any], context: Context) -> Iterator[Problem]:
        """See the class."""
        if "id" in data and data["id"] != document.id:
            text = f"the id {data['id']} is not the file's name {document.id}"
            yield Problem(("id",), text, f"id: {document.id}, or rename the file")


class LevelWithoutEvidence(Rule):
    """Validation levels are earned: ``tested`` needs a recorded endpoint, ``community-validated`` a build and a run.

    A run on a stand-in base image earns nothing. ``unknown`` is what versions without a row are.
    """

    code, name, title = "MCC535", "level-without-evidence", "A validation level has not been earned"
    kinds = ("framework", "model_family")

    def check(self, document: Document, data: dict[str, Any], context: Context) -> Iterator[Problem]:
        """See the class."""
        for path, row in (*rows_of(data, "releases"), *model_rows(data)):
            level = row.get("validation_level")
            seen = {evidence["what"] for evidence in row.get("evidence", [])}
            here = (*path, "validation_level")
            if level == "tested" and "endpoint" not in seen:
                yield Problem(
                    here, "tested needs evidence of an endpoint", "record it under evidence, or say experimental"
                )
            if level == "community-validated" and ("build" not in seen or not seen & {"local-run", "endpoint"}):
                hint = "record both under evidence, or say experimental"
                yield Problem(here, "community-validated needs evidence of a build and of a run", hint)


class PriceNotPositive(Rule):
    """A price is above zero; a type whose price nobody knows has none."""

    code, name, title = "MCC536", "price-not-positive", "A price is zero or less"
    kinds = ("instance_family",)

    def check(self, document: Document, data: dict[str, Any], context: Context) -> Iterator[Problem]:
        """See the class."""
        for path, row in rows_of(data, "types"):
            price = row.get("price_usd_hour")
            if price is not None and price <= 0:
                yield Problem((*path, "price_usd_hour"), f"{row['type']} costs {price}", "leave out an unknown price")


class InstanceFacts(Rule):
    """An instance type belongs to its file, has processors and memory, and devices exactly if its family has."""

    code, name, title = "MCC547", "instance-facts", "An instance type contradicts itself or its family"
    kinds = ("instance_family",)

    def check(self, document: Document, data: dict[str, Any], context: Context) -> Iterator[Problem]:
        """See the class."""
        has_devices = data["accelerator"]["kind"] != "cpu"
        for path, row in rows_of(data, "types"):
            name = row["type"]
            if not name.startswith(f"ml.{document.id}."):
                yield Problem((*path, "type"), f"{name} is no type of {document.id}", f"ml.{document.id}.SIZE")
            for field in ("vcpus", "memory_mib"):
                if row[field] <= 0:
                    yield Problem((*path, field), f"{name} has {row[field]} {field}")
            if (row.get("accelerator_count", 0) > 0) is not has_devices:
                what = f"{row.get('accelerator_count', 0)} devices in a {data['accelerator']['kind']} family"
                yield Problem((*path, "accelerator_count"), f"{name} has {what}")


class VersionNotPep440(Rule):
    """Versions follow PEP 440, so that 0.9.2 comes before 0.10.0."""

    code, name, title = "MCC537", "version-not-pep440", "A version cannot be compared"
    kinds = ("framework",)

    def check(self, document: Document, data: dict[str, Any], context: Context) -> Iterator[Problem]:
        """See the class."""
        named: list[tuple[Path, str]] = []
        for path, row in rows_of(data, "releases"):
            named.append(((*path, "version"), row["version"]))
        homes: list[tuple[Path, dict[str, Any]]] = [((), data), *rows_of(data, "variants")]
        for top, home in homes:
            for field in ("true_text", "false_text"):
                named += [((*top, field, key), key) for key in home.get(field, {})]
            for path, row in rows_of(home, "parameters"):
                here = (*top, *path)
                named += [((*here, f), row[f]) for f in ("since", "until", "deprecated_since") if row.get(f)]
                named += [((*here, "default_history", key), key) for key in row.get("default_history", {})]
        for path, row in rows_of(data, "removed_parameters"):
            named.append(((*path, "until"), row["until"]))
        floors = data.get("quantization_floors", {}).get("min_compute_capability", {})
        for method, rows in floors.items():
            here = ("quantization_floors", "min_compute_capability", method)
            named += [((*here, version), version) for version in rows]
        for path, version in named:
            if find_version(version) is None:
                yield Problem(path, f"{version} is not a PEP 440 version", 'for example "0.30.0" or "0.8.5.post1"')


class TagMissing(Rule):
    """A build names its image tag; one whose tag nobody knows says so under ``unverified``, and is never chosen."""

    code, name, title = "MCC549", "tag-missing", "A build has no image tag and does not say that it is unknown"
    kinds = ("framework",)

    def check(self, document: Document, data: dict[str, Any], context: Context) -> Iterator[Problem]:
        """See the class."""
        for path, row in rows_of(data, "releases"):
            for index, build in enumerate(row["builds"]):
                if build.get("tag") is None and FULL_TAG not in build.get("unverified", []):
                    text = f"a build of {row['version']} has no tag"
                    yield Problem((*path, "builds", index), text, f"add tag, or {FULL_TAG} under unverified")


FULL_TAG = "full tag"
"""What ``unverified`` says of a build whose tag is not known."""


class ReleasesNewestFirst(Rule):
    """Releases stand newest first, so that a new one is always at the top."""

    code, name, title = "MCC538", "releases-newest-first", "Releases are not sorted"
    kinds = ("framework",)
    shipped_only = True

    def check(self, document: Document, data: dict[str, Any], context: Context) -> Iterator[Problem]:
        """See the class."""
        rows = [(path, row["version"]) for path, row in rows_of(data, "releases") if find_version(row["version"])]
        for (_, above), (path, below) in pairwise(rows):
            if parse_version(below) > parse_version(above):
                yield Problem((*path, "version"), f"{below} stands below {above}", "newest first")


class SpecifierNotPep440(Rule):
    """Compatibility and conditions are PEP 440 specifiers such as ``>=0.28,<0.31``."""

    code, name, title = "MCC539", "specifier-not-pep440", "A version specifier cannot be read"
    kinds = ("framework", "model_family")

    def check(self, document: Document, data: dict[str, Any], context: Context) -> Iterator[Problem]:
        """See the class."""
        named: list[tuple[Path, str]] = []
        for path, row in (*rows_of(data, "known_issues"), *rows_of(data, "profiles")):
            for field in ("versions", "accelerator_versions"):
                if row.get(field):
                    named.append(((*path, field), row[field]))
        if document.kind == "model_family":
            for path, row in (((), data), *model_rows(data)):
                for key, spec in row.get("framework_compatibility", {}).items():
                    named.append(((*path, "framework_compatibility", key), spec))
        for path, spec in named:
            if find_spec(spec) is None:
                yield Problem(path, f"{spec} is not a PEP 440 specifier", 'for example ">=0.28,<0.31"')


class IssueWithoutSource(Rule):
    """A known issue says where it is from: a link, what was read (``source``), or who reported it.

    One that nothing was found for says ``basis: assumed`` beside a source in words. In a private layer a warning.
    """

    code, name, title = "MCC552", "issue-without-source", "A known issue has no source"
    kinds = ("framework", "model_family")

    def check(self, document: Document, data: dict[str, Any], context: Context) -> Iterator[Problem]:
        """See the class."""
        for path, row in rows_of(data, "known_issues"):
            if not any(row.get(key) for key in ("link", "source", "reported_by")):
                text = f"the known issue {row['id']} names no source"
                yield Problem(path, text, "add link, source or reported_by", severity=_in_layers(document))


class IssueWithoutCondition(Rule):
    """A known issue of a framework says when it applies, or that it always does (``always: true``).

    A model family's issue without conditions is about the family. In a private layer a warning.
    """

    code, name, title = "MCC551", "issue-without-condition", "A known issue does not say when it applies"
    kinds = ("framework",)

    def check(self, document: Document, data: dict[str, Any], context: Context) -> Iterator[Problem]:
        """See the class."""
        for path, row in rows_of(data, "known_issues"):
            conditions = [key for key in ISSUE_CONDITIONS if row.get(key)]
            here = (*path, "always")
            if row.get("always") and conditions:
                yield Problem(
                    here, f"{row['id']} always applies and has conditions", f"leave out {conditions[0]} or always"
                )
            elif not row.get("always") and not conditions:
                text = f"the known issue {row['id']} has no condition"
                yield Problem(path, text, "add versions, accelerator, setting, ... or always: true",
                              severity=_in_layers(document))  # fmt: skip


ISSUE_CONDITIONS = (
    "versions",
    "instance_families",
    "accelerator",
    "accelerator_versions",
    "inference_ami_versions",
    "image_sources",
    "setting",
    "models",
)
"""Keys of a known issue that say when it applies."""


def _in_layers(document: Document) -> Severity | None:
    """A warning in a private layer, whose own notes need no source of ours; the rule's severity elsewhere."""
    return "warning" if document.layer else None


class ProfileFits(Rule):
    """The patterns of a model profile match at least one name its row is about, else it never applies by default."""

    code, name, title = "MCC548", "profile-never-fits", "A model profile's patterns cannot match its row's names"
    kinds = ("model_family",)

    def check(self, document: Document, data: dict[str, Any], context: Context) -> Iterator[Problem]:
        """See the class."""
        from .naming import can_both_match

        for path, row in model_rows(data):
            for here, profile in profiles_of(path, row):
                for index, pattern in enumerate(profile.get("match", [])):
                    try:
                        text = f"{pattern} matches no name that {row['match']} matches"
                        if not can_both_match(pattern, row["match"], context.steps):
                            yield Problem((*here, "match", index), text, "correct one of the two patterns")
                    except TooMany:
                        text = "too many patterns, or too long ones, to compare them all"
                        yield Problem((*here, "match", index), text, "write fewer or shorter ones")
                        return


RULES = (
    IdIsFileName,
    LevelWithoutEvidence,
    PriceNotPositive,
    InstanceFacts,
    VersionNotPep440,
    TagMissing,
    ReleasesNewestFirst,
    SpecifierNotPep440,
    IssueWithoutSource,
    IssueWithoutCondition,
    ProfileFits,
)
