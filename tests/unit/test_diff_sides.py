"""What `diff` may be given: locks, projects, registry folders, checkouts and git references; the rest is refused."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from mcc_registry.cli.sides import open_side, read_lock
from mcc_registry.errors import FindingsError


def git(folder: Path, *words: str) -> None:
    flags = ("-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *flags, *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "a template"
    (folder / "registries" / "instances").mkdir(parents=True)
    (folder / "copier.yml").write_text("{}\n")
    (folder / "registries" / "instances" / "g9.yaml").write_text("types: {}\n")
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "one")
    git(folder, "tag", "v1")
    return folder


def refused(text: str, scratch: Path) -> str:
    with pytest.raises(FindingsError) as caught:
        open_side(text, scratch)
    (finding,) = caught.value.findings
    assert finding.code == "MCC701" and finding.hint
    return finding.message


def test_a_lock_file_and_its_project_are_the_same(tmp_path: Path) -> None:
    lock = tmp_path / "mcc.lock.yaml"
    lock.write_text("lock_version: 1\ninstance_type: ml.g6.xlarge\n")
    one, two = open_side(str(lock), tmp_path), open_side(str(tmp_path), tmp_path)
    assert one == two and one.kind == "lock" and one.lock == {"lock_version": 1, "instance_type": "ml.g6.xlarge"}


def test_a_checkout_and_its_registries_are_the_same(checkout: Path, tmp_path: Path) -> None:
    one = open_side(str(checkout), tmp_path)
    assert one == open_side(str(checkout / "registries"), tmp_path)
    assert one.kind == "registry" and one.folder == checkout / "registries"


def test_a_tag_gives_the_registries_of_then(checkout: Path, tmp_path: Path) -> None:
    """What was committed, not what lies there now."""
    (checkout / "registries" / "instances" / "g9.yaml").write_text("types: {changed: 1}\n")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    side = open_side(f"{checkout}@v1", scratch)
    assert side.folder == scratch / "registries"
    assert (scratch / "registries" / "instances" / "g9.yaml").read_text() == "types: {}\n"


def test_what_names_nothing_is_refused(checkout: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "without a lock and without registry files" in refused(str(empty), tmp_path)
    assert "does not exist" in refused(f"{tmp_path}/nothing@v1", tmp_path)
    assert "does not exist" in refused(f"{checkout}@", tmp_path)
    assert "does not exist" in refused(f"{checkout}@--output=x", tmp_path)
    assert "nor a git reference" in refused(f"{checkout}@v9", tmp_path)
    assert not (tmp_path / "x").exists()


def test_inside_a_project_the_hint_names_its_template(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tmp_path / "project"
    project.mkdir()
    monkeypatch.chdir(project)
    for source, words in ((str(checkout), f"{checkout}@v9"), ("git+https://example.com/t.git", "clone its template")):
        (project / ".copier-answers.yml").write_text(f"_src_path: {source}\n")
        with pytest.raises(FindingsError) as caught:
            open_side("v9", tmp_path)
        assert words in caught.value.findings[0].hint


@pytest.mark.parametrize(
    ("text", "words"),
    [("a: [\n", "is not valid YAML (line"), ("a: 1\n", "has no lock_version"), ("- 1\n", "has no lock_version")],
)
def test_a_file_that_is_no_lock_is_refused(text: str, words: str, tmp_path: Path) -> None:
    lock = tmp_path / "mcc.lock.yaml"
    lock.write_text(text)
    assert words in refused(str(lock), tmp_path)


def test_a_lock_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    lock = tmp_path / "mcc.lock.yaml"
    lock.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FindingsError):
        read_lock(lock)
