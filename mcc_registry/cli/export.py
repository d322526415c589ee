"""``export``: a registry row from a working project and the facts of a test, ready for a contribution."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

from .. import report
from ..answers import parse_boolean
from ..errors import has_errors, listing, printable
from ..loading.files import expanded
from ..loading.whole import NOTHING, interrupted_says
from .console import Console
from .parsing import Parser
from .registries import load_registry

EXAMPLES = (
    "mcc-registry export --project my-project",
    "mcc-registry export --instance-type ml.g6.xlarge --deployed yes \\",
    "    --inference yes --by your-github-name --date 2026-01-31",
    "mcc-registry export --project my-project --instance-type ml.g5.xlarge \\",
    "    --deployed no --inference yes --by your-github-name \\",
    "    --date 2026-01-31 --write registries",
)

WHICH = ("both", "release", "model")

REFUSED: dict[str, Any] = {"level": None, "rows": None, "written": None}


def add_arguments(parser: Parser) -> None:
    """Which project, and how the test went."""
    parser.add_argument("--project", default=".", metavar="DIR", help="the project (default: this folder)")
    parser.add_argument("--instance-type", metavar="TYPE", help="what it was tried on")
    parser.add_argument("--deployed", metavar="yes|no", help="the endpoint came into service")
    parser.add_argument("--inference", metavar="yes|no", help="it answered rightly; without an endpoint: do/test did")
    parser.add_argument("--by", metavar="NAME", help="who tried it; the name will be public")
    parser.add_argument("--date", metavar="YYYY-MM-DD", help="when")
    parser.add_argument("--notes", metavar="TEXT", help="what else is worth knowing, in one sentence")
    parser.add_argument("--image-digest", metavar="DIGEST", help="sha256:... of the image that was pushed or run")
    parser.add_argument("--link", metavar="URL", help="a public report of the test")
    parser.add_argument(
        "--row", choices=WHICH, default="both", help="which rows (default: the release's and the model's)"
    )
    parser.add_argument("--write", metavar="DIR", help="write into this registry or layer instead of printing")


def run(args: Namespace, console: Console) -> int:
    """Export and show, or write."""
    written: list[Path] = []
    with interrupted_says(lambda: f"written: {listing([str(path) for path in written])}" if written else NOTHING):
        return _run(args, console, written)


def _run(args: Namespace, console: Console, written: list[Path]) -> int:
    from datetime import datetime, timezone

    from ..export import load_and_export, write_rows

    raw: dict[str, Any] = {
        name: getattr(args, name) for name in ("instance_type", "by", "date", "notes", "image_digest", "link")
    }
    for name in ("deployed", "inference"):
        text = getattr(args, name)
        raw[name] = None if text is None else parse_boolean(text)
        if text is not None and raw[name] is None:
            args.parser.error(f"argument --{name}: {printable(text)} is neither yes nor no")
    for name in ("project", "write"):
        text = getattr(args, name)
        if text is not None and (not text.strip() or "\0" in text):
            args.parser.error(f"argument --{name}: it is empty")
    registry = load_registry(args.registry_path)
    layers = [Path(layer.path) for layer in registry.layers[1:]]
    now = datetime.now(timezone.utc).date().isoformat()
    done = load_and_export(expanded(args.project), raw, registry, now, which=args.row, layers=layers)
    findings = list(done.findings)
    if args.write is not None and done.rows:
        target = expanded(args.write)
        below = [layer for layer in layers if layer.resolve() != target.resolve()]
        paths, problems = write_rows([change for change, _ in done.rows], target, below)
        written += paths
        findings += problems
    if console.wants_json:
        rows = [
            {
                "file": change.file,
                "collection": change.collection,
                "key": change.name,
                "action": action(change.is_new, text),
                "row": change.row,
                "yaml": text,
            }
            for change, text in done.rows
        ]
        console.json(
            {
                "ok": not has_errors(findings),
                "level": done.level,
                "rows": rows,
                "written": [str(path) for path in written],
                "findings": report.to_json(findings),
            }
        )
        return report.exit_status(findings)
    if written:
        for path in written:
            console.text(str(path))
    elif args.write is None:
        for number, (change, text) in enumerate(done.rows):
            if number:
                console.text("---")
            what = action(change.is_new, text)
            console.text(
                f"# registries/{change.file}: {HOW[what].format(key=change.name, collection=change.collection)}"
            )
            console.text(text.rstrip("\n"))
    console.findings(findings, to_err=True)
    is_news = not any(f.name == "nothing-to-export" for f in findings)
    if done.rows and is_news and args.write is None and not has_errors(findings):
        console.note("paste it, or repeat the command with --write registries; then: mcc-registry validate")
    return report.exit_status(findings)


HOW = {
    "replace": 'this row replaces "{key}" below {collection}',
    "add": 'add this row "{key}" to {collection}',
    "new file": "a new file",
}


def action(is_new: bool, text: str) -> str:
    """What is to be done with a row: replace, add, or make a new file."""
    if "\nkind: " in f"\n{text}":
        return "new file"
    return "add" if is_new else "replace"
