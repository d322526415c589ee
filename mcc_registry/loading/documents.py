"""Registry folders to documents: every file read, parsed, laid over what is below and judged for its shape."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import Finding
from .faults import get_fault
from .files import FoundFile, decode, find_files, read_bytes
from .kinds import KINDS

if TYPE_CHECKING:
    from .salvage import Lost
    from .yaml_text import Pos

Origins = dict[tuple[str, str], int]
"""``(collection, key)`` to the layer that last changed the entry."""

SHIPPED = "shipped"
"""Name of the lowest layer."""

SHIPPED_SHOWN = "registries"
"""How the shipped folder is called in messages and provenance."""


@dataclass(slots=True)
class Document:
    """One registry file with everything the layers up to one layer say in it.

    Attributes:
        kind: name of its kind.
        id: file name without ending.
        shown: path to show to people: the file of the highest layer that says something in it.
        layer: index of that layer, 0 for the shipped registries.
        index: what look-ups need without the rows (``models``, ``patterns``, ``types``, ``versions``, ...).
        origins: entries that layers changed, and the layer that changed each last.
        files: layer to shown path, for each layer that says something.
        made_by: the lowest layer that says something.
        pos: positions of what ``layer`` says; None for rows from a snapshot.
        text: the file's text where it was read for validation.
        wounds: lines of its file that have faults; the rows are what could be read nevertheless.
        lost: entries that could not be read, in this layer or one below.
    """

    kind: str
    id: str
    shown: str
    layer: int
    index: dict[str, Any]
    read: Callable[[], dict[str, Any]]
    origins: Origins = field(default_factory=dict)
    files: dict[int, str] = field(default_factory=dict)
    made_by: int = 0
    pos: Pos | None = None
    text: str = ""
    wounds: frozenset[int] = frozenset()
    lost: Lost = frozenset()

    def layer_of(self, collection: str, key: str) -> int:
        """The layer that last said something about an entry."""
        return self.origins.get((collection, key), self.made_by)

    def file_of(self, collection: str, key: str) -> str:
        """The shown path of the file that last said something about an entry."""
        return self.files.get(self.layer_of(collection, key), self.shown)


Documents = dict[tuple[str, str], Document]


@dataclass(slots=True)
class Layer:
    """One folder as it was read.

    Attributes:
        name: ``shipped`` or the folder's name.
        path: the folder.
        shown: how the folder is called in messages.
        documents: the documents the folder says something in, merged with what is below.
        policy: data of its ``policy.yaml`` with the shown path, if it has one.
        templates: chat format to file.
        counts: folder to the number of files.
        removed: documents it removes whole.
        faults: everything wrong with it.
        broken: kinds of which a file could not be read.
        digest: digest of the files' names and bytes.
    """

    name: str
    path: Path
    shown: str
    documents: Documents = field(default_factory=dict)
    policy: Document | None = None
    templates: dict[str, Path] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    removed: list[tuple[str, str]] = field(default_factory=list)
    faults: list[Finding] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)
    digest: str = ""


def index_of(kind: str, raw: Mapping[str, Any]) -> dict[str, Any]:
    """What look-ups need to know of a document without its rows."""
    if kind == "model_family":
        return {name: [row["match"] for row in raw.get(name, [])] for name in ("models", "patterns")}
    if kind == "instance_family":
        return {"types": [row["type"] for row in raw["types"]]}
    if kind == "framework":
        from ..versions import find_version

        versions = [row["version"] for row in raw["releases"]]
        valid = sorted((v for v in versions if find_version(v)), key=lambda v: find_version(v), reverse=True)  # type: ignore[arg-type, return-value]
        return {
            "serves": raw["serves"],
            "model_servers": raw.get("model_servers", []),
            "versions": valid,
            "at": {version: position for position, version in enumerate(versions)},
        }
    return {}


def digest_of(contents: Iterable[tuple[str, bytes]]) -> str:
    """A digest of files' names and bytes, in the order given."""
    from hashlib import sha256

    total = sha256()
    for name, data in contents:
        total.update(f"{name}\0{len(data)}\0".encode("utf-8", "surrogateescape"))
        total.update(data)
    return total.hexdigest()


def count_files(files: Iterable[FoundFile]) -> dict[str, int]:
    """Number of files by folder (``accelerators``, ``regions``)."""
    counts: dict[str, int] = {}
    for found in files:
        folder = found.relative.partition("/")[0].removesuffix(".yaml")
        counts[folder] = counts.get(folder, 0) + 1
    return counts


def open_layer(path: Path, name: str, shown: str) -> tuple[Layer, list[tuple[FoundFile, bytes]]]:
    """A folder's files and bytes; what cannot be read becomes a fault of the layer."""
    layer = Layer(name, path, shown)
    what = _why_no_folder(path)
    if what:
        hint = "correct the path, or leave it out to go on without this layer"
        layer.faults.append(get_fault("layer-missing", f"{shown} {what}", f"{shown}:1", hint=hint))
        return layer, []
    files, layer.faults = find_files(path, shown)
    layer.counts = count_files(files)
    contents: list[tuple[FoundFile, bytes]] = []
    for found in files:
        data = read_bytes(found)
        if isinstance(data, Finding):
            layer.faults.append(data)
            if found.kind:
                layer.broken.add(found.kind.name)
        else:
            contents.append((found, data))
    if not files and not layer.faults:
        inner = path / "registries"
        hint = (
            f"did you mean {shown}/registries?" if inner.is_dir() else "mcc-registry init-layer DIR writes an example"
        )
        layer.faults.append(get_fault("layer-missing", f"{shown} holds no registry file", f"{shown}:1", hint=hint))
    layer.templates = {found.id: Path(found.path) for found, _ in contents if found.kind is None}
    layer.digest = digest_of((found.relative, data) for found, data in contents)
    return layer, contents


def _why_no_folder(path: Path) -> str:
    """Why a layer's path names no folder; "" when it does."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return "has a name that is not UTF-8 text, which no project can record"
    try:
        return "" if path.is_dir() else "is not a folder" if path.exists() else "does not exist"
    except (OSError, ValueError) as error:  # a name that is too long, a NUL
        return f"cannot be looked at ({(getattr(error, 'strerror', None) or 'no path').lower()})"


def fill_layer(
    layer: Layer, number: int, contents: Iterable[tuple[FoundFile, bytes]], below: Documents, *, keep: bool
) -> None:
    """Parse a layer's files over the documents below; faults are collected, nothing is raised.

    Args:
        layer: the layer to fill.
        number: its index, 0 for the shipped registries.
        contents: its files and their bytes.
        below: documents of the layers below; not changed.
        keep: keep positions and texts for rules of meaning.
    """
    for found, data in contents:
        text = decode(data, found.shown)
        if isinstance(text, Finding):
            layer.faults.append(text)
            document = None
        elif found.kind is None:
            continue
        else:
            document = _read_document(layer, number, found, text, below, keep)
        if found.kind is None:
            continue
        if document is None:
            if (found.kind.name, found.id) not in layer.removed:
                layer.broken.add(found.kind.name)
        elif found.kind.layer_only:
            layer.policy = document
        else:
            layer.documents[found.kind.name, found.id] = document


def _read_document(
    layer: Layer, number: int, found: FoundFile, text: str, below: Documents, keep: bool
) -> Document | None:
    """One file over what is below; None when nothing of it can be used or when it removes the file.

    The layer gets the faults. A file with some is read as far as it is sound, so that its other rows are judged, too.
    """
    from .layers import Merge, duplicate_rows
    from .shape import check_shape
    from .yaml_text import parse_yaml

    assert found.kind is not None
    kind = found.kind
    parsed = parse_yaml(text, found.shown, one_line=True)
    layer.faults += parsed.faults
    if not parsed.usable:
        return None
    known = len(layer.faults) - len(parsed.faults)
    base = below.get((kind.name, found.id))
    value, pos, origins = parsed.data, parsed.pos, {}
    if number and not kind.layer_only:
        if value is None and pos.text == "null":
            if base is None:
                fault = get_fault("nothing-to-remove", f"no registry below has {found.relative}", pos.source)
                layer.faults.append(fault)
            else:
                layer.removed.append((kind.name, found.id))
            return None
        merge = Merge(kind.name, base.read() if base else {}, value, pos, number)
        value, pos, origins = merge.data, merge.pos, merge.origins
        layer.faults += merge.faults
        if isinstance(value, dict):
            value = {"kind": kind.name, **value} if kind.file else {"kind": kind.name, "id": found.id, **value}
    layer.faults += duplicate_rows(kind.name, parsed.data, parsed.pos)
    raw, faults = check_shape(kind, value, pos)
    taken = {fault.source for fault in parsed.faults}
    layer.faults += [fault for fault in faults if fault.source not in taken]
    lost: Lost = frozenset()
    if raw is None:
        from .salvage import salvage

        saved = salvage(kind, value, pos)
        if saved is None:
            return None
        raw, pos, lost = saved.raw, saved.pos, saved.lost
    wounds = (fault.source.rpartition(":")[2] for fault in layer.faults[known:])
    return Document(
        kind.name,
        found.id,
        found.shown,
        number,
        index_of(kind.name, raw),
        _constant(raw),
        origins={**(base.origins if base else {}), **origins},
        files={**(base.files if base else {}), number: found.shown},
        made_by=base.made_by if base else number,
        pos=pos if keep else None,
        text=text if keep else "",
        wounds=frozenset(int(line) for line in wounds if line.isdigit()),
        lost=lost | (base.lost if base else frozenset()),
    )


def _constant(raw: dict[str, Any]) -> Callable[[], dict[str, Any]]:
    return lambda: raw


def lay_over(below: Documents, layer: Layer) -> Documents:
    """The documents of the layers below with one more layer."""
    merged = {**below, **layer.documents}
    for key in layer.removed:
        merged.pop(key, None)
    return merged


def missing_singles(documents: Documents, shown: str) -> list[Finding]:
    """A fault for each file a registry cannot do without."""
    return [
        get_fault("file-unreadable", f"{kind.folder}/{kind.file} is missing".lstrip("/"), f"{shown}:1")
        for kind in KINDS.values()
        if kind.file and not kind.layer_only and (kind.name, kind.file.removesuffix(".yaml")) not in documents
    ]


def dump_row(raw: Mapping[str, Any]) -> str:
    """Plain data as compact JSON on one line."""
    return json.dumps(raw, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
