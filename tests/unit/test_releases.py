"""``framework_version``: exact, specifier, latest, recommended, unlisted (design.md section 3)."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcc_registry import Plan, Registry
from mcc_registry.resolve.choose import builds_for
from mcc_registry.resolve.releases import image_host, preference
from mcc_registry.versions import is_stable, parse_version
from tests.unit.core_kit import ask, errors, layered, named, one

G5 = {"instance_type": "ml.g5.xlarge"}


def version_of(plan: Plan) -> tuple[str, str, str]:
    assert plan.framework is not None, [f.message for f in plan.findings]
    framework = plan.framework
    return framework["version"], framework["match"], framework["requested"]


@pytest.mark.parametrize("text", ["0.30.0", "v0.30.0", " 0.30.0 ", "0.30"])
def test_an_exact_version(shipped: Registry, text: str) -> None:
    assert version_of(ask(shipped, **G5, framework_version=text)) == ("0.30.0", "exact", text.strip())


@pytest.mark.parametrize(
    ("spec", "version"),
    [
        (">=0.28,<0.31", "0.30.0"),
        ("~=0.29.0", "0.29.0"),
        ("==0.20.*", "0.20.2"),
        ("<0.10", "0.9.2"),
        ("!=0.33.0", "0.32.0"),
    ],
)
def test_a_specifier_gives_its_newest_release(shipped: Registry, spec: str, version: str) -> None:
    assert version_of(ask(shipped, **G5, framework_version=spec)) == (version, "specifier", spec)


def test_latest_is_the_newest_stable_release(shipped: Registry) -> None:
    for server in ("vllm", "sglang", "lmi", "tensorrt-llm"):
        entry = shipped.frameworks[server]
        cuda = [
            v for v in entry.versions if is_stable(v) and any(b.accelerator.type == "cuda" for b in entry[v].builds)
        ]
        plan = ask(shipped, model_server=server, framework_version="latest", instance_type="ml.p5.48xlarge")
        assert version_of(plan) == (max(cuda, key=parse_version), "specifier", "latest")


def test_latest_and_recommended_are_never_pre_releases(shipped: Registry) -> None:
    assert not is_stable(shipped.frameworks["tensorrt-llm"].versions[0])
    for text in ("latest", "recommended"):
        assert version_of(ask(shipped, model_server="tensorrt-llm", framework_version=text))[0] == "1.2.1"
    assert version_of(ask(shipped, model_server="tensorrt-llm", framework_version="1.4.0rc1"))[:2] == (
        "1.4.0rc1",
        "exact",
    )
    assert version_of(ask(shipped, model_server="tensorrt-llm", framework_version=">=1.3.0rc1"))[0] == "1.4.0rc1"
    assert version_of(ask(shipped, model_server="tensorrt-llm", framework_version=">=1.0"))[0] == "1.2.1"


def test_recommended_prefers_images_that_serve_sagemaker_then_the_newest(shipped: Registry) -> None:
    """AWS images of vLLM end with 0.30.0; all releases are experimental."""
    plan = ask(shipped)
    assert version_of(plan) == ("0.30.0", "specifier", "recommended")
    assert plan.framework is not None and plan.framework["image_source"] == "aws"
    assert version_of(ask(shipped, image_source="upstream"))[0] == "0.33.0"


def test_recommended_prefers_the_better_level(tmp_path: Path) -> None:
    """A tested release wins over newer ones; a level needs its evidence."""
    text = """\
releases:
  "0.26.0":
    validation_level: community-validated
    evidence:
      - what: build
        where: here
        when: "2026-10-01"
        by: us
        result: works
      - what: local-run
        where: here
        when: "2026-10-01"
        by: us
        result: works
"""
    registry = layered(tmp_path, frameworks__vllm=text)
    plan = ask(registry)
    assert version_of(plan)[0] == "0.26.0"
    assert plan.framework is not None and plan.framework["validation_level"] == "community-validated"
    assert not named(plan, "validation-level")
    assert version_of(ask(registry, framework_version=">=0.28"))[0] == "0.33.0"
    assert version_of(ask(registry, framework_version="latest"))[0] == "0.33.0"


def test_recommended_passes_over_releases_that_cannot_run_there(shipped: Registry) -> None:
    """V100 has compute capability 7.0: CUDA 13 images are out, CUDA 12 ones are not."""
    plan = ask(shipped, instance_type="ml.p3.2xlarge", model_name="Qwen/Qwen2.5-1.5B-Instruct")
    assert plan.ok, errors(plan)
    assert parse_version(version_of(plan)[0]) < parse_version("0.20.0")
    assert not ask(shipped, instance_type="ml.p3.2xlarge", framework_version="latest").ok


def test_recommended_takes_a_release_published_in_the_region(shipped: Registry) -> None:
    plan = ask(shipped, region="cn-north-1")
    assert plan.ok and plan.base_image is not None
    assert plan.base_image.startswith("727897471807.dkr.ecr.cn-north-1.amazonaws.com.cn/vllm:")
    exact = ask(shipped, region="cn-north-1", framework_version="0.30.0")
    assert exact.ok and exact.framework is not None and exact.framework["image_source"] == "upstream"
    assert errors(ask(shipped, region="cn-north-1", framework_version="0.30.0", image_source="aws")) == [
        "image-not-in-region"
    ]


def test_a_neuron_type_gets_a_neuron_release(shipped: Registry) -> None:
    plan = ask(shipped, instance_type="ml.inf2.xlarge")
    assert plan.framework is not None and plan.framework["accelerator"]["type"] == "neuron"
    assert plan.inference_ami_version == "al2-ami-sagemaker-inference-neuron-2"


def test_a_refused_type_does_not_change_the_release(shipped: Registry) -> None:
    assert version_of(ask(shipped, instance_type="ml.m5.large"))[0] == "0.30.0"


# ------------------------------------------------------------------------------------------------- unlisted


@pytest.mark.parametrize(
    ("text", "base", "near"),
    [("0.29.5", "0.29.0", "0.29.0, 0.30.0"), ("99.0", "0.33.0", "0.33.0"), ("0.31.0rc1", "0.30.0", "0.30.0, 0.31.0")],
)
def test_an_unlisted_version_is_made_from_the_nearest_lower_row(
    shipped: Registry, text: str, base: str, near: str
) -> None:
    plan = ask(shipped, **G5, framework_version=text)
    assert plan.ok, errors(plan)
    assert version_of(plan) == (text, "unlisted", text)
    finding = one(plan, "version-unlisted")
    assert finding.severity == "warning" and near in finding.hint and base in finding.message
    assert plan.framework is not None
    assert plan.framework["validation_level"] == "unknown" and plan.framework["image_source"] == "upstream"
    assert plan.base_image == f"vllm/vllm-openai:v{text}"
    assert plan.inference_ami_version == "al2023-ami-sagemaker-inference-gpu-4-1"
    assert plan.build is not None and plan.build.accelerator.basis == "assumed"


def test_below_every_row_the_nearest_higher_one_counts(shipped: Registry) -> None:
    plan = ask(shipped, **G5, framework_version="0.1", model_name="acme/unknown")
    assert plan.ok, errors(plan)
    assert plan.framework is not None and plan.framework["accelerator"] == {"type": "cuda", "version": "12.4"}
    assert "0.7.3" in one(plan, "version-unlisted").message


def test_a_listed_version_is_not_unlisted(shipped: Registry) -> None:
    assert not named(ask(shipped, **G5, framework_version="0.30.0"), "version-unlisted")


def test_an_image_that_cannot_be_told_from_the_version_is_refused(shipped: Registry) -> None:
    plan = ask(shipped, model_server="lmi", framework_version="99.0.0")
    assert errors(plan) == ["no-release"] and plan.framework is None
    assert "29.0.0" in one(plan, "no-release").hint


# ------------------------------------------------------------------------------------------------- no release


@pytest.mark.parametrize(("text", "words"), [(">=50", "satisfies >=50"), ("nonsense", "neither a version nor")])
def test_what_names_no_release_is_refused(shipped: Registry, text: str, words: str) -> None:
    plan = ask(shipped, framework_version=text)
    finding = one(plan, "no-release")
    assert not plan.ok and plan.framework is None and finding.field == "framework_version"
    assert words in finding.message and finding.hint


def test_a_misspelt_word_gets_the_nearest(shipped: Registry) -> None:
    assert "did you mean recommended?" in one(ask(shipped, framework_version="recomended"), "no-release").hint


def test_image_sources(shipped: Registry) -> None:
    plan = ask(shipped, framework_version="0.33.0", image_source="aws")
    finding = one(plan, "no-image")
    assert errors(plan) == ["no-image"] and finding.hint == "image sources: upstream"
    both = shipped.frameworks["vllm"]["0.30.0"]
    assert {b.source for b in builds_for(both, "recommended", "cuda")} == {"aws", "upstream"}
    assert [b.source for b in builds_for(both, "upstream", "cuda")] == ["upstream"]
    assert builds_for(both, "recommended", None)[0].source == "aws"
    assert builds_for(both, "recommended", None, "cn-north-1")[0].source == "upstream"


def test_preference_of_a_release(shipped: Registry) -> None:
    """Without a build of the kind, the source or the region it comes last; then level, then SageMaker."""
    entry = shipped.frameworks["vllm"]
    assert preference(entry["0.30.0"], "recommended") == (0, 2, 0)
    assert preference(entry["0.33.0"], "recommended") == (0, 2, 1)
    assert preference(entry["0.33.0"], "aws") == (1, 2, 1)
    assert preference(entry["0.30.0"], "recommended", "neuron")[0] == 1
    assert preference(entry["0.29.0.1.2.0"], "recommended")[0] == 1
    assert preference(entry["0.30.0"], "aws", "cuda", "cn-north-1")[0] == 1
    assert preference(entry["0.28.0"], "aws", "cuda", "cn-north-1")[0] == 0


@pytest.mark.parametrize("framework", ["sklearn", "xgboost", "tensorflow"])
def test_predictive_frameworks_count_by_the_librarys_version(shipped: Registry, framework: str) -> None:
    newest = shipped.frameworks[framework].versions[0]
    assert version_of(ask(shipped, framework=framework)) == (newest, "specifier", "recommended")
    older = shipped.frameworks[framework].versions[1]
    assert version_of(ask(shipped, framework=framework, framework_version=older))[:2] == (older, "exact")


@pytest.mark.parametrize("text", ["0.30.0+cu129", "1!0.30.0", "1!0.30.0+cu129"])
def test_a_version_no_tag_can_hold_is_refused_with_the_public_one(shipped: Registry, text: str) -> None:
    plan = ask(shipped, **G5, framework_version=text)
    assert errors(plan) == ["no-release"] and plan.base_image is None
    assert one(plan, "no-release").hint == "framework_version=0.30.0"


def test_a_local_version_of_an_unlisted_release_names_its_neighbours(shipped: Registry) -> None:
    hint = one(ask(shipped, **G5, framework_version="0.30.5+cu129"), "no-release").hint
    assert hint == "nearest listed versions: 0.30.0, 0.31.0"


@pytest.mark.parametrize("text", ["0.31.0rc1", "0.31.0.dev3", "0.30.0.post1"])
def test_other_unlisted_versions_say_that_nobody_saw_their_image(shipped: Registry, text: str) -> None:
    plan = ask(shipped, **G5, framework_version=text)
    assert plan.ok and version_of(plan)[:2] == (text, "unlisted")
    assert "whether its image exists is seen by do/build" in one(plan, "version-unlisted").hint


def test_every_tag_a_plan_names_is_one_an_image_can_have(shipped: Registry) -> None:
    from mcc_registry.resolve.releases import TAG

    for name in shipped.frameworks:
        entry = shipped.frameworks[name]
        for version in entry.versions:
            for build in entry[version].builds:
                assert build.tag is None or TAG.fullmatch(build.tag), (name, version, build.tag)


@pytest.mark.parametrize(
    ("image", "host"),
    [
        ("python:3.13-slim", "docker.io"), ("vllm/vllm-openai:v0.30.0", "docker.io"), ("ghcr.io/a/b:1", "ghcr.io"),
        ("localhost/b", "localhost"), ("localhost:5000/b:1", "localhost:5000"), ("mirror:5000/b", "mirror:5000"),
    ],
)  # fmt: skip
def test_a_dot_in_a_tag_is_no_host(image: str, host: str) -> None:
    """Docker's rule: the first part names a host when a slash follows and it has a dot or a port, or is localhost."""
    assert image_host(image) == host
