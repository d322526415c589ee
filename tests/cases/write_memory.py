"""Write the memory truth tables from the project's fact files. Imports nothing of mcc_registry.

    python tests/cases/write_memory.py FACTS_FOLDER [OUTPUT_FILE]

Tests read only ``memory.json``, never the fact files; ``tests/unit/sizing/memory_cases.py`` reads its rows in full. A model is a
row of columns; a measurement has the keys that say something (what is null is left out) and the shape of a model.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import yaml

SHAPE_FIELDS = (
    "params_total", "params_active", "num_layers", "hidden_size", "num_attention_heads", "num_kv_heads", "head_dim",
    "vocab_size", "max_position_embeddings", "default_dtype", "native_quantization", "kv_bytes_per_token_bf16",
)  # fmt: skip

SHAPE_COLUMNS = (
    *SHAPE_FIELDS[:-1], "attention_kind", "layers_with_kv_cache", "sliding_window", "full_attention_layers", "weights_gib_bf16",
    "weights_gib_fp8_estimate", "weights_gib_int4_estimate", "weights_gib_as_shipped", "multimodal",
)  # fmt: skip

# Measured under a name the model facts list differently: same shape, other release or quantised copy.
SAME_SHAPE = {
    "RedHatAI/Llama-3.3-70B-Instruct-fp8-dynamic": "meta-llama/Llama-3.3-70B-Instruct",
    "RedHatAI/Llama-3.3-70B-Instruct-FP8-dynamic": "meta-llama/Llama-3.3-70B-Instruct",
    "RedHatAI/Meta-Llama-3.1-8B-Instruct-quantized.w4a16": "meta-llama/Llama-3.1-8B-Instruct",
    "RedHatAI/Meta-Llama-3.1-8B-Instruct-quantized.w8a8": "meta-llama/Llama-3.1-8B-Instruct",
    "RedHatAI/Qwen2.5-7B-Instruct-quantized.w8a8": "Qwen/Qwen2.5-7B-Instruct",
    "meta-llama/Llama-3.1-8B": "meta-llama/Llama-3.1-8B-Instruct",
    "meta-llama/Meta-Llama-3-8B": "meta-llama/Meta-Llama-3-8B-Instruct",
    "meta-llama/Meta-Llama-3.1-8B-Instruct": "meta-llama/Llama-3.1-8B-Instruct",
    "google/gemma-7b": "google/gemma-7b-it",
    "google/gemma-4-26B-A4B": "google/gemma-4-26B-A4B-it",
    "Gemma 4 26B-A4B AWQ int4": "google/gemma-4-26B-A4B-it",
    "ibm-granite/granite-3.1-2b-instruct": "ibm-granite/granite-3.3-2b-instruct",
    "ibm-granite/granite-3.1-8b-instruct": "ibm-granite/granite-3.3-8b-instruct",
    "mistralai/Mistral-Small-3.1-24B-Instruct-2503": "mistralai/Mistral-Small-3.2-24B-Instruct-2506",
    "mistralai/Codestral-22B-v0.1": "mistralai/Mistral-Small-Instruct-2409",
    "Qwen/Qwen3-235B-A22B-FP8": "Qwen/Qwen3-235B-A22B",
    "Qwen/Qwen3.6-27B-FP8": "Qwen/Qwen3.6-27B",
    "Qwen/Qwen2.5-72B-Instruct-GPTQ-Int4": "Qwen/Qwen2.5-72B-Instruct",
    "deepseek-ai/DeepSeek-R1": "deepseek-ai/DeepSeek-R1-0528",
    "zai-org/glm-4-9b-chat": "zai-org/glm-4-9b-chat-hf",
    "8B models in 16 bit (list not stated)": "meta-llama/Llama-3.1-8B-Instruct",
}

# Memory facts' GPU names to (name, MiB) as EC2 and facts/instances.yaml give them. Cards EC2 does not sell carry
# the MiB that their class has, from nvidia_smi_mib or the nearest EC2 card.
DEVICES = {
    "H100-80GB": ("H100", 81920), "A100-80GB": ("A100", 81920), "A10G-24GB": ("A10G", 22888),
    "A10-24GB": ("A10", 22888), "L40S-48GB": ("L40S", 45776), "T4-16GB": ("T4", 16384),
    "16 GB class": ("T4", 16384), "48 GB class": ("L40S", 45776), "H200-141GB": ("H200", 144384),
    "H100-NVL-94GB": ("H100 NVL", 96256), "RTX4090-24GB": ("RTX 4090", 24576), "RTX3090-24GB": ("RTX 3090", 24576),
    "RTX-PRO-6000-96GB": ("RTX PRO 6000", 98304),
}  # fmt: skip

QUANTIZATION = (("fp8", "fp8"), ("int8", "int8"), ("int4", "int4"), ("mxfp4", "mxfp4"))

# Rows that say nothing about tokens per GiB, each with the reason the facts give.
NO_TOKEN_PRICE = {
    "vllm0.19.0-llama-3-1-8b-tp1-pp2-len8192": "pipeline stages: the tightest stage sets the tokens",
    "vllm0.19.0-llama-3-1-8b-tp1-pp4-len8192": "pipeline stages: the tightest stage sets the tokens",
    "vllm-qwen3-235b-fp8-tp4": "the smallest rank sets the tokens, the GiB is another rank's",
    "vllm-gemma-4-26b-a4b-awq-rtx3090": "windows honoured: GiB over tokens is no price per token",
}


def shape_of(model: dict[str, Any]) -> dict[str, Any]:
    """Arguments of a ModelShape as the model facts give them."""
    attention = model["attention"] or {}
    shape = {name: model.get(name) for name in SHAPE_FIELDS}
    shape["attention_kind"] = attention.get("kind")
    for name in ("layers_with_kv_cache", "sliding_window", "full_attention_layers"):
        shape[name] = attention.get(name)
    for name, gib in (model.get("weights_gib") or {}).items():
        shape[f"weights_gib_{name}"] = gib
    shape["multimodal"] = model["task"] == "image-text-to-text"
    return {name: value for name, value in shape.items() if value is not None}


def release_of(text: str | None) -> list[int] | None:
    """`0.19.0` as numbers; `0.10.x (August 2025)` as what is known of it; words as None."""
    numbers = []
    for part in str(text).split(" ")[0].split("-")[0].split("."):
        if not part.isdigit():
            break
        numbers.append(int(part))
    return numbers if len(numbers) >= 2 else None


def quantization_of(row: dict[str, Any], model_id: str) -> str | None:
    """The format a row's weights are in, under the names of the fit command."""
    text = f"{row.get('quantization') or ''} {model_id}".lower()
    if "gptq" in text or "w4a16" in text:
        return "gptq"
    if "awq" in text:
        return "awq"
    if "w8a8" in text:
        return "int8"
    return next((name for word, name in QUANTIZATION if word in text), None)


def request_of(row: dict[str, Any], models: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The question a row of the memory facts answers."""
    stated = row["model"]
    model_id = SAME_SHAPE.get(stated, stated)
    name, memory_mib = DEVICES[row["gpu"]]
    ranks = row.get("tensor_parallel_size") or (2 if "-2x" in row["id"] else 1)
    known = models.get(model_id)
    version = release_of(row.get("engine_version"))
    return {
        "id": row["id"],
        "model": stated,
        "shape_of": model_id if known else None,
        "device": {
            "name": name,
            "memory_mib": memory_mib,
            "count": max(8, ranks),
            "visible_gib": row.get("gpu_total_gib"),
        },
        "engine": {
            "name": "sglang" if row["engine"] == "sglang" else "vllm",
            "version": version,
            "enforce_eager": bool(row.get("enforce_eager")),
            "max_num_batched_tokens": row.get("max_num_batched_tokens"),
        },
        "tensor_parallel_size": ranks,
        "pipeline_parallel_size": row.get("pipeline_parallel_size", 1),
        "max_model_len": row.get("max_model_len"),
        "max_num_seqs": row.get("max_num_seqs"),
        "dtype": row.get("dtype"),
        "quantization": quantization_of(row, stated),
        "kv_cache_dtype": row.get("kv_cache_dtype"),
        "gpu_memory_utilization": row.get("gpu_memory_utilization") or row.get("mem_fraction_static"),
    }  # fmt: skip


def measurement(row: dict[str, Any], models: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """One measured start-up: the question and what the engine printed."""
    case = request_of(row, models)
    for name in (
        "block_size", "weights_gib", "activation_gib", "non_torch_gib", "kv_cache_gib", "kv_cache_tokens",
        "kv_bytes_per_token_per_gpu_formula", "cuda_graph_subtracted",
    ):  # fmt: skip
        case[name] = row.get(name)
    case["no_token_price"] = NO_TOKEN_PRICE.get(row["id"])
    case["source"] = row["source"]
    return case


def out_of_memory(row: dict[str, Any], models: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """One configuration that failed."""
    case = request_of(row, models)
    case["kind"] = row["kind"]
    case["source"] = row["source"]
    return case


def model_row(model: dict[str, Any]) -> list[Any]:
    """One model's bytes per token, whether the formula gives them, and its shape."""
    shape = shape_of(model)
    figure = shape.pop("kv_bytes_per_token_bf16", None)
    values = [shape.pop(name, None) for name in SHAPE_COLUMNS]
    assert not shape, f"no column for {shape}"
    return [model["id"], figure, formula_gives_it(model), *values]


def formula_gives_it(model: dict[str, Any]) -> bool:
    """Whether the plain formula of the conventions reproduces the stated figure, by this script's arithmetic."""
    attention, stated = model["attention"] or {}, model["kv_bytes_per_token_bf16"]
    if stated is None:
        return False
    if attention.get("kind") == "encoder_bidirectional":
        return stated == 0
    if attention.get("kind") in ("mla", "mla_sparse") or not model["head_dim"]:
        return False  # the latent ranks are not in the facts
    return bool(stated == 4 * attention["layers_with_kv_cache"] * model["num_kv_heads"] * model["head_dim"])


def table_of(rows: list[dict[str, Any]], fact: str) -> dict[str, Any]:
    """Rows without what is null, and all keys once."""
    return {
        "fact": fact,
        "keys": list(rows[0]),
        "rows": [{k: v for k, v in r.items() if v is not None} for r in rows],
    }


def text_of(tables: dict[str, dict[str, Any]]) -> str:
    """One row a line, so that a changed fact is a changed line."""
    texts = []
    for name, table in tables.items():
        head = "".join(f"  {json.dumps(k)}: {json.dumps(v)},\n" for k, v in table.items() if k != "rows")
        rows = ",\n".join(f"   {json.dumps(row)}" for row in table["rows"])
        texts.append(f' {json.dumps(name)}: {{\n{head}  "rows": [\n{rows}\n  ]\n }}')
    return "{\n" + ",\n".join(texts) + "\n}\n"


def main() -> None:
    """Read the two fact files and write the three tables."""
    facts = Path(sys.argv[1])
    output = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(__file__).with_name("memory.json")
    memory = yaml.safe_load((facts / "memory.yaml").read_text(encoding="utf-8"))
    listed = yaml.safe_load((facts / "models.yaml").read_text(encoding="utf-8"))["models"]
    models = {model["id"]: model for model in listed}
    measured = [measurement(row, models) for row in memory["measurements"]]
    failed = [out_of_memory(row, models) for row in memory["out_of_memory"]]
    tables = {
        "models": {
            "fact": "facts/models.yaml models.{id}.kv_bytes_per_token_bf16",
            "columns": ["id", "kv_bytes_per_token_bf16", "formula_gives_it", *SHAPE_COLUMNS],
            "rows": [model_row(model) for model in listed],
        },
        "measurements": table_of(measured, "facts/memory.yaml measurements.{id} ({source})"),
        "out_of_memory": table_of(failed, "facts/memory.yaml out_of_memory.{id} ({source})"),
    }
    output.write_text(text_of(tables), encoding="utf-8")


if __name__ == "__main__":
    main()
