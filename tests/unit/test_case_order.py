"""What happens to one person at one time happens in the order of its kinds, never in that of the file."""

from __future__ import annotations

import itertools
import re

import pytest

from eutonia.errors import StudyError
from eutonia.study.design import CaseStudy, load_study, parse_study
from eutonia.trial.case import people_of_case

pytestmark = pytest.mark.unit

TEXT = load_study("case_haemorrhage_pump").text
HEAD = TEXT[: TEXT.index("[[event]]")]
INFUSION = 'kind = "infusion"\nrate = "100 ug/day"'
REFILL = 'kind = "refill"'


def case_of(*events: str) -> CaseStudy:
    study = parse_study(HEAD + "".join(f'\n[[event]]\nat = "400 day"\n{event}\n' for event in events))
    assert isinstance(study, CaseStudy)
    return study


def test_events_of_one_time_have_one_order() -> None:
    kidneys = 'kind = "creatinine clearance"\nvalue = "40 mL/min"'
    tablets = 'kind = "tablets"\nproduct = "baclofen tablet"\ndose = "10 mg"\nevery = "8 hour"'
    orders = {case_of(*order).events for order in itertools.permutations([INFUSION, REFILL, kidneys, tablets])}
    assert len(orders) == 1
    assert [event.kind for event in next(iter(orders))] == ["creatinine clearance", "refill", "infusion", "tablets"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (INFUSION, 'kind = "stop infusion"'),
        (INFUSION, 'kind = "infusion"\nrate = "150 ug/day"'),
        (REFILL, 'kind = "refill"\nconcentration = "2000 ug/mL"'),
        ('kind = "creatinine clearance"\nvalue = "40 mL/min"', 'kind = "creatinine clearance"\nvalue = "90 mL/min"'),
    ],
)
def test_what_replaces_each_other_at_one_time_is_refused(one: str, other: str) -> None:
    for order in ((one, other), (other, one)):
        with pytest.raises(StudyError) as error:
            case_of(*order)
        flat = re.sub(r"\s+", " ", str(error.value))
        assert "is of the same time, and only one of the two can hold" in flat
        assert "Do: Drop one of the two" in flat


def test_a_refill_at_the_first_programming_is_a_filling() -> None:
    """It ended in a traceback when it stood above the infusion: there was no pump yet to refill."""
    both = [people_of_case(case_of(*order), 401 * 24.0)[2] for order in ((INFUSION, REFILL), (REFILL, INFUSION))]
    assert both[0] == both[1]
    assert [label for _, label in both[0]] == ["refill", "pump 100 ug/day"]
