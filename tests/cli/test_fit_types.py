"""``fit`` without a type: a GPU on which no image starts is no place to fit; refusals name the ways out."""

from __future__ import annotations

import re

import pytest

from tests.cli.invoke import invoke

PINNED = ("--framework-version", "0.30.0")
"""A release no older one takes the place of."""


def test_recommended_is_the_release_resolve_takes_on_that_type() -> None:
    """vLLM 0.30.0 has no code for the V100: an older release is judged there, in the list and by name."""
    words = ("Qwen/Qwen3-0.6B", "--offline", "--format", "json")
    plan = invoke(
        "resolve",
        "--model-name",
        "Qwen/Qwen3-0.6B",
        "--instance-type",
        "ml.p3.2xlarge",
        "--offline",
        "--format",
        "json",
    ).json
    one = invoke("fit", *words, "--instance-type", "ml.p3.2xlarge").json
    row = next(r for r in invoke("fit", *words).json["candidates"] if r["instance_type"] == "ml.p3.2xlarge")
    assert one["framework"]["version"] == row["framework_version"] == plan["framework"]["version"] != "0.30.0"
    assert (one["fits"], row["fits"]) == (True, True) and plan["ok"]
    assert "where that does not start" in invoke("fit", "Qwen/Qwen3-0.6B", "--offline").err


def test_types_that_cannot_run_the_engine_do_not_fit() -> None:
    """K80 and V100 are too old for vLLM 0.30's CUDA, GB200 hosts are arm64; the reason stands beside each."""
    result = invoke("fit", "Qwen/Qwen3-0.6B", "--max-model-len", "2048", *PINNED, "--offline", "--format", "json")
    rows = {r["instance_type"]: r for r in result.json["candidates"]}
    assert rows["ml.g6.xlarge"]["fits"] is True and rows["ml.g6.xlarge"]["runs"] is True
    assert rows["ml.g6.xlarge"]["reason"] is None
    for name, word in (("ml.p2.xlarge", "3.7"), ("ml.p3.2xlarge", "7.0"), ("ml.p6e-gb200.36xlarge", "arm64")):
        row = rows[name]
        assert (row["fits"], row["runs"]) == (False, False)
        assert word in row["reason"]


def test_an_older_release_still_fits_an_older_gpu() -> None:
    """The verdict follows the release: vLLM 0.19.1 has code for the V100."""
    result = invoke(
        "fit", "Qwen/Qwen3-0.6B", "--max-model-len", "2048", "--framework-version", "0.19.1", "--offline",
        "--format", "json",
    )  # fmt: skip
    rows = {r["instance_type"]: r for r in result.json["candidates"]}
    assert rows["ml.p3.2xlarge"]["runs"] is True and rows["ml.p3.2xlarge"]["fits"] is True
    assert rows["ml.p2.xlarge"]["runs"] is False


def test_the_table_leaves_them_out_and_says_so() -> None:
    result = invoke("fit", "Qwen/Qwen3-0.6B", "--max-model-len", "2048", *PINNED, "--offline")
    assert "ml.p2." not in result.out and "ml.p3." not in result.out
    assert "types on which the image does not start are left out" in result.err
    assert all(len(line) <= 80 for line in result.out.splitlines())


@pytest.mark.parametrize(
    "name", ["ml.p2.xlarge", "ml.p3.2xlarge", "ml.p6e-gb200.36xlarge", "ml.g6.xlarge", "ml.g5.xlarge"]
)
def test_a_named_type_gets_the_answer_of_the_list(name: str) -> None:
    """Where no image starts both say no and why; everywhere all figures are the same."""
    flags = ("--max-model-len", "2048", "--offline", "--format", "json")
    one = invoke("fit", "Qwen/Qwen3-0.6B", "--instance-type", name, *flags)
    listed = invoke("fit", "Qwen/Qwen3-0.6B", *flags).json["candidates"]
    row = next(r for r in listed if r["instance_type"] == name)
    for key in set(row) & set(one.json):
        assert one.json[key] == row[key], key
    against = [f for f in one.json["findings"] if f["severity"] == "error"]
    assert (one.code, one.json["fits"]) == ((0, True) if row["runs"] else (1, False))
    assert row["runs"] is (name not in ("ml.p2.xlarge", "ml.p6e-gb200.36xlarge")), "an older release takes the V100"
    assert [f["message"] for f in against] == ([] if row["runs"] else [row["reason"]])


def test_sizes_that_divide_nothing_are_a_no_with_all_figures() -> None:
    """The named type and the list agree where no engine starts with the parallel size, and the image is not blamed."""
    flags = ("--tensor-parallel-size", "3", "--offline", "--format", "json")
    one = invoke("fit", "Qwen/Qwen3-4B", "--instance-type", "ml.g6.12xlarge", *flags).json
    listed = invoke("fit", "Qwen/Qwen3-4B", *flags).json["candidates"]
    row = next(r for r in listed if r["instance_type"] == "ml.g6.12xlarge")
    assert {key: one[key] for key in set(row) & set(one)} == {key: row[key] for key in set(row) & set(one)}
    assert (one["fits"], one["runs"], one["max_model_len"], one["max_num_seqs"]) == (False, True, 0, 0)


def test_a_no_for_want_of_an_image_says_so() -> None:
    result = invoke("fit", "Qwen/Qwen3-0.6B", "--instance-type", "ml.p3.2xlarge", *PINNED, "--offline")
    assert result.out.startswith("fits: no: no image of the release starts there\n")


def test_a_floor_is_told_where_the_cache_is_unknown() -> None:
    """No question mark where a number belongs: the weights alone say no."""
    result = invoke("fit", "deepseek-ai/DeepSeek-V4-Flash-0731", "--instance-type", "ml.g5.xlarge", "--offline")
    assert result.code == 1
    assert "at least 155.5 GiB for weights" in " ".join(result.out.split())


def test_stages_divide_weights_and_cache() -> None:
    """2 stages of 4 GPUs are judged as 8 GPUs; more GPUs than there are is a plain no."""
    base = (
        "fit",
        "meta-llama/Llama-3.3-70B-Instruct",
        "--instance-type",
        "ml.g6.48xlarge",
        "--offline",
        "--format",
        "json",
    )
    flags = ("--max-model-len", "2048", "--max-num-seqs", "8", "--tensor-parallel-size", "4")
    alone, staged = (invoke(*base, *flags, *more).json for more in ((), ("--pipeline-parallel-size", "2")))
    assert alone["fits"] is False and staged["fits"] is not False
    assert staged["available_gib"] == pytest.approx(alone["available_gib"] * 2, abs=0.01)
    assert staged["weights_gib"] == pytest.approx(alone["weights_gib"], rel=0.03)
    assert invoke(*base, "--pipeline-parallel-size", "2").json["tensor_parallel_size"] == 4
    many = invoke(*base, *flags, "--pipeline-parallel-size", "4")
    assert many.json["fits"] is False and "16 GPUs asked for, it has 8" in many.json["findings"][0]["message"]


def test_a_name_only_a_pattern_knows_is_not_called_unlisted() -> None:
    """Its size is what is missing; a copy in another format has one, and `models` shows the same figures."""
    unknown = invoke(
        "fit", "deepseek-ai/DeepSeek-V4-Pro", "--instance-type", "ml.p5.48xlarge", "--offline", "--format", "json"
    )
    assert unknown.codes == ["MCC412"]
    assert unknown.json["findings"][0]["message"].startswith(
        "the size of deepseek-ai/DeepSeek-V4-Pro is in no registry"
    )
    fit = invoke("fit", "Qwen/Qwen3-4B-AWQ", "--instance-type", "ml.g6.xlarge", "--offline", "--format", "json").json
    (shown,) = invoke("models", "Qwen/Qwen3-4B-AWQ", "--format", "json").json["models"]
    assert shown["weights_gib"] == pytest.approx(fit["weights_gib"], abs=0.01)
    assert (shown["context"], shown["kv_bytes_per_token"]) == (40960, 147456)
    assert (shown["profile"], shown["like"]) == ("4b", "Qwen/Qwen3-4B")


def test_a_refusal_names_the_three_ways_out() -> None:
    result = invoke("fit", "Qwen/Qwen3-8B", "--instance-type", "ml.g6.xlarge", "--offline", "--format", "json")
    hint = next(f for f in result.json["findings"] if f["name"] == "model-does-not-fit")["hint"]
    assert (
        "--max-model-len " in hint
        and "--quantization fp8 fits here" in hint
        and "Qwen/Qwen3-8B-FP8 fits here" in hint
    )
    assert "it fits ml.g6e.xlarge" in hint


@pytest.mark.parametrize("size", [3, 5, 7])
def test_a_size_that_does_not_divide_the_heads_is_refused_as_resolve_refuses_it(size: int) -> None:
    """No engine starts with it, whatever the memory."""
    result = invoke("fit", "Qwen/Qwen3-4B", "--instance-type", "ml.p4d.24xlarge", "--tensor-parallel-size", str(size),
                    "--offline", "--format", "json")  # fmt: skip
    plan = invoke("resolve", "--model-name", "Qwen/Qwen3-4B", "--instance-type", "ml.p4d.24xlarge", "--env",
                  f"tensor_parallel_size={size}", "--offline", "--format", "json")  # fmt: skip
    data = result.json
    (mine,) = [f for f in data["findings"] if f["severity"] == "error"]
    (theirs,) = [f for f in plan.json["findings"] if f["severity"] == "error"]
    assert (result.code, plan.code, data["fits"]) == (1, 1, False)
    assert (mine["code"], mine["message"], mine["hint"]) == (theirs["code"], theirs["message"], theirs["hint"])
    assert mine["hint"] == "use one of 1, 2, 4, 8"


def test_no_type_fits_with_such_a_size() -> None:
    result = invoke("fit", "Qwen/Qwen3-4B", "--tensor-parallel-size", "3", "--offline", "--format", "json")
    data = result.json
    assert result.code == 1 and [f["code"] for f in data["findings"]] == ["MCC405"]
    assert data["candidates"] and all(row["fits"] is False and row["reason"] for row in data["candidates"])


def test_a_type_the_image_does_not_start_on_names_types_on_which_the_model_fits() -> None:
    result = invoke("fit", "meta-llama/Llama-3.1-70B-Instruct", "--instance-type", "ml.p3.16xlarge", *PINNED,
                    "--offline", "--format", "json")  # fmt: skip
    (against,) = [f for f in result.json["findings"] if f["code"] == "MCC105"]
    types = re.findall(r"ml\.[a-z0-9-]+\.[a-z0-9]+", against["hint"])
    assert types
    for name in types:
        again = invoke(
            "fit", "meta-llama/Llama-3.1-70B-Instruct", "--instance-type", name, "--offline", "--format", "json"
        )
        assert again.json["fits"] is True, name
