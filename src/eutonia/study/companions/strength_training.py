"""Strength training: sessions give back, slowly, a part of the strength that a lesion took. Tone stays as it is.

Equation
    S_now = S + g (1 - S) ,  g' = s/N (c - g) - g/tau
with S the strength that the lesion left, g the share of what was lost that is back, s sessions an hour, N the sessions
that close all but 1/e of the gap to c, and tau the time in which it fades. Everybody gains alike, and a later course
of a limb goes on from what is left of the one before: c holds of all of them together.
Source: Devier 2017 for the direction (weekly training after toxin moved arm function, and not the modified Ashworth
score); the sizes are assumed.

Not for
    Skill, endurance, gait training; bias, reflexes and tissue, which do not change here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from eutonia import parameters
from eutonia._hours import HOURS_A_WEEK
from eutonia.study.fields import Hours, SessionsPerWeek, described
from eutonia.study.treatments import Treatment
from eutonia.study.vocabulary import LimbName

if TYPE_CHECKING:
    from eutonia.treatment import Effects


class StrengthTrainingTreatment(Treatment):
    """Training of one limb, so many times a week."""

    route: Literal["strength training"] = described("Training that gives back strength.")
    limb: LimbName = described("Limb that is trained.")
    sessions_per_week: SessionsPerWeek = described("Sessions a week.")
    start_h: Hours = described("From when on, time in the phase, or since the onset.", alias="start")
    stop_h: Hours | None = described("Until when; left out, to the end.", alias="stop", default=None)

    amount_key: ClassVar[str] = "sessions_per_week"
    dose_unit: ClassVar[str] = ""
    goes_on: ClassVar[bool] = True
    sources: ClassVar[tuple[str, ...]] = ("Devier_2017",)
    example: ClassVar[Mapping[str, Any]] = {"limb": "leg", "sessions_per_week": 3.0, "start": "0 day"}
    caveat: ClassVar[str] = (
        "Training gives back strength and leaves tone as it is; how much is assumed: nobody has measured it in "
        "these units."
    )

    @property
    def outlasts_h(self) -> float:
        """How long after the end a tenth of its effect is left."""
        return math.log(10.0) * _fading_h()

    @property
    def alone_in(self) -> str | None:
        """A limb is trained by one plan at a time: each of two would gain up to the ceiling for itself."""
        return self.limb

    @property
    def name(self) -> str:
        """What it is, in words."""
        return f"strength training of the {self.limb}, {self.sessions_per_week:g} a week"

    def begin(self, n_patients: int) -> Any:
        """Return the share of lost strength that is back: none."""
        return np.zeros(n_patients)

    def advance(self, state: Any, span_h: float, is_given: bool) -> Any:
        """Return the share that is back so many hours later."""
        sessions = self.sessions_per_week / HOURS_A_WEEK if is_given else 0.0
        gain = sessions / _number("sessions_to_gain", "1")
        rate = gain + 1.0 / _fading_h()
        settled = _number("regained_at_most", "1") * gain / rate
        return settled + (state - settled) * np.exp(-rate * span_h)

    def effects(self, state: Any, is_given: bool) -> Effects:
        """Return the share of lost strength that is back in the limb."""
        from eutonia.treatment import Effects

        return Effects.on(len(state), self.limb, regained=state)


def _number(name: str, unit: str) -> float:
    return parameters.load("strength_training").value(name, unit)


def _fading_h() -> float:
    """Return the time constant with which strength goes without training: that of whatever is learned."""
    return parameters.load("learning").value("fading_time", "h")
