"""Laws of the drug's effect on receptors, tone and reflexes, over hours to years."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eutonia import _streams
from eutonia.assessment.scoring import chart_constants, latent_grades
from eutonia.drug.effect import gaba_b
from eutonia.drug.effect.gaba_b import N_SITES, Adaptation, Receptor, receptor_spread
from eutonia.drug.kinetics import Kinetics
from eutonia.simulation import course as slow_clock
from eutonia.simulation.course import Course, CourseState, Snapshot, start
from eutonia.simulation.examine import body_constants, examine
from eutonia.simulation.people import People, Traits
from eutonia.trial.period import PeriodClock, TabletPlan, Task, run_period

pytestmark = pytest.mark.xdist_group("slow clock")

N, DAY, YEAR = 64, 24.0, 8766.0
FEW = settings(deadline=None, max_examples=4)
MANY = settings(deadline=None, max_examples=40)

# Eight people, each at eight doses from none to all, so that one run compares doses.
DOSES = 8
PERSON = np.arange(N) // DOSES
SHARE = jnp.asarray(np.arange(N) % DOSES / (DOSES - 1))

seeds = st.integers(0, 2**31 - 1)
states = st.lists(st.floats(0, 1), min_size=4, max_size=4)


def frozen_at(adapted: list[float], n: int) -> Adaptation:
    return Adaptation(*(jnp.full((N_SITES, n), one) for one in adapted))


def people(seed: int = 0, person: np.ndarray = PERSON, **of_receptor: float) -> People:
    """Return spastic people drawn by their number: the same number is the same person."""
    who = jnp.asarray(person)
    luck = _streams.normal(_streams.keys(seed, _streams.Purpose.RECEPTOR, who), 2)
    receptor = Receptor.typical().draw(luck, receptor_spread())
    weight, clearance = jnp.full(N, 72.0), jnp.full(N, 95.0)
    return People(
        person=who,
        weight_kg=weight,
        kinetics=Kinetics.draw(seed, who, weight_kg=weight, creatinine_clearance=clearance),
        receptor=dataclasses.replace(receptor, **{name: jnp.full(N, value) for name, value in of_receptor.items()}),
        traits=Traits.draw(seed, who, "stroke"),
        bias=jnp.full((2, N), 2.5),
        strength=jnp.full((2, N), 0.5),
        time_since_onset_h=jnp.full(N, 2 * YEAR),
    )


def over_doses(values: jax.Array | np.ndarray) -> np.ndarray:
    """Return by how much values over lanes rise from one dose of a person to the next."""
    return np.diff(np.asarray(values).reshape(*values.shape[:-1], -1, DOSES), axis=-1)


def per_day(ug: float) -> jax.Array:
    return ug / DAY * SHARE


def infused(course: Course, rate: jax.Array, days: float, state: CourseState | None = None) -> CourseState:
    return course.advance(state or start(course.people), days * DAY, rate, 0.0)


def findings(who: People, snapshot: Snapshot) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Return bias left, latent Ashworth grade and H/M."""
    exam = examine(who, snapshot, body_constants())
    return exam.bias, latent_grades(exam, chart_constants()), exam.h_over_m


# --- more drug is never more tone ------------------------------------------------------------------------------------


@MANY
@given(st.lists(st.floats(0, 5000), min_size=8, max_size=8), states, st.floats(20, 800))
def test_at_one_receptor_state_effect_and_release_follow_the_concentration(
    levels: list[float], adapted: list[float], ec50: float
) -> None:
    receptor = dataclasses.replace(Receptor.typical(), ec50=jnp.asarray(ec50))
    rising = jnp.sort(jnp.asarray(levels)) * jnp.ones((N_SITES, 1))
    found = gaba_b.effect(rising, frozen_at(adapted, 1), receptor)
    assert np.all(np.diff(found) >= 0.0)
    assert np.all(found < 1.0)
    assert np.all(np.diff(gaba_b.hyperpolarisation(found[gaba_b.TONE], jnp.full((2, 8), 2.0), receptor)) >= 0.0)
    left = gaba_b.release(found[gaba_b.REFLEX], receptor)
    assert np.all(np.diff(left) <= 0.0)
    assert np.all(left > 0.0)


@pytest.mark.parametrize("access", ["lumbar puncture", "catheter"])
@FEW
@given(seed=seeds, adapted=states)
def test_with_adaptation_frozen_more_drug_never_gives_more_tone(access: str, seed: int, adapted: list[float]) -> None:
    who = people(seed)
    course = Course(who)
    frozen = frozen_at(adapted, N)
    state = course.bolus(start(who), 150.0 * SHARE, access)
    since = 0.0
    for hours in (0.5, 1.0, 2.5, 4.0, 16.0, 24.0):
        moved = course.advance(state, hours, per_day(300.0), since)
        state, since = dataclasses.replace(moved, adaptation=frozen), since + hours
        for value in findings(who, course.snapshot(state)):
            assert np.all(over_doses(value) <= 1e-12)


@pytest.mark.parametrize("access", ["lumbar puncture", "catheter"])
@FEW
@given(seed=seeds)
def test_with_tolerance_live_more_drug_gives_no_more_tone_for_twelve_hours(access: str, seed: int) -> None:
    who = people(seed)
    course = Course(who)
    state = course.bolus(start(who), 200.0 * SHARE, access)
    moved = False
    for i in range(12):
        state = course.advance(state, 1.0, jnp.zeros(N), float(i))
        snapshot = course.snapshot(state)
        moved |= bool(np.any(snapshot.sensitivity < 0.999))
        for value in findings(who, snapshot):
            assert np.all(over_doses(value) <= 1e-9)
    assert moved, "tolerance was not live"


# --- adaptation ------------------------------------------------------------------------------------------------------


@FEW
@given(seed=seeds)
def test_sensitivity_falls_with_exposure_and_returns_without(seed: int) -> None:
    who = people(seed)
    course = Course(who)
    rate, state, since = per_day(400.0), start(who), 0.0
    before = course.snapshot(state).sensitivity
    np.testing.assert_allclose(before, 1.0, rtol=1e-12)
    for days in (1, 6, 23, 60, 275):
        state, since = course.advance(state, days * DAY, rate, since), since + days * DAY
        now = course.snapshot(state).sensitivity
        assert np.all(now <= 1.0 + 1e-12)
        assert np.all(over_doses(now) <= 1e-9)
        assert np.all(now <= before + 1e-9)
        before = now
    assert float(now.min()) < 0.6
    state, since = course.advance(state, 4 * DAY, jnp.zeros(N), 0.0), 4 * DAY
    before = course.snapshot(state).sensitivity
    for days in (1, 6, 23, 60, 275):
        state, since = course.advance(state, days * DAY, jnp.zeros(N), since), since + days * DAY
        now = course.snapshot(state).sensitivity
        assert np.all(now >= before)
        assert np.all(now[:, SHARE > 0] > before[:, SHARE > 0])
        before = now
    assert np.all(now <= 1.0 + 1e-12)


def test_a_restart_after_a_longer_holiday_works_no_less() -> None:
    who = people(3)
    course = Course(who)
    rate = per_day(400.0)
    tolerant = infused(course, rate, 90)
    early: list[np.ndarray] = []
    for holiday in (4, 10, 30, 120, 700):
        state = infused(course, rate, 0.5, infused(course, jnp.zeros(N), holiday, tolerant))
        early.append(np.asarray(course.snapshot(state).hyperpolarisation))
    gains = np.diff(early, axis=0)
    assert np.all(gains >= -1e-6)
    assert gains.sum(axis=0).max() > 0.1
    naive = np.asarray(course.snapshot(infused(course, rate, 0.5)).hyperpolarisation)
    assert np.all(early[-1] <= naive + 1e-9)


# --- withdrawal ------------------------------------------------------------------------------------------------------

AFTER_STOP_H = (*range(12, 73, 3), *range(78, 121, 6), *range(144, 481, 48))


def overshoot(course: Course, ug_per_day: float, days: float) -> np.ndarray:
    """Return how far bias rose above its untreated level after an infusion was stopped, mV (limb, lane)."""
    state, now = infused(course, per_day(ug_per_day), days), 0.0
    highest = np.full((2, N), -np.inf)
    for hour in AFTER_STOP_H:
        state = course.advance(state, hour - now, jnp.zeros(N), now)
        now = float(hour)
        highest = np.maximum(highest, -np.asarray(course.snapshot(state).hyperpolarisation))
    return highest


def test_withdrawal_overshoots_more_after_longer_and_larger_dosing() -> None:
    course = Course(people(1))
    peaks = np.array([overshoot(course, 775.0, days) for days in (1, 7, 30, 90, 180, 365)])
    untreated = np.asarray(SHARE) == 0.0
    assert np.abs(peaks[..., untreated]).max() < 1e-12
    assert np.all(peaks[..., ~untreated] > 0.0)
    # Peaks are read every three hours, and a larger dose peaks later.
    assert np.all(over_doses(peaks) >= -5e-3), "more never overshoots less"
    mean = peaks.mean(axis=-1)
    assert np.all(np.diff(mean[:4], axis=0) > 0.0), "longer overshoots more"
    # At a dose that stays, slow tolerance takes a little of it back.
    assert np.all(mean[4:] > 0.9 * mean[3])
    assert np.all(mean[3] > 3 * mean[1])


def by_people(course: Course, ug_per_day: float, days: float, hours: Sequence[float], taper: int = 0) -> np.ndarray:
    """Return bias above its untreated level in the leg, mV, some hours after a stop (everybody at the same dose)."""
    rate = jnp.full(N, ug_per_day / DAY)
    state, found, now = infused(course, rate, days), [], 0.0
    for day in range(taper):
        state = infused(course, rate * (1.0 - (day + 1) / (taper + 1)), 1.0, state)
    for hour in hours:
        state, now = course.advance(state, hour - now, jnp.zeros(N), now), hour
        found.append(-np.asarray(course.snapshot(state).hyperpolarisation)[0].mean())
    return np.array(found)


def test_withdrawal_has_the_hours_of_the_clinic() -> None:
    """It begins within 12 to 72 h, is gone within weeks, grows with the dose, and a slow taper spares most of it."""
    course = Course(people(2, np.arange(N)))
    first_days, month = (4.0, *np.arange(12.0, 121.0, 6.0)), 30 * DAY
    small, large = (by_people(course, dose, 180, (*first_days, 14 * DAY, month)) for dose in (300.0, 775.0))
    for found in (small, large):
        assert found[0] < 0.0, "four hours after the stop there is drug"
        assert 12.0 <= first_days[int(np.argmax(found[:-2]))] <= 72.0
        assert found[-2] < 0.1 * found.max(), "gone in one to two weeks"
        assert found[-1] < 0.05 * found.max()
    assert large.max() > 1.5 * small.max()
    for dose, abrupt in ((300.0, small), (775.0, large)):
        assert by_people(course, dose, 180, first_days, taper=28).max() < abrupt.max() / 3


def test_a_fixed_dose_keeps_its_relief_for_a_month() -> None:
    """Thirty days lose less than 15 % of what three gave, in grades and in mV (Hugenholtz 1992 saw no loss), a year
    less than half of the grades.
    """
    who = people(2, np.arange(N))
    who = dataclasses.replace(who, bias=jnp.full((2, N), 3.0))
    course = Course(who)
    rate, state, relief, taken, now = jnp.full(N, 200.0 / DAY), start(who), [], [], 0.0
    before = latent_grades(examine(who, course.snapshot(state), body_constants()), chart_constants())[:3].mean()
    for days in (3, 30, 365):
        state, now = course.advance(state, (days - now) * DAY, rate, now * DAY), days
        seen = course.snapshot(state)
        graded = latent_grades(examine(who, seen, body_constants()), chart_constants())
        relief.append(float(before - graded[:3].mean()))
        taken.append(float(seen.hyperpolarisation[0].mean()))
    assert relief[1] > 0.85 * relief[0]
    assert taken[1] > 0.85 * taken[0]
    assert relief[2] > 0.5 * relief[0]


def test_a_month_without_drug_takes_back_two_thirds_of_slow_tolerance() -> None:
    """Holidays of weeks lowered the dose (Heetla 2009); that a month does most of it is this program's assumption."""
    course = Course(people(2, np.arange(N)))
    tolerant = infused(course, jnp.full(N, 200.0 / DAY), 365)
    rested = infused(course, jnp.zeros(N), 30, tolerant)
    left = np.asarray(rested.adaptation.slow[gaba_b.TONE]) / np.asarray(tolerant.adaptation.slow[gaba_b.TONE])
    assert np.all((left[0] > 0.33) & (left[0] < 0.41))


def test_each_site_adapts_to_its_own_occupancy() -> None:
    """Terminals, which answer to less drug, are more occupied; the brain, far from the tip, hardly adapts."""
    course = Course(people(2, np.arange(N)))
    adapted = infused(course, jnp.full(N, 100.0 / DAY), 30).adaptation
    tone, reflex = np.asarray(adapted.fast[gaba_b.TONE]), np.asarray(adapted.fast[gaba_b.REFLEX])
    assert np.all(reflex >= tone)
    assert reflex.mean() > 1.2 * tone.mean()
    assert np.all(np.asarray(adapted.fast[gaba_b.BRAIN]) < reflex[0])


def test_without_opposition_nothing_rebounds() -> None:
    course = Course(people(1, opposition=0.0))
    assert overshoot(course, 600.0, 30).max() <= 0.0


def test_what_overshoots_comes_back() -> None:
    course = Course(people(1))
    stopped = infused(course, jnp.zeros(N), 3, infused(course, per_day(600.0), 365))
    above = -np.asarray(course.snapshot(stopped).hyperpolarisation)
    later = -np.asarray(course.snapshot(infused(course, jnp.zeros(N), 60, stopped)).hyperpolarisation)
    assert above.max() > 0.1
    assert np.abs(later).max() < 1e-4


# --- where the catheter ends -----------------------------------------------------------------------------------------


def tips(**of_receptor: float) -> dict[str, Snapshot]:
    """Return what two days of the same infusion do through a tip at each of three levels."""
    found = {}
    for tip in ("C5", "T6", "T10", "L1"):
        who = people(5, np.arange(N), **of_receptor)
        course = Course(dataclasses.replace(who, kinetics=who.kinetics.with_tip(tip)))
        found[tip] = course.snapshot(course.advance(start(course.people), 48.0, jnp.full(N, 100.0 / DAY), 0.0))
    return found


def test_a_lower_tip_gives_the_arm_less_drug_and_by_it_less_effect() -> None:
    """Fluid, receptor and own effect of the arm fall with the distance of the tip; so does relief without the leg's."""
    at = tips(leg_to_arm=0.0)
    for name in ("csf_arm", "receptor_effect", "reflex_effect", "hyperpolarisation"):
        arm = np.array([np.atleast_2d(np.asarray(getattr(at[tip], name)))[-1] for tip in ("C5", "T6", "T10", "L1")])
        assert np.all(np.diff(arm, axis=0) < 0.0), name


def test_what_a_tip_adds_to_the_arm_is_its_own_drug_and_the_share_of_the_leg() -> None:
    """Some arms are relieved more by L1 than by T10: by the fitted share of the leg's effect, and by nothing else."""
    at, typical = tips(), Receptor.typical()
    full = float(typical.hyperpolarisation) + 2.5 * float(typical.drive_share)
    leg, arm = full * np.asarray(at["L1"].receptor_effect - at["T10"].receptor_effect)
    gain = np.asarray(at["L1"].hyperpolarisation - at["T10"].hyperpolarisation)[1]
    np.testing.assert_allclose(gain, arm + float(typical.leg_to_arm) * leg, atol=1e-9)
    assert np.all(arm < 0)


def test_the_leg_is_served_best_by_a_tip_near_its_cord() -> None:
    at = tips()
    leg = np.array([np.asarray(at[tip].hyperpolarisation)[0] for tip in ("T10", "T6", "C5")])
    assert np.all(np.diff(leg, axis=0) < 0.0)


# --- steps, clocks and looks -----------------------------------------------------------------------------------------

# The change of the pump is at 21 days, the stop at 40.
LOOKS_H = (4.0, 12.0, 30.0, 47.0, *(24.0 * day for day in (20, 22, 23, 39)), 980.0, 1008.0, 1084.0, 1440.0)


def clock_of(who: People, begin: float = 0.0) -> PeriodClock:
    untouched = PeriodClock(Course(who), start(who), 1, False, np.zeros(N))
    return dataclasses.replace(untouched, now_h=begin, last_event_h=begin - 1e4)


def treat(
    who: People, *, begin: float = 0.0, looks: Sequence[float] = LOOKS_H, dose: np.ndarray | None = None
) -> tuple[list[Snapshot], PeriodClock]:
    """Give bolus, pump, a change, an abrupt stop and tablets; return what is found at some of the hours looked at."""
    share = np.asarray(SHARE) if dose is None else dose
    clock, found = clock_of(who, begin), {}
    tablets = TabletPlan(20.0 * share, 8.0, begin + 41 * DAY, begin + 50 * DAY)

    def look(now: PeriodClock) -> None:
        found[now.now_h - begin] = now.look(len(found), nonspecific=False).snapshot

    def rate(ug_per_day: float, abrupt: bool) -> Any:
        return lambda now: now.set_rate(ug_per_day / DAY * share, abrupt=abrupt)

    doses = [
        (0.0, lambda now: now.bolus(50.0 * share, "lumbar puncture")),
        (DAY, rate(100.0, abrupt=True)),
        (21 * DAY, rate(180.0, abrupt=False)),
        (40 * DAY, rate(0.0, abrupt=True)),
        (41 * DAY, lambda now: now.tablets.append(tablets)),
    ]
    tasks = [Task(begin + hour, 2, act) for hour, act in doses] + [Task(begin + hour, 0, look) for hour in looks]
    run_period(clock, tasks)
    return [found[hour] for hour in LOOKS_H], clock


def same_bits(one: Any, other: Any) -> bool:
    pairs = zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)
    return all(np.array_equal(np.asarray(a), np.asarray(b)) for a, b in pairs)


def test_halving_every_step_changes_nothing_that_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    who = people(5)
    whole = treat(who)[0]
    for name in ("FINE_H", "HOUR_H", "DAY_H"):
        monkeypatch.setattr(slow_clock, name, getattr(slow_clock, name) / 2)
    halved = treat(who)[0]
    for hour, one, other in zip(LOOKS_H, whole, halved, strict=True):
        bias, grade, ratio = (np.abs(np.asarray(a) - np.asarray(b)).max() for a, b in both(who, one, other))
        assert bias < 0.01, hour
        assert grade < 0.01, hour
        assert ratio < 0.005, hour
    assert not same_bits(whole[-1], halved[-1]), "the steps were not halved"


def both(who: People, one: Snapshot, other: Snapshot) -> zip[tuple[jax.Array, jax.Array]]:
    return zip(findings(who, one), findings(who, other), strict=True)


def test_the_origin_of_the_clock_does_not_matter() -> None:
    who = people(5)
    assert same_bits(treat(who)[0], treat(who, begin=4096.0)[0])


def test_looking_more_often_changes_nothing() -> None:
    """A look goes on from the drug's own last step, and the drug from there again: what it met is the same too."""
    who = people(5)
    plain, clock = treat(who)
    for more in ((2.0, 6.25, 60.0, 96.0, 120.0, 24.0 * 31.5, 24.0 * 41 + 8), (3.1, 100.7, 24.0 * 25.3, 24.0 * 55.2)):
        found, later = treat(who, looks=(*LOOKS_H, *more))
        for name in ("hyperpolarisation", "plasma", "sensitivity"):
            for one, other in zip(plain, found, strict=True):
                np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=1e-12, atol=1e-12)
        for mine, theirs in zip(jax.tree.leaves(clock.state), jax.tree.leaves(later.state), strict=True):
            np.testing.assert_allclose(mine, theirs, rtol=1e-11, atol=1e-11)


def test_a_change_of_the_pump_does_not_coarsen_the_hours_after_a_bolus() -> None:
    clock = clock_of(people(5))
    clock.bolus(np.full(N, 50.0), "catheter")
    clock.advance_to(2.0)
    clock.set_rate(np.full(N, 5.0), abrupt=False)
    assert clock.last_event_h == 0.0
    clock.advance_to(100.0)
    clock.set_rate(np.full(N, 6.0), abrupt=False)
    assert 0.0 < clock.last_event_h < 100.0
    clock.set_rate(np.zeros(N), abrupt=True)
    assert clock.last_event_h == 100.0


def test_no_dose_is_no_drug_and_no_effect() -> None:
    who = people(5)
    found, clock = treat(who, dose=np.zeros(N))
    for snapshot in found:
        assert np.all(snapshot.plasma == 0.0)
        assert np.all(snapshot.csf_leg == 0.0)
        assert np.abs(snapshot.hyperpolarisation).max() < 1e-12
    state = clock.state
    assert same_bits(state, clock.course.bolus(state, jnp.zeros(N), "lumbar puncture"))
    assert same_bits(state, clock.course.tablet(state, jnp.zeros(N)))


def test_nobody_feels_the_dose_of_another() -> None:
    who = people(5)
    mine = np.arange(N) % 2 == 0
    everybody, half = (treat(who, dose=dose)[0] for dose in (np.ones(N), mine.astype(float)))
    for one, other in zip(everybody, half, strict=True):
        pairs = zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)
        assert all(np.array_equal(np.asarray(a)[..., mine], np.asarray(b)[..., mine]) for a, b in pairs)
