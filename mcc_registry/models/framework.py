"""The Framework Registry: one file per model server or framework, with its releases, builds and parameter table."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from .base import (
    CommandFlag,
    DateText,
    Evidence,
    Flag,
    Folder,
    ImageKind,
    ImageRegistry,
    ImageRepository,
    KnownIssue,
    Number,
    NumberText,
    Provenance,
    Reason,
    Region,
    Requirement,
    Row,
    ScalarValue,
    SettingValue,
    Switch,
    TagPattern,
    Text,
    ValidationLevel,
    Variable,
    VersionText,
    Word,
)

ImageSourceName = Literal["aws", "upstream"]


class ImageSource(Row):
    """One place a framework's images come from.

    Attributes:
        registry: host and namespace (``vllm``, ``public.ecr.aws/x``), or "ecr:FAMILY" for an account table of
            ``regions.yaml`` (``ecr:deep_learning``); None for an official image of Docker Hub.
        repository: repository name; the image is ``registry/repository:tag``, or ``repository:tag`` without registry.
        tag_pattern: how an unlisted version's tag is written; ``{version}`` is replaced.
        serves_sagemaker: the image answers /ping and /invocations on 8080 when started with ``serve``.
        adapter: the generated project's adapter where the image does not serve SageMaker.
        entrypoint: the image's own start command, for a wrapper that must end by starting it.
        regions_missing: regions where AWS does not publish the repository.
    """

    registry: ImageRegistry | None = None
    repository: ImageRepository
    tag_pattern: TagPattern | None = None
    serves_sagemaker: Flag
    adapter: Word | None = None
    entrypoint: list[Text] = []
    regions_missing: list[Region] = []
    regions_only: list[Region] = []
    note: Text | None = None


class Accelerator(Row):
    """What an image was built for.

    Attributes:
        type: what it is for: cuda, neuron, cpu or a kind that was added.
        version: CUDA toolkit (``13.0``) or Neuron SDK (``2.26.1``); None for cpu, or when unknown.
        min: lowest version of a range the image is known to run with, if stated.
        max: highest such version.
    """

    type: ImageKind
    version: NumberText | None = None
    min: NumberText | None = None
    max: NumberText | None = None
    basis: Literal["measured", "documented", "derived", "assumed"] = "documented"


class Build(Row):
    """One image of a release.

    Attributes:
        source: aws or upstream.
        tag: image tag, complete; None = the build exists but its tag is not known, so it cannot be chosen.
        repository: overrides the image source's repository.
        accelerator: what it was built for.
        min_compute_capability: lowest GPU compute capability it has code for (``8.0``); None = unknown.
        max_compute_capability: highest one it has code for, where known.
        image_arch: CPU architectures of the image.
        devices: Neuron families it supports (``inf2``).
        cuda_compat: whether its entry point is known to activate the CUDA compat libraries.
    """

    source: ImageSourceName
    tag: Word | None = None
    repository: ImageRepository | None = None
    registry: ImageRegistry | None = None
    accelerator: Accelerator
    min_compute_capability: NumberText | None = None
    max_compute_capability: NumberText | None = None
    image_arch: list[Literal["x86_64", "arm64"]] = ["x86_64"]
    devices: list[Word] = []
    cuda_compat: Flag = False
    regions_only: list[Region] = []
    regions_missing: list[Region] = []
    serves_sagemaker: Flag | None = None
    adapter: Word | None = None
    python: NumberText | None = None
    unverified: list[Text] = []
    note: Text | None = None


class Choices(Row):
    """The choices of an enum parameter through the releases.

    Attributes:
        initial: choices in the oldest release read.
        added: release to the choices first seen there.
        last: choice to the last release that has it.
        deprecated: release to all choices deprecated there; the newest list that applies counts.
        deprecated_needs: the setting that must be true for a deprecated choice, where the engine refuses it otherwise.

    A release for which this yields no choice at all was not read: its choices are unknown.
    """

    initial: list[ScalarValue] = []
    added: dict[VersionText, list[ScalarValue]] = {}
    last: dict[str, VersionText] = {}
    deprecated: dict[VersionText, list[ScalarValue]] = {}
    deprecated_needs: Text | None = None


class Parameter(Row):
    """One engine setting.

    Attributes:
        name: the engine's own name, in lower case with underscores.
        canonical: the canonical name users and models say; ``name`` when absent.
        env: the variable images read; None when it can only be set as a flag or not at all.
        flag: the command-line flag, for reference and adapters.
        aliases: other spellings users may write (variables or names).
        negative_env: the variable that switches a default-on boolean off.
        type: int, float, bool (has an off form), flag (bare switch), str, enum, list, json or int_or_max.
        min/gt/max: bounds; ``gt`` is exclusive.
        special: values outside type or bounds that mean something of their own, as text, with the first release that knows
            them; null = always.
        since/until: first and last release that have it; None = always.
        default: the engine's default; None = the engine decides. ``default_history``: first release to value.
        units: words for people (``GiB``, ``tokens``).
        requires: canonical names without which the engine refuses the setting.
    """

    name: Word
    canonical: Word | None = None
    env: Variable | None = None
    flag: CommandFlag | None = None
    aliases: list[Word] = []
    negative_env: Variable | None = None
    type: Literal["int", "float", "bool", "flag", "str", "enum", "list", "json", "int_or_max"]
    min: Number | None = None
    gt: Number | None = None
    max: Number | None = None
    special: dict[Text, VersionText | None] = {}
    choices: Choices | list[ScalarValue] | None = None
    default: SettingValue | None = None
    default_history: dict[VersionText, SettingValue | None] = {}
    since: VersionText | None = None
    until: VersionText | None = None
    deprecated_since: VersionText | None = None
    replaced_by: Text | None = None
    required: Flag = False
    requires: list[Text] = []
    fixed: Flag = False
    secret: Flag = False
    units: Text | None = None
    note: Text | None = None
    unverified: Flag = False


class RemovedParameter(Row):
    """A setting that releases used to have: its last release and what to use instead."""

    name: Text
    until: VersionText
    instead: Text | None = None


class ProfileSetting(Row):
    """One value of a profile, with the reason for it."""

    value: SettingValue
    reason: Reason


class FrameworkProfile(Row):
    """A named bundle of settings of a framework's releases.

    Attributes:
        settings: canonical name to value and reason; each differs from the engine's default.
        versions: specifier of the releases that have the profile; None = all.
        image_source: prefer this source where the profile needs it.
    """

    title: Text
    description: Text
    settings: dict[Text, ProfileSetting]
    versions: Text | None = None
    accelerator: ImageKind | None = None
    basis: Literal["measured", "documented", "derived", "assumed"] = "derived"


class QuantizationFloors(Row):
    """The oldest GPUs an engine runs its quantisation methods on.

    Attributes:
        min_compute_capability: method to first release to the lowest compute capability from there on; a method, or a
            release before the first, that is not listed is not known.
        formats: how the format of published weights begins (``mxfp4``) to the methods that may read it.
    """

    provenance: Provenance
    min_compute_capability: dict[Text, dict[VersionText, NumberText]]
    formats: dict[Text, list[Text]] = {}


class Release(Row):
    """One version row of a framework.

    Attributes:
        version_of: the package whose version this row counts by, where that is not the framework's own number; what
            other rows say about versions of the framework then says nothing about this one.
    """

    version: VersionText
    version_of: Word | None = None
    released: DateText | None = None
    validation_level: ValidationLevel = "experimental"
    evidence: list[Evidence] = []
    builds: list[Build]
    engine: dict[Word, VersionText] = {}
    settings: dict[Text, SettingValue] = {}
    recommended_instance_types: list[Word] = []
    inference_ami_version: Word | None = None
    requirements: dict[Word, list[Requirement]] = {}
    python: NumberText | None = None
    start: list[Text] = []
    deprecated: DateText | None = None
    end_of_support: DateText | None = None
    replaced_by: VersionText | None = None
    notes: list[Text] = []


class FrameworkVariant(Row):
    """How builds of one accelerator type are configured where that differs from the framework's other builds.

    Attributes:
        image_sources: the image sources whose builds it applies to; other builds follow the framework.
    """

    image_sources: list[ImageSourceName] = ["aws", "upstream"]
    env_prefix: Variable | None = None
    flag_style: Literal["dashes", "underscores"] = "dashes"
    true_text: dict[VersionText, Switch] = {}
    false_text: dict[VersionText, Switch | None] = {}
    model_env: Variable | None = None
    revision_env: Variable | None = None
    provenance: Provenance
    parameters: list[Parameter] = []
    notes: list[Text] = []


class Framework(Row):
    """One file of ``registries/frameworks``.

    Attributes:
        serves: the frameworks it can serve (``[transformers]``); its own id for a predictive framework.
        model_servers: for predictive frameworks, the servers the project offers (``[flask, fastapi]``).
        model_formats: for predictive frameworks, formats, the default first.
        engine_of: engine whose parameter rules and memory constants apply (``lmi`` runs ``vllm``).
        pass_through: settings the table lacks reach the engine of ``engine_of`` under ``env_prefix`` and its name.
        env_prefix: prefix of engine variables (``SM_VLLM_``); names under it that the table lacks are errors.
        seed_prefix: prefix of the reference document's spelling (``VLLM_``).
        true_text: first release to how ``true`` is written for its images (``""`` or ``true``).
        false_text: as ``true_text``; None means the variable is left out.
        model_env: the variable that names the model.
        revision_env: the variable that names the model revision.
        variants: accelerator type to how its builds are configured instead (Neuron builds of vLLM).
        versions_read: releases whose parameters and choices were read; a release between two of them may have a
            parameter or choice already that ``since`` or ``added`` dates to the later one.
    """

    kind: Literal["framework"]
    id: Word
    title: Text
    description: Text
    serves: list[Word]
    model_servers: list[Word] = []
    model_formats: list[Word] = []
    engine_of: Word | None = None
    pass_through: Flag = False
    env_prefix: Variable | None = None
    seed_prefix: Variable | None = None
    flag_style: Literal["dashes", "underscores"] = "dashes"
    true_text: dict[VersionText, Switch] = {}
    false_text: dict[VersionText, Switch | None] = {}
    model_env: Variable | None = None
    revision_env: Variable | None = None
    served_model_names: Flag = True
    local_model_path: Folder = "/opt/ml/model"
    image_sources: dict[ImageSourceName, ImageSource]
    provenance: Provenance
    parameters_provenance: Provenance | None = None
    releases: list[Release] = Field(min_length=1)
    profiles: dict[Word, FrameworkProfile] = {}
    variants: dict[ImageKind, FrameworkVariant] = {}
    versions_read: list[VersionText] = []
    parameters: list[Parameter] = []
    removed_parameters: list[RemovedParameter] = []
    quantization_floors: QuantizationFloors | None = None
    known_issues: list[KnownIssue] = []
    notes: list[Text] = []
