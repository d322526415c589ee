"""Laws of every plan, refused or not: the contract's keys, known sources, origins that exist, figures that agree."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mcc_registry import Registry
from tests.unit.core_kit import KEYS, SOURCES, ask
from tests.unit.rule_cases import CASES

ROOT = Path(__file__).resolve().parents[2]
EXACT = {"framework_version": "0.30.0", "instance_type": "ml.g5.xlarge"}
REQUESTS: list[dict[str, Any]] = [
    {}, EXACT, {"framework": "sklearn"}, {"framework": "xgboost", "model_server": "flask"}, {"model_server": "sglang"},
    {"framework_profile": "low-latency"}, {"model_profile": "4b"}, {"deployment_target": "batch"},
    {"framework_version": "latest"}, {"framework_version": ">=0.28,<0.31"}, {"framework_version": "0.29.7"},
    {"framework_version": "zzz"}, {"framework_version": "==99"}, {"model_name": "acme/x"}, {"region": "mars-1"},
    {"image_source": "upstream"}, {"instance_type": "ml.inf2.xlarge"}, {"instance_type": "ml.g6.12xlarge"},
    {"model_name": "meta-llama/Llama-3.3-70B-Instruct", **EXACT},
    *(case.request for case in CASES if case.image is None and not case.odd),
]  # fmt: skip
FIT = {"fits", "required_gib", "available_gib", "weights_gib", "kv_cache_gib", "overhead_gib", "interval_gib",
       "tensor_parallel_size", "max_model_len", "max_num_seqs"}  # fmt: skip


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda r: json.dumps(r, default=str)[:60])
def test_a_plan_keeps_its_contract(request_: dict[str, Any], shipped: Registry) -> None:
    plan = ask(shipped, **request_)
    said = json.loads(json.dumps(plan.to_json()))
    assert set(said) >= KEYS
    assert said["ok"] is not any(f["severity"] == "error" for f in said["findings"])
    assert said["sources"] == [s for s in SOURCES if s in said["sources"]]
    for name, setting in said["settings"].items():
        assert setting["source"] in said["sources"], name
        lower = [SOURCES.index(o["source"]) for o in setting["overrode"]]
        assert all(n <= SOURCES.index(setting["source"]) for n in lower), (name, setting)
    for name, variable in said["env_vars"].items():
        assert variable["source"] in SOURCES and isinstance(variable["value"], str), name
    for name, setting in plan.settings.items():
        assert isinstance(setting.file, str) and isinstance(setting.key, str), (name, setting)
        if setting.file.startswith("registries/"):
            assert (ROOT / setting.file).is_file() and setting.key, (name, setting)
    framework = said["framework"]
    if framework is not None:
        assert framework["match"] in ("exact", "specifier", "unlisted")
        assert framework["name"] in shipped.frameworks and framework["image_source"] in (None, "aws", "upstream")
        assert framework["validation_level"] in ("tested", "community-validated", "experimental", "unknown")
        assert framework["requested"] == plan.request.framework_version
    model = said["model"]
    if model is not None:
        assert model["match"] in ("exact", "pattern", "hub", "none")
        assert model["chat_template_source"] in (*SOURCES, "model_repository", "none")
        assert model["id"] == (plan.request.model_name or "Qwen/Qwen3-4B")
    if said["ok"]:
        instance = shipped.instances[said["instance_type"]]
        assert said["price_usd_hour"] == instance.price_usd_hour
        assert (said["price_basis"] is None) == (said["price_usd_hour"] is None)
        assert said["base_image"] and framework is not None


def test_the_fit_of_a_plan_is_the_one_of_the_contract(shipped: Registry) -> None:
    """The memory part has the contract's keys and figures that add up."""
    plan = ask(shipped, **EXACT)
    assert plan.fit is not None
    said = plan.fit
    assert set(said) >= FIT
    assert said["required_gib"] == pytest.approx(
        said["weights_gib"] + said["kv_cache_gib"] + said["overhead_gib"], abs=0.01
    )
    assert said["interval_gib"][0] <= said["required_gib"] <= said["interval_gib"][1]
    assert said["fits"] is True and said["max_model_len"] > 0 and said["tensor_parallel_size"] == 1
