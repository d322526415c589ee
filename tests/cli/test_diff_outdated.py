"""`diff` and `outdated`: words, JSON, exit status, and what cannot be compared."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from mcc_registry import Registry, Request, resolve
from mcc_registry.lock import lock_text

from .invoke import invoke

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry.load(environ={})


def project(folder: Path, registry: Registry, **answers: str) -> Path:
    """The two files of a project that `outdated` reads."""
    folder.mkdir(exist_ok=True)
    plan = resolve(Request(**answers), registry)
    assert plan.ok, plan.findings
    (folder / "mcc.lock.yaml").write_text(lock_text(plan, "p"), encoding="utf-8")
    lines = [f"{name}: {json.dumps(value)}\n" for name, value in answers.items()]
    (folder / ".copier-answers.yml").write_text("_commit: v1\n" + "".join(lines), encoding="utf-8")
    return folder


def change_lock(folder: Path, old: str, new: str) -> None:
    path = folder / "mcc.lock.yaml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_equal_locks_ask_for_nothing(tmp_path: Path, registry: Registry) -> None:
    """No change, action nothing, exit 0."""
    lock = str(project(tmp_path / "p", registry) / "mcc.lock.yaml")
    result = invoke("diff", lock, lock, "--format", "json")
    assert result.code == 0 and result.json["changes"] == [] and result.json["action"] == "nothing"


def test_two_locks(tmp_path: Path, registry: Registry) -> None:
    """Instance type first, the image asks for a rebuild, settings name their source and registry key."""
    old = project(tmp_path / "old", registry, framework_version="0.29.0")
    new = project(tmp_path / "new", registry, instance_type="ml.g6e.xlarge", framework_profile="low-latency")
    result = invoke("diff", str(old), str(new), "--format", "json")
    changes = {c["what"]: c for c in result.json["changes"]}
    assert result.json["kind"] == "lock" and result.json["action"] == "rebuild"
    assert next(iter(changes)) == "instance_type" and changes["instance_type"]["action"] == "redeploy"
    assert "redeploys on another instance type" in changes["instance_type"]["note"]
    assert changes["base_image"]["action"] == "rebuild"
    assert any(n.startswith("settings.") and c["fact"] for n, c in changes.items())
    words = invoke("diff", str(old), str(new)).out
    assert "build and deploy again" in words and "ml.g6.xlarge -> ml.g6e.xlarge" in words


def test_two_registries(tmp_path: Path) -> None:
    """Rows are compared, whatever their files' order or comments; an unchanged file is not told."""
    copy = tmp_path / "registries"
    shutil.copytree(ROOT / "registries", copy)
    path = copy / "instances" / "g6.yaml"
    text = path.read_text(encoding="utf-8")
    assert "price_usd_hour: 0.8048" in text
    path.write_text("# a comment\n" + text.replace("price_usd_hour: 0.8048", "price_usd_hour: 0.9"), encoding="utf-8")
    (copy / "models" / "gemma.yaml").unlink()
    result = invoke("diff", str(ROOT / "registries"), str(copy), "--format", "json")
    whats = [c["what"] for c in result.json["changes"]]
    assert result.json["kind"] == "registry"
    assert whats[0] == "instances/g6.yaml types[ml.g6.xlarge].price_usd_hour"
    assert all(w.startswith("models/gemma.yaml") for w in whats[1:]) and len(whats) > 1
    back = invoke("diff", str(copy), str(ROOT / "registries"), "--format", "json")
    assert back.json["action"] == "redeploy" == result.json["action"]


def test_a_new_release_may_ask_for_a_build(tmp_path: Path) -> None:
    """A project that asks for `recommended` or `latest` may move to it: the difference does not say "nothing to do"."""
    copy = tmp_path / "registries"
    shutil.copytree(ROOT / "registries", copy)
    path = copy / "frameworks" / "sklearn.yaml"
    text = path.read_text(encoding="utf-8")
    first = text.index("  - version:")
    path.write_text(text[:first] + text[text.index("  - version:", first + 1) :], encoding="utf-8")
    result = invoke("diff", str(copy), str(ROOT / "registries"))
    assert "releases[" in result.out and ": new" in result.out and "build and deploy again" in result.out


def changed_copy(folder: Path, name: str, *edits: tuple[str, str], at: str = "") -> tuple[str, str]:
    """The shipped registries and a copy with one file changed: what stands first after ``at`` is replaced."""
    copy = folder / "registries"
    shutil.copytree(ROOT / "registries", copy)
    text = (copy / name).read_text(encoding="utf-8")
    for old, new in edits:
        start = text.index(at) if at else 0
        assert old in text[start:]
        text = text[:start] + text[start:].replace(old, new, 1)
    (copy / name).write_text(text, encoding="utf-8")
    return str(ROOT / "registries"), str(copy)


def test_a_changed_constraint_is_named_and_may_refuse(tmp_path: Path) -> None:
    """Inside a build: the build, the key and both values; and that a project may be refused because of it."""
    edit = ('min_compute_capability: "7.5"', 'min_compute_capability: "9.0"')
    sides = changed_copy(tmp_path, "frameworks/vllm.yaml", edit, at='version: "0.28.0"')
    result = invoke("diff", *sides)
    what = "frameworks/vllm.yaml releases[0.28.0].builds[aws, CUDA 13.0].min_compute_capability: 7.5 -> 9.0"
    assert result.out.splitlines()[0] == what
    assert "may be refused" in result.out and "at most" not in result.out
    assert [c["may_refuse"] for c in invoke("diff", *sides, "--format", "json").json["changes"]] == [True]


def test_words_alone_refuse_nobody(tmp_path: Path) -> None:
    """A title: nothing to do, nobody is refused."""
    sides = changed_copy(tmp_path, "frameworks/vllm.yaml", ("\ntitle: vLLM", "\ntitle: The vLLM"))
    out = invoke("diff", *sides).out
    assert " -> The vLLM" in out and "may be refused" not in out and "nothing to do" in out


def test_builds_that_come_and_go_are_named(tmp_path: Path) -> None:
    """A build more, a tag that is another: the build is named, not shown as a mapping."""
    new = '      - source: upstream\n        tag: v0.28.0-x\n        accelerator:\n          type: cuda\n          version: "12.9"\n'
    edits = (("    engine:\n", f"{new}    engine:\n"), ("tag: v0.28.0\n", "tag: v0.28.0-post\n"))
    sides = changed_copy(tmp_path, "frameworks/vllm.yaml", *edits, at='version: "0.28.0"')
    lines = invoke("diff", *sides).out.splitlines()[:2]
    assert lines == [
        "frameworks/vllm.yaml releases[0.28.0].builds[upstream, CUDA 13.0].tag: v0.28.0 -> v0.28.0-post",
        "frameworks/vllm.yaml releases[0.28.0].builds[upstream, CUDA 12.9]: new",
    ]


def test_long_values_show_where_they_differ() -> None:
    """Never the same text twice."""
    from mcc_registry.lock.registries import pair_text

    long = "x" * 90
    one, _, two = pair_text(f"{long}a{long}", f"{long}b{long}").partition(" -> ")
    assert one != two and "a" in one and "b" in two and len(one) <= 60
    assert pair_text([long, "a"], [long]) == "no longer a"
    assert pair_text([long, "a"], ["a", long]) == "in another order"


@pytest.mark.parametrize("other", ["nowhere", "no-such-tag", "folder@--help", "."])
def test_what_cannot_be_compared_is_a_finding(tmp_path: Path, registry: Registry, other: str) -> None:
    """A finding and exit 1, never a traceback; a lock and a registry do not compare."""
    lock = str(project(tmp_path / "p", registry) / "mcc.lock.yaml")
    result = invoke("diff", lock, other if other != "." else str(ROOT / "registries"))
    assert result.code == 1 and "MCC701" in result.err and "internal error" not in result.err


def test_tags_named_inside_a_project_lead_to_its_template(
    tmp_path: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tag is one of the template's: the hint says where that is, here and behind a URL."""
    folder = project(tmp_path / "p", registry)
    answers = folder / ".copier-answers.yml"
    monkeypatch.chdir(folder)
    for source, words in ((str(tmp_path), f"{tmp_path}@v1.0.0"), ("git+https://example.com/t.git", "clone")):
        answers.write_text(f"_commit: v1\n_src_path: {source}\n", encoding="utf-8")
        result = invoke("diff", "v1.0.0", "v2.0.0")
        assert result.code == 1 and words in "".join(result.err.split("\n    ")), result.err


def test_an_up_to_date_project(tmp_path: Path, registry: Registry) -> None:
    """Nothing behind: exit 0 even with --exit-code."""
    folder = project(tmp_path / "p", registry, framework="sklearn")
    result = invoke("outdated", "--project", str(folder), "--exit-code", "--format", "json")
    assert result.code == 0 and result.json["behind"] is False and result.json["changes"] == []


def test_a_project_behind(tmp_path: Path, registry: Registry) -> None:
    """The registries decide otherwise now: told, with exit 1 only when asked for."""
    folder = project(tmp_path / "p", registry)
    change_lock(folder, 'instance_type: "ml.g6.xlarge"', 'instance_type: "ml.g5.xlarge"')
    plain = invoke("outdated", "--project", str(folder))
    assert plain.code == 0 and "ml.g5.xlarge -> ml.g6.xlarge" in plain.out
    assert invoke("outdated", "--project", str(folder), "--exit-code").code == 1


def test_a_pin_stays_and_says_what_it_misses(tmp_path: Path, registry: Registry) -> None:
    """An exact version is no change, but newer releases are named with the command that moves."""
    folder = project(tmp_path / "p", registry, framework_version="0.29.0")
    result = invoke("outdated", "--project", str(folder), "--exit-code", "--format", "json")
    assert result.code == 1 and result.json["changes"] == []
    assert "0.30.0" in [m["version"] for m in result.json["missed"]]
    words = invoke("outdated", "--project", str(folder)).out
    assert "--data framework_version=" in words and "to update:" not in words
    assert ("nothing of it is pressing" in words) is (result.json["matters"] == [])


def test_what_no_longer_runs_matters(tmp_path: Path, registry: Registry) -> None:
    """A lock whose instance type cannot run its image any more says so with the finding."""
    folder = project(tmp_path / "p", registry)
    change_lock(folder, 'instance_type: "ml.g6.xlarge"', 'instance_type: "ml.m5.xlarge"')
    result = invoke("outdated", "--project", str(folder), "--format", "json")
    assert any(f["severity"] == "error" for f in result.json["matters"]) and result.json["behind"] is True


def test_a_refused_update_says_how_to_go_on(tmp_path: Path, registry: Registry) -> None:
    """Each command is one that was tried, with what it gives; the plain update that would be refused is not offered."""
    folder = project(tmp_path / "p", registry, framework_version="0.28.0", instance_type="ml.g5.xlarge")
    answers = folder / ".copier-answers.yml"
    answers.write_text(answers.read_text("utf-8").replace("ml.g5.xlarge", "ml.p2.xlarge"), encoding="utf-8")
    out = invoke("outdated", "--project", str(folder)).out
    assert "to update:" not in out
    lines = [line.strip() for line in out[out.index("To go on, one of") :].splitlines()[1:]]
    assert lines[0].startswith("copier update --trust --data ") and "USD/h" in lines[1], out
    way = invoke("outdated", "--project", str(folder), "--format", "json").json["ways"][0]
    assert way["command"] == lines[0]
    name, _, value = way["command"].rpartition(" ")[2].partition("=")
    given = {"framework_version": "0.28.0", "instance_type": "ml.p2.xlarge", name: value}
    assert resolve(Request(**given), registry).ok


def test_a_dropped_release_is_told_before_the_update(tmp_path: Path, registry: Registry) -> None:
    """An exact release without a row any more: `outdated` says what the update will say."""
    folder = project(tmp_path / "p", registry, framework_version="0.28.0")
    layer = tmp_path / "layer" / "frameworks"
    layer.mkdir(parents=True)
    (layer / "vllm.yaml").write_text('releases:\n  "0.28.0": null\n', encoding="utf-8")
    out = invoke("outdated", "--project", str(folder), "--registry-path", str(layer.parent)).out
    assert "vllm 0.28.0 is no longer in the registries" in " ".join(out.split())
    assert "copier update --trust --data framework_version=0.29.0" in out


def test_a_folder_that_is_no_project(tmp_path: Path) -> None:
    """A finding that names the missing file."""
    result = invoke("outdated", "--project", str(tmp_path))
    assert result.code == 1 and ".copier-answers.yml" in result.err and "--project DIR" in result.err
    missing = invoke("outdated", "--project", str(tmp_path / "nowhere"))
    assert missing.code == 1 and "does not exist" in " ".join(missing.err.split())
