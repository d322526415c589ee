"""What a rule of meaning is: it looks at one document and yields problems; the runner gives them file and line."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from ..errors import Severity
from ..loading.documents import Document, Documents
from ..patterns import literal_prefix, specificity

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong at one place of a document.

    Attributes:
        path: keys and indexes from the top of the file.
        text: what is wrong, in one line.
        hint: the smallest change that works.
        fact: why it is wrong.
        line: the line, where no path leads to it.
        severity: where it differs from the rule's.
    """

    path: Path
    text: str
    hint: str = ""
    fact: str = ""
    line: int = 0
    severity: Severity | None = None


MAX_COMPARED = 5_000_000
"""Steps the comparison of all patterns may take, about three seconds; a registry a hundred times ours needs half of it."""


class TooMany(Exception):
    """The patterns are too many, or too long, to compare them all."""


@dataclass(slots=True)
class Steps:
    """What is left of the steps a comparison may take."""

    left: int = MAX_COMPARED

    def take(self, count: int) -> None:
        """Use some.

        Raises:
            TooMany: none is left.
        """
        self.left -= count
        if self.left < 0:
            raise TooMany


class Everything(set[str]):
    """The names of a kind of which a file could not be read: any name may be one of them."""

    def __contains__(self, name: object) -> bool:
        return True


class Context:
    """Everything loaded, and the names other documents may refer to; each set is made when first needed.

    Args:
        documents: everything loaded.
        broken: kinds of which a file could not be read. Names of these kinds are not judged, so that one broken
            file is one fault and not one more for every row that refers to it.
    """

    def __init__(self, documents: Documents, broken: Collection[str] = ()) -> None:
        self.documents = documents
        self.broken = broken
        self.steps = Steps()

    def _names(self, kind: str, names: Iterable[str], collection: str = "") -> set[str]:
        """Names that exist, those of entries that could not be read among them."""
        lost = {name for d in self.of_kind(kind) for place, name in d.lost if collection and place == collection}
        if kind in self.broken or None in lost:
            return Everything()
        return {*names, *(name for name in lost if name is not None)}

    def of_kind(self, kind: str) -> list[Document]:
        """The documents of a kind."""
        return [document for (name, _), document in self.documents.items() if name == kind]

    def _keys(self, kind: str, collection: str) -> set[str]:
        documents = self.of_kind(kind)
        keys = (key for document in documents for key in document.read().get(collection, {}))
        return self._names(kind, keys, collection)

    @cached_property
    def gpus(self) -> set[str]:
        """GPU names."""
        return self._keys("gpus", "gpus")

    @cached_property
    def neuron_devices(self) -> set[str]:
        """Neuron device names."""
        return self._keys("neuron", "devices")

    def devices_of(self, kind: str) -> set[str] | None:
        """The names an accelerator of a kind may have; None where nothing is said (cpu, other, no file of the kind)."""
        if kind in ("cuda", "neuron"):
            return self.gpus if kind == "cuda" else self.neuron_devices
        if "devices" in self.broken:
            return None
        found = next((d for d in self.of_kind("devices") if d.id == kind), None)
        return None if found is None or found.lost else set(found.read()["devices"])

    @cached_property
    def amis(self) -> set[str]:
        """Inference AMI names."""
        return self._keys("amis", "amis")

    @cached_property
    def instance_types(self) -> set[str]:
        """Instance types."""
        documents = self.of_kind("instance_family")
        names = (name for document in documents for name in document.index["types"])
        return self._names("instance_family", names, "types")

    @cached_property
    def instance_families(self) -> set[str]:
        """Instance family ids."""
        return self._names("instance_family", (document.id for document in self.of_kind("instance_family")))

    @cached_property
    def frameworks(self) -> set[str]:
        """Framework ids."""
        return self._names("framework", (document.id for document in self.of_kind("framework")))

    @cached_property
    def exact_models(self) -> set[str]:
        """Exact model ids as written."""
        documents = self.of_kind("model_family")
        names = (name for document in documents for name in document.index["models"])
        return self._names("model_family", names, "models")

    @cached_property
    def ecr_families(self) -> set[str]:
        """Image families of ``regions.yaml``."""
        return self._keys("regions", "ecr")

    @cached_property
    def places(self) -> dict[str, dict[tuple[int, str], list[tuple[Document, int, str]]]]:
        """Collection to (layer, match in lower case) to the rows with that match."""
        found: dict[str, dict[tuple[int, str], list[tuple[Document, int, str]]]] = {"patterns": {}, "models": {}}
        for document in self.of_kind("model_family"):
            for collection, rows in found.items():
                for position, match in enumerate(document.index[collection]):
                    key = (document.layer_of(collection, match), match.lower())
                    rows.setdefault(key, []).append((document, position, match))
        return found

    @cached_property
    def _patterns(self) -> dict[tuple[int, int], dict[str, list[tuple[str, Document]]]]:
        """(layer, number of literal characters) to the patterns by the text they begin with, sorted by it."""
        found: dict[tuple[int, int], dict[str, list[tuple[str, Document]]]] = {}
        for document in self.of_kind("model_family"):
            for match in document.index["patterns"]:
                key = (document.layer_of("patterns", match), specificity(match))
                found.setdefault(key, {}).setdefault(literal_prefix(match), []).append((match, document))
        return {key: dict(sorted(group.items())) for key, group in found.items()}

    @cached_property
    def _beginnings(self) -> dict[tuple[int, int], list[str]]:
        return {key: list(group) for key, group in self._patterns.items()}

    def patterns_like(self, layer: int, pattern: str) -> Iterator[tuple[str, Document]]:
        """The patterns of a layer with as many literal characters that begin as a name this one matches may begin."""
        from bisect import bisect_left

        key, start = (layer, specificity(pattern)), literal_prefix(pattern)
        group, beginnings = self._patterns.get(key, {}), self._beginnings.get(key, [])
        for length in range(len(start)):
            yield from group.get(start[:length], ())
        for place in range(bisect_left(beginnings, start), len(beginnings)):
            if not beginnings[place].startswith(start):
                return
            yield from group[beginnings[place]]

    @cached_property
    def settings(self) -> dict[str, set[str]]:
        """Framework id to the canonical names of its settings."""
        found: dict[str, set[str]] = {}
        for document in self.of_kind("framework"):
            if any(place in ("parameters", "variants") for place, _ in document.lost):
                found[document.id] = Everything()
                continue
            names = found.setdefault(document.id, set())
            data = document.read()
            for home in (data, *data.get("variants", {}).values()):
                names |= {row.get("canonical") or row["name"] for row in home.get("parameters", [])}
        return found


class Rule:
    """One rule; the docstring is its documentation page.

    Attributes:
        code: ``MCC5`` and two digits, stable for ever.
        name: short name in words joined by hyphens.
        title: one line for lists.
        kinds: kinds of document it looks at; empty = all.
        severity: of what it yields.
        shipped_only: style of the shipped registries that private layers need not follow.
    """

    code: ClassVar[str]
    name: ClassVar[str]
    title: ClassVar[str]
    kinds: ClassVar[tuple[str, ...]] = ()
    severity: ClassVar[Severity] = "error"
    shipped_only: ClassVar[bool] = False

    def check(self, document: Document, data: dict[str, Any], context: Context) -> Iterator[Problem]:
        """The problems of one document.

        Args:
            document: the document; ``document.layer`` says which layer is judged.
            data: its rows as plain data, defaults left out.
            context: what else is loaded.
        """
        raise NotImplementedError


def rows_of(data: dict[str, Any], collection: str) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The rows of a list or mapping with their paths."""
    rows = data.get(collection, [])
    items: Iterable[tuple[Any, Any]] = rows.items() if isinstance(rows, dict) else enumerate(rows)
    for key, row in items:
        yield (collection, key), row


def model_rows(data: dict[str, Any]) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Patterns, then exact rows, of a model family."""
    yield from rows_of(data, "patterns")
    yield from rows_of(data, "models")


def profiles_of(path: Path, row: dict[str, Any]) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The profiles of a row."""
    for name, profile in row.get("profiles", {}).items():
        yield (*path, "profiles", name), profile
