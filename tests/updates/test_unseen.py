"""What was asked for and did not answer, a container engine or the Hub, is told at a copy and at an update."""

from __future__ import annotations

from pathlib import Path

import pytest
from templates import TemplateRepo, command, files_of, git, save

NOWHERE = "unix:///nonexistent/docker.sock"
DOCKER = "no container engine answered: it was not inspected (MCC620)"


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> TemplateRepo:
    return TemplateRepo.make(tmp_path_factory.mktemp("unseen") / "template")


def copy(repo: TemplateRepo, project: Path, environ: dict[str, str], *data: str) -> str:
    words = [word for pair in data for word in ("--data", pair)]
    done = command(
        "copy",
        "--trust",
        "--defaults",
        "--vcs-ref",
        "v1.0.0",
        *words,
        str(repo.folder),
        str(project),
        cwd=project.parent,
        environ=environ,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_no_engine_is_told(repo: TemplateRepo, tmp_path: Path) -> None:
    """In the summary and the README; a second update changes nothing and says it again."""
    project, environ = tmp_path / "p", {"DOCKER_HOST": NOWHERE}
    told = copy(repo, project, environ, "offline=true", "validate_with_docker=true")
    notes = told[told.index("Notes:") : told.index("Next:")]
    assert "no container engine answers" in notes and "MCC620" in notes and "rests on the registries" in notes
    readme = (project / "README.md").read_text("utf-8")
    assert DOCKER in readme[readme.index("## Warnings") : readme.index("\n\n## Yours to edit")]
    git(project, "init", "-q")
    save(project, "copied")
    before = files_of(project)
    done = command("update", "--trust", "--defaults", "--vcs-ref", "v1.0.0", cwd=project, environ=environ)
    assert done.returncode == 0 and "MCC620" in done.stderr[done.stderr.index("Notes:") :], done.stderr
    assert files_of(project) == before and git(project, "status", "--porcelain") == ""
    words = ("--defaults", "--vcs-ref", "v1.0.0", "--data", "validate_with_docker=false")
    done = command("update", "--trust", *words, cwd=project, environ=environ)
    assert done.returncode == 0, done.stderr
    assert DOCKER not in (project / "README.md").read_text("utf-8"), "what is no longer asked for leaves the README"


def test_no_hub_is_told(repo: TemplateRepo, tmp_path: Path) -> None:
    """In the summary, with the way to ask nobody; a project that asks nobody has no such note."""
    environ = {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HUB_OFFLINE": "0"}
    told = copy(repo, tmp_path / "p", environ)
    assert "MCC601]; offline=true asks nobody" in told[told.index("Notes:") : told.index("Next:")]
    assert "Notes:" not in copy(repo, tmp_path / "q", environ, "offline=true")
