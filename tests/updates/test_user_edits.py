"""Edits of the owner survive every update: generated edits, merged line by line, lost never, in conflict only where both changed.

The oracle is git's three-way merge of each file (the owner's, the old copy, the new copy): where that merges without
a conflict, the update must give exactly that; where it does not, every line of the owner must still be there, inline.
`make proof-updates` runs 500 cases (MCC_PROOF_UPDATES) in blocks that workers share, the tests a few.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from templates import TemplateRepo, files_of, git, replace_text, save, update

BLOCKS, CASES_OF_A_BLOCK = (50, 10) if os.environ.get("MCC_PROOF_UPDATES") else (1, 12)
EDITED = (
    "container.env",
    "do/config",
    "README.md",
    "serving/inference.py",
    "serving/app.py",
    "requirements.txt",
    "deploy/model.json",
    "deploy/endpoint-config.json",
    "Dockerfile",
    ".gitignore",
    "do/build",
    "mcc.lock.yaml",
)
ANSWERS: list[dict[str, Any]] = [
    {},
    {"framework": "sklearn"},
    {"model_server": "tensorrt-llm", "deployment_target": "async"},
    {"framework": "xgboost", "model_server": "flask", "deployment_target": "batch"},
]
MARK = "<<<<<<< before updating"


@dataclass(frozen=True)
class Edit:
    """One edit: in which file, where (0 to 1), what, and how many lines."""

    file: str
    where: float
    what: str
    lines: int


EDITS = st.lists(
    st.builds(
        Edit,
        st.sampled_from(EDITED),
        st.floats(0, 1),
        st.sampled_from(["replace", "insert", "append", "delete", "replace", "insert", "append", "remove file"]),
        st.integers(1, 3),
    ),
    min_size=1,
    max_size=6,
)
OWN_FILES = st.dictionaries(
    st.from_regex(r"[a-z]{3,8}\.txt", fullmatch=True), st.text("ab\n", max_size=20), max_size=2
)


def change_templates(folder: Path) -> None:
    """A version that changes a line in files the owner edits."""
    serving = next((folder / "template" / "serving").glob("*inference.py*"))
    text = serving.read_text(encoding="utf-8")
    serving.write_text(
        re.sub(r"^def ", "# the new version says this\ndef ", text, count=1, flags=re.MULTILINE), encoding="utf-8"
    )
    replace_text(folder / "template" / "container.env.jinja", "No secrets here.", "No secrets in this file.")
    (folder / "template" / ".gitignore").write_text(
        "# first\n" + (folder / "template" / ".gitignore").read_text(encoding="utf-8"), encoding="utf-8"
    )
    config = folder / "template" / "do" / "config.jinja"
    replace_text(config, "setting POLL_SECONDS 15", "setting POLL_SECONDS 20")


@dataclass(frozen=True)
class Base:
    """A project of the old version, committed, and what both versions render."""

    project: Path
    old: dict[str, bytes]
    new: dict[str, bytes]


@pytest.fixture(scope="module")
def bases(three: TemplateRepo, tmp_path_factory: pytest.TempPathFactory) -> list[Base]:
    """One project per kind of framework."""
    three.tag("v4.0.0", change_templates)
    made = []
    for number, answers in enumerate(ANSWERS):
        folder = tmp_path_factory.mktemp(f"base{number}")
        data = {"project_name": "edited", **answers}
        project = three.copy(folder / "project", "v1.0.0", data)
        fresh = three.copy(folder / "fresh", "v4.0.0", data, commit=False)
        made.append(Base(project, files_of(project), files_of(fresh)))
    return made


def apply_edits(project: Path, edits: list[Edit]) -> None:
    """Make the edits; every line that is written is unique."""
    for number, edit in enumerate(edits):
        path = project / edit.file
        if not path.exists():
            continue
        if edit.what == "remove file":
            path.unlink()
            continue
        lines = path.read_text(encoding="utf-8").splitlines()
        at = int(edit.where * len(lines))
        fresh = [f"# MINE_{number}_{i}=1" for i in range(edit.lines)]
        if edit.what == "append":
            lines += fresh
        elif edit.what == "insert":
            lines[at:at] = fresh
        elif edit.what == "replace":
            lines[at : at + edit.lines] = fresh
        else:
            del lines[at : at + edit.lines]
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def merged(mine: bytes, old: bytes, new: bytes) -> tuple[bytes, bool]:
    """Git's three-way merge, and whether it is free of conflicts."""
    with tempfile.TemporaryDirectory() as name:
        paths = [Path(name) / part for part in ("mine", "old", "new")]
        for path, data in zip(paths, (mine, old, new), strict=True):
            path.write_bytes(data)
        done = subprocess.run(["git", "merge-file", "-p", *map(str, paths)], capture_output=True, check=False)
        return done.stdout, done.returncode == 0


def check_case(base: Base, project: Path, edits: list[Edit], own: dict[str, str]) -> None:
    """One case: the owner edits, commits, updates; compare every file with what git's merge says."""
    shutil.copytree(base.project, project)
    apply_edits(project, edits)
    for file, text in own.items():
        (project / file).write_text(text, encoding="utf-8")
    save(project, "edits")
    mine = files_of(project)
    update(project, "v4.0.0")
    after = files_of(project)
    assert not [n for n in after if n.endswith((".rej", ".orig"))]
    assert sorted(set(base.old) - set(mine) - {".copier-answers.yml"}) == sorted(
        n for n in set(base.old) & set(base.new) if n not in after
    ), "a file that the owner removed came back, or another went"
    for file, data in mine.items():
        if file == ".copier-answers.yml":
            continue
        if file not in base.old:
            assert after.get(file) == data, f"{file} is the owner's own"
            continue
        expected, is_clean = merged(data, base.old[file], base.new[file])
        text = after[file].decode()
        if is_clean:
            assert text == expected.decode(), f"{file} does not come out as git merges it"
        else:
            kept = {line for line in data.decode().splitlines() if "MINE_" in line}
            assert kept <= set(text.splitlines()), f"{file} lost {kept - set(text.splitlines())}"
            assert MARK in text, f"{file} has a conflict that is not marked"
    conflicts = {n for n, data in after.items() if MARK.encode() in data}
    told = {line[3:] for line in git(project, "status", "--porcelain").splitlines() if line[:2] == "UU"}
    assert conflicts == told, "git does not say where the conflicts are"


@pytest.mark.slow
@pytest.mark.parametrize("block", range(BLOCKS))
def test_no_edit_is_lost(bases: list[Base], block: int, record_property: Callable[[str, object], None]) -> None:
    """Where git merges, the result is git's; elsewhere both sides are inline. New files of the owner stay as they are."""
    done = 0

    @seed(block)
    @settings(
        max_examples=CASES_OF_A_BLOCK,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @given(which=st.integers(0, len(ANSWERS) - 1), edits=EDITS, own=OWN_FILES)
    def case(which: int, edits: list[Edit], own: dict[str, str]) -> None:
        nonlocal done
        with tempfile.TemporaryDirectory(prefix="edits") as name:
            check_case(bases[which], Path(name) / "project", edits, own)
        done += 1

    case()
    record_property("cases", done)
    assert done >= CASES_OF_A_BLOCK


def test_a_conflict_is_inline_and_only_where_both_changed(bases: list[Base], tmp_path: Path) -> None:
    """The same line changed by both: both versions are in the file; a line further off is merged."""
    base = bases[0]
    project = tmp_path / "project"
    shutil.copytree(base.project, project)
    config = project / "do" / "config"
    text = config.read_text(encoding="utf-8")
    changed = text.replace("setting POLL_SECONDS 15", "setting POLL_SECONDS 99").replace(
        "setting PORT 8080", "setting PORT 9090"
    )
    config.write_text(changed, encoding="utf-8")
    save(project, "edits")
    update(project, "v4.0.0")
    after = config.read_text(encoding="utf-8")
    assert MARK in after and "POLL_SECONDS 99" in after and "POLL_SECONDS 20" in after
    assert after.count(MARK) == 1 and after.count("setting PORT 9090") == 1 and "PORT 8080" not in after
