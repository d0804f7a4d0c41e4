"""Many lesions as a structure of arrays, and what they leave of the pathways, all at once.

A lesion of the brain is a ball of tissue, the part of an artery's territory around a point, or a person's own mask;
what it takes of a pathway is in `tracts`. A diffuse lesion takes from each pathway of a limb
    1 - (1 - load)^x                x the exposure of the limb: places along its tracts where it can be hit
"""

# ruff: noqa: N802, N815 -- a millilitre is written mL

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int

from eutonia import parameters
from eutonia.patient.brain_lesions import Brain, brain_loss
from eutonia.patient.conditions import CONDITIONS, FORMS
from eutonia.patient.kinds import KINDS, SEGMENTS, segment_number
from eutonia.patient.masks import LesionMask
from eutonia.patient.pathways import LIMBS, MEDIAL_RETICULOSPINAL, PATHWAYS, Loss, Pathways
from eutonia.patient.places import places

NONE, ISCHAEMIC, HAEMORRHAGIC, SPINAL, SCLEROSIS, *_ = range(len(KINDS))

_NOWHERE = -1
_OWN = -2  # the place of a person's own mask: this for the first of `masks`, one less for each after it
OWN_MASK = "own mask"

Numbers = Float[np.ndarray, " patient"]
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

    @property
    def side(self) -> str:
        """Side of the brain."""

    @property
    def mask(self) -> LesionMask | None:
        """The person's own mask, if that is what the lesion is."""


@dataclass(frozen=True, eq=False)
class Lesions:
    """Lesions of many people, one each.

    Parameters
    ----------
    kind
        0 none, 1 ischaemic, 2 haemorrhagic, 3 spinal and so on (the order of `KINDS`).
    place
        Index into `places()` for a stroke, segment number (C1 = 1) for a cord injury, index into `FORMS` for a diffuse
        lesion, -1 without a lesion, -2 and below for the masks.
    volume_mL
        Infarct core or haematoma, mL.
    completeness
        Share of the cord's pathways that is cut, or load of a diffuse lesion.
    offset_mm
        Distance of the centre from the middle of its territory or site, mm.
    masks
        The persons' own masks, each with the side of the brain that counts.
    tract_shift_mm, brain_size
        How far each person's tracts lie from those of the average brain, mm, and how large their brain is beside it;
        left out, everybody has the average brain.
    """

    kind: Whole
    place: Whole
    volume_mL: Numbers
    completeness: Numbers
    offset_mm: Float[np.ndarray, "axis patient"]
    masks: tuple[tuple[LesionMask, str], ...] = ()
    tract_shift_mm: Float[np.ndarray, "axis patient"] | None = None
    brain_size: Numbers | None = None

    def __len__(self) -> int:
        """Return the number of patients."""
        return int(self.kind.shape[0])

    @classmethod
    def of(cls, lesions: Sequence[OneLesion]) -> Lesions:
        """Return these lesions as arrays."""
        masks = [(lesion.mask, lesion.side) for lesion in lesions if lesion.mask is not None]
        own = iter(range(_OWN, _OWN - len(masks), -1))
        place = [place_index(lesion.kind, lesion.place) if lesion.mask is None else next(own) for lesion in lesions]
        return cls(
            kind=np.array([KINDS.index(lesion.kind) for lesion in lesions], dtype=np.int64),
            place=np.array(place, dtype=np.int64),
            volume_mL=np.array([lesion.volume_mL for lesion in lesions], dtype=np.float64),
            completeness=np.array([lesion.completeness for lesion in lesions], dtype=np.float64),
            offset_mm=np.array([lesion.offset_mm for lesion in lesions], dtype=np.float64).reshape(-1, 3).T,
            masks=tuple(masks),
        )

    def take(self, which: Int[np.ndarray, " chosen"]) -> Lesions:
        """Return the lesions of some patients, in the order asked."""
        shift, size = self.tract_shift_mm, self.brain_size
        return replace(
            self,
            kind=self.kind[which],
            place=self.place[which],
            volume_mL=self.volume_mL[which],
            completeness=self.completeness[which],
            offset_mm=self.offset_mm[:, which],
            tract_shift_mm=None if shift is None else shift[:, which],
            brain_size=None if size is None else size[which],
        )

    def in_brains(self, seed: int, person: Whole) -> Lesions:
        """Return these lesions in brains that differ, each by the person's own luck."""
        import jax.numpy as jnp

        from eutonia import _streams

        of = parameters.load("lesion")
        luck = np.asarray(_streams.normal(_streams.keys(seed, _streams.Purpose.TRACTS, jnp.asarray(person)), 4))
        shift = of.value("tract_shift_sd", "mm") * luck[:3]
        return replace(self, tract_shift_mm=shift, brain_size=np.exp(of.value("tract_scale_sd", "1") * luck[3]))

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
        if len(in_brain):
            dead, silent = brain_loss(self.take(in_brain).brain())
            core[: len(dead), :, in_brain] = dead
            shell[: len(dead), :, in_brain] = silent - dead
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

    def brain(self) -> Brain:
        """Return what these lesions of the brain are, in lengths and shares."""
        n = len(self)
        return Brain(
            place=self.place,
            masks=self.masks,
            offset_mm=self.offset_mm,
            volume_mL=self.volume_mL,
            rim=self._by_kind("penumbra_volume", "relative_oedema"),
            core=self._by_kind("infarct_core_loss", "haemorrhage_core_loss"),
            block=self._by_kind("penumbra_block", "haemorrhage_shell_block"),
            returning=np.full(n, parameters.load("lesion").value("penumbra_recovery", "1")),
            tract_shift_mm=np.zeros((3, n)) if self.tract_shift_mm is None else self.tract_shift_mm,
            brain_size=np.ones(n) if self.brain_size is None else self.brain_size,
        )

    def _cord_loss(self) -> Loss:
        """Return the share cut by cord lesions: what a limb has of motoneurons below, times completeness."""
        anatomy = parameters.load("lesion")
        below = []
        for limb in LIMBS:
            first, last = anatomy.along(f"{limb}_motor_segments", "1", ("first", "last"))
            below.append(np.clip((last - self.place) / (last - first + 1.0), 0.0, 1.0))
        return np.broadcast_to(self.completeness * np.stack(below), (len(PATHWAYS), len(LIMBS), len(self)))

    def _diffuse_loss(self, form: str, condition: str) -> Loss:
        """Return what diffuse lesions of one form take in the end."""
        found = CONDITIONS[condition]
        of_limbs = found.forms[form]
        exposure = np.asarray(parameters.load(found.records).along(of_limbs, "1", LIMBS)) if of_limbs else np.ones(2)
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
    if place <= _OWN:
        return OWN_MASK
    return list(FORMS)[place] if kind in CONDITIONS else places()[place]
