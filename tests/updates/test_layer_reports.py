"""What a layer changed is told as the layer's: in the report of an update, the lock, the README and ``outdated``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from templates import TemplateRepo, files_of, git, save, update

from tests.cli.invoke import invoke

G5 = "types:\n  ml.g5.xlarge:\n    price_usd_hour: {}\n    price_basis: our contract\n"
VLLM = '{}:\n  "{}": null\n'
QWEN = "models:\n  - match: Qwen/Qwen3-4B\n    settings:\n      max_model_len: {}\n"
POLICY = 'kind: policy\nreason: "budget 2026"\nallow:\n  instance_types:\n    - "{}"\n'


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> TemplateRepo:
    """One version: only layers change."""
    return TemplateRepo.make(tmp_path_factory.mktemp("layers") / "template")


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], None]:
    """Writes a file of the layer."""

    def run(name: str, text: str) -> None:
        path = tmp_path / "layer" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    return run


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Callable[[Path], list[str]]:
    """Update, and again: the lines of the first report, after asserting that the second changes nothing."""

    def run(project: Path) -> list[str]:
        capsys.readouterr()
        update(project, "v1.0.0", quiet=False)
        lines = [line.strip() for line in capsys.readouterr().err.splitlines()]
        save(project, "updated")
        update(project, "v1.0.0")
        assert git(project, "status", "--porcelain") == ""
        return lines

    return run


def test_a_price_is_the_layers(
    repo: TemplateRepo, tmp_path: Path, write: Callable[[str, str], None], told: Callable[[Path], list[str]]
) -> None:
    """A type a layer makes the cheapest: report, lock, README and `outdated` name the layer's file."""
    write("instances/g5.yaml", G5.format(0.95))
    project = repo.copy(tmp_path / "p", "v1.0.0", {"registry_path": "../layer"})
    before = yaml.safe_load((project / "mcc.lock.yaml").read_text("utf-8"))
    assert before["instance_type"] == "ml.g6.xlarge"
    assert before["provenance"]["instance_type"] == "registries/instances/g6.yaml types[ml.g6.xlarge]"
    assert "private registry" not in (project / "README.md").read_text("utf-8")
    write("instances/g5.yaml", G5.format(0.5))
    shown = invoke("outdated", "--project", str(project), "--format", "json").json
    (moved,) = [c for c in shown["changes"] if c["what"] == "instance_type"]
    assert moved["fact"].endswith("/layer/instances/g5.yaml types[ml.g5.xlarge]")
    lines = told(project)
    at = lines.index("instance_type: ml.g6.xlarge -> ml.g5.xlarge")
    assert "../layer/instances/g5.yaml types[ml.g5.xlarge]" in lines[at : at + 6]
    assert any(line.startswith("ml.g6.xlarge is now: ok, 0.8048 USD/h") for line in lines[at : at + 6])
    assert "registries/instances/g6.yaml types[ml.g6.xlarge].price_usd_hour" in lines[at : at + 6]
    at = lines.index("price_usd_hour: 0.8048 -> 0.5")
    assert lines[at + 1] == "../layer/instances/g5.yaml types[ml.g5.xlarge].price_usd_hour"
    assert not [x for x in lines if "registries/instances/g5.yaml" in x]
    readme = (project / "README.md").read_text("utf-8")
    (price,) = [x for x in readme.splitlines() if x.startswith("| price")]
    assert price.endswith("| 0.5 USD an hour (our contract); private registry: `../layer/instances/g5.yaml` |")
    fresh = repo.copy(tmp_path / "f", "v1.0.0", {"registry_path": "../layer", "project_name": "p"}, commit=False)
    assert files_of(project) == files_of(fresh)


@pytest.mark.slow
def test_a_release_the_layer_removed(
    repo: TemplateRepo, tmp_path: Path, write: Callable[[str, str], None], told: Callable[[Path], list[str]]
) -> None:
    """The removal is told with the layer's file, and nobody is told to keep what is gone."""
    write("models/qwen3.yaml", QWEN.format(4096))
    project = repo.copy(tmp_path / "p", "v1.0.0", {"registry_path": "../layer"})
    version = yaml.safe_load((project / "mcc.lock.yaml").read_text("utf-8"))["framework"]["version"]
    write("frameworks/vllm.yaml", VLLM.format("releases", version))
    lines = told(project)
    (at,) = [n for n, line in enumerate(lines) if line.startswith(f"framework_version: {version} -> ")]
    assert lines[at + 1 : at + 3] == [
        f"{version} is no longer listed",
        f"../layer/frameworks/vllm.yaml releases[{version}]",
    ]
    assert not [x for x in lines if x.endswith(f"framework_version={version}")]


@pytest.mark.slow
def test_a_family_and_a_model_the_layer_removed(
    repo: TemplateRepo, tmp_path: Path, write: Callable[[str, str], None], told: Callable[[Path], list[str]]
) -> None:
    """A whole file that is `null`, and a model's row: both removals are the layer's."""
    write("models/qwen3.yaml", QWEN.format(4096))
    project = repo.copy(tmp_path / "p", "v1.0.0", {"registry_path": "../layer"})
    write("models/qwen3.yaml", "models:\n  Qwen/Qwen3-4B: null\n")
    write("instances/g6.yaml", "null\n")
    lines = told(project)
    assert "ml.g6.xlarge is now: error, no price known; no longer listed" in lines
    assert "../layer/instances/g6.yaml types[ml.g6.xlarge]" in lines
    at = lines.index("model_match: Qwen/Qwen3-4B -> Qwen/Qwen3-4B*")
    gone = ["Qwen/Qwen3-4B is no longer listed", "../layer/models/qwen3.yaml models[Qwen/Qwen3-4B]"]
    assert lines[at + 1 : at + 3] == gone


@pytest.mark.slow
def test_the_readme_names_what_the_layer_decides(
    repo: TemplateRepo, tmp_path: Path, write: Callable[[str, str], None], told: Callable[[Path], list[str]]
) -> None:
    """A setting, a release and a policy of the layer; a type the policy forbids later names the policy."""
    write("models/qwen3.yaml", QWEN.format(2048))
    write("frameworks/vllm.yaml", 'releases:\n  "0.30.0":\n    notes: [ours]\n')
    write("policy.yaml", POLICY.format("ml.g*"))
    data = {"registry_path": "../layer", "framework_version": "0.30.0"}
    project = repo.copy(tmp_path / "p", "v1.0.0", data)
    readme = (project / "README.md").read_text("utf-8")
    rows = {line.split("|")[1].strip(): line for line in readme.splitlines() if line.startswith("|")}
    assert "| Model_Registry (`../layer/models/qwen3.yaml`)" in rows["max_model_len"]
    assert "private registry: `../layer/frameworks/vllm.yaml`" in rows["release"]
    assert "private registry: `../layer/models/qwen3.yaml`" in rows["model"]
    assert "private" not in rows["price"] + rows["image"] + rows["host AMI"]
    assert "`../layer/policy.yaml` restricts instance types: budget 2026" in readme
    write("policy.yaml", POLICY.format("ml.g5.*"))
    lines = told(project)
    at = lines.index("instance_type: ml.g6.xlarge -> ml.g5.xlarge")
    said = lines[at : at + 7]
    assert any("ml.g6.xlarge is now: error" in x and "is not allowed by" in x for x in said), said
    assert any(x.startswith("../layer/policy.yaml") for x in said), said
    assert not [x for x in said if "to keep" in x], said


def test_a_setting_of_a_release_or_profile_is_the_layers(tmp_path: Path, write: Callable[[str, str], None]) -> None:
    """`explain` names the file of the row that says the value: release, profile, pattern, family."""
    text = "releases:\n  '0.30.0':\n    settings:\n      max_num_seqs: 7\nprofiles:\n  low-latency:\n    settings:\n      max_num_batched_tokens:\n        value: 4096\n        reason: ours\n"
    write("frameworks/vllm.yaml", text)
    layer = str(tmp_path / "layer")
    words = ("--offline", "--framework-version", "0.30.0", "--registry-path", layer, "--format", "json")
    found = invoke("explain", "max_num_seqs", *words).json
    assert (found["value"], found["file"]) == (7, f"{layer}/frameworks/vllm.yaml")
    found = invoke("explain", "max_num_batched_tokens", "--framework-profile", "low-latency", *words).json
    assert (found["value"], found["file"]) == (4096, f"{layer}/frameworks/vllm.yaml")
    write("frameworks/vllm.yaml", "kind: framework\nid: vllm\n")
    write("models/qwen3.yaml", "settings:\n  max_num_seqs: 9\n")
    found = invoke("explain", "max_num_seqs", *words).json
    assert (found["value"], found["file"]) == (9, f"{layer}/models/qwen3.yaml")
    found = invoke("explain", "reasoning_parser", *words).json
    assert found["file"] == "registries/models/qwen3.yaml", json.dumps(found)
