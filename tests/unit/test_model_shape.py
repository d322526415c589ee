"""The shape of a model from its config.json: a dozen architectures against the model facts, and doubtful ones.

Expected numbers are those of the model facts (facts/models.yaml), entry named in each case; the configurations are
written by hand in the layout of each family.
"""

from __future__ import annotations

import copy

import pytest

from mcc_registry.model_shape import SHAPE_KEYS, model_shape_from_config, select_config
from mcc_registry.models.model import Architecture


def decoder(name, layers, hidden, heads, kv_heads, vocab, context, **more):
    return {
        "architectures": [name], "torch_dtype": "bfloat16", "num_hidden_layers": layers, "hidden_size": hidden,
        "num_attention_heads": heads, "num_key_value_heads": kv_heads, "vocab_size": vocab,
        "max_position_embeddings": context, "intermediate_size": 4 * hidden, **more,
    }  # fmt: skip


def types(layers, every, windowed="sliding_attention"):
    return ["full_attention" if (i + 1) % every == 0 else windowed for i in range(layers)]


def facts(kind, layers, heads, kv_heads, head_dim, kv, **more):
    return {
        "attention_kind": kind, "layers_with_kv_cache": layers, "num_attention_heads": heads,
        "num_kv_heads": kv_heads, "head_dim": head_dim, "kv_bytes_per_token_bf16": kv, **more,
    }  # fmt: skip


def windowed(window, full, kv_full, fixed):
    return {
        "sliding_window": window, "full_attention_layers": full, "kv_bytes_per_token_bf16_full_layers_only": kv_full,
        "kv_fixed_bytes_per_sequence_windowed_layers": fixed,
    }  # fmt: skip


LLAMA_2 = decoder("LlamaForCausalLM", 32, 4096, 32, 32, 32000, 4096, torch_dtype="float16")
FP8_BLOCK = {"quant_method": "fp8", "fmt": "e4m3", "weight_block_size": [128, 128], "activation_scheme": "dynamic"}
FLOAT8 = {"weights": {"type": "float", "num_bits": 8}}
INT4 = {"weights": {"type": "int", "num_bits": 4}}
NEMOTRON = "M-M-M-MM-M-M-M*-M-M-M*-M-M-M-M*-M-M-M-M*-M-MM-M-M-M-M-M-"

CASES = {
    "meta-llama/Llama-2-7b-chat-hf": (
        LLAMA_2,
        facts("mha", 32, 32, 32, 128, 524288, default_dtype="float16", vocab_size=32000, num_layers=32),
    ),
    "meta-llama/Llama-3.2-1B-Instruct": (
        decoder("LlamaForCausalLM", 16, 2048, 32, 8, 128256, 131072, head_dim=64),
        facts("gqa", 16, 32, 8, 64, 32768, max_position_embeddings=131072),
    ),
    "mistralai/Mistral-7B-Instruct-v0.1": (
        decoder("MistralForCausalLM", 32, 4096, 32, 8, 32000, 32768, sliding_window=4096),
        facts("gqa", 32, 32, 8, 128, 131072, **windowed(4096, 0, 0, 536870912)),
    ),
    "mistralai/Mistral-7B-Instruct-v0.3": (
        decoder("MistralForCausalLM", 32, 4096, 32, 8, 32768, 32768, sliding_window=None, head_dim=None),
        facts("gqa", 32, 32, 8, 128, 131072, sliding_window=None, full_attention_layers=None),
    ),
    "mistralai/Mixtral-8x7B-Instruct-v0.1": (
        decoder("MixtralForCausalLM", 32, 4096, 32, 8, 32000, 32768, num_local_experts=8, num_experts_per_tok=2,
                intermediate_size=14336, sliding_window=None),
        facts("gqa", 32, 32, 8, 128, 131072, experts_per_token=2, moe_intermediate_size=14336),
    ),
    "Qwen/Qwen2.5-0.5B-Instruct": (
        decoder("Qwen2ForCausalLM", 24, 896, 14, 2, 151936, 32768, sliding_window=32768, use_sliding_window=False,
                max_window_layers=21),
        facts("gqa", 24, 14, 2, 64, 12288, sliding_window=None),
    ),
    "Qwen/Qwen3-4B": (
        decoder("Qwen3ForCausalLM", 36, 2560, 32, 8, 151936, 40960, head_dim=128),
        facts("gqa", 36, 32, 8, 128, 147456),
    ),
    "Qwen/Qwen3-30B-A3B": (
        decoder("Qwen3MoeForCausalLM", 48, 2048, 32, 4, 151936, 40960, head_dim=128, num_experts=128,
                num_experts_per_tok=8, moe_intermediate_size=768, intermediate_size=6144),
        facts("gqa", 48, 32, 4, 128, 98304, experts_per_token=8, moe_intermediate_size=768, intermediate_size=6144),
    ),
    "Qwen/Qwen3-Next-80B-A3B-Instruct": (
        decoder("Qwen3NextForCausalLM", 48, 2048, 16, 2, 151936, 262144, head_dim=256, full_attention_interval=4),
        facts("hybrid_linear_gqa", 12, 16, 2, 256, 24576),
    ),
    "Qwen/Qwen3.5-4B": (
        {"architectures": ["Qwen3_5ForConditionalGeneration"], "vision_config": {"hidden_size": 1024, "depth": 24},
         "text_config": {**decoder("x", 32, 2560, 16, 4, 248320, 262144, head_dim=256, dtype="bfloat16"),
                         "layer_types": types(32, 4, "linear_attention")}},
        facts("hybrid_linear_gqa", 8, 16, 4, 256, 32768, vocab_size=248320, default_dtype="bfloat16",
              architecture="Qwen3_5ForConditionalGeneration"),
    ),
    "google/gemma-2b-it": (
        decoder("GemmaForCausalLM", 18, 2048, 8, 1, 256000, 8192, head_dim=256),
        facts("mqa", 18, 8, 1, 256, 18432),
    ),
    "google/gemma-2-9b-it": (
        decoder("Gemma2ForCausalLM", 42, 3584, 16, 8, 256000, 8192, head_dim=256, sliding_window=4096),
        facts("gqa", 42, 16, 8, 256, 344064, **windowed(4096, 21, 172032, 704643072)),
    ),
    "google/gemma-3-1b-it": (
        decoder("Gemma3ForCausalLM", 26, 1152, 4, 1, 262144, 32768, head_dim=256, sliding_window=512,
                _sliding_window_pattern=6, layer_types=types(26, 6)),
        facts("mqa", 26, 4, 1, 256, 26624, **windowed(512, 4, 4096, 11534336)),
    ),
    "google/gemma-3-4b-it": (  # the first published configuration leaves the heads to the class's defaults
        {"architectures": ["Gemma3ForConditionalGeneration"], "torch_dtype": "bfloat16", "vision_config": {},
         "text_config": {"hidden_size": 2560, "intermediate_size": 10240, "num_hidden_layers": 34,
                         "sliding_window": 1024, "model_type": "gemma3_text"}},
        facts("gqa", 34, 8, 4, 256, 139264, vocab_size=262208, max_position_embeddings=131072,
              default_dtype="bfloat16", **windowed(1024, 5, 20480, 121634816)),
    ),
    "microsoft/Phi-3-mini-4k-instruct": (
        decoder("Phi3ForCausalLM", 32, 3072, 32, 32, 32064, 4096, sliding_window=2047),
        facts("mha", 32, 32, 32, 96, 393216, sliding_window=None),
    ),
    "deepseek-ai/DeepSeek-V2-Lite-Chat": (
        decoder("DeepseekV2ForCausalLM", 27, 2048, 16, 16, 102400, 163840, kv_lora_rank=512, qk_rope_head_dim=64,
                n_routed_experts=64, num_experts_per_tok=6, moe_intermediate_size=1408),
        facts("mla", 27, 16, 16, None, 31104, kv_lora_rank=512, qk_rope_head_dim=64, experts_per_token=6),
    ),
    "deepseek-ai/DeepSeek-V3-0324": (
        decoder("DeepseekV3ForCausalLM", 61, 7168, 128, 128, 129280, 163840, kv_lora_rank=512, qk_rope_head_dim=64,
                n_routed_experts=256, num_experts_per_tok=8, moe_intermediate_size=2048,
                quantization_config=FP8_BLOCK),
        facts("mla", 61, 128, 128, None, 70272, native_quantization="fp8_block_128x128"),
    ),
    "deepseek-ai/DeepSeek-V3.2": (
        decoder("DeepseekV32ForCausalLM", 61, 7168, 128, 128, 129280, 163840, kv_lora_rank=512, qk_rope_head_dim=64),
        facts("mla_sparse", 61, 128, 128, None, 70272),
    ),
    "mistralai/Mistral-Small-4-119B-2603": (
        {"architectures": ["Mistral3ForConditionalGeneration"], "dtype": "bfloat16",
         "quantization_config": {"quant_method": "fp8"},
         "text_config": decoder("x", 36, 4096, 32, 32, 131072, 1048576, kv_lora_rank=256, qk_rope_head_dim=64)},
        facts("mla", 36, 32, 32, None, 23040, native_quantization="fp8"),
    ),
    "openai/gpt-oss-20b": (
        decoder("GptOssForCausalLM", 24, 2880, 64, 8, 201088, 131072, head_dim=64, sliding_window=128,
                layer_types=[t for _ in range(12) for t in ("sliding_attention", "full_attention")],
                num_local_experts=32, num_experts_per_tok=4, intermediate_size=2880,
                quantization_config={"quant_method": "mxfp4", "modules_to_not_convert": ["lm_head"]}),
        facts("gqa", 24, 64, 8, 64, 49152, native_quantization="mxfp4_experts_only", experts_per_token=4,
              **windowed(128, 12, 24576, 3145728)),
    ),
    "meta-llama/Llama-4-Scout-17B-16E-Instruct": (
        {"architectures": ["Llama4ForConditionalGeneration"], "torch_dtype": "bfloat16",
         "text_config": decoder("x", 48, 5120, 40, 8, 202048, 10485760, head_dim=128, attention_chunk_size=8192,
                                no_rope_layers=[], num_local_experts=16, num_experts_per_tok=1,
                                intermediate_size=8192, intermediate_size_mlp=16384)},
        facts("gqa", 48, 40, 8, 128, 196608, moe_intermediate_size=8192, intermediate_size=16384,
              **windowed(8192, 12, 49152, 1207959552)),
    ),
    "meta-llama/Llama-3.2-11B-Vision-Instruct": (
        {"architectures": ["MllamaForConditionalGeneration"], "torch_dtype": "bfloat16",
         "text_config": decoder("x", 40, 4096, 32, 8, 128256, 131072,
                                cross_attention_layers=[3, 8, 13, 18, 23, 28, 33, 38])},
        facts("gqa", 32, 32, 8, 128, 131072, num_layers=40),
    ),
    "ibm-granite/granite-4.0-h-tiny": (
        decoder("GraniteMoeHybridForCausalLM", 40, 1536, 12, 4, 100352, 131072, num_local_experts=64,
                num_experts_per_tok=6, layer_types=["attention" if i % 10 == 5 else "mamba" for i in range(40)]),
        facts("hybrid_mamba2_gqa", 4, 12, 4, 128, 8192, experts_per_token=6),
    ),
    "ibm-granite/granite-4.0-micro": (
        decoder("GraniteMoeHybridForCausalLM", 40, 2560, 40, 8, 100352, 131072, num_local_experts=0,
                num_experts_per_tok=0, layer_types=["attention"] * 40),
        facts("gqa", 40, 40, 8, 64, 81920, experts_per_token=None),
    ),
    "nvidia/NVIDIA-Nemotron-Nano-9B-v2": (
        decoder("NemotronHForCausalLM", 56, 4480, 40, 8, 131072, 131072, head_dim=128,
                hybrid_override_pattern=NEMOTRON),
        facts("hybrid_mamba2_gqa", 4, 40, 8, 128, 16384),
    ),
    "tiiuae/falcon-7b-instruct": (
        {"architectures": ["FalconForCausalLM"], "torch_dtype": "bfloat16", "num_hidden_layers": 32,
         "hidden_size": 4544, "num_attention_heads": 71, "multi_query": True, "new_decoder_architecture": False,
         "vocab_size": 65024},
        facts("mqa", 32, 71, 1, 64, 8192, max_position_embeddings=2048),
    ),
    "tiiuae/falcon-40b-instruct": (
        {"architectures": ["FalconForCausalLM"], "num_hidden_layers": 60, "hidden_size": 8192,
         "num_attention_heads": 128, "num_kv_heads": 8, "new_decoder_architecture": True, "vocab_size": 65024},
        facts("gqa", 60, 128, 8, 64, 122880, default_dtype=None),
    ),
    "CohereLabs/c4ai-command-r7b-12-2024": (
        decoder("Cohere2ForCausalLM", 32, 4096, 32, 8, 256000, 8192, head_dim=128, sliding_window=4096,
                sliding_window_pattern=4),
        facts("gqa", 32, 32, 8, 128, 131072, **windowed(4096, 8, 32768, 402653184)),
    ),
    "allenai/Olmo-3-7B-Instruct": (
        decoder("Olmo3ForCausalLM", 32, 4096, 32, 32, 100278, 65536, sliding_window=4096, layer_types=types(32, 4)),
        facts("mha", 32, 32, 32, 128, 524288, **windowed(4096, 8, 131072, 1610612736)),
    ),
    "bigcode/starcoder2-7b": (
        decoder("Starcoder2ForCausalLM", 32, 4608, 36, 4, 49152, 16384, sliding_window=4096),
        facts("gqa", 32, 36, 4, 128, 65536, **windowed(4096, 0, 0, 268435456)),
    ),
    "BAAI/bge-m3": (
        {"architectures": ["XLMRobertaModel"], "torch_dtype": "float32", "num_hidden_layers": 24, "hidden_size": 1024,
         "num_attention_heads": 16, "vocab_size": 250002, "max_position_embeddings": 8194},
        facts("encoder_bidirectional", 0, 16, 16, 64, 0, default_dtype="float32", max_position_embeddings=8194),
    ),
    "nomic-ai/nomic-embed-text-v1.5": (
        {"architectures": ["NomicBertModel"], "torch_dtype": "float32", "n_layer": 12, "n_embd": 768, "n_head": 12,
         "vocab_size": 30528, "n_positions": 2048},
        facts("encoder_bidirectional", 0, 12, 12, 64, 0, hidden_size=768, max_position_embeddings=2048),
    ),
    "google/embeddinggemma-300m": (
        decoder("Gemma3TextModel", 24, 768, 3, 1, 262144, 2048, head_dim=256, sliding_window=512,
                use_bidirectional_attention=True, layer_types=types(24, 6)),
        facts("encoder_bidirectional", 0, 3, 1, 256, 0),
    ),
    "deepseek-ai/DeepSeek-V4-Flash-0731": (
        decoder("DeepseekV4ForCausalLM", 43, 4096, 64, 1, 129280, 1048576, head_dim=512),
        facts("compressed_sparse", 43, 64, 1, 512, None),
    ),
}  # fmt: skip


@pytest.mark.parametrize("model", CASES)
def test_a_configuration_gives_the_numbers_of_the_model_facts(model):
    config, expected = CASES[model]
    before = copy.deepcopy(config)
    shape = model_shape_from_config(config)
    assert {key: shape[key] for key in expected} == expected
    assert config == before


@pytest.mark.parametrize("model", CASES)
def test_the_kept_part_of_a_configuration_gives_the_same_shape(model):
    config, _ = CASES[model]
    kept = select_config({**config, "_name_or_path": "x", "auto_map": {"a": "b"}, "rope_scaling": {"factor": 2}})
    assert model_shape_from_config(kept) == model_shape_from_config(config)
    assert select_config(kept) == kept
    assert not {"_name_or_path", "auto_map", "rope_scaling"} & set(kept)


@pytest.mark.parametrize("model", CASES)
def test_a_shape_is_what_the_registry_calls_an_architecture(model):
    shape = model_shape_from_config(CASES[model][0])
    assert set(shape) == set(SHAPE_KEYS)
    assert Architecture.model_validate(shape).attention_kind == shape["attention_kind"]


UNDERSTOOD_BY_NOBODY = {
    "an unknown architecture": {**LLAMA_2, "architectures": ["BrandNewForCausalLM"]},
    "no architecture": {k: v for k, v in LLAMA_2.items() if k != "architectures"},
    "gemma 4, whose layers differ in head size": {**LLAMA_2, "architectures": ["Gemma4ForConditionalGeneration"]},
    "no layers": {**LLAMA_2, "num_hidden_layers": None},
    "layers as text": {**LLAMA_2, "num_hidden_layers": "32"},
    "no layers at all": {**LLAMA_2, "num_hidden_layers": 0},
    "a true number of layers": {**LLAMA_2, "num_hidden_layers": True},
    "more KV heads than heads": {**LLAMA_2, "num_key_value_heads": 64},
    "heads that do not divide the width": {**LLAMA_2, "num_attention_heads": 33, "num_key_value_heads": 33},
    "qwen without KV heads": decoder("Qwen2ForCausalLM", 24, 896, 14, None, 151936, 32768),
    "an unknown kind of layer": decoder(
        "Qwen3NextForCausalLM", 2, 64, 4, 2, 9, 9, layer_types=["full_attention", "?"]
    ),
    "a hybrid that does not say which": decoder("GraniteMoeHybridForCausalLM", 40, 1536, 12, 4, 9, 9),
    "a pattern of another length": decoder("NemotronHForCausalLM", 3, 64, 4, 2, 9, 9, hybrid_override_pattern="M*"),
    "latent attention without its rank": decoder("DeepseekV3ForCausalLM", 61, 7168, 128, 128, 9, 9),
    "nothing": {},
    "names that are no list": {**LLAMA_2, "architectures": "LlamaForCausalLM"},
    "a text part that is no mapping": {"architectures": ["Gemma3ForConditionalGeneration"], "text_config": [1]},
}


@pytest.mark.parametrize("what", UNDERSTOOD_BY_NOBODY)
def test_doubt_leaves_the_cache_unknown(what):
    shape = model_shape_from_config(UNDERSTOOD_BY_NOBODY[what])
    assert shape["attention_kind"] is None
    assert shape["layers_with_kv_cache"] is None
    assert shape["kv_bytes_per_token_bf16"] is None


@pytest.mark.parametrize(
    ("quantization", "name"),
    [
        ({"quant_method": "awq", "bits": 4}, "awq"),
        ({"quant_method": "gptq", "bits": 4}, "gptq"),
        ({"quant_method": "gptq", "bits": 8}, "gptq_8bit"),
        ({"quant_method": "fp8"}, "fp8"),
        ({"quant_method": "bitsandbytes", "load_in_4bit": True}, "bitsandbytes_4bit"),
        ({"quant_method": "mxfp4"}, "mxfp4"),
        ({"quant_method": "compressed-tensors", "config_groups": {"a": FLOAT8}}, "fp8"),
        ({"quant_method": "compressed-tensors", "config_groups": {"a": INT4}}, "int4"),
        ({"quant_method": "compressed-tensors", "format": "nvfp4-pack-quantized"}, "nvfp4"),
        ({"quant_method": "compressed-tensors", "config_groups": {"a": INT4, "b": FLOAT8}}, "compressed-tensors"),
        ({"quant_method": "something-new"}, "something-new"),
        ({}, "unknown"),
        ("fp8", None),
    ],
)  # fmt: skip
def test_a_quantisation_is_named_or_passed_on(quantization, name):
    config = {**LLAMA_2, "quantization_config": quantization}
    assert model_shape_from_config(config)["native_quantization"] == name
    assert model_shape_from_config(select_config(config))["native_quantization"] == name


def test_a_window_that_is_asked_for_counts_only_the_layers_that_have_it():
    config = decoder("Qwen2ForCausalLM", 28, 3584, 28, 4, 9, 9, sliding_window=4096, use_sliding_window=True)
    assert model_shape_from_config({**config, "max_window_layers": 20})["full_attention_layers"] == 20
    assert model_shape_from_config({**config, "max_window_layers": 28})["full_attention_layers"] is None
    assert model_shape_from_config(config)["full_attention_layers"] is None


def test_a_hostile_configuration_is_cut_down():
    hostile = {
        **LLAMA_2, "layer_types": ["x"] * 100_000, "model_type": "y" * 10_000, "dtype": {"a": [1]}, 7: 8,
        "no_rope_layers": [{"deep": []}], "text_config": "z", "quantization_config": {"quant_method": ["fp8"]},
    }  # fmt: skip
    kept = select_config(hostile)
    assert not {"layer_types", "model_type", "dtype", "no_rope_layers", "text_config", 7} & set(kept)
    assert model_shape_from_config(hostile)["kv_bytes_per_token_bf16"] == 524288
