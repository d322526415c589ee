"""The command line: one module per command, imported only when it is asked for.

A new command is one line in :data:`COMMANDS` and one module beside the others, with hyphens turned into underscores.
The module has:

    add_arguments(parser)      its options (the common ones are added for it)
    run(args, console) -> int  the work; returns 0 or 1, raises ``UsageError`` for wrong usage
    EXAMPLES                   lines shown by ``--help``
    POSITIONALS                what stands without a dash, for boolean options (default 0)
    REFUSED                    keys of its JSON that stay ``null`` when the registries cannot be loaded (optional)
"""

from __future__ import annotations

COMMANDS: dict[str, str] = {
    "resolve": "the plan for some answers, and its findings",
    "explain": "one setting of a plan: value, source, what it overrode",
    "frameworks": "list the frameworks, or show one with its releases",
    "models": "list the model families, or show what is known of one model",
    "instances": "list instance types, or show one",
    "compat": "does an image with this CUDA or Neuron version run on that type",
    "fit": "does a model fit a type's memory, or which types does it fit",
    "chat-template": "print a chat template, or the text it makes of a conversation",
    "validate": "check registry files: shape, meaning, cross references",
    "diff": "two locks, two registries or two template versions, in words",
    "outdated": "is a project behind, by what, and does it matter",
    "init-layer": "start a private registry layer",
    "schema": "the JSON Schema of a kind of registry file",
    "export": "a registry row from a working project, ready for a contribution",
    "inspect-image": "CUDA, framework and Python versions of an image, through Docker",
    "refresh": "renew instances, images and models from their sources",
    "completion": "a completion script for bash, zsh or fish",
}
"""Command to its summary, in the order of ``--help``."""
