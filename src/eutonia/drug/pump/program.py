"""What a pump is programmed to: the same steps every day, or other steps at the weekend.

Rates are in ug/h and times in h since midnight, as a clinic writes them; the pump itself only knows its flow.
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from eutonia._hours import HOURS_A_DAY
from eutonia.errors import StudyError

DAYS_A_WEEK, WORKDAYS = 7, 5


@dataclass(frozen=True, slots=True)
class ProgramStep:
    """From this hour of the day on, this rate (ug/h)."""

    start_h: float
    ug_per_h: float


@dataclass(frozen=True, slots=True)
class Program:
    """A rate that repeats every day, or every week if the weekend has steps of its own.

    `kind` is what the clinic calls it; `days` holds the steps of one day, or of the seven days from Monday on.
    """

    kind: str
    days: tuple[tuple[ProgramStep, ...], ...]

    def __post_init__(self) -> None:
        """Refuse a day that does not begin at midnight or whose steps do not rise."""
        if len(self.days) not in (1, DAYS_A_WEEK):
            raise StudyError(f"a program of {len(self.days)} days. Allowed: one day, or the seven of a week.")
        for steps in self.days:
            starts = [step.start_h for step in steps]
            rising = all(a < b for a, b in itertools.pairwise(starts))
            if not starts or starts[0] != 0.0 or not rising or starts[-1] >= HOURS_A_DAY:
                raise StudyError(
                    f"the steps of a day begin at {', '.join(f'{x:g}' for x in starts) or 'no'} h. Allowed: rising "
                    "hours of a day, the first at 0 h (midnight). Sort them, and say what runs after midnight."
                )

    @classmethod
    def simple(cls, ug_per_h: float) -> Program:
        """Return one rate, day and night."""
        return cls("simple continuous", ((ProgramStep(0.0, ug_per_h),),))

    @classmethod
    def flex(cls, steps: Sequence[ProgramStep], weekend: Sequence[ProgramStep] | None = None) -> Program:
        """Return steps of the day, with others on Saturday and Sunday if given."""
        if weekend is None:
            return cls("flex", (tuple(steps),))
        return cls("flex", (tuple(steps),) * WORKDAYS + (tuple(weekend),) * (DAYS_A_WEEK - WORKDAYS))

    @classmethod
    def pulsatile(cls, basal_ug_per_h: float, dose_ug: float, over_h: float, times_h: Sequence[float]) -> Program:
        """Return a basal rate with a bolus at each time of the day, which runs at its own rate instead of the basal.

        A bolus may run past midnight; two that overlap are refused.
        """
        starts = sorted(times_h)
        gaps = [(b - a) % HOURS_A_DAY or HOURS_A_DAY for a, b in zip(starts, [*starts[1:], starts[0]], strict=True)]
        if not over_h > 0 or over_h > min(gaps):
            raise StudyError(
                f"boluses over {over_h:g} h, {min(gaps):g} h apart, overlap. Allowed: more than 0 h and at most the "
                "time to the next. Shorten them or give fewer."
            )
        rates = {0.0: basal_ug_per_h}
        for start in starts:
            end = start + over_h
            rates[start] = dose_ug / over_h
            if end > HOURS_A_DAY:
                rates[0.0] = dose_ug / over_h
            rates.setdefault(end % HOURS_A_DAY, basal_ug_per_h)
        return cls("scheduled bolus", (tuple(ProgramStep(at, rates[at]) for at in sorted(rates)),))

    def scaled(self, factor: float) -> Program:
        """Return the same program with every rate so many times as high."""
        if factor == 1.0:
            return self
        days = (tuple(ProgramStep(one.start_h, factor * one.ug_per_h) for one in steps) for steps in self.days)
        return Program(self.kind, tuple(days))

    @property
    def ug_per_day(self) -> float:
        """Mean daily dose."""
        return sum(day_dose(steps) for steps in self.days) / len(self.days)

    @property
    def most_steps(self) -> int:
        """Return the number of steps of the fullest day."""
        return max(len(steps) for steps in self.days)

    @property
    def rates(self) -> tuple[float, ...]:
        """Every rate that occurs, ug/h."""
        return tuple(step.ug_per_h for steps in dict.fromkeys(self.days) for step in steps)

    def rate_until(self, time_h: float, first_weekday: int = 0) -> tuple[float, float]:
        """Return the rate at a time in ug/h and the time of the next step in h; day 0 is `first_weekday` (Monday 0)."""
        day = int(time_h // HOURS_A_DAY)
        steps = self.days[(day + first_weekday) % len(self.days)]
        if len(self.days) == 1 and len(steps) == 1:
            return steps[0].ug_per_h, float("inf")
        # The same sums as are given back, so that the time of a step is never before it by rounding.
        starts = [day * HOURS_A_DAY + step.start_h for step in steps] + [(day + 1) * HOURS_A_DAY]
        index = bisect.bisect_right(starts, time_h) - 1
        return steps[index].ug_per_h, starts[index + 1]


def day_dose(steps: Sequence[ProgramStep]) -> float:
    """Return what the steps of a day deliver, ug."""
    ends = [step.start_h for step in steps[1:]] + [HOURS_A_DAY]
    return sum(step.ug_per_h * (end - step.start_h) for step, end in zip(steps, ends, strict=True))
