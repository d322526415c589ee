"""``init-layer``: a commented, valid private layer to start from."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from ..errors import Finding, FindingsError, printable
from .console import Console
from .parsing import Parser

EXAMPLES = ("mcc-registry init-layer my-layer", "mcc-registry validate my-layer")

POSITIONALS = 1

REFUSED: dict[str, Any] = {"files": None}


def add_arguments(parser: Parser) -> None:
    """Where."""
    parser.add_argument("dir", metavar="DIR", help="a new or empty folder")


def run(args: Namespace, console: Console) -> int:
    """Write the layer."""
    from ..validate import LayerExistsError, init_layer

    if not args.dir.strip() or "\0" in args.dir:
        args.parser.error("argument DIR: it is empty")
    try:
        files = [str(path) for path in init_layer(args.dir)]
    except LayerExistsError as error:
        finding = Finding("MCC706", "error", "dir", printable(error, 300), "", "", "layer-exists")
        raise FindingsError([finding]) from None
    if console.wants_json:
        console.json({"ok": True, "files": files, "findings": []})
        return 0
    for file in files:
        console.text(file)
    shown = printable(args.dir, 200)
    console.note(f"use it: mcc-registry resolve --registry-path {shown}; check it: mcc-registry validate {shown}")
    return 0
