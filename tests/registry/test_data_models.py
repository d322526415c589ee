"""The shipped models: patterns that never take each other's names, and facts that agree with arithmetic."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mcc_registry.models.framework import Framework
from mcc_registry.models.model import Architecture, ModelFamily, ModelRow
from mcc_registry.patterns import best_patterns, does_match, specificity
from mcc_registry.registry import Registry
from mcc_registry.settings import choices_at
from mcc_registry.versions import filter_versions, find_spec
from tests.registry.shipped import ROOT, files, row

Families = dict[str, ModelFamily]
ALL: Families = {p.stem: row(p) for p in files("models")}
EXACT: list[tuple[str, ModelRow]] = [(f.id, m) for f in ALL.values() for m in f.models]
PATTERNS: dict[str, tuple[str, ModelRow]] = {p.match: (f.id, p) for f in ALL.values() for p in f.patterns}
IDS = [m.match for _, m in EXACT]


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry.load(environ={})


def test_counts() -> None:
    """178 models of 82 family lines; no id and no pattern stands twice."""
    assert len(ALL) == 82
    assert len(EXACT) == 178
    assert len({i.lower() for i in IDS}) == 178
    assert len(PATTERNS) == sum(len(f.patterns) for f in ALL.values())


def test_reference_families_are_there() -> None:
    """The families of the reference document and the current ones."""
    assert {"llama-2", "mistral-7b", "mixtral", "codellama", "falcon", "vicuna"} <= set(ALL)
    assert {
        "llama-3.1",
        "llama-3.3",
        "qwen2.5",
        "qwen3",
        "gemma-3",
        "phi-4",
        "deepseek-r1-distill",
        "gpt-oss",
    } <= set(ALL)


@pytest.mark.parametrize(("family", "model"), EXACT, ids=IDS)
def test_exact_id_is_found_exactly(registry: Registry, family: str, model: ModelRow) -> None:
    """Each listed id matches exactly, whatever its letter case, in its own family."""
    for name in (model.match, model.match.upper()):
        found = registry.find_model(name)
        assert found is not None
        assert (found.match, found.matched, found.family_id) == ("exact", model.match, family)


@pytest.mark.parametrize(("family", "model"), EXACT, ids=IDS)
def test_patterns_keep_to_their_family(family: str, model: ModelRow) -> None:
    """Were an id not listed, the best pattern would still be one of its own family, and only one."""
    best = best_patterns(PATTERNS, model.match)
    assert len(best) <= 1
    assert all(PATTERNS[p][0] == family for p in best)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_pattern_examples(registry: Registry, pattern: str) -> None:
    """Names it must match find this very pattern (or are listed ids of its family); the others do not match."""
    family, pattern_row = PATTERNS[pattern]
    assert pattern_row.must_match
    assert pattern_row.must_not_match
    for name in pattern_row.must_match:
        found = registry.find_model(name)
        assert found is not None
        assert found.family_id == family
        assert found.match == "exact" or found.matched == pattern, name
    assert not [n for n in pattern_row.must_not_match if does_match(pattern, n)]


def test_patterns_do_not_overreach() -> None:
    """A pattern names an organisation and more: no pattern takes a whole organisation."""
    for pattern in PATTERNS:
        organisation, _, rest = pattern.partition("/")
        assert "*" not in organisation
        assert specificity(rest) >= 4, pattern


def rows() -> Iterator[tuple[str, ModelRow]]:
    yield from EXACT
    yield from PATTERNS.values()


def test_compatibility_can_be_met(frameworks: dict[str, Framework]) -> None:
    """Specifiers parse, name servers that exist, carry their basis, and releases satisfy them."""
    for _, model in rows():
        for engine, spec in model.framework_compatibility.items():
            assert find_spec(spec) is not None, (model.match, spec)
            assert engine in frameworks
            assert engine in model.compatibility_basis, (model.match, engine)
            versions = [r.version for r in frameworks[engine].releases]
            assert filter_versions(versions, spec), (model.match, engine, spec)


def test_parsers_are_choices_of_the_engine(frameworks: dict[str, Framework]) -> None:
    """Every parser a model asks for is a choice of the newest release; tool choice never comes without a parser."""
    for _, model in rows():
        for engine, settings in model.engine_settings.items():
            table = {p.canonical or p.name: p for p in frameworks[engine].parameters}
            newest = frameworks[engine].releases[0].version
            for name, value in settings.items():
                choices = choices_at(table[name], newest)
                assert choices is None or value in choices, (model.match, engine, name, value)
            assert "enable_auto_tool_choice" not in settings or "tool_call_parser" in settings


def test_profile_fits_its_model(registry: Registry) -> None:
    """The profile chosen for a listed id describes that very id; profiles with settings say why."""
    for _, model in EXACT:
        found = registry.find_model(model.match)
        assert found is not None
        chosen = found.profile_for()
        if chosen is not None:
            like = found.profiles[chosen].like
            assert like == model.match, (model.match, chosen, like)
        for profile in found.profiles.values():
            assert not profile.settings or (profile.note and len(profile.note.split()) > 5)
            if profile.like:
                other = registry.find_model(profile.like)
                assert other is not None
                assert other.match == "exact"
                assert other.family_id == found.family_id


@pytest.mark.parametrize(
    ("name", "profile"),
    [
        ("meta-llama/Llama-2-7b-hf", "7b"),
        ("meta-llama/Llama-2-70b-hf", "70b"),
        ("meta-llama/Llama-2-13b-chat-hf", "13b"),
        ("mistralai/Mixtral-8x7B-v0.1", "8x7b"),
        ("codellama/CodeLlama-34b-hf", "34b"),
        ("Qwen/Qwen3-4B", "4b"),
        ("Qwen/Qwen3-8B-Base", "8b"),
        ("meta-llama/Llama-3.1-8B", "8b"),
        ("lmsys/vicuna-13b-v1.5", "13b"),
        ("tiiuae/falcon-7b", "7b"),
        ("Qwen/Qwen3-8B-FP8", None),
        ("lmsys/vicuna-33b-v1.3", None),
    ],
)
def test_default_profile(registry: Registry, name: str, profile: str | None) -> None:
    """Per-size profiles apply by themselves; a quantised or unlisted size has other facts and gets none."""
    found = registry.find_model(name)
    assert found is not None
    assert found.profile_for() == profile


def test_tensor_parallel_profiles_divide_the_heads(registry: Registry) -> None:
    """A profile for several GPUs asks for a size that divides the model's attention heads."""
    count = 0
    for _, model in rows():
        for profile in model.profiles.values():
            size = profile.settings.get("tensor_parallel_size")
            if size is None:
                continue
            assert profile.like is not None
            like = registry.find_model(profile.like)
            assert like is not None
            assert like.row.architecture is not None
            assert isinstance(size, int)
            assert (like.row.architecture.num_attention_heads or 1) % size == 0
            count += 1
    assert count > 20


def architectures() -> Iterator[tuple[str, Architecture]]:
    for _, model in EXACT:
        assert model.architecture is not None
        yield model.match, model.architecture


def test_cache_bytes_follow_the_shape() -> None:
    """KV bytes per token are 2 x layers x KV heads x head size x 2 for head-sharded attention, 0 for encoders."""
    checked = 0
    for name, shape in architectures():
        if shape.attention_kind == "encoder_bidirectional":
            assert shape.kv_bytes_per_token_bf16 == 0, name
        elif shape.attention_kind in ("mha", "gqa", "mqa", "hybrid_linear_gqa", "hybrid_mamba2_gqa"):
            if None in (shape.layers_with_kv_cache, shape.num_kv_heads, shape.head_dim):
                continue
            if name.startswith("google/gemma-4"):  # two head sizes
                continue
            assert shape.layers_with_kv_cache and shape.num_kv_heads and shape.head_dim
            expected = 4 * shape.layers_with_kv_cache * shape.num_kv_heads * shape.head_dim
            assert shape.kv_bytes_per_token_bf16 == expected, name
            checked += 1
    assert checked > 120


def test_weights_follow_the_parameters() -> None:
    """16-bit weights are two bytes per counted parameter; active parameters are never more than all."""
    checked = 0
    for name, shape in architectures():
        gib = shape.weights_gib.get("bf16")
        if shape.params_total and gib and shape.params_basis == "computed_from_config":
            assert gib == pytest.approx(shape.params_total * 2 / 2**30, rel=0.02, abs=0.01), name
            checked += 1
        if shape.params_active and shape.params_total:
            assert shape.params_active <= shape.params_total, name
        if shape.layers_with_kv_cache and shape.num_layers:
            assert shape.layers_with_kv_cache <= shape.num_layers, name
        if shape.num_attention_heads and shape.num_kv_heads:
            assert shape.num_attention_heads % shape.num_kv_heads == 0, name
    assert checked > 80


def test_sources_are_explained() -> None:
    """Every source label of a shape is spelled out in its file."""
    for family in ALL.values():
        spelled = {s.split(":")[0] for s in family.provenance.source}
        for model in family.models:
            assert model.architecture is not None
            assert model.architecture.sources
            assert set(model.architecture.sources) <= spelled, model.match


def test_templates_are_asked_for_only_where_none_is_shipped(registry: Registry) -> None:
    """Exactly the Vicuna line needs a template from us, and we have it."""
    needing = {m.match for _, m in EXACT if (f := registry.find_model(m.match)) and f.requires_template}
    assert needing == {"lmsys/vicuna-7b-v1.5", "lmsys/vicuna-13b-v1.5"}
    assert (ROOT / "chat_templates" / "vicuna-v1.1.jinja").exists()
    for _, model in rows():
        if model.requires_template:
            assert model.chat is not None
            assert model.chat.format == "vicuna-v1.1"


@pytest.mark.parametrize(
    ("name", "engine", "spec"),
    [
        ("Qwen/Qwen3-4B", "vllm", ">=0.8.5"),
        ("meta-llama/Llama-3.2-11B-Vision-Instruct", "vllm", ">=0.6.2,<=0.10.2"),
        ("meta-llama/Llama-3.2-11B-Vision-Instruct", "lmi", ">=14.0.0,<17.0.0"),
        ("openai/gpt-oss-20b", "vllm", ">=0.10.1"),
        ("openai/gpt-oss-20b", "tensorrt-llm", ">=1.1"),
        ("Qwen/Qwen3.5-35B-A3B", "tensorrt-llm", ">=1.3.0rc9"),
        ("meta-llama/Llama-2-7b-chat-hf", "lmi", ">=10.0.0"),
        ("Qwen/Qwen3-4B", "lmi", ">=16.0.0"),
        ("google/gemma-4-12B-it", "vllm", ">=0.23.0"),
    ],
)
def test_compatibility_spot_checks(registry: Registry, name: str, engine: str, spec: str) -> None:
    """Known limits, one by one."""
    found = registry.find_model(name)
    assert found is not None
    assert found.framework_compatibility[engine] == spec


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        (
            "Qwen/Qwen3-4B",
            {"tool_call_parser": "hermes", "enable_auto_tool_choice": True, "reasoning_parser": "qwen3"},
        ),
        ("Qwen/Qwen3-4B-Instruct-2507", {"tool_call_parser": "hermes", "enable_auto_tool_choice": True}),
        ("mistralai/Mistral-7B-Instruct-v0.2", {}),
        ("mistralai/Mistral-7B-Instruct-v0.3", {"tool_call_parser": "mistral", "enable_auto_tool_choice": True}),
        ("microsoft/phi-4", {}),
        ("microsoft/Phi-4-reasoning", {"reasoning_parser": "deepseek_r1"}),
        ("google/gemma-3-1b-it", {}),
        ("BAAI/bge-m3", {}),
    ],
)
def test_settings_spot_checks(registry: Registry, name: str, settings: dict[str, object]) -> None:
    """What vLLM is told for a model, inherited settings included; non-thinking variants get no reasoning parser."""
    found = registry.find_model(name)
    assert found is not None
    assert found.settings("vllm") == settings


def test_facts_spot_checks() -> None:
    """Numbers that public catalogs often get wrong."""
    shapes = dict(architectures())
    assert shapes["Qwen/Qwen2.5-7B-Instruct"].params_total == 7615616512
    assert shapes["Qwen/Qwen2.5-7B-Instruct"].max_position_embeddings == 32768
    assert shapes["Qwen/Qwen3-4B"].max_position_embeddings == 40960
    assert shapes["google/gemma-3-4b-it"].num_attention_heads == 8
    assert shapes["tiiuae/falcon-7b-instruct"].num_kv_heads == 1
    assert shapes["codellama/CodeLlama-13b-Instruct-hf"].max_position_embeddings == 16384
    assert shapes["meta-llama/Llama-3.3-70B-Instruct"].kv_bytes_per_token_bf16 == 320 * 1024
