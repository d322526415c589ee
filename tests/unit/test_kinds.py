"""Kinds of accelerator: each is one module with a checker, and nothing else names them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from mcc_registry.checks import kinds
from mcc_registry.checks.compat import every_placement_rule, rules_for
from mcc_registry.models.base import KnownIssue
from mcc_registry.models.instance import InstanceAccelerator
from mcc_registry.models.kinds import accelerator_kinds, instance_kinds

FOLDER = Path(kinds.__file__).parent


@pytest.mark.parametrize("name", accelerator_kinds())
def test_every_module_has_a_checker(name: str) -> None:
    """The checker is called what its file is called, and can put a version into words."""
    checker = kinds.checker_for(name)
    assert checker.name == name and checker.word and kinds.word_for(name) == checker.word
    assert checker.text((1, 2)).startswith(checker.version_word or checker.word)
    assert set(checker.rules) <= set(every_placement_rule()) and set(rules_for(name)) >= set(checker.rules)


def test_every_file_is_a_kind() -> None:
    """A file put into the folder is a kind."""
    assert set(accelerator_kinds()) == {p.stem for p in FOLDER.glob("*.py")} - {"__init__"}
    assert accelerator_kinds()[:3] == ("cuda", "neuron", "cpu")


@pytest.mark.parametrize("name", ["", "rocm", "__init__", "cuda.x", "../cuda", "os"])
def test_an_unknown_kind_has_no_checker(name: str) -> None:
    """Nothing outside the folder is imported, whatever the name."""
    with pytest.raises(KeyError):
        kinds.checker_for(name)


def test_a_checker_that_cannot_be_imported_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A module missing inside a checker is an error of its own, not an unknown kind."""
    (tmp_path / "broken.py").write_text("import there_is_no_such_module\n", encoding="utf-8")
    monkeypatch.setattr(kinds, "__path__", [*kinds.__path__, str(tmp_path)])
    with pytest.raises(ModuleNotFoundError, match="there_is_no_such_module"):
        kinds.checker_for("broken")
    sys.modules.pop(f"{kinds.__name__}.broken", None)


def test_models_accept_the_kinds_there_are() -> None:
    """An instance may have each of them, or a device without a checker; another name is refused with the choices."""
    for name in instance_kinds():
        assert InstanceAccelerator(kind=name).kind == name
    with pytest.raises(ValidationError, match="'cuda', 'neuron'"):
        InstanceAccelerator(kind="cudda")
    with pytest.raises(ValidationError):
        KnownIssue(id="x", what="y", accelerator="other")
