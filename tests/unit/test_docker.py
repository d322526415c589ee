"""The docker room against a stand-in of the docker command: what is asked for, what is read, what is left behind."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcc_registry import Registry, Request
from mcc_registry.docker import ImageFacts, engine, image_facts_from_mapping, inspect_image, is_reference, look_at
from mcc_registry.docker.facts import facts_from_config, facts_from_run, required_cuda
from mcc_registry.resolve import resolve
from mcc_registry.resolve.images import resolve_with_images
from tests.cli.invoke import invoke

ROOT = Path(__file__).parents[2]
STANDIN = ROOT / "tests/standins/docker"
IMAGE = "vllm/vllm-openai:v0.30.0"

CONFIG: dict[str, Any] = {
    "Id": "sha256:" + "a" * 64,
    "Architecture": "amd64",
    "Os": "linux",
    "Size": 9_000_000_000,
    "RootFS": {"Layers": ["one", "two"]},
    "Config": {
        "User": "",
        "Entrypoint": ["vllm", "serve"],
        "Env": [
            "CUDA_VERSION=13.0.2",
            "NVIDIA_REQUIRE_CUDA=cuda>=13.0 brand=tesla,driver>=535",
            "HF_TOKEN=hf_" + "x" * 34,
            "MY_PASSWORD=geheim",
        ],
        "Labels": {"maintainer": "someone", "evil": "\x1b[31mred\u202e"},
    },
}


def probe(vllm: str = "0.30.0", cuda: str = "13.0.2", **extra: str) -> str:
    found = {"python": "3.12.9", "packages": {"vllm": vllm, "torch": "2.13.0+cu130", "scikit-learn": "1.8.0"} | extra}
    return "\n".join(
        [
            "noise of the image",
            "=mcc:start",
            "=mcc:cuda-json",
            json.dumps({"cuda": {"name": "CUDA SDK", "version": cuda}}, indent=1),
            "=mcc:python",
            json.dumps({"python": "3.10.1", "packages": {}}),
            "=mcc:python",
            json.dumps(found),
            "=mcc:gpu",
            "23034",
            "22888",
            "=mcc:end",
        ]
    )


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The stand-in's folder, with an image that agrees with its tag."""
    monkeypatch.setenv("PATH", f"{STANDIN}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("FAKE_DOCKER", str(tmp_path))
    (tmp_path / "image.json").write_text(json.dumps(CONFIG))
    (tmp_path / "probe.txt").write_text(probe())
    return tmp_path


def calls(fake: Path) -> list[list[str]]:
    log = fake / "calls"
    return [line.split("\t") for line in log.read_text().splitlines()] if log.exists() else []


def left_over(fake: Path) -> list[str]:
    return [path.name for path in fake.glob("mcc-inspect-*")]


def test_the_configuration_is_read_and_no_other_variable_is_repeated(fake: Path) -> None:
    """Labels, CUDA variables, entry point, architecture and size; a token in the image's variables appears nowhere."""
    done = inspect_image(IMAGE, run=False)
    assert done.facts is not None and not done.facts.was_run and not done.findings
    config = done.facts.config
    assert (config["architecture"], config["layers"], config["entrypoint"]) == ("amd64", 2, ["vllm", "serve"])
    assert (config["cuda_version"], config["required_cuda"], done.facts.cuda) == ("13.0.2", "13.0", "13.0.2")
    assert "geheim" not in repr(done) and "hf_xxx" not in repr(done) and "\x1b" not in repr(config["labels"])
    assert [c[0] for c in calls(fake)] == ["image"], "reading the configuration runs nothing"


def test_an_image_is_run_with_no_more_rights_than_needed(fake: Path) -> None:
    """No network, no capabilities, nothing to write, limits, nobody as user, another entry point, never a pull."""
    done = inspect_image(IMAGE)
    assert done.facts is not None and done.facts.was_run
    (run,) = [c for c in calls(fake) if c[0] == "run"]
    options = run[: run.index("--entrypoint")]
    pairs = set(itertools.pairwise(options))
    wanted = {
        ("--network", "none"), ("--cap-drop", "ALL"), ("--security-opt", "no-new-privileges"), ("--pull", "never"),
        ("--user", "65534:65534"), ("--log-driver", "none"),
    }  # fmt: skip
    assert wanted <= pairs and {"--rm", "--read-only", "--memory", "--pids-limit"} <= set(options)
    assert not {"--privileged", "--volume", "-v", "--mount", "--cap-add", "--gpus", "--publish"} & set(run)
    assert run[run.index("--entrypoint") + 1] == "sh" and run[run.index("--entrypoint") + 2] == IMAGE


def test_versions_are_found_in_the_interpreter_that_has_the_framework(fake: Path) -> None:
    """The first interpreter has no framework; scikit-learn in a vLLM image does not make it a scikit-learn image."""
    facts = inspect_image(IMAGE).facts
    assert facts is not None
    assert (facts.cuda, facts.python, facts.framework, facts.framework_version) == (
        "13.0.2",
        "3.12.9",
        "vllm",
        "0.30.0",
    )
    assert (facts.gpu_memory_mib, facts.gpu_count, facts.found_by["cuda"]) == (22888, 2, "version.json")


def test_the_cuda_version_found_beats_the_variable_and_the_difference_is_told(fake: Path) -> None:
    """CUDA_VERSION is a text somebody wrote."""
    (fake / "probe.txt").write_text(probe(cuda="12.9.1"))
    done = inspect_image(IMAGE)
    assert done.facts is not None and done.facts.cuda == "12.9.1"
    assert [(f.code, f.severity) for f in done.findings] == [("MCC623", "warning")]


def test_gpus_are_asked_for_only_where_the_engine_has_them(fake: Path) -> None:
    """With NVIDIA's runtime --gpus is given; where it fails all the same, the rest is still read."""
    (fake / "gpus").touch()
    inspect_image(IMAGE)
    run = next(c for c in calls(fake) if c[0] == "run")
    assert "--gpus" in run and "NVIDIA_DRIVER_CAPABILITIES=utility" in run
    (fake / "refuse-gpus").touch()
    done = inspect_image(IMAGE)
    assert done.facts is not None and done.facts.framework == "vllm"
    assert [(f.code, f.severity) for f in done.findings] == [("MCC624", "info")]


def test_an_interpreter_only_the_images_user_may_read_is_found_as_that_user(fake: Path) -> None:
    """Nobody is tried first; the image's own user only when nobody finds no framework."""
    (fake / "refuse-user").touch()
    facts = inspect_image(IMAGE).facts
    assert facts is not None and facts.framework == "vllm"
    assert ["--user" in c for c in calls(fake) if c[0] == "run"] == [True, False]


def test_an_image_nothing_runs_in_keeps_its_configuration(fake: Path) -> None:
    """Neither shell nor Python: a warning with the engine's reason."""
    (fake / "probe.txt").unlink()
    done = inspect_image(IMAGE)
    assert done.facts is not None and not done.facts.was_run and done.facts.cuda == "13.0.2"
    assert [f.code for f in done.findings] == ["MCC622"] and "executable file not found" in done.findings[0].message


def test_a_missing_image_is_pulled_unless_told_otherwise(fake: Path) -> None:
    """missing: pulled once; never: a finding; a refused pull shows the reason, a hint, and no credential."""
    (fake / "image.json").rename(fake / "pulled.json")
    assert inspect_image(IMAGE, pull="never").facts is None and not [c for c in calls(fake) if c[0] == "pull"]
    told: list[str] = []
    assert inspect_image(IMAGE, platform="linux/amd64", tell=told.append).facts is not None
    assert [c for c in calls(fake) if c[0] == "pull"] == [["pull", "--platform", "linux/amd64", "--quiet", IMAGE]]
    assert told == [f"pulling {IMAGE}"]
    (fake / "image.json").unlink()
    refused = inspect_image(IMAGE)
    assert refused.facts is None and [f.code for f in refused.findings] == ["MCC621"]
    assert "geheim" not in refused.findings[0].message and "docker login" in refused.findings[0].hint


@pytest.mark.parametrize("how", ["down", "absent"])
def test_without_an_engine_there_is_one_clear_sentence(
    how: str, fake: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """No command, or no engine behind it: an error of inspect-image, a note of a plan."""
    (fake / "down").touch()
    if how == "absent":
        monkeypatch.setenv("PATH", str(tmp_path_factory.mktemp("empty")))
    done = inspect_image(IMAGE)
    assert done.facts is None and [(f.code, f.severity) for f in done.findings] == [("MCC620", "error")]
    facts, told = look_at(IMAGE)
    assert facts is None and [(f.code, f.severity, f.field) for f in told] == [
        ("MCC620", "info", "validate_with_docker")
    ]
    shown = invoke("inspect-image", IMAGE, "--format", "json")
    assert (
        shown.code == 1 and shown.json["ok"] is False and shown.codes == ["MCC620"] and shown.json["config"] is None
    )


def test_a_run_that_takes_too_long_is_ended_and_its_container_removed(fake: Path) -> None:
    """The time box holds, and nothing stays behind."""
    (fake / "slow").touch()
    started = time.monotonic()
    done = inspect_image(IMAGE, timeout_s=1.5)
    assert time.monotonic() - started < 10 and done.facts is not None and not done.facts.was_run
    assert [f.code for f in done.findings] == ["MCC622"] and left_over(fake) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_ctrl_c_removes_the_container(number: signal.Signals, fake: Path) -> None:
    """Interrupted or terminated: the exit status of the signal, no container left."""
    (fake / "slow").touch()
    process = subprocess.Popen(
        [sys.executable, "-m", "mcc_registry", "inspect-image", IMAGE], cwd=ROOT, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 20
    while not (fake / "started").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert left_over(fake), "the container runs"
    process.send_signal(number)
    _, told = process.communicate(timeout=20)
    word = "interrupted" if number == signal.SIGINT else f"stopped by {number.name}"
    assert process.returncode == 128 + number and word in told and "Traceback" not in told
    assert left_over(fake) == []


def test_the_command_line_shows_the_contracts_keys(fake: Path) -> None:
    """image, config, found, findings; a table for people; wrong words are wrong usage."""
    shown = invoke("inspect-image", IMAGE, "--format", "json")
    assert shown.code == 0 and set(shown.json) >= {"image", "config", "found", "findings"}
    assert set(shown.json["found"]) >= {"cuda", "python", "framework", "framework_version", "gpu_memory_mib"}
    table = invoke("inspect-image", IMAGE)
    assert table.code == 0 and "vllm 0.30.0 (package metadata)" in table.out and "22888 MiB" in table.out
    for words in (["--", "--privileged"], ["a b"], [IMAGE, "--timeout", "0"], [IMAGE, "--platform", "windows"]):
        refused = invoke("inspect-image", *words)
        assert (refused.code, refused.out) == (2, ""), words
    (fake / "image.json").unlink()
    for option in ("--no-pull", "--offline"):
        assert invoke("inspect-image", IMAGE, option, "--format", "json").codes == ["MCC621"]
    assert not [c for c in calls(fake) if c[0] == "pull"]


@pytest.mark.parametrize("text", ["python:3.13-slim", IMAGE, "h:5000/a/b@sha256:" + "0" * 64, "127.0.0.2/x:y"])
def test_references(text: str) -> None:
    """What docker pull takes."""
    assert is_reference(text)


@pytest.mark.parametrize("text", ["", "-v", "--privileged", "a b", "a;b", "a\nb", "x" * 600, "../x", "http://x/y"])
def test_no_references(text: str) -> None:
    """Nothing that a command could take for an option, and no prose."""
    assert not is_reference(text)


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=400), st.text(max_size=400))
def test_garbage_from_engine_or_image_never_raises(config: str, output: str) -> None:
    """Whatever is printed becomes facts or nothing."""
    facts = facts_from_config(IMAGE, config)
    assert facts is None or facts.to_json()
    facts_from_run(ImageFacts(IMAGE), output.replace("a", "\n=mcc:python\n").replace("b", "\n=mcc:cuda-json\n"))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["Config", "Env", "Labels", "RootFS", "Layers", "cuda", "version", "packages"]), inner
        )
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(JSON)
def test_valid_json_of_any_shape_never_raises(data: Any) -> None:
    """A broken engine may answer anything."""
    text = json.dumps(data)
    facts_from_config(IMAGE, text)
    facts_from_run(ImageFacts(IMAGE), f"=mcc:python\n{text}\n=mcc:cuda-json\n{text}\n=mcc:gpu\n{text}")
    image_facts_from_mapping(data)


def test_facts_survive_being_saved() -> None:
    """What a project records gives the same plan again."""
    base = facts_from_config(IMAGE, json.dumps(CONFIG))
    assert base is not None
    facts = facts_from_run(base, probe())
    again = image_facts_from_mapping(json.loads(json.dumps(facts.to_mapping())))
    assert again is not None
    for name in ("image", "cuda", "python", "framework", "framework_version", "packages", "was_run"):
        assert getattr(again, name) == getattr(facts, name)
    assert image_facts_from_mapping({"image": 3}) is None and image_facts_from_mapping("x") is None


def test_required_cuda() -> None:
    """The lowest CUDA of NVIDIA_REQUIRE_CUDA; unreadable = unknown."""
    assert required_cuda("cuda>=12.8 brand=unknown,driver>=470") == "12.8"
    assert required_cuda("cuda<13 driver>=470") is None


# ------------------------------------------------------------------------------------------- in a plan


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry.load([], root=ROOT / "registries")


REQUEST = Request(model_name="Qwen/Qwen3-4B", framework_version="0.30.0", image_source="upstream", offline=True)


def found(image: str, **values: Any) -> ImageFacts:
    config = {"architecture": "amd64"}
    return ImageFacts(image, config, **{"cuda": "13.0.2", "packages": {"vllm": "0.30.0"}, "was_run": True, **values})


def differences(plan: Any) -> list[str]:
    return [f.message for f in plan.findings if f.code == "MCC626"]


def test_facts_that_agree_change_nothing_but_say_so(registry: Registry) -> None:
    """The plan is the same; a note tells what was checked; the CUDA version is measured now."""
    plain = resolve(REQUEST, registry)
    plan = resolve(REQUEST, registry, docker=found(IMAGE))
    assert plain.base_image == plan.base_image == IMAGE and not differences(plan)
    assert plan.to_json()["settings"] == plain.to_json()["settings"]
    assert any(f.code == "MCC627" and "CUDA 13.0.2" in f.message for f in plan.findings)


def test_a_lying_tag_is_told_and_the_facts_found_win(registry: Registry) -> None:
    """Version, CUDA and the AMI follow the image; the level of the tag's row is not the image's."""
    plan = resolve(REQUEST, registry, docker=[found(IMAGE, cuda="12.9.1", packages={"vllm": "0.19.1"})])
    assert plan.framework is not None and plan.base_image == IMAGE
    assert (plan.framework["version"], plan.framework["accelerator"]["version"]) == ("0.19.1", "12.9")
    assert plan.framework["validation_level"] == "unknown"
    assert plan.inference_ami_version != resolve(REQUEST, registry).inference_ami_version
    assert len(differences(plan)) == 2 and "0.19.1" in differences(plan)[0]
    again = resolve(REQUEST, registry)
    assert again.framework is not None and again.framework["version"] == "0.30.0", "the registry itself is unchanged"


def test_what_was_not_found_changes_nothing(registry: Registry) -> None:
    """Unknown is no difference."""
    plan = resolve(REQUEST, registry, docker=ImageFacts(IMAGE))
    assert plan.to_json()["settings"] == resolve(REQUEST, registry).to_json()["settings"]
    assert not differences(plan)


def test_a_pre_release_is_another_release(registry: Registry) -> None:
    """Local parts do not count, pre-releases do."""
    assert not differences(resolve(REQUEST, registry, docker=found(IMAGE, packages={"vllm": "0.30.0+cu130"})))
    assert differences(resolve(REQUEST, registry, docker=found(IMAGE, packages={"vllm": "0.30.0rc1"})))


def test_rules_follow_the_version_found(registry: Registry) -> None:
    """A setting the found version does not have is refused, although the tag's version has it."""
    request = Request(
        model_name="Qwen/Qwen3-4B",
        framework_version="0.30.0",
        image_source="upstream",
        env_vars={"performance_mode": "throughput"},
    )
    assert resolve(request, registry).ok
    assert not resolve(request, registry, docker=found(IMAGE, packages={"vllm": "0.16.0"})).ok


def test_only_the_chosen_image_is_looked_at(registry: Registry) -> None:
    """Once, for the platform of the instance type; a refused plan looks at nothing."""
    asked: list[tuple[str, str]] = []

    def look(image: str, platform: str) -> tuple[ImageFacts | None, list[Any]]:
        asked.append((image, platform))
        return found(image), []

    assert resolve_with_images(REQUEST, registry, look).ok and asked == [(IMAGE, "linux/amd64")]
    asked.clear()
    refused = Request(model_name="Qwen/Qwen3-4B", instance_type="ml.nope.xlarge")
    assert not resolve_with_images(refused, registry, look).ok and asked == []


@pytest.mark.parametrize("framework", ["sklearn", "xgboost", "tensorflow"])
def test_a_base_image_is_compared_by_its_python(registry: Registry, framework: str) -> None:
    """The project installs the library; the image decides the Python."""
    request = Request(framework=framework)
    image = resolve(request, registry).base_image
    assert image is not None
    plan = resolve(request, registry, docker=ImageFacts(image, python="3.9.2", was_run=True))
    assert plan.ok and plan.framework is not None
    release = f"{framework} {plan.framework['version']}"  # others are built on the same image
    (told,) = differences(plan)
    assert told.startswith(f"the image of {release} holds Python 3.9.2, not ")


def test_resolve_inspects_when_asked(fake: Path) -> None:
    """--validate-with-docker on the command line; offline, nothing is pulled and the rest goes on."""
    words = [
        "resolve",
        "--model-name",
        "Qwen/Qwen3-4B",
        "--framework-version",
        "0.30.0",
        "--image-source",
        "upstream",
    ]
    words += ["--validate-with-docker", "--offline", "--format", "json"]
    (fake / "probe.txt").write_text(probe(vllm="0.29.0"))
    lying = invoke(*words)
    assert lying.code == 0 and lying.json["framework"]["version"] == "0.29.0" and "MCC626" in lying.codes
    (fake / "image.json").unlink()
    absent = invoke(*words)
    assert absent.code == 0 and absent.json["framework"]["version"] == "0.30.0"
    assert [f["severity"] for f in absent.json["findings"] if f["code"] == "MCC621"] == ["info"]
    assert not [c for c in calls(fake) if c[0] == "pull"]
    (fake / "down").touch()
    assert "MCC620" in invoke(*words).codes


def test_the_standin_is_what_is_called(fake: Path) -> None:
    """Guards the tests above: they would prove nothing with a real engine."""
    assert shutil.which("docker") == str(STANDIN / "docker") and engine.find_command() == str(STANDIN / "docker")
