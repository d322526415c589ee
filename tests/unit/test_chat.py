"""Chat formats: the truth tables of tests/cases/chat.json, the conversation's shape, and hostile templates."""

from __future__ import annotations

import copy
import json
import time
from pathlib import Path

import pytest

from mcc_registry.chat import (
    CHAT_FORMATS,
    ChatError,
    check_conversation,
    get_chat_format,
    parse_conversation,
    render_chat,
    render_format,
)

ROOT = Path(__file__).resolve().parents[2]
TABLES = json.loads((ROOT / "tests/cases/chat.json").read_text("utf-8"))["formats"]
CASES = [pytest.param(name, case, id=f"{name}: {case['name']}") for name, cases in TABLES.items() for case in cases]
CONTRACT = {
    "llama-2", "llama-3", "mistral-v1", "mistral-v3", "vicuna-v1.1", "chatml", "gemma", "phi-3", "zephyr",
}  # fmt: skip
USER = {"role": "user", "content": "Hi"}


def template(name: str) -> str:
    return (ROOT / "registries" / CHAT_FORMATS[name].file).read_text("utf-8")


def outcome(name: str, text: str, conversation: dict) -> str:
    """The rendered text, or "refused: " and the reason."""
    try:
        return render_format(CHAT_FORMATS[name], text, check_conversation(conversation), trusted=True)
    except ChatError as error:
        return f"refused: {error}"


def agrees(name: str, text: str, case: dict) -> bool:
    got = outcome(name, text, case["conversation"])
    if "refused" in case:
        return got.startswith("refused: ") and case["refused"] in got
    return got == case["expected"]


@pytest.mark.parametrize(("name", "case"), CASES)
def test_a_format_writes_exactly_what_its_specification_says(name, case):
    before = copy.deepcopy(case["conversation"])
    got = outcome(name, template(name), case["conversation"])
    if "refused" in case:
        assert got.startswith("refused: ")
        assert case["refused"] in got
    else:
        assert got == case["expected"]
    assert case["conversation"] == before


def test_every_format_has_a_template_a_table_and_a_source():
    assert CONTRACT <= set(CHAT_FORMATS) == set(TABLES)
    shipped = {f"chat_templates/{p.name}" for p in (ROOT / "registries/chat_templates").glob("*.jinja")}
    assert {f.file for f in CHAT_FORMATS.values()} == shipped
    assert all(f.source and f.stop_token for f in CHAT_FORMATS.values())
    strict = {n for n, f in CHAT_FORMATS.items() if f.strict}
    assert strict == {n for n in CHAT_FORMATS if n.startswith(("llama-2", "mistral-", "gemma"))}


WRONG = [
    ("llama-2", "bos_token ~ ", ""),
    ("llama-2", "\\n<</SYS>>\\n\\n", "\\n<</SYS>>\\n"),
    ("llama-2", " + ' ' ~ eos_token", " ~ eos_token"),
    ("llama-2", ".strip()", ""),
    ("llama-2", "{%- set ns.system = none -%}", ""),
    ("mistral-v1", "' [INST] '", "'[INST] '"),
    ("mistral-v1", "message['content'] ~", "message['content'].rstrip() ~"),
    ("mistral-v3", "loop.index0 == ns.last_user", "loop.first"),
    ("mistral-v3", "'[/INST]'", "' [/INST]'"),
    ("mistral-v3", ".rstrip()", ""),
    ("mistral-v3", ".rstrip()", ".strip()"),
    ("vicuna-v1.1", "message['content'] + ' '", "message['content'] + '\\n'"),
    ("vicuna-v1.1", "~ eos_token", "~ eos_token ~ ' '"),
    ("vicuna-v1.1", "'ASSISTANT:'", "'ASSISTANT: '"),
    ("chatml", "<|im_end|>\\n", "<|im_end|>"),
    ("chatml", "{%- if add_generation_prompt -%}", "{%- if true -%}"),
    ("llama-3", "<|end_header_id|>\\n\\n", "<|end_header_id|>\\n"),
    ("llama-3", ".strip()", ""),
    ("gemma", "'model' if", "'assistant' if"),
    ("gemma", "<end_of_turn>\\n", "<end_of_turn>"),
    ("phi-3", "{{- eos_token -}}", ""),
    ("zephyr", " ~ '\\n'", ""),
]


@pytest.mark.parametrize(("name", "right", "wrong"), WRONG)
def test_a_seeded_mistake_fails_a_case(name, right, wrong):
    text = template(name)
    assert right in text
    broken = text.replace(right, wrong)
    assert not all(agrees(name, broken, case) for case in TABLES[name])


@pytest.mark.parametrize("name", sorted(CHAT_FORMATS))
def test_a_template_does_not_depend_on_the_whitespace_settings(name):
    """Engines trim blocks, other tools do not: both get the same text."""
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    plain = ImmutableSandboxedEnvironment().from_string(template(name))
    chat = CHAT_FORMATS[name]
    for case in TABLES[name]:
        given = case["conversation"]
        if "expected" in case:
            tokens = {"bos_token": chat.bos_token, "eos_token": chat.eos_token}
            assert plain.render(**{**tokens, **given}) == case["expected"]


@pytest.mark.parametrize("name", sorted(CHAT_FORMATS))
def test_a_template_works_with_a_tokenizer_that_defines_no_tokens(name):
    """Engines leave an undefined token out; that means none, not an error."""
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    messages = [USER, {"role": "assistant", "content": "Ho"}]
    bare = ImmutableSandboxedEnvironment().from_string(template(name)).render(messages=messages)
    assert bare == render_chat(template(name), messages, bos_token="", eos_token="", trusted=True)


@pytest.mark.parametrize("name", sorted(CHAT_FORMATS))
def test_a_template_itself_refuses_what_an_engine_may_hand_it(name):
    """In production nobody checks the conversation first."""
    for messages, words in (
        ([], "empty"),
        ([{"role": "user", "content": None}], "not text"),
        ([{"role": "user", "content": [{"type": "text", "text": "x"}]}], "not text"),
        ([{"role": "tool", "content": "x"}], "unknown role tool"),
        ([{"content": "x"}], "unknown role"),
    ):
        with pytest.raises(ChatError, match=words):
            render_chat(template(name), messages, trusted=True)


def test_the_isolated_process_writes_the_same_text():
    for name in ("llama-2", "phi-3"):
        for case in TABLES[name][:3]:
            conversation = check_conversation(case["conversation"])
            assert render_format(CHAT_FORMATS[name], template(name), conversation) == case["expected"]
    with pytest.raises(ChatError, match="no system role"):
        render_chat(template("gemma"), [{"role": "system", "content": "x"}])
    assert render_chat("{{ messages[0]['content'] }}", [{"role": "user", "content": "é🙂\r\n\x00"}]) == "é🙂\r\n\x00"


def test_the_settings_and_helpers_of_engines_are_there():
    text = (
        "{%- for m in messages %}\n"
        "    {% if loop.index == 2 %}\n{% break %}\n    {% endif %}\n"
        "{{ m | tojson }}\n"
        "{%- endfor %}{% generation %}!{% endgeneration %}{{ strftime_now('%Y')|length }}{{ tools is none }}"
    )
    messages = [{"role": "user", "content": "<é>"}, USER]
    got = render_chat(text, messages, trusted=True)
    assert got == '{"role": "user", "content": "<é>"}!4True'


HOSTILE = [
    ("{% include '/etc/passwd' %}", "reads another file"),
    ("{% import 'x' as y %}", "reads another file"),
    ("{% extends 'x' %}", "reads another file"),
    ("{{ ''.__class__.__mro__[1].__subclasses__() }}", "unsafe"),
    ("{{ messages.append(1) }}", "unsafe"),
    ("{% for i in range(10**9) %}x{% endfor %}", "MAX_RANGE"),
    ("{% if %}", "syntax error in line 1"),
    ("{{ nothing.at.all }}", "undefined"),
    ("{{ 1 / 0 }}", "ZeroDivisionError"),
    ("{{ raise_exception('no\n\x1b[31m' ~ 'x' * 5000) }}", r"no\\n\\x1b\[31mxxx"),
    ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "nested too deeply"),
    ("{{ 'x' * 9000000 }}", "writes more than"),
    ("{# " + "x" * 600_000 + " #}", "has more than"),
]


@pytest.mark.parametrize(("text", "words"), HOSTILE)
def test_a_hostile_template_ends_in_one_short_sentence(text, words):
    with pytest.raises(ChatError, match=words) as caught:
        render_chat(text, [USER], trusted=True)
    (problem,) = caught.value.problems
    assert len(problem) <= 300
    assert problem.isprintable()


BOMBS = [
    "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
    "{{ 'x' * 10**11 }}",
    "{{ 'x'|center(10**11) }}",
    "{{ '%099999999999d' % 1 }}",
    "{% set n = namespace(s='xxxxxxxx') %}{% for i in range(60) %}{% set n.s = n.s ~ n.s %}{% endfor %}{{ n.s }}",
    "{{ 7 ** (10 ** 9) % 5 }}",
]


@pytest.mark.parametrize("text", BOMBS)
def test_a_template_that_eats_time_or_memory_is_ended(text):
    start = time.monotonic()
    with pytest.raises(ChatError, match=r"memory|not done after|Overflow|MemoryError|too big|fails"):
        render_chat(text, [USER], budget_s=1.0)
    assert time.monotonic() - start < 4


GOOD = {"messages": [USER]}
BAD = [
    (None, ["the conversation is null"]),
    ([USER], ["the conversation is a list", '{"messages": [...]}']),
    ({}, ["messages is missing"]),
    ({"messages": {}}, ["messages is an object"]),
    ({"messages": "Hi"}, ["messages is text"]),
    ({"messages": []}, ["the conversation is empty"]),
    ({"messages": ["Hi"]}, ["message 1 is text"]),
    ({"messages": [{"role": "user"}]}, ["message 1 has no content"]),
    ({"messages": [{"content": "x"}]}, ["message 1 has no role"]),
    ({"messages": [{"role": "user", "content": 1}]}, ["content of message 1 is a number"]),
    ({"messages": [{"role": "user", "content": None}]}, ["content of message 1 is null"]),
    ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, ["content of message 1 is a list"]),
    ({"messages": [{"role": None, "content": "x"}]}, ["role of message 1 is null"]),
    ({"messages": [{"role": "sistem", "content": "x"}]}, ["unknown role sistem; did you mean system?"]),
    ({"messages": [{"role": "tool", "content": "x"}]}, ["it must be one of system, user, assistant"]),
    ({"messages": [{**USER, "name": "Ann"}]}, ["message 1 has the unknown key name"]),
    ({"messages": [{**USER, "contents": "x"}]}, ["did you mean content?"]),
    ({**GOOD, "add_generation_promt": True}, ["did you mean add_generation_prompt?"]),
    ({**GOOD, "add_generation_prompt": "true"}, ["add_generation_prompt is text; it must be true or false"]),
    ({**GOOD, "add_generation_prompt": 1}, ["add_generation_prompt is a number"]),
    ({**GOOD, "bos_token": None}, ["bos_token is null", 'it must be text ("" for none']),
    ({**GOOD, "eos_token": 5}, ["eos_token is a number"]),
    ({"messages": [{"role": "user", "content": "\ud800"}]}, ["lone surrogate"]),
    ({**GOOD, "bos_token": "\udfff"}, ["lone surrogate"]),
    ({"messages": [{"role": 1}, "x"], "tools": []}, ["role of message 1", "no content", "message 2", "key tools"]),
]


@pytest.mark.parametrize(("data", "words"), BAD)
def test_a_malformed_conversation_is_refused_in_words_all_at_once(data, words):
    with pytest.raises(ChatError) as caught:
        check_conversation(data)
    for word in words:
        assert word in str(caught.value)


def test_a_long_list_of_problems_is_cut():
    with pytest.raises(ChatError) as caught:
        check_conversation({"messages": ["x"] * 500})
    assert len(caught.value.problems) == 21
    assert caught.value.problems[-1] == "and 480 more problems"


def test_absent_flags_have_the_contracts_defaults():
    got = check_conversation(GOOD)
    assert (got.add_generation_prompt, got.bos_token, got.eos_token) == (False, None, None)
    assert check_conversation({**GOOD, "bos_token": ""}).bos_token == ""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        (b"\xff", "not UTF-8"),
        ("[" * 100_000, "not JSON"),
        ('{"messages": [' + "1" * 5000 + "]}", "JSON|number"),
        ('{"messages": [], "messages": [{"role": "user", "content": "x"}]}', "given twice"),
        ('{"messages": [{"role": "user", "role": "assistant", "content": "x"}]}', "key role is given twice"),
    ],
)
def test_a_text_that_is_no_conversation_is_refused(text, words):
    with pytest.raises(ChatError, match=words):
        parse_conversation(text)


def test_a_conversation_in_utf8_with_or_without_a_mark_is_read():
    text = json.dumps({"messages": [{"role": "user", "content": "é"}]}, ensure_ascii=False)
    for raw in (text, text.encode(), b"\xef\xbb\xbf" + text.encode()):
        assert parse_conversation(raw).messages[0]["content"] == "é"


def test_a_misspelt_format_names_the_nearest():
    assert get_chat_format("llama-2").strict
    with pytest.raises(ChatError, match=r"did you mean vicuna-v1\.1"):
        get_chat_format("vicuna-v1")
    with pytest.raises(ChatError, match="there are chatml, "):
        get_chat_format("qqqqqq")
