"""The arithmetic answers what it answered when recorded, to four digits and with the same reasons.

A record, no truth table: what is right is said by ``tests/cases/memory.json`` and the laws. It is here so that no change of
a figure goes unnoticed. After a deliberate change: ``python -m tests.unit.sizing.test_recorded`` and read the diff.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from mcc_registry.sizing import EngineMemory, FitResult, cache_dtype_bytes, kv_bytes_per_token
from tests.unit.sizing import memory_cases as cases

RECORD = Path(__file__).with_name("recorded.json")
VARIATIONS: dict[str, dict[str, Any]] = {
    "as asked": {},
    "int8": {"quantization": "int8"},
    "int4": {"quantization": "int4"},
    "fp8": {"quantization": "fp8", "kv_cache_dtype": "fp8"},
    "awq": {"quantization": "awq"},
    "gptq": {"quantization": "gptq"},
    "mxfp4": {"quantization": "mxfp4"},
    "nvfp4": {"quantization": "nvfp4"},
    "float32": {"dtype": "float32", "kv_cache_dtype": "float32"},
    "float16": {"dtype": "float16", "kv_cache_dtype": "auto"},
    "short": {"max_model_len": 2048, "engine_max_num_seqs": 4, "max_num_seqs": 4},
    "full context": {"max_model_len": None, "engine_max_num_seqs": None, "gpu_memory_utilization": None},
    "two ranks": {"tensor_parallel_size": 2, "gpu_memory_utilization": 0.8},
}
ENGINES = {
    "vllm 0.8": EngineMemory("vllm", (0, 8, 5)),
    "vllm 0.30": EngineMemory("vllm", (0, 30, 0)),
    "sglang": EngineMemory("sglang", (0, 5, 10)),
    "other": EngineMemory("lmi", None),
}


def rows() -> dict[str, dict[str, Any]]:
    """A spread of the rows of the truth tables: one for each model and device."""
    found: dict[tuple[str, str, int], dict[str, Any]] = {}
    for row in [*cases.load_cases("measurements"), *cases.load_cases("out_of_memory")]:
        if row["shape"]:
            shape = json.dumps(row["shape"], sort_keys=True)
            found.setdefault((shape, row["device"]["name"], row["device"]["count"]), row)
    return {row["id"]: row for row in found.values()}


def figures(result: FitResult) -> dict[str, Any]:
    """What a verdict says, rounded."""

    def short(value: float | None) -> float | None:
        return None if value is None else float(f"{value:.4g}")

    return {
        "fits": result.fits,
        "required": short(result.required_gib),
        "parts": [short(v) for v in (result.weights_gib, result.kv_cache_gib, result.overhead_gib)],
        "available": short(result.available_gib),
        "interval": None if result.interval_gib is None else [short(v) for v in result.interval_gib],
        "most": [result.max_model_len, result.max_num_seqs],
        "reasons": hashlib.sha256(repr([(r.text, r.source) for r in result.reasons]).encode()).hexdigest()[:12],
    }


def answers_of(row: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, changes in VARIATIONS.items():
        found[name] = figures(cases.ask(row, **changes))
    for name, engine in ENGINES.items():
        other = {**row, "engine": {"name": engine.name, "version": list(engine.version or ()) or None,
                                   "enforce_eager": name == "other", "max_num_batched_tokens": None}}  # fmt: skip
        found[name] = figures(cases.ask(other, engine_max_num_seqs=None))
    return found


ROWS = rows()


def written(answers: dict[str, Any]) -> dict[str, Any]:
    """The answers of a row as recorded: values in the order of the columns, or the name of an earlier equal answer."""
    names: dict[str, str] = {}
    return {
        name: list(answer.values()) if (first := names.setdefault(json.dumps(answer), name)) == name else first
        for name, answer in answers.items()
    }


def read(columns: list[str], answers: dict[str, Any]) -> dict[str, Any]:
    """The answers that were `written`, in full."""
    values = {name: answers[answer] if isinstance(answer, str) else answer for name, answer in answers.items()}
    return {name: dict(zip(columns, answer, strict=True)) for name, answer in values.items()}


@pytest.fixture(scope="module")
def record() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(RECORD.read_text(encoding="utf-8"))
    return {name: read(found["columns"], answers) for name, answers in found["rows"].items()}


@pytest.mark.parametrize("name", sorted(ROWS))
def test_the_figures_are_the_recorded_ones(name: str, record: dict[str, Any]) -> None:
    assert answers_of(ROWS[name]) == record[name]


def test_the_record_has_no_row_too_many(record: dict[str, Any]) -> None:
    assert set(record) == set(ROWS)


@pytest.mark.parametrize(
    ("cache", "dtype", "size"),
    [
        ("float32", "bfloat16", 4.0), ("float16", "float32", 2.0), ("fp8", "bfloat16", 1.0), ("fp8_e5m2", None, 1.0),
        ("int8", "float32", 1.0), ("auto", "float32", 4.0), (None, "float32", 4.0), ("auto", "bfloat16", 2.0),
        (None, None, 2.0),
    ],
)  # fmt: skip
def test_bytes_of_a_cache_entry(cache: str | None, dtype: str | None, size: float) -> None:
    assert cache_dtype_bytes(cache, dtype) == size


def test_bytes_per_token_is_layers_times_heads_times_two() -> None:
    """32 layers, 8 heads of 128, keys and values, two bytes: 131,072 bytes. Source: the formula of facts/memory.md."""
    shape = cases.ModelShape(num_layers=32, num_kv_heads=8, head_dim=128, num_attention_heads=32, hidden_size=4096, attention_kind="gqa")  # fmt: skip
    assert kv_bytes_per_token(shape) == 131072


def main() -> None:
    rows = {name: answers_of(row) for name, row in sorted(ROWS.items())}
    columns = list(next(iter(next(iter(rows.values())).values())))
    lines = (
        f" {json.dumps(row)}: {{\n"
        + ",\n".join(f"  {json.dumps(name)}: {json.dumps(answer)}" for name, answer in written(answers).items())
        + "}"
        for row, answers in rows.items()
    )
    text = f'{{"columns": {json.dumps(columns)},\n"rows": {{\n' + ",\n".join(lines) + "}}\n"
    RECORD.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
