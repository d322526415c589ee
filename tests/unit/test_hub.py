"""The Hub room: the real client against a small server that fails in every way, within the budget and in words."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mcc_registry.cli.asking import hub_finding
from mcc_registry.hub import HubError, HubFacts, fetch_hub_facts, hub_facts_from_mapping
from mcc_registry.hub_facts import choose_weights

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "standins"))
from hub import COMMIT, FAILURES, HubStandIn  # noqa: E402

TOKEN = "hf_SECRETsecretSECRET"
CONFIG = {
    "architectures": ["Qwen3ForCausalLM"], "torch_dtype": "bfloat16", "num_hidden_layers": 36, "hidden_size": 2560,
    "num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 128, "vocab_size": 151936,
    "max_position_embeddings": 40960, "sliding_window": None, "use_sliding_window": False, "bos_token_id": 151643,
}  # fmt: skip
SIZES = {"model-00001-of-00002.safetensors": 5_000_000_000, "model-00002-of-00002.safetensors": 3_044_981_960}
PARAMETERS = {"parameters": {"BF16": 4022468096}, "total": 4022468096}


@pytest.fixture
def hub(monkeypatch, tmp_path):
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_TOKEN_PATH", str(tmp_path / "none"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    with HubStandIn() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        files = {
            "config.json": CONFIG,
            "tokenizer_config.json": {"chat_template": "{{ messages }}"},
            "README.md": "x",
        }
        server.add("org/name", files, sizes=SIZES, safetensors=PARAMETERS)
        yield server


@pytest.fixture
def no_sockets(monkeypatch):
    opened = []

    def refuse(*args, **kwargs):
        opened.append(args)
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    return opened


def test_a_found_model_gives_commit_sizes_config_and_template(hub):
    facts = fetch_hub_facts("org/name")
    assert (facts.status, facts.commit, facts.gated) == ("found", COMMIT, False)
    assert (facts.parameter_count, facts.dtype_counts) == (4022468096, {"BF16": 4022468096})
    assert facts.weight_bytes == 8_044_981_960
    assert facts.weight_files == tuple(SIZES)
    assert (facts.chat_template_source, facts.chat_template) == ("tokenizer_config.json", "{{ messages }}")
    assert "bos_token_id" not in facts.config
    assert facts.shape()["kv_bytes_per_token_bf16"] == 147456
    assert facts.message == f"org/name is on the Hub at commit {COMMIT[:12]}"
    assert 0 < facts.elapsed_s < 6
    assert len(hub.requests) == 3
    assert all(f"/resolve/{COMMIT}/" in path for path in hub.requests[1:])


def test_a_quantised_model_keeps_how_it_is_quantised(hub):
    config = {**CONFIG, "quantization_config": {"quant_method": "awq", "bits": 4, "modules_to_not_convert": None}}
    hub.add("org/awq", {"config.json": config})
    facts = fetch_hub_facts("org/awq")
    assert facts.config["quantization_config"] == {"quant_method": "awq", "bits": 4}
    assert facts.shape()["native_quantization"] == "awq"


def test_the_template_file_comes_before_the_tokenizers(hub):
    hub.add("org/both", {"chat_template.jinja": "J", "tokenizer_config.json": {"chat_template": "T"}})
    facts = fetch_hub_facts("org/both")
    assert (facts.chat_template_source, facts.chat_template) == ("chat_template.jinja", "J")
    assert facts.config is None


def test_models_with_images_keep_their_template_in_a_file_of_its_own(hub):
    hub.add("org/v", {"chat_template.json": {"chat_template": "V"}, "tokenizer_config.json": {}})
    facts = fetch_hub_facts("org/v")
    assert (facts.chat_template_source, facts.chat_template) == ("chat_template.json", "V")


def test_code_of_its_own_and_files_that_are_no_model_are_told(hub):
    hub.add("org/own", {"config.json": {**CONFIG, "auto_map": {"AutoModel": "x.X"}}})
    hub.add("org/gguf", {"README.md": "x"}, sizes={"a-Q4.gguf": 10})
    hub.add("org/lora", {"adapter_config.json": {}}, sizes={"adapter_model.safetensors": 10})
    assert fetch_hub_facts("org/own").remote_code is True
    assert [fetch_hub_facts(f"org/{name}").contents for name in ("gguf", "lora", "own", "name")] == [
        "gguf", "adapter", None, None,
    ]  # fmt: skip


@pytest.mark.parametrize("failure", ["not-found", "no-revision"])
def test_a_missing_model_is_asked_about_once(hub, failure):
    """The finding repeats no words of the Hub's sentence."""
    hub.fail["org/name"] = failure
    facts = fetch_hub_facts("org/name", None if failure == "not-found" else "v9")
    message = hub_finding(facts.status, facts.message).message
    assert message.count("?") == 1 and message.count("misspelt") == 1 and ";" not in message
    assert message.endswith("? Continuing with what the registry knows")


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"chat_template": [{"name": "tool_use", "template": "A"}, {"name": "default", "template": "B"}]}, "B"),
        ({"chat_template": [{"name": ["x"], "template": "A"}, 7]}, None),
        ({"chat_template": 7}, None),
        ({}, None),
        ([], None),
    ],
)
def test_a_tokenizers_template_has_many_shapes(hub, given, text):
    hub.add("org/t", {"tokenizer_config.json": given})
    facts = fetch_hub_facts("org/t")
    assert facts.chat_template == text
    assert facts.chat_template_source == ("tokenizer_config.json" if text else "")


def test_a_revision_is_asked_for_and_quoted(hub):
    assert fetch_hub_facts("org/name", "main").status == "found"
    assert hub.requests[0] == "/api/models/org/name/revision/main?blobs=true"
    missing = fetch_hub_facts("org/name", "pr/7 x")
    assert (missing.status, missing.message.split(";")[0]) == (
        "not_found",
        "org/name has no revision pr/7 x on the Hub",
    )
    assert hub.requests[-1].startswith("/api/models/org/name/revision/pr%2F7%20x")


EXPECTED = {
    "unauthorized": ("unauthorized", "valid token"), "forbidden": ("unauthorized", "forbids"),
    "gated-401": ("gated", "accept its terms"), "gated-403": ("gated", "accept its terms"),
    "not-found": ("not_found", "private, local, or misspelt?"), "not-found-401": ("not_found", "misspelt"),
    "not-found-plain": ("not_found", "misspelt"), "no-revision": ("not_found", "no revision"),
    "limited": ("rate_limited", "slow down"), "broken": ("unavailable", "(500)"),
    "unavailable": ("unavailable", "(503)"), "teapot": ("invalid", "418"), "html": ("invalid", "not with JSON"),
    "truncated": ("invalid", "not with JSON"), "list": ("invalid", "not as the Hub does"),
    "null": ("invalid", "not as the Hub does"), "deep": ("invalid", "lists and mappings"),
    "wrong-types": ("invalid", "not as the Hub does"), "wrong-siblings": ("invalid", "not as the Hub does"),
    "not-utf8": ("invalid", "not with JSON"), "empty": ("invalid", "not with JSON"),
    "loop": ("invalid", "redirects without end"), "huge": ("invalid", "more than 4 MB"),
    "hang-up": ("unavailable", "broke off|cannot be reached"), "slow": ("unavailable", "did not answer"),
    "drip": ("unavailable", "slow|did not answer"), "away": ("unavailable", "cannot be reached"),
}  # fmt: skip


def test_every_failure_of_the_stand_in_is_expected():
    assert set(FAILURES) <= set(EXPECTED)


@pytest.mark.parametrize("failure", sorted(EXPECTED))
def test_each_failure_ends_in_one_sentence_within_the_budget(hub, monkeypatch, failure):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    hub.fail["org/name"] = failure
    start = time.monotonic()
    facts = fetch_hub_facts("org/name", None if failure != "no-revision" else "v9", budget_s=1.5)
    assert time.monotonic() - start < 2.0
    status, words = EXPECTED[failure]
    assert facts.status == status
    assert any(word in facts.message for word in words.split("|")), facts.message
    assert facts.message.endswith("; continuing with what the registry knows")
    assert TOKEN not in repr(facts)
    assert "\n" not in facts.message
    assert (facts.commit, facts.config, facts.weight_bytes) == (None, None, None)


@pytest.mark.parametrize("failure", ["broken", "html", "slow", "drip", "huge", "limited", "hang-up", "list"])
def test_a_failing_file_costs_only_what_it_holds(hub, failure):
    hub.fail["org/name/config.json"] = failure
    start = time.monotonic()
    facts = fetch_hub_facts("org/name", budget_s=1.5)
    assert time.monotonic() - start < 2.0
    assert (facts.status, facts.commit, facts.weight_bytes) == ("found", COMMIT, 8_044_981_960)
    assert facts.config is None
    assert facts.message
    if failure not in ("slow", "drip"):
        assert facts.chat_template == "{{ messages }}"


def test_a_gated_model_tells_its_sizes_but_not_its_files(hub):
    hub.add("org/gated", {"config.json": CONFIG}, gated="manual", sizes=SIZES)
    hub.fail["org/gated/config.json"] = "gated-401"
    facts = fetch_hub_facts("org/gated")
    assert (facts.status, facts.gated, facts.commit) == ("gated", True, COMMIT)
    assert facts.weight_bytes == 8_044_981_960
    assert "no token was given" in facts.message
    assert "no access yet" in fetch_hub_facts("org/gated", token=TOKEN).message


def test_the_token_is_sent_to_the_hub_and_shown_nowhere(hub, monkeypatch):
    fetch_hub_facts("org/name")
    assert set(hub.tokens) == {None}
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    assert TOKEN not in repr(fetch_hub_facts("org/name"))
    assert hub.tokens[-1] == f"Bearer {TOKEN}"
    assert fetch_hub_facts("org/name", token="other").status == "found"
    assert hub.tokens[-1] == "Bearer other"
    bad = fetch_hub_facts("org/name", token="line\nbreak" + TOKEN)
    assert bad.status == "unauthorized"
    assert TOKEN not in repr(bad)


def test_a_redirect_does_not_carry_the_token_to_another_host(hub):
    with HubStandIn() as other:
        other.add("org/name", {"config.json": CONFIG})
        hub.away = other.url
        hub.fail["org/name"] = "away"
        assert fetch_hub_facts("org/name", token=TOKEN).status == "found"
        assert hub.tokens[0] == f"Bearer {TOKEN}"
        assert other.tokens == [None]


def test_a_refused_connection_and_an_unknown_host_are_said_so(hub, monkeypatch):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{closed.getsockname()[1]}")
        facts = fetch_hub_facts("org/name")
    assert (facts.status, "cannot be reached" in facts.message) == ("unavailable", True)
    for endpoint in ("ftp://x", "not a url", "http://user:pw@host"):
        monkeypatch.setenv("HF_ENDPOINT", endpoint)
        facts = fetch_hub_facts("org/name")
        assert facts.status == "invalid"
        assert "pw" not in facts.message


@pytest.mark.parametrize("way", ["argument", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"])
def test_offline_opens_no_socket(hub, monkeypatch, no_sockets, way):
    if way != "argument":
        monkeypatch.setenv(way, "1")
    facts = fetch_hub_facts("org/name", offline=way == "argument")
    assert facts.status == "offline"
    assert not no_sockets
    assert not hub.requests


def test_the_socket_guard_would_notice(hub, no_sockets):
    assert fetch_hub_facts("org/name").status == "unavailable"
    assert no_sockets


@pytest.mark.parametrize(
    "name", ["", "a/b/c", "../etc", "s3://bucket/x", "./model", "org/na me", "x" * 300, "a\nb", "a?b"]
)
def test_what_is_no_hub_id_is_never_asked_for(hub, name):
    facts = fetch_hub_facts(name)
    assert facts.status == "invalid"
    assert "\n" not in facts.message
    assert not hub.requests


@pytest.mark.parametrize("revision", ["", "a\nb", "x" * 300])
def test_what_is_no_revision_is_never_asked_for(hub, revision):
    assert fetch_hub_facts("org/name", revision).status == "invalid"
    assert not hub.requests


def test_a_missing_library_is_said_so(hub, monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    facts = fetch_hub_facts("org/name")
    assert facts.status == "unavailable"
    assert "huggingface_hub is not installed" in facts.message


def test_a_hanging_server_does_not_keep_the_process_alive(hub):
    hub.fail["org/name"] = "slow"
    code = "from mcc_registry.hub import fetch_hub_facts; print(fetch_hub_facts('org/name', budget_s=1.0).status)"
    start = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=30, env=os.environ
    )
    assert done.stdout == "unavailable\n"
    assert done.stderr == ""
    assert time.monotonic() - start < 6


def test_importing_the_room_does_not_import_the_library():
    code = "import sys, mcc_registry.hub; print('huggingface_hub' in sys.modules, 'pydantic' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "False False\n"


def test_recorded_facts_replay_to_equal_facts(hub):
    facts = fetch_hub_facts("org/name")
    recorded = json.loads(json.dumps(facts.to_mapping(with_template=True, with_files=True)))
    assert hub_facts_from_mapping(recorded) == facts
    short = facts.to_mapping()
    assert not {"chat_template", "file_names", "elapsed_s"} & set(short)
    assert hub_facts_from_mapping(short).shape() == facts.shape()
    assert fetch_hub_facts("org/name").to_mapping() == short


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (None, "must be a mapping"),
        ({"status": "fine"}, "status"),
        ({"commit": "main"}, "40 hexadecimal"),
        ({"weight_bytes": "8"}, "weight_bytes"),
        ({"weight_bytes": True}, "weight_bytes"),
        ({"weight_bytes": -1}, "negative"),
        ({"config": []}, "config"),
        ({"dtype_counts": {"BF16": "x"}}, "dtype_counts"),
        ({"weight_files": [1]}, "weight_files"),
        ({"surprise": 1}, "unknown key surprise"),
        ({"message": None}, "message"),
    ],
)
def test_recorded_facts_of_another_shape_are_refused(change, words):
    good = HubFacts("found", "org/name", "x", commit=COMMIT).to_mapping()
    with pytest.raises(HubError, match=words):
        hub_facts_from_mapping(None if change is None else {**good, **change})


@pytest.mark.parametrize(
    ("sizes", "total"),
    [
        ({"model.safetensors": 5, "original/model.safetensors": 5, "metal/model.bin": 5}, 5),
        ({"model-00001-of-00002.safetensors": 5, "model-00002-of-00002.safetensors": 6, "model.safetensors": 11}, 11),
        ({"model.safetensors-00001-of-00001.safetensors": 5}, 5),
        ({"model-00001-of-00002.safetensors": 5}, None),
        ({"model-00001-of-00002.safetensors": 5, "model-00002-of-00002.safetensors": None}, None),
        ({"consolidated.safetensors": 7, "model.safetensors": 7}, 7),
        ({"consolidated.safetensors": 7}, 7),
        ({"model.safetensors": 7, "pytorch_model.bin": 9}, 7),
        ({"pytorch_model-00001-of-00002.bin": 4, "pytorch_model-00002-of-00002.bin": 5, "training_args.bin": 1}, 9),
        ({"gptq_model-4bit.safetensors": 3}, 3),
        ({"a.safetensors": 3, "b.safetensors": 4}, None),
        ({"adapter_model.safetensors": 3}, None),
        ({"unet/model.safetensors": 3}, None),
        ({"training_args.bin": 3}, None),
        ({"model.gguf": 3}, None),
        ({}, None),
    ],
)
def test_second_copies_and_incomplete_sets_are_not_counted(sizes, total):
    assert choose_weights(sizes)[1] == total


def test_odd_facts_are_left_out_not_believed(hub):
    odd = {"sha": "main", "gated": None, "safetensors": {"parameters": {"BF16": -4}, "total": True}}
    hub.add("org/odd", {}, sizes={"model.safetensors": "big"}, **odd)
    facts = fetch_hub_facts("org/odd")
    assert facts.status == "found"
    assert (facts.commit, facts.gated, facts.parameter_count, facts.weight_bytes) == (None, None, None, None)
