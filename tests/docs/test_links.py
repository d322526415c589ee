"""Links lead somewhere, the site builds, and nothing names a package registry's host."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import docpages
import pytest

ROOT = docpages.ROOT
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
EVERY_PAGE = [*docpages.pages(), *sorted((ROOT / "docs" / "findings").glob("*.md"))]


def slug(title: str) -> str:
    """A heading's anchor, as GitHub and MkDocs make it."""
    plain = re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", title)
    return re.sub(r"[^\w\- ]", "", plain.strip().lower()).replace(" ", "-")


def outside_fences(text: str) -> str:
    return re.sub(r"^ *```.*?^ *```$", "", text, flags=re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> set[str]:
    return {slug(t) for t in re.findall(r"^#+ (.*)$", outside_fences(page.read_text(encoding="utf-8")), re.MULTILINE)}


@pytest.mark.parametrize("page", EVERY_PAGE, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link names a file of the repository, and a heading that exists."""
    broken = []
    for target in LINK.findall(outside_fences(page.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        if not path.exists() or (anchor and path.suffix == ".md" and anchor not in anchors(path)):
            broken.append(target)
    assert broken == []


def test_pages_of_the_site_link_within_the_site() -> None:
    """The built site has only docs/: a page there does not link outside it."""
    docs = ROOT / "docs"
    outside = []
    for page in docs.rglob("*.md"):
        for target in LINK.findall(outside_fences(page.read_text(encoding="utf-8"))):
            name = target.partition("#")[0]
            if name and not re.match(r"[a-z]+:", target) and not (page.parent / name).resolve().is_relative_to(docs):
                outside.append(f"{page.name}: {target}")
    assert outside == []


@pytest.mark.slow
def test_the_site_builds_strictly(tmp_path: Path) -> None:
    """`mkdocs build --strict` ends well: no broken link, no page left out. Needs mkdocs-material, which `make docs` installs."""
    pytest.importorskip("material", reason="mkdocs-material is not installed; make docs installs it")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "site" / "findings" / "hosts.html").is_file()


HOSTS = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"), ("python" + "hosted", "org"), ("npm" + "js", "org"), ("npm" + "js", "com"), ("ruby" + "gems", "org"),
        ("crates", "io"), ("ana" + "conda", "org"), ("ana" + "conda", "com"), ("proxy.golang", "org"), ("repo.maven", "apache"),
    )
]  # fmt: skip
"""Package registries, written in pieces so that this file does not name one either."""


def test_no_package_registry_is_named() -> None:
    """No file of the repository names the host of a package registry: users may have only a mirror."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    found = []
    for name in filter(None, listed.split("\0")):
        path = ROOT / name
        if not path.is_file():
            continue
        text = path.read_text(encoding="utf-8", errors="ignore").lower()
        found += [f"{name}: {host}" for host in HOSTS if host in text]
    assert found == []
