"""Failures of pumps and catheters in a trial: when each person's comes, which part it is, and when it is repaired.

Equation
    P(failure by t) = 1 - exp(-rate t)              the pump or its catheter gives nothing from then on
    found = failure + U(onset, latest onset)        of withdrawal, which brings the person back
    repaired = found + time of repair               a new catheter or pump, filled with drug up to the tip
Assumptions
    A failure is whole, begins and ends at midnight, and comes once at most in a phase; after it the dose is that of
    before.
Source
    Brabec_2015 (rate, share of the catheter), SpinalCord_2009 (onset).
"""

from __future__ import annotations

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int

from eutonia import _streams, parameters
from eutonia._hours import HOURS_A_DAY, HOURS_A_YEAR
from eutonia.study.parts import Arm
from eutonia.study.pump_treatment import PumpTreatment
from eutonia.trial.withdrawal import severe_share

Patients = Float[np.ndarray, " patient"]
Flags = Bool[np.ndarray, " patient"]


# More phases than any study has: so far apart count the periods of a crossover.
_PHASES = 1000


@dataclass(frozen=True)
class Failures:
    """What fails in each person: hours of a phase, inf for who has no failure.

    Attributes
    ----------
    since_h
        How long a pump has lain in the person when it fails, h.
    lasts_h
        From failure to repair, h.
    is_catheter
        Whether it is the catheter; else the pump.
    is_severe
        Whether withdrawal takes the severe form, should the person be without drug for that long.
    """

    since_h: Patients
    lasts_h: Patients
    is_catheter: Flags
    is_severe: Flags

    @classmethod
    def drawn(cls, seed: int, person: Int[np.ndarray, " patient"], phase: int, period: int = 0) -> Failures:
        """Draw each person's own failure in a period of a phase, whichever arm they are in."""
        keys = _streams.keys(seed, _streams.Purpose.DEVICE, jnp.asarray(person), phase + period * _PHASES)
        when, part, found, severe = np.asarray(_streams.uniform(keys, 4))
        records = parameters.load("adverse")
        rate, share = records.value("withdrawal_rate", "1/year"), records.value("withdrawal_catheter_share", "1")
        first, last = records.ends("withdrawal_onset", "h")
        repair = parameters.load("pump").value("repair_time", "h")
        since = -np.log1p(-when) / rate * HOURS_A_YEAR
        lasts = _whole_days(first + found * (last - first) + repair)
        return cls(_whole_days(since), lasts, part < share, severe < severe_share(lasts))


def drawn_for(arm: Arm, seed: int, person: Int[np.ndarray, " patient"], phase: int, period: int = 0) -> Failures | None:
    """Return what fails in each person of an arm in a period; None where its pumps do not fail, or it has none."""
    fails = any(isinstance(one, PumpTreatment) and one.failures for one in arm.treatments)
    return Failures.drawn(seed, person, phase, period) if fails else None


def _whole_days(hours: Patients) -> Patients:
    return HOURS_A_DAY * np.maximum(np.ceil(hours / HOURS_A_DAY), 1.0)
