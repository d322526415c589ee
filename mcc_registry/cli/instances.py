"""``instances``: SageMaker endpoint instance types with accelerators and prices."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from .. import report
from ..errors import Finding
from ..models.kinds import instance_kinds
from .console import Console, money, price
from .lookup import unknown_name
from .parsing import Parser, positive, real
from .registries import load_registry
from .resolve import BILLING, priced

if TYPE_CHECKING:
    from ..registry import Instance, Registry

EXAMPLES = (
    "mcc-registry instances --accelerator cuda --max-price 2",
    "mcc-registry instances --accelerator cuda --min-accelerator-memory-gib 80",
    "mcc-registry instances ml.g6.xlarge --format json",
)

POSITIONALS = 1

REFUSED: dict[str, Any] = {"instances": None}


def add_arguments(parser: Parser) -> None:
    """A type and filters."""
    parser.add_argument("type", nargs="?", metavar="TYPE", help="ml.g6.xlarge")
    parser.add_argument("--accelerator", choices=instance_kinds(), help="only types with this kind of accelerator")
    usd = real(0, 1_000_000, "a price in USD per hour above 0")
    parser.add_argument("--max-price", metavar="P", type=usd, help="EC2 price in USD per hour, at most")
    parser.add_argument("--min-memory-gib", metavar="M", type=positive, help="memory of the host, at least")
    parser.add_argument(
        "--min-accelerator-memory-gib", metavar="M", type=positive, help="memory of all accelerators, at least"
    )
    parser.add_argument("--arch", choices=("x86_64", "arm64"), help="only this CPU architecture")


def run(args: Namespace, console: Console) -> int:
    """List or show."""
    registry = load_registry(args.registry_path)
    findings: list[Finding] = []
    if args.type is not None:
        found = registry.find_instance(args.type)
        rows = [] if found is None else [instance_json(found)]
        if found is None:
            from ..checks.compat import nearest_type

            near = nearest_type(args.type, registry)
            findings.append(unknown_name("type", args.type, registry.instances, "registries/instances", near))
    else:
        rows = [instance_json(i) for i in listed(registry, args)]
    if console.wants_json:
        console.json({"instances": rows, "findings": report.to_json(findings)})
    elif args.type is not None:
        for row in rows:
            show(row, console)
        console.findings(findings, to_err=True)
    else:
        table = [(r["type"], r["vcpus"], r["memory_gib"], _accelerator(r), price(r["price_usd_hour"])) for r in rows]
        console.table(("type", "vCPU", "GiB", "accelerator", "USD/h"), table, right=(1, 2, 4))
        console.note(f"{len(rows)} types; prices are EC2's: {BILLING}")
    return report.exit_status(findings)


def listed(registry: Registry, args: Namespace) -> Iterator[Instance]:
    """The types that pass the filters, cheapest first, unpriced last."""
    kinds = (args.accelerator,) if args.accelerator else instance_kinds()
    rows = [i for kind in kinds for i in registry.instances_by_price(kind)]
    for row in sorted(rows, key=lambda i: (i.price_usd_hour is None, i.price_usd_hour or 0.0, i.type)):
        if args.max_price is not None and (row.price_usd_hour is None or row.price_usd_hour > args.max_price):
            continue
        if args.min_memory_gib is not None and row.memory_mib < args.min_memory_gib * 1024:
            continue
        each = row.accelerator_memory_mib or 0
        needed = args.min_accelerator_memory_gib
        if needed is not None and each * row.accelerator_count < needed * 1024:
            continue
        if args.arch is None or row.architecture == args.arch:
            yield row


def instance_json(instance: Instance) -> dict[str, Any]:
    """One type."""
    each = instance.accelerator_memory_mib
    return {
        "type": instance.type,
        "family": instance.family,
        "architecture": instance.architecture,
        "vcpus": instance.vcpus,
        "memory_gib": round(instance.memory_mib / 1024, 2),
        "memory_mib": instance.memory_mib,
        "accelerator": {
            "kind": instance.accelerator_kind,
            "name": instance.accelerator_name,
            "count": instance.accelerator_count,
            "memory_gib_each": None if each is None else round(each / 1024, 2),
            "memory_mib_each": each,
        },
        "price_usd_hour": instance.price_usd_hour,
        "price_basis": instance.price_basis,
        "batch_transform": instance.transform,
        "legacy": instance.legacy,
        "local_nvme": instance.local_nvme,
        "disputed": instance.disputed,
        "file": instance.file,
    }


def _accelerator(row: dict[str, Any]) -> str:
    a = row["accelerator"]
    if not a["count"]:
        return "-"
    memory = f" {a['memory_gib_each']:g} GiB" if a["memory_gib_each"] is not None else ""
    return f"{a['count']} x {a['name']}{memory}"


def show(row: dict[str, Any], console: Console) -> None:
    """One type."""
    console.text(console.paint(row["type"], "bold"))
    cost, each = row["price_usd_hour"], row["accelerator"]["memory_mib_each"]
    exact = f" ({each} MiB)" if each is not None else ""
    rows: list[tuple[str, object]] = [
        ("CPU", f"{row['vcpus']} vCPU, {row['architecture']}"),
        ("memory", f"{row['memory_gib']:g} GiB ({row['memory_mib']} MiB)"),
        ("accelerator", _accelerator(row) + exact if row["accelerator"]["count"] else "none"),
        ("price", priced(cost, row["price_basis"]) if cost is not None else money(None)),
        ("batch transform", "yes" if row["batch_transform"] else "no"),
        ("legacy", row["legacy"]),
        ("disputed", row["disputed"]),
        ("file", row["file"]),
    ]
    console.pairs(rows, "  ")
