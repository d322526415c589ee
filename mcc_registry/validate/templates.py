"""Chat templates of a registry: whether they can be parsed, and whether they hold what no file may hold."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from ..errors import Finding, printable
from ..loading.documents import Layer
from ..loading.faults import get_fault, place_of
from ..loading.files import TEMPLATE_FOLDER, read_text
from ..secrecy import holds_secret
from .form import SecretInRow

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufffe\uffff]")
"""Terminal escapes, odd line ends and characters that turn the reading direction; a template has lines and tabs."""


def template_faults(layer: Layer) -> list[Finding]:
    """What is wrong with the chat templates of one layer, sorted by file and line; Jinja is imported if it has some.

    A file that cannot be read, or is not UTF-8, is a fault of loading and told there.
    """
    found: list[Finding] = []
    for path in layer.templates.values():
        found += _faults(path, f"{layer.shown}/{TEMPLATE_FOLDER}/{path.name}")
    return sorted(found, key=place_of)


def _faults(path: Path, shown: str) -> Iterator[Finding]:
    from ..chat_sandbox import find_syntax_fault

    try:
        text = read_text(path)
    except (OSError, UnicodeDecodeError):
        return
    control = _CONTROL.search(text)
    if control:
        line = text.count("\n", 0, control.start()) + 1
        words = f"a control character, U+{ord(control[0]):04X}"
        hint = f'remove it, or write "\\u{ord(control[0]):04x}" inside an expression'
        yield get_fault("file-not-text", words, f"{shown}:{line}", hint=hint)
    if holds_secret(text):
        lines = text.split("\n")
        line = next((number for number, words in enumerate(lines, start=1) if holds_secret(words)), 1)
        message = f"{SecretInRow.name}: this looks like a secret (its value is not shown here)"
        hint = "take it out, and have whoever issued it revoke it; a template stands in every project"
        yield Finding(SecretInRow.code, "error", "registry_path", message, hint, f"{shown}:{line}", SecretInRow.name)
    syntax = find_syntax_fault(text)
    if syntax is not None:
        yield get_fault("template-syntax", printable(syntax[1], 80), f"{shown}:{syntax[0]}", hint="correct the line")
