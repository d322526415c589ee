"""What a copy renders, parsed and compared with the plan."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

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


LONGEST = {
    "project_name": "p" * 40,
    "role_arn": "arn:aws:iam::123456789012:role/service-role/" + "r" * 64,
    "s3_bucket": "b" * 63,
    "validate_env_vars": "false",
}
"""Answers of the greatest length a name may have in AWS, and one that adds a warning."""
SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:" + "s" * 100


def largest() -> list[Any]:
    """The largest projects in every run; every framework, server and target in a slow one."""
    first = [("tensorflow", "fastapi", "async"), ("transformers", "tensorrt-llm", "async")]
    registry = Registry.load(environ={})
    pairs = [(f, s) for f in registry.framework_names() for s in registry.framework_servers(f)]
    every = [(f, s, target) for f, s in pairs for target in ("realtime", "async", "batch")]
    rest = [pytest.param(*one, marks=pytest.mark.slow) for one in every if one not in first]
    return [pytest.param(*one) for one in first] + rest


@pytest.mark.parametrize(("framework", "server", "target"), largest())
def test_the_longest_answers_stay_below_the_bar(
    copy_project: Callable, tmp_path: Path, framework: str, server: str, target: str
) -> None:
    """A secret and a chat template where there may be one: the files that only these bring are there, too."""
    data = {**LONGEST, "framework": framework, "model_server": server, "deployment_target": target}
    if framework == "transformers":
        data |= {"model_name": "lmsys/vicuna-7b-v1.5", "hf_token_secret_arn": SECRET}
        data |= {"image_source": "upstream"} if server in ("vllm", "sglang") else {}
    result = copy_project(tmp_path / "p", **data)
    assert result.status == 0, result.text
    files = result.files
    assert ("serving/serve" in files) and (
        "serving/chat_template.jinja" in files or framework != "transformers" or server == "djl"
    )
    size = sum(len(text.encode()) for text in files.values())
    size -= len(
        yaml.safe_load(files[".copier-answers.yml"])["_src_path"]
    )  # where the template lies is not the project's
    assert len(files) <= 26 and size <= 64 * 1024, (size, {name: len(text) for name, text in files.items()})


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


def test_a_volume_is_asked_for_where_the_host_has_no_disks(rendered: Callable) -> None:
    """From the model's bytes, for what is downloaded at the start; never where EC2 has local disks or it is unknown."""
    volumes = {}
    for name, kind, model in (
        ("inf2", "ml.inf2.48xlarge", "meta-llama/Llama-3.3-70B-Instruct"),
        ("g6", "ml.g6.xlarge", "Qwen/Qwen3-4B"),
    ):
        result = rendered(instance_type=kind, model_name=model)
        assert result.status == 0, result.text
        (variant,) = json.loads(result.files["deploy/endpoint-config.json"])["ProductionVariants"]
        volumes[name] = variant.get("VolumeSizeInGB")
        assert "gpu" not in variant.get("InferenceAmiVersion", "") or name == "g6"
    assert volumes["g6"] is None and 132 < volumes["inf2"] <= 512


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ({"model_name": "s3://bucket/model/"}, "unknown: the model's own, if it has one"),
        ({"model_name": "nobody/knows-this"}, "unknown: the model's own, if it has one"),
        ({"model_name": "nobody/knows-this", "chat_template": "none"}, "none"),
        ({"model_name": "lmsys/vicuna-7b-v1.5"}, "Model_Registry"),
    ],
    ids=["s3", "unlisted", "none", "registry"],
)
def test_the_readme_says_what_is_known_of_the_chat_template(
    rendered: Callable, answers: dict[str, str], words: str
) -> None:
    result = rendered(**answers)
    assert result.status == 0, result.text
    assert f"| chat template | {words} |" in result.files["README.md"]


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
