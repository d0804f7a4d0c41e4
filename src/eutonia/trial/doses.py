"""What people were given, kept at the moment of each change: a dose is a step, not a line between visits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, Int

Patients = Float[np.ndarray, " patient"]
# What is given at a visit is still told there.
_JUST_AFTER_H = 1e-3


@runtime_checkable
class Doses(Protocol):
    """What people were given, in memory or not: some of its hours, or some of its people, at a time."""

    @property
    def time_h(self) -> Float[np.ndarray, " change"]:
        """Hours at which somebody's dose changes."""

    def each_at(self, time_h: Float[np.ndarray, " time"]) -> Iterator[tuple[float, Patients, Patients]]:
        """Yield each of these times with what everybody is given from it on: pump in ug/h, tablets in mg/day."""

    def groups(self) -> Iterator[tuple[Int[np.ndarray, " place"], DoseLog]]:
        """Yield groups of people, by their places among all, with their log."""


@dataclass(frozen=True)
class DoseLog:
    """Doses of people from each change on: hours of the changes, pump in ug/h, tablets in mg/day."""

    time_h: Float[np.ndarray, " change"]
    rate_ug_per_h: Float[np.ndarray, "change patient"]
    tablets_mg_per_day: Float[np.ndarray, "change patient"]

    @classmethod
    def empty(cls, n_patients: int) -> DoseLog:
        """Return the log of people who are given nothing."""
        nothing = np.zeros((1, n_patients))
        return cls(np.zeros(1), nothing, nothing)

    def noted(self, time_h: float, rate_ug_per_h: Patients, tablets_mg_per_day: Patients) -> DoseLog:
        """Return the log with what is given from a time on; later notes of one time replace earlier ones."""
        last = np.array_equal(self.rate_ug_per_h[-1], rate_ug_per_h)
        if last and np.array_equal(self.tablets_mg_per_day[-1], tablets_mg_per_day):
            return self
        keep = self.time_h < time_h
        return DoseLog(
            np.append(self.time_h[keep], time_h),
            np.vstack([self.rate_ug_per_h[keep], rate_ug_per_h]),
            np.vstack([self.tablets_mg_per_day[keep], tablets_mg_per_day]),
        )

    def at(self, time_h: Float[np.ndarray, " time"]) -> DoseLog:
        """Return what is given from each of these times on."""
        place = np.maximum(np.searchsorted(self.time_h, time_h, side="right") - 1, 0)
        return DoseLog(time_h, self.rate_ug_per_h[place], self.tablets_mg_per_day[place])

    def each_at(self, time_h: Float[np.ndarray, " time"]) -> Iterator[tuple[float, Patients, Patients]]:
        """Yield each of these times with what everybody is given from it on: pump in ug/h, tablets in mg/day."""
        given = self.at(time_h)
        yield from zip(time_h.tolist(), given.rate_ug_per_h, given.tablets_mg_per_day, strict=True)

    def groups(self) -> Iterator[tuple[Int[np.ndarray, " place"], DoseLog]]:
        """Yield groups of people, by their places among all, with their log."""
        yield np.arange(self.rate_ug_per_h.shape[1]), self

    def take(self, who: slice | Int[np.ndarray, " place"]) -> DoseLog:
        """Return the log of some of the people, in their order."""
        return DoseLog(self.time_h, self.rate_ug_per_h[:, who], self.tablets_mg_per_day[:, who])

    def replaced(self, other: DoseLog, who: Bool[np.ndarray, " patient"]) -> DoseLog:
        """Return the log in which the people `who` have the doses of another one of the same people."""
        times = np.union1d(self.time_h, other.time_h)
        mine, theirs = self.at(times), other.at(times)
        return DoseLog(
            times,
            np.where(who, theirs.rate_ug_per_h, mine.rate_ug_per_h),
            np.where(who, theirs.tablets_mg_per_day, mine.tablets_mg_per_day),
        )

    def followed(self, begin_h: float, end_h: float, other: DoseLog, who: Bool[np.ndarray, " patient"]) -> DoseLog:
        """Return the log in which the people `who` have the doses of another one, whose hours count from `begin_h`, up
        to its hour `end_h` and nothing after it.
        """
        nothing = np.zeros(len(who))
        other = other.noted(end_h + _JUST_AFTER_H, nothing, nothing)
        times = np.union1d(self.time_h, other.time_h + begin_h)
        mine, theirs = self.at(times), other.at(times - begin_h)
        now = who & (times >= begin_h)[:, None]
        return DoseLog(
            times,
            np.where(now, theirs.rate_ug_per_h, mine.rate_ug_per_h),
            np.where(now, theirs.tablets_mg_per_day, mine.tablets_mg_per_day),
        )


def side_by_side(logs: Sequence[DoseLog]) -> DoseLog:
    """Return the log of several blocks of people, one block after the other."""
    times = logs[0].time_h
    for log in logs[1:]:
        times = np.union1d(times, log.time_h)
    parts = [log.at(times) for log in logs]
    return DoseLog(
        times,
        np.concatenate([part.rate_ug_per_h for part in parts], axis=1),
        np.concatenate([part.tablets_mg_per_day for part in parts], axis=1),
    )
