"""A cut of the shipped registries for recorded tables: a fixed choice of rows, at prices nobody refreshes.

A release, a model family or an instance type that is added to the registries is not in the cut, so it rewrites no
record; a row that is changed does, and the diff shows what follows from the change.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml

from mcc_registry import Finding, Registry
from tests.unit.rule_cases import ODD

AGAIN = "another answer than recorded; if that is meant: python -m tests.unit.recorded.{}, and read the diff"
"""What a failure says to whoever changed a row or a word on purpose."""

SHIPPED = Path(__file__).resolve().parents[3] / "registries"
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

RELEASES = {
    "vllm": ("0.33.0", "0.31.0", "0.30.0", "0.29.0", "0.22.1", "0.22.0", "0.20.2", "0.19.1", "0.17.0", "0.16.0",
             "0.10.2", "0.10.0", "0.8.5", "0.7.3", "0.7.2"),
    "sglang": ("0.5.23", "0.5.21", "0.5.20", "0.5.10", "0.5.5", "0.4.10"),
    "lmi": ("29.0.0", "20.0.0", "15.0.0", "0.30.0", "0.29.0", "0.28.0"),
    "djl": ("0.36.0", "0.35.0", "0.32.0"),
    "tensorrt-llm": ("1.4.0rc1", "1.2.1", "1.0.0", "0.20.0"),
    "sklearn": ("1.9.1", "1.8.0", "1.5.2"),
    "xgboost": ("3.2.0", "3.0.5", "2.1.4"),
    "tensorflow": ("2.21.0", "2.20.0", "2.18.1"),
}  # fmt: skip
FAMILIES = (
    "c7g", "c8g", "dl1", "g4dn", "g5", "g6", "g6e", "g7", "g7e", "inf1", "inf2", "m5", "p2", "p3", "p4d", "p5", "p5e",
    "p6-b200", "p6-b300", "p6e-gb200", "t2", "trn1", "trn2",
)  # fmt: skip
SIZES = ("medium", "large", "xlarge", "2xlarge", "3xlarge", "4xlarge", "8xlarge", "12xlarge", "16xlarge", "24xlarge",
         "32xlarge", "36xlarge", "48xlarge")  # fmt: skip
MODELS = ("bge", "deepseek-v3", "gemma-2", "gpt-oss", "llama-2", "llama-3.1", "llama-3.3", "mistral-7b", "qwen2.5-vl",
          "qwen3", "qwen3-moe", "smollm2")  # fmt: skip


def cut_framework(data: dict[str, Any]) -> None:
    """Keep the releases of the choice."""
    data["releases"] = [r for r in data["releases"] if r["version"] in RELEASES[data["id"]]]


def cut_family(data: dict[str, Any]) -> None:
    """Keep the sizes of the choice, at a toy price: 0.05 for each virtual CPU and 0.7 for each accelerator."""
    data["types"] = [t for t in data["types"] if t["type"].rpartition(".")[2] in SIZES]
    for row in data["types"]:
        if row.get("price_usd_hour") is not None:
            row["price_usd_hour"] = round(0.05 * row["vcpus"] + 0.7 * row.get("accelerator_count", 0), 2)
    if "price" in data:
        data["price"] = {
            **data["price"],
            "region": "us-east-1",
            "date": "2026-01-31",
            "basis": "toy",
            "source": "toy",
        }


def write_cut(folder: Path) -> Path:
    """Write the cut as a folder of registries."""
    chosen = {
        "frameworks": (RELEASES, cut_framework), "instances": (FAMILIES, cut_family), "models": (MODELS, None),
    }  # fmt: skip
    for kind, (names, change) in chosen.items():
        (folder / kind).mkdir(parents=True)
        for name in names:
            data = yaml.load((SHIPPED / kind / f"{name}.yaml").read_text(encoding="utf-8"), Loader=LOADER)
            if change is not None:
                change(data)
            (folder / kind / f"{name}.yaml").write_text(json.dumps(data, indent=1, default=str), encoding="utf-8")
    shutil.copytree(SHIPPED / "accelerators", folder / "accelerators")
    shutil.copytree(SHIPPED / "chat_templates", folder / "chat_templates")
    shutil.copy(SHIPPED / "regions.yaml", folder)
    return folder


class Cut:
    """The cut alone (``""``) and under each of some layers, every combination loaded once.

    Attributes:
        folder: where its files are.
        layers: layer name to its files; ``instances__g6`` is ``instances/g6.yaml``.
    """

    def __init__(self, folder: Path, layers: Mapping[str, Mapping[str, str]]) -> None:
        self.folder = folder
        self.layers = {"": {}, "odd": ODD, **layers}
        self._loaded: dict[str, Registry] = {}

    def load(self) -> None:
        """Write and load everything."""
        root = write_cut(self.folder / "cut")
        for name, files in self.layers.items():
            for file, text in files.items():
                path = self.folder / name / f"{file.replace('__', '/')}.yaml"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
            self._loaded[name] = Registry.load([self.folder / name] if name else [], root=root, environ={})

    def __getitem__(self, layer: str) -> Registry:
        return self._loaded[layer]

    def plain(self, data: Any) -> Any:
        """Data for a record: as JSON would have it, with the name of the folder left out."""
        text = json.dumps(shortened(data), default=str)
        return without_empty(json.loads(text.replace(f"{self.folder}/", "")))


def shortened(data: Any) -> Any:
    """Data with texts above 400 characters cut: the beginning, the length, and a digest of the whole."""
    if isinstance(data, dict):
        return {key: shortened(value) for key, value in data.items()}
    if isinstance(data, (list, tuple)):
        return [shortened(value) for value in data]
    if isinstance(data, str) and len(data) > 400:
        digest = sha256(data.encode("utf-8", "surrogatepass")).hexdigest()[:12]
        return f"{data[:40]}... {len(data)} characters, {digest}"
    return data


def without_empty(data: Any) -> Any:
    """A mapping without its parts that are None or hold nothing."""
    return {k: v for k, v in data.items() if v is not None and v != [] and v != {}}


def shown(finding: Finding) -> list[str]:
    """A finding in lines: what it is, its words, its hint, and each fact with its place."""
    return [
        f"{finding.code} {finding.severity} {finding.field} {finding.name} {finding.source}",
        finding.message,
        finding.hint,
        *(f"{fact.text} | {fact.file} | {fact.key}" for fact in finding.facts),
    ]
