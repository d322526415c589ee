"""``outdated``: is a project behind this version's registries, by what, and does it matter."""

from __future__ import annotations

import contextlib
import os
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import report
from ..answers import parse_answers
from ..errors import Finding, FindingsError, has_errors
from ..loading.files import expanded
from .asking import Asked, load_for, read_answers
from .console import Console
from .diff import WORDS, show_changes
from .files import read_text
from .parsing import Parser
from .sides import LOCK, read_lock, refusal

if TYPE_CHECKING:
    from ..models.plan import Plan
    from ..models.request import Request
    from ..registry import Registry

ANSWERS = ".copier-answers.yml"

EXAMPLES = (
    "mcc-registry outdated",
    "mcc-registry outdated --project my-project --exit-code",
    "mcc-registry outdated --project my-project --format json",
)

REFUSED: dict[str, Any] = dict.fromkeys(("behind", "changes", "missed", "matters", "action", "ways"))


def add_arguments(parser: Parser) -> None:
    """Which project."""
    parser.add_argument("--project", default=".", metavar="DIR", help="the project (default: this folder)")
    parser.add_argument("--exit-code", action="store_true", help="exit status 1 when the project is behind")


def run(args: Namespace, console: Console) -> int:
    """Resolve the project's answers again and compare with its lock."""
    if not args.project.strip() or "\0" in args.project:
        args.parser.error("argument --project: it is empty")
    project = expanded(args.project)
    for name in (ANSWERS, LOCK):
        if not (project / name).is_file():
            why = f"is no generated project: it has no {name}" if project.is_dir() else "does not exist"
            raise refusal(args.project, why, "name the folder of a generated project with --project DIR")
    lock = read_lock(project / LOCK)
    asked, outside = _asked(project, args)
    registry = load_for(asked)

    from ..lock import lock_data
    from ..lock.because import with_reasons
    from ..lock.behind import dropped_version, missed_lines, missed_releases, pinned_request, what_matters
    from ..lock.compare import action_of, compare_locks
    from ..lock.onward import UPDATE, command, ways_on

    def decide(request: Request) -> Plan:
        return _plan(asked, request, registry, outside)

    plan = decide(asked.request)
    now = decide(pinned_request(asked.request, lock))
    matters = what_matters(now.findings)
    refused = [*(f for f in plan.findings if f.severity == "error"), *dropped_version(lock, asked.request, plan)]
    ways = ways_on(asked.request, refused, registry, decide) if refused else []
    changes = [] if refused else compare_locks(lock, lock_data(plan, str(lock.get("project_name"))))
    changes = with_reasons(changes, asked.request, registry, decide)
    kind = _text_at(lock, "framework", "accelerator", "type")
    missed = missed_releases(asked.request, registry, kind)
    does_move = [c for c in changes if c.action != "nothing"]
    behind = bool(does_move or missed or matters or refused)
    action = action_of(changes)
    status = 1 if behind and args.exit_code else 0
    if console.wants_json:
        console.json(
            {
                "ok": not has_errors(refused),
                "behind": behind,
                "changes": [c.to_json() for c in changes],
                "missed": [m.to_json() for m in missed],
                "matters": report.to_json(matters),
                "action": action,
                "ways": [
                    {
                        "command": command(way.changes),
                        "framework_version": (way.plan.framework or {}).get("version"),
                        "instance_type": way.plan.instance_type,
                        "price_usd_hour": way.plan.price_usd_hour,
                    }
                    for way in ways
                ],
                "findings": report.to_json(refused),
            }
        )
        return status
    if not behind:
        console.text(f"up to date with registry {registry.version}")
    else:
        console.text(f"behind registry {registry.version}")
    if changes:
        console.heading("What an update would change")
        show_changes(changes, console)
        console.text(WORDS[action])
    for line in missed_lines(missed, asked.request.framework_version):
        console.text(line)
    if matters:
        console.heading("What matters about what you have")
        console.findings(matters)
    elif behind and not refused:
        console.text(
            "nothing of it is pressing: no known issue, deprecation or incompatibility concerns what you have"
        )
    if refused:
        console.heading("Why an update would be refused")
        console.findings(refused)
    if ways:
        console.heading("To go on, one of")
        for way in ways:
            console.text(f"{command(way.changes)}\n    gives {way.gives}")
    elif refused:
        console.text()
        console.text("to go on, give another value: " + " ".join([UPDATE, *_values(refused)]))
    elif does_move:
        console.text()
        console.text(f"to update: {UPDATE}")
    return status


def _values(refused: list[Finding]) -> list[str]:
    """The answers to give, as they are typed."""
    return [f"--data {name}=VALUE" for name in dict.fromkeys(f.field for f in refused if f.field)]


def _text_at(data: object, *keys: str) -> str | None:
    """The text at a path of keys; None where a lock edited by hand has something else."""
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    return data if isinstance(data, str) else None


def _asked(project: Path, args: Namespace) -> tuple[Asked, dict[str, Any]]:
    """The project's answers, and the facts from outside the template recorded with them."""
    raw, findings = read_answers(str(project / ANSWERS))
    if findings:
        raise FindingsError(findings)
    outside = raw.pop("outside_facts", None)
    layers = [str(project / part) for part in str(raw.get("registry_path") or "").split(os.pathsep) if part.strip()]
    request, problems = parse_answers(raw)
    return Asked(request, problems, [*layers, *args.registry_path], project), outside if isinstance(
        outside, dict
    ) else {}


def _plan(asked: Asked, request: Request, registry: Registry, outside: dict[str, Any]) -> Plan:
    """The plan with what the Hub and Docker said when the project was rendered; nobody is asked again."""
    from ..docker import image_facts_from_mapping
    from ..hub_facts import HubError, hub_facts_from_mapping
    from ..resolve import resolve

    hub = outside.get("hub")
    facts = None
    if isinstance(hub, dict):
        with contextlib.suppress(HubError):
            facts = hub_facts_from_mapping({k: v for k, v in hub.items() if k != "asked"})
    looked = outside.get("images") if request.validate_with_docker else None
    entries = [e.get("facts") for e in looked if isinstance(e, dict)] if isinstance(looked, list) else []
    docker = [facts_found for e in entries if (facts_found := image_facts_from_mapping(e)) is not None]
    findings, text = list(asked.findings), None
    if request.chat_template not in ("auto", "none"):
        text, problem = read_text(str(asked.folder / expanded(request.chat_template)), "chat_template")
        findings += [problem] if problem is not None else []
    return resolve(request, registry, hub=facts, docker=docker, chat_template_text=text, findings=findings)
