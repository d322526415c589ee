"""The canonical dump: any data survive it in every YAML reader, and it is a fixed point."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from mcc_registry.errors import UsageError
from mcc_registry.loading.kinds import KINDS
from mcc_registry.loading.schemas import schema_for
from mcc_registry.loading.yaml_text import parse_yaml
from mcc_registry.registry import Registry
from mcc_registry.validate import LayerExistsError, init_layer, validate
from mcc_registry.validate.canonical import dump_canonical, rewrite, top_comment

TEXT = st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=40) | st.sampled_from(
    [
        "on",
        "0.10",
        "1e3",
        "~",
        "- a",
        "a: b",
        "a #b",
        "2026-01-01",
        "*",
        "a " * 80 + "z",
        "=",
        "<<",
        "0o7",
        "a\nb",
        "é\u2028",
    ]
)
SCALAR = (
    st.none()
    | st.booleans()
    | st.integers(-(10**12), 10**12)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
)
VALUE = st.recursive(SCALAR, lambda v: st.lists(v, max_size=3) | st.dictionaries(TEXT, v, max_size=3), max_leaves=12)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(TEXT, VALUE, max_size=4))
def test_any_settings_survive(data: dict[str, object]) -> None:
    text = dump_canonical({"kind": "regions", "partitions": data, "x": 1}, "regions")
    ours = parse_yaml(text, "x.yaml")
    assert ours.faults == []
    wanted = {"kind": "regions", "x": 1, **({"partitions": data} if data else {})}
    assert ours.data == wanted
    assert yaml.safe_load(text) == wanted
    assert dump_canonical(ours.data, "regions") == text


def test_order_quotes_and_comment() -> None:
    data = {"allow": {"regions": ["eu-*"]}, "reason": "yes", "kind": "policy", "contact": None}
    assert dump_canonical(data, "policy", comment=["ours"]) == (
        "# yaml-language-server: $schema=.schemas/policy.json\n"
        "# ours\n"
        "kind: policy\n"
        'reason: "yes"\n'
        "allow:\n"
        "  regions:\n"
        '    - "eu-*"\n'
    )
    assert top_comment("# yaml-language-server: x\n# ours\n#\n# more\nkind: policy\n# not this\n") == [
        "ours",
        "",
        "more",
    ]


def test_values_yaml_cannot_hold_are_refused() -> None:
    with pytest.raises(ValueError, match="not a value"):
        dump_canonical({"x": float("nan")}, "policy")


def test_rewrite_keeps_the_top_comment(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text("# why\nreason: cost\nkind: policy\nallow: {}\n")
    assert rewrite(path, "policy")
    assert path.read_text().splitlines()[1:] == ["# why", "kind: policy", "reason: cost", "allow: {}"]
    assert not rewrite(path, "policy")


@pytest.mark.parametrize("kind", KINDS)
def test_schemas_are_schemas(kind: str) -> None:
    schema = schema_for(kind)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["additionalProperties"] is False


def test_unknown_schema_kind_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean framework"):
        schema_for("framwork")


def test_example_layer_is_valid_loads_and_is_never_overwritten(tmp_path: Path) -> None:
    target = tmp_path / "ours"
    written = init_layer(target)
    assert validate([target], environ={}) == []
    registry = Registry.load(target, environ={})
    assert registry.layers[-1].name == "ours"
    for path in target.rglob("*.yaml"):
        kind = path.read_text().partition(".schemas/")[2].partition(".json")[0]
        schema = json.loads((target / ".schemas" / f"{kind}.json").read_text())
        jsonschema.Draft202012Validator(schema).validate(yaml.safe_load(path.read_text()))
    before = {path: path.read_bytes() for path in written}
    with pytest.raises(LayerExistsError, match="not empty"):
        init_layer(target)
    assert {path: path.read_bytes() for path in written} == before
