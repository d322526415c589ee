"""What a Jinja environment of Copier's is given: our functions and filters, strictness, and compiled code of earlier copies."""

from __future__ import annotations

import atexit
import functools
import gc
import hashlib
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from jinja2 import Environment, StrictUndefined, pass_context

from . import filemode, filters, session

FUNCTIONS = (
    "default",
    "choices",
    "validate",
    "ask",
    "project",
    "answers",
    "summary",
    "impact",
    "lock",
)
"""Methods of a session that copier.yml and the template call, there named ``mcc_*``."""

GATES = ("gate", "check")
"""Methods that refuse; they are filters there, because an answer somebody gives the name of a function hides it."""

GARBAGE_AFTER = 50_000
"""New objects after which Python looks for garbage, 700 otherwise: a copy makes few cycles and many objects that stay."""


def furnish(environment: Environment, root: Path, checkout: ModuleType, notes: Any) -> None:
    """Give an environment everything copier.yml and the template need.

    Args:
        environment: Copier's, of one worker.
        root: the template's checkout.
        checkout: the module :func:`extension.load_checkout` made.
        notes: what earlier copies found out about the commit in ``root``.
    """
    spare_garbage()
    filemode.ask_once()
    functions = session.Session(root, notes)
    # Here and not in copier.yml: Copier before 9.15 takes the name there for the class itself.
    environment.undefined = StrictUndefined
    environment.filters.update(filters.FILTERS)
    for public in FUNCTIONS:
        environment.globals[f"mcc_{public}"] = _with_context(getattr(functions, public), checkout, root)
    for public in GATES:
        environment.filters[f"mcc_{public}"] = _with_context(getattr(functions, public), checkout, root)
    _remember_code(environment, checkout.finder.cache, root)
    _remember_strings(environment)


def spare_garbage() -> None:
    """Look for garbage rarely, and not at all when the process ends: its memory goes back as a whole then.

    The last searches of a process that ran Copier take 60 ms and more, a seventh of a trivial copy. Files are flushed and
    temporary folders removed as ever: that is not the work of the garbage collector, but of ``with`` and ``atexit``.
    """
    if gc.get_threshold()[0] < GARBAGE_AFTER:
        gc.set_threshold(GARBAGE_AFTER, *gc.get_threshold()[1:])
        atexit.register(gc.freeze)


def claim_checkout(name: str, root: Path) -> None:
    """Let the packages of a loaded checkout lie in ``root``, whose Python files are the same.

    Copier removes the clone of a worker that is done, and modules are imported when they are first needed.
    """
    home = sys.modules[name].__path__[0]
    if home == str(root):
        return
    for key, module in [*sys.modules.items()]:
        if key != name and not key.startswith(f"{name}."):
            continue
        if getattr(module, "__path__", None) is not None:
            module.__path__ = [str(root) + place.removeprefix(home) for place in module.__path__]
        if getattr(module, "__file__", None):
            module.__file__ = str(root) + str(module.__file__).removeprefix(home)
    sys.path_importer_cache.pop(home, None)


def _with_context(function: Callable[..., Any], checkout: ModuleType, root: Path) -> Callable[..., Any]:
    """A function Jinja hands its context to, run with the packages of its own checkout."""
    home, name = [str(root)], checkout.__name__

    @pass_context
    def call(context: Any, *args: Any) -> Any:
        if checkout.__path__ != home:
            claim_checkout(name, root)
        return function(context, *args)

    return call


def _remember_code(environment: Environment, cache: Any, root: Path) -> None:
    """Compile equal template sources once: an update renders the same files three times, and the next run again.

    Code is shared by equal checkouts alone, whose filters and extensions are therefore equal too.
    """
    compile_source: Any = environment.compile
    codes: dict[Any, Any] = cache.__dict__.setdefault("templates", {})
    texts = functools.cache(lambda: _texts_of(root))

    def compile_once(
        source: Any, name: str | None = None, filename: str | None = None, raw: bool = False, defer_init: bool = False
    ) -> Any:
        if raw or defer_init or not isinstance(source, str):
            return compile_source(source, name, filename, raw, defer_init)
        key = (source, name)
        code = codes.get(key)
        if code is None:
            kept = f"{name or ''}:{hashlib.sha256(source.encode('utf-8', 'surrogatepass')).hexdigest()}"
            code = cache.get(kept)
            if code is None:
                code = compile_source(source, name, filename)
                if name is not None or any(source in text for text in texts()):
                    cache.put(kept, code)
            codes[key] = code
        return code

    environment.compile = compile_once  # type: ignore[method-assign, assignment]


def _texts_of(root: Path) -> list[str]:
    """Where a checkout has template strings beside its template files; what a user typed stands in none of them."""
    names = "\n".join(path.name for path in (root / "template").rglob("*"))
    return [names, (root / "copier.yml").read_text(encoding="utf-8")]


class _Plain:
    """A template string without any template in it."""

    def __init__(self, text: str) -> None:
        self._text = text

    def render(self, *args: Any, **kwargs: Any) -> str:
        """The text itself."""
        return self._text


def _remember_strings(environment: Environment) -> None:
    """Compile equal template strings once: Copier compiles every attribute of every question, several times each."""
    compile_string: Any = environment.from_string
    known: dict[str, Any] = {}
    starts = (environment.block_start_string, environment.variable_start_string, environment.comment_start_string)
    signs = ("\n", "\r", *starts)
    lines = environment.line_statement_prefix or environment.line_comment_prefix

    def from_string(source: Any, *args: Any, **kwargs: Any) -> Any:
        if args or kwargs or not isinstance(source, str):
            return compile_string(source, *args, **kwargs)
        template = known.get(source)
        if template is None:
            plain = not lines and not any(sign in source for sign in signs)
            template = known[source] = _Plain(source) if plain else compile_string(source)
        return template

    environment.from_string = from_string  # type: ignore[method-assign]
