"""What the tests of the core rooms share: asking, looking at findings, and small layers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mcc_registry import Finding, Plan, Registry, Request, resolve

TOKEN = "hf_" + "aBcDeFgHiJkLmNoPqRsTuVwXyZ0123"
"""Looks like a Hugging Face token and is none."""

KEYS = {
    "ok", "request", "framework", "model", "instance_type", "inference_ami_version", "base_image", "price_usd_hour",
    "price_basis", "settings", "env_vars", "sources", "findings",
}  # fmt: skip
"""The keys of the contract of ``resolve --format json`` (design.md section 5)."""

SOURCES = [
    "Generator_Default", "Framework_Registry", "Framework_Profile", "HuggingFace_Hub_API", "Model_Registry",
    "Model_Profile", "User_Input",
]  # fmt: skip
"""The seven sources, lowest precedence first (design.md section 3)."""


def ask(registry: Registry, hub: Any = None, **answers: Any) -> Plan:
    return resolve(Request(**answers), registry, hub=hub)


def named(findings: Any, name: str) -> list[Finding]:
    return [f for f in getattr(findings, "findings", findings) if f.name == name]


def one(findings: Any, name: str) -> Finding:
    """The only finding of a rule."""
    found = named(findings, name)
    assert len(found) == 1, (name, [(f.name, f.message) for f in getattr(findings, "findings", findings)])
    return found[0]


def errors(findings: Any) -> list[str]:
    return [f.name for f in getattr(findings, "findings", findings) if f.severity == "error"]


def severities(findings: Any, name: str) -> list[str]:
    return [f.severity for f in named(findings, name)]


def layered(folder: Path, **files: str) -> Registry:
    """The shipped registries under a layer; ``instances__g6`` is ``instances/g6.yaml``."""
    for name, text in files.items():
        path = folder / f"{name.replace('__', '/')}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return Registry.load(folder, environ={})
