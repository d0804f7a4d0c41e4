"""Laws of strength training: it moves strength and what hangs on it, slowly, and never tone."""

from __future__ import annotations

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest
from arm_examples import HEAD, INFUSION, N, arm_run, some_people, study
from hypothesis import given, settings
from hypothesis import strategies as st

import eutonia
from eutonia import parameters
from eutonia.simulation.course import Course, start
from eutonia.simulation.examine import body_constants
from eutonia.simulation.stance import stance
from eutonia.simulation.treated import TreatmentCourse, joined
from eutonia.study.companions.strength_training import StrengthTrainingTreatment
from eutonia.study.design import parse_study
from eutonia.treatment import Effects
from eutonia.trial.caveats import caveats
from eutonia.trial.period import PeriodClock, run_period

pytestmark = pytest.mark.xdist_group("slow clock")

YEAR = 8766.0
TRAINED = 'route = "strength training"\nlimb = "leg"\nsessions_per_week = {0}\nstart = "0 day"\n'


def played(*treatments: str, end_h: float = 70 * 24.0, strength: float = 0.4) -> PeriodClock:
    who = dataclasses.replace(some_people(), strength=jnp.full((2, N), strength))
    clock = PeriodClock(Course(who), start(who), 3, True, np.zeros(N))
    of = study((list(treatments), ""), visits='"0 day", "300 day"').phases[0].arms[0]
    run_period(clock, arm_run(of, np.ones(N, dtype=bool), end_h).tasks())
    clock.advance_to(end_h, looking=True)
    return clock


def test_it_moves_strength_and_never_tone() -> None:
    """ "Active exercise" used to take a tenth off the signal; now strength grows, and no grade nor reflex moves."""
    pump = INFUSION + 'rate = "100 ug/day"\nstart = "0 day"\n'
    plain, trained = played(pump), played(pump, TRAINED.format(3.0))
    one, other = (clock.look(1, nonspecific=False) for clock in (plain, trained))
    for name in ("ashworth", "modified_ashworth", "reflex", "spasm", "h_reflex"):
        np.testing.assert_array_equal(other.chart.scores[name], one.chart.scores[name], err_msg=name)
    for name in ("bias", "excess", "h_over_m", "tap_probit", "contracture"):
        np.testing.assert_array_equal(getattr(other.exam, name), getattr(one.exam, name), err_msg=name)
    assert np.all(np.asarray(other.chart.scores["walking_speed"]) > np.asarray(one.chart.scores["walking_speed"]))
    before, after = (stance(c.people_now, c.snapshot, body_constants()) for c in (plain, trained))
    np.testing.assert_array_equal(after.tone_torque, before.tone_torque)
    assert np.all(np.asarray(after.strength) > np.asarray(before.strength))
    np.testing.assert_array_equal(trained.people_now.strength[1], plain.people_now.strength[1])


def test_a_course_gives_back_most_of_what_training_can_and_nothing_to_the_healthy() -> None:
    """Thirty sessions in ten weeks: all but 1/e of 15 % of what was lost, less what fades meanwhile."""
    at_most = parameters.load("strength_training").value("regained_at_most", "1")
    gained = (np.asarray(played(TRAINED.format(3.0)).people_now.strength[0]) - 0.4) / 0.6
    assert np.all((gained > 0.5 * at_most) & (gained < (1 - np.exp(-1)) * at_most))
    np.testing.assert_array_equal(played(TRAINED.format(3.0), strength=1.0).people_now.strength, 1.0)


@settings(deadline=None, max_examples=40)
@given(sessions=st.floats(0.1, 21), more=st.floats(0, 5), span=st.floats(0, 5 * YEAR), rest=st.floats(0, 5 * YEAR))
def test_more_sessions_never_give_less_and_what_is_gained_fades(
    sessions: float, more: float, span: float, rest: float
) -> None:
    def after(per_week: float, *rests: float) -> Effects:
        table = {"route": "strength training", "limb": "leg", "sessions_per_week": per_week, "start": "0 day"}
        one = StrengthTrainingTreatment.model_validate(table)
        state = one.advance(one.begin(2), span, True)
        for time_h in rests:
            state = one.advance(state, time_h, False)
        return one.effects(state, True)

    gained, nothing = after(sessions), Effects.none(2)
    for name in (one for one in vars(nothing) if one != "regained"):
        np.testing.assert_array_equal(getattr(gained, name), getattr(nothing, name))
    leg = np.asarray(gained.regained)[0]
    assert np.all((leg >= 0) & (leg <= parameters.load("strength_training").value("regained_at_most", "1")))
    assert np.all(np.asarray(after(min(sessions + more, 21.0)).regained)[0] >= leg - 1e-12)
    assert np.all(np.asarray(after(sessions, rest).regained)[0] <= leg + 1e-12)
    np.testing.assert_allclose(after(sessions, rest, rest).regained, after(sessions, 2 * rest).regained, rtol=1e-9)
    both = gained.joined(gained)
    np.testing.assert_allclose(1 - both.regained[0], (1 - leg) ** 2, rtol=1e-12)


def test_one_course_after_another_never_passes_the_ceiling_and_is_one_long_course() -> None:
    """Two courses gained up to the ceiling each, 28 % of what was lost where endless training gives back 15."""
    at_most = parameters.load("strength_training").value("regained_at_most", "1")
    often, end_h = TRAINED.format(21.0), 3 * 70 * 24.0
    first = often + 'stop = "70 day"\n'
    second = often.replace('"0 day"', '"70 day"') + 'stop = "140 day"\n'
    third = often.replace('"0 day"', '"140 day"')

    def gained(*treatments: str) -> np.ndarray:
        return (np.asarray(played(*treatments, end_h=end_h).people_now.strength[0]) - 0.4) / 0.6

    whole, parts = gained(often), gained(first, second, third)
    np.testing.assert_allclose(parts, whole, rtol=1e-9)
    np.testing.assert_allclose(gained(third, first, second), parts, rtol=1e-12)
    assert np.all(whole > 0.9 * at_most)
    assert np.all(gained(first, third) < at_most)
    assert np.all(gained(first, third) > gained(third))


def test_a_course_for_some_goes_on_in_them_and_fades_in_the_others() -> None:
    """Who is not given the second course keeps what the first has left."""
    day = 24.0

    def course(who: np.ndarray, start_h: float, per_week: float) -> TreatmentCourse:
        table = {"route": "strength training", "limb": "leg", "sessions_per_week": per_week, "start": "0 day"}
        one = StrengthTrainingTreatment.model_validate(table)
        return TreatmentCourse(one.begin(2), one.advance, one.effects, who, since_h=start_h, is_given=True)

    first, only = course(np.ones(2), 0.0, 3.0), course(np.ones(2), 0.0, 3.0)
    for one in (first, only):
        one.stop(70 * day)
    second = course(np.array([1.0, 0.0]), 100 * day, 3.0)
    second.go_on_from(first)
    both = np.asarray(joined((first, second), 130 * day).regained[0])
    left, afresh = np.asarray(only.effects(130 * day).regained[0]), course(np.ones(2), 100 * day, 3.0)
    assert both[1] == pytest.approx(left[1], rel=1e-12)
    assert left[1] > 0.0
    assert left[0] < both[0] < left[0] + np.asarray(afresh.effects(130 * day).regained[0])[0]


def test_the_report_says_that_tone_stays_and_a_slip_is_refused() -> None:
    text = HEAD.replace("DESIGN", "single").replace("VISITS", '"0 day", "70 day"')
    text += '[[phase.arm]]\nname = "trained"\n[[phase.arm.treatment]]\n' + TRAINED.format(3.0)
    assert any("leaves tone as it is" in said for said in caveats(parse_study(text)))
    for slip in ("0", "22.0", '"3 a week"'):
        with pytest.raises(eutonia.EutoniaError, match="sessions_per_week"):
            parse_study(text.replace("sessions_per_week = 3.0", f"sessions_per_week = {slip}"))
