"""Arms with a gate of their own, and what people come with: who is given what, and that nobody leaves by it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from study_examples import TEST_BOLUS, leg_trial

from eutonia.errors import StudyError
from eutonia.study.design import TrialStudy, load_study, parse_study
from eutonia.trial import blocks
from eutonia.trial.analysis import Outcome, consort
from eutonia.trial.patients import patient_table
from eutonia.trial.recruitment import draw_pool
from eutonia.trial.run import RunOptions, simulate

pytestmark = pytest.mark.laws

HEAD = (
    leg_trial("gates", "A gate inside an arm", seed=11, n=24, pool=1024, at_least=2.5, rater="noiseless")
    + """\
[[phase]]
name = "weeks"
design = "parallel"
masking = "open"
visits = ["0 day", "7 day", "30 day"]
nonspecific = false
dropout = false
"""
)
TABLETS = (
    '[[phase.arm.treatment]]\nproduct = "baclofen tablets"\nroute = "oral"\ndose = "10 mg"\nevery = "8 hour"\n{more}\n'
)
CONVENTIONAL = '[[phase.arm]]\nname = "conventional"\n' + TABLETS.format(more='taken_for = "30 day"')
GATE = '[phase.arm.gate]\nneed = "{need}"\n[[phase.arm.gate.rule]]\nscale = "ashworth"\nlimb = "leg"\nfall = {fall}\n'
TESTED = '[[phase.arm]]\nname = "tested"\n'
BOLUS = TEST_BOLUS.replace("0 hour", "1 day")
PUMP = """
[[phase.arm.treatment]]
route = "pump"
program = "trial_pump"
start = "3 day"
given_to = "responders"
"""
LABEL = (
    '[phase.arm.titration]\npolicy = "label"\norigin = "cerebral"\nstart = "twice screening"\nmax = "1000 ug/day"\n'
    'every = "7 day"\ntarget = { scale = "ashworth", limb = "leg", at_most = 1.5, below_screening = 0.15 }\n'
)
OTHERS = TABLETS.format(more='start = "3 day"\ngiven_to = "others"')


def study_of(*arms: str) -> TrialStudy:
    found = parse_study(HEAD + "".join(arms))
    assert isinstance(found, TrialStudy)
    return found


def outcome_of(study: TrialStudy, replicates: int = 2, block: int = 1024) -> Outcome:
    width = blocks.width_for(study.population.n * replicates, block)
    pool = draw_pool(study.population, study.seed, 1024, study.oral_model)
    return simulate(study, pool, RunOptions(replicates, block=block, workers=1), width)


@pytest.fixture(scope="module")
def gated() -> Outcome:
    """Of the tested arm some respond, by a rule that half of people meet."""
    return outcome_of(study_of(CONVENTIONAL, TESTED, GATE.format(need="any", fall=1.6), BOLUS, PUMP, OTHERS, LABEL))


def test_responders_are_given_the_pump_and_the_others_keep_their_tablets(gated: Outcome) -> None:
    passed = gated.tested["weeks", "tested"]
    assert 5 < passed.sum() < 43
    last = gated.visits["weeks", "tested", 2]
    np.testing.assert_array_equal(last.rate_ug_per_h > 0, passed)
    np.testing.assert_array_equal(last.tablets_mg_per_day, np.where(passed, 0.0, 30.0))
    np.testing.assert_array_equal(gated.pumps["weeks", "tested"].course >= 0, passed)
    ((_, rate, _),) = gated.doses["weeks", "tested"].each_at(np.array([3.0 * 24 + 11]))
    assert set(np.round(rate[passed] * 24, 9)) <= {
        50.0,
        100.0,
    }  # twice the dose that worked, or once where it lasted


def test_nobody_leaves_by_the_gate_and_the_flow_tells_of_it(gated: Outcome) -> None:
    """Whoever does not respond is in the arm to the end, and is counted there."""
    passed, there = gated.tested["weeks", "tested"], gated.in_arm("weeks", "tested")
    assert gated.visits["weeks", "tested", 2].present[there].all()
    rows = {(row.stage, row.arm): row.number for row in consort(gated)}
    assert rows["Completed weeks", "tested"] == 12
    assert rows["Test dose in weeks", "tested"] == pytest.approx((there & ~passed).sum() / 2)
    assert ("Test dose in weeks", "conventional") not in rows
    table = patient_table(gated)
    assert table["passed_weeks"].drop_nulls().to_list() == passed[there].tolist()


def test_the_gate_opens_for_whose_score_fell_while_the_label_judges_it() -> None:
    """The same people tested with the same luck: a rule that asks for more lets a part of them pass."""
    asked = [
        outcome_of(study_of(CONVENTIONAL, TESTED, GATE.format(need="any", fall=fall), BOLUS, PUMP, OTHERS))
        for fall in (1.0, 2.0)
    ]
    most, few = (one.tested["weeks", "tested"] for one in asked)
    assert np.all(few <= most)
    assert few.sum() < most.sum()
    two = GATE.format(need="all", fall=1.0) + GATE.format(need="all", fall=2.0).split("\n", 2)[2]
    both = outcome_of(study_of(CONVENTIONAL, TESTED, two, BOLUS, PUMP, OTHERS)).tested["weeks", "tested"]
    np.testing.assert_array_equal(both, few)


def test_what_people_come_with_acts_at_the_first_visit() -> None:
    """Taken for a month: the first visit is that of the same people a month after they began, and lower than before."""
    more = CONVENTIONAL.replace("10 mg", "25 mg")
    came, began = (outcome_of(study_of(one, TESTED, BOLUS)) for one in (more, more.replace('taken_for = "30 day"', "")))

    def leg(outcome: Outcome, visit: int) -> float:
        return float(np.mean(outcome.visits["weeks", "conventional", visit].scores["ashworth"][0]))

    assert leg(came, 0) < leg(began, 0) - 0.05
    assert leg(came, 0) == pytest.approx(leg(began, 2), abs=0.03)
    assert np.all(came.visits["weeks", "conventional", 0].tablets_mg_per_day == 75.0)
    log = came.doses["weeks", "conventional"]
    assert log.time_h[0] == 0.0
    ((_, _, tablets),) = log.each_at(log.time_h[:1])
    assert np.all(tablets == 75.0)


def test_a_gate_is_the_same_in_any_block() -> None:
    study = study_of(CONVENTIONAL, TESTED, GATE.format(need="any", fall=1.6), BOLUS, PUMP, OTHERS, LABEL)
    whole, parts = outcome_of(study, 4), outcome_of(study, 4, block=32)
    for key, visit in whole.visits.items():
        np.testing.assert_array_equal(visit.scores["ashworth"], parts.visits[key].scores["ashworth"])
    np.testing.assert_array_equal(whole.tested["weeks", "tested"], parts.tested["weeks", "tested"])


@pytest.mark.parametrize(
    ("arm", "why"),
    [
        (TESTED + BOLUS + PUMP, "This arm has no gate that tells them apart."),
        (TESTED + GATE.format(need="any", fall=1.0) + PUMP, "looks at the one test dose"),
        (
            TESTED + GATE.format(need="any", fall=1.0) + BOLUS + PUMP.replace("3 day", "0 day"),
            "Who responds is known 32 h after the start of the phase.",
        ),
        (
            TESTED + GATE.format(need="any", fall=1.0) + BOLUS + PUMP.replace("responders", "everybody") + LABEL,
            "Whoever does not respond has no test dose that worked.",
        ),
        (TESTED + "placebo = true\n" + GATE.format(need="any", fall=1.0) + BOLUS, "Nobody responds to a sham."),
        (
            TESTED + TABLETS.format(more='taken_for = "30 day"\nstart = "2 day"'),
            "What has been taken for some time goes on from the first visit.",
        ),
    ],
)
def test_what_does_not_fit_is_refused(arm: str, why: str) -> None:
    with pytest.raises(StudyError) as caught:
        study_of(CONVENTIONAL, arm)
    assert any(why in " ".join(str(fault).split()) for fault in caught.value.faults), caught.value.faults


def test_a_pump_against_conventional_management_ships(tmp_path: Path) -> None:
    """The shipped study, short: some of the pump arm pass, and both arms are compared as randomised."""
    study = load_study("pump_against_conventional").override(n=20, pool=1024)
    assert isinstance(study, TrialStudy)
    outcome = outcome_of(study, 2)
    passed = outcome.tested["six months", "pump"] & outcome.in_arm("six months", "pump")
    assert 10 <= passed.sum() <= 20
    assert not study.published

    def change(arm: str) -> float:
        last, first = (outcome.visits["six months", arm, k].scores["ashworth"][0] for k in (3, 0))
        return float(np.mean(last - first))

    assert change("pump") < change("conventional") - 0.5
