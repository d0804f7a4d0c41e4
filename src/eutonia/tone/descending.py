"""From the descending pathways to the motoneuron pool: the bias that makes tone, and the strength that is left.

With damping from the dorsal reticulospinal path gone, and the medial one turned up in answer to the lost cortical
drive, motoneurons sit nearer to their threshold. It takes weeks: at first the limb is flaccid. The more is cut, the
weaker the limb too, but by another path: tone and strength are separate read-outs of one lesion.

Equation
    L_c, L_d, L_m, L_a = 1 - integrity of the corticospinal, dorsal and medial reticulospinal, monoaminergic pathway
    x     = f E(t) [ w_d L_d^p + w_m (1 - L_m) L_c^p + w_a L_a ] ;  D = D_max tanh(x / D_max)      (mV)
    E(t)  = 1 - exp(-max(0, t - t_flaccid) / tau)
    S     = (1 - a) (1 - L_c)^q + a (1 - L_m) ;  q the person's own exponent             (share of full strength)
One mV is one Ashworth grade. p above 1: what is left of a pathway makes up for the first losses. f is the person's own
factor, lognormal, tied between the limbs. w_a stands for the motoneuron excitability that rises when the monoamines of
the brain stem are cut off, after cord lesions and not after stroke. t_flaccid and tau are those of the condition.

Sources: Li 2017, Mottram 2009, D'Amico 2014 for the mechanism; Urban 2010, Wissel 2010, Lundstrom 2010, Zeng 2021 and
Feng 2015 for the numbers (calibration/population.py).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from eutonia import _streams, parameters
from eutonia._types import Scalar
from eutonia.patient.conditions import CONDITIONS
from eutonia.patient.pathways import CORTICOSPINAL, DORSAL_RETICULOSPINAL, LIMBS, MEDIAL_RETICULOSPINAL, MONOAMINERGIC

Integrity = Float[Array | np.ndarray, "pathway limb patient"]
Factors = Float[Array | np.ndarray, "limb patient"]
Times = float | Float[Array | np.ndarray, "..."]
Limbs = Float[Array, "limb patient"]

_PER_LIMB = ("dorsal_weight", "medial_weight", "monoaminergic_weight", "strength_without_corticospinal")
_UNITS = {
    **dict.fromkeys(("dorsal_weight", "medial_weight", "monoaminergic_weight", "bias_ceiling"), "mV"),
    **dict.fromkeys(("flaccid_time", "emergence_time"), "h"),
}


# A known factor may be 0, of which no logarithm is: beyond so many standard deviations nothing is told of weakness.
_MOST_DEVIATES, _LEAST_FACTOR = 4.0, 1e-30


class DescendingConstants(eqx.Module):
    """Records of the set `descending` as plain numbers (by limb where a tuple), so that a calibration can vary them."""

    dorsal_weight: tuple[float, ...]
    medial_weight: tuple[float, ...]
    monoaminergic_weight: tuple[float, ...]
    redundancy: float
    bias_ceiling: float
    flaccid_time: float
    emergence_time: float
    bias_spread: float
    limb_correlation: float
    strength_without_corticospinal: tuple[float, ...]
    strength_spread: float
    tone_weakness_correlation: float

    @classmethod
    def from_records(cls) -> DescendingConstants:
        """Read the constants from the parameter set `descending`."""
        return cls.of("stroke")

    @classmethod
    def of(cls, origin: str) -> DescendingConstants:
        """Read the constants of spasticity of an origin: what its own set does not hold is in `descending`.

        A set with one weight, the dorsal, gives it to the medial path too: only their sum is known.
        """
        general, condition = parameters.load("descending"), CONDITIONS.get(origin)
        own = parameters.load(condition.records) if condition else general
        fields: dict[str, Any] = {}
        for name in cls.__dataclass_fields__:
            is_shared = name == "medial_weight" and name not in own and "dorsal_weight" in own
            key = "dorsal_weight" if is_shared else name
            record = (own if key in own else general)[key].to(_UNITS.get(name, "1"))
            fields[name] = record.along(LIMBS) if name in _PER_LIMB else record.value
        if condition and not condition.is_sudden:
            fields["flaccid_time"] = 0.0
        return cls(**fields)


def descending_bias(
    integrity: Integrity,
    factor: Factors,
    time_since_onset_h: Times,
    constants: DescendingConstants | None = None,
) -> Limbs:
    """Return the depolarising bias of the motoneuron pools of leg and arm, mV; exactly 0 without a lesion.

    Parameters
    ----------
    integrity
        Working share of each pathway (`Pathways.integrity`), 0 to 1.
    factor
        How strongly the person's cord answers (`bias_factors`), dimensionless.
    time_since_onset_h
        Time since the lesion, h: one for all or one a patient.
    constants
        Records of the set `descending`; read when left out.
    """
    c = constants or DescendingConstants.from_records()
    lost = 1.0 - jnp.asarray(integrity)
    undamped = lost[DORSAL_RETICULOSPINAL] ** c.redundancy
    upregulated = (1.0 - lost[MEDIAL_RETICULOSPINAL]) * lost[CORTICOSPINAL] ** c.redundancy
    plateau = (
        _by_limb(c.dorsal_weight) * undamped
        + _by_limb(c.medial_weight) * upregulated
        + _by_limb(c.monoaminergic_weight) * lost[MONOAMINERGIC]
    )
    drive = jnp.asarray(factor) * emergence(time_since_onset_h, c) * plateau
    return c.bias_ceiling * jnp.tanh(drive / c.bias_ceiling)


def emergence(time_since_onset_h: Times, constants: DescendingConstants) -> Array:
    """Return the share of the plateau that tone has reached: 0 while flaccid, then first order towards 1."""
    spastic_for = jnp.maximum(jnp.asarray(time_since_onset_h) - constants.flaccid_time, 0.0)
    return -jnp.expm1(-spastic_for / constants.emergence_time)


def voluntary_strength(integrity: Integrity, exponent: Factors, constants: DescendingConstants | None = None) -> Limbs:
    """Return the strength of leg and arm as a share of the person's full strength, 0 to 1; exactly 1 without a lesion.

    Parameters
    ----------
    integrity
        Working share of each pathway, 0 to 1.
    exponent
        How fast the person's strength falls with corticospinal loss (`strength_exponents`), dimensionless.
    constants
        Records of the set `descending`; read when left out.
    """
    c = constants or DescendingConstants.from_records()
    whole = jnp.asarray(integrity)
    without = _by_limb(c.strength_without_corticospinal)
    driven = jnp.power(whole[CORTICOSPINAL], jnp.asarray(exponent))
    return (1.0 - without) * driven + without * whole[MEDIAL_RETICULOSPINAL]


def bias_factors(seed: int, person: Sequence[int] | Int[Array | np.ndarray, " patient"]) -> Limbs:
    """Return each person's own factor of the bias of leg and arm: lognormal with median 1, tied between the limbs."""
    c = DescendingConstants.from_records()
    return jnp.exp(c.bias_spread * limb_deviates(seed, _streams.Purpose.BIAS, person, c.limb_correlation))


def strength_exponents(seed: int, person: Sequence[int] | Int[Array | np.ndarray, " patient"]) -> Limbs:
    """Return each person's own exponent of strength on corticospinal integrity: lognormal with median 1 (half the
    tract, half the driven strength), tied between the limbs, and to the factor of the bias.
    """
    c = DescendingConstants.from_records()
    of_bias = limb_deviates(seed, _streams.Purpose.BIAS, person, c.limb_correlation)
    own = limb_deviates(seed, _streams.Purpose.STRENGTH, person, c.limb_correlation)
    return jnp.exp(c.strength_spread * weakness_deviates(of_bias, own, c))


def weakness_deviates(of_bias: Limbs, own: Limbs, constants: DescendingConstants) -> Limbs:
    """Return standard normal deviates of weakness: of its own, and as far as it is tied to tone those of the bias."""
    tie = constants.tone_weakness_correlation
    return tie * of_bias + math.sqrt(1.0 - tie**2) * own


def retied(exponent: Factors, drawn: Factors, known: Factors, constants: DescendingConstants) -> Limbs:
    """Return the exponents of people of whom the factor of the bias is known, in place of the one drawn with them.

    A limb of which a chart says that it is stiff is weaker than the draw made it, as far as weakness is tied to tone.
    """
    c = constants
    deviates = (np.asarray(jnp.log(np.maximum(np.asarray(one), _LEAST_FACTOR))) for one in (drawn, known))
    spread = np.maximum(c.bias_spread, _LEAST_FACTOR)  # where nobody differs, nobody is known to
    before, now = (np.clip(one / spread, -_MOST_DEVIATES, _MOST_DEVIATES) for one in deviates)
    moved = np.asarray(jnp.exp(c.strength_spread * c.tone_weakness_correlation * (now - before)))
    return jnp.asarray(np.asarray(exponent) * moved)


def limb_deviates(
    seed: int,
    purpose: _streams.Purpose,
    person: Sequence[int] | Int[Array | np.ndarray, " patient"],
    correlation: float,
) -> Limbs:
    """Return standard normal deviates of leg and arm that correlate within a person."""
    keys = _streams.keys(seed, purpose, jnp.asarray(person))
    return _tied(_streams.normal(keys, 1 + len(LIMBS)), math.sqrt(correlation), math.sqrt(1.0 - correlation))


@jax.jit
def _tied(deviates: Float[Array, "deviate patient"], shared: Scalar, apart: Scalar) -> Limbs:
    """Return deviates of the limbs that share the first one."""
    return jnp.stack([shared * deviates[0] + apart * deviates[1 + limb] for limb in range(len(LIMBS))])


def _by_limb(numbers: tuple[Scalar, ...]) -> Float[Array, "limb 1"]:
    return jnp.asarray(numbers)[:, None]
