"""The whole lifecycle against the AWS stand-in: create, wait, invoke, update, status, clean; and what goes wrong."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from mcc_registry.answer_forms import PROJECT_NAME
from tests.lifecycle.conftest import Aws
from tests.lifecycle.project import LLM, PREDICTIVE

pytestmark = pytest.mark.slow
Make = Callable[..., Path]
NOTHING = {"endpoints": [], "configs": [], "models": []}


def run(
    project: Path, aws: Aws, script: str, *words: str, ok: bool = True, **env: str
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [str(project / "do" / script), *words], capture_output=True, text=True, env={**aws.env, **env}, timeout=120
    )
    if ok:
        assert done.returncode == 0, done.stdout + done.stderr
    else:
        assert done.returncode != 0, done.stdout + done.stderr
        assert "Traceback" not in done.stderr.split("Failed:")[0], done.stderr
    return done


def left(aws: Aws) -> dict[str, Any]:
    return {key: aws.state[key] for key in NOTHING}


class Handler(BaseHTTPRequestHandler):
    """A model that adds up its rows, or says hello."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        kind = self.headers["Content-Type"]
        if "csv" in kind:
            answer = "\n".join(str(sum(map(float, line.split(",")))) for line in body.split())
        elif "instances" in body:
            answer = json.dumps({"predictions": [sum(row) for row in json.loads(body)["instances"]]})
        else:
            answer = json.dumps({"choices": [{"message": {"role": "assistant", "content": "Hello to you"}}]})
        status = 200
        if "boom" in body:
            status, answer = 500, json.dumps({"error": "the model broke"})
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.end_headers()
        self.wfile.write(answer.encode())

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def model(aws: Aws) -> Iterator[None]:
    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    aws.tell("settings", invoke_url=f"http://127.0.0.1:{server.server_port}", seconds=0.8)
    yield
    server.shutdown()


def test_a_realtime_endpoint_lives_and_leaves_nothing(aws: Aws, model: None, make_project: Make) -> None:
    project = make_project(LLM)
    aws.push_image("qwen3-endpoint")
    deployed = run(project, aws, "deploy", "--create-role")
    assert re.search(r"\d\d:\d\d  InService\n", deployed.stderr) and "is in service" in deployed.stderr
    assert deployed.stdout.strip() == "arn:aws:sagemaker:us-east-1:123456789012:endpoint/qwen3-endpoint"
    state = aws.state
    assert state["endpoints"] == ["qwen3-endpoint"] and len(state["configs"]) == len(state["models"]) == 1
    environment = state["environments"][state["models"][0]]
    assert environment == {"SM_VLLM_MODEL": "Qwen/Qwen3-4B", "SM_VLLM_MAX_MODEL_LEN": "8192"}
    assert "Hello to you" in run(project, aws, "test", "--endpoint").stdout
    assert "endpoint qwen3-endpoint InService" in run(project, aws, "status").stdout
    assert "server is ready" in run(project, aws, "logs").stdout

    before = aws.state  # a second do/deploy changes nothing
    run(project, aws, "deploy")
    assert left(aws) == {key: before[key] for key in NOTHING}
    assert aws.state["calls"].count("CreateEndpoint") == 1 and "UpdateEndpoint" not in aws.state["calls"]

    settings = project / "container.env"  # a changed setting is an update, without a new render
    settings.write_text(settings.read_text().replace("8192", "4096"))
    assert "updating the endpoint" in run(project, aws, "deploy").stderr
    assert len(aws.state["models"]) == 2 and aws.state["calls"].count("UpdateEndpoint") == 1

    run(project, aws, "clean")
    assert left(aws) == NOTHING
    assert aws.call("iam", "get_role", RoleName="qwen3-endpoint-execution")  # kept without its flag
    assert "nothing removed" in run(project, aws, "clean").stderr.replace("\n", " ")
    run(project, aws, "clean", "--role")
    assert not [r for r in aws.call("iam", "list_roles")["Roles"] if r["RoleName"].startswith("qwen3")]
    run(project, aws, "status", ok=False)


def test_an_async_endpoint_answers_through_s3(aws: Aws, model: None, make_project: Make) -> None:
    project = make_project(LLM, deployment_target="async")
    aws.push_image("qwen3-endpoint")
    run(project, aws, "deploy", "--create-role")
    assert "Hello to you" in run(project, aws, "test", "--endpoint").stdout
    bucket = "sagemaker-us-east-1-123456789012"
    keys = [one["Key"] for one in aws.call("s3", "list_objects_v2", Bucket=bucket)["Contents"]]
    assert {key.split("/")[1] for key in keys} == {"async-input", "async-output"}
    cleaned = run(project, aws, "clean")
    assert left(aws) == NOTHING and "kept: the answers" in cleaned.stderr
    run(project, aws, "clean", "--all")
    assert not [one for one in aws.call("s3", "list_buckets")["Buckets"] if one["Name"] == bucket]


@pytest.mark.parametrize(("base", "answer"), [(LLM, "Hello to you"), (PREDICTIVE, "10.2")], ids=["llm", "predictive"])
def test_a_batch_job_runs_on_the_sample_request(
    aws: Aws, model: None, make_project: Make, base: dict[str, Any], answer: str
) -> None:
    project = make_project(base, deployment_target="batch", inference_ami_version=None)
    aws.push_image(project_name := base["project_name"])
    out = run(project, aws, "deploy", "--create-role").stdout.strip()
    assert out == f"s3://sagemaker-us-east-1-123456789012/{project_name}/batch-output/"
    assert answer in run(project, aws, "test", "--endpoint").stdout
    assert "Completed" in run(project, aws, "status").stdout
    rows = project / "my rows.csv"
    rows.write_text("1,2\n3,4\n" if base is PREDICTIVE else '{"messages": []}\n{"messages": []}\n')
    run(project, aws, "deploy", "--input", str(rows))
    assert len(aws.state["jobs"]) == 2
    run(project, aws, "clean")
    assert left(aws) == NOTHING


def test_a_running_batch_job_is_joined_and_stopped_by_clean(aws: Aws, make_project: Make) -> None:
    project = make_project(PREDICTIVE, deployment_target="batch")
    aws.push_image("iris")
    aws.tell("settings", seconds=60)
    first = run(project, aws, "deploy", "--create-role", "--keep", ok=False, DEPLOY_TIMEOUT_S="0.5")
    assert "never ready: InProgress" in first.stderr
    second = run(project, aws, "deploy", "--keep", ok=False, DEPLOY_TIMEOUT_S="0.5")
    assert "is this very job" in second.stderr and len(aws.state["jobs"]) == 1
    run(project, aws, "clean")
    assert list(aws.state["jobs"].values()) == ["Stopped"] and left(aws) == NOTHING


def test_a_local_model_is_uploaded_and_removed(aws: Aws, model: None, make_project: Make, tmp_path: Path) -> None:
    folder = tmp_path / "my model"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    project = make_project(LLM, model={"kind": "local", "name": str(folder)})
    aws.push_image("qwen3-endpoint")
    run(project, aws, "deploy", "--create-role")
    bucket = "sagemaker-us-east-1-123456789012"
    keys = [one["Key"] for one in aws.call("s3", "list_objects_v2", Bucket=bucket)["Contents"]]
    assert len(keys) == 1 and keys[0].startswith("qwen3-endpoint/model/") and keys[0].endswith("/config.json")
    run(project, aws, "clean")
    assert "Contents" not in aws.call("s3", "list_objects_v2", Bucket=bucket) and left(aws) == NOTHING


FAULTS = [  # what the log says leads to the cause; test_advice.py tries every cause without a stand-in
    (
        "The primary container did not pass the ping health check.",
        ["loading weights"],
        "did not answer /ping",
        "raise Container",
    ),
    ("CannotStartContainerError.", [], "the container never ran", "inference_ami_version=auto"),
    ("The primary container did not pass the ping health check.", [], "driver (AMI)", "inference_ami_version=auto"),
    (
        "Health check failed.",
        ["torch.OutOfMemoryError: CUDA out of memory."],
        "does not fit the GPU",
        '"max_model_len": 4096',
    ),
]


@pytest.mark.parametrize(("reason", "log", "cause", "fix"), FAULTS)
def test_an_endpoint_that_fails_is_explained_and_removed(
    aws: Aws, make_project: Make, reason: str, log: list[str], cause: str, fix: str
) -> None:
    project = make_project(LLM)
    aws.push_image("qwen3-endpoint")
    aws.tell(
        "settings",
        seconds=0.5,
        faults={
            "endpoint": {"reason": reason, "log": log and [*log, "token hf_abcdefghijklmnopqrstuvwxyz \x1b]0;x\x07"]}
        },
    )
    done = run(project, aws, "deploy", "--create-role", ok=False)
    for words in (reason, *log, cause, fix):
        assert words in done.stderr
    assert "hf_abcdefgh" not in done.stderr and "\x1b" not in done.stderr and "\x07" not in done.stderr
    assert left(aws) == NOTHING


def test_keep_leaves_the_failed_endpoint_and_the_next_deploy_replaces_it(aws: Aws, make_project: Make) -> None:
    project = make_project(LLM)
    aws.push_image("qwen3-endpoint")
    aws.tell("settings", seconds=0.4, faults={"endpoint": {"reason": "broken"}})
    run(project, aws, "deploy", "--create-role", "--keep", ok=False)
    assert aws.state["endpoints"] == ["qwen3-endpoint"]
    aws.tell("settings", faults={})
    assert "making it anew" in run(project, aws, "deploy").stderr
    run(project, aws, "clean")
    assert left(aws) == NOTHING


def test_an_endpoint_that_is_never_ready_is_given_up_and_removed(aws: Aws, make_project: Make) -> None:
    """SageMaker refuses to delete while it creates, so the script waits for that moment."""
    project = make_project(LLM)
    aws.push_image("qwen3-endpoint")
    aws.tell("settings", seconds=6)
    done = run(project, aws, "deploy", "--create-role", ok=False, DEPLOY_TIMEOUT_S="1")
    assert "never ready: Creating after 1 s" in done.stderr and "waiting until AWS lets it" in done.stderr
    assert left(aws) == NOTHING


def test_an_update_that_rolls_back_keeps_the_old_endpoint(aws: Aws, make_project: Make) -> None:
    project = make_project(LLM)
    aws.push_image("qwen3-endpoint")
    aws.tell("settings", seconds=0.7)
    run(project, aws, "deploy", "--create-role")
    old = left(aws)
    aws.tell("settings", faults={"update": True})
    settings = project / "container.env"
    settings.write_text(settings.read_text().replace("8192", "2048"))
    assert "went back" in run(project, aws, "deploy", ok=False).stderr
    assert left(aws) == old


def test_an_update_that_outlasts_the_patience_keeps_what_it_needs(aws: Aws, make_project: Make) -> None:
    """AWS goes on with the update: its configuration and model must be there when it is done."""
    project = make_project(LLM)
    aws.push_image("qwen3-endpoint")
    run(project, aws, "deploy", "--create-role")
    old = left(aws)
    aws.tell("settings", seconds=6)
    settings = project / "container.env"
    settings.write_text(settings.read_text().replace("8192", "2048"))
    said = run(project, aws, "deploy", ok=False, DEPLOY_TIMEOUT_S="0.5").stderr
    assert "never ready: Updating" in said and "still there, and it costs money: endpoint qwen3-endpoint" in said
    assert not [call for call in aws.state["calls"] if call.startswith("Delete")]
    assert len(left(aws)["configs"]) == len(left(aws)["models"]) == 2
    done = run(project, aws, "deploy")
    assert "InService" in done.stderr and aws.state["calls"].count("UpdateEndpoint") == 1
    now = aws.call("sagemaker", "describe_endpoint", EndpointName="qwen3-endpoint")["EndpointConfigName"]
    assert now in left(aws)["configs"] and now not in old["configs"]
    run(project, aws, "clean")
    assert left(aws) == NOTHING


@pytest.mark.parametrize("target", ["realtime", "async", "batch"])
def test_the_longest_name_can_be_deployed_twice(aws: Aws, model: None, make_project: Make, target: str) -> None:
    """Every name made of it is within SageMaker's, IAM's and ECR's limits, which the stand-in knows."""
    name = "m" + "-2" * 19 + "x"
    assert PROJECT_NAME.fullmatch(name) and len(name) == 40
    project = make_project(PREDICTIVE, project_name=name, deployment_target=target)
    aws.push_image(name)
    run(project, aws, "deploy", "--create-role")
    settings = project / "container.env"
    settings.write_text(settings.read_text().replace("WORKERS=2", "WORKERS=1"))
    run(project, aws, "deploy")
    assert len(aws.state["models"]) == 2
    run(project, aws, "clean", "--all")
    assert left(aws) == NOTHING


def test_batch_without_output_says_so(aws: Aws, make_project: Make) -> None:
    project = make_project(PREDICTIVE, deployment_target="batch")
    aws.call("s3", "create_bucket", Bucket="sagemaker-us-east-1-123456789012")
    said = run(project, aws, "test", "--endpoint", ok=False).stderr
    assert "there is no output at s3://sagemaker-us-east-1-123456789012/iris/batch-output/" in said


@pytest.mark.parametrize("words", [("logs",), ("status",), ("clean",), ("deploy",), ("test", "--endpoint")])
def test_without_credentials_every_script_fails_with_the_cause(
    aws: Aws, make_project: Make, words: tuple[str, ...]
) -> None:
    none = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
    done = run(make_project(PREDICTIVE), aws, *words, ok=False, **none)
    assert "credentials" in done.stderr, done.stderr
    if words[0] != "test":
        assert "Likely cause: your AWS credentials" in done.stderr and "no log" not in done.stdout


def test_a_foreign_endpoint_of_the_same_name_is_left_alone(aws: Aws, make_project: Make) -> None:
    project = make_project(LLM)
    aws.push_image("qwen3-endpoint")
    run(project, aws, "deploy", "--create-role")
    other = {"project_name": "qwen3-endpoint-2", "model": {"name": "x/y"}}
    config = aws.state["configs"][0]
    run(project, aws, "deploy", ENDPOINT_NAME="qwen3-endpoint-2")  # ours, but under the name of another project
    stranger = make_project(LLM, **other)
    aws.push_image("qwen3-endpoint-2")
    done = run(stranger, aws, "deploy", "--create-role", ok=False)
    assert "not this project's" in done.stderr and "ENDPOINT_NAME=qwen3-endpoint-2-2" in done.stderr
    assert aws.state["endpoints"] == ["qwen3-endpoint", "qwen3-endpoint-2"] and config in aws.state["configs"]
    assert not [name for name in aws.state["models"] if name.startswith("qwen3-endpoint-2-")]
    run(stranger, aws, "clean")
    assert aws.state["endpoints"] == ["qwen3-endpoint", "qwen3-endpoint-2"]


def test_clean_finds_an_endpoint_under_another_name(aws: Aws, make_project: Make) -> None:
    project = make_project(LLM)
    aws.push_image("qwen3-endpoint")
    run(project, aws, "deploy", "--create-role", ENDPOINT_NAME="qwen3-endpoint-blue")
    assert "must begin with" in run(project, aws, "deploy", ok=False, ENDPOINT_NAME="blue").stderr
    run(project, aws, "clean")
    assert left(aws) == NOTHING


def test_wrong_roles_are_refused_in_words(aws: Aws, make_project: Make) -> None:
    project = make_project(LLM)
    aws.push_image("qwen3-endpoint")
    assert "--create-role" in run(project, aws, "deploy", ok=False).stderr
    done = run(project, aws, "deploy", ok=False, SAGEMAKER_ROLE_ARN="arn:aws:iam::123456789012:role/nobody")
    assert "Could not assume role" in done.stderr and "deploy/*-policy.json" in done.stderr
    assert left(aws) == NOTHING
    aws.tell("settings", faults={"late_role": 3})  # a role made a moment ago is refused at first
    run(project, aws, "deploy", "--create-role")


def test_a_missing_image_and_an_oci_image_are_refused_in_words(aws: Aws, make_project: Make) -> None:
    project = make_project(LLM)
    done = run(project, aws, "deploy", "--create-role", ok=False)
    assert "run do/push first" in done.stderr and "the image is not in ECR" in done.stderr
    aws.push_image("qwen3-endpoint", media_type="application/vnd.oci.image.manifest.v1+json")
    done = run(project, aws, "deploy", ok=False)
    assert "cannot read the image's manifest" in done.stderr
    assert left(aws) == NOTHING


def test_a_request_that_the_model_refuses_is_wrong(aws: Aws, model: None, make_project: Make) -> None:
    project = make_project(PREDICTIVE)
    aws.push_image("iris")
    run(project, aws, "deploy", "--create-role")
    assert run(project, aws, "test", "--endpoint").stderr.count("right") == 2
    assert "WRONG" in run(project, aws, "test", "--endpoint", ok=False, TEST_JSON='{"boom": 1}').stderr


def test_ctrl_c_says_what_exists_and_the_next_run_goes_on(aws: Aws, make_project: Make) -> None:
    project = make_project(LLM)
    aws.push_image("qwen3-endpoint")
    aws.tell("settings", seconds=8)
    command = [str(project / "do" / "deploy"), "--create-role"]
    running = subprocess.Popen(command, env=aws.env, stderr=subprocess.PIPE, text=True, start_new_session=True)
    while "CreateEndpoint" not in aws.state["calls"]:
        time.sleep(0.2)
        assert running.poll() is None
    time.sleep(1.5)
    os.killpg(running.pid, signal.SIGINT)
    said = running.communicate(timeout=30)[1]
    assert running.returncode != 0 and "endpoint qwen3-endpoint" in said and "do/clean removes" in said
    assert "Traceback" not in said
    run(project, aws, "deploy")
    assert aws.state["calls"].count("CreateEndpoint") == 1
    run(project, aws, "clean")
    assert left(aws) == NOTHING


def test_another_region_and_bucket_replace_the_rendered_ones(aws: Aws, make_project: Make) -> None:
    project = make_project(LLM, deployment_target="async", s3_bucket="my-rendered-bucket")
    plan = run(project, aws, "deploy", "--plan", AWS_REGION="eu-west-1", S3_BUCKET="my-other-bucket").stdout
    assert "my-rendered" not in plan and "us-east-1." not in plan and "s3://my-other-bucket/qwen3-endpoint/" in plan
    policy = run(project, aws, "deploy", "--policy", AWS_REGION="eu-west-1", S3_BUCKET="my-other-bucket").stdout
    assert "my-rendered" not in policy and "arn:aws:ecr:eu-west-1:123456789012:repository/qwen3-endpoint" in policy
    assert "000000000000" not in policy and "us-east-1" not in policy
