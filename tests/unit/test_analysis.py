"""What a paper prints, from what happened to people: every number by hand."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import numpy as np
import pytest
from study_examples import STROKE

from eutonia.study.design import TrialStudy, parse_study
from eutonia.trial.analysis import Outcome, _withheld, consort, quantities
from eutonia.trial.block_outcome import BlockOutcome, VisitRecord
from eutonia.trial.result import Quantity
from eutonia.trial.statistics import summarise

PER_TRIAL, TRIALS = 5, 40
PEOPLE = PER_TRIAL * TRIALS
DAY = 24.0

STUDY = (
    """
[study]
name = "analysed"
title = "A trial whose outcome is made up"
kind = "trial"
seed = 1
[population]
n = 5
"""
    + STROKE
    + """\
[assessment]
side = "affected"
limbs = ["leg", "arm"]
scales = ["ashworth", "spasm", "stance_support"]
rater = "human"
[[phase]]
name = "first"
design = "single"
masking = "open"
visits = ["0 hour", "4 hour"]
nonspecific = false
dropout = false
[[phase.arm]]
name = "pump"
[[phase.arm.treatment]]
product = "Lioresal Intrathecal"
route = "intrathecal infusion"
rate = "100 ug/day"
tip = "T10"
[phase.gate]
need = "any"
[[phase.gate.rule]]
arm = "pump"
scale = "ashworth"
limb = "leg"
fall = 1.0
[[phase]]
name = "second"
design = "parallel"
masking = "double blind"
follows = "first"
visits = ["0 day", "30 day"]
nonspecific = true
dropout = true
[[phase.arm]]
name = "placebo"
placebo = true
[[phase.arm]]
name = "tablets"
[[phase.arm.treatment]]
product = "baclofen tablets"
route = "oral"
dose = "20 mg"
every = "8 hour"
"""
)


def published(statistic: str, value: float = 0.5, **keys: str) -> str:
    """Return one published row of the study file."""
    lines = [f'{key} = "{text}"' for key, text in keys.items()]
    head = [f'statistic = "{statistic}"', f"value = {value}", 'source = "Meythaler_2001"', 'status = "verified"']
    return "\n".join(["[[published]]", *head, *lines, ""])


LEG_AT_END = {"phase": "first", "arm": "pump", "scale": "ashworth", "limb": "leg", "visit": "4 hour"}
DOSE = {"phase": "first", "arm": "pump", "visit": "4 hour", "unit": "ug/day"}
ROWS = {
    "mean": published("mean", 2.0, **LEG_AT_END),
    "sd": published("sd", **LEG_AT_END),
    "fraction removed": published("fraction removed", **LEG_AT_END),
    "spasms removed": published("fraction removed", **{**LEG_AT_END, "scale": "spasm"}),
    "share lost": published("share lost", phase="first", arm="pump", scale="stance_support", visit="4 hour"),
    "spasms gained": published("share lost", **{**LEG_AT_END, "scale": "spasm"}),
    "share entered": published("share entered", phase="second"),
    "dose": published("dose", 100.0, **DOSE),
    "lowest dose": published("lowest dose", 100.0, **DOSE),
    "highest dose": published("highest dose", 100.0, **DOSE),
    "tablets": published("dose", 40.0, phase="second", arm="tablets", visit="30 day", unit="mg/day"),
}


def study(*rows: str) -> TrialStudy:
    found = parse_study(STUDY + "".join(ROWS[row] for row in rows))
    assert isinstance(found, TrialStudy)
    return found


def record(luck: np.random.Generator, phase: str, arm: str, visit: int, time_h: float, share: float) -> VisitRecord:
    def grades(*shape: int) -> np.ndarray:
        return luck.integers(0, 5, size=(*shape, PEOPLE)).astype(float)

    scores = {"ashworth": 1.0 + grades(2), "spasm": grades(2), "stance_support": luck.uniform(0.5, 1.5, PEOPLE)}
    return VisitRecord(
        phase=phase,
        arm=arm,
        visit=visit,
        time_h=time_h,
        scores=scores,
        present=luck.uniform(size=PEOPLE) < share,
        rate_ug_per_h=luck.uniform(2.0, 20.0, PEOPLE),
        tablets_mg_per_day=luck.uniform(0.0, 60.0, PEOPLE),
    )


def outcome(*rows: str) -> Outcome:
    """Return a made-up outcome with numbers that differ between all arms and visits."""
    luck = np.random.default_rng(4)
    visits = {}
    for phase, arm, visit, time_h, share in (
        ("first", "pump", 0, 0.0, 1.0),
        ("first", "pump", 1, 4.0, 0.8),
        ("second", "placebo", 0, 0.0, 0.9),
        ("second", "placebo", 1, 30 * DAY, 0.6),
        ("second", "tablets", 0, 0.0, 0.9),
        ("second", "tablets", 1, 30 * DAY, 0.6),
    ):
        visits[phase, arm, visit] = record(luck, phase, arm, visit, time_h, share)
    everybody, some = np.ones(PEOPLE, dtype=bool), luck.uniform(size=PEOPLE) < 0.7
    for key, at in visits.items():
        at.present &= some | (key[0] == "first")  # nobody is seen in a phase that they did not enter
    return Outcome(
        study=study(*rows),
        n_replicates=TRIALS,
        visits=visits,
        entered={"first": everybody, "second": some},
        passed={"first": some, "second": everybody},
        assigned={"first": np.zeros(PEOPLE, dtype=int), "second": luck.integers(0, 2, PEOPLE)},
        left={"first": ~everybody, "second": luck.uniform(size=PEOPLE) < 0.2},
        relieved_ug_per_h={},
        features={},
        member=np.arange(PEOPLE),
    )


def trials(values: np.ndarray, who: np.ndarray) -> list[np.ndarray]:
    """Return the values of those who were there, trial by trial."""
    return [values[k : k + PER_TRIAL][who[k : k + PER_TRIAL]] for k in range(0, PEOPLE, PER_TRIAL)]


def assert_summary(found: Quantity, by_trial: list[float]) -> None:
    known = [value for value in by_trial if not math.isnan(value)]
    assert found.mean == pytest.approx(np.mean(known))
    assert (found.low, found.high) == pytest.approx(tuple(np.percentile(known, [2.5, 97.5])))
    assert found.level == 0.95


def only(of: Outcome, statistic: str, scale: str | None = None) -> Quantity:
    found = [q for q in quantities(of) if q.statistic == statistic and q.published and scale in (None, q.scale)]
    assert len(found) == 1
    return found[0]


# --- means -----------------------------------------------------------------------------------------------------------


def test_a_summary_is_that_of_each_trial() -> None:
    of = outcome()
    at = of.visits["first", "pump", 1]
    found = summarise(of, at.scores["ashworth"][0], at.present)
    of_trials = trials(at.scores["ashworth"][0], at.present)
    means = [t.mean() for t in of_trials]
    assert found.mean == pytest.approx(np.mean(means))
    assert found.sd == pytest.approx(np.mean([t.std(ddof=1) for t in of_trials if len(t) > 1]))
    assert found.n == pytest.approx(np.mean([len(t) for t in of_trials]))
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(means, [0.025, 0.975])))


def test_trials_without_anybody_and_trials_of_one_are_not_counted_as_if_they_agreed() -> None:
    of = outcome()
    values = np.tile([1.0, 2.0, 3.0, 4.0, 5.0], TRIALS)
    present = np.zeros(PEOPLE, dtype=bool)
    present[:2] = True  # 1 and 2 in the first trial
    present[PER_TRIAL] = True  # 1 alone in the second, nobody elsewhere
    found = summarise(of, values, present)
    assert found.mean == pytest.approx((1.5 + 1.0) / 2)
    assert found.sd == pytest.approx(np.sqrt(0.5)), "one person has no spread"
    nobody = summarise(of, values, np.zeros(PEOPLE, dtype=bool))
    assert math.isnan(nobody.mean)
    assert nobody.sd is None
    assert summarise(of, values, present & (np.arange(PEOPLE) >= 2)).sd is None


def test_every_scale_limb_arm_and_visit_is_reported_once() -> None:
    found = quantities(outcome())
    keys = [(q.phase, q.arm, q.visit, q.scale, q.limb) for q in found]
    assert len(set(keys)) == len(keys) == 6 * (2 + 2 + 1)
    assert ("second", "tablets", "30 day", "stance_support", None) in keys
    assert all(q.published is None for q in found)


def test_a_mean_is_of_those_seen_and_its_baseline_of_the_same_people() -> None:
    of = outcome("mean")
    at, first = of.visits["first", "pump", 1], of.visits["first", "pump", 0]
    found = only(of, "mean")
    assert (found.phase, found.arm, found.limb, found.scale, found.time_h) == ("first", "pump", "leg", "ashworth", 4.0)
    assert_summary(found, [t.mean() for t in trials(at.scores["ashworth"][0], at.present)])
    before = [t.mean() for t in trials(first.scores["ashworth"][0], at.present)]
    assert found.baseline_mean == pytest.approx(np.mean(before))
    assert found.published is not None
    assert found.published.value == 2.0


def test_a_parallel_arm_reports_only_those_allocated_to_it() -> None:
    of = outcome()
    for k, arm in enumerate(("placebo", "tablets")):
        at = of.visits["second", arm, 1]
        seen = at.present & (of.assigned["second"] == k)
        found = next(q for q in quantities(of) if (q.arm, q.visit, q.scale, q.limb) == (arm, "30 day", "spasm", "arm"))
        of_trials = trials(at.scores["spasm"][1], seen)
        assert_summary(found, [t.mean() if len(t) else math.nan for t in of_trials])
        assert found.n == pytest.approx(np.mean([len(t) for t in of_trials]))


# --- the other statistics --------------------------------------------------------------------------------------------


def test_spread_between_patients() -> None:
    of = outcome("sd")
    at = of.visits["first", "pump", 1]
    of_trials = trials(at.scores["ashworth"][0], at.present)
    assert_summary(only(of, "sd"), [t.std(ddof=1) if len(t) > 1 else math.nan for t in of_trials])


@pytest.mark.parametrize(
    ("row", "scale", "normal"), [("fraction removed", "ashworth", 1), ("spasms removed", "spasm", 0)]
)
def test_fraction_removed_is_of_the_excess_over_normal(row: str, scale: str, normal: float) -> None:
    of = outcome(row)
    first, at = (of.visits["first", "pump", visit] for visit in (0, 1))
    before, after = (trials(r.scores[scale][0], at.present) for r in (first, at))
    expected = [
        (b.mean() - a.mean()) / (b.mean() - normal) if len(b) and b.mean() > normal else math.nan
        for b, a in zip(before, after, strict=True)
    ]
    assert_summary(only(of, "fraction removed"), expected)


def test_a_trial_without_excess_has_no_fraction_of_it() -> None:
    of = outcome("spasms removed")
    of.visits["first", "pump", 0].scores["spasm"][0, :PER_TRIAL] = 0.0
    found = only(of, "fraction removed")
    assert math.isfinite(found.mean)
    assert math.isfinite(found.low)


def test_stance_is_lost_by_those_who_had_it() -> None:
    of = outcome("share lost")
    first, at = (of.visits["first", "pump", visit] for visit in (0, 1))
    lost = (first.scores["stance_support"] >= 1) & (at.scores["stance_support"] < 1)
    assert 0.1 < lost.mean() < 0.5
    assert_summary(only(of, "share lost"), [t.mean() for t in trials(lost.astype(float), at.present)])


def test_a_score_is_lost_when_it_worsens_by_a_point() -> None:
    of = outcome("spasms gained")
    first, at = (of.visits["first", "pump", visit] for visit in (0, 1))
    worse = at.scores["spasm"][0] - first.scores["spasm"][0] >= 1
    assert_summary(only(of, "share lost"), [t.mean() for t in trials(worse.astype(float), at.present)])


def test_share_entered_is_of_all_recruited() -> None:
    of = outcome("share entered")
    everybody = np.ones(PEOPLE, dtype=bool)
    expected = [t.mean() for t in trials(of.entered["second"].astype(float), everybody)]
    assert_summary(only(of, "share entered"), expected)


@pytest.mark.parametrize(("row", "of_trial"), [("dose", np.mean), ("lowest dose", np.min), ("highest dose", np.max)])
def test_doses_are_daily_and_extremes_are_those_of_each_trial(row: str, of_trial: np.ufunc) -> None:
    of = outcome(row)
    at = of.visits["first", "pump", 1]
    found = only(of, row)
    assert found.unit == "ug/day"
    assert_summary(found, [of_trial(t) for t in trials(at.rate_ug_per_h * DAY, at.present)])


def test_oral_doses_are_those_of_the_arm() -> None:
    of = outcome("tablets")
    at = of.visits["second", "tablets", 1]
    seen = at.present & (of.assigned["second"] == 1)
    of_trials = trials(at.tablets_mg_per_day, seen)
    found = only(of, "dose")
    assert (found.unit, found.arm) == ("mg/day", "tablets")
    assert_summary(found, [t.mean() if len(t) else math.nan for t in of_trials])


def test_a_dose_to_relief_is_that_of_the_relieved() -> None:
    luck = np.random.default_rng(2)
    relieved = np.where(luck.uniform(size=PEOPLE) < 0.6, luck.uniform(2, 9, PEOPLE), np.nan)
    of = dataclasses.replace(outcome("highest dose"), relieved_ug_per_h={("first", "pump"): relieved})
    at = of.visits["first", "pump", 1]
    of_trials = trials(relieved * DAY, at.present & ~np.isnan(relieved))
    assert_summary(only(of, "highest dose"), [t.max() if len(t) else math.nan for t in of_trials])


# --- flow, labels, blocks --------------------------------------------------------------------------------------------


def test_the_flow_of_people_adds_up() -> None:
    of = outcome()
    rows = {(r.stage, r.arm): r for r in consort(of)}
    assert rows["Recruited", None].number == PER_TRIAL
    entered, left = of.entered["second"], of.left["second"]
    out = rows["Gate after first", None]
    assert out.number == pytest.approx((~entered).sum() / TRIALS)
    allocated = [rows["Allocated in second", arm].number for arm in ("placebo", "tablets")]
    assert sum(allocated) + out.number == pytest.approx(PER_TRIAL)
    for k, arm in enumerate(("placebo", "tablets")):
        mine = entered & (of.assigned["second"] == k)
        assert rows["Left second", arm].number == pytest.approx((mine & left).sum() / TRIALS)
        stayed = rows["Completed second", arm].number
        assert stayed + rows["Left second", arm].number == pytest.approx(allocated[k])
    assert rows["Completed first", None].number == PER_TRIAL
    assert all(r.low <= r.number <= r.high for r in rows.values())


def test_visits_keep_the_words_of_the_study_file() -> None:
    text = STUDY.replace('visits = ["0 day", "30 day"]', 'visits = ["0 week", "6 week"]')
    of = outcome()
    at = {key: dataclasses.replace(r, time_h=1008.0) if r.time_h == 720.0 else r for key, r in of.visits.items()}
    found = quantities(dataclasses.replace(of, study=parse_study(text), visits=at))
    assert {q.visit for q in found if q.phase == "second"} == {"0 week", "6 week"}
    assert {q.visit for q in found if q.phase == "first"} == {"0 hour", "4 hour"}


def test_two_periods_of_a_crossover_become_one_visit_and_blocks_follow_one_another() -> None:
    luck = np.random.default_rng(8)
    of = outcome()
    early = record(luck, "first", "pump", 0, 0.0, 0.5)
    late = dataclasses.replace(record(luck, "first", "pump", 0, 0.0, 0.5), present=~early.present)
    whole = BlockOutcome(
        np.arange(PEOPLE), np.arange(PEOPLE), [early, late], of.entered, of.passed, of.assigned, of.left, {}, {}
    )
    blocks = [whole.head(PER_TRIAL), _rest(whole, PER_TRIAL)]
    merged = [block.periods_merged() for block in blocks]
    assert [[(one.phase, one.arm, one.visit) for one in visits] for visits in merged] == [[("first", "pump", 0)]] * 2

    def together(of_visit: Callable[[VisitRecord], np.ndarray]) -> np.ndarray:
        return np.concatenate([of_visit(visits[0]) for visits in merged], axis=-1)

    assert np.all(together(lambda visit: visit.present))
    expected = np.where(early.present, early.scores["spasm"], late.scores["spasm"])
    np.testing.assert_array_equal(together(lambda visit: visit.scores["spasm"]), expected)
    rate = together(lambda visit: visit.rate_ug_per_h)
    np.testing.assert_array_equal(rate[early.present], early.rate_ug_per_h[early.present])
    np.testing.assert_array_equal(np.concatenate([block.member for block in blocks]), np.arange(PEOPLE))
    entered = np.concatenate([block.entered["second"] for block in blocks])
    np.testing.assert_array_equal(entered, of.entered["second"])


def _rest(block: BlockOutcome, first: int) -> BlockOutcome:
    """Return the people after the first, by turning a block round twice."""

    def turned(of: BlockOutcome) -> BlockOutcome:
        visits = [
            dataclasses.replace(
                v,
                scores={name: score[..., ::-1] for name, score in v.scores.items()},
                **{name: getattr(v, name)[::-1] for name in ("present", "rate_ug_per_h", "tablets_mg_per_day")},
            )
            for v in of.visits
        ]
        flags = {
            name: {key: value[::-1] for key, value in getattr(of, name).items()}
            for name in ("entered", "passed", "assigned", "left")
        }
        return dataclasses.replace(of, person=of.person[::-1], member=of.member[::-1], visits=visits, **flags)

    return turned(turned(block).head(len(block.person) - first))


@pytest.mark.parametrize(("trials", "words"), [(1, "1 replicate trial, "), (39, "39 replicate trials, "), (40, "")])
def test_a_verdict_needs_forty_replicate_trials(trials: int, words: str) -> None:
    assert _withheld(trials).startswith(words)
    assert bool(_withheld(trials)) == bool(words)
