"""serving/serve, started for real, runs the engine with exactly the plan's settings and dies with it."""

import signal
import time
from typing import Any

import pytest
from adapterkit import ARN, standin

MODEL = {"vllm": "SM_VLLM_MODEL", "sglang": "SM_SGLANG_MODEL_PATH", "tensorrt-llm": "SM_TENSORRT_LLM_MODEL"}
CASES = [
    (
        "vllm-upstream",
        {
            "SM_VLLM_MODEL": "Qwen/Qwen3-4B",
            "SM_VLLM_MAX_MODEL_LEN": "8192",
            "SM_VLLM_NO_ENABLE_PREFIX_CACHING": "true",
        },
        {"model_tag": "Qwen/Qwen3-4B", "max_model_len": 8192, "enable_prefix_caching": False, "host": "0.0.0.0"},
    ),
    (
        "vllm-module",
        {"SM_VLLM_MODEL": "Qwen/Qwen3-4B", "SM_VLLM_GPU_MEMORY_UTILIZATION": "0.85", "SM_VLLM_ENFORCE_EAGER": "true"},
        {"model": "Qwen/Qwen3-4B", "gpu_memory_utilization": 0.85, "enforce_eager": True, "host": "0.0.0.0"},
    ),
    (
        "vllm-neuron",
        {"SM_VLLM_MODEL": "Qwen/Qwen3-4B", "SM_VLLM_TENSOR_PARALLEL_SIZE": "2"},
        {"model_tag": "Qwen/Qwen3-4B", "tensor_parallel_size": 2, "host": "0.0.0.0"},
    ),
    (
        "sglang-upstream",
        {
            "SM_SGLANG_MODEL_PATH": "Qwen/Qwen3-4B",
            "SM_SGLANG_CONTEXT_LENGTH": "4096",
            "SM_SGLANG_DISABLE_RADIX_CACHE": "",
        },
        {"model_path": "Qwen/Qwen3-4B", "context_length": 4096, "disable_radix_cache": True, "host": "0.0.0.0"},
    ),
    (
        "tensorrt-llm",
        {
            "SM_TENSORRT_LLM_MODEL": "Qwen/Qwen3-4B",
            "SM_TENSORRT_LLM_MAX_SEQ_LEN": "4096",
            "SM_TENSORRT_LLM_TRUST_REMOTE_CODE": "false",
        },
        {"model_tag": "Qwen/Qwen3-4B", "max_seq_len": 4096, "host": "127.0.0.1"},
    ),
]
IDS = [case[0] for case in CASES]
CHAT = {"messages": [{"role": "user", "content": "Grüezi"}]}


@pytest.mark.parametrize(("name", "environment", "options"), CASES, ids=IDS)
def test_the_engine_gets_exactly_the_settings_and_answers(
    start: Any, name: str, environment: dict[str, str], options: dict[str, Any]
) -> None:
    running = start(name, environment).ready()
    port = running.engine_port if name == "tensorrt-llm" else running.port
    (event,) = running.events("started")
    assert event["options"] == {**options, "port": port}
    assert running.request("GET", "/ping") == (200, b"")
    status, answer = running.request("POST", "/invocations", CHAT)
    assert status == 200
    assert "Gr\\u00fcezi" in answer.decode()


@pytest.mark.parametrize(("name", "environment", "options"), CASES[:4], ids=IDS[:4])
def test_serve_becomes_the_engine_so_that_sigterm_reaches_it(
    start: Any, name: str, environment: dict[str, str], options: dict[str, Any]
) -> None:
    running = start(name, environment).ready()
    assert running.events("started")[0]["pid"] == running.process.pid
    running.process.send_signal(signal.SIGTERM)
    assert running.ended(5) == 0
    assert running.events("stopped")


@pytest.mark.parametrize(("name", "environment", "options"), CASES, ids=IDS)
def test_an_unknown_option_ends_the_container_at_once_with_its_name(
    start: Any, name: str, environment: dict[str, str], options: dict[str, Any]
) -> None:
    prefix = "SM_" + {"v": "VLLM_", "s": "SGLANG_", "t": "TENSORRT_LLM_"}[name[0]]
    running = start(name, {**environment, prefix + "NO_SUCH_THING": "1"})
    assert running.ended(10) != 0
    assert "no-such-thing" in running.text().replace("_", "-")


@pytest.mark.parametrize(("name", "environment", "options"), CASES, ids=IDS)
def test_an_engine_that_dies_at_start_ends_the_container_with_its_status(
    start: Any, name: str, environment: dict[str, str], options: dict[str, Any]
) -> None:
    running = start(name, {**environment, "STANDIN_MODE": "die-at-start"})
    assert running.ended(10) == 3
    assert "CUDA driver version is insufficient" in running.text()
    assert "Traceback" not in running.text()


@pytest.mark.parametrize(("name", "environment", "options"), [CASES[0], CASES[3], CASES[4]])
def test_ping_is_never_200_when_the_engine_is_never_ready(
    start: Any, name: str, environment: dict[str, str], options: dict[str, Any]
) -> None:
    running = start(name, {**environment, "STANDIN_MODE": "never-ready"})
    end = time.monotonic() + 15
    while not running.events("started"):
        assert time.monotonic() < end, running.text()
        time.sleep(0.05)
    time.sleep(0.3)
    assert running.request("GET", "/ping")[0] == 503


def test_a_missing_engine_is_named(start: Any) -> None:
    running = start("vllm-upstream", {"SM_VLLM_MODEL": "a/b"}, engine_command=["no-such-engine", "serve"])
    assert running.ended(10) == 1
    assert "serve: cannot start no-such-engine: No such file or directory" in running.text()


FAKE_BOTO3 = """
import os
def client(service, region_name, config):
    assert (service, region_name) == ("secretsmanager", "us-east-1")
    return Client()
class Client:
    def get_secret_value(self, SecretId):
        text = os.environ["FAKE_SECRET"]
        if text == "denied":
            raise RuntimeError("AccessDeniedException")
        return {"SecretString": text}
"""


def secret(folder: Any) -> str:
    """Put a boto3 of our own where the program finds it."""
    (folder / "fake" / "botocore").mkdir(parents=True)
    (folder / "fake" / "boto3.py").write_text(FAKE_BOTO3)
    (folder / "fake" / "botocore" / "config.py").write_text("class Config:\n    def __init__(self, **_): pass\n")
    return str(folder / "fake")


def with_secret(folder: Any, text: str) -> dict[str, str]:
    path = f"{secret(folder)}:{standin() / 'lib'}"
    return {"SM_VLLM_MODEL": "a/b", "HF_TOKEN_SECRET_ARN": ARN, "FAKE_SECRET": text, "PYTHONPATH": path}


@pytest.mark.parametrize(
    "text", ["hf_planted", ' {"HF_TOKEN": "hf_planted", "other": "x"}\n', '{"any": "hf_planted"}']
)
def test_the_hub_token_comes_from_the_secret_and_is_never_printed(start: Any, tmp_path: Any, text: str) -> None:
    running = start("vllm-upstream", with_secret(tmp_path, text), hf_token_secret_arn=ARN).ready()
    assert running.events("started")[0]["environment"] == {"HF_TOKEN": "hf_planted"}
    assert "hf_planted" not in running.text()
    assert "hf_planted" not in " ".join(running.events("started")[0]["argv"])


def test_a_token_that_is_there_already_wins(start: Any, tmp_path: Any) -> None:
    environment = {**with_secret(tmp_path, "denied"), "HF_TOKEN": "hf_mine"}
    running = start("vllm-upstream", environment, hf_token_secret_arn=ARN).ready()
    assert running.events("started")[0]["environment"] == {"HF_TOKEN": "hf_mine"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("denied", "RuntimeError: AccessDeniedException. The execution role needs secretsmanager:GetSecretValue"),
        ("", "holds no token"),
        ("hf_planted with more", "holds no token"),
        ('{"a": "hf_planted", "b": "c"}', "holds no token"),
    ],
)
def test_a_secret_that_cannot_be_used_stops_the_container_with_the_reason(
    start: Any, tmp_path: Any, text: str, reason: str
) -> None:
    running = start("vllm-upstream", with_secret(tmp_path, text), hf_token_secret_arn=ARN)
    assert running.ended(10) == 1
    assert reason in running.text()
    assert ARN in running.text()
    assert "hf_planted" not in running.text()
    assert "Traceback" not in running.text()


def test_an_arn_of_something_else_is_refused(start: Any, tmp_path: Any) -> None:
    environment = {**with_secret(tmp_path, "x"), "HF_TOKEN_SECRET_ARN": "arn:aws:s3:::bucket"}
    running = start("vllm-upstream", environment, hf_token_secret_arn=ARN)
    assert running.ended(10) == 1
    assert "not the ARN of a secret" in running.text()
