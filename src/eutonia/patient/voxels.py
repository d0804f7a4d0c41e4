"""A set of voxels as a signed distance: how far any point lies from its surface, negative inside.

Equation
    t(p) = d(p, nearest voxel inside) - h/2   outside ;   h/2 - d(p, nearest voxel outside)   inside
with h the edge of a voxel, so that the surface runs between the voxels, and trilinear between their centres.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

#: What every point farther away than this counts as, mm: no rim is as wide.
FAR_MM = 60.0
# A limit of the program: what lies farther than this from the surface is FAR_MM away, and needs no grid, mm.
_MARGIN_MM = 24.0

Affine = Float[np.ndarray, "row column"]
Points = Float[np.ndarray, "axis *shape"]


@dataclass(frozen=True, eq=False)
class SignedDistance:
    """Signed distance on a grid, mm; `to_grid` takes a point in mm to its place on the grid."""

    values: Float[np.ndarray, "i j k"]
    to_grid: Affine

    def at(self, points: Points) -> Float[np.ndarray, "*shape"]:
        """Return the signed distance of points (axis first: left to right, anterior, up), mm."""
        from scipy.ndimage import map_coordinates

        turned = np.tensordot(self.to_grid[:3, :3], points, axes=1)
        place = turned + self.to_grid[:3, 3].reshape(-1, *[1] * (points.ndim - 1))
        return np.asarray(map_coordinates(self.values, place, order=1, mode="constant", cval=FAR_MM))


def signed_distance(inside: Bool[np.ndarray, "i j k"], affine: Affine) -> SignedDistance:
    """Return the signed distance of a set of voxels; `affine` takes places on the grid to mm, without shear."""
    from scipy.ndimage import distance_transform_edt

    size = voxel_size(affine)
    margin = np.ceil(_MARGIN_MM / size).astype(int)
    where = [np.flatnonzero(inside.any(axis=tuple({0, 1, 2} - {axis}))) for axis in range(3)]
    low = np.array([one[0] for one in where]) - margin
    part = inside[tuple(slice(one[0], one[-1] + 1) for one in where)]
    part = np.pad(part, [(int(m), int(m)) for m in margin])
    half = float(size.min()) / 2.0
    outside = distance_transform_edt(~part, sampling=size)
    within = distance_transform_edt(part, sampling=size)
    values = np.where(part, half - within, outside - half)
    moved = affine.astype(float).copy()
    moved[:3, 3] += moved[:3, :3] @ low
    return SignedDistance(values, np.linalg.inv(moved))


def voxel_size(affine: Affine) -> Float[np.ndarray, " axis"]:
    """Return the edges of a voxel, mm."""
    return np.asarray(np.sqrt((affine[:3, :3].astype(float) ** 2).sum(axis=0)))
