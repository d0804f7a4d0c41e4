"""Named conditions beside stroke: what kind of lesion each leaves, in which forms, and where its records stand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A condition that makes spasticity.

    Parameters
    ----------
    lesion
        Kind of lesion.
    mix
        Name of the mix of lesions of its typical population.
    records
        Parameter set of the condition.
    is_cord
        Whether the cord is hit: then facilitating and monoaminergic paths are cut too, and bias comes without the
        contracture of cerebral lesions (Penn 1989).
    forms
        Forms of the lesion, each with the record that says how much of it leg and arm get, "" where that is the whole
        of it; empty for a cord injury, which has a level.
    is_sudden
        Whether it comes at once: only then are limbs flaccid before tone rises.
    since_birth
        Whether the time since onset is the person's age.
    """

    lesion: str
    mix: str
    records: str
    is_cord: bool
    forms: Mapping[str, str]
    is_sudden: bool = True
    since_birth: bool = False


CONDITIONS: Mapping[str, Diagnosis] = MappingProxyType(
    {
        "spinal cord injury": Diagnosis("spinal", "cord injuries", "cord_injury", True, {}),
        "multiple sclerosis": Diagnosis(
            "multiple sclerosis",
            "disseminated plaques",
            "multiple_sclerosis",
            True,
            {"relapsing": "exposure", "progressive": "exposure"},
            is_sudden=False,
        ),
        "cerebral palsy": Diagnosis(
            "cerebral palsy",
            "perinatal lesions",
            "cerebral_palsy",
            False,
            {"diplegic": "exposure_diplegic", "hemiplegic": "exposure_hemiplegic"},
            is_sudden=False,
            since_birth=True,
        ),
        "brain injury": Diagnosis("brain injury", "diffuse axonal injuries", "brain_injury", False, {"diffuse": ""}),
    }
)
#: Forms of all diffuse conditions, with the condition of each.
FORMS: Mapping[str, str] = MappingProxyType({form: name for name, one in CONDITIONS.items() for form in one.forms})


def is_cord(origin: str) -> bool:
    """Say whether spasticity of this origin comes from the cord; "spinal" is injury and multiple sclerosis together."""
    return origin == "spinal" or (origin in CONDITIONS and CONDITIONS[origin].is_cord)


def label_origin(origin: str) -> Literal["cerebral", "spinal"]:
    """Return which of a label's two origins, by which it tells steps and reactions, an origin of spasticity is."""
    return "spinal" if is_cord(origin) else "cerebral"
