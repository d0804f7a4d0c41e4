"""The verb simulate: a regimen in people, on the clock of trials and cases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from eutonia import session
from eutonia._arguments import accepts, instance
from eutonia._printed import Printed
from eutonia.api.given import Time, hours
from eutonia.api.rows import long, spread
from eutonia.drug.regimen import Regimen
from eutonia.errors import SimulationError
from eutonia.simulation.course import Course, Snapshot, start
from eutonia.simulation.people import People
from eutonia.study.regimens import check_doses
from eutonia.trial.period import DOSE, VISIT, PeriodClock, TabletPlan, Task, run_period

if TYPE_CHECKING:
    import polars


#: What stands for people in the arguments of verbs.
PEOPLE = instance("people, as make_people returns them", "make_people(cohort, seed=1)", People)
_REGIMEN = instance("a regimen", "Regimen.oral(OralDose(mg=10), every_h=8)", Regimen)
_SAME_TIME_H, _MOST_LOOKS = 1e-6, 12
#: What a frame of a course holds of the drug: unit of each.
_OF_DRUG = {
    "plasma": "ng/mL",
    "csf_leg": "ng/mL",
    "csf_arm": "ng/mL",
    "csf_brain": "ng/mL",
    "receptor_effect": "1",
    "sensitivity": "1",
    "hyperpolarisation": "mV",
}


@dataclass(frozen=True, repr=False)
class DrugCourse(Printed):
    """People under a regimen: what was seen of the drug in them at each of `time_h`.

    Parameters
    ----------
    people : People
        Who they are, with the catheter's tip of the regimen.
    regimen : Regimen
        What they were given.
    time_h : array
        Hours from the start at which the drug was looked at, rising.
    snapshots : tuple of Snapshot
        What was seen at each, patients on the last axis.
    """

    people: People
    regimen: Regimen
    time_h: Float[np.ndarray, " time"]
    snapshots: tuple[Snapshot, ...]

    def at(self, time_h: Time) -> Snapshot:
        """Return what was seen at a time, hours or text such as "14 day".

        Raises
        ------
        SimulationError
            Nobody looked then.
        """
        wanted = float(hours("time_h", time_h)[0])
        k = int(np.argmin(np.abs(self.time_h - wanted)))
        if abs(self.time_h[k] - wanted) > _SAME_TIME_H:
            looks = [f"{x:g}" for x in self.time_h[:_MOST_LOOKS]] + ["..."] * (len(self.time_h) > _MOST_LOOKS)
            raise SimulationError(
                f"nobody looked at {wanted:g} h. Allowed: {', '.join(looks)} h. Nearest: {self.time_h[k]:g} h. "
                "Name one of them, or give simulate the time in at_h."
            )
        return self.snapshots[k]

    def prose(self) -> str:
        """Return who was given what, and the levels at the last look."""
        last = self.snapshots[-1]
        levels = ", ".join(f"{where} {spread(values)} ng/mL" for where, values in _levels(last))
        return (
            f"{self.people.n} {'person' if self.people.n == 1 else 'people'} over {self.time_h[-1]:g} h, "
            f"{len(self.time_h)} looks. At the last: {levels} (median, 95 % of people). See frame()."
        )

    def frame(self) -> polars.DataFrame:
        """Return patient, time_h, limb (null for the whole person), variable, value, unit: one row a number."""
        import polars as pl

        parts = [
            long(np.asarray(getattr(one, name)), {"time_h": float(at), "variable": name, "unit": unit})
            for at, one in zip(self.time_h, self.snapshots, strict=True)
            for name, unit in _OF_DRUG.items()
        ]
        return pl.concat(parts).select("patient", "time_h", "limb", "variable", "value", "unit")


@accepts(people=PEOPLE, regimen=_REGIMEN)
def simulate(
    people: People, regimen: Regimen, *, at_h: Time | Sequence[Time] | Float[np.ndarray, " time"]
) -> DrugCourse:
    """Give people a regimen, and look at the drug in them.

    Parameters
    ----------
    people : People
        From `make_people`, without any drug at time 0.
    regimen : Regimen
        Tablets (mg), boluses and infusions into the spinal fluid (ug, ug/h); `Regimen.placebo()` for none. The same
        for everybody, and one catheter tip at most.
    at_h : number, text or a list of them
        When to look: hours from the start, or text with a unit ("14 day"). Looking moves
        nothing; at the hour of a dose it comes before the dose, as a visit does.

    Returns
    -------
    DrugCourse
        `at(time)` is what `examine` takes; `frame()` is tidy.

    Raises
    ------
    ArgumentError
        No people or no regimen.
    SimulationError
        A time that nobody lives, or before the start.
    StudyError
        A dose smaller than any that acts, or larger than anybody is known to have had.
    UnitError
        A time without a unit of time.

    Notes
    -----
    **Equation** kinetics exact between events (`eutonia.drug.kinetics.cascade`), tolerance by Heun's rule
    (`eutonia.drug.effect.gaba_b`), on the clock of trials and cases.

    **Not for** dosing anybody: research and teaching only.
    """
    session.begin()
    times = hours("at_h", at_h)
    check_doses(regimen)
    placed = _with_tip(people, regimen)
    clock = PeriodClock(Course(placed), start(placed), 0, True, np.zeros(people.n))
    seen: list[Snapshot] = []

    def look(now: PeriodClock) -> None:
        seen.append(now.course.snapshot(now.state))

    run_period(clock, [*_given(regimen, people.n, times[-1]), *(Task(float(at), VISIT, look) for at in times)])
    return DrugCourse(placed, regimen, times, tuple(seen))


def _with_tip(people: People, regimen: Regimen) -> People:
    """Put the catheter's tip where the regimen says."""
    tips = sorted({bolus.tip for bolus in regimen.boluses if bolus.tip is not None})
    if len(tips) > 1:
        raise SimulationError(
            f"the regimen has tips at {', '.join(tips)}. Allowed: one catheter. Nearest: all at {tips[0]}. Leave one."
        )
    return replace(people, kinetics=people.kinetics.with_tip(tips[0])) if tips else people


def _given(regimen: Regimen, n: int, end_h: float) -> list[Task]:
    """Return what a regimen gives up to an hour, as tasks on the clock."""
    tasks, rate = [], 0.0
    for change in regimen.infusions:
        now = change.infusion.ug_per_h
        is_abrupt = now == 0.0 or rate == 0.0
        give = partial(PeriodClock.set_rate, rate_ug_per_h=np.full(n, now), abrupt=is_abrupt)
        tasks.append(Task(change.time_h, DOSE, give))
        rate = now
    for bolus in regimen.boluses:
        give = partial(PeriodClock.bolus, amount_ug=np.full(n, bolus.dose.ug), access=bolus.access)
        tasks.append(Task(bolus.time_h, DOSE, give))
    for tablets in regimen.tablets:
        plan = TabletPlan(np.full(n, tablets.dose.mg), tablets.every_h, tablets.start_h, tablets.stop_h)
        tasks.append(Task(tablets.start_h, DOSE, _take(plan)))
    if early := [task.time_h for task in tasks if task.time_h < 0.0]:
        raise SimulationError(
            f"the regimen begins at {min(early):g} h. Allowed: 0 h or later. Nearest: regimen.shift({-min(early):g}). "
            "Shift it."
        )
    return [task for task in tasks if task.time_h <= end_h]


def _take(plan: TabletPlan) -> Any:
    return lambda clock: clock.tablets.append(plan)


def _levels(snapshot: Snapshot) -> list[tuple[str, Any]]:
    return [
        ("plasma", snapshot.plasma),
        ("spinal fluid at the leg", snapshot.csf_leg),
        ("at the arm", snapshot.csf_arm),
    ]
