"""Where the descending pathways run through the brain, and how much of each a ball of tissue takes away.

One hemisphere and its half of the brain stem, in mm: lateral from the midline, anterior and upward from the anterior
commissure. A pathway to a limb is a tube, given where it crosses six levels (cortex, corona radiata, internal capsule,
peduncle, pons, medulla) and cut between them into axial slices, each a disc. A lesion is a ball, so that it meets a
slice in a disc too, and the share of the tract that it takes is the overlap of two discs, in closed form.
"""

# ruff: noqa: N803 -- a millilitre is written mL

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from eutonia import parameters
from eutonia.patient.pathways import LIMBS

_TUBES = ("corticospinal_leg", "corticospinal_arm", "dorsal_leg", "dorsal_arm", "medial", "medial")  # leg, arm
_MM3_PER_ML = 1000.0

Points = Float[np.ndarray, "axis patient"]
Shares = Float[np.ndarray, "slice patient"]
Vector = Float[np.ndarray, " slice"]
Patients = Float[np.ndarray, " patient"]
Discs = Float[np.ndarray, " disc"]


@dataclass(frozen=True, eq=False)
class Slices:
    """Axial slices of all tubes, one tube after the other, mm; `starts` says where each tube begins."""

    lateral: Vector
    anterior: Vector
    height: Vector
    radius: Vector
    starts: Int[np.ndarray, " tube"]

    def worst(self, share: Shares) -> Float[np.ndarray, "tract limb patient"]:
        """Return the largest share along each tube: a fibre cut at one level is cut."""
        worst = np.maximum.reduceat(share, self.starts, axis=0)
        return np.asarray(worst.reshape(-1, len(LIMBS), share.shape[1]))


def slices() -> Slices:
    """Return the slices of every pathway to leg and arm from the set `lesion`."""
    anatomy = parameters.load("lesion")
    level, level_radius = (np.asarray(anatomy.array(name, "mm")) for name in ("level_height", "tract_radius"))
    spacing = anatomy.value("slice_spacing", "mm")
    tubes = []
    for tube in _TUBES:
        lateral, anterior = (np.asarray(anatomy.array(f"{tube}_{axis}", "mm")) for axis in ("lateral", "anterior"))
        top = len(level) - len(lateral)  # a tube that starts in the brain stem names only its lowest levels
        height = _heights(level[top:], spacing)
        along = (np.interp(-height, -level[top:], course) for course in (lateral, anterior, level_radius[top:]))
        tubes.append((height, *along))
    height, lateral, anterior, radius = (np.concatenate(column) for column in zip(*tubes, strict=True))
    starts = np.cumsum([0, *(len(course[0]) for course in tubes[:-1])])
    return Slices(lateral, anterior, height, radius, starts)


def share_inside(centre: Points, radius: Patients, of: Slices) -> Shares:
    """Return the share of every slice that lies inside each patient's ball.

    Parameters
    ----------
    centre
        Centres of the balls, mm: lateral, anterior, height.
    radius
        Radii of the balls, mm.
    of
        The slices.
    """
    ball_squared = radius**2 - (of.height[:, None] - centre[2]) ** 2
    share = np.zeros(ball_squared.shape)
    where, who = np.nonzero(ball_squared > 0.0)
    ball = np.sqrt(ball_squared[where, who])
    apart = np.sqrt((of.lateral[where] - centre[0, who]) ** 2 + (of.anterior[where] - centre[1, who]) ** 2)
    share[where, who] = _share_of_disc(apart, ball, of.radius[where])
    return share


def ball_radius(volume_mL: Patients) -> Patients:
    """Return the radius of a ball of this volume, mm."""
    return np.asarray(np.cbrt(3.0 * _MM3_PER_ML * volume_mL / (4.0 * np.pi)))


def _heights(level: Float[np.ndarray, " level"], spacing: float) -> Vector:
    """Return heights from the highest to the lowest level, through every level, about `spacing` apart."""
    pieces = []
    for upper, lower in itertools.pairwise(level):
        count = max(1, round(float(upper - lower) / spacing))
        pieces.append(np.linspace(upper, lower, count, endpoint=False))
    return np.concatenate([*pieces, level[-1:]])


def _share_of_disc(apart: Discs, ball: Discs, disc: Discs) -> Discs:
    """Return the share of discs covered by other discs (`ball`), their centres `apart`, mm."""
    share = np.where(apart <= np.abs(ball - disc), np.minimum(ball / disc, 1.0) ** 2, 0.0)
    partly = (apart > np.abs(ball - disc)) & (apart < ball + disc)
    d, b, r = apart[partly], ball[partly], disc[partly]
    at_disc = np.arccos(np.clip((d**2 + r**2 - b**2) / (2.0 * d * r), -1.0, 1.0))
    at_ball = np.arccos(np.clip((d**2 + b**2 - r**2) / (2.0 * d * b), -1.0, 1.0))
    lens = _segment(r, at_disc) + _segment(b, at_ball)
    share[partly] = np.clip(lens / (np.pi * r**2), 0.0, 1.0)
    return share


def _segment(
    radius: Float[np.ndarray, " overlap"], half_angle: Float[np.ndarray, " overlap"]
) -> Float[np.ndarray, " overlap"]:
    """Return the area of a circular segment."""
    return np.asarray(radius**2 * (half_angle - 0.5 * np.sin(2.0 * half_angle)))
