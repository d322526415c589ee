"""Commands that write, stopped by a signal, twice at once, or in front of a disk that refuses."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mcc_registry import Registry
from tests.unit.test_export import LLM, SHIPPED, TESTED, export, make

ROOT = Path(__file__).resolve().parents[2]
STOPPED = ROOT / "tests/hostile/stopped.py"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("project") / "p", Registry.load([], root=SHIPPED), **LLM)


def start(*words: str, folder: Path, **env: str) -> subprocess.Popen[str]:
    (folder / "tmp").mkdir(exist_ok=True)
    kept = {k: v for k, v in os.environ.items() if k not in ("REGISTRY_PATH", "COLUMNS")}
    environ = {**kept, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1", "TMPDIR": str(folder / "tmp"), **env}
    pipes: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen([sys.executable, *words], cwd=folder, env=environ, text=True, **pipes)


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=120)
    assert "Traceback" not in err, err
    return process.returncode, out, err


def words_of(project: Path, *more: str) -> list[str]:
    return ["mcc_registry", "export", "--project", str(project), *TESTED, "--write", "layer", *more]


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


@pytest.mark.parametrize("how", ["SIGINT", "SIGTERM", "SIGHUP"])
@pytest.mark.parametrize(("moment", "event"), [(1, "open"), (2, "open"), (1, "os.rename"), (2, "os.rename")])
def test_a_stopped_export_leaves_nothing(tmp_path: Path, project: Path, how: str, moment: int, event: str) -> None:
    """While drafting or renaming: no file, no folder, no draft, nothing in TMPDIR; it says so, and repeating works."""
    layer = tmp_path / "layer"
    layer.mkdir()
    process = start(str(STOPPED), str(layer), str(moment), f"{how}@{event}", *words_of(project), folder=tmp_path)
    status, out, err = ended(process)
    assert status == 128 + getattr(signal, how) and out == ""
    word = "interrupted" if how == "SIGINT" else f"stopped by {how}"
    assert err.strip() == f"{word}: nothing was written; repeat the command"
    assert names(tmp_path) == ["layer", "tmp"]
    assert ended(start("-m", *words_of(project), folder=tmp_path))[0] == 0


@pytest.mark.parametrize("event", ["open", "os.rename"])
def test_a_killed_export_is_gone_on_with(tmp_path: Path, project: Path, event: str) -> None:
    """A kill leaves hidden drafts; the next run removes them and writes."""
    layer = tmp_path / "layer"
    layer.mkdir()
    process = start(str(STOPPED), str(layer), "2", f"SIGKILL@{event}", *words_of(project), folder=tmp_path)
    assert ended(process)[0] == -signal.SIGKILL
    left = [path.name for path in layer.rglob("*") if path.is_file()]
    assert any(name.startswith(".mcc-") for name in left)
    assert all(name.startswith(".mcc-") or name.endswith(".yaml") for name in left)
    assert ended(start("-m", *words_of(project), folder=tmp_path))[0] == 0
    assert [name for name in names(layer) if "." in name] == ["frameworks/vllm.yaml", "models/qwen3.yaml"]


def test_nohup_is_respected(tmp_path: Path, project: Path) -> None:
    """A hang-up that is ignored from outside stays ignored."""
    (tmp_path / "layer").mkdir()
    code = f"import signal, sys; signal.signal(signal.SIGHUP, signal.SIG_IGN); exec(open({str(STOPPED)!r}).read())"
    process = start("-c", code, str(tmp_path / "layer"), "2", "SIGHUP", *words_of(project), folder=tmp_path)
    assert ended(process)[0] == 0 and (tmp_path / "layer/frameworks/vllm.yaml").exists()


def test_two_exports_at_once_lose_no_row(tmp_path: Path, project: Path) -> None:
    """One stands still between reading and writing while another starts: both say that they wrote, and both rows are there."""
    other = make(tmp_path / "other", Registry.load([], root=SHIPPED), **{**LLM, "framework_version": "0.29.0"})
    layer = tmp_path / "layer"
    layer.mkdir()
    first = start(str(STOPPED), str(layer), "1", "SIGSTOP", *words_of(project, "--row", "release"), folder=tmp_path)
    os.waitpid(first.pid, os.WUNTRACED)
    second = start("-m", *words_of(other, "--row", "release"), folder=tmp_path)
    with contextlib.suppress(subprocess.TimeoutExpired):
        second.wait(3)
    first.send_signal(signal.SIGCONT)
    assert [ended(process)[0] for process in (first, second)] == [0, 0]
    text = (layer / "frameworks/vllm.yaml").read_text()
    assert '"0.30.0"' in text and '"0.29.0"' in text, text


def test_a_row_another_program_wrote_is_merged(
    tmp_path: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An edit between reading and writing: read and merged again; one that never ends is told."""
    from mcc_registry.loading import whole

    layer = tmp_path / "layer"
    layer.mkdir()
    assert export(project, *TESTED, "--row", "release", "--write", str(layer)).code == 0
    file = layer / "frameworks/vllm.yaml"
    theirs = file.read_text().replace("octocat", "somebody")
    file.unlink()
    real = whole.write_draft
    edits = [theirs]

    def edit(draft: Path, data: bytes, mode: int) -> None:
        real(draft, data, mode)
        if edits:
            file.write_text(edits.pop())

    monkeypatch.setattr(whole, "write_draft", edit)
    assert export(project, *TESTED, "--row", "release", "--write", str(layer)).code == 0
    text = file.read_text()
    assert "somebody" in text and "octocat" in text and names(layer) == ["frameworks", "frameworks/vllm.yaml"]
    edits += [theirs.replace("somebody", f"n{turn}") for turn in range(20)]
    done = export(project, *TESTED, "--row", "release", "--write", str(layer))
    assert done.code == 1 and "MCC744" in done.codes and done.json["written"] == []
    assert "was edited while" in done.json["findings"][-1]["message"]


@pytest.mark.parametrize(
    "place", ["layer/frameworks/vllm.yaml", "p/mcc.lock.yaml", "p/container.env", "p/Dockerfile"]
)
def test_a_pipe_in_the_place_of_a_file_is_a_finding(tmp_path: Path, project: Path, place: str) -> None:
    """Nothing waits for what nobody writes."""
    shutil.copytree(project, tmp_path / "p")
    (tmp_path / "layer/frameworks").mkdir(parents=True)
    (tmp_path / place).unlink(missing_ok=True)
    os.mkfifo(tmp_path / place)
    process = start("-m", *words_of(tmp_path / "p", "--format", "json"), folder=tmp_path)
    status, out, _ = ended(process)
    (finding,) = [f for f in json.loads(out)["findings"] if f["severity"] == "error"]
    assert status == 1 and "not a regular file" in finding["message"]
    assert Path(place).name in finding["message"] + finding["source"]


def test_a_link_out_of_the_layer_is_refused(tmp_path: Path, project: Path) -> None:
    """Nothing outside the folder that was named is written to."""
    (tmp_path / "layer/frameworks").mkdir(parents=True)
    (tmp_path / "outside.yaml").write_text("mine\n")
    (tmp_path / "layer/frameworks/vllm.yaml").symlink_to("../../outside.yaml")
    done = export(project, *TESTED, "--write", str(tmp_path / "layer"))
    assert done.code == 1 and "symbolic link that leaves" in done.json["findings"][-1]["message"]
    assert (tmp_path / "outside.yaml").read_text() == "mine\n"
