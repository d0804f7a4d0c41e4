"""How numbers of the spiking segment were set: each so that one examination comes out as published.

    python calibration/segment.py          each number, its examination, what is published and what comes out
    python calibration/segment.py --fit    what each number would have to be to meet it exactly, the others as they are

One number has one examination, and the fit is by hand: numbers are rounded, and stay while what comes out is within the
error. The errors are those of the tests that hold the segment to the same examinations.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from eutonia import parameters, session
from eutonia.errors import EutoniaError
from eutonia.tone.segment import movements, protocols, stimuli
from eutonia.tone.segment.cells import Sizes
from eutonia.tone.segment.condition import Condition
from eutonia.tone.segment.network import Segment
from eutonia.tone.segment.protocols import Person

SPASTIC, COPIES = 3.0, 12


def person(bias: float, effect: float = 0.0, share: float | None = None) -> Person:
    """Return who is examined, mV of bias and share of the largest GABA-B effect."""
    return Person(Condition.of_bias([bias]).with_gaba_b(effect, share))


def bolus() -> float:
    """Return the GABA-B effect an hour after 50 ug."""
    return parameters.load("segment").value("bolus_effect", "1")


def h_over_m(effect: float = 0.0, share: float | None = None) -> float:
    """Return H/M of a spastic segment."""
    return protocols.recruitment(person(SPASTIC, effect, share), COPIES).h_over_m


def resting_units() -> float:
    """Return the share of low-threshold units of a spastic segment that discharge at rest."""
    condition = Condition.of_bias(list(np.linspace(0.0, 4.0, COPIES)))
    activity = Segment.of(condition, Sizes(), person=[0] * COPIES).run(stimuli.rest(1.0, COPIES))
    return float(np.interp(SPASTIC, np.linspace(0.0, 4.0, COPIES), protocols.resting_share(activity)))


@dataclass(frozen=True)
class Check:
    """A record (its place on its axis), the examination that it serves, what is published, and its error."""

    record: str
    unit: str
    text: str
    published: float
    error: float
    found: Callable[[], float]
    place: str = ""

    @property
    def shipped(self) -> float:
        """The number as it ships."""
        of, _, name = self.record.partition(".")
        record = parameters.load(of)[name].to(self.unit)
        return record.along([self.place])[0] if self.place else record.value

    def at(self, value: float) -> float:
        """Return what comes out with another number, less what is published; NaN where nothing can be read."""
        key = self.record + (f".{self.place}" if self.place else "")
        try:
            with parameters.using({key: f"{value!r} {self.unit}"}):
                return self.found() - self.published
        except EutoniaError:
            return float("nan")


CHECKS = (
    Check("segment.ia_conductance", "1", "H/M in spasticity", 0.62, 0.06, h_over_m),
    Check("segment.background_drive", "mV", "low-threshold units that discharge at rest", 0.83, 0.2, resting_units),
    Check(
        "segment.post_conductance", "1", "H/M an hour after 50 ug, all postsynaptic", 0.14, 0.05,
        lambda: h_over_m(bolus(), 0.0), "postsynaptic alone",
    ),
    Check(
        "segment.post_conductance", "1", "H/M an hour after 50 ug", 0.14, 0.05,
        lambda: h_over_m(bolus()), "presynaptic alone",
    ),
    Check(
        "segment.backfire_per_mv", "mV", "F-wave persistence an hour after 50 ug", 0.75, 0.14,
        lambda: protocols.f_wave(person(SPASTIC, bolus())).persistence,
    ),
    Check(
        "segment.pic_conductance", "1", "delta-F in spasticity, 1/s", 4.0, 1.6,
        lambda: movements.paired_units(person(SPASTIC)).delta_f,
    ),
)  # fmt: skip


def exact(check: Check) -> float:
    """Return the number at which the examination comes out as published, between half and twice; NaN if none does."""
    low, high = 0.5 * check.shipped, 2.0 * check.shipped
    ends = check.at(low), check.at(high)
    if not np.isfinite(ends).all() or ends[0] * ends[1] > 0.0:
        return float("nan")
    return float(brentq(check.at, low, high, xtol=0.02 * check.shipped))


def main() -> None:
    """Print the table."""
    session.begin()
    for check in CHECKS:
        gap = check.at(check.shipped)
        name = f"{check.record} {check.place}".strip()
        line = (
            f"{name:45s} {check.shipped:8.4g}  {check.text:45s} {check.published:6.3g} ({check.error:g}), here "
            f"{check.published + gap:6.3g}: {gap / check.error:+.1f}"
        )
        print(line + (f"; exact at {exact(check):.4g}" if "--fit" in sys.argv else ""), flush=True)


if __name__ == "__main__":
    main()
