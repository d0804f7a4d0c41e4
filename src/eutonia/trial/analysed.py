"""What the analysis of every replicate trial found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars

# Why a trial has no answer by a method, and what to use instead.
_WHY_NONE = {
    "proportional odds": "scores of the arms, or of people with different first scores, do not overlap (they are "
    "separated, and the odds have no end), all are alike, or there are too many grades. ANCOVA and Wilcoxon have an "
    "answer where scores are separated",
    "MMRM": "no covariance of the visits could be fitted (ANCOVA needs none), or too few people of one arm were seen "
    "at the last visit. Take more people",
    "time to event": "it happened to nobody, or nobody of one arm was looked at again. Take a longer time, or more "
    "people",
}


def why_none(method: str) -> str:
    """Return why a trial may have no answer by a method, and what to use."""
    return _WHY_NONE.get(method, "too few people are known in one arm, or all have the same. Take more people")


@dataclass(frozen=True)
class Analysed:
    """What the analysis of every replicate trial found, and how often that is right.

    Parameters
    ----------
    trials : polars.DataFrame
        One row a replicate trial and endpoint: estimate, se, df, low, high, p, p_adjusted, rejected, who was in it, and
        the reason where it has no answer.
        With interim looks they are those of the look at which the trial stopped: look, stopped, level,
        median_unbiased.
    characteristics : polars.DataFrame
        One row an endpoint: over trials the mean and SD of estimates, what is true, bias, coverage, and the share of
        trials that reject, each with its Monte Carlo error.
    alpha : float
        Level of the tests; intervals have one less this, or less the level of the look at which a trial stopped.
    multiplicity : str
        How several tests are held together.
    looks : polars.DataFrame or None
        One row a look: people, boundaries, and the share of trials that stop there; None without interim looks.
    survival : polars.DataFrame or None
        One row an endpoint that is a time, arm and visit: at_risk, events, censored, and by Kaplan and Meier the share
        to which it has happened; None without such an endpoint. With interim looks it is of the people of the look at
        which each trial stopped.
    stages : polars.DataFrame or None
        One row a stage: people and how many of them are given the arm; None where allocation does not move.
    of_design : mapping of endpoint to sentence
        What a difference says by the design of its phase, such as a delayed start; endpoints without such are left out.
    """

    trials: polars.DataFrame
    characteristics: polars.DataFrame
    alpha: float
    multiplicity: str
    looks: polars.DataFrame | None = None
    survival: polars.DataFrame | None = None
    stages: polars.DataFrame | None = None
    of_design: Mapping[str, str] = field(default_factory=dict)

    @property
    def tables(self) -> tuple[polars.DataFrame | None, ...]:
        """All its tables, in the order in which they are written."""
        return self.trials, self.characteristics, self.looks, self.survival, self.stages
