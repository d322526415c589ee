"""``refresh``: renew the facts of a checkout's registries from their sources, the difference first."""

from __future__ import annotations

import contextlib
import os
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import report
from ..errors import Finding, UsageError, has_errors, nearest, printable
from ..loading.whole import NOTHING, interrupted_says, sweep
from .console import Console, is_terminal
from .parsing import Parser, flag

if TYPE_CHECKING:
    from ..refresh.common import Change, Outcome
    from ..refresh.files import RegistryFile

TARGETS = ("instances", "images", "models")

EXAMPLES = (
    "mcc-registry refresh instances",
    "mcc-registry refresh images --check",
    "mcc-registry refresh models --yes",
    "AWS_ENDPOINT_URL=http://127.0.0.1:5000 mcc-registry refresh instances --check",
)

POSITIONALS = 1
REFUSED: dict[str, Any] = {"drift": None, "sources": None, "changes": None, "written": []}
STYLES = {
    "added": "good",
    "removed": "error",
    "changed": "warning",
    "unresolved": "warning",
    "kept": "dim",
    "note": "dim",
}


def add_arguments(parser: Parser) -> None:
    """What to renew, and how far to go."""
    parser.add_argument("target", nargs="?", metavar="|".join(TARGETS), help="what to renew (default: all three)")
    parser.add_argument("--root", metavar="DIR", help="the registries to renew (default: those of this checkout)")
    parser.add_boolean("check", "write nothing; exit status 1 when something differs")
    parser.add_boolean("yes", "write without asking")
    parser.add_boolean("allow-removals", "accept a source that lost many rows")


def run(args: Namespace, console: Console) -> int:
    """Compare, show, ask, validate, write."""
    written: list[str] = []
    with interrupted_says(lambda: _became(written)):
        return _run(args, console, written)


def _became(written: list[str]) -> str:
    """What an interrupt leaves: the documents are written as a whole, and the snapshot after them."""
    if not written:
        return NOTHING
    return f"{_files(len(written))} written and validated; repeat the command, which compiles the snapshot if need be"


def _files(count: int) -> str:
    return f"{count} file{'s' if count != 1 else ''}"


def _run(args: Namespace, console: Console, written: list[str]) -> int:
    from ..refresh.common import SourceError
    from ..refresh.files import find_root, read_files

    target = _target(args)
    check, yes = flag(args.parser, args.check, "check"), flag(args.parser, args.yes, "yes")
    if check and yes:
        raise UsageError("--check writes nothing, so --yes has no meaning")
    if args.registry_path:
        raise UsageError("refresh renews one registry folder, not layers; name it with --root DIR")
    outcomes: list[Outcome] = []
    try:
        root = find_root(Path(args.root) if args.root is not None else None)
        files = read_files(root)
        for name in [target] if target else TARGETS:
            outcomes.append(_gather(name, files, args, console))
    except SourceError as error:
        return _end(console, outcomes, [error.finding])
    _show(console, outcomes)
    findings = [finding for outcome in outcomes for finding in outcome.findings]
    changes = [change for outcome in outcomes for change in outcome.changes if change.is_drift]
    if has_errors(findings):
        return _end(console, outcomes, findings)
    if check:
        return _end(console, outcomes, [*findings, *_drift(changes, target)])
    documents = {file: document for outcome in outcomes for file, document in outcome.documents.items()}
    try:
        findings += _write(console, root, files, documents, yes, written)
    except SourceError as error:
        findings.append(error.finding)
    return _end(console, outcomes, findings, written)


def _target(args: Namespace) -> str | None:
    target: str | None = args.target
    if target is not None and target not in TARGETS:
        near = nearest(target, TARGETS)
        wish = f"; did you mean {near}?" if near else ""
        raise UsageError(f"{printable(target)} cannot be renewed: {', '.join(TARGETS)}{wish}")
    return target


def _gather(name: str, files: Mapping[str, RegistryFile], args: Namespace, console: Console) -> Outcome:
    from datetime import date

    today = date.today().isoformat()
    removals = flag(args.parser, args.allow_removals, "allow-removals")
    offline = flag(args.parser, args.offline, "offline")
    if name == "instances":
        from ..refresh.aws import read_ec2, read_service_model
        from ..refresh.instances import refresh_instances

        service = read_service_model()
        ec2, source = None, ""
        if offline:
            console.note("offline: EC2 is not asked, so only names and AMIs are compared")
        else:
            known = [row["type"] for f in files.values() if f.kind == "instance_family" for row in f.data["types"]]
            ec2, source = read_ec2({n.removeprefix("ml.") for n in (*known, *service.types)})
        return refresh_instances(files, service, ec2, source, today=today, allow_removals=removals)
    if name == "images":
        from ..refresh.images import read_tables, refresh_images

        tables, version = read_tables()
        return refresh_images(files, tables, version, today=today, allow_removals=removals)
    from ..refresh.models import check_online, exact_models, fetch_all, refresh_models

    check_online(offline)
    names = [match for _, _, match in exact_models(files)]
    facts = fetch_all(names, progress=_progress(console))
    return refresh_models(files, facts, today=today, allow_removals=removals)


def _progress(console: Console) -> Callable[[int, int], None]:
    """Says how far the look-ups are: one line that grows on a terminal, now and then a line elsewhere."""
    on_terminal = is_terminal(console.err)

    def tell(done: int, total: int) -> None:
        if on_terminal:
            print(
                f"\rasked the Hub about {done} of {total} models", end="" if done < total else "\n", file=console.err
            )
            console.err.flush()
        elif done == total or done % 50 == 0:
            console.note(f"asked the Hub about {done} of {total} models")

    return tell


def _show(console: Console, outcomes: list[Outcome]) -> None:
    """The differences in words, file by file."""
    for outcome in outcomes:
        if has_errors(outcome.findings):
            continue
        for line in report.wrap(f"{outcome.title}: {'; '.join(outcome.sources)}", console.width, "", "  "):
            console.text(console.paint(line, "bold"))
        by_file: dict[str, list[Change]] = {}
        for change in outcome.changes:
            by_file.setdefault(change.file, []).append(change)
        for file, changes in by_file.items():
            console.text(f"  {file}")
            for change in changes:
                for number, line in enumerate(report.wrap(change.words(), console.width, "    ", "      ")):
                    console.text(console.paint(line, STYLES[change.kind]) if number == 0 else line)
        if not any(change.is_drift for change in outcome.changes):
            console.text("  nothing differs")


def _drift(changes: list[Change], target: str | None) -> list[Finding]:
    from ..refresh.common import get_finding

    if not changes:
        return []
    files = sorted({change.file for change in changes})
    what = f"{len(changes)} difference{'s' if len(changes) > 1 else ''} in {_files(len(files))}"
    hint = f"run mcc-registry refresh{' ' + target if target else ''} and read what it would write"
    return [get_finding("refresh-drift", what, hint, source=files[0])]


def _write(
    console: Console,
    root: Path,
    files: Mapping[str, RegistryFile],
    documents: Mapping[str, tuple[str, dict[str, Any]] | None],
    yes: bool,
    written: list[str],
) -> list[Finding]:
    """Write the documents as a whole, then the snapshot; ``written`` grows by what was written.

    Returns:
        What there is to say, or why nothing was written.
    """
    from ..loading.snapshot import SNAPSHOT
    from ..refresh.common import get_finding
    from ..refresh.files import new_texts, staged_faults, write_files

    sweep(root)
    texts = new_texts(files, documents)
    faults = staged_faults(root, texts) if texts else []
    if has_errors(faults):
        count = len(faults)
        message = f"nothing was written: validate finds {count} fault{'s' if count > 1 else ''} in the result"
        return [
            get_finding("refresh-would-break", message, "correct what the faults name, then refresh again"),
            *faults,
        ]
    snapshot = None if texts else _stale_snapshot(root)
    if not texts and snapshot is None:
        return []
    if not yes:
        if console.wants_json or not (is_terminal(sys.stdin) and is_terminal(console.err)):
            what = "" if texts else f"; {SNAPSHOT} is older than its files"
            return [
                get_finding(
                    "refresh-not-confirmed", f"nothing was written: there is nobody to ask{what}", "add --yes"
                )
            ]
        if not _ask(console, len(texts) or 1):
            console.note("nothing was written")
            return []
    if texts:
        with told_what_is_there(written, root, texts):
            write_files(root, files, texts)
        console.note(f"written and validated: {_files(len(texts))} below {root}")
        snapshot = _stale_snapshot(root)
    problems = [] if snapshot is None else _write_snapshot(root / SNAPSHOT, snapshot, written)
    if not problems:
        console.note("next: read git diff, then commit")
    return [*faults, *problems]


@contextlib.contextmanager
def told_what_is_there(written: list[str], root: Path, texts: Mapping[str, str | None]) -> Iterator[None]:
    """Note the files as written when they are on the disk, however the writing ended."""
    from ..refresh.files import are_there

    try:
        yield
    finally:
        if are_there(root, texts):
            written += sorted(texts)


def _stale_snapshot(root: Path) -> bytes | None:
    """The compiled snapshot when the folder has one that is of other bytes; one that cannot be read counts."""
    from ..errors import RegistryError
    from ..loading.files import read_regular
    from ..loading.snapshot import SNAPSHOT, compile_snapshot

    if not os.path.lexists(root / SNAPSHOT):
        return None
    try:
        new = compile_snapshot(root)
    except RegistryError:
        return None  # validate tells the faults, and nothing reads a snapshot of other bytes
    try:
        return None if read_regular(root / SNAPSHOT, None) == new else new
    except OSError:
        return new


def _write_snapshot(path: Path, new: bytes, written: list[str]) -> list[Finding]:
    from ..loading.files import write_whole

    try:
        write_whole(path, new)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        shown = printable(path, 200)
        message = f"the snapshot cannot be written: {reason[:1].lower()}{reason[1:]}"
        done = f"{_files(len(written))} {'was' if len(written) == 1 else 'were'} written; " if written else ""
        hint = f"{done}check the permissions of {shown} and its folder, then repeat the command, which compiles it"
        return [Finding("MCC701", "error", None, message, hint, shown, "user-file")]
    written.append(path.name)
    return []


def _ask(console: Console, count: int) -> bool:
    print(f"write {_files(count)}? [y/N] ", end="", file=console.err)
    console.err.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _end(console: Console, outcomes: list[Outcome], findings: list[Finding], written: list[str] | None = None) -> int:
    if console.wants_json:
        changes = [change for outcome in outcomes for change in outcome.changes]
        console.json(
            {
                "ok": not has_errors(findings),
                "drift": any(change.is_drift for change in changes),
                "sources": [source for outcome in outcomes for source in outcome.sources],
                "changes": [change.to_json() for change in changes],
                "written": written or [],
                "findings": report.to_json(findings),
            }
        )
    else:
        console.findings(findings, to_err=True)
    return report.exit_status(findings)
