"""Examinations of a spiking segment that are scored as a clinician scores them: clonus, beside those that are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from eutonia.assessment.clonus import ClonusConstants, clonus_score
from eutonia.simulation.segment import PROTOCOLS, Number, Person, SegmentFinding
from eutonia.simulation.segment_ankle import pressed

#: So long of the pressing is shown with every cell, s.
_SHOWN_S = 2.5


def examine(protocol: str, who: Person) -> SegmentFinding:
    """Examine a person by one of `EXAMINATIONS`."""
    return EXAMINATIONS[protocol](who)


def _clonus(who: Person) -> SegmentFinding:
    clonic = replace(who, condition=who.condition.with_fusimotor_drive())
    constants = ClonusConstants.from_records()
    held = pressed(clonic.segment(1))
    score = clonus_score(held.motion, constants)
    soleus, tibialis = held.largest_torques
    numbers = [
        Number(f"Beats (above {constants.clonus_sustained:g}: sustained clonus)", float(score.beats[0]), "1"),
        Number("Frequency of the beats", float(score.frequency[0]), "Hz"),
        Number("Last beat after the push", float(score.duration[0]), "s"),
        Number("Swing of the foot in the later half", held.late_swing_deg, "deg"),
        Number("Largest torque of the soleus", soleus, "N m"),
        Number("Largest torque of the tibialis anterior", tibialis, "N m"),
        Number("Fusimotor drive, of that without a lesion", float(clonic.condition.fusimotor[0]), "1"),
    ]
    shown = pressed(clonic.segment(1), _SHOWN_S, record="all").loop
    return SegmentFinding("clonus", "Clonus test", numbers, None, shown.activity, np.rad2deg(shown.angle[:, 0]))


EXAMINATIONS: Mapping[str, Callable[[Person], SegmentFinding]] = {**PROTOCOLS, "clonus": _clonus}
