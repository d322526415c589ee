"""Which registries are meant by some paths, and every fault in them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..errors import Finding, MccError, UsageError
from ..loading.documents import SHIPPED_SHOWN
from ..loading.faults import get_fault, place_of
from ..loading.files import TEMPLATE_FOLDER, layers_of, shipped_root
from ..loading.kinds import KINDS, find_kind
from ..loading.load import load_documents
from . import references
from .run import run_rules
from .templates import template_faults

GIT_TIMEOUT_S = 20
_SINGLES = [f"{kind.folder}/{kind.file}".lstrip("/") for kind in KINDS.values() if kind.file and not kind.layer_only]
_FOLDERS = {kind.folder for kind in KINDS.values() if kind.folder} | {TEMPLATE_FOLDER}


def validate(
    paths: Sequence[str | Path] = (),
    changed: bool = False,
    *,
    registry_path: str | Path | Sequence[str | Path] | None = None,
    root: Path | None = None,
    environ: Mapping[str, str] | None = None,
) -> list[Finding]:
    """Every fault of some registries, sorted by file and line; an empty list when they are right.

    Args:
        paths: registry folders, layers, folders or files inside them; none = the shipped registries and the layers.
        changed: only files that differ from the commit this branch left, and references that no longer hold.
        registry_path: layers, as :meth:`Registry.load` takes them; what ``paths`` names is judged over them.
        root: the shipped registries; None = those of this package.
        environ: where ``REGISTRY_PATH`` is looked up; None = the process's environment.

    Raises:
        UsageError: ``changed`` is asked for outside a git checkout.
    """
    home = shipped_root() if root is None else root
    layers = layers_of(registry_path, os.environ if environ is None else environ)
    found: list[Finding] = []
    if not paths:
        shown = SHIPPED_SHOWN if root is None else str(root)
        found += _only(_faults(home, shown, []), _changed_files(home) if changed else None, home, shown)
        for number, layer in enumerate(layers, start=1):
            found += _layer_faults(home, layers[:number], layer)
        return sorted(dict.fromkeys(found), key=place_of)
    reasons = {Path(path): _why_absent(Path(path)) for path in paths}
    there = [path for path, why in reasons.items() if not why]
    found += [get_fault("file-unreadable", why, f"{path}:1") for path, why in reasons.items() if why]
    for registry, wanted in _by_registry(there).items():
        shown = str(registry)
        if _is_complete(registry) or registry.resolve() == home.resolve():
            faults = _faults(registry, shown, [])
        else:
            faults = _layer_faults(home, [*layers, registry], registry)
        if wanted:
            faults = [f for f in faults if any(_is_in(f.source, path) for path in wanted)]
        found += _only(faults, _changed_files(registry) if changed else None, registry, shown)
    return sorted(dict.fromkeys(found), key=place_of)


def changed_registries(folder: Path) -> list[Path]:
    """The registries of a git repository with files that differ from the commit its branch left.

    Our own repository has one, ``registries``; any other may have layers anywhere.

    Raises:
        UsageError: the folder is in no git checkout.
    """
    top = _git(folder, "rev-parse", "--show-toplevel")
    if top is None:
        raise UsageError(f"--changed needs a git checkout; {folder} is in none")
    changed = _changed_files(Path(top))
    shipped = Path(top).resolve() / "registries"
    if _is_complete(shipped):
        roots = {shipped} if any(path.is_relative_to(shipped) for path in changed) else set()
    else:
        roots = {_root_of(path) for path in changed if _is_registry_file(path) and _root_of(path).is_dir()}
    here = folder.resolve()
    return sorted(root.relative_to(here) if root.is_relative_to(here) else root for root in roots)


def _is_registry_file(path: Path) -> bool:
    if path.parent.name in _FOLDERS:
        return find_kind(f"{path.parent.name}/{path.name}") is not None or path.suffix == ".jinja"
    return path.name in {kind.file for kind in KINDS.values() if kind.file and not kind.folder}


def _faults(root: Path, shown: str, layers: Sequence[Path]) -> list[Finding]:
    loaded = load_documents(root, layers, snapshot=False, keep=True, shown=shown)
    documents = loaded.layers[0].documents.values()
    faults = [*loaded.faults, *template_faults(loaded.layers[0])]
    return [*faults, *run_rules(documents, loaded.documents, style=True, broken=loaded.broken)]


def _layer_faults(root: Path, layers: Sequence[Path], layer: Path) -> list[Finding]:
    loaded = load_documents(root, layers)
    number = len(layers)
    shown = str(layer)
    faults = [f for f in loaded.faults if f.source.startswith((f"{shown}/", f"{shown}:"))]
    documents = loaded.layers[number].documents.values()
    faults += template_faults(loaded.layers[number])
    return [*faults, *run_rules(documents, loaded.documents, style=False, broken=loaded.broken)]


def _is_complete(folder: Path) -> bool:
    return all((folder / name).is_file() for name in _SINGLES)


def _is_in(source: str, path: Path) -> bool:
    name = source.rpartition(":")[0]
    return name == str(path) or name.startswith(f"{path}/")


def _by_registry(paths: Sequence[Path]) -> dict[Path, list[Path] | None]:
    """Registry root to the paths inside it that are meant; None = all of it."""
    found: dict[Path, list[Path] | None] = {}
    for path in paths:
        root = _root_of(path)
        if root == path:
            found[root] = None
        elif (wanted := found.setdefault(root, [])) is not None:
            wanted.append(path)
    return found


def _why_absent(path: Path) -> str:
    """Why there is nothing to validate at a path; "" when there is."""
    if not os.path.lexists(path):
        return "it does not exist"
    try:
        path.resolve()
        path.is_dir()
    except (OSError, RuntimeError) as error:  # a link that leads to itself
        return f"it cannot be followed: {getattr(error, 'strerror', None) or 'a loop of symbolic links'}"
    return ""


def _root_of(path: Path) -> Path:
    if path.is_dir():
        return path.parent if path.name in _FOLDERS and not (path / path.name).is_dir() else path
    if path.parent.name in _FOLDERS and (find_kind(f"{path.parent.name}/{path.name}") or path.suffix == ".jinja"):
        return path.parent.parent
    return path.parent if path.suffix in (".yaml", ".yml") else path


def _only(found: list[Finding], changed: set[Path] | None, root: Path, shown: str) -> list[Finding]:
    if changed is None:
        return found
    references_codes = {rule.code for rule in references.RULES}

    def is_meant(finding: Finding) -> bool:
        relative = finding.source.rpartition(":")[0].removeprefix(shown).lstrip("/")
        return finding.code in references_codes or (root / relative).resolve() in changed

    return [finding for finding in found if is_meant(finding)]


def _changed_files(root: Path) -> set[Path]:
    top = _git(root, "rev-parse", "--show-toplevel")
    if top is None:
        raise UsageError(f"--changed needs a git checkout; {root} is in none")
    base = "HEAD"
    branch = os.environ.get("GITHUB_BASE_REF", "")
    for name in ([f"origin/{branch}"] if branch else []) + ["origin/HEAD", "origin/main", "main"]:
        if not name.startswith("-") and (fork := _git(root, "merge-base", "HEAD", name)):
            base = fork
            break
    differing = _git(root, "diff", "--name-only", "-z", base, "--", ".") or ""
    new = _git(root, "ls-files", "--others", "--exclude-standard", "--full-name", "-z", "--", ".") or ""
    return {(Path(top) / name).resolve() for name in (*differing.split("\0"), *new.split("\0")) if name}


def _git(folder: Path, *words: str) -> str | None:
    import subprocess

    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *words], capture_output=True, timeout=GIT_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return os.fsdecode(done.stdout).strip("\n") if done.returncode == 0 else None


class LayerExistsError(MccError):
    """``init-layer`` would overwrite something."""
