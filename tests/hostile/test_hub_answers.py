"""Whatever the Hub answers: facts or a reason, a plan that can be written, one printable sentence, within the budget."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from mcc_registry import Request, resolve
from mcc_registry.hub import fetch_hub_facts
from mcc_registry.hub_facts import hub_facts_from_mapping
from mcc_registry.lock import lock_text
from tests.standins.hub import FAILURES, HubStandIn

from .hostilekit import bounded
from .targets import seeds, shipped
from .test_fuzz import changed

NAME = "org/unlisted"
DEEP = b'{"a": ' * 20_000 + b"1" + b"}" * 20_000
WIDE = json.dumps({f"k{number}": [number] * 20 for number in range(20_000)}).encode()
ODD: tuple[Any, ...] = (
    None, True, -1, 1.5, 10**30, "", "x" * 100_000, "\x1b[31m", "\ud800", [], {}, [[]], {"a": None}, ["\u202e"], [{"rfilename": "\x1b[2J", "size": -1}],
    [{"rfilename": "../../etc/passwd", "size": 10**30}], [{"rfilename": f"model-{n:05d}-of-99999.safetensors"} for n in range(3000)],
)  # fmt: skip
FIELDS = ("id", "sha", "gated", "private", "siblings", "safetensors", "config", "tags", "cardData")


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Iterator[HubStandIn]:
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_TOKEN_PATH", str(tmp_path / "none"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    with HubStandIn() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        yield server


def check(hub: HubStandIn, files: dict[str, Any], **info: Any) -> None:
    hub.add(NAME, files, **info)
    with bounded():
        facts = fetch_hub_facts(NAME, budget_s=30)
        assert facts.message.isprintable() and len(facts.message) < 500, facts.message
        assert facts.commit is None or len(facts.commit) == 40
        assert facts.weight_bytes is None or facts.weight_bytes >= 0
        recorded = json.loads(json.dumps(facts.to_mapping()))
        assert hub_facts_from_mapping(recorded).status == facts.status
        plan = resolve(Request(model_name=NAME), shipped(), hub=facts)
        assert json.dumps(plan.to_json()) and lock_text(plan, "own")
        assert all(found.message.isprintable() for found in plan.findings)


BLOCK = b"[" * 30 + b"]" * 30
LARGE: dict[str, bytes] = {
    "many lists": b'{"a": [' + b",".join([BLOCK] * 60_000) + b"]}",
    "flat lists": b'{"a": [' + b",".join([b"[]"] * 1_200_000) + b"]}",
    "many keys": b"{" + b",".join(b'"%07d":1' % number for number in range(330_000)) + b"}",
    "many texts": b'{"a": [' + b",".join([b'"ab"'] * 700_000) + b"]}",
    "too long": b'{"a": "' + b"x" * 20_000_000 + b'"}',
}


@pytest.mark.parametrize("name", LARGE)
@pytest.mark.parametrize("file", ["", "config.json", "tokenizer_config.json"])
def test_a_large_answer_needs_bounded_memory(
    hub: HubStandIn, monkeypatch: pytest.MonkeyPatch, file: str, name: str
) -> None:
    """As the description of a model, or as one of its files: four megabytes, or less in very many parts."""
    hub.add(NAME, {"config.json": {"hidden_size": 64}, **({file: LARGE[name]} if file else {})})
    if not file:
        monkeypatch.setitem(FAILURES, "large", (200, "", LARGE[name]))
        hub.fail[NAME] = "large"
    with bounded(memory_mib=250):
        facts = fetch_hub_facts(NAME, budget_s=30)
    assert facts.message.isprintable() and len(facts.message) < 500
    assert facts.status == ("found" if file else "invalid")


@pytest.mark.parametrize("field", FIELDS)
def test_any_field_may_hold_anything(hub: HubStandIn, field: str) -> None:
    for value in ODD:
        check(hub, {"config.json": {"hidden_size": 64}}, **{field: value})


@pytest.mark.slow
@pytest.mark.parametrize(
    "file", ["config.json", "tokenizer_config.json", "chat_template.jinja", "generation_config.json"]
)
def test_any_file_may_hold_anything(hub: HubStandIn, file: str) -> None:
    """Seeds, random changes of them, deep and wide JSON, bytes that are no text."""
    chance = random.Random(file)
    start = seeds("recorded")
    tried = [
        *start,
        *(changed(chance.choice(start), chance) for _ in range(40)),
        DEEP,
        WIDE,
        b"\xff" * 100,
        b"",
        b"[" * 100_000,
    ]
    for data in tried:
        check(hub, {"config.json": {"hidden_size": 64}, file: data})
