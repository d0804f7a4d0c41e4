"""Failures of pumps and catheters in a trial, in words."""

from __future__ import annotations

import math
from typing import Any

from eutonia.report import words
from eutonia.trial.failure_table import FailedPumps
from eutonia.trial.result import StudyResult

#: What stands above the table.
HEADING = "Pumps and catheters that fail"
WHY = (
    "Drawn for each person at published rates: the pump gives nothing from a midnight on, withdrawal begins, and some "
    "days later the part is replaced and filled with drug. Tone, scores and doses follow from it. The severe form of "
    "withdrawal is a share of such stops, and is not in the scores."
)


def context(result: StudyResult) -> dict[str, Any]:
    """Return what the page of a trial prints of them."""
    return {"failures": [_row(one) for one in result.failures], "failures_heading": HEADING, "failures_why": WHY}


def sentence(result: StudyResult) -> str:
    """Return how many pumps or catheters fail in a trial; empty where none may."""
    if not result.failures:
        return ""
    said = [f"{_people(one)} of {words.count(one.people)} people with a pump in {one.arm}" for one in result.failures]
    return f"A pump or catheter fails in {'; '.join(said)} (one trial, mean over trials)."


def _people(one: FailedPumps) -> str:
    return f"{one.failed:.2g}"


def _row(one: FailedPumps) -> tuple[str, str, str, str, str, str, str]:
    """Return an arm, its people with a pump, how many fail with interval, of which catheters, days, severe forms."""
    where = " · ".join(words.label(part) for part in words.unique((one.phase, one.arm)))
    days = "–" if math.isnan(one.days) else f"{one.days:.3g}"
    interval = f"{words.count(one.low)} to {words.count(one.high)}"
    more = (f"{one.catheters:.2g}", days, f"{one.severe:.2g}")
    return where, words.count(one.people), _people(one), interval, *more
