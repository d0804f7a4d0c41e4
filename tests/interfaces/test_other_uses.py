"""Other uses than spasticity: levels and drowsiness, trials quoted, and no effect that a reader could take for one."""

from __future__ import annotations

import numpy as np
import pytest

import eutonia
from eutonia import parameters
from eutonia.drug.kinetics.geometry import vertebra_of
from eutonia.errors import StudyError
from eutonia.patient.uses import USES
from eutonia.report import page
from eutonia.report.words import beyond_label
from eutonia.study.case import CaseLesion, OtherUses
from eutonia.study.design import CaseStudy, parse_study, shipped
from eutonia.study.other_uses import as_tried, quotations
from eutonia.trial.case import _Case
from eutonia.trial.result import StudyResult

pytestmark = pytest.mark.xdist_group("slow clock")

_SHIPPED = ("case_child", "case_alcohol", "case_autism", "case_parkinson")
TEXTS = {name: shipped()[name].read_text(encoding="utf-8") for name in _SHIPPED}
DAY = 24.0


def case(name: str, *edits: tuple[str, str]) -> CaseStudy:
    text = TEXTS[name]
    for old, new in edits:
        assert old in text, old
        text = text.replace(old, new)
    found = parse_study(text)
    assert isinstance(found, CaseStudy)
    return found


def middle(result: StudyResult, name: str, from_h: float, to_h: float) -> float:
    at = result.course["time_h"].to_numpy()
    inside = (at >= from_h) & (at < to_h)
    return float(np.median(result.course[name].transpose("time_h", "patient").to_numpy()[inside]))


@pytest.fixture(scope="module")
def child() -> StudyResult:
    return eutonia.run(case("case_child"))


def test_a_childs_level_follows_its_weight_and_the_dose(child: StudyResult) -> None:
    """The clearance of He 2014 is per kg: the same tablets give a child of 21 kg 17/21 of the level."""
    month = 30.4375 * DAY
    before, grown = (middle(child, "csf_brain_peak", a * month, b * month) for a, b in ((4, 7), (17, 17.9)))
    assert grown / before == pytest.approx(17 / 21, rel=0.05)
    peaks = [middle(child, "plasma_peak", a * month, b * month) for a, b in ((17, 17.9), (19, 24))]
    assert peaks[1] / peaks[0] == pytest.approx(1.5, rel=0.03)
    clearance = parameters.load("oral_he_2014").value("clearance_over_bioavailability_per_weight", "L/h/kg")
    mean = 15.0 / 24.0 * 1000.0 / (clearance * 17.0)
    trough, peak = (middle(child, f"plasma_{end}", 4 * month, 7 * month) for end in ("trough", "peak"))
    assert trough < mean < peak


def test_a_child_that_grows_keeps_its_kidneys() -> None:
    """What had happened to kidneys (and to the catheter) before a change of weight was forgotten with it."""
    event = '[[event]]\nat = "{at} day"\nkind = "{kind}"\nvalue = "{value}"\n'
    events = event.format(at=4, kind="creatinine clearance", value="30 mL/min") + event.format(
        at=5, kind="weight", value="21 kg"
    )
    study = case("case_child", ('[[event]]\nat = "3 day"', events + '[[event]]\nat = "3 day"'))
    one = _Case(study)
    small = one.kinetics.blood.clearance[0]
    kidneys, growth = (next(x for x in study.events if x.kind == kind) for kind in ("creatinine clearance", "weight"))
    one._be(one.kinetics.with_tip("C5"))
    for step in (kidneys, growth):
        one.act(step)
    np.testing.assert_array_equal(one.kinetics.blood.creatinine_clearance, 30.0)
    np.testing.assert_array_equal(one.kinetics.spinal.tip, vertebra_of("C5"))
    assert one.kinetics.blood.clearance[0] > small, "it grew"


def test_no_tone_is_shown_of_another_use_and_the_page_says_why(child: StudyResult) -> None:
    text = page.html(child)
    assert "What is not predicted here" in text
    assert "no tone of a child is predicted" in " ".join(text.split())
    assert "Ashworth, leg" not in text
    assert "No effect is predicted" in text
    names = {str(name) for name in child.course.data_vars}
    assert not names & {"ashworth", "spasm", "bias", "stance_support", "rebound", "csf_leg", "receptor_effect"}
    assert {"plasma", "brain_effective", "risk_drowsiness"} <= names
    assert child.responders is None
    assert child.visits.is_empty()


def test_drinking_deepens_drowsiness_and_nothing_else_of_the_options_differs() -> None:
    """Run as it ships, as options of one person; what ALPADIR found is quoted with its interval."""
    found = eutonia.compare_options([case("case_alcohol", ('examine_every = "7 day"', 'examine_every = "70 day"'))])
    plain, drinking = (found.results[name] for name in found.names)
    for name in ("plasma", "brain_effective"):
        np.testing.assert_array_equal(plain.course[name], drinking.course[name])
    hazard = [-np.log1p(-one.course["risk_drowsiness"].to_numpy()) for one in (plain, drinking)]
    factor = parameters.load("depressants").value("sedation_factor", "1")
    np.testing.assert_allclose(hazard[1], factor * hazard[0], rtol=1e-9)
    assert hazard[0].max() > 0
    assert any("1.2 (0.58 to 2.5) (ALPADIR_2017" in said for said in plain.caveats)
    assert any("alcohol" in said and "assumed" in said for said in drinking.caveats)
    assert "at its highest" in found.prose()
    for run in (found.run, plain.run):
        told = beyond_label(run)
        assert "trials in alcohol use disorder gave up to 180 mg a day (ALPADIR_2017)" in told
        assert "verdose" not in told, "so high a dose was given on purpose, and is no overdose"
    assert as_tried(case("case_alcohol", ('dose = "60 mg"', 'dose = "75 mg"'))) == ""
    assert as_tried(case("case_child")) == ""


def test_parkinsons_disease_runs_without_a_word_of_efficacy() -> None:
    result = eutonia.run(case("case_parkinson", ('examine_every = "7 day"', 'examine_every = "42 day"')))
    assert "Rigidity in Parkinson's disease is no stretch reflex" in result.caveats[0]
    assert result.quantities == ()
    assert not result.withdrawal


def test_autism_quotes_its_trials_on_the_page_and_predicts_no_behaviour() -> None:
    """Sedation and headache as counted, with source and people, and that the primary outcome was no better."""
    result = eutonia.run(case("case_autism", ('examine_every = "7 day"', 'examine_every = "77 day"')))
    told = " ".join(page.html(result).split())
    for words in (
        "not better than on placebo: 8% (Arbaclofen_FXS_2012; 63 people",
        "headache on arbaclofen: 8% (Arbaclofen_FXS_2012",
        "32 people with autism",
        "No effect is predicted",
    ):
        assert words in told, words
    assert "predictions like these" not in told
    assert {"plasma", "risk_drowsiness"} <= {str(name) for name in result.course.data_vars}
    assert result.visits.is_empty()


def test_every_use_is_a_kind_of_case_and_quotes_what_has_a_source() -> None:
    assert set(OtherUses.__args__) == set(USES)
    for use in USES.values():
        assert len(quotations(use)) == len(use.quoted)
        assert "predicted" in use.why
    kinds = CaseLesion.model_fields["kind"]
    assert kinds.description is not None
    assert "another use" in kinds.description


CHARTED = '[[charted]]\nat = "0 day"\nscale = "ashworth"\nlimb = "leg"\nscore = 3.0\n[case]'
STRETCHED = '[[treatment]]\nroute = "stretching"\nlimb = "leg"\nhours_per_day = 1.0\nstart = "1 day"\n[case]'
GROWN = '[[event]]\nat = "3 day"\nkind = "weight"\nvalue = "70 kg"\n[case]'
KIND = 'kind = "Parkinson\'s disease"'


@pytest.mark.parametrize(
    ("name", "edits", "says"),
    [
        ("case_parkinson", [('scales = ["adverse"]', 'scales = ["ashworth"]')], ["Rigidity", "adverse"]),
        ("case_parkinson", [("[case]", CHARTED)], ["Rigidity", "no charted scores"]),
        ("case_parkinson", [("[case]", STRETCHED)], ["what makes drowsy"]),
        ("case_parkinson", [('age = "74 year"', 'age = "9 year"')], ["This is a child", "18 to 110 year"]),
        ("case_parkinson", [('weight = "68 kg"', 'weight = "18 kg"')], ["30 to 250 kg"]),
        ("case_parkinson", [(KIND, f"{KIND}\nload = 0.5")], ["has no lesion here"]),
        ("case_parkinson", [("[case]", GROWN)], ["do not follow the weight"]),
        ("case_child", [('oral_model = "oral_he_2014"\n', "")], ["are not those of a child", "oral_he_2014"]),
        ("case_child", [('dose = "7.5 mg"', 'dose = "15 mg"')], ["for each kg of 21 kg", "at most 2 mg/kg a day"]),
        ("case_child", [('weight = "17 kg"', 'weight = "0 kg"')], ["8 to 100 kg"]),
        ("case_child", [('value = "21 kg"', 'value = "0 kg"')], ["event[3].value", "8 to 100 kg"]),
        ("case_child", [('age = "5 year"', 'age = "1 year"')], ["2 to 18 year"]),
        ("case_child", [('age = "5 year"', 'age = "25 year"')], ["2 to 18 year"]),
    ],
)  # fmt: skip
def test_what_would_be_predicted_without_a_model_is_refused(
    name: str, edits: list[tuple[str, str]], says: list[str]
) -> None:
    with pytest.raises(StudyError) as caught:
        case(name, *edits)
    told = " ".join(str(caught.value).split())
    for word in says:
        assert word in told


def test_questions_on_tone_are_refused() -> None:
    study = case("case_parkinson")
    for ask in (eutonia.decision, lambda one: eutonia.examine_case(one, "threshold")):
        with pytest.raises(StudyError, match=r"Rigidity(.|\n)*Nearest: eutonia run"):
            ask(study)
