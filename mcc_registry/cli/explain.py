"""``explain``: one setting of a plan with its value, its source and what it overrode."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .. import report
from ..errors import Finding, listing, nearest, printable
from ..models.request import ANSWER_NAMES
from .asking import add_answer_flags, load_for, make_plan, plan_table, read_asked
from .console import Console
from .parsing import Parser
from .resolve import value_words

if TYPE_CHECKING:
    from ..models.plan import Plan
    from ..registry import Registry
    from ..settings import Table

EXAMPLES = (
    "mcc-registry explain max_model_len --model-name Qwen/Qwen3-4B --offline",
    "mcc-registry explain SM_VLLM_GPU_MEMORY_UTILIZATION --offline",
    "mcc-registry explain instance_type --model-name Qwen/Qwen3-4B --offline",
)

POSITIONALS = 1

REFUSED: dict[str, Any] = dict.fromkeys(
    ("setting", "value", "source", "overrode", "file", "key", "env_var", "reason")
)

PLAN_FIELDS = ("instance_type", "inference_ami_version", "framework_version", "base_image")


@dataclass(slots=True)
class Explanation:
    """One setting explained; the fields are the keys of the JSON."""

    setting: str
    value: Any = None
    source: str | None = None
    overrode: list[dict[str, Any]] = field(default_factory=list)
    file: str | None = None
    key: str | None = None
    env_var: str | None = None
    reason: str | None = None
    findings: list[Finding] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """All keys, always."""
        names = ("setting", "value", "source", "overrode", "file", "key", "env_var", "reason")
        return {**{n: getattr(self, n) for n in names}, "findings": report.to_json(self.findings)}


def add_arguments(parser: Parser) -> None:
    """The setting, and a flag for every answer."""
    parser.add_argument("setting", metavar="SETTING", help="a setting in any spelling, or an answer's name")
    add_answer_flags(parser)


def run(args: Namespace, console: Console) -> int:
    """Explain one setting."""
    asked = read_asked(args)
    registry = load_for(asked)
    plan = make_plan(asked, registry)
    explanation = explain(args.setting, plan, registry)
    if console.wants_json:
        console.json(explanation.to_json())
    else:
        show(explanation, console)
    return report.exit_status(explanation.findings)


def explain(name: str, plan: Plan, registry: Registry) -> Explanation:
    """The explanation of a setting, an answer or a variable in any spelling.

    Its findings are those about it and every error of the plan; a name nobody knows is one more error.
    """
    plain = name.strip().lstrip("-").replace("-", "_")
    table = plan_table(plan, registry)
    if plain in ("image", "base_image"):
        found = _base_image(plan)
    elif plain in PLAN_FIELDS:
        found = _plan_field(plain, plan)
    elif table is not None and (canonical := _canonical(table, name.strip(), plain)) is not None:
        found = _setting(canonical, plan, table)
    elif name in plan.env_vars:
        variable = plan.env_vars[name]
        found = Explanation(name, variable.value, variable.source, env_var=name, key=_answer_key(plan, name))
        found.reason = variable.reason or "a variable of its own, no setting of the engine"
        if name not in plan.request.env_vars:
            found.reason = "the variable that names the model for the engine"
    elif plain in ANSWER_NAMES:
        found = _answer(plain, plan)
    else:
        found = Explanation(printable(name))
        found.findings.append(_unknown(name, plan, table))
    about = {found.setting, plain, found.key or ""}
    about |= {"env_vars"} if found.env_var and found.source == "User_Input" else set()
    found.findings += [f for f in plan.findings if f.severity == "error" or f.field in about]
    return found


def _canonical(table: Table, name: str, plain: str) -> str | None:
    return next((c for n in (name, plain, plain.lower()) if (c := table.name(n).canonical)), None)


def _setting(canonical: str, plan: Plan, table: Table) -> Explanation:
    hit = table.find(canonical)
    env_var = next((n for n, e in plan.env_vars.items() if e.setting == canonical), None)
    found = Explanation(canonical, env_var=env_var or (hit[0].env if hit else None))
    setting = plan.settings.get(canonical)
    if setting is None:
        found.reason = _why_unset(canonical, plan, table)
        return found
    found.value, found.source = setting.value, setting.source
    found.overrode = [{"value": o.value, "source": o.source} for o in setting.overrode]
    found.file, found.key, found.reason = setting.file or None, setting.key or None, setting.reason or None
    return found


def _why_unset(canonical: str, plan: Plan, table: Table) -> str:
    from ..settings import default_at, exists_in

    hit = table.find(canonical)
    if plan.release is None or hit is None:
        return "nothing was decided: the plan was refused before"
    version = plan.release.version
    parameter = hit[0]
    if not exists_in(parameter, version):
        return f"{plan.release.framework.id} {version} does not have it"
    default = default_at(parameter, version)
    if default is None:
        return "no source sets it; the engine decides by itself"
    return f"no source sets it; the engine's default in {version} is {value_words(default)}"


def _answer_key(plan: Plan, name: str) -> str | None:
    return f"env_vars.{name}" if name in plan.request.env_vars else None


def _chosen(plan: Plan, answer: str, value: Any, default_source: str) -> Explanation:
    """A decision that an answer names or leaves to us."""
    asked = getattr(plan.request, answer)
    is_ours = asked in ("auto", "recommended", "latest", "default") or asked != value
    source = default_source if is_ours else "User_Input"
    found = Explanation(answer, value, source, key=None if is_ours else answer)
    found.reason = f"{answer}={printable(asked)} leaves it to us" if is_ours else "the answer names it"
    return found


def _plan_field(name: str, plan: Plan) -> Explanation:
    if name == "instance_type":
        found = _chosen(plan, name, plan.instance_type, "Generator_Default")
        if plan.instance is not None:
            found.file, found.key = plan.instance.file, f"types[{plan.instance.type}]"
        chosen = next((c for c in plan.candidates if c.instance_type == plan.instance_type), None)
        if chosen is not None:
            found.reason = f"the cheapest type without an error or a warning: {chosen.reason}"
            if chosen.verdict == "error":
                found.reason = f"no type passes; this comes closest: {chosen.reason}"
            elif chosen.verdict != "ok":
                found.reason = f"no type is free of warnings; this has the fewest: {chosen.reason}"
        return found
    if name == "inference_ami_version":
        found = _chosen(plan, name, plan.inference_ami_version, "Generator_Default")
        told = next((f for f in plan.findings if f.name == "ami-chosen"), None)
        if plan.request.inference_ami_version == "default":
            found.source, found.key, found.reason = "User_Input", name, "default leaves the parameter out"
        elif told is not None:
            found.reason = told.message
            found.file, found.key = told.facts[0].file, told.facts[0].key
        elif plan.inference_ami_version is None and plan.instance is not None:
            found.reason = f"the parameter is left out: {plan.instance.type} needs none for this image"
        return found
    framework = plan.framework or {}
    found = _chosen(plan, name, framework.get("version"), "Framework_Registry")
    if plan.release is not None:
        found.file, found.key = plan.release.file, f"releases[{plan.release.version}]"
    level = framework.get("validation_level")
    if level and framework.get("match") == "specifier":
        found.reason = f"{printable(framework['requested'])}: the first release that passes, level {level}"
    return found


def _base_image(plan: Plan) -> Explanation:
    found = Explanation("base_image", plan.base_image, "Framework_Registry" if plan.base_image else None)
    if plan.release is not None and plan.build is not None:
        found.file = plan.release.file
        found.key = f"releases[{plan.release.version}].builds[{plan.build.source} {plan.build.tag or 'tag unknown'}]"
        found.reason = f"image source {plan.build.source}, region {plan.request.region}"
    return found


def _answer(name: str, plan: Plan) -> Explanation:
    value = plan.request.to_json()[name]
    given = plan.request.is_given(name)
    found = Explanation(name, value, "User_Input" if given else "Generator_Default", key=name)
    found.reason = "an answer" if given else "the default of the question"
    return found


def _unknown(name: str, plan: Plan, table: Table | None) -> Finding:
    known = [*PLAN_FIELDS, *ANSWER_NAMES, *plan.settings, *(table.canonical_names() if table else ())]
    near = nearest(name, known) or (table.nearest_name(name) if table else None)
    shown = sorted(plan.settings) or list(PLAN_FIELDS)
    return Finding(
        "MCC703",
        "error",
        "setting",
        f"{printable(name)} is neither a setting of {plan.request.framework_id} nor an answer",
        f"did you mean {near}?" if near else f"this plan sets {listing(shown)}",
        "",
        "explain-unknown",
    )


def show(found: Explanation, console: Console) -> None:
    """The explanation for people."""
    value = value_words(found.value) if found.value is not None else "(not set)"
    console.text(f"{console.paint(found.setting, 'bold')} = {value}")
    beaten = ", ".join(f"{value_words(o['value'])} ({o['source']})" for o in found.overrode)
    place = f"{found.file}  {found.key or ''}".strip() if found.file else found.key
    rows = [("source", found.source), ("overrode", beaten), ("variable", found.env_var), ("from", place)]
    console.pairs([*rows, ("why", found.reason)], "  ")
    if found.findings:
        console.text()
        console.findings(found.findings)
