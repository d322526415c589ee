"""``inspect-image``: what an image says about itself, and what is found in it, through a container engine."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING, Any, Literal

from .. import report
from ..secrecy import without_secrets
from .console import Console, is_terminal
from .parsing import Parser, flag, real

if TYPE_CHECKING:
    from ..docker import ImageFacts

EXAMPLES = (
    "mcc-registry inspect-image vllm/vllm-openai:v0.30.0",
    "mcc-registry inspect-image python:3.13-slim --no-pull --format json",
    "mcc-registry inspect-image IMAGE --no-run    # read its configuration only",
)

POSITIONALS = 1

FOUND = ("cuda", "python", "framework", "framework_version", "gpu_memory_mib")

REFUSED: dict[str, Any] = {"image": None, "config": None, "found": None}


def add_arguments(parser: Parser) -> None:
    """Which image, and how far to go."""
    parser.add_argument("image", metavar="IMAGE", help="reference, as docker pull takes it")
    parser.add_boolean("pull", "pull even if it is here; --no-pull never pulls (default: pull what is missing)")
    parser.add_boolean("run", "run the image to read versions (default); --no-run reads its configuration only")
    words = "a number of seconds above 0 and at most 86400"
    parser.add_argument(
        "--timeout", metavar="S", type=real(0, 86400, words), help="seconds for everything (default 900)"
    )
    parser.add_argument("--platform", metavar="OS/ARCH", help="what to pull: linux/amd64 or linux/arm64")


def run(args: Namespace, console: Console) -> int:
    """Inspect and show."""
    from ..docker import BUDGET_S, PullMode, inspect_image, is_reference

    if not is_reference(args.image):
        args.parser.error("argument IMAGE: it is no image reference such as vllm/vllm-openai:v0.30.0")
    if args.platform not in (None, "linux/amd64", "linux/arm64"):
        args.parser.error("argument --platform: write linux/amd64 or linux/arm64")
    mode: PullMode = "missing"
    if args.pull is not None:
        mode = "always" if flag(args.parser, args.pull, "pull") else "never"
    if flag(args.parser, args.offline, "offline"):
        mode = "never"
    done = inspect_image(
        args.image,
        pull=mode,
        run=args.run is None or flag(args.parser, args.run, "run"),
        timeout_s=args.timeout or BUDGET_S,
        platform=args.platform,
        progress=console.err if is_terminal(console.err) else None,
        tell=console.note,
    )
    if console.wants_json:
        empty = {
            "image": without_secrets(args.image),
            "config": None,
            "found": dict.fromkeys(FOUND),
            "was_run": False,
        }
        known = done.facts.to_json() if done.facts is not None else empty
        console.json(
            {
                **known,
                "ok": not any(_is_error(f.severity) for f in done.findings),
                "findings": report.to_json(done.findings),
            }
        )
    elif done.facts is not None:
        show(done.facts, console)
        if done.findings:
            console.text()
    console.findings(done.findings, to_err=done.facts is None)
    return report.exit_status(done.findings)


def _is_error(severity: Literal["error", "warning", "info"]) -> bool:
    return severity == "error"


def show(facts: ImageFacts, console: Console) -> None:
    """The facts for people."""
    config = facts.config
    size = config.get("size_bytes")
    console.text(f"image: {console.paint(facts.image, 'bold')}")
    console.heading("What it says (configuration)")
    rows: list[tuple[str, object]] = [
        ("id", config.get("id")),
        ("platform", "/".join(str(config[k]) for k in ("os", "architecture") if config.get(k))),
        ("created", config.get("created")),
        ("size", f"{size / 2**30:.2f} GiB in {config.get('layers')} layers" if size else None),
        ("user", config.get("user") or "root (none is set)"),
        ("entry point", " ".join(config.get("entrypoint") or [])),
        ("command", " ".join(config.get("cmd") or [])),
        ("CUDA_VERSION", config.get("cuda_version")),
        ("needs CUDA", config.get("required_cuda")),
    ]
    console.pairs(rows, "  ")
    for title, table in (("Variables", config.get("variables")), ("Labels", config.get("labels"))):
        if table:
            console.heading(title)
            console.pairs(table.items(), "  ")
    console.heading("What was found in it" if facts.was_run else "What follows (it was not run)")
    by = facts.found_by
    framework = f"{facts.framework} {facts.framework_version}" if facts.framework else None
    memory = (
        f"{facts.gpu_memory_mib} MiB each, {facts.gpu_count} GPUs" if facts.gpu_memory_mib else "no GPU was shown"
    )
    found = [("CUDA", facts.cuda, "cuda"), ("Python", facts.python, "python"), ("framework", framework, "framework")]
    rows = [
        (name, f"{value} ({by[key]})" if value and key in by else value or "not found") for name, value, key in found
    ]
    packages = ", ".join(f"{name} {version}" for name, version in facts.packages.items())
    console.pairs([*rows, ("GPU memory", memory if facts.was_run else None), ("packages", packages)], "  ")
