"""resolve: the contract of design.md sections 3, 5 and 6, and what issue 2 promises."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

import mcc_registry
from mcc_registry import Finding, Plan, Registry, Request, resolve
from mcc_registry.errors import RegistryError
from mcc_registry.loading.files import shipped_root
from mcc_registry.loading.load import load_documents
from mcc_registry.models.request import ANSWER_NAMES
from tests.unit.core_kit import KEYS, SOURCES, ask, errors, layered, named, one, severities

AMI4 = "al2023-ami-sagemaker-inference-gpu-4-1"
G5 = {"framework_version": "0.30.0", "instance_type": "ml.g5.xlarge"}
LLAMA70 = "meta-llama/Llama-3.3-70B-Instruct"


# ------------------------------------------------------------------------------------------------- section 6


def test_the_python_api_of_the_contract(shipped: Registry) -> None:
    """design.md section 6, word for word."""
    from mcc_registry import Registry, Request, resolve

    registry = Registry.load()
    base = registry.frameworks["vllm"]["0.30.0"].base_image
    assert base == "763104351884.dkr.ecr.us-east-1.amazonaws.com/vllm:0.30.0-gpu-py312-cu130-ubuntu24.04-sagemaker"
    upstream = registry.frameworks["vllm"]["0.30.0"].image(source="upstream", region="eu-west-1")
    assert upstream == "vllm/vllm-openai:v0.30.0"
    found = registry.find_model("mistralai/Mistral-7B-Instruct-v0.3")
    assert found is not None and found.match == "exact"
    plan = resolve(Request(model_server="vllm", model_name="Qwen/Qwen3-4B"), registry)
    assert plan.ok is True and plan.findings
    assert plan.env_vars["SM_VLLM_MAX_MODEL_LEN"].value == "40960"
    assert registry == shipped


def test_public_names_are_imported_on_first_use() -> None:
    for name in mcc_registry.__all__:
        assert getattr(mcc_registry, name)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        mcc_registry.nothing


# ------------------------------------------------------------------------------------------------- section 5

REQUESTS: list[dict[str, Any]] = [
    {},
    {"framework": "sklearn"},
    {"framework": "nonsense"},
    {"model_server": "nonsense"},
    {"instance_type": "ml.nothing.xlarge"},
    {"framework_version": ">=99"},
    {"framework_version": "0.33.0", "image_source": "aws"},
    {"instance_type": "ml.m5.large"},
    {"region": "mars-north-1", "image_source": "aws"},
    {"model_name": "acme/unknown"},
    {"model_name": LLAMA70, "instance_type": "ml.g5.xlarge"},
    {"env_vars": {"gpu_memory_utilization": 1.5, "NCCL_DEBUG": "INFO"}},
    {"instance_type": "ml.inf2.xlarge"},
    {"deployment_target": "batch"},
]


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda r: "-".join(map(str, r.values())) or "default")
def test_every_plan_has_every_key_of_the_contract(shipped: Registry, request_: dict[str, Any]) -> None:
    plan = ask(shipped, **request_)
    data = json.loads(json.dumps(plan.to_json(), allow_nan=False))
    assert set(data) >= KEYS
    assert data["ok"] is (not errors(plan)) is plan.ok
    assert set(data["request"]) == set(ANSWER_NAMES)
    framework = {"name", "version", "requested", "match", "validation_level", "image_source", "accelerator"}
    if data["framework"] is not None:
        assert set(data["framework"]) >= framework
        assert data["framework"]["match"] in ("exact", "specifier", "unlisted")
        assert set(data["framework"]["accelerator"]) == {"type", "version"}
    else:
        assert not plan.ok
    if data["model"] is not None:
        assert set(data["model"]) >= {"id", "match", "matched", "family", "chat_template_source"}
        assert data["model"]["match"] in ("exact", "pattern", "hub", "none")
        assert data["model"]["chat_template_source"] in (*SOURCES, "model_repository", "none")
    for setting in data["settings"].values():
        assert set(setting) >= {"value", "source", "overrode"} and setting["source"] in SOURCES
        assert all(set(o) == {"value", "source"} and o["source"] in SOURCES for o in setting["overrode"])
    for variable in data["env_vars"].values():
        assert set(variable) >= {"value", "source"} and isinstance(variable["value"], str)
        assert variable["source"] in SOURCES
    assert data["sources"] == [s for s in SOURCES if s in data["sources"]]
    for finding in data["findings"]:
        assert set(finding) >= {"code", "severity", "field", "message", "hint", "source"}
        assert finding["severity"] in ("error", "warning", "info")
    order = [("error", "warning", "info").index(f["severity"]) for f in data["findings"]]
    assert order == sorted(order)


def test_the_plan_for_qwen3_4b(shipped: Registry) -> None:
    """The values of the contract's example, where the facts give them."""
    data = ask(shipped, model_server="vllm", model_name="Qwen/Qwen3-4B").to_json()
    assert data["framework"]["accelerator"] == {"type": "cuda", "version": "13.0"}
    assert data["framework"]["requested"] == "recommended" and data["framework"]["name"] == "vllm"
    model = data["model"]
    assert (model["id"], model["match"], model["matched"], model["family"], model["chat_template_source"]) == (
        "Qwen/Qwen3-4B",
        "exact",
        "Qwen/Qwen3-4B",
        "qwen3",
        "model_repository",
    )
    assert (data["instance_type"], data["inference_ami_version"]) == ("ml.g6.xlarge", AMI4)
    assert (data["price_usd_hour"], data["price_basis"]) == (0.8048, "EC2 us-east-1 on demand, 2026-07-20")


def test_predictive_frameworks_have_no_model_and_no_ami(shipped: Registry) -> None:
    for server in ("flask", "fastapi"):
        plan = ask(shipped, framework="sklearn", model_server=server)
        assert plan.ok and plan.model is None and plan.inference_ami_version is None
        assert plan.base_image == "python:3.13-slim"
        assert plan.framework is not None and plan.framework["accelerator"] == {"type": "cpu", "version": None}


# ------------------------------------------------------------------------------------------------- issue 2


def test_t2_micro_is_refused_twice_over(shipped: Registry) -> None:
    plan = ask(shipped, instance_type="ml.t2.micro")
    assert "ml.t2.medium" in one(plan, "unknown-instance-type").hint
    assert "CUDA" in one(plan, "accelerator-mismatch").message
    assert one(plan, "accelerator-mismatch").hint.startswith("choose for example ml.")


def test_m5_lacks_cuda(shipped: Registry) -> None:
    plan = ask(shipped, instance_type="ml.m5.large")
    assert errors(plan) == ["accelerator-mismatch"] and plan.instance_type == "ml.m5.large"


def test_p3_lacks_compute_capability(shipped: Registry) -> None:
    plan = ask(shipped, instance_type="ml.p3.2xlarge", framework_version="0.30.0")
    assert "compute capability 7.0" in one(plan, "compute-capability").message and not plan.ok


def test_g5_gets_the_ami_of_cuda_13_and_the_reason(shipped: Registry) -> None:
    plan = ask(shipped, **G5)
    assert plan.ok and plan.inference_ami_version == AMI4
    assert AMI4 in one(plan, "ami-chosen").message and "580" in one(plan, "ami-chosen").message


@pytest.mark.parametrize(
    ("ami", "name", "severity"),
    [
        ("al2-ami-sagemaker-inference-gpu-2", "driver-too-old", "warning"),
        ("al2-ami-sagemaker-inference-neuron-2", "ami-kind", "error"),
        ("al2023-ami-sagemaker-inference-gpu-5-1", "unknown-ami", "error"),
    ],
)
def test_a_named_ami(shipped: Registry, ami: str, name: str, severity: str) -> None:
    plan = ask(shipped, **G5, inference_ami_version=ami)
    assert severities(plan, name) == [severity]
    assert plan.ok is (severity != "error")
    assert plan.inference_ami_version == (ami if plan.ok else None)


def test_a_warning_about_the_ami_states_the_driver_facts(shipped: Registry) -> None:
    finding = one(ask(shipped, **G5, inference_ami_version="al2-ami-sagemaker-inference-gpu-2"), "driver-too-old")
    text = finding.message + " ".join(f.text for f in finding.facts)
    assert "535" in text and "13.0" in text and "12.2" in text
    assert all(f.file.startswith("registries/") and f.key for f in finding.facts)


def test_default_leaves_the_ami_out(shipped: Registry) -> None:
    plan = ask(shipped, instance_type="ml.p5.48xlarge", framework_version="0.8.5", inference_ami_version="default")
    assert plan.inference_ami_version is None and not named(plan, "ami-chosen")


@pytest.mark.parametrize(
    "name", ["gpu_memory_utilization", "SM_VLLM_GPU_MEMORY_UTILIZATION", "VLLM_GPU_MEMORY_UTILIZATION"]
)
def test_a_bound_holds_in_every_spelling_until_it_is_silenced(shipped: Registry, name: str) -> None:
    plan = ask(shipped, env_vars={name: 1.5})
    assert errors(plan) == ["setting-range"] and "maximum 1.0" in one(plan, "setting-range").message
    silenced = ask(shipped, env_vars={name: 1.5}, validate_env_vars=False)
    assert silenced.ok and silenced.env_vars["SM_VLLM_GPU_MEMORY_UTILIZATION"].value == "1.5"
    assert severities(silenced, "validation-off") == ["warning"]


def test_a_70b_model_on_one_24_gb_gpu_is_refused_with_the_arithmetic(shipped: Registry) -> None:
    for instance_type in ("ml.g5.xlarge", "ml.g6.xlarge"):
        plan = ask(shipped, model_name=LLAMA70, instance_type=instance_type, framework_version="0.30.0")
        finding = one(plan, "model-does-not-fit")
        facts = " ".join(f.text for f in finding.facts)
        assert finding.severity == "error" and "GiB" in finding.message
        for word in ("weights", "KV cache", "needed", "available"):
            assert word in facts
        cheapest = finding.hint.removeprefix("it fits ").split(" ")[0]
        named_type = ask(shipped, model_name=LLAMA70, instance_type=cheapest, framework_version="0.30.0")
        assert named_type.ok, errors(named_type)
        prices = [float(part.split("(")[1].split(" ")[0]) for part in finding.hint.split(", ")]
        assert prices == sorted(prices)


def test_every_problem_of_a_request_is_in_one_report(shipped: Registry) -> None:
    plan = ask(
        shipped,
        instance_type="ml.m5.large",
        framework_profile="nothing",
        model_profile="nothing",
        env_vars={"gpu_memory_utilization": 1.5, "max_modle_len": 1, "MY_TOKEN": "x"},
        include_sample=True,
    )
    assert {"accelerator-mismatch", "does-not-apply", "setting-range", "unknown-setting", "secret-in-answer"} <= set(
        errors(plan)
    )
    assert len(named(plan, "does-not-apply")) == 3


def test_findings_of_earlier_steps_are_part_of_the_plan(shipped: Registry) -> None:
    earlier = Finding("MCC601", "info", None, "the Hub was not asked", name="hub-unreachable")
    fatal = Finding("MCC002", "error", "offline", "neither yes nor no")
    assert earlier in resolve(Request(), shipped, findings=[earlier]).findings
    assert resolve(Request(), shipped, findings=[earlier]).ok
    assert not resolve(Request(), shipped, findings=[fatal]).ok
    assert not resolve(Request(framework="nonsense"), shipped, findings=[earlier]).ok


# ------------------------------------------------------------------------------------------------- models


@pytest.mark.parametrize(
    ("name", "match", "family"),
    [
        ("Qwen/Qwen3-4B", "exact", "qwen3"), ("qwen/QWEN3-4b", "exact", "qwen3"),
        ("Qwen/Qwen3-4B-FP8", "pattern", "qwen3"), ("meta-llama/Llama-2-7b-chat-hf", "exact", "llama-2"),
        ("mistralai/Mistral-7B-Instruct-v0.3", "exact", "mistral-7b"),
        ("mistralai/Mixtral-8x7B-Instruct-v0.1", "exact", "mixtral"),
        ("codellama/CodeLlama-7b-Instruct-hf", "exact", "codellama"), ("tiiuae/falcon-7b", "pattern", "falcon"),
        ("lmsys/vicuna-7b-v1.5", "exact", "vicuna"), ("acme/unknown", "none", None), ("s3://bucket/x/", "none", None),
        ("./qwen3", "none", None),
    ],
)  # fmt: skip
def test_models_match_exactly_then_by_pattern(shipped: Registry, name: str, match: str, family: str | None) -> None:
    model = ask(shipped, model_name=name, instance_type="ml.p4d.24xlarge").model
    assert model is not None
    assert (model["id"], model["match"], model["family"]) == (name, match, family)
    assert (model["matched"] is None) is (match == "none")


def test_the_fitting_profile_is_the_default(shipped: Registry) -> None:
    """model_profile: default applies the profile whose own pattern fits the id (the seed's 7b)."""
    for name, profile in (("meta-llama/Llama-2-7b-chat-hf", "7b"), ("meta-llama/Llama-2-70b-chat-hf", "70b")):
        model = ask(shipped, model_name=name, instance_type="ml.p4d.24xlarge").model
        assert model is not None and model["profile"] is not None and profile in model["profile"]


def test_a_model_outside_the_hub_is_mounted(shipped: Registry) -> None:
    for name in ("s3://bucket/x/", "./m"):
        plan = ask(shipped, model_name=name, **G5)
        assert plan.env_vars["SM_VLLM_MODEL"].value == "/opt/ml/model"
    assert ask(shipped, **G5).env_vars["SM_VLLM_MODEL"].value == "Qwen/Qwen3-4B"


def test_compatibility_errors_list_releases_that_work(shipped: Registry) -> None:
    plan = ask(shipped, framework_version="0.7.3", instance_type="ml.g5.xlarge")
    finding = one(plan, "model-unsupported")
    assert finding.hint.startswith("choose one of 0.33.0, 0.32.0") and "more" in finding.hint
    assert "0.7.3" not in finding.hint
    assert ask(shipped, framework_version="0.8.5", instance_type="ml.g5.xlarge").ok


@pytest.mark.parametrize(
    ("answer", "model", "source", "has_text"),
    [
        ("auto", "Qwen/Qwen3-4B", "model_repository", False),
        ("none", "Qwen/Qwen3-4B", "none", False),
        ("./mine.jinja", "Qwen/Qwen3-4B", "User_Input", True),
        ("auto", "lmsys/vicuna-7b-v1.5", "Model_Registry", True),
        ("auto", "acme/unknown", "none", False),
    ],
)
def test_where_the_chat_template_comes_from(
    shipped: Registry, answer: str, model: str, source: str, has_text: bool
) -> None:
    plan = resolve(
        Request(chat_template=answer, model_name=model, **G5), shipped, chat_template_text="{{ messages }}"
    )
    assert plan.model is not None and plan.model["chat_template_source"] == source
    assert (plan.chat_template_text is not None) is has_text
    assert ("chat_template" in plan.settings) is has_text
    if source in SOURCES:
        assert source in plan.sources


# ------------------------------------------------------------------------------------------------- instance, AMI


@pytest.mark.parametrize(
    ("instance_type", "model", "expected"),
    [
        ("ml.g5.xlarge", "Qwen/Qwen3-4B", 1),
        ("ml.g5.12xlarge", "Qwen/Qwen3-4B", 4),
        ("ml.p4d.24xlarge", "Qwen/Qwen3-4B", 8),
        ("ml.g5.12xlarge", "tiiuae/falcon-7b", 1),
    ],
)
def test_tensor_parallelism_defaults_to_the_gpus_that_divide_the_heads(
    shipped: Registry, instance_type: str, model: str, expected: int
) -> None:
    """Qwen3-4B has 32 heads; Falcon-7B has 71, a prime number."""
    plan = ask(shipped, instance_type=instance_type, model_name=model, framework_version="0.30.0")
    setting = plan.settings["tensor_parallel_size"]
    assert (setting.value, setting.source) == (expected, "Generator_Default")


def test_the_context_defaults_to_the_smaller_of_model_and_memory(shipped: Registry) -> None:
    assert ask(shipped, **G5).settings["max_model_len"].value == 40960
    small = ask(shipped, **G5, model_name="meta-llama/Llama-3.1-8B-Instruct").settings["max_model_len"]
    assert 2048 <= small.value < 131072 and small.source == "Generator_Default" and small.value % 1024 == 0
    short = ask(shipped, **G5, model_name="lmsys/vicuna-7b-v1.5")
    assert short.settings["max_model_len"].value == 4096 and not named(short, "context-limited")


def test_dtype_is_float16_where_bfloat16_is_missing(shipped: Registry) -> None:
    plan = ask(
        shipped, instance_type="ml.g4dn.xlarge", framework_version="0.30.0", model_name="Qwen/Qwen2.5-1.5B-Instruct"
    )
    assert (plan.settings["dtype"].value, plan.settings["dtype"].source) == ("float16", "Generator_Default")
    assert "dtype" not in ask(shipped, **G5).settings


def test_auto_names_the_types_it_looked_at(shipped: Registry) -> None:
    plan = ask(shipped)
    types = [c.instance_type for c in plan.candidates]
    assert types[0] == plan.instance_type and len(types) == len(set(types)) and len(types) >= 3
    cheaper = [c for c in plan.candidates if (c.price_usd_hour or 0) < (plan.price_usd_hour or 0)]
    assert cheaper and all(c.verdict != "ok" and c.reason for c in cheaper)
    assert ask(shipped, instance_type="ml.g5.xlarge").candidates == ()


def test_auto_takes_the_fewest_warnings_when_none_is_free_of_them(shipped: Registry) -> None:
    """TensorRT-LLM 1.2 is CUDA 13.1: on driver 580 that is a warning everywhere."""
    plan = ask(shipped, model_server="tensorrt-llm", framework_version="1.2.1")
    finding = one(plan, "auto-with-warnings")
    assert plan.ok and plan.instance_type is not None
    assert finding.severity == "warning" and plan.instance_type in finding.message and finding.facts


def test_auto_refuses_what_fits_nowhere(shipped: Registry) -> None:
    """Sixteen GPUs exist only with a GPU that CUDA 13 does not know."""
    plan = ask(shipped, framework_version="0.30.0", env_vars={"tensor_parallel_size": 16})
    assert "tensor-parallel-devices" in errors(plan) or "compute-capability" in errors(plan)
    assert plan.instance_type is not None


def test_batch_has_amis_and_types_of_its_own(shipped: Registry) -> None:
    plan = ask(shipped, deployment_target="batch")
    assert plan.ok and plan.inference_ami_version == "al2-ami-sagemaker-batch-gpu-535"
    assert plan.instance is not None and plan.instance.transform
    old = ask(shipped, deployment_target="batch", instance_type="ml.p2.xlarge", framework_version="0.30.0")
    assert not old.ok


@pytest.mark.parametrize("instance_type", ["ml.inf2.xlarge", "ml.trn1.2xlarge", "ml.g5.xlarge", "ml.g6.xlarge"])
@pytest.mark.parametrize("ami", ["auto", "default", "nope"])
def test_hints_for_batch_name_only_amis_batch_takes(shipped: Registry, instance_type: str, ami: str) -> None:
    """Advice that the next run would refuse is no advice; batch transform knows no Neuron AMI."""
    plan = ask(shipped, deployment_target="batch", instance_type=instance_type, inference_ami_version=ami)
    named = {name for f in plan.findings for name in re.findall(r"inference_ami_version=([\w-]+)", f.hint)}
    assert named <= {"auto", *shipped.amis.transform_amis}
    facts = [fact for f in plan.findings if f.name == "unknown-ami" for fact in f.facts]
    assert [fact.key for fact in facts] == (["transform_amis"] if ami == "nope" else [])


def test_a_profile_of_a_layer_is_checked_for_every_framework(tmp_path: Path) -> None:
    """Where a layer gives scikit-learn profiles, one that does not exist is refused, not passed over."""
    text = "profiles:\n  quick:\n    title: Quick\n    description: Nothing but a name.\n    settings: {}\n"
    registry = layered(tmp_path, frameworks__sklearn=text)
    assert ask(registry, framework="sklearn", framework_profile="quick").ok
    refused = one(ask(registry, framework="sklearn", framework_profile="quik"), "does-not-apply")
    assert (refused.field, refused.hint) == ("framework_profile", "did you mean quick?")


def test_a_type_without_a_price_may_be_named(shipped: Registry) -> None:
    plan = ask(shipped, instance_type="ml.p5e.48xlarge", framework_version="0.30.0")
    assert plan.ok and plan.price_usd_hour is None and plan.price_basis is None
    assert severities(plan, "price-unknown") == ["info"]


def test_a_region_without_the_image_is_refused(shipped: Registry) -> None:
    plan = ask(shipped, region="mars-north-1", framework_version="0.30.0", image_source="aws")
    assert errors(plan) == ["image-not-in-region"] and plan.base_image is None
    assert plan.instance_type == "ml.g6.xlarge"


# ------------------------------------------------------------------------------------------------- settings


def test_validate_env_vars_false_silences_settings_only(shipped: Registry) -> None:
    wrong = {"max_modle_len": 1, "dtype": "float8", "max_num_seqs": "many", "swap_space": 1, "port": 1}
    assert set(errors(ask(shipped, **G5, env_vars=wrong))) == {
        "unknown-setting", "setting-choice", "setting-type", "setting-not-in-release", "setting-fixed",
    }  # fmt: skip
    assert ask(shipped, **G5, env_vars=wrong, validate_env_vars=False).ok
    kept = {
        "accelerator-mismatch": {"instance_type": "ml.m5.large"},
        "model-does-not-fit": {**G5, "model_name": LLAMA70},
        "secret-in-answer": {**G5, "env_vars": {"HF_TOKEN": "x"}},
        "value-unquotable": {**G5, "env_vars": {"A": "a\nb"}},
        "model-unsupported": {"framework_version": "0.7.3", "instance_type": "ml.g5.xlarge"},
    }
    for name, request in kept.items():
        assert name in errors(ask(shipped, **request, validate_env_vars=False)), name  # type: ignore[arg-type]


OWN_FAMILY = """\
kind: model_family
id: own
title: own
provenance: {source: [me], checked: "2026-01-31", basis: documented}
patterns:
  - match: "own/*"
    must_match: [own/a]
    must_not_match: [x/y]
"""


@pytest.mark.parametrize("value", ["'" + "x" * 1025 + "'", "{a: " + "\u00e9" * 400 + "}", "0x" + "f" * 4000])
def test_no_value_of_a_layer_reaches_a_file_that_cannot_hold_it(tmp_path: Path, value: str) -> None:
    """`validate` tells the line; should a value get past it, the plan is refused and names the file."""
    folder = tmp_path / "models"
    folder.mkdir()
    text = OWN_FAMILY + f"settings:\n  hf_overrides: {value}\n"
    (folder / "own.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(RegistryError) as caught:
        Registry.load([str(tmp_path)], environ={})
    line = text.count("\n")
    assert [(f.code, f.source) for f in caught.value.findings] == [("MCC553", f"{folder}/own.yaml:{line}")]
    loaded = load_documents(shipped_root(), [tmp_path])
    assert not loaded.faults
    plan = ask(Registry(loaded), **G5, model_name="own/a")
    (found,) = [f for f in plan.findings if f.name == "value-unquotable"]
    assert found.severity == "error" and found.source == f"{folder}/own.yaml" and "Model_Registry" in found.message


def test_a_value_that_grows_when_it_is_written_is_refused(shipped: Registry) -> None:
    """JSON is written in ASCII: 400 letters with an accent are 2400 characters then."""
    typed = '{"a": "' + "\u00e9" * 400 + '"}'
    for name in ("hf_overrides", "SM_VLLM_HF_OVERRIDES"):
        assert "value-unquotable" in errors(ask(shipped, **G5, env_vars={name: typed})), name


def test_a_large_number_arrives_in_decimal(shipped: Registry) -> None:
    plan = ask(shipped, **G5, env_vars={"NCCL_I": 12345678901234567890})
    assert plan.ok and plan.env_vars["NCCL_I"].value == "12345678901234567890"


def test_other_variables_pass_with_an_info(shipped: Registry) -> None:
    plan = ask(shipped, **G5, env_vars={"NCCL_DEBUG": "INFO"})
    assert plan.ok and plan.env_vars["NCCL_DEBUG"].value == "INFO"
    assert plan.env_vars["NCCL_DEBUG"].source == "User_Input"
    assert severities(plan, "variable-passed-through") == ["info"]


def test_user_input_is_a_source_only_when_something_was_decided(shipped: Registry) -> None:
    assert "User_Input" not in ask(shipped).sources
    assert "User_Input" not in ask(shipped, project_name="x", offline=True).sources
    assert "User_Input" in ask(shipped, region="eu-west-1").sources
    assert "Model_Registry" in ask(shipped).sources and "Framework_Registry" in ask(shipped).sources


def test_a_named_revision_reaches_the_engine(shipped: Registry) -> None:
    plan = ask(shipped, **G5, model_revision="abc123")
    assert (
        plan.env_vars["SM_VLLM_REVISION"].value == "abc123"
        and plan.env_vars["SM_VLLM_REVISION"].source == "User_Input"
    )
    assert plan.model is not None and plan.model["revision"] == "abc123"
    assert "SM_VLLM_REVISION" not in ask(shipped, **G5).env_vars


# ------------------------------------------------------------------------------------------------- policy

POLICY = """\
kind: policy
reason: approved by the platform team
allow:
  instance_types:
    - "ml.g5.*"
  image_hosts:
    - "*.dkr.ecr.*.amazonaws.com"
  regions:
    - "us-*"
  model_servers:
    - vllm
"""


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    folder: Path = tmp_path_factory.mktemp("strict")
    return layered(folder, policy=POLICY)


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        ({"instance_type": "ml.g6.xlarge"}, "instance_type"),
        ({"region": "eu-west-1"}, "region"),
        ({"model_server": "sglang"}, "model_server"),
        ({"image_source": "upstream"}, "image_source"),
    ],
)
def test_what_a_policy_forbids_is_refused_with_its_reason(
    strict: Registry, shipped: Registry, request_: dict[str, str], field: str
) -> None:
    finding = next(f for f in ask(strict, **request_).findings if f.name == "not-allowed")
    assert (finding.severity, finding.field) == ("error", field)
    assert "approved by the platform team" in finding.message and finding.hint.startswith("allowed: ")
    assert finding.source.endswith("policy.yaml")
    assert not named(ask(shipped, **request_), "not-allowed")


def test_auto_stays_within_the_policy(strict: Registry) -> None:
    plan: Plan = ask(strict)
    assert plan.ok and plan.instance_type == "ml.g5.xlarge"
    assert all(c.instance_type.startswith("ml.g5.") for c in plan.candidates)


@pytest.mark.parametrize(
    ("hosts", "asked", "host"),
    [
        ("docker.io", {}, "docker.io"),
        ("docker.io", {"instance_type": "ml.g6.xlarge"}, "docker.io"),
        ("docker.io", {"instance_type": "ml.g6.xlarge", "framework_version": "0.30.0"}, "docker.io"),
        ("public.ecr.aws", {"instance_type": "ml.inf2.xlarge"}, "public.ecr.aws"),
        (
            "*.dkr.ecr.*.amazonaws.com",
            {"framework_version": ">=0.30"},
            "763104351884.dkr.ecr.us-east-1.amazonaws.com",
        ),
    ],
)
def test_an_allowed_image_is_chosen(tmp_path: Path, hosts: str, asked: dict[str, str], host: str) -> None:
    """A layer that allows some hosts only: the choice falls on an image from there, not on a refusal afterwards."""
    text = f'kind: policy\nreason: mirrored hosts only\nallow:\n  image_hosts:\n    - "{hosts}"\n'
    plan = ask(layered(tmp_path, policy=text), **asked)
    assert not named(plan, "not-allowed"), [f.message for f in plan.findings]
    first = (plan.base_image or "").split("/")[0]
    assert (first if "." in first else "docker.io") == host


def test_no_allowed_image_is_an_error(tmp_path: Path) -> None:
    text = 'kind: policy\nreason: our own mirror\nallow:\n  image_hosts:\n    - "mirror.example.org"\n'
    plan = ask(layered(tmp_path, policy=text), instance_type="ml.g6.xlarge")
    assert one(plan, "not-allowed").field == "image_source" and not plan.ok


def test_settings_are_judged_beside_a_version_that_no_release_satisfies(shipped: Registry) -> None:
    """One report for everything that is wrong whatever the release; what only one release refuses is left out."""
    wrong = {"gpu_memory_utilization": 1.5, "tensor_paralel_size": 2, "max_num_seqs": 8}
    plan = ask(shipped, framework_version=">=99", env_vars=wrong)
    assert sorted(f.name for f in plan.findings if f.severity == "error") == [
        "no-release",
        "setting-range",
        "unknown-setting",
    ]
    assert [f.name for f in ask(shipped, framework_version=">=99").findings] == ["no-release"]
