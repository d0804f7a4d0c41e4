"""How the torque behind an active movement was obtained: active finger extension four weeks after toxin.

    python calibration/active_range.py          the rows beside what the shipped numbers give
    python calibration/active_range.py --fit    fit again and print the numbers to ship

Rows TOX005 and TOX006 of `calibration.csv` (Gracies 2015, arm): +23.9 deg after 500 U and +17.6 deg after 1000 U, from
before, placebo not taken off. No error is printed: 5 deg each by judgement (SD 30 deg, as many people as the trial
had). Survivors half a year or more after a stroke whose finger flexors have a latent grade of 1.5 or more (a rater's 2
on the Modified Ashworth scale, half the time) have the share of those muscles' force blocked that `toxin.py` gives for
60 % of the session there, and of the extensors' force what comes to the other side of the joint. Fitted are the torque
behind the movement and the share of a dose that comes there, which has a prior: 0.04, SD 0.7 of its logarithm (0.04
does to the elbow extensors after 500 U what a tenth of the flexors' block would; judgement), and so has the torque: 2,
SD 0.5 of its logarithm (judgement: a muscle at full will against the ceiling of its opponent's stretch reflex).
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import toxin
from local import known_to, told
from scipy.optimize import least_squares
from survivors import stiff

from eutonia import parameters, session
from eutonia.limb.muscle import all_muscle_groups
from eutonia.simulation.bedside import bedside_constants
from eutonia.simulation.course import Snapshot
from eutonia.simulation.reach import ReachConstants, reach_of
from eutonia.simulation.treated import under

SEED, POOL = 2015, 16_384
MUSCLE, ERROR = "finger flexors", 5.0
ROWS = (("TOX005", 500.0, 23.9), ("TOX006", 1000.0, 17.6))
#: Median and SD of the logarithm of the torque, and of the share of a dose that comes to the other side.
PRIORS = ((2.0, 0.5), (0.04, 0.7))
STEP = 0.02


class Clinic:
    """Survivors whose fingers are stiff enough to enter."""

    def __init__(self) -> None:
        self.row = [group.name for group in all_muscle_groups()].index(MUSCLE)
        self.people = stiff(SEED, POOL, MUSCLE)
        self.untreated = Snapshot.untreated(self.people.n)
        self.constants = ReachConstants.of(all_muscle_groups())
        self.fitted = float(self.constants.agonist_torque), parameters.load("toxin").value("antagonist_spread", "1")

    def reach(self, units: float, fitted: tuple[float, float] | None = None) -> np.ndarray:
        """Return the active range of the fingers, deg, after so many units, with a torque and a share of the dose that
        comes to the other side, or the shipped ones.
        """
        torque, spread = fitted or self.fitted
        effects = toxin.effects_on(self.people, MUSCLE, units, spread)
        seen = under(self.untreated, effects) if units else self.untreated
        constants = replace(self.constants, agonist_torque=torque)
        return np.asarray(reach_of(self.people, seen, bedside_constants(), constants)[self.row])

    def gain(self, units: float, fitted: tuple[float, float] | None = None) -> float:
        """Return the mean gain, deg."""
        return float(np.mean(self.reach(units, fitted) - self.reach(0.0, fitted)))


def gaps(clinic: Clinic) -> Callable[[np.ndarray], np.ndarray]:
    """Return the gaps of both rows and both priors, as a function of the logarithms of both numbers."""

    def gap(logs: np.ndarray) -> np.ndarray:
        torque, spread = np.exp(logs)
        found = [(clinic.gain(units, (torque, spread)) - value) / ERROR for _, units, value in ROWS]
        return np.array([*found, *((x - np.log(mean)) / sd for x, (mean, sd) in zip(logs, PRIORS, strict=True))])

    return gap


def table(clinic: Clinic) -> str:
    """Return each row beside what the numbers give."""
    before = clinic.reach(0.0)
    lines = [
        f"{clinic.people.n} people; before: median {np.median(before):.0f}, quartiles "
        f"{np.percentile(before, 25):.0f} to {np.percentile(before, 75):.0f} deg"
    ]
    for row, units, value in ROWS:
        gained = clinic.reach(units) - before
        lines.append(
            f"{row} {units:g} U: published {value:+.1f} ({ERROR:g}), here {np.mean(gained):+.1f} deg; "
            f"10 deg or more in {100 * np.mean(gained >= 10):.0f} %"
        )
    return "\n".join(lines)


def main() -> None:
    """Print the table, after a fit when asked for one."""
    session.begin()
    clinic = Clinic()
    if "--fit" in sys.argv:
        clinic.fitted = tuple(np.exp(least_squares(gaps(clinic), np.log(clinic.fitted), diff_step=STEP).x))
    print("agonist_torque = {:.3g}, antagonist_spread = {:.3g}".format(*clinic.fitted))
    print(told(("agonist_torque", "antagonist_spread"), *known_to(gaps(clinic), np.log(clinic.fitted), STEP)))
    print(table(clinic))


if __name__ == "__main__":
    main()
