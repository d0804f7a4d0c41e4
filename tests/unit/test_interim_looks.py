"""Trials that are looked at while they run: what a study may say of it, where trials stop, and how often they err."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from analysis_examples import HEAD, PRIMARY, made, study
from report_examples import trial

from eutonia.errors import StudyError
from eutonia.report import files
from eutonia.report.trial import analysis_words, interim_words
from eutonia.statistics.two_arms import Effect, rank_sum, share_difference
from eutonia.study.design import TrialStudy
from eutonia.trial import interim
from eutonia.trial.analyse import analyse
from eutonia.trial.analysed import Analysed
from eutonia.trial.endpoints import contrasts_of

pytestmark = pytest.mark.unit

PEOPLE = 120
LOOKS = """[analysis]
[analysis.interim]
looks = [0.5, 0.75]
futility = 0.1
people_a_month = 20.0
"""
ANCOVA = PRIMARY.replace("limb", 'method = "ANCOVA"\nlimb')
LATER = ANCOVA.replace("limb", 'role = "secondary"\nname = "ranks"\nlimb').replace("ANCOVA", "Wilcoxon")
HEAD_120 = HEAD.replace("n = 40", f"n = {PEOPLE}")


def planned(plan: str = LOOKS, endpoints: str = ANCOVA) -> TrialStudy:
    return study(endpoints, head=HEAD_120, plan=plan)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("[0.5, 0.75]", "[0.75, 0.5]", ["tells the same", "0.8 or more", "looks = [0.5, 0.75]"]),
        ("[0.5, 0.75]", "[0.5, 0.52]", ["tells the same", "0.55 or more"]),
        ("[0.5, 0.75]", "[0.5, 1.0]", ["looks"]),
        ("[0.5, 0.75]", "[]", ["looks"]),
        ("futility = 0.1", "futility = 0.8", ["futility", "0.5"]),
        ("futility = 0.1", 'spending = "Pocok"', ['Nearest: "Pocock"']),
        ("people_a_month = 20.0", "people_a_month = 0.0", ["people_a_month"]),
        ("[analysis]\n", '[analysis]\nmultiplicity = "holm"\n', ["Holm's steps", '"hierarchical" or "none"']),
    ],
)
def test_looks_that_do_not_fit_are_refused_with_what_to_do(old: str, new: str, says: list[str]) -> None:
    with pytest.raises(StudyError) as caught:
        planned(LOOKS.replace(old, new, 1), ANCOVA + LATER)
    for words in (*says, "Do: "):
        assert words in " ".join(str(caught.value).split())


def test_the_first_endpoint_decides_and_looks_need_people() -> None:
    with pytest.raises(StudyError, match="The first endpoint says when the trial stops"):
        planned(endpoints=LATER + ANCOVA)
    with pytest.raises(StudyError, match="looks at 3, 4, 6 people"):
        planned().override(n=6)


def scores(trials: int, difference: float, seed: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Return scores of placebo and tablets at three visits: all alike at first, standard normal after."""
    luck = np.random.default_rng(seed).normal(size=(2, 3, PEOPLE * trials))
    luck[:, 0] = 0.0
    luck[1, 2] += difference
    return luck[0], luck[1]


def found(of: TrialStudy, trials: int, difference: float) -> Analysed:
    result = analyse(made(of, *scores(trials, difference), trials))
    assert result is not None
    return result


def test_trials_stop_where_the_closed_form_says_and_so_have_its_power() -> None:
    """Every look, and every reason, against quadrature; the first people of each trial are those that a look reads."""
    of, trials, difference = planned(), 400, -0.5
    result = found(of, trials, difference)
    looks = interim.looks_of(of)
    assert looks is not None
    assert looks.people == (60, 90, 120)
    # Lower is better; the standard error of a difference of two halves of the people is 2 / sqrt(n).
    expected = looks.rule.crossings(-difference * np.sqrt(PEOPLE) / 2.0)
    assert result.looks is not None
    for row, known in zip(result.looks.iter_rows(named=True), expected, strict=True):
        for why, share in zip((interim.BETTER, interim.WORSE, interim.FUTILITY), known, strict=True):
            # Student's distribution against the normal one moves a share by less than half a point.
            assert row[f"stops_{why}"] == pytest.approx(share, abs=3.5 * row[f"stops_{why}_error"] + 0.005)
    told = result.characteristics.row(0, named=True)
    assert told["rejected"] == pytest.approx(expected[:, :2].sum(), abs=3 * told["rejected_error"] + 0.005)
    sizes = np.append(expected.sum(axis=1)[:2], 1.0 - expected[:2].sum()) @ looks.people
    assert told["expected_people"] == pytest.approx(sizes, abs=3.5 * told["expected_people_error"])
    assert told["coverage"] >= 0.95 - 3 * told["coverage_error"]
    assert abs(told["median_unbiased_bias"]) < 3 * told["median_unbiased_bias_error"] + 0.01
    assert told["median_unbiased_above"] == pytest.approx(0.5, abs=0.05)


def test_a_null_trial_errs_at_its_level_over_all_looks() -> None:
    """Three tests at 0.05 each would err in 9 % of trials."""
    trials = 500
    plan = LOOKS.replace("futility = 0.1", 'spending = "Pocock"')
    result = found(planned(plan), trials, 0.0)
    rate = result.characteristics.row(0, named=True)
    assert result.trials["rejected"].to_list() == result.trials["stopped"].is_in(["better", "worse"]).to_list()
    assert rate["rejected"] == pytest.approx(0.05, abs=3 * np.sqrt(0.05 * 0.95 / trials))
    assert rate["coverage"] >= 0.95 - 3 * rate["coverage_error"]


def test_a_trial_is_what_was_seen_at_its_look_and_its_secondary_endpoint_too() -> None:
    """The estimate of a trial that stopped early is that of its first people; nobody behind them is read."""
    of, trials = planned(endpoints=ANCOVA + LATER), 40
    first, second = scores(trials, -0.7)
    arm = np.random.default_rng(1).permuted(np.tile(np.arange(PEOPLE) % 2, (trials, 1)), axis=1)
    allocated = {"only": arm.ravel()}
    before = analyse(dataclasses.replace(made(of, first, second, trials), assigned=allocated))
    assert before is not None
    early = before.trials.filter((before.trials["look"] == 1) & (before.trials["stopped"] == "better"))
    assert early["replicate"].n_unique() >= 5
    assert set(early["level"].round(6)) == {0.003051}
    assert (early["n_arm"] + early["n_against"]).to_list() == [60] * early.height
    primary = early.filter(early["role"] == "primary")
    assert (primary["high"] < 0).all(), "a trial that stops for success has an interval without zero"
    for k, estimate in primary.select("replicate", "estimate").iter_rows():
        here = slice(k * PEOPLE, k * PEOPLE + 60)
        mine = arm[k, :60] == 1
        assert estimate == pytest.approx(second[2, here][mine].mean() - first[2, here][~mine].mean())
    for one in (first, second):
        one.reshape(3, trials, PEOPLE)[:, :, 60:] = 50.0
    after = analyse(dataclasses.replace(made(of, first, second, trials), assigned=allocated))
    assert after is not None
    same = after.trials.filter(after.trials["look"] == 1)
    assert same.equals(before.trials.filter(before.trials["look"] == 1))


def test_who_has_been_recruited_by_a_look_and_when_it_is() -> None:
    """60 people at 20 a month take three months, and the visit is six weeks later: 27 more have come by then."""
    result = found(planned(), 60, 0.0)
    assert result.looks is not None
    row = result.looks.row(0, named=True)
    assert row["months"] == pytest.approx(3.0 + 42 / (365.25 / 12))
    assert row["recruited"] == 87
    assert result.looks["recruited"][-1] == PEOPLE
    (told,) = interim_words.plain(result)
    assert "of 120 at most" in told
    assert "have been recruited" in told
    (one,) = analysis_words.endpoints(result)
    assert "over all looks" in analysis_words.lead(result)
    assert "The median-unbiased estimate" in " ".join(one.notes)
    assert "look " in one.first_p
    silent = found(planned(LOOKS.replace("people_a_month = 20.0\n", "")), 60, 0.0)
    assert silent.looks is not None
    assert silent.looks["recruited"].null_count() == 3
    assert "recruited" not in interim_words.plain(silent)[0]


def test_the_page_and_the_files_hold_a_row_for_each_look(tmp_path: Path) -> None:
    result = found(planned(), 60, -0.5)
    folder = files.write(trial(analysed=result), tmp_path / "looks")
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "Looks at the trial while it runs" in page
    for told in interim_words.looks(result):
        assert told["stops"] in page
        assert told["also"] in page
    for name in ("interim_looks", "operating_characteristics", "analysis"):
        table = pl.read_parquet(folder / f"{name}.parquet")
        units = json.loads(pl.read_parquet_metadata(folder / f"{name}.parquet")["columns"])
        assert set(units) == set(table.columns), name
    assert pl.read_parquet(folder / "interim_looks.parquet")["people"].to_list() == [60, 90, 120]


def test_a_look_without_an_answer_stops_nothing() -> None:
    """Everybody alike up to the first look: no standard error, no z; the trial goes on."""
    trials = 40
    first, second = scores(trials, -1.5)
    for one in (first, second):
        one.reshape(3, trials, PEOPLE)[:, :, :60] = 0.0
    result = analyse(made(planned(), first, second, trials))
    assert result is not None
    assert (result.trials["look"] > 1).all()


def test_a_rejection_by_ranks_has_a_direction_where_its_shift_is_zero() -> None:
    """Most pairs are tied, and yet nobody of the arm is above anybody of the other: lower is better."""
    arm, other = np.array([0.0] * 48 + [-1.0] * 12), np.zeros(60)
    lower, higher = rank_sum(arm, other, 0.05), rank_sum(other, arm, 0.05)
    assert lower.estimate == higher.estimate == 0.0
    of = planned(endpoints=ANCOVA.replace("ANCOVA", "Wilcoxon"))
    looks, contrast = interim.looks_of(of), contrasts_of(of)[0]
    assert looks is not None
    ends = interim.stopped(looks, contrast, [[lower, higher]] * 3)
    assert ends.why.tolist() == [interim.BETTER, interim.WORSE]
    assert ends.look[0] == 0
    assert ends.z[0] > 2.0
    assert ends.z[1] < -2.0


def test_a_p_value_of_zero_is_the_largest_z_there_is() -> None:
    of = planned()
    looks, contrast = interim.looks_of(of), contrasts_of(of)[0]
    assert looks is not None
    sure = Effect(-3.0, 0.05, 118.0, -3.1, -2.9, 0.0)
    ends = interim.stopped(looks, contrast, [[sure]] * 3)
    (unbiased,) = interim._median_unbiased(looks, contrast, ends, [sure])
    assert unbiased == pytest.approx(-3.0)


def test_shares_that_do_not_differ_at_all_have_a_median_unbiased_estimate() -> None:
    """Fisher's p is 1 and z is 0, so the width of the interval tells the error; without futility nothing leans."""
    of = planned(LOOKS.replace("futility = 0.1\n", ""), PRIMARY.replace("limb", 'measure = "responder"\nlimb'))
    looks, contrast = interim.looks_of(of), contrasts_of(of)[0]
    assert looks is not None
    same = share_difference(np.arange(60) < 20, np.arange(60) < 20, 0.05)
    assert same.p == 1.0
    last = len(looks.people) - 1
    ends = interim.Stopped(np.array([last]), np.array([interim.END]), np.array([0.0]))
    (unbiased,) = interim._median_unbiased(looks, contrast, ends, [same])
    assert unbiased == pytest.approx(0.0, abs=1e-6)


def test_a_look_waits_for_the_last_visit_that_any_endpoint_needs() -> None:
    early = ANCOVA.replace("limb", 'visit = "2 week"\nlimb')
    of = planned(endpoints=early + LATER)
    looks = interim.looks_of(of)
    assert looks is not None
    (first, *_) = interim._recruited(looks, contrasts_of(of), of)
    assert first[1] == pytest.approx(3.0 + 42 / (365.25 / 12))
