"""How much of its torque active muscle has at an angle: lever and overlap of its filaments fall off on both sides.

Equation
    S(theta) = exp(-((theta - theta_s)/w)^2)
Source: Murray_1995 for the angle of the best lever of the elbow flexors; the breadth is assumed.
Assumptions: one course for all who share a joint; muscle groups without records keep a constant lever.
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax.scipy.special import erf
from jaxtyping import Array, Float

from eutonia import parameters
from eutonia._types import Scalar

# Names of anatomy: the muscle group that the records of a joint are of.
_GROUP = {"elbow": "elbow flexors"}


class Strength(NamedTuple):
    """`strongest` is the angle of most torque, `breadth` how far from it 1/e of that is left; both in one unit."""

    strongest: Array | Scalar
    breadth: Array | Scalar

    def share(self, angle: Array | Scalar) -> Array:
        """Return the share of its largest torque that active muscle has at an angle."""
        return jnp.exp(-(((angle - self.strongest) / self.breadth) ** 2))

    def mean(self, end: float = 1.0) -> Array:
        """Return the mean share over angles from 0 to `end`; an endless breadth is a constant lever."""
        width = jnp.asarray(self.breadth, dtype=float)
        wide = jnp.where(jnp.isinf(width), 1.0, width)
        ends = erf((end - self.strongest) / wide) + erf(self.strongest / wide)
        return jnp.where(jnp.isinf(width), 1.0, 0.5 * np.sqrt(np.pi) * wide * ends / end)


def strength_at(joint: str) -> Strength | None:
    """Return how the strength at a joint goes with its angle, rad; none where no record says so."""
    records = parameters.load(f"limb_{joint}")
    if "strongest_angle" not in records:
        return None
    angles = records.values(strongest_angle="deg", strength_breadth="deg")
    return Strength(*(float(np.deg2rad(angle)) for angle in angles))


def strength_of(group: str, joint: str) -> Strength | None:
    """Return how the strength of a muscle group goes with the angle of its joint, rad; none for a constant lever."""
    return strength_at(joint) if _GROUP.get(joint) == group else None


def strengths(groups: tuple[tuple[str, str], ...], range_rad: Float[np.ndarray, "muscle 1"]) -> Strength:
    """Return it for (muscle group, joint) side by side, in shares of range; a constant lever has no end of breadth."""
    constant = Strength(0.0, np.inf)
    each = [strength_of(*group) or constant for group in groups]
    strongest, breadth = (jnp.asarray(np.array(one)[:, None] / range_rad) for one in zip(*each, strict=True))
    return Strength(strongest, breadth)
