"""How much GPU memory a model needs: pure arithmetic over plain values, one module per question.

`estimate_fit` answers the whole question; the other names are its parts, for tests and for callers
that need one figure. Nothing here opens a file, imports another room or reads a clock.

Every number is an `Estimate` (low, mid, high) until the last step, because a wrong "fits" costs its
owner half an hour of a silent endpoint: the verdict is "fits" only when the high end fits.
"""

from .devices import cuda_visible_gib, has_nvlink
from .engines import (
    default_gpu_memory_utilization,
    default_max_num_batched_tokens,
    default_max_num_seqs,
    engine_constants,
)
from .fit import FitReason, FitResult, default_tensor_parallel_size, estimate_fit
from .kv_cache import cache_dtype_bytes, kv_bytes_per_token, kv_tokens
from .shapes import DeviceMemory, EngineMemory, Estimate, ModelShape
from .weights import estimate_weights

__all__ = [
    "DeviceMemory",
    "EngineMemory",
    "Estimate",
    "FitReason",
    "FitResult",
    "ModelShape",
    "cache_dtype_bytes",
    "cuda_visible_gib",
    "default_gpu_memory_utilization",
    "default_max_num_batched_tokens",
    "default_max_num_seqs",
    "default_tensor_parallel_size",
    "engine_constants",
    "estimate_fit",
    "estimate_weights",
    "has_nvlink",
    "kv_bytes_per_token",
    "kv_tokens",
]
