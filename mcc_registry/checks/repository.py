"""Rules on what a model's repository holds: its chat template, code of its own, files no engine loads."""

from __future__ import annotations

from collections.abc import Iterable

from ..errors import Fact, Finding
from .base import Rule
from .candidate import Candidate

CHAT_TASKS = (None, "text-generation", "image-text-to-text", "any-to-any")
"""Tasks whose models answer conversations; embeddings, rankings and images need no chat template."""

HUB = "what the Hub says"
"""The place of a fact that was asked of the Hub."""


class ChatTemplateMissing(Rule[Candidate]):
    """A model whose repository has no chat template answers chat requests only with one of the project's.

    The registry's template is written into the project where the repository lacks one. Nothing is said where a
    tokenizer mode of the engine takes its place, or for models that do not chat.

    Source: facts/chat_formats.md section 0.
    """

    code, name, field = "MCC415", "chat-template-missing", "chat_template"
    severities = ("warning",)
    of_place = False

    def check(self, subject: Candidate) -> Iterable[Finding]:
        published, match = subject.published, subject.match
        if subject.model_name is None or published.template is not False or published.template_source != "none":
            return
        if published.contents is not None:  # there is no model to chat with: said by NoWholeModel
            return
        task = match.row.task if match is not None else None
        encoder = subject.shape is not None and subject.shape.attention_kind == "encoder_bidirectional"
        if task not in CHAT_TASKS or encoder or subject.value("tokenizer_mode") not in (None, "auto"):
            return
        said = "ships_template" if subject.chat and subject.chat.ships_template is False else "requires_template"
        place = (HUB, "hub.chat_template_source") if published.template_by_hub else (subject.model_file, said)
        left_out = subject.request.chat_template == "none"
        has_one = bool(subject.chat and subject.chat.format in subject.registry.chat_templates)
        way = "chat_template=auto brings it" if left_out and has_one else "chat_template=PATH of a Jinja template"
        yield self.finding(
            "warning",
            f"{subject.model_name} has no chat template of its own"
            + (", and chat_template=none leaves it without" if left_out else ": chat requests will fail"),
            hint=f"{way}, or send completions only",
            facts=(Fact("its repository has no chat template", *place),),
        )


class RemoteCode(Rule[Candidate]):
    """A model that brings code of its own needs ``trust_remote_code``, which is never set by itself.

    Said for models the registries do not know: those they know are listed because the engines have the code.
    """

    code, name, field = "MCC416", "remote-code", "env_vars"
    severities = ("warning",)
    of_place = False

    def check(self, subject: Candidate) -> Iterable[Finding]:
        if not subject.published.remote_code or subject.match is not None:
            return
        if subject.value("trust_remote_code") is True:
            return
        yield self.finding(
            "warning",
            f"{subject.model_name} brings code of its own; without trust_remote_code it may not load",
            hint="read that code, then env_vars: {trust_remote_code: true}",
            facts=(Fact("config.json has auto_map", HUB, "hub.remote_code"),),
        )


class NoWholeModel(Rule[Candidate]):
    """A repository of GGUF files or of a LoRA adapter only is no model an engine loads as it is."""

    code, name, field = "MCC417", "no-whole-model", "model_name"
    severities = ("warning",)
    of_place = False

    def check(self, subject: Candidate) -> Iterable[Finding]:
        words = {
            "gguf": ("holds GGUF files only", "model_name of a copy in safetensors"),
            "adapter": ("is an adapter, not a whole model", "model_name of its base model, and enable_lora"),
        }
        found = words.get(subject.published.contents or "")
        if found is not None:
            what, way = found
            yield self.finding(
                "warning",
                f"{subject.model_name} {what}: {subject.image_title} may not load it",
                hint=way,
                facts=(Fact(f"no weights but {subject.published.contents} files", HUB, "hub.contents"),),
            )


RULES: tuple[Rule[Candidate], ...] = (ChatTemplateMissing(), RemoteCode(), NoWholeModel())
