"""A newcomer types the commands of the rendered README, one after the other: from do/build to do/clean.

The commands are read from the README itself. The project comes from `copier copy`, the images are built and run by a
real engine, and AWS is the stand-in. For vLLM the engine inside the image is the recording stand-in, which knows the
options of exactly this release and ends on any other; everything around it is the project's own.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from tests.adapters import recording_engine
from tests.lifecycle.conftest import BASE, Aws, docker
from tests.lifecycle.test_against_standin import NOTHING, left
from tests.template.conftest import run_copy

pytestmark = [pytest.mark.slow, pytest.mark.container]

PLANTED = {
    "HF_TOKEN": "hf_PlantedHuggingFaceToken01",
    "NGC_API_KEY": "nvapi-PlantedNgcKey0123456789",
    "AWS_SECRET_ACCESS_KEY": "PlantedAwsSecretKey0123456789",
}
VERBS = ["build", "run", "test", "push", "deploy", "deploy", "test", "status", "logs", "clean"]


def commands(readme: str) -> list[str]:
    """The lines of the first shell block under "Next", comments included: the shell knows them."""
    block = re.search(r"^## Next\n.*?^```sh\n(.*?)^```", readme, re.DOTALL | re.MULTILINE)
    assert block, readme
    return block[1].splitlines()


def stand_in_for(project: Path, folder: Path) -> str:
    """Make an image under the name of the project's base image, with the recording engine in it."""
    lock = yaml.safe_load((project / "mcc.lock.yaml").read_text())
    image, version = lock["base_image"], lock["framework"]["version"]
    labels = docker("image", "inspect", "-f", '{{index .Config.Labels "mcc.stand-in"}}', image)
    if labels.returncode == 0 and labels.stdout.strip() != "yes":
        pytest.skip(f"NOT TESTED: a real {image} is here; the stand-in must not replace it")
    text = f"""FROM {BASE}
LABEL mcc.stand-in=yes
COPY bin/ /usr/local/bin/
COPY lib /opt/standin/lib
ENV PYTHONPATH=/opt/standin/lib STANDIN_RECORD=/tmp/record.jsonl
ENV STANDIN_RELEASE={version} STANDIN_PORT=8080
ENTRYPOINT ["vllm", "serve"]
"""
    words = ["docker", "build", "-q", "-t", image, "-f", "-", str(recording_engine.install(folder))]
    done = subprocess.run(words, input=text, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return image


@pytest.fixture
def walk(engine: Aws, tmp_path: Path) -> Iterator[Callable[..., tuple[Path, dict[str, str]]]]:
    """Render a project and type what its README says; gives the project and what each line printed."""
    images: list[str] = []

    def type_it(name: str, **answers: str) -> tuple[Path, dict[str, str]]:
        copied = run_copy(tmp_path / name, **answers)
        assert copied.status == 0, copied.text
        project, said = copied.folder, {}
        if answers["framework"] == "transformers":
            images.append(stand_in_for(project, tmp_path / "stand-in"))
        lines = commands((project / "README.md").read_text())
        assert [line.split()[0] for line in lines] == [f"do/{verb}" for verb in VERBS]
        engine.tell("settings", invoke_url=f"http://127.0.0.1:{engine.env['PORT']}", seconds=0.8)
        env = {**engine.env, **PLANTED, "GPUS": "none"}  # the stand-in engine needs no GPU
        for line in lines:
            if line.startswith("do/clean"):
                said["of the container"] = evidence(name, env["IMAGE_TAG"], tmp_path)
                said["in AWS"] = json.dumps(engine.state)
            done = subprocess.run(
                ["sh", "-c", line], cwd=project, env=env, capture_output=True, text=True, timeout=900
            )
            said[line] = done.stdout + done.stderr
            assert done.returncode == 0, f"{line}\n{said[line]}"
        return project, said

    yield type_it
    for image in images:
        docker("rmi", "-f", image)


def evidence(name: str, tag: str, folder: Path) -> str:
    """What a stranger finds in the image (every layer, its history and settings) and in the container's log."""
    archive = folder / "image.tar"
    assert docker("save", "-o", str(archive), f"{name}:{tag}").returncode == 0
    with archive.open("rb") as file:
        found, tail = set(), b""
        while piece := file.read(1 << 24):
            found |= {word for word in PLANTED.values() if word.encode() in tail + piece}
            tail = piece[-100:]
    archive.unlink()
    history = docker("history", "--no-trunc", f"{name}:{tag}").stdout
    logs = docker("logs", name)
    assert history and logs.returncode == 0
    return " ".join([*found, history, docker("image", "inspect", f"{name}:{tag}").stdout, logs.stdout, logs.stderr])


CASES = {
    "sklearn": {"framework": "sklearn", "model_server": "fastapi"},
    "vllm": {"framework": "transformers", "model_server": "vllm", "image_source": "upstream"},
}


@pytest.mark.parametrize("target", ["realtime", "async", "batch"])
@pytest.mark.parametrize("case", CASES)
def test_the_readme_can_be_followed_from_build_to_clean(
    walk: Callable[..., tuple[Path, dict[str, str]]], engine: Aws, case: str, target: str
) -> None:
    """Every line ends with 0, the model answers here and there, nothing is left, and no secret is anywhere."""
    name = f"walk-{case}-{target}"
    project, said = walk(name, **CASES[case], deployment_target=target)
    texts = {line.partition("#")[0].strip(): text for line, text in said.items()}
    assert "right" in texts["do/test"] and "WRONG" not in texts["do/test"] + texts["do/test --endpoint"]
    assert "per hour" in texts["do/deploy --plan"] and "CreateEndpoint" not in texts["do/build"]
    if target == "batch":
        assert "the job is completed" in texts["do/deploy --create-role"] and "Completed" in texts["do/status"]
    else:
        assert "is in service" in texts["do/deploy --create-role"] and "InService" in texts["do/status"]
    if case == "sklearn":
        assert '{"predictions": [0, 2]}' in texts["do/test"]
        shown = [line for line in texts["do/test --endpoint"].splitlines() if line[:1] in "{02"]
        assert shown and ("0" in shown or '{"predictions": [0, 2]}' in shown), texts["do/test --endpoint"]
    else:
        started = texts["of the container"]
        assert "vllm serve Qwen/Qwen3-4B --host 0.0.0.0 --port 8080" in started
        assert "Say hello" in texts["do/test --endpoint"]  # the stand-in echoes

    assert left(engine) == NOTHING
    assert not [one for one in engine.call("iam", "list_roles")["Roles"] if one["RoleName"].startswith("walk")]
    assert engine.call("ecr", "describe_repositories")["repositories"] == []
    assert engine.call("s3", "list_buckets")["Buckets"] == []
    assert docker("ps", "-aq", "--filter", f"label=mcc.project={name}").stdout == ""

    files = {str(path): path.read_text(errors="replace") for path in project.rglob("*") if path.is_file()}
    for secret in PLANTED.values():
        assert [where for where, text in {**said, **files}.items() if secret in text] == []


def test_a_token_that_the_engine_logs_is_not_shown(engine: Aws, make_project: Callable[..., Path]) -> None:
    """do/logs, do/status and a failing do/deploy show the log with the token blotted out."""
    from tests.lifecycle.project import LLM
    from tests.lifecycle.test_against_standin import run

    project = make_project(LLM)
    engine.push_image("qwen3-endpoint", tag=engine.env["IMAGE_TAG"])
    leaks = [f"login with {word} worked" for name, word in PLANTED.items() if name != "AWS_SECRET_ACCESS_KEY"]
    fault = {"endpoint": {"reason": f"bad token {PLANTED['HF_TOKEN']}", "log": leaks}}
    engine.tell("settings", seconds=0.4, faults=fault)
    said = run(project, engine, "deploy", "--create-role", "--keep", ok=False).stderr
    said += run(project, engine, "status", ok=False).stdout + run(project, engine, "logs").stdout
    assert said.count("hf_***") >= 3 and said.count("nvapi-***") >= 2
    assert "Planted" not in said
