"""A request: every answer of design.md section 4 with its type and default; plain values, no look-ups."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

DEFAULT_MODEL_NAME = "Qwen/Qwen3-4B"
DEFAULT_MODEL_SERVER = {"transformers": "vllm"}
PREDICTIVE_MODEL_SERVER = "fastapi"
DEFAULT_MODEL_FORMAT = {"sklearn": "pkl", "xgboost": "json", "tensorflow": "keras"}


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody asks for. None means "not answered": the default of design.md section 4 applies.

    Args:
        framework: ``transformers``, ``sklearn``, ``xgboost`` or ``tensorflow``.
        model_server: ``vllm`` ... for transformers, ``flask`` or ``fastapi`` otherwise.
        model_name: Hub id, ``s3://...`` or local path; transformers only.
        framework_version: exact version, PEP 440 specifier, ``latest`` or ``recommended``.
        instance_type: ``ml.*`` name or ``auto``.
        inference_ami_version: ``auto``, ``default`` (leave out) or a name.
        env_vars: setting names or variables to values.
        given: the fields the user set herself; values from there count as ``User_Input``. Filled in when left None:
            every field that differs from its default.
    """

    project_name: str = ""
    framework: str = "transformers"
    model_server: str | None = None
    model_name: str | None = None
    model_revision: str = "auto"
    model_format: str | None = None
    framework_version: str = "recommended"
    framework_profile: str = "default"
    model_profile: str = "default"
    image_source: str = "recommended"
    chat_template: str = "auto"
    instance_type: str = "auto"
    inference_ami_version: str = "auto"
    region: str = "us-east-1"
    role_arn: str = ""
    s3_bucket: str = ""
    hf_token_secret_arn: str = ""
    deployment_target: str = "realtime"
    env_vars: dict[str, Any] = field(default_factory=dict)
    include_sample: bool | None = None
    offline: bool = False
    validate_env_vars: bool = True
    validate_with_docker: bool = False
    registry_path: str = ""
    given: frozenset[str] | None = None

    def is_given(self, name: str) -> bool:
        """Whether the user set a field herself."""
        if self.given is not None:
            return name in self.given
        return bool(getattr(self, name) != DEFAULTS[name])

    @property
    def is_transformers(self) -> bool:
        """Whether the framework is ``transformers``."""
        return self.framework == "transformers"

    @property
    def effective_model_server(self) -> str:
        """The model server, or the framework's default."""
        return self.model_server or DEFAULT_MODEL_SERVER.get(self.framework, PREDICTIVE_MODEL_SERVER)

    @property
    def effective_model_name(self) -> str | None:
        """The model, or the default one; None for predictive frameworks."""
        if not self.is_transformers:
            return None
        return self.model_name or DEFAULT_MODEL_NAME

    @property
    def effective_model_format(self) -> str | None:
        """The model format, or the first of the framework; None for transformers."""
        if self.is_transformers:
            return None
        return self.model_format or DEFAULT_MODEL_FORMAT.get(self.framework)

    @property
    def effective_include_sample(self) -> bool:
        """Whether the sample model is included; the default is true for predictive frameworks."""
        return (not self.is_transformers) if self.include_sample is None else self.include_sample

    @property
    def framework_id(self) -> str:
        """The Framework Registry entry: the model server for transformers, the framework otherwise."""
        return self.effective_model_server if self.is_transformers else self.framework

    def to_json(self) -> dict[str, Any]:
        """Every answer with the value in force."""
        data = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "given"}
        data["model_server"] = self.effective_model_server
        data["model_name"] = self.effective_model_name
        data["model_format"] = self.effective_model_format
        data["include_sample"] = self.effective_include_sample
        data["env_vars"] = dict(self.env_vars)
        return data


DEFAULTS: dict[str, Any] = {
    f.name: {} if f.name == "env_vars" else f.default for f in fields(Request) if f.name != "given"
}
"""Field to default; None where the default depends on another answer."""

ANSWER_NAMES = tuple(DEFAULTS)
"""The answers of design.md section 4, in their order."""
