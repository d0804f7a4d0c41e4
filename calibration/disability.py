"""Fit what stiffness costs on the Disability Assessment Scale to shares who improved by a point after toxin.

    python calibration/disability.py          the rows beside what the shipped numbers give
    python calibration/disability.py --fit    fit again and print the numbers to ship

Rows PLC012 and TOX018 (recalled; Brashear 2002, six weeks, 240 U of onabotulinumtoxinA into wrist and fingers, 40 % of
it into the wrist flexors by judgement), TOX007 and TOX008 (Gracies 2015, four weeks: 60 % of a session into the elbow
flexors, as in `toxin.py`, and half of the rest into the wrist flexors, by judgement) of `calibration.csv`; errors by
the binomial law, 64 and 81 people an arm. Survivors whose wrist or elbow flexors are charted 2 or more on the Modified
Ashworth scale and who score 2 or more are scored again, all with the shift of the latent grade that placebo has in
Gracies 2015. Effects are those of four weeks. Points a grade have a prior: 1, SD 0.5 of the logarithm, and noise one of
0.5 points, SD 0.5 (judgement).
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
import toxin
from local import known_to, told
from scipy.optimize import least_squares
from scipy.special import ndtr

from eutonia import parameters, session
from eutonia.assessment.scales.disability import MUSCLE
from eutonia.assessment.scoring import chart_constants, latent_grades
from eutonia.limb.muscle import muscle_groups
from eutonia.simulation.course import Snapshot
from eutonia.simulation.examine import body_constants, examine
from eutonia.simulation.treated import under
from eutonia.treatment import Effects

NAMES = [group.name for group in muscle_groups()]
FITTED = ("per_grade", "report_noise")
#: Median and SD of the logarithm of each number.
PRIORS = ((1.0, 0.5), (0.5, 0.5))
STEP = 0.02
#: Into what a session goes, by the muscle group that people enter with.
SESSIONS = {"elbow flexors": {"elbow flexors": 0.6, "wrist flexors": 0.2}, "wrist flexors": {"wrist flexors": 0.4}}
#: Row, group that people enter with, units, their product, per cent improved, its SE.
ROWS = (
    ("PLC012", "wrist flexors", 0.0, "onaU", 27.0, 5.5),
    ("TOX018", "wrist flexors", 240.0, "onaU", 62.0, 6.1),
    ("TOX007", "elbow flexors", 500.0, "aboU", 50.0, 5.6),
    ("TOX008", "elbow flexors", 1000.0, "aboU", 62.0, 5.4),
)


class Clinic:
    """People whose flexors are stiff enough to enter, and the latent grade of their wrist after each dose."""

    def __init__(self, muscle: str) -> None:
        found = toxin.drawn(toxin.SEED, toxin.POOL)
        grade = np.asarray(found.chart.modified_ashworth_muscle[NAMES.index(muscle)])
        here = jnp.asarray(np.flatnonzero((found.time_h >= toxin.CHRONIC_H) & (grade >= toxin.ENTRY)))
        self.people, self.muscle = found.bedside.people.take(here), muscle

    def grade(self, units: float, shift: float = 0.0) -> np.ndarray:
        """Return the latent grade of the wrist flexors of each, shifted, after so many units."""
        snapshot = Snapshot.untreated(self.people.n)
        seen = under(snapshot, self._effects(units)) if units else snapshot
        exam = examine(self.people, seen, body_constants())
        grade = np.asarray(latent_grades(exam, chart_constants()))[NAMES.index(MUSCLE)]
        return np.maximum(grade + shift, 0.0)

    def _effects(self, units: float) -> Effects:
        found = Effects.none(self.people.n)
        for muscle, share in SESSIONS[self.muscle].items():
            found = found.joined(toxin.effects_on(self.people, muscle, units * share / toxin.PRIMARY))
        return found


def improved(before: np.ndarray, after: np.ndarray, per_grade: float, noise: float) -> float:
    """Return the share, per cent, who are a point or more better, of those who scored 2 or 3 before."""

    def below(mark: float, grade: np.ndarray) -> np.ndarray:
        return np.asarray(ndtr((mark - per_grade * grade) / noise))

    two, three = below(2.5, before) - below(1.5, before), 1.0 - below(2.5, before)
    better = two * below(1.5, after) + three * below(2.5, after)
    return 100.0 * float(np.sum(better) / np.sum(two + three))


def rows() -> Callable[[np.ndarray], np.ndarray]:
    """Return what the rows come out as, per cent, as a function of the logarithms of both numbers."""
    shift, clinics = toxin.shift_of(toxin.TRIALS[0]), {muscle: Clinic(muscle) for muscle in SESSIONS}
    of = {"aboU": 1.0, "onaU": parameters.load("toxin").value("abo_per_ona", "aboU/onaU")}
    doses = [(clinics[muscle], units * of[unit]) for _, muscle, units, unit, *_ in ROWS]
    seen = [(clinic.grade(0.0), clinic.grade(units, shift)) for clinic, units in doses]
    return lambda logs: np.array([improved(*both, *np.exp(logs)) for both in seen])


def gaps(given: Callable[[np.ndarray], np.ndarray]) -> Callable[[np.ndarray], np.ndarray]:
    """Return the gaps of the rows and of both priors, in their standard deviations."""
    published, error = np.array([row[4:] for row in ROWS]).T
    middle, width = np.array(PRIORS).T
    return lambda logs: np.concatenate([(given(logs) - published) / error, (logs - np.log(middle)) / width])


def shipped() -> np.ndarray:
    """Return the logarithms of both numbers as they ship."""
    return np.log([parameters.load("disability").value(name, "1") for name in FITTED])


def main() -> None:
    """Print the rows, after a fit when asked for one."""
    session.begin()
    logs = shipped()
    if "--fit" in sys.argv:
        logs = least_squares(gaps(rows()), logs, diff_step=STEP).x
    print(", ".join(f"{name} = {value:.4g}" for name, value in zip(FITTED, np.exp(logs), strict=True)))
    print(told(FITTED, *known_to(gaps(rows()), logs, STEP)))
    for (row, muscle, units, unit, published, error), given in zip(ROWS, rows()(logs), strict=True):
        told_as = f"published {published:g} ({error:g}), here {given:.1f} %, {(given - published) / error:+.1f} SE"
        print(f"{row} {muscle}, {units:g} {unit}: {told_as}")


if __name__ == "__main__":
    main()
