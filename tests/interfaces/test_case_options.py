"""Options told inside one case, and what the small faults of studies are told as."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from pathlib import Path

import outside_scale
import pytest
from pydantic import ValidationError
from study_examples import ANNA

import eutonia
from eutonia.assessment.scales import SCALES
from eutonia.errors import StudyError
from eutonia.study.analysis_plan import AnalysedEndpoint
from eutonia.study.design import CaseStudy, parse_study

pytestmark = pytest.mark.xdist_group("slow clock")

CASE = f"""
{ANNA}[[charted]]
at = "90 day"
scale = "ashworth"
limb = "leg"
score = 3.4
[assessment]
side = "affected"
limbs = ["leg", "arm"]
scales = ["ashworth", "pain"]
rater = "noiseless"
[case]
duration = "150 day"
examine_every = "50 day"
{{onset}}
"""
TABLETS = """
[[{of}event]]
at = "{at}"
kind = "tablets"
product = "baclofen tablets"
dose = "10 mg"
every = "8 hour"
"""
PUMP = """
[[option]]
name = "pump"
[option.pump]
model = "SynchroMed II"
product = "Lioresal Intrathecal"
implanted = "120 day"
reservoir = "20 mL"
concentration = "500 ug/mL"
alarm_volume = "2 mL"
tip = "T10"
[[option.event]]
at = "120 day"
kind = "infusion"
rate = "150 ug/day"
"""
MORE = '[[option]]\nname = "more"\ntitle = "Tablets, and twice as many"\n' + TABLETS.format(of="option.", at="120 day")
TOXIN = """
[[treatment]]
product = "abobotulinumtoxinA"
route = "intramuscular"
muscle = "elbow flexors"
dose = "300 aboU"
at = {at}
"""


def case(text: str, onset: str = "") -> CaseStudy:
    found = parse_study(CASE.format(onset=onset) + text)
    assert isinstance(found, CaseStudy)
    return found


def faults(text: str, onset: str = "") -> str:
    with pytest.raises(StudyError) as caught:
        case(text, onset)
    return re.sub(r"\s+", " ", "\n".join(str(one) for one in caught.value.faults))


def test_each_option_is_the_case_that_a_file_of_its_own_would_be() -> None:
    """What an option adds and replaces, alone and in order; the case itself stands first, without any."""
    told = case(TABLETS.format(of="", at="100 day") + PUMP + MORE)
    base, pump, more = told.as_options
    assert [one.name for one in (base, pump, more)] == ["anna", "anna_pump", "anna_more"]
    assert pump.tip == "T10"
    assert base.tip is more.tip is None
    assert [one.kind for one in more.events] == ["tablets", "tablets"]
    assert more.title == "Tablets, and twice as many"
    for one in (base, pump, more):
        again = parse_study(one.text)
        assert again.as_options == (again,)
        assert again.model_dump() == one.model_dump()
        assert one.digest != told.digest


def test_compare_lays_the_options_of_one_file_beside_it(tmp_path: Path, run: Callable[..., int]) -> None:
    file = tmp_path / "anna.toml"
    file.write_text(CASE.format(onset="") + PUMP)
    assert run("compare", str(file), "--out", str(tmp_path / "out"), "--quiet") == 0
    record = (tmp_path / "out" / "run.json").read_text()
    assert record.count(f"compare {file}") == 1
    found = eutonia.compare_options([eutonia.load_study(file)])
    assert found.names == ("anna", "anna_pump")
    last = found.frame().filter((found.frame()["measure"] == "last") & (found.frame()["limb"] == "leg"))
    ashworth = dict(last.filter(last["what"] == "ashworth").select("option", "value").iter_rows())
    assert ashworth["anna_pump"] < ashworth["anna"] - 0.5
    result = eutonia.run(eutonia.load_study(file))
    assert any("without its options (pump)" in one for one in result.caveats)


def test_a_fault_of_an_option_is_told_where_it_stands() -> None:
    assert "option[1].name" in faults(PUMP + PUMP)
    late = faults(MORE.replace('"120 day"', '"151 day"'))
    assert "option[0].event[0].at" in late
    assert "after the end of the case" in late
    no_pump = PUMP[: PUMP.index("[option.pump]")] + PUMP[PUMP.index("[[option.event]]") :]
    assert "option[0].event[0]" in faults(no_pump)


def test_a_treatment_of_a_case_takes_a_date_like_its_events() -> None:
    """An injection by the calendar is at the hour of that day since the onset; without an onset it is refused."""
    dated, plain = (case(TOXIN.format(at=at), "onset = 2026-01-01") for at in ("2026-04-11", '"100 day"'))
    assert dated.treatments[0].begins_h == plain.treatments[0].begins_h == 2400.0
    assert dated.treatments[0].begins_h.text == "2026-04-11"
    assert dated.replace({"case.duration": "160 day"}).treatments == dated.treatments
    assert "before the onset" in faults(TOXIN.format(at="2025-04-11"), "onset = 2026-01-01")
    assert "treatment[0]" in faults(TOXIN.format(at="2026-04-11"))


def test_faults_of_a_person_on_a_program_name_no_lines(
    tmp_path: Path, run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    """The tables are of no file that anybody has: a fault says what it is of, and no line."""
    person = tmp_path / "person.toml"
    person.write_text(CASE.format(onset="").replace('"150 day"', '"130 day"'))
    assert run("pump", "flex_night", "--person", str(person), "--implanted", "110 day") == 2
    said = re.sub(r"\s+", " ", capsys.readouterr().err)
    assert "origin" in said
    assert "line " not in said


def test_options_whose_haemodialysis_differs_say_so() -> None:
    """It clears the drug: the difference between two options is then not of what is given alone."""
    dialysis = '[[option]]\nname = "machine"\n[[option.event]]\nat = "130 day"\nkind = "dialysis"\nlasts = "4 hour"\n'
    found = eutonia.compare_options([case(TABLETS.format(of="", at="100 day") + dialysis)])
    assert len(found.notes) == 1
    assert "anna 0 sessions; anna_machine 1 session" in found.notes[0]
    assert found.notes[0] in found.prose()
    assert eutonia.compare_options([case(MORE)]).notes == ()


def test_a_name_that_another_endpoint_has_without_saying_so_is_refused() -> None:
    """A report would show two rows of one name: one that is given, and one that is made of what is compared."""
    study = eutonia.load_study("parallel_tablets")
    with pytest.raises(StudyError, match="has this name already"):
        study.replace({"analysis.endpoint.1.name": "leg Ashworth, change at 12 week"})
    study.replace({"analysis.endpoint.1.name": "leg Ashworth, change at 8 week"})


def test_odds_of_a_scale_of_thousands_of_values_are_refused() -> None:
    """Each value would have a cut of its own, and the fit no answer; a scale of a hundred grades is let through."""
    fine = {"scale": "felt_stiffness", "limb": "leg", "method": "proportional odds", "estimand": "hypothetical"}
    for highest, is_refused in ((10_000.0, True), (100.0, False)):
        graded = dataclasses.replace(outside_scale.FELT_STIFFNESS, kind="ordinal", lowest=0.0, highest=highest)
        SCALES.register(graded)
        try:
            if is_refused:
                with pytest.raises(ValidationError) as caught:
                    AnalysedEndpoint.model_validate(fine)
                assert "has 10,001 values" in str(caught.value.errors())
            else:
                AnalysedEndpoint.model_validate(fine)
        finally:
            SCALES.remove(graded.key)
