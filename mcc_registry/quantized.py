"""Quantised copies of a model: what a repository's name says about its weights, and the shape that follows from it.

A name is a hint, never a measurement: the Hub's bytes or an exact row win over it wherever they are known.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .sizing import ModelShape

UNKNOWN_FORMAT = "unknown"
"""A quantised copy whose bits its name does not say; sizing answers with a range from 4 to 16 bits."""

_ENDINGS = (
    (r"nvfp4", "nvfp4"),
    (r"mxfp4", "mxfp4"),
    (r"fp8(?:[-_.](?:dynamic|static|block|tensor|channel))?", "fp8"),
    (r"(?:gptq|awq)[-_.]?(?:int8|8bit|w8a16)", "int8"),
    (r"w8a8|w8a16|int8|8bit", "int8"),
    (r"gptq[-_.]?(?:int4|4bit)", "gptq"),
    (r"awq(?:[-_.]?(?:int4|4bit))?", "awq"),
    (r"w4a16|int4", "int4"),
    (r"gptq|4bit|bnb[-_.]4bit", UNKNOWN_FORMAT),
)
"""How names of quantised copies end, and the format's word in sizing. AWQ checkpoints are 4-bit; a bare GPTQ may be 4 or 8.

Source: names of the copies in facts/models.yaml and facts/memory.yaml (-FP8, -FP8-dynamic, -AWQ, -quantized.w4a16,
-quantized.w8a8); facts/models.md "Pitfalls" 9 for the size of AWQ copies.
"""


class QuantizedName(NamedTuple):
    """The name of the model a quantised copy was made of, and the format of the copy's weights."""

    base: str
    format: str


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    """The endings compiled, when the first name is asked about."""
    rows = ((rf"[-_.](?:quantized[-_.])?(?:{ending})$", word) for ending, word in _ENDINGS)
    return tuple((re.compile(text, re.IGNORECASE), word) for text, word in rows)


def quantized_name(name: str) -> QuantizedName | None:
    """What a repository's name says; None when it does not end like a quantised copy's.

    >>> quantized_name("Qwen/Qwen3-8B-AWQ")
    QuantizedName(base='Qwen/Qwen3-8B', format='awq')
    >>> quantized_name("Qwen/Qwen2.5-7B-Instruct-GPTQ-Int8")
    QuantizedName(base='Qwen/Qwen2.5-7B-Instruct', format='int8')
    >>> quantized_name("Qwen/Qwen3-8B") is None
    True
    """
    for pattern, word in _patterns():
        found = pattern.search(name)
        if found is not None and found.start() > name.find("/") + 1:
            return QuantizedName(name[: found.start()], word)
    return None


WHILE_LOADING = {"fp8": "fp8", "ptpc_fp8": "fp8", "int8": "int8", "experts_int8": UNKNOWN_FORMAT,
                 "bitsandbytes": UNKNOWN_FORMAT, "torchao": UNKNOWN_FORMAT, "online": UNKNOWN_FORMAT,
                 "nvfp4_online": UNKNOWN_FORMAT}  # fmt: skip
"""Methods engines apply to 16-bit weights while loading, by how their names begin, and the format they then count by.

Source: facts/memory.md section 5 (load-time fp8 and int8 of Llama 3.1 8B: 8.49 GiB); choice_history.quantization of
facts/engines.yaml for the names. Bits that differ by layer or option are not known: sizing answers with a range. Every
other method (awq, gptq, compressed-tensors, modelopt, ...) reads a checkpoint that was made for it.
"""


def quantizes_while_loading(method: str) -> bool:
    """Whether an engine's quantisation method is known to work on a 16-bit checkpoint.

    >>> quantizes_while_loading("fp8_per_tensor"), quantizes_while_loading("awq_marlin")
    (True, False)
    """
    return any(method.startswith(word) for word in WHILE_LOADING)


def loaded_format(native: str | None, method: str | None) -> str | None:
    """The format the weights take by an engine's setting; None = as they are published.

    A setting never makes a quantised checkpoint smaller, and a method that needs one leaves 16-bit weights as they
    are: the engine refuses them.

    >>> loaded_format(None, "fp8"), loaded_format(None, "awq"), loaded_format("fp8", "fp8")
    ('fp8', None, None)
    """
    if method is None or native is not None:
        return None
    longest = max((word for word in WHILE_LOADING if method.startswith(word)), key=len, default=None)
    return None if longest is None else WHILE_LOADING[longest]


def quantized_shape(shape: ModelShape, format: str) -> ModelShape:
    """The shape of a model's quantised copy: the same layers and cache, weights in another format.

    A model that is published in that format already stays as it is.
    """
    native = shape.native_quantization
    if native is not None and native.startswith(format):
        return shape
    return replace(shape, native_quantization=format, weights_gib_as_shipped=None, weight_bytes=None)


def copies_of(name: str, known: Iterable[str]) -> list[str]:
    """Those of some known names that are quantised copies of a model, in their order."""
    wanted, found = name.lower(), []
    for other in known:
        parts = quantized_name(other)
        if parts is not None and parts.format != UNKNOWN_FORMAT and parts.base.lower() == wanted:
            found.append(other)
    return found
