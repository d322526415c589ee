"""Wrong usage, help, the exit statuses and the promise of no traceback."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcc_registry.cli import COMMANDS, main

from .invoke import invoke


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "command is missing"),
        (("resolv",), "did you mean resolve?"),
        (("resolve", "--modle-name", "x"), "did you mean --model-name?"),
        (("resolve", "x"), "one argument too many"),
        (("resolve", "--env", "NAME"), "NAME=VALUE"),
        (("resolve", "--env", "=1"), "NAME=VALUE"),
        (("resolve", "--no-offline=true"), "takes no value"),
        (("resolve", "--model-name"), "expected one argument"),
        (("resolve", "--format", "xml"), "invalid choice"),
        (("explain",), "SETTING"),
        (("compat", "--instance-type", "ml.g5.xlarge"), "required"),
        (("compat", "--cuda", "13.0"), "--instance-type"),
        (("compat", "--cuda", "13", "--instance-type", "ml.g5.xlarge"), "X.Y"),
        (("compat", "--cuda", "13.0", "--cpu", "--instance-type", "ml.g5.xlarge"), "not allowed"),
        (("compat", "--cuda", "13.0", "--instance-type", "ml.g5.xlarge", "--image-arch", "arm"), "invalid choice"),
        (("compat", "--cuda", "1.0", "--instance-type", "ml.g5.xlarge", "--offline=maybe"), "neither true nor false"),
        (("compat", "--cuda", "13.0", "--instance-type", "ml.g5.xlarge", "--ami", ""), "default"),
        (("fit",), "MODEL"),
        (("fit", "m", "--gpu-memory-utilization", "1.5"), "above 0 and at most 1"),
        (("fit", "m", "--gpu-memory-utilization", "nan"), "above 0 and at most 1"),
        (("fit", "m", "--max-model-len", "0"), "whole number of at least 1"),
        (("fit", "m", "--dtype", "int3"), "invalid choice"),
        (("instances", "--max-price", "-1"), "price"),
        (("chat-template",), "one of the two"),
        (("chat-template", "m", "--chat-format", "chatml"), "one of the two"),
        (("schema", "frammework"), "did you mean framework?"),
        (("completion", "tcsh"), "invalid choice"),
        (("init-layer",), "DIR"),
        (("--wat",), "no option"),
    ],
)
def test_wrong_usage_is_status_2_with_nothing_on_stdout(arguments: tuple[str, ...], words: str) -> None:
    result = invoke(*arguments)
    assert (result.code, result.out) == (2, "")
    assert words in result.err
    assert "--help" in result.err and "Traceback" not in result.err


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_examples_in_80_columns(command: str) -> None:
    result = invoke(command, "--help")
    assert (result.code, result.err) == (0, "")
    assert "examples:" in result.out and f"mcc-registry {command}" in result.out
    assert "--registry-path" in result.out and "--offline" in result.out
    assert all(len(line) <= 80 for line in result.out.splitlines())
    assert invoke(command, "-h").out == result.out


def test_help_shows_the_registry_system() -> None:
    result = invoke("--help")
    assert result.code == 0
    section = result.out.partition("REGISTRY SYSTEM")[2]
    for words in (
        "Framework Registry: Loaded",
        "Model Registry: Loaded",
        "Instance Accelerator Mapping: Loaded",
        "277 types",
        "vllm",
        "0.30.0",
    ):
        assert words in section
    assert all(len(line) <= 80 for line in result.out.splitlines())
    assert all(f"  {command} " in result.out for command in COMMANDS)


def test_help_with_a_broken_layer_says_so_and_still_helps() -> None:
    result = invoke("--registry-path", "/nowhere", "--help")
    assert result.code == 0
    assert "usage:" in result.out and "not loaded: 1 fault" in result.out


def test_version() -> None:
    assert invoke("--version").out.startswith("mcc-registry ")


def test_common_options_may_stand_before_the_command() -> None:
    assert invoke("--format", "json", "--offline", "instances", "ml.g6.xlarge").json["instances"]


@pytest.mark.parametrize("extra", [(), ("--debug",)])
def test_an_internal_error_is_one_line_unless_debug(monkeypatch: pytest.MonkeyPatch, extra: tuple[str, ...]) -> None:
    def broken(command: str) -> object:
        raise RuntimeError(f"broken {command}")

    monkeypatch.setattr(main, "load_command", broken)
    result = invoke("instances", *extra)
    assert (result.code, result.out) == (1, "")
    if extra:
        assert "Traceback" in result.err
    else:
        assert len(result.err.splitlines()) == 1 and "use --debug" in result.err


def test_ctrl_c_is_one_line_and_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(command: str) -> object:
        raise KeyboardInterrupt

    monkeypatch.setattr(main, "load_command", interrupted)
    result = invoke("instances")
    assert (result.code, result.out, result.err) == (130, "", "interrupted\n")


def test_a_closed_pipe_is_quiet() -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "mcc_registry", "instances"], stdout=write, stderr=subprocess.PIPE, check=False
    )
    os.close(write)
    assert b"Traceback" not in done.stderr and b"Broken pipe" not in done.stderr
    assert done.returncode == 141


def test_colour_only_on_a_terminal_that_wants_it() -> None:
    arguments = ("compat", "--cuda", "13.0", "--instance-type", "ml.t2.micro")
    term = {"TERM": "xterm"}
    assert "\x1b[31m" in invoke(*arguments, is_terminal=True, env=term).out
    assert "\x1b" not in invoke(*arguments, is_terminal=True, env={**term, "NO_COLOR": "1"}).out
    assert "\x1b" not in invoke(*arguments, env=term).out
    assert "\x1b" not in invoke(*arguments, "--format", "json", is_terminal=True, env=term).out


READERS = (
    "resolve", "explain", "frameworks", "models", "instances", "compat", "fit", "chat-template", "schema", "completion",
)  # fmt: skip
"""Commands that write nothing and are quick, whatever follows them."""

WORDS = st.sampled_from(
    [
        *READERS,
        "--format", "json", "--offline", "--offline=maybe", "--", "-", "-h", "--help", "--env", "A=b",
        "--env=MAX_MODEL_LEN=8k", "--model-name", "Qwen/Qwen3-4B", "--instance-type", "ml.g5.xlarge", "ml.t2.micro",
        "--cuda", "13.0", "--neuron", "2.26", "--cpu", "--ami", "default", "--answers", "/dev/null", "--no-offline",
        "--framework-version", ">=0.28", "latest", "sklearn", "--framework", "max_model_len", "--render", "chatml",
        "--chat-format", "--registry-path", "/nowhere", "--max-price", "2", "--tensor-parallel-size", "8", "=",
    ]
)  # fmt: skip
JUNK = st.text(max_size=12).filter(lambda t: t not in COMMANDS)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.one_of(WORDS, WORDS, JUNK), max_size=7))
def test_no_words_bring_a_traceback_or_another_status(words: list[str]) -> None:
    result = invoke(*words, stdin=b"{}")
    assert result.code in (0, 1, 2), words
    assert "Traceback" not in result.err and "internal error" not in result.err, (words, result.err)
    assert result.code != 2 or result.out == "", words
