"""What a server passes on to the engine inside it: LMI and its vLLM."""

from __future__ import annotations

import pytest

from mcc_registry import Registry
from mcc_registry.settings import choices_at
from tests.unit.core_kit import ask

PARSERS = ("tool_call_parser", "reasoning_parser")


def test_lmi_gets_the_parsers_its_vllm_knows(shipped: Registry) -> None:
    """For every listed model: LMI's parsers are those of a plan for the vLLM release inside (facts/engines.md section 7)."""
    vllm = shipped.frameworks["vllm"]
    names = [row.match for family in shipped.models.values() for row in family.models]
    seen = 0
    for name in names:
        request = {"model_name": name, "instance_type": "ml.p5.48xlarge"}
        inside = ask(shipped, model_server="vllm", framework_version="0.28.0", **request).settings
        lmi = ask(shipped, model_server="lmi", framework_version="29.0.0", **request)
        assert shipped.frameworks["lmi"]["29.0.0"].data.engine["vllm"] == "0.28.0"
        for parser in (*PARSERS, "enable_auto_tool_choice", "tokenizer_mode"):
            wanted = inside[parser].value if parser in inside else None
            assert (lmi.settings[parser].value if parser in lmi.settings else None) == wanted, (name, parser)
            if wanted is not None:
                seen += 1
                assert f"OPTION_{parser.upper()}" in lmi.env_vars
                row = next(p for p in vllm.data.parameters if p.name == parser)
                assert parser not in PARSERS or wanted in (choices_at(row, "0.28.0") or [])
    assert seen > 100


@pytest.mark.parametrize(("version", "known"), [("18.0.0", False), ("20.0.0", True)])
def test_a_parser_the_vllm_inside_lacks_is_left_out(version: str, known: bool, shipped: Registry) -> None:
    """glm47 came to vLLM after 0.12.0 (LMI 18); LMI 20 holds 0.15.1."""
    plan = ask(shipped, model_server="lmi", framework_version=version, model_name="zai-org/GLM-4.7",
               instance_type="ml.p5.48xlarge")  # fmt: skip
    assert ("OPTION_TOOL_CALL_PARSER" in plan.env_vars) is known
    assert ("OPTION_ENABLE_AUTO_TOOL_CHOICE" in plan.env_vars) is known, "a switch without its parser"


def test_lmi_without_a_known_engine_gets_none(shipped: Registry) -> None:
    """The vLLM of LMI 12 is not known, so nothing is claimed of its parsers."""
    plan = ask(shipped, model_server="lmi", framework_version="12.0.0", model_name="Qwen/Qwen2.5-7B-Instruct",
               instance_type="ml.g5.xlarge")  # fmt: skip
    assert "vllm" not in shipped.frameworks["lmi"]["12.0.0"].data.engine
    assert not any("PARSER" in name for name in plan.env_vars)
