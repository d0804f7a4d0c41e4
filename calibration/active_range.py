"""How the torque behind an active movement was obtained: active finger extension four weeks after toxin.

    python calibration/active_range.py          the rows beside what the shipped number gives
    python calibration/active_range.py --fit    fit again and print the number to ship

Rows TOX005 and TOX006 of `calibration.csv` (Gracies 2015, arm): +23.9 deg after 500 U and +17.6 deg after 1000 U, from
before, placebo not taken off. No error is printed: 5 deg each by judgement (SD 30 deg, as many people as the trial
had). Survivors half a year or more after a stroke whose finger flexors have a latent grade of 1.5 or more (a rater's 2
on the Modified Ashworth scale, half the time) have the share of those muscles' force blocked that `toxin.py` gives for
60 % of the session there. The fit is of one number. That the smaller dose gained more cannot come out of it.
"""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import toxin
from scipy.optimize import minimize_scalar
from survivors import stiff

from eutonia import session
from eutonia.limb.muscle import all_muscle_groups
from eutonia.simulation.bedside import bedside_constants
from eutonia.simulation.course import Snapshot
from eutonia.simulation.reach import ReachConstants, reach_of
from eutonia.simulation.treated import under
from eutonia.treatment import Effects

SEED, POOL = 2015, 16_384
MUSCLE, ERROR = "finger flexors", 5.0
ROWS = (("TOX005", 500.0, 23.9), ("TOX006", 1000.0, 17.6))


class Clinic:
    """Survivors whose fingers are stiff enough to enter."""

    def __init__(self) -> None:
        self.row = [group.name for group in all_muscle_groups()].index(MUSCLE)
        self.people = stiff(SEED, POOL, MUSCLE)
        self.untreated = Snapshot.untreated(self.people.n)
        self.deviate = toxin.deviates(self.people, MUSCLE)
        self.constants, self.blocks = ReachConstants.of(all_muscle_groups()), toxin.shipped()

    def reach(self, units: float, torque: float | None = None) -> np.ndarray:
        """Return the active range of the fingers, deg, after so many units with a torque or the shipped one."""
        constants = self.constants if torque is None else replace(self.constants, agonist_torque=torque)
        share = toxin.share_blocked(MUSCLE, units, self.blocks, self.deviate)
        effects = Effects.on(self.people.n, MUSCLE, blockade=share, force=1.0 - share)
        seen = under(self.untreated, effects) if units else self.untreated
        return np.asarray(reach_of(self.people, seen, bedside_constants(), constants)[self.row])

    def gain(self, units: float, torque: float | None = None) -> float:
        """Return the mean gain, deg."""
        return float(np.mean(self.reach(units, torque) - self.reach(0.0, torque)))


def fit(clinic: Clinic) -> float:
    """Return the torque that meets both rows best."""

    def misfit(log_torque: float) -> float:
        torque = float(np.exp(log_torque))
        return sum(((clinic.gain(units, torque) - value) / ERROR) ** 2 for _, units, value in ROWS)

    found = minimize_scalar(misfit, bounds=(np.log(1.2), np.log(6.0)), method="bounded", options={"xatol": 1e-3})
    return float(np.exp(found.x))


def table(clinic: Clinic) -> str:
    """Return each row beside what the shipped number gives."""
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
        print(f"agonist_torque = {fit(clinic):.3g}")
    print(table(clinic))


if __name__ == "__main__":
    main()
