"""What the brain has met of the drug so far: the integrals that hazards of adverse effects are made of.

They are carried on the slow clock beside drug and tolerance, so that a risk depends on what was given and never on when
somebody looked.

Equation
    F, O = R C, effective concentration at the brain from the spinal fluid and from tablets (ng/mL)
    X_stage = integral of F dt while in that stage: screening before a pump runs, titration for a time T after it began
              to, maintenance from then on                                                            (ng h/mL)
    H' = (O - H)/tau ;  M = largest H so far ;  A = integral of O dt                           (what is got used to)
Assumptions
    Trapezoids between steps; the stage changes at its very hour, within a step too.
"""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from eutonia import parameters
from eutonia._hours import HOURS_A_DAY
from eutonia._types import Scalar

Patients = Float[Array, " patient"]


class Habits(eqx.Module):
    """Length of the titration stage and time in which people get used to tablets, h."""

    titration_h: float
    habituation_h: float

    @classmethod
    def from_records(cls) -> Habits:
        """Read both from the parameter set `adverse`."""
        days = parameters.load("adverse").values(titration_duration="day", habituation_time="day")
        return cls(*(day * HOURS_A_DAY for day in days))


class Exposed(eqx.Module):
    """What the brain has met since the start.

    `screening`, `titration`, `maintenance` ng h/mL from the spinal fluid in each stage; `tablets` ng h/mL from blood;
    `used_to` and `highest` ng/mL, the level of tablets that the brain is used to and the highest that it ever was;
    `on_pump_h` hours since a pump first ran.
    """

    screening: Patients
    titration: Patients
    maintenance: Patients
    tablets: Patients
    used_to: Patients
    highest: Patients
    on_pump_h: Patients

    @classmethod
    def none(cls, n_patients: int) -> Exposed:
        """Return people who never had the drug."""
        return cls(*([jnp.asarray(np.zeros(n_patients))] * 7))


def meet(
    state: Exposed,
    fluid: tuple[Patients, Patients],
    tablets: tuple[Patients, Patients],
    rate_ug_per_h: Patients,
    habits: Habits,
    dt_h: Scalar,
) -> Exposed:
    """Advance by `dt_h` h, over which the brain's level goes from the first to the second of each pair (ng/mL)."""
    met = (fluid[0] + fluid[1]) / 2 * dt_h
    taken = (tablets[0] + tablets[1]) / 2
    is_pumped = (rate_ug_per_h > 0) | (state.on_pump_h > 0)
    early = jnp.clip((habits.titration_h - state.on_pump_h) / dt_h, 0.0, 1.0) * met
    used_to = taken + (state.used_to - taken) * jnp.exp(-dt_h / habits.habituation_h)
    return Exposed(
        screening=state.screening + jnp.where(is_pumped, 0.0, met),
        titration=state.titration + jnp.where(is_pumped, early, 0.0),
        maintenance=state.maintenance + jnp.where(is_pumped, met - early, 0.0),
        tablets=state.tablets + taken * dt_h,
        used_to=used_to,
        highest=jnp.maximum(state.highest, used_to),
        on_pump_h=state.on_pump_h + jnp.where(is_pumped, dt_h, 0.0),
    )
