"""From answers file, flags and ``--env`` to a request, its registries and a plan; shared by resolve and explain."""

from __future__ import annotations

import os
from argparse import Namespace
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..answer_forms import model_kind
from ..answers import BOOLEANS, CHOICES, parse_answers, parse_env_vars
from ..errors import Finding, has_errors, printable
from ..models.request import ANSWER_NAMES, Request
from .files import read_text
from .parsing import Parser
from .registries import load_registry
from .secrets import hide_plan

if TYPE_CHECKING:
    from ..models.plan import Plan
    from ..registry import Registry
    from ..settings import Table

HELP = {
    "project_name": "letters, digits and hyphens",
    "framework": "transformers, sklearn, xgboost, tensorflow",
    "model_server": "vllm ... for transformers; fastapi, flask",
    "model_name": "Hub id, s3://... or a local path",
    "model_revision": "auto, or a branch, tag or commit",
    "model_format": "pkl, joblib, json ... (not for transformers)",
    "framework_version": "recommended, latest, 0.30.0 or >=0.28,<0.31",
    "framework_profile": "a profile of the release",
    "model_profile": "a profile of the model",
    "image_source": "recommended, aws, upstream",
    "chat_template": "auto, none, or a file",
    "instance_type": "auto, or ml.g6.xlarge",
    "inference_ami_version": "auto, default (leave out), or a name",
    "region": "AWS region of the endpoint",
    "role_arn": "execution role",
    "s3_bucket": "bucket for results and local models",
    "hf_token_secret_arn": "Secrets Manager ARN, never the token",
    "deployment_target": "realtime, async, batch",
    "env_vars": "settings as YAML: '{max_model_len: 8192}'",
    "include_sample": "a small sample model",
    "offline": "no network at all",
    "validate_env_vars": "check the settings in env_vars (default true)",
    "validate_with_docker": "inspect the image through Docker",
}
"""One line for each flag; the prompts of the template explain them at length."""

MAX_CHAT_TEMPLATE_BYTES = 1024 * 1024

HUB_SEVERITY = {"not_found": "warning", "unauthorized": "warning", "invalid": "warning"}
"""Hub status to severity; every other status but ``found`` is an info."""


@dataclass(slots=True)
class Asked:
    """What was asked for.

    Attributes:
        request: the parsed answers.
        findings: what is wrong with them.
        layers: layers the answers and flags name, lowest first.
        folder: where relative paths of an answers file start.
        env: the ``--env`` variables, which beat the same setting of ``env_vars`` in any spelling.
    """

    request: Request
    findings: list[Finding]
    layers: list[str]
    folder: Path
    env: dict[str, str] = field(default_factory=dict)


def add_answer_flags(parser: Parser) -> None:
    """``--answers``, a flag for every answer, and ``--env``."""
    group = parser.add_argument_group("answers (flags beat --answers; --env beats env_vars)")
    group.add_argument("--answers", metavar="FILE", help="YAML file of answers, such as .copier-answers.yml")
    for name in ANSWER_NAMES:
        if name == "registry_path":
            continue  # a common option, repeatable
        option = name.replace("_", "-")
        if name in BOOLEANS:
            parser.add_boolean(option, HELP[name], group=group)
        else:
            choices = CHOICES.get(name)
            metavar = "|".join(choices) if choices else "MAP" if name == "env_vars" else "VALUE"
            group.add_argument(f"--{option}", metavar=metavar, help=HELP[name])
    group.add_argument(
        "--env", action="append", default=[], metavar="NAME=VALUE", help="one setting or variable; repeatable"
    )


def read_asked(args: Namespace) -> Asked:
    """The request of a command line.

    Raises:
        UsageError: an ``--env`` without a name.
    """
    env = _env(args)
    findings: list[Finding] = []
    raw: dict[str, Any] = {}
    folder = Path()
    if args.answers is not None:
        raw, findings = read_answers(args.answers)
        folder = Path(args.answers).parent if args.answers != "-" else folder
    flags = {n: getattr(args, n) for n in ANSWER_NAMES if n != "registry_path" and getattr(args, n) is not None}
    raw.update(flags)
    if env:
        written, problems = parse_env_vars(raw.get("env_vars"))
        findings += problems
        raw["env_vars"] = {**written, **env}
        flags["env_vars"] = raw["env_vars"]
    layers = [_from_folder(part, folder) for part in _split(raw.get("registry_path"))] + list(args.registry_path)
    if args.registry_path:
        raw["registry_path"] = os.pathsep.join([*_split(raw.get("registry_path")), *args.registry_path])
    request, problems = parse_answers(raw, explicit=flags)
    findings += problems
    if any(f.field == "registry_path" for f in problems):
        layers = []
    return Asked(request, list(dict.fromkeys(findings)), layers, folder, env)


def _env(args: Namespace) -> dict[str, str]:
    env = {}
    for item in args.env:
        name, equals, value = item.partition("=")
        if not equals or not name:
            args.parser.error("argument --env: write NAME=VALUE")
        env[name] = value
    return env


def _split(value: object) -> list[str]:
    return [part for part in value.split(os.pathsep) if part.strip()] if isinstance(value, str) else []


def _from_folder(path: str, folder: Path) -> str:
    """A relative layer of an answers file starts where the file is, if it is there."""
    try:
        return str(folder / path) if (folder / path).exists() else path
    except (OSError, ValueError):
        return path


def read_answers(name: str) -> tuple[dict[str, Any], list[Finding]]:
    """The answers in a YAML file (``-`` = stdin), and what keeps them from being read."""
    text, problem = read_text(name, "answers")
    if problem is not None:
        return {}, [problem]
    from ..loading.yaml_text import parse_yaml

    parsed = parse_yaml(text, name)
    if parsed.faults:
        found = []
        for fault in parsed.faults:
            line = fault.source.rpartition(":")[2]
            words = fault.message.removeprefix(f"{fault.name}: ")
            message = f"the answers file cannot be read: line {line}: {printable(words, 100)}"
            hint = fault.hint or "write one answer a line: model_name: Qwen/Qwen3-4B"
            found.append(
                Finding("MCC003", "error", "answers", message, hint, f"{printable(name, 200)}:{line}", "broken-yaml")
            )
        return {}, found
    if parsed.data is None:
        return {}, []
    if not isinstance(parsed.data, dict):
        message = "the answers file holds no mapping of names to values"
        hint = "write one answer a line: model_name: Qwen/Qwen3-4B"
        return {}, [Finding("MCC005", "error", "answers", message, hint, printable(name, 200), "wrong-type")]
    return dict(parsed.data), []


def make_plan(asked: Asked, registry: Registry) -> Plan:
    """The plan for what was asked: files and Hub facts are gathered here, ``resolve`` stays pure."""
    from ..resolve import resolve

    findings = list(asked.findings)
    request = _env_beats_answers(asked, registry)
    text = None
    if request.chat_template not in ("auto", "none"):
        path = request.chat_template
        path = _from_folder(path, asked.folder)
        text, problem = read_text(path, "chat_template", limit=MAX_CHAT_TEMPLATE_BYTES)
        if problem is None:
            from ..chat import template_fault

            problem = template_fault(request.chat_template, text)
        if problem is not None:
            findings.append(problem)
            text = None
    hub = None
    if not has_errors(findings):
        hub, told = hub_facts(request)
        findings += told
    given: dict[str, Any] = {"hub": hub, "chat_template_text": text, "findings": findings}
    if request.validate_with_docker:
        plan = _plan_with_docker(request, registry, given)
    else:
        plan = resolve(request, registry, **given)
    return hide_plan(plan, plan_table(plan, registry))


def _plan_with_docker(request: Request, registry: Registry, given: dict[str, Any]) -> Plan:
    """The plan with the facts of the image it chooses; notes on progress go to stderr."""
    import sys

    from ..docker import look_at
    from ..resolve.images import resolve_with_images

    def look(image: str, platform: str) -> tuple[Any, list[Finding]]:
        progress = sys.stderr if sys.stderr.isatty() else None
        return look_at(
            image,
            platform,
            offline=request.offline,
            progress=progress,
            tell=lambda text: print(text, file=sys.stderr),
        )

    return resolve_with_images(request, registry, look, **given)


def plan_table(plan: Plan, registry: Registry) -> Table | None:
    """The parameter table of the plan's build; of the framework's CUDA builds when nothing was decided."""
    from ..settings import table_for

    if plan.release is not None and plan.build is not None:
        return table_for(plan.release.framework, plan.build.accelerator.type, plan.build.source)
    entry = plan.request.framework_id
    return table_for(registry.frameworks[entry], "cuda") if entry in registry.frameworks else None


def hub_facts(request: Request) -> tuple[Any, list[Finding]]:
    """What the Hub says of the model, and a finding when it says nothing; no call is made offline."""
    name = request.effective_model_name
    if request.offline or name is None or model_kind(name) != "hub":
        return None, []
    from ..hub import fetch_hub_facts

    revision = request.model_revision if request.model_revision != "auto" else None
    facts = fetch_hub_facts(name, revision)
    if facts.status == "found":
        return facts, []
    return facts, [hub_finding(facts.status, facts.message)]


def hub_finding(status: str, message: str) -> Finding:
    """Why the Hub's facts are missing, as a finding."""
    if status == "not_found":
        told = message.split(";")[0]
        told = told if told.endswith("?") else f"{told}: misspelt?"
        message = f"{told} Continuing with what the registry knows"
    hint = "offline=true asks nobody" if status == "unavailable" else ""
    severity: Any = HUB_SEVERITY.get(status, "info")
    return Finding("MCC601", severity, "model_name", printable(message, 300), hint, "", "hub-facts-missing")


def _env_beats_answers(asked: Asked, registry: Registry) -> Request:
    """The request without those ``env_vars`` of a file that an ``--env`` means under another spelling."""
    request = asked.request
    entry = registry.frameworks.get(request.framework_id)
    if not asked.env or entry is None:
        return request
    from dataclasses import replace

    from ..models.kinds import accelerator_kinds
    from ..settings import table_for

    beaten: set[str] = set()
    for kind in accelerator_kinds():
        table = table_for(entry, kind)
        meant = {table.name(name).canonical for name in asked.env} - {None}
        beaten |= {n for n in request.env_vars if n not in asked.env and table.name(n).canonical in meant}
    if not beaten:
        return request
    return replace(request, env_vars={n: v for n, v in request.env_vars.items() if n not in beaten})


def load_for(asked: Asked) -> Registry:
    """The registries with the layers that answers and flags name.

    Raises:
        RegistryError: they are broken.
    """
    return load_registry(asked.layers)


__all__ = ["Asked", "add_answer_flags", "hub_facts", "load_for", "make_plan", "plan_table", "read_asked"]
