"""What a block of a muscle does to the angle of its catch: people stretched fast with every share of it blocked."""

from __future__ import annotations

from functools import cache

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
SHARES = np.linspace(0.0, 1.0, 11)


class Catches:
    """People who are stiff enough in a muscle group, and the angle of catch at V3 (deg) of each with each of `SHARES`
    blocked.
    """

    def __init__(self, muscle: str) -> None:
        self.people, self.of = stiff(SEED, POOL, muscle), group(muscle)
        self.row = all_muscle_groups().index(self.of)
        self.angle = np.stack([self._angle(share) for share in SHARES])

    def _angle(self, blocked: float) -> np.ndarray:
        effects = Effects.on(self.people.n, self.of.name, blockade=blocked, force=1.0 - blocked)
        at = bedside(self.people, under(Snapshot.untreated(self.people.n), effects))
        met, healthy = fast_stretch(at, self.of, "V3"), bedside_constants().passive.passive_rest_angle
        r2 = self.of.range_of_motion * passive_range(at.state.rest_angle[self.row], healthy)
        return np.asarray(clear(met.torque, met.angle, r2, TardieuConstants.from_records()))

    def gain(self, blocked: np.ndarray) -> float:
        """Return by how much the mean angle grows where each has a share blocked; linear between `SHARES`."""
        after = [np.interp(share, SHARES, angle) for share, angle in zip(blocked, self.angle.T, strict=True)]
        return float(np.mean(after - self.angle[0]))


catches = cache(Catches)
