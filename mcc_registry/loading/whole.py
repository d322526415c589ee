"""Files written whole, all or none, and only where they are as they were read; one writer of a folder at a time."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import FrameType

from .files import DRAFT, draft_name, mode_of, read_regular, write_draft

NOTHING = "nothing was written; repeat the command"
"""What an interrupt says where every file is as it was."""

ALL = "all files were written; the same command again finishes what is left"
"""What an interrupt says that came after the last file took its place."""

_STALE = re.compile(rf"{re.escape(DRAFT)}([0-9]+)-[0-9a-f]+", re.ASCII)


class ChangedError(Exception):
    """A file is not as it was read; ``path`` says which. Nothing was written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(str(path))


@contextlib.contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Be the only one of our commands that writes below a folder, and remove what killed ones left there.

    The lock is the kernel's and ends with the process. Where a disk has none, ``ChangedError`` remains.
    """
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(ImportError, OSError):
            import fcntl

            handle = os.open(folder, os.O_RDONLY)
            stack.callback(os.close, handle)
            fcntl.flock(handle, fcntl.LOCK_EX)
        sweep(folder)
        yield


def sweep(folder: Path) -> None:
    """Remove the drafts of processes that are no more, in a registry folder and the folders in it."""
    if os.name != "posix":
        return  # there, asking whether a process lives could end it
    with contextlib.suppress(OSError):
        for place in (folder, *(entry for entry in folder.iterdir() if entry.is_dir() and not entry.is_symlink())):
            for path in place.glob(f"{DRAFT}*"):
                found = _STALE.fullmatch(path.name)
                if found and path.is_file() and not path.is_symlink() and not _lives(int(found[1])):
                    path.unlink(missing_ok=True)


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


@contextlib.contextmanager
def written_whole(new: Mapping[Path, bytes | None], old: Mapping[Path, bytes | None]) -> Iterator[None]:
    """Write all files, or none; whatever is raised inside, Ctrl-C too, gives back what was there.

    New and old bytes go to hidden drafts beside their files first; then the drafts take their places while signals
    wait. Permissions stay, and a symbolic link is written through. An interrupt says what became of the files.

    Args:
        new: file to its bytes; None = it goes.
        old: file to its bytes when it was read; None or missing = there was none. Line ends do not count.

    Raises:
        ChangedError: a file is not as it was read.
        OSError: the disk refuses.
    """
    places = {path: Path(os.path.realpath(path)) if data is not None else path for path, data in new.items()}
    drafts: dict[Path, Path] = {}
    backs: dict[Path, Path] = {}
    made: list[Path] = []
    done: list[Path] = []
    became = ALL
    try:
        for path, data in new.items():
            before = _unchanged(path, old.get(path))
            _make_folder(places[path].parent, made)
            if before is not None:
                backs[path] = draft_name(places[path])
                write_draft(backs[path], before, mode_of(places[path]))
            if data is not None:
                drafts[path] = draft_name(places[path])
                write_draft(drafts[path], data, mode_of(places[path]))
        with uninterrupted():
            for path in new:
                _unchanged(path, old.get(path))
                done.append(path)
                if path in drafts:
                    drafts[path].replace(places[path])
                elif path in backs:
                    path.replace(backs[path])
        yield
    except BaseException as error:
        became = NOTHING
        with uninterrupted():
            _give_back({path: places[path] for path in reversed(done)}, new, backs)
        if isinstance(error, KeyboardInterrupt):
            error.args = (NOTHING,)
        raise
    finally:
        with interrupted_says(lambda: became), uninterrupted():
            for draft in (*drafts.values(), *backs.values()):
                with contextlib.suppress(OSError):
                    draft.unlink(missing_ok=True)
            for folder in reversed(made):
                with contextlib.suppress(OSError):
                    folder.rmdir()  # one with a file in it stays


def _unchanged(path: Path, old: bytes | None) -> bytes | None:
    now = read_regular(path) if os.path.lexists(path) else None
    if (now is None) != (old is None) or _lines(now) != _lines(old):
        raise ChangedError(path)
    return now


def _lines(data: bytes | None) -> bytes:
    return (data or b"").replace(b"\r\n", b"\n")


def _make_folder(folder: Path, made: list[Path]) -> None:
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    for place in reversed(missing):
        place.mkdir(exist_ok=True)
        made.append(place)


def _give_back(places: Mapping[Path, Path], new: Mapping[Path, bytes | None], backs: Mapping[Path, Path]) -> None:
    """Put back what was there, unless somebody has edited the new file meanwhile."""
    for path, place in places.items():
        with contextlib.suppress(OSError):
            now = read_regular(path) if os.path.lexists(path) else None
            if now != new[path]:
                continue
            if path in backs:
                backs[path].replace(place)
            else:
                place.unlink(missing_ok=True)


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Signals that end a command wait: what is done inside is done as a whole; then they do what they do."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []

    def wait(number: int, frame: FrameType | None) -> None:
        came.append(number)

    names = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT")
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in numbers}
    for number, handler in before.items():
        if handler is not None:
            signal.signal(number, wait)
    try:
        yield
    finally:
        for number, handler in before.items():
            if handler is not None:
                signal.signal(number, handler)
        for number in dict.fromkeys(came):
            signal.raise_signal(number)


@contextlib.contextmanager
def interrupted_says(words: Callable[[], str]) -> Iterator[None]:
    """Let an interrupt that says nothing yet say what became of the files, and how to go on."""
    try:
        yield
    except KeyboardInterrupt as stop:
        stop.args = stop.args or (words(),)
        raise
