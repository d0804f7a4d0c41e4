"""The verb fit: what resists in a recorded limb. Twin of `eutonia fit-stretch`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eutonia._arguments import CALL, TEXT, WHOLE, Kind, accepts
from eutonia._printed import Printed
from eutonia._progress import Progress, silent
from eutonia.inference.recording import Recording, read
from eutonia.inference.stretch_fit import StretchFit
from eutonia.report.fit import files as report

if TYPE_CHECKING:
    import polars

Trace = str | os.PathLike[str] | Recording

_ONE = (str, os.PathLike, Recording)
_TRACES = Kind(
    "a path, a recording, or a list of them",
    '"trace.csv"',
    lambda given: (
        isinstance(given, _ONE) or (isinstance(given, list | tuple) and all(isinstance(one, _ONE) for one in given))
    ),
)
_SIZE = TEXT.or_none()


@dataclass(frozen=True, repr=False)
class FitResult(Printed):
    """Recordings fitted: all that the `fit` says, and `run` to repeat it."""

    fit: StretchFit
    run: Mapping[str, Any]

    def prose(self) -> str:
        """Return the share of the resistance that is neural, and what the recording does not tell."""
        return f"{report.headline(self.fit)} {report.agrees(self.fit)} Not a medical device."

    def frame(self) -> polars.DataFrame:
        """Return a row a number: name, label, symbol, unit, median, 95 % interval, interval before, determined."""
        import polars as pl

        words, numbers = ("name", "label", "symbol", "unit"), ("middle", "low", "high", "before_low", "before_high")
        schema = {**dict.fromkeys(words, pl.String), **dict.fromkeys(numbers, pl.Float64), "determined": pl.String}
        rows = [tuple(getattr(one, column) for column in schema) for one in self.fit.estimates]
        return pl.DataFrame(rows, schema=schema, orient="row").rename({"middle": "median"})

    def write(self, folder: str | os.PathLike[str]) -> Path:
        """Write page, summary, table and record into a folder, whole or not at all."""
        return report.write(self.fit, self.run, folder)


@accepts(
    traces=_TRACES, test=TEXT, joint=TEXT, weight=_SIZE, height=_SIZE, shank_length=_SIZE, seed=WHOLE, progress=CALL
)
def fit(
    traces: Trace | Sequence[Trace],
    test: str,
    joint: str = "knee",
    *,
    weight: str | None = None,
    height: str | None = None,
    shank_length: str | None = None,
    seed: int = 0,
    progress: Progress = silent,
) -> FitResult:
    """Fit a recorded stretch or pendulum test of one person: threshold, gain, tone, stiffness, and what it cannot tell.

    Parameters
    ----------
    traces : path, Recording or a list of them
        .csv with time_s, angle_deg and, for a stretch, torque_Nm; several files are stretches at several speeds.
    test : str
        "pendulum" (the leg is let go) or "ramp" (a stretch by hand or motor).
    joint : str
        Joint that was moved.
    weight, height, shank_length : str or None
        Body size with units ("71 kg", "175 cm", "42 cm"), instead of what the files say.
    seed : int
        Start of all random draws.
    progress : callable
        Called with a stage and the share of it that is done, 0 to 1.

    Returns
    -------
    FitResult
        `frame()` has every number with its interval, `fit` all that is known, `write(folder)` page and tables.

    Raises
    ------
    RecordingError
        A recording, a test or a body that a fit cannot use.
    ArgumentError
        An argument of another type.

    Notes
    -----
    **Equation** and **Source**: `eutonia.inference.stretch_fit`. **Not for** voluntary movement; no medical device.
    """
    many = traces if isinstance(traces, list | tuple) else (traces,)
    recordings = [one if isinstance(one, Recording) else read(Path(one)) for one in many]
    sizes = {"weight": weight, "height": height, "shank_length": shank_length}
    return FitResult(*report.run(recordings, test, joint, sizes, seed, progress))
