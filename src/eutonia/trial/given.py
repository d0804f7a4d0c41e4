"""What an arm gives over time: one infusion, one schedule of tablets.

A treatment knows its start and its stop, and is given between them and at no other time: a policy proposes an amount,
the treatment's own window decides. The clock sums what all treatments give.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import replace
from functools import singledispatch

import numpy as np
from jaxtyping import Bool, Float

from eutonia.drug import products
from eutonia.simulation.treated import TreatmentCourse
from eutonia.study.treatments import BolusTreatment, InfusionTreatment, OralTreatment, Treatment
from eutonia.trial.period import DOSE, PeriodClock, TabletPlan, Task

Patients = Float[np.ndarray, " patient"]


class GivenTreatment(ABC):
    """One treatment of one arm in its window; `amount` is what is proposed for each person (0 for who gets none).

    Parameters
    ----------
    start_h, stop_h
        Hours in the phase; without a stop it is given to the end.
    amount
        ug/h of an infusion, mg of a tablet.
    """

    #: Whether its own tasks come after the decisions of a policy of the same time.
    after_policy = False

    def __init__(self, start_h: float, stop_h: float | None, amount: Patients) -> None:
        self.start_h, self.stop_h = float(start_h), math.inf if stop_h is None else float(stop_h)
        self.amount = amount
        self.running = False

    @abstractmethod
    def apply(self, clock: PeriodClock, *, abrupt: bool) -> None:
        """Make the clock give `amount` if the treatment runs, and nothing of it otherwise."""

    def propose(self, clock: PeriodClock, amount: Patients, *, abrupt: bool = False) -> None:
        """Change the amount: at once if the treatment runs, else from its start on; after its stop it does nothing."""
        self.amount = amount
        self.apply(clock, abrupt=abrupt)

    def deal(self, amount: Patients) -> None:
        """Say who gets what, before it begins."""
        self.amount = amount

    def tasks(self) -> list[Task]:
        """Return the start and the stop."""

        def switch(clock: PeriodClock, running: bool) -> None:
            self.running = running
            self.apply(clock, abrupt=True)

        found = [Task(self.start_h, DOSE, lambda clock: switch(clock, True))]
        return (
            [*found, Task(self.stop_h, DOSE, lambda clock: switch(clock, False))] if self.stop_h < math.inf else found
        )

    def last_h(self, end_h: float) -> float:
        """Return until when a decision about the treatment makes sense in a phase that ends at `end_h`."""
        return min(self.stop_h, end_h)


class Dose(GivenTreatment):
    """A dose of its own, given at once: `amount` in ug into the spinal fluid."""

    def __init__(self, at_h: float, amount: Patients, access: str) -> None:
        super().__init__(at_h, None, amount)
        self.access = access

    def apply(self, clock: PeriodClock, *, abrupt: bool) -> None:
        """Give the dose now."""
        clock.bolus(self.amount, self.access)


class Flow(GivenTreatment):
    """An infusion into the spinal fluid; `amount` in ug/h."""

    def apply(self, clock: PeriodClock, *, abrupt: bool) -> None:
        """Programme this treatment's share of the flow."""
        clock.set_rate(self.amount if self.running else np.zeros_like(self.amount), abrupt=abrupt, of=self)


class Schedule(GivenTreatment):
    """Tablets of a product at equal intervals; `amount` in mg a dose, made of whole tablets and halves.

    `taken` is the share of them that each person takes.
    """

    def __init__(
        self, start_h: float, stop_h: float | None, amount: Patients, every_h: float, product: products.Product
    ) -> None:
        super().__init__(start_h, stop_h, amount)
        self.product, self.taken = product, np.ones_like(amount)
        self.plan = TabletPlan(amount, every_h, self.start_h, self.stop_h)

    def deal(self, amount: Patients) -> None:
        """Say who takes how much, before it begins."""
        super().deal(amount)
        self.plan.dose_mg = amount * self.taken

    def propose(self, clock: PeriodClock, amount: Patients, *, abrupt: bool = False) -> None:
        """Change the dose to what tablets make of it."""
        super().propose(clock, products.made(self.product, amount), abrupt=abrupt)

    def apply(self, clock: PeriodClock, *, abrupt: bool) -> None:
        """Take the schedule up, change its dose, or end it."""
        self.plan.dose_mg = self.amount * self.taken
        if self.running != (self.plan in clock.tablets):
            (clock.tablets.append if self.running else clock.tablets.remove)(self.plan)


class Applied(GivenTreatment):
    """A treatment that says by itself what it does, as named effects; `amount` is 0 for who does not get it."""

    def __init__(self, treatment: Treatment, amount: Patients) -> None:
        stop_h = treatment.ends_h if treatment.ends_h < math.inf else None
        super().__init__(treatment.begins_h, stop_h, amount)
        self.begins = treatment.begin_in
        state, nobody = treatment.begin(len(amount)), np.zeros_like(amount)
        kind = (treatment.route, treatment.alone_in) if treatment.goes_on else None
        self.course = TreatmentCourse(
            state, treatment.advance, treatment.effects, nobody, lasts=treatment.lasts, kind=kind
        )

    def tasks(self) -> list[Task]:
        """Return the start and the stop, which leave the steps of the drug as they would be without."""
        return [replace(task, moves_drug=False) for task in super().tasks()]

    def apply(self, clock: PeriodClock, *, abrupt: bool) -> None:
        """Let it begin or end."""
        clock.note_treatments()
        if self.course not in clock.others:
            self.course.since_h, self.course.state = clock.now_h, self.begins(clock.seed, clock.people.person)
            clock.others.append(self.course)
        self.course.switch(clock.now_h, given=self.running, who=self.amount)
        for other in clock.others if self.running and self.course.kind else ():
            if isinstance(other, TreatmentCourse) and other is not self.course and other.kind == self.course.kind:
                self.course.go_on_from(other)


def taken_by(given: GivenTreatment, taken: Patients | None) -> GivenTreatment:
    """Return a treatment of which people take so large a share, where they take it themselves."""
    if isinstance(given, Schedule) and taken is not None:
        given.taken = taken
    return given


def tasks_of(treatments: Iterable[Treatment], who: Bool[np.ndarray, " patient"], end_h: float) -> list[Task]:
    """Return the starts and stops up to an hour of treatments that no policy moves, in order of time."""
    found: list[Task] = []
    for one in sorted(treatments, key=lambda one: one.model_dump_json()):
        amount = 1.0 if one.amount is None else float(one.amount)
        found += given_of(one, np.where(who, amount, 0.0)).tasks()
    return sorted((task for task in found if task.time_h <= end_h), key=lambda task: task.time_h)


@singledispatch
def given_of(treatment: Treatment, amount: Patients) -> GivenTreatment:
    """Return what gives a treatment in its own window: `amount` in its unit, 0 for who gets none."""
    return Applied(treatment, amount)


@given_of.register
def _(treatment: OralTreatment, amount: Patients) -> GivenTreatment:
    product = products.find(treatment.product)
    return Schedule(treatment.since_h, treatment.stop_h, amount, treatment.every_h, product)


@given_of.register
def _(treatment: BolusTreatment, amount: Patients) -> GivenTreatment:
    return Dose(treatment.at_h, amount, treatment.access)


@given_of.register
def _(treatment: InfusionTreatment, amount: Patients) -> GivenTreatment:
    return Flow(treatment.start_h, treatment.stop_h, amount)
