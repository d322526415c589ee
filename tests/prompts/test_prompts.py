"""The questionnaire at a real terminal: defaults, wrong answers corrected, choices with their reasons, Ctrl-C."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
import yaml

from .terminal import INTERRUPT, Terminal

pytestmark = pytest.mark.slow

Start = Callable[..., Terminal]


def answers(run: Terminal) -> dict:
    return yaml.safe_load((run.folder / ".copier-answers.yml").read_text(encoding="utf-8"))


def test_enter_everywhere_gives_the_default_project(terminal: Start) -> None:
    """Somebody who only presses Enter gets the default model on vLLM, and is told what was decided."""
    run = terminal()
    assert run.end(press_enter=True) == 0, run.all
    assert answers(run)["model_name"] == "Qwen/Qwen3-4B"
    assert answers(run)["model_server"] == "vllm"
    assert "Configuration Sources:" in run.all
    assert "Traceback" not in run.all


def test_versions_show_level_and_cuda(terminal: Start) -> None:
    """Beside each version stand its validation level and what it is built for."""
    run = terminal()
    run.skip_to("framework_version")
    lines = run.listed()
    assert lines[0].startswith("» recommended")
    releases = [line for line in lines if re.match(r"\d", line)]
    assert len(releases) >= 6
    for line in releases:
        assert re.fullmatch(
            r"\S+ \((tested|community-validated|experimental|unknown)(, (CUDA|Neuron|CPU)[ \d.]*)+\)", line
        )


def test_typed_specifier_is_kept(terminal: Start) -> None:
    """The choice "other" asks for a version or specifier; a wrong one is refused in one line, and what was typed is saved."""
    run = terminal()
    run.skip_to("framework_version")
    run.choose("other")
    run.wait_for("framework_version_text")
    run.type(">=0.28,,x")
    shown = run.wait_for_text("MCC")
    assert "Traceback" not in shown
    run.type(">=0.28,<0.31")
    run.skip_to("instance_type")
    assert run.end(press_enter=True) == 0, run.all
    assert answers(run)["framework_version"] == ">=0.28,<0.31"


def test_incompatible_types_are_shown_disabled_with_the_reason(terminal: Start) -> None:
    """A type that is too small is in the list, cannot be chosen, and says why."""
    run = terminal(model_name="meta-llama/Llama-3.3-70B-Instruct")
    run.skip_to("instance_type")
    disabled = [line for line in run.listed() if line.startswith("- ")]
    assert disabled, run.seen
    for line in disabled:
        assert re.fullmatch(r"- ml\.\S+ \([^)]*USD/h\) \(.+\)", line), line


def test_wrong_instance_type_is_refused_in_one_line_and_corrected(terminal: Start) -> None:
    """`other`, then a type SageMaker does not have, then a right one: the project has the right one."""
    run = terminal()
    run.skip_to("instance_type")
    run.choose("other")
    run.wait_for("instance_type_name")
    run.type("ml.t2.micro")
    line = next(part for part in run.wait_for_text("MCC101").splitlines() if "MCC101" in part)
    assert "ml.t2.micro is not a SageMaker endpoint instance type" in line
    assert "ml.t2.medium" in line
    run.type("ml.g6.xlarge")
    run.skip_to("inference_ami_version")
    assert "ml.g6.xlarge" in run.seen  # what is typed can be read
    assert run.end(press_enter=True) == 0, run.all
    assert answers(run)["instance_type"] == "ml.g6.xlarge"
    assert "instance_type_name" not in answers(run)


def test_wrong_env_vars_are_corrected(terminal: Start) -> None:
    """A value over the engine's maximum, then broken YAML, are refused with the reason; a right one is taken."""
    run = terminal()
    run.skip_to("env_vars")
    run.type("{gpu_memory_utilization: 1.5}")
    assert "exceeds maximum 1.0" in run.wait_for_text("MCC303")
    run.type("{max_model_len: [}")
    run.wait_for_text("nvalid")
    run.type("{max_model_len: 8192}")
    run.skip_to("validate_env_vars")
    assert run.end(press_enter=True) == 0, run.all
    assert answers(run)["env_vars"] == {"max_model_len": 8192}
    assert "SM_VLLM_MAX_MODEL_LEN=8192" in (run.folder / "container.env").read_text(encoding="utf-8")


def test_wrong_data_is_refused_before_the_first_question(terminal: Start) -> None:
    """An answer given beforehand that cannot work ends the program before anything is asked."""
    run = terminal(instance_type="ml.t2.micro")
    assert run.end() == 1
    assert "MCC101" in run.all
    assert "🎤" not in run.all
    assert "Traceback" not in run.all
    assert not run.folder.exists()


@pytest.mark.parametrize("question", ["project_name", "instance_type", "registry_path"])
def test_ctrl_c_leaves_nothing_behind(terminal: Start, question: str) -> None:
    """Ctrl-C at the first, a middle and the last question: no folder, no traceback, not success."""
    run = terminal()
    run.skip_to(question)
    run.press(INTERRUPT)
    assert run.end() != 0
    assert "Traceback" not in run.all
    assert not run.folder.exists()


def test_predictive_path_asks_only_what_applies(terminal: Start) -> None:
    """scikit-learn: nothing about Hub, chat or profiles is asked; the sample question is."""
    run = terminal(framework="sklearn")
    assert run.end(press_enter=True) == 0, run.all
    assert "Train a small sample model" in run.all
    for word in ("Hugging Face", "chat", "profile", "conversations"):
        assert word not in run.all.partition("Copying from template")[0]
    assert answers(run)["model_server"] == "fastapi"
