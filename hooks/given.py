"""Answers as they were given, before Copier makes of them what it can: what is no answer at all is told here.

Copier reads ``env_vars`` as YAML 1.1 (``010`` is 8, ``1:30`` is 90, ``yes`` is true) and ends with a traceback at values
that no question can have, before or after the gate has seen them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..mcc_registry.answers import parse_answer, parse_answers
from ..mcc_registry.errors import Finding
from ..mcc_registry.models.request import ANSWER_NAMES

STANDS_FOR = {"instance_type_name": "instance_type", "framework_version_text": "framework_version"}
"""Questions for a typed value, and the answers it becomes."""

YAML_ANSWERS = ("env_vars", "outside_facts")
"""Answers that may be empty: Copier reads them as YAML, and nothing is a YAML value."""

UNREADABLE = ("MCC002", "MCC003", "MCC004", "MCC005", "MCC008")
"""What keeps Copier from reading an answer at all: its type, its YAML, its size, or that it is none of fixed choices."""


def env_vars_text(data: Mapping[str, Any]) -> str | None:
    """The text of ``env_vars`` where it was given as text (``--data``); None otherwise."""
    text = data.get("env_vars")
    return text if isinstance(text, str) else None


def impossible(raw: Mapping[str, Any]) -> list[Finding]:
    """Answers of a type that no question can have: nothing where a text belongs, a list for a typed value."""
    findings = []
    for name, value in raw.items():
        if name not in (*ANSWER_NAMES, *STANDS_FOR) or name in YAML_ANSWERS:
            continue
        if value is None:
            message, hint = f"{name} is empty", "give it a value, or leave it out: its default applies then"
            findings.append(Finding("MCC005", "error", name, message, hint, "", "wrong-type"))
        elif name in STANDS_FOR:
            _, problems = parse_answer(STANDS_FOR[name], value)
            findings += [_of(problem, name) for problem in problems]
    return findings


def _of(problem: Finding, name: str) -> Finding:
    """A finding on an answer, told of the question it was typed at."""
    return replace(problem, field=name, message=problem.message.replace(problem.field or "", name, 1))


def unreadable(recorded: Mapping[str, Any]) -> list[Finding]:
    """Recorded answers that Copier cannot render the old version with; each names the answers file as its place."""
    _, findings = parse_answers({name: recorded[name] for name in ANSWER_NAMES if name in recorded})
    found = [*impossible(recorded), *(f for f in findings if f.severity == "error" and f.code in UNREADABLE)]
    return [replace(f, source=".copier-answers.yml") for f in found]
