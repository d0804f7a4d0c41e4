"""GABA-B receptors at five sites: occupancy, adaptation at four speeds, and what they take from bias and release.

Equation
    u     = O(R C),  O(y) = y^n / (y^n + EC50^n);   C at a reflex, p C where tone is made
    R     = 1 / [(1 + d_a m_a)(1 + d_f m_f)(1 + d_s m_s)]
    m_a'  = (u - m_a)/tau_a       coupling of receptor and potassium channel tires within hours (not at Ia terminals,
                                  where calcium channels are closed instead)
    m_f'  = (u - m_f)/tau_f       receptors are lost within days
    e     = u - g m_o             excitability rises against the drug (opposition):
    m_o'  = (v - m_o)/tau_o, or /tau_w where v < m_o      v = O(p_o R C): it takes more drug than the effect does,
                                  comes over months and goes within days
    m_s'  = (m_o - m_s)/tau_o, or /tau_r where m_o < m_s      slow tolerance follows the opposition, so it hardly comes
                                  in the first month, and goes within weeks; r d_s in place of d_s at terminals
Each site adapts to its own occupancy. When the drug leaves, e < 0: the rebound of withdrawal, over when m_o is.
Not for: sedation (see `adverse`), or receptor loss in numbers (potency only).
"""

from __future__ import annotations

from dataclasses import fields

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import expit
from jaxtyping import Array, Float

from eutonia import parameters
from eutonia._types import Scalar
from eutonia.drug.kinetics import Levels

Limbs = Float[Array, "limb patient"]
Sites = Float[Array, "site patient"]

# Sites: where tone of leg and arm is made, the reflexes of leg and arm, the brain.
TONE, REFLEX, BRAIN, N_SITES = slice(0, 2), slice(2, 4), 4, 5
_TIRES, _IS_TERMINAL = (1.0, 1.0, 0.0, 0.0, 1.0), (0.0, 0.0, 1.0, 1.0, 0.0)

_UNITS = {
    "ec50": "ng/mL",
    "acute_time": "h",
    "fast_time": "h",
    "recovery_time": "h",
    "opposition_time": "h",
    "withdrawal_time": "h",
    "hyperpolarisation": "mV",
}


class Receptor(eqx.Module):
    """One person's receptor parameters; arrays over patients (or plain numbers for a typical person).

    `ec50` ng/mL; `hill`, shifts, `terminal_tolerance` (r), `opposition` and the potency (p_o) with which the drug
    drives it dimensionless; times h;
    `hyperpolarisation` mV at full effect, and `drive_share` of the limb's own bias beside it; `leg_to_arm` share of the
    leg's effect that reaches the arm; `release_block` share of Ia release that full occupancy removes; `blood_potency`
    of drug that came by blood; `tone_potency` of drug where tone is made, against the reflex.
    """

    ec50: Array
    hill: Array
    acute_shift: Array
    fast_shift: Array
    slow_shift: Array
    terminal_tolerance: Array
    opposition: Array
    opposition_potency: Array
    acute_time: Array
    fast_time: Array
    recovery_time: Array
    opposition_time: Array
    withdrawal_time: Array
    hyperpolarisation: Array
    drive_share: Array
    leg_to_arm: Array
    release_block: Array
    blood_potency: Array
    tone_potency: Array

    @classmethod
    def typical(cls) -> Receptor:
        """Read the typical values from the parameter set `receptor`."""
        receptor = parameters.load("receptor")
        return cls(**{f.name: jnp.asarray(receptor.value(f.name, _UNITS.get(f.name, "1"))) for f in fields(cls)})

    def draw(self, luck: Float[Array, "draw patient"], spread: tuple[Scalar, Scalar]) -> Receptor:
        """Give every person a potency and a slow tolerance of their own (lognormal).

        `luck` holds standard normal draws (purpose RECEPTOR), `spread` the SD of the logarithm of both.
        """
        one = jnp.ones_like(luck[0])
        values = {f.name: getattr(self, f.name) * one for f in fields(self)}
        values["ec50"] = values["ec50"] * jnp.exp(spread[0] * luck[0])
        values["slow_shift"] = values["slow_shift"] * jnp.exp(spread[1] * luck[1])
        return Receptor(**values)


def receptor_spread() -> tuple[float, float]:
    """Return the SD of the logarithm of EC50 and of slow tolerance between people (set `receptor`)."""
    of_potency, of_tolerance = parameters.load("receptor").values(ec50_spread="1", slow_shift_spread="1")
    return of_potency, of_tolerance


class Adaptation(eqx.Module):
    """How far each site has adapted, 0 (never treated) to 1."""

    acute: Sites
    fast: Sites
    slow: Sites
    opposed: Sites

    @classmethod
    def naive(cls, n_patients: int) -> Adaptation:
        """Return the state of people who never took the drug."""
        return cls(*([jnp.asarray(np.zeros((N_SITES, n_patients)))] * 4))


def occupancy(concentration: Array, receptor: Receptor) -> Array:
    """Fraction of the maximal effect at an effective `concentration` in ng/mL."""
    # The logistic form of y^n / (y^n + EC50^n): one exponential and one logarithm, and exact at 0.
    return expit(receptor.hill * jnp.log(jnp.maximum(concentration, 0.0) / receptor.ec50))


def at_sites(levels: Levels, receptor: Receptor) -> Sites:
    """Return the concentration that each site reads, ng/mL at the reflex: tone needs more drug."""
    return jnp.concatenate([receptor.tone_potency * levels.slow, levels.fast, levels.fast_brain[None]])


def sensitivity(state: Adaptation, receptor: Receptor) -> Sites:
    """Return R, the potency left after adaptation (1 in the untreated, falls with exposure)."""
    tires, terminal = (jnp.asarray(one)[:, None] for one in (_TIRES, _IS_TERMINAL))
    slow_shift = receptor.slow_shift * (1.0 + terminal * (receptor.terminal_tolerance - 1.0))
    acute, fast = 1.0 + tires * receptor.acute_shift * state.acute, 1.0 + receptor.fast_shift * state.fast
    return 1.0 / (acute * fast * (1.0 + slow_shift * state.slow))


def occupied(concentration: Sites, state: Adaptation, receptor: Receptor) -> Sites:
    """Return u, the occupancy at the potency that is left."""
    return occupancy(sensitivity(state, receptor) * concentration, receptor)


def effect(concentration: Sites, state: Adaptation, receptor: Receptor) -> Sites:
    """Return the effect net of what excitability has risen against it, e (below 0 in rebound)."""
    return net(occupied(concentration, state, receptor), state, receptor)


def net(drive: Sites, state: Adaptation, receptor: Receptor) -> Sites:
    """Return e of an occupancy u."""
    return drive - receptor.opposition * state.opposed


def opposing(drive: Array, receptor: Receptor) -> Array:
    """Return v, what opposition heads for at an occupancy u: the same curve, read at p_o of the concentration."""
    odds = receptor.opposition_potency**receptor.hill
    return odds * drive / (1.0 - (1.0 - odds) * drive)


class Kept(eqx.Module):
    """Share of the way to what each state of adaptation follows that is still to go after a step, by its time."""

    acute: Array
    fast: Array
    coming: Array
    eased: Array
    recovered: Array

    @classmethod
    def over(cls, dt_h: Array | float, receptor: Receptor) -> Kept:
        """Return the shares over a step of `dt_h` h."""
        acute, fast = jnp.exp(-dt_h / receptor.acute_time), jnp.exp(-dt_h / receptor.fast_time)
        coming, eased = jnp.exp(-dt_h / receptor.opposition_time), jnp.exp(-dt_h / receptor.withdrawal_time)
        return cls(acute, fast, coming, eased, jnp.exp(-dt_h / receptor.recovery_time))


def adapt_from(state: Adaptation, start: Sites, after: Sites, receptor: Receptor, kept: Kept) -> Adaptation:
    """Advance adaptation by a step, of which `kept` tells, from an occupancy `start` to the concentration `after`
    (ng/mL).

    Heun's step on the exponential form: exact for a constant occupancy (but slow tolerance, which follows the middle
    of the opposition's step), second order otherwise.
    """

    def moved(drive: Sites) -> Adaptation:
        opposed = _followed(state.opposed, opposing(drive, receptor), kept.coming, kept.eased)
        return Adaptation(
            acute=drive + (state.acute - drive) * kept.acute,
            fast=drive + (state.fast - drive) * kept.fast,
            slow=_followed(state.slow, (state.opposed + opposed) / 2, kept.coming, kept.recovered),
            opposed=opposed,
        )

    end = occupied(after, moved(start), receptor)
    return moved((start + end) / 2)


def _followed(state: Sites, drive: Sites, coming: Array, going: Array) -> Sites:
    """Return what follows a drive, with the share of the distance that is kept on the way up and on the way down."""
    return drive + (state - drive) * jnp.where(drive < state, going, coming)


def hyperpolarisation(tone_effect: Limbs, bias: Limbs, receptor: Receptor) -> Limbs:
    """Return the bias in mV that the drug takes from leg and arm; the arm also feels a share of the leg's effect.

    Equation
        h = (K + s D) e: K from the motoneuron, s of the untreated bias D (mV) from the terminals that bring it
    """
    full = receptor.hyperpolarisation + receptor.drive_share * jnp.maximum(bias, 0.0)
    leg, arm = tone_effect
    return full * jnp.stack([leg, arm + receptor.leg_to_arm * leg])


def release(reflex_effect: Limbs, receptor: Receptor) -> Limbs:
    """Ia transmitter release relative to the person's own untreated level (1 untreated, above 1 in rebound)."""
    return 1.0 - receptor.release_block * reflex_effect
