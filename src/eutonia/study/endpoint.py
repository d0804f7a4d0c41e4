"""The primary endpoint of a trial: the score by which people are said to respond."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from eutonia.assessment.scales import SCALES
from eutonia.study.fields import Hours, Name, Part, Positive, ScaleName, described
from eutonia.study.scales import limb_fits, on_scale
from eutonia.study.studyfile import Problem
from eutonia.study.vocabulary import LimbName

IMPORTANT = "minimal important change"


def important_fits(scale: str) -> list[Problem]:
    """Return the fault of asking for a minimal important change that no record has."""
    if SCALES[scale].important:
        return []
    known = ", ".join(f'"{key}"' for key, one in SCALES.items() if one.important)
    why = f"No record has a minimal important change of {SCALES[scale].label}; there is one of {known}."
    return [Problem(("improvement",), why, IMPORTANT, "a number above 0", do="Write a number, such as 1.0.")]


class Endpoint(Part):
    """What counts as a response: a scale, a limb, a visit and how much better a person must be there."""

    phase: Name | None = described("Phase in which it is looked at; left out, the first.", default=None)
    scale: ScaleName = described("Scale.")
    limb: LimbName | None = described("Limb; left out for scales of the whole person.", default=None)
    visit_h: Hours | None = described(
        "Visit at which a response is looked for; left out, the last of the phase.", alias="visit", default=None
    )
    improvement: Positive | Literal["minimal important change"] | None = described(
        "Least improvement from the first visit, in units of the scale, or its minimal important change where a "
        "record has one; left out, one step of the scale.",
        default=None,
    )

    def _problems(self) -> Iterable[Problem]:
        found = limb_fits(self.scale, self.limb)
        if isinstance(self.improvement, float):
            found += on_scale(self.scale, self.improvement, "improvement", is_difference=True)
        if self.improvement == IMPORTANT:
            found += important_fits(self.scale)
        return found
