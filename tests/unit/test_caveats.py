"""A caveat stands where the model is known to fall short, and nowhere else."""

from __future__ import annotations

import pytest

from eutonia import parameters
from eutonia.errors import StudyError
from eutonia.study.design import load_study, parse_study
from eutonia.trial.caveats import caveats


def test_the_arm_under_a_tip_below_the_neck_has_a_caveat() -> None:
    both = load_study("meythaler_2001")
    (said,) = caveats(both)
    assert "T10" in said
    assert f"({parameters.load('receptor').value('leg_to_arm', '1'):.2f})" in said
    assert "Do not compare tips below the neck" in said
    assert caveats(parse_study(both.text.replace('tip = "T10"', 'tip = "C5"'))) == ()
    assert len(caveats(load_study("case_haemorrhage_pump"))) == 1


def test_legs_and_tablets_have_none() -> None:
    assert caveats(load_study("case_ischaemic_tablets")) == ()
    assert caveats(load_study("loubser_1991")) == ()


@pytest.mark.parametrize(("design", "masking", "is_told"), [
    ("crossover", "double blind", False), ("crossover", "single blind", True), ("crossover", "open", True),
])  # fmt: skip
def test_masking_is_told_where_it_would_matter(design: str, masking: str, is_told: bool) -> None:
    """Scores are those of a double-blind trial, whatever the file says: no longer in silence."""
    text = load_study("loubser_1991").text.replace('masking = "double blind"', f'masking = "{masking}"', 1)
    assert f'design = "{design}"' in text
    said = [one for one in caveats(parse_study(text)) if "double-blind" in one]
    assert [f"is {masking}," in one for one in said] == [True] * is_told
    assert not any("double-blind" in one for one in caveats(load_study("kofler_2009")))  # nothing is compared


@pytest.mark.parametrize("name", ["meythaler_2001", "case_haemorrhage_pump"])
def test_the_healthy_side_of_a_stroke_is_not_scored_in_silence(name: str) -> None:
    text = load_study(name).text.replace('side = "affected"', 'side = "both"', 1)
    with pytest.raises(StudyError, match=r'"both"\. .*weakens one side'):
        parse_study(text)
    assert load_study("loubser_1991").assessment.side == "both"  # both legs are weak alike


def test_what_no_phase_hands_on_is_said() -> None:
    """A pump of the first phase was gone in the second, with neither withdrawal nor a word."""
    pumped = load_study("meythaler_2001").text
    again = pumped[pumped.index('[[phase]]\nname = "pump"') :].replace('name = "pump"', 'name = "later"', 1)
    again = again[: again.index("[[published]]")].replace('follows = "bolus"\n', "")
    again = again.replace('start = "twice screening"', 'start = "100 ug/day"')
    again = again.replace(", below_screening = 0.15", "")
    study = parse_study(pumped.replace("[[published]]", again + "[[published]]", 1))
    said = " ".join(caveats(study))
    assert "The phase later begins without what was given in pump" in said
    assert "everybody enters" not in said
    assert not any("begins without" in one for one in caveats(load_study("meythaler_2001")))
