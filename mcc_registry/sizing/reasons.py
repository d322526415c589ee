"""The figures behind a verdict as plain sentences, each with where it comes from."""

from __future__ import annotations

from typing import NamedTuple

from .devices import cuda_visible_gib
from .engines import engine_constants
from .kv_cache import padding_factor, windowed_layers
from .shapes import HYBRID_STATE_KINDS, DeviceMemory, EngineMemory, ModelShape


class FitReason(NamedTuple):
    """One fact for the message: what is so, and by which source."""

    text: str
    source: str


class Circumstances(NamedTuple):
    """What a verdict was about; the words are made only when somebody reads them."""

    shape: ModelShape
    device: DeviceMemory
    engine: EngineMemory
    utilization: float
    ranks: int
    stages: int
    engine_sequences: int
    asked_sequences: int
    length: int | None
    per_token: float | None
    needed_outside: float = 0.0
    outside: float = 0.0
    state_limit: int | None = None


_OVERHEAD_SOURCES = {
    "vllm": "start-up logs of vLLM 0.11 to 0.19 on H100 (llmd_logs, llmd_empirical)",
    "sglang": "start-up formula (sglang10975)",
}


def explain(
    about: Circumstances, weights_gib: float | None, cache_gib: float | None, overhead_gib: float | None
) -> tuple[FitReason, ...]:
    """The figures, then whatever makes the verdict uncertain or impossible."""
    reasons = [*_weights(about, weights_gib), *_cache(about, cache_gib)]
    if overhead_gib is not None:
        reasons += [*_overhead(about, overhead_gib), *_device(about), *_doubts(about)]
    elif about.device.kind != "cuda":
        kind = about.device.kind
        reasons.append(FitReason(f"memory is judged for CUDA GPUs only; this device is {kind}", "sizing"))
    elif not about.device.memory_mib:
        reasons.append(FitReason("the memory of this GPU is not known", "instance facts"))
    return tuple(reasons)


def _engine_text(engine: EngineMemory) -> str:
    return engine.name if engine.version is None else f"{engine.name} {'.'.join(map(str, engine.version))}"


def _weights(about: Circumstances, weights_gib: float | None) -> list[FitReason]:
    if weights_gib is None:
        return [FitReason("the model's size is not known: no parameter count, no file size", "model facts")]
    source = "exact file size" if about.shape.weight_bytes is not None else "model facts"
    text = f"weights need {weights_gib:.2f} GiB"
    if about.stages > 1:
        text = f"the fullest of {about.stages} stages takes {weights_gib / about.stages:.2f} GiB of weights"
        if about.shape.num_layers is None:
            text += "; how the layers are dealt out is not known"
        return [FitReason(text, f"{source}; the largest figure of a stage counts for all")]
    return [FitReason(text, source)]


def _cache(about: Circumstances, cache_gib: float | None) -> list[FitReason]:
    if about.per_token is None:
        return [FitReason("no formula is known for this model's cache", "model facts")]
    if cache_gib is None:
        return [FitReason("the context length of this model is not known", "model facts")]
    if not about.per_token:
        return []
    count = "1 sequence" if about.asked_sequences == 1 else f"{about.asked_sequences} sequences"
    price = f"{about.per_token / 1024:.4g} KiB per token and GPU"
    text = f"{count} of {about.length} tokens: {cache_gib:.2f} GiB of cache ({price})"
    return [FitReason(text, "cache formula of the attention family")]


def _overhead(about: Circumstances, overhead_gib: float) -> list[FitReason]:
    source = _OVERHEAD_SOURCES.get(about.engine.name, "figures of vLLM; this engine was not measured")
    beside = f"with up to {about.engine_sequences} sequences at once"
    return [FitReason(f"{_engine_text(about.engine)} needs {overhead_gib:.2f} GiB more {beside}", source)]


def _device(about: Circumstances) -> list[FitReason]:
    reasons = []
    visible = cuda_visible_gib(about.device)
    name = about.device.name or "GPU"
    if visible is not None and about.device.memory_mib:
        text = f"each {name} has {about.device.memory_mib / 1024:.2f} GiB, CUDA sees {visible.mid:.2f}"
        reasons.append(FitReason(f"{text}; the engine may use {about.utilization:g} of it", "EC2, start-up logs"))
    if about.ranks * about.stages > max(1, about.device.count):
        text = f"{about.ranks * about.stages} GPUs are asked for, the instance has {about.device.count}"
        reasons.append(FitReason(text, "instance facts"))
    return reasons


def _doubts(about: Circumstances) -> list[FitReason]:
    shape, engine = about.shape, about.engine
    constants = engine_constants(engine.name, engine.version)
    reasons = []
    if not constants.measured:
        text = f"the memory habits of {_engine_text(engine)} were not measured: the interval is wider"
        reasons.append(FitReason(text, "measured: vLLM 0.11 to 0.19"))
    if windowed_layers(shape):
        text = "windowed layers are counted in full; newer releases may need less"
        source = "vllm51041"
        if constants.windows_padded and engine.version is not None:
            slots = padding_factor(shape) * (shape.cached_layers or 0)
            text, source = f"windowed layers are kept in full: {slots:.0f} layer slots", "hfmem70, llmd_logs"
        reasons.append(FitReason(text, source))
    if shape.attention_kind in HYBRID_STATE_KINDS and about.state_limit is not None:
        text = "each sequence also keeps a fixed state of unknown size, counted with room to spare"
        if about.state_limit < about.engine_sequences:
            text = (
                f"each sequence keeps a fixed state of unknown size; set max_num_seqs to {about.state_limit} at most"
            )
        reasons.append(FitReason(text, "vllm23230, kaito2319"))
    if about.needed_outside > about.outside:
        text = (
            f"{about.outside:.2f} GiB per GPU stay outside the budget, start-up may need"
            f" {about.needed_outside:.2f}; lower gpu_memory_utilization"
        )
        reasons.append(FitReason(text, "llmd_logs (gpt-oss-20b at 0.95), vllm17469, vllm48601"))
    return reasons
