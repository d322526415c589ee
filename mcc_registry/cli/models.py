"""``models``: the model families, or everything known of one model."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING, Any

from .. import report
from ..errors import Finding, printable
from .console import Console, gib
from .lookup import unknown_name
from .parsing import Parser
from .registries import load_registry
from .resolve import value_words

if TYPE_CHECKING:
    from ..models.model import Architecture, ModelFamily, ModelRow
    from ..registry import ModelMatch, Registry

EXAMPLES = (
    "mcc-registry models",
    "mcc-registry models qwen3",
    "mcc-registry models meta-llama/Llama-2-7b-chat-hf --format json",
)

POSITIONALS = 1

REFUSED: dict[str, Any] = {"models": None}


def add_arguments(parser: Parser) -> None:
    """A model id or a family."""
    parser.add_argument("id", nargs="?", metavar="ID", help="a Hub id, or a family such as qwen3")


def run(args: Namespace, console: Console) -> int:
    """List or show."""
    registry = load_registry(args.registry_path)
    findings: list[Finding] = []
    if args.id is None:
        families = [family_json(f, f.id, registry) for _, f in sorted(registry.models.items())]
        if console.wants_json:
            console.json({"models": families, "findings": []})
        else:
            rows = [(f["family"], len(f["models"]), len(f["patterns"]), f["title"]) for f in families]
            console.table(("family", "models", "patterns", "title"), rows, right=(1, 2))
        return 0
    if args.id in registry.models:
        family = family_json(registry.models[args.id], args.id, registry)
        if console.wants_json:
            console.json({"models": [family], "findings": []})
        else:
            show_family(family, console)
        return 0
    match = registry.find_model(args.id)
    shown = [] if match is None else [match_json(match, registry)]
    if match is None:
        ids = [row.match for f in registry.models.values() for row in f.models]
        findings.append(unknown_name("model", args.id, [*ids, *registry.models], "registries/models"))
    if console.wants_json:
        console.json({"models": shown, "findings": report.to_json(findings)})
    else:
        for data in shown:
            show_match(data, console)
        console.findings(findings, to_err=True)
    return report.exit_status(findings)


def weights_gib(architecture: Architecture | None) -> float | None:
    """The weights as published where that is known, else at 16 bit."""
    if architecture is None:
        return None
    weights = architecture.weights_gib
    return weights.get("as_shipped") or weights.get("bf16")


def figures(architecture: Architecture | None) -> dict[str, Any]:
    """Context, weights and cache figures; all null when nothing is known."""
    a = architecture
    return {
        "context": a.max_position_embeddings if a else None,
        "params_total": a.params_total if a else None,
        "weights_gib": weights_gib(a),
        "kv_bytes_per_token": a.kv_bytes_per_token_bf16 if a else None,
        "attention_heads": a.num_attention_heads if a else None,
        "attention_kind": a.attention_kind if a else None,
    }


def row_json(row: ModelRow, family: ModelFamily) -> dict[str, Any]:
    """One exact model of a family."""
    return {
        "id": row.match,
        **figures(row.architecture),
        "gated": row.gated,
        "validation_level": row.validation_level,
        "framework_compatibility": {**family.framework_compatibility, **row.framework_compatibility},
        "replaced_by": row.replaced_by,
    }


def family_json(family: ModelFamily, name: str, registry: Registry) -> dict[str, Any]:
    """A family with its models and patterns."""
    return {
        "family": name,
        "title": family.title,
        "file": registry.file_of("models", name),
        "models": [row_json(row, family) for row in family.models],
        "patterns": [{"match": row.match, "profiles": sorted(row.profiles)} for row in family.patterns],
    }


def matched_figures(match: ModelMatch, registry: Registry) -> tuple[str | None, dict[str, Any]]:
    """The profile that applies and the figures of a name; under a pattern those of the model it is like."""
    from ..resolve.facts import known_shape
    from ..sizing import estimate_weights, kv_bytes_per_token

    profile, shape = known_shape(registry, match, match.name)
    if match.row.architecture is not None or shape is None:
        return profile, {**figures(match.row.architecture), "like": None}
    weights, cache = estimate_weights(shape), kv_bytes_per_token(shape)
    known = {
        "context": shape.max_position_embeddings,
        "params_total": shape.params_total,
        "weights_gib": None if weights is None else round(weights.mid, 2),
        "kv_bytes_per_token": None if cache is None else int(cache),
        "attention_heads": shape.num_attention_heads,
        "attention_kind": shape.attention_kind,
    }
    row = match.profiles.get(profile) if profile else None
    return profile, {**known, "like": row.like if row is not None else None}


def match_json(match: ModelMatch, registry: Registry) -> dict[str, Any]:
    """Everything known of one model name, and which row says so."""
    profile, known = matched_figures(match, registry)
    row, chat = match.row, match.chat
    return {
        "id": match.name,
        "match": match.match,
        "matched": match.matched,
        "family": match.family_id,
        "file": match.file,
        "layer": match.layer,
        **known,
        "gated": row.gated,
        "license": row.license,
        "task": row.task,
        "validation_level": row.validation_level,
        "framework_compatibility": dict(match.framework_compatibility),
        "profile": profile,
        "profiles": {n: {"title": p.title, "match": list(p.match)} for n, p in match.profiles.items()},
        "settings": {
            server: match.settings(server, registry.frameworks[server].data.engine_of)
            for server in registry.framework_servers("transformers")
        },
        "chat_format": chat.format if chat else None,
        "ships_template": chat.ships_template if chat else None,
        "recommended_instance_types": list(row.recommended_instance_types),
        "replaced_by": row.replaced_by,
    }


def _words(flag: bool | None) -> str:
    return "unknown" if flag is None else "yes" if flag else "no"


def _kib(count: int | None) -> str:
    return "-" if count is None else f"{count / 1024:g}"


def show_family(data: dict[str, Any], console: Console) -> None:
    """A family with a line for each model."""
    console.text(f"{console.paint(data['family'], 'bold')}: {data['title']}")
    console.pairs([("file", data["file"]), ("patterns", ", ".join(p["match"] for p in data["patterns"]))], "  ")
    console.heading("Models")
    rows = [
        (f"  {m['id']}", m["context"], gib(m["weights_gib"]), _kib(m["kv_bytes_per_token"]), _words(m["gated"]))
        for m in data["models"]
    ]
    console.table(("  id", "context", "weights GiB", "KV KiB/token", "gated"), rows, right=(1, 2, 3))


def show_match(data: dict[str, Any], console: Console) -> None:
    """One model."""
    console.text(console.paint(printable(data["id"], 200), "bold"))
    compat = ", ".join(f"{n} {s}" for n, s in data["framework_compatibility"].items())
    weights = data["weights_gib"]
    cache = data["kv_bytes_per_token"]
    rows: list[tuple[str, object]] = [
        ("matched", f"{data['match']} {data['matched']} (family {data['family']})"),
        ("file", data["file"]),
        ("figures of", data["like"]),
        ("context", f"{data['context']} tokens" if data["context"] else "unknown"),
        ("weights", f"{gib(weights)} GiB" if weights else "unknown"),
        ("KV cache", f"{_kib(cache)} KiB per token" if cache is not None else "unknown"),
        ("gated", _words(data["gated"])),
        ("level", data["validation_level"]),
        ("needs", compat),
        ("chat format", data["chat_format"]),
        ("own template", _words(data["ships_template"])),
        ("profile", data["profile"]),
        ("profiles", ", ".join(data["profiles"])),
        ("instance types", ", ".join(data["recommended_instance_types"])),
        ("replaced by", data["replaced_by"]),
    ]
    console.pairs(rows, "  ")
    for server, settings in data["settings"].items():
        if settings:
            console.heading(f"Settings for {server}")
            console.pairs([(n, value_words(v)) for n, v in settings.items()], "  ")
