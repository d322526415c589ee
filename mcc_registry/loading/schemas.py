"""JSON Schemas of the registry files, for editors and CI; generated from the models."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..errors import UsageError, listing, nearest
from .files import write_whole
from .kinds import KINDS, LIST_KEYS

SCHEMA_FOLDER = ".schemas"


def schema_for(kind: str) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of one kind of registry file.

    Raises:
        UsageError: there is no such kind; the nearest one is named.
    """
    if kind not in KINDS:
        near = nearest(kind, KINDS)
        raise UsageError(f"no kind {kind}; " + (f"did you mean {near}?" if near else f"kinds: {listing(KINDS, 12)}"))
    schema = KINDS[kind].model.model_json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"mcc-registry/{kind}.json",
        **schema,
    }


def layer_schema_for(kind: str) -> dict[str, Any]:
    """The schema of a layer's file: nothing is required, null removes, keyed lists may be mappings."""
    schema = schema_for(kind)
    schema["$id"] = f"mcc-registry/layer/{kind}.json"
    if KINDS[kind].layer_only:
        return schema
    for definition in (schema, *schema.get("$defs", {}).values()):
        definition.pop("required", None)
        properties = definition.get("properties", {})
        for key, value in properties.items():
            if key != "kind":
                properties[key] = {"anyOf": [value, {"type": "null"}]}
    for key in LIST_KEYS.get(kind, {}):
        value = schema["properties"][key]
        row = value["anyOf"][0]["items"]
        value["anyOf"].append({"type": "object", "additionalProperties": {"anyOf": [row, {"type": "null"}]}})
    return schema


def dump_schema(schema: dict[str, Any]) -> str:
    """A schema as the text of its file."""
    return json.dumps(schema, indent=1, ensure_ascii=False, sort_keys=False) + "\n"


def write_schemas(root: Path) -> list[Path]:
    """Write the schemas beside a registry; the files that changed."""
    changed = []
    for kind in KINDS:
        path = root / SCHEMA_FOLDER / f"{kind}.json"
        text = dump_schema(schema_for(kind))
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, text.encode("utf-8"))
            changed.append(path)
    return changed
