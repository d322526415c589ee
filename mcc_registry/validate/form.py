"""Rules about how a file is written, and about what no file may hold; private layers may be written as their owners like."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from ..errors import printable
from ..loading.documents import Document
from ..loading.kinds import schema_reference
from ..loading.yaml_text import parse_yaml
from ..secrecy import holds_secret, looks_secret
from .base import Context, Path, Problem, Rule
from .canonical import dump_canonical, top_comment


class SecretInRow(Rule):
    """A registry row holds no secret: it is published, or shared, and its settings are written into every project.

    Every text is looked at by its form (keys of well-known services, private keys, addresses with a password), settings
    also by their names (``api_key``, ``hf_token``). The value is never repeated.
    """

    code, name, title = "MCC550", "secret-in-row", "A registry row holds something that looks like a secret"

    def check(self, document: Document, data: dict[str, Any], context: Context) -> Iterator[Problem]:
        """See the class."""
        for path in self._places(data, (), False):
            yield Problem(
                path,
                "this looks like a secret (its value is not shown here)",
                "take it out, and have whoever issued it revoke it; a container gets HF_TOKEN or a Secrets Manager ARN",
            )

    def _places(self, value: Any, path: Path, is_setting: bool) -> Iterator[Path]:
        if isinstance(value, (dict, list)):
            for key, item in value.items() if isinstance(value, dict) else enumerate(value):
                here = (*path, key)
                inside = is_setting or key == "settings" or (bool(path) and path[-1] == "engine_settings")
                if (isinstance(key, str) and holds_secret(key)) or (
                    is_setting and key not in ("reason", "basis") and looks_secret(str(key), item)
                ):
                    yield here
                else:
                    yield from self._places(item, here, inside)
        elif isinstance(value, str) and holds_secret(value):
            yield path


class SchemaLine(Rule):
    """The first line tells editors where the file's JSON Schema is."""

    code, name, title = "MCC545", "schema-line", "A file does not begin with its editor schema line"
    shipped_only = True

    def check(self, document: Document, data: dict[str, Any], context: Context) -> Iterator[Problem]:
        """See the class."""
        wanted = schema_reference(document.kind)
        if document.text.split("\n", 1)[0].rstrip() != wanted:
            yield Problem((), "the editor schema line is missing", f"first line: {wanted}", line=1)


class NotCanonical(Rule):
    """A file is written in the one canonical way, so that differences are about data.

    ``mcc-registry validate`` names the first line that differs; ``python -m mcc_registry.validate.canonical FILE``
    rewrites files.
    """

    code, name, title = "MCC544", "not-canonical", "A file is not written in the canonical way"
    shipped_only = True

    def check(self, document: Document, data: dict[str, Any], context: Context) -> Iterator[Problem]:
        """See the class."""
        written = parse_yaml(document.text, document.shown).data
        first, _, rest = document.text.partition("\n")
        wanted = dump_canonical(written, document.kind, comment=top_comment(document.text))
        if first != schema_reference(document.kind):
            rest, wanted = document.text, wanted.partition("\n")[2]
        else:
            wanted = wanted.partition("\n")[2]
        skipped = 1 if rest is not document.text else 0
        pairs = zip_longest(rest.split("\n"), wanted.split("\n"))
        for number, (ours, theirs) in enumerate(pairs, start=1 + skipped):
            if ours != theirs:
                expected = "nothing" if theirs is None else printable(theirs.strip(), 60) or "an empty line"
                yield Problem((), "the file is not canonical from here on", f"expected here: {expected}", line=number)
                return


RULES = (NotCanonical, SchemaLine, SecretInRow)
