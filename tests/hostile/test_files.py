"""Files and folders a user names: missing, odd, broken or out of reach, each ends in a finding that names it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.invoke import invoke

from .hostilekit import Renderer, bounded

LONG = "x" * 300


def fifo(folder: Path) -> str:
    os.mkfifo(folder / "pipe")
    return str(folder / "pipe")


def loop(folder: Path) -> str:
    (folder / "loop").symlink_to(folder / "loop")
    return str(folder / "loop")


def empty_folder(folder: Path) -> str:
    (folder / "empty").mkdir()
    return str(folder / "empty")


def binary(folder: Path) -> str:
    (folder / "binary").write_bytes(bytes(range(256)))
    return str(folder / "binary")


def huge(folder: Path) -> str:
    with (folder / "huge").open("wb") as file:
        file.truncate(50 * 2**30)
    return str(folder / "huge")


PLACES: dict[str, Callable[[Path], str]] = {
    "nowhere": lambda folder: str(folder / "nowhere"),
    "a long name": lambda folder: str(folder / LONG),
    "a home nobody has": lambda folder: "~no-such-user-here/x",
    "below a file": lambda folder: binary(folder) + "/x",
    "a pipe": fifo,
    "a loop": loop,
    "zeros without end": lambda folder: "/dev/zero",
    "a folder": empty_folder,
    "binary": binary,
    "huge": huge,
}

WORDS: dict[str, tuple[str, ...]] = {
    "answers": ("resolve", "--offline", "--answers", "{}"),
    "chat_template": ("resolve", "--offline", "--chat-template", "{}"),
    "layer": ("resolve", "--offline", "--registry-path", "{}"),
    "old": ("diff", "{}", "registries"),
    "new": ("diff", "registries", "{}"),
    "project": ("outdated", "--project", "{}"),
    "exported": ("export", "--project", "{}", "--deployed", "no", "--inference", "yes", "--by", "me", "--date", "2026-01-31"),
    "validated": ("validate", "{}"),
    "conversation": ("chat-template", "--chat-format", "chatml", "--render", "{}"),
}  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("command", WORDS)
def test_a_named_file_that_is_none_is_a_finding(tmp_path: Path, command: str, place: str) -> None:
    """No traceback, no "internal error", no wait for a pipe nobody writes to; the finding names the path."""
    named = PLACES[place](tmp_path)
    with bounded():
        done = invoke(*(word.format(named) for word in WORDS[command]), "--format", "json")
    assert done.code == 1 and done.json.get("ok", False) is False and done.json["findings"], done.out + done.err
    assert "internal error" not in done.err and "Traceback" not in done.err
    told = " ".join(f"{f['message']} {f['source']}" for f in done.json["findings"])
    assert named[:40] in told or command in told, told


@pytest.mark.parametrize("place", PLACES)
def test_a_layer_cannot_be_written_there(tmp_path: Path, place: str) -> None:
    """``init-layer`` refuses whatever is no new or empty folder, and changes nothing."""
    named = PLACES[place](tmp_path) if place != "a home nobody has" else str(tmp_path / "binary" / "y")
    (tmp_path / "binary").touch()
    before = sorted(p.name for p in tmp_path.iterdir())
    with bounded():
        done = invoke("init-layer", named, "--format", "json")
    if place in ("nowhere", "a folder"):
        assert done.code == 0
        return
    assert done.code == 1 and done.json["findings"][0]["code"] in ("MCC706", "MCC701"), done.out + done.err
    assert sorted(p.name for p in tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("text", "line"),
    [("{% for %}", 1), ("ok\n\n{{ x", 3), ("{% if a %}\n", 1), ("a\n{% endfor %}", 2), ("{{ " + "(" * 3000, 1), ("{% x \x1b %}", 1)],
)  # fmt: skip
def test_a_broken_chat_template_is_refused_with_its_line(tmp_path: Path, text: str, line: int) -> None:
    """The engine would not start with it; the finding says where Jinja stops understanding."""
    path = tmp_path / "own.jinja"
    path.write_text(text)
    done = invoke("resolve", "--offline", "--chat-template", str(path), "--format", "json")
    (found,) = [f for f in done.json["findings"] if f["code"] == "MCC018"]
    assert done.code == 1 and found["source"] == f"{path}:{line}"
    assert f"line {line}:" in found["message"] and found["message"].isprintable()


@pytest.mark.parametrize(
    "place", ["a pipe", "zeros without end", "huge", "a long name", "a home nobody has", "binary"]
)
def test_a_copy_refuses_an_odd_chat_template(render: Renderer, tmp_path: Path, place: str) -> None:
    with bounded():
        text = render.refused(chat_template=PLACES[place](tmp_path))
    assert "MCC018" in text


def test_a_copy_refuses_a_broken_chat_template(render: Renderer, tmp_path: Path) -> None:
    path = tmp_path / "own.jinja"
    path.write_text("fine\n{% for m in messages %}\n{{ m }}\n{% endif %}\n")
    assert re.search(r"line\s+4", render.refused(chat_template=str(path)))


def test_a_policy_names_whom_to_ask(tmp_path: Path) -> None:
    """The contact of a layer's policy stands in the hint of what it forbids."""
    policy = "kind: policy\nreason: budget\ncontact: platform@example.com\nallow:\n  regions:\n    - eu-west-1\n"
    (tmp_path / "policy.yaml").write_text(policy)
    done = invoke(
        "--registry-path", str(tmp_path), "resolve", "--offline", "--region", "us-east-1", "--format", "json"
    )
    (found,) = [f for f in done.json["findings"] if f["code"] == "MCC017"]
    assert found["hint"] == "allowed: eu-west-1; ask platform@example.com"
