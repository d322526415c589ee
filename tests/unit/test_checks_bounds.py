"""Checks at their bounds, and the parts of them that no shipped registry or request reaches."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from mcc_registry import Registry
from mcc_registry.checks.base import Placement, needs_of
from mcc_registry.checks.compat import InstanceTypeKnown, nearest_type, weakest_basis
from mcc_registry.checks.environment import TooManyVariables
from mcc_registry.checks.hosts import host_for
from mcc_registry.checks.kinds import NO_AMI_FITS, Checker, checker_for
from mcc_registry.checks.memory import ContextLimited, ContextTooShort, MemoryUnjudged, ModelFits, gib
from mcc_registry.checks.model import TensorParallelDevices, TensorParallelHeads
from mcc_registry.models.framework import Build
from mcc_registry.models.plan import Setting
from tests.unit.rule_cases import cuda, neuron


class Toyium(Checker):
    """A kind that was added: no method of its own."""

    word = "Toyium"

    @property
    def name(self) -> str:
        return "toyium"


def toy_registry(basis: str | None) -> Any:
    amis = {
        "neuron-ami": SimpleNamespace(accelerator="neuron", families_documented=["toy1"]),
        "empty-ami": SimpleNamespace(accelerator="toyium", families_documented=[]),
        "first-ami": SimpleNamespace(accelerator="toyium", families_documented=["toy1", "toy2"]),
        "second-ami": SimpleNamespace(accelerator="toyium", families_documented=["toy1"]),
    }
    devices = None if basis is None else SimpleNamespace(provenance=SimpleNamespace(basis=basis))
    asked = {"toyium": devices, "neuron": SimpleNamespace(provenance=SimpleNamespace(basis="measured"))}
    return SimpleNamespace(amis=SimpleNamespace(amis=amis), find_devices=asked.get)


def test_what_a_new_kind_gets_without_a_line_of_its_own() -> None:
    """The first AMI of its kind that documents the family; facts as good as its devices' file, assumed without one."""
    kind, registry = Toyium(), toy_registry("derived")
    image, host = cuda("1.0"), SimpleNamespace()
    for family, ami in (("toy1", "first-ami"), ("toy2", "first-ami"), ("toy3", None)):
        instance: Any = SimpleNamespace(family=family)
        assert kind.choose_ami(image, instance, registry) == ami
    assert kind.bases(host, registry) == ["derived"] and kind.bases(host, toy_registry(None)) == ["assumed"]
    subject: Any = SimpleNamespace(instance=SimpleNamespace(family="toy1"))
    assert kind.why_ami(subject) == "it is documented for toy1"
    assert (kind.text((1, 2, 3)), kind.text(None)) == ("Toyium 1.2", "Toyium (version unknown)")
    assert kind.asked_for and kind.rank > checker_for("neuron").rank, "a new kind is taken only where it is named"


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("ML.T2.MICRO", "ml.t2.medium"), ("t2.micro", "ml.t2.medium"), ("T2.Micro", "ml.t2.medium"),
        ("ml.g5.xlarg", "ml.g5.xlarge"), ("ML.G5.XLARGE", "ml.g5.xlarge"), ("G5.XLARGE", "ml.g5.xlarge"),
        ("ml.g5.nano", "ml.g5.xlarge"), ("ml.p4d.xlarge", "ml.p4d.24xlarge"), ("m5.lrge", "ml.m5.large"),
        ("zz", None), ("ml.g5.xlarge" + "e" * 68, "ml.g5.xlarge"), ("ml.g5.xlarge" + "e" * 69, None),
    ],
)  # fmt: skip
def test_the_nearest_type(shipped: Registry, name: str, nearest: str | None) -> None:
    """The same family first, its smallest where no size is like it; nothing is said to 81 characters."""
    assert nearest_type(name, shipped) == nearest
    if name not in shipped.instances:
        (told,) = InstanceTypeKnown().check((name, shipped))
        assert told.hint == (
            f"did you mean {nearest}?"
            if nearest
            else "instance types look like ml.g6.xlarge; see: mcc-registry instances"
        )
        assert (told.source, told.facts[0].key) == ("registries/instances", "types")


def test_needs_are_read_from_the_build() -> None:
    """Each field of a build reaches the image's needs."""
    row = {"source": "aws", "accelerator": {"type": "cuda", "version": "13.0"}, "min_compute_capability": "8.6",
           "devices": ["inf2"], "image_arch": ["arm64"], "cuda_compat": True}  # fmt: skip
    build = Build.model_validate(row)
    needs = needs_of(build, title="t", file="f", key="k")
    assert (needs.kind, needs.version, needs.min_compute_capability) == ("cuda", (13, 0), (8, 6))
    assert (needs.architectures, needs.devices, needs.cuda_compat) == (("arm64",), ("inf2",), True)
    assert (needs.basis, needs.title, needs.file, needs.key) == ("documented", "t", "f", "k")


@pytest.mark.parametrize(
    ("image", "instance_type", "ami", "basis"),
    [
        (cuda("13.0", basis="measured"), "ml.g5.xlarge", None, "documented"),
        (cuda("13.0", basis="derived"), "ml.g5.xlarge", None, "derived"),
        (cuda("13.0", basis="assumed"), "ml.g5.xlarge", None, "assumed"),
        (cuda("13.0"), "ml.g7e.2xlarge", None, "assumed"),
        (cuda("13.0"), "ml.g7e.2xlarge", "default", "assumed"),
        (cuda("13.0"), "ml.g6.xlarge", "default", "documented"),
        (cuda("13.0", basis="measured"), "ml.m5.large", None, "measured"),
        (neuron("2.21"), "ml.inf2.xlarge", "default", "documented"),
        (neuron("2.21"), "ml.trn2.48xlarge", "default", "assumed"),
    ],
)
def test_a_verdict_is_as_good_as_its_weakest_fact(
    shipped: Registry, image: Any, instance_type: str, ami: str | None, basis: str
) -> None:
    host = host_for(image, shipped.instances[instance_type], ami, shipped)
    assert weakest_basis(Placement(image, host, shipped)) == basis


def test_no_driver_is_old_enough() -> None:
    """A GPU that ended before every transform AMI gets none; on the bound it gets that one."""
    from mcc_registry.checks.hosts import choose_transform_ami

    rows = {"a": SimpleNamespace(driver_branch=535), "b": SimpleNamespace(driver_branch=470)}
    instance: Any = SimpleNamespace(accelerator_name="Toy")
    for last, ami in ((None, "a"), (535, "a"), (534, "b"), (470, "b"), (469, NO_AMI_FITS)):
        registry: Any = SimpleNamespace(
            gpus={"Toy": SimpleNamespace(last_driver_branch=last)}, amis=SimpleNamespace(transform_amis=rows)
        )
        assert choose_transform_ami(cuda("12.0"), instance, registry) == ami
    assert choose_transform_ami(neuron("2.21"), instance, registry) is None


def candidate(**values: Any) -> Any:
    """What the rules on memory and parallelism read of a candidate."""
    settings = {
        name: v if isinstance(v, Setting) else Setting(v, "User_Input")
        for name, v in values.pop("settings", {}).items()
    }
    instance = SimpleNamespace(type="ml.toy.large", file="toy.yaml", accelerator_count=values.pop("count", 4),
                               accelerator_name="Toy", accelerator_kind="cuda", memory_mib=1536)  # fmt: skip
    made = {
        "needs": SimpleNamespace(kind="cuda"), "instance": instance, "settings": settings, "shape": None, "fit": None,
        "context": 8192, "model_name": "acme/toy", "model_file": "acme.yaml", "framework_file": "vllm.yaml",
        "version": "1.0", "env_count": 0, "env_bytes": 0, "notes": {},
        "value": lambda name, default=None: settings[name].value if name in settings else default, **values,
    }  # fmt: skip
    return SimpleNamespace(**made)


@pytest.mark.parametrize(
    ("settings", "count", "heads", "told"),
    [
        ({"tensor_parallel_size": 4}, 4, 32, None),
        ({}, 1, None, None),
        ({}, 0, None, None),
        ({"tensor_parallel_size": 5}, 4, 32, "5 GPUs are asked for by the parallel sizes; ml.toy.large has 4"),
        ({"tensor_parallel_size": 2, "data_parallel_size": 3}, 4, 32, "6 GPUs are asked for by the parallel sizes; ml.toy.large has 4"),
        ({"tensor_parallel_size": 2, "data_parallel_size": 2}, 4, 32, None),
        ({"pipeline_parallel_size": 4}, 4, 32, None),
        ({"tensor_parallel_size": "auto", "pipeline_parallel_size": 4}, 4, 32, None),
        ({"tensor_parallel_size": True, "pipeline_parallel_size": 4}, 4, 32, None),
        ({"tensor_parallel_size": -2, "pipeline_parallel_size": 4}, 4, 32, None),
        ({"tensor_parallel_size": 3}, 4, 32, "1 of 4 GPUs of ml.toy.large stay idle and are paid"),
        ({"tensor_parallel_size": 3}, 4, None, "1 of 4 GPUs of ml.toy.large stay idle and are paid"),
        ({}, 4, None, "3 of 4 GPUs of ml.toy.large stay idle and are paid"),
        ({"tensor_parallel_size": Setting(1, "Generator_Default")}, 4, 32, "3 of 4 GPUs of ml.toy.large stay idle and are paid"),
        ({"tensor_parallel_size": Setting(1, "Generator_Default")}, 4, None,
         "3 of 4 GPUs of ml.toy.large stay idle: how many the model can be split over is not known"),
    ],
)  # fmt: skip
def test_how_many_gpus_work(settings: dict[str, Any], count: int, heads: int | None, told: str | None) -> None:
    subject = candidate(settings=settings, count=count, shape=SimpleNamespace(num_attention_heads=heads))
    assert [f.message for f in TensorParallelDevices().check(subject)] == ([told] if told else [])
    if heads is None:
        assert [f.message for f in TensorParallelDevices().check(candidate(settings=settings, count=count))] == (
            [told] if told else []
        )


@pytest.mark.parametrize(
    ("size", "heads", "told"),
    [(3, 32, True), (4, 32, False), (64, 32, True), (1, 7, False), (7, 7, False), (0, 32, False), (-3, 32, False),
     (True, 32, False), ("3", 32, False), (3, None, False), (None, 32, False)],
)  # fmt: skip
def test_sizes_that_divide_the_heads(size: Any, heads: int | None, told: bool) -> None:
    settings = {} if size is None else {"tensor_parallel_size": size}
    subject = candidate(settings=settings, shape=SimpleNamespace(num_attention_heads=heads))
    found = list(TensorParallelHeads().check(subject))
    assert bool(found) is told
    if told:
        assert found[0].hint == "use one of 1, 2, 4"


def fit(fits: bool | None, largest: int | None, required: float | None = 20.0, ranks: int = 1) -> Any:
    """A memory verdict of 20 GiB needed and 16 there."""
    return SimpleNamespace(
        fits=fits, max_model_len=largest, required_gib=required, available_gib=16.0, weights_gib=12.0, kv_cache_gib=4.0,
        overhead_gib=4.0, interval_gib=(19.0, 21.0), tensor_parallel_size=ranks, pipeline_parallel_size=1,
        asked_max_model_len=8192, probable_max_model_len=largest, reasons=(),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("verdict", "asked", "context", "severity", "field", "words", "hint"),
    [
        (fit(True, 8192), None, 8192, None, "", "", ""),
        (fit(False, 4096), 8192, 8192, "error", "env_vars", "max_model_len 8192 does not fit ml.toy.large; 4096 tokens do",
         "use max_model_len 4096 or less"),
        (fit(False, 2048), 8192, 8192, "error", "env_vars", "2048 tokens do", "use max_model_len 2048 or less"),
        (fit(False, 2047), 8192, 8192, "error", "instance_type", "acme/toy does not fit ml.toy.large: it needs 20.0 GiB, there are 16.0 GiB", ""),
        (fit(False, 1024), 1024, 1024, "error", "env_vars", "1024 tokens do", "use max_model_len 1024 or less"),
        (fit(False, 4096), Setting(8192, "Model_Registry"), 8192, "error", "instance_type", "4096 tokens do", ""),
        (fit(False, 4096), Setting(8192, "Generator_Default"), 8192, "error", "instance_type", "it needs 20.0 GiB", ""),
        (fit(False, 4096), 9000, 8192, None, "", "", ""),  # beyond the context: another rule's matter
        (fit(False, 4096), 9000, None, "error", "env_vars", "4096 tokens do", ""),
        (fit(None, 4096), 8192, 8192, "warning", "instance_type", "too close to say: 20.0 GiB of 16.0 GiB",
         "max_model_len 4096 fits surely; or choose a type with more memory"),
        (fit(None, 2048), 8192, 8192, "warning", "instance_type", "too close to say", "max_model_len 2048 fits surely"),
        (fit(None, 2047), 8192, 8192, "warning", "instance_type", "too close to say", "lower max_num_seqs"),
        (fit(None, 8192), 8192, 8192, "warning", "instance_type", "too close to say", "lower max_num_seqs"),
        (fit(None, None), None, 8192, "warning", "instance_type", "too close to say", "lower max_num_seqs"),
        (fit(None, None, None), None, 8192, None, "", "", ""),  # MCC409's matter
        (fit(False, None, None), None, 8192, "error", "instance_type", "at least 12.0 GiB for weights", ""),
        (fit(False, 4096, ranks=4), 8192, 8192, "error", "env_vars", "4096 tokens do", ""),
        (fit(False, 4096, ranks=5), 8192, 8192, None, "", "", ""),  # MCC404's matter
        (fit(True, 8192), 2047, 8192, None, "", "", ""),
        (fit(False, 2047), 9000, 8192, "error", "instance_type", "it needs 20.0 GiB", ""),
        (fit(False, 2048), 9000, 8192, None, "", "", ""),
        (fit(False, 4096), 0, 8192, "error", "instance_type", "it needs 20.0 GiB", ""),
        (fit(False, 4096), "long", 8192, "error", "instance_type", "it needs 20.0 GiB", ""),
        (None, 2047, 8192, None, "", "", ""),
    ],
)  # fmt: skip
def test_the_verdict_on_memory(
    verdict: Any,
    asked: Any,
    context: int | None,
    severity: str | None,
    field: str,
    words: str,
    hint: str,
) -> None:
    settings = {} if asked is None else {"max_model_len": asked}
    found = list(ModelFits().check(candidate(settings=settings, fit=verdict, context=context)))
    assert [(f.severity, f.field) for f in found] == ([] if severity is None else [(severity, field)])
    assert all(words in f.message and hint in f.hint for f in found)
    subject = candidate(settings=settings, fit=verdict, context=context, needs=SimpleNamespace(kind="neuron"))
    assert not list(ModelFits().check(subject))


@pytest.mark.parametrize(
    ("kind", "model", "severity", "has"),
    [
        ("cuda", "acme/toy", None, ""), ("cpu", "acme/toy", "warning", "ml.toy.large has 1.5 GiB of memory"),
        ("cpu", None, "info", "ml.toy.large has 1.5 GiB of memory"), ("neuron", "acme/toy", "info", "ml.toy.large has 4 x Toy"),
        ("neuron", None, None, ""),
    ],
)  # fmt: skip
def test_memory_that_is_not_judged_is_told(kind: str, model: str | None, severity: str | None, has: str) -> None:
    subject = candidate(needs=SimpleNamespace(kind=kind), model_name=model)
    told = [(f.severity, f.facts[0].text) for f in MemoryUnjudged().check(subject)]
    assert told == ([] if severity is None else [(severity, has)])


@pytest.mark.parametrize(
    ("asked", "context", "least"),
    [(2047, 8192, 2048), (2048, 8192, None), (511, 512, 512), (512, 512, None), (2047, None, 2048), (1, 8192, 2048),
     (0, 8192, None), (-1, 8192, None), ("long", 8192, None), (Setting(16, "Generator_Default"), 8192, None), (None, 8192, None)],
)  # fmt: skip
def test_a_context_of_no_use(asked: Any, context: int | None, least: int | None) -> None:
    settings = {} if asked is None else {"max_model_len": asked}
    found = list(ContextTooShort().check(candidate(settings=settings, context=context, fit=fit(True, 8192))))
    assert [(f.message, f.hint) for f in found] == (
        []
        if least is None
        else [(f"max_model_len {asked} is too short to be useful: at least {least} tokens", f"use {least} or more")]
    )
    assert not list(ContextTooShort().check(candidate(settings=settings, context=context)))


@pytest.mark.parametrize(
    ("setting", "context", "told"),
    [(Setting(4096, "Generator_Default"), 8192, True), (Setting(8192, "Generator_Default"), 8192, False),
     (Setting(4096, "User_Input"), 8192, False), (Setting(4096, "Generator_Default"), None, False),
     (Setting("auto", "Generator_Default"), 8192, False), (None, 8192, False)],
)  # fmt: skip
def test_a_context_that_was_cut_is_told(setting: Setting | None, context: int | None, told: bool) -> None:
    settings = {} if setting is None else {"max_model_len": setting}
    found = list(ContextLimited().check(candidate(settings=settings, context=context, fit=fit(True, 4096))))
    assert [f.message for f in found] == (
        ["max_model_len is 4096 of 8192 tokens: that is what fits ml.toy.large"] if told else []
    )
    assert not list(ContextLimited().check(candidate(settings=settings, context=context)))


@pytest.mark.parametrize(
    ("target", "count", "size", "told"),
    [
        ("realtime", 100, 0, None), ("realtime", 101, 0, "101 variables; SageMaker takes 100 for realtime"),
        ("batch", 16, 0, None), ("batch", 17, 0, "17 variables; SageMaker takes 16 for batch"),
        ("async", 101, 99999, "101 variables; SageMaker takes 100 for async"), ("async", 100, 32768, None),
        ("batch", 16, 32769, "the variables have 32769 bytes; SageMaker takes 32768"),
    ],
)  # fmt: skip
def test_the_limits_of_the_environment(target: str, count: int, size: int, told: str | None) -> None:
    subject = candidate(env_count=count, env_bytes=size, request=SimpleNamespace(deployment_target=target))
    assert [f.message for f in TooManyVariables().check(subject)] == ([told] if told else [])


def test_a_figure_nobody_knows() -> None:
    assert (gib(None), gib(1.25), gib(0.0)) == ("?", "1.2 GiB", "0.0 GiB")
