"""Facts from outside the template are replayed for the old copy: what changed in them arrives as a change."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from templates import TemplateRepo, files_of, git, save, update


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
