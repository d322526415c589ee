"""What writes the shipped files: schemas, the snapshot and the canonical form, with nothing to do and with faults."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from mcc_registry import Registry
from mcc_registry.loading import files, snapshot
from mcc_registry.loading.schemas import SCHEMA_FOLDER, write_schemas
from mcc_registry.validate import canonical

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def registries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the shipped registries that ``main`` takes for them."""
    folder = tmp_path / "registries"
    shutil.copytree(ROOT / "registries", folder)
    monkeypatch.setattr(files, "shipped_root", lambda: folder)
    return folder


def test_schemas_are_written_once(tmp_path: Path) -> None:
    """The first run writes one JSON Schema per kind, a second one nothing, and an edited one is restored."""
    written = write_schemas(tmp_path)
    assert written and all(p.parent == tmp_path / SCHEMA_FOLDER for p in written)
    for path in written:
        assert json.loads(path.read_text(encoding="utf-8"))["type"] == "object"
    assert write_schemas(tmp_path) == []
    written[0].write_text("{}", encoding="utf-8")
    assert write_schemas(tmp_path) == [written[0]]


def test_the_snapshot_is_written_when_something_changed(registries: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Current, then stale after an edit, then current again; no draft stays behind."""
    assert snapshot.main() == 0
    before = (registries / snapshot.SNAPSHOT).read_bytes()
    assert snapshot.main() == 0
    assert "current" in capsys.readouterr().err.splitlines()[-1]
    file = registries / "regions.yaml"
    file.write_text(file.read_text(encoding="utf-8") + "# one more line\n", encoding="utf-8")
    assert snapshot.main() == 0
    assert "written" in capsys.readouterr().err.splitlines()[-1]
    assert (registries / snapshot.SNAPSHOT).read_bytes() != before
    assert not list(registries.glob("*.tmp"))


def test_a_broken_registry_makes_no_snapshot(registries: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit status 1, the fault with its place, and the old snapshot as it was."""
    before = (registries / snapshot.SNAPSHOT).read_bytes()
    (registries / "instances" / "g6.yaml").write_text("types: [\n", encoding="utf-8")
    assert snapshot.main() == 1
    said = capsys.readouterr().err
    assert "instances/g6.yaml:" in said and "MCC" in said
    assert (registries / snapshot.SNAPSHOT).read_bytes() == before


def test_canonical_rewrites_what_differs(registries: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file out of form is rewritten to the shipped text, one in form is left alone."""
    file = registries / "instances" / "g6.yaml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text + "\n\n", encoding="utf-8")
    assert canonical.main([str(file)]) == 0
    assert file.read_text(encoding="utf-8") == text
    assert canonical.main([str(file)]) == 0
    assert [line.rpartition(": ")[2] for line in capsys.readouterr().err.splitlines()] == ["rewritten", "canonical"]


def test_canonical_says_what_it_cannot_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No registry file, a missing one and a broken one: exit status 1, one line each, the rest still done."""
    folder = tmp_path / "instances"
    folder.mkdir()
    broken = folder / "x.yaml"
    broken.write_text("a: [\n", encoding="utf-8")
    assert canonical.main([str(tmp_path / "notes.txt"), str(folder / "missing.yaml"), str(broken)]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert "no registry reads a file here" in lines[0] and "missing.yaml" in lines[1] and "x.yaml" in lines[2]
    assert broken.read_text(encoding="utf-8") == "a: [\n"


def test_the_copy_loads_like_the_shipped_one(registries: Path, shipped: Registry) -> None:
    """What the makers write is what everyone reads."""
    snapshot.main()
    assert Registry.load(environ={}).version == shipped.version
