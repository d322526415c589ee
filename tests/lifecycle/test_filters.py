"""hooks/filters.py: hostile values come out of a shell, a JSON and a YAML parser as they went in."""

from __future__ import annotations

import json
import subprocess

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hooks import filters

HOSTILE = [
    "",
    "plain",
    "it's",
    "'; rm -rf / #",
    '"double" $HOME `id` $(id) \\ \\n',
    "a\nb\r\nc\td",
    "-n -e --help",
    "}${x}{{ 7*7 }}{% raw %}",
    "*?[a-z]~!^&|<>;()",
    "snowman \u2603 emoji \U0001f600 nbsp\u00a0 nel\u0085 ls\u2028 bom\ufeff",
    "trailing backslash \\",
    "\u202eright to left",
    "# comment",
    "a: b",
    "null",
    "1e5",
]
NO_BREAKS = [v for v in HOSTILE if not any(c in v for c in "\n\r\u0085\u2028")]


@pytest.mark.parametrize("shell", ["dash", "bash"])
def test_a_shell_reads_the_very_same_words(shell: str) -> None:
    script = "".join(f"printf '%s\\0' {filters.sh_quote(v)}\n" for v in HOSTILE)
    out = subprocess.run([shell], input=script.encode(), capture_output=True, check=True).stdout
    assert out.decode().split("\0")[:-1] == HOSTILE


def test_numbers_booleans_and_null_are_shell_words() -> None:
    assert [filters.sh_quote(v) for v in (None, True, False, 7, 0.5)] == ["''", "'true'", "'false'", "'7'", "'0.5'"]


def test_a_nul_is_refused_in_a_shell_word() -> None:
    with pytest.raises(ValueError, match="NUL"):
        filters.sh_quote("a\0b")


@pytest.mark.parametrize("name", ["sh", "json", "dockerfile", "env_line", "md", "md_code"])
def test_an_undefined_variable_is_never_rendered_as_an_empty_word(name: str) -> None:
    from jinja2 import Undefined

    with pytest.raises(TypeError):
        filters.FILTERS[name](Undefined(name="p"))


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(plain, st.sampled_from([None, 2]))
def test_json_means_the_same_to_a_json_and_a_yaml_parser(value: object, indent: int | None) -> None:
    text = filters.to_json(value, indent)
    assert json.loads(text) == value
    assert yaml.safe_load("k: " + filters.to_json(value)) == {"k": value}


def test_json_keeps_the_order_and_indents() -> None:
    assert filters.to_json({"b": [1, {"a": {}}], "a": []}, 2) == json.dumps({"b": [1, {"a": {}}], "a": []}, indent=2)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_json_refuses_numbers_that_json_does_not_have(bad: float) -> None:
    with pytest.raises(ValueError):
        filters.to_json([bad])


def test_json_refuses_keys_that_are_not_text() -> None:
    with pytest.raises(TypeError):
        filters.to_json({1: 2})


def read_dockerfile_word(text: str) -> str:
    """A double-quoted Dockerfile word as BuildKit's shell lexer reads it (escape character: backslash)."""
    assert text[0] == text[-1] == '"'
    body, out, i = text[1:-1], [], 0
    while i < len(body):
        assert body[i] not in '"$', "the word ends or expands too early"
        if body[i] == "\\" and i + 1 < len(body) and body[i + 1] in '"$\\':
            i += 1
        out.append(body[i])
        i += 1
    return "".join(out)


@pytest.mark.parametrize("value", [v for v in NO_BREAKS if "\t" not in v])
def test_a_dockerfile_value_is_not_expanded(value: str) -> None:
    assert read_dockerfile_word(filters.dockerfile_quote(value)) == value


@pytest.mark.parametrize("value", ["a\nRUN id", "a\rb", "a\u2028b", "a\0b", "a\x1bb"])
def test_a_dockerfile_value_has_no_line_breaks(value: str) -> None:
    with pytest.raises(ValueError):
        filters.dockerfile_quote(value)


@pytest.mark.parametrize("value", ["a\nB=1", "a\rB=1", "a\u0085b", "a\0", "x" * 1025])
def test_container_env_refuses_what_it_cannot_hold(value: str) -> None:
    with pytest.raises(ValueError):
        filters.env_line(value)


def test_container_env_keeps_everything_else() -> None:
    assert filters.env_line('{"a": "b # c"}') == '{"a": "b # c"}'


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("Qwen/Qwen3-4B", "Qwen/Qwen3-4B"),
        ("<script>x</script>", "&lt;script&gt;x&lt;/script&gt;"),
        ("a|b\nc", r"a\|b c"),
        ("[x](http://e)", r"\[x\](http\://e)"),
        ("![i](u) `c` *b* _i_", r"\!\[i\](u) \`c\` \*b\* \_i\_"),
        ("# title", r"\# title"),
        ("- item", r"\- item"),
        ("1. item", r"1\. item"),
        ("a@b.example", r"a\@b.example"),
    ],
)
def test_markdown_shows_the_value_as_text(value: str, shown: str) -> None:
    assert filters.md_escape(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [("a_b", "`a_b`"), ("a`b", "``a`b``"), ("`", "`` ` ``"), ("a|b", r"<code>a\|b</code>"), ("", "")],
)
def test_a_code_span_cannot_be_left(value: str, shown: str) -> None:
    assert filters.md_code(value) == shown
