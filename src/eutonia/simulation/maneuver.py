"""What an examiner does to a limb: stretch it at one of three speeds, or tap its tendon.

V1 is as slow as possible, V3 as fast as possible (Tardieu); the Ashworth stretch takes the joint through its range
in about a second.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

from eutonia import parameters
from eutonia.errors import SimulationError, unknown
from eutonia.limb.muscle import muscle_groups

Speed = Literal["V1", "ashworth", "V3"]
SPEEDS: tuple[Speed, ...] = ("V1", "ashworth", "V3")


@dataclass(frozen=True)
class PassiveStretch:
    """A stretch through the full range at constant speed.

    Parameters
    ----------
    speed
        "V1" (slow), "ashworth" (the range in about a second) or "V3" (fast).

    Raises
    ------
    SimulationError
        Another name of a speed.
    """

    speed: Speed = "ashworth"

    def __post_init__(self) -> None:
        """Refuse an unknown speed."""
        if self.speed not in SPEEDS:
            raise SimulationError(unknown("stretch speed", self.speed, SPEEDS, "Give one of them."))

    def degrees_per_second(self) -> Float[np.ndarray, " muscle"]:
        """Return the speed of the stretch of each muscle group, deg/s."""
        bedside = parameters.load("bedside")
        if self.speed == "ashworth":
            return np.array([group.speed for group in muscle_groups()])
        if self.speed == "V1":
            return np.full(len(muscle_groups()), bedside.value("slow_stretch_speed"))
        ankle, other = bedside.values("fast_stretch_speed_ankle", "fast_stretch_speed_knee")
        return np.array([ankle if group.joint == "ankle" else other for group in muscle_groups()])

    def ranges_per_second(self) -> Float[np.ndarray, "muscle 1"]:
        """Return the speed as joint ranges per second, with an axis for patients."""
        return (self.degrees_per_second() / np.array([g.range_of_motion for g in muscle_groups()]))[:, None]


@dataclass(frozen=True)
class TendonTap:
    """A tap on a tendon: one synchronous Ia volley.

    Parameters
    ----------
    strength
        Volley relative to a brisk tap (1); an electrical stimulus that recruits every Ia fibre is 1 too.
    """

    strength: float = 1.0

    def __post_init__(self) -> None:
        """Refuse a tap without force."""
        if not 0 < self.strength <= 1:
            raise SimulationError(
                f"a tendon tap has strength {self.strength:g}. Allowed: above 0, at most 1 (a brisk tap). Give 1."
            )
