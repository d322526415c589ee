"""Resolving with inspected images: which image is looked at, for which platform, how often, and what is kept."""

from __future__ import annotations

from typing import Any

import pytest

from mcc_registry import Finding, Registry, Request
from mcc_registry.docker import ImageFacts
from mcc_registry.resolve.images import MOST_IMAGES, Inspected, resolve_with_images
from mcc_registry.resolve.releases import ReleaseChoice
from tests.unit.core_kit import named

UPSTREAM = {"framework_version": "0.30.0", "image_source": "upstream"}
IMAGE = "vllm/vllm-openai:v0.30.0"
TOLD = Finding("MCC620", "info", "validate_with_docker", "no engine here", "start it", "", "docker-absent")
GIVEN = Finding("MCC001", "warning", "project_name", "said before", "", "", "said-before")


class Looker:
    """Answers what it was told to, in turn, and remembers what it was asked."""

    def __init__(self, *answers: tuple[dict[str, Any] | None, list[Finding]]) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, str]] = []

    def __call__(self, image: str, platform: str) -> tuple[ImageFacts | None, list[Finding]]:
        self.asked.append((image, platform))
        values, told = self.answers.pop(0) if self.answers else (None, [])
        return (None if values is None else ImageFacts(image, was_run=True, **values)), told


def test_the_platform_is_the_instance_types(shipped: Registry) -> None:
    for instance, platform in (("ml.c7g.large", "linux/arm64"), ("ml.m5.large", "linux/amd64")):
        look = Looker()
        plan = resolve_with_images(Request(framework="sklearn", instance_type=instance), shipped, look)
        assert look.asked == [(plan.base_image, platform)]


def test_nothing_found_and_nothing_told_changes_nothing(shipped: Registry) -> None:
    from mcc_registry import resolve

    plan = resolve_with_images(Request(**UPSTREAM), shipped, Looker(), findings=[GIVEN])
    assert plan.findings == resolve(Request(**UPSTREAM), shipped, findings=[GIVEN]).findings


def test_what_the_look_tells_is_part_of_the_plan_without_facts_too(shipped: Registry) -> None:
    look = Looker((None, [TOLD]))
    plan = resolve_with_images(Request(**UPSTREAM), shipped, look, findings=iter([GIVEN]))
    assert TOLD in plan.findings and GIVEN in plan.findings and plan.base_image == IMAGE
    assert look.asked == [(IMAGE, "linux/amd64")], "the same image is not looked at again"


def test_a_refused_plan_looks_at_nothing(shipped: Registry) -> None:
    look = Looker()
    assert not resolve_with_images(Request(instance_type="ml.m5.large"), shipped, look).ok and not look.asked


def test_an_image_that_turns_out_otherwise_leads_to_the_next(shipped: Registry) -> None:
    """Each release of the range holds something that does not run there; the facts of all are kept."""
    look = Looker(*[({"cuda": "13.0", "packages": {"vllm": "0.7.2"}}, []) for _ in range(9)])
    request = Request(framework_version=">=0.28,<0.34", image_source="upstream", instance_type="ml.g5.xlarge")
    plan = resolve_with_images(request, shipped, look)
    images = [image for image, _ in look.asked]
    assert len(images) == len(set(images)) == MOST_IMAGES
    assert images == sorted(images, reverse=True) and plan.base_image not in images


def test_other_arguments_reach_every_resolution(shipped: Registry) -> None:
    request = Request(**UPSTREAM, chat_template="mine.jinja")
    plan = resolve_with_images(request, shipped, Looker(({"cuda": "12.8"}, [])), chat_template_text="{{ mine }}")
    assert plan.chat_template_text == "{{ mine }}" and named(plan, "image-differs")


@pytest.mark.parametrize("docker", [None, [], ()])
def test_without_facts_the_choice_is_the_same_object(shipped: Registry, docker: Any) -> None:
    choice = ReleaseChoice((shipped.frameworks["vllm"]["0.30.0"],), "exact")
    assert Inspected.of(docker).apply(choice, "us-east-1") is choice


def test_only_the_build_of_the_image_changes(shipped: Registry) -> None:
    """The release is split: the inspected build with what was found in it, the other one as it was."""
    entry = shipped.frameworks["vllm"]
    choice = ReleaseChoice((entry["0.30.0"], entry["0.29.0"]), "specifier")
    facts = ImageFacts(IMAGE, cuda="12.9.1", packages={"vllm": "0.30.0", "torch": "2.99.1+cu129"}, was_run=True)
    made = Inspected.of([facts]).apply(choice, "us-east-1").releases
    assert [(r.version, [b.source for b in r.builds], r.data.engine["torch"]) for r in made] == [
        ("0.30.0", ["upstream"], "2.99.1"),
        ("0.30.0", ["aws"], "2.13.0"),
        ("0.29.0", ["aws", "upstream"], "2.13.0"),
    ]
    (build,) = made[0].builds
    assert (build.tag, build.accelerator.version, build.accelerator.basis) == ("v0.30.0", "12.9", "measured")
    assert made[0].data.evidence == entry["0.30.0"].data.evidence and made[2] is entry["0.29.0"]


def test_a_release_as_found_has_earned_nothing(shipped: Registry) -> None:
    """A listed version brings its own row; an unlisted one keeps the tag's, without level, date and evidence."""
    entry = shipped.frameworks["vllm"]
    choice = ReleaseChoice((entry["0.30.0"],), "exact")
    listed = Inspected.of(ImageFacts(IMAGE, packages={"vllm": "0.29.0", "torch": "2.0"})).apply(choice, "us-east-1")
    (first, rest) = listed.releases
    assert (first.version, first.data.engine, first.data.validation_level) == (
        "0.29.0", dict(entry["0.29.0"].data.engine), "unknown",
    )  # fmt: skip
    assert [b.tag for b in first.builds] == ["v0.30.0"] and [b.source for b in rest.builds] == ["aws"]
    other = Inspected.of(ImageFacts(IMAGE, packages={"vllm": "0.30.7", "torch": "2.0"})).apply(choice, "us-east-1")
    made = other.releases[0]
    assert (made.version, made.data.engine["torch"], made.data.released) == ("0.30.7", "2.0", None)
    assert made.data.recommended_instance_types == [] and made.data.evidence == []
