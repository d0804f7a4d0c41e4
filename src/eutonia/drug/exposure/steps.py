"""The steps of many people as columns: what `timeline` makes of their records, and what the engine advances."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eutonia.drug.exposure.records import Floats, Ints


@dataclass(slots=True)
class Periodic:
    """A dose repeated for ever: every `interval` h, a bolus or an infusion; seen `phase` h after the last began.

    An interval of 0 is a constant infusion.
    """

    into: int
    amount: float
    rate: float
    duration: float
    interval: float
    phase: float


@dataclass(slots=True)
class Courses:
    """Steps of people: intervals under constant infusions and parameters, and what happens at their ends, in this
    order: emptied, steady state, doses, observed.

    Attributes
    ----------
    first, lengths
        The first step of each person, and how many follow one another.
    hours, rows
        Length of each step, and the record whose parameters hold.
    infusing, rates
        Which of the rates hold in each step, and the rates into every input; the first of them are none.
    emptied, steady
        Steps that empty every compartment, and steady states by step.
    dosed, into, amounts
        Steps with a dose, the input that each enters, and how much.
    seen, observed
        Steps that are observed, and the record of each observation.
    """

    first: Ints
    lengths: Ints
    hours: Floats
    rows: Ints
    infusing: Ints
    rates: Floats
    emptied: Ints
    steady: dict[int, Periodic]
    dosed: Ints
    into: Ints
    amounts: Floats
    seen: Ints
    observed: Ints

    def of(self, places: Ints) -> Ints:
        """Return whose some steps are."""
        order = np.argsort(self.first)
        return order[np.searchsorted(self.first[order], places, side="right") - 1]

    def longest(self) -> float:
        """Return the longest step or interval of a steady state, h."""
        return max(float(self.hours.max()), max((one.interval for one in self.steady.values()), default=0.0))


def joined(parts: Sequence[Courses]) -> Courses:
    """Return the steps of several groups of people as those of one."""
    if len(parts) == 1:
        return parts[0]
    steps = np.cumsum([0, *(len(one.hours) for one in parts)]).tolist()
    rates = np.cumsum([0, *(len(one.rates) for one in parts)]).tolist()

    def together(name: str, offset: Sequence[int] | None = None) -> NDArray[Any]:
        columns = [getattr(one, name) for one in parts]
        if offset is not None:
            columns = [column + by for column, by in zip(columns, offset, strict=False)]
        return np.concatenate(columns)

    return Courses(
        first=together("first", steps),
        lengths=together("lengths"),
        hours=together("hours"),
        rows=together("rows"),
        infusing=np.concatenate(
            [np.where(one.infusing > 0, one.infusing + by, 0) for one, by in zip(parts, rates, strict=False)]
        ),
        rates=together("rates"),
        emptied=together("emptied", steps),
        steady={i + by: what for one, by in zip(parts, steps, strict=False) for i, what in one.steady.items()},
        dosed=together("dosed", steps),
        into=together("into"),
        amounts=together("amounts"),
        seen=together("seen", steps),
        observed=together("observed"),
    )
