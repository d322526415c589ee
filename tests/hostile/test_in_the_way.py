"""What lies where a project's files belong: everything is told at once, and nothing is written."""

from __future__ import annotations

import importlib
import importlib.util
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from .hostilekit import ROOT, Renderer, unprivileged

FOLDER = "is in the way: it is a folder"
LINK = "is in the way: it is a link that leaves the project"
NO_FOLDER = "is in the way: it is no folder"
IRREGULAR = "is in the way: it is no regular file"


def entries(folder: Path) -> dict[str, int]:
    """Every entry below a folder with its mode and size: what was there, and whether it changed."""
    return {str(path.relative_to(folder)): path.lstat().st_mode + path.lstat().st_size for path in folder.rglob("*")}


def put_folder(path: Path) -> None:
    path.mkdir(parents=True)


def put_file(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("mine", encoding="utf-8")


def put_pipe(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(path)


def put_link_out(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to("../elsewhere")


def put_link_to_nothing(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to("nothing")


@pytest.mark.parametrize(
    ("name", "put", "expected"),
    [
        ("README.md", put_folder, FOLDER),
        ("mcc.lock.yaml", put_folder, FOLDER),
        ("do/build", put_folder, FOLDER),
        (".copier-answers.yml", put_folder, FOLDER),
        ("do", put_file, NO_FOLDER),
        ("deploy", put_pipe, NO_FOLDER),
        ("do", put_link_out, LINK),
        ("do", put_link_to_nothing, LINK),
        ("README.md", put_pipe, IRREGULAR),
    ],
)
@pytest.mark.parametrize("overwrite", [True, False])
def test_another_kind_of_entry_is_refused(
    render: Renderer, tmp_path: Path, name: str, put: Callable[[Path], None], expected: str, overwrite: bool
) -> None:
    """A folder for a file, a file for a folder, a pipe that nobody writes to, a link out of the project."""
    project = tmp_path / "project"
    (tmp_path / "elsewhere").mkdir()
    put(project / name)
    before = entries(tmp_path)
    _, text = render.anywhere(project, overwrite=overwrite)
    assert text is not None and "MCC019" in text and "Nothing was written" in text
    assert f"{name} {expected}" in " ".join(text.split())
    assert entries(tmp_path) == before


def test_everything_in_the_way_is_told_at_once(render: Renderer, tmp_path: Path) -> None:
    """Three entries, three findings; what lies below one of them is not told again."""
    for name, put in (("README.md", put_folder), ("deploy", put_file), ("do/run", put_folder)):
        put(tmp_path / "project" / name)
    _, text = render.anywhere(tmp_path / "project")
    assert text is not None and text.count("MCC019") == 3


def test_what_is_not_in_the_way_stays(render: Renderer, tmp_path: Path) -> None:
    """Files of the owner's, links to files, and a link to a folder inside the project are no reason to refuse."""
    project = tmp_path / "project"
    put_file(project / "src" / "mine.py")
    put_file(project / "scripts" / "mine")
    (project / "do").symlink_to("scripts")
    (project / "README.md").symlink_to("src/mine.py")
    folder, text = render.anywhere(project, overwrite=True)
    assert text is None, text
    assert (folder / "scripts" / "build").is_file() and (folder / "README.md").is_file()
    assert (folder / "src" / "mine.py").read_text() == "mine"


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX modes")
@pytest.mark.parametrize(("name", "mode"), [("do", 0o555), ("README.md", 0o444)])
def test_what_cannot_be_written_to_is_refused(source: Path, tmp_path: Path, name: str, mode: int) -> None:
    """A folder without the right to add files, a file without the right to change it."""
    project = tmp_path / "project"
    (put_folder if name == "do" else put_file)(project / name)
    (project / name).chmod(mode)
    before = entries(tmp_path)
    words = [
        "copier",
        "copy",
        "-q",
        "--trust",
        "--defaults",
        "--overwrite",
        "--vcs-ref",
        "HEAD",
        "--data",
        "offline=true",
    ]
    done = subprocess.run(
        [*unprivileged(), sys.executable, "-m", *words, str(source), str(project)],
        capture_output=True,
        text=True,
        timeout=120,
        env={k: v for k, v in os.environ.items() if k != "REGISTRY_PATH"} | {"PYTHONWARNINGS": "ignore"},
    )
    assert done.returncode and "Traceback" not in done.stderr
    assert f"{name} cannot be written to" in " ".join(done.stderr.split()) and "MCC019" in done.stderr
    assert entries(tmp_path) == before
    (project / name).chmod(mode | stat.S_IWUSR)


def test_the_paths_looked_at_are_those_of_a_project(render: Renderer) -> None:
    """Every file and folder of real projects is among the planned ones."""
    spec = importlib.util.spec_from_file_location("extension_of_paths", ROOT / "hooks" / "extension.py")
    assert spec is not None and spec.loader is not None
    extension = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(extension)
    name, _ = extension.load_checkout(ROOT)
    destination = importlib.import_module(f"{name}.hooks.destination")
    known = dict(destination.planned(ROOT / "template", ".copier-answers.yml"))
    for answers in ({}, {"framework": "sklearn"}, {"model_server": "tensorrt-llm"}, {"deployment_target": "batch"}):
        project = render.accepted(**answers)
        for path in project.rglob("*"):
            place = path.relative_to(project).as_posix()
            assert known.get(place) == path.is_dir(), place
