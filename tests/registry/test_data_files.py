"""What every shipped registry file has to be, whatever its kind."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from mcc_registry.validate.canonical import dump_canonical, top_comment
from tests.registry.shipped import KINDS, ROOT, all_files, raw, row

IDS = [str(p.relative_to(ROOT)) for p in all_files()]


@pytest.mark.parametrize("path", all_files(), ids=IDS)
def test_file_is_valid_under_its_model(path: Path) -> None:
    """Shape: every file validates, its kind is known, and its id is the file's name."""
    data = raw(path)
    assert data["kind"] in KINDS
    row(path)
    if "id" in data:
        assert data["id"] == path.stem


@pytest.mark.parametrize("path", all_files(), ids=IDS)
def test_first_line_names_a_schema(path: Path) -> None:
    """Editors find the schema from the first line, relative to the file."""
    first = path.read_text(encoding="utf-8").splitlines()[0]
    found = re.fullmatch(r"# yaml-language-server: \$schema=(\S+)", first)
    assert found, first
    target = (path.parent / found[1]).resolve()
    assert target == (ROOT / ".schemas" / f"{raw(path)['kind']}.json").resolve()


@pytest.mark.parametrize("path", all_files(), ids=IDS)
def test_no_anchor_tab_or_trailing_space(path: Path) -> None:
    """Plain block style: no anchors or aliases, no tabs, no trailing spaces, one final line break."""
    text = path.read_text(encoding="utf-8")
    assert "\t" not in text
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
    assert not [line for line in text.splitlines() if line != line.rstrip()]
    assert not [t for t in yaml.scan(text) if isinstance(t, (yaml.AnchorToken, yaml.AliasToken))]


@pytest.mark.parametrize("path", all_files(), ids=IDS)
def test_file_is_its_own_canonical_dump(path: Path) -> None:
    """Equal data are equal bytes: key order, quoting and folding are the dumper's."""
    text = path.read_text(encoding="utf-8")
    assert dump_canonical(raw(path), raw(path)["kind"], comment=top_comment(text)) == text


def provenances(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in ("provenance", "parameters_provenance"):
                yield inner
            else:
                yield from provenances(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from provenances(inner)


@pytest.mark.parametrize("path", all_files(), ids=IDS)
def test_provenance_is_there_and_says_who_when_how(path: Path) -> None:
    """Every file carries source, date and basis."""
    found = list(provenances(raw(path)))
    assert found
    for entry in found:
        assert entry["source"]
        assert len(set(entry["source"])) == len(entry["source"])
        assert re.fullmatch(r"20\d\d-\d\d(-\d\d)?", entry["checked"])
        assert entry["basis"] in ("measured", "documented", "derived", "assumed")


@pytest.mark.parametrize("path", all_files(), ids=IDS)
def test_short_source_labels_are_explained(path: Path) -> None:
    """A row's short source label (S03) is spelled out in the file's provenance."""
    spelled = {s.split(":")[0] for p in provenances(raw(path)) for s in p["source"]}

    def labels(value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            for key, inner in value.items():
                if key == "sources":
                    yield from inner
                else:
                    yield from labels(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from labels(inner)

    assert {label for label in labels(raw(path)) if re.fullmatch(r"[SE]\d\d", label)} <= spelled


def test_facts_folder_is_never_named() -> None:
    """The registries stand alone: nothing in them points outside the repository."""
    for path in all_files():
        assert "shared/facts" not in path.read_text(encoding="utf-8"), path
