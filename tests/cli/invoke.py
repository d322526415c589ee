"""Running the command line in this process, with streams of its own and no network."""

from __future__ import annotations

import io
import json
import os
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from mcc_registry.__main__ import main


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def codes(self) -> list[str]:
        return [f["code"] for f in self.json["findings"]]


class Stream(io.TextIOWrapper):
    """A text stream over bytes, as stdout is."""

    def __init__(self, data: bytes = b"", is_terminal: bool = False) -> None:
        self.is_terminal = is_terminal
        super().__init__(io.BytesIO(data), encoding="utf-8", newline="\n", write_through=True)

    def isatty(self) -> bool:
        return self.is_terminal

    def text(self) -> str:
        self.flush()
        return self.buffer.getvalue().decode("utf-8")  # type: ignore[attr-defined]


def invoke(
    *arguments: str, stdin: bytes = b"", env: dict[str, str] | None = None, is_terminal: bool = False
) -> Result:
    environment = {k: v for k, v in os.environ.items() if k not in ("REGISTRY_PATH", "COLUMNS", "NO_COLOR")}
    environment |= {"HF_HUB_OFFLINE": "1", **(env or {})}
    out, err = Stream(is_terminal=is_terminal), Stream(is_terminal=is_terminal)
    with (
        patch.dict(os.environ, environment, clear=True),
        patch("sys.stdin", Stream(stdin)),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        code = main(list(arguments))
    return Result(code, out.text(), err.text())
