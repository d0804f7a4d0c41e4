"""Arms on the clock that several tests share."""

from __future__ import annotations

import numpy as np

from eutonia.drug.effect.adverse import REACTIONS
from eutonia.study.parts import Arm
from eutonia.trial.arms import ArmRun
from eutonia.trial.reactions import ReactionWatch


def arm_run(arm: Arm, member: np.ndarray, end_h: float) -> ArmRun:
    """Return an arm in a period of which nothing is known before, and in which no reaction comes to anybody."""
    never = np.full((len(REACTIONS), len(member)), np.inf)
    return ArmRun(arm, member, end_h, 0, None, ReactionWatch(arm, "cerebral", never))
