"""Configurations that failed somewhere: none may be called fitting."""

from __future__ import annotations

import pytest

from mcc_registry.sizing import DeviceMemory, EngineMemory, ModelShape, estimate_fit

from .memory_cases import ask, by_id, load_cases

ALL_ROWS = load_cases("out_of_memory")
ROWS = [row for row in ALL_ROWS if row["shape"]]
RELEASES = [None, (0, 21, 0), (0, 25, 1), (0, 28, 0), (0, 30, 0)]


def test_the_table_is_complete() -> None:
    """One failed model, DeepSeek-V4-Pro, is not in the model facts; its sizes are tested by hand below."""
    assert len(ALL_ROWS) == 19
    assert [row["model"] for row in ALL_ROWS if not row["shape"]] == ["deepseek-ai/DeepSeek-V4-Pro"]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
def test_what_ran_out_of_memory_does_not_fit(row: dict) -> None:
    assert ask(row).fits is not True, row["fact"]


@pytest.mark.parametrize("version", RELEASES, ids=str)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
def test_nor_with_a_later_release(row: dict, version: tuple[int, ...] | None) -> None:
    """Asked of a release nobody measured, the answer is no, or too close to say."""
    changed = row | {"engine": row["engine"] | {"version": None}}
    assert ask(changed, version=version).fits is not True, row["fact"]


@pytest.mark.parametrize(
    "case_id",
    ["llama-3.3-70b-fp8-h100-tp1", "qwen3-32b-h100-tp1-32000", "deepseek-r1-fp8-h100-tp1", "gpt-oss-120b-h100-0.10",
     "llama-3.1-8b-16gb", "codestral-22b-g5-2xlarge", "glm-4-9b-t4"],
)  # fmt: skip
def test_clear_cases_are_a_plain_no(case_id: str) -> None:
    """Weights alone, or gigabytes of cache missing: that is not "too close to say"."""
    assert ask(by_id(ROWS)[case_id]).fits is False


def test_the_length_that_works_is_found() -> None:
    """Qwen3-32B on one H100: 32,000 tokens failed, 16,000 worked, 4.45 GiB of cache hold 18,227."""
    row = by_id(ROWS)["qwen3-32b-h100-tp1-32000"]
    assert ask(row, max_model_len=16000).fits is not False
    assert 14000 <= ask(row).max_model_len <= 18227


def test_weights_above_the_fraction() -> None:
    """DeepSeek-V4-Pro on SGLang: 125.65 GiB a rank do not leave a cache at 0.88 of an H200."""
    shape = ModelShape(
        weight_bytes=int(8 * 125.65 * 2**30), native_quantization="fp8", attention_kind="compressed_sparse"
    )
    result = estimate_fit(
        shape, DeviceMemory(144384, "H200", 8), EngineMemory("sglang"),
        tensor_parallel_size=8, gpu_memory_utilization=0.88,
    )  # fmt: skip
    assert result.fits is False


def test_full_cards_leave_too_little_for_start_up() -> None:
    """gpt-oss-20b: 0.95 died in the sampler with 58 GiB of cache; 0.90 worked. The reason says so."""
    row = by_id(ROWS)["gpt-oss-20b-h100-tp2-095"]
    assert any("outside the budget" in reason.text for reason in ask(row).reasons)
    assert ask(row, gpu_memory_utilization=0.9).fits is True


def test_fixed_states_limit_the_sequences() -> None:
    """Hybrids: the engine's default number of sequences is doubted, a smaller one is not."""
    row = by_id(ROWS)["nemotron-nano-9b-v2-l40s"]
    doubted = ask(row, max_model_len=8192)
    assert doubted.fits is None
    assert doubted.engine_max_num_seqs_limit < 256
    assert ask(row, max_model_len=8192, engine_max_num_seqs=32).fits is True
