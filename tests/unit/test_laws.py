"""Laws of resolution that hold for any request; hypothesis looks for one that breaks them."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from mcc_registry import Plan, Registry, Request, resolve
from mcc_registry.checks import all_rules
from mcc_registry.models.levels import LEVEL_RANK
from mcc_registry.resolve.choose import builds_for
from mcc_registry.settings import exists_in, negative_env, table_for
from mcc_registry.versions import is_stable, parse_version
from tests.unit.core_kit import SOURCES, ask, errors

QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
SLOWER = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
SERVERS = ["vllm", "vllm", "vllm", "sglang", "lmi", "tensorrt-llm", "djl"]
MODELS = [
    "Qwen/Qwen3-4B", "Qwen/Qwen3-0.6B", "meta-llama/Llama-3.1-8B-Instruct", "meta-llama/Llama-3.3-70B-Instruct",
    "tiiuae/falcon-7b", "lmsys/vicuna-7b-v1.5", "mistralai/Mixtral-8x7B-Instruct-v0.1", "acme/unknown", "s3://bucket/x/",
    "openai/gpt-oss-20b", "meta-llama/Llama-2-7b-chat-hf", "google/gemma-3-4b-it",
]  # fmt: skip
TYPES = [
    "ml.g4dn.xlarge", "ml.g5.xlarge", "ml.g5.12xlarge", "ml.g6.xlarge", "ml.g6e.12xlarge", "ml.p3.2xlarge",
    "ml.p4d.24xlarge", "ml.p5.48xlarge", "ml.p5e.48xlarge", "ml.p6-b200.48xlarge", "ml.p6e-gb200.36xlarge",
    "ml.g7e.2xlarge", "ml.g7.2xlarge", "ml.inf2.xlarge", "ml.trn1.2xlarge", "ml.m5.large", "ml.c7g.large", "ml.p2.xlarge",
]  # fmt: skip
REGIONS = ["us-east-1", "eu-west-1", "cn-north-1", "mars-north-1"]
ENV = st.dictionaries(
    st.sampled_from(["max_model_len", "SM_VLLM_MAX_NUM_SEQS", "dtype", "NCCL_DEBUG", "enforce_eager", "gpu_memory_utilization",
                     "enable_prefix_caching", "trust_remote_code", "quantization", "seed", "performance_mode"]),
    st.sampled_from([1, 8, 2048, 8192, 0.5, 0.95, True, False, "auto", "half", "fp8", "balanced", "x"]),
    max_size=3,
)  # fmt: skip


@st.composite
def requests(draw: st.DrawFn) -> Request:
    answers: dict[str, Any] = {}
    if draw(st.integers(0, 7)) == 0:
        answers["framework"] = draw(st.sampled_from(["sklearn", "xgboost", "tensorflow"]))
        answers["model_server"] = draw(st.sampled_from(["flask", "fastapi"]))
    else:
        answers["model_server"] = draw(st.sampled_from(SERVERS))
        answers["model_name"] = draw(st.sampled_from(MODELS))
        answers["env_vars"] = draw(ENV)
    answers["framework_version"] = draw(
        st.sampled_from(
            ["recommended", "latest", "recommended", ">=0.1", "0.30.0", "0.19.1", "0.5.20", "29.0.0", "9.9.9"]
        )
    )
    answers["instance_type"] = draw(st.sampled_from(["auto", "auto", *TYPES]))
    answers["region"] = draw(st.sampled_from(REGIONS))
    answers["image_source"] = draw(st.sampled_from(["recommended", "recommended", "aws", "upstream"]))
    answers["deployment_target"] = draw(st.sampled_from(["realtime", "realtime", "async", "batch"]))
    answers["inference_ami_version"] = draw(
        st.sampled_from(["auto", "auto", "default", "al2023-ami-sagemaker-inference-gpu-4-1"])
    )
    answers["validate_env_vars"] = draw(st.sampled_from([True, True, False]))
    return Request(**answers)


@QUICK
@given(request=requests())
def test_equal_questions_get_equal_answers_and_nothing_is_changed(shipped: Registry, request: Request) -> None:
    before, memo = copy.deepcopy(request), dict(shipped.memo)
    first = resolve(request, shipped)
    data = json.dumps(first.to_json(), allow_nan=False)
    assert request == before
    assert json.dumps(resolve(copy.deepcopy(request), shipped).to_json()) == data
    assert all(shipped.memo[key] is value for key, value in memo.items())
    fresh, shipped.memo = shipped.memo, {}
    try:
        assert json.dumps(resolve(request, shipped).to_json()) == data
    finally:
        shipped.memo = fresh


@QUICK
@given(request=requests())
def test_findings_come_from_declared_rules_with_declared_severities(shipped: Registry, request: Request) -> None:
    plan = resolve(request, shipped)
    rules = {r.name: r for r in all_rules()}
    assert plan.ok is (not errors(plan))
    for finding in plan.findings:
        rule = rules.get(finding.name)
        if rule is not None:
            assert finding.code == rule.code and finding.severity in rule.severities, finding
        assert finding.message and len(finding.message) <= 200 and finding.message.isprintable()
        if finding.severity == "error":
            assert finding.hint or finding.facts, finding
        for fact in finding.facts:
            assert fact.text


@QUICK
@given(request=requests())
def test_the_plan_emits_only_what_the_release_reads(shipped: Registry, request: Request) -> None:
    """No variable the release's table does not know, and none that no source asked for."""
    plan = resolve(request, shipped)
    assume(plan.framework is not None and plan.release is not None and plan.build is not None)
    assert plan.release is not None and plan.build is not None
    kind, source = plan.build.accelerator.type, plan.build.source
    table = table_for(plan.release.framework, kind, source, shipped)
    own = {name for name in request.env_vars if table.name(name).kind == "variable" or not request.validate_env_vars}
    for name, variable in plan.env_vars.items():
        assert variable.source in SOURCES
        if name == table.model_env or name in own:
            continue
        hit = table.find(name)
        assert hit is not None, name
        row = hit[0]
        assert name in (row.env, negative_env(row, table.env_prefix)), name
        canonical = row.canonical or row.name
        assert canonical in plan.settings and plan.settings[canonical].source == variable.source
        if variable.source != "User_Input":
            assert exists_in(row, plan.release.version), name
    for setting in plan.settings.values():
        order = [SOURCES.index(o.source) for o in setting.overrode]
        assert order == sorted(order, reverse=True)
        assert all(i <= SOURCES.index(setting.source) for i in order)


@QUICK
@given(request=requests())
def test_the_user_always_wins(shipped: Registry, request: Request) -> None:
    plan = resolve(request, shipped)
    assume(plan.release is not None and plan.build is not None)
    assert plan.release is not None and plan.build is not None
    table = table_for(plan.release.framework, plan.build.accelerator.type, plan.build.source, shipped)
    without = resolve(replace(request, env_vars={}), shipped)
    for written in request.env_vars:
        canonical = table.name(written).canonical
        if canonical is None:
            continue
        setting = plan.settings[canonical]
        assert setting.source == "User_Input"
        same_place = (without.instance_type, without.base_image) == (plan.instance_type, plan.base_image)
        if same_place and canonical in without.settings and canonical != "max_model_len":
            lost = without.settings[canonical]
            assert (lost.value, lost.source) in [(o.value, o.source) for o in setting.overrode]


@QUICK
@given(request=requests())
def test_the_ami_of_an_accepted_plan_comes_from_the_table(shipped: Registry, request: Request) -> None:
    plan = resolve(request, shipped)
    assume(plan.ok)
    amis = shipped.amis.transform_amis if request.deployment_target == "batch" else shipped.amis.amis
    assert plan.inference_ami_version is None or plan.inference_ami_version in amis
    if request.inference_ami_version == "default":
        assert plan.inference_ami_version is None
    elif request.inference_ami_version != "auto":
        assert plan.inference_ami_version == request.inference_ami_version


@QUICK
@given(request=requests())
def test_auto_never_picks_a_type_without_price_or_an_arm64_one(shipped: Registry, request: Request) -> None:
    plan = resolve(replace(request, instance_type="auto"), shipped)
    assume(plan.instance is not None)
    assert plan.instance is not None
    assert plan.instance.price_usd_hour is not None and plan.instance.architecture == "x86_64"
    assert request.deployment_target != "batch" or plan.instance.transform
    for looked in plan.candidates:
        assert shipped.instances[looked.instance_type].price_usd_hour == looked.price_usd_hour is not None


@SLOWER
@given(request=requests())
def test_recommended_never_refuses_when_some_release_passes(shipped: Registry, request: Request) -> None:
    """The oracle names every stable release in turn; a setting alone never moves to an older one (decision 0008)."""
    request = replace(request, framework_version="recommended")
    plan = resolve(request, shipped)
    assume(not plan.ok and request.framework_id in shipped.frameworks)
    assume(all(f.field != "env_vars" for f in plan.findings if f.severity == "error"))
    for version in shipped.frameworks[request.framework_id].versions:
        if is_stable(version):
            other = resolve(replace(request, framework_version=version), shipped)
            assert not other.ok, (version, errors(plan), other.instance_type)


@SLOWER
@given(request=requests())
@example(
    request=Request(instance_type="ml.p5e.48xlarge", inference_ami_version="default")
)  # only 0.21.0's plain image
def test_recommended_is_the_best_of_what_passes(shipped: Registry, request: Request) -> None:
    """Best level, then an image that serves SageMaker unchanged, then the newest (design.md section 3)."""
    request = replace(request, framework_version="recommended", env_vars={})
    assume(request.instance_type != "auto")
    plan = resolve(request, shipped)
    assume(plan.ok)
    assert plan.release is not None and plan.build is not None

    def rank(one: Plan) -> tuple[Any, ...]:
        assert one.release is not None and one.build is not None and one.instance is not None
        own = one.build.accelerator.type == one.instance.accelerator_kind
        return (
            own,
            -LEVEL_RANK[one.release.data.validation_level],
            one.release.serves_sagemaker(one.build),
            parse_version(one.release.version),
        )

    for version in shipped.frameworks[request.framework_id].versions:
        if is_stable(version):
            other = resolve(replace(request, framework_version=version), shipped)
            assert not other.ok or rank(other) <= rank(plan), version


AVOIDED = ("instance_type", "inference_ami_version")


@settings(SLOWER, max_examples=10)
@given(request=requests(), version=st.sampled_from(["0.30.0", "0.19.1", "0.11.0"]), model=st.sampled_from(MODELS))
def test_auto_is_the_cheapest_type_without_error_and_warning(
    shipped: Registry, request: Request, version: str, model: str
) -> None:
    """The oracle names every type in turn: whatever auto does to be fast, this is what it must find."""
    request = Request(
        framework_version=version,
        model_name=model,
        env_vars=request.env_vars,
        deployment_target=request.deployment_target,
        validate_env_vars=request.validate_env_vars,
    )
    plan = resolve(request, shipped)
    # other errors (a wrong setting, say) are the same on every type and must not change the choice
    common = set(errors(plan))
    best: str | None = None
    for instance in shipped.instances_by_price("cuda"):
        if instance.price_usd_hour is None or instance.architecture != "x86_64":
            continue
        if request.deployment_target == "batch" and not instance.transform:
            continue
        there = resolve(replace(request, instance_type=instance.type), shipped)
        clean = not [f for f in there.findings if f.severity == "warning" and f.field in AVOIDED]
        if clean and set(errors(there)) <= common:
            best = instance.type
            break
    if best is not None and not common:
        assert plan.instance_type == best
    if plan.ok and plan.instance is not None:
        again = resolve(replace(request, instance_type=plan.instance.type), shipped)
        assert again.ok
        assert {n: s.value for n, s in again.settings.items()} == {n: s.value for n, s in plan.settings.items()}
        assert again.inference_ami_version == plan.inference_ami_version


CONSTRAINTS: list[dict[str, Any]] = [
    {"image_source": "aws"},
    {"image_source": "upstream"},
    {"instance_type": "ml.g5.xlarge"},
    {"instance_type": "ml.p3.2xlarge"},
    {"instance_type": "ml.m5.large"},
    {"framework_version": "0.30.0"},
    {"framework_version": ">=0.20"},
]


def solutions(registry: Registry, request: Request, versions: list[str]) -> set[tuple[str, str]]:
    """Release and type pairs that pass, of a sample."""
    found = set()
    wanted_types = (
        [request.instance_type]
        if request.instance_type != "auto"
        else ["ml.g5.xlarge", "ml.g6.12xlarge", "ml.m5.large"]
    )
    for version in versions:
        for name in wanted_types:
            plan = resolve(replace(request, framework_version=version, instance_type=name), registry)
            if plan.ok:
                found.add((version, name))
    return found


@SLOWER
@given(model=st.sampled_from(MODELS), one=st.sampled_from(CONSTRAINTS[:5]), env=ENV)
def test_adding_a_constraint_never_adds_a_solution(
    shipped: Registry, model: str, one: dict[str, Any], env: dict[str, Any]
) -> None:
    versions = ["0.33.0", "0.30.0", "0.19.1", "0.11.0", "0.8.5"]
    free = Request(model_name=model, env_vars=env)
    bound = replace(free, **one)
    types = {"ml.g5.xlarge", "ml.g6.12xlarge", "ml.m5.large"}
    more = {(v, t) for v, t in solutions(shipped, bound, versions) if t in types}
    assert more <= solutions(shipped, free, versions)


@SLOWER
@given(request=requests(), one=st.sampled_from(CONSTRAINTS))
def test_a_refused_request_is_not_saved_by_a_constraint(
    shipped: Registry, request: Request, one: dict[str, Any]
) -> None:
    """What recommended and auto cannot solve, naming a source, a type or a version cannot solve either."""
    free = replace(request, framework_version="recommended", instance_type="auto", image_source="recommended",
                   inference_ami_version="auto")  # fmt: skip
    plan = resolve(free, shipped)
    assume(not plan.ok and free.is_transformers)
    bound = resolve(replace(free, **one), shipped)
    assert not bound.ok, (errors(plan), bound.instance_type)


@pytest.mark.parametrize(
    "server", ["vllm", "sglang", "lmi", "tensorrt-llm", "djl", "sklearn", "xgboost", "tensorflow"]
)
def test_every_shipped_build_resolves_on_some_type(shipped: Registry, server: str) -> None:
    """Every release can be asked for by its exact version, and its builds are of it."""
    entry = shipped.frameworks[server]
    predictive = server in ("sklearn", "xgboost", "tensorflow")
    for version in entry.versions:
        release = entry[version]
        assert builds_for(release, "recommended", None)
        answers: dict[str, Any] = {"framework": server} if predictive else {"model_server": server}
        plan = ask(shipped, **answers, framework_version=version)
        assert plan.framework is not None and plan.framework["version"] == version
        assert plan.build in release.builds
        assert plan.build is not None
        if plan.build.tag is None:  # listed, and refused with that reason
            assert plan.base_image is None and "tag-unknown" in [f.name for f in plan.findings]
        else:
            assert plan.base_image is not None and plan.base_image.endswith(f":{plan.build.tag}")


def test_what_a_registry_remembers_changes_no_answer() -> None:
    """The same questions in a row, twice, and each of a registry nobody has asked before."""
    asked = [
        Request(),
        Request(framework_version="0.19.1"),
        Request(framework_version="0.21.0", inference_ami_version="al2-ami-sagemaker-inference-gpu-3-1"),
        Request(model_server="sglang", model_name="meta-llama/Llama-3.3-70B-Instruct"),
        Request(model_server="lmi", env_vars={"tensor_parallel_size": "max"}),
        Request(framework_version=">=0.19,<0.22", deployment_target="batch"),
        Request(framework="sklearn"),
    ]
    shared = Registry.load(environ={})
    alone = [resolve(request, Registry.load(environ={})).to_json() for request in asked]
    for _ in range(2):
        assert [resolve(request, shared).to_json() for request in asked] == alone
