"""Selective neurotomy: given and told, with no effect on tone, for no size is on record.

Source: none with a number.

Not for
    Weakness, wounds, what comes back when nerves grow again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from eutonia.study.fields import Hours, described
from eutonia.study.treatments import Treatment
from eutonia.study.vocabulary import LimbName

if TYPE_CHECKING:
    from eutonia.treatment import Effects


class NeurotomyTreatment(Treatment):
    """A part of a motor nerve of one limb, cut for good."""

    route: Literal["neurotomy"] = described("Selective neurotomy.")
    limb: LimbName = described("Limb whose nerve is treated.")
    at_h: Hours = described("When, time in the phase, or since the onset.", alias="at")

    begins_key: ClassVar[str] = "at"
    lasts: ClassVar[bool] = False

    dose_unit: ClassVar[str] = ""
    sources: ClassVar[tuple[str, ...]] = ("assumption",)
    example: ClassVar[Mapping[str, Any]] = {"limb": "leg", "at": "0 hour"}
    caveat: ClassVar[str] = (
        "No effect of a neurotomy on tone or strength is modelled, and no harm: no size of any is on record here."
    )

    def effects(self, state: int, is_given: bool) -> Effects:
        """Return no effect: no size of one is on record; `state` is the number of people."""
        from eutonia.treatment import Effects

        return Effects.none(state)
