"""resolve and explain: the contract, answers files, flags, secrets, layers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mcc_registry.models.request import ANSWER_NAMES

from .invoke import Result, invoke

KEYS = {
    "ok", "request", "framework", "model", "instance_type", "inference_ami_version", "base_image", "price_usd_hour",
    "price_basis", "settings", "env_vars", "sources", "findings",
}  # fmt: skip
EXPLAIN_KEYS = {"setting", "value", "source", "overrode", "file", "key", "env_var", "reason", "findings"}
MODEL = ("--model-name", "Qwen/Qwen3-4B")


def resolve(*arguments: str, **options: object) -> Result:
    return invoke("resolve", "--offline", "--format", "json", *arguments, **options)  # type: ignore[arg-type]


def test_a_plan_has_all_keys_of_the_contract() -> None:
    result = resolve(*MODEL)
    assert (result.code, result.err) == (0, "")
    data = result.json
    assert set(data) >= KEYS and data["ok"] is True
    assert set(data["request"]) == set(ANSWER_NAMES)
    framework = {"name", "version", "requested", "match", "validation_level", "image_source", "accelerator"}
    assert set(data["framework"]) >= framework
    assert set(data["model"]) >= {"id", "match", "matched", "family", "chat_template_source"}
    assert all(set(s) >= {"value", "source", "overrode"} for s in data["settings"].values())
    assert all(set(e) >= {"value", "source"} for e in data["env_vars"].values())


def test_a_refused_plan_keeps_all_keys_and_shows_what_was_decided() -> None:
    result = resolve(*MODEL, "--instance-type", "ml.g5.xlarge", "--env", "gpu_memory_utilization=1.5")
    assert result.code == 1 and set(result.json) >= KEYS
    assert result.json["instance_type"] == "ml.g5.xlarge"
    assert any("maximum 1.0" in f["message"] for f in result.json["findings"])


@pytest.mark.parametrize("name", ["gpu_memory_utilization", "SM_VLLM_GPU_MEMORY_UTILIZATION"])
def test_validation_can_be_switched_off_in_every_spelling(name: str) -> None:
    for flag in ("--validate-env-vars=false", "--no-validate-env-vars"):
        assert resolve(*MODEL, "--env", f"{name}=1.5", flag).code == 0
    assert resolve(*MODEL, "--env", f"{name}=1.5", "--validate-env-vars").code == 1


def test_a_wrong_value_is_a_finding_not_wrong_usage() -> None:
    result = invoke(
        "resolve", "--offline=maybe", "--region", "nowhere", "--format", "json", env={"HF_HUB_OFFLINE": "1"}
    )
    assert result.code == 1
    assert {"MCC002", "MCC007"} <= set(result.codes)


def test_flags_beat_answers_and_copiers_own_keys_are_ignored(tmp_path: Path) -> None:
    answers = tmp_path / "answers.yml"
    answers.write_text("_commit: v1\nframework: sklearn\nmodel_server: flask\nregion: eu-west-1\n")
    assert resolve("--answers", str(answers)).json["request"]["region"] == "eu-west-1"
    result = resolve("--answers", str(answers), "--region", "us-west-2")
    assert (result.code, result.json["request"]["region"]) == (0, "us-west-2")
    assert result.json["framework"]["name"] == "sklearn" and result.json["model"] is None


def test_env_beats_env_vars_of_answers_in_any_spelling(tmp_path: Path) -> None:
    answers = tmp_path / "answers.yml"
    answers.write_text("env_vars: {SM_VLLM_MAX_MODEL_LEN: 4096, NCCL_DEBUG: INFO}\n")
    result = resolve(*MODEL, "--answers", str(answers), "--env", "max_model_len=8192")
    assert result.code == 0
    assert result.json["env_vars"]["SM_VLLM_MAX_MODEL_LEN"] == {"value": "8192", "source": "User_Input"}
    assert result.json["env_vars"]["NCCL_DEBUG"]["value"] == "INFO"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("model_name: [\n", "MCC003"),
        ("- a\n", "MCC005"),
        ("modle_name: x\n", "MCC001"),
        ("region: us-east-1\nregion: us-west-2\n", "MCC003"),
        ("framework_version: 0.30\n", "MCC005"),
        ("env_vars: 'a: ['\n", "MCC003"),
    ],
)
def test_bad_answers_are_findings(tmp_path: Path, text: str, code: str) -> None:
    answers = tmp_path / "answers.yml"
    answers.write_text(text)
    result = resolve("--answers", str(answers))
    assert result.code == 1 and code in result.codes, result.json["findings"]


def test_unreadable_answers_and_templates_are_findings(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "huge").write_bytes(b"a" * (1024 * 1024 + 1))
    for name in ("missing", "binary", "huge", "."):
        assert "MCC701" in resolve("--answers", str(tmp_path / name)).codes
        assert "MCC018" in resolve("--chat-template", str(tmp_path / name)).codes


def test_a_chat_template_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "t.jinja"
    file.write_text("{{ messages }}")
    result = resolve(*MODEL, "--chat-template", str(file))
    assert result.json["model"]["chat_template_source"] == "User_Input"


def test_answers_may_come_from_stdin() -> None:
    assert resolve("--answers", "-", stdin=b"region: eu-west-1\n").json["request"]["region"] == "eu-west-1"


@pytest.mark.parametrize("name", ["HF_TOKEN", "SM_VLLM_API_KEY", "MY_SECRET"])
@pytest.mark.parametrize("form", ["json", "table"])
def test_a_secret_is_refused_and_never_repeated(name: str, form: str) -> None:
    secret = "hf_abcdefghijklmnopqrstuvwxyz0123456789"
    for command in (("resolve",), ("explain", name)):
        result = invoke(*command, "--offline", "--format", form, *MODEL, "--env", f"{name}={secret}")
        assert result.code == 1
        assert secret not in result.out + result.err


def test_a_broken_layer_keeps_the_contract_and_shows_every_fault(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "a.yaml").write_text("kind: model_family\nid: a\ntitel: x\n")
    result = resolve("--registry-path", str(tmp_path))
    assert result.code == 1 and set(result.json) >= KEYS
    assert result.json["ok"] is False and result.json["framework"] is None
    assert any(f["source"].endswith("a.yaml:3") for f in result.json["findings"])
    table = invoke("resolve", "--offline", "--registry-path", str(tmp_path))
    assert (table.code, table.out) == (1, "") and "a.yaml:3" in table.err
    assert invoke("instances", "--format", "json", "--registry-path", str(tmp_path)).json["ok"] is False


def test_layers_of_variable_answer_and_flag_apply_in_this_order(tmp_path: Path) -> None:
    def layer(name: str, price: str) -> Path:
        file = tmp_path / name / "instances" / "g6.yaml"
        file.parent.mkdir(parents=True)
        file.write_text(f"kind: instance_family\nid: g6\ntypes:\n  ml.g6.xlarge:\n    price_usd_hour: {price}\n")
        return tmp_path / name

    one, two, three = layer("one", "0.1"), layer("two", "0.2"), layer("three", "0.3")
    answers = tmp_path / "answers.yml"
    answers.write_text("registry_path: two\n")

    def price(*arguments: str, env: dict[str, str]) -> object:
        return resolve(*MODEL, "--instance-type", "ml.g6.xlarge", *arguments, env=env).json["price_usd_hour"]

    env = {"REGISTRY_PATH": str(one)}
    assert price(env=env) == 0.1
    assert price("--answers", str(answers), env=env) == 0.2
    assert price("--answers", str(answers), "--registry-path", str(three), env=env) == 0.3
    assert price("--registry-path", str(three), "--registry-path", str(two), env=env) == 0.2


def test_without_the_hub_a_note_says_so_and_the_plan_goes_on() -> None:
    result = invoke("resolve", *MODEL, "--format", "json")
    assert result.code == 0 and "MCC601" in result.codes
    assert "MCC601" not in resolve(*MODEL).codes


def test_the_table_shows_what_was_decided_in_80_columns() -> None:
    result = invoke("resolve", "--offline", *MODEL)
    assert (result.code, result.err) == (0, "")
    for words in (
        "Decided",
        "Settings",
        "Configuration Sources",
        "max_model_len",
        "SageMaker bills about",
        "looked at",
    ):
        assert words in " ".join(result.out.split())
    long = [line for line in result.out.splitlines() if len(line) > 80]
    assert all(len(line.split()) <= 2 for line in long), long
    assert "\x1b" not in result.out


def test_hostile_values_cannot_reach_the_terminal() -> None:
    result = invoke("resolve", "--offline", *MODEL, "--env", "A=x\x1b[31m\ny", "--validate-env-vars=false")
    assert "\x1b" not in result.out + result.err
    assert invoke("explain", "x\x1b[31m", "--offline").out.count("\x1b") == 0


@pytest.mark.parametrize(
    "name", ["max_model_len", "SM_VLLM_MAX_MODEL_LEN", "VLLM_MAX_MODEL_LEN", "MAX_MODEL_LEN", "--max-model-len"]
)
def test_explain_knows_every_spelling(name: str) -> None:
    arguments = ["--offline", "--format", "json", *MODEL, "--env", "max_model_len=4096", "--", name]
    result = invoke("explain", *arguments)
    assert result.code == 0, result.out + result.err
    assert set(result.json) == EXPLAIN_KEYS
    assert (result.json["setting"], result.json["value"], result.json["source"]) == (
        "max_model_len",
        4096,
        "User_Input",
    )
    assert result.json["env_var"] == "SM_VLLM_MAX_MODEL_LEN"


@pytest.mark.parametrize("name", ["instance_type", "inference_ami_version", "framework_version", "base_image"])
def test_explain_knows_decisions_with_file_and_reason(name: str) -> None:
    data = invoke("explain", name, "--offline", "--format", "json", *MODEL).json
    plan = resolve(*MODEL).json
    expected = plan["framework"]["version"] if name == "framework_version" else plan[name]
    assert data["value"] == expected and data["source"] != "User_Input"
    assert data["file"].startswith("registries/") and data["key"] and data["reason"]


def test_explain_says_whose_a_named_decision_is() -> None:
    data = invoke(
        "explain", "instance_type", "--offline", "--format", "json", *MODEL, "--instance-type", "ml.g5.xlarge"
    ).json
    assert (data["value"], data["source"]) == ("ml.g5.xlarge", "User_Input")


def test_explain_of_a_registry_setting_names_file_and_key() -> None:
    data = invoke("explain", "reasoning_parser", "--offline", "--format", "json", *MODEL).json
    assert data["source"] in ("Model_Registry", "Model_Profile")
    assert data["file"] == "registries/models/qwen3.yaml" and "reasoning_parser" in data["key"]


def test_explain_of_something_unset_or_unknown() -> None:
    unset = invoke("explain", "swap_space", "--offline", "--format", "json", *MODEL)
    assert set(unset.json) == EXPLAIN_KEYS
    unknown = invoke("explain", "max_modle_len", "--offline", "--format", "json", *MODEL)
    assert unknown.code == 1 and unknown.codes == ["MCC703"]
    assert "max_model_len" in unknown.json["findings"][0]["hint"]


def test_output_is_the_same_twice() -> None:
    assert json.dumps(resolve(*MODEL).json) == json.dumps(resolve(*MODEL).json)
