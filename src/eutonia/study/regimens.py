"""Whether the doses of a regimen are such as a study file may hold: the same smallest and largest for both."""

from __future__ import annotations

from collections.abc import Iterator

from eutonia._hours import HOURS_A_DAY
from eutonia.drug.regimen import Regimen
from eutonia.errors import StudyError
from eutonia.study import vocabulary
from eutonia.study.vocabulary import Limit

_ROUNDING = 1e-9


def check_doses(regimen: Regimen) -> None:
    """Refuse a dose smaller than any that acts, or larger than anybody is known to have had; nothing given is allowed.

    A regimen in Python is a laboratory: what a label allows is the business of studies.

    Raises
    ------
    StudyError
        The first such dose.
    """
    for amount, unit, what, least, most, per in _given(regimen):
        if amount == 0 or least.value * (1 - _ROUNDING) <= amount <= most.value * (1 + _ROUNDING):
            continue
        end = least if amount < least.value else most
        raise StudyError(
            f"{what} of {amount * per:g} {unit}. Allowed: 0, or {least.text} to {most.text}. {end.label} is {end.text} "
            f"(source {end.source}). Nearest: {end.text}. Correct the dose."
        )


def _given(regimen: Regimen) -> Iterator[tuple[float, str, str, Limit, Limit, float]]:
    """Yield each amount with its unit, its bounds, and the factor from the unit of the bounds to the one told."""
    tablets = (vocabulary.smallest_oral_dose(), vocabulary.oral_dose_on_record(), 1.0)
    bolus = (vocabulary.smallest_bolus(), vocabulary.intrathecal_dose_on_record(), 1.0)
    rate = (vocabulary.smallest_rate(), vocabulary.intrathecal_rate_on_record(), HOURS_A_DAY)
    yield from ((one.dose.mg, "mg", "an oral dose", *tablets) for one in regimen.tablets)
    yield from ((one.dose.ug, "ug", "an intrathecal dose", *bolus) for one in regimen.boluses)
    yield from ((one.infusion.ug_per_h, "ug/day", "an infusion", *rate) for one in regimen.infusions)
