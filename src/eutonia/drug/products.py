"""Products against doses: whether a product is for the route, and whether its strengths make the dose."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from eutonia import parameters
from eutonia.drug.regimen import IntrathecalDose, OralDose
from eutonia.errors import StudyError, UnitError, unknown
from eutonia.parameters import Product as Product

ORAL, INTRATHECAL = "oral", "intrathecal"
_MAY_BE_HALVED = ("tablet",)
_UG_PER_MG = 1000
# Of arithmetic: shares of a dose are not exact.
_ROUNDING_MG = 1e-9


@dataclass(frozen=True, slots=True)
class DoseWarning:
    """A dose that the strengths of a product do not make, and the nearest that they do, below and above."""

    product: str
    dose: OralDose
    nearest: tuple[OralDose, ...]

    def __str__(self) -> str:
        """Say it in a sentence."""
        near = " or ".join(str(dose) for dose in self.nearest)
        return f"{self.dose} cannot be made of whole or, for tablets, half units of {self.product}. Nearest: {near}."


def find(name: str, route: str | None = None) -> Product:
    """Return a product by name, brand or alias, in capitals or not; with a route, refuse one of the other route.

    A common name is completed by the route: "baclofen" by the intrathecal route is "intrathecal baclofen".
    """
    known = {alias.casefold(): product for product in parameters.products() for alias in product.names}
    given = name.strip().casefold()
    product = known.get(given)
    if route is not None and (product is None or product.route != route):
        product = known.get(f"{route} {given}", product)
    if product is None:
        names = [alias for item in parameters.products() for alias in item.names if route in (None, item.route)]
        raise StudyError(unknown("product", name, names, "Use a name or alias of a product."))
    if route is not None and product.route != route:
        same = ", ".join(item.name for item in parameters.products() if item.route == route)
        raise StudyError(
            f'"{name}" ({product.form}, strength in {product.strength_unit}) is an {product.route} product, asked for '
            f"by the {route} route. Allowed: {same}. Change the product or the route."
        )
    return product


def check_dose(product: Product, dose: OralDose | IntrathecalDose) -> DoseWarning | None:
    """Return a warning if whole units (or half ones of a tablet) do not make the dose; None if they do.

    Liquids and pump solutions make any dose.

    Raises
    ------
    UnitError
        The dose is in mg and the product goes into the spinal fluid, or the reverse.
    """
    route = ORAL if isinstance(dose, OralDose) else INTRATHECAL
    if route != product.route:
        raise UnitError(
            f"{dose} is an {route} dose, and {product.name} is an {product.route} product in {product.strength_unit}. "
            f"Allowed: an {product.route} dose. Oral doses are in mg, intrathecal ones in ug."
        )
    if not isinstance(dose, OralDose) or is_liquid(product):
        return None
    grid, makable = _makable(product, dose)
    steps = dose.mg * _UG_PER_MG / grid
    if round(steps) in makable and math.isclose(steps, round(steps), abs_tol=1e-9):
        return None
    below = max(amount for amount in makable if amount <= steps)
    above = min(amount for amount in makable if amount >= steps)
    near = (OralDose(amount * grid / _UG_PER_MG) for amount in (below, above) if amount > 0)
    return DoseWarning(product.name, dose, tuple(near))


def made(product: Product, doses_mg: Float[np.ndarray, " patient"]) -> Float[np.ndarray, " patient"]:
    """Return the doses (mg) that whole units, or half ones of a tablet, make nearest to those wanted; half-way is down.

    Liquids make any dose.
    """
    if is_liquid(product) or not doses_mg.size:
        return doses_mg
    grid, makable = _makable(product, OralDose(float(doses_mg.max())))
    possible = np.array(sorted(makable)) * grid / _UG_PER_MG
    above = np.searchsorted(possible, doses_mg)
    below = np.maximum(above - 1, 0)
    is_nearer = possible[above] - doses_mg < doses_mg - possible[below] - _ROUNDING_MG
    return possible[np.where(is_nearer | (above == 0), above, below)]


def is_liquid(product: Product) -> bool:
    """Say whether the strength of the product is a concentration."""
    return product.strength_unit.endswith("/mL")


def _makable(product: Product, dose: OralDose) -> tuple[int, set[int]]:
    """Return the finest step of the product (ug), and which numbers of steps its pieces add up to, past the dose."""
    parts = 2 if product.form in _MAY_BE_HALVED else 1
    pieces = [round(strength * _UG_PER_MG) // parts for strength in product.strengths]
    grid = math.gcd(*pieces)
    makable = {0}
    for amount in range(1, math.ceil(dose.mg * _UG_PER_MG / grid) + max(pieces) // grid + 1):
        if any(amount - piece // grid in makable for piece in pieces):
            makable.add(amount)
    return grid, makable
