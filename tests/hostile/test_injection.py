"""Whatever is typed: it arrives unchanged in every file, or it is refused; nothing is ever executed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mcc_registry.answer_forms import PROJECT_NAME
from mcc_registry.answers import parse_answers

from .hostilekit import (
    PLAIN_VALUES,
    SHELLS,
    UNWRITABLE,
    Canary,
    Renderer,
    answers_file,
    assert_clean_report,
    assert_readable,
    container_env,
    instruction_words,
    lock,
    sourced,
)

BATCH = 45


def own_variables(values: list[str]) -> dict[str, str]:
    return {f"OWN_{number}": value for number, value in enumerate(values)}


def run_do(folder: Path, shell: str, script: str, *words: str) -> subprocess.CompletedProcess[str]:
    env = {"PATH": os.environ["PATH"], "PYTHON": sys.executable, "HOME": "/nonexistent"}
    return subprocess.run(
        [shell, f"do/{script}", *words], cwd=folder, capture_output=True, text=True, env=env, timeout=60
    )


@pytest.mark.parametrize("start", range(0, len(PLAIN_VALUES), BATCH))
@pytest.mark.parametrize("target", ["realtime", "async"])
def test_env_values_arrive_unchanged_everywhere(render: Renderer, start: int, target: str) -> None:
    """container.env, lock, answers file and deploy plan hold exactly what was typed; the other files do not change shape."""
    wanted = own_variables(list(PLAIN_VALUES[start : start + BATCH]))
    folder = render.accepted(env_vars=wanted, deployment_target=target, project_name="probe")
    plain = render.accepted(env_vars={"OWN": "x"}, deployment_target=target, project_name="probe")
    assert_readable(folder)
    found = container_env(folder)
    assert {name: found.get(name) for name in wanted} == wanted
    assert {k: v["value"] for k, v in lock(folder)["env_vars"].items()} == found
    assert answers_file(folder)["env_vars"] == wanted
    assert instruction_words(folder) == instruction_words(plain)
    for path in ("Dockerfile", *(p.relative_to(folder).as_posix() for p in (folder / "deploy").iterdir())):
        assert (folder / path).read_bytes() == (plain / path).read_bytes(), path
    answered = "ANSWERED_ENV_VARS"  # the one line of do/config that has them, for the commands do/deploy advises
    lines = [
        [x for x in (f / "do/config").read_text("utf-8").split("\n") if answered not in x] for f in (folder, plain)
    ]
    assert lines[0] == lines[1]
    for shell in SHELLS:
        assert json.loads(sourced(folder, shell, (answered,))[answered]) == wanted
    done = run_do(folder, "sh", "deploy", "--plan")
    assert done.returncode == 0, done.stderr
    planned = json.loads(done.stdout[done.stdout.index("\n{") :])
    sent = planned["create-model"]["PrimaryContainer"]["Environment"]
    assert {name: sent.get(name) for name in wanted} == wanted


def test_payloads_in_env_values_are_never_run(render: Renderer, canary: Canary) -> None:
    """Commands in values reach the container's environment as text; sourcing and planning run none of them."""
    wanted = own_variables(canary.payloads())
    folder = render.accepted(env_vars=wanted)
    assert container_env(folder).items() >= wanted.items()
    assert_readable(folder)
    for shell in SHELLS:
        sourced(folder, shell)
        assert run_do(folder, shell, "deploy", "--plan").returncode == 0
        for script in sorted(path.name for path in (folder / "do").iterdir() if path.name != "config"):
            done = run_do(folder, shell, script, "--help")
            assert done.returncode == 0 and done.stdout.startswith(f"do/{script}") and not done.stderr, (script, done)
    canary.assert_untouched()


def test_words_of_the_caller_are_never_run(render: Renderer, canary: Canary) -> None:
    """Payloads as arguments and in the variables that change one call: refused in words or shown, not executed."""
    folder = render.accepted(model_name="./model", instance_type="ml.g6.xlarge")
    (folder / "model").mkdir()
    (folder / "model" / "config.json").write_text("{}", encoding="utf-8")  # --plan names what it would upload
    names = (
        "IMAGE_TAG",
        "ECR_REPOSITORY",
        "S3_BUCKET",
        "ENDPOINT_NAME",
        "SAGEMAKER_ROLE_ARN",
        "MODEL_DIR",
        "PORT",
        "TEST_JSON",
    )
    for number, payload in enumerate(canary.payloads()):
        shell = SHELLS[number % 2]
        env = {
            "PATH": os.environ["PATH"],
            "PYTHON": sys.executable,
            **dict.fromkeys(names, payload),
            "AWS_REGION": payload,
            "ENDPOINT_NAME": "project" + payload,  # else it is refused before anything reads it
        }
        for words in (("--plan",), ("--plan", payload)):
            command = [shell, "do/deploy", *words]
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=env, timeout=60)
            assert "Traceback" not in done.stderr, done.stderr
            assert done.returncode == (0 if len(words) == 1 else 2), (words, done.stderr)
            if len(words) == 1:
                planned = json.loads(done.stdout[done.stdout.index("\n{") :])
                assert planned["create-endpoint"]["EndpointName"] == "project" + payload
    canary.assert_untouched()


@pytest.mark.parametrize("value", UNWRITABLE, ids=lambda v: repr(v)[:12])
def test_unwritable_env_values_are_refused(render: Renderer, value: str) -> None:
    """A line break, control character or more than 1024 characters cannot stand in container.env: a finding."""
    assert "MCC312" in render.refused(env_vars={"OWN": value})


@pytest.mark.parametrize(
    "name",
    [
        "a b",
        "a=b",
        "",
        "1A",
        "A-B",
        "A\nB",
        "A;touch x",
        "$(id)",
        "{{ 7*7 }}",
        "é",
        "ａ",
        "A.B",
        "\x1b[31m",
        "x" * 129,
        "-e",
        "#A",
    ],
)
def test_hostile_variable_names_are_refused(render: Renderer, name: str) -> None:
    assert "MCC007" in render.refused(env_vars={name: "1"})


@pytest.mark.parametrize("key", [1, None, True, 1.5])
def test_variable_names_that_are_no_text_are_refused(render: Renderer, key: object) -> None:
    render.refused(env_vars={key: "1"})


TEXT_FIELDS = (
    "project_name", "model_name", "model_revision", "framework_version", "instance_type", "inference_ami_version", "region",
    "role_arn", "s3_bucket", "hf_token_secret_arn", "chat_template", "registry_path", "framework_profile", "model_profile",
    "framework", "model_server", "deployment_target", "image_source",
)  # fmt: skip

HOSTILE_TEXTS = (
    "{{ 7*7 }}", "{% raw %}", "$(touch /tmp/mcc-canary)", "`touch /tmp/mcc-canary`", "'; touch /tmp/mcc-canary; '", "a\nRUN touch /x",
    "a\r\nb", "\x1b]0;title\x07", "\x1b[2J", "a\x00b", "\ud800", "\u202egpj.exe", "-rf", "--help", "x" * 1025, "x" * 1_000_000,
    "раураl", "a b", "<script>", "[x](http://e.example)", "a|b", "\\", "'", '"', "#", "!!python/object:os.system", "*a", "&a",
    "../../etc/passwd", "s3://b/../../x", "s3://b/$(id)", "org/na me", "org/name\n", "~", "%00", "a\u00a0b", "con\u0300",
)  # fmt: skip


def refused_by_form(text: str) -> list[str]:
    return [field for field in TEXT_FIELDS if parse_answers({field: text})[1]]


@pytest.mark.slow
@pytest.mark.parametrize("text", HOSTILE_TEXTS, ids=lambda t: repr(t)[:16])
def test_hostile_texts_are_refused_together_or_arrive_alone(render: Renderer, text: str) -> None:
    """One report names every answer whose form is wrong; what passes that is rendered alone and arrives, or is refused."""
    refused = refused_by_form(text)
    if refused:
        report = " ".join(render.refused(**dict.fromkeys(refused, text)).split())
        assert [field for field in refused if field not in report] == []
    rest = sorted(set(TEXT_FIELDS) - set(refused))
    for field in rest[HOSTILE_TEXTS.index(text) % 2 :: 2]:  # half of them: every other text renders the other half
        folder, refusal = render(**{field: text})
        if refusal is not None:
            assert_clean_report(refusal)
            continue
        assert_readable(folder)
        assert answers_file(folder)[field] in (text, text.strip()), (field, text)
        sourced(folder, SHELLS[HOSTILE_TEXTS.index(text) % 2])
    assert not Path("/tmp/mcc-canary").exists()


MODEL_NAMES = (
    "s3://bucket/$(touch {canary})/", "s3://bucket/'; touch {canary} ; '/", "s3://bucket/&& touch {canary}/", "s3://bucket/a b/",
    "./$(touch {canary})", "./'; touch {canary}; '", './"; touch {canary}; "', "./`touch {canary}`", "./{{{{ 7*7 }}}}", "./{{% raw %}}",
    "./<b>bold</b>", "./[x](e.example)", "./a|b", "./a`b", "./\\", "./#x", "./ä 🎤", "./%s", "./!x", "/-rf", "./www.e.example",
    "./FROM x", "~/model",
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "target"), [(n, ("realtime", "batch", "async")[i % 3]) for i, n in enumerate(MODEL_NAMES)]
)
def test_hostile_model_places_arrive(render: Renderer, canary: Canary, name: str, target: str) -> None:
    """An S3 location or a local path may hold almost anything: config, lock, answers and JSON hold exactly that."""
    wanted = name.format(canary=canary.path)
    folder, refusal = render(
        model_name=wanted, deployment_target=target, instance_type="ml.g6.xlarge", project_name="probe"
    )
    if refusal is not None:
        assert_clean_report(refusal)
        assert wanted.startswith("s3://") and target == "batch", refusal
        return
    assert_readable(folder)
    assert answers_file(folder)["model_name"] == wanted
    assert lock(folder)["model"]["id"] == wanted
    assert set(instruction_words(folder)) <= {"FROM", "COPY", "RUN", "LABEL", "EXPOSE", "ENTRYPOINT", "CMD"}
    assert wanted not in (folder / "Dockerfile").read_text(encoding="utf-8")
    for shell in SHELLS:
        assert sourced(folder, shell)["MODEL_NAME"] == wanted
    if wanted.startswith("./"):  # a plan reads the model's files, as a deployment does
        (folder / wanted).mkdir(parents=True)
        (folder / wanted / "model.safetensors").write_text("weights")
    done = run_do(folder, "dash", "deploy", "--plan")
    if wanted.startswith(("./", "s3://")):
        assert done.returncode == 0, done.stderr
    else:
        assert done.returncode == 1 and "there is no model in" in done.stderr
    if wanted.startswith("s3://"):
        assert wanted.rstrip("/") in json.dumps(
            json.loads((folder / "deploy/model.json").read_text()), ensure_ascii=False
        )
    canary.assert_untouched()


FOLDERS = (
    "$(touch canary)", "'; touch canary; '", '"; touch canary; "', "{{ 7*7 }}", "{% raw %}", "a b", "ä 🎤", "-rf", "--help", "#x",
    "a\nb", "\x1b[31m", "<b>", "`x`", "%s", "x" * 200, "[x](y)", "~", "\\", ".git", ".old_copy.x",
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", FOLDERS)
def test_hostile_destination_folders(render: Renderer, name: str) -> None:
    """The project's name is made from the folder's; scripts run from there; nothing of the folder's name is executed."""
    base = render.folder().parent
    folder, refusal = render(base / name)
    assert refusal is None, refusal
    assert_readable(folder)
    for shell in SHELLS:
        assert PROJECT_NAME.fullmatch(sourced(folder, shell)["PROJECT_NAME"])
    done = run_do(folder, "dash", "deploy", "--plan")
    assert done.returncode == 0, done.stderr
    assert not list(base.rglob("canary"))


TEMPLATES = (
    "{{ 7*7 }}", "{% raw %}{% endraw %}{{ messages }}", "{% endraw %}{{ mcc_lock() }}", "{% include 'do/config' %}", "# RUN x\nFROM y\n",
    "{{ messages | tojson }}\r\n\x0c🎤", "{#", "\n\n  {{- bos_token }}",
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("text", TEMPLATES)
@pytest.mark.parametrize("name", ["plain.jinja", "$(id) {{ x }} '.jinja"])
def test_a_chat_template_arrives_byte_for_byte(render: Renderer, tmp_path: Path, text: str, name: str) -> None:
    """The owner's chat template is data: it is copied, never rendered; or refused when it is no template."""
    path = tmp_path / name
    path.write_bytes(text.encode())
    folder, refusal = render(chat_template=str(path))
    if refusal is not None:
        assert_clean_report(refusal)
        return
    assert_readable(folder)
    assert (folder / "serving/chat_template.jinja").read_bytes() == text.encode()


def test_valid_arns_and_buckets_arrive(render: Renderer) -> None:
    """The punctuation an ARN may hold reaches shell, JSON and YAML unchanged."""
    role = "arn:aws:iam::123456789012:role/a+=,.@-_/b"
    secret = "arn:aws:secretsmanager:us-east-1:123456789012:secret:a/_+=.@-b"
    folder = render.accepted(role_arn=role, hf_token_secret_arn=secret, s3_bucket="a.b-c", region="eu-west-1")
    assert_readable(folder)
    for shell in SHELLS:
        found = sourced(folder, shell)
        assert (found["SAGEMAKER_ROLE_ARN"], found["S3_BUCKET"], found["AWS_REGION"]) == (role, "a.b-c", "eu-west-1")
    assert container_env(folder)["HF_TOKEN_SECRET_ARN"] == secret
    assert json.loads((folder / "deploy/model.json").read_text())["ExecutionRoleArn"] == role
    assert secret in (folder / "deploy/execution-policy.json").read_text()
