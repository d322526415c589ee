"""What every registry model shares: frozen, unknown keys forbidden, text is never guessed from numbers."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Strict, StringConstraints
from pydantic_core import PydanticCustomError, PydanticKnownError

from .kinds import accelerator_kinds, instance_kinds

Text = Annotated[str, Strict(), StringConstraints(min_length=1)]
Whole = Annotated[int, Strict()]
Flag = Annotated[bool, Strict()]
Number = Annotated[float, Field(allow_inf_nan=False)]
DateText = Annotated[str, Strict(), StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}(-[0-9]{2})?$")]
VersionText = Annotated[str, Strict(), StringConstraints(min_length=1, max_length=60)]
NumberText = Annotated[str, Strict(), StringConstraints(pattern=r"^[0-9]+(\.[0-9]+)*$", max_length=60)]
Word = Annotated[str, Strict(), StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._\-]*$", max_length=128)]
"""A tag, a name, a prefix: it stands bare in rendered files, so it holds nothing that means something there."""

Variable = Annotated[str, Strict(), StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=128)]
"""An environment variable, or how some begin."""

CommandFlag = Annotated[str, Strict(), StringConstraints(pattern=r"^--?[A-Za-z0-9][A-Za-z0-9._\-]*$", max_length=128)]

Switch = Annotated[str, Strict(), StringConstraints(pattern=r"^[A-Za-z0-9_.\-]*$", max_length=20)]
"""How an image reads true or false in a variable."""

Reason = Annotated[str, Strict(), StringConstraints(min_length=1, max_length=1000)]
"""Why a setting has its value: a comment of one line in ``container.env``."""

Folder = Annotated[str, Strict(), StringConstraints(pattern=r"^/[A-Za-z0-9._/\-]*$", max_length=255)]
"""A folder in an image."""

Account = Annotated[str, Strict(), StringConstraints(pattern=r"^[0-9]{12}$")]
"""The number of an AWS account."""

Region = Annotated[str, Strict(), StringConstraints(pattern=r"^[a-z]{2,5}(-[a-z]+){1,3}-[0-9]{1,2}$", max_length=40)]

RegionPrefix = Annotated[str, Strict(), StringConstraints(pattern=r"^[a-z]{2,5}(-[a-z]+)*-$", max_length=40)]
"""How the names of a partition's regions begin."""


def _formed(pattern: str, words: str) -> AfterValidator:
    """Wants a form, and says it in words where a pattern is too long to be read."""

    def check(value: str) -> str:
        if len(value) > _MOST or not re.fullmatch(pattern, value, re.ASCII):
            raise PydanticCustomError("form", "{words} is wanted", {"words": words})
        return value

    return AfterValidator(check)


def _pattern(pattern: str) -> Any:
    """The same for the JSON Schema."""
    return Field(json_schema_extra={"pattern": f"^({pattern})$", "maxLength": _MOST})


def _package(value: str) -> str:
    """Wants what pip reads as one package of an index."""
    from ..versions import requirement_fault

    fault = requirement_fault(value)
    if fault is not None:
        raise PydanticCustomError("form", "{words}", {"words": fault})
    return value


_MOST = 200
_LABEL = r"[a-z0-9]+(-+[a-z0-9]+)*"
_PART = r"[a-z0-9]+((\.|__?|-+)[a-z0-9]+)*"
_PATH = rf"{_PART}(/{_PART})*"
"""Source: github.com/distribution/reference, the grammar of an image's path."""

_DOMAIN = rf"{_LABEL}(\.{_LABEL})+"
_HOST = r"[A-Za-z0-9]+([.\-]+[A-Za-z0-9]+)*"
_REGISTRY = rf"ecr:[A-Za-z0-9_\-]+|{_HOST}:[0-9]{{1,5}}(/{_PATH})?|{_HOST}\.[A-Za-z0-9]+(/{_PATH})?|{_PATH}"
_TAG = r"([A-Za-z0-9_]|\{version\})([A-Za-z0-9._\-]|\{version\})*"
_REQUIREMENT = r"[A-Za-z0-9]([A-Za-z0-9._\-]*[A-Za-z0-9])?(\[[A-Za-z0-9._,\-]+\])?([=~!<>][A-Za-z0-9.*+!,_=~<>\-]*)?"

Domain = Annotated[str, Strict(), _formed(_DOMAIN, "a domain in lower case"), _pattern(_DOMAIN)]
"""What the names of a partition's hosts end in (``amazonaws.com``)."""

ImageRegistry = Annotated[
    str, Strict(), _formed(_REGISTRY, "a host, a namespace, both or ecr:FAMILY"), _pattern(_REGISTRY)
]
"""What stands before the repository of an image reference, or the ECR accounts it comes from."""

ImageRepository = Annotated[
    str, Strict(), _formed(_PATH, "an image's path in lower case, without a tag,"), _pattern(_PATH)
]

TagPattern = Annotated[str, Strict(), _formed(_TAG, "a tag, with {version} for the version,"), _pattern(_TAG)]

Requirement = Annotated[
    str,
    Strict(),
    _formed(_REQUIREMENT, "a package with its versions, no address, path or option,"),
    AfterValidator(_package),
    _pattern(_REQUIREMENT),
]
"""A line of requirements.txt: a package's name, extras and versions as PEP 508 has them."""

ScalarValue = str | int | float | bool | None
SettingValue = str | int | float | bool | list[object] | dict[str, object]

Basis = Literal["measured", "documented", "derived", "assumed"]
ValidationLevel = Literal["tested", "community-validated", "experimental", "unknown"]


def _one_of(names: Callable[[], tuple[str, ...]]) -> AfterValidator:
    """Wants one of the names there are when a file is read; says the others as a choice of fixed names would."""

    def check(value: str) -> str:
        if value not in names():
            *most, last = map(repr, names())
            raise PydanticKnownError("literal_error", {"expected": f"{', '.join(most)} or {last}"})
        return value

    return AfterValidator(check)


def _listed(names: Callable[[], tuple[str, ...]]) -> Any:
    """The same for the JSON Schema."""
    return Field(json_schema_extra=lambda schema: schema.update(enum=[*names()]))


ImageKind = Annotated[str, Strict(), _one_of(accelerator_kinds), _listed(accelerator_kinds)]
"""What an image is built for: a kind of accelerator, or cpu."""

InstanceKind = Annotated[str, Strict(), _one_of(instance_kinds), _listed(instance_kinds)]
"""What an instance type has."""


class Row(BaseModel):
    """Base of all registry models."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True, protected_namespaces=())


class Provenance(Row):
    """Where a group of facts comes from.

    Attributes:
        source: documents, packages or repositories that were read.
        checked: the date the source was read, ``YYYY-MM-DD`` or ``YYYY-MM``.
        basis: measured, documented, derived or assumed.
        disputed: another source that disagrees, in words; findings that use the fact say so.
    """

    source: list[Text] = Field(min_length=1)
    checked: DateText
    basis: Basis
    disputed: Text | None = None
    note: Text | None = None


class Correction(Row):
    """A fact that stands against its source on purpose; ``refresh`` keeps it and says so.

    Attributes:
        field: the fact's key path (``accelerator.memory_mib_each``).
        row: the row concerned; None = the whole file, or the row the correction stands in.
        source_says: what the source says; when it says something else one day, ``refresh`` asks for a look.
        reason: why the source is not believed.
    """

    field: Text
    row: Text | None = None
    source_says: ScalarValue
    reason: Text


class Evidence(Row):
    """What was built, run or deployed; a level above ``experimental`` needs it."""

    what: Literal["build", "local-run", "endpoint"]
    where: Text
    when: DateText
    by: Text
    result: Text
    image_digest: Text | None = None
    link: Text | None = None


class KnownIssue(Row):
    """A documented problem, the condition under which it applies and its source; empty conditions always apply.

    Attributes:
        detail: what does not fit into the one line of ``what``.
        always: it applies to every release and setting on purpose; a framework's issue without conditions says so.
        versions: specifier of the framework's releases.
        instance_families: families that have the problem; with ``instance_types`` too, one of either is enough.
        instance_types: single instance types that have it (``ml.g5.48xlarge``).
        accelerator_versions: specifier of the image's CUDA or Neuron version (``>=13``).
        inference_ami_versions: the AMIs in force, named by the user or chosen.
        link: where it is reported, an address or a document.
        source: what was read, where nothing can be linked; ``assumed`` as ``basis`` says that nothing was.
        basis: how well it is known, where that differs from documented.
        reported_by: who reported it, where it rests on a report of the community.
    """

    id: Text
    what: Text
    detail: Text | None = None
    severity: Literal["warning", "info"] = "warning"
    versions: Text | None = None
    instance_families: list[Text] = []
    instance_types: list[Text] = []
    accelerator: ImageKind | None = None
    accelerator_versions: Text | None = None
    inference_ami_versions: list[Text] = []
    image_sources: list[Literal["aws", "upstream"]] = []
    setting: Text | None = None
    setting_value: ScalarValue = None
    models: list[Text] = []
    always: Flag = False
    workaround: Text | None = None
    link: Text | None = None
    source: Text | None = None
    basis: Basis | None = None
    reported_by: Text | None = None
    date: DateText | None = None
