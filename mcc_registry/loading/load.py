"""Shipped registries and layers to one set of documents, or every fault at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import Finding, RegistryError
from .documents import SHIPPED, SHIPPED_SHOWN, Documents, Layer, fill_layer, lay_over, missing_singles, open_layer
from .faults import place_of
from .files import read_text
from .rows import RowClasses, shapes_of_models
from .snapshot import read_snapshot


@dataclass(slots=True)
class Loaded:
    """Everything loaded.

    Attributes:
        layers: the folders, shipped first.
        documents: kind and id to document, all layers merged.
        rows: the classes rows are made of.
        faults: what is wrong; the documents are what could be read nevertheless.
        from_snapshot: whether the shipped documents come from the compiled snapshot.
    """

    layers: list[Layer]
    documents: Documents
    rows: RowClasses
    faults: list[Finding]
    from_snapshot: bool

    @property
    def version(self) -> str:
        """Digest of all loaded files, short."""
        if len(self.layers) == 1:
            return self.layers[0].digest[:12]
        from hashlib import sha256

        return sha256("".join(layer.digest for layer in self.layers).encode()).hexdigest()[:12]

    @property
    def broken(self) -> set[str]:
        """Kinds of which a file could not be read."""
        return set().union(*(layer.broken for layer in self.layers))

    def templates(self) -> dict[str, Path]:
        """Chat format to template file; later layers win."""
        merged: dict[str, Path] = {}
        for layer in self.layers:
            merged.update(layer.templates)
        return merged


def load_documents(
    root: Path,
    layer_paths: Sequence[Path] = (),
    *,
    snapshot: bool = True,
    keep: bool = False,
    shown: str = SHIPPED_SHOWN,
    shown_layers: Mapping[str, str] | None = None,
    digest: str | None = None,
) -> Loaded:
    """Everything the shipped registries and the layers say; faults are collected, nothing is raised.

    Args:
        root: folder of the shipped registries.
        layer_paths: further folders, lowest first.
        snapshot: use the compiled snapshot when it matches.
        keep: keep positions and texts of the shipped files too, for rules of meaning.
        shown: how the root is called in messages.
        shown_layers: layer path to how the layer is called in messages and provenance; its path where it is missing.
        digest: the digest of the shipped files, from a caller who knows that they are those it was made of; they are
            not read then, if the snapshot has this digest too.
    """
    shipped, shapes, compiled = _shipped(root, shown, digest, snapshot=snapshot and not keep, keep=keep)
    documents = shipped.documents
    layers = [shipped]
    names = {SHIPPED}
    for number, path in enumerate(layer_paths, start=1):
        called = (shown_layers or {}).get(str(path), str(path))
        called = f"./{called}" if Path(called) == Path(shown) else called  # or its files would pass for shipped ones
        layer, contents = open_layer(path, layer_name(path, names), called)
        names.add(layer.name)
        fill_layer(layer, number, contents, documents, keep=True)
        documents = lay_over(documents, layer)
        layers.append(layer)
    faults = sorted((fault for layer in layers for fault in layer.faults), key=place_of)
    return Loaded(layers, documents, RowClasses(shapes), faults, compiled)


def _shipped(
    root: Path, shown: str, digest: str | None, *, snapshot: bool, keep: bool
) -> tuple[Layer, Mapping[str, Any], bool]:
    """The shipped registries as the lowest layer, the shapes of their rows, and whether they come from the snapshot."""
    if snapshot and digest and (found := read_snapshot(root, digest)):
        layer = Layer(SHIPPED, root, shown, found[0], digest=digest)
        layer.counts = found[1]["counts"]
        layer.templates = {name: root / path for name, path in found[1]["templates"].items()}
        return layer, found[1]["shapes"], True
    layer, contents = open_layer(root, SHIPPED, shown)
    if snapshot and not layer.faults and (found := read_snapshot(root, layer.digest)):
        layer.documents = found[0]
        return layer, found[1]["shapes"], True
    fill_layer(layer, 0, contents, {}, keep=keep)
    if not layer.faults:
        layer.faults = missing_singles(layer.documents, shown)
    return layer, shapes_of_models(), False


def layer_name(path: Path, taken: set[str]) -> str:
    """A layer's name: its folder's, with more of the path where that is taken.

    Example:
        >>> layer_name(Path("/a/team/registries"), {"shipped", "registries"})
        'team/registries'
    """
    parts = path.absolute().parts
    for length in range(1, len(parts) + 1):
        name = "/".join(parts[-length:])
        if name not in taken:
            return name
    return f"{path}#{len(taken)}"


def get_error(faults: Sequence[Finding], layers: Sequence[Layer]) -> RegistryError:
    """The exception that shows every fault and says how to go on without a broken layer."""
    broken = [layer for layer in layers[1:] if any(_is_below(f.source, layer.shown) for f in faults)]
    count = f"{len(faults)} fault{'s' if len(faults) != 1 else ''}"
    if broken:
        names = ", ".join(layer.shown for layer in broken)
        title = (
            f"registry layer {names}: {count}; "
            "to go on without it, leave it out of REGISTRY_PATH, registry_path and --registry-path"
        )
    else:
        title = f"the registries have {count}; this is a bug unless you edited them"
    error = RegistryError(tuple(faults), title)
    error.args = (
        "\n".join([title, *(f"{f.source}: {f.message} [{f.code}]" for f in (g.to_show() for g in faults))]),
    )
    return error


def _is_below(source: str, shown: str) -> bool:
    return source.startswith((f"{shown}/", f"{shown}:"))


def read_template(path: Path) -> str:
    """The text of a chat template.

    Raises:
        RegistryError: the file cannot be read any more.
    """
    from .faults import get_fault

    try:
        return read_text(path)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or getattr(error, "reason", "")
        raise RegistryError([get_fault("file-unreadable", str(reason), f"{path}:1")]) from None
