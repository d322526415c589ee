"""``resolve``: the plan for some answers, and its findings."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING, Any

from .. import report
from ..checks.kinds import checker_for
from ..errors import FindingsError, printable
from .asking import add_answer_flags, load_for, make_plan, read_asked
from .console import Console, gib, money, price
from .parsing import Parser
from .secrets import hide_request

if TYPE_CHECKING:
    from ..models.plan import Plan

EXAMPLES = (
    "mcc-registry resolve --model-name Qwen/Qwen3-4B --offline",
    "mcc-registry resolve --model-name Qwen/Qwen3-4B --instance-type ml.g5.xlarge \\",
    "    --env max_model_len=8192 --format json",
    "mcc-registry resolve --answers my-project/.copier-answers.yml",
    "mcc-registry resolve --framework sklearn --model-server flask",
)

PLAN_KEYS = (
    "request", "framework", "model", "instance_type", "inference_ami_version", "base_image", "price_usd_hour",
    "price_basis", "settings", "env_vars", "sources", "findings",
)  # fmt: skip

BILLING = "SageMaker bills about 1.25 to 1.40 x"
"""Said wherever a price is shown. Source: design.md section 3."""


def add_arguments(parser: Parser) -> None:
    """A flag for every answer."""
    add_answer_flags(parser)


def run(args: Namespace, console: Console) -> int:
    """Resolve and show the plan."""
    asked = read_asked(args)
    try:
        registry = load_for(asked)
    except FindingsError as error:
        if not console.wants_json:
            console.findings(asked.findings, to_err=True)
            raise
        empty: dict[str, Any] = dict.fromkeys(PLAN_KEYS)
        findings = [*asked.findings, *error.findings]
        console.json(
            {
                "ok": False,
                **empty,
                "request": hide_request(asked.request).to_json(),
                "findings": report.to_json(findings),
            }
        )
        return 1
    plan = make_plan(asked, registry)
    if console.wants_json:
        console.json(plan.to_json())
    else:
        show_plan(plan, console)
    return report.exit_status(plan.findings)


def show_plan(plan: Plan, console: Console) -> None:
    """The plan for people."""
    verdict = console.paint("ok", "good") if plan.ok else console.paint("refused", "error")
    console.text(f"plan: {verdict} ({report.count_words(plan.findings)})")
    if plan.framework is not None:
        console.heading("Decided")
        console.pairs(decided(plan), "  ")
    _show_settings(plan, console)
    if plan.env_vars:
        console.heading("container.env")
        for name, variable in plan.env_vars.items():
            console.text(f"  {name}={printable(variable.value, 1024)}")
    if plan.sources:
        console.heading("Configuration Sources")
        console.text("\n".join(report.wrap(" < ".join(plan.sources), console.width, "  ")))
    if len(plan.candidates) > 1:
        console.heading("Instance types looked at")
        rows = [(f"  {c.instance_type}", price(c.price_usd_hour), c.verdict, c.reason) for c in plan.candidates]
        console.table(("  type", "USD/h", "verdict", "why"), rows, right=(1,))
    if plan.findings:
        console.text()
        console.findings(plan.findings)


def priced(usd: float, basis: str) -> str:
    """A price with whose it is, and what SageMaker makes of it where it is EC2's."""
    return f"{money(usd)} ({basis}{f'; {BILLING}' if basis.startswith('EC2 ') else ''})"


def decided(plan: Plan) -> list[tuple[str, object]]:
    """What was decided, as names and values."""
    framework = plan.framework or {}
    model = plan.model or {}
    accelerator = framework.get("accelerator") or {}
    built = ""
    if accelerator:
        checker = checker_for(accelerator["type"])
        built = f"{checker.version_word or checker.word} {accelerator.get('version') or ''}".strip()
    level = framework.get("validation_level")
    rows: list[tuple[str, object]] = [
        ("framework", f"{framework.get('name')} {framework.get('version')} ({level}, {built})"),
        ("asked for", f"{framework.get('requested')} ({framework.get('match')})"),
    ]
    if model:
        matched = f"{model.get('match')} match {model.get('matched')}" if model.get("matched") else model.get("match")
        rows.append(("model", f"{model.get('id')} ({matched})"))
        rows.append(("model profile", model.get("profile")))
        rows.append(("chat template", model.get("chat_template_source")))
    rows.append(("image", plan.base_image))
    rows.append(("image source", framework.get("image_source")))
    rows.append(("instance type", plan.instance_type))
    if plan.price_usd_hour is not None:
        rows.append(("price", priced(plan.price_usd_hour, plan.price_basis or "")))
    else:
        rows.append(("price", money(None) if plan.instance_type else None))
    rows.append(("AMI", plan.inference_ami_version or "(the parameter is left out)"))
    rows.append(("memory", memory_words(plan.fit)))
    return rows


def memory_words(fit: dict[str, Any] | None) -> str:
    """The memory sum in one line, or what is known of it; "" where memory is not judged."""
    if not fit:
        return ""
    if fit.get("required_gib") is None:
        known = f"weights {gib(fit['weights_gib'])} of {gib(fit['available_gib'])} GiB, the cache is not known"
        return known if fit["weights_gib"] is not None else "unknown"
    weights, cache, overhead = (gib(fit[f"{name}_gib"]) for name in ("weights", "kv_cache", "overhead"))
    parts = f"weights {weights} + cache {cache} + overhead {overhead}"
    return f"{parts} = {gib(fit['required_gib'])} of {gib(fit['available_gib'])} GiB"


def _show_settings(plan: Plan, console: Console) -> None:
    if not plan.settings:
        return
    console.heading("Settings")
    rows = []
    for name, setting in plan.settings.items():
        beaten = ", ".join(f"{value_words(o.value)} ({o.source})" for o in setting.overrode)
        rows.append((f"  {name}", value_words(setting.value), setting.source, beaten or "-"))
    console.table(("  setting", "value", "source", "overrode"), rows)


def value_words(value: object) -> str:
    """A setting's value as it is written in YAML."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        import json

        return printable(json.dumps(value, default=str), 1024)
    return printable(value, 1024)
