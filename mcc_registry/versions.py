"""Text to versions and specifiers, and the best match; the only room that uses ``packaging``.

Versions follow PEP 440 and are never compared as text: ``0.9.2 < 0.10.0``. Dotted numbers that are not package
versions (CUDA ``13.0``, driver ``580.65.06``, compute capability ``8.9``) are tuples of integers.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from packaging.specifiers import SpecifierSet
    from packaging.version import Version

Numbers = tuple[int, ...]

MAX_TEXT = 200
"""Longest version or specifier text that is looked at; longer ones cannot be meant."""


@lru_cache(maxsize=4096)
def parse_numbers(text: str) -> Numbers:
    """Dotted integers as a tuple, for CUDA, driver and compute-capability numbers.

    Raises:
        ValueError: the text is not dotted decimal numbers.

    Example:
        >>> parse_numbers("12.10") > parse_numbers("12.9")
        True
    """
    parts = text.split(".")
    if not text or len(text) > MAX_TEXT or not all(p.isascii() and p.isdigit() and len(p) <= 9 for p in parts):
        raise ValueError(f"not a dotted number: {text[:40]!r}")
    return tuple(int(p) for p in parts)


def find_numbers(text: str | None) -> Numbers | None:
    """As :func:`parse_numbers`, None instead of an error or when there is no text."""
    if text is None:
        return None
    try:
        return parse_numbers(text)
    except ValueError:
        return None


def major_minor(numbers: Numbers) -> Numbers:
    """The first two components, the second filled with 0: ``(13, 0, 2)`` and ``(13,)`` give ``(13, 0)``."""
    return (*numbers, 0)[:2]


def format_numbers(numbers: Numbers) -> str:
    """A tuple of integers as dotted text."""
    return ".".join(str(n) for n in numbers)


def requirement_fault(text: str) -> str | None:
    """Why a text is no requirement of one package by name; None when it is one.

    Example:
        >>> requirement_fault("numpy>=1.26,<3"), requirement_fault("numpy @ https://a.example/numpy.whl")
        (None, 'an address is not allowed')
    """
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        read = Requirement(text)
    except InvalidRequirement:
        return "a package with its versions is wanted, as PEP 508 has them"
    return "an address is not allowed" if read.url else None


@lru_cache(maxsize=8192)
def find_version(text: str) -> Version | None:
    """The PEP 440 version of a text, or None when it is not one."""
    from packaging.version import InvalidVersion, Version

    if len(text) > MAX_TEXT:
        return None
    try:
        return Version(text)
    except (InvalidVersion, ValueError):
        return None


def parse_version(text: str) -> Version:
    """The PEP 440 version of a text.

    Raises:
        ValueError: the text is not a PEP 440 version.
    """
    version = find_version(text)
    if version is None:
        raise ValueError(f"not a PEP 440 version: {text[:40]!r}")
    return version


@lru_cache(maxsize=2048)
def find_spec(text: str) -> SpecifierSet | None:
    """The PEP 440 specifier set of a text (``>=0.28,<0.31``, ``~=0.29.0``), or None when it is not one."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    if not text.strip() or len(text) > MAX_TEXT:
        return None
    try:
        return SpecifierSet(text)
    except (InvalidSpecifier, ValueError):
        return None


PLAIN_CLAUSE = re.compile(r"\s*(>=|<=|==|!=|<|>)\s*([0-9]{1,9}(?:\.[0-9]{1,9})*)\s*", re.ASCII)
"""A clause that asks for final releases in order, without wildcards; most of those in the registries."""

COMPARE: dict[str, Callable[[Numbers, Numbers], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
}


@lru_cache(maxsize=2048)
def _plain_clauses(spec_text: str) -> tuple[tuple[str, Numbers], ...] | None:
    """A specifier's clauses with their numbers (no zeros at the end); None when one is not plain."""
    if len(spec_text) > MAX_TEXT:
        return None
    found = [PLAIN_CLAUSE.fullmatch(clause) for clause in spec_text.split(",")]
    return tuple((m[1], _significant(m[2])) for m in found if m is not None) if all(found) else None


def _significant(text: str) -> Numbers:
    """Release numbers without the zeros at their end, which mean nothing: ``1.0`` is ``1``."""
    numbers = parse_numbers(text)
    while numbers and not numbers[-1]:
        numbers = numbers[:-1]
    return numbers


def _plain_match(version_text: str, spec_text: str) -> bool | None:
    """Whether a version of numbers alone satisfies plain clauses; None when either is not plain.

    Such versions are neither pre-, post- nor local releases, so PEP 440's special cases cannot arise and its order is
    that of the numbers. It spares most programs the import of ``packaging.specifiers``.
    """
    clauses = _plain_clauses(spec_text)
    if clauses is None or find_numbers(version_text) is None:
        return None
    version = _significant(version_text)
    return all(COMPARE[sign](version, numbers) for sign, numbers in clauses)


@lru_cache(maxsize=65536)
def matches(version_text: str, spec_text: str) -> bool:
    """Whether a version satisfies a specifier; a pre-release counts by its place in the order.

    Whether pre-releases are offered is a question of choosing (:func:`filter_versions`), not of a fact about a version
    that is named already; ``packaging`` answers it differently in different releases, so it is said explicitly.

    Raises:
        ValueError: either text is not valid.
    """
    plain = _plain_match(version_text, spec_text)
    if plain is not None:
        return plain
    spec = find_spec(spec_text)
    if spec is None:
        raise ValueError(f"not a PEP 440 specifier: {spec_text[:40]!r}")
    parse_version(version_text)  # refuses what is no version; the text goes on, because "===" compares texts
    return spec.contains(version_text, prereleases=True)


def filter_versions(versions: Iterable[str], spec_text: str) -> list[str]:
    """The versions that satisfy a specifier, newest first; pre-releases only if nothing else or if named."""
    spec = find_spec(spec_text)
    if spec is None:
        raise ValueError(f"not a PEP 440 specifier: {spec_text[:40]!r}")
    texts = {parse_version(v): v for v in versions}
    return [texts[v] for v in sorted(spec.filter(texts), reverse=True)]


def sort_versions(versions: Iterable[str]) -> list[str]:
    """Versions, newest first."""
    return sorted(versions, key=parse_version, reverse=True)


def is_stable(version_text: str) -> bool:
    """Whether a version is neither a pre-release nor a development release."""
    return not parse_version(version_text).is_prerelease


def release_tuple(version_text: str) -> Numbers:
    """The release numbers of a version: ``0.10.1.1`` and ``0.8.5.post1`` give ``(0, 10, 1, 1)``, ``(0, 8, 5)``."""
    return tuple(parse_version(version_text).release)


def public_version(version_text: str) -> str:
    """A version without epoch and local part.

    Example:
        >>> public_version("1!0.30.0rc1+cu129")
        '0.30.0rc1'
    """
    return parse_version(version_text).public.rpartition("!")[2]


def at_least(version_text: str, floor_text: str) -> bool:
    """Whether a version is at or above another."""
    return parse_version(version_text) >= parse_version(floor_text)


def nearest_versions(version_text: str, versions: Iterable[str]) -> tuple[str | None, str | None]:
    """The nearest lower and the nearest higher of ``versions`` around a version that is not among them."""
    wanted = parse_version(version_text)
    ordered = sorted(versions, key=parse_version)
    lower = [v for v in ordered if parse_version(v) < wanted]
    higher = [v for v in ordered if parse_version(v) > wanted]
    return (lower[-1] if lower else None, higher[0] if higher else None)


def history_at(history: Sequence[tuple[str, object]], version_text: str, default: object = None) -> object:
    """The value in force at a version, from rows (first version with the value, value) in any order.

    Example:
        >>> history_at([("0.7.3", 0.9), ("0.20.0", 0.92)], "0.19.1")
        0.9
    """
    version = parse_version(version_text)
    best = default
    best_from: Version | None = None
    for since, value in history:
        start = parse_version(since)
        if start <= version and (best_from is None or start >= best_from):
            best, best_from = value, start
    return best
