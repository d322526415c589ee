"""All figures of docs/performance.md from one run: `make benchmark`.

Whole processes are timed in turn (ours, theirs, ours, ...) and compared round by round, so that a machine whose speed
drifts does not decide the ratio. Absolute times are this machine's; only the ratios are meant to be compared. What is
copied is the last commit of this checkout, from a fresh clone with one pack: thousands of loose objects, as a repository
with a long day behind it has, would be measured otherwise. Every copy but the one called first finds compiled code in a
cache of this run alone.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import templates
from grow import grow

ROOT = Path(__file__).resolve().parent.parent
PYTHON = sys.executable
TOOL = str(Path(PYTHON).parent / "mcc-registry")
COPIER = str(Path(PYTHON).parent / "copier")
PYDANTIC = "import pydantic\nclass Model(pydantic.BaseModel):\n    number: int\n"
RESOLVE: tuple[list[str], Path | None, dict[str, str]] = (
    [TOOL, "resolve", "--offline", "--format", "json"],
    None,
    {},
)
LOAD = """
import json, sys, time, tracemalloc
start = time.process_time()
from mcc_registry import Registry, Request, resolve
from pathlib import Path
root = Path(sys.argv[1])
imported = time.process_time()
registry = Registry.load(root=root, environ={})
plan = resolve(Request(), registry)
cold = time.process_time()
rounds = []
for _ in range(15):
    begin = time.process_time()
    for _ in range(10):
        resolve(Request(), registry)
    rounds.append((time.process_time() - begin) / 10)
rounds.sort()
# VmHWM belongs to this program; ru_maxrss would carry over the peak of the process that started it.
peak_kib = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps({"cold_ms": (cold - imported) * 1e3, "warm_ms": rounds[len(rounds) // 2] * 1e3,
                  "peak_mib": peak_kib / 1024, "ok": plan.ok}))
"""
NEEDS = """
import json, sys, time
from pathlib import Path
from mcc_registry import Registry
start = time.process_time()
registry = Registry.load(root=Path(sys.argv[1]), environ={})
registry.frameworks["vllm"]["0.30.0"].base_image
match = registry.find_model("Qwen/Qwen3-4B")
registry.find_architecture(match)
registry.instances_by_price("cuda"); registry.gpus; registry.cuda; registry.amis; registry.regions
print(json.dumps({"ms": (time.process_time() - start) * 1e3}))
"""


class Spent(NamedTuple):
    """Seconds a command took: on the clock, and of processors by it and what it started."""

    wall: float
    cpu: float


Command = tuple[list[str], Path | None, dict[str, str]]
"""Words, folder, and variables beside the usual ones."""


def run(command: Command) -> Spent:
    """What a command took; it must succeed."""
    words, folder, more = command
    env = {k: v for k, v in os.environ.items() if k not in ("REGISTRY_PATH", "MCC_NO_CACHE")} | more
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    done = subprocess.run(words, cwd=folder, env=env, capture_output=True, text=True, check=False)
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(f"{' '.join(words)}\n{done.stdout}{done.stderr}")
    return Spent(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def rotate(makers: dict[str, Callable[[], Command]], rounds: int) -> dict[str, list[Spent]]:
    """Run commands in turn, ``rounds`` times after one warm-up each."""
    found: dict[str, list[Spent]] = {name: [] for name in makers}
    for number in range(rounds + 1):
        for name, make in makers.items():
            spent = run(make())
            if number:
                found[name].append(spent)
    return found


def compare(found: dict[str, list[Spent]], ours: str, theirs: str, bar: str = "") -> tuple[str, str]:
    """Medians as text, and the median of the ratios round by round, on the clock and of processors."""
    pairs = list(zip(found[ours], found[theirs], strict=True))
    wall = statistics.median(a.wall / b.wall for a, b in pairs)
    cpu = statistics.median(a.cpu / b.cpu for a, b in pairs)
    times = " / ".join(f"{statistics.median(s.wall for s in found[name]):.3f} s" for name in (ours, theirs))
    return times, f"{wall:.2f} x{f' (bar {bar})' if bar else ''}, processor time {cpu:.2f} x"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="counted runs of each whole process (default 5)")
    parser.add_argument("--no-growth", action="store_true", help="leave out the 10x and 100x registries")
    options = parser.parse_args()
    rows: list[tuple[str, str, str]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows += copier_rows(folder, options.rounds)
        rows += resolve_rows(folder, options.rounds)
        rows += registry_rows(folder, growth=not options.no_growth)
    print(f"on {os.cpu_count()} processors, Python {sys.version.split()[0]}, copies in {tempfile.gettempdir()}")
    width = max(len(r[0]) for r in rows)
    for what, figures, ratio in rows:
        print(f"{what:<{width}}  {figures:<34}  {ratio}")


def copier_rows(folder: Path, rounds: int) -> list[tuple[str, str, str]]:
    """Copies and updates against a trivial template's."""
    ours, trivial = templates.packed_clone(ROOT, folder / "ours"), templates.trivial(folder / "trivial")
    warm, offline = {"XDG_CACHE_HOME": str(folder / "cache")}, ["--data", "offline=true"]
    count = iter(range(10**6))

    def copy(source: Path, *data: str, cold: bool = False) -> Callable[[], Command]:
        def make() -> Command:
            number = next(count)
            cache = {"XDG_CACHE_HOME": str(folder / f"cache{number}")} if cold else warm
            words = [COPIER, "copy", "-q", "-f", "--trust", "--defaults", "--vcs-ref", "HEAD", *data]
            return [*words, str(source), str(folder / "copies" / str(number))], None, cache

        return make

    def update(source: Path, name: str, *data: str) -> Callable[[], Command]:
        project = folder / name
        run(([COPIER, "copy", "-q", "-f", "--trust", "--defaults", *data, str(source), str(project)], None, warm))
        templates.commit_all(project)
        return lambda: ([COPIER, "update", "-q", "--trust", "--defaults"], project, warm)

    first = folder / "copies" / "first"
    run(([COPIER, "copy", "-q", "-f", "--trust", "--defaults", *offline, str(ours), str(first)], None, warm))
    plain = templates.same_size(ours, first, folder / "plain")
    wide = templates.same_size(ours, first, folder / "wide", keep_repository=True)
    found = rotate(
        {
            "trivial": copy(trivial),
            "resolve": lambda: RESOLVE,
            "ours": copy(ours, *offline),
            "first": copy(ours, *offline, cold=True),
            "plain": copy(plain),
            "wide": copy(wide),
        },
        rounds,
    )
    updates = rotate({"trivial": update(trivial, "their"), "ours": update(ours, "our", *offline)}, rounds)
    return [
        ("copier copy --defaults / trivial template", *compare(found, "ours", "trivial", "1.25")),
        ("  the first copy on a machine (nothing compiled yet)", *compare(found, "first", "trivial")),
        ("  as many questions and files without any code", *compare(found, "plain", "trivial")),
        ("  the same in a repository with as many files", *compare(found, "wide", "trivial")),
        ("copier update, nothing changed / trivial template", *compare(updates, "ours", "trivial", "1.3")),
        ("mcc-registry resolve / trivial copier copy", *compare(found, "resolve", "trivial", "0.5")),
    ]


def resolve_rows(folder: Path, rounds: int) -> list[tuple[str, str, str]]:
    """Whole processes of the command line against one that only imports pydantic."""
    model = "import pydantic, one model"
    found = rotate(
        {
            "pydantic": lambda: ([PYTHON, "-c", PYDANTIC], folder, {}),
            "resolve": lambda: RESOLVE,
            "help": lambda: ([TOOL, "--help"], None, {}),
        },
        rounds,
    )
    return [
        (f"mcc-registry resolve / {model}", *compare(found, "resolve", "pydantic", "1.5")),
        (f"mcc-registry --help / {model}", *compare(found, "help", "pydantic")),
    ]


def registry_rows(folder: Path, *, growth: bool) -> list[tuple[str, str, str]]:
    """Loading and resolving inside one process (processor time), and how they grow."""

    def measured(code: str, root: Path) -> dict[str, float]:
        found: dict[str, float] = json.loads(subprocess.check_output([PYTHON, "-c", code, str(root)], cwd=ROOT))
        return found

    shipped = ROOT / "registries"
    needs = sorted(measured(NEEDS, shipped)["ms"] for _ in range(5))
    rows = [("what a default copy needs of the registries, cold", f"{needs[2]:.1f} ms", "bar 80 ms")]
    sizes = {1: shipped}
    if growth:
        sizes |= {factor: grow(shipped, folder / f"x{factor}", factor) for factor in (10, 100)}
    base = None
    bars = {1: " (bar 1 ms)", 100: " (bar 2 x)"}
    for factor, root in sizes.items():
        runs = sorted((measured(LOAD, root) for _ in range(3)), key=lambda found: found["warm_ms"])
        found = runs[1]
        base = base or found
        rows.append(
            (
                f"registry x {factor}: cold load and resolve / warm resolve / peak memory",
                f"{found['cold_ms']:.0f} ms / {found['warm_ms']:.2f} ms / {found['peak_mib']:.0f} MiB",
                f"warm {found['warm_ms'] / base['warm_ms']:.2f} x{bars.get(factor, '')}",
            )
        )
    return rows


if __name__ == "__main__":
    main()
