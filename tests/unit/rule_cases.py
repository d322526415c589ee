"""One request per rule that the rule must speak about; used by the rules' own tests and by the one that disables them.

A case is either a request (``ask``) or an image on an instance type (``place``), in front of the shipped registries or,
where the shipped rows hold no such thing, under the small layer ``ODD``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from mcc_registry.checks.base import ImageNeeds
from mcc_registry.hub_facts import HubFacts
from tests.unit.core_kit import TOKEN

ODD = {
    "frameworks__vllm": """\
releases:
  "0.29.0":
    evidence:
      - what: local-run
        where: ml.g5.xlarge
        when: "2026-10-02"
        by: us
        result: answered
        link: https://example.org/report
    deprecated: "2026-10-01"
    end_of_support: "2026-12-01"
    replaced_by: "0.30.0"
parameters:
  - name: must_have
    env: SM_VLLM_MUST_HAVE
    type: str
    required: true
    since: "0.31.0"
  - name: no_off
    env: SM_VLLM_NO_OFF_FORM
    type: flag
    default: true
  - name: no_variable
    type: int
""",
    "instances__g6": """\
types:
  ml.g6.4xlarge:
    price_usd_hour: null
""",
    "models__acme": """\
title: Ours
provenance:
  source:
    - us
  checked: "2026-02-01"
  basis: assumed
  disputed: our other list names another licence
known_issues:
  - id: acme-batch
    what: acme models answer slowly
    versions: ">=0.30"
    instance_families:
      - g5
    image_sources:
      - aws
    models:
      - "acme/*-7b"
    setting: max_num_seqs
    setting_value: 8
    workaround: use another model
patterns:
  - match: "acme/toy-*"
    must_match:
      - acme/toy-7b
    must_not_match:
      - acme/other
    gated: true
    settings:
      trust_remote_code: true
      performance_mode: balanced
models:
  - match: acme/old-7b
    deprecated: "2026-10-01"
    replaced_by: acme/newer-7b
  - match: acme/newer-7b
  - match: acme/older-7b
    replaced_by: acme/old-7b
""",
}
"""Rows the shipped registries do not have: a deprecated release, odd parameters, a type without a price, an issue."""


@dataclass(frozen=True)
class Case:
    """A request, or an image (``image``) on a type with an AMI, and the rule's severity and field there."""

    name: str
    severity: str
    field: str | None
    request: dict[str, Any] = field(default_factory=dict)
    image: ImageNeeds | None = None
    instance_type: str = ""
    ami: str | None = None
    odd: bool = False
    words: str = ""
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.name}-{self.severity}-{self.words[:20].strip()}"


def ask(
    name: str, severity: str, field: str | None, words: str, hint: str = "", odd: bool = False, **request: Any
) -> Case:
    return Case(name, severity, field, request, odd=odd, words=words, hint=hint)


def place(
    name: str, severity: str, field: str, words: str, hint: str, image: ImageNeeds, on: str, ami: str | None = None
) -> Case:
    return Case(name, severity, field, image=image, instance_type=on, ami=ami, words=words, hint=hint)


def cuda(version: str | None, floor: str | None = None, **more: Any) -> ImageNeeds:
    def numbers(text: str | None) -> tuple[int, ...] | None:
        return None if text is None else tuple(int(n) for n in text.split("."))

    return ImageNeeds("cuda", numbers(version), numbers(floor), title="toy 1.0", **more)


def neuron(version: str | None, **more: Any) -> ImageNeeds:
    image = cuda(version, **more)
    return ImageNeeds("neuron", image.version, None, image.architectures, image.devices, "toy 1.0")


CPU = ImageNeeds("cpu", title="toy 1.0")
AMI2 = "al2-ami-sagemaker-inference-gpu-2"
AMI3 = "al2-ami-sagemaker-inference-gpu-3-1"
AMI4 = "al2023-ami-sagemaker-inference-gpu-4-1"
NEURON = "al2-ami-sagemaker-inference-neuron-2"
INSTANCE, AMI, ENV, VERSION = "instance_type", "inference_ami_version", "env_vars", "framework_version"
EXACT = {"framework_version": "0.30.0", "instance_type": "ml.g5.xlarge"}
SECRET_ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:t"

REQUEST = [
    ask("does-not-apply", "error", "model_name", "model_name does not apply to sklearn", "leave model_name out",
        framework="sklearn", model_name="gpt2"),
    ask("does-not-apply", "error", "framework_profile", "does not apply to sklearn", "", framework="sklearn",
        framework_profile="low-latency"),
    ask("does-not-apply", "error", "hf_token_secret_arn", "does not apply to xgboost", "", framework="xgboost",
        hf_token_secret_arn=SECRET_ARN.replace("eu-west-1", "us-east-1")),
    ask("does-not-apply", "error", "model_format", "only to sklearn, xgboost and tensorflow", "", model_format="pkl"),
    ask("does-not-apply", "error", "include_sample", "does not apply to transformers", "", include_sample=True),
    ask("does-not-apply", "error", "framework_profile", "has no profile low-latenzy", "did you mean low-latency?",
        framework_profile="low-latenzy"),
    ask("does-not-apply", "error", "framework_profile", "0.16.0 has no profile low-latency", "profiles: fp8",
        framework_profile="low-latency", framework_version="0.16.0", instance_type="ml.g5.xlarge"),
    ask("does-not-apply", "error", "framework_profile", "0.10.0 has no profiles", "leave framework_profile out",
        framework_profile="low-latency", framework_version="0.10.0", instance_type="ml.g5.xlarge"),
    ask("does-not-apply", "error", "model_profile", "has no profile nope", "profiles: 4b", model_profile="nope"),
    ask("does-not-apply", "error", "model_profile", "has no profiles", "", model_profile="x", model_name="acme/x"),
    ask("unknown-framework", "error", "framework", "framework: sklaern is not one of", "did you mean sklearn?",
        framework="sklaern"),
    ask("unknown-framework", "error", "framework", "transformers", "use transformers", framework="zzz",
        framework_profile="x"),
    ask("unknown-model-server", "error", "model_server", "vlm does not serve transformers", "did you mean vllm?",
        model_server="vlm"),
    ask("unknown-model-server", "error", "model_server", "vllm does not serve sklearn", "use fastapi, flask",
        framework="sklearn", model_server="vllm"),
    ask("unknown-model-format", "error", "model_format", "onnx is not a format of sklearn", "use pkl, joblib",
        framework="sklearn", model_format="onnx"),
    ask("unknown-model-format", "error", "model_format", "jsn is not", "did you mean json?", framework="xgboost",
        model_format="jsn"),
    ask("unknown-region", "warning", "region", "region us-eats-1 is in no table", "did you mean us-east-1?",
        region="us-eats-1", image_source="upstream"),
    ask("unknown-region", "warning", "region", "mars-north-7", "check the name", region="mars-north-7",
        image_source="upstream"),
    ask("secret-region", "warning", "hf_token_secret_arn", "lives in eu-west-1, the endpoint in us-east-1", "replicate",
        hf_token_secret_arn=SECRET_ARN),
    ask("local-model", "info", "model_name", "./weights is read from this machine", "keep the folder",
        model_name="./weights"),
]  # fmt: skip

ACCELERATOR = [
    ask("unknown-instance-type", "error", INSTANCE, "ml.t2.micro is not a SageMaker endpoint", "did you mean ml.t2.medium?",
        instance_type="ml.t2.micro"),
    ask("unknown-instance-type", "error", INSTANCE, "g5.xlarge is not", "did you mean ml.g5.xlarge?",
        instance_type="g5.xlarge"),
    ask("unknown-instance-type", "error", INSTANCE, "ml.g5g.xlarge is not", "did you mean ml.g5.xlarge?",
        instance_type="ml.g5g.xlarge"),
    ask("unknown-instance-type", "error", INSTANCE, "zz is not", "instance types look like ml.g6.xlarge",
        instance_type="zz"),
    ask("accelerator-mismatch", "error", INSTANCE, "ml.m5.large does not support CUDA, and vllm 0.30.0 needs it",
        "choose for example ml.g6.xlarge", instance_type="ml.m5.large"),
    ask("accelerator-mismatch", "error", INSTANCE, "vllm needs an instance type with CUDA", "choose for example ml.g6.xlarge",
        instance_type="ml.t2.micro"),
    ask("accelerator-mismatch", "error", INSTANCE, "ml.m5.large does not support CUDA", "choose for example ml.g6e.12xlarge",
        instance_type="ml.m5.large", framework_version="0.30.0", model_name="meta-llama/Llama-3.1-70B-Instruct"),
    ask("accelerator-mismatch", "error", INSTANCE, "ml.m5.large does not support CUDA", "no listed type passes; ml.",
        instance_type="ml.m5.large", framework_version="0.30.0", inference_ami_version="al2-ami-sagemaker-inference-gpu-3-1"),
    place("accelerator-mismatch", "error", INSTANCE, "ml.inf2.xlarge does not support CUDA", "ml.g4dn.xlarge",
          cuda("12.4"), "ml.inf2.xlarge"),
    place("accelerator-mismatch", "error", INSTANCE, "ml.g5.xlarge does not support Neuron", "ml.inf2.xlarge",
          neuron("2.21"), "ml.g5.xlarge"),
    place("accelerator-mismatch", "error", INSTANCE, "ml.dl1.24xlarge does not support CUDA", "", cuda("12.4"),
          "ml.dl1.24xlarge"),
    place("accelerator-mismatch", "warning", INSTANCE, "ml.g5.12xlarge has 4 x A10G, paid and idle", "ml.t2.medium", CPU,
          "ml.g5.12xlarge"),
    place("accelerator-mismatch", "warning", INSTANCE, "paid and idle", "ml.t2.medium", CPU, "ml.inf2.xlarge"),
    place("cpu-architecture", "error", INSTANCE, "ml.c7g.large is arm64; toy 1.0 is built for x86_64", "choose", CPU,
          "ml.c7g.large"),
    place("cpu-architecture", "error", INSTANCE, "ml.m5.large is x86_64", "ml.c8g.medium",
          ImageNeeds("cpu", architectures=("arm64",)), "ml.m5.large"),
    place("cpu-architecture", "error", INSTANCE, "ml.p6e-gb200.36xlarge is arm64", "ml.g", cuda("13.0"),
          "ml.p6e-gb200.36xlarge", AMI4),
    place("compute-capability", "error", INSTANCE, "has compute capability 7.0; toy 1.0 needs 7.5 or higher",
          "ml.g4dn.xlarge", cuda("13.0", "7.5"), "ml.p3.2xlarge"),
    place("compute-capability", "error", INSTANCE, "CUDA 13.0 starts at 7.5", "or an image with an older CUDA",
          cuda("13.0"), "ml.p3.2xlarge"),
    place("compute-capability", "error", INSTANCE, "CUDA 12.1 starts at 5.0", "", cuda("12.1"), "ml.p2.xlarge"),
    place("compute-capability", "error", INSTANCE, "CUDA 12.4 has no code for the B200", "CUDA 12.8 or newer",
          cuda("12.4"), "ml.p6-b200.48xlarge"),
    place("compute-capability", "warning", INSTANCE, "does not know the B300", "CUDA 12.9", cuda("12.8"),
          "ml.p6-b300.48xlarge"),
    place("legacy-family", "warning", INSTANCE, "ml.p2.xlarge belongs to a legacy family", "current family", cuda("11.8"),
          "ml.p2.xlarge"),
    place("legacy-family", "warning", INSTANCE, "ml.dl1.24xlarge belongs", "", CPU, "ml.dl1.24xlarge"),
    place("disputed-fact", "info", INSTANCE, "disagree on a fact of ml.trn2.48xlarge", "", neuron("2.21"), "ml.trn2.48xlarge"),
    place("disputed-fact", "info", AMI, "disagree on a fact of the default host of g6", "", cuda("12.4"), "ml.g6.xlarge",
          "default"),
    place("disputed-fact", "info", AMI, f"disagree on a fact of {AMI4}", "", cuda("13.0"), "ml.g5.xlarge", AMI4),
    place("disputed-fact", "warning", INSTANCE, "sources disagree", "another family", cuda("13.0"), "ml.g7.2xlarge"),
]  # fmt: skip

DRIVER = [
    place("unknown-ami", "error", AMI, "al2-ami-sagemaker-inference-gpu-3-2 is not a SageMaker inference AMI",
          "did you mean al2-ami-sagemaker-inference-gpu-3-1?", cuda("12.4"), "ml.g5.xlarge",
          "al2-ami-sagemaker-inference-gpu-3-2"),
    ask("unknown-ami", "error", AMI, "is not a SageMaker batch transform AMI", "al2-ami-sagemaker-batch-gpu-535",
        deployment_target="batch", inference_ami_version=AMI4, instance_type="ml.g5.xlarge"),
    place("ami-kind", "error", AMI, "neuron-2 is a Neuron AMI; ml.g5.xlarge has A10G", AMI3, cuda("12.8"),
          "ml.g5.xlarge", NEURON),
    place("ami-kind", "error", AMI, "is a GPU AMI; ml.m5.large has no accelerator", "leave it out on m5", CPU,
          "ml.m5.large", AMI4),
    place("ami-kind", "error", AMI, "is a GPU AMI", NEURON, neuron("2.21"), "ml.inf2.xlarge", AMI4),
    place("no-ami-fits", "error", AMI, "no SageMaker host AMI runs CUDA 13.0 on p3", "another CUDA version",
          cuda("13.0"), "ml.p3.2xlarge"),
    place("no-ami-fits", "error", AMI, "no SageMaker host AMI runs CUDA 12.4 on p2", "", cuda("12.4"), "ml.p2.xlarge"),
    place("driver-gpu", "error", AMI, "B200 of p6-b200 needs driver >= 570", AMI4,
          cuda("12.8"), "ml.p6-b200.48xlarge", AMI3),
    place("driver-gpu", "error", AMI, "K80 of p2 is driven up to branch 470 only", "", cuda("11.4"),
          "ml.p2.xlarge", AMI2),
    place("ami-family", "warning", AMI, "not documented", "documented families: g4dn", cuda("12.2"), "ml.g6e.xlarge",
          AMI2),
    place("ami-family", "warning", AMI, "seen in public samples, but not documented", "", cuda("13.0"),
          "ml.p6-b200.48xlarge", AMI4),
    place("default-host-unknown", "warning", AMI, "the driver of the default host of g7e is not known", AMI4,
          cuda("13.0"), "ml.g7e.2xlarge", "default"),
    place("cuda-unknown", "warning", VERSION, "the CUDA version of toy 1.0 is not known", "choose a release",
          cuda(None), "ml.g5.xlarge"),
    place("driver-too-old", "error", AMI, "(CUDA 13.0) needs driver >= 580; the default host of g5 has 470", AMI4,
          cuda("13.0"), "ml.g5.xlarge", "default"),
    place("driver-too-old", "error", AMI, "needs driver >= 580; al2-ami-sagemaker-inference-gpu-3-1 has 550", AMI4,
          cuda("13.0"), "ml.g5.xlarge", AMI3),
    place("driver-too-old", "warning", AMI, "works only with the image's own cuda-compat libraries", f"prefer {AMI}={AMI4}",
          cuda("13.0"), "ml.g5.xlarge", AMI2),
    place("driver-too-old", "info", AMI, "CUDA 12.4 on driver 535", "", cuda("12.4"), "ml.g5.xlarge", AMI2),
    place("driver-too-old", "warning", AMI, "PTX code may fail", "", cuda("12.8"), "ml.g5.xlarge", AMI2),
    place("driver-too-old", "warning", AMI, "PTX code may fail", "deploy once to be sure", cuda("13.1"), "ml.g5.xlarge",
          AMI4),
    place("driver-too-old", "info", AMI, "CUDA 12.9 on driver 550", "", cuda("12.9"), "ml.g5.xlarge"),
    place("cuda12-on-newest-ami", "warning", AMI, "CUDA 12.9 images were seen to hang", AMI3, cuda("12.9"),
          "ml.g5.xlarge", AMI4),
    place("ami-chosen", "info", AMI, f"{AMI4} was chosen: CUDA 13.0 on g5 runs on its driver 580", "", cuda("13.0"),
          "ml.g5.xlarge"),
    place("ami-chosen", "info", AMI, "CUDA 12.9 runs by minor-version compatibility", "",
          cuda("12.9"), "ml.g5.xlarge"),
    ask("ami-chosen", "info", AMI, "al2-ami-sagemaker-batch-gpu-535 was chosen: CUDA 13.0 needs the image's cuda-compat",
        "", deployment_target="batch", framework_version="0.30.0", instance_type="ml.g5.2xlarge"),
    place("ami-chosen", "info", AMI, "needs its Neuron driver 2.19", "", neuron("2.21"), "ml.inf2.xlarge"),
]  # fmt: skip

NEURON_CASES = [
    place("neuron-device", "error", INSTANCE, "no longer supports Inferentia1", "inf2", neuron("2.21"), "ml.inf1.xlarge"),
    place("neuron-device", "error", INSTANCE, "does not know Trainium2", "trn1", neuron("2.20"), "ml.trn2.48xlarge"),
    place("neuron-device", "error", INSTANCE, "supports inf2, not trn1", "choose for example ml.inf2.xlarge",
          neuron("2.21", devices=("inf2",)), "ml.trn1.2xlarge"),
    place("neuron-driver", "warning", AMI, "newer than the host's Neuron driver 2.19", "2.21 or older", neuron("2.22"),
          "ml.inf2.xlarge"),
    place("neuron-driver", "warning", AMI, "newer than the host's", "", neuron("2.29"), "ml.trn1.2xlarge"),
    place("neuron-driver", "error", AMI, "Neuron SDK 2.30 does not start on the host's Neuron driver 2.19", "2.29 or older",
          neuron("2.30"), "ml.inf2.xlarge"),
    place("neuron-driver", "warning", AMI, "had Neuron driver 2.10", NEURON, neuron("2.21"), "ml.inf2.xlarge", "default"),
    place("neuron-driver", "error", AMI, "on Trainium2 needs driver >= 2.20.28", "or an image with Neuron SDK 2.21", neuron("2.22"),
          "ml.trn2.48xlarge"),
    place("neuron-driver", "error", AMI, "Neuron SDK 2.30 does not start", "choose an image with Neuron SDK 2.21",
          neuron("2.30"), "ml.trn2.48xlarge"),
    place("neuron-driver", "warning", AMI, "does not name Trainium2", "deploy once", neuron("2.21"), "ml.trn2.48xlarge"),
    place("neuron-driver", "warning", AMI, "does not name Inferentia1", "default", neuron("2.20"), "ml.inf1.xlarge", NEURON),
    place("neuron-driver", "warning", AMI, "the Neuron SDK of toy 1.0 is not known", "", neuron(None), "ml.inf2.xlarge"),
]  # fmt: skip

RELEASE = [
    ask("validation-level", "warning", VERSION, "vllm 0.30.0 is experimental", "endpoint of your own", **EXACT),
    ask("validation-level", "warning", VERSION, "vllm 0.29.5 is unknown", "", framework_version="0.29.5"),
    ask("release-deprecated", "warning", VERSION, "vllm 0.29.0 is deprecated since 2026-10-01, unsupported from 2026-12-01",
        "framework_version=0.30.0", odd=True, framework_version="0.29.0"),
    ask("not-for-batch", "error", INSTANCE, "ml.p5.48xlarge does not exist for batch transform", "ml.g4dn.xlarge",
        deployment_target="batch", instance_type="ml.p5.48xlarge"),
    ask("batch-model-source", "error", "model_name", "cannot read a model from an S3 prefix", ".tar.gz",
        deployment_target="batch", model_name="s3://bucket/prefix/"),
    ask("price-unknown", "info", INSTANCE, "no price is known for ml.g6.4xlarge", "ask AWS", odd=True,
        instance_type="ml.g6.4xlarge"),
    ask("price-unknown", "info", INSTANCE, "no price is known for ml.p5e.48xlarge", "", instance_type="ml.p5e.48xlarge"),
    ask("fit-unknown", "info", "instance_type", "memory is judged for CUDA only", "compare the model's size",
        instance_type="ml.inf2.8xlarge"),
    ask("fit-unknown", "warning", "instance_type", "nothing says whether the model fits ml.c5.large", "deploy once",
        model_server="djl", framework_version="0.34.0", instance_type="ml.c5.large", model_name="Qwen/Qwen3-4B"),
    ask("fit-unknown", "info", "instance_type", "nothing says whether the model fits ml.c5.large", "deploy once",
        framework="sklearn", instance_type="ml.c5.large"),
    ask("test-recorded", "info", VERSION, "vllm 0.29.0 has 1 recorded test", "https://example.org/report", odd=True,
        framework_version="0.29.0"),
    ask("known-issue", "warning", "model_name", "acme models answer slowly", "use another model", odd=True, **EXACT,
        model_name="acme/toy-7b", env_vars={"max_num_seqs": 8}),
    ask("known-issue", "warning", VERSION, "V100", "0.19.1 or older", framework_version="0.30.0",
        instance_type="ml.p3.2xlarge"),
    ask("known-issue", "info", VERSION, "a pickle is only safe with", "", framework="sklearn"),
]  # fmt: skip

MODEL = [
    ask("model-unsupported", "warning", VERSION, "whether lmi 0.29.0 supports Qwen/Qwen3-4B is not known", "djl-serving",
        model_server="lmi", framework_version="0.29.0", instance_type="ml.inf2.xlarge"),
    ask("tag-unknown", "error", VERSION, "vllm 0.7.2 exists for Neuron SDK 2.24, but the tag of its image is not known",
        "recommended", framework_version="0.7.2", instance_type="ml.inf2.xlarge"),
    ask("profile-of-another-size", "warning", "model_profile", "70b-tp4 is made for another size than meta-llama/Llama-3.1-8B",
        "profiles of this size: 8b", model_name="meta-llama/Llama-3.1-8B-Instruct", model_profile="70b-tp4"),
    ask("profile-of-another-size", "warning", "model_profile", "8b is made for another size", "70b, 70b-tp4, 70b-tp8",
        model_name="meta-llama/Llama-3.1-70B-Instruct-FP8", model_profile="8b"),
    ask("disputed-rows", "info", "model_name", "sources disagree on the facts of acme/toy-*", "", odd=True, **EXACT,
        model_name="acme/toy-7b"),
    ask("model-unsupported", "error", VERSION, "vllm 0.7.3 does not support Qwen/Qwen3-4B: it needs >=0.8.5", "0.33.0",
        framework_version="0.7.3", instance_type="ml.g5.xlarge"),
    ask("tensor-parallel-devices", "error", ENV, "8 GPUs are asked for by the parallel sizes; ml.g5.12xlarge has 4",
        "choose for example ml.g6.48xlarge", instance_type="ml.g5.12xlarge", env_vars={"tensor_parallel_size": 8}),
    ask("tensor-parallel-devices", "error", ENV, "8 GPUs are asked", "", instance_type="ml.g5.12xlarge",
        env_vars={"tensor_parallel_size": 4, "pipeline_parallel_size": 2}),
    ask("tensor-parallel-devices", "warning", INSTANCE,
        "3 of 4 GPUs of ml.g5.12xlarge stay idle: how many the model can be split over is not known",
        "divides its attention heads", model_name="nobody/knows-this", instance_type="ml.g5.12xlarge"),
    ask("tensor-parallel-devices", "warning", INSTANCE, "2 of 4 GPUs of ml.g5.12xlarge stay idle", "fewer GPUs",
        instance_type="ml.g5.12xlarge", env_vars={"tensor_parallel_size": 2}),
    ask("tensor-parallel-heads", "error", ENV, "3 does not divide the 32 attention heads of Qwen/Qwen3-4B",
        "use one of 1, 2, 4", instance_type="ml.g5.12xlarge", env_vars={"tensor_parallel_size": 3}),
    ask("context-too-long", "error", ENV, "max_model_len 50000 exceeds the context of Qwen/Qwen3-4B: 40960 tokens",
        "use max_model_len 40960 or less", **EXACT, env_vars={"max_model_len": 50000}),
    ask("no-bfloat16", "warning", INSTANCE, "ml.g4dn.xlarge has no bfloat16", "8.0 or newer", instance_type="ml.g4dn.xlarge",
        framework_version="0.30.0"),
    ask("no-bfloat16", "error", ENV, "dtype bfloat16 does not run on ml.g4dn.xlarge (T4)", "float16",
        instance_type="ml.g4dn.xlarge", framework_version="0.30.0", env_vars={"dtype": "bfloat16"}),
    ask("no-fp8", "warning", INSTANCE, "quantization fp8 on ml.g5.xlarge: the A10G has no fp8", "8.9 or newer", **EXACT,
        env_vars={"quantization": "fp8"}),
    ask("no-fp8", "warning", INSTANCE, "kv_cache_dtype fp8 on ml.g5.xlarge", "leave kv_cache_dtype out", **EXACT,
        env_vars={"kv_cache_dtype": "fp8"}),
    ask("no-fp4", "warning", INSTANCE, "quantization modelopt_fp4 on ml.g6.xlarge: the L4 has no fp4", "Blackwell",
        framework_version="0.30.0", instance_type="ml.g6.xlarge", env_vars={"quantization": "modelopt_fp4"}),
    ask("quantization-gpu", "error", INSTANCE, "quantization mxfp4 needs compute capability 8.0; ml.g4dn.xlarge (T4) has 7.5",
        "choose a newer GPU", framework_version="0.30.0", instance_type="ml.g4dn.xlarge", env_vars={"quantization": "mxfp4"}),
    ask("quantization-gpu", "error", INSTANCE, "gpt-oss-20b (mxfp4_experts_only) needs compute capability 8.0", "newer GPU",
        framework_version="0.30.0", instance_type="ml.g4dn.12xlarge", model_name="openai/gpt-oss-20b"),
    ask("quantization-gpu", "error", INSTANCE, "quantization fp8 needs compute capability 8.0", "framework_version=0.12.0",
        framework_version="0.11.0", instance_type="ml.g4dn.xlarge", env_vars={"quantization": "fp8"}),
    ask("quantization-gpu", "warning", INSTANCE, "Qwen/Qwen3-8B-FP8 (fp8) may need compute capability 8.0", "or newer",
        framework_version="0.10.2", instance_type="ml.g4dn.12xlarge", model_name="Qwen/Qwen3-8B-FP8"),
    ask("quantization-gpu", "warning", INSTANCE, "whether quantization gptq runs on ml.g4dn.xlarge (T4) is not known",
        "deploy once", framework_version="0.30.0", instance_type="ml.g4dn.xlarge", env_vars={"quantization": "gptq"}),
    ask("chat-template-missing", "warning", "chat_template", "vicuna-7b-v1.5 has no chat template of its own, and chat_template=none",
        "chat_template=auto brings it", **EXACT, model_name="lmsys/vicuna-7b-v1.5", chat_template="none"),
    ask("chat-template-missing", "warning", "chat_template", "starcoder2-15b has no chat template of its own: chat requests will",
        "chat_template=PATH", framework_version="0.30.0", instance_type="ml.g6e.xlarge", model_name="bigcode/starcoder2-15b"),
    ask("remote-code", "warning", ENV, "acme/x brings code of its own", "trust_remote_code: true", **EXACT,
        model_name="acme/x", hub=HubFacts("found", "acme/x", "", remote_code=True)),
    ask("no-whole-model", "warning", "model_name", "acme/x holds GGUF files only", "safetensors", **EXACT,
        model_name="acme/x", hub=HubFacts("found", "acme/x", "", contents="gguf")),
    ask("no-whole-model", "warning", "model_name", "acme/x is an adapter", "its base model", **EXACT,
        model_name="acme/x", hub=HubFacts("found", "acme/x", "", contents="adapter")),
    ask("quantized-checkpoint", "warning", ENV, "quantization awq needs weights made for it", "a quantised copy", **EXACT,
        env_vars={"quantization": "awq"}),
    ask("model-gated", "info", "hf_token_secret_arn", "Llama-2-7b-chat-hf is gated", "HF_TOKEN", **EXACT,
        model_name="meta-llama/Llama-2-7b-chat-hf"),
    ask("model-unknown", "warning", "model_name", "acme/x is not in the registries", "init-layer", **EXACT,
        model_name="acme/x"),
    ask("model-unknown", "warning", "model_name", "the size of deepseek-ai/DeepSeek-V4-Pro is in no registry",
        "compare its weights", **EXACT, model_name="deepseek-ai/DeepSeek-V4-Pro"),
    ask("model-deprecated", "warning", "model_name", "acme/old-7b is deprecated since 2026-10-01",
        "model_name=acme/newer-7b", odd=True, **EXACT, model_name="acme/old-7b"),
    ask("model-deprecated", "warning", "model_name", "acme/older-7b is deprecated", "model_name=acme/old-7b",
        odd=True, **EXACT, model_name="acme/older-7b"),
]  # fmt: skip

MEMORY = [
    ask("model-does-not-fit", "error", INSTANCE, "Llama-3.3-70B-Instruct does not fit ml.g6.xlarge", "it fits ml.",
        instance_type="ml.g6.xlarge", framework_version="0.30.0", model_name="meta-llama/Llama-3.3-70B-Instruct"),
    ask("context-too-short", "error", ENV, "max_model_len 1024 is too short", "use 2048 or more", **EXACT,
        env_vars={"max_model_len": 1024}),
    ask("model-does-not-fit", "error", ENV, "max_model_len 131072 does not fit ml.g5.xlarge", "or less", **EXACT,
        model_name="meta-llama/Llama-3.1-8B-Instruct", env_vars={"max_model_len": 131072}),
    ask("model-does-not-fit", "warning", INSTANCE, "Qwen/Qwen3-8B fits ml.g5.xlarge is too close to say", "fits surely",
        **EXACT, model_name="Qwen/Qwen3-8B", env_vars={"max_model_len": 12288}),
    ask("model-does-not-fit", "warning", INSTANCE, "google/gemma-2-9b-it fits ml.g5.xlarge is too close to say",
        "lower max_num_seqs", **EXACT, model_name="google/gemma-2-9b-it", env_vars={"max_model_len": 2048}),
    ask("model-does-not-fit", "error", INSTANCE, "at least 155.5 GiB for weights", "it may fit",
        **EXACT, model_name="deepseek-ai/DeepSeek-V4-Flash-0731"),
    ask("fit-unknown", "warning", INSTANCE, "whether deepseek-ai/DeepSeek-V4-Flash-0731 fits ml.p5.48xlarge is unknown",
        "watch the first start", model_name="deepseek-ai/DeepSeek-V4-Flash-0731", instance_type="ml.p5.48xlarge",
        framework_version="0.30.0"),
    ask("memory-not-counted", "warning", ENV, "enable_lora loads weights beside the model", "several GiB", **EXACT,
        env_vars={"enable_lora": True}),
    ask("context-limited", "info", INSTANCE, "of 131072 tokens: that is what fits ml.g5.xlarge", "more memory", **EXACT,
        model_name="meta-llama/Llama-3.1-8B-Instruct"),
]  # fmt: skip

ENVIRONMENT = [
    ask("secret-in-answer", "error", ENV, "MY_PASSWORD looks like a secret", "hf_token_secret_arn",
        env_vars={"MY_PASSWORD": "x"}),
    ask("secret-in-answer", "error", ENV, "max_num_seqs looks like a secret", "", env_vars={"max_num_seqs": TOKEN}),
    ask("secret-in-answer", "error", ENV, "api_key looks like a secret", "", env_vars={"api_key": "none"}),
    ask("value-unquotable", "error", ENV, "NCCL_DEBUG contains a line break", "one line", env_vars={"NCCL_DEBUG": "a\nb"}),
    ask("value-unquotable", "error", ENV, "the value of X has 1025 characters; SageMaker takes 1024", "",
        env_vars={"X": "a" * 1025}),
    ask("environment-limit", "error", ENV, "SageMaker takes 100 for realtime", "leave some out",
        env_vars={f"X{i}": "1" for i in range(100)}),
    ask("environment-limit", "error", ENV, "SageMaker takes 16 for batch", "", deployment_target="batch",
        instance_type="ml.g5.xlarge", env_vars={f"X{i}": "1" for i in range(16)}),
    ask("environment-limit", "error", ENV, "bytes; SageMaker takes 32768", "shorten", env_vars={
        f"X{i}": "a" * 1000 for i in range(40)}),
    ask("variable-passed-through", "info", ENV, "as they are: NCCL_DEBUG", "", env_vars={"NCCL_DEBUG": "INFO"}),
    ask("validation-off", "warning", "validate_env_vars", "settings are not checked", "true", validate_env_vars=False),
    ask("trust-remote-code", "warning", ENV, "trust_remote_code runs code", "pin model_revision",
        env_vars={"trust_remote_code": True}),
    ask("registry-setting-skipped", "info", VERSION, "performance_mode=balanced of Model_Registry left out: 0.16.0", "",
        odd=True, framework_version="0.16.0", model_name="acme/toy-7b", instance_type="ml.g5.xlarge"),
]  # fmt: skip

USER_SETTINGS = [
    ask("unknown-setting", "error", ENV, "max_modle_len is no setting of vllm 0.30.0", "did you mean max_model_len?",
        **EXACT, env_vars={"max_modle_len": 1}),
    ask("unknown-setting", "error", ENV, "SM_VLLM_MAX_MODLE_LEN is no", "did you mean SM_VLLM_MAX_MODEL_LEN?", **EXACT,
        env_vars={"SM_VLLM_MAX_MODLE_LEN": 1}),
    ask("unknown-setting", "error", ENV, "zzzzzzzzzz is no", "mcc-registry frameworks vllm", env_vars={"zzzzzzzzzz": 1}),
    ask("setting-type", "error", ENV, "max_model_len: many is not a whole number", "", **EXACT,
        env_vars={"max_model_len": "many"}),
    ask("setting-range", "error", ENV, "gpu_memory_utilization: value 1.5 exceeds maximum 1.0", "at most 1.0",
        env_vars={"gpu_memory_utilization": 1.5}),
    ask("setting-range", "error", ENV, "SM_VLLM_GPU_MEMORY_UTILIZATION: value 1.5 exceeds maximum 1.0", "",
        env_vars={"SM_VLLM_GPU_MEMORY_UTILIZATION": "1.5"}),
    ask("setting-choice", "error", ENV, "dtype: float8 is not a choice of 0.30.0", "choices: auto", **EXACT,
        env_vars={"dtype": "float8"}),
    ask("setting-choice", "error", ENV, "gguf is not a choice", "", **EXACT, env_vars={"quantization": "gguf"}),
    ask("setting-not-in-release", "error", ENV, "swap_space does not exist in vllm 0.30.0: it ended with", "", **EXACT,
        env_vars={"swap_space": 4}),
    ask("setting-not-in-release", "error", ENV, "performance_mode does not exist in vllm 0.16.0: it begins with 0.17.0",
        "framework_version=0.17.0", framework_version="0.16.0", instance_type="ml.g5.xlarge",
        env_vars={"performance_mode": "balanced"}),
    ask("setting-choice", "warning", ENV, "auto_gptq is not a choice of 0.22.0", "choices: awq", env_vars={
        "quantization": "auto_gptq"}, framework_version="0.22.0", instance_type="ml.g5.xlarge"),
    ask("setting-not-in-release", "warning", ENV, "spec_method does not exist in vllm 0.22.0: it begins with 0.22.1",
        "framework_version=0.22.1", framework_version="0.22.0", instance_type="ml.g5.xlarge",
        env_vars={"spec_method": "ngram"}),
    ask("setting-not-in-release", "error", ENV, "guided_decoding_backend is gone: 0.10.2 was the last",
        "use structured_outputs_config", **EXACT, env_vars={"guided_decoding_backend": "x"}),
    ask("setting-not-in-release", "error", ENV, "SM_VLLM_DEVICE is gone", "leave it out", **EXACT,
        env_vars={"SM_VLLM_DEVICE": "x"}),
    ask("setting-deprecated", "warning", ENV, "enable_dp_attention is deprecated since 0.5.22", "use attn_dp_size",
        model_server="sglang", framework_version="0.5.23", instance_type="ml.g5.xlarge",
        env_vars={"enable_dp_attention": True}),
    ask("setting-deprecated", "error", ENV, "fbgemm_fp8 is deprecated since 0.14.0 and needs allow_deprecated_quantization",
        "allow_deprecated_quantization=true", **EXACT, env_vars={"quantization": "fbgemm_fp8"}),
    ask("setting-deprecated", "warning", ENV, "quantization: fbgemm_fp8 is deprecated since", "choose another", **EXACT,
        env_vars={"quantization": "fbgemm_fp8", "allow_deprecated_quantization": True}),
    ask("setting-conflict", "error", ENV, "max_model_len and SM_VLLM_MAX_MODEL_LEN mean the same setting",
        "keep one of them, for example max_model_len", env_vars={"max_model_len": 4096, "SM_VLLM_MAX_MODEL_LEN": 8192}),
    ask("setting-conflict", "error", ENV, "mean the same", "", env_vars={
        "enable_prefix_caching": True, "SM_VLLM_NO_ENABLE_PREFIX_CACHING": True}),
    ask("setting-conflict", "error", ENV, "OPTION_MAX_NUM_SEQS and OPTION_MAX_ROLLING_BATCH_SIZE mean the same setting",
        "keep one of them", model_server="lmi", env_vars={"OPTION_MAX_NUM_SEQS": 4, "OPTION_MAX_ROLLING_BATCH_SIZE": 8}),
    ask("foreign-setting", "warning", ENV, "SM_VLLM_MAX_MODEL_LEN is a variable of vllm; lmi 29.0.0 does not read it",
        "use max_model_len", model_server="lmi", env_vars={"SM_VLLM_MAX_MODEL_LEN": 4096}),
    ask("foreign-setting", "warning", ENV, "VLLM_GPU_MEMORY_UTILIZATION and gpu_memory_utilization name one setting",
        "leave VLLM_GPU_MEMORY_UTILIZATION out", model_server="lmi",
        env_vars={"VLLM_GPU_MEMORY_UTILIZATION": 0.7, "gpu_memory_utilization": 0.8}),
    ask("setting-range", "error", ENV, "max_model_len: value 0 is below minimum 1", "at least 1",
        env_vars={"max_model_len": 0}),
    ask("setting-range", "error", ENV, "SM_VLLM_MAX_MODEL_LEN: value -1 is below minimum 1", "at least 1", **{
        **EXACT, "framework_version": "0.10.2"}, env_vars={"SM_VLLM_MAX_MODEL_LEN": "-1"}),
    ask("setting-fixed", "error", ENV, "port is fixed on SageMaker", "8080", env_vars={"port": 8000}),
    ask("setting-fixed", "error", ENV, "SM_VLLM_HOST is fixed", "8080", env_vars={"SM_VLLM_HOST": "0.0.0.0"}),
    ask("setting-fixed", "error", ENV, "SM_VLLM_MODEL is set by the question model_name", "use model_name",
        env_vars={"SM_VLLM_MODEL": "gpt2"}),
    ask("setting-unwritable", "error", ENV, "no_off is a switch without an off form", "leave it out", odd=True, **EXACT,
        env_vars={"no_off": False}),
    ask("setting-unwritable", "error", ENV, "no_variable cannot be set through variables", "", odd=True, **EXACT,
        env_vars={"no_variable": 1}),
    ask("setting-required", "error", ENV, "vllm 0.33.0 needs must_have", "env_vars: {must_have: ...}", odd=True,
        framework_version="0.33.0"),
]  # fmt: skip

CASES = [*REQUEST, *ACCELERATOR, *DRIVER, *NEURON_CASES, *RELEASE, *MODEL, *MEMORY, *ENVIRONMENT, *USER_SETTINGS]
