"""What a layer says is shown as the layer's: known issues, releases, prices, also in the summary and the README."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.invoke import invoke

VLLM = """kind: framework
id: vllm
releases:
  "0.30.0":
    notes: [ours]
known_issues:
  - id: proxy
    what: downloads hang behind our proxy
    link: https://wiki.example.com/proxy
"""
QWEN = """kind: model_family
id: qwen3
known_issues:
  - id: slow
    what: slow on our data
    instance_families: [g6]
"""
G6 = """kind: instance_family
id: g6
types:
  ml.g6.xlarge:
    price_usd_hour: 0.5
    price_basis: our contract
"""
RESOLVE = ("resolve", "--offline", "--model-name", "Qwen/Qwen3-4B", "--framework-version", "0.30.0")


@pytest.fixture
def layer(tmp_path: Path) -> Path:
    folder = tmp_path / "ours"
    for name, text in (("frameworks/vllm", VLLM), ("models/qwen3", QWEN), ("instances/g6", G6)):
        path = folder / f"{name}.yaml"
        path.parent.mkdir(parents=True)
        path.write_text(text, encoding="utf-8")
    return folder


def test_issues_and_releases_name_the_layer(layer: Path) -> None:
    """A known issue the layer added has the layer's file as its source, and so has a release it changed."""
    plan = invoke(*RESOLVE, "--registry-path", str(layer), "--instance-type", "ml.g6.xlarge", "--format", "json").json
    sources = {f["message"]: f["source"] for f in plan["findings"]}
    assert sources["known issue: downloads hang behind our proxy"].endswith("ours/frameworks/vllm.yaml")
    assert sources["known issue: slow on our data"].endswith("ours/models/qwen3.yaml")
    (level,) = [s for m, s in sources.items() if "is experimental" in m]
    assert level.endswith("ours/frameworks/vllm.yaml")
    other = invoke(
        *RESOLVE, "--registry-path", str(layer), "--instance-type", "ml.g5.xlarge", "--format", "json"
    ).json
    assert "known issue: slow on our data" not in [f["message"] for f in other["findings"]]


def test_a_price_of_ones_own_is_not_called_ec2s(layer: Path) -> None:
    """Its basis is shown as written, without the remark on what SageMaker adds to EC2's price."""
    words = (*RESOLVE, "--registry-path", str(layer), "--instance-type", "ml.g6.xlarge")
    assert invoke(*words, "--format", "json").json["price_basis"] == "our contract"
    shown = invoke(*words).out
    assert "0.500 USD/h (our contract)" in shown and "SageMaker bills" not in shown
    theirs = invoke(*RESOLVE, "--instance-type", "ml.g6.xlarge")
    assert "EC2 us-east-1 on demand" in theirs.out and "bills about" in theirs.out
    assert "(our contract)" in invoke("instances", "ml.g6.xlarge", "--registry-path", str(layer)).out
