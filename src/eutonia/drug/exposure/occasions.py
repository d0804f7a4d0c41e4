"""Inter-occasion variability: the same person differs a little from one occasion to the next."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence

import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from eutonia import _streams
from eutonia.drug.exposure.models import KineticModel
from eutonia.drug.exposure.records import Floats


def vary(
    model: KineticModel,
    values: Mapping[str, Floats],
    spreads: Mapping[str, float],
    ids: Sequence[str],
    occasion: NDArray[np.int64],
    seed: int,
) -> dict[str, Floats]:
    """Return the values of each record, each person and occasion with luck of its own.

    Equation
        value = typical * exp(eta), eta normal with SD sqrt(log(1 + cv^2))

    Parameters
    ----------
    model, values
        The model, and the value of each quantity at each record.
    spreads
        Coefficient of variation between occasions, by parameter.
    ids, occasion
        Whose each record is, and its occasion; the luck depends on these and the seed alone, not on who else is there.
    seed
        Start of all draws.
    """
    people, of = np.unique(np.asarray(ids, str), return_inverse=True)
    numbers = jnp.asarray([_number(one) for one in people.tolist()])
    varied = dict(values)
    parameters = [one.name for one in model.quantities if not one.covariate]
    for visit in np.unique(occasion).tolist():
        here = occasion == visit
        keys = _streams.keys(seed, _streams.Purpose.OCCASION, numbers, visit)
        draws = np.asarray(_streams.normal(keys, _streams.DRAWS))
        for name, cv in spreads.items():
            eta = math.sqrt(math.log1p(cv**2)) * draws[parameters.index(name)][of[here]]
            varied[name] = varied[name].copy()
            varied[name][here] *= np.exp(eta)
    return varied


def _number(name: str) -> int:
    """Return a number that belongs to an ID, whatever others there are."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=4).digest()) >> 1
