"""Engine settings: what a name means, what a value must be, and how it is written for one release.

Users and registries speak of settings by their canonical name (``max_model_len``). Users may also write the engine's
variable (``SM_VLLM_MAX_MODEL_LEN``), its off-twin (``SM_VLLM_NO_ENABLE_PREFIX_CACHING``) or the reference document's
spelling (``VLLM_MAX_MODEL_LEN``, ``MAX_MODEL_LEN``). What an image reads is written by :func:`write_setting`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .env_text import MAX_DEPTH, text_of
from .errors import nearest
from .versions import at_least, history_at

if TYPE_CHECKING:
    from .models.framework import Parameter
    from .registry import FrameworkEntry, Registry

SUFFIXES = {"k": 1000, "K": 1024, "m": 1000**2, "M": 1024**2, "g": 1000**3, "G": 1024**3}
"""Human-readable integers as vLLM reads them: a lower-case letter is decimal, an upper-case one binary.

Source: facts/engines.yaml, vllm.parameters max_model_len ("accepts 8k style suffixes").
"""

LARGEST = 2**63 - 1
"""Largest number an engine's setting can hold; arithmetic with larger ones could fail."""


@dataclass(frozen=True, slots=True)
class SettingName:
    """What a name in ``env_vars`` means.

    Attributes:
        written: the name as written.
        canonical: the canonical name, or None when it is no known setting.
        parameter: its row of the parameter table.
        negated: the name is the off-twin of a boolean.
        kind: ``setting``; ``unknown`` (claims to be a setting, but none is called so); ``variable`` (anything else).
    """

    written: str
    canonical: str | None
    parameter: Parameter | None
    negated: bool
    kind: str


@dataclass(frozen=True, slots=True)
class ValueProblem:
    """Why a value is refused: kind ``type``, ``range`` or ``choice``, and the words for the message and the hint."""

    kind: str
    message: str
    hint: str


class Table:
    """The parameter table of one framework for one kind of build, indexed by every accepted spelling."""

    __slots__ = (
        "_by_name",
        "_passed_on",
        "env_prefix",
        "false_text",
        "model_env",
        "parameters",
        "revision_env",
        "seed_prefix",
        "true_text",
    )

    def __init__(
        self,
        parameters: Iterable[Parameter],
        *,
        env_prefix: str | None,
        seed_prefix: str | None,
        true_text: Mapping[str, str],
        false_text: Mapping[str, str | None],
        model_env: str | None,
        revision_env: str | None,
        passed_on: Iterable[str] = (),
    ) -> None:
        self.parameters = tuple(parameters)
        self.env_prefix = env_prefix
        self._passed_on = frozenset(passed_on)
        self.seed_prefix = seed_prefix
        self.true_text = tuple(true_text.items())
        self.false_text = tuple(false_text.items())
        self.model_env = model_env
        self.revision_env = revision_env
        by_name: dict[str, tuple[Parameter, bool]] = {}
        for parameter in self.parameters:
            canonical = parameter.canonical or parameter.name
            for name in (canonical, parameter.name, parameter.env, *parameter.aliases):
                if name:
                    by_name.setdefault(name, (parameter, False))
            if parameter.env is None and env_prefix:
                by_name.setdefault(f"{env_prefix}{parameter.name.upper()}", (parameter, False))
            if env_prefix and canonical.lower() in self._passed_on:
                # the engine's own name under the prefix: it would reach the engine beside the framework's name
                by_name.setdefault(f"{env_prefix}{canonical.upper()}", (parameter, False))
            by_name.setdefault(canonical.upper(), (parameter, False))
            if seed_prefix:
                by_name.setdefault(f"{seed_prefix}{canonical.upper()}", (parameter, False))
            negative = negative_env(parameter, env_prefix)
            if negative:
                by_name.setdefault(negative, (parameter, True))
        self._by_name = by_name

    def find(self, name: str) -> tuple[Parameter, bool] | None:
        """The parameter a spelling means, and whether the spelling switches it off; None when there is none."""
        return self._by_name.get(name)

    def names_model(self, parameter: Parameter) -> bool:
        """Whether a parameter is the model's name, which the question ``model_name`` sets."""
        return self.model_env is not None and self.model_env in (parameter.env, *parameter.aliases)

    def canonical_names(self) -> list[str]:
        """All canonical names."""
        return [p.canonical or p.name for p in self.parameters]

    def name(self, written: str) -> SettingName:
        """What a name means."""
        hit = self.find(written)
        if hit is not None:
            parameter, negated = hit
            return SettingName(written, parameter.canonical or parameter.name, parameter, negated, "setting")
        prefixed = bool(self.env_prefix and written.startswith(self.env_prefix))
        if prefixed and written.removeprefix(self.env_prefix or "").lower() in self._passed_on:
            return SettingName(written, None, None, False, "variable")
        claims = prefixed or written != written.upper()
        return SettingName(written, None, None, False, "unknown" if claims else "variable")

    def nearest_name(self, written: str) -> str | None:
        """The nearest spelling of a setting, in the style the user wrote."""
        if self.env_prefix and written.startswith(self.env_prefix):
            return nearest(written, [p.env for p in self.parameters if p.env])
        return nearest(written, self.canonical_names())


def table_for(
    entry: FrameworkEntry, accelerator: str, source: str = "aws", registry: Registry | None = None
) -> Table:
    """The parameter table of a framework for builds of one accelerator type and image source.

    Neuron builds of vLLM, for example, read variables of their own. With ``registry``, names a framework passes on to
    its engine (LMI to vLLM) are known too: such variables reach the engine as they are.
    """
    key = (accelerator, source, registry is None)
    cached: Table | None = entry.tables.get(key)
    if cached is None:
        data = entry.data
        variant = data.variants.get(accelerator)
        home = variant if variant is not None and source in variant.image_sources else data
        cached = entry.tables[key] = Table(
            home.parameters,
            env_prefix=home.env_prefix,
            seed_prefix=data.seed_prefix,
            true_text=home.true_text,
            false_text=home.false_text,
            model_env=home.model_env,
            revision_env=home.revision_env,
            passed_on=_engine_names(entry, registry) if home is data else [],
        )
    return cached


def _engine_names(entry: FrameworkEntry, registry: Registry | None) -> list[str]:
    """Names of the engine's own settings that a framework passes on, in lower case."""
    data = entry.data
    if registry is None or not data.pass_through or not data.engine_of or data.engine_of not in registry.frameworks:
        return []
    return [
        p.name.lower() for p in registry.frameworks[data.engine_of].data.parameters if not p.fixed and not p.secret
    ]


def negative_env(parameter: Parameter, env_prefix: str | None) -> str | None:
    """The variable that switches a boolean off, where the engine has one.

    vLLM's booleans have a ``--no-`` twin; switches (type ``flag``) have none.
    """
    if parameter.negative_env:
        return parameter.negative_env
    if (
        parameter.type == "bool"
        and env_prefix
        and parameter.flag
        and parameter.env
        and parameter.env.startswith(env_prefix)
    ):
        return f"{env_prefix}NO_{parameter.env.removeprefix(env_prefix)}"
    return None


def exists_in(parameter: Parameter, version: str) -> bool:
    """Whether a release has a parameter."""
    if parameter.since and not at_least(version, parameter.since):
        return False
    return not (parameter.until and not at_least(parameter.until, version))


def default_at(parameter: Parameter, version: str) -> Any:
    """The engine's default in a release; None = the engine decides."""
    if parameter.default_history:
        return history_at(tuple(parameter.default_history.items()), version, parameter.default)
    return parameter.default


_CHOICES: dict[tuple[int, str], tuple[Parameter, list[Any] | None]] = {}


def choices_at(parameter: Parameter, version: str) -> list[Any] | None:
    """The choices of an enum in a release; None when they are not known."""
    key = (id(parameter), version)
    known = _CHOICES.get(key)
    if known is None or known[0] is not parameter:
        if len(_CHOICES) > 10_000:
            _CHOICES.clear()
        known = _CHOICES[key] = (parameter, _choices_at(parameter, version))
    return known[1]


def _choices_at(parameter: Parameter, version: str) -> list[Any] | None:
    choices = parameter.choices
    if choices is None or isinstance(choices, list):
        return choices
    found = list(choices.initial)
    for since, added in choices.added.items():
        if at_least(version, since):
            found += [a for a in added if a not in found]
    return [c for c in found if str(c) not in choices.last or at_least(choices.last[str(c)], version)] or None


def deprecated_choice(parameter: Parameter, version: str, value: object) -> str | None:
    """The release that deprecated a choice, or None; the newest list that applies counts."""
    choices = parameter.choices
    if choices is None or isinstance(choices, list) or not choices.deprecated:
        return None
    rows = tuple((since, tuple(names)) for since, names in choices.deprecated.items())
    names = history_at(rows, version, ())
    if isinstance(names, tuple) and value in names:
        return min((s for s, n in rows if value in n and at_least(version, s)), default=None)
    return None


def _read_number(text: str, whole: bool) -> float | int | None:
    stripped = text.strip().replace("_", "")
    factor = SUFFIXES.get(stripped[-1:], 1) if whole else 1
    if factor != 1:
        stripped = stripped[:-1]
    try:
        if whole and factor == 1:
            return int(stripped)
        number = float(stripped) * factor
    except (ValueError, OverflowError):
        return None
    if number != number or number in (float("inf"), float("-inf")):
        return None
    return int(number) if whole and number == int(number) else (None if whole else number)


def read_value(parameter: Parameter, raw: Any, version: str) -> tuple[Any, ValueProblem | None]:
    """A value in its own type, or why it is refused.

    Args:
        parameter: the row of the table.
        raw: a YAML value or text.
        version: the release, which decides choices.

    Returns:
        The value (int, float, bool, str, list or dict) and None, or the raw value and the problem.
    """
    from .answers import parse_boolean

    name = parameter.canonical or parameter.name
    shown = _shown(raw)
    kind = parameter.type
    if parameter.special and isinstance(raw, (str, int)) and not isinstance(raw, bool):
        text = str(raw).strip() if isinstance(raw, str) or abs(raw) <= LARGEST else ""
        since = parameter.special.get(text, "")
        if since is None or (since and at_least(version, since)):
            return _read_number(text, whole=True) if text.lstrip("-").isdigit() else text, None
    if kind == "int_or_max":
        if raw == "max":
            return raw, None
        kind = "int"
    if kind in ("bool", "flag"):
        truth = True if raw in ("", None) else parse_boolean(raw) if isinstance(raw, (str, bool, int)) else None
        if truth is None:
            return raw, ValueProblem("type", f"{name}: {shown} is neither true nor false", "use true or false")
        return truth, None
    if kind in ("int", "float"):
        number: float | int | None
        if isinstance(raw, bool) or not isinstance(raw, (int, float, str)):
            number = None
        elif isinstance(raw, str):
            number = _read_number(raw, kind == "int")
        elif isinstance(raw, int) and abs(raw) > LARGEST:
            number = raw
        elif isinstance(raw, float) and (raw != raw or raw in (float("inf"), float("-inf"))):
            number = None
        else:
            number = int(raw) if kind == "int" and raw == int(raw) else (None if kind == "int" else float(raw))
        if number is not None and abs(number) > LARGEST:
            return text_of(raw), ValueProblem("range", f"{name}: the number is too large", "use a smaller number")
        if number is None:
            word = "a whole number" if kind == "int" else "a number"
            return raw, ValueProblem("type", f"{name}: {shown} is not {word}", f"use {word}{range_words(parameter)}")
        return number, _range_problem(parameter, name, number) or _choice_problem(parameter, name, number, version)
    if kind == "enum":
        value = raw if isinstance(raw, (str, int)) and not isinstance(raw, bool) else _enum_text(raw)
        choices = choices_at(parameter, version)
        if choices and value not in choices and text_of(value) in [str(c) for c in choices]:
            value = next(c for c in choices if str(c) == str(value))
        return value, _choice_problem(parameter, name, value, version)
    if kind == "json":
        return _read_json(name, raw)
    if kind == "list":
        if isinstance(raw, (list, tuple)):
            return list(raw), None
        if isinstance(raw, dict):
            return raw, ValueProblem("type", f"{name}: a mapping is not a list", "write a list, or one text value")
        return _enum_text(raw), None
    if isinstance(raw, (dict, list, tuple)) or raw is None:
        return raw, ValueProblem("type", f"{name}: {shown} is not one text value", "write one text value")
    return _enum_text(raw), None


def _enum_text(raw: Any) -> str:
    return text_of(raw) if isinstance(raw, int) else str(raw)


def _shown(raw: Any) -> str:
    from .errors import printable

    return (printable(text_of(raw), 40) if isinstance(raw, int) else printable(raw, 40)) or "an empty value"


def _read_json(name: str, raw: Any) -> tuple[Any, ValueProblem | None]:
    if isinstance(raw, (dict, list)):
        return raw, None
    try:
        value = json.loads(str(raw))
        # Python reads NaN, 1e999 and half of a character pair, which no other reader of the project's files does
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return raw, ValueProblem("type", f"{name}: {_shown(raw)} is not JSON", 'write JSON, for example {"key": 1}')
    if _is_deep(value):
        return raw, ValueProblem("type", f"{name}: more than {MAX_DEPTH} levels deep", "write JSON of fewer levels")
    return value, None


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            item
            for part in level
            if isinstance(part, (dict, list))
            for item in (part.values() if isinstance(part, dict) else part)
        ]
    return any(isinstance(part, (dict, list)) for part in level)


def range_words(parameter: Parameter) -> str:
    """The bounds of a parameter in words, with a leading blank, or ""."""
    parts = []
    if parameter.min is not None:
        parts.append(f"at least {_plain(parameter.min)}")
    if parameter.gt is not None:
        parts.append(f"above {_plain(parameter.gt)}")
    if parameter.max is not None:
        parts.append(f"at most {_bound(parameter, parameter.max)}")
    return " " + " and ".join(parts) if parts else ""


def _plain(number: float) -> str:
    return str(int(number)) if number == int(number) else str(number)


def _bound(parameter: Parameter, number: float) -> str:
    return str(float(number)) if parameter.type == "float" else _plain(number)


def _range_problem(parameter: Parameter, name: str, number: float) -> ValueProblem | None:
    hint = f"use a value{range_words(parameter)}"
    if parameter.max is not None and number > parameter.max:
        return ValueProblem(
            "range", f"{name}: value {_plain(number)} exceeds maximum {_bound(parameter, parameter.max)}", hint
        )
    if parameter.min is not None and number < parameter.min:
        return ValueProblem(
            "range", f"{name}: value {_plain(number)} is below minimum {_bound(parameter, parameter.min)}", hint
        )
    if parameter.gt is not None and number <= parameter.gt:
        return ValueProblem("range", f"{name}: value {_plain(number)} must be above {_plain(parameter.gt)}", hint)
    return None


def _choice_problem(parameter: Parameter, name: str, value: Any, version: str) -> ValueProblem | None:
    from .errors import listing

    choices = choices_at(parameter, version)
    if not choices or value in choices:
        return None
    near = nearest(text_of(value), [str(c) for c in choices])
    shown = listing(sorted(map(str, choices)))
    return ValueProblem(
        "choice",
        f"{name}: {_shown(value)} is not a choice of {version}",
        (f"did you mean {near}? " if near else "") + f"choices: {shown}",
    )


def write_setting(table: Table, parameter: Parameter, value: Any, version: str) -> tuple[str, str] | str | None:
    """How an image of a release reads a setting.

    Returns:
        ``(variable, text)``; None when leaving it out says the same; a sentence when the image cannot be told.
    """
    name = parameter.canonical or parameter.name
    if parameter.env is None:
        return f"{name} cannot be set through variables of this image"
    if isinstance(value, bool) and parameter.type in ("bool", "flag"):
        true_text = str(history_at(table.true_text, version, "true"))
        if value:
            return parameter.env, true_text
        false_text = history_at(table.false_text, version, None)
        if false_text is not None:
            return parameter.env, str(false_text)
        negative = negative_env(parameter, table.env_prefix)
        if negative and default_at(parameter, version) is not False:
            return negative, true_text
        if not default_at(parameter, version):
            return None
        return f"{name} is a switch without an off form and is on by default"
    return parameter.env, text_of(value)
