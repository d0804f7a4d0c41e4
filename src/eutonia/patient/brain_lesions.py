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

# Lesions that are looked at together.
_BLOCK = 64
_ROUNDING_MM = 1e-9
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
    n = len(of.place)
    ball = ball_radius(of.volume_mL)
    width = ball * (np.cbrt(1.0 + of.rim) - 1.0)
    radius = np.minimum(parameters.load("lesion").value("thread_radius", "mm"), np.maximum(ball, 1e-9))
    dead, silent = (np.zeros(((len(anatomy.BUNDLES) + 1) // 2, 2, n)) for _ in range(2))
    for alike in _by_place(of, anatomy.threads().points):
        for part in _blocks(alike, np.flatnonzero(of.volume_mL[alike.who] > 0.0)):
            who = alike.who[part]
            harm = tracts.Harm(of.core[who], of.block[who], of.returning[who], width[who], radius[who])
            dead[..., who], silent[..., who] = tracts.losses(_nearest(of, alike, part, harm), harm)
    return dead, silent


@dataclass(frozen=True, eq=False)
class Extent:
    """Where one lesion lies in the average brain, mm: its middle, the width of its rim, how far points lie from it."""

    middle: Float[np.ndarray, " axis"]
    rim_mm: float
    distance: Float[np.ndarray, " point"]


def extent_at(of: Brain, points: Float[np.ndarray, "axis point"]) -> Extent:
    """Return where the one lesion lies, and its distance from points of its hemisphere (lateral, anterior, height)."""
    (alike,) = _by_place(of, points)
    middle = alike.centre[:, 0]
    if alike.mask is not None:
        distance = alike.mask(points[:, :, None])[:, 0]
    else:
        distance = np.sqrt(((points - middle[:, None]) ** 2).sum(axis=0)) - alike.radius[0]
        distance = distance if alike.bound is None else np.maximum(distance, alike.bound)
    return Extent(middle, float((ball_radius(of.volume_mL) * (np.cbrt(1.0 + of.rim) - 1.0))[0]), distance)


def _blocks(alike: _Alike, some: Int[np.ndarray, " patient"]) -> Iterator[Int[np.ndarray, " patient"]]:
    """Deal lesions out in blocks of neighbours of like size, so that few threads need be looked at for each: halves
    along whatever differs most, until they are small.
    """
    where = np.vstack([alike.centre, alike.radius])
    rest = [some]
    while rest:
        part = rest.pop()
        if len(part) > _BLOCK:
            widest = int(np.argmax(np.ptp(where[:, part], axis=1)))
            rest.extend(np.array_split(part[np.argsort(where[widest, part], kind="stable")], 2))
        elif len(part):
            yield part


def _by_place(of: Brain, points: Float[np.ndarray, "axis point"]) -> Iterator[_Alike]:
    """Yield the lesions of each place together, with the distance of points from the place's surface."""
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


def _nearest(of: Brain, alike: _Alike, part: Int[np.ndarray, " patient"], harm: tracts.Harm) -> tracts.Distances:
    """Return how near each thread comes to some lesions of one place; FAR_MM where none can be touched.

    A point of the average brain lies at m p + d in a person, so its distance from c is m times that of p from q, with
    q = (c - d) / m; the part of the ball inside a territory is max(|m p + d - c| - R, bound).
    """
    threads, who = anatomy.threads(), alike.who[part]
    shift, size = of.tract_shift_mm[:, who], of.brain_size[who]
    centre, radius = (alike.centre[:, part] - shift) / size, alike.radius[part]
    edge = 1.5 * harm.width + harm.thread_radius
    middle = centre.mean(axis=1)
    spread = np.sqrt(((centre - middle[:, None]) ** 2).sum(axis=0))
    away = np.sqrt(((threads.points - middle[:, None]) ** 2).sum(axis=0))
    close = away <= (spread + (radius + edge) / size).max()
    out = np.full((len(threads.starts), len(part)), FAR_MM)
    if alike.bound is not None:
        close &= alike.bound <= edge.max()
    if alike.mask is None:
        # What has a point deep inside every one of the lesions is cut by all, wherever its other points lie.
        deep = away < ((radius - harm.thread_radius) / size - spread).min() - _ROUNDING_MM
        if alike.bound is not None:
            deep &= alike.bound <= -harm.thread_radius.max()
        if deep.any():
            is_cut = np.zeros(len(out), dtype=bool)
            is_cut[threads.of_point[deep]] = True
            out[is_cut] = -harm.thread_radius
            close &= ~is_cut[threads.of_point]
    kept = np.flatnonzero(close)
    if len(kept) == 0:
        return out
    of_kept = threads.of_point[kept]
    starts = np.flatnonzero(np.diff(of_kept, prepend=-1))
    touched, points = of_kept[starts], threads.points[:, kept]
    if alike.mask is not None:
        placed = size * points[:, :, None] + shift[:, None, :]
        out[touched] = np.minimum.reduceat(alike.mask(placed), starts, axis=0)
        return out
    bound = np.full(len(kept), -np.inf) if alike.bound is None else alike.bound[kept]
    from eutonia.patient import nearness

    least = nearness.least_squared(points, starts, bound, nearness.Balls(centre, radius, size))
    out[touched] = size * np.sqrt(least) - radius
    return out
