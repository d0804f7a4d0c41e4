"""Every scale in one place: what it is called, its ends, which way is worse, its unit, what is normal, what it misses.

A study checks scores by it, an analysis takes what is normal from it, a report its words and its axis. The key of a
scale is the field of the `Chart` that holds its score, its column in tables and its variable in a course.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Scale:
    """One clinical scale.

    Parameters
    ----------
    label, meaning : str
        Its name, and what its numbers mean, both in plain words.
    lowest, highest : float
        Its ends, in `unit`; infinite where it has none.
    normal : float or None
        What a healthy person has; None where that depends on the person.
    unit : str
        Unit of its numbers; "score" for grades, "1" for a ratio.
    step : float
        Change by which a person counts as responding where a study says nothing else, in `unit`.
    worse : int
        1 where a larger number is worse, -1 where a smaller one is.
    lost_below : float or None
        Level below which something that a person had is lost; None where a worsening by `step` counts.
    spastic : float or None
        Score from which a muscle group counts as spastic; None where muscle groups have none.
    important : str
        Records of the set "trial" that hold its minimal important change; "{limb}" stands for the limb. Empty: none.
    caveat : str
        What the model of it misses, said wherever it is drawn.
    """

    label: str
    meaning: str
    lowest: float
    highest: float
    normal: float | None = None
    unit: str = "score"
    step: float = 1.0
    worse: int = 1
    of_limb: bool = False
    of_muscles: bool = False
    is_score: bool = True
    lost_below: float | None = None
    spastic: float | None = None
    important: str = ""
    caveat: str = ""

    @property
    def ends(self) -> str:
        """Return its ends in words: "1 to 5", or "0 or more"."""
        return f"{self.lowest:g} or more" if math.isinf(self.highest) else f"{self.lowest:g} to {self.highest:g}"

    def important_change(self, limb: str | None) -> float | None:
        """Return the minimal important change, in `unit`; None where no record has one."""
        if not self.important:
            return None
        from eutonia import parameters

        return parameters.load("trial").value(self.important.format(limb=limb), "score")


_ON_STRENGTH = (
    "Made of strength and tone alone: nothing of balance, of sensation, of being unwell, or of the first days after a "
    "stroke. Trust its direction, not its size."
)

SCALES: Mapping[str, Scale] = MappingProxyType(
    {
        "ashworth": Scale(
            "Ashworth",
            "Ashworth 1 (normal) to 5",
            1.0,
            5.0,
            normal=1.0,
            of_limb=True,
            of_muscles=True,
            spastic=3.0,
        ),
        "modified_ashworth": Scale(
            "Modified Ashworth",
            "modified Ashworth 0 to 4, where 1+ counts 1.5",
            0.0,
            4.0,
            normal=0.0,
            of_limb=True,
            of_muscles=True,
            spastic=2.0,
            important="minimal_important_change_{limb}",
        ),
        "reflex": Scale("Tendon reflex", "tendon reflex 0 to 5, 2 is normal", 0.0, 5.0, normal=2.0, of_limb=True),
        "spasm": Scale("Spasm frequency", "Penn spasm frequency 0 to 4", 0.0, 4.0, normal=0.0, of_limb=True),
        "h_reflex": Scale(
            "H-reflex", "largest H as a share of the largest M", 0.0, 1.0, unit="1", step=0.1, of_limb=True
        ),
        "stance_support": Scale(
            "Stance support",
            "stance support, 1 or more carries the body",
            0.0,
            math.inf,
            unit="1",
            step=0.1,
            worse=-1,
            lost_below=1.0,
            caveat=_ON_STRENGTH,
        ),
        "walking_speed": Scale(
            "Walking speed",
            "comfortable walking speed in m/s",
            0.0,
            math.inf,
            unit="m/s",
            step=0.1,
            worse=-1,
            caveat=f"{_ON_STRENGTH} A leg that has lost its support (stance support below 1) keeps its speed here.",
        ),
        "pain": Scale("Pain", "pain 0 to 10", 0.0, 10.0, normal=0.0),
        "adverse": Scale("Adverse reactions", "adverse effects, a list of signs", 0.0, 1.0, is_score=False),
    }
)


def names() -> Mapping[str, str]:
    """Return every name that a study file may use for a scale, and its key: "walking" is what files before the split of
    stance and speed wrote, and meant the stance.
    """
    return {**{key: key for key in SCALES}, "walking": "stance_support"}
