"""Laws of treatments together: who never had the drug does not withdraw, order is nothing, each does its own."""

from __future__ import annotations

from functools import cache

import jax.numpy as jnp
import numpy as np
import pytest
from arm_examples import INFUSION, TABLETS, N, arm, arm_run, some_people, study

from eutonia.simulation.course import Course, start
from eutonia.simulation.examine import body_constants, examine
from eutonia.study import companions
from eutonia.study.treatments import TREATMENTS, Treatment
from eutonia.treatment import Effects
from eutonia.trial.given import given_of
from eutonia.trial.period import PeriodClock, run_period

pytestmark = pytest.mark.xdist_group("slow clock")

DAY = 24.0
END = 28 * DAY
TOXIN = (
    'route = "intramuscular"\nproduct = "abobotulinumtoxinA"\nmuscle = "knee extensors"\n'
    'dose = "400 U abobotulinumtoxinA"\nat = "2 day"\n'
)
STRETCHED = 'route = "stretching"\nlimb = "leg"\nhours_per_day = 1.0\nstart = "0 day"\n'


def table(one: type[Treatment]) -> str:
    lines = {"route": one.named(), **one.example}
    written = {key: f'"{value}"' if isinstance(value, str) else value for key, value in lines.items()}
    return "".join(f"{key} = {value}\n" for key, value in written.items())


#: All that may be given beside baclofen.
BESIDE = [
    TOXIN,
    STRETCHED,
    *(table(one) for one in TREATMENTS.values() if one.__module__.startswith(companions.__name__)),
]


def played(*treatments: str, end_h: float = END) -> PeriodClock:
    who = some_people()
    clock = PeriodClock(Course(who), start(who), 3, True, np.zeros(N))
    run_period(clock, arm_run(arm(*treatments), np.ones(N, dtype=bool), end_h).tasks())
    clock.advance_to(end_h, looking=True)
    return clock


@cache
def everything() -> PeriodClock:
    return played(*BESIDE)


def found(clock: PeriodClock) -> dict[str, np.ndarray]:
    exam = examine(clock.people_now, clock.snapshot, body_constants())
    return {name: np.asarray(getattr(exam, name)) for name in ("bias", "excess", "contracture", "h_over_m")}


def test_whoever_was_never_given_baclofen_does_not_withdraw() -> None:
    """All else may be given and taken away again: excitability has not risen, and tone never passes the untreated."""
    assert len(BESIDE) >= 10
    clock = everything()
    untreated = np.asarray(some_people().bias)
    stopped = played(*BESIDE)
    stopped.stop_all()
    for days in (0, 1, 3, 14):
        stopped.advance_to(END + days * DAY, looking=True)
        adapted = stopped.state.adaptation
        for leaf in vars(adapted).values():
            assert not np.any(np.asarray(leaf)), "something has adapted to a drug that nobody had"
        assert np.all(np.asarray(stopped.snapshot.receptor_effect) == 0.0)
        assert np.all(found(stopped)["bias"] <= untreated)
    assert np.all(np.asarray(clock.snapshot.receptor_effect) == 0.0)
    treated = played(INFUSION + 'rate = "200 ug/day"\nstart = "0 day"\n')
    treated.stop_all()
    treated.advance_to(END + 2 * DAY, looking=True)
    assert np.all(found(treated)["bias"][0] > untreated[0])
    assert np.all(np.asarray(treated.snapshot.receptor_effect)[0] < 0.0)


def test_stretching_and_training_never_move_the_signal_whatever_is_given_beside_them() -> None:
    """Tissue answers to hours at the end of range, strength to sessions; the signal of the cord to neither."""
    beside = [table(TREATMENTS["tizanidine tablets"]), TOXIN]
    more = [STRETCHED, table(TREATMENTS["strength training"])]
    pump = INFUSION + 'rate = "100 ug/day"\nstart = "0 day"\n'
    plain, both = played(pump, *beside), played(pump, *beside, *more)
    np.testing.assert_array_equal(found(both)["bias"], found(plain)["bias"])
    np.testing.assert_array_equal(found(both)["h_over_m"], found(plain)["h_over_m"])
    assert np.all(found(both)["contracture"] <= found(plain)["contracture"])
    assert np.any(found(both)["contracture"] < found(plain)["contracture"]) or not np.any(found(plain)["contracture"])


@pytest.mark.parametrize("turned", [1, 4, 7])
def test_treatments_together_are_the_same_in_any_order(turned: int) -> None:
    one, other = everything(), played(*BESIDE[turned:], *BESIDE[:turned])
    for name, values in found(one).items():
        np.testing.assert_array_equal(found(other)[name], values, err_msg=name)
    for name, values in vars(one.effects).items():
        np.testing.assert_allclose(vars(other.effects)[name], values, rtol=1e-14, err_msg=name)


def test_what_two_do_at_one_moment_is_the_same_whichever_began_first() -> None:
    """The test above sees no join in which the last one wins, for a file's order never reaches it: tasks are sorted."""
    luck = np.random.default_rng(12)
    names = vars(Effects.none(N))
    one, other, third = (
        Effects(**{name: jnp.asarray(luck.uniform(0.1, 0.9, x.shape)) for name, x in names.items()}) for _ in range(3)
    )
    for name, values in vars(one.joined(other)).items():
        np.testing.assert_array_equal(values, getattr(other.joined(one), name), err_msg=name)
        assert np.all(np.asarray(values) != np.asarray(getattr(other, name))), f"{name} of the first is lost"
        np.testing.assert_allclose(getattr(one.joined(Effects.none(N)), name), getattr(one, name), rtol=1e-14)
        left, right = one.joined(other).joined(third), one.joined(other.joined(third))
        np.testing.assert_allclose(getattr(left, name), getattr(right, name), rtol=1e-14, err_msg=name)


def test_tablets_are_tapered_while_a_pump_rises_in_one_arm() -> None:
    """Weaning from tablets to a pump: steps of tablets that end one after the other, beside a titration of the pump."""
    taken = TABLETS.format(dose="20 mg") + 'taken_for = "6 month"\nstop = "5 day"\n'
    less = TABLETS.format(dose="10 mg") + 'start = "5 day"\nstop = "10 day"\n'
    pump = INFUSION + 'start = "0 day"\n'
    titration = (
        'policy = "label"\norigin = "cerebral"\nstart = "50 ug/day"\nmax = "300 ug/day"\nevery = "2 day"\n'
        'target = { scale = "ashworth", limb = "leg", at_most = 1.0 }'
    )
    weaned = study(([taken, less, pump], titration)).phases[0].arms[0]
    who = some_people()
    clock = PeriodClock(Course(who), start(who), 3, True, np.zeros(N))
    tasks = arm_run(weaned, np.ones(N, dtype=bool), 14 * DAY).tasks()
    clock.begin_at(min(task.time_h for task in tasks))
    run_period(clock, tasks)
    clock.advance_to(14 * DAY)
    log = [clock.doses.at(np.array([days * DAY])) for days in (1, 4, 7, 12)]
    mg = [float(one.tablets_mg_per_day[0].max()) for one in log]
    ug = [float(one.rate_ug_per_h[0].mean()) * 24 for one in log]
    assert mg == [60.0, 60.0, 30.0, 0.0]
    assert np.all(np.diff(ug) >= 0)
    assert ug[-1] > ug[0] == pytest.approx(50.0)
    assert given_of(weaned.treatments[0], np.ones(N)).stop_h == 5 * DAY
