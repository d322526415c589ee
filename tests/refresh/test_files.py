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
    calls = []

    def write_draft(draft: Path, data: bytes, mode: int) -> None:
        calls.append(draft)
        draft.write_bytes(data[:9])
        if len(calls) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr("mcc_registry.loading.whole.write_draft", write_draft)
    with pytest.raises(KeyboardInterrupt, match="nothing was written"):
        write_files(checkout, files, texts_of(files, G5, C5))
    assert len(calls) == 3 and tree(checkout) == before
    assert all(draft.name.startswith(f".mcc-{os.getpid()}-") for draft in calls)


def test_ctrl_c_while_renaming_leaves_everything(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An interrupt between two renames does not leave half: what was there is given back, and the text says so."""
    files = read_files(checkout)
    before = tree(checkout)
    real = Path.replace
    calls = []

    def replace(self: Path, target: Any) -> Path:
        calls.append(target)
        if len(calls) == 2:
            os.kill(os.getpid(), signal.SIGINT)
        return real(self, target)

    monkeypatch.setattr(Path, "replace", replace)
    texts: dict[str, str | None] = {
        **texts_of(files, G5, C5),
        "instances/new.yaml": "x: 1\n",
        "instances/c6i.yaml": None,
    }
    with pytest.raises(KeyboardInterrupt, match="nothing was written; repeat the command"):
        write_files(checkout, files, texts)
    assert len(calls) > 4 and tree(checkout) == before
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_permissions_and_links_stay(checkout: Path, tmp_path: Path) -> None:
    """A private file stays private, a link within the registry is written through, and one that leaves it is refused."""
    (checkout / G5).chmod(0o600)
    (checkout / C5).rename(checkout / "c5-real.txt")
    (checkout / C5).symlink_to("../c5-real.txt")
    files = read_files(checkout)
    texts = texts_of(files, G5, C5)
    write_files(checkout, files, texts)
    assert (checkout / G5).stat().st_mode & 0o777 == 0o600
    assert (checkout / C5).is_symlink() and (checkout / "c5-real.txt").read_text() == texts[C5]
    outside = tmp_path / "outside.yaml"
    (checkout / "c5-real.txt").rename(outside)
    (checkout / C5).unlink()
    (checkout / C5).symlink_to(outside)
    before = outside.read_bytes()
    files = read_files(checkout)
    with pytest.raises(SourceError, match="symbolic link that leaves its registry"):
        write_files(checkout, files, {C5: "kind: other\n"})
    assert outside.read_bytes() == before and (checkout / C5).is_symlink()


def test_a_pipe_in_the_place_of_a_file_is_no_wait(checkout: Path) -> None:
    (checkout / C5).unlink()
    os.mkfifo(checkout / C5)
    with pytest.raises(SourceError, match="not a regular file"):
        read_files(checkout)
    (checkout / C5).unlink()
    os.mkfifo(checkout / "pipe")
    assert all("regular" not in fault.message for fault in staged_faults(checkout, {}))


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
