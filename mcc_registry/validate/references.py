"""Rules about names: what one file names must exist in another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ..errors import listing, nearest
from ..loading.documents import Document
from .base import Context, Everything, Path, Problem, Rule, model_rows, profiles_of, rows_of


def unknown(path: Path, what: str, name: str, known: Iterable[str]) -> Problem:
    """The problem of a name that does not exist, with the nearest one."""
    names = sorted(known)
    near = nearest(name, names)
    hint = f"did you mean {near}?" if near else (f"known: {listing(names)}" if names else "")
    return Problem(path, f"{what} {name} does not exist", hint)


class UnknownAccelerator(Rule):
    """The accelerator of an instance family must be a GPU of gpus.yaml, a device of neuron.yaml or of its kind's file."""

    code, name, title = "MCC521", "unknown-accelerator", "An instance family names an accelerator no file describes"
    kinds = ("instance_family",)

    def check(self, document: Document, data: dict[str, Any], context: Context) -> Iterator[Problem]:
        """See the class."""
        accelerator = data["accelerator"]
        known = context.devices_of(accelerator["kind"])
        name = accelerator.get("name")
        path = ("accelerator", "name")
        if known is None:
            return
        if name is None:
            yield Problem(
                ("accelerator",), f"a {accelerator['kind']} accelerator has no name", f"known: {listing(known)}"
            )
        elif name not in known:
            yield unknown(path, "accelerator", name, known)


class UnknownInstanceType(Rule):
    """Instance types that rows recommend or known issues name must be listed in a file of ``instances``."""

    code, name, title = "MCC522", "unknown-instance-type", "A row names an instance type no file lists"
    kinds = ("framework", "model_family")

    def check(self, document: Document, data: dict[str, Any], context: Context) -> Iterator[Problem]:
        """See the class."""
        owners: list[tuple[Path, dict[str, Any]]] = list(rows_of(data, "releases"))
        for path, row in model_rows(data):
            owners.append((path, row))
            owners += profiles_of(path, row)
        for path, row in owners:
            for index, name in enumerate(row.get("recommended_instance_types", [])):
                if name not in context.instance_types:
                    here = (*path, "recommended_instance_types", index)
                    yield unknown(here, "instance type", name, context.instance_types)
        for path, issue in rows_of(data, "known_issues"):
            for index, name in enumerate(issue.get("instance_types", [])):
                if name not in context.instance_types:
                    yield unknown((*path, "instance_types", index), "instance type", name, context.instance_types)


class UnknownAmi(Rule):
    """Inference AMI names must be listed in ``accelerators/amis.yaml``."""

    code, name, title = "MCC523", "unknown-ami", "A row names an AMI that amis.yaml does not list"
    kinds = ("framework", "model_family", "amis")

    def check(self, document: Document, data: dict[str, Any], context: Context) -> Iterator[Problem]:
        """See the class."""
        named: list[tuple[Path, str | None]] = []
        for path, release in rows_of(data, "releases"):
            named.append(((*path, "inference_ami_version"), release.get("inference_ami_version")))
        for path, issue in rows_of(data, "known_issues"):
            for index, name in enumerate(issue.get("inference_ami_versions", [])):
                named.append(((*path, "inference_ami_versions", index), name))
        for path, choice in rows_of(data, "choices"):
            named += [((*path, "choose", family), name) for family, name in choice["choose"].items()]
        named.append((("neuron_choice",), data.get("neuron_choice")))
        for here, ami in named:
            if ami is not None and ami not in context.amis:
                yield unknown(here, "AMI", ami, context.amis)


class UnknownFamily(Rule):
    """Instance families named by AMIs, hosts, devices and known issues must have a file in ``instances``."""

    code, name, title = "MCC524", "unknown-family", "A row names an instance family no file describes"
    kinds = ("framework", "model_family", "amis", "neuron")

    def check(self, document: Document, data: dict[str, Any], context: Context) -> Iterator[Problem]:
        """See the class."""
        lists: list[tuple[Path, Iterable[str]]] = []
        for path, row in (*rows_of(data, "default_hosts"), *rows_of(data, "devices")):
            lists.append(((*path, "families"), row["families"]))
        for path, row in rows_of(data, "known_issues"):
            lists.append(((*path, "instance_families"), row.get("instance_families", [])))
        for path, row in (*rows_of(data, "amis"), *rows_of(data, "transform_amis")):
            for field in ("families_documented", "families_observed", "default_for"):
                lists.append(((*path, field), row.get(field, [])))
        for path, row in rows_of(data, "choices"):
            lists.append(((*path, "choose"), row["choose"]))
        for path, families in lists:
            for index, family in enumerate(families):
                if family not in context.instance_families:
                    here = (*path, family if path[-1] == "choose" else index)
                    yield unknown(here, "instance family", family, context.instance_families)


class UnknownReplacement(Rule):
    """``replaced_by`` names a release, an exact model or a parameter; a parameter's may be advice in words."""

    code, name, title = "MCC525", "unknown-replacement", "An entry is replaced by something that does not exist"
    kinds = ("framework", "model_family")

    def check(self, document: Document, data: dict[str, Any], context: Context) -> Iterator[Problem]:
        """See the class."""
        lost = {name for _, name in document.lost}
        versions = {row["version"] for row in data.get("releases", [])}
        settings = {name for row in data.get("parameters", []) for name in (row["name"], row.get("canonical"))} - {
            None
        }
        found: list[tuple[Path, str, dict[str, Any], set[Any]]] = [
            *((path, "release", row, versions) for path, row in rows_of(data, "releases")),
            *((path, "parameter", row, settings) for path, row in rows_of(data, "parameters")),
            *((path, "model", row, context.exact_models) for path, row in model_rows(data)),
        ]
        for path, what, row, known in found:
            name = row.get("replaced_by")
            in_words = what == "parameter" and " " in (name or "")
            if name is not None and name not in known | lost and None not in lost and not in_words:
                yield unknown((*path, "replaced_by"), what, name, known)


class UnknownLike(Rule):
    """A profile's ``like`` names the exact model whose architecture facts apply."""

    code, name, title = "MCC526", "unknown-like", "A profile is like a model no file lists"
    kinds = ("model_family",)

    def check(self, document: Document, data: dict[str, Any], context: Context) -> Iterator[Problem]:
        """See the class."""
        for path, row in model_rows(data):
            for here, profile in profiles_of(path, row):
                name = profile.get("like")
                if name is not None and name not in context.exact_models:
                    yield unknown((*here, "like"), "model", name, context.exact_models)


class UnknownFramework(Rule):
    """Compatibility, engine settings and ``engine_of`` name frameworks by the id of their file."""

    code, name, title = "MCC527", "unknown-framework", "A row names a framework no file describes"
    kinds = ("framework", "model_family")

    def check(self, document: Document, data: dict[str, Any], context: Context) -> Iterator[Problem]:
        """See the class."""
        named: list[tuple[Path, str]] = []
        if data.get("engine_of"):
            named.append((("engine_of",), data["engine_of"]))
        for path, row in (((), data), *model_rows(data)):
            for field in ("framework_compatibility", "compatibility_basis", "engine_settings"):
                named += [((*path, field, name), name) for name in row.get(field, {})]
        for path, name in named:
            if name not in context.frameworks:
                yield unknown(path, "framework", name, context.frameworks)


class UnknownImageFamily(Rule):
    """An image source ``ecr:FAMILY`` takes its account from that family of ``regions.yaml``."""

    code, name, title = "MCC528", "unknown-image-family", "An image source names an ECR family regions.yaml lacks"
    kinds = ("framework",)

    def check(self, document: Document, data: dict[str, Any], context: Context) -> Iterator[Problem]:
        """See the class."""
        owners = [*rows_of(data, "image_sources")]
        for path, release in rows_of(data, "releases"):
            owners += [((*path, *inner), build) for inner, build in rows_of(release, "builds")]
        for path, row in owners:
            registry = row.get("registry") or ""
            if registry.startswith("ecr:") and registry[4:] not in context.ecr_families:
                yield unknown((*path, "registry"), "image family", registry[4:], context.ecr_families)


class UnknownSetting(Rule):
    """Settings of releases and models are canonical names that a framework's parameter table knows."""

    code, name, title = "MCC529", "unknown-setting", "A row sets something no parameter table knows"
    kinds = ("framework", "model_family")

    def check(self, document: Document, data: dict[str, Any], context: Context) -> Iterator[Problem]:
        """See the class."""
        tables = context.settings
        if "framework" in context.broken:
            return
        is_any = any(isinstance(names, Everything) for names in tables.values())
        everything = Everything() if is_any else set().union(*tables.values())
        named: list[tuple[Path, str, set[str]]] = []
        own = tables.get(document.id, set())
        for path, row in rows_of(data, "releases"):
            named += [((*path, "settings", key), key, own) for key in row.get("settings", {})]
        families = [((), data), *model_rows(data)] if document.kind == "model_family" else []
        for path, row in families:
            named += [((*path, "settings", key), key, everything) for key in row.get("settings", {})]
            for here, profile in profiles_of(path, row):
                named += [((*here, "settings", key), key, everything) for key in profile.get("settings", {})]
            for engine, settings in row.get("engine_settings", {}).items():
                known = tables.get(engine)
                if known is not None:
                    named += [((*path, "engine_settings", engine, key), key, known) for key in settings]
        for path, key, known in named:
            if key not in known:
                yield unknown(path, "setting", key, known)


RULES = (
    UnknownAccelerator,
    UnknownInstanceType,
    UnknownAmi,
    UnknownFamily,
    UnknownReplacement,
    UnknownLike,
    UnknownFramework,
    UnknownImageFamily,
    UnknownSetting,
)
