"""A project gets the files its image lacks, a Dockerfile that hadolint likes, and the template's exact text."""

import compileall
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from adapterkit import ADAPTERS, ARN, NAMES, SERVING, VIEWS, file_names, project, render, write_project

TEXT = "{% for m in messages %}\n{{ m['content'] }} — {%- raw %}x{% endraw %}\n{% endfor %}"


def test_the_file_names_are_the_ones_these_tests_know() -> None:
    assert all((SERVING / name).is_file() for name in NAMES.values())


@pytest.mark.parametrize("name", VIEWS)
def test_an_image_that_speaks_sagemaker_gets_nothing_and_another_gets_the_adapter(name: str) -> None:
    expected = {"serve"} if name in ADAPTERS else set()
    if name == "tensorrt-llm":
        expected.add("adapter.py")
    assert set(file_names(project(name))) == expected


@pytest.mark.parametrize("name", VIEWS)
def test_a_secret_adds_the_entry_point_that_reads_it(name: str) -> None:
    view = project(name, hf_token_secret_arn=ARN)
    assert "serve" in file_names(view)
    dockerfile = render("_dockerfile/gpu.jinja", view)
    assert "import boto3" in dockerfile
    assert ARN not in dockerfile + render(f"serving/{NAMES['serve']}", view)  # it comes from container.env


@pytest.mark.parametrize(
    ("name", "original"),
    [
        ("vllm-aws", "/usr/local/bin/sagemaker_entrypoint.sh"),
        ("sglang-aws", "/usr/bin/serve"),
        ("lmi", "/usr/local/bin/dockerd-entrypoint.sh"),
        ("djl", "/usr/local/bin/dockerd-entrypoint.sh"),
        ("neuron-hf", "./entrypoint.sh"),
    ],
)
def test_the_secret_reader_ends_in_the_images_own_entry_point(name: str, original: str) -> None:
    text = render(f"serving/{NAMES['serve']}", project(name, hf_token_secret_arn=ARN))
    space: dict[str, Any] = {"__name__": "serve"}
    exec(compile(text, "serve", "exec"), space)
    calls: list[Any] = []
    space["os"] = type("os", (), {"environ": {}, "execvp": lambda *words: calls.append(words)})
    space["sys"] = type("sys", (), {"argv": ["/opt/mcc/serve", "serve"]})
    space["main"]()
    assert calls == [(original, [original, "serve"])]


@pytest.mark.parametrize("template", [TEXT, "", "\n", "no line end", "two ends\n\n", "{{ bos_token }}{#- x -#}  "])
def test_a_chat_template_arrives_byte_for_byte(template: str) -> None:
    chat = {"source": "User_Input", "file": "serving/chat_template.jinja", "text": template}
    view = project("vllm-aws", chat_template=chat)
    assert set(file_names(view)) == {"chat_template.jinja"}
    assert render(f"serving/{NAMES['chat_template.jinja']}", view) == template
    copied = "COPY serving/chat_template.jinja /opt/mcc/chat_template.jinja"
    assert copied in render("_dockerfile/gpu.jinja", view)
    assert copied not in render("_dockerfile/gpu.jinja", project("vllm-aws"))


@pytest.mark.parametrize("name", VIEWS)
def test_the_dockerfile_bakes_nothing_in(name: str) -> None:
    lines = render("_dockerfile/gpu.jinja", project(name)).splitlines()
    words = [line.split()[0] for line in lines if line and not line.startswith("#")]
    assert words[0] == "FROM"
    assert not {"ENV", "ARG", "USER", "ADD"} & set(words)
    assert not any(line.startswith("# syntax") for line in lines)
    if name not in ADAPTERS:
        assert words == ["FROM"]


@pytest.mark.parametrize("name", VIEWS)
def test_predictive_projects_get_none_of_these_files(name: str) -> None:
    view = project(name, framework="sklearn", adapter=None)
    assert not {source for source in file_names(view).values() if source in NAMES.values()}


@pytest.mark.parametrize("arn", ["", ARN])
@pytest.mark.parametrize("name", VIEWS)
def test_rendered_files_compile_and_are_small(name: str, arn: str, tmp_path: Path) -> None:
    folder = write_project(project(name, hf_token_secret_arn=arn), tmp_path / "p")
    for path in (folder / "serving").iterdir():
        text = path.read_text()
        compile(text, path.name, "exec")
        assert "{%" not in text
        assert len(text.splitlines()) < (260 if path.name == "adapter.py" else 160)
        assert max(map(len, text.splitlines())) <= 120
    assert compileall.compile_dir(folder, quiet=1)


@pytest.mark.parametrize("arn", ["", ARN])
@pytest.mark.parametrize("name", VIEWS)
def test_ruff_and_hadolint_find_nothing(name: str, arn: str, tmp_path: Path) -> None:
    ruff = shutil.which("ruff")
    hadolint = shutil.which("hadolint")
    if not ruff and not hadolint:
        pytest.skip("neither ruff nor hadolint is installed")
    folder = write_project(project(name, hf_token_secret_arn=arn), tmp_path / "p")
    if hadolint:
        subprocess.run([hadolint, str(folder / "Dockerfile")], check=True)
    files = [path.rename(path.with_suffix(".py")) for path in (folder / "serving").iterdir()]
    if ruff and files:
        rules = "--select=E,F,I,B,UP,SIM,C4,D1"
        for words in (["check", "-q", rules], ["format", "-q", "--check"]):
            subprocess.run([ruff, *words, "--isolated", "--line-length=120", *map(str, files)], check=True)
