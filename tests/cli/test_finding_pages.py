"""Every code has a page, and every page is current."""

from __future__ import annotations

import re
from pathlib import Path

from mcc_registry.cli import finding_pages

ROOT = Path(__file__).parents[2]


def test_pages_are_current() -> None:
    assert finding_pages.stale(ROOT) == [], "run: python -m mcc_registry.cli.finding_pages"


def test_every_code_in_the_source_has_a_page() -> None:
    used: dict[str, str] = {}
    for folder in ("mcc_registry", "hooks"):
        for file in sorted((ROOT / folder).rglob("*.py")):
            for code in re.findall(r"[\"'](MCC\d{3})[\"']", file.read_text(encoding="utf-8")):
                used.setdefault(code, str(file))
    pages = finding_pages.collect()
    assert {c: f for c, f in used.items() if c not in pages} == {}
    assert set(pages) <= set(used)


def test_a_changed_page_is_noticed(tmp_path: Path) -> None:
    finding_pages.write(tmp_path)
    assert finding_pages.stale(tmp_path) == []
    folder = tmp_path / finding_pages.FOLDER
    (folder / "hosts.md").write_text("other")
    (folder / "MCC998.md").write_text("unknown")
    assert finding_pages.stale(tmp_path) == ["MCC998.md", "hosts.md"]
    finding_pages.write(tmp_path)
    assert finding_pages.stale(tmp_path) == []


def test_the_index_leads_to_every_code() -> None:
    """The README names each code once, and its link ends at a heading that is there."""
    pages = finding_pages.files()
    for code, entry in finding_pages.collect().items():
        assert pages["README.md"].count(f"[{code}]({entry.link})") == 1
        assert f"\n## {code} {entry.name}\n" in pages[entry.page]


def test_no_code_has_two_owners() -> None:
    from mcc_registry.checks import all_rules
    from mcc_registry.validate import catalogue

    codes = [r.code for r in all_rules()] + [row[0] for row in catalogue()] + list(finding_pages.OTHER)
    assert len(codes) == len(set(codes))
