"""Ctrl-C, kill and two runs at once: a script ends with all it started, says what is there and what goes on."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.lifecycle.conftest import Aws
from tests.lifecycle.project import LLM, PREDICTIVE

Make = Callable[..., Path]
NAME = LLM["project_name"]
ROLE = f"{NAME}-execution"
SHELLS = ["dash", "bash"]

WAITING = r"""#!/bin/sh
# Plays docker and aws, and waits in the call whose first words are $WAITS until it is told to end.
case "$(basename "$0") $*" in
  "$WAITS"*)
    trap 'echo ended >"$MARK.ended"; exit 143' TERM
    echo "$$" >"$MARK"
    while :; do sleep 0.1; done ;;
esac
case "$*" in *--help*) ;; "ps "*) ;; *get-caller*) echo '{"Account": "1"}' ;; *get-login*) echo secret ;; esac
"""
PAUSING = r"""#!/bin/sh
# The aws of the stand-in; after $PAUSES it goes on only once $RUNS calls are that far.
"$REAL_AWS" "$@"
status=$?
if [ "$1 $2" = "$PAUSES" ] && [ ! -e "$MARK.$PPID" ]; then
  : >"$MARK.$PPID"
  for _ in $(seq 200); do
    set -- "$MARK".*
    [ $# -lt "$RUNS" ] || break
    sleep 0.1
  done
fi
exit "$status"
"""


def wait_for(what: Callable[[], Any], seconds: float = 30) -> None:
    limit = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < limit, "it did not happen"
        time.sleep(0.05)


def tool(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text)
    (folder / name).chmod(0o755)


def start(project: Path, env: dict[str, str], script: str, *words: str, shell: str = "sh") -> subprocess.Popen[str]:
    """A script in a process group of its own, as a terminal starts it."""
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    command = [shell, str(project / "do" / script), *words]
    return subprocess.Popen(command, env=env, text=True, start_new_session=True, **pipes)  # type: ignore[call-overload]


def stop(running: subprocess.Popen[str], how: str) -> tuple[int, str]:
    """Ctrl-C is a SIGINT for the whole group, kill a SIGTERM for the script alone; (exit status, what it said)."""
    if how == "Ctrl-C":
        os.killpg(running.pid, signal.SIGINT)
    else:
        running.terminate()
    said = running.communicate(timeout=30)[1]
    assert running.returncode not in (0, 1) and "Traceback" not in said, (running.returncode, said)
    return running.returncode, said


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return Path(f"/proc/{pid}/stat").exists() and Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] == "Z"


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("how", ["kill", "Ctrl-C"])
@pytest.mark.parametrize(
    ("command", "waits"),
    [
        ("build", "docker buildx build"),
        ("run --foreground", "docker run"),
        ("push", "docker push"),
        ("logs --local", "docker logs"),
        ("logs", "aws logs"),
        ("status", "aws sagemaker"),
        ("deploy", "aws sagemaker"),
        ("clean", "aws sagemaker"),
        ("test --endpoint", "aws sagemaker-runtime"),
    ],
)
def test_a_stopped_script_leaves_nothing_running(
    tmp_path: Path, make_project: Make, shell: str, how: str, command: str, waits: str
) -> None:
    """Neither docker nor Python goes on as an orphan, and nothing is said that does not fit the command."""
    project = make_project(PREDICTIVE)
    for name in ("docker", "aws"):
        tool(tmp_path, name, WAITING)
    mark = tmp_path / "mark"
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    env = {"PATH": path, "HOME": str(tmp_path), "PYTHON": sys.executable, "WAITS": waits, "MARK": str(mark)}
    script, *words = command.split()
    text = WAITING
    if waits == "docker buildx build":  # asked for its options first
        text = WAITING.replace('"$WAITS"*)', '"$WAITS --output"* | "$WAITS --p"*)')
    tool(tmp_path, "docker", text)
    running = start(project, env, script, *words, shell=shutil.which(shell) or shell)
    wait_for(lambda: mark.exists() and mark.read_text().strip())
    _, said = stop(running, how)
    wait_for(lambda: gone(int(mark.read_text())), 5)
    assert ("do/deploy" in said) == (script == "deploy") and "next:" not in said and "NVIDIA" not in said, said
    if script == "clean":
        assert "do/clean goes on" in said
    if how == "kill" and waits.startswith("docker"):
        assert Path(f"{mark}.ended").exists() or script == "logs", "it was told to end"


@pytest.mark.parametrize("shell", SHELLS)
def test_build_hands_on_what_it_is_given_to_read(tmp_path: Path, make_project: Make, shell: str) -> None:
    """`do/build -f - <Dockerfile`, as docker build takes it."""
    project = make_project(PREDICTIVE)
    tool(tmp_path, "docker", '#!/bin/sh\ncase "$*" in *"-f - ."*) cat >"$MARK" ;; esac\n')
    mark = tmp_path / "mark"
    env = {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}", "HOME": str(tmp_path), "MARK": str(mark)}
    command = [shutil.which(shell) or shell, str(project / "do" / "build"), "-f", "-"]
    done = subprocess.run(command, input="FROM x\n", capture_output=True, text=True, env=env, timeout=30)
    assert done.returncode == 0 and mark.read_text() == "FROM x\n" and "built" in done.stderr, done.stderr


def test_clean_removes_the_local_container_and_keeps_its_status(tmp_path: Path, make_project: Make) -> None:
    """Also when AWS cannot be asked; wrong usage touches nothing."""
    project = make_project(PREDICTIVE)
    tool(tmp_path, "docker", '#!/bin/sh\necho "$1" >>"$MARK"\n[ "$1" != ps ] || echo abc\n')
    tool(tmp_path, "aws", "#!/bin/sh\necho AccessDenied >&2\nexit 1\n")
    mark = tmp_path / "mark"
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    env = {"PATH": path, "HOME": str(tmp_path), "PYTHON": sys.executable, "MARK": str(mark)}
    for words, status in ((("--al",), 2), ((), 1)):
        running = start(project, env, "clean", *words)
        said = running.communicate(timeout=30)[1]
        assert running.returncode == status, said
        assert mark.exists() == (status == 1)
    assert "rm\n" in mark.read_text()


@pytest.fixture
def project(aws: Aws, make_project: Make) -> Path:
    aws.push_image(NAME)
    return make_project(LLM)


@pytest.fixture
def pausing(aws: Aws, tmp_path: Path) -> Callable[..., dict[str, str]]:
    """An environment whose aws pauses after a call until so many runs are that far."""

    def make(pauses: str, runs: int) -> dict[str, str]:
        folder = tmp_path / "pausing"
        folder.mkdir(exist_ok=True)
        tool(folder, "aws", PAUSING)
        real = shutil.which("aws", path=aws.env["PATH"]) or ""
        more = {"PAUSES": pauses, "RUNS": str(runs), "REAL_AWS": real, "MARK": str(tmp_path / "mark")}
        return {**aws.env, "PATH": f"{folder}{os.pathsep}{aws.env['PATH']}", **more}

    return make


def finish(project: Path, env: dict[str, str], script: str, *words: str) -> tuple[int, str]:
    running = start(project, env, script, *words)
    said = running.communicate(timeout=120)[1]
    return running.returncode, said


def interrupted(project: Path, aws: Aws, how: str = "Ctrl-C", *words: str) -> str:
    """What a do/deploy says that is stopped while its endpoint is made."""
    running = start(project, aws.env, "deploy", *words)
    wait_for(lambda: "CreateEndpoint" in aws.state["calls"])
    time.sleep(1)
    assert running.poll() is None
    return stop(running, how)[1]


@pytest.mark.slow
@pytest.mark.parametrize("how", ["Ctrl-C", "kill"])
def test_a_role_without_its_policy_is_told_and_made_whole(
    aws: Aws, project: Path, pausing: Callable[..., dict[str, str]], tmp_path: Path, how: str
) -> None:
    """AWS would give an endpoint with it no image."""
    running = start(project, pausing("iam create-role", 9), "deploy", "--create-role")
    wait_for(lambda: list(tmp_path.glob("mark.*")))
    said = stop(running, how)[1]
    assert f"role {ROLE}" in said and "do/deploy --create-role goes on" in said and "nothing" not in said, said
    status, said = finish(project, aws.env, "deploy")
    assert status == 1 and f"role {ROLE}" in said and "do/deploy --create-role" in said and aws.state["models"] == []
    status, said = finish(project, aws.env, "deploy", "--create-role")
    assert status == 0, said
    assert aws.call("iam", "list_role_policies", RoleName=ROLE)["PolicyNames"] == ["execution"]
    assert finish(project, aws.env, "deploy")[0] == 0


@pytest.mark.slow
def test_a_role_of_ones_own_needs_no_policy_of_ours(aws: Aws, project: Path) -> None:
    """A role without our tag, and one named in SAGEMAKER_ROLE_ARN, are taken as they are."""
    trust = (project / "deploy" / "trust-policy.json").read_text().replace("0" * 12, "123456789012")
    for name in (ROLE, "mine"):
        aws.call("iam", "create_role", RoleName=name, AssumeRolePolicyDocument=trust)
    assert finish(project, aws.env, "deploy")[0] == 0
    env = {**aws.env, "SAGEMAKER_ROLE_ARN": "arn:aws:iam::123456789012:role/mine"}
    assert finish(project, env, "deploy")[0] == 0


@pytest.mark.slow
def test_a_second_run_that_fails_names_what_the_first_one_left(aws: Aws, project: Path) -> None:
    aws.tell("settings", seconds=60)
    first = interrupted(project, aws, "Ctrl-C", "--create-role")
    left = f"endpoint {NAME}"
    assert left in first and "costs money" in first
    for limit in ("1", ""):  # out of patience; stopped again
        env = {**aws.env, "DEPLOY_TIMEOUT_S": limit}
        running = start(project, env, "deploy")
        if limit:
            said = running.communicate(timeout=60)[1]
            assert running.returncode == 1 and "never ready: Creating after 1 s" in said
        else:
            before = len(aws.state["calls"])
            wait_for(lambda: aws.state["calls"][before:].count("DescribeEndpoint") > 3)  # noqa: B023 - called at once
            said = stop(running, "Ctrl-C")[1]
        assert left in said and "costs money" in said and "nothing" not in said, said
        assert "do/deploy goes on" in said and "do/clean removes" in said
        assert aws.state["endpoints"] == [NAME] and "DeleteEndpoint" not in aws.state["calls"]


@pytest.mark.slow
def test_an_endpoint_that_is_there_is_named_however_early_a_run_stops(
    aws: Aws, project: Path, pausing: Callable[..., dict[str, str]], tmp_path: Path
) -> None:
    assert finish(project, aws.env, "deploy", "--create-role")[0] == 0
    running = start(project, pausing("iam get-role", 9), "deploy")
    wait_for(lambda: list(tmp_path.glob("mark.*")))
    said = stop(running, "Ctrl-C")[1]
    assert f"endpoint {NAME}" in said and "costs money" in said


@pytest.mark.slow
def test_what_failed_and_could_be_removed_is_not_named(aws: Aws, project: Path) -> None:
    """The role stays, costs nothing, and is named; the endpoint is gone."""
    aws.tell("settings", seconds=0.4, faults={"endpoint": {"reason": "broken"}})
    status, said = finish(project, aws.env, "deploy", "--create-role")
    end = said.partition("still there")[2]
    assert status == 1 and f"role {ROLE}" in end and f"endpoint {NAME}" not in end and "costs money" not in end, said
    status, said = finish(project, aws.env, "deploy", "--create-role", "--keep")
    end = said.partition("still there")[2]
    assert status == 1 and f"endpoint {NAME}" in end and "costs money" in end and "do/clean removes" in end, said


@pytest.mark.slow
def test_a_killed_deploy_makes_nothing_more(aws: Aws, project: Path) -> None:
    """`kill PID` reaches Python: it says what is there, and asks AWS nothing afterwards."""
    aws.tell("settings", seconds=60)
    said = interrupted(project, aws, "kill", "--create-role")
    assert f"endpoint {NAME}" in said and "do/clean removes" in said
    before = len(aws.state["calls"])
    time.sleep(1.5)
    assert len(aws.state["calls"]) == before


@pytest.mark.slow
@pytest.mark.parametrize("command", ["clean", "logs --follow", "status"])
def test_ctrl_c_elsewhere_says_what_fits_the_command(
    aws: Aws, project: Path, pausing: Callable[..., dict[str, str]], tmp_path: Path, command: str
) -> None:
    assert finish(project, aws.env, "deploy", "--create-role")[0] == 0
    calls = {"clean": "sagemaker list-endpoints", "logs --follow": "logs filter-log-events"}
    env = pausing(calls.get(command, "sagemaker list-endpoints"), 9)
    running = start(project, env, *command.split())
    wait_for(lambda: list(tmp_path.glob("mark.*")))
    status, said = stop(running, "Ctrl-C")
    assert status == 130 and "stopped" in said and "nothing" not in said and "do/deploy" not in said, said
    assert ("do/clean goes on" in said) == (command == "clean")
    assert aws.state["endpoints"] == [NAME]


@pytest.mark.slow
@pytest.mark.parametrize("pauses", ["iam get-role", "sagemaker describe-model", "sagemaker describe-endpoint"])
def test_two_deploys_at_once_share_what_they_make(
    aws: Aws, project: Path, pausing: Callable[..., dict[str, str]], pauses: str
) -> None:
    """Both see nothing there, both make it; neither fails, and there is one of each."""
    both = [start(project, pausing(pauses, 2), "deploy", "--create-role") for _ in range(2)]
    told = [running.communicate(timeout=120)[1] for running in both]
    assert [running.returncode for running in both] == [0, 0], told
    assert {len(aws.state[kind]) for kind in ("models", "configs", "endpoints")} == {1}


@pytest.mark.slow
def test_a_batch_job_that_is_joined_and_outlasts_the_patience_is_named(aws: Aws, make_project: Make) -> None:
    project = make_project(PREDICTIVE, deployment_target="batch")
    aws.push_image("iris")
    aws.tell("settings", seconds=60)
    assert finish(project, {**aws.env, "DEPLOY_TIMEOUT_S": "0.5"}, "deploy", "--create-role", "--keep")[0] == 1
    (job,) = aws.state["jobs"]
    status, said = finish(project, {**aws.env, "DEPLOY_TIMEOUT_S": "0.5"}, "deploy")
    assert status == 1 and f"transform-job {job}" in said.partition("still there")[2] and "costs money" in said
    running = start(project, aws.env, "deploy")
    before = len(aws.state["calls"])
    wait_for(lambda: aws.state["calls"][before:].count("DescribeTransformJob") > 2)
    said = stop(running, "Ctrl-C")[1]
    assert f"transform-job {job}" in said and "costs money" in said
