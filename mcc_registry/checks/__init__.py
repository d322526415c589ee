"""Judging one candidate: one module per family of rules, one small class per rule, registered in ``all_rules``."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .base import Rule
    from .candidate import Candidate


@lru_cache(maxsize=1)
def candidate_rules() -> tuple[Rule[Candidate], ...]:
    """The rules on a whole candidate that are never silenced, in the order their findings are shown."""
    from . import environment, memory, model, precision, quantization, release, repository

    families = (release, model, precision, quantization, repository, memory, environment)
    return tuple(rule for family in families for rule in family.RULES)


@lru_cache(maxsize=1)
def user_setting_rules() -> tuple[Rule[Candidate], ...]:
    """The rules on the user's settings, which ``validate_env_vars: false`` silences."""
    from . import user_settings

    return user_settings.RULES


def all_rules() -> tuple[Rule[Any], ...]:
    """Every rule there is, by code: the one place a new rule must be named (through its module's ``RULES``)."""
    from . import compat, request

    rules: list[Rule[Any]] = [
        compat.InstanceTypeKnown(),
        *request.RULES,
        *compat.every_placement_rule(),
        *candidate_rules(),
        *user_setting_rules(),
    ]
    return tuple(sorted(rules, key=lambda r: r.code))
