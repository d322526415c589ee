"""Dispatch: find the command, import its module, turn every outcome into an exit status."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from .. import report
from ..errors import Finding, FindingsError, MccError, UsageError, printable
from ..secrecy import without_secrets
from . import COMMANDS
from .console import Console, encodable
from .parsing import Parser, add_common, flag, split_command
from .stopping import ending, stopped_by_signals

PROG = "mcc-registry"
PIPE_CLOSED = 141
USERS_FILES = (
    errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.ENAMETOOLONG, errno.ELOOP, errno.ENOTDIR, errno.EISDIR,
    errno.ENOENT, errno.ENXIO, errno.EFBIG,
)  # fmt: skip
"""What the system says of a file the user named and nobody looked at before; told as a finding, not as our fault."""


def main(arguments: Sequence[str]) -> int:
    """Run one command.

    Returns:
        0 = fine (warnings allowed), 1 = an error finding, 2 = wrong usage; 130 after Ctrl-C, 143 after SIGTERM, 129 after
        SIGHUP.
    """
    words = list(arguments)
    try:
        with stopped_by_signals():
            status = _dispatch(words)
            sys.stdout.flush()
        return status
    except UsageError as error:
        return _usage_error(str(error), words)
    except BrokenPipeError:
        _silence_stdout()
        return PIPE_CLOSED
    except KeyboardInterrupt as stop:
        text, status = ending(stop)
        _note(text)
        return status
    except Exception as error:  # the one place that may catch everything: no traceback reaches a user
        if "--debug" in words:
            import traceback

            traceback.print_exc()
        else:
            what = printable(f"{type(error).__name__}: {error}", 200)
            _note(f"{PROG}: internal error ({what}); use --debug to see where, and report it")
        return 1


def _note(text: str) -> None:
    with contextlib.suppress(OSError, ValueError):
        print(encodable(without_secrets(text), sys.stderr), file=sys.stderr)


def _silence_stdout() -> None:
    """Keep the interpreter from complaining about the closed pipe when it ends."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)


def _usage_error(message: str, words: Sequence[str]) -> int:
    command = next((w for w in words if w in COMMANDS), None)
    place = f"{PROG} {command}" if command else PROG
    _note(f"{place}: {message}\ntry: {place} --help")
    return 2


def _dispatch(words: list[str]) -> int:
    leading, command, rest = split_command(words, COMMANDS)
    if command is None:
        return _no_command(leading)
    module = load_command(command)
    parser = make_parser(command, module)
    if wants_help(parser, rest) or "--help" in leading or "-h" in leading:
        print(encodable(parser.format_help().rstrip("\n"), sys.stdout))
        return 0
    args = parser.parse([*leading, *rest], getattr(module, "POSITIONALS", 0))
    args.parser = parser
    if not hasattr(args, "answers"):
        flag(parser, args.offline, "offline")  # an answer's wrong value is a finding, an option's is wrong usage
    console = Console(args.format)
    try:
        return int(module.run(args, console))
    except FindingsError as error:
        return refused(error, console, getattr(module, "REFUSED", {}))
    except OSError as error:
        if error.errno not in USERS_FILES or error.filename is None or "--debug" in words:
            raise
        return refused(FindingsError([file_finding(error)]), console, getattr(module, "REFUSED", {}))


def file_finding(error: OSError) -> Finding:
    """What the system said about a file or folder the user named, with its place."""
    shown = printable(error.filename, 200)
    reason = error.strerror or type(error).__name__
    hints = {errno.ENOSPC: "make room on the disk, then repeat the command", errno.ENAMETOOLONG: "use a shorter path"}
    message = f"{printable(error.filename)}: {reason[:1].lower()}{reason[1:]}"
    hint = hints.get(error.errno or 0, "check the path and its permissions, then repeat the command")
    return Finding("MCC701", "error", None, message, hint, shown, "user-file")


def _no_command(leading: list[str]) -> int:
    if "--version" in leading:
        from .. import __version__

        print(f"{PROG} {__version__}")
        return 0
    if "-h" in leading or "--help" in leading:
        from .overview import overview

        print(encodable(overview(leading), sys.stdout))
        return 0
    parser = Parser(PROG)
    add_common(parser)
    parser.parse(leading)
    raise UsageError("a command is missing; there are " + ", ".join(COMMANDS))


def wants_help(parser: Parser, words: Sequence[str]) -> bool:
    """Whether help is asked for, even where required arguments are missing."""
    before = list(words[: words.index("--")]) if "--" in words else list(words)
    for index, word in enumerate(before):
        if word in ("-h", "--help"):
            previous = before[index - 1] if index else ""
            action = parser._option_string_actions.get(previous)
            if action is None or action.nargs == 0 or previous.removeprefix("--") in parser.booleans:
                return True
    return False


def load_command(command: str) -> Any:
    """The module of a command."""
    return import_module(f".{command.replace('-', '_')}", __package__)


def make_parser(command: str, module: Any) -> Parser:
    """The parser of a command with its own and the common options."""
    examples = "\n".join(f"  {line}" for line in module.EXAMPLES)
    summary = COMMANDS[command]
    parser = Parser(
        f"{PROG} {command}",
        description=f"{summary[0].upper()}{summary[1:]}.",
        epilog=f"examples:\n{examples}\n\nexit status: 0 fine (warnings allowed), 1 an error, 2 wrong usage",
    )
    module.add_arguments(parser)
    add_common(parser)
    return parser


def refused(error: FindingsError, console: Console, empty: dict[str, Any]) -> int:
    """Show what keeps a command from starting: a broken registry or layer, or an unusable file."""
    if console.wants_json:
        console.json({**empty, "ok": False, "findings": report.to_json(error.findings)})
        return 1
    if error.title:
        console.note("\n".join(report.wrap(without_secrets(error.title), console.width)))
    console.findings(error.findings, to_err=True)
    return 1


__all__ = ["MccError", "load_command", "main", "make_parser", "refused", "wants_help"]
