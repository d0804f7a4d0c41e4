"""What a study may say of its analysis, what it computes from, and how often it is right."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import scipy.optimize
import scipy.special
import scipy.stats
from analysis_examples import HEAD, PRIMARY, made, study

from eutonia import session
from eutonia.assessment.scoring import charted_muscles
from eutonia.errors import StudyError
from eutonia.report.trial import analysis_words
from eutonia.statistics import two_arms
from eutonia.statistics.proportional_odds import fit_odds
from eutonia.study.design import TrialStudy
from eutonia.trial.analyse import analyse, truth
from eutonia.trial.endpoints import contrasts_of


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('scale = "ashworth"', 'scale = "ashwort"', ['Nearest: "ashworth"']),
        ('scale = "ashworth"', 'scale = "reflex"', ["not charted", 'Add "reflex" to [assessment] scales']),
        ('limb = "leg"', 'limb = "arm"', ["The arm is not examined"]),
        ('limb = "leg"', 'muscle = "elbow"', ["muscle group"]),
        ('limb = "leg"\n', 'limb = "leg"\nvisit = "12 week"\n', ["no such visit", '"2 week", "6 week"']),
        ('limb = "leg"\n', 'limb = "leg"\nvisit = "0 week"\n', ["no such visit", '"2 week", "6 week"']),
        ('limb = "leg"\n', 'limb = "leg"\narm = "tabletts"\n', ["no such arm", 'Nearest: "tablets"']),
        ('limb = "leg"\n', 'limb = "leg"\narm = "tablets"\nagainst = "tablets"\n', ["compared with another"]),
        (
            'limb = "leg"\n',
            'limb = "leg"\nmethod = "Fisher"\n',
            ['"MMRM", "ANCOVA", "Wilcoxon", "proportional odds", "crossover" or "N-of-1"'],
        ),
        ('limb = "leg"\n', 'limb = "leg"\nmeasure = "responder"\nmethod = "MMRM"\n', ['"Fisher"']),
        ('limb = "leg"\n', 'limb = "leg"\nimprovement = 1.0\n', ["has no improvement", "Do: Remove it"]),
        ('limb = "leg"\n', 'limb = "leg"\nmethod = "ANCOVA"\ncovariance = "unstructured"\n', ["Only a mixed model"]),
        (
            'scale = "ashworth"\nlimb = "leg"\n',
            'scale = "stance_support"\nmethod = "proportional odds"\n',
            ["measured, not graded"],
        ),
        ('"hypothetical"', '"composite"', ["knows no response", 'measure = "responder"']),
        ('"hypothetical"', '"while on treatment"', ["A mixed model estimates", 'method = "ANCOVA"']),
        ('"hypothetical"', '"treatment policy"', ["Nobody is examined after leaving", "dropout = false"]),
        ('"hypothetical"', '"treatment policy"', ['Allowed: "hypothetical". Do']),
        (
            'limb = "leg"\nestimand = "hypothetical"',
            'limb = "leg"\nmeasure = "responder"\nestimand = "treatment policy"',
            ['Allowed: "hypothetical", "composite" or "while on treatment"'],
        ),
        ('"hypothetical"', '"per protocol"', ["hypothetical", "composite"]),
        (
            '"hypothetical"\n',
            '"hypothetical"\n' + PRIMARY,
            ['is called "leg Ashworth, change at 6 week" too', "name ="],
        ),
        (
            '"hypothetical"\n',
            '"hypothetical"\n' + PRIMARY.replace("limb", 'visit = "6 week"\nlimb'),
            ['is called "leg Ashworth, change at 6 week" too', "name ="],
        ),
        ('limb = "leg"\n', 'limb = "leg"\narm = "placebo"\n', ["none but it is a placebo", 'against = "tablets"']),
        ('limb = "leg"\n', 'limb = "leg"\nagainst = "tablets"\n', ["none but it is given a drug", 'arm = "placebo"']),
        ('limb = "leg"\n', 'limb = "leg"\nrole = "secondary"\n', ["A trial stands on a primary endpoint"]),
    ],
)
def test_what_does_not_fit_is_refused_with_what_to_do(old: str, new: str, says: list[str]) -> None:
    with pytest.raises(StudyError) as caught:
        study(PRIMARY.replace(old, new))
    for words in (*says, "Do: "):
        assert words in " ".join(str(caught.value).split())


def test_arms_are_compared_where_each_person_is_in_one() -> None:
    one = HEAD.replace('design = "parallel"', 'design = "crossover"\nwashout = "1 week"')
    with pytest.raises(StudyError, match="each person is in one of them"):
        study(head=one)
    with pytest.raises(StudyError, match="none is a placebo"):
        study(
            head=HEAD.replace(
                "placebo = true",
                '[[phase.arm.treatment]]\nproduct = "baclofen tablets"\n'
                'route = "oral"\ndose = "5 mg"\nevery = "8 hour"',
            )
        )


def test_where_nobody_leaves_the_treatment_policy_can_be_asked_for() -> None:
    stays = HEAD.replace("dropout = true", "dropout = false")
    asked = study(PRIMARY.replace("hypothetical", "treatment policy"), head=stays)
    assert asked.analysis is not None
    assert asked.analysis.endpoints[0].way == "MMRM"


def test_what_is_left_out_is_filled_in() -> None:
    """The last visit, the drug against the placebo, the limb of a muscle group, a change of one step."""
    of = study(PRIMARY.replace('limb = "leg"', 'muscle = "ankle plantarflexors"') + RESPONDER)
    muscle, responder = contrasts_of(of)
    assert (muscle.arm, muscle.against, muscle.visit_name, muscle.limb) == ("tablets", "placebo", "6 week", "leg")
    assert muscle.name == "ankle plantarflexors Ashworth, change at 6 week"
    first, second = drawn(1, -1.0)
    places = [name for name, _ in charted_muscles()]
    found = muscle.scores(made(of, first, second, 1), "tablets")
    np.testing.assert_allclose(found, second.T + places.index("ankle plantarflexors"))
    assert (responder.improvement, responder.given.way, responder.unit) == (1.0, "Fisher", "1")


def test_alpha_is_a_level() -> None:
    for wrong in ("0", "0.9", '"5 %"', "nan"):
        with pytest.raises(StudyError):
            study(plan=f"[analysis]\nalpha = {wrong}\n")


def drawn(trials: int, effect: float, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Return normal scores of 40 people a trial at three visits without and with an effect at the last."""
    draws = np.random.default_rng(seed)
    own = draws.normal(3.0, 0.8, size=(1, 40 * trials))
    first = own + draws.normal(0.0, 0.6, size=(3, 40 * trials))
    second = own + draws.normal(0.0, 0.6, size=(3, 40 * trials))
    second[0] = first[0]
    second[2] += effect
    return first, second


RESPONDER = PRIMARY.replace("limb", 'role = "secondary"\nmeasure = "responder"\nlimb').replace(
    "hypothetical", "composite"
)
ALL = (
    PRIMARY
    + PRIMARY.replace("limb", 'name = "covariance"\nrole = "secondary"\nmethod = "ANCOVA"\nlimb')
    + PRIMARY.replace("limb", 'name = "ranks"\nrole = "secondary"\nmethod = "Wilcoxon"\nlimb')
    + RESPONDER
)


def test_ancova_power_is_that_of_the_noncentral_t() -> None:
    """Power, coverage and bias against closed forms; a plan that reads the wrong arm or visit misses all of them."""
    of = study(PRIMARY.replace("limb", 'method = "ANCOVA"\nlimb'))
    trials, effect = 2000, -0.6
    found = analyse(made(of, *drawn(trials, effect), trials))
    assert found is not None
    row = found.characteristics.row(0, named=True)
    # Residual SD of the last score given the first: both are own + noise.
    sd = np.sqrt(0.8**2 + 0.6**2 - 0.8**4 / (0.8**2 + 0.6**2))
    df, away = 37, abs(effect) / (sd * np.sqrt(2 / 20))
    edge = scipy.stats.t.isf(0.025, df)
    power = scipy.stats.nct.sf(edge, df, away) + scipy.stats.nct.cdf(-edge, df, away)
    assert row["rejected"] == pytest.approx(power, abs=3 * row["rejected_error"])
    assert row["coverage"] == pytest.approx(0.95, abs=3 * row["coverage_error"])
    assert row["truth"] == pytest.approx(effect, abs=0.02)
    assert abs(row["estimate_bias"]) < 3.5 * row["estimate_bias_error"]


def test_without_a_difference_each_method_errs_at_its_level() -> None:
    """Visits at the end are missing for a tenth; Fisher's exact test errs less often than it may."""
    of = study(ALL, plan='[analysis]\nmultiplicity = "none"\n')
    trials = 1000
    first, _ = drawn(trials, 0.0)
    found = analyse(made(of, first, first, trials, leave=0.1))
    assert found is not None
    rows = found.characteristics.to_dicts()
    assert [row["truth"] for row in rows] == [0.0] * 4
    assert all(row["no_answer"] == 0 for row in rows)
    for row in rows[:3]:
        assert row["rejected"] == pytest.approx(0.05, abs=3 * row["rejected_error"])
        assert row["coverage"] == pytest.approx(0.95, abs=3 * row["coverage_error"])
    assert rows[3]["rejected"] < 0.05


def test_a_trial_whose_covariance_cannot_be_fitted_is_counted_and_never_rejects() -> None:
    """Later scores of the second trial are alike, so nothing tells their spread; later visits of the third are one."""
    of = study(PRIMARY.replace("limb", 'covariance = "autoregressive"\nlimb'))
    first, second = drawn(3, -0.5)
    for scores in (first, second):
        scores[1:, 40:80] = 3.0
        scores[2, 80:] = scores[1, 80:]
    found = analyse(made(of, first, second, 3))
    assert found is not None
    assert found.trials["covariance"].to_list() == ["autoregressive", "none", "none"]
    assert found.trials["p"].is_null().to_list() == [False, True, True]
    assert not found.trials["rejected"][1:].any()
    row = found.characteristics.row(0, named=True)
    assert (row["trials"], row["no_answer"], row["fell_back"]) == (3, 2, 0)


def test_where_nobody_entered_there_is_no_answer_and_no_rate() -> None:
    odds = PRIMARY.replace("limb", 'name = "odds"\nmethod = "proportional odds"\nlimb')
    of = study(ALL + odds)
    outcome = made(of, *drawn(2, -0.5), 2)
    nobody = np.zeros(len(outcome.member), dtype=bool)
    absent = {key: dataclasses.replace(one, present=nobody) for key, one in outcome.visits.items()}
    found = analyse(dataclasses.replace(outcome, entered={"only": nobody}, visits=absent))
    assert found is not None
    assert found.trials["p"].is_null().all()
    assert not found.trials["rejected"].any()
    assert found.characteristics["no_answer"].to_list() == [2] * 5
    assert all(one.first_p == "no answer" for one in analysis_words.endpoints(found))


METHODS = ("MMRM", "ANCOVA", "Wilcoxon", "proportional odds")


def each(of_methods: tuple[str, ...] = METHODS, covariance: str = "unstructured") -> TrialStudy:
    """Return a study with an endpoint by each method, each tested by itself."""
    more = {"MMRM": f'covariance = "{covariance}"\n'}
    parts = [
        PRIMARY.replace("limb", f'name = "{one}"\nmethod = "{one}"\n{more.get(one, "")}limb') for one in of_methods
    ]
    return study("".join(parts), plan='[analysis]\nmultiplicity = "none"\n')


def thirds(trials: int) -> np.ndarray:
    """Return means of three muscle groups at three visits, everybody better by a third from visit to visit."""
    sums = np.random.default_rng(4).integers(8, 15, 40 * trials)
    return np.stack([sums / 3, (sums - 1) / 3, (sums - 2) / 3])


def test_the_last_digits_of_a_mean_are_no_difference() -> None:
    """All change by two thirds, so there is no spread; a program that ranks or models the digits rejects at random."""
    scores = thirds(40)
    assert len(np.unique(scores[2] - scores[0])) > 1
    found = analyse(made(each(covariance="autoregressive"), scores, scores, 40))
    assert found is not None
    assert found.trials["p"].is_null().all()


def test_changes_by_a_third_are_tied_whatever_they_start_from() -> None:
    scores = thirds(1)
    scores[2] -= np.random.default_rng(5).integers(0, 3, 40) / 3
    found = analyse(made(each(("Wilcoxon",)), scores, scores, 1))
    assert found is not None
    thirds_less = np.round(3 * (scores[2] - scores[0]))
    known = scipy.stats.mannwhitneyu(thirds_less[1::2], thirds_less[::2], method="asymptotic").pvalue
    assert found.trials["p"][0] == pytest.approx(known, rel=1e-9)


def test_a_first_score_that_all_share_is_left_out_by_every_model() -> None:
    """One trial of three starts alike: it has an answer, that of a t test, and the others are as they were."""
    first, second = np.round(drawn(3, -0.6))
    before = analyse(made(each(), first, second, 3))
    first[0, :40] = second[0, :40] = 3.0
    after = analyse(made(each(), first, second, 3))
    assert before is not None
    assert after is not None
    assert not after.trials["p"].is_null().any()
    known = scipy.stats.ttest_ind(second[2, 1:40:2], first[2, :40:2]).pvalue
    p = {key: after.trials.filter(after.trials["endpoint"] == key)["p"] for key in METHODS}
    assert p["ANCOVA"][0] == pytest.approx(known)
    assert p["MMRM"][0] == pytest.approx(known, rel=1e-6)
    assert p["proportional odds"][0] == pytest.approx(known, abs=0.1)
    late = [one.trials.filter(one.trials["replicate"] > 0)["p"].to_numpy() for one in (before, after)]
    np.testing.assert_allclose(late[0], late[1], rtol=1e-6)


def test_what_is_not_known_is_missed_by_no_interval() -> None:
    """Many trials have more scores together than are grades, so the odds over all people are not known."""
    trials = 40
    first, second = (np.round(scores, 1) for scores in drawn(trials, -0.6))
    apart = 0.001 * np.repeat(np.arange(trials), 40)
    found = analyse(made(each(("proportional odds",)), first + apart, second + apart * [[0], [2], [2]], trials))
    assert found is not None
    row = found.characteristics.row(0, named=True)
    assert row["no_answer"] == 0
    assert (row["truth"], row["coverage"]) == (None, None)
    (told,) = analysis_words.endpoints(found)
    assert told.coverage == "–"
    assert "do not rely" not in " ".join(told.notes)


def test_measures_without_grades_have_no_odds() -> None:
    """More scores than grades in a trial: no answer, rather than hours for a cut of each person's own."""
    first, second = drawn(4, -0.6)
    found = analyse(made(each(("proportional odds",)), first, second, 1))
    assert found is not None
    assert found.trials["p"].is_null().all()


def test_first_scores_that_separate_the_last_have_no_odds_and_the_row_says_why_and_what_has_an_answer() -> None:
    """Whoever begins at 1 ends at 1 or 2, and whoever begins at 4 at 3 or 4: the odds between them have no end."""
    luck, high = np.random.default_rng(6), np.arange(40) % 4 > 1
    scores = np.stack([np.where(high, 4.0, 1.0)] * 3)
    scores[2] = np.where(high, 3.0, 1.0) + luck.integers(0, 2, 40)
    found = analyse(made(each(("proportional odds", "ANCOVA", "Wilcoxon")), scores, scores, 1))
    assert found is not None
    odds, *others = found.trials.iter_rows(named=True)
    assert odds["p"] is None
    assert "separated" in odds["reason"]
    assert "ANCOVA and Wilcoxon have an answer" in odds["reason"]
    assert all(row["p"] is not None and row["reason"] == "" for row in others)
    assert odds["reason"] in " ".join(analysis_words.endpoints(found)[0].notes)


def test_arms_of_different_sizes_are_told_what_one_spread_for_both_does_to_an_interval() -> None:
    """With three times the spread in the smaller of two arms of 2:1 it is too narrow, and in the larger too wide."""
    luck, is_first = np.random.default_rng(2), np.arange(45) % 3 > 0
    covered = {
        spread: np.mean(
            [
                effect.low < 0.0 < effect.high
                for _ in range(400)
                for y in [luck.standard_normal(45) * np.where(is_first, *spread)]
                for effect in [two_arms.covariance_analysis(y, is_first, luck.standard_normal(45), 0.05)]
            ]
        )
        for spread in ((1.0, 3.0), (3.0, 1.0))
    }
    assert covered[1.0, 3.0] < 0.92 < 0.97 < covered[3.0, 1.0]
    one = each(("ANCOVA", "Wilcoxon"))
    other = study(
        "".join(PRIMARY.replace("limb", f'name = "{way}"\nmethod = "{way}"\nlimb') for way in ("ANCOVA", "Wilcoxon")),
        head=HEAD.replace('name = "tablets"', 'name = "tablets"\nallocation = 2'),
    )
    told = [[contrast.told_by_design for contrast in contrasts_of(of)] for of in (one, other)]
    assert told[0] == ["", ""]
    assert told[1][1] == ""
    assert "people of the smaller arm differ more" in told[1][0]


def test_a_trial_is_analysed_alike_whichever_others_are_computed() -> None:
    first, second = (np.clip(np.round(scores), 1, 5) for scores in drawn(3, -0.6))
    first[:, 80:] += 1.0
    second[:, 80:] += 1.0
    all_three = analyse(made(each(), first, second, 3))
    two = analyse(made(each(), first[:, :80], second[:, :80], 2))
    assert all_three is not None
    assert two is not None
    assert two.trials.equals(all_three.trials.filter(all_three.trials["replicate"] < 2))


def test_words_say_no_more_than_is_known() -> None:
    """Without an answer there is no power; where the arms differ by next to nothing a rejection is neither."""
    scores = thirds(50)
    nothing = analyse(made(each(("ANCOVA",)), scores, scores, 50))
    assert nothing is not None
    assert analysis_words.endpoints(nothing)[0].rate == "no trial has an answer"
    assert analysis_words.plain(nothing) == ["ANCOVA: no trial has an answer."]
    first, _ = drawn(50, 0.0)
    second = first.copy()
    second[2, 1] -= 0.5
    hardly = analyse(made(each(("ANCOVA",)), first, second, 50))
    assert hardly is not None
    (told,) = analysis_words.endpoints(hardly)
    assert told.rate_name == "Rejections"
    assert "A lower value is better." in told.how
    assert "close to zero" in analysis_words.plain(hardly)[0]


def test_coverage_is_told_where_each_draw_has_trials_enough_and_else_why_not() -> None:
    first, second = drawn(60, -0.5)
    for draws, is_told in ((20, False), (6, True)):
        found = analyse(dataclasses.replace(made(study(PRIMARY), first, second, 60), draw=np.arange(60) % draws))
        assert found is not None
        assert (found.characteristics["coverage"][0] is not None) is is_told
        assert ("each draw of the numbers" in analysis_words.lead(found)) is not is_told


def test_only_the_arm_that_a_person_is_in_is_read() -> None:
    of = study(ALL)
    first, second = drawn(6, -0.5)
    one = analyse(made(of, first, second, 6))
    is_second = np.arange(first.shape[1]) % 2 == 1
    nonsense = np.where(is_second, 99.0, first), np.where(is_second, second, -99.0)
    other = analyse(made(of, *nonsense, 6))
    assert one is not None
    assert other is not None
    assert one.trials.equals(other.trials)


def test_estimands_differ_in_what_leaving_means() -> None:
    last = PRIMARY.replace("limb", 'method = "ANCOVA"\nlimb').replace("hypothetical", "while on treatment")
    of = study(last + RESPONDER)
    first = np.tile([[3.0], [3.0], [3.0]], (1, 80))
    second = np.tile([[3.0], [2.5], [1.0]], (1, 80))
    outcome = made(of, first, second, 2, leave=0.25)
    gone = outcome.left["only"].mean()
    (on_treatment, _), (composite, _) = (truth(outcome, one) for one in contrasts_of(of))
    assert on_treatment == pytest.approx(-2.0 * (1 - gone) - 0.5 * gone)
    assert composite == pytest.approx(1 - gone)


def negative_log_likelihood(free: np.ndarray, y: np.ndarray, x: np.ndarray) -> float:
    """Return that of proportional odds, written down again."""
    top = int(y.max())
    cuts = np.concatenate([[-np.inf], free[0] + np.concatenate([[0.0], np.cumsum(np.exp(free[1:top]))]), [np.inf]])
    upto = scipy.special.expit(cuts[:, None] - x @ free[top:])
    people = np.arange(len(y))
    return -float(np.log(upto[y + 1, people] - upto[y, people]).sum())


def test_proportional_odds_are_those_of_another_search_and_of_a_table() -> None:
    draws = np.random.default_rng(1)
    arm, before = np.arange(40) % 2, draws.normal(size=40)
    latent = 0.8 * arm + 0.7 * before + draws.logistic(size=40)
    grades = np.digitize(latent, [-1.0, 0.0, 0.6, 1.7])
    x = np.stack([arm, before], axis=1).astype(float)
    fewer, apart = grades.astype(float), arm.astype(float)
    fewer[:5] = np.nan
    found = fit_odds(np.stack([grades.astype(float), fewer, apart]), np.stack([x] * 3))
    for k, who in enumerate((slice(None), slice(5, None))):
        known = scipy.optimize.minimize(
            negative_log_likelihood, np.zeros(6), (grades[who], x[who]), method="BFGS", options={"gtol": 1e-6}
        )
        np.testing.assert_allclose(found.estimate[k], known.x[4:], atol=1e-5)
    # Where the arms have no score in common, nothing bounds the odds.
    assert found.converged.tolist() == [True, True, False]
    high = grades > 1
    two = fit_odds(high[None].astype(float), x[None, :, :1])
    table = np.array([[np.sum((high == hit) & (arm == k)) for k in (0, 1)] for hit in (False, True)])
    assert two.estimate[0, 0] == pytest.approx(np.log(table[1, 1] * table[0, 0] / (table[1, 0] * table[0, 1])))
    assert two.se[0, 0] == pytest.approx(np.sqrt(np.sum(1.0 / table)))
    try:
        session.set_bits(32)
        fast = fit_odds(grades[None].astype(float), x[None])
    finally:
        session.set_bits(64)
    np.testing.assert_array_equal(fast.estimate[0], found.estimate[0])


def test_odds_hold_their_level_and_are_held_against_those_of_everybody() -> None:
    of = study(PRIMARY.replace("limb", 'method = "proportional odds"\nmeasure = "value"\nlimb'))
    trials = 400
    first, second = (np.clip(np.round(scores), 1, 5) for scores in drawn(trials, -0.8))
    nothing, something = (analyse(made(of, first, other, trials)) for other in (first, second))
    assert nothing is not None
    assert something is not None
    row = nothing.characteristics.row(0, named=True)
    assert row["alike"]
    assert row["rejected"] == pytest.approx(0.05, abs=3 * row["rejected_error"])
    row = something.characteristics.row(0, named=True)
    assert row["truth"] < -1.0
    assert row["coverage"] == pytest.approx(0.95, abs=3 * row["coverage_error"])
    assert row["unit"] == "log odds ratio"


def test_holm_and_hierarchy() -> None:
    p = np.array([[0.01, 0.04, 0.03], [0.2, 0.001, np.nan]])
    np.testing.assert_allclose(two_arms.adjusted(p, "none"), p)
    np.testing.assert_allclose(two_arms.adjusted(p, "holm")[0], [0.03, 0.06, 0.06])
    np.testing.assert_allclose(two_arms.adjusted(p, "holm")[1], [0.4, 0.003, np.nan])
    np.testing.assert_allclose(two_arms.adjusted(p, "hierarchical"), [[0.01, 0.04, 0.04], [0.2, 0.2, np.nan]])


def test_the_p_of_one_trial_stands_beside_what_holding_endpoints_together_makes_of_it() -> None:
    """A page with p = 0.03 alone says that the first trial found what its analysis does not."""
    two = PRIMARY.replace("limb", 'name = "{}"\nmethod = "ANCOVA"\nlimb')
    told = {}
    for multiplicity in ("none", "holm"):
        plan = f'[analysis]\nmultiplicity = "{multiplicity}"\n'
        of = study(two.format("one") + two.format("other"), plan=plan)
        found = analyse(made(of, *drawn(1, -0.6, seed=5), 1))
        assert found is not None
        p = found.trials["p"][0]
        assert p < 0.05 < 2 * p
        told[multiplicity] = {one.first_p for one in analysis_words.endpoints(found)}
    assert told == {
        "none": {f"p = {p:.3f}, not adjusted"},
        "holm": {f"p = {p:.3f} by itself; adjusted = {2 * p:.3f}: does not reject"},
    }


def test_a_difference_of_shares_as_newcombe_printed_it() -> None:
    found = two_arms.share_difference(np.arange(70) < 56, np.arange(80) < 48, 0.05)
    assert found.estimate == pytest.approx(0.2)
    assert (found.low, found.high) == pytest.approx((0.0524, 0.3339), abs=1e-4)


def test_a_shift_is_the_median_of_all_pairs_also_of_many() -> None:
    draws = np.random.default_rng(2)
    first, second = draws.normal(1.0, 1.0, 31), draws.normal(0.0, 1.0, 25)
    pairs = (first[:, None] - second[None]).ravel()
    found = two_arms.rank_sum(first, second, 0.05)
    assert found.estimate == pytest.approx(np.median(pairs))
    assert two_arms.median_shift(first, second) == pytest.approx(np.median(pairs), abs=1e-8)
    few = two_arms.rank_sum(np.array([5.0, 6.0, 7.0]), np.array([1.0, 2.0, 3.0]), 0.05)
    assert few.p > 0.05
    assert (few.low, few.high) == (-np.inf, np.inf)
    # The interval inverts the test: a shift at its end is just rejected or just not.
    inside, outside = found.low + 1e-6, found.low - 1e-6
    p = [scipy.stats.mannwhitneyu(first - at, second, method="asymptotic").pvalue for at in (outside, inside)]
    assert p[0] < 0.05 + 2e-3
    assert p[1] > 0.05 - 2e-3


def test_nothing_to_compare_is_no_answer() -> None:
    empty = np.array([], dtype=bool)
    assert np.isnan(two_arms.share_difference(empty, np.ones(3, dtype=bool), 0.05).p)
    assert np.isnan(two_arms.covariance_analysis(np.ones(4), np.ones(4, dtype=bool), np.ones(4), 0.05).p)
    assert np.isnan(two_arms.rank_sum(np.ones(3), np.ones(3), 0.05).p)
