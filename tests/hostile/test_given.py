"""Answers as users give them, as text or in files: told, or rendered as they were written, and always soon."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
import yaml

from hooks.outside import Replayed
from mcc_registry.answers import MAX_VALUES, TOO_LARGE, lightened, parse_answers
from tests.cli.invoke import invoke
from tests.updates.templates import TemplateRepo, git

from .hostilekit import Renderer

AS_WRITTEN = {
    "NCCL_A": "1_000", "NCCL_B": "1:30", "NCCL_C": "yes", "NCCL_D": "010", "NCCL_E": "0x10", "NCCL_F": "190:20:30",
    "NCCL_G": "1.10", "NCCL_H": "1e3", "NCCL_I": "2001-01-01", "NCCL_J": "off", "NCCL_K": "0o17", "NCCL_L": "+5",
}  # fmt: skip
"""Words YAML 1.1 makes numbers, truth values and dates of."""

FLOW = "{" + ", ".join(f"{name}: {text}" for name, text in AS_WRITTEN.items()) + "}"


def bomb(name: str) -> str:
    """The "billion laughs" as the value of an answer: eight levels of ten aliases."""
    lines, above = [f"{name}:", "  A: &a [x,x,x,x,x,x,x,x,x,x]"], "a"
    for level in "BCDEFGH":
        lines.append(f"  {level}: &{level.lower()} [{','.join([f'*{above}'] * 10)}]")
        above = level.lower()
    return "\n".join(lines) + "\n"


def variables(project: Path) -> dict[str, str]:
    lines = (project / "container.env").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line.startswith("NCCL_"))


def copier(*words: str, folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    kept = {k: v for k, v in os.environ.items() if k != "REGISTRY_PATH"}
    return subprocess.run(
        [sys.executable, "-m", "copier", *words],
        cwd=folder,
        env={**kept, "PYTHONWARNINGS": "ignore", "GIT_CONFIG_GLOBAL": os.devnull, **more},
        capture_output=True,
        text=True,
        timeout=60,
    )


def clone(recorded: Path, folder: Path) -> Path:
    """A project of its own, to be edited and updated."""
    git(folder, "clone", "-q", str(recorded), "project")
    return folder / "project"


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A committed project of a template with a tag."""
    folder = tmp_path_factory.mktemp("recorded")
    return TemplateRepo.make(folder / "template").copy(folder / "project", "v1.0.0")


def test_env_vars_given_as_text_are_rendered_as_written(render: Renderer) -> None:
    """The project, its answers file and the command line have the same words."""
    project = render.accepted(env_vars=FLOW)
    assert variables(project) == AS_WRITTEN
    assert yaml.safe_load((project / ".copier-answers.yml").read_text())["env_vars"] == AS_WRITTEN
    plan = invoke("resolve", "--offline", "--format", "json", "--env-vars", FLOW).json
    assert {name: entry["value"] for name, entry in plan["env_vars"].items() if name in AS_WRITTEN} == AS_WRITTEN


def test_a_decimal_setting_is_still_a_number(render: Renderer) -> None:
    project = render.accepted(env_vars="{gpu_memory_utilization: 0.90, max_model_len: 8192}")
    text = (project / "container.env").read_text()
    assert "GPU_MEMORY_UTILIZATION=0.9" in text and "MAX_MODEL_LEN=8192" in text


@pytest.mark.slow
def test_an_update_keeps_the_words(recorded: Path, tmp_path: Path) -> None:
    """Given at an update, and again at one that is told nothing."""
    project = clone(recorded, tmp_path)
    for more in (["--data", f"env_vars={FLOW}"], []):
        done = copier("update", "--trust", "--defaults", *more, folder=project)
        assert done.returncode == 0, done.stderr
        assert variables(project) == AS_WRITTEN
        changed = git(project, "status", "--short")
        git(project, "commit", "-qam", "updated", "--allow-empty")
    assert not changed


@pytest.mark.parametrize("name", ["region", "framework", "model_name", "instance_type", "project_name", "offline"])
def test_nothing_is_no_answer(render: Renderer, name: str) -> None:
    assert f"{name} is empty" in render.refused(**{name: None})


@pytest.mark.parametrize("name", ["instance_type_name", "framework_version_text"])
@pytest.mark.parametrize("value", [None, [1], {"a": 1}, "\x1b[31m"])
def test_a_typed_value_of_a_wrong_type(render: Renderer, name: str, value: object) -> None:
    assert name in render.refused(**{name: value})


@pytest.mark.parametrize(
    "name", ["mcc_gate", "mcc_check", "mcc_project", "mcc_default", "mcc_validate", "mcc_summary"]
)
@pytest.mark.parametrize("value", ["x", "true", True, [1]])
def test_names_of_our_functions_are_no_answers(render: Renderer, name: str, value: object) -> None:
    """Neither hidden by an answer, nor a way around the gate."""
    assert f"{name} is not a question" in render.refused(**{name: value})
    assert "ml.none.large" in render.refused(**{name: value, "instance_type": "ml.none.large"})


@pytest.mark.parametrize("name", ["env_vars", "unknown_key", "region", "instance_type_name"])
def test_aliases_without_end_are_told_soon(source: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "answers.yml").write_text(bomb(name), encoding="utf-8")
    words = [
        "copy",
        "--trust",
        "--defaults",
        "--vcs-ref",
        "HEAD",
        "--data-file",
        "answers.yml",
        str(source),
        "project",
    ]
    done = copier(*words, folder=tmp_path)
    assert done.returncode == 1 and "MCC00" in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "project").exists()


def test_a_value_that_holds_itself_is_too_large() -> None:
    endless: list[object] = []
    endless.append(endless)
    assert lightened(endless) is TOO_LARGE
    request, findings = parse_answers({"env_vars": {"A": endless}, "unknown": endless, "offline": endless})
    assert {f.field for f in findings} == {"env_vars", "unknown", "offline"} and not request.env_vars
    kept = {"A": [1] * (MAX_VALUES - 1)}
    assert lightened(kept) is kept


@pytest.mark.slow
@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("model_name: null", "MCC005"),
        ("instance_type: [a]", "MCC005"),
        ("framework: {a: 1}", "MCC005"),
        ("deployment_target: 7", "MCC005"),
        ("deployment_target: sometimes", "MCC004"),
        ("offline: maybe", "MCC002"),
        ("env_vars: '{a: b'", "MCC003"),
        (bomb("env_vars"), "MCC008"),
    ],
)
def test_recorded_answers_nobody_can_read_stop_an_update(
    recorded: Path, tmp_path: Path, answer: str, expected: str
) -> None:
    """With the finding, its place and the way to mend it; the project stays as it is."""
    project = clone(recorded, tmp_path)
    answers = yaml.safe_load((project / ".copier-answers.yml").read_text())
    del answers[answer.partition(":")[0]]
    (project / ".copier-answers.yml").write_text(yaml.safe_dump(answers) + answer + "\n", encoding="utf-8")
    git(project, "commit", "-qam", "edited")
    done = copier("update", "--trust", "--defaults", folder=project)
    assert done.returncode == 1 and "Traceback" not in done.stderr, done.stderr
    assert expected in done.stderr and ".copier-answers.yml" in done.stderr and "Nothing was written" in done.stderr
    assert not git(project, "status", "--short")


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="file names are text there")
def test_a_layer_whose_name_is_no_text(source: Path, tmp_path: Path) -> None:
    layer = os.fsencode(tmp_path) + b"/bad\xff"
    Path(os.fsdecode(layer)).mkdir()
    words = ["copy", "--trust", "--defaults", "--vcs-ref", "HEAD", "--data", "offline=true", str(source), "project"]
    done = copier(*words, folder=tmp_path, REGISTRY_PATH=os.fsdecode(layer))
    assert done.returncode == 1 and "Traceback" not in done.stderr and "not UTF-8" in " ".join(done.stderr.split())
    assert not (tmp_path / "project").exists()


@pytest.mark.parametrize(
    ("folder", "files"),
    [
        ("a", '{"": "x"}'),
        ("a", '{"a": "x", "a/b": "y"}'),
        ("a", "[" * 100_000),
        ("a", '{"a": "\\ud800"}'),
        ("a", '{"a\\u0000b": "b"}'),
        ("a\0b", "{}"),
        ("a" * 3000, '{"a": "b"}'),
        ("../../up", '{"../../../a": "b"}'),
        ("a", '{"a": 1}'),
        ("a", "nonsense"),
    ],
)
def test_recorded_layers_edited_by_hand(tmp_path: Path, folder: str, files: str) -> None:
    """Laid out where they can be, else missing; never outside their own folder, never an exception."""
    line = base64.b64encode(zlib.compress(files.encode())).decode("ascii")
    layer = {"name": "x", "folder": folder, "digest": "d", "files": line}
    replayed = Replayed([layer])
    assert [place.shown for place in replayed.places] + replayed.missing == ["x"]
    for place in replayed.places:
        assert "mcc-layers-" in str(place.path) and not list(place.path.parents[1].glob("a"))
