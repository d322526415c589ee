"""What every registry model shares: frozen, unknown keys forbidden, text is never guessed from numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Strict, StringConstraints
from pydantic_core import PydanticKnownError

from .kinds import accelerator_kinds, instance_kinds

Text = Annotated[str, Strict(), StringConstraints(min_length=1)]
Whole = Annotated[int, Strict()]
Flag = Annotated[bool, Strict()]
Number = Annotated[float, Field(allow_inf_nan=False)]
DateText = Annotated[str, Strict(), StringConstraints(pattern=r"^\d{4}-\d{2}(-\d{2})?$")]
VersionText = Annotated[str, Strict(), StringConstraints(min_length=1, max_length=60)]
NumberText = Annotated[str, Strict(), StringConstraints(pattern=r"^\d+(\.\d+)*$")]
Word = Annotated[str, Strict(), StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._\-]*$", max_length=128)]
"""A tag, a name, a prefix: it stands bare in rendered files, so it holds nothing that means something there."""

ImagePart = Annotated[str, Strict(), StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/:\-]*$", max_length=255)]
"""The registry or repository of an image reference."""

TagPattern = Annotated[str, Strict(), StringConstraints(pattern=r"^[A-Za-z0-9_{][A-Za-z0-9._{}\-]*$", max_length=128)]
Requirement = Annotated[str, Strict(), StringConstraints(pattern=r"^[A-Za-z0-9][^#@\\]*$")]
"""A line of requirements.txt that names a package: no option, no address."""

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
