"""A lesion of the brain or of the cord: its kind, its place, its size and its side.

Sources: Teo 2023 and the first-MRI series for bleeding, middle cerebral artery series for infarct volume; where
tracts and territories lie was measured (`anatomy`).
"""

# ruff: noqa: N802, N803, N806, N815 -- a millilitre is written mL

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from eutonia import parameters
from eutonia._arguments import NUMBER, TEXT, accepts, expect, instance, one_of
from eutonia._bounds import number, within
from eutonia.errors import SimulationError, unknown
from eutonia.patient.brain_lesions import Extent, extent_at
from eutonia.patient.conditions import CONDITIONS
from eutonia.patient.kinds import KINDS as KINDS
from eutonia.patient.kinds import SEGMENTS as SEGMENTS
from eutonia.patient.kinds import segment_number as segment_number
from eutonia.patient.lesions import OWN_MASK, Lesions
from eutonia.patient.masks import LesionMask, MaskError, read_mask
from eutonia.patient.pathways import Pathways
from eutonia.patient.places import SEVERAL, everyday_of, others, sites, territories

SIDES = ("left", "right")
_DO = "Use one of these names."
_MASK = instance("a mask, or the path of one", '"lesion.nii.gz"', LesionMask, str, os.PathLike)
_DO_PLACE = f"{_DO} One more: a set lesion_NAME.toml, by eutonia.parameters.register"


@dataclass(frozen=True, slots=True)
class Lesion:
    """One lesion. Make it with `ischaemic`, `haemorrhagic`, `spinal`, `multiple_sclerosis`, `cerebral_palsy`,
    `brain_injury` or `none`.

    Parameters
    ----------
    kind
        One of `KINDS`.
    place
        Arterial territory, site of bleeding, cord level, or the form of a diffuse lesion, such as "relapsing".
    side
        Side of the brain; the weak limbs are on the other side. Cord lesions and diffuse lesions act on both sides,
        all but the hemiplegic form of cerebral palsy.
    volume_mL
        Volume of the infarct core or of the haematoma, mL.
    completeness
        Share of all pathways that a cord lesion has cut, or that a diffuse lesion takes from the limb that it hits
        most, 0 to 1.
    offset_mm
        Where the centre lies from the middle of its territory or site: lateral, anterior, upward, mm.
    mask
        The lesion as voxels, in place of a territory or site.

    Not for
        Several lesions at once, or a lesion of both halves of the brain stem: the model follows one side of the body,
        and both sides of a lesion that acts on both are taken to be alike.
    """

    kind: str
    place: str = ""
    side: str = "left"
    volume_mL: float = 0.0
    completeness: float = 0.0
    offset_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    mask: LesionMask | None = None

    def __post_init__(self) -> None:
        one_of("kind of lesion", self.kind, KINDS, _DO)
        one_of("side", self.side, SIDES, _DO)
        expect("place of a lesion", self.place, TEXT)
        if self.mask is not None:
            self._check_mask(self.mask)
        elif self.kind == "ischaemic":
            largest = reference_volume_mL(self.place)
            within(f"volume of an infarct in {self.place}", self.volume_mL, 0.0, largest, "mL")
        elif self.kind == "haemorrhagic":
            one_of("site of bleeding", self.place, sites(), _DO_PLACE)
            largest = parameters.load("lesion").value("largest_haematoma", "mL")
            within("volume of a haematoma", self.volume_mL, 0.0, largest, "mL")
        elif self.kind == "spinal":
            segment_number(self.place)
            within("completeness of a cord lesion", self.completeness, 0.0, 1.0, "(share of the cord)")
        elif self.kind in CONDITIONS:
            one_of(f"form of {self.kind}", self.place, CONDITIONS[self.kind].forms, _DO)
            within(f"load of {self.kind}", self.completeness, 0.0, 1.0, "(share of the pathways)")
        offset: object = self.offset_mm
        if not (isinstance(offset, tuple) and len(offset) == 3 and all(math.isfinite(number(x)) for x in offset)):
            raise SimulationError(
                f"offset_mm is {offset!r:.60}. Allowed: a tuple of three finite numbers, mm. Nearest: (0.0, 0.0, 0.0), "
                "the middle of the place. Correct them."
            )

    def _check_mask(self, mask: LesionMask) -> None:
        """Refuse a mask of a diffuse lesion, one that is no lesion's size, or one that spares the side that counts."""
        one_of("kind of lesion with a mask", self.kind, ("ischaemic", "haemorrhagic"), _DO)
        of = parameters.load("lesion")
        bounds = {"ischaemic": "trunk_infarct_volume_largest", "haemorrhagic": "largest_haematoma"}
        largest = of.value(bounds[self.kind], "mL")
        if self.volume_mL > largest:
            what = "infarct" if self.kind == "ischaemic" else "haematoma"
            raise MaskError(
                f"The mask is larger than any {what} on record.",
                f"{mask.volume_mL:.1f} mL",
                f"at most {largest:g} mL",
                "Does it hold the brain in place of the lesion? Save the lesion alone as 1",
            )
        if mask.volume_on(self.side) <= 0.0:
            raise MaskError(
                f"The mask has no voxel on the {self.side} side of the brain, which moves the "
                f"{opposite(self.side)} side of the body.",
                f"{mask.volume_mL:.1f} mL on the other side",
                f"a lesion on the {self.side}",
                "Correct the side, or turn the mask over if left and right were mistaken (x < 0 is the left)",
            )

    @classmethod
    def none(cls) -> Lesion:
        """Return the absence of a lesion."""
        return cls("none")

    @classmethod
    @accepts(territory=TEXT, extent=NUMBER.or_none(), volume_mL=NUMBER.or_none())
    def ischaemic(
        cls, territory: str, *, extent: float | None = None, volume_mL: float | None = None, side: str = "left"
    ) -> Lesion:
        """Return an infarct.

        Parameters
        ----------
        territory
            One of `territories()`.
        extent
            Share of the territory that is infarcted, 0 to 1. Give either this or the volume; neither means all of it.
        volume_mL
            Volume of the infarct core, mL.
        side
            Side of the brain.
        """
        if extent is not None and volume_mL is not None:
            raise SimulationError(
                f"an infarct is given extent {extent:g} and volume {volume_mL:g} mL. Allowed: one of the two. Drop one."
            )
        place = canonical(territory, territories(), "arterial territory")
        if volume_mL is None:
            share = 1.0 if extent is None else extent
            within("extent of an infarct", share, 0.0, 1.0, "(share of the territory)")
            volume_mL = share * reference_volume_mL(place)
        return cls("ischaemic", place, side, volume_mL=volume_mL)

    @classmethod
    @accepts(site=TEXT)
    def haemorrhagic(cls, site: str, volume_mL: float, side: str = "left") -> Lesion:
        """Return a bleed at one of `sites()`: a haematoma of `volume_mL` (mL) with its shell of oedema."""
        return cls("haemorrhagic", canonical(site, sites(), "site of bleeding"), side, volume_mL=volume_mL)

    @classmethod
    @accepts(mask=_MASK)
    def from_mask(cls, mask: LesionMask | str | os.PathLike[str], kind: str = "ischaemic", side: str = "") -> Lesion:
        """Return a person's own lesion from a mask in MNI space (NIfTI, 0 and 1).

        Parameters
        ----------
        mask
            The mask, or its file.
        kind
            "ischaemic" or "haemorrhagic": what the tissue around it goes through.
        side
            Side of the brain that counts; left out, the side on which more of it lies.
        """
        found = mask if isinstance(mask, LesionMask) else read_mask(mask)
        if not side:
            side = max(SIDES, key=found.volume_on)
        return cls(kind, OWN_MASK, side, volume_mL=found.volume_mL, mask=found)

    @classmethod
    @accepts(level=TEXT)
    def spinal(cls, level: str, completeness: float = 1.0) -> Lesion:
        """Return an injury of the cord; `level` is the last whole segment, such as "C5"."""
        return cls("spinal", level.upper(), completeness=completeness)

    @classmethod
    def multiple_sclerosis(cls, load: float, course: str = "relapsing") -> Lesion:
        """Return plaques along all pathways of both sides.

        Parameters
        ----------
        load
            Share of the pathways to the legs that is lost when the disease has run its course, 0 to 1.
        course
            "relapsing": a first attack that remits, then slow loss. "progressive": faster loss without attacks.

        Not for
            The times of later relapses: the loss is their mean.
        """
        return cls("multiple sclerosis", course, completeness=load)

    @classmethod
    def cerebral_palsy(cls, load: float, form: str = "diplegic", side: str = "left") -> Lesion:
        """Return a lesion around birth; time since its onset is the person's age.

        Parameters
        ----------
        load
            Share lost of the pathways to the limb that is hit most, 0 to 1.
        form
            "diplegic": both sides, legs more than arms. "hemiplegic": one side, arm more than leg.
        side
            Side of the brain, of the hemiplegic form.
        """
        return cls("cerebral palsy", form, side, completeness=load)

    @classmethod
    def brain_injury(cls, load: float) -> Lesion:
        """Return diffuse axonal injury of both halves of the brain, of which `load` (0 to 1) is the share torn."""
        return cls("brain injury", "diffuse", completeness=load)

    @property
    def weak_side(self) -> str:
        """Side of the body that the lesion weakens: "left", "right", "both" or "none"."""
        if self.kind == "none":
            return "none"
        if self.kind in ("ischaemic", "haemorrhagic") or self.place == "hemiplegic":
            return opposite(self.side)
        return "both"

    @property
    def is_in_brain(self) -> bool:
        """Whether it is one piece of the brain that can be drawn."""
        return self.kind in ("ischaemic", "haemorrhagic") and self.volume_mL > 0.0

    def extent_at(self, points: Float[np.ndarray, "axis point"]) -> Extent:
        """Return where the lesion lies, and its distance from points of its hemisphere (lateral, anterior, height)."""
        return extent_at(Lesions.of([self]).brain(), points)

    @property
    def pathways(self) -> Pathways:
        """What the lesion leaves of the descending pathways, as a cohort of one."""
        return Lesions.of([self]).pathways()


def opposite(side: str) -> str:
    """Return the other side."""
    return "right" if side == "left" else "left"


def reference_volume_mL(territory: str) -> float:
    """Return the volume of an infarct that fills the territory, mL."""
    one_of("arterial territory", territory, territories(), _DO_PLACE)
    _, home = others().get(territory, ("", "lesion"))
    return parameters.load(home).along("territory_volume", "mL", [territory])[0]


def canonical(given: str, allowed: Iterable[str], what: str) -> str:
    """Return a name as it is written here, whatever its capitals; everyday names of places mean theirs."""
    names = everyday_of(allowed)
    if meant := [name for name in SEVERAL.get(given.casefold(), ()) if name in names.values()]:
        raise SimulationError(f'"{given}" is no {what} by itself. Nearest: {", ".join(meant)}. Write one of them.')
    if given.casefold() not in names:
        do = _DO if what.startswith("form") else _DO_PLACE
        raise SimulationError(unknown(what, given, dict.fromkeys(names.values()), do))
    return names[given.casefold()]
