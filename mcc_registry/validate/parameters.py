"""Rules about engine settings: parameter tables agree with themselves, profile values with every release."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..errors import listing, nearest
from ..loading.documents import Document
from ..loading.rows import RowClasses, shapes_of_models
from ..versions import find_spec, find_version, matches, parse_version
from .base import Context, Path, Problem, Rule, model_rows, profiles_of, rows_of

_ROWS: list[RowClasses] = []


def _parameter(row: dict[str, Any]) -> Any:
    if not _ROWS:
        _ROWS.append(RowClasses(shapes_of_models()))
    return _ROWS[0].get("Parameter")(row)


def _valid(row: dict[str, Any]) -> bool:
    """Whether the versions of a parameter can be compared; another rule reports those that cannot."""
    choices = row.get("choices")
    texts = [row.get("since"), row.get("until"), *row.get("default_history", {})]
    if isinstance(choices, dict):
        texts += [*choices.get("added", {}), *choices.get("last", {}).values()]
    return all(text is None or find_version(text) for text in texts)


class ParameterTable(Rule):
    """A parameter exists from ``since`` to ``until``, its bounds leave room, and its default is legal."""

    code, name, title = "MCC543", "parameter-table", "A row of a parameter table contradicts itself"
    kinds = ("framework",)

    def check(self, document: Document, data: dict[str, Any], context: Context) -> Iterator[Problem]:
        """See the class."""
        homes: list[tuple[Path, dict[str, Any]]] = [((), data), *rows_of(data, "variants")]
        for top, home in homes:
            names: dict[str, str] = {}
            for path, row in rows_of(home, "parameters"):
                here = (*top, *path)
                yield from self._row(here, row)
                for spelling in dict.fromkeys([row.get("canonical") or row["name"], row.get("env")]):
                    if spelling and names.setdefault(spelling, row["name"]) != row["name"]:
                        text = f"{spelling} means {names[spelling]} and {row['name']}"
                        yield Problem(here, text, "one spelling means one parameter")

    def _row(self, path: Path, row: dict[str, Any]) -> Iterator[Problem]:
        name = row["name"]
        if not _valid(row):
            return
        since, until = row.get("since"), row.get("until")
        if since and until and parse_version(since) > parse_version(until):
            yield Problem((*path, "until"), f"{name} ends with {until} before it begins with {since}")
        low, high = row.get("min", row.get("gt")), row.get("max")
        if low is not None and high is not None and low > high:
            yield Problem((*path, "max"), f"{name} is at least {low} and at most {high}")
            return
        from ..settings import read_value

        parameter = _parameter(row)
        history = [*row.get("default_history", {}).items()]
        newest = max((v for v, _ in history), key=parse_version, default=since or until or "0")
        for version, value in [*history, (newest, row.get("default"))]:
            problem = None if value is None else read_value(parameter, value, version)[1]
            if problem is not None:
                here = (*path, "default_history", version) if (version, value) in history else (*path, "default")
                yield Problem(here, f"the default of {problem.message}", problem.hint)
                return


class _ProfileRule(Rule):
    """Base of the rules that try each profile value in each release it applies to."""

    kinds = ("framework",)

    def check(self, document: Document, data: dict[str, Any], context: Context) -> Iterator[Problem]:
        """See the class."""
        for path, profile in rows_of(data, "profiles"):
            places = list(_places(data, profile))
            for name, setting in profile["settings"].items():
                found: dict[str, tuple[Problem, dict[str, Any], list[str]]] = {}
                here = (*path, "settings", name)
                for version, table in places:
                    problem = self.judge(here, name, setting["value"], version, table)
                    if problem is not None:
                        found.setdefault(problem.text, (problem, table, []))[2].append(version)
                for problem, table, versions in found.values():
                    releases = listing(dict.fromkeys(versions), 3)
                    hint = problem.hint or self.way_out(name, table)
                    yield Problem(problem.path, f"{problem.text} in {releases}", hint)

    def way_out(self, name: str, table: dict[str, Any]) -> str:
        """The hint of a problem that has none; it may take time, since it is asked once for all releases."""
        return ""

    def judge(self, path: Path, name: str, value: Any, version: str, table: dict[str, Any]) -> Problem | None:
        """What is wrong with one value in one release."""
        raise NotImplementedError


def _places(data: dict[str, Any], profile: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Release and parameter table, for each release and accelerator a profile applies to."""
    spec = profile.get("versions")
    if spec is not None and find_spec(spec) is None:
        return
    variants = data.get("variants", {})
    tables: dict[str, dict[str, Any]] = {}
    for release in data.get("releases", []):
        version = release["version"]
        if find_version(version) is None or (spec and not matches(version, spec)):
            continue
        types = {build["accelerator"]["type"] for build in release.get("builds", [])}
        for accelerator in sorted(types & {profile["accelerator"]} if profile.get("accelerator") else types):
            if accelerator not in tables:
                rows = variants.get(accelerator, data).get("parameters", [])
                tables[accelerator] = {row.get("canonical") or row["name"]: row for row in rows if _valid(row)}
            yield version, tables[accelerator]


class ProfileSettingUnknown(_ProfileRule):
    """Every setting of a profile exists in each release the profile applies to."""

    code, name, title = "MCC542", "profile-setting-unknown", "A profile sets something a release does not have"

    def judge(self, path: Path, name: str, value: Any, version: str, table: dict[str, Any]) -> Problem | None:
        """See the class."""
        from ..settings import exists_in

        row = table.get(name)
        if row is None:
            return Problem(path, f"{name} is no setting")
        if not exists_in(_parameter(row), version):
            return Problem(path, f"{name} does not exist", "narrow the profile's versions")
        return None

    def way_out(self, name: str, table: dict[str, Any]) -> str:
        """The nearest name."""
        near = nearest(name, table)
        return f"did you mean {near}?" if near else ""


class ProfileValueIllegal(_ProfileRule):
    """Every value of a profile is legal in each release the profile applies to: type, range and choices."""

    code, name, title = "MCC541", "profile-value-illegal", "A profile's value is refused by a release"

    def judge(self, path: Path, name: str, value: Any, version: str, table: dict[str, Any]) -> Problem | None:
        """See the class."""
        from ..settings import exists_in, read_value

        row = table.get(name)
        if row is None or not exists_in(_parameter(row), version):
            return None
        problem = read_value(_parameter(row), value, version)[1]
        return Problem((*path, "value"), problem.message, problem.hint) if problem else None


class ProfileValueIsDefault(_ProfileRule):
    """A profile states only what differs from the engine's default in each release it applies to."""

    code, name, title = "MCC540", "profile-value-is-default", "A profile's value is the engine's default anyway"

    def judge(self, path: Path, name: str, value: Any, version: str, table: dict[str, Any]) -> Problem | None:
        """See the class."""
        from ..settings import default_at, exists_in

        row = table.get(name)
        if row is None or not exists_in(_parameter(row), version):
            return None
        default = default_at(_parameter(row), version)
        if default is None or default != value or isinstance(default, bool) is not isinstance(value, bool):
            return None
        return Problem((*path, "value"), f"{name} is {value} by default", "leave it out or narrow the versions")


class ValueUnwritable(Rule):
    """A setting's value fits into a line of ``container.env``: one line of at most 1024 characters, as it is written there.

    Lists and mappings are written as JSON, in which a character outside of ASCII takes six.
    """

    code, name, title = "MCC553", "value-unwritable", "A setting has a value that no container can be given"
    kinds = ("framework", "model_family")

    def check(self, document: Document, data: dict[str, Any], context: Context) -> Iterator[Problem]:
        """See the class."""
        from ..env_text import text_of, unwritable

        for path, settings in _settings_of(data):
            for name, value in settings.items():
                here = (*path, name)
                if path[0] == "profiles":  # a framework's: each value has its reason
                    here, value = (*here, "value"), value["value"]
                why = unwritable(text_of(value))
                if why is not None:
                    yield Problem(here, f"the value of {name} {why}", "long text belongs in a file of the image")


def _settings_of(data: dict[str, Any]) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Every mapping of settings in a framework or a family of models, with its path."""
    homes: list[tuple[Path, dict[str, Any]]] = [((), data), *rows_of(data, "releases"), *rows_of(data, "profiles")]
    for path, row in model_rows(data):
        homes += [(path, row), *profiles_of(path, row)]
    for path, home in homes:
        yield (*path, "settings"), home.get("settings", {})
        for engine, settings in home.get("engine_settings", {}).items():
            yield (*path, "engine_settings", engine), settings


RULES = (ProfileValueIsDefault, ProfileValueIllegal, ProfileSettingUnknown, ParameterTable, ValueUnwritable)
