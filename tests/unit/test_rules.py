"""Every rule speaks about its cases, is silent without its cause, and would be missed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from mcc_registry import Finding, Registry
from mcc_registry.checks import all_rules
from mcc_registry.checks.base import ImageNeeds
from mcc_registry.checks.compat import compat
from tests.unit.core_kit import ask, layered, named
from tests.unit.rule_cases import CASES, ODD, Case

RULES = {rule.name: rule for rule in all_rules()}
NOT_ONLY_RULES = {"does-not-apply": "profiles", "accelerator-mismatch": "an unknown type"}
"""Rules whose name the resolver uses too, for what it alone knows."""


@pytest.fixture(scope="session")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    return layered(tmp_path_factory.mktemp("odd"), **ODD)


def findings_of(case: Case, registry: Registry) -> Sequence[Finding]:
    if case.image is not None:
        return compat(case.image, case.instance_type, case.ami, registry).findings
    return ask(registry, **case.request).findings


def spoken(case: Case, findings: Sequence[Finding]) -> list[Finding]:
    return [
        f
        for f in named(findings, case.name)
        if (f.severity, f.field) == (case.severity, case.field) and case.words in f.message and case.hint in f.hint
    ]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_rule_speaks_about_its_case(case: Case, shipped: Registry, odd: Registry) -> None:
    findings = findings_of(case, odd if case.odd else shipped)
    found = spoken(case, findings)
    assert len(found) == 1, [(f.name, f.severity, f.field, f.message, f.hint) for f in findings]
    assert found[0].code == RULES[case.name].code
    assert case.severity in RULES[case.name].severities
    assert "\n" not in found[0].message and not found[0].message.endswith("!")


@pytest.mark.parametrize("rule", all_rules(), ids=lambda r: r.name)
def test_every_rule_would_be_missed(
    rule: Any, shipped: Registry, odd: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a rule switched off, a case of its own changes: no rule is without a test."""
    cases = [c for c in CASES if c.name == rule.name]
    assert cases, f"{rule.name} has no case in rule_cases.py"
    registries = (shipped, odd)
    before = [len(spoken(c, findings_of(c, odd if c.odd else shipped))) for c in cases]
    monkeypatch.setattr(type(rule), "check", lambda self, subject: ())
    for registry in registries:
        monkeypatch.setattr(registry, "memo", {})
    after = [len(spoken(c, findings_of(c, odd if c.odd else shipped))) for c in cases]
    assert all(before)
    assert sum(after) < sum(before), rule.name


def test_rules_have_stable_codes_names_and_pages() -> None:
    rules = all_rules()
    assert len({r.code for r in rules}) == len({r.name for r in rules}) == len(rules)
    for rule in rules:
        assert rule.code.startswith("MCC") and rule.code[3:].isdigit() and len(rule.code) == 6
        assert rule.severities and (type(rule).__doc__ or "").strip()
        assert list(rules) == sorted(rules, key=lambda r: r.code)


def test_every_declared_severity_has_a_case() -> None:
    """A rule that says it may be an error must be seen to be one."""
    seen = {(c.name, c.severity) for c in CASES}
    missing = {(r.name, s) for r in all_rules() for s in r.severities} - seen
    assert not missing


SILENT: list[tuple[str, dict[str, Any]]] = [
    ("does-not-apply", {"framework": "sklearn", "include_sample": False, "model_format": "joblib"}),
    ("does-not-apply", {"model_profile": "4b", "framework_profile": "low-latency"}),
    ("secret-region", {"hf_token_secret_arn": "arn:aws:secretsmanager:us-east-1:123456789012:secret:t"}),
    ("local-model", {"model_name": "s3://bucket/x/"}),
    ("unknown-region", {"region": "eu-west-1"}),
    ("accelerator-mismatch", {"framework": "sklearn", "instance_type": "ml.m5.large"}),
    ("cpu-architecture", {"framework": "sklearn", "instance_type": "ml.c7g.large"}),
    ("compute-capability", {"instance_type": "ml.g4dn.xlarge", "framework_version": "0.30.0"}),
    ("no-ami-fits", {"instance_type": "ml.g5.xlarge"}),
    ("ami-family", {"instance_type": "ml.g5.xlarge"}),
    ("driver-too-old", {"instance_type": "ml.g5.xlarge", "framework_version": "0.30.0"}),
    ("cuda12-on-newest-ami", {"instance_type": "ml.g5.xlarge", "framework_version": "0.19.1"}),
    ("legacy-family", {"instance_type": "ml.g5.xlarge"}),
    ("disputed-fact", {"instance_type": "ml.g5.xlarge"}),
    ("disputed-fact", {"instance_type": "ml.p5en.48xlarge", "inference_ami_version": "default"}),
    ("disputed-rows", {"instance_type": "ml.g5.xlarge"}),
    ("default-host-unknown", {"instance_type": "ml.g5.xlarge", "inference_ami_version": "default"}),
    ("ami-chosen", {"instance_type": "ml.g5.xlarge", "inference_ami_version": "default"}),
    ("not-for-batch", {"deployment_target": "batch", "instance_type": "ml.g5.xlarge"}),
    ("not-for-batch", {"instance_type": "ml.p5.48xlarge"}),
    ("batch-model-source", {"deployment_target": "batch", "model_name": "s3://bucket/model.tar.gz"}),
    ("batch-model-source", {"model_name": "s3://bucket/x/"}),
    ("price-unknown", {"instance_type": "ml.g6.xlarge"}),
    ("release-deprecated", {"framework_version": "0.30.0"}),
    ("model-unsupported", {"framework_version": "0.8.5", "instance_type": "ml.g5.xlarge"}),
    ("tensor-parallel-devices", {"instance_type": "ml.g5.12xlarge"}),
    ("tensor-parallel-heads", {"instance_type": "ml.g5.12xlarge", "env_vars": {"tensor_parallel_size": 4}}),
    ("context-too-long", {"env_vars": {"max_model_len": 40960}}),
    ("no-bfloat16", {"instance_type": "ml.g5.xlarge", "env_vars": {"dtype": "bfloat16"}}),
    ("no-fp8", {"instance_type": "ml.g6.xlarge", "env_vars": {"quantization": "fp8", "kv_cache_dtype": "fp8"}}),
    ("no-fp4", {"instance_type": "ml.g6.xlarge", "env_vars": {"quantization": "fp8"}}),
    ("model-gated", {"model_name": "Qwen/Qwen3-4B"}),
    ("model-gated", {"model_name": "meta-llama/Llama-2-7b-chat-hf",
                     "hf_token_secret_arn": "arn:aws:secretsmanager:us-east-1:123456789012:secret:t"}),
    ("model-unknown", {}),
    ("model-does-not-fit", {"env_vars": {"max_model_len": 2048}}),
    ("context-limited", {"instance_type": "ml.g5.xlarge"}),
    ("secret-in-answer", {"env_vars": {"max_num_batched_tokens": 8192, "SOME_ARN": "x", "TOKENIZERS_PARALLELISM": "no"}}),
    ("value-unquotable", {"env_vars": {"X": "a" * 1024, "Y": "spaces and 'quotes' \" $HOME `x` # %"}}),
    ("environment-limit", {"env_vars": {f"X{i}": "1" for i in range(50)}}),
    ("variable-passed-through", {"env_vars": {"max_model_len": 4096}}),
    ("validation-off", {}),
    ("trust-remote-code", {"env_vars": {"trust_remote_code": False}}),
    ("registry-setting-skipped", {"framework_version": "0.30.0"}),
    ("unknown-setting", {"env_vars": {"NCCL_DEBUG": "INFO", "VLLM_LOGGING_LEVEL": "DEBUG"}}),
    ("setting-type", {"env_vars": {"max_model_len": "8k"}}),
    ("setting-range", {"env_vars": {"gpu_memory_utilization": 1.0}}),
    ("setting-choice", {"env_vars": {"dtype": "half"}}),
    ("setting-not-in-release", {"framework_version": "0.17.0", "env_vars": {"swap_space": 4}}),
    ("setting-deprecated", {"env_vars": {"quantization": "fp8"}}),
    ("setting-deprecated", {"model_server": "sglang", "framework_version": "0.5.21",
                            "env_vars": {"enable_dp_attention": True}}),
    ("setting-conflict", {"env_vars": {"max_model_len": 4096, "SM_VLLM_MAX_MODEL_LEN": "4096"}}),
    ("setting-conflict", {"env_vars": {"enable_prefix_caching": False, "SM_VLLM_NO_ENABLE_PREFIX_CACHING": True}}),
    ("setting-conflict", {"model_server": "lmi", "env_vars": {"OPTION_MAX_NUM_SEQS": 8, "max_num_seqs": 8}}),
    ("foreign-setting", {"model_server": "lmi", "env_vars": {"VLLM_ATTENTION_BACKEND": "x", "SM_MINE": "y"}}),
    ("foreign-setting", {"env_vars": {"SM_VLLM_MAX_MODEL_LEN": 4096, "NCCL_DEBUG": "INFO"}}),
    ("profile-of-another-size", {"model_name": "meta-llama/Llama-3.1-70B-Instruct", "model_profile": "70b-tp4"}),
    ("profile-of-another-size", {"model_name": "meta-llama/Llama-3.1-tuned", "model_profile": "8b"}),
    ("profile-of-another-size", {"model_name": "meta-llama/Llama-3.1-8B-Instruct"}),
    ("fit-unknown", {}),
    ("context-too-short", {"env_vars": {"max_model_len": 2048}}),
    ("context-too-short", {"env_vars": {"max_model_len": -1}}),
    ("setting-range", {"env_vars": {"max_model_len": -1}}),
    ("setting-type", {"env_vars": {"max_model_len": "auto"}}),
    ("setting-fixed", {"env_vars": {"max_num_seqs": 8}}),
    ("setting-unwritable", {"env_vars": {"enable_prefix_caching": False}}),
    ("setting-required", {}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "request_"), SILENT, ids=lambda v: v if isinstance(v, str) else "")
def test_a_rule_is_silent_without_its_cause(name: str, request_: dict[str, Any], shipped: Registry) -> None:
    plan = ask(shipped, **request_)
    assert named(plan, name) == []
    assert plan.framework is not None, [f.message for f in plan.findings]


MOST = 100
"""Characters of a message (house-style.md, "Outcomes and messages")."""
NAME = 20
"""What a name somebody gave counts as: one that is longer may overrun."""


def counted(finding: Finding, names: list[str]) -> int:
    """The length of a message, long names of the user's own counted as 20 characters."""
    return len(finding.message) - sum(max(0, len(n) - NAME) for n in names if n in finding.message)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_no_message_of_a_case_is_longer_than_one_line(case: Case, shipped: Registry, odd: Registry) -> None:
    given = [*case.request.get("env_vars", {}), *(str(v) for v in case.request.values())]
    long = [f.message for f in findings_of(case, odd if case.odd else shipped) if counted(f, given) > MOST]
    assert not long


@pytest.mark.parametrize("ami", [None, "default", *(f"al2-ami-sagemaker-inference-gpu-{n}" for n in ("2", "2-1", "3-1")),
                                 "al2023-ami-sagemaker-inference-gpu-4-1", "al2-ami-sagemaker-inference-neuron-2"])  # fmt: skip
def test_no_message_about_a_host_is_longer_than_one_line(ami: str | None, shipped: Registry) -> None:
    """For every family, CUDA and Neuron release: the names in these messages are ours."""
    types = {i.family: i.type for i in map(shipped.find_instance, shipped.instances) if i is not None}
    images = [
        ImageNeeds("cuda", tuple(map(int, v.split("."))), title="tensorrt-llm 1.2.1") for v in shipped.cuda.toolkits
    ]
    images += [ImageNeeds("neuron", tuple(map(int, v.split("."))), title="vllm 0.30.0") for v in shipped.neuron.sdk]
    images += [ImageNeeds("cpu", title="tensorflow 2.20.0"), ImageNeeds("cuda", title="tensorrt-llm 1.2.1")]
    found = [f for t in types.values() for image in images for f in compat(image, t, ami, shipped).findings]
    assert len(found) > 100
    assert not {f.message for f in found if len(f.message) > MOST}


def test_known_issues_are_said_in_one_line(shipped: Registry) -> None:
    """Every shipped issue, whoever it concerns."""
    homes = [*(f.data for f in shipped.frameworks.values()), *shipped.models.values()]
    issues = [issue for home in homes for issue in home.known_issues]
    assert len(issues) > 40
    assert not [issue.id for issue in issues if len(f"known issue: {issue.what}") > MOST]


def test_a_model_is_sent_to_releases_for_its_kind_of_accelerator(shipped: Registry) -> None:
    """A release that is built for Neuron only is no way out on a CUDA instance."""
    plan = ask(shipped, framework_version="0.7.3", instance_type="ml.g5.xlarge", model_name="Qwen/Qwen3-4B")
    (told,) = named(plan, "model-unsupported")
    entry = shipped.frameworks["vllm"]
    offered = [v for v in entry.versions if f" {v}," in told.hint or f" {v} " in told.hint]
    assert len(offered) == 8
    assert all(any(b.accelerator.type == "cuda" for b in entry[v].builds) for v in offered)
    neuron_only = [v for v in entry.versions if {b.accelerator.type for b in entry[v].builds} == {"neuron"}]
    assert neuron_only and not set(neuron_only) & set(offered)


def test_silent_cases_name_real_rules() -> None:
    assert {name for name, _ in SILENT} <= set(RULES)
