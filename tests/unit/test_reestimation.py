"""The size of a trial found again on the way: from the spread of its first scores, whose arms nobody knows."""

from __future__ import annotations

import numpy as np
import pytest
from analysis_examples import HEAD, PRIMARY, made, study
from scipy.stats import norm

from eutonia.errors import StudyError
from eutonia.report.trial import interim_words
from eutonia.study.design import TrialStudy
from eutonia.trial.analyse import analyse
from eutonia.trial.analysed import Analysed

pytestmark = pytest.mark.unit

PEOPLE, SEEN, DIFFERENCE, POWER = 160, 40, 0.6, 0.8
PLAN = f"[analysis]\n[analysis.reestimation]\nat = {SEEN / PEOPLE}\ndifference = {DIFFERENCE}\npower = {POWER}\n"
ANCOVA = PRIMARY.replace("limb", 'method = "ANCOVA"\nlimb')


def planned(plan: str = PLAN, endpoints: str = ANCOVA) -> TrialStudy:
    return study(endpoints, head=HEAD.replace("n = 40", f"n = {PEOPLE}"), plan=plan)


def found(trials: int, sd: float, difference: float) -> tuple[Analysed, np.ndarray]:
    """Return the analysis of normal scores at the last visit, alike at first, and the scores that were seen."""
    luck = np.random.default_rng(9).normal(scale=sd, size=(2, 3, PEOPLE * trials))
    luck[:, 0] = 0.0
    luck[1, 2] -= difference
    result = analyse(made(planned(), luck[0], luck[1], trials))
    assert result is not None
    here = np.where(np.arange(PEOPLE * trials) % 2 == 1, luck[1, 2], luck[0, 2])
    return result, here.reshape(trials, PEOPLE)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (f"at = {SEEN / PEOPLE}", "at = 0.95", ["analysis.reestimation.at", "at most 0.9"]),
        (f"difference = {DIFFERENCE}", "difference = -0.6", ["analysis.reestimation.difference", "more than 0"]),
        (f"difference = {DIFFERENCE}", "difference = 1e200", ["A change on this scale", "0 to 4", "Correct"]),
        (
            f"difference = {DIFFERENCE}",
            "difference = 50.0",
            ["analysis.reestimation.difference", "Given: 50.", "0 to 4"],
        ),
        (f"difference = {DIFFERENCE}", "difference = 1e-200", ["read so finely", "at least 0.001", "larger one"]),
        (f"power = {POWER}", "power = 80.0", ["analysis.reestimation.power", "0.99"]),
        ("[analysis]\n", "[analysis]\n[analysis.interim]\nlooks = [0.5]\n", ["not computed together", "Remove one"]),
    ],
)
def test_what_does_not_fit_is_refused_with_what_to_do(old: str, new: str, says: list[str]) -> None:
    with pytest.raises(StudyError) as caught:
        planned(PLAN.replace(old, new, 1))
    for words in (*says, "Do: "):
        assert words in " ".join(str(caught.value).split())


def test_a_difference_of_means_sets_the_size_and_people_are_needed() -> None:
    with pytest.raises(StudyError, match="The first endpoint sets the size"):
        planned(endpoints=ANCOVA.replace("ANCOVA", "Wilcoxon"))
    with pytest.raises(StudyError, match="no spread that could be told"):
        planned().override(n=8)


def test_the_size_is_that_of_the_formula_and_only_so_many_are_analysed() -> None:
    result, seen = found(30, 1.0, DIFFERENCE)
    variance = seen[:, :SEEN].var(axis=1, ddof=1) - DIFFERENCE**2 / 4
    wanted = 4 * (norm.ppf(0.975) + norm.ppf(POWER)) ** 2 * variance / DIFFERENCE**2
    size = np.clip(np.ceil(wanted), SEEN, PEOPLE).astype(int)
    assert len(set(size)) > 10
    assert result.trials["size"].to_list() == size.tolist()
    assert (result.trials["n_arm"] + result.trials["n_against"]).to_list() == size.tolist()


def test_whatever_the_spread_the_power_is_what_was_asked_for_and_the_level_is_kept() -> None:
    """A trial of 88 people, planned for a standard deviation of 1, would find it in 95 or 66 % of trials."""
    trials = 400
    for sd in (0.8, 1.25):
        result, _ = found(trials, sd, DIFFERENCE)
        row = result.characteristics.row(0, named=True)
        fixed = 4 * (norm.ppf(0.975) + norm.ppf(POWER)) ** 2 * sd**2 / DIFFERENCE**2
        assert row["expected_people"] == pytest.approx(fixed, rel=0.06)
        # Sizes that scatter lose some power to sizes that are too small, a few points at most.
        assert POWER - 0.03 - 3 * row["rejected_error"] < row["rejected"] < POWER + 3 * row["rejected_error"]
        (told,) = interim_words.plain(result)
        assert f"{row['expected_people']:.1f}" in told
        assert "What is analysed is of trials of the size that was found" in told
    nothing, _ = found(trials, 1.0, 0.0)
    assert nothing.characteristics["rejected"][0] == pytest.approx(0.05, abs=3 * np.sqrt(0.05 * 0.95 / trials))
