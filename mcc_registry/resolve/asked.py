"""A request as Python code wrote it: read by the same rules as answers files and flags, before anything looks at it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..answers import BOOLEANS, NOT_ANSWERED, parse_answer
from ..errors import Finding
from ..models.request import DEFAULTS, Request


def read_request(request: Request) -> tuple[Request, list[Finding]]:
    """The request with every field of its type, and what is wrong with it (``MCC001`` to ``MCC010``).

    A field that cannot be read gets its default, as a refused answer does; text is read as an answers file would be
    (``"false"`` is false, ``None`` is "not answered"). A request that came through ``parse_answers`` is returned as
    it is, and only fields that differ from their default cost anything.
    """
    changed: dict[str, Any] = {}
    findings: list[Finding] = []
    for name, default in DEFAULTS.items():
        value = getattr(request, name)
        if value is default or (type(value) is bool and name in BOOLEANS):
            continue
        if type(value) is type(default) and value == default:
            continue
        known, problems = parse_answer(name, value)
        findings += problems
        if known is NOT_ANSWERED:
            known = default
        if type(known) is not type(value) or known != value:
            changed[name] = known
    if not changed:
        return request, findings
    return replace(request, **changed), findings
