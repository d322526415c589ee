"""Rendering hostile answers and reading every rendered file back as its real readers do."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]

SHELLS = ("dash", "bash")

CONFIG_VARIABLES = (
    "PROJECT_NAME", "IMAGE", "AWS_REGION", "SAGEMAKER_ROLE_ARN", "S3_BUCKET", "ENDPOINT_NAME",
    "INSTANCE_TYPE", "MODEL_NAME", "MODEL_DIR",
)  # fmt: skip


class NotBounded(BaseException):
    """What ran used more than its share; nothing may swallow this."""


MIB = 1024 * 1024
MEMORY_MIB = 300
"""What one command or call may need at its peak, on top of what the process has already."""
GUARD_MIB = 2048
"""More address space than this is refused while something hostile runs, so that a regression cannot take the machine."""


@contextlib.contextmanager
def bounded(
    cpu_s: float = 20, wall_s: int = 150, memory_mib: int = MEMORY_MIB, child_mib: int = 600
) -> Iterator[None]:
    """End what runs too long: after CPU seconds of this process (a loop), or much later by the clock (a wait).

    What needed more memory than its share, here or in a process it started, fails when it is done (Linux only).
    """

    def over(number: int, _frame: object) -> None:
        raise NotBounded(f"ended by signal {signal.Signals(number).name}")

    before = [(number, signal.signal(number, over)) for number in (signal.SIGPROF, signal.SIGALRM)]
    signal.setitimer(signal.ITIMER_PROF, cpu_s)
    signal.alarm(wall_s)
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
    at_first, children = memory("VmRSS"), resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    limits = resource.getrlimit(resource.RLIMIT_AS)
    if at_first and limits[0] == resource.RLIM_INFINITY:
        resource.setrlimit(resource.RLIMIT_AS, ((memory("VmSize") + GUARD_MIB) * MIB, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limits)
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.alarm(0)
        for number, handler in before:
            signal.signal(number, handler)
    grown = memory("VmHWM") - at_first
    if grown > memory_mib:
        raise NotBounded(f"needed {grown} MiB, more than {memory_mib}")
    largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    if largest > children and largest // 1024 > child_mib and sys.platform == "linux":
        raise NotBounded(f"a process it started needed {largest // 1024} MiB")


def memory(name: str) -> int:
    """A figure of ``/proc/self/status`` in MiB; 0 where the system has none."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return 0
    found = re.search(rf"^{name}:\s+(\d+) kB", status, re.MULTILINE)
    return int(found[1]) // 1024 if found else 0


def unprivileged() -> list[str]:
    """Words before a command that take root's right to read and write anywhere; empty for other users."""
    if os.geteuid():
        return []
    rights = "-dac_override,-dac_read_search"
    words = ["setpriv", f"--bounding-set={rights}", f"--inh-caps={rights}"]
    if shutil.which("setpriv") is None or subprocess.run([*words, "true"], capture_output=True).returncode:
        pytest.skip("SKIPPED LOUDLY: root may do anything here, and setpriv cannot take that right")
    return words


@dataclass(frozen=True)
class Canary:
    """A path no payload may create."""

    path: Path

    def assert_untouched(self) -> None:
        assert not self.path.exists(), "something that was typed has been executed"

    def payloads(self) -> list[str]:
        """One-line texts that would create the file if any reader of a rendered file ran them."""
        touch = f"touch {self.path}"
        return [
            f"$({touch})", f"`{touch}`", f"'; {touch}; '", f'"; {touch}; "', f"x; {touch} #", f"| {touch}",
            f"&& {touch}", f"${{x:=$({touch})}}", f"'$({touch})'", f"\\$({touch})", f"\\'; {touch}; \\'",
            "{{ ''.__class__.__mro__[1].__subclasses__() }}", f"{{{{ cycler.__init__.__globals__.os.popen('{touch}').read() }}}}",
            f"!!python/object/apply:os.system ['{touch}']", f"eval({touch!r})", f"__import__('os').system({touch!r})",
        ]  # fmt: skip


PLAIN_VALUES = (
    "{{ 7*7 }}", "{% raw %}", "{% endraw %}", "{# x #}", "{{", "}}", "{%", "{{ mcc_lock() }}", "{% include '/etc/passwd' %}",
    '"; rm -rf /', "'", '"', "\\", "\\\\", "#", "# comment", "a=b", "=", " lead", "trail ", "  both  ", " ", "🎤 ünï ✓",
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "[click](javascript:alert(1))", "![x](http://e.example/x.png)",
    "http://e.example", "www.e.example", "a@e.example", "</code></td>", "a|b", "`code`", "``", "&amp;", "&lt;b&gt;",
    "$HOME", "${HOME}", "$$", "%s", "%(x)s", "!x", "!!", "~", "*", "*alias", "&anchor", "!tag", "- item", "? key", ": x", "a: b",
    "a: b # c", "{a: 1}", "[1, 2]", "|", ">", "@x", "%TAG", "---", "...", "null", "true", "True", "no", "1e5", "0x10", "010",
    "-1", "--", "-e", "--help", "1:30", "2026-01-01", "\\n", "\\u0041", "\\x1b[31m", "раураl", "ａｂｃ", "a\u00a0b", "\u200b",
    "\u200d", "e\u0301", "\ufeffx", "\u202egpj.exe", "x" * 1024, "é" * 512, "COPY . /", "RUN x", "FROM scratch", "# syntax=x",
    "# escape=`", "]]>", "';--", "{}", "[]", "()", "\N{FULLWIDTH DOLLAR SIGN}(id)", "\N{MODIFIER LETTER APOSTROPHE}",
)  # fmt: skip
"""Values of one's own variables that must arrive as they are, in every file."""

UNWRITABLE = (
    "a\nb", "a\r\nb", "\n", "a\rb", "\x00", "a\x00b", "\x1b[31mred", "\x07", "\x7f", "\x85", "\u2028", "\u2029", "\ud800", "\x9b31m",
    "x" * 1025, "x" * 100_000, "\t", "a\x0bRUN id", "\x0c",
)  # fmt: skip
"""Values ``container.env`` cannot hold: they end in a finding."""


class Renderer:
    """Renders the template in this process, each time into a folder of its own."""

    def __init__(self, source: Path, base: Path) -> None:
        self.source, self.base, self.count = source, base, 0

    def folder(self) -> Path:
        self.count += 1
        return self.base / f"{self.count}" / "project"

    def __call__(self, folder: Path | None = None, **answers: Any) -> tuple[Path, str | None]:
        """The project folder, and the text of the refusal or None; a refusal has written nothing."""
        made, refusal = self.anywhere(folder or self.folder(), **answers)
        assert refusal is None or not made.exists(), "refused, and yet something was written"
        return made, refusal

    def anywhere(self, folder: Path, *, overwrite: bool = False, **answers: Any) -> tuple[Path, str | None]:
        """Render into a folder that may hold something.

        Any exception but Copier's own message error comes through: it would be a traceback for the user.
        """
        import copier
        from copier.errors import UserMessageError

        answers.setdefault("offline", True)
        quiet = io.StringIO()
        with warnings.catch_warnings(), contextlib.redirect_stderr(quiet), contextlib.redirect_stdout(quiet):
            warnings.simplefilter("ignore")
            try:
                copier.run_copy(
                    str(self.source),
                    str(folder),
                    data=answers,
                    unsafe=True,
                    defaults=True,
                    overwrite=overwrite,
                    quiet=True,
                    vcs_ref="HEAD",
                )
            except UserMessageError as error:
                return folder, str(error)
        return folder, None

    def accepted(self, **answers: Any) -> Path:
        folder, refusal = self(**answers)
        assert refusal is None, refusal
        return folder

    def refused(self, **answers: Any) -> str:
        _, refusal = self(**answers)
        assert refusal is not None, f"accepted: {answers}"
        assert_clean_report(refusal)
        return refusal


def assert_clean_report(text: str) -> None:
    """A report has a code, no traceback, and nothing a terminal would act upon."""
    assert re.search(r"MCC\d{3}", text), text
    assert "Traceback" not in text
    bad = [c for c in text if not c.isprintable() and c != "\n"]
    assert not bad, f"unprintable characters {bad!r} in a report"


def container_env(folder: Path) -> dict[str, str]:
    """``container.env`` as ``docker run --env-file`` and ``do/deploy`` read it: no quoting, split at the first ``=``."""
    lines = (folder / "container.env").read_bytes().decode("utf-8").split("\n")
    pairs = [line.partition("=") for line in lines if line and not line.startswith("#")]
    assert all(sep for _, sep, _ in pairs), "a line of container.env is no NAME=VALUE"
    names = [name for name, _, _ in pairs]
    assert len(names) == len(set(names))
    return {name: value for name, _, value in pairs}


def lock(folder: Path) -> dict[str, Any]:
    return yaml.safe_load((folder / "mcc.lock.yaml").read_text(encoding="utf-8"))


def answers_file(folder: Path) -> dict[str, Any]:
    return yaml.safe_load((folder / ".copier-answers.yml").read_text(encoding="utf-8"))


def sourced(folder: Path, shell: str, names: tuple[str, ...] = CONFIG_VARIABLES) -> dict[str, str]:
    """What a shell has in its variables after sourcing ``do/config``."""
    script = ". ./do/config; " + " ".join(f"printf '%s\\0' \"${{{n}}}\";" for n in names)
    done = subprocess.run(
        [shell, "-euc", script], cwd=folder, capture_output=True, env={"PATH": os.environ["PATH"]}, timeout=20
    )
    assert done.returncode == 0 and not done.stderr, done.stderr
    return dict(zip(names, done.stdout.decode().split("\0"), strict=False))


def instructions(folder: Path) -> list[str]:
    """The Dockerfile's instructions, continuation lines joined, as BuildKit splits them."""
    text = (folder / "Dockerfile").read_text(encoding="utf-8")
    assert not re.match(r"#\s*(syntax|escape|check)\s*=", text), "a parser directive"
    lines = [line for line in text.split("\n") if line.strip() and not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n", " ", "\n".join(lines))
    return joined.split("\n")


def instruction_words(folder: Path) -> list[str]:
    return [line.split()[0] for line in instructions(folder)]


class _Html(HTMLParser):
    """The tags and link targets of HTML."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.links: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src") or name.startswith("on")]

    def handle_data(self, data: str) -> None:
        self.text.append(data)


SAFE_TAGS = {
    "h1", "h2", "p", "pre", "code", "table", "thead", "tbody", "tr", "th", "td", "ul", "ol", "li", "strong", "br", "em",
}  # fmt: skip


def readme(folder: Path) -> _Html:
    """The README as HTML, with raw HTML let through as Markdown does, tables and automatic links on."""
    from markdown_it import MarkdownIt

    html = MarkdownIt("commonmark", {"html": True}).enable("table").render((folder / "README.md").read_text("utf-8"))
    parsed = _Html()
    parsed.feed(html)
    return parsed


def assert_readable(folder: Path) -> None:
    """Every rendered file parses, and the README holds no tag or link that the template did not write."""
    for path in folder.rglob("*"):
        if not path.is_file():
            continue
        text = path.read_bytes().decode("utf-8")
        assert "\x1b" not in text and "\0" not in text, path
        if path.suffix == ".json":
            json.loads(text)
        elif path.suffix in (".yaml", ".yml"):
            yaml.safe_load(text)
        elif path.suffix == ".py" or (path.name == "serve" and "python" in text.split("\n")[0]):
            compile(text, str(path), "exec")
    for script in (folder / "do").iterdir():
        assert subprocess.run(["sh", "-n", str(script)], capture_output=True, timeout=20).returncode == 0, script
    page = readme(folder)
    assert set(page.tags) <= SAFE_TAGS, set(page.tags) - SAFE_TAGS
    assert page.links == []
