"""What the brain meets under the label's own doses, by the present drug model: the reference of every hazard.

Run it whenever the drug is refitted, and put what it prints into src/eutonia/parameters/data/adverse.toml:
    python calibration/adverse_exposure.py
A test compares the records with this script.
"""

from __future__ import annotations

import functools

import jax.numpy as jnp
import numpy as np
from scipy.optimize import brentq

from eutonia import parameters
from eutonia._hours import HOURS_A_DAY
from eutonia.drug.effect.exposed import Exposed
from eutonia.patient import Cohort, Population
from eutonia.simulation.course import Course, CourseState, start
from eutonia.simulation.make_people import people_of
from eutonia.simulation.people import People, Traits

PEOPLE, SEED = 8192, 20261128
POPULATIONS = {"cerebral": "stroke", "spinal": "spinal cord injury"}
DOSES_A_DAY = 3
# Hours without treatment of a stop that turns severe: 72 h from the first sign to organ failure at the latest.
UNTREATED_H = 72.0


def population(of: str, n: int = PEOPLE) -> People:
    """Draw typical people; of them only drug handling, receptors, weight and kidneys matter here."""
    number = np.arange(n)
    cohort = Cohort.draw(SEED, number, Population.typical(of))
    none = np.zeros((2, n))
    return people_of(cohort, Traits.draw(SEED, jnp.asarray(number), of), none, none, number, SEED)


@functools.cache
def exposures(origin: str) -> dict[str, np.ndarray]:
    """Return each person's mean level at the brain (ng/mL) over the intrathecal stages of the label."""
    people = population(POPULATIONS[origin])
    records = parameters.load("adverse")
    stages = ("screening", "titration", "maintenance")
    lengths = [records.value(f"{stage}_duration", "day") * HOURS_A_DAY for stage in stages]
    course, each = Course(people), jnp.ones(PEOPLE)
    bolus = course.bolus(start(people), each * records.value("label_dose_screening", "ug"), "lumbar puncture")
    screened = course.advance(bolus, lengths[0], 0.0 * each, 0.0).exposed
    state = start(people)
    for stage, length in zip(stages[1:], lengths[1:], strict=True):
        rate = records.value(f"label_dose_{stage}_{origin}", "ug/day") / HOURS_A_DAY
        state = course.advance(state, length, rate * each, 0.0)
    met = (screened.screening, state.exposed.titration, state.exposed.maintenance)
    return {stage: np.asarray(x) / length for stage, x, length in zip(stages, met, lengths, strict=True)}


def on_tablets(people: People, days: float) -> CourseState:
    """Return people after so many days on tablets by the label's steps up to its dose."""
    label, records = parameters.load("label_dosing"), parameters.load("adverse")
    first, step, wait = label.values(oral_start_dose="mg", oral_step_dose="mg", oral_step_interval="day")
    top = records.value("label_dose_oral", "mg/day") / DOSES_A_DAY
    course, state, every, left = Course(people), start(people), label.value("oral_interval", "h"), days
    none = jnp.zeros(people.n)
    dose = first
    while left > 0:
        stay = left if dose >= top else min(wait, left)
        tablets = round(stay * DOSES_A_DAY)
        state = course.advance_tablets(state, none + dose, every, tablets, none)
        dose, left = min(dose + step, top), left - stay
    return state


@functools.cache
def by_the_label() -> CourseState:
    """Return people after as long on tablets as the label's rates are of."""
    return on_tablets(population("stroke"), parameters.load("adverse").value("oral_duration", "day"))


def tablets_met(exposed: Exposed) -> np.ndarray:
    """Return what hazards on tablets follow, ng/mL: the highest level got used to, and a residual for time on it."""
    tau, residual = parameters.load("adverse").values(habituation_time="day", habituation_residual="1")
    return np.asarray(exposed.highest) + residual / (tau * HOURS_A_DAY) * np.asarray(exposed.tablets)


def references() -> dict[str, tuple[float, float]]:
    """Return mean (ng/mL) and coefficient of variation of every reference exposure, by the name of its record."""
    found = {}
    for origin in POPULATIONS:
        for stage, level in exposures(origin).items():
            found[f"reference_exposure_{stage}_{origin}"] = level
    found["reference_exposure_oral"] = tablets_met(by_the_label().exposed)
    return {name: (float(x.mean()), float(x.std() / x.mean())) for name, x in found.items()}


def risen(people: People, dose_per_day: float, days: float, taper_days: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return hours after a stop of an infusion, and how far each person's excitability stands above its untreated
    level then (time, person), as a share of full effect.
    """
    course, each = Course(people), jnp.ones(people.n)
    rate = dose_per_day / HOURS_A_DAY
    state = course.advance(start(people), days * HOURS_A_DAY, rate * each, 0.0)
    for day in range(taper_days):
        state = course.advance(state, HOURS_A_DAY, rate * (1.0 - (day + 1) / (taper_days + 1)) * each, 0.0)
    hours = np.arange(0.0, UNTREATED_H + 1.0, 3.0)
    found = []
    for hour in hours:
        found.append(np.maximum(-np.asarray(course.snapshot(state).receptor_effect[0]), 0.0))
        state = course.advance(state, 3.0, 0.0 * each, hour)
    return hours, np.array(found)


def severe_risk(hours: np.ndarray, above: np.ndarray, hazard: float) -> float:
    """Return the share of people in whom a stop has turned severe by the last hour."""
    return float(-np.expm1(-hazard * np.trapezoid(above**2, hours, axis=0)).mean())


def severe_hazard(n: int = 1024) -> float:
    """Return the hazard at which the published share of stops turns severe after a year at the label's dose."""
    records = parameters.load("adverse")
    share, dose = records.values(withdrawal_severe_share="1", label_dose_maintenance_cerebral="ug/day")
    hours, above = risen(population("stroke", n), dose, 365.0)
    return float(brentq(lambda hazard: severe_risk(hours, above, hazard) - share, 1e-4, 10.0, rtol=1e-5))


if __name__ == "__main__":
    print(f"withdrawal_severe_hazard: value = {severe_hazard():.4g}")
    for name, (mean, cv) in references().items():
        print(f"{name}: value = {mean:.4g}, cv = {cv:.3f}")
