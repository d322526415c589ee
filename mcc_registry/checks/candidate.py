"""One candidate plan: a release's build on an instance type with merged settings, as the candidate rules see it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..models.request import Request
from ..settings import SettingName, Table, ValueProblem
from .base import ImageNeeds

if TYPE_CHECKING:
    from ..models.framework import Build
    from ..models.model import Architecture, Chat
    from ..models.plan import EnvVar, Setting
    from ..registry import Instance, ModelMatch, Registry, ReleaseEntry
    from ..sizing import FitResult, ModelShape


@dataclass(frozen=True, slots=True)
class UserSetting:
    """One entry of ``env_vars``: as written, what it means, and its value or the reason it is refused."""

    written: str
    raw: Any
    name: SettingName
    value: Any
    problem: ValueProblem | None


@dataclass(frozen=True, slots=True)
class Skipped:
    """A registry setting that the chosen release does not know; it is left out."""

    canonical: str
    value: Any
    source: str
    why: str


@dataclass(frozen=True, slots=True)
class Published:
    """What is known of the model's repository: by the Hub where it was asked, else by the registry.

    Attributes:
        of_hub: the model is named by a Hub id, not by a folder or an S3 address.
        hub: what became of asking the Hub (``HubFacts.status``); None = it was not asked.
        gated: whether its files need a token of an account that accepted the terms; None = unknown.
        gated_by_hub: the Hub says so; False = the registry does.
        template: whether it has a chat template; None = unknown.
        template_by_hub: the Hub says so; False = the registry does.
        template_source: where the plan's chat template comes from.
        remote_code: its configuration names code of its own.
        contents: ``gguf`` or ``adapter`` where it holds nothing else; None = a model, or unknown.
    """

    of_hub: bool = True
    hub: str | None = None
    gated: bool | None = None
    gated_by_hub: bool = False
    template: bool | None = None
    template_by_hub: bool = False
    template_source: str = "none"
    remote_code: bool = False
    contents: str | None = None


NOTHING_PUBLISHED = Published()
"""Nothing is known of a repository, or there is none."""


@dataclass(slots=True)
class Candidate:
    """Everything the candidate rules judge. Built by ``resolve``; rules only read it.

    Attributes:
        image_title: what people call the image, ``vLLM 0.30.0``.
        user: the user's ``env_vars``.
        settings: merged settings by canonical name.
        skipped: registry settings the release does not know.
        unwritable: canonical name to why the image cannot be told.
        env: the variables of ``container.env``.
        shape: architecture facts for sizing; None = the model is unknown.
        fit: memory result at the candidate's settings; None where memory is not judged.
        context: the model's full context in tokens; None = unknown.
        inference_ami_version: the AMI in force, named or chosen; None = left out.
        published: what is known of the model's repository.
        notes: what rules worked out that no instance type changes; shared by the candidates of one build.
    """

    registry: Registry
    request: Request
    release: ReleaseEntry
    build: Build
    needs: ImageNeeds
    instance: Instance
    table: Table
    image_title: str
    match: ModelMatch | None = None
    architecture: Architecture | None = None
    chat: Chat | None = None
    user: tuple[UserSetting, ...] = ()
    settings: dict[str, Setting] = field(default_factory=dict)
    skipped: tuple[Skipped, ...] = ()
    unwritable: dict[str, str] = field(default_factory=dict)
    env: dict[str, EnvVar] = field(default_factory=dict)
    env_bytes: int = 0
    shape: ModelShape | None = None
    fit: FitResult | None = None
    context: int | None = None
    model_name: str | None = None
    model_file: str = ""
    engine: str = ""
    engine_version: str = ""
    model_profile: str | None = None
    inference_ami_version: str | None = None
    published: Published = NOTHING_PUBLISHED
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def version(self) -> str:
        """The release's version."""
        return self.release.version

    @property
    def framework_file(self) -> str:
        """The registry file of the framework."""
        return self.release.framework.file

    @property
    def env_count(self) -> int:
        """The number of variables."""
        return len(self.env)

    def value(self, canonical: str, default: Any = None) -> Any:
        """A merged setting's value, or the default when no source set it."""
        setting = self.settings.get(canonical)
        return default if setting is None else setting.value
