"""A policy that another package brings: a pump dose that rises by a fixed share, for who still has spasms."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from eutonia.study.fields import Interval, Share, described
from eutonia.study.policies import History, Moment, Patients, Policy, Proposal, Screening, decisions
from eutonia.study.treatments import Treatment


class BySpasms(Policy):
    """Pump dose raised by a share of itself while spasms of the leg are told."""

    policy: Literal["by spasms"] = described("Up by a share while spasms are told.")
    share: Share = described("Rise at each visit, as a share of the dose.")
    every_h: Interval = described("Time from visit to visit.", alias="every")

    steers: ClassVar[str | None] = "intrathecal infusion"
    sources: ClassVar[tuple[str, ...]] = ("Someone C. A journal of doses 2021;2:2-20",)

    def first(self, amount: Patients, screening: Screening | None) -> Patients:
        """Return what the treatment says."""
        return amount

    def moments(self, given: Treatment, last_h: float, end_h: float) -> list[Moment]:
        """Return visits at equal intervals."""
        return decisions(float(given.begins_h), self.every_h, last_h)

    def next(self, history: History) -> Proposal:
        """Return the next dose."""
        told = np.asarray(history.seen["spasm"])[0] > 0
        return Proposal(np.where(told, history.amount * (1.0 + self.share), history.amount))
