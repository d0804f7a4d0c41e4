"""Laws of treatments: each is given in its window and at no other time, whatever its policy; together they add up."""

from __future__ import annotations

import dataclasses
import itertools
import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from arm_examples import HEAD, INFUSION, TABLETS, N, arm, arm_run, same_bits, some_people, study
from hypothesis import given, settings
from hypothesis import strategies as st

from eutonia.drug import products
from eutonia.drug.regimen import OralDose
from eutonia.simulation.course import Course, start
from eutonia.study.design import TrialStudy, parse_study
from eutonia.study.parts import Arm, GateRule
from eutonia.trial.arms import has_fallen
from eutonia.trial.period import PeriodClock, Task, run_period
from eutonia.trial.reactions import adverse_table
from eutonia.trial.recruitment import draw_pool
from eutonia.trial.run import RunOptions, simulate
from eutonia.trial.tables import dose_table

pytestmark = pytest.mark.xdist_group("slow clock")

DAY, END = 24.0, 14 * 24.0
FEW = settings(max_examples=6, deadline=None)

TARGET = 'target = { scale = "ashworth", limb = "leg", at_most = 1.2 }'
# Policy: the treatment that it moves, and its table.
POLICIES = {
    "none, pump": (INFUSION + 'rate = "100 ug/day"\n', ""),
    "none, tablets": (TABLETS.format(dose="10 mg"), ""),
    "label": (
        INFUSION,
        'policy = "label"\norigin = "spinal"\nstart = "100 ug/day"\nmax = "900 ug/day"\ndaily_until = "5 day"\n'
        f'every = "3 day"\n{TARGET}',
    ),
    "to relief": (
        INFUSION,
        f'policy = "to relief"\nstart = "50 ug/day"\nstep = "50 ug/day"\nmax = "900 ug/day"\nevery = "1 day"\n{TARGET}',
    ),
    "oral label": (TABLETS.format(dose="5 mg"), 'policy = "oral label"\nstep = "5 mg"\nmax = "20 mg"\nevery = "1 day"'),
    "stop, pump": (INFUSION + 'rate = "100 ug/day"\n', 'policy = "stop"\nat = "{at}"\nover = "2 day"'),
    "stop, tablets": (TABLETS.format(dose="10 mg"), 'policy = "stop"\nat = "{at}"\nover = "2 day"'),
}


def windowed(treatment: str, begin_h: float, stop_h: float | None) -> str:
    stop = "" if stop_h is None else f'stop = "{stop_h:g} hour"\n'
    return f'{treatment}start = "{begin_h:g} hour"\n{stop}'


class Played:
    """One arm on the clock: what is given just after each six hours, and the state at the end."""

    def __init__(self, of: Arm, *, decisions_until_h: float = END) -> None:
        who = some_people()
        clock = PeriodClock(Course(who), start(who), 3, True, np.zeros(N))
        self.run = arm_run(of, np.ones(N, dtype=bool), decisions_until_h)
        self.time_h, self.rate, self.mouth = np.arange(0.0, END + 1, 6.0), [], []

        def note(now: PeriodClock) -> None:
            self.rate.append(now.rate * DAY)
            self.mouth.append(now.tablets_mg_per_day)

        run_period(clock, [*self.run.tasks(), *(Task(t, 3, note) for t in self.time_h)])
        self.state = clock.state

    @property
    def given(self) -> np.ndarray:
        """Return everybody's dose over time, by whichever route."""
        return np.array(self.rate) + np.array(self.mouth)


begins = st.integers(0, 16).map(lambda six: 6.0 * six)
lasts = st.integers(1, 20).map(lambda six: 6.0 * six)


@pytest.mark.parametrize("policy", POLICIES)
@FEW
@given(begin=begins, last=lasts, taper=st.integers(1, 40).map(lambda six: 6.0 * six))
def test_nothing_is_given_before_the_start_nor_after_the_stop(
    policy: str, begin: float, last: float, taper: float
) -> None:
    treatment, titration = POLICIES[policy]
    stop = begin + last
    at = min(begin + min(taper, last / 2.0), END - 6.0)
    played = Played(arm(windowed(treatment, begin, stop), titration=titration.replace("{at}", f"{at:g} hour")))
    inside = (played.time_h >= begin) & (played.time_h < stop)
    assert np.all(played.given[~inside] == 0.0)
    assert np.all(played.given[played.time_h == begin] > 0.0)
    if "stop" not in policy:
        assert np.all(played.given[inside] > 0.0)


@pytest.mark.parametrize("policy", ["label", "to relief", "oral label"])
@FEW
@given(begin=begins, last=lasts)
def test_looks_and_decisions_after_the_stop_change_nothing(policy: str, begin: float, last: float) -> None:
    treatment, titration = POLICIES[policy]
    of = arm(windowed(treatment, begin, begin + last), titration=titration)
    whole, cut = Played(of), Played(of, decisions_until_h=begin + last)
    assert same_bits(whole.state, cut.state)
    np.testing.assert_array_equal(whole.given, cut.given)
    if whole.run.relieved_ug_per_h is not None:
        np.testing.assert_array_equal(whole.run.relieved_ug_per_h, cut.run.relieved_ug_per_h)


def test_a_policy_moves_the_dose_inside_the_window() -> None:
    """The laws above must not hold because no policy ever acts."""
    for policy in ("label", "to relief", "oral label"):
        treatment, titration = POLICIES[policy]
        given = Played(arm(windowed(treatment, 24.0, 240.0), titration=titration)).given
        assert np.any(np.diff(given[4:40], axis=0) > 0), policy


PARTS = st.lists(st.tuples(st.sampled_from(("20", "30", "50")), begins, st.none() | lasts), min_size=2, max_size=4)


@FEW
@given(parts=PARTS, mouth=st.lists(st.tuples(st.sampled_from((5, 10)), begins, lasts), max_size=2), turn=st.randoms())
def test_the_order_of_treatments_in_the_file_never_matters(parts: Any, mouth: Any, turn: Any) -> None:
    written = [
        windowed(f'{INFUSION}rate = "{rate} ug/day"\n', begin, None if last is None else begin + last)
        for rate, begin, last in parts
    ]
    written += [windowed(TABLETS.format(dose=f"{mg} mg"), begin, begin + last) for mg, begin, last in mouth]
    other = list(written)
    turn.shuffle(other)
    one, two = Played(arm(*written)), Played(arm(*other))
    assert same_bits(one.state, two.state)
    np.testing.assert_array_equal(one.given, two.given)


@FEW
@given(parts=PARTS)
def test_what_flows_is_the_sum_of_the_treatments_that_run(parts: Any) -> None:
    written, time_h = [], np.arange(0.0, END + 1, 6.0)
    expected = np.zeros(len(time_h))
    for rate, begin, last in parts:
        stop = math.inf if last is None else begin + last
        written.append(windowed(f'{INFUSION}rate = "{rate} ug/day"\n', begin, None if last is None else stop))
        expected += float(rate) * ((time_h >= begin) & (time_h < stop))
    np.testing.assert_allclose(np.array(Played(arm(*written)).rate), expected[:, None] * np.ones(N), rtol=1e-12)


@pytest.mark.parametrize(("half", "whole"), [("50 ug/day", "100 ug/day"), ("5 mg", "10 mg")])
def test_two_halves_are_the_whole(half: str, whole: str) -> None:
    def of(dose: str) -> str:
        return f'{INFUSION}rate = "{dose}"\n' if "ug" in dose else TABLETS.format(dose=dose)

    two, one = Played(arm(of(half), of(half))), Played(arm(of(whole)))
    assert same_bits(two.state, one.state)
    np.testing.assert_array_equal(two.given, one.given)


@FEW
@given(begin=begins, last=lasts)
def test_stopping_one_treatment_leaves_the_other(begin: float, last: float) -> None:
    stays, goes = f'{INFUSION}rate = "50 ug/day"\n', f'{INFUSION}rate = "30 ug/day"\n'
    played = Played(arm(stays, windowed(goes, begin, begin + last)))
    after = played.time_h >= begin + last
    np.testing.assert_allclose(np.array(played.rate)[after], 50.0, rtol=1e-12)


def test_a_swap_of_tablets_counts_what_is_taken_now() -> None:
    """From the hour of the swap the new dose is the one taken, and after a stop none; at that visit still the old."""
    visits = '"0 day", "6 day", "7 day", "10 day", "14 day"'
    low = TABLETS.format(dose="5 mg") + 'stop = "7 day"\n'
    high = TABLETS.format(dose="10 mg") + 'start = "7 day"\n'
    of = study(([low, high], ""), ([low.replace('"5 mg"', '"10 mg"')], ""), visits=visits)
    found = simulate(of, draw_pool(of.population, 3, 64), RunOptions(replicates=1, workers=1), 64)
    rows = dose_table(found)
    doses = {name: rows.filter(arm=name).select("time_h", "mean").rows() for name in ("arm 0", "arm 1")}
    swapped, stopped = [(0.0, 15.0), (168.0, 30.0), (336.0, 30.0)], [(0.0, 30.0), (168.0, 0.0), (336.0, 0.0)]
    assert doses == {"arm 0": swapped, "arm 1": stopped}
    at_visits = [found.visits["only", "arm 0", k].tablets_mg_per_day.mean() for k in range(5)]
    assert at_visits == [0.0, 15.0, 15.0, 30.0, 30.0]


def test_nothing_is_given_after_the_phase() -> None:
    """A stop or a step beyond the last visit does not lengthen the phase."""
    late = arm(INFUSION + 'rate = "100 ug/day"\nstop = "20 day"\n')
    run = arm_run(late, np.ones(N, dtype=bool), END)
    assert max(task.time_h for task in run.tasks()) <= END
    assert eqx.tree_equal(Played(late).state, Played(arm(INFUSION + 'rate = "100 ug/day"\n')).state)


@pytest.mark.parametrize("treatment", [INFUSION + 'rate = "100 ug/day"\n', TABLETS.format(dose="10 mg")])
def test_everything_stops_at_the_hour_of_the_stop_whether_or_not_somebody_looked(treatment: str) -> None:
    """A look goes on from the last whole step: stopped from there, tablets crashed and the pump early."""
    ends = []
    for looks in ([], [Task(10.3 * DAY, 0, lambda _: None)]):
        who = some_people()
        clock = PeriodClock(Course(who), start(who), 3, True, np.zeros(N))
        run_period(clock, [*arm_run(arm(treatment), np.ones(N, dtype=bool), END).tasks(), *looks])
        clock.advance_to(10.3 * DAY)
        clock.stop_all()
        assert clock.now_h == pytest.approx(10.3 * DAY)
        clock.advance_to(11 * DAY)
        ends.append(clock.state)
    for one, other in zip(*map(jax.tree.leaves, ends), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)


def test_a_crossover_of_tablets_and_placebo_runs() -> None:
    """The washout ended in a traceback: the last visit is a look, and its tablets were gone when it was taken back."""
    text = HEAD.replace("DESIGN", "crossover").replace("VISITS", '"0 day", "14 day"') + 'washout = "7 day"\n'
    text += f'[[phase.arm]]\nname = "drug"\n[[phase.arm.treatment]]\n{TABLETS.format(dose="10 mg")}'
    of = parse_study(text + '[[phase.arm]]\nname = "sham"\nplacebo = true\n')
    assert isinstance(of, TrialStudy)
    found = simulate(of, draw_pool(of.population, 3, 64), RunOptions(replicates=1, workers=1), 64)
    doses = {name: found.visits["only", name, 1].tablets_mg_per_day.tolist() for name in ("drug", "sham")}
    assert doses == {"drug": [30.0] * 6, "sham": [0.0] * 6}


def test_a_fall_that_is_no_exact_binary_number_is_a_fall() -> None:
    """A mean over three muscle groups falls from 2.67 to 1.67: that is 1, though 0.9999999999999998 in the machine."""
    clock = PeriodClock(Course(some_people()), start(some_people()), 3, True, np.zeros(N))
    chart = clock.look(0, nonspecific=False).chart
    scores = [jnp.full((2, N), score) for score in (8.0 / 3.0, 5.0 / 3.0 + 1e-15)]
    first, later = (dataclasses.replace(chart, scores=chart.scores | {"ashworth": score}) for score in scores)
    assert (first.ashworth - later.ashworth < 1.0).all()
    rule = GateRule(arm="drug", scale="ashworth", limb="leg", fall=1.0)
    assert has_fallen(first, later, rule).all()
    assert not has_fallen(first, later, rule.model_copy(update={"fall": 1.1})).any()


def test_nobody_is_given_twice_an_unknown_dose() -> None:
    """Where no dose of a ladder worked the rate was no number, nor any level, and every muscle became normal."""
    entry = '[[population.entry]]\nscale = "ashworth"\nlimb = "leg"\nat_least = 3\nmuscles = 1\n[assessment]'
    text = HEAD.replace("DESIGN", "single").replace("VISITS", '"0 hour", "4 hour", "28 hour"')
    text = text.replace("[assessment]", entry)
    bolus = 'product = "Lioresal Intrathecal"\nroute = "intrathecal bolus"\naccess = "lumbar puncture"\nat = "0 hour"\n'
    text += f'[[phase.arm]]\nname = "test"\n[[phase.arm.treatment]]\n{bolus}dose = "25 ug"\n'
    text += '[phase.arm.titration]\npolicy = "screening ladder"\ndoses = ["25 ug", "50 ug"]\nevery = "24 hour"\n'
    text += 'response = { scale = "ashworth", limb = "leg", fall = 1.0 }\n[phase.gate]\nneed = "any"\n'
    text += '[[phase.gate.rule]]\narm = "test"\nscale = "ashworth"\nlimb = "leg"\nfall = 0.0\n'
    text += '[[phase]]\nname = "pump"\ndesign = "single"\nmasking = "open"\nnonspecific = false\ndropout = false\n'
    text += 'follows = "only"\nvisits = ["0 day", "7 day"]\n[[phase.arm]]\nname = "pump"\n'
    text += f"[[phase.arm.treatment]]\n{INFUSION}"
    label = POLICIES["label"][1].replace('"100 ug/day"', '"twice screening"')
    of = parse_study(text + f"[phase.arm.titration]\n{label}\n")
    assert isinstance(of, TrialStudy)
    found = simulate(of, draw_pool(of.population, 3, 64), RunOptions(4, workers=1, potential_outcomes=True), 64)
    entered = found.entered["pump"]
    assert 0 < entered.sum() < entered.size
    record = found.visits["pump", "pump", 1]
    assert np.isfinite(record.rate_ug_per_h).all()
    doses = found.doses["pump", "pump"]
    first, last = (np.round(rate[entered] * DAY, 6) for _, rate, _ in doses.each_at(np.array([1.0, doses.time_h[-1]])))
    assert set(last) - {0.0}
    assert set(first) <= {25.0, 50.0, 100.0}


def test_who_left_before_an_arm_of_a_crossover_was_not_in_it() -> None:
    """Whoever left in the first period counted among the people of the second arm, in shares of reactions too."""
    text = HEAD.replace("DESIGN", "crossover").replace("VISITS", '"0 day", "1 year"') + 'washout = "7 day"\n'
    text = text.replace("dropout = false", "dropout = true").replace('"ashworth"]', '"ashworth", "adverse"]')
    text += f'[[phase.arm]]\nname = "drug"\n[[phase.arm.treatment]]\n{TABLETS.format(dose="5 mg")}'
    of = parse_study(text + '[[phase.arm]]\nname = "sham"\nplacebo = true\n')
    assert isinstance(of, TrialStudy)
    found = simulate(of, draw_pool(of.population, 3, 64), RunOptions(replicates=6, workers=1), 64)
    gone = found.left_h["only"] <= (365.25 + 7.0) * DAY
    assert 0 < gone.sum() < gone.size
    for first, arm_of in enumerate(("drug", "sham")):
        np.testing.assert_array_equal(found.in_arm("only", arm_of), ~gone | (found.assigned["only"] == first))
    table = adverse_table(found)
    assert table is not None
    shown = {name: table.filter(arm=name)["n"][0] for name in ("drug", "sham")}
    assert shown == {name: found.in_arm("only", name).sum() / 6 for name in shown}


@pytest.mark.parametrize(("product", "dose", "pieces"), [
    ("baclofen tablets", 10.0, [2.5]), ("Lioresal", 25.0, [5.0, 12.5]), ("Lioresal liquid", 7.0, [0.0]),
])  # fmt: skip
def test_a_taper_of_tablets_gives_doses_that_tablets_make(product: str, dose: float, pieces: list[float]) -> None:
    """Eighths of 10 mg are 8.75, 7.5, 6.25 mg ...: no whole tablets and halves make most of them."""
    tablets = f'product = "{product}"\nroute = "oral"\ndose = "{dose:g} mg"\nevery = "8 hour"\n'
    given = Played(arm(tablets, titration='policy = "stop"\nat = "2 day"\nover = "8 day"')).given / 3.0
    assert np.all(np.diff(given, axis=0) <= 0)
    assert (given[0] == dose).all()
    assert (given[-1] == 0).all()
    if product == "Lioresal liquid":
        np.testing.assert_allclose(np.unique(given), dose * np.arange(9) / 8)
        return
    counts = itertools.product(range(12), repeat=len(pieces))
    makable = {sum(n * piece for n, piece in zip(count, pieces, strict=True)) for count in counts}
    assert set(np.unique(given)) <= makable
    assert len(np.unique(given)) >= 4


@given(
    st.lists(st.floats(0.0, 80.0), min_size=1, max_size=9), st.sampled_from(["baclofen tablets", "Lioresal", "Kemstro"])
)
def test_what_tablets_make_of_a_dose_is_nearest_and_stays(doses: list[float], name: str) -> None:
    product = products.find(name)
    found = products.made(product, np.array(doses))
    np.testing.assert_array_equal(products.made(product, found), found)
    for wanted, made in zip(doses, found, strict=True):
        assert products.check_dose(product, OralDose(float(made))) is None
        warning = products.check_dose(product, OralDose(wanted)) if wanted > 0 else None
        for near in warning.nearest if warning else ():
            assert abs(made - wanted) <= abs(near.mg - wanted) + 1e-6
