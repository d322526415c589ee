"""All figures of docs/performance.md from one run: `make benchmark`.

Whole processes are timed in turn (ours, theirs, ours, ...) and compared pair by pair, so that a machine whose speed
drifts does not decide the ratio. Absolute times are this machine's; only the ratios are meant to be compared.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from grow import grow

ROOT = Path(__file__).resolve().parent.parent
PYDANTIC = "import pydantic\nclass Model(pydantic.BaseModel):\n    number: int\n"
LOAD = """
import json, sys, time, tracemalloc
start = time.perf_counter()
from mcc_registry import Registry, Request, resolve
from pathlib import Path
root = Path(sys.argv[1])
imported = time.perf_counter()
registry = Registry.load(root=root, environ={})
plan = resolve(Request(), registry)
cold = time.perf_counter()
rounds = []
for _ in range(15):
    begin = time.perf_counter()
    for _ in range(10):
        resolve(Request(), registry)
    rounds.append((time.perf_counter() - begin) / 10)
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
start = time.perf_counter()
registry = Registry.load(root=Path(sys.argv[1]), environ={})
registry.frameworks["vllm"]["0.30.0"].base_image
match = registry.find_model("Qwen/Qwen3-4B")
registry.find_architecture(match)
registry.instances_by_price("cuda"); registry.gpus; registry.cuda; registry.amis; registry.regions
print(json.dumps({"ms": (time.perf_counter() - start) * 1e3}))
"""


def run(command: list[str], cwd: Path | None = None) -> float:
    """Seconds a command takes; it must succeed."""
    env = {k: v for k, v in os.environ.items() if k != "REGISTRY_PATH"}
    start = time.perf_counter()
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    taken = time.perf_counter() - start
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return taken


def pair(ours: list[list[str]], theirs: list[list[str]], rounds: int) -> tuple[float, float, float]:
    """Median seconds of ours and of theirs, and the median of the ratios pair by pair; one warm-up each."""
    mine, other = [], []
    for number in range(rounds + 1):
        a = sum(run(c) for c in ours[-1:]) if len(ours) == 1 else [run(c) for c in ours][-1]
        b = sum(run(c) for c in theirs[-1:]) if len(theirs) == 1 else [run(c) for c in theirs][-1]
        if number:
            mine.append(a)
            other.append(b)
    ratios = [a / b for a, b in zip(mine, other, strict=True)]
    return statistics.median(mine), statistics.median(other), statistics.median(ratios)


def git(folder: Path, *words: str) -> None:
    """Run git in a folder with an identity of its own."""
    subprocess.run(
        ["git", "-c", "user.name=b", "-c", "user.email=b@example.invalid", *words],
        cwd=folder,
        check=True,
        capture_output=True,
    )


def trivial_template(folder: Path) -> Path:
    """A template with one question and one file, in git."""
    template = folder / "trivial"
    (template / "template").mkdir(parents=True)
    (template / "copier.yml").write_text("_subdirectory: template\nname:\n  type: str\n  default: x\n")
    (template / "template" / "a.txt.jinja").write_text("{{ name }}\n")
    (template / "template" / "{{_copier_conf.answers_file}}.jinja").write_text("{{ _copier_answers|to_nice_yaml }}")
    git(template, "init", "-q")
    git(template, "add", "-A")
    git(template, "commit", "-qm", "one")
    return template


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="counted runs of each whole process (default 5)")
    parser.add_argument("--no-growth", action="store_true", help="leave out the 10x and 100x registries")
    options = parser.parse_args()
    python = sys.executable
    tool = str(Path(python).parent / "mcc-registry")
    copier = str(Path(python).parent / "copier")
    rows: list[tuple[str, str, str]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        trivial = trivial_template(folder)

        def copy(source: Path, out: str, *data: str) -> list[str]:
            return [
                copier,
                "copy",
                "-q",
                "-f",
                "--trust",
                "--defaults",
                "--vcs-ref",
                "HEAD",
                *data,
                str(source),
                str(folder / out),
            ]

        ours, theirs, ratio = pair(
            [copy(ROOT, "ours", "--data", "offline=true")], [copy(trivial, "theirs")], options.rounds
        )
        rows.append(
            (
                "copier copy --defaults / trivial template",
                f"{ours:.3f} s / {theirs:.3f} s",
                f"{ratio:.2f} x (bar 1.25)",
            )
        )
        resolve = [tool, "resolve", "--offline", "--format", "json"]
        a, b, ratio = pair([resolve], [[python, "-c", PYDANTIC]], options.rounds)
        rows.append(
            (
                "mcc-registry resolve / import pydantic, one model",
                f"{a:.3f} s / {b:.3f} s",
                f"{ratio:.2f} x (bar 1.5)",
            )
        )
        rows.append(
            (
                "mcc-registry resolve / trivial copier copy",
                f"{a:.3f} s / {theirs:.3f} s",
                f"{a / theirs:.2f} x (bar 0.5)",
            )
        )
        a, b, ratio = pair([[tool, "--help"]], [[python, "-c", PYDANTIC]], options.rounds)
        rows.append(("mcc-registry --help / import pydantic, one model", f"{a:.3f} s / {b:.3f} s", f"{ratio:.2f} x"))
        needs = sorted(
            json.loads(subprocess.check_output([python, "-c", NEEDS, str(ROOT / "registries")], cwd=ROOT))["ms"]
            for _ in range(5)
        )
        rows.append(("what a default copy needs of the registries, cold", f"{needs[2]:.1f} ms", "bar 80 ms"))
        sizes = {1: ROOT / "registries"}
        if not options.no_growth:
            sizes |= {factor: grow(ROOT / "registries", folder / f"x{factor}", factor) for factor in (10, 100)}
        base = None
        for factor, root in sizes.items():
            found = json.loads(subprocess.check_output([python, "-c", LOAD, str(root)], cwd=ROOT))
            base = base or found
            rows.append(
                (
                    f"registry x {factor}: cold load and resolve / warm resolve / peak memory",
                    f"{found['cold_ms']:.0f} ms / {found['warm_ms']:.2f} ms / {found['peak_mib']:.0f} MiB",
                    f"warm {found['warm_ms'] / base['warm_ms']:.2f} x"
                    + (" (bar 2 x)" if factor == 100 else " (bar 1 ms)" if factor == 1 else ""),
                )
            )
    width = max(len(r[0]) for r in rows)
    for what, figures, ratio_text in rows:
        print(f"{what:<{width}}  {figures:<34}  {ratio_text}")


if __name__ == "__main__":
    main()
