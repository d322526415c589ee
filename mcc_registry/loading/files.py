"""Which files a registry folder holds, and their bytes; odd folders and files become faults."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import Finding, nearest
from .faults import get_fault
from .kinds import KINDS, Kind, find_kind

MAX_FILE_BYTES = 5_000_000
"""Largest registry file; the largest shipped one has about a twentieth of that."""

MAX_FILES = 20_000
"""Most files in one registry folder; the shipped registries have about 150."""

DRAFT = ".mcc-"
"""Beginning of the names of files that are being written; hidden, so that no registry reads them."""

TEMPLATE_FOLDER = "chat_templates"
TEMPLATE_ENDING = ".jinja"


MAX_STRAY = 20
"""Most misplaced files reported of one folder."""


@dataclass(frozen=True, slots=True)
class FoundFile:
    """One registry file on disk.

    Attributes:
        relative: path below the root with ``/``.
        path: where it lies.
        shown: path to show to people.
        kind: the kind that belongs there; None for a chat template.
    """

    relative: str
    path: str
    shown: str
    kind: Kind | None

    @property
    def id(self) -> str:
        """File name without its ending."""
        return self.relative.rpartition("/")[2].rpartition(".")[0]


def shipped_root() -> Path:
    """The folder of the shipped registries: inside the installed package, else beside it in a checkout."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "_registries"
    return inside if inside.is_dir() else package.parent / "registries"


def split_layers(value: str | os.PathLike[str] | None) -> list[Path]:
    """The folders named by a ``REGISTRY_PATH``-like value; several are joined by ``os.pathsep``."""
    if value is None:
        return []
    if isinstance(value, str):
        return [expanded(part) for part in value.split(os.pathsep) if part.strip()]
    return [Path(value)]


def expanded(text: str) -> Path:
    """The path with its ``~`` replaced; as it is written where nobody has such a home."""
    try:
        return Path(text).expanduser()
    except RuntimeError:
        return Path(text)


def layers_of(registry_path: object, environ: Mapping[str, str]) -> list[Path]:
    """All layers, lowest first: the variable ``REGISTRY_PATH``, then what the caller names; each folder once."""
    named: list[Path] = split_layers(environ.get("REGISTRY_PATH"))
    if isinstance(registry_path, (str, os.PathLike)) or registry_path is None:
        named += split_layers(registry_path)
    elif isinstance(registry_path, (list, tuple)):
        for item in registry_path:
            named += split_layers(item)
    else:
        raise TypeError(f"registry_path: {type(registry_path).__name__}")
    last = {path: index for index, path in enumerate(named)}
    return [path for index, path in enumerate(named) if last[path] == index]


def _scan(folder: Path) -> Iterator[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        yield from sorted((e for e in entries if not e.name.startswith(".")), key=lambda e: e.name)


def leaves(path: Path, root: Path) -> bool:
    """Whether a path leads out of a folder, through a symbolic link for example."""
    try:
        return not path.resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError):
        return True


def find_files(root: Path, shown_root: str) -> tuple[list[FoundFile], list[Finding]]:
    """The files of a registry folder, sorted by path, and what is wrong with the folder.

    Args:
        root: the registry folder.
        shown_root: how the folder is called in messages.
    """
    files: list[FoundFile] = []
    faults: list[Finding] = []
    folders = {kind.folder for kind in KINDS.values() if kind.folder} | {TEMPLATE_FOLDER}

    def visit(folder: Path, prefix: str) -> None:
        try:
            entries = list(_scan(folder))
        except OSError as error:
            shown = f"{shown_root}/{prefix}".rstrip("/")
            faults.append(get_fault("file-unreadable", f"the folder: {error.strerror}", f"{shown}:1"))
            return
        for entry in entries:
            relative = f"{prefix}{entry.name}"
            shown = f"{shown_root}/{relative}"
            if entry.is_symlink() and leaves(Path(entry.path), root):
                if entry.name.endswith((".yaml", TEMPLATE_ENDING)) or relative in folders:
                    hint = "copy the file into the registry"
                    text = "a symbolic link that leaves its registry, or leads nowhere"
                    faults.append(get_fault("file-unreadable", text, f"{shown}:1", hint=hint))
                continue
            if _is_folder(entry):
                if not prefix and entry.name in folders:
                    visit(Path(entry.path), f"{entry.name}/")
                elif entry.name.endswith((".yaml", ".yml")):
                    faults.append(get_fault("file-unreadable", "a folder with the name of a file", f"{shown}:1"))
                else:
                    faults.extend(_stray(Path(entry.path), shown, folders))
                continue
            found = _found(relative, entry, shown, faults, folders)
            if found:
                files.append(found)

    visit(root, "")
    if len(files) > MAX_FILES:
        faults.append(get_fault("too-large", f"{len(files)} files; {MAX_FILES} are allowed", f"{shown_root}:1"))
        files = []
    return files, faults


def _stray(folder: Path, shown: str, folders: set[str]) -> list[Finding]:
    """A fault for each YAML file of a folder that no registry reads."""
    try:
        names = [entry.name for entry in _scan(folder) if entry.name.endswith((".yaml", ".yml"))]
    except OSError:
        return []
    near = nearest(folder.name, folders)
    hint = f"did you mean the folder {near}?" if near else f"folders are {', '.join(sorted(folders))}"
    text = "no registry reads a file here"
    return [get_fault("misplaced-file", text, f"{shown}/{name}:1", hint=hint) for name in names[:MAX_STRAY]]


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _found(
    relative: str, entry: os.DirEntry[str], shown: str, faults: list[Finding], folders: set[str]
) -> FoundFile | None:
    if relative.startswith(f"{TEMPLATE_FOLDER}/"):
        return FoundFile(relative, entry.path, shown, None) if entry.name.endswith(TEMPLATE_ENDING) else None
    kind = find_kind(relative)
    if kind:
        return FoundFile(relative, entry.path, shown, kind)
    if entry.name.endswith((".yaml", ".yml")):
        renamed = find_kind(relative.rpartition(".")[0] + ".yaml")
        hint = "name it *.yaml" if renamed else f"folders are {', '.join(sorted(folders))}"
        names = {k.file: f"{k.folder}/{k.file}".lstrip("/") for k in KINDS.values() if k.file}
        near = nearest(entry.name, names)
        if not renamed and near:
            hint = f"did you mean {names[near]}?"
        faults.append(get_fault("misplaced-file", "no registry reads a file here", f"{shown}:1", hint=hint))
    return None


def draft_name(path: Path) -> Path:
    """A hidden name beside a file that says whose draft it is, so that what a killed process left can be removed."""
    return path.with_name(f"{DRAFT}{os.getpid()}-{os.urandom(6).hex()}")


def mode_of(path: Path) -> int:
    """The permissions a file has, or those of a new one."""
    return path.stat().st_mode & 0o777 if path.exists() else 0o644


def write_draft(draft: Path, data: bytes, mode: int) -> None:
    """Write a new file with these permissions.

    Raises:
        OSError: it cannot be written; a part of it may be there.
    """
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
    draft.chmod(mode)


def write_whole(path: Path, data: bytes) -> None:
    """Write a file whole or not at all, whatever happens on the way; its permissions stay, a link is written through.

    Raises:
        OSError: it cannot be written; what was there is there still.
    """
    place = Path(os.path.realpath(path))
    draft = draft_name(place)
    try:
        write_draft(draft, data, mode_of(place))
        draft.replace(place)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def read_regular(path: str | os.PathLike[str], limit: int | None = MAX_FILE_BYTES) -> bytes:
    """The bytes of a regular file; a pipe or device in its place is refused at once, never waited for.

    Args:
        path: where it lies.
        limit: most bytes it may have; None = any number.

    Raises:
        OSError: it cannot be read, is no regular file, or is too large.
    """
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0))
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.ENXIO, "not a regular file", os.fspath(path))
        if limit is not None and status.st_size > limit:
            text = f"{status.st_size} bytes; {limit} are allowed"
            raise OSError(errno.EFBIG, text, os.fspath(path))
        return _read_all(handle)
    finally:
        os.close(handle)


def read_text(path: str | os.PathLike[str], limit: int | None = MAX_FILE_BYTES) -> str:
    """The text of a regular file with line ends as ``\\n``; see :func:`read_regular`.

    Raises:
        OSError: it cannot be read, is no regular file, or is too large.
        UnicodeDecodeError: it is not UTF-8.
    """
    return read_regular(path, limit).replace(b"\r\n", b"\n").decode("utf-8")


def read_bytes(found: FoundFile) -> bytes | Finding:
    """A file's bytes with line ends as ``\\n``, or the fault that keeps them from being read."""
    source = f"{found.shown}:1"
    try:
        data = read_regular(found.path)
    except OSError as error:
        name = "too-large" if error.errno == errno.EFBIG else "file-unreadable"
        return get_fault(name, error.strerror or type(error).__name__, source)
    return data.replace(b"\r\n", b"\n") if b"\r" in data else data


def _read_all(handle: int) -> bytes:
    parts = []
    while part := os.read(handle, MAX_FILE_BYTES + 1):
        parts.append(part)
        if len(parts) == 1 and len(part) < 65536:
            break  # a short read of a regular file is its end; saves one call for each of many small files
    return parts[0] if len(parts) == 1 else b"".join(parts)


def decode(data: bytes, shown: str) -> str | Finding:
    """UTF-8 text, or a fault with the line of the first byte that is not."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        text = f"the byte 0x{data[error.start]:02x} is not UTF-8"
        return get_fault("file-not-text", text, f"{shown}:{line}", hint="save it as UTF-8")
