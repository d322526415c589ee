"""What a person reads: refusals, the summary after a copy, and the small facts from outside the template."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..mcc_registry.answer_forms import model_kind
from ..mcc_registry.errors import Finding, RegistryError, printable
from ..mcc_registry.loading.files import expanded
from ..mcc_registry.models.request import Request
from ..mcc_registry.secrecy import without_secrets
from .migrations import renamed_to

MAX_TEMPLATE_BYTES = 1024 * 1024
"""Largest chat template file that is read."""

__all__ = ["model_kind"]


def block(finding: Finding) -> str:
    """One finding as people read it: the line, the facts with their places, the hint."""
    from ..mcc_registry.report import to_block

    return to_block(finding)


def one_line(finding: Finding) -> str:
    """One finding in one line, for a validator: message, code and hint."""
    finding = finding.to_show()
    text = f"{finding.message} [{finding.code}]"
    return f"{text}; {finding.hint}" if finding.hint else text


def refusal(findings: Sequence[Finding], errors: Sequence[Finding]) -> str:
    """The report of a refused copy: every error, then what else is worth knowing about the same answers."""
    count = "1 problem" if len(errors) == 1 else f"{len(errors)} problems"
    return "\n\n".join([f"Nothing was written: {count} with the answers.", *refusal_blocks(findings, errors)])


def unreadable_answers(problems: Sequence[Finding]) -> str:
    """The report of recorded answers that cannot be read at all."""
    head = "Nothing was written: the project's recorded answers cannot be read."
    tail = "Correct them in .copier-answers.yml (git log -p shows how they were), commit that, and update again."
    return "\n\n".join([head, *map(block, problems), tail])


def refusal_blocks(findings: Sequence[Finding], errors: Sequence[Finding]) -> list[str]:
    """Every error as a block, then the warnings about the same answers."""
    fields = {e.field for e in errors}
    warnings = [f for f in findings if f.severity == "warning" and f.field in fields and f not in errors]
    return [block(f) for f in (*errors, *warnings)]


def renamed(unknown: Finding) -> Finding:
    """The finding on an unknown answer; one that was renamed is named by its new name."""
    row = renamed_to(unknown.field or "")
    if row is None:
        return unknown
    return replace(unknown, hint=f"since {row.since} it is called {row.new}")


def broken_registry(error: RegistryError, findings: Iterable[Finding]) -> str:
    """The report of a broken registry or layer: every fault with its place, and how to go on without the layer."""
    parts = [without_secrets(error.title) or "The registries cannot be used.", *(block(f) for f in error.findings)]
    parts += [block(f) for f in findings if f.severity == "error"]
    parts.append(
        "Nothing was written. To go on without a private layer, leave registry_path out and unset REGISTRY_PATH."
    )
    return "\n\n".join(parts)


def read_chat_template(request: Request, destination: Path) -> tuple[list[Finding], str | None]:
    """The text of the user's chat template, or why it cannot be read."""
    if request.chat_template in ("auto", "none", "") or not request.is_transformers:
        return [], None
    path = expanded(request.chat_template)
    path = path if path.is_absolute() else destination / path
    try:
        if not path.is_file():
            here = Path.cwd() / request.chat_template
            path = here if here.is_file() else path
        if path.exists() and not path.is_file():
            problem = "is no regular file"
        elif path.exists() and path.stat().st_size > MAX_TEMPLATE_BYTES:
            problem = f"has {path.stat().st_size} bytes; at most {MAX_TEMPLATE_BYTES} are read"
        else:
            text = path.read_bytes().decode("utf-8")
            from ..mcc_registry.chat import template_fault

            fault = template_fault(request.chat_template, text)
            return ([], text) if fault is None else ([fault], None)
    except UnicodeDecodeError:
        problem = "is not UTF-8 text"
    except (OSError, ValueError) as error:
        problem = getattr(error, "strerror", None) or "cannot be read"
    finding = Finding(
        "MCC018",
        "error",
        "chat_template",
        f"chat_template: {printable(request.chat_template)} {problem[:1].lower() + problem[1:]}",
        "use auto, none, or the path of a readable Jinja file",
        "",
        "chat-template-unreadable",
    )
    return [finding], None


def ask_hub(name: str, revision: str) -> dict[str, Any]:
    """The Hub's facts as a plain mapping that can be saved with the answers; never raises."""
    from ..mcc_registry.hub import fetch_hub_facts

    facts = fetch_hub_facts(name, None if revision == "auto" else revision)
    return {**facts.to_mapping(), "asked": revision}


def hub_value(hub: Mapping[str, Any] | None) -> Any:
    """The recorded Hub facts as the value ``resolve`` takes; None when there are none or they are unreadable."""
    if hub is None:
        return None
    from ..mcc_registry.hub_facts import HubError, hub_facts_from_mapping

    try:
        return hub_facts_from_mapping({k: v for k, v in hub.items() if k != "asked"})
    except HubError:
        return None


def hub_findings(request: Request, hub: Mapping[str, Any] | None) -> list[Finding]:
    """What there is to say about the Hub's answer."""
    if hub is None or hub.get("status") in ("found", "offline"):
        return []
    from ..mcc_registry.cli.asking import hub_finding

    return [hub_finding(str(hub.get("status")), str(hub.get("message", "")))]


def warning_lines(view: Mapping[str, Any]) -> list[str]:
    """Everything about a plan that is more than an info, one line each."""
    return _lines(f for f in view["findings"] if f["severity"] != "info")


def note_lines(view: Mapping[str, Any]) -> list[str]:
    """What was asked for and did not happen, and is no reason to warn: the Hub or a container engine that is not there."""
    return _lines(f for f in view["findings"] if f["severity"] == "info" and f["code"].startswith(FROM_OUTSIDE))


FROM_OUTSIDE = "MCC6"
"""How the codes begin of findings about the Hub and container images (docs/findings/outside.md)."""


def _lines(findings: Iterable[Mapping[str, Any]]) -> list[str]:
    return [f"{f['message']} [{f['code']}]" + (f"; {f['hint']}" if f["hint"] else "") for f in findings]


def summary(view: Mapping[str, Any], destination: str, layers: Sequence[str] = ()) -> str:
    """Registries loaded, what was decided, Configuration Sources, warnings, notes, the next three commands.

    Args:
        view: the project view.
        destination: the project's folder.
        layers: what there is to say about layers.
    """
    accelerator = view["accelerator"]
    built = f", {accelerator['type'].upper()} {accelerator['version']}" if accelerator["version"] else ""
    price = (
        f" at {view['price_usd_hour']} USD/h ({view['price_basis']}{'; SageMaker bills about 1.25 to 1.40 x' if view['price_basis'].startswith('EC2 ') else ''})"
        if view["price_usd_hour"] is not None
        else ""
    )
    lines = [
        f"Registries: {', '.join(view['registry']['layers'])} (version {view['registry']['version']})",
        "   - Framework Registry: loaded",
        "   - Model Registry: loaded",
        "   - Instance Accelerator Mapping: loaded",
        "",
        f"Project   {view['project_name']}",
        f"Server    {view['model_server']} {view['framework_version'] if view['framework'] == 'transformers' else ''}".rstrip(),
    ]
    if view["framework"] != "transformers":
        lines.append(f"Framework {view['framework']} {view['framework_version']}")
    if view["model"]:
        lines.append(f"Model     {view['model']['name']}")
    lines += [
        f"Image     {view['image']} ({view['validation_level']}{built})",
        f"Instance  {view['instance_type']}{price}",
        f"Host AMI  {view['inference_ami_version'] or 'left out (the default host)'}",
    ]
    fit = view["fit"]
    if fit and fit["required_gib"] is not None:
        lines.append(f"Memory    {fit['required_gib']:.1f} of {fit['available_gib']:.1f} GiB needed")
    lines += ["", "Configuration Sources:", *(f"   - {s}" for s in view["sources"])]
    notes = [*warning_lines(view), *layers]
    if notes:
        lines += ["", "Warnings:", *(f"   - {line}" for line in notes)]
    if told := note_lines(view):
        lines += ["", "Notes:", *(f"   - {line}" for line in told)]
    lines += [
        "",
        "Next:",
        f"   cd {printable(destination, 200)}",
        "   do/build && do/run && do/test",
        f"   do/push && do/deploy{'' if view['role_arn'] else ' --create-role'}",
    ]
    return "\n".join(lines)
