"""The Jinja extension Copier loads: it gives copier.yml and the template their functions and filters.

Copier runs this file from a checkout of the template, and an update runs two checkouts in one process. Everything else
is therefore imported from *this* checkout, under a name that belongs to it alone (see :func:`load_checkout`).
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
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
        whichever other checkout is loaded. It depends on the folder and on the state of its Python files.
    """
    digest = hashlib.sha256(str(root).encode())
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            stat = path.stat()
            digest.update(f"{path.name}:{stat.st_size}:{stat.st_mtime_ns};".encode())
    name = f"mcc_checkout_{digest.hexdigest()[:16]}"
    if name not in sys.modules:
        module = ModuleType(name)
        module.__path__ = [str(root)]
        sys.modules[name] = module
    return name


class RegistryExtension(Extension):
    """Functions ``mcc_*`` and quoting filters for copier.yml and the template files."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        loader: Any = environment.loader
        root = Path(loader.searchpath[0]).resolve()
        name = load_checkout(root)
        filters = import_module(f"{name}.hooks.filters")
        session = import_module(f"{name}.hooks.session").Session(root)
        environment.filters.update(filters.FILTERS)
        for public in ("gate", "check", "default", "choices", "validate", "ask", "project", "answers", "summary", "lock"):
            function = getattr(session, public)
            environment.globals[f"mcc_{public}"] = _with_context(function)
        _remember_strings(environment)


def _with_context(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function Jinja hands its context to."""

    @pass_context
    def call(context: Any, *args: Any) -> Any:
        return function(context, *args)

    return call


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
