"""Ctrl-C, kill, a full disk, a read-only folder, files in the way, two runs at once: nothing of ours is half-written,
and the same command, or the one the documentation names, goes on."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mcc_registry.loading.files import write_whole
from tests.cli.invoke import invoke

from .hostilekit import ROOT, Renderer

STOPPED = Path(__file__).with_name("stopped.py")
COPY = ("copier", "copy", "--trust", "--defaults", "--vcs-ref", "HEAD", "--data", "offline=true")


def environment(**more: str) -> dict[str, str]:
    git = {f"GIT_{who}_{what}": "t@example.invalid" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    kept = {k: v for k, v in os.environ.items() if k != "REGISTRY_PATH"}
    return {
        **kept,
        **git,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "PYTHONPATH": str(ROOT),
        "PYTHONWARNINGS": "ignore",
        **more,
    }


def start(*words: str, folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, *words]
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    return subprocess.Popen(command, cwd=folder, env=environment(), text=True, **pipes)  # type: ignore[call-overload]


def run(*words: str, folder: Path) -> tuple[int, str]:
    process = start(*words, folder=folder)
    out, _ = process.communicate(timeout=180)
    return process.returncode, out


def stop_at(root: Path, moment: int, how: str, *words: str, folder: Path) -> tuple[int, str]:
    """Run a module's command and stop it when it opens a file below ``root`` for writing for the Nth time."""
    return run(str(STOPPED), str(root), str(moment), how, *words, folder=folder)


def content(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".git" not in path.relative_to(folder).parts
    }


@pytest.fixture(scope="module")
def whole(source: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What an undisturbed copy writes."""
    folder = tmp_path_factory.mktemp("whole")
    status, out = run("-m", *COPY, str(source), "project", folder=folder)
    assert status == 0, out
    return content(folder / "project")


@pytest.mark.slow
@pytest.mark.parametrize(("how", "moment"), [("SIGINT", 9), ("SIGKILL", 15)])
def test_a_stopped_copy_is_made_whole_by_the_same_command(
    source: Path, tmp_path: Path, whole: dict[str, bytes], how: str, moment: int
) -> None:
    """Every file that is there is whole; ``--overwrite`` finishes the project."""
    status, out = stop_at(tmp_path / "project", moment, how, *COPY, str(source), "project", folder=tmp_path)
    assert status != 0 and "Traceback" not in out
    left = content(tmp_path / "project")
    assert len(left) < len(whole)
    assert all(whole[name] == data for name, data in left.items())
    status, out = run("-m", *COPY, "--overwrite", str(source), "project", folder=tmp_path)
    assert status == 0, out
    assert content(tmp_path / "project") == whole


@pytest.mark.slow
def test_a_disk_that_fills_up_leaves_no_project(source: Path, tmp_path: Path) -> None:
    """Copier removes what it made; nothing of ours stays beside it."""
    status, out = stop_at(tmp_path / "project", 9, "ENOSPC", *COPY, str(source), "project", folder=tmp_path)
    assert status != 0 and "No space left on device" in out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_two_copies_at_once_give_one_whole_project(source: Path, tmp_path: Path, whole: dict[str, bytes]) -> None:
    both = [start("-m", *COPY, "--overwrite", str(source), "project", folder=tmp_path) for _ in range(2)]
    told = [process.communicate(timeout=180)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], told
    assert content(tmp_path / "project") == whole


def git(folder: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True, env=environment())


@pytest.mark.slow
def test_a_stopped_update_is_taken_back_and_done_again(source: Path, tmp_path: Path) -> None:
    """After Ctrl-C or a kill while the new version is written: ``git reset --hard``, ``git clean -fd``, and update again."""
    template = tmp_path / "template"
    shutil.copytree(source, template)
    git(template, "init", "-q")
    for tag in ("v1.0.0", "v2.0.0"):
        readme = template / "template" / "README.md.jinja"
        readme.write_text(readme.read_text(encoding="utf-8") + f"\nWritten by {tag}.\n", encoding="utf-8")
        git(template, "add", "-A", "-f")
        git(template, "commit", "-qm", tag)
        git(template, "tag", tag)
    project = tmp_path / "project"
    first = ["-m", *COPY, str(template), "project"]
    first[first.index("HEAD")] = "v1.0.0"
    assert run(*first, folder=tmp_path)[0] == 0
    (project / "NOTES.txt").write_text("mine\n")
    for words in (("init", "-q"), ("add", "-A"), ("commit", "-qm", "made")):
        git(project, *words)
    before = content(project)
    update = ("copier", "update", "--trust", "--defaults", "--vcs-ref", "v2.0.0", "--data", "offline=true")
    for moment, how in ((1, "SIGINT"), (2, "SIGKILL")):
        status, out = stop_at(project, moment, how, *update, folder=project)
        assert status != 0 and "Traceback" not in out
        git(project, "reset", "--hard", "-q")
        git(project, "clean", "-fdq")
        assert content(project) == before
    status, out = run("-m", *update, folder=project)
    assert status == 0, out
    after = content(project)
    assert b"Written by v2.0.0." in after["README.md"] and after["NOTES.txt"] == b"mine\n"
    assert set(after) == set(before)


LAYER = ("mcc_registry", "init-layer", "own", "--format", "json")


@pytest.mark.parametrize("how", ["SIGINT", "SIGKILL", "ENOSPC"])
@pytest.mark.parametrize("moment", [1, 3])
def test_a_stopped_init_layer_leaves_no_layer(tmp_path: Path, how: str, moment: int) -> None:
    """No half layer under the name asked for; what a kill leaves beside it hides and does not stop the next try."""
    status, out = stop_at(tmp_path, moment, how, *LAYER, folder=tmp_path)
    assert status != 0 and "Traceback" not in out
    assert not (tmp_path / "own").exists()
    if how != "SIGKILL":
        assert list(tmp_path.iterdir()) == []
    if how == "ENOSPC":
        assert "MCC706" in out and "No space left on device" in out
    assert run("-m", *LAYER, folder=tmp_path)[0] == 0
    assert run("-m", "mcc_registry", "validate", "own", folder=tmp_path)[0] == 0


def test_two_init_layers_at_once_give_one_layer(tmp_path: Path) -> None:
    both = [start("-m", *LAYER, folder=tmp_path) for _ in range(2)]
    told = [process.communicate(timeout=120)[0] for process in both]
    assert 0 in [process.returncode for process in both] and not any("Traceback" in out for out in told)
    assert run("-m", "mcc_registry", "validate", "own", folder=tmp_path)[0] == 0
    assert [path.name for path in tmp_path.iterdir()] == ["own"]


@pytest.mark.slow
@pytest.mark.parametrize("how", ["SIGKILL", "ENOSPC"])
def test_a_stopped_snapshot_leaves_the_old_one(source: Path, tmp_path: Path, how: str) -> None:
    """The compiled snapshot is replaced whole or stays; an old one is noticed, and the YAML is read."""
    checkout = tmp_path / "checkout"
    for name in ("mcc_registry", "registries"):
        shutil.copytree(source / name, checkout / name)
    gpus = checkout / "registries" / "regions.yaml"
    gpus.write_text("# changed\n" + gpus.read_text(encoding="utf-8"), encoding="utf-8")
    snapshot = checkout / "registries" / ".snapshot.json"
    before = snapshot.read_bytes()
    code = (
        f"import sys; sys.path.insert(0, {str(checkout)!r}); sys.argv = sys.argv[1:]; exec(open(sys.argv[0]).read())"
    )
    words = (str(STOPPED), str(checkout / "registries"), "1", how, "mcc_registry.loading.snapshot")
    status, out = run("-c", code, *words, folder=checkout)
    assert status != 0 and snapshot.read_bytes() == before, out
    assert how != "SIGKILL" or status == -9, out
    status, out = run("-m", "mcc_registry.loading.snapshot", folder=checkout)
    assert status == 0 and snapshot.read_bytes() != before, out


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    """What was there stays there when the new text cannot be written, with nothing beside it."""
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(0o640)
    with pytest.raises(TypeError):
        write_whole(path, "no bytes")  # type: ignore[arg-type]
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]
    write_whole(path, b"new")
    assert path.read_bytes() == b"new" and path.stat().st_mode & 0o777 == 0o640


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Path]:
    """A folder something is mounted on; needs root and the right to mount."""
    folder = tmp_path / "mounted"
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)], capture_output=True)
    if done.returncode:
        pytest.skip(f"SKIPPED LOUDLY: no small disk can be mounted here ({done.stderr.decode().strip()})")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


needs_mount = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0 or shutil.which("mount") is None,
    reason="only root can mount a small disk",
)


@needs_mount
def test_a_full_disk_is_refused_before_anything_is_written(render: Renderer, mount: Path) -> None:
    (mount / "other").write_bytes(b"x" * 200_000)
    text = render(mount / "project")[1] or ""
    assert "MCC019" in text and "full" in text and "Nothing was written" in text
    assert [path.name for path in mount.iterdir()] == ["other"]
    done = invoke("init-layer", str(mount / "layer"), "--format", "json")
    assert done.code in (0, 1) and (mount / "layer").exists() == (done.code == 0)


@needs_mount
def test_a_read_only_disk_is_refused_before_anything_is_written(render: Renderer, mount: Path) -> None:
    (mount / "layer").mkdir()
    subprocess.run(["mount", "-o", "remount,ro", str(mount)], check=True)
    text = render(mount / "project")[1] or ""
    assert "MCC019" in text and "cannot be written to" in " ".join(text.split())
    done = invoke("init-layer", str(mount / "layer"), "--format", "json")
    assert done.code == 1 and "ead-only" in done.json["findings"][0]["message"]
    assert list((mount / "layer").iterdir()) == []


@pytest.mark.parametrize("below", ["", "/project", "/a/b/project"])
def test_a_file_in_the_way_is_refused(render: Renderer, tmp_path: Path, below: str) -> None:
    (tmp_path / "file").write_text("mine")
    _, text = render.anywhere(Path(f"{tmp_path}/file{below}"))
    assert text is not None and "MCC019" in text and "in the way" in " ".join(text.split())
    assert (tmp_path / "file").read_text() == "mine" and len(list(tmp_path.iterdir())) == 1


def test_a_refused_copy_leaves_an_existing_folder_alone(render: Renderer, tmp_path: Path) -> None:
    """Files that are there stay byte for byte when the answers are refused."""
    (tmp_path / "README.md").write_text("mine")
    _, text = render.anywhere(tmp_path, instance_type="ml.none")
    assert text is not None and content(tmp_path) == {"README.md": b"mine"}
