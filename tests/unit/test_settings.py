"""Settings: what a name means, what a value must be, and how each engine's image reads it."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcc_registry import Registry
from mcc_registry.env_text import text_of, unwritable
from mcc_registry.settings import (
    Table,
    choices_at,
    default_at,
    deprecated_choice,
    exists_in,
    negative_env,
    range_words,
    read_value,
    table_for,
    write_setting,
)


@pytest.fixture(scope="module")
def vllm(shipped: Registry) -> Table:
    return table_for(shipped.frameworks["vllm"], "cuda", "aws", shipped)


def parameter(table: Table, name: str):  # type: ignore[no-untyped-def]
    hit = table.find(name)
    assert hit is not None, name
    return hit[0]


@pytest.mark.parametrize(
    "written",
    ["max_model_len", "SM_VLLM_MAX_MODEL_LEN", "VLLM_MAX_MODEL_LEN", "MAX_MODEL_LEN"],
)
def test_a_setting_has_its_canonical_name_its_variable_and_the_seeds_spelling(vllm: Table, written: str) -> None:
    name = vllm.name(written)
    assert (name.kind, name.canonical, name.negated, name.written) == ("setting", "max_model_len", False, written)


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        ("max_modle_len", "unknown"), ("SM_VLLM_MAX_MODLE_LEN", "unknown"), ("MaxModelLen", "unknown"),
        ("NCCL_DEBUG", "variable"), ("OWN_SETTING", "variable"), ("VLLM_LOGGING_LEVEL", "variable"),
        ("OPTION_MAX_MODEL_LEN", "variable"), ("SM_SGLANG_CONTEXT_LENGTH", "variable"), ("SM_VLLM_", "unknown"),
    ],
)  # fmt: skip
def test_other_names_are_unknown_settings_or_somebody_elses_variables(vllm: Table, written: str, kind: str) -> None:
    name = vllm.name(written)
    assert (name.kind, name.canonical, name.parameter) == (kind, None, None)


def test_the_nearest_name_has_the_style_of_the_writer(vllm: Table) -> None:
    assert vllm.nearest_name("max_modle_len") == "max_model_len"
    assert vllm.nearest_name("SM_VLLM_MAX_MODLE_LEN") == "SM_VLLM_MAX_MODEL_LEN"
    assert vllm.nearest_name("zzzzzzzz") is None


def test_canonical_names_mean_each_engines_own(shipped: Registry) -> None:
    """facts/engines.md: the same canonical name is another variable for each engine."""
    expected = {
        "vllm": "SM_VLLM_TENSOR_PARALLEL_SIZE",
        "sglang": "SM_SGLANG_TP_SIZE",
        "lmi": "TENSOR_PARALLEL_DEGREE",
    }
    for engine, variable in expected.items():
        table = table_for(shipped.frameworks[engine], "cuda", "aws", shipped)
        entry = shipped.frameworks[engine]
        assert write_setting(table, parameter(table, "tensor_parallel_size"), 2, entry.versions[0]) == (variable, "2")
        assert table.name(variable).canonical == "tensor_parallel_size"


def test_lmi_passes_on_what_its_engine_knows(shipped: Registry) -> None:
    """facts/engines.md section 7: any vLLM argument passes as OPTION_...; other OPTION_ names are mistakes."""
    entry = shipped.frameworks["lmi"]
    with_engine = table_for(entry, "cuda", "aws", shipped)
    assert with_engine.name("OPTION_ASYNC_SCHEDULING").kind in ("variable", "setting")
    assert with_engine.name("OPTION_ASINC_SCHEDULING").kind == "unknown"
    assert with_engine.name("OPTION_API_KEY").kind != "variable"


def test_neuron_builds_read_variables_of_their_own(shipped: Registry) -> None:
    table = table_for(shipped.frameworks["vllm"], "neuron", "aws", shipped)
    assert table.env_prefix == "SM_ON_" and table.model_env == "SM_ON_MODEL"
    assert write_setting(table, parameter(table, "tensor_parallel_size"), 2, "0.11.0") == (
        "SM_ON_TENSOR_PARALLEL_SIZE",
        "2",
    )
    assert table_for(shipped.frameworks["vllm"], "cuda", "aws", shipped).env_prefix == "SM_VLLM_"


# ---------------------------------------------------------------------------------------------------- booleans


@pytest.mark.parametrize(
    ("engine", "version", "name", "value", "expected"),
    [
        ("vllm", "0.17.1", "enforce_eager", True, ("SM_VLLM_ENFORCE_EAGER", "")),
        ("vllm", "0.18.0", "enforce_eager", True, ("SM_VLLM_ENFORCE_EAGER", "true")),
        ("vllm", "0.30.0", "enforce_eager", True, ("SM_VLLM_ENFORCE_EAGER", "true")),
        ("vllm", "0.30.0", "enforce_eager", False, None),
        ("vllm", "0.17.1", "enable_prefix_caching", False, ("SM_VLLM_NO_ENABLE_PREFIX_CACHING", "")),
        ("vllm", "0.30.0", "enable_prefix_caching", False, ("SM_VLLM_NO_ENABLE_PREFIX_CACHING", "true")),
        ("vllm", "0.30.0", "enable_prefix_caching", True, ("SM_VLLM_ENABLE_PREFIX_CACHING", "true")),
        ("sglang", "0.5.9", "disable_radix_cache", True, ("SM_SGLANG_DISABLE_RADIX_CACHE", "")),
        ("sglang", "0.5.20", "disable_radix_cache", True, ("SM_SGLANG_DISABLE_RADIX_CACHE", "true")),
        ("sglang", "0.5.20", "disable_radix_cache", False, None),
        ("lmi", "29.0.0", "enforce_eager", True, ("OPTION_ENFORCE_EAGER", "true")),
        ("lmi", "29.0.0", "enforce_eager", False, ("OPTION_ENFORCE_EAGER", "false")),
    ],
)
def test_booleans_are_written_as_each_image_reads_them(
    shipped: Registry, engine: str, version: str, name: str, value: bool, expected: object
) -> None:
    """facts/engines.md section 2; the AWS images changed on 2026-03-17; false has its own form or none."""
    table = table_for(shipped.frameworks[engine], "cuda", "aws", shipped)
    assert write_setting(table, parameter(table, name), value, version) == expected


def test_neuron_booleans_are_empty_for_true(shipped: Registry) -> None:
    table = table_for(shipped.frameworks["vllm"], "neuron", "aws", shipped)
    switches = [p for p in table.parameters if p.type in ("bool", "flag") and p.env]
    for switch in switches:
        assert write_setting(table, switch, True, "0.11.0") == (switch.env, "")
    assert table.true_text


def test_the_off_twin_exists_for_vllm_booleans_and_not_for_switches(shipped: Registry, vllm: Table) -> None:
    assert negative_env(parameter(vllm, "enable_prefix_caching"), "SM_VLLM_") == "SM_VLLM_NO_ENABLE_PREFIX_CACHING"
    assert negative_env(parameter(vllm, "max_model_len"), "SM_VLLM_") is None
    assert vllm.name("SM_VLLM_NO_ENABLE_PREFIX_CACHING").negated
    sglang = table_for(shipped.frameworks["sglang"], "cuda", "aws", shipped)
    assert negative_env(parameter(sglang, "disable_radix_cache"), "SM_SGLANG_") is None


def test_a_switch_that_is_on_by_default_and_has_no_off_form_cannot_be_told(shipped: Registry) -> None:
    sglang = table_for(shipped.frameworks["sglang"], "cuda", "aws", shipped)
    switch = parameter(sglang, "disable_radix_cache")
    make = cast(Any, type(switch))
    on = make({"name": "x", "env": "SM_SGLANG_X", "type": "flag", "default": True})
    assert write_setting(sglang, on, False, "0.5.20") == "x is a switch without an off form and is on by default"
    unset = make({"name": "y", "type": "int"})
    assert write_setting(sglang, unset, 3, "0.5.20") == "y cannot be set through variables of this image"


# ---------------------------------------------------------------------------------------------------- values


@pytest.mark.parametrize(
    ("name", "raw", "value"),
    [
        ("max_model_len", 8192, 8192), ("max_model_len", "8192", 8192), ("max_model_len", 8192.0, 8192),
        ("max_model_len", "8k", 8000), ("max_model_len", "8K", 8192), ("max_model_len", "1m", 10**6),
        ("max_model_len", "1M", 2**20), ("max_model_len", "2g", 2 * 10**9), ("max_model_len", "2G", 2 * 2**30),
        ("max_model_len", "1.5k", 1500), ("max_model_len", -1, -1), ("max_model_len", " 42 ", 42),
        ("gpu_memory_utilization", "0.5", 0.5), ("gpu_memory_utilization", 1, 1.0),
        ("gpu_memory_utilization", 1e-9, 1e-9), ("enforce_eager", "yes", True), ("enforce_eager", "", True),
        ("enforce_eager", None, True), ("enforce_eager", 0, False), ("enforce_eager", "FALSE", False),
        ("dtype", "half", "half"), ("max_lora_rank", "64", 64), ("max_lora_rank", 64, 64),
        ("speculative_config", '{"a": 1}', {"a": 1}), ("speculative_config", {"a": 1}, {"a": 1}),
        ("reasoning_parser", "qwen3", "qwen3"), ("seed", "0", 0),
    ],
)  # fmt: skip
def test_values_get_the_type_the_engine_reads(vllm: Table, name: str, raw: object, value: object) -> None:
    found, problem = read_value(parameter(vllm, name), raw, "0.30.0")
    assert problem is None, problem
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("name", "raw", "kind"),
    [
        ("max_model_len", "many", "type"), ("max_model_len", 1.5, "type"), ("max_model_len", True, "type"),
        ("max_model_len", "1.5", "type"), ("max_model_len", [1], "type"), ("max_model_len", None, "type"),
        ("max_model_len", "", "type"), ("max_model_len", "k", "type"), ("max_model_len", "1.0005k", "type"),
        ("max_model_len", -2, "range"), ("max_num_seqs", 0, "range"), ("tensor_parallel_size", 0, "range"),
        ("gpu_memory_utilization", 1.5, "range"), ("gpu_memory_utilization", 0, "range"),
        ("gpu_memory_utilization", -1, "range"), ("gpu_memory_utilization", "nan", "type"),
        ("gpu_memory_utilization", "inf", "type"), ("gpu_memory_utilization", float("inf"), "type"),
        ("gpu_memory_utilization", float("nan"), "type"), ("gpu_memory_utilization", "much", "type"),
        ("gpu_memory_utilization", True, "type"), ("gpu_memory_utilization", "0.5k", "type"),
        ("enforce_eager", "maybe", "type"), ("enforce_eager", 2, "type"), ("enforce_eager", 1.0, "type"),
        ("enforce_eager", [], "type"), ("dtype", "float8", "choice"), ("dtype", True, "choice"),
        ("dtype", ["half"], "choice"), ("max_lora_rank", 7, "choice"), ("speculative_config", "{a", "type"),
        ("speculative_config", "[" * 100_000, "type"), ("reasoning_parser", [1], "choice"), ("chat_template", [1], "type"),
        ("max_model_len", 2**63, "range"), ("max_model_len", "9" * 400, "range"), pytest.param("max_model_len", 10**5000, "range", id="huge int"),
        pytest.param("gpu_memory_utilization", 10**400, "range", id="huge float"), ("gpu_memory_utilization", "1" * 5000, "type"),
    ],
)  # fmt: skip
def test_values_the_engine_would_refuse_are_refused(vllm: Table, name: str, raw: object, kind: str) -> None:
    _, problem = read_value(parameter(vllm, name), raw, "0.30.0")
    assert problem is not None and problem.kind == kind, problem
    assert problem.message.startswith(f"{name}: ") and problem.hint


def test_bounds_are_named(vllm: Table) -> None:
    high = read_value(parameter(vllm, "gpu_memory_utilization"), 1.5, "0.30.0")[1]
    assert high is not None and high.message == "gpu_memory_utilization: value 1.5 exceeds maximum 1.0"
    assert high.hint == "use a value above 0 and at most 1.0"
    low = read_value(parameter(vllm, "max_num_seqs"), 0, "0.30.0")[1]
    assert low is not None and low.message == "max_num_seqs: value 0 is below minimum 1"
    zero = read_value(parameter(vllm, "gpu_memory_utilization"), 0, "0.30.0")[1]
    assert zero is not None and zero.message == "gpu_memory_utilization: value 0 must be above 0"
    assert range_words(parameter(vllm, "max_num_seqs")) == " at least 1"
    assert range_words(parameter(vllm, "dtype")) == ""


def test_bounds_themselves_are_legal(vllm: Table) -> None:
    assert read_value(parameter(vllm, "gpu_memory_utilization"), 1.0, "0.30.0")[1] is None
    assert read_value(parameter(vllm, "max_num_seqs"), 1, "0.30.0")[1] is None
    assert read_value(parameter(vllm, "max_model_len"), 2**63 - 1, "0.30.0")[1] is None


def test_a_choice_gets_the_nearest_and_the_list(vllm: Table) -> None:
    problem = read_value(parameter(vllm, "dtype"), "bfloat17", "0.30.0")[1]
    assert problem is not None
    assert problem.hint.startswith("did you mean bfloat16? choices: auto, bfloat16")


def test_a_number_or_max(shipped: Registry) -> None:
    lmi = table_for(shipped.frameworks["lmi"], "cuda", "aws", shipped)
    degree = parameter(lmi, "tensor_parallel_size")
    assert read_value(degree, "max", "29.0.0") == ("max", None)
    assert read_value(degree, "4", "29.0.0") == (4, None)
    assert read_value(degree, "most", "29.0.0")[1] is not None


def test_lists(vllm: Table, shipped: Registry) -> None:
    lists = [p for p in vllm.parameters if p.type == "list"]
    assert lists
    for row in lists:
        assert read_value(row, ["a", "b"], "0.30.0") == (["a", "b"], None)
        assert read_value(row, ("a",), "0.30.0") == (["a"], None)
        assert read_value(row, "a", "0.30.0") == ("a", None)
        problem = read_value(row, {"a": 1}, "0.30.0")[1]
        assert problem is not None and problem.kind == "type"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"), (False, "false"), (3, "3"), (0.5, "0.5"), ("x y", "x y"), ([], "[]"), (["a"], "a"),
        (["a", "b"], '["a","b"]'), ({"b": 1, "a": [True]}, '{"a":[true],"b":1}'), ([1], "[1]"), ("", ""),
        (["ä", "b"], '["\\u00e4","b"]'),
    ],
)  # fmt: skip
def test_text_of_values(value: object, text: str) -> None:
    assert text_of(value) == text


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda v: st.lists(v) | st.dictionaries(st.text(), v)
    )
)
def test_lists_and_mappings_are_written_on_one_line(value: object) -> None:
    if isinstance(value, dict) or (isinstance(value, list) and len(value) != 1):
        assert text_of(value).isascii() and "\n" not in text_of(value)


# ---------------------------------------------------------------------------------------------------- through releases


def test_settings_begin_and_end_with_releases(vllm: Table) -> None:
    """facts/engines.md section 4: performance_mode since 0.17.0, swap_space gone by 0.18.1."""
    assert not exists_in(parameter(vllm, "performance_mode"), "0.16.0")
    assert exists_in(parameter(vllm, "performance_mode"), "0.17.0")
    assert exists_in(parameter(vllm, "max_model_len"), "0.7.3")
    assert exists_in(parameter(vllm, "swap_space"), "0.17.0")
    assert not exists_in(parameter(vllm, "swap_space"), "0.18.1")


def test_defaults_change_with_releases(vllm: Table) -> None:
    """facts/engines.md section 4: 0.92, and 0.9 before 0.20.0."""
    assert default_at(parameter(vllm, "gpu_memory_utilization"), "0.30.0") == 0.92
    assert default_at(parameter(vllm, "gpu_memory_utilization"), "0.20.0") == 0.92
    assert default_at(parameter(vllm, "gpu_memory_utilization"), "0.19.1") == 0.9
    assert default_at(parameter(vllm, "max_model_len"), "0.30.0") is None
    assert default_at(parameter(vllm, "dtype"), "0.30.0") == "auto"


def test_choices_change_with_releases(vllm: Table) -> None:
    """facts/engines.md section 4: gguf gone 0.24.0, bitsandbytes gone 0.28.0."""
    quantization = parameter(vllm, "quantization")
    for version, gguf, bitsandbytes in (("0.23.0", True, True), ("0.27.1", False, True), ("0.28.0", False, False)):
        choices = choices_at(quantization, version)
        assert choices is not None
        assert ("gguf" in choices, "bitsandbytes" in choices) == (gguf, bitsandbytes), version
        assert choices_at(quantization, version) == choices
    assert choices_at(parameter(vllm, "max_model_len"), "0.30.0") is None


def test_deprecated_choices(vllm: Table) -> None:
    """facts/engines.md section 4: today fbgemm_fp8 and fp_quant need --allow-deprecated-quantization."""
    quantization = parameter(vllm, "quantization")
    assert deprecated_choice(quantization, "0.30.0", "fp_quant")
    assert deprecated_choice(quantization, "0.30.0", "fp8") is None
    assert deprecated_choice(quantization, "0.7.3", "fp_quant") is None
    assert deprecated_choice(parameter(vllm, "dtype"), "0.30.0", "auto") is None
    assert deprecated_choice(quantization, "0.30.0", ["fp_quant"]) is None


def test_settings_nobody_may_set_are_known_in_every_spelling(vllm: Table) -> None:
    for name in ("host", "port", "SM_VLLM_PORT", "SM_VLLM_HOST"):
        known = vllm.name(name)
        assert known.parameter is not None and known.parameter.fixed, name


@pytest.mark.parametrize("number", [2**63, 12345678901234567890, -(2**64), 10**1024, -(10**3900)])
def test_a_number_is_written_in_decimal_whatever_its_size(number: int) -> None:
    assert text_of(number) == str(number)
    assert text_of({"a": number}) == f'{{"a":{number}}}'


@pytest.mark.parametrize(
    "value",
    [10**5000, [10**5000], {"a": {"b": -(10**5000)}}, ["x", 0.5, 10**5000]],
    ids=lambda value: type(value).__name__,
)
def test_a_number_python_does_not_write_is_too_long_for_any_file(value: Any) -> None:
    """Python refuses to write more than 4300 digits; whatever stands for them is refused, too."""
    assert "SageMaker takes 1024" in (unwritable(text_of(value)) or "")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", None), ("x" * 1024, None), ("\u00a0\u200b\U0001f3a4 '\"$`#", None),
        ("x" * 1025, "has 1025 characters"), ("a\nb", "line break"), ("\0", "line break"), ("\x85", "line break"),
        ("\u2028", "line break"), ("\u2029", "line break"), ("\ud800", "line break"), ("\x7f", "line break"),
    ],
)  # fmt: skip
def test_a_value_is_one_line_of_at_most_1024_characters(text: str, why: str | None) -> None:
    found = unwritable(text)
    assert found is None if why is None else why in (found or "")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"a": NaN}', "is not JSON"), ("Infinity", "is not JSON"), ('{"a": [1e999]}', "is not JSON"), ('{"a": -1e999}', "is not JSON"),
        ('{"a": "\\ud800"}', "is not JSON"), ('{"\\udc00": 1}', "is not JSON"), ('{"a": ' + "9" * 5000 + "}", "is not JSON"),
        ("[" * 41 + "]" * 41, "more than 40 levels deep"), ('{"a":' + "[" * 506 + "]" * 506 + "}", "more than 40 levels deep"),
        ("[" * 5000 + "]" * 5000, "is not JSON"),
    ],
)  # fmt: skip
def test_json_that_only_python_reads_is_refused(vllm: Table, text: str, why: str) -> None:
    """It was accepted, and the rendering of a project ended in a traceback, or its lock could not be read again."""
    _, problem = read_value(parameter(vllm, "hf_overrides"), text, "0.30.0")
    assert problem is not None and problem.kind == "type" and why in problem.message


@pytest.mark.parametrize("text", ["[" * 40 + "]" * 40, '{"a": "\\ud83c\\udfa4", "b": 1e300}', "7", '"x"', "null"])
def test_json_is_read(vllm: Table, text: str) -> None:
    assert read_value(parameter(vllm, "hf_overrides"), text, "0.30.0") == (json.loads(text), None)
