"""Laws of tissue: it follows tone and stretches over months, both ways, and nothing else of the signal is touched."""

from __future__ import annotations

import dataclasses
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from arm_examples import HEAD, INFUSION, TABLETS, N, arm, arm_run, same_bits, some_people
from hypothesis import given, settings
from hypothesis import strategies as st

import eutonia
from eutonia import parameters
from eutonia.assessment.scoring import chart_constants, latent_grades
from eutonia.simulation.course import Course, start
from eutonia.simulation.examine import body_constants, examine, resistance_of
from eutonia.simulation.people import People
from eutonia.study.design import parse_study
from eutonia.study.stretching import StretchingTreatment
from eutonia.tone.contracture import TissueConstants, missing_after, share_left, stretch_share
from eutonia.treatment import Effects
from eutonia.trial import period
from eutonia.trial.caveats import caveats
from eutonia.trial.period import LOOK, PeriodClock, Task, run_period

pytestmark = pytest.mark.xdist_group("slow clock")

MANY = settings(deadline=None, max_examples=25)
MONTH, YEAR, WEEK, OLD_H = 730.5, 8766.0, 168.0, 1e6

STRETCHED = 'route = "stretching"\nlimb = "arm"\nhours_per_day = {0}\n'
FROM_0 = 'start = "0 day"\n'
LOWERED = 'route = "own signal"\nlimb = "arm"\nlowered = 0.3\nstart = "2 day"\n'
TOXIN = (
    'route = "intramuscular"\nproduct = "abobotulinumtoxinA"\nmuscle = "elbow flexors"\n'
    'dose = "500 U abobotulinumtoxinA"\nat = "2 day"\n'
)


@cache
def constants() -> TissueConstants:
    return TissueConstants.from_records()


def lived(drives: list[float], hours: float = 0.0, since_h: float = OLD_H) -> list[float]:
    """Return the share of the lesion's contracture of endless time that there is after each week of a drive."""
    missing, found = jnp.zeros((2, 1)), []
    for week, drive in enumerate(drives):
        at = jnp.full(1, since_h + week * WEEK)
        missing = _step(
            missing, jnp.full((2, 1), drive), stretch_share(jnp.full((2, 1), hours), constants()), at, WEEK, constants()
        )
        grown = -np.expm1(-(since_h + (week + 1) * WEEK) / constants().contracture_time)
        found.append(float(grown - missing[0, 0]))
    return found


_step = jax.jit(missing_after)


def stiff_people(contracture: float = 1.0) -> People:
    who = some_people()
    traits = dataclasses.replace(who.traits, contracture=jnp.full((2, N), contracture))
    return dataclasses.replace(who, bias=jnp.full((2, N), 4.0), traits=traits, time_since_onset_h=jnp.full(N, OLD_H))


def played(*treatments: str, end_h: float, looks_h: tuple[float, ...] = (), who: People | None = None) -> PeriodClock:
    people = stiff_people() if who is None else who
    clock = PeriodClock(Course(people), start(people), 3, True, np.zeros(N))
    looks = [Task(at, LOOK, lambda now: now.look(1, nonspecific=False)) for at in looks_h]
    given = arm_run(arm(*treatments), np.ones(N, dtype=bool), end_h).tasks() if treatments else []
    run_period(clock, [*given, *looks])
    clock.advance_to(end_h, looking=True)
    return clock


def contracture_of(clock: PeriodClock) -> np.ndarray:
    return np.asarray(examine(clock.people_now, clock.snapshot, body_constants()).contracture)


def infusion(rate: str, more: str = "") -> str:
    return INFUSION + f'rate = "{rate}"\nstart = "0 day"\n{more}'


# --- the equation -----------------------------------------------------------------------------------------------------


@MANY
@given(drive=st.floats(0, 1.5), less=st.floats(0, 1), hours=st.floats(0, 24), since=st.floats(0, 3 * YEAR))
def test_less_tone_and_more_hours_never_make_more_tissue(drive: float, less: float, hours: float, since: float) -> None:
    weeks = 40
    plain = np.array(lived([drive] * weeks, since_h=since))
    assert np.all(np.array(lived([drive * less] * weeks, since_h=since)) <= plain + 1e-9)
    stretched = np.array(lived([drive] * weeks, hours, since))
    assert np.all((stretched <= plain + 1e-9) & (stretched >= -1e-9))
    assert np.all(plain <= max(1.0, drive) + 1e-9)


@MANY
@given(since=st.floats(0, 10 * YEAR), span=st.floats(0.1, WEEK))
def test_in_whom_nothing_is_given_nothing_is_missing_to_the_last_bit(since: float, span: float) -> None:
    none = jnp.zeros((2, 1))
    found = missing_after(none, none + 1.0, none, jnp.full(1, since), span, constants())
    assert np.all(np.asarray(found) == 0.0)
    assert np.all(np.asarray(share_left(none, jnp.full(1, since), constants())) == 1.0)


def test_relief_that_begins_early_keeps_tissue_from_growing_and_late_relief_undoes_it_slowly() -> None:
    """A drive of 0.2 from the second month, or from the twelfth: the first never stiffens, the second stays stiff."""
    untreated = lived([1.0] * 104, since_h=0.0)
    early = lived([1.0] * 8 + [0.2] * 96, since_h=0.0)
    late = lived([1.0] * 52 + [0.2] * 52, since_h=0.0)
    assert max(early) < 0.55 < 0.8 < untreated[51]
    assert early[51] < early[7]
    assert 0.4 < late[103] < 0.6
    # Both ways: when the tone comes back, tissue grows again, as fast as it once did.
    again = lived([1.0] * 8 + [0.2] * 44 + [1.0] * 52, since_h=0.0)
    assert again[103] > 0.8 > 0.5 > again[51]


# --- on the clock -----------------------------------------------------------------------------------------------------


def test_half_an_hour_a_day_gains_what_trials_found_and_hardly_moves_the_grade() -> None:
    """Two degrees in three months where a joint has lost 25; whole days no more than the pooled trials leave open."""
    severe = parameters.load("tone").value("contracture_range_loss", "1") * 130.0
    records, body = parameters.load("stretching"), body_constants()
    looks = []
    for treatments in ((), (STRETCHED.format(0.5) + FROM_0,), (STRETCHED.format(24.0) + FROM_0,)):
        clock = played(*treatments, end_h=3 * MONTH)
        people, snapshot = clock.people_now, clock.snapshot
        state, stiff = resistance_of(people, snapshot, body)
        grades = np.asarray(latent_grades(examine(people, snapshot, body), chart_constants()))
        looks.append((np.asarray(stiff)[1] * severe, np.asarray(state.rest_angle), grades))
    (none, angle, grade), (half, freed, graded), (whole, _, cast) = looks
    np.testing.assert_allclose(none - half, records.value("range_gained", "deg"), rtol=0.06)
    assert np.all((none - whole > none - half) & (none - whole <= records.value("range_at_most", "deg")))
    np.testing.assert_allclose(none - whole, records.value("range_at_most", "deg"), rtol=0.1)
    np.testing.assert_array_equal(freed[:3], angle[:3])
    assert np.all(freed[3:] > angle[3:])
    for found in (graded, cast):
        assert np.all((grade - found)[3:] >= 0)
        assert np.all((grade - found)[3:] < 0.2)


def test_what_a_stretch_has_gained_comes_undone_and_two_stretches_add_their_hours() -> None:
    table = STRETCHED.format(2.0) + 'start = "0 day"\nstop = "91 day"\n'
    gained = contracture_of(played(table, end_h=91 * 24.0))[1]
    later = contracture_of(
        played(
            table,
            end_h=91 * 24.0
            + StretchingTreatment.model_validate(
                {"route": "stretching", "limb": "arm", "hours_per_day": 2.0, "start": "0 day"}
            ).outlasts_h,
        )
    )[1]
    np.testing.assert_allclose(1 - later, 0.1 * (1 - gained), rtol=1e-3)
    twice = played(
        STRETCHED.format(1.0) + 'start = "0 day"\n', STRETCHED.format(2.0) + 'start = "0 day"\n', end_h=MONTH
    )
    once = played(STRETCHED.format(3.0) + 'start = "0 day"\n', end_h=MONTH)
    np.testing.assert_array_equal(contracture_of(twice), contracture_of(once))
    assert Effects.on(2, "arm", end_range=20.0).joined(Effects.on(2, "arm", end_range=20.0)).end_range[1, 0] == 24.0


def test_a_pump_loosens_tissue_over_months_and_a_signal_taken_off_does_not_undo_it_at_once() -> None:
    """The own signal lowered by 30 % took 30 % off the contracture within the hour."""
    before = contracture_of(played(end_h=10.0))
    np.testing.assert_allclose(before, 1.0, rtol=1e-12)
    day = contracture_of(played(LOWERED, end_h=72.0))
    np.testing.assert_allclose(day, before, rtol=1e-3)
    year = contracture_of(played(LOWERED, end_h=YEAR))
    np.testing.assert_array_equal(year[0], before[0])
    c = constants()
    np.testing.assert_allclose(year[1], 0.7 + 0.3 * np.exp(-(YEAR - 48) / c.contracture_loss_time), rtol=1e-4)
    pumped = [contracture_of(played(infusion("150 ug/day"), end_h=end))[0] for end in (72.0, 3 * MONTH, YEAR)]
    assert np.all(pumped[0] > 0.99)
    assert np.all((pumped[1] < 0.95) & (pumped[2] < pumped[1]))
    more = contracture_of(played(infusion("300 ug/day"), end_h=YEAR))
    assert np.all(more <= contracture_of(played(infusion("150 ug/day"), end_h=YEAR)))


def test_toxin_and_a_dose_of_nothing_leave_tissue_to_the_last_bit() -> None:
    untreated = played(end_h=YEAR, looks_h=(100.0, 5000.0))
    np.testing.assert_array_equal(untreated.effects.tissue, 1.0)
    for treatment in (TOXIN, TABLETS.format(dose="0 mg") + 'start = "0 day"\n'):
        clock = played(treatment, end_h=YEAR)
        np.testing.assert_array_equal(np.asarray(clock.state.tissue.missing), 0.0)
        np.testing.assert_array_equal(contracture_of(clock), contracture_of(untreated))


def test_what_is_done_to_an_arm_leaves_the_leg_to_the_last_bit() -> None:
    """A first form brought tissue up to date at each change of any treatment, and moved the other limb's rounding."""
    pump = infusion("150 ug/day")
    alone = np.asarray(played(pump, end_h=3000.0).state.tissue.missing)
    for other in (STRETCHED.format(2.0) + 'start = "3 day"\nstop = "100 day"\n', LOWERED, TOXIN):
        beside = np.asarray(played(pump, other, end_h=3000.0).state.tissue.missing)
        np.testing.assert_array_equal(beside[0], alone[0])
        assert np.array_equal(beside[1], alone[1]) == (other == TOXIN)


def test_whoever_looks_when_tissue_is_the_same() -> None:
    given = (infusion("150 ug/day", 'stop = "80 day"\n'), STRETCHED.format(1.0) + 'start = "3 day"\nstop = "100 day"\n')
    often = played(*given, end_h=3000.0, looks_h=tuple(np.arange(17.3, 2990.0, 311.7)))
    assert same_bits(played(*given, end_h=3000.0).state, often.state)


def test_steps_half_as_long_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    given = (infusion("150 ug/day"), STRETCHED.format(1.0) + 'start = "3 day"\nstop = "100 day"\n')
    found = contracture_of(played(*given, end_h=3000.0))
    monkeypatch.setattr(period, "STEP_H", 84.0)
    np.testing.assert_allclose(contracture_of(played(*given, end_h=3000.0)), found, rtol=2e-4)


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
    for name in ("drug", "adaptation", "exposed"):
        assert same_bits(getattr(states[0], name), getattr(states[1], name)), name
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
