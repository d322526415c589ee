"""Rules on the request itself: do the choices exist, do they apply, do they agree with each other."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..answer_forms import model_kind
from ..errors import Fact, Finding, listing, nearest, printable
from ..models.request import Request
from .base import Rule

if TYPE_CHECKING:
    from ..registry import Registry


@dataclass(frozen=True, slots=True)
class Asked:
    """A request in front of the registries."""

    request: Request
    registry: Registry


class FrameworkExists(Rule[Asked]):
    """The framework must be one the registries serve."""

    code, name, field = "MCC011", "unknown-framework", "framework"

    def check(self, subject: Asked) -> Iterable[Finding]:
        names = subject.registry.framework_names()
        if subject.request.framework in names:
            return
        near = nearest(subject.request.framework, names)
        yield self.finding(
            "error",
            f"framework: {printable(subject.request.framework)} is not one of {listing(names)}",
            hint=f"did you mean {near}?" if near else f"use {listing(names)}",
            facts=(Fact(listing(names), "registries/frameworks", "serves"),),
        )


class ServerExists(Rule[Asked]):
    """The model server must exist for the framework."""

    code, name, field = "MCC012", "unknown-model-server", "model_server"

    def check(self, subject: Asked) -> Iterable[Finding]:
        request = subject.request
        if request.framework not in subject.registry.framework_names():
            return
        names = subject.registry.framework_servers(request.framework)
        if request.effective_model_server in names:
            return
        near = nearest(request.effective_model_server, names)
        yield self.finding(
            "error",
            f"model_server: {printable(request.effective_model_server)} does not serve {request.framework}",
            hint=f"did you mean {near}?" if near else f"use {listing(names)}",
            facts=(Fact(f"{request.framework}: {listing(names)}", "registries/frameworks", "serves"),),
        )


class FormatExists(Rule[Asked]):
    """The model format must be one of the framework's; transformers models have none."""

    code, name, field = "MCC013", "unknown-model-format", "model_format"

    def check(self, subject: Asked) -> Iterable[Finding]:
        request = subject.request
        if request.is_transformers or request.framework not in subject.registry.frameworks:
            return
        formats = subject.registry.frameworks[request.framework].data.model_formats
        if request.effective_model_format in formats:
            return
        near = nearest(str(request.effective_model_format), formats)
        yield self.finding(
            "error",
            f"model_format: {printable(request.effective_model_format)} is not a format of {request.framework}",
            hint=f"did you mean {near}?" if near else f"use {listing(formats)}",
            facts=(Fact(listing(formats), f"registries/frameworks/{request.framework}.yaml", "model_formats"),),
        )


TRANSFORMERS_ONLY = (
    "model_name",
    "model_revision",
    "model_profile",
    "framework_profile",
    "chat_template",
    "hf_token_secret_arn",
)
PREDICTIVE_ONLY = ("model_format", "include_sample")


class DoesNotApply(Rule[Asked]):
    """An answer that cannot have an effect is refused, so that nobody believes it had one."""

    code, name, field = "MCC006", "does-not-apply", None

    def check(self, subject: Asked) -> Iterable[Finding]:
        request = subject.request
        fields = PREDICTIVE_ONLY if request.is_transformers else TRANSFORMERS_ONLY
        other = "sklearn, xgboost and tensorflow" if request.is_transformers else "transformers"
        for field in fields:
            value = getattr(request, field)
            if value in (None, False, "", "default", "auto") or not request.is_given(field):
                continue
            entry = subject.registry.frameworks.get(request.framework)
            if field == "framework_profile" and entry is not None and entry.data.profiles:
                continue
            yield self.finding(
                "error",
                f"{field} does not apply to {request.framework}, only to {other}",
                hint=f"leave {field} out",
                field=field,
            )


class RegionKnown(Rule[Asked]):
    """A region no table knows may exist; AWS's own images cannot be named for it."""

    code, name, field = "MCC014", "unknown-region", "region"
    severities = ("warning",)

    def check(self, subject: Asked) -> Iterable[Finding]:
        names = known_regions(subject.registry)
        region = subject.request.region
        if region in names:
            return
        near = nearest(region, names, cutoff=0.75)
        yield self.finding(
            "warning",
            f"region {printable(region)} is in no table of the registries",
            hint=f"did you mean {near}?" if near else "check the name; AWS's own images need a region that is listed",
            facts=(Fact(f"{len(names)} regions are listed", "registries/regions.yaml", "ecr"),),
        )


def known_regions(registry: Registry) -> list[str]:
    """Every region an ECR account table names, sorted."""
    known: list[str] | None = registry.memo.get("regions")
    if known is None:
        names: set[str] = set()
        for family in registry.regions.ecr.values():
            names.update(family.default_account_regions, family.accounts)
        known = registry.memo["regions"] = sorted(names)
    return known


class ArnRegion(Rule[Asked]):
    """The token's secret must be readable from the endpoint's region."""

    code, name, field = "MCC015", "secret-region", "hf_token_secret_arn"
    severities = ("warning",)

    def check(self, subject: Asked) -> Iterable[Finding]:
        parts = subject.request.hf_token_secret_arn.split(":")
        if len(parts) > 3 and parts[3] != subject.request.region:
            yield self.finding(
                "warning",
                f"the secret lives in {printable(parts[3])}, the endpoint in {subject.request.region}",
                hint="replicate the secret, or choose the same region",
            )


class ModelPath(Rule[Asked]):
    """A local model is uploaded at deploy time; the folder must exist then."""

    code, name, field = "MCC016", "local-model", "model_name"
    severities = ("info",)

    def check(self, subject: Asked) -> Iterable[Finding]:
        name = subject.request.effective_model_name
        if name and model_kind(name) == "local":
            yield self.finding(
                "info",
                f"{printable(name)} is read from this machine and uploaded to S3 by do/deploy",
                hint="keep the folder where it is, or give s3://...",
            )


RULES: tuple[Rule[Asked], ...] = (
    FrameworkExists(),
    ServerExists(),
    FormatExists(),
    DoesNotApply(),
    RegionKnown(),
    ArnRegion(),
    ModelPath(),
)
