"""What a number from outside may be at most and at least: every guard rail of the program, each with its reason.

They catch slips of keyboard and unit, and are no science: limits of a label or of a device are parameter records.
"""

from __future__ import annotations

import datetime
import math
import numbers
from dataclasses import dataclass

from eutonia._hours import HOURS_A_DAY, HOURS_A_YEAR
from eutonia.errors import SimulationError

_MINUTE_H = 1.0 / 60.0

#: Bits of the random-number keys: a seed is a whole number from 0 to this.
LARGEST_SEED = 2**32 - 1
#: Characters of a name, a text and a quantity.
LONGEST_NAME, LONGEST_TEXT, LONGEST_QUANTITY = 60, 2000, 60
#: In any canonical unit nothing is measured finer, and nothing is as large: a billionth, a billion.
FINEST, COARSEST = 1e-9, 1e9
#: Days of the calendar between which anything here happens: what is earlier or later is a slip of a digit.
FIRST_DAY, LAST_DAY = datetime.date(1900, 1, 1), datetime.date(2200, 12, 31)
#: Replicate trials below which no verdict is given: a 95 % interval then has less than one trial beyond each end.
FEWEST_FOR_VERDICT = 40
#: Trials of a draw of the numbers below which they share their luck with what is true of them, and flatter coverage.
FEWEST_OF_A_DRAW = 10
#: Replicate trials of a run, and people computed together, where nobody says how many.
USUAL_REPLICATES, USUAL_BLOCK = 500, 1024
#: People of a run from which on wider blocks are quicker, and how wide.
MANY_PEOPLE, WIDE_BLOCK = 65_536, 4096


def usual_block(people: int) -> int:
    """Return how many of a run's people are computed together where nobody says it."""
    return WIDE_BLOCK if people >= MANY_PEOPLE else USUAL_BLOCK


@dataclass(frozen=True, slots=True)
class Bounds:
    """From what to what, in the canonical unit of a kind; the same as text; why; whether 0 is allowed besides.

    `below` is why and what to do where a value below the lowest is meant, and no slip.
    """

    low: float
    high: float
    words: tuple[str, str]
    why: str
    zero: bool = False
    below: tuple[str, str] | None = None

    @property
    def allowed(self) -> str:
        """Return the bounds as words."""
        low, high = self.words
        low = low.removesuffix(f" {high.partition(' ')[2]}")
        return f"{'0, or ' if self.zero and self.low > 0 else ''}{low} to {high}"

    def hold(self, value: float) -> bool:
        """Say whether a value lies within."""
        return self.low <= value <= self.high or (self.zero and value == 0.0)


AGE = Bounds(
    18.0,
    110.0,
    ("18 year", "110 year"),
    "kinetics, tone and doses are of adults",
    below=(
        "This is a child, and kinetics, tone and doses here are of adults.",
        "Study an adult. For the level after a child's tablets there is `eutonia exposure EVENTS.csv --model "
        "baclofen-oral-he-2014` (ages 2 to 17); tone, pumps and scores of children are not modelled.",
    ),
)
# Of a case, whose use says whether it may be a child; a case holds the person to AGE and WEIGHT, or to these.
ANY_AGE = Bounds(0.0, 110.0, ("0 year", "110 year"), "nobody lives longer")
ANY_WEIGHT = Bounds(0.0, 250.0, ("0 kg", "250 kg"), "the kinetics are of people up to that weight")
AGE_OF_CHILD = Bounds(2.0, 18.0, ("2 year", "18 year"), "no kinetics are on record before the age of two")
WEIGHT_OF_CHILD = Bounds(8.0, 100.0, ("8 kg", "100 kg"), "children of two and more weigh that")
AGE_SPREAD = Bounds(0.0, 60.0, ("0 year", "60 year"), "a wider spread leaves the ages of adults")
WEIGHT = Bounds(30.0, 250.0, ("30 kg", "250 kg"), "the kinetics are of adults whose weights lie between")
WEIGHT_SPREAD = Bounds(0.0, 150.0, ("0 kg", "150 kg"), "a wider spread leaves the weights of adults")
CLEARANCE = Bounds(1.0, 250.0, ("1 mL/min", "250 mL/min"), "less is not measured, and no kidneys do more")
CLEARANCE_SPREAD = Bounds(0.0, 200.0, ("0 mL/min", "200 mL/min"), "a wider spread leaves what kidneys do")
BLEED = Bounds(0.1, 500.0, ("0.1 mL", "500 mL"), "less is no haematoma, more does not fit into a head")
BLEED_SPREAD = Bounds(0.0, 250.0, ("0 mL", "250 mL"), "a wider spread does not fit into a head")
RESERVOIR = Bounds(0.1, 100.0, ("0.1 mL", "100 mL"), "no pump holds more, and none is measured finer")
TIME = Bounds(0.0, 100 * HOURS_A_YEAR, ("0 hour", "100 year"), "nobody lives longer")
INTERVAL = Bounds(_MINUTE_H, 100 * HOURS_A_YEAR, ("1 min", "100 year"), "nothing at a bedside is done more often")
LEAVING = Bounds(0.0, 10.0, ("0 1/year", "10 1/year"), "at ten a year half of all people are gone within four weeks")
DRAWN = Bounds(0.0, 100.0, ("0 mL", "100 mL"), "no pump holds more")
THERAPY = Bounds(_MINUTE_H, 3 * HOURS_A_YEAR, ("1 min", "3 year"), "a pump program is looked at hour by hour")
# What a pump can be told is wider than what a label allows: the rules report the rest.
PUMP_RATE = Bounds(0.0, 20_000 / HOURS_A_DAY, ("0 ug/day", "20000 ug/day"), "no pump delivers more")
KEPT_RATE = Bounds(
    1 / HOURS_A_DAY, 20_000 / HOURS_A_DAY, ("1 ug/day", "20000 ug/day"), "a bridge keeps a dose that a pump delivers"
)
PUMP_DOSE = Bounds(0.1, 10_000.0, ("0.1 ug", "10000 ug"), "no pump gives that at once")
PUMP_CONCENTRATION = Bounds(10.0, 10_000.0, ("10 ug/mL", "10000 ug/mL"), "nobody fills a pump with that")
INJECTED = Bounds(0.001, 10.0, ("0.001 mL", "10 mL"), "a catheter holds a fraction of a millilitre")
CATHETER = Bounds(10.0, 150.0, ("10 cm", "150 cm"), "an implanted catheter runs from the belly to the spine")
BODY_WEIGHT = Bounds(3.0, 300.0, ("3 kg", "300 kg"), "infant to giant")
STATURE = Bounds(45.0, 250.0, ("45 cm", "250 cm"), "newborn to giant")
SHANK = Bounds(8.0, 70.0, ("8 cm", "70 cm"), "newborn to giant")


def number(value: object) -> float:
    """Return a real number as a float; NaN for what is none: a truth value, a text, more digits than a float holds."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return math.nan
    try:
        return float(value)
    except (OverflowError, TypeError, ValueError):
        return math.nan


def told(value: object) -> str:
    """Return a number, or what was given instead of one, for a message."""
    x, is_long = number(value), isinstance(value, int) and not isinstance(value, bool)
    return "a number too long" if math.isnan(x) and is_long else f"{x:g}" if not math.isnan(x) else f"{value!r:.40}"


def within(what: str, given: object, low: float, high: float, unit: str) -> float:
    """Return a number that lies from `low` to `high`.

    Raises
    ------
    SimulationError
        It lies elsewhere, or is no number.
    """
    x = number(given)
    if not low <= x <= high:
        near = high if x > high else low
        raise SimulationError(
            f"{what} is {told(given)} {unit}. Allowed: {low:.4g} to {high:.4g} {unit}. Nearest: {near:.4g}. "
            "Correct it, and check its unit."
        )
    return x


def count(what: str, given: object) -> int:
    """Return a whole number that counts something: 1 or more.

    Raises
    ------
    SimulationError
        It is none.
    """
    if isinstance(given, bool) or not isinstance(given, numbers.Integral) or given < 1:
        raise SimulationError(f"{what} is {told(given)}. Allowed: a whole number from 1 on. Nearest: 1. Correct it.")
    return int(given)
