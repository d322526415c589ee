"""Registry layers are somebody else's text: broken or hostile ones end in faults with a place, and run nothing."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mcc_registry.errors import RegistryError
from mcc_registry.loading.yaml_text import MAX_FAULTS, MAX_NODES
from mcc_registry.registry import Registry
from tests.cli.invoke import invoke

from .hostilekit import (
    ROOT,
    Renderer,
    assert_clean_report,
    assert_readable,
    bounded,
    container_env,
    instruction_words,
    sourced,
)

PROVENANCE = {"source": ["x"], "checked": "2026-01-31", "basis": "documented"}


def layer(folder: Path, **files: Any) -> Path:
    """A layer of files: text and bytes as they are, anything else as YAML; ``__`` in a name is ``/``."""
    for name, content in files.items():
        path = folder / (name.replace("__", "/") + ("" if "." in name else ".yaml"))
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(content if isinstance(content, str) else yaml.safe_dump(content), encoding="utf-8")
    return folder


def vllm(**release: Any) -> dict[str, Any]:
    return {"frameworks__vllm": {"kind": "framework", "id": "vllm", "releases": [{"version": "0.30.0", **release}]}}


def top(**keys: Any) -> dict[str, Any]:
    return {"frameworks__vllm": {"kind": "framework", "id": "vllm", **keys}}


def build(**keys: Any) -> dict[str, Any]:
    return vllm(builds=[{"source": "aws", "tag": "x", "accelerator": {"type": "cuda", "version": "13.0"}, **keys}])


def family(**model: Any) -> dict[str, Any]:
    return {
        "models__own": {
            "kind": "model_family", "id": "own", "title": model.pop("title", "x"), "provenance": PROVENANCE,
            "models": [{"match": "Qwen/Qwen3-4B", **model}],
        }
    }  # fmt: skip


PLACES: dict[str, Any] = {
    "tag": lambda t: build(tag=t),
    "build repository": lambda t: build(repository=t),
    "build registry": lambda t: build(registry=t),
    "adapter": lambda t: build(adapter=t, serves_sagemaker=False),
    "build note": lambda t: build(note=t),
    "release notes": lambda t: vllm(notes=[t]),
    "release settings": lambda t: vllm(settings={"served_model_name": t}),
    "release setting name": lambda t: vllm(settings={t: "x"}),
    "start": lambda t: vllm(start=[t]),
    "ami": lambda t: vllm(inference_ami_version=t),
    "engine": lambda t: vllm(engine={t: "1"}),
    "version": lambda t: {"frameworks__vllm": {"kind": "framework", "id": "vllm", "releases": [{"version": t}]}},
    "title": lambda t: top(title=t),
    "description": lambda t: top(description=t),
    "env_prefix": lambda t: top(env_prefix=t),
    "model_env": lambda t: top(model_env=t),
    "true_text": lambda t: top(true_text={"0.1": t}),
    "parameter env": lambda t: top(parameters=[{"name": "served_model_name", "env": t}]),
    "parameter note": lambda t: top(parameters=[{"name": "served_model_name", "note": t}]),
    "profile": lambda t: top(profiles={"low-latency": {"title": t, "description": t, "settings": {"seed": {"value": 1, "reason": t}}}}),
    "source repository": lambda t: top(image_sources={"aws": {"repository": t}}),
    "known issue": lambda t: top(known_issues=[{"id": "own", "what": t, "workaround": t, "link": t}]),
    "family title": lambda t: family(title=t),
    "model setting": lambda t: family(settings={"served_model_name": t}),
    "model chat format": lambda t: family(chat={"format": t}),
    "price basis": lambda t: {"instances__g6": {"kind": "instance_family", "id": "g6", "price": {"region": "us-east-1", "date": "2026-01-01", "basis": t, "source": t}}},
    "instance type": lambda t: {"instances__g6": {"kind": "instance_family", "id": "g6", "types": [{"type": t, "vcpus": 4, "memory_mib": 16384, "accelerator_count": 1, "price_usd_hour": 0.01}]}},
    "accelerator name": lambda t: {"instances__g6": {"kind": "instance_family", "id": "g6", "accelerator": {"name": t}}},
    "family legacy": lambda t: {"instances__g6": {"kind": "instance_family", "id": "g6", "legacy": t}},
    "policy reason": lambda t: {"policy": {"kind": "policy", "reason": t, "allow": {"instance_types": ["ml.g5.*"]}}},
    "policy kind": lambda t: {"policy": {"kind": t}},
    "policy contact": lambda t: {"policy": {"kind": "policy", "reason": "x", "contact": t, "allow": {"regions": ["eu-*"]}}},
    "a key": lambda t: {"policy": {t: 1}},
}  # fmt: skip

ONE_LINE = (
    "{{{{ 7*7 }}}} <b>x</b> [l](http://e.example) $(touch {0}) `touch {0}` | ' \" \\ # \N{GRINNING FACE} {{% raw %}}"
)
MANY_LINES = "x\nRUN touch {0}\n\x1b[31m\r\u2028\u202e <b>x</b>"


@pytest.mark.slow
@pytest.mark.parametrize("place", PLACES)
def test_a_layers_text_stays_text(render: Renderer, tmp_path: Path, place: str) -> None:
    """One-line markup in any registry text is refused or harmless; line ends and terminal escapes are always refused."""
    canary = tmp_path / "canary"
    folder = layer(tmp_path / "one", **PLACES[place](ONE_LINE.format(canary)))
    project, refusal = render(registry_path=str(folder), env_vars={"seed": 1})
    if refusal is None:
        assert_readable(project)
        assert set(instruction_words(project)) <= {"FROM", "COPY", "RUN", "LABEL", "EXPOSE", "ENTRYPOINT", "CMD"}
        assert len((project / "Dockerfile").read_text().split("FROM ")[-1].split("\n")[0].split()) == 1
        container_env(project)
        sourced(project, "dash")
    else:
        assert_clean_report(refusal)
    folder = layer(tmp_path / "many", **PLACES[place](MANY_LINES.format(canary)))
    with pytest.raises(RegistryError) as caught:
        Registry.load([str(folder)])
    assert {"MCC502"} == {f.code for f in caught.value.findings if f.name == "file-not-text"}
    assert all(f.source.startswith(str(folder)) and f.message.isprintable() for f in caught.value.findings)
    assert not canary.exists()


REQUIREMENTS = (
    "-r /etc/passwd",
    "--index-url http://e.example",
    "x @ http://e.example/x.whl",
    "x\nRUN y",
    "./local",
    "x==1 # y\\",
)


@pytest.mark.parametrize("line", REQUIREMENTS)
def test_a_requirement_is_a_package_and_nothing_else(tmp_path: Path, line: str) -> None:
    row = {"version": "1.7.2", "requirements": {"fastapi": [line]}}
    folder = layer(tmp_path, frameworks__sklearn={"kind": "framework", "id": "sklearn", "releases": [row]})
    with pytest.raises(RegistryError) as caught:
        Registry.load([str(folder)])
    assert all(str(folder) in f.source for f in caught.value.findings)


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(20)
)

FILES: dict[str, bytes] = {
    "empty": b"",
    "only a comment": b"# x\n",
    "null": b"null\n",
    "a number": b"7\n",
    "a list": b"- a\n- b\n",
    "binary": bytes(range(256)) * 8,
    "nul": b"kind: policy\nreason: a\x00b\n",
    "utf-16": "kind: policy\n".encode("utf-16"),
    "latin-1": "kind: policy\nreason: caf\u00e9\n".encode("latin-1"),
    "bom": b"\xef\xbb\xbfkind: policy\nreason: x\nallow: 7\n",
    "crlf": b"kind: policy\r\nreason: x\r\nallow: 7\r\n",
    "tab": b"kind:\tpolicy\n",
    "truncated": b'kind: policy\nreason: "abc',
    "cut in a character": "reason: é".encode()[:-1],
    "nested lists": b"[" * 100_000,
    "nested maps": b"{a: " * 10_000,
    "nested closed": b"[" * 5_000 + b"]" * 5_000,
    "nested block": b"".join(b" " * i + b"a:\n" for i in range(3_000)),
    "alias bomb": BOMB.encode(),
    "alias loop": b"a: &a [*a]\n",
    "merge key": b"a: &a {b: 1}\nc:\n  <<: *a\n",
    "python tag": b"!!python/object/apply:os.system ['touch /tmp/mcc-canary']\n",
    "two documents": b"kind: policy\n---\nkind: policy\n",
    "duplicate": b"kind: policy\nkind: policy\n",
    "odd keys": b"? [a]\n: 1\n? {b: 1}\n: 2\n1: 3\nnull: 4\ntrue: 5\n",
    "long line": b"kind: " + b"x" * 2_000_000,
    "too large": b"# " + b"x" * 6_000_000,
    "many keys": b"".join(b"k%d: 1\n" % i for i in range(100_000)),
    "many nodes": b"- 1\n" * (MAX_NODES + 1),
    "many duplicates": b"k: 1\n" * 10_000,
    "many number keys": b"".join(b"%d: 1\n" % i for i in range(10_000)),
    "directive": b"%YAML 9.9\n---\nkind: policy\n",
    "infinity": b"kind: policy\nreason: x\nallow: .inf\n",
    "huge number": b"kind: policy\nreason: x\nallow: " + b"9" * 10_000,
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("place", ["policy.yaml", "frameworks/vllm.yaml"])
def test_a_broken_file_is_a_fault_with_its_place(tmp_path: Path, name: str, place: str) -> None:
    """Within a bounded time; the fault names file and line; a file that says nothing at all may be a fault or none."""
    folder = layer(tmp_path, **{place: FILES[name]})
    try:
        with bounded():
            Registry.load([str(folder)])
    except RegistryError as error:
        assert 1 <= len(error.findings) <= 2 * MAX_FAULTS + 1
        for found in error.findings:
            path, _, line = found.source.rpartition(":")
            assert path.startswith(str(folder)) and line.isdigit() and int(line) >= 1, found
            assert found.message.isprintable() and len(found.message) < 400
    else:
        assert name in ("empty", "only a comment", "null"), "a broken file was accepted"
    assert not Path("/tmp/mcc-canary").exists()


def odd_folders(root: Path) -> dict[str, Path]:
    outside = root / "secret.yaml"
    outside.write_text("kind: policy\nreason: secret-words\nallow: {}\n")
    made: dict[str, Path] = {}

    def new(name: str) -> Path:
        made[name] = root / name.replace(" ", "-")
        (made[name] / "models").mkdir(parents=True)
        return made[name]

    (new("link out") / "policy.yaml").symlink_to(outside)
    (new("link to passwd") / "models/x.yaml").symlink_to("/etc/passwd")
    (new("dangling link") / "models/x.yaml").symlink_to(root / "nowhere")
    here = new("link loop") / "models/x.yaml"
    here.symlink_to(here)
    (new("folder link out") / "frameworks").symlink_to("/etc")
    (new("template link out") / "chat_templates").mkdir()
    (made["template link out"] / "chat_templates/x.jinja").symlink_to("/etc/passwd")
    (new("folder like a file") / "policy.yaml").mkdir()
    os.mkfifo(new("fifo") / "policy.yaml")
    (new("device") / "policy.yaml").symlink_to("/dev/zero")
    made["file"] = outside
    made["nowhere"] = root / "nowhere"
    made["a name that is too long"] = root / ("x" * 300)
    return made


ODD = (
    "link out", "link to passwd", "dangling link", "link loop", "folder link out", "template link out", "folder like a file", "fifo",
    "device", "file", "nowhere", "a name that is too long",
)  # fmt: skip


@pytest.mark.parametrize("name", ODD)
def test_odd_folders_are_faults_on_the_command_line(tmp_path: Path, name: str) -> None:
    """A link that leaves the layer, a device, a pipe nobody writes to: a fault, at once, and nothing of it is shown."""
    folder = odd_folders(tmp_path)[name]
    with bounded():
        done = invoke("--registry-path", str(folder), "--offline", "resolve", "--format", "json")
    assert done.code == 1 and not done.json["ok"] and done.json["findings"]
    assert "secret-words" not in done.out + done.err and "root:" not in done.out + done.err


@pytest.mark.slow
@pytest.mark.parametrize("name", ODD)
def test_odd_folders_refuse_a_copy(render: Renderer, tmp_path: Path, name: str) -> None:
    text = render.refused(registry_path=str(odd_folders(tmp_path)[name]))
    assert "secret-words" not in text and "leave registry_path out" in " ".join(text.split())


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file_is_a_fault(tmp_path: Path) -> None:
    folder = layer(tmp_path, policy="kind: policy\n")
    (folder / "policy.yaml").chmod(0)
    with pytest.raises(RegistryError):
        Registry.load([str(folder)])


TEMPLATES = {
    "loops": "{% for a in range(99999) %}{% for b in range(99999) %}{% for c in range(99999) %}{% endfor %}{% endfor %}{% endfor %}",
    "grows": "{% set ns = namespace(t='x' * 1000) %}{% for i in range(60) %}{% set ns.t = ns.t ~ ns.t %}{% endfor %}",
    "writes": "{% for i in range(99999) %}{{ 'x' * 100000 }}{% endfor %}",
    "power": "{{ 9 ** (9 ** 9) }}",
    "pads": "{{ '{:>99999999999}'.format(1) }}",
    "reads": "{% include '/etc/passwd' %}",
    "imports": "{% import '/etc/passwd' as x %}",
    "globals": "{{ cycler.__init__.__globals__.os.popen('touch {canary}').read() }}",
    "classes": "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "format": "{{ '{0.__class__.__mro__}'.format(1) }}",
    "raises": "{{ raise_exception('\\x1b[31m' ~ 'x' * 100000) }}",
    "recursion": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "syntax": "{% for %}",
    "nesting": "{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}",
    "mutates": "{{ messages.append(1) }}{{ messages.clear() }}",
}


@pytest.mark.slow
@pytest.mark.parametrize("name", TEMPLATES)
def test_a_layers_chat_template_is_boxed(tmp_path: Path, name: str) -> None:
    """A template of a layer that loops, grows, reads files or reaches for Python ends in a finding, in bounded time."""
    text = TEMPLATES[name].replace("{canary}", str(tmp_path / "canary"))
    folder = layer(tmp_path / "layer", **{"chat_templates__chatml.jinja": text})
    talk = tmp_path / "talk.json"
    talk.write_text(json.dumps({"messages": [{"role": "user", "content": "hi"}]}))
    done = invoke(
        "--registry-path",
        str(folder),
        "chat-template",
        "--chat-format",
        "chatml",
        "--render",
        str(talk),
        "--format",
        "json",
    )
    assert done.code == 1 and done.json["text"] is None, done.out[:500]
    assert "Traceback" not in done.err and "root:" not in done.out
    for found in done.json["findings"]:
        assert found["message"].isprintable() and len(found["message"]) < 1000
    assert not (tmp_path / "canary").exists()


HARMLESS = {
    "{{ (''|attr('__class__'))|attr('__mro__') }}": "",
    "{{ ''.__class__ }}": "",
    "{{ messages.__init__ }}": "",
    "{{ 9 ** 9 ** 9 ** 9 }}": str(((9**9) ** 9) ** 9),
}
"""What the sandbox answers with nothing instead of refusing, and a number that is long but no danger."""


@pytest.mark.slow
def test_what_the_sandbox_hides_is_empty_text(tmp_path: Path) -> None:
    """Python's own attributes do not exist for a template: it gets an empty text, never the object."""
    marks = "|".join(HARMLESS)
    folder = layer(tmp_path / "layer", **{"chat_templates__chatml.jinja": marks})
    talk = tmp_path / "talk.json"
    talk.write_text(json.dumps({"messages": [{"role": "user", "content": "hi"}]}))
    words = ("chat-template", "--chat-format", "chatml", "--render", str(talk), "--format", "json")
    done = invoke("--registry-path", str(folder), *words)
    assert done.code == 0 and done.json["text"] == "|".join(HARMLESS.values())


YAML_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda c: st.lists(c, max_size=4) | st.dictionaries(st.text(max_size=12), c, max_size=4),
    max_leaves=12,
)


@settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    st.sampled_from(
        ["frameworks/vllm.yaml", "models/own.yaml", "instances/g6.yaml", "policy.yaml", "accelerators/amis.yaml"]
    ),
    YAML_VALUES,
)
@example("frameworks/vllm.yaml", {"releases": {"0.30.0": None}})
@example("instances/g6.yaml", {"types": None})
@example("models/own.yaml", {"kind": "model_family", "id": "own", "patterns": {"a": 1}})
@example("policy.yaml", {"kind": "policy", "allow": {"instance_types": []}})
def test_any_yaml_shape_loads_or_is_faults(tmp_path_factory: pytest.TempPathFactory, place: str, data: Any) -> None:
    folder = layer(tmp_path_factory.mktemp("layer"), **{place: yaml.safe_dump(data)})
    try:
        Registry.load([str(folder)])
    except RegistryError as error:
        assert error.findings and all(f.source.startswith(str(folder)) for f in error.findings)


SHIPPED = [
    ROOT / "registries" / p
    for p in ("frameworks/sklearn.yaml", "instances/g6.yaml", "regions.yaml", "accelerators/amis.yaml")
]


@pytest.mark.slow
@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(SHIPPED), st.integers(0, 4000), st.integers(0, 60), st.binary(max_size=12))
@example(SHIPPED[0], 0, 0, b"\xff")
@example(SHIPPED[1], 20, 3, b": - [")
def test_a_damaged_shipped_file_loads_or_is_faults(
    tmp_path_factory: pytest.TempPathFactory, path: Path, at: int, length: int, put: bytes
) -> None:
    """Bytes cut out of a real file and others put in: a layer of it loads or has faults in that file."""
    data = path.read_bytes()
    place = path.relative_to(ROOT / "registries").as_posix()
    folder = layer(tmp_path_factory.mktemp("layer"), **{place: data[:at] + put + data[at + length :]})
    try:
        Registry.load([str(folder)])
    except RegistryError as error:
        assert error.findings and all(f.source.startswith(str(folder)) for f in error.findings)
