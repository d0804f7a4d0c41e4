"""What a block of a muscle does to the angle of its catch: people stretched fast with shares of its force and of its
spindles' answer blocked.
"""

from __future__ import annotations

from functools import cache, cached_property

import numpy as np
from survivors import stiff

from eutonia.assessment.tardieu import TardieuConstants, clear, passive_range
from eutonia.examination.tardieu import fast_stretch
from eutonia.limb.muscle import all_muscle_groups
from eutonia.simulation.bedside import bedside, bedside_constants, group
from eutonia.simulation.course import Snapshot
from eutonia.simulation.treated import under
from eutonia.treatment import Effects

SEED, POOL = 2015, 4096
SHARES = np.linspace(0.0, 1.0, 9)


class Catches:
    """People who are stiff enough in a muscle group, and the angle of their catch at V3, deg."""

    def __init__(self, muscle: str) -> None:
        self.people, self.of = stiff(SEED, POOL, muscle), group(muscle)
        self.row = all_muscle_groups().index(self.of)
        self.before = self._angle(0.0, 0.0)

    @cached_property
    def table(self) -> np.ndarray:
        """The angle of each with each of `SHARES` of force (first axis) and spindles (second) blocked."""
        return np.array([[self._angle(force, spindles) for spindles in SHARES] for force in SHARES])

    def _angle(self, blocked: np.ndarray | float, spindles: np.ndarray | float) -> np.ndarray:
        named = {"blockade": blocked, "force": 1.0 - blocked, "spindles": 1.0 - spindles}
        effects = Effects.on(self.people.n, self.of.name, **named)
        at = bedside(self.people, under(Snapshot.untreated(self.people.n), effects))
        met, healthy = fast_stretch(at, self.of, "V3"), bedside_constants().passive.passive_rest_angle
        r2 = self.of.range_of_motion * passive_range(at.state.rest_angle[self.row], healthy)
        return np.asarray(clear(met.torque, met.angle, r2, TardieuConstants.from_records()))

    def gain(self, blocked: np.ndarray, spindles: np.ndarray, *, between: bool = False) -> float:
        """Return by how much the mean angle grows where each has shares blocked; for a fit, linear `between` those of
        the table.
        """
        if not between:
            return float(np.mean(self._angle(blocked, spindles) - self.before))
        person, after = np.arange(self.people.n), 0.0
        for force, of_force in _beside(blocked):
            for answer, of_answer in _beside(spindles):
                after = after + of_force * of_answer * self.table[force, answer, person]
        return float(np.mean(after - self.before))


def _beside(shares: np.ndarray) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    """Return the places in `SHARES` below and above each share, and how much of each counts."""
    place = np.interp(shares, SHARES, np.arange(len(SHARES)))
    below = np.minimum(place.astype(int), len(SHARES) - 2)
    return (below, below + 1 - place), (below + 1, place - below)


catches = cache(Catches)
