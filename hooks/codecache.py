"""Compiled code of a template checkout, kept between runs in the user's cache folder.

Copier renders from a fresh clone, so without this every copy compiles the library and every template again. Marshalled
code is code: a file is used only when it and its folder belong to this user alone, and when its digest holds.
Everything is optional; whatever goes wrong means that code is compiled as if there were no cache.

Beside the code lie notes on commits of the template: digests that would otherwise be made of 300 files in every copy.
"""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import marshal
import os
import stat
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import CodeType
from typing import Any

OFF = "MCC_NO_CACHE"
"""Environment variable: any value but "" and "0" switches the cache off."""

MAGIC = b"mcc code 1\n"
KEPT_FILES = {"code-": 6, "commit-": 24}
"""Files kept in the folder by the beginning of their names, those last used: one for each version of the template with
one Python, and a small one for each commit."""

CLONE = "copier._vcs.clone."
"""How Copier calls the folders it clones templates into (``copier._vcs.CLONE_PREFIX``)."""

READING = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY"))
"""How a kept file is opened: no link is followed, and nobody waits for a pipe."""

MAX_BYTES = 16 * 1024 * 1024
"""Largest file that is read or written."""


def cache_folder(environ: Mapping[str, str]) -> Path | None:
    """The user's folder for this cache; None when it is switched off or the user has no home."""
    if environ.get(OFF, "") not in ("", "0"):
        return None
    cache = Path(environ.get("XDG_CACHE_HOME", ""))
    if cache.is_absolute():
        return cache / "mcc-registry"
    if sys.platform == "win32":
        local = environ.get("LOCALAPPDATA", "")
        return Path(local, "mcc-registry") if local else None
    with contextlib.suppress(RuntimeError):
        home = Path.home()
        return home / ".cache" / "mcc-registry" if home.is_absolute() else None
    return None


def commit_of(root: Path) -> str | None:
    """The commit whose files a folder holds, told only of a clone that Copier made for itself a moment ago.

    Nobody edits such a clone. Of any other folder, and of a clone into which Copier committed the changes of a checkout
    that is worked on, None: its files must be looked at.
    """
    if not root.name.startswith(CLONE):
        return None
    with contextlib.suppress(OSError, ValueError):
        git = root / ".git"
        if git.is_file():  # a worktree of Copier's mirror of a remote template
            git = root / git.read_text(encoding="utf-8").removeprefix("gitdir:").strip()
        head = (git / "HEAD").read_text(encoding="ascii").strip()
        is_commit = len(head) in (40, 64) and not head.strip("0123456789abcdef")
        return head if is_commit and not (git / "COMMIT_EDITMSG").exists() else None
    return None


class Kept:
    """Bytes by name in one file of the cache folder.

    Args:
        name: name of the file.
        folder: where it lies, or None for one that forgets.
    """

    def __init__(self, name: str, folder: Path | None) -> None:
        self.folder = folder
        self.path = folder / name if folder is not None else None
        self._known = self._read()
        self._added: dict[str, bytes] = {}

    def __contains__(self, name: object) -> bool:
        return name in self._known

    def add(self, name: str, data: bytes) -> None:
        """Keep bytes for later runs; they are written when the process ends."""
        if self.path is None:
            return
        if not self._added:
            atexit.register(self.write)
        self._known[name] = self._added[name] = data

    def _read(self) -> dict[str, bytes]:
        if self.path is None or self.folder is None or not _mine(self.folder, os.lstat, stat.S_ISDIR):
            return {}
        try:
            handle = os.open(self.path, READING)
            with os.fdopen(handle, "rb") as file:
                if not _mine(file.fileno(), os.fstat, stat.S_ISREG):
                    return {}
                content = file.read(MAX_BYTES + 1)
            os.utime(self.path)
        except OSError:
            return {}
        head, body = content[: len(MAGIC) + 32], memoryview(content)[len(MAGIC) + 32 :]
        if head != MAGIC + hashlib.sha256(body).digest():
            return {}
        try:
            found = marshal.loads(body)
        except (ValueError, EOFError, TypeError):
            return {}
        return found if isinstance(found, dict) else {}

    def write(self) -> None:
        """Write what was added beside what another process may have written meanwhile; never raises."""
        if self.path is None or self.folder is None or not self._added:
            return
        added, self._added = self._added, {}
        temporary = None
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not _mine(self.folder, os.lstat, stat.S_ISDIR):
                return
            body = marshal.dumps({**self._read(), **added})
            content = MAGIC + hashlib.sha256(body).digest() + body
            if len(content) > MAX_BYTES:
                return
            handle, name = tempfile.mkstemp(prefix="code-", suffix=".tmp", dir=self.folder)
            temporary = Path(name)
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            temporary.replace(self.path)
            temporary = None
            self._forget_old()
        except (OSError, ValueError):
            pass
        finally:
            if temporary is not None:
                with contextlib.suppress(OSError):
                    temporary.unlink()

    def _forget_old(self) -> None:
        """Leave only the files used last."""
        for beginning, number in KEPT_FILES.items():
            files = (
                [p for p in self.folder.iterdir() if p.name.startswith(beginning)] if self.folder is not None else []
            )
            files.sort(key=lambda p: p.stat().st_mtime, reverse=True)
            for path in files[number:]:
                path.unlink(missing_ok=True)


class CodeCache(Kept):
    """Compiled code by name, of one template version and one set of tools.

    Args:
        key: names everything the code depends on beside its own source; part of a file name.
        folder: where the file lies, or None for a cache that forgets.
    """

    def __init__(self, key: str, folder: Path | None) -> None:
        super().__init__(f"code-{key}.bin", folder)

    def get(self, name: str) -> CodeType | None:
        """The code kept under a name."""
        data = self._known.get(name)
        if data is None:
            return None
        with contextlib.suppress(ValueError, EOFError, TypeError):
            code = marshal.loads(data)
            if isinstance(code, CodeType):
                return code
        return None

    def put(self, name: str, code: CodeType) -> None:
        """Keep code for later runs; it is written when the process ends."""
        if self.path is not None:
            with contextlib.suppress(ValueError):
                self.add(name, marshal.dumps(code))


class Notes(Kept):
    """What was found out about one commit of the template: short texts by name.

    Args:
        commit: its id, or None where the files are no commit's: nothing is kept then.
        folder: where the file lies, or None for notes that are forgotten.
    """

    def __init__(self, commit: str | None, folder: Path | None) -> None:
        super().__init__(f"commit-{commit}.bin", folder if commit else None)

    def get(self, name: str) -> str | None:
        """The text kept under a name."""
        data = self._known.get(name)
        return data.decode("utf-8", "replace") if isinstance(data, bytes) and data else None

    def put(self, name: str, text: str) -> str:
        """Keep a text for later runs, and return it."""
        self.add(name, text.encode("utf-8"))
        return text


def _mine(place: Any, look: Callable[[Any], os.stat_result], kind: Callable[[int], bool]) -> bool:
    """Whether a file or folder is this user's and nobody else may write to it."""
    try:
        found = look(place)
    except OSError:
        return False
    if not kind(found.st_mode):
        return False
    user = getattr(os, "geteuid", None)
    return user is None or (found.st_uid == user() and not found.st_mode & 0o022)
