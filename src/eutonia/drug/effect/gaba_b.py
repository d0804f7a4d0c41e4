"""GABA-B receptors of the cord: occupancy, tolerance as a shift of potency at two speeds, rebound from endogenous tone.

Equation
    u(x)  = O(R (x + C_e)),  O(y) = y^n / (y^n + EC50^n);  x = C at the reflex, p C where tone is made
    R     = 1 / [(1 + d_f m_f)(1 + d_s m_s)]
    m_f'  = (u - u_e - m_f)/tau_f ;  m_s' = (u - u_e - m_s)/tau_s      (inputs not below 0)
with u_e = O(C_e) at R = 1, so an untreated person has neither effect nor tolerance. When the drug leaves, R < 1
makes the endogenous transmitter act less than before treatment: u < u_e, the rebound.
Not for: sedation (see `adverse`), or receptor loss in numbers (potency only).
"""

from __future__ import annotations

from dataclasses import fields

import equinox as eqx
import jax.numpy as jnp
from jax.scipy.special import expit
from jaxtyping import Array, Float

from eutonia import parameters

Patients = Float[Array, " patient"]
Limbs = Float[Array, "limb patient"]


_UNITS = {"ec50": "ng/mL", "endogenous": "ng/mL", "fast_time": "h", "slow_time": "h", "hyperpolarisation": "mV"}


class Receptor(eqx.Module):
    """One person's receptor parameters; arrays over patients (or plain numbers for a typical person).

    `ec50`, `endogenous` ng/mL; `hill` dimensionless; `fast_shift`, `slow_shift` dimensionless; times h;
    `hyperpolarisation` mV at full occupancy; `leg_to_arm` share of the leg's effect that reaches the arm;
    `release_block` share of Ia release that full occupancy removes; `blood_potency` of drug that came by blood;
    `tone_potency` of drug where tone is made, against the reflex.
    """

    ec50: Array
    hill: Array
    endogenous: Array
    fast_shift: Array
    slow_shift: Array
    fast_time: Array
    slow_time: Array
    hyperpolarisation: Array
    leg_to_arm: Array
    release_block: Array
    blood_potency: Array
    tone_potency: Array

    @classmethod
    def typical(cls) -> Receptor:
        """Read the typical values from the parameter set `receptor`."""
        receptor = parameters.load("receptor")
        return cls(**{f.name: jnp.asarray(receptor.value(f.name, _UNITS.get(f.name, "1"))) for f in fields(cls)})

    def draw(self, luck: Float[Array, "draw patient"], spread: tuple[float, float]) -> Receptor:
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


class Tolerance(eqx.Module):
    """Fast and slow adaptation of each limb's receptors, 0 (never treated) to 1."""

    fast: Limbs
    slow: Limbs

    @classmethod
    def naive(cls, n_patients: int, n_sites: int = 2) -> Tolerance:
        """Return the state of people who never took the drug."""
        zero = jnp.zeros((n_sites, n_patients))
        return cls(zero, zero)


def occupancy(concentration: Array, receptor: Receptor) -> Array:
    """Fraction of the maximal effect at an effective `concentration` in ng/mL."""
    # The logistic form of y^n / (y^n + EC50^n): one exponential and one logarithm, and exact at 0.
    return expit(receptor.hill * jnp.log(jnp.maximum(concentration, 0.0) / receptor.ec50))


def at_tone_site(concentration: Limbs, receptor: Receptor) -> Limbs:
    """Return what a concentration at the site of tone is worth there, in ng/mL at the reflex: tone needs more drug."""
    return receptor.tone_potency * concentration


def sensitivity(state: Tolerance, receptor: Receptor) -> Limbs:
    """Return R, the potency left after adaptation (1 in the untreated, falls with exposure)."""
    return 1.0 / ((1.0 + receptor.fast_shift * state.fast) * (1.0 + receptor.slow_shift * state.slow))


def effect(concentration: Limbs, state: Tolerance, receptor: Receptor) -> Limbs:
    """Return the effect beyond the endogenous level, u - u_e (below 0 in rebound)."""
    reached = sensitivity(state, receptor) * (concentration + receptor.endogenous)
    return occupancy(reached, receptor) - occupancy(receptor.endogenous, receptor)


def adapt(state: Tolerance, before: Limbs, after: Limbs, receptor: Receptor, dt: Array | float) -> Tolerance:
    """Advance tolerance by `dt` h while the concentration goes from `before` to `after` (ng/mL).

    Heun's step on the exponential form: exact for a constant effect, second order otherwise.
    """
    keep_fast, keep_slow = jnp.exp(-dt / receptor.fast_time), jnp.exp(-dt / receptor.slow_time)
    start = jnp.maximum(effect(before, state, receptor), 0.0)

    def moved(drive: Limbs) -> Tolerance:
        return Tolerance(drive + (state.fast - drive) * keep_fast, drive + (state.slow - drive) * keep_slow)

    end = jnp.maximum(effect(after, moved(start), receptor), 0.0)
    return moved((start + end) / 2)


def hyperpolarisation(slow_effect: Limbs, receptor: Receptor) -> Limbs:
    """Bias in mV that the drug takes away from leg and arm; the arm also feels a share of the leg's effect."""
    leg = receptor.hyperpolarisation * slow_effect[0]
    arm = receptor.hyperpolarisation * slow_effect[1] + receptor.leg_to_arm * leg
    return jnp.stack([leg, arm])


def release(fast_effect: Limbs, receptor: Receptor) -> Limbs:
    """Ia transmitter release relative to the person's own untreated level (1 untreated, above 1 in rebound)."""
    endogenous = occupancy(receptor.endogenous, receptor)
    open_share = 1.0 - receptor.release_block * (fast_effect + endogenous)
    return open_share / (1.0 - receptor.release_block * endogenous)
