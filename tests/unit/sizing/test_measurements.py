"""Start-ups that engines logged: the cache they had left, and whether it lies in our interval."""

from __future__ import annotations

import ast

import pytest

from .memory_cases import CASES, ask, by_id, load_cases

ROWS = load_cases("measurements")
POOL_ROWS = [row for row in ROWS if row["shape"] and row["kv_cache_gib"] and row["pipeline_parallel_size"] == 1]
MEASURED_RELEASES = [row for row in POOL_ROWS if row["engine"]["version"]]


def pool_error(row: dict, **changes: object) -> float:
    """Predicted over logged cache GiB of one rank, minus one."""
    return ask(row, **changes).kv_pool_gib / row["kv_cache_gib"] - 1


def test_enough_rows_are_checked() -> None:
    assert len(ROWS) == 61
    assert len(POOL_ROWS) >= 55
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
        result, ranks = ask(row), row["tensor_parallel_size"]
        low, high = result.interval_gib
        needed = result.available_gib - ranks * row["kv_cache_gib"] + result.kv_cache_gib
        if not low <= needed <= high:
            outside.append(row["id"])
    assert len(outside) <= 0.05 * len(POOL_ROWS), outside


def test_intervals_say_something() -> None:
    """On the measured card and releases the interval is narrower than 5 GiB a rank; mostly under 2."""
    widths = []
    for row in MEASURED_RELEASES:
        result = ask(row)
        if result.confidence == "measured":
            low, high = result.interval_gib
            widths.append((high - low) / row["tensor_parallel_size"])
    widths.sort()
    assert widths[len(widths) // 2] < 2.0
    assert widths[-2] < 5.0


@pytest.mark.parametrize("row", POOL_ROWS, ids=lambda row: row["id"])
def test_weights_are_what_the_engine_loaded(row: dict) -> None:
    """Within 2 %, where the log has the figure; multimodal towers of Gemma 3 within 8 %."""
    if row["weights_gib"] is None:
        pytest.skip("the log does not show the weights")
    weights = ask(row).weights_gib / row["tensor_parallel_size"]
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
    tree = ast.parse((CASES / "write_cases.py").read_text(encoding="utf-8"))
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names])
    }
    assert imported <= {"__future__", "json", "sys", "pathlib", "typing", "yaml"}
