"""refresh images: new releases become rows, regions are corrected, nothing is ever removed."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError
from typing import Any

import pytest

from mcc_registry.refresh.common import SourceError
from mcc_registry.refresh.images import TABLES, cuda_of, parse_table, read_tables, refresh_images
from mcc_registry.versions import parse_version

from .kit import TODAY, Files, drift, edited, only, pairs
from .tables import LEFT_OUT, accounts, engine_row, sample, with_old_layout

VERSION = "2.27.0"
VLLM, LMI = "frameworks/vllm.yaml", "frameworks/lmi.yaml"
NEW_TAG = "0.31.0-gpu-py312-cu131-ubuntu24.04-sagemaker"


def refresh(files: Files, tables: Any, version: str = VERSION, **more: Any) -> Any:
    return refresh_images(files, tables, version, today=TODAY, **more)


def release(data: dict[str, Any], version: str) -> dict[str, Any]:
    return next(r for r in data["releases"] if r["version"] == version)


def aws(data: dict[str, Any], version: str) -> dict[str, Any]:
    return next(b for b in release(data, version)["builds"] if b["source"] == "aws")


def test_nothing_differs(shipped: Files) -> None:
    """Tables that agree change nothing; a tag without an engine version is said and has no row."""
    outcome = refresh(shipped, sample(shipped))
    assert drift(outcome) == [] and outcome.documents == {} and outcome.findings == []
    assert [c.item for c in only(outcome, "note")] == ["no row for server-sagemaker-cuda-v2.6"]


def test_a_new_release_becomes_a_row(shipped: Files) -> None:
    """A version nobody knew: tag, CUDA from the tag's token, regions left out; the rest is unknown."""
    tables = sample(shipped)
    rows = tables["vllm"]["inference"]["versions"]
    rows["0.40.0"] = engine_row("0.40.0", "cu131-amzn2023-sagemaker", "vllm", accounts(shipped, "cn-north-1"))
    outcome = refresh(shipped, tables)
    assert pairs(outcome) == [("added", "release 0.40.0")]
    _, data = outcome.documents[VLLM]
    assert data["releases"][0] == {
        "version": "0.40.0",
        "validation_level": "experimental",
        "builds": [
            {
                "source": "aws",
                "tag": "0.40.0-gpu-py312-cu131-amzn2023-sagemaker",
                "accelerator": {"type": "cuda", "version": "13.1", "basis": "derived"},
                "regions_missing": ["cn-north-1"],
            }
        ],
        "notes": ["added by refresh from the image table; parameters and lowest GPU not read yet"],
    }
    assert data["releases"][1:] == shipped[VLLM].data["releases"]
    assert data["provenance"]["checked"] == TODAY


def test_an_image_of_a_known_release_is_added_to_it(shipped: Files) -> None:
    """0.31.0 was known from Docker Hub only; now AWS has it too, and its other facts stay."""
    tables = sample(shipped)
    row = engine_row("0.31.0", "cu131-ubuntu24.04-sagemaker", "vllm", accounts(shipped))
    tables["vllm"]["inference"]["versions"]["0.31.0"] = row
    outcome = refresh(shipped, tables)
    assert pairs(outcome) == [("added", "AWS build of 0.31.0")]
    old, new = release(shipped[VLLM].data, "0.31.0"), release(outcome.documents[VLLM][1], "0.31.0")
    assert new["builds"][0]["tag"] == NEW_TAG and new["builds"][1:] == old["builds"]
    assert {**new, "builds": None} == {**old, "builds": None}


def test_a_new_lmi_release_is_counted_by_its_lmi_number(shipped: Files) -> None:
    """djl-lmi tables count by DJL version, the registry by the LMI number in the tag."""
    tables = sample(shipped)
    row = {"tag_prefix": "0.40.0-lmi31.0.0-cu130", "repository": "djl-inference", "registries": accounts(shipped)}
    tables["djl-lmi"]["versions"]["0.40.0"] = row
    outcome = refresh(shipped, tables)
    _, data = outcome.documents[LMI]
    assert data["releases"][0]["version"] == "31.0.0"
    assert data["releases"][0]["engine"] == {"djl-serving": "0.40.0"}
    assert data["releases"][0]["builds"][0]["tag"] == "0.40.0-lmi31.0.0-cu130"


def test_removed_rows_come_back(shipped: Files) -> None:
    """Registries without the two newest AWS builds get exactly these back, equal but for hand-written facts."""

    def edit(data: dict[str, Any]) -> None:
        for version in ("0.30.0", "0.29.0"):
            builds = release(data, version)["builds"]
            builds[:] = [b for b in builds if b["source"] != "aws"]

    outcome = refresh(edited(shipped, VLLM, edit), sample(shipped))
    assert sorted(pairs(outcome)) == [("added", "AWS build of 0.29.0"), ("added", "AWS build of 0.30.0")]
    for version in ("0.30.0", "0.29.0"):
        old, new = aws(shipped[VLLM].data, version), aws(outcome.documents[VLLM][1], version)
        for key in ("source", "tag", "regions_missing"):
            assert new[key] == old[key]
        assert new["accelerator"]["version"] == old["accelerator"]["version"]
        assert new["accelerator"]["basis"] == "derived"


def test_regions_and_tags_are_corrected(shipped: Files) -> None:
    """Another list of regions or another tag of a known release is a change; the build's other facts stay."""
    tables = sample(shipped)
    rows = tables["vllm"]["inference"]["versions"]
    rows["0.28.0"]["registries"] = accounts(shipped, "me-west-1")
    rows["0.30.0"]["container_version"] = {"gpu": "cu131-ubuntu26.04-sagemaker"}
    outcome = refresh(shipped, tables)
    assert [item for _, item in pairs(outcome)] == [
        "0.28.0 0.28.0-gpu-py312-cu130-ubuntu24.04-sagemaker regions_missing",
        "0.30.0 tag",
        "0.30.0 0.30.0-gpu-py312-cu131-ubuntu26.04-sagemaker CUDA",
    ]
    _, data = outcome.documents[VLLM]
    assert aws(data, "0.28.0")["regions_missing"] == ["me-west-1"]
    build = aws(data, "0.30.0")
    assert build["accelerator"] == {"type": "cuda", "version": "13.1", "basis": "derived"}
    assert build["min_compute_capability"] == "7.5" and build["regions_missing"] == list(LEFT_OUT)


def test_unverified_regions_become_verified(shipped: Files) -> None:
    """A build whose regions nobody had checked loses that mark when a table confirms them."""
    files = edited(shipped, VLLM, lambda data: aws(data, "0.30.0").update(unverified=["regions", "python"]))
    outcome = refresh(files, sample(shipped))
    assert [c.new for c in drift(outcome)] == ["verified"]
    assert aws(outcome.documents[VLLM][1], "0.30.0")["unverified"] == ["python"]


def test_accounts_of_regions(shipped: Files) -> None:
    """A new region is added with its account, a changed account replaced, two accounts for one are left to people."""
    tables = sample(shipped)
    for table in tables.values():
        for row in table.get("inference", table)["versions"].values():
            row["registries"] |= {
                "ap-new-1": "763104351884",
                "eu-new-2": "000000000042",
                "af-south-1": "111111111111",
            }
    tables["djl-lmi"]["versions"]["0.38.0"]["registries"]["us-east-2"] = "999999999999"
    outcome = refresh(shipped, tables)
    regions = [c for c in drift(outcome) if c.file == "regions.yaml"]
    assert [(c.kind, c.item) for c in regions] == [
        ("changed", "region af-south-1"), ("added", "region ap-new-1"), ("added", "region eu-new-2"),
        ("unresolved", "region us-east-2"),
    ]  # fmt: skip
    family = outcome.documents["regions.yaml"][1]["ecr"]["deep_learning"]
    assert "ap-new-1" in family["default_account_regions"]
    assert family["accounts"]["eu-new-2"] == "000000000042" and family["accounts"]["af-south-1"] == "111111111111"
    assert list(family["accounts"]) == sorted(family["accounts"])
    assert (
        outcome.documents["regions.yaml"][1]["ecr"]["algorithms"] == shipped["regions.yaml"].data["ecr"]["algorithms"]
    )


def test_shrinking_tables_are_refused(shipped: Files) -> None:
    """A table without rows, a hole between releases, lost regions or an older package; nothing is removed even then."""
    empty = {**sample(shipped), "sglang": {"inference": {"versions": {}}}}
    hole = sample(shipped)
    del hole["vllm"]["inference"]["versions"]["0.29.0"]
    lost = {name: {**table} for name, table in sample(shipped).items()}
    for table in lost.values():
        for row in table.get("inference", table)["versions"].values():
            row["registries"] = dict(list(row["registries"].items())[:-5])
    absent = {name: table for name, table in sample(shipped).items() if name != "djl-lmi"}
    for tables, version in ((empty, VERSION), (hole, VERSION), (lost, VERSION), (absent, VERSION)):
        outcome = refresh(shipped, tables, version)
        assert {f.code for f in outcome.findings} == {"MCC721"} and outcome.documents == {}
    old = refresh(shipped, sample(shipped), "2.20.0").findings
    assert [f.message for f in old] == [
        "sagemaker-core 2.20.0 is older than 2.27.0, which the registries were read from"
    ]
    assert drift(refresh(shipped, hole, allow_removals=True)) == []


def test_older_releases_may_leave_the_tables(shipped: Files) -> None:
    """The oldest row of a table disappears as years go by; the registry keeps it and nobody is alarmed."""
    tables = sample(shipped)
    del tables["vllm"]["inference"]["versions"]["0.28.0"]
    assert drift(refresh(shipped, tables)) == [] and refresh(shipped, tables).findings == []


def test_another_layout_is_a_finding(shipped: Files) -> None:
    """A package of another time is said to be one, without a traceback."""
    with pytest.raises(SourceError, match="built in another way"):
        refresh(shipped, with_old_layout(sample(shipped)))


def test_the_package_may_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """One clear finding names the extra to install."""

    def absent(name: str) -> Any:
        raise PackageNotFoundError(name)

    monkeypatch.setattr("importlib.metadata.distribution", absent)
    with pytest.raises(SourceError) as error:
        read_tables()
    assert error.value.finding.code == "MCC720" and "mcc-registry[refresh]" in error.value.finding.hint


@pytest.mark.parametrize(
    ("tag", "cuda"),
    [("0.38.0-lmi29.0.0-cu130", "13.0"), ("x-gpu-py312-cu129-ubuntu22.04", "12.9"), ("x-cu1210-y", "12.10"),
     ("server-sagemaker-cuda-v2.4", None), ("0.1-focus130", None)],
)  # fmt: skip
def test_cuda_of_a_tag(tag: str, cuda: str | None) -> None:
    """The token cuXYZ and nothing like it."""
    assert cuda_of(tag) == cuda


@pytest.mark.slow
def test_the_real_tables(shipped: Files) -> None:
    """With sagemaker-core installed: the shipped registries agree with its tables in every release, tag and region."""
    try:
        found, version = read_tables()
    except SourceError:
        pytest.skip("sagemaker-core is not installed: pip install 'mcc-registry[refresh]' to compare its tables")
    assert set(found) == {table.name for table in TABLES}
    rows = [row for table in TABLES for row in parse_table(table, found[table.name])]
    assert len(rows) > 30
    outcome = refresh(shipped, found, version)
    if parse_version(version) > parse_version(VERSION):
        pytest.skip(f"sagemaker-core {version} is newer than {VERSION}, which the registries were read from")
    assert outcome.findings == [] and [c.words() for c in drift(outcome)] == []
