"""Renders one chat template the way engines do: sandboxed Jinja with transformers' settings and helpers.

Stands alone on purpose (standard library and Jinja only). ``chat`` calls ``render`` directly for templates this
project ships, and runs this file as a process of its own, under limits of time and memory, for all others: a
template of a private layer, a user or the Hub is a program, and Jinja's sandbox stops neither loops nor huge texts.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

MAX_OUTPUT_CHARS = 8_000_000
MAX_TEMPLATE_CHARS = 512_000
MAX_REFUSAL_CHARS = 2_000
"""What is kept of a template's own words; the largest message shows a tenth of it."""
CHILD_MEMORY_BYTES = 512 * 1024 * 1024
"""Address space of the child process; Python with Jinja needs about 60 MiB of it."""


class TemplateRefused(ValueError):
    """The template refused the conversation, or is no usable template; the text is one line for people."""


def render(template_text: str, variables: Mapping[str, Any]) -> str:
    """The text a template makes of its variables.

    Source: the environment of transformers' ``apply_chat_template`` as described in its chat templating guide
    (immutable sandbox, ``trim_blocks``, ``lstrip_blocks``, loop controls, ``raise_exception``, ``strftime_now``,
    a ``tojson`` that does not escape HTML, the ``generation`` block).

    Raises:
        TemplateRefused: syntax errors, ``raise_exception``, forbidden or failing operations, too much text.
    """
    from jinja2.exceptions import TemplateError, TemplateSyntaxError

    if len(template_text) > MAX_TEMPLATE_CHARS:
        raise TemplateRefused(f"the template has more than {MAX_TEMPLATE_CHARS} characters")
    try:
        environment = _environment()
        _refuse_other_files(environment, template_text)
        parts: list[str] = []
        size = 0
        for part in environment.from_string(template_text).generate(**variables):
            size += len(part)
            if size > MAX_OUTPUT_CHARS:
                raise TemplateRefused(f"the template writes more than {MAX_OUTPUT_CHARS} characters")
            parts.append(part)
        return "".join(parts)
    except TemplateRefused:
        raise
    except TemplateSyntaxError as error:
        raise TemplateRefused(f"the template has a syntax error in line {error.lineno}: {error.message}") from error
    except TemplateError as error:
        raise TemplateRefused(f"the template fails: {error.message}") from error
    except RecursionError as error:
        raise TemplateRefused("the template is nested too deeply") from error
    except MemoryError as error:
        raise TemplateRefused("the template needs too much memory") from error
    except Exception as error:  # a template can raise whatever Python's operators raise
        raise TemplateRefused(f"the template fails: {type(error).__name__}: {error}") from error


def find_syntax_fault(template_text: str) -> tuple[int, str] | None:
    """Line and words of the first thing that is no Jinja; None when the text can be parsed. Nothing is run."""
    from jinja2.exceptions import TemplateSyntaxError

    if len(template_text) > MAX_TEMPLATE_CHARS:
        return 1, f"more than {MAX_TEMPLATE_CHARS} characters"
    try:
        _environment().parse(template_text)
    except TemplateSyntaxError as error:
        return error.lineno, error.message or "it cannot be parsed"
    except RecursionError:
        return 1, "nested too deeply"
    except (ValueError, OverflowError, MemoryError):  # Python reads no number of so many digits
        return _line_of_number(template_text), "a number that is too long"
    return None


def _line_of_number(template_text: str) -> int:
    """The line of the first number longer than Python reads (``sys.get_int_max_str_digits``), or 1."""
    import re

    limit = getattr(sys, "get_int_max_str_digits", lambda: 0)() or 4300
    for hit in re.finditer(r"[0-9][0-9_]+", template_text):
        if len(hit[0].replace("_", "")) > limit:
            return template_text.count("\n", 0, hit.start()) + 1
    return 1


def _environment() -> Any:
    from jinja2.ext import Extension, loopcontrols
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class GenerationBlock(Extension):
        """``{% generation %}`` marks what an assistant said for training; when serving it is just its content."""

        tags = {"generation"}

        def parse(self, parser: Any) -> Any:
            next(parser.stream)
            return parser.parse_statements(("name:endgeneration",), drop_needle=True)

    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[GenerationBlock, loopcontrols]
    )
    environment.filters["tojson"] = _tojson
    environment.globals["raise_exception"] = _raise_exception
    environment.globals["strftime_now"] = _strftime_now
    return environment


def _refuse_other_files(environment: Any, template_text: str) -> None:
    from jinja2 import nodes

    kinds = (nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)
    for node in environment.parse(template_text).find_all(kinds):
        kind = type(node).__name__.lower()
        raise TemplateRefused(f"the template reads another file ({kind}, line {node.lineno}); it must stand alone")


def _raise_exception(message: object) -> None:
    raise TemplateRefused(str(message)[:MAX_REFUSAL_CHARS])


def _strftime_now(pattern: str) -> str:
    from datetime import datetime

    return datetime.now().strftime(pattern)


def _tojson(
    value: Any, ensure_ascii: bool = False, indent: Any = None, separators: Any = None, sort_keys: bool = False
) -> str:
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def render_isolated(template_text: str, variables: Mapping[str, Any], *, budget_s: float) -> str:
    """As ``render``, in a process that is ended after ``budget_s`` seconds and may use 512 MiB.

    Raises:
        TemplateRefused: as ``render``, and when a limit is hit or no process can be started.
    """
    import subprocess

    request = json.dumps(
        {"template": template_text, "variables": dict(variables), "path": sys.path, "cpu_s": int(budget_s) + 1}
    )
    if not sys.executable:
        raise TemplateRefused("this Python cannot start a process to render the template in")
    command = [sys.executable, "-I", "-S", "-X", "utf8", __file__]
    try:
        done = subprocess.run(command, input=request.encode(), capture_output=True, timeout=budget_s, check=False)
        answer = json.loads(done.stdout)
    except subprocess.TimeoutExpired as error:
        raise TemplateRefused(f"the template was not done after {budget_s:g} seconds") from error
    except OSError as error:
        raise TemplateRefused(f"no process could be started to render the template in ({error.strerror})") from error
    except ValueError as error:
        raise TemplateRefused("the template ended its process: it needs too much time or memory") from error
    if "refused" in answer:
        raise TemplateRefused(answer["refused"])
    return str(answer["text"])


def _limit(cpu_s: int) -> None:
    try:
        import resource
    except ImportError:  # Windows: the parent's time limit remains
        return
    wanted = ((resource.RLIMIT_AS, CHILD_MEMORY_BYTES), (resource.RLIMIT_CPU, cpu_s), (resource.RLIMIT_CORE, 0))
    for kind, value in wanted:
        try:
            resource.setrlimit(kind, (value, value))
        except (ValueError, OSError):  # a stricter limit is already set, or the system has none
            continue


def _child(read: Callable[[], bytes]) -> dict[str, str]:
    request = json.loads(read())
    sys.path[:] = request["path"]
    _limit(request["cpu_s"])
    try:
        return {"text": render(request["template"], request["variables"])}
    except TemplateRefused as error:
        return {"refused": str(error)[:MAX_REFUSAL_CHARS]}


if __name__ == "__main__":
    sys.stdout.buffer.write(json.dumps(_child(sys.stdin.buffer.read)).encode())
