"""Rules on the user's settings; ``validate_env_vars: false`` silences this module and nothing else."""

from __future__ import annotations

from collections.abc import Iterable

from ..errors import Fact, Finding, Severity, listing, printable
from ..settings import choices_at, default_at, deprecated_choice, exists_in, range_words
from ..versions import at_least, sort_versions
from .base import Rule
from .candidate import Candidate, UserSetting


def table_fact(candidate: Candidate, user: UserSetting) -> Fact:
    """The row of the parameter table a finding rests on."""
    name = user.name.parameter.name if user.name.parameter else ""
    bounds = range_words(user.name.parameter) if user.name.parameter else ""
    return Fact(
        f"{candidate.image_title} has {name}{':' if bounds else ''}{bounds}",
        candidate.framework_file,
        f"parameters[{name}]",
    )


class UnknownSetting(Rule[Candidate]):
    """A name that claims to be an engine setting must be one.

    Names in lower case are canonical names, names with the engine's prefix (``SM_VLLM_``) are its variables; an unknown
    one would be ignored or stop the engine at start. Any other variable passes.
    """

    code, name, field = "MCC301", "unknown-setting", "env_vars"
    of_place = False

    def check(self, subject: Candidate) -> Iterable[Finding]:
        for user in subject.user:
            if user.name.kind != "unknown":
                continue
            removed = removed_row(subject, user.written)
            if removed is not None:
                continue
            near = subject.table.nearest_name(user.written)
            yield self.finding(
                "error",
                f"{printable(user.written)} is no setting of {subject.image_title}",
                hint=f"did you mean {near}?"
                if near
                else "see the settings: mcc-registry frameworks " + subject.release.framework.id,
                facts=(
                    Fact(f"{len(subject.table.parameters)} settings are known", subject.framework_file, "parameters"),
                ),
            )


def removed_row(subject: Candidate, written: str) -> tuple[str, str, str | None] | None:
    """Name, last release and replacement of a removed setting that a spelling means; None when there is none."""
    prefix = subject.table.env_prefix or ""
    name = written.removeprefix(prefix).lower()
    for row in subject.release.framework.data.removed_parameters:
        if row.name.lower() == name:
            return row.name, row.until, row.instead
    return None


class WrongType(Rule[Candidate]):
    """A setting's value must have the type the engine reads."""

    code, name, field = "MCC302", "setting-type", "env_vars"
    of_place = False

    def check(self, subject: Candidate) -> Iterable[Finding]:
        for user in subject.user:
            if user.problem is not None and user.problem.kind == "type":
                yield self.finding(
                    "error", user.problem.message, hint=user.problem.hint, facts=(table_fact(subject, user),)
                )


class OutOfRange(Rule[Candidate]):
    """A setting's value must lie within the engine's bounds; the message names the bound."""

    code, name, field = "MCC303", "setting-range", "env_vars"
    of_place = False

    def check(self, subject: Candidate) -> Iterable[Finding]:
        for user in subject.user:
            if user.problem is not None and user.problem.kind == "range":
                message = user.problem.message
                if user.written != user.name.canonical and user.name.canonical:
                    message = message.replace(f"{user.name.canonical}:", f"{user.written}:", 1)
                yield self.finding("error", message, hint=user.problem.hint, facts=(table_fact(subject, user),))


def maybe_there(subject: Candidate, user: UserSetting) -> bool:
    """Whether a release nobody read may have a setting or choice that the next one read has."""
    read = subject.release.framework.data.versions_read
    parameter = user.name.parameter
    if not read or parameter is None or subject.version in read:
        return False
    later = [v for v in sort_versions(read) if at_least(v, subject.version)]
    if not later:
        return False
    nearest_read = later[-1]
    if not exists_in(parameter, nearest_read):
        return False
    choices = choices_at(parameter, nearest_read)
    return not choices or parameter.type != "enum" or user.value in choices


class NotAChoice(Rule[Candidate]):
    """An enum setting's value must be a choice of the chosen release.

    A release between two that were read may have a choice of the later one already: a warning.
    """

    code, name, field = "MCC304", "setting-choice", "env_vars"
    severities = ("error", "warning")
    of_place = False

    def check(self, subject: Candidate) -> Iterable[Finding]:
        for user in subject.user:
            if user.problem is not None and user.problem.kind == "choice":
                severity: Severity = "warning" if maybe_there(subject, user) else "error"
                yield self.finding(
                    severity, user.problem.message, hint=user.problem.hint, facts=(table_fact(subject, user),)
                )


def words_to_use(replacement: str) -> str:
    """``use NAME`` for a name, advice in words as it is; a flag is given as the name of the setting."""
    if " " in replacement.removeprefix("use "):
        return replacement
    return f"use {replacement.removeprefix('--').replace('-', '_')}"


class NotInRelease(Rule[Candidate]):
    """A setting must exist in the chosen release: not yet, or no longer there, is an error that names the range."""

    code, name, field = "MCC305", "setting-not-in-release", "env_vars"
    severities = ("error", "warning")
    of_place = False

    def check(self, subject: Candidate) -> Iterable[Finding]:
        for user in subject.user:
            parameter = user.name.parameter
            if parameter is None:
                removed = removed_row(subject, user.written) if user.name.kind != "variable" else None
                if removed is not None:
                    _, until, instead = removed
                    yield self.finding(
                        "error",
                        f"{printable(user.written)} is gone: {until} was the last release that had it",
                        hint=words_to_use(instead) if instead else "leave it out",
                        facts=(Fact(f"last in {until}", subject.framework_file, "removed_parameters"),),
                    )
                continue
            if exists_in(parameter, subject.version):
                continue
            early = parameter.since is not None and not at_least(subject.version, parameter.since)
            when = f"begins with {parameter.since}" if early else f"ended with {parameter.until}"
            hint = parameter.replaced_by or (
                f"framework_version={parameter.since} or newer" if early else "leave it out"
            )
            yield self.finding(
                "warning" if early and maybe_there(subject, user) else "error",
                f"{printable(user.written)} does not exist in {subject.image_title}: it {when}",
                hint=hint if early or not parameter.replaced_by else words_to_use(hint),
                facts=(table_fact(subject, user),),
            )


class Deprecated(Rule[Candidate]):
    """A deprecated setting or choice still works; the finding names the replacement."""

    code, name, field = "MCC306", "setting-deprecated", "env_vars"
    severities = ("warning",)
    of_place = False

    def check(self, subject: Candidate) -> Iterable[Finding]:
        for user in subject.user:
            parameter = user.name.parameter
            if parameter is None:
                continue
            since = parameter.deprecated_since
            if since and at_least(subject.version, since):
                yield self.finding(
                    "warning",
                    f"{printable(user.written)} is deprecated since {since}",
                    hint=words_to_use(parameter.replaced_by) if parameter.replaced_by else "plan to leave it out",
                    facts=(table_fact(subject, user),),
                )
            since = deprecated_choice(parameter, subject.version, user.value)
            if since:
                yield self.finding(
                    "warning",
                    f"{printable(user.written)}: {printable(user.value)} is deprecated since {since}",
                    hint="choose another value",
                    facts=(table_fact(subject, user),),
                )


class Conflict(Rule[Candidate]):
    """One setting written under two spellings with different values is a question we cannot answer."""

    code, name, field = "MCC308", "setting-conflict", "env_vars"
    of_place = False

    def check(self, subject: Candidate) -> Iterable[Finding]:
        seen: dict[str, UserSetting] = {}
        for user in subject.user:
            key = user.name.canonical
            if key is None:
                continue
            first = seen.setdefault(key, user)
            if first is not user and first.value != user.value:
                yield self.finding(
                    "error",
                    f"{first.written} and {user.written} mean the same setting and have different values",
                    hint=f"keep one of them, for example {key}",
                )


class FixedSetting(Rule[Candidate]):
    """Some settings belong to SageMaker or to another question: host and port are fixed, the model is model_name."""

    code, name, field = "MCC311", "setting-fixed", "env_vars"
    of_place = False

    def check(self, subject: Candidate) -> Iterable[Finding]:
        for user in subject.user:
            parameter = user.name.parameter
            if parameter is None:
                continue
            if parameter.env is not None and parameter.env == subject.table.model_env:
                yield self.finding(
                    "error",
                    f"{printable(user.written)} is set by the question model_name",
                    hint="use model_name for the model",
                )
            elif parameter.fixed:
                yield self.finding(
                    "error",
                    f"{printable(user.written)} is fixed on SageMaker",
                    hint="leave it out; SageMaker calls port 8080 on all interfaces",
                    facts=(table_fact(subject, user),),
                )


class Unwritable(Rule[Candidate]):
    """The image must be able to read the setting: some have no variable, some switches have no off form."""

    code, name, field = "MCC309", "setting-unwritable", "env_vars"

    def check(self, subject: Candidate) -> Iterable[Finding]:
        for user in subject.user:
            fixed = user.name.parameter is not None and user.name.parameter.fixed
            if user.name.canonical in subject.unwritable and user.problem is None and not fixed:
                yield self.finding(
                    "error",
                    subject.unwritable[user.name.canonical],
                    hint="leave it out, or choose another release",
                    facts=(table_fact(subject, user),),
                )


class RequiredSetting(Rule[Candidate]):
    """A setting the engine cannot start without must come from some source."""

    code, name, field = "MCC310", "setting-required", "env_vars"

    def check(self, subject: Candidate) -> Iterable[Finding]:
        required = subject.notes.get(self.name)
        if required is None:
            required = subject.notes[self.name] = [
                p.canonical or p.name
                for p in subject.table.parameters
                if p.required
                and exists_in(p, subject.version)
                and p.env != subject.table.model_env
                and default_at(p, subject.version) is None
            ]
        missing = [name for name in required if name not in subject.settings]
        if missing:
            yield self.finding(
                "error",
                f"{subject.image_title} needs {listing(missing)}",
                hint=f"set it in env_vars: {{{missing[0]}: ...}}",
                facts=(Fact("required", subject.framework_file, f"parameters[{missing[0]}]"),),
            )


RULES: tuple[Rule[Candidate], ...] = (
    UnknownSetting(),
    WrongType(),
    OutOfRange(),
    NotAChoice(),
    NotInRelease(),
    Deprecated(),
    Conflict(),
    FixedSetting(),
    Unwritable(),
    RequiredSetting(),
)
