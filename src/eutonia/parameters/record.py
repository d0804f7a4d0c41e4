"""One number of the science with everything that is needed to trust it: unit, spread, source, status."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import combinations_with_replacement
from typing import Literal, get_args

from eutonia import _units
from eutonia.errors import ParameterError, UnitError, unknown

Status = Literal["verified", "secondary", "recalled", "derived", "program default", "fitted", "assumed"]
Method = Literal["measured", "fitted", "derived", "extrapolated", "specified", "assumed"]
Route = Literal["oral", "intrathecal"]
SpreadKind = Literal["none", "normal", "lognormal", "range"]
Distance = Literal["none", "species", "health", "condition", "age", "route", "drug", "part", "time", "scale"]

STATUSES: tuple[str, ...] = get_args(Status)
METHODS: tuple[str, ...] = get_args(Method)
ASSUMPTION = "assumption"
#: Source of what this program chooses and nobody could measure: steps, bounds of inputs, what a report calls much.
OWN_CHOICE = "Eutonia_program"
#: Source of what was fitted or worked out here.
OWN_WORK = "Eutonia_2026"
#: Status of a record in whose place somebody has put another number: `overrides`. No file may say it.
OVERRIDDEN = "overridden"
#: Where a fitted record comes from that no script here makes again.
PROTOTYPE = "a prototype that was thrown away"
SPREAD_NUMBERS = ("sd", "cv", "low", "high")
#: In what the source of a number differs from its use, and what it was measured in or on. No word: not looked at.
DISTANCES: Mapping[Distance, str] = {
    "none": "people, route and scale as used",
    "species": "animals",
    "health": "healthy people",
    "condition": "people with something else",
    "age": "people of another age",
    "route": "another route",
    "drug": "another drug",
    "part": "another joint, muscle or reaction",
    "time": "another time of the course",
    "scale": "another scale, such as a cell, one person or a model",
}
_EMULATED = ("bias", "release", "girk", "fusimotor", "pad_rest")
#: Names that the numbers of a vector may have: all of one axis, in any order. Whoever brings a set may bring an axis.
AXES: Mapping[str, tuple[str, ...]] = {
    "limb": ("leg", "arm"),
    "end": ("low", "middle", "high"),
    "place in an order": ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "last"),
    "size": ("smallest", "largest"),
    "severity": ("healthy", "severe"),
    "territory": (
        "M1 trunk", "M2 superior", "M2 inferior", "lenticulostriate", "anterior choroidal", "ACA", "PCA/thalamic",
        "basilar/pontine", "medullary",
    ),
    "site of a bleed": ("putaminal", "thalamic", "internal capsule", "lobar", "pontine", "cerebellar"),
    "level of the cord": ("C5", "T5", "T10"),
    "form of cerebral palsy": ("diplegic", "hemiplegic"),
    "course of multiple sclerosis": ("relapsing", "progressive"),
    "segment of the spinal fluid": ("sac", "conus", "tip", "thoracic", "cervical", "cisternal", "cranial"),
    "type of motor unit": ("S", "FR", "FF"),
    "edge between types of motor units": ("least of S", "S to FR", "FR to FF", "most of FF"),
    "speed of motor units": ("slow", "fast"),
    "cell behind a contact": ("Ia", "inhibitory", "Renshaw"),
    "side of a synapse": ("postsynaptic alone", "presynaptic alone"),
    "intrafusal fibre": ("bag1", "bag2", "chain"),
    "output of the emulator": ("threshold", "velocity_sensitivity", "gain", "h_over_m", "depression"),
    "input of the emulator": _EMULATED,
    "term of the emulator": (
        "constant", *("*".join(term) for n in (1, 2, 3) for term in combinations_with_replacement(_EMULATED, n)),
    ),
}  # fmt: skip
#: What a count of them calls the numbers of a source of which nobody has said.
NOT_SAID = "not said"

#: Numbers that a spread of each kind has.
SPREAD_NEEDS: Mapping[str, tuple[frozenset[str], ...]] = {
    "none": (frozenset(),),
    "normal": (frozenset({"sd"}), frozenset({"cv"})),
    "lognormal": (frozenset({"cv"}), frozenset({"sd"})),
    "range": (frozenset({"low", "high"}),),
}


@dataclass(frozen=True, slots=True)
class Spread:
    """How far a number varies, and between what.

    A normal spread has `sd` (in the unit of the value) or `cv`; a lognormal one has `cv` or `sd`, which is then the
    standard deviation of the natural logarithm; a range has `low` and `high`. `level` says between what it varies.
    """

    kind: str = "none"
    sd: float | None = None
    cv: float | None = None
    low: float | None = None
    high: float | None = None
    level: str = ""

    def times(self, factor: float) -> Spread:
        """Return the spread of the number times `factor`: a cv, and the SD of a logarithm, stay as they are."""
        own = ("low", "high") if self.kind == "lognormal" else ("sd", "low", "high")
        given = {name: getattr(self, name) for name in own}
        return replace(self, **{name: x * factor for name, x in given.items() if x is not None})

    def with_number(self, name: str, number: float) -> Spread:
        """Return the spread with another `sd`, `cv`, `low` or `high`."""
        return replace(self, **{name: number})  # type: ignore[arg-type]

    @property
    def sd_log(self) -> float:
        """Standard deviation of the natural logarithm of a lognormal spread; 0 for a number without spread."""
        if self.kind == "none":
            return 0.0
        if self.kind != "lognormal":
            raise ParameterError(
                f"a {self.kind} spread has no standard deviation of the logarithm. Allowed: lognormal."
            )
        if self.cv is not None:
            return math.sqrt(math.log1p(self.cv**2))
        return float(self.sd or 0.0)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A record of a parameter set: one number (or one vector) with its provenance.

    `value` is the number, in `unit`; `numbers` those of a vector, in the order of `axis`, which names them. `source` is
    a key of sources.bib, or "assumption", in which case `note` holds the reason. `derived` is arithmetic that the
    loader has re-computed. `distance` says in what the source differs from the use, in words of `DISTANCES`; it is
    empty where nobody has looked. `correlation` is that of the estimate with estimates of the same fit, by name.
    """

    set: str
    name: str
    numbers: tuple[float, ...]
    unit: str
    label: str
    source: str
    where: str
    method: str
    status: str
    symbol: str = ""
    spread: Spread = Spread()
    as_given: str = ""
    derived: str = ""
    people: str = ""
    valid: str = ""
    note: str = ""
    axis: tuple[str, ...] = ()
    distance: tuple[str, ...] = ()
    correlation: tuple[tuple[str, float], ...] = ()

    @property
    def is_vector(self) -> bool:
        """Whether the record holds several numbers, or one, by the names of an axis."""
        return bool(self.axis)

    @property
    def value(self) -> float:
        """The number, in `unit`."""
        if self.is_vector:
            raise ParameterError(
                f'"{self.name}" of {self.set} is a vector of {len(self.numbers)} numbers. Allowed: its numbers by '
                f"name. Nearest: {', '.join(self.axis):.80}. Ask for them with along()."
            )
        return self.numbers[0]

    def along(self, labels: Iterable[str]) -> tuple[float, ...]:
        """Return the numbers of a vector by the names of its axis, in the order asked."""
        if self.axis and len(self.numbers) != len(self.axis):
            raise ParameterError(
                f'"{self.name}" of {self.set} is a square of {len(self.axis)} rows. Allowed: a vector. Nearest: its '
                "rows. Ask for them with square()."
            )
        by_name = dict(zip(self.axis, self.numbers, strict=False))  # one number has no axis
        wanted = tuple(labels)
        if missing := [label for label in wanted if label not in by_name]:
            told = unknown("name on its axis", missing[0], self.axis, "Name it there.")
            raise ParameterError(f'"{self.name}" of {self.set}: {told}')
        return tuple(by_name[label] for label in wanted)

    def square(self, labels: Iterable[str]) -> tuple[tuple[float, ...], ...]:
        """Return the rows of a square, which stand one after the other, by the names of its axis, as asked."""
        size = len(self.axis)
        if len(self.numbers) != size**2:
            raise ParameterError(
                f'"{self.name}" of {self.set} has {len(self.numbers)} numbers for {size} names. Allowed: a square, as '
                f"many rows as names. Nearest: {size**2} numbers. Ask for a vector with along()."
            )
        wanted = tuple(labels)
        rows = (self.numbers[k * size : (k + 1) * size] for k in range(size))
        by_name = dict(zip(self.axis, (replace(self, numbers=row).along(wanted) for row in rows), strict=True))
        return tuple(by_name[label] for label in wanted)

    def sorted(self) -> tuple[float, ...]:
        """Return the numbers from least to greatest, where none has a part of its own."""
        return tuple(sorted(self.numbers))

    def to(self, unit: str) -> Parameter:
        """Return the record in another unit of the same kind: its number and the spread that shares its unit.

        Raises
        ------
        UnitError
            The unit measures something else.
        """
        if unit == self.unit:
            return self
        try:
            factor = _units.convert(1.0, self.unit, unit)
        except UnitError:
            raise UnitError(
                f'"{self.name}" of {self.set} is recorded in "{self.unit}", and what reads it wants "{unit}": these '
                f"measure different things. Nearest: a unit that converts to {unit}. Write the record in one, or "
                "correct the unit where it is read."
            ) from None
        numbers = tuple(number * factor for number in self.numbers)
        return replace(self, numbers=numbers, unit=unit, spread=self.spread.times(factor))
