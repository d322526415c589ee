"""The Jinja extension Copier loads: it gives copier.yml and the template their functions and filters.

Copier runs this file from a checkout of the template, and an update runs two checkouts in one process. Everything else
is therefore imported from *this* checkout, under a name that belongs to it alone (see :func:`load_checkout`).
"""

from __future__ import annotations

import contextlib
import hashlib
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from jinja2 import Environment, pass_context
from jinja2.ext import Extension

PACKAGES = ("mcc_registry", "hooks")


def load_checkout(root: Path) -> str:
    """Make ``mcc_registry`` and ``hooks`` of a checkout importable below a name of their own.

    Returns:
        The name: ``NAME.mcc_registry`` and ``NAME.hooks`` are this checkout's packages, whatever is installed and
        whichever other checkout is loaded. It depends on the text of its Python files alone: the three or four clones
        Copier makes for one update are loaded once where their code is equal.
    """
    digest = hashlib.sha256()
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            digest.update(f"{path.relative_to(root).as_posix()}\0".encode())
            digest.update(path.read_bytes())
            digest.update(b"\0")
    name = f"mcc_checkout_{digest.hexdigest()[:16]}"
    if name not in sys.modules:
        module = ModuleType(name)
        module.__path__ = [str(root)]
        sys.modules[name] = module
    claim_checkout(name, root)
    return name


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


class RegistryExtension(Extension):
    """Functions ``mcc_*`` and quoting filters for copier.yml and the template files."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        loader: Any = environment.loader
        root = Path(loader.searchpath[0]).resolve()
        name = load_checkout(root)
        with _no_bytecode():
            filters = import_module(f"{name}.hooks.filters")
            session = import_module(f"{name}.hooks.session").Session(root)
        environment.filters.update(filters.FILTERS)
        for public in (
            "gate",
            "check",
            "default",
            "choices",
            "validate",
            "ask",
            "project",
            "answers",
            "summary",
            "impact",
            "lock",
        ):
            function = getattr(session, public)
            environment.globals[f"mcc_{public}"] = _with_context(function, name, root)
        _remember_code(environment, sys.modules[name].__dict__.setdefault("codes", {}))
        _remember_strings(environment)


@contextlib.contextmanager
def _no_bytecode() -> Iterator[None]:
    """Import without writing compiled files: Copier's clone is removed in a moment, and they with it."""
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        yield
    finally:
        sys.dont_write_bytecode = before


def _with_context(function: Callable[..., Any], name: str, root: Path) -> Callable[..., Any]:
    """A function Jinja hands its context to, run with the packages of its own checkout."""

    @pass_context
    def call(context: Any, *args: Any) -> Any:
        claim_checkout(name, root)
        with _no_bytecode():
            return function(context, *args)

    return call


def _remember_code(environment: Environment, codes: dict[Any, Any]) -> None:
    """Compile equal template sources once per process: an update renders the same files three times.

    Code is shared by environments of equal checkouts alone, whose filters and extensions are therefore equal too.
    """
    compile_source: Any = environment.compile

    def compile_once(
        source: Any, name: str | None = None, filename: str | None = None, raw: bool = False, defer_init: bool = False
    ) -> Any:
        if raw or defer_init or not isinstance(source, str):
            return compile_source(source, name, filename, raw, defer_init)
        key = (source, name)
        code = codes.get(key)
        if code is None:
            code = codes[key] = compile_source(source, name, filename)
        return code

    environment.compile = compile_once  # type: ignore[method-assign, assignment]


def _remember_strings(environment: Environment) -> None:
    """Compile equal template strings once: Copier compiles every attribute of every question, several times each."""
    compile_string: Any = environment.from_string
    known: dict[str, Any] = {}

    def from_string(source: Any, *args: Any, **kwargs: Any) -> Any:
        if args or kwargs or not isinstance(source, str):
            return compile_string(source, *args, **kwargs)
        template = known.get(source)
        if template is None:
            template = known[source] = compile_string(source)
        return template

    environment.from_string = from_string  # type: ignore[method-assign]
