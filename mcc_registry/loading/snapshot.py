"""The compiled snapshot: validated rows as JSON, one line per file, used only while it matches the YAML bytes.

Line 1 is a header: format, digest of all files, their numbers by folder, chat templates, shapes of the rows, and per document its kind, id, path, index and
where its line begins. A document's line is decoded when it is first asked for. ``python -m
mcc_registry.loading.snapshot`` (or ``make registry``) writes it; a test proves that the shipped one is current. An
edited YAML file changes the digest, so its rows are read from the YAML at once and the snapshot is never stale.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..errors import RegistryError
from .documents import (
    SHIPPED,
    SHIPPED_SHOWN,
    Document,
    Documents,
    dump_row,
    fill_layer,
    missing_singles,
    open_layer,
)
from .files import read_regular, write_whole
from .rows import shapes_of_models

SNAPSHOT = ".snapshot.json"
FORMAT = 2


def compile_snapshot(root: Path) -> bytes:
    """The snapshot of a registry folder.

    Raises:
        RegistryError: the folder has faults.
    """
    layer, contents = open_layer(root, SHIPPED, SHIPPED_SHOWN)
    fill_layer(layer, 0, contents, {}, keep=False)
    faults = layer.faults or missing_singles(layer.documents, SHIPPED_SHOWN)
    if faults:
        raise RegistryError(faults)
    files: list[Any] = []
    lines: list[bytes] = []
    offset = 0
    for document in layer.documents.values():
        line = dump_row(document.read()).encode()
        files.append([document.kind, document.id, document.shown, offset, len(line), document.index])
        lines.append(line)
        offset += len(line) + 1
    header = {
        "format": FORMAT,
        "digest": layer.digest,
        "counts": layer.counts,
        "templates": {name: path.relative_to(root).as_posix() for name, path in layer.templates.items()},
        "shapes": shapes_of_models(),
        "files": files,
    }
    return b"\n".join([dump_row(header).encode(), *lines, b""])


def read_snapshot(root: Path, digest: str) -> tuple[Documents, dict[str, Any]] | None:
    """Documents and header of a folder's snapshot; None when it has none or it is of other bytes."""
    try:
        content = read_regular(root / SNAPSHOT, None)
    except OSError:
        return None
    head, _, body = content.partition(b"\n")
    try:
        header = json.loads(head)
        if header["format"] != FORMAT or header["digest"] != digest:
            return None
        documents: Documents = {}
        for kind, name, shown, offset, length, index in header["files"]:
            reader = _reader(body, offset, length)
            documents[kind, name] = Document(kind, name, shown, 0, index, reader, files={0: shown})
        return documents, header
    except (ValueError, KeyError, TypeError):
        return None


def _reader(body: bytes, offset: int, length: int) -> Callable[[], dict[str, Any]]:
    made: list[dict[str, Any]] = []

    def read() -> dict[str, Any]:
        if not made:
            made.append(json.loads(body[offset : offset + length]))
        return made[0]

    return read


def write_snapshot(root: Path) -> bool:
    """Write a folder's snapshot; whether it changed.

    Raises:
        RegistryError: the folder has faults.
    """
    new = compile_snapshot(root)
    target = root / SNAPSHOT
    with contextlib.suppress(FileNotFoundError):
        if read_regular(target, None) == new:
            return False
    write_whole(target, new)
    return True


def main() -> int:
    """Write the shipped registries' schemas and snapshot; exit status 1 with every fault when they are broken."""
    import sys

    from .files import shipped_root
    from .schemas import write_schemas

    root = shipped_root()
    for path in write_schemas(root):
        print(f"{path}: written", file=sys.stderr)
    try:
        changed = write_snapshot(root)
    except RegistryError as error:
        for finding in error.findings:
            print(f"{finding.source}: {finding.code} {finding.message}", file=sys.stderr)
        return 1
    print(f"{root / SNAPSHOT}: {'written' if changed else 'current'}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
