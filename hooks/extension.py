"""The Jinja extension Copier loads: it gives copier.yml and the template their functions and filters.

Copier runs this file from a checkout of the template, and an update runs two checkouts in one process. Everything else
is therefore imported from *this* checkout, under a name that belongs to it alone (see :func:`load_checkout`).
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
from importlib.util import MAGIC_NUMBER, spec_from_file_location
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from jinja2 import Environment, StrictUndefined, pass_context
from jinja2.ext import Extension

PACKAGES = ("mcc_registry", "hooks")


def load_checkout(root: Path) -> str:
    """Make ``mcc_registry`` and ``hooks`` of a checkout importable below a name of their own.

    Returns:
        The name: ``NAME.mcc_registry`` and ``NAME.hooks`` are this checkout's packages, whatever is installed and
        whichever other checkout is loaded. It depends on copier.yml and the text of the Python files alone: the three
        or four clones Copier makes for one update are loaded once where their code is equal.
    """
    digest = hashlib.sha256()
    top = str(root)
    paths = [p for package in PACKAGES for p in _python_files(f"{top}/{package}")]
    places = {p[len(top) + 1 :].replace(os.sep, "/") for p in paths}
    for path in [f"{top}/copier.yml", *paths]:
        with contextlib.suppress(FileNotFoundError), open(path, "rb", buffering=0) as file:  # noqa: PTH123 (144 files)
            data = file.read()
            digest.update(f"{path[len(top) :]}\0{len(data)}\0".encode())
            digest.update(data)
    name = f"mcc_checkout_{digest.hexdigest()[:32]}"
    if name in sys.modules:
        claim_checkout(name, root)
        return name
    module: Any = ModuleType(name)
    module.__path__ = [top]
    sys.modules[name] = module
    module.finder = Finder(name, places)
    sys.meta_path.insert(0, module.finder)
    codecache = import_module(f"{name}.hooks.codecache")
    module.finder.cache = codecache.CodeCache(f"{name[-32:]}-{_tools()}", codecache.cache_folder(os.environ))
    return name


def _tools() -> str:
    """What compiled code depends on beside its source: Python, Jinja, Copier and what it adds to Jinja."""
    digest = hashlib.sha256(MAGIC_NUMBER)
    digest.update(f"{sys.version}\0{sys.flags.optimize}".encode())
    for known in ("jinja2.compiler", "jinja2.sandbox", "jinja2_ansible_filters", "copier", "copier._main"):
        place = getattr(sys.modules.get(known), "__file__", None)
        with contextlib.suppress(TypeError, OSError):
            found = Path(place).stat()  # type: ignore[arg-type]
            digest.update(f"\0{place}\0{found.st_size}\0{found.st_mtime_ns}".encode())
    return digest.hexdigest()[:32]


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


class Finder:
    """Finds the modules of one checkout, and takes their compiled code from its cache.

    No bytecode is written beside the sources: Copier's clone is removed in a moment, and it with them.
    """

    def __init__(self, name: str, places: set[str]) -> None:
        self.name = name
        self.places = places
        self.cache: Any = None

    def kept(self, place: str, make: Callable[[], CodeType]) -> CodeType:
        """The code kept for a place, else what ``make`` compiles."""
        code: CodeType | None = self.cache.get(place) if self.cache is not None else None
        if code is None:
            code = make()
            if self.cache is not None:
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
        base = f"{sys.modules[self.name].__path__[0]}/{place}"
        for tail, folders in (("/__init__.py", [base]), (".py", None)):
            if place + tail in self.places:
                loader = _Loader(fullname, base + tail, place + tail, self)
                return spec_from_file_location(
                    fullname, base + tail, loader=loader, submodule_search_locations=folders
                )
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
        name = load_checkout(root)
        filters = import_module(f"{name}.hooks.filters")
        session = import_module(f"{name}.hooks.session").Session(root)
        # Here and not in copier.yml: Copier before 9.15 takes the name there for the class itself.
        environment.undefined = StrictUndefined
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
        _remember_code(environment, sys.modules[name].__dict__["finder"].cache, root)
        _remember_strings(environment)


def _with_context(function: Callable[..., Any], name: str, root: Path) -> Callable[..., Any]:
    """A function Jinja hands its context to, run with the packages of its own checkout."""

    @pass_context
    def call(context: Any, *args: Any) -> Any:
        claim_checkout(name, root)
        return function(context, *args)

    return call


def _remember_code(environment: Environment, cache: Any, root: Path) -> None:
    """Compile equal template sources once: an update renders the same files three times, and the next run again.

    Code is shared by equal checkouts alone, whose filters and extensions are therefore equal too.
    """
    compile_source: Any = environment.compile
    codes: dict[Any, Any] = cache.__dict__.setdefault("templates", {})

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
                if name is not None or _is_of_template(source, root):
                    cache.put(kept, code)
            codes[key] = code
        return code

    environment.compile = compile_once  # type: ignore[method-assign, assignment]


def _is_of_template(source: str, root: Path) -> bool:
    """Whether a template string stands in the checkout itself, so that nothing a user typed is kept."""
    names = "\n".join(path.name for path in (root / "template").rglob("*"))
    return source in names or source in (root / "copier.yml").read_text(encoding="utf-8")


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
    signs = ("\n", "\r", environment.block_start_string, environment.variable_start_string)
    signs += (environment.comment_start_string,)
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
