"""The findings of this room, for their documentation pages."""

from __future__ import annotations

from collections.abc import Iterable

from ..errors import Fact, Finding, FindingKind

FINDING_KINDS: dict[str, FindingKind] = {
    kind.name: kind
    for kind in (
        FindingKind(
            "MCC740",
            "no-project",
            "There is no project to export from",
            "`export` reads `.copier-answers.yml`, `mcc.lock.yaml`, `container.env` and `Dockerfile` of a generated project. "
            "Name its folder with `--project`.",
        ),
        FindingKind(
            "MCC741",
            "test-fact-missing",
            "A fact about the test is missing, or cannot be right",
            "A row with evidence says what was tried, where, when, by whom, and how it went. Everything that is missing is asked for at "
            "once; without any of these options the row is exported as experimental.",
        ),
        FindingKind(
            "MCC742",
            "not-the-registered-image",
            "The project does not use an image the registry describes, so its test says nothing about the row",
            "The Dockerfile was changed to start from another image, or the image comes from a private layer that was not "
            "named with `--registry-path`.",
        ),
        FindingKind(
            "MCC743",
            "left-out",
            "Something private was left out of the row",
            "ARNs, account ids, buckets, tokens, addresses and paths of users never go into a registry row; what they were "
            "is not repeated.",
            "warning",
        ),
        FindingKind(
            "MCC744",
            "row-not-written",
            "The row cannot be written, or the registries would have faults with it",
            "The row is validated before it is shown and after it is written; a file with a new fault is put back as it was.",
        ),
        FindingKind(
            "MCC745",
            "level-earned",
            "The validation level a test has earned, and what would earn more",
            "An endpoint that answered earns `tested`; a build and a run without an endpoint earn `community-validated`; "
            "anything else is `experimental`. A run on a stand-in base image earns nothing and is not to be exported.",
            "info",
        ),
        FindingKind(
            "MCC746",
            "nothing-to-export",
            "The test says nothing that the registries do not say already",
            "The row is listed, and neither a deployment nor a run succeeded, or no test is reported. If something failed, report a known "
            "issue.",
            "warning",
        ),
    )
}


def get_finding(
    name: str, message: str, hint: str = "", *, field: str | None = None, source: str = "", facts: Iterable[Fact] = ()
) -> Finding:
    """A finding of this room by its name."""
    kind = FINDING_KINDS[name]
    return Finding(kind.code, kind.severity, field, message, hint, source, name, tuple(facts))
