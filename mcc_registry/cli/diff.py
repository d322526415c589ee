"""``diff``: two locks, two registries or two versions of the template, in words."""

from __future__ import annotations

import tempfile
from argparse import Namespace
from pathlib import Path
from typing import Any

from ..errors import printable
from .console import Console
from .parsing import Parser
from .sides import open_side, refusal

EXAMPLES = (
    "mcc-registry diff old/mcc.lock.yaml new/mcc.lock.yaml",
    "mcc-registry diff v0.1.0 v0.2.0",
    "mcc-registry diff ../template@v0.1.0 registries --format json",
)

POSITIONALS = 2

REFUSED: dict[str, Any] = {"kind": None, "changes": None, "action": None}

MAX_LINES = 200
"""Most changes of registries told to people; JSON has all."""

WORDS = {
    "nothing": "nothing to do: what runs stays as it is",
    "redeploy": "deploy again (do/deploy); nothing to build",
    "rebuild": "build and deploy again (do/build, do/push, do/deploy)",
}

MAY_REFUSE = (
    "an update may be refused where a project pins what is no longer there or allowed: "
    "`mcc-registry outdated --project DIR` of the newer version tells"
)


def add_arguments(parser: Parser) -> None:
    """The two sides."""
    words = "lock file, project, registry folder, template checkout, or a git reference (TAG, FOLDER@TAG)"
    parser.add_argument("old", metavar="OLD", help=words)
    parser.add_argument("new", metavar="NEW", help="the same, newer")


def run(args: Namespace, console: Console) -> int:
    """Compare and show."""
    for text, name in ((args.old, "OLD"), (args.new, "NEW")):
        if not text.strip() or "\0" in text:
            args.parser.error(f"argument {name}: it is empty")
    with tempfile.TemporaryDirectory(prefix="mcc-diff-") as scratch:
        old = open_side(args.old, Path(scratch) / "old")
        new = open_side(args.new, Path(scratch) / "new")
        if old.kind != new.kind:
            raise refusal(args.new, f"is a {new.kind} and {args.old} is a {old.kind}")
        from ..lock.compare import action_of, compare_locks

        if old.lock is not None and new.lock is not None:
            changes = compare_locks(old.lock, new.lock)
        else:
            from ..lock.registries import compare_registries

            assert old.folder is not None and new.folder is not None
            changes = compare_registries(old.folder, new.folder)
    action = action_of(changes)
    if console.wants_json:
        told = [change.to_json() for change in changes]
        console.json({"ok": True, "kind": old.kind, "changes": told, "action": action, "findings": []})
        return 0
    show_changes(changes, console)
    if not changes:
        console.text("no difference")
        return 0
    console.text()
    most = "a project that uses or follows what changed may have to " if old.kind == "registry" else ""
    console.text(f"{most}{WORDS[action]}" if action != "nothing" or not most else WORDS[action])
    if any(change.may_refuse for change in changes):
        console.text(MAY_REFUSE)
    return 0


def show_changes(changes: list[Any], console: Console) -> None:
    """Changes for people, one a line."""
    from ..lock.compare import fact_text
    from ..lock.registries import pair_text

    def tell(line: str) -> None:
        for part in line.split("\n"):  # locks and layers are files anybody may have edited
            console.text(printable(part, 4000))

    for change in changes[:MAX_LINES]:
        if change.note in ("new", "removed", "changed"):
            tell(f"{change.what}: {change.note}")
            continue
        if change.old is None and change.new is None:
            tell(f"{change.what}: {change.note}")
            continue
        tell(f"{change.what}: {pair_text(change.old, change.new)}")
        for line in change.note.splitlines():
            tell(f"    {line}")
        if change.keep:
            tell(f"    to keep the old one: {change.keep}")
        if change.fact and change.fact not in change.what:
            tell(f"    {fact_text(change.fact)}")
    if len(changes) > MAX_LINES:
        console.text(f"and {len(changes) - MAX_LINES} more; --format json has all")
