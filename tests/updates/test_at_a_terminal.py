"""`copier update` at a real terminal: recorded answers are the defaults, Ctrl-C and a refusal leave the project alone."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from templates import TemplateRepo, compile_registry, drop_release, files_of, git, save

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from prompts.terminal import INTERRUPT, POINTER, Terminal

pytestmark = pytest.mark.slow

ANSWERS = {
    "project_name": "kept",
    "framework_version": "0.26.0",
    "framework_profile": "low-latency",
    "instance_type": "ml.g6.2xlarge",
    "region": "eu-west-1",
    "s3_bucket": "my-bucket",
    "env_vars": {"max_model_len": 4096},
    "deployment_target": "async",
}
"""None of them is a default; the release is not on the short list that is offered."""


class UpdateTerminal(Terminal):
    """One `copier update` at a terminal."""

    def __init__(self, project: Path, tag: str) -> None:
        self.start(project, ["update", "--trust", "--vcs-ref", tag], project)


@pytest.fixture
def terminal() -> Iterator[Callable[[Path, str], UpdateTerminal]]:
    """Start updates that are ended after the test."""
    opened: list[UpdateTerminal] = []

    def start(project: Path, tag: str) -> UpdateTerminal:
        opened.append(UpdateTerminal(project, tag))
        return opened[-1]

    yield start
    for each in opened:
        each.child.close(force=True)


def pointed_at(run: Terminal) -> str:
    """The choice the pointer is at."""
    return next(line for line in run.listed() if line.startswith(POINTER)).lstrip(f"{POINTER} ")


def test_recorded_answers_are_the_defaults(
    three: TemplateRepo, tmp_path: Path, terminal: Callable[[Path, str], UpdateTerminal]
) -> None:
    """Enter keeps what the project has; one answer changed at its prompt; the result is a fresh copy with these answers."""
    project = three.copy(tmp_path / "p", "v1.0.0", ANSWERS)
    run = terminal(project, "v3.0.0")
    run.skip_to("framework_version")
    assert pointed_at(run).startswith("0.26.0 (experimental, CUDA")
    run.press("\r")
    run.skip_to("instance_type")
    assert pointed_at(run).startswith("ml.g6.2xlarge")
    run.skip_to("region")
    assert "eu-west-1" in run.seen
    run.type("eu-central-1")
    assert run.end(press_enter=True) == 0, run.all
    assert "Traceback" not in run.all and "To do: " in run.all
    data = ANSWERS | {"region": "eu-central-1"}
    answers = yaml.safe_load((project / ".copier-answers.yml").read_text(encoding="utf-8"))
    assert {name: answers[name] for name in data} == data
    assert files_of(project) == files_of(three.copy(tmp_path / "fresh", "v3.0.0", data, commit=False))


def test_an_interrupt_leaves_the_project_alone(
    three: TemplateRepo, tmp_path: Path, terminal: Callable[[Path, str], UpdateTerminal]
) -> None:
    """Ctrl-C in the middle of the questions: a failure, no traceback, and no file touched."""
    project = three.copy(tmp_path / "p", "v1.0.0", {"framework": "sklearn"})
    (project / "README.md").write_text("Mine alone.\n", encoding="utf-8")
    save(project, "edited")
    before = files_of(project)
    run = terminal(project, "v3.0.0")
    run.skip_to("region")
    run.press(INTERRUPT)
    assert run.end() != 0
    assert "Traceback" not in run.all
    assert files_of(project) == before and git(project, "status", "--porcelain", "--ignored") == ""


def test_a_dropped_version_is_shown_and_refused(
    three: TemplateRepo, tmp_path: Path, terminal: Callable[[Path, str], UpdateTerminal]
) -> None:
    """It is marked in the list; who keeps it gets the page at the end, and the project stays as it is."""
    repo = TemplateRepo.make(tmp_path / "template")
    repo.tag("v2.0.0", lambda folder: drop_release(folder, "sklearn", "1.7.2"), compile_registry)
    project = repo.copy(tmp_path / "p", "v1.0.0", {"framework": "sklearn", "framework_version": "1.7.2"})
    run = terminal(project, "v2.0.0")
    run.skip_to("framework_version")
    assert pointed_at(run) == "1.7.2 (not in the registries)"
    assert run.end(press_enter=True) == 1
    page = " ".join(run.all.split())
    assert "MCC202" in page and "copier update --trust --data framework_version=" in page and "Traceback" not in page
    assert git(project, "status", "--porcelain") == ""
