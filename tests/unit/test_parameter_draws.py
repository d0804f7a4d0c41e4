"""Numbers drawn from the calibration's posterior: where they lie, what the set says, and what a width is made of."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from compiled_programs import compiled_programs
from scipy.stats import norm

import eutonia
from eutonia import parameters
from eutonia.assessment.scoring import chart, chart_constants, no_luck
from eutonia.engine.store import MemoryStore
from eutonia.patient import Cohort, Population
from eutonia.simulation.course import Course, start
from eutonia.simulation.examine import body_constants, examine
from eutonia.simulation.make_people import make_people
from eutonia.simulation.stance import stance
from eutonia.trial import analyse, parameter_draws, stored
from eutonia.trial.endpoints import Contrast
from eutonia.trial.parameter_draws import DRAWS, Calibrated, places
from eutonia.trial.width import split

pytestmark = pytest.mark.unit


def test_each_number_has_one_draw_in_every_twentieth_and_the_spread_of_a_standard_normal() -> None:
    z = places(7, 24)
    assert z.shape == (DRAWS, 24)
    for number in z.T:
        assert sorted(np.floor(norm.cdf(number * 0.98) * DRAWS)) == list(range(DRAWS))
    np.testing.assert_allclose(z.mean(axis=0), 0.0, atol=1e-12)
    np.testing.assert_allclose(z.std(axis=0), 1.0)
    np.testing.assert_array_equal(z, places(7, 24))
    assert not np.allclose(z, places(8, 24))
    assert not np.allclose(z[:, 0], z[:, 8])  # another eight numbers are another decision


def test_the_frozen_set_names_records_and_its_middle_is_one_of_each() -> None:
    posterior = Calibrated.frozen()
    middle = posterior.at(np.zeros(len(posterior.keys)))
    assert list(middle) == list(posterior.keys)
    with parameters.using(middle):
        held = parameters.load("receptor").value("ec50", "ng/mL")
        share = parameters.load("receptor").value("release_block", "1")
        spread = parameters.load("trial").spread("nonspecific_change_mean", "grade").sd
    of = dict(zip(posterior.keys, posterior.mean, strict=True))
    assert held == pytest.approx(np.exp(of["receptor.ec50"]))
    assert share == pytest.approx(1.0 / (1.0 + np.exp(-of["receptor.release_block"])))
    assert spread == pytest.approx(np.exp(of["trial.nonspecific_change_mean.sd"]))


def test_draws_have_the_joint_spread_of_the_set() -> None:
    posterior, held = Calibrated.frozen(), parameters.load(parameter_draws.SET)
    labels = held["mean"].axis
    sd = np.array(held.along("sd", "1", labels))
    rows = [f"correlation_{key.replace('.', '_')}" for key in posterior.keys]
    correlation = np.array([held.along(row, "1", labels) for row in rows])
    np.testing.assert_allclose(posterior.root @ posterior.root.T, correlation * np.outer(sd, sd), atol=1e-9)
    np.testing.assert_allclose(np.diag(correlation), 1.0)
    assert np.abs(correlation - np.eye(len(sd))).max() > 0.2  # numbers move together, and that is kept
    one = np.zeros(len(sd))
    one[0] = 2.0
    k = posterior.keys.index("receptor.ec50")
    moved = np.log(float(posterior.at(one)["receptor.ec50"].split()[0])) - posterior.mean[k]
    assert moved == pytest.approx(2.0 * correlation[k, 0] * sd[k], rel=1e-3)


@pytest.mark.parametrize("seed", [0, 59, 2001])
def test_every_draw_may_stand_in_the_place_of_its_records(seed: int) -> None:
    posterior = Calibrated.frozen()
    for z in places(seed, len(posterior.keys)):
        with eutonia.using(posterior.at(z)):
            assert 0.0 < parameters.load("receptor").value("drive_share", "1") < 1.0


def test_what_is_set_by_hand_stands_above_a_draw_and_a_draw_is_noted_as_its_record() -> None:
    with parameters.using({"receptor.ec50": "80 ng/mL"}), parameters.recording() as used:
        with parameter_draws.holding({"receptor.ec50": "60 ng/mL", "receptor.hill": "3"}):
            receptor = parameters.load("receptor")
            assert receptor.values(ec50="ng/mL", hill="1") == (80.0, 3.0)
        statuses = {record.name: record.status for record in used.records()}
    assert statuses == {"ec50": "overridden", "hill": "fitted"}


def made(draws: int, each: int, sample: float, numbers: float, site: float, seed: int = 3) -> tuple[np.ndarray, ...]:
    """Return values of trials with known standard deviations, their draws and the luck of their sites."""
    rng = np.random.default_rng(seed)
    draw = np.arange(draws * each) % draws
    luck = rng.standard_normal(draws * each)
    between = np.linspace(-1.0, 1.0, draws)
    between *= numbers / (between.std(ddof=1) if draws > 1 else 1.0)
    return 2.0 + between[draw] + site * luck + sample * rng.standard_normal(draws * each), draw, luck


@pytest.mark.parametrize(
    ("sample", "numbers", "site"), [(1.0, 1.0, 0.0), (0.5, 0.0, 0.5), (1.0, 0.5, 1.0), (1.0, 0.0, 0.0)]
)
def test_a_width_is_split_as_it_was_made(sample: float, numbers: float, site: float) -> None:
    found = split(*made(20, 50, sample, numbers, site))
    assert found is not None
    wanted = np.array([sample, numbers, site]) ** 2
    np.testing.assert_allclose([found.sample, found.parameters, found.site], wanted / wanted.sum(), atol=0.06)
    assert found.sample + found.parameters + found.site == pytest.approx(1.0)


@pytest.mark.parametrize(("draws", "each"), [(20, 2), (1, 40)])
def test_the_error_of_a_share_is_how_far_it_goes_from_run_to_run(draws: int, each: int) -> None:
    """Of forty trials, with draws and without: a share of a half may as well be a third."""
    found = []
    for seed in range(200):
        values, draw, luck = made(draws, each, 1.0, 1.0 if draws > 1 else 0.0, 1.0, seed)
        one = split(values, draw if draws > 1 else None, luck)
        assert one is not None
        found.append([(one.sample, one.parameters, one.site), one.errors])
    shares, errors = np.moveaxis(found, 1, 0)
    told, real = np.sqrt(np.mean(errors**2, axis=0)), shares.std(axis=0)
    parts = [0, 1, 2] if draws > 1 else [0, 2]
    np.testing.assert_allclose(told[parts], real[parts], rtol=0.35)


def test_few_trials_a_draw_do_not_make_the_luck_of_a_sample_one_of_the_numbers() -> None:
    """Means of two trials differ by half the variance of the sample: that has to be taken off."""
    found = split(*made(20, 2, 1.0, 0.0, 0.0))
    assert found is not None
    assert found.parameters < 0.3


def test_trials_with_one_set_of_numbers_have_no_part_of_it_and_trials_that_do_not_differ_no_width() -> None:
    values, _, luck = made(1, 200, 1.0, 0.0, 0.5)
    found = split(values, None, luck)
    assert found is not None
    assert found.parameters == 0.0
    assert found.site == pytest.approx(0.2, abs=0.06)
    assert split(np.ones(200), None, luck) is None
    assert split(np.full(200, np.nan), None, luck) is None


def test_pumps_of_blocks_that_are_not_in_order_come_in_the_order_of_people() -> None:
    store, about = MemoryStore(), {"breaches": {"arm": [[]]}}
    lots = [(0, np.array([0, 2])), (1, np.array([1]))]
    for number, hours in enumerate(([1.0, 3.0], [2.0])):
        of = {"course": np.zeros(len(hours), dtype=int), "failed_h": np.array(hours), "repaired_h": np.array(hours)}
        of |= {name: np.zeros(len(hours), dtype=bool) for name in ("is_catheter", "is_severe")}
        store.put((0, number), {f"pumps/arm/{name}": values for name, values in of.items()}, about)
    pumps = stored._Reader(store, [lots], 4).pumps(0, "arm")  # the fourth of the people has none
    np.testing.assert_array_equal(pumps.failed_h, [1.0, 2.0, 3.0, np.nan])
    np.testing.assert_array_equal(pumps.failed_h, pumps.repaired_h)
    assert pumps.course.tolist() == [0, 1, 0, -1]  # each block brings its own courses


@pytest.mark.parametrize(("trials", "expected"), [(30, np.tile([0.0, 1.0, 2.0], 10)), (29, np.full(29, np.nan))])
def test_a_trial_is_held_against_the_truth_of_its_draw_unless_that_has_too_few(
    trials: int, expected: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw, n = np.arange(trials) % 3, 2
    scores = np.repeat(draw, n).astype(float)
    scores[1], entered = 99.0, np.arange(trials * n) != 1  # one who never entered counts in no truth
    monkeypatch.setattr(analyse, "_asked_of_all", lambda outcome, contrast: (scores, np.zeros_like(scores), scores))
    contrast = object.__new__(Contrast)
    arm = SimpleNamespace(placebo=False, model_dump=lambda exclude: object())
    phase = SimpleNamespace(name="pump", arm=lambda name: arm)
    vars(contrast).update(phase=phase, given=SimpleNamespace(way="ANCOVA"), arm="pump", against="tablets", terms={})
    of = {"draw": draw, "n_replicates": trials, "entered": {"pump": entered}}
    outcome: Any = SimpleNamespace(**of, study=SimpleNamespace(population=SimpleNamespace(n=n)))
    np.testing.assert_array_equal(analyse._own_truths(outcome, contrast, 7.0), expected)
    outcome.draw = None
    np.testing.assert_array_equal(analyse._own_truths(outcome, contrast, 7.0), np.full(trials, 7.0))


def test_another_draw_of_the_numbers_compiles_nothing() -> None:
    """A program in which the numbers stand as they are is compiled anew for each draw: twenty times the wait."""

    def one() -> None:
        people = make_people(Cohort.draw(1, np.arange(64), Population.typical("stroke")), seed=1)
        course = Course(people)
        state = course.bolus(start(people), np.full(64, 50.0), "catheter")
        seen = course.snapshot(course.advance(state, 4.0, np.zeros(64), 0.0))
        exam, standing = examine(people, seen, body_constants()), stance(people, seen, body_constants())
        chart(people, exam, standing, no_luck(64), jnp.zeros(64), chart_constants())

    posterior = Calibrated.frozen()
    first, second = (posterior.at(np.full(len(posterior.keys), shift)) for shift in (0.3, -0.3))
    with parameters.using(first):
        one()
    with parameters.using(second), compiled_programs() as anew:
        one()
    assert not anew
