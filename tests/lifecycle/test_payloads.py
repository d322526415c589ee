"""Every rendered request is valid for SageMaker, read strictly, whatever the answers; policies grant what is needed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.lifecycle.project import LLM, PREDICTIVE
from tests.standins.aws import rules

Make = Callable[..., Path]
SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:hf-token-AbCdEf"
CASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "hub": (LLM, {}),
    "hub, EBS only, role, bucket": (
        LLM,
        {
            "has_local_nvme": False,
            "instance_type": "ml.inf2.xlarge",
            "role_arn": "arn:aws:iam::123456789012:role/path/r",
            "s3_bucket": "my-bucket",
        },
    ),
    "hub, huge, disk unknown": (
        LLM,
        {
            "has_local_nvme": None,
            "model": {"weights_gib": 1300.0},
            "timeouts": {"startup_health_check_s": 99999, "model_download_s": 3},
        },
    ),
    "hub, huge, EBS only": (
        LLM,
        {"has_local_nvme": False, "instance_type": "ml.p3.16xlarge", "model": {"weights_gib": 1300.0}},
    ),
    "hub, secret": (LLM, {"hf_token_secret_arn": SECRET}),
    "s3": (LLM, {"model": {"kind": "s3", "name": "s3://weights/qwen"}}),
    "s3 archive": (LLM, {"model": {"kind": "s3", "name": "s3://weights/qwen/model.tar.gz"}}),
    "local": (LLM, {"model": {"kind": "local", "name": "./my model"}}),
    "predictive": (PREDICTIVE, {}),
    "china": (PREDICTIVE, {"region": "cn-north-1", "aws_domain": "amazonaws.com.cn", "aws_partition": "aws-cn"}),
    "longest name": (PREDICTIVE, {"project_name": "A" * 40}),
}
TARGETS = ["realtime", "async", "batch"]


def load(project: Path, name: str) -> dict[str, Any]:
    return json.loads((project / "deploy" / name).read_text())


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("case", CASES)
def test_requests_are_valid_as_they_lie_in_the_project(make_project: Make, case: str, target: str) -> None:
    base, changes = CASES[case]
    changes = dict(changes)
    if target == "batch":
        changes["inference_ami_version"] = "al2-ami-sagemaker-batch-gpu-535" if base is LLM else None
        if changes.get("instance_type", "") in ("ml.inf2.xlarge",):
            changes["instance_type"] = "ml.inf2.xlarge"
        if case == "s3":
            changes["model"] = {"kind": "s3", "name": "s3://weights/qwen/model.tar.gz"}
    elif base is LLM and changes.get("instance_type", "ml.g6").split(".")[1] not in ("g6",):
        changes["inference_ami_version"] = None
    project = make_project(base, deployment_target=target, **changes)
    assert rules.violations("sagemaker", "CreateModel", load(project, "model.json")) == []
    names = {path.name for path in (project / "deploy").iterdir()}
    assert ("transform-job.json" in names) == (target == "batch") != ("endpoint-config.json" in names)
    if target == "batch":
        assert rules.violations("sagemaker", "CreateTransformJob", load(project, "transform-job.json")) == []
        assert "ModelDataSource" not in load(project, "model.json")["PrimaryContainer"]
    else:
        config = load(project, "endpoint-config.json")
        assert rules.violations("sagemaker", "CreateEndpointConfig", config) == []
        assert ("AsyncInferenceConfig" in config) == (target == "async")


def test_time_outs_and_disk_follow_the_model(make_project: Make) -> None:
    variant = load(make_project(LLM, has_local_nvme=False), "endpoint-config.json")["ProductionVariants"][0]
    assert variant["VolumeSizeInGB"] == 42 and variant["ContainerStartupHealthCheckTimeoutInSeconds"] == 900
    changes = {"timeouts": {"startup_health_check_s": 4000, "model_download_s": 10}, "model": {"weights_gib": 900.0}}
    variant = load(make_project(LLM, has_local_nvme=False, **changes), "endpoint-config.json")["ProductionVariants"][
        0
    ]
    assert variant["VolumeSizeInGB"] == 512
    assert variant["ContainerStartupHealthCheckTimeoutInSeconds"] == 3600
    assert variant["ModelDataDownloadTimeoutInSeconds"] == 60
    variant = load(make_project(LLM), "endpoint-config.json")["ProductionVariants"][0]
    assert "VolumeSizeInGB" not in variant


def test_the_checker_would_notice_a_broken_request(make_project: Make) -> None:
    """The strict checker is not a rubber stamp: each seeded fault is named."""
    model, config = load(make_project(LLM), "model.json"), load(make_project(LLM), "endpoint-config.json")
    variant = config["ProductionVariants"][0]
    for broken in (
        {**model, "ModelName": "under_score"},
        {**model, "ExecutionRoleArn": "my-role"},
        {k: v for k, v in model.items() if k != "ExecutionRoleArn"},
        {**model, "Extra": 1},
        {
            **model,
            "PrimaryContainer": {**model["PrimaryContainer"], "Environment": {f"A{i}": "x" for i in range(101)}},
        },
        {**model, "PrimaryContainer": {**model["PrimaryContainer"], "Environment": {"A": "x" * 1025}}},
    ):
        assert rules.violations("sagemaker", "CreateModel", broken)
    for more in (
        {"InstanceType": "ml.zz.large"},
        {"VolumeSizeInGB": 100},
        {"ContainerStartupHealthCheckTimeoutInSeconds": 30},
        {"ModelDataDownloadTimeoutInSeconds": 3601},
        {"InferenceAmiVersion": "al2"},
        {"InitialInstanceCount": "1"},
    ):
        broken = {**config, "ProductionVariants": [{**variant, **more}]}
        assert rules.violations("sagemaker", "CreateEndpointConfig", broken)


def statements(project: Path) -> dict[str, dict[str, Any]]:
    policy = load(project, "execution-policy.json")
    assert policy["Version"] == "2012-10-17"
    found = {one["Sid"]: one for one in policy["Statement"]}
    assert len(found) == len(policy["Statement"])
    for sid, one in found.items():
        assert re.fullmatch(r"[A-Za-z0-9]{10,}", sid)  # AWS allows nothing else in a Sid, and it must say a reason
        actions = [one["Action"]] if isinstance(one["Action"], str) else one["Action"]
        assert not [action for action in actions if "*" in action]
        if one["Resource"] == "*":
            assert set(actions) <= {"ecr:GetAuthorizationToken", "cloudwatch:PutMetricData"}
    return found


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("case", CASES)
def test_the_policy_grants_what_the_answers_need_and_no_more(make_project: Make, case: str, target: str) -> None:
    base, changes = CASES[case]
    project = make_project(base, deployment_target=target, **changes)
    found = statements(project)
    kind = {**(base["model"] or {}), **changes.get("model", {})}.get("kind", "image")
    assert ("ReadTheModel" in found) == (kind in ("s3", "local"))
    assert ("ReadTheHuggingFaceToken" in found) == bool(changes.get("hf_token_secret_arn"))
    assert ("WriteAsyncAnswersAndFailures" in found) == (target == "async")
    assert ("WriteBatchOutput" in found) == (target == "batch")
    text = (project / "deploy" / "execution-policy.json").read_text()
    assert "arn:aws:" not in text or changes.get("aws_partition", "aws") == "aws"
    trust = load(project, "trust-policy.json")["Statement"][0]
    assert trust["Principal"] == {"Service": "sagemaker.amazonaws.com"} and trust["Action"] == "sts:AssumeRole"


def test_container_env_is_stable_and_holds_what_was_decided(make_project: Make) -> None:
    project = make_project(LLM, hf_token_secret_arn=SECRET)
    text = (project / "container.env").read_text()
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert lines == ["SM_VLLM_MODEL=Qwen/Qwen3-4B", "SM_VLLM_MAX_MODEL_LEN=8192", f"HF_TOKEN_SECRET_ARN={SECRET}"]
    assert "# Model_Profile: what fits\nSM_VLLM_MAX_MODEL_LEN=8192\n" in text
    assert text.endswith("\n") and not text.endswith("\n\n")


def test_a_value_with_a_line_break_never_reaches_container_env(make_project: Make) -> None:
    with pytest.raises(ValueError, match="line breaks"):
        make_project(LLM, container_env=[{"name": "A", "value": "1\nB=2", "source": "User_Input", "note": ""}])
