"""What a therapy becomes in the spinal fluid: levels along the cord hour by hour, with what is not known as a band."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from itertools import pairwise

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from eutonia import parameters
from eutonia.drug.kinetics import CordSegment, IntrathecalValues, Kinetics, KineticState, SpinalGeometry
from eutonia.drug.kinetics.follow import follow
from eutonia.drug.kinetics.state import Patients
from eutonia.drug.pump.course import Delivery
from eutonia.drug.pump.dates import Date, next_dates
from eutonia.drug.pump.rules import Breach, breaches

#: Regions whose levels are told, by name.
SITES = {
    "lumbar": CordSegment.SAC,
    "thoracic": CordSegment.THORACIC,
    "cervical": CordSegment.CERVICAL,
    "cisternal": CordSegment.CISTERNAL,
}
#: The typical dispersion and the ends of its published range.
CASES = ("typical", "least spread", "most spread")

Hours = Float[np.ndarray, " time"]
Levels = Float[np.ndarray, "time case"]


@dataclass(frozen=True, slots=True)
class Forecast:
    """A therapy played through and followed into the fluid, for a typical adult.

    Attributes
    ----------
    course, dates, broken
        Delivery, next dates and broken rules.
    time_h
        Every hour from the start.
    segment
        Level in every segment from the sac up, ng/mL, by time and by `CASES`.
    tip, plasma
        Level that would be drawn from the catheter's tip, and in plasma, ng/mL.
    geometry
        Of the segments.
    unaccounted
        Drug that pump, fluid, tissue and blood together do not account for, as a share of what was filled: rounding.
    """

    course: Delivery
    dates: tuple[Date, ...]
    broken: tuple[Breach, ...]
    time_h: Hours
    segment: Float[np.ndarray, "time segment case"]
    tip: Levels
    plasma: Levels
    geometry: SpinalGeometry
    unaccounted: float

    def site(self, name: str) -> Levels:
        """Return the mean level of a region out of `SITES`, ng/mL."""
        return np.einsum("tsc,s->tc", self.segment, self.geometry.within(SITES[name]))

    def hourly(self, what: int) -> Hours:
        """Return what was pumped (0), left the tip (1) or leaked (2) in each hour, ug."""
        return self.course.totals(self.time_h)[what]


def forecast(course: Delivery) -> Forecast:
    """Follow what a pump delivers into the spinal fluid and the blood of a typical adult."""
    kinetics = _possible_people(course.therapy.tip)
    time_h = np.arange(0.0, np.floor(course.therapy.duration_h) + 1.0)
    pieces = [piece for piece in course.pieces if piece.hours > 0]
    moves = [one.at_h for one in course.implants]
    edges = np.unique(np.concatenate([time_h, moves, *([piece.start_h, piece.end_h] for piece in pieces)]))
    ends = np.array([piece.end_h for piece in pieces])
    index = np.minimum(np.searchsorted(ends, (edges[1:] + edges[:-1]) / 2.0), len(pieces) - 1)
    rate = np.array([piece.delivered for piece in pieces])[index]
    start = state = kinetics.initial_state()
    parts = [np.asarray(_look(kinetics, start, jnp.zeros(len(CASES))))[None]]
    turns = [*np.searchsorted(edges, moves).tolist(), len(rate)]
    for one, (first, last) in zip(course.implants, pairwise(turns), strict=True):
        if last > first:
            here = kinetics.with_tip(one.tip)
            state, seen = follow(here, state, np.diff(edges)[first:last], rate[first:last], _look)
            parts.append(seen)
    seen = np.concatenate(parts)
    hourly = seen[np.searchsorted(edges, time_h)]
    return Forecast(
        course=course,
        dates=next_dates(course.therapy),
        broken=breaches(course),
        time_h=time_h,
        segment=hourly[:, :-2],
        tip=hourly[:, -2],
        plasma=hourly[:, -1],
        geometry=kinetics.spinal.geometry,
        unaccounted=_unaccounted(course, kinetics, state),
    )


def _possible_people(tip: str) -> Kinetics:
    """Return three copies of a typical adult, who differ in how far drug spreads along the cord."""
    values = IntrathecalValues.neuraxis()
    span = parameters.load("neuraxis").spread("length_constant", "cm")
    ends = [float(values.csf_clearance_rate) * cm**2 for cm in (span.low, span.high) if cm is not None]
    dispersion = jnp.asarray([float(values.dispersion), *ends])
    typical = Kinetics.typical(len(CASES), tip=tip, intrathecal=values)
    return dataclasses.replace(typical, spinal=dataclasses.replace(typical.spinal, dispersion=dispersion))


def _look(kinetics: Kinetics, state: KineticState, rate: Patients) -> Float[Array, "row case"]:
    spinal = kinetics.spinal
    rows = [spinal.segments(state.csf), spinal.at_tip(state.csf, rate)[None], kinetics.exposure(state).plasma[None]]
    return jnp.concatenate(rows)


def _unaccounted(course: Delivery, kinetics: Kinetics, state: KineticState) -> float:
    ledger, body = course.pump.ledger, np.asarray(kinetics.balance(state).total_ug)
    known = ledger.withdrawn + ledger.leaked + ledger.pocket + course.pump.content + body
    return float(np.max(np.abs(known - ledger.filled)) / ledger.filled)
