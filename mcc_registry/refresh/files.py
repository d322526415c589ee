"""The registry files of a checkout: read as plain data, staged and validated, written all or nothing."""

from __future__ import annotations

from collections.abc import Mapping
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
    from ..loading.files import read_text
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
            text = read_text(path)
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or type(error).__name__
            raise SourceError(f"{path} cannot be read ({reason})") from None
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
        shutil.copytree(root, stage, ignore=_unread)
        for relative, text in texts.items():
            _put(stage / relative, text)
        faults = validate([stage], environ={})
        return [replace(f, source=f.source.replace(str(stage), str(root))) for f in faults]


def _unread(folder: str, names: list[str]) -> set[str]:
    """What no registry reads: hidden entries, pipes and devices."""
    paths = {name: Path(folder) / name for name in names}
    return {name for name, path in paths.items() if name.startswith(".") or not (path.is_file() or path.is_dir())}


def _put(path: Path, text: str | None) -> None:
    if text is None:
        path.unlink(missing_ok=True)
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")


def write_files(root: Path, files: Mapping[str, RegistryFile], texts: Mapping[str, str | None]) -> list[str]:
    """Write all files or none; see ``written_whole``.

    Args:
        root: the registry folder.
        files: as they were read.
        texts: file below the root to text; None = the file goes.

    Returns:
        The files written or removed.

    Raises:
        SourceError: a file changed since it was read, or the disk refuses.
    """
    from ..loading.files import leaves
    from ..loading.whole import ChangedError, writing, written_whole

    astray = next((name for name in texts if leaves(root / name, root)), None)
    if astray is not None:
        message = f"nothing was written: {root / astray} is a symbolic link that leaves its registry"
        raise SourceError(message, "copy the file into the registry", name="refresh-would-break")
    new = {root / name: None if text is None else text.encode("utf-8") for name, text in texts.items()}
    old = {root / name: files[name].text.encode("utf-8") if name in files else None for name in texts}
    try:
        with writing(root), written_whole(new, old):
            pass
    except ChangedError as error:
        message = f"{error.path} was edited while refresh ran; nothing was written"
        raise SourceError(message, "run refresh again", name="refresh-would-break") from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise SourceError(f"nothing was written: {reason}", name="refresh-would-break") from None
    return sorted(texts)


def are_there(root: Path, texts: Mapping[str, str | None]) -> bool:
    """Whether every file is on the disk as its text says."""
    from ..loading.files import read_regular

    try:
        now = {name: read_regular(root / name) if (root / name).exists() else None for name in texts}
    except OSError:
        return False
    return all(now[name] == (None if text is None else text.encode("utf-8")) for name, text in texts.items())
