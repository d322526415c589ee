"""Run every rule over documents, and give each problem its file and line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from inspect import cleandoc

from ..errors import Fact, Finding
from ..loading.documents import Document, Documents
from ..loading.faults import key_text, place_of
from ..loading.layers import COLLECTIONS
from ..loading.load import Loaded
from ..loading.salvage import lines_of
from . import facts, form, naming, parameters, references
from .base import Context, Path, Problem, Rule

MAX_TOLD = 50
"""Problems told of one rule in one file, as of its shape (``yaml_text.MAX_FAULTS``); the search for them ends there."""

MAX_TOLD_OF_RULE = 500
"""Problems told of one rule in all files; one more says that there are others."""

RULES: tuple[type[Rule], ...] = tuple(
    sorted(
        (*facts.RULES, *references.RULES, *naming.RULES, *parameters.RULES, *form.RULES), key=lambda rule: rule.code
    )
)
"""Every rule of meaning, by code; a rule is in force when it is listed here."""


def run_rules(
    documents: Iterable[Document],
    everything: Documents,
    *,
    style: bool,
    broken: Collection[str] = (),
    rules: Iterable[type[Rule]] | None = None,
) -> list[Finding]:
    """The problems of some documents, sorted by file and line.

    Args:
        documents: the documents to judge, with positions.
        everything: all documents, which names may refer to.
        style: also run the rules only shipped registries must follow.
        broken: kinds of which a file could not be read; names of these kinds are not judged.
        rules: the rules to run; None = all.
    """
    context = Context(everything, broken)
    chosen = [rule() for rule in (RULES if rules is None else rules) if style or not rule.shipped_only]
    found: list[Finding] = []
    told: Counter[str] = Counter()
    for document in documents:
        found += _judge(document, context, [rule for rule in chosen if told[rule.code] <= MAX_TOLD_OF_RULE], told)
    return sorted(found, key=place_of)


def _judge(document: Document, context: Context, rules: Iterable[Rule], told: Counter[str]) -> Iterator[Finding]:
    data = document.read()
    for rule in rules:
        if (rule.kinds and document.kind not in rule.kinds) or (rule.shipped_only and document.wounds):
            continue
        before = told[rule.code]
        for problem in rule.check(document, data, context):
            if not _is_said_by(document, problem.path) or _follows(rule, problem, document):
                continue
            told[rule.code] += 1
            if told[rule.code] - before > MAX_TOLD or told[rule.code] > MAX_TOLD_OF_RULE:
                rest = "there are more of these, not shown"
                yield _finding(rule, replace(problem, text=rest, hint="correct those above first", fact=""), document)
                break
            yield _finding(rule, problem, document)


def _is_said_by(document: Document, path: Path) -> bool:
    """Whether the document's own layer says the node or the entry it belongs to."""
    if document.layer == 0 or not path or document.pos is None:
        return True
    here = document.pos
    for part in path[:2]:
        child = (here.children or {}).get(part)
        if child is None:
            return False
        here = child
    return True


def _follows(rule: Rule, problem: Problem, document: Document) -> bool:
    """Whether a problem only follows from a fault that is told already: the root cause is told once.

    A name that does not exist is a fault of its own, wherever it stands; anything else is judged only where the whole
    entry could be read.
    """
    if not document.wounds or document.pos is None:
        return False
    if not problem.path or (problem.line or document.pos.find(problem.path).line) in document.wounds:
        return True
    path = problem.path
    if not isinstance(rule, references.RULES):
        path = path[: 2 if path[0] in COLLECTIONS.get(document.kind, ()) else 1]
    here = document.pos
    for part in path:
        child = (here.children or {}).get(part)
        if child is None:
            return False
        here = child
    return not document.wounds.isdisjoint(lines_of(here))


def _finding(rule: Rule, problem: Problem, document: Document) -> Finding:
    line = problem.line
    source = f"{document.shown}:{line or 1}"
    if not line and document.pos is not None:
        source = document.pos.find(problem.path).source
    key = key_text(problem.path if document.pos is None else document.pos.as_said(problem.path))
    facts_found = (Fact(problem.fact, document.shown, key),) if problem.fact else ()
    message = f"{rule.name}: {problem.text}"
    return Finding(
        rule.code,
        problem.severity or rule.severity,
        key or "registry_path",
        message,
        problem.hint,
        source,
        rule.name,
        facts_found,
    )


def faults_of_layers(loaded: Loaded) -> list[Finding]:
    """Every fault of shape, and those of meaning in what the layers say, sorted by file and line; errors only."""
    found: list[Finding] = [*loaded.faults]
    below: Documents = dict(loaded.layers[0].documents)
    from ..loading.documents import lay_over

    for layer in loaded.layers[1:]:
        below = lay_over(below, layer)
        found += run_rules(layer.documents.values(), below, style=False, broken=loaded.broken)
        if layer.templates:
            from .templates import template_faults

            found += template_faults(layer)
    return sorted(dict.fromkeys(f for f in found if f.severity == "error"), key=place_of)


def catalogue() -> list[tuple[str, str, str, str]]:
    """Code, name, title and explanation of every registry fault and rule, by code, for the documentation."""
    from ..loading.faults import FAULT_KINDS

    rows = [(kind.code, kind.name, kind.title, kind.explanation) for kind in FAULT_KINDS.values()]
    rows += [(rule.code, rule.name, rule.title, cleandoc(rule.__doc__ or "")) for rule in RULES]
    return sorted(rows)
