"""Template repositories with real git tags, made from this checkout, and projects updated between them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
Edit = Callable[[Path], None]


def git(folder: Path, *words: str) -> str:
    """Run git in a folder with an identity of its own."""
    command = ["git", "-c", "user.name=t", "-c", "user.email=t@example.invalid", "-c", "commit.gpgsign=false", *words]
    environ = os.environ | {"GIT_CONFIG_GLOBAL": os.devnull}
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, env=environ).stdout


def replace_text(path: Path, old: str, new: str) -> None:
    """Replace text that must be there."""
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{old!r} is not in {path}"
    path.write_text(text.replace(old, new), encoding="utf-8")


def compile_registry(folder: Path) -> None:
    """Write the snapshot and schemas of a changed checkout with its own code."""
    subprocess.run(
        [sys.executable, "-m", "mcc_registry.loading.snapshot"],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    )


def drop_release(folder: Path, name: str, version: str) -> None:
    """Remove the row of one release."""
    path = folder / "registries" / "frameworks" / f"{name}.yaml"
    text = path.read_text(encoding="utf-8")
    shorter = re.sub(rf'  - version: "{re.escape(version)}"\n(    .*\n|\n)*', "", text)
    assert shorter != text
    path.write_text(shorter, encoding="utf-8")


@dataclass
class TemplateRepo:
    """A clone of this checkout, as it is on disk, with one tag per version."""

    folder: Path
    tags: list[str] = field(default_factory=list)

    @classmethod
    def make(cls, folder: Path) -> TemplateRepo:
        """The first version, v1.0.0: what is on disk here, committed or not."""
        names = git(ROOT, "ls-files", "-co", "--exclude-standard", "-z").split("\0")
        wanted = ("mcc_registry/", "registries/", "hooks/", "template/", "copier.yml")
        for name in filter(None, names):
            source = ROOT / name
            if name.startswith(wanted) and source.is_file():
                target = folder / name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, target)
        git(folder, "init", "-q", "-b", "main")
        repo = cls(folder)
        return repo.tag("v1.0.0")

    def tag(self, name: str, *edits: Edit) -> TemplateRepo:
        """One more version: the last one with these edits."""
        for edit in edits:
            edit(self.folder)
        git(self.folder, "add", "-A", "--force")
        git(self.folder, "commit", "-qm", name, "--allow-empty")
        git(self.folder, "tag", name)
        self.tags.append(name)
        return self

    def copy(self, target: Path, tag: str, data: Mapping[str, Any] | None = None, *, commit: bool = True) -> Path:
        """A project made from a tag, committed."""
        import copier

        copier.run_copy(
            str(self.folder),
            target,
            data={"offline": True, **(data or {})},
            vcs_ref=tag,
            defaults=True,
            quiet=True,
            unsafe=True,
        )
        if commit:
            git(target, "init", "-q", "-b", "main")
            save(target, "copied")
        return target


def save(project: Path, message: str) -> None:
    """Commit everything in a project."""
    git(project, "add", "-A")
    git(project, "commit", "-qm", message, "--allow-empty")


def update(
    project: Path, tag: str | None = None, data: Mapping[str, Any] | None = None, *, quiet: bool = True
) -> None:
    """Update a project in this process."""
    import copier

    copier.run_update(
        project, data=dict(data or {}), vcs_ref=tag, defaults=True, overwrite=True, quiet=quiet, unsafe=True
    )


def files_of(project: Path) -> dict[str, bytes]:
    """Relative path to bytes of everything but git's own files."""
    return {
        path.relative_to(project).as_posix(): path.read_bytes()
        for path in sorted(project.rglob("*"))
        if path.is_file() and ".git" not in path.relative_to(project).parts
    }


def command(*words: str, cwd: Path, environ: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run the real copier."""
    env = {k: v for k, v in os.environ.items() if k not in ("REGISTRY_PATH", "PYTHONPATH")} | dict(environ or {})
    return subprocess.run(
        [sys.executable, "-m", "copier", *words], cwd=cwd, capture_output=True, text=True, env=env, timeout=180
    )
