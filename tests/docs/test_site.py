"""The site builds strictly: no broken link, no page left out."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import docpages
import pytest


@pytest.mark.slow
def test_the_site_builds_strictly(tmp_path: Path) -> None:
    """`mkdocs build --strict` ends well; needs mkdocs-material, which `make docs` installs."""
    pytest.importorskip("material", reason="mkdocs-material is not installed; make docs installs it")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")]
    done = subprocess.run(command, cwd=docpages.ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "site" / "findings" / "hosts.html").is_file()
