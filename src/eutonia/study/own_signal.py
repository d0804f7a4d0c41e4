"""The own signal of a limb, lowered by a share for a while: what it would bring if a person had learned it.

Equation
    D_lowered = D (1 - s)
with s the share that the person is taken to have lowered the bias of the limb by, from the start to the stop.
Assumptions: at once and in everybody, so this is a what-if; who can learn it, and how slowly, is `tone.learning`.
Source: Thompson 2022 for how far training of the H reflex goes after a stroke; that it reaches tone is assumed.

Not for
    The H reflex itself, strength, skill or gait.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field, Strict

from eutonia.study.fields import Hours, described
from eutonia.study.studyfile import Problem
from eutonia.study.treatments import Treatment
from eutonia.study.vocabulary import LimbName, largest_own_lowering

if TYPE_CHECKING:
    from eutonia.treatment import Effects


class OwnSignalTreatment(Treatment):
    """The signal of one limb, lowered by a share."""

    route: Literal["own signal"] = described("The own signal of a limb, lowered as if it had been learned.")
    limb: LimbName = described("Limb whose signal is lowered.")
    lowered: Annotated[float, Strict(), Field(ge=0, allow_inf_nan=False)] = described(
        "Share of the lesion's signal that is taken off, such as 0.10."
    )
    start_h: Hours = described("From when on, time in the phase, or since the onset.", alias="start")
    stop_h: Hours | None = described("Until when; left out, to the end.", alias="stop", default=None)

    amount_key: ClassVar[str] = "lowered"
    dose_unit: ClassVar[str] = ""
    caveat: ClassVar[str] = (
        "The own signal is taken to be lower at once and in everybody; half of the people who train for it learn it, "
        "over months, and that it reaches tone is assumed."
    )
    sources: ClassVar[tuple[str, ...]] = ("Thompson_2022",)

    @property
    def name(self) -> str:
        """What it is, in words."""
        return f"own signal of the {self.limb} lowered by {self.lowered:.0%}"

    def effects(self, state: int, is_given: bool) -> Effects:
        """Return the share of the bias that is left while it holds; `state` is the number of people."""
        from eutonia.treatment import Effects

        return Effects.on(state, self.limb, bias_kept=1.0 - self.lowered) if is_given else Effects.none(state)

    def _problems(self) -> Iterable[Problem]:
        limit = largest_own_lowering()
        if self.lowered > limit.value:
            why = f"{limit.label} is {limit.text} ({limit.source}); nobody is known to have lowered more."
            yield Problem(("lowered",), why, self.lowered, f"at most {limit.text}", do="Lower it; 0.10 is a tenth.")
