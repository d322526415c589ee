"""Rules on number formats: does the GPU compute in them, and are the weights made for them."""

from __future__ import annotations

from collections.abc import Iterable

from ..errors import Fact, Finding
from .accelerator import GPUS_FILE
from .base import Rule
from .candidate import Candidate
from .quantization import refused

FP8_WORDS = ("fp8", "modelopt", "ptpc")
"""How the names of methods that compute in fp8 begin."""


class BFloat16(Rule[Candidate]):
    """bfloat16 needs compute capability 8.0; on older GPUs the model runs in float16, with another numeric range.

    Source: facts/accelerators.yaml gpus[*].bf16, facts/engines.yaml vllm dtype.
    """

    code, name, field = "MCC406", "no-bfloat16", "instance_type"
    severities = ("error", "warning")

    def check(self, subject: Candidate) -> Iterable[Finding]:
        gpu = subject.registry.gpus.get(subject.instance.accelerator_name or "")
        if gpu is None or gpu.bf16 or subject.needs.kind != "cuda":
            return
        fact = Fact(
            f"{subject.instance.accelerator_name} has no bf16",
            GPUS_FILE,
            f"gpus[{subject.instance.accelerator_name}].bf16",
        )
        if subject.value("dtype") == "bfloat16":
            yield self.finding(
                "error",
                f"dtype bfloat16 does not run on {subject.instance.type} ({subject.instance.accelerator_name})",
                hint="use dtype float16, or a GPU of compute capability 8.0 or newer",
                facts=(fact,),
                field="env_vars",
            )
        elif subject.shape is None or subject.shape.default_dtype in (None, "bfloat16"):
            yield self.finding(
                "warning",
                f"{subject.instance.type} has no bfloat16; {subject.model_name} runs in float16 there",
                hint="check the answers' quality, or choose a GPU of compute capability 8.0 or newer",
                facts=(fact,),
            )


class Fp8(Rule[Candidate]):
    """fp8 arithmetic needs compute capability 8.9; on older GPUs fp8 weights are widened, which saves memory only.

    Source: facts/accelerators.yaml gpus[*].fp8, facts/engines.yaml compute_capability.features.
    """

    code, name, field = "MCC407", "no-fp8", "instance_type"
    severities = ("warning",)

    def check(self, subject: Candidate) -> Iterable[Finding]:
        gpu = subject.registry.gpus.get(subject.instance.accelerator_name or "")
        if gpu is None or gpu.fp8 or subject.needs.kind != "cuda":
            return
        fact = Fact(
            f"{subject.instance.accelerator_name} has no fp8",
            GPUS_FILE,
            f"gpus[{subject.instance.accelerator_name}].fp8",
        )
        quantization = str(subject.value("quantization") or "")
        native = (subject.shape.native_quantization or "") if subject.shape else ""
        if (quantization.startswith(FP8_WORDS) or native.startswith("fp8")) and not refused(subject):
            what = f"quantization {quantization}" if quantization else f"{subject.model_name} (fp8 weights)"
            yield self.finding(
                "warning",
                f"{what} on {subject.instance.type}: the {subject.instance.accelerator_name} has no fp8 arithmetic",
                hint="choose a GPU of compute capability 8.9 or newer for the speed of fp8",
                facts=(fact,),
            )
        cache = str(subject.value("kv_cache_dtype") or "")
        if cache.startswith("fp8"):
            yield self.finding(
                "warning",
                f"kv_cache_dtype {cache} on {subject.instance.type}: the {subject.instance.accelerator_name} has no fp8",
                hint="choose a GPU of compute capability 8.9 or newer, or leave kv_cache_dtype out",
                facts=(fact,),
            )


class Fp4(Rule[Candidate]):
    """fp4 arithmetic exists from Blackwell on; older GPUs widen the weights, which saves memory only.

    Source: facts/accelerators.yaml gpus[*].fp4.
    """

    code, name, field = "MCC408", "no-fp4", "instance_type"
    severities = ("warning",)

    def check(self, subject: Candidate) -> Iterable[Finding]:
        gpu = subject.registry.gpus.get(subject.instance.accelerator_name or "")
        quantization = str(subject.value("quantization") or "")
        if gpu is None or gpu.fp4 or not quantization.startswith(("nvfp4", "modelopt_fp4", "fp_quant")):
            return
        if refused(subject):  # said by QuantizationGpu
            return
        yield self.finding(
            "warning",
            f"quantization {quantization} on {subject.instance.type}: the {subject.instance.accelerator_name} has no fp4",
            hint="choose a Blackwell GPU for the speed of fp4",
            facts=(Fact("fp4 needs Blackwell", GPUS_FILE, f"gpus[{subject.instance.accelerator_name}].fp4"),),
        )


class QuantizedCheckpoint(Rule[Candidate]):
    """Most quantisation methods read a checkpoint that was made for them; a 16-bit one they refuse at start.

    Memory is then counted as the model is published, not as small as the method would make it.

    Source: facts/memory.md section 5, facts/engines.yaml choice_history.quantization.
    """

    code, name, field = "MCC418", "quantized-checkpoint", "env_vars"
    severities = ("warning",)
    of_place = False

    def check(self, subject: Candidate) -> Iterable[Finding]:
        method, shape = subject.value("quantization"), subject.shape
        if not isinstance(method, str) or method in ("", "auto", "none") or shape is None:
            return
        from ..quantized import quantizes_while_loading

        if shape.native_quantization is not None or quantizes_while_loading(method):
            return
        published = f"in {shape.default_dtype}" if shape.default_dtype else "not known to have them"
        yield self.finding(
            "warning",
            f"quantization {method} needs weights made for it; {subject.model_name} is {published}",
            hint="leave quantization out, or name a quantised copy of the model",
            facts=(Fact("its weights are counted as published", subject.model_file, "architecture.default_dtype"),),
        )


RULES: tuple[Rule[Candidate], ...] = (BFloat16(), Fp8(), Fp4(), QuantizedCheckpoint())
