"""Two lock files in words: every decision, and files an owner has edited into odd shapes."""

from __future__ import annotations

from typing import Any

import pytest

from mcc_registry import Registry
from mcc_registry.lock import compare
from mcc_registry.lock.compare import Change, compare_locks, to_lines, value_text
from tests.unit.core_kit import ask

LOCK: dict[str, Any] = {
    "lock_version": 1,
    "framework": {"name": "vllm", "version": "0.30.0", "profile": None},
    "model": {"id": "m", "family": "qwen3", "match": "exact"},
    "instance_type": "ml.g6.xlarge",
    "inference_ami_version": "ami-1",
    "settings": {"max_model_len": {"value": 4096, "source": "User_Input", "fact": "env_vars"}},
    "env_vars": {"SM_VLLM_MAX_MODEL_LEN": {"value": "4096", "source": "User_Input", "setting": "max_model_len"}},
}


def changed(**more: Any) -> dict[str, Change]:
    return {c.what: c for c in compare_locks(LOCK, {**LOCK, **more})}


def test_equal_locks_have_no_change() -> None:
    assert compare_locks(LOCK, dict(LOCK)) == []


@pytest.mark.parametrize(
    ("more", "what", "note"),
    [
        ({"instance_type": "ml.g6e.xlarge", "price_usd_hour": 1.5}, "instance_type", "at 1.5 USD/h"),
        ({"instance_type": "ml.g6e.xlarge"}, "instance_type", "redeploys on another instance type"),
        ({"inference_ami_version": "ami-2"}, "inference_ami_version", "another host AMI"),
        ({"inference_ami_version": None}, "inference_ami_version", "the host AMI is left out now"),
        ({"settings": {}}, "settings.max_model_len", "no source asks for it any more (it came from User_Input)"),
    ],
)
def test_a_decision_says_what_it_means(more: dict[str, Any], what: str, note: str) -> None:
    assert note in changed(**more)[what].note


def test_a_variable_whose_setting_was_told_is_not_told_twice() -> None:
    env = {"SM_VLLM_MAX_MODEL_LEN": {"value": "8192", "source": "User_Input", "setting": "max_model_len"}}
    settings = {"max_model_len": {"value": 8192, "source": "User_Input", "fact": "env_vars"}}
    assert set(changed(env_vars=env, settings=settings)) == {"settings.max_model_len"}
    assert set(changed(env_vars=env)) == {"env_vars.SM_VLLM_MAX_MODEL_LEN"}


@pytest.mark.parametrize("odd", [None, [], "text", 7, {"max_model_len": None}, {"max_model_len": 3}])
@pytest.mark.parametrize("key", ["settings", "env_vars", "framework", "model"])
def test_odd_shapes_are_compared_too(key: str, odd: Any) -> None:
    """A hand-edited lock gives changes or none, never an exception, and lines for people."""
    for one, two in ((LOCK, {**LOCK, key: odd}), ({**LOCK, key: odd}, LOCK)):
        assert all(isinstance(line, str) for line in to_lines(compare_locks(one, two)))


def test_facts_point_at_registry_files(shipped: Registry) -> None:
    """Every fact of a change between two real plans names a registry file or a decision."""
    from mcc_registry.loading.yaml_text import parse_yaml
    from mcc_registry.lock import lock_text

    one, two = (
        parse_yaml(lock_text(ask(shipped, **answers), "p"), "lock").data
        for answers in ({"framework_version": "0.29.0"}, {"instance_type": "ml.g6e.xlarge", "model_name": "acme/x"})
    )
    changes = compare_locks(one, two)
    assert changes
    for change in changes:
        assert not change.fact or change.fact.startswith("registries/") or "/" not in change.fact, change


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "none"), (False, "false"), (1.5, "1.5"), ([1], "[1]"), ({"type": "cpu", "version": None}, "cpu"), ({"a": 1}, '{"a": 1}')],
)  # fmt: skip
def test_values_in_words(value: Any, text: str) -> None:
    assert value_text(value) == text


def test_facts_in_words() -> None:
    assert compare.fact_text("instance_type") == "follows from instance_type"
    assert compare.fact_text("registries/x.yaml") == "registries/x.yaml"
