"""Requests whose whole plans are recorded: every server, kind of accelerator, target, way to match, and refusal."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from mcc_registry.docker import ImageFacts
from mcc_registry.hub_facts import HubFacts
from tests.unit.core_kit import TOKEN


@dataclass(frozen=True)
class PlanCase:
    """A request, the layer it is asked under, and what the Hub, Docker and a template file add."""

    name: str
    request: dict[str, Any] = field(default_factory=dict)
    layer: str = ""
    more: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name


def case(name: str, layer: str = "", more: dict[str, Any] | None = None, **request: Any) -> PlanCase:
    return PlanCase(name, request, layer, more or {})


def hub(**values: Any) -> dict[str, Any]:
    """What the Hub says of a model: the status ``found`` unless told otherwise."""
    return {"hub": HubFacts(**{"status": "found", "model_id": "m", "message": "", **values})}


def found(image: str, **values: Any) -> ImageFacts:
    """What an inspection found in an image."""
    return ImageFacts(image, **{"was_run": True, **values})


def docker(*images: ImageFacts) -> dict[str, Any]:
    return {"docker": images[0] if len(images) == 1 else list(images)}


G5, G6 = {"instance_type": "ml.g5.xlarge"}, {"instance_type": "ml.g6.xlarge"}
EXACT = {"framework_version": "0.30.0", **G5}
LLAMA = "meta-llama/Llama-3.1-8B-Instruct"
BIG = "meta-llama/Llama-3.3-70B-Instruct"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:t"
CONFIG = {
    "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 4096, "num_hidden_layers": 32,
    "num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 128, "vocab_size": 128256,
    "max_position_embeddings": 8192, "torch_dtype": "bfloat16", "intermediate_size": 14336,
}  # fmt: skip

SERVERS = [
    case("default"),
    case("sglang", model_server="sglang"),
    case("lmi", model_server="lmi"),
    case("djl", model_server="djl"),
    case("tensorrt-llm", model_server="tensorrt-llm"),
    case("sklearn", framework="sklearn"),
    case("sklearn flask", framework="sklearn", model_server="flask", instance_type="ml.c7g.large"),
    case("xgboost", framework="xgboost", include_sample=False),
    case("tensorflow", framework="tensorflow", framework_version="latest", **G5),
    case("sklearn batch", framework="sklearn", deployment_target="batch"),
]

VERSIONS = [
    case("latest", framework_version="latest"),
    case("latest sglang", model_server="sglang", framework_version="latest", **G6),
    case("a specifier", framework_version=">=0.16,<0.20"),
    case("a specifier and neuron", framework_version="<0.11", instance_type="ml.inf2.xlarge"),
    case("a specifier nothing satisfies", framework_version="==99.*"),
    case("no version", framework_version="newest"),
    case("no version, near", framework_version="latets"),
    case("between two rows", framework_version="0.30.7", **G5),
    case("below all rows", framework_version="0.1.0", **G5),
    case("above all rows", framework_version="99.0", **G5),
    case("unlisted sklearn", framework="sklearn", framework_version="1.8.9"),
    case("unlisted tensorflow", framework="tensorflow", framework_version="2.20.7"),
    case("unlisted lmi", model_server="lmi", framework_version="0.29.9"),
    case("unlisted neuron", framework_version="0.10.9", instance_type="ml.trn1.2xlarge"),
    case("a pre-release", model_server="tensorrt-llm", framework_version="1.4.0rc1"),
    case("upstream", image_source="upstream"),
    case("aws for a release without it", framework_version="0.33.0", image_source="aws", **G5),
    case("aws for any", framework_version="latest", image_source="aws", **G5),
    case("upstream sglang", model_server="sglang", image_source="upstream", **G6),
]

PLACES = [
    case("named type", **EXACT),
    case("several GPUs", instance_type="ml.g5.12xlarge"),
    case("eight GPUs", instance_type="ml.p5.48xlarge", model_name=BIG),
    case("no bf16", instance_type="ml.g4dn.xlarge"),
    case("old GPU", instance_type="ml.p3.2xlarge"),
    case("older GPU", instance_type="ml.p2.xlarge"),
    case("newest GPU", instance_type="ml.p6-b300.48xlarge"),
    case("arm64 GPU", instance_type="ml.p6e-gb200.36xlarge"),
    case("inf2", instance_type="ml.inf2.xlarge"),
    case("inf2 lmi", model_server="lmi", instance_type="ml.inf2.8xlarge"),
    case("trn1", instance_type="ml.trn1.32xlarge"),
    case("trn2", instance_type="ml.trn2.48xlarge"),
    case("inf1", instance_type="ml.inf1.xlarge"),
    case("gaudi", instance_type="ml.dl1.24xlarge"),
    case("a CPU type", instance_type="ml.m5.large"),
    case("unknown type", instance_type="ml.g5.xlrage"),
    case("unknown type sklearn", framework="sklearn", instance_type="ml.m5.mega", env_vars={"X": "a\nb"}),
    case("unknown type and version", instance_type="nope", framework_version="==99.*"),
    case("unknown type and setting", instance_type="ml.t2.micro", env_vars={"max_modle_len": 1}),
    case("unknown type neuron only", instance_type="ml.x9.large", framework_version="0.7.2", image_source="aws"),
    case("default AMI", inference_ami_version="default", **EXACT),
    case("a named AMI", inference_ami_version="al2-ami-sagemaker-inference-gpu-2", **EXACT),
    case("an AMI for auto", inference_ami_version="al2-ami-sagemaker-inference-gpu-2"),
    case(
        "an old AMI for auto", inference_ami_version="al2-ami-sagemaker-inference-gpu-3-1", framework_version="0.30.0"
    ),
    case("an unknown AMI", inference_ami_version="al2023-ami-sagemaker-inference-gpu-4-2", **G5),
    case("async", deployment_target="async", region="eu-west-1"),
    case("batch", deployment_target="batch"),
    case("batch on a type", deployment_target="batch", framework_version="0.19.1", **G6),
    case("batch where it does not exist", deployment_target="batch", instance_type="ml.p5.48xlarge"),
    case("china", region="cn-north-1"),
    case("china upstream", region="cn-north-1", image_source="upstream", **G5),
    case("mars", region="mars-north-1"),
    case("mars from aws", region="mars-north-1", image_source="aws", **EXACT),
    case("gov", region="us-gov-west-1", **EXACT),
    case("no warnings to be free of", framework_version="0.19.1", inference_ami_version="default"),
]

MODELS = [
    case("gated", model_name=LLAMA, **EXACT),
    case("gated with a token", model_name=LLAMA, hf_token_secret_arn=ARN),
    case("too big for the type", model_name=BIG, **G6),
    case("too big, auto", model_name=BIG),
    case("too big for all", model_name="meta-llama/Llama-3.1-405B-Instruct", instance_type="ml.g6e.xlarge"),
    case("too big for auto", model_name="meta-llama/Llama-3.1-405B-Instruct", env_vars={"tensor_parallel_size": 1}),
    case("mixture of experts", model_name="Qwen/Qwen3-30B-A3B"),
    case("experts too big", model_name="Qwen/Qwen3-30B-A3B", **G6),
    case("latent attention", model_name="deepseek-ai/DeepSeek-V3-0324"),
    case("mxfp4", model_name="openai/gpt-oss-20b", **G6),
    case("pictures", model_name="Qwen/Qwen2.5-VL-7B-Instruct", **G6),
    case("encoder", model_name="BAAI/bge-small-en-v1.5"),
    case("pattern", model_name="Qwen/Qwen3-4B-Base", **EXACT),
    case("pattern with a profile", model_name="Qwen/Qwen3-8B-Mine", model_profile="8b", **G6),
    case("quantised copy", model_name="Qwen/Qwen3-8B-AWQ", **EXACT),
    case("quantised fp8", model_name="Qwen/Qwen3-8B-FP8", **G6),
    case("a copy of a 70B", model_name="meta-llama/Llama-3.3-70B-Instruct-AWQ", instance_type="ml.g5.12xlarge"),
    case("unknown model", model_name="acme/unknown"),
    case("local model", model_name="./weights", chat_template="chat.jinja", more={"chat_template_text": "{{ x }}"}),
    case("model in S3", model_name="s3://bucket/prefix/", deployment_target="async", s3_bucket="mine"),
    case("a revision", model_revision="refs/pr/1", **EXACT),
    case("a profile nobody has", model_profile="13b", **G5),
    case("a profile, near", model_profile="4bb", **G5),
    case("a framework profile nobody has", framework_profile="slow", **G5),
    case("framework profile", framework_profile="low-latency", **EXACT),
    case("framework profile fp8", framework_profile="fp8", model_name=LLAMA, **G6),
    case("framework profile neuron", framework_profile="low-latency", instance_type="ml.inf2.xlarge"),
    case("framework profile before its time", framework_profile="multi-gpu", framework_version="0.10.0", **G5),
    case("chat template file", chat_template="chat.jinja", more={"chat_template_text": "{{ messages }}"}, **EXACT),
    case("no chat template", chat_template="none", **EXACT),
    case("a short context", model_name=LLAMA, env_vars={"max_model_len": 2048}, **EXACT),
    case("a long context", model_name=LLAMA, env_vars={"max_model_len": 131072}, **EXACT),
    case("close to say", model_name="Qwen/Qwen3-8B", env_vars={"max_model_len": 12288}, **EXACT),
    case(
        "many sequences", model_name="Qwen/Qwen3-8B", env_vars={"max_num_seqs": 256, "max_model_len": 8192}, **EXACT
    ),
    case("a small share", env_vars={"gpu_memory_utilization": 0.4}, **EXACT),
    case("cache in fp8", model_name=LLAMA, env_vars={"kv_cache_dtype": "fp8", "quantization": "fp8"}, **G6),
    case("float32", env_vars={"dtype": "float32"}, **EXACT),
    case("float16 asked for", env_vars={"dtype": "float16"}, instance_type="ml.g4dn.xlarge"),
    case("more ranks than GPUs", env_vars={"tensor_parallel_size": 8}, instance_type="ml.g5.12xlarge"),
]

SETTINGS = [
    case("settings of every kind", env_vars={
        "max_num_seqs": 8, "SM_VLLM_MAX_MODEL_LEN": "4096", "enable_prefix_caching": False, "NCCL_DEBUG": "INFO",
        "VLLM_LOGGING_LEVEL": "DEBUG", "trust_remote_code": True, "ZZZ": None}, **EXACT),
    case("the negated form", env_vars={"SM_VLLM_NO_ENABLE_PREFIX_CACHING": "true"}, **EXACT),
    case("unknown but not judged", env_vars={"zzz_unknown": 1, "max_num_seqs": "many"}, validate_env_vars=False, **EXACT),
    case("secrets", env_vars={"MY_API_KEY": "hunter22", "OTHER": "hunter22", "X": TOKEN, "seed": 3}, **EXACT),
    case("wrong in every way", env_vars={"max_num_seqs": -1, "dtype": "float8", "port": 1, "swap_space": 2,
                                         "max_modle_len": 3}, **EXACT),
    case("sglang settings", model_server="sglang", env_vars={"context_length": 4096, "mem_fraction_static": 0.7}, **G6),
    case("lmi settings", model_server="lmi", env_vars={"max_model_len": 4096, "OPTION_DTYPE": "fp16"}, **G6),
    case("wrong answers", framework_version=3, region=None, env_vars=[1], include_sample="maybe", offline="yes"),
    case("no such framework", framework="keras"),
    case("no such server", model_server="tgi"),
    case("does not apply", framework="sklearn", model_name="gpt2", chat_template="none"),
    case("everything given", project_name="p", role_arn="arn:aws:iam::123456789012:role/r", s3_bucket="my-bucket",
         offline=True, region="us-west-2"),
    case("only what decides nothing", project_name="p", offline=True),
]  # fmt: skip

HUB = [
    case("hub: known", more=hub(commit=COMMIT, gated=True, weight_bytes=8_000_000_000, config=CONFIG), **EXACT),
    case("hub: known and its revision", model_revision="main", more=hub(commit=COMMIT, gated=False), **EXACT),
    case("hub: a pattern", model_name="Qwen/Qwen3-4B-Mine",
         more=hub(weight_bytes=9_000_000_000, config={**CONFIG, "quantization_config": {"quant_method": "awq", "bits": 4}}),
         **EXACT),
    case("hub: a pattern in its own format", model_name="Qwen/Qwen3-4B-Mine", more=hub(config=CONFIG), **EXACT),
    case("hub: unknown to us", model_name="acme/new-8b", more=hub(
        commit=COMMIT, gated=False, config=CONFIG, parameter_count=8_030_261_248, weight_bytes=16_060_556_376,
        chat_template_source="tokenizer_config.json", chat_template="{{ m }}"), **G6),
    case("hub: unknown, without config", model_name="acme/new-8b", more=hub(gated=True), **G6),
    case("hub: not found", model_name="acme/new-8b", more=hub(status="not-found", config=CONFIG), **G6),
    case("hub: gated", model_name="acme/new-8b", more=hub(status="gated", gated=True, config=CONFIG,
                                                          parameter_count=8_030_261_248), **G6),
    case("hub: of a local model", model_name="./weights", more=hub(config=CONFIG, gated=True, commit=COMMIT), **G6),
]  # fmt: skip

VLLM = "vllm/vllm-openai:v0.30.0"
UPSTREAM = {"framework_version": "0.30.0", "image_source": "upstream"}
LMI = "763104351884.dkr.ecr.us-east-1.amazonaws.com/djl-inference:0.38.0-lmi29.0.0-cu130"
INTEL = {"architecture": "amd64"}
DOCKER = [
    case("docker: all agrees", more=docker(found(
        VLLM, config=INTEL, cuda="13.0.2", python="3.12.3", packages={"vllm": "0.30.0+cu130", "torch": "2.13.0"})), **UPSTREAM),
    case("docker: nothing found", more=docker(found(VLLM)), **UPSTREAM),
    case("docker: another image", more=docker(found("else/where:1", cuda="11.8")), **UPSTREAM),
    case("docker: a listed version", more=docker(found(
        VLLM, config=INTEL, cuda="12.9.1", packages={"vllm": "0.19.1"})), **UPSTREAM),
    case("docker: an unlisted version", more=docker(found(VLLM, cuda="13.0", packages={"vllm": "0.30.9.dev1+g12"})), **UPSTREAM),
    case("docker: a pre-release", more=docker(found(VLLM, packages={"vllm": "0.30.0rc1"})), **UPSTREAM),
    case("docker: a post-release", more=docker(found(VLLM, packages={"vllm": "0.30.0.post1"})), **UPSTREAM),
    case("docker: no version", more=docker(found(VLLM, packages={"vllm": "main"})), **UPSTREAM),
    case("docker: another CUDA", more=docker(found(VLLM, cuda="12.8", packages={"vllm": "0.30.0"})), **UPSTREAM),
    case("docker: another engine", more=docker(found(
        VLLM, packages={"vllm": "0.30.0", "torch": "2.12.1+cu130"}, python="3.11.4")), framework_version="0.30.0",
        image_source="upstream", instance_type="ml.g6.12xlarge"),
    case("docker: for arm64", more=docker(found(VLLM, config={"architecture": "arm64"})), **UPSTREAM),
    case("docker: for something odd", more=docker(found(VLLM, config={"architecture": "riscv"})), **UPSTREAM),
    case("docker: the image of a region", region="eu-west-1", framework_version="0.30.0", more=docker(found(
        "763104351884.dkr.ecr.eu-west-1.amazonaws.com/vllm:0.30.0-gpu-py312-cu130-ubuntu24.04-sagemaker", cuda="12.8"))),
    case("docker: the image of another region", framework_version="0.30.0", more=docker(found(
        "763104351884.dkr.ecr.eu-west-1.amazonaws.com/vllm:0.30.0-gpu-py312-cu130-ubuntu24.04-sagemaker", cuda="12.8"))),
    case("docker: the image nobody can name", framework_version="0.30.0", region="mars-north-1",
         more=docker(found("", cuda="12.8"))),
    case("docker: one of two builds", framework_version="0.30.0", more=docker(found(
        VLLM, packages={"vllm": "0.30.0", "torch": "2.99"}))),
    case("docker: lmi", model_server="lmi", framework_version="29.0.0", more=docker(found(
        LMI, config={"djl_serving": "0.37.0"}, packages={"vllm": "0.27.1+cu130"}, python="3.12.11", cuda="13.0"))),
    case("docker: lmi agrees", model_server="lmi", framework_version="29.0.0", more=docker(found(
        LMI, config={"djl_serving": "0.38.0", "architecture": "x86_64"}, packages={"vllm": "0.28.0.1"}))),
    case("docker: sklearn", framework="sklearn", more=docker(found("python:3.13-slim", python="3.12.1", cuda="12.8",
                                                                   packages={"vllm": "1.0"}))),
    case("docker: sklearn agrees", framework="sklearn", more=docker(found("python:3.13-slim", python="3.13"))),
    case("docker: two images", more=docker(found(VLLM, cuda="13.0"), found("x/y:1", cuda="12.1")), **UPSTREAM),
]  # fmt: skip

LAYERED = [
    case("team: allowed", layer="team", region="us-west-2"),
    case("team: forbidden", layer="team", model_server="sglang", region="eu-west-1", instance_type="ml.g5.xlarge"),
    case("team: image forbidden", layer="team", image_source="upstream", instance_type="ml.g6.xlarge"),
    case("team: sklearn", layer="team", framework="sklearn", model_server="flask"),
    case("hub-only: image forbidden", layer="hub-only", image_source="aws", **EXACT),
    case("hub-only: another source", layer="hub-only"),
    case("guards: default", layer="guards"),
    case("guards: named without a price", layer="guards", **EXACT),
    case("guards: skipped settings", layer="guards", framework_version="0.16.0", model_name="acme/toy-7b", **G6),
    case("guards: a profile", layer="guards", framework_version="0.30.0", model_name="acme/toy-7b", **G6),
    case("guards: no profile", layer="guards", framework_version="0.30.0", model_name="acme/toy-9b", **G6),
    case("guards: a profile named", layer="guards", model_name="acme/toy-9b", model_profile="7b",
         framework_profile="low-latency", env_vars={"max_num_seqs": 19}, framework_version="0.30.0", **G6),
    case("guards: a copy", layer="guards", model_name="acme/toy-7b-FP8", **G6),
    case("guards: sglang", layer="guards", model_server="sglang", model_name="acme/toy-7b", **G6),
    case("guards: T4", layer="guards", model_name="acme/toy-9b", instance_type="ml.g4dn.xlarge"),
    case("guards: a template nobody has", layer="guards", model_name="acme/exact-1b", **G6),
    case("guards: ships its own", layer="guards", model_name="acme/exact-2b", **G6),
    case("guards: the hub ships one", layer="guards", model_name="acme/toy-7b", **G6, more=hub(
        chat_template_source="chat_template.jinja", config=CONFIG, weight_bytes=15_000_000_000)),
    case("guards: an AMI of the release", layer="guards", framework_version="0.10.0", **G5),
]  # fmt: skip

BIG_ACME = {"layer": "guards", "model_name": "acme/big-30b"}
G6E = {"instance_type": "ml.g6e.xlarge"}
GUARDED = [
    case("guards: big, auto", **BIG_ACME),
    case("guards: big on g6", **BIG_ACME, **G6),
    case("guards: big on g6e", **BIG_ACME, **G6E),
    case("guards: big on g6e, a length", env_vars={"max_model_len": 4096}, **BIG_ACME, **G6E),
    case("guards: big on g6e, its context", env_vars={"max_model_len": 32768}, **BIG_ACME, **G6E),
    case("guards: big on g5", env_vars={"max_model_len": 16384}, **BIG_ACME, **G5),
    case("guards: big, quantized", env_vars={"quantization": "fp8"}, **BIG_ACME, **G6E),
    case("guards: big on T4", **BIG_ACME, instance_type="ml.g4dn.12xlarge"),
    case("guards: big on two ranks", env_vars={"tensor_parallel_size": 2}, **BIG_ACME, instance_type="ml.g6.12xlarge"),
    case("guards: big, too new", framework_version="0.33.0", **BIG_ACME, **G6E),
    case("guards: big, newest of all", framework_version=">=0.16", **BIG_ACME, **G6E),
    case("guards: big, sglang", model_server="sglang", **BIG_ACME, **G6E),
    case("guards: big AWQ", layer="guards", model_name="acme/big-30b-AWQ", **G6),
    case("guards: big GPTQ", layer="guards", model_name="acme/big-30b-GPTQ-Int4", framework_version="0.29.0", **G6),
    case("guards: big FP8", layer="guards", model_name="acme/big-30b-FP8", **G5),
    case("guards: no tag from aws", layer="guards", framework_version="0.22.0", image_source="aws", **G5),
    case("guards: a tag from upstream", layer="guards", framework_version="0.22.0", **G5),
    case("guards: a tag for neuron", layer="guards", framework_version="0.22.0", instance_type="ml.inf2.xlarge"),
    case("guards: recorded tests", layer="guards", framework_version="0.29.0", **G6),
    case("guards: recorded tests elsewhere", layer="guards", framework_version="0.29.0", instance_type="ml.g4dn.xlarge"),
    case("guards: a level", layer="guards", framework_version="0.31.0", **G6),
    case("guards: the better level", layer="guards", framework_version="recommended", image_source="upstream"),
    case("guards: sklearn has profiles", layer="guards", framework="sklearn", framework_profile="quick"),
    case("guards: sklearn lacks this one", layer="guards", framework="sklearn", framework_profile="quik"),
    case("guards: nowhere to deploy", layer="guards", model_name="acme/big-30b",
         env_vars={"tensor_parallel_size": 1, "dtype": "float32"}),
]  # fmt: skip

TYPES = ["ML.G5.XLARGE", "g5.4xlarge", "ml.g5.99xlarge", "ml.g5.xlarg", "ml.g5", "ml.c5.xlarge", "ml.zz.xlarge",
         "ml.p6-b200.24xlarge", "m5.large", "ml." + "g" * 77, "ml." + "g" * 78]  # fmt: skip
MISSPELT = [case(f"type {name[:20]} {len(name)}", framework="sklearn", instance_type=name) for name in TYPES]

FALLBACK = [
    case("a setting is no reason to fall back", framework_version=">=0.16", env_vars={"swap_space": 4}, **G5),
    case("an old GPU is a reason", framework_version=">=0.8", instance_type="ml.p3.2xlarge"),
    case("no release of a range works", framework_version=">=0.30", instance_type="ml.p2.xlarge"),
    case("latest is no range", framework_version="latest", instance_type="ml.p3.2xlarge"),
    case("a range outside a region", framework_version=">=0.20,<0.31", region="cn-north-1", image_source="aws", **G5),
    case("data parallel", env_vars={"data_parallel_size": 2}, instance_type="ml.g5.12xlarge"),
    case("pipeline parallel", env_vars={"pipeline_parallel_size": 4, "tensor_parallel_size": 1},
         instance_type="ml.g5.12xlarge"),
    case("fp8 weights on an A10G", model_name="Qwen/Qwen3-8B-FP8", **G5),
    case("fp8 weights on an A10G, their words", model_name="Qwen/Qwen3-4B-FP8", env_vars={"kv_cache_dtype": "fp8_e5m2"},
         **G5),
    case("fp4 on Blackwell", env_vars={"quantization": "modelopt_fp4"}, instance_type="ml.g7e.2xlarge"),
    case("packed model in S3", model_name="s3://bucket/model.tar.gz", deployment_target="batch"),
    case("a secret elsewhere", hf_token_secret_arn=ARN, region="eu-west-1"),
    case("a short ARN", hf_token_secret_arn="arn:aws:x", region="eu-west-1"),
    case("a region, near", region="eu-west-9", image_source="upstream"),
    case("bounds of settings", env_vars={"max_model_len": 40960, "gpu_memory_utilization": 1.0, "max_num_seqs": 1}, **EXACT),
    case("beyond bounds in variables", env_vars={"SM_VLLM_MAX_NUM_SEQS": 0, "SM_VLLM_DTYPE": "float8"}, **EXACT),
    case("a length in words", env_vars={"max_model_len": "8k"}, **EXACT),
    case("sixteen variables for batch", deployment_target="batch", env_vars={f"X{i}": "1" for i in range(12)}),
    case("a long value", env_vars={"X": "a" * 1024, "Y": "\x7f", "Z": "\ud800", "W": "\x9f", "V": "\xa0"}),
    case("many bytes", env_vars={f"X{i}": "é" * 1000 for i in range(16)}),
    case("high entropy", env_vars={"SOME_KEY": "aB3dE5fG7hJ9kL1mN2pQ4rS6", "A_KEY": "a" * 30, "KEY_WORDS": "a b " * 9}),
    case("names of secrets", env_vars={"API_TOKENS": "1", "ACCESS_TOKENS": "2", "AUTH_TOKENS": "3", "BATCH_TOKENS": "4",
                                       "X_SECRET_ARN": "5", "MY_AUTH": "", "NOT_SECRETARY": "6"}),
]  # fmt: skip

PLAN_CASES = [
    *SERVERS,
    *VERSIONS,
    *PLACES,
    *MODELS,
    *SETTINGS,
    *HUB,
    *DOCKER,
    *LAYERED,
    *GUARDED,
    *MISSPELT,
    *FALLBACK,
]
