"""Rules on the release and the deployment: level, age, known issues, batch transform, price."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

from ..errors import Fact, Finding, listing
from ..models.levels import LEVEL_MEANING
from ..patterns import does_match
from ..versions import matches
from .base import Rule, numbers_text
from .candidate import Candidate

if TYPE_CHECKING:
    from ..models.base import KnownIssue


class Level(Rule[Candidate]):
    """How much a release has been proven; experimental and unknown ones are named as such before production."""

    code, name, field = "MCC205", "validation-level", "framework_version"
    severities = ("warning",)
    of_place = False

    def check(self, subject: Candidate) -> Iterable[Finding]:
        level = subject.release.data.validation_level
        if level in ("experimental", "unknown"):
            yield self.finding(
                "warning",
                f"{subject.image_title} is {level}: no deployment of it is recorded",
                hint="try it on an endpoint of your own before production",
                facts=(
                    Fact(
                        f"{level}: {LEVEL_MEANING[level]}",
                        subject.release.file,
                        f"releases[{subject.version}].validation_level",
                    ),
                ),
            )


class TestRecorded(Rule[Candidate]):
    """Somebody recorded a build, a run or a deployment of this release or model: what, where, when, by whom, with what result.

    Tests on the same instance type come first, then those on its family, then the newest.
    """

    code, name, field = "MCC216", "test-recorded", "framework_version"
    severities = ("info",)

    def check(self, subject: Candidate) -> Iterable[Finding]:
        key = f"releases[{subject.version}].evidence"
        homes = [(subject.image_title, subject.release.data.evidence, subject.release.file, key, "framework_version")]
        match = subject.match
        if match is not None:
            homes.append((match.matched, match.row.evidence, match.file, f"{match.matched}.evidence", "model_name"))
        for title, evidence, file, key, field in homes:
            if not evidence:
                continue
            rows = sorted(evidence, key=lambda e: e.when, reverse=True)
            rows.sort(
                key=lambda e: (subject.instance.type not in e.where, f"ml.{subject.instance.family}." not in e.where)
            )
            links = list(dict.fromkeys(e.link for e in rows[:MOST_TESTS] if e.link))
            yield self.finding(
                "info",
                f"{title} has {len(rows)} recorded test{'s' if len(rows) > 1 else ''}",
                hint=f"see {listing(links)}" if links else "",
                facts=[
                    Fact(f"{e.what} on {e.where}, {e.when}, by {e.by}: {e.result}", file, key)
                    for e in rows[:MOST_TESTS]
                ],
                field=field,
            )


MOST_TESTS = 4
"""Most recorded tests shown of one release or model."""


class TagUnknown(Rule[Candidate]):
    """A build that is known to exist, but whose image tag no source read names, is listed and cannot be deployed."""

    code, name, field = "MCC215", "tag-unknown", "framework_version"
    of_place = False

    def check(self, subject: Candidate) -> Iterable[Finding]:
        build = subject.build
        if build.tag is not None:
            return
        known = [b for b in subject.release.builds if b.tag and b.accelerator.type == build.accelerator.type]
        hint = "choose another release; framework_version=recommended takes one whose image is known"
        if known:
            hint = f"builds with a known tag: {listing([str(b.tag) for b in known])}"
        key = f"releases[{subject.version}].builds"
        yield self.finding(
            "error",
            f"{subject.image_title} exists for {subject.needs.text}, but the tag of its image is not known",
            hint=hint,
            facts=(Fact("the tag stands in no source that was read", subject.release.file, key),),
        )


class DeprecatedRelease(Rule[Candidate]):
    """A deprecated release stays resolvable for old projects; the finding names its successor."""

    code, name, field = "MCC206", "release-deprecated", "framework_version"
    severities = ("warning",)
    of_place = False

    def check(self, subject: Candidate) -> Iterable[Finding]:
        data = subject.release.data
        if data.deprecated or data.end_of_support:
            when = f" since {data.deprecated}" if data.deprecated else ""
            end = f", unsupported from {data.end_of_support}" if data.end_of_support else ""
            yield self.finding(
                "warning",
                f"{subject.image_title} is deprecated{when}{end}",
                hint=f"framework_version={data.replaced_by}" if data.replaced_by else "framework_version=recommended",
                facts=(Fact("deprecated", subject.release.file, f"releases[{subject.version}]"),),
            )


def issue_concerns(issue: KnownIssue, subject: Candidate) -> bool:
    """Whether a known issue's conditions on release, image and model hold; no instance type changes that."""
    if issue.versions and not matches(subject.version, issue.versions):
        return False
    if issue.accelerator and issue.accelerator != subject.needs.kind:
        return False
    if issue.image_sources and subject.build.source not in issue.image_sources:
        return False
    if issue.models and not any(does_match(m, subject.model_name or "") for m in issue.models):
        return False
    if issue.accelerator_versions:
        version = subject.needs.version
        if version is None or not matches(numbers_text(version), issue.accelerator_versions):
            return False
    return True


def issue_applies(issue: KnownIssue, subject: Candidate) -> bool:
    """Whether the conditions on instance type, AMI and settings of an issue that concerns the build hold too."""
    if issue.instance_families or issue.instance_types:
        instance = subject.instance
        if instance.family not in issue.instance_families and instance.type not in issue.instance_types:
            return False
    if issue.inference_ami_versions and subject.inference_ami_version not in issue.inference_ami_versions:
        return False
    if issue.setting:
        setting = subject.settings.get(issue.setting)
        if setting is None or (issue.setting_value is not None and setting.value != issue.setting_value):
            return False
    return True


def _advice(issue: KnownIssue) -> str:
    """The workaround and the link, in one hint."""
    parts = [issue.workaround or "", f"see {issue.link}" if issue.link else ""]
    return "; ".join(part for part in parts if part)


def _issue_facts(issue: KnownIssue, file: str) -> list[Fact]:
    """Where an issue is from, how well it is known, and what else there is to say."""
    known = issue.link or issue.source or (f"reported by {issue.reported_by}" if issue.reported_by else issue.id)
    basis = f" ({issue.basis})" if issue.basis else ""
    key = f"known_issues[{issue.id}]"
    return [Fact(known + basis, file, key), *([Fact(issue.detail, file, f"{key}.detail")] if issue.detail else [])]


class KnownIssues(Rule[Candidate]):
    """A documented problem of the release, the model or the instance that applies here, with its workaround."""

    code, name, field = "MCC210", "known-issue", "framework_version"
    severities = ("warning", "info")

    def check(self, subject: Candidate) -> Iterable[Finding]:
        issues = subject.notes.get(self.name)
        if issues is None:
            framework, match = subject.release.framework, subject.match
            homes = [(framework.data.known_issues, framework.file_of_issue, "framework_version")]
            if match is not None:
                file_of = partial(subject.registry.file_of_issue, match.family_id)
                homes.append((match.family.known_issues, file_of, "model_name"))
            issues = subject.notes[self.name] = [
                (issue, file_of(issue.id), field)
                for rows, file_of, field in homes
                for issue in rows
                if issue_concerns(issue, subject)
            ]
        for issue, file, field in issues:
            if issue_applies(issue, subject):
                yield self.finding(
                    issue.severity,
                    f"known issue: {issue.what}"
                    + (f" (reported by {issue.reported_by})" if issue.reported_by else ""),
                    hint=_advice(issue),
                    facts=_issue_facts(issue, file),
                    field=field,
                )


class DisputedRows(Rule[Candidate]):
    """Rows the plan rests on are disputed: a source disagrees with the framework's or the model's facts.

    Source: ``disputed`` of the rows' provenance; the host's side is MCC121.
    """

    code, name, field = "MCC218", "disputed-rows", "framework_version"
    severities = ("info",)
    of_place = False

    def check(self, subject: Candidate) -> Iterable[Finding]:
        data, match = subject.release.framework.data, subject.match
        file = subject.framework_file
        homes = [
            (data.provenance, f"the releases of {data.id}", file, "provenance", "framework_version"),
            (data.parameters_provenance, f"the settings of {data.id}", file, "parameters_provenance", "env_vars"),
        ]
        if match is not None:
            for home in (match.family.provenance, match.row.provenance):
                homes.append((home, f"the facts of {match.matched}", match.file, "provenance", "model_name"))
        for provenance, what, where, key, field in homes:
            if provenance is not None and provenance.disputed:
                yield self.finding(
                    "info",
                    f"sources disagree on {what}",
                    facts=(Fact(provenance.disputed, where, f"{key}.disputed"),),
                    field=field,
                )


class BatchInstance(Rule[Candidate]):
    """Batch transform accepts fewer instance types than endpoints do (116 of 277).

    Source: botocore 1.44.5, enum TransformInstanceType (facts/instances.yaml).
    """

    code, name, field = "MCC207", "not-for-batch", "instance_type"

    def check(self, subject: Candidate) -> Iterable[Finding]:
        if subject.request.deployment_target != "batch" or subject.instance.transform:
            return
        yield self.finding(
            "error",
            f"{subject.instance.type} does not exist for batch transform",
            hint="choose a type that exists for batch transform",
            wants="types",
            facts=(Fact("transform: false", subject.instance.file, "types"),),
        )


class BatchModelSource(Rule[Candidate]):
    """A transform job takes no uncompressed S3 prefix as its model; a .tar.gz object works.

    Source: facts/sagemaker.md, "Model artifacts" (ModelDataSource is not usable with batch transform).
    """

    code, name, field = "MCC208", "batch-model-source", "model_name"
    of_place = False

    def check(self, subject: Candidate) -> Iterable[Finding]:
        name = subject.model_name or ""
        if subject.request.deployment_target == "batch" and name.startswith("s3://") and not name.endswith(".tar.gz"):
            yield self.finding(
                "error",
                "batch transform cannot read a model from an S3 prefix",
                hint="pack the model: model_name=s3://BUCKET/PREFIX/model.tar.gz",
            )


class PriceUnknown(Rule[Candidate]):
    """A type without a known price may be named, but never chosen for somebody."""

    code, name, field = "MCC209", "price-unknown", "instance_type"
    severities = ("info",)

    def check(self, subject: Candidate) -> Iterable[Finding]:
        if subject.instance.price_usd_hour is None:
            yield self.finding(
                "info",
                f"no price is known for {subject.instance.type}",
                hint="it may be sold as capacity blocks only; ask AWS before deploying",
                facts=(Fact("no price", subject.instance.file, "types"),),
            )


RULES: tuple[Rule[Candidate], ...] = (
    Level(),
    TestRecorded(),
    TagUnknown(),
    DeprecatedRelease(),
    KnownIssues(),
    DisputedRows(),
    BatchInstance(),
    BatchModelSource(),
    PriceUnknown(),
)
