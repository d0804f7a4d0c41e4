"""Lesions of the brain laid over the threads of the pathways: a ball, part of a territory, or a mask, many at once."""

# ruff: noqa: N815 -- a millilitre is written mL

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from eutonia import parameters
from eutonia.patient import anatomy, territories, tracts
from eutonia.patient.masks import LesionMask
from eutonia.patient.places import numbers, places
from eutonia.patient.territories import ball_radius
from eutonia.patient.voxels import FAR_MM

# Lesions that are looked at together: few enough that the distances of all points stay near the processor.
_BLOCK = 32
_AXES = ("lateral", "anterior", "height")

Numbers = Float[np.ndarray, " patient"]
Points = Float[np.ndarray, "axis patient"]
Courses = Float[np.ndarray, "axis point patient"]


@dataclass(frozen=True, eq=False)
class Brain:
    """Lesions of the brain: where they lie (as in `Lesions`), how large they are, and what they do (as in `Harm`)."""

    place: Int[np.ndarray, " patient"]
    masks: tuple[tuple[LesionMask, str], ...]
    offset_mm: Points
    volume_mL: Numbers
    rim: Numbers
    core: Numbers
    block: Numbers
    returning: Numbers
    tract_shift_mm: Points
    brain_size: Numbers


@dataclass(frozen=True, eq=False)
class _Alike:
    """Lesions of one place: who has them, centres and radii (mm), and how far a point lies from the place's surface.

    `bound` is that distance at the points of the average brain, where the place is more than what the ball cuts out.
    """

    who: Int[np.ndarray, " patient"]
    centre: Points
    radius: Numbers
    bound: Float[np.ndarray, " point"] | None = None
    mask: Callable[[Courses], Float[np.ndarray, "point patient"]] | None = None


def brain_loss(of: Brain) -> tuple[tracts.Tracts, tracts.Tracts]:
    """Return what brain lesions have killed and what they have silenced at onset, of each tract and limb."""
    ball = ball_radius(of.volume_mL)
    width = ball * (np.cbrt(1.0 + of.rim) - 1.0)
    nearest = np.full((len(anatomy.threads().starts), len(of.place)), FAR_MM)
    for alike in _by_place(of):
        some = np.flatnonzero(of.volume_mL[alike.who] > 0.0)
        for part in _blocks(some[np.argsort(alike.radius[some], kind="stable")]):
            who = alike.who[part]
            nearest[:, who] = _nearest(of, alike, part, float(width[who].max()))
    r = np.minimum(parameters.load("lesion").value("thread_radius", "mm"), np.maximum(ball, 1e-9))
    return tracts.losses(nearest, tracts.Harm(of.core, of.block, of.returning, width, r))


def lies_at(of: Brain) -> Points:
    """Return the centre of each lesion, mm; of a mask, the middle of its voxels on the side that counts."""
    centre = np.zeros_like(of.offset_mm)
    for alike in _by_place(of):
        centre[:, alike.who] = alike.centre
    return centre


def _blocks(who: Int[np.ndarray, " patient"]) -> Iterator[Int[np.ndarray, " patient"]]:
    for begin in range(0, len(who), _BLOCK):
        yield who[begin : begin + _BLOCK]


def _by_place(of: Brain) -> Iterator[_Alike]:
    """Yield the lesions of each place together."""
    points = anatomy.threads().points
    for place in np.unique(of.place).tolist():
        who = np.flatnonzero(of.place == place)
        offset, volume = of.offset_mm[:, who], of.volume_mL[who]
        if place < 0:
            mask, side = of.masks[-2 - place]
            centre = np.repeat(np.asarray(mask.middle(side))[:, None], len(who), axis=1)
            yield _Alike(who, centre, np.full(len(who), mask.reach(side)), mask=mask.distance_on(side))
        elif (name := places()[place]) in territories.SHAPES:
            centre = np.asarray(territories.middle_of(name))[:, None] + offset
            radius = territories.radius_of(name, centre, volume)
            yield _Alike(who, centre, radius, bound=territories.territory(name).distance.at(points))
        else:
            middle = [numbers(axis, "mm", {name})[place] for axis in _AXES]
            yield _Alike(who, np.asarray(middle)[:, None] + offset, ball_radius(volume))


def _nearest(of: Brain, alike: _Alike, part: Int[np.ndarray, " patient"], widest: float) -> tracts.Distances:
    """Return how near each thread comes to some lesions of one place; FAR_MM where none can be touched."""
    threads, who = anatomy.threads(), alike.who[part]
    shift, size = of.tract_shift_mm[:, who], of.brain_size[who]
    centre, radius = alike.centre[:, part], alike.radius[part]
    middle, reach = centre.mean(axis=1), float(radius.max()) + 1.5 * widest + 1.0
    spread = np.sqrt(((centre - middle[:, None]) ** 2).sum(axis=0)).max()
    moved = np.sqrt((shift**2).sum(axis=0)).max() + np.abs(size - 1.0).max() * 120.0
    close = ((threads.points - middle[:, None]) ** 2).sum(axis=0) <= (reach + spread + moved) ** 2
    if alike.bound is not None:
        close &= alike.bound <= 1.5 * widest + 1.0
    kept = np.flatnonzero(close)
    out = np.full((len(threads.starts), len(part)), FAR_MM)
    if len(kept) == 0:
        return out
    thread = np.searchsorted(threads.starts, kept, side="right") - 1
    touched, starts = np.unique(thread, return_index=True)
    placed = size * threads.points[:, kept, None] + shift[:, None, :]
    if alike.mask is not None:
        distance = alike.mask(placed)
    else:
        placed -= centre[:, None, :]
        distance = np.sqrt((placed * placed).sum(axis=0)) - radius
        if alike.bound is not None:
            distance = np.maximum(distance, alike.bound[kept, None])
    out[touched] = np.minimum.reduceat(distance, starts, axis=0)
    return out
