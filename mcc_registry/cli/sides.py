"""The two things ``diff`` compares: lock files, projects, registry folders, checkouts or git references."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ..errors import Finding, FindingsError, printable
from ..loading.files import expanded

LOCK = "mcc.lock.yaml"
GIT_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a comparison: the data of a lock, or a registry folder."""

    kind: Literal["lock", "registry"]
    lock: dict[str, Any] | None = None
    folder: Path | None = None


def open_side(text: str, scratch: Path) -> Side:
    """What an argument of ``diff`` names.

    Args:
        text: a lock file, a project, a registry folder, a checkout of the template, ``REF`` or ``FOLDER@REF``.
        scratch: an empty folder for what comes out of git.

    Raises:
        FindingsError: it is none of these, or cannot be read.
    """
    path = expanded(text)
    if path.is_file():
        return Side("lock", lock=read_lock(path))
    if path.is_dir():
        if (path / LOCK).is_file():
            return Side("lock", lock=read_lock(path / LOCK))
        if (path / "copier.yml").is_file() and (path / "registries").is_dir():
            return Side("registry", folder=path / "registries")
        return Side("registry", folder=_registry(path, text))
    where, _, reference = text.rpartition("@")
    return Side("registry", folder=_from_git(expanded(where or "."), reference, text, scratch))


def _registry(path: Path, text: str) -> Path:
    from ..loading.files import find_files

    for folder in (path, path / "registries"):
        if folder.is_dir() and find_files(folder, str(folder))[0]:
            return folder
    raise refusal(text, "is a folder without a lock and without registry files")


def refusal(text: str, why: str, hint: str = "") -> FindingsError:
    """The error of an argument that names nothing comparable."""
    hint = hint or "name two lock files, projects, registry folders, or git tags of the template (TAG or FOLDER@TAG)"
    message = f"{printable(text, 200)} {why}"
    return FindingsError([Finding("MCC701", "error", None, message, hint, "", "user-file")])


def _template_hint(reference: str) -> str:
    """Inside a project, where its template's tags are; "" elsewhere."""
    from .asking import read_answers

    answers = Path(".copier-answers.yml")
    source = read_answers(str(answers))[0].get("_src_path") if answers.is_file() else None
    if not isinstance(source, str):
        return ""
    if os.path.isdir(expanded(source)):  # noqa: PTH112 - Path.is_dir raises for names no file can have
        return f"this is a project; its template's versions are {printable(source, 200)}@{printable(reference)}"
    url = printable(source.removeprefix("git+"), 200)
    return f"this is a project; clone its template ({url}) and name FOLDER@{printable(reference)}"


def read_lock(path: Path) -> dict[str, Any]:
    """The data of a lock file.

    Raises:
        FindingsError: it cannot be read or is no lock.
    """
    from ..loading.yaml_text import parse_yaml
    from .files import read_text

    text, problem = read_text(str(path), "lock")
    if problem is not None:
        raise FindingsError([problem])
    parsed = parse_yaml(text, str(path))
    if parsed.faults:
        line = parsed.faults[0].source.rpartition(":")[2]
        raise refusal(str(path), f"is not valid YAML (line {line})")
    if not isinstance(parsed.data, dict) or "lock_version" not in parsed.data:
        raise refusal(str(path), "is no mcc.lock.yaml: it has no lock_version")
    return dict(parsed.data)


def _from_git(folder: Path, reference: str, text: str, scratch: Path) -> Path:
    if not folder.is_dir() or not reference or reference.startswith("-"):
        raise refusal(text, "does not exist")
    command = ["git", "-C", str(folder), "archive", "--format=tar", reference, "registries"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=GIT_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired, ValueError):
        raise refusal(text, "cannot be read from git") from None
    if done.returncode:
        raise refusal(
            text, "is neither a path nor a git reference with a folder registries", _template_hint(reference)
        )
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        for member in archive:
            target = scratch / member.name
            data = archive.extractfile(member) if member.isfile() else None
            if data is not None and target.resolve().is_relative_to(scratch.resolve()):
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(data.read())
    return scratch / "registries"
