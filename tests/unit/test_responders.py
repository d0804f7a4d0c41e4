"""Who responds is what the study asks, in every arm; what a study leaves out is filled in and said."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from study_examples import SIX_WEEKS_OF_TABLETS, STROKE

from eutonia.assessment.scales import SCALES
from eutonia.errors import StudyError
from eutonia.report import page
from eutonia.report.trial import aggregate
from eutonia.study.design import TrialStudy, load_study, parse_study
from eutonia.trial.analysis import Outcome
from eutonia.trial.block_outcome import VisitRecord
from eutonia.trial.patients import patient_table
from eutonia.trial.responders import improvement_in, responder_table, response_of, responses, rule_in_words

TEXT = (
    """
[study]
name = "asked"
title = "The arm, on the modified scale, at six weeks"
kind = "trial"
seed = 1
[population]
n = 4
"""
    + STROKE
    + """\
[assessment]
side = "affected"
limbs = ["arm", "leg"]
scales = ["modified_ashworth", "stance_support"]
rater = "human"
"""
    + SIX_WEEKS_OF_TABLETS
)
# Arm, modified Ashworth, at three visits; two trials of four, the first and third of each on placebo.
ARM = np.array(
    [
        [3.0, 3.0, 3.0, 3.0, 2.0, 2.0, 2.0, 2.0],
        [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0],
        [2.5, 2.0, 2.0, 2.75, 2.0, 1.52, 2.0, 1.0],
    ]
)
LEG = np.array([[4.0] * 8, [0.0] * 8, [0.0] * 8])
STANCE = np.array([[0.9] * 8, [0.9] * 8, [0.8, 1.0, 1.1, 0.9, 0.9, 0.9, 0.9, 0.95]])
TABLETS = np.array([0, 1, 0, 1, 0, 1, 0, 1])
STAYED = np.array([True] * 7 + [False])


def trial(endpoint: str = "") -> TrialStudy:
    study = parse_study(TEXT + endpoint)
    assert isinstance(study, TrialStudy)
    return study


def outcome(endpoint: str = "") -> Outcome:
    def record(arm: str, k: int) -> VisitRecord:
        scores = {"modified_ashworth": np.array([LEG[k], ARM[k]]), "stance_support": STANCE[k]}
        present = np.ones(8, dtype=bool) if k < 2 else STAYED
        return VisitRecord("only", arm, k, (0.0, 336.0, 1008.0)[k], scores, present, *(np.zeros(8),) * 2)

    visits = {("only", arm, k): record(arm, k) for arm in ("placebo", "tablets") for k in range(3)}
    all_of_them = {"only": np.ones(8, dtype=bool)}
    left = {"only": ~STAYED}
    return Outcome(
        trial(endpoint), 2, visits, all_of_them, all_of_them, {"only": TABLETS}, left, {}, {}, member=np.arange(8)
    )


def shares(endpoint: str = "") -> list[tuple[str, str, bool, float]]:
    table = responder_table(outcome(endpoint))
    assert table is not None
    return [tuple(row) for row in table.select("rule", "arm", "placebo", "share").iter_rows()]


def test_a_default_is_the_first_scale_and_limb_at_the_last_visit_and_says_so() -> None:
    response = response_of(trial())
    assert response is not None
    assert (response.scale_key, response.limb, response.visit, response.improvement) == (
        "modified_ashworth",
        "arm",
        2,
        1,
    )
    assert response.definition.startswith(
        "A person responds whose arm Modified Ashworth falls by 1 or more, from 0 week to 6 week of the phase only"
    )
    assert "has no table [endpoint], so this is the default" in response.definition


def test_placebo_stands_beside_the_drug_and_so_does_the_important_change() -> None:
    # By hand: at 1 point, placebo 1 of 2 and 0 of 2; tablets 1 of 2 and 0 of 2, for the one who would have has left.
    # At 0.48: placebo 2 of 2 and 0 of 2; tablets 1 of 2 and 1 of 2 (0.48, up to rounding).
    whole = "arm Modified Ashworth falls by 1 or more"
    important = "arm Modified Ashworth falls by 0.48 or more, the minimal important change"
    assert shares() == [
        (whole, "placebo", True, 0.25),
        (whole, "tablets", False, 0.25),
        (important, "placebo", True, 0.5),
        (important, "tablets", False, 0.5),
    ]


def test_whoever_left_counts_as_not_responding() -> None:
    response = response_of(trial())
    assert response is not None
    better = improvement_in(outcome(), response, "tablets")
    np.testing.assert_array_equal(better[[1, 3, 5]], [1.0, 0.25, 2.0 - 1.52])
    assert np.isnan(better[[0, 2, 4, 6, 7]]).all()


def test_a_study_says_what_a_response_is() -> None:
    at_two_weeks = '[endpoint]\nscale = "modified_ashworth"\nlimb = "leg"\nvisit = "2 week"\nimprovement = 4.0\n'
    assert [row[3] for row in shares(at_two_weeks)][:2] == [1.0, 1.0]
    response = response_of(trial(at_two_weeks))
    assert response is not None
    assert "leg Modified Ashworth falls by 4 or more, from 0 week to 2 week" in response.definition
    assert "default" not in response.definition
    by_record = '[endpoint]\nscale = "modified_ashworth"\nlimb = "arm"\nimprovement = "minimal important change"\n'
    assert [(row[0].partition(" falls by ")[2], row[3]) for row in shares(by_record)] == [
        ("0.48 or more, the minimal important change", 0.5),
        ("0.48 or more, the minimal important change", 0.5),
    ]


def test_better_is_more_on_a_scale_where_more_is_better() -> None:
    found = shares('[endpoint]\nscale = "stance_support"\n')
    assert [(row[0], row[1], row[3]) for row in found] == [
        ("Stance support rises by 0.1 or more", "placebo", 0.25),
        ("Stance support rises by 0.1 or more", "tablets", 0.25),
    ]


@pytest.mark.parametrize(
    ("endpoint", "says"),
    [
        ('scale = "ashworth"\nlimb = "arm"', "not charted"),
        ('scale = "modified_ashworth"', "scored for each limb"),
        ('scale = "modified_ashworth"\nlimb = "arm"\nvisit = "0 week"', "no such visit after the dose"),
        ('scale = "modified_ashworth"\nlimb = "arm"\nphase = "run-in"', "no such phase"),
        ('scale = "stance_support"\nimprovement = "minimal important change"', "No record has a minimal important"),
        ('scale = "modified_ashworth"\nlimb = "arm"\nimprovement = 4.5', "runs from 0 to 4"),
    ],
)
def test_an_endpoint_that_cannot_be_looked_at_is_refused(endpoint: str, says: str) -> None:
    with pytest.raises(StudyError) as refused:
        trial(f"[endpoint]\n{endpoint}\n")
    assert says in " ".join(str(refused.value).split())


def test_people_have_the_arm_that_they_were_given_and_placebo_is_no_feature_of_the_drug() -> None:
    columns = responses(outcome())
    assert columns["response_arm"].to_list() == ["placebo", "tablets"] * 4
    assert columns["responder"].to_list() == [False, True, True, False, False, False, False, False]
    assert columns["baseline_arm"].to_list() == ARM[0].tolist()
    from report_examples import trial as example

    one = dataclasses.replace(example(), patients=patient_table(outcome()), responders=responder_table(outcome()))
    treated = aggregate.treated(one)
    assert treated is not None
    assert treated["response_arm"].unique().to_list() == ["tablets"]


def test_a_study_without_scores_has_no_responders() -> None:
    study = parse_study(TEXT.replace('scales = ["modified_ashworth", "stance_support"]', 'scales = ["adverse"]'))
    assert isinstance(study, TrialStudy)
    assert response_of(study) is None


def test_the_page_prints_the_definition_and_both_arms() -> None:
    from report_examples import trial as example

    response = response_of(load_study("meythaler_2001"))  # type: ignore[arg-type]
    assert response is not None
    assert (response.scale_key, response.limb, response.phase.name, response.active_arm) == (
        "ashworth",
        "leg",
        "bolus",
        "baclofen",
    )
    found = page.html(
        dataclasses.replace(example(), endpoint=response.definition, responders=responder_table(outcome()))
    )
    assert "leg Ashworth falls by 1 or more, from 0 hour to 6 hour of the phase bolus" in found
    assert found.count("the minimal important change") >= 1


def test_a_rule_says_from_where_on_better_is_normal() -> None:
    reflex = SCALES["reflex"]
    assert reflex.better(np.array([3.0, 2.0]), np.array([1.0, 0.0])).tolist() == [1.0, 0.0]
    assert rule_in_words(reflex, "leg", 1.0, is_important=False).endswith("1 or more (below 2 counts as 2, normal)")
    assert rule_in_words(SCALES["ashworth"], "leg", 1.0, is_important=False) == "leg Ashworth falls by 1 or more"
