"""Many people as a structure of arrays, each drawn by their own luck."""

# ruff: noqa: N803, N815 -- a millilitre is written mL

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import permutations

import numpy as np
from jaxtyping import Bool, Float, Int

from eutonia import parameters
from eutonia._arguments import NUMBER, PEOPLE, WHOLE, accepts, instance
from eutonia._hours import HOURS_A_YEAR
from eutonia.patient.conditions import CONDITIONS
from eutonia.patient.lesion import KINDS, Lesion
from eutonia.patient.lesions import HAEMORRHAGIC, ISCHAEMIC, SPINAL, Lesions, Numbers, place_index
from eutonia.patient.pathways import Pathways
from eutonia.patient.patient import Patient
from eutonia.patient.places import numbers, places
from eutonia.patient.population import LesionShare, Population
from eutonia.patient.spread import standard_normal
from eutonia.patient.territories import SHAPES, ball_radius, middle_of, places_of

_DRAWS = 6
_NO_LESION = LesionShare(1.0, "none")

Uniforms = Float[np.ndarray, "draw patient"]
Whole = Int[np.ndarray, " patient"]
Truth = Bool[np.ndarray, " patient"]


@dataclass(frozen=True, eq=False)
class Cohort:
    """Virtual people, patients last.

    Parameters
    ----------
    person
        Identity of each person: all of their luck, here and later, hangs on it.
    origin
        Where the spasticity comes from: one of `population.ORIGINS`.
    age_year, weight_kg, creatinine_clearance_mL_min, time_since_onset_h
        As their names say.
    is_woman, is_right_affected
        Sex, and whether the weak side is the right one (where both are weak: the one that is followed).
    lesions
        The lesions, as arrays.
    pathways
        What is left of the descending pathways to the weak leg and arm.
    """

    person: Whole
    origin: str
    age_year: Numbers
    weight_kg: Numbers
    creatinine_clearance_mL_min: Numbers
    time_since_onset_h: Numbers
    is_woman: Truth
    is_right_affected: Truth
    lesions: Lesions
    pathways: Pathways

    def __len__(self) -> int:
        """Return the number of people."""
        return int(self.person.shape[0])

    def take(self, which: Int[np.ndarray, " chosen"]) -> Cohort:
        """Return some of the people, in the order asked."""
        arrays = (one.name for one in fields(self) if one.name != "origin")
        return replace(self, **{name: getattr(self, name).take(which) for name in arrays})

    def with_rows(
        self,
        seed: int,
        population: Population,
        row_of: Callable[[Float[np.ndarray, " patient"]], Whole],
        known: Mapping[str, Numbers],
        ranks: Mapping[str, Float[np.ndarray, "two row"]],
    ) -> Cohort:
        """Return the same people, each with what is known of a row of a table that their own luck picks.

        Parameters
        ----------
        population
            From which they were drawn.
        row_of
            Gives the row of each person, of their luck between 0 and 1.
        known
            Columns of the table, by the names of the arrays here.
        ranks
            Of age and creatinine clearance, where the table tells one: which share of its people lies below each row,
            and which share is level with it. The other one goes with it, for kidneys fail with age.
        """
        from eutonia._streams import Purpose

        _, age, _, kidneys, _, luck = _uniforms(seed, Purpose.DEMOGRAPHY, self.person)
        row = row_of(luck)
        taken = {name: column[row].astype(getattr(self, name).dtype) for name, column in known.items()}
        tied = {
            "age_year": (age, population.age),
            "creatinine_clearance_mL_min": (kidneys, population.creatinine_clearance),
        }
        for (told, (within, _)), (drawn, (own, spread)) in permutations(tied.items()):
            if told in ranks and drawn not in known:
                below, level = ranks[told][:, row]
                taken[drawn] = spread.quantile(_failing_with_age(own, below + within * level))
        if population.time_since_onset_h is None:
            taken["time_since_onset_h"] = taken.get("age_year", self.age_year) * HOURS_A_YEAR
        return replace(self, **taken)

    def in_brains(self, seed: int, person: Whole) -> Cohort:
        """Return people with these lesions whose tracts run each their own way, by the luck of `person`."""
        lesions = self.lesions.in_brains(seed, person)
        return replace(self, lesions=lesions, pathways=lesions.pathways())

    def with_lesions_of(self, who: Whole | None) -> Cohort:
        """Return the same people, each with the lesion of another of them, or as they are."""
        return self if who is None else replace(self, lesions=self.lesions.take(who), pathways=self.pathways.take(who))

    @classmethod
    @accepts(seed=WHOLE, person=PEOPLE, population=instance("a population", 'Population.typical("stroke")', Population))
    def draw(cls, seed: int, person: Sequence[int] | Whole, population: Population) -> Cohort:
        """Draw people from a population.

        Parameters
        ----------
        seed
            Seed of the study.
        person
            Identities, each 0 or more: the same identity is the same person, whoever else is drawn.
        population
            Who may be drawn.
        """
        from eutonia._streams import Purpose

        who = np.asarray(person, dtype=np.int64)
        sex, age, weight, kidneys, onset, _ = _uniforms(seed, Purpose.DEMOGRAPHY, who)
        luck = _uniforms(seed, Purpose.LESION, who)
        lesions = _draw_lesions(luck, population.lesions or (_NO_LESION,)).in_brains(seed, who)
        since, age_year = population.time_since_onset_h, population.age.quantile(age)
        return cls(
            person=who,
            origin=population.origin,
            age_year=age_year,
            weight_kg=population.weight.quantile(weight),
            creatinine_clearance_mL_min=population.creatinine_clearance.quantile(_failing_with_age(kidneys, age)),
            time_since_onset_h=age_year * HOURS_A_YEAR if since is None else since.quantile(onset),
            is_woman=sex < population.women,
            is_right_affected=luck[5] < 0.5,
            lesions=lesions,
            pathways=lesions.pathways(),
        )

    @classmethod
    @accepts(
        patient=instance("a person", "Patient(67.0, 71.0, 'woman', 58.0)", Patient),
        lesion=instance("a lesion", 'Lesion.spinal("C5")', Lesion),
        time_since_onset_h=NUMBER,
        person=WHOLE,
    )
    def of(cls, patient: Patient, lesion: Lesion, time_since_onset_h: float, person: int = 0) -> Cohort:
        """Return one known person as a cohort of one."""
        lesions = Lesions.of([lesion])
        return cls(
            person=np.array([person], dtype=np.int64),
            origin=_origin_of(lesion),
            age_year=np.array([patient.age], dtype=np.float64),
            weight_kg=np.array([patient.weight], dtype=np.float64),
            creatinine_clearance_mL_min=np.array([patient.creatinine_clearance], dtype=np.float64),
            time_since_onset_h=np.array([time_since_onset_h], dtype=np.float64),
            is_woman=np.array([patient.sex == "woman"]),
            is_right_affected=np.array([patient.side == "right"]),
            lesions=lesions,
            pathways=lesions.pathways(),
        )


def _origin_of(lesion: Lesion) -> str:
    origins = {"none": "healthy"} | {condition.lesion: name for name, condition in CONDITIONS.items()}
    return origins.get(lesion.kind, "stroke")


def _uniforms(seed: int, purpose: int, person: Whole) -> Uniforms:
    """Return six draws between 0 and 1 that depend on the person alone."""
    from eutonia import _streams

    keys = _streams.keys(seed, _streams.Purpose(purpose), person)
    return np.asarray(_streams.uniform(keys, _DRAWS), dtype=np.float64)


def _failing_with_age(kidneys: Numbers, age: Numbers) -> Numbers:
    """Tie the kidneys' luck to age, or age's to the kidneys, and change the spread of neither (a Gaussian copula)."""
    from scipy.special import ndtr

    tie = parameters.load("stroke_population").value("clearance_age_correlation", "1")
    return np.asarray(ndtr(tie * standard_normal(age) + np.sqrt(1.0 - tie**2) * standard_normal(kidneys)))


def _draw_lesions(luck: Uniforms, mix: Sequence[LesionShare]) -> Lesions:
    """Draw a lesion a person: which of the mix, how large, and where in its territory or site."""
    share = np.array([lesion.share for lesion in mix])
    edges = np.cumsum(share) / np.sum(share)
    which = np.minimum(np.searchsorted(edges, luck[0], side="right"), len(mix) - 1)
    size = np.zeros(luck.shape[1])
    for index, lesion in enumerate(mix):
        size[which == index] = lesion.size.quantile(luck[1, which == index])
    kind = np.array([KINDS.index(lesion.kind) for lesion in mix], dtype=np.int64)[which]
    place = np.array([place_index(lesion.kind, lesion.place) for lesion in mix], dtype=np.int64)[which]
    volume = np.where((kind == ISCHAEMIC) | (kind == HAEMORRHAGIC), size, 0.0)
    completeness = np.where(kind >= SPINAL, np.clip(size, 0.0, 1.0), 0.0)
    return Lesions(kind, place, volume, completeness, _offset(kind, place, volume, luck[2:5]))


def _offset(kind: Whole, place: Whole, volume_mL: Numbers, luck: Uniforms) -> Float[np.ndarray, "axis patient"]:
    """Return how far centres lie from the middle of their place, mm: an infarct's somewhere in its territory."""
    at = np.where((kind == ISCHAEMIC) | (kind == HAEMORRHAGIC), place, 0)
    used = {places()[int(one)] for one in np.unique(at)}
    full, site = (np.asarray(numbers(of, unit, used))[at] for of, unit in (("volume", "mL"), ("reach", "mm")))
    room = np.maximum(ball_radius(full) - ball_radius(volume_mL), 0.0)  # of a territory that another package brings
    reach = np.where(kind == ISCHAEMIC, room, np.where(kind == HAEMORRHAGIC, site, 0.0))
    offset = reach * np.cbrt(luck[2]) * _direction(luck[0], luck[1])
    for name in used & set(SHAPES):
        mine = np.flatnonzero((kind == ISCHAEMIC) & (at == places().index(name)))
        points = places_of(name)
        which = np.minimum((luck[0, mine] * points.shape[1]).astype(int), points.shape[1] - 1)
        offset[:, mine] = points[:, which] - np.asarray(middle_of(name))[:, None]
    return offset


def _direction(height: Numbers, around: Numbers) -> Float[np.ndarray, "axis patient"]:
    """Return directions spread evenly over the sphere."""
    up = 2.0 * height - 1.0
    level = np.sqrt(1.0 - up**2)
    return np.stack([level * np.cos(2.0 * np.pi * around), level * np.sin(2.0 * np.pi * around), up])
