"""How a command is stopped: Ctrl-C, and the signals that ask for an end, are one clean ending."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

ENDING = ("SIGTERM", "SIGHUP")
"""Signals that end a command as Ctrl-C does: files are given back, temporary folders and containers removed."""


class Stopped(KeyboardInterrupt):
    """One of ``ENDING`` came; ``number`` says which."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__()


@contextlib.contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Raise ``Stopped`` where the command is when a signal of ``ENDING`` comes; the first one counts, a hang-up often comes twice.

    A signal that is ignored from outside (``nohup``) stays ignored.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    stopped = False

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal stopped
        if not stopped:
            stopped = True
            raise Stopped(number)

    before = {}
    for name in ENDING:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) == signal.SIG_DFL:
            before[number] = signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def ending(stop: KeyboardInterrupt) -> tuple[str, int]:
    """What to say of an interrupt, and the exit status: 128 and the number of its signal."""
    number = stop.number if isinstance(stop, Stopped) else signal.SIGINT
    how = "interrupted" if number == signal.SIGINT else f"stopped by {signal.Signals(number).name}"
    return ": ".join([how, *(str(text) for text in stop.args[:1])]), 128 + number
