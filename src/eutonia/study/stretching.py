"""Stretching, a splint or a cast: hours at the end of range act slowly on tissue, and on nothing else.

Equation
    y' = (f - y)/tau - r(H) y        in `tone.contracture`, which says what each of them is; H is what is given here
Source: Harvey 2017 (18 trials, 549 people: 2 deg, 0 to 3). That half an hour a day would be in them is assumed, and
that no number of hours brings more than the upper end of that interval.

Not for
    The minutes after a session, in which muscle is softer; bias, reflexes and strength, which do not change here.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field, Strict

from eutonia import parameters
from eutonia.study.fields import Hours, described
from eutonia.study.treatments import Treatment
from eutonia.study.vocabulary import LimbName

if TYPE_CHECKING:
    from eutonia.treatment import Effects

_TENTH = math.log(10.0)


class StretchingTreatment(Treatment):
    """One limb at the end of its range for so many hours a day."""

    route: Literal["stretching"] = described("Stretching, a splint or a cast: hours at the end of range.")
    limb: LimbName = described("Limb that is stretched.")
    hours_per_day: Annotated[float, Strict(), Field(ge=0.01, le=24, allow_inf_nan=False)] = described(
        "Hours a day at the end of range; 24 for a cast."
    )
    start_h: Hours = described("From when on, time in the phase, or since the onset.", alias="start")
    stop_h: Hours | None = described("Until when; left out, to the end.", alias="stop", default=None)

    dose_unit: ClassVar[str] = ""
    sources: ClassVar[tuple[str, ...]] = ("Harvey_2017",)
    caveat: ClassVar[str] = (
        "Stretching, splints and casts act on tissue alone, slowly: about 2 deg of range for half an hour a day over "
        "three months and never more than 3, as trials found, and next to nothing on the Ashworth score."
    )

    @property
    def outlasts_h(self) -> float:
        """How long after the end a tenth of its effect is left."""
        return _TENTH * parameters.load("tone").value("contracture_time", "h")

    @property
    def name(self) -> str:
        """What it is, in words."""
        return f"stretching of the {self.limb}, {self.hours_per_day:g} h a day"

    def effects(self, state: int, is_given: bool) -> Effects:
        """Return the hours a day at the end of range while it is given; `state` is the number of people."""
        from eutonia.treatment import Effects

        return Effects.on(state, self.limb, end_range=self.hours_per_day) if is_given else Effects.none(state)
