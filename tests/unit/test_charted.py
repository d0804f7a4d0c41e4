"""Scores from a chart before treatment: any scale of a limb or a muscle group makes the possible people score it."""

from __future__ import annotations

from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from eutonia.assessment.scales import SCALES
from eutonia.assessment.scoring import Chart, chart, chart_constants, no_luck
from eutonia.errors import StudyError
from eutonia.limb.muscle import muscle_groups
from eutonia.simulation.course import Snapshot
from eutonia.simulation.examine import body_constants, examine
from eutonia.simulation.stance import stance
from eutonia.study.design import CaseStudy, parse_study, shipped
from eutonia.trial.case import _Case, people_of_case
from eutonia.trial.chart_fit import _stand_ins

AT = 118 * 24.0


def case_with(*rows: str) -> CaseStudy:
    text = Path(shipped()["case_ischaemic_tablets"]).read_text(encoding="utf-8")
    head, _, rest = text.partition("[[charted]]")
    _, _, rest = rest.partition("[assessment]")
    charted = "".join(f'[[charted]]\nat = "118 day"\n{row}\n' for row in rows)
    study = parse_study(f"{head}{charted}[assessment]{rest}")
    assert isinstance(study, CaseStudy)
    return study


def chart_of(study: CaseStudy) -> Chart:
    people = people_of_case(study, AT)[0]
    untreated, body = Snapshot.untreated(people.n), body_constants()
    exam, standing = examine(people, untreated, body), stance(people, untreated, body)
    return chart(people, exam, standing, no_luck(people.n), jnp.zeros(people.n), chart_constants())


def test_elbow_3_and_ankle_2_come_out_as_charted_and_1_plus_is_a_grade() -> None:
    study = case_with(
        'scale = "modified_ashworth"\nmuscle = "elbow flexors"\nscore = 3',
        'scale = "modified_ashworth"\nmuscle = "wrist flexors"\nscore = "1+"',
        'scale = "modified_ashworth"\nmuscle = "ankle plantarflexors"\nscore = 2',
    )
    names = [group.name for group in muscle_groups()]
    found = np.asarray(chart_of(study)["modified_ashworth_muscle"])
    for name, grade in (("elbow flexors", 3.0), ("wrist flexors", 1.5), ("ankle plantarflexors", 2.0)):
        np.testing.assert_array_equal(found[names.index(name)], grade)
    # The other groups of the limbs are not known, and differ between possible people.
    assert np.unique(found[names.index("knee extensors")]).size > 1


@pytest.mark.parametrize(
    ("scale", "score"), [("modified_ashworth", 2.25), ("reflex", 4), ("spasm", 3), ("h_reflex", 0.5), ("ashworth", 1)]
)
def test_a_score_of_a_limb_comes_out_as_charted(scale: str, score: float) -> None:
    found = np.asarray(chart_of(case_with(f'scale = "{scale}"\nlimb = "leg"\nscore = {score}'))[scale][0])
    assert np.all(np.abs(found - score) <= SCALES[scale].step / 2 + 1e-9)


def test_who_cannot_have_a_charted_score_is_counted_and_one_that_nobody_has_is_refused() -> None:
    case = _Case(case_with('scale = "spasm"\nlimb = "leg"\nscore = 3'))
    assert len(case.unmet) == 1
    assert "could not have Spasm frequency 3.0 of the leg" in case.unmet[0]
    assert _Case(case_with('scale = "ashworth"\nlimb = "leg"\nscore = 2.6')).unmet == ()
    row = 'scale = "reflex"\nlimb = "leg"\nscore = 0'
    few = np.arange(64) < 6
    with pytest.raises(StudyError, match="only 6 of 64 people with this lesion can have reflex 0"):
        _stand_ins(few, case_with(row).charted)
    who = _stand_ins(~few, case_with(row).charted)
    np.testing.assert_array_equal(who[6:], np.arange(6, 64))
    assert set(who[:6]) <= set(range(6, 64))


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ('scale = "walking_speed"\nscore = 0.4', "which cord this is"),
        ('scale = "ashworth"\nscore = 2', "limb or muscle"),
        ('scale = "ashworth"\nlimb = "leg"\nscore = 6', "1 to 5"),
        ('scale = "reflex"\nmuscle = "elbow flexors"\nscore = 3', "no score for each muscle group"),
        ('scale = "modified_ashworth"\nmuscle = "elbow"\nscore = 3', '"elbow flexors" or "elbow extensors"'),
        ('scale = "modified_ashworth"\nmuscle = "elbow flexors"\nscore = "1++"', 'Nearest: "1+"'),
        ('scale = "modified_ashworth"\nmuscle = "elbow flexors"\nscore = 1.5', 'score = "1+"'),
        ('scale = "modified_ashworth"\nmuscle = "elbow flexors"\nscore = 2.5', "never a number between"),
        ('scale = "spasm"\nlimb = "leg"\nscore = "often"', "no such grade"),
    ],
)
def test_a_charted_score_that_cannot_be_is_refused_with_what_can(row: str, says: str) -> None:
    with pytest.raises(StudyError) as refused:
        case_with(row)
    assert says in " ".join(str(refused.value).split())


def test_two_scores_that_would_fight_over_one_limb_are_refused() -> None:
    leg = 'scale = "ashworth"\nlimb = "leg"\nscore = 2.6'
    with pytest.raises(StudyError, match="has a charted score already"):
        case_with(leg, 'scale = "reflex"\nlimb = "leg"\nscore = 4')
    with pytest.raises(StudyError, match="has a charted score already"):
        case_with(leg, 'scale = "ashworth"\nmuscle = "knee flexors"\nscore = 3')


def test_a_score_from_after_the_first_dose_is_refused() -> None:
    with pytest.raises(StudyError, match="untreated person"):
        parse_study(case_with('scale = "ashworth"\nlimb = "leg"\nscore = 3').text.replace('"118 day"', '"200 day"'))
