"""Where an infarct lies: the part of a territory that is nearest to a point drawn inside it.

An infarct of a volume V around a point c fills the voxels of its territory that lie within R of c, with R such that
they make up V. Which labels of the atlas a territory has, where its infarcts begin, and where the middle lies that
stands for "somewhere in it", is in `SHAPES`.
"""

# ruff: noqa: N803, N806 -- a millilitre is written mL

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from eutonia import parameters
from eutonia.patient import anatomy

_MM3_PER_ML = 1000.0
# Points of a territory from which infarcts begin, and voxels that tell its shape: numerical, not science.
_POINTS, _VOXELS = 256, 6000
_GOLDEN = 0.6180339887498949
_BIN_MM = 0.5
_BLOCK = 32

Points = Float[np.ndarray, "axis patient"]
Numbers = Float[np.ndarray, " patient"]


class Shape(NamedTuple):
    """Codes of the atlas that a territory has, those in which its infarcts begin, and those of its middle.

    `is_deep`: small infarcts, which are known as strokes only near a motor tract. `is_branch`: its artery comes over
    the insula, and infarcts begin in the part that is nearest to it.
    """

    grows: tuple[str, ...]
    begins: tuple[str, ...] = ()
    middle: tuple[str, ...] = ()
    is_deep: bool = False
    is_branch: bool = False


_CORTICOSPINAL = (0, 1)  # bundles of the corticospinal tract, the first ones
_CORTEX = ("MCAF", "MCAP", "MCAT", "MCAO")
#: An occluded trunk starves the deep branches first: they have no neighbours to help. The middle of the posterior
#: cerebral artery is the thalamus.
SHAPES = {
    "M1 trunk": Shape(("LLS", "MCAI", *_CORTEX), ("LLS", "MCAI")),
    "M2 superior": Shape(("MCAF", "MCAI"), is_branch=True),
    "M2 inferior": Shape(("MCAP", "MCAT", "MCAO"), is_branch=True),
    "lenticulostriate": Shape(("LLS",), is_deep=True),
    "anterior choroidal": Shape(("LLS", "PCTP", "ACTP")),
    "ACA": Shape(("ACA",)),
    "PCA/thalamic": Shape(("PCTP", "PCAO", "PCAT"), middle=("PCTP",)),
    "basilar/pontine": Shape(("B",), is_deep=True),
    "medullary": Shape(("B",), is_deep=True),
}


def territory(name: str, codes: tuple[str, ...] = ()) -> anatomy.Territory:
    """Return the territory that an infarct grows in, or the part of it that some codes of the atlas have."""
    (cut,) = anatomy.planes("medulla_level")
    codes = codes or SHAPES[name].grows
    if name == "basilar/pontine":
        return anatomy.territory(codes, above=cut)
    return anatomy.territory(codes, below=cut) if name == "medullary" else anatomy.territory(codes)


@parameters.remembered
def places_of(name: str) -> Float[np.ndarray, "axis point"]:
    """Return the points of a territory from which its infarcts begin, mm, spread evenly over it."""
    return _evenly(_begins(name), _POINTS)


@parameters.remembered
def middle_of(name: str) -> tuple[float, float, float]:
    """Return the middle of a territory, mm: the voxel nearest to the mean of those where infarcts begin."""
    shape = SHAPES[name]
    voxels = territory(name, shape.middle).voxels if shape.middle else _begins(name)
    apart = ((voxels - voxels.mean(axis=1, keepdims=True)) ** 2).sum(axis=0)
    lateral, anterior, height = voxels[:, int(np.argmin(apart))].tolist()
    return lateral, anterior, height


def _begins(name: str) -> Float[np.ndarray, "axis voxel"]:
    of, shape = parameters.load("lesion"), SHAPES[name]
    voxels = territory(name, shape.begins).voxels
    if shape.is_deep:
        return voxels[:, _from_motor_tract(voxels) <= of.value("symptomatic_reach", "mm")]
    if shape.is_branch:
        insula = anatomy.territory(("MCAI",)).voxels.mean(axis=1)
        apart = ((voxels - insula[:, None]) ** 2).sum(axis=0)
        return voxels[:, apart <= np.quantile(apart, of.value("branch_begin_share", "1"))]
    if name != "anterior choroidal":
        return voxels
    threads, height = _motor_threads(), of.value("choroidal_height", "mm")
    centre = threads[:, np.abs(threads[2] - height) <= 1.0].mean(axis=1)
    volume = of.along("territory_volume", "mL", [name])[0]
    apart = np.sqrt(((voxels - centre[:, None]) ** 2).sum(axis=0))
    return voxels[:, apart <= ball_radius(np.array([volume]))[0]]


def _from_motor_tract(points: Float[np.ndarray, "axis voxel"]) -> Float[np.ndarray, " voxel"]:
    """Return how far points lie from the nearest corticospinal thread, mm."""
    from scipy.spatial import cKDTree

    return np.asarray(cKDTree(_motor_threads().T).query(points.T)[0])


def _motor_threads() -> Float[np.ndarray, "axis point"]:
    """Return the points of the corticospinal threads, mm."""
    threads = anatomy.threads()
    ends = np.append(threads.starts[1:], threads.points.shape[1])
    return threads.points[:, : ends[np.flatnonzero(np.isin(threads.bundle, _CORTICOSPINAL))[-1]]]


def _evenly(voxels: Float[np.ndarray, "axis voxel"], most: int) -> Float[np.ndarray, "axis some"]:
    """Return at most so many of the voxels, spread evenly over them by the golden section."""
    count = voxels.shape[1]
    if count <= most:
        return voxels
    return voxels[:, np.sort(np.floor(np.mod((np.arange(most) + 0.5) * _GOLDEN, 1.0) * count).astype(int))]


def radius_of(name: str, centre: Points, volume_mL: Numbers) -> Numbers:
    """Return how far from their centres infarcts of these volumes reach inside their territory, mm."""
    voxels = _evenly(territory(name).voxels, _VOXELS)
    one_mL = territory(name).volume_mL / voxels.shape[1]
    points, which = np.unique(centre, axis=1, return_inverse=True)
    radius = np.empty(len(volume_mL))
    for begin in range(0, points.shape[1], _BLOCK):
        part = points[:, begin : begin + _BLOCK]
        apart = np.sqrt(((voxels[:, None, :] - part[:, :, None]) ** 2).sum(axis=0))
        bins = int(apart.max() / _BIN_MM) + 1
        place = (apart / _BIN_MM).astype(int) + bins * np.arange(part.shape[1])[:, None]
        counts = np.bincount(place.ravel(), minlength=bins * part.shape[1]).reshape(-1, bins)
        volume = np.cumsum(counts, axis=1) * one_mL
        for k in range(part.shape[1]):
            mine = np.flatnonzero(which.ravel() == begin + k)
            edges, known = _BIN_MM * np.arange(bins + 1), np.append(0.0, volume[k])
            radius[mine] = np.interp(volume_mL[mine], known, edges)
    return np.maximum(radius, ball_radius(volume_mL))


def ball_radius(volume_mL: Numbers) -> Numbers:
    """Return the radius of a ball of this volume, mm."""
    return np.asarray(np.cbrt(3.0 * _MM3_PER_ML * volume_mL / (4.0 * np.pi)))
