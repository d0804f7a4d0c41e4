"""Trough and peak between two tablets are those that a clock meets that goes through the interval itself."""

from __future__ import annotations

from itertools import pairwise

import jax
import numpy as np
import pytest
from arm_examples import N, some_people

from eutonia.simulation.course import Course, start
from eutonia.trial.period import PeriodClock, TabletPlan
from eutonia.trial.swings import SWINGING, Ahead, TabletsAhead, ends

pytestmark = pytest.mark.xdist_group("slow clock")

# What is taken: (mg of the first person, hours between, hour of the first, hour of the stop), and hours of looks.
PLANS = {
    "one schedule": ((10.0, 8.0, 0.0, np.inf),),
    "two schedules": ((10.0, 8.0, 0.0, np.inf), (25.0, 24.0, 5.0, np.inf)),
    "one that ends within the interval": ((20.0, 6.0, 0.0, 40.0),),
}
LOOKS = (0.0, 3.0, 39.5, 50.0)


def clock_of(plans: tuple[tuple[float, ...], ...]) -> PeriodClock:
    who = some_people()
    clock = PeriodClock(Course(who), start(who), 3, True, np.zeros(N))
    clock.rates["pump"] = np.linspace(0.0, 8.0, N)
    share = np.linspace(1.0, 0.0, N)
    clock.tablets = [TabletPlan(mg * share, every, first, stop) for mg, every, first, stop in plans]
    return clock


@pytest.mark.parametrize("plans", PLANS)
def test_trough_and_peak_are_those_of_a_clock_that_goes_through_the_interval(plans: str) -> None:
    clock, looks, found = clock_of(PLANS[plans]), [], []
    for hour in LOOKS:
        clock.advance_to(hour, looking=True)
        looks.append((clock.state.drug, Ahead.of(clock)))
    tablets = TabletsAhead.joined([ahead for _, ahead in looks], N)
    drug = jax.tree.map(lambda *leaves: np.concatenate(leaves, axis=-1), *(state for state, _ in looks))
    people = jax.tree.map(lambda leaf: np.tile(leaf, len(LOOKS)), clock.people)
    rate = np.concatenate([ahead.rate for _, ahead in looks])
    told = {
        name: np.asarray(values).reshape(len(LOOKS), N) for name, values in ends(people, drug, rate, tablets).items()
    }
    for hour in LOOKS:
        by_hand = clock_of(PLANS[plans])
        by_hand.advance_to(hour, looking=True)
        every = max((plan.every_h for plan in by_hand.tablets if plan.stop_h > hour), default=0.0)
        levels = []
        for _, at in pairwise((0.0, *np.arange(0.0, max(every, 0.25), 0.25))):
            by_hand.advance_to(hour + at, looking=True)
            seen = by_hand.snapshot
            levels.append([np.asarray(getattr(seen, name)) for name in SWINGING])
        found.append((np.min(levels, axis=0), np.max(levels, axis=0)))
    for end, row in (("trough", 0), ("peak", 1)):
        for k, name in enumerate(SWINGING):
            by_clock = np.array([one[row][k] for one in found])
            np.testing.assert_allclose(told[f"{name}_{end}"], by_clock, rtol=1e-9, atol=1e-12, err_msg=f"{name} {end}")


def test_whoever_takes_nothing_has_one_level() -> None:
    """Also where tablets begin at the very last look, so that none has any before it."""
    clock = clock_of(())
    clock.advance_to(30.0)
    ahead = Ahead.of(clock)
    assert ahead.length == 0
    told = ends(clock.people, clock.state.drug, ahead.rate, TabletsAhead.joined([ahead], N))
    for name in SWINGING:
        np.testing.assert_array_equal(told[f"{name}_trough"], told[f"{name}_peak"])
        np.testing.assert_allclose(told[f"{name}_peak"], getattr(clock.snapshot, name), rtol=1e-12)
