"""Input within every limit of size still ends within the bounds of time and memory, in a finding that says enough."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mcc_registry.errors import nearest, printable
from mcc_registry.secrecy import holds_secret
from mcc_registry.validate.run import MAX_TOLD
from tests.cli.invoke import invoke

from .hostilekit import bounded

FAMILY = """kind: model_family
id: own
title: own
provenance: {source: [me], checked: "2026-01-31", basis: documented}
"""


def patterns(*rows: str) -> str:
    return FAMILY + "patterns:\n" + "".join(f"  - {row}\n" for row in rows)


def quoted(name: str, more: str = "") -> str:
    return f'{{match: "{name}", must_match: [], must_not_match: []{more}}}'


LAYERS = {
    "patterns that all tie": (patterns(*(quoted(f"*abcdef{n:05}*xyz*") for n in range(6000))), "MCC530"),
    "patterns that begin alike": (patterns(*(quoted(f"*abcdef{n:05}") for n in range(6000))), "MCC530"),
    "patterns of many stars": (patterns(*(quoted("*a" * 9000 + f"{'b' * n}*{'b' * (9 - n)}") for n in range(9))), "MCC530"),
    "patterns of nothing but stars": (patterns(*(quoted("a" + "*" * 18_000 + f"{n}*") for n in range(9))), "MCC530"),
    "plain patterns": (patterns(*(quoted(f"own{n}/*") for n in range(6000))), None),
    "unknown keys": (FAMILY + "".join(f"key{n}: 1\n" for n in range(20_000)), "MCC511"),
    "unknown settings": (FAMILY + "settings:\n" + "".join(f"  max_mdl{n}: 1\n" for n in range(20_000)), "MCC529"),
    "patterns with an unknown setting": (
        patterns(*(quoted(f"own{n}/*", f", settings: {{max_mdl{n}: 1}}") for n in range(4000))),
        "MCC529",
    ),
    "long unknown settings": (FAMILY + "settings:\n" + "".join(f"  {'max_model_len' * 70}{n}: 1\n" for n in range(500)), "MCC529"),
    "examples of another name": (patterns(f'{{match: "own/*", must_match: [{", ".join(f"x{n}" for n in range(30_000))}]}}'), "MCC532"),
}  # fmt: skip


def test_a_large_profile_is_judged_in_bounded_time(tmp_path: Path) -> None:
    """Each of its settings in each of many releases; the table of settings is made once."""
    (tmp_path / "frameworks").mkdir()
    rows = "".join(f"      max_mdl{n}: {{value: 1, reason: x}}\n" for n in range(3000))
    head = "kind: framework\nid: vllm\nprofiles:\n  own:\n    title: own\n    description: own\n    settings:\n"
    (tmp_path / "frameworks" / "vllm.yaml").write_text(head + rows)
    with bounded(cpu_s=10):
        done = invoke("validate", str(tmp_path), "--format", "json")
    assert done.code == 1 and done.codes.count("MCC542") == MAX_TOLD + 1


@pytest.mark.parametrize("command", ["validate", "resolve"])
@pytest.mark.parametrize("name", LAYERS)
def test_a_large_layer_is_judged_in_bounded_time(tmp_path: Path, name: str, command: str) -> None:
    """Half a megabyte of rows: the first faults of a rule and file are told, then that there are more."""
    text, code = LAYERS[name]
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "own.yaml").write_text(text)
    words = (
        ["validate", str(tmp_path)]
        if command == "validate"
        else ["--registry-path", str(tmp_path), "resolve", "--offline"]
    )
    with bounded(cpu_s=10):
        done = invoke(*words, "--format", "json")
    told = [found["code"] for found in done.json["findings"]]
    if code is None:
        assert done.code == 0, done.err
        return
    assert done.code == 1 and code in told and told.count(code) <= MAX_TOLD + 1
    assert all(len(found["message"]) < 40_000 for found in done.json["findings"])


def test_faults_that_are_not_shown_are_said_to_be_there(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "own.yaml").write_text(LAYERS["unknown settings"][0])
    found = invoke("validate", str(tmp_path), "--format", "json").json["findings"]
    assert len(found) == MAX_TOLD + 1 and "there are more of these, not shown" in found[-1]["message"]


ANSWERS = {
    "unknown answers": ("".join(f"model_nam{n}: 1\n" for n in range(20_000)), "MCC001"),
    "many variables": ("env_vars:\n" + "".join(f"  NCCL_X{n}: 1\n" for n in range(20_000)), "MCC008"),
    "misspelt settings": ("env_vars:\n" + "".join(f"  SM_VLLM_MAX_MDL{n}: 1\n" for n in range(1000)), "MCC301"),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_many_answers_are_judged_in_bounded_time(tmp_path: Path, name: str) -> None:
    text, code = ANSWERS[name]
    (tmp_path / "a.yml").write_text(text)
    with bounded(cpu_s=10):
        done = invoke("resolve", "--offline", "--answers", str(tmp_path / "a.yml"), "--format", "json")
    told = [found["code"] for found in done.json["findings"]]
    assert done.code == 1 and code in told and len(told) < 1100


def test_unknown_answers_beyond_the_first_are_counted(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text("".join(f"zz{n}: 1\n" for n in range(25)))
    done = invoke("resolve", "--offline", "--answers", str(tmp_path / "a.yml"), "--format", "json")
    told = [found for found in done.json["findings"] if found["code"] == "MCC001"]
    assert len(told) == 21 and told[-1]["message"] == "5 more names are not questions of this template"


def test_a_refusal_of_a_template_is_cut_in_its_own_process(tmp_path: Path) -> None:
    """A layer's template refuses with a hundred megabytes of text."""
    (tmp_path / "layer" / "chat_templates").mkdir(parents=True)
    (tmp_path / "layer" / "chat_templates" / "chatml.jinja").write_text('{{ raise_exception("a" * 100000000) }}')
    talk = json.dumps({"messages": [{"role": "user", "content": "hi"}]}).encode()
    words = ("chat-template", "--chat-format", "chatml", "--render", "-", "--format", "json")
    with bounded(cpu_s=5, memory_mib=100, child_mib=500):
        done = invoke("--registry-path", str(tmp_path / "layer"), *words, stdin=talk)
    assert done.code == 1 and all(len(found["message"]) < 1000 for found in done.json["findings"])


def test_a_text_is_cut_before_it_is_made_printable() -> None:
    """And never inside a word, which may be half a secret that no longer looks like one."""
    with bounded(cpu_s=2, memory_mib=20):
        assert printable("\x1b" * 10_000_000) == ("\\x1b" * 15)[:59] + "…"
    assert printable("model " + "a" * 10_000) == "model " + "a" * 53 + "…"
    token = "hf_" + "a" * 34
    shown = printable("token " + "hf_" + "b" * 5000 + " " + token, 60)
    assert "hf_" not in shown and not holds_secret(shown)


def test_nearest_has_bounds() -> None:
    with bounded(cpu_s=5):
        assert nearest("ab" * 500_000, ["ab" * 500_000]) is None
        assert nearest("modle_name", ["model_name", "model_name" * 100_000]) == "model_name"
        assert nearest("abc", [f"abc{number}" for number in range(100_000)]) is not None


@pytest.mark.parametrize("number", ["9" * 5000, "1_0" * 3000, "1" * 200_000])
def test_a_number_that_python_cannot_read_is_a_syntax_fault(tmp_path: Path, number: str) -> None:
    path = tmp_path / "own.jinja"
    path.write_text(f"fine {{{{ 1 }}}}\n\n{{{{ {number} }}}}\n")
    with bounded():
        done = invoke("resolve", "--offline", "--chat-template", str(path), "--format", "json")
    (found,) = [f for f in done.json["findings"] if f["code"] == "MCC018"]
    assert done.code == 1 and found["source"] == f"{path}:3" and "a number that is too long" in found["message"]


@pytest.mark.parametrize("source", ["~nosuchuser/x", "x" * 5000, "~", "a\\0b"])
def test_a_project_of_an_odd_template_can_be_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    (tmp_path / ".copier-answers.yml").write_text(f'_src_path: "{source}"\n')
    monkeypatch.chdir(tmp_path)
    done = invoke("diff", "v9", "v10", "--format", "json")
    assert done.code == 1 and "internal error" not in done.err
    assert [f["code"] for f in done.json["findings"]] == ["MCC701"]
