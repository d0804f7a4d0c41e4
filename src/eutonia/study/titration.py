"""The dosing policies that ship: one small table of the study file each, and how it decides (`study.policies`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from eutonia import parameters
from eutonia.drug import policy as rules
from eutonia.study import vocabulary
from eutonia.study.fields import (
    Bolus,
    Given,
    Hours,
    Interval,
    Rate,
    RateOrTwiceScreening,
    Tablet,
    described,
    not_in_order,
)
from eutonia.study.policies import (
    History,
    Looked,
    Moment,
    Patients,
    Policy,
    Proposal,
    Screening,
    decisions,
)
from eutonia.study.studyfile import Key, Problem
from eutonia.study.targets import Response, Target

if TYPE_CHECKING:
    from eutonia.assessment.scoring import Chart
    from eutonia.study.parts import Arm
    from eutonia.study.treatments import Treatment

LOOSE, TWICE = "loose leg", "twice screening"
_ROUNDING = 1e-9


class _Aimed(Policy):
    """A policy that looks at the score of a target, or of a response."""

    def looks_at(self) -> Iterator[Looked]:
        """Yield its target or its response, if it has one."""
        for key in ("target", "response"):
            if (found := getattr(self, key, None)) is not None:
                yield (key,), found.scale, found.limb
        yield from super().looks_at()

    def looks_back(self) -> Iterator[tuple[Key, object]]:
        """Yield the part of the target that needs a test dose."""
        below = getattr(getattr(self, "target", None), "below_screening", None)
        if below is not None:
            yield ("target", "below_screening"), below


class LabelTitration(_Aimed):
    """Pump dose by the label: steps at visits while tone is above target, down on a sign of too much."""

    policy: Literal["label"] = described("Step by step as the product label says.")
    origin: Literal["cerebral", "spinal"] = described("The label's steps are smaller for spasticity from the brain.")
    start: RateOrTwiceScreening = described("First daily dose: twice the working test dose, or a rate.")
    target: Target = described("When the dose is high enough.")
    max_ug_per_h: Rate = described("The dose never goes above this.", alias="max")
    every_h: Interval = described("Time from visit to visit for changing the dose.", alias="every")
    daily_until_h: Hours | None = described(
        "Until then the dose is changed every day; left out, it is not.", alias="daily_until", default=None
    )
    later_after_h: Interval | None = described(
        "From here on visits lie further apart.", alias="later_after", default=None
    )
    later_every_h: Interval | None = described(
        "Time from visit to visit after that.", alias="later_every", default=None
    )

    steers: ClassVar[str | None] = "intrathecal infusion"
    sources: ClassVar[tuple[str, ...]] = ("Label_ITB",)
    heeds: ClassVar[tuple[str, ...]] = (LOOSE,)
    learns_from_screening: ClassVar[bool] = True

    @property
    def begins_with(self) -> Given | Literal["twice screening"] | None:
        """First rate."""
        return self.start

    def looks_back(self) -> Iterator[tuple[Key, object]]:
        """Yield the start and the part of the target that need a test dose."""
        if self.start == TWICE:
            yield ("start",), self.start
        yield from super().looks_back()

    def aimed_at(self, chart: Chart) -> Patients:
        """Return the score of its target."""
        return self.target.score_of(chart)

    def faults(self, arm: Arm, last: Given, *, beyond_label: bool) -> Iterator[Problem]:
        """Find a first rate below the label's lowest, which would be raised without a word."""
        least = vocabulary.lowest_rate()
        if isinstance(self.start, Given) and self.start < least.value * (1 - _ROUNDING):
            why = f"{least.label} is {least.text} ({least.source}), and the policy gives no less."
            do = "Raise it, or leave the titration out."
            yield Problem(("titration", "start"), why, self.start.text, f"at least {least.text}", do=do)

    def first(self, amount: Patients, screening: Screening | None) -> Patients:
        """Return the first rate, ug/h, within the label's limits."""
        limits = rules.pump_limits(self.max_ug_per_h)
        return np.clip(self._first(len(amount), screening), limits.lowest, limits.highest)

    def _first(self, n: int, screening: Screening | None) -> Patients:
        if isinstance(self.start, Given):
            return np.full(n, float(self.start))
        if screening is None:
            ug = parameters.load("label_dosing").along("screening_ladder", "ug", ["first"])[0]
            return rules.first_pump_rate(np.full(n, ug), np.zeros(n, dtype=bool))
        # Whoever had no test dose that worked does not enter.
        return rules.first_pump_rate(np.nan_to_num(screening.effective_ug), screening.lasted)

    def moments(self, given: Treatment, last_h: float, end_h: float) -> list[Moment]:
        """Return daily visits at first, then visits at one interval and later at another."""
        times: list[float] = []
        begin = at = float(given.begins_h)
        daily_end = self._daily_end(begin)
        while True:
            if at < daily_end:
                step = 24.0
            elif self.later_after_h is None or at - begin < self.later_after_h:
                step = self.every_h
            else:
                step = self.later_every_h or self.every_h
            at += step
            if at > last_h:
                return [Moment(time_h, k) for k, time_h in enumerate(times)]
            times.append(at)

    def _daily_end(self, begin_h: float) -> float:
        return begin_h + (self.daily_until_h or 0.0)

    def next(self, history: History) -> Proposal:
        """Return a step up while tone is above target, one down on a loose leg."""
        is_early = history.moment.time_h <= self._daily_end(history.start_h)
        step = (rules.daily_step if is_early else rules.visit_step)(self.origin)
        score, target = self.target.score_of(history.seen), self.target.asked_for(history)
        limits = rules.pump_limits(self.max_ug_per_h)
        return Proposal(rules.titrate(history.amount, score, target, history.signs[LOOSE], step, limits))

    def _problems(self) -> Iterable[Problem]:
        yield from _above_max(self.start, self.max_ug_per_h)
        if (self.later_after_h is None) != (self.later_every_h is None):
            key = "later_after" if self.later_after_h is None else "later_every"
            why = "later_after and later_every belong together."
            yield Problem((key,), why, None, "both or none", do=f"Add {key}.")


class ReliefTitration(_Aimed):
    """Infusion raised in equal steps until the target is reached, whatever else is lost on the way."""

    policy: Literal["to relief"] = described("Up until spasticity is relieved.")
    start_ug_per_h: Rate = described("First rate.", alias="start")
    step_ug_per_h: Rate = described("Rise at each change.", alias="step")
    target: Target = described("What relief means.")
    max_ug_per_h: Rate = described("The dose never goes above this.", alias="max")
    every_h: Interval = described("Time from change to change.", alias="every")

    steers: ClassVar[str | None] = "intrathecal infusion"
    sources: ClassVar[tuple[str, ...]] = ("Kofler_2009",)

    @property
    def begins_with(self) -> Given | Literal["twice screening"] | None:
        """First rate."""
        return self.start_ug_per_h

    def first(self, amount: Patients, screening: Screening | None) -> Patients:
        """Return the first rate, ug/h."""
        return np.full(len(amount), float(self.start_ug_per_h))

    def moments(self, given: Treatment, last_h: float, end_h: float) -> list[Moment]:
        """Return changes at equal intervals, to the end of the phase."""
        return decisions(float(given.begins_h), self.every_h, last_h, nonspecific=False)

    def next(self, history: History) -> Proposal:
        """Return a step up for whom the target is not reached; whoever reached it once stays there."""
        rate = history.amount
        score, at_most = self.target.score_of(history.seen), self.target.at_most
        relieved = np.array(history.notes.get("relieved", np.full(len(rate), np.nan)))
        now = (score <= at_most) & np.isnan(relieved)
        relieved[now] = rate[now]
        climbing = rules.relieve(rate, score, np.full(len(rate), at_most), self.step_ug_per_h, self.max_ug_per_h)
        return Proposal(np.where(np.isnan(relieved), climbing, rate), {"relieved": relieved})

    def _problems(self) -> Iterable[Problem]:
        return [*_above_max(self.start_ug_per_h, self.max_ug_per_h), *_idle(self.step_ug_per_h)]


class LadderTitration(_Aimed):
    """Test doses one after the other, each larger, until one works."""

    policy: Literal["screening ladder"] = described("Test doses until one works.")
    doses_ug: Annotated[tuple[Bolus, ...], Field(min_length=2, max_length=20)] = described(
        "Test doses, rising; the first is that of the treatment.", alias="doses"
    )
    every_h: Interval = described("Time from one test dose to the next.", alias="every")
    response: Response = described("When a test dose has worked.")

    steers: ClassVar[str | None] = "intrathecal bolus"
    sources: ClassVar[tuple[str, ...]] = ("Label_ITB",)
    tests_doses: ClassVar[bool] = True

    def faults(self, arm: Arm, last: Given, *, beyond_label: bool) -> Iterator[Problem]:
        """Find test doses that nobody would be given, or that come before the one before is judged."""
        watch = vocabulary.longest_watch()
        if self.every_h < watch.value:
            why = f"A test dose is judged until {watch.text} after it ({watch.source}), and the next is given before."
            do = 'Write every = "24 hour".'
            yield Problem(("titration", "every"), why, self.every_h.text, f"{watch.text} or more", do=do)
        given = next(iter(arm.steered), None)
        if given is not None and given.amount != self.doses_ug[0]:
            why, told = f"The ladder begins with the dose of the treatment, {given.dose_text}.", given.dose_text
            yield Problem(("titration", "doses", 0), why, self.doses_ug[0].text, told, do="Make the two one.")
        begin = 0.0 if given is None else given.begins_h
        for position, dose in enumerate(self.doses_ug):
            at = begin + position * self.every_h
            if at >= last:
                why = f"Its turn comes {at:g} h after the start of the phase, and the last visit is at {last.text}."
                do = "Add a later visit, or leave the dose out."
                yield Problem(("titration", "doses", position), why, dose.text, f"given before {last.text}", do=do)
                return

    def moments(self, given: Treatment, last_h: float, end_h: float) -> list[Moment]:
        """Return each test dose, and the hours after it at which its effect is judged."""
        watch = parameters.load("label_dosing").values(screening_observation_first="h", screening_observation_last="h")
        found = []
        for k in range(len(self.doses_ug)):
            at = given.begins_h + k * self.every_h
            if at > end_h:
                break
            found.append(Moment(at, k, nonspecific=False, gives=True))
            found += [Moment(at + hours, k, nonspecific=False) for hours in watch]
        return found

    def next(self, history: History) -> Proposal:
        """Return the next test dose for who has not responded; note who responded to which."""
        n = len(history.amount)
        effective = np.array(history.notes.get("effective", np.full(n, np.nan)))
        dose = float(self.doses_ug[history.moment.number])
        if history.moment.gives:
            before = {f"before {key}": np.asarray(score) for key, score in history.seen.scores.items()}
            return Proposal(np.where(np.isnan(effective), dose, 0.0), {"effective": effective, **before})
        before = {key: history.notes[f"before {key}"] for key in history.seen.scores}
        fell = self.response.fell(type(history.seen)(dict(before)), history.seen)
        effective[fell & np.isnan(effective)] = dose
        return Proposal(None, {**history.notes, "effective": effective})

    def _problems(self) -> Iterable[Problem]:
        return not_in_order(("doses",), self.doses_ug)


class OralTitration(_Aimed):
    """Tablets by the label: a step up at fixed intervals while tolerated, to the largest dose or the target."""

    policy: Literal["oral label"] = described("Step by step as the product label says.")
    step_mg: Tablet = described("Rise of each single dose.", alias="step")
    max_mg: Tablet = described("Largest single dose.", alias="max")
    every_h: Interval = described("Time from step to step.", alias="every")
    target: Target | None = described("When the dose is high enough; left out, it rises to max.", default=None)

    steers: ClassVar[str | None] = "oral"
    sources: ClassVar[tuple[str, ...]] = ("Label_oral",)
    heeds: ClassVar[tuple[str, ...]] = (LOOSE, "drowsiness")

    def faults(self, arm: Arm, last: Given, *, beyond_label: bool) -> Iterator[Problem]:
        """Find a largest dose beyond a day's, and a first dose above the largest, which would be lowered in silence."""
        for position, given in enumerate(arm.treatments):
            if given not in arm.steered:
                continue
            for one in given.daily_faults(self.max_mg, "max", beyond_label=beyond_label):
                yield Problem(("titration", *one.at), one.why, one.given, one.allowed, do=one.do)
            if given.amount is not None and given.amount > self.max_mg:
                why, most = "It is above the largest dose of the titration.", self.max_mg.text
                where: Key = ("treatment", position, "dose")
                yield Problem(where, why, given.dose_text, f"at most {most}", do="Correct one of the two.")

    def moments(self, given: Treatment, last_h: float, end_h: float) -> list[Moment]:
        """Return steps at equal intervals."""
        return decisions(float(given.begins_h), self.every_h, last_h)

    def next(self, history: History) -> Proposal:
        """Return a step up while tolerated; who reports drowsiness goes back a step once, and stays there."""
        dose, drowsy = history.amount, history.signs["drowsiness"]
        wants = np.ones(len(dose), dtype=bool)
        if self.target is not None:
            wants = self.target.score_of(history.seen) > self.target.at_most
        up = wants & ~history.signs[LOOSE] & ~drowsy & (dose > 0)
        raised = np.where(up, np.minimum(dose + self.step_mg, self.max_mg), dose)
        lowered = np.maximum(dose - self.step_mg, np.minimum(history.first, dose))
        went_back = np.array(history.notes.get("went back", np.zeros(len(dose), dtype=bool)))
        return Proposal(np.where(drowsy & ~went_back, lowered, raised), {"went back": went_back | drowsy})

    def _problems(self) -> Iterable[Problem]:
        return _idle(self.step_mg)


class StopTitration(Policy):
    """Treatment taken away, at once or little by little."""

    policy: Literal["stop"] = described("The treatment is taken away.")
    at_h: Hours = described("When the fall begins, time in the phase.", alias="at")
    over_h: Hours = described('How long the fall takes; "0 hour" is abrupt.', alias="over")

    sources: ClassVar[tuple[str, ...]] = ("Label_ITB", "Label_oral")

    def faults(self, arm: Arm, last: Given, *, beyond_label: bool) -> Iterator[Problem]:
        """Find a stop that comes before the start, after the phase, or where there is only a bolus."""
        at, where = self.at_h, ("titration", "at")
        if not any(given.lasts for given in arm.treatments):
            why, do = "A bolus is over once it is given: nothing can be taken away.", "Remove the titration."
            yield Problem(("titration", "policy"), why, self.policy, "tablets or an infusion", do=do)
        late = next((given for given in arm.treatments if given.begins_h >= at), None)
        if late is not None:
            why = f"Treatment is taken away before {late.name} begins at {late.begins_h.text}."
            do = "Stop it later, or start the treatment earlier."
            yield Problem(where, why, at.text, f"later than {late.begins_h.text}", do=do)
        elif arm.treatments and all(given.ends_h <= at for given in arm.treatments if given.lasts):
            why = "Every treatment of the arm has stopped by then, so nothing is left to be taken away."
            do = "Take it away earlier, or remove the key stop of the treatment, or the titration."
            yield Problem(where, why, at.text, "before the stop of the treatment", do=do)
        elif at >= last:
            why = f"Nobody is examined after this: the last visit is at {last.text}."
            yield Problem(where, why, at.text, f"before {last.text}", do="Add a later visit, or stop it earlier.")

    def moments(self, given: Treatment, last_h: float, end_h: float) -> list[Moment]:
        """Return the equal steps of the fall, or the one of an abrupt stop."""
        steps = int(parameters.load("label_dosing").value("taper_steps", "1")) if self.over_h > 0 else 1
        return [Moment(self.at_h + self.over_h * k / steps, k, looks=False) for k in range(steps)]

    def next(self, history: History) -> Proposal:
        """Return what is left of the dose before the fall."""
        steps = int(parameters.load("label_dosing").value("taper_steps", "1")) if self.over_h > 0 else 1
        return Proposal(history.first * (1.0 - (history.moment.number + 1) / steps), abrupt=not self.over_h > 0)


def _above_max(start: Given | str, most: Given) -> Iterator[Problem]:
    if isinstance(start, Given) and start > most:
        why, allowed = "It is above the largest dose.", f"at most {most.text}"
        yield Problem(("start",), why, start.text, allowed, do="Correct one.")


def _idle(step: Given) -> Iterator[Problem]:
    if step <= 0:
        yield Problem(("step",), "A step of nothing never arrives.", step.text, "more than 0", do="Raise the step.")
