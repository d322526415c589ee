"""Write tests/adapters/options.json: the option names of each engine, by release, from the facts about engines.

Run by a person when the facts change, never by a test:

    python tests/adapters/make_data.py PATH/TO/engines.yaml

The file says which options a release knows. The stand-in engine reads it and fails on every other option. This
script reads the facts itself and imports nothing of mcc_registry, so it cannot repeat a mistake made there.
"""

import json
import sys
from pathlib import Path
from typing import Any

import yaml

ENGINES = {"vllm": "vllm", "sglang": "sglang", "tensorrt_llm": "tensorrt-llm"}
TAKES = {"bool": "switch and --no-switch", "flag": "switch", "list": "values", "int": "int", "float": "float"}


def options(engine: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return flag -> what it takes and the releases that know it."""
    found: dict[str, dict[str, Any]] = {}
    for row in engine["parameters"]:
        if not row["flag"].startswith("--"):
            continue
        names = [row["flag"], *(name for name in row.get("aliases", []) if name.startswith("--"))]
        found[row["flag"]] = {
            "names": names,
            "takes": TAKES.get(row["type"], "json" if row["type"] == "json" else "value"),
            "since": row.get("since"),
            "removed_in": row.get("removed_in"),
        }
    for row in engine.get("removed_parameters", []):
        if row["flag"] in found:
            found[row["flag"]]["removed_in"] = row["removed_in"]
        else:
            found[row["flag"]] = {
                "names": [row["flag"]],
                "takes": "anything",
                "since": row.get("since"),
                "removed_in": row["removed_in"],
            }
    return found


def main() -> None:
    source = Path(sys.argv[1])
    facts = yaml.safe_load(source.read_text(encoding="utf-8"))
    tables = []
    for key, name in ENGINES.items():
        engine = facts[key]
        releases = [row["version"] for row in engine["versions"]]
        if key == "tensorrt_llm":
            releases.reverse()  # the facts list them newest first
        rows = options(engine)
        for flag, row in rows.items():
            for version in (row["since"], row["removed_in"]):
                if version is not None and version not in releases:
                    sys.exit(f"{name} {flag}: {version} is not a listed release")
        said = {flag: {k: v for k, v in row.items() if v is not None} for flag, row in sorted(rows.items())}
        lines = ",\n".join(f"   {json.dumps(flag)}: {json.dumps(row)}" for flag, row in said.items())
        tables.append(
            f" {json.dumps(name)}: {{\n"
            f'  "source": "facts/engines.yaml {key}: parameters, removed_parameters '
            f"({', '.join(engine['sources'])}); "
            f'facts as of {facts["meta"]["data_as_of"][:10]}",\n'
            f'  "releases": {json.dumps(releases)},\n'
            f'  "options": {{\n{lines}\n  }}\n'
            " }"
        )
    text = "{\n" + ",\n".join(tables) + "\n}\n"
    json.loads(text)
    Path(__file__).with_name("options.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
