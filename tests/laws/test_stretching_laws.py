"""Laws of stretching: it acts on tissue, slowly and a little, comes undone, and never touches the signal."""

from __future__ import annotations

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest
from arm_examples import HEAD, TABLETS, arm, arm_run, same_bits, some_people
from hypothesis import given
from hypothesis import strategies as st

import eutonia
from eutonia import parameters
from eutonia.assessment.scoring import chart_constants, latent_grades
from eutonia.simulation.course import Course, Snapshot, start
from eutonia.simulation.examine import body_constants, examine, resistance_of
from eutonia.simulation.treated import changed, under
from eutonia.study.design import parse_study
from eutonia.study.stretching import StretchingTreatment
from eutonia.treatment import Effects
from eutonia.trial.caveats import caveats
from eutonia.trial.period import PeriodClock, run_period

pytestmark = pytest.mark.xdist_group("slow clock")

MONTH = 730.5


def stretching(hours: float = 0.5) -> StretchingTreatment:
    return StretchingTreatment.model_validate(
        {"route": "stretching", "limb": "arm", "hours_per_day": hours, "start": "0 day"}
    )


def after(span_h: float, hours: float = 0.5, rest_h: float = 0.0) -> Effects:
    treatment = stretching(hours)
    state = treatment.advance(treatment.begin(8), span_h, True)
    return treatment.effects(treatment.advance(state, rest_h, False), True)


def test_half_an_hour_a_day_gains_what_trials_found_and_hardly_moves_the_grade() -> None:
    """Two degrees in three months where a joint has lost 25, within what the pooled trials leave open (0 to 3)."""
    severe = parameters.load("tone").value("contracture_range_loss", "1") * 130.0
    who = some_people()
    who = dataclasses.replace(
        who,
        bias=jnp.full((2, 8), 4.0),
        traits=dataclasses.replace(who.traits, contracture=jnp.ones((2, 8))),
        time_since_onset_h=jnp.full(8, 1e6),
    )
    effects, body = after(3 * MONTH), body_constants()
    looks = []
    for done in (None, effects):
        people, snapshot = changed(who, done), under(Snapshot.untreated(8), done)
        state, _ = resistance_of(people, snapshot, body)
        looks.append(
            (
                np.asarray(state.rest_angle),
                np.asarray(latent_grades(examine(people, snapshot, body), chart_constants())),
            )
        )
    (angle, grade), (freed, graded) = looks
    gained = (freed - angle)[3] / parameters.load("tone").value("contracture_range_loss", "1") * severe
    np.testing.assert_allclose(gained, parameters.load("stretching").value("range_gained", "deg"), rtol=0.06)
    np.testing.assert_array_equal(freed[:3], angle[:3])
    assert np.all((grade - graded)[3:] >= 0)
    assert np.all((grade - graded)[3:] < 0.15)


@given(hours=st.floats(0.1, 24), more=st.floats(0, 12), span=st.floats(0, 5e4), rest=st.floats(0, 5e4))
def test_it_is_monotone_bounded_undone_in_time_and_never_touches_the_signal(
    hours: float, more: float, span: float, rest: float
) -> None:
    found, nothing = after(span, hours), Effects.none(8)
    for name in ("bias_taken", "bias_kept", "release", "strength", "gain", "blockade", "force"):
        np.testing.assert_array_equal(getattr(found, name), getattr(nothing, name))
    leg, arm_left = np.asarray(found.tissue)
    np.testing.assert_array_equal(leg, 1.0)
    assert np.all((arm_left > 0) & (arm_left <= 1))
    assert np.all(np.asarray(after(span, min(hours + more, 24.0)).tissue)[1] <= arm_left + 1e-12)
    later = np.asarray(after(span, hours, rest).tissue)[1]
    assert np.all((later >= arm_left - 1e-12) & (later <= 1 + 1e-12))
    lasts = stretching().outlasts_h
    np.testing.assert_allclose(1 - np.asarray(after(span, hours, lasts).tissue)[1], 0.1 * (1 - arm_left), rtol=1e-6)


def test_with_tablets_it_commutes_and_leaves_the_drug_as_it_is() -> None:
    table = 'route = "stretching"\nlimb = "arm"\nhours_per_day = 8.0\nstart = "1 day"\nstop = "9 day"\n'
    states, charts = [], []
    for parts in (
        [TABLETS.format(dose="10 mg")],
        [TABLETS.format(dose="10 mg"), table],
        [table, TABLETS.format(dose="10 mg")],
    ):
        who = some_people()
        clock = PeriodClock(Course(who), start(who), 3, True, np.zeros(8))
        run_period(clock, arm_run(arm(*parts), np.ones(8, dtype=bool), 13 * 24.0).tasks())
        clock.advance_to(13 * 24.0)
        states.append(clock.state)
        charts.append(clock.look(1, nonspecific=False).chart.scores)
    assert same_bits(states[0], states[1])
    assert same_bits(states[1], states[2])
    assert same_bits(charts[1], charts[2])


def test_a_slip_is_refused_and_the_report_says_how_little_it_is() -> None:
    text = HEAD.replace("DESIGN", "single").replace("VISITS", '"0 day", "90 day"')
    text += '[[phase.arm]]\nname = "stretched"\n[[phase.arm.treatment]]\nroute = "stretching"\nlimb = "leg"\n'
    text += 'hours_per_day = 0.5\nstart = "0 day"\n'
    assert any("about 2 deg of range" in said for said in caveats(parse_study(text)))
    for slip in ("0", "25.0", '"30 min"', "-1.0"):
        with pytest.raises(eutonia.EutoniaError, match="hours_per_day"):
            parse_study(text.replace("hours_per_day = 0.5", f"hours_per_day = {slip}"))
    with pytest.raises(eutonia.EutoniaError, match="washout"):
        parse_study(
            text.replace('"single"', '"crossover"\nwashout = "30 day"')
            + '[[phase.arm]]\nname = "none"\nplacebo = true\n'
        )
