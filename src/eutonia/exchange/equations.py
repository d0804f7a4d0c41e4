"""A model written out as equations, before any format: numbers with their records, what follows, what changes.

Names are those of the records, so that a reader finds each number again; formulas are infix text of such names.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field

from eutonia import _units
from eutonia.parameters.record import Parameter

ONE = "1"
HOUR = "h"
PER_HOUR = "1/h"
LEVEL = "ng/mL"


@dataclass(frozen=True, slots=True)
class Constant:
    """A number; `record` is where it comes from (None: set by the user, or a change of unit)."""

    id: str
    label: str
    value: float
    unit: str
    record: Parameter | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """A number that follows from others at every moment."""

    id: str
    label: str
    unit: str
    formula: str


@dataclass(frozen=True, slots=True)
class Space:
    """A volume that holds drug; `size` is a number with a record or a formula, in `unit`."""

    id: str
    label: str
    unit: str
    size: float | str
    record: Parameter | None = None


@dataclass(frozen=True, slots=True)
class Amount:
    """Drug in a space, in the mass unit of the model; `initial` is a formula or empty for none."""

    id: str
    label: str
    space: str
    initial: str = ""


@dataclass(frozen=True, slots=True)
class FlowTerm:
    """Drug that moves from one amount to another (None: from outside), mass per hour."""

    id: str
    label: str
    source: str | None
    target: str
    formula: str


@dataclass(frozen=True, slots=True)
class Rate:
    """A quantity that changes in time and is no amount of drug; it starts at 0."""

    id: str
    label: str
    unit: str
    formula: str


@dataclass(frozen=True, slots=True)
class Equations:
    """A model or a part of one; parts are joined with `+`.

    Attributes
    ----------
    mass
        Unit of all amounts, mg or ug.
    repeats
        Amount -> formula added to it at each repeated dose; `every_h` is the interval, None for a single dose.
    """

    constants: tuple[Constant, ...] = ()
    rules: tuple[Rule, ...] = ()
    spaces: tuple[Space, ...] = ()
    amounts: tuple[Amount, ...] = ()
    flows: tuple[FlowTerm, ...] = ()
    rates: tuple[Rate, ...] = ()
    repeats: Mapping[str, str] = field(default_factory=dict)
    every_h: float | None = None
    mass: str = "mg"
    name: str = ""
    title: str = ""
    note: str = ""

    def __add__(self, other: Equations) -> Equations:
        """Join two parts; name, mass and doses are those of the first."""
        joined: dict[str, tuple[object, ...]] = {}
        for part in ("constants", "rules", "spaces", "amounts", "flows", "rates"):
            mine, new = getattr(self, part), getattr(other, part)
            known = {item.id for item in mine}
            joined[part] = (*mine, *(item for item in new if item.id not in known))
        return dataclasses.replace(self, **joined)  # type: ignore[arg-type]


def from_record(record: Parameter, unit: str = "", name: str = "", of: str = "") -> Constant:
    """Return a constant of a record, in another unit or under another name if asked; `of` names one of a vector."""
    value = record.along([of])[0] if of else record.value
    if unit and unit != record.unit:
        value = _units.convert(value, record.unit, unit)
    return Constant(name or record.name, record.label, value, unit or record.unit, record)
