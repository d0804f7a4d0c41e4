"""Fit what a dose of botulinum toxin blocks, and for how long, to the rows TOX of `calibration.csv`.

    python calibration/toxin.py             what the shipped numbers give beside each row
    python calibration/toxin.py --fit       a fit from there; prints the numbers to ship
    python calibration/toxin.py --write     what the shipped numbers give, into toxin.csv beside this file

Dose (Gracies 2015, arm; 2017, leg): survivors half a year or more after a stroke whose primary group is charted 2 or
more on the Modified Ashworth scale, by a rater with scatter, are charted again at four weeks with a share of that
group's force blocked. What happens under placebo (attention, expectation) is not predicted: it is the shift of the
latent grade with which the placebo row of each trial comes out, by bisection, and all arms of a trial have it. Of a
session 60 % goes into the primary group (judgement: labels and papers say what is injected, not how much into which);
the primary group of the arm is the elbow flexors (judgement: they are one of three in the trial). In the arm 1+ counts
1.5, in the leg grades are coded 0 to 5, as in the papers. Full
block and half dose cannot be told apart by two doses: the full block has a prior (0.85, SD 0.1; judgement), and so has
the spread between people (0.65, SD 0.3; judgement: volumes of a muscle differ by 0.45 in the logarithm, and needles
as much). What is made smallest is the largest distance of a row in its SE. SDs of change are shown, not fitted.

Catch: a block reaches the spindles too, so that catches come later (`catch_angle.py`). The units that they need beside
a muscle's own fibres have a prior: as many, give or take a factor of four and a half (SD 1.5 of the logarithm;
judgement: terminals on the small fibres of spindles). SE of TOX004 as of TOX003; of the calf (TOX015, TOX016) by an SD
of a quarter of the range, as the fingers have it by their SE, 28 people an arm (judgement).

Time: two weeks against four (cervical dystonia, means of effect, SE of a ratio 0.1 by judgement), twelve against four
(Gaverth 2014: the two p values taken as z, 0.47 / 2.05, SE by the delta method), and what is left when people ask for
the next injection (a quarter of the peak, SD 0.15; judgement: most of it is gone, and some is felt).
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import jax.numpy as jnp
import numpy as np
from catch_angle import catches
from local import known_to, told
from scipy.optimize import brentq, least_squares, minimize
from scipy.special import gammaincc
from survivors import survivors

from eutonia import _streams, parameters, session
from eutonia.assessment.scoring import chart, chart_constants, draw_luck
from eutonia.limb.muscle import muscle_groups, stretched_groups
from eutonia.simulation.examine import Examination, body_constants, examine
from eutonia.simulation.people import People
from eutonia.simulation.stance import Stance, stance
from eutonia.simulation.treated import under
from eutonia.treatment import Effects

FROZEN = Path(__file__).with_name("toxin.csv")
SEED, POOL = 2015, 16_384
#: Raters' luck at four weeks, over which is averaged.
LATER = (1, 2, 3)
CHRONIC_H, ENTRY, PRIMARY = 6 * 730.5, 2.0, 0.6
WEEK, DAY = 168.0, 24.0
FITTED = {
    "full_block": "1",
    "abobotulinumtoxina_half_dose": "aboU/mL",
    "leg_reach": "1",
    "reach_spread": "1",
    "spindle_half_dose": "1",
    "onset_time": "h",
    "recovery_time": "h",
    "return_time": "h",
}
PRIORS = {"full_block": (0.85, 0.1), "reach_spread": (0.65, 0.3)}
# SD of the logarithm of what half of the spindles' answer needs beside half of the force.
_SPINDLES_ALIKE = 1.5
# Weight of the sum of squares beside the largest distance, by which ties end.
_TIE = 1e-3
SD = "SD of change"
#: Grades as the leg trial codes them.
CODED = {0.0: 0.0, 1.0: 1.0, 1.5: 2.0, 2.0: 3.0, 3.0: 4.0, 4.0: 5.0}


@dataclass(frozen=True)
class Trial:
    """One trial or subgroup: muscle group, published placebo change, its rows (id, units, what, value, SE)."""

    muscle: str
    placebo_row: str
    placebo: float
    rows: tuple[tuple[str, float, str, float, float], ...]


def _share(value: float, n: float) -> float:
    return 100.0 * float(np.sqrt(value * (1.0 - value) / n))


def _sd(value: float, n: float) -> float:
    return value / float(np.sqrt(2.0 * n))


# SE of shares by the binomial law, 81 people an arm; of the arm's recalled means from an SD of 1.05 (judgement); of the
# leg's from the printed intervals, of the subgroup's from its SDs, 28 people an arm. That of placebo is added.
TRIALS = (
    Trial(
        "elbow flexors",
        "PLC008",
        -0.3,
        (
            ("PLC007", 0.0, "improved, %", 22.8, _share(0.228, 81)),
            ("TOX001", 500.0, "improved, %", 73.8, _share(0.738, 81)),
            ("TOX002", 1000.0, "improved, %", 78.5, _share(0.785, 81)),
            ("TOX009", 500.0, "change", -1.2, 0.165),
            ("TOX010", 1000.0, "change", -1.4, 0.165),
        ),
    ),
    Trial(
        "ankle plantarflexors",
        "PLC009",
        -0.5,
        (("TOX011", 1000.0, "change", -0.6, 0.108), ("TOX012", 1500.0, "change", -0.8, 0.092)),
    ),
    Trial(
        "ankle plantarflexors",
        "PLC010",
        -0.4,
        (
            ("TOX013", 1000.0, "change", -0.8, 0.247),
            ("TOX014", 1500.0, "change", -0.9, 0.231),
            ("PLC010", 0.0, SD, 0.7, _sd(0.7, 28)),
            ("TOX013", 1000.0, SD, 1.1, _sd(1.1, 28)),
            ("TOX014", 1500.0, SD, 1.0, _sd(1.0, 28)),
        ),
    ),
)
#: Muscle group, and row, units, gain of the angle of catch beside placebo (deg), SE. Placebo's was measured in the calf
#: alone (PLC011: 1 deg of a range of 60); of the fingers' range of 120 deg twice as much is taken off (judgement).
CATCHES = (
    ("finger flexors", (("TOX003", 500.0, 25.3, 5.9), ("TOX004", 1000.0, 27.5, 5.9))),
    ("ankle plantarflexors", (("TOX015", 1000.0, 7.0, 4.0), ("TOX016", 1500.0, 4.5, 4.0))),
)
#: Row, hours above, hours below (None: the peak), share, SE.
TIMES = (
    ("TOX023, TOX025", 2 * WEEK, 4 * WEEK, 46 / 49, 0.1),
    ("TOX024, TOX026", 2 * WEEK, 4 * WEEK, 37 / 44, 0.1),
    ("TOX020, TOX021", 12 * WEEK, 4 * WEEK, 0.47 / 2.05, 0.5),
    ("TOX027", 83.9 * DAY, None, 0.25, 0.15),
    ("TOX028", 80.7 * DAY, None, 0.25, 0.15),
)


def deviates(people: People, muscle: str) -> np.ndarray:
    """Return by how many spreads the share of a dose that counts in a muscle group differs from the typical one."""
    group = [name for name, *_ in stretched_groups()].index(muscle)
    keys = _streams.keys(SEED, _streams.Purpose.TOXIN, people.person, group)
    return np.asarray(_streams.normal(keys, 1)[0])


#: Everybody of a trial, and of whom no muscle or one share of it is blocked, is the same whoever asks.
drawn = cache(survivors)


class Clinic:
    """People whose primary group is stiff enough to enter, charted before and after."""

    def __init__(self, muscle: str) -> None:
        found = drawn(SEED, POOL)
        self.row = [group.name for group in muscle_groups()].index(muscle)
        grade = np.asarray(found.chart.modified_ashworth_muscle[self.row])
        here = np.flatnonzero((found.time_h >= CHRONIC_H) & (grade >= ENTRY))
        self.muscle, self.before = muscle, grade[here]
        self.people: People = found.bedside.people.take(jnp.asarray(here))
        self.snapshot = type(found.bedside.snapshot).untreated(len(here))
        self.deviate = deviates(self.people, muscle)
        self._alike = cache(self._examined)
        self.luck = {visit: draw_luck(SEED, self.people.person, visit, chart_constants()) for visit in LATER}

    def _examined(self, blocked: np.ndarray | float, spindles: np.ndarray | float) -> tuple[Examination, Stance]:
        n, body = self.people.n, body_constants()
        effects = Effects.on(n, self.muscle, blockade=blocked, force=1.0 - blocked, spindles=1.0 - spindles)
        snapshot = under(self.snapshot, effects)
        return examine(self.people, snapshot, body), stance(self.people, snapshot, body)

    def fall(self, blocked: np.ndarray | float, shift: float, spindles: np.ndarray | float | None = None) -> np.ndarray:
        """Return by how much each grade falls, by visit and person, where shares of the group's force and of its
        spindles' answer (the same, if left out) are blocked and the latent grade shifted; grades as the trial codes
        them.
        """
        n, spindles = self.people.n, blocked if spindles is None else spindles
        found = (self._examined if np.ndim(blocked) else self._alike)(blocked, spindles)
        coded = np.vectorize(CODED.get) if self.muscle == "ankle plantarflexors" else np.asarray
        falls = []
        for visit in LATER:
            scored = chart(self.people, *found, self.luck[visit], jnp.full(n, shift), chart_constants())
            falls.append(coded(self.before) - coded(np.asarray(scored.modified_ashworth_muscle[self.row])))
        return np.array(falls)


def read(what: str, fall: np.ndarray) -> float:
    """Return the change of the mean, its SD, or the share of people who lost a grade or more, per cent."""
    if what == SD:
        return float(np.std(fall))
    return 100.0 * float(np.mean(fall >= 1.0 - 1e-9)) if what == "improved, %" else -float(np.mean(fall))


clinic = cache(Clinic)


@cache
def shift_of(trial: Trial) -> float:
    """Return the shift of the latent grade with which the trial's placebo change comes out."""

    def gap(shift: float) -> float:
        return read("change", clinic(trial.muscle).fall(0.0, shift)) - trial.placebo

    return float(brentq(gap, -1.5, 0.5, xtol=1e-3))


def of_time(time_h: np.ndarray | float, onset: float, recovery: float) -> np.ndarray:
    """Return the share of the full block at a time, as `study.toxin.share_of_time` does."""
    lag, steps = parameters.load("toxin").values(onset_lag="h", recovery_steps="1")
    time = np.maximum(np.asarray(time_h) - lag, 0.0)
    return -np.expm1(-time / onset) * gammaincc(steps, time / recovery)


def peak_and_return(onset: float, recovery: float) -> tuple[float, float]:
    """Return the peak of the share, and the first hour after it at which less than a tenth of the peak is left."""
    hours = np.arange(1.0, 52 * WEEK)
    course = of_time(hours, onset, recovery)
    top = int(np.argmax(course))
    return float(course[top]), float(hours[top + np.argmax(course[top:] < 0.1 * course[top])])


def shipped() -> dict[str, float]:
    """Return the fitted numbers as they ship."""
    return {name: parameters.load("toxin").value(name, unit) for name, unit in FITTED.items()}


def volume(muscle: str) -> float:
    """Return the volume of a muscle group, mL."""
    return parameters.load("toxin").value(f"volume_{muscle.replace(' ', '_')}", "mL")


def share_blocked(
    muscle: str, units: float, x: dict[str, float], deviate: np.ndarray | float = 0.0, half_dose: float = 1.0
) -> np.ndarray:
    """Return the share that a session's units block in the primary group at four weeks, as `study.toxin.blocked`."""
    reach = x["leg_reach"] if muscle == "ankle plantarflexors" else 1.0
    counts = PRIMARY * units * reach * np.exp(x["reach_spread"] * np.asarray(deviate))
    full = x["full_block"] * counts / (counts + half_dose * x["abobotulinumtoxina_half_dose"] * volume(muscle))
    return np.asarray(full * of_time(4 * WEEK, x["onset_time"], x["recovery_time"]))


def both_blocked(muscle: str, units: float, x: dict[str, float], deviate: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what is blocked of the muscle's force, and of its spindles' answer to speed."""
    return share_blocked(muscle, units, x, deviate), share_blocked(muscle, units, x, deviate, x["spindle_half_dose"])


def effects_on(people: People, muscle: str, units: float, spread: float | None = None) -> Effects:
    """Return what a session does to people with the shipped numbers, and with a share of the dose that comes to the
    other side of the joint or the shipped one.
    """
    x, deviate = shipped(), deviates(people, muscle)
    spread = parameters.load("toxin").value("antagonist_spread", "1") if spread is None else spread
    force, spindles = both_blocked(muscle, units, x, deviate)
    opponent = 1.0 - share_blocked(muscle, spread * units, x, deviate)
    left = {"force": 1.0 - force, "spindles": 1.0 - spindles, "opponent": opponent}
    return Effects.on(people.n, muscle, blockade=force, **left)


def rows(x: dict[str, float], *, between: bool = False) -> list[tuple[str, str, float, float, float]]:
    """Return each row: identifiers, what it is, published, its SE, and what the numbers give; angles of catch, for a
    fit, `between` those of a table.
    """
    found = []
    for trial in TRIALS:
        here, shift = clinic(trial.muscle), shift_of(trial)
        for row, units, what, value, error in trial.rows:
            blocked, spindles = both_blocked(trial.muscle, units, x, here.deviate)
            fall = here.fall(blocked, shift, spindles)
            text = f"{trial.muscle}, {units:g} U: {what}"
            found.append((row, text, value, error, read(what, fall)))
    for muscle, of_muscle in CATCHES:
        met = catches(muscle)
        for row, units, value, error in of_muscle:
            gain = met.gain(*both_blocked(muscle, units, x, deviates(met.people, muscle)), between=between)
            found.append((row, f"{muscle}, {units:g} U: catch, deg", value, error, gain))
    return found + times(x)


def times(x: dict[str, float]) -> list[tuple[str, str, float, float, float]]:
    """Return the rows of the time course alone."""
    onset, recovery = x["onset_time"], x["recovery_time"]
    peak, _ = peak_and_return(onset, recovery)
    found = []
    for row, above, below, value, error in TIMES:
        base = peak if below is None else float(of_time(below, onset, recovery))
        text = f"effect at {above / WEEK:.1f} weeks, share of {'the peak' if below is None else 'that at 4 weeks'}"
        found.append((row, text, value, error, float(of_time(above, onset, recovery)) / base))
    return found


def widest(x: dict[str, float]) -> tuple[float, float]:
    """Return the largest SD of TOX013 that any spread of the block between people allows, and its distance in SE.

    TOX011 is at the end of its error that allows most, and who is blocked does not depend on the grade. Of all spreads
    of one mean the widest is all or nothing: nobody's force, or all of it that time leaves to be blocked.
    """
    of, sub = TRIALS[1], TRIALS[2]
    here, most = clinic(of.muscle), float(of_time(4 * WEEK, x["onset_time"], x["recovery_time"]))
    none, whole = (here.fall(share, shift_of(of)).mean() for share in (0.0, most))
    (_, _, _, change, error), (_, _, _, published, error_sd) = of.rows[0], sub.rows[3]
    share = (error - change - none) / (whole - none)
    falls = [here.fall(blocked, shift_of(sub)) for blocked in (0.0, most)]
    mean, square = (
        float((1 - share) * np.mean(falls[0] ** power) + share * np.mean(falls[1] ** power)) for power in (1, 2)
    )
    spread = float(np.sqrt(square - mean**2))
    return spread, (spread - published) / error_sd


def _z(table: list[tuple[str, str, float, float, float]]) -> list[float]:
    """Return by how many standard errors each row that is fitted is missed."""
    fitted = (row for row in table if not row[1].endswith(SD))
    return [(given - value) / error for _, _, value, error, given in fitted]


def _doses(now: dict[str, float]) -> list[float]:
    priors = [(now[name] - mean) / sd for name, (mean, sd) in PRIORS.items()]
    return [*_z(rows(now, between=True)), *priors, float(np.log(now["spindle_half_dose"])) / _SPINDLES_ALIKE]


TIMES_OF = ("onset_time", "recovery_time")
DOSES_OF = ("full_block", "abobotulinumtoxina_half_dose", "leg_reach", "reach_spread", "spindle_half_dose")
#: What is fitted together, its gaps and the step of its differences. Grades are steps: a twentieth of a number.
STAGES = {TIMES_OF: (lambda now: _z(times(now)), 1e-4), DOSES_OF: (_doses, 0.05)}


def _gaps(names: tuple[str, ...], x: dict[str, float]) -> Callable[[np.ndarray], np.ndarray]:
    """Return the gaps of a stage as a function of the logarithms of its numbers."""
    return lambda logs: np.array(STAGES[names][0](x | dict(zip(names, np.exp(logs), strict=True))))


def fitted(x: dict[str, float]) -> dict[str, float]:
    """Fit the times by least squares, then the doses by the largest distance; only rows count, and three priors."""
    start = np.log([x[name] for name in TIMES_OF])
    best = least_squares(_gaps(TIMES_OF, x), start, diff_step=STAGES[TIMES_OF][1])
    x = x | dict(zip(TIMES_OF, np.exp(best.x), strict=True))
    x["return_time"] = peak_and_return(x["onset_time"], x["recovery_time"])[1]

    def largest(logs: np.ndarray) -> float:
        if logs[0] >= 0.0:
            return np.inf
        z = np.abs(_gaps(DOSES_OF, x)(logs))
        return float(z.max() + _TIE * np.sum(z**2))

    # Grades are steps: no gradient, and a simplex of some per cent, which begins anew where it shrank on a step.
    logs = np.log([x[name] for name in DOSES_OF])
    for way in (1.0, -1.0, 1.0, -1.0, 1.0):
        corners = logs + way * np.vstack([np.zeros(5), np.diag([-0.03, -0.3, 0.2, 0.15, 0.4])])
        logs = minimize(largest, logs, method="Nelder-Mead", options={"maxfev": 300, "initial_simplex": corners}).x
    return x | dict(zip(DOSES_OF, np.exp(logs), strict=True))


def how_well(names: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return the local standard errors of the logarithms of one stage, and the correlation of its estimates."""
    x = shipped()
    return known_to(_gaps(names, x), np.log([x[name] for name in names]), STAGES[names][1])


def main() -> None:
    """Print the table, fit, or write."""
    session.begin()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fit", action="store_true")
    parser.add_argument("--write", action="store_true", help="what the shipped numbers give, into toxin.csv")
    asked = parser.parse_args()
    x = fitted(shipped()) if asked.fit else shipped()
    table = rows(x)
    for name, value in x.items():
        print(f"{name:32s} {value:.4g} {FITTED[name]}")
    for names in STAGES:
        print(told(names, *how_well(names)))
    for trial in TRIALS:
        print(f"{trial.muscle}: {clinic(trial.muscle).people.n} people, placebo shift {shift_of(trial):.3f} grade")
    print("| row | what | published (SE) | calibrated | distance, SE |\n|---|---|---|---|---|")
    for row, text, value, error, given in table:
        print(f"| {row} | {text} | {value:.3g} ({error:.2g}) | {given:.3g} | {(given - value) / error:+.1f} |")
    print("TOX013, the widest SD beside TOX011: {:.2f}, distance {:+.1f} SE".format(*widest(x)))
    if asked.write:
        records = [("record", name, FITTED[name], f"{value:.6g}", "", "") for name, value in x.items()]
        targets = [("target", row, text, f"{v:.4g}", f"{e:.3g}", f"{g:.4g}") for row, text, v, e, g in table]
        with FROZEN.open("w", newline="", encoding="utf-8") as file:
            head = ("kind", "name", "unit_or_what", "value_or_published", "tolerance", "predicted")
            csv.writer(file, lineterminator="\n").writerows([head, *records, *targets])


if __name__ == "__main__":
    main()
