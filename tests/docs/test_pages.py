"""What the documentation shows is what happens: every marked block is executed offline and compared."""

from __future__ import annotations

from pathlib import Path

import docpages
import pytest

RUNNABLE = [p for p in docpages.pages() if next(docpages.blocks_of(p.read_text(encoding="utf-8")), None)]


def page_param(page: Path) -> object:
    slow = docpages.has(page.read_text(encoding="utf-8"), "slow")
    return pytest.param(page, id=str(page.relative_to(docpages.ROOT)), marks=[pytest.mark.slow] if slow else [])


@pytest.mark.parametrize("page", [page_param(p) for p in RUNNABLE])
def test_page_does_what_it_shows(page: Path, tmp_path: Path) -> None:
    """Every command runs, with the status and the output the page shows."""
    assert docpages.problems_of(page, tmp_path) == []


@pytest.mark.parametrize("page", docpages.pages(), ids=lambda p: str(p.relative_to(docpages.ROOT)))
def test_console_blocks_are_executed(page: Path) -> None:
    """Output that is shown is never hand-made: a console block without a directive is refused."""
    lines = page.read_text(encoding="utf-8").splitlines()
    bare = [
        n + 1
        for n, line in enumerate(lines)
        if line.strip() == "```console" and not docpages.DIRECTIVE.match(lines[n - 1])
    ]
    assert bare == []


@pytest.mark.parametrize(
    ("shown", "actual", "same"),
    [
        (["a", "b"], ["a", "b", ""], True),
        (["a"], ["a", "b"], False),
        (["a", "..."], ["a", "b"], True),
        (["...", "c"], ["a", "b", "c"], True),
        (["...", "b", "..."], ["a", "b", "c"], True),
        (["...", "x", "..."], ["a", "b", "c"], False),
        (["a", "...", "a"], ["a"], False),
        (["version 0123456789ab"], ["version ba9876543210"], True),
    ],
)
def test_comparison(shown: list[str], actual: list[str], same: bool) -> None:
    """Left-out lines and volatile parts are all that may differ."""
    assert docpages.matches(shown, actual) is same


def test_a_wrong_page_is_noticed(tmp_path: Path) -> None:
    """A false output and a false status are both reported, with their line."""
    page = docpages.ROOT / "docs" / "made-up.md"
    text = "<!-- run -->\n```console\n$ echo one\ntwo\n```\n\n<!-- run exit=3 -->\n```sh\nexit 4\n```\n"
    blocks = list(docpages.blocks_of(text))
    assert [(b.line, b.status) for b in blocks] == [(2, 0), (8, 3)]
    sandbox = docpages.Sandbox(tmp_path, checkout=False)
    (step,) = sandbox.do(blocks[0])
    assert not docpages.matches(step.shown, step.actual)
    assert sandbox.do(blocks[1])[0].status == 4
    assert not page.exists()
