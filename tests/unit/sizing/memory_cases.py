"""The memory truth tables, and how a row of them becomes a call."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mcc_registry.sizing import DeviceMemory, EngineMemory, FitResult, ModelShape, estimate_fit

CASES = Path(__file__).parents[2] / "cases" / "memory"


def load_cases(name: str) -> list[dict[str, Any]]:
    return json.loads((CASES / f"{name}.json").read_text(encoding="utf-8"))


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
