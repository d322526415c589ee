"""Files written whole, all or none, unchanged since they were read, by one writer at a time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from mcc_registry.loading import whole
from mcc_registry.loading.files import draft_name, read_regular
from mcc_registry.loading.whole import ChangedError, uninterrupted, writing, written_whole


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_all_or_none(tmp_path: Path) -> None:
    """New, changed and removed files and a new folder; what is raised inside gives back all of it, the folder too."""
    (tmp_path / "a").write_bytes(b"a\r\n")
    (tmp_path / "gone").write_bytes(b"gone")
    (tmp_path / "gone").chmod(0o600)
    new = {tmp_path / "a": b"A\n", tmp_path / "new/deep/b": b"B", tmp_path / "gone": None}
    old = {tmp_path / "a": b"a\n", tmp_path / "gone": b"gone"}
    with pytest.raises(ZeroDivisionError), written_whole(new, old):
        assert (tmp_path / "a").read_bytes() == b"A\n" and not (tmp_path / "gone").exists()
        raise ZeroDivisionError
    assert names(tmp_path) == ["a", "gone"] and (tmp_path / "a").read_bytes() == b"a\r\n"
    assert (tmp_path / "gone").stat().st_mode & 0o777 == 0o600
    with written_whole(new, old):
        pass
    assert names(tmp_path) == ["a", "new", "new/deep", "new/deep/b"]


@pytest.mark.parametrize("now", [b"edited", None])
def test_a_changed_file_is_not_written_over(tmp_path: Path, now: bytes | None) -> None:
    path = tmp_path / "a"
    if now is not None:
        path.write_bytes(now)
    with pytest.raises(ChangedError), written_whole({tmp_path / "b": b"B", path: b"A"}, {path: b"a"}):
        raise AssertionError("written")
    assert names(tmp_path) == (["a"] if now is not None else [])


def test_an_edit_of_the_last_moment_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Edited between the drafts and the renames, or after them: the edit stays, the others are given back."""
    one, two = tmp_path / "1", tmp_path / "2"
    one.write_bytes(b"1")
    two.write_bytes(b"2")
    real = whole.write_draft

    def edit(draft: Path, data: bytes, mode: int) -> None:
        real(draft, data, mode)
        if data == b"new 2":
            two.write_bytes(b"mine")

    monkeypatch.setattr(whole, "write_draft", edit)
    old = {one: b"1", two: b"2"}
    with pytest.raises(ChangedError) as error, written_whole({one: b"new 1", two: b"new 2"}, old):
        raise AssertionError("written")
    assert error.value.path == two and (one.read_bytes(), two.read_bytes()) == (b"1", b"mine")
    with pytest.raises(ZeroDivisionError), written_whole({one: b"3", two: b"4"}, {one: b"1", two: b"mine"}):
        two.write_bytes(b"mine again")
        raise ZeroDivisionError
    assert (one.read_bytes(), two.read_bytes()) == (b"1", b"mine again") and names(tmp_path) == ["1", "2"]


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    """A second writer of the same folder waits, under whatever name it knows the folder."""
    pytest.importorskip("fcntl")
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    order: list[str] = []

    def second() -> None:
        with writing(tmp_path / "link"):
            order.append("second")

    thread = threading.Thread(target=second)
    with writing(tmp_path / "real"):
        thread.start()
        thread.join(0.3)
        order.append("first")
    thread.join(10)
    assert order == ["first", "second"]


@pytest.mark.skipif(os.name != "posix", reason="elsewhere nobody can ask whether a process lives")
def test_drafts_of_dead_processes_go(tmp_path: Path) -> None:
    """What a kill left is removed by the next writer; drafts of living processes and other hidden files stay."""
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    (tmp_path / "frameworks").mkdir()
    for folder in (tmp_path, tmp_path / "frameworks"):
        (folder / f".mcc-{dead.pid}-0a1b2c3d4e5f").write_bytes(b"stale")
        draft_name(folder / "x").write_bytes(b"alive")
        (folder / ".mcc-notes").write_bytes(b"mine")
        (folder / f".mcc-{dead.pid}-abc").symlink_to("elsewhere")
    with writing(tmp_path):
        pass
    left = [name for name in names(tmp_path) if name != "frameworks"]
    assert len(left) == 6 and not any("0a1b2c3d4e5f" in name for name in left)


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"])
def test_signals_wait(name: str) -> None:
    """What is done inside is done to its end; then the signal does what it would have done."""
    number = getattr(signal, name)
    came: list[str] = []
    before = signal.signal(number, lambda *_: came.append("signal"))
    try:
        with uninterrupted():
            os.kill(os.getpid(), number)
            came.append("work")
        assert came == ["work", "signal"]
    finally:
        signal.signal(number, before)


def test_a_pipe_is_never_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path(os.devnull), tmp_path):
        with pytest.raises(OSError, match="not a regular file"):
            read_regular(path)
