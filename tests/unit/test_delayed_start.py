"""A delayed start: what only acts while it is given leaves nothing at the end, a sham comes before, errors teach."""

from __future__ import annotations

import numpy as np
import pytest
from study_examples import STROKE

from eutonia.drug.effect.adverse import REACTIONS
from eutonia.errors import StudyError
from eutonia.report.trial import analysis_words
from eutonia.study.design import TrialStudy, parse_study
from eutonia.trial.endpoints import contrasts_of
from eutonia.trial.harms import Harms
from eutonia.trial.run import RunOptions, run_trial

pytestmark = pytest.mark.unit

# Tizanidine acts at once, and the model knows no tolerance to it.
TABLETS = """
[[phase.arm.treatment]]
route = "tizanidine tablets"
dose = "8 mg"
every = "8 hour"
"""
LATE = f'placebo_until = "2 week"\n{TABLETS}start = "2 week"'
TEXT = f"""
[study]
name = "delayed"
title = "Early against late, for tests"
kind = "trial"
seed = 5
[population]
n = 8
pool = 512
{STROKE}
[[population.entry]]
scale = "ashworth"
limb = "leg"
at_least = 2.0
[assessment]
side = "affected"
limbs = ["leg"]
scales = ["ashworth"]
rater = "noiseless"
[[phase]]
name = "only"
design = "parallel"
masking = "double blind"
visits = ["0 week", "2 week", "4 week"]
nonspecific = false
dropout = false
[[phase.arm]]
name = "late"
{LATE}
[[phase.arm]]
name = "early"
{TABLETS}start = "0 week"
[analysis]
""" + "".join(
    f"""
[[analysis.endpoint]]
scale = "ashworth"
limb = "leg"
visit = "{week} week"
estimand = "hypothetical"
method = "ANCOVA"
"""
    for week in (4, 2)
)


def parsed(text: str = TEXT) -> TrialStudy:
    found = parse_study(text)
    assert isinstance(found, TrialStudy)
    return found


def test_an_effect_that_only_lasts_while_it_is_given_leaves_nothing_at_the_end() -> None:
    found = run_trial(parsed(), RunOptions(8, workers=1)).analysed
    assert found is not None
    end, before = found.characteristics.iter_rows(named=True)
    assert before["truth"] < -0.05  # the early arm alone is treated by then
    assert end["truth"] == pytest.approx(0.0, abs=before["estimate_bias_error"])
    assert abs(end["estimate"]) < 3.0 * end["estimate_bias_error"]
    notes = [one.notes[0] for one in analysis_words.endpoints(found)]
    assert "late has been treated since 2 week" in notes[0]
    assert "late has had a sham only" in notes[1]


def test_the_early_arm_is_compared_with_the_late_one_unless_there_is_a_placebo() -> None:
    assert {(one.arm, one.against) for one in contrasts_of(parsed())} == {("early", "late")}
    three = TEXT.replace("[analysis]\n", '[[phase.arm]]\nname = "never"\nplacebo = true\n[analysis]\n')
    (contrast, _) = contrasts_of(parsed(three))
    assert contrast.against == "never"
    assert contrast.told_by_design == ""
    # The drug may begin after the sham has ended.
    (end, _) = contrasts_of(parsed(TEXT.replace('start = "2 week"', 'start = "3 week"')))
    assert "late has been treated since 3 week" in end.told_by_design


def test_a_sham_before_the_late_start_brings_what_a_placebo_brings_and_nothing_of_the_drug() -> None:
    late, early = (arm.treatments for arm in parsed().phases[0].arms)
    sham, drug = {"drug": False, "placebo": True}, {"drug": True, "placebo": False}
    waiting = Harms.of(late, is_sham_before=True)
    for week in (1, 2, 3):
        time_h = 168.0 * week
        assert waiting.by(time_h, **sham) == pytest.approx(Harms.of(early).by(time_h, **sham))
        assert waiting.by(time_h, **drug) == pytest.approx(Harms.of(early).by(max(time_h - 336.0, 0.0), **drug))
    assert waiting.by(168.0, **sham)[REACTIONS.index("drowsiness")] > 0.0
    assert not np.any(Harms.of(late).by(168.0, **sham))


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('start = "2 week"', 'start = "1 week"', ["has a sham only", 'Write start = "2 week".']),
        (LATE, LATE.replace("2 week", "3 week"), ["no such visit between", '"2 week"']),
        ('placebo_until = "2 week"', 'placebo_until = "2 week"\nplacebo = true', ["whole arm is a sham"]),
        ('start = "0 week"', 'start = "3 week"', ["comes before the first dose"]),
        ('name = "early"', 'name = "early"\nplacebo = true', ["late beside nobody", "Add such an arm."]),
        ('design = "parallel"', 'design = "crossover"\nwashout = "8 week"', ["side by side", "parallel"]),
    ],
)
def test_what_does_not_fit_is_refused_with_what_to_do(old: str, new: str, says: list[str]) -> None:
    assert old in TEXT
    with pytest.raises(StudyError) as caught:
        parsed(TEXT.replace(old, new))
    told = " ".join(" ".join(str(one) for one in caught.value.faults).split())
    for words in (*says, "Do: "):
        assert words in told
