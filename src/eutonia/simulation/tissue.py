"""Tissue on the slow clock: what months under a drug, other treatments and stretches have made of contracture.

Months move it, so that it is brought up to date once a week from what was felt and given meanwhile; it is the same
however often somebody looks.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from eutonia import parameters
from eutonia._types import Scalar, replaced
from eutonia.drug.effect.gaba_b import Receptor, hyperpolarisation
from eutonia.simulation.course import Tissue
from eutonia.simulation.lesion_course import LesionCourse, Lesioned
from eutonia.simulation.people import People
from eutonia.tone.contracture import TissueConstants, missing_after, share_left, stretch_share
from eutonia.tone.descending import DescendingConstants
from eutonia.treatment import Effects

Limbs = Float[Array, "limb patient"]
Beside = Float[Array, "three limb patient"]

# Numerical: tissue moves within months, and a step twice as short changes nothing that is reported (tested).
STEP_H = 168.0


@parameters.remembered
def tissue_constants() -> TissueConstants:
    """Return the constants of tissue, read once from the records."""
    return TissueConstants.from_records()


def with_noted(tissue: Tissue, given: Effects | None, span_h: float) -> Tissue:
    """Add what treatments beside the drug did for a span; `given` is what they did half-way through it."""
    if given is None:
        return tissue
    stretch = stretch_share(given.end_range, tissue_constants())
    did = np.stack([1.0 - given.bias_kept, given.bias_taken, stretch])
    return replaced(tissue, beside=jnp.asarray(np.asarray(tissue.beside) + did * span_h))


def settled(tissue: Tissue, alone: People | tuple[Lesioned, LesionCourse], receptor: Receptor, span_h: float) -> Tissue:
    """Bring tissue that is touched up to date over the last `span_h` hours.

    Parameters
    ----------
    tissue
        As it was when it was last settled, with what drug and other treatments did since then.
    alone
        People as their lesion alone makes them, or what lesions have left half-way through the span, and their course.
    receptor
        Of each person.
    span_h
        Length of the span, h.
    """
    constants = tissue_constants()
    if isinstance(alone, tuple):
        left, lesions = alone
        missing, beside = _settled_by(tissue, left, lesions.constants, receptor, span_h, constants)
    else:
        missing, beside = _settled(tissue, alone.bias, alone.time_since_onset_h, receptor, span_h, constants)
    return replaced(tissue, missing=missing, settled=tissue.felt, beside=beside)


def is_touched(tissue: Tissue) -> bool:
    """Whether anything was given to anybody that moves tissue."""
    missing, felt, before, done = map(np.asarray, (tissue.missing, tissue.felt, tissue.settled, tissue.beside))
    return bool(np.any(missing) or np.any(done) or np.any(felt != before))


def tissue_left(tissue: Tissue, time_since_onset_h: Float[Array, " patient"]) -> Limbs:
    """Return contracture as a share of what it would be without any treatment, at a time since the lesion."""
    return share_left(tissue.missing, time_since_onset_h, tissue_constants())


@jax.jit
def _settled(
    tissue: Tissue, bias: Limbs, since_h: Array, receptor: Receptor, span_h: Scalar, constants: TissueConstants
) -> tuple[Limbs, Beside]:
    own = jnp.maximum(bias, 0.0)
    less, taken, stretch = tissue.beside / span_h
    kept = bias * (1.0 - less)
    effect = (tissue.felt - tissue.settled) / span_h
    left = kept - hyperpolarisation(effect, kept, receptor) - taken
    drive = jnp.where(own > 0.0, jnp.maximum(left, 0.0) / jnp.where(own > 0.0, own, 1.0), 1.0)
    missing = missing_after(tissue.missing, drive, stretch, since_h - span_h / 2, span_h, constants)
    return missing, jnp.zeros_like(tissue.beside)


@jax.jit
def _settled_by(
    tissue: Tissue,
    left: Lesioned,
    descending: DescendingConstants,
    receptor: Receptor,
    span_h: Scalar,
    constants: TissueConstants,
) -> tuple[Limbs, Beside]:
    bias, _ = left.tone_and_strength(descending)
    return _settled(tissue, bias, left.time_since_onset_h, receptor, span_h, constants)
