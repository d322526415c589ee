"""Which GPUs an engine's quantisation methods run on, and what follows for ``auto``, SGLang and LMI.

Expected floors: facts/engines.yaml vllm.compute_capability (quantization_min_0_33_0 and quantization_min_history).
"""

from __future__ import annotations

import pytest

from mcc_registry import Registry
from tests.unit.core_kit import ask, named, severities

FLOORS = [
    ("0.33.0", "awq", (7, 5)), ("0.33.0", "auto_awq", (7, 5)), ("0.33.0", "awq_marlin", (7, 5)),
    ("0.33.0", "fp8", (7, 5)), ("0.33.0", "gptq_marlin", (7, 5)), ("0.33.0", "modelopt", (8, 0)),
    ("0.33.0", "modelopt_fp4", (7, 5)), ("0.33.0", "modelopt_mxfp8", (8, 0)), ("0.33.0", "mxfp4", (8, 0)),
    ("0.33.0", "torchao", (7, 5)), ("0.33.0", "experts_int8", (8, 0)), ("0.33.0", "moe_wna16", (7, 0)),
    ("0.33.0", "compressed-tensors", (7, 0)), ("0.33.0", "quark", (7, 0)), ("0.33.0", "fp_quant", (10, 0)),
    ("0.11.0", "fp8", (8, 0)), ("0.11.2", "fp8", (8, 0)), ("0.12.0", "fp8", (7, 5)),
    ("0.11.0", "gptq_marlin", (8, 0)), ("0.11.0", "awq_marlin", (8, 0)), ("0.12.0", "awq_marlin", (7, 5)),
    ("0.23.0", "modelopt", (8, 9)), ("0.24.0", "modelopt", (8, 0)),
]  # fmt: skip
TYPES = {"ml.g4dn.12xlarge": (7, 5), "ml.g5.12xlarge": (8, 6), "ml.g6.12xlarge": (8, 9)}


@pytest.mark.parametrize("type_", TYPES)
@pytest.mark.parametrize(("version", "method", "floor"), FLOORS, ids=str)
def test_a_method_is_refused_below_its_floor_and_only_there(
    version: str, method: str, floor: tuple[int, int], type_: str, shipped: Registry
) -> None:
    settings = {"quantization": method, "allow_deprecated_quantization": True}
    if version < "0.14":  # the switch begins with 0.14.0
        settings = {"quantization": method}
    plan = ask(shipped, framework_version=version, instance_type=type_, env_vars=settings)
    refused = severities(plan, "quantization-gpu") == ["error"]
    assert refused is (TYPES[type_] < floor)
    if refused:
        assert not plan.ok and named(plan, "no-fp8") == [] == named(plan, "no-fp4"), "one cause, said once"


def test_auto_skips_types_that_are_too_old(shipped: Registry) -> None:
    """gpt-oss is published in mxfp4, which no T4 runs."""
    plan = ask(shipped, model_name="openai/gpt-oss-20b", env_vars={"max_model_len": 2048})
    assert plan.ok and not str(plan.instance_type).startswith("ml.g4dn.")


def test_lmi_has_the_floors_of_the_vllm_inside(shipped: Registry) -> None:
    """LMI 17 holds vLLM 0.11.1, LMI 18 holds 0.12.0: fp8 starts on a T4 with the second."""
    request = {"model_server": "lmi", "instance_type": "ml.g4dn.12xlarge", "env_vars": {"quantization": "fp8"}}
    assert severities(ask(shipped, framework_version="17.0.0", **request), "quantization-gpu") == ["error"]
    assert severities(ask(shipped, framework_version="18.0.0", **request), "quantization-gpu") == []


def test_a_value_that_is_no_choice_is_said_once(shipped: Registry) -> None:
    plan = ask(shipped, framework_version="0.30.0", instance_type="ml.g4dn.xlarge", env_vars={"quantization": "fp9"})
    assert named(plan, "quantization-gpu") == [] and len(named(plan, "setting-choice")) == 1


def test_every_release_of_sglang_is_refused_on_t4(shipped: Registry) -> None:
    """Source: facts/engines.md sections 5 and 13, "T4 refused for SGLang"; 8.0 is the safe value before 0.5.5."""
    entry = shipped.frameworks["sglang"]
    assert len(entry.versions) > 20
    for version in entry.versions:
        plan = ask(shipped, model_server="sglang", framework_version=version, instance_type="ml.g4dn.xlarge")
        assert "compute-capability" in [f.name for f in plan.findings if f.severity == "error"], version
