"""Compiled code kept between runs changes no byte of a project, whatever state the cache is in."""

from __future__ import annotations

import hashlib
import importlib.util
import marshal
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
Copy = Callable[..., Any]


def load_room() -> ModuleType:
    """The cache's module, as the extension loads it."""
    spec = importlib.util.spec_from_file_location("codecache_under_test", ROOT / "hooks" / "codecache.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


room = load_room()
CODE = compile("answer = 42", "a", "exec")


def made(folder: Path, key: str = "k") -> Path:
    """A cache with one code in it; its file."""
    cache = room.CodeCache(key, folder)
    cache.put("a", CODE)
    cache.write()
    return Path(cache.path)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory, copy_project: Copy) -> Any:
    """A project rendered without any cache."""
    folder = tmp_path_factory.mktemp("plain")
    result = copy_project(folder / "project", environ={"MCC_NO_CACHE": "1", "XDG_CACHE_HOME": str(folder / "cache")})
    assert result.status == 0, result.text
    assert not (folder / "cache").exists()
    return result


def assert_same(result: Any, plain: Any) -> None:
    """Both projects have the same bytes, but for the name of the commit Copier makes of a checkout with changes."""
    assert result.status == 0, result.text
    assert "Traceback" not in result.text
    mine, other = result.files, plain.files
    for files in (mine, other):
        files[".copier-answers.yml"] = re.sub(r"(?m)^_commit: .*\n", "", files[".copier-answers.yml"])
    assert mine == other


def test_a_cold_and_a_warm_copy_are_a_plain_one(tmp_path: Path, plain: Any, copy_project: Copy) -> None:
    """The first copy fills the cache, the second one reads it; both equal a copy without one."""
    cache = {"XDG_CACHE_HOME": str(tmp_path)}
    assert_same(copy_project(tmp_path / "one" / "project", environ=cache), plain)
    (file,) = (tmp_path / "mcc-registry").glob("code-*")
    before = file.read_bytes()
    assert_same(copy_project(tmp_path / "two" / "project", environ=cache), plain)
    assert file.read_bytes() == before, "a warm copy compiled something again"


def test_a_damaged_file_is_replaced(tmp_path: Path, plain: Any, copy_project: Copy) -> None:
    """One byte turned: the copy is the same and the file is whole again."""
    cache = {"XDG_CACHE_HOME": str(tmp_path)}
    folder = tmp_path / "mcc-registry"
    copy_project(tmp_path / "one" / "project", environ=cache)
    (file,) = folder.glob("code-*")
    whole = file.read_bytes()
    turned = bytearray(whole)
    turned[len(whole) // 2] ^= 1
    file.write_bytes(turned)
    assert_same(copy_project(tmp_path / "two" / "project", environ=cache), plain)
    assert [p.name for p in folder.glob("code-*")] == [file.name]
    assert len(file.read_bytes()) == len(whole)


def test_a_cache_that_cannot_be_written_is_none(tmp_path: Path, plain: Any, copy_project: Copy) -> None:
    """A file where the folder should be (a read-only home for every user, root too) changes nothing."""
    blocked = tmp_path / "cache"
    blocked.write_text("in the way\n")
    assert_same(copy_project(tmp_path / "project", environ={"XDG_CACHE_HOME": str(blocked)}), plain)
    assert blocked.read_text() == "in the way\n"


def test_without_a_home_nothing_is_kept(tmp_path: Path, plain: Any, copy_project: Copy) -> None:
    """No home at all."""
    assert_same(copy_project(tmp_path / "project", environ={"XDG_CACHE_HOME": "", "HOME": "/nonexistent"}), plain)


def test_two_copies_at_once(tmp_path: Path, plain: Any) -> None:
    """Two first copies in two processes: both are right, and what they leave behind is whole."""
    env = os.environ | {"XDG_CACHE_HOME": str(tmp_path)}
    command = [sys.executable, "-m", "copier", "copy", "-q", "--trust", "--defaults", "--vcs-ref", "HEAD"]
    folders = [tmp_path / name / "project" for name in ("one", "two")]
    running = [
        subprocess.Popen([*command, "--data", "offline=true", str(ROOT), str(f)], env=env, stderr=subprocess.PIPE)
        for f in folders
    ]
    for process, folder in zip(running, folders, strict=True):
        _, errors = process.communicate(timeout=120)
        assert_same(type(plain)(process.returncode, errors.decode(), folder), plain)
    (file,) = (tmp_path / "mcc-registry").glob("code-*")
    assert room.CodeCache(file.stem.removeprefix("code-"), file.parent).get("hooks/session.py") is not None


def test_an_answer_is_never_kept(tmp_path: Path, copy_project: Copy) -> None:
    """What somebody typed is not in the cache, even where Copier treats it as a template."""
    typed = "{{ 'secret' ~ 'value' }}"
    cache = {"XDG_CACHE_HOME": str(tmp_path)}
    copy_project(tmp_path / "project", environ=cache, framework_version=typed, model_name="org/secretvalue")
    for file in (tmp_path / "mcc-registry").iterdir():
        assert b"secret" + b"value" not in file.read_bytes()


def test_what_is_kept_comes_back(tmp_path: Path) -> None:
    """Code, and only under its own name and key."""
    made(tmp_path / "c")
    cache = room.CodeCache("k", tmp_path / "c")
    names: dict[str, int] = {}
    exec(cache.get("a"), names)
    assert names["answer"] == 42
    assert cache.get("b") is None
    assert room.CodeCache("other", tmp_path / "c").get("a") is None


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="owners and modes are POSIX's")
@pytest.mark.parametrize("place", ["file", "folder"])
def test_what_others_may_write_is_not_run(tmp_path: Path, place: str) -> None:
    """A file or folder that a group or everybody may write to is not read."""
    file = made(tmp_path / "c")
    (file if place == "file" else file.parent).chmod(0o777)
    assert room.CodeCache("k", tmp_path / "c").get("a") is None


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="owners are POSIX's")
def test_what_another_user_wrote_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The owner of file and folder must be who runs."""
    made(tmp_path / "c")
    user = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: user + 1)
    assert room.CodeCache("k", tmp_path / "c").get("a") is None


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="needs symbolic links")
def test_a_link_is_not_followed(tmp_path: Path) -> None:
    """Neither as the file nor as the folder."""
    file = made(tmp_path / "c")
    other = file.with_name("code-link.bin")
    other.symlink_to(file)
    assert room.CodeCache("link", tmp_path / "c").get("a") is None
    (tmp_path / "d").symlink_to(tmp_path / "c")
    assert room.CodeCache("k", tmp_path / "d").get("a") is None


@pytest.mark.parametrize("keep", [0, 5, 20, 43, 60, -1])
def test_a_file_cut_off_is_not_used(tmp_path: Path, keep: int) -> None:
    """Wherever a write of some other program may have ended."""
    file = made(tmp_path / "c")
    file.write_bytes(file.read_bytes()[:keep])
    assert room.CodeCache("k", tmp_path / "c").get("a") is None


def test_old_files_are_forgotten(tmp_path: Path) -> None:
    """Only those last used stay."""
    kept = room.KEPT_FILES["code-"]
    for number in range(kept + 3):
        os.utime(made(tmp_path / "c", f"k{number}"), (number, number))
    made(tmp_path / "c", "last")
    names = {p.name for p in (tmp_path / "c").iterdir()}
    assert len(names) == kept and "code-last.bin" in names and "code-k0.bin" not in names


def clone(folder: Path, commit: str = "a" * 40) -> Path:
    """What :func:`commit_of` looks at of a clone."""
    (folder / ".git").mkdir(parents=True)
    (folder / ".git" / "HEAD").write_text(f"{commit}\n")
    return folder


def test_the_commit_of_a_clone_of_copiers(tmp_path: Path) -> None:
    """Only of a folder with the name Copier gives its clones, and also where that is a worktree of its mirror."""
    assert room.commit_of(clone(tmp_path / "copier._vcs.clone.a1")) == "a" * 40
    assert room.commit_of(clone(tmp_path / "copier._vcs.clone.a2", "0f" * 32)) == "0f" * 32
    assert room.commit_of(clone(tmp_path / "checkout")) is None
    worktree = tmp_path / "copier._vcs.clone.a3"
    worktree.mkdir()
    (worktree / ".git").write_text(f"gitdir: {tmp_path / 'copier._vcs.clone.a1' / '.git'}\n")
    assert room.commit_of(worktree) == "a" * 40


@pytest.mark.parametrize("head", ["ref: refs/heads/main", "", "A" * 40, "a" * 39, "../../../etc/passwd"])
def test_no_commit_is_no_commit(tmp_path: Path, head: str) -> None:
    """A branch, or anything else in HEAD."""
    assert room.commit_of(clone(tmp_path / "copier._vcs.clone.b", head)) is None


def test_changes_nobody_committed_are_looked_at(tmp_path: Path) -> None:
    """Copier commits the changes of a checkout that is worked on into its clone; such a commit is made anew each time."""
    folder = clone(tmp_path / "copier._vcs.clone.c")
    (folder / ".git" / "COMMIT_EDITMSG").write_text("Copier automated commit for draft changes\n")
    assert room.commit_of(folder) is None
    assert room.commit_of(tmp_path / "copier._vcs.clone.none") is None


def test_notes_are_kept_by_commit(tmp_path: Path) -> None:
    """What was noted comes back for the same commit, and without a commit nothing is kept."""
    notes = room.Notes("a" * 40, tmp_path / "c")
    assert notes.get("code") is None and notes.put("code", "digest") == "digest"
    notes.write()
    assert room.Notes("a" * 40, tmp_path / "c").get("code") == "digest"
    assert room.Notes("b" * 40, tmp_path / "c").get("code") is None
    nothing = room.Notes(None, tmp_path / "c")
    assert nothing.put("code", "digest") == "digest"
    nothing.write()
    assert [p.name for p in (tmp_path / "c").iterdir()] == [f"commit-{'a' * 40}.bin"]


def test_notes_never_hide_an_edit(tmp_path: Path, copy_project: Copy) -> None:
    """A template whose commit is known, then edited without and with a commit: each copy has the row as it is then."""
    template = tmp_path / "template"
    cache = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.invalid", "-C", str(template)]
    subprocess.run(["git", "clone", "-q", str(ROOT), str(template)], check=True)
    family = template / "registries" / "instances" / "g6.yaml"
    prices = []
    for number, (price, commit) in enumerate([(None, False), ("1.111", False), ("2.222", True), ("3.333", False)]):
        if price:
            row = re.sub(
                r"(type: ml\.g6\.xlarge\n(?:.*\n)*?\s+price_usd_hour: )[\d.]+", rf"\g<1>{price}", family.read_text()
            )
            family.write_text(row)
        if commit:
            subprocess.run([*git, "commit", "-qam", "price"], check=True)
        made = copy_project(
            tmp_path / str(number) / "project", environ=cache, template=template, instance_type="ml.g6.xlarge"
        )
        assert made.status == 0, made.text
        prices.append(re.findall(r"at ([\d.]+) USD/h", made.text)[0])
    assert prices[1:] == ["1.111", "2.222", "3.333"] and prices[0] not in prices[1:]
    assert list((tmp_path / "cache" / "mcc-registry").glob("commit-*")), "nothing was noted, so nothing was tested"


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"MCC_NO_CACHE": "1", "XDG_CACHE_HOME": "/x"}, None),
        ({"MCC_NO_CACHE": "0", "XDG_CACHE_HOME": "/x"}, "/x/mcc-registry"),
        ({"XDG_CACHE_HOME": "/x"}, "/x/mcc-registry"),
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="POSIX paths")
def test_where_it_lies(environ: dict[str, str], expected: str | None) -> None:
    """The user's cache folder, or nowhere."""
    found = room.cache_folder(environ)
    assert (None if found is None else str(found)) == expected


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX paths")
@pytest.mark.parametrize("relative", ["", "cache", "./x"])
def test_a_relative_folder_is_not_used(relative: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the XDG rules say; the home folder's is used instead."""
    monkeypatch.setenv("HOME", "/home/somebody")
    assert str(room.cache_folder({"XDG_CACHE_HOME": relative})) == "/home/somebody/.cache/mcc-registry"


def test_a_marshalled_something_else_is_not_code(tmp_path: Path) -> None:
    """A whole file with other content under a name gives nothing."""
    file = made(tmp_path / "c")
    for value in ({"a": b"nonsense"}, {"a": marshal.dumps(1)}, [1], {"a": 3}):
        body = marshal.dumps(value)
        file.write_bytes(room.MAGIC + hashlib.sha256(body).digest() + body)
        assert room.CodeCache("k", tmp_path / "c").get("a") is None
