"""What a generated project says about itself: its answers, its lock, its settings as they are now, its Dockerfile."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..answers import parse_answers
from ..errors import Finding, FindingsError, printable
from ..loading.files import read_regular
from ..models.request import Request
from .kinds import get_finding

ANSWERS, LOCK, ENV, DOCKERFILE, REQUIREMENTS = (
    ".copier-answers.yml", "mcc.lock.yaml", "container.env", "Dockerfile", "requirements.txt",
)  # fmt: skip
MAX_BYTES = 1024 * 1024
PRIVATE_ANSWERS = ("role_arn", "s3_bucket", "hf_token_secret_arn", "registry_path")

_PIN = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[a-z0-9,_-]+\])?==([0-9][A-Za-z0-9.+!_-]*)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Project:
    """A generated project.

    Attributes:
        request: its answers.
        outside: facts from outside the template, recorded with the answers.
        lock: what was decided; plain data whose shape is not trusted.
        env: ``container.env`` as it is now; None when the file is missing.
        pins: ``requirements.txt`` as it is now, package to version; pins only.
    """

    folder: Path
    request: Request
    outside: Mapping[str, Any]
    lock: Mapping[str, Any]
    env: dict[str, str] | None
    dockerfile: str
    pins: dict[str, str]

    def at(self, *path: str) -> Any:
        """A value of the lock, None where it is missing or stands below no mapping."""
        value: Any = self.lock
        for key in path:
            value = value.get(key) if isinstance(value, Mapping) else None
        return value

    def text(self, *path: str) -> str | None:
        """A text of the lock."""
        value = self.at(*path)
        return value if isinstance(value, str) and value else None

    @property
    def private(self) -> Iterator[str]:
        """Values of its answers that must not be repeated."""
        for name in PRIVATE_ANSWERS:
            value = getattr(self.request, name)
            if value:
                yield value
        yield str(self.folder.absolute())

    def starts_from(self, image: str) -> bool:
        """Whether the Dockerfile starts from an image."""
        froms = re.findall(r"^\s*FROM\s+(?:--\S+\s+)*(\S+)", self.dockerfile, re.IGNORECASE | re.MULTILINE)
        return image in froms


def read_project(folder: Path) -> Project:
    """Read a project.

    Raises:
        FindingsError: a file that is needed is missing or unreadable; every such file is told.
    """
    findings: list[Finding] = []
    answers = _mapping(folder, ANSWERS, findings)
    lock = _mapping(folder, LOCK, findings)
    dockerfile = _text(folder, DOCKERFILE, findings)
    if findings:
        raise FindingsError(findings)
    outside = answers.pop("outside_facts", None)
    request, problems = parse_answers(answers)
    errors = [f for f in problems if f.severity == "error"]
    if errors:
        raise FindingsError(errors)
    env = None
    if (folder / ENV).exists():
        env = dict(_lines(_text(folder, ENV, findings)))
    pins = {}
    if (folder / REQUIREMENTS).exists():
        lines = [line.partition("#")[0].strip() for line in _text(folder, REQUIREMENTS, findings).splitlines()]
        pins = {m[1]: m[2] for line in lines if (m := _PIN.fullmatch(line))}
    if findings:
        raise FindingsError(findings)
    return Project(folder, request, outside if isinstance(outside, dict) else {}, lock, env, dockerfile, pins)


def _text(folder: Path, name: str, findings: list[Finding]) -> str:
    shown = printable(folder / name, 200)
    reason = ""
    try:
        return read_regular(folder / name, MAX_BYTES).decode("utf-8-sig").replace("\r\n", "\n")
    except (FileNotFoundError, NotADirectoryError):
        reason = "is missing"
    except UnicodeDecodeError:
        reason = "is not UTF-8 text"
    except (OSError, ValueError) as error:
        reason = f"cannot be read: {getattr(error, 'strerror', None) or 'not a path that can be opened'}"
        if getattr(error, "errno", None) == errno.EFBIG:
            reason = f"has more than {MAX_BYTES // 1024} KiB"
    hint = "name the folder of a generated project with --project"
    findings.append(get_finding("no-project", f"{name} {reason}", hint, field="project", source=shown))
    return ""


def _mapping(folder: Path, name: str, findings: list[Finding]) -> dict[str, Any]:
    from ..loading.yaml_text import parse_yaml

    before = len(findings)
    text = _text(folder, name, findings)
    if len(findings) > before:
        return {}
    parsed = parse_yaml(text, name)
    if parsed.faults or not isinstance(parsed.data, dict):
        line = parsed.faults[0].source.rpartition(":")[2] if parsed.faults else "1"
        message = f"{name} is not what copier wrote: line {line} cannot be read"
        findings.append(get_finding("no-project", message, "restore it from git", field="project", source=name))
        return {}
    return dict(parsed.data)


def _lines(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            yield name.strip(), value
