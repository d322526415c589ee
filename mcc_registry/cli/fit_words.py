"""The answers of ``fit`` for people: one verdict as a sum, or the types a model fits as a table."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING, Any

from ..errors import listing, printable
from .console import gib, price
from .resolve import BILLING

if TYPE_CHECKING:
    from ..errors import Finding
    from .console import Console

WORDS = {True: "yes", False: "no", None: "unknown"}


def show_verdict(data: dict[str, Any], args: Namespace, findings: list[Finding], console: Console) -> None:
    """The sum for people."""
    style = {True: "good", False: "error", None: "warning"}[data["fits"]]
    why = "" if data.get("runs", True) else ": no image of the release starts there"
    console.text(f"fits: {console.paint(WORDS[data['fits']], style)}{why}")
    if data["tensor_parallel_size"] is not None:
        low, high = data["interval_gib"]
        spread = f" ({gib(low)} to {gib(high)})" if low is not None else ""
        rows: list[tuple[str, object]] = [
            ("model", printable(args.model)),
            ("instance type", args.instance_type),
            ("engine", "{name} {version}".format(**data["framework"])),
            ("weights", f"{gib(data['weights_gib'])} GiB"),
            ("KV cache", f"{gib(data['kv_cache_gib'])} GiB"),
            ("overhead", f"{gib(data['overhead_gib'])} GiB"),
            ("needed", f"{gib(data['required_gib'])} GiB{spread}"),
            ("available", f"{gib(data['available_gib'])} GiB"),
            ("tensor_parallel_size", data["tensor_parallel_size"]),
            ("pipeline_parallel_size", stages if (stages := data["pipeline_parallel_size"]) > 1 else None),
            ("largest max_model_len", data["max_model_len"]),
            ("largest max_num_seqs", data["max_num_seqs"]),
        ]
        console.pairs(rows, "  ")
    if findings:
        console.text()
        console.findings(findings)


def show_candidates(data: dict[str, Any], model: str, findings: list[Finding], console: Console) -> None:
    """The types that fit or may fit, cheapest first; the others are counted."""
    rows = [r for r in data["candidates"] if r["fits"] is not False]
    table = [
        (
            r["instance_type"],
            price(r["price_usd_hour"]),
            WORDS[r["fits"]],
            f"{gib(r['required_gib'])}/{gib(r['available_gib'])}",
            r["max_model_len"],
            r["accelerator"],
        )
        for r in rows
    ]
    if table:
        console.text(console.paint(printable(model), "bold"))
        console.table(("type", "USD/h", "fits", "GiB", "tokens", "accelerator"), table, right=(1, 3, 4))
        console.note(f"GiB needed and available; tokens: the largest max_model_len; prices are EC2's: {BILLING}")
    other = {r["framework_version"]: r["instance_type"] for r in reversed(rows)}
    if len(other) > 1:
        best = data["candidates"][0]["framework_version"] if not rows else rows[0]["framework_version"]
        told = [f"{v} (such as {t})" for v, t in other.items() if v != best]
        console.note(f"judged with release {best}; where that does not start, with {listing(told)}")
    never = sum(1 for r in data["candidates"] if not r["runs"])
    left_out = len(data["candidates"]) - len(rows) - never
    if left_out:
        console.note(f"{left_out} types on which it does not fit are left out; --format json has all")
    if never:
        words = "1 type on which the image does" if never == 1 else f"{never} types on which the image does"
        console.note(f"{words} not start are left out (GPU, driver or CPU); --format json has the reasons")
    if findings:
        console.text()
        console.findings(findings)
