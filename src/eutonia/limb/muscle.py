"""The muscle groups that a clinician stretches: joint, limb, range, torque scale and examiner speed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from eutonia import parameters
from eutonia.errors import StudyError, unknown
from eutonia.patient import LIMBS
from eutonia.registry import Registry


class MusclePlace(NamedTuple):
    """Where a muscle group is stretched: its name, the joint, which has a set `limb_JOINT.toml`, and the limb."""

    name: str
    joint: str
    limb: str


# Names of anatomy, not numbers: which groups are stretched at which joint. A limb's score is the mean of these.
_GROUPS = (
    MusclePlace("knee extensors", "knee", "leg"),
    MusclePlace("knee flexors", "knee", "leg"),
    MusclePlace("ankle plantarflexors", "ankle", "leg"),
    MusclePlace("elbow flexors", "elbow", "arm"),
    MusclePlace("elbow extensors", "elbow", "arm"),
    MusclePlace("wrist flexors", "wrist", "arm"),
)
# Groups that a full bedside examination adds; studies do not chart them.
_MORE_GROUPS = (
    MusclePlace("hip adductors", "hip", "leg"),
    MusclePlace("finger flexors", "fingers", "arm"),
)
#: All that ship.
OURS = (*_GROUPS, *_MORE_GROUPS)


def _name(place: MusclePlace) -> str:
    """Return the name of a muscle group of others, if it is none of ours and its joint can be stretched."""
    if place.limb not in LIMBS:
        raise StudyError(f"{place.name}: {unknown('limb', place.limb, LIMBS, 'Give the limb that it belongs to.')}")
    if place.name in {one.name for one in OURS}:
        raise StudyError(
            f'there is a muscle group "{place.name}" already, one of ours. Allowed: each name once. Give it another.'
        )
    _read((place,))
    return place.name


#: Groups that others bring: charted beside ours, each by itself. They change nobody's score of a limb, and no luck.
MUSCLES: Registry[MusclePlace] = Registry("muscle group", "eutonia.muscle_groups", (), _name)
register = MUSCLES.register


def charted_groups() -> tuple[MusclePlace, ...]:
    """Return name, joint and limb of each charted muscle group, ours first, without reading a record."""
    return (*_GROUPS, *MUSCLES.values())


def stretched_groups() -> tuple[MusclePlace, ...]:
    """Return those that a full bedside examination stretches: the charted ones, then the others."""
    return (*charted_groups(), *_MORE_GROUPS)


def ceiling_weight() -> float:
    """Return the body weight, kg, at which the torque ceilings of the records hold; they scale with it."""
    return parameters.load("limb").value("ceiling_weight", "kg")


@dataclass(frozen=True)
class MuscleGroup:
    """One stretched muscle group.

    `range_of_motion` is in deg, `speed` (Ashworth stretch) in deg/s.
    """

    name: str
    joint: str
    limb: str
    range_of_motion: float
    speed: float

    @property
    def limb_index(self) -> int:
        """Position of the limb on the limb axis (leg 0, arm 1)."""
        return LIMBS.index(self.limb)


def muscle_groups() -> tuple[MuscleGroup, ...]:
    """Return the charted muscle groups in the order of every muscle axis: of leg and arm, then those of others."""
    return _read(charted_groups())


def all_muscle_groups() -> tuple[MuscleGroup, ...]:
    """Return every muscle group that a full bedside examination stretches: the charted ones first, then the others."""
    return _read(stretched_groups())


@parameters.remembered
def _read(names: tuple[MusclePlace, ...]) -> tuple[MuscleGroup, ...]:
    duration = parameters.load("bedside").value("stretch_duration", "s")
    groups = []
    for name, joint, limb in names:
        range_of_motion = parameters.load(f"limb_{joint}").value("range_of_motion", "deg")
        groups.append(MuscleGroup(name, joint, limb, range_of_motion, range_of_motion / duration))
    return tuple(groups)


def muscles_of(limb: str) -> tuple[int, ...]:
    """Return the positions, on the muscle axis, of the muscle groups whose mean is the score of one limb."""
    return tuple(i for i, (_, _, of) in enumerate(_GROUPS) if of == limb)
