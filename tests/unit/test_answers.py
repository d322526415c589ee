"""Raw answers to a request: names, types and forms of design.md section 4, every problem at once."""

from __future__ import annotations

import copy
import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcc_registry import Request
from mcc_registry.answer_forms import model_kind
from mcc_registry.answers import parse_answers, parse_boolean, type_word
from mcc_registry.models.request import ANSWER_NAMES, DEFAULTS
from tests.unit.core_kit import TOKEN

TABLE = {
    "project_name": "", "framework": "transformers", "model_server": None, "model_name": None, "model_revision": "auto",
    "model_format": None, "framework_version": "recommended", "framework_profile": "default",
    "model_profile": "default", "image_source": "recommended", "chat_template": "auto", "instance_type": "auto",
    "inference_ami_version": "auto", "region": "us-east-1", "role_arn": "", "s3_bucket": "", "hf_token_secret_arn": "",
    "deployment_target": "realtime", "env_vars": {}, "include_sample": None, "offline": False,
    "validate_env_vars": True, "validate_with_docker": False, "registry_path": "",
}  # fmt: skip
"""The answers and defaults of design.md section 4; None where the default depends on another answer."""


def problems(**raw: Any) -> list[tuple[str, str | None]]:
    return [(f.code, f.field) for f in parse_answers(raw)[1]]


def test_every_answer_has_its_name_and_default() -> None:
    assert DEFAULTS == TABLE
    assert tuple(TABLE) == ANSWER_NAMES
    request, findings = parse_answers({})
    assert (request, findings) == (Request(given=frozenset()), [])
    assert request.to_json() == {
        **TABLE,
        "model_server": "vllm",
        "model_name": "Qwen/Qwen3-4B",
        "include_sample": False,
    }


@pytest.mark.parametrize(
    ("framework", "server", "form"),
    [("sklearn", "fastapi", "pkl"), ("xgboost", "fastapi", "json"), ("tensorflow", "fastapi", "keras")],
)
def test_defaults_of_predictive_frameworks(framework: str, server: str, form: str) -> None:
    request, findings = parse_answers({"framework": framework})
    assert findings == []
    assert (request.effective_model_server, request.effective_model_format) == (server, form)
    assert request.effective_model_name is None
    assert request.effective_include_sample is True
    assert request.framework_id == framework
    assert Request().framework_id == "vllm" and Request(model_server="lmi").framework_id == "lmi"
    assert Request(framework=framework, include_sample=False).effective_include_sample is False


@pytest.mark.parametrize("word", ["true", "yes", "1", "TRUE", "Yes", " true ", True, 1])
def test_words_for_true(word: object) -> None:
    assert parse_boolean(word) is True
    assert parse_answers({"offline": word})[0].offline is True


@pytest.mark.parametrize("word", ["false", "no", "0", "No", False, 0])
def test_words_for_false(word: object) -> None:
    assert parse_boolean(word) is False
    assert parse_answers({"validate_env_vars": word})[0].validate_env_vars is False


@pytest.mark.parametrize("word", ["maybe", "on", "off", "y", "t", "", "2", 2, 1.0, 0.0, [True], {"a": 1}, "truee"])
@pytest.mark.parametrize("field", ["offline", "validate_env_vars", "validate_with_docker", "include_sample"])
def test_nothing_else_is_a_boolean(field: str, word: object) -> None:
    assert problems(**{field: word}) == [("MCC002", field)]


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.dictionaries(st.sampled_from(ANSWER_NAMES), st.none() | st.booleans() | st.text(max_size=30) | st.floats()))
def test_any_answers_give_a_request_and_change_nothing(raw: dict[str, Any]) -> None:
    before = copy.deepcopy(raw)
    request, findings = parse_answers(raw)
    assert repr(raw) == repr(before)
    assert isinstance(request, Request)
    assert all(f.severity == "error" and f.message and f.code.startswith("MCC") for f in findings)
    assert all("\n" not in f.message and f.message.isprintable() for f in findings)


@pytest.mark.parametrize("value", [0.3, 13, True, ["0.30.0"], {"a": 1}])
def test_text_is_never_guessed_from_numbers(value: object) -> None:
    """An unquoted 0.30 is the number 0.3: it must not become a version."""
    assert problems(framework_version=value) == [("MCC005", "framework_version")]
    _, findings = parse_answers({"framework_version": 0.3})
    assert findings[0].hint == 'quote it: framework_version: "0.3"'


def test_an_answer_that_is_null_is_not_answered() -> None:
    request, findings = parse_answers(dict.fromkeys(ANSWER_NAMES))
    assert findings == [] and request == Request(given=frozenset())


def test_all_problems_are_found_at_once() -> None:
    found = problems(
        offline="maybe",
        deployment_target="serverless",
        image_source="docker",
        framework_version=1,
        env_vars="{a: [",
        modle_name="x",
        project_name="-x",
        region="nowhere",
    )
    assert sorted(found) == [
        ("MCC001", "modle_name"),
        ("MCC002", "offline"),
        ("MCC003", "env_vars"),
        ("MCC004", "deployment_target"),
        ("MCC004", "image_source"),
        ("MCC005", "framework_version"),
        ("MCC007", "project_name"),
        ("MCC007", "region"),
    ]


def test_unknown_names_get_the_nearest_and_copiers_own_pass() -> None:
    _, findings = parse_answers({"modle_name": "x", "_commit": "abc", "zzz": 1, 3: "x"})  # type: ignore[dict-item]
    assert [(f.code, f.field) for f in findings] == [("MCC001", "modle_name"), ("MCC001", "zzz")]
    assert findings[0].hint == "did you mean model_name?"
    assert "framework" in findings[1].hint
    assert parse_answers({"old_question": 1}, also_known=["old_question"])[1] == []


def test_a_choice_gets_the_nearest() -> None:
    _, findings = parse_answers({"deployment_target": "real-time"})
    assert findings[0].hint == "did you mean realtime?"
    for target in ("realtime", "async", "batch"):
        assert parse_answers({"deployment_target": target}) == (
            Request(deployment_target=target, given=frozenset({"deployment_target"} - {"realtime"}))
            if target != "realtime"
            else Request(given=frozenset()),
            [],
        )


GOOD = {
    "project_name": ["a", "my-model", "A1", "a" * 40, "a--b", "a-" * 19 + "b2"],
    "model_name": [
        "gpt2",
        "Qwen/Qwen3-4B",
        "s3://bucket/prefix/",
        "s3://bucket/x.tar.gz",
        "./m",
        "/opt/m",
        "~/m",
        ".",
    ],
    "model_revision": ["main", "refs/pr/1", "0123abcd"],
    "framework_version": ["0.30.0", ">=0.28,<0.31", "~=0.29.0", "latest", "v0.30.0", "1.4.0rc1"],
    "instance_type": ["ml.g6.xlarge", "ml.p6-b200.48xlarge", "g5.xlarge"],
    "inference_ami_version": ["default", "al2023-ami-sagemaker-inference-gpu-4-1"],
    "region": ["eu-west-1", "us-gov-west-1", "cn-north-1", "ap-southeast-4", "us-iso-east-1"],
    "role_arn": ["arn:aws:iam::123456789012:role/Name", "arn:aws-cn:iam::123456789012:role/service-role/Name"],
    "s3_bucket": ["my-bucket", "my.bucket.1"],
    "hf_token_secret_arn": ["arn:aws:secretsmanager:us-east-1:123456789012:secret:hf-token-AbCdEf"],
}
BAD = {
    "project_name": [
        "-a",
        "a-",
        "a_b",
        "a" * 41,
        "a-" * 20 + "b",
        "a" + "-" * 39 + "b",
        "a b",
        "ä",
        "a\u202eb",
        "a/b",
    ],
    "model_name": [
        "a/b/c",
        "a b",
        "a..b",
        "s3://B/x",
        "s3://bucket/../x",
        "$(id)",
        "a--b",
        "x.git",
        "s3://bucket/*",
        "s3://bucket/a?/",
        "s3://buck*/a",
        "./x:/etc",
        "/x:ro",
        "~/a:b",
    ],
    "model_revision": ["-x", "a b", "a;b"],
    "framework_version": ["0.30.0;id", "0.30.0/x", "$X", "ü"],
    "instance_type": ["ml.g6 xlarge", "ml.g6.xlarge;", "ml_g6"],
    "inference_ami_version": ["a b", "-x"],
    "region": ["us-east", "US-EAST-1", "us-east-1;", "useast1"],
    "role_arn": ["arn:aws:iam::12:role/x", "Name", "arn:aws:iam::123456789012:user/x"],
    "s3_bucket": ["s3://my-bucket", "My-Bucket", "my-bucket/x", "a"],
    "hf_token_secret_arn": ["my-token", "arn:aws:secretsmanager:us-east-1:123456789012:parameter:x"],
}


@pytest.mark.parametrize(("field", "value"), [(f, v) for f, values in GOOD.items() for v in values])
def test_good_forms_are_kept_as_they_are(field: str, value: str) -> None:
    request, findings = parse_answers({field: value})
    assert findings == [] and getattr(request, field) == value
    assert request.is_given(field) is (value != "Qwen/Qwen3-4B")  # that one is the default


@pytest.mark.parametrize(("field", "value"), [(f, v) for f, values in BAD.items() for v in values])
def test_bad_forms_are_refused_with_a_hint_and_the_default_stands_in(field: str, value: str) -> None:
    request, findings = parse_answers({field: value})
    assert [f.field for f in findings] == [field]
    assert findings[0].code in ("MCC007", "MCC009") and findings[0].hint
    assert getattr(request, field) == DEFAULTS[field]


@pytest.mark.parametrize("bad", ["a\nb", "a\x00b", "a\x1b[31mb", "a\u202eb", "a\u200bb"])
@pytest.mark.parametrize("field", ["model_name", "chat_template", "registry_path", "project_name", "framework"])
def test_invisible_characters_are_refused_and_not_repeated(field: str, bad: str) -> None:
    _, findings = parse_answers({field: bad})
    assert [f.code for f in findings] == ["MCC009"]
    assert findings[0].message.isprintable()


def test_long_text_is_refused() -> None:
    assert problems(registry_path="/" + "a" * 1023) == []
    assert problems(registry_path="/" + "a" * 1024) == [("MCC008", "registry_path")]


def test_blanks_around_text_do_not_count() -> None:
    assert parse_answers({"model_name": " Qwen/Qwen3-4B "})[0].model_name == "Qwen/Qwen3-4B"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("gpt2", "hub"), ("org/name", "hub"), ("org/na.me_1-x", "hub"), ("s3://bucket/x", "s3"), ("s3://bucket", "s3"),
        ("./x", "local"), ("../x", "local"), ("/x", "local"), ("~/x", "local"), (".", "local"), ("..", "local"),
        ("org/name/more", None), ("org/na..me", None), ("org/name.git", None), ("or--g/name", None), ("", None),
        ("s3://x", None), ("https://huggingface.co/org/name", None), ("a" * 97, None), ("-org/name", None),
    ],
)  # fmt: skip
def test_kind_of_a_model_name(name: str, kind: str | None) -> None:
    assert model_kind(name) == kind


def test_env_vars_are_a_mapping_or_the_text_of_one() -> None:
    for value in (
        {"max_model_len": 8192},
        "{max_model_len: 8192}",
        '{"max_model_len": 8192}',
        "max_model_len: 8192\n",
    ):
        request, findings = parse_answers({"env_vars": value})
        assert findings == [] and list(request.env_vars) == ["max_model_len"]
        assert str(request.env_vars["max_model_len"]) == "8192"
    for nothing in ("", {}, None, "# nothing\n", "null"):
        assert parse_answers({"env_vars": nothing}) == (Request(given=frozenset()), [])


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("{a: [", "MCC003"), ("a: 1\na: 2", "MCC003"), ("&a {x: *a}", "MCC003"), ("- a", "MCC005"), ("text", "MCC005"),
        ([1], "MCC005"), (3, "MCC005"), ("a: " + "x" * 65536, "MCC008"), ({"a b": 1}, "MCC007"), ({"1a": 1}, "MCC007"),
        ({"": 1}, "MCC007"), ({"a" * 129: 1}, "MCC007"), ({3: 1}, "MCC007"), ({"a-b": 1}, "MCC007"),
        ({"X": float("nan")}, "MCC005"), ({"X": float("inf")}, "MCC005"), ({"X": 2**64}, "MCC005"),
        pytest.param({"X": [{"a": 10**5000}]}, "MCC005", id="huge"), ({"X": datetime.date(2026, 1, 1)}, "MCC005"), ({"X": {1: 2}}, "MCC005"),
    ],
)  # fmt: skip
def test_what_is_no_mapping_of_settings_is_refused(value: Any, code: str) -> None:
    request, findings = parse_answers({"env_vars": value})
    assert [(f.code, f.field) for f in findings] == [(code, "env_vars")]
    assert request.env_vars == {}


def test_deeply_nested_values_are_refused() -> None:
    value: Any = "x"
    for _ in range(60):
        value = [value]
    assert problems(env_vars={"X": value}) == [("MCC005", "env_vars")]


def test_good_names_survive_beside_bad_ones() -> None:
    request, findings = parse_answers({"env_vars": {"NCCL_DEBUG": "INFO", "a b": 1, "_X": None, "A" * 128: 1}})
    assert len(findings) == 1 and list(request.env_vars) == ["NCCL_DEBUG", "_X", "A" * 128]


@pytest.mark.parametrize("field", [n for n in ANSWER_NAMES if n != "env_vars"])
def test_a_token_is_refused_everywhere_and_never_repeated(field: str) -> None:
    _, findings = parse_answers({field: TOKEN})
    assert findings and all(TOKEN not in f.message + f.hint + str(f.field) for f in findings)
    _, findings = parse_answers({TOKEN: "x"})
    assert findings and all(TOKEN not in f.message + f.hint + str(f.field) for f in findings)


def test_given_is_what_differs_from_the_default_or_was_said_explicitly() -> None:
    raw = {"model_name": "Qwen/Qwen3-4B", "region": "us-east-1", "instance_type": "ml.g5.xlarge"}
    assert parse_answers(raw)[0].given == {"instance_type"}
    assert parse_answers(raw, explicit=["region"])[0].given == {"instance_type", "region"}
    assert parse_answers({"framework": "sklearn", "model_server": "fastapi", "include_sample": True})[0].given == {
        "framework"
    }
    assert Request(region="eu-west-1").is_given("region") and not Request().is_given("region")
    assert not Request(region="eu-west-1", given=frozenset()).is_given("region")


def test_words_for_yaml_values() -> None:
    values = [True, 1, 1.5, "x", {}, [], None, datetime.date(2026, 1, 1)]
    assert [type_word(v) for v in values] == [
        "the yes/no value", "the number", "the number", "the text", "a mapping", "a list", "empty", "a date",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["s3://bucket/*", "s3://bucket/a?b/", "s3://bucket*"])
def test_a_wildcard_in_a_location_is_refused_with_its_reason(name: str) -> None:
    """deploy/execution-policy.json would allow arn:aws:s3:::bucket/*/*."""
    (found,) = parse_answers({"model_name": name})[1]
    assert found.code == "MCC007" and "the bucket" in found.message and "wildcards" in found.hint


@pytest.mark.parametrize("name", ["./x:/etc", "../a:b", "/m:ro", "~/a:b"])
def test_a_folder_with_a_colon_is_refused_with_its_reason(name: str) -> None:
    """do/run would mount it elsewhere."""
    (found,) = parse_answers({"model_name": name})[1]
    assert found.code == "MCC007" and "docker run --volume" in found.message
