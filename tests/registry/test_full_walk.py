"""Every (server, release, profile, instance type) ends in a plan or a reasoned refusal, never in an exception."""

from __future__ import annotations

import pytest

from mcc_registry import Registry, Request
from mcc_registry.resolve.choose import builds_for
from mcc_registry.resolve.evaluate import evaluate
from mcc_registry.resolve.facts import gather_facts
from mcc_registry.resolve.merge import entry_profiles

REGISTRY = Registry.load(environ={})


def servers() -> list[tuple[str, str]]:
    """(framework, entry) for every entry of the Framework Registry."""
    found = []
    for framework in REGISTRY.framework_names():
        if framework == "transformers":
            found += [(framework, server) for server in REGISTRY.framework_servers(framework)]
        else:
            found.append((framework, framework))
    return found


@pytest.mark.slow
@pytest.mark.parametrize(("framework", "entry_id"), servers(), ids=lambda v: str(v))
def test_every_combination_is_judged(framework: str, entry_id: str) -> None:
    """All releases and profiles on all 277 types; a refusal names its reason."""
    entry = REGISTRY.frameworks[entry_id]
    server = entry_id if framework == "transformers" else None
    judged = 0
    for version in entry.versions:
        release = entry[version]
        kinds = {b.accelerator.type for b in release.builds}
        profiles = {name for kind in kinds for name in entry_profiles(entry, version, kind)}
        for profile in ["default", *sorted(profiles)]:
            request = Request(
                framework=framework, model_server=server, framework_version=version, framework_profile=profile
            )
            facts, _ = gather_facts(request, REGISTRY)
            for instance in REGISTRY.instances.values():
                for build in builds_for(release, "recommended", instance.accelerator_kind)[:1]:
                    evaluation = evaluate(facts, release, build, instance)
                    judged += 1
                    if not evaluation.ok:
                        errors = [f for f in evaluation.findings if f.severity == "error"]
                        assert all(f.message and f.code.startswith("MCC") for f in errors)
    assert judged >= len(entry.versions) * len(REGISTRY.instances)
