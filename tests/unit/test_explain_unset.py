"""`explain` for what was not decided, not asked for, or refused: always a reason, never a traceback."""

from __future__ import annotations

import pytest

from mcc_registry.checks.kinds import checker_for, word_for
from tests.cli.invoke import invoke

EXACT = ("--framework-version", "0.30.0", "--instance-type", "ml.g5.xlarge")


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("swap_space", *EXACT), "vllm 0.30.0 does not have it"),
        (("instance_type", "--offline"), "the cheapest type without an error or a warning"),
        (
            (
                "instance_type",
                "--framework",
                "sklearn",
                "--inference-ami-version",
                "al2023-ami-sagemaker-inference-gpu-4-1",
            ),
            "no type is free of warnings; this has the fewest",
        ),
        (
            (
                *("instance_type", "--framework-version", "0.30.0", "--inference-ami-version"),
                "al2-ami-sagemaker-inference-neuron-2",
            ),
            "no type passes; this comes closest",
        ),
        (("inference_ami_version", *EXACT, "--inference-ami-version", "default"), "default leaves the parameter out"),
        (("inference_ami_version", "--framework", "sklearn"), "the parameter is left out"),
        (("framework_version",), "recommended: the first release that passes"),
        (("region",), "the default of the question"),
        (("region", "--region", "eu-west-1"), "an answer"),
        (("base_image", *EXACT), "image source"),
        (("max_num_seqs", "--framework-version", "zzz"), "the plan was refused before"),
    ],
)
def test_a_value_has_its_reason(words: tuple[str, ...], reason: str) -> None:
    result = invoke("explain", *words, "--format", "json")
    assert reason in (result.json["reason"] or ""), result.out


def test_an_unknown_setting_names_the_nearest() -> None:
    result = invoke("explain", "max_modle_len", *EXACT, "--format", "json")
    assert result.code == 1
    assert any("max_model_len" in f["hint"] for f in result.json["findings"])


@pytest.mark.parametrize("kind", ["tpu", "__init__", "_x", "../cuda", "", "a b"])
def test_an_unknown_kind_of_accelerator_has_no_checker(kind: str) -> None:
    """Only modules of the folder are checkers; people see the kind as it was written."""
    with pytest.raises(KeyError):
        checker_for(kind)
    assert word_for(kind) == kind


@pytest.mark.parametrize(("kind", "word"), [("cuda", "CUDA"), ("neuron", "Neuron"), ("cpu", "CPU")])
def test_known_kinds_have_words(kind: str, word: str) -> None:
    assert word_for(kind) == word and checker_for(kind).name == kind
    assert word in checker_for(kind).text(None)
