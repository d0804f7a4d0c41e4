"""How people leave an arm and miss visits: what a study may say of it, who leaves, and what an analysis makes of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from analysis_examples import HEAD, PRIMARY, RESCUE, made, study
from arm_examples import N, some_people

from eutonia.drug.effect.adverse import REACTIONS
from eutonia.errors import StudyError
from eutonia.simulation.course import Course, start
from eutonia.trial.analyse import analyse
from eutonia.trial.analysis import consort
from eutonia.trial.given import Schedule, given_of, taken_by
from eutonia.trial.leaving import REASONS, Attendance, Leaving, at_a_rate, leave_after, missed, tablets_taken
from eutonia.trial.period import PeriodClock
from eutonia.trial.reactions import Reactions
from eutonia.trial.tables import scores_of

pytestmark = pytest.mark.unit

REACTION = '[[phase.leaving]]\nafter = "reaction"\nreactions = ["drowsiness", "nausea"]\nshare = 0.5\n'
NO_EFFECT = (
    '[[phase.leaving]]\nafter = "lack of effect"\nscale = "ashworth"\nlimb = "leg"\nvisit = "2 week"\n'
    "improvement = 1.0\nshare = 1.0\n"
)
RATES = HEAD.replace("placebo = true", 'placebo = true\ndropout = "0.5 1/year"').replace(
    'name = "tablets"', 'name = "tablets"\ndropout = "2 1/year"'
)


def ruled(rules: str, head: str = HEAD) -> str:
    return head.replace('"spasm"]', '"spasm", "adverse"]').replace("[[phase.arm]]", f"{rules}[[phase.arm]]", 1)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('dropout = "2 1/year"', "dropout = 2", ["It has no unit", "2 1/year"]),
        ('dropout = "2 1/year"', 'dropout = "20 %"', ["rate of leaving", "1/year"]),
        ('dropout = "2 1/year"', 'dropout = "20 1/year"', ["out of bounds", "four weeks"]),
        ("dropout = true", "dropout = false", ["nobody leaves", "Write dropout = true"]),
        ('design = "parallel"', 'design = "crossover"\nwashout = "1 week"', ["leave at one rate", "parallel"]),
        ("dropout = true", "dropout = true\nmissed_visits = 1.0", ["less than 1"]),
        ("[[phase.arm]]", NO_EFFECT.replace("2 week", "6 week") + "[[phase.arm]]", ["between the first and the last"]),
        ("[[phase.arm]]", NO_EFFECT.replace("leg", "arm") + "[[phase.arm]]", ["The arm is not examined"]),
        ("[[phase.arm]]", REACTION + "[[phase.arm]]", ['Add "adverse"']),
        ("[[phase.arm]]", REACTION.replace("nausea", "nausae") + "[[phase.arm]]", ['Nearest: "nausea"']),
        ("[[phase.arm]]", NO_EFFECT.replace("lack of effect", "no effect") + "[[phase.arm]]", ["lack of effect"]),
    ],
)
def test_what_does_not_fit_is_refused_with_what_to_do(old: str, new: str, says: list[str]) -> None:
    with pytest.raises(StudyError) as caught:
        study(PRIMARY, head=RATES.replace(old, new, 1))
    for words in (*says, "Do: "):
        assert words in " ".join(str(caught.value).split())


def test_each_arm_is_left_at_its_own_rate_by_the_same_luck() -> None:
    """One rate for all arms, or luck of each arm's own, would fail; and so would a rate per hour read as one a year."""
    phase, person = study(head=RATES).phases[0], np.arange(4000)
    slow, fast = (at_a_rate(phase, 0, arm, 1, person) for arm in phase.arms)
    np.testing.assert_allclose(slow.hour, 4 * fast.hour)
    within = np.mean(fast.hour < 365.25 * 24 / 2)
    assert within == pytest.approx(1 - np.exp(-1), abs=4 * np.sqrt(0.25 / len(person)))
    as_before = at_a_rate(study().phases[0], 0, study().phases[0].arms[0], 1, person)
    np.testing.assert_allclose(as_before.hour * 0.393, slow.hour * 0.5, rtol=1e-3)  # the record of tablets


def test_visits_are_missed_by_chance_and_never_the_first() -> None:
    of = study(head=HEAD.replace("dropout = true", "dropout = true\nmissed_visits = 0.2"))
    phase, person = of.phases[0], np.arange(4000)
    first, second, third = (missed(phase, 0, "tablets", k, 1, person) for k in range(3))
    assert not first.any()
    error = np.sqrt(0.16 / len(person))
    assert second.mean() == pytest.approx(0.2, abs=4 * error)
    assert (second & third).mean() == pytest.approx(0.04, abs=4 * error)
    assert (missed(phase, 0, "placebo", 1, 1, person) == second).all()
    attendance = Attendance(phase, 0, "tablets", 0, 1, person)
    assert (attendance.away(float(phase.visits_h[1]), 9) == second).all()
    between = attendance.away(100.0, 9)
    assert between is not None
    assert between.mean() == pytest.approx(0.2, abs=4 * error)
    assert (between & second).mean() == pytest.approx(0.04, abs=4 * error)


def test_people_take_a_share_of_their_tablets_and_are_prescribed_them_whole() -> None:
    of = study(head=HEAD.replace("[[phase.arm]]", "[phase.tablets_taken]\nmean = 0.8\nsd = 0.15\n[[phase.arm]]", 1))
    share = tablets_taken(of.phases[0], 1, np.arange(4000))
    assert share is not None
    assert share.mean() == pytest.approx(0.8, abs=4 * 0.15 / np.sqrt(len(share)))
    assert share.std() == pytest.approx(0.15, rel=0.05)
    tablets = of.phases[0].arms[1].treatments[0]
    who, half = some_people(), np.arange(N) % 2 == 0
    given = taken_by(given_of(tablets, np.full(N, 10.0)), np.where(half, 0.5, 1.0))
    assert isinstance(given, Schedule)
    given.propose(PeriodClock(Course(who), start(who), 3, True, np.zeros(N)), np.full(N, 20.0))
    assert given.amount.tolist() == [20.0] * N
    assert given.plan.dose_mg.tolist() == np.where(half, 10.0, 20.0).tolist()
    with pytest.raises(StudyError, match="cannot lie so far apart"):
        study(head=HEAD.replace("[[phase.arm]]", "[phase.tablets_taken]\nmean = 0.8\nsd = 0.4\n[[phase.arm]]", 1))


def test_people_leave_after_a_reaction_or_right_after_a_visit_without_effect() -> None:
    """Everybody by a rule whose share is 1, a half by the other; the visit that showed no effect is still seen."""
    of = study(head=ruled(NO_EFFECT + REACTION, HEAD))
    n, phase = 4000, of.phases[0]
    better = np.arange(n) % 2 == 0
    scores = np.stack([np.full(n, 3.0), np.where(better, 2.0, 2.2), np.full(n, 3.0)])
    visits = [made(of, scores, scores, n // 40).visits["only", "tablets", k] for k in range(3)]
    time_h = np.full((len(REACTIONS), n), np.nan)
    time_h[REACTIONS.index("nausea")] = np.where(better, 50.0, 400.0)  # these come after they would have left
    time_h[REACTIONS.index("headache")] = 1.0  # nobody leaves after one
    came = Reactions(time_h, np.zeros(time_h.shape, dtype=np.int8))
    leaving, person = at_a_rate(phase, 0, phase.arms[0], 1, np.arange(n)), np.arange(n)
    leaving.hour[:] = np.inf
    leave_after(leaving, phase, 0, came, visits, 1, person)
    assert {REASONS[k] for k in leaving.why[~better]} == {"lack of effect"}
    assert visits[1].present[~better].all()
    assert not visits[2].present[~better].any()
    gone = leaving.why[better] == REASONS.index("reaction")
    assert gone.mean() == pytest.approx(0.5, abs=4 * np.sqrt(0.25 / gone.size))
    assert set(leaving.hour[better][gone]) == {50.0}
    assert (visits[1].present[better] == ~gone).all()


def test_whoever_is_given_rescue_at_a_visit_does_not_leave_there_for_lack_of_effect() -> None:
    of, n = study(head=ruled(NO_EFFECT + RESCUE)), 40
    scores, phase, nothing = np.full((3, n), 3.0), of.phases[0], np.full((len(REACTIONS), n), np.nan)
    visits = [made(of, scores, scores, 1).visits["only", "tablets", k] for k in range(3)]
    leaving, rescued = Leaving.nobody(n), (np.arange(n) % 2 == 0)[None]
    leave_after(leaving, phase, 0, Reactions(nothing, np.zeros_like(nothing, int)), visits, 1, np.arange(n), rescued)
    assert (visits[2].present == rescued[0]).all()


def test_leaving_is_no_response_and_a_missed_visit_is_not_known() -> None:
    """A program that takes a missed visit for an intercurrent event counts everybody; one that takes leaving for a
    missed visit counts too few.
    """
    head = HEAD.replace("dropout = true", "dropout = true\nmissed_visits = 0.3").replace("n = 40", "n = 400")
    responder = PRIMARY.replace("limb", 'measure = "responder"\nlimb').replace("hypothetical", "composite")
    change = PRIMARY.replace("limb", 'name = "change"\nmethod = "ANCOVA"\nlimb')
    last = PRIMARY.replace("limb", 'name = "last"\nmethod = "ANCOVA"\nlimb').replace(
        "hypothetical", "while on treatment"
    )
    of = study(responder + change + last, head=head)
    draws = np.random.default_rng(2)
    scores = 3.0 + draws.normal(size=(3, 400))
    scores[2] = scores[0] - 2.0
    outcome = made(of, scores, scores, 1, leave=0.25)
    absent, left = outcome.missed("only", "tablets", 2), outcome.left["only"]
    found = analyse(outcome)
    assert found is not None
    people = (found.trials["n_arm"] + found.trials["n_against"]).to_list()
    assert people == [(~absent | left).sum(), (~absent & ~left).sum(), 400]
    # Whoever misses a visit misses it in the arm that they are not in, too.
    for is_other in (False, True):
        table = scores_of(outcome, unobserved=is_other)
        last = [one for one in table.parts if (one.scale, one.limb, one.item) == ("ashworth", "leg", "mean")][2::3]
        assert table.table(last)["patient"].n_unique() == people[1]
    assert found.characteristics["truth"].to_list() == [0.0, 0.0, 0.0]
    assert 0 < (absent & left).sum() < absent.sum()


def test_the_flow_counts_by_arm_who_missed_a_visit_and_who_left_why() -> None:
    """In another arm everybody would have other reasons: the flow is of the arm that people are in."""
    of = study(head=ruled(NO_EFFECT, HEAD.replace("dropout = true", "dropout = true\nmissed_visits = 0.3")))
    scores = np.full((3, 40), 3.0)
    outcome = made(of, scores, scores, 1, leave=0.5)
    why, arm, left = np.where(np.arange(40) < 20, 1, 3), outcome.assigned["only"], outcome.left["only"]
    rows = {(one.stage, one.arm, one.reason): one.number for one in consort(replace(outcome, left_why={"only": why}))}
    absent = (outcome.missed("only", "tablets", 2) & ~left) | outcome.missed("only", "tablets", 1)
    for k, name in enumerate(("placebo", "tablets")):
        assert rows["Visits of only", name, "missed one or more, stay"] == (absent & (arm == k)).sum() > 0
        for number, reason in ((1, "dropped out"), (3, "lack of effect")):
            assert rows["Left only", name, reason] == (left & (arm == k) & (why == number)).sum() > 0
        assert rows["Completed only", name, ""] == (~left & (arm == k)).sum()
    assert not any(reason == "reaction" for *_, reason in rows)
