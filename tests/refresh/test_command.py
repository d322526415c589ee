"""The command: exit statuses, asking, JSON, and the whole way against EC2's stand-in."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mcc_registry.loading import whole
from mcc_registry.loading.snapshot import SNAPSHOT, write_snapshot
from mcc_registry.refresh import aws
from tests.cli.invoke import Result, invoke
from tests.standins.ec2 import Ec2StandIn

from .kit import Files, edited, put, tree
from .tables import sample

G5 = "instances/g5.yaml"
PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture
def sources(monkeypatch: pytest.MonkeyPatch, ec2: Any, shipped: Files) -> None:
    """EC2 and the image tables without network or package."""
    monkeypatch.setattr(aws, "read_ec2", lambda wanted: (dict(ec2), "EC2 DescribeInstanceTypes, us-east-1"))
    monkeypatch.setattr("mcc_registry.refresh.images.read_tables", lambda: (sample(shipped), "2.27.0"))


@pytest.fixture
def older(checkout: Path, shipped: Files) -> Path:
    """A checkout that lacks one type of g5."""
    put(checkout, edited(shipped, G5, lambda data: data["types"].pop()))
    return checkout


def run(root: Path, *words: str, **more: Any) -> Result:
    return invoke("refresh", *words, "--root", str(root), **more)


@pytest.mark.usefixtures("sources")
@pytest.mark.parametrize("target", ["instances", "images"])
def test_check_without_drift(checkout: Path, target: str) -> None:
    """Nothing differs: exit 0, nothing written, and it says so."""
    before = tree(checkout)
    result = run(checkout, target, "--check")
    assert result.code == 0 and "nothing differs" in result.out and tree(checkout) == before


@pytest.mark.usefixtures("sources")
def test_check_with_drift(older: Path) -> None:
    """One type is missing: exit 1, the difference in words, nothing written."""
    before = tree(older)
    result = run(older, "instances", "--check")
    assert result.code == 1 and tree(older) == before
    assert "added ml.g5.48xlarge: 192 vCPU, 786432 MiB, 8 x A10G" in " ".join(result.out.split())
    assert "MCC722" in result.err and "1 difference in 1 file" in result.err
    assert max(map(len, result.out.splitlines())) <= 80


@pytest.mark.usefixtures("sources")
def test_yes_writes_and_then_nothing_differs(older: Path, shipped: Files) -> None:
    """--yes writes the row back (without a price); the next check is content."""
    result = run(older, "instances", "--yes")
    assert result.code == 0, result.err
    text = (older / G5).read_text()
    assert "ml.g5.48xlarge" in text and "16.288" not in text
    assert [n for n, b in tree(older).items() if n in shipped and b.decode() != shipped[n].text] == [G5]
    assert run(older, "instances", "--check").code == 0


@pytest.mark.usefixtures("sources")
def test_nobody_to_ask(older: Path) -> None:
    """Without a terminal and without --yes nothing is written: exit 1 and the way out."""
    before = tree(older)
    result = run(older, "instances")
    assert result.code == 1 and "MCC725" in result.err and "--yes" in result.err
    assert tree(older) == before


@pytest.mark.usefixtures("sources")
@pytest.mark.parametrize(("answer", "writes"), [(b"y\n", True), (b"yes\n", True), (b"n\n", False), (b"\n", False)])
def test_asked_on_a_terminal(older: Path, monkeypatch: pytest.MonkeyPatch, answer: bytes, writes: bool) -> None:
    """The difference comes first, then the question; only yes writes, no is no error."""
    monkeypatch.setattr("mcc_registry.cli.refresh.is_terminal", lambda stream: True)
    before = tree(older)
    result = run(older, "instances", stdin=answer)
    assert result.code == 0 and "write 1 file? [y/N]" in result.err and "added ml.g5.48xlarge" in result.out
    assert (tree(older) != before) is writes


@pytest.mark.usefixtures("sources")
def test_json(older: Path) -> None:
    """JSON alone on stdout, with the documented keys."""
    result = run(older, "instances", "--check", "--format", "json")
    assert set(result.json) == {"ok", "drift", "sources", "changes", "written", "findings"}
    assert (result.code, result.json["ok"], result.json["drift"]) == (1, False, True)
    (change,) = [c for c in result.json["changes"] if c["kind"] == "added"]
    assert (change["file"], change["item"], change["source"]) == (G5, "ml.g5.48xlarge", "EC2, botocore")


@pytest.mark.usefixtures("sources")
def test_a_result_with_faults_is_not_written(older: Path) -> None:
    """The staged copy is validated first: a fault elsewhere stops the writing and is shown."""
    path = older / "instances/c5.yaml"
    path.write_text(path.read_text().replace("id: c5", "id: c9"))
    before = tree(older)
    result = run(older, "instances", "--yes")
    assert result.code == 1 and "MCC724" in result.err and "MCC520" in result.err
    assert tree(older) == before


@pytest.mark.usefixtures("sources")
def test_one_failing_source_writes_nothing(older: Path) -> None:
    """All three at once are one run: offline models stop it before anything is written."""
    before = tree(older)
    result = run(older, "--offline", "--yes")
    assert result.code == 1 and "MCC720" in result.err and tree(older) == before


def test_ctrl_c_leaves_the_files(older: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An interrupt while a source is read: exit 130, files untouched, no traceback."""

    def interrupted(wanted: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(aws, "read_ec2", interrupted)
    before = tree(older)
    result = run(older, "instances", "--yes")
    assert result.code == 130 and "Traceback" not in result.err and tree(older) == before
    assert result.err.strip() == "interrupted: nothing was written; repeat the command"


@pytest.fixture
def with_snapshot(older: Path) -> Path:
    """The older checkout, with the snapshot of its files."""
    write_snapshot(older)
    return older


@pytest.mark.usefixtures("sources")
def test_the_snapshot_is_compiled(with_snapshot: Path) -> None:
    """After the documents; then it is current."""
    result = run(with_snapshot, "instances", "--yes", "--format", "json")
    assert result.code == 0 and result.json["written"] == [G5, SNAPSHOT]
    assert not write_snapshot(with_snapshot)


@pytest.mark.usefixtures("sources")
def test_a_snapshot_that_cannot_be_written_is_told_and_made_up_for(with_snapshot: Path) -> None:
    """The documents count as written, the fault says so, and repeating compiles the snapshot though nothing differs."""
    snapshot = with_snapshot / SNAPSHOT
    snapshot.unlink()
    snapshot.mkdir()
    for written in ([G5], []):
        result = run(with_snapshot, "instances", "--yes", "--format", "json")
        assert result.code == 1 and result.json["written"] == written and result.codes == ["MCC701"]
        (finding,) = result.json["findings"]
        assert "the snapshot cannot be written: is a directory" in finding["message"]
        assert ("1 file was written" in finding["hint"]) is bool(written) and "repeat" in finding["hint"]
        assert "ml.g5.48xlarge" in (with_snapshot / G5).read_text()
    snapshot.rmdir()
    snapshot.write_text("old\n")
    nobody = run(with_snapshot, "instances")
    assert nobody.code == 1 and "MCC725" in nobody.err and ".snapshot.json is older" in " ".join(nobody.err.split())
    assert run(with_snapshot, "instances", "--check").code == 0
    result = run(with_snapshot, "instances", "--yes", "--format", "json")
    assert result.code == 0 and result.json["written"] == [SNAPSHOT] and not write_snapshot(with_snapshot)


@pytest.mark.usefixtures("sources")
def test_ctrl_c_before_the_snapshot_says_what_was_written(
    with_snapshot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the two steps: the documents stay, the text says how to go on, and that works."""

    def interrupted(root: Path) -> bytes:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("mcc_registry.loading.snapshot.compile_snapshot", interrupted)
        result = run(with_snapshot, "instances", "--yes")
    assert result.code == 130 and "ml.g5.48xlarge" in (with_snapshot / G5).read_text()
    assert "interrupted: 1 file written and validated; repeat the command" in result.err
    assert run(with_snapshot, "instances", "--yes", "--format", "json").json["written"] == [SNAPSHOT]


@pytest.mark.usefixtures("sources")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
@pytest.mark.parametrize("event", ["open", "os.rename"])
def test_a_signal_leaves_the_files(older: Path, monkeypatch: pytest.MonkeyPatch, name: str, event: str) -> None:
    """While drafting or renaming: everything as it was, nothing beside it, and the status and text of the signal."""
    (older / G5).chmod(0o600)
    before = tree(older)
    number = getattr(signal, name)
    moment = "write_draft" if event == "open" else "_unchanged"
    real = getattr(whole, moment)

    def kill(*words: Any) -> Any:
        os.kill(os.getpid(), number)
        return real(*words)

    monkeypatch.setattr(whole, moment, kill)
    result = run(older, "instances", "--yes")
    word = "interrupted" if name == "SIGINT" else f"stopped by {name}"
    assert result.code == 128 + number and f"{word}: nothing was written; repeat the command" in result.err
    assert tree(older) == before and (older / G5).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "words",
    [("instanecs",), ("instances", "--check", "--yes"), ("images", "models"), ("instances", "--chek"),
     ("instances", "--registry-path", "x")],
)  # fmt: skip
def test_wrong_usage(checkout: Path, words: tuple[str, ...]) -> None:
    """Exit 2, nothing on stdout."""
    result = run(checkout, *words)
    assert (result.code, result.out) == (2, "")


def test_missing_packages_name_the_extra(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without boto3: one finding with what to install."""
    monkeypatch.setitem(sys.modules, "botocore", None)
    result = run(checkout, "instances", "--check")
    assert result.code == 1 and result.err.count("MCC720") == 1
    assert "mcc-registry[refresh]" in " ".join(result.err.split())


def nobody() -> dict[str, str]:
    return {
        "AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "",
    }  # fmt: skip


def test_nobody_signed_in(checkout: Path) -> None:
    """No credentials: one finding, no traceback, no call."""
    result = run(checkout, "instances", "--check", env=nobody())
    assert result.code == 1 and "no AWS credentials" in " ".join(result.err.split())


def test_ec2_cannot_be_reached(checkout: Path) -> None:
    """A dead endpoint: one finding."""
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    dead = {**nobody(), **keys, "AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_MAX_ATTEMPTS": "1"}
    result = run(checkout, "instances", "--check", env=dead)
    assert result.code == 1 and "MCC720" in result.err and "Traceback" not in result.err


@pytest.fixture(scope="module")
def ec2_server() -> Iterator[Ec2StandIn]:
    pytest.importorskip("flask", reason="moto's server needs flask: pip install 'moto[server]'")
    with Ec2StandIn() as server:
        yield server


@pytest.mark.slow
def test_the_whole_way_through_the_standin(older: Path, shipped: Files, ec2_server: Ec2StandIn) -> None:
    """A process of its own asks EC2's stand-in page by page, writes the row back, and then finds nothing to do."""
    env = {**os.environ, **ec2_server.env, "HF_HUB_OFFLINE": "1"}
    words = [sys.executable, "-m", "mcc_registry", "refresh", "instances", "--root", str(older), "--format", "json"]

    def ask(*more: str) -> tuple[int, Any]:
        done = subprocess.run([*words, *more], capture_output=True, text=True, cwd=PROJECT, env=env, timeout=120)
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode, json.loads(done.stdout)

    code, said = ask("--check")
    assert code == 1 and [c["item"] for c in said["changes"] if c["kind"] == "added"] == ["ml.g5.48xlarge"]
    code, said = ask("--yes")
    assert code == 0 and said["written"] == [G5]
    assert "as served at AWS_ENDPOINT_URL" in (older / G5).read_text()
    code, said = ask("--check")
    assert code == 0 and said["drift"] is False


@pytest.mark.slow
@pytest.mark.parametrize(
    ("how", "changed"),
    [("SIGKILL@os.rename", 2), ("SIGQUIT@os.rename", 4), ("SIGKILL@open", 0), ("SIGHUP@os.rename", 0)],
)
def test_a_killed_refresh_is_gone_on_with(
    checkout: Path, shipped: Files, ec2_server: Ec2StandIn, how: str, changed: int
) -> None:
    """Each file is whole, what is left beside them hides, and the same command finishes and cleans up."""
    names = ["instances/c5.yaml", G5, "instances/g6.yaml", "instances/p5.yaml"]
    files = shipped
    for name in names:
        files = edited(files, name, lambda data: data["types"].pop())
    put(checkout, files)
    write_snapshot(checkout)
    before = tree(checkout)
    stopped = [str(PROJECT / "tests/hostile/stopped.py"), str(checkout), "3", how]
    words = ["mcc_registry", "refresh", "instances", "--root", str(checkout), "--yes"]
    env = {**os.environ, **ec2_server.env, "HF_HUB_OFFLINE": "1"}

    def ask(*more: str) -> int:
        done = subprocess.run(
            [sys.executable, *more], capture_output=True, text=True, cwd=PROJECT, env=env, timeout=120
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode

    number = getattr(signal, how.partition("@")[0])
    assert ask(*stopped, *words) == (128 + number if number == signal.SIGHUP else -number)
    left = tree(checkout)
    assert [name for name in before if left[name] != before[name]] == sorted(names)[:changed]
    assert all(Path(name).name.startswith(".mcc-") for name in left.keys() - before.keys())
    assert ask("-m", *words) == 0
    assert set(tree(checkout)) == set(before) and not write_snapshot(checkout)
    assert ask("-m", *words[:-1], "--check") == 0


@pytest.mark.slow
def test_ec2_over_the_wire_equals_its_data(ec2_server: Ec2StandIn, ec2: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every type of every page is read; what arrives is what EC2's data say."""
    for name, value in ec2_server.env.items():
        monkeypatch.setenv(name, value)
    found, source = aws.read_ec2(set(ec2))
    assert found == ec2 and len(found) > 1000
    assert source.startswith("EC2 DescribeInstanceTypes, us-east-1")


def test_the_workflow_runs_the_command() -> None:
    """The scheduled workflow checks all three, writes nothing, and may change nothing."""
    import yaml

    text = (PROJECT / ".github/workflows/refresh.yml").read_text()
    flow = yaml.safe_load(text)
    steps = [step.get("run", "") for job in flow["jobs"].values() for step in job["steps"]]
    for target in ("instances", "images", "models"):
        (line,) = [run for run in steps if f"refresh {target}" in run]
        assert "--check" in line and "--yes" not in line
    assert "schedule" in flow[True] and flow["permissions"] == {"contents": "read"}
    for job in flow["jobs"].values():
        assert {name for name, right in job["permissions"].items() if right == "write"} <= {"id-token"}
        assert all(len(step["uses"].partition("@")[2]) == 40 for step in job["steps"] if "uses" in step)
