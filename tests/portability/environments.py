"""Interpreters of this machine, fresh environments with chosen versions, and commands run in them; imports nothing of ours."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OLDEST_PYTHON = (3, 10)
TIMEOUT_S = 600


class FailedError(Exception):
    """What was tried did not work; the text says how."""


class SkippedError(Exception):
    """What was to be tried cannot be tried here; the text says why."""


@dataclass(frozen=True)
class Interpreter:
    """One Python of this machine."""

    path: Path
    version: tuple[int, int, int]

    @property
    def name(self) -> str:
        """``3.10.13``."""
        return ".".join(map(str, self.version))


def interpreters() -> list[Interpreter]:
    """The newest Python of each minor version found in pyenv and on PATH, from 3.10 on, oldest first."""
    places = [*Path.home().glob(".pyenv/versions/*/bin/python"), Path(sys.executable)]
    for folder in os.environ.get("PATH", os.defpath).split(os.pathsep):
        places += sorted(Path(folder).glob("python3.[0-9]*")) if folder else []
    found: dict[tuple[int, int], Interpreter] = {}
    for place in places:
        if not re.fullmatch(r"python(3(\.\d+)?)?", place.name):
            continue
        version = version_of(place)
        if version is None or version[:2] < OLDEST_PYTHON:
            continue
        known = found.get(version[:2])
        if known is None or known.version < version:
            found[version[:2]] = Interpreter(place, version)
    return [found[minor] for minor in sorted(found)]


def version_of(python: Path) -> tuple[int, int, int] | None:
    """The version of an interpreter that starts and can make environments; None for any other."""
    code = "import sys, venv, ensurepip, ssl; print(*sys.version_info[:3])"
    try:
        done = subprocess.run([str(python), "-c", code], capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return None
    numbers = done.stdout.split()
    return (int(numbers[0]), int(numbers[1]), int(numbers[2])) if done.returncode == 0 and len(numbers) == 3 else None


def floors(version: tuple[int, int]) -> dict[str, str]:
    """Package to the oldest version pyproject.toml promises to work on a Python."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    block = text.partition("\ndependencies = [")[2].partition("]")[0]
    found = {}
    for name, floor, _, sign, minor in re.findall(
        r'"([\w-]+)>=([\d.]+)(; python_version (<|==|>=) \'3\.(\d+)(?:\.\*)?\')?"', block
    ):
        ours, theirs = version[1], int(minor or 0)
        if not sign or {"<": ours < theirs, "==": ours == theirs, ">=": ours >= theirs}[sign]:
            found[name] = floor
    return found


def run(
    words: list[str | Path],
    folder: Path,
    *,
    environ: dict[str, str] | None = None,
    drop: tuple[str, ...] = (),
    timeout_s: int = TIMEOUT_S,
) -> str:
    """What a command prints, both streams; it must end well and without a traceback.

    Raises:
        FailedError: it did not.
    """
    gone = ("PYTHONPATH", "REGISTRY_PATH", "VIRTUAL_ENV", "PYTHONHOME", "HF_TOKEN", *drop)
    env = {k: v for k, v in os.environ.items() if k not in gone} | {
        "GIT_CONFIG_GLOBAL": os.devnull,
        **(environ or {}),
    }
    try:
        done = subprocess.run(
            [str(w) for w in words], cwd=folder, env=env, capture_output=True, text=True, timeout=timeout_s
        )
    except subprocess.TimeoutExpired:
        raise FailedError(f"{words[0]}: no end after {timeout_s} s") from None
    shown = done.stdout + done.stderr
    if done.returncode != 0 or "Traceback" in shown:
        lines = [line for line in shown.strip().splitlines() if line.strip()]
        raise FailedError(f"{' '.join(map(str, words))}\n  " + "\n  ".join(lines[-12:]))
    return shown


def git(folder: Path, *words: str) -> str:
    """Git with an identity of its own."""
    return run(["git", "-c", "user.name=t", "-c", "user.email=t@example.invalid", *words], folder)


@dataclass
class Tools:
    """An environment of uv, pipx and build; uv makes the other environments, as it takes seconds where pip takes minutes."""

    folder: Path

    def program(self, name: str) -> Path:
        """A tool.

        Raises:
            SkippedError: it cannot be installed here.
        """
        path = self.folder / "bin" / name
        if not self.folder.exists():
            run([sys.executable, "-m", "venv", self.folder], self.folder.parent)
            for package in ("uv", "pipx", "build"):
                try:
                    run([self.folder / "bin/python", "-m", "pip", "install", "--quiet", package], self.folder.parent)
                except FailedError:
                    continue
        if not path.exists():
            raise SkippedError(f"{name} cannot be installed here")
        return path


def environment(folder: Path, python: Path, requirements: list[str], tools: Tools) -> Path:
    """A fresh environment with some packages; its interpreter.

    Raises:
        SkippedError: a package has no wheel for this Python.
        FailedError: installing failed otherwise.
    """
    inside = folder / "bin" / "python"
    binary = ["--only-binary", ":all:"] if not any("/" in r for r in requirements) else []
    try:
        uv = tools.program("uv")
    except SkippedError:
        run([python, "-m", "venv", folder], folder.parent)
        install: list[str | Path] = [inside, "-m", "pip", "install", "--quiet"]
    else:
        run([uv, "venv", "--quiet", "--python", python, folder], folder.parent)
        install = [uv, "pip", "install", "--quiet", "--python", inside]
    try:
        run([*install, *binary, *requirements], folder.parent)
    except FailedError as error:
        if re.search(r"no (usable )?wheels|No matching distribution|only-binary", str(error)):
            raise SkippedError("no wheels of " + ", ".join(r for r in requirements if "==" in r)) from None
        raise
    return inside


def installed(python: Path, names: list[str]) -> dict[str, str]:
    """The versions of some packages in an environment."""
    code = "import sys; from importlib.metadata import version; print(*(version(n) for n in sys.argv[1:]))"
    return dict(zip(names, run([python, "-c", code, *names], python.parent).split(), strict=True))


def which(*names: str) -> list[str]:
    """Those of some programs that are on PATH."""
    return [name for name in names if shutil.which(name)]
