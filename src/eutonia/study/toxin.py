"""Botulinum toxin into one muscle group: what it blocks there, reflex and will alike, and for how long.

Equation
    q(t)  = E R / (R + h c V) B(t - t_0) ,   R = a r exp(s z) U ,   B(t) = (1 - exp(-t/tau_on)) Q(k, t/tau_off)
U units into V mL, of which R count: r is 1 in the arm, a is 1 where the needle goes and a share on the joint's other
side, z a normal deviate of person and group; E is what endless doses block, c the units a mL for half of it, h c that
for the spindles' answer to speed. A terminal is free after k steps of tau_off each (Q: upper regularised gamma).
Assumptions: reflex and will are blocked alike; z stays; no antibodies; the other side is as large without a record.
Source: Gracies 2015, 2017, Gaverth 2014, Kinetics 1998, by `calibration/toxin.py` and `active_range.py`.
Not for: weakness far from the needle; jerk, H/M and spasms, which do not change here; tissue; children.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from scipy.special import gammaincc

from eutonia import _streams, _units, parameters
from eutonia._hours import HOURS_A_DAY
from eutonia.assessment.muscles import stretched_groups
from eutonia.study.fields import Given, Hours, Interval, KindBeside, Named, QuantityField, described
from eutonia.study.studyfile import Problem
from eutonia.study.treatments import Treatment
from eutonia.study.vocabulary import Limit, injected, toxin_dose

if TYPE_CHECKING:
    from eutonia.treatment import Effects

_DOSES = {
    one: QuantityField(one, smallest=partial(toxin_dose, one, "smallest"), limit=partial(toxin_dose, one, "largest"))
    for one in ("abobotulinumtoxinA", "onabotulinumtoxinA")
}


class ToxinTreatment(Treatment):
    """Botulinum toxin into one muscle group; several groups are several treatments."""

    product: Annotated[str, Named("toxin", lambda: tuple(_DOSES))] = described("Toxin by its generic name.")
    route: Literal["intramuscular"] = described("Botulinum toxin into one muscle group.")
    muscle: Annotated[str, Named("muscle group", lambda: tuple(injected()))] = described("Muscle group injected.")
    dose_units: Annotated[Given, KindBeside("product", _DOSES)] = described("Units into this group.", alias="dose")
    at_h: Hours = described("First injection, time in the phase, or since the onset.", alias="at")
    every_h: Interval | None = described("Time to the next injections; left out, none.", alias="every", default=None)
    stop_h: Hours | None = described("No injection from here on.", alias="stop", default=None)

    begins_key: ClassVar[str] = "at"
    lasts: ClassVar[bool] = False
    dose_unit: ClassVar[str] = ""
    caveat: ClassVar[str] = "What a dose of toxin does was calibrated to trials of it: it is no prediction of them."
    sources: ClassVar[tuple[str, ...]] = ("Gracies_2015", "Gracies_2017", "Gaverth_2014")

    @property
    def ends_h(self) -> float:
        """Until when an injection would come too soon after the last one."""
        is_endless = self.every_h and not self.stop_h
        return self.spacing[1] + (np.inf if is_endless else self.times_h(self.stop_h or self.at_h)[-1])

    @property
    def outlasts_h(self) -> float:
        """How long after an injection a tenth of its peak is left."""
        return _number("return_time", "h")

    @property
    def spacing(self) -> tuple[str, float]:
        """The group, and how long after an injection it is not injected again."""
        return self.muscle, _number("shortest_interval", "h")

    @property
    def amount(self) -> Given:
        """Units of the product."""
        return self.dose_units

    def times_h(self, until_h: float) -> list[float]:
        """Return when it is injected, up to an hour; the first time always."""
        last = min(until_h, float(np.nextafter(self.stop_h or np.inf, 0.0)))
        count = 1 if self.every_h is None else 1 + max(int((last - self.at_h) // self.every_h), 0)
        return [self.at_h + number * (self.every_h or 0.0) for number in range(count)]

    def happenings(self, until_h: float) -> list[tuple[float, str]]:
        """Return every injection up to an hour."""
        return [(x, f"{self.amount:g} U {self.product}, {self.muscle}") for x in self.times_h(until_h) if x <= until_h]

    def begin(self, n_patients: int) -> Any:
        """Return the hours since the first injection, and the deviate by which people differ."""
        return np.zeros((2, n_patients))

    def begin_in(self, seed: int, person: Any) -> Any:
        """Return the same of these people, each by their own luck in this muscle group."""
        group = [name for name, *_ in stretched_groups()].index(self.muscle)
        luck = _streams.normal(_streams.keys(seed, _streams.Purpose.TOXIN, person, group), 1)
        return np.concatenate([np.zeros_like(luck), luck])

    def advance(self, state: Any, span_h: float, is_given: bool) -> Any:
        """Let time pass."""
        return state + np.array([[span_h], [0.0]])

    def effects(self, state: Any, is_given: bool) -> Effects:
        """Return what is blocked in the group and, by spread, in that on the other side of its joint."""
        from eutonia.treatment import Effects

        at = {name: place for name, *place in stretched_groups()}
        since_h, deviate = state
        after_h = np.array(self.times_h(self.at_h + float(np.max(since_h, initial=0.0)))) - self.at_h
        courses = share_of_time(since_h - after_h[:, None])

        def left(muscle: str, units: float, half_dose: float = 1.0) -> Any:
            return np.prod(1.0 - blocked(self.product, muscle, units, deviate, half_dose) * courses, axis=0)

        beside = _number("antagonist_spread", "1") * self.dose_units
        found = Effects.on(len(deviate), self.muscle, opponent=left(self.muscle, beside))
        for name in (one for one in at if at[one] == at[self.muscle]):
            units = self.dose_units if name == self.muscle else beside
            force, answer = left(name, units), left(name, units, _number("spindle_half_dose", "1"))
            found = found.joined(Effects.on(len(deviate), name, blockade=1.0 - force, force=force, spindles=answer))
        return found

    def adds_up(self, *, beyond_label: bool) -> tuple[float, Limit, float, str] | None:
        """Return the share of the largest dose of a session: units of two products add up as such shares alone."""
        largest = toxin_dose(self.product, "largest")
        whole = Limit(1.0, f"100 % ({largest.text})", largest.label, largest.source)
        return self.dose_units / largest.value, whole, 100.0, "% of the largest dose"

    def _problems(self) -> Iterable[Problem]:
        if self.every_h is not None and self.every_h < self.spacing[1]:
            why, allowed = "That is sooner than labels allow.", f"at least {self.spacing[1] / HOURS_A_DAY:g} day"
            yield Problem(("every",), why, self.every_h.text, allowed, do="Lengthen it.")


# Asked thousands of times in a case.
_number = parameters.remembered(lambda name, unit: parameters.load("toxin").value(name, unit))


def blocked(product: str, muscle: str, units: float, deviate: Any = 0.0, half_dose: float = 1.0) -> Any:
    """Return the share that a dose blocks before time takes any (0 to 1); `deviate` is z, and `half_dose` h."""
    half = half_dose * _number(f"{product.lower()}_half_dose", f"{_units.canonical_unit(product)}/mL")
    half *= _number(f"volume_{muscle.replace(' ', '_')}", "mL")
    reach = _number("leg_reach", "1") if injected()[muscle] == "leg" else 1.0
    counts = units * reach * np.exp(_number("reach_spread", "1") * np.asarray(deviate))
    return _number("full_block", "1") * counts / (counts + half)


def share_of_time(since_h: Any) -> Any:
    """Return the share of the full block that is there so many hours after an injection."""
    time = np.maximum(np.asarray(since_h) - _number("onset_lag", "h"), 0.0)
    left = gammaincc(_number("recovery_steps", "1"), time / _number("recovery_time", "h"))
    return -np.expm1(-time / _number("onset_time", "h")) * left
