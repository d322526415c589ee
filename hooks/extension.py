"""The Jinja extension Copier loads: it gives copier.yml and the template their functions and filters.

Copier runs this file from a checkout of the template, and an update runs two checkouts in one process. Everything else
is therefore imported from *this* checkout, under a name that belongs to it alone (see :func:`load_checkout`). This file
and ``codecache.py`` are compiled in every copy, so what can lie elsewhere does (``environment.py``).
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
import sys
from collections.abc import Callable
from importlib import import_module
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import MAGIC_NUMBER
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from jinja2 import Environment
from jinja2.ext import Extension

PACKAGES = ("mcc_registry", "hooks")


def load_checkout(root: Path) -> tuple[str, Any]:
    """Make ``mcc_registry`` and ``hooks`` of a checkout importable below a name of their own.

    Returns:
        The name, and the notes on the commit that ``root`` holds. ``NAME.mcc_registry`` and ``NAME.hooks`` are this checkout's packages, whatever is installed and
        whichever other checkout is loaded. It depends on copier.yml and the text of the Python files alone: the three
        or four clones Copier makes for one update are loaded once where their code is equal.
    """
    codecache = _codecache(root)
    folder = codecache.cache_folder(os.environ)
    notes = codecache.Notes(codecache.commit_of(root), folder)
    digest = notes.get("code") or notes.put("code", _digest_of(str(root)))
    name = f"mcc_checkout_{digest[:32]}"
    if name in sys.modules:
        home = sys.modules[name].__path__[0]
        if home != str(root):
            import_module(f"{name}.hooks.environment").claim_checkout(name, root)
        return name, notes
    module: Any = ModuleType(name)
    module.__path__ = [str(root)]
    sys.modules[name] = module
    module.finder = Finder(name, codecache.CodeCache(f"{name[-32:]}-{_tools()}", folder))
    sys.meta_path.insert(0, module.finder)
    return name, notes


def _codecache(root: Path) -> Any:
    """The room that reads the cache, before anything can be read from it."""
    path = f"{root}/hooks/codecache.py"
    module = ModuleType("mcc_codecache")
    with open(path, encoding="utf-8") as file:  # noqa: PTH123 (as fast as it gets: this runs in every copy)
        exec(compile(file.read(), "hooks/codecache.py", "exec", dont_inherit=True), module.__dict__)
    return module


def _digest_of(top: str) -> str:
    """What the code of a checkout is told apart by: copier.yml and every Python file."""
    digest = hashlib.sha256()
    paths = [p for package in PACKAGES for p in _python_files(f"{top}/{package}")]
    for path in [f"{top}/copier.yml", *paths]:
        with contextlib.suppress(FileNotFoundError), open(path, "rb", buffering=0) as file:  # noqa: PTH123 (144 files)
            data = file.read()
            digest.update(f"{path[len(top) :]}\0{len(data)}\0".encode())
            digest.update(data)
    return digest.hexdigest()


def _python_files(folder: str) -> list[str]:
    """Paths of the Python files below a folder, sorted."""
    found = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                found += _python_files(entry.path)
            elif entry.name.endswith(".py"):
                found.append(entry.path)
    return sorted(found)


def _tools() -> str:
    """What compiled code depends on beside its source: Python, Jinja, Copier and what it adds to Jinja."""
    digest = hashlib.sha256(MAGIC_NUMBER)
    digest.update(f"{sys.version}\0{sys.flags.optimize}".encode())
    for known in ("jinja2.compiler", "jinja2.sandbox", "jinja2_ansible_filters", "copier", "copier._main"):
        place = getattr(sys.modules.get(known), "__file__", None)
        with contextlib.suppress(TypeError, OSError):
            found = os.stat(place)  # type: ignore[arg-type]  # noqa: PTH116
            digest.update(f"\0{place}\0{found.st_size}\0{found.st_mtime_ns}".encode())
    return digest.hexdigest()[:32]


class Finder:
    """Finds the modules of one checkout, and takes their compiled code from its cache.

    No bytecode is written beside the sources: Copier's clone is removed in a moment, and it with them.
    """

    def __init__(self, name: str, cache: Any) -> None:
        self.name = name
        self.cache = cache

    def kept(self, place: str, make: Callable[[], CodeType]) -> CodeType:
        """The code kept for a place, else what ``make`` compiles."""
        code: CodeType | None = self.cache.get(place)
        if code is None:
            code = make()
            self.cache.put(place, code)
        return code

    def run_text(self, text: Any, names: Any = None, local: Any = None) -> None:
        """``exec``, with the code of a text kept."""
        if isinstance(text, str):
            kept = f"text:{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()}"
            source = text
            text = self.kept(kept, lambda: compile(source, "<string>", "exec", dont_inherit=True))
        exec(text, names, local)

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """The place of a module of this checkout; None for any other."""
        if not fullname.startswith(f"{self.name}."):
            return None
        place = fullname[len(self.name) + 1 :].replace(".", "/")
        top = sys.modules[self.name].__path__[0]
        for tail, package in (("/__init__.py", True), (".py", False)):
            file = f"{top}/{place}{tail}"
            if place + tail in self.cache or os.path.isfile(file):  # noqa: PTH113
                loader = _Loader(fullname, file, place + tail, self)
                spec = ModuleSpec(fullname, loader, origin=file, is_package=package)
                spec.has_location = True
                if package:
                    spec.submodule_search_locations = [f"{top}/{place}"]
                return spec
        return None


class _Loader(SourceFileLoader):
    """A module whose code is compiled once per version of the template; ``place`` is its name in tracebacks."""

    def __init__(self, fullname: str, path: str, place: str, finder: Finder) -> None:
        super().__init__(fullname, path)
        self._place = place
        self._finder = finder

    def get_code(self, fullname: str) -> CodeType:
        """The code of the module."""
        return self._finder.kept(self._place, lambda: self.source_to_code(self.get_data(self.path), self._place))

    def exec_module(self, module: ModuleType) -> None:
        """Run the module; the methods ``dataclass`` writes are code too, and compiling them is most of an import.

        While it runs, the ``exec`` that the dataclasses module sees compiles equal text once. It does the same as the
        builtin for everybody, so another thread that happens to make a class meanwhile gets the same class.
        """
        names = vars(dataclasses)
        before, names["exec"] = names.get("exec", exec), self._finder.run_text
        try:
            super().exec_module(module)
        finally:
            names["exec"] = before


class RegistryExtension(Extension):
    """Functions ``mcc_*`` and quoting filters for copier.yml and the template files."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        loader: Any = environment.loader
        root = Path(loader.searchpath[0]).resolve()
        name, notes = load_checkout(root)
        import_module(f"{name}.hooks.environment").furnish(environment, root, sys.modules[name], notes)
