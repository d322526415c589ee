"""The other commands: contracts, exit statuses, tables in 80 columns."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from mcc_registry import Registry

from .invoke import invoke

FIT_KEYS = {
    "fits", "required_gib", "available_gib", "weights_gib", "kv_cache_gib", "overhead_gib", "interval_gib",
    "tensor_parallel_size", "max_model_len", "max_num_seqs", "findings",
}  # fmt: skip
ROOT = Path(__file__).parents[2]


def test_compat_contract() -> None:
    ok = invoke("compat", "--cuda", "13.0", "--instance-type", "ml.g5.xlarge", "--format", "json")
    assert ok.code == 0 and ok.json["verdict"] == "ok"
    assert ok.json["inference_ami_version"] == "al2023-ami-sagemaker-inference-gpu-4-1"
    named = ("--ami", "al2-ami-sagemaker-inference-gpu-2")
    warning = invoke("compat", "--cuda", "13.0", "--instance-type", "ml.g5.xlarge", *named, "--format", "json")
    assert (warning.code, warning.json["verdict"], warning.json["inference_ami_version"]) == (0, "warning", named[1])
    for arguments in (
        ("--cuda", "13.0", "--instance-type", "ml.t2.micro"),
        ("--cuda", "13.0", "--instance-type", ""),
    ):
        error = invoke("compat", *arguments, "--format", "json")
        assert error.code == 1 and set(error.json) == {"verdict", "inference_ami_version", "findings", "confidence"}
        assert (error.json["verdict"], error.json["inference_ami_version"]) == ("error", None)
    assert "ml.t2.medium" in invoke("compat", "--cpu", "--instance-type", "ml.t2.micro").out


def fit(*arguments: str) -> object:
    return invoke("fit", *arguments, "--offline", "--format", "json")


def test_fit_contract_when_it_fits_does_not_and_is_unknown() -> None:
    yes = invoke("fit", "Qwen/Qwen3-4B", "--instance-type", "ml.g6.xlarge", "--offline", "--format", "json")
    assert yes.code == 0 and yes.json["fits"] is True and set(yes.json) >= FIT_KEYS
    assert yes.json["available_gib"] == pytest.approx(22888 / 1024 * 0.9, abs=0.01)
    low, high = yes.json["interval_gib"]
    assert low <= yes.json["required_gib"] <= high
    model = "meta-llama/Llama-3.3-70B-Instruct"
    no = invoke("fit", model, "--instance-type", "ml.g6.xlarge", "--offline", "--format", "json")
    assert no.code == 1 and no.json["fits"] is False and no.codes == ["MCC401"]
    assert "it fits ml." in no.json["findings"][0]["hint"] and no.json["findings"][0]["facts"]
    for arguments in (
        ("Qwen/Qwen3-4B", "--instance-type", "ml.m5.xlarge"),
        ("Qwen/Qwen3-4B", "--instance-type", "ml.inf2.xlarge"),
        ("nobody/nothing", "--instance-type", "ml.g5.xlarge"),
    ):
        unknown = invoke("fit", *arguments, "--offline", "--format", "json")
        assert unknown.code == 0 and unknown.json["fits"] is None and set(unknown.json) >= FIT_KEYS
        assert [f["severity"] for f in unknown.json["findings"]] == ["warning"]


def test_fit_respects_its_options() -> None:
    def required(*arguments: str) -> float:
        base = ("fit", "Qwen/Qwen3-8B", "--instance-type", "ml.g5.12xlarge", "--offline", "--format", "json")
        return float(invoke(*base, *arguments).json["required_gib"])

    assert required("--max-model-len", "2048") < required()
    assert required("--max-num-seqs", "8") > required("--max-num-seqs", "2")
    assert required("--quantization", "int4") < required()
    assert required("--kv-cache-dtype", "fp8") < required()
    base = ("fit", "Qwen/Qwen3-8B", "--instance-type", "ml.g5.12xlarge", "--offline", "--format", "json")
    assert invoke(*base).json["tensor_parallel_size"] == 4
    assert invoke(*base, "--tensor-parallel-size", "8").json["fits"] is False


def test_fit_without_a_type_ranks_all_cuda_types_by_price() -> None:
    result = invoke("fit", "Qwen/Qwen3-32B", "--offline", "--format", "json")
    rows = result.json["candidates"]
    prices = [r["price_usd_hour"] for r in rows]
    known = [p for p in prices if p is not None]
    assert prices[: len(known)] == sorted(known) and len(rows) > 40
    assert {r["fits"] for r in rows} >= {True, False}
    huge = invoke("fit", "Qwen/Qwen3-32B", "--offline", "--format", "json", "--max-num-seqs", "100000")
    assert huge.code == 1 and "MCC401" in huge.codes


def test_fit_of_wrong_names_is_a_finding_with_all_keys() -> None:
    for arguments in (
        ("Qwen/Qwen3-4B", "--instance-type", "ml.g6.xlarg"),
        ("a b", "--instance-type", "ml.g6.xlarge"),
        ("Qwen/Qwen3-4B", "--instance-type", "ml.g6.xlarge", "--model-server", "vlm"),
        ("Qwen/Qwen3-4B", "--instance-type", "ml.g6.xlarge", "--framework-version", "abc"),
    ):
        result = invoke("fit", *arguments, "--offline", "--format", "json")
        assert result.code == 1 and set(result.json) >= FIT_KEYS and result.json["fits"] is None, arguments
    assert invoke("fit", "a b", "--offline", "--format", "json").json["candidates"] == []


def test_lists_name_everything_and_unknown_names_suggest() -> None:
    assert len(invoke("instances", "--format", "json").json["instances"]) == 277

    assert {"vllm", "sklearn"} <= {f["name"] for f in invoke("frameworks", "--format", "json").json["frameworks"]}
    assert invoke("frameworks", "transformers", "--format", "json").json["frameworks"]
    assert any(f["family"] == "qwen3" for f in invoke("models", "--format", "json").json["models"])
    for command, name, near in (
        ("instances", "ml.g5.xlrge", "ml.g5.xlarge"),
        ("instances", "g5.xlarge", "ml.g5.xlarge"),
        ("frameworks", "vlm", "vllm"),
        ("models", "Qwen/Qwen3-5B", "Qwen/Qwen3-"),
    ):
        result = invoke(command, name, "--format", "json")
        assert result.code == 1 and near in result.json["findings"][0]["hint"]
        table = invoke(command, name)
        assert (table.code, table.out) == (1, "") and near in table.err


def test_memory_is_given_to_the_mib() -> None:
    """The whole numbers of the registry beside GiB rounded for people (facts/accelerators.md section 6: A10G 22888)."""
    registry = Registry.load(environ={})
    for row in invoke("instances", "--format", "json").json["instances"]:
        known = registry.instances[row["type"]]
        assert (row["memory_mib"], row["accelerator"]["memory_mib_each"]) == (
            known.memory_mib, known.accelerator_memory_mib,
        )  # fmt: skip
    shown = invoke("instances", "ml.g5.xlarge")
    assert "16 GiB (16384 MiB)" in shown.out and "1 x A10G 22.35 GiB (22888 MiB)" in shown.out
    assert "(None" not in invoke("instances", "ml.m5.large").out
    assert "524288" in invoke("instances", "ml.trn2.48xlarge").out, "what is disputed"


def test_filters_filter() -> None:
    rows = invoke("instances", "--accelerator", "cuda", "--max-price", "1.1", "--format", "json").json["instances"]
    assert rows and all(r["accelerator"]["kind"] == "cuda" and r["price_usd_hour"] <= 1.1 for r in rows)
    arm = invoke("instances", "--arch", "arm64", "--min-memory-gib", "100", "--format", "json").json["instances"]
    assert arm and all(r["architecture"] == "arm64" and r["memory_gib"] >= 100 for r in arm)
    big = invoke("instances", "--min-accelerator-memory-gib", "600", "--format", "json").json["instances"]
    each = [r["accelerator"]["count"] * r["accelerator"]["memory_gib_each"] for r in big]
    assert each and all(total >= 600 for total in each)
    neuron = invoke("frameworks", "--accelerator", "neuron", "--format", "json").json["frameworks"]
    kinds = {b["accelerator"]["type"] for f in neuron for r in f["releases"] for b in r["builds"]}
    assert kinds == {"neuron"}


def test_a_model_shows_the_row_that_matched() -> None:
    (exact,) = invoke("models", "qwen/qwen3-4b", "--format", "json").json["models"]
    assert (exact["match"], exact["matched"], exact["family"]) == ("exact", "Qwen/Qwen3-4B", "qwen3")
    (pattern,) = invoke("models", "Qwen/Qwen3-4B-Special", "--format", "json").json["models"]
    assert pattern["match"] == "pattern" and pattern["matched"].endswith("*")


@pytest.mark.parametrize(
    "arguments",
    [
        ("frameworks",),
        ("frameworks", "sklearn"),
        ("models",),
        ("models", "qwen3"),
        ("models", "Qwen/Qwen3-4B"),
        ("instances",),
        ("instances", "ml.p4d.24xlarge"),
        ("compat", "--cuda", "12.9", "--instance-type", "ml.p4d.24xlarge"),
        ("fit", "Qwen/Qwen3-4B", "--instance-type", "ml.g5.xlarge", "--offline"),
        ("fit", "Qwen/Qwen3-32B", "--offline"),
    ],
)
def test_tables_fit_80_columns(arguments: tuple[str, ...]) -> None:
    result = invoke(*arguments)
    assert result.code == 0 and result.out
    long = [line for line in result.out.splitlines() if len(line) > 80]
    assert not long, long


def test_chat_template_prints_exactly_the_template() -> None:
    for name in ("llama-2", "chatml", "gemma"):
        text = (ROOT / "registries" / "chat_templates" / f"{name}.jinja").read_text(encoding="utf-8")
        assert invoke("chat-template", "--chat-format", name).out == text
    wrong = invoke("chat-template", "--chat-format", "chatmel")
    assert (wrong.code, wrong.out) == (1, "") and "chatml" in wrong.err


def test_chat_template_renders_exactly_and_refuses_with_a_finding(tmp_path: Path) -> None:
    file = tmp_path / "c.json"
    file.write_text(json.dumps({"messages": [{"role": "user", "content": "Hi é"}], "bos_token": ""}))
    result = invoke("chat-template", "--chat-format", "llama-2", "--render", str(file))
    assert (result.code, result.out) == (0, "[INST] Hi é [/INST]")
    for text in ("{", "[]", '{"messages": []}', '{"messages": [{"role": "x", "content": "y"}]}'):
        file.write_text(text)
        refused = invoke("chat-template", "--chat-format", "llama-2", "--render", str(file))
        assert (refused.code, refused.out) == (1, "") and "MCC705" in refused.err
    missing = invoke("chat-template", "--chat-format", "llama-2", "--render", str(tmp_path / "none"))
    assert missing.code == 1 and "MCC701" in missing.err


def test_chat_template_of_a_model_without_a_known_one_says_why() -> None:
    result = invoke("chat-template", "nobody/nothing", "--offline", "--format", "json")
    assert result.code == 1 and result.codes == ["MCC704"] and result.json["text"] is None


def test_init_layer_is_valid_and_overwrites_nothing(tmp_path: Path) -> None:
    layer = tmp_path / "layer"
    assert invoke("init-layer", str(layer)).code == 0
    checked = invoke("validate", str(layer), "--format", "json")
    assert checked.code == 0 and checked.json == {"ok": True, "findings": []}
    again = invoke("init-layer", str(layer), "--format", "json")
    assert again.code == 1 and again.codes == ["MCC706"]


def test_validate_shows_every_fault_with_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "a.yaml").write_text("kind: model_family\nid: b\ntitel: x\n")
    result = invoke("validate", str(tmp_path), "--format", "json")
    assert result.code == 1 and set(result.json) == {"ok", "findings"} and result.json["ok"] is False
    assert len(result.json["findings"]) > 1
    table = invoke("validate", str(tmp_path))
    assert table.code == 1 and f"{tmp_path}/models/a.yaml:3" in table.out


def test_schema_is_a_json_schema() -> None:
    assert invoke("schema", "framework").json["$schema"].endswith("2020-12/schema")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_names_every_command_and_option(shell: str, tmp_path: Path) -> None:
    script = invoke("completion", shell).out
    assert "resolve" in script and "model-name" in script and "no-validate-env-vars" in script
    program = shutil.which(shell)
    if program:
        file = tmp_path / "script"
        file.write_text(script)
        assert subprocess.run([program, "-n", str(file)], check=False).returncode == 0


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_bash_completes_commands_options_and_choices(tmp_path: Path) -> None:
    file = tmp_path / "script"
    file.write_text(invoke("completion", "bash").out)

    def complete(*words: str) -> list[str]:
        line = " ".join(f'"{w}"' for w in words)
        text = f'source "{file}"; COMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; _mcc_registry; '
        done = subprocess.run(
            ["bash", "-c", text + 'printf "%s\\n" "${COMPREPLY[@]}"'], capture_output=True, text=True, check=True
        )
        return done.stdout.split()

    assert complete("mcc-registry", "res") == ["resolve"]
    assert "--model-name" in complete("mcc-registry", "resolve", "--mo")
    assert complete("mcc-registry", "instances", "--accelerator", "cu") == ["cuda"]
