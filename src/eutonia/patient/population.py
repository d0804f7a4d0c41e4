"""Who may be drawn: how age, weight, kidneys and lesions are spread over a population."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from eutonia import parameters
from eutonia.errors import SimulationError, unknown
from eutonia.patient.lesion import KINDS, SITES, TERRITORIES, canonical, reference_volume_mL, segment_number
from eutonia.patient.spread import LogNormal, TruncatedNormal

Spread = TruncatedNormal | LogNormal

ORIGINS = ("stroke", "spinal", "healthy")
STROKE_SURVIVORS = "stroke survivors"
CORD_LESIONS = "cord lesions"
MIXES = (STROKE_SURVIVORS, CORD_LESIONS)

_NO_SIZE = TruncatedNormal(0.0)


@dataclass(frozen=True, slots=True)
class LesionShare:
    """One kind of lesion in a mix.

    Parameters
    ----------
    share
        Weight in the mix; a mix is scaled to a sum of 1.
    kind
        "ischaemic", "haemorrhagic", "spinal" or "none".
    place
        Territory, site or cord level.
    size
        Volume in mL for the brain, completeness (0 to 1) for the cord.
    """

    share: float
    kind: str
    place: str = ""
    size: Spread = _NO_SIZE

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise SimulationError(unknown("kind of lesion", self.kind, KINDS, "Use one of these words."))
        if not (math.isfinite(self.share) and self.share >= 0.0):
            raise SimulationError(f"the share of a lesion is {self.share:g}. Allowed: 0 or more. Correct it.")
        if self.kind == "ischaemic":
            object.__setattr__(self, "place", canonical(self.place, TERRITORIES, "arterial territory"))
        elif self.kind == "haemorrhagic":
            object.__setattr__(self, "place", canonical(self.place, SITES, "site of bleeding"))
        elif self.kind == "spinal":
            segment_number(self.place)

    @classmethod
    def by_extent(cls, share: float, territory: str, extent: TruncatedNormal) -> LesionShare:
        """Return infarcts given by the share of the territory that they fill."""
        place = canonical(territory, TERRITORIES, "arterial territory")
        full = reference_volume_mL(place)
        low, high = max(extent.low, 0.0), min(extent.high, 1.0)
        size = TruncatedNormal(extent.mean * full, extent.sd * full, low * full, high * full)
        return cls(share, "ischaemic", place, size)


@dataclass(frozen=True, slots=True)
class Population:
    """A population to draw a cohort from; units: years, kg, mL/min, h.

    Parameters
    ----------
    origin
        "stroke", "spinal" or "healthy".
    lesions
        The mix of lesions; empty only for healthy people.
    age, weight, creatinine_clearance, time_since_onset_h
        How they are spread.
    women
        Share of women.
    """

    origin: str
    lesions: tuple[LesionShare, ...]
    age: Spread
    weight: Spread
    creatinine_clearance: Spread
    time_since_onset_h: Spread
    women: float = 0.5

    def __post_init__(self) -> None:
        if self.origin not in ORIGINS:
            raise SimulationError(unknown("origin", self.origin, ORIGINS, "Use one of these words."))
        if not 0.0 <= self.women <= 1.0:
            raise SimulationError(f"the share of women is {self.women:g}. Allowed: 0 to 1. Correct it.")
        if self.origin != "healthy" and sum(lesion.share for lesion in self.lesions) <= 0.0:
            raise SimulationError(
                f'a population of origin "{self.origin}" has no lesion. Allowed: at least one share above 0. Nearest: '
                f'lesion_mix("{STROKE_SURVIVORS}"). Add the lesions.'
            )

    @classmethod
    def typical(cls, origin: str) -> Population:
        """Return typical adults of this origin, with the named mix of lesions that goes with it."""
        if origin not in ORIGINS:
            raise SimulationError(unknown("origin", origin, ORIGINS, "Use one of these words."))
        mix = {"stroke": STROKE_SURVIVORS, "spinal": CORD_LESIONS}
        people = parameters.load("stroke_population")
        prefix = "cord_" if origin == "spinal" else ""
        age, weight, clearance, onset = (
            _truncated(people, name)
            for name in (f"{prefix}age", "weight", f"{prefix}creatinine_clearance", f"{prefix}time_since_onset")
        )
        lesions = lesion_mix(mix[origin]) if origin in mix else ()
        return cls(origin, lesions, age, weight, clearance, onset, people.value(f"{prefix}women"))


def lesion_mix(name: str) -> tuple[LesionShare, ...]:
    """Return a named mix of lesions: "stroke survivors" or "cord lesions"."""
    if name not in MIXES:
        raise SimulationError(unknown("mix of lesions", name, MIXES, "Or list the lesions one by one."))
    return _cord_mix() if name == CORD_LESIONS else _stroke_mix()


def _stroke_mix() -> tuple[LesionShare, ...]:
    people = parameters.load("stroke_population")
    anatomy = parameters.load("lesion")
    bleeding, largest = people.value("haemorrhage_share"), anatomy.value("largest_extent")
    infarcts = zip(TERRITORIES, *_columns("infarct", people), anatomy.array("territory_volume"), strict=True)
    bleeds = zip(SITES, *_columns("haematoma", people), strict=True)
    smallest, largest_bleed = people.value("smallest_volume"), anatomy.value("largest_haematoma")
    return (
        *(
            LesionShare((1.0 - bleeding) * share, "ischaemic", place, LogNormal(mean, sd, smallest, largest * full))
            for place, share, mean, sd, full in infarcts
        ),
        *(
            LesionShare(bleeding * share, "haemorrhagic", place, LogNormal(mean, sd, smallest, largest_bleed))
            for place, share, mean, sd in bleeds
        ),
    )


def _cord_mix() -> tuple[LesionShare, ...]:
    people = parameters.load("stroke_population")
    mean, sd = people.values("cord_completeness_mean", "cord_completeness_sd")
    completeness = TruncatedNormal(mean, sd, 0.0, 1.0)
    levels = zip(("C5", "T5", "T10"), people.array("cord_level_share"), strict=True)
    return tuple(LesionShare(share, "spinal", level, completeness) for level, share in levels)


def _columns(kind: str, people: parameters.ParameterSet) -> Iterable[tuple[float, ...]]:
    """Return the columns share, mean volume and its sd; the shares scaled to a sum of 1, the sd given as a cv."""
    share, mean = people.array(f"{kind}_share"), people.array(f"{kind}_volume")
    cv = people.value(f"{kind}_volume_cv")
    return (tuple(x / sum(share) for x in share), mean, tuple(cv * x for x in mean))


def _truncated(people: parameters.ParameterSet, name: str) -> TruncatedNormal:
    low, high = people.array(f"{name}_range")
    mean, sd = people[name].value, people.spread(name).sd
    return TruncatedNormal(mean, 0.0 if sd is None else sd, low, high)
