"""A person's own lesion as a mask of voxels: read from a NIfTI file, checked, and laid over the average brain.

A mask is in MNI space when its header says so (code 4), or when its grid is one of those in which templates of MNI
space are distributed. Every other space is refused: the tracts would be cut where the lesion is not.
"""

# ruff: noqa: N802, N806, N815 -- a millilitre is written mL

from __future__ import annotations

import hashlib
import os
import stat
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float

from eutonia.errors import SimulationError
from eutonia.patient import anatomy
from eutonia.patient.voxels import SignedDistance, signed_distance, voxel_size

if TYPE_CHECKING:
    from nibabel.spatialimages import SpatialImage

# Guard rails of the program: a mask at 1 mm has nine million voxels and packs to well under a megabyte.
LARGEST_FILE_BYTES, MOST_VOXELS = 32_000_000, 12_000_000
VOXEL_MM = (0.8, 4.0)
_MNI, _TALAIRACH = 4, 3
#: Grids in which templates of MNI space come: voxels across, and the edge of one, mm (FSL, SPM, ICBM 2009, JHU).
GRIDS = (
    ((182, 218, 182), 1.0),
    ((91, 109, 91), 2.0),
    ((193, 229, 193), 1.0),
    ((97, 115, 97), 2.0),
    ((197, 233, 189), 1.0),
    ((99, 117, 95), 2.0),
    ((181, 217, 181), 1.0),
    ((157, 189, 156), 1.0),
    ((79, 95, 79), 2.0),
    ((79, 95, 68), 2.0),
    ((53, 63, 46), 3.0),
)
# The middle of such a grid lies within this of that of the MNI brain, mm.
_MIDDLE_MM, _CLOSE_MM = (0.0, -18.0, 9.0), (6.0, 6.0, 18.0)
_MOST_OUTSIDE = 0.5
# sform and qform of one grid may differ by the digits of a file.
_ONE_PLACE_MM = 0.5
_DO = (
    "Bring it to MNI space: register the person's scan to the MNI152 template (FSL: flirt and fnirt; ANTs: "
    "antsRegistrationSyN.sh; SPM: Normalise), apply the same transform to the mask with nearest-neighbour "
    "interpolation onto the template's grid at 1 or 2 mm, and look at the two laid over each other"
)

Courses = Float[np.ndarray, "axis *shape"]


class MaskError(SimulationError):
    """A lesion mask that cannot be used: what was given, what is allowed, what to do."""

    def __init__(self, why: str, given: str, allowed: str, do: str) -> None:
        super().__init__(f"{why} Given: {given}. Allowed: {allowed}. Do: {do}.")
        self.why, self.given, self.allowed, self.do = why, given, allowed, do


@dataclass(frozen=True)
class LesionMask:
    """A lesion as the voxels that it fills, in MNI space; two are equal when their files have the same bytes.

    Parameters
    ----------
    digest
        SHA-256 of the bytes of the file.
    name
        Name of the file, without folders.
    content
        The bytes, so that a run can keep a copy.
    distance
        Signed distance of any point (x left to right, y anterior, z up, mm) from the lesion's surface.
    voxels
        Centres of its voxels, mm.
    voxel_mL
        Volume of one.
    """

    digest: str
    name: str = field(compare=False)
    content: bytes = field(compare=False, repr=False)
    distance: SignedDistance = field(compare=False, repr=False)
    voxels: Float[np.ndarray, "axis voxel"] = field(compare=False, repr=False)
    voxel_mL: float = field(compare=False)

    @property
    def copy_name(self) -> str:
        """Name of the copy that a run keeps."""
        return "lesion_mask.nii.gz" if self.content[:2] == b"\x1f\x8b" else "lesion_mask.nii"

    @property
    def volume_mL(self) -> float:
        """Volume of all of it, mL."""
        return self.voxels.shape[1] * self.voxel_mL

    def volume_on(self, side: str) -> float:
        """Return the volume on one side of the brain, mL; half of what lies in the midline."""
        x = _outward(side) * self.voxels[0]
        return float(((x > 0.0).sum() + 0.5 * (x == 0.0).sum()) * self.voxel_mL)

    def middle(self, side: str) -> tuple[float, float, float]:
        """Return the middle of the voxels on one side: lateral, anterior, height, mm."""
        lateral, anterior, height = self._on(side).mean(axis=1).tolist()
        return lateral, anterior, height

    def reach(self, side: str) -> float:
        """Return how far from the middle of one side any voxel lies, mm."""
        apart = self.voxels * np.array([[_outward(side)], [1.0], [1.0]]) - np.asarray(self.middle(side))[:, None]
        return float(np.sqrt((apart**2).sum(axis=0)).max()) + VOXEL_MM[1]

    def distance_on(self, side: str) -> Callable[[Courses], Float[np.ndarray, "*shape"]]:
        """Return the signed distance as a function of points of one hemisphere (lateral, anterior, height), mm."""

        def at(points: Courses) -> Float[np.ndarray, "*shape"]:
            turned = points * np.array([_outward(side), 1.0, 1.0]).reshape(-1, *[1] * (points.ndim - 1))
            return self.distance.at(turned)

        return at

    def _on(self, side: str) -> Float[np.ndarray, "axis voxel"]:
        turned = self.voxels * np.array([[_outward(side)], [1.0], [1.0]])
        mine = turned[:, turned[0] >= 0.0]
        return mine if mine.shape[1] else turned


def _outward(side: str) -> float:
    return 1.0 if side == "right" else -1.0


def read_mask(path: str | os.PathLike[str]) -> LesionMask:
    """Read a lesion mask from a NIfTI file (.nii or .nii.gz).

    Raises
    ------
    MaskError
        No such file, no NIfTI, another space or size, sheared or huge voxels, more than one volume, no lesion in it,
        values other than 0 and 1, or a lesion that lies outside the brain.
    """
    return parse_mask(_bytes(Path(path)), Path(path).name)


def parse_mask(content: bytes, name: str) -> LesionMask:
    """Read a lesion mask from the bytes of a NIfTI file; `name` stands for the file in errors."""
    image = _image(content, name)
    affine = _checked_grid(image)
    inside = _checked_values(image)
    voxels = affine[:3, :3] @ np.argwhere(inside).T.astype(float) + affine[:3, 3:]
    _check_in_brain(voxels)
    one_mL = float(abs(np.linalg.det(affine[:3, :3]))) / 1000.0
    digest = hashlib.sha256(content).hexdigest()
    return LesionMask(digest, name, content, signed_distance(inside, affine), voxels, one_mL)


def _bytes(path: Path) -> bytes:
    do = "Name a mask beside the study file, such as lesion.nii.gz"
    try:
        about = path.stat()
        if not stat.S_ISREG(about.st_mode):
            what = "a folder" if stat.S_ISDIR(about.st_mode) else "a device or a pipe"
            raise MaskError("It is no ordinary file.", what, "one NIfTI file (.nii or .nii.gz)", do)
        if about.st_size > LARGEST_FILE_BYTES:
            raise MaskError("The file is too large for a mask.", f"{about.st_size / 1e6:.1f} MB", _SIZE, _RESAMPLE)
        return path.read_bytes()
    except (OSError, ValueError) as failure:
        why = "There is no such file." if isinstance(failure, FileNotFoundError) else "The file cannot be read."
        raise MaskError(why, f'"{path.name}"', "one NIfTI file (.nii or .nii.gz)", do) from None


_SIZE = f"at most {LARGEST_FILE_BYTES / 1e6:.0f} MB and {MOST_VOXELS:,} voxels of {VOXEL_MM[0]:g} to {VOXEL_MM[1]:g} mm"
_RESAMPLE = "Resample it to 1 mm with nearest-neighbour interpolation and save it compressed (.nii.gz)"


def _image(content: bytes, name: str) -> SpatialImage:
    """Return the image whose header is in order; its voxels have not been read yet."""
    import nibabel

    try:
        plain = _unpacked(content) if content[:2] == b"\x1f\x8b" else content
        for kind in (nibabel.Nifti1Image, nibabel.Nifti2Image):
            try:
                return kind.from_bytes(plain)
            except nibabel.filebasedimages.ImageFileError:
                continue
    except MaskError:
        raise
    except Exception:
        pass
    do = "Save the mask as NIfTI-1, for example with FSL, SPM, ITK-SNAP or nibabel"
    raise MaskError("It is no NIfTI image that can be read.", f'"{name}"', "a .nii or .nii.gz file that is whole", do)


def _unpacked(content: bytes) -> bytes:
    """Return what is packed in the file; never more than the largest mask takes, whatever it claims to hold."""
    most = MOST_VOXELS * 8 + 100_000
    unpack = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    plain = unpack.decompress(content, most + 1)
    if len(plain) > most:
        raise MaskError("It unpacks to more than a mask can be.", f"over {most / 1e6:.0f} MB", _SIZE, _RESAMPLE)
    if not unpack.eof:
        raise MaskError("The file ends too early.", f"{len(content):,} bytes", "a whole .nii.gz file", "Copy it again")
    return plain


def _checked_grid(image: SpatialImage) -> Float[np.ndarray, "row column"]:
    """Return the affine of a mask whose grid is one of MNI space; refuse every other."""
    shape, header = tuple(int(n) for n in image.shape), image.header
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    if len(shape) != 3 or min(shape) < 2:
        do = "Save the mask alone, as one volume"
        raise MaskError("It is not one volume.", f"the shape {' x '.join(map(str, shape))}", "three axes", do)
    affine = np.asarray(image.affine, dtype=float)
    if not np.isfinite(affine).all() or abs(np.linalg.det(affine[:3, :3])) < 1e-6:
        raise MaskError("Its header does not say where its voxels lie.", "a broken affine", "MNI space, in mm", _DO)
    size = voxel_size(affine)
    if np.prod(shape) > MOST_VOXELS or size.min() < VOXEL_MM[0] or size.max() > VOXEL_MM[1]:
        given = f"{' x '.join(map(str, shape))} voxels of {' x '.join(f'{one:.3g}' for one in size)} mm"
        raise MaskError("Its voxels are too many, too small or too large.", given, _SIZE, _RESAMPLE)
    unit = affine[:3, :3] / size
    if np.abs(unit.T @ unit - np.eye(3)).max() > 1e-3:
        raise MaskError("Its voxels are sheared.", "an affine with shear", "boxes in MNI space", _DO)
    _check_one_place(image, shape, affine)
    code = max(int(header["sform_code"]), 0) or max(int(header["qform_code"]), 0)  # type: ignore[index]
    if code == _TALAIRACH:
        raise MaskError("It is in the space of Talairach.", "header code 3", "MNI space (header code 4)", _DO)
    if code == 0 or (code != _MNI and not _is_template(shape, size, affine)):
        why = "It is not in MNI space, as far as its header tells."
        middle = affine[:3, :3] @ ((np.array(shape) - 1.0) / 2.0) + affine[:3, 3]
        given = f"code {code}, {' x '.join(map(str, shape))} at {size[0]:.3g} mm, middle "
        given += ", ".join(f"{one:.0f}" for one in middle)
        allowed = "header code 4 (MNI), or the grid of an MNI template, such as 182 x 218 x 182 at 1 mm"
        raise MaskError(why, given, allowed, _DO)
    return affine


def _check_one_place(image: SpatialImage, shape: tuple[int, ...], affine: np.ndarray) -> None:
    """Refuse a header that puts the voxels into one space twice, at two places: programs read one or the other.

    A qform of the scanner beside an sform of MNI space is no such header.
    """
    second, code = image.header.get_qform(coded=True)  # type: ignore[attr-defined]
    if second is None or int(code) not in (int(image.header["sform_code"]), _MNI):  # type: ignore[index]
        return
    corners = np.array([*np.ndindex(2, 2, 2)], dtype=float) * (np.array(shape) - 1.0)
    apart = np.abs(corners @ (second - affine)[:3, :3].T + (second - affine)[:3, 3]).max()
    if apart > _ONE_PLACE_MM:
        why = "Its header says twice where its voxels lie, and not the same."
        do = "Find out which is meant, laid over the template, and save the mask with one of the two, or both alike"
        raise MaskError(why, f"sform and qform {apart:.3g} mm apart", "sform and qform alike", do)


def _is_template(shape: tuple[int, ...], size: Float[np.ndarray, " axis"], affine: np.ndarray) -> bool:
    """Return whether a grid is one of those of MNI templates: its size, and where its middle lies."""
    middle = affine[:3, :3] @ ((np.array(shape) - 1.0) / 2.0) + affine[:3, 3]
    is_near = bool(np.all(np.abs(middle - np.array(_MIDDLE_MM)) <= np.array(_CLOSE_MM)))
    return is_near and any(shape == grid and np.allclose(size, edge, atol=1e-3) for grid, edge in GRIDS)


def _checked_values(image: SpatialImage) -> Bool[np.ndarray, "i j k"]:
    """Return which voxels are lesion; refuse a mask with anything but 0 and 1 in it, or with nothing."""
    do = "Threshold it at half and save 0 and 1"
    try:
        values = np.asanyarray(image.dataobj)
    except Exception:
        why, allowed = "Its voxels cannot be read: the file is damaged.", "a file that is whole"
        raise MaskError(why, f"{image.get_data_dtype()} voxels", allowed, "Copy or save it again") from None
    if values.dtype.kind not in "biuf":
        raise MaskError("Its voxels are no numbers.", f"the type {values.dtype}", "0 and 1", do)
    values = values.reshape(values.shape[:3])
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        bad = int((~np.isfinite(values)).sum())
        raise MaskError("It has voxels that are no numbers.", f"{bad:,} voxels with nan or inf", "0 and 1", do)
    found = np.unique(values)
    if not np.isin(found, (0, 1)).all():
        shown = ", ".join(f"{one:g}" for one in found[:5].tolist()) + (", ..." if len(found) > 5 else "")
        why = "It is not a mask of lesion and no lesion."
        raise MaskError(why, f"{len(found):,} different values ({shown})", "0 and 1", do)
    inside = np.asarray(values == 1)
    if not inside.any():
        raise MaskError(
            "There is no lesion in it.", "voxels of 0 alone", "1 where the lesion is", "Save the mask again"
        )
    return inside


def _check_in_brain(voxels: Float[np.ndarray, "axis voxel"]) -> None:
    """Refuse a lesion most of which lies where the average brain has no tissue."""
    volume, affine = anatomy.atlas()
    place = np.rint(np.linalg.inv(affine[:3, :3]) @ (voxels - affine[:3, 3:])).astype(int)
    inside = np.all((place >= 0) & (place < np.array(volume.shape)[:, None]), axis=0)
    inside[inside] = volume[tuple(place[:, inside])] > 0
    if inside.mean() < 1.0 - _MOST_OUTSIDE:
        why = "Most of the lesion lies outside the brain of MNI space: it is in another space, or turned over."
        given = f"{1.0 - inside.mean():.0%} of its voxels outside"
        raise MaskError(why, given, f"at most {_MOST_OUTSIDE:.0%} outside", _DO)
