"""Facts about a container image from a container engine: optional, time-boxed, never a reason to fail.

The configuration is read first, without running anything. Then two small programs are run in the image, without
network, capabilities, a writable file system or the image's own entry point, and the container is removed.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import IO, Literal

from ..errors import Fact, Finding, FindingKind, Severity, printable
from ..versions import find_numbers, major_minor
from . import engine, probe
from .engine import EngineError
from .facts import PACKAGES, ImageFacts, facts_from_config, facts_from_run, image_facts_from_mapping

__all__ = [
    "FINDING_KINDS", "ImageFacts", "Inspection", "image_facts_from_mapping", "inspect_image", "is_reference", "look_at",
]  # fmt: skip

BUDGET_S = 900.0
"""Longest everything may take; serving images have 5 to 15 GB to pull."""

PullMode = Literal["missing", "always", "never"]

_REFERENCE = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9._-]*(:[0-9]+)?(/[a-z0-9._-]+)*(:[\w][\w.-]{0,127})?(@sha256:[0-9a-f]{64})?", re.ASCII
)


FINDING_KINDS: dict[str, FindingKind] = {
    kind.name: kind
    for kind in (
        FindingKind(
            "MCC620",
            "no-container-engine",
            "No container engine could be asked about the image",
            "The `docker` command is missing, or no engine answers behind `DOCKER_HOST` or the current context. "
            "`inspect-image` ends there; `validate_with_docker` is a note, and the plan rests on the registries alone.",
            "error",
        ),
        FindingKind(
            "MCC621",
            "image-not-inspected",
            "The image is not on this machine and could not be pulled",
            "It does not exist, needs a login (`docker login`), or pulling was not allowed (`--no-pull`, `--offline`) or "
            "took too long. In a plan this is a warning, because a tag that cannot be pulled cannot be built on either.",
            "error",
        ),
        FindingKind(
            "MCC622",
            "image-not-run",
            "The image could not be run, so only its configuration was read",
            "It has neither a shell nor Python, is for another architecture, or took too long. Labels and variables are "
            "what the image's makers say; they are not checked against its contents then.",
            "warning",
        ),
        FindingKind(
            "MCC623",
            "image-contradicts-itself",
            "The image's variables name another CUDA version than the one found in it",
            "`CUDA_VERSION` is a text somebody wrote; the version found by running the image is the one that counts.",
            "warning",
        ),
        FindingKind(
            "MCC624",
            "gpu-not-shown",
            "The engine knows NVIDIA's runtime but could not show the image a GPU",
            "Everything but the GPU's memory was read. `docker run --gpus all` shows the engine's own message.",
            "info",
        ),
    )
}


def get_finding(name: str, message: str, hint: str = "", facts: Iterable[Fact] = ()) -> Finding:
    """A finding of this room by its name."""
    kind = FINDING_KINDS[name]
    return Finding(kind.code, kind.severity, "image", message, hint, "", name, tuple(facts))


@dataclass(frozen=True, slots=True)
class Inspection:
    """What was found out about an image, and what there is to say; ``facts`` is None when nothing was read."""

    facts: ImageFacts | None
    findings: tuple[Finding, ...] = ()


def is_reference(image: str) -> bool:
    """Whether a text can be an image reference, and nothing that a command would take for an option."""
    return len(image) <= 512 and _REFERENCE.fullmatch(image) is not None


def inspect_image(
    image: str,
    *,
    pull: PullMode = "missing",
    run: bool = True,
    timeout_s: float = BUDGET_S,
    platform: str | None = None,
    progress: IO[str] | None = None,
    tell: Callable[[str], None] | None = None,
) -> Inspection:
    """Inspect an image with the engine behind ``DOCKER_HOST`` or the current context.

    Args:
        image: its reference (``is_reference``).
        pull: ``missing``, ``always`` or ``never``.
        run: also run the image; else only its configuration is read.
        timeout_s: seconds for everything.
        platform: ``linux/amd64``, for pulling.
        progress: a terminal for the engine's progress bars.
        tell: gets a line before something slow begins.
    """
    deadline = time.monotonic() + timeout_s

    def left() -> float:
        return max(0.0, deadline - time.monotonic())

    name = printable(image, 200)
    if not is_reference(image):
        return Inspection(None, (get_finding("image-not-inspected", f"{name} is no image reference"),))
    try:
        text = engine.inspect_config(image, left())
        if pull == "always" or (pull == "missing" and text is None):
            if tell is not None:
                tell(f"pulling {name}")
            done = engine.pull(image, left(), platform=platform, progress=progress)
            if done.code is None:
                why, hint = f"pulling {name} took longer than {timeout_s:.0f} s", "allow more time with --timeout"
            else:
                why, hint = f"{name} cannot be pulled: {done.reason}", _pull_hint(done.reason)
            if done.code != 0:
                return Inspection(None, (get_finding("image-not-inspected", why, hint),))
            text = engine.inspect_config(image, left())
    except EngineError as error:
        hint = "start Docker, or set DOCKER_HOST to where an engine listens"
        return Inspection(None, (get_finding("no-container-engine", str(error), hint),))
    if text is None:
        hint = "pull it first, or allow pulling"
        return Inspection(None, (get_finding("image-not-inspected", f"{name} is not on this machine", hint),))
    facts = facts_from_config(image, text)
    if facts is None:
        message = f"the engine's description of {name} cannot be read"
        return Inspection(None, (get_finding("image-not-inspected", message),))
    if not run:
        return Inspection(facts, ())
    found: list[Finding] = []
    try:
        facts, more = _run(facts, left)
        found += more
    except EngineError as error:
        found.append(get_finding("image-not-run", f"{name} was not run: {error}"))
    return Inspection(facts, (*found, *_contradiction(facts)))


def _pull_hint(reason: str) -> str:
    low = reason.lower()
    if any(word in low for word in ("denied", "unauthorized", "credential", "authentication")):
        return "log in first; for ECR: aws ecr get-login-password | docker login --username AWS --password-stdin HOST"
    if any(word in low for word in ("manifest unknown", "not found", "does not exist")):
        return "check the tag"
    return ""


def _run(facts: ImageFacts, left: Callable[[], float]) -> tuple[ImageFacts, list[Finding]]:
    """Run the probe: as nobody where the image would be root, and as the image's own user where that finds nothing."""
    image, name = facts.image, printable(facts.image, 200)
    found: list[Finding] = []
    names = ",".join(PACKAGES)
    programs = (
        ("sh", ["-c", probe.SHELL, "mcc", probe.PYTHON, names]),
        ("python3", ["-I", "-B", "-c", probe.PYTHON, names]),
    )
    own = str(facts.config.get("user") or "").partition(":")[0]
    users: list[str | None] = [engine.NOBODY, None] if own in ("", "0", "root") else [None]
    gpus = engine.has_gpu_runtime(left())
    best, reason, late = facts, "", False
    for user in users:
        for entrypoint, arguments in programs:
            done = engine.run(image, entrypoint, arguments, left(), user=user, gpus=gpus)
            if gpus and done.code != 0 and "=mcc:" not in done.out:
                reason = done.reason
                done = engine.run(image, entrypoint, arguments, left(), user=user, gpus=False)
                if "=mcc:" in done.out:
                    gpus = False
                    found.append(get_finding("gpu-not-shown", f"{name} was shown no GPU: {reason}"))
            if "=mcc:" in done.out:
                late = late or done.code is None
                tried = facts_from_run(facts, done.out)
                if not best.was_run or (tried.framework and not best.framework):
                    best = tried
                break
            reason = "it took too long" if done.code is None else done.reason
            if done.code is None:
                break
        if best.framework or left() <= 0:
            break
    if not best.was_run:
        message = f"{name} could not be run, only its configuration was read: {reason}"
        found.append(get_finding("image-not-run", message))
    elif late:
        message = f"running {name} took too long and was ended; what was found by then is used"
        found.append(get_finding("image-not-run", message))
    return best, found


def _contradiction(facts: ImageFacts) -> list[Finding]:
    says, has = find_numbers(facts.config.get("cuda_version")), find_numbers(facts.cuda)
    how = facts.found_by.get("cuda", "")
    if not facts.was_run or says is None or has is None or how == "CUDA_VERSION":
        return []
    if major_minor(says) == major_minor(has):
        return []
    message = (
        f"{printable(facts.image, 200)} says CUDA_VERSION={facts.config['cuda_version']} but holds CUDA {facts.cuda}"
    )
    told = (
        Fact(f"CUDA {facts.cuda} by {how}", facts.image, "contents"),
        Fact("CUDA_VERSION", facts.image, "Config.Env"),
    )
    return [get_finding("image-contradicts-itself", message, "what the image holds counts", told)]


OPTIONAL: dict[str, Severity] = {"no-container-engine": "info", "image-not-inspected": "warning"}
"""Findings that must not refuse a plan: Docker's facts are optional there."""


def look_at(
    image: str,
    platform: str | None = None,
    *,
    offline: bool = False,
    timeout_s: float = BUDGET_S,
    progress: IO[str] | None = None,
    tell: Callable[[str], None] | None = None,
) -> tuple[ImageFacts | None, list[Finding]]:
    """As ``inspect_image``, for a plan: nothing found is an error, and offline nothing is pulled."""
    done = inspect_image(
        image,
        pull="never" if offline else "missing",
        timeout_s=timeout_s,
        platform=platform,
        progress=progress,
        tell=tell,
    )
    go_on = "; the plan rests on the registries alone"
    told = []
    for finding in done.findings:
        severity = OPTIONAL.get(finding.name)
        if severity is not None:
            if offline and finding.name == "image-not-inspected":
                severity = "info"
            finding = replace(finding, severity=severity, message=f"{finding.message}{go_on}")
        told.append(replace(finding, field="validate_with_docker"))
    return done.facts, told
