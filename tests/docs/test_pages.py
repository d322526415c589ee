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
def test_every_command_is_executed(page: Path) -> None:
    """A block of commands without a directive is refused; one that is executed elsewhere names the test that does it."""
    text = page.read_text(encoding="utf-8")
    lines = text.splitlines()
    kinds = ("```console", "```sh", "```bash", "```python")
    bare = [
        n + 1 for n, line in enumerate(lines) if line.strip() in kinds and not docpages.DIRECTIVE.match(lines[n - 1])
    ]
    assert bare == []
    elsewhere = [block for block in docpages.blocks_of(text) if block.kind == "by"]
    assert all(block.language != "console" for block in elsewhere), "output that is shown is executed here"
    assert [(b.line, wrong) for b in elsewhere if (wrong := docpages.unproven(b))] == []


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


def test_a_page_is_rewritten(tmp_path: Path) -> None:
    """`docpages.py --write` puts what is printed now into console blocks, and changes nothing else."""
    page = tmp_path / "page.md"
    text = (
        "# T\n\n<!-- run -->\n```console\n$ printf 'a\\nb\\nc\\n'\n...\nold\n```\n\n<!-- run -->\n```sh\ntrue\n```\n"
    )
    page.write_text(text, encoding="utf-8")
    assert docpages.rewrite(page, tmp_path / "one")
    assert page.read_text(encoding="utf-8") == text.replace("old", "c")
    assert not docpages.rewrite(page, tmp_path / "two")


@pytest.mark.parametrize(
    ("words", "wrong"),
    [
        ("tests/docs/test_pages.py: make demo", 0),
        ("tests/docs/test_pages.py: make d" + "ance", 2),
        ("README.md tests/docs/test_pages.py: make", 0),
    ],
)
def test_a_block_done_elsewhere_is_checked(words: str, wrong: int) -> None:
    """The files must name the words, and each command must hold one."""
    block = docpages.Block("by", words, "sh", 1, "", ("make demo  # remark",))
    assert len(docpages.unproven(block)) == wrong


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
