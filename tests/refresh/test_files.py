"""Writing: canonical, all or nothing, only in a checkout, and never over somebody's edit."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from mcc_registry.errors import RegistryError
from mcc_registry.refresh.common import SourceError
from mcc_registry.refresh.files import find_root, new_texts, read_files, staged_faults, write_files
from mcc_registry.validate.canonical import dump_canonical

from .kit import Files, edited, tree

G5, C5 = "instances/g5.yaml", "instances/c5.yaml"


def texts_of(files: Files, *names: str) -> dict[str, str | None]:
    """New texts for some files: another title."""
    return {n: edited(files, n, lambda d: d.update(title="new"))[n].text for n in names}


def test_shipped_files_are_written_as_they_stand(shipped: Files) -> None:
    """Dumping what was read gives back every shipped file byte for byte."""
    assert len(shipped) > 100
    for file in shipped.values():
        assert dump_canonical(file.data, file.kind, comment=file.comment) == file.text, file.relative


def test_all_files_are_written(checkout: Path) -> None:
    """New, changed and removed files; nothing else is touched and no draft is left."""
    files = read_files(checkout)
    before = tree(checkout)
    texts: dict[str, str | None] = {**texts_of(files, G5), "instances/new.yaml": "x: 1\n", C5: None}
    assert write_files(checkout, files, texts) == sorted(texts)
    after = tree(checkout)
    assert set(after) == (set(before) - {C5}) | {"instances/new.yaml"}
    assert [n for n in before if n in after and before[n] != after[n]] == [G5]


@pytest.mark.parametrize("failing", [0, 1, 2])
def test_a_failing_disk_leaves_everything(checkout: Path, monkeypatch: pytest.MonkeyPatch, failing: int) -> None:
    """Whichever rename fails, all files are as before and no draft is left."""
    files = read_files(checkout)
    before = tree(checkout)
    calls = []
    real = Path.replace

    def replace(self: Path, target: Any) -> Path:
        calls.append(self)
        if len(calls) == failing + 1:
            raise OSError(28, "No space left on device")
        return real(self, target)

    monkeypatch.setattr(Path, "replace", replace)
    with pytest.raises(SourceError, match="No space left"):
        write_files(checkout, files, {**texts_of(files, G5, C5), "instances/new.yaml": "x: 1\n"})
    assert tree(checkout) == before


def test_ctrl_c_while_drafting_leaves_everything(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An interrupt before the renames removes the drafts and changes nothing."""
    files = read_files(checkout)
    before = tree(checkout)
    real = Path.write_text

    def write_text(self: Path, *args: Any, **more: Any) -> int:
        if self.name.startswith("c5"):
            raise KeyboardInterrupt
        return real(self, *args, **more)

    monkeypatch.setattr(Path, "write_text", write_text)
    with pytest.raises(KeyboardInterrupt):
        write_files(checkout, files, texts_of(files, G5, C5))
    assert tree(checkout) == before


def test_ctrl_c_while_renaming_waits(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An interrupt between two renames does not leave half: all files are written."""
    files = read_files(checkout)
    real = Path.replace

    def replace(self: Path, target: Any) -> Path:
        os.kill(os.getpid(), signal.SIGINT)
        return real(self, target)

    monkeypatch.setattr(Path, "replace", replace)
    texts = texts_of(files, G5, C5)
    write_files(checkout, files, texts)
    assert {name: (checkout / name).read_text() for name in texts} == texts
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_edit_in_between_is_not_lost(checkout: Path) -> None:
    """Who edits a file while refresh runs keeps the edit."""
    files = read_files(checkout)
    (checkout / C5).write_text("mine\n")
    before = tree(checkout)
    with pytest.raises(SourceError, match="edited while refresh ran"):
        write_files(checkout, files, texts_of(files, G5, C5))
    assert tree(checkout) == before


def test_comments_inside_a_file_are_not_lost_silently(checkout: Path) -> None:
    """A file that is not canonical is not rewritten; comments at the top are kept."""
    path = checkout / G5
    path.write_text(path.read_text().replace("types:\n", "# mine\ntypes:\n"))
    files = read_files(checkout)
    changed = {**files[G5].data, "title": "new"}
    with pytest.raises(SourceError, match="not written the canonical way"):
        new_texts(files, {G5: ("instance_family", changed)})
    head, _, rest = (checkout / C5).read_text().partition("\n")
    (checkout / C5).write_text(f"{head}\n# by hand\n{rest}")
    files = read_files(checkout)
    text = new_texts(files, {C5: ("instance_family", {**files[C5].data, "title": "new"})})[C5]
    assert text is not None and text.startswith(f"{head}\n# by hand\nkind:")


def test_the_result_is_judged_before_it_is_written(checkout: Path) -> None:
    """Faults of a staged copy name the real files; the checkout itself is not touched."""
    files = read_files(checkout)
    before = tree(checkout)
    wrong = edited(files, G5, lambda d: d["types"][0].update(vcpus=0))[G5].text
    faults = staged_faults(checkout, {G5: wrong})
    assert faults and all(f.source.startswith(f"{checkout}/{G5}:") for f in faults)
    assert staged_faults(checkout, {}) == [] and tree(checkout) == before


def test_an_installed_package_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The registries inside a wheel are not for editing; a folder that is no registry is named."""
    package = tmp_path / "mcc_registry"
    (package / "_registries").mkdir(parents=True)
    (package / "__init__.py").touch()
    monkeypatch.setattr("mcc_registry.loading.files.shipped_root", lambda: package / "_registries")
    with pytest.raises(SourceError, match="part of an installed package") as error:
        find_root(None)
    assert error.value.finding.code == "MCC723" and "--root" in error.value.finding.hint
    with pytest.raises(SourceError, match="is no registry folder"):
        find_root(tmp_path)


def test_broken_yaml_is_a_fault_with_a_place(checkout: Path) -> None:
    """Registries that cannot be read cannot be renewed."""
    (checkout / G5).write_text("kind: [\n")
    with pytest.raises(RegistryError) as error:
        read_files(checkout)
    assert error.value.findings[0].source.startswith(f"{checkout}/{G5}:")
