"""``chat-template``: a chat template's text, or the text it makes of a conversation; exactly, no newline added."""

from __future__ import annotations

import sys
from argparse import Namespace
from typing import TYPE_CHECKING, Any

from .. import report
from ..errors import Finding, printable
from .asking import hub_facts
from .console import Console
from .files import read_bytes
from .lookup import unknown_name
from .parsing import Parser, flag
from .registries import load_registry

if TYPE_CHECKING:
    from ..chat import ChatFormat
    from ..registry import Registry

EXAMPLES = (
    "mcc-registry chat-template --chat-format llama-3",
    "mcc-registry chat-template meta-llama/Llama-2-7b-chat-hf --render talk.json",
    'echo \'{"messages": [{"role": "user", "content": "Hi"}]}\' |',
    "    mcc-registry chat-template --chat-format chatml --render -",
)

POSITIONALS = 1

REFUSED: dict[str, Any] = {"text": None, "chat_format": None}


def add_arguments(parser: Parser) -> None:
    """A model or a format, and a conversation."""
    parser.add_argument("model", nargs="?", metavar="MODEL", help="a Hub id; its template, as far as it is known")
    parser.add_argument("--chat-format", metavar="NAME", help="a format: llama-2, llama-3, chatml, gemma ...")
    parser.add_argument("--render", metavar="FILE", help="a conversation as JSON; - is stdin")


def run(args: Namespace, console: Console) -> int:
    """Print the template or the rendered text."""
    if (args.model is None) == (args.chat_format is None):
        args.parser.error("name a MODEL or a --chat-format, one of the two")
    registry = load_registry(args.registry_path)
    text, name, findings = find_text(args, registry)
    if text is not None and args.render is not None:
        text = render(args.render, text, name, registry, findings)
    if console.wants_json:
        console.json({"text": text, "chat_format": name, "findings": report.to_json(findings)})
        return report.exit_status(findings)
    console.findings(findings, to_err=True)
    if text is not None:
        write_exactly(text)
    return report.exit_status(findings)


def write_exactly(text: str) -> None:
    """The text's bytes on stdout, whatever the terminal's encoding."""
    sys.stdout.flush()
    buffer = getattr(sys.stdout, "buffer", None)
    if buffer is None:
        sys.stdout.write(text)
    else:
        buffer.write(text.encode("utf-8", "backslashreplace"))
        buffer.flush()


def find_text(args: Namespace, registry: Registry) -> tuple[str | None, str | None, list[Finding]]:
    """The template's text, the name of its format when it is one of ours, and what is wrong."""
    if args.chat_format is not None:
        if args.chat_format in registry.chat_templates:
            return registry.chat_templates[args.chat_format], args.chat_format, []
        known = registry.chat_templates
        return None, None, [unknown_name("chat_format", args.chat_format, known, "registries/chat_templates")]
    match = registry.find_model(args.model)
    chat = match.chat if match is not None else None
    findings: list[Finding] = []
    if chat is not None and chat.format is not None and chat.format in registry.chat_templates:
        return registry.chat_templates[chat.format], chat.format, findings
    text = _from_hub(args, findings)
    if text is not None:
        return text, None, findings
    shown = printable(args.model)
    if match is None:
        message = f"no chat template is known for {shown}: it is not in the registries"
    else:
        message = f"no chat template is known for {shown}; its family is {match.family_id}"
        if chat is not None and chat.ships_template:
            message = f"{shown} brings its own chat template; the registries hold no copy of it"
    hint = "name one with --chat-format" + ("" if not _offline(args) else ", or go on without --offline")
    file = match.file if match is not None else "registries/models"
    findings.append(Finding("MCC704", "error", "model_name", message, hint, file, "no-chat-template"))
    return None, None, findings


def _offline(args: Namespace) -> bool:
    return flag(args.parser, args.offline, "offline")


def _from_hub(args: Namespace, findings: list[Finding]) -> str | None:
    from ..models.request import Request

    facts, told = hub_facts(Request(model_name=args.model, offline=_offline(args)))
    findings += told
    return facts.chat_template if facts is not None else None


def render(file: str, template: str, name: str | None, registry: Registry, findings: list[Finding]) -> str | None:
    """The text a template makes of the conversation in a file; None with a finding when it refuses."""
    from ..chat import ChatError, parse_conversation, render_format

    data, problem = read_bytes(file, "render")
    if problem is not None:
        findings.append(problem)
        return None
    try:
        conversation = parse_conversation(data)
        return render_format(_format(name), template, conversation, trusted=_is_shipped(name, registry))
    except ChatError as error:
        for words in error.problems:
            findings.append(Finding("MCC705", "error", "render", words, "", "", "conversation-refused"))
        return None


def _format(name: str | None) -> ChatFormat:
    """The shipped format of that name; one without tokens of its own for a layer's or a model's template."""
    from ..chat import CHAT_FORMATS, ChatFormat

    return CHAT_FORMATS.get(name or "") or ChatFormat(name or "", "", "", "", "", False, "a template of its own")


def _is_shipped(name: str | None, registry: Registry) -> bool:
    """Whether the template is one this project ships: no layer is loaded that could have replaced it."""
    from ..chat import CHAT_FORMATS

    return name in CHAT_FORMATS and len(registry.layers) == 1
