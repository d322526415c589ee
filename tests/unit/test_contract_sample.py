"""Contracts of the design as an outside script would check them: written from the design and the facts, not from the code."""

from __future__ import annotations

import json
import socket
from typing import Any

import pytest

from mcc_registry.__main__ import main

PLAN_KEYS = {
    "ok", "request", "framework", "model", "instance_type", "inference_ami_version", "base_image", "price_usd_hour",
    "price_basis", "settings", "env_vars", "sources", "findings",
}  # fmt: skip
FIT_KEYS = {
    "fits", "required_gib", "available_gib", "weights_gib", "kv_cache_gib", "overhead_gib", "interval_gib",
    "tensor_parallel_size", "max_model_len", "max_num_seqs", "findings",
}  # fmt: skip
GPU_2 = "al2-ami-sagemaker-inference-gpu-2"
GPU_3 = "al2-ami-sagemaker-inference-gpu-3-1"
GPU_4 = "al2023-ami-sagemaker-inference-gpu-4-1"

OLDER = {"g4dn": "ml.g4dn.xlarge", "g5": "ml.g5.xlarge", "p4d": "ml.p4d.24xlarge", "p4de": "ml.p4de.24xlarge"}
NEWER = {"g6": "ml.g6.xlarge", "g6e": "ml.g6e.xlarge", "p5": "ml.p5.48xlarge", "p5e": "ml.p5e.48xlarge",
         "p5en": "ml.p5en.48xlarge"}  # fmt: skip
BLACKWELL = {"g7": "ml.g7.2xlarge", "g7e": "ml.g7e.2xlarge", "p6-b200": "ml.p6-b200.48xlarge",
             "p6-b300": "ml.p6-b300.48xlarge"}  # fmt: skip
DRIVER_550_DOCUMENTED = {"g4dn", "g5", "g6", "p5e", "p5en"}
DRIVER_580_DOCUMENTED = {*OLDER, *NEWER}


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run one command with JSON output: its exit status and its answer (None when stdout stayed empty)."""
    monkeypatch.delenv("REGISTRY_PATH", raising=False)

    def run(*arguments: str) -> tuple[int, Any]:
        code = main([*arguments, "--format", "json"])
        out = capsys.readouterr().out
        return code, json.loads(out) if out else None

    return run


def table_cell(cuda: str, family: str) -> tuple[str | None, str]:
    """The AMI and the verdict of one cell of facts/accelerators.md, section 1.10, read by hand."""
    major, minor = (int(part) for part in cuda.split("."))
    if major == 13:
        if family == "p3":
            return None, "error"
        warns = minor > 0 or family not in DRIVER_580_DOCUMENTED
        return GPU_4, "warning" if warns else "ok"
    if family in BLACKWELL:
        return (GPU_4, "warning") if (major, minor) >= (12, 8) else (None, "error")
    if family == "p3":
        return GPU_2, "warning"
    return GPU_3, "ok" if family in DRIVER_550_DOCUMENTED else "warning"


@pytest.mark.parametrize("cuda", ["11.8", "12.0", "12.2", "12.4", "12.6", "12.8", "12.9", "13.0", "13.1", "13.2"])
def test_every_cell_of_the_ami_table(cuda: str, ask: Any) -> None:
    """Left to us, the AMI is the one of the table, newest but gpu-4-1, and the verdict follows the documented pairs."""
    families = {**OLDER, **NEWER, **BLACKWELL, "p3": "ml.p3.2xlarge"}
    wrong = {}
    for family, instance_type in families.items():
        code, answer = ask("compat", "--cuda", cuda, "--instance-type", instance_type)
        said = (answer["inference_ami_version"], answer["verdict"])
        if said != table_cell(cuda, family) or code != (said[1] == "error"):
            wrong[family] = (said, table_cell(cuda, family), code)
    assert not wrong


def test_p2_runs_cuda_11_without_the_parameter(ask: Any) -> None:
    """The one cell that lists no AMI gives null, and a legacy family warns."""
    code, answer = ask("compat", "--cuda", "11.8", "--instance-type", "ml.p2.xlarge")
    assert (code, answer["inference_ami_version"], answer["verdict"]) == (0, None, "warning")


@pytest.mark.parametrize(
    "given",
    [
        ["--framework-version", ">=99"],
        ["--instance-type", "ml.nope.xlarge"],
        ["--framework", "nope"],
        ["--model-server", "flask"],
        ["--env-vars", "{a: ["],
        ["--registry-path", "/nowhere"],
        ["--validate-env-vars=maybe"],
        ["--model-name", "a b/c"],
    ],
)
def test_a_refused_plan_has_every_key(given: list[str], ask: Any) -> None:
    """Whatever was wrong, all documented keys are there, an error is among the findings, and the status is 1."""
    code, plan = ask("resolve", "--offline", *given)
    assert code == 1 and set(plan) >= PLAN_KEYS and plan["ok"] is False
    assert any(f["severity"] == "error" for f in plan["findings"])
    assert all({"code", "severity", "field", "message", "hint", "source"} <= set(f) for f in plan["findings"])


@pytest.mark.parametrize(
    ("written", "value"),
    [
        (["--validate-env-vars=false"], False),
        (["--no-validate-env-vars"], False),
        (["--validate-env-vars", "no"], False),
        (["--validate-env-vars=0"], False),
        (["--validate-env-vars"], True),
        (["--validate-env-vars=YES"], True),
    ],
)
def test_forms_of_a_boolean_flag(written: list[str], value: bool, ask: Any) -> None:
    """Both documented forms work, with every spelling of yes and no; switching rules off is itself a warning."""
    code, plan = ask("resolve", "--offline", *written)
    assert code == 0 and plan["request"]["validate_env_vars"] is value
    assert any(f["field"] == "validate_env_vars" for f in plan["findings"]) is not value


def test_the_later_word_wins(ask: Any, tmp_path: Any) -> None:
    """Flags beat the answers file; --env beats env_vars in any spelling; keys of Copier's own are ignored."""
    answers = tmp_path / "answers.yml"
    answers.write_text(
        "_src_path: /somewhere\n_commit: v1\nmodel_name: Qwen/Qwen3-8B\n"
        "env_vars: {SM_VLLM_MAX_MODEL_LEN: 4096, NCCL_DEBUG: INFO}\n"
    )
    given = ["--answers", str(answers), "--model-name", "Qwen/Qwen3-4B", "--env", "max_model_len=8192"]
    code, plan = ask("resolve", "--offline", *given)
    assert code == 0 and plan["model"]["id"] == "Qwen/Qwen3-4B"
    assert plan["settings"]["max_model_len"]["value"] == 8192
    assert plan["env_vars"]["SM_VLLM_MAX_MODEL_LEN"] == {"value": "8192", "source": "User_Input"}
    assert plan["env_vars"]["NCCL_DEBUG"] == {"value": "INFO", "source": "User_Input"}


@pytest.mark.parametrize("spelling", ["max_num_seqs", "MAX_NUM_SEQS", "SM_VLLM_MAX_NUM_SEQS", "VLLM_MAX_NUM_SEQS"])
def test_spellings_of_a_setting(spelling: str, ask: Any) -> None:
    """The canonical name, the engine's variable and the seed's spelling reach the project as one variable."""
    _, plan = ask("resolve", "--offline", "--env", f"{spelling}=64")
    assert plan["settings"]["max_num_seqs"]["value"] == 64
    assert {k: v["value"] for k, v in plan["env_vars"].items() if "MAX_NUM_SEQS" in k} == {
        "SM_VLLM_MAX_NUM_SEQS": "64"
    }


@pytest.mark.parametrize(
    ("model", "instance_type", "devices", "usable_mib", "parallel"),
    [
        ("Qwen/Qwen3-4B", "ml.g6.xlarge", 1, 22888, 1),
        ("microsoft/phi-4", "ml.g6.48xlarge", 8, 22888, 8),  # 40 heads
        ("tiiuae/falcon-7b-instruct", "ml.g6.12xlarge", 4, 22888, 1),  # 71 heads
        ("Qwen/Qwen2.5-0.5B-Instruct", "ml.g5.12xlarge", 4, 22888, 2),  # 14 heads
    ],
)
def test_fit_counts_over_the_ranks(
    model: str, instance_type: str, devices: int, usable_mib: int, parallel: int, ask: Any
) -> None:
    """The parallel size is the largest divisor of the heads; memory is device memory x 0.9 x that, sums add up."""
    _, answer = ask("fit", model, "--instance-type", instance_type, "--max-model-len", "2048")
    assert set(answer) >= FIT_KEYS and answer["tensor_parallel_size"] == parallel <= devices
    assert answer["available_gib"] == pytest.approx(usable_mib / 1024 * 0.9 * parallel, abs=0.01)
    parts = answer["weights_gib"] + answer["kv_cache_gib"] + answer["overhead_gib"]
    assert answer["required_gib"] == pytest.approx(parts, abs=0.01)
    low, high = answer["interval_gib"]
    assert low <= answer["required_gib"] <= high


def test_what_fit_calls_the_largest_does_fit(ask: Any) -> None:
    """The length given back fits when asked for; so does the number of sequences, and three times as many do not."""
    question = ("fit", "Qwen/Qwen3-8B", "--instance-type", "ml.g5.xlarge")
    _, refused = ask(*question)
    code, answer = ask(*question, "--max-model-len", str(refused["max_model_len"]))
    assert refused["fits"] is False and code == 0 and answer["fits"] is not False
    short = (*question, "--max-model-len", "2048")
    many = ask(*short)[1]["max_num_seqs"]
    assert ask(*short, "--max-num-seqs", str(many))[1]["fits"] is not False
    assert ask(*short, "--max-num-seqs", str(3 * many + 3))[1]["fits"] is False


def test_the_python_example_touches_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """The code of design section 6, word for word, with every socket closed; for a model nobody knows too."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the network was touched")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.delenv("REGISTRY_PATH", raising=False)
    from mcc_registry import Registry, Request, resolve

    registry = Registry.load()
    release = registry.frameworks["vllm"]["0.30.0"]
    assert ".us-east-1." in release.base_image and ":0.30.0-" in release.base_image
    assert release.image(source="upstream", region="eu-west-1") == "vllm/vllm-openai:v0.30.0"
    assert release.image(source="aws", region="eu-west-1") == release.base_image.replace("us-east-1", "eu-west-1")
    assert registry.find_model("MISTRALAI/mistral-7b-instruct-V0.3").match == "exact"
    assert registry.find_model("[a]/(b)*") is None
    plan = resolve(Request(model_server="vllm", model_name="Qwen/Qwen3-4B"), registry)
    assert plan.ok and int(plan.env_vars["SM_VLLM_MAX_MODEL_LEN"].value) > 2048
    assert resolve(Request(model_server="vllm", model_name="nobody/knows-this"), registry).ok
