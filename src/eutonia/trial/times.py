"""Time to improvement, to rescue or to leaving in every replicate trial: who still waits at each visit, who does not.

All of them are found at visits only, so times are tied there. Of a time to improvement whoever leaves is censored at
the last visit at which they were seen ("hypothetical": as if they would have gone on like the others), or stays at risk
until the last visit and never improves ("composite"); rescue counts likewise. Of a time to rescue whoever leaves is
censored there, or has failed there ("composite"). Whoever still waits at the visit of the endpoint is censored there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Int

from eutonia._middle import TAIL
from eutonia.statistics.time_to_event import Counts, counted, hazard_ratios, kaplan_meier

if TYPE_CHECKING:
    import polars

    from eutonia.trial.analysis import Outcome
    from eutonia.trial.endpoints import Contrast

WAY = "time to event"


def counts_of(
    contrast: Contrast, arms: Int[np.ndarray, "trial person"], scores: Float[np.ndarray, "trial person visit"]
) -> Counts:
    """Return who is at risk and who has the event at each visit, of what was seen of each person (NaN elsewhere)."""
    seen = ~np.isnan(scores)
    last = contrast.visit - np.argmax(seen[..., ::-1], axis=-1)
    if contrast.given.estimand == "composite":
        last = np.full_like(last, contrast.visit)
    return counted(np.where(seen[..., 0], arms, -1), contrast.first_improved(scores), last, contrast.visit)


def true_ratio(contrast: Contrast, first: Float[np.ndarray, " person"], second: Float[np.ndarray, " person"]) -> float:
    """Return the logarithm of the hazard ratio over everybody in both arms, of the visits at which they improve."""
    both = np.concatenate([first, second])[None]
    arms = (np.arange(both.shape[1]) < len(first)).astype(int)[None]
    counts = counted(arms, both, np.full(both.shape, contrast.visit), contrast.visit)
    return float(hazard_ratios(counts)[0][0])


def curve(outcome: Outcome, contrast: Contrast, counts: Counts) -> polars.DataFrame:
    """Return one row an arm and visit: people at risk, events and censored (means over trials), the share to which it
    has happened by Kaplan and Meier with the middle 95 % of trials, and that of everybody.
    """
    import polars as pl

    happened, rows = 1.0 - kaplan_meier(counts), []
    for k, arm in enumerate((contrast.arm, contrast.against)):
        who = outcome.entered[contrast.phase.name]
        event = contrast.target(contrast.scores(outcome, arm), contrast.goes_on(outcome, arm))[who]
        for visit in range(1, contrast.visit + 1):
            at_risk, events = counts.at_risk[:, k, visit - 1], counts.events[:, k, visit - 1]
            later = counts.at_risk[:, k, visit] if visit < contrast.visit else 0
            known = happened[:, k, visit - 1][~np.isnan(happened[:, k, visit - 1])]
            ends = np.quantile(known, [TAIL, 1 - TAIL]) if known.size else (np.nan, np.nan)
            rows.append(
                {
                    "endpoint": contrast.name,
                    "phase": contrast.phase.name,
                    "arm": arm,
                    "measure": contrast.given.measure,
                    "visit": contrast.phase.visits_h[visit].text,
                    "time_h": float(contrast.phase.visits_h[visit]),
                    "at_risk": float(at_risk.mean()),
                    "events": float(events.mean()),
                    "censored": float((at_risk - events - later).mean()),
                    "happened": float(known.mean()) if known.size else np.nan,
                    "happened_low": float(ends[0]),
                    "happened_high": float(ends[1]),
                    "happened_truth": float(np.mean(event <= visit)) if event.size else np.nan,
                }
            )
    return pl.DataFrame(rows).with_columns(pl.col(pl.Float64).fill_nan(None))


def curves(outcome: Outcome, of: list[tuple[Contrast, Any, Any]]) -> polars.DataFrame | None:
    """Return the curves of all endpoints that are times; None where none is. Each comes with its arms and scores."""
    import polars as pl

    frames = [curve(outcome, one, counts_of(one, arms, scores)) for one, arms, scores in of]
    return pl.concat(frames) if frames else None
