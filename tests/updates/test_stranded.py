"""A version that drops or forbids what a project recorded: one page, a command that works, an untouched worktree."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import yaml
from conftest import change_schema
from copier.errors import UserMessageError
from templates import TemplateRepo, command, compile_registry, drop_release, files_of, git, replace_text, save, update

SKLEARN = "registries/frameworks/sklearn.yaml"
VLLM = "registries/frameworks/vllm.yaml"


def refused(project: Path, tag: str, *words: str, data: dict[str, str] | None = None) -> str:
    """The page of a refused update, after asserting that nothing was touched."""
    readme = project / "README.md"
    readme.write_text(readme.read_text(encoding="utf-8") + "\nA committed edit.\n", encoding="utf-8")
    save(project, "my edit")
    before = files_of(project)
    with pytest.raises(UserMessageError) as caught:
        update(project, tag, data)
    page = str(caught.value)
    assert files_of(project) == before and git(project, "status", "--porcelain") == ""
    for word in words:
        assert word in " ".join(page.split()), f"{word!r} is missing in:\n{page}"
    return page


def go_on(project: Path, page: str, tag: str) -> None:
    """Run the first command of a page."""
    line = next(line.strip() for line in page.splitlines() if line.strip().startswith("copier update --trust"))
    words = shlex.split(line)
    assert words[3:5] == ["--vcs-ref", tag], "the version that was asked for is the one that goes on"
    data = dict(pair.split("=", 1) for pair in words[6::2])
    assert words[5::2] == ["--data"] * len(data)
    update(project, tag, data)
    assert "A committed edit." in (project / "README.md").read_text(encoding="utf-8")


def newest(repo: TemplateRepo, name: str, position: int) -> str:
    """A version of a framework file, the newest first."""
    text = (repo.folder / "registries" / "frameworks" / f"{name}.yaml").read_text(encoding="utf-8")
    return re.findall(r'^  - version: "(.*)"$', text, re.MULTILINE)[position]


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> TemplateRepo:
    """A version for each way to be stranded; every one follows the first, not each other."""
    made = TemplateRepo.make(tmp_path_factory.mktemp("stranded") / "template")
    return made


def branch(repo: TemplateRepo, tag: str, *edits: object) -> None:
    """A tag of its own on top of v1.0.0."""
    git(repo.folder, "checkout", "-q", "--detach", "v1.0.0")
    repo.tag(tag, *edits)  # type: ignore[arg-type]


def test_a_dropped_version(repo: TemplateRepo, tmp_path: Path) -> None:
    """An exact release whose row is gone is refused with the nearest releases; the command moves to one."""
    version = newest(repo, "sklearn", 1)
    branch(repo, "v1.1.0", lambda f: drop_release(f, "sklearn", version), compile_registry)
    project = repo.copy(tmp_path / "p", "v1.0.0", {"framework": "sklearn", "framework_version": version})
    page = refused(project, "v1.1.0", "MCC202", version, SKLEARN, "--data framework_version=", "nothing was changed")
    go_on(project, page, "v1.1.0")
    answers = yaml.safe_load((project / ".copier-answers.yml").read_text(encoding="utf-8"))
    assert answers["framework_version"] != version


@pytest.mark.slow
def test_a_removed_profile(repo: TemplateRepo, tmp_path: Path) -> None:
    """A profile that is gone: the page names it, its file, and `default` as the way on."""

    def drop(folder: Path) -> None:
        path = folder / "registries" / "frameworks" / "vllm.yaml"
        text = path.read_text(encoding="utf-8").replace("\n  low-latency:\n", "\n  lowest-latency:\n")
        path.write_text(text, encoding="utf-8")
        compile_registry(folder)

    branch(repo, "v1.2.0", drop)
    project = repo.copy(tmp_path / "p", "v1.0.0", {"framework_profile": "low-latency"})
    page = refused(
        project,
        "v1.2.0",
        "MCC006",
        "low-latency",
        "registries/frameworks/vllm.yaml",
        "--data framework_profile=default",
    )
    go_on(project, page, "v1.2.0")


def test_the_nearest_alternatives_come_first(repo: TemplateRepo, tmp_path: Path) -> None:
    """A release on the same type, newer and older, then types for the same release with their price, cheapest first."""

    def tighten(folder: Path) -> None:
        text = (folder / VLLM).read_text(encoding="utf-8")
        at, end = text.index('- version: "0.28.0"'), text.index('- version: "0.27.1"')
        row = text[at:end].replace('min_compute_capability: "7.5"', 'min_compute_capability: "8.9"')
        (folder / VLLM).write_text(text[:at] + row + text[end:], encoding="utf-8")
        compile_registry(folder)

    branch(repo, "v1.15.0", tighten)
    project = repo.copy(tmp_path / "p", "v1.0.0", {"framework_version": "0.28.0", "instance_type": "ml.g5.xlarge"})
    page = refused(project, "v1.15.0", "instance_type no longer works in the new version", "8.9")
    lines = [line.strip() for line in page[page.index("To go on") :].splitlines()[1:9]]
    start = "copier update --trust --vcs-ref v1.15.0 --data "
    assert lines[:4] == [
        f"{start}framework_version=0.29.0",
        "gives vllm 0.29.0 on ml.g5.xlarge at 1.006 USD/h",
        f"{start}framework_version=0.27.1",
        "gives vllm 0.27.1 on ml.g5.xlarge at 1.006 USD/h",
    ], page
    types = [line.removeprefix(f"{start}instance_type=") for line in lines[4::2]]
    costs = [float(line.split(" at ")[1].split()[0]) for line in lines[5::2]]
    assert types[0] == "ml.g6.xlarge" and costs == sorted(costs) and len(set(types)) == 2, page
    assert all(line.startswith("gives vllm 0.28.0 on ml.g") for line in lines[5::2]), page
    go_on(project, page, "v1.15.0")


def test_what_was_given_is_not_blamed_on_the_version(repo: TemplateRepo, tmp_path: Path) -> None:
    """A value typed with --data at the same version: the page says so, and its commands keep what else was typed."""
    branch(repo, "v1.16.0")
    project = repo.copy(tmp_path / "p", "v1.0.0", {"instance_type": "ml.g6.xlarge", "framework_version": "0.30.0"})
    typed = {"env_vars": "{tensor_parallel_size: 3}", "region": "eu-west-1"}
    page = refused(project, "v1.0.0", "the value given for env_vars cannot be used", data=typed)
    assert "new version" not in page
    assert "--data region=eu-west-1 --data env_vars={}" in page.replace("'", ""), page
    page = refused(
        project, "v1.16.0", "instance_type", data={"framework_version": "0.30.0", "instance_type": "ml.m5.xlarge"}
    )
    assert "the value given for instance_type cannot be used" in page and "new version" not in page
    page = refused(project, "v1.16.0", data={"model_name": "meta-llama/Llama-3.3-70B-Instruct"})
    assert "instance_type does not work with what was given (model_name)" in page, page
    assert "--data model_name=meta-llama/Llama-3.3-70B-Instruct --data instance_type=" in page, page


@pytest.mark.slow
def test_a_layer_of_a_variable_that_is_not_set(
    repo: TemplateRepo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page names the layer the project lives on, and the command that brings it back works."""
    branch(repo, "v1.17.0")
    layer = tmp_path / "layer"
    (layer / "frameworks").mkdir(parents=True)
    profile = "    title: House\n    description: ours\n    settings:\n      max_num_seqs:\n        value: 9\n        reason: ours\n"
    (layer / "frameworks" / "vllm.yaml").write_text(f"profiles:\n  house:\n{profile}", encoding="utf-8")
    monkeypatch.setenv("REGISTRY_PATH", str(layer))
    project = repo.copy(tmp_path / "p", "v1.0.0", {"framework_profile": "house"})
    monkeypatch.delenv("REGISTRY_PATH")
    page = refused(project, "v1.17.0", f"framework_profile no longer works without {layer}")
    line = next(x.strip() for x in page.splitlines() if x.strip().startswith("REGISTRY_PATH="))
    assert line == f"REGISTRY_PATH={layer} copier update --trust --vcs-ref v1.17.0"
    monkeypatch.setenv("REGISTRY_PATH", str(layer))
    update(project, "v1.17.0")


@pytest.mark.slow
def test_answers_edited_by_hand_are_told(
    repo: TemplateRepo, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What the old version makes of the edited answers is not what the project has: said in the report, with the way out."""
    branch(repo, "v1.18.0")
    project = repo.copy(tmp_path / "p", "v1.0.0", {"instance_type": "ml.g6.xlarge"})
    capsys.readouterr()
    update(project, "v1.18.0", quiet=False)
    assert "Edited by hand" not in capsys.readouterr().err
    save(project, "updated")
    replace_text(project / ".copier-answers.yml", "instance_type: ml.g6.xlarge", "instance_type: ml.g5.xlarge")
    save(project, "by hand")
    update(project, "v1.18.0", quiet=False)
    told = capsys.readouterr().err
    told = told[told.index("Edited by hand:") :]
    assert "instance_type ml.g6.xlarge in mcc.lock.yaml, ml.g5.xlarge by .copier-answers.yml" in told, told


@pytest.mark.slow
def test_a_tightened_rule(repo: TemplateRepo, tmp_path: Path) -> None:
    """A setting that a stricter range forbids: the command leaves that setting out and keeps the others."""

    def tighten(folder: Path) -> None:
        path = folder / "registries" / "frameworks" / "vllm.yaml"
        text = path.read_text(encoding="utf-8")
        at = text.index("name: max_num_seqs")
        changed = re.sub(r"(\n    min: 1\n)", r"\1    max: 16\n", text[at:], count=1)
        assert changed != text[at:]
        path.write_text(text[:at] + changed, encoding="utf-8")
        compile_registry(folder)

    branch(repo, "v1.3.0", tighten)
    data = {"env_vars": {"max_num_seqs": 64, "NCCL_DEBUG": "INFO"}, "instance_type": "ml.g6.xlarge"}
    project = repo.copy(tmp_path / "p", "v1.0.0", data)
    page = refused(project, "v1.3.0", "max_num_seqs", "16", "--data 'env_vars=")
    go_on(project, page, "v1.3.0")
    text = (project / "container.env").read_text(encoding="utf-8")
    assert "MAX_NUM_SEQS" not in text and "NCCL_DEBUG=INFO" in text


def test_a_renamed_answer_migrates(repo: TemplateRepo, tmp_path: Path) -> None:
    """A question with a new name: the recorded value goes on under it, and nobody is asked anything."""

    def old_name(folder: Path) -> None:
        for path in [folder / "copier.yml", *folder.rglob("*.py"), *(folder / "template").rglob("*")]:
            if path.is_file() and b"s3_bucket" in path.read_bytes():
                path.write_text(
                    path.read_text(encoding="utf-8").replace("s3_bucket", "output_bucket"), encoding="utf-8"
                )

    def new_name(folder: Path) -> None:
        git(folder, "checkout", "-q", "v1.0.0", "--", ".")
        row = 'RENAMED_ANSWERS: tuple[RenamedAnswer, ...] = (RenamedAnswer("output_bucket", "s3_bucket", "1.5.0"),)'
        replace_text(folder / "hooks" / "migrations.py", "RENAMED_ANSWERS: tuple[RenamedAnswer, ...] = ()", row)
        replace_text(
            folder / "copier.yml",
            's3_bucket:\n  type: str\n  default: ""',
            "s3_bucket:\n  type: str\n  default: \"{{ mcc_default('s3_bucket') }}\"",
        )

    branch(repo, "v1.4.0", old_name)
    repo.tag("v1.5.0", new_name)
    project = repo.copy(tmp_path / "p", "v1.4.0", {"framework": "sklearn", "output_bucket": "my-bucket"})
    update(project, "v1.5.0")
    answers = yaml.safe_load((project / ".copier-answers.yml").read_text(encoding="utf-8"))
    assert answers["s3_bucket"] == "my-bucket" and "output_bucket" not in answers
    assert "my-bucket" in (project / "do" / "config").read_text(encoding="utf-8")
    fresh = repo.copy(
        tmp_path / "fresh",
        "v1.5.0",
        {"framework": "sklearn", "s3_bucket": "my-bucket", "project_name": "p"},
        commit=False,
    )
    assert files_of(project) == files_of(fresh)


@pytest.mark.slow
def test_a_removed_question(repo: TemplateRepo, tmp_path: Path) -> None:
    """An answer nobody asks for any more is forgotten; committed edits stay."""

    def add(folder: Path) -> None:
        replace_text(
            folder / "copier.yml", "project_name:\n", 'nickname:\n  type: str\n  default: ""\n\nproject_name:\n'
        )
        replace_text(folder / "hooks" / "session.py", "HELPERS = (", 'HELPERS = ("nickname", ')

    branch(repo, "v1.6.0", add)
    repo.tag("v1.7.0", lambda folder: git(folder, "checkout", "-q", "v1.0.0", "--", "."))  # type: ignore[arg-type, return-value]
    project = repo.copy(tmp_path / "p", "v1.6.0", {"framework": "sklearn", "nickname": "x"})
    (project / "README.md").write_text("Mine alone.\n", encoding="utf-8")
    save(project, "edited")
    update(project, "v1.7.0")
    assert (project / "README.md").read_text(encoding="utf-8") == "Mine alone.\n"


@pytest.mark.slow
def test_a_layer_that_the_new_schema_refuses(repo: TemplateRepo, tmp_path: Path) -> None:
    """Every fault with its place, and the command that goes on without the layer."""

    def stricter(folder: Path) -> None:
        change_schema(folder)
        model = folder / "mcc_registry" / "models" / "framework.py"
        replace_text(model, "    motto: Text | None = None\n", "    motto: Text\n")
        compile_registry(folder)

    branch(repo, "v1.8.0", stricter)
    layer = tmp_path / "layer" / "frameworks"
    layer.mkdir(parents=True)
    text = (repo.folder / SKLEARN).read_text(encoding="utf-8")
    first = re.search(r'  - version: "(.*)"\n((    .*\n)*)', git(repo.folder, "show", f"v1.0.0:{SKLEARN}"))
    assert first is not None and text
    row = first[0].replace(first[1], "99.0.0", 1)
    (layer / "sklearn.yaml").write_text(f"releases:\n{row}", encoding="utf-8")
    project = repo.copy(tmp_path / "p", "v1.0.0", {"framework": "sklearn", "registry_path": str(layer.parent)})
    page = refused(
        project, "v1.8.0", "sklearn.yaml:", "motto", "copier update --trust --vcs-ref v1.8.0 --data registry_path="
    )
    go_on(project, page, "v1.8.0")


@pytest.mark.slow
def test_the_command_line_says_it_without_a_traceback(repo: TemplateRepo, tmp_path: Path) -> None:
    """The real `copier update`: exit status 1, the page on stderr, a clean worktree."""
    version = newest(repo, "xgboost", 1)
    branch(repo, "v1.9.0", lambda f: drop_release(f, "xgboost", version), compile_registry)
    project = repo.copy(tmp_path / "p", "v1.0.0", {"framework": "xgboost", "framework_version": version})
    done = command("update", "--trust", "--defaults", "--vcs-ref", "v1.9.0", cwd=project)
    assert done.returncode == 1 and "Traceback" not in done.stderr and "To go on" in done.stderr, done.stderr
    assert git(project, "status", "--porcelain") == ""


@pytest.mark.slow
def test_a_removed_question_and_a_refusal(repo: TemplateRepo, tmp_path: Path) -> None:
    """The worst of both: a question is gone, a release as well, and the tree has committed edits; none is lost."""
    version = newest(repo, "sklearn", 1)

    def add(folder: Path) -> None:
        replace_text(
            folder / "copier.yml", "project_name:\n", 'nickname:\n  type: str\n  default: ""\n\nproject_name:\n'
        )
        replace_text(folder / "hooks" / "session.py", "HELPERS = (", 'HELPERS = ("nickname", ')

    def remove(folder: Path) -> None:
        git(folder, "checkout", "-q", "v1.0.0", "--", ".")
        drop_release(folder, "sklearn", version)
        compile_registry(folder)

    branch(repo, "v1.10.0", add)
    repo.tag("v1.11.0", remove)
    data = {"framework": "sklearn", "framework_version": version, "nickname": "x"}
    project = repo.copy(tmp_path / "p", "v1.10.0", data)
    page = refused(project, "v1.11.0", "MCC202", version, "nothing was changed")
    go_on(project, page, "v1.11.0")
    assert "nickname" not in (project / ".copier-answers.yml").read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_renamed_profile_migrates(repo: TemplateRepo, tmp_path: Path) -> None:
    """A choice with a new name: the project is carried over, nobody is asked, and the result is a fresh copy's."""

    def rename(folder: Path) -> None:
        replace_text(folder / VLLM, "\n  low-latency:\n", "\n  interactive:\n")
        replace_text(
            folder / "hooks" / "migrations.py",
            "RENAMED_VALUES: tuple[RenamedValue, ...] = ()",
            "RENAMED_VALUES: tuple[RenamedValue, ...] = (\n"
            '    RenamedValue("framework_profile", "low-latency", "interactive", "1.12.0"),\n)',
        )
        compile_registry(folder)

    branch(repo, "v1.12.0", rename)
    project = repo.copy(tmp_path / "p", "v1.0.0", {"framework_profile": "low-latency"})
    update(project, "v1.12.0")
    data = {"framework_profile": "interactive", "project_name": "p"}
    assert files_of(project) == files_of(repo.copy(tmp_path / "fresh", "v1.12.0", data, commit=False))
    save(project, "migrated")
    update(project, "v1.12.0")
    assert git(project, "status", "--porcelain") == ""


@pytest.mark.slow
def test_what_is_deprecated_stays_and_names_its_successor(
    repo: TemplateRepo, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A release with an end date and a model with a successor: the update succeeds, warns, and moves neither."""

    def deprecate(folder: Path) -> None:
        row = '  - version: "0.29.0"\n'
        dates = '    deprecated: "2026-12-01"\n    end_of_support: "2027-06-01"\n    replaced_by: "0.30.0"\n'
        replace_text(folder / VLLM, row, row + dates)
        row = "  - match: Qwen/Qwen3-4B\n"
        more = '    deprecated: "2026-12-01"\n    replaced_by: Qwen/Qwen3-8B\n'
        replace_text(folder / "registries" / "models" / "qwen3.yaml", row, row + more)
        compile_registry(folder)

    branch(repo, "v1.13.0", deprecate)
    project = repo.copy(tmp_path / "p", "v1.0.0", {"framework_version": "0.29.0"})
    capsys.readouterr()
    update(project, "v1.13.0", quiet=False)
    told = capsys.readouterr().err
    lock = yaml.safe_load((project / "mcc.lock.yaml").read_text(encoding="utf-8"))
    assert (lock["framework"]["version"], lock["model"]["id"]) == ("0.29.0", "Qwen/Qwen3-4B")
    for text in (told, (project / "README.md").read_text(encoding="utf-8")):
        flat = " ".join(text.replace("\\", "").split())
        assert "deprecated since 2026-12-01, unsupported from 2027-06-01" in flat and "MCC206" in flat, text
        assert "framework_version=0.30.0" in flat and "MCC413" in flat and "model_name=Qwen/Qwen3-8B" in flat, text


@pytest.mark.slow
def test_a_layer_that_forbids_what_was_chosen(repo: TemplateRepo, tmp_path: Path) -> None:
    """A policy that arrives later: its reason is in the page, and the command leads to what it allows."""
    branch(repo, "v1.14.0")
    policy = 'kind: policy\nreason: "budget: g6 only"\nallow:\n  instance_types:\n    - "{}.*"\n'
    layer = tmp_path / "layer"
    layer.mkdir()
    (layer / "policy.yaml").write_text(policy.format("ml"), encoding="utf-8")
    data = {"registry_path": "../layer", "instance_type": "ml.g5.xlarge"}
    project = repo.copy(tmp_path / "p", "v1.0.0", data)
    (layer / "policy.yaml").write_text(policy.format("ml.g6"), encoding="utf-8")
    page = refused(project, "v1.0.0", "instance_type no longer works with ../layer/policy.yaml")
    page = refused(project, "v1.14.0", "MCC017", "ml.g5.xlarge", "budget: g6 only", "--data instance_type=")
    go_on(project, page, "v1.14.0")
    assert '"ml.g6.' in (project / "mcc.lock.yaml").read_text(encoding="utf-8")
