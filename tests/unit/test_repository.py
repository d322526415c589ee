"""What is known of a model's repository: templates, terms of access, code of its own, files that are no model."""

from __future__ import annotations

from typing import Any

import pytest

from mcc_registry import Registry
from mcc_registry.hub_facts import HubFacts, contents_of, hub_facts_from_mapping
from tests.unit.core_kit import ask, named, one

SHAPE = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 4096, "num_hidden_layers": 32,
         "num_attention_heads": 32, "num_key_value_heads": 8, "vocab_size": 128256, "max_position_embeddings": 8192,
         "torch_dtype": "bfloat16"}  # fmt: skip


def told(name: str, status: Any = "found", **facts: Any) -> HubFacts:
    return HubFacts(status, name, "", **{"config": SHAPE, "parameter_count": 8_030_261_248, **facts})


def source_of(registry: Registry, name: str, hub: HubFacts | None = None, **answers: Any) -> str:
    plan = ask(registry, hub, model_name=name, instance_type="ml.g6e.12xlarge", **answers)
    assert plan.model is not None
    return str(plan.model["chat_template_source"])


def test_a_row_that_requires_a_template_gets_one(shipped: Registry) -> None:
    """vicuna-33b is known by its pattern only, which says that its repositories have no template."""
    name = "lmsys/vicuna-33b-v1.3"
    match = shipped.find_model(name)
    assert match is not None and match.match == "pattern" and match.requires_template
    plan = ask(shipped, model_name=name, instance_type="ml.g6e.12xlarge")
    assert plan.chat_template_text == shipped.chat_templates["vicuna-v1.1"]
    assert plan.settings["chat_template"].source == "Generator_Default"


@pytest.mark.parametrize(
    ("on_the_hub", "answer", "expected"),
    [
        (None, "auto", "Model_Registry"),
        ("", "auto", "Model_Registry"),
        ("tokenizer_config.json", "auto", "model_repository"),
        ("", "none", "none"),
        ("", "mine.jinja", "User_Input"),
        ("tokenizer_config.json", "mine.jinja", "User_Input"),
    ],
)
def test_order_of_template_sources(on_the_hub: str | None, answer: str, expected: str, shipped: Registry) -> None:
    """The user's file, the repository's own, the registry's where there is none (facts/chat_formats.md section 0)."""
    name = "lmsys/vicuna-33b-v1.3"
    hub = told(name, chat_template_source=on_the_hub)
    assert source_of(shipped, name, hub, chat_template=answer) == expected


def test_a_row_that_ships_a_template_is_believed(shipped: Registry) -> None:
    """The registry's word on an exact model is above the Hub's, whose look-up reads three files."""
    assert source_of(shipped, "Qwen/Qwen3-4B", told("Qwen/Qwen3-4B", chat_template_source="")) == "model_repository"


def test_a_pattern_gets_the_family_template_when_the_hub_has_none(shipped: Registry) -> None:
    name = "HuggingFaceH4/zephyr-7b-alpha-copy"
    assert source_of(shipped, name, told(name, chat_template_source="")) == "Model_Registry"


@pytest.mark.parametrize(
    ("template", "config", "answers", "said"),
    [
        ("", SHAPE, {}, True),
        (None, SHAPE, {}, False),
        ("chat_template.jinja", SHAPE, {}, False),
        ("", SHAPE, {"chat_template": "own.jinja"}, False),
        ("", SHAPE, {"env_vars": {"tokenizer_mode": "mistral"}}, False),
        ("", {**SHAPE, "architectures": ["BertModel"]}, {}, False),
    ],
)
def test_a_model_that_cannot_chat_is_told(
    template: str | None, config: dict[str, Any], answers: dict[str, Any], said: bool, shipped: Registry
) -> None:
    hub = told("acme/new-8b", chat_template_source=template, config=config)
    plan = ask(shipped, hub, model_name="acme/new-8b", instance_type="ml.g6e.xlarge", **answers)
    assert bool(named(plan, "chat-template-missing")) is said
    assert plan.ok


def test_no_template_for_the_rows_that_do_not_chat(shipped: Registry) -> None:
    """Of the listed models only those that talk are told."""
    seen = 0
    for family in shipped.models.values():
        for row in family.models:
            plan = ask(shipped, model_name=row.match, instance_type="ml.p5.48xlarge")
            if named(plan, "chat-template-missing"):
                seen += 1
                assert row.task in ("text-generation", "image-text-to-text"), row.match
                assert row.chat is not None and row.chat.ships_template is False
    assert seen


@pytest.mark.parametrize(
    ("name", "on_the_hub", "said"),
    [
        ("acme/secret", True, True),
        ("acme/open", False, False),
        ("meta-llama/Llama-3.1-8B-Instruct", None, True),
        ("meta-llama/Llama-3.1-8B-Instruct", False, False),
        ("Qwen/Qwen3-4B", True, True),
        ("Qwen/Qwen3-4B", None, False),
    ],
)
def test_the_hub_knows_best_what_is_gated(name: str, on_the_hub: bool | None, said: bool, shipped: Registry) -> None:
    """Terms of access change; the Hub's word is the newer one, in both directions."""
    hub = told(name, gated=on_the_hub, chat_template_source="tokenizer_config.json")
    plan = ask(shipped, hub, model_name=name, instance_type="ml.g6.xlarge")
    assert bool(named(plan, "model-gated")) is said
    assert plan.model is not None and bool(plan.model["gated"]) is said


def test_remote_code_is_told_and_never_trusted_by_itself(shipped: Registry) -> None:
    hub = told("acme/own", remote_code=True, chat_template_source="tokenizer_config.json")
    plan = ask(shipped, hub, model_name="acme/own", instance_type="ml.g6.xlarge")
    assert one(plan, "remote-code").severity == "warning" and "trust_remote_code" not in plan.settings
    plan = ask(
        shipped, hub, model_name="acme/own", instance_type="ml.g6.xlarge", env_vars={"trust_remote_code": True}
    )
    assert named(plan, "remote-code") == [] and one(plan, "trust-remote-code")
    known = told("Qwen/Qwen3-4B", remote_code=True)
    assert named(ask(shipped, known, model_name="Qwen/Qwen3-4B", instance_type="ml.g6.xlarge"), "remote-code") == []


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (["model.safetensors", "config.json"], None),
        (["a-Q4_K_M.gguf", "README.md"], "gguf"),
        (["a.gguf", "model.safetensors"], None),
        (["adapter_config.json", "adapter_model.safetensors"], "adapter"),
        (["adapter_config.json", "adapter_model.bin", "model.safetensors"], None),
        (["unet/model.safetensors", "model_index.json"], None),
        (["README.md"], None),
    ],
)
def test_contents_of_a_repository(files: list[str], expected: str | None) -> None:
    assert contents_of(files) == expected


def test_what_the_rules_read_survives_the_record() -> None:
    """An update replays the recorded facts; a finding must not depend on what is left out of them."""
    facts = told("acme/own", remote_code=True, contents="gguf", gated=True, chat_template_source="")
    replayed = hub_facts_from_mapping(facts.to_mapping())
    for name in ("remote_code", "contents", "gated", "chat_template_source", "status"):
        assert getattr(replayed, name) == getattr(facts, name)
    plain = told("acme/plain", chat_template_source="x")
    assert not {"remote_code", "contents"} & set(plain.to_mapping()), "nothing new is recorded for an ordinary model"


@pytest.mark.parametrize(
    ("answers", "hub", "word"),
    [
        ({"offline": True}, None, "go on without offline"),
        ({}, told("acme/x", "offline", config=None), "go on without offline"),
        ({}, told("acme/x", "not_found", config=None), "correct the name"),
        ({}, told("acme/x", "gated", config=None), "HF_TOKEN of an account"),
        ({}, told("acme/x", "unauthorized", config=None), "valid HF_TOKEN"),
        ({}, told("acme/x", "unavailable", config=None), "again later"),
        ({}, told("acme/x", config=None), "add a row"),
        ({}, None, "add a row"),
    ],
)
def test_the_way_out_follows_from_what_the_hub_said(
    answers: dict[str, Any], hub: HubFacts | None, word: str, shipped: Registry
) -> None:
    hint = one(ask(shipped, hub, model_name="acme/x", instance_type="ml.g6.xlarge", **answers), "model-unknown").hint
    assert word in hint and "init-layer" in hint
    assert ("offline" in hint) is (word == "go on without offline")


def test_a_model_in_s3_is_no_matter_of_the_hub(shipped: Registry) -> None:
    plan = ask(shipped, model_name="s3://bucket/model/", instance_type="ml.g6.xlarge", offline=True)
    assert one(plan, "model-unknown").hint.startswith("compare its weights")
