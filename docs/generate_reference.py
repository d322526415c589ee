"""Write docs/registry-reference.md from the models of the registry files: ``python docs/generate_reference.py``.

Keys, types and defaults come from the JSON Schemas; what a key means comes from the "Attributes:" part of its model's
docstring. A test says when the page is not current.
"""

from __future__ import annotations

import inspect
import re
import sys
from pathlib import Path
from typing import Any

from mcc_registry.checks.kinds import Checker
from mcc_registry.loading.kinds import KINDS
from mcc_registry.loading.schemas import schema_for

PAGE = Path(__file__).parent / "registry-reference.md"
PLACES = {
    "framework": "registries/frameworks/NAME.yaml",
    "model_family": "registries/models/FAMILY.yaml",
    "instance_family": "registries/instances/FAMILY.yaml",
    "devices": "registries/accelerators/KIND.yaml",
    "policy": "policy.yaml of a private registry",
    "regions": "registries/regions.yaml",
}
HEAD = """# Registry reference

Every kind of registry file with its keys. A key without a default is required. Unknown and duplicate keys are faults, versions and
dates are quoted, and YAML anchors are not allowed. In a [private registry](private-registries.md) nothing is required and `null`
removes. `mcc-registry schema KIND` prints the JSON Schema.

This page is written by `python docs/generate_reference.py` from the models in `mcc_registry/models`.
"""


def meanings(text: str) -> tuple[str, dict[str, str]]:
    """The first paragraph of a docstring, and what it says of each attribute."""
    intro, _, rest = inspect.cleandoc(text or "").partition("Attributes:")
    rest = re.split(r"\n(?=\S)", rest)[0]
    found: dict[str, str] = {}
    names: list[str] = []
    for line in inspect.cleandoc(rest).splitlines():
        entry = re.match(r"([\w/]+): (.*)", line)
        if entry:
            names = entry.group(1).split("/")
            for name in names:
                found[name] = entry.group(2)
        elif line.startswith(" "):
            for name in names:
                found[name] += " " + line.strip()
    return " ".join(intro.split("\n\n")[0].split()).replace("``", "`"), found


def type_of(schema: dict[str, Any]) -> str:
    """The type of a key in words; a link for a row that has a table of its own."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return ", ".join(f"`{v}`" for v in schema["enum"])
    if "anyOf" in schema:
        kinds = dict.fromkeys(type_of(s) for s in schema["anyOf"] if s.get("type") != "null")
        return "any value" if len(kinds) > 4 else " or ".join(kinds)
    if schema.get("type") == "array":
        return f"list of {type_of(schema.get('items', {}))}"
    if schema.get("type") == "object":
        values = schema.get("additionalProperties") or next(iter(schema.get("patternProperties", {}).values()), None)
        return f"map to {type_of(values)}" if isinstance(values, dict) else "map"
    words = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true/false"}
    return words.get(schema.get("type", ""), "any value")


def default_of(name: str, schema: dict[str, Any], required: list[str]) -> str:
    """The default as YAML; empty for a required key."""
    if name in required or schema.get("default") is None:
        return "" if name in required else "none"
    value = schema["default"]
    words = {"[]": "empty", "{}": "empty", "True": "`true`", "False": "`false`"}
    return words.get(str(value), f"`{value}`")


def table(schema: dict[str, Any]) -> list[str]:
    """The keys of one model."""
    intro, found = meanings(schema.get("description", ""))
    lines = [intro, "", "| key | type | default | meaning |", "|---|---|---|---|"]
    for name, value in schema.get("properties", {}).items():
        text = found.get(name, "").replace("``", "`").replace("|", "\\|")
        lines.append(
            f"| `{name}` | {type_of(value)} | {default_of(name, value, schema.get('required', []))} | {text} |"
        )
    return [*lines, ""]


def reference() -> str:
    """The text of the page."""
    lines = [HEAD]
    rows: dict[str, dict[str, Any]] = {}
    for kind in KINDS:
        schema = schema_for(kind)
        place = PLACES.get(kind, f"registries/accelerators/{kind}.yaml")
        lines += [f"## {kind}", "", f"File: `{place}`.", "", *table(schema)]
        rows |= schema.get("$defs", {})
    lines += ["# Rows", ""]
    for name in sorted(rows):
        lines += [f"## {name}", "", *table(rows[name])]
    lines += ["# Code", "", "## A kind of accelerator", "", *checker()]
    return "\n".join(lines).rstrip() + "\n"


def checker() -> list[str]:
    """What a class in ``mcc_registry/checks/kinds`` can say."""
    _, found = meanings(Checker.__doc__ or "")
    methods = [
        (f"{name}()", member)
        for name, member in vars(Checker).items()
        if inspect.isfunction(member) and member.__doc__
    ]
    lines = [
        "Each file of `mcc_registry/checks/kinds` holds a subclass of `Checker` and `CHECKER = ` an object of it "
        "([a walk](registry-contribution.md#a-new-kind-of-accelerator)).",
        "",
        "| member | meaning |",
        "|---|---|",
        *(f"| `{name}` | {text.replace('``', '`')} |" for name, text in found.items()),
    ]
    for name, member in methods:
        text = re.sub(r":\w+:`~?([^`]+)`", r"`\1`", inspect.getdoc(member) or "")
        lines.append(f"| `{name}` | {' '.join(text.split()).replace('``', '`')} |")
    return [*lines, ""]


if __name__ == "__main__":
    sys.stdout.write("current\n" if PAGE.is_file() and PAGE.read_text() == reference() else "rewritten\n")
    PAGE.write_text(reference(), encoding="utf-8")
