"""The recording of a limb that was moved, or moves: angle, velocity and torques of everybody."""

from __future__ import annotations

from typing import Any

import numpy as np

from eutonia.examination.findings import MovementTrace, nearest_to_median
from eutonia.limb.swing import Limb, Motion, torques
from eutonia.simulation.bedside import stepped_constants

#: Seconds of recording kept after a stretch, numerical; a quick stretch and its hold.
QUICK_S = 1.5
#: The muscle group of each limb whose stretch is drawn.
SHOWN = {"leg": "knee extensors", "arm": "elbow flexors"}


def movement(of: str, title: str, motion: Motion, limb: Limb, outcome: Any) -> MovementTrace:
    """Return the recording of a limb that moved; `outcome` is what the person who is drawn has the median of."""
    import xarray as xr

    resisted = torques(motion, limb, stepped_constants())
    series = {
        "angle_deg": (np.rad2deg(motion.angle), "deg", "Joint angle"),
        "velocity_deg_per_s": (np.rad2deg(motion.velocity), "deg/s", "Joint velocity"),
        "torque_Nm": (np.asarray(resisted.total), "N m", "Resisting torque"),
        "neural_Nm": (np.asarray(resisted.neural), "N m", "Neural torque: reflex and background tone"),
        "passive_Nm": (np.asarray(resisted.passive), "N m", "Passive torque: tissue, viscosity, short-range stiffness"),
    }
    data = {
        name: xr.Variable(("time_s", "patient"), values, {"units": unit, "long_name": label})
        for name, (values, unit, label) in series.items()
    }
    time = xr.Variable(("time_s",), np.asarray(motion.time), {"units": "s", "long_name": "Time"})
    people = np.arange(motion.angle.shape[1])
    return MovementTrace(of, title, xr.Dataset(data, {"time_s": time, "patient": people}), nearest_to_median(outcome))
