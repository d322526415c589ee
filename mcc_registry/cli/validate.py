"""``validate``: registry files, every fault with file and line."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

from .. import report
from ..errors import has_errors
from .console import Console
from .parsing import Parser

EXAMPLES = (
    "mcc-registry validate",
    "mcc-registry validate my-layer",
    "mcc-registry validate --changed --format json",
)

POSITIONALS = 9

REFUSED: dict[str, Any] = {"ok": False}


def add_arguments(parser: Parser) -> None:
    """Which files."""
    parser.add_argument(
        "paths",
        nargs="*",
        metavar="PATH",
        help="registry, layer or files; none = the shipped registries and layers, with --changed those of this repository",
    )
    parser.add_argument("--changed", action="store_true", help="only what differs from the commit this branch left")


def run(args: Namespace, console: Console) -> int:
    """Validate and show the faults."""
    from ..validate import changed_registries, validate

    for path in args.paths:
        if not path.strip() or "\0" in path:
            args.parser.error("argument PATH: it is empty")
    paths: list[Any] = list(args.paths)
    if args.changed and not paths:
        paths = [*changed_registries(Path.cwd())]
        if not paths:
            if console.wants_json:
                console.json({"ok": True, "findings": []})
            else:
                console.text("ok: no registry file differs from the commit this branch left")
            return 0
    findings = validate(paths, args.changed, registry_path=list(args.registry_path) or None)
    if console.wants_json:
        console.json({"ok": not has_errors(findings), "findings": report.to_json(findings)})
    elif findings:
        console.findings(findings)
        console.note(report.count_words(findings))
    elif args.changed:
        console.text(f"ok: no faults in what differs in {', '.join(map(str, paths))}")
    else:
        console.text("ok: no faults")
    return report.exit_status(findings)
