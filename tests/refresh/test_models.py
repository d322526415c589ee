"""refresh models: the Hub's configurations against the architecture facts, through a Hub on a loopback port."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mcc_registry.hub import HubFacts
from mcc_registry.refresh.common import SourceError
from mcc_registry.refresh.models import (
    GIVE_UP_AFTER,
    SOURCE_ID,
    check_online,
    exact_models,
    fetch_all,
    refresh_models,
)
from tests.cli.invoke import invoke
from tests.standins.hub import HubStandIn

from .kit import TODAY, Files, drift, edited, pairs, tree

QWEN, NAME = "models/qwen3.yaml", "Qwen/Qwen3-0.6B"
CONFIG = {
    "architectures": ["Qwen3ForCausalLM"], "torch_dtype": "bfloat16", "num_hidden_layers": 28, "hidden_size": 1024,
    "num_attention_heads": 16, "num_key_value_heads": 8, "head_dim": 128, "vocab_size": 151936,
    "max_position_embeddings": 40960,
}  # fmt: skip


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubStandIn]:
    with HubStandIn() as standing:
        monkeypatch.setenv("HF_ENDPOINT", standing.url)
        monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
        yield standing


def one_model(shipped: Files) -> Files:
    """The registries with a single exact model."""
    files = {name: file for name, file in shipped.items() if file.kind != "model_family" or name == QWEN}
    return edited(files, QWEN, lambda data: data.update(models=[m for m in data["models"] if m["match"] == NAME]))


def row_of(files: Any) -> dict[str, Any]:
    data = files[QWEN][1] if isinstance(files[QWEN], tuple) else files[QWEN].data
    return next(m for m in data["models"] if m["match"] == NAME)


def ask(files: Files) -> Any:
    return refresh_models(files, fetch_all([name for _, _, name in exact_models(files)]), today=TODAY)


def test_an_equal_configuration_changes_nothing(shipped: Files, hub: HubStandIn) -> None:
    """The shipped facts of Qwen3-0.6B are what its configuration says."""
    hub.add(NAME, {"config.json": CONFIG}, gated=False)
    outcome = ask(one_model(shipped))
    assert drift(outcome) == [] and outcome.documents == {} and outcome.findings == []


def test_differences_are_said_and_taken(shipped: Files, hub: HubStandIn) -> None:
    """A changed, a missing and a gated fact; what no configuration says is kept."""
    hub.add(NAME, {"config.json": CONFIG}, gated="auto")

    def edit(data: dict[str, Any]) -> None:
        architecture = data["models"][0]["architecture"]
        architecture["max_position_embeddings"] = 32768
        del architecture["vocab_size"]
        data["models"][0]["notes"] = ["by hand"]

    files = edited(one_model(shipped), QWEN, edit)
    outcome = ask(files)
    assert [c.words() for c in drift(outcome)] == [
        f"added {NAME} vocab_size: 151936 (Hub)",
        f"changed {NAME} max_position_embeddings: 32768 -> 40960 (Hub)",
        f"changed {NAME} gated: no -> yes (Hub)",
    ]
    new, old = row_of(outcome.documents), row_of(shipped)
    assert new["gated"] is True and new["notes"] == ["by hand"]
    assert new["architecture"] == {**old["architecture"], "sources": [*old["architecture"]["sources"], SOURCE_ID]}
    provenance = outcome.documents[QWEN][1]["provenance"]
    assert provenance["checked"] == TODAY and provenance["source"][-1].startswith(f"{SOURCE_ID}:")
    again = refresh_models(
        {**files, QWEN: edited(files, QWEN, lambda d: d.update(outcome.documents[QWEN][1]))[QWEN]},
        fetch_all([NAME]), today=TODAY,
    )  # fmt: skip
    assert drift(again) == [] and again.documents == {}


def test_a_correction_stands(shipped: Files, hub: HubStandIn) -> None:
    """A fact that a person corrected with a reason is kept while the Hub says what the correction is about."""
    hub.add(NAME, {"config.json": CONFIG}, gated=False)

    def edit(data: dict[str, Any]) -> None:
        reason = {"field": "max_position_embeddings", "source_says": 40960, "reason": "8192 are kept for the answer"}
        data["models"][0]["architecture"].update(max_position_embeddings=32768, corrections=[reason])

    outcome = ask(edited(one_model(shipped), QWEN, edit))
    assert drift(outcome) == [] and outcome.documents == {}
    assert "kept for the answer" in outcome.changes[0].words()


@pytest.mark.parametrize("failure", ["not-found", "unauthorized", "broken", "limited", "html"])
def test_a_model_the_hub_does_not_tell_stays(shipped: Files, hub: HubStandIn, failure: str) -> None:
    """One of two models fails: it is listed, the other is still compared."""
    files = {name: file for name, file in shipped.items() if file.kind != "model_family" or name == QWEN}
    keep = (NAME, "Qwen/Qwen3-1.7B")
    files = edited(files, QWEN, lambda data: data.update(models=[m for m in data["models"] if m["match"] in keep]))
    hub.add(keep[0], {"config.json": {**CONFIG, "vocab_size": 7}}, gated=False)
    hub.add(keep[1], {"config.json": CONFIG})
    hub.fail[keep[1]] = failure
    outcome = ask(files)
    assert pairs(outcome) == [("changed", f"{NAME} vocab_size")]
    assert [(f.code, f.severity) for f in outcome.findings] == [("MCC726", "warning")]
    assert keep[1] in outcome.findings[0].message


def test_a_hub_that_lost_many_models_is_refused(shipped: Files) -> None:
    """More than one model in twenty is not found: nothing is written unless that is accepted; one alone is news."""
    names = [name for _, _, name in exact_models(shipped)]
    found = {name: facts("found", name) for name in names}
    lost = {**found, **{name: facts("not_found", name) for name in names[: len(names) // 20 + 1]}}
    outcome = refresh_models(shipped, lost, today=TODAY)
    assert [(f.code, f.severity) for f in outcome.findings] == [("MCC721", "error")] and outcome.documents == {}
    accepted = refresh_models(shipped, lost, today=TODAY, allow_removals=True)
    assert "MCC721" not in [f.code for f in accepted.findings]
    one = refresh_models(shipped, {**found, names[0]: facts("not_found", names[0])}, today=TODAY)
    assert "MCC721" not in [f.code for f in one.findings]


def test_only_files_read_in_full_get_a_new_date(shipped: Files, hub: HubStandIn) -> None:
    """The date of a file says when all of its facts were compared; a half-read file keeps the old one."""
    keep = (NAME, "Qwen/Qwen3-1.7B")
    files = {name: file for name, file in shipped.items() if file.kind != "model_family" or name == QWEN}
    files = edited(files, QWEN, lambda data: data.update(models=[m for m in data["models"] if m["match"] in keep]))
    hub.add(keep[0], {"config.json": {**CONFIG, "vocab_size": 7}}, gated=False)
    half = ask(files).documents[QWEN][1]["provenance"]
    hub.add(keep[1], {"config.json": {**CONFIG, "hidden_size": 2048}}, gated=False)
    full = ask(files).documents[QWEN][1]["provenance"]
    assert (half["checked"], full["checked"]) == (files[QWEN].data["provenance"]["checked"], TODAY)
    assert any(SOURCE_ID in line for line in half["source"])


def test_nothing_learned_is_an_error(shipped: Files, hub: HubStandIn) -> None:
    """When the Hub tells nothing about any model, the refresh fails instead of saying that nothing differs."""
    hub.fail[NAME] = "broken"
    outcome = ask(one_model(shipped))
    assert [(f.code, f.severity) for f in outcome.findings] == [("MCC720", "error")] and outcome.documents == {}


def test_offline_is_refused() -> None:
    """Offline there is nothing to learn."""
    with pytest.raises(SourceError, match="offline"):
        check_online(True)


def facts(status: Any, name: str) -> HubFacts:
    return HubFacts(status, name, "")


def test_a_few_at_a_time_with_progress() -> None:
    """Never more look-ups at once than allowed; every model is asked once; progress counts up to the end."""
    running, most, lock = 0, 0, threading.Lock()
    seen: list[tuple[int, int]] = []

    def fetch(name: str) -> HubFacts:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.005)
        with lock:
            running -= 1
        return facts("not_found", name)

    names = [f"a/{number}" for number in range(20)]
    found = fetch_all(
        [*names, *names], fetch=fetch, progress=lambda done, total: seen.append((done, total)), at_once=3
    )
    assert sorted(found) == sorted(names) and 1 < most <= 3
    assert seen == [(number, 20) for number in range(1, 21)]


def test_a_dead_hub_is_not_asked_for_every_model() -> None:
    """After a dozen failures in a row the rest is not tried."""
    asked: list[str] = []

    def fetch(name: str) -> HubFacts:
        asked.append(name)
        return facts("unavailable", name)

    found = fetch_all([f"a/{number}" for number in range(200)], fetch=fetch)
    assert GIVE_UP_AFTER <= len(asked) <= GIVE_UP_AFTER + 4 and len(found) == len(asked)


@pytest.mark.slow
def test_the_command_asks_the_hub(checkout: Path, shipped: Files, hub: HubStandIn) -> None:
    """From the command line: progress on stderr, drift as exit 1, --yes writes, then nothing differs."""
    names = [name for _, _, name in exact_models(shipped)]
    hub.add(NAME, {"config.json": {**CONFIG, "vocab_size": 151000}}, gated=False)
    env = {"HF_ENDPOINT": hub.url, "HF_HUB_OFFLINE": "0"}
    words = ("refresh", "models", "--root", str(checkout))
    before = tree(checkout)
    refused = invoke(*words, "--yes", env=env)
    assert refused.code == 1 and "MCC721" in refused.err and tree(checkout) == before
    words = (*words, "--allow-removals")
    result = invoke(*words, "--check", env=env)
    assert result.code == 1 and f"asked the Hub about {len(names)} of {len(names)} models" in result.err
    assert f"changed {NAME} vocab_size: 151936 -> 151000 (Hub)" in " ".join(result.out.split())
    said = " ".join(result.err.split())
    assert f"nothing changed for {len(names) - 1} of {len(names)} models, not found" in said
    assert invoke(*words, "--yes", env=env).code == 0
    assert [name for name, data in tree(checkout).items() if data != before[name]] == [QWEN]
    assert invoke(*words, "--check", env=env).code == 0
