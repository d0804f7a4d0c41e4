"""Descending pathways of a person: what a lesion has cut for good, what it has silenced for weeks, what is left.

Equation
    integrity(t) = 1 - core_loss (1 - exp(-t / growth_time)) - shell_loss exp(-t / recovery_time)
The first bracket is 1 where the growth time is 0: all is lost at once, as in a stroke.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from eutonia.errors import SimulationError

PATHWAYS = ("corticospinal", "dorsal reticulospinal", "medial reticulospinal", "monoaminergic")
LIMBS = ("leg", "arm")
CORTICOSPINAL, DORSAL_RETICULOSPINAL, MEDIAL_RETICULOSPINAL, MONOAMINERGIC = range(len(PATHWAYS))
LEG, ARM = range(len(LIMBS))

_ROUNDING = 1e-9

Loss = Float[np.ndarray, "pathway limb patient"]


@dataclass(frozen=True, eq=False)
class Pathways:
    """Loss of the descending pathways to the affected leg and arm, patients last.

    "Dorsal reticulospinal" stands for the whole inhibitory route: premotor cortex, corticoreticular fibres, medullary
    reticular formation and the tract in the cord. "Medial reticulospinal" is the facilitating path from the pons.
    "Monoaminergic" is the diffuse supply of serotonin and noradrenaline, which runs on both sides: only a lesion of
    the cord cuts it.

    Parameters
    ----------
    core_loss
        Share of each pathway that is dead, or will be in the end: it never returns.
    shell_loss
        Share that is alive but silenced at onset (rim of an infarct, squeezed tissue around a bleed): it returns.
    recovery_time_h
        Time constant of that return, h.
    growth_time_h
        Time constant with which the dead share grows, h; 0, or left out, for a loss at once.
    """

    core_loss: Loss
    shell_loss: Loss
    recovery_time_h: Float[np.ndarray, " patient"]
    growth_time_h: Float[np.ndarray, " patient"] | None = None

    def __post_init__(self) -> None:
        growth = np.zeros_like(self.recovery_time_h) if self.growth_time_h is None else self.growth_time_h
        object.__setattr__(self, "growth_time_h", growth)
        at_once = (
            self.core_loss + self.shell_loss
        )  # a share that grows more slowly than the other returns never adds up
        lost = np.where(growth >= self.recovery_time_h, np.maximum(self.core_loss, self.shell_loss), at_once)
        negative = np.any(self.core_loss < -_ROUNDING) or np.any(self.shell_loss < -_ROUNDING)
        if negative or np.any(lost > 1.0 + _ROUNDING) or np.any(self.recovery_time_h <= 0.0) or np.any(growth < 0.0):
            raise SimulationError(
                f"a pathway has lost {float(np.max(lost)):.3g} of itself, or a negative share. Allowed: core_loss and "
                "shell_loss >= 0 with a sum of at most 1, recovery_time_h > 0, growth_time_h >= 0. Correct the shares."
            )

    def __len__(self) -> int:
        """Return the number of patients."""
        return int(self.core_loss.shape[-1])

    def integrity(self, time_since_onset_h: float | Float[np.ndarray, "..."]) -> Loss:
        """Return the working share of each pathway, from 0 (none) to 1 (whole).

        Parameters
        ----------
        time_since_onset_h
            Time since the lesion, h, at least 0: one for all or one a patient.
        """
        time_h = np.asarray(time_since_onset_h, dtype=np.float64)
        if np.any(time_h < 0.0):
            raise SimulationError(
                f"time since onset is {float(np.min(time_h)):g} h. Allowed: 0 or later. Count from the onset."
            )
        growth = np.asarray(self.growth_time_h)
        grown = np.where(growth > 0.0, -np.expm1(-time_h / np.where(growth > 0.0, growth, 1.0)), 1.0)
        left = 1.0 - self.core_loss * grown - self.shell_loss * np.exp(-time_h / self.recovery_time_h)
        return np.asarray(np.clip(left, 0.0, 1.0))

    def take(self, which: Int[np.ndarray, " chosen"]) -> Pathways:
        """Return the pathways of some patients, in the order asked."""
        growth = np.asarray(self.growth_time_h)[which]
        return type(self)(self.core_loss[..., which], self.shell_loss[..., which], self.recovery_time_h[which], growth)
