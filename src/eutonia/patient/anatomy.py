"""Measured anatomy: the courses of the descending pathways and the territories of the arteries, in MNI space.

One hemisphere with its half of the brain stem, mm: lateral from the midline, anterior and upward from the anterior
commissure. Both sides of the brain are merged by mirroring. What was measured is in `data/` beside its licence
(NOTICE.md there): streamlines of population-averaged tractography, and an atlas of arterial territories.

A pathway is a bundle of threads. Corticospinal threads are the streamlines themselves. Of the corticoreticular bundle
ten streamlines alone begin in front of the motor cortex: they and the rest of their bundle tell its course and its
spread, level by level, and the premotor streamlines of the corticopontine bundle beside it tell how many begin where.
Tractography is blind below the medulla: every thread is drawn on to the lowest level, beside the others
of its bundle.

Sources: Yeh 2018 (streamlines), Liu 2023 (territories).
"""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from eutonia import parameters
from eutonia.patient.voxels import SignedDistance, signed_distance

DATA = Path(__file__).resolve().parent / "data"
STREAMLINES = DATA / "streamlines.npz"
TERRITORIES = DATA / "arterial_territories_2mm.nii.gz"

_SPACING_MM = 2.0  # from point to point of a streamline in the file, and from level to level of a thread
_DIGITS = 6
_PER_MM = 10.0  # the file holds tenths of a mm

Course = Float[np.ndarray, "axis _"]


@dataclass(frozen=True, eq=False)
class Threads:
    """All threads, one after the other; `starts` says where each begins, `of_point` of which thread a point is and
    `bundle` to which bundle a thread belongs.
    """

    points: Course
    starts: Int[np.ndarray, " thread"]
    of_point: Int[np.ndarray, " point"]
    bundle: Int[np.ndarray, " thread"]


#: Bundles in the order of their numbers; those of the brain stem serve leg and arm alike.
BUNDLES = ("corticospinal leg", "corticospinal arm", "dorsal leg", "dorsal arm", "medial")


@parameters.remembered
def threads() -> Threads:
    """Return the threads of every bundle, by the records of the set `lesion` that part them."""
    leg, arm, lowest, pons = planes("leg_end_lateral", "arm_end_lateral", "lowest_level", "pons_level")
    rear, front, above = planes("premotor_rear", "premotor_front", "premotor_above")
    tracked = _streamlines()

    def by_limb(courses: list[Course]) -> list[list[Course]]:
        end = np.array([course[0, np.argmax(course[2])] for course in courses])
        return [[courses[k] for k in np.flatnonzero(part)] for part in (end <= leg, end >= arm)]

    def is_premotor(course: Course) -> bool:
        return bool(rear <= course[1, 0] <= front and course[2, 0] > above)

    corticospinal = by_limb(tracked["corticospinal"])
    reticular = [course for course in tracked["reticular"] if is_premotor(course)]
    beside = [course for course in tracked["corticopontine_frontal"] if is_premotor(course)]
    dorsal = _moved(beside, reticular, tracked["reticular"], lowest)
    medial = [course[:, course[2] <= pons] for course in dorsal]
    bundles = [*(_drawn_on(part, lowest) for part in corticospinal), *by_limb(dorsal), medial]
    flat = [course for bundle in bundles for course in bundle]
    sizes = [course.shape[1] for course in flat]
    return Threads(
        points=np.concatenate(flat, axis=1),
        starts=np.cumsum([0, *sizes[:-1]]),
        of_point=np.repeat(np.arange(len(sizes)), sizes),
        bundle=np.repeat(np.arange(len(bundles)), [len(bundle) for bundle in bundles]),
    )


def planes(*names: str) -> list[float]:
    """Return planes of the set `lesion`, mm, rounded: at a voxel the last digit of a change of unit would decide."""
    return [round(place, _DIGITS) for place in parameters.load("lesion").values(**dict.fromkeys(names, "mm"))]


@functools.cache
def _streamlines() -> dict[str, list[Course]]:
    """Return the streamlines of every tract, mirrored to one side, the cortical end first."""
    with np.load(STREAMLINES, allow_pickle=False) as file:
        points, offsets = file["points"].astype(float).T / _PER_MM, file["offsets"]
        names, tract = file["tracts"].tolist(), file["tract"]
    points[0] = np.abs(points[0])
    found: dict[str, list[Course]] = {name: [] for name in names}
    for number, (begin, end) in enumerate(itertools.pairwise(offsets)):
        found[names[tract[number]]].append(points[:, begin:end])
    return found


def _moved(beside: list[Course], premotor: list[Course], whole: list[Course], lowest: float) -> list[Course]:
    """Return premotor threads on the course of the corticoreticular bundle.

    Each keeps its place in its bundle (SDs from the mean, lateral and anterior) from level to level; the bundle has the
    mean and SD of the streamlines that begin in front of the motor cortex, and low down, where few of them are left,
    of all of them, for there they run together.
    """
    begins, ends, parts = planes("turn_begins", "turn_ends", "parted_level")
    levels = np.arange(begins, lowest - _SPACING_MM, -_SPACING_MM)
    own, course, everything = (_at(part, levels) for part in (beside, premotor, whole))
    few = np.isfinite(course[:, 0]).sum(axis=0) < len(premotor)
    middle, spread = (np.where(few, of(everything), of(course)) for of in (_mean, _sd))
    place = (own - _mean(own)) / _sd(own)
    parted = int(np.flatnonzero(levels <= parts)[0])
    place[..., parted:] = place[..., parted : parted + 1]
    missing = np.isnan(middle[0])
    middle[:, missing] = middle[:, ~missing][:, -1:]
    spread[:, missing] = spread[:, ~missing][:, -1:]
    share = np.clip((begins - levels) / (begins - ends), 0.0, 1.0)
    target = middle + place * spread
    across = np.where(share < 1.0, (1.0 - share) * np.nan_to_num(own) + share * target, target)
    out = []
    for course_beside, xy in zip(beside, across, strict=True):
        top = int(np.flatnonzero(course_beside[2] <= begins)[0])
        below = np.vstack([xy, levels])
        out.append(np.concatenate([course_beside[:, :top], below], axis=1))
    return out


def _drawn_on(courses: list[Course], lowest: float) -> list[Course]:
    """Return threads that all reach the lowest level: where one ends early it keeps its distance from the others."""
    levels = np.arange(-20.0, lowest - _SPACING_MM, -_SPACING_MM)
    at = _at(courses, levels)
    known = np.isfinite(_mean(at)[0])
    middle = np.stack([np.interp(-levels, -levels[known], one[known]) for one in _mean(at)])
    out = []
    for course, own in zip(courses, at, strict=True):
        last = int(np.flatnonzero(np.isfinite(own[0]))[-1])
        more = own[:, last, None] - middle[:, last, None] + middle[:, last + 1 :]
        above = course[:, : int(np.flatnonzero(course[2] >= levels[last])[-1]) + 1]
        out.append(np.concatenate([above, np.vstack([more, levels[last + 1 :]])], axis=1))
    return out


def _at(courses: list[Course], levels: Float[np.ndarray, " level"]) -> Float[np.ndarray, "thread across level"]:
    """Return where threads cross levels on their way down, lateral and anterior, mm; NaN where one does not reach."""
    out = np.full((len(courses), 2, len(levels)), np.nan)
    for k, course in enumerate(courses):
        lowest = np.minimum.accumulate(course[2])
        rises = np.append(True, np.diff(lowest) < 0.0)
        height, across = -lowest[rises], course[:2, rises]
        inside = (-levels >= height[0]) & (-levels <= height[-1])
        for axis in range(2):
            out[k, axis, inside] = np.interp(-levels[inside], height, across[axis])
    return out


def _mean(at: Float[np.ndarray, "thread across level"]) -> Float[np.ndarray, "across level"]:
    count = np.isfinite(at).sum(axis=0)
    return np.where(count > 0, np.nansum(at, axis=0) / np.maximum(count, 1), np.nan)


def _sd(at: Float[np.ndarray, "thread across level"]) -> Float[np.ndarray, "across level"]:
    return np.sqrt(_mean((at - _mean(at)) ** 2))


@functools.cache
def atlas() -> tuple[Int[np.ndarray, "i j k"], Float[np.ndarray, "row column"]]:
    """Return the labels of the arterial territories and the affine that takes their places to mm.

    The middle between left and right of every territory lies 1.6 mm to the right of the midline of the streamlines;
    the affine is moved by as much, so that both have one midline.
    """
    import nibabel

    image = nibabel.Nifti1Image.from_filename(TERRITORIES)
    volume, affine = np.asarray(image.dataobj, dtype=np.int64), np.asarray(image.affine, dtype=np.float64).copy()
    across = affine[0, 0] * np.arange(volume.shape[0]) + affine[0, 3]
    counts = np.stack([np.bincount(plane.ravel(), minlength=volume.max() + 1) for plane in volume])
    middle = (across @ counts)[1:] / counts.sum(axis=0)[1:]
    affine[0, 3] -= round(float(middle.mean()), 1)
    return volume, affine


@functools.cache
def labels() -> dict[str, tuple[int, int]]:
    """Return the two labels, left and right, of every territory of the atlas by its code without the side."""
    rows = [row.split(",")[:2] for row in (DATA / "territories.csv").read_text(encoding="utf-8").splitlines()[1:]]
    found: dict[str, list[int]] = {}
    for number, code in rows:
        found.setdefault(code[:-1], []).append(int(number))
    return {code: (left, right) for code, (left, right) in found.items()}


@dataclass(frozen=True, eq=False)
class Territory:
    """A territory of one hemisphere: its voxels (centres, mm), their volume together, and the distance from it."""

    distance: SignedDistance
    voxels: Float[np.ndarray, "axis voxel"]
    volume_mL: float  # noqa: N815 -- a millilitre is written mL


@functools.cache
def territory(codes: tuple[str, ...], below: float = np.inf, above: float = -np.inf) -> Territory:
    """Return the territory that these labels of the atlas make together, between two levels (mm)."""
    volume, affine = hemisphere()
    level = affine[2, 2] * np.arange(volume.shape[2]) + affine[2, 3]
    inside = np.isin(volume, [list(labels()).index(code) for code in codes]) & (level <= below) & (level > above)
    voxels = affine[:3, :3] @ np.argwhere(inside).T.astype(float) + affine[:3, 3:]
    volume_mL = voxels.shape[1] * float(np.linalg.det(affine[:3, :3])) / 1000.0  # noqa: N806
    return Territory(signed_distance(inside, affine), voxels, volume_mL)


@functools.cache
def hemisphere() -> tuple[Int[np.ndarray, "i j k"], Float[np.ndarray, "row column"]]:
    """Return the territories of one hemisphere, both sides of the atlas merged, by their places in `labels`.

    A voxel belongs to the territory of which it has most on both sides, smoothed by one voxel; -1 outside the brain.
    """
    from scipy.ndimage import gaussian_filter

    volume, affine = atlas()
    edge = float(affine[0, 0])
    axes = [affine[axis, axis] * np.arange(volume.shape[axis]) + affine[axis, 3] for axis in range(3)]
    axes[0] = np.arange(edge / 2.0, axes[0].max(), edge)
    shape = tuple(len(one) for one in axes)
    sides = [(sign * axes[0] - affine[0, 3]) / edge for sign in (-1.0, 1.0)]
    most, found = np.zeros(shape), np.full(shape, -1)
    for number, pair in enumerate([(0, 0), *labels().values()]):
        share = np.zeros(shape)
        for label, place in zip(pair, sides, strict=True):
            part = (volume == label).astype(float)
            low = np.clip(np.floor(place).astype(int), 0, volume.shape[0] - 2)
            rest = (place - low).clip(0.0, 1.0)[:, None, None]
            share += (1.0 - rest) * part[low] + rest * part[low + 1]
        share = gaussian_filter(share, 1.0)
        larger = share > most
        most, found = np.where(larger, share, most), np.where(larger, number - 1, found)
    moved = affine.copy()
    moved[0, 3] = axes[0][0]
    return found, moved
