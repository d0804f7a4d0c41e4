"""Moments as people say them, and every fault of a file for those who ask."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import eutonia
from eutonia.errors import StudyError
from eutonia.study.design import CaseStudy
from eutonia.trial.moment import moment

Run = Callable[..., int]
BOLUS_H = 244 * 24.0
REFILLS = (319, 365, 407, 449, 506, 554, 596, 638, 680, 722)


@pytest.fixture(scope="module")
def case() -> CaseStudy:
    study = eutonia.load_study("case_haemorrhage_pump")
    assert isinstance(study, CaseStudy)
    return study


@pytest.mark.parametrize(
    ("words", "hours"),
    [
        ("243 day", 243 * 24.0),
        ("day 243", 243 * 24.0),
        ("4 h after the bolus", BOLUS_H + 4.0),
        ("4 hour after bolus", BOLUS_H + 4.0),
        ("30 min before the bolus", BOLUS_H - 0.5),
        ("1 day after the last refill", 723 * 24.0),
        ("2 week after the first refill", (REFILLS[0] + 14) * 24.0),
        ("1 h after the 3rd refill", REFILLS[2] * 24.0 + 1.0),
        ("3 day after the onset", 72.0),
    ],
)
def test_a_moment_is_said_as_people_say_it(case: CaseStudy, words: str, hours: float) -> None:
    assert moment(case, words) == pytest.approx(hours)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("1 day after the refill", "10 of that kind, on day 319, 365"),
        ("1 day after the 11th refill", "10 of that kind"),
        ("1 day after the bolsu", "Nearest: bolus"),
        ("4 apples after the bolus", "is no time"),
        ("4 after the bolus", "is no time"),
        ("900 day before the bolus", "outside the case"),
        ("after the bolus", "is no time"),
    ],
)
def test_a_moment_that_means_nothing_or_too_much_is_refused(case: CaseStudy, words: str, said: str) -> None:
    with pytest.raises(StudyError, match=said):
        moment(case, words)


def test_every_fault_of_a_study_and_of_a_table_is_shown_to_who_asks(
    run: Run, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = eutonia.shipped()["case_ischaemic_tablets"].read_text(encoding="utf-8")
    wrong = [f"wrong_{k} = {k}" for k in range(9)]
    (folder / "bad.toml").write_text(text.replace("[patient]", "[patient]\n" + "\n".join(wrong)), encoding="utf-8")
    rows = "\n".join(f"{k},0,1,{'x' * (k + 1)},." for k in range(12))
    (folder / "bad.csv").write_text(f"ID,TIME,EVID,AMT,DV\n{rows}\n1,-1,9,5,.\n2,zz,0,.,.\n", encoding="utf-8")
    for file in ("bad.toml", "bad.csv"):
        assert run("check", file) == 2
        short = capsys.readouterr().err
        assert run("check", file, "--all-faults") == 2
        full = capsys.readouterr().err
        assert "--all-faults" not in full
        assert full.splitlines()[0] == short.splitlines()[0]
        expected = 9 if file == "bad.toml" else 14
        assert sum(line.startswith("- ") for line in full.splitlines()) >= expected
    assert "--all-faults" in short or "The same in rows" in short
