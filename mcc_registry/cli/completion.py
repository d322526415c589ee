"""``completion``: a script that completes commands and options, written from the parsers themselves."""

from __future__ import annotations

from argparse import Namespace

from . import COMMANDS
from .console import Console
from .parsing import Parser

EXAMPLES = (
    "source <(mcc-registry completion bash)",
    "mcc-registry completion zsh > ~/.zfunc/_mcc-registry",
    "mcc-registry completion fish > ~/.config/fish/completions/mcc-registry.fish",
)

POSITIONALS = 1


def add_arguments(parser: Parser) -> None:
    """Which shell."""
    parser.add_argument("shell", choices=("bash", "zsh", "fish"), metavar="bash|zsh|fish", help="your shell")


def run(args: Namespace, console: Console) -> int:
    """Print the script."""
    script = {"bash": bash, "zsh": zsh, "fish": fish}[args.shell]
    print(script(collect()), file=console.out)
    return 0


def collect() -> dict[str, dict[str, tuple[str, ...]]]:
    """Command to its options, each with the words it may be followed by."""
    from .main import load_command, make_parser

    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for command in COMMANDS:
        parser = make_parser(command, load_command(command))
        options: dict[str, tuple[str, ...]] = {}
        for action in parser._actions:
            for name in action.option_strings:
                if name.startswith("--"):
                    options[name] = tuple(str(c) for c in action.choices or ())
        for name in parser.booleans:
            options[f"--no-{name}"] = ()
        found[command] = dict(sorted(options.items()))
    return found


def bash(commands: dict[str, dict[str, tuple[str, ...]]]) -> str:
    """The script for bash."""
    cases = []
    values: dict[str, set[str]] = {}
    for command, options in commands.items():
        cases.append(f'    {command}) words="{" ".join(options)}" ;;')
        for name, choices in options.items():
            if choices:
                values.setdefault(name, set()).update(choices)
    follow = [f'    {name}) words="{" ".join(sorted(words))}" ;;' for name, words in sorted(values.items())]
    return "\n".join(
        [
            "_mcc_registry() {",
            '  local current="${COMP_WORDS[COMP_CWORD]}" previous="${COMP_WORDS[COMP_CWORD-1]}"',
            '  local word command="" words=""',
            '  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do',
            f'    case "$word" in {"|".join(commands)}) command="$word"; break ;; esac',
            "  done",
            '  case "$command" in',
            f'    "") words="{" ".join(commands)} --help --version" ;;',
            *cases,
            "  esac",
            '  case "$previous" in',
            *follow,
            "  esac",
            '  COMPREPLY=($(compgen -W "$words" -- "$current"))',
            '  [[ ${#COMPREPLY[@]} -gt 0 || "$current" == -* ]] || COMPREPLY=($(compgen -f -- "$current"))',
            "}",
            "complete -F _mcc_registry mcc-registry",
        ]
    )


def zsh(commands: dict[str, dict[str, tuple[str, ...]]]) -> str:
    """The script for zsh, which reads the one for bash."""
    body = "autoload -U +X bashcompinit && bashcompinit\n" + bash(commands)
    return f"#compdef mcc-registry\n{body}"


def fish(commands: dict[str, dict[str, tuple[str, ...]]]) -> str:
    """The script for fish."""
    lines = []
    for command, summary in COMMANDS.items():
        words = summary.replace("'", "")
        lines.append(f"complete -c mcc-registry -n __fish_use_subcommand -f -a {command} -d '{words}'")
    for command, options in commands.items():
        for name, choices in options.items():
            line = f"complete -c mcc-registry -n '__fish_seen_subcommand_from {command}' -l {name[2:]}"
            lines.append(f"{line} -x -a '{' '.join(choices)}'" if choices else line)
    return "\n".join(lines)
