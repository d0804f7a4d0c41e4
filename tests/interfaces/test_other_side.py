"""The less affected side of a person with a stroke: taken as whole, under the same drug; and the other side is tied."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
from arm_examples import HEAD, INFUSION

import eutonia
from eutonia.errors import StudyError
from eutonia.patient import Cohort, Population
from eutonia.simulation.lesion_course import LesionCourse
from eutonia.study.design import parse_study

pytestmark = pytest.mark.xdist_group("slow clock")

CASE = """
[study]
name = "side"
title = "A side"
kind = "case"
seed = 4
[patient]
age = "60 year"
weight = "70 kg"
sex = "man"
creatinine_clearance = "90 mL/min"
side = "right"
[lesion]
kind = "ischaemic"
territory = "M1 trunk"
extent = 0.3
[[charted]]
at = "200 day"
scale = "ashworth"
limb = "leg"
score = 3.0
[assessment]
side = "less affected"
limbs = ["leg", "arm"]
scales = ["ashworth", "stance_support", "walking_speed", "functional_ambulation", "active_range"]
rater = "noiseless"
[case]
duration = "5005 hour"
examine_every = "10 day"
[[event]]
at = "5000 hour"
kind = "bolus"
product = "Gablofen"
access = "lumbar puncture"
dose = "100 ug"
"""


def test_the_less_affected_side_has_no_tone_and_keeps_its_strength_under_the_drug() -> None:
    course = eutonia.run(parse_study(CASE)).course
    last = course.isel(time_h=-1)
    assert float(last["receptor_effect"].sel(limb="leg").median()) > 0.1
    np.testing.assert_array_equal(course["ashworth"], 1.0)
    assert float(course["walking_speed"].min()) > 0.97 * float(course["walking_speed"].max())
    np.testing.assert_array_equal(course["functional_ambulation"], 5.0)
    np.testing.assert_array_equal(course["active_range"].sel(limb="leg"), 60.0)
    np.testing.assert_array_equal(course["active_range"].sel(limb="arm"), 130.0)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (
            'kind = "ischaemic"\nterritory = "M1 trunk"\nextent = 0.3',
            'kind = "spinal cord injury"\nlevel = "T4"\ncompleteness = 0.6',
        )
    ],
)
def test_a_person_without_a_less_affected_side_has_none_to_score(old: str, new: str) -> None:
    assert old in CASE
    with pytest.raises(StudyError, match="less affected side is that of people") as told:
        parse_study(CASE.replace(old, new))
    assert 'Write side = "both"' in str(told.value)


def test_a_trial_charts_the_less_affected_side_of_people_who_enter_by_the_other() -> None:
    """It was for cases only. Who is spastic enters; the other leg has no tone and keeps its strength under the drug."""
    text = HEAD.replace('side = "affected"', 'side = "less affected"').replace("DESIGN", "single")
    text = text.replace('["ashworth"]', '["ashworth", "walking_speed", "functional_ambulation"]')
    text = text.replace(
        "[assessment]", '[[population.entry]]\nscale = "ashworth"\nlimb = "leg"\nat_least = 2.0\n[assessment]'
    )
    text = text.replace("VISITS", '"0 day", "14 day"') + '[[phase.arm]]\nname = "pump"\n[[phase.arm.treatment]]\n'
    text += INFUSION + 'rate = "300 ug/day"\n'
    result = eutonia.run(parse_study(text), replicates=2)
    for scale, score in (("ashworth", 1.0), ("functional_ambulation", 5.0)):
        assert result.visits.filter(result.visits["scale"] == scale)["score"].unique().to_list() == [score]
    speed = result.visits.filter(result.visits["scale"] == "walking_speed")["score"].to_numpy()
    assert speed.min() > 0.97 * speed.max()
    rule = 'policy = "label"\norigin = "cerebral"\nstart = "50 ug/day"\nmax = "300 ug/day"\nevery = "2 day"\n'
    rule += 'target = { scale = "ashworth", limb = "leg", at_most = 1.0 }\n'
    with pytest.raises(StudyError, match=r"nothing ails the less\s+affected") as told:
        parse_study(text.replace('rate = "300 ug/day"\n', f"[phase.arm.titration]\n{rule}"))
    assert "titration.target" in str(told.value)


def test_whom_a_chart_tells_to_be_stiffer_is_weaker_as_far_as_the_two_are_tied() -> None:
    cohort = Cohort.draw(1, np.arange(64), Population.typical("stroke"))
    drawn = LesionCourse.of(cohort, 1)
    same, stiffer, slack = (drawn.known(cohort, drawn.factor * jnp.asarray(by)) for by in (1.0, 3.0, 0.0))
    np.testing.assert_allclose(same.exponent, drawn.exponent, rtol=1e-12)
    assert np.all(np.asarray(stiffer.exponent) > np.asarray(drawn.exponent))
    assert np.all(np.asarray(slack.exponent) <= np.asarray(drawn.exponent))
    assert np.all(np.isfinite(np.asarray(slack.exponent)))
    with eutonia.using({"descending.bias_spread": "0"}):
        alike = LesionCourse.of(cohort, 1)
        np.testing.assert_array_equal(alike.known(cohort, alike.factor).exponent, alike.exponent)
