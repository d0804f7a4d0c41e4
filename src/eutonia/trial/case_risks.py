"""The course of a case with its risks: drowsiness within a day, and what is known of withdrawal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from eutonia._hours import HOURS_A_DAY
from eutonia.drug.effect.adverse import REACTIONS, Hazards
from eutonia.patient import label_origin
from eutonia.study.design import CaseStudy
from eutonia.trial.harms import Harms
from eutonia.trial.trace import Recorder
from eutonia.trial.withdrawal import Interruptions, add_withdrawal

if TYPE_CHECKING:
    import xarray

#: How many people share what is known of the person; numerical resolution of the band, not science.
POSSIBLE_PEOPLE = 64
_LOOKS = 4096


def with_risks(study: CaseStudy, recorder: Recorder, origin: str, interruptions: Interruptions) -> xarray.Dataset:
    """Return what was recorded, with the risk of drowsiness a day and what is known of withdrawal."""
    import xarray as xr

    course = recorder.dataset(POSSIBLE_PEOPLE, _LOOKS)
    hazards = Hazards.of(label_origin(origin), oral=True, intrathecal=True)
    fluid, blood = course["brain_fluid"].to_numpy(), course["brain_blood"].to_numpy()
    hazard = hazards.of_moment(REACTIONS.index("drowsiness"), fluid, blood, recorder.exposed(POSSIBLE_PEOPLE))
    harms, at_h = Harms.of(study.treatments), np.asarray(course["time_h"])
    if harms.deepens:
        hazard = hazard * np.array([harms.depth(t, t) for t in at_h])
    hazard = hazard + _drowsiness_beside(harms, at_h)[:, None]
    attributes = {"units": "1", "long_name": "Drowsiness within a day"}
    course["risk_drowsiness"] = xr.Variable(("time_h", "patient"), -np.expm1(-hazard * HOURS_A_DAY), attributes)
    add_withdrawal(course, interruptions)
    return course


def _drowsiness_beside(harms: Harms, time_h: np.ndarray) -> np.ndarray:
    """Return the hazard of drowsiness per hour, within the day from each time on, of what is given beside baclofen."""
    row = REACTIONS.index("drowsiness")
    risen = [
        harms.by(t + HOURS_A_DAY, drug=True, placebo=False) - harms.by(t, drug=True, placebo=False) for t in time_h
    ]
    return np.array(risen)[:, row, 0] / HOURS_A_DAY
