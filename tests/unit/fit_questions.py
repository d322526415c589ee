"""Questions to `fit`, without its command line."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from mcc_registry.cli.fit import ask
from mcc_registry.cli.fit_question import Question
from mcc_registry.registry import Registry

FLAGS: dict[str, Any] = {
    "instance_type": None, "tensor_parallel_size": None, "pipeline_parallel_size": None, "max_model_len": None,
    "max_num_seqs": None, "dtype": None, "quantization": None, "kv_cache_dtype": None, "gpu_memory_utilization": None,
    "model_server": "vllm", "framework_version": "0.30.0",
}  # fmt: skip


def question(registry: Registry, model: str, **flags: Any) -> Question:
    """What `mcc-registry fit MODEL --offline` with these flags asks."""
    found, findings = ask(Namespace(model=model, **{**FLAGS, **flags}), registry, offline=True)
    assert found is not None, findings
    return found
