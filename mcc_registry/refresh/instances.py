"""Instance types and AMIs: EC2 for the hardware, the SageMaker service model for what endpoints accept."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ..errors import listing
from .aws import REGION, Ec2Type, ServiceModel
from .common import Change, Outcome, correction_for, judge_correction, older_source, shrinkage, sourced
from .files import RegistryFile

AMIS = "accelerators/amis.yaml"
EC2_MARK = "EC2 DescribeInstanceTypes"
ENUMS = "ProductionVariantInstanceType and TransformInstanceType"
PRICE_BASIS = "EC2 on demand, Linux"
SYSTEMS = {"al2-": "Amazon Linux 2", "al2023-": "Amazon Linux 2023"}
"""Start of an AMI's name to its operating system."""


def refresh_instances(
    files: Mapping[str, RegistryFile],
    service: ServiceModel,
    ec2: Mapping[str, Ec2Type] | None,
    ec2_source: str,
    *,
    today: str,
    allow_removals: bool = False,
) -> Outcome:
    """What the sources say against instances/*.yaml and accelerators/amis.yaml.

    Args:
        files: the registry files.
        service: the SageMaker service model.
        ec2: EC2 name to description; None = EC2 was not asked, so only names and AMIs are compared.
        ec2_source: source line for EC2.
        today: date for ``checked``.
        allow_removals: accept a source that shrank.
    """
    outcome = Outcome("instances", [service.source, *([ec2_source] if ec2 is not None else [])])
    families = {f.id: f for f in files.values() if f.kind == "instance_family"}
    refused = [] if allow_removals else list(_refusals(files, families, service, ec2))
    if refused:
        return outcome.refuse(refused)
    gpus, devices = files["accelerators/gpus.yaml"].data["gpus"], files["accelerators/neuron.yaml"].data["devices"]
    known_accelerators = {"cuda": set(gpus), "neuron": set(devices)}
    wanted: dict[str, list[str]] = {}
    for name in service.types:
        wanted.setdefault(name.split(".")[1] if name.count(".") == 2 else name, []).append(name)
    for family in dict.fromkeys([*families, *wanted]):
        work = _Family(family, families.get(family), wanted.get(family, []), service, ec2, known_accelerators)
        data = work.data()
        outcome.changes += work.changes
        if work.is_empty:
            outcome.documents[work.file] = None
        elif data is not None:
            lines = {"botocore ": f"{service.source}: {ENUMS}"}
            if ec2 is not None and any(name.removeprefix("ml.") in ec2 for name in work.names):
                lines[EC2_MARK] = ec2_source
            data["provenance"] = sourced(data["provenance"], lines, today)
            if data["price"]["date"] == "":
                data["price"] = {**data["price"], "date": today}
            outcome.documents[work.file] = ("instance_family", data)
    changes, amis = _refresh_amis(files[AMIS], service, today)
    outcome.changes += changes
    if amis is not None:
        outcome.documents[AMIS] = ("amis", amis)
    return outcome


def _refusals(
    files: Mapping[str, RegistryFile],
    families: Mapping[str, RegistryFile],
    service: ServiceModel,
    ec2: Mapping[str, Ec2Type] | None,
) -> Iterator[Any]:
    lines = [line for f in (*families.values(), files[AMIS]) for line in f.data["provenance"]["source"]]
    yield from older_source("botocore", service.version, lines)
    rows = [(file.id, row) for file in families.values() for row in file.data["types"]]
    yield from shrinkage(
        "endpoint types", {row["type"]: family for family, row in rows}, service.types, "SageMaker's service model"
    )
    transform = {row["type"]: family for family, row in rows if row.get("transform")}
    yield from shrinkage("batch transform types", transform, service.transform, "SageMaker's service model", group="")
    amis = {name: name for name in files[AMIS].data["amis"]}
    yield from shrinkage("AMI names", amis, service.amis, "SageMaker's service model", group="")
    if ec2 is not None:
        described = {
            row["type"]: family for family, row in rows if any(_is_ec2(s) for s in _sources(families[family].data))
        }
        yield from shrinkage("types", described, {f"ml.{name}" for name in ec2}, "EC2")


def _sources(data: Mapping[str, Any]) -> list[str]:
    return list(data["provenance"]["source"])


def _is_ec2(line: str) -> bool:
    return line.startswith(EC2_MARK)


def size_of(name: str) -> tuple[float, str]:
    """Sort key of a type within its family: its size, then its name.

    Example:
        >>> sorted(["ml.g5.12xlarge", "ml.g5.2xlarge", "ml.g5.xlarge", "ml.c5.large"], key=size_of)
        ['ml.c5.large', 'ml.g5.xlarge', 'ml.g5.2xlarge', 'ml.g5.12xlarge']
    """
    size = name.rpartition(".")[2]
    if match := re.fullmatch(r"(\d*)xlarge", size):
        return float(match[1] or 1), name
    return {"nano": 0.02, "micro": 0.04, "small": 0.08, "medium": 0.25, "large": 0.5}.get(size, 1e6), name


class _Family:
    """The comparison of one family; ``changes`` are its differences."""

    def __init__(
        self,
        family: str,
        old: RegistryFile | None,
        wanted: list[str],
        service: ServiceModel,
        ec2: Mapping[str, Ec2Type] | None,
        known_accelerators: Mapping[str, set[str]],
    ) -> None:
        self.family, self.old, self.wanted, self.service = family, old, wanted, service
        self.ec2 = {} if ec2 is None else ec2
        self.asked = ec2 is not None
        self.known_accelerators = known_accelerators
        self.file = f"instances/{family}.yaml"
        self.changes: list[Change] = []
        self.names: list[str] = []
        self.is_empty = False

    def data(self) -> dict[str, Any] | None:
        """The file's new data; None when nothing is to be written."""
        old: dict[str, Any] = dict(self.old.data) if self.old else self._start()
        if not old:
            return None
        new = {**old, "accelerator": dict(old["accelerator"]), "types": [dict(row) for row in old["types"]]}
        self.corrections = list(old.get("corrections", []))
        self._remove(new)
        self._compare(new)
        self._add(new)
        self.names = [row["type"] for row in new["types"]]
        self.is_empty = not self.names
        return new if any(c.kind in ("added", "removed", "changed") for c in self.changes) else None

    def _start(self) -> dict[str, Any]:
        """A new family's file, as far as EC2 settles it; empty when it does not."""
        rows = [self.ec2[name] for name in map(_ec2_name, self.wanted) if name in self.ec2]
        if not rows:
            why = "EC2 does not describe its types" if self.asked else "EC2 was not asked"
            self._unresolved(f"family {self.family} is new ({listing(self.wanted)})", f"{why}; add it by hand")
            return {}
        first = rows[0]
        problem = self._accelerator_problem(rows)
        if problem:
            self._unresolved(f"family {self.family} is new ({listing(self.wanted)})", problem)
            return {}
        arm = "x86_64" not in first.architectures
        cpu = "Graviton CPU" if arm else "x86 CPU"
        accelerator: dict[str, Any] = {"kind": first.kind}
        if first.kind != "cpu":
            accelerator.update(name=first.name, memory_mib_each=first.memory_mib_each)
        return {
            "kind": "instance_family",
            "id": self.family,
            "title": f"{self.family}: {first.name or cpu} instances{' (Arm host)' if arm and first.name else ''}",
            "architecture": "arm64" if arm else "x86_64",
            "accelerator": accelerator,
            "provenance": {"source": [], "checked": "", "basis": "documented"},
            "price": {"region": REGION, "date": "", "basis": PRICE_BASIS, "source": "no price read yet"},
            "types": [],
        }

    def _accelerator_problem(self, rows: list[Ec2Type]) -> str:
        first = rows[0]
        if len({(r.kind, r.name, r.memory_mib_each) for r in rows}) > 1:
            return "EC2 describes several accelerators in one family; add it by hand"
        if first.kind != "cpu" and any(r.count < 1 for r in rows):
            return f"EC2 describes a fraction of a {first.name}; registries have no word for that"
        if first.kind in self.known_accelerators and first.name not in self.known_accelerators[first.kind]:
            file = "gpus.yaml" if first.kind == "cuda" else "neuron.yaml"
            return (
                f"its accelerator {first.name} is not in accelerators/{file}; describe it there, then refresh again"
            )
        return ""

    def _unresolved(self, item: str, reason: str) -> None:
        self.changes.append(Change("unresolved", self.file, item, source="botocore", reason=reason))

    def _remove(self, new: dict[str, Any]) -> None:
        for row in new["types"]:
            if row["type"] not in self.wanted:
                self.changes.append(Change("removed", self.file, row["type"], row_words(row), None, "botocore"))
        new["types"] = [row for row in new["types"] if row["type"] in self.wanted]

    def _compare(self, new: dict[str, Any]) -> None:
        undescribed = []
        described: list[tuple[str, Ec2Type]] = []
        for row in new["types"]:
            name = row["type"]
            transform = name in self.service.transform
            if bool(row.get("transform")) is not transform:
                self._change(f"{name} transform", not transform, transform, "botocore")
                row.pop("transform", None)
                if transform:
                    row["transform"] = True
            ec2 = self.ec2.get(_ec2_name(name))
            if ec2 is None:
                undescribed.append(name)
                continue
            described.append((name, ec2))
            for field, value in (("vcpus", ec2.vcpus), ("memory_mib", ec2.memory_mib)):
                self._set(row, field, field, value, name)
            if not self._no_device_count(row, ec2):
                self._set(row, "accelerator_count", "accelerator_count", ec2.count, name)
        if undescribed and self.asked:
            reason = "not in EC2's description; kept as written"
            self.changes.append(Change("kept", self.file, f"hand-found {listing(undescribed)}", reason=reason))
        self._compare_family(new, described)

    def _no_device_count(self, row: Mapping[str, Any], ec2: Ec2Type) -> bool:
        return ec2.count == 0 and row.get("accelerator_count", 0) == 0

    def _compare_family(self, new: dict[str, Any], described: list[tuple[str, Ec2Type]]) -> None:
        if not described:
            return
        first = described[0][1]
        rows = [ec2 for _, ec2 in described]
        if new["architecture"] not in first.architectures:
            value = "x86_64" if "x86_64" in first.architectures else first.architectures[0]
            self._set(new, "architecture", "architecture", value)
        accelerator = new["accelerator"]
        self._set(accelerator, "kind", "accelerator.kind", first.kind)
        if first.kind == "cpu":
            return
        if len({(r.kind, r.name, r.memory_mib_each) for r in rows}) > 1:
            self._unresolved(f"accelerator of {self.family}", "EC2 describes several in one family")
            return
        self._set(accelerator, "memory_mib_each", "accelerator.memory_mib_each", first.memory_mib_each)
        known = self.known_accelerators.get(first.kind)
        is_strange = known is not None and first.name not in known and accelerator.get("name") != first.name
        if is_strange and correction_for(self.corrections, "accelerator.name") is None:
            reason = f"EC2 says {first.name}, which no accelerator file describes"
            self._unresolved(f"accelerator.name {accelerator.get('name')}", reason)
            return
        self._set(accelerator, "name", "accelerator.name", first.name)

    def _set(self, holder: dict[str, Any], key: str, field: str, value: object, row: str | None = None) -> None:
        """Take a value of EC2's, unless a correction stands against it."""
        ours = holder.get(key, 0 if key == "accelerator_count" else None)
        correction = correction_for(self.corrections, field, row)
        item = f"{row} {field}" if row else field
        if correction is not None:
            self.changes.append(judge_correction(correction, self.file, item, ours, value, "EC2"))
        elif ours != value:
            self._change(item, ours, value, "EC2")
            holder[key] = value

    def _change(self, item: str, old: object, new: object, source: str) -> None:
        self.changes.append(Change("changed", self.file, item, old, new, source))

    def _add(self, new: dict[str, Any]) -> None:
        there = {row["type"] for row in new["types"]}
        for name in sorted((n for n in self.wanted if n not in there), key=size_of):
            ec2 = self.ec2.get(_ec2_name(name))
            if ec2 is None:
                why = "EC2 does not describe it" if self.asked else "EC2 was not asked"
                self._unresolved(f"{name} is new", f"{why}; add it by hand")
                continue
            ours = new["accelerator"]
            clash = ec2.kind != ours["kind"] or (
                ec2.kind != "cpu" and (ec2.count < 1 or self._differs(ours, ec2, new["architecture"]))
            )
            if clash:
                what = f"{ec2.count} x {ec2.name} with {ec2.memory_mib_each} MiB" if ec2.name else "no accelerator"
                self._unresolved(f"{name} is new", f"EC2 describes {what}, unlike its family; add it by hand")
                continue
            row = self._row(name, ec2)
            place = next((i for i, r in enumerate(new["types"]) if size_of(r["type"]) > size_of(name)), None)
            new["types"].insert(len(new["types"]) if place is None else place, row)
            self.changes.append(Change("added", self.file, name, None, row_words(row, ours), "EC2, botocore"))

    def _differs(self, ours: Mapping[str, Any], ec2: Ec2Type, architecture: str) -> bool:
        """Whether a new type's accelerator is not its family's, corrections aside."""
        pairs = (("accelerator.memory_mib_each", "memory_mib_each", ec2.memory_mib_each),
                 ("accelerator.name", "name", ec2.name))  # fmt: skip
        for field, key, value in pairs:
            correction = correction_for(self.corrections, field)
            if value not in (ours.get(key), correction["source_says"] if correction else ours.get(key)):
                return True
        return architecture not in ec2.architectures

    def _row(self, name: str, ec2: Ec2Type) -> dict[str, Any]:
        row: dict[str, Any] = {"type": name, "vcpus": ec2.vcpus, "memory_mib": ec2.memory_mib}
        if ec2.kind != "cpu":
            row["accelerator_count"] = ec2.count
        if name in self.service.transform:
            row["transform"] = True
        return row


def _ec2_name(name: str) -> str:
    return name.removeprefix("ml.")


def row_words(row: Mapping[str, Any], accelerator: Mapping[str, Any] | None = None) -> str:
    """One type in words.

    Example:
        >>> row_words({"type": "ml.c5.large", "vcpus": 2, "memory_mib": 4096})
        '2 vCPU, 4096 MiB, no price known'
    """
    parts = [f"{row['vcpus']} vCPU", f"{row['memory_mib']} MiB"]
    if row.get("accelerator_count"):
        what = f" x {accelerator['name']}" if accelerator and accelerator.get("name") else " devices"
        parts.append(f"{row['accelerator_count']}{what}")
    if row.get("transform"):
        parts.append("batch transform")
    price = row.get("price_usd_hour")
    parts.append("no price known" if price is None else f"{price} USD/h")
    return ", ".join(parts)


def _refresh_amis(
    file: RegistryFile, service: ServiceModel, today: str
) -> tuple[list[Change], dict[str, Any] | None]:
    """The AMI names and their driver facts; families, notes and the choice table stay as they are."""
    changes: list[Change] = []
    data = dict(file.data)
    old: dict[str, Any] = data["amis"]
    kept = {name: dict(row) for name, row in old.items() if name in service.amis}
    changes += [Change("removed", AMIS, name, source="botocore") for name in old if name not in service.amis]
    label = next((s.split(":")[0] for s in data["provenance"]["source"] if "botocore " in s and ":" in s), "botocore")
    for name, row in kept.items():
        changes += _set_facts(row, service.amis[name].known(), name)
    for name, facts in service.amis.items():
        if name in kept:
            continue
        row = {
            "accelerator": facts.accelerator or ("neuron" if "neuron" in name else "cuda"),
            "os": next((system for start, system in SYSTEMS.items() if name.startswith(start)), "unknown"),
            **facts.known(),
            "note": "added by refresh: which families may use it is not in the API's documentation",
            "sources": [label],
        }
        kept = _insert(kept, name, row, list(service.amis))
        words = ", ".join(f"{key} {value}" for key, value in facts.known().items()) or "nothing documented"
        changes.append(Change("added", AMIS, name, None, words, "botocore"))
        reason = "choices names the AMI to take for each CUDA version by hand"
        changes.append(Change("note", AMIS, f"{name} is in no row of choices", reason=reason))
    transform = {name: dict(row) for name, row in data["transform_amis"].items()}
    for name, facts in service.transform_amis.items():
        if name in transform:
            changes += _set_facts(transform[name], {"driver_branch": facts.driver_branch}, name)
        elif facts.driver_branch is not None:
            row = {"driver_branch": facts.driver_branch}
            transform = _insert(transform, name, row, list(service.transform_amis))
            words = f"driver_branch {facts.driver_branch}"
            changes.append(Change("added", AMIS, f"transform AMI {name}", None, words, "botocore"))
    for name in transform:
        if service.transform_amis and name not in service.transform_amis:
            reason = "no longer in the documentation, which need not be complete"
            changes.append(Change("kept", AMIS, f"transform AMI {name}", reason=reason))
    if not any(c.kind in ("added", "removed", "changed") for c in changes):
        return changes, None
    line = f"{service.source}: enums and documentation of InferenceAmiVersion and TransformAmiVersion"
    prefix = "" if label == "botocore" else f"{label}: "
    first = [s for s in data["provenance"]["source"] if "botocore " in s and "InferenceAmiVersion" in s]
    mark = first[0] if first else line
    data.update(amis=kept, transform_amis=transform)
    data["provenance"] = sourced(data["provenance"], {mark: f"{prefix}{line}"}, today)
    return changes, data


def _set_facts(row: dict[str, Any], facts: Mapping[str, Any], name: str) -> list[Change]:
    changed = []
    for field, value in facts.items():
        if value is not None and row.get(field) != value:
            changed.append(Change("changed", AMIS, f"{name} {field}", row.get(field), value, "botocore"))
            row[field] = value
    return changed


def _insert(rows: dict[str, Any], name: str, row: dict[str, Any], order: list[str]) -> dict[str, Any]:
    """The rows with one more, where the source's order puts it."""
    after = set(order[: order.index(name)])
    place = max((i + 1 for i, key in enumerate(rows) if key in after), default=0)
    items = list(rows.items())
    return dict([*items[:place], (name, row), *items[place:]])
