"""A pytest plugin that tries mutants in forks of one process; ``mutate.py`` starts it.

First one fork runs every test and notes which lines of the five rooms each of them reaches. Then, for one mutant
after the other, a fork replaces the code of the function concerned and runs the tests that reach the changed line:
first those that killed its neighbours, then the quick and specific ones, until one fails or the budget is used up.
What the budget cut off counts as survived, so the share killed is never too high.
"""

from __future__ import annotations
import __future__

import ast
import functools
import gc
import importlib
import inspect
import json
import os
import resource
import shutil
import signal
import sys
import time
import types
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

WORK = Path(os.environ["MCC_MUTATION_WORK"])
BUDGET = float(os.environ["MCC_MUTATION_BUDGET"])
JOBS = int(os.environ["MCC_MUTATION_JOBS"])
MINUTES = float(os.environ["MCC_MUTATION_MINUTES"])
EARLY = ("versions", "patterns")
"""Rooms that loading uses: their mutants are tried before anything is loaded."""
REGISTRIES: list[Any] = []


def pytest_configure(config: pytest.Config) -> None:
    from hypothesis import HealthCheck, Phase, settings

    settings.register_profile(
        "mutation", derandomize=True, database=None, deadline=None, max_examples=30,
        phases=(Phase.explicit, Phase.generate), suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    settings.load_profile("mutation")


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool:
    began = time.monotonic()
    items = {item.nodeid: item for item in session.items}
    mutants = json.loads((WORK / "mutants.json").read_text(encoding="utf-8"))
    remember_registries()
    if not (os.environ["MCC_MUTATION_KEEP_MAP"] and (WORK / "map.json").is_file()):
        draw_maps(session)
    tests = json.loads((WORK / "map.json").read_text(encoding="utf-8"))
    print(f"\n{len(tests)} tests usable, map ready after {time.monotonic() - began:.0f} s", flush=True)
    by_line: dict[tuple[str, int], set[str]] = defaultdict(set)
    for name, test in tests.items():
        for file, lines in test["lines"].items():
            for line in lines:
                by_line[file, line].add(name)
    cost = {n: t["cpu"] * (1 + sum(map(len, t["lines"].values()))) for n, t in tests.items() if n in items}
    killers: dict[str, list[str]] = defaultdict(list)
    early = [m for m in mutants if room(m) in EARLY]
    late = [m for m in mutants if room(m) not in EARLY]
    with (WORK / "results.jsonl").open("a", encoding="utf-8") as out:
        for group, load in ((early, False), (late, True)):
            if load:
                preload(session)
            gc.collect()
            gc.freeze()
            running: dict[int, tuple[dict[str, Any], int, float]] = {}
            for mutant in group:
                if MINUTES and time.monotonic() - began > 60 * MINUTES:
                    break
                reach = {n for line in range(mutant["lines"][0], mutant["lines"][1] + 1)
                         for n in by_line[mutant["file"], line] if n in cost}  # fmt: skip
                names = choose(reach, killers[mutant["file"] + mutant["function"]], cost, tests)
                if not names:
                    write(out, mutant, "no test", "", 0.0)
                    continue
                while len(running) >= JOBS:
                    reap(running, out, killers)
                read, pen = os.pipe()
                pid = os.fork()
                if pid == 0:
                    os.close(read)
                    try_mutant(session, mutant, [items[n] for n in names], sum(tests[n]["cpu"] for n in names), pen)
                os.close(pen)
                running[pid] = (mutant, read, time.monotonic())
            while running:
                reap(running, out, killers)
    print(f"done after {time.monotonic() - began:.0f} s", flush=True)
    return True


def room(mutant: dict[str, Any]) -> str:
    return str(mutant["file"].split("/")[1].removesuffix(".py"))


def choose(reach: set[str], first: list[str], cost: dict[str, float], tests: dict[str, Any]) -> list[str]:
    """The tests to run, in order, within the budget."""
    lead = [n for n in first[-8:][::-1] if n in reach]
    names, spent = [], 0.0
    for name in [*lead, *sorted(reach - set(lead), key=lambda n: (cost[n], n))]:
        spent += tests[name]["cpu"]
        if names and spent > BUDGET:
            break
        names.append(name)
    return names


def reap(running: dict[int, Any], out: Any, killers: dict[str, list[str]]) -> None:
    """Wait for one fork and write what it found."""
    pid, status, usage = os.wait4(-1, 0)
    mutant, pipe, _ = running.pop(pid)
    said = os.read(pipe, 65536).decode()
    os.close(pipe)
    shutil.rmtree(WORK / f"tmp-{pid}", ignore_errors=True)
    if os.WIFSIGNALED(status):
        outcome = "timeout"
    else:
        outcome = {0: "survived", 1: "killed", 3: "unusable"}.get(os.WEXITSTATUS(status), "killed")
    if outcome == "killed" and said:
        known = killers[mutant["file"] + mutant["function"]]
        if said in known:
            known.remove(said)
        known.append(said)
    write(out, mutant, outcome, said, usage.ru_utime + usage.ru_stime)


def write(out: Any, mutant: dict[str, Any], status: str, test: str, cpu: float) -> None:
    row = {k: mutant[k] for k in ("id", "file", "function", "line", "before", "after")}
    row |= {"room": room(mutant), "status": status, "test": test, "cpu": round(cpu, 2)}
    out.write(json.dumps(row) + "\n")
    out.flush()


def try_mutant(session: pytest.Session, mutant: dict[str, Any], items: list[Any], seconds: float, pipe: int) -> None:
    """In a fork: put the mutant in place, run its tests, leave with 1 as soon as one fails."""
    limit = int(3 * seconds + 10)
    resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 1))
    resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(40 * limit)
    quietly(session)
    forget()
    try:
        put(mutant)
    except Exception as error:
        os.write(pipe, repr(error)[:2000].encode())
        os._exit(3)
    try:
        for number, item in enumerate(items):
            after = items[number + 1] if number + 1 < len(items) else None
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=after)
            if session.testsfailed:
                os.write(pipe, item.nodeid.encode())
                os._exit(1)
    except BaseException:
        os._exit(1)
    os._exit(0)


def put(mutant: dict[str, Any]) -> None:
    """Replace the code of the mutant's function in this process."""
    text = Path(mutant["file"]).read_text(encoding="utf-8")
    text = text[: mutant["start"]] + mutant["after"] + text[mutant["end"] :]
    module = importlib.import_module(mutant["file"].removesuffix(".py").replace("/", ".").removesuffix(".__init__"))
    *owner, name = mutant["function"].split(".")
    target: Any = module if not owner else vars(module)[owner[0]]
    function = bare(vars(target)[name])
    body: Any = ast.parse(text).body
    if owner:
        body = next(n for n in body if isinstance(n, ast.ClassDef) and n.name == owner[0]).body
    same = [n for n in body if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef)) and n.name == name]
    node = min(same, key=lambda n: abs(n.lineno - function.__code__.co_firstlineno)) if len(same) > 1 else same[0]
    node.decorator_list = []
    if "__class__" in function.__code__.co_freevars:
        outer = ast.parse("def outer(__class__):\n    return None").body[0]
        assert isinstance(outer, ast.FunctionDef)
        outer.body = [node, *ast.parse(f"return {name}").body]
        ast.fix_missing_locations(outer)
        made = define(outer, module)(target)
    else:
        made = define(node, module)
    if made.__code__.co_freevars != function.__code__.co_freevars:
        raise ValueError("the mutant closes over other names")
    function.__code__ = made.__code__
    function.__defaults__, function.__kwdefaults__ = made.__defaults__, made.__kwdefaults__


def define(node: Any, module: types.ModuleType) -> Any:
    code = compile(ast.Module([node], []), module.__file__ or "", "exec", __future__.annotations.compiler_flag)
    names: dict[str, Any] = {}
    exec(code, vars(module), names)
    return names[node.name]


def bare(value: Any) -> types.FunctionType:
    """The plain function under decorators."""
    if isinstance(value, property):
        value = value.fget
    elif isinstance(value, functools.cached_property):
        value = value.func
    elif isinstance(value, (classmethod, staticmethod)):
        value = value.__func__
    value = inspect.unwrap(value)
    if not isinstance(value, types.FunctionType):
        raise TypeError(f"{value!r} is no function")
    return value


def remember_registries() -> None:
    from mcc_registry import Registry

    init = Registry.__init__

    def remembering(self: Any, *arguments: Any, **named: Any) -> None:
        init(self, *arguments, **named)
        REGISTRIES.append(self)

    Registry.__init__ = remembering  # type: ignore[method-assign]


def forget() -> None:
    """Empty the caches, so that code runs again."""
    for registry in REGISTRIES:
        registry.memo.clear()
    for name, module in list(sys.modules.items()):
        if name.startswith("mcc_registry"):
            for value in list(vars(module).values()):
                if isinstance(value, functools._lru_cache_wrapper):
                    value.cache_clear()


def preload(session: pytest.Session) -> None:
    """Load once what the session's fixtures load, for every fork to come."""
    for item in session.items:
        fixtures = getattr(getattr(item, "_fixtureinfo", None), "name2fixturedefs", {})
        for name in ("shipped", "odd", "cut"):
            for fixture in fixtures.get(name, ()):
                if isinstance(fixture.func, functools.partial) or fixture.argnames not in ((), ("tmp_path_factory",)):
                    continue
                arguments = [session.config._tmp_path_factory] if fixture.argnames else []  # type: ignore[attr-defined]
                fixture.func = functools.partial(given, fixture.func(*arguments))


def given(made: Any, **_: Any) -> Any:
    """A fixture that is there already."""
    return made


def quietly(session: pytest.Session) -> None:
    """Print nothing from a fork, and give it a temporary folder of its own."""
    nowhere = open(os.devnull, "w")  # noqa: SIM115, PTH123
    reporter = session.config.pluginmanager.getplugin("terminalreporter")
    if reporter is not None:
        reporter._tw._file = nowhere
    folder = WORK / f"tmp-{os.getpid()}"
    folder.mkdir(parents=True, exist_ok=True)
    session.config._tmp_path_factory._basetemp = folder  # type: ignore[attr-defined]


def draw_maps(session: pytest.Session) -> None:
    """Run every test once in as many forks as there are jobs, and put their maps together."""
    share = -(-len(session.items) // JOBS)
    parts = [session.items[at : at + share] for at in range(0, len(session.items), share)]
    forks = []
    for number, items in enumerate(parts):
        pid = os.fork()
        if pid == 0:
            quietly(session)
            draw_map(session, items, WORK / f"map-{number}.json")
            os._exit(0)
        forks.append(pid)
    ends = [os.waitpid(pid, 0)[1] for pid in forks]
    if any(ends):
        raise pytest.UsageError("the map of lines to tests could not be drawn")
    whole: dict[str, Any] = {}
    for number in range(len(parts)):
        whole |= json.loads((WORK / f"map-{number}.json").read_text(encoding="utf-8"))
    (WORK / "map.json").write_text(json.dumps(whole), encoding="utf-8")


def draw_map(session: pytest.Session, items: list[Any], path: Path) -> None:
    """Run tests once, unmutated: its outcome, its CPU time and the lines it reaches."""
    import coverage

    folders = [str(Path("mcc_registry") / r) for r in ("checks", "resolve", "sizing")]
    watch = coverage.Coverage(
        data_file=None, branch=False, config_file=False,
        include=[*(f"{f}/*" for f in folders), "mcc_registry/versions.py", "mcc_registry/patterns.py"],
    )  # fmt: skip
    found: dict[str, Any] = {}
    here = f"{Path.cwd()}/"
    for number, item in enumerate(items):
        forget()
        watch.erase()
        failed, cpu = session.testsfailed, time.process_time()
        after = items[number + 1] if number + 1 < len(items) else None
        watch.start()
        try:
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=after)
        finally:
            watch.stop()
        data = watch.get_data()
        lines = {f.removeprefix(here): sorted(data.lines(f) or ()) for f in data.measured_files()}
        if session.testsfailed == failed and lines:
            found[item.nodeid] = {"cpu": round(time.process_time() - cpu, 4), "lines": lines}
        elif session.testsfailed != failed:
            with (WORK / "failing.txt").open("a", encoding="utf-8") as out:
                out.write(item.nodeid + "\n")
    path.write_text(json.dumps(found), encoding="utf-8")
