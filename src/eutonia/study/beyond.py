"""Which doses of a study are larger than the label's: what a report has to say first."""

from __future__ import annotations

from collections.abc import Iterator

from eutonia.study import vocabulary
from eutonia.study.case import TabletsEvent
from eutonia.study.doses import of_one_person, sums
from eutonia.study.fields import Given, Part, QuantityField
from eutonia.study.parts import Arm, OralTreatment
from eutonia.study.pump_treatment import PumpTreatment

_ROUNDING = 1e-9


def beyond_label(part: Part) -> tuple[str, ...]:
    """Return the doses of a part of a study that are beyond the label, each with what the label allows."""
    return tuple(dict.fromkeys(_doses(part)))


def _doses(part: Part) -> Iterator[str]:
    for name, field in type(part).model_fields.items():
        value = getattr(part, name)
        for one in value if isinstance(value, tuple) else (value,):
            if isinstance(one, Part):
                yield from _doses(one)
            quantity = next((found for found in (*field.metadata, *_inside(field.annotation)) if _is_dose(found)), None)
            if isinstance(one, Given) and quantity is not None and quantity.limit is not None:
                limit = quantity.limit()
                if one > limit.value * (1 + _ROUNDING):
                    yield f"{one.text} (the label's largest: {limit.text})"
    if isinstance(part, Arm):
        for problem in (one for who in of_one_person(part) for one in sums(who, (), beyond_label=False)):
            yield f"{problem.given} (the label's largest: {problem.allowed.removeprefix('at most ')})"
    if isinstance(part, PumpTreatment) and (found := part.adds_up(beyond_label=False)) is not None:
        amount, limit, factor, unit = found
        if amount > limit.value * (1 + _ROUNDING):
            yield f"{amount * factor:.4g} {unit} by {part.name} (the label's largest: {limit.text})"
    if isinstance(part, OralTreatment | TabletsEvent):
        limit, daily = vocabulary.largest_oral_dose(), part.mg_per_day
        if daily > limit.value * (1 + _ROUNDING):
            day = f"{part.dose_mg.text} every {part.every_h.text}, {daily:.4g} mg a day"
            yield f"{day} (the label's largest: {limit.text})"


def _inside(annotation: object) -> Iterator[object]:
    """Yield what is said of the items of an annotation such as a tuple of doses, or of a dose that may be left out."""
    yield from getattr(annotation, "__metadata__", ())
    for inner in getattr(annotation, "__args__", ()):
        yield from _inside(inner)


def _is_dose(found: object) -> bool:
    return isinstance(found, QuantityField) and found.beyond is not None
