"""A factorial phase: four arms of two factors, effects by all people, the interaction beside them, errors."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from arm_examples import arm_run, some_people
from study_examples import STROKE

from eutonia.assessment.scoring import charted_muscles
from eutonia.drug.effect.adverse import REACTIONS
from eutonia.drug.effect.exposed import Exposed
from eutonia.errors import StudyError
from eutonia.report.trial import analysis_words
from eutonia.simulation.course import Course, start
from eutonia.study.design import TrialStudy, load_study, parse_study
from eutonia.trial import power, repeated
from eutonia.trial.analyse import analyse
from eutonia.trial.analysed import Analysed
from eutonia.trial.analysis import Outcome
from eutonia.trial.block_outcome import VisitRecord
from eutonia.trial.patients import patient_table
from eutonia.trial.period import PeriodClock, run_period
from eutonia.trial.reactions import ReactionWatch
from eutonia.trial.run import _given

pytestmark = pytest.mark.unit

N = 40
ENDPOINT = """
[[analysis.endpoint]]
scale = "ashworth"
limb = "leg"
estimand = "hypothetical"
method = "{1}"
{0}
"""
EFFECT, TOGETHER = 'factor = "{0}"', "interaction = true"
TWO_ARMS = 'arm = "tablets"\nagainst = "neither"'
TEXT = (
    f"""
[study]
name = "crossed_factors"
title = "Tablets and stretching, each given or not"
kind = "trial"
seed = 1
[population]
n = {N}
{STROKE}
[assessment]
side = "affected"
limbs = ["leg"]
scales = ["ashworth"]
rater = "human"
[[phase]]
name = "only"
design = "parallel"
masking = "open"
visits = ["0 week", "6 week"]
nonspecific = false
dropout = false
[[phase.factor]]
name = "tablets"
[[phase.factor.treatment]]
product = "baclofen tablets"
route = "oral"
dose = "10 mg"
every = "8 hour"
[[phase.factor]]
name = "stretching"
[[phase.factor.treatment]]
route = "stretching"
limb = "leg"
hours_per_day = 1.0
start = "0 week"
[analysis]
multiplicity = "none"
"""
    + ENDPOINT.format(EFFECT.format("tablets"), "ANCOVA")
    + ENDPOINT.format(EFFECT.format("stretching"), "ANCOVA")
    + ENDPOINT.format(TOGETHER, "ANCOVA")
    + ENDPOINT.format(TWO_ARMS, "ANCOVA")
)
# What each factor takes from the score, and both together beyond that.
TABLETS, STRETCHING, BOTH = -0.6, -0.2, 0.3


def parsed(text: str = TEXT) -> TrialStudy:
    found = parse_study(text)
    assert isinstance(found, TrialStudy)
    return found


def made(study: TrialStudy, trials: int) -> Outcome:
    """Return an outcome whose scores are made up: what the factors do, and luck of the person and of the visit."""
    luck, n = np.random.default_rng(3), N * trials
    person, arm = luck.standard_normal(n), np.arange(n) % 4
    error, visits = luck.standard_normal((len(study.phases[0].visits_h), n)), {}
    effects = (0.0, TABLETS, STRETCHING, TABLETS + STRETCHING + BOTH)
    for k, visit in enumerate(study.phases[0].visits_h):
        for one, effect in zip(study.phases[0].arms, effects, strict=True):
            scores = person + error[k] + k * effect
            limbs, muscles = np.stack([scores, scores]), np.stack([scores] * len(charted_muscles()))
            charted = {"ashworth": limbs, "ashworth_muscle": muscles}
            visits["only", one.name, k] = VisitRecord(
                "only", one.name, k, float(visit), charted, np.ones(n, dtype=bool), np.zeros(n), np.zeros(n)
            )
    ones = {"only": np.ones(n, dtype=bool)}
    nobody = {"only": np.zeros(n, dtype=bool)}
    return Outcome(study, trials, visits, ones, ones, {"only": arm}, nobody, {}, {}, np.arange(n))


def analysed(outcome: Outcome) -> Analysed:
    found = analyse(outcome)
    assert found is not None
    return found


def test_arms_are_made_of_factors_and_nobody_else_is_given_anything() -> None:
    neither, tablets, stretching, both = parsed().phases[0].arms
    assert [one.name for one in (neither, tablets, both)] == ["neither", "tablets", "tablets and stretching"]
    assert [one.placebo for one in (neither, tablets, stretching, both)] == [True, False, False, False]
    assert [one.route for one in both.treatments] == ["oral", "stretching"]
    assert (*tablets.treatments, *stretching.treatments) == both.treatments
    assert parse_study(parsed().replace({}).text).phases == parsed().phases  # type: ignore[union-attr]


#: Of the tables `patients` and `visits` of two trials by ols("change ~ tablets + stretching + before") and, for the
#: interaction, ols("change ~ tablets * stretching + before") of statsmodels 0.15.0: estimate, SE, df, low, high, p.
STATSMODELS = [
    (0.011787007297186208, 0.37491170855064493, 36.0, -0.7485691797117078, 0.7721431943060801, 0.9750927639592294),
    (-0.4854750219511392, 0.3752274397660075, 36.0, -1.246471541543832, 0.2755214976415538, 0.20396877384709153),
    (0.5976345307374861, 0.7663900525677296, 35.0, -0.958219991112459, 2.1534890525874313, 0.44074752825043706),
    (-0.025263525806121623, 0.42591482914513673, 36.0, -0.8890588357239868, 0.8385317841117437, 0.953028541787651),
    (-0.6340843526396241, 0.41636885737933427, 36.0, -1.4785195344857367, 0.2103508292064884, 0.13652283732101486),
    (0.1674764277021168, 0.8306276013640714, 35.0, -1.51878725125065, 1.8537401066548835, 0.8413761334325589),
]


def test_it_is_least_squares_of_another_program() -> None:
    trials = analysed(made(parsed(), 2)).trials.sort("replicate", maintain_order=True)
    found = trials.filter(endpoint="leg Ashworth, change at 6 week").height
    assert found == 2
    rows = trials.filter(trials["endpoint"] != "leg Ashworth, change at 6 week")
    numbers = rows.select("estimate", "se", "df", "low", "high", "p").to_numpy()
    assert numbers == pytest.approx(np.array(STATSMODELS), rel=1e-9)
    # Ten people in each of the four arms: an interaction names two of them, and all forty count.
    counts = rows.filter(rows["arm"] == "tablets with stretching").select("n_arm", "n_against").rows()
    assert counts == [(10, 10), (10, 10)]


def test_the_table_of_people_says_who_is_given_which_factor() -> None:
    people = patient_table(made(parsed(), 1)).head(4)
    assert people.select("arm", "factor_only_tablets", "factor_only_stretching").rows() == [
        ("neither", False, False),
        ("tablets", True, False),
        ("stretching", False, True),
        ("tablets and stretching", True, True),
    ]


def test_an_effect_has_half_the_variance_of_two_quarters_and_the_interaction_four_times_it() -> None:
    found = analysed(made(parsed(), 800))
    tablets, stretching, together, two_arms = found.characteristics.iter_rows(named=True)
    # Effects are means over the other factor, which they do not have alone.
    truths = (TABLETS + BOTH / 2, STRETCHING + BOTH / 2, BOTH, TABLETS)
    for row, true in zip((tablets, stretching, together, two_arms), truths, strict=True):
        assert row["truth"] == pytest.approx(true)
        assert abs(row["estimate_bias"]) < 3.0 * row["estimate_bias_error"]
        assert row["coverage"] == pytest.approx(0.95, abs=3.0 * row["coverage_error"])
    assert [row["people"] for row in (tablets, together, two_arms)] == [N, N, N / 2]
    # A variance of 800 trials is known to a twentieth, their ratio to a fourteenth.
    variance = [row["estimate_sd"] ** 2 for row in (tablets, together, two_arms)]
    assert variance[0] / variance[2] == pytest.approx(0.5, rel=0.2)
    assert variance[1] / variance[0] == pytest.approx(4.0, rel=0.2)
    told = analysis_words.endpoints(found)
    assert told[0].arms == "tablets less no tablets"
    assert "everybody counts" in told[0].notes[0]
    assert told[2].arms == "tablets with stretching less tablets without stretching"
    assert "may well miss it" in told[2].notes[0]


def test_the_other_factor_is_a_term_of_a_mixed_model_behind_the_one_that_is_asked_for() -> None:
    other, before = np.array([[1.0], [0.0], [1.0]]), np.array([2.0, 3.0, 4.0])
    found = repeated._covariates(np.array([0, 1, 1]), before, np.ones((3, 2), dtype=bool), other)
    assert found.T.tolist() == [[1, 1, 1], [0, 1, 1], [1, 0, 1], [-1, 0, 1]]


def test_where_nobody_is_missing_a_mixed_model_with_a_factor_is_least_squares_at_the_last_visit() -> None:
    """Every visit has the same terms, so the covariance of visits moves nothing: an arm, a term or a visit that is
    taken for another one does.
    """
    three = TEXT.replace('visits = ["0 week", "6 week"]', 'visits = ["0 week", "2 week", "6 week"]')
    head = three.partition(ENDPOINT[:22])[0]
    asked, of_visit = (
        analysed(made(parsed(head + ENDPOINT.format(EFFECT.format("stretching"), method)), 1)).trials
        for method in ("MMRM", "ANCOVA")
    )
    for name in ("estimate", "se", "df", "low", "high", "p"):
        np.testing.assert_allclose(asked[name], of_visit[name], rtol=1e-5, atol=1e-7)


def test_a_run_gives_each_arm_its_factors_and_nothing_else() -> None:
    who, found = some_people(), []
    for one in parsed().phases[0].arms:
        clock = PeriodClock(Course(who), start(who), 3, True, np.zeros(who.n))
        run_period(clock, arm_run(one, np.ones(who.n, dtype=bool), 1008.0).tasks())
        stretched = sum(other.who for other in clock.others)
        found.append((set(clock.tablets_mg_per_day), set(np.broadcast_to(stretched, who.n) > 0)))
    assert found == [({0.0}, {False}), ({30.0}, {False}), ({0.0}, {True}), ({30.0}, {True})]


@pytest.mark.parametrize("masking", ["double blind", "open"])
def test_whoever_has_one_factor_has_a_sham_of_the_other_unless_everybody_knows(masking: str) -> None:
    """Two weeks of sham tablets beside stretching bring what they bring without: what placebo tablets do."""
    phase = parsed(TEXT.replace('masking = "open"', f'masking = "{masking}"')).phases[0]
    nothing, two_weeks = Exposed.none(1), 336.0
    clock: Any = SimpleNamespace(now_h=two_weeks, state=SimpleNamespace(exposed=nothing))
    hazard = {
        arm.name: ReactionWatch(arm, "cerebral", np.full((len(REACTIONS), 1), np.inf))._hazard(clock)
        for arm in phase.arms
    }
    assert hazard["neither"].max() > 0.0
    masked = masking != "open"
    assert np.array_equal(hazard["stretching"], hazard["neither"]) is masked
    assert bool(hazard["stretching"].any()) is masked
    assert [len(arm.shams) for arm in phase.arms] == ([0, 1, 1, 0] if masked else [0] * 4)


@pytest.mark.parametrize("masking", ["double blind", "open"])
def test_the_sham_of_the_other_factor_is_listed_beside_what_is_given(masking: str) -> None:
    told = [said for _, said in _given(parsed(TEXT.replace('masking = "open"', f'masking = "{masking}"')))]
    tablets, stretching = "baclofen tablets 10 mg", "stretching of the leg, 1 h a day"
    shams = [f"tablets (sham): {stretching}", f"stretching (sham): {tablets}"] if masking != "open" else []
    assert [one for one in told if "(sham)" in one and not one.startswith("neither")] == shams
    assert {f"neither (sham): {tablets}", f"neither (sham): {stretching}", f"stretching: {stretching}"} <= {*told}


def test_power_counts_people_of_four_arms() -> None:
    arms = ("neither", "tablets", "stretching", "tablets and stretching")
    assert power._arms(parsed()) == [(name, 1) for name in arms]


def test_the_plan_that_ships_asks_three_questions_of_everybody() -> None:
    study = load_study("factorial_toxin_stretching")
    assert isinstance(study, TrialStudy)
    assert study.analysis is not None
    assert [one.factor for one in study.analysis.endpoints] == ["toxin", "stretching", None]
    assert study.analysis.endpoints[2].interaction


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (EFFECT.format("tablets"), EFFECT.format("tablet"), ['no such factor in phase "only"', 'Nearest: "tablets"']),
        (EFFECT.format("tablets"), "", ["says what it asks", 'factor = "tablets"']),
        (EFFECT.format("tablets"), f"{EFFECT.format('tablets')}\n{TOGETHER}", ["Make two endpoints"]),
        (EFFECT.format("tablets"), f'{EFFECT.format("tablets")}\narm = "tablets"', ["Remove the key arm."]),
        ('method = "ANCOVA"\nfactor = "tab', 'method = "Wilcoxon"\nfactor = "tab', ['"ANCOVA" or "MMRM"']),
        ('name = "stretching"', 'name = "tablets"', ["named by their factors", "Rename it."]),
        ('design = "parallel"', 'design = "single"', ['Write design = "parallel".']),
        ("[analysis]", '[[phase.arm]]\nname = "third"\nplacebo = true\n[analysis]', ["are made from its factors"]),
        ('dose = "10 mg"', 'dose = "10 mg"\nstart = "7 week"', ["phase[0].factor[0].treatment[0]", "last visit"]),
        ('start = "0 week"', 'start = "7 week"', ["phase[0].factor[1].treatment[0]", "last visit"]),
        ("[analysis]\n", "[analysis.reestimation]\nat = 0.5\ndifference = 0.5\n[analysis]\n", ["for two arms"]),
    ],
)
def test_what_does_not_fit_is_refused_with_what_to_do(old: str, new: str, says: list[str]) -> None:
    assert old in TEXT
    with pytest.raises(StudyError) as caught:
        parsed(TEXT.replace(old, new, 1))
    told = " ".join(" ".join(str(one) for one in caught.value.faults).split())
    for words in (*says, "Do: "):
        assert words in told


def test_a_phase_of_arms_has_no_factor_to_ask_for() -> None:
    head, rest = TEXT.split("[[phase.factor]]", 1)
    arms = '[[phase.arm]]\nname = "neither"\nplacebo = true\n[[phase.arm]]\nname = "tablets"\n'
    treatment = rest.split("[[phase.factor]]", 1)[0].split("\n", 2)[2].replace("factor", "arm")
    with pytest.raises(StudyError, match="has arms and no factors") as caught:
        parsed(f"{head}{arms}{treatment}[analysis]{ENDPOINT.format(EFFECT.format('tablets'), 'ANCOVA')}")
    assert "Do: " in str(caught.value)
    with pytest.raises(StudyError, match="The table arm is missing"):
        parsed(f"{head}[analysis]{ENDPOINT.format(TWO_ARMS, 'ANCOVA')}")
