"""A table of what a slow run proved, at its end."""

from __future__ import annotations

import signal
from collections import Counter
from typing import Any

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shell's background job; tests of Ctrl-C need it to arrive
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_terminal_summary(terminalreporter: Any, config: Any) -> None:
    """Print proofs by area, and every skip loudly, when slow tests were asked for."""
    if "slow" not in (config.option.markexpr or "") or "not slow" in config.option.markexpr:
        return
    rows: dict[str, Counter[str]] = {}
    for outcome in ("passed", "failed", "error", "skipped"):
        for report in terminalreporter.stats.get(outcome, []):
            if outcome == "passed" and report.when != "call":
                continue
            area = "/".join(report.nodeid.split("::")[0].split("/")[1:])
            rows.setdefault(area, Counter())[outcome] += 1
    terminalreporter.section("what was proven")
    for area in sorted(rows):
        counts = ", ".join(f"{number} {name}" for name, number in rows[area].items())
        terminalreporter.write_line(f"{area:<44} {counts}")
    skipped = {
        r.longrepr[2] if isinstance(r.longrepr, tuple) else str(r.longrepr)
        for r in terminalreporter.stats.get("skipped", [])
    }
    for reason in sorted(skipped):
        terminalreporter.write_line(f"!!! SKIPPED: {reason}")
