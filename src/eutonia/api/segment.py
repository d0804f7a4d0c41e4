"""The verb examine_segment: a spiking spinal segment examined. Twin of `eutonia segment`."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eutonia import _units, parameters, session
from eutonia._arguments import NUMBER, TEXT, WHOLE, accepts
from eutonia._printed import Printed
from eutonia.assessment import segment as examinations
from eutonia.errors import SimulationError, unknown
from eutonia.report.segment import files as report
from eutonia.simulation import segment as cord
from eutonia.simulation.segment import Person, SegmentFinding
from eutonia.trial.record import repeat, run_record

if TYPE_CHECKING:
    import polars

_FEWEST_CELLS, _MOST_CELLS = 400, 20_000


@dataclass(frozen=True, repr=False)
class SegmentResult(Printed):
    """A segment examined: what was found, in whom (`facts`, name and value), and `run` to repeat it."""

    finding: SegmentFinding
    facts: tuple[tuple[str, str], ...]
    run: Mapping[str, Any]

    def prose(self) -> str:
        """Return what was examined, in whom, and every number with its unit."""
        who = ", ".join(f"{name.lower()} {value}" for name, value in self.facts)
        numbers = "; ".join(" ".join(map(str, report.said(one))).strip() for one in self.finding.numbers)
        return f"{self.finding.title}: {who}. {numbers}."

    def frame(self) -> polars.DataFrame:
        """Return a row a number: protocol, what, value, unit; null where there is none to tell."""
        import polars as pl

        rows = [(self.finding.protocol, one.label, one.value, one.unit) for one in self.finding.numbers]
        schema = {"protocol": pl.String, "what": pl.String, "value": pl.Float64, "unit": pl.String}
        return pl.DataFrame(rows, schema=schema, orient="row").with_columns(pl.col("value").fill_nan(None))

    def write(self, folder: str | os.PathLike[str]) -> Path:
        """Write page, numbers, impulses and traces into a folder, whole or not at all."""
        return report.write(self.finding, folder, self.run, self.facts)


@accepts(
    severity=TEXT.or_none(),
    bias=TEXT.or_none(),
    csf=TEXT.or_none(),
    presynaptic_share=NUMBER.or_none(),
    presynaptic_inhibition=NUMBER.or_none(),
    protocol=TEXT,
    cells=WHOLE,
    seed=WHOLE,
)
def examine_segment(
    severity: str | None = None,
    *,
    bias: str | None = None,
    csf: str | None = None,
    presynaptic_share: float | None = None,
    presynaptic_inhibition: float | None = None,
    protocol: str = "h-reflex",
    cells: int = 2000,
    seed: int = 1,
) -> SegmentResult:
    """Examine a spiking spinal segment of soleus and tibialis anterior.

    Parameters
    ----------
    severity, bias : str or None
        "healthy", "spastic" or "severe", or a descending bias with its unit: "2.5 mV". Spastic when neither is given.
    csf : str or None
        Baclofen in the spinal fluid, steady for long, with its unit: "300 ng/mL".
    presynaptic_share, presynaptic_inhibition : float or None
        Where GABA-B acts (0 motoneuron alone, 1 Ia release alone); inhibition of Ia terminals at rest, share of the
        release. Those of the records when left out.
    protocol : str
        rest, h-reflex, recruitment, depression, inhibition, f-wave, ramp, contraction or clonus.
    cells, seed : int
        Cells of the segment, 400 to 20,000; start of all luck.

    Returns
    -------
    SegmentResult
        `frame()` has the numbers, `finding.curve` what was read against what was varied, `write(folder)` everything.

    Raises
    ------
    ArgumentError
        An argument of another type.
    SimulationError
        No such severity or protocol, both severity and bias, or a number that no segment has.
    UnitError
        A bias or a level without its unit.

    Notes
    -----
    **Equation** and **Source**: `eutonia.tone.segment`. **Not for** the arm.
    """
    severity = _severity(severity, bias)
    _check(protocol, cells, presynaptic_share)
    session.begin()
    level = 0.0 if csf is None else _units.parse(csf, "concentration_csf", "csf (--csf)")
    began = time.perf_counter()
    with parameters.recording() as used:
        depth = cord.preset(severity) if bias is None else _units.parse(bias, "potential", "bias (--bias)")
        who = cord.person(depth, level, presynaptic_share, cells, seed, presynaptic_inhibition)
        found = examinations.examine(protocol, who)
    shares = {"presynaptic_share": presynaptic_share, "presynaptic_inhibition": presynaptic_inhibition}
    said = {"severity": None if bias else severity, "bias": bias, "csf": csf, "protocol": protocol, **shares}
    command = repeat("segment", **said, cells=cells, seed=seed)
    run = run_record(seed, "", used, time.perf_counter() - began, command=command)
    return SegmentResult(found, _facts(who, depth, level), run)


def check(bias: str, csf: str, protocol: str, cells: int) -> None:
    """Refuse what `examine_segment` would refuse of these, without examining anything."""
    _check(protocol, cells, None)
    session.begin()
    level = _units.parse(csf, "concentration_csf", "csf (--csf)")
    cord.person(_units.parse(bias, "potential", "bias (--bias)"), level, None, _FEWEST_CELLS, 1, None)


def _check(protocol: str, cells: int, presynaptic_share: float | None) -> None:
    if protocol not in examinations.EXAMINATIONS:
        raise SimulationError(unknown("protocol", protocol, examinations.EXAMINATIONS, "Choose one of them."))
    if not _FEWEST_CELLS <= cells <= _MOST_CELLS:
        near = min(max(cells, _FEWEST_CELLS), _MOST_CELLS)
        raise SimulationError(
            f"a segment of {cells} cells. Allowed: {_FEWEST_CELLS} to {_MOST_CELLS:,}. Nearest: {near}. Correct it."
        )
    if presynaptic_share is not None and not 0.0 <= presynaptic_share <= 1.0:
        raise SimulationError(
            f"presynaptic_share is {presynaptic_share:g}. Allowed: 0 (motoneuron alone) to 1 (Ia release alone). "
            "Nearest: 0.5. Correct it."
        )


def _facts(who: Person, depth: float, level: float) -> tuple[tuple[str, str], ...]:
    """Return what was examined, in words."""
    return (
        ("Descending bias", f"{depth:g} mV"),
        ("Baclofen in spinal fluid", f"{level:g} ng/mL"),
        ("Ia release left", f"{float(who.condition.release[0]):.0%}"),
        ("Presynaptic inhibition", f"{float(who.condition.pad_rest[0]):.0%}"),
        ("Cells", str(who.sizes.total)),
    )


def _severity(severity: str | None, bias: str | None) -> str:
    """Return the severity that is meant."""
    if severity is not None and bias is not None:
        raise SimulationError(
            f'severity "{severity}" (--severity) and bias "{bias}" (--bias) were both given. Allowed: one of '
            "them, for both set the descending bias. Nearest: the bias alone. Leave one out."
        )
    if severity is not None and severity not in cord.PRESETS:
        raise SimulationError(unknown("severity", str(severity), cord.PRESETS, 'Or give a bias, such as "2.5 mV".'))
    return severity or "spastic"
