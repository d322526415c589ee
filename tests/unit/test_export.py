"""export: the right row for the right file, with the level it has earned, and nothing private in it."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from mcc_registry import Registry, Request
from mcc_registry.export.scrub import scrub
from mcc_registry.lock import lock_text
from mcc_registry.resolve import resolve
from mcc_registry.validate import validate
from tests.cli.invoke import Result, invoke

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "registries"
DAY = "2026-11-20"
GOOD = ("--instance-type", "ml.g6.xlarge", "--by", "octocat", "--date", DAY)
TESTED = (*GOOD, "--deployed", "yes", "--inference", "yes")


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry.load([], root=SHIPPED)


def make(folder: Path, registry: Registry, outside: Any = None, pins: str = "", **answers: Any) -> Path:
    """A project, as far as export reads it."""
    request = Request(offline=True, project_name="proof", **answers)
    plan = resolve(request, registry)
    assert plan.ok, plan.findings
    folder.mkdir(parents=True, exist_ok=True)
    saved: dict[str, Any] = {
        "_commit": "v1.0.0",
        "_src_path": "/home/jane/template",
        "project_name": "proof",
        **answers,
    }
    if outside:
        saved["outside_facts"] = outside
    (folder / ".copier-answers.yml").write_text(yaml.safe_dump(saved))
    (folder / "mcc.lock.yaml").write_text(lock_text(plan, "proof"))
    lines = [f"# {e.source}\n{name}={e.value}" for name, e in plan.env_vars.items()]
    (folder / "container.env").write_text("# settings\n" + "\n".join(lines) + "\n")
    (folder / "Dockerfile").write_text(
        f"# a comment\nFROM --platform=linux/amd64 {plan.base_image} AS base\nFROM base\n"
    )
    if pins:
        (folder / "requirements.txt").write_text(pins)
    return folder


def export(project: Path, *words: str, **env: str) -> Result:
    return invoke("export", "--project", str(project), "--format", "json", *words, env={"REGISTRY_PATH": "", **env})


def rows(result: Result) -> dict[str, dict[str, Any]]:
    assert result.code == 0, result.out
    return {r["file"]: r for r in result.json["rows"]}


LLM = {"model_name": "Qwen/Qwen3-4B", "framework_version": "0.30.0", "instance_type": "ml.g6.xlarge"}


@pytest.mark.parametrize(
    ("deployed", "inference", "level", "what"),
    [
        ("yes", "yes", "tested", ["endpoint"]),
        ("no", "yes", "community-validated", ["build", "local-run"]),
        ("yes", "no", "experimental", ["endpoint"]),
    ],
)
def test_the_level_is_earned(
    registry: Registry, tmp_path: Path, deployed: str, inference: str, level: str, what: list[str]
) -> None:
    """An endpoint that answered, a container that did, an endpoint that did not."""
    project = make(tmp_path / "p", registry, **LLM)
    done = export(project, *GOOD, "--deployed", deployed, "--inference", inference, "--notes", "as expected")
    found = rows(done)
    assert done.json["level"] == level
    for file in ("frameworks/vllm.yaml", "models/qwen3.yaml"):
        row = found[file]["row"]
        assert row["validation_level"] == level and [e["what"] for e in row["evidence"]] == what
        proof = row["evidence"][-1]
        assert (proof["by"], proof["when"]) == ("octocat", DAY) and "ml.g6.xlarge" in proof["where"]
        assert "vllm 0.30.0" in proof["result"] and "as expected" in proof["result"]
    if (deployed, inference) == ("yes", "no"):
        assert "wrong or missing" in found["models/qwen3.yaml"]["row"]["evidence"][0]["result"]


def test_a_failure_of_a_listed_row_is_nothing_to_export(registry: Registry, tmp_path: Path) -> None:
    """Neither deployed nor answered: a warning, and where to go with it."""
    done = export(make(tmp_path / "p", registry, **LLM), *GOOD, "--deployed", "no", "--inference", "no")
    assert done.code == 0 and done.json["rows"] == [] and done.codes == ["MCC746", "MCC745"]


def test_a_transform_job_is_no_endpoint(registry: Registry, tmp_path: Path) -> None:
    """Batch transform earns no tested."""
    project = make(tmp_path / "p", registry, **{**LLM, "instance_type": "ml.g5.xlarge", "deployment_target": "batch"})
    done = export(project, *TESTED)
    assert done.json["level"] == "experimental" and done.json["rows"] == []


def test_everything_missing_is_asked_for_at_once(registry: Registry, tmp_path: Path) -> None:
    """One finding for each fact, each with what to type; wrong ones are told the same way."""
    project = make(tmp_path / "p", registry, **LLM)
    some = export(project, "--notes", "as expected")
    assert some.code == 1 and some.codes == ["MCC741"] * 5
    assert {f["field"] for f in some.json["findings"]} == {"instance_type", "deployed", "inference", "by", "date"}
    assert "--instance-type ml.g6.xlarge" in some.json["findings"][0]["hint"]
    wrong = export(
        project, "--instance-type", "ml.g6.xlarg", "--deployed", "yes", "--inference", "yes", "--by", "x",
        "--date", "2099-01-01", "--image-digest", "sha256:1", "--link", "http://x/y", "--notes", "n" * 700,
    )  # fmt: skip
    assert wrong.code == 1 and wrong.codes == ["MCC741"] * 5
    assert any("did you mean ml.g6.xlarge" in f["hint"] for f in wrong.json["findings"])
    assert export(project, *TESTED[:-1], "maybe").code == 2
    for day in ("2026-13-01", "20.11.2026", "2026-11"):
        assert export(project, *TESTED[:4], "--date", day, *TESTED[6:]).codes == ["MCC741"]


@pytest.mark.parametrize("name", [".copier-answers.yml", "mcc.lock.yaml", "Dockerfile"])
@pytest.mark.parametrize("content", [None, "a: [", "\udce9", "- 1"])
def test_a_folder_that_is_no_project(registry: Registry, tmp_path: Path, name: str, content: str | None) -> None:
    """A missing or broken file is named; no traceback."""
    project = make(tmp_path / "p", registry, **LLM)
    if content is None:
        (project / name).unlink()
    else:
        (project / name).write_text(content, encoding="utf-8", errors="surrogateescape")
    done = export(project, *TESTED)
    assert done.code == 1 and done.codes[0] in ("MCC740", "MCC742") and not done.err


def test_a_lock_of_any_shape_is_no_traceback(registry: Registry, tmp_path: Path) -> None:
    """The lock may have been edited by hand."""
    project = make(tmp_path / "p", registry, **LLM)
    for text in (
        "framework: 3\nsettings: []\nenv_vars: x\nbase_image: {a: b}\n",
        "framework: {version: '1.0'}\nbase_image: x\n",
        "framework: {version: [1]}\n",
        "{}\n",
    ):
        (project / "mcc.lock.yaml").write_text(text)
        done = export(project, *TESTED)
        assert done.code == 1 and done.codes[0] in ("MCC740", "MCC742"), text


# ------------------------------------------------------------------------------------------- the right row


def test_a_listed_row_keeps_everything_it_has(registry: Registry, tmp_path: Path) -> None:
    """What is printed is the shipped row with level and evidence, ready to take its place."""
    done = rows(export(make(tmp_path / "p", registry, **LLM), *TESTED))["frameworks/vllm.yaml"]
    shipped = yaml.safe_load((SHIPPED / "frameworks/vllm.yaml").read_text())
    before = next(r for r in shipped["releases"] if r["version"] == "0.30.0")
    (after,) = yaml.safe_load(done["yaml"])["releases"]
    assert {k: v for k, v in after.items() if k not in ("validation_level", "evidence")} == {
        k: v for k, v in before.items() if k not in ("validation_level", "evidence")
    }
    assert (done["action"], done["key"], after["validation_level"]) == ("replace", "0.30.0", "tested")


def test_a_new_framework_version_gets_a_row(registry: Registry, tmp_path: Path) -> None:
    """An unlisted version that worked: its image, what was assumed of it, and where it ran; never the neighbour's proof."""
    project = make(tmp_path / "p", registry, **{**LLM, "framework_version": "0.34.0"})
    done = rows(export(project, *TESTED, "--row", "release"))
    assert list(done) == ["frameworks/vllm.yaml"]
    found = done["frameworks/vllm.yaml"]
    row = found["row"]
    assert (found["action"], row["version"], row["validation_level"]) == ("add", "0.34.0", "tested")
    (build,) = row["builds"]
    assert (build["tag"], build["accelerator"]["basis"]) == ("v0.34.0", "assumed")
    assert row["recommended_instance_types"] == ["ml.g6.xlarge"] and len(row["evidence"]) == 1
    assert not {"released", "engine", "notes"} & set(row)


def test_what_docker_found_replaces_what_was_assumed(registry: Registry, tmp_path: Path) -> None:
    """With validate_with_docker the CUDA version of a new row is measured."""
    image = "vllm/vllm-openai:v0.34.0"
    outside = {"images": [{"image": image, "facts": {"image": image, "cuda": "13.1.0"}, "told": []}]}
    project = make(tmp_path / "p", registry, outside, **{**LLM, "framework_version": "0.34.0"})
    row = rows(export(project, *TESTED, "--row", "release"))["frameworks/vllm.yaml"]["row"]
    assert row["builds"][0]["accelerator"] == {"type": "cuda", "version": "13.1", "basis": "measured"}


def test_a_new_library_version_is_read_from_the_requirements(registry: Registry, tmp_path: Path) -> None:
    """A predictive project whose owner moved the library: the row is that version's, with the pins that worked."""
    pins = "# pins\nscikit-learn==1.9.2\nnumpy==2.5.5  # as before\n--extra-index-url https://u:geheim@x/simple\nfastapi==0.165.0\n"
    project = make(tmp_path / "p", registry, None, pins, framework="sklearn", framework_version="1.9.1")
    words = ("--instance-type", "ml.m5.large", *TESTED[2:])
    done = export(project, *words)
    row = rows(done)["frameworks/sklearn.yaml"]["row"]
    assert row["version"] == "1.9.2" and "geheim" not in done.out
    assert row["requirements"] == {"fastapi": ["scikit-learn==1.9.2", "numpy==2.5.5", "fastapi==0.165.0"]}
    assert row["builds"][0]["tag"] == "3.13-slim"


def test_a_new_model_gets_a_family_of_its_own(registry: Registry, tmp_path: Path) -> None:
    """With the settings that worked, its configuration as the Hub told it, and no promise about other releases."""
    config = {
        "architectures": ["LlamaForCausalLM"], "hidden_size": 2048, "num_hidden_layers": 16, "num_attention_heads": 32,
        "num_key_value_heads": 8, "vocab_size": 128256, "max_position_embeddings": 8192, "torch_dtype": "bfloat16",
    }  # fmt: skip
    model = "acme/Frobnicator-1B"
    hub = {"status": "found", "model_id": model, "message": "", "commit": "a" * 40, "config": config, "asked": "auto"}
    answers = {**LLM, "model_name": model, "env_vars": {"max_model_len": 4096, "tensor_parallel_size": 1}}
    project = make(tmp_path / "p", registry, {"hub": hub}, **answers)
    done = rows(export(project, *TESTED, "--row", "model"))
    found = done["models/frobnicator-1b.yaml"]
    row = found["row"]
    assert found["action"] == "new file" and row["engine_settings"] == {"vllm": {"max_model_len": 4096}}
    assert row["architecture"]["num_layers"] == 16 and "framework_compatibility" not in row
    assert row["notes"] == ["tried with vllm 0.30.0 on ml.g6.xlarge"]
    layer = tmp_path / "layer"
    layer.mkdir()
    assert export(project, *TESTED, "--write", str(layer)).code == 0
    found_model = Registry.load([layer], root=SHIPPED).find_model(model)
    assert (
        found_model is not None
        and found_model.match == "exact"
        and found_model.settings("vllm") == {"max_model_len": 4096}
    )


def test_a_model_a_pattern_matches_gets_an_exact_row_in_its_family(registry: Registry, tmp_path: Path) -> None:
    """The pattern's settings go on applying: the plan stays what was tried."""
    model = "Qwen/Qwen3-4B-Custom"
    answers = {**LLM, "model_name": model}
    match = registry.find_model(model)
    assert match is not None and match.match == "pattern", "the case this test is about"
    project = make(tmp_path / "p", registry, **answers)
    layer = tmp_path / "layer"
    layer.mkdir()
    done = export(project, *TESTED, "--row", "model", "--write", str(layer))
    assert done.code == 0 and [Path(p).name for p in done.json["written"]] == [f"{match.family_id}.yaml"]
    request = Request(offline=True, **answers)
    after = resolve(request, Registry.load([layer], root=SHIPPED))
    before = resolve(request, registry)
    assert after.env_vars == before.env_vars and after.model is not None and after.model["match"] == "exact"


def test_settings_changed_after_copying_are_what_was_tried(registry: Registry, tmp_path: Path) -> None:
    """container.env is sent as it is; its values count, not those of the lock."""
    project = make(tmp_path / "p", registry, **LLM)
    with (project / "container.env").open("a") as env:
        env.write(
            "SM_VLLM_MAX_NUM_SEQS=16\nSM_VLLM_DOWNLOAD_DIR=/home/jane/cache\nMY_OWN=x\nSM_VLLM_API_KEY=geheim\n"
        )
    done = export(project, *TESTED)
    result = rows(done)["frameworks/vllm.yaml"]["row"]["evidence"][0]["result"]
    assert (
        "max_num_seqs=16" in result
        and "jane" not in done.out
        and "geheim" not in done.out
        and "MY_OWN" not in done.out
    )
    assert "MCC743" in done.codes


def test_another_image_earns_nothing(registry: Registry, tmp_path: Path) -> None:
    """A Dockerfile that starts elsewhere, or an image of a private layer, says nothing about the registry's row."""
    project = make(tmp_path / "p", registry, **LLM)
    (project / "Dockerfile").write_text("FROM python:3.13-slim\n")
    assert export(project, *TESTED).codes == ["MCC742"]
    project = make(tmp_path / "q", registry, **LLM)
    lock = project / "mcc.lock.yaml"
    private = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/vllm:1"
    lock.write_text(re.sub(r'base_image: ".*"', f'base_image: "{private}"', lock.read_text()))
    done = export(project, *TESTED)
    assert done.codes == ["MCC742"] and "123456789012" not in done.out


def test_a_layers_image_is_exported_to_the_layer(registry: Registry, tmp_path: Path) -> None:
    """Named with --registry-path, a private release gets its evidence in the layer it comes from."""
    layer = tmp_path / "layer"
    (layer / "frameworks").mkdir(parents=True)
    text = """kind: framework
id: vllm
releases:
  "0.30.0":
    builds:
      - source: upstream
        registry: registry.example.com/team
        tag: v0.30.0-patched
        accelerator:
          type: cuda
          version: "13.0"
"""
    (layer / "frameworks/vllm.yaml").write_text(text)
    layered = Registry.load([layer], root=SHIPPED)
    project = make(tmp_path / "p", layered, **LLM)
    assert export(project, *TESTED).codes == ["MCC742"]
    done = export(project, *TESTED, "--registry-path", str(layer), "--row", "release", "--write", str(layer))
    assert done.code == 0, done.out
    row = yaml.safe_load((layer / "frameworks/vllm.yaml").read_text())["releases"]["0.30.0"]
    assert row["validation_level"] == "tested" and row["builds"][0]["registry"] == "registry.example.com/team"
    assert not validate([layer], root=SHIPPED)


# ------------------------------------------------------------------------------------------- writing


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SHIPPED, tmp_path / "registries"))


@pytest.mark.parametrize("version", ["0.30.0", "0.34.0", "0.33.1", "0.1.0"])
def test_a_written_registry_validates(registry: Registry, tmp_path: Path, copy: Path, version: str) -> None:
    """Listed or not, newest, in between or oldest: the whole registry has no fault, and nothing else changed."""
    project = make(tmp_path / "p", registry, **{**LLM, "framework_version": version, "model_name": "acme/Foo-1B"})
    done = export(project, *TESTED, "--write", str(copy))
    assert done.code == 0, done.out
    assert [f.message for f in validate([copy]) if f.severity == "error"] == []
    versions = [r["version"] for r in yaml.safe_load((copy / "frameworks/vllm.yaml").read_text())["releases"]]
    assert version in versions
    changed = {
        p.relative_to(copy).as_posix() for p in copy.rglob("*.yaml") if not _same(p, SHIPPED / p.relative_to(copy))
    }
    assert (
        changed
        == {"frameworks/vllm.yaml", "models/foo-1b.yaml"}
        == {str(Path(p).relative_to(copy)) for p in done.json["written"]}
    )
    if version == "0.30.0":
        removed = [
            line
            for line in _lines(SHIPPED / "frameworks/vllm.yaml")
            if line not in set(_lines(copy / "frameworks/vllm.yaml"))
        ]
        assert removed == [], "only lines were added or changed in the row"


def _same(one: Path, other: Path) -> bool:
    return other.is_file() and one.read_bytes() == other.read_bytes()


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines()


def test_a_second_test_adds_its_evidence_and_a_worse_one_takes_nothing_away(
    registry: Registry, tmp_path: Path
) -> None:
    """Evidence accumulates, the level never falls, and the same test twice is one."""
    project = make(tmp_path / "p", registry, **LLM)
    layer = tmp_path / "layer"
    layer.mkdir()
    local = (*GOOD, "--deployed", "no", "--inference", "yes", "--row", "release", "--write", str(layer))
    for words in ((*TESTED, "--row", "release", "--write", str(layer)), local, local):
        assert export(project, *words).code == 0, "the layer's own evidence counts, named or not"
    release = Registry.load([layer], root=SHIPPED).frameworks["vllm"]["0.30.0"].data
    assert release.validation_level == "tested" and [e.what for e in release.evidence] == [
        "endpoint",
        "build",
        "local-run",
    ]


def test_what_cannot_be_written_stays_as_it_was(registry: Registry, tmp_path: Path) -> None:
    """No folder, a file with comments, a broken file: a finding, and nothing is touched."""
    project = make(tmp_path / "p", registry, **LLM)
    missing = export(project, *TESTED, "--write", str(tmp_path / "nowhere"))
    assert missing.code == 1 and "MCC744" in missing.codes and not (tmp_path / "nowhere").exists()
    layer = tmp_path / "layer"
    (layer / "frameworks").mkdir(parents=True)
    file = layer / "frameworks/vllm.yaml"
    for text, words in (
        ("kind: framework\nid: vllm\n# keep me\ntitle: Ours\n", "has comments"),
        ("kind: framework\nid: [\n", "cannot be read"),
    ):
        file.write_text(text)
        done = export(project, *TESTED, "--write", str(layer))
        assert done.code == 1 and any(words in f["message"] for f in done.json["findings"]), done.out
        assert file.read_text() == text and sorted(p.name for p in layer.rglob("*.yaml")) == ["vllm.yaml"]


def test_a_row_can_be_pasted(registry: Registry, tmp_path: Path) -> None:
    """What is printed is YAML, one document for each file, and says where it belongs."""
    done = invoke("export", "--project", str(make(tmp_path / "p", registry, **LLM)), *TESTED)
    assert done.code == 0
    documents = list(yaml.safe_load_all(done.out))
    assert [list(d) for d in documents] == [["releases"], ["models"]]
    assert '# registries/frameworks/vllm.yaml: this row replaces "0.30.0" below releases' in done.out
    assert "this test has earned tested" in done.err


# ------------------------------------------------------------------------------------------- nothing private

SECRETS = {
    "arn": "arn:aws:sagemaker:us-east-1:123456789012:endpoint/geheim",
    "china": "arn:aws-cn:iam::123456789012:role/geheim",
    "account": "account 210987654321",
    "dashed": "account 2109-8765-4321",
    "image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/geheim:v1",
    "bucket": "s3://geheim-bucket/prefix",
    "default bucket": "sagemaker-eu-west-1-123456789012",
    "own bucket": "the bucket acme-private-bucket",
    "hub token": "hf_" + "aB3" * 11,
    "access key": "AKIA" + "ABCD2345" * 2,
    "secret key": "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY12",
    "assignment": "password=geheim123",
    "bearer": "Authorization: Bearer geheim.token",
    "login": "https://jane:geheim@proxy.example.com/x",
    "mail": "jane.doe@example.com",
    "home": "/home/jane/projects/x",
    "mac": "/Users/jane/projects/x",
    "windows": "C:\\Users\\jane\\x",
    "tilde": "~/secret/x",
    "address": "10.1.2.3",
    "endpoint": "https://runtime.sagemaker.us-east-1.amazonaws.com/endpoints/geheim",
    "key": "-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----",
}
TELLTALES = (
    "123456789012", "210987654321", "2109-8765-4321", "geheim", "jane", "acme-private", "aB3aB3", "AKIA", "wJalr", "~/secret", "10.1.2.3",
    "BEGIN PRIVATE",
)  # fmt: skip


@pytest.mark.parametrize("where", ["--notes", "--by"])
@pytest.mark.parametrize("kind", SECRETS)
def test_nothing_private_reaches_a_row(registry: Registry, tmp_path: Path, kind: str, where: str) -> None:
    """Planted in what a person types and in the answers: left out, told without being repeated, and the rest stays."""
    answers = {**LLM, "s3_bucket": "acme-private-bucket", "role_arn": "arn:aws:iam::123456789012:role/geheim"}
    project = make(tmp_path / "p", registry, **answers)
    words = [w for w in TESTED if w not in ("--by", "octocat")] if where == "--by" else list(TESTED)
    done = export(project, *words, where, f"before {SECRETS[kind]} after", "--image-digest", "sha256:" + "0" * 64)
    found = rows(done)
    assert "MCC743" in done.codes
    for telltale in TELLTALES:
        assert telltale not in done.out.replace(str(tmp_path), ""), f"{telltale} of {kind}"
    proof = found["frameworks/vllm.yaml"]["row"]["evidence"][0]
    said = proof["result"] if where == "--notes" else proof["by"]
    assert "before" in said and "after" in said and "(left out)" in said


def test_a_private_name_alone_is_asked_for_again(registry: Registry, tmp_path: Path) -> None:
    """--by with nothing but a mail address is no public name."""
    words = [w for w in TESTED if w not in ("--by", "octocat")]
    assert export(make(tmp_path / "p", registry, **LLM), *words, "--by", "jane@example.com").codes == ["MCC741"]


@pytest.mark.parametrize("model", ["s3://geheim-bucket/model.tar.gz", "./models/geheim", "/home/jane/model"])
def test_a_private_model_gets_no_row_and_no_mention(registry: Registry, tmp_path: Path, model: str) -> None:
    """The release was tried all the same."""
    done = export(make(tmp_path / "p", registry, **{**LLM, "model_name": model}), *TESTED)
    assert list(rows(done)) == ["frameworks/vllm.yaml"]
    assert "geheim" not in done.out and "jane" not in done.out.replace(str(tmp_path), "")


def test_what_is_public_stays() -> None:
    """Versions, types, commits, digests and public links are no secrets."""
    text = (
        "vllm 0.30.0 (CUDA 13.0.2, driver 580.65.06) on ml.g6.xlarge, al2023-ami-sagemaker-inference-gpu-4-1, "
        f"commit {'0a1b' * 10}, sha256:{'0' * 64}, https://github.com/vllm-project/vllm/issues/42738, cuDNN 9.1.0.70, "
        "max_num_batched_tokens=8192, 2026-11-20, Qwen/Qwen3-4B, /opt/ml/model, 120 tokens: fine"
    )
    assert scrub(text) == (text, [])


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=80), st.sampled_from(sorted(SECRETS)), st.text(max_size=80))
def test_whatever_stands_around_it(before: str, kind: str, after: str) -> None:
    """A private thing is found between any other words; scrubbing twice changes nothing."""
    clean, kinds = scrub(f"{before} {SECRETS[kind]} {after}", ["acme-private-bucket"])
    assert kinds and not any(t in clean for t in TELLTALES if t not in before + after)
    assert scrub(clean, ["acme-private-bucket"])[0] == clean


def test_the_example_lines_run(registry: Registry, tmp_path: Path) -> None:
    """Every line of --help works on a project."""
    from mcc_registry.cli import export as command

    project = make(tmp_path / "p", registry, **LLM)
    lines = " ".join(line.rstrip("\\") for line in command.EXAMPLES).split("mcc-registry ")[1:]
    for line in lines:
        words = line.replace("my-project", str(project)).replace("--write registries", "").split()
        extra = [] if "--project" in words else ["--project", str(project)]
        assert invoke(*words, *extra, env={"REGISTRY_PATH": ""}).code == 0, line
    assert json.dumps(lines)
