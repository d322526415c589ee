"""Bytes per token by attention family, and tokens from a cache of known size."""

from __future__ import annotations

import pytest

from mcc_registry.sizing import EngineMemory, ModelShape, cache_dtype_bytes, kv_bytes_per_token, kv_tokens

from .memory_cases import engine_of, load_cases, load_models

KV_ROWS = load_models()
TOKEN_ROWS = [
    row
    for row in load_cases("measurements")
    if row["kv_cache_tokens"] and row["kv_cache_gib"] and row["shape"] and not row["no_token_price"]
]
OLD, NEW = EngineMemory("vllm", (0, 19, 0)), EngineMemory("vllm", (0, 30, 0))


def test_the_table_covers_every_model_of_the_facts() -> None:
    assert len(KV_ROWS) == 178
    assert sum(row["kv_bytes_per_token_bf16"] is not None for row in KV_ROWS) == 173


@pytest.mark.parametrize("row", KV_ROWS, ids=lambda row: row["id"])
def test_bytes_per_token_equal_the_facts(row: dict) -> None:
    """Every model: with the stated figure always, without it wherever the family's formula is enough."""
    stated = row["kv_bytes_per_token_bf16"]
    bare = ModelShape(**row["shape_without_figure"])
    full = ModelShape(**row["shape_without_figure"], kv_bytes_per_token_bf16=stated)
    assert kv_bytes_per_token(full) == stated, row["fact"]
    if row["formula_gives_it"]:
        assert kv_bytes_per_token(bare) == stated, row["fact"]
    elif bare.attention_kind in ("mla", "mla_sparse", "compressed_sparse", None):
        assert kv_bytes_per_token(bare) is None, "no figure and no latent ranks: unknown, not a guess"


@pytest.mark.parametrize("row", TOKEN_ROWS, ids=lambda row: row["id"])
def test_tokens_follow_from_the_cache_size(row: dict) -> None:
    """Logged tokens from logged GiB, within 0.1 % (the log rounds GiB to two places)."""
    shape = ModelShape(**row["shape"])
    width = cache_dtype_bytes(row["kv_cache_dtype"], row["dtype"])
    engine, ranks = engine_of(row), row["tensor_parallel_size"]
    tokens = kv_tokens(row["kv_cache_gib"], shape, ranks, width, engine, row["block_size"] or 16)
    assert tokens == pytest.approx(row["kv_cache_tokens"], rel=1e-3), row["fact"]


@pytest.mark.parametrize(
    "row",
    [
        row
        for row in load_cases("measurements")
        if row["shape"] and row["kv_bytes_per_token_per_gpu_formula"] and row["pipeline_parallel_size"] == 1
    ],
    ids=lambda row: row["id"],
)
def test_bytes_per_token_and_rank_equal_the_measured_price(row: dict) -> None:
    """Per rank, with cache dtype, copied heads and padding layers."""
    width = cache_dtype_bytes(row["kv_cache_dtype"], row["dtype"])
    price = kv_bytes_per_token(ModelShape(**row["shape"]), row["tensor_parallel_size"], width, engine_of(row))
    assert price == pytest.approx(row["kv_bytes_per_token_per_gpu_formula"], rel=1e-6), row["fact"]


def test_enough_token_rows_are_checked() -> None:
    """A mistake in the filter cannot empty the table."""
    assert len(TOKEN_ROWS) >= 44
    families = {ModelShape(**row["shape"]).attention_kind for row in TOKEN_ROWS}
    assert families >= {"mha", "gqa", "mla"}
    assert any(row["shape"].get("sliding_window") for row in TOKEN_ROWS)


GQA = ModelShape(num_layers=40, num_kv_heads=10, head_dim=128, attention_kind="gqa")
MLA = ModelShape(num_layers=61, attention_kind="mla", kv_lora_rank=512, qk_rope_head_dim=64)


def test_heads_are_copied_when_they_do_not_divide() -> None:
    """Ten heads over four ranks: three on each; over sixteen: one."""
    one_head = kv_bytes_per_token(GQA) / 10
    assert kv_bytes_per_token(GQA, 4) == pytest.approx(3 * one_head)
    assert kv_bytes_per_token(GQA, 16) == pytest.approx(one_head)


def test_latent_cache_is_not_divided() -> None:
    """Every rank keeps the whole latent."""
    assert kv_bytes_per_token(MLA) == kv_bytes_per_token(MLA, 8) == 61 * 576 * 2


def test_old_vllm_pads_windowed_layers() -> None:
    """Five full and 29 windowed layers make 35 slots before 0.21; the bare model and SGLang have 34."""
    gemma = ModelShape(
        num_layers=34,
        num_kv_heads=4,
        head_dim=256,
        attention_kind="gqa",
        sliding_window=1024,
        full_attention_layers=5,
    )
    assert kv_bytes_per_token(gemma, engine=OLD) == 143360
    assert kv_bytes_per_token(gemma) == kv_bytes_per_token(gemma, engine=NEW) == 139264
    assert kv_bytes_per_token(gemma, engine=EngineMemory("sglang", (0, 5, 0))) == 139264


@pytest.mark.parametrize(
    ("cache", "dtype", "width"),
    [("fp8", "bfloat16", 1), ("fp8_e5m2", None, 1), ("auto", "float16", 2), (None, "float32", 4), (None, None, 2)],
)
def test_cache_dtype(cache: str | None, dtype: str | None, width: float) -> None:
    assert cache_dtype_bytes(cache, dtype) == width


def test_nothing_known_is_none() -> None:
    assert kv_bytes_per_token(ModelShape()) is None
    assert kv_tokens(10.0, ModelShape()) is None
