"""The shipped registries have no fault of any kind, and a contributor's mistakes in them are found."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from mcc_registry.errors import UsageError
from mcc_registry.loading.files import shipped_root
from mcc_registry.registry import Registry
from mcc_registry.validate import validate


def test_shipped_registries_have_no_fault() -> None:
    assert [f"{f.source} {f.message}" for f in validate(environ={})] == []


def test_every_row_can_be_made() -> None:
    """Every release, image, model and instance of the shipped registries is reachable through look-ups."""
    registry = Registry.load(environ={})
    for entry in registry.frameworks.values():
        for version in entry:
            assert entry[version].data.model_dump()["version"] == version
            if any(build.tag for build in entry[version].builds):
                assert ":" in entry[version].base_image
            else:
                assert all("full tag" in build.unverified for build in entry[version].builds)
    for family_id, family in registry.models.items():
        for row in family.models:
            match = registry.find_model(row.match)
            assert match is not None
            assert (match.match, match.family_id) == ("exact", family_id)
        for row in family.patterns:
            for name in row.must_match:
                match = registry.find_model(f"{name}")
                assert match is not None
    for name, instance in registry.instances.items():
        assert instance.type == name


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    root = Path(shutil.copytree(shipped_root(), tmp_path / "registries"))
    git = ["git", "-C", str(tmp_path), "-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run([*git, "init", "-q", "-b", "main"], check=True)
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "start"], check=True)
    return root


def test_changed_looks_at_changed_files_only(checkout: Path) -> None:
    def codes() -> list[str]:
        return [f"{Path(f.source).name} {f.code}" for f in validate([checkout], changed=True, environ={})]

    assert codes() == []
    path = checkout / "instances" / "g5.yaml"
    path.write_text(path.read_text().replace("id: g5", "id: g5x"))
    assert codes() == ["g5.yaml:3 MCC520"]
    new = checkout / "models" / "mine.yaml"
    new.write_text("kind: model_family\n")
    assert {c.partition(":")[0] for c in codes()} == {"g5.yaml", "mine.yaml"}
    git = ["git", "-C", str(checkout), "-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run([*git, "checkout", "-q", "-b", "topic"], check=True)
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "mistakes"], check=True)
    assert {c.partition(":")[0] for c in codes()} == {"g5.yaml", "mine.yaml"}


def test_changed_needs_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    root = Path(shutil.copytree(shipped_root(), tmp_path / "registries"))
    with pytest.raises(UsageError, match="git checkout"):
        validate([root], changed=True, environ={})


def test_single_file_and_folder_can_be_named() -> None:
    root = shipped_root()
    assert validate([root / "frameworks" / "vllm.yaml", root / "instances"], environ={}) == []
    found = validate([root / "models" / "nowhere.yaml"], environ={})
    assert [f.code for f in found] == ["MCC501"]
