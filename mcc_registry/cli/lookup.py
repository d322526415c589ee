"""A name that is in no registry: one finding for all listing commands."""

from __future__ import annotations

from collections.abc import Iterable

from ..errors import Fact, Finding, listing, nearest, printable


def unknown_name(what: str, name: str, known: Iterable[str], file: str, near: str | None = None) -> Finding:
    """The finding for a name no registry has.

    Args:
        what: what it should name (``framework``).
        name: as the user wrote it.
        known: the names there are.
        file: registry file or folder that lists them.
        near: the nearest name where the caller knows better.
    """
    names = sorted(known)
    close = near or (nearest(name, names) if len(name) <= 200 else None)
    hint = f"did you mean {close}?" if close else f"there are {listing(names)}"
    message = f"{what}: {printable(name)} is not in the registries"
    facts = (Fact(f"{len(names)} names are listed", file),)
    return Finding("MCC702", "error", what, message, hint, file, "unknown-name", facts)
