"""The runnable blocks of README, CONTRIBUTING and docs: found, executed in a temporary folder, compared, rewritten.

An HTML comment right before a fenced block says what it is:

    <!-- run -->            sh or python: executed; console: executed and compared with what is shown
    <!-- run exit=1 -->     as run, and the last command must end with this status
    <!-- file PATH -->      the block is written to PATH
    <!-- insert PATH after LINE -->   the block is inserted after the first line that reads LINE
    <!-- by FILE [FILE ...]: WORD, ... -->   not executed here but by those tests (or .ci/run), which name the words
    <!-- setup: COMMAND -->           no block: what has to be there before, and is of no interest to readers

Blocks of one page share a folder, in order. `<!-- page: slow -->` marks a page as slow, `<!-- page: checkout -->` runs it
in a copy of the library and the registries instead of an empty folder. In a console block a line `...` stands for any
number of lines that are left out. TEMPLATE as an argument of copier is this checkout, or ~/template where a page's setup
made one; CHECKOUT is a variable with this checkout's path.

`python tests/docs/docpages.py --write [PAGE ...]` writes what is printed now into the console blocks.
"""

from __future__ import annotations

import difflib
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DIRECTIVE = re.compile(r"^ *<!-- (run|file|insert|by)\b *(.*?) *-->$")
SETUP = re.compile(r"^ *<!-- setup: (.*?) *-->$")
FENCE = re.compile(r"^( *)```(\w*)\s*$")
SECONDS = 120

VOLATILE = [
    (re.compile(r"\b(version|commit) [0-9a-f]{7,64}\b"), r"\1 HASH"),
    (re.compile(r"\b\d+(\.\d+)? ?ms\b"), "N ms"),
    (re.compile(r"(?<=\S) {2,}|^ {12,}"), "  "),
    (re.compile(r"\b\d+ (frameworks|releases|families|models|patterns|types|settings|names)\b"), r"N \1"),
]
"""Parts of the output that differ from run to run or with every row added; the same replacement is made on both sides."""


@dataclass(frozen=True)
class Block:
    """One block with a directive.

    Attributes:
        line: line of the opening fence, counted from 1.
        body: its lines without indentation.
    """

    kind: str
    words: str
    language: str
    line: int
    indent: str
    body: tuple[str, ...]

    @property
    def status(self) -> int:
        """The exit status wanted of the last command."""
        found = re.search(r"exit=(\d+)", self.words)
        return int(found.group(1)) if found else 0


def pages() -> list[Path]:
    """Every page people read, generated ones left out."""
    found = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
    found += [p for p in sorted((ROOT / "docs").rglob("*.md")) if "findings" not in p.parts]
    return found


def blocks_of(text: str) -> Iterator[Block]:
    """The blocks of a page that have a directive.

    Raises:
        ValueError: a directive has no block after it, or a block does not end.
    """
    lines = text.splitlines()
    number = 0
    while number < len(lines):
        setup = SETUP.match(lines[number])
        if setup is not None:
            yield Block("run", "", "sh", number + 1, "", (setup.group(1),))
        directive = DIRECTIVE.match(lines[number])
        if directive is None:
            number += 1
            continue
        fence = FENCE.match(lines[number + 1]) if number + 1 < len(lines) else None
        if fence is None:
            raise ValueError(f"line {number + 1}: no fenced block follows the directive")
        start = number + 2
        end = next((n for n in range(start, len(lines)) if lines[n].strip() == "```"), None)
        if end is None:
            raise ValueError(f"line {start}: the block does not end")
        indent = fence.group(1)
        body = tuple(line.removeprefix(indent) for line in lines[start:end])
        yield Block(directive.group(1), directive.group(2), fence.group(2), start, indent, body)
        number = end + 1


def unproven(block: Block) -> list[str]:
    """What is wrong with a block that is executed elsewhere: files that lack a word, commands without a word."""
    names, _, listed = block.words.partition(": ")
    words = [word.strip() for word in listed.split(",")]
    found = "".join((ROOT / name).read_text(encoding="utf-8") for name in names.split())
    commands = [c for c in "\n".join(block.body).replace("\\\n", " ").splitlines() if c.split("#")[0].strip()]
    wrong = [f"{names} does not name {word}" for word in words if word not in found]
    wrong += [
        f"no word stands for: {c}" for c in commands if not c.startswith("cd ") and not any(w in c for w in words)
    ]
    return wrong


def has(text: str, word: str) -> bool:
    """Whether a page carries a `<!-- page: ... -->` word."""
    return any(word in found.split() for found in re.findall(r"<!-- page: (.*?) -->", text))


@dataclass
class Step:
    """One command of a console block with the output shown and the output there was."""

    command: str
    shown: list[str]
    actual: list[str]
    status: int = 0


class Sandbox:
    """The folder in which one page is executed."""

    def __init__(self, folder: Path, *, checkout: bool) -> None:
        self.folder = folder / "work"
        self.here = self.folder
        self.folder.mkdir(parents=True)
        tools = folder / "bin"
        tools.mkdir()
        source = ROOT
        if checkout:
            source = self.folder
            for name in ("mcc_registry", "registries"):
                shutil.copytree(ROOT / name, self.folder / name, ignore=shutil.ignore_patterns("__pycache__"))
            for name in ("Makefile", "pyproject.toml"):
                shutil.copy(ROOT / name, self.folder / name)
        python = shlex.quote(sys.executable)
        self._tool(tools, "mcc-registry", f'exec {python} -m mcc_registry "$@"')
        self._tool(tools, "python", f'exec {python} "$@"')
        self._tool(tools, "copier", COPIER.format(python=python, root=shlex.quote(str(ROOT))))
        self._tool(tools, "make", MAKE.format(python=python))
        keep = {k: v for k, v in os.environ.items() if k in ("PATH", "LANG", "TMPDIR", "GIT_CONFIG_GLOBAL")}
        self.env = {
            **keep,
            "PATH": f"{tools}:{os.environ.get('PATH', os.defpath)}",
            "PYTHONPATH": str(source),
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "HOME": str(folder),
            "CHECKOUT": str(ROOT),
            "COLUMNS": "80",
            "NO_COLOR": "1",
            "HF_HUB_OFFLINE": "1",
            "GIT_AUTHOR_NAME": "docs",
            "GIT_AUTHOR_EMAIL": "docs@example.com",
            "GIT_COMMITTER_NAME": "docs",
            "GIT_COMMITTER_EMAIL": "docs@example.com",
        }

    @staticmethod
    def _tool(folder: Path, name: str, script: str) -> None:
        path = folder / name
        path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        path.chmod(0o755)

    def run(self, script: str) -> tuple[int, str]:
        """Run a script in the page's current folder; its status and everything it printed."""
        place = self.folder.parent / "here"
        wrapped = f'trap "pwd >{shlex.quote(str(place))}" EXIT\n{script}\n'
        done = subprocess.run(
            ["sh", "-c", wrapped],
            cwd=self.here,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            timeout=SECONDS,
        )
        if place.is_file():
            self.here = Path(place.read_text(encoding="utf-8").strip())
        return done.returncode, done.stdout.replace(str(self.folder), "~").replace(str(self.folder.parent), "~")

    def do(self, block: Block) -> list[Step]:
        """Carry out one block; the commands of a console block with their output, else one step."""
        body = "\n".join(block.body)
        if block.kind == "by":
            return []
        if block.kind == "file":
            path = self.here / block.words
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(body + "\n", encoding="utf-8")
            return []
        if block.kind == "insert":
            name, _, line = block.words.partition(" after ")
            path = self.here / name
            lines = path.read_text(encoding="utf-8").splitlines()
            place = [text.strip() for text in lines].index(line.strip()) + 1
            path.write_text("\n".join([*lines[:place], *block.body, *lines[place:]]) + "\n", encoding="utf-8")
            return []
        if block.language == "python":
            status, text = self.run(f"python - <<'END_OF_BLOCK'\n{body}\nEND_OF_BLOCK")
            return [Step(body, [], text.splitlines(), status)]
        if block.language == "console":
            steps = list(split_console(block.body))
            for step in steps:
                step.status, text = self.run(step.command)
                step.actual = text.splitlines()
            return steps
        status, text = self.run(f"set -e\n{body}")
        return [Step(body, [], text.splitlines(), status)]


COPIER = """for word in "$@"; do
  shift
  if [ "$word" = TEMPLATE ] && [ -d "$HOME/template" ]; then
    word=$HOME/template
  elif [ "$word" = TEMPLATE ]; then
    [ "$head" ] || set -- "$@" --vcs-ref HEAD
    word={root}
  fi
  [ "$word" = --vcs-ref ] && head=given
  set -- "$@" "$word"
done
exec {python} -W ignore -m copier "$@" """

MAKE = """mkdir -p .venv/bin && touch .venv/.ready
for tool in python mcc-registry; do ln -sf "$(command -v $tool)" .venv/bin/$tool; done
exec /usr/bin/env -u MAKEFLAGS PATH=/usr/local/bin:/usr/bin:/bin make -o .venv/.ready "$@" """


def split_console(body: tuple[str, ...]) -> Iterator[Step]:
    """The commands of a console block, each with the output shown below it."""
    command: list[str] = []
    shown: list[str] = []
    for line in body:
        if line.startswith("$ "):
            if command:
                yield Step("\n".join(command), shown, [])
            command, shown = [line[2:]], []
        elif command and command[-1].endswith("\\") and not shown:
            command.append(line.removeprefix("> "))
        else:
            shown.append(line)
    if command:
        yield Step("\n".join(command), shown, [])


def normal(line: str) -> str:
    """A line without what differs from run to run."""
    for pattern, replacement in VOLATILE:
        line = pattern.sub(replacement, line)
    return line.rstrip()


def segments(shown: list[str]) -> list[list[str]]:
    """The shown lines, split where `...` leaves lines out."""
    parts: list[list[str]] = [[]]
    for line in shown:
        if line.strip() == "...":
            parts.append([])
        else:
            parts[-1].append(line)
    return parts


def matches(shown: list[str], actual: list[str]) -> bool:
    """Whether the output is what is shown, but for volatile parts and lines left out by `...`."""
    lines = [normal(line) for line in actual]
    while lines and not lines[-1]:
        lines.pop()
    parts = [[normal(line) for line in part] for part in segments(shown)]
    if len(parts) == 1:
        return lines == parts[0]
    if lines[: len(parts[0])] != parts[0]:
        return False
    at = len(parts[0])
    for part in parts[1:-1]:
        found = next((n for n in range(at, len(lines) - len(part) + 1) if lines[n : n + len(part)] == part), None)
        if found is None:
            return False
        at = found + len(part)
    last = parts[-1]
    return len(lines) - len(last) >= at and lines[len(lines) - len(last) :] == last


def problems_of(page: Path, folder: Path) -> list[str]:
    """Execute a page; what went wrong, with file and line."""
    text = page.read_text(encoding="utf-8")
    sandbox = Sandbox(folder, checkout=has(text, "checkout"))
    problems = []
    for block in blocks_of(text):
        where = f"{page.relative_to(ROOT)}:{block.line}"
        steps = sandbox.do(block)
        for step in steps:
            wanted = block.status if step is steps[-1] else 0
            printed = "\n".join(step.actual)
            if step.status != wanted:
                problems.append(f"{where}: status {step.status} instead of {wanted}\n{step.command}\n{printed}")
            elif block.language == "console" and not matches(step.shown, step.actual):
                difference = "\n".join(difflib.unified_diff(step.shown, step.actual, "shown", "printed", lineterm=""))
                problems.append(f"{where}: the output is another one\n$ {step.command}\n{difference}")
    return problems


def updated(shown: list[str], actual: list[str]) -> list[str]:
    """What to show instead: the output, cut where it was cut before as far as that can be told."""
    lines = [line.rstrip() for line in actual]
    while lines and not lines[-1]:
        lines.pop()
    parts = segments(shown)
    if len(parts) == 1 or matches(shown, actual):
        return lines if len(parts) == 1 else shown
    result: list[str] = []
    for number, part in enumerate(parts):
        if number:
            result.append("...")
        if not part:
            continue
        if number == 0:
            result += lines[: len(part)]
        elif number == len(parts) - 1:
            result += lines[len(lines) - len(part) :]
        else:
            near = difflib.get_close_matches(part[0], lines, n=1, cutoff=0.3)
            start = lines.index(near[0]) if near else 0
            result += lines[start : start + len(part)]
    return result


def rewrite(page: Path, folder: Path) -> bool:
    """Write into a page's console blocks what is printed now; whether the page changed."""
    text = page.read_text(encoding="utf-8")
    sandbox = Sandbox(folder, checkout=has(text, "checkout"))
    lines = text.splitlines()
    changes: list[tuple[Block, list[str]]] = []
    for block in blocks_of(text):
        steps = sandbox.do(block)
        wrong = [s for s in steps if s.status != (block.status if s is steps[-1] else 0)]
        for step in wrong:
            print(f"{page.name}:{block.line}: status {step.status}\n" + "\n".join(step.actual), file=sys.stderr)
        if wrong or block.language != "console":
            continue
        body: list[str] = []
        for step in steps:
            first, *more = step.command.split("\n")
            body += [f"$ {first}", *(f"> {line}" for line in more), *updated(step.shown, step.actual)]
        changes.append((block, [(block.indent + line).rstrip() for line in body]))
    for block, body in reversed(changes):
        lines[block.line : block.line + len(block.body)] = body
    written = "\n".join(lines) + "\n"
    if written != text:
        page.write_text(written, encoding="utf-8")
    return written != text


def main(words: list[str]) -> int:
    """Rewrite the pages named, or all."""
    if "--write" not in words:
        print(__doc__)
        return 2
    names = [Path(w).resolve() for w in words if not w.startswith("-")] or pages()
    for page in names:
        if next(blocks_of(page.read_text(encoding="utf-8")), None) is None:
            continue
        with tempfile.TemporaryDirectory() as folder:
            if rewrite(page, Path(folder)):
                print(f"rewritten: {page.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
