"""A secret is refused and never repeated, whatever it hides in (design.md section 4)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcc_registry import Registry, Request, resolve
from mcc_registry.report import to_blocks, to_line
from mcc_registry.secrecy import looks_secret
from mcc_registry.settings import table_for
from tests.unit.core_kit import TOKEN, errors, one

VALUES = [
    TOKEN,
    "AKIA" + "ABCDEFGHIJKLMNOP",
    "sk-" + "abcdefghijklmnopqrstuvwx",
    "nvapi-" + "abcdefghijklmnopqrstuvwx",
    "-----BEGIN " + "PRIVATE KEY-----",
]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("HF_TOKEN", "x", True), ("hf_token", "x", True), ("MY_API_KEY", "x", True), ("APIKEY", "x", True),
        ("DB_PASSWORD", "x", True), ("TOKEN", "x", True), ("AWS_SECRET_ACCESS_KEY", "x", True),
        ("AWS_ACCESS_KEY_ID", "x", True), ("MY_CREDENTIALS", "x", True), ("PRIVATE_KEY", "x", True),
        ("ACCESS_TOKENS", "x", True), ("HF_TOKEN", "", False), ("MAX_NUM_BATCHED_TOKENS", "8192", False),
        ("max_prefill_tokens", "8192", False), ("TOKENIZER", "x", False), ("TOKENIZERS_PARALLELISM", "false", False),
        ("MY_SECRET_ARN", "arn:aws:x", False), ("AUTHOR", "me", False), ("KEYBOARD", "qwerty", False),
        ("PASSWORDLESS", "yes", False), ("MY_KEY", "hello", False),
        ("MY_KEY", "Zx9Qw7Er5Ty3Ui1Op2As4Df6Gh8J", True), ("MY_KEY", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", False),
        ("MY_KEY", "this is a sentence with several words", False), ("MY_THING", "Zx9Qw7Er5Ty3Ui1Op2As4Df6Gh8J", False),
        ("MY_KEY", "0f3a9b7c1d5e8f2a4b6c8d0e1f3a5b7c", True), ("KEYSTONE", "Zx9Qw7Er5Ty3Ui1Op2As4Df6Gh8J", False),
        ("X_ARN", TOKEN, True), ("MAX_TOKENS", TOKEN, True),
    ],
)  # fmt: skip
def test_what_looks_secret(name: str, value: str, expected: bool) -> None:
    assert looks_secret(name, value) is expected


@pytest.mark.parametrize("value", VALUES)
def test_known_forms_are_secret_under_any_name(value: str) -> None:
    assert looks_secret("X", value) and looks_secret("X", f"prefix {value} suffix")


def leaks(plan: Any, *secrets: str) -> bool:
    shown = json.dumps(plan.to_json()) + to_blocks(plan.findings) + "".join(map(to_line, plan.findings)) + repr(plan)
    return any(secret in shown for secret in secrets)


NAMES = ["max_model_len", "SM_VLLM_MAX_MODEL_LEN", "dtype", "enforce_eager", "gpu_memory_utilization", "swap_space",
         "speculative_config", "chat_template", "NCCL_DEBUG", "max_modle_len", "port", "SM_VLLM_MODEL", "quantization",
         "hf_token", "api_key", "HF_TOKEN"]  # fmt: skip


@pytest.mark.parametrize("validate", [True, False])
@pytest.mark.parametrize("name", NAMES)
def test_a_secret_value_is_refused_and_never_shown(shipped: Registry, name: str, validate: bool) -> None:
    for request in (
        Request(env_vars={name: TOKEN}, validate_env_vars=validate),
        Request(env_vars={name: TOKEN}, instance_type="ml.m5.large", validate_env_vars=validate),
        Request(env_vars={name: TOKEN}, instance_type="ml.nothing.large", validate_env_vars=validate),
        Request(env_vars={name: TOKEN}, framework_version=">=99", validate_env_vars=validate),
        Request(env_vars={name: TOKEN}, framework="nonsense", validate_env_vars=validate),
    ):
        plan = resolve(request, shipped)
        assert not plan.ok and not leaks(plan, TOKEN), name
        if plan.framework is not None:
            assert one(plan, "secret-in-answer").severity == "error"


def test_one_of_two_spellings_does_not_leak(shipped: Registry) -> None:
    """The overridden value is remembered, and that memory must not hold a secret."""
    for first, second in ((TOKEN, "harmless"), ("harmless", TOKEN), (TOKEN, TOKEN[::-1])):
        plan = resolve(Request(env_vars={"api_key": first, "SM_VLLM_API_KEY": second}), shipped)
        assert not plan.ok and not leaks(plan, TOKEN, TOKEN[::-1])


def test_nested_values_do_not_leak(shipped: Registry) -> None:
    for value in ({"a": {"b": TOKEN}}, [TOKEN], ["x", {"y": TOKEN}]):
        plan = resolve(Request(env_vars={"speculative_config": value}), shipped)
        assert not plan.ok and not leaks(plan, TOKEN)


def test_the_request_is_not_changed_by_hiding(shipped: Registry) -> None:
    request = Request(env_vars={"HF_TOKEN": TOKEN, "A": "b"})
    plan = resolve(request, shipped)
    assert request.env_vars == {"HF_TOKEN": TOKEN, "A": "b"}
    assert plan.request.env_vars == {"HF_TOKEN": "(not shown)", "A": "b"}


def test_settings_the_table_calls_secret_are_refused_in_every_spelling(shipped: Registry) -> None:
    for engine in shipped.frameworks:
        entry = shipped.frameworks[engine]
        table = table_for(entry, "cuda", "aws", shipped)
        for row in (p for p in table.parameters if p.secret):
            for name in {row.name, row.canonical, row.env, *row.aliases} - {None}:
                assert looks_secret(str(name), "x"), (engine, name)
                plan = resolve(Request(model_server=engine, env_vars={str(name): "pa55"}), shipped)
                assert "secret-in-answer" in errors(plan) and not leaks(plan, "pa55")


@given(name=st.sampled_from(NAMES), value=st.sampled_from(VALUES), more=st.text(max_size=20))
def test_secrets_inside_longer_text(shipped: Registry, name: str, value: str, more: str) -> None:
    plan = resolve(Request(env_vars={name: f"{more} {value} {more}"}), shipped)
    assert not plan.ok and not leaks(plan, value)
