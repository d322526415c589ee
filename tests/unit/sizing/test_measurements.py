"""Start-ups that engines logged: the cache they had left, and whether it lies in our interval."""

from __future__ import annotations

import ast

import pytest

from .memory_cases import CASES, ask, by_id, load_cases

ROWS = load_cases("measurements")
POOL_ROWS = [row for row in ROWS if row["shape"] and row["kv_cache_gib"]]
STAGED_ROWS = [row for row in POOL_ROWS if row["pipeline_parallel_size"] > 1]
MEASURED_RELEASES = [row for row in POOL_ROWS if row["engine"]["version"]]


def ranks_of(row: dict) -> int:
    """GPUs of all stages."""
    return row["tensor_parallel_size"] * row["pipeline_parallel_size"]


def pool_error(row: dict, **changes: object) -> float:
    """Predicted over logged cache GiB of one rank, minus one."""
    return ask(row, **changes).kv_pool_gib / row["kv_cache_gib"] - 1


def test_enough_rows_are_checked() -> None:
    assert len(ROWS) == 61
    assert len(POOL_ROWS) >= 57
    assert [row["pipeline_parallel_size"] for row in STAGED_ROWS] == [2, 4]
    assert len(MEASURED_RELEASES) >= 52


def test_mean_error_of_the_cache_is_at_most_two_percent() -> None:
    errors = [abs(pool_error(row)) for row in MEASURED_RELEASES]
    assert sum(errors) / len(errors) <= 0.02


@pytest.mark.parametrize("row", MEASURED_RELEASES, ids=lambda row: row["id"])
def test_no_cache_is_off_by_more_than_eight_percent(row: dict) -> None:
    assert abs(pool_error(row)) <= 0.08, row["fact"]


def test_truth_lies_in_the_interval() -> None:
    """What the engine really needed beside its cache is inside the interval in 95 % of the rows."""
    outside = []
    for row in POOL_ROWS:
        if not is_inside(row, row["kv_cache_gib"]):
            outside.append(row["id"])
    assert len(outside) <= 0.05 * len(POOL_ROWS), outside


def is_inside(row: dict, pool_gib: float) -> bool:
    """Whether a cache of so many GiB on each rank lies in the interval."""
    result = ask(row)
    low, high = result.interval_gib
    return low <= result.available_gib - ranks_of(row) * pool_gib + result.kv_cache_gib <= high


@pytest.mark.parametrize("row", STAGED_ROWS, ids=lambda row: row["id"])
def test_the_tightest_stage_decides(row: dict) -> None:
    """The first stage's cache, which was logged, and the tightest one's, which sets the tokens, lie in the interval.

    Tokens times bytes per token is what the tightest stage had: facts/memory.yaml, notes of the rows.
    """
    tightest = row["kv_cache_tokens"] * row["kv_bytes_per_token_per_gpu_formula"] / 2**30
    assert tightest < row["kv_cache_gib"]
    assert is_inside(row, row["kv_cache_gib"]) and is_inside(row, tightest), row["fact"]
    assert ask(row).kv_pool_gib == pytest.approx(tightest, rel=0.01)
    assert ask(row).kv_bytes_per_token == row["kv_bytes_per_token_per_gpu_formula"]
    assert ask(row, pipeline_parallel_size=1).kv_pool_gib < tightest - 3


def test_intervals_say_something() -> None:
    """On the measured card and releases the interval is narrower than 5 GiB a rank; mostly under 2."""
    widths = []
    for row in MEASURED_RELEASES:
        result = ask(row)
        if result.confidence == "measured":
            low, high = result.interval_gib
            widths.append((high - low) / ranks_of(row))
    widths.sort()
    assert widths[len(widths) // 2] < 2.0
    assert widths[-2] < 5.0


@pytest.mark.parametrize("row", POOL_ROWS, ids=lambda row: row["id"])
def test_weights_are_what_the_engine_loaded(row: dict) -> None:
    """Within 2 %, where the log has the figure; multimodal towers of Gemma 3 within 8 %."""
    if row["weights_gib"] is None:
        pytest.skip("the log does not show the weights")
    weights = ask(row).weights_gib / ranks_of(row)
    tolerance = 0.08 if row["shape"].get("multimodal") else 0.02
    assert weights == pytest.approx(row["weights_gib"], rel=tolerance), row["fact"]


def test_what_ran_is_never_refused() -> None:
    """A configuration that started is not called impossible."""
    for row in POOL_ROWS:
        if row["max_model_len"] is not None:
            assert ask(row).fits is not False, row["id"]


def test_a_wrong_release_breaks_the_table() -> None:
    """The constants matter: 0.16 read as 0.17 misses by the 3.4 GiB the facts name."""
    row = by_id(ROWS)["vllm0.16.0-qwen3-14b-tp1-len8192"]
    assert abs(pool_error(row)) < 0.01
    wrong = ask(row, version=(0, 17, 0))
    assert wrong.kv_pool_gib - row["kv_cache_gib"] == pytest.approx(3.4, abs=0.1)


def test_the_tables_are_written_by_a_script_of_its_own() -> None:
    """The expected values cannot come from the code they judge."""
    tree = ast.parse((CASES / "write_memory.py").read_text(encoding="utf-8"))
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names])
    }
    assert imported <= {"__future__", "json", "sys", "pathlib", "typing", "yaml"}
