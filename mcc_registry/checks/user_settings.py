"""Rules on the user's settings; ``validate_env_vars: false`` silences this module and nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ..errors import Fact, Finding, Severity, listing, printable
from ..settings import choices_at, default_at, deprecated_choice, exists_in, range_words, table_for
from ..versions import at_least, sort_versions
from .base import Rule
from .candidate import Candidate, UserSetting

if TYPE_CHECKING:
    from ..models.framework import Parameter


def table_fact(candidate: Candidate, user: UserSetting) -> Fact:
    """The row of the parameter table a finding rests on."""
    name = user.name.parameter.name if user.name.parameter else ""
    bounds = range_words(user.name.parameter) if user.name.parameter else ""
    return Fact(
        f"{candidate.image_title} has {name}{':' if bounds else ''}{bounds}",
        candidate.release.framework.file_of_parameter(name),
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
    name = replacement.removeprefix("use ")
    return replacement if " " in name else f"use {name.removeprefix('--').replace('-', '_')}"


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
            severity: Severity = "warning" if early and maybe_there(subject, user) else "error"
            hint = words_to_use(parameter.replaced_by) if parameter.replaced_by and not early else "leave it out"
            yield self.finding(
                severity,
                f"{printable(user.written)} does not exist in {subject.image_title}: it {when}",
                hint="choose a newer release; or leave it out" if early else hint,
                facts=(table_fact(subject, user),),
                wants=f"release >={parameter.since}" if early else "",
            )


def allowed_by(parameter: Parameter) -> str | None:
    """The setting without which the engine refuses a deprecated choice; None where it takes them."""
    choices = parameter.choices
    return None if choices is None or isinstance(choices, list) else choices.deprecated_needs


class Deprecated(Rule[Candidate]):
    """A deprecated setting or choice still works; the finding names the replacement.

    Some engines refuse a deprecated choice unless another setting allows it (``deprecated_needs``): an error then.

    Source: facts/engines.md section 4, "Deprecated quantisation methods".
    """

    code, name, field = "MCC306", "setting-deprecated", "env_vars"
    severities = ("error", "warning")
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
                needs = allowed_by(parameter)
                lacks = needs is not None and subject.value(needs) is not True
                yield self.finding(
                    "error" if lacks else "warning",
                    f"{printable(user.written)}: {printable(user.value)} is deprecated since {since}"
                    + (f" and needs {needs}" if lacks else ""),
                    hint=f"{needs}=true, or choose another value" if lacks else "choose another value",
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


class ForeignSetting(Rule[Candidate]):
    """A variable that another model server reads and this one does not has no effect, though its writer expects one.

    AWS's images read variables by their own prefix only (``SM_VLLM_``), so one of another server's is never read. A
    framework that wraps an engine (LMI: vLLM) does not read that engine's older spelling (``VLLM_``) either; the engine
    may know a variable of that name, so it is told only where the setting is given under another name, too.

    Source: facts/engines.md, section 1 (how each image takes its settings).
    """

    code, name, field = "MCC317", "foreign-setting", "env_vars"
    severities = ("warning",)
    of_place = False

    def check(self, subject: Candidate) -> Iterable[Finding]:
        title = subject.image_title
        for user in subject.user:
            if user.name.kind != "variable":
                continue
            for server, file, parameter in self._readers(subject, user.written):
                canonical = parameter.canonical or parameter.name
                twin = next((u.written for u in subject.user if u.name.canonical == canonical), None)
                known = subject.table.find(canonical) is not None
                facts = (Fact(f"{server} has {parameter.name}", file, f"parameters[{parameter.name}]"),)
                if user.written.startswith("SM_"):
                    message = f"{printable(user.written)} is a variable of {server}; {title} does not read it"
                    yield self.finding(
                        "warning", message, hint=f"use {canonical}" if known else "leave it out", facts=facts
                    )
                elif twin is not None:
                    message = f"{printable(user.written)} and {printable(twin)} name one setting; the latter counts"
                    yield self.finding("warning", message, hint=f"leave {printable(user.written)} out", facts=facts)

    def _readers(self, subject: Candidate, written: str) -> Iterable[tuple[str, str, Parameter]]:
        """Other servers with a setting that a name means by their own or their older prefix."""
        own, registry = subject.release.framework, subject.registry
        names = registry.framework_servers("transformers") if written.startswith("SM_") else [own.data.engine_of]
        for name in names:
            if not name or name == own.id or name not in registry.frameworks:
                continue
            entry = registry.frameworks[name]
            prefixes = tuple(filter(None, (entry.data.env_prefix, entry.data.seed_prefix)))
            hit = table_for(entry, subject.needs.kind, subject.build.source, registry).find(written)
            if hit is not None and prefixes and written.startswith(prefixes):
                yield name, entry.file, hit[0]


class FixedSetting(Rule[Candidate]):
    """Some settings belong to SageMaker or to another question: host and port are fixed, the model is model_name."""

    code, name, field = "MCC311", "setting-fixed", "env_vars"
    of_place = False

    def check(self, subject: Candidate) -> Iterable[Finding]:
        for user in subject.user:
            parameter = user.name.parameter
            if parameter is None:
                continue
            if subject.table.names_model(parameter):
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
                and not subject.table.names_model(p)
                and default_at(p, subject.version) is None
            ]
        missing = [name for name in required if name not in subject.settings]
        if missing:
            yield self.finding(
                "error",
                f"{subject.image_title} needs {listing(missing)}",
                hint=f"set it in env_vars: {{{missing[0]}: ...}}",
                facts=(
                    Fact(
                        "required",
                        subject.release.framework.file_of_parameter(missing[0]),
                        f"parameters[{missing[0]}]",
                    ),
                ),
            )


RULES: tuple[Rule[Candidate], ...] = (
    UnknownSetting(),
    WrongType(),
    OutOfRange(),
    NotAChoice(),
    NotInRelease(),
    Deprecated(),
    Conflict(),
    ForeignSetting(),
    FixedSetting(),
    Unwritable(),
    RequiredSetting(),
)
