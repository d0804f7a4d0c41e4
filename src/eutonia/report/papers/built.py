"""All published results beside predictions, as one thing that prints itself."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eutonia._printed import Printed
from eutonia.report.papers import judged
from eutonia.report.papers.judged import Judged

if TYPE_CHECKING:
    import polars

_SHOWN = 6


@dataclass(frozen=True, repr=False)
class PaperTables(Printed):
    """Published results beside predictions, graded by interval and by margin.

    `rows` has one entry a number; `moved` says what is not as the last build had it; `printed` is the page as Markdown;
    `record` what the next build is laid beside.
    """

    rows: tuple[Judged, ...]
    moved: tuple[str, ...]
    printed: str
    record: Mapping[str, Any]

    def frame(self) -> polars.DataFrame:
        """Return one row a number: source, key, unit, predicted, low, high, published, verdicts, margin, CRPS."""
        import polars as pl

        return pl.DataFrame([dataclasses.asdict(row) for row in self.rows], infer_schema_length=None)

    def prose(self) -> str:
        """Return versions, what moved, and how the predictions of the trials are judged."""
        build = self.record["build"]
        trials = [row for row in self.rows if row.crps is not None]
        told = [f"Eutonia {build['version']}, {build['replicates']} replicate trials."]
        told += [" ".join(self.moved[:_SHOWN]) or "Nothing was built before."]
        told += [f"{len(self.moved) - _SHOWN} more moved: see the page."] if len(self.moved) > _SHOWN else []
        told += [f"Trials: {judged.summary(trials)}"] if trials else []
        single = [row for row in self.rows if row.crps is None]
        told += [f"Single papers: {judged.summary(single)}"] if single else []
        return " ".join([*told, "Research and teaching only, no medical device."])
