"""Laws no figure may break, over all models of the facts and the cards EC2 sells."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from mcc_registry.sizing import DeviceMemory, EngineMemory, FitResult, ModelShape, estimate_fit, estimate_weights

from .memory_cases import load_models

SHAPES = [
    ModelShape(**row["shape_without_figure"], kv_bytes_per_token_bf16=row["kv_bytes_per_token_bf16"])
    for row in load_models()
]
CARDS = [
    DeviceMemory(mib, name, 8)
    for name, mib in (
        ("T4", 16384), ("V100", 16384), ("A10G", 22888), ("L4", 22888), ("L40S", 45776), ("A100", 40960),
        ("A100", 81920), ("H100", 81920), ("RTX PRO 6000 Server", 98304), ("H200", 144384), ("B200", 183359),
        ("B300", 275040),
    )
]  # fmt: skip
ENGINES = [
    EngineMemory(name, version)
    for name, version in (
        ("vllm", (0, 6, 5)), ("vllm", (0, 11, 0)), ("vllm", (0, 15, 1)), ("vllm", (0, 19, 0)), ("vllm", (0, 20, 1)),
        ("vllm", (0, 30, 0)), ("vllm", None), ("sglang", (0, 5, 6)), ("tensorrt-llm", (1, 2, 0)),
    )
]  # fmt: skip

QUESTION = st.fixed_dictionaries(
    {
        "shape": st.sampled_from(SHAPES),
        "device": st.sampled_from(CARDS),
        "engine": st.sampled_from(ENGINES),
        "tensor_parallel_size": st.sampled_from([1, 2, 4, 8]),
        "pipeline_parallel_size": st.sampled_from([1, 1, 1, 2, 4]),
        "max_model_len": st.one_of(st.none(), st.integers(1, 300_000)),
        "max_num_seqs": st.integers(1, 64),
        "quantization": st.sampled_from([None, "fp8", "int8", "int4", "awq", "mxfp4", "nvfp4"]),
        "kv_cache_dtype": st.sampled_from([None, "auto", "fp8"]),
        "gpu_memory_utilization": st.one_of(st.none(), st.floats(0.3, 0.97)),
    }
)


def asked(question: dict[str, Any], **changes: Any) -> FitResult:
    merged = question | changes
    return estimate_fit(merged.pop("shape"), merged.pop("device"), merged.pop("engine"), **merged)


def rank(fits: bool | None) -> int:
    return {False: 0, None: 1, True: 2}[fits]


@given(QUESTION)
@settings(max_examples=400, deadline=None)
def test_figures_agree_with_each_other(question: dict[str, Any]) -> None:
    """The parts add up, the interval holds the figure, and the verdict follows from the interval."""
    result = asked(question)
    assert result.available_gib is not None and result.available_gib > 0
    assert len(result.reasons) >= 2
    if result.required_gib is None:
        assert result.fits is not True
        return
    parts = result.weights_gib + result.kv_cache_gib + result.overhead_gib
    assert math.isclose(result.required_gib, parts, rel_tol=1e-9)
    low, high = result.interval_gib
    assert 0 < low <= result.required_gib * (1 + 1e-9) and result.required_gib <= high * (1 + 1e-9)
    if result.fits:
        assert high <= result.available_gib * (1 + 1e-9)
    if result.fits is False:
        too_many = result.tensor_parallel_size * result.pipeline_parallel_size > question["device"].count
        assert too_many or low > result.available_gib * (1 - 1e-9)


@given(QUESTION, st.integers(1, 100_000))
@settings(max_examples=300, deadline=None)
def test_more_context_never_fits_more(question: dict[str, Any], more: int) -> None:
    length = question["max_model_len"] or 4096
    short, long = asked(question, max_model_len=length), asked(question, max_model_len=length + more)
    assert rank(long.fits) <= rank(short.fits)
    assert (long.max_num_seqs or 0) <= (short.max_num_seqs or 0)


@given(QUESTION, st.integers(1, 200))
@settings(max_examples=300, deadline=None)
def test_more_sequences_never_fit_more(question: dict[str, Any], more: int) -> None:
    few, many = asked(question), asked(question, max_num_seqs=question["max_num_seqs"] + more)
    assert rank(many.fits) <= rank(few.fits)
    assert (many.max_model_len or 0) <= (few.max_model_len or 0)


@given(QUESTION)
@settings(max_examples=300, deadline=None)
def test_fewer_engine_sequences_never_fit_less(question: dict[str, Any]) -> None:
    """Lowering the engine's max_num_seqs saves memory. The step to 256 changes an allowance by 0.1 GiB."""
    many, few = asked(question, engine_max_num_seqs=256), asked(question, engine_max_num_seqs=64)
    if many.required_gib is not None:
        assert few.required_gib <= many.required_gib * (1 + 1e-9)
        assert rank(few.fits) >= rank(many.fits)


@given(QUESTION)
@settings(max_examples=300, deadline=None)
def test_more_ranks_never_need_more_each(question: dict[str, Any]) -> None:
    """Weights and cache of one rank do not grow with the number of ranks."""
    results = [asked(question, tensor_parallel_size=ranks) for ranks in (1, 2, 4, 8)]
    for one, two in pairwise(results):
        if one.weights_gib is not None:
            assert two.weights_gib / two.tensor_parallel_size <= one.weights_gib / one.tensor_parallel_size + 1e-9
        if one.kv_bytes_per_token is not None:
            assert two.kv_bytes_per_token <= one.kv_bytes_per_token


@given(QUESTION)
@settings(max_examples=200, deadline=None)
def test_fp8_cache_needs_half(question: dict[str, Any]) -> None:
    wide, narrow = asked(question, kv_cache_dtype="bfloat16"), asked(question, kv_cache_dtype="fp8")
    if wide.kv_cache_gib is not None:
        assert math.isclose(narrow.kv_cache_gib * 2, wide.kv_cache_gib)
        assert rank(narrow.fits) >= rank(wide.fits)


@given(QUESTION, st.integers(1, 300_000), st.integers(-40, 40))
@settings(max_examples=600, deadline=None)
def test_the_largest_length_is_the_last_that_fits(question: dict[str, Any], length: int, off: int) -> None:
    """`fits` is true exactly up to the answer's max_model_len, at any length and right beside the answer."""
    context = question["shape"].max_position_embeddings
    answer = asked(question).max_model_len
    for tokens in (length, (answer or 0) + off):
        if context is None or not 0 < tokens <= context:
            continue
        again = asked(question, max_model_len=tokens)
        if again.required_gib is None:
            assert again.max_model_len is None
            continue
        assert again.max_model_len == answer
        assert (again.fits is True) == (answer >= tokens)


@given(QUESTION, st.integers(1, 2000), st.integers(-3, 3))
@settings(max_examples=600, deadline=None)
def test_the_largest_number_of_sequences_is_the_last_that_fits(
    question: dict[str, Any], sequences: int, off: int
) -> None:
    """Told to the engine and asked for at once, `fits` is true exactly up to the answer's max_num_seqs."""
    answer = asked(question).max_num_seqs
    for count in (sequences, (answer or 0) + off):
        if count < 1:
            continue
        again = asked(question, max_num_seqs=count, engine_max_num_seqs=count)
        assert again.max_num_seqs == answer
        if again.required_gib is not None and answer is not None:
            assert (again.fits is True) == (answer >= count)


@given(QUESTION)
@settings(max_examples=300, deadline=None)
def test_what_fits_by_default_fits_one_sequence(question: dict[str, Any]) -> None:
    """A yes at the engine's own number of sequences is a yes for one."""
    result = asked(question, max_num_seqs=1)
    if result.fits and result.max_num_seqs is not None:
        assert result.max_num_seqs >= 1


@given(QUESTION)
@settings(max_examples=300, deadline=None)
def test_stages_never_make_a_rank_heavier(question: dict[str, Any]) -> None:
    """Weights and cache of one rank do not grow with the number of stages."""
    results = [asked(question, pipeline_parallel_size=stages) for stages in (1, 2, 4, 8)]
    for one, two in pairwise(results):
        if one.weights_gib is not None:
            ranks = [r.tensor_parallel_size * r.pipeline_parallel_size for r in (one, two)]
            assert two.weights_gib / ranks[1] <= one.weights_gib / ranks[0] + 1e-9
        if one.kv_bytes_per_token is not None:
            assert two.kv_bytes_per_token <= one.kv_bytes_per_token


@given(st.sampled_from(SHAPES), st.sampled_from(["fp8", "int4", "mxfp4", "nvfp4"]))
def test_quantised_weights_are_smaller(shape: ModelShape, quantization: str) -> None:
    """Quantising 16-bit weights shrinks them; what is published quantised may already be smaller."""
    published, small = estimate_weights(shape), estimate_weights(shape, quantization=quantization)
    if published and small and shape.native_quantization is None:
        assert small.mid < published.mid
        assert small.low <= small.mid <= small.high
