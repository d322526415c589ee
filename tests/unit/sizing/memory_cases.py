"""The memory truth tables, and how a row of them becomes a call."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mcc_registry.sizing import DeviceMemory, EngineMemory, FitResult, ModelShape, estimate_fit

CASES = Path(__file__).parents[2] / "cases"
TABLES: dict[str, dict[str, Any]] = json.loads((CASES / "memory.json").read_text(encoding="utf-8"))


def load_models() -> list[dict[str, Any]]:
    """Every model of the facts: its bytes per token, its shape without them, and whether the formula gives them."""
    table = TABLES["models"]
    models = []
    for row in table["rows"]:
        values = dict(zip(table["columns"], row, strict=True))
        head = {name: values.pop(name) for name in ("id", "kv_bytes_per_token_bf16", "formula_gives_it")}
        shape = {name: value for name, value in values.items() if value is not None}
        models.append({**head, "shape_without_figure": shape, "fact": table["fact"].format(**head)})
    return models


def load_cases(name: str) -> list[dict[str, Any]]:
    """The rows of a table in full: every key, the shape that ``shape_of`` names, and the fact."""
    table, models = TABLES[name], by_id(load_models())
    cases = []
    for row in table["rows"]:
        case = {**dict.fromkeys(table["keys"]), **row}
        case["fact"] = table["fact"].format(id=case["id"], source=case.pop("source"))
        model = models.get(case["shape_of"])
        case["shape"] = model and {**model["shape_without_figure"], **figure_of(model)}
        cases.append(case)
    return cases


def figure_of(model: dict[str, Any]) -> dict[str, int]:
    """A model's bytes per token as its shape has them: nothing when the facts give none."""
    figure = model["kv_bytes_per_token_bf16"]
    return {} if figure is None else {"kv_bytes_per_token_bf16": figure}


def by_id(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in rows}


def device_of(row: dict[str, Any]) -> DeviceMemory:
    device = row["device"]
    return DeviceMemory(device["memory_mib"], device["name"], device["count"])


def engine_of(row: dict[str, Any], version: tuple[int, ...] | None = None) -> EngineMemory:
    engine = row["engine"]
    stated = tuple(engine["version"]) if engine["version"] else None
    return EngineMemory(engine["name"], version or stated, engine["enforce_eager"], engine["max_num_batched_tokens"])


def ask(row: dict[str, Any], *, version: tuple[int, ...] | None = None, **changes: Any) -> FitResult:
    """The verdict for a row's question; `version` and keyword arguments change the question."""
    arguments = {
        "tensor_parallel_size": row["tensor_parallel_size"],
        "pipeline_parallel_size": row["pipeline_parallel_size"],
        "max_model_len": row["max_model_len"],
        "engine_max_num_seqs": row["max_num_seqs"],
        "dtype": row["dtype"],
        "quantization": row["quantization"],
        "kv_cache_dtype": row["kv_cache_dtype"],
        "gpu_memory_utilization": row["gpu_memory_utilization"],
    } | changes
    return estimate_fit(ModelShape(**row["shape"]), device_of(row), engine_of(row, version), **arguments)
