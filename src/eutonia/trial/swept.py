"""What a sweep of some fields of a study finds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from eutonia._printed import Printed

if TYPE_CHECKING:
    import polars


@dataclass(frozen=True, repr=False)
class Swept(Printed):
    """A study at every combination of some of its fields.

    Parameters
    ----------
    study_name : str
        The study.
    fields : tuple of str
        The paths that were swept, the last of which varies fastest.
    is_held : bool
        Whether the numbers of the science were held at their records, so that intervals hold luck alone.
    table : polars.DataFrame
        One column a field with its value as text, and the columns of `StudyResult.frame()`.
    characteristics : polars.DataFrame or None
        The same columns before those of `StudyResult.analysed.characteristics`; none where no analysis is said.
    run : mapping
        What it rests on.
    """

    study_name: str
    fields: tuple[str, ...]
    is_held: bool
    table: polars.DataFrame
    characteristics: polars.DataFrame | None
    run: Mapping[str, Any] = field(default_factory=dict)

    @property
    def points(self) -> list[tuple[str, ...]]:
        """The combinations of values, in order."""
        return [tuple(row) for row in self.table.select(self.fields).unique(maintain_order=True).rows()]

    def prose(self) -> str:
        """Return what was swept."""
        return f"{self.study_name} at {len(self.points)} combinations of {', '.join(self.fields)}."

    def frame(self) -> polars.DataFrame:
        """Return every reported quantity at every point."""
        return self.table
