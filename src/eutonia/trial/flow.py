"""The flow of patients through a trial, as a report draws it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ConsortRow:
    """One box of the flow of patients, in reading order.

    A row without a reason is a stage that patients reach; a row with a reason leaves to the side of the stage before.
    Rows of one stage in several arms follow one another and are drawn side by side.

    Parameters
    ----------
    stage : str
        What happened: "Screened", "Allocated", "Completed".
    arm : str or None
        The arm; None before allocation and after arms join again.
    number : float
        Mean number over replicate trials.
    low, high : float
        Interval over replicate trials.
    reason : str
        Why patients left here; empty for a stage that patients reach.
    """

    stage: str
    arm: str | None
    number: float | int
    low: float | int
    high: float | int
    reason: str = ""
