"""The forms of text answers: which names, ARNs, regions, versions and model names can be what they are meant as."""

from __future__ import annotations

import re
from collections.abc import Callable

from .errors import Finding, printable

ROLE_ARN = re.compile(r"arn:aws[a-z\-]*:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]{1,512}", re.ASCII)
"""Source: botocore 1.44.5, sagemaker RoleArn pattern (facts/sagemaker.md, CreateModel)."""

SECRET_ARN = re.compile(
    r"arn:aws[a-z\-]*:secretsmanager:[a-z0-9\-]+:\d{12}:secret:[A-Za-z0-9/_+=.@\-]{1,519}", re.ASCII
)

PROJECT_NAME = re.compile(r"(?=.{1,40}\Z)[A-Za-z0-9](-*[A-Za-z0-9])*", re.ASCII)
"""Valid as a SageMaker name (63 characters) with our suffixes, and as an ECR repository in lower case.

The longest suffix is a transform job's: 11 characters of a hash and 11 of seconds. Source: facts/sagemaker.md, CreateModel.
"""

REGION = re.compile(r"[a-z]{2,5}(-[a-z]+){1,3}-\d{1,2}", re.ASCII)

BUCKET = re.compile(r"[a-z0-9][a-z0-9.\-]{1,61}[a-z0-9]", re.ASCII)

HUB_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._\-]{0,95}(/[A-Za-z0-9][A-Za-z0-9._\-]{0,95})?", re.ASCII)

S3_URI = re.compile(r"s3://[a-z0-9][a-z0-9.\-]{1,61}[a-z0-9](/[A-Za-z0-9!_.'()&$@=;:+,/\- ]*)?", re.ASCII)
"""Without ``*`` and ``?``, which keys may hold: the role's policy would allow every key they stand for."""

INSTANCE_TYPE = re.compile(r"[A-Za-z0-9.\-]{1,80}", re.ASCII)

REVISION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/\-]{0,127}", re.ASCII)

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+\-]{0,79}", re.ASCII)

VERSION_TEXT = re.compile(r"[A-Za-z0-9.<>=!~,*+\- ]{1,120}", re.ASCII)


def finding(code: str, name: str, field: str | None, message: str, hint: str = "") -> Finding:
    """An error about one answer."""
    return Finding(code, "error", field, message, hint, "", name)


def secret_finding(name: str, field: str = "env_vars") -> Finding:
    """A name in ``env_vars`` that holds a secret; every place that finds one says it in the same words, so it is told once.

    Args:
        name: the variable, setting or unknown answer.
        field: the answer it stands in; of an unknown answer, its own name.
    """
    place = "env_vars: " if field == "env_vars" else ""
    return finding(
        "MCC010",
        "secret-in-answer",
        field,
        f"{place}{printable(name)} looks like a secret (its value is not shown here)",
        "export HF_TOKEN before do/run, or give hf_token_secret_arn; a secret never belongs in a file",
    )


def model_kind(name: str) -> str | None:
    """``hub``, ``s3`` or ``local`` by the form of a model name; None when it has none of these forms."""
    if name.startswith("s3://"):
        return "s3" if S3_URI.fullmatch(name) and ".." not in name else None
    if name.startswith(("/", "./", "../", "~")) or name in (".", ".."):
        return "local"
    if HUB_ID.fullmatch(name) and ".." not in name and "--" not in name and not name.endswith(".git"):
        return "hub"
    return None


def _form(
    pattern: re.Pattern[str], code: str, name: str, words: str, hint: str
) -> Callable[[str, str], list[Finding]]:
    def check(field: str, value: str) -> list[Finding]:
        if pattern.fullmatch(value):
            return []
        return [finding(code, name, field, f"{field}: {printable(value)} is not {words}", hint)]

    return check


def _check_model_name(field: str, value: str) -> list[Finding]:
    kind = model_kind(value)
    if kind == "local" and ":" in value:
        message = f"{field}: {printable(value)} has a colon, which ends the folder's name for docker run --volume"
        return [finding("MCC007", "answer-form", field, message, "rename the folder, or link to it")]
    if kind is not None:
        return []
    if value.startswith("s3://") and ("*" in value or "?" in value):
        message = f"{field}: {printable(value)} has * or ?, which would open more of the bucket to the role"
        hint = "name one prefix, without * and ?: the role's policy reads them as wildcards"
        return [finding("MCC007", "answer-form", field, message, hint)]
    return [
        finding(
            "MCC007",
            "answer-form",
            field,
            f"{field}: {printable(value)} is neither a Hub id, an S3 location nor a path",
            "write ORG/NAME, s3://bucket/prefix/ or a path that starts with / or ./",
        )
    ]


FORMS: dict[str, Callable[[str, str], list[Finding]]] = {
    "project_name": _form(
        PROJECT_NAME,
        "MCC007",
        "answer-form",
        "a valid project name",
        "use at most 40 letters, digits and hyphens, with a letter or digit at both ends: my-model",
    ),
    "model_name": _check_model_name,
    "model_revision": _form(
        REVISION, "MCC007", "answer-form", "a revision", "use auto, a branch or tag name, or a commit"
    ),
    "framework_version": _form(
        VERSION_TEXT,
        "MCC007",
        "answer-form",
        "a version or specifier",
        "use recommended, latest, an exact version (0.30.0) or a PEP 440 specifier (>=0.28,<0.31)",
    ),
    "framework_profile": _form(
        NAME, "MCC007", "answer-form", "a profile name", "use default, or see: mcc-registry frameworks"
    ),
    "model_profile": _form(
        NAME, "MCC007", "answer-form", "a profile name", "use default, or see: mcc-registry models"
    ),
    "instance_type": _form(
        INSTANCE_TYPE,
        "MCC007",
        "answer-form",
        "an instance type",
        "instance types look like ml.g6.xlarge; or use auto",
    ),
    "inference_ami_version": _form(NAME, "MCC007", "answer-form", "an AMI name", "use auto, default or an AMI name"),
    "region": _form(REGION, "MCC007", "answer-form", "a region name", "regions look like us-east-1"),
    "role_arn": _form(
        ROLE_ARN,
        "MCC007",
        "answer-form",
        "the ARN of an IAM role",
        "it looks like arn:aws:iam::123456789012:role/NAME",
    ),
    "s3_bucket": _form(
        BUCKET, "MCC007", "answer-form", "a bucket name", "write the name alone, without s3:// and without a path"
    ),
    "hf_token_secret_arn": lambda field, value: (
        []
        if SECRET_ARN.fullmatch(value)
        else [
            finding(
                "MCC007",
                "answer-form",
                field,
                f"{field} is not the ARN of a Secrets Manager secret (its value is not shown here)",
                "it looks like arn:aws:secretsmanager:us-east-1:123456789012:secret:hf-token; never write the token itself",
            )
        ]
    ),
}
"""Form checks of text answers; an empty text or the default is always accepted."""
