"""The shipped releases, builds, parameter tables and profiles, by laws that also hold for the row added tomorrow."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from mcc_registry.models.framework import Build, Choices, Framework, Parameter, Release
from mcc_registry.settings import choices_at, default_at, exists_in, read_value
from mcc_registry.versions import find_spec, find_version, is_stable, matches, parse_numbers, sort_versions
from tests.registry.shipped import ROOT, files, row

Frameworks = dict[str, Framework]
NAMES = [p.stem for p in files("frameworks")]
PREDICTIVE = {"sklearn": "scikit-learn", "xgboost": "xgboost", "tensorflow": "tensorflow"}
LLM = ["vllm", "sglang", "tensorrt-llm", "lmi", "djl"]


@pytest.fixture(params=NAMES)
def framework(request: pytest.FixtureRequest, frameworks: Frameworks) -> Framework:
    return frameworks[request.param]


def builds(framework: Framework) -> Iterator[tuple[Release, Build]]:
    for release in framework.releases:
        for build in release.builds:
            yield release, build


def test_every_server_is_there(frameworks: Frameworks) -> None:
    """Five servers for transformers and three predictive frameworks, with all releases that were read."""
    assert set(NAMES) == {*LLM, *PREDICTIVE}
    counts = {name: len(f.releases) for name, f in frameworks.items()}
    assert (counts.pop("vllm"), counts.pop("lmi")) == (51 + 4, 20 + 9)  # the others exist as Neuron builds only
    assert counts == {
        "sglang": 34, "tensorrt-llm": 8, "djl": 5, "sklearn": 5, "xgboost": 4, "tensorflow": 4,
    }  # fmt: skip


def test_vllm_neuron_rows(frameworks: Frameworks) -> None:
    """Four vLLM versions exist as Neuron builds only; 12 of 18 Neuron builds have a known tag, six say that it is not."""
    kinds = {r.version: {b.accelerator.type for b in r.builds} for r in frameworks["vllm"].releases}
    only = {v for v, k in kinds.items() if k == {"neuron"}}
    assert only == {"0.29.0.1.2.0", "0.24.0.1.1.0", "0.21.0.1.0.0", "0.7.2"}
    neuron = [b for _, b in builds(frameworks["vllm"]) if b.accelerator.type == "neuron"]
    assert (len(neuron), sum(b.tag is not None for b in neuron)) == (18, 12)
    assert all(b.devices and f"sdk{b.accelerator.version}" in b.tag for b in neuron if b.tag)
    assert all({"full tag", "devices"} <= set(b.unverified) for b in neuron if not b.tag)


def test_releases_are_versions_newest_first(framework: Framework) -> None:
    """PEP 440 versions, no two alike, newest first; a date never runs backwards between stable releases of a line."""
    versions = [r.version for r in framework.releases]
    assert all(find_version(v) for v in versions)
    assert versions == sort_versions(versions)
    assert len({find_version(v) for v in versions}) == len(versions)
    dated = [r.released for r in framework.releases if r.released and is_stable(r.version)]
    assert dated == sorted(dated, reverse=True)


def test_an_image_is_one_build(framework: Framework) -> None:
    """No image stands twice, and every build's source is described."""
    seen = set()
    for release, build in builds(framework):
        assert build.source in framework.image_sources
        key = (
            build.source,
            build.registry,
            build.repository,
            build.tag or (release.version, build.accelerator.version),
        )
        if framework.id not in PREDICTIVE:
            assert key not in seen
        seen.add(key)


def test_tag_and_accelerator_agree(framework: Framework) -> None:
    """A cu130 token in a tag means CUDA 13.0; CUDA 13 code never runs below compute capability 7.5."""
    for release, build in builds(framework):
        token = re.search(r"(?:^|-)cu(\d\d)(\d)(?:-|$)", build.tag or "")
        if token:
            assert build.accelerator.type == "cuda"
            assert build.accelerator.version == f"{token[1]}.{token[2]}", (release.version, build.tag)
        if build.accelerator.type == "cuda" and build.accelerator.version and build.min_compute_capability:
            cuda, floor = parse_numbers(build.accelerator.version), parse_numbers(build.min_compute_capability)
            assert cuda < (13,) or floor >= (7, 5), (release.version, build.tag)
        if build.accelerator.type == "cuda":
            assert build.accelerator.version or "cuda" in " ".join(build.unverified), (release.version, build.tag)


def test_versions_stand_in_tags(framework: Framework) -> None:
    """A release's tag names the release, except images whose tag names nothing."""
    for release, build in builds(framework):
        if build.tag is None:
            assert "full tag" in build.unverified
        elif framework.id in PREDICTIVE:
            assert build.tag == f"{release.python}-slim"
        elif release.version_of:
            assert build.tag.startswith(f"{release.engine[release.version_of]}-neuronx-")
        elif framework.id == "lmi":
            assert f"-lmi{release.version}-" in build.tag
        elif not build.tag.startswith("server-"):
            assert release.version in build.tag


def test_toolkits_are_known(framework: Framework, accelerators: dict[str, object]) -> None:
    """Every CUDA version of a build is a toolkit of cuda.yaml, so that a verdict never lacks the facts."""
    toolkits = row(ROOT / "accelerators" / "cuda.yaml").toolkits
    for release, build in builds(framework):
        if build.accelerator.type == "cuda" and build.accelerator.version:
            assert build.accelerator.version in toolkits, (release.version, build.accelerator.version)


def test_regions_and_instance_types_exist(framework: Framework) -> None:
    """Named regions have an account in the build's registry; recommended instance types are SageMaker's."""
    regions = row(ROOT / "regions.yaml")
    types = {t.type for p in files("instances") for t in row(p).types}
    for release, build in builds(framework):
        assert set(release.recommended_instance_types) <= types
        registry = build.registry or framework.image_sources[build.source].registry or ""
        if registry.startswith("ecr:"):
            family = regions.ecr[registry.removeprefix("ecr:")]
            served = {*family.default_account_regions, *family.accounts}
            assert set(build.regions_missing) <= served
            assert set(build.regions_only) <= served


def test_levels_are_not_typed(framework: Framework) -> None:
    """No release claims more than experimental without evidence, and no end of support is made up."""
    for release in framework.releases:
        assert release.validation_level == "experimental" or release.evidence
        assert release.end_of_support is None


def spellings(parameter: Parameter) -> set[str]:
    return {
        n for n in (parameter.canonical or parameter.name, parameter.name, parameter.env, *parameter.aliases) if n
    }


def test_parameter_spellings_are_unambiguous(framework: Framework) -> None:
    """Every spelling of a setting means exactly one parameter, and a removed one is not also listed."""
    for parameters in (framework.parameters, *(v.parameters for v in framework.variants.values())):
        seen: dict[str, str] = {}
        for parameter in parameters:
            for name in spellings(parameter):
                assert seen.setdefault(name, parameter.name) == parameter.name
    names = set().union(*(spellings(p) for p in framework.parameters)) if framework.parameters else set()
    assert not names & {r.name for r in framework.removed_parameters}


def test_parameter_versions_and_defaults(framework: Framework) -> None:
    """Versions in the table parse; a default is a legal value in every release that has the parameter."""
    for parameter in framework.parameters:
        marks = [parameter.since, parameter.until, parameter.deprecated_since, *parameter.default_history]
        if isinstance(parameter.choices, Choices):
            marks += [*parameter.choices.added, *parameter.choices.last.values(), *parameter.choices.deprecated]
        assert all(find_version(m) for m in marks if m is not None), parameter.name
        for release in framework.releases:
            if not exists_in(parameter, release.version):
                continue
            default = default_at(parameter, release.version)
            if default not in (None, ""):
                _, problem = read_value(parameter, default, release.version)
                assert problem is None, (parameter.name, release.version, problem)


def test_env_prefix(framework: Framework) -> None:
    """Variables of engines with a prefix carry it, the names of AWS's own containers excepted."""
    if framework.id in ("vllm", "sglang", "tensorrt-llm"):
        for parameter in framework.parameters:
            assert parameter.env is None or parameter.env.startswith(framework.env_prefix or "?"), parameter.name
    for variant in framework.variants.values():
        prefix = variant.env_prefix or framework.env_prefix or "?"
        assert all(p.env is None or p.env.startswith(prefix) for p in variant.parameters)


def test_profiles_differ_from_the_default_and_are_legal(framework: Framework) -> None:
    """Each value of a profile differs from the engine's default and is legal in every release of the profile."""
    by_canonical = {p.canonical or p.name: p for p in framework.parameters}
    for name, profile in framework.profiles.items():
        members = [r for r in framework.releases if not profile.versions or matches(r.version, profile.versions)]
        members = [r for r in members if any(profile.accelerator in (None, b.accelerator.type) for b in r.builds)]
        assert members, name
        assert profile.settings, name
        for setting, chosen in profile.settings.items():
            parameter = by_canonical[setting]
            assert len(chosen.reason.split()) >= 4
            for release in members:
                assert exists_in(parameter, release.version), (name, setting, release.version)
                assert default_at(parameter, release.version) != chosen.value, (name, setting, release.version)
                _, problem = read_value(parameter, chosen.value, release.version)
                assert problem is None, (name, setting, release.version, problem)


@pytest.mark.parametrize("name", LLM)
def test_the_reference_profiles_exist(frameworks: Frameworks, name: str) -> None:
    """low-latency, high-throughput and multi-gpu for every LLM server; vLLM's oldest releases have none."""
    assert {"low-latency", "high-throughput", "multi-gpu"} <= set(frameworks[name].profiles)
    if name == "vllm":
        assert not any(matches("0.7.3", p.versions or "") for p in frameworks[name].profiles.values() if p.versions)
        assert all(p.versions for p in frameworks[name].profiles.values())


@pytest.mark.parametrize("name", ["vllm", "sglang"])
def test_true_follows_the_date_of_the_image(frameworks: Frameworks, name: str) -> None:
    """AWS images built before 2026-03-17 take only an empty value for true, later ones the text as well."""
    from mcc_registry.versions import history_at

    framework = frameworks[name]
    for release in framework.releases:
        if release.released and any(b.source == "aws" and b.accelerator.type == "cuda" for b in release.builds):
            text = history_at(list(framework.true_text.items()), release.version)
            assert text == ("true" if release.released >= "2026-03-17" else ""), release.version


def test_secrets_and_fixed_settings(frameworks: Frameworks) -> None:
    """Keys and tokens are secrets; host and port are SageMaker's."""
    for name in LLM:
        for parameter in frameworks[name].parameters:
            assert parameter.secret == (parameter.name in ("api_key", "hf_token")), (name, parameter.name)
            assert parameter.fixed == (parameter.name in ("host", "port")), (name, parameter.name)


def test_shared_canonical_names(frameworks: Frameworks) -> None:
    """Users and models say the same word for the same thing whatever the engine."""
    for name in ("vllm", "sglang", "tensorrt-llm", "lmi"):
        known = {p.canonical or p.name for p in frameworks[name].parameters}
        assert {"model", "tensor_parallel_size", "max_model_len", "max_num_seqs", "trust_remote_code"} <= known
    own = {p.name: p.canonical for n in ("sglang", "tensorrt-llm") for p in frameworks[n].parameters}
    assert own["mem_fraction_static"] is None
    assert own["kv_cache_free_gpu_memory_fraction"] is None


def test_known_issues(framework: Framework, accelerators: dict[str, object]) -> None:
    """Conditions of known issues can come true: releases, families, AMIs and settings exist."""
    amis = set(row(ROOT / "accelerators" / "amis.yaml").amis)
    families = {p.stem for p in files("instances")}
    settings = {p.canonical or p.name for p in framework.parameters}
    for issue in framework.known_issues:
        assert set(issue.inference_ami_versions) <= amis
        assert set(issue.instance_families) <= families
        assert issue.setting is None or issue.setting in settings, issue.id
        if issue.versions:
            assert find_spec(issue.versions) is not None
            assert any(matches(r.version, issue.versions) for r in framework.releases), issue.id


def test_lmi_counts_by_its_number(frameworks: Frameworks) -> None:
    """The bundled vLLM never goes back as the LMI number grows; two releases whose vLLM nobody named say so."""
    pairs = [(r, r.engine.get("vllm")) for r in frameworks["lmi"].releases if not r.version_of]
    bundled = [v for _, v in pairs if v]
    assert bundled == sort_versions(bundled)
    assert {r.version for r, v in pairs if not v} == {"13.0.0", "12.0.0"}
    assert all("engine.vllm" in r.builds[0].unverified for r, v in pairs if not v)
    assert frameworks["lmi"].releases[0].engine["vllm"] == "0.28.0"


@pytest.mark.parametrize("name", PREDICTIVE)
def test_predictive_requirements_are_pinned(frameworks: Frameworks, name: str) -> None:
    """Every requirement is pinned, the library to the release's own version, and each server has its own."""
    framework = frameworks[name]
    assert framework.model_servers == ["fastapi", "flask"]
    for release in framework.releases:
        assert set(release.requirements) == {"fastapi", "flask"}
        for server, pins in release.requirements.items():
            assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][0-9A-Za-z.]*", pin) for pin in pins)
            assert f"{PREDICTIVE[name]}=={release.version}" in pins
            packages = {pin.split("==")[0] for pin in pins}
            assert server in packages
            assert {"fastapi": "uvicorn", "flask": "gunicorn"}[server] in packages
            assert not packages & ({"flask", "gunicorn"} if server == "fastapi" else {"fastapi", "uvicorn"})
            assert "python-multipart" not in packages


@pytest.mark.parametrize(
    ("name", "version", "tag", "cuda", "capability"),
    [
        ("vllm", "0.30.0", "0.30.0-gpu-py312-cu130-ubuntu24.04-sagemaker", "13.0", "7.5"),
        ("vllm", "0.19.1", "0.19.1-gpu-py312-cu129-ubuntu22.04-sagemaker", "12.9", "7.0"),
        ("vllm", "0.33.0", "v0.33.0", "13.0", "7.5"),
        ("vllm", "0.7.3", "v0.7.3", "12.4", "7.0"),
        ("sglang", "0.5.20", "0.5.20-gpu-py312-cu130-ubuntu24.04-sagemaker", "13.0", "8.0"),
        ("tensorrt-llm", "1.2.1", "1.2.1", "13.1", "8.0"),
        ("lmi", "29.0.0", "0.38.0-lmi29.0.0-cu130", "13.0", "8.0"),
    ],
)
def test_spot_checks(frameworks: Frameworks, name: str, version: str, tag: str, cuda: str, capability: str) -> None:
    """Known first builds, one by one."""
    release = next(r for r in frameworks[name].releases if r.version == version)
    first = release.builds[0]
    assert (first.tag, first.accelerator.version, first.min_compute_capability) == (tag, cuda, capability)


def test_vllm_parameter_spot_checks(frameworks: Frameworks) -> None:
    """Values that were measured on the releases themselves."""
    by_name = {p.name: p for p in frameworks["vllm"].parameters}
    utilisation = by_name["gpu_memory_utilization"]
    assert (utilisation.gt, utilisation.max) == (0, 1)
    assert [default_at(utilisation, v) for v in ("0.7.3", "0.19.1", "0.20.0", "0.33.0")] == [0.9, 0.9, 0.92, 0.92]
    assert not exists_in(by_name["swap_space"], "0.18.1")
    assert exists_in(by_name["performance_mode"], "0.17.0")
    assert not exists_in(by_name["performance_mode"], "0.16.0")
    parsers = choices_at(by_name["tool_call_parser"], "0.33.0")
    assert parsers is not None
    assert len(parsers) == 58
    assert "gguf" in (choices_at(by_name["quantization"], "0.23.0") or [])
    assert "gguf" not in (choices_at(by_name["quantization"], "0.24.0") or [])
    assert len(frameworks["vllm"].parameters) == 85
    assert len(frameworks["vllm"].removed_parameters) == 26
