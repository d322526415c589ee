"""The commands of README and getting started that ask questions, install or need a clone: done as a stranger does."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import docpages
import pytest

from tests.prompts.terminal import Terminal

pexpect = pytest.importorskip("pexpect")
pytestmark = pytest.mark.slow
ROOT = docpages.ROOT
GIT = ["-c", "user.name=stranger", "-c", "user.email=stranger@example.com"]


def command(page: str, beginning: str) -> str:
    """The one line of a page's blocks that begins so, without its remark, continued lines joined."""
    text = (ROOT / page).read_text(encoding="utf-8").replace("\\\n", " ")
    (line,) = [found for found in text.splitlines() if found.startswith(beginning)]
    return " ".join(line.partition(" #")[0].split())


def git(folder: Path, *words: str) -> None:
    subprocess.run(["git", *GIT, *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh clone of what is committed, with a version to copy and a newer one to update to."""
    folder = tmp_path_factory.mktemp("stranger") / "template"
    subprocess.run(["git", "clone", "-q", str(ROOT), str(folder)], check=True)
    git(folder, "tag", "v9001.0.0")
    git(folder, "commit", "-q", "--allow-empty", "-m", "news")
    git(folder, "tag", "v9002.0.0")
    return folder


class Shell(Terminal):
    """One line typed at a shell's prompt, Enter at every question."""

    def __init__(self, line: str, folder: Path) -> None:
        tools = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        drop = ("REGISTRY_PATH", "PYTHONPATH")
        env = {k: v for k, v in os.environ.items() if k not in drop}
        self.folder, self.seen, self.all, self.current, self.is_over = folder, "", "", "", False
        self.child = pexpect.spawn(
            "sh",
            ["-c", line],
            encoding="utf-8",
            dimensions=(80, 400),
            env={**env, "PATH": tools, "TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1", "HF_HUB_OFFLINE": "1"},
            cwd=str(folder),
        )


def enter(line: str, folder: Path) -> str:
    """Everything a line shows when Enter is pressed at each question; it must end well."""
    shell = Shell(line, folder)
    try:
        assert shell.end(press_enter=True) == 0, shell.all
    finally:
        shell.child.close(force=True)
    assert "Traceback" not in shell.all
    return shell.all


def test_from_the_first_copy_to_an_update(clone: Path, tmp_path: Path) -> None:
    """`copier copy` from a checkout, `copier copy TEMPLATE`, `copier update` and an update that changes an answer."""
    here = command("README.md", "copier copy --trust --vcs-ref HEAD")
    enter(here, clone)
    assert (clone.parent / "my-endpoint" / "do" / "build").is_file()
    copy = command("docs/getting-started.md", "copier copy --trust TEMPLATE").replace("TEMPLATE", str(clone))
    shown = enter(f"{copy} --vcs-ref v9001.0.0", tmp_path)
    assert "Configuration Sources" in shown and "Qwen/Qwen3-4B" in shown
    project = tmp_path / "my-llm"
    git(project, "init", "-q")
    git(project, "add", ".")
    git(project, "commit", "-q", "-m", "As rendered")
    shown = enter(command("README.md", "copier update --trust"), project)
    assert "9002.0.0" in shown
    git(project, "add", ".")
    git(project, "commit", "-q", "-m", "Updated")
    enter(command("docs/getting-started.md", "copier update --trust --data"), project)
    assert "ml.g6.2xlarge" in (project / "container.env").read_text() + (project / "do/config").read_text()
    assert shutil.which("git") and not list(project.rglob("*.rej"))


def test_make_demo_in_a_fresh_clone(clone: Path) -> None:
    """The README's first command; the tools are this environment's, installing them is what `make test` proves."""
    (clone / ".venv").mkdir()
    (clone / ".venv" / "bin").symlink_to(Path(sys.executable).parent)
    line = command("README.md", "make demo").split()
    done = subprocess.run(
        [*line, "-o", ".venv/.ready"], cwd=clone, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": ""}
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "plan: ok" in done.stdout and "./Dockerfile" in done.stdout


@pytest.mark.parametrize("target", ["make test", "make lint types", "make registry", "make proof", "make benchmark"])
def test_contributors_targets(target: str) -> None:
    """Each target CONTRIBUTING names exists, and the programs it would start are there; .ci/run runs what they run."""
    done = subprocess.run([*target.split(), "-n"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    started = re.findall(
        r"-m (mcc_registry[.\w]+)|python (benchmarks/\S+)|(-m pytest|ruff check|bin/mypy)", done.stdout
    )
    assert started
    for module, script, tool in started:
        path = script or (f"{module.replace('.', '/')}.py" if module else "")
        assert tool or (ROOT / path).is_file(), path


def test_what_the_readme_installs_is_enough(clone: Path, tmp_path: Path) -> None:
    """A new environment with the packages of the README's first way and nothing else renders a project."""
    packages = command("README.md", "pip install copier").split()[2:]
    for other in ("uvx --with", "`pipx inject"):
        named = set(re.findall(r"[\w-]+", command("README.md", other)))
        assert set(packages) <= named, other
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "env")], check=True)
    python = tmp_path / "env" / "bin" / "python"
    install = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", *packages]
    subprocess.run(install, check=True)
    line = command("README.md", "copier copy --trust TEMPLATE").replace("TEMPLATE", str(clone)).split()[1:]
    words = [*line, "--defaults", "--data", "offline=true"]
    env = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "REGISTRY_PATH")}
    done = subprocess.run(
        [str(python), "-m", "copier", *words], cwd=tmp_path, capture_output=True, text=True, env=env
    )
    assert done.returncode == 0, done.stderr
    assert "Configuration Sources" in done.stdout + done.stderr
