"""Change the library one small thing at a time and see whether a test notices.

mutmut's operators say what to change, coverage.py says which tests run the changed line, and
``mutate_runner`` (a pytest plugin) tries every change in a fork of one process that has collected the tests once:
one mutant costs the tests it needs and a few milliseconds. ``make mutation`` runs all of them.

    python benchmarks/mutate.py                            every mutant of the five rooms
    python benchmarks/mutate.py --sample 1500 --seed 8     a sample, the same one for the same seed and commit
    python benchmarks/mutate.py --only 'sizing/*'          one room
    python benchmarks/mutate.py --again --tests FILE ...   only what survived the last run, with new tests
    python benchmarks/mutate.py --report                   what the last run left alive, and the table
"""

from __future__ import annotations

import argparse
import ast
import fnmatch
import json
import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / ".mutation"
ROOMS = ("checks", "resolve", "sizing", "versions", "patterns")
TESTS = ("tests/unit", "tests/cli/test_resolve.py")
LEFT_OUT = tuple(
    f"tests/unit/test_{name}.py"
    for name in ("answers", "chat", "export", "hub", "loading_snapshot", "loading_yaml", "loading_files",
                 "report", "rooms", "secrets", "settings", "validate_canonical")
)  # fmt: skip
"""Tests of other rooms, slow here and without a word on the five."""


@dataclass(frozen=True)
class Mutant:
    """One change of one function.

    Attributes:
        id: file, line, function and a number: stable for one state of the file.
        start, end: the changed characters of the file.
        lines: first and last line of the statement that changes; None = the whole function (a default value).
    """

    id: str
    file: str
    function: str
    line: int
    start: int
    end: int
    before: str
    after: str
    lines: tuple[int, int]

    @property
    def room(self) -> str:
        return self.file.split("/")[1].removesuffix(".py")


def files() -> Iterator[str]:
    """The files of the five rooms, relative to the checkout."""
    for room in ROOMS:
        path = ROOT / "mcc_registry" / room
        found = [path.with_suffix(".py")] if path.with_suffix(".py").is_file() else sorted(path.rglob("*.py"))
        yield from (str(p.relative_to(ROOT)) for p in found)


def mutants_of(file: str) -> list[Mutant]:
    """Every mutant of a file, in the order of its text."""
    import libcst as cst
    from libcst.metadata import MetadataWrapper, PositionProvider
    from mutmut.mutation.file_mutation import MutationVisitor
    from mutmut.mutation.mutators import mutation_operators
    from mutmut.mutation.pragma_handling import get_ignored_lines

    text = (ROOT / file).read_text(encoding="utf-8")
    wrapper = MetadataWrapper(cst.parse_module(text), unsafe_skip_copy=True)
    visitor = MutationVisitor(mutation_operators, get_ignored_lines(file, text, wrapper, None), None)
    wrapper.visit(visitor)
    positions = wrapper.resolve(PositionProvider)
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    names = {(f.lineno, f.col_offset): (name, f) for name, f in functions(ast.parse(text))}
    found: list[Mutant] = []
    numbers: Counter[str] = Counter()
    for mutation in visitor.mutations:
        owner = mutation.contained_by_top_level_function
        if not isinstance(owner, cst.FunctionDef):
            continue
        where, place = positions[owner], positions[mutation.original_node]
        name, node = names[(where.start.line, where.start.column)]
        start = starts[place.start.line - 1] + place.start.column
        end = starts[place.end.line - 1] + place.end.column
        after = wrapper.module.code_for_node(mutation.mutated_node).strip()
        numbers[name] += 1
        found.append(
            Mutant(f"{file}:{place.start.line}:{name}:{numbers[name]}", file, name, place.start.line, start, end,
                   text[start:end], after, statement(node, place.start.line, place.end.line))
        )  # fmt: skip
    return found


def functions(tree: ast.Module) -> Iterator[tuple[str, Any]]:
    """Top-level functions and methods by their qualified names."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    for node in tree.body:
        if isinstance(node, kinds):
            yield node.name, node
        elif isinstance(node, ast.ClassDef):
            yield from ((f"{node.name}.{child.name}", child) for child in node.body if isinstance(child, kinds))


def statement(function: ast.FunctionDef, first: int, last: int) -> tuple[int, int]:
    """The lines of the innermost statement around some lines: what a test must run to meet the change."""
    if first < function.body[0].lineno:
        return function.body[0].lineno, function.end_lineno or last
    inner: tuple[int, int] = (first, last)
    for node in ast.walk(function):
        body = getattr(node, "body", None)
        if isinstance(node, ast.stmt) and node is not function and node.lineno <= first <= (node.end_lineno or 0):
            stop = body[0].lineno - 1 if isinstance(body, list) and body else node.end_lineno or last
            if first <= stop:
                inner = min(node.lineno, first), max(stop, last)
    return inner


def run(chosen: list[Mutant], options: argparse.Namespace) -> None:
    """Hand the mutants to pytest with the runner as its plugin."""
    WORK.mkdir(exist_ok=True)
    (WORK / "mutants.json").write_text(json.dumps([asdict(m) for m in chosen]), encoding="utf-8")
    environment = dict(os.environ)
    environment.update(
        PYTHONPATH=str(ROOT / "benchmarks"),
        MCC_MUTATION_WORK=str(WORK),
        MCC_MUTATION_BUDGET=str(options.budget),
        MCC_MUTATION_JOBS=str(options.jobs),
        MCC_MUTATION_MINUTES=str(options.minutes),
        MCC_MUTATION_KEEP_MAP="1" if options.keep_map else "",
    )
    command = [sys.executable, "-m", "pytest", "-p", "mutate_runner", "-p", "no:xdist", "-p", "no:cacheprovider", "-m", "not slow",
               "--tb=line", "-q", *(options.tests or (*TESTS, *(f"--ignore={path}" for path in LEFT_OUT)))]  # fmt: skip
    subprocess.run(command, cwd=ROOT, env=environment, check=True)


def results() -> dict[str, dict[str, Any]]:
    """The outcome of every mutant tried so far; one that a later try killed is killed."""
    path = WORK / "results.jsonl"
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.is_file() else []
    return {row["id"]: row for row in sorted(rows, key=lambda row: row["status"] in ("killed", "timeout"))}


def report(show: bool) -> None:
    """Print the table by room and, when asked, every survivor."""
    rows = list(results().values())
    print(f"{'room':<12}{'mutants':>8}{'killed':>8}{'survived':>10}{'no test':>9}{'share':>8}")
    for room in (*ROOMS, "all"):
        mine = [r for r in rows if room in (r["room"], "all")]
        if not mine:
            continue
        count = Counter(r["status"] for r in mine)
        killed = count["killed"] + count["timeout"]
        share = f"{100 * killed / len(mine):.1f} %"
        print(f"{room:<12}{len(mine):>8}{killed:>8}{count['survived']:>10}{count['no test']:>9}{share:>8}")
    if show:
        for row in sorted((r for r in rows if r["status"] in ("survived", "no test")), key=lambda r: r["id"]):
            print(f"\n{row['id']}  [{row['status']}]\n  - {row['before']}\n  + {row['after']}")


def main() -> None:
    """Parse the flags, choose the mutants, run them, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", type=int, default=0, help="how many mutants to draw; 0 = all")
    parser.add_argument("--seed", type=int, default=8, help="seed of the sample")
    parser.add_argument("--only", default="*", help="pattern over files under mcc_registry/")
    parser.add_argument("--budget", type=float, default=6.0, help="seconds of tests one mutant may cost")
    parser.add_argument("--minutes", type=float, default=0, help="stop after this long; 0 = never")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--again", action="store_true", help="only what survived the last run")
    parser.add_argument("--keep-map", action="store_true", help="use the last map of lines to tests")
    parser.add_argument(
        "--tests", nargs="+", help="other test files than the usual ones; with --again: new tests only"
    )
    parser.add_argument("--report", action="store_true", help="run nothing, print the last run")
    options = parser.parse_args()
    if options.report:
        report(show=True)
        return
    os.chdir(ROOT)
    every = [m for file in files() for m in mutants_of(file) if fnmatch.fnmatch(file, f"mcc_registry/{options.only}")]
    before = results()
    if options.again:
        every = [m for m in every if before.get(m.id, {}).get("status") in ("survived", "no test")]
    elif (WORK / "results.jsonl").is_file():
        (WORK / "results.jsonl").unlink()
    order = random.Random(options.seed)
    chosen = order.sample(every, min(options.sample or len(every), len(every)))
    print(f"{len(every)} mutants, {len(chosen)} chosen")
    run(chosen, options)
    report(show=False)


if __name__ == "__main__":
    main()
