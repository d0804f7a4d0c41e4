"""Survivors of stroke as a rehabilitation clinic meets them, without drug, examined and charted by the program."""

from __future__ import annotations

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np

from eutonia.assessment.scoring import Chart, chart, chart_constants, draw_luck, latent_grades
from eutonia.limb.muscle import all_muscle_groups
from eutonia.patient import Cohort, Population
from eutonia.simulation.bedside import Bedside, bedside, bedside_constants
from eutonia.simulation.course import Course, start
from eutonia.simulation.examine import Examination, body_constants, examine
from eutonia.simulation.make_people import make_people
from eutonia.simulation.people import People
from eutonia.simulation.stance import stance
from eutonia.tone.spinal import muscle_bias


@dataclass(frozen=True)
class Survivors:
    """People by the last axis: time since onset h, bias mV of leg and arm, latent grade of each charted muscle group,
    the examination, one chart, and the bedside.
    """

    time_h: np.ndarray
    bias: np.ndarray
    latent: np.ndarray
    exam: Examination
    chart: Chart
    bedside: Bedside


#: Hours from which a stroke is chronic, and the latent grade of who enters: a rater's 2 of the Modified Ashworth scale,
#: half the time.
CHRONIC_H, ENTRY = 6 * 730.5, 1.5


def stiff(seed: int, pool: int, muscle: str) -> People:
    """Return survivors half a year or more after their stroke who are stiff enough to enter in a muscle group, charted
    or not.
    """
    found, groups = survivors(seed, pool), all_muscle_groups()
    row = [group.name for group in groups].index(muscle)
    limb, everybody = groups[row].limb_index, found.bedside.people
    deviate = everybody.traits.muscle_deviation[row : row + 1]
    bias = jnp.maximum(everybody.bias[limb : limb + 1], 0.0)
    tone = np.asarray(muscle_bias(bias, deviate, bedside_constants().tone))[0]
    return everybody.take(jnp.asarray(np.flatnonzero((found.time_h >= CHRONIC_H) & (tone >= ENTRY))))


def survivors(seed: int, pool: int) -> Survivors:
    """Draw typical survivors of stroke and chart both limbs of the weak side once."""
    number = np.arange(pool)
    cohort = Cohort.draw(seed, number, Population.typical("stroke"))
    people = make_people(cohort, seed=seed)
    snapshot, body, constants = Course(people).snapshot(start(people)), body_constants(), chart_constants()
    exam = examine(people, snapshot, body)
    luck = draw_luck(seed, people.person, 0, constants)
    scored = chart(people, exam, stance(people, snapshot, body), luck, jnp.zeros(pool), constants)
    return Survivors(
        time_h=np.asarray(cohort.time_since_onset_h),
        bias=np.asarray(people.bias),
        latent=np.asarray(latent_grades(exam, constants)),
        exam=exam,
        chart=scored,
        bedside=bedside(people, snapshot),
    )
