"""What a scale is: what it is called, its ends, which way is worse, its unit, what is normal, and how it is scored."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from eutonia import parameters

if TYPE_CHECKING:
    from jaxtyping import Array
    from numpy.typing import ArrayLike

    from eutonia.assessment.scoring import ChartConstants, Look

Kind = Literal["ordinal", "count", "continuous", "signs"]


@dataclass(frozen=True, slots=True)
class Scale:
    """One clinical scale. Study, analysis, trial and report read it here, and nowhere else.

    Parameters
    ----------
    key : str
        Its name in study files, its column in tables and its variable in a course.
    label, meaning : str
        Its name, and what its numbers mean, both in plain words.
    explained : str
        How it is taken and what its numbers tell, for somebody who has never heard of it; a sentence without its stop.
    lowest, highest : float
        Its ends, in `unit`; infinite where it has none.
    kind : str
        "ordinal" (grades), "count", "continuous" (a measurement), or "signs" (a list, no score).
    score : function or None
        From a `Look` to the scores, shaped as `per` says; None for signs.
    per : str
        "person", "limb" or "muscle": what has a score; a muscle's is averaged over the limb too.
    latent, latent_of : functions or None
        The continuous measure behind the score, from a noiseless `Look`, and the level of it that a charted score
        stands for. Left out, they are the score itself.
    grades : tuple of (str, float)
        Grades that are charted as words, and the number that each counts in averages: ("1+", 1.5).
    noise : function or None
        From `ChartConstants` to the SD that raters and reports add to one person's score; None for a measurement.
    luck : str
        Whose luck it meets: the "rater" who stretches, what people "report", or draws of its "own".
    expected : function or None
        The mean score over raters, from a noiseless `Look`: smooth where the score is not.
    constants : function or None
        Reads what `score` needs of parameter records; the `Look` holds it under `own`.
    sources : tuple of str
        Where the scale was published: keys of sources.bib, references as text, or "assumption".
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
    is_main : bool
        Whether a page shows it to everybody, unfolded.
    """

    key: str
    label: str
    meaning: str
    lowest: float
    highest: float
    kind: Kind
    score: Callable[[Look], Array] | None
    per: Literal["person", "limb", "muscle"] = "person"
    latent: Callable[[Look], Array] | None = None
    latent_of: Callable[[float], float] | None = None
    grades: tuple[tuple[str, float], ...] = ()
    noise: Callable[[ChartConstants], float] | None = None
    luck: Literal["rater", "report", "own"] = "own"
    expected: Callable[[Look], Array] | None = None
    constants: Callable[[], Any] | None = None
    sources: tuple[str, ...] = ()
    normal: float | None = None
    unit: str = "score"
    step: float = 1.0
    worse: int = 1
    lost_below: float | None = None
    spastic: float | None = None
    important: str = ""
    caveat: str = ""
    is_main: bool = True
    explained: str = ""

    @property
    def is_score(self) -> bool:
        """Whether it is a number; a list of signs is none."""
        return self.kind != "signs"

    @property
    def of_limb(self) -> bool:
        """Whether each limb has a score."""
        return self.per != "person"

    @property
    def of_muscles(self) -> bool:
        """Whether each muscle group has a score."""
        return self.per == "muscle"

    @property
    def ends(self) -> str:
        """Return its ends in words: "1 to 5", or "0 or more"."""
        return f"{self.lowest:g} or more" if math.isinf(self.highest) else f"{self.lowest:g} to {self.highest:g}"

    def better(self, before: ArrayLike, after: ArrayLike) -> np.ndarray:
        """Return by how much scores are better than others; what lies on the good side of normal counts as normal."""
        values = self.worse * np.asarray(before), self.worse * np.asarray(after)
        if self.normal is not None:
            values = np.maximum(values[0], self.worse * self.normal), np.maximum(values[1], self.worse * self.normal)
        return np.asarray(values[0] - values[1])

    def number(self, charted: float | str) -> float | None:
        """Return the number of a charted score or grade; None for a word that is no grade of this scale."""
        grades: Mapping[object, float] = dict(self.grades)
        return grades.get(charted) if isinstance(charted, str) else float(charted)

    def important_change(self, limb: str | None) -> float | None:
        """Return the minimal important change, in `unit`; None where no record has one."""
        if not self.important:
            return None
        return parameters.load("trial").value(self.important.format(limb=limb), "score")
