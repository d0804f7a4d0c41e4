"""Laws of dosing: never above the cap, only at visits, by no more than a step, never up on a dose-limiting sign."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from arm_examples import arm_run
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from study_examples import STROKE

from eutonia import parameters
from eutonia.assessment.reading import is_loose
from eutonia.drug import policy
from eutonia.drug.effect.gaba_b import Receptor
from eutonia.drug.kinetics import Kinetics
from eutonia.drug.policy import InfusionLimits, Step
from eutonia.simulation.course import Course, start
from eutonia.simulation.people import People, Traits
from eutonia.study.design import TrialStudy, parse_study
from eutonia.trial.arms import ArmRun
from eutonia.trial.period import PeriodClock, Task, run_period

pytestmark = pytest.mark.xdist_group("slow clock")

N, DAY = 64, 24.0
LIMITS = InfusionLimits(lowest=1.0, highest=40.0)
ROUNDING = 1 + 1e-12
MANY = settings(deadline=None, max_examples=100)


def numbers(low: float, high: float) -> st.SearchStrategy[np.ndarray]:
    return arrays.arrays(np.float64, 16, elements=st.floats(low, high, allow_subnormal=False))


rates, scores, targets = numbers(LIMITS.lowest, LIMITS.highest), numbers(1, 5), numbers(1, 5)
signs = arrays.arrays(np.bool_, 16)
steps = st.builds(Step, up=st.floats(0.01, 0.5), down=st.floats(0.01, 0.5))


# --- the rules -------------------------------------------------------------------------------------------------------


@MANY
@given(rates, scores, targets, signs, steps)
def test_a_titrated_rate_keeps_the_rules(
    rate: np.ndarray, score: np.ndarray, target: np.ndarray, limiting: np.ndarray, step: Step
) -> None:
    moved = policy.titrate(rate, score, target, limiting, step, LIMITS)
    assert np.all((moved >= LIMITS.lowest) & (moved <= LIMITS.highest))
    assert np.all(moved <= rate * (1 + step.up) * ROUNDING)
    assert np.all(moved >= rate * (1 - step.down) / ROUNDING)
    assert np.all(moved[limiting] <= rate[limiting])
    content = ~limiting & (score <= target)
    assert np.array_equal(moved[content], rate[content])
    wants_more = ~limiting & (score > target)
    assert np.all(moved[wants_more] == np.minimum(rate * (1 + step.up), LIMITS.highest)[wants_more])


@MANY
@given(numbers(0, 80), scores, targets, signs, steps)
def test_no_sign_is_answered_by_more_and_no_rate_goes_over_the_cap(
    rate: np.ndarray, score: np.ndarray, target: np.ndarray, limiting: np.ndarray, step: Step
) -> None:
    """Also for rates that were programmed outside the range of the rule."""
    moved = policy.titrate(rate, score, target, limiting, step, LIMITS)
    assert np.all(moved[limiting] <= rate[limiting])
    assert np.all(moved <= np.maximum(rate, LIMITS.highest))
    assert np.all(moved[rate > LIMITS.highest] <= rate[rate > LIMITS.highest])


def test_a_missing_score_leaves_the_dose_alone() -> None:
    rate = np.full(4, 10.0)
    score = np.array([np.nan, np.nan, 5.0, 5.0])
    target = np.array([1.5, 1.5, np.nan, 1.5])
    limiting = np.array([False, True, False, False])
    moved = policy.titrate(rate, score, target, limiting, Step(0.2, 0.1), LIMITS)
    np.testing.assert_allclose(moved, [10.0, 9.0, 10.0, 12.0])


@MANY
@given(rates, scores, targets, st.floats(0.1, 10))
def test_a_ladder_to_relief_climbs_by_equal_steps_and_then_stays(
    rate: np.ndarray, score: np.ndarray, target: np.ndarray, step: float
) -> None:
    moved = policy.relieve(rate, score, target, step, LIMITS.highest)
    assert np.all(moved <= LIMITS.highest)
    assert np.all(moved - rate <= step * ROUNDING)
    assert np.all(moved >= rate)
    assert np.array_equal(moved[score <= target], rate[score <= target])


def test_the_first_rate_is_twice_the_test_dose_a_day_or_once_if_it_lasted() -> None:
    first = policy.first_pump_rate(np.array([50.0, 50.0, 100.0]), np.array([False, True, False]))
    np.testing.assert_allclose(first * 24, [100.0, 50.0, 200.0])


@pytest.mark.parametrize("origin", ["cerebral", "spinal"])
def test_steps_and_limits_are_those_of_the_label(origin: str) -> None:
    label = parameters.load("label_dosing")
    daily, visit = policy.daily_step(origin), policy.visit_step(origin)
    assert daily.up == label.value(f"titration_step_{origin}", "1")
    assert 0 < daily.up <= 0.3
    assert 0 < visit.up <= 0.4
    assert daily.down == visit.down == label.value("decrease_step", "1")
    assert policy.pump_limits(30.0) == InfusionLimits(label.value("lowest_dose", "ug/day") / 24, 30.0)


# --- the rules on the clock ------------------------------------------------------------------------------------------

HEAD = (
    """
[study]
name = "policies"
title = "One policy a phase, for tests"
kind = "trial"
seed = 3
[population]
n = 64
"""
    + STROKE
    + """\
[assessment]
side = "affected"
limbs = ["leg"]
scales = ["ashworth"]
rater = "human"
"""
)

PHASE = """
[[phase]]
name = "{name}"
design = "single"
masking = "open"
visits = ["0 hour", "{days} day"]
nonspecific = false
dropout = false
[[phase.arm]]
name = "{name}"
[[phase.arm.treatment]]
{treatment}
[phase.arm.titration]
{titration}
"""

PUMP = 'product = "Lioresal Intrathecal"\nroute = "intrathecal infusion"\nstart = "0 hour"\ntip = "T10"'
TARGET = 'target = { scale = "ashworth", limb = "leg", at_most = 1.4 }'
PHASES = {
    "label": (
        60,
        PUMP,
        'policy = "label"\norigin = "spinal"\nstart = "100 ug/day"\nmax = "200 ug/day"\ndaily_until = "3 day"\n'
        f'every = "7 day"\n{TARGET}',
    ),
    "relief": (
        20,
        PUMP,
        f'policy = "to relief"\nstart = "50 ug/day"\nstep = "50 ug/day"\nmax = "120 ug/day"\nevery = "2 day"\n{TARGET}',
    ),
    "tablets": (
        30,
        'product = "baclofen tablets"\nroute = "oral"\ndose = "5 mg"\nevery = "8 hour"',
        'policy = "oral label"\nstep = "5 mg"\nmax = "20 mg"\nevery = "3 day"',
    ),
    "ladder": (
        4,
        'product = "Lioresal Intrathecal"\nroute = "intrathecal bolus"\ndose = "25 ug"\nat = "0 hour"\n'
        'access = "lumbar puncture"',
        'policy = "screening ladder"\ndoses = ["25 ug", "50 ug", "75 ug"]\nevery = "24 hour"\n'
        'response = { scale = "ashworth", limb = "leg", fall = 1.0 }',
    ),
}


def study() -> TrialStudy:
    phases = [PHASE.format(name=n, days=d, treatment=t, titration=p) for n, (d, t, p) in PHASES.items()]
    found = parse_study(HEAD + "".join(phases))
    assert isinstance(found, TrialStudy)
    return found


@dataclass
class Watched:
    """What a policy did: dose, score and dose-limiting sign of everybody every twelve hours, and the boluses."""

    time_h: list[float] = field(default_factory=list)
    dose: list[np.ndarray] = field(default_factory=list)
    limiting: list[np.ndarray] = field(default_factory=list)

    @property
    def rises(self) -> np.ndarray:
        """Return by how much each dose differs from the one before."""
        return np.diff(self.dose, axis=0)


def some_people(**of_receptor: float) -> People:
    """Return people from hardly to severely spastic; the first turn hypotonic on little drug."""
    receptor = Receptor.typical().draw(jnp.zeros((2, N)), (0.0, 0.0))
    one, zero = jnp.ones(N), jnp.zeros((2, N))
    traits = Traits(jnp.zeros((6, N)), zero, zero, zero, zero)
    return People(
        person=jnp.arange(N),
        weight_kg=70.0 * one,
        kinetics=Kinetics.typical(N),
        receptor=dataclasses.replace(receptor, **{name: jnp.full(N, value) for name, value in of_receptor.items()}),
        traits=traits,
        bias=jnp.linspace(0.3, 4.5, N) * jnp.ones((2, N)),
        strength=jnp.ones((2, N)),
        time_since_onset_h=8766.0 * one,
    )


def watched(
    name: str, member: np.ndarray | None = None, attendance: Any = None, **of_receptor: float
) -> tuple[Watched, ArmRun]:
    phase = study().phase(name)
    run = arm_run(phase.arms[0], np.ones(N, dtype=bool) if member is None else member, float(phase.visits_h[-1]))
    run.attendance = attendance
    who, seen = some_people(**of_receptor), Watched()
    # Raters without scatter: the sign that is noted here is the one that the policy sees.
    clock = PeriodClock(Course(who), start(who), 3, True, np.zeros(N))

    def note(now: PeriodClock) -> None:
        seen.time_h.append(now.now_h)
        seen.limiting.append(is_loose(now.look(0, nonspecific=False).chart, "leg", 0.0))
        seen.dose.append(now.tablets[0].dose_mg if now.tablets else now.rate * DAY)

    times = np.arange(0.0, phase.visits_h[-1] + 1, 12.0)
    # Looked at before the decision of the same hour, and again after it.
    run_period(clock, [*run.tasks(), *(Task(t, order, note) for t in times for order in (0, 3))])
    return seen, run


def assert_only_at(seen: Watched, visits: set[float]) -> None:
    moved = np.any(seen.rises != 0, axis=1)
    times = np.array(seen.time_h)
    changed = {float(t) for t in times[1:][moved]}
    assert changed <= visits
    assert np.all((times[1:] == times[:-1])[moved]), "a dose moved between visits"


def assert_signs_heeded(seen: Watched) -> None:
    limiting = np.array(seen.limiting)[:-1] & np.array(seen.limiting)[1:]
    assert np.all(seen.rises[limiting] <= 0.0)


def test_the_label_on_the_clock() -> None:
    seen, _ = watched("label")
    visits = {0.0, DAY, 2 * DAY, 3 * DAY, *(DAY * np.arange(10, 61, 7))}
    assert_only_at(seen, visits)
    assert_signs_heeded(seen)
    dose = np.array(seen.dose)[2:]
    assert dose.max() == pytest.approx(200.0), "nobody reached the cap"
    assert dose.max() <= 200.0 * ROUNDING
    change = dose[1:] / dose[:-1]
    early = np.array(seen.time_h)[3:] <= 3 * DAY
    assert change[early].max() <= (1 + policy.daily_step("spinal").up) * ROUNDING
    assert change.max() <= (1 + policy.visit_step("spinal").up) * ROUNDING
    assert change.min() >= (1 - policy.visit_step("spinal").down) / ROUNDING
    assert np.any(change < 1.0), "nobody met a dose-limiting sign"


def test_tablets_on_the_clock() -> None:
    """Without a target the dose rises in everybody until a sign stops it; the cord is made easy to sway."""
    seen, _ = watched("tablets", ec50=22.0, hyperpolarisation=100.0)
    assert_only_at(seen, {0.0, *(3 * DAY * np.arange(1, 11))})
    assert_signs_heeded(seen)
    dose = np.array(seen.dose)[2:]
    assert set(np.unique(dose)) <= {5.0, 10.0, 15.0, 20.0}
    assert dose.max() == 20.0
    assert np.diff(dose, axis=0).max() == 5.0
    stopped = dose[-1] < 20.0
    assert 0 < stopped.sum() < N
    assert np.array(seen.limiting)[:, stopped].any(axis=0).all()


def test_whoever_misses_a_visit_keeps_the_dose() -> None:
    """Every second person is away from all visits: nothing moves, and relief that nobody saw is not noted."""
    missed = np.arange(N) % 2 == 1
    seen, run = watched("relief", attendance=SimpleNamespace(away=lambda time_h, number: missed))
    dose = np.array(seen.dose)[2:]
    np.testing.assert_allclose(dose[:, missed], 50.0)
    assert dose[-1, ~missed].max() == pytest.approx(120.0)
    assert run.relieved_ug_per_h is not None
    assert np.isnan(run.relieved_ug_per_h[missed]).all()
    assert not np.isnan(run.relieved_ug_per_h[~missed]).all()


def test_relief_on_the_clock() -> None:
    """The ladder of a study that asked how much dose relief takes: it heeds relief alone."""
    seen, run = watched("relief")
    assert_only_at(seen, {0.0, *(2 * DAY * np.arange(1, 11))})
    dose = np.array(seen.dose)[2:]
    assert 110.0 < dose.max() <= 120.0 * ROUNDING
    assert np.diff(dose, axis=0).min() >= 0.0
    assert np.diff(dose, axis=0).max() <= 50.0 * ROUNDING
    assert run.relieved_ug_per_h is not None
    relieved = ~np.isnan(run.relieved_ug_per_h)
    assert 0 < relieved.sum() < N
    np.testing.assert_allclose(run.relieved_ug_per_h[relieved] * DAY, dose[-1][relieved])


def test_a_test_dose_that_worked_is_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    given_ug: list[np.ndarray] = []
    plain = PeriodClock.bolus

    def bolus(clock: PeriodClock, amount_ug: np.ndarray, access: str) -> None:
        given_ug.append(np.asarray(amount_ug))
        plain(clock, amount_ug, access)

    monkeypatch.setattr(PeriodClock, "bolus", bolus)
    member = np.arange(N) != 5
    _, run = watched("ladder", member)
    doses = np.array(given_ug)
    assert doses.shape == (3, N)
    assert np.all(doses[:, ~member] == 0.0)
    for lane, effective in enumerate(run.effective_ug if run.effective_ug is not None else []):
        ladder = [25.0, 50.0, 75.0] if member[lane] else []
        expected = [dose for dose in ladder if np.isnan(effective) or dose <= effective]
        assert [dose for dose in doses[:, lane] if dose > 0] == expected
    assert {25.0, 50.0} <= set(run.effective_ug[member]) if run.effective_ug is not None else False


def test_a_sham_pump_gives_nothing() -> None:
    phase = study().phase("label")
    sham = phase.arms[0].model_copy(update={"placebo": True})
    who = some_people()
    clock = PeriodClock(Course(who), start(who), 3, False, np.zeros(N))
    found: list[np.ndarray] = []
    run = arm_run(sham, np.ones(N, dtype=bool), 20 * DAY)
    looks = [Task(DAY * day, 3, lambda now: found.append(now.rate)) for day in range(20)]
    run_period(clock, [*run.tasks(), *looks])
    assert np.all(np.array(found) == 0.0)
    assert np.all(clock.course.snapshot(clock.state).csf_leg == 0.0)


def tolerance_after(changes: np.ndarray) -> np.ndarray:
    """Return everybody's slow tolerance after a month on a pump whose rate rises on day 15 in those who change."""
    who = some_people()
    clock = PeriodClock(Course(who), start(who), 3, False, np.zeros(N))
    clock.set_rate(np.full(N, 10.0), abrupt=True)
    clock.advance_to(15 * DAY)
    clock.set_rate(np.where(changes, 14.0, 10.0), abrupt=False)
    clock.advance_to(30 * DAY)
    return np.asarray(clock.state.adaptation.slow)[0]


def test_whose_dose_stays_goes_on_alike_whoever_is_in_the_block() -> None:
    one_changes = np.arange(N) == 0
    alone, beside = tolerance_after(np.zeros(N, dtype=bool)), tolerance_after(one_changes)
    np.testing.assert_array_equal(alone[1:], beside[1:])
    assert alone[0] != beside[0]
