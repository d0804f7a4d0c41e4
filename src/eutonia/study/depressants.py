"""What makes the brain sleepy beside baclofen: nothing of tone, and what baclofen does to alertness counts for more.

Equation
    L' = f k C      of drowsiness, confusion and coma (`drug.effect.adverse`), while it is taken
Assumptions: one factor for everybody and any amount, which nobody has measured; it is there from the start to the stop.
Not for
    Breathing, falls, driving; what it does by itself, of which no number is on record.
"""

from __future__ import annotations

from typing import ClassVar

from eutonia.study.fields import Hours, described
from eutonia.study.no_size import NoEffect


class Depressant(NoEffect):
    """Something that is taken for a time."""

    start_h: Hours = described("From when on, time in the phase, or since the onset.", alias="start")
    stop_h: Hours | None = described("Until when; left out, to the end.", alias="stop", default=None)

    harms: ClassVar[str | None] = "depressants"
    deepens: ClassVar[bool] = True

    @property
    def alone_in(self) -> str | None:
        """It is taken or not: two of it would count twice."""
        return "person"
