"""``compat``: does an image with this CUDA or Neuron version run on that instance type."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from .. import report
from ..models.kinds import accelerator_kinds
from .console import Console
from .parsing import Parser, number_text
from .registries import load_registry

EXAMPLES = (
    "mcc-registry compat --cuda 13.0 --instance-type ml.g5.xlarge",
    "mcc-registry compat --cuda 12.9 --instance-type ml.g5.xlarge --ami default",
    "mcc-registry compat --neuron 2.26 --instance-type ml.inf2.xlarge --format json",
)

REFUSED: dict[str, Any] = {"verdict": "error", "inference_ami_version": None}


def added_kinds() -> tuple[str, ...]:
    """Kinds of accelerator beside the three there always are."""
    return tuple(kind for kind in accelerator_kinds() if kind not in ("cuda", "neuron", "cpu"))


def add_arguments(parser: Parser) -> None:
    """The image's side and the host's side."""
    image = parser.add_argument_group("the image").add_mutually_exclusive_group(required=True)
    image.add_argument("--cuda", metavar="X.Y", type=number_text, help="built for this CUDA")
    image.add_argument("--neuron", metavar="X.Y", type=number_text, help="built for this Neuron SDK")
    image.add_argument("--cpu", action="store_true", help="needs no accelerator")
    for kind in added_kinds():
        image.add_argument(f"--{kind}", metavar="X.Y", type=number_text, help=f"built for this {kind}")
    parser.add_argument("--instance-type", required=True, metavar="T", help="SageMaker type, ml.g5.xlarge")
    parser.add_argument(
        "--ami", metavar="A", help="InferenceAmiVersion, or default = leave it out; omitted = we choose"
    )
    parser.add_argument(
        "--min-compute-capability", metavar="C", type=number_text, help="lowest GPU the image has code for"
    )
    parser.add_argument(
        "--image-arch", choices=("x86_64", "arm64"), default="x86_64", help="CPU of the image (default x86_64)"
    )


def run(args: Namespace, console: Console) -> int:
    """Judge and show the verdict."""
    from ..checks.base import ImageNeeds
    from ..checks.compat import compat
    from ..versions import find_numbers

    if args.ami is not None and not args.ami.strip():
        args.parser.error("argument --ami: it is empty; write default to leave the parameter out")
    registry = load_registry(args.registry_path)
    kind = next(name for name in ("cuda", "neuron", *added_kinds(), "cpu") if getattr(args, name))
    version = None if kind == "cpu" else getattr(args, kind)
    needs = ImageNeeds(
        kind,
        find_numbers(version),
        find_numbers(args.min_compute_capability),
        (args.image_arch,),
    )
    verdict = compat(needs, args.instance_type, args.ami, registry)
    if console.wants_json:
        console.json(verdict.to_json())
        return report.exit_status(verdict.findings)
    style = {"ok": "good", "warning": "warning", "error": "error"}[verdict.verdict]
    console.text(f"verdict: {console.paint(verdict.verdict, style)}")
    if verdict.verdict != "error":
        console.text(f"InferenceAmiVersion: {verdict.inference_ami_version or '(leave the parameter out)'}")
    if verdict.findings:
        console.text()
        console.findings(verdict.findings)
    return report.exit_status(verdict.findings)
