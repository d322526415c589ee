"""The kinds of registry file: where each lies, which model shapes it, and which lists are keyed by a field."""

from __future__ import annotations

import types
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any, Union, cast, get_args, get_origin

if TYPE_CHECKING:
    from ..models.base import Row


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of file.

    Attributes:
        name: value of the file's ``kind`` key.
        module: module of ``models`` that holds the model.
        model_name: class name of the model.
        folder: folder below the registry root, "" for the root itself.
        file: file name where there is only one of the kind, else "".
        layer_only: the shipped registries have none.
    """

    name: str
    module: str
    model_name: str
    folder: str
    file: str = ""
    layer_only: bool = False

    @property
    def model(self) -> type[Row]:
        """The pydantic model of the whole file."""
        model: type[Row] = getattr(import_module(f"..models.{self.module}", __package__), self.model_name)
        return model


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("framework", "framework", "Framework", "frameworks"),
        Kind("model_family", "model", "ModelFamily", "models"),
        Kind("instance_family", "instance", "InstanceFamily", "instances"),
        Kind("gpus", "instance", "Gpus", "accelerators", "gpus.yaml"),
        Kind("cuda", "instance", "Cuda", "accelerators", "cuda.yaml"),
        Kind("amis", "instance", "Amis", "accelerators", "amis.yaml"),
        Kind("neuron", "instance", "Neuron", "accelerators", "neuron.yaml"),
        Kind("devices", "instance", "Devices", "accelerators"),
        Kind("regions", "instance", "Regions", "", "regions.yaml"),
        Kind("policy", "policy", "PolicyFile", "", "policy.yaml", layer_only=True),
    )
}

LIST_KEYS: dict[str, dict[str, str]] = {
    "framework": {"releases": "version", "parameters": "name", "removed_parameters": "name", "known_issues": "id"},
    "model_family": {"patterns": "match", "models": "match", "known_issues": "id"},
    "instance_family": {"types": "type"},
}
"""Kind to the top-level lists whose rows have a key; layers override such lists row by row."""


def find_kind(relative: str) -> Kind | None:
    """The kind of file that belongs at a path below a registry root, or None.

    Example:
        >>> find_kind("frameworks/vllm.yaml").name
        'framework'
    """
    folder, _, name = relative.rpartition("/")
    if not name.endswith(".yaml"):
        return None
    for kind in KINDS.values():
        if kind.folder == folder and kind.file in ("", name) and (kind.file or folder):
            return kind
    return None


def schema_reference(kind: str) -> str:
    """The first line of a file of this kind: where editors find its JSON Schema."""
    up = "../" if KINDS[kind].folder else ""
    return f"# yaml-language-server: $schema={up}.schemas/{kind}.json"


@lru_cache(maxsize=2048)
def bare(annotation: Any) -> Any:
    """A type without ``Annotated`` and ``| None``."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return bare(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        rest = [a for a in get_args(annotation) if a is not type(None)]
        if len(rest) == 1:
            return bare(rest[0])
        structured = [a for a in map(bare, rest) if get_origin(a) in (list, dict) or fields_of(a)]
        return structured[0] if len(structured) == 1 else Any
    return annotation


@lru_cache(maxsize=512)
def fields_of(annotation: Any) -> dict[str, Any]:
    """Field name to bare type for a model class, in order; empty for anything else."""
    from ..models.base import Row

    if isinstance(annotation, type) and issubclass(annotation, Row):
        return {name: bare(cast(Any, info.annotation)) for name, info in annotation.model_fields.items()}
    return {}


def child_type(annotation: Any, key: str | int) -> Any:
    """The type found at a key or index of a value of this type; ``Any`` when the type does not say.

    Example:
        >>> child_type(dict[str, list[int]], "a")
        list[int]
    """
    fields = fields_of(annotation)
    if fields:
        return fields.get(str(key), Any)
    origin = get_origin(annotation)
    if origin is dict:
        return bare(get_args(annotation)[1])
    if origin is list:
        return bare(get_args(annotation)[0])
    return Any
