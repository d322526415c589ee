"""The scripts of do/ with recording stand-ins for docker and aws: what they ask for, what they say, what they keep secret."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.lifecycle.project import LLM, PREDICTIVE

Make = Callable[..., Path]
SCRIPTS = ["build", "run", "test", "push", "deploy", "status", "logs", "clean"]
"""Every script of do/ but config, which they source."""

TOKEN = "hf_" + "PlantedSecretPlantedSecret"
NGC = "nvapi-" + "PlantedSecretPlantedSecret"

DOCKER = r"""#!/bin/sh
# Records its arguments (one line per call, words in <>) and plays an engine; DOCKER_* say how it behaves.
{ printf 'docker'; printf ' <%s>' "$@"; printf '\n'; } >>"$RECORD"
case "$1 ${2:-}" in
  "buildx version") [ -z "${DOCKER_NO_BUILDX:-}" ] ;;
  "buildx build") case "$*" in *--help*) echo "--provenance --sbom --output" ;; esac ;;
  "image inspect") case " ${DOCKER_IMAGES:-} " in *" $3 "*) ;; *) exit 1 ;; esac ;;
  "ps "*) echo "${DOCKER_PS:-}" ;;
  "version "*) [ -z "${DOCKER_DOWN:-}" ] ;;
  "--version "*) echo "Docker version 26.1, build x" ;;
  "login "*) cat >>"$RECORD.stdin" ;;
  "inspect "*) echo "${DOCKER_STATE:-true}" ;;
  "logs "*) echo "${DOCKER_LOGS:-no log}" ;;
  "run "*) [ -z "${DOCKER_RUN_FAILS:-}" ] || { echo "$DOCKER_RUN_FAILS" >&2; exit 125; } ;;
esac
"""
AWS = r"""#!/bin/sh
{ printf 'aws'; printf ' <%s>' "$@"; printf '\n'; } >>"$RECORD"
case "$1 $2" in "ecr get-login-password") echo top-secret-password ;; esac
"""


class Bench:
    """A rendered project, recording stand-ins on the PATH, and the shell that runs the scripts."""

    def __init__(self, project: Path, folder: Path, shell: str) -> None:
        self.project, self.folder, self.shell = project, folder, shell
        self.record = folder / "record"
        self.bin = folder / "bin"
        self.bin.mkdir()
        for name, text in (("docker", DOCKER), ("aws", AWS)):
            self.tool(name, text)
        for name in ("sed", "dirname", "cat", "sh", "bash", "dash", "tar"):
            (self.bin / name).symlink_to(shutil.which(name) or f"/bin/{name}")
        self.tool("python3", f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')

    def tool(self, name: str, text: str) -> None:
        (self.bin / name).write_text(text)
        (self.bin / name).chmod(0o755)

    def run(self, script: str, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
        base = {"PATH": str(self.bin), "HOME": str(self.folder), "RECORD": str(self.record)}
        command = [str(self.bin / self.shell), str(self.project / "do" / script), *words]
        return subprocess.run(
            command, capture_output=True, text=True, env={**base, **env}, cwd=self.folder, timeout=60
        )

    @property
    def calls(self) -> str:
        return self.record.read_text() if self.record.exists() else ""

    def call(self, *begin: str) -> str:
        start = "docker " + " ".join(f"<{word}>" for word in begin)
        found = [line for line in self.calls.splitlines() if line.startswith(start) and "<--help>" not in line]
        assert found, self.calls
        return found[-1]


@pytest.fixture(params=["dash", "bash"])
def bench(request: pytest.FixtureRequest, tmp_path: Path, make_project: Make) -> Callable[..., Bench]:
    def make(base: dict[str, Any] = LLM, **changes: Any) -> Bench:
        folder = tmp_path / "bench"
        folder.mkdir()
        return Bench(make_project(base, **changes), folder, request.param)

    return make


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_script_explains_itself_and_calls_nobody(bench: Callable[..., Bench], script: str) -> None:
    b = bench()
    done = b.run(script, "--help")
    assert done.returncode == 0 and done.stdout.startswith(f"do/{script}") and "set -eu" not in done.stdout
    assert b.calls == ""
    assert stat.S_IMODE((b.project / "do" / script).stat().st_mode) == 0o755


@pytest.mark.parametrize("script", SCRIPTS)
def test_help_works_from_anywhere(bench: Callable[..., Bench], script: str) -> None:
    """From the root, from the folder above and from do/ itself, by a relative path."""
    b = bench()
    root = b.project
    for place, path in (
        (root, f"do/{script}"),
        (root.parent, f"{root.name}/do/{script}"),
        (root / "do", f"./{script}"),
    ):
        env = {"PATH": str(b.bin), "HOME": str(b.folder), "RECORD": str(b.record)}
        command = [str(b.bin / b.shell), path, "--help"]
        done = subprocess.run(command, capture_output=True, text=True, env=env, cwd=place, timeout=60)
        assert done.returncode == 0 and done.stdout.startswith(f"do/{script}"), (place, done.stderr)


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("run", ("--foregound",)),
        ("run", ("--stop", "now")),
        ("push", ("--force",)),
        ("logs", ("--locl",)),
        ("logs", ("--local", "--follow")),
        ("test", ("--endpiont",)),
        ("test", ("--end",)),
        ("deploy", ("--plna",)),
        ("deploy", ("now",)),
        ("status", ("--all",)),
        ("clean", ("--al",)),
    ],
)
def test_an_unknown_option_is_wrong_usage(bench: Callable[..., Bench], script: str, words: tuple[str, ...]) -> None:
    """Exit 2 with the script's own name, and nobody was called."""
    b = bench()
    done = b.run(script, *words, DOCKER_IMAGES="qwen3-endpoint:latest", DOCKER_PS="abc123")
    assert done.returncode == 2 and f"do/{script}" in done.stderr and words[-1] in done.stderr, done.stderr
    assert "endpoint.py" not in done.stderr and done.stdout == "" and b.calls == ""


@pytest.mark.parametrize(
    "changes",
    [{}, {"price_usd_hour": None, "s3_bucket": "b'u$(id)cket", "role_arn": "`id`"}],
    ids=["plain", "hostile"],
)
def test_shellcheck_and_both_shells_accept_every_script(make_project: Make, changes: dict[str, Any]) -> None:
    shellcheck = shutil.which("shellcheck") or shutil.which("shellcheck", path=str(Path(sys.executable).parent))
    for base in (LLM, PREDICTIVE):
        project = make_project(base, **changes)
        scripts = sorted(str(path) for path in (project / "do").iterdir())
        for script in scripts:
            for shell in ("dash", "bash"):
                subprocess.run([shell, "-n", script], check=True)
        if shellcheck:
            names = [f"do/{Path(script).name}" for script in scripts]  # do/config beside them: they source it
            subprocess.run([shellcheck, *names], check=True, cwd=project)


def test_hostile_answers_arrive_unchanged_and_run_nothing(make_project: Make) -> None:
    hostile = "a'b$(touch owned)`touch owned`\"\\ }${x} c"
    project = make_project(LLM, price_basis=hostile, model={"name": hostile}, s3_bucket=hostile)
    for shell in ("dash", "bash"):
        command = '. ./do/config && printf "%s\\n" "$PRICE_BASIS" "$MODEL_NAME" "$S3_BUCKET"'
        out = subprocess.run([shell, "-euc", command], cwd=project, capture_output=True, text=True, check=True).stdout
        assert out.splitlines() == [hostile] * 3
    assert not (project / "owned").exists()


def test_the_environment_overrides_what_may_be_overridden(make_project: Make) -> None:
    project = make_project(LLM)
    command = '. ./do/config && echo "$AWS_REGION $IMAGE_TAG $PORT $PROJECT_NAME"'
    env = {**os.environ, "AWS_REGION": "eu-west-1", "IMAGE_TAG": "v2", "PORT": "9999", "PROJECT_NAME": "no"}
    out = subprocess.run(
        ["sh", "-euc", command], cwd=project, capture_output=True, text=True, check=True, env=env
    ).stdout
    assert out.split() == ["eu-west-1", "v2", "9999", "qwen3-endpoint"]


def test_build_makes_one_plain_manifest_for_the_instances_processor(bench: Callable[..., Bench]) -> None:
    b = bench(PREDICTIVE, docker_platform="linux/arm64")
    done = b.run("build", "--no-cache", IMAGE_TAG="v7")
    assert done.returncode == 0, done.stderr
    line = b.call("buildx", "build")
    for word in (
        "--provenance=false",
        "--sbom=false",
        "--output> <type=docker",
        "--platform> <linux/arm64",
        "--tag> <iris:v7",
        "--no-cache",
    ):
        assert f"<{word}>" in line
    assert line.endswith("<.>") and "login" not in b.calls  # an upstream base image needs no login


def test_build_without_buildx_says_so(bench: Callable[..., Bench]) -> None:
    b = bench(PREDICTIVE)
    done = b.run("build", DOCKER_NO_BUILDX="1")
    assert done.returncode == 0 and "buildx is not here" in done.stderr
    assert "provenance" not in b.call("build") and "<--platform> <linux/amd64>" in b.call("build")


def test_build_logs_in_only_when_the_base_image_is_not_here(bench: Callable[..., Bench]) -> None:
    b = bench()
    assert b.run("build", DOCKER_IMAGES=LLM["image"]).returncode == 0
    assert "login" not in b.calls
    assert b.run("build", SKIP_BASE_LOGIN="1").returncode == 0
    assert "login" not in b.calls
    assert b.run("build").returncode == 0
    assert f"<--password-stdin> <{LLM['ecr_login_registry']}>" in b.call("login")
    assert "top-secret-password" not in b.calls  # never an argument
    assert Path(str(b.record) + ".stdin").read_text() == "top-secret-password"


@pytest.mark.parametrize(
    ("missing", "words"), [("docker", "docker is not installed"), ("aws", "aws is not installed")]
)
def test_build_names_the_missing_tool(bench: Callable[..., Bench], missing: str, words: str) -> None:
    b = bench()
    (b.bin / missing).unlink()
    done = b.run("build")
    assert done.returncode == 1 and words in done.stderr


def test_build_says_when_no_engine_answers(bench: Callable[..., Bench]) -> None:
    done = bench().run("build", DOCKER_DOWN="1", DOCKER_HOST="unix:///nowhere")
    assert done.returncode == 1 and "no container engine answers at unix:///nowhere" in done.stderr


def test_run_starts_the_container_as_sagemaker_does(bench: Callable[..., Bench]) -> None:
    b = bench(PREDICTIVE)
    done = b.run("run", PORT="9000", DOCKER_IMAGES="iris:latest")
    assert done.returncode == 0, done.stderr
    line = b.call("run")
    for words in ("<--publish> <127.0.0.1:9000:8080>", "<--env-file> <container.env>", "<--detach>"):
        assert words in line
    assert line.endswith("<iris:latest> <serve>") and "gpus" not in line and "shm" not in line


def test_run_hands_secrets_on_by_name_only(bench: Callable[..., Bench]) -> None:
    b = bench()
    done = b.run("run", HF_TOKEN=TOKEN, NGC_API_KEY=NGC, DOCKER_IMAGES="qwen3-endpoint:latest")
    assert done.returncode == 0
    assert "<--env> <HF_TOKEN>" in b.call("run") and "<--env> <NGC_API_KEY>" in b.call("run")
    files = "".join(path.read_text() for path in [*b.project.rglob("*"), *b.folder.glob("record*")] if path.is_file())
    assert "PlantedSecret" not in files + done.stdout + done.stderr


def test_run_asks_for_gpus_and_explains_a_refusal(bench: Callable[..., Bench]) -> None:
    b = bench()
    done = b.run("run", DOCKER_IMAGES="qwen3-endpoint:latest", DOCKER_RUN_FAILS="could not select device driver")
    assert "<--gpus> <all>" in b.call("run")
    assert done.returncode == 1 and "wants an NVIDIA GPU" in done.stderr
    b.run("run", DOCKER_IMAGES="qwen3-endpoint:latest", GPUS="none", SHM_SIZE="1g")
    assert "gpus" not in b.call("run") and "<--shm-size> <1g>" in b.call("run")


def test_run_replaces_its_own_container_and_never_another(bench: Callable[..., Bench]) -> None:
    b = bench(PREDICTIVE)
    b.run("run", DOCKER_IMAGES="iris:latest", DOCKER_RUN_FAILS="name is in use")
    assert "<rm>" not in b.calls  # ps showed no container of ours
    b.run("run", DOCKER_IMAGES="iris:latest", DOCKER_PS="abc123")
    assert "<stop> <-t> <30> <abc123>" in b.calls and "<rm> <-f> <abc123>" in b.calls
    assert "<label=mcc.project=iris>" in b.call("ps")


def test_run_shows_a_local_model(bench: Callable[..., Bench]) -> None:
    b = bench(LLM, model={"kind": "local", "name": "my model"})
    done = b.run("run", DOCKER_IMAGES="qwen3-endpoint:latest")
    assert done.returncode == 1 and "not a folder" in done.stderr
    (b.project / "my model").mkdir()
    b.run("run", DOCKER_IMAGES="qwen3-endpoint:latest")
    assert f"<--volume> <{b.project}/my model:/opt/ml/model:ro>" in b.call("run")


def test_plan_needs_no_aws_and_shows_the_price_as_what_it_is(bench: Callable[..., Bench]) -> None:
    b = bench()
    (b.bin / "aws").unlink()
    done = b.run("deploy", "--plan")
    assert done.returncode == 0, done.stderr
    head, _, body = done.stdout.partition("{")
    assert "$0.8048 per hour (EC2 us-east-1" in head and "1.25 to 1.40" in head and "$1.01 to $1.13" in head
    plan = json.loads("{" + body)
    assert list(plan) == ["create-model", "create-endpoint-config", "create-endpoint"]
    assert plan["create-model"]["PrimaryContainer"]["Environment"]["SM_VLLM_MAX_MODEL_LEN"] == "8192"
    assert done.stdout == b.run("deploy", "--plan").stdout


def test_plan_lists_what_a_run_would_make(bench: Callable[..., Bench]) -> None:
    """The role, the bucket and every upload, too; the requests themselves are those of a run."""
    b = bench(PREDICTIVE, deployment_target="batch", s3_bucket="my-bucket")
    done = b.run("deploy", "--plan", "--create-role")
    plan = json.loads("{" + done.stdout.partition("{")[2])
    assert list(plan) == ["create-role", "create-bucket", "create-model", "upload", "create-transform-job"]
    assert plan["create-role"]["RoleName"] == "iris-execution" and plan["create-bucket"] == {"Bucket": "my-bucket"}
    arn = "arn:aws:iam::000000000000:role/iris-execution"
    assert plan["create-model"]["ExecutionRoleArn"] == arn and b.calls == ""
    source = plan["create-transform-job"]["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"]
    assert plan["upload"] == [source + "input"] and "batch-input/do-deploy" in source
    (b.project / "rows.csv").write_text("1,2,3,4\n")
    other = b.run("deploy", "--plan", "--input", "rows.csv").stdout
    assert "create-role" not in other and source not in other and "batch-input/do-deploy" in other


@pytest.mark.parametrize("target", ["async", "batch"])
def test_plan_lists_the_upload_of_a_local_model(bench: Callable[..., Bench], target: str) -> None:
    b = bench(LLM, model={"kind": "local", "name": "weights"}, deployment_target=target)
    assert "there is no model in weights" in b.run("deploy", "--plan").stderr
    (b.project / "weights").mkdir()
    (b.project / "weights" / "config.json").write_text("{}")
    plan = json.loads("{" + b.run("deploy", "--plan").stdout.partition("{")[2])
    box = plan["create-model"]["PrimaryContainer"]
    place = box["ModelDataUrl"] if target == "batch" else box["ModelDataSource"]["S3DataSource"]["S3Uri"]
    assert plan["upload"][0] == place and "/model/" in place and b.calls == ""


def test_plan_refuses_what_a_run_refuses(bench: Callable[..., Bench]) -> None:
    done = bench().run("deploy", "--plan", ENDPOINT_NAME="foo")
    assert done.returncode == 1 and "must begin with qwen3-endpoint" in done.stderr and done.stdout == ""


@pytest.mark.parametrize("command", ["deploy --plan", "deploy --policy", "status"])
def test_a_reader_that_has_enough_is_no_error(bench: Callable[..., Bench], command: str) -> None:
    """`do/deploy --plan | head` closes the pipe before everything is written."""
    b = bench()
    listing = """#!/bin/sh
case "$*" in
  *get-caller-identity*) echo '{"Account": "123456789012"}' ;;
  *list-tags*) echo '{"Tags": [{"Key": "mcc:project", "Value": "qwen3-endpoint"}]}' ;;
  *) echo '{"Models": [{"ModelName": "qwen3-endpoint-1", "ModelArn": "a"}]}' ;;
esac
"""
    b.tool("aws", listing)
    (b.bin / "true").symlink_to(shutil.which("true") or "/bin/true")
    env = {"PATH": str(b.bin), "HOME": str(b.folder), "RECORD": str(b.record)}
    reader, writer = os.pipe()
    os.close(reader)
    words = [str(b.bin / b.shell), str(b.project / "do" / command.split()[0]), *command.split()[1:]]
    done = subprocess.run(words, stdout=writer, stderr=subprocess.PIPE, text=True, env=env, timeout=60)
    os.close(writer)
    assert "BrokenPipe" not in done.stderr and "Traceback" not in done.stderr, done.stderr


def test_another_region_than_the_answered_one_is_said(bench: Callable[..., Bench]) -> None:
    b = bench()
    said = b.run("deploy", "--plan", AWS_REGION="eu-west-1").stderr
    assert "AWS_REGION=eu-west-1 replaces the answered region us-east-1" in said
    assert b.run("deploy", "--plan", AWS_REGION="us-east-1").stderr == ""


def test_building_without_a_model_is_said(bench: Callable[..., Bench]) -> None:
    """Only where the model comes from the folder model/."""
    b = bench(PREDICTIVE, include_sample=False)
    assert "no folder model/" in b.run("build").stderr
    (b.project / "model").mkdir()
    assert "no folder model/" not in b.run("build").stderr


def test_plan_with_an_unknown_price_says_so(bench: Callable[..., Bench]) -> None:
    assert "of unknown price" in bench(LLM, price_usd_hour=None).run("deploy", "--plan").stdout


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("no equals sign", "container.env:"),
        ("BAD-NAME=1", "container.env:"),
        ("A=" + "x" * 1025, "1024"),
        ("\n".join(f"A{i}=1" for i in range(101)), "100 entries"),
        ("\n".join(f"A{i}=" + "x" * 1000 for i in range(40)), "32768"),
    ],
)
def test_a_container_env_that_sagemaker_would_refuse_is_refused_first(
    bench: Callable[..., Bench], line: str, words: str
) -> None:
    b = bench()
    with (b.project / "container.env").open("a") as file:
        file.write("\n" + line + "\n")
    done = b.run("deploy", "--plan")
    assert done.returncode == 1 and words in done.stderr and "Traceback" not in done.stderr


class Model(BaseHTTPRequestHandler):
    ready, answers = True, {}

    def do_GET(self) -> None:
        self.send_response(200 if self.ready else 503)
        self.end_headers()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        status, text = self.answers[self.headers["Content-Type"]]
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def model() -> Iterator[tuple[str, type[Model]]]:
    handler = type("Handler", (Model,), {"answers": {}})
    server = HTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield str(server.server_port), handler
    server.shutdown()


GOOD = (200, '{"predictions": [0, 2]}')


@pytest.mark.parametrize(
    ("json_answer", "csv_answer", "right"),
    [
        (GOOD, (200, "0\n2\n"), True),
        ((200, "[0, 2]"), GOOD, True),
        ((200, '{"predictions": [0]}'), (200, "0\n2\n"), False),
        ((200, '{"error": "no"}'), (200, "0\n2\n"), False),
        ((500, '{"error": "no"}'), (200, "0\n2\n"), False),
        (GOOD, (200, "0"), False),
        (GOOD, (200, ""), False),
        ((200, "hello"), (200, "0\n2\n"), False),
    ],
)
def test_do_test_judges_predictions(
    bench: Callable[..., Bench], model: tuple[str, type[Model]], json_answer: Any, csv_answer: Any, right: bool
) -> None:
    port, handler = model
    handler.answers = {"application/json": json_answer, "text/csv": csv_answer}
    done = bench(PREDICTIVE).run("test", PORT=port)
    assert (done.returncode == 0) == right, done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        ({"choices": [{"message": {"role": "assistant", "content": "Hi"}}]}, True),
        ({"choices": [{"message": {"role": "assistant", "content": ""}}]}, False),
        ({"choices": []}, False),
        ({"error": {"message": "no"}}, False),
    ],
)
def test_do_test_judges_a_chat_answer(
    bench: Callable[..., Bench], model: tuple[str, type[Model]], answer: Any, right: bool
) -> None:
    port, handler = model
    handler.answers = {"application/json": (200, json.dumps(answer))}
    assert (bench().run("test", PORT=port).returncode == 0) == right


def test_do_test_gives_up_on_a_server_that_is_never_ready(
    bench: Callable[..., Bench], model: tuple[str, type[Model]]
) -> None:
    port, handler = model
    handler.ready = False
    done = bench().run("test", "--wait", "2", PORT=port, DOCKER_LOGS=f"loading with {TOKEN}")
    assert done.returncode == 1 and "never ready" in done.stderr and "503" in done.stderr
    assert "PlantedSecret" not in done.stderr


@pytest.mark.parametrize("number", ["x", "1.5", "nan", "", "1e9", "9" * 5000, "$(id)"])
@pytest.mark.parametrize(("script", "option"), [("logs", "--since"), ("test", "--wait")])
def test_a_number_that_is_none_is_wrong_usage(
    bench: Callable[..., Bench], script: str, option: str, number: str
) -> None:
    """Exit 2 and the option's name, before anything is asked."""
    done = bench().run(script, option, number)
    assert done.returncode == 2 and option in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("words", "settings"),
    [
        (("test", "--wait", "0"), {"STARTUP_TIMEOUT_S": "x", "PORT": "x"}),
        (("logs", "--since", "9" * 400), {}),
        (("deploy", "--plan"), {"PRICE_USD_HOUR": "x"}),
        (("status",), {"AWS_REGION": "x y", "POLL_SECONDS": "x"}),
    ],
)
def test_settings_and_files_that_are_none_are_told_in_words(
    bench: Callable[..., Bench], words: tuple[str, ...], settings: dict[str, str]
) -> None:
    """No traceback from any of them."""
    done = bench().run(*words, **settings)
    assert done.returncode in (0, 1) and "Traceback" not in done.stderr + done.stdout, done.stderr


@pytest.mark.parametrize("missing", [False, True], ids=["no container", "no docker"])
def test_do_test_with_nothing_running_says_so_at_once(bench: Callable[..., Bench], missing: bool) -> None:
    b = bench()
    b.tool("docker", "#!/bin/sh\necho 'Error: No such container' >&2\nexit 1\n")
    if missing:
        (b.bin / "docker").unlink()
    began = time.monotonic()
    done = b.run("test", PORT="9", STARTUP_TIMEOUT_S="50")
    assert done.returncode == 1 and "no container runs here: do/run first" in done.stderr
    assert time.monotonic() - began < 20


def test_do_test_waits_for_a_server_it_was_told_of(
    bench: Callable[..., Bench], model: tuple[str, type[Model]]
) -> None:
    """Whether it says 503 or is named by --url: then no container of ours is needed."""
    port, handler = model
    b = bench()
    b.tool("docker", "#!/bin/sh\nexit 1\n")
    handler.ready = False
    assert "never ready" in b.run("test", "--wait", "1", PORT=port).stderr
    assert "never ready" in b.run("test", "--wait", "1", "--url", "http://127.0.0.1:9").stderr


def test_do_test_sees_a_dead_container_at_once(bench: Callable[..., Bench]) -> None:
    b = bench()
    done = b.run("test", PORT="9", DOCKER_STATE="false", DOCKER_LOGS="error: unrecognized arguments: --foo")
    assert done.returncode == 1 and "container exited" in done.stderr and "does not know a setting" in done.stderr


def test_do_test_without_a_known_request_is_no_success(
    bench: Callable[..., Bench], model: tuple[str, type[Model]]
) -> None:
    done = bench(PREDICTIVE, include_sample=False).run("test", PORT=model[0])
    assert done.returncode == 1 and "TEST_JSON" in done.stderr


def test_every_rendered_python_file_compiles_for_python_3_9(make_project: Make) -> None:
    import ast

    for base in (LLM, PREDICTIVE):
        for target in ("realtime", "async", "batch"):
            for kind in ("hub", "s3", "local"):
                model = {"kind": kind, "name": "s3://b/m.tar.gz" if kind == "s3" else "x"} if base is LLM else None
                project = make_project(base, deployment_target=target, **({"model": model} if model else {}))
                text = (project / "deploy" / "endpoint.py").read_text()
                ast.parse(text, feature_version=(3, 9))
                ruff = Path(sys.executable).parent / "ruff"
                if ruff.exists():
                    subprocess.run([ruff, "check", "--isolated", "-q", project / "deploy"], check=True)
