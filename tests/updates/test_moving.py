"""What moves at an update and what stays: specifiers, pins, auto, values the owner set, over real tags."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from templates import TemplateRepo, compile_registry, files_of, git, replace_text, save, update

from mcc_registry.versions import filter_versions

VLLM = Path("registries/frameworks/vllm.yaml")
SKLEARN = Path("registries/frameworks/sklearn.yaml")


def rows_of(folder: Path, file: Path) -> dict[str, str]:
    """Version to the text of its row."""
    found = re.finditer(r'^  - version: "(.*)"\n(?:    .*\n|\n)*', (folder / file).read_text("utf-8"), re.MULTILINE)
    return {match[1]: match[0] for match in found}


def add_release(folder: Path, file: Path, like: str, version: str, before: str) -> None:
    """A release with the row of another one, written above a third."""
    rows = rows_of(folder, file)
    row = rows[like].replace(like, version)
    replace_text(folder / file, rows[before], row + rows[before])


def set_price(folder: Path, kind: str, price: str) -> None:
    """Another price of an instance type."""
    path = folder / "registries" / "instances" / f"{kind.split('.')[1]}.yaml"
    text = path.read_text(encoding="utf-8")
    at = text.index(f"type: {kind}\n")
    changed = re.sub(r"price_usd_hour: \S+", f"price_usd_hour: {price}", text[at:], count=1)
    assert changed != text[at:]
    path.write_text(text[:at] + changed, encoding="utf-8")


def learn(folder: Path) -> None:
    """Two releases more, one inside the specifier, and the cheapest instance type gets dear."""
    versions = [*rows_of(folder, VLLM)]
    add_release(folder, VLLM, "0.30.0", "0.30.5", "0.30.0")
    add_release(folder, VLLM, "0.30.0", "0.99.0", versions[0])
    newest = next(iter(rows_of(folder, SKLEARN)))
    add_release(folder, SKLEARN, newest, "1.99.0", newest)
    set_price(folder, "ml.g6.xlarge", "9.99")
    compile_registry(folder)


def want_less(folder: Path) -> None:
    """The model's row learns a context that fits better, and the price is as it was."""
    path = folder / "registries" / "models" / "qwen3.yaml"
    replace_text(
        path, "  - match: Qwen/Qwen3-4B\n", "  - match: Qwen/Qwen3-4B\n    settings:\n      max_model_len: 2048\n"
    )
    set_price(folder, "ml.g6.xlarge", "0.8048")
    compile_registry(folder)


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> TemplateRepo:
    """Tags v1.0.0 (this checkout), v2.0.0 (releases and prices), v3.0.0 (a setting and the old price)."""
    made = TemplateRepo.make(tmp_path_factory.mktemp("moving") / "template")
    return made.tag("v2.0.0", learn).tag("v3.0.0", want_less)


def lock_of(project: Path) -> dict[str, Any]:
    return dict(yaml.safe_load((project / "mcc.lock.yaml").read_text(encoding="utf-8")))


def answers_of(project: Path) -> dict[str, Any]:
    return dict(yaml.safe_load((project / ".copier-answers.yml").read_text(encoding="utf-8")))


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Callable[..., list[str]]:
    """Update and commit; the lines of the report."""

    def run(project: Path, tag: str, data: dict[str, Any] | None = None) -> list[str]:
        capsys.readouterr()
        update(project, tag, data, quiet=False)
        save(project, tag)
        return [line.strip() for line in capsys.readouterr().err.splitlines()]

    return run


ASKED = [
    (">=0.28,<0.31", "0.30.0", "0.30.5"),
    pytest.param("recommended", "0.30.0", "0.99.0", marks=pytest.mark.slow),
]
ASKED_IN_FULL = [("~=0.29.0", "0.29.0", "0.29.0"), ("latest", "newest", "0.99.0"), (">0.30", "newest", "0.99.0")]


@pytest.mark.parametrize(
    ("asked", "first", "second"), ASKED + (ASKED_IN_FULL if os.environ.get("MCC_PROOF_UPDATES") else [])
)
def test_a_specifier_brings_the_newest_match(
    repo: TemplateRepo, told: Callable[..., list[str]], tmp_path: Path, asked: str, first: str, second: str
) -> None:
    """Resolved again at the update, told with the command that keeps the old one; the answer stays a specifier."""
    data = {"framework_version": asked, "instance_type": "ml.g5.2xlarge", "project_name": "p"}
    project = repo.copy(tmp_path / "p", "v1.0.0", data)
    git(repo.folder, "checkout", "-q", "v1.0.0")
    if first == "newest":
        first = filter_versions(tuple(rows_of(repo.folder, VLLM)), ">=0")[0]
    git(repo.folder, "checkout", "-q", "v3.0.0")
    before = lock_of(project)["framework"]
    lines = told(project, "v2.0.0")
    after = lock_of(project)["framework"]
    assert answers_of(project)["framework_version"] == asked == after["requested"]
    assert (before["match"], after["match"]) == ("specifier", "specifier")
    assert after["version"] == second and before["version"] == first
    if first != second:
        assert f"framework_version: {first} -> {second}" in lines
        assert f"to keep the old one: copier update --trust --data framework_version={first}" in lines
        assert f"registries/frameworks/vllm.yaml releases[{second}]" in lines
    assert files_of(project) == files_of(repo.copy(tmp_path / "fresh", "v2.0.0", data, commit=False))


@pytest.mark.slow
def test_an_exact_version_stays_and_says_what_it_misses(
    repo: TemplateRepo, told: Callable[..., list[str]], tmp_path: Path
) -> None:
    """Never moved by itself; newer releases are named, and the command that is shown moves it."""
    project = repo.copy(tmp_path / "p", "v1.0.0", {"framework": "sklearn", "framework_version": "1.7.2"})
    version = lock_of(project)["framework"]["version"]
    lines = told(project, "v2.0.0")
    assert lock_of(project)["framework"]["version"] == version == answers_of(project)["framework_version"]
    at = next(n for n, line in enumerate(lines) if "is exact and stays" in line)
    assert "1.99.0" in lines[at]
    command = lines[at + 1].partition("to move: ")[2]
    assert command.startswith("copier update --trust --data framework_version=")
    told(project, "v2.0.0", dict([shlex.split(command)[4].split("=", 1)]))
    assert lock_of(project)["framework"]["version"] == "1.99.0"


@pytest.mark.slow
def test_auto_is_decided_anew_and_the_readme_pins(
    repo: TemplateRepo, told: Callable[..., list[str]], tmp_path: Path
) -> None:
    """Another instance type is told first, with what it means; what the README says keeps it from then on.

    What owners edit most does not stand beside what is decided anew: nothing conflicts.
    """
    project = repo.copy(tmp_path / "p", "v1.0.0", {})
    assert lock_of(project)["instance_type"] == "ml.g6.xlarge"
    mine = {
        "deploy/endpoint-config.json": ('"InitialInstanceCount": 1', '"InitialInstanceCount": 3'),
        "do/config": ("setting POLL_SECONDS 15", "setting POLL_SECONDS 5"),
        "container.env": ("SM_VLLM_REASONING_PARSER=qwen3", "SM_VLLM_REASONING_PARSER=deepseek_r1"),
    }
    for name, (old, new) in mine.items():
        replace_text(project / name, old, new)
    readme = project / "README.md"
    readme.write_text(readme.read_text(encoding="utf-8") + "A note of mine.\n", encoding="utf-8")
    save(project, "my edits")
    lines = told(project, "v2.0.0")
    for name, (_, new) in mine.items():
        text = (project / name).read_text(encoding="utf-8")
        assert new in text and "<<<<<<<" not in text, text
    assert '"InstanceType": "ml.g6.xlarge"' not in (project / "deploy/endpoint-config.json").read_text("utf-8")
    moved = lock_of(project)["instance_type"]
    assert moved != "ml.g6.xlarge" and answers_of(project)["instance_type"] == "auto"
    start = lines.index("Decided anew:")
    assert lines[start + 1] == f"instance_type: ml.g6.xlarge -> {moved}"
    assert "redeploys on another instance type" in lines[start + 2]
    assert any(line.startswith("ml.g6.xlarge is now: ") and "9.99" in line for line in lines)
    assert any(line.startswith("base_image: ") for line in lines)
    text = readme.read_text(encoding="utf-8")
    assert text.endswith("\nA note of mine.\n") and "<<<<<<<" not in text  # although the pin above it moved
    pin = re.search(r"`copier update --trust ((?:--data \S+ ?)+)`", text)
    assert pin is not None
    data = dict(word.split("=", 1) for word in pin[1].replace("--data", "").split())
    assert data["instance_type"] == moved and data["framework_version"] == "0.99.0"
    told(project, "v2.0.0", data)
    lines = told(project, "v3.0.0")
    assert lock_of(project)["instance_type"] == moved and not [x for x in lines if x.startswith("instance_type:")]


@pytest.mark.slow
def test_a_value_the_owner_set_is_never_replaced(
    repo: TemplateRepo, told: Callable[..., list[str]], tmp_path: Path
) -> None:
    """A setting by answer, one by editing container.env, a type and an AMI: the registries' new opinion replaces none."""
    data = {
        "env_vars": {"max_model_len": 4096},
        "instance_type": "ml.g6.xlarge",
        "inference_ami_version": "default",
        "framework_version": "0.29.0",
    }
    project = repo.copy(tmp_path / "answered", "v1.0.0", data)
    told(project, "v3.0.0")
    lock = lock_of(project)
    length = lock["settings"]["max_model_len"]
    assert (length["value"], length["source"]) == (4096, "User_Input")
    assert {"value": 2048, "source": "Model_Registry"} in length["overrode"]
    assert (lock["instance_type"], lock["inference_ami_version"]) == ("ml.g6.xlarge", None)
    assert {name: answers_of(project)[name] for name in data} == data

    project = repo.copy(tmp_path / "edited", "v1.0.0", {"instance_type": "ml.g6.xlarge"})
    env = project / "container.env"
    line = next(x for x in env.read_text(encoding="utf-8").splitlines() if x.startswith("SM_VLLM_MAX_MODEL_LEN="))
    replace_text(env, line, "SM_VLLM_MAX_MODEL_LEN=12345")
    save(project, "by hand")
    lines = told(project, "v3.0.0")
    text = env.read_text(encoding="utf-8")
    assert "SM_VLLM_MAX_MODEL_LEN=12345" in text and "SM_VLLM_MAX_MODEL_LEN=2048" in text and "<<<<<<<" in text
    assert (
        "- container.env"
        in lines[lines.index("Conflicts, marked inline (you and the template changed the same lines):") :]
    )
