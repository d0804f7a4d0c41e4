"""The scores of a run, one row each, in parts that are read when they are asked for: a table of a million people is
never in memory unless somebody wants it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING

from eutonia._printed import Printed

if TYPE_CHECKING:
    import polars

#: The columns of a table of scores, in their order, and those that are text.
COLUMNS = ("patient", "replicate", "phase", "arm", "visit", "time_h", "limb", "scale", "item", "score", "rater")
TEXT = ("phase", "arm", "visit", "limb", "scale", "item", "rater")
_SHARED = (*TEXT, "time_h")
# Rows that are made at once: as many as polars puts into one row group.
_ROWS = 262_144


@dataclass(frozen=True)
class ScorePart:
    """Scores of one item at one visit of an arm: what all its rows share, and how to read patient, replicate, score."""

    phase: str
    arm: str
    visit: str
    time_h: float
    limb: str | None
    scale: str
    item: str
    rater: str
    read: Callable[[], polars.DataFrame]

    def frames(self) -> Iterator[polars.DataFrame]:
        """Yield the rows, not too many at once."""
        import polars as pl

        shared = [pl.lit(getattr(self, name), dtype=pl.String).alias(name) for name in TEXT]
        time = pl.lit(self.time_h, dtype=pl.Float64).alias("time_h")
        for rows in self.read().iter_slices(_ROWS):
            yield rows.with_columns(*shared, time).select(COLUMNS)


class ScoreTable:
    """All scores of a run; `parts` in the order of the table."""

    def __init__(self, parts: Sequence[ScorePart], people: Callable[[], int]) -> None:
        """Know the parts, and how to count who has a score."""
        self._parts, self._people = parts, people

    @classmethod
    def of(cls, table: polars.DataFrame) -> ScoreTable:
        """Return the scores of a table that is in memory already."""
        return _Held(table)

    def __reduce__(self) -> tuple[Callable[[polars.DataFrame], ScoreTable], tuple[polars.DataFrame]]:
        """Go to another process, or into a copy, as the table itself: where it is read from stays here."""
        return ScoreTable.of, (self.table(),)

    @property
    def parts(self) -> Sequence[ScorePart]:
        """What is there to be read."""
        return self._parts

    @property
    def is_empty(self) -> bool:
        """Whether nothing is scored."""
        return not self.parts

    def no_rows(self) -> polars.DataFrame:
        """Return the table without its rows."""
        return empty()

    @cached_property
    def people(self) -> int:
        """How many people have a score."""
        return self._people()

    def frames(self, parts: Sequence[ScorePart] | None = None) -> Iterator[polars.DataFrame]:
        """Yield the rows of some parts, or of all, in order, as tables of about equal height."""
        import polars as pl

        waiting: list[polars.DataFrame] = []
        for part in self.parts if parts is None else parts:
            for frame in part.frames():
                if waiting and sum(map(len, waiting)) + len(frame) > _ROWS:
                    yield pl.concat(waiting)
                    waiting = []
                waiting.append(frame)
        if waiting:
            yield pl.concat(waiting)

    def table(self, parts: Sequence[ScorePart] | None = None) -> polars.DataFrame:
        """Return the rows of some parts, or of all, as one table."""
        import polars as pl

        text = [pl.col(name).cast(pl.Categorical) for name in TEXT]
        frames = [frame.with_columns(text) for frame in self.frames(parts)]
        return pl.concat(frames) if frames else empty().with_columns(text)


class _Held(ScoreTable):
    """Scores of which the table is there."""

    def __init__(self, table: polars.DataFrame) -> None:
        self._table = table
        super().__init__((), lambda: 0 if self.is_empty else table.select("replicate", "patient").unique().height)

    @cached_property
    def parts(self) -> Sequence[ScorePart]:
        bare = ["patient", "replicate", "score"]
        groups = [] if self.is_empty else self._table.partition_by(_SHARED, maintain_order=True)
        return [
            ScorePart(**{name: rows[name][0] for name in _SHARED}, read=partial(rows.select, bare)) for rows in groups
        ]

    @property
    def is_empty(self) -> bool:
        return self._table.is_empty()

    def no_rows(self) -> polars.DataFrame:
        return self._table.clear()

    def frames(self, parts: Sequence[ScorePart] | None = None) -> Iterator[polars.DataFrame]:
        return super().frames(parts) if parts is not None else self._table.iter_slices(_ROWS)

    def table(self, parts: Sequence[ScorePart] | None = None) -> polars.DataFrame:
        return super().table(parts) if parts is not None else self._table


def empty() -> polars.DataFrame:
    """Return a table of no scores."""
    import polars as pl

    numbers = {"patient": pl.Int64, "replicate": pl.Int32, "time_h": pl.Float64, "score": pl.Float64}
    return pl.DataFrame(schema={name: numbers.get(name, pl.String) for name in COLUMNS})


class Scored(Printed):
    """A result with scores: their tables are made when they are asked for, and then kept."""

    scores: ScoreTable
    potential_scores: ScoreTable | None

    @cached_property
    def visits(self) -> polars.DataFrame:
        """One row a score, everybody in the arm that they were allocated to."""
        return self.scores.table()

    @cached_property
    def potential(self) -> polars.DataFrame | None:
        """The columns of `visits` for the arms that people were not allocated to, where asked for."""
        return None if self.potential_scores is None else self.potential_scores.table()
