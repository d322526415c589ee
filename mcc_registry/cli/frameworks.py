"""``frameworks``: the frameworks and model servers with their releases, or one of them in full."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING, Any

from .. import report
from ..checks.kinds import word_for
from ..errors import Finding
from ..models.kinds import accelerator_kinds
from ..models.levels import LEVEL_MEANING, LEVEL_RANK
from .console import Console
from .lookup import unknown_name
from .parsing import Parser
from .registries import load_registry
from .resolve import value_words

if TYPE_CHECKING:
    from ..registry import FrameworkEntry, Registry, ReleaseEntry

EXAMPLES = (
    "mcc-registry frameworks",
    "mcc-registry frameworks vllm",
    "mcc-registry frameworks --accelerator neuron --format json",
)

POSITIONALS = 1

REFUSED: dict[str, Any] = {"frameworks": None}


def add_arguments(parser: Parser) -> None:
    """A name and a filter."""
    parser.add_argument("name", nargs="?", metavar="NAME", help="vllm, sklearn ...")
    parser.add_argument("--accelerator", choices=accelerator_kinds(), help="only releases with such an image")


def run(args: Namespace, console: Console) -> int:
    """List or show."""
    registry = load_registry(args.registry_path)
    if args.name is None:
        rows = [summary(registry.frameworks[n], args.accelerator) for n in sorted(registry.frameworks)]
        rows = [row for row in rows if row["releases"]]
        if console.wants_json:
            console.json({"frameworks": rows, "findings": []})
        else:
            show_list(rows, console)
        return 0
    findings: list[Finding] = []
    names = [args.name] if args.name in registry.frameworks else _serving(registry, args.name)
    if not names:
        known = [*registry.frameworks, *registry.framework_names()]
        findings.append(unknown_name("framework", args.name, known, "registries/frameworks"))
    shown = [details(registry.frameworks[n], args.accelerator) for n in names]
    if console.wants_json:
        console.json({"frameworks": shown, "findings": report.to_json(findings)})
    else:
        for data in shown:
            show(data, console)
        console.findings(findings, to_err=True)
    return report.exit_status(findings)


def _serving(registry: Registry, framework: str) -> list[str]:
    """The entries that serve a framework which has no entry of its own (``transformers``)."""
    if framework not in registry.framework_names():
        return []
    return [s for s in registry.framework_servers(framework) if s in registry.frameworks]


def recommended_version(entry: FrameworkEntry) -> str | None:
    """The release ``recommended`` tries first."""
    from ..models.request import Request
    from ..resolve.releases import list_releases

    framework = entry.data.serves[0] if entry.data.serves else entry.id
    server = entry.id if framework != entry.id else None
    releases = list_releases(Request(framework=framework, model_server=server), entry).releases
    return releases[0].version if releases else None


def release_json(release: ReleaseEntry) -> dict[str, Any]:
    """One release: version, level, accelerators and images."""
    return {
        "version": release.version,
        "validation_level": release.data.validation_level,
        "released": release.data.released,
        "deprecated": release.data.deprecated,
        "builds": [
            {
                "image_source": b.source,
                "accelerator": {"type": b.accelerator.type, "version": b.accelerator.version},
                "image_arch": list(b.image_arch),
                "tag": b.tag,
                "serves_sagemaker": release.serves_sagemaker(b),
            }
            for b in release.builds
        ],
    }


def summary(entry: FrameworkEntry, accelerator: str | None = None) -> dict[str, Any]:
    """One framework with its releases."""
    from ..versions import is_stable

    releases = [release_json(entry[v]) for v in entry.versions]
    if accelerator:
        for row in releases:
            row["builds"] = [b for b in row["builds"] if b["accelerator"]["type"] == accelerator]
        releases = [row for row in releases if row["builds"]]
    return {
        "name": entry.id,
        "title": entry.data.title,
        "description": entry.data.description,
        "serves": list(entry.data.serves),
        "model_servers": list(entry.data.model_servers),
        "newest": next((v for v in entry.versions if is_stable(v)), entry.versions[0]),
        "recommended": recommended_version(entry),
        "file": entry.file,
        "releases": releases,
    }


def details(entry: FrameworkEntry, accelerator: str | None = None) -> dict[str, Any]:
    """One framework with profiles and parameters."""
    data = summary(entry, accelerator)
    data["profiles"] = {
        name: {
            "title": p.title,
            "description": p.description,
            "versions": p.versions,
            "settings": {n: {"value": s.value, "reason": s.reason} for n, s in p.settings.items()},
        }
        for name, p in entry.data.profiles.items()
    }
    data["parameters"] = [
        {
            "name": p.canonical or p.name,
            "env_var": p.env,
            "type": p.type,
            "default": p.default,
            "since": p.since,
            "until": p.until,
        }
        for p in entry.data.parameters
    ]
    return data


def _accelerators(row: dict[str, Any]) -> str:
    found = [
        f"{word_for(b['accelerator']['type'])} {b['accelerator']['version'] or ''}".strip() for b in row["builds"]
    ]
    return ", ".join(dict.fromkeys(found))


def show_list(rows: list[dict[str, Any]], console: Console) -> None:
    """All frameworks, one line each."""
    table = [
        (r["name"], ", ".join(r["serves"]), r["newest"], r["recommended"], len(r["releases"]), r["title"])
        for r in rows
    ]
    console.table(("name", "serves", "newest", "recommended", "releases", "title"), table, right=(4,))


def show(data: dict[str, Any], console: Console) -> None:
    """One framework in full."""
    console.text(f"{console.paint(data['name'], 'bold')}: {data['title']}")
    console.text("\n".join(report.wrap(data["description"], console.width, "  ")))
    rows = [("serves", ", ".join(data["serves"])), ("model servers", ", ".join(data["model_servers"]))]
    rows += [("recommended", data["recommended"]), ("newest", data["newest"]), ("file", data["file"])]
    console.pairs(rows, "  ")
    console.heading("Releases")
    table = []
    for r in data["releases"]:
        sources = ", ".join(dict.fromkeys(b["image_source"] for b in r["builds"]))
        table.append((f"  {r['version']}", r["validation_level"], sources or "-", _accelerators(r)))
    console.table(("  version", "level", "images", "accelerator"), table)
    for level in sorted({r["validation_level"] for r in data["releases"]}, key=LEVEL_RANK.__getitem__):
        console.text("\n".join(report.wrap(LEVEL_MEANING[level], console.width, f"  {level}: ", "      ")))
    if data["profiles"]:
        console.heading("Profiles")
        for name, p in data["profiles"].items():
            settings = ", ".join(f"{n}={value_words(s['value'])}" for n, s in p["settings"].items())
            console.text("\n".join(report.wrap(f"{p['title']}: {settings}", console.width, f"  {name}  ", "      ")))
    if data["parameters"]:
        console.heading("Parameters")
        parameters = [(f"  {p['name']}", p["type"], _default(p["default"])) for p in data["parameters"]]
        console.table(("  parameter", "type", "engine's default"), parameters)
    console.text()


def _default(value: object) -> str:
    return "-" if value is None else value_words(value)
