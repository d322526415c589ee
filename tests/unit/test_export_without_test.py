"""export without the facts of a test: the rows of what the project chose, which earn experimental and hold no evidence."""

from __future__ import annotations

from pathlib import Path

import yaml

from mcc_registry import Registry
from mcc_registry.validate import validate
from tests.cli.invoke import invoke
from tests.unit.test_export import LLM, SHIPPED, export, make, rows


def test_a_listed_project_shows_the_rows_as_they_stand(shipped: Registry, tmp_path: Path) -> None:
    """Exit 0, both rows word for word as the registries have them, and how a test is added."""
    done = export(make(tmp_path / "p", shipped, **LLM))
    found = rows(done)
    assert done.json["level"] == "experimental" and done.codes == ["MCC746", "MCC745"]
    assert "--by NAME" in done.json["findings"][1]["hint"] and "ml.g6.xlarge" in done.json["findings"][1]["hint"]
    for file, collection, key in (
        ("frameworks/vllm.yaml", "releases", "version"),
        ("models/qwen3.yaml", "models", "match"),
    ):
        (row,) = yaml.safe_load(found[file]["yaml"])[collection]
        listed = yaml.safe_load((SHIPPED / file).read_text())[collection]
        assert row == next(r for r in listed if r[key] == row[key]) and "evidence" not in row


def test_a_model_of_her_own_gets_a_file(shipped: Registry, tmp_path: Path) -> None:
    """The settings she chose, basis assumed, no evidence; written into a layer it is valid and known from then on."""
    answers = {**LLM, "model_name": "ours/new-model"}
    project = make(tmp_path / "p", shipped, **answers, env_vars={"max_model_len": 4096, "SM_VLLM_SEED": "7"})
    (tmp_path / "layer").mkdir()
    done = export(project, "--row", "model", "--write", str(tmp_path / "layer"))
    row = rows(done)["models/new-model.yaml"]["row"]
    assert done.codes == ["MCC745"] and row["validation_level"] == "experimental" and "evidence" not in row
    assert row["engine_settings"] == {"vllm": {"max_model_len": 4096}}
    written = yaml.safe_load((tmp_path / "layer/models/new-model.yaml").read_text())
    assert written["provenance"]["basis"] == "assumed" and "tried" not in str(written)
    assert not [f for f in validate([tmp_path / "layer"], root=SHIPPED) if f.severity == "error"]
    match = Registry.load(tmp_path / "layer", environ={}).find_model("ours/new-model")
    assert match is not None and match.settings("vllm") == {"max_model_len": 4096}


def test_an_unlisted_version_gets_a_row(shipped: Registry, tmp_path: Path) -> None:
    """A release no row lists, exported before anyone tried it: experimental, and no type is recommended for it."""
    done = export(make(tmp_path / "p", shipped, framework="sklearn", framework_version="1.6.1"), "--row", "release")
    row = rows(done)["frameworks/sklearn.yaml"]["row"]
    assert row["version"] == "1.6.1" and row["validation_level"] == "experimental"
    assert "evidence" not in row and "recommended_instance_types" not in row


def test_people_see_rows_on_stdout_and_the_rest_on_stderr(shipped: Registry, tmp_path: Path) -> None:
    """Alone in the folder of a project, as the help shows it."""
    project = make(tmp_path / "p", shipped, framework="sklearn")
    done = invoke("export", "--project", str(project))
    assert done.code == 0 and done.out.startswith("# registries/frameworks/sklearn.yaml:")
    assert yaml.safe_load(done.out)["releases"][0]["validation_level"] == "experimental"
    assert "no test is reported" in done.err
    helped = invoke("export", "--help").out
    assert "mcc-registry export --project my-project" in helped and helped.count("mcc-registry export") >= 4
