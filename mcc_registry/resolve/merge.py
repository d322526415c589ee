"""Merging settings by the seven-step precedence; every setting remembers its source and what it overrode."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ..checks.candidate import Skipped, UserSetting
from ..models.plan import Origin, Setting
from ..secrecy import HIDDEN, looks_secret
from ..settings import Table, choices_at, exists_in, read_value

if TYPE_CHECKING:
    from ..models.framework import Parameter
    from ..models.request import Request
    from ..registry import FrameworkEntry, ModelMatch, ReleaseEntry

Layers = list[tuple[str, Origin]]
"""Canonical names with origins, lowest precedence first."""


def read_user_settings(request: Request, table: Table, version: str) -> tuple[UserSetting, ...]:
    """The user's ``env_vars`` with their meaning, in the order written."""
    users = []
    for written, raw in request.env_vars.items():
        name = table.name(written)
        value, problem = raw, None
        if looks_secret(written, raw) or (name.parameter is not None and name.parameter.secret):
            value = HIDDEN  # refused by its own rule; nothing may repeat it
        elif name.parameter is not None:
            value, problem = read_value(name.parameter, raw, version)
            if name.negated and problem is None and isinstance(value, bool):
                value = not value
        users.append(UserSetting(written, raw, name, value, problem))
    return tuple(users)


def registry_layers(
    release: ReleaseEntry,
    framework_profile: str | None,
    match: ModelMatch | None,
    model_profile: str | None,
) -> Layers:
    """What the registries ask for: release, framework profile, model, model profile."""
    entry = release.framework
    layers: Layers = [
        (name, Origin(value, "Framework_Registry", release.file, f"releases[{release.version}].settings.{name}"))
        for name, value in release.data.settings.items()
    ]
    if framework_profile:
        profile = entry.data.profiles[framework_profile]
        file = entry.file_of_profile(framework_profile)
        layers += [
            (
                name,
                Origin(s.value, "Framework_Profile", file, f"profiles[{framework_profile}].{name}", s.reason),
            )
            for name, s in profile.settings.items()
        ]
    if match is not None:
        inner = entry.data.engine_of
        inner = inner if inner in release.data.engine else None
        layers += [
            (name, Origin(value, "Model_Registry", *match.place_of_setting(name, entry.id, inner)))
            for name, value in match.settings(entry.id, inner).items()
        ]
        if model_profile:
            row, file = match.profiles[model_profile], match.place_of_profile(model_profile)
            layers += [
                (
                    name,
                    Origin(
                        value,
                        "Model_Profile",
                        file,
                        f"profiles[{model_profile}].settings.{name}",
                        row.note or "",
                    ),
                )
                for name, value in row.settings.items()
            ]
    return layers


def user_layers(users: Iterable[UserSetting]) -> Layers:
    """What the user asks for, as far as it means a setting."""
    return [
        (u.name.canonical, Origin(u.value, "User_Input", "", f"env_vars.{u.written}"))
        for u in users
        if u.name.canonical is not None
    ]


def known_in_release(parameter: Parameter | None, value: Any, version: str) -> str | None:
    """Why a registry's setting cannot be used with a release, or None when it can."""
    if parameter is None:
        return "the engine has no such setting"
    if not exists_in(parameter, version):
        return f"{version} does not have it"
    choices = choices_at(parameter, version)
    if choices and parameter.type == "enum" and value not in choices:
        return f"{version} does not know this choice"
    return None


def drop_unknown(
    layers: Layers, table: Table, version: str, inner: tuple[Table, str] | None = None
) -> tuple[Layers, list[Skipped]]:
    """Registry settings the release knows, and those it does not or that need one of those.

    Args:
        layers: what the registries ask for.
        table: the parameter table of the release.
        version: the release.
        inner: the table and release of the engine inside (LMI's vLLM), which must know a setting too.
    """
    kept: Layers = []
    skipped = []
    for name, origin in layers:
        hit = table.find(name)
        why = known_in_release(hit[0] if hit else None, origin.value, version)
        if why is None and inner is not None and (below := inner[0].find(name)) is not None:
            why = known_in_release(below[0], origin.value, inner[1])
        if why is None:
            kept.append((name, origin))
        else:
            skipped.append(Skipped(name, origin.value, origin.source, why))
    gone = {s.canonical for s in skipped} - {name for name, _ in kept}
    if not gone:
        return kept, skipped
    left: Layers = []
    for name, origin in kept:
        hit = table.find(name)
        lacking = [r for r in hit[0].requires if r in gone] if hit else []
        if lacking:
            skipped.append(Skipped(name, origin.value, origin.source, f"it needs {lacking[0]}"))
        else:
            left.append((name, origin))
    return left, skipped


def merge(layers: Iterable[tuple[str, Origin]]) -> dict[str, Setting]:
    """Merge origins given lowest precedence first; a later one overrides an earlier one of the same name.

    Example:
        >>> merged = merge([("a", Origin(1, "Framework_Registry")), ("a", Origin(2, "User_Input"))])
        >>> merged["a"].value, merged["a"].overrode[0].value
        (2, 1)
    """
    settings: dict[str, Setting] = {}
    for name, origin in layers:
        old = settings.get(name)
        overrode: tuple[Origin, ...] = ()
        if old is not None:
            overrode = (Origin(old.value, old.source, old.file, old.key, old.reason), *old.overrode)
        settings[name] = Setting(origin.value, origin.source, overrode, origin.file, origin.key, origin.reason)
    return settings


def entry_profiles(entry: FrameworkEntry, version: str, accelerator: str) -> list[str]:
    """The framework profiles a release offers."""
    from ..versions import matches

    return [
        name
        for name, profile in entry.data.profiles.items()
        if (not profile.versions or matches(version, profile.versions)) and profile.accelerator in (None, accelerator)
    ]
