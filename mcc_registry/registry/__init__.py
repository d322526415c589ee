"""One immutable snapshot of the registries: look-ups and cross-references; opens no files itself."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ..patterns import does_match, literal_prefix, specificity
from .entries import (
    FrameworkEntry,
    ImageError,
    ImageReferenceError,
    Instance,
    LayerInfo,
    LazyMap,
    Policy,
    ReleaseEntry,
)
from .matches import ModelMatch

if TYPE_CHECKING:
    from ..loading.documents import Document
    from ..loading.load import Loaded
    from ..models.base import Provenance
    from ..models.instance import Amis, Cuda, Devices, Gpu, Neuron, PriceBasis, Regions
    from ..models.model import Architecture, ModelFamily, ModelRow

__all__ = [
    "FrameworkEntry",
    "ImageError",
    "ImageReferenceError",
    "Instance",
    "LayerInfo",
    "ModelMatch",
    "Policy",
    "Registry",
    "ReleaseEntry",
]

_FOLDER_KINDS = {"frameworks": "framework", "models": "model_family", "instances": "instance_family"}
_MAX_CACHED_NAMES = 10_000
EC2_PRICE = "EC2"
"""How the basis of a price that is EC2's begins; SageMaker bills more than that."""


class Registry:
    """The registries as loaded, shipped ones and layers; equal questions always get equal answers.

    Attributes:
        frameworks: framework id to its releases.
        instances: instance type to its facts, all of them.
        models: family id to its rows.
        gpus: GPU name to its facts.
        cuda, amis, neuron, regions: the rows of those files.
        chat_templates: format name to template text.
        version: digest of everything loaded, short hexadecimal.
        shipped_digest: digest of the shipped files if their compiled snapshot is current, else None.
        layers: what was loaded, ``shipped`` first.
        policy: what layers restrict.
    """

    def __init__(self, loaded: Loaded) -> None:
        self._loaded = loaded
        self._rows = loaded.rows
        self._documents = loaded.documents
        self._singles: dict[str, Any] = {}
        by_kind: dict[str, dict[str, Document]] = {}
        for (kind, name), document in loaded.documents.items():
            by_kind.setdefault(kind, {})[name] = document
        self._types = {
            type_name: (document, position)
            for document in by_kind.get("instance_family", {}).values()
            for position, type_name in enumerate(document.index["types"])
        }
        self.frameworks: Mapping[str, FrameworkEntry] = LazyMap(by_kind.get("framework", {}), self._make_framework)
        self.models: Mapping[str, ModelFamily] = LazyMap(by_kind.get("model_family", {}), self._make_family)
        self.instances: Mapping[str, Instance] = LazyMap(self._types, self._make_instance)
        self.version: str = loaded.version
        self.shipped_digest: str | None = loaded.layers[0].digest if loaded.from_snapshot else None
        self.layers: tuple[LayerInfo, ...] = tuple(
            LayerInfo(layer.name, str(layer.path), dict(layer.counts), layer.shown) for layer in loaded.layers
        )
        self.policy: tuple[Policy, ...] = tuple(_policies(loaded))
        self._removed = {key: layer.shown for layer in loaded.layers for key in layer.removed}
        self._servers = _servers(by_kind.get("framework", {}))
        self._templates = loaded.templates()
        self.chat_templates: Mapping[str, str] = LazyMap(self._templates, self._read_template)
        self._exact, self._patterns, self._prefix_lengths = _model_index(by_kind.get("model_family", {}))
        self._found: dict[str, ModelMatch | None] = {}
        self._by_price: dict[str, tuple[Instance, ...]] = {}
        self.memo: dict[Any, Any] = {}
        """Answers of the rooms above that follow from this snapshot alone, kept for the next question."""

    @classmethod
    def load(
        cls,
        registry_path: str | Path | Sequence[str | Path] | None = None,
        *,
        root: Path | None = None,
        environ: Mapping[str, str] | None = None,
        shown: Mapping[str, str] | None = None,
        digest: str | None = None,
    ) -> Registry:
        """The shipped registries with layers over them.

        Args:
            registry_path: folders laid over the shipped registries after those of ``REGISTRY_PATH``; several may be
                joined by ``os.pathsep``.
            root: folder of the shipped registries; None = the one that came with this package.
            environ: where ``REGISTRY_PATH`` is looked up; None = the process's environment.
            shown: layer path to how that layer is called in messages and provenance; its path where it is missing.
            digest: an earlier :attr:`shipped_digest` of the same files, from a caller who knows that they are the same:
                they are not read again to find it out.

        Raises:
            RegistryError: the registries or a layer are broken; with every fault.
        """
        from ..loading.files import layers_of, shipped_root
        from ..loading.load import get_error, load_documents

        layers = layers_of(registry_path, os.environ if environ is None else environ)
        home = shipped_root() if root is None else Path(root)
        loaded = load_documents(home, layers, shown_layers=shown, digest=digest)
        if layers:
            from ..validate.run import faults_of_layers

            loaded.faults = faults_of_layers(loaded)
        if loaded.faults:
            raise get_error(loaded.faults, loaded.layers)
        return cls(loaded)

    def stamp(self) -> dict[str, Any]:
        """What a plan remembers of the registries: version, the layers' names and folders, and what they restrict."""
        return {
            "version": self.version,
            "layers": [layer.name for layer in self.layers],
            "folders": [layer.shown for layer in self.layers],
            "restrictions": [policy.to_json() for policy in self.policy],
        }

    def __repr__(self) -> str:
        return f"Registry(version={self.version!r}, layers={[layer.name for layer in self.layers]!r})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Registry):
            return NotImplemented
        mine = {key: document.read() for key, document in self._documents.items()}
        return mine == {key: document.read() for key, document in other._documents.items()}

    __hash__ = object.__hash__

    # ------------------------------------------------------------------ single files

    def _single(self, kind: str) -> Any:
        row = self._singles.get(kind)
        if row is None:
            document = self._documents[kind, kind]
            names = {"gpus": "Gpus", "cuda": "Cuda", "amis": "Amis", "neuron": "Neuron", "regions": "Regions"}
            row = self._singles[kind] = self._rows.get(names[kind])(document.read())
        return row

    @property
    def gpus(self) -> Mapping[str, Gpu]:
        """GPU name to its facts."""
        return cast("Mapping[str, Gpu]", self._single("gpus").gpus)

    @property
    def gpus_provenance(self) -> Provenance:
        """Where the facts about GPUs come from."""
        return cast("Provenance", self._single("gpus").provenance)

    @property
    def cuda(self) -> Cuda:
        """CUDA toolkits and driver branches."""
        return cast("Cuda", self._single("cuda"))

    @property
    def amis(self) -> Amis:
        """Host AMIs and which to choose."""
        return cast("Amis", self._single("amis"))

    @property
    def neuron(self) -> Neuron:
        """Neuron devices and SDK releases."""
        return cast("Neuron", self._single("neuron"))

    def find_devices(self, kind: str) -> Devices | None:
        """The devices of a kind of accelerator that was added (``accelerators/KIND.yaml``); None without such a file."""
        document = self._documents.get(("devices", kind))
        if document is None:
            return None
        row = self._singles.get(f"devices:{kind}")
        if row is None:
            row = self._singles[f"devices:{kind}"] = self._rows.get("Devices")(document.read())
        return cast("Devices", row)

    @property
    def regions(self) -> Regions:
        """Regions, partitions and ECR accounts."""
        return cast("Regions", self._single("regions"))

    def _read_template(self, name: str) -> str:
        from ..loading.load import read_template

        return read_template(self._templates[name])

    # ------------------------------------------------------------------ frameworks

    def _make_framework(self, name: str) -> FrameworkEntry:
        document = self._documents["framework", name]
        data = self._rows.get("Framework")(document.read())
        return FrameworkEntry(name, cast(Any, data), document.index, lambda: self.regions, document.file_of)

    def framework_servers(self, framework: str) -> tuple[str, ...]:
        """The model servers of a framework, those with most releases first; its own order where it lists them."""
        own = self._documents.get(("framework", framework))
        if own is not None and own.index["model_servers"]:
            return tuple(own.index["model_servers"])
        return self._servers.get(framework, ())

    def framework_names(self) -> tuple[str, ...]:
        """The frameworks something serves, the most served first."""
        return tuple(self._servers)

    frameworks_names = framework_names

    # ------------------------------------------------------------------ instances

    def find_instance(self, type_name: str) -> Instance | None:
        """An instance type by its exact name."""
        return self.instances[type_name] if type_name in self._types else None

    def _make_instance(self, type_name: str) -> Instance:
        document, position = self._types[type_name]
        family = document.read()
        row = family["types"][position]
        accelerator = family["accelerator"]
        price = self._singles.get(f"price:{document.id}")
        if price is None:
            price = self._singles[f"price:{document.id}"] = self._rows.get("PriceBasis")(family["price"])
        return Instance(
            type=type_name,
            family=family["id"],
            architecture=family["architecture"],
            vcpus=row["vcpus"],
            memory_mib=row["memory_mib"],
            accelerator_kind=accelerator["kind"],
            accelerator_name=accelerator.get("name"),
            accelerator_count=row.get("accelerator_count", 0),
            accelerator_memory_mib=accelerator.get("memory_mib_each"),
            transform=row.get("transform", False),
            price_usd_hour=row.get("price_usd_hour"),
            price=cast("PriceBasis", price),
            legacy=family.get("legacy"),
            local_nvme=family.get("local_nvme"),
            file=document.file_of("types", type_name),
            price_basis=row.get("price_basis")
            or f"{EC2_PRICE} {family['price']['region']} on demand, {family['price']['date']}",
            disputed=family["provenance"].get("disputed"),
        )

    def instances_by_price(self, kind: str) -> tuple[Instance, ...]:
        """Types of an accelerator kind (``cuda``, ``neuron``, ``cpu``, ``other``), cheapest first, unpriced last."""
        known = self._by_price.get(kind)
        if known is None:
            chosen = [
                self.instances[name]
                for name, (document, _) in self._types.items()
                if document.read()["accelerator"]["kind"] == kind
            ]
            chosen.sort(key=lambda i: (i.price_usd_hour is None, i.price_usd_hour or 0.0, i.type))
            known = self._by_price[kind] = tuple(chosen)
        return known

    # ------------------------------------------------------------------ models

    def _make_family(self, name: str) -> ModelFamily:
        return cast("ModelFamily", self._rows.get("ModelFamily")(self._documents["model_family", name].read()))

    def find_model(self, name: str) -> ModelMatch | None:
        """What is known of a model name: its exact row, else the most specific pattern's; letter case is ignored."""
        try:
            return self._found[name]
        except KeyError:
            pass
        found = self._look_up(name)
        if len(self._found) >= _MAX_CACHED_NAMES:
            self._found.clear()
        self._found[name] = found
        return found

    def _look_up(self, name: str) -> ModelMatch | None:
        exact = self._exact.get(name.lower())
        if exact is not None:
            document, position = exact
            row = self.models[document.id].models[position]
            pattern = self._best_pattern(name, document.id)
            inherited = None if pattern is None else self.models[document.id].patterns[pattern[1]]
            return self._match(name, "exact", document, row, "models", inherited)
        best = self._best_pattern(name, None)
        if best is None:
            return None
        document, position = best
        return self._match(name, "pattern", document, self.models[document.id].patterns[position], "patterns", None)

    def _match(
        self, name: str, how: str, document: Document, row: ModelRow, collection: str, inherited: ModelRow | None
    ) -> ModelMatch:
        layer = self.layers[document.layer_of(collection, row.match)].name
        file = document.file_of(collection, row.match)
        family = self.models[document.id]
        return ModelMatch(name, how, row.match, document.id, family, row, file, layer, inherited, document.file_of)

    def _best_pattern(self, name: str, family: str | None) -> tuple[Document, int] | None:
        text = name.lower()
        best: tuple[tuple[int, int], str, Document, int] | None = None
        for length in self._prefix_lengths:
            if length > len(text):
                break
            for pattern, document, position in self._patterns.get(text[:length], ()):
                if (family is None or document.id == family) and does_match(pattern, name):
                    rank = (specificity(pattern), document.layer_of("patterns", pattern))
                    if best is None or rank > best[0] or (rank == best[0] and pattern < best[1]):
                        best = (rank, pattern, document, position)
        return (best[2], best[3]) if best else None

    def find_architecture(self, match: ModelMatch, profile: str | None = None) -> Architecture | None:
        """Architecture facts: the row's own, else those of the exact id the profile says the model is like."""
        if match.row.architecture is not None:
            return match.row.architecture
        row = match.profiles.get(profile) if profile else None
        if row is None or row.like is None:
            return None
        like = self.find_model(row.like)
        return like.row.architecture if like is not None and like.match == "exact" else None

    # ------------------------------------------------------------------ provenance

    def file_of_issue(self, family: str, issue: str) -> str:
        """The file that last said something about a known issue of a model family."""
        return self._documents["model_family", family].file_of("known_issues", issue)

    def file_of_type(self, type_name: str) -> str:
        """The file that last said something about an instance type, be it that there is none."""
        family = type_name.removeprefix("ml.").partition(".")[0]
        key = ("instance_family", family)
        if key in self._documents:
            return self._documents[key].file_of("types", type_name)
        return f"{self._removed.get(key, 'registries')}/instances/{family}.yaml"

    def find_removed_model(self, match: str) -> tuple[str, str] | None:
        """File and key of a layer that removed a model's row or a pattern; None when none did."""
        for (kind, _), document in self._documents.items():
            for name in ("models", "patterns") if kind == "model_family" else ():
                if (name, match) in document.origins and match not in document.index[name]:
                    return document.file_of(name, match), f"{name}[{match}]"
        return None

    def file_of(self, kind: str, id: str = "") -> str:
        """The file of an entry, for messages: ``registries/frameworks/vllm.yaml`` or a layer's path.

        Args:
            kind: a kind (``framework``) or folder (``frameworks``), or ``gpus``, ``cuda``, ``amis``, ``neuron``,
                ``regions``.
            id: framework, family or instance family; an instance type or a model name works too.
        """
        name = _FOLDER_KINDS.get(kind, kind)
        document = self._documents.get((name, id)) or self._documents.get((name, name))
        if document is not None:
            return document.shown
        if name == "instance_family" and id in self._types:
            return self.instances[id].file
        if name == "model_family" and (match := self.find_model(id)):
            return match.file
        return f"registries/{kind}"


def _policies(loaded: Loaded) -> list[Policy]:
    found = []
    for layer in loaded.layers:
        if layer.policy is not None:
            data = layer.policy.read()
            allow = {key: tuple(value) for key, value in data["allow"].items() if value is not None}
            found.append(Policy(data["reason"], layer.name, layer.policy.shown, data.get("contact"), **allow))
    return found


def _servers(frameworks: Mapping[str, Document]) -> dict[str, tuple[str, ...]]:
    """Framework to its model servers, those with most releases first; the most served framework first."""
    serving: dict[str, list[tuple[int, str]]] = {}
    for name, document in frameworks.items():
        for served in document.index["serves"]:
            serving.setdefault(served, []).append((-len(document.index["versions"]), name))
    order = sorted(serving, key=lambda served: (-len(serving[served]), served))
    return {served: tuple(name for _, name in sorted(serving[served])) for served in order}


def _model_index(
    families: Mapping[str, Document],
) -> tuple[dict[str, tuple[Document, int]], dict[str, list[tuple[str, Document, int]]], list[int]]:
    """Exact ids in lower case, patterns by what a name must start with, and the lengths of those beginnings."""
    exact: dict[str, tuple[Document, int]] = {}
    patterns: dict[str, list[tuple[str, Document, int]]] = {}
    for document in families.values():
        layered = bool(document.origins) or document.made_by > 0
        for position, match in enumerate(document.index["models"]):
            key = match.lower()
            known = exact.get(key) if layered or key in exact else None
            if known is None or _layer_of(document, match) >= _layer_of(known[0], known[0].index["models"][known[1]]):
                exact[key] = (document, position)
        for position, match in enumerate(document.index["patterns"]):
            patterns.setdefault(literal_prefix(match), []).append((match, document, position))
    return exact, patterns, sorted({len(prefix) for prefix in patterns})


def _layer_of(document: Document, match: str) -> int:
    return document.layer_of("models", match)
