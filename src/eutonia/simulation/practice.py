"""What a block of people have learned by practice so far, and the bias that it leaves them."""

from __future__ import annotations

from dataclasses import dataclass, field

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from eutonia.tone.learning import METHODS as METHODS
from eutonia.tone.learning import LearningConstants, learned_share, learners
from eutonia.treatment import AbstractTherapy, Effects

Patients = Float[Array | np.ndarray, " patient"]


@dataclass(frozen=True)
class _Learning:
    """One kind of practice of one limb: the share learned at a time, and the sessions a week since then."""

    share: Array
    sessions_per_week: Array
    since_h: float
    constants: LearningConstants

    def at(self, time_h: float) -> Array:
        return learned_share(self.share, self.sessions_per_week, time_h - self.since_h, self.constants)


@dataclass
class Practice(AbstractTherapy):
    """Practice of a block of people (`person`, identities on the streams of `seed`); empty until somebody begins."""

    seed: int
    person: Array
    _of: dict[tuple[str, str], _Learning] = field(default_factory=dict)

    def begin(self, method: str, limb: str, sessions_per_week: Patients, time_h: float) -> None:
        """Practise a limb so many times a week from `time_h` on, in place of what was done in this way before."""
        before = self._of.get((method, limb))
        constants = before.constants if before else LearningConstants.of(method)
        share = before.at(time_h) if before else jnp.zeros(len(self.person))
        able = learners(self.seed, self.person, constants)
        sessions = jnp.where(able, jnp.asarray(sessions_per_week), 0.0)
        self._of[method, limb] = _Learning(share, sessions, time_h, constants)

    def stop(self, time_h: float) -> None:
        """End all practice at `time_h`; what was learned fades from there."""
        for method, limb in tuple(self._of):
            self.begin(method, limb, np.zeros(len(self.person)), time_h)

    @property
    def is_idle(self) -> bool:
        """Whether nobody has begun."""
        return not self._of

    def effects(self, time_h: float) -> Effects:
        """Return the shares of the lesion's bias and of the Ia release that practice has left by `time_h`."""
        found = Effects.none(len(self.person))
        for (_, limb), learning in self._of.items():
            share, of = learning.at(time_h), learning.constants
            kept, release = 1.0 - of.of_bias * share, 1.0 - of.of_release * share
            found = found.joined(Effects.on(len(self.person), limb, bias_kept=kept, release=release))
        return found
