"""What the fuzzers call: each target takes bytes, and fails when they end in anything but a value or a finding.

``test_fuzz.py`` feeds them the committed seeds, values made by hypothesis, and random changes of the seeds. Each target
may also be given to atheris: ``atheris.Setup([""], targets.TARGETS["yaml"])``.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from mcc_registry.errors import RegistryError
from mcc_registry.registry import Registry
from tests.cli.invoke import Result, invoke

from .hostilekit import ROOT

SEEDS = Path(__file__).with_name("seeds.json")
PLACE = re.compile(r".+:[1-9][0-9]*", re.DOTALL)


@lru_cache(maxsize=1)
def scratch() -> Path:
    """A folder for the files of all targets, removed with the process."""
    folder = tempfile.TemporaryDirectory(prefix="mcc-fuzz-")
    KEPT.append(folder)
    return Path(folder.name)


KEPT: list[Any] = []


@lru_cache(maxsize=1)
def shipped() -> Registry:
    return Registry.load(environ={})


def text_of(data: bytes) -> str:
    """The bytes as text, whatever they are; some of it cannot be written as UTF-8 again."""
    return data.decode("utf-8", "surrogateescape")


def check_message(text: str) -> None:
    assert text and text.isprintable() and len(text) < 1000, text


def check_result(done: Result) -> None:
    """What every command promises: a known exit status, no traceback, nothing a terminal acts upon."""
    assert done.code in (0, 1, 2), done.err
    assert "internal error" not in done.err and "Traceback" not in done.err, done.err
    assert done.code != 2 or done.out == "", done.out
    assert all(c.isprintable() or c == "\n" for c in done.err), repr(done.err)
    if done.code == 2:
        return
    found = done.json.get("findings", [])
    for one in found:
        check_message(one["message"])
    assert done.code == (1 if any(one["severity"] == "error" for one in found) else 0), done.out


def is_plain(value: Any, depth: int = 0) -> bool:
    if isinstance(value, dict):
        return depth < 50 and all(isinstance(k, str) and is_plain(v, depth + 1) for k, v in value.items())
    if isinstance(value, list):
        return depth < 50 and all(is_plain(v, depth + 1) for v in value)
    return value is None or isinstance(value, (str, bool, int, float))


def yaml(data: bytes) -> None:
    """Strict YAML: plain data, or faults whose line is in the text."""
    from mcc_registry.loading.yaml_text import parse_yaml

    text = text_of(data)
    for one_line in (False, True):
        parsed = parse_yaml(text, "file.yaml", one_line=one_line)
        for fault in parsed.faults:
            check_message(fault.message)
            path, _, line = fault.source.rpartition(":")
            assert path == "file.yaml" and 1 <= int(line) <= text.count("\n") + text.count("\r") + 1, fault
        if not parsed.faults:
            assert parsed.usable and is_plain(parsed.data)


def layer(data: bytes) -> None:
    """A file of a layer: it loads, or every fault names a place in the layer."""
    folder = scratch() / "layer"
    kind, _, rest = data.partition(b"\n")
    place = {b"model": "models/own.yaml", b"framework": "frameworks/vllm.yaml", b"instance": "instances/g6.yaml"}
    path = folder / place.get(kind, "policy.yaml")
    for old in folder.rglob("*.yaml"):
        old.unlink()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(rest)
    try:
        Registry.load([str(folder)], environ={})
    except RegistryError as error:
        assert error.findings
        for fault in error.findings:
            check_message(fault.message)
            assert fault.source.startswith(str(folder)) and PLACE.fullmatch(fault.source), fault


def version(data: bytes) -> None:
    """Versions and specifiers: a value, None, or ValueError."""
    from mcc_registry import versions

    text = text_of(data)
    parsed, spec = versions.find_version(text), versions.find_spec(text)
    versions.find_numbers(text)
    if parsed is not None:
        assert versions.find_version(str(parsed)) == parsed
    if spec is not None:
        assert versions.filter_versions(["1.0", "2.0rc1"], text) is not None
    calls = (
        lambda: versions.matches("0.30.0", text),
        lambda: versions.matches(text, ">=1"),
        lambda: versions.at_least("1", text),
        lambda: versions.history_at([("1", 2)], text),
        lambda: versions.nearest_versions(text, ["0.1", "0.2"]),
    )
    for call in calls:
        with suppress(ValueError):
            call()


def pattern(data: bytes) -> None:
    """Pattern and name, a line each: the answer of a regular expression, case ignored."""
    from mcc_registry.patterns import best_patterns, does_match, specificity

    one, _, name = text_of(data).partition("\n")
    found = does_match(one, name)
    assert specificity(one) >= 0 and best_patterns([one], name) == ([one] if found else [])
    if len(data) < 40 and one.count("*") < 5:
        words = ".*".join(map(re.escape, one.lower().split("*")))
        assert found == bool(re.fullmatch(words, name.lower(), re.DOTALL)), (one, name)


def answers(data: bytes) -> None:
    """Answers as YAML, and the same text as ``env_vars`` and as each text answer."""
    from mcc_registry.answers import parse_answers
    from mcc_registry.loading.yaml_text import parse_yaml
    from mcc_registry.models.request import ANSWER_NAMES

    text = text_of(data)
    parsed = parse_yaml(text, "answers.yml")
    given = [dict.fromkeys(ANSWER_NAMES, text), dict.fromkeys(ANSWER_NAMES, parsed.data)]
    if isinstance(parsed.data, dict):
        given.append(parsed.data)
    for raw in given:
        request, findings = parse_answers(raw)
        assert json.dumps(request.to_json(), default=str)
        for one in findings:
            check_message(one.message)
            assert one.code.startswith("MCC") and one.severity == "error" and one.field is not None


def answers_file(data: bytes) -> None:
    """``resolve --answers FILE``: a plan or findings."""
    path = scratch() / "answers.yml"
    path.write_bytes(data)
    check_result(invoke("resolve", "--offline", "--answers", str(path), "--format", "json"))


def words(data: bytes) -> None:
    """Commands that only read, with any words: a plan, findings, or wrong usage."""
    command, *rest = text_of(data).replace("\0", " ").split("\n")[:8]
    readers = ("resolve", "explain", "frameworks", "models", "instances", "compat", "fit")
    name = command if command in readers else "resolve"
    if {"-h", "--help", "--version", "--debug"} & set(rest) or any(word.startswith("--format") for word in rest):
        return
    done = invoke(name, *rest, "--offline", "--format", "json")
    check_result(done)
    told = invoke(name, *rest, "--offline")
    assert all(c.isprintable() or c == "\n" for c in told.out + told.err), repr(told.out + told.err)


@lru_cache(maxsize=1)
def project() -> Path:
    """A project of the default answers, rendered once without Copier: its lock and its answers."""
    from mcc_registry import Request, resolve
    from mcc_registry.lock import lock_text

    folder = scratch() / "project"
    folder.mkdir()
    plan = resolve(Request(), shipped())
    (folder / "mcc.lock.yaml").write_text(lock_text(plan, "own"), encoding="utf-8")
    (folder / ".copier-answers.yml").write_text("offline: true\nmodel_name: Qwen/Qwen3-4B\n", encoding="utf-8")
    return folder


def lock(data: bytes) -> None:
    """A damaged lock: ``diff`` and ``outdated`` compare it, or say why not."""
    good = project() / "mcc.lock.yaml"
    damaged = scratch() / "damaged"
    damaged.mkdir(exist_ok=True)
    (damaged / "mcc.lock.yaml").write_bytes(data)
    (damaged / ".copier-answers.yml").write_bytes((project() / ".copier-answers.yml").read_bytes())
    for both in ((str(good), str(damaged)), (str(damaged), str(good))):
        check_result(invoke("diff", *both, "--format", "json"))
        human = invoke("diff", *both)
        assert human.code in (0, 1) and all(c.isprintable() or c == "\n" for c in human.out + human.err)
    done = invoke("outdated", "--project", str(damaged), "--offline", "--format", "json")
    assert done.code in (0, 1) and "internal error" not in done.err, done.err
    assert isinstance(done.json["findings"], list)


def recorded(data: bytes) -> None:
    """Recorded facts of the Hub and of images, as JSON: facts that make a plan, or HubError, or None."""
    from mcc_registry import Request, resolve
    from mcc_registry.docker import image_facts_from_mapping
    from mcc_registry.hub_facts import HubError, find_template, hub_facts_from_mapping, parse_parameters
    from mcc_registry.model_shape import model_shape_from_config

    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return
    parse_parameters(value)
    find_template(value)
    image_facts_from_mapping(value)
    if isinstance(value, dict):
        model_shape_from_config(value)
        looked = {"status": "found", "model_id": "org/unlisted", "message": "x", "config": value}
        for facts in (looked, {**looked, **value}, value):
            with suppress(HubError):
                plan = resolve(Request(model_name="org/unlisted"), shipped(), hub=hub_facts_from_mapping(facts))
                assert json.dumps(plan.to_json())


def packed(data: bytes) -> None:
    """Recorded layers and templates, packed into one line: texts by name, or None; never more than the bound."""
    import zlib
    from base64 import b64encode

    from hooks.outside import MAX_UNPACKED_BYTES, unpack

    for line in (text_of(data), b64encode(data).decode(), b64encode(zlib.compress(data)).decode()):
        found = unpack(line)
        assert found is None or sum(map(len, found.values())) <= MAX_UNPACKED_BYTES


def conversation(data: bytes) -> None:
    """``chat-template --render FILE``: the text, or findings."""
    path = scratch() / "talk.json"
    path.write_bytes(data)
    for name in ("chatml", "llama-2"):
        done = invoke("chat-template", "--chat-format", name, "--render", str(path), "--format", "json")
        check_result(done)


TARGETS: dict[str, Callable[[bytes], None]] = {
    "yaml": yaml,
    "layer": layer,
    "version": version,
    "pattern": pattern,
    "answers": answers,
    "answers_file": answers_file,
    "words": words,
    "lock": lock,
    "recorded": recorded,
    "packed": packed,
    "conversation": conversation,
}
"""Name, also in the file of seeds, to target."""


def seeds(name: str) -> list[bytes]:
    """The committed inputs of a target: each a text, or ``{"hex": ...}`` for what is no UTF-8."""
    written = json.loads(SEEDS.read_text(encoding="utf-8"))[name]
    found = [bytes.fromhex(s["hex"]) if isinstance(s, dict) else s.encode("utf-8", "surrogatepass") for s in written]
    if name == "lock":
        found += [(project() / "mcc.lock.yaml").read_bytes()]
    if name == "layer":
        shown = {
            "model": "models/qwen3.yaml",
            "framework": "frameworks/sklearn.yaml",
            "instance": "instances/g6.yaml",
        }
        found += [f"{kind}\n".encode() + (ROOT / "registries" / path).read_bytes() for kind, path in shown.items()]
    return found
