"""What must work everywhere: a copy, an update, a verdict, a look-up, the scripts, and every way to install."""

from __future__ import annotations

import json
import re
import shutil
import sys
import tarfile
from pathlib import Path

from tests.portability.environments import ROOT, FailedError, SkippedError, Tools, environment, git, run, which
from tests.standins.hub import HubStandIn

CONFIG = {
    "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 2048, "num_hidden_layers": 16,
    "num_attention_heads": 32, "num_key_value_heads": 8, "vocab_size": 128256, "max_position_embeddings": 8192,
    "intermediate_size": 8192, "torch_dtype": "bfloat16",
}  # fmt: skip
OLD, NEW = "v9001.0.0", "v9002.0.0"

SHELLS = ("dash", "bash", "busybox", "ksh", "mksh", "yash", "zsh")
"""POSIX shells that read the scripts; each that is not here is told as skipped."""


def expect(condition: object, words: str) -> None:
    """Fail with words."""
    if not condition:
        raise FailedError(words)


def make_template(folder: Path) -> Path:
    """This checkout as it is on disk, with two tags that differ in code and in a template file; its path has a space."""
    template = folder / "the template"
    names = run(["git", "ls-files", "-co", "--exclude-standard", "-z"], ROOT).split("\0")
    for name in filter(None, names):
        if name.startswith(("tests/", "docs/", "benchmarks/")) or not (ROOT / name).is_file():
            continue
        (template / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, template / name)
    git(template, "init", "-q")
    git(template, "add", "-A")
    git(template, "commit", "-qm", "one")
    git(template, "tag", OLD)
    for name in ("template/do/clean", "mcc_registry/view.py"):
        with (template / name).open("a", encoding="utf-8") as file:
            file.write("# a later version\n")
    git(template, "commit", "-qam", "two")
    git(template, "tag", NEW)
    return template


def smoke(python: Path, template: Path, folder: Path) -> str:
    """A copy offline and an update into a larger repository with spaces in every path, a verdict, a look-up at a Hub.

    Returns:
        What was seen, in a few words.
    """
    cache = {"XDG_CACHE_HOME": str(folder / "cache")}
    home = folder / "a larger repository"
    home.mkdir(parents=True)
    git(home, "init", "-q")
    copier: list[str | Path] = [python, "-m", "copier"]
    words = ["--trust", "--defaults", "--quiet", "--data", "offline=true"]
    run([*copier, "copy", *words, "--vcs-ref", OLD, template, "my project"], home, environ=cache)
    project = home / "my project"
    lock = (project / "mcc.lock.yaml").read_text(encoding="utf-8")
    with (project / "Dockerfile").open("a", encoding="utf-8") as file:
        file.write("# mine\n")
    git(home, "add", "-A")
    git(home, "commit", "-qm", "As rendered, and an edit")
    run([*copier, "update", "--trust", "--defaults", "--quiet"], project, environ=cache)
    expect(NEW in (project / ".copier-answers.yml").read_text(encoding="utf-8"), "the update names no new version")
    expect(
        (project / "do/clean").read_text(encoding="utf-8").endswith("# a later version\n"),
        "the update brought nothing",
    )
    expect((project / "Dockerfile").read_text(encoding="utf-8").endswith("# mine\n"), "the update lost an edit")
    expect((project / "mcc.lock.yaml").read_text(encoding="utf-8") == lock, "the update changed the plan")
    expect(not [*home.rglob("*.rej")], "the update left a conflict")
    resolve: list[str | Path] = [python, "-m", "mcc_registry", "resolve", "--format", "json"]
    plan = json.loads(run([*resolve, "--offline"], template))
    expect(plan["ok"] and plan["framework"]["version"] in lock, "resolve says something else than the copy")
    with HubStandIn() as hub:
        hub.add("stand/in", {"config.json": CONFIG, "tokenizer_config.json": {}})
        token = {"HF_ENDPOINT": hub.url, "HF_HOME": str(folder / "hub")}
        shown = run([*resolve, "--model-name", "stand/in"], template, environ=token, drop=("HF_HUB_OFFLINE",))
    expect(hub.requests and json.loads(shown)["model"]["match"] == "hub", "the Hub was not asked")
    return "copy, update, resolve, Hub"


def scripts(python: Path, template: Path, folder: Path) -> str:
    """Every script of a project is read by every POSIX shell found; dash and bash must be there."""
    shells = which(*SHELLS)
    if not {"dash", "bash"} & set(shells):
        raise SkippedError("neither dash nor bash is here")
    run(
        [
            python,
            "-m",
            "copier",
            "copy",
            "--trust",
            "--defaults",
            "--quiet",
            "--data",
            "offline=true",
            template,
            "p q",
        ],
        folder,
    )
    found = sorted(p for p in (folder / "p q/do").iterdir() if p.is_file())
    for shell in shells:
        for script in found:
            run([shell, *(["sh"] if shell == "busybox" else []), "-n", script], folder)
    expect(len(found) >= 9, "scripts are missing")
    return f"{len(found)} scripts read by {', '.join(shells)}"


def scripts_run() -> str:
    """The scripts' own tests, which run each of them under dash and bash, in this checkout's environment."""
    if len(which("dash", "bash")) < 2:
        raise SkippedError("dash or bash is missing")
    python = ROOT / ".venv/bin/python"
    python = python if python.exists() else Path(sys.executable)
    shown = run([python, "-m", "pytest", "-q", "tests/lifecycle/test_scripts.py", "-m", "not slow"], ROOT)
    expect("F" not in shown.splitlines()[0], "a script failed")
    return "do/ run under dash and bash"


def archives(template: Path, folder: Path, tools: Tools) -> tuple[Path, Path]:
    """The wheel, made from the sdist, and the sdist."""
    source = folder / "source"
    shutil.copytree(template, source, ignore=shutil.ignore_patterns(".git"))
    (source / "tests").mkdir(exist_ok=True)
    run([tools.program("pyproject-build"), "--outdir", folder / "dist", source], folder)
    (wheel,), (sdist,) = (folder / "dist").glob("*.whl"), (folder / "dist").glob("*.tar.gz")
    with tarfile.open(sdist) as tar:
        names = {name.partition("/")[2] for name in tar.getnames()}
    for name in (
        "copier.yml",
        "hooks/extension.py",
        "template/Dockerfile.jinja",
        "registries/regions.yaml",
        "LICENSE",
    ):
        expect(name in names, f"the sdist has no {name}")
    return wheel, sdist


def installs(archive: Path, python: Path, folder: Path, tools: Tools) -> str:
    """A fresh environment with one archive: the registries are inside, and the commands work anywhere."""
    inside = environment(folder / "env", python, [str(archive)], tools)
    program = inside.parent / "mcc-registry"
    away = folder / "some where"
    away.mkdir()
    plan = json.loads(run([program, "resolve", "--offline", "--format", "json"], away))
    expect(plan["ok"] and plan["framework"]["name"] == "vllm", "resolve does not work")
    expect("ok: no faults" in run([program, "validate"], away), "the registries inside have faults")
    expect("0.30.0" in run([program, "frameworks", "vllm"], away), "frameworks does not work")
    run([program, "init-layer", "layer"], away)
    expect("REGISTRY SYSTEM" in run([program, "--help", "--registry-path", "layer"], away), "--help does not work")
    return f"{archive.name.rpartition('.')[2]}: resolve, validate, frameworks, init-layer"


def readme_packages(beginning: str) -> list[str]:
    """The words of a README command after its beginning."""
    text = (ROOT / "README.md").read_text(encoding="utf-8").replace("\\\n", " ")
    found = re.search(re.escape(beginning) + r"([^`\n]*)", text)
    expect(found, f"the README has no '{beginning}'")
    return found[1].split() if found else []


def by_uvx(template: Path, folder: Path, tools: Tools, python: Path) -> str:
    """The README's uvx command."""
    words = readme_packages("\nuvx ")
    words = words[: words.index("TEMPLATE")]
    uvx = tools.program("uvx")
    answers = ["--defaults", "--quiet", "--data", "offline=true", str(template), "by uvx"]
    run([uvx, "--python", python, *words, *answers], folder)
    expect((folder / "by uvx/Dockerfile").is_file(), "nothing was copied")
    return "uvx --with ... copier copy"


def by_pipx(template: Path, folder: Path, tools: Tools, python: Path) -> str:
    """The README's pipx command."""
    homes = {
        "PIPX_HOME": str(folder / "pipx"),
        "PIPX_BIN_DIR": str(folder / "bin"),
        "PIPX_MAN_DIR": str(folder / "man"),
    }
    pipx = tools.program("pipx")
    run([pipx, "install", "--python", python, "copier"], folder, environ=homes)
    run([pipx, "inject", *readme_packages("`pipx inject ")], folder, environ=homes)
    answers = ["--defaults", "--quiet", "--data", "offline=true", str(template), "by pipx"]
    run([folder / "bin/copier", "copy", "--trust", *answers], folder, environ=homes)
    expect((folder / "by pipx/Dockerfile").is_file(), "nothing was copied")
    return "pipx install copier, pipx inject copier ..."
