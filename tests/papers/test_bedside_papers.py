"""What clinics found across their patients, predicted: nothing here was fitted to these numbers."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from eutonia.assessment.pendulum import PendulumConstants, pendulum_score
from eutonia.assessment.scoring import Chart, chart, chart_constants, draw_luck
from eutonia.patient import Cohort, Population
from eutonia.simulation.bedside import bedside, stepped_constants
from eutonia.simulation.course import Snapshot
from eutonia.simulation.examine import Examination, body_constants, examine
from eutonia.simulation.pendulum import MUSCLE, pendulum
from eutonia.simulation.people import People, Traits
from eutonia.simulation.stance import stance
from eutonia.tone.descending import DescendingConstants, bias_factors, strength_exponents
from eutonia.trial.recruitment import lesioned, people_of

SEED, N = 5, 8192


@pytest.fixture(scope="module")
def survivors() -> tuple[People, Examination, Chart]:
    """Stroke survivors of any severity, examined and charted once by raters."""
    who = np.arange(N)
    cohort = Cohort.draw(SEED, who, Population.typical("stroke"))
    time_h = cohort.time_since_onset_h
    bias, strength = lesioned(
        jnp.asarray(cohort.pathways.integrity(time_h)),
        bias_factors(SEED, who),
        strength_exponents(SEED, who),
        jnp.asarray(time_h),
        DescendingConstants.from_records(),
    )
    people = people_of(cohort, Traits.draw(SEED, jnp.asarray(who), "stroke"), bias, strength, who, SEED)
    untreated = Snapshot.untreated(N)
    exam = examine(people, untreated, body_constants())
    luck = draw_luck(SEED, people.person, 1, chart_constants())
    standing = stance(people, untreated, body_constants())
    return people, exam, chart(people, exam, standing, luck, jnp.zeros(N), chart_constants())


def test_relaxation_index_goes_with_walking_speed_as_in_huang_2021(
    survivors: tuple[People, Examination, Chart],
) -> None:
    # r = 0.367 in 40 walkers; its standard error is 0.14.
    people, _, scores = survivors
    limb = bedside(people, Snapshot.untreated(N)).limb(MUSCLE)
    found = pendulum_score(pendulum(limb, stepped_constants()), PendulumConstants.from_records())
    paretic = np.asarray(people.strength[0]) < 0.98
    r = np.corrcoef(np.asarray(found.relaxation_index)[paretic], np.asarray(scores.walking)[paretic])[0, 1]
    assert r == pytest.approx(0.367, abs=0.14)


def test_strength_and_not_tone_explains_walking_speed(survivors: tuple[People, Examination, Chart]) -> None:
    people, _, scores = survivors
    paretic = np.asarray(people.strength[0]) < 0.98
    speed = np.asarray(scores.walking)[paretic]
    of_strength, of_tone = (
        np.corrcoef(np.asarray(x)[paretic], speed)[0, 1] ** 2 for x in (people.strength[0], scores.ashworth[0])
    )
    assert of_strength > 0.69  # hip flexor strength alone, Nadeau 1999
    assert of_tone < 0.25


def test_no_rater_hears_resistance_better_than_0_9(survivors: tuple[People, Examination, Chart]) -> None:
    _, exam, scores = survivors
    for excess, grade in zip(np.asarray(exam.excess), np.asarray(scores.ashworth_muscle), strict=True):
        resisting = excess > 1e-3
        assert 0.5 < np.corrcoef(excess[resisting], grade[resisting])[0, 1] < 0.9
