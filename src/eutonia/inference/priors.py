"""What is known of a limb before its recording is read: one prior a number, in the units of joint and body.

Equation
    log-normal: x = m exp(s z) ;  normal: x = m + s z ;  z ~ N(0, 1), independent
Everything that searches or samples works with z, so that one unit is one prior standard deviation of any number.
Source: the set `inference`. Assumptions: the numbers are independent of one another before the recording.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from eutonia import parameters
from eutonia.limb.joint import Joint

#: Numbers that a user asks for, in the order of the table.
ASKED = ("threshold", "velocity_sensitivity", "gain", "background", "stiffness", "damping")
_TISSUE = (*ASKED, "slack_angle", "depression")
#: Number of noise parameters, last in every list: noise of the sensor, and error of the model.
NOISE = 2
#: What else a swing and a stretch depend on, and the noise.
PENDULUM = (
    *_TISSUE,
    "pace",
    "start_angle",
    "angle_offset",
    "release",
    "letting_go",
    "angle_noise",
    "angle_model_error",
)
RAMP = (*_TISSUE, "torque_offset", "inertia_left", "torque_noise", "torque_model_error")
#: The same where active muscle loses torque along the way.
RAMP_FALLING = (*RAMP[:-NOISE], "breadth", *RAMP[-NOISE:])

#: What the model misses is taken to be as large as the noise: one record serves both.
_MISSED = {"torque_model_error": "Smooth error of the model in the torque"}

#: The scale that turns a share into the unit of a joint.
_UNITS = {
    "threshold": ("range", "deg"),
    "slack_angle": ("range", "deg"),
    "velocity_sensitivity": ("", "s"),
    "gain": ("ceiling/range", "N m/rad"),
    "stiffness": ("ceiling/range", "N m/rad"),
    "damping": ("ceiling/range", "N m s/rad"),
    "background": ("ceiling", "N m"),
    "torque_offset": ("ceiling", "N m"),
    "torque_noise": ("ceiling", "N m"),
    "torque_model_error": ("ceiling", "N m"),
}


@dataclass(frozen=True)
class Prior:
    """One number before the recording: its middle and spread (of the logarithm if `is_log`), in `unit`."""

    name: str
    label: str
    symbol: str
    unit: str
    middle: float
    spread: float
    is_log: bool


@dataclass(frozen=True)
class Priors:
    """The priors of one test at one joint of one body, in the order of `names`."""

    each: tuple[Prior, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Names in order."""
        return tuple(prior.name for prior in self.each)

    def index(self, name: str) -> int:
        """Return the place of a number."""
        return self.names.index(name)

    def values(self, z: Float[np.ndarray, "number candidate"]) -> Float[np.ndarray, "number candidate"]:
        """Return numbers in their units from z; a row a number, a column a draw."""
        return np.stack(
            [
                p.middle * np.exp(p.spread * row) if p.is_log else p.middle + p.spread * row
                for p, row in zip(self.each, z, strict=True)
            ]
        )

    def table(self) -> tuple[Float[np.ndarray, " number"], Float[np.ndarray, " number"], Float[np.ndarray, " number"]]:
        """Return middles, spreads and whether each is log-normal (1) as arrays, for a compiled program."""
        return (
            np.array([p.middle for p in self.each]),
            np.array([p.spread for p in self.each]),
            np.array([float(p.is_log) for p in self.each]),
        )


def priors(names: Sequence[str], joint: Joint, ceiling: float) -> Priors:
    """Return the priors of `names` for a joint with this torque ceiling, N m."""
    scales = {"": 1.0, "ceiling": ceiling}
    out = []
    for name in names:
        record = _record(name, joint)
        kind, unit = _UNITS.get(name, ("", record.unit))
        # Angles in deg, torques per rad: the units of the table.
        span = np.rad2deg(joint.range_rad) if unit == "deg" else joint.range_rad
        scale = float({**scales, "range": span, "ceiling/range": ceiling / span}[kind])
        is_log = record.spread.kind == "lognormal"
        spread = record.spread.sd_log if is_log else float(record.spread.sd or 0.0) * scale
        symbol = record.symbol.partition("/R")[0].partition(" R/")[0].partition("/T_max")[0]
        label = record.label.partition(":")[0]
        out.append(Prior(name, label, symbol, unit, record.value * scale, spread, is_log))
    return Priors(tuple(out))


def _record(name: str, joint: Joint) -> parameters.Parameter:
    """Return the record of a number, as a share where it is one."""
    records = parameters.load("inference")
    if name == "breadth":
        return parameters.load(f"limb_{joint.name}")["strength_breadth"]
    if name in _MISSED:
        return replace(records["torque_noise"], label=_MISSED[name], symbol="e/T_max")
    return records[name]
