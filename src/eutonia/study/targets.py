"""What a policy looks for in a chart: a target that is reached, a response to a test dose."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

import numpy as np

from eutonia.assessment.reading import ROUNDING, score_fall, score_of
from eutonia.assessment.scales import SCALES
from eutonia.study.fields import NotNegative, Number, Part, Positive, ScaleName, described
from eutonia.study.policies import Flags, History, Patients
from eutonia.study.scales import fall_fits, limb_fits, on_scale
from eutonia.study.studyfile import Problem
from eutonia.study.vocabulary import LimbName

if TYPE_CHECKING:
    from eutonia.assessment.scoring import Chart

BOTH_LIMBS = '"leg", "arm" or "leg and arm"'


class Target(Part):
    """The score at which the dose is high enough."""

    scale: ScaleName = described("Scale on which the policy looks.")
    limb: Literal["leg", "arm", "leg and arm"] | None = described(
        '"leg and arm" is the mean of both; left out for a score of the whole person.', default=None
    )
    at_most: Number = described("The dose rises while the score is above this.")
    below_screening: NotNegative | None = described(
        "Nobody is asked for a score lower than the one reached after the test bolus, less this; left out, all are.",
        default=None,
    )

    def _problems(self) -> Iterable[Problem]:
        if SCALES[self.scale].worse < 0:
            why = "On this scale a lower number is worse, and the dose would rise while the person does well."
            allowed = ", ".join(f'"{name}"' for name, one in SCALES.items() if one.is_score and one.worse > 0)
            return [Problem(("scale",), why, self.scale, allowed, do="Choose a scale that the drug lowers.")]
        return [*limb_fits(self.scale, self.limb, BOTH_LIMBS), *on_scale(self.scale, self.at_most, "at_most")]

    def score_of(self, chart: Chart) -> Patients:
        """Return the score that is looked at."""
        return score_of(chart, self.scale, self.limb)

    def asked_for(self, history: History) -> Patients:
        """Return the score that each person is asked for."""
        at_most = np.full(len(history.amount), float(self.at_most))
        if self.below_screening is None or history.screening is None:
            return at_most
        return np.fmax(at_most, history.screening.best_score - self.below_screening + ROUNDING)


class Response(Part):
    """The sign that a test dose has worked."""

    scale: ScaleName = described("Scale on which the policy looks.")
    limb: LimbName | None = described("Limb; left out for a score of the whole person.", default=None)
    fall: Positive = described("Least fall that counts, above 0.")
    over: Literal["limb mean", "spastic muscles"] = described("Over which muscle groups.", default="limb mean")

    def _problems(self) -> Iterable[Problem]:
        return fall_fits(self.scale, self.limb, self.fall, self.over)

    def fell(self, before: Chart, after: Chart) -> Flags:
        """Return whose score fell by at least so much."""
        return score_fall(before, after, self.scale, self.limb, self.over) >= self.fall - ROUNDING
