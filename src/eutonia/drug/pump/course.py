"""What a pump therapy delivers: its events played through, piece by piece, with no step and no error of one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from eutonia.drug.pump.implant import Piece, Pump
from eutonia.drug.pump.notes import Happening as Happening
from eutonia.drug.pump.notes import Implanted as Implanted
from eutonia.drug.pump.notes import Setting as Setting
from eutonia.drug.pump.player import Player
from eutonia.drug.pump.therapy import FILLINGS, Emptied, Event, Refill, Therapy

# Volumes that differ by less than this (mL) are the same; far below a syringe's line.
_SAME_ML = 1e-9
# A pump that pumps more than twice what it is told is no error of flow: drug or records are lost.
_MOST_TOO_FAST = 1.0


@dataclass(frozen=True, slots=True)
class Found:
    """A refill at which the volume left was measured, mL.

    Attributes
    ----------
    at_h, since_h
        Of this refill and of the filling before.
    filled, expected, found
        Volume after the filling before, as programmed now, and as drawn out.
    flow_error
        Share by which the pump ran faster than programmed, primings apart; 0 where no error explains it, and the course
        then runs as programmed.
    """

    at_h: float
    since_h: float
    filled: float
    expected: float
    found: float
    flow_error: float = 0.0
    is_explained: bool = True

    @property
    def error(self) -> float:
        """What a clinic writes down: what is missing beyond the expected, as a share of what should be missing."""
        gone = self.filled - self.expected
        return (self.expected - self.found) / gone if gone > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Delivery:
    """A therapy played through.

    Attributes
    ----------
    therapy, pieces, pump
        What was played, its pieces of constant delivery, the pump at the end.
    happenings, settings
        What happened, and what was programmed.
    measured
        Errors of flow that volumes found at refills tell; the pieces run with them.
    implants
        What lies in the person from when on.
    """

    therapy: Therapy
    pieces: tuple[Piece, ...]
    happenings: tuple[Happening, ...]
    settings: tuple[Setting, ...]
    pump: Pump
    measured: tuple[Found, ...]
    implants: tuple[Implanted, ...]

    def totals(self, edges_h: Sequence[float] | Float[np.ndarray, " edge"]) -> Float[np.ndarray, "kind span"]:
        """Return what was pumped, what left the tip and what leaked between neighbouring times, ug."""
        return self._between(edges_h, ("pumped", "delivered", "leaked"))

    def wanted(self, edges_h: Sequence[float] | Float[np.ndarray, " edge"]) -> Float[np.ndarray, " span"]:
        """Return what was wanted at the tip between neighbouring times, ug."""
        return self._between(edges_h, ("wanted",))[0]

    def _between(
        self, edges_h: Sequence[float] | Float[np.ndarray, " edge"], names: tuple[str, ...]
    ) -> Float[np.ndarray, "kind span"]:
        pieces = [piece for piece in self.pieces if piece.hours > 0]
        ends = np.array([pieces[0].start_h if pieces else 0.0, *(piece.end_h for piece in pieces)])
        spent = np.array([[getattr(p, name) for name in names] for p in pieces]).reshape(-1, len(names))
        held = np.concatenate([np.zeros((1, len(names))), np.cumsum(spent * np.diff(ends)[:, None], axis=0)])
        found = np.stack([np.diff(np.interp(np.asarray(edges_h), ends, column)) for column in held.T])
        # A difference of sums is rounding where it is a billionth of a billionth of them.
        return np.where(np.abs(found) <= 1e-13 * held[-1][:, None], 0.0, found)

    def first(self, what: str, after_h: float) -> float:
        """Return when something first happens after a time; infinite if it does not."""
        return next((one.at_h for one in self.happenings if one.what == what and one.at_h >= after_h), math.inf)

    def implant(self, time_h: float) -> Implanted:
        """Return what lies in the person at a time."""
        return next((one for one in reversed(self.implants) if one.at_h <= time_h), self.implants[0])

    def setting(self, time_h: float) -> Setting | None:
        """Return what is programmed at a time, if anything."""
        return next((one for one in reversed(self.settings) if one.at_h <= time_h), None)


def play(therapy: Therapy, *, flow_error: float = 0.0, until_h: float | None = None) -> Delivery:
    """Play a therapy through.

    Parameters
    ----------
    therapy
        What was done and what went wrong.
    flow_error
        Share by which this pump runs faster than programmed, within the tolerance of the device; a filling whose rest
        was measured runs as that tells instead.
    until_h
        End, if not that of the therapy; events after it are left out.
    """
    end = therapy.duration_h if until_h is None else until_h
    player, measured = Player.begun(therapy, flow_error), []
    filled, since, first = player.copy(flow_error), therapy.starts_h, 0
    for k, event in enumerate(therapy.events):
        if event.at_h > end:
            break
        player.advance(event.at_h)
        if isinstance(event, Refill) and event.found is not None:
            again = _Again(filled, therapy.events[first:k], event.at_h)
            found = again.told_by(event.found, since)
            measured.append(found)
            player = again.played(found.flow_error)
        player.act(event)
        if isinstance(event, (*FILLINGS, Emptied)):
            player.pump = replace(player.pump, flow_error=flow_error)
            filled, since, first = player.copy(flow_error), event.at_h, k + 1
    player.advance(end)
    return Delivery(
        therapy,
        tuple(player.pieces),
        tuple(sorted(player.happenings, key=lambda one: one.at_h)),
        tuple(player.settings),
        player.pump,
        tuple(measured),
        tuple(player.implants),
    )


@dataclass(frozen=True, slots=True)
class _Again:
    """The stretch from a filling to the refill at which the rest was measured, to be played with other errors."""

    filled: Player
    events: tuple[Event, ...]
    end_h: float

    def played(self, error: float) -> Player:
        """Return the player at the refill if the pump runs faster than programmed by this share."""
        player = self.filled.copy(error)
        for event in self.events:
            player.advance(event.at_h)
            player.act(event)
        player.advance(self.end_h)
        return player

    def left(self, error: float) -> float:
        """Return the volume left, mL."""
        return self.played(error).pump.volume

    def told_by(self, found: float, since_h: float) -> Found:
        """Return the error of flow with which the volume that was found is left."""
        most, expected = self.left(-1.0), self.left(0.0)
        told = Found(self.end_h, since_h, self.filled.pump.volume, expected, found)
        if abs(found - expected) <= _SAME_ML:
            return told
        if found > most + _SAME_ML or most - expected <= _SAME_ML:
            return replace(told, is_explained=False)
        if expected > 0.0:  # what is used grows in proportion to the flow
            error = (expected - found) / (most - expected)
        else:
            from scipy.optimize import brentq

            error = float(brentq(lambda share: self.left(share) - found, -1.0, 0.0, xtol=1e-14))
        return replace(told, flow_error=error) if error <= _MOST_TOO_FAST else replace(told, is_explained=False)
