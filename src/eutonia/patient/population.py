"""Who may be drawn: how age, weight, kidneys and lesions are spread over a population."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from eutonia import parameters
from eutonia._arguments import NUMBER, TEXT, Kind, expect, instance, one_of
from eutonia.errors import SimulationError, unknown
from eutonia.patient.conditions import CONDITIONS
from eutonia.patient.lesion import KINDS, canonical, reference_volume_mL, segment_number
from eutonia.patient.places import SITES, TERRITORIES, sites, territories
from eutonia.patient.spread import Even, LogNormal, TruncatedNormal

Spread = TruncatedNormal | LogNormal | Even

ORIGINS = ("stroke", "spinal", "healthy", *CONDITIONS)
STROKE_SURVIVORS = "stroke survivors"
CORD_LESIONS = "cord lesions"
#: The named mix of lesions that goes with each origin of spasticity.
MIX_OF = {"stroke": STROKE_SURVIVORS, "spinal": CORD_LESIONS, **{name: one.mix for name, one in CONDITIONS.items()}}
MIXES = tuple(MIX_OF.values())

_NO_SIZE = TruncatedNormal(0.0)
_SPREAD = instance("a spread", "TruncatedNormal(60.0, 10.0)", TruncatedNormal, LogNormal, Even)
_LESIONS = Kind(
    "a tuple of shares of lesions",
    'lesion_mix("stroke survivors")',
    lambda given: isinstance(given, tuple) and all(isinstance(one, LesionShare) for one in given),
)


@dataclass(frozen=True, slots=True)
class LesionShare:
    """One kind of lesion in a mix.

    Parameters
    ----------
    share
        Weight in the mix; a mix is scaled to a sum of 1.
    kind
        One of `lesion.KINDS`.
    place
        Territory, site, cord level or form.
    size
        Volume in mL for a stroke, completeness or load (0 to 1) for the others.
    """

    share: float
    kind: str
    place: str = ""
    size: Spread = _NO_SIZE

    def __post_init__(self) -> None:
        expect("share of a lesion", self.share, NUMBER)
        expect("place of a lesion", self.place, TEXT)
        expect("size of a lesion", self.size, _SPREAD)
        one_of("kind of lesion", self.kind, KINDS, "Use one of these words.")
        if not (math.isfinite(self.share) and self.share >= 0.0):
            raise SimulationError(f"the share of a lesion is {self.share:g}. Allowed: 0 or more. Correct it.")
        if self.kind == "ischaemic":
            object.__setattr__(self, "place", canonical(self.place, territories(), "arterial territory"))
        elif self.kind == "haemorrhagic":
            object.__setattr__(self, "place", canonical(self.place, sites(), "site of bleeding"))
        elif self.kind == "spinal":
            segment_number(self.place)
        elif self.kind in CONDITIONS:
            object.__setattr__(
                self, "place", canonical(self.place, CONDITIONS[self.kind].forms, f"form of {self.kind}")
            )

    @classmethod
    def by_extent(cls, share: float, territory: str, extent: TruncatedNormal) -> LesionShare:
        """Return infarcts given by the share of the territory that they fill."""
        place = canonical(territory, territories(), "arterial territory")
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
        One of `ORIGINS`. "spinal" is cord injury and multiple sclerosis together, as pump series are.
    lesions
        The mix of lesions; empty only for healthy people.
    age, weight, creatinine_clearance, time_since_onset_h
        How they are spread; no time since onset for a condition since birth, where it is the age.
    women
        Share of women.
    """

    origin: str
    lesions: tuple[LesionShare, ...]
    age: Spread
    weight: Spread
    creatinine_clearance: Spread
    time_since_onset_h: Spread | None
    women: float = 0.5

    def __post_init__(self) -> None:
        expect("lesions of a population", self.lesions, _LESIONS)
        expect("women of a population", self.women, NUMBER)
        for name in ("age", "weight", "creatinine_clearance"):
            expect(f"{name} of a population", getattr(self, name), _SPREAD)
        expect("time_since_onset_h of a population", self.time_since_onset_h, _SPREAD.or_none())
        one_of("origin", self.origin, ORIGINS, "Use one of these words.")
        if not 0.0 <= self.women <= 1.0:
            raise SimulationError(f"the share of women is {self.women:g}. Allowed: 0 to 1. Correct it.")
        since_birth = self.origin in CONDITIONS and CONDITIONS[self.origin].since_birth
        if since_birth != (self.time_since_onset_h is None):
            allowed = "None, for it is the age" if since_birth else "a spread"
            raise SimulationError(
                f'time_since_onset_h of origin "{self.origin}" is {self.time_since_onset_h}. Allowed: {allowed}. '
                "Correct it."
            )
        if self.origin != "healthy" and sum(lesion.share for lesion in self.lesions) <= 0.0:
            raise SimulationError(
                f'a population of origin "{self.origin}" has no lesion. Allowed: at least one share above 0. Nearest: '
                f'lesion_mix("{MIX_OF[self.origin]}"). Add the lesions.'
            )

    @classmethod
    def typical(cls, origin: str) -> Population:
        """Return typical adults of this origin, with the named mix of lesions that goes with it."""
        one_of("origin", origin, ORIGINS, "Use one of these words.")
        if origin in CONDITIONS:
            return _with_condition(origin)
        people = parameters.load("stroke_population")
        prefix = "cord_" if origin == "spinal" else ""
        age, weight, clearance, onset = (
            _drawn(people, name, unit)
            for name, unit in (
                (f"{prefix}age", "year"),
                ("weight", "kg"),
                (f"{prefix}creatinine_clearance", "mL/min"),
                (f"{prefix}time_since_onset", "h"),
            )
        )
        lesions = lesion_mix(MIX_OF[origin]) if origin in MIX_OF else ()
        return cls(origin, lesions, age, weight, clearance, onset, people.value(f"{prefix}women", "1"))


def lesion_mix(name: str) -> tuple[LesionShare, ...]:
    """Return a named mix of lesions, one of `MIXES`."""
    if name not in MIXES:
        raise SimulationError(unknown("mix of lesions", name, MIXES, "Or list the lesions one by one."))
    if name == STROKE_SURVIVORS:
        return _stroke_mix()
    origin = next(origin for origin, mix in MIX_OF.items() if mix == name)
    return _diffuse_mix(origin) if origin in CONDITIONS and CONDITIONS[origin].forms else _cord_mix()


def _with_condition(name: str) -> Population:
    """Return typical adults with a condition: what its set does not hold is that of cord lesions or of stroke, and
    weight and kidneys are those of people with cord lesions.
    """
    condition, people = CONDITIONS[name], parameters.load("stroke_population")
    own, prefix = parameters.load(condition.records), "cord_" if condition.is_cord else ""

    def spread(what: str, unit: str) -> Spread:
        if what in own:
            return _within(own, what, unit, *people.ends(f"cord_{what}_range", unit))
        return _drawn(people, f"{prefix}{what}", unit)

    weight, clearance = _drawn(people, "weight", "kg"), _drawn(people, "cord_creatinine_clearance", "mL/min")
    onset = None if condition.since_birth else spread("time_since_onset", "h")
    lesions = lesion_mix(condition.mix)
    return Population(name, lesions, spread("age", "year"), weight, clearance, onset, own.value("women", "1"))


def _diffuse_mix(name: str) -> tuple[LesionShare, ...]:
    condition = CONDITIONS[name]
    own = parameters.load(condition.records)
    shares = own.along("form_share", "1", condition.forms) if len(condition.forms) > 1 else (1.0,)
    load = _within(own, "load", "1", 0.0, 1.0) if "load" in own else Even(0.0, 1.0)
    return tuple(LesionShare(share, name, form, load) for form, share in zip(condition.forms, shares, strict=True))


def _stroke_mix() -> tuple[LesionShare, ...]:
    people = parameters.load("stroke_population")
    anatomy = parameters.load("lesion")
    bleeding, trunk = people.value("haemorrhage_share", "1"), anatomy.value("trunk_infarct_volume_largest", "mL")
    largest = (min(full, trunk) for full in anatomy.along("territory_volume", "mL", TERRITORIES))
    infarcts = zip(TERRITORIES, *_columns("infarct", people, TERRITORIES), largest, strict=True)
    bleeds = zip(SITES, *_columns("haematoma", people, SITES), strict=True)
    smallest, largest_bleed = people.value("smallest_volume", "mL"), anatomy.value("largest_haematoma", "mL")
    return (
        *(
            LesionShare((1.0 - bleeding) * share, "ischaemic", place, LogNormal(mean, sd, smallest, most))
            for place, share, mean, sd, most in infarcts
        ),
        *(
            LesionShare(bleeding * share, "haemorrhagic", place, LogNormal(mean, sd, smallest, largest_bleed))
            for place, share, mean, sd in bleeds
        ),
    )


def _cord_mix() -> tuple[LesionShare, ...]:
    people, places = parameters.load("stroke_population"), ("C5", "T5", "T10")
    complete, levels = people.value("cord_complete_share", "1"), people.along("cord_level_share", "1", places)
    kinds = ((complete, TruncatedNormal(1.0)), (1.0 - complete, Even(0.0, 1.0)))
    return tuple(
        LesionShare(of_level * of_kind, "spinal", level, completeness)
        for level, of_level in zip(places, levels, strict=True)
        for of_kind, completeness in kinds
    )


def _columns(kind: str, people: parameters.ParameterSet, places: Sequence[str]) -> Iterable[tuple[float, ...]]:
    """Return the columns share, mean volume and its sd; the shares scaled to a sum of 1, the sd given as a cv."""
    share, mean = (people.along(f"{kind}_{of}", unit, places) for of, unit in (("share", "1"), ("volume", "mL")))
    cv = people.value(f"{kind}_volume_cv", "1")
    return (tuple(x / sum(share) for x in share), mean, tuple(cv * x for x in mean))


def _drawn(people: parameters.ParameterSet, name: str, unit: str) -> Spread:
    return _within(people, name, unit, *people.ends(f"{name}_range", unit))


def _within(of: parameters.ParameterSet, name: str, unit: str, low: float, high: float) -> Spread:
    """Return the spread of a record within two ends; the value of one with a lognormal spread is the median."""
    value, spread = of.value(name, unit), of.spread(name, unit)
    if spread.kind == "lognormal":
        return LogNormal.of_median(value, spread.sd_log, low, high)
    return TruncatedNormal(value, spread.sd or 0.0, low, high)
