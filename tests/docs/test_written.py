"""Pages that repeat what the code says are current: questions, the registry reference, the list of decisions."""

from __future__ import annotations

import importlib.util
import re
from typing import Any

import docpages
import pytest
import yaml

from mcc_registry.models.request import DEFAULTS, Request

ROOT = docpages.ROOT
ROW = re.compile(r"^\| `(\w+)` \| (\w+) \| (.+?) \| (.+) \|$", re.MULTILINE)
COPIER: dict[str, Any] = yaml.safe_load((ROOT / "copier.yml").read_text(encoding="utf-8"))


def rows() -> dict[str, tuple[str, str, str]]:
    text = (ROOT / "docs" / "questions.md").read_text(encoding="utf-8")
    return {name: (kind, default, forms) for name, kind, default, forms in ROW.findall(text)}


def written(value: object) -> str:
    """A default as the page writes it."""
    if value in ("", None):
        return '`""`'
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def test_every_question_is_described_once() -> None:
    """The page, copier.yml and the library know the same questions."""
    assert sorted(rows()) == sorted(DEFAULTS)
    assert set(DEFAULTS) <= set(COPIER)


def test_types_are_those_of_copier() -> None:
    """The type of each question is the one copier.yml declares."""
    assert {n: kind for n, (kind, _, _) in rows().items()} == {n: COPIER[n]["type"] for n in rows()}


def test_defaults_are_those_of_copier_and_the_library() -> None:
    """A default is written as it is; "-" only where copier.yml computes it."""
    for name, (_, default, _) in rows().items():
        asked = COPIER[name].get("default")
        computed = isinstance(asked, str) and "mcc_default" in asked
        if computed:
            assert default == "-", name
            continue
        assert default == written(yaml.safe_load(asked) if COPIER[name]["type"] == "yaml" else asked), name
        library = DEFAULTS[name] if DEFAULTS[name] is not None else Request().to_json()[name]
        assert default == written(library), name


def test_computed_defaults_are_named() -> None:
    """Where the default depends on other answers, the page names each of them."""
    forms = {name: forms for name, (_, _, forms) in rows().items()}
    for framework in ("transformers", "sklearn", "xgboost", "tensorflow"):
        request = Request(framework=framework)
        assert f"`{request.effective_model_server}` (default)" in forms["model_server"]
        if request.effective_model_format:
            assert f"{framework}: `{request.effective_model_format}`" in forms["model_format"]


def test_the_registry_reference_is_current() -> None:
    """`python docs/generate_reference.py` has nothing to change."""
    spec = importlib.util.spec_from_file_location("generate_reference", ROOT / "docs" / "generate_reference.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.PAGE.read_text(encoding="utf-8") == module.reference()


def test_every_command_has_a_section() -> None:
    """docs/commands.md describes every command there is, under its name."""
    from mcc_registry import cli

    text = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    headings = " ".join(re.findall(r"^## (.*)$", text, re.MULTILINE)).split()
    assert [name for name in cli.COMMANDS if name not in headings] == []


def test_levels_are_worded_as_in_the_product() -> None:
    """The meaning of each validation level is the one users are shown."""
    from mcc_registry.models.levels import LEVEL_MEANING

    text = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    for level, meaning in LEVEL_MEANING.items():
        assert f"| `{level}` | {meaning} |" in text
        assert f"  {level}: {meaning}\n" in f"{COPIER['framework_version']['help']}\n", "the prompt"


def test_every_decision_is_listed() -> None:
    """The list of decisions has every note."""
    folder = ROOT / "docs" / "decisions"
    listed = re.findall(r"\]\((\d{4}[\w.-]+)\)", (folder / "README.md").read_text(encoding="utf-8"))
    assert listed == sorted(p.name for p in folder.glob("[0-9]*.md"))


def test_the_navigation_has_every_page() -> None:
    """mkdocs.yml names every page that is not generated, and no other."""
    navigation = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"]
    found: list[str] = []

    def walk(entry: Any) -> None:
        if isinstance(entry, str):
            found.append(entry)
        for value in entry.values() if isinstance(entry, dict) else entry if isinstance(entry, list) else ():
            walk(value)

    walk(navigation)
    docs = ROOT / "docs"
    pages = [p.relative_to(docs).as_posix() for p in docs.rglob("*.md")]
    wanted = [p for p in pages if not re.match(r"decisions/\d", p)]
    assert sorted(found) == sorted(wanted)


def coverage_rows() -> list[list[str]]:
    """The cells of each row of docs/coverage.md's first table."""
    text = (ROOT / "docs" / "coverage.md").read_text(encoding="utf-8").partition("## ")[0]
    lines = [line for line in text.splitlines() if line.startswith("| ") and "| test |" not in line]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


NEED_MORE = {
    "inspect-image",
    "export",
    "init-layer",
    "copier copy",
    "copier copy --vcs-ref TAG",
    "REGISTRY_PATH",
    "the issue form",
    "validate",
}
"""Cells whose command needs an engine, a project, a folder or minutes; their tests run it."""


def covered_commands() -> list[object]:
    cells = [cell for _, _, cell, _ in coverage_rows() for cell in re.findall(r"(?:refused: )?`[^`]+`", cell)]
    return [pytest.param(c, id=c) for c in dict.fromkeys(cells) if c.strip("`") not in NEED_MORE]


@pytest.mark.parametrize("cell", covered_commands())
def test_commands_of_the_coverage_table(cell: str) -> None:
    """Each ends as the table says."""
    from tests.cli.invoke import invoke

    done = invoke(*cell.removeprefix("refused: ").strip("`").split())
    assert done.code == (1 if cell.startswith("refused: ") else 0), done.err
    assert done.out


def test_every_heading_of_the_reference_document_is_covered() -> None:
    """docs/coverage.md maps each heading to a page, a command and a test that exist."""
    text = (ROOT / "docs" / "coverage.md").read_text(encoding="utf-8")
    lines = [
        line for line in text.partition("## ")[0].splitlines() if line.startswith("| ") and "| test |" not in line
    ]
    assert len(lines) == 41
    for line in lines:
        *_, tests = (cell.strip() for cell in line.strip("|").split(" | "))
        paths = re.findall(r"`(tests/[\w/.-]+)", tests)
        assert paths, line
        assert [p for p in paths if not (ROOT / p).exists()] == [], line
