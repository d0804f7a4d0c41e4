"""Laws of allocation: exact numbers in every replicate trial, in blocks and strata; luck that is a person's own."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from study_examples import STROKE

from eutonia import session
from eutonia.study.design import TrialStudy, parse_study
from eutonia.trial.allocation import allocate
from eutonia.trial.analysis import Outcome, consort
from eutonia.trial.patients import patient_table
from eutonia.trial.recruitment import Pool, draw_pool, recruit
from eutonia.trial.run import RunOptions, simulate

pytestmark = pytest.mark.xdist_group("slow clock")

N, REPLICATES = 24, 30
HEAD = (
    '[study]\nname = "lists"\ntitle = "Allocation, for tests"\nkind = "trial"\nseed = 5\n[population]\n'
    + f"n = {N}\npool = 2048\n"
    + STROKE
    + '[assessment]\nside = "affected"\nlimbs = ["leg"]\nscales = ["ashworth"]\nrater = "noiseless"\n'
)
PHASE = """
[[phase]]
name = "only"
design = "{design}"
masking = "open"
visits = ["0 hour", "4 hour"]
nonspecific = false
dropout = false
{more}
"""
ARM = '[[phase.arm]]\nname = "{name}"\nplacebo = true\n'
STRATA = (
    '[phase.randomisation]\nblock = 6\n[[phase.randomisation.stratum]]\nby = "sex"\n'
    '[[phase.randomisation.stratum]]\nby = "age"\ncut = "60 year"\n'
    '[[phase.randomisation.stratum]]\nby = "score"\nscale = "ashworth"\nlimb = "leg"\ncut = 2.0\n'
)


def study(*weights: int, design: str = "parallel", more: str = "") -> TrialStudy:
    text = HEAD + PHASE.format(design=design, more="" if more.startswith("[") else more)
    text += more if more.startswith("[") else ""
    for number, weight in enumerate(weights):
        text += ARM.format(name=f"arm {number}") + (f"allocation = {weight}\n" if weight != 1 else "")
    found = parse_study(text)
    assert isinstance(found, TrialStudy)
    return found


@cache
def pool() -> Pool:
    session.begin()
    return draw_pool(study(1, 1).population, 5, 64)


@cache
def members() -> np.ndarray:
    """Return whom of the pool each person is: of all that any test asks for, so that one program is compiled."""
    return recruit(pool(), 5, np.arange(N * 200)).member


def allocated(of: TrialStudy, people: int = N * REPLICATES, entered: np.ndarray | None = None) -> np.ndarray:
    person = np.arange(people)
    member = members()[:people]
    come = np.ones(people, dtype=bool) if entered is None else entered
    return allocate(of.phases[0], 0, 5, pool(), person, member, person // of.population.n, come)


@pytest.mark.parametrize(
    ("weights", "numbers"), [((1, 1), (12, 12)), ((2, 1), (16, 8)), ((2, 4), (8, 16)), ((1, 1, 1), (8, 8, 8))]
)
def test_the_numbers_are_exact_in_every_replicate(weights: tuple[int, ...], numbers: tuple[int, ...]) -> None:
    found = allocated(study(*weights)).reshape(REPLICATES, N)
    for trial in found:
        assert tuple(np.bincount(trial, minlength=len(weights))) == numbers
    assert len({tuple(trial) for trial in found}) == REPLICATES, "replicates share a list"


def test_an_odd_number_is_as_even_as_it_can_be_and_favours_no_arm() -> None:
    odd = study(1, 1).override(n=23)
    first = np.array([(trial == 0).sum() for trial in allocated(odd, 23 * 200).reshape(200, 23)])
    assert set(first) == {11, 12}
    assert 0.35 < np.mean(first == 12) < 0.65


def test_every_arm_is_as_likely_at_every_place_of_a_block() -> None:
    found = allocated(study(2, 1), N * 200).reshape(-1, 3)
    assert np.all(np.abs(np.mean(found == 1, axis=0) - 1 / 3) < 4 * np.sqrt(2 / 9 / len(found)))


def test_blocks_are_met_one_by_one_and_larger_ones_are_not_met_earlier() -> None:
    found = allocated(study(1, 1, more="randomisation = { block = 8 }")).reshape(-1, 8)
    assert np.all((found == 0).sum(axis=1) == 4)
    assert not np.all((found[:, :2] == 0).sum(axis=1) == 1)


def test_each_stratum_has_a_list_of_its_own() -> None:
    of = study(1, 1, more=STRATA)
    found = allocated(of)
    member = members()[: len(found)]
    cohort = pool().cohort
    upper = (cohort.is_woman, cohort.age_year >= 60.0, pool().scores["ashworth"][0] >= 2.0)
    strata = np.stack([np.arange(len(found)) // N, *(rule[member].astype(int) for rule in upper)])
    kinds, which = np.unique(strata, axis=1, return_inverse=True)
    assert kinds.shape[1] > 4 * REPLICATES
    for stratum in range(kinds.shape[1]):
        mine = found[which.ravel() == stratum]
        whole = len(mine) // 6 * 6
        assert (mine[:whole] == 0).sum() == whole // 2
        assert abs(int((mine == 0).sum()) - int((mine == 1).sum())) <= 3


def test_people_who_enrol_later_change_nobodys_arm() -> None:
    few, more = study(1, 1).override(n=15), study(1, 1).override(n=23)
    np.testing.assert_array_equal(allocated(few, 15), allocated(more, 23)[:15])


def test_who_does_not_enter_takes_no_place() -> None:
    come = np.random.default_rng(1).random(N * REPLICATES) < 0.5
    found = allocated(study(1, 1), entered=come)
    assert np.all(found[~come] == -1)
    for trial, here in zip(found.reshape(REPLICATES, N), come.reshape(REPLICATES, N), strict=True):
        assert abs(int((trial[here] == 0).sum()) - int((trial[here] == 1).sum())) <= 1


GATED = PHASE.format(design="parallel", more="") + (
    '[[phase.arm]]\nname = "bolus"\n[[phase.arm.treatment]]\nproduct = "Lioresal Intrathecal"\n'
    'route = "intrathecal bolus"\ndose = "50 ug"\nat = "0 hour"\naccess = "lumbar puncture"\n'
    + ARM.format(name="none")
    + '[phase.gate]\nneed = "any"\n[[phase.gate.rule]]\narm = "bolus"\nscale = "ashworth"\n'
    + 'limb = "leg"\nfall = {fall}\n'
    + PHASE.format(design="parallel", more='follows = "only"').replace('"only"', '"then"', 1)
    + ARM.format(name="a")
    + ARM.format(name="b")
)


@cache
def gated(fall: float, *, block: int = 64, workers: int = 1) -> Outcome:
    found = parse_study(HEAD + GATED.replace("{fall}", f"{fall}"))
    assert isinstance(found, TrialStudy)
    return simulate(found, pool(), RunOptions(8, block, workers), block)


def test_a_gate_is_passed_by_those_who_were_given_the_drug_and_the_rest_is_shared_evenly() -> None:
    found = gated(0.3)
    entered, first = found.entered["then"], found.assigned["only"]
    assert 10 < entered.sum() < (first == 0).sum()
    assert np.all(first[entered] == 0), "somebody passed by a response to a drug that they were not given"
    for here, then in zip(found.by_replicate(entered), found.by_replicate(found.assigned["then"]), strict=True):
        assert abs(int((then[here] == 0).sum()) - int((then[here] == 1).sum())) <= 1
    table = patient_table(found)
    assert table["arm_then"].is_null().to_list() == (~entered).tolist()


@pytest.mark.parametrize(("block", "workers"), [(64, 2), (256, 1)])
def test_lists_are_the_same_in_blocks_of_any_width(block: int, workers: int) -> None:
    one, other = gated(0.3), gated(0.3, block=block, workers=workers)
    for phase in ("only", "then"):
        np.testing.assert_array_equal(one.assigned[phase], other.assigned[phase])
        np.testing.assert_array_equal(one.entered[phase], other.entered[phase])


def test_orders_of_a_crossover_are_as_many_of_each() -> None:
    found = allocated(study(1, 1, design="crossover", more='washout = "1 day"'))
    assert np.all((found.reshape(REPLICATES, N) == 0).sum(axis=1) == N // 2)


def test_a_flow_of_people_says_the_exact_numbers() -> None:
    rows = [row for row in consort(gated(0.3)) if row.stage == "Allocated in only"]
    assert [(row.number, row.low, row.high) for row in rows] == [(12.0, 12.0, 12.0)] * 2
