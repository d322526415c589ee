"""`make portability`: run the smoke checks on what this machine has, and say loudly what it has not.

``--only WORDS`` runs the rows whose name contains them; ``--write FILE`` puts the table of all rows between the markers of a page.
"""

from __future__ import annotations

import argparse
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.portability import checks
from tests.portability.environments import (
    ROOT,
    FailedError,
    Interpreter,
    SkippedError,
    Tools,
    environment,
    floors,
    git,
    installed,
    interpreters,
    which,
)

ALONE = ("copier", "pydantic", "huggingface_hub")
"""Packages that are also tried in their oldest version among the newest of the others."""

NEWEST_PYTHON = 14
"""Minor version of the newest Python 3 that pyproject.toml knows floors of; one that is not here is told as skipped."""

BEGIN, END = "<!-- matrix -->", "<!-- end of matrix -->"


@dataclass
class Row:
    """One line of the table."""

    name: str
    outcome: str
    seen: str
    seconds: float = 0.0


@dataclass
class Place:
    """Where a run keeps its files."""

    folder: Path
    template: Path
    tools: Tools
    count: int = 0

    def new(self) -> Path:
        """A folder of its own."""
        self.count += 1
        folder = self.folder / f"row {self.count}"
        folder.mkdir()
        return folder


def pinned(place: Place, python: Interpreter, pins: dict[str, str]) -> str:
    """The smoke checks with some packages at their oldest and the others at their newest."""
    oldest = floors(python.version[:2])
    folder = place.new()
    wanted = [f"{name}=={pins[name]}" if name in pins else name for name in oldest]
    inside = environment(folder / "env", python.path, wanted, place.tools)
    seen = checks.smoke(inside, place.template, folder)
    versions = installed(inside, ["copier", "pydantic", "huggingface_hub"])
    return f"{seen} with " + ", ".join(f"{n} {v}" for n, v in versions.items())


def rows(place: Place, found: list[Interpreter]) -> Iterator[tuple[str, Callable[[], str]]]:
    """Name and check of every row."""
    for python in found:
        oldest = floors(python.version[:2])
        yield f"Python {python.name}, newest", lambda p=python: pinned(place, p, {})
        yield f"Python {python.name}, oldest", lambda p=python, o=oldest: pinned(place, p, o)
    first, last = found[0], found[-1]
    for name in ALONE:
        pins = {name: floors(first.version[:2])[name]}
        yield f"Python {first.name}, oldest {name} alone", lambda p=pins: pinned(place, first, p)
    yield "scripts, syntax", lambda: checks.scripts(tool_python(place, last), place.template, place.new())
    yield "scripts, run", checks.scripts_run
    made: dict[str, Path] = {}

    def archive(kind: str) -> Path:
        if not made:
            made["wheel"], made["sdist"] = checks.archives(place.template, place.new(), place.tools)
        return made[kind]

    for python in {first.name: first, last.name: last}.values():
        for kind in ("wheel", "sdist"):
            yield (
                f"Python {python.name}, {kind}",
                lambda p=python, k=kind: checks.installs(archive(k), p.path, place.new(), place.tools),
            )
    yield "uvx", lambda: checks.by_uvx(place.template, place.new(), place.tools, last.path)
    yield "pipx", lambda: checks.by_pipx(place.template, place.new(), place.tools, last.path)


def tool_python(place: Place, python: Interpreter) -> Path:
    """An environment with the newest of everything."""
    folder = place.folder / "newest"
    inside = folder / "bin" / "python"
    return inside if inside.exists() else environment(folder, python.path, [*floors(python.version[:2])], place.tools)


def judge(name: str, check: Callable[[], str]) -> Row:
    """The row of one check."""
    begin = time.monotonic()
    try:
        row = Row(name, "ran", check())
    except SkippedError as error:
        row = Row(name, "skipped", str(error))
    except FailedError as error:
        row = Row(name, "FAILED", str(error))
    except Exception as error:  # a mistake of a check must not hide what the others saw
        row = Row(name, "FAILED", f"{type(error).__name__}: {error}")
    row.seconds = time.monotonic() - begin
    return row


def missing(found: list[Interpreter]) -> list[Row]:
    """A skipped row for each Python between 3.10 and the newest release, and each shell, that is not here."""
    here = {python.version[1] for python in found}
    pythons = [
        Row(f"Python 3.{minor}", "skipped", "no such interpreter in ~/.pyenv/versions or on PATH")
        for minor in range(10, NEWEST_PYTHON + 1)
        if minor not in here
    ]
    shells = [name for name in checks.SHELLS if not which(name)]
    return pythons + [Row(f"scripts, {name}", "skipped", "no such shell on PATH") for name in shells]


def commit() -> str:
    """The commit that is tried, and whether the checkout differs from it."""
    try:
        name = git(ROOT, "rev-parse", "--short=10", "HEAD").strip()
        edited = git(ROOT, "status", "--porcelain").strip()
    except (FailedError, OSError):
        return "outside a git checkout"
    return f"at commit {name}" + (" with uncommitted changes" if edited else "")


def table(done: list[Row], tried: str) -> str:
    """The rows as Markdown.

    Args:
        done: the rows.
        tried: which commit they are of, as ``commit`` says it.
    """
    lines = ["| what | outcome | seen |", "|---|---|---|"]
    lines += [f"| {r.name} | {r.outcome} | {' '.join(r.seen.replace('|', '/').split())[:200]} |" for r in done]
    where = f"{platform.system()} {platform.machine()}"
    return f"Run on {date.today().isoformat()} on {where}, {tried}.\n\n" + "\n".join(lines)


def main() -> int:
    """Run, print, and say how it went: 1 when something failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", metavar="WORDS", help="rows whose name contains this")
    parser.add_argument("--write", metavar="FILE", type=Path, help="a page with the markers")
    args = parser.parse_args()
    if args.only and args.write:
        parser.error("--write renews the whole table, so it needs a run of all rows: leave --only out")
    found = interpreters()
    done = [row for row in missing(found) if args.only in row.name]
    names = [name for name, _ in rows(Place(Path(), Path(), Tools(Path())), found)]
    if not done and not any(args.only in name for name in names):
        parser.error(f"no row's name contains {args.only!r}; there are:\n  " + "\n  ".join(names))
    tried = commit()
    home = Path(tempfile.mkdtemp(prefix="mcc-portability-"))
    try:
        place = Place(home, checks.make_template(home), Tools(home / "tools"))
        for name, check in rows(place, found):
            if args.only not in name:
                continue
            row = judge(name, check)
            done.append(row)
            print(f"{row.outcome:<8} {row.name} ({row.seconds:.0f} s): {row.seen}", flush=True)
    finally:
        shutil.rmtree(home, ignore_errors=True)
    skipped = [row for row in done if row.outcome == "skipped"]
    for row in skipped:
        print(f"!!! SKIPPED: {row.name}: {row.seen}")
    failed = [row.name for row in done if row.outcome == "FAILED"]
    if args.write:
        head, _, rest = args.write.read_text(encoding="utf-8").partition(BEGIN)
        tail = rest.partition(END)[2]
        args.write.write_text(f"{head}{BEGIN}\n{table(done, tried)}\n{END}{tail}", encoding="utf-8")
    print(f"{sum(row.outcome == 'ran' for row in done)} ran, {len(skipped)} skipped, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
