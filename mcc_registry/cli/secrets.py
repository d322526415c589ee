"""Secrets a user wrote into ``env_vars`` are refused, and no output repeats them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..models.request import Request
from ..secrecy import HIDDEN, looks_secret

if TYPE_CHECKING:
    from ..models.plan import Plan, Setting
    from ..settings import Table


def secret_names(request: Request, table: Table | None) -> set[str]:
    """The names in ``env_vars`` whose value looks like a secret or whose setting holds one."""
    found = set()
    for name, value in request.env_vars.items():
        parameter = table.name(name).parameter if table is not None else None
        if looks_secret(name, value) or (parameter and parameter.secret):
            found.add(name)
    return found


def hide_request(request: Request, table: Table | None = None) -> Request:
    """The request with every secret masked."""
    names = secret_names(request, table)
    if not names:
        return request
    return replace(request, env_vars={n: HIDDEN if n in names else v for n, v in request.env_vars.items()})


def hide_plan(plan: Plan, table: Table | None) -> Plan:
    """The plan with every secret masked: in its request, its settings and its variables."""
    names = secret_names(plan.request, table)
    if not names:
        return plan
    raw = {str(plan.request.env_vars[n]) for n in names if plan.request.env_vars[n] not in (None, "")}
    canonical = {table.name(n).canonical for n in names} if table is not None else set()

    def is_secret(name: str | None, value: Any) -> bool:
        return name in names or (name is not None and name in canonical) or any(r in str(value) for r in raw)

    def hide(name: str, setting: Setting) -> Setting:
        shown = HIDDEN if is_secret(name, setting.value) else setting.value
        beaten = tuple(replace(o, value=HIDDEN) if is_secret(name, o.value) else o for o in setting.overrode)
        return replace(setting, value=shown, overrode=beaten)

    return replace(
        plan,
        request=hide_request(plan.request, table),
        settings={n: hide(n, s) for n, s in plan.settings.items()},
        env_vars={
            n: replace(e, value=HIDDEN) if is_secret(n, e.value) or is_secret(e.setting, e.value) else e
            for n, e in plan.env_vars.items()
        },
    )
