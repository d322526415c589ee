"""``schema``: the JSON Schema of one kind of registry file."""

from __future__ import annotations

from argparse import Namespace

from ..loading.kinds import KINDS
from .console import Console
from .parsing import Parser

EXAMPLES = ("mcc-registry schema framework > .schemas/framework.json", "mcc-registry schema policy")

POSITIONALS = 1


def add_arguments(parser: Parser) -> None:
    """Which kind."""
    parser.add_argument("kind", metavar="KIND", help=", ".join(KINDS))


def run(args: Namespace, console: Console) -> int:
    """Print the schema; it is JSON in either format.

    Raises:
        UsageError: there is no such kind.
    """
    from ..validate import schema_for

    console.json(schema_for(args.kind))
    return 0
