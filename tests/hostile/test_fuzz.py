"""Any input ends in a value or a finding: committed seeds, values made by hypothesis, random changes of the seeds.

``MCC_FUZZ_SECONDS=600 pytest -m slow tests/hostile/test_fuzz.py`` looks for that long, from another start each time; without
it the run is short and always the same. What fails is shown whole: put it into ``seeds.json``, below its target.
"""

from __future__ import annotations

import os
import random
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .hostilekit import bounded
from .targets import TARGETS, seeds

SECONDS = float(os.environ.get("MCC_FUZZ_SECONDS", "0"))
CHANGED = {"layer": 30, "lock": 12, "words": 60, "answers_file": 40, "conversation": 40}
"""Random changes tried of each target in an ordinary run; 400 of those that are not named."""

PIECES = (
    b"\0", b"\xff", b"\n", b"\r", b"\t", b"\x1b[31m", b"\xef\xbb\xbf", b"\xe2\x80\xae", b"\xed\xa0\x80", b"\xe2\x80\xa8", b"'", b'"', b"{", b"}",
    b"[", b"]", b":", b": ", b"- ", b"? ", b"*a", b"&a ", b"!!x ", b"<<: ", b"#", b"|", b">", b"%", b"null", b"true", b"0", b"-1", b"1e999", b".inf",
    b".nan", b"9" * 30, b"9" * 5000, b"0x10", b"1_0", b"{{", b"{%", b"$(", b"`", b"..", b"/", b"~", b"--", b"=", b",", b"<", b">=", b"!", b"==", b"*",
    b" " * 50, b"a" * 300,
)  # fmt: skip


def changed(data: bytes, chance: random.Random) -> bytes:
    """The bytes with a few pieces cut out, repeated, put in or turned."""
    for _ in range(chance.randint(1, 4)):
        at, length = chance.randint(0, len(data)), chance.choice((0, 1, 1, 2, 5, 20))
        put = chance.choice((chance.choice(PIECES), data[at : at + 10] * 2, bytes([chance.randrange(256)]), b""))
        data = data[:at] + put + data[at + length :]
    return data


@pytest.mark.parametrize("name", TARGETS)
def test_seeds_end_in_a_value_or_a_finding(name: str) -> None:
    for data in seeds(name):
        with bounded():
            TARGETS[name](data)


def run(name: str, data: bytes) -> None:
    with bounded():
        TARGETS[name](data)


TEXT = st.text(max_size=60) | st.text(st.characters(codec=None), max_size=20)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
JSON = st.recursive(
    SCALARS, lambda c: st.lists(c, max_size=4) | st.dictionaries(st.text(max_size=12), c, max_size=4), max_leaves=12
)
WORD = st.text("0123456789.<>=!~,*+-abrcpostdev v", max_size=30)
AT_ONCE = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@AT_ONCE
@given(st.sampled_from([n for n in TARGETS if n not in CHANGED]), TEXT | WORD)
def test_any_text_is_no_surprise(name: str, text: str) -> None:
    run(name, text.encode("utf-8", "surrogatepass"))


@AT_ONCE
@given(WORD | TEXT)
def test_any_version_is_no_surprise(text: str) -> None:
    run("version", text.encode("utf-8", "surrogatepass"))


@AT_ONCE
@given(st.text("ab*/A", max_size=12), st.text("abA/", max_size=14))
def test_any_pattern_matches_as_a_regular_expression_does(pattern: str, name: str) -> None:
    run("pattern", f"{pattern}\n{name}".encode())


CONFIG_KEYS = (
    "hidden_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads", "head_dim", "vocab_size", "model_type",
    "architectures", "max_position_embeddings", "sliding_window", "layer_types", "torch_dtype", "dtype", "text_config", "num_local_experts",
    "intermediate_size", "quantization_config", "kv_lora_rank", "qk_rope_head_dim", "rope_scaling", "full_attention_interval",
    "weight_bytes", "parameter_count", "dtype_counts", "commit", "config",
)  # fmt: skip
ODD_NUMBERS = st.sampled_from(
    [0, -1, 1, 2**31, 2**63, 10**30, 1.5, float("inf"), True, "7", None, [], {}, [1], {"a": 1}]
)


@AT_ONCE
@given(st.dictionaries(st.sampled_from(CONFIG_KEYS), ODD_NUMBERS | st.integers(1, 9999) | JSON, max_size=14))
def test_any_configuration_of_a_model_is_no_surprise(config: dict[str, object]) -> None:
    """What the Hub says of a model, with absurd numbers and types: a plan, whatever it says."""
    import json

    run("recorded", json.dumps(config).encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize("name", TARGETS)
def test_changed_seeds_end_in_a_value_or_a_finding(name: str) -> None:
    """The same few random changes in every run."""
    chance = random.Random(name)
    start = seeds(name)
    for _ in range(CHANGED.get(name, 400) // 4):
        run(name, changed(chance.choice(start), chance))


@pytest.mark.slow
@pytest.mark.parametrize("name", TARGETS)
def test_changed_seeds_for_a_while(name: str) -> None:
    """More of them; with MCC_FUZZ_SECONDS from another start each time, and on top of each other."""
    start, number = seeds(name), 0
    chance = random.Random(None if SECONDS else f"{name} slow")
    end = time.monotonic() + SECONDS / len(TARGETS)
    while number < CHANGED.get(name, 400) or time.monotonic() < end:
        number += 1
        data = changed(chance.choice(start), chance)
        if SECONDS and chance.random() < 0.1:
            start.append(data)
        try:
            run(name, data)
        except BaseException:
            print(f"{name} in seeds.json lacks this input: {data!r}")
            raise
