"""The issue form and the pre-commit hook are what their readers expect."""

from __future__ import annotations

import re
import subprocess
import sys

import docpages
import pytest
import yaml

ROOT = docpages.ROOT


def test_the_form_asks_what_the_reference_document_asks() -> None:
    """Framework and version, model, instance type, error message, steps; ids are unique, inputs have labels."""
    form = yaml.safe_load((ROOT / ".github/ISSUE_TEMPLATE/compatibility.yml").read_text(encoding="utf-8"))
    assert {"name", "description", "body"} <= set(form)
    fields = [f for f in form["body"] if f["type"] != "markdown"]
    assert {f["type"] for f in fields} <= {"input", "textarea", "dropdown", "checkboxes"}
    assert all(f["attributes"]["label"] for f in fields)
    ids = [f["id"] for f in fields]
    assert len(ids) == len(set(ids)) and {"framework", "model", "instance", "message", "steps"} <= set(ids)
    required = {f["id"] for f in fields if f.get("validations", {}).get("required")}
    assert {"framework", "model", "instance", "steps"} <= required


@pytest.mark.slow
@pytest.mark.parametrize(
    ("schema", "names"),
    [
        ("github-issue-forms", [".github/ISSUE_TEMPLATE/compatibility.yml"]),
        ("github-issue-config", [".github/ISSUE_TEMPLATE/config.yml"]),
        ("github-workflows", [".github/workflows/refresh.yml"]),
    ],
)
def test_github_would_accept_them(schema: str, names: list[str]) -> None:
    """Forms and workflows satisfy the schemas GitHub's own format has; the schemas come with check-jsonschema."""
    pytest.importorskip("check_jsonschema", reason="check-jsonschema is not installed; the extra proof has it")
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}", *names]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_hook_sees_registry_files_and_nothing_else() -> None:
    """The pre-commit hook's pattern takes layers anywhere in a repository; its command is one of ours."""
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    taken = ["models/a.yaml", "layers/x/instances/g5.yml", "our/policy.yaml", "accelerators/gpus.yaml"]
    left = ["README.md", "ci/deploy.yaml", "models/a/b.yaml", "policy.yaml.bak"]
    assert all(re.search(hook["files"], name) for name in taken)
    assert not any(re.search(hook["files"], name) for name in left)
    assert hook["entry"].split()[0] == "mcc-registry" and hook["id"] in (ROOT / "docs/offline-ci.md").read_text(
        encoding="utf-8"
    )
