"""GiB of weights by format, and which figure wins."""

from __future__ import annotations

import pytest

from mcc_registry.sizing import ModelShape, estimate_weights

from .memory_cases import load_models

LOADED_EXTRA = 0.03
LLAMA = ModelShape(params_total=8030261248, vocab_size=128256, hidden_size=4096, default_dtype="bfloat16")
FP8_NATIVE = ModelShape(
    params_total=671026419200, native_quantization="fp8_block_128x128", weights_gib_as_shipped=641.3
)
GPT_OSS = ModelShape(params_total=20914757184, native_quantization="mxfp4_experts_only", weights_gib_as_shipped=12.8)


def mid(shape: ModelShape, **arguments: object) -> float:
    return estimate_weights(shape, **arguments).mid


def test_exact_bytes_win() -> None:
    """The Hub's bytes beat the table, the table beats parameters times dtype."""
    both = ModelShape(params_total=10**9, weights_gib_as_shipped=2.0, weight_bytes=3 * 2**30)
    assert mid(both) == pytest.approx(3.0 + LOADED_EXTRA)
    assert mid(ModelShape(params_total=10**9, weights_gib_as_shipped=2.0)) == pytest.approx(2.0 + LOADED_EXTRA)
    assert mid(ModelShape(params_total=2**30)) == pytest.approx(2.0 + LOADED_EXTRA)


@pytest.mark.parametrize(
    ("quantization", "measured"), [(None, 14.99), ("fp8", 8.49), ("int8", 8.49), ("int4", 5.38), ("gptq", 5.38)]
)
def test_llama_in_all_formats(quantization: str | None, measured: float) -> None:
    """Llama 3.1 8B as loaded (facts/memory.md section 5), from its parameter count alone."""
    assert mid(LLAMA, quantization=quantization) == pytest.approx(measured, rel=0.02)


def test_float32_is_twice() -> None:
    assert mid(LLAMA, dtype="float32") == pytest.approx(29.98, rel=0.005)


@pytest.mark.parametrize(
    "row",
    [
        row
        for row in load_models()
        if {"weights_gib_int4_estimate", "weights_gib_fp8_estimate"} <= row["shape_without_figure"].keys()
    ],
    ids=lambda row: row["id"],
)
@pytest.mark.parametrize(("quantization", "column"), [("fp8", "fp8_estimate"), ("int4", "int4_estimate")])
def test_our_arithmetic_gives_the_tables_figures(row: dict, quantization: str, column: str) -> None:
    """Without the table's own column, 4-bit from the fp8 column and fp8 from a known tie stay within 8 %."""
    values = dict(row["shape_without_figure"])
    stated = values.pop(f"weights_gib_{column}")
    interval = estimate_weights(ModelShape(**values), quantization=quantization)
    assert interval.low <= stated * 1.03 + LOADED_EXTRA
    assert interval.high >= stated * 0.97


def test_the_published_format_is_as_shipped() -> None:
    """Asking fp8 of an fp8 checkpoint changes nothing; asking int4 of it does."""
    assert mid(FP8_NATIVE, quantization="fp8") == mid(FP8_NATIVE) == pytest.approx(641.3 + LOADED_EXTRA)
    assert mid(FP8_NATIVE, dtype="bfloat16") == mid(FP8_NATIVE)
    assert mid(FP8_NATIVE, quantization="int4") < 400


def test_mxfp4_grows_when_loaded() -> None:
    """gpt-oss-20b: 12.8 GiB of file, 13.5 to 13.7 loaded."""
    low, middle, high = estimate_weights(GPT_OSS)
    assert 13.4 < middle < 13.8
    assert low <= 13.47 and high >= 13.72


def test_towers_widen_the_interval_upwards() -> None:
    """Gemma 3 4B loads 8.58 GiB where the table says 8.01."""
    plain = estimate_weights(ModelShape(weights_gib_as_shipped=8.01))
    towers = estimate_weights(ModelShape(weights_gib_as_shipped=8.01, multimodal=True))
    assert plain.high < 8.58 <= towers.high


def test_unknown_size_is_none_and_unknown_format_is_wide() -> None:
    assert estimate_weights(ModelShape(num_layers=32)) is None
    low, _, high = estimate_weights(LLAMA, quantization="something-new")
    assert low < 4 and high > 14
