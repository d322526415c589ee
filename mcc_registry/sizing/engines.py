"""Memory habits of engines by release. A wrong release costs gigabytes, so nothing here has a default release."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from .shapes import DeviceMemory, EngineMemory, Estimate

FIRST_MEASURED = (0, 11)
LAST_MEASURED_BEFORE = (0, 20)
"""vLLM releases whose overheads are known: 0.11 up to, not including, 0.20.

Source: facts/memory.yaml overheads.activation_peak.c and non_torch_increase_gib.
"""

GRAPHS_IN_BUDGET_FROM = (0, 21)
"""From here the estimated CUDA graph memory is taken out of the cache.

Source: facts/memory.yaml overheads.kv_budget (llmd_logs, gpustack251).
"""

FIRST_V1 = (0, 8)
"""Before this the older engine ran, whose figures must not be mixed with later ones.

Source: facts/memory.md section 7 (V0 logs).
"""

CONTRACT_GPU_MEMORY_UTILIZATION = 0.9
"""What `fit` assumes when nobody says otherwise. Source: design.md section 5, contract `fit`."""


@dataclass(frozen=True, slots=True)
class EngineConstants:
    """Constants of one release.

    Args:
        measured: True when the release lies in the measured range.
        v0: True for the older vLLM engine.
        sampler_copies: float32 copies of the logits in the activation peak (low, mid, high).
        non_torch_tp1_gib: Memory outside the tensor library on one GPU.
        non_torch_nvlink_gib: The same for several ranks over NVLink.
        non_torch_pcie_gib: The same for several ranks without NVLink.
        graphs_in_budget: True when CUDA graphs are taken out of the cache.
        windows_padded: True when windowed layers cost as much as full ones plus padding.
        sampler_may_be_unprofiled: True when the release may sample outside the profiled peak.
    """

    measured: bool
    v0: bool
    sampler_copies: Estimate
    non_torch_tp1_gib: Estimate
    non_torch_nvlink_gib: Estimate
    non_torch_pcie_gib: Estimate
    graphs_in_budget: bool
    windows_padded: bool
    sampler_may_be_unprofiled: bool


_SORTING_SAMPLER = Estimate(9.56, 9.6, 9.64)
"""Until 0.16. Source: facts/memory.yaml overheads.activation_peak.c (llmd_empirical, llmd_versions)."""

_TRITON_SAMPLER = Estimate(3.67, 3.72, 3.84)
"""0.17 to 0.19. Source: facts/memory.yaml overheads.activation_peak.c (llmd_logs)."""

_UNPROFILED_SAMPLER = Estimate(0.0, 3.72, 3.84)
"""From 0.20: no value measured; the V2 runner was seen not to profile the sampler at all.

Source: facts/memory.yaml activation_peak.c (value null) and out_of_memory qwen3.6-27b-fp8-tp4-v2runner.
"""

_ANY_SAMPLER = Estimate(0.0, 3.72, 9.64)
"""An unknown release can be any of the above."""


@lru_cache(maxsize=64)
def engine_constants(name: str, version: tuple[int, ...] | None) -> EngineConstants:
    """The constants of a release; unknown engines and releases get ranges that cover all known ones.

    Non-torch figures. Source: facts/memory.yaml overheads.non_torch_increase_gib (llmd_empirical 0.11;
    llmd_versions 0.15 to 0.18; llmd_logs 0.19; vllm48601 for 0.6 at tp 4; vllm10511 for V0).
    """
    if name != "vllm" or version is None:
        return EngineConstants(
            measured=False,
            v0=False,
            sampler_copies=_ANY_SAMPLER,
            non_torch_tp1_gib=Estimate(0.1, 0.25, 0.6),
            non_torch_nvlink_gib=Estimate(0.3, 2.1, 2.5),
            non_torch_pcie_gib=Estimate(0.1, 0.55, 2.17),
            graphs_in_budget=True,
            windows_padded=name == "vllm",
            sampler_may_be_unprofiled=name == "vllm",
        )
    if version < FIRST_V1:
        return EngineConstants(
            measured=False,
            v0=True,
            sampler_copies=_SORTING_SAMPLER,
            non_torch_tp1_gib=Estimate(1.4, 1.79, 2.2),
            non_torch_nvlink_gib=Estimate(2.5, 3.58, 4.0),
            non_torch_pcie_gib=Estimate(1.4, 2.3, 4.0),
            graphs_in_budget=False,
            windows_padded=True,
            sampler_may_be_unprofiled=False,
        )
    sampler = _SORTING_SAMPLER
    if version >= LAST_MEASURED_BEFORE:
        sampler = _UNPROFILED_SAMPLER
    elif version >= (0, 17):
        sampler = _TRITON_SAMPLER
    tp1 = Estimate(0.12, 0.13, 0.14)
    if version >= LAST_MEASURED_BEFORE:
        tp1 = Estimate(0.07, 0.25, 0.6)
    elif version >= (0, 18):
        tp1 = Estimate(0.24, 0.25, 0.46)  # 0.46: Granite, cause not established
    nvlink = Estimate(0.5, 2.1, 2.5)
    if version < (0, 12):
        nvlink = Estimate(0.5, 0.55, 2.2)
    elif (0, 19) <= version < LAST_MEASURED_BEFORE:
        nvlink = Estimate(2.06, 2.1, 2.21)
    return EngineConstants(
        measured=FIRST_MEASURED <= version < LAST_MEASURED_BEFORE,
        v0=False,
        sampler_copies=sampler,
        non_torch_tp1_gib=tp1,
        non_torch_nvlink_gib=nvlink,
        non_torch_pcie_gib=Estimate(0.1, 0.55, 2.17),
        graphs_in_budget=version >= GRAPHS_IN_BUDGET_FROM,
        windows_padded=version < GRAPHS_IN_BUDGET_FROM,
        sampler_may_be_unprofiled=version >= LAST_MEASURED_BEFORE,
    )


def default_gpu_memory_utilization(engine: EngineMemory) -> float:
    """The fraction the engine takes when nobody sets it; `fit` itself assumes 0.9, as its contract says.

    Source: facts/memory.yaml overheads.defaults.gpu_memory_utilization.
    """
    if engine.name == "vllm" and engine.version is not None and engine.version >= (0, 20):
        return 0.92
    return CONTRACT_GPU_MEMORY_UTILIZATION


def _is_large_card(device: DeviceMemory) -> bool:
    """Cards for which the server picks its large limits: 70 GiB and more, and not an A100."""
    return (device.memory_mib or 0) >= 70 * 1024 and "a100" not in (device.name or "").lower()


def default_max_num_seqs(engine: EngineMemory, device: DeviceMemory) -> int:
    """Sequences the engine allows at once when nobody sets it: the figure its activation peak is sized for.

    Source: facts/memory.yaml overheads.defaults.server_limits (vllm_arg_utils); 256 for V0, which
    reproduces its measured peak.
    """
    v0 = engine.name == "vllm" and engine.version is not None and engine.version < FIRST_V1
    return 1024 if _is_large_card(device) and not v0 else 256


def default_max_num_batched_tokens(engine: EngineMemory, device: DeviceMemory) -> int:
    """Tokens the engine processes at once when nobody sets it.

    Source: facts/memory.yaml overheads.defaults.server_limits (vllm_arg_utils). V0 processed a whole
    prompt at once: 8192, the length it was measured with.
    """
    version = engine.version
    if engine.name == "vllm" and version is not None and version < FIRST_V1:
        return 8192
    if not _is_large_card(device):
        return 2048
    if (device.memory_mib or 0) >= 160 * 1024 and (version is None or version >= (0, 28)):
        return 16384
    return 8192
