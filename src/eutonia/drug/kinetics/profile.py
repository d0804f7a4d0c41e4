"""What a study of one dose reports: the plasma curve of the typical person, its peak, area and half-life."""

from __future__ import annotations

import dataclasses
import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from eutonia.drug.kinetics.cascade import Scalar
from eutonia.drug.kinetics.model import Kinetics
from eutonia.drug.kinetics.oral import MG_PER_L_TO_NG_PER_ML
from eutonia.drug.kinetics.state import KineticState

Times = Float[Array, " time_h"]
Hours = float | Float[np.ndarray, "..."]

# Numerical scheme of the search for a peak: points of a pass, passes, and the first span in h.
_POINTS, _PASSES, _SPAN_H = 201, 5, 24.0
_SETTLED_HALF_LIVES = 50.0  # 2**-50 of a dose is left: below rounding


@dataclasses.dataclass(frozen=True, slots=True)
class Profile:
    """Plasma after single or repeated doses by mouth, of the first (or only) person of some kinetics.

    Linear: a curve is a sum of shifted curves of one dose, so any regimen is exact.

    Source: of the oral set that the kinetics were made from.
    Not for: residual error or spread between people; this is the curve of one person.
    """

    kinetics: Kinetics

    def level(self, dose_mg: float, time_h: Hours) -> np.ndarray:
        """Return the plasma concentration at times after one tablet, ng/mL (0 before it)."""
        times = np.atleast_1d(np.asarray(time_h, float))
        start = self.kinetics.tablet(self.kinetics.initial_state(), dose_mg)
        plasma = np.asarray(_plasma(self.kinetics, start, jnp.asarray(np.maximum(times, 0.0).ravel())))
        return np.where(times < 0.0, 0.0, plasma.reshape(times.shape))

    def level_repeated(self, dose_mg: float, every_h: float, doses: int, time_h: Hours) -> np.ndarray:
        """Return the concentration at times after the first of `doses` tablets taken every `every_h` hours, ng/mL."""
        times = np.atleast_1d(np.asarray(time_h, float))
        return self.level(dose_mg, times[..., None] - every_h * np.arange(doses)).sum(axis=-1)

    def level_zero_order(self, dose_mg: float, duration_h: float, time_h: Hours) -> np.ndarray:
        """Return the concentration when a dose enters the blood evenly over `duration_h` hours instead, ng/mL.

        Equation: C(t) = D / (T CL) [E(t) - E(t - T)], E the share of an amount placed in blood that has left it:
        the area under a curve of linear kinetics is what was eliminated, over CL.
        """
        times = np.atleast_1d(np.asarray(time_h, float))
        blood, empty = self.kinetics.blood, self.kinetics.initial_state()
        start = dataclasses.replace(empty, central=empty.central + blood.bioavailability * dose_mg)
        gone = [
            np.asarray(_eliminated(self.kinetics, start, jnp.asarray(np.maximum(t, 0.0))))
            for t in (times, times - duration_h)
        ]
        return MG_PER_L_TO_NG_PER_ML * (gone[0] - gone[1]) / (duration_h * float(blood.clearance[0]))

    def peak(self, dose_mg: float) -> tuple[float, float]:
        """Return Cmax, ng/mL, and Tmax, h, after one tablet."""
        low, high, best, height = 0.0, _SPAN_H, 0.0, 0.0
        for _ in range(_PASSES):
            times = np.linspace(low, high, _POINTS)
            levels = self.level(dose_mg, times)
            best, height = float(times[levels.argmax()]), float(levels.max())
            step = times[1] - times[0]
            low, high = max(best - step, 0.0), best + step
        return height, best

    def steady(self, dose_mg: float, *, every_h: float) -> dict[str, float]:
        """Return the highest, lowest and mean level once doses every `every_h` hours have settled, ng/mL."""
        doses = math.ceil(_SETTLED_HALF_LIVES * self.half_life() / every_h)
        low, high, peak = 0.0, every_h, 0.0
        first = (doses - 1) * every_h
        for _ in range(_PASSES):
            times = np.linspace(low, high, _POINTS)
            levels = self.level_repeated(dose_mg, every_h, doses, first + times)
            peak, best = float(levels.max()), float(times[levels.argmax()])
            low, high = max(best - times[1] + times[0], 0.0), min(best + times[1] - times[0], every_h)
        trough = float(self.level_repeated(dose_mg, every_h, doses, first)[0])
        return {"max": peak, "min": trough, "mean": self.area(dose_mg) / every_h}

    def area(self, dose_mg: float) -> float:
        """Return the area under the curve to infinity after one tablet, ng h/mL: F D / CL."""
        blood = self.kinetics.blood
        return float(MG_PER_L_TO_NG_PER_ML * dose_mg * blood.bioavailability[0] / blood.clearance[0])

    def half_life(self) -> float:
        """Return the terminal half-life, h: that of the slowest of elimination and absorption."""
        _, slow, _ = self.kinetics.blood.shear()
        return math.log(2.0) / min(float(rate[0]) for rate in (slow, *self.kinetics.blood.gut_rates))


def _later(kinetics: Kinetics, start: KineticState, time_h: Scalar) -> KineticState:
    return kinetics.advance(start, kinetics.step_plan(time_h))


@eqx.filter_jit
def _plasma(kinetics: Kinetics, start: KineticState, times: Times) -> Times:
    return jax.vmap(lambda t: kinetics.exposure(_later(kinetics, start, t)).plasma[0])(times)


@eqx.filter_jit
def _eliminated(kinetics: Kinetics, start: KineticState, times: Times) -> Times:
    return jax.vmap(lambda t: _later(kinetics, start, t).eliminated[0])(times)
