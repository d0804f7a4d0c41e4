"""What a case may say of a pump program, of the calendar and of haemodialysis, and what its report says of rules."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from eutonia.drug.pump import play
from eutonia.drug.pump.rules import breaches
from eutonia.errors import StudyError
from eutonia.report import page
from eutonia.study.design import CaseStudy, load_study, parse_study
from eutonia.study.pump_file import file_of
from eutonia.trial.case import people_of_case, run_case

pytestmark = pytest.mark.xdist_group("slow clock")

TEXT = load_study("case_cord_flex").text
PUMP = load_study("case_haemorrhage_pump").text


def refused(text: str, old: str, new: str) -> str:
    """Return what is said of a study with something changed, in one line."""
    assert old in text
    with pytest.raises(StudyError) as error:
        parse_study(text.replace(old, new, 1))
    return re.sub(r"\s+", " ", str(error.value))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('program = "flex_calls"', 'program = "flex_cals"', "There is no such file"),
        ('program = "flex_calls"', "program = 3", "It names no pump program"),
        ('program = "flex_calls"', 'program = "first_pump"', "The program is of cerebral origin, and this lesion"),
        ("onset = 2025-06-02\n", "", "Without the date of the onset nobody knows when that is"),
        ("onset = 2025-06-02", "onset = 2026-06-02", "It is before the onset"),
        ("onset = 2025-06-02", 'onset = "June"', "It is not a day"),
        ("onset = 2025-06-02", "onset = 9999-06-02", "1900-01-01 to 2200-12-31"),
        ('duration = "390 day"', 'duration = "400 day"', 'at most "393 day"'),
        ('duration = "390 day"', 'duration = "273.5 day"', "ends before the first day of the pump"),
        ('"flex_calls"\n', '"flex_calls"\nimplanted = "274 day"\n', "day 0 of the program is day 273"),
        ("2025-09-15", "2026-03-05", "Treatment begins at"),
        ('kind = "stop tablets"', 'kind = "refill"', "What the pump does stands in its program"),
        ('kind = "stop tablets"', 'kind = "dialysis"\nevery = "2 day"', "every stands alone"),
        (
            'kind = "stop tablets"',
            'kind = "dialysis"\nevery = "3 hour"\nuntil = "300 day"',
            "would begin while one runs",
        ),
        ('kind = "stop tablets"', 'kind = "dialysis"\nevery = "5 hour"\nuntil = "9 year"', "more than 1000 sessions"),
    ],
)
def test_what_does_not_fit_is_refused_in_four_parts(old: str, new: str, words: str) -> None:
    said = refused(TEXT, old, new)
    assert words in said
    assert "Do:" in said


def test_the_first_dose_is_judged_by_the_test_dose_that_the_case_gives(tmp_path: Path) -> None:
    """A case that gave 100 ug was judged by the 50 ug of its program, and one whose program said nothing by nothing."""
    said = refused(TEXT, 'dose = "50 ug"', 'dose = "100 ug"')
    assert "a test dose of 50 ug worked, and the case gives 100 ug" in said
    silent = file_of("flex_calls").read_text(encoding="utf-8").replace('screening = "50 ug"\n', "")
    silent = silent.replace('screening_effect = "6 hour"\n', "")
    (tmp_path / "silent.toml").write_text(silent, encoding="utf-8")
    (tmp_path / "case.toml").write_text(
        TEXT.replace('"flex_calls"', '"silent.toml"').replace('dose = "50 ug"', 'dose = "25 ug"'), encoding="utf-8"
    )
    study = load_study(tmp_path / "case.toml")
    assert isinstance(study, CaseStudy)
    assert study.pump_therapy is not None
    assert study.pump_therapy.screening_ug == 25.0
    assert "first dose above the test dose's" in [one.rule for one in breaches(play(study.pump_therapy))]


def test_an_onset_that_is_no_day_is_one_fault() -> None:
    """Every dated event was said to lack the onset that stood there."""
    said = refused(TEXT, "onset = 2025-06-02", "onset = 2025-06-02T23:30:00")
    assert "It is not a day" in said
    assert "nobody knows when that is" not in said


def test_a_pump_and_a_program_are_one_too_many() -> None:
    head = 'model = "SynchroMed II"\nproduct = "Gablofen"\nimplanted = "274 day"\nreservoir = "20 mL"\n'
    pump = f'{head}concentration = "500 ug/mL"\nalarm_volume = "2 mL"\ntip = "T10"\n'
    said = refused(TEXT, "[assessment]", f"[pump]\n{pump}[assessment]")
    assert "Remove the table [pump], or the table [therapy]" in said


def test_faults_of_a_program_are_told_where_it_is_named(tmp_path: Path) -> None:
    broken = 'rate = "15 mg/h" '.join(load_study("case_cord_flex").therapy.program.content.split('rate = "15 ug/h" '))
    (tmp_path / "mine.toml").write_text(broken, encoding="utf-8")
    (tmp_path / "case.toml").write_text(TEXT.replace('"flex_calls"', '"mine.toml"'), encoding="utf-8")
    with pytest.raises(StudyError) as error:
        load_study(tmp_path / "case.toml")
    said = re.sub(r"\s+", " ", str(error.value))
    assert "therapy.program" in said
    assert "15 mg/h" in said
    assert "eutonia check mine.toml shows every fault" in said


def test_dates_and_hours_are_one_time() -> None:
    """Everything of the case, and day 0 of the program, by the calendar and by hours since the onset."""
    dated = parse_study(TEXT)
    text = TEXT.replace("onset = 2025-06-02\n", "").replace("2025-09-15", '"105 day"')
    text = text.replace('program = "flex_calls"', 'program = "flex_calls"\nimplanted = "273 day"')
    hours = {"2025-10-01 08:00": 2912, "2026-02-10 10:00": 6082, "2026-03-09 08:00": 6728, "2026-03-16 08:00": 6896}
    for date, at in hours.items():
        text = text.replace(date, f"{at} hour")
    plain = parse_study(text)
    assert isinstance(dated, CaseStudy)
    assert isinstance(plain, CaseStudy)
    assert [event.at_h for event in dated.events] == [event.at_h for event in plain.events]
    assert dated.pump_therapy == plain.pump_therapy
    assert dated.pump_therapy is not None
    assert dated.pump_therapy.starts_h == 273 * 24.0
    assert dated.pump_therapy.begins is not None
    assert dated.pump_therapy.day(273 * 24.0) == "day 273 (02 Mar 2026)"


def test_a_case_survives_being_written_and_read(tmp_path: Path) -> None:
    changed = load_study("case_cord_flex").replace({"case.duration": "380 day"})
    assert isinstance(changed, CaseStudy)
    again = parse_study(changed.text)
    assert isinstance(again, CaseStudy)
    assert again.events == changed.events
    assert again.pump_therapy == changed.pump_therapy


def test_the_pump_is_played_by_the_numbers_that_hold_when_it_runs() -> None:
    from eutonia import parameters

    study = load_study("case_cord_flex")
    assert isinstance(study, CaseStudy)
    with parameters.recording() as used:
        assert study.pump_therapy is not None
    assert "pump_synchromed_ii" in {record.set for record in used.records()}


def test_calls_of_one_day_are_told_once() -> None:
    study = load_study("case_cord_flex")
    assert isinstance(study, CaseStudy)
    happened = people_of_case(study, 340 * 24.0)[2]
    labels = [label for _, label in happened]
    assert "a bolus is called 13 times on this day: 3 given, 10 refused" in labels
    assert sum("is called" in label for label in labels) == 8


def test_rules_judge_a_case_on_page_and_screen(
    tmp_path: Path, run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    case = tmp_path / "steep.toml"
    steep = PUMP[: PUMP.index("# --- Refills")].replace('rate = "180 ug/day"', 'rate = "450 ug/day"')
    case.write_text(steep.replace('"24 month"', '"322 day"'), encoding="utf-8")
    study = load_study(case)
    assert isinstance(study, CaseStudy)
    result = run_case(study)
    html = page.html(result)
    assert {one.rule for one in result.broken} == {"step above the label"}
    assert "Rules of pumps that are broken" in html
    assert "from 155 to 450 mcg/day" in html
    assert run("check", str(case)) == 0
    assert "It breaks 2 rules of pumps: see eutonia run." in capsys.readouterr().out
    assert run("run", str(case), "--out", str(tmp_path / "out")) == 0
    assert "1 rule of pumps broken, 1 of them a hazard, 2 times" in re.sub(r"\s+", " ", capsys.readouterr().out)
