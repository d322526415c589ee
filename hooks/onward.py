"""The page of a refused update: what no longer works, why, and commands that were tried and do work."""

from __future__ import annotations

import os
import shlex
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ..mcc_registry.errors import Finding, listing
from ..mcc_registry.lock.onward import Way, command


def refused_update(
    report: Sequence[str],
    errors: Sequence[Finding],
    ways: Sequence[Way],
    changed: Mapping[str, Any],
    *,
    same_version: bool,
    reference: str | None,
    lost: Sequence[str] = (),
    layers: Sequence[str] = (),
) -> str:
    """The page: what and why, then the commands that go on.

    Args:
        report: the errors as people read them.
        errors: the errors.
        ways: changes that make a plan.
        changed: answers given now that the project did not have, with their values.
        same_version: the template's version is the one the project has.
        reference: the version that was asked for with ``--vcs-ref``.
        layers: the layers in force.
        lost: layers the project was made with that nothing names any more.
    """
    answers = sorted({e.field for e in errors if e.field})
    private = sorted({e.source for e in errors if e.source.startswith(tuple(f"{name}/" for name in layers))})
    if lost:
        why = f"without {listing(lost)}"
    elif private and all(e.source in private for e in errors if e.field not in changed):
        why = f"with {listing(private)}"
    elif same_version:
        why = "though the template's version is the same (a private registry, or what was found outside, changed)"
    else:
        why = "in the new version"
    parts = [
        f"The update was refused and nothing was changed: {_what(answers, changed, why)}.",
        *report,
    ]
    if lost:
        set_again = f"REGISTRY_PATH={shlex.quote(os.pathsep.join(lost))} {command(changed, reference)}"
        parts.append(f"With the private registry the project was made with, which nothing names now:\n  {set_again}")
    if ways:
        lines = ["To go on, one of:"]
        for way in ways:
            lines += [f"  {command({**changed, **way.changes}, reference)}", f"      gives {way.gives}"]
        parts.append("\n".join(lines))
    elif answers:
        others = {name: value for name, value in changed.items() if name not in answers}
        values = " ".join(f"--data {a}=VALUE" for a in answers)
        parts.append(f"To go on, give another value: {command(others, reference)} {values}")
    parts.append("Until then the project stays as it is and goes on working with its own version.")
    return "\n\n".join(parts)


def _what(answers: Sequence[str], changed: Collection[str], why: str) -> str:
    """Which answers are refused, and what made the difference: a value given now, or what ``why`` says."""
    given = [a for a in answers if a in changed]
    kept = [a for a in answers if a not in changed]
    said = []
    if given:
        said.append(f"the value given for {listing(given)} cannot be used")
    if kept:
        verb = ("does not" if len(kept) == 1 else "do not") if changed else "no longer"
        work = "work" if changed or len(kept) > 1 else "works"
        why = f"with what was given ({listing(sorted(changed))})" if changed else why
        said.append(f"{listing(kept)} {verb} {work} {why}")
    return "; ".join(said) or ("the plan no longer works" if not changed else "what was given makes no plan")


def old_copy_refused(missing: Sequence[str], blocks: Sequence[str]) -> str:
    """The page of an update whose old version makes no plan any more: without it, edits and news cannot be told apart.

    Args:
        missing: layers that were too large to be recorded and have changed since.
        blocks: why there is no plan.
    """
    first = "The update was refused and nothing was changed: the version this project has cannot be rendered again."
    why = [f"{too_large(missing)} and changed since, so it is not known what it said then."] if missing else []
    layer = "Bring the layer back as it was, and update; or render" if missing else "Render"
    edited = (
        "Was .copier-answers.yml edited by hand? Then restore it from git, and give the change with --data instead."
    )
    go_on = (
        f"{'' if missing else f'{edited} '}To go on: {layer[:1].lower() + layer[1:]} the project anew with the answers it has and merge your own edits back "
        f"by hand (git diff shows them):\n  copier recopy --trust --overwrite"
    )
    return "\n\n".join([first, *why, *blocks, go_on])


def too_large(names: Sequence[str]) -> str:
    """The beginning of a sentence on layers that are not recorded."""
    which = f"layer {names[0]}" if len(names) == 1 else f"layers {listing(names)}"
    return f"The {which} {'was' if len(names) == 1 else 'were'} too large to be recorded with the answers"


def broken_layer(report: str, answered: bool, by_variable: bool, reference: str | None = None) -> str:
    """The page of an update that a layer's faults stop: the faults, and the command that goes on without the layer.

    Args:
        report: every fault.
        answered: the answer ``registry_path`` names a layer.
        by_variable: ``REGISTRY_PATH`` does.
        reference: the version that was asked for with ``--vcs-ref``.
    """
    if not answered and not by_variable:
        return report
    start = "env -u REGISTRY_PATH " if by_variable else ""
    go_on = f"{start}{command({'registry_path': ''} if answered else {}, reference)}"
    return f"{report}\n\nThe update without the layer (what it says is then gone from the project):\n  {go_on}"
