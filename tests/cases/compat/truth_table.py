"""The hand-decided verdicts of `decisions.py` spelled out, case by case.

Only formatting happens here: no verdict is computed. Imports nothing of mcc_registry.

Usage:
    python -m tests.cases.compat.truth_table                 print the cases, one a line
    python -m tests.cases.compat.truth_table --write         write them to cases.json beside this file, which the tests read
    python -m tests.cases.compat.truth_table --facts DIR     look that each instance name is (or is not) in DIR/instances.yaml
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
from typing import Any

from .decisions import (
    ALL_CUDA,
    AMI_OF_DIGIT,
    ARCH,
    ARM_CPU,
    CAPABILITIES,
    CAPABILITY,
    CHOSEN,
    CUDA_REASONS,
    DEFAULT,
    GPU_2,
    GPU_2_1,
    GPU_3_1,
    GPU_4_1,
    GPU_TYPES,
    IDLE,
    KIND,
    NAMED,
    NAMED_CUDA,
    NEURON_2,
    NEURON_CHOSEN,
    NEURON_DEFAULT,
    NEURON_NAMED,
    NEURON_REASONS,
    NEURON_TYPES,
    NOT_A_TYPE,
    NOT_AN_AMI,
    ODD_VERSIONS,
    SDKS,
    TABLE_ROW,
    UNKNOWN_AMIS,
    UNKNOWN_TYPES,
    WRONG_AMI,
    X86_CPU,
)

Case = dict[str, Any]

FILE = Path(__file__).with_name("cases.json")
COLUMNS = (
    "image",
    "instance_type",
    "ami",
    "min_compute_capability",
    "image_arch",
    "verdict",
    "inference_ami_version",
)
"""Columns of a row of the file; the last one after them is the place of its reason and reference."""


def case(
    image: dict[str, Any],
    instance_type: str,
    ami: str | None,
    verdict: str,
    expected: str | None,
    why: str,
    ref: str,
    *,
    capability: str | None = None,
    arch: str = "x86_64",
) -> Case:
    """One case; the id says what it is about."""
    ref = ref if ref.startswith("design") else f"accelerators.md {ref}"
    return case_of([image, instance_type, ami, capability, arch, verdict, expected], why, ref)


def case_of(columns: list[Any], why: str, ref: str) -> Case:
    """The case of a row's columns, its reason and where that stands."""
    *question, verdict, expected = columns
    image, instance_type, ami, capability, arch = question
    kind, version = next(iter(image.items()))
    ami_word = "chosen" if ami is None else ami.replace("-ami-sagemaker-inference", "")
    parts = [kind if version is True else f"{kind}{version}", instance_type, ami_word]
    parts += [f"cc{capability}"] if capability else []
    parts += [arch] if arch != "x86_64" else []
    return {
        "id": "/".join(parts),
        **dict(zip(COLUMNS, question, strict=False)),
        "expect": {"verdict": verdict, "inference_ami_version": expected},
        "why": why,
        "ref": ref,
    }


def to_text(cases: list[Case]) -> str:
    """The file: a reason with its reference once, then a case a line."""
    reasons: dict[tuple[str, str], int] = {}
    rows = []
    for one in cases:
        place = reasons.setdefault((one["why"], one["ref"]), len(reasons))
        rows.append([*({**one, **one["expect"]}[name] for name in COLUMNS), place])
    parts = {"columns": [json.dumps([*COLUMNS, "reason"])], "reasons": map(_line, reasons), "cases": map(_line, rows)}
    return "{" + ",\n".join(f'"{name}": [\n' + ",\n".join(lines) + "\n]" for name, lines in parts.items()) + "}\n"


def _line(row: Any) -> str:
    return json.dumps(row, ensure_ascii=False, separators=(",", ":"))


def read_cases() -> list[Case]:
    """Every case of the file."""
    data = json.loads(FILE.read_text(encoding="utf-8"))
    return [case_of(columns, *data["reasons"][place]) for *columns, place in data["cases"]]


def gpu_cases() -> list[Case]:
    """The CUDA grids, cell by cell."""
    cases = []
    for family, (letters, digits) in CHOSEN.items():
        small, _, arch = GPU_TYPES[family]
        for cuda, letter, digit in zip(ALL_CUDA, letters.replace(" ", ""), digits.replace(" ", ""), strict=True):
            if letter == ".":
                continue
            verdict, why, ref = CUDA_REASONS[letter]
            row = TABLE_ROW.get(cuda.split(".")[0], TABLE_ROW.get(cuda, "13.0"))
            cases.append(
                case(
                    {"cuda": cuda},
                    small,
                    None,
                    verdict,
                    AMI_OF_DIGIT[digit],
                    why,
                    f"§1.10 row {row}, column of {family}; {ref}",
                    arch=arch,
                )
            )
    for ami, columns, grid in [("default", ALL_CUDA, DEFAULT), *((name, NAMED_CUDA, g) for name, g in NAMED.items())]:
        for family, letters in grid.items():
            _, large, arch = GPU_TYPES[family]
            for cuda, letter in zip(columns, letters.replace(" ", ""), strict=True):
                verdict, why, ref = CUDA_REASONS[letter]
                expected = None if verdict == "error" or ami == "default" else ami
                cases.append(case({"cuda": cuda}, large, ami, verdict, expected, why, ref, arch=arch))
    return cases


def neuron_cases() -> list[Case]:
    """The Neuron grids, cell by cell."""
    cases = []
    for ami, size, chosen, grid in [
        (None, 0, NEURON_2, NEURON_CHOSEN),
        (NEURON_2, 1, NEURON_2, NEURON_NAMED),
        ("default", 1, None, NEURON_DEFAULT),
    ]:
        for family, letters in grid.items():
            for sdk, letter in zip(SDKS, letters.replace(" ", ""), strict=True):
                if letter == ".":
                    continue
                verdict, why, ref = NEURON_REASONS[letter]
                expected = None if verdict == "error" else chosen
                cases.append(case({"neuron": sdk}, NEURON_TYPES[family][size], ami, verdict, expected, why, ref))
    cases.append(
        case(
            {"neuron": "1.17"},
            "ml.inf1.2xlarge",
            NEURON_2,
            "warning",
            NEURON_2,
            "1.17 is below 2.21 (integers), inf1 with the neuron AMI",
            "§5.4",
        )
    )
    cases.append(case({"neuron": "2.21"}, "ml.inf2.8xlarge", None, "error", None, "x86_64 host", ARCH, arch="arm64"))
    return cases


def cpu_cases() -> list[Case]:
    """CPU images everywhere, and what is wrong with CPU hosts."""
    cpu: dict[str, Any] = {"cpu": True}
    cases = []
    for name in X86_CPU:
        cases.append(case(cpu, name, None, "ok", None, "CPU image on a CPU type; leave the AMI out", "§1.3; §1.6"))
        cases.append(case(cpu, name, None, "error", None, "arm64 image on an x86_64 type", ARCH, arch="arm64"))
        cases.append(case({"cuda": "12.4"}, name, None, "error", None, "CUDA image on a CPU type", KIND))
    for name in ARM_CPU:
        cases.append(
            case(cpu, name, None, "ok", None, "arm64 image on an arm64 CPU type", "§1.2; §1.3", arch="arm64")
        )
        cases.append(case(cpu, name, None, "error", None, "x86_64 image on an arm64 type", ARCH))
        cases.append(
            case({"cuda": "13.0"}, name, None, "error", None, "CUDA image on a CPU type", KIND, arch="arm64")
        )
    for name, arch in [("ml.m5.large", "x86_64"), ("ml.c7i.large", "x86_64"), ("ml.c7g.large", "arm64")]:
        cases.append(
            case(
                cpu,
                name,
                "default",
                "ok",
                None,
                "leaving the parameter out is what a CPU type wants",
                "§1.6",
                arch=arch,
            )
        )
        for ami in (GPU_2, GPU_2_1, GPU_3_1, GPU_4_1, NEURON_2):
            cases.append(case(cpu, name, ami, "error", None, "GPU or Neuron AMI on a CPU type", WRONG_AMI, arch=arch))
    for family, (small, large, arch) in GPU_TYPES.items():
        why = f"paid GPU idle on {family}"
        cases.append(case(cpu, small, None, "warning", None, why, IDLE, arch=arch))
        cases.append(case(cpu, large, "default", "warning", None, why, KIND, arch=arch))
        cases.append(case(cpu, small, NEURON_2, "error", None, "Neuron AMI on a GPU type", WRONG_AMI, arch=arch))
    for name, ami in [
        ("ml.g4dn.xlarge", GPU_2),
        ("ml.g5.xlarge", GPU_3_1),
        ("ml.g6.xlarge", GPU_2_1),
        ("ml.g6e.xlarge", GPU_3_1),
        ("ml.p4d.24xlarge", GPU_4_1),
        ("ml.p5.48xlarge", GPU_4_1),
        ("ml.p5e.48xlarge", GPU_3_1),
        ("ml.g7e.2xlarge", GPU_4_1),
        ("ml.p3.2xlarge", GPU_2),
    ]:
        cases.append(
            case(cpu, name, ami, "warning", ami, "paid GPU idle; the AMI named fits the instance and is echoed", KIND)
        )
    for small, large in NEURON_TYPES.values():
        cases.append(case(cpu, small, None, "warning", None, "paid Neuron device idle", IDLE))
        cases.append(case(cpu, large, "default", "warning", None, "paid Neuron device idle", KIND))
        cases.append(
            case(
                cpu,
                large,
                NEURON_2,
                "warning",
                NEURON_2,
                "paid Neuron device idle; named AMI of the right kind",
                KIND,
            )
        )
        cases.append(case(cpu, large, GPU_4_1, "error", None, "GPU AMI on a Neuron type", WRONG_AMI))
    cases.append(case(cpu, "ml.p6e-gb200.36xlarge", None, "error", None, "x86_64 image on an arm64 GPU type", ARCH))
    cases.append(
        case(cpu, "ml.inf2.xlarge", None, "error", None, "arm64 image on an x86_64 Neuron type", ARCH, arch="arm64")
    )
    dl1 = "ml.dl1.24xlarge"
    cases.append(case(cpu, dl1, None, "warning", None, "other accelerator, legacy", "§1.3; §6 legacy"))
    cases.append(case(cpu, dl1, "default", "warning", None, "other accelerator, legacy", "§1.3; §6 legacy"))
    cases.append(case(cpu, dl1, None, "error", None, "arm64 image on an x86_64 type", ARCH, arch="arm64"))
    for ami in (GPU_2, GPU_2_1, GPU_3_1, GPU_4_1, NEURON_2):
        cases.append(case(cpu, dl1, ami, "error", None, "dl1 has no AMI: leave the parameter out", WRONG_AMI))
    return cases


def mismatch_cases() -> list[Case]:
    """Accelerator kind, architecture, names that do not exist."""
    cases = []
    for name in (
        "ml.inf1.xlarge",
        "ml.inf2.xlarge",
        "ml.trn1.2xlarge",
        "ml.trn1n.32xlarge",
        "ml.trn2.48xlarge",
        "ml.dl1.24xlarge",
    ):
        for cuda, ami in [("11.8", None), ("12.4", "default"), ("13.0", GPU_4_1)]:
            cases.append(case({"cuda": cuda}, name, ami, "error", None, "CUDA image without an NVIDIA GPU", KIND))
    for small, large, arch in GPU_TYPES.values():
        cases.append(
            case({"neuron": "2.21"}, small, None, "error", None, "Neuron image on a GPU type", KIND, arch=arch)
        )
        cases.append(
            case({"cuda": "12.4"}, large, NEURON_2, "error", None, "Neuron AMI on a GPU type", WRONG_AMI, arch=arch)
        )
        other = "arm64" if arch == "x86_64" else "x86_64"
        cases.append(
            case({"cuda": "13.0"}, small, None, "error", None, f"{other} image on an {arch} type", ARCH, arch=other)
        )
    for name in ("ml.m5.large", "ml.c6i.xlarge", "ml.t2.medium", "ml.dl1.24xlarge"):
        cases.append(
            case({"neuron": "2.21"}, name, None, "error", None, "Neuron image without a Neuron device", KIND)
        )
    for name in ("ml.inf1.2xlarge", "ml.inf2.24xlarge", "ml.trn1.32xlarge", "ml.trn1n.32xlarge", "ml.trn2.48xlarge"):
        for ami in (GPU_2, GPU_2_1, GPU_3_1, GPU_4_1):
            cases.append(case({"neuron": "2.20"}, name, ami, "error", None, "GPU AMI on a Neuron type", WRONG_AMI))
    for name, why in UNKNOWN_TYPES.items():
        image: dict[str, Any] = {"cuda": "12.4"} if why.endswith("GPU") else {"cpu": True}
        cases.append(case(image, name, None, "error", None, why, NOT_A_TYPE))
    for name, image, type_name in UNKNOWN_AMIS:
        cases.append(
            case(image, type_name, name, "error", None, "not one of the five names the API accepts", NOT_AN_AMI)
        )
    return cases


def listed_cases() -> list[Case]:
    """The lists that are not grids."""
    cases = [
        case({"cuda": cuda}, name, ami, verdict, expected, why, CAPABILITY, capability=capability)
        for cuda, name, ami, capability, verdict, expected, why in CAPABILITIES
    ]
    cases += [
        case({"cuda": cuda}, name, ami, verdict, expected, why, ref)
        for cuda, name, ami, verdict, expected, why, ref in ODD_VERSIONS
    ]
    cases.append(
        case(
            {"cuda": "13.0"},
            "ml.p6e-gb200.36xlarge",
            GPU_4_1,
            "warning",
            GPU_4_1,
            "GB200 is 10.0; pair undocumented",
            "§1.4; §1.8",
            capability="10.0",
            arch="arm64",
        )
    )
    cases.append(
        case(
            {"cuda": "13.0"},
            "ml.p6e-gb200.36xlarge",
            GPU_4_1,
            "error",
            None,
            "GB200 is 10.0, below 10.3",
            CAPABILITY,
            capability="10.3",
            arch="arm64",
        )
    )
    return cases


def check_names(cases: list[Case], facts: Path) -> list[str]:
    """Instance names that are in the facts and should not be, or the reverse."""
    known = set(re.findall(r"- \{type: ([^,]+),", (facts / "instances.yaml").read_text()))
    return [
        c["instance_type"] for c in cases if (c["instance_type"] in known) == (c["instance_type"] in UNKNOWN_TYPES)
    ]


def truth_table() -> list[Case]:
    """Every case, in the order of the grids and lists."""
    return gpu_cases() + neuron_cases() + cpu_cases() + mismatch_cases() + listed_cases()


def main() -> int:
    """Print or write the cases, or compare their names with the facts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--facts", type=Path)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    cases = truth_table()
    if options.facts:
        wrong = check_names(cases, options.facts)
        print("wrong names:", wrong or "none", file=sys.stderr)
        return int(bool(wrong))
    if options.write:
        FILE.write_text(to_text(cases), encoding="utf-8")
        return 0
    print("\n".join(json.dumps(case, ensure_ascii=False) for case in cases))
    return 0


if __name__ == "__main__":
    sys.exit(main())
