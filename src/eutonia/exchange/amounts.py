"""The columns that hold amounts, and their unit: mg by mouth, ug in the spinal fluid, never one for the other.

A model says its unit of amount. In a table for a model in mg a column may name it (AMT_mg) or not (AMT, as in NONMEM);
in a table for a model in ug it must, so that no table of the other route is ever read.
"""

from __future__ import annotations

import re

from eutonia.drug.exposure import KineticModel
from eutonia.drug.exposure.models import INTRATHECAL

# What a column means, and what follows the unit of amount in its name.
_MEANINGS = {"AMT": "", "RATE": "_per_h", "RATE_M": "_per_h"}
# Units of mass in ug, as names of columns spell them (the longer first), and ways to say an hour.
_MASSES = {"NG": 1e-3, "UGS": 1.0, "UG": 1.0, "MCG": 1.0, "MGS": 1e3, "MG": 1e3, "G": 1e6}
_HOUR = ("H", "HR", "HOUR")
_PARTS = r"[_ (\[/.,:-]"  # what may stand between a name and its unit
_NAMED = re.compile(rf"(AMT|RATE_M(?={_PARTS})|RATE){_PARTS}*({'|'.join(_MASSES)}(?![A-Z]))(.*)")


def spelled(meaning: str, model: KineticModel) -> str:
    """Return the name of a column with its unit, such as AMT_ug."""
    return f"{meaning}_{model.mass}{_MEANINGS[meaning]}"


def shown(model: KineticModel) -> list[str]:
    """Return the columns of amounts as they are printed, such as "AMT or AMT_mg"."""
    return [" or ".join(_allowed(meaning, model)) for meaning in _MEANINGS]


def columns(model: KineticModel) -> dict[str, str]:
    """Return the names that columns of amounts may have, upper case, and what each means."""
    return {name.upper(): meaning for meaning in _MEANINGS for name in _allowed(meaning, model)}


def meant(name: str) -> str | None:
    """Return what a column of amounts in any unit means; None: it is no such column."""
    match = _NAMED.fullmatch(name)
    return match[1] if match else name if name in _MEANINGS else None


def refused(name: str, model: KineticModel) -> tuple[str, str, str] | None:
    """Return the rule that a name breaks by its unit, what is allowed and what to do; None if it breaks none."""
    meaning, match = meant(name), _NAMED.fullmatch(name)
    if meaning is None or name in columns(model):
        return None
    wanted, unit = spelled(meaning, model), model.mass + ("/h" if _MEANINGS[meaning] else "")
    rule = f"amounts of {model.name} are in {model.mass}"
    allowed = " or ".join(_allowed(meaning, model))
    if match is None:
        rule += ", and a column says so"
        return rule, allowed, f"Rename it to {wanted} if it is in {unit}; multiply by 1000 first if it is in mg"
    factor, per = _MASSES[match[2]] / _MASSES[model.mass.upper()], re.sub("PER|[^A-Z]", "", match[3])
    if (per in _HOUR) if _MEANINGS[meaning] else not per:
        scale = f"Multiply by {factor:g}" if factor > 1 else f"Divide by {1 / factor:g}" if factor < 1 else "Keep it"
    else:
        scale = f"Convert it to {unit}"
    do = f"{scale} and call the column {wanted}: amounts of this table are in {model.mass}"
    do += "" if factor == 1 else f", never in {match[2].lower()}"
    return (
        rule,
        allowed,
        do + (f"; for the spinal fluid choose --model {INTRATHECAL}" if model.mass == "mg" and factor < 1 else ""),
    )


def _allowed(meaning: str, model: KineticModel) -> tuple[str, ...]:
    return (spelled(meaning, model),) if model.mass == "ug" else (meaning, spelled(meaning, model))
