"""Raw answers to a request: every type, choice and form checked, all problems at once.

The same rules serve the command line, answers files and Copier's ``--data``. Values are never echoed where they
may be a secret.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from .answer_forms import FORMS, finding, secret_finding
from .env_text import MAX_DEPTH
from .errors import Finding, listing, nearest, printable
from .models.request import ANSWER_NAMES, DEFAULTS, Request
from .secrecy import HIDDEN, holds_secret, looks_secret

MAX_TEXT = 1024
"""Longest accepted text answer, in characters."""

MAX_ENV_VARS = 1000
"""Most entries of ``env_vars`` that are looked at; SageMaker takes 100 (facts/sagemaker.md, CreateModel)."""

MAX_UNKNOWN = 20
"""Unknown answers told one by one; the rest is a number."""

MAX_VALUES = 20_000
"""Most values inside one answer, those of a YAML alias counted as often as it stands there; 64 KiB of text hold fewer."""


class TooLarge:
    """Stands for an answer of more than :data:`MAX_VALUES` values, or one that holds itself; never written out."""

    def __repr__(self) -> str:
        return "too large"


TOO_LARGE = TooLarge()


def lightened(value: Any) -> Any:
    """The value, or :data:`TOO_LARGE` where walking over it would not end (the "billion laughs" of YAML aliases)."""
    if not isinstance(value, (Mapping, list, tuple)):
        return value
    todo, seen = [value], 0
    while todo:
        one = todo.pop()
        seen += len(one)
        if seen > MAX_VALUES:
            return TOO_LARGE
        inside = one.values() if isinstance(one, Mapping) else one
        todo += [part for part in inside if isinstance(part, (Mapping, list, tuple))]
    return value


TRUE_WORDS = ("true", "yes", "1")
FALSE_WORDS = ("false", "no", "0")

CHOICES: dict[str, tuple[str, ...]] = {
    "deployment_target": ("realtime", "async", "batch"),
    "image_source": ("recommended", "aws", "upstream"),
}
"""Answers whose choices do not depend on the registries."""

BOOLEANS = ("include_sample", "offline", "validate_env_vars", "validate_with_docker")


def parse_boolean(value: object) -> bool | None:
    """True/false/yes/no/1/0 in any letter case, nothing else; None when the value is none of them.

    Example:
        >>> parse_boolean("No"), parse_boolean("maybe")
        (False, None)
    """
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text in TRUE_WORDS:
        return True
    if text in FALSE_WORDS:
        return False
    return None


def _text_findings(field: str, value: str) -> list[Finding]:
    if holds_secret(value):
        return [
            finding(
                "MCC010",
                "secret-in-answer",
                field,
                f"{field} looks like it contains a secret (not shown here)",
                "put the token into Secrets Manager and give hf_token_secret_arn, or set HF_TOKEN when you run",
            )
        ]
    if len(value) > MAX_TEXT:
        return [
            finding(
                "MCC008", "answer-too-long", field, f"{field} has {len(value)} characters", f"use at most {MAX_TEXT}"
            )
        ]
    if any(not c.isprintable() for c in value):
        return [
            finding(
                "MCC009",
                "control-character",
                field,
                f"{field}: {printable(value)} contains a line break or another invisible character",
                "write it on one line, without control characters",
            )
        ]
    if value in ("", DEFAULTS[field]) or field not in FORMS:
        return []
    return FORMS[field](field, value)


def _safely(value: object) -> str:
    """A value for a message; one that looks like a secret is not repeated."""
    return HIDDEN if holds_secret(str(value)) else printable(value)


def _as_text(field: str, value: object) -> tuple[str | None, list[Finding]]:
    if isinstance(value, str):
        return value.strip() if field != "env_vars" else value, []
    if isinstance(value, (bool, int, float)):
        hint = f'quote it: {field}: "{value}"'
        return None, [
            finding("MCC005", "wrong-type", field, f"{field} is {type_word(value)} {value}, not text", hint)
        ]
    return None, [
        finding("MCC005", "wrong-type", field, f"{field} is {type_word(value)}, not text", "write one text value")
    ]


def type_word(value: object) -> str:
    """What a YAML value is, in words."""
    words: list[tuple[type | tuple[type, ...], str]] = [
        (bool, "the yes/no value"),
        ((int, float), "the number"),
        (str, "the text"),
        (Mapping, "a mapping"),
        ((list, tuple), "a list"),
    ]
    if value is None:
        return "empty"
    return next((word for kind, word in words if isinstance(value, kind)), f"a {type(value).__name__}")


def parse_env_vars(value: object) -> tuple[dict[str, Any], list[Finding]]:
    """The ``env_vars`` answer as a mapping; text is read as YAML.

    Accepted: a mapping, YAML or JSON text of one, or nothing. The values are checked later, against the release.
    """
    field = "env_vars"
    if value in (None, "", {}):
        return {}, []
    if isinstance(value, str):
        if len(value) > 64 * 1024:
            return {}, [
                finding(
                    "MCC008", "answer-too-long", field, f"{field} has {len(value)} characters", "use at most 65536"
                )
            ]
        from .loading.yaml_text import parse_yaml

        parsed_text = parse_yaml(value, field)
        if parsed_text.faults:
            fault = parsed_text.faults[0]
            line = fault.source.rpartition(":")[2]
            return {}, [
                finding(
                    "MCC003",
                    "broken-yaml",
                    field,
                    f"{field} is not valid YAML (line {line}): {printable(fault.message, 80)}",
                    fault.hint or "write a mapping on one line: {max_model_len: 8192}",
                )
            ]
        value = parsed_text.data
        if value is None:
            return {}, []
        if isinstance(value, Mapping):
            places = parsed_text.pos.children or {}
            value = {name: _as_written(item, places.get(name)) for name, item in value.items()}
    if not isinstance(value, Mapping):
        return {}, [
            finding(
                "MCC005",
                "wrong-type",
                field,
                f"{field} is {type_word(value)}, not a mapping of names to values",
                "write {max_model_len: 8192}",
            )
        ]
    if len(value) > MAX_ENV_VARS:
        message, hint = f"{field} has {len(value)} entries", "SageMaker takes at most 100"
        return {}, [finding("MCC008", "answer-too-long", field, message, hint)]
    findings = []
    parsed: dict[str, Any] = {}
    for name, item in value.items():
        if holds_secret(str(name)):
            findings.append(secret_finding(str(name)))
            continue
        if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,127}", name, re.ASCII):
            findings.append(
                finding(
                    "MCC007",
                    "answer-form",
                    field,
                    f"{field}: {printable(name)} is not a variable or setting name",
                    "use letters, digits and underscores, not starting with a digit",
                )
            )
            continue
        unusable = _unusable(item)
        if unusable:
            findings.append(
                finding(
                    "MCC005",
                    "wrong-type",
                    field,
                    f"{field}: the value of {printable(name)} is {unusable}",
                    f'quote it as text: {printable(name)}: "..."',
                )
            )
            continue
        if looks_secret(name, item):
            findings.append(secret_finding(name))
            item = HIDDEN  # refused; nothing that comes after may repeat it
        parsed[name] = item
    return parsed, findings


def _as_written(item: Any, place: Any) -> Any:
    """A number as its text where Python would write it otherwise (``1.10`` may be a version)."""
    text = place.text if place is not None else ""
    is_number = isinstance(item, (int, float)) and not isinstance(item, bool)
    return text if is_number and text and repr(item) != text else item


def _unusable(item: object, depth: int = 0) -> str | None:
    """Why a YAML value cannot be a setting's value, in words; None when it can."""
    if isinstance(item, (str, bool)) or item is None:
        return None
    if isinstance(item, int):
        return None if item.bit_length() <= 64 else "a number that is too large"
    if isinstance(item, float):
        return None if math.isfinite(item) else "not a finite number"
    if isinstance(item, (Mapping, list, tuple)):
        if depth > MAX_DEPTH:
            return "nested too deeply"
        if isinstance(item, Mapping):
            if not all(isinstance(key, str) for key in item):
                return "a mapping whose keys are not all text"
            item = list(item.values())
        return next((why for part in item if (why := _unusable(part, depth + 1))), None)
    return f"a {type(item).__name__}, not text, a number, a list or a mapping"


def unknown_answers(names: Iterable[str], *, also_known: Iterable[str] = ()) -> list[Finding]:
    """Findings for names that are no answers; keys that start with ``_`` belong to Copier and pass."""
    known = {*ANSWER_NAMES, *also_known}
    findings = []
    strange = [n for n in names if isinstance(n, str) and n not in known and not n.startswith("_")]
    for name in strange[:MAX_UNKNOWN]:  # the search for the nearest name takes time
        near = nearest(name, ANSWER_NAMES)
        findings.append(
            finding(
                "MCC001",
                "unknown-answer",
                _safely(name),
                f"{_safely(name)} is not a question of this template",
                f"did you mean {near}?" if near else f"the questions are: {listing(sorted(ANSWER_NAMES), 30)}",
            )
        )
    if len(strange) > MAX_UNKNOWN:
        message = f"{len(strange) - MAX_UNKNOWN} more names are not questions of this template"
        findings.append(finding("MCC001", "unknown-answer", "answers", message, "correct those above first"))
    return findings


NOT_ANSWERED: Any = object()
"""What :func:`parse_answer` gives where the default applies: nothing was answered, or it could not be read."""


def parse_answer(field: str, value: object) -> tuple[Any, list[Finding]]:
    """One answer's value by its type, form and choices, and every problem with it.

    Returns:
        The value, or ``NOT_ANSWERED``, and the findings.
    """
    if value is TOO_LARGE:
        message = (
            f"{field} holds more than {MAX_VALUES} values, or itself (aliases count as often as they stand there)"
        )
        return ({} if field == "env_vars" else NOT_ANSWERED), [
            finding("MCC008", "answer-too-long", field, message, "write the values out, without aliases")
        ]
    if field == "env_vars":
        return parse_env_vars(value)
    if value is None:
        return NOT_ANSWERED, []
    if field in BOOLEANS:
        parsed = parse_boolean(value) if not isinstance(value, (Mapping, list, float)) else None
        if parsed is None:
            message, hint = f"{field}: {_safely(value)} is neither yes nor no", "use true, false, yes, no, 1 or 0"
            return NOT_ANSWERED, [finding("MCC002", "not-a-boolean", field, message, hint)]
        return parsed, []
    text, problems = _as_text(field, value)
    if text is not None:
        problems += _text_findings(field, text)
    if text is None or problems:
        return NOT_ANSWERED, problems
    choices = CHOICES.get(field)
    if choices and text not in choices:
        near = nearest(text, choices)
        message = f"{field}: {printable(text)} is not one of {listing(choices)}"
        hint = f"did you mean {near}?" if near else f"use {listing(choices)}"
        return NOT_ANSWERED, [finding("MCC004", "not-a-choice", field, message, hint)]
    if text:
        return text, []
    return None if field in OPTIONAL_TEXT else text if field in NULLABLE_EMPTY else DEFAULTS[field], []


def parse_answers(
    raw: Mapping[str, Any], *, explicit: Iterable[str] = (), also_known: Iterable[str] = ()
) -> tuple[Request, list[Finding]]:
    """A request from raw answers, and every problem of their names, types and forms.

    Args:
        raw: answers by name, as text or as YAML values; Copier's ``_`` keys are ignored.
        explicit: names that count as the user's own although they equal the default (command-line flags).
        also_known: further names that are not "unknown" (questions of older template versions).

    Returns:
        The request, with defaults in place of answers that could not be read, and the findings. Whether a choice
        exists or applies is judged by the rules, which know the registries.
    """
    raw = {name: lightened(value) for name, value in raw.items()}
    findings = unknown_answers(raw, also_known=also_known)
    told = [f.field for f in findings]
    unknown = [n for n in raw if isinstance(n, str) and n not in ANSWER_NAMES][: 2 * MAX_UNKNOWN] if told else []
    findings += [secret_finding(n, _safely(n)) for n in unknown if _safely(n) in told and looks_secret(n, raw[n])]
    values: dict[str, Any] = {}
    for field in ANSWER_NAMES:
        if field not in raw:
            continue
        value, problems = parse_answer(field, raw[field])
        findings += problems
        if value is not NOT_ANSWERED:
            values[field] = value
    given = frozenset(
        name
        for name, value in values.items()
        if name in explicit or (value != DEFAULTS[name] and value != effective_default(name, values))
    )
    return Request(**values, given=given), findings


NULLABLE_EMPTY = ("project_name", "role_arn", "s3_bucket", "hf_token_secret_arn", "registry_path")
"""Text answers for which the empty text is meaningful."""

OPTIONAL_TEXT = ("model_server", "model_name", "model_format")


def effective_default(name: str, values: Mapping[str, Any]) -> object:
    """The default of an answer that depends on others, as Copier saves it."""
    base = Request(framework=values.get("framework", DEFAULTS["framework"]))
    return {
        "model_server": base.effective_model_server,
        "model_name": base.effective_model_name,
        "model_format": base.effective_model_format,
        "include_sample": base.effective_include_sample,
    }.get(name, DEFAULTS[name])
