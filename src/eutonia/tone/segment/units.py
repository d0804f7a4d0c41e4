"""Motor units of a pool in order of size: membrane, axon, twitch and surface potential.

Everything grows together from the smallest type S to the largest type FF unit: threshold, membrane area, conduction
velocity, force (Henneman's size principle).

Equation
    s = (theta - theta_1) / (theta_n - theta_1)                    (place in the pool, 0 smallest, 1 largest)
    d = d_1 + s (d_n - d_1),   tau_m = tau_1 + s (tau_n - tau_1)
    leak = (d / d_1)^2 tau_1 / tau_m                               (of the cell, share of the smallest one's)
    P = P_1 (P_n / P_1)^s,     a = P^q / sum P^q                   (twitch force, share of the M wave)
Source: Cisi_Kohn_2008 for the ends of every range; in between is interpolation.
"""

from __future__ import annotations

import equinox as eqx
import numpy as np
from jaxtyping import Float

from eutonia import parameters

TYPES = ("S", "FR", "FF")
_EDGES = ("least of S", "S to FR", "FR to FF", "most of FF")
_EXTREMES = ("smallest", "largest")

Units = Float[np.ndarray, " unit"]


class MotorUnits(eqx.Module):
    """Properties of the units of one pool, smallest first.

    `threshold` mV above rest; `leak` share of the smallest cell's; `membrane_time`, `ahp_time` ms; `velocity` m/s;
    `current` mA of a nerve stimulus that fires the axon; `twitch_force` N; `twitch_time` ms to the peak; `potential`
    share of the M wave; `is_slow` type S.
    """

    threshold: Units
    leak: Units
    membrane_time: Units
    ahp_time: Units
    velocity: Units
    current: Units
    twitch_force: Units
    twitch_time: Units
    potential: Units
    is_slow: np.ndarray

    @classmethod
    def pool(cls, n_units: int) -> MotorUnits:
        """Return a pool of `n_units` with types in the shares of the soleus."""
        s = parameters.load("segment")
        edges, shares = s.along("threshold_edges", "mV", _EDGES), np.asarray(s.along("motor_units", "1", TYPES))
        upto = np.concatenate([[0.0], np.cumsum(shares) / shares.sum()])
        rank = (np.arange(n_units) + 0.5) / n_units
        threshold = np.interp(rank, upto, edges)
        place = (threshold - edges[0]) / (edges[-1] - edges[0])
        is_slow = rank < upto[1]

        def between(name: str, unit: str) -> Units:
            first, last = s.along(name, unit, _EXTREMES)
            return first + place * (last - first)

        diameter, membrane_time = between("soma_diameter", "um"), between("membrane_time", "ms")
        area = (diameter / s.along("soma_diameter", "um", _EXTREMES)[0]) ** 2
        slow, fast = s.along("ahp_time", "ms", ("slow", "fast"))
        weakest, strongest = s.along("twitch_force", "N", _EXTREMES)
        force = weakest * (strongest / weakest) ** place
        potential = force ** s.value("potential_exponent", "1")
        highest, lowest = s.along("motor_current", "mA", _EXTREMES)
        return cls(
            threshold=threshold,
            leak=area * s.along("membrane_time", "ms", _EXTREMES)[0] / membrane_time,
            membrane_time=membrane_time,
            ahp_time=np.where(is_slow, slow, fast),
            velocity=between("motor_velocity", "m/s"),
            current=highest - place * (highest - lowest),
            # A smaller pool stands for the whole: each of its units for several, so force does not depend on numbers.
            twitch_force=force * shares.sum() / n_units,
            twitch_time=between("twitch_time", "ms"),
            potential=potential / potential.sum(),
            is_slow=is_slow,
        )

    @property
    def n_units(self) -> int:
        """Number of units."""
        return len(self.threshold)
