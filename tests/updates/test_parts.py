"""The parts of an update by themselves: recorded facts, renamed answers, compared locks, new exclusions."""

from __future__ import annotations

import re
from pathlib import Path
from random import Random

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from record import COMBINATIONS, EDITS, PAGE, Result, numbers_of, page
from templates import ROOT
from test_hermetic import ALL

from hooks import migrations, outside
from hooks.impact import file_action
from mcc_registry.lock.compare import action_of, compare_locks


@settings(deadline=None)
@given(st.dictionaries(st.text(max_size=10), st.text(max_size=40), max_size=4))
def test_what_is_packed_comes_back(files: dict[str, str]) -> None:
    """Any texts survive being recorded as one line."""
    line = outside.pack(files)
    assert "\n" not in line and outside.unpack(line) == files


@settings(deadline=None)
@given(st.one_of(st.none(), st.integers(), st.text(max_size=60), st.lists(st.text(max_size=5), max_size=3)))
def test_a_broken_record_is_nothing(value: object) -> None:
    """An edited answers file makes no traceback and lays out nothing."""
    found = outside.unpack(value)
    assert found is None or isinstance(found, dict)
    assert outside.Replayed([{"name": "x", "files": value}, value]).places == [] or found is not None


def test_the_recorded_proof_is_complete() -> None:
    """docs/proof-updates.md: every combination there is today, 500 cases of edits, none failed, none left out."""
    numbers = numbers_of(PAGE.read_text(encoding="utf-8"))
    passed, failed, skipped = numbers[COMBINATIONS]
    assert (passed, failed, skipped) == (len(ALL), 0, 0)
    passed, failed, skipped = numbers[EDITS]
    assert passed >= 500 and (failed, skipped) == (0, 0)


def test_a_record_keeps_what_was_not_run() -> None:
    """A part that runs alone changes its own row; failures count and are named."""
    first = page([Result(f"x::{COMBINATIONS}[a]", "passed", 1)], "abc", 60, "1 process")
    both = page([Result(f"x::{EDITS}[0]", "passed", 10), Result(f"x::{EDITS}[1]", "failed", 0)], "d", 60, "1", first)
    assert numbers_of(both) == {COMBINATIONS: (1, 0, 0), EDITS: (10, 1, 0)}
    assert "| abc |" in both and f"{EDITS}[1]: failed" in both


def test_what_is_recorded_is_bounded() -> None:
    """By the line it becomes, and by what the line becomes; a text that is left out is known by its digest."""
    noise = Random(1).randbytes(outside.MAX_RECORDED_BYTES).hex()
    assert outside.pack_within({"a": "x" * outside.MAX_RECORDED_BYTES * 4}) is not None
    assert outside.pack_within({"a": "x" * (outside.MAX_UNPACKED_BYTES + 1)}) is None
    assert outside.pack_within({"a": noise}) is None
    for text in ("short", noise):
        record = outside.record_text(text)
        assert outside.recorded_text(record, text) == text
        assert outside.recorded_text(record, "other") == (text if text == "short" else None)
    assert outside.recorded_text("edited", "x") is None


def test_a_record_leaves_its_folder_alone() -> None:
    """Paths in a record that lead out of its folder are not written."""
    packed = outside.pack({"../../escaped.yaml": "x", "models/a.yaml": "y"})
    replayed = outside.Replayed([{"name": "l", "folder": "../../up", "files": packed}])
    (place,) = replayed.places
    assert (place.path / "models" / "a.yaml").read_text() == "y"
    assert (
        not list(place.path.parent.parent.glob("escaped.yaml")) and not (place.path.parent / "escaped.yaml").exists()
    )


def test_relative_layers_start_at_the_destination(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer always; the variable too, unless only the current folder has it. Each layer once, the last place wins."""
    (tmp_path / "here" / "mine").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here")
    places = outside.find_places("mine", tmp_path / "project", {"REGISTRY_PATH": "mine"})
    assert [p.path for p in places] == [tmp_path / "here" / "mine", tmp_path / "project" / "mine"]
    assert len(outside.find_places("/a", tmp_path, {"REGISTRY_PATH": "/a"})) == 1


def test_renamed_answers_have_a_default_that_carries_them_over() -> None:
    """Every new name in the table is a question whose default asks for the recorded value."""
    questions = yaml.safe_load((ROOT / "copier.yml").read_text(encoding="utf-8"))
    for row in migrations.RENAMED_ANSWERS:
        assert row.old not in questions and f"mcc_default('{row.new}')" in questions[row.new]["default"]


def test_renaming(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twice renamed answers and renamed choices are carried over; what is given anew is left alone."""
    rename, value = migrations.RenamedAnswer, migrations.RenamedValue
    monkeypatch.setattr(migrations, "RENAMED_ANSWERS", (rename("a", "b", "1"), rename("b", "c", "2")))
    monkeypatch.setattr(migrations, "RENAMED_VALUES", (value("c", "x", "y", "3"),))
    assert migrations.migrated({"a": "x"}, ())["c"] == "y"
    assert "c" not in migrations.migrated({"a": "x"}, ("c",))
    assert migrations.migrated({"c": "z"}, ()) == {}


def test_new_exclusions_can_be_judged_by_old_versions() -> None:
    """Copier evaluates the new version's _exclude with the old version's functions: nothing may be taken for granted."""
    config = yaml.safe_load((ROOT / "copier.yml").read_text(encoding="utf-8"))
    for entry in config["_exclude"]:
        assert "{" not in entry or re.search(r"\|\s*default\(", entry), entry


def test_the_instance_type_comes_first_and_asks_for_a_deployment() -> None:
    """Order and action of changes; a price alone asks for nothing; a setting names its key."""
    old = {
        "instance_type": "a", "base_image": "i", "price_usd_hour": 1, "framework": {"version": "1"},
        "settings": {"s": {"value": 1, "source": "User_Input", "fact": "f k"}}, "env_vars": {"S": {"value": "1", "setting": "s"}},
    }  # fmt: skip
    new = {**old, "instance_type": "b", "price_usd_hour": 2, "settings": {}, "env_vars": {}}
    changes = compare_locks(old, new)
    assert [c.what for c in changes] == ["instance_type", "settings.s", "price_usd_hour"]
    assert action_of(changes) == "redeploy" and changes[1].fact == "f k"
    assert action_of(compare_locks(old, {**old, "price_usd_hour": 2})) == "nothing"
    assert action_of(compare_locks(old, {**old, "base_image": "j"})) == "rebuild"
    assert compare_locks(old, {"lock_version": 9, "settings": None, "framework": 3, **{"env_vars": []}}) is not None


@pytest.mark.parametrize(
    ("path", "action"),
    [
        ("Dockerfile", "rebuild"),
        ("serving/app.py", "rebuild"),
        ("container.env", "redeploy"),
        ("deploy/model.json", "redeploy"),
        ("README.md", "nothing"),
    ],
)
def test_files_ask_for_what_they_are_part_of(path: str, action: str) -> None:
    """The image, the requests sent to AWS, or nothing that runs."""
    assert file_action(path) == action
