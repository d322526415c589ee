"""Facts from outside the template: recorded with the answers, and replayed when the old version is rendered again.

An update renders three times (design.md section 8). The old copy must come out as it did then, so it gets what the
answers recorded: the Hub's facts, the files of the layers, the text of the chat template. The new copy must equal the
real project, so it gets what the real one got, through :func:`process_store`.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
import os
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

Role = Literal["real", "old", "new"]

MARKS: dict[str, Role] = {".old_copy.": "old", ".new_copy.": "new"}
"""Parts of the names of the folders Copier renders into for an update's comparison.

Source: Copier 9.19.1, ``Worker._apply_update``.
"""

MAX_RECORDED_BYTES = 256 * 1024
"""Longest line the layers together, or a chat template, may become in the answers; of larger ones only a digest is kept.
Registry files shrink to a fifth or less when packed."""

MAX_UNPACKED_BYTES = 8 * MAX_RECORDED_BYTES
"""Most bytes a record is unpacked to; the answers file is a file anybody may edit."""


def process_store() -> dict[Any, Any]:
    """Plain data kept for this process; an update's workers run different checkouts and share only this.

    Keys: ``(model, revision)`` to the Hub's facts; ``real`` to what the real project was rendered from; ``old`` to
    what the old copy was. A later version must go on understanding what an earlier one wrote: read with ``get``.
    """
    module = sys.modules.setdefault("_mcc_process_store", ModuleType("_mcc_process_store"))
    store: dict[Any, Any] = module.__dict__.setdefault("store", {})
    return store


def role_of(destination: Path) -> Role:
    """Which of an update's copies is rendered there; ``real`` for the project itself and for a plain copy."""
    for part in destination.parts:
        for mark, role in MARKS.items():
            if mark in part:
                return role
    return "real"


@dataclass(frozen=True, slots=True)
class Place:
    """One layer: where it lies, and how messages and the project call it (as it was written)."""

    path: Path
    shown: str


def find_places(registry_path: str, destination: Path, environ: Mapping[str, str]) -> list[Place]:
    """The layers of ``REGISTRY_PATH`` and of the answer, lowest first.

    A relative folder starts at the destination. One of the variable that is not there may start at the current
    folder, as variables do elsewhere.
    """
    places: dict[str, Place] = {}
    for text, from_here in ((environ.get("REGISTRY_PATH", ""), True), (registry_path, False)):
        for part in text.split(os.pathsep):
            if not part.strip():
                continue
            path = Path(part)
            with contextlib.suppress(RuntimeError):
                path = path.expanduser()
            if not path.is_absolute():
                here = Path.cwd() / path
                path = Path(os.path.normpath(destination / path))  # the destination itself may not exist yet
                path = here if from_here and not path.exists() and here.exists() else path
            places.pop(str(path), None)
            places[str(path)] = Place(path, part)
    return list(places.values())


def pack(files: Mapping[str, str]) -> str:
    """Texts by name as one short line."""
    return _packed(json.dumps(files, sort_keys=True).encode())


def pack_within(files: Mapping[str, str], limit: int = MAX_RECORDED_BYTES) -> str | None:
    """As :func:`pack`; None when the line would be longer than ``limit``, or too large to be unpacked again."""
    data = json.dumps(files, sort_keys=True).encode()
    if len(data) > MAX_UNPACKED_BYTES:
        return None
    line = _packed(data)
    return line if len(line) <= limit else None


def _packed(data: bytes) -> str:
    return base64.b64encode(zlib.compress(data, 9)).decode("ascii")


def unpack(text: object) -> dict[str, str] | None:
    """What :func:`pack` was given; None when the line is none of its lines."""
    if not isinstance(text, str):
        return None
    try:
        worker = zlib.decompressobj()
        data = worker.decompress(base64.b64decode(text, validate=True), MAX_UNPACKED_BYTES)
        found = json.loads(data)
    except (binascii.Error, ValueError, zlib.error, RecursionError, MemoryError):
        return None
    if not isinstance(found, dict) or not all(isinstance(k, str) and isinstance(v, str) for k, v in found.items()):
        return None
    return found


def record_text(text: str) -> dict[str, Any]:
    """A text to be kept with the answers; of one that is too large only its digest."""
    line = pack_within({"text": text})
    return {"text": line} if line is not None else {"text": None, "digest": _digest(text)}


def recorded_text(recorded: object, now: str | None) -> str | None:
    """The text :func:`record_text` was given; of one that was too large, the text as it is now if that is the same."""
    if not isinstance(recorded, Mapping):
        return None
    files = unpack(recorded.get("text"))
    if files is not None:
        return files.get("text")
    return now if now is not None and _digest(now) == recorded.get("digest") else None


def _digest(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def record_layers(places: Iterable[Place]) -> list[dict[str, Any]]:
    """The layers as they are now, to be kept with the answers.

    Each is ``name`` (how it is called), ``folder`` (the end of its path, which names it in the lock), ``digest``, and
    ``files`` packed into one line, or null where the lines of all layers would be longer than :data:`MAX_RECORDED_BYTES`.
    """
    recorded, left = [], MAX_RECORDED_BYTES
    for place in places:
        contents, digest = _contents(place)
        texts = {name: data.decode("utf-8", "surrogateescape") for name, data in contents}
        line = pack_within(texts, left)
        left -= len(line or "")
        folder = "/".join(place.path.absolute().parts[-3:]).lstrip("/")
        recorded.append({"name": place.shown, "folder": folder, "digest": digest, "files": line})
    return recorded


def _contents(place: Place) -> tuple[list[tuple[str, bytes]], str]:
    """The registry files of a layer, and their digest."""
    from ..mcc_registry.loading.documents import digest_of
    from ..mcc_registry.loading.files import find_files, read_bytes

    contents: list[tuple[str, bytes]] = []
    if place.path.is_dir():
        for found in find_files(place.path, place.shown)[0]:
            data = read_bytes(found)
            if isinstance(data, bytes):
                contents.append((found.relative, data))
    return contents, digest_of(contents)[:16]


class Replayed:
    """Recorded layers laid out in a folder of their own, for the render of the old version.

    A layer that was too large to be recorded is taken from where it lies now, if it is still what its digest says.

    Args:
        recorded: what :func:`record_layers` returned.
        now: makes the layers as they lie now; called only when one was not recorded.

    Attributes:
        places: the layers, lowest first.
        missing: names of layers that were not recorded and have changed since.
    """

    def __init__(self, recorded: object, now: Callable[[], Iterable[Place]] = tuple) -> None:
        self.places: list[Place] = []
        self.missing: list[str] = []
        self._now = now
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        for number, layer in enumerate(recorded if isinstance(recorded, list) else []):
            if isinstance(layer, Mapping):
                self._lay_out(number, layer)

    def _lay_out(self, number: int, layer: Mapping[str, Any]) -> None:
        files = unpack(layer.get("files"))
        name = str(layer.get("name", ""))
        if files is None:
            same = next((p for p in self._now() if p.shown == name and _contents(p)[1] == layer.get("digest")), None)
            self.places += [same] if same is not None else []
            self.missing += [name] if same is None else []
            return
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="mcc-layers-")
        top = Path(self._folder.name).resolve() / str(number)
        try:
            root = (top / str(layer.get("folder", "layer"))).resolve()
            root = root if root.is_relative_to(top) else top / "layer"
            root.mkdir(parents=True)
            for relative, text in files.items():
                path = (root / relative).resolve()
                if path.is_relative_to(root):
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(text.encode("utf-8", "surrogateescape"))
        except (OSError, ValueError):  # a record edited by hand: names no file system has, a file that is a folder
            self.missing.append(name)
            return
        self.places.append(Place(root, name))
