"""What a study of one dose reports: the plasma curve of the typical person, its peak, area and half-life."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from eutonia.drug.exposure.engine import simulate
from eutonia.drug.exposure.models import KineticModel
from eutonia.drug.exposure.records import DOSE, MODELLED_DURATION, OBSERVATION, REPLACE, Records
from eutonia.drug.exposure.structure import Structure
from eutonia.drug.exposure.system import System
from eutonia.drug.kinetics.compartments import shear

Hours = float | Float[np.ndarray, "..."]
Levels = Float[np.ndarray, "..."]

# Numerical scheme of the search for a peak: points of a pass, passes, and the first span in h.
_POINTS, _PASSES, _SPAN_H = 201, 5, 24.0


@dataclass(frozen=True)
class Profile:
    """Plasma after single or repeated doses by mouth, of the typical person of a model.

    Attributes
    ----------
    model
        An oral model; its concentrations are the unit of every level.
    given
        Parameters and covariates of the person, where they are not the model's own.

    Source: of the model's parameters.
    Not for: residual error or spread between people; this is the curve of one person.
    """

    model: KineticModel
    given: Mapping[str, float] = field(default_factory=dict)

    def level(self, dose: float, time_h: Hours) -> Levels:
        """Return the plasma concentration at times after one tablet (0 before it)."""
        return self._seen(time_h, amount=dose, bioavailability=self.model.bioavailability)

    def level_zero_order(self, dose: float, duration_h: float, time_h: Hours) -> Levels:
        """Return the concentration when a dose enters the blood evenly over `duration_h` hours instead."""
        given: dict[str, float | int] = {
            "rate": MODELLED_DURATION,
            "modelled_duration": duration_h,
            "into": self._shape.central,
        }
        return self._seen(time_h, amount=dose, bioavailability=self.model.bioavailability, **given)

    def peak(self, dose: float) -> tuple[float, float]:
        """Return Cmax and Tmax, h, after one tablet."""
        return self._highest(_SPAN_H, math.inf, amount=dose, bioavailability=self.model.bioavailability)

    def steady(self, dose: float, *, every_h: float) -> dict[str, float]:
        """Return the highest, lowest and mean level once doses every `every_h` hours have settled."""
        given: dict[str, float | int] = {
            "amount": dose,
            "bioavailability": self.model.bioavailability,
            "steady": REPLACE,
            "interval": every_h,
        }
        trough = float(self._seen(0.0, **given)[0])
        return {"max": self._highest(every_h, every_h, **given)[0], "min": trough, "mean": self.area(dose) / every_h}

    def area(self, dose: float) -> float:
        """Return the area under the curve to infinity after one tablet, level times h: F D / CL."""
        clearance = float(self._system.elimination[0]) * float(self._shape.volume(self._values(1))[0])
        return self.model.per_litre[1] * dose * self.model.bioavailability / clearance

    def half_life(self) -> float:
        """Return the terminal half-life, h: that of the slowest of elimination and absorption."""
        system = self._system
        slow = shear(system.elimination, system.outward, system.back).rates[-1]
        return math.log(2.0) / min(float(rate[0]) for rate in (slow, *system.absorption))

    @property
    def _shape(self) -> Structure:
        assert isinstance(self.model.structure, Structure)
        return self.model.structure

    @property
    def _system(self) -> System:
        return self._shape.system({name: jnp.asarray(one) for name, one in self._values(1).items()})

    def _values(self, n: int) -> dict[str, Float[np.ndarray, " record"]]:
        own = {one.name: one.default for one in self.model.quantities if one.default is not None}
        return {name: np.full(n, value) for name, value in (own | dict(self.given)).items()}

    def _seen(self, time_h: Hours, **dose: float | int) -> Levels:
        """Return the concentration at times after a dose at 0."""
        times = np.atleast_1d(np.asarray(time_h, float))
        order = np.argsort(times, axis=None)
        clock = np.append(0.0, np.maximum(times.ravel()[order], 0.0))
        columns = {name: np.append(value, np.zeros(times.size)) for name, value in dose.items()}
        evid = np.append(DOSE, np.full(times.size, OBSERVATION))
        values, place = self._values(len(clock)), self._shape.central
        amounts = simulate(self.model, Records.of(time=clock, evid=evid, **columns), values).amounts[1:, place]
        found = np.empty(times.size)
        found[order] = self.model.per_litre[1] * amounts / self._shape.volume(values)[1:]
        return np.where(times < 0.0, 0.0, found.reshape(times.shape))

    def _highest(self, span: float, end: float, **dose: float | int) -> tuple[float, float]:
        """Return the highest level after a dose, and when: ever finer around the best of some points."""
        low, high, best, height = 0.0, span, 0.0, 0.0
        for _ in range(_PASSES):
            times = np.linspace(low, high, _POINTS)
            levels = self._seen(times, **dose)
            best, height = float(times[levels.argmax()]), float(levels.max())
            step = float(times[1] - times[0])
            low, high = max(best - step, 0.0), min(best + step, end)
        return height, best
