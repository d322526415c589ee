"""A container the engine is still making when its client is ended is removed all the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from mcc_registry.docker import engine


def test_a_container_that_appears_late_is_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client was ended before the engine had made the container: it is asked for until it is there."""
    asked: list[Sequence[str]] = []

    def call(words: Sequence[str], timeout_s: float, **_: Any) -> engine.Done:
        asked.append(words)
        if words[0] == "run":
            return engine.Done(None, "", "")
        return engine.Done(0, "", "Error: No such container: x" if len(asked) < 4 else "")

    monkeypatch.setattr(engine, "call", call)
    engine.run("image", "sh", [], 1, user=None, gpus=False)
    assert [words[0] for words in asked] == ["run", "rm", "rm", "rm"]
    assert {words[-1] for words in asked[1:]} == {asked[0][asked[0].index("--name") + 1]}


def test_waiting_for_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that never appears is not waited for without end."""
    monkeypatch.setattr(engine, "STILL_MADE_S", 0)
    monkeypatch.setattr(engine, "call", lambda words, *_, **__: engine.Done(None, "", "Error: No such container: x"))
    assert engine.run("image", "sh", [], 1, user=None, gpus=False).code is None
