"""What a block of a muscle does to the angle of its catch: people stretched fast with every share of it blocked."""

from __future__ import annotations

from functools import cache

import jax.numpy as jnp
import numpy as np
from survivors import survivors

from eutonia.assessment.tardieu import TardieuConstants, clear, passive_range
from eutonia.examination.tardieu import fast_stretch
from eutonia.limb.muscle import all_muscle_groups
from eutonia.simulation.bedside import bedside, bedside_constants
from eutonia.simulation.course import Snapshot
from eutonia.simulation.people import People
from eutonia.simulation.treated import under
from eutonia.tone.spinal import muscle_bias
from eutonia.treatment import Effects

SEED, POOL, CHRONIC_H, ENTRY = 2015, 4096, 6 * 730.5, 1.5
SHARES = np.linspace(0.0, 1.0, 11)


class Catches:
    """Survivors half a year or more after a stroke whose group has a latent grade of 1.5 or more (a rater's 2 on the
    Modified Ashworth scale, half the time), and the angle of catch at V3 (deg) of each with each of `SHARES` blocked.
    """

    def __init__(self, muscle: str) -> None:
        found, body, groups = survivors(SEED, POOL), bedside_constants(), all_muscle_groups()
        row = [group.name for group in groups].index(muscle)
        limb, everybody = groups[row].limb_index, found.bedside.people
        deviate = everybody.traits.muscle_deviation[row : row + 1]
        tone = muscle_bias(jnp.maximum(everybody.bias[limb : limb + 1], 0.0), deviate, body.tone)
        here = np.flatnonzero((found.time_h >= CHRONIC_H) & (np.asarray(tone)[0] >= ENTRY))
        self.people: People = everybody.take(jnp.asarray(here))
        self.of, self.row = groups[row], row
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
