"""Tubing as plug flow: what leaves at one end is what entered, a volume ago, at the other.

Drug does not mix along a tube of half a millimetre in which a few microlitres move an hour, so the content is a row of
parcels. Everything between two changes is constant: nothing is stepped, and there is no error of a step.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

Parcel = tuple[float, float]  # volume in mL, concentration in ug/mL

# A parcel of less than this (mL, a millionth of a nanolitre) is rounding of the moment at which it left.
_NOTHING_ML = 1e-15


@dataclass(frozen=True, slots=True)
class Tube:
    """A length of tubing: its parcels from the exit to the entry. A tube of no volume passes everything on."""

    parcels: tuple[Parcel, ...]

    @classmethod
    def filled(cls, volume: float, concentration: float) -> Tube:
        """Return a tube that holds one solution."""
        return cls(((volume, concentration),) if volume > 0 else ())

    @property
    def volume(self) -> float:
        """Volume, mL."""
        return math.fsum(volume for volume, _ in self.parcels)

    @property
    def amount(self) -> float:
        """Drug inside, ug."""
        return math.fsum(volume * concentration for volume, concentration in self.parcels)

    def leaving(self, entering: float) -> float:
        """Return the concentration that leaves while `entering` (ug/mL) enters."""
        return self.parcels[0][1] if self.parcels else entering

    def until_change(self, entering: float) -> float:
        """Return the volume that may enter before the concentration that leaves changes; infinite if it will not."""
        if not self.parcels or all(concentration == entering for _, concentration in self.parcels):
            return math.inf
        return self.parcels[0][0]

    def push(self, volume: float, entering: float) -> tuple[Tube, float]:
        """Return the tube after so much has entered, and the drug in ug that left for it.

        Pushing any volume is exact; the concentration that leaves is constant only up to `until_change`.
        """
        if not self.parcels:
            return self, volume * entering
        left, gone, rest = volume, 0.0, list(self.parcels)
        while rest and rest[0][0] <= left + _NOTHING_ML:
            size, concentration = rest.pop(0)
            gone += size * concentration
            left -= size
        if left > 0 and rest:
            size, concentration = rest[0]
            gone += left * concentration
            rest[0] = (size - left, concentration)
        elif left > 0:  # more than a whole tube: what entered first has left again
            gone += left * entering
            volume -= left
        if rest and rest[-1][1] == entering:
            rest[-1] = (rest[-1][0] + volume, entering)
        else:
            rest.append((volume, entering))
        return Tube(tuple(rest)), gone

    def pull(self, volume: float, entering: float) -> tuple[Tube, float]:
        """Return the tube after so much was drawn out at its entry, `entering` coming in at its exit; and the drug."""
        turned, gone = Tube(self.parcels[::-1]).push(volume, entering)
        return Tube(turned.parcels[::-1]), gone
