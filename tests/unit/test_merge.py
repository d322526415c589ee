"""Merging by the seven-step precedence, and what of it reaches container.env."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcc_registry import Registry, Request
from mcc_registry.errors import SOURCES as CODE_SOURCES
from mcc_registry.models.plan import Origin, order_sources
from mcc_registry.resolve.merge import drop_unknown, merge, read_user_settings
from mcc_registry.settings import table_for
from tests.unit.core_kit import SOURCES, TOKEN, ask, layered

ORIGINS = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(SOURCES), st.integers()), max_size=20)


def test_the_seven_sources_are_the_contract() -> None:
    assert list(CODE_SOURCES) == SOURCES
    assert order_sources({"User_Input", "Generator_Default", "Model_Profile"}) == (
        "Generator_Default",
        "Model_Profile",
        "User_Input",
    )


@given(ORIGINS)
def test_the_highest_source_wins_and_everything_overridden_is_remembered(rows: list[tuple[str, str, int]]) -> None:
    rows = sorted(rows, key=lambda r: SOURCES.index(r[1]))
    layers = [(name, Origin(value, source, "f.yaml", name, "why")) for name, source, value in rows]
    before = copy.deepcopy(layers)
    merged = merge(layers)
    assert layers == before
    for name in {r[0] for r in rows}:
        mine = [(value, source) for n, source, value in rows if n == name]
        setting = merged[name]
        assert (setting.value, setting.source) == mine[-1]
        assert [(o.value, o.source) for o in setting.overrode] == mine[-2::-1]
        assert (setting.file, setting.key, setting.reason) == ("f.yaml", name, "why")
        assert all((o.file, o.key, o.reason) == ("f.yaml", name, "why") for o in setting.overrode)
    assert set(merged) == {r[0] for r in rows}


LAYER = """\
releases:
  "0.30.0":
    settings:
      max_num_seqs: 11
      seed: 1
"""
MODELS = """\
title: Ours
provenance:
  source:
    - us
  checked: "2026-02-01"
  basis: assumed
patterns:
  - match: "acme/toy-*"
    must_match:
      - acme/toy-7b
    must_not_match:
      - acme/other
    settings:
      max_num_seqs: 13
      dtype: bfloat16
    engine_settings:
      vllm:
        seed: 2
      sglang:
        seed: 9
    profiles:
      "7b":
        title: Seven
        match:
          - "*-7b"
        settings:
          max_num_seqs: 14
          max_model_len: 4096
      other:
        title: Other
        match:
          - "*-nothing"
        settings:
          max_num_seqs: 15
"""


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    folder: Path = tmp_path_factory.mktemp("team")
    return layered(folder, frameworks__vllm=LAYER, models__acme=MODELS)


def test_every_step_of_the_precedence_in_one_plan(team: Registry) -> None:
    """Framework release < framework profile < model < model profile < user; each remembers what it overrode."""
    request = {"framework_version": "0.30.0", "instance_type": "ml.g5.xlarge", "model_name": "acme/toy-7b"}
    plan = ask(team, **request, framework_profile="low-latency", env_vars={"SM_VLLM_MAX_NUM_SEQS": "16"})
    setting = plan.settings["max_num_seqs"]
    assert (setting.value, setting.source) == (16, "User_Input")
    assert [(o.value, o.source) for o in setting.overrode] == [
        (14, "Model_Profile"),
        (13, "Model_Registry"),
        (32, "Framework_Profile"),
        (11, "Framework_Registry"),
    ]
    assert plan.env_vars["SM_VLLM_MAX_NUM_SEQS"].value == "16"
    assert plan.sources == tuple(s for s in SOURCES if s != "HuggingFace_Hub_API")
    assert setting.overrode[3].key == "releases[0.30.0].settings.max_num_seqs"
    assert plan.settings["seed"].value == 2  # the engine's own value of the model, not SGLang's
    assert plan.settings["performance_mode"].source == "Framework_Profile"
    assert plan.settings["performance_mode"].reason
    assert ask(team, **request).settings["max_num_seqs"].source == "Model_Profile"


def test_a_named_model_profile_replaces_the_fitting_one(team: Registry) -> None:
    request = {"framework_version": "0.30.0", "instance_type": "ml.g5.xlarge", "model_name": "acme/toy-7b"}
    assert ask(team, **request).model["profile"] == "7b"  # type: ignore[index]
    plan = ask(team, **request, model_profile="other")
    assert plan.model is not None and plan.model["profile"] == "other"
    assert plan.settings["max_num_seqs"].value == 15 and "max_model_len" not in plan.settings
    unfit = ask(team, **{**request, "model_name": "acme/toy-9b"})
    assert unfit.model is not None and unfit.model["profile"] is None
    assert unfit.settings["max_num_seqs"].value == 13


def test_what_no_source_asked_for_is_not_emitted(shipped: Registry) -> None:
    plan = ask(shipped, model_name="acme/unknown", instance_type="ml.g5.xlarge")
    assert set(plan.env_vars) == {"SM_VLLM_MODEL", "SM_VLLM_TENSOR_PARALLEL_SIZE"}


def test_a_generic_variable_becomes_the_engines_own(shipped: Registry) -> None:
    plan = ask(shipped, env_vars={"MAX_MODEL_LEN": 4096})
    assert "MAX_MODEL_LEN" not in plan.env_vars
    assert plan.env_vars["SM_VLLM_MAX_MODEL_LEN"].value == "4096"


def test_registry_settings_the_release_lacks_are_left_out_with_what_needs_them(shipped: Registry) -> None:
    entry = shipped.frameworks["vllm"]
    table = table_for(entry, "cuda", "aws", shipped)

    def origin(value: object) -> Origin:
        return Origin(value, "Model_Registry")

    layers = [
        ("tool_call_parser", origin("no-such-parser")),
        ("enable_auto_tool_choice", origin(True)),
        ("nonsense", origin(1)),
        ("performance_mode", origin("balanced")),
        ("max_num_seqs", origin(8)),
    ]
    before = copy.deepcopy(layers)
    kept, skipped = drop_unknown(layers, table, "0.16.0")
    assert layers == before
    assert [name for name, _ in kept] == ["max_num_seqs"]
    assert [(s.canonical, s.why) for s in skipped] == [
        ("tool_call_parser", "0.16.0 does not know this choice"),
        ("nonsense", "the engine has no such setting"),
        ("performance_mode", "0.16.0 does not have it"),
        ("enable_auto_tool_choice", "it needs tool_call_parser"),
    ]
    kept, skipped = drop_unknown([*layers[:2], ("tool_call_parser", origin("hermes"))], table, "0.16.0")
    assert [name for name, _ in kept] == ["enable_auto_tool_choice", "tool_call_parser"]


def test_negative_spellings_and_secrets_are_read_right(shipped: Registry) -> None:
    table = table_for(shipped.frameworks["vllm"], "cuda", "aws", shipped)
    request = Request(
        env_vars={
            "SM_VLLM_NO_ENABLE_PREFIX_CACHING": "true",
            "enable_chunked_prefill": "no",
            "max_num_seqs": TOKEN,
            "api_key": "x",
            "NCCL_DEBUG": "INFO",
            "max_model_len": "many",
        }
    )
    users = {u.written: u for u in read_user_settings(request, table, "0.30.0")}
    assert list(users) == list(request.env_vars)
    assert users["SM_VLLM_NO_ENABLE_PREFIX_CACHING"].value is False
    assert users["enable_chunked_prefill"].value is False
    for secret in ("max_num_seqs", "api_key"):
        assert (users[secret].value, users[secret].problem) == ("(not shown)", None)
    assert users["NCCL_DEBUG"].value == "INFO"
    assert users["max_model_len"].problem is not None


def test_the_order_of_container_env(shipped: Registry) -> None:
    """The model first, then settings by name, then the owner's variables by name."""
    plan = ask(shipped, instance_type="ml.g5.xlarge", env_vars={"ZZ": 1, "AA": None, "max_num_seqs": 8})
    names = list(plan.env_vars)
    assert names[0] == "SM_VLLM_MODEL" and names[-2:] == ["AA", "ZZ"]
    assert names[1:-2] == sorted(names[1:-2]) and len(names) > 4
    assert (plan.env_vars["AA"].value, plan.env_vars["ZZ"].value) == ("", "1")
    assert list(plan.settings) == sorted(plan.settings)
