"""Values given on the command line: `CL=8 L/h`, `KA=1.6`, or a coefficient of variation between occasions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from eutonia import _units
from eutonia.drug.exposure import KineticModel, ModelQuantity
from eutonia.drug.exposure.models import MOST_TRANSIT_STEPS
from eutonia.errors import DatasetError, UnitError, nearest
from eutonia.exchange.cells import is_number

_STEPS = "NN"
# Largest coefficient of variation between occasions.
_MOST_VARIED = 2.0


def settings_of(model: KineticModel, given: Sequence[str]) -> tuple[KineticModel, dict[str, float]]:
    """Return the model with its number of transit steps, and the values given, in canonical units."""
    known = {one.name: one for one in (*model.quantities, *model.dosing)}
    is_chain = model.transit_steps is not None
    found: dict[str, float] = {}
    for text in given:
        name, equals, value = (part.strip() for part in text.partition("="))
        name = name.upper()
        if not equals or not name:
            raise DatasetError(f'--set "{text}" is not NAME=VALUE. Allowed: such as --set "CL=8 L/h". Write it so.')
        if name in found:
            raise DatasetError(f"--set gives {name} twice. Allowed: one value each. Remove one.")
        if name == _STEPS and is_chain:
            found[name] = _steps(value)
        elif name in known:
            found[name] = quantity(value, known[name], f"--set {name}")
        else:
            raise DatasetError(_unknown(name, model, [*known, *([_STEPS] if is_chain else [])]))
    steps = found.pop(_STEPS, None)
    if steps is not None:
        model = model.with_transit_steps(int(steps))
    elif model.transit_steps == 0:
        raise DatasetError(
            f"{model.name} needs NN, the number of transit steps. Allowed: a whole number from 1 to "
            f'{MOST_TRANSIT_STEPS}. Write --set "NN=3".'
        )
    return model, found


def occasion_spreads(model: KineticModel, given: Sequence[str]) -> dict[str, float]:
    """Return the coefficient of variation between occasions of each parameter named, as in `CL=20 %`."""
    # A share is bounded above: a lognormal factor would leave its bounds.
    known = [one.name for one in model.quantities if not one.covariate and one.unit != "1"]
    found = {}
    for text in given:
        name, _, value = (part.strip() for part in text.partition("="))
        name = name.upper()
        if name not in known:
            raise DatasetError(f'--iov "{text}": {_unknown(name, model, known)}')
        if name in found:
            raise DatasetError(f"--iov gives {name} twice. Allowed: one variation each. Remove one.")
        found[name] = _variation(name, value)
    return found


def _variation(name: str, text: str) -> float:
    """Read a coefficient of variation."""
    value = _share(text)
    if not 0.0 < value <= _MOST_VARIED:
        meant = text.replace(",", ".")  # a decimal comma
        most = f"{100 * _MOST_VARIED:g} %"
        near = meant if 0.0 < _share(meant) <= _MOST_VARIED else most if value > _MOST_VARIED else "20 %"
        raise DatasetError(
            f'--iov {name} is "{text}". Allowed: a coefficient of variation above 0 and up to {most}. '
            f'Nearest: "{name}={near}". Write it so.'
        )
    return value


def _share(text: str) -> float:
    """Return a share, NaN of what is none."""
    try:
        return _units.read(text, "1")
    except UnitError:
        return math.nan


def quantity(text: str, what: ModelQuantity, where: str) -> float:
    """Read a number, plain in the canonical unit or with a unit that converts to it, and check its bounds; amounts for
    the spinal fluid are never plain, as in a table.
    """
    if not _units.may_be_plain(what.unit) and is_number(text):
        raise DatasetError(
            f'{where} is "{text}" without a unit. Allowed: in ug, never in mg. Nearest: "{text} {what.unit}". Write '
            "the unit."
        )
    try:
        value = _units.read(text, what.unit)
    except UnitError as trouble:
        raise DatasetError(f"{where}: {trouble} {what.label} is {_example(what)}.") from None
    if (
        not (math.isfinite(value) and (what.lowest < value or (what.zero and what.lowest == value)))
        or value > what.highest
    ):
        raise DatasetError(f'{where} is "{text}". Allowed: {what.label.lower()} {what.allowed}. Correct the number.')
    return value


def _example(what: ModelQuantity) -> str:
    """Return how a quantity is written."""
    if what.unit == "1":
        return f'a plain number, such as "{what.name}=0.8"'
    number = "8" if _units.may_be_plain(what.unit) else f"8 {what.unit}"
    return f'in {what.unit}, such as "{what.name}={number}"'


def missing(model: KineticModel, found: Mapping[str, float], columns: Sequence[str]) -> list[ModelQuantity]:
    """Return what the model needs and nobody gave."""
    return [
        one for one in model.quantities if one.default is None and one.name not in found and one.name not in columns
    ]


def _steps(text: str) -> float:
    if not (text.isascii() and text.isdecimal()) or not 1 <= int(text) <= MOST_TRANSIT_STEPS:
        raise DatasetError(
            f'--set NN is "{text}". Allowed: a whole number from 1 to {MOST_TRANSIT_STEPS}; the chain is of whole '
            "stages, so a fraction of one has no closed form. Round it."
        )
    return float(text)


def _unknown(name: str, model: KineticModel, allowed: Sequence[str] | Mapping[str, object]) -> str:
    close = nearest(name, allowed)
    hint = f" Nearest: {', '.join(close)}." if close else ""
    if name in ("V1", "V2", "V3"):
        hint = " V2 is central in one of NONMEM's models and peripheral in another, so VC and VP are used here."
    return f'{model.name} has no "{name}".{hint} Allowed: {", ".join(allowed)}. See: eutonia models {model.name}'
