"""From the stretch of a muscle to the discharge of its spindle afferents: a power law, and a model of the fibres.

Equation (power law)
    s   = 2 d + 4.3 F sgn(v) |v|^0.6,      II = 20 + 13.5 d          (imp/s of a cat; d mm, v mm/s, F fusimotor factor)
    r_j = h max(0, c_j + s), not above a ceiling                                            (h human scale, afferent j)
Equation (fibres bag1, bag2, chain; lengths in L0)
    M T''/K_SR = C beta sgn(w) |w|^0.3 (X - R) + K_PR (X - L0_PR) + M L'' + Gamma f - T
    X = L - L0_SR - T/K_SR,   w = X' = L' - T'/K_SR,   Ia = larger + S smaller of (bag1, bag2 + chain)
    f = drive^p / (drive^p + half rate^p)
Source: Prochazka_Gorassini_1998, Mileusnic_2006 (form recalled), HumanIa_2015 for the human scale.
Not for: fusimotor drive that changes within a movement (the fibres' drive is constant).
"""

from __future__ import annotations

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from eutonia import parameters
from eutonia._types import Scalar

FIBRES = ("bag1", "bag2", "chain")
Course = Float[np.ndarray, "time *more"]


class PowerLaw(eqx.Module):
    """Constants of the power law (set `segment`), imp/s of a cat, mm and mm/s."""

    ia_velocity_gain: Scalar
    ia_velocity_exponent: Scalar
    ia_length_gain: Scalar
    ii_rest: Scalar
    ii_length_gain: Scalar

    @classmethod
    def from_records(cls) -> PowerLaw:
        """Read the set `segment`."""
        units = {"ia_velocity_gain": "1/s", "ia_velocity_exponent": "1", "ii_rest": "1/s"}
        units |= dict.fromkeys(("ia_length_gain", "ii_length_gain"), "1/s/mm")
        return cls(**parameters.load("segment").named(units))

    def primary(self, stretch_mm: Array, speed_mm_s: Array, fusimotor: Array | Scalar) -> Array:
        """Return the Ia signal s, which every afferent adds to its own rest; below 0 it silences."""
        fast = jnp.sign(speed_mm_s) * jnp.abs(speed_mm_s) ** self.ia_velocity_exponent
        return self.ia_length_gain * stretch_mm + self.ia_velocity_gain * fusimotor * fast

    def secondary(self, stretch_mm: Array) -> Array:
        """Return the rate of group II afferents."""
        return jnp.maximum(self.ii_rest + self.ii_length_gain * stretch_mm, 0.0)


def power_law(stretch_mm: Course, speed_mm_s: Course, fusimotor: np.ndarray | float = 1.0) -> Course:
    """Return the Ia signal s in imp/s of a cat, which every afferent adds to its own rest; below 0 it silences."""
    law = PowerLaw.from_records()
    return np.asarray(law.primary(jnp.asarray(stretch_mm), jnp.asarray(speed_mm_s), jnp.asarray(fusimotor)))


def secondary(stretch_mm: Course) -> Course:
    """Return the rate of group II afferents in imp/s of a cat."""
    return np.asarray(PowerLaw.from_records().secondary(jnp.asarray(stretch_mm)))


class Fibres(eqx.Module):
    """Constants of the three intrafusal fibres (vectors: bag1, bag2, chain), forces and lengths in units of L0."""

    series_stiffness: Array
    polar_stiffness: Array
    mass: Array
    damping: Array
    damping_fusimotor: Array
    force_fusimotor: Array
    gain: Array
    half_rate: Array
    fusimotor_power: Array
    series_rest: Array
    polar_rest: Array
    offset: Array
    series_threshold: Array
    occlusion: Array
    shortening: Array
    velocity_power: Array

    @classmethod
    def from_records(cls) -> Fibres:
        """Read the set `spindle`."""
        s = parameters.load("spindle")
        units = {"mass": "s^2", "gain": "1/s", "half_rate": "1/s"}
        records = {name: s[name].to(units.get(name, "1")) for name in cls.__dataclass_fields__}
        read = {name: one.along(FIBRES) if one.is_vector else (one.value,) for name, one in records.items()}
        return cls(**{name: jnp.asarray(numbers) for name, numbers in read.items()})


def mileusnic(
    length: Float[np.ndarray, " time"], dt_s: float, dynamic: float = 0.0, static: float = 0.0
) -> Float[np.ndarray, " time"]:
    """Return the Ia rate of a cat spindle in imp/s for a course of muscle length in units of L0.

    Parameters
    ----------
    length
        Fascicle length over optimal length; the spindle starts at rest at the first one.
    dt_s
        Step of the course, s; 0.1 ms or less.
    dynamic, static
        Fusimotor drive, imp/s, constant.
    """
    speed = np.gradient(length, dt_s)
    course = np.stack([length, speed, np.gradient(speed, dt_s)], axis=1)
    drive = jnp.asarray([dynamic, static, static])
    return np.asarray(_fibres(Fibres.from_records(), jnp.asarray(course), drive, dt_s))


@functools.partial(jax.jit, static_argnums=3)
def _fibres(f: Fibres, course: Float[Array, "time 3"], drive: Float[Array, " 3"], dt: float) -> Float[Array, " time"]:
    driven = drive**f.fusimotor_power
    active = driven / (driven + f.half_rate**f.fusimotor_power)
    damping = f.damping + f.damping_fusimotor * active
    slowest = 1e-3  # L0/s: below it the damping, steep without bound at rest, is taken as linear

    def force(length: Array, speed: Array, acceleration: Array, tension: Array, rate: Array) -> Array:
        polar = length - f.series_rest - tension / f.series_stiffness
        slide = speed - rate / f.series_stiffness
        coefficient = jnp.where(slide < 0.0, f.shortening, 1.0) * damping
        drag = slide * (slide**2 + slowest**2) ** ((f.velocity_power - 1.0) / 2.0)
        pull = coefficient * drag * (polar - f.offset) + f.polar_stiffness * (polar - f.polar_rest)
        return (pull + f.mass * acceleration + f.force_fusimotor * active - tension) * f.series_stiffness / f.mass

    def step(state: tuple[Array, Array], now: Array) -> tuple[tuple[Array, Array], Array]:
        tension, rate = state
        rate = rate + dt * force(now[0], now[1], now[2], tension, rate)
        tension = tension + dt * rate
        fired = f.gain * (tension / f.series_stiffness - (f.series_threshold - f.series_rest))
        bag1, rest = jnp.maximum(fired[0], 0.0), jnp.maximum(fired[1] + fired[2], 0.0)
        return (tension, rate), jnp.maximum(bag1, rest) + f.occlusion[0] * jnp.minimum(bag1, rest)

    # At rest tension = polar spring + fusimotor force, which is linear in the tension.
    slack = course[0, 0] - f.series_rest - f.polar_rest
    still = (f.polar_stiffness * slack + f.force_fusimotor * active) / (1.0 + f.polar_stiffness / f.series_stiffness)
    return jax.lax.scan(step, (still, jnp.zeros_like(still)), course)[1]
