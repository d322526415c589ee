"""Known issues apply by the AMI in force and the image's CUDA version, and show their link and workaround."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcc_registry import Registry, Request
from mcc_registry.errors import RegistryError
from mcc_registry.resolve import resolve
from tests.cli.invoke import invoke

ROOT = Path(__file__).parents[2]
LINK = "https://example.org/issue/7"


@pytest.fixture
def layer(tmp_path: Path) -> Path:
    (tmp_path / "frameworks").mkdir()
    (tmp_path / "frameworks/vllm.yaml").write_text(
        f"""kind: framework
id: vllm
known_issues:
  - id: slow-start
    what: starts slowly on this host
    accelerator: cuda
    accelerator_versions: ">=13"
    inference_ami_versions: [al2023-ami-sagemaker-inference-gpu-4-1]
    workaround: be patient
    link: {LINK}
"""
    )
    return tmp_path


def hits(layer: Path, **answers: str) -> list[str]:
    registry = Registry.load([layer], root=ROOT / "registries")
    request = Request(model_name="Qwen/Qwen3-4B", image_source="upstream", instance_type="ml.g5.xlarge", **answers)
    return [f.hint for f in resolve(request, registry).findings if f.code == "MCC210" and "slowly" in f.message]


def test_the_ami_in_force_counts_also_when_we_choose_it(layer: Path) -> None:
    """Named or chosen, the same AMI has the same issue; another one does not."""
    ours = "al2023-ami-sagemaker-inference-gpu-4-1"
    registry = Registry.load([layer], root=ROOT / "registries")
    chosen = resolve(
        Request(model_name="Qwen/Qwen3-4B", framework_version="0.30.0", instance_type="ml.g5.xlarge"), registry
    )
    assert chosen.inference_ami_version == ours, "the case this test is about"
    assert hits(layer, framework_version="0.30.0") == [f"be patient; see {LINK}"]
    assert hits(layer, framework_version="0.30.0", inference_ami_version=ours) == [f"be patient; see {LINK}"]
    assert hits(layer, framework_version="0.30.0", inference_ami_version="default") == []


def test_the_images_cuda_version_counts(layer: Path) -> None:
    """The same AMI with an image on CUDA 12 does not have the issue."""
    ours = "al2023-ami-sagemaker-inference-gpu-4-1"
    assert hits(layer, framework_version="0.19.1", inference_ami_version=ours) == []


@pytest.mark.parametrize(
    ("condition", "where"),
    [
        ("instance_types: [ml.g5.2xlarge]", {"ml.g5.2xlarge"}),
        ("instance_families: [g6]", {"ml.g6.xlarge"}),
        ("instance_families: [g6]\n    instance_types: [ml.g5.2xlarge]", {"ml.g6.xlarge", "ml.g5.2xlarge"}),
    ],
)
def test_an_issue_of_single_instance_types(tmp_path: Path, condition: str, where: set[str]) -> None:
    """A type, a family, or one of either."""
    (tmp_path / "frameworks").mkdir()
    text = f"kind: framework\nid: vllm\nknown_issues:\n  - id: x\n    what: hangs there\n    {condition}\n"
    (tmp_path / "frameworks/vllm.yaml").write_text(text)
    registry = Registry.load([tmp_path], root=ROOT / "registries")
    found = {
        kind
        for kind in ("ml.g5.xlarge", "ml.g5.2xlarge", "ml.g6.xlarge")
        for f in resolve(Request(framework_version="0.30.0", instance_type=kind), registry).findings
        if "hangs there" in f.message
    }
    assert found == where


def test_an_issue_of_a_type_that_does_not_exist(tmp_path: Path) -> None:
    """The name is checked, with the nearest one."""
    (tmp_path / "frameworks").mkdir()
    text = "known_issues:\n  - id: x\n    what: hangs\n    instance_types: [ml.g5.3xlarge]\n"
    (tmp_path / "frameworks/vllm.yaml").write_text(text)
    with pytest.raises(RegistryError) as caught:
        Registry.load([tmp_path], root=ROOT / "registries")
    (fault,) = caught.value.findings
    assert (fault.code, fault.field) == ("MCC522", "known_issues[0].instance_types[0]")


def test_link_and_workaround_are_shown_in_the_table(layer: Path) -> None:
    """What a person reads names both."""
    words = ["resolve", "--registry-path", str(layer), "--model-name", "Qwen/Qwen3-4B", "--offline"]
    shown = " ".join(invoke(*words, "--framework-version", "0.30.0", "--instance-type", "ml.g5.xlarge").out.split())
    assert "known issue: starts slowly on this host" in shown and f"be patient; see {LINK}" in shown


def test_reports_of_the_community_name_their_reporter(tmp_path: Path) -> None:
    """A problem says who reported it; recorded tests of the release are shown, those on the same type first."""
    (tmp_path / "frameworks").mkdir()
    test = "{what: endpoint, where: '%s', when: '%s', by: %s, result: InService, link: 'https://example.org/%s'}"
    rows = [("ml.p5.48xlarge", "2026-11-09", "ann"), ("ml.g5.xlarge, us-east-1", "2026-10-01", "bob")]
    (tmp_path / "frameworks/vllm.yaml").write_text(
        "kind: framework\nid: vllm\nknown_issues:\n  - {id: r, what: hangs, reported_by: carol, versions: '==0.30.0'}\n"
        "releases:\n  0.30.0:\n    evidence:\n".replace("  0.30.0:", '  "0.30.0":')
        + "".join(f"      - {test % (*row, row[2])}\n" for row in rows)
    )
    registry = Registry.load([tmp_path], root=ROOT / "registries")
    plan = resolve(
        Request(model_name="Qwen/Qwen3-4B", framework_version="0.30.0", instance_type="ml.g5.xlarge"), registry
    )
    (told,) = [f for f in plan.findings if f.code == "MCC216"]
    assert told.message == "vllm 0.30.0 has 2 recorded tests" and told.severity == "info"
    assert ["bob" in fact.text for fact in told.facts] == [True, False]
    assert "https://example.org/bob" in told.hint and "https://example.org/ann" in told.hint
    assert any(f.message == "known issue: hangs (reported by carol)" for f in plan.findings)


def test_the_public_resolve_stays_callable_whatever_was_imported_before() -> None:
    """``mcc_registry.resolve`` is a room and a function; the contract is the function (design.md section 6)."""
    import mcc_registry.resolve.images  # noqa: F401
    from mcc_registry import resolve as public

    assert public(Request(framework="sklearn"), Registry.load([], root=ROOT / "registries")).ok
