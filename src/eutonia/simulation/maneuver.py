"""What an examiner does to a limb: stretch it at one of four speeds, or tap its tendon.

V1 is as slow as possible, V2 the speed of the segment that falls, V3 as fast as possible (Tardieu); the Ashworth
stretch takes the joint through its range in about a second.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

from eutonia import parameters
from eutonia._arguments import NUMBER, expect, one_of
from eutonia.errors import SimulationError
from eutonia.limb.joint import joint
from eutonia.limb.muscle import MuscleGroup, muscle_groups

Speed = Literal["V1", "V2", "ashworth", "V3"]
SPEEDS: tuple[Speed, ...] = ("V1", "V2", "ashworth", "V3")

# A pendulum let go from the level hangs after K(1/2) / sqrt(m g l / I) seconds: a constant of mathematics.
_QUARTER_SWING = 1.8540746773013719


@dataclass(frozen=True)
class PassiveStretch:
    """A stretch through the full range at constant speed.

    Parameters
    ----------
    speed
        "V1" (slow), "V2" (as the segment falls), "ashworth" (the range in about a second) or "V3" (fast).

    Raises
    ------
    SimulationError
        Another name of a speed.
    """

    speed: Speed = "ashworth"

    def __post_init__(self) -> None:
        """Refuse an unknown speed."""
        one_of("stretch speed", self.speed, SPEEDS, "Give one of them.")

    def degrees_per_second(self, groups: tuple[MuscleGroup, ...] | None = None) -> Float[np.ndarray, " muscle"]:
        """Return the speed of the stretch of each muscle group (the charted ones if left out), deg/s."""
        stretched, bedside = groups or muscle_groups(), parameters.load("bedside")
        if self.speed == "ashworth":
            return np.array([group.speed for group in stretched])
        if self.speed == "V1":
            return np.full(len(stretched), bedside.value("slow_stretch_speed", "deg/s"))
        ankle, other = bedside.values(fast_stretch_speed_ankle="deg/s", fast_stretch_speed_knee="deg/s")
        fast = np.array([ankle if group.joint == "ankle" else other for group in stretched])
        if self.speed == "V3":
            return fast
        stature = parameters.load("limb").value("stature", "m")
        rate = np.array([joint(group.joint).falling_rate(stature) for group in stretched])
        return np.minimum(90.0 * rate / _QUARTER_SWING, fast)

    def ranges_per_second(self, groups: tuple[MuscleGroup, ...] | None = None) -> Float[np.ndarray, "muscle 1"]:
        """Return the speed as joint ranges per second, with an axis for patients."""
        spans = np.array([group.range_of_motion for group in groups or muscle_groups()])
        return (self.degrees_per_second(groups) / spans)[:, None]


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
        expect("strength of a tendon tap", self.strength, NUMBER)
        if not 0 < self.strength <= 1:
            raise SimulationError(
                f"a tendon tap has strength {self.strength:g}. Allowed: above 0, at most 1 (a brisk tap). Give 1."
            )
