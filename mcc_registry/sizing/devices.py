"""What CUDA sees of a card, which is less than EC2 states.

The contract counts `available_gib` from EC2's figure. Engines count from the CUDA-visible total, so
the difference is charged as part of the overhead: the verdict is then the engine's own.
"""

from __future__ import annotations

from .shapes import DeviceMemory, Estimate

_VISIBLE_GIB: dict[tuple[str, int], tuple[float, float, float]] = {
    ("H100", 81920): (79.11, 79.19, 79.22),
    ("A100", 81920): (79.10, 79.15, 79.20),
    ("A100", 40960): (39.33, 39.38, 39.43),
    ("L40S", 45776): (44.35, 44.40, 44.45),
    ("RTX PRO 6000 Server", 98304): (94.92, 94.97, 95.02),
    ("RTX PRO 6000", 98304): (94.92, 94.97, 95.02),
    ("RTX PRO 4500", 32768): (31.33, 31.38, 31.43),
    ("T4", 16384): (14.56, 14.57, 14.58),
    ("A10", 22888): (21.94, 21.99, 22.04),
    ("RTX 4090", 24576): (23.47, 23.52, 23.57),
    ("RTX 3090", 24576): (23.53, 23.58, 23.63),
    # The A10's figure stands in for two cards with the same EC2 figure that nobody measured.
    ("A10G", 22888): (21.75, 21.99, 22.20),
    ("L4", 22888): (21.75, 21.99, 22.20),
}
"""CUDA-visible GiB by card name and EC2 MiB: lowest, usual, highest.

Source: facts/memory.yaml cuda_visible_memory.gib (engine start-up logs); A10G and L4 are listed there as
unverified and derived here from the A10.
"""

BELOW_NVIDIA_SMI_GIB = 0.6
"""How far the visible total can lie below what nvidia-smi prints.

Source: facts/memory.yaml cuda_visible_memory.note (0.4 to 0.6 GiB).
"""

_ROUND_FIGURE_BELOW_MIB = 20480
"""Small cards whose EC2 figure is the catalog's round number (T4: 16 stated, 14.57 seen).

Source: facts/memory.md section 1.
"""

_NVLINK_CARDS = ("H100", "H200", "B200", "B300", "GB200", "A100", "V100")
"""Cards that EC2 links by NVLink when an instance has several.

Source: facts/memory.md section 3 (fused all-reduce needs NVLink-class GPUs; A10G, L4, L40S are not).
"""


def cuda_visible_gib(device: DeviceMemory) -> Estimate | None:
    """GiB of one card that an engine can count on, or None when EC2's figure is unknown.

    >>> cuda_visible_gib(DeviceMemory(81920, "H100")).mid
    79.19
    """
    if device.memory_mib is None:
        return None
    known = _VISIBLE_GIB.get((device.name or "", device.memory_mib))
    if known is not None:
        return Estimate(*known)
    physical = device.memory_mib / 1024
    if device.memory_mib < _ROUND_FIGURE_BELOW_MIB:
        return Estimate(physical * 0.9, physical * 0.95, physical - 0.2)
    # Known cards of 24 GB and more: 0.7 to 2 % below EC2's figure.
    return Estimate(physical * 0.975, physical * 0.987, physical * 0.993)


def has_nvlink(device: DeviceMemory) -> bool:
    """Whether ranks on this device talk over NVLink, which is what the large workspaces need."""
    if device.nvlink is not None:
        return device.nvlink
    return device.name in _NVLINK_CARDS
