"""The compiled snapshot: equal to the YAML, used only while it matches it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mcc_registry.errors import RegistryError
from mcc_registry.loading.files import shipped_root
from mcc_registry.loading.kinds import KINDS
from mcc_registry.loading.load import load_documents
from mcc_registry.loading.schemas import dump_schema, schema_for
from mcc_registry.loading.snapshot import SNAPSHOT, compile_snapshot, write_snapshot
from mcc_registry.registry import Registry
from tests.small import write_small


@pytest.fixture
def root(tmp_path: Path) -> Path:
    target = write_small(tmp_path / "registry")
    assert write_snapshot(target)
    assert not write_snapshot(target)
    return target


def test_shipped_snapshot_and_schemas_are_current() -> None:
    """``make registry`` was run after the last change of a registry file or a model."""
    root = shipped_root()
    assert (root / SNAPSHOT).read_bytes() == compile_snapshot(root)
    for kind in KINDS:
        assert (root / ".schemas" / f"{kind}.json").read_text(encoding="utf-8") == dump_schema(schema_for(kind))


@pytest.mark.parametrize("folder", ["small", "shipped"])
def test_snapshot_equals_yaml(folder: str, root: Path) -> None:
    home = root if folder == "small" else shipped_root()
    fast, slow = load_documents(home), load_documents(home, snapshot=False)
    assert fast.from_snapshot
    assert not slow.from_snapshot
    assert Registry(fast) == Registry(slow)
    assert list(fast.documents) == list(slow.documents)
    assert {k: d.index for k, d in fast.documents.items()} == {k: d.index for k, d in slow.documents.items()}
    assert fast.rows.shapes == slow.rows.shapes
    assert fast.version == slow.version


def test_edited_row_is_never_ignored(root: Path) -> None:
    path = root / "instances" / "toy2.yaml"
    path.write_text(path.read_text().replace("0.1", "0.7"))
    loaded = load_documents(root)
    assert not loaded.from_snapshot
    assert Registry(loaded).instances["ml.toy2.large"].price_usd_hour == 0.7


def test_new_and_removed_files_are_never_ignored(root: Path) -> None:
    (root / "instances" / "toy2.yaml").unlink()
    assert Registry.load(root=root, environ={}).find_instance("ml.toy2.large") is None


def test_windows_line_ends_do_not_disable_the_snapshot(root: Path) -> None:
    path = root / "instances" / "toy2.yaml"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert load_documents(root).from_snapshot


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff\xff", b'{"format": 99}\n', b"[]\n[]"])
def test_broken_snapshot_is_passed_over(root: Path, content: bytes) -> None:
    (root / SNAPSHOT).write_bytes(content)
    loaded = load_documents(root)
    assert not loaded.from_snapshot
    assert not loaded.faults


def test_broken_registry_gets_no_snapshot(root: Path) -> None:
    before = (root / SNAPSHOT).read_bytes()
    (root / "regions.yaml").write_text("kind: [")
    with pytest.raises(RegistryError):
        write_snapshot(root)
    assert (root / SNAPSHOT).read_bytes() == before


def test_default_load_imports_neither_models_nor_yaml() -> None:
    code = (
        "import sys; from mcc_registry.registry import Registry; r = Registry.load(environ={});"
        "r.frameworks['vllm']['0.30.0'].base_image; r.find_model('Qwen/Qwen3-4B'); r.instances_by_price('cuda');"
        "print(sorted({'pydantic', 'yaml', 'packaging'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
