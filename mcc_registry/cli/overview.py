"""``mcc-registry --help``: usage, examples, commands and the REGISTRY SYSTEM section."""

from __future__ import annotations

from collections.abc import Sequence

from .. import __version__, report
from ..errors import RegistryError
from . import COMMANDS
from .parsing import Parser, add_common
from .registries import load_registry

EXAMPLES = (
    "mcc-registry resolve --model-name Qwen/Qwen3-4B --offline",
    "mcc-registry explain max_model_len --model-name Qwen/Qwen3-4B --offline",
    "mcc-registry fit Qwen/Qwen3-8B",
    "mcc-registry compat --cuda 13.0 --instance-type ml.g5.xlarge",
    "mcc-registry instances --accelerator cuda --max-price 2",
    "mcc-registry validate my-layer",
)

WIDTH = 80


def overview(leading: Sequence[str]) -> str:
    """The whole help text.

    Args:
        leading: the options before a command; ``--registry-path`` is respected.
    """
    parser = Parser("mcc-registry")
    add_common(parser)
    parser.add_argument("--version", action="store_true", help="show the version")
    args = parser.parse(leading)
    longest = max(len(name) for name in COMMANDS)
    options = parser.format_help().partition("common options:")[2].rstrip()
    lines = [
        f"mcc-registry {__version__}: which framework, image, instance type and AMI work together on SageMaker",
        "",
        "usage: mcc-registry COMMAND [options]      mcc-registry COMMAND --help",
        "",
        "commands:",
        *(line for name, text in COMMANDS.items() for line in _row(name, text, longest)),
        "",
        "examples:",
        *(f"  {example}" for example in EXAMPLES),
        "",
        "options of every command:" + options,
        "  --version             show the version (before a command)",
        "",
        "exit status: 0 fine (warnings allowed), 1 an error, 2 wrong usage",
        "",
        *registry_system(args.registry_path),
    ]
    lines[0:1] = report.wrap(lines[0], WIDTH)
    return "\n".join(lines)


def _row(name: str, text: str, longest: int) -> list[str]:
    start = f"  {name.ljust(longest)}  "
    return report.wrap(text, WIDTH, start, " " * len(start))


def registry_system(paths: Sequence[str]) -> list[str]:
    """The registries loaded: version, counts, and the frameworks with their versions."""
    lines = ["REGISTRY SYSTEM"]
    try:
        registry = load_registry(paths)
        models = sum(len(f.models) for f in registry.models.values())
        patterns = sum(len(f.patterns) for f in registry.models.values())
        frameworks = [(name, registry.frameworks[name].versions) for name in sorted(registry.frameworks)]
    except RegistryError as error:
        count = f"{len(error.findings)} fault{'s' if len(error.findings) != 1 else ''}"
        return [*lines, f"  not loaded: {count}; see: mcc-registry validate"]
    releases = sum(len(versions) for _, versions in frameworks)
    families = len({i.family for i in registry.instances.values()})
    lines += [
        f"  Framework Registry: Loaded ({len(frameworks)} frameworks, {releases} releases)",
        f"  Model Registry: Loaded ({len(registry.models)} families, {models} models, {patterns} patterns)",
        f"  Instance Accelerator Mapping: Loaded ({len(registry.instances)} types, {families} families)",
        f"  version {registry.version}; layers: {', '.join(layer.name for layer in registry.layers)}",
        "",
        "  frameworks and versions:",
    ]
    longest = max((len(name) for name, _ in frameworks), default=0)
    for name, versions in frameworks:
        start = f"    {name.ljust(longest)}  "
        lines += report.wrap(", ".join(versions), WIDTH, start, " " * len(start))
    return lines
