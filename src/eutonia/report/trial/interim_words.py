"""Looks at a trial while it runs, in words: where trials stop and why, how large they get, and what it does to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eutonia._bounds import FEWEST_FOR_VERDICT
from eutonia.report import words
from eutonia.trial.analysed import Analysed

Row = Mapping[str, Any]

_WHY = {
    "better": "the arm is better",
    "worse": "the arm is worse",
    "futility": "futility",
    "end": "everybody seen, nothing shown",
}


def looks(analysed: Analysed) -> list[dict[str, str]]:
    """Return every look in words; none where the trial is analysed once."""
    if analysed.looks is None:
        return []
    rows = analysed.looks.to_dicts()
    return [_look(row, last=row is rows[-1]) for row in rows]


def plain(analysed: Analysed) -> list[str]:
    """Return in a sentence how large a trial gets, and where it ends; nothing of one whose size is fixed."""
    row = analysed.characteristics.row(0, named=True)
    if "expected_people" not in row or row["trials"] < FEWEST_FOR_VERDICT:
        return []
    if analysed.looks is None:
        return [
            "With its size found again on the way, arms unknown, a trial has "
            f"{row['expected_people']:.1f}\u00a0±\u00a0{row['expected_people_error']:.1f} people on average, "
            f"{row['size_low']:.0f} to {row['size_high']:.0f} in 95% of trials; {100 * row['size_largest']:.0f} of 100 "
            "are as large as they may be. What is analysed is of trials of the size that was found; scores, doses and "
            "whatever else is on this page are of trials of the largest size."
        ]
    rows = analysed.looks.to_dicts()
    early, most = 100 * (1.0 - rows[-1]["stops"]), rows[-1]["people"]
    null = sum(one["stops_null"] * one["people"] for one in rows)
    said = (
        f"With its looks a trial analyses {row['expected_people']:.1f}\u00a0±\u00a0{row['expected_people_error']:.1f} "
        f"people on average, of {most} at most; {early:.0f} of 100 trials stop before the last look. "
        f"If the arms did not differ it would be {null:.0f}."
    )
    if row["expected_recruited"] is None:
        return [said]
    return [
        f"{said} When it stops {row['expected_recruited']:.1f} have been recruited, "
        f"{row['expected_months']:.0f} months after the first."
    ]


def one_trial(first: Row) -> str:
    """Return what the p value of a trial is held against, and, of the endpoint that stops it, why it stopped; empty
    for a trial that is analysed once.
    """
    if "look" not in first:
        return ""
    why = "" if first["median_unbiased"] is None else f", stopped: {_WHY[first['stopped']]}"
    return f" against {first['level']:.2g}; look {first['look']}{why}"


def estimate(row: Row, factor: float) -> list[str]:
    """Return what stopping does to the estimate of the endpoint that decides it."""
    if row.get("median_unbiased") is None or row["trials"] < FEWEST_FOR_VERDICT:
        return []
    keys = ["estimate_bias", "estimate_bias_error", "median_unbiased"]
    keys += ["median_unbiased_bias", "median_unbiased_bias_error"]
    bias, error, mean, own, own_error = words.alike(None if row[key] is None else factor * row[key] for key in keys)
    above = "–" if row["median_unbiased_above"] is None else f"{100 * row['median_unbiased_above']:.0f}%"
    return [
        "The difference is the one seen when the trial stops; the interval is a repeated one, which holds the truth as "
        "often as asked whatever made the trial stop, and mostly more often. Trials that stop early are those with "
        f"luck, good or bad, so the difference is off by {bias}\u00a0±\u00a0{error} on average. The median-unbiased "
        f"estimate, which takes the looks into account, is {mean} on average, off by {own}\u00a0±\u00a0{own_error}; it "
        f"lies above the truth in {above} of trials."
    ]


def _look(row: Row, *, last: bool) -> dict[str, str]:
    by_then = ""
    if row["recruited"] is not None:
        by_then = f"{row['recruited']:.0f} recruited by then, month {row['months']:.0f}"
    futile = "" if row["boundary_futility"] is None else f"; futility: z below {row['boundary_futility']:.2f}"
    return {
        "name": "Last look" if last else f"Look {row['look']}",
        "people": f"{row['people']}",
        "by_then": by_then,
        "boundary": f"|z| from {row['boundary']:.2f}",
        "also": f"p up to {row['level']:.2g}{futile}".replace("-", "−"),
        "better": _share(row, "stops_better"),
        "worse": _share(row, "stops_worse"),
        "neither": _share(row, "stops_end" if last else "stops_futility"),
        "stops": _share(row, "stops"),
        "null": f"{100 * row['stops_null']:.1f}%",
    }


def _share(row: Row, key: str) -> str:
    if row["trials"] < FEWEST_FOR_VERDICT:
        return "–"
    return f"{100 * row[key]:.1f}%\u00a0±\u00a0{100 * row[f'{key}_error']:.1f}"
