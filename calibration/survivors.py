"""Survivors of stroke as a rehabilitation clinic meets them, without drug, examined and charted by the program."""

from __future__ import annotations

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np

from eutonia.assessment.scoring import Chart, chart, chart_constants, draw_luck, latent_grades
from eutonia.patient import Cohort, Population
from eutonia.simulation.bedside import Bedside, bedside
from eutonia.simulation.course import Course, start
from eutonia.simulation.examine import Examination, body_constants, examine
from eutonia.simulation.make_people import make_people
from eutonia.simulation.stance import stance


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
