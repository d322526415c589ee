"""Architecture facts of models: what the Hub's configurations say now, against models/*.yaml."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from ..errors import Finding, listing
from ..hub import HubFacts, fetch_hub_facts
from ..model_shape import SHAPE_KEYS
from .common import (
    Change,
    ChangeKind,
    Outcome,
    SourceError,
    correction_for,
    get_finding,
    judge_correction,
    shrinkage,
    sourced,
)
from .files import RegistryFile

AT_ONCE = 4
BUDGET_S = 12.0
GIVE_UP_AFTER = 12
"""Look-ups in a row that fail for want of a connection before the rest is not tried."""

SOURCE_ID = "hugging_face_hub"
SOURCE = f"{SOURCE_ID}: config.json of each model on the Hugging Face Hub, read by mcc-registry refresh models"
UNREACHABLE = ("unavailable", "offline", "rate_limited")

Fetch = Callable[[str], HubFacts]
Progress = Callable[[int, int], None]


def exact_models(files: Mapping[str, RegistryFile]) -> Iterator[tuple[RegistryFile, int, str]]:
    """Every exact model with its file and position."""
    for file in files.values():
        if file.kind == "model_family":
            for position, row in enumerate(file.data.get("models", [])):
                yield file, position, row["match"]


def fetch_all(
    names: Iterable[str], *, fetch: Fetch | None = None, progress: Progress | None = None, at_once: int = AT_ONCE
) -> dict[str, HubFacts]:
    """Hub facts of models, a few at a time; those not tried are left out.

    Args:
        names: Hub ids.
        fetch: one look-up; None = the Hub.
        progress: told how many of how many are done.
        at_once: look-ups under way at the same time.
    """
    from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

    look_up = fetch or (lambda name: fetch_hub_facts(name, budget_s=BUDGET_S))
    waiting = list(dict.fromkeys(names))
    total = len(waiting)
    found: dict[str, HubFacts] = {}
    running: dict[Future[HubFacts], str] = {}
    failures = 0
    pool = ThreadPoolExecutor(max_workers=at_once, thread_name_prefix="mcc-refresh")
    try:
        while waiting or running:
            while waiting and len(running) < at_once and failures < GIVE_UP_AFTER:
                name = waiting.pop(0)
                running[pool.submit(look_up, name)] = name
            if not running:
                break
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                name = running.pop(future)
                facts = future.result()
                found[name] = facts
                failures = failures + 1 if facts.status in UNREACHABLE else 0
                if progress is not None:
                    progress(len(found), total)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    return found


def refresh_models(
    files: Mapping[str, RegistryFile], facts: Mapping[str, HubFacts], *, today: str, allow_removals: bool = False
) -> Outcome:
    """What the Hub says against the exact models; a model the Hub says nothing of stays as it is.

    Args:
        files: the registry files.
        facts: Hub id to facts; ids that were not tried may be absent.
        today: date for ``checked`` of files all of whose models were read; the others keep their date.
        allow_removals: accept a Hub that no longer knows many of the models.
    """
    outcome = Outcome("models", ["Hugging Face Hub, config.json and model information"])
    families = {name: file.id for file, _, name in exact_models(files)}
    gone = {name for name, known in facts.items() if known.status == "not_found"}
    there = families.keys() - gone
    if there and len(gone) > 1 and not allow_removals:  # one model gone is news, not a broken source
        refused = shrinkage("models", families, there, "the Hub", group="")
        if refused:
            return outcome.refuse(refused)
    silent: dict[str, list[str]] = {}
    unread: list[str] = []
    partly: set[str] = set()
    total = 0
    new: dict[str, dict[str, Any]] = {}
    for file, position, name in exact_models(files):
        total += 1
        known = facts.get(name)
        if known is None or known.status not in ("found", "gated"):
            silent.setdefault(known.status.replace("_", " ") if known else "not tried", []).append(name)
            partly.add(file.relative)
            continue
        row = new.get(file.relative, file.data)["models"][position]
        changed, changes = compare_model(file.relative, row, known)
        if known.config is None:
            unread.append(name)
            partly.add(file.relative)
        outcome.changes += changes
        if changed is not None:
            data = new.setdefault(file.relative, {**file.data, "models": list(file.data["models"])})
            data["models"][position] = changed
    for relative, data in new.items():
        date = data["provenance"]["checked"] if relative in partly else today
        data["provenance"] = sourced(data["provenance"], {f"{SOURCE_ID}:": SOURCE}, date)
    outcome.documents = {relative: ("model_family", data) for relative, data in new.items()}
    outcome.findings += list(_silence(silent, unread, total))
    return outcome


def _silence(silent: Mapping[str, list[str]], unread: list[str], total: int) -> Iterator[Finding]:
    count = sum(map(len, silent.values()))
    if total and count == total:
        why = "; ".join(f"{status}: {len(names)}" for status, names in sorted(silent.items()))
        hint = "check the network, HF_ENDPOINT and HF_TOKEN"
        yield get_finding("refresh-source-missing", f"the Hub told nothing about any of {total} models ({why})", hint)
        return
    for status, names in sorted(silent.items()):
        text = f"nothing changed for {len(names)} of {total} models, {status}: {listing(sorted(names))}"
        yield get_finding("refresh-partly-read", text, warning=True)
    if unread:
        text = f"no readable config.json for {len(unread)} of {total} models: {listing(sorted(unread))}"
        hint = "gated ones need HF_TOKEN; diffusion models have none"
        yield get_finding("refresh-partly-read", text, hint, warning=True)


def compare_model(file: str, row: Mapping[str, Any], facts: HubFacts) -> tuple[dict[str, Any] | None, list[Change]]:
    """The row with the Hub's facts, or None when nothing differs, and the differences in words.

    A fact the configuration does not settle stays as it is; so does one with a correction.
    """
    name = row["match"]
    old: Mapping[str, Any] = row.get("architecture") or {}
    shape = facts.shape() if facts.config is not None else {}
    architecture = dict(old)
    changes: list[Change] = []
    for field in SHAPE_KEYS:
        value, ours = shape.get(field), old.get(field)
        if value is None:
            continue
        correction = correction_for(old.get("corrections", []), field)
        if correction is not None:
            changes.append(judge_correction(correction, file, f"{name} {field}", ours, value, "Hub"))
        elif ours is None:
            changes.append(Change("added", file, f"{name} {field}", None, value, "Hub"))
            architecture[field] = value
        elif ours != value:
            changes.append(Change("changed", file, f"{name} {field}", ours, value, "Hub"))
            architecture[field] = value
    touched = any(c.is_drift and c.kind != "unresolved" for c in changes)
    if touched:
        sources = list(old.get("sources", []))
        architecture["sources"] = sources if SOURCE_ID in sources else [*sources, SOURCE_ID]
    new = dict(row)
    if touched:
        new["architecture"] = architecture
    if facts.gated is not None and row.get("gated") != facts.gated:
        kind: ChangeKind = "added" if row.get("gated") is None else "changed"
        changes.append(Change(kind, file, f"{name} gated", row.get("gated"), facts.gated, "Hub"))
        new["gated"] = facts.gated
        touched = True
    return (new if touched else None), changes


def check_online(offline: bool) -> None:
    """Refuse a refresh that could learn nothing.

    Raises:
        SourceError: offline.
    """
    if offline:
        raise SourceError("refresh models asks the Hub, so it cannot run offline", "leave out --offline")
