"""The registry files of a checkout: read as plain data, staged and validated, written all or nothing."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..errors import Finding, RegistryError
from ..loading.kinds import KINDS, find_kind
from .common import SourceError


@dataclass(frozen=True, slots=True)
class RegistryFile:
    """One file.

    Attributes:
        relative: path below the root with ``/``.
        kind: name of its kind.
        data: what it says; never changed in place.
        comment: the lines at its top.
        text: its bytes as text, to notice an edit in between.
    """

    relative: str
    kind: str
    data: dict[str, Any]
    comment: tuple[str, ...]
    text: str

    @property
    def id(self) -> str:
        """File name without its ending."""
        return self.relative.rpartition("/")[2].removesuffix(".yaml")


def find_root(root: Path | None) -> Path:
    """The registry folder to renew.

    Args:
        root: the folder named by the user; None = that of the checkout this code runs from.

    Raises:
        SourceError: it is inside an installed package, or is no registry.
    """
    from ..loading.files import shipped_root

    here = shipped_root() if root is None else root
    hint = "run it in a checkout, or name the registries with --root DIR"
    if here.name == "_registries" and (here.parent / "__init__.py").exists():
        message = "refresh writes to a checkout; these registries are part of an installed package"
        raise SourceError(message, hint, name="refresh-not-a-checkout")
    singles = [f"{k.folder}/{k.file}".lstrip("/") for k in KINDS.values() if k.file and not k.layer_only]
    missing = [name for name in singles if not (here / name).is_file()]
    if missing:
        raise SourceError(
            f"{here} is no registry folder: {missing[0]} is missing", hint, name="refresh-not-a-checkout"
        )
    return here


def read_files(root: Path) -> dict[str, RegistryFile]:
    """Every YAML file below a registry root by its relative path.

    Raises:
        RegistryError: a file cannot be read as strict YAML.
    """
    from ..loading.yaml_text import parse_yaml
    from ..validate.canonical import top_comment

    found: dict[str, RegistryFile] = {}
    faults: list[Finding] = []
    for path in sorted(root.rglob("*.yaml")):
        relative = path.relative_to(root).as_posix()
        kind = find_kind(relative)
        if kind is None:
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise SourceError(f"{path} cannot be read ({type(error).__name__})") from None
        parsed = parse_yaml(text, str(path))
        faults += parsed.faults
        if not parsed.faults and isinstance(parsed.data, dict):
            found[relative] = RegistryFile(relative, kind.name, parsed.data, tuple(top_comment(text)), text)
    if faults:
        raise RegistryError(faults, "the registries cannot be read, so they cannot be renewed")
    return found


def new_texts(
    files: Mapping[str, RegistryFile], documents: Mapping[str, tuple[str, dict[str, Any]] | None]
) -> dict[str, str | None]:
    """The canonical text of each file that differs; None = the file goes.

    Raises:
        SourceError: a file that would be rewritten is not canonical, so comments in it would be lost.
    """
    from ..validate.canonical import dump_canonical

    texts: dict[str, str | None] = {}
    for relative, document in documents.items():
        old = files.get(relative)
        if document is None:
            texts[relative] = None
            continue
        kind, data = document
        if old is not None and dump_canonical(old.data, old.kind, comment=old.comment) != old.text:
            message = f"{relative} is not written the canonical way; rewriting it could lose comments"
            raise SourceError(message, "run mcc-registry validate and correct it first", name="refresh-would-break")
        text = dump_canonical(data, kind, comment=old.comment if old else ())
        if old is None or text != old.text:
            texts[relative] = text
    return texts


def staged_faults(root: Path, texts: Mapping[str, str | None]) -> list[Finding]:
    """The faults the registries would have, found in a copy; ``source`` names the real files."""
    import shutil
    import tempfile

    from ..validate import validate

    with tempfile.TemporaryDirectory(prefix="mcc-refresh-") as folder:
        stage = Path(folder) / "registries"
        shutil.copytree(root, stage, ignore=shutil.ignore_patterns(".*"))
        for relative, text in texts.items():
            _put(stage / relative, text)
        faults = validate([stage], environ={})
        return [replace(f, source=f.source.replace(str(stage), str(root))) for f in faults]


def _put(path: Path, text: str | None) -> None:
    if text is None:
        path.unlink(missing_ok=True)
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")


def write_files(root: Path, files: Mapping[str, RegistryFile], texts: Mapping[str, str | None]) -> list[str]:
    """Write all files or none.

    Every text goes to a draft beside its file first; then the drafts take their places while Ctrl-C waits. If a
    place cannot be taken, those already taken are given back.

    Args:
        root: the registry folder.
        files: as they were read.
        texts: file below the root to text; None = the file goes.

    Returns:
        The files written or removed.

    Raises:
        SourceError: a file changed since it was read, or the disk refuses.
    """
    drafts: dict[str, Path] = {}
    try:
        for relative, text in texts.items():
            _check_unchanged(root / relative, files.get(relative))
            if text is not None:
                draft = root / f"{relative}.{os.getpid()}.new"
                drafts[relative] = draft
                _put(draft, text)
        with _uninterrupted():
            _take_places(root, files, texts, drafts)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise SourceError(f"nothing was written: {reason}", name="refresh-would-break") from None
    finally:
        for draft in drafts.values():
            with contextlib.suppress(OSError):
                draft.unlink(missing_ok=True)
    return sorted(texts)


def _check_unchanged(path: Path, old: RegistryFile | None) -> None:
    now = path.read_text(encoding="utf-8") if path.exists() else None
    if now != (old.text if old else None):
        message = f"{path} was edited while refresh ran; nothing was written"
        raise SourceError(message, "run refresh again", name="refresh-would-break")


def _take_places(
    root: Path, files: Mapping[str, RegistryFile], texts: Mapping[str, str | None], drafts: Mapping[str, Path]
) -> None:
    done: list[str] = []
    try:
        for relative in texts:
            done.append(relative)
            if relative in drafts:
                drafts[relative].replace(root / relative)
            else:
                (root / relative).unlink(missing_ok=True)
    except OSError:
        for relative in done:
            old = files.get(relative)
            with contextlib.suppress(OSError):
                _put(root / relative, old.text if old else None)
        raise


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Ctrl-C and a polite end wait: the few renames are done or undone as a whole."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    signals = [signal.SIGINT, signal.SIGTERM]
    before = {number: signal.signal(number, signal.SIG_IGN) for number in signals}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
