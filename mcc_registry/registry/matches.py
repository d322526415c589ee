"""What the Model Registry says about a model name: the row that matched and what it inherits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..patterns import does_match, specificity

if TYPE_CHECKING:
    from ..models.model import Chat, ModelFamily, ModelProfile, ModelRow


@dataclass(frozen=True, slots=True)
class ModelMatch:
    """What the Model Registry says about one model name.

    An exact row also inherits from the best pattern of its family: settings, profiles and compatibility that hold
    for a whole line of models are written once, on the pattern.

    Attributes:
        name: the name that was asked for.
        match: ``exact`` or ``pattern``.
        matched: the row's key.
        family_id: the family's id.
        family: the family's rows.
        row: the row that matched.
        file: the file that last said something about the row.
        layer: name of that layer.
        pattern_row: for an exact match, the best matching pattern of the same family.
        file_of: the file that last said something about an entry of the family's file.
    """

    name: str
    match: str
    matched: str
    family_id: str
    family: ModelFamily
    row: ModelRow
    file: str
    layer: str
    pattern_row: ModelRow | None = field(default=None, compare=False)
    file_of: Callable[[str, str], str] | None = field(default=None, compare=False, repr=False)

    @property
    def rows(self) -> tuple[ModelRow, ...]:
        """The rows that speak about the name, the weakest first."""
        return (self.row,) if self.pattern_row is None else (self.pattern_row, self.row)

    def settings(self, engine: str, inner: str | None = None) -> dict[str, Any]:
        """Canonical name to value for an engine: family, then pattern, then exact row; engine-specific ones win.

        Args:
            engine: the framework.
            inner: the engine inside it (``engine_of``), whose settings count below its own.
        """
        merged: dict[str, Any] = {}
        parts: tuple[ModelFamily | ModelRow, ...] = (self.family, *self.rows)
        for part in parts:
            merged.update(part.settings)
            merged.update(part.engine_settings.get(inner, {}) if inner is not None else {})
            merged.update(part.engine_settings.get(engine, {}))
        return merged

    @property
    def key(self) -> str:
        """The row that matched, as it is named in its file."""
        return f"{'models' if self.match == 'exact' else 'patterns'}[{self.matched}]"

    def place_of_setting(self, name: str, engine: str, inner: str | None = None) -> tuple[str, str]:
        """File and key of the row that says the value of :meth:`settings`, for the same engines."""
        engines = [e for e in (engine, inner) if e is not None]
        for row in reversed(self.rows):
            if name in row.settings or any(name in row.engine_settings.get(e, {}) for e in engines):
                return self._place_of_row(row)[0], f"{row.match}.settings.{name}"
        said = next((e for e in engines if name in self.family.engine_settings.get(e, {})), None)
        key, at = ("settings", name) if said is None else ("engine_settings", said)
        return (self.file if self.file_of is None else self.file_of(key, at)), f"settings.{name}"

    def place_of_profile(self, profile: str) -> str:
        """The file that last said something about the row a profile is from."""
        row = next((row for row in reversed(self.rows) if profile in row.profiles), self.row)
        return self._place_of_row(row)[0]

    def _place_of_row(self, row: ModelRow) -> tuple[str, str]:
        """File and key of one of :attr:`rows`."""
        is_pattern = row is self.pattern_row or self.match == "pattern"
        collection = "patterns" if is_pattern else "models"
        file = self.file if self.file_of is None else self.file_of(collection, row.match)
        return file, f"{collection}[{row.match}]"

    @property
    def framework_compatibility(self) -> dict[str, str]:
        """Engine to the specifier of releases that run the model."""
        merged = dict(self.family.framework_compatibility)
        for row in self.rows:
            merged.update(row.framework_compatibility)
        return merged

    @property
    def profiles(self) -> dict[str, ModelProfile]:
        """Profile name to profile."""
        merged: dict[str, ModelProfile] = {}
        for row in self.rows:
            merged.update(row.profiles)
        return merged

    @property
    def chat(self) -> Chat | None:
        """How conversations are written: the row's word, else the pattern's, else the family's."""
        for row in reversed(self.rows):
            if row.chat is not None:
                return row.chat
        return self.family.chat

    @property
    def requires_template(self) -> bool:
        """Whether the model's repository lacks the template its engine needs."""
        return self.family.requires_template or any(row.requires_template for row in self.rows)

    def profile_for(self, name: str | None = None) -> str | None:
        """The profile whose own patterns fit an id best, None when none does."""
        wanted = self.name if name is None else name
        best: tuple[int, str] | None = None
        for profile, row in self.profiles.items():
            fits = [specificity(p) for p in row.match if does_match(p, wanted)]
            if fits and (best is None or max(fits) > best[0]):
                best = (max(fits), profile)
        return best[1] if best else None
