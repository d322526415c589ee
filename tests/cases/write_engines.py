"""Write the truth table of engine releases from the project's fact files. Imports nothing of mcc_registry.

    python tests/cases/write_engines.py FACTS_FOLDER [OUTPUT_FILE]

Tests read only ``engines.json``. Each group names the key of facts/engines.yaml it comes from.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import yaml

ENTRIES = {"vllm": "vllm", "sglang": "sglang", "tensorrt-llm": "tensorrt_llm", "lmi": "lmi", "djl": "djl_serving"}
PREDICTIVE = {"sklearn": "scikit-learn", "xgboost": "xgboost", "tensorflow": "tensorflow"}


def lmi_number(row: dict[str, Any]) -> str:
    """The number LMI counts by, out of the tag."""
    found = re.search(r"-lmi(\d+\.\d+\.\d+)-", row["tag"])
    assert found is not None, row
    return found[1]


def main() -> None:
    """Read the facts, write the table."""
    engines = yaml.safe_load((Path(sys.argv[1]) / "engines.yaml").read_text(encoding="utf-8"))
    output = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(__file__).with_name("engines.json")
    releases: dict[str, Any] = {}
    for entry, key in ENTRIES.items():
        rows = engines[key]["versions"]
        names = [lmi_number(row) if entry == "lmi" else row["version"] for row in rows]
        releases[entry] = {"fact": f"engines.yaml {key}.versions", "versions": sorted(names)}
    for entry, package in PREDICTIVE.items():
        rows = [row for row in engines["plain_python"]["versions"] if row["package"] == package]
        fact = f"engines.yaml plain_python.versions[{package}]"
        releases[entry] = {"fact": fact, "versions": sorted(row["version"] for row in rows)}
    neuron = [
        {"version": row["version"], "sdk": row["neuron_sdk"], "tag": row.get("tag")}
        for row in engines["neuron_vllm"]["versions"]
    ]
    variant = engines["lmi"]["neuronx_variant"]
    tags = [row["tag"] for row in variant["versions"]] + [variant["also_seen"].split()[0]]
    table = {
        "releases": releases,
        "neuron": {
            "vllm": {"fact": "engines.yaml neuron_vllm.versions", "builds": neuron},
            "lmi": {"fact": "engines.yaml lmi.neuronx_variant", "tags": tags},
        },
    }
    output.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
