"""The documentation pages of ``docs/findings``, written from the rules: ``python -m mcc_registry.cli.finding_pages``.

Rules bring their own text. Findings that no rule makes (parsing answers, choosing a release, reading a user's file)
have theirs in :data:`OTHER` or in a table ``FINDING_KINDS`` of their room; a test says that every code in the source has a page and every page is current.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from inspect import cleandoc
from pathlib import Path

FOLDER = "docs/findings"

GROUPS = {
    "0": ("answers", "Answers"),
    "1": ("hosts", "Images, instance types and hosts"),
    "2": ("releases", "Releases, images and models"),
    "3": ("settings", "Settings"),
    "4": ("memory", "Precision, parallelism and memory"),
    "5": ("registry-files", "Registry files"),
    "6": ("outside", "Facts from outside: Hub and Docker"),
    "7": ("commands", "Commands"),
}
"""First digit of a code to the name and title of its page. One page a group: every file costs every user's copy."""

OTHER: dict[str, tuple[str, str, str]] = {
    "MCC001": (
        "unknown-answer",
        "The name of an answer is not a question of this template",
        "Usually a misspelling in `--data` or an answers file; the nearest name is suggested. An unknown answer is never "
        "ignored, because its writer believes it has an effect.",
    ),
    "MCC002": (
        "not-a-boolean",
        "A yes/no answer is neither yes nor no",
        "Accepted are `true`, `false`, `yes`, `no`, `1` and `0` in any letter case, and nothing else.",
    ),
    "MCC003": (
        "broken-yaml",
        "An answer or an answers file is not valid YAML",
        "The message names the line. `env_vars` is a mapping, on one line for example `{max_model_len: 8192}`.",
    ),
    "MCC004": (
        "not-a-choice",
        "An answer is not one of its choices",
        "The hint lists the choices, or the one that is nearest.",
    ),
    "MCC005": (
        "wrong-type",
        "An answer has the wrong type",
        "A version without quotes is a number in YAML and loses its last zero: quote it. A list or a mapping is no "
        "text answer.",
    ),
    "MCC007": (
        "answer-form",
        "An answer does not have the form its question needs",
        "Names, ARNs, regions and model ids have a form AWS or the Hub prescribes; the hint shows it.",
    ),
    "MCC008": (
        "answer-too-long",
        "An answer is longer than anything it could mean",
        "Text answers have at most 1024 characters, `env_vars` at most 65536.",
    ),
    "MCC009": (
        "control-character",
        "An answer contains a line break or another invisible character",
        "Answers end up in files, commands and messages, where such characters would change what is read.",
    ),
    "MCC017": (
        "not-allowed",
        "A registry layer does not allow this choice",
        "A layer's `policy.yaml` lists what its owners allow and says why; the reason is part of the message, and the hint names whom its owners want to be asked.",
    ),
    "MCC018": (
        "chat-template-unreadable",
        "The chat template file of the answers cannot be read",
        "`chat_template` is `auto`, `none` or the path of a readable Jinja file of at most 1 MiB in UTF-8. "
        "A file that cannot be parsed would keep the engine from starting: the line is named.",
    ),
    "MCC019": (
        "destination-unusable",
        "A project cannot be written where it shall be",
        "A file is in the way, the folder may not be written to, or its disk is full. It is said before anything is written.",
    ),
    "MCC201": (
        "version-unlisted",
        "The exact version asked for has no row in the Framework Registry",
        "It is allowed: settings and CUDA version are taken from the nearest listed release, the image from the "
        "upstream tag pattern, and the validation level is `unknown`.",
    ),
    "MCC202": (
        "no-release",
        "No release satisfies the framework version asked for",
        "Write `recommended`, `latest`, an exact version or a PEP 440 specifier; the hint lists the releases.",
    ),
    "MCC203": (
        "auto-with-warnings",
        "No instance type is free of warnings, so the one with the fewest was chosen",
        "`instance_type: auto` prefers the cheapest type without an error or a warning about the type, the AMI, "
        "precision or memory. Here there is none. Name a type to decide yourself.",
    ),
    "MCC217": (
        "auto-refused",
        "No instance type passes, and the plan shows the one that comes closest",
        "With `instance_type: auto` and every type refused, the type shown is the one with the fewest errors; of several "
        "the one that lacks the least memory, then the one with the fewest warnings, then the cheapest. It is no "
        "recommendation: what must change is what the errors name.",
    ),
    "MCC211": (
        "no-image",
        "The release has no image from the image source asked for",
        "Choose another image source or another release. Rows of a private registry that make no image reference "
        "(a host, a path and a tag) are refused in the same words, and the row is corrected.",
    ),
    "MCC212": (
        "image-not-in-region",
        "AWS does not publish the image in the region",
        "Choose another region, or `image_source=upstream`.",
    ),
    "MCC601": (
        "hub-facts-missing",
        "The Hugging Face Hub says nothing, or little, about the model",
        "The Hub is optional and asked for at most six seconds. The plan goes on with what the registries know. "
        "A model the Hub does not find may be private, local or misspelt.",
    ),
    "MCC701": (
        "user-file",
        "A file named on the command line or in an answer cannot be used",
        "It is missing, no regular file, not UTF-8 text or too large.",
    ),
    "MCC702": (
        "unknown-name",
        "A name that was looked up is in no registry",
        "The nearest name is suggested. Names of instance types begin with `ml.`.",
    ),
    "MCC703": (
        "explain-unknown",
        "`explain` was asked about something that is neither a setting nor an answer",
        "Settings may be written by their canonical name, the engine's variable or an alias.",
    ),
    "MCC704": (
        "no-chat-template",
        "No chat template is known for the model",
        "Most models bring their own template in their repository; the registries hold templates of the formats older "
        "models were trained with. Name one with `--chat-format`.",
    ),
    "MCC705": (
        "conversation-refused",
        "A conversation cannot be written in this chat format",
        "Unknown roles and empty conversations are refused everywhere; strict formats also refuse an order of roles "
        "they cannot express.",
    ),
    "MCC706": (
        "layer-exists",
        "`init-layer` would overwrite something",
        "It writes into a new or empty folder only.",
    ),
}
"""Code to name, title and explanation of the findings no rule makes."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What a page says of one code."""

    code: str
    name: str
    title: str
    text: str
    about: str = ""
    severities: tuple[str, ...] = ("error",)

    @property
    def page(self) -> str:
        """The file it stands in."""
        return f"{GROUPS[self.code[3]][0]}.md"

    @property
    def link(self) -> str:
        """Its place, from the folder of the pages."""
        return f"{self.page}#{self.code.lower()}-{self.name}"

    def markdown(self) -> list[str]:
        """Its part of the page, as lines of Markdown."""
        lines = [f"## {self.code} {self.name}", "", self.title, ""]
        if self.text:
            lines += [self.text, ""]
        if self.about:
            lines += [self.about, ""]
        return lines


def _split(doc: str) -> tuple[str, str]:
    first, _, rest = cleandoc(doc).partition("\n")
    return first.strip(), rest.strip()


def collect() -> dict[str, Entry]:
    """Code to entry, sorted: rules, registry faults, and :data:`OTHER`."""
    from ..checks import all_rules
    from ..validate import catalogue

    pages: dict[str, Entry] = {}
    for rule in all_rules():
        title, text = _split(type(rule).__doc__ or rule.name)
        about = f"About the answer `{rule.field}`." if rule.field else ""
        pages[rule.code] = Entry(rule.code, rule.name, title, text.replace("``", "`"), about)
    for code, name, title, text in catalogue():
        pages[code] = Entry(code, name, title, text.replace("``", "`"), "A registry fault: shown with file and line.")
    for code, (name, title, text) in [*OTHER.items(), *_room_tables()]:
        pages[code] = Entry(code, name, title, text.replace("``", "`"))
    return dict(sorted(pages.items()))


def _room_tables() -> Iterator[tuple[str, tuple[str, str, str]]]:
    """The findings of rooms that keep a table of their own: a mapping ``FINDING_KINDS`` in any module of theirs."""
    package = Path(__file__).resolve().parents[1]
    for file in sorted(package.rglob("*.py")):
        if not re.search(r"^FINDING_KINDS\b", file.read_text(encoding="utf-8"), re.MULTILINE):
            continue
        name = ".".join((package.name, *file.relative_to(package).with_suffix("").parts)).removesuffix(".__init__")
        for kind in import_module(name).FINDING_KINDS.values():
            yield kind.code, (kind.name, kind.title, kind.explanation)


WRITTEN = "Written from the rules by `python -m mcc_registry.cli.finding_pages`."


def files() -> dict[str, str]:
    """File name to text of every page and the index."""
    index = ["# Findings", "", "Every finding has a code that never changes its meaning.", ""]
    index += ["| code | name | what it says |", "|---|---|---|"]
    pages = {f"{name}.md": [f"# Findings: {title}", ""] for name, title in GROUPS.values()}
    for entry in collect().values():
        title = entry.title.rstrip(".").replace("|", "\\|")
        index.append(f"| [{entry.code}]({entry.link}) | {entry.name} | {title} |")
        pages[entry.page] += entry.markdown()
    pages = {"README.md": [*index, ""], **pages}
    return {name: "\n".join([*lines, WRITTEN, ""]).replace("``", "`") for name, lines in pages.items()}


def stale(root: Path) -> list[str]:
    """Pages that are missing, differ, or belong to no finding any more."""
    folder = root / FOLDER
    wanted = files()
    have = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.md")} if folder.is_dir() else {}
    return sorted(name for name in {*wanted, *have} if wanted.get(name) != have.get(name))


def write(root: Path) -> list[str]:
    """Bring the pages up to date; the names of those that changed."""
    folder = root / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    wanted = files()
    changed = stale(root)
    for name in changed:
        if name in wanted:
            (folder / name).write_text(wanted[name], encoding="utf-8")
        else:
            (folder / name).unlink()
    return changed


if __name__ == "__main__":
    home = Path(__file__).resolve().parents[2]
    if "--check" in sys.argv[1:]:
        behind = stale(home)
        print("\n".join(behind) if behind else "current")
        sys.exit(1 if behind else 0)
    print("\n".join(write(home)) or "current")
