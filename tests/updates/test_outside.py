"""Facts from outside the template are replayed for the old copy: what changed in them arrives as a change."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
import yaml
from copier.errors import UserMessageError
from templates import TemplateRepo, command, files_of, git, save, update

from hooks.outside import MAX_RECORDED_BYTES


def write_layer(folder: Path, length: int) -> Path:
    """A layer that sets one setting of a listed model."""
    (folder / "models").mkdir(parents=True, exist_ok=True)
    text = f"models:\n  - match: Qwen/Qwen3-4B\n    settings:\n      max_model_len: {length}\n"
    (folder / "models" / "qwen3.yaml").write_text(text, encoding="utf-8")
    return folder


def length_in(project: Path) -> str:
    lines = (project / "container.env").read_text(encoding="utf-8").splitlines()
    return next(line.partition("=")[2] for line in lines if line.startswith("SM_VLLM_MAX_MODEL_LEN="))


@pytest.mark.parametrize(
    "how",
    ["relative", pytest.param("variable", marks=pytest.mark.slow), pytest.param("answer", marks=pytest.mark.slow)],
)
def test_a_changed_layer_is_delivered(
    three: TemplateRepo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """Through REGISTRY_PATH, the answer, and a relative answer: new values arrive, an edit of the owner stays."""
    layer = write_layer(tmp_path / "layer", 2048)
    answer = {"variable": "", "answer": str(layer), "relative": "../layer"}[how]
    if how == "variable":
        monkeypatch.setenv("REGISTRY_PATH", str(layer))
    data = {"registry_path": answer, "instance_type": "ml.g6.xlarge"}
    project = three.copy(tmp_path / "project", "v1.0.0", data)
    assert length_in(project) == "2048"
    readme = project / "README.md"
    readme.write_text(readme.read_text(encoding="utf-8") + "\nMy own words.\n", encoding="utf-8")
    save(project, "edited")
    write_layer(layer, 3072)
    monkeypatch.chdir(tmp_path.parent)
    update(project, "v1.0.0")
    assert length_in(project) == "3072"
    assert "My own words." in readme.read_text(encoding="utf-8")
    assert "3072" in (project / "mcc.lock.yaml").read_text(encoding="utf-8")
    assert not [n for n, text in files_of(project).items() if b"<<<<<<<" in text or n.endswith(".rej")]
    assert str(tmp_path) not in (project / "mcc.lock.yaml").read_text(encoding="utf-8") or how != "relative"


@pytest.mark.slow
def test_a_layer_that_is_gone_does_not_change_the_old_copy(
    three: TemplateRepo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without REGISTRY_PATH the layer's values leave the project; the old copy still has them, so nothing conflicts."""
    monkeypatch.setenv("REGISTRY_PATH", str(write_layer(tmp_path / "layer", 2048)))
    project = three.copy(tmp_path / "project", "v1.0.0", {"instance_type": "ml.g6.xlarge"})
    monkeypatch.delenv("REGISTRY_PATH")
    update(project, "v2.0.0")
    assert length_in(project) != "2048"
    assert "outside_facts" not in yaml.safe_load((project / ".copier-answers.yml").read_text(encoding="utf-8"))


@pytest.mark.slow
def test_a_changed_chat_template_is_delivered(three: TemplateRepo, tmp_path: Path) -> None:
    """The text of a chat template file is a fact from outside as well."""
    template = tmp_path / "chat.jinja"
    template.write_text("{{ messages[0]['content'] }} one\n", encoding="utf-8")
    project = three.copy(tmp_path / "project", "v1.0.0", {"chat_template": str(template)})
    template.write_text("{{ messages[0]['content'] }} two\n", encoding="utf-8")
    update(project, "v1.0.0")
    assert "two" in (project / "serving" / "chat_template.jinja").read_text(encoding="utf-8")
    save(project, "updated")
    update(project, "v1.0.0")
    assert git(project, "status", "--porcelain") == ""


def fill_up(layer: Path, *, packs_well: bool) -> None:
    """Make a layer large: with comments that shrink to nothing, or with some that do not shrink."""
    random = Random(5)
    count = 4 * MAX_RECORDED_BYTES // 100
    lines = [
        "# the same again and again".ljust(99) if packs_well else f"# {random.randbytes(48).hex()}"
        for _ in range(count)
    ]
    (layer / "models" / "acme.yaml").write_text(
        "\n".join(lines)
        + "\npatterns:\n  - match: acme/*\n    must_match:\n      - acme/x\n    must_not_match:\n      - y/x\n"
        'title: Acme\nprovenance:\n  source:\n    - us\n  checked: "2026-02-01"\n  basis: assumed\n',
        encoding="utf-8",
    )


@pytest.mark.slow
def test_a_large_layer_that_packs_well_is_recorded(three: TemplateRepo, tmp_path: Path) -> None:
    """One MiB of registry files is no reason to lose a change."""
    layer = write_layer(tmp_path / "layer", 2048)
    fill_up(layer, packs_well=True)
    project = three.copy(
        tmp_path / "project", "v1.0.0", {"registry_path": "../layer", "instance_type": "ml.g6.xlarge"}
    )
    assert (project / ".copier-answers.yml").stat().st_size < MAX_RECORDED_BYTES
    write_layer(layer, 3072)
    update(project, "v1.0.0")
    assert length_in(project) == "3072" and git(project, "diff", "--name-only", "--diff-filter=U") == ""


@pytest.mark.slow
@pytest.mark.parametrize("how", ["relative", "answer"])
def test_a_layer_too_large_to_be_recorded(
    three: TemplateRepo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], how: str
) -> None:
    """Said when copied; unchanged it changes nothing; changed it is a marked conflict and the report says why."""
    layer = write_layer(tmp_path / "layer", 2048)
    fill_up(layer, packs_well=False)
    path = "../layer" if how == "relative" else str(layer)
    data = {"registry_path": path, "instance_type": "ml.g6.xlarge", "project_name": "p"}
    project = three.copy(tmp_path / "project", "v1.0.0", data)
    monkeypatch.chdir(project)
    update(project, "v3.0.0", quiet=False)
    assert "is too large to be recorded" in capsys.readouterr().err
    assert files_of(project) == files_of(three.copy(tmp_path / "fresh", "v3.0.0", data, commit=False))
    assert length_in(project) == "2048" and not [n for n, text in files_of(project).items() if b"<<<<<<<" in text]
    save(project, "v3")
    write_layer(layer, 3072)
    update(project, "v3.0.0", quiet=False)
    told = capsys.readouterr().err
    assert "changed since the last update and was too large to be recorded" in told
    text = (project / "container.env").read_text(encoding="utf-8")
    assert "3072" in text and ("2048" not in text or "<<<<<<< before updating" in text)


@pytest.mark.slow
def test_a_project_that_lives_on_a_large_layer_is_not_stranded(three: TemplateRepo, tmp_path: Path) -> None:
    """The old version makes no plan without the layer as it was: a page, nothing touched, a command that goes on."""
    layer = write_layer(tmp_path / "layer", 2048)
    fill_up(layer, packs_well=False)
    (layer / "frameworks").mkdir()
    profile = "profiles:\n  house:\n    title: House\n    description: ours\n    settings:\n      max_num_seqs:\n        value: {}\n        reason: ours\n"
    (layer / "frameworks" / "vllm.yaml").write_text(profile.format(9), encoding="utf-8")
    data = {"registry_path": str(layer), "framework_profile": "house"}
    project = three.copy(tmp_path / "project", "v1.0.0", data)
    update(project, "v2.0.0")
    save(project, "v2")
    (layer / "frameworks" / "vllm.yaml").write_text(profile.format(7), encoding="utf-8")
    before = files_of(project)
    with pytest.raises(UserMessageError) as caught:
        update(project, "v3.0.0")
    page = " ".join(str(caught.value).split())
    assert files_of(project) == before and git(project, "status", "--porcelain") == ""
    assert str(layer) in page and "too large to be recorded" in page and "MCC006" in page, page
    line = next(x.strip() for x in str(caught.value).splitlines() if x.strip().startswith("copier recopy"))
    done = command(*line.split()[1:], "--defaults", "--vcs-ref", "v3.0.0", cwd=project)
    assert done.returncode == 0, done.stderr
    assert "=7" in (project / "container.env").read_text(encoding="utf-8")
