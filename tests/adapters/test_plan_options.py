"""What a plan writes into container.env is known to exactly the release that reads it.

The option tables in options.json were read from the engines' own command lines (make_data.py), not from the registries.
"""

from __future__ import annotations

from typing import Any

import pytest
import recording_engine
from adapterkit import ADAPTERS, project
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_adapter_flags import SERVE, TABLES

from mcc_registry import Registry, Request, resolve
from mcc_registry.resolve.merge import entry_profiles

REGISTRY = Registry.load(environ={})
ADAPTER = {view["adapter"]: name for name in ADAPTERS if (view := project(name))["adapter"]}
MODELS = (
    "Qwen/Qwen3-4B",
    "meta-llama/Llama-3.1-8B-Instruct",
    "deepseek-ai/DeepSeek-R1-Distill-Qwen-7B",
    "google/gemma-3-4b-it",
)
RELEASES = [
    (engine, version)
    for engine in sorted(TABLES)
    for version in TABLES[engine]["releases"]
    if version in REGISTRY.frameworks[engine].versions
]


def words_of(engine: str, env_vars: dict[str, Any]) -> list[str]:
    """The engine's command line, as serving/serve makes it of the plan's variables; the model itself goes another way."""
    entry = REGISTRY.frameworks[engine].data
    env = {
        name: var.value
        for name, var in env_vars.items()
        if name.startswith(entry.env_prefix) and name != entry.model_env
    }
    return list(SERVE[ADAPTER[engine]].flags(env))


def assert_known(engine: str, version: str, env_vars: dict[str, Any]) -> int:
    words = words_of(engine, env_vars)
    try:
        read = recording_engine.parser_for(engine, version).parse_args(words)
    except SystemExit:
        pytest.fail(f"{engine} {version} does not know: {' '.join(words)}")
    return len(vars(read))


def test_every_engine_with_a_table_has_its_adapter() -> None:
    assert set(ADAPTER) == set(TABLES) == {"vllm", "sglang", "tensorrt-llm"} and len(RELEASES) >= 80


@pytest.mark.parametrize(("engine", "version"), RELEASES, ids=lambda part: part)
def test_a_plan_emits_nothing_its_release_does_not_know(engine: str, version: str) -> None:
    """Every profile of every listed release, with models that bring settings of their own."""
    entry = REGISTRY.frameworks[engine]
    emitted = 0
    for profile in ["default", *sorted(entry_profiles(entry, version, "cuda"))]:
        for model in MODELS:
            plan = resolve(
                Request(model_server=engine, framework_version=version, framework_profile=profile, model_name=model),
                REGISTRY,
            )
            emitted += assert_known(engine, version, plan.env_vars)
    assert emitted > 0, "no plan of this release says anything: the test proves nothing"


def legal(parameter: Any) -> st.SearchStrategy[Any]:
    """Values the parameter table allows."""
    low = parameter.min if parameter.min is not None else (parameter.gt + 1 if parameter.gt is not None else 1)
    high = parameter.max if parameter.max is not None else max(low, 4096)
    kinds: dict[str, Any] = {
        "int": st.integers(int(low), int(high)),
        "int_or_max": st.integers(int(low), int(high)),
        "float": st.sampled_from(
            [value for value in (0.1, 0.5, 0.9) if low <= value <= high or parameter.min is None] or [low]
        ),
        "bool": st.booleans(),
        "flag": st.booleans(),
        "enum": st.sampled_from(["auto", *getattr(parameter.choices, "initial", parameter.choices or [])]),
        "str": st.sampled_from(["word", "two words", "a=b"]),
        "json": st.sampled_from([{"a": 1}, {}]),
        "list": st.sampled_from([["a"], ["a", "b"]]),
    }
    return kinds[parameter.type]  # type: ignore[no-any-return]


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_settings_an_owner_asks_for_are_known_or_refused(data: st.DataObject) -> None:
    """Legal values of any parameter the registry has, in any release: written in a way the release reads, or not ok."""
    engine, version = data.draw(st.sampled_from(RELEASES))
    parameters = {p.canonical or p.name: p for p in REGISTRY.frameworks[engine].data.parameters}
    names = data.draw(st.lists(st.sampled_from(sorted(parameters)), max_size=4, unique=True))
    asked = {name: data.draw(legal(parameters[name])) for name in names}
    plan = resolve(Request(model_server=engine, framework_version=version, env_vars=asked), REGISTRY)
    if plan.ok:
        assert_known(engine, version, plan.env_vars)
