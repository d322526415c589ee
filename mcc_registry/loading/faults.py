"""Every fault that reading can find, before anything is known about meaning; rules of meaning are in ``validate``."""

from __future__ import annotations

from ..errors import Fact, Finding, FindingKind, Severity

FAULT_KINDS: dict[str, FindingKind] = {
    kind.name: kind
    for kind in (
        FindingKind(
            "MCC501",
            "file-unreadable",
            "A registry file cannot be read",
            "The file is missing, is no regular file, may not be read, or is a symbolic link that leaves its "
            "registry. Everything a layer says must lie inside the layer's own folder.",
        ),
        FindingKind(
            "MCC502",
            "file-not-text",
            "A registry file is not UTF-8 text",
            "Registry files are UTF-8 without control characters. A byte order mark is tolerated.",
        ),
        FindingKind(
            "MCC503",
            "version-not-text",
            "A version or another text is written as a number",
            "Unquoted 0.10 is a number in YAML and loses its last zero, and an account number may lose its first. "
            "Everything that is text but starts like a number is quoted.",
        ),
        FindingKind(
            "MCC504",
            "yaml-syntax",
            "A registry file is not YAML",
            "The file stops being YAML at the place named: an unclosed quote or bracket, wrong indentation, a tab, "
            "or a file that was cut off.",
        ),
        FindingKind(
            "MCC505",
            "yaml-feature",
            "A registry file uses a part of YAML that registries do without",
            "Anchors, aliases, tags, tabs, several documents in one file and keys that are not text are refused: "
            "they hide what a row says, and some of them can be used to exhaust memory.",
        ),
        FindingKind(
            "MCC506",
            "duplicate-key",
            "A key stands twice in one mapping",
            "YAML readers silently keep one of the two. Remove or rename one.",
        ),
        FindingKind(
            "MCC507",
            "too-large",
            "A registry file or folder is larger or deeper than any registry needs",
            "Limits keep a broken or hostile layer from exhausting the machine.",
        ),
        FindingKind(
            "MCC508",
            "misplaced-file",
            "A YAML file lies where no registry reads it",
            "A file in the wrong folder or with the wrong ending would be ignored silently, so it is refused.",
        ),
        FindingKind("MCC510", "missing-key", "A required key is missing", "The row says less than its kind needs."),
        FindingKind(
            "MCC511",
            "unknown-key",
            "A key is not one its kind has",
            "Usually a misspelling; the nearest name is suggested. Unknown keys are never ignored.",
        ),
        FindingKind(
            "MCC512",
            "wrong-type",
            "A value is of the wrong type",
            "The value is, for example, a list where a text is wanted. ``yes``, ``no``, ``on`` and ``off`` are "
            "text; only ``true`` and ``false`` are booleans.",
        ),
        FindingKind(
            "MCC513",
            "wrong-value",
            "A value has the right type but is not allowed",
            "The value is outside its choices, its pattern or its range.",
        ),
        FindingKind(
            "MCC514",
            "layer-missing",
            "A registry layer is not there",
            "``REGISTRY_PATH`` or ``registry_path`` names a folder that does not exist, is no folder or holds no "
            "registry file. A layer is never skipped silently.",
        ),
        FindingKind(
            "MCC515",
            "nothing-to-remove",
            "A layer removes an entry that does not exist",
            "``null`` removes an entry of the registries below. What it names is not there, so it is misspelled, or "
            "it was removed already.",
        ),
        FindingKind(
            "MCC516",
            "duplicate-row",
            "Two rows of one list have the same key",
            "A release, model, instance type or parameter stands twice in one file; which counts would be chance.",
        ),
        FindingKind(
            "MCC554",
            "template-syntax",
            "A chat template is no Jinja template",
            "A file of ``chat_templates`` that cannot be parsed would keep the engine from starting: the line is named. "
            "It is parsed as engines do, in the sandbox, and not run.",
        ),
    )
}


def get_fault(
    name: str, text: str, source: str, *, key: str = "", hint: str = "", fact: str = "", severity: Severity = "error"
) -> Finding:
    """One registry fault as a finding.

    Args:
        name: name of the kind of fault.
        text: what is wrong, in one line.
        source: ``PATH:LINE`` or ``PATH``.
        key: key path inside the file, "" when the whole file is meant.
        hint: the smallest change that works.
        fact: why it is wrong.
        severity: an error unless said otherwise.
    """
    path = source.rpartition(":")[0] or source
    facts = (Fact(fact, path, key),) if fact else ()
    code = FAULT_KINDS[name].code
    return Finding(code, severity, key or "registry_path", f"{name}: {text}", hint, source, name, facts)


def place_of(finding: Finding) -> tuple[str, int, str]:
    """Sort key of a fault: file, line, code."""
    path, _, line = finding.source.rpartition(":")
    return (path, int(line), finding.code) if path and line.isdigit() else (finding.source, 0, finding.code)


def key_text(path: tuple[str | int, ...]) -> str:
    """A key path as people write it.

    Example:
        >>> key_text(("releases", 2, "version"))
        'releases[2].version'
    """
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif part.replace("_", "").replace("-", "").isalnum():
            text += f".{part}" if text else part
        else:
            text += f"[{part}]"
    return text
