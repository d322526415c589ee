"""Registry layers are somebody else's text: broken or hostile ones end in faults with a place, and run nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
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
    unprivileged,
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


def regions(**keys: Any) -> dict[str, Any]:
    return {"regions": {"kind": "regions", **keys}}


PLACES: dict[str, Any] = {
    "account": lambda t: regions(ecr={"deep_learning": {"default_account": t}}),
    "account of a region": lambda t: regions(ecr={"deep_learning": {"accounts": {"us-east-1": t}}}),
    "region of an account": lambda t: regions(ecr={"deep_learning": {"accounts": {t: "763104351884"}}}),
    "region": lambda t: regions(ecr={"deep_learning": {"default_account_regions": [t]}}),
    "image family": lambda t: {**regions(ecr={t: {"default_account": "763104351884"}}), **top(image_sources={"aws": {"registry": f"ecr:{t}"}})},
    "domain": lambda t: regions(partitions={"aws": {"domain": t}}),
    "region prefix": lambda t: regions(partitions={"own": {"domain": "e.example", "region_prefix": t}}),
    "source registry": lambda t: top(image_sources={"aws": {"registry": t}}),
    "tag pattern": lambda t: top(image_sources={"upstream": {"tag_pattern": t}}),
    "source entrypoint": lambda t: top(image_sources={"upstream": {"entrypoint": [t]}}),
    "missing region": lambda t: build(regions_missing=[t]),
    "python": lambda t: build(python=t),
    "CUDA": lambda t: build(accelerator={"type": "cuda", "version": t}),
    "false_text": lambda t: top(false_text={"0.1": t}),
    "seed_prefix": lambda t: top(seed_prefix=t),
    "parameter name": lambda t: top(parameters=[{"name": t, "type": "str"}]),
    "parameter flag": lambda t: top(parameters=[{"name": "served_model_name", "flag": t}]),
    "model folder": lambda t: top(local_model_path=t),
    "profile name": lambda t: top(profiles={t: {"title": "x", "description": "x", "settings": {}}}),
    "recommended type": lambda t: vllm(recommended_instance_types=[t]),
    "model profile name": lambda t: family(profiles={t: {"title": "x", "settings": {"seed": 1}}}),
    "model profile note": lambda t: family(profiles={"default": {"title": "x", "note": t, "settings": {"seed": 1}}}),
    "AMI of a family": lambda t: {"accelerators__amis": {"kind": "amis", "choices": [{"cuda_min": "11.0", "cuda_max": "14.0", "choose": {"g6": t}}]}},
    "AMI name": lambda t: {"accelerators__amis": {"kind": "amis", "amis": {t: {"accelerator": "cuda", "os": "x", "driver_branch": 580}}}},
    "price region": lambda t: {"instances__g6": {"kind": "instance_family", "id": "g6", "price": {"region": t, "date": "2026-01-01", "basis": "x", "source": "x"}}},
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


FROM_LINES: dict[str, Any] = {
    "default_account": (regions(ecr={"deep_learning": {"default_account": "--platform=linux/arm64 evil.example/img:1 AS x # "}}), 3),
    "account": (regions(ecr={"deep_learning": {"accounts": {"us-east-1": "76310435188"}}}), 4),
    "digits of another script": (regions(ecr={"deep_learning": {"default_account": "\u0667" * 12}}), 3),
    "region": (regions(ecr={"deep_learning": {"default_account_regions": ["us east 1"]}}), 4),
    "region as a key": (regions(ecr={"deep_learning": {"accounts": {"us-east-1/x": "763104351884"}}}), 4),
    "domain with a blank": (regions(partitions={"aws": {"domain": "amazonaws.com AS x"}}), 4),
    "domain with a port": (regions(partitions={"aws": {"domain": "evil.example:5000"}}), 4),
    "domain with a path": (regions(partitions={"aws": {"domain": "evil.example/x"}}), 4),
    "domain of one word": (regions(partitions={"aws": {"domain": "localhost"}}), 4),
    "prefix": (regions(partitions={"aws": {"domain": "a.example", "region_prefix": "us-east-1"}}), 5),
    "registry": (top(image_sources={"aws": {"registry": "evil.example:5000:1/x"}}), 4),
    "namespace": (top(image_sources={"aws": {"registry": "Evil/x"}}), 4),
    "repository": (top(image_sources={"aws": {"repository": "Evil"}}), 4),
    "repository with a tag": (top(image_sources={"aws": {"repository": "vllm:1"}}), 4),
    "tag pattern": (top(image_sources={"upstream": {"tag_pattern": "v{version}{x}"}}), 4),
}  # fmt: skip


@pytest.mark.parametrize("place", FROM_LINES)
def test_what_a_from_line_is_made_of_is_an_image_and_nothing_else(tmp_path: Path, place: str) -> None:
    """A fault with the line, from `validate` and from every load."""
    content, line = FROM_LINES[place]
    folder = layer(tmp_path, **content)
    (name,) = (p for p in folder.rglob("*.yaml"))
    with pytest.raises(RegistryError) as caught:
        Registry.load([str(folder)])
    assert {(f.code, f.source) for f in caught.value.findings} == {("MCC513", f"{name}:{line}")}
    assert all(f.message.isprintable() and len(f.message) < 250 for f in caught.value.findings)


REQUIREMENTS = (
    "https://evil.example/x.tar.gz",
    "numpy @ https://evil.example/x.tar.gz",
    "numpy@https://evil.example/x.tar.gz",
    "git+https://evil.example/x",
    "numpy --global-option=x",
    "numpy==1.0 --hash=sha256:x",
    "numpy==1.0; python_version > '3'",
    "evil/local.whl",
    "evil.whl/x",
    "numpy==",
    "numpy=1.0",
    "numpy[]==1",
    "numpy==1.*.2",
    "numpy>=x",
    "-e x",
    "x" * 201,
    "",
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


@pytest.mark.parametrize(
    "line", ["numpy", "numpy==1.26.4", "uvicorn[standard]>=0.30,<1", "scikit-learn~=1.7", "torch==2.9.0+cu128"]
)
def test_a_package_with_its_versions_is_accepted(tmp_path: Path, line: str) -> None:
    row = {"version": "1.7.2", "requirements": {"fastapi": [line]}}
    folder = layer(tmp_path, frameworks__sklearn={"kind": "framework", "id": "sklearn", "releases": [row]})
    assert Registry.load([str(folder)]).frameworks["sklearn"]["1.7.2"].data.requirements["fastapi"] == [line]


LONG = {
    "reason": top(
        profiles={"own": {"title": "x", "description": "x", "settings": {"seed": {"value": 1, "reason": "x" * 1001}}}}
    ),
    "note": family(profiles={"own": {"title": "x", "note": "x" * 1001, "settings": {"seed": 1}}}),
    "true_text": top(true_text={"0.1": "x" * 21}),
    "env": top(parameters=[{"name": "served_model_name", "env": "x" * 129}]),
}


@pytest.mark.parametrize("what", LONG)
def test_what_stands_in_container_env_has_a_length(tmp_path: Path, what: str) -> None:
    """A longer one ended the rendering: the file's comments and values are held to 1024 characters."""
    folder = layer(tmp_path, **LONG[what])
    with pytest.raises(RegistryError) as caught:
        Registry.load([str(folder)])
    assert [(f.code, "it is too long" in f.message) for f in caught.value.findings] == [("MCC513", True)]


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


def test_an_unreadable_file_is_a_fault(tmp_path: Path) -> None:
    """Also for root, whose right to read everything is taken first."""
    folder = layer(tmp_path, policy="kind: policy\n")
    (folder / "policy.yaml").chmod(0)
    words = [sys.executable, "-m", "mcc_registry", "validate", str(folder), "--format", "json"]
    done = subprocess.run(
        [*unprivileged(), *words], capture_output=True, text=True, timeout=60, cwd=ROOT, check=False
    )
    (found,) = [f for f in json.loads(done.stdout)["findings"] if f["severity"] == "error"]
    assert done.returncode == 1 and found["code"] == "MCC501"
    assert found["source"] == f"{folder}/policy.yaml:1" and "Permission denied" in found["message"]


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
