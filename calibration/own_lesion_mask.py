"""The synthetic lesion mask that ships: an infarct of the corona radiata and the capsule, of nobody.

    python calibration/own_lesion_mask.py      writes studies/own_lesion_mask.nii.gz, always the same bytes

Two overlapping ellipsoids on the left, on the grid of the MNI152 template at 2 mm, their edge uneven by a few waves.
"""

from __future__ import annotations

import gzip
from pathlib import Path

import nibabel
import numpy as np

FILE = Path(__file__).resolve().parents[1] / "studies" / "own_lesion_mask.nii.gz"
SHAPE = (91, 109, 91)
AFFINE = np.array([[-2.0, 0, 0, 90], [0, 2, 0, -126], [0, 0, 2, -72], [0, 0, 0, 1]])
MNI = 4
#: Middle and half axes, mm: corona radiata, and the capsule below it.
PARTS = (((-27.0, -8.0, 22.0), (9.0, 14.0, 9.0)), ((-24.0, -7.0, 10.0), (6.0, 11.0, 9.0)))


def voxels() -> np.ndarray:
    """Return the mask, 1 where the lesion is."""
    points = np.tensordot(AFFINE[:3, :3], np.indices(SHAPE), axes=1) + AFFINE[:3, 3].reshape(3, 1, 1, 1)
    waves = 0.12 * np.sin(points[0] / 2.3) * np.cos(points[1] / 3.1) + 0.08 * np.sin(points[2] / 1.7)
    inside = np.zeros(SHAPE, dtype=bool)
    for middle, half in PARTS:
        away = (points - np.reshape(middle, (3, 1, 1, 1))) / np.reshape(half, (3, 1, 1, 1))
        inside |= np.sqrt((away**2).sum(axis=0)) <= 1.0 + waves
    return inside.astype(np.uint8)


def main() -> None:
    """Write the file."""
    image = nibabel.Nifti1Image(voxels(), AFFINE)
    image.set_sform(AFFINE, MNI)
    image.set_qform(AFFINE, MNI)
    image.header["descrip"] = b"Eutonia: synthetic lesion, of nobody"
    FILE.write_bytes(gzip.compress(image.to_bytes(), mtime=0))
    print(f"{FILE.name}: {int(voxels().sum()) * 8 / 1000:.1f} mL, {FILE.stat().st_size} bytes")


if __name__ == "__main__":
    main()
