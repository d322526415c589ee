"""What a hint recommends was tried: types and releases it names pass when they are asked for."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from mcc_registry import Finding, Registry, Request, resolve
from mcc_registry.checks.base import ImageNeeds
from mcc_registry.checks.compat import compat
from mcc_registry.versions import find_numbers
from tests.unit.core_kit import ask, errors, named, one

AMI3, AMI4 = "al2-ami-sagemaker-inference-gpu-3-1", "al2023-ami-sagemaker-inference-gpu-4-1"
GPU2, NEURON = "al2-ami-sagemaker-inference-gpu-2", "al2-ami-sagemaker-inference-neuron-2"
LLAMA_70B, LLAMA_405B = "meta-llama/Llama-3.1-70B-Instruct", "meta-llama/Llama-3.1-405B-Instruct"

REFUSED: list[dict[str, Any]] = [
    {"instance_type": "ml.m5.large"},
    {"instance_type": "ml.t2.micro"},
    {"instance_type": "ml.t2.micro", "model_name": LLAMA_70B},
    {"instance_type": "ml.m5.large", "model_name": LLAMA_70B},
    {"instance_type": "ml.m5.large", "model_name": LLAMA_405B, "framework_version": "0.30.0"},
    {"instance_type": "ml.m5.large", "inference_ami_version": AMI3},
    {"instance_type": "ml.m5.large", "deployment_target": "batch", "framework_version": "0.11.0"},
    {"instance_type": "ml.m5.large", "env_vars": {"tensor_parallel_size": 4}},
    {"instance_type": "ml.m5.large", "env_vars": {"max_model_len": 131072}, "model_name": LLAMA_70B},
    {"instance_type": "ml.m5.large", "env_vars": {"dtype": "bfloat16"}},
    {"instance_type": "ml.g5.xlarge", "env_vars": {"tensor_parallel_size": 4}},
    {"instance_type": "ml.g5.12xlarge", "model_name": LLAMA_405B, "framework_version": "0.30.0"},
    {"instance_type": "ml.p3.2xlarge", "framework_version": "0.30.0", "model_name": LLAMA_70B},
    {"instance_type": "ml.p2.xlarge", "framework_version": "0.19.1"},
    {"instance_type": "ml.g7e.2xlarge", "framework_version": "0.8.5", "model_name": "Qwen/Qwen3-8B"},
    {"instance_type": "ml.c7g.large"},
    {"instance_type": "ml.c7g.large", "framework": "sklearn", "deployment_target": "batch"},
    {"instance_type": "ml.p5.48xlarge", "deployment_target": "batch", "framework_version": "0.11.0"},
    {"instance_type": "ml.g5.xlarge", "model_server": "sglang", "model_name": LLAMA_70B},
    {"instance_type": "ml.inf1.xlarge", "framework_version": "0.11.0", "inference_ami_version": NEURON},
    {"instance_type": "ml.trn2.48xlarge", "framework_version": "0.11.0"},
    {"instance_type": "ml.g5.xlarge", "framework_version": "0.7.3"},
    {"instance_type": "ml.p3.2xlarge", "framework_version": "0.7.3"},
    {"instance_type": "ml.g5.xlarge", "framework_version": "0.16.0", "env_vars": {"performance_mode": "balanced"}},
    {"instance_type": "ml.g5.12xlarge", "framework": "xgboost"},
    {"instance_type": "ml.g5.12xlarge", "framework": "sklearn", "deployment_target": "batch"},
]  # fmt: skip
"""Requests with a finding whose hint may name types or releases."""


def named_types(finding: Finding) -> list[str]:
    """The types a hint recommends: not the nearest spelling, and not one it says comes closest."""
    hint = re.sub(r"did you mean \S+|no listed type passes; \S+ comes closest[^;]*", "", finding.hint)
    return re.findall(r"ml\.[a-z0-9-]+\.[a-z0-9]+", hint)


def named_releases(finding: Finding) -> list[str]:
    found = re.match(r"(?:choose one of |framework_version=)([0-9., ]+)", finding.hint)
    return [v for v in re.split(r", ?| ", found.group(1)) if v] if found else []


@pytest.mark.parametrize("answers", REFUSED, ids=lambda a: "-".join(str(v) for v in a.values())[:70])
def test_what_a_hint_names_passes(shipped: Registry, answers: dict[str, Any]) -> None:
    """Each named type or release, put in its place, leaves no error but those of other findings."""
    request = Request(**answers)
    plan = resolve(request, shipped)
    tried = 0
    for finding in plan.findings:
        if finding.severity == "info":
            continue
        others = sorted(f.code for f in plan.findings if f.severity == "error" and f is not finding)
        if answers["instance_type"] == "ml.t2.micro":
            others = []
        for name in named_types(finding):
            again = resolve(replace(request, instance_type=name), shipped)
            assert sorted(f.code for f in again.findings if f.severity == "error") <= others, (finding.hint, name)
            tried += 1
        for version in named_releases(finding):
            again = resolve(replace(request, framework_version=version), shipped)
            assert again.ok, (finding.hint, version, errors(again))
            tried += 1
    assert tried, [(f.code, f.hint) for f in plan.findings]
    assert all(not f.wants for f in plan.findings)


def test_a_type_without_warnings_is_named_before_a_cheaper_one_with_them(shipped: Registry) -> None:
    """ml.g4dn.xlarge passes and is cheaper, but has no bfloat16."""
    hint = one(ask(shipped, instance_type="ml.m5.large"), "accelerator-mismatch").hint
    assert ask(shipped, instance_type="ml.g4dn.xlarge").ok and "g4dn" not in hint
    assert hint == "choose for example ml.g6.xlarge, ml.g6.2xlarge, ml.g5.xlarge"


def test_where_nothing_passes_the_closest_type_and_its_reason_are_told(shipped: Registry) -> None:
    plan = ask(shipped, instance_type="ml.m5.large", framework_version="0.30.0", inference_ami_version=AMI3)
    hint = one(plan, "accelerator-mismatch").hint
    assert hint.startswith("no listed type passes; ml.") and "needs driver >= 580" in hint


@pytest.mark.parametrize(
    ("name", "near"), [("g5.xlarge", "ml.g5.xlarge"), ("ml.g5g.xlarge", "ml.g5.xlarge"), ("AUTO", "auto")]
)
def test_a_misspelt_type_of_the_right_kind_is_one_finding(shipped: Registry, name: str, near: str) -> None:
    plan = ask(shipped, instance_type=name)
    assert (
        errors(plan) == ["unknown-instance-type"]
        and one(plan, "unknown-instance-type").hint == f"did you mean {near}?"
    )


def test_an_idle_accelerator_is_answered_with_types_that_have_none(shipped: Registry) -> None:
    assert (
        "ml.t2.medium"
        in one(ask(shipped, framework="sklearn", instance_type="ml.g5.xlarge"), "accelerator-mismatch").hint
    )
    bound = ask(shipped, framework="sklearn", inference_ami_version=AMI3)
    assert one(bound, "accelerator-mismatch").hint == f"no listed CPU type passes with {AMI3}"


def test_a_mistake_beside_the_type_does_not_hide_the_types(shipped: Registry) -> None:
    plan = ask(shipped, instance_type="ml.m5.large", env_vars={"max_num_sqs": 4})
    assert errors(plan) == ["accelerator-mismatch", "unknown-setting"]
    assert named_types(one(plan, "accelerator-mismatch"))


def test_an_ok_plan_tries_nothing(shipped: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    """What hints need is worked out for findings that have one only."""
    from mcc_registry.resolve import ways_out

    monkeypatch.setattr(ways_out, "Ways", None)
    assert ask(shipped).ok
    with pytest.raises(TypeError):
        ask(shipped, instance_type="ml.m5.large")


@pytest.mark.parametrize("ami", [None, "default", GPU2, AMI3, AMI4])
@pytest.mark.parametrize("cuda", ["11.8", "12.4", "12.9", "13.0", "13.2", "14.0"])
@pytest.mark.parametrize(
    "instance", ["ml.m5.large", "ml.inf2.xlarge", "ml.p3.2xlarge", "ml.g7e.2xlarge", "ml.dl1.24xlarge"]
)
def test_types_a_compat_hint_names_run_the_image(
    shipped: Registry, cuda: str, ami: str | None, instance: str
) -> None:
    image = ImageNeeds("cuda", find_numbers(cuda))
    verdict = compat(image, instance, ami, shipped)
    for finding in verdict.findings:
        assert not finding.wants
        may_stay = sorted(f.code for f in verdict.findings if f.severity == "error" and f is not finding)
        for name in named_types(finding):
            there = compat(image, name, ami, shipped).findings
            assert sorted(f.code for f in there if f.severity == "error") <= may_stay, (finding.hint, name)


# ------------------------------------------------------------------------------- a named AMI and instance_type auto


def test_a_neuron_ami_is_a_request_for_neuron(shipped: Registry) -> None:
    plan = ask(shipped, inference_ami_version=NEURON)
    assert plan.ok and plan.instance is not None and plan.instance.accelerator_kind == "neuron"
    assert plan.framework is not None and plan.framework["accelerator"]["type"] == "neuron"
    assert plan.inference_ami_version == NEURON


def test_a_gpu_ami_takes_a_cpu_image_to_a_gpu_type_with_a_warning(shipped: Registry) -> None:
    """Only there is the AMI no error; the plan says that the GPU stays idle."""
    plan = ask(shipped, framework="sklearn", inference_ami_version=AMI4)
    assert plan.ok and plan.instance_type == "ml.g4dn.xlarge"
    assert one(plan, "accelerator-mismatch").severity == one(plan, "auto-with-warnings").severity == "warning"


def test_auto_tries_every_build_of_a_release(shipped: Registry) -> None:
    """vllm 0.21.0 has images on CUDA 13.0 and 12.9; driver 550 runs the second only."""
    plan = ask(shipped, framework_version="0.21.0", inference_ami_version=AMI3)
    assert plan.ok and plan.framework is not None and plan.framework["accelerator"]["version"] == "12.9"
    assert not [
        f for f in plan.findings if f.severity == "warning" and f.field in ("instance_type", "inference_ami_version")
    ]


# ----------------------------------------------------------------------------------------- nothing passes with auto


def test_a_refused_auto_plan_shows_the_closest_type_and_says_so(shipped: Registry) -> None:
    plan = ask(shipped, framework_version="0.30.0", inference_ami_version=NEURON)
    told = one(plan, "auto-refused")
    assert not plan.ok and errors(plan) == ["ami-kind"]
    assert told.severity == "info" and str(plan.instance_type) in told.message
    prices = [i.price_usd_hour for i in shipped.instances_by_price("cuda") if i.price_usd_hour is not None]
    assert plan.price_usd_hour is not None and plan.price_usd_hour < 1 < max(prices)


def test_what_is_too_large_for_all_types_is_shown_on_the_one_that_lacks_least(shipped: Registry) -> None:
    plan = ask(
        shipped, model_name="moonshotai/Kimi-K2-Instruct", framework_version="0.19.1", deployment_target="batch"
    )
    assert not plan.ok and plan.fit is not None and plan.instance is not None
    lack = plan.fit["required_gib"] / plan.fit["available_gib"]
    for other in shipped.instances_by_price("cuda"):
        if other.price_usd_hour is None or not other.transform or other.architecture != "x86_64":
            continue
        there = ask(
            shipped, model_name="moonshotai/Kimi-K2-Instruct", framework_version="0.19.1", deployment_target="batch",
            instance_type=other.type,
        )  # fmt: skip
        if (
            len(errors(there)) == len(errors(plan))
            and there.fit
            and there.fit["required_gib"]
            and there.fit["fits"] is False
        ):
            assert there.fit["required_gib"] / there.fit["available_gib"] >= lack - 1e-6


def test_other_errors_leave_the_cheapest_type_in_place(shipped: Registry) -> None:
    """A wrong setting, or a context nobody could use, is no reason to show another type."""
    for env in ({"max_num_sqs": 4}, {"max_model_len": 100}, {"max_model_len": 0}):
        plan = ask(shipped, env_vars=env)
        assert not plan.ok and plan.instance_type == "ml.g6.xlarge" and not named(plan, "auto-refused")


def cheapest_by_hand(registry: Registry, request: Request) -> tuple[int, str | None]:
    """The fewest avoided warnings and the cheapest type with them: every type is named in turn."""
    best: tuple[int, float, str] | None = None
    for instance in registry.instances.values():
        if instance.price_usd_hour is None or instance.architecture != "x86_64":
            continue
        there = resolve(replace(request, instance_type=instance.type), registry)
        if not there.ok:
            continue
        avoided = [f for f in there.findings if f.severity == "warning" and f.field in AVOIDED]
        rank = (len(avoided), instance.price_usd_hour, instance.type)
        best = rank if best is None or rank < best else best
    return (0, None) if best is None else (best[0], best[2])


AVOIDED = ("instance_type", "inference_ami_version")


@pytest.mark.parametrize(
    "answers",
    [
        {"framework_version": "0.19.1", "inference_ami_version": GPU2},
        {"framework_version": "0.19.1", "inference_ami_version": AMI3, "model_name": LLAMA_70B},
        {
            "framework_version": "0.9.1",
            "inference_ami_version": AMI4,
            "model_name": "meta-llama/Llama-3.1-8B-Instruct",
        },
        {"framework_version": "0.30.0", "inference_ami_version": "default", "model_name": LLAMA_70B},
        {"framework_version": "0.21.0", "inference_ami_version": AMI3},
        {"framework": "sklearn", "inference_ami_version": AMI3},
        {"framework": "xgboost", "inference_ami_version": NEURON},
        {"model_server": "lmi", "framework_version": "24.0.0", "inference_ami_version": GPU2},
    ],
    ids=lambda a: "-".join(str(v) for v in a.values())[:60],
)
def test_auto_with_a_named_ami_is_the_cheapest_with_the_fewest_warnings(
    shipped: Registry, answers: dict[str, Any]
) -> None:
    plan = resolve(Request(**answers), shipped)
    fewest, cheapest = cheapest_by_hand(shipped, Request(**answers))
    assert plan.ok and plan.instance_type == cheapest
    assert bool(fewest) == bool(named(plan, "auto-with-warnings"))


# ----------------------------------------------------------------------------------- a length left to the engine


@pytest.mark.parametrize("value", [-1, "-1", "auto"])
def test_a_length_left_to_the_engine_is_judged_by_what_fits(shipped: Registry, value: Any) -> None:
    """vLLM takes the largest context that fits, so a type is no worse than with our own default, and none is refused."""
    model = "meta-llama/Llama-3.1-8B-Instruct"
    free = ask(shipped, model_name=model, framework_version="0.30.0")
    plan = ask(shipped, model_name=model, framework_version="0.30.0", env_vars={"max_model_len": value})
    assert plan.ok and plan.instance_type == free.instance_type and plan.fit == free.fit
    assert plan.env_vars["SM_VLLM_MAX_MODEL_LEN"].value == str(value)


def test_a_profile_of_another_size_does_not_change_how_large_the_model_is(shipped: Registry) -> None:
    name = "meta-llama/Llama-3.1-70B"
    plan = ask(shipped, model_name=name, model_profile="8b")
    assert plan.fit is not None and plan.fit["weights_gib"] > 120
    assert one(plan, "profile-of-another-size").severity == "warning"


@pytest.mark.parametrize("name", ["pipeline_parallel_size", "data_parallel_size"])
def test_our_tensor_parallel_size_leaves_room_for_other_sizes(shipped: Registry, name: str) -> None:
    """A default of ours never makes a plan impossible that the user's settings allow."""
    for size, left in ((1, 4), (2, 2), (4, 1)):
        plan = ask(shipped, instance_type="ml.g5.12xlarge", env_vars={name: size})
        assert plan.ok and plan.settings["tensor_parallel_size"].value == left
    assert errors(ask(shipped, instance_type="ml.g5.12xlarge", env_vars={name: 8})) == ["tensor-parallel-devices"]


VARIANT = re.compile(
    r"(?:quantization (?P<quantization>\S+) fits here|model_name (?P<model>\S+) fits here|use)"
    r"(?: (?:with )?max_model_len (?P<length>\d+)(?: or less)?)?$"
)


@pytest.mark.parametrize("env", [{}, {"max_model_len": 32768}], ids=["free", "asked"])
def test_variants_and_lengths_a_hint_names_pass(shipped: Registry, env: dict[str, Any]) -> None:
    """A quantised copy, a load-time quantisation or a shorter context, asked for as the hint says, leaves no new error."""
    tried = 0
    models = [
        "meta-llama/Llama-3.1-8B-Instruct", LLAMA_70B, "Qwen/Qwen3-32B", "Qwen/Qwen2.5-72B-Instruct",
        "meta-llama/Llama-2-70b-chat-hf", "meta-llama/Llama-2-7b-chat-hf",
    ]  # fmt: skip
    types = ["ml.g4dn.xlarge", "ml.g5.xlarge", "ml.g6e.xlarge", "ml.p4d.24xlarge"]
    for model, instance in ((m, t) for m in models for t in types):
        request = Request(model_name=model, instance_type=instance, framework_version="0.30.0", env_vars=env)
        plan = resolve(request, shipped)
        for finding in (f for f in plan.findings if f.severity == "error"):
            others = sorted(f.code for f in plan.findings if f.severity == "error" and f is not finding)
            for found in filter(None, map(VARIANT.match, finding.hint.split("; "))):
                changed = {**env}
                if found["quantization"]:
                    changed["quantization"] = found["quantization"]
                if found["length"]:
                    changed["max_model_len"] = int(found["length"])
                again = resolve(replace(request, model_name=found["model"] or model, env_vars=changed), shipped)
                assert sorted(f.code for f in again.findings if f.severity == "error") <= others, (
                    model,
                    found.group(),
                )
                tried += 1
    assert tried


def test_a_length_beyond_the_context_does_not_hide_that_the_model_does_not_fit(shipped: Registry) -> None:
    model = "meta-llama/Llama-2-70b-chat-hf"
    plan = ask(shipped, model_name=model, instance_type="ml.g5.xlarge", env_vars={"max_model_len": 32768})
    assert errors(plan) == ["context-too-long", "model-does-not-fit"]
    small = ask(shipped, model_name="meta-llama/Llama-2-7b-chat-hf", env_vars={"max_model_len": 32768})
    assert errors(small) == ["context-too-long"] and small.instance_type == "ml.g6.xlarge"
