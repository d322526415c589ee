"""What do/deploy says of a failure: the cause in words, and commands that work as they are printed."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.lifecycle.project import LLM, PREDICTIVE
from tests.updates.templates import TemplateRepo, git, save

Make = Callable[..., Path]
ROLE = "arn:aws:iam::123456789012:role/serves"
SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:hf-AbCdEf"
ASKS = {"instance_type=TYPE": "instance_type=ml.g6.2xlarge", "region=REGION": "region=us-west-2", "ORG/NAME": "Qwen/Qwen3-8B",
        "role_arn=ARN": f"role_arn={ROLE}", "hf_token_secret_arn=ARN": f"hf_token_secret_arn={SECRET}",
        '"tensor_parallel_size": "N"': '"tensor_parallel_size": "1"'}  # fmt: skip
"""What the owner fills in, and an example."""


def advice(project: Path, *texts: str) -> tuple[str, str]:
    """The cause and the fixes that deploy/endpoint.py names, in the environment of do/config."""
    code = "import endpoint, sys; print(endpoint.advice(*sys.argv[1:]))"
    words = [sys.executable, "-c", code, *texts]
    shell = f". ./do/config && PYTHONPATH=deploy PYTHONDONTWRITEBYTECODE=1 {shlex.join(words)}"
    done = subprocess.run(["sh", "-euc", shell], cwd=project, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    cause, _, fix = done.stdout.partition("\n")
    assert cause.startswith("Likely cause: ") and fix.startswith("What would fix it: "), done.stdout
    return cause, fix.removeprefix("What would fix it: ")


CASES = [  # what the reason or a log line says, words of the cause, words of the fix
    ("An error occurred (ExpiredToken) when calling the X operation", "credentials", "log in"),
    ("The security token included in the request is expired", "credentials", "log in"),
    ("An error occurred (InvalidClientTokenId) when calling", "credentials", "get-caller-identity"),
    ("Unable to locate credentials. You can configure them", "credentials", "log in"),
    ("The config profile (x) could not be found", "credentials", "log in"),
    ("ValidationException: Unsupported manifest media type application/vnd.oci", "manifest", "do/build"),
    ("exec /usr/bin/serve: exec format error", "processor", "do/build"),
    ("Requested image 1.dkr.ecr.x/y:z not found.", "not in ECR", "do/push"),
    ("Could not assume role arn:aws:iam::1:role/x", "role", "--data role_arn=ARN"),
    ("User is not authorized to perform: sagemaker:CreateModel", "right", "--create-role"),
    ("The account-level service limit 'ml.g6.xlarge for endpoint usage' is 0", "quota", "instance_type=TYPE"),
    ("InsufficientInstanceCapacity", "no such host", "region=REGION"),
    ("Cannot access gated repo for url", "licence", "hf_token_secret_arn=ARN"),
    ("RepositoryNotFoundError: 404", "does not know the model", "model_name=ORG/NAME"),
    (
        "ValueError: x contains custom code. Please pass trust_remote_code=True",
        "code of its own",
        '"trust_remote_code": true',
    ),
    ("CUDA driver version is insufficient for CUDA runtime version", "too old", "inference_ami_version=auto"),
    (
        "RuntimeError: the provided PTX was compiled with an unsupported toolchain.",
        "too old",
        "inference_ami_version=auto",
    ),
    (
        "ValueError: Bfloat16 is only supported on GPUs with compute capability of at least 8.0.",
        "bfloat16",
        '"dtype": "float16"',
    ),
    (
        "ValueError: Total number of attention heads (28) must be divisible by tensor parallel size (8).",
        "does not divide",
        '"tensor_parallel_size"',
    ),
    (
        "the KV cache: max seq len (8192) is larger than the maximum number of tokens",
        "does not fit",
        '"max_model_len": ',
    ),
    ("torch.OutOfMemoryError: CUDA out of memory", "does not fit", '"max_model_len": '),
    ("error: unrecognized arguments: --foo", "does not know a setting", "framework_version=recommended"),
    ("NCCL WARN Error while creating shared memory segment /dev/shm/nccl", "/dev/shm", "NCCL_SHM_DISABLE"),
    ("OSError: [Errno 28] No space left on device", "disk", "VolumeSizeInGB"),
    ("ModuleNotFoundError: No module named 'x'", "Python package", "do/build"),
    ("Container exit code: 137", "memory", "instance_type=TYPE"),
    (
        "CannotStartContainerError. Please ensure the model container starts correctly",
        "driver (AMI)",
        "inference_ami_version=auto",
    ),
    ("Traceback (most recent call last):", "server stopped", "do/run"),
    ("did not pass the ping health check", "/ping", "3600"),
    ("something new", "not known", "do/logs"),
]


@pytest.mark.parametrize(("text", "cause", "fix"), CASES, ids=lambda part: part[:30])
def test_the_first_line_that_fits_names_the_cause(make_project: Make, text: str, cause: str, fix: str) -> None:
    said = advice(make_project(LLM), text)
    assert cause in said[0] and fix in said[1], said


def test_an_empty_log_points_at_the_host(make_project: Make) -> None:
    """The signature of a driver that the image refuses; what the reason itself says comes first."""
    empty = "(the log is empty)"
    ping = "The primary container did not pass the ping health check. Please check CloudWatch logs"
    assert "driver (AMI) or processor" in advice(make_project(LLM), ping, empty)[0]
    assert "quota" in advice(make_project(LLM), "ResourceLimitExceeded: limit", empty)[0]
    cause, fix = advice(make_project(PREDICTIVE), ping, empty)
    assert "processor" in cause and "do/build" in fix and "copier" not in fix


def test_what_a_model_logs_or_answers_moves_no_terminal(make_project: Make) -> None:
    """Whoever may call the endpoint can put text into its log: escapes and tokens are not passed on."""
    text = "\x1b]0;title\x07\x1b[31mred \x9b2J\x00 tab\t ü hf_abcdefghijklmnop\r\nend"
    code = "import endpoint, sys; sys.stdout.buffer.write(endpoint.hidden(sys.stdin.buffer.read().decode()).encode())"
    shell = f". ./do/config && PYTHONPATH=deploy PYTHONDONTWRITEBYTECODE=1 {shlex.join([sys.executable, '-c', code])}"
    done = subprocess.run(["sh", "-euc", shell], cwd=make_project(LLM), input=text.encode(), capture_output=True)
    assert done.stdout.decode() == "***]0;title******[31mred ***2J*** tab\t ü hf_***\r\nend", done.stderr


def test_only_what_was_answered_goes_into_env_vars(make_project: Make) -> None:
    """Not the model and not the secret, which are other answers; the same setting under another name is replaced."""
    asked = {"max_num_seqs": 4, "SM_VLLM_MAX_MODEL_LEN": 8192, "MY_OWN": "it's \u00e4"}
    project = make_project(LLM, env_vars=asked, hf_token_secret_arn=SECRET)
    fix = advice(project, "CUDA out of memory")[1].splitlines()[0]
    (word,) = [word for word in shlex.split(fix) if word.startswith("env_vars=")]
    expected = {"max_num_seqs": 4, "MY_OWN": "it's \u00e4", "max_model_len": 4096}
    assert yaml.safe_load(word.removeprefix("env_vars=")) == expected


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> TemplateRepo:
    return TemplateRepo.make(tmp_path_factory.mktemp("advice") / "template")


def commands(fix: str) -> list[str]:
    """The copier commands of an advice, with what the owner fills in."""
    found = re.findall(r"copier update .*", fix)
    for name, value in ASKS.items():
        found = [command.replace(name, value) for command in found]
    return found


@pytest.mark.slow
@pytest.mark.parametrize(
    "answers",
    [
        {
            "model_name": "Qwen/Qwen3-4B",
            "hf_token_secret_arn": SECRET,
            "env_vars": {"max_model_len": 8192, "MY_OWN": "1"},
        },
        {"model_server": "sglang", "model_name": "Qwen/Qwen3-4B", "env_vars": {"SM_SGLANG_CONTEXT_LENGTH": 8192}},
        {"model_server": "lmi", "model_name": "Qwen/Qwen3-4B"},
        {"model_server": "tensorrt-llm", "model_name": "Qwen/Qwen3-4B", "env_vars": {"max_model_len": 4096}},
        {"model_server": "djl", "model_name": "Qwen/Qwen3-4B", "instance_type": "ml.g6.xlarge"},
    ],
    ids=["vllm", "sglang", "lmi", "tensorrt-llm", "djl"],
)
def test_every_printed_command_works_as_it_is(
    template: TemplateRepo, tmp_path: Path, answers: dict[str, object]
) -> None:
    """Typed at a shell in a committed project: it ends well, the answer is changed and nothing conflicts."""
    project = template.copy(tmp_path / "p", "v1.0.0", answers)
    tools = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = {k: v for k, v in os.environ.items() if k not in ("REGISTRY_PATH", "PYTHONPATH")} | {"PATH": tools}
    tried = sorted({command for text, _, _ in CASES for command in commands(advice(project, text)[1])})
    assert len(tried) >= 6
    if answers.get("model_server"):  # what does not depend on the engine is tried once
        tried = [command for command in tried if "env_vars" in command]
    for command in tried:
        done = subprocess.run(["sh", "-c", command], cwd=project, env=env, capture_output=True, text=True)
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        after = yaml.safe_load((project / ".copier-answers.yml").read_text())
        for pair in [word for word in shlex.split(command, comments=True) if "=" in word]:
            name, _, value = pair.partition("=")
            assert after[name] == yaml.safe_load(value), command
        changed = git(project, "status", "--porcelain")
        assert "UU" not in changed and ".rej" not in changed, command
        git(project, "reset", "-q", "--hard")
        git(project, "clean", "-qfd")
    save(project, "unchanged")
