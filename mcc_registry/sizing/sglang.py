"""SGLang's budget: its fraction covers weights and cache, everything else lives in the rest.

Source: facts/memory.yaml overheads.sglang (sglang10975).
"""

from __future__ import annotations

from .shapes import DeviceMemory

USED_BEFORE_LOAD_GIB = 0.6
USED_BEFORE_LOAD_NVLINK_GIB = 2.1
"""Used before loading, charged to the fraction. Source: derived from facts/memory.yaml sglang-qwen3-235b-fp8-tp4
(0.93 x 79.19 - 55.03 weights - 16.46 cache) and used_before_load_gib for one GPU."""

MULTIMODAL_SHARE = 0.05
"""Taken off the fraction of multimodal models. Source: facts/memory.yaml overheads.sglang.R_mib (5 % or more)."""

_GRAPH_BATCHES = {"small": 160, "large": 256}
"""The formula's cuda_graph_max_bs is not in the facts; it moves the result by 2 MiB each."""


def reserve_gib(device: DeviceMemory, tensor_parallel_size: int, multimodal: bool = False) -> float:
    """GiB per card SGLang keeps free when nobody sets the fraction.

    >>> round(reserve_gib(DeviceMemory(22888, "A10G"), 1), 2)
    3.94
    """
    total = device.memory_mib or 0
    chunk = 2048
    for limit, size in ((35000, 4096), (60000, 8192), (160000, 16384)):
        if total >= limit:
            chunk = size
    batches = _GRAPH_BATCHES["large" if total > 61440 else "small"]
    reserve = 512 + 1.5 * max(chunk, 2048) + 2 * batches + tensor_parallel_size / 8 * 1024
    if total > 61440:
        reserve = max(reserve, 10240.0)
    if multimodal:
        reserve += MULTIMODAL_SHARE * (total - reserve)
    return reserve / 1024


def default_mem_fraction_static(device: DeviceMemory, tensor_parallel_size: int, multimodal: bool = False) -> float:
    """The fraction SGLang chooses itself; 0.88 when the card's memory is unknown."""
    if not device.memory_mib:
        return 0.88
    total = device.memory_mib / 1024
    return round((total - reserve_gib(device, tensor_parallel_size, multimodal)) / total, 3)
