"""Odd and hostile registry folders: a fault with a place for each, never an exception other than RegistryError."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mcc_registry.errors import RegistryError
from mcc_registry.loading import files
from mcc_registry.loading.files import layers_of
from mcc_registry.registry import Registry
from tests.small import write_small


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_small(tmp_path / "registry")


def faults(root: Path, layer: Path | None = None) -> list[str]:
    with pytest.raises(RegistryError) as caught:
        Registry.load(layer, root=root, environ={})
    base = str(layer or "registries")
    return [f"{f.source.removeprefix(base)} {f.code}" for f in caught.value.findings]


def test_sound_folder_loads(root: Path) -> None:
    assert len(Registry.load(root=root, environ={}).instances) == 4


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", ":1 MCC512"),
        (b"- a\n", ":1 MCC512"),
        (b"just words\n", ":1 MCC512"),
        (b"\xff\xfek\x00", ":1 MCC502"),
        (b"kind: regions\ntitle: \xe9\n", ":2 MCC502"),
        (os.urandom(4096) + b"\xff", None),
        (b"kind: regions\necr: {", ":2 MCC504"),
        (b"kind: regions\n" + b"#" * (files.MAX_FILE_BYTES + 1), ":1 MCC507"),
    ],
)
def test_broken_bytes(root: Path, content: bytes, expected: str | None) -> None:
    (root / "regions.yaml").write_bytes(content)
    found = faults(root)
    if expected is None:
        assert len(found) == 1
    else:
        assert found[0] == f"/regions.yaml{expected}"


def test_every_truncation_is_a_fault_or_loads(root: Path) -> None:
    """A file cut off anywhere never raises anything but RegistryError."""
    path = root / "models" / "toymodel.yaml"
    whole = path.read_bytes()
    for end in range(0, len(whole), 97):
        path.write_bytes(whole[:end])
        try:
            Registry.load(root=root, environ={})
        except RegistryError as error:
            assert error.findings[0].source.startswith("registries/models/toymodel.yaml:")


def test_folder_named_like_a_file(root: Path) -> None:
    (root / "models" / "other.yaml").mkdir()
    assert faults(root) == ["/models/other.yaml:1 MCC501"]


def test_missing_file_a_registry_needs(root: Path) -> None:
    (root / "accelerators" / "amis.yaml").unlink()
    assert faults(root) == [":1 MCC501"]


def test_links_stay_inside(root: Path, tmp_path: Path) -> None:
    outside = tmp_path / "secret.yaml"
    outside.write_text("kind: model_family\n")
    (root / "models" / "link.yaml").symlink_to(outside)
    (root / "models" / "loop.yaml").symlink_to("loop.yaml")
    (root / "models" / "dangling.yaml").symlink_to("nowhere.yaml")
    assert faults(root) == [f"/models/{n}.yaml:1 MCC501" for n in ("dangling", "link", "loop")]
    inside = root / "instances" / "toy9.yaml"
    for name in ("link", "loop", "dangling"):
        (root / "models" / f"{name}.yaml").unlink()
    inside.symlink_to("toy2.yaml")
    assert "toy9" in {d.id for d in Registry.load(root=root, environ={})._documents.values()}


def test_folder_link_loop(root: Path) -> None:
    (root / "frameworks" / "more").symlink_to(root)
    assert faults(root) == ["/frameworks/more/regions.yaml:1 MCC508"]


def test_pipe_is_not_opened(root: Path) -> None:
    os.mkfifo(root / "models" / "pipe.yaml")
    assert faults(root) == ["/models/pipe.yaml:1 MCC501"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable_file(root: Path) -> None:
    (root / "regions.yaml").chmod(0)
    assert faults(root) == ["/regions.yaml:1 MCC501"]


def test_unreadable_bytes(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As above for those who may read everything."""
    real = os.open

    def refuse(path: str, *args: int) -> int:
        if str(path).endswith("regions.yaml"):
            raise PermissionError(13, "Permission denied")
        return real(path, *args)

    monkeypatch.setattr(files.os, "open", refuse)
    assert faults(root) == ["/regions.yaml:1 MCC501"]


def test_too_many_files(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_FILES", 5)
    assert faults(root) == [":1 MCC507"]


def test_misspelt_folder_is_not_ignored(root: Path, tmp_path: Path) -> None:
    layer = tmp_path / "layer"
    (layer / "model").mkdir(parents=True)
    (layer / "model" / "x.yaml").write_text("kind: model_family\n")
    assert faults(root, layer) == ["/model/x.yaml:1 MCC508"]


def test_broken_template_bytes(root: Path) -> None:
    (root / "chat_templates" / "toychat.jinja").write_bytes(b"\xff")
    assert faults(root) == ["/chat_templates/toychat.jinja:1 MCC502"]


def test_faults_of_all_files_come_together_sorted(root: Path) -> None:
    for name in ("instances/toy1.yaml", "frameworks/toyserve.yaml"):
        path = root / name
        path.write_text(path.read_text().replace("kind: ", "kynd: ", 1))
    assert faults(root) == [
        "/frameworks/toyserve.yaml:2 MCC510",
        "/frameworks/toyserve.yaml:2 MCC511",
        "/instances/toy1.yaml:2 MCC510",
        "/instances/toy1.yaml:2 MCC511",
    ]


def test_layers_of_joins_variable_and_argument_later_last() -> None:
    sep = os.pathsep
    assert layers_of(f"c{sep}a", {"REGISTRY_PATH": f"a{sep}{sep}b"}) == [Path("b"), Path("c"), Path("a")]
    assert layers_of(["x", Path("y")], {}) == [Path("x"), Path("y")]
    assert layers_of("", {}) == []
