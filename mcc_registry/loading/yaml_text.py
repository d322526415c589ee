"""Strict YAML: text to plain data with the line of every node, or faults; never an exception.

What YAML guesses is not guessed here: dates, octals, sexagesimals, ``yes`` and ``on`` are text. Numbers, ``true``,
``false`` and ``null`` are themselves. Anchors, aliases, tags, tabs, duplicate and non-text keys are faults.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from ..errors import Finding, printable
from .faults import get_fault, key_text

MAX_DEPTH = 40
"""Deepest nesting of a registry file; the deepest model needs about ten levels."""
TOO_DEEP = f"more than {MAX_DEPTH} levels deep"
DEPTH_HINT = "registry files need about ten"

MAX_FAULTS = 50
"""Faults reported of one file."""

MAX_NODES = 200_000
"""Most keys, values and list items of one file; the largest shipped file has about 6,000."""

_INT = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))([eE][-+]?[0-9]+)?")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_MAX_NUMBER = 40
_ONE_LINE = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""What no registry text holds: line ends, terminal escapes, characters that turn the reading direction.

Registry texts stand in Dockerfiles, in container.env, in shell comments and on terminals.
"""


class Pos:
    """Where a node of the data stands: file, line, and the positions of its children.

    Attributes:
        children: key or index to position, None for a scalar.
        text: a plain scalar as it is written.
        said: key or index in the file itself, where merging with what is below moved the node; else None.
    """

    __slots__ = ("children", "file", "line", "said", "text")

    def __init__(self, file: str, line: int, children: dict[Any, Pos] | None = None, text: str = "") -> None:
        self.file, self.line, self.children, self.text = file, line, children, text
        self.said: str | int | None = None

    def find(self, path: tuple[str | int, ...]) -> Pos:
        """The position of the deepest existing node on a path."""
        here = self
        for part in path:
            child = (here.children or {}).get(part)
            if child is None:
                break
            here = child
        return here

    def as_said(self, path: tuple[str | int, ...]) -> tuple[str | int, ...]:
        """A path in the data as the path in the file."""
        said, here = list(path), self
        for number, part in enumerate(path):
            child = (here.children or {}).get(part)
            if child is None:
                break
            said[number] = part if child.said is None else child.said
            here = child
        return tuple(said)

    @property
    def source(self) -> str:
        """``PATH:LINE``."""
        return f"{self.file}:{self.line}"


@dataclass(slots=True)
class Parsed:
    """What a text holds.

    Attributes:
        data: plain data; the best that could be read when there are faults.
        pos: positions of the data.
        faults: what is wrong.
        usable: whether the data are complete enough to be judged further.
    """

    data: Any
    pos: Pos
    faults: list[Finding] = field(default_factory=list)
    usable: bool = True


def parse_scalar(text: str) -> str | int | float | bool | None:
    """A plain (unquoted) scalar's value.

    Example:
        >>> [parse_scalar(t) for t in ("7", "0.10", "2026-01-01", "yes", "true", "~", "010", "1:30")]
        [7, 0.1, '2026-01-01', 'yes', True, None, '010', '1:30']
    """
    if text in ("", "~", "null", "Null", "NULL"):
        return None
    if text in ("true", "True", "TRUE"):
        return True
    if text in ("false", "False", "FALSE"):
        return False
    if len(text) <= _MAX_NUMBER and (text[0].isdigit() or text[0] in "-+."):
        if _INT.fullmatch(text):
            return int(text)
        if _FLOAT.fullmatch(text):
            number = float(text)
            return number if abs(number) != float("inf") else text
    return text


class _Stop(Exception):
    """The rest of the file cannot be read."""


class _Builder:
    """Parser events to data and positions."""

    def __init__(self, file: str, one_line: bool, last_line: int) -> None:
        self.file = file
        self.last_line = last_line
        self.one_line = one_line
        self.faults: list[Finding] = []
        self.usable = True
        self.root: Any = None
        self.root_pos = Pos(file, 1)
        self.stack: list[tuple[Any, Pos]] = []
        self.keys: list[Any] = []
        self.path: list[str | int] = []
        self.documents = 0
        self.nodes = 0
        self.anchors: list[tuple[int, str]] = []

    def fault(self, name: str, line: int, text: str, hint: str = "", key: str | None = None, fact: str = "") -> None:
        if len(self.faults) < MAX_FAULTS:
            where = key_text(tuple(self.path)) if key is None else key
            self.faults.append(get_fault(name, text, f"{self.file}:{line}", key=where, hint=hint, fact=fact))

    def stop(self, name: str, line: int, text: str, hint: str = "") -> None:
        self.fault(name, line, text, hint, key="")
        self.usable = False
        raise _Stop

    def take(self, event: Any, kind: str) -> None:
        line = min(event.start_mark.line + 1, self.last_line)  # YAML also counts U+2028, editors do not
        if kind == "DocumentStartEvent":
            self.documents += 1
            if self.documents > 1:
                self.stop("yaml-feature", line, "a second document starts here", "one file holds one document")
        elif kind in ("MappingEndEvent", "SequenceEndEvent"):
            self.stack.pop()
            self.keys.pop()
            if self.path:
                self.path.pop()
        elif kind == "AliasEvent":
            self.anchors.append((line, f"*{event.anchor}"))
            self.usable = False
            self.value(None, line, "", False)
        elif kind in ("ScalarEvent", "MappingStartEvent", "SequenceStartEvent"):
            self.nodes += 1
            if self.nodes > MAX_NODES:
                self.stop("too-large", line, f"more than {MAX_NODES} keys and values", "split the file")
            if event.anchor:
                self.anchors.append((line, f"&{event.anchor}"))
            if event.tag is not None:
                self.fault(
                    "yaml-feature", line, f"the tag {printable(event.tag, 40)} is not allowed", "remove the tag"
                )
            if kind == "ScalarEvent":
                plain = event.style in (None, "") and event.tag is None
                self.value(parse_scalar(event.value) if plain else event.value, line, event.value, plain)
            else:
                if len(self.stack) >= MAX_DEPTH:
                    self.stop("too-large", line, TOO_DEEP, DEPTH_HINT)
                self.open({} if kind == "MappingStartEvent" else [], line)

    def open(self, value: Any, line: int) -> None:
        if self.stack and self.keys[-1] is None and isinstance(self.stack[-1][0], dict):
            self.stop("yaml-feature", line, "a key that is a list or a mapping", "keys are text")
        pos = self.attach(value, line, "")
        pos.children = {}
        self.stack.append((value, pos))
        self.keys.append(None)

    def value(self, value: Any, line: int, text: str, plain: bool) -> None:
        if self.one_line and not text.isprintable() and (found := _ONE_LINE.search(text)):
            name = {"\n": "a line end"}.get(found[0], f"the character U+{ord(found[0]):04X}")
            hint = "write it on one line (a folded text ends with >-)" if found[0] == "\n" else "remove it"
            self.stop("file-not-text", line, f"a text holds {name}", hint)
        if self.stack and isinstance(self.stack[-1][0], dict) and self.keys[-1] is None:
            self.key(value, line, text)
        else:
            self.attach(value, line, text if plain else "")
            if self.path:
                self.path.pop()

    def key(self, value: Any, line: int, text: str) -> None:
        target, pos = self.stack[-1]
        if not isinstance(value, str):
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                self.fault(
                    "version-not-text",
                    line,
                    f"the key {text} is a number",
                    f'quote it: "{text}":',
                    fact=f"unquoted {text} is a number in YAML; keys are text",
                )
            else:
                shown = text or "null"
                self.fault("yaml-feature", line, f"the key {printable(shown)} is not text", f'quote it: "{text}":')
        key = text
        if key in target:
            first = pos.children[key].line if pos.children and key in pos.children else 0
            here = key_text((*self.path, key))
            self.fault(
                "duplicate-key",
                line,
                f"{printable(here, 80)} stands twice, first in line {first}",
                "remove or rename one of the two",
                key=here,
            )
            key = f"\0{line}\0{key}"
        self.keys[-1] = (key, line)

    def attach(self, value: Any, line: int, text: str) -> Pos:
        """Put a value where it belongs; the path then ends at it."""
        if not self.stack:
            self.root, self.root_pos = value, Pos(self.file, line, None, text)
            return self.root_pos
        target, parent = self.stack[-1]
        if isinstance(target, dict):
            key, line = self.keys[-1]
            self.keys[-1] = None
            target[key] = value
        else:
            key = len(target)
            target.append(value)
        pos = Pos(self.file, line, None, text)
        assert parent.children is not None
        parent.children[key] = pos
        self.path.append(key)
        return pos

    def finish(self) -> Parsed:
        if self.anchors:
            line, text = self.anchors[0]
            more = f" ({len(self.anchors)} in this file)" if len(self.anchors) > 1 else ""
            self.fault(
                "yaml-feature",
                line,
                f"anchors and aliases are not allowed: {printable(text, 40)}{more}",
                "write the value out",
                key="",
            )
        if any(f.name == "duplicate-key" for f in self.faults):
            _drop_duplicates(self.root)
        return Parsed(self.root, self.root_pos, self.faults, self.usable)


def _drop_duplicates(data: Any) -> None:
    todo = [data]
    while todo:
        value = todo.pop()
        if isinstance(value, dict):
            for key in [k for k in value if isinstance(k, str) and k.startswith("\0")]:
                del value[key]
            todo.extend(value.values())
        elif isinstance(value, list):
            todo.extend(value)


def _line_of(text: str, index: int) -> int:
    return text.count("\n", 0, index) + 1


def _last_line(text: str) -> int:
    return max(1, text.count("\n") + (not text.endswith("\n")))


def parse_yaml(text: str, file: str, *, one_line: bool = False) -> Parsed:
    """Data, positions and faults of a registry file's text.

    Args:
        text: the whole file.
        file: path to show in faults.
        one_line: whether every text must be one line without control characters, as in registries.
    """
    text = text.removeprefix("\ufeff")
    control = _CONTROL.search(text)
    if control:
        line = _line_of(text, control.start())
        found = f"U+{ord(control[0]):04X}"
        fault = get_fault("file-not-text", f"a control character, {found}", f"{file}:{line}", hint="remove it")
        return Parsed(None, Pos(file, 1), [fault], usable=False)
    tab = text.find("\t")
    if tab >= 0:
        line = _line_of(text, tab)
        hint = "indent with spaces; inside double quotes write \\t"
        return Parsed(
            None, Pos(file, 1), [get_fault("yaml-feature", "a tab", f"{file}:{line}", hint=hint)], usable=False
        )

    import yaml

    loader_type: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    builder = _Builder(file, one_line, _last_line(text))
    try:
        loader = loader_type(text)
        try:
            while True:
                event = loader.get_event()
                if event is None:
                    break
                builder.take(event, type(event).__name__)
        finally:
            loader.dispose()
    except _Stop:
        pass
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = min(mark.line + 1, _last_line(text)) if mark else 1
        what = printable(error.problem or "cannot be read", 80)
        context = f" ({printable(error.context, 60)})" if error.context else ""
        builder.usable = False
        if "nesting depth" in what:  # libyaml 0.2.6 and newer has a limit of its own and meets it before ours
            builder.fault("too-large", line, TOO_DEEP, DEPTH_HINT, "")
        else:
            builder.fault("yaml-syntax", line, f"{what}{context}", "close quotes and brackets, align keys", "")
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        builder.usable = False
        builder.fault("yaml-syntax", 1, printable(error, 80), key="")
    return builder.finish()
