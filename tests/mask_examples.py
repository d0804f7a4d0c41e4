"""Small masks that several tests share: made here, in the grid of an MNI template at 2 mm."""

from __future__ import annotations

import gzip

import numpy as np

from eutonia.patient.masks import LesionMask, parse_mask

SHAPE = (91, 109, 91)
AFFINE = np.array([[-2.0, 0, 0, 90], [0, 2, 0, -126], [0, 0, 2, -72], [0, 0, 0, 1]])


def ball(
    centre: tuple[float, ...], volume_mL: float, shape: tuple[int, ...] = SHAPE, affine: np.ndarray = AFFINE
) -> np.ndarray:
    """Return a ball in a grid, as true and false."""
    points = affine[:3, :3] @ np.indices(shape).reshape(3, -1) + affine[:3, 3:]
    apart = ((points - np.asarray(centre)[:, None]) ** 2).sum(axis=0)
    return (apart <= (3000.0 * volume_mL / (4.0 * np.pi)) ** (2.0 / 3.0)).reshape(shape)


def fine_ball(centre: tuple[float, ...], volume_mL: float) -> tuple[np.ndarray, np.ndarray]:
    """Return a ball in the grid of the template at 1 mm, and that grid's affine."""
    affine = np.array([[-1.0, 0, 0, 90], [0, 1, 0, -126], [0, 0, 1, -72], [0, 0, 0, 1]])
    return ball(centre, volume_mL, (182, 218, 182), affine), affine


def nifti(
    values: np.ndarray,
    affine: np.ndarray = AFFINE,
    code: int = 4,
    *,
    packed: bool = True,
    second: tuple[np.ndarray | None, int] = (None, 0),
) -> bytes:
    """Return a NIfTI file of these voxels; `second` is the affine of its qform, and the space of that."""
    import nibabel

    image = nibabel.Nifti1Image(np.asarray(values), affine)
    image.set_sform(affine, code)
    image.set_qform(*second)
    plain = image.to_bytes()
    return gzip.compress(plain, mtime=0) if packed else plain


def mask_of(inside: np.ndarray) -> LesionMask:
    """Return these voxels as a mask that was read."""
    return parse_mask(nifti(inside.astype(np.uint8)), "mask.nii.gz")
