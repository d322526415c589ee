"""A secret, wherever it was written by mistake, is refused and stands in nothing that is shown or written."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from mcc_registry.models.request import ANSWER_NAMES
from mcc_registry.secrecy import holds_secret, looks_secret, without_secrets
from tests.cli.invoke import invoke

ROOT = Path(__file__).resolve().parents[2]

SECRETS = {
    "hugging-face": "hf_" + "aBcDeFgHiJkLmNoPqRsTuVwXyZ0123",
    "github": "ghp_" + "aB1cD2eF3gH4iJ5kL6mN7oP8qR9sT0uV1wX2",
    "github-oauth": "gho_" + "aB1cD2eF3gH4iJ5kL6mN7oP8qR9sT0uV1wX2",
    "github-fine-grained": "github_pat_" + "11ABCDEFG0aBcDeFgHiJkLmNoPqRsT",
    "gitlab": "glpat-" + "aB1cD2eF3gH4iJ5kL6mN",
    "jwt": "eyJ" + "hbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxMjM0NTY3ODkwIn0." + "dozjgNryP4J3jVmNHl0w5N",
    "slack": "xoxb-" + "123456789012-abcdefABCDEF",
    "aws-key-id": "AKIA" + "ABCDEFGHIJKLMNOP",
    "aws-session-key-id": "ASIA" + "ABCDEFGHIJKLMNOP",
    "aws-secret-key": "wJalrXUtnFEMI/K7MDENG/" + "bPxRfiCYEXAMPLEKEY",
    "openai": "sk-" + "proj-abcdefghij_klmnopqr-stuvwx",
    "openai-old": "sk-" + "abcdefghijklmnopqrstuvwx",
    "anthropic": "sk-ant-" + "api03-abcdefghij_klmnop",
    "nvidia": "nvapi-" + "abcdefghijklmnopqrstuvwx",
    "google": "AIza" + "SyA1234567890abcdefghijklmnopqrstuv",
    "private-key": "-----BEGIN " + "RSA PRIVATE KEY-----MIIEabc",
    "login": "https://user:" + "pa55w0rdX@proxy.corp:8080/x",
}
"""Of the form of a secret, and none; the constants are split so that no scanner of repositories takes them for one."""

WORD = "hunter2hunter"
"""No form gives this away; its name does."""

THOROUGH = ("hugging-face", "login")
"""Those that are tried in every answer; the others take the same way."""

NAMES = [
    "HF_TOKEN", "hf_token", "DB_PASSWORD", "PGPASSWORD", "MYSQL_PWD", "MY_SECRET", "CLIENT_SECRET", "OPENAI_API_KEY", "apiKey",
    "X_CREDENTIALS", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "SIGNING_KEY", "API_KEY_1", "HF_TOKEN_VALUE", "Authorization",
]  # fmt: skip

HARMLESS: list[tuple[str, Any]] = [
    ("max_num_batched_tokens", 8192), ("MAX_NUM_BATCHED_TOKENS", "8192"), ("tokenizer", "Qwen/Qwen3-4B"),
    ("TOKENIZERS_PARALLELISM", "false"), ("HF_TOKEN_PATH", "/opt/ml/token"), ("AWS_WEB_IDENTITY_TOKEN_FILE", "/var/run/token"),
    ("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1"), ("GOOGLE_APPLICATION_CREDENTIALS", "/opt/ml/gcp.json"),
    ("hf_token_secret", "arn:aws:secretsmanager:us-east-1:123456789012:secret:hf-token-a1B2c3"),
    ("DB_SECRET", "arn:aws:secretsmanager:us-east-1:123456789012:secret:team/password-a1B2c3"),
    ("MODEL_URI", "s3://bucket/keys/secret/token=1/model"), ("REVISION", "1cfa9a7208912126459214e8b04321603b3df60c"),
    ("MODEL_KEY", "1cfa9a7208912126459214e8b04321603b3df60c"), ("MODEL", "mistralai/Mixtral-8x7B-Instruct-v0.1"),
    ("MODEL", "org/sk-llama-3-8b-instruct-sft-v2"), ("MODEL", "/opt/ml/model/Qwen3Model4BInstructFP8xxx"),
    ("PROXY", "https://proxy.corp:8080/path"), ("GIT", "ssh://git@github.com/org/repo"),
    ("hf_overrides", {"eos_token": "</s>", "pad_token_id": 0, "architectures": ["LlamaForCausalLM"]}),
    ("speculative_config", '{"method":"ngram","num_speculative_tokens":4}'), ("AUTHOR", "me"), ("KEYWORDS", "a b"),
    ("MAX_TOKENS", "4096"), ("TOKEN_BUDGET", "4096"), ("USE_AUTH", True), ("ENABLE_TOKEN", "false"), ("PASSWORDLESS", "yes"),
    ("IMAGE", "763104351884.dkr.ecr.us-east-1.amazonaws.com/vllm@sha256:" + "ab12" * 16), ("ssl_keyfile", "/opt/ml/certs/server.pem"),
    ("KMS_KEY_ID", "1234abcd-12ab-34cd-56ef-1234567890ab"), ("S3_KEY", "models/llama/v1/model-00001.tar.gz"),
    ("KMS_KEY_ARN", "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"),
    ("CACHE_KEY", "my-cache-key-for-the-model-7b-v2"), ("ENDPOINT_KEY", "https://keys.example/v1/some/long/address/7"),
    ("CHAT", "the password is asked for later"), ("NOTE", "basic authentication"), ("HF_TOKEN", ""), ("HF_TOKEN", None),
]  # fmt: skip


def shown_part(kind: str) -> str:
    """What must stand nowhere."""
    return {"private-key": "MIIEabc", "login": "pa55w0rdX"}.get(kind, SECRETS[kind])


@pytest.mark.parametrize("kind", SECRETS)
def test_forms_are_recognised_and_taken_out(kind: str) -> None:
    for text in (SECRETS[kind], f"before {SECRETS[kind]} after", f'{{"a": "{SECRETS[kind]}"}}', f"x={SECRETS[kind]}"):
        assert holds_secret(text) and looks_secret("ANYTHING", text), text
        assert shown_part(kind) not in without_secrets(text)
    assert without_secrets(f"{SECRETS[kind]}").count("(not shown)") == 1


@pytest.mark.parametrize("name", NAMES)
def test_names_are_recognised(name: str) -> None:
    assert looks_secret(name, WORD) and looks_secret("hf_overrides", {"a": [{name: WORD}]})
    assert looks_secret("TEXT", f'{{"{name}": "{WORD}"}}') or name in ("MYSQL_PWD", "X_CREDENTIALS", "SIGNING_KEY", "API_KEY_1", "HF_TOKEN_VALUE", "Authorization")  # fmt: skip


@pytest.mark.parametrize(("name", "value"), HARMLESS, ids=[f"{n}={str(v)[:24]}" for n, v in HARMLESS])
def test_what_only_resembles_a_secret_passes(name: str, value: Any) -> None:
    assert not looks_secret(name, value)
    assert without_secrets(str(value)) == str(value)


@pytest.mark.parametrize(
    "part",
    [
        "sk-",
        "eyJ-",
        "xoxb-",
        "hf_-",
        "bearer ",
        "://a:",
        "a:/b:",
        "?sig=",
        "password=",
        "A1b",
        "-----BEGIN PRIVATE KEY-----",
    ],
)
def test_long_texts_take_no_time(part: str) -> None:
    """A form must not be tried from every place to the end: 60000 characters take a moment, not a minute."""
    text = part * (60_000 // len(part))
    begin = time.process_time()
    holds_secret(text)
    without_secrets(text)
    looks_secret("MY_KEY", text)
    assert time.process_time() - begin < 5


def test_the_shipped_registries_resemble_no_secret() -> None:
    """Every text of every registry file, so that no form is too wide for real data."""

    def walk(value: Any) -> list[str]:
        if isinstance(value, dict):
            return [t for k, v in value.items() for t in (str(k), *walk(v))]
        return [t for v in value for t in walk(v)] if isinstance(value, list) else [str(value)]

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    for path in sorted((ROOT / "registries").rglob("*.yaml")):
        texts = walk(yaml.load(path.read_text(encoding="utf-8"), loader))
        assert [t for t in texts if holds_secret(t)] == [], path


def run(*words: str) -> str:
    """What a command shows; it must refuse."""
    done = invoke(*words)
    assert done.code != 0, words
    text = done.out + done.err
    assert "Traceback" not in text and "internal error" not in text
    return text


@pytest.mark.parametrize("kind", SECRETS)
def test_no_answer_repeats_a_secret(kind: str, tmp_path: Path) -> None:
    """Every answer, in a file and as a flag, as text and in lists and mappings, as name and as value."""
    secret, hidden, file = SECRETS[kind], shown_part(kind), tmp_path / "answers.yml"
    for field in ANSWER_NAMES if kind in THOROUGH else ("env_vars", "model_name", "offline"):
        values: list[Any] = [{"a": {"b": [secret]}}, {secret: 1}] if field == "env_vars" else [secret, [secret]]
        for value in values:
            file.write_text(json.dumps({field: value}), encoding="utf-8")
            text = run(
                "resolve", "--format", "json", "--answers", str(file), *([] if field == "offline" else ["--offline"])
            )
            assert hidden not in text, field
            if field != "registry_path" and not isinstance(value, list):
                assert "MCC010" in text or field in ("offline", "validate_env_vars", "include_sample", "validate_with_docker"), field  # fmt: skip
    for written in (json.dumps({"my_thing": secret}), json.dumps({secret: 1}), f"a: {secret}: b", f"a: '{secret}\nb: [",
                    f"a: '{secret}'\na: '{secret}'\n", f"a: !x {secret}", json.dumps([secret])):  # fmt: skip
        file.write_text(written, encoding="utf-8")
        assert hidden not in run("resolve", "--offline", "--answers", str(file)), written
    for words in (["--env", f"X={secret}"], ["--env", f"max_model_len={secret}"], ["--env", secret], [f"--{secret}"], [secret],
                  ["--env-vars", json.dumps({"X": {"y": secret}})], ["--answers", secret], ["--region", secret]):  # fmt: skip
        assert hidden not in run("resolve", "--offline", *words), words


OTHERS = [
    ["fit"], ["models"], ["frameworks"], ["instances"], ["schema"], ["chat-template"], ["explain"], ["validate"], ["refresh"],
    ["inspect-image", "--offline"], ["diff", "nothing"], ["outdated", "--project"], ["export", "--project"],
    ["compat", "--instance-type", "ml.g5.xlarge", "--cuda"], ["compat", "--cuda", "12.8", "--instance-type"],
    ["compat", "--cuda", "12.8", "--instance-type", "ml.g5.xlarge", "--ami"], ["resolve", "--registry-path"], ["resolve", "--format"],
]  # fmt: skip


@pytest.mark.parametrize("kind", ["hugging-face", "anthropic", "login"])
def test_no_command_repeats_a_secret(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for words in OTHERS:
        for form in ([], ["--format", "json"]):
            assert shown_part(kind) not in run(*words, SECRETS[kind], "--offline", *form), words


@pytest.mark.parametrize("kind", SECRETS)
def test_a_layer_with_a_secret_is_refused_and_not_quoted(kind: str, tmp_path: Path) -> None:
    """As a value, a key, in broken YAML, in a setting: `validate` and every use of the layer say where, and not what."""
    secret, hidden = SECRETS[kind], shown_part(kind)
    head = 'kind: model_family\nid: ours\ntitle: Ours\nprovenance: {source: [x], checked: "2026-01-31", basis: assumed}\n'
    texts = {
        "value": f"{head}models:\n  - match: ours/one\n    settings:\n      served_model_name: '{secret}'\n",
        "note": f"{head}notes: see '{secret}'\nmodels:\n  - match: ours/one\n",
        "key": f"{head}'{secret}': 1\n",
        "syntax": f"{head}models: '{secret}\n  x: [",
        "type": f"{head}models: '{secret}'\n",
        "choice": f"kind: '{secret}'\nid: ours\n",
        "twice": f"{head}'{secret}': 1\n'{secret}': 1\n",
    }
    for name, text in texts.items():
        layer = tmp_path / name
        (layer / "models").mkdir(parents=True)
        (layer / "models" / "ours.yaml").write_text(text, encoding="utf-8")
        for words in (["validate", str(layer)], ["resolve", "--offline", "--registry-path", str(layer)]):
            for form in ([], ["--format", "json"]):
                shown = run(*words, *form)
                assert hidden not in shown and "ours.yaml" in shown, (name, words)


@pytest.mark.parametrize("name", ["HF_TOKEN", "DB_PASSWORD", "apiKey"])
def test_a_secret_known_by_its_name_is_not_repeated(name: str, tmp_path: Path) -> None:
    file = tmp_path / "answers.yml"
    for written in (
        json.dumps({name: WORD}),
        json.dumps({"env_vars": {name: WORD}}),
        json.dumps({"env_vars": {"hf_overrides": {"x": [{name: [WORD]}]}}}),
        json.dumps({"env_vars": {"hf_overrides": json.dumps({name: WORD})}}),
        json.dumps({"env_vars": json.dumps({"X": {name: WORD}})}),
    ):
        file.write_text(written, encoding="utf-8")
        for form in ([], ["--format", "json"]):
            text = run("resolve", "--offline", "--answers", str(file), *form)
            assert WORD not in text and "MCC010" in text, written


def test_two_locks_are_compared_without_secrets(tmp_path: Path) -> None:
    """Somebody wrote one into a lock by hand: `diff` says that it changed, and not what it is."""
    token = SECRETS["github"]
    old = {"lock_version": 1, "instance_type": "ml.g6.xlarge", "env_vars": {"X": {"value": "y"}}, "settings": {}}
    new = {
        **old,
        "env_vars": {"X": {"value": token}, "DB_PASSWORD": {"value": WORD}},
        "settings": {"api_key": {"value": WORD}},
    }
    for name, lock in (("old", old), ("new", new)):
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(lock))
    for form in ([], ["--format", "json"]):
        done = invoke("diff", str(tmp_path / "old.yaml"), str(tmp_path / "new.yaml"), *form)
        assert done.code == 0 and "DB_PASSWORD" in done.out and "(not shown)" in done.out, done.err
        assert WORD not in done.out + done.err and token not in done.out + done.err


def test_a_copy_with_secrets_writes_nothing_and_names_each(tmp_path: Path) -> None:
    """`copier copy` with a token in an answers file and in `--data`: one refusal, MCC010 for each, no value, no project."""
    template = tmp_path / "template"
    ignored = shutil.ignore_patterns(".git", ".venv", ".*_cache", "tests", "docs", "benchmarks", ".demo")
    shutil.copytree(ROOT, template, ignore=ignored)
    token, github = SECRETS["hugging-face"], SECRETS["github"]
    file = tmp_path / "answers.yml"
    file.write_text(
        yaml.safe_dump({"env_vars": {"HF_TOKEN": WORD, "hf_overrides": {"a": [token]}}, "my_key": github})
    )
    words = ["copy", "--trust", "--defaults", "--data-file", str(file), "--data", f"model_revision={github}", "--data", "offline=true"]  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "copier", *words, str(template), str(tmp_path / "project")],
        capture_output=True,
        text=True,
    )
    text = done.stdout + done.stderr
    assert done.returncode == 1 and "Traceback" not in text
    assert text.count("secret-in-answer [MCC010]") == 4, text
    assert not [s for s in (WORD, token, github) if s in text]
    assert not (tmp_path / "project").exists()
