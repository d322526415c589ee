"""Requests that a single line of code decides: each was found by reading a mutant that every other test let live."""

from __future__ import annotations

from tests.unit.recorded.plan_cases import COMMIT, CONFIG, G5, G6, INTEL, case, docker, found, hub

QWEN8 = "Qwen/Qwen3-8B"
FP8 = "Qwen/Qwen3-8B-FP8"
BASE = "meta-llama/Meta-Llama-3.1-8B"
LARGEST = "meta-llama/Llama-3.1-405B-Instruct"
GPU_3_1 = "al2-ami-sagemaker-inference-gpu-3-1"
NEURON_2 = "al2-ami-sagemaker-inference-neuron-2"
WITHOUT_DTYPE = {k: v for k, v in CONFIG.items() if k != "torch_dtype"}
WITHOUT_LENGTH = {k: v for k, v in CONFIG.items() if k != "max_position_embeddings"}
AT_0_20 = {"framework_version": "0.20.2", **G6}
AT_0_30 = {"framework_version": "0.30.0", **G6}

SETTINGS = [
    case("a length beyond the context that would not fit either", model_name=QWEN8, env_vars={"max_model_len": 50000}, **G5),
    case("a length beyond the context, half a context", model_name="meta-llama/Llama-2-7b-hf", env_vars={"max_model_len": 32768}, **G5),
    case("exactly 2048 tokens fit", env_vars={"gpu_memory_utilization": 0.452}, framework_version="0.30.0", **G5),
    case("no ranks", instance_type="ml.g5.12xlarge", env_vars={"tensor_parallel_size": 0}),
    case("no stages", instance_type="ml.g5.12xlarge", env_vars={"pipeline_parallel_size": 0}),
    case("ranks in words", instance_type="ml.g5.12xlarge", env_vars={"tensor_parallel_size": "two"}),
    case("one rank of two GPUs", instance_type="ml.g7.12xlarge", env_vars={"tensor_parallel_size": 1}),
    case("three ranks of one GPU", env_vars={"tensor_parallel_size": 3}, **G5),
    case("five ranks of two GPUs", instance_type="ml.g7.12xlarge", env_vars={"tensor_parallel_size": 5}),
    case("every rank there is", model_server="lmi", instance_type="ml.g5.12xlarge", env_vars={"tensor_parallel_size": "max"}),
    case("every rank there is, beside stages", model_server="lmi", instance_type="ml.g5.12xlarge",
         env_vars={"tensor_parallel_size": "max", "pipeline_parallel_size": 2}),
    case("every rank, too large a model with copies", model_server="lmi", model_name="Qwen/Qwen3-14B", env_vars={"tensor_parallel_size": "max"}, **G6),
    case("quantization none", model_server="lmi", env_vars={"quantization": "none"}, **G6),
    case("quantization auto", model_server="lmi", env_vars={"quantization": "auto"}, **G6),
    case("quantization none of an older LMI", model_server="lmi", framework_version="20.0.0", instance_type="ml.g4dn.xlarge", env_vars={"quantization": "none"}),
    case("a choice of later releases", env_vars={"quantization": "auto_gptq"}, **AT_0_20),
    case("a choice of earlier releases, unlisted", framework_version="0.32.5", env_vars={"quantization": "gguf"}, **G6),
    case("no choice of any release", framework_version="0.22.0", env_vars={"dtype": "float8"}, **G6),
    case("beyond the greatest level", env_vars={"optimization_level": 7}, **AT_0_30),
    case("not yet in an unlisted release", framework_version="0.7.5", env_vars={"performance_mode": "balanced"}, **G6),
    case("a variable of the user's before a deprecated value", env_vars={"NCCL_DEBUG": "INFO", "quantization": "fbgemm_fp8"}, **AT_0_30),
    case("a letter that is no control character", env_vars={"XLA": "Xa"}, **AT_0_30),
    case("a variable with the name of a setting", env_vars={"DEVICE": "cpu"}, **AT_0_30),
    case("a gone setting before an unknown one", env_vars={"swap_space": 4, "zzzzz": 1}, **AT_0_30),
    case("variables of another server", env_vars={"max_num_seqs": 8, "SM_SGLANG_CONTEXT_LENGTH": 4096}, **AT_0_30),
    case("a share of memory of another server", env_vars={"SM_SGLANG_MEM_FRACTION_STATIC": 0.8, "SGLANG_DTYPE": "half", "dtype": "half"}, **AT_0_30),
    case("unchecked, no number of quantization", validate_env_vars=False, env_vars={"quantization": 5, "max_model_len": 0}, **AT_0_30),
    case("fp8 at exactly its floor", env_vars={"quantization": "fp8"}, instance_type="ml.g4dn.xlarge"),
    case("an fp8 model below the floor", model_name=FP8, instance_type="ml.p3.2xlarge", framework_version="0.10.2"),
    case("an fp8 model far below the floor", model_name=FP8, instance_type="ml.p2.xlarge", framework_version="0.10.2"),
    case("an awq model as fp8", model_name="Qwen/Qwen3-8B-AWQ", env_vars={"quantization": "fp8"}, **G6),
    case("a model too large with a method set", model_name="Qwen/Qwen3-14B", env_vars={"quantization": "awq"}, **G6),
    case("fp4 while loading", model_server="sglang", env_vars={"quantization": "nvfp4_online"}, **G6),
    case("a method of quantisation on a CPU type", env_vars={"quantization": "fp8"}, instance_type="ml.m5.large"),
    case("a variable before two spellings of a setting", env_vars={"NCCL_DEBUG": "INFO", "max_num_seqs": 4, "SM_VLLM_MAX_NUM_SEQS": 8}, **AT_0_30),
    case("stages of a large model", model_name=LARGEST, framework_version="0.16.0", env_vars={"tensor_parallel_size": 1, "performance_mode": "balanced"}),
    case("two ranks of the largest model", model_name=LARGEST, env_vars={"tensor_parallel_size": 2}),
]  # fmt: skip

PLACES = [
    case("an AMI of Neuron on an old GPU", framework_version="0.19.1", instance_type="ml.p2.xlarge", inference_ami_version=NEURON_2),
    case("an older AMI, any type", framework_version="0.21.0", inference_ami_version=GPU_3_1),
    case("an AMI nobody knows, any type", framework_version="0.30.0", inference_ami_version="al2-ami-x"),
    case("an AMI on a CPU type, a range", framework_version=">=0.20", instance_type="ml.m5.large", inference_ami_version=GPU_3_1),
    case("latest for Neuron", framework_version="latest", instance_type="ml.inf2.xlarge"),
    case("an unlisted release for Neuron", framework_version="0.20.9", instance_type="ml.inf2.xlarge"),
    case("another image serves on the default host", instance_type="ml.p5e.48xlarge", inference_ami_version="default"),
    case("no such type of a server with one build", model_server="lmi", instance_type="ml.m5.huge"),
    case("a range whose newest has no image of AWS", framework_version=">=0.16", image_source="aws"),
    case("an unlisted release, batch", framework_version="0.30.5", deployment_target="batch", **G5),
    case("an unlisted release, an AMI named", framework_version="0.30.5", inference_ami_version=GPU_3_1, **G5),
    case("half a name of a type", instance_type="ml.g5.48"),
    case("nothing of it is there", framework_version=">=99", instance_type="ml.none.large", env_vars={"max_model_len": 1, "swap_space": 4}),
    case("a local part", framework_version="0.30.0+cu129"),
    case("an old release, any type", framework_version="0.7.3"),
    case("an unknown server, a wrong version", model_server="nobody", framework_version="newest"),
    case("an unknown server, a version", model_server="nobody", framework_version="0.30.0"),
    case("batch for a sample", framework="sklearn", deployment_target="batch"),
    case("defaults written out that do not apply", framework="sklearn", model_profile="default", chat_template="auto", hf_token_secret_arn=""),
    case("a local model with a revision", model_name="./model", model_revision="main"),
]  # fmt: skip

OUTSIDE = [
    case("a pattern whose size the Hub knows", more=hub(model_id=BASE, weight_bytes=30_000_000_000, commit=COMMIT), model_name=BASE, **G6),
    case("a size alone of a gated model", more=hub(status="gated", model_id="acme/new", weight_bytes=8_000_000_000), model_name="acme/new", **G6),
    case("a config without a length", more=hub(model_id="acme/new", config=WITHOUT_LENGTH, weight_bytes=16_000_000_000), model_name="acme/new", **AT_0_30),
    case("a config without a type of numbers", more=hub(model_id="acme/new", config=WITHOUT_DTYPE, weight_bytes=16_000_000_000), model_name="acme/new",
         instance_type="ml.g5.12xlarge", env_vars={"tensor_parallel_size": 2, "pipeline_parallel_size": 2}),
    case("a method for weights of an unknown type", more=hub(model_id="acme/new", config=WITHOUT_DTYPE), model_name="acme/new", env_vars={"quantization": "awq"}, **AT_0_30),
    case("no template in the repository", more=hub(model_id="acme/new", config=CONFIG, chat_template_source=""), model_name="acme/new", **AT_0_30),
    case("no template in the repository, none asked for", more=hub(model_id="acme/new", config=CONFIG, chat_template_source=""), model_name="acme/new",
         chat_template="none", **AT_0_30),
    case("an unlisted image of another CUDA", more=docker(found("vllm/vllm-openai:v0.30.7", cuda="12.8", config=INTEL)),
         framework_version="0.30.7", image_source="upstream", validate_with_docker=True, **G6),
]  # fmt: skip

PLAN_EDGES = [*SETTINGS, *PLACES, *OUTSIDE]
