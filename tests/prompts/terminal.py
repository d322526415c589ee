"""Answering Copier's prompts in a real pseudo-terminal, as a person at a keyboard does."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pexpect
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]|\r")
PROMPT = "🎤 "
POINTER = "»"
DOWN = "\x1b[B"
CLEAR_LINE = "\x15"
INTERRUPT = "\x03"
PATIENCE = 60.0
"""Seconds to wait for something to be shown, on a busy machine."""

HELPS: dict[str, str] = {
    name: question["help"]
    for name, question in yaml.safe_load((ROOT / "copier.yml").read_text(encoding="utf-8")).items()
    if isinstance(question, dict) and "help" in question
}
"""Question to the text its prompt shows."""


class Terminal:
    """One `copier copy` at a terminal; `seen` is what it showed since the last key, without colours."""

    def __init__(self, folder: Path, *words: str, **data: Any) -> None:
        data.setdefault("offline", "true")
        pairs = [word for name, value in data.items() for word in ("--data", f"{name}={value}")]
        command = ["copy", "--trust", "--vcs-ref", "HEAD", *words, *pairs, str(ROOT), str(folder)]
        self.start(folder, command, folder.parent)

    def start(self, folder: Path, words: list[str], current: Path) -> None:
        """Start Copier with some words in a folder; `folder` is the project."""
        env = {k: v for k, v in os.environ.items() if k not in ("REGISTRY_PATH", "PYTHONPATH")}
        self.folder = folder
        self.seen = ""
        self.all = ""
        self.current = ""
        self.is_over = False
        self.child = pexpect.spawn(
            sys.executable,
            ["-W", "ignore", "-m", "copier", *words],
            encoding="utf-8",
            dimensions=(80, 400),
            # The library behind the prompts asks the terminal where its cursor is, and waits a second for an answer.
            env={**env, "TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1"},
            cwd=str(current),
        )

    # ---------------------------------------------------------------- reading

    def _read(self, seconds: float) -> bool:
        """Take in what is shown within some seconds; False when nothing was."""
        try:
            text = ESCAPES.sub("", self.child.read_nonblocking(65536, timeout=seconds))
        except pexpect.TIMEOUT:
            return False
        except pexpect.EOF:
            self.is_over = True
            return False
        self.seen += text
        self.all += text
        return True

    def _wait(self, is_there: Callable[[], bool], what: str) -> None:
        until = time.monotonic() + PATIENCE
        while not is_there():
            if self.is_over or time.monotonic() > until:
                pytest.fail(f"{what} was never shown; since the last key the screen said:\n{self.seen}")
            self._read(0.2)
        while self._read(0.3):
            pass

    def asked(self) -> str:
        """The question whose prompt was drawn last, "" when there is none."""
        last = self.seen.rpartition(PROMPT)[2] if PROMPT in self.seen else ""
        return max((n for n, h in HELPS.items() if h and last.startswith(h)), key=lambda n: len(HELPS[n]), default="")

    def wait_for(self, name: str) -> str:
        """Wait until a question is asked and its prompt is complete; what was shown since the last key."""
        self._wait(lambda: self.asked() == name, f"the question {name}")
        self.current = name
        return self.seen

    def wait_for_text(self, text: str) -> str:
        """Wait until a text is shown, wherever; what was shown since the last key."""
        self._wait(lambda: text in self.seen, repr(text))
        return self.seen

    # ---------------------------------------------------------------- typing

    def press(self, keys: str) -> None:
        """Send keys as they are."""
        self.seen = ""
        self.child.send(keys)

    def type(self, value: str) -> None:
        """Type into the prompt that is open, in place of what stands there, and press Enter."""
        self.press(CLEAR_LINE + value + "\r")

    def skip_to(self, name: str) -> str:
        """Press Enter, the default, at every question before one; what its prompt shows."""
        for _ in range(len(HELPS) + 1):
            if self.asked() == name:
                return self.wait_for(name)
            if self.asked() == self.current != "":
                self.press("\r")
            self._wait(lambda: self.asked() not in ("", self.current), f"a question after {self.current!r}")
            self.current = self.asked()
        pytest.fail(f"{name} was never asked")

    def choose(self, label: str) -> None:
        """Choose from the list that is open, by the beginning of a label; disabled ones cannot be reached."""
        enabled = [text for text in self.listed() if not text.startswith("-")]
        position = next((n for n, text in enumerate(enabled) if text.lstrip(f"{POINTER} ").startswith(label)), None)
        if position is None:
            pytest.fail(f"no choice begins with {label!r}: {self.listed()}")
        start = next(n for n, text in enumerate(enabled) if text.startswith(POINTER))
        for _ in range(position - start):
            self.child.send(DOWN)
            time.sleep(0.05)
        self.press("\r")

    def listed(self) -> list[str]:
        """The lines of the list that is open: `» label` where the pointer is, `- label (reason)` where disabled."""
        lines = self.seen.rpartition("(Use arrow keys)")[2].splitlines()
        return [line.strip() for line in lines if line.strip()]

    # ---------------------------------------------------------------- the end

    def end(self, *, press_enter: bool = False) -> int:
        """Wait for the end, pressing Enter at every further question if asked to; the exit status."""
        while press_enter and not self.is_over:
            if self.asked() == self.current != "":
                self.press("\r")
            self._wait(
                lambda: self.asked() not in ("", self.current) or self.is_over, f"the end after {self.current!r}"
            )
            self.current = self.asked()
        self._wait(lambda: self.is_over, "the end")
        self.child.close()
        status = self.child.exitstatus
        return int(status if status is not None else 128 + self.child.signalstatus)
