"""The rows a test gives: a release with its evidence, and for transformers the model with its own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..env_text import text_of
from ..errors import Finding, MccError, listing, printable
from ..models.levels import LEVEL_RANK
from ..secrecy import looks_secret
from ..settings import Table, read_value, table_for
from ..versions import find_numbers, find_version, parse_version
from .kinds import get_finding
from .project import Project
from .scrub import Scrubber

if TYPE_CHECKING:
    from ..models.framework import Build
    from ..registry import Registry, ReleaseEntry

LIBRARY = {"sklearn": "scikit-learn", "xgboost": "xgboost", "tensorflow": "tensorflow"}
"""Framework to the library whose version is the release's, in the project's requirements."""

NOT_OF_THE_MODEL = frozenset(
    (
        "tensor_parallel_size",
        "pipeline_parallel_size",
        "data_parallel_size",
        "revision",
        "chat_template",
        "model",
        "seed",
    )
)
"""Settings that belong to an instance type or a file, not to a model."""

MOST_SETTINGS = 12


@dataclass(frozen=True, slots=True)
class TestFacts:
    """What was tried and how it went.

    Attributes:
        deployed: the endpoint came into service.
        inference: it, or the container run without an endpoint, answered rightly.
        by: a public name.
        date: ``YYYY-MM-DD``; of a project that nobody reports a test of, the day of the export.
        is_test: whether a test is reported at all; without one the rows say what the project chose, and no more.
    """

    instance_type: str
    deployed: bool
    inference: bool
    by: str
    date: str
    notes: str = ""
    image_digest: str | None = None
    link: str | None = None
    is_test: bool = True

    __test__ = False


@dataclass(frozen=True, slots=True)
class RowChange:
    """One row to add to a registry file, or to change in it.

    Attributes:
        file: path below a registry root.
        kind: kind of file.
        collection: the list it belongs to.
        key: the field that names it, and
        name: its value there.
        row: the whole row; for an existing one without what stays as it is.
        head: for a file that does not exist yet, its other keys.
        is_new: no registry has the row.
    """

    file: str
    kind: str
    collection: str
    key: str
    name: str
    row: dict[str, Any]
    head: dict[str, Any] = field(default_factory=dict)
    is_new: bool = False


def earned_level(facts: TestFacts, target: str) -> tuple[str, str]:
    """The level a test has earned, and what would earn more."""
    if not facts.is_test:
        known = re.fullmatch(r"ml\.[a-z0-9.\-]{1,60}", facts.instance_type or "", re.ASCII)
        told = f"--instance-type {facts.instance_type if known else 'TYPE'} --deployed yes|no --inference yes|no --by NAME --date {facts.date}"
        return "experimental", f"after a test, repeat the command with its facts: {told}"
    if facts.deployed and facts.inference and target != "batch":
        return "tested", ""
    if facts.inference and not facts.deployed:
        return "community-validated", "an endpoint that answers earns tested"
    if target == "batch" and facts.deployed:
        return "experimental", "a transform job is no endpoint; a real-time endpoint that answers earns tested"
    if facts.deployed:
        return "experimental", "the endpoint has to answer rightly for more"
    return (
        "experimental",
        "do/build, do/run and do/test earn community-validated, do/deploy and do/test --endpoint tested",
    )


@dataclass(slots=True)
class Builder:
    """Builds the rows of one project and one test."""

    project: Project
    facts: TestFacts
    registry: Registry
    scrubber: Scrubber
    findings: list[Finding] = field(default_factory=list)

    # ---------------------------------------------------------------- the release

    def release(self) -> tuple[ReleaseEntry, Build, bool] | None:
        """The release and build the project uses, and whether a row lists it; None with a finding when there is none."""
        name = self.project.request.framework_id
        entry = self.registry.frameworks.get(name)
        if entry is None:
            hint = f"known: {listing(self.registry.frameworks)}"
            self._error("no-project", f"no registry describes the framework {printable(name)}", hint)
            return None
        version = self._version()
        image = self.project.text("base_image")
        if version is None or image is None:
            self._error(
                "no-project", "mcc.lock.yaml names no framework version or no base image", "restore it from git"
            )
            return None
        listed = next((v for v in entry.versions if parse_version(v) == parse_version(version)), None)
        made: ReleaseEntry | None
        if listed is not None:
            made = entry[listed]
        else:
            decided = self.project.text("framework", "version")
            base = entry.get(decided or "")
            if base is not None and LIBRARY.get(name):
                made = _renamed(base, version)
            else:
                made = (base or entry[_nearest(version, entry.versions)]).as_unlisted(version)
        for build in made.builds if made is not None else ():
            try:
                same = made is not None and made.image(build=build, region=self.project.request.region) == image
            except MccError:
                same = False
            if same and made is not None:
                if not self.project.starts_from(image):
                    text = "the Dockerfile does not start from the image that was decided"
                    self._error(
                        "not-the-registered-image", text, "export what do/build builds from the decided image"
                    )
                    return None
                return made, build, listed is not None
        shown = self.scrubber.clean("base_image", image)
        hint = "name the layer it comes from with --registry-path"
        self._error(
            "not-the-registered-image", f"no row of {name} {version} describes the image {printable(shown)}", hint
        )
        return None

    def _version(self) -> str | None:
        decided = self.project.text("framework", "version")
        library = LIBRARY.get(self.project.request.framework)
        pinned = self.project.pins.get(library) if library else None
        version = pinned or decided
        return version if version and find_version(version) is not None else None

    def _error(self, name: str, message: str, hint: str = "") -> None:
        self.findings.append(get_finding(name, message, hint, field="project"))

    # ---------------------------------------------------------------- evidence

    def evidence(self, release: ReleaseEntry, build: Build, tried: Mapping[str, Any]) -> list[dict[str, Any]]:
        """What was built, run or deployed, as rows of ``evidence``; the oldest step first."""
        facts, request = self.facts, self.project.request
        common: dict[str, Any] = {"when": facts.date, "by": facts.by}
        if facts.image_digest:
            common["image_digest"] = facts.image_digest
        if facts.link:
            common["link"] = facts.link
        what = f"{release.framework.id} {release.version}, image tag {build.tag}"
        if request.is_transformers and (model := self._public_model()):
            what += f", {model}"
        elif not request.is_transformers:
            what += f", {request.effective_model_server}"
        details = [f"{name}={text_of(value)}" for name, value in list(tried.items())[:MOST_SETTINGS]]
        changed = self._changed_pins(release)
        tail = "".join(f"; {part}" for part in (", ".join(details), ", ".join(changed), facts.notes) if part)
        ami = self.project.text("inference_ami_version")
        if facts.deployed and request.deployment_target != "batch":
            where = f"{facts.instance_type}, {ami or 'its default host'}, {request.region}"
            answer = "InService and answered" if facts.inference else "InService, but its answer was wrong or missing"
            return [{"what": "endpoint", "where": where, "result": f"{answer}: {what}{tail}", **common}]
        if facts.inference and not facts.deployed:
            where = f"a container without an endpoint, on {facts.instance_type} or alike"
            return [
                {"what": "build", "where": where, "result": f"built: {what}", **common},
                {"what": "local-run", "where": where, "result": f"answered: {what}{tail}", **common},
            ]
        return []

    def _changed_pins(self, release: ReleaseEntry) -> list[str]:
        listed = release.data.requirements.get(self.project.request.effective_model_server, [])
        return [f"{n}=={v}" for n, v in self.project.pins.items() if listed and f"{n}=={v}" not in listed]

    def _public_model(self) -> str | None:
        model = self.project.text("model", "id")
        is_hub = model is not None and re.fullmatch(r"[\w.-]+/[\w.-]+", model, re.ASCII) is not None
        return model if is_hub and model is not None and self.scrubber.is_clean(model) else None

    # ---------------------------------------------------------------- settings

    def tried(self, release: ReleaseEntry, build: Build) -> dict[str, Any]:
        """Settings the owner chose: in her answers, or in ``container.env`` since; nothing secret, no path."""
        table = table_for(release.framework, build.accelerator.type, build.source, self.registry)
        chosen: dict[str, Any] = {}
        settings = self.project.at("settings")
        for name, row in settings.items() if isinstance(settings, Mapping) else ():
            if isinstance(row, Mapping) and row.get("source") == "User_Input":
                self._keep(table, chosen, str(name), row.get("value"), release.version)
        written = self.project.at("env_vars")
        for name, value in (self.project.env or {}).items():
            row = written.get(name) if isinstance(written, Mapping) else None
            if not isinstance(row, Mapping) or row.get("value") != value:
                self._keep(table, chosen, name, value, release.version)
        return dict(sorted(chosen.items()))

    def _keep(self, table: Table, chosen: dict[str, Any], name: str, raw: Any, version: str) -> None:
        known = table.name(name)
        parameter = known.parameter
        if known.canonical is None or parameter is None or table.names_model(parameter):
            return
        value, problem = read_value(parameter, raw, version)
        if problem is not None or value is None or known.canonical in ("revision", "chat_template"):
            return
        if known.negated and isinstance(value, bool):
            value = not value
        text = text_of(value)
        private = parameter.secret or looks_secret(name, raw) or not self.scrubber.is_clean(text)
        if private or text.startswith(("/", "~", "./", "../")):
            self.scrubber.left_out.setdefault(f"the setting {known.canonical}", []).append(
                "a private value or a path"
            )
            return
        chosen[known.canonical] = value

    # ---------------------------------------------------------------- rows

    def rows(self, which: str) -> list[RowChange]:
        """The rows; empty with findings when there is nothing to say.

        Args:
            which: ``release``, ``model`` or ``both``.
        """
        found = self.release()
        if found is None:
            return []
        release, build, is_listed = found
        tried = self.tried(release, build)
        evidence = self.evidence(release, build, tried)
        level, _ = earned_level(self.facts, self.project.request.deployment_target)
        made = []
        if which != "model" and (evidence or not is_listed or not self.facts.is_test):
            made.append(self._release_row(release, build, is_listed, level, evidence))
        if which != "release" and self.project.request.is_transformers:
            model = self._model_row(release, level, evidence, tried)
            made += [model] if model is not None else []
        if made and not self.facts.is_test and not any(row.is_new for row in made):
            message = "the registries have these rows already; the facts of a test would add evidence"
            self.findings.append(get_finding("nothing-to-export", message))
        if not made:
            message = "neither a deployment nor a run succeeded, and the row is listed already"
            self.findings.append(get_finding("nothing-to-export", message, "report what failed as a known issue"))
        return made

    def _release_row(
        self, release: ReleaseEntry, build: Build, is_listed: bool, level: str, evidence: list[dict[str, Any]]
    ) -> RowChange:
        data = release.data.model_dump(exclude_defaults=True)
        row = {"version": release.version, **_proof(data, level, evidence)}
        if not is_listed:
            dropped = ("validation_level", "evidence", "released", "recommended_instance_types", "notes", "engine")
            rest = {k: v for k, v in data.items() if k not in dropped}
            row = {**rest, **row, "builds": [self._new_build(build)]}
            if self.facts.inference:
                row["recommended_instance_types"] = [self.facts.instance_type]
            server = self.project.request.effective_model_server
            if self.project.pins and not self.project.request.is_transformers:
                row["requirements"] = {server: [f"{n}=={v}" for n, v in self.project.pins.items()]}
        return RowChange(
            f"frameworks/{release.framework.id}.yaml", "framework", "releases", "version", release.version, row,
            {"kind": "framework", "id": release.framework.id}, not is_listed,
        )  # fmt: skip

    def _new_build(self, build: Build) -> dict[str, Any]:
        """The build of a release no row lists; what was found in its image replaces what was assumed."""
        row = build.model_dump(exclude_defaults=True)
        images = self.project.outside.get("images")
        for entry in images if isinstance(images, list) else ():
            facts = entry.get("facts") if isinstance(entry, Mapping) else None
            if not isinstance(facts, Mapping) or facts.get("image") != self.project.text("base_image"):
                continue
            cuda = find_numbers(facts["cuda"]) if isinstance(facts.get("cuda"), str) else None
            if cuda and build.accelerator.type == "cuda":
                row["accelerator"] = {"type": "cuda", "version": ".".join(map(str, cuda[:2])), "basis": "measured"}
        return row

    def _model_row(
        self, release: ReleaseEntry, level: str, evidence: list[dict[str, Any]], tried: Mapping[str, Any]
    ) -> RowChange | None:
        model = self._public_model()
        if model is None:
            self.scrubber.left_out.setdefault("the model", []).append("no public Hub id, so it gets no row")
            return None
        match = self.registry.find_model(model)
        if match is not None and match.match == "exact":
            if not evidence and self.facts.is_test:
                return None
            data = match.row.model_dump(exclude_defaults=True)
            row = {"match": match.row.match, **_proof(data, level, evidence)}
            head: dict[str, Any] = {"kind": "model_family", "id": match.family_id}
            return RowChange(f"models/{match.family_id}.yaml", "model_family", "models", "match", model, row, head)
        row = {"match": model, "validation_level": level, **({"evidence": evidence} if evidence else {})}
        settings = {n: v for n, v in tried.items() if n not in NOT_OF_THE_MODEL}
        if settings:
            row["engine_settings"] = {release.framework.id: settings}
        is_test = self.facts.is_test
        how, on = ("tried with", "on") if is_test else ("chosen with", "for")
        row["notes"] = [f"{how} {release.framework.id} {release.version} {on} {self.facts.instance_type}"]
        what = (
            f"a test exported with mcc-registry export by {self.facts.by}"
            if is_test
            else "a project exported with mcc-registry export"
        )
        provenance: dict[str, Any] = {
            "source": [what],
            "checked": self.facts.date,
            "basis": "measured" if is_test else "assumed",
        }
        if architecture := self._architecture(model):
            row["architecture"] = architecture
        if match is not None:
            row["provenance"] = provenance
            head = {"kind": "model_family", "id": match.family_id}
            return RowChange(
                f"models/{match.family_id}.yaml", "model_family", "models", "match", model, row, head, True
            )
        name = re.sub(r"[^a-z0-9.]+", "-", model.rpartition("/")[2].lower()).strip("-.") or "model"
        taken = set(self.registry.models)
        family = (
            name if name not in taken else f"{name}-{re.sub(r'[^a-z0-9]+', '-', model.partition('/')[0].lower())}"
        )
        head = {"kind": "model_family", "id": family, "title": model.rpartition("/")[2], "provenance": provenance}
        return RowChange(f"models/{family}.yaml", "model_family", "models", "match", model, row, head, True)

    def _architecture(self, model: str) -> dict[str, Any]:
        """Architecture facts from the Hub's configuration, as far as it was recorded with the answers."""
        from ..hub_facts import HubError, hub_facts_from_mapping
        from ..models.model import Architecture

        hub = self.project.outside.get("hub")
        try:
            facts = hub_facts_from_mapping({k: v for k, v in hub.items() if k != "asked"}) if hub else None
        except (HubError, AttributeError):
            return {}
        if facts is None or facts.model_id != model or not facts.config:
            return {}
        known = {k: v for k, v in facts.shape().items() if k in Architecture.model_fields and v not in (None, [], {})}
        if facts.parameter_count and not known.get("params_total"):
            known["params_total"] = facts.parameter_count
        known["sources"] = [f"config.json of {model}" + (f" at {facts.commit}" if facts.commit else "")]
        try:
            return Architecture.model_validate(known).model_dump(exclude_defaults=True)
        except ValueError:
            return {}


def _proof(data: Mapping[str, Any], level: str, evidence: list[dict[str, Any]]) -> dict[str, Any]:
    """Level and evidence of a row with one more test: the better level stays, evidence is never lost or doubled."""
    before = data.get("validation_level", "experimental")
    if before == "unknown":
        before = "experimental"
    kept = [dict(e) for e in data.get("evidence", [])]
    kept += [e for e in evidence if e not in kept]
    row: dict[str, Any] = {"validation_level": min(before, level, key=LEVEL_RANK.__getitem__)}
    return {**row, "evidence": kept} if kept else row


def _renamed(release: ReleaseEntry, version: str) -> ReleaseEntry:
    """A release of a predictive framework with another version of its library, on the same base image."""
    make: Any = type(release.data)
    return type(release)(
        release.framework, make({**release.data.model_dump(exclude_defaults=True), "version": version})
    )


def _nearest(version: str, versions: tuple[str, ...]) -> str:
    from ..versions import nearest_versions

    lower, higher = nearest_versions(version, versions)
    return lower or higher or versions[0]
