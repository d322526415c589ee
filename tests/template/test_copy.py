"""What a copy renders, parsed and compared with the plan."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable

import pytest
import yaml

from mcc_registry import Registry, Request, resolve

COMBINATIONS = [
    {},
    {"image_source": "upstream"},
    {"deployment_target": "async", "s3_bucket": "my-bucket"},
    {"deployment_target": "batch"},
    {"model_server": "sglang"},
    {"model_server": "tensorrt-llm", "instance_type": "ml.g6e.xlarge"},
    {"model_server": "lmi"},
    {"framework": "sklearn"},
    {"framework": "sklearn", "model_server": "flask", "model_format": "joblib"},
    {"framework": "xgboost", "model_server": "fastapi"},
    {"framework": "xgboost", "model_server": "flask", "deployment_target": "batch"},
    {"framework": "tensorflow", "model_server": "flask"},
    {"framework": "tensorflow", "model_server": "fastapi", "include_sample": "false", "deployment_target": "async"},
    {
        "model_name": "lmsys/vicuna-7b-v1.5",
        "hf_token_secret_arn": "arn:aws:secretsmanager:us-east-1:123456789012:secret:hf",
    },
]


def ids(combination: dict[str, str]) -> str:
    """A test id from answers."""
    return "-".join(v.split(":")[-1].replace("/", "-") for v in combination.values()) or "defaults"


@pytest.mark.parametrize("answers", COMBINATIONS, ids=ids)
def test_every_combination_renders_a_small_project(rendered: Callable, answers: dict[str, str]) -> None:
    """At most 26 files and 64 KB; the verbs are executable; every data file parses."""
    result = rendered(**answers)
    assert result.status == 0, result.text
    files = result.files
    assert len(files) <= 26, sorted(files)
    assert sum(len(text.encode()) for text in files.values()) <= 64 * 1024
    for verb in ("build", "run", "test", "push", "deploy", "status", "logs", "clean"):
        assert (result.folder / "do" / verb).stat().st_mode & stat.S_IXUSR, verb
    for name, text in files.items():
        assert "\r" not in text and text.endswith("\n"), name
        if name.endswith(".json"):
            json.loads(text)
        elif name.endswith((".yaml", ".yml")):
            yaml.safe_load(text)
        elif name.endswith(".py"):
            compile(text, name, "exec")
    assert not [p for p in result.folder.rglob("*") if p.is_dir() and not any(p.iterdir())], "an empty folder"


@pytest.mark.parametrize("answers", COMBINATIONS[:3] + COMBINATIONS[7:9], ids=ids)
def test_container_env_is_the_plan(rendered: Callable, answers: dict[str, str]) -> None:
    """container.env holds exactly the plan's variables (besides the secret's ARN), in the plan's order."""
    result = rendered(**answers)
    lines = [line for line in result.files["container.env"].splitlines() if line and not line.startswith("#")]
    plan = resolve(Request(**answers), Registry.load(environ={}))
    assert lines == [f"{name}={variable.value}" for name, variable in plan.env_vars.items()]


def test_the_answers_file_keeps_what_an_update_needs(rendered: Callable) -> None:
    """Absolute source, the commit, every asked answer; no helper question."""
    answers = yaml.safe_load(rendered().files[".copier-answers.yml"])
    assert answers["_src_path"].startswith("/") and answers["_commit"]
    assert answers["framework_version"] == "recommended" and answers["instance_type"] == "auto"
    assert not {"mcc_gate", "mcc_check", "instance_type_name", "framework_version_text"} & set(answers)


def test_the_lock_holds_the_decisions(rendered: Callable) -> None:
    """The lock is the plan: image, instance, AMI, settings with their sources."""
    lock = yaml.safe_load(rendered().files["mcc.lock.yaml"])
    plan = resolve(Request(), Registry.load(environ={})).to_json()
    assert lock["base_image"] == plan["base_image"] and lock["instance_type"] == plan["instance_type"]
    assert lock["inference_ami_version"] == plan["inference_ami_version"]
    assert {n: s["value"] for n, s in lock["settings"].items()} == {
        n: s["value"] for n, s in plan["settings"].items()
    }


def test_summary_names_everything(rendered: Callable) -> None:
    """Registries loaded, decisions, Configuration Sources and the next commands are shown after a copy."""
    text = rendered().text
    for words in (
        "Framework Registry: loaded",
        "Configuration Sources:",
        "Framework_Registry",
        "do/build",
        "ml.g6.xlarge",
    ):
        assert words in text


def test_a_destination_inside_a_folder_with_blanks(
    copy_project: Callable, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Paths with blanks work, and the project's name is made from the folder."""
    result = copy_project(tmp_path_factory.mktemp("a b") / "my project", framework="sklearn")
    assert result.status == 0, result.text
    assert yaml.safe_load(result.files["mcc.lock.yaml"])["project_name"] == "my-project"
