"""Fit the adult default of tablets to printed levels, and what blood brings to the cord to trials of tablets.

    python calibration/oral.py [--write]     what the shipped numbers give, then a fit; --write: into oral.csv, no fit

Rows are those of calibration.csv. The disposition (two compartments, two stages before the depot) is a maximum
posterior fit to peak, hour of the peak, clearance and two half-lives; no samples of a person were seen. The potency
of drug that came by the blood is the one at which 80 mg/day take from the Ashworth score what two trials in multiple
sclerosis took beyond placebo. Nothing of the shipped trials is read here.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
from collections.abc import Callable
from pathlib import Path

from eutonia import parameters, session

session.begin()

import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
from cohorts import Study, build, charted  # noqa: E402
from drug import PARAMETERS as OF_DRUG  # noqa: E402
from drug_targets import Fitted, Target  # noqa: E402
from local import known_to, told  # noqa: E402
from scipy.optimize import brentq, least_squares  # noqa: E402

from eutonia.drug.exposure import Profile, model  # noqa: E402
from eutonia.drug.kinetics import Dialysis, Kinetics, OralValues  # noqa: E402
from eutonia.simulation.course import Course, start  # noqa: E402

SET = "oral_adult_default"
FROZEN = Path(__file__).with_name("oral.csv")
PEOPLE, LEG = 384, 0
#: Step of a logarithm, for the slopes that tell how well it is known.
STEP = 1e-3

# Middles and SD of the logarithm are judgement: wide, but for the stages before the depot.
PARAMETERS = (
    Fitted("clearance_over_bioavailability", 11.0, 0.5, SET, "L/h"),
    Fitted("central_volume_over_bioavailability", 32.0, 1.0, SET, "L"),
    Fitted("intercompartmental_clearance_over_bioavailability", 9.0, 1.5, SET, "L/h"),
    Fitted("peripheral_volume_over_bioavailability", 45.0, 1.5, SET, "L"),
    Fitted("absorption_rate", 1.2, 1.0, SET, "1/h"),
    Fitted("mean_transit_time", 0.25, 0.5, SET, "h"),
)
BLOOD = Fitted("blood_potency", 1.8, 0.6, "receptor", "1")

TARGETS = (
    Target("peak after 10 mg, ng/mL", "OPK044 OPK045", 140.1, 6.5),
    Target("hour of the peak after 10 mg", "OPK046 OPK047", 1.375, 0.15),
    Target("clearance CL/F, patients, L/h", "OPK029", 11.6, 0.57),
    Target("clearance CL/F, healthy men, L/h", "OPK001", 10.8, 0.9),
    Target("half-life from 3 to 9 h", "OPK015 OPK032 OPK043", 4.0, 0.3),
    Target("late half-life, liquids", "OPK050 OPK052", 5.65, 0.25),
    Target("late half-life, four adults", "OPK016", 6.8, 0.34),
    # One person; the tolerance is the spread of volume between people.
    Target("removal in a dialysis session, 1/h", "REN005", 0.152, 0.033),
)
# Share of the excess: change beyond placebo of 7.93 and 7.7 points (40 mg of arbaclofen are the active part of 80 mg).
# The two trials found 0.12 and 0.05; weighted by their standard errors.
ASHWORTH = Target("multiple sclerosis, 80 mg/d: share of Ashworth removed", "OEF018 OEF020 PLC004 PLC005", 0.078, 0.025)
MULTIPLE_SCLEROSIS = Study("multiple sclerosis", "spinal", leg=(3.0, 0.8), arm=(1.5, 0.6))
DOSE_MG, EVERY_H, DAYS, LOOKED_AT_H = 80.0 / 3.0, 8.0, 84, (2.0, 5.0)


def predict(values: dict[str, float]) -> dict[str, float]:
    """Predict every target of the disposition; `values` are apparent ones, as in the records."""
    share = parameters.load(SET).value("bioavailability", "1")
    own = ("CL", "VC", "Q", "VP")
    given = dict(zip((*own, "KA", "MTT"), values.values(), strict=True))
    curve = Profile(model(), {name: value * (share if name in own else 1.0) for name, value in given.items()})
    peak, hour = curve.peak(10.0)
    early, later = curve.level(10.0, np.array([3.0, 9.0]))
    decline, late = 6.0 * np.log(2.0) / np.log(early / later), curve.half_life()
    found = (peak, hour, given["CL"], given["CL"], decline, late, late, removal(given))
    return {t.key: float(x) for t, x in zip(TARGETS, found, strict=True)}


def removal(given: dict[str, float]) -> float:
    """Return the mean rate at which a session takes plasma down in somebody without kidneys, after long intake, 1/h."""
    oral = dataclasses.replace(
        OralValues.from_records(SET),
        clearance=given["CL"],
        central_volume=given["VC"],
        intercompartmental_clearance=given["Q"],
        peripheral_volume=given["VP"],
    )
    people, session = Kinetics.typical(oral=oral, creatinine_clearance=0.0), Dialysis.from_records((0.0,))
    settled = people.steady_state(tablets_mg_per_h=1.0)
    state = dataclasses.replace(settled, gut=tuple(0.0 * amount for amount in settled.gut))
    machine = people.on_dialysis(session)
    later = machine.advance(state, machine.step_plan(session.length_h))
    left = machine.exposure(later).plasma[0] / machine.exposure(state).plasma[0]
    return -float(np.log(left)) / session.length_h


def ashworth_removed(potency: float, n: int = PEOPLE) -> float:
    """Return the share of the leg's Ashworth excess that 80 mg/day have removed after twelve weeks."""
    block = build(MULTIPLE_SCLEROSIS, {p.name: p.shipped for p in OF_DRUG}, n)
    before = charted(block).expected[LEG].mean()
    receptor = dataclasses.replace(block.people.receptor, blood_potency=jnp.full(n, potency))
    people = dataclasses.replace(block.people, receptor=receptor)
    course, none, tablet = Course(people), jnp.zeros(n), jnp.full(n, DOSE_MG)
    state = course.advance_tablets(start(people), tablet, EVERY_H, round(DAYS * 24.0 / EVERY_H), none)
    last, scores = course.tablet(state, tablet), []
    for hour in LOOKED_AT_H:
        now = dataclasses.replace(block, people=people, course=course, state=course.advance(last, hour, none, 0.0))
        scores.append(charted(now).expected[LEG].mean())
    return float((before - np.mean(scores)) / (before - 1.0))


def shipped() -> dict[str, float]:
    """Predict every target with the shipped numbers."""
    return predict({p.name: p.shipped for p in PARAMETERS}) | {ASHWORTH.key: ashworth_removed(BLOOD.shipped)}


def residuals(x: np.ndarray) -> np.ndarray:
    """Return how far targets and priors are off at logarithms of the disposition, in their SD."""
    found = predict({p.name: float(v) for p, v in zip(PARAMETERS, np.exp(x), strict=True)})
    prior = [(one - np.log(p.middle)) / p.prior for p, one in zip(PARAMETERS, x, strict=True)]
    return np.array([*((found[t.key] - t.value) / t.sd for t in TARGETS), *prior])


def how_well(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the local standard errors of the logarithms, and the correlation of the estimates."""
    return known_to(residuals, x, STEP)


def fit() -> None:
    """Fit disposition and potency from the shipped numbers, and print both."""
    best = least_squares(residuals, np.log([p.shipped for p in PARAMETERS]))
    for p, v in zip(PARAMETERS, np.exp(best.x), strict=True):
        print(f"    {p.name:50s} {v:8.3f} {p.unit:5s} (prior {100 * p.prior:.0f} %)")
    print(told([p.name for p in PARAMETERS], *how_well(best.x)))
    _print(predict({p.name: float(v) for p, v in zip(PARAMETERS, np.exp(best.x), strict=True)}), TARGETS)
    for off, word in ((-1.0, "low"), (0.0, "middle"), (1.0, "high")):
        print(f"    {BLOOD.name}, {word}: {_solved(ashworth_removed, ASHWORTH.value + off * ASHWORTH.sd):.2f}")


def _solved(answer: Callable[[float], float], wanted: float) -> float:
    return float(brentq(lambda potency: answer(potency) - wanted, 0.3, 6.0, rtol=1e-3))


def _print(found: dict[str, float], targets: tuple[Target, ...]) -> None:
    for t in targets:
        off = "*" if abs(found[t.key] - t.value) > 2 * t.sd else " "
        print(f"  {off} {t.key:55s} {t.rows:28s} {t.value:8.3f} ({t.sd:.3f}) {found[t.key]:8.3f}", flush=True)


def freeze() -> None:
    """Write the shipped numbers and what they predict, for a test to hold the program to."""
    found = shipped()
    lines = [["record", p.name, p.unit, f"{p.shipped:g}", "", ""] for p in (*PARAMETERS, BLOOD)]
    targets = (*TARGETS, ASHWORTH)
    lines += [["target", t.key, t.rows, f"{t.value:g}", f"{t.sd:g}", f"{found[t.key]:.4g}"] for t in targets]
    with FROZEN.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(
            [["kind", "name", "unit_or_rows", "value_or_published", "tolerance", "predicted"], *lines]
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="what the shipped numbers predict, into oral.csv")
    if parser.parse_args().write:
        freeze()
    else:
        print("shipped:")
        _print(shipped(), (*TARGETS, ASHWORTH))
        fit()
