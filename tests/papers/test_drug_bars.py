"""What the frozen predictions of the drug have to stay within, and what they still miss."""

from __future__ import annotations

import csv

import drug as calibration
import pytest

pytestmark = pytest.mark.papers

#: Share of the Ashworth excess removed: prediction, its row, and the study and limb whose published baseline it has.
REMOVED = (
    ("brain injury, 4 h: leg Ashworth", calibration.BRAIN_1996.leg),
    ("brain injury, 4 h: arm Ashworth", calibration.BRAIN_1996.arm),
    ("spinal, 3 d: leg Ashworth", calibration.PENN_1989.leg),
    ("brain injury, 12 mo: leg Ashworth", calibration.BRAIN_1999.leg),
    ("brain injury, 12 mo: arm Ashworth", calibration.BRAIN_1999.arm),
    ("spinal, 12 mo: leg Ashworth", calibration.COFFEY.leg),
)


@pytest.fixture(scope="module")
def frozen() -> dict[str, dict[str, str]]:
    with calibration.FROZEN.open(newline="", encoding="utf-8") as file:
        return {row["name"]: row for row in csv.DictReader(file)}


def predicted(frozen: dict[str, dict[str, str]], key: str) -> float:
    return float(frozen[key]["predicted"])


def test_a_bolus_lasts_and_spreads_as_it_was_seen_to(frozen: dict[str, dict[str, str]]) -> None:
    assert 0.45 <= predicted(frozen, "tone: share of the peak left at 8 h") <= 0.65
    assert 1.0 <= predicted(frozen, "spinal fluid: hour of the peak in the cistern") <= 3.0
    assert predicted(frozen, "tone: 30th daily bolus against the first") > 0.85


@pytest.mark.parametrize(("key", "baseline"), REMOVED)
def test_mild_and_severe_cohorts_lose_the_share_that_they_lost(
    frozen: dict[str, dict[str, str]], key: str, baseline: tuple[float, float]
) -> None:
    excess = baseline[0] - 1.0
    share, published = ((baseline[0] - float(frozen[key][of])) / excess for of in ("predicted", "value_or_published"))
    assert abs(share - published) < 0.1


def test_where_the_tip_lies_is_still_missed(frozen: dict[str, dict[str, str]]) -> None:
    """Grabb 1999: T6 beats T11 in legs and arms. Legs come out the other way, arms alike; a mend changes this test.

    Fluid that only mixes cannot do it: the leg's cord lies at T11 (`receptor.leg_to_arm` says what was tried).
    """
    high, low = ({limb: predicted(frozen, f"tip {tip}, 3 mo: {limb} Ashworth change") for limb in ("leg", "arm")}
                 for tip in ("T6", "T11"))  # fmt: skip
    assert low["leg"] < high["leg"] - 0.2
    assert abs(low["arm"] - high["arm"]) < 0.2
