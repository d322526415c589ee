"""The part of `make portability` that every proof runs: oldest and newest versions on this interpreter, and the wheel."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.portability import checks, matrix
from tests.portability.environments import ROOT, Interpreter, Tools, floors, interpreters

HERE = Interpreter(Path(sys.executable), sys.version_info[:3])


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> matrix.Place:
    """A template with two tags, and the tools that make environments."""
    folder = tmp_path_factory.mktemp("portability")
    return matrix.Place(folder, checks.make_template(folder), Tools(folder / "tools"))


@pytest.mark.slow
@pytest.mark.parametrize("pins", ["oldest", "newest"])
def test_versions(place: matrix.Place, pins: str) -> None:
    """A copy, an update, a verdict and a look-up with the oldest and the newest packages; what fails says how."""
    wanted = floors(HERE.version[:2]) if pins == "oldest" else {}
    seen = matrix.pinned(place, HERE, wanted)
    assert all(f"{name} {wanted[name]}" in seen for name in wanted if name in matrix.ALONE), seen


@pytest.mark.slow
def test_the_wheel(place: matrix.Place) -> None:
    """Built from the sdist and installed alone, it knows the registries."""
    wheel, _ = checks.archives(place.template, place.new(), place.tools)
    assert "resolve" in checks.installs(wheel, HERE.path, place.new(), place.tools)


def test_the_command_starts_the_matrix() -> None:
    """`make portability` runs tests/portability/matrix.py, which knows its options."""
    done = subprocess.run(["make", "-n", "portability"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0 and "tests/portability/matrix.py" in done.stdout, done.stderr
    script = [sys.executable, "tests/portability/matrix.py", "--help"]
    helped = subprocess.run(script, cwd=ROOT, capture_output=True, text=True)
    assert helped.returncode == 0 and "--write FILE" in helped.stdout


def test_floors_are_read_for_every_python() -> None:
    """Every dependency has one floor, whatever its markers say; a newer Python never has a lower one."""
    names = set(floors((3, 10)))
    assert {
        "copier",
        "copier-template-extensions",
        "huggingface_hub",
        "jinja2",
        "packaging",
        "pydantic",
        "pyyaml",
    } == names
    for minor in range(10, matrix.NEWEST_PYTHON + 2):
        assert set(floors((3, minor))) == names
    assert floors((3, 12))["pydantic"] != floors((3, 13))["pydantic"] != floors((3, 14))["pydantic"]
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert f'copier>={floors((3, 11))["copier"]}"' in text
    wanted = (
        (ROOT / "copier.yml").read_text(encoding="utf-8").partition('_min_copier_version: "')[2].partition('"')[0]
    )
    assert wanted == f"{floors((3, 11))['copier']}.0"


def test_interpreters_are_found() -> None:
    """This one or a newer one of its minor version is among them, oldest first, one for each minor version."""
    found = [python.version for python in interpreters()]
    assert found == sorted(found) and len({v[:2] for v in found}) == len(found)
    assert any(v[:2] == HERE.version[:2] and v >= HERE.version for v in found)


def test_what_cannot_be_tried_is_said() -> None:
    """A skip and a failure are rows of the table, and a Python that is not here is one, too."""

    def skipped() -> str:
        raise matrix.SkippedError("no wheels")

    def failed() -> str:
        raise matrix.FailedError("copier copy\n  boom | x")

    rows = [matrix.judge("a", skipped), matrix.judge("b", failed), matrix.judge("c", lambda: "fine")]
    assert [row.outcome for row in rows] == ["skipped", "FAILED", "ran"]
    text = matrix.table(rows, matrix.commit())
    assert "| a | skipped | no wheels |" in text
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout
    assert f", at commit {head[:10]}" in text or not head
    assert [row.name for row in matrix.missing([Interpreter(Path("x"), (3, 12, 1))])][:3] == [
        "Python 3.10", "Python 3.11", "Python 3.13",
    ]  # fmt: skip


def test_a_missing_shell_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each on a row of its own, among the loud skips."""
    monkeypatch.setattr(matrix, "which", lambda *names: [n for n in names if n in ("dash", "bash")])
    told = [row.name for row in matrix.missing([]) if row.outcome == "skipped" and row.name.startswith("scripts")]
    assert told == ["scripts, busybox", "scripts, ksh", "scripts, mksh", "scripts, yash", "scripts, zsh"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--only", "Pyhton 3.10"], "no row's name contains 'Pyhton 3.10'; there are:"),
        (["--only", "uvx", "--write", "page.md"], "leave --only out"),
    ],
)
def test_a_wrong_choice_is_refused(words: list[str], said: str, tmp_path: Path) -> None:
    """Exit 2, before anything is made; the rows are named, and no table loses its rows."""
    page = tmp_path / "page.md"
    page.write_text(f"{matrix.BEGIN}\nold\n{matrix.END}\n")
    script = [sys.executable, str(ROOT / "tests/portability/matrix.py"), *words]
    done = subprocess.run(script, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and said in done.stderr and done.stdout == ""
    assert ("scripts, syntax" in done.stderr) is ("Pyhton" in words[1]) and "old" in page.read_text()
