"""Rescue: what a study may say of it, how it counts in each estimand, and times to it and to leaving."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from analysis_examples import HEAD, PRIMARY, RESCUE, made, study

from eutonia.assessment.scoring import Chart
from eutonia.errors import StudyError
from eutonia.report.trial import analysis_words
from eutonia.study.rescue import Rescue
from eutonia.trial.analyse import analyse
from eutonia.trial.analysed import Analysed
from eutonia.trial.analysis import Outcome
from eutonia.trial.endpoints import contrasts_of
from eutonia.trial.rescue import RescueWatch, needs

pytestmark = pytest.mark.unit

RESCUED = HEAD.replace("[[phase.arm]]", RESCUE + "[[phase.arm]]", 1)
MIXED = PRIMARY.replace("limb", 'measure = "responder"\nimprovement = 0.5\nlimb')
COMPOSITE = MIXED + 'rescue = "composite"\n'
HYPOTHETICAL = MIXED.replace("hypothetical", "composite") + 'rescue = "hypothetical"\n'
TIME = '\n[[analysis.endpoint]]\nmeasure = "time to rescue"\nestimand = "hypothetical"\n'
TABLETS = '[[phase.rescue.treatment]]\nroute = "oral"\nproduct = "baclofen tablets"\ndose = "20 mg"\nevery = "8 hour"\n'


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("score = 3.0\n", "", ["Nothing tells who is given rescue"]),
        ("score = 3.0", "score = 7.0", ["This scale runs from"]),
        ('["2 week"]', '["6 week"]', ["between the first and the last"]),
        ('limb = "leg"\nscore', 'limb = "arm"\nscore', ["The arm is not examined"]),
        ('"2 week"]\n', '"2 week", "3 week"]\ntimes = 2\n', ["too soon", "times = 1"]),
        (
            "[[phase.rescue.treatment]]",
            TABLETS + "[[phase.rescue.treatment]]",
            ["Rescue at 2 week in arm", "adds up", "at most 80 mg"],
        ),
        ('design = "parallel"', 'design = "crossover"\nwashout = "1 week"', ["In a crossover rescue would last"]),
        ('at = "0 week"\n', 'at = "0 week"\ngiven_to = "others"\n', ["begins at its visit"]),
        (TIME, TIME + 'scale = "ashworth"\nlimb = "leg"\n', ["asks for no score"]),
        ("to rescue", "to leaving", ["Leaving is the event itself"]),
        (TIME, PRIMARY + 'rescue = "composite"\n', ['"hypothetical"', "cannot have it so"]),
        (TIME, PRIMARY.replace('scale = "ashworth"\n', ""), ["The key scale is missing"]),
        (RESCUE, "", ["gives no rescue", "add [phase.rescue]"]),
    ],
)
def test_what_does_not_fit_is_refused_with_what_to_do(old: str, new: str, says: list[str]) -> None:
    text = RESCUED.replace('"2 week", "6', '"2 week", "3 week", "6') if "3 week" in new else RESCUED
    assert old in text + TIME
    with pytest.raises(StudyError) as caught:
        study(TIME.replace(old, new, 1), head=text.replace(old, new, 1))
    for words in (*says, "Do: "):
        assert words in " ".join(str(caught.value).split())


def chart(*legs: float) -> Chart:
    return Chart({"ashworth": np.array([legs, legs])})


def rescue_of(text: str) -> Rescue:
    found = study(head=RESCUED.replace("score = 3.0", text)).phases[0].rescue
    assert found is not None
    return found


def test_who_needs_rescue_is_at_the_score_or_worse_and_not_better_by_enough() -> None:
    before, now = chart(4.0, 3.0, 4.0, 3.5), chart(3.0, 2.9, 3.1, 3.5)
    assert needs(rescue_of("score = 3.0"), before, now).tolist() == [True, False, True, True]
    assert needs(rescue_of("improvement = 1.0"), before, now).tolist() == [False, True, True, True]
    both = rescue_of("score = 3.0\nimprovement = 1.0")
    assert needs(both, before, now).tolist() == [False, False, True, True]


def test_nobody_is_given_rescue_more_often_than_it_may_be() -> None:
    text = RESCUED.replace('"2 week", "6 week"]', '"2 week", "20 week", "40 week", "50 week"]')
    text = text.replace('visits = ["2 week"]', 'visits = ["2 week", "20 week", "40 week"]\ntimes = 2')
    rescue = study(head=text).phases[0].rescue
    assert rescue is not None
    watch, bad = RescueWatch(rescue, 3), chart(4.0, 4.0, 2.0)
    for visit, came in zip(rescue.visits_h, ([True] * 3, [True, False, True], [True] * 3), strict=True):
        watch.decide(visit, bad, bad, np.array(came))
    assert watch.at.T.tolist() == [[True, True, False], [True, False, True], [False, False, False]]
    third = rescue.at_visits[2][0]
    assert third.begins_h == 40 * 168.0
    assert watch.dealt_to(third).tolist() == [False, True, False]
    for one in watch._given[2]:
        assert one[1].amount.tolist() == [0.0, 200.0, 0.0]


def outcome(endpoints: str, leave: float = 0.0, trials: int = 1) -> Outcome:
    """Return one in which half of placebo and a quarter of tablets are given rescue in the third week, which works in
    all; tablets take two points at the second visit, and a half is left of it at the third.
    """
    of, n = study(endpoints, head=RESCUED), 40 * trials
    pair = np.arange(n) // 2
    rescued = {"placebo": pair % 2 == 0, "tablets": pair % 4 == 0}
    plain = {"placebo": np.full((3, n), 3.0), "tablets": np.array([[3.0], [1.0], [2.5]]) * np.ones(n)}
    with_it = {arm: np.where(rescued[arm] & (np.arange(3) == 2)[:, None], 1.0, plain[arm]) for arm in plain}
    found = made(of, with_it["placebo"], with_it["tablets"], trials, leave=leave)
    for (_, arm, k), record in found.visits.items():
        record.without_rescue = {"ashworth": np.stack([plain[arm][k]] * 2)}
    return replace(found, rescued={("only", arm): one[None] for arm, one in rescued.items()})


def analysed(of: Outcome) -> Analysed:
    found = analyse(of)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("measure", "way", "true", "people"),
    [
        ("change", "hypothetical", -0.5, 25),
        ("change", "treatment policy", (0.25 * 1.0 + 0.75 * 2.5) - (0.5 * 1.0 + 0.5 * 3.0), 40),
        ("change", "while on treatment", 0.25 * -2.0 + 0.75 * -0.5, 40),
        ("responder", "hypothetical", 1.0, 25),
        ("responder", "treatment policy", 0.5, 40),
        ("responder", "composite", 0.75, 40),
    ],
)
def test_rescue_counts_as_the_estimand_says(measure: str, way: str, true: float, people: int) -> None:
    """Scores after rescue as they are, as they would be, as no response, or those before it."""
    endpoint = (MIXED if measure == "responder" else PRIMARY + 'method = "ANCOVA"\n').replace("hypothetical", way)
    text = endpoint.replace('"treatment policy"', '"hypothetical"\nrescue = "treatment policy"')
    row = analysed(outcome(text)).characteristics.row(0, named=True)
    assert row["rescue"] == way
    assert row["truth"] == pytest.approx(true)
    if (measure, way) != ("change", "hypothetical"):  # where nobody differs, there is no error to compare with
        assert row["estimate"] == pytest.approx(true)
    assert row["people"] == people


def test_of_leaving_and_rescue_that_counts_which_comes_first() -> None:
    """Whoever had rescue has failed, also if they leave later; of whoever leaves before it nothing is known."""
    counts = []
    for text in (COMPOSITE, HYPOTHETICAL):
        of = outcome(text, leave=0.25, trials=10)
        early = np.arange(len(of.member)) % 5 == 0
        for (_, _, k), record in of.visits.items():
            record.present = record.present & ~(early & (k > 0))
        row = analysed(of).trials
        counts.append((row["n_arm"] + row["n_against"]).sum())
    left, arm = of.left["only"] | early, of.assigned["only"]
    had = np.where(arm == 1, of.rescued["only", "tablets"][0], of.rescued["only", "placebo"][0]) & ~early
    assert counts == [(had | ~left).sum(), (left | ~had).sum()]
    assert max(counts) < len(left)


def test_times_to_rescue_and_to_leaving() -> None:
    """Rescue comes at the second visit, people leave by the third: a program that takes one for the other has no events
    there.
    """
    composite = TIME.replace("hypothetical", "composite")
    leaving = composite.replace("rescue", "leaving")
    of = outcome(TIME + composite.replace("measure", 'name = "failure"\nmeasure') + leaving, leave=0.25, trials=10)
    found = analysed(of)
    assert found.survival is not None
    for arm, k in (("tablets", 1), ("placebo", 0)):
        mine = of.assigned["only"] == k
        left, had = of.left["only"] & mine, of.rescued["only", arm][0] & mine
        curve = found.survival.filter(arm=arm)
        events, censored = ((10 * curve[name]).round(6).to_list() for name in ("events", "censored"))
        assert events == [had.sum(), 0, had.sum(), (left & ~had).sum(), 0, left.sum()]
        assert censored[:2] == [(left & ~had).sum(), (mine & ~left & ~had).sum()]
        assert curve["happened_truth"].to_list()[0] == pytest.approx(of.rescued["only", arm].mean())
    truth = found.characteristics["truth"].to_list()
    assert truth[0] == pytest.approx(np.log(np.log(0.75) / np.log(0.5)), abs=0.15)
    assert truth[2] == 0.0
    told = analysis_words.endpoints(found)
    assert told[0].how.startswith("A lower hazard of rescue is better. Hypothetical: as if nobody had left.")
    assert "whoever leaves has failed" in told[1].how
    assert [one.better for one in contrasts_of(of.study)] == [-1, -1, -1]


def test_an_improvement_after_rescue_that_counts_as_none_is_none() -> None:
    improving = MIXED.replace("responder", "time to improvement")
    for way, share in (("composite", 0.0), ("treatment policy", 0.5)):
        text = improving.replace("hypothetical", "composite") + f'rescue = "{way}"\n'
        found = analysed(outcome(text)).survival
        assert found is not None
        placebo = found.filter(arm="placebo")
        assert placebo["happened_truth"].to_list() == placebo["happened"].to_list() == [0.0, share]
