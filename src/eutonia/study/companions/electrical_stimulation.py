"""Electrical stimulation through the skin: given and told, with no effect on tone, for only a p value is on record.

Source: Mahmood 2018 (7 trials, 427 people: the modified Ashworth score differs, p below 0.001; row PHY004 of the
calibration has no size).

Not for
    Stimulation that moves a limb, training with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from eutonia.study.fields import Hours, SessionsPerWeek, described
from eutonia.study.no_size import NoSize


class ElectricalStimulationTreatment(NoSize):
    """Electrical stimulation of one limb through the skin."""

    route: Literal["electrical stimulation"] = described("Electrical stimulation through the skin.")
    sessions_per_week: SessionsPerWeek = described("Sessions a week.")
    start_h: Hours = described("From when on, time in the phase, or since the onset.", alias="start")
    stop_h: Hours | None = described("Until when; left out, to the end.", alias="stop", default=None)

    sources: ClassVar[tuple[str, ...]] = ("Mahmood_2018",)
    example: ClassVar[Mapping[str, Any]] = {"limb": "leg", "sessions_per_week": 5.0, "start": "0 hour"}
    caveat: ClassVar[str] = (
        "No effect of electrical stimulation on tone is modelled: trials together find one, and no size of it is on "
        "record here."
    )
