"""What a case says is given is what is given: tip, rate and concentration, and the stop of a pump beside tablets."""

from __future__ import annotations

import numpy as np
import pytest

from eutonia.errors import StudyError
from eutonia.study.design import CaseStudy, load_study, parse_study
from eutonia.trial.case import people_of_case, run_case
from eutonia.trial.withdrawal import Interruptions

pytestmark = [pytest.mark.unit, pytest.mark.xdist_group("slow clock")]

TEXT = load_study("case_haemorrhage_pump").text
HEAD = TEXT[: TEXT.index("[[event]]")]
TABLETS = 'kind = "tablets"\nproduct = "baclofen tablet"\ndose = "5 mg"\nevery = "8 hour"'
BOLUS = 'kind = "bolus"\nproduct = "Lioresal Intrathecal"\ndose = "50 ug"\naccess = "catheter"\ntip = "{tip}"'


def case_of(*events: tuple[str, str], head: str = HEAD) -> CaseStudy:
    study = parse_study(head + "".join(f'\n[[event]]\nat = "{at}"\n{event}\n' for at, event in events))
    assert isinstance(study, CaseStudy)
    return study


def infusion(rate: str) -> str:
    return f'kind = "infusion"\nrate = "{rate}"'


def test_a_pump_that_stops_is_told_though_tablets_are_taken() -> None:
    """Tablets hid the stop: no hour of withdrawal, no share of severe forms, not a word."""
    events = [("390 day", TABLETS), ("400 day", infusion("200 ug/day")), ("430 day", 'kind = "stop infusion"')]
    found = run_case(case_of(*events))
    assert any(line.startswith("24 h without the pump, on tablets") for line in found.withdrawal)
    assert any("have turned severe" in line for line in found.withdrawal)
    time = found.course["time_h"].to_numpy()
    hours = found.course["without_drug"].to_numpy()
    assert hours[np.isclose(time, 431 * 24.0)] == pytest.approx(24.0)
    assert hours[time < 430 * 24.0].max() == 0.0


@pytest.mark.parametrize(
    ("given", "hours", "is_pump"),
    [
        # (hour, pump, tablets): what is noted at hour 10.
        ([(0, True, False), (4, False, False)], 6.0, [True]),
        ([(0, True, True), (4, False, True), (6, False, False)], 6.0, [True]),
        ([(0, True, False), (4, False, False), (5, False, True)], 6.0, [True]),
        ([(0, False, True), (4, False, False), (5, False, True)], 0.0, [False]),
        ([(0, False, True), (4, False, False), (5, True, False), (8, False, False)], 2.0, [False, True]),
        ([(0, True, True), (4, True, False)], 0.0, []),
    ],
)
def test_tablets_neither_prevent_nor_end_a_stop_of_the_pump(
    given: list[tuple[float, bool, bool]], hours: float, is_pump: list[bool]
) -> None:
    interruptions = Interruptions()
    for at, pump, tablets in given:
        interruptions.given(float(at), pump=pump, tablets=tablets)
    assert interruptions.hours(np.array([10.0])).tolist() == [hours]
    assert [one.is_of_pump for one in interruptions.found] == is_pump


def test_a_person_has_one_catheter() -> None:
    """Another tip of a bolus was read and ignored: the bolus left the pump's tip."""
    with pytest.raises(StudyError, match="one catheter"):
        case_of(("420 day", BOLUS.format(tip="C5")))
    assert case_of(("420 day", BOLUS.format(tip="T10"))).tip == "T10"


def test_without_a_pump_a_bolus_leaves_the_tip_that_the_file_names() -> None:
    head = HEAD[: HEAD.index("[pump]")] + HEAD[HEAD.index("[assessment]") :]
    arms = {}
    for tip in ("C5", "T10"):
        snapshot = people_of_case(case_of(("420 day", BOLUS.format(tip=tip)), head=head), 420 * 24.0 + 4.0)[1]
        arms[tip] = np.asarray(snapshot.csf_arm)
    assert not np.allclose(arms["C5"], arms["T10"], rtol=0.01)


def test_a_rate_is_judged_by_what_is_in_the_pump_by_then() -> None:
    """After a refill with 2000 ug/mL the smallest flow gives 96 ug/day: 30 were read, 96 given, not a word."""
    strong = 'kind = "refill"\nconcentration = "2000 ug/mL"'
    with pytest.raises(StudyError, match=r"0.015 mL/day"):
        case_of(("400 day", infusion("100 ug/day")), ("430 day", strong), ("440 day", infusion("30 ug/day")))
    with pytest.raises(StudyError, match=r"0.015 mL/day"):
        case_of(("400 day", infusion("30 ug/day")), ("430 day", strong))
    fine = case_of(("400 day", infusion("30 ug/day")), ("430 day", strong), ("430 day", infusion("100 ug/day")))
    assert [event.kind for event in fine.events] == ["infusion", "refill", "infusion"]


def test_a_rate_is_said_as_it_is_written() -> None:
    """It was rounded to whole ug/day: 62.5 became 62, and 0.4 "pump 0 ug/day"."""
    case = case_of(("400 day", infusion("62.5 ug/day")))
    assert people_of_case(case, 401 * 24.0)[2] == ((400 * 24.0, "pump 62.5 ug/day"),)


def test_tablets_of_nothing_are_a_stop_and_each_stop_has_its_day() -> None:
    """Tablets of 0 mg hid the stop; two stops were told hour by hour without a word of which was which."""
    none = TABLETS.replace("5 mg", "0 mg")
    events = [("390 day", TABLETS), ("400 day", none), ("430 day", TABLETS), ("460 day", 'kind = "stop tablets"')]
    said = run_case(case_of(*events)).withdrawal
    for day in (400, 460):
        assert any(line.startswith(f"From day {day} on: 24 h without drug") for line in said)


def test_a_pump_that_gives_nothing_cannot_be_stopped() -> None:
    with pytest.raises(StudyError, match="gives nothing"):
        case_of(("400 day", 'kind = "stop infusion"'))
