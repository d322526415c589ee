"""The accelerator verdicts of the truth table, decided by hand, cell by cell.

Nothing is computed here. Every cell of every grid is one letter that a person decided by reading
facts/accelerators.md (the procedure of section 1) with design.md sections 3 and 5; the letter names the decisive
reason. README.md says how, and lists what was interpreted. Nothing of mcc_registry is imported.
"""

from __future__ import annotations

from typing import Any

GPU_2 = "al2-ami-sagemaker-inference-gpu-2"
GPU_2_1 = "al2-ami-sagemaker-inference-gpu-2-1"
GPU_3_1 = "al2-ami-sagemaker-inference-gpu-3-1"
GPU_4_1 = "al2023-ami-sagemaker-inference-gpu-4-1"
NEURON_2 = "al2-ami-sagemaker-inference-neuron-2"
AMI_OF_DIGIT = {"2": GPU_2, "3": GPU_3_1, "4": GPU_4_1, "N": NEURON_2, "-": None}

# letter: (verdict, why, where in facts/accelerators.md unless another file is named)
CUDA_REASONS = {
    "n": (
        "ok",
        "the driver runs this CUDA natively and the AMI is documented (or default) for the family",
        "§1.9 native",
    ),
    "m": ("ok", "minor-version compatibility, an info only", "§1.9 minor version; design.md §3 AMI"),
    "M": (
        "warning",
        "12.8/12.9 on driver 535: minor-version compatibility with seen PTX/symbol failures",
        "§1.9 minor version; design.md §3 AMI",
    ),
    "v": (
        "warning",
        "13.1 and newer on driver 580: minor-version compatibility",
        "§1.10 last line; design.md §3 AMI",
    ),
    "t": (
        "warning",
        "12.x on gpu-4-1: runs natively by NVIDIA's rules, hung in two incidents",
        "§1.9 native; §4 DLC 6187",
    ),
    "u": ("warning", "AMI/family pair neither documented nor observed, the driver knows the GPU", "§1.8"),
    "o": ("warning", "AMI/family pair only observed in samples, not documented", "§1.8"),
    "l": ("warning", "legacy family, always warned about", "§6 legacy; design.md §3 AMI"),
    "g": ("warning", "ml.g7 needs 580.142 or newer and SageMaker's minor is not published: always warn", "§4 g7"),
    "h": (
        "warning",
        "the default host of this family is not verified; unknown is a warning",
        "§3; §9; design.md §3 AMI",
    ),
    "f": (
        "warning",
        "CUDA 13 on 535 needs forward compatibility; 535 is a base in the matrix, the image is not known to bring it",
        "§1.9 forward; design.md §3 AMI",
    ),
    "s": ("warning", "B300 (10.3) with CUDA 12.8: sm_100 code may load, sm_100a does not", "§1.4 B300"),
    "F": (
        "error",
        "driver below the floor of the CUDA major and its branch (470, 550) is no base in NVIDIA's matrix",
        "§1.9 forward; design.md §3 AMI",
    ),
    "b": ("error", "Blackwell needs CUDA 12.8 or newer", "§1.4"),
    "k": ("error", "this CUDA major no longer supports the GPU (12.x: 5.0 and newer, 13.x: 7.5 and newer)", "§1.4"),
    "d": ("error", "the AMI's driver branch does not know the GPU", "§1.7"),
}

# family: (type used when we choose, type used elsewhere, CPU architecture)
GPU_TYPES = {
    "g4dn": ("ml.g4dn.xlarge", "ml.g4dn.12xlarge", "x86_64"),
    "g5": ("ml.g5.xlarge", "ml.g5.48xlarge", "x86_64"),
    "p4d": ("ml.p4d.24xlarge", "ml.p4d.24xlarge", "x86_64"),
    "p4de": ("ml.p4de.24xlarge", "ml.p4de.24xlarge", "x86_64"),
    "g6": ("ml.g6.xlarge", "ml.g6.12xlarge", "x86_64"),
    "g6e": ("ml.g6e.xlarge", "ml.g6e.48xlarge", "x86_64"),
    "p5": ("ml.p5.48xlarge", "ml.p5.4xlarge", "x86_64"),
    "p5e": ("ml.p5e.48xlarge", "ml.p5e.48xlarge", "x86_64"),
    "p5en": ("ml.p5en.48xlarge", "ml.p5en.48xlarge", "x86_64"),
    "g7": ("ml.g7.2xlarge", "ml.g7.48xlarge", "x86_64"),
    "g7e": ("ml.g7e.2xlarge", "ml.g7e.12xlarge", "x86_64"),
    "p6-b200": ("ml.p6-b200.48xlarge", "ml.p6-b200.48xlarge", "x86_64"),
    "p6-b300": ("ml.p6-b300.48xlarge", "ml.p6-b300.48xlarge", "x86_64"),
    "p6e-gb200": ("ml.p6e-gb200.36xlarge", "ml.p6e-gb200.36xlarge", "arm64"),
    "p3": ("ml.p3.2xlarge", "ml.p3.16xlarge", "x86_64"),
    "p2": ("ml.p2.xlarge", "ml.p2.16xlarge", "x86_64"),
}

# "." in a grid: left out, the facts do not decide (README.md, "Undecided").
ALL_CUDA = [
    "11.8",
    "12.0",
    "12.1",
    "12.2",
    "12.3",
    "12.4",
    "12.5",
    "12.6",
    "12.8",
    "12.9",
    "13.0",
    "13.1",
    "13.2",
    "13.3",
    "13.4",
]
TABLE_ROW = {
    "11": "11.x",
    "12.0": "12.0-12.2",
    "12.1": "12.0-12.2",
    "12.2": "12.0-12.2",
    "12.3": "12.3-12.6",
    "12.4": "12.3-12.6",
    "12.5": "12.3-12.6",
    "12.6": "12.3-12.6",
    "12.8": "12.8-12.9",
    "12.9": "12.8-12.9",
}

# fmt: off
# --ami omitted. Per family: reasons, then the AMI chosen (digit of gpu-N; "-" = null).
# columns: 11.8 | 12.0 .1 .2 .3 .4 .5 .6 .8 .9 | 13.0 .1 .2 .3 .4
CHOSEN = {
    "g4dn":      ("n nnnnnmmmm nvvvv", "3 333333333 44444"),
    "g5":        ("n nnnnnmmmm nvvvv", "3 333333333 44444"),
    "p4d":       ("u uuuuuuuuu nvvvv", "3 333333333 44444"),
    "p4de":      ("u uuuuuuuuu nvvvv", "3 333333333 44444"),
    "g6":        ("n nnnnnmmmm nvvvv", "3 333333333 44444"),
    "g6e":       ("u uuuuuuuuu nvvvv", "3 333333333 44444"),
    "p5":        ("u uuuuuuuuu nvvvv", "3 333333333 44444"),
    "p5e":       ("n nnnnnmmmm nvvvv", "3 333333333 44444"),
    "p5en":      ("n nnnnnmmmm nvvvv", "3 333333333 44444"),
    "g7":        ("b bbbbbbbgg ggggg", "- -------44 44444"),
    "g7e":       ("b bbbbbbboo ooooo", "- -------44 44444"),
    "p6-b200":   ("b bbbbbbboo ooooo", "- -------44 44444"),
    "p6-b300":   ("b bbbbbbbsu uuuuu", "- -------44 44444"),
    "p6e-gb200": ("b bbbbbbb.. .....", "- --------- -----"),
    "p3":        ("l lllllllll kkkkk", "2 222222222 -----"),
    "p2":        ("l kkkkkkkkk kkkkk", "- --------- -----"),
}

# --ami default: the host of section 3.
DEFAULT = {
    "g4dn":      "m FFFFFFFFF FFFFF",
    "g5":        "m FFFFFFFFF FFFFF",
    "p4d":       "m FFFFFFFFF FFFFF",
    "p4de":      "m FFFFFFFFF FFFFF",
    "g6":        "n nnnmmmmMM fffff",
    "g6e":       "h hhhhhhhhh hhhhh",
    "p5":        "n nnnmmmmMM fffff",
    "p5e":       "n nnnnnmmmm FFFFF",
    "p5en":      "n nnnnnmmmm FFFFF",
    "g7":        "b bbbbbbbgg ggggg",
    "g7e":       "b bbbbbbbhh hhhhh",
    "p6-b200":   "b bbbbbbbhh hhhhh",
    "p6-b300":   "b bbbbbbbsh hhhhh",
    "p6e-gb200": "b bbbbbbbhh hhhhh",
    "p3":        "l FFFFFFFFF kkkkk",
    "p2":        "l kkkkkkkkk kkkkk",
}

NAMED_CUDA = ["11.8", "12.0", "12.2", "12.4", "12.6", "12.8", "12.9", "13.0", "13.2"]
# columns: 11.8 | 12.0 .2 .4 .6 .8 .9 | 13.0 .2
NAMED = {
    GPU_2: {  # driver 535, documented: g4dn g5 g6 p3 p4d p4de p5
        "g4dn":      "n nnmmMM ff",
        "g5":        "n nnmmMM ff",
        "p4d":       "n nnmmMM ff",
        "p4de":      "n nnmmMM ff",
        "g6":        "n nnmmMM ff",
        "g6e":       "u uuuuMM ff",
        "p5":        "n nnmmMM ff",
        "p5e":       "d dddddd dd",
        "p5en":      "d dddddd dd",
        "g7":        "b bbbbdd dd",
        "g7e":       "b bbbbdd dd",
        "p6-b200":   "b bbbbdd dd",
        "p6-b300":   "b bbbbdd dd",
        "p6e-gb200": "b bbbbdd dd",
        "p3":        "l llllll kk",
        "p2":        "d kkkkkk kk",
    },
    GPU_2_1: {  # driver 535, documented: g6 p5
        "g4dn":      "u uuuuMM ff",
        "g5":        "u uuuuMM ff",
        "p4d":       "u uuuuMM ff",
        "p4de":      "u uuuuMM ff",
        "g6":        "n nnmmMM ff",
        "g6e":       "u uuuuMM ff",
        "p5":        "n nnmmMM ff",
        "p5e":       "d dddddd dd",
        "p5en":      "d dddddd dd",
        "g7":        "b bbbbdd dd",
        "g7e":       "b bbbbdd dd",
        "p6-b200":   "b bbbbdd dd",
        "p6-b300":   "b bbbbdd dd",
        "p6e-gb200": "b bbbbdd dd",
        "p3":        "u uuuuuu kk",
        "p2":        "d kkkkkk kk",
    },
    GPU_3_1: {  # driver 550, documented: g4dn g5 g6 p5e p5en
        "g4dn":      "n nnnmmm FF",
        "g5":        "n nnnmmm FF",
        "p4d":       "u uuuuuu FF",
        "p4de":      "u uuuuuu FF",
        "g6":        "n nnnmmm FF",
        "g6e":       "u uuuuuu FF",
        "p5":        "u uuuuuu FF",
        "p5e":       "n nnnmmm FF",
        "p5en":      "n nnnmmm FF",
        "g7":        "b bbbbdd dd",
        "g7e":       "b bbbbdd dd",
        "p6-b200":   "b bbbbdd dd",
        "p6-b300":   "b bbbbdd dd",
        "p6e-gb200": "b bbbbdd dd",
        "p3":        "u uuuuuu kk",
        "p2":        "d kkkkkk kk",
    },
    GPU_4_1: {  # driver 580, documented: g4dn g5 g6 g6e p4d p4de p5 p5e p5en; observed: g7 g7e p6-b200
        "g4dn":      "n tttttt nv",
        "g5":        "n tttttt nv",
        "p4d":       "n tttttt nv",
        "p4de":      "n tttttt nv",
        "g6":        "n tttttt nv",
        "g6e":       "n tttttt nv",
        "p5":        "n tttttt nv",
        "p5e":       "n tttttt nv",
        "p5en":      "n tttttt nv",
        "g7":        "b bbbbgg gg",
        "g7e":       "b bbbboo oo",
        "p6-b200":   "b bbbboo oo",
        "p6-b300":   "b bbbbsu uu",
        "p6e-gb200": "b bbbbuu uu",
        "p3":        "u uuuuuu kk",
        "p2":        "d kkkkkk kk",
    },
}

# fmt: on
NEURON_REASONS = {
    "n": ("ok", "SDK 2.21 or older on driver 2.19", "§5.3"),
    "w": ("warning", "image newer than the host driver 2.19, no documented break", "§5.3"),
    "e": (
        "error",
        "SDK 2.30: documented not to start on driver 2.26 or older; 2.31, 2.32: not proven otherwise",
        "§5.3",
    ),
    "u": ("warning", "the neuron AMI is not documented for this family (inf2, trn1)", "§1.8; §5.4"),
    "x": ("error", "SDK 2.22 and newer on Trainium2 need driver 2.20.28 or newer, the AMI has 2.19", "§5.4"),
    "i": ("error", "SDK 2.21 and newer no longer serve Inferentia1", "§5.4"),
    "h": ("warning", "the Neuron driver of this family's default host is not known", "§3; §9; design.md §3 AMI"),
}
NEURON_TYPES = {
    "inf1": ("ml.inf1.xlarge", "ml.inf1.24xlarge"),
    "inf2": ("ml.inf2.xlarge", "ml.inf2.48xlarge"),
    "trn1": ("ml.trn1.2xlarge", "ml.trn1.32xlarge"),
    "trn1n": ("ml.trn1n.32xlarge", "ml.trn1n.32xlarge"),
    "trn2": ("ml.trn2.48xlarge", "ml.trn2.48xlarge"),
}
#  2.14 ... 2.20 | 2.21 | 2.22 ... 2.29 | 2.30 2.31 2.32
SDKS = [
    "2.14",
    "2.15",
    "2.16",
    "2.17",
    "2.18",
    "2.19",
    "2.20",
    "2.21",
    "2.22",
    "2.23",
    "2.24",
    "2.25",
    "2.26",
    "2.27",
    "2.28",
    "2.29",
    "2.30",
    "2.31",
    "2.32",
]
# fmt: off
NEURON_CHOSEN = {
    "inf1":      "....... i iiiiiiii iii",
    "inf2":      "nnnnnnn n wwwwwwww eee",
    "trn1":      "nnnnnnn n wwwwwwww eee",
    "trn1n":     "uuuuuuu u wwwwwwww eee",
    "trn2":      "....... u xxxxxxxx xxx",
}
NEURON_NAMED = {**NEURON_CHOSEN, "inf1": "uuuuuuu i iiiiiiii iii"}
NEURON_DEFAULT = {
    "inf1":      "hhhhhhh i iiiiiiii iii",
    "inf2":      "....... . ........ eee",
    "trn1":      "....... . ........ eee",
    "trn1n":     "hhhhhhh h hhhhhhhh ...",
    "trn2":      "....... h hhhhhhhh ...",
}

# fmt: on

X86_CPU = [
    "ml.c4.large",
    "ml.c5.xlarge",
    "ml.c5d.2xlarge",
    "ml.c6i.large",
    "ml.c6in.4xlarge",
    "ml.c7i.48xlarge",
    "ml.m4.xlarge",
    "ml.m5.large",
    "ml.m5d.12xlarge",
    "ml.m6i.2xlarge",
    "ml.m7i.large",
    "ml.r5.large",
    "ml.r5d.24xlarge",
    "ml.r6i.xlarge",
    "ml.r7i.8xlarge",
    "ml.t2.medium",
]
ARM_CPU = [
    "ml.c6g.large",
    "ml.c6gd.xlarge",
    "ml.c6gn.2xlarge",
    "ml.c7g.large",
    "ml.c8g.medium",
    "ml.m6g.large",
    "ml.m6gd.16xlarge",
    "ml.m8g.48xlarge",
    "ml.r6g.large",
    "ml.r6gd.4xlarge",
    "ml.r7gd.medium",
    "ml.r8g.xlarge",
]

KIND = "§1.3"
ARCH = "§1.2"
NOT_A_TYPE = "§1.1"
NOT_AN_AMI = "§1.5"
WRONG_AMI = "§1.6"
IDLE = "§1.3; §1.10 has no row for CPU images, so nothing to set"
CAPABILITY = "§1.4"

UNKNOWN_TYPES = {
    "ml.t2.micro": "EC2 type, not a SageMaker endpoint type",
    "ml.c7i-flex.large": "EC2 type, not a SageMaker endpoint type",
    "ml.m7g.large": "EC2 type, not a SageMaker endpoint type",
    "ml.r7g.xlarge": "EC2 type, not a SageMaker endpoint type",
    "ml.m5.huge": "no such size",
    "m5.large": "the ml. prefix is mandatory",
    "g5.xlarge": "the ml. prefix is mandatory; GPU",
    "p5.48xlarge": "the ml. prefix is mandatory; GPU",
    "ml.g5g.xlarge": "EC2-only type; GPU",
    "ml.g4ad.xlarge": "EC2-only type; AMD GPU",
    "ml.p3dn.24xlarge": "EC2-only type; GPU",
    "ml.g3.4xlarge": "EC2-only type; GPU",
    "ml.gr6.4xlarge": "EC2-only type; GPU",
    "ml.g5.3xlarge": "no such size; GPU",
    "ml.g7.xlarge": "no such size, g7 starts at 2xlarge; GPU",
    "ml.p4d.xlarge": "no such size; GPU",
    "ml.p6-b200.24xlarge": "no such size; GPU",
}
UNKNOWN_AMIS: list[tuple[str, dict[str, Any], str]] = [
    ("al2-ami-sagemaker-inference-gpu-3-2", {"cuda": "12.4"}, "ml.g5.xlarge"),
    ("al2-ami-sagemaker-inference-gpu-1", {"cuda": "11.8"}, "ml.g4dn.xlarge"),
    ("al2-ami-sagemaker-inference-gpu-4-1", {"cuda": "13.0"}, "ml.g6.xlarge"),
    ("al2023-ami-sagemaker-inference-gpu-3-1", {"cuda": "12.4"}, "ml.p5.48xlarge"),
    ("al2-ami-sagemaker-inference-gpu-3", {"cuda": "12.4"}, "ml.g6e.xlarge"),
    ("al2-ami-sagemaker-batch-gpu-535", {"cuda": "12.2"}, "ml.g5.xlarge"),
    ("al2-ami-sagemaker-batch-gpu-470", {"cuda": "11.8"}, "ml.g4dn.xlarge"),
    ("gpu-3-1", {"cuda": "12.4"}, "ml.g5.xlarge"),
    ("al2-ami-sagemaker-inference-neuron-1", {"neuron": "2.21"}, "ml.inf2.xlarge"),
    ("al2023-ami-sagemaker-inference-neuron-2", {"neuron": "2.21"}, "ml.trn1.2xlarge"),
    ("al2-ami-sagemaker-inference-gpu-3-2", {"cpu": True}, "ml.m5.large"),
    ("al2-ami-sagemaker-inference-gpu-3-2", {"cpu": True}, "ml.g5.xlarge"),
]

# (cuda, type, ami, lowest capability of the image, verdict, AMI expected, why)
CAPABILITIES: list[tuple[str, str, str | None, str, str, str | None, str]] = [
    ("12.4", "ml.g4dn.xlarge", None, "8.0", "error", None, "T4 is 7.5, below 8.0"),
    ("13.0", "ml.g4dn.xlarge", None, "8.0", "error", None, "T4 is 7.5, below 8.0"),
    ("12.4", "ml.g4dn.xlarge", None, "7.5", "ok", GPU_3_1, "T4 is 7.5"),
    ("13.0", "ml.g4dn.xlarge", None, "7.5", "ok", GPU_4_1, "T4 is 7.5"),
    ("12.4", "ml.g4dn.xlarge", None, "7.0", "ok", GPU_3_1, "T4 is 7.5"),
    ("12.4", "ml.g5.xlarge", None, "8.0", "ok", GPU_3_1, "A10G is 8.6"),
    ("12.4", "ml.g5.xlarge", None, "8.6", "ok", GPU_3_1, "A10G is 8.6"),
    ("12.4", "ml.g5.xlarge", None, "8.9", "error", None, "A10G is 8.6, below 8.9"),
    ("13.0", "ml.g5.xlarge", GPU_4_1, "9.0", "error", None, "A10G is 8.6, below 9.0"),
    ("13.0", "ml.p4d.24xlarge", None, "8.0", "ok", GPU_4_1, "A100 is 8.0"),
    ("13.0", "ml.p4d.24xlarge", None, "8.6", "error", None, "A100 is 8.0, below 8.6"),
    ("12.8", "ml.p4de.24xlarge", "default", "9.0", "error", None, "A100 is 8.0, below 9.0"),
    ("12.9", "ml.g6.xlarge", None, "8.9", "ok", GPU_3_1, "L4 is 8.9"),
    ("12.9", "ml.g6.xlarge", None, "9.0", "error", None, "L4 is 8.9, below 9.0"),
    ("13.0", "ml.g6e.xlarge", None, "8.9", "ok", GPU_4_1, "L40S is 8.9"),
    ("13.0", "ml.g6e.xlarge", None, "10.0", "error", None, "L40S is 8.9, below 10.0 (numbers, not text)"),
    ("13.0", "ml.p5.48xlarge", None, "9.0", "ok", GPU_4_1, "H100 is 9.0"),
    ("13.0", "ml.p5.48xlarge", None, "10.0", "error", None, "H100 is 9.0, below 10.0 (numbers, not text)"),
    ("12.8", "ml.p5en.48xlarge", None, "9.0", "ok", GPU_3_1, "H200 is 9.0"),
    (
        "13.0",
        "ml.p6-b200.48xlarge",
        None,
        "9.0",
        "warning",
        GPU_4_1,
        "B200 is 10.0, above 9.0 (numbers, not text); pair only observed",
    ),
    ("13.0", "ml.p6-b200.48xlarge", None, "10.3", "error", None, "B200 is 10.0, below 10.3"),
    ("13.0", "ml.p6-b200.48xlarge", None, "12.0", "error", None, "B200 is 10.0, below 12.0"),
    ("13.0", "ml.p6-b300.48xlarge", None, "10.3", "warning", GPU_4_1, "B300 is 10.3; pair undocumented"),
    ("13.0", "ml.p6-b300.48xlarge", None, "12.0", "error", None, "B300 is 10.3, below 12.0"),
    (
        "13.0",
        "ml.g7e.2xlarge",
        None,
        "8.0",
        "warning",
        GPU_4_1,
        "RTX PRO 6000 is 12.0, above 8.0 (numbers, not text); pair only observed",
    ),
    ("13.0", "ml.g7e.2xlarge", None, "12.0", "warning", GPU_4_1, "RTX PRO 6000 is 12.0; pair only observed"),
    ("13.0", "ml.g7e.2xlarge", None, "12.1", "error", None, "RTX PRO 6000 is 12.0, below 12.1"),
    ("13.0", "ml.g7.2xlarge", None, "12.0", "warning", GPU_4_1, "RTX PRO 4500 is 12.0; g7 always warns"),
    ("12.4", "ml.p3.2xlarge", None, "7.0", "warning", GPU_2, "V100 is 7.0; legacy"),
    ("12.4", "ml.p3.2xlarge", None, "7.5", "error", None, "V100 is 7.0, below 7.5"),
    ("13.0", "ml.p3.2xlarge", None, "7.0", "error", None, "V100 is 7.0, CUDA 13 needs 7.5"),
    ("11.8", "ml.p2.xlarge", None, "3.7", "warning", None, "K80 is 3.7; legacy"),
    ("11.8", "ml.p2.xlarge", None, "5.0", "error", None, "K80 is 3.7, below 5.0"),
]

# Versions are integers: 12.10 is newer than 12.8 and 12.9; the toolkit is not in the facts, so never a silent ok.
# 12.7 never had a public toolkit, but is below 12.8 in any reading.
ODD_VERSIONS: list[tuple[str, str, str | None, str, str | None, str, str]] = [
    (
        "12.10",
        "ml.g7e.2xlarge",
        GPU_4_1,
        "warning",
        GPU_4_1,
        "12.10 is above 12.8 (integers); pair only observed",
        "§6 versions; §1.8",
    ),
    (
        "12.10",
        "ml.p6-b200.48xlarge",
        GPU_4_1,
        "warning",
        GPU_4_1,
        "12.10 is above 12.8 (integers); pair only observed",
        "§6 versions; §1.8",
    ),
    (
        "12.10",
        "ml.p6-b300.48xlarge",
        GPU_4_1,
        "warning",
        GPU_4_1,
        "12.10 is above 12.8 (integers); pair undocumented",
        "§6 versions; §1.8",
    ),
    ("12.10", "ml.g5.xlarge", GPU_4_1, "warning", GPU_4_1, "12.x on gpu-4-1", "§6 versions; §1.9 native"),
    (
        "12.10",
        "ml.g6.xlarge",
        GPU_2,
        "warning",
        GPU_2,
        "12.10 is above native 12.2 (integers) and above 12.9 on 535",
        "§6 versions; §1.9",
    ),
    (
        "12.10",
        "ml.p5.48xlarge",
        "default",
        "warning",
        None,
        "12.10 is above native 12.2 (integers) and above 12.9 on 535",
        "§6 versions; §1.9",
    ),
    (
        "12.10",
        "ml.g5.xlarge",
        "default",
        "error",
        None,
        "470 is below the floor of CUDA 12 and no base in the matrix",
        "§1.9 forward",
    ),
    ("12.10", "ml.p2.xlarge", None, "error", None, "CUDA 12 needs 5.0, K80 is 3.7", CAPABILITY),
    ("12.7", "ml.g7e.2xlarge", None, "error", None, "Blackwell needs 12.8 or newer", CAPABILITY),
    ("12.7", "ml.p6-b300.48xlarge", GPU_4_1, "error", None, "Blackwell needs 12.8 or newer", CAPABILITY),
    (
        "12.7",
        "ml.g5.xlarge",
        "default",
        "error",
        None,
        "470 is below the floor of CUDA 12 and no base in the matrix",
        "§1.9 forward",
    ),
    ("12.7", "ml.p5e.48xlarge", GPU_2, "error", None, "driver 535 does not know the H200", "§1.7"),
    ("13.1", "ml.g5.xlarge", GPU_4_1, "warning", GPU_4_1, CUDA_REASONS["v"][1], CUDA_REASONS["v"][2]),
    ("13.3", "ml.p5.48xlarge", GPU_4_1, "warning", GPU_4_1, CUDA_REASONS["v"][1], CUDA_REASONS["v"][2]),
    ("13.4", "ml.g6.xlarge", GPU_4_1, "warning", GPU_4_1, CUDA_REASONS["v"][1], CUDA_REASONS["v"][2]),
    ("13.4", "ml.g6.xlarge", GPU_2, "warning", GPU_2, CUDA_REASONS["f"][1], CUDA_REASONS["f"][2]),
    ("13.4", "ml.g6.xlarge", GPU_3_1, "error", None, CUDA_REASONS["F"][1], CUDA_REASONS["F"][2]),
    ("13.3", "ml.p5en.48xlarge", GPU_3_1, "error", None, CUDA_REASONS["F"][1], CUDA_REASONS["F"][2]),
]
