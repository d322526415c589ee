"""Templates are strict although copier.yml does not say so: Copier before 9.15 cannot be told there."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
import yaml
from jinja2 import FileSystemLoader, UndefinedError
from jinja2.sandbox import SandboxedEnvironment

ROOT = Path(__file__).resolve().parents[2]


def test_an_unknown_name_in_a_template_is_an_error() -> None:
    """The extension makes the environment strict; a misspelt name never renders as nothing."""
    spec = importlib.util.spec_from_file_location("extension_under_test", ROOT / "hooks" / "extension.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    environment = SandboxedEnvironment(loader=FileSystemLoader([str(ROOT)]))
    assert environment.from_string("{{ misspelt }}").render() == ""
    module.RegistryExtension(environment)
    with pytest.raises(UndefinedError):
        environment.from_string("{{ misspelt }}").render()
    assert "undefined" not in yaml.safe_load((ROOT / "copier.yml").read_text(encoding="utf-8"))["_envops"]
