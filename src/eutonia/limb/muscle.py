"""The muscle groups that a clinician stretches: joint, limb, range, torque scale and examiner speed."""

from __future__ import annotations

from dataclasses import dataclass

from eutonia import parameters
from eutonia.patient import LIMBS

# Names of anatomy, not numbers: which groups are stretched at which joint.
_GROUPS = (
    ("knee extensors", "knee", "leg"),
    ("knee flexors", "knee", "leg"),
    ("ankle plantarflexors", "ankle", "leg"),
    ("elbow flexors", "elbow", "arm"),
    ("elbow extensors", "elbow", "arm"),
    ("wrist flexors", "wrist", "arm"),
)
# Groups that a full bedside examination adds; studies do not chart them.
_MORE_GROUPS = (
    ("hip adductors", "hip", "leg"),
    ("finger flexors", "fingers", "arm"),
)
#: How many groups are charted, and how many a full bedside examination stretches.
N_CHARTED, N_STRETCHED = len(_GROUPS), len(_GROUPS) + len(_MORE_GROUPS)


def charted_groups() -> tuple[tuple[str, str, str], ...]:
    """Return name, joint and limb of each charted muscle group, without reading a record."""
    return _GROUPS


def ceiling_weight() -> float:
    """Return the body weight, kg, at which the torque ceilings of the records hold; they scale with it."""
    return parameters.load("limb").value("ceiling_weight", "kg")


@dataclass(frozen=True)
class MuscleGroup:
    """One stretched muscle group.

    `range_of_motion` is in deg, `torque_ceiling` in N m at 70 kg, `speed` (Ashworth stretch) in deg/s.
    """

    name: str
    joint: str
    limb: str
    range_of_motion: float
    torque_ceiling: float
    speed: float

    @property
    def limb_index(self) -> int:
        """Position of the limb on the limb axis (leg 0, arm 1)."""
        return LIMBS.index(self.limb)


@parameters.remembered
def muscle_groups() -> tuple[MuscleGroup, ...]:
    """Return the charted muscle groups in the order of every muscle axis: three of the leg, three of the arm."""
    return _read(_GROUPS)


@parameters.remembered
def all_muscle_groups() -> tuple[MuscleGroup, ...]:
    """Return every muscle group that a full bedside examination stretches: the charted ones first, then the others."""
    return _read((*_GROUPS, *_MORE_GROUPS))


def _read(names: tuple[tuple[str, str, str], ...]) -> tuple[MuscleGroup, ...]:
    duration = parameters.load("bedside").value("stretch_duration", "s")
    groups = []
    for name, joint, limb in names:
        range_of_motion, ceiling = parameters.load(f"limb_{joint}").values(range_of_motion="deg", torque_ceiling="N m")
        groups.append(MuscleGroup(name, joint, limb, range_of_motion, ceiling, range_of_motion / duration))
    return tuple(groups)


def muscles_of(limb: str) -> tuple[int, ...]:
    """Return the positions of the muscle groups of one limb on the muscle axis."""
    return tuple(i for i, (_, _, of) in enumerate(_GROUPS) if of == limb)
