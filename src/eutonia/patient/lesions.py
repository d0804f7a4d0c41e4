"""Many lesions as a structure of arrays, and what they leave of the pathways, all at once.

Equation
    r_core = (3 V / 4 pi)^(1/3) ;  r_shell = (3 V (1 + v) / 4 pi)^(1/3)
    dead   = k s_core + b (1 - f) (s_shell - s_core) ;  silent at onset = k s_core + b (s_shell - s_core)
with s the share of a slice inside each radius, v the relative volume of the rim, k the loss in the core, b the block
in the rim and f the part of it that returns. A pathway loses what its worst slice loses. A diffuse lesion takes from
each pathway of a limb
    1 - (1 - load)^x                x the exposure of the limb: places along its tracts where it can be hit
"""

# ruff: noqa: N802, N815 -- a millilitre is written mL

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int

from eutonia import parameters
from eutonia.patient import tracts
from eutonia.patient.conditions import CONDITIONS, FORMS
from eutonia.patient.kinds import KINDS, SEGMENTS, segment_number
from eutonia.patient.pathways import LIMBS, MEDIAL_RETICULOSPINAL, PATHWAYS, Loss, Pathways
from eutonia.patient.places import numbers, places

NONE, ISCHAEMIC, HAEMORRHAGIC, SPINAL, SCLEROSIS, *_ = range(len(KINDS))

_BLOCK = 2048
_NOWHERE = -1

Numbers = Float[np.ndarray, " patient"]
Tracts = Float[np.ndarray, "tract limb patient"]
Whole = Int[np.ndarray, " patient"]


@runtime_checkable
class OneLesion(Protocol):
    """What is asked of each lesion (`Lesion` has it)."""

    @property
    def kind(self) -> str:
        """One of `KINDS`."""

    @property
    def place(self) -> str:
        """Territory, site, level or form."""

    @property
    def volume_mL(self) -> float:
        """Volume, mL."""

    @property
    def completeness(self) -> float:
        """Share that is cut, 0 to 1."""

    @property
    def offset_mm(self) -> tuple[float, float, float]:
        """Where the centre lies, mm."""


@dataclass(frozen=True, eq=False)
class Lesions:
    """Lesions of many people, one each.

    Parameters
    ----------
    kind
        0 none, 1 ischaemic, 2 haemorrhagic, 3 spinal and so on (the order of `KINDS`).
    place
        Index into `places()` for a stroke, segment number (C1 = 1) for a cord injury, index into `FORMS` for a diffuse
        lesion, -1 without a lesion.
    volume_mL
        Infarct core or haematoma, mL.
    completeness
        Share of the cord's pathways that is cut, or load of a diffuse lesion.
    offset_mm
        Distance of the centre from the middle of its territory or site, mm.
    """

    kind: Whole
    place: Whole
    volume_mL: Numbers
    completeness: Numbers
    offset_mm: Float[np.ndarray, "axis patient"]

    def __len__(self) -> int:
        """Return the number of patients."""
        return int(self.kind.shape[0])

    @classmethod
    def of(cls, lesions: Sequence[OneLesion]) -> Lesions:
        """Return these lesions as arrays."""
        return cls(
            kind=np.array([KINDS.index(lesion.kind) for lesion in lesions], dtype=np.int64),
            place=np.array([place_index(lesion.kind, lesion.place) for lesion in lesions], dtype=np.int64),
            volume_mL=np.array([lesion.volume_mL for lesion in lesions], dtype=np.float64),
            completeness=np.array([lesion.completeness for lesion in lesions], dtype=np.float64),
            offset_mm=np.array([lesion.offset_mm for lesion in lesions], dtype=np.float64).reshape(-1, 3).T,
        )

    def take(self, which: Int[np.ndarray, " chosen"]) -> Lesions:
        """Return the lesions of some patients, in the order asked."""
        return Lesions(
            self.kind[which],
            self.place[which],
            self.volume_mL[which],
            self.completeness[which],
            self.offset_mm[:, which],
        )

    def place_names(self) -> np.ndarray:
        """Return where each lesion is, in words; empty without a lesion."""
        names = {
            (int(kind), int(place)): place_name(KINDS[kind], int(place))
            for kind, place in zip(*np.unique(np.stack([self.kind, self.place]), axis=1), strict=True)
        }
        return np.array([names[int(kind), int(place)] for kind, place in zip(self.kind, self.place, strict=True)])

    def pathways(self) -> Pathways:
        """Return what each lesion leaves of each pathway to the affected leg and arm."""
        core = np.zeros((len(PATHWAYS), len(LIMBS), len(self)))
        shell = np.zeros_like(core)
        in_brain = np.flatnonzero((self.kind == ISCHAEMIC) | (self.kind == HAEMORRHAGIC))
        of = tracts.slices()
        for start in range(0, len(in_brain), _BLOCK):
            block = in_brain[start : start + _BLOCK]
            dead, silent = self.take(block)._brain_loss(of)
            core[: len(dead), :, block], shell[: len(dead), :, block] = dead, silent - dead
        in_cord = np.flatnonzero(self.kind == SPINAL)
        core[..., in_cord] = self.take(in_cord)._cord_loss()
        recovery = self._by_kind("penumbra_recovery_time", "haemorrhage_recovery_time", "h")
        growth = np.zeros(len(self))
        for number, (form, name) in enumerate(FORMS.items()):
            mine = np.flatnonzero((self.kind == KINDS.index(name)) & (self.place == number))
            if len(mine) == 0:
                continue
            core[..., mine] = self.take(mine)._diffuse_loss(form, name)
            if name == KINDS[SCLEROSIS]:
                disease = parameters.load(CONDITIONS[name].records)
                growth[mine] = disease.value(f"growth_time_{form}", "h")
                recovery[mine] = disease.value("remission_time", "h")
                shell[..., mine] = core[..., mine] * (
                    disease.value("attack_share", "1") if form == "relapsing" else 0.0
                )
        return Pathways(core, shell, recovery, growth)

    def _brain_loss(self, of: tracts.Slices) -> tuple[Tracts, Tracts]:
        """Return what brain lesions have killed and what they have silenced at onset, of each tract with a course."""
        used = {places()[int(place)] for place in np.unique(self.place)}
        axes = ("lateral", "anterior", "height")
        centre = np.stack([np.asarray(numbers(axis, "mm", used))[self.place] for axis in axes])
        centre += self.offset_mm
        rim = self._by_kind("penumbra_volume", "relative_oedema")
        in_core = tracts.share_inside(centre, tracts.ball_radius(self.volume_mL), of)
        in_rim = tracts.share_inside(centre, tracts.ball_radius(self.volume_mL * (1.0 + rim)), of) - in_core
        core_loss = self._by_kind("infarct_core_loss", "haemorrhage_core_loss")
        block = self._by_kind("penumbra_block", "haemorrhage_shell_block")
        returning = self._by_kind("penumbra_recovery", "haemorrhage_shell_recovery")
        dead = of.worst(core_loss * in_core + block * (1.0 - returning) * in_rim)
        silent = of.worst(core_loss * in_core + block * in_rim)
        return dead, silent

    def _cord_loss(self) -> Loss:
        """Return the share cut by cord lesions: what a limb has of motoneurons below, times completeness."""
        anatomy = parameters.load("lesion")
        below = []
        for limb in LIMBS:
            first, last = anatomy.array(f"{limb}_motor_segments", "1")
            below.append(np.clip((last - self.place) / (last - first + 1.0), 0.0, 1.0))
        return np.broadcast_to(self.completeness * np.stack(below), (len(PATHWAYS), len(LIMBS), len(self)))

    def _diffuse_loss(self, form: str, condition: str) -> Loss:
        """Return what diffuse lesions of one form take in the end."""
        found = CONDITIONS[condition]
        exposure = np.asarray(parameters.load(found.records).array(found.forms[form], "1"))
        loss = np.zeros((len(PATHWAYS), len(LIMBS), len(self)))
        reached = len(PATHWAYS) if found.is_cord else MEDIAL_RETICULOSPINAL  # those below the pons run in the cord
        # Whole arrays: of a broadcast operand NumPy takes powers by other code, to other last digits.
        spared = np.tile(1.0 - self.completeness, (len(LIMBS), 1))
        loss[:reached] = 1.0 - spared ** np.repeat(exposure[:, None], len(self), axis=1)
        return loss

    def _by_kind(self, ischaemic: str, haemorrhagic: str, unit: str = "1") -> Numbers:
        """Return one record for infarcts (and for everybody without a bleed), another for bleeds."""
        anatomy = parameters.load("lesion")
        return np.where(self.kind == HAEMORRHAGIC, anatomy.value(haemorrhagic, unit), anatomy.value(ischaemic, unit))


def place_index(kind: str, place: str) -> int:
    """Return the number that stands for a place among lesions of this kind."""
    if kind == "none":
        return _NOWHERE
    if kind == "spinal":
        return segment_number(place)
    return list(FORMS).index(place) if kind in CONDITIONS else places().index(place)


def place_name(kind: str, place: int) -> str:
    """Return the place that a number stands for among lesions of this kind; the inverse of `place_index`."""
    if kind == "none":
        return ""
    if kind == "spinal":
        return SEGMENTS[place - 1]
    return list(FORMS)[place] if kind in CONDITIONS else places()[place]
