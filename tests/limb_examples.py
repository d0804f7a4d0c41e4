"""Limbs with known reflex values, for tests of the stepped joint model."""

from __future__ import annotations

import dataclasses

import jax.numpy as jnp
import numpy as np

from eutonia.limb.swing import Limb, ReflexConstants

# The severity ladder of the reduced joint model: threshold deg, velocity sensitivity s, gain N m/rad, background N m.
LADDER = (
    (999.0, 0.0, 0.0, 0.0),
    (105.0, 0.06, 35.0, 0.5),
    (95.0, 0.12, 35.0, 0.8),
    (86.0, 0.20, 35.0, 1.2),
    (75.0, 0.30, 30.0, 2.0),
    (66.0, 0.40, 25.0, 2.8),
)
# What a drug would do to the last row: threshold up by 20 deg, background tone halved.
DRUGGED = (86.0, 0.40, 25.0, 1.4)

CONSTANTS = ReflexConstants(
    delay=0.05,
    activation_time=0.03,
    depression_recovery_time=8.0,
    gain_per_velocity=0.0,
    force_velocity_reference=6.0,
    force_velocity_ceiling=1.4,
    short_range_stiffness=38.2,
    short_range_stretch=0.0262,
    short_range_time=0.05,
)


def adult_leg(rows: tuple[tuple[float, float, float, float], ...], **changes: float) -> Limb:
    """Return one adult leg a row of (threshold deg, velocity sensitivity s, gain N m/rad, background N m)."""
    table = np.array(rows)
    shared = {
        "inertia": 0.4455,
        "gravity": 12.43,
        "horizontal": 0.0,
        "load": 0.0,
        "damping": 0.20,
        "stiffness": 0.5,
        "rest_angle": np.deg2rad(80.0),
        "stop_torque": 1.0,
        "stop_rate": 3.0,
        "low": 0.0,
        "high": np.deg2rad(110.0),
        "ceiling": 40.0,
        "depression": 0.6,
    } | changes
    own = {
        "threshold": np.deg2rad(table[:, 0]),
        "velocity_sensitivity": table[:, 1],
        "gain": table[:, 2],
        "background": table[:, 3],
    }
    return Limb(**{name: jnp.asarray(value * np.ones(len(rows))) for name, value in (shared | own).items()})


def constants(**changes: float) -> ReflexConstants:
    return dataclasses.replace(CONSTANTS, **changes)
