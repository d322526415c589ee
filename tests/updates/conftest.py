"""Tags that differ in library code, registry schema and data, and the extension's own file."""

from __future__ import annotations

import os
import re
import sys
import time
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from record import PAGE, commit_of_checkout, page, results_of
from templates import TemplateRepo, compile_registry, replace_text

STARTED = time.time()
COMMIT = commit_of_checkout() if os.environ.get("MCC_PROOF_UPDATES") else ""


def change_code(folder: Path) -> None:
    """Library code: another default decides the time-outs of every project."""
    replace_text(folder / "mcc_registry" / "view.py", "START_SECONDS = 300\n", "START_SECONDS = 600\n")


def change_schema(folder: Path) -> None:
    """Schema and data: releases get a field the first version would refuse, and a level changes."""
    model = folder / "mcc_registry" / "models" / "framework.py"
    replace_text(
        model,
        "    notes: list[Text] = []\n\n\nclass FrameworkVariant",
        "    notes: list[Text] = []\n    motto: Text | None = None\n\n\nclass FrameworkVariant",
    )
    for path in (folder / "registries" / "frameworks").glob("*.yaml"):
        text = path.read_text(encoding="utf-8")
        text = re.sub(r'^(  - version: ".*")$', r"\1\n    motto: changed with the schema", text, flags=re.MULTILINE)
        path.write_text(text, encoding="utf-8")
    view = folder / "mcc_registry" / "view.py"
    replace_text(
        view,
        '        "registry": plan.registry,\n',
        '        "registry": plan.registry,\n        "motto": release.data.motto,\n',
    )
    readme = folder / "template" / "README.md.jinja"
    replace_text(readme, "## Next\n", "{{ p.motto }}\n\n## Next\n")
    compile_registry(folder)


def change_prices(folder: Path) -> None:
    """Data: every price changes, so that README, lock and do/config do."""
    for path in (folder / "registries" / "instances").glob("*.yaml"):
        text = path.read_text(encoding="utf-8")
        path.write_text(re.sub(r"(price_usd_hour: \d+\.\d+)", r"\g<1>1", text), encoding="utf-8")
    compile_registry(folder)


def change_extension(folder: Path) -> None:
    """The extension's own file: a function that only this version has, and a template that needs it."""
    replace_text(
        folder / "hooks" / "extension.py",
        "        name, notes = load_checkout(root)\n",
        '        environment.globals["mcc_third"] = lambda: "third version"\n        name, notes = load_checkout(root)\n',
    )
    replace_text(folder / "template" / "README.md.jinja", "## Next\n", "{{ mcc_third() }}\n\n## Next\n")
    (folder / "template" / "NOTES.md.jinja").write_text("{{ mcc_project().project_name }}\n", encoding="utf-8")


@pytest.fixture(scope="session")
def three(tmp_path_factory: pytest.TempPathFactory) -> TemplateRepo:
    """Tags v1.0.0 (this checkout), v2.0.0 (code, schema, data), v3.0.0 (extension, a new file)."""
    repo = TemplateRepo.make(tmp_path_factory.mktemp("template") / "template")
    repo.tag("v2.0.0", change_code, change_schema, change_prices)
    repo.tag("v3.0.0", change_extension)
    return repo


@pytest.fixture(autouse=True)
def no_layers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests name their layers themselves."""
    monkeypatch.delenv("REGISTRY_PATH", raising=False)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """The full proof runs for long: what fails is shown at once."""
    if os.environ.get("MCC_PROOF_UPDATES") and report.failed and "PYTEST_XDIST_WORKER" not in os.environ:
        print(f"\n{report.nodeid}\n{report.longreprtext}", flush=True)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Write down the full proof, once, where all reports come together."""
    if not os.environ.get("MCC_PROOF_UPDATES") or hasattr(config, "workerinput") or config.option.collectonly:
        return
    workers = getattr(config.option, "numprocesses", None)
    seconds = time.time() - STARTED
    found = results_of(terminalreporter.stats)
    before = PAGE.read_text(encoding="utf-8") if PAGE.is_file() else ""
    words = f"{workers} processes" if workers else "1 process"
    PAGE.write_text(page(found, COMMIT, seconds, words, before), encoding="utf-8")
