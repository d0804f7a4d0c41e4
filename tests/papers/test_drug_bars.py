"""What the frozen predictions of the drug have to stay within, and what they still miss."""

from __future__ import annotations

import csv

import drug as calibration
import pytest

pytestmark = pytest.mark.papers


@pytest.fixture(scope="module")
def frozen() -> dict[str, dict[str, str]]:
    with calibration.FROZEN.open(newline="", encoding="utf-8") as file:
        return {row["name"]: row for row in csv.DictReader(file)}


def predicted(frozen: dict[str, dict[str, str]], key: str) -> float:
    return float(frozen[key]["predicted"])


@pytest.mark.parametrize("bar", calibration.BARS, ids=lambda bar: bar.key)
def test_every_bar_is_kept(frozen: dict[str, dict[str, str]], bar: calibration.Bar) -> None:
    """A bolus lasts and spreads as it was seen to, mild and severe cohorts lose the share that they lost."""
    assert bar.low < predicted(frozen, bar.key) < bar.high


def test_where_the_tip_lies_is_still_missed(frozen: dict[str, dict[str, str]]) -> None:
    """Grabb 1999: T6 beats T11 in legs and arms. Legs come out the other way, arms alike; a mend changes this test.

    Fluid that only mixes cannot do it: the leg's cord lies at T11 (`receptor.leg_to_arm` says what was tried).
    """
    high, low = ({limb: predicted(frozen, f"tip {tip}, 3 mo: {limb} Ashworth change") for limb in ("leg", "arm")}
                 for tip in ("T6", "T11"))  # fmt: skip
    assert low["leg"] < high["leg"] - 0.2
    assert abs(low["arm"] - high["arm"]) < 0.2
