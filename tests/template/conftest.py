"""Copying the template as its users do: through Copier, from this checkout, offline."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Result:
    """What one `copier copy` did."""

    status: int
    text: str
    folder: Path

    @property
    def files(self) -> dict[str, str]:
        """Relative path to text of every rendered file."""
        return {
            p.relative_to(self.folder).as_posix(): p.read_text(encoding="utf-8")
            for p in sorted(self.folder.rglob("*"))
            if p.is_file()
        }


def run_copy(
    folder: Path, *words: str, environ: dict[str, str] | None = None, template: Path = ROOT, **data: Any
) -> Result:
    """Run `copier copy --defaults` in a process of its own."""
    data.setdefault("offline", "true")
    pairs = [word for name, value in data.items() for word in ("--data", f"{name}={value}")]
    env = {k: v for k, v in os.environ.items() if k not in ("REGISTRY_PATH", "PYTHONPATH")} | (environ or {})
    command = [sys.executable, "-m", "copier", "copy", "--trust", "--defaults", "--vcs-ref", "HEAD", *words, *pairs]
    done = subprocess.run(
        [*command, str(template), str(folder)], capture_output=True, text=True, env=env, timeout=120
    )
    text = "\n".join(line for line in (done.stdout + done.stderr).splitlines() if "DirtyLocalWarning" not in line)
    return Result(done.returncode, text, folder)


@pytest.fixture(scope="session")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Result]:
    """Copy the template with some answers, once per set of answers and test session."""
    done: dict[str, Result] = {}

    def copy(name: str = "project", **data: Any) -> Result:
        key = f"{name} {sorted(data.items())}"
        if key not in done:
            done[key] = run_copy(tmp_path_factory.mktemp("copy") / name, **data)
        return done[key]

    return copy


@pytest.fixture(scope="session")
def copy_project() -> Callable[..., Result]:
    """The function that runs `copier copy` into a given folder."""
    return run_copy
