"""serving/serve turns variables into flags by the rules of AWS's images, whatever the values are."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import recording_engine
from adapterkit import ADAPTERS, NAMES, project, render
from hypothesis import given
from hypothesis import strategies as st


def load(name: str) -> SimpleNamespace:
    """Return the rendered serve as a module that was not started."""
    space: dict[str, Any] = {"__name__": "serve", "__file__": "/opt/mcc/serve"}
    exec(compile(render(f"serving/{NAMES['serve']}", project(name)), "serve", "exec"), space)
    return SimpleNamespace(**space)


SERVE = {name: load(name) for name in ADAPTERS}
TABLES = json.loads(recording_engine.OPTIONS.read_text(encoding="utf-8"))
HOSTILE = [
    "plain",
    "two words",
    'it\'s "quoted"',
    "$(touch /tmp/mcc-owned) `id` ${HOME}",
    "; rm -rf / #",
    "Zürich 模型 🚀",
    "--trust-remote-code",
    "-1",
    "-",
    "=",
    "a=b",
    "{% for m in messages %}{{ m }}{% endfor %}",
    "{not json}",
    "[not json",
    " true-ish ",
    "*",
    "\\n",
]


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize("name", ADAPTERS)
def test_a_hostile_value_arrives_at_the_engine_as_it_was_typed(name: str, value: str) -> None:
    view = project(name)
    words = SERVE[name].flags({view["env_prefix"] + "CHAT_TEMPLATE": value})
    parser = recording_engine.parser_for(view["adapter"], view["framework_version"])
    assert vars(parser.parse_args(words)) == {"chat_template": value}


@given(
    value=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), name=st.sampled_from(ADAPTERS)
)
def test_any_value_is_a_bare_flag_or_nothing_or_one_token_or_a_json_array(value: str, name: str) -> None:
    view = project(name)
    words = SERVE[name].flags({view["env_prefix"] + "CHAT_TEMPLATE": value})
    flag = "--chat-template" if view["flag_style"] == "dashes" else "--chat_template"
    if value.strip().lower() == "false":
        assert words == []
    elif value == "" or value.strip().lower() == "true":
        assert words == [flag]
    elif view["adapter"] == "vllm" and value.strip().startswith("[") and words[1:] != [value]:
        assert len(words) == (len(json.loads(value)) + 1 if json.loads(value) else 0)
    else:
        assert words in ([flag, value], [f"{flag}={value}"])


def sample(takes: str) -> tuple[str, Any]:
    """Return a value for an option of that kind, and what the engine must understand."""
    return {
        "switch": ("true", True),
        "switch and --no-switch": ("true", True),
        "values": ('["a=/x y", "b=/z"]', ["a=/x y", "b=/z"]),
        "int": ("-1", -1),
        "float": ("0.85", 0.85),
        "json": ('{"a": "b c"}', {"a": "b c"}),
        "value": ("some value", "some value"),
        "anything": ("some value", "some value"),
    }[takes]


@pytest.mark.parametrize("name", ADAPTERS)
def test_every_option_of_every_release_can_be_set_by_its_variable(name: str) -> None:
    view = project(name)
    table = TABLES[view["adapter"]]
    order = table["releases"]
    for release in order:
        parser = recording_engine.parser_for(view["adapter"], release)
        for flag, row in table["options"].items():
            if row.get("since") and order.index(release) < order.index(row["since"]):
                continue
            if row.get("removed_in") and order.index(release) >= order.index(row["removed_in"]):
                continue
            variable = view["env_prefix"] + flag[2:].replace("-", "_").upper()
            if variable in SERVE[name].OURS or variable in SERVE[name].MODEL_NAMES:
                continue
            text, meaning = sample(row["takes"])
            if row["takes"] == "values" and view["adapter"] == "sglang":
                text, meaning = "a=/x", ["a=/x"]  # one token, as in AWS's SGLang image
            if flag == "--middleware":
                text, meaning = '["a"]', ['["a"]']  # vLLM takes one value per occurrence
            parsed = vars(parser.parse_args(SERVE[name].flags({variable: text})))
            assert list(parsed.values()) == [meaning], (release, flag)


@pytest.mark.parametrize(
    ("engine", "release", "flag"),
    [
        ("vllm", "0.30.0", "--swap-space=4"),
        ("vllm", "0.30.0", "--max-modle-len=1"),
        ("vllm", "0.30.0", "--max-model=1"),
        ("vllm", "0.30.0", "--no-disable-log-stats"),
        ("sglang", "0.5.20", "--cuda-graph-max-bs=8"),
        ("sglang", "0.5.19", "--no-disable-radix-cache"),
        ("tensorrt-llm", "1.2.1", "--max-seq-len=1"),
    ],
)
def test_the_stand_in_refuses_what_the_release_does_not_know(engine: str, release: str, flag: str) -> None:
    with pytest.raises(SystemExit):
        recording_engine.parser_for(engine, release).parse_args([flag])


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("true", ["--enforce-eager"]),
        ("True", ["--enforce-eager"]),
        (" TRUE ", ["--enforce-eager"]),
        ("", ["--enforce-eager"]),
        ("false", []),
        ("False", []),
        ("[]", []),
        ('["a","b"]', ["--enforce-eager", "a", "b"]),
        ('[{"name": "x", "path": "/y z"}]', ["--enforce-eager", '{"name":"x","path":"/y z"}']),
        ("[1, 2.5, true]", ["--enforce-eager", "1", "2.5", "true"]),
        ('{"a": [1, 2]}', ["--enforce-eager", '{"a": [1, 2]}']),
    ],
)
def test_vllm_values_follow_the_newest_aws_rule(value: str, words: list[str]) -> None:
    assert SERVE["vllm-upstream"].flags({"SM_VLLM_ENFORCE_EAGER": value}) == words


def test_vllm_keeps_the_arrays_that_the_engine_wants_whole() -> None:
    assert SERVE["vllm-upstream"].flags({"SM_VLLM_ALLOWED_ORIGINS": '["*"]'}) == ["--allowed-origins", '["*"]']


def test_sglang_keeps_every_array_whole_as_the_aws_image_does() -> None:
    assert SERVE["sglang-upstream"].flags({"SM_SGLANG_X": '["a","b"]'}) == ["--x", '["a","b"]']


def test_flags_come_in_the_order_of_their_names_and_other_variables_are_left_alone() -> None:
    env = {
        "SM_VLLM_DTYPE": "auto",
        "VLLM_USE_V1": "1",
        "SM_SGLANG_X": "1",
        "SM_VLLM_": "x",
        "SM_VLLM_BLOCK_SIZE": "16",
    }
    assert SERVE["vllm-upstream"].flags(env) == ["--block-size", "16", "--dtype", "auto"]


@pytest.mark.parametrize("name", ADAPTERS)
def test_host_and_port_are_sagemakers(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    prefix = project(name)["env_prefix"]
    assert SERVE[name].flags({prefix + "HOST": "127.0.0.1", prefix + "PORT": "9"}) == []
    assert f"{prefix}PORT is ignored" in capsys.readouterr().err


def run_with(name: str, monkeypatch: pytest.MonkeyPatch, folder: Path, env: dict[str, str]) -> list[str]:
    """Return the command line of a fresh serve whose model folder is `folder`."""
    serve = load(name)
    monkeypatch.setitem(serve.command.__globals__, "MODEL_DIR", str(folder))
    words: list[str] = serve.command(env)
    return words


def test_vllm_takes_the_model_from_variable_folder_hub_id_in_this_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    env = {"SM_VLLM_MODEL": "a/b", "HF_MODEL_ID": "c/d"}
    head = ["vllm", "serve"]
    tail = ["--host", "0.0.0.0", "--port", "8080"]
    assert run_with("vllm-upstream", monkeypatch, tmp_path, env) == [*head, "a/b", *tail]
    assert run_with("vllm-upstream", monkeypatch, tmp_path, {"HF_MODEL_ID": "c/d"}) == [*head, "c/d", *tail]
    (tmp_path / "config.json").write_text("{}")
    assert run_with("vllm-upstream", monkeypatch, tmp_path, {"HF_MODEL_ID": "c/d"}) == [*head, str(tmp_path), *tail]


def test_sglang_ignores_hf_model_id_as_the_aws_image_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit, match="set SM_SGLANG_MODEL_PATH, or"):
        run_with("sglang-upstream", monkeypatch, tmp_path, {"HF_MODEL_ID": "c/d"})
    (tmp_path / "config.json").write_text("{}")
    words = run_with("sglang-upstream", monkeypatch, tmp_path, {})
    assert words[:5] == ["python3", "-m", "sglang.launch_server", "--model-path", str(tmp_path)]


@pytest.mark.parametrize("name", ADAPTERS)
def test_without_a_model_the_container_says_what_is_missing(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SystemExit, match="serve: no model: set SM_"):
        run_with(name, monkeypatch, tmp_path, {})


@pytest.mark.parametrize("name", ADAPTERS)
def test_a_model_that_looks_like_a_flag_is_refused(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    variable = SERVE[name].MODEL_NAMES[0]
    with pytest.raises(SystemExit, match="begins with a dash"):
        run_with(name, monkeypatch, tmp_path, {variable: "--config=/etc/x"})


@pytest.mark.parametrize("name", ADAPTERS)
@pytest.mark.parametrize("port", ["eighty", "-1", "80 80", "$(id)"])
def test_a_port_that_is_no_number_is_refused(name: str, port: str) -> None:
    env = {SERVE[name].MODEL_NAMES[0]: "a/b", "SAGEMAKER_BIND_TO_PORT": port}
    with pytest.raises(SystemExit, match="SAGEMAKER_BIND_TO_PORT is no port"):
        SERVE[name].command(env)


def test_keys_and_tokens_never_reach_the_log() -> None:
    words = ["vllm", "--api-key", "k1", "k2", "--hf-token=-k3", "--max-num-batched-tokens", "99", "--dtype", "auto"]
    text = SERVE["vllm-upstream"].shown(words)
    assert not any(secret in text for secret in ("k1", "k2", "k3"))
    assert "--max-num-batched-tokens 99 --dtype auto" in text
