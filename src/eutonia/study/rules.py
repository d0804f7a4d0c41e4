"""Stop rules that clinics have: a sign that holds or lowers the dose, whatever else a policy says."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from jaxtyping import Float

from eutonia import parameters
from eutonia.study import vocabulary
from eutonia.study.fields import Named, Part, Positive, ScaleName, described
from eutonia.study.scales import fall_fits
from eutonia.study.studyfile import Problem
from eutonia.study.vocabulary import LimbName

if TYPE_CHECKING:
    from eutonia.study.policies import History

Patients = Float[np.ndarray, " patient"]
SignName = Annotated[str, Named("sign", vocabulary.signs)]


class StopRule(Part):
    """One sign, and what the clinic does on it. No rule ever raises a dose."""

    sign: SignName = described(
        'A reported reaction; "loose leg" (normal Ashworth throughout the leg, no tendon reflex); "lost stance" (the '
        'leg no longer carries, and did); or "enough": a score has fallen as far as the person asked for.'
    )
    then: Literal["hold", "lower"] = described(
        '"hold": no rise while the sign is there; "lower": by a step of the label where it is new, and no rise.'
    )
    scale: ScaleName | None = described('Scale of "enough".', default=None)
    limb: LimbName | None = described('Limb of "enough".', default=None)
    fall: Positive | None = described('Fall from the score before treatment that is "enough".', default=None)

    @property
    def looks_at(self) -> tuple[str, str | None] | None:
        """The scale and limb that it looks at, if any."""
        return None if self.scale is None else (self.scale, self.limb)

    def _problems(self) -> Iterable[Problem]:
        found: list[Problem] = []
        wanted = self.sign == "enough"
        for key in ("scale", "fall"):
            value = getattr(self, key)
            if (value is not None) != wanted:
                why = f'The sign "{self.sign}" {"needs" if wanted else "has no"} {key}.'
                found.append(Problem((key,), why, value, do=f"{'Add' if wanted else 'Remove'} the key {key}."))
        if wanted and self.then == "lower":
            why = "What is enough is enough: the dose is held."
            found.append(Problem(("then",), why, self.then, '"hold"', do='Write then = "hold".'))
        if not found and self.scale is not None and self.fall is not None:
            found = fall_fits(self.scale, self.limb, self.fall, "limb mean")
        return found

    def heeded(self, history: History, proposed: Patients) -> Patients:
        """Return what is given of a proposed dose."""
        from eutonia.assessment.reading import ROUNDING, score_fall

        if self.sign == "enough":
            assert self.scale is not None
            assert self.fall is not None
            assert history.before is not None
            fell = score_fall(history.before, history.seen, self.scale, self.limb, "limb mean")
            here = fell >= self.fall - ROUNDING
        else:
            here = history.signs[self.sign]
        held = np.where(here, np.minimum(proposed, history.amount), proposed)
        if self.then == "hold":
            return held
        down = 1.0 - parameters.load("label_dosing").value("decrease_step", "1")
        return np.where(history.new(self.sign), np.minimum(held, history.amount * down), held)
