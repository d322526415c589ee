"""What the Hub says of a model, as a plain value that an answer can record and replay."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, get_args

from .errors import MccError, printable
from .model_shape import model_shape_from_config, select_config

HubStatus = Literal[
    "found", "gated", "not_found", "unauthorized", "rate_limited", "unavailable", "offline", "invalid"
]

COMMIT = re.compile(r"[0-9a-f]{40}")
_SHARD = re.compile(r"(.+)-(\d{5,6})-of-(\d{5,6})\.(safetensors|bin)")


BYTES_BY_DTYPE = {
    "F64": 8, "F32": 4, "F16": 2, "BF16": 2, "F8_E4M3": 1, "F8_E5M2": 1, "F8_E8M0": 1,
    "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U64": 8, "U32": 4, "U16": 2, "U8": 1, "BOOL": 1,
}  # fmt: skip
"""Bytes of one element by safetensors dtype; what is missing here is not guessed. Source: the safetensors format."""


class HubError(MccError, ValueError):
    """Recorded Hub facts are not in the shape ``HubFacts.to_mapping`` writes."""


@dataclass(frozen=True)
class HubFacts:
    """What the Hub says of one model at one commit; None = not said.

    Attributes:
        status: ``found``, or why there is nothing or little to know. With ``gated`` the fields may be filled: the
            Hub tells a gated model's sizes to everybody, its files only to those who were granted access.
        commit: 40 hexadecimal digits; pass it to the engine and a rebuild serves the same weights.
        gated: whether the owner asks for an agreement before files are handed out.
        config: the part of ``config.json`` that sizing reads; see ``model_shape_from_config``.
        chat_template_source: the file that holds the model's chat template; "" when the repository has none.
        chat_template: its text.
        parameter_count: parameters in the safetensors files, as the Hub counts them.
        dtype_counts: parameters by safetensors dtype (``BF16``, ``F8_E4M3``).
        weight_bytes: size of the files an engine loads, second copies left out.
        weight_files: those files.
        remote_code: whether its configuration names code of the repository (``auto_map``); None = it does not.
        contents: ``gguf`` or ``adapter`` when the repository holds no other weights.
        file_names: all files of the repository.
        message: one sentence for people.
        elapsed_s: how long the look-up took; 0.0 in recorded facts.
    """

    status: HubStatus
    model_id: str
    message: str
    revision: str | None = None
    commit: str | None = None
    gated: bool | None = None
    config: Mapping[str, Any] | None = None
    chat_template_source: str | None = None
    chat_template: str | None = None
    parameter_count: int | None = None
    dtype_counts: Mapping[str, int] | None = None
    weight_bytes: int | None = None
    weight_files: tuple[str, ...] = ()
    remote_code: bool | None = None
    contents: str | None = None
    file_names: tuple[str, ...] = field(default=(), repr=False)
    elapsed_s: float = field(default=0.0, compare=False)

    def to_mapping(self, *, with_template: bool = False, with_files: bool = False) -> dict[str, Any]:
        """Plain data to record in an answer, the same for equal facts; ``hub_facts_from_mapping`` reads it.

        Args:
            with_template: keep the template's text too, not only the file that holds it.
            with_files: keep the names of all files too.
        """
        left_out = {"elapsed_s"}
        left_out |= set() if with_template else {"chat_template"}
        left_out |= set() if with_files else {"file_names"}
        data: dict[str, Any] = {}
        for name in (f.name for f in fields(self)):
            value = getattr(self, name)
            if name not in left_out and value is not None and value != ():
                data[name] = _copy(value)
        return data

    @property
    def stated_weight_bytes(self) -> int | None:
        """Bytes of the weights: of the files, else of the tensors the Hub counted by dtype; None when neither is known."""
        if self.weight_bytes:
            return self.weight_bytes
        counts = self.dtype_counts or {}
        sizes = [BYTES_BY_DTYPE.get(dtype) for dtype in counts]
        if not counts or None in sizes:
            return None
        return sum(count * (size or 0) for count, size in zip(counts.values(), sizes, strict=True)) or None

    def shape(self) -> dict[str, Any]:
        """Architecture facts from the model's configuration; all None when it is not known."""
        return model_shape_from_config(self.config or {})


def _copy(value: Any) -> Any:
    """Mappings and sequences as fresh, sorted, plain ones."""
    if isinstance(value, Mapping):
        return {str(key): _copy(value[key]) for key in sorted(value, key=str)}
    return [_copy(v) for v in value] if isinstance(value, list | tuple) else value


def hub_facts_from_mapping(data: object) -> HubFacts:
    """Facts that ``HubFacts.to_mapping`` recorded.

    Raises:
        HubError: the data has another shape; recorded answers can be edited by hand.
    """
    if not isinstance(data, Mapping):
        raise HubError("recorded Hub facts must be a mapping")
    shapes: dict[str, Any] = {
        "status": str, "model_id": str, "message": str, "revision": str, "commit": str, "gated": bool,
        "config": Mapping,
        "chat_template_source": str, "chat_template": str, "parameter_count": int, "dtype_counts": Mapping,
        "weight_bytes": int, "weight_files": list, "remote_code": bool, "contents": str, "file_names": list,
    }  # fmt: skip
    for key, value in data.items():
        if key not in shapes:
            raise HubError(f"recorded Hub facts have the unknown key {printable(key)}")
        wrong_bool = isinstance(value, bool) and shapes[key] is not bool
        if wrong_bool or not isinstance(value, shapes[key]):
            raise HubError(f"{key} of the recorded Hub facts has the wrong type")
    missing = [key for key in ("status", "model_id", "message") if key not in data]
    if missing:
        raise HubError(f"recorded Hub facts lack {missing[0]}")
    if data["status"] not in get_args(HubStatus):
        raise HubError(f"status of the recorded Hub facts is {printable(data['status'])}, which is none of ours")
    if "commit" in data and not COMMIT.fullmatch(data["commit"]):
        raise HubError("commit of the recorded Hub facts is not 40 hexadecimal digits")
    values = dict(data)
    for key in ("weight_files", "file_names"):
        names = values.get(key, [])
        if not all(isinstance(name, str) for name in names):
            raise HubError(f"{key} of the recorded Hub facts must hold text")
        values[key] = tuple(names)
    counts = values.get("dtype_counts", {})
    if not all(isinstance(k, str) and whole_number(v) is not None for k, v in counts.items()):
        raise HubError("dtype_counts of the recorded Hub facts must map dtypes to whole numbers")
    if any(key in values and values[key] < 0 for key in ("parameter_count", "weight_bytes")):
        raise HubError("sizes in the recorded Hub facts must not be negative")
    if "config" in values:
        values["config"] = select_config(values["config"])
    return HubFacts(**values)


def whole_number(value: object) -> int | None:
    """A whole number that is not negative, otherwise None."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**18 else None


def parse_parameters(safetensors: object) -> tuple[int | None, dict[str, int] | None]:
    """Parameters in all and by dtype, from the Hub's summary of the safetensors headers."""
    if not isinstance(safetensors, dict):
        return None, None
    by_dtype = safetensors.get("parameters")
    counts = {}
    for dtype, number in by_dtype.items() if isinstance(by_dtype, dict) else ():
        if whole_number(number) is None:
            return whole_number(safetensors.get("total")), None
        counts[str(dtype)[:20]] = number
    total = whole_number(safetensors.get("total"))
    return (total if total is not None else sum(counts.values()) or None), counts or None


def choose_weights(sizes: Mapping[str, int | None]) -> tuple[tuple[str, ...], int | None]:
    """The weight files an engine loads and their bytes; None for the bytes when a size or a shard is missing.

    Only the top folder counts: ``original/``, ``metal/`` and the like hold second copies (gpt-oss is half its
    folder's size). There, a sharded set comes before one whole file, safetensors before ``.bin``, and Mistral's
    ``consolidated`` copy is used only when there is nothing else. Several sets of which none has the usual name
    are not chosen from.
    """
    top = [name for name in sizes if "/" not in name]
    for ending, stem in (("safetensors", "model"), ("bin", "pytorch_model")):
        sets: dict[str, list[str]] = {}
        for name in top:
            if name.endswith(f".{ending}") and not name.startswith("adapter_model"):
                match = _SHARD.fullmatch(name)
                sets.setdefault(f"{match[1]}-*" if match else name, []).append(name)
        copies = {key: names for key, names in sets.items() if key.startswith("consolidated")}
        sets = {key: names for key, names in sets.items() if key not in copies} or copies
        usual = (f"{stem}-*", f"{stem}.{ending}-*", f"{stem}.{ending}")
        only = next(iter(sets)) if len(sets) == 1 and ending == "safetensors" else None
        key = next((key for key in usual if key in sets), only)
        if key is not None:
            names = sorted(sets[key])
            match = _SHARD.fullmatch(names[0])
            complete = match is None or len(names) == int(match[3])
            return tuple(names), _total(names, sizes) if complete else None
        if sets and ending == "safetensors":
            return (), None
    return (), None


def contents_of(names: Iterable[str]) -> str | None:
    """``adapter`` or ``gguf`` for a repository whose only weights are those; None for a model, or when in doubt."""
    names = [name.lower() for name in names]
    weights = [n for n in names if n.endswith((".safetensors", ".bin", ".pt", ".pth"))]
    if any(not n.rpartition("/")[2].startswith("adapter_model") for n in weights):
        return None
    if "adapter_config.json" in names:
        return "adapter"
    return "gguf" if any(n.endswith(".gguf") for n in names) else None


def _total(names: list[str], sizes: Mapping[str, int | None]) -> int | None:
    known = [size for name in names if (size := sizes[name]) is not None]
    return sum(known) if len(known) == len(names) else None


def find_template(tokenizer_config: object) -> str | None:
    """The chat template of a ``tokenizer_config.json``: a text, or several named ones of which "default" counts."""
    given = tokenizer_config.get("chat_template") if isinstance(tokenizer_config, dict) else None
    if isinstance(given, list):
        named = [t.get("template") for t in given if isinstance(t, dict) and t.get("name") == "default"]
        given = named[0] if named else None
    return given if isinstance(given, str) and given else None
