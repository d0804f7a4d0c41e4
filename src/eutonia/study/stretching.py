"""Stretching, a splint or a cast: hours at the end of range act slowly on tissue, and on nothing else.

Equation
    s' = (1 - s)/tau_c - r L s
with s the share of the contracture that is left, L the share of the day at end of range, r from the range that trials
found and tau_c the time in which contracture grows, and so comes back.
Source: Harvey 2017 (18 trials, 549 people: 2 deg, 0 to 3); what half an hour a day would be in them is assumed.

Not for
    The minutes after a session, in which muscle is softer; bias, reflexes and strength, which do not change here.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field, Strict, model_validator

from eutonia import parameters
from eutonia.study.fields import Hours, described
from eutonia.study.treatments import Treatment, stops_after_start
from eutonia.study.vocabulary import HOURS_PER_DAY, LimbName

if TYPE_CHECKING:
    from eutonia.treatment import Effects

_TENTH = math.log(10.0)


class StretchingTreatment(Treatment):
    """One limb at the end of its range for so many hours a day."""

    route: Literal["stretching"] = described("Stretching, a splint or a cast: hours at the end of range.")
    limb: LimbName = described("Limb that is stretched.")
    hours_per_day: Annotated[float, Strict(), Field(gt=0, le=24, allow_inf_nan=False)] = described(
        "Hours a day at the end of range; 24 for a cast."
    )
    start_h: Hours = described("From when on, time in the phase, or since the onset.", alias="start")
    stop_h: Hours | None = described("Until when; left out, to the end.", alias="stop", default=None)

    dose_unit: ClassVar[str] = ""
    sources: ClassVar[tuple[str, ...]] = ("Harvey_2017",)
    caveat: ClassVar[str] = (
        "Stretching acts on tissue alone, slowly: about 2 deg of range for half an hour a day over three months, as "
        "trials found, and next to nothing on the Ashworth score."
    )

    @property
    def outlasts_h(self) -> float:
        """How long after the end a tenth of its effect is left."""
        return _TENTH * parameters.load("tone").value("contracture_time", "h")

    @property
    def name(self) -> str:
        """What it is, in words."""
        return f"stretching of the {self.limb}, {self.hours_per_day:g} h a day"

    def begin(self, n_patients: int) -> Any:
        """Return the share of contracture that is left: all of it."""
        return np.ones(n_patients)

    def advance(self, state: Any, span_h: float, is_given: bool) -> Any:
        """Return the share that is left so many hours later."""
        back = 1.0 / parameters.load("tone").value("contracture_time", "h")
        day = self.hours_per_day / HOURS_PER_DAY if is_given else 0.0
        rate = back + day * parameters.load("stretching").value("rate", "1/h")
        return back / rate + (state - back / rate) * np.exp(-rate * span_h)

    def effects(self, state: Any, is_given: bool) -> Effects:
        """Return the share of contracture that is left in the limb."""
        from eutonia.treatment import Effects

        return Effects.on(len(state), self.limb, tissue=state)

    @model_validator(mode="after")
    def _ordered(self) -> StretchingTreatment:
        stops_after_start(self.start_h, self.stop_h)
        return self
