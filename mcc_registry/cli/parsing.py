"""Parsing arguments: errors are raised, never exited; unknown options name the nearest one; booleans by one rule."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NoReturn

from ..answers import parse_boolean
from ..errors import UsageError, nearest, printable

VERSION = re.compile(r"[0-9]{1,4}\.[0-9]{1,4}(\.[0-9]{1,6})?", re.ASCII)
FORMATS = ("table", "json")


class Parser(argparse.ArgumentParser):
    """An ``ArgumentParser`` that raises ``UsageError`` and knows its boolean options."""

    def __init__(self, prog: str, **options: Any) -> None:
        self.booleans: set[str] = set()
        super().__init__(
            prog=prog,
            add_help=False,
            allow_abbrev=False,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            **options,
        )

    def error(self, message: str) -> NoReturn:
        """Raise instead of exiting."""
        raise UsageError(printable(message, 400))

    def add_boolean(self, name: str, text: str, *, group: Any = None, default: str | None = None) -> None:
        """An option that means yes alone, takes ``=true`` or ``=false``, and has a ``--no-`` form."""
        self.booleans.add(name)
        target = self if group is None else group
        target.add_argument(f"--{name}", metavar="true|false", default=default, help=text)

    def parse(self, arguments: Sequence[str], positionals: int = 0) -> argparse.Namespace:
        """The arguments as a namespace.

        Args:
            arguments: the words after the command.
            positionals: how many words without a dash the command takes; a boolean option followed by one that is
                neither yes nor no takes it as its value only when the command has none.

        Raises:
            UsageError: wrong usage.
        """
        words = self._spell_out(arguments, positionals)
        known, rest = self.parse_known_args(words)
        if rest:
            if rest[0].startswith("-"):
                self._unknown(rest[0])
            self.error(f"{printable(rest[0])} is one argument too many")
        return known

    def _unknown(self, word: str) -> NoReturn:
        name = word.split("=")[0]
        options = [o for o in self._option_string_actions if o.startswith("--")]
        near = nearest(name, [*options, *(f"--no-{b}" for b in self.booleans)])
        wish = f"; did you mean {near}?" if near else ""
        self.error(f"there is no option {printable(name)}{wish}")

    def _spell_out(self, arguments: Sequence[str], positionals: int) -> list[str]:
        words: list[str] = []
        queue = list(arguments)
        while queue:
            word = queue.pop(0)
            if word == "--":
                return [*words, word, *queue]
            name, has_value, value = word.removeprefix("--").partition("=")
            if not word.startswith("--"):
                words.append(word)
            elif name.startswith("no-") and name[3:] in self.booleans:
                if has_value:
                    self.error(f"--{name} takes no value; write --{name[3:]}={printable(value)}")
                words.append(f"--{name[3:]}=false")
            elif name in self.booleans and not has_value:
                follows = queue[0] if queue else ""
                is_value = bool(follows) and not follows.startswith("-")
                if is_value and (positionals == 0 or parse_boolean(follows) is not None):
                    words.append(f"--{name}={queue.pop(0)}")
                else:
                    words.append(f"--{name}=true")
            else:
                if f"--{name}" not in self._option_string_actions:
                    self._unknown(word)
                words.append(word)
                if not has_value and queue and self._takes_value(word):
                    words.append(queue.pop(0))
        return words

    def _takes_value(self, word: str) -> bool:
        action = self._option_string_actions.get(word)
        return action is not None and action.nargs is None


def add_common(parser: Parser) -> None:
    """The options every command has."""
    group = parser.add_argument_group("common options")
    group.add_argument("-h", "--help", action="store_true", help="show this help")
    words = "table for people (default), json for programs"
    group.add_argument("--format", choices=FORMATS, default="table", help=words)
    group.add_argument(
        "--registry-path", action="append", default=[], metavar="DIR", help="a layer over the registries; repeatable"
    )
    if "offline" not in parser.booleans:
        parser.add_boolean("offline", "no network at all", group=group)
    group.add_argument("--debug", action="store_true", help="show a traceback of an internal error")


def flag(parser: Parser, value: str | None, name: str) -> bool:
    """A boolean option of a command whose options are no answers.

    Raises:
        UsageError: the value is neither yes nor no.
    """
    if value is None:
        return False
    parsed = parse_boolean(value)
    if parsed is None:
        parser.error(f"argument --{name}: {printable(value)} is neither true nor false")
    return parsed


def number_text(text: str) -> str:
    """``X.Y`` as text, for CUDA, Neuron and compute-capability numbers."""
    if not VERSION.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{printable(text)} is not a number of the form X.Y")
    return text


def positive(text: str) -> int:
    """A whole number of at least 1."""
    if not re.fullmatch(r"[0-9]{1,12}", text, re.ASCII) or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{printable(text)} is not a whole number of at least 1")
    return int(text)


def real(low: float, high: float, words: str) -> Callable[[str], float]:
    """A checker for a number above ``low`` and up to ``high``."""

    def check(text: str) -> float:
        try:
            number = float(text) if re.fullmatch(r"[0-9.eE+\-]{1,30}", text, re.ASCII) else None
        except ValueError:
            number = None
        if number is None or not low < number <= high:
            raise argparse.ArgumentTypeError(f"{printable(text)} is not {words}")
        return number

    return check


def split_command(arguments: Sequence[str], commands: Iterable[str]) -> tuple[list[str], str | None, list[str]]:
    """Options before the command, the command, and what follows it.

    Raises:
        UsageError: the first word is no command.
    """
    leading: list[str] = []
    queue = list(arguments)
    while queue:
        word = queue.pop(0)
        if not word.startswith("-") or word == "-":
            known = list(commands)
            if word not in known:
                near = nearest(word, known)
                wish = f"; did you mean {near}?" if near else ""
                raise UsageError(f"there is no command {printable(word)}{wish}")
            return leading, word, queue
        leading.append(word)
        if word in ("--registry-path", "--format") and queue:
            leading.append(queue.pop(0))
    return leading, None, []
